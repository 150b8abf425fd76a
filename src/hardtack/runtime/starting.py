"""What a program is to be started with: checked on its caller's thread, before anything is done."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.errors import KernelError
from hardtack.kernel.streams import Null
from hardtack.limits import NO_LIMITS, Limits
from hardtack.runtime.arguments import as_bytes, as_environment, as_strings

if TYPE_CHECKING:
    import os
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from hardtack.kernel.descriptions import Description


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
    stdin: bytes | int,
    files: Mapping[str, bytes] | None,
    env: Mapping[str, str] | None,
    stdout: int | None,
    stderr: int | None,
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
    if not pipes and subprocess.PIPE in (stdin, stdout, stderr):
        raise ValueError("PIPE is for spawn: nobody could use a stream of what has ended")
    return Start(
        program=bytes(program) if isinstance(program, (bytearray, memoryview)) else program,
        arguments=as_strings("args", args),
        environment=as_environment(env or {}),
        files={path: as_bytes(f"files[{path!r}]", data) for path, data in (files or {}).items()},
        stdin=stdin if type(stdin) is int else as_bytes("stdin", stdin),
        stdout=stdout,
        stderr=stderr,
        limits=(limits or NO_LIMITS).with_defaults(defaults),
        protected=protected,
        listen=list(listen),
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
    except (OSError, OverflowError, TypeError) as error:
        raise KernelError(f"descriptor {fd!r}: {error}") from None
