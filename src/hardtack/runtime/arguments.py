"""What callers give a kernel, checked before anything is done with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardtack.errors import KernelError
from hardtack.kernel.params import MAX_ARGUMENT_BYTES
from hardtack.units import parse_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def as_nanoseconds(timeout: float | None) -> int | None:
    """Return a timeout in ns; None for none."""
    seconds = parse_timeout(timeout)
    return None if seconds is None else int(seconds * 1e9)


def as_bytes(what: str, data: object) -> bytes:
    """Return bytes that nobody changes any more."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"{what} is bytes, not {type(data).__name__}")
    return bytes(data)


def as_code(code: object) -> bytes:
    """Return Python code as a guest's interpreter reads it; what came from the host's files as it was."""
    if not isinstance(code, str):
        raise TypeError(f"code is a str, not {type(code).__name__}")
    try:
        return code.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise KernelError(f"code has no UTF-8: {error.reason} at {error.start}") from None


def as_strings(what: str, strings: Sequence[str]) -> list[bytes]:
    """Return arguments as a guest gets them: in UTF-8, what came from the host's command line as it was."""
    if isinstance(strings, (str, bytes)):
        raise TypeError(f"{what} is a sequence of strings, not one string: write [{strings!r}]")
    listed = list(strings)
    for string in listed:
        if not isinstance(string, str):
            raise TypeError(f"{what} is a sequence of strings; {string!r} is none")
    encoded, size = [], 0
    for string in listed:
        encoded.append(os.fsencode(string))
        size += len(encoded[-1]) + 1
        if size > MAX_ARGUMENT_BYTES:  # no more is done for what could not be started
            raise KernelError(
                f"{what}: {len(listed)} strings take more than {MAX_ARGUMENT_BYTES} bytes, which is the most"
            )
    return encoded


def as_environment(variables: Mapping[str, str]) -> list[bytes]:
    """Return variables as a guest gets them."""
    for name in variables:
        if not isinstance(name, str):
            raise TypeError(f"env maps strings to strings; {name!r} is none")
        if not name or "=" in name:
            raise KernelError(f"env: {name!r} cannot be a variable's name")
    values = as_strings("env", list(variables.values()))
    return [os.fsencode(name) + b"=" + value for name, value in zip(variables, values, strict=True)]
