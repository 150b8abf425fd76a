"""What an experiment notes of a kernel while it runs: who waits for memory and how long, who is killed.

It stands around three functions of the kernel's, and what it keeps is charged to nobody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap
    from hardtack.kernel.process import Group, Process
    from hardtack.kernel.system import System
    from hardtack.runtime import Kernel


@dataclass(slots=True)
class Killed:
    """A process tree that was killed for memory.

    Attributes:
        at: seconds since the observer was made.
        program: of its first process.
        held: bytes that it held.
        back_seconds: from the decision until its bytes were back, all but a 16th.
        citizen: it was one of those that do no harm.
    """

    at: float
    program: str
    held: int
    back_seconds: float | None
    citizen: bool


@dataclass(slots=True)
class Observer:
    """Notes what happens in a kernel from `watch` on.

    Attributes:
        citizens: the groups of those that do no harm.
        waits: how long each wait of a citizen's for memory lasted, in seconds.
        kills: who was killed, in order.
    """

    kernel: Kernel
    citizens: list[Group] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    kills: list[Killed] = field(default_factory=list)
    _since: dict[int, float] = field(default_factory=dict)
    _started: float = 0.0

    @property
    def system(self) -> System:
        """Return the kernel's state."""
        return self.kernel._system

    def watch(self) -> None:
        """Begin."""
        system = self.system
        self._started = time.monotonic()
        wait, make_runnable, kill = system.memory.wait, system.make_runnable, system.kill_for_memory
        aside: Callable[..., object] = system.records.run

        def waiting(process: Process, amount: int, handler: Callable[..., object] | None = None) -> None:
            aside(self._begin, process)
            wait(process, amount, handler)

        def runnable(process: Process) -> None:
            make_runnable(process)
            if self._since:
                aside(self._end, process)

        def killing(heap: Heap) -> None:
            record = aside(self._record, heap)
            kill(heap)
            aside(self._back, heap, record)

        # Groups that are made from now on are killed by way of `killing`.
        system.memory.wait = waiting  # type: ignore[method-assign]
        system.make_runnable = runnable  # type: ignore[method-assign]
        system.kill_for_memory = killing

    def _begin(self, process: Process) -> None:
        if process.group in self.citizens:
            self._since[process.pid] = time.monotonic()

    def _end(self, process: Process) -> None:
        since = self._since.pop(process.pid, None)
        if since is not None:
            self.waits.append(time.monotonic() - since)

    def _record(self, heap: Heap) -> Killed:
        citizen = any(group.heap is heap for group in self.citizens)
        record = Killed(time.monotonic() - self._started, heap.name, heap.live, None, citizen)
        self.kills.append(record)
        return record

    def _back(self, heap: Heap, record: Killed) -> None:
        if heap.live <= record.held // 16:
            record.back_seconds = time.monotonic() - self._started - record.at
