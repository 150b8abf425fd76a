"""What callers give a kernel, checked before anything is done with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from hardtack.errors import KernelError
from hardtack.kernel.params import MAX_ARGUMENT_BYTES
from hardtack.units import parse_timeout

if TYPE_CHECKING:
    from collections.abc import Sequence


class HasDescriptor(Protocol):
    """An open file of the host."""

    def fileno(self) -> int:
        """Return its descriptor."""


Output: TypeAlias = int | HasDescriptor | None  # for a program to write to
Input: TypeAlias = bytes | int | HasDescriptor  # for it to read

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def as_nanoseconds(timeout: float | None) -> int | None:
    """Return a timeout in ns; None for none."""
    seconds = parse_timeout(timeout)
    return None if seconds is None else int(seconds * 1e9)


def as_bytes(what: str, data: object) -> bytes:
    """Return bytes that nobody changes any more."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"{what} is bytes, not {type(data).__name__}")
    return bytes(data)


def as_mapping(what: str, given: Mapping[_Key, _Value] | None, form: str) -> dict[_Key, _Value]:
    """Return a mapping that nobody changes any more; none is empty."""
    if not isinstance(given, Mapping | None):
        raise TypeError(f"{what} is a mapping, {form}, not {type(given).__name__}")
    return dict(given or {})


def as_directories(dirs: Mapping[str, str | os.PathLike[str]] | None) -> dict[str, str]:
    """Return directories of the host by the guest's names for them."""
    given = as_mapping("dirs", dirs, "{guest's name: path on the host}")
    for pair in given.items():
        if not (isinstance(pair[0], str) and isinstance(pair[1], str | os.PathLike)):
            raise TypeError(f"dirs maps guests' names to paths on the host; {pair!r} is no such pair")
    return {name: os.fspath(path) for name, path in given.items()}


def places_of(names: Iterable[str]) -> dict[str, str]:
    """Return directories' names by the path under which libc looks for them: "" for "/" and ".".

    Raises:
        KernelError: two are the same place.
    """
    found: dict[str, str] = {}
    for name in names:
        place = os.path.normpath(name).lstrip("/")
        place = "" if place == "." else place
        if place in found:
            raise KernelError(
                f"directories called {found[place]!r} and {name!r} hide one another; "
                "give one of them another name"
            )
        found[place] = name
    return found


def as_files(files: Mapping[str, bytes] | None) -> dict[str, bytes]:
    """Return files to be written."""
    given = as_mapping("files", files, "{guest's path: content}")
    for path in given:
        if not isinstance(path, str):
            raise TypeError(f"files maps guests' paths to bytes; {path!r} is no path")
    return {path: as_bytes(f"files[{path!r}]", data) for path, data in given.items()}


def as_descriptor(what: str, stream: int | HasDescriptor) -> int:
    """Return the descriptor of what has one: the host's, or what subprocess has for others."""
    if isinstance(stream, int) and not isinstance(stream, bool):
        return stream
    try:
        return stream.fileno()  # type: ignore[union-attr] # bool has none
    except (AttributeError, OSError):  # io.BytesIO has a fileno that raises
        raise TypeError(
            f"{what} is a descriptor or an open file of the host, subprocess.PIPE or subprocess.DEVNULL, "
            f"not {type(stream).__name__}"
        ) from None


def as_input(stdin: Input) -> bytes | int:
    """Return what a program reads: bytes, or a descriptor."""
    if isinstance(stdin, (bytes, bytearray, memoryview)):
        return bytes(stdin)
    if isinstance(stdin, str):
        raise TypeError("stdin is bytes, not str: encode it")
    return as_descriptor("stdin, if it is not bytes,", stdin)


def as_output(what: str, stream: Output) -> int | None:
    """Return where a program writes: a descriptor, or None to capture it."""
    return None if stream is None else as_descriptor(f"{what}, if it is not captured (None),", stream)


def as_code(code: object) -> bytes:
    """Return Python code as a guest's interpreter reads it; what came from the host's files as it was."""
    if not isinstance(code, str):
        raise TypeError(f"code is a str, not {type(code).__name__}")
    try:
        return code.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise KernelError(f"code has no UTF-8: {error.reason} at {error.start}") from None


def as_list(what: str, given: Iterable[_Value], kind: str) -> list[_Value]:
    """Return what some are; a string is one of them, and not several letters."""
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{what} is a sequence of {kind}, not one string: write [{given!r}]")
    if not isinstance(given, Iterable):
        raise TypeError(f"{what} is a sequence of {kind}, not {type(given).__name__}")
    return list(given)


def as_program(program: str | os.PathLike[str] | bytes) -> str | os.PathLike[str] | bytes:
    """Return a program's path, or its bytes, which nobody changes any more."""
    if isinstance(program, (str, os.PathLike)):
        return program
    return as_bytes("program, if it is not a path,", program)


def as_strings(what: str, strings: Sequence[str]) -> list[bytes]:
    """Return arguments as a guest gets them: in UTF-8, what came from the host's command line as it was."""
    listed = as_list(what, strings, "strings")
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


def as_environment(env: Mapping[str, str] | None) -> list[bytes]:
    """Return variables as a guest gets them."""
    variables = as_mapping("env", env, "{name: value}")
    for name, value in variables.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            other = value if isinstance(name, str) else name
            raise TypeError(f"env maps strings to strings; {other!r} is none")
        if not name or "=" in name:
            raise KernelError(f"env: {name!r} cannot be a variable's name")
    values = as_strings("env", list(variables.values()))
    return [os.fsencode(name) + b"=" + value for name, value in zip(variables, values, strict=True)]
