"""What several subcommands say and write, and what becomes of it where that fails."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from hardtack.errors import HardtackError
from hardtack.wasm.endings import printable

if TYPE_CHECKING:
    from pathlib import Path


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


def write_json(path: Path, content: object) -> None:
    """Write figures to the file that was given to --json."""
    write_file("--json", path, json.dumps(content, indent=2) + "\n")


def write_file(option: str, path: Path, text: str) -> None:
    """Write text to the file that was given to an option."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise HardtackError(f"{option} {path}: {error.strerror}") from None
