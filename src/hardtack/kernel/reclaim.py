"""What happens when a call's memory is not there: collect, evict, collect, kill; again until it is.

Runs in the scheduler, between two turns, so no call is under way and nothing is held but the scheduler's
own reservation, on which this runs. The need is checked again after every step.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from hardtack.errors import WouldBlock
from hardtack.heap import Heap
from hardtack.kernel.params import RECLAIM_MARGIN
from hardtack.kernel.process import WAITING_FOR_MEMORY
from hardtack.kernel.system import Kill, System

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Reservation
    from hardtack.kernel.process import Group, Process


class Reclaimer:
    """The ladder: finds memory for those who wait at the border."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.shrinkers: list[Callable[[int], int]] = []  # each is asked for bytes, says how many it gave
        self.collections = 0
        self._records = Heap(None, name="records")  # what is kept for the host is not the kernel's memory

    def grant(self, wants: int, waiter: Process | None = None) -> Reservation | None:
        """Reserve `wants` bytes, reclaiming until they are there.

        After a kill a margin is freed beyond the need, so that the next call does not start over.

        Returns:
            The reservation; None when nothing is left to kill, or the waiter itself was killed.
        """
        reservation = self._try(wants, 0)
        if reservation is None:
            self._collect()
            reservation = self._try(wants, 0)
        if reservation is None and self._shrink(wants):
            self._collect()
            reservation = self._try(wants, 0)
        while reservation is None:
            victim = self.victim()
            if victim is None:
                return self._try(wants, 0)
            self._kill(victim)
            if waiter is not None and waiter.state != WAITING_FOR_MEMORY:
                return None
            reservation = self._try(wants, RECLAIM_MARGIN)
            if reservation is None:
                self._collect()
                reservation = self._try(wants, RECLAIM_MARGIN)
        return reservation

    def _shrink(self, wants: int) -> int:
        """Ask every cache to give way; return how many bytes they say they gave."""
        given = 0
        for shrink in self.shrinkers:
            given += shrink(wants)
        return given

    def victim(self) -> Group | None:
        """Return the group whose death would give back most, by the byte; protected ones never."""
        system = self.system
        best: Group | None = None
        most = -1
        pid = system.processes.next_used(1)
        while pid >= 0:
            process = system.process(pid)
            if process is not None:
                group = process.group
                if group.alive and not group.protected and group.heap.live > most:
                    best = group
                    most = group.heap.live
            pid = system.processes.next_used(pid + 1)
        return best

    def _try(self, wants: int, margin: int) -> Reservation | None:
        heap = self.system.heap
        if heap.room < wants + margin:
            return None
        try:
            return heap.reserve_nowait(wants, fresh=True)
        except WouldBlock:
            return None

    def _collect(self) -> None:
        self.collections += 1
        gc.collect()

    def _kill(self, group: Group) -> None:
        system = self.system
        self._records.run(self._record, group)
        system.kill_group(group, "out of memory: its group held most of the kernel's heap")

    def _record(self, group: Group) -> None:
        self.system.kills.append(Kill(group.leader + 0, group.program, group.heap.live))
