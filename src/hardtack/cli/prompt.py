"""Ctrl-C at a prompt on the terminal: the shell's, and Python's own, which is told by a byte of its input.

Python for WASI knows no signals. But a line that begins with what is no UTF-8 ends whatever was begun at its
prompt with an error, which its startup file shows as KeyboardInterrupt.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from hardtack.runtime.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.runtime import Kernel, Process

STARTUP: Final = "/.startup.py"
STARTUP_CODE: Final = b"""\
def _take_interrupts():
    import builtins, os, sys
    os.environ.pop("PYTHONSTARTUP", None)
    read, show = input, sys.excepthook
    def input_(prompt="", /):
        line = read(prompt)
        if line == "\\udcff":
            raise KeyboardInterrupt
        return line
    def hook(kind, error, trace):
        if "byte 0xff in position 0" in str(error) or "Parser/string_parser" in str(error):
            print("KeyboardInterrupt", file=sys.stderr)
        else:
            show(kind, error, trace)
    builtins.input, sys.excepthook = input_, hook
_take_interrupts()
del _take_interrupts
"""
_SIGN: Final = b"\xff\n"


def python_terminal() -> Terminal:
    """Return the terminal for Python's prompt."""
    return Terminal(_SIGN, patience=0)


class Interrupts:
    """Inside this `with`, Ctrl-C ends what the program at the prompt runs, or gives up a line.

    Args:
        kernel: where it runs.
        terminal: the kernel's outside.
        process: it.
        stuck: called if it was busy itself.
    """

    def __init__(
        self, kernel: Kernel, terminal: Terminal, process: Process, stuck: Callable[[], None]
    ) -> None:
        self._kernel = kernel
        self._terminal = terminal
        self._process = process
        self._stuck = stuck
        self._before: object = None

    def _interrupt(self, *_: object) -> None:
        self._terminal.interrupt(self._kernel, self._process.pid)
        if self._terminal.stuck:
            self._stuck()

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type] # what it was


def give_up() -> None:
    """Have whoever waits for the program end."""
    raise KeyboardInterrupt
