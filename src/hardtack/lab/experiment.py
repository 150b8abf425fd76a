"""What an experiment of the lab is, and what it finds: claims, rows of figures, plots to be drawn.

An experiment is a module below `experiments` with an `EXPERIMENT`. It knows nothing of terminals, files or
drawing libraries: whoever runs it gives it `Settings` and takes its `Findings`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that was measured several times: the median, and how far the measurements lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Return the figure of some measurements.

        Example:
            >>> Figure.of([3.0, 1.0, 2.0])
            Figure(median=2.0, least=1.0, most=3.0)
        """
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        """Write it as in "2.1 (1.9 to 2.4)"."""
        middle, least, most = (number(value) for value in (self.median, self.least, self.most))
        return middle if least == most else f"{middle} ({least} to {most})"


Value: TypeAlias = str | bool | int | float | Figure | None
Row: TypeAlias = Mapping[str, Value]
Points: TypeAlias = Sequence[tuple[float, float]]


def number(value: float) -> str:
    """Write a figure with as many digits as tell something.

    Example:
        >>> number(1234567.0), number(0.98765), number(12.345), number(7)
        ('1,234,567', '0.988', '12.3', '7')
    """
    if not math.isfinite(value):
        return str(value)
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def text(value: Value) -> str:
    """Write a cell of a table.

    Example:
        >>> text(True), text(None), text("mail"), text(1000)
        ('yes', '-', 'mail', '1,000')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, (int, float)) else str(value)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was to be shown, and whether it was.

    Attributes:
        claim: the sentence.
        original: what Biscuit, or whoever said it first, found; "" if nobody published a figure.
        found: what was found here, in words and figures.
        holds: whether that agrees with the claim.
    """

    claim: str
    original: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """A plot of lines over a common axis, with marks at some places of it.

    Attributes:
        title: above it.
        across: the axis at the bottom, with its unit.
        up: the axis at the side, with its unit.
        series: the points of each line, by name.
        marks: where thin upright lines stand, by name.
        level: a height that a dashed line shows, and its name.
        logarithmic: the axis at the bottom is.
    """

    title: str
    across: str
    up: str
    series: Mapping[str, Points]
    marks: Mapping[str, Sequence[float]] = field(default_factory=dict)
    level: tuple[str, float] | None = None
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A plot of bars: a group of them for each label, one of each series, lying.

    Attributes:
        title: above it.
        across: the axis of values, with its unit.
        labels: of the groups.
        series: a height for each label, by name.
        level: a value that a dashed line shows, and its name.
        logarithmic: the axis of values is.
    """

    title: str
    across: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    level: tuple[str, float] | None = None
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Scatter:
    """A plot of points on two logarithmic axes.

    Attributes:
        title: above it.
        across: the axis at the bottom, with its unit.
        up: the axis at the side, with its unit.
        series: points, by name.
        diagonal: what the line on which both are equal is called, or "".
    """

    title: str
    across: str
    up: str
    series: Mapping[str, Points]
    diagonal: str = ""


Plot: TypeAlias = Lines | Bars | Scatter


@dataclass(frozen=True, slots=True)
class Findings:
    """What an experiment found. Rows that follow each other with the same keys are one table."""

    claims: Sequence[Claim]
    rows: Sequence[Row]
    plots: Sequence[Plot] = ()

    def tables(self) -> list[list[Row]]:
        """Return the rows, a list a table.

        Example:
            >>> [len(table) for table in Findings([], [{"a": 1}, {"a": 2}, {"b": 1}]).tables()]
            [2, 1]
        """
        found: list[list[Row]] = []
        for row in self.rows:
            if not found or list(found[-1][0]) != list(row):
                found.append([])
            found[-1].append(row)
        return found


@dataclass(frozen=True, slots=True)
class Settings:
    """How an experiment is to be run.

    Attributes:
        seed: of everything that is drawn at random.
        quick: in seconds instead of minutes, with fewer repeats.
        step: told what comes next, once for each of the experiment's steps.
        seconds: how long what runs for a time is to run, or None for the experiment's own choice.
    """

    seed: int
    quick: bool
    step: Callable[[str], None]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment.

    Attributes:
        name: by which it is called.
        asks: the question, one sentence.
        method: what is done to answer it, some sentences.
        steps: how many steps a run has, given whether it is quick.
        run: runs it, in child processes where it may take the process with it; blocks.
    """

    name: str
    asks: str
    method: str
    steps: Callable[[bool], int]
    run: Callable[[Settings], Findings]


def to_json(name: str, seed: int, findings: Findings) -> dict[str, object]:
    """Return one experiment as `hardtack lab NAME --json F` writes it."""
    return {
        "name": name,
        "seed": seed,
        "claims": [
            {"claim": each.claim, "original": each.original, "found": each.found, "holds": each.holds}
            for each in findings.claims
        ],
        "rows": [{key: _plain(value) for key, value in row.items()} for row in findings.rows],
    }


def _plain(value: Value) -> object:
    if isinstance(value, Figure):
        return {"median": _rounded(value.median), "least": _rounded(value.least), "most": _rounded(value.most)}
    return _rounded(value) if isinstance(value, float) else value


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
