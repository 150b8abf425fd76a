"""The child that compiles one program: reads it from standard input, writes the code to standard output.

Its limits are set before it reads a byte. What it answers:

    status 0        the code was written
    INVALID         the program is not valid; wasmtime's message is on standard error
    NO_MEMORY       it needs more memory than it may have
    a signal        SIGABRT: the same, met by wasmtime; SIGPROF, SIGXCPU: its processor time is over, which is
                    told before the kernel would use SIGKILL

It ends with the thread that started it, and no key of a terminal reaches it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import math
import os
import resource
import signal
import sys
from typing import Final

INVALID: Final = 3
NO_MEMORY: Final = 4
LARGEST_CODE: Final = 1 << 30  # bytes of compiled code that are written
_PR_SET_PDEATHSIG: Final = 1
_ADDRESSES: Final = 4  # times the memory, besides what is taken: threads reserve more than they use
_MOST_BYTES: Final = 1 << 62
_MOST_SECONDS: Final = 10**9  # of a timer
_LEAST_SECONDS: Final = 1e-6  # none would be no timer


def main(settings: dict[str, int], memory: int, seconds: float, parent: int) -> int:
    """Compile; return the status to exit with.

    Raises:
        MemoryError: it needs more memory than it may have.
    """
    _end_with(parent)  # while there is memory
    _limit(memory, seconds)
    try:
        from hardtack.wasm import capi

        engine = capi.new_engine(settings, capi.new_callbacks(lambda *_: None))
    except Exception:  # noqa: BLE001 - its parent could: it has no such limits
        return NO_MEMORY
    data = sys.stdin.buffer.read()
    try:
        module = capi.compile_module(engine, data)
    except capi.WasmtimeError as error:
        if os.strerror(errno.ENOMEM) in str(error):
            return NO_MEMORY
        sys.stderr.write(str(error))
        return INVALID
    sys.stdout.buffer.write(capi.serialize_module(module))
    sys.stdout.buffer.flush()
    return 0


def _limit(memory: int, seconds: float) -> None:
    """Set limits; that of processor time twice, as the system's own is one of whole seconds."""
    seconds = min(seconds, _MOST_SECONDS)
    for kind, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_AS, min(_addresses() + _ADDRESSES * memory, _MOST_BYTES)),
        (resource.RLIMIT_CPU, math.ceil(seconds)),
        (resource.RLIMIT_FSIZE, LARGEST_CODE),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, most + 1))  # a second more: SIGXCPU goes before SIGKILL
    signal.setitimer(signal.ITIMER_PROF, max(seconds, _LEAST_SECONDS))


def _addresses() -> int:
    """Return the bytes of address space that are taken already: with none left the stack could not grow."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # not on this system
        return 0


def _end_with(parent: int) -> None:
    with contextlib.suppress(AttributeError, OSError):  # not on this system
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    try:
        status = main(*json.loads(sys.argv[1]))
        sys.stderr.flush()
    except MemoryError:  # wherever it came from, the setting of the limits too
        status = NO_MEMORY
    os._exit(status)  # nothing is taken down: the system does that faster
