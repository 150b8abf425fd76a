"""`hardtack run`: one program under a kernel of its own, with this process's streams.

Under `fail`, `panic` and `wait` the kernel may take its process with it, so the same command runs once more
in a child, under a watchdog.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import complain
from hardtack.cli.outsides import Wanted, make_header, with_hash_seed
from hardtack.cli.parameters import (
    address,
    assignment,
    count,
    directories,
    disk,
    mount,
    named,
    seconds,
    size,
    trace_option,
)
from hardtack.cli.process import Interruptible
from hardtack.cli.progress import shown_if_long
from hardtack.errors import HardtackError, KernelError
from hardtack.kernel.process import NOT_STARTED_STATUS
from hardtack.units import format_bytes

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from hardtack.heap import Policy
    from hardtack.runtime import Kernel, Result

OWN_ERROR: Final = 1


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  hardtack run /bin/sh -c 'echo hello | wc'
  hardtack run --heap 16MiB --dir data::/data --timeout 10 program.wasm /data/input
  hardtack run --tcplisten 127.0.0.1:8080 --dir .::/www /bin/httpd /www
  hardtack run --heap 16MiB --stats /bin/fdhog

\b
Exit status: the program's own, modulo 256, or
  137  it was killed: the heap was full, its time or its processor time was over
  134  it trapped
  130  Ctrl-C
    2  wrong use
    1  an error of hardtack's: no such program, no program, a kernel that died of its policy

Where the reader of its output is gone, the program's writes meet EPIPE. Programs can start the built-in ones,
and .wasm files in their file systems; those of more than 256 KiB only when the host has run them before.""",
)
@click.option(
    "--heap",
    type=size,
    metavar="SIZE",
    default="64MiB",
    show_default=True,
    help="Capacity of the kernel's heap.",
)
@click.option(
    "--memory",
    type=size,
    metavar="SIZE",
    default="1GiB",
    show_default=True,
    help="Capacity of user memory: the programs' linear memories, stacks and arguments.",
)
@click.option(
    "--fs-size",
    type=size,
    metavar="SIZE",
    help="Capacity of the file system in memory, a part of the heap.  [default: half the heap]",
)
@click.option(
    "--dir",
    "mounts",
    type=mount,
    metavar="HOST[::GUEST]",
    multiple=True,
    help="Give the program a directory of the host, under another name if one is given. Repeatable. "
    "Called . or / it is all that a program sees of files: what is in memory, /proc and /dev are hidden.",
)
@click.option(
    "--disk",
    type=disk,
    metavar="FILE[::GUEST]",
    help="Give the program a durable file system that is one file of the host, as /disk or another name. "
    "The file is made if it is not there.",
)
@click.option(
    "--disk-size",
    type=size,
    metavar="SIZE",
    default="1GiB",
    show_default=True,
    help="The most bytes of that file.",
)
@click.option(
    "--env",
    type=assignment,
    metavar="K=V",
    multiple=True,
    help="Set a variable of its environment, which is empty otherwise. Repeatable.",
)
@click.option(
    "--tcplisten",
    type=address,
    metavar="ADDR:PORT",
    multiple=True,
    help="Let it accept connections there, at descriptor 3 and the next ones. Repeatable.",
)
@click.option(
    "--stdin", type=named, metavar="FILE", help="What it reads, instead of this command's standard input (-)."
)
@click.option(
    "--timeout",
    type=seconds,
    metavar="SECONDS",
    help="Kill it after so many seconds, asleep or not; compiling it counts.",
)
@click.option("--cpu", type=seconds, metavar="SECONDS", help="Kill it after so much processor time.")
@click.option(
    "--descriptors",
    type=count,
    metavar="N",
    help="Descriptors that each of its processes may have; beyond them EMFILE.",
)
@click.option(
    "--processes", type=count, metavar="N", help="Processes that may exist at once; beyond them EAGAIN."
)
@click.option(
    "--table-elements",
    type=count,
    metavar="N",
    help="Elements that each of its tables may have.  [default: 65536]",
)
@click.option(
    "--output",
    type=size,
    metavar="SIZE",
    help="Bytes that it may write to its standard output, and to its standard error; beyond them ENOSPC.",
)
@click.option(
    "--disk-limit",
    type=size,
    metavar="SIZE",
    help="Bytes that it may make files grow by, in memory and on the --disk; beyond them ENOSPC. Names "
    "count, and files as they lie there, with their nodes; a write needs room for the most that it might "
    "take: so less than 24KiB lets no file in memory grow, less than 2KiB none on the --disk.",
)
@click.option(
    "--compile-memory",
    type=size,
    metavar="SIZE",
    help="Bytes that a process which compiles it may take.  [default: 2GiB]",
)
@click.option(
    "--compile-cpu",
    type=seconds,
    metavar="SECONDS",
    help="Processor time that it may take.  [default: 120]",
)
@click.option(
    "--on-exhaustion",
    "policy",
    type=click.Choice(["reserve", "fail", "panic", "wait"]),
    default="reserve",
    show_default=True,
    help="What a full heap means. All but the first are there to be looked at: see `hardtack demo`.",
)
@click.option(
    "--deterministic",
    "seed",
    type=count,
    metavar="SEED",
    help="Give it a virtual clock, which jumps while all sleep, and random bytes from SEED; read its input "
    "first. The same program then takes the same turns. Without --cpu, --output, --tcplisten; a full heap "
    "means to reserve.",
)
@click.option(
    "--record",
    type=named,
    metavar="FILE",
    help="Record all that comes from outside into FILE, for `hardtack replay`. Without --cpu, --output, "
    "--disk; a full heap means to reserve.",
)
@trace_option
@click.option(
    "--stats",
    is_flag=True,
    help="At the end, print the kernel's books to standard error, and which limits were met.",
)
@click.option("--signs-fd", type=int, hidden=True)
@click.argument("program", type=named)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    given: list[str],
    heap: int,
    memory: int,
    fs_size: int | None,
    mounts: tuple[tuple[str, str], ...],
    disk: tuple[str, str] | None,
    disk_size: int,
    env: tuple[tuple[str, str], ...],
    tcplisten: tuple[str, ...],
    stdin: str | None,
    timeout: float | None,
    cpu: float | None,
    descriptors: int | None,
    processes: int | None,
    table_elements: int | None,
    output: int | None,
    disk_limit: int | None,
    compile_memory: int | None,
    compile_cpu: float | None,
    policy: Policy,
    seed: int | None,
    record: str | None,
    trace: Path | int | None,
    stats: bool,
    signs_fd: int | None,
    program: str | os.PathLike[str],
    args: tuple[str, ...],
    files: Mapping[str, bytes] | None = None,
) -> int:
    """Run PROGRAM with its ARGS: a WebAssembly file (WASI preview 1), or a built-in such as /bin/sh.

    Options for hardtack stand before PROGRAM; what follows it is the program's.
    """
    if fs_size is not None and fs_size >= heap:
        raise click.UsageError(
            f"--fs-size {format_bytes(fs_size)} must be less than --heap {format_bytes(heap)}, "
            "of which it is a part"
        )
    disk_name, disk_file = disk or ("/disk", None)
    others = [disk_name] if disk else []
    dirs = directories(mounts, *others)
    wanted = Wanted(seed, record, trace)
    if wanted.steady:
        if policy != "reserve" or cpu is not None or output is not None:
            raise click.UsageError(
                "--deterministic and --record are not for --cpu, --output or --on-exhaustion"
            )
        if (record is not None and disk is not None) or (seed is not None and tcplisten):
            raise click.UsageError("--record is not for --disk, and --deterministic not for --tcplisten")
        with_hash_seed(given, wanted.hash_seed)
    if policy != "reserve" and signs_fd is None:
        return _under_watchdog(given, program)

    from hardtack.limits import Limits
    from hardtack.runtime import Kernel

    limits = {
        "cpu": cpu,
        "wall": timeout,
        "descriptors": descriptors,
        "processes": processes,
        "table_elements": table_elements,
        "output": output,
        "disk": disk_limit,
        "compile_memory": compile_memory,
        "compile_cpu": compile_cpu,
    }
    header = partial(
        make_header,
        program,
        args,
        dict(env),
        files or {},
        [*dirs, *others],
        tcplisten,
        (heap, memory, fs_size),
        limits,
    )
    outside = wanted.make(header)
    started = time.monotonic()
    with (
        Kernel(
            heap,
            memory,
            fs_size=fs_size,
            dirs=dirs,
            disk=disk_file,
            disk_name=disk_name,
            disk_size=disk_size,
            limits=Limits(**limits),  # type: ignore[arg-type] # each has its option's type
            on_exhaustion=policy,
            outside=outside,
            name=None if wanted.steady or policy != "reserve" else kernel_name(program),
        ) as kernel,
        contextlib.closing(outside),
    ):
        with _open_stdin(stdin) as fd, _signs(kernel, signs_fd):
            with (
                _listening(tcplisten) as listen,
                Interruptible(),
                shown_if_long(f"compiling {Path(program).name}"),
            ):
                process = kernel.spawn(
                    program,
                    args,
                    stdin=fd,
                    stdout=1,
                    stderr=2,
                    env=dict(env),
                    listen=listen,
                    files=files,
                )
            limits_met: tuple[str, ...] = ()
            try:
                with Interruptible():
                    result = process.wait()
                limits_met = result.limits_met
            finally:
                if stats:
                    _show_statistics(kernel, limits_met, time.monotonic() - started)
        return tell_status(Path(program).name, result)


