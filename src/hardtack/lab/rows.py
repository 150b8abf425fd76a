"""A measured figure beside its peers', and its form for machines (`hardtack bench NAME --json F`)."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OURS: Final = "ours"  # the side that is hardtack's


@dataclass(frozen=True, slots=True)
class Row:
    """What one benchmark found.

    Attributes:
        name: what was measured, as in "reserve_release".
        unit: of `ours`, `spread` and `peers`: "ns", "us" or "ms", "KiB", or "million" instructions.
        ours: the median of the rounds.
        spread: the least and the greatest of them.
        peers: the medians of the others, by name.
        ratio: ours / theirs, by name: the median of the rounds' ratios, since what slows a round down slows
            both sides.
    """

    name: str
    unit: str
    ours: float
    spread: tuple[float, float]
    peers: Mapping[str, float]
    ratio: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """Return the row as `json.dumps` takes it, rounded to four significant digits."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": _rounded(self.ours),
            "spread": [_rounded(end) for end in self.spread],
            "peers": {peer: _rounded(figure) for peer, figure in self.peers.items()},
            "ratio": {peer: _rounded(figure) for peer, figure in self.ratio.items()},
        }


def row_of(name: str, unit: str, figures: Mapping[str, Sequence[float]]) -> Row:
    """Make a row of what each side took in each round; ours stands under OURS.

    Example:
        >>> row_of("clock", "ns", {"ours": [1, 2, 9], "wasmtime": [2, 2, 3]}).ratio
        {'wasmtime': 1.0}
    """
    ours = figures[OURS]
    peers = {peer: values for peer, values in figures.items() if peer != OURS}
    return Row(
        name,
        unit,
        statistics.median(ours),
        (min(ours), max(ours)),
        {peer: statistics.median(values) for peer, values in peers.items()},
        {
            peer: statistics.median(mine / theirs for mine, theirs in zip(ours, values, strict=True))
            for peer, values in peers.items()
        },
    )


def report(rows: Iterable[Row]) -> dict[str, object]:
    """Return what `hardtack bench NAME --json F` writes: the machine, and the rows.

    Example:
        >>> row = Row("clock", "ns", 190.04, (180.0, 200.0), {"wasmtime": 380.08}, {"wasmtime": 0.5})
        >>> report([row])["rows"] == [
        ...     {
        ...         "name": "clock",
        ...         "unit": "ns",
        ...         "ours": 190.0,
        ...         "spread": [180.0, 200.0],
        ...         "peers": {"wasmtime": 380.1},
        ...         "ratio": {"wasmtime": 0.5},
        ...     }
        ... ]
        True
    """
    return {"machine": machine(), "rows": [row.to_json() for row in rows]}


def machine() -> dict[str, object]:
    """Return on what the figures were measured."""
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
    }


def _rounded(figure: float) -> float:
    return float(f"{figure:.4g}")
