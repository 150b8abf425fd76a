"""What hardtack answers in the cases in which it differs from wasmtime's own WASI on purpose.

The reasons stand in the kernel's table (`system_calls.DIFFERS`), a row a call.
"""

from __future__ import annotations

from typing import NamedTuple


class Differs(NamedTuple):
    """A case's calls, its exit code and its output."""

    calls: tuple[str, ...]
    exit_code: int
    stdout: str


def _flags(verb: str, before: str) -> str:
    return "".join(
        f"{verb}: 0\n  {before}: 0\n  type 4 flags {flags} read 1 write 1\n" for flags in (1, 2, 4, 8, 16)
    )


CASES = {
    "clock_cpu_time": Differs(
        ("clock_res_get", "clock_time_get"),
        0,
        "resolution, process: 0\nresolution, thread: 0\ntime, process: 0\ntime, thread: 0\n",
    ),
    "clock_cpu_time_goes_on": Differs(
        ("clock_time_get",), 0, "process: 0\nprocess: 0\n  forward, sane\nthread: 0\n  the same clock\n"
    ),
    "open_with_flags": Differs(("path_open",), 0, _flags("open", "flags")),
    "set_flags": Differs(
        ("fd_fdstat_set_flags",),
        0,
        "set_flags: 0\n  now: 0\n  type 4 flags 0 read 1 write 1\n"
        + _flags("set_flags", "now")
        + "of a directory: 8 BADF\n",
    ),
    "flags_that_synchronise_do_not_change_what_is_written": Differs(
        ("path_open",), 0, "open: 0\nwrite: 0\n  wrote 4\n" * 3 + "read it: 0\n"
    ),
    "sync_of_directories": Differs(
        ("fd_sync", "fd_datasync"), 0, "sync: 0\ndatasync: 0\nsync of the root: 0\n"
    ),
    "signals_that_are_ignored_and_those_that_stop": Differs(
        ("proc_raise",),
        0,
        "".join(f"signal {number}: 0\n" for number in (0, 16, 17, 22, 27))
        + "".join(f"signal {number}: 58 NOTSUP\n" for number in (18, 19, 20, 21)),
    ),
    "poll_tells_how_many_bytes_there_are": Differs(("poll_oneoff",), 0, "poll: 0\n  1 ready, 4 bytes\n"),
    "poll_of_more_than_1024": Differs(("poll_oneoff",), 0, "1024: 0\n1025: 28 INVAL\n"),
    "what_a_reader_makes_or_cuts_is_not_written": Differs(
        ("path_open",),
        0,
        "write: 8 BADF\nset_size: 28 INVAL\nset_size of what was cut: 28 INVAL\n"
        "lstat a: 0\n  type 4 size 0 links 1\n",
    ),
    "signal_abrt_ends": Differs(("proc_raise",), 134, "before\n"),
}

# What wasmtime cannot show, since it has no sockets: tests/kernel/test_sockets.py and test_host_sockets.py do.
ON_SOCKETS = {"fd_prestat_get", "sock_accept", "sock_recv", "sock_send", "sock_shutdown"}

# What only directories of the host answer otherwise, as lines of whole cases.
ON_THE_HOST = {
    "poll_tells_how_many_bytes_there_are": Differs(("poll_oneoff",), 0, "poll: 0\n  1 ready, 1 bytes\n"),
    "symlink_out_of_the_root": Differs(
        ("path_symlink",),
        0,
        "symlink .. up: 63 PERM\nsymlink ../x l: 63 PERM\nsymlink ../../x d/l: 63 PERM\n"
        "up: 44 NOENT\nup/x: 44 NOENT\nl: 44 NOENT\nl CREAT: 0\nd/l: 44 NOENT\n"
        "stat l: 0\n  type 4 size 0 links 1\nlstat l: 0\n  type 4 size 0 links 1\nreadlink l: 28 INVAL\n",
    ),
    "seek_to_overflow": Differs(
        ("fd_seek",),
        0,
        "".join(f"seek {-(1 << 63)} {whence}: 28 INVAL\n" for whence in ("SET", "CUR", "END"))
        + f"seek {(1 << 63) - 1} SET: 28 INVAL\nseek 0 SET: 0\n  position 0\n",
    ),
}


def as_on_the_host(name: str, line: str) -> bool:
    """Tell whether a line of the matrix is there on the host, too: a link that leads out cannot be made there."""
    return not (name.startswith("matrix_") and '"up' in line)
