"""Measure and draw the book's figures: `make book-figures`. With names, these alone; with --quick, roughly.

Each is a plot of one of the lab's experiments, as SVG that follows its reader's choice of light or dark.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

from hardtack.lab.experiment import Settings
from hardtack.lab.plots import svg

HERE: Final = Path(__file__).parent
NAMES: Final = ("policies", "concurrency", "bounds", "citizen")  # of each the first plot
SEED: Final = 1
STYLE: Final = """<style>
svg { --ink: #22252a; --faint: #d5d3cb;
  --series-1: #2166ac; --series-2: #c0562b; --series-3: #3b8456; --series-4: #8454a3 }
@media (prefers-color-scheme: dark) { svg { --ink: #e4e3df; --faint: #3d4148;
  --series-1: #6cb2f2; --series-2: #f0975f; --series-3: #79c795; --series-4: #c29be0 } }
</style>
"""


def draw(name: str, *, quick: bool) -> str:
    """Run an experiment, which takes up to minutes, and return its first plot as an SVG file."""
    experiment = importlib.import_module(f"hardtack.lab.experiments.{name}").EXPERIMENT
    findings = experiment.run(Settings(SEED, quick, step=lambda _: None))
    drawn = svg(findings.plots[0])
    end = drawn.index(">", drawn.index("<svg")) + 1
    return f"{drawn[:end]}\n{STYLE}{drawn[end:]}\n"


def main() -> None:
    """Draw what the command line names."""
    names = [argument for argument in sys.argv[1:] if argument != "--quick"] or list(NAMES)
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        (HERE / "figures" / f"{name}.svg").write_text(draw(name, quick="--quick" in sys.argv))


if __name__ == "__main__":
    main()
