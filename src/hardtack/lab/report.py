"""`report.html`: one page with everything that the lab found, which asks no network for anything.

It is static: no script, its colours follow the reader's choice of light or dark, and its tables scroll by
themselves where a screen is narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from hardtack.lab.experiment import Figure, text
from hardtack.lab.plots import svg
from hardtack.lab.rows import machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardtack.lab.experiment import Claim, Experiment, Findings, Row, Value


@dataclass(frozen=True, slots=True)
class Entry:
    """An experiment that was run.

    Attributes:
        experiment: which.
        seed: of that run.
        findings: what it found.
        seconds: that it took.
    """

    experiment: Experiment
    seed: int
    findings: Findings
    seconds: float


_STYLE: Final = """
:root { color-scheme: light dark;
  --paper: #fdfcf9; --ink: #22252a; --soft: #5d636d; --faint: #d5d3cb;
  --card: #ffffff; --good: #1b6e3c; --bad: #a8321e;
  --series-1: #2166ac; --series-2: #c0562b; --series-3: #3b8456; --series-4: #8454a3; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15171a; --ink: #e4e3df; --soft: #a3a7ae; --faint: #3d4148;
  --card: #1c1f23; --good: #6fcf8f; --bad: #f08d75;
  --series-1: #6cb2f2; --series-2: #f0975f; --series-3: #79c795; --series-4: #c29be0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 46rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .3rem; padding-top: 1rem; border-top: 1px solid var(--faint); }
h2 small { font-size: .8rem; font-weight: normal; color: var(--soft); }
a { color: var(--series-1); }
.question { font-size: 1.1rem; margin: .2rem 0 .6rem; }
.method, .note, figcaption { color: var(--soft); }
figure { margin: 1.2rem 0; }
figcaption { margin-bottom: .3rem; }
svg { display: block; width: 100%; max-width: 36rem; height: auto; }
.claims { list-style: none; padding: 0; margin: 1rem 0; }
.claims li { margin: .6rem 0; padding: .6rem .8rem; background: var(--card);
  border-left: 4px solid var(--good);
  border-radius: 3px; }
.claims li.fails { border-left-color: var(--bad); }
.claims dl { margin: .3rem 0 0; display: grid; grid-template-columns: 5rem 1fr; font-size: .92rem; }
.claims dt { color: var(--soft); } .claims dd { margin: 0; }
.mark { font-weight: 600; color: var(--good); } .fails .mark { color: var(--bad); }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; vertical-align: bottom; }
th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--faint); }
td.number { text-align: right; white-space: nowrap; }
pre { overflow-x: auto; background: var(--card); padding: .6rem .8rem; border-radius: 3px;
  font-size: .88rem; }
nav { columns: 2; column-gap: 2rem; } nav a { display: block; }
"""

_PROBLEM: Final = (
    "A kernel's heap fills with descriptors, pipes and processes. When it is full in the middle of a system"
    " call, every answer is bad: panicking ends the machine, waiting in the allocator is a deadlock, and "
    "failing means to undo half-done work everywhere, rightly.",
    "MIT's Biscuit kernel found another: before a call begins, and while nothing is held, reserve the most "
    "memory that it can need, and wait there if that is not free. The price is that the bound must be "
    "known, and tight. hardtack does this in Python: its analyser proves bounds, its heaps keep them, its "
    "kernel reserves them.",
    "Each experiment below asks one question of that argument, says what the original found, and what was "
    "found here.",
)


def page(entries: Sequence[Entry], *, quick: bool) -> str:
    """Return the page.

    Args:
        entries: what was run, in the order of the page.
        quick: whether these were quick runs.

    Raises:
        ImportError: matplotlib is not installed.
    """
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>hardtack: what the lab found</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            *_opening(entries, quick),
            *(line for entry in entries for line in _section(entry, quick)),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _opening(entries: Sequence[Entry], quick: bool) -> Iterator[str]:
    claims = [claim for entry in entries for claim in entry.findings.claims]
    holding = sum(claim.holds for claim in claims)
    where = machine()
    yield "<h1>A full heap, and nobody harmed</h1>"
    yield from (f"<p>{paragraph}</p>" for paragraph in _PROBLEM)
    yield (
        f"<p><strong>{holding} of {len(claims)} claims hold</strong> in this run, which took "
        f"{sum(entry.seconds for entry in entries) / 60:.1f} minutes"
        f"{' (a quick one: few repeats)' if quick else ''} on Python {where['python']}, {where['system']}, "
        f"{where['cpus']} processors, {where['architecture']}. Figures are medians, with the least and the "
        "greatest of the repeats beside them where there are several.</p>"
    )
    yield "<nav>"
    yield from (f'<a href="#{entry.experiment.name}">{entry.experiment.name}</a>' for entry in entries)
    yield "</nav>"


def _section(entry: Entry, quick: bool) -> Iterator[str]:
    experiment, findings = entry.experiment, entry.findings
    yield f'<section id="{experiment.name}">'
    yield f"<h2>{experiment.name} <small>{entry.seconds:.0f} s</small></h2>"
    yield f'<p class="question">{escape(experiment.asks)}</p>'
    yield f'<p class="method">{escape(experiment.method)}</p>'
    yield '<ul class="claims">'
    yield from map(_claim, findings.claims)
    yield "</ul>"
    for plot in findings.plots:
        yield f"<figure><figcaption>{escape(plot.title)}</figcaption>{svg(plot)}</figure>"
    yield from map(_table, findings.tables())
    yield f"<pre>hardtack lab {experiment.name}{' --quick' if quick else ''} --seed {entry.seed}</pre>"
    yield "</section>"


def _claim(claim: Claim) -> str:
    original = f"<dt>original</dt><dd>{escape(claim.original)}</dd>" if claim.original else ""
    mark = "holds" if claim.holds else "fails"
    return (
        f'<li class="{mark}"><span class="mark">{mark}:</span> {escape(claim.claim)}'
        f"<dl>{original}<dt>found</dt><dd>{escape(claim.found)}</dd></dl></li>"
    )


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{escape(key)}</th>" for key in rows[0])
    body = "\n".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _cell(value: Value) -> str:
    kind = (
        ' class="number"' if isinstance(value, (int, float, Figure)) and not isinstance(value, bool) else ""
    )
    return f"<td{kind}>{escape(text(value))}</td>"
