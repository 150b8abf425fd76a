"""`hardtack top`: what runs in the kernels of this user, again and again."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hardtack.cli.output import STANDARD_OUTPUT
from hardtack.cli.parameters import count_of, json_option, seconds_of
from hardtack.cli.process import Interruptible
from hardtack.cli.ps import lines, rendered, status
from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from hardtack.runtime.inspection import KernelTable


@click.command(
    epilog="""\b
Examples:
  hardtack top
  hardtack top --json - --interval 0.5 --count 10 jobs

\b
Ctrl-C ends it. See `hardtack ps --help` for which kernels are found.
Exit status: 0; 1 if there was no kernel of that name at the last look.""",
)
@click.option(
    "--interval",
    type=seconds_of(0.05, 3600),
    default="1",
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@click.option("--count", type=count_of(1), metavar="N", help="End after so many looks.")
@json_option("a list of kernels a look, a line each", instead=True)
@click.argument("name", required=False)
def command(interval: float, count: int | None, json_path: Path | None, name: str | None) -> int:
    """Show the processes of each running kernel, or of those called NAME, as they change."""
    from rich.console import Console
    from rich.live import Live

    from hardtack.runtime.inspection import look_at_all

    live = sys.stdout.isatty() and json_path is None
    screen = Live(console=Console(), auto_refresh=False, screen=count is None) if live else None
    left = count
    tables: list[KernelTable] = []
    with Interruptible(), _opened(json_path) as out:
        if screen is not None:
            screen.start()
        try:
            while left is None or left > 0:
                tables = look_at_all(name)
                if screen is not None:
                    screen.update(rendered(tables), refresh=True)
                elif json_path is not None:
                    click.echo(json.dumps([asdict(table) for table in tables]), file=out)
                else:
                    for line in lines(tables):
                        click.echo(line)
                left = None if left is None else left - 1
                if left != 0:
                    out.flush()
                    time.sleep(interval)
        except KeyboardInterrupt:
            pass
        finally:
            if screen is not None:
                screen.stop()
    return status(name, tables)


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None or path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise HardtackError(f"--json {path}: {error.strerror}") from None
