"""`hardtack bound`: the most memory that a call can hold, from its source, before it runs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hardtack.cli.output import complain, json_output, write_file
from hardtack.cli.parameters import json_option, output_file
from hardtack.cli.process import Interruptible
from hardtack.cli.progress import status_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardtack.analysis.bounds import Answer
    from hardtack.analysis.bounds_file import Bounds
    from hardtack.analysis.results import Analysed
    from hardtack.analysis.targets import TargetError

FAILED = 1
WRONG_USE = 2


@click.command(
    epilog="""\b
Examples:
  hardtack bound shop.orders:parse_order
  hardtack bound shop.orders:Order.total src/shop/tax.py:rate
  hardtack bound shop.orders:parse_order --html order.html
  hardtack bound shop.orders:parse_order --write bounds.json
  hardtack bound --check bounds.json

\b
Exit status:
    0  each target has a bound, and none grew
    1  a target has no bound, or the check fails
    2  wrong use: a target that names no function, or nothing at all
  130  Ctrl-C""",
)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@json_option("the bounds")
@click.option("--html", "html_file", type=output_file, metavar="FILE", help="Write a page with the source.")
@click.option("--write", "written", type=output_file, metavar="FILE", help="Write a bounds file to commit.")
@click.option(
    "--check",
    "checked",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Fail if a bound is greater than in this file; without TARGETs, check all that it holds.",
)
@click.option(
    "--models",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Models of your own, besides those of pyproject.toml; may be given several times.",
)
@click.option(
    "--no-cache", is_flag=True, help="Neither take bounds that were found before nor keep new ones."
)
@click.option("--assume", is_flag=True, help="Pass over findings: the number is then no bound, and says so.")
def command(
    targets: tuple[str, ...],
    json_path: Path | None,
    html_file: Path | None,
    written: Path | None,
    checked: Path | None,
    models: tuple[Path, ...],
    no_cache: bool,
    assume: bool,
) -> int:
    """Bound the memory of calls: peak, what is returned, what is retained, and why.

    A TARGET is package.module:function, package.module:Class.method or path/file.py:function. Nothing of it
    is run. Where the analyser cannot tell, there is no bound: each finding says where, why, and what
    annotation would settle it.
    """
    from hardtack.analysis import bounds_file
    from hardtack.analysis.targets import lasting_names

    committed = bounds_file.read(checked) if checked is not None else {}
    wanted = targets or tuple(committed)
    if not wanted:
        raise click.UsageError("no TARGET is given, for example package.module:function")
    answers = _analyse(wanted, models, assume=assume, cache=not no_cache)
    found = [one for one in answers if not isinstance(one, Exception)]
    names = lasting_names(wanted)
    errors = {name: one for name, one in zip(names, answers, strict=True) if isinstance(one, Exception)}
    lasting = [  # as a bounds file has them: it is read by a later command, which is not given these targets
        replace(one, entry=name)
        for name, one in zip(names, answers, strict=True)
        if not isinstance(one, Exception)
    ]
    gone = {text: _gone(one) for text, one in errors.items() if text in committed}
    with json_output(json_path) as write:
        if json_path is not None:
            from hardtack.analysis.report import to_json

            write(to_json(found))
        if html_file is not None:
            from hardtack.analysis.html import page

            write_file("--html", html_file, page(found))
        well = not gone and all(bound.peak is not None and not bound.assumed for bound in found)
        if checked is not None:
            well = _check(lasting, {one: committed[one] for one in names if one in committed}, gone) and well
        else:
            _show(found)
        others = [error for text, error in errors.items() if text not in committed]
        for error in others:
            complain(f"hardtack: {error}")
        if others:
            return _status(others)
        if written is not None:
            write_file("--write", written, bounds_file.text_of(lasting))
            click.echo(f"{_counted(len(found))} written to {written}")
        return 0 if well else FAILED


def _status(errors: Sequence[TargetError]) -> int:
    """Return the exit status for targets that have no answer: some may be no fault of the command's use."""
    from hardtack.analysis.targets import Unreadable

    return FAILED if all(isinstance(error, Unreadable) for error in errors) else WRONG_USE


def _gone(error: TargetError) -> str:
    from hardtack.analysis.targets import Unreadable

    return str(error) if isinstance(error, Unreadable) else f"{error} (was it renamed or deleted?)"


def _counted(number: int) -> str:
    return f"{number} bound{'s' * (number != 1)}"


def _analyse(targets: Sequence[str], models: Sequence[Path], *, assume: bool, cache: bool) -> list[Answer]:
    from hardtack.analysis.bounds import answers

    with status_line() as show, Interruptible():
        return answers(
            targets,
            models=models,
            assume=assume,
            cache=cache,
            progress=show,
            processes=len(os.sched_getaffinity(0)),
            leaving=True,
        )


def _show(found: Sequence[Analysed]) -> None:
    from hardtack.analysis.report import lines

    for number, bound in enumerate(found):
        if number:
            click.echo()
        click.echo("\n".join(lines(bound)))


def _check(found: Sequence[Analysed], committed: Bounds, gone: Mapping[str, str]) -> bool:
    from hardtack.analysis.bounds_file import compare

    changes = compare(committed, found, gone)
    for change in sorted(changes, key=lambda change: change.fails):
        click.echo(f"{'FAILS ' if change.fails else 'passes'} {change.entry}: {change.kind}: {change.text}")
        for line in change.details:
            click.echo(f"    {line}")
    failed = {change.entry for change in changes if change.fails}
    checked = _counted(len(found) + len(gone))
    if failed:
        verb = "fails" if len(failed) == 1 else "fail"
        click.echo(f"{len(failed)} of {checked} {verb} the check; if that is meant, write the file again")
    else:
        click.echo(f"{checked} hold{'s' * (len(found) == 1)}")
    return not failed
