"""`hardtack ps`: what runs in the kernels of this user."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import complain, json_output
from hardtack.cli.parameters import json_option
from hardtack.units import format_bytes
from hardtack.wasm.endings import printable

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from hardtack.runtime.inspection import KernelTable

_HEADINGS: Final = ("pid", "parent", "state", "program", "live bytes", "memory", "waits")


@click.command(
    epilog="""\b
Examples:
  hardtack ps
  hardtack ps --json - sh
  hardtack ps --json kernels.json

\b
Kernels of `hardtack run`, `python` and `sh` are found by themselves, those of Python programs if they have a
name: Kernel(name="jobs"). Only their own user can look at them.
Exit status: 0; 1 if there is no kernel of that name.""",
)
@json_option("a list of kernels", instead=True)
@click.argument("name", required=False)
def command(json_path: Path | None, name: str | None) -> int:
    """List the processes of each running kernel, or of those called NAME."""
    from hardtack.runtime.inspection import look_at_all

    tables = look_at_all(name)
    if json_path is not None:
        with json_output(json_path) as write:
            write([asdict(table) for table in tables])
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(rendered(tables))
    else:
        for line in lines(tables):
            click.echo(line)
    return status(name, tables)


def status(name: str | None, tables: list[KernelTable]) -> int:
    """Return the exit status; say so if there is no kernel of that name."""
    if name is None or tables:
        return 0
    complain(f"hardtack: no kernel called {name!r} runs here; `hardtack ps` lists those that do")
    return 1


def title(table: KernelTable) -> str:
    """Return a kernel's books in a line."""
    capacity = f" of {format_bytes(table.capacity)}" if table.capacity is not None else ""
    return (
        f"{table.name} (host pid {table.host_pid}): heap {format_bytes(table.live)} live, "
        f"{format_bytes(table.reserved)} reserved{capacity}; user memory {format_bytes(table.memory)} of "
        f"{format_bytes(table.memory_capacity)}; {table.waits} waits, {table.kills} kills"
    )


def cells(table: KernelTable) -> list[tuple[str, ...]]:
    """Return a kernel's processes as text."""
    return [
        (
            str(row.pid),
            str(row.parent),
            row.state,
            printable(row.program),
            str(row.live),
            format_bytes(row.memory),
            row.waits,
        )
        for row in table.processes
    ]


def lines(tables: list[KernelTable]) -> list[str]:
    """Return kernels as plain lines."""
    found = []
    for table in tables:
        rows = [_HEADINGS, *cells(table)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        found.append(title(table))
        found += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return found


def rendered(tables: list[KernelTable]) -> RenderableType:
    """Return kernels as rich's tables."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    made = []
    for table in tables:
        grid = Table(title=escape(title(table)), title_justify="left", box=None, padding=(0, 2, 0, 0))
        for heading in _HEADINGS:
            grid.add_column(
                heading, justify="right" if heading in {"pid", "live bytes", "memory"} else "left"
            )
        for row in cells(table):
            grid.add_row(*map(escape, row))
        made.append(grid)
    return Group(*made) if made else "no kernel runs"
