"""`hardtack bench`: figures beside peers, measured in turns in one run, as ratios."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import json_output
from hardtack.cli.parameters import count_of, json_option
from hardtack.cli.process import Interruptible
from hardtack.cli.progress import status_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.lab.rows import Row

_HEADINGS: Final = {
    "calls": "One system call, beside wasmtime's own WASI; ratio = ours / theirs.",
    "annotations": "What checks of annotations cost, beside none; ratio = ours / theirs.",
    "fork": "fork, exit and wait, beside the host's own and wasmtime's instances; ratio = ours / theirs.",
    "pipes": "4 MB of cat | wc, beside the host's and its pipe for others' guests; ratio = ours / theirs.",
    "scale": "Calls with 10,000 descriptors or beside 1,000 processes; ratio = to 10, or alone.",
    "sqlite": "SQLite's transactions, beside wasmtime's own WASI on like storage; ratio = ours / theirs.",
    "startup": "Programs' starts, beside wasmtime's own WASI and Node's; ratio = ours / theirs.",
    "kill": "From the order to kill to a program's end, beside wasmtime's epochs; ratio = ours / theirs.",
    "density": "Programs that sleep, beside threads under wasmtime's own WASI; ratio = ours / theirs.",
    "heap": "Heaps and reservations, beside limiters, pymalloc and tracemalloc; ratio = ours / theirs.",
}


@click.command(
    epilog="""\b
Examples:
  hardtack bench calls
  hardtack bench heap --rounds 15 --json heap.json
  hardtack bench heap --instructions

\b
Exit status: 0; 2 wrong use; 1 an error of hardtack's; 130 Ctrl-C""",
)
@click.argument("name", type=click.Choice(list(_HEADINGS)))
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For sqlite: the program, which `make sqlite` builds.  [default: build/sqlite/sqlite.wasm]",
)
@click.option(
    "--rounds", type=count_of(1, 1000), metavar="N", default=7, show_default=True, help="Rounds to take."
)
@click.option(
    "--instructions",
    is_flag=True,
    help="For heap: count instructions with valgrind instead, which takes minutes.",
)
@json_option("the figures")
def command(name: str, program: Path | None, rounds: int, instructions: bool, json_path: Path | None) -> None:
    """Measure NAME beside peers; annotations beside code without them.

    Both sides are measured in turns, so that what slows this machine down slows both. Figures are medians.
    """
    from hardtack.lab.rows import report

    if program is not None and name != "sqlite":
        raise click.UsageError("--program is for sqlite alone")
    if instructions and name != "heap":
        raise click.UsageError("--instructions is for heap alone")
    if instructions and shutil.which("valgrind") is None:
        raise click.UsageError("--instructions needs valgrind, which is not installed")
    with status_line() as show, Interruptible():
        rows = _measured(name, program, rounds, instructions, lambda what: show(f"measuring {what}"))
    with json_output(json_path) as write:
        click.echo(_HEADINGS[name])
        for line in table(rows):
            click.echo(line)
        write(report(rows))


def _measured(
    name: str, program: Path | None, rounds: int, instructions: bool, progress: Callable[[str], None]
) -> list[Row]:
    if instructions:
        from hardtack.lab.bench_heap_workloads import measure_instructions

        return measure_instructions(progress)
    if name == "sqlite":
        from hardtack.lab.bench_sqlite import PROGRAM
        from hardtack.lab.bench_sqlite import measure as measure_sqlite

        return measure_sqlite(rounds, progress, program or PROGRAM)
    if name == "calls":
        from hardtack.lab.bench_calls import measure
    elif name == "fork":
        from hardtack.lab.bench_fork import measure
    elif name == "scale":
        from hardtack.lab.bench_scale import measure
    elif name == "pipes":
        from hardtack.lab.bench_pipes import measure
    elif name in {"startup", "kill", "density"}:
        from hardtack.lab import bench_processes

        measure = {
            "startup": bench_processes.measure_startup,
            "kill": bench_processes.measure_kill,
            "density": bench_processes.measure_density,
        }[name]
    elif name == "annotations":
        from hardtack.lab.bench_annotations import measure
    else:
        from hardtack.lab.bench_heap import measure
    return measure(rounds, progress)


def table(rows: Sequence[Row]) -> list[str]:
    """Return rows as lines of text, a peer a line."""
    lines = []
    width = max(len(row.name) for row in rows) + 2
    for row in rows:
        low, high = row.spread
        ours = f"{row.name:<{width}}{_number(row.ours):>8} {row.unit}  ({_number(low)} to {_number(high)})"
        for peer, figure in row.peers.items():
            theirs = f"{peer:<28}{_number(figure):>8} {row.unit}  ratio {_ratio(row.ratio[peer])}"
            lines.append(f"{ours:<{width + 40}}{theirs}")
            ours = ""
        if not row.peers:
            lines.append(ours)
    return lines


def _ratio(ratio: float) -> str:
    return f"{ratio:.3f}" if 0.9 < ratio < 1.1 or ratio < 0.1 else f"{ratio:.2f}"


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
