"""`hardtack demo`: a full heap under each of the four policies, side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import json_output
from hardtack.cli.parameters import json_option
from hardtack.cli.process import Interruptible
from hardtack.cli.progress import status_line
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hardtack.lab.demo import PolicyRow

_HEADINGS: Final = ("policy", "outcome", "citizens' errors", "delivered", "killed", "peak live", "waits")


@click.command(
    epilog="""\b
Examples:
  hardtack demo
  hardtack demo --json demo.json

\b
Exit status:
    0  under reserve all went well
    1  it did not: a citizen saw an error, was killed, or a call went beyond its bound
    2  wrong use
  130  Ctrl-C""",
)
@json_option("the figures")
def command(json_path: Path | None) -> int:
    """Fill a kernel's heap under each of four policies and show what becomes of it.

    Two citizens deliver messages and end at the first error. Three hogs exhaust a heap of 16 MiB: one opens
    descriptors, one writes files, one starts processes. The kernel runs in a child process under a watchdog.
    Takes less than a minute.
    """
    from hardtack.lab import demo

    with status_line() as show, Interruptible():
        rows = demo.run(lambda policy: show(f"running under {policy}"))
    with json_output(json_path) as write:
        write(demo.to_json(rows))
        _tell(rows)
    well = all(row.outcome == demo.ALL_WELL for row in rows if row.policy == "reserve")
    return 0 if well else 1


def _tell(rows: Sequence[PolicyRow]) -> None:
    from hardtack.lab import demo

    title = (
        f"A heap of {format_bytes(demo.CAPACITY)}, two citizens with {demo.ALL_MESSAGES} messages to "
        "deliver, three hogs"
    )
    _show([_cells(row, demo.CAPACITY) for row in rows], title)
    for row in rows:
        _, semicolon, more = row.outcome.partition("; ")
        if semicolon:
            click.echo(f"{row.policy}: {more}")
    for sentence in demo.explain(rows):
        click.echo(sentence)


def _cells(row: PolicyRow, capacity: int) -> tuple[str, ...]:
    return (
        row.policy,
        row.outcome.partition("; ")[0],  # the rest stands below the table
        str(row.citizen_errors),
        str(row.delivered),
        ", ".join(program for _, program in row.kills) or "nobody",
        f"{100 * row.peak_live / capacity:.1f} %",
        str(row.waits),
    )


def _show(rows: Sequence[tuple[str, ...]], title: str) -> None:
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for heading in _HEADINGS:
            table.add_column(heading, min_width=max(map(len, heading.split())), overflow="fold")
        table.columns[_HEADINGS.index("outcome")].min_width = len("citizens failed:")
        for row in rows:
            table.add_row(
                *(cell.replace(", ", "\n") for cell in row), style="green" if row[1] == "all well" else None
            )
        Console().print(table)
        return
    click.echo(f"{title}\n")
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row in (_HEADINGS, tuple("-" * width for width in widths), *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo()
