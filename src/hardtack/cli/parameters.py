"""What several subcommands' options have in common: the types of their values.

Each takes an option's text and refuses what it does not understand as a wrong use, status 2.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from hardtack.cli.output import STANDARD_OUTPUT
from hardtack.errors import KernelError
from hardtack.units import parse_bytes, parse_timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Command = TypeVar("_Command", bound="Callable[..., Any] | click.Command")


def size(text: str) -> int:
    """Return the bytes that a text such as 16MiB names."""
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def seconds(text: str) -> float | None:
    """Return a timeout in seconds; None if it never ends."""
    try:
        return parse_timeout(abs(float(text)) if float(text) == 0 else float(text))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a number of seconds from 0 on") from None


def count_of(least: int, most: int | None = None) -> Callable[[str | int], int]:
    """Return a type: whole numbers from `least` on, to `most`."""
    wanted = f"a whole number from {least} {'on' if most is None else f'to {most}'}"

    def number(given: str | int) -> int:
        text = str(given)  # a default is a number already
        if not (text.isdecimal() and least <= _whole(text) and (most is None or _whole(text) <= most)):
            raise click.BadParameter(f"{text!r} is not {wanted}")
        return _whole(text)

    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # thousands of digits
        raise click.BadParameter(f"a number of {len(text)} digits is too large") from None


count = count_of(0)


def seconds_of(least: float, most: float) -> Callable[[str], float]:
    """Return a type: seconds from `least` to `most`."""

    def number(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not least <= found <= most:
            raise click.BadParameter(f"{text!r} is not a number of seconds from {least:g} to {most:g}")
        return found

    return number


def assignment(text: str) -> tuple[str, str]:
    """Return both sides of K=V."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not of the form K=V")
    return key, value


def mount(text: str) -> tuple[str, str]:
    """Return the guest's name and the host's directory of HOST::GUEST; HOST alone is both."""
    host, colons, guest = text.partition("::")
    if not host or (colons and not guest):
        raise click.BadParameter(f"{text!r} is not of the form HOST or HOST::GUEST")
    return guest or host, host


def directories(mounts: Sequence[tuple[str, str]], *others: str) -> dict[str, str]:
    """Return the host's directories by the guest's names, which, and others, lead to different places."""
    from hardtack.runtime.arguments import places_of

    try:
        places_of([*(name for name, _ in mounts), *others])
    except KernelError as error:
        raise click.UsageError(str(error)) from None
    return dict(mounts)


def disk(text: str) -> tuple[str, str]:
    """Return the guest's name and the host's file of FILE::GUEST; FILE alone is /disk."""
    file, colons, guest = text.partition("::")
    if not file or (colons and not guest):
        raise click.BadParameter(f"{text!r} is not of the form FILE or FILE::GUEST")
    return guest or "/disk", file


def named(text: str) -> str:
    """Return a file's name as it was given; it is not empty."""
    if not text:
        raise click.BadParameter("'' names no file")
    return text


def address(text: str) -> str:
    """Return ADDR:PORT as it was given; it is one."""
    from hardtack.runtime.listening import parse_address

    try:
        parse_address(text)
    except KernelError as error:
        raise click.BadParameter(str(error)) from None
    return text


def json_file(text: str) -> Path:
    """Return the path of a file that can be written; - is standard output."""
    return STANDARD_OUTPUT if text == "-" else output_file(text)


def json_option(what: str, instead: bool = False) -> Callable[[_Command], _Command]:
    """Return the option that has a command write JSON, besides its text or instead: `json_path`."""
    text = f"Write {what} as JSON{'' if instead else ', too'}; - is standard output."
    return click.option("--json", "json_path", type=json_file, metavar="FILE", help=text)


def trace_file(text: str) -> Path | int:
    """Return the path of a file; for - standard error's descriptor, as standard output is the program's."""
    return 2 if text == "-" else Path(named(text))


trace_option: Final = click.option(
    "--trace",
    type=trace_file,
    metavar="FILE",
    help="Write a line for each system call: turn, pid, call, errno; - is standard error.",
)


def output_file(text: str) -> Path:
    """Return a file's path; the file can be written, so that this does not fail after all the work."""
    path = Path(named(text))
    try:
        is_new = not path.exists()
        path.open("a").close()
        if is_new:
            path.unlink()  # it comes when there is something to write
    except OSError as error:
        raise click.BadParameter(f"{text}: {error.strerror}") from None
    return path
