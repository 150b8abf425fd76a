"""`spread`: whom a rule that counts objects finds, and whom one that counts bytes."""

from __future__ import annotations

import random
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypedDict

from hardtack.lab.children import call
from hardtack.lab.experiment import Bars, Claim, Experiment, Findings, Row
from hardtack.lab.observing import Observer
from hardtack.runtime import Kernel
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.system import System
    from hardtack.lab.experiment import Settings

_CAPACITY: Final = 8 << 20
_KEPT: Final = (600, 1200)  # descriptors of the citizen that needs many: drawn between these
_TURNS: Final = 20
_AFTER: Final = 50  # turns that are watched once somebody was killed
_SECONDS: Final = 60.0
_REPEATS: Final = (3, 1)  # quick
_HOGS: Final = {
    "swarm": "many small processes",
    "pipehog": "few large objects",
    "fdhog": "many small objects, one process",
}
_ARGUMENTS: Final = {"fdhog": ("-k",)}
_RULES: Final = {"objects": "most objects of one process", "bytes": "most bytes of a process tree"}


class _Run(TypedDict):
    killed: list[str]
    citizen_killed: bool
    held: int
    descriptors: int


def _by_objects(system: System, groups: list[Heap]) -> Heap | None:
    """Choose as Biscuit does: the process with most objects, here descriptors and children, loses."""
    most, victim = -1, None
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        if process is not None and process.group.heap in groups:
            objects = process.descriptors.count + process.children
            if objects > most:
                most, victim = objects, process.group.heap
        pid = system.processes.next_used(pid + 1)
    return victim


def exhaust(hog: str, rule: str, seed: int) -> _Run:
    """Have a hog exhaust a kernel beside a citizen with many descriptors, until somebody is killed; blocks."""
    descriptors = random.Random(seed).randint(*_KEPT)
    with Kernel(_CAPACITY, memory="4 GiB") as kernel:
        observer = Observer(kernel)
        observer.watch()
        if rule == "objects":
            observer.system.memory.ladder.rule = partial(_by_objects, observer.system)
        citizen = kernel.spawn("/bin/keeper", [str(descriptors)])
        assert citizen._process is not None
        observer.citizens.append(citizen._process.group)
        kernel.run_turns(_TURNS)
        kernel.spawn(f"/bin/{hog}", _ARGUMENTS.get(hog, ()), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _SECONDS
        while not observer.kills and time.monotonic() < deadline:
            kernel.run_turns(_TURNS)
        kernel.run_turns(_AFTER)
        return {
            "killed": [kill.program for kill in observer.kills],
            "citizen_killed": any(kill.citizen for kill in observer.kills),
            "held": observer.kills[0].held if observer.kills else 0,
            "descriptors": descriptors,
        }


def _run(settings: Settings) -> Findings:
    rows: list[Row] = []
    found: dict[tuple[str, str], list[_Run]] = {}
    for hog, shape in _HOGS.items():
        for rule, meaning in _RULES.items():
            settings.step(f"{hog}, by {rule}")
            runs = [
                call(exhaust, hog, rule, settings.seed + turn, seconds=2 * _SECONDS)
                for turn in range(_REPEATS[settings.quick])
            ]
            found[hog, rule] = runs
            rows.append(
                {
                    "hog": f"{hog}: {shape}",
                    "victim has": meaning,
                    "runs": len(runs),
                    "killed first": ", ".join(sorted({run["killed"][0] for run in runs if run["killed"]})),
                    "which held": format_bytes(runs[0]["held"]),
                    "citizen killed": sum(run["citizen_killed"] for run in runs),
                }
            )
    return Findings(_claims(found), rows, [_plot(found)])


def _lost(found: dict[tuple[str, str], list[_Run]], rule: str) -> list[str]:
    """Return the hogs beside which the citizen was killed, for each time."""
    return [hog for (hog, its), runs in found.items() if its == rule for run in runs if run["citizen_killed"]]


def _claims(found: dict[tuple[str, str], list[_Run]]) -> list[Claim]:
    wrong, right = _lost(found, "objects"), _lost(found, "bytes")
    total = sum(len(runs) for (_, rule), runs in found.items() if rule == "bytes")
    first = {run["killed"][0] for (hog, rule), runs in found.items() if rule == "bytes" for run in runs if run["killed"]}
    return [
        Claim(
            "Counting objects, a hog of many small processes, or of few large objects, is not found.",
            "the rule of the published code; the paper says it may kill a valuable process (section 6.4)",
            f"the citizen was killed {len(wrong)} times in {total}, beside {', '.join(sorted(set(wrong)))}",
            {"swarm", "pipehog"} <= set(wrong),
        ),
        Claim(
            "Counting the bytes of process trees, each hog is found.",
            "",
            f"the citizen was killed {len(right)} times in {total}; chosen first: {', '.join(sorted(first))}",
            not right and first == set(_HOGS),
        ),
    ]


def _plot(found: dict[tuple[str, str], list[_Run]]) -> Bars:
    return Bars(
        "Runs in which the citizen was killed",
        "% of the runs",
        [f"{hog}: {shape}" for hog, shape in _HOGS.items()],
        {
            meaning: [
                100 * sum(run["citizen_killed"] for run in found[hog, rule]) / len(found[hog, rule]) for hog in _HOGS
            ]
            for rule, meaning in _RULES.items()
        },
    )


EXPERIMENT: Final = Experiment(
    "spread",
    "Does the killer find a hog that is spread thin, and one that holds few large things?",
    "A citizen keeps several hundred descriptors and reads through them. Beside it a hog fills a heap of 8 MiB: a "
    "tree of small processes, pipes of 64 KiB each, or descriptors. The victim is chosen by Biscuit's rule, most "
    "objects of one process, and by ours, most bytes of a process tree.",
    lambda quick: len(_HOGS) * len(_RULES),
    _run,
)
