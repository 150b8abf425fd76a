"""What a program is started with: checked on its caller's thread, before anything is done; its streams."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.errors import KernelError, ProgramError
from hardtack.kernel.host_pipes import HostInput, HostOutput
from hardtack.kernel.params import LEAST_PROGRAM_BYTES, MAX_OUTPUT
from hardtack.kernel.streams import Capture, HostStream, Null, Source
from hardtack.limits import NO_LIMITS, Limits
from hardtack.runtime.arguments import (
    as_environment,
    as_files,
    as_input,
    as_list,
    as_output,
    as_program,
    as_strings,
)
from hardtack.units import format_bytes

if TYPE_CHECKING:
    import os
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.guest import Image
    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System
    from hardtack.runtime.arguments import Input, Output
    from hardtack.runtime.outside import Outside


@dataclass(frozen=True, slots=True)
class Start:
    """A program and its surroundings.

    Attributes:
        program: a .wasm file, its bytes, or a built-in program's path.
        arguments: without argv[0].
        environment: as NAME=VALUE.
        files: to be put into the file system in memory first.
        stdin: bytes to read, or a descriptor of the host, or PIPE.
        stdout: a descriptor of the host, or PIPE; None captures.
        stderr: likewise.
        limits: of its process tree, those of its kernel included.
        protected: never kill it to free memory.
        listen: addresses, and sockets that listen, at which it may accept connections.
        began: monotonic ns of the call that starts it.
    """

    program: str | os.PathLike[str] | bytes
    arguments: list[bytes]
    environment: list[bytes]
    files: dict[str, bytes]
    stdin: bytes | int
    stdout: int | None
    stderr: int | None
    limits: Limits
    protected: bool
    listen: list[str | socket.socket]
    began: int


def checked_start(
    program: str | os.PathLike[str] | bytes,
    args: Sequence[str],
    *,
    stdin: Input,
    files: Mapping[str, bytes] | None,
    env: Mapping[str, str] | None,
    stdout: Output,
    stderr: Output,
    limits: Limits | None,
    defaults: Limits,
    began: int | None = None,
    protected: bool = False,
    listen: Sequence[str | socket.socket] = (),
    pipes: bool = True,
) -> Start:
    """Check what a caller gave.

    Raises:
        TypeError, ValueError, KernelError: something is not of its kind.
    """
    if not isinstance(limits, Limits | None):
        raise TypeError(f"limits is a hardtack.Limits, not {type(limits).__name__}")
    streams = as_input(stdin), as_output("stdout", stdout), as_output("stderr", stderr)
    if not pipes and subprocess.PIPE in streams:
        raise ValueError("PIPE is for spawn: nobody could use a stream of what has ended")
    return Start(
        program=as_program(program),
        arguments=as_strings("args", args),
        environment=as_environment(env),
        files=as_files(files),
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        limits=(limits or NO_LIMITS).with_defaults(defaults),
        protected=protected,
        listen=as_list("listen", listen, "addresses or sockets"),
        began=time.monotonic_ns() if began is None else began,
    )


def host_stream(fd: int, make: Callable[[int], Description]) -> Description:
    """Return what leads to a descriptor of the host, as `make` makes it.

    Raises:
        KernelError: there is no such descriptor.
    """
    if fd == subprocess.DEVNULL:
        return Null()
    try:
        return make(fd)
    except (OSError, OverflowError) as error:
        why = isinstance(error, OSError) and error.strerror
        raise KernelError(f"descriptor {fd!r}: {why or error}") from None


def check_limits(limits: Limits, image: Image, name: str) -> None:
    """Check that a program can be started at all within its limits.

    Raises:
        ProgramError: it cannot; `limit` names which.
    """
    if limits.heap is not None and limits.heap < LEAST_PROGRAM_BYTES:
        raise ProgramError(
            f"heap limit: {name} needs {format_bytes(LEAST_PROGRAM_BYTES)} ({LEAST_PROGRAM_BYTES} bytes) of "
            f"the kernel's heap to run, the limit is {format_bytes(limits.heap)} ({limits.heap} bytes)",
            limit="heap",
        )
    if limits.memory is not None and limits.memory < image.user_bytes:
        raise ProgramError(
            f"memory limit: {name} needs {format_bytes(image.user_bytes)} ({image.user_bytes} bytes) of user "
            f"memory to start, the limit is {format_bytes(limits.memory)} ({limits.memory} bytes)",
            limit="memory",
        )


def standard_streams(
    start: Start, process: Process, system: System, outside: Outside
) -> Iterator[Description]:
    """Make a program's standard streams; on the kernel's own thread."""
    most = start.limits.output
    if isinstance(start.stdin, bytes):
        yield Source(start.stdin)
    elif start.stdin == subprocess.PIPE:
        yield HostInput(system)
    else:
        yield host_stream(start.stdin, outside.source)
    for fd in (start.stdout, start.stderr):
        if fd is None:
            yield Capture(process.group.heap, MAX_OUTPUT if most is None else most)
        elif fd == subprocess.PIPE:
            yield HostOutput(system, most)
        else:
            sink = host_stream(fd, outside.sink)
            if isinstance(sink, HostStream):
                sink.left = most
            yield sink
