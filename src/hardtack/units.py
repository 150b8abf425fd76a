"""Sizes and times as people give them: parse "16 MiB", print 16777216 as "16.0 MiB", check a timeout."""

from __future__ import annotations

import math
import re
import reprlib

_FACTORS = {
    "": 1, "b": 1,
    "k": 1024, "kib": 1024, "kb": 1000,
    "m": 1024**2, "mib": 1024**2, "mb": 1000**2,
    "g": 1024**3, "gib": 1024**3, "gb": 1000**3,
}  # fmt: skip
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", re.ASCII)
_LONGEST = 100  # characters of a size
MAX_BYTES = 2**62
FOR_EVER_SECONDS = 1e9  # a timeout from here on is none


def parse_bytes(size: int | str) -> int:
    """Return a size in bytes, given as a number of bytes or as text with a unit.

    Units are binary (KiB, MiB, GiB, also K, M, G) or decimal (kB, MB, GB); case does not matter.

    Raises:
        TypeError: if it is neither a number nor text.
        ValueError: if the text is no size, or the size is negative or over 2**62.

    Example:
        >>> parse_bytes("16 MiB"), parse_bytes("64k"), parse_bytes(4096)
        (16777216, 65536, 4096)
    """
    if isinstance(size, bool) or not isinstance(size, (int, str)):
        raise TypeError(f"a size is a number of bytes or text such as '16 MiB', not {reprlib.repr(size)}")
    if isinstance(size, int):
        count = size
    else:
        match = _SIZE.fullmatch(size) if len(size) <= _LONGEST else None
        factor = _FACTORS.get(match[2].lower()) if match else None
        if match is None or factor is None:
            raise ValueError(
                f"{size[:_LONGEST]!r} is not a size: write a number of bytes, or one like 16MiB or 64KiB"
            )
        count = int(match[1]) * factor if "." not in match[1] else int(float(match[1]) * factor)
    if not 0 <= count <= MAX_BYTES:
        raise ValueError(f"{size!r} is out of range: a size is between 0 and 2**62 bytes")
    return count


def parse_timeout(timeout: float | None) -> float | None:
    """Return a timeout in seconds; None if it never ends: for None, infinity, and 1e9 (31 years) or more.

    Raises:
        TypeError: it is neither a number nor None.
        ValueError: it is negative, or not a number.

    Example:
        >>> parse_timeout(5), parse_timeout(None), parse_timeout(float("inf"))
        (5.0, None, None)
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not hasattr(timeout, "__float__"):
        raise TypeError(f"timeout is a number of seconds or None, not {timeout!r}")
    try:
        seconds = float(timeout)
    except OverflowError:  # an int beyond all floats
        seconds = math.inf if timeout > 0 else -math.inf
    if not seconds >= 0:
        raise ValueError(f"timeout is a number of seconds from 0 on, or None for ever; not {timeout!r}")
    return None if seconds >= FOR_EVER_SECONDS else seconds


def format_bytes(count: int) -> str:
    """Return a number of bytes for people to read, in binary units.

    Example:
        >>> format_bytes(16777216), format_bytes(900), format_bytes(1536)
        ('16.0 MiB', '900 B', '1.5 KiB')
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024 or unit == "GiB":
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError
