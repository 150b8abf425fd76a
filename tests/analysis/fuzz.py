"""Holds the bounds of random programs against what they really hold; as a program, for as long as asked.

python tests/analysis/fuzz.py --seconds 600 --seed 17

What is wrong: a call that holds more than its bound, a crash of the analyser, a program that it takes long over.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import random_programs

from hardtack.analysis.entry import analyse
from hardtack.analysis.loading import load
from hardtack.analysis.models import load_models
from hardtack.lab.measuring import given, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from random_programs import Program

    from hardtack.analysis.results import Analysed

INPUTS = 6
PATIENCE = 10  # seconds of processor time that a program may be analysed for
PLACES = ("outside", "inside")


@dataclass
class Report:
    """What came of some programs."""

    programs: int = 0
    bounded: int = 0
    calls: int = 0
    violations: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ratios: list[float] = field(default_factory=list)  # the tightest of each program

    def add(self, other: Report) -> None:
        self.programs += other.programs
        self.bounded += other.bounded
        self.calls += other.calls
        self.violations += other.violations
        self.crashes += other.crashes
        self.slow += other.slow
        self.refused += other.refused
        self.ratios += other.ratios

    @property
    def wrong(self) -> list[str]:
        return self.violations + self.crashes

    def __str__(self) -> str:
        ratios = sorted(self.ratios)
        middle = f"{ratios[len(ratios) // 2]:.2f}" if ratios else "-"
        return (
            f"{self.programs} programs, {self.bounded} with a bound, {self.calls} calls, "
            f"{len(self.violations)} violations, {len(self.crashes)} crashes, {len(self.slow)} slow, "
            f"median of the tightest ratios {middle}; refused: {self.refused.most_common(8)}"
        )


class _TooLong(BaseException):
    """The time that something may take is over; the analyser catches every Exception."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise _TooLong when so much processor time has gone by."""

    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def examine(seeds: Iterable[int], folder: Path, *, divide_by: int = 1) -> Report:
    """Analyse and run the programs of some seeds, in one module; `divide_by` falsifies the bounds."""
    programs = [random_programs.make(seed) for seed in seeds]
    name = f"random_{programs[0].seed}_{divide_by}"
    path = folder / f"{name}.py"
    path.write_text("\n\n".join([random_programs.PRELUDE, *(program.source for program in programs)]))
    loaded, entries, _ = load([f"{path}:{program.name}" for program in programs])
    models = load_models([])
    module = _load(name, path)
    report = Report()
    for program, entry in zip(programs, entries, strict=True):
        report.programs += 1
        try:
            with _limited(PATIENCE):
                bound = analyse(loaded, entry, models)
        except _TooLong:
            report.slow.append(f"seed {program.seed}: more than {PATIENCE} s\n{program.source}")
            continue
        except Exception as error:
            report.crashes.append(f"seed {program.seed}: {error!r}\n{program.source}")
            continue
        inside = [str(finding) for finding in bound.findings if finding.kind == "internal"]
        if inside and "too long" in inside[0]:
            report.slow.append(f"seed {program.seed}: {inside[0]}\n{program.source}")
        elif inside:
            report.crashes.append(f"seed {program.seed}: {inside[0]}\n{program.source}")
        if bound.peak is None:
            report.refused.update({f"{one.kind}: {one.message[:60]}" for one in bound.findings})
        else:
            _hold(report, program, bound, module, divide_by)
    return report


def _hold(report: Report, program: Program, bound: Analysed, module: ModuleType, divide_by: int) -> None:
    """Hold a bound against a program's calls."""
    report.bounded += 1
    function = getattr(module, program.name)
    tightest = []
    make_instance = partial(_instance, module)
    for number in range(INPUTS):

        def make(number: int = number) -> Any:
            return given(**program.inputs(INPUTS, make_instance)[number])

        _, keywords = make()
        try:
            promised = bound.for_call(**keywords) // divide_by
        except Exception as error:
            report.crashes.append(f"seed {program.seed}: {error!r} of {bound.peak}\n{program.source}")
            break
        try:
            with _limited(PATIENCE):
                held = measure(function, make, place=PLACES[number % 2])
        except _TooLong:
            report.slow.append(f"seed {program.seed}: it runs for more than {PATIENCE} s\n{program.source}")
            break
        report.calls += 1
        if held.peak > promised:
            report.violations.append(
                f"seed {program.seed}, input {number}: {held.peak} bytes held, {promised} promised"
                f" ({bound.peak})\n{program.source}"
            )
        if held.peak:
            tightest.append(promised / held.peak)
    report.ratios += [min(tightest)] if tightest else []


def _instance(module: ModuleType, name: str, *parts: object) -> object:
    return (
        getattr(module, name, None)(*parts) if hasattr(module, name) else getattr(collections, name)(*parts)
    )


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--batch", type=int, default=100)
    options = parser.parse_args()
    print(f"seeds from {options.seed}", flush=True)
    end, seed, report = time.monotonic() + options.seconds, options.seed, Report()
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            found = examine(range(seed, seed + options.batch), Path(folder))
        report.add(found)
        for one in [*found.wrong, *found.slow]:
            print(one, flush=True)
        seed += options.batch
        print(f"to seed {seed}: {report}", flush=True)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
