"""Bounds held against many functions, one row each, as a table and as figures."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardtack.analysis.as_analysed import NotAsAnalysed
from hardtack.lab.measuring import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hardtack.lab.measuring import Make


@dataclass(slots=True)
class Row:
    """What became of one function.

    Attributes:
        name: the function, as it is named to the analyser.
        bound: the bound's text, or None where there is none.
        findings: why there is none.
        calls: how many were measured.
        violations: the calls that held more than the bound: input, place, bound and peak in bytes.
        largest: the greatest peak in bytes.
        tightest: the least ratio of bound to peak.
        median: the median one.
        refused: the inputs of classes that were not analysed, for which there is no figure.
    """

    name: str
    bound: str | None
    findings: list[str] = field(default_factory=list)
    calls: int = 0
    violations: list[tuple[int, str, int, int]] = field(default_factory=list)
    largest: int = 0
    tightest: float | None = None
    median: float | None = None
    refused: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def found_for(names: Sequence[str]) -> Callable[[str], Any]:
    """Ask for bounds of functions, those of a module at once; others' classes are no part of what it sees."""
    from hardtack.analysis.bounds import bounds

    modules: dict[str, list[str]] = {}
    for name in names:
        modules.setdefault(name.partition(":")[0], []).append(name)
    found = {name: one for each in modules.values() for name, one in zip(each, bounds(each), strict=True)}
    return found.__getitem__


def judge(
    name: str, bound: Callable[[str], Any], function: Callable[..., Any], inputs: Iterable[Make]
) -> Row:
    """Ask for a function's bound and hold it against the function's calls.

    Args:
        name: what the bound is asked for by.
        bound: `hardtack.bound`, or what `found_for` returns.
        function: what is called; see `hardtack.lab.measuring.measure`.
        inputs: makers of arguments.
    """
    found = bound(name)
    if found.peak is None:
        return Row(name, None, [_text(finding) for finding in found.findings])
    verdict = check(name, found, function, inputs, refusals=(NotAsAnalysed,))
    return Row(
        name,
        str(found.peak),
        [],
        len(verdict.cases),
        [(case.number, case.place, case.bound, case.measured.peak) for case in verdict.violations],
        verdict.largest,
        verdict.tightest,
        verdict.median,
        verdict.refused,
    )


def _text(finding: Any) -> str:
    return f"{Path(finding.file).name}:{finding.line}: {finding.kind}: {finding.message}"


def figures(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as they are kept in docs/figures: of the findings the first."""
    return [row.to_json() | {"findings": row.findings[:1], "violations": len(row.violations)} for row in rows]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table; who has no bound shows the first of its findings."""
    lines = ["| entry | peak <= | largest measured | tightest | median |", "|---|---|---|---|---|"]
    for row in rows:
        if row.bound is None:
            lines.append(f"| {row.name} | none: {row.findings[0] if row.findings else 'no finding'} | | | |")
        else:
            ratios = ["" if ratio is None else f"{ratio:.2f}" for ratio in (row.tightest, row.median)]
            lines.append(f"| {row.name} | {row.bound} | {row.largest} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """Return how many are bounded, how many bounds were exceeded, and how tight they are."""
    bounded = [row for row in rows if row.bound is not None]
    lines = [
        f"{len(bounded)} of {len(rows)} bounded ({100 * len(bounded) // max(1, len(rows))} %)",
        f"{sum(bool(row.violations) for row in bounded)} exceeded, in {sum(len(row.violations) for row in rows)} "
        f"of {sum(row.calls for row in rows)} calls",
        f"{sum(row.refused for row in rows)} inputs refused: their classes were not analysed",
    ]
    lines += [f"EXCEEDED {row.name}: {row.violations[0]}" for row in bounded if row.violations]
    lines += [f"NO FINDING {row.name}" for row in rows if row.bound is None and not row.findings]
    tightest = sorted(row.tightest for row in bounded if row.tightest is not None)
    if tightest:
        within = sum(ratio <= 5 for ratio in tightest)
        lines.append(
            f"tightest ratios: median {statistics.median(tightest):.2f}, {100 * within // len(tightest)} % at most 5"
        )
    return "\n".join(lines)
