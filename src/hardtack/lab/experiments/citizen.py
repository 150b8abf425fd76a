"""`citizen`: the paper's experiment. Abusers fill the heap over and over; citizens must not notice.

Source: Cutler, Kaashoek and Morris (OSDI'18), section 8.9.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Final, TypedDict

from hardtack.lab.children import call
from hardtack.lab.experiment import Claim, Experiment, Figure, Findings, Lines, Row, number
from hardtack.lab.observing import Observer
from hardtack.runtime import Kernel
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.lab.experiment import Plot, Settings
    from hardtack.runtime.handles import Process

_CAPACITY: Final = 16 << 20
_FILES: Final = 2 << 20
_CITIZENS: Final = ("ann", "bob")
_MESSAGE_BYTES: Final = 400
_ABUSERS: Final = 2
_CHILDREN: Final = 2  # of each abuser
# What the children of the neighbours do; drawn at random where there is a choice.
_NEIGHBOURS: Final = {
    "abusers": (("/bin/fdhog", "-k"), ("/bin/pipehog",)),
    "callers": (("/bin/calls", "openclose", "1000000000", "0", "/called"),),
    "spinners": (("/bin/spin",),),
}
_STEP_SECONDS: Final = 0.02  # of turns, between two looks whether an abuser was killed
_SAMPLE_SECONDS: Final = 0.2
_ROUNDS: Final = 3
_SHARES: Final = {"abusers": 3, "callers": 1, "spinners": 1}  # of the time that there is
_SECONDS: Final = (240.0, 18.0)  # in all; quick


class _Sample(TypedDict):
    at: float
    live: int
    delivered: int
    waits: int
    kills: int


class _Run(TypedDict):
    samples: list[_Sample]
    kills: list[dict[str, Any]]
    citizen_waits: list[float]
    errors: list[str]
    delivered: int
    cpu_seconds: float
    peak: int
    overruns: int
    failed_calls: int


class _Neighbourhood:
    """A kernel with citizens, and whoever lives beside them."""

    def __init__(self, kernel: Kernel, neighbours: str, seed: int, outputs: Sequence[IO[bytes]]) -> None:
        self.kernel = kernel
        self.random = random.Random(seed)
        self.neighbours = neighbours
        self.observer = Observer(kernel)
        self.observer.watch()
        self.outputs = outputs
        self.citizens = [
            kernel.spawn(
                "/bin/mail", [name, "0", str(_MESSAGE_BYTES)], stdout=output.fileno(), stderr=output.fileno()
            )
            for name, output in zip(_CITIZENS, self.outputs, strict=True)
        ]
        self.observer.citizens += [
            citizen._process.group for citizen in self.citizens if citizen._process is not None
        ]
        self.others: list[Process] = []

    def meet(self) -> None:
        """Start as many neighbours as there should be: those that were killed come again."""
        self.others = [other for other in self.others if other.running]
        while len(self.others) < _ABUSERS:
            child = self.random.choice(_NEIGHBOURS[self.neighbours])
            null = os.open(os.devnull, os.O_RDWR)
            arguments = [str(_CHILDREN), *child]
            self.others.append(
                self.kernel.spawn("/bin/abuser", arguments, stdin=b"", stdout=null, stderr=null)
            )
            os.close(null)

    def delivered(self) -> int:
        """Return how many messages the citizens said they have delivered."""
        return sum(max(map(int, re.findall(r"delivered (\d+)", said)), default=0) for said in self._said())

    def errors(self) -> list[str]:
        """Return what the citizens complained of, and which of them ended."""
        ended = [name for name, citizen in zip(_CITIZENS, self.citizens, strict=True) if not citizen.running]
        lines = [line for said in self._said() for line in said.splitlines() if ": delivered " not in line]
        return [*lines, *(f"{name} ended" for name in ended)]

    def _said(self) -> list[str]:
        return [
            os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0).decode()
            for output in self.outputs
        ]


def live_beside(neighbours: str, seconds: float, seed: int) -> _Run:
    """Have the citizens live beside some neighbours for a time, in this process; blocks."""
    samples: list[_Sample] = []
    with Kernel(_CAPACITY, fs_size=_FILES) as kernel, ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in _CITIZENS]
        town = _Neighbourhood(kernel, neighbours, seed, outputs)
        kernel.run_turns(64)
        turns = 16
        started, cpu = time.monotonic(), time.process_time()
        while (now := time.monotonic() - started) < seconds:
            town.meet()
            if not samples or now - samples[-1]["at"] >= _SAMPLE_SECONDS:
                samples.append(_sample(town, now))
            before = time.monotonic()
            kernel.run_turns(turns)
            took = time.monotonic() - before
            turns = max(4, min(turns * 2, int(turns * _STEP_SECONDS / took))) if took else turns
        cpu = time.process_time() - cpu
        statistics = kernel.statistics()
        samples.append(_sample(town, now))
        errors = town.errors()
        kernel.check()
        return {
            "samples": samples,
            "kills": [
                {"at": kill.at, "program": kill.program, "citizen": kill.citizen, "back": kill.back_seconds}
                for kill in town.observer.kills
            ],
            "citizen_waits": town.observer.waits,
            "errors": errors,
            "delivered": samples[-1]["delivered"],
            "cpu_seconds": cpu,
            "peak": statistics.heap.peak,
            "overruns": statistics.heap.overruns,
            "failed_calls": statistics.failed_calls,
        }


def _sample(town: _Neighbourhood, at: float) -> _Sample:
    statistics = town.kernel.statistics()
    return {
        "at": at,
        "live": statistics.heap.live,
        "delivered": town.delivered(),
        "waits": statistics.waits,
        "kills": len(town.observer.kills),
    }


def _steps(quick: bool) -> list[tuple[int, str]]:
    return [(number, kind) for number in range(1 if quick else _ROUNDS) for kind in _SHARES]


def _run(settings: Settings) -> Findings:
    steps = _steps(settings.quick)
    total = settings.seconds or _SECONDS[settings.quick]
    part = total * len(_SHARES) / len(steps) / sum(_SHARES.values())
    runs: dict[str, list[_Run]] = {kind: [] for kind in _SHARES}
    for turn, kind in steps:
        seconds = part * _SHARES[kind]
        settings.step(f"{seconds:.0f} s beside {kind}, round {turn + 1}")
        runs[kind].append(call(live_beside, kind, seconds, settings.seed + turn, seconds=seconds * 2 + 60))
    rows = [_row(kind, turn, run) for kind, found in runs.items() for turn, run in enumerate(found, 1)]
    return Findings(_claims(runs), rows, _plots(runs["abusers"][0]))


def _rate(run: _Run) -> float:
    """Return messages a second of processor time: what else the machine does is none of the kernel's."""
    return run["delivered"] / run["cpu_seconds"]


