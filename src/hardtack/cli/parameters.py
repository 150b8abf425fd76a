"""What several subcommands' options have in common: the types of their values.

Each takes an option's text and refuses what it does not understand as a wrong use, status 2.
"""

from __future__ import annotations

from pathlib import Path

import click

from hardtack.errors import KernelError
from hardtack.units import parse_bytes, parse_timeout


def size(text: str) -> int:
    """Return the bytes that a text such as 16MiB names."""
    try:
        return parse_bytes(int(text) if text.isdecimal() else text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def seconds(text: str) -> float | None:
    """Return a timeout in seconds; None if it never ends."""
    try:
        return parse_timeout(float(text))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a number of seconds from 0 on") from None


def count(text: str) -> int:
    """Return a whole number from 0 on."""
    if not text.isdecimal():
        raise click.BadParameter(f"{text!r} is not a whole number from 0 on")
    return int(text)


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


def disk(text: str) -> tuple[str, str]:
    """Return the guest's name and the host's file of FILE::GUEST; FILE alone is /disk."""
    name, host = mount(text)
    return ("/disk" if name == host else name), host


def address(text: str) -> str:
    """Return ADDR:PORT as it was given; it is one."""
    from hardtack.runtime.listening import parse_address

    try:
        parse_address(text)
    except KernelError as error:
        raise click.BadParameter(str(error)) from None
    return text


def output_file(text: str) -> Path:
    """Return a file's path; the file can be written, so that this does not fail after all the work."""
    path = Path(text)
    try:
        is_new = not path.exists()
        path.open("a").close()
        if is_new:
            path.unlink()  # it comes when there is something to write
    except OSError as error:
        raise click.BadParameter(f"{text}: {error.strerror}") from None
    return path
