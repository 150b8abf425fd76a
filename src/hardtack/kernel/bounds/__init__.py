"""What the analyser found system calls to take: a file for each version of CPython.

`make system-call-bounds` writes them, `hardtack bound --check` holds the source against them. Here they are
only read: the kernel starts without the analyser and its algebra. A bound's text is Python over the handler's
parameters, with fractions; what floating point loses of them is less than the byte that is added.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DIRECTORY: Final = Path(__file__).parent
# Steps in the midst of calls: these reserve for each one after the other, see `steps`.
STEPS: Final = tuple(
    f"hardtack.kernel.calls_spawn:{step}" for step in ("_create", "_install_low", "_install", "_let_run")
)
_LENGTH: Final = re.compile(r"len\([\w.]+\)")


def path(version: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)) -> Path:
    """Return where the bounds for a version of CPython stand."""
    return DIRECTORY / f"{version[0]}.{version[1]}.json"


def read(file: Path) -> dict[str, str]:
    """Return the peaks of a bounds file by entry, "hardtack.kernel.calls:fd_tell" and its like."""
    entries = json.loads(file.read_text("utf-8"))["entries"]
    return {entry: sizes["peak"] for entry, sizes in entries.items()}


def of_step(target: str) -> int:
    """Return what the analyser found a step to take, in bytes, whatever its arguments."""
    return largest(read(path())[target], {})


def compile_bound(peak: str, parameters: Sequence[str]) -> Callable[..., int]:
    """Return a function of the call's arguments that gives a bound's value in bytes, at least 1."""
    value = f"max({peak}, 1)" if peak.isdecimal() else f"int({peak}) + 1"
    scope: dict[str, Any] = {"extra": _extra}
    function: Callable[..., int] = eval(f"lambda {', '.join(parameters)}: {value}", scope)
    return function


def largest(peak: str, parameters: Mapping[str, int]) -> int:
    """Return a bound's value, in bytes, for the largest arguments; every length is as large as can be."""
    return compile_bound(_LENGTH.sub(str(1 << 64), peak), list(parameters))(*parameters.values())


def _extra(value: int) -> int:
    """Return how many digits of 30 bits a number has beyond its first."""
    return max(0, (value.bit_length() + 29) // 30 - 1)