def _row(kind: str, turn: int, run: _Run) -> Row:
    backs = [kill["back"] for kill in run["kills"] if kill["back"] is not None]
    return {
        "beside": kind,
        "round": turn,
        "seconds": run["samples"][-1]["at"],
        "citizens' errors": len(run["errors"]),
        "messages / CPU s": _rate(run),
        "kills": len(run["kills"]),
        "of citizens": sum(kill["citizen"] for kill in run["kills"]),
        "waits": run["samples"][-1]["waits"],
        "citizens' waits": len(run["citizen_waits"]),
        "longest wait, ms": max(run["citizen_waits"], default=0.0) * 1000,
        "peak live / M": run["peak"] / _CAPACITY,
        "victim's memory back, ms": Figure.of([back * 1000 for back in backs]) if backs else None,
    }


def _claims(runs: dict[str, list[_Run]]) -> list[Claim]:
    abused = runs["abusers"]
    seconds = sum(run["samples"][-1]["at"] for run in abused)
    errors = [error for run in abused for error in run["errors"]]
    kills = [kill for run in abused for kill in run["kills"]]
    wrong = [kill["program"] for kill in kills if kill["citizen"]]
    peak = max(run["peak"] for run in abused) / _CAPACITY
    spinners, callers = (
        Figure.of([_rate(mine) / _rate(theirs) for mine, theirs in zip(abused, runs[kind], strict=True)])
        for kind in ("spinners", "callers")
    )
    backs = [kill["back"] for kill in kills]
    back = max((one for one in backs if one is not None), default=0.0)
    broken = sum(run["overruns"] + run["failed_calls"] for run in abused)
    waits = sum(len(run["citizen_waits"]) for run in abused)
    return [
        Claim(
            "The citizens see no error.",
            "0 errors in 25 minutes",
            f"{len(errors)} errors in {seconds:.0f} s; {broken} calls beyond their bound or failed"
            + (f": {errors[0]}" if errors else ""),
            not errors and not broken,
        ),
        Claim(
            "Only abusers are killed.",
            "4 kills in the first 35 s, always the abuser's child",
            f"{len(kills)} kills in {seconds:.0f} s, {len(wrong)} of them of citizens",
            bool(kills) and not wrong,
        ),
        Claim(
            "Nearly all of the heap is used before anybody is killed: peak live >= 95 % of M.",
            "97 % of 512 MB",
            f"{100 * peak:.1f} % of {format_bytes(_CAPACITY)}",
            peak >= 0.95,
        ),
        Claim(
            "The citizens reach 80 % of what they reach beside as many harmless processes that make calls, "
            "too.",
            "not measured",
            f"{callers} of it, by processor time; the citizens waited {number(waits)} times",
            callers.median >= 0.8,
        ),
        Claim(
            "The citizens reach 80 % of what they reach beside as many harmless spinners.",
            "not measured",
            f"{spinners} of it, by processor time",
            spinners.median >= 0.8,
        ),
        Claim(
            "A victim's memory is soon back.",
            "a couple of seconds",
            f"{back * 1000:.1f} ms at most" if None not in backs else "of some victims it did not come back",
            bool(kills) and None not in backs and back < 2,
        ),
    ]


