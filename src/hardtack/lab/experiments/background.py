"""`background`: what the kernel's own work sets aside beforehand, against what it was seen to take."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Final, TypedDict

from hardtack.kernel.params import SCHEDULER_BYTES, START_BYTES
from hardtack.lab.children import call
from hardtack.lab.experiment import Bars, Claim, Experiment, Findings, Row
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.lab.experiment import Settings
    from hardtack.runtime.handles import Process as StartedProcess

_CAPACITY: Final = 16 << 20
_SECONDS: Final = (30.0, 6.0)  # in all; quick
_WORKLOADS: Final = {
    "mail": (("mail", "a", "0", "400"), ("mail", "b", "0", "4000")),
    "descriptors": (("mail", "a", "0", "400"), ("abuser",)),
    "processes": (("mail", "a", "0", "400"), ("forkbomb",)),
    "everything": (("mail", "a", "0", "400"), ("abuser",), ("forkbomb",), ("filehog",), ("pipehog",)),
}


class _Taken(TypedDict):
    turns: int
    starts: int
    turn: int
    drawn: int
    start: int


class _Watch:
    """Looks at the books after each turn; what it keeps is nobody's."""

    def __init__(self, kernel: Kernel) -> None:
        self.system, self.scheduler = kernel._system, kernel._scheduler
        self.taken: _Taken = {"turns": 0, "starts": 0, "turn": 0, "drawn": 0, "start": 0}
        self.started: set[int] = set()
        heap = self.system.scheduler_heap
        heap.reset_peak()
        self.live = heap.live
        self.scheduler.on_turn = lambda process: self.system.records.run(self._note, process)

    def _note(self, process: Process | None) -> None:
        heap, taken, standing = self.system.scheduler_heap, self.taken, self.scheduler._standing
        taken["turns"] += 1
        taken["turn"] = max(taken["turn"], heap.peak - self.live)
        if standing is not None:
            taken["drawn"] = max(taken["drawn"], SCHEDULER_BYTES - standing.left)
        if process is not None and id(process) not in self.started:
            self.started.add(id(process))
            taken["starts"] += 1
            taken["start"] = max(taken["start"], self.system.heap.last_call()[0])
        heap.reset_peak()
        self.live = heap.live


def work(workload: str, seconds: float) -> _Taken:
    """Run some programs for a time and return what the kernel's own work took; blocks."""
    with Kernel(_CAPACITY) as kernel:
        commands = _WORKLOADS[workload]
        watch = _Watch(kernel)
        running = [_spawn(kernel, *command) for command in commands]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kernel.run_turns(50)
            for place, process in enumerate(running):
                if not process.running:
                    running[place] = _spawn(kernel, *commands[place])
        return watch.taken


def _spawn(kernel: Kernel, name: str, *arguments: str) -> StartedProcess:
    return kernel.spawn(f"/bin/{name}", arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _run(settings: Settings) -> Findings:
    part = (settings.seconds or _SECONDS[settings.quick]) / len(_WORKLOADS)
    found: dict[str, _Taken] = {}
    for workload in _WORKLOADS:
        settings.step(workload)
        found[workload] = call(work, workload, part, seconds=part * 2 + 60)
    rows: list[Row] = [
        {
            "workload": workload,
            "turns": taken["turns"],
            "scheduler's reservation": SCHEDULER_BYTES,
            "most drawn of it": taken["drawn"],
            "most in one turn": taken["turn"],
            "starts": taken["starts"],
            "a start's reservation": START_BYTES,
            "most a start took": taken["start"],
        }
        for workload, taken in found.items()
    ]
    drawn = max(taken["drawn"] for taken in found.values())
    turn = max(taken["turn"] for taken in found.values())
    start = max(taken["start"] for taken in found.values())
    claims = [
        Claim(
            "The scheduler keeps within what is set aside for it.",
            "a log thread's reservation of 1,381,636 bytes is computed, and never used",
            f"at most {drawn:,} of {SCHEDULER_BYTES:,} bytes were drawn, {turn:,} in one turn; it is filled "
            "up when half is gone",
            drawn <= SCHEDULER_BYTES and turn <= SCHEDULER_BYTES // 2,
        ),
        Claim(
            "No start of a program takes more than is reserved for it.",
            "",
            f"at most {start:,} of {START_BYTES:,} bytes",
            start <= START_BYTES,
        ),
    ]
    plot = Bars(
        "Most that was drawn of the reservation at any moment",
        "% of what is set aside",
        list(found),
        {
            "scheduler": [100 * taken["drawn"] / SCHEDULER_BYTES for taken in found.values()],
            "start of a program": [100 * taken["start"] / START_BYTES for taken in found.values()],
        },
        ("set aside", 100),
    )
    return Findings(claims, rows, [plot])


EXPERIMENT: Final = Experiment(
    "background",
    "Is what the kernel sets aside for its own work enough, and how much too much?",
    "The scheduler runs on a standing reservation, and starting a program on one of its own. Both are "
    "watched after every turn while citizens deliver mail, alone and beside hogs that have processes start "
    "and be killed.",
    lambda quick: len(_WORKLOADS),
    _run,
)
