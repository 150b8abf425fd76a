"""Holds the bounds of random programs against what they really hold; as a program, for as long as asked.

python tests/analysis/fuzz.py --seconds 600 --seed 17
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import random_programs
from hardtack.analysis.bounds import bounds
from hardtack.lab.measuring import given, measure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

INPUTS = 8


@dataclass
class Report:
    """What came of some programs."""

    programs: int = 0
    bounded: int = 0
    calls: int = 0
    violations: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ratios: list[float] = field(default_factory=list)  # the tightest of each program

    def add(self, other: Report) -> None:
        self.programs += other.programs
        self.bounded += other.bounded
        self.calls += other.calls
        self.violations += other.violations
        self.refused += other.refused
        self.ratios += other.ratios

    def __str__(self) -> str:
        ratios = sorted(self.ratios)
        middle = f"{ratios[len(ratios) // 2]:.2f}" if ratios else "-"
        return (
            f"{self.programs} programs, {self.bounded} with a bound, {self.calls} calls, "
            f"{len(self.violations)} violations, median of the tightest ratios {middle}; "
            f"refused: {self.refused.most_common(8)}"
        )


def examine(seeds: Iterable[int], folder: Path, *, divide_by: int = 1) -> Report:
    """Analyse and run the programs of some seeds, in one module; `divide_by` falsifies the bounds."""
    programs = [random_programs.make(seed) for seed in seeds]
    name = f"random_{programs[0].seed}_{divide_by}"
    path = folder / f"{name}.py"
    path.write_text("\n\n".join([random_programs.PRELUDE, *(program.source for program in programs)]))
    found = bounds([f"{path}:entry{program.seed}" for program in programs], cache=False)
    module = _load(name, path)
    report = Report()
    for program, bound in zip(programs, found, strict=True):
        report.programs += 1
        if bound.peak is None:
            report.refused.update({finding.kind + ": " + finding.message[:60] for finding in bound.findings})
            continue
        report.bounded += 1
        function = getattr(module, f"entry{program.seed}")
        tightest = []
        for number, arguments in enumerate(program.inputs(INPUTS)):

            def make(arguments=arguments):
                return given(**{name: _real(module, value) for name, value in arguments.items()})

            _, keywords = make()
            promised = bound.for_call(**keywords) // divide_by
            held = measure(function, make)
            report.calls += 1
            if held.peak > promised:
                report.violations.append(
                    f"seed {program.seed}, input {number}: {held.peak} bytes held, {promised} promised"
                    f" ({bound.peak})\n{program.source}"
                )
            if held.peak:
                tightest.append(promised / held.peak)
        report.ratios += [min(tightest)] if tightest else []
    return report


def _real(module: ModuleType, value: object) -> object:
    """Return an argument of its own for each call: the call may change it."""
    if isinstance(value, tuple):
        return module.Point(*(_real(module, item) for item in value[1:]))
    if isinstance(value, list):
        return [_real(module, item) for item in value]
    return dict(value) if isinstance(value, dict) else value


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--batch", type=int, default=50)
    options = parser.parse_args()
    print(f"seeds from {options.seed}", flush=True)
    end, seed, report = time.monotonic() + options.seconds, options.seed, Report()
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            found = examine(range(seed, seed + options.batch), Path(folder))
        report.add(found)
        for violation in found.violations:
            print(violation, flush=True)
        seed += options.batch
        print(f"to seed {seed}: {report}", flush=True)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
