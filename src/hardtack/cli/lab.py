"""`hardtack lab`: experiments that show each step of the argument, each with what the original found."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from hardtack.cli.output import complain, json_output, write_file
from hardtack.cli.parameters import count, json_option, output_file, seconds_of
from hardtack.cli.process import Interruptible
from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hardtack.lab.experiment import Experiment, Findings, Row
    from hardtack.lab.report import Entry

_ALL: Final = "all"
_LIST: Final = "list"
_WIDTH: Final = 100  # of text where no terminal says


@click.command(
    epilog="""\b
Examples:
  hardtack lab list
  hardtack lab citizen --seconds 600
  hardtack lab all --quick --html report.html

\b
Exit status:
    0  every claim holds
    1  one does not, or an experiment did not come to its end
    2  wrong use
  130  Ctrl-C""",
)
@click.argument("name")
@json_option("claims and figures")
@click.option("--html", "html_file", type=output_file, metavar="FILE", help="Write a page with plots.")
@click.option("--quick", is_flag=True, help="Seconds instead of minutes, with fewer repeats.")
@click.option(
    "--seed", type=count, metavar="N", help="Of what is drawn at random; itself drawn if not given."
)
@click.option(
    "--seconds",
    type=seconds_of(1, 1e9),
    metavar="SECONDS",
    help="How long citizen, background and bounds run their workloads.",
)
def command(
    name: str,
    json_path: Path | None,
    html_file: Path | None,
    quick: bool,
    seed: int | None,
    seconds: float | None,
) -> int:
    """Run the experiment NAME, or all; `list` says which there are.

    Each says what Biscuit, whose answer to a full heap this is, found, and what was found here. All of them
    take a quarter of an hour, quick ones two minutes. --html needs the extra `lab` (matplotlib).
    """
    from hardtack.lab import experiments

    if name == _LIST:
        for each in map(experiments.find, experiments.NAMES):
            click.echo(f"{each.name:<12} {each.asks}")
        return 0
    if name not in (*experiments.NAMES, _ALL):
        raise click.BadParameter(f"{name!r} is none of {', '.join((*experiments.NAMES, _ALL, _LIST))}")
    if html_file is not None:
        _need_matplotlib()
    chosen = [experiments.find(each) for each in (experiments.NAMES if name == _ALL else (name,))]
    drawn = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    entries = []
    with json_output(json_path) as write:
        click.echo(f"seed {drawn}")
        with Interruptible():
            for experiment in chosen:
                entry = _run(experiment, drawn, quick, seconds)
                _show(experiment, entry.findings)
                entries.append(entry)
            if html_file is not None:
                from hardtack.lab.report import page

                write_file("--html", html_file, page(entries, quick=quick))
        from hardtack.lab.experiment import to_json

        documents = [to_json(entry.experiment.name, entry.seed, entry.findings) for entry in entries]
        write({"experiments": documents})
    return 0 if all(claim.holds for entry in entries for claim in entry.findings.claims) else 1


def _need_matplotlib() -> None:
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.UsageError("--html draws with matplotlib: pip install 'hardtack[lab]'")


def _run(experiment: Experiment, seed: int, quick: bool, seconds: float | None) -> Entry:
    import time

    from hardtack.lab.experiment import Claim, Findings, Settings
    from hardtack.lab.report import Entry

    started = time.monotonic()
    with _progress(experiment.name, experiment.steps(quick)) as step:
        try:
            findings = experiment.run(Settings(seed, quick, step, seconds))
        except HardtackError as error:  # the others are still worth their time
            findings = Findings([Claim("The experiment comes to its end.", "", str(error), False)], [])
    return Entry(experiment, seed, findings, time.monotonic() - started)


@contextmanager
def _progress(name: str, steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[name]}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=steps, completed=-1, name=name)
        yield lambda what: progress.update(task, advance=1, description=what)


def _show(experiment: Experiment, findings: Findings) -> None:
    click.echo(f"\n{experiment.name}: {experiment.asks}\n")
    for table in findings.tables():
        for line in _lines(table):
            click.echo(line)
        click.echo()
    for claim in findings.claims:
        mark = "holds " if claim.holds else "FAILS "
        click.echo(f"{mark} {claim.claim}\n       found: {claim.found}")
        if claim.original:
            click.echo(f"       original: {claim.original}")
    if not findings.claims:
        complain(f"{experiment.name} claims nothing")


def _lines(table: Sequence[Row]) -> list[str]:
    from hardtack.lab.experiment import text

    cells = [list(table[0]), *([text(value) for value in row.values()] for row in table)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [not isinstance(value, str) for value in table[0].values()]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    ]
