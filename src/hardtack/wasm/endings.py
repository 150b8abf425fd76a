"""How a guest's end is told: wasmtime's message, many lines long, as one; and names that guests chose."""

from __future__ import annotations

import re
from typing import Final

MAX_NAME: Final = 100  # characters of a function's name, which the program chose

_MANGLED: Final = ("_Z", "_R")  # how C++ and Rust begin names in which they put types
_FIRST_FRAME: Final = re.compile(r"^ *0: +(?:0x[0-9a-f]+ - )?[^!\n]*!([^\n]*)", re.MULTILINE)
_CAUSE: Final = re.compile(r"^ *(?:\d+: )?(?:wasm trap: )?(.*\S)", re.MULTILINE)


def cause(message: str) -> str:
    r"""Return the cause in wasmtime's message, the most general first, as one line fit for a terminal.

    Example:
        >>> cause("error\n\nCaused by:\n    0: at 0x8\n    1: wasm trap: out of bounds")
        'out of bounds: at 0x8'
    """
    _, _, causes = message.rpartition("Caused by:")
    return printable(": ".join(reversed(_CAUSE.findall(causes))))


def describe(message: str, function: str = "") -> str:
    r"""Return the cause in wasmtime's message and the function it happened in, as one line.

    wasmtime takes every name for one that a C++ or Rust compiler made: `f` is "float" to it. So what it says
    is used for those alone, and where the function's own name is not known.

    Example:
        >>> describe("backtrace:\n    0:  0x31 - <unknown>!main\n\nCaused by:\n    call stack exhausted")
        'call stack exhausted (in main)'
    """
    frame = _FIRST_FRAME.search(message)
    if frame is None:
        return cause(message)
    name = function if function and not function.startswith(_MANGLED) else frame[1]
    if len(name) > MAX_NAME:
        name = name[:MAX_NAME] + "..."
    return f"{cause(message)} (in {printable(name)})"


def printable(text: str) -> str:
    r"""Return text that a guest may have chosen as one line that does nothing to a terminal.

    Example:
        >>> printable("name\n\x1b[2J")
        'name??[2J'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)
