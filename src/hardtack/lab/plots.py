"""Draws plots as SVG that takes its colours from the page around it, with matplotlib (the extra `lab`).

matplotlib knows no CSS, so it draws in colours that stand for the page's variables, and these are put in
afterwards. Text stays text.
"""

from __future__ import annotations

import io
import re
import textwrap
from functools import singledispatch
from typing import TYPE_CHECKING, Any, Final

from hardtack.lab.experiment import Bars, Lines, Plot, Scatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK: Final = "#010203"
_FAINT: Final = "#040506"
_SERIES: Final = ("#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04")
_VARIABLES: Final = {
    _INK: "ink",
    _FAINT: "faint",
    **{colour: f"series-{n}" for n, colour in enumerate(_SERIES, 1)},
}
_STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _FAINT,
    "grid.linewidth": 0.4,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}
_WIDTH: Final = 4.7  # inches: a phone shows it without making the text much smaller
_LABEL: Final = 24  # characters of a line of a label


def svg(plot: Plot) -> str:
    """Return a plot as an <svg> element, whose colours are var(--ink), var(--faint), var(--series-1) ...

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": plot.title}
    with mpl.rc_context(style):
        figure = Figure(figsize=(_WIDTH, _height(plot)), layout="constrained")
        axes = figure.add_subplot()
        draw(plot, axes)
        if len(plot.series) > 1:
            figure.legend(loc="outside upper left", ncols=2, fontsize=8)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(out.getvalue(), plot.title)


def _height(plot: Plot) -> float:
    if isinstance(plot, Bars):
        return 0.9 + len(plot.labels) * (0.2 + 0.16 * len(plot.series))
    return 3.4 if isinstance(plot, Scatter) else 2.6


def _themed(drawn: str, title: str) -> str:
    """Keep the <svg> element alone, put in the page's colours and families, and make its ids its own."""
    found = drawn[drawn.index("<svg") :]
    found = re.sub(r"<metadata>.*?</metadata>", "", found, flags=re.DOTALL)
    found = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", found, count=1)
    found = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", found, count=1)
    for colour, name in _VARIABLES.items():
        found = found.replace(colour, f"var(--{name})")
    prefix = re.sub(r"\W+", "-", title.lower())
    found = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}-", found)
    return found.replace("<svg", f'<svg role="img" aria-label="{title.replace(chr(34), "")}"', 1)


@singledispatch
def draw(plot: Plot, axes: Axes) -> None:
    """Draw a plot on matplotlib's axes."""
    raise TypeError(f"{plot!r} is no plot")


@draw.register(Lines)
def _draw_lines(plot: Lines, axes: Axes) -> None:
    for marks in plot.marks.values():
        for place in marks:
            axes.axvline(place, color=_SERIES[1], linewidth=0.6, alpha=0.6)
    for (name, points), colour in zip(plot.series.items(), _SERIES, strict=False):
        across, up = zip(*points, strict=True) if points else ((), ())
        axes.plot(
            across, up, color=colour, label=name, marker="o" if len(points) < 10 else None, markersize=4
        )
    if plot.level is not None:
        axes.axhline(plot.level[1], color=_INK, linewidth=0.8, linestyle="--")
        axes.annotate(
            plot.level[0], (1, plot.level[1]), xycoords=("axes fraction", "data"), va="bottom", ha="right"
        )
    if plot.logarithmic:
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(plot.across)
    axes.set_ylabel(plot.up)


@draw.register(Bars)
def _draw_bars(plot: Bars, axes: Axes) -> None:
    thick = 0.8 / len(plot.series)
    for place, (name, values) in enumerate(plot.series.items()):
        at = [label + (place + 0.5) * thick - 0.4 for label in range(len(plot.labels))]
        axes.barh(at, values, height=thick * 0.92, color=_SERIES[place], label=name)
    if plot.level is not None:
        axes.axvline(plot.level[1], color=_INK, linewidth=0.8, linestyle="--")
        axes.annotate(
            plot.level[0], (plot.level[1], 1), xycoords=("data", "axes fraction"), va="bottom", ha="center"
        )
    if plot.logarithmic:
        axes.set_xscale("log")
    axes.set_yticks(range(len(plot.labels)), [textwrap.fill(label, _LABEL) for label in plot.labels])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(plot.across)


@draw.register(Scatter)
def _draw_scatter(plot: Scatter, axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for (name, points), colour in zip(plot.series.items(), _SERIES, strict=False):
        across, up = zip(*points, strict=True) if points else ((), ())
        axes.scatter(across, up, color=colour, label=name, s=16, alpha=0.8, linewidths=0)
    if plot.diagonal:
        axes.axline((1000, 1000), (10_000, 10_000), color=_INK, linewidth=0.8, linestyle="--")
        axes.annotate(plot.diagonal, (0.98, 0.02), xycoords="axes fraction", va="bottom", ha="right")
    axes.set_xlabel(plot.across)
    axes.set_ylabel(plot.up)