def _plots(run: _Run) -> list[Plot]:
    samples = run["samples"]
    begin, end = samples[0]["at"], min(samples[-1]["at"], 60.0)
    shown = [sample for sample in samples if begin <= sample["at"] <= end]
    kills = [kill["at"] for kill in run["kills"] if kill["at"] <= end]
    return [
        Lines(
            "Live bytes of the kernel's heap; each thin line is a kill",
            "seconds",
            "MiB",
            {"live": [(sample["at"], sample["live"] / (1 << 20)) for sample in shown]},
            {"kill": kills},
            ("M", _CAPACITY / (1 << 20)),
        ),
        Lines("Messages that the citizens delivered", "seconds", "a second", {"delivered": _rates(shown)}),
        Lines(
            "Calls that waited for memory, and kills, so far",
            "seconds",
            "how many",
            {
                "waits": [(sample["at"], sample["waits"]) for sample in shown],
                "kills": [(sample["at"], sample["kills"]) for sample in shown],
            },
        ),
    ]


def _rates(samples: Sequence[_Sample]) -> list[tuple[float, float]]:
    """Return messages a second, over a second each."""
    found = []
    first = samples[0]
    for sample in samples:
        if sample["at"] - first["at"] >= 1.0:
            passed = sample["at"] - first["at"]
            found.append((sample["at"], (sample["delivered"] - first["delivered"]) / passed))
            first = sample
    return found


EXPERIMENT: Final = Experiment(
    "citizen",
    "Do those who do no harm notice that others fill the heap, over and over?",
    "Two citizens deliver mail without end, check each byte and end at the first error. Beside them two "
    "abusers start children that each fill the heap, with descriptors or with full pipes; whoever is killed"
    " comes again at once. Then the same citizens beside as many processes that do no harm: they open and "
    "close a file, or only compute. The rounds take turns.",
    lambda quick: len(_steps(quick)),
    _run,
)
