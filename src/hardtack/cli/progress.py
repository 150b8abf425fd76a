"""What is shown on a terminal while something takes long; nothing anywhere else."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS: Final = 0.5  # most programs have started by then
_WIPE: Final = "\r\033[K"  # to the line's begin; erase it


@contextlib.contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is done now, in one line that is wiped when this is left."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    try:
        yield lambda what: click.echo(f"{_WIPE}{what} ...", nl=False, err=True)
    finally:
        click.echo(_WIPE, nl=False, err=True)


@contextlib.contextmanager
def shown_if_long(what: str) -> Iterator[None]:
    """Show what is done, with the time that it has taken, from half a second on until this is left."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    shower = threading.Thread(target=_show, args=(what, over), daemon=True)
    shower.start()
    try:
        yield
    finally:
        over.set()
        shower.join()


def _show(what: str, over: threading.Event) -> None:
    if over.wait(PATIENCE_SECONDS):
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        over.wait()
