"""THE table: every system call with its number, its names, its bound, and what is missing of it.

A bound is an expression over the call's arguments: the most bytes that the call can have allocated at any
one moment, above what was live when it began, its steps aside (`steps`).
Each is what `hardtack bound` found in the handler's source (`bounds`). It clips its symbols (`min`), so that
putting in the largest arguments gives its constant maximum, with which the border tries first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.kernel import bounds, calls, calls_poll, calls_process, calls_sockets, calls_spawn
from hardtack.kernel.params import MAX_POLL

if TYPE_CHECKING:
    from collections.abc import Callable

PREVIEW1: Final = "wasi_snapshot_preview1"
POSIX: Final = "posix"
_FOUND: Final = bounds.read(bounds.path())


@dataclass(frozen=True, slots=True)
class Row:
    """One system call.

    Attributes:
        number: its place in the table.
        module: the WebAssembly module that guests import it from.
        name: its name there.
        parameters: its arguments' names after the process, each with its type: "fd:i offset:I".
        handler: the function that does it.
        missing: what of the specification is not there yet, or "".
        maximum: the bound's value for the largest arguments, in bytes.
        bound: the bound's value for the process and the arguments given, in bytes.
        always: it is let in without a reservation of its own, on memory set aside: leaving never waits.
        step: the handler that does the next part of it, where there is no room for all; None for a call
            that cannot be made in parts.
        step_bound: as bound, of such a step.
    """

    number: int
    module: str
    name: str
    parameters: str
    handler: Callable[..., int]
    missing: str
    maximum: int
    bound: Callable[..., int]
    always: bool
    step: Callable[..., int] | None
    step_bound: Callable[..., int]

    @property
    def signature(self) -> str:
        """Return the types of the arguments: "i" for i32, "I" for i64, one letter each."""
        return "".join(parameter.split(":")[1] for parameter in self.parameters.split())


_MOST: Final = {"i": (1 << 32) - 1, "I": (1 << 64) - 1}  # of an argument


def _row(
    number: int, module: str, name: str, parameters: str, handler: Callable[..., int], missing: str
) -> Row:
    most = largest_arguments(parameters)
    peak = _FOUND[target(handler)]
    bound = bounds.compile_bound(peak, list(most))
    step = _STEPS.get(name)
    step_bound = bound if step is None else bounds.compile_bound(_FOUND[target(step)], list(most))
    row = (number, module, name, parameters, handler, missing, bounds.largest(peak, most), bound)
    return Row(*row, name in _ALWAYS, step, step_bound)


def largest_arguments(parameters: str) -> dict[str, int]:
    """Return the largest value of each argument of a call, by its name; the process counts nothing."""
    return {"process": 0} | {one.split(":")[0]: _MOST[one.split(":")[1]] for one in parameters.split()}


def target(handler: Callable[..., int]) -> str:
    """Return what `hardtack bound` calls a handler."""
    return f"{handler.__module__}:{handler.__name__}"


_ALWAYS: Final = {"proc_exit"}
_STEPS: Final[dict[str, Callable[..., int]]] = {
    "fd_write": calls.fd_write_step,
    "fd_pwrite": calls.fd_pwrite_step,
    "sock_send": calls_sockets.sock_send_step,
}

_ROWS: Final[list[tuple[str, str, Callable[..., int], str]]] = [
    ("args_get", "pointers:i start:i", calls.args_get, ""),
    ("args_sizes_get", "count:i size:i", calls.args_sizes_get, ""),
    ("environ_get", "pointers:i start:i", calls.environ_get, ""),
    ("environ_sizes_get", "count:i size:i", calls.environ_sizes_get, ""),
    ("clock_res_get", "clock:i out:i", calls.clock_res_get, ""),
    ("clock_time_get", "clock:i precision:I out:i", calls.clock_time_get, ""),
    ("fd_advise", "fd:i offset:I length:I advice:i", calls.fd_advise, ""),
    ("fd_allocate", "fd:i offset:I length:I", calls.fd_allocate, "refused, as by wasmtime"),
    ("fd_close", "fd:i", calls.fd_close, ""),
    ("fd_datasync", "fd:i", calls.fd_datasync, ""),
    ("fd_fdstat_get", "fd:i out:i", calls.fd_fdstat_get, ""),
    ("fd_fdstat_set_flags", "fd:i flags:i", calls.fd_fdstat_set_flags, ""),
    (
        "fd_fdstat_set_rights",
        "fd:i rights:I inheriting:I",
        calls.fd_fdstat_set_rights,
        "refused, as by wasmtime: nobody keeps rights but those to read and write",
    ),
    ("fd_filestat_get", "fd:i out:i", calls.fd_filestat_get, ""),
    ("fd_filestat_set_size", "fd:i size:I", calls.fd_filestat_set_size, ""),
    ("fd_filestat_set_times", "fd:i atime:I mtime:I flags:i", calls.fd_filestat_set_times, ""),
    ("fd_pread", "fd:i vectors:i count:i offset:I out:i", calls.fd_pread, ""),
    ("fd_prestat_get", "fd:i out:i", calls.fd_prestat_get, ""),
    ("fd_prestat_dir_name", "fd:i start:i size:i", calls.fd_prestat_dir_name, ""),
    ("fd_pwrite", "fd:i vectors:i count:i offset:I out:i", calls.fd_pwrite, ""),
    ("fd_read", "fd:i vectors:i count:i out:i", calls.fd_read, ""),
    ("fd_readdir", "fd:i start:i size:i cookie:I out:i", calls.fd_readdir, ""),
    ("fd_renumber", "fd:i to:i", calls.fd_renumber, ""),
    ("fd_seek", "fd:i offset:I whence:i out:i", calls.fd_seek, ""),
    ("fd_sync", "fd:i", calls.fd_sync, ""),
    ("fd_tell", "fd:i out:i", calls.fd_tell, ""),
    ("fd_write", "fd:i vectors:i count:i out:i", calls.fd_write, ""),
    ("path_create_directory", "fd:i start:i size:i", calls.path_create_directory, ""),
    ("path_filestat_get", "fd:i lookup:i start:i size:i out:i", calls.path_filestat_get, ""),
    (
        "path_filestat_set_times",
        "fd:i lookup:i start:i size:i atime:I mtime:I flags:i",
        calls.path_filestat_set_times,
        "",
    ),
    (
        "path_link",
        "fd:i lookup:i start:i size:i to_fd:i to_start:i to_size:i",
        calls.path_link,
        "",
    ),
    (
        "path_open",
        "fd:i lookup:i start:i size:i oflags:i rights:I inheriting:I flags:i out:i",
        calls.path_open,
        "",
    ),
    ("path_readlink", "fd:i start:i size:i buffer:i room:i out:i", calls.path_readlink, ""),
    ("path_remove_directory", "fd:i start:i size:i", calls.path_remove_directory, ""),
    ("path_rename", "fd:i start:i size:i to_fd:i to_start:i to_size:i", calls.path_rename, ""),
    (
        "path_symlink",
        "target:i target_size:i fd:i start:i size:i",
        calls.path_symlink,
        "",
    ),
    ("path_unlink_file", "fd:i start:i size:i", calls.path_unlink_file, ""),
    ("poll_oneoff", "subscriptions:i events:i count:i out:i", calls_poll.poll_oneoff, ""),
    ("proc_exit", "status:i", calls_process.proc_exit, ""),
    ("proc_raise", "signal:i", calls_process.proc_raise, ""),
    ("random_get", "start:i size:i", calls.random_get, ""),
    ("sched_yield", "", calls_process.sched_yield, ""),
    ("sock_accept", "fd:i flags:i out:i", calls_sockets.sock_accept, ""),
    (
        "sock_recv",
        "fd:i vectors:i count:i flags:i out:i out_flags:i",
        calls_sockets.sock_recv,
        "",
    ),
    ("sock_send", "fd:i vectors:i count:i flags:i out:i", calls_sockets.sock_send, ""),
    ("sock_shutdown", "fd:i how:i", calls_sockets.sock_shutdown, ""),
]
_POSIX_ROWS: Final[list[tuple[str, str, Callable[..., int], str]]] = [
    ("chdir", "start:i size:i", calls_process.chdir, ""),
    ("dup", "fd:i out:i", calls_process.dup, ""),
    ("dup2", "fd:i to:i", calls_process.dup2, ""),
    (
        "exec",
        "path:i path_size:i arguments:i arguments_size:i environment:i environment_size:i",
        calls_spawn.exec_,
        "",
    ),
    ("fork", "out:i", calls_spawn.fork, ""),
    ("getcwd", "start:i size:i out:i", calls_process.getcwd, ""),
    ("getpid", "out:i", calls_process.getpid, ""),
    ("getppid", "out:i", calls_process.getppid, ""),
    ("kill", "pid:i signal:i", calls_process.kill, "handlers: every signal ends a process"),
    ("pipe", "out:i", calls_process.pipe, ""),
    (
        "spawn",
        "path:i path_size:i arguments:i arguments_size:i environment:i environment_size:i"
        " descriptor_map:i map_count:i directory:i directory_size:i out:i",
        calls_spawn.spawn,
        "",
    ),
    ("waitpid", "pid:i options:i status:i out:i", calls_process.waitpid, "process groups"),
    ("socket", "domain:i kind:i out:i", calls_sockets.socket, ""),
    ("socketpair", "domain:i kind:i out:i", calls_sockets.socketpair, ""),
    ("bind", "fd:i address:i size:i", calls_sockets.bind, ""),
    ("listen", "fd:i backlog:i", calls_sockets.listen, ""),
    ("connect", "fd:i address:i size:i", calls_sockets.connect, ""),
]

# Where a call answers otherwise than wasmtime's own WASI, on purpose; tests/wasi/differs.py.
DIFFERS: Final[dict[str, str]] = {
    "clock_time_get": "the processor time of a process, from when it first asks (wasmtime: EBADF)",
    "clock_res_get": "likewise; a clock that does not exist is EINVAL (wasmtime: a trap)",
    "fd_sync": "directories too (wasmtime: EBADF), whose names are brought to the disk",
    "fd_datasync": "likewise",
    "fd_fdstat_set_flags": "takes dsync, rsync and sync, and keeps to them (wasmtime: EINVAL)",
    "path_open": "likewise (wasmtime: ENOTSUP); what is opened to be read is not written, even where that "
    "made or cut it (wasmtime: it can be)",
    "fd_seek": "in files of the host, to where the host's file system has no place is EINVAL",
    "path_symlink": "in directories of the host, EPERM for a link that would lead out (wasmtime makes it)",
    "fd_prestat_get": "a listening socket has a type of its own, so that a search for directories goes on",
    "poll_oneoff": "tells of all that is ready (wasmtime: of some), and how many bytes there are (but "
    f"for files of the host); more than {MAX_POLL:,} subscriptions are EINVAL",
    "proc_raise": "ends the process by the signal; those that stop are ENOTSUP, as all are in wasmtime",
    "sock_accept": "accepts at sockets of the kernel and of --tcplisten (wasmtime has none to accept at)",
    "sock_recv": "reads from them; RECV_WAITALL from a client of the host is ENOTSUP",
    "sock_send": "writes to them",
    "sock_shutdown": "ends their directions",
}

TABLE: Final[tuple[Row, ...]] = tuple(
    _row(number, module, *row)
    for number, (module, row) in enumerate(
        [(PREVIEW1, row) for row in _ROWS] + [(POSIX, row) for row in _POSIX_ROWS]
    )
)
_BY_NAME: Final = {row.name: row for row in TABLE}


def by_name(name: str) -> Row:
    """Return the row of a system call.

    Raises:
        KeyError: if there is none.
    """
    return _BY_NAME[name]


def targets() -> set[str]:
    """Return what `hardtack bound` calls the handlers, and the steps of those that can be made in parts."""
    handlers = [one for row in TABLE for one in (row.handler, row.step) if one is not None]
    return {*map(target, handlers)}
