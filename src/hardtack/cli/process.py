"""This process: its standard streams, and what Ctrl-C does to it.

`main` begins here, so this imports next to nothing, not even typing: until it has run, Ctrl-C is a traceback.
"""

from __future__ import annotations

import io
import os
import signal
import sys

INTERRUPTED = 128 + 2
STANDARD_OUTPUT = "standard output"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def open_standard_streams() -> None:
    """Open /dev/null in place of closed standard streams, lest a file of ours get one's number."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest free number: fd
            mode = "w" if fd else "r"
            stream = open(fd, mode, errors="backslashreplace", closefd=False)  # noqa: SIM115 - as long as we live
            setattr(sys, name, stream)


class _Output(io.FileIO):
    """Standard output whose errors name it: what is longer than the buffer leaves no other trace of them."""

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            error.filename = STANDARD_OUTPUT
            raise


def name_standard_output() -> None:
    """Have the errors of writing to standard output name it. Nothing may have been written yet."""
    old = sys.stdout
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(1, "w", closefd=False)),
        old.encoding,
        old.errors,
        newline="\n",
        line_buffering=bool(old.line_buffering),
        write_through=getattr(old, "write_through", False),
    )


def exit_at_interrupt() -> None:
    """Have Ctrl-C end the process at once from now on, and not in the middle of an import or a finalizer."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit)


class Interruptible:
    """Inside this `with`, Ctrl-C raises KeyboardInterrupt instead: there is something to clean up."""

    def __enter__(self) -> None:
        self._ours = signal.getsignal(signal.SIGINT) is _exit  # else our caller, or its, has ideas of its own
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *exception: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, _exit)


def ignore_interrupts() -> None:
    """Have Ctrl-C do nothing any more: all is done, and the interpreter ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _exit(*_: object) -> None:
    os._exit(INTERRUPTED)
