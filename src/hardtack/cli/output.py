"""What several subcommands say and write, and what becomes of it where that fails."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hardtack.errors import HardtackError
from hardtack.wasm.endings import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STANDARD_OUTPUT: Final = Path("-")  # as --json has it


def complain(text: str) -> None:
    """Print lines to standard error, fit for a terminal. That may fail: then nobody can be told."""
    try:
        told = text.encode(errors="backslashreplace").decode()  # a name may hold what is no UTF-8
        click.echo("\n".join(map(printable, told.split("\n"))), err=True)
    except OSError:
        _discard(2)


def flush_output() -> OSError | None:
    """Write out what is left for standard output; return why that fails, if it does."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _discard(1)
        return error
    return None


def _discard(fd: int) -> None:
    """Have what is left for a stream go nowhere: the interpreter writes it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, fd)
    os.close(null)


@contextlib.contextmanager
def json_output(path: Path | None) -> Iterator[Callable[[object], None]]:
    """Give a function that writes figures to what was given to --json; it does nothing if that is None.

    If that is standard output, text for people goes to standard error until this is left.
    """
    out = sys.stdout

    def write(content: object) -> None:
        if path is None:
            return
        text = json.dumps(content, indent=2) + "\n"
        if path == STANDARD_OUTPUT:
            out.write(text)
        else:
            write_file("--json", path, text)

    with contextlib.redirect_stdout(sys.stderr if path == STANDARD_OUTPUT else out):
        yield write


def write_file(option: str, path: Path, text: str) -> None:
    """Write text to the file that was given to an option."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise HardtackError(f"{option} {path}: {error.strerror}") from None