def kernel_name(program: str | os.PathLike[str]) -> str | None:
    """Return what a kernel is called in which a program runs; None if it cannot be looked at here."""
    from hardtack.runtime.inspection import can_be_seen

    name = re.sub("[^A-Za-z0-9_.-]", "_", Path(program).stem)[:40] or "run"
    return name if can_be_seen(name) else None


def tell_status(name: str, result: Result) -> int:
    """Say how the program ended, if it did not end by itself; return the status to exit with."""
    if result.killed is not None:
        complain(f"hardtack: {name} was killed: {result.killed}")
    elif result.failure is not None and result.exit_code == NOT_STARTED_STATUS:
        complain(f"hardtack: {name} could not be started: {result.failure}")
        return OWN_ERROR
    elif result.failure is not None:
        complain(f"hardtack: {name} trapped: {result.failure}")
    return result.exit_code


def _show_statistics(kernel: Kernel, limits_met: tuple[str, ...], taken: float) -> None:
    from hardtack.cli.statistics import show_statistics

    show_statistics(kernel.statistics(), limits_met, taken)


# -- streams and sockets
@contextlib.contextmanager
def _listening(addresses: tuple[str, ...]) -> Iterator[list[socket.socket]]:
    """Listen at addresses; say which port the host chose where it was to choose one."""
    from hardtack.runtime.listening import close_all, open_listeners

    listeners = open_listeners(addresses)
    try:
        for text, listener in zip(addresses, listeners, strict=True):
            if text.endswith(":0"):
                complain(f"hardtack: listening at {text[:-1]}{listener.getsockname()[1]}")
        yield listeners
    finally:
        close_all(listeners)


@contextlib.contextmanager
def _open_stdin(path: str | None) -> Iterator[int]:
    if path is None or path == "-":
        yield 0
        return
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.close(fd)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise KernelError(f"--stdin {path}: {error.strerror}") from None
    try:
        yield fd
    finally:
        os.close(fd)


# -- the child under the watchdog, and the watchdog
@contextlib.contextmanager
def _signs(kernel: Kernel, fd: int | None) -> Iterator[None]:
    if fd is None:
        yield
        return
    from hardtack.runtime.watchdog import Signs

    signs = Signs(fd)
    try:
        with signs.given_by(kernel):
            yield
    finally:
        signs.close()


def _under_watchdog(given: list[str], program: str | os.PathLike[str]) -> int:
    from hardtack.runtime.watchdog import Signs, start, watch

    signs = Signs()
    try:
        sys.stdout.flush()
        with Interruptible():
            verdict = watch(
                start("hardtack.cli", ["run", "--signs-fd", str(signs.fd), *given[1:]], signs), signs
            )
    finally:
        signs.close()
    if verdict.outcome == "ended":
        return verdict.status
    raise HardtackError(f"the kernel that ran {Path(program).name} {verdict}; use --on-exhaustion reserve")
