"""Memory for the calls that wait at the border, and for the kernel's own needs.

Whose turn it is and what is done to find memory is the heaps' business (`heap.admission`, `heap.reclaim`):
collect, shrinkers, collect, kill the group whose death gives back most; again until it is there. This drives
them for the kernel, between two turns: no call is under way then, nothing is held but the scheduler's own
reservation, and a group that is killed gives its memory back at once, so nothing ever sleeps here.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from hardtack.errors import WouldBlock
from hardtack.heap import Heap
from hardtack.heap.admission import Waiter
from hardtack.heap.reclaim import ladder_of
from hardtack.heap.waiting import tree_of
from hardtack.kernel import death
from hardtack.kernel.params import RECLAIM_MARGIN
from hardtack.kernel.process import KILLED_STATUS, WAITING_FOR_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.annotations import assume_bound
    from hardtack.heap import Reservation
    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System

    # what is called allocates in a heap that is no part of the kernel's
    Aside: TypeAlias = Annotated[Callable[..., Any], assume_bound("0", returned="0", retained="0")]


class OwnWaiter(Waiter):
    """The kernel itself, which looks for its grant when it has looked for memory."""

    __slots__ = ()

    def wake(self) -> None:
        """Do nothing."""


class ProcessWaiter(Waiter):
    """A process whose call waits at the border."""

    __slots__ = ("handler", "process")

    def __init__(self, process: Process, amount: int, handler: Callable[..., object] | None) -> None:
        super().__init__(process.system.heap, amount)
        self.process = process
        self.handler = handler

    def wake(self) -> None:
        """Hand the process its reservation, together with the wake-up."""
        process = self.process
        if self.grant is None or process.waiter is not self:
            return
        process.waiter = None
        process.grant = self.grant
        process.admit = partial(process.system.memory.aside, process.admit_granted, self.handler)
        process.system.make_runnable(process)


class Memory:
    """Who waits for the kernel's memory, and the finding of it.

    Attributes:
        aside: calls a function with arguments where what it allocates is not the kernel's.
    """

    def __init__(self, system: System) -> None:
        assert system.heap.parent is None  # the tree, and what is set below, are the kernel's alone
        self.system = system
        self.admission = tree_of(system.heap)
        self.ladder = ladder_of(system.heap)
        self.ladder.patience = self.ladder.kill_seconds = 0.0  # what comes back comes back at once
        self.ladder.kill_level = logging.DEBUG  # who is interested sees it in the kernel's statistics
        # Who waits is not to be paid for by what is waited for.
        self.aside: Aside = Heap(None, name="waiters").run

    def wait(self, process: Process, amount: int, handler: Callable[..., object] | None = None) -> None:
        """Have a process that holds nothing wait for so many bytes.

        Its call is made on them, by `handler` if that is given instead of its own.
        """
        process.state = WAITING_FOR_MEMORY
        self.system.waits += 1
        self.aside(self._join, process, amount, handler)

    def _join(self, process: Process, amount: int, handler: Callable[..., object] | None) -> None:
        process.waiter = ProcessWaiter(process, amount + 0, handler)  # a number of our own: records keep it
        self.admission.join(process.waiter)

    def forget(self, process: Process) -> None:
        """Have a process that ends wait no more."""
        waiter, process.waiter = process.waiter, None
        if waiter is not None:
            self.aside(self._leave, waiter)

    def serve(self) -> None:
        """Find memory for all who wait, in their order; where none is left, a process ends, or its call."""
        self.aside(self._find_until, None)

    def reserve(self, amount: int) -> Reservation | None:
        """Reserve bytes for the kernel itself, behind those who wait; None when none are to be had."""
        heap = self.system.heap
        if not len(self.admission) and amount <= heap.room:  # as nearly always: no queue for that
            try:
                return heap.reserve_nowait(amount, fresh=True)
            except WouldBlock:  # a thread of the program's was quicker
                return self._reserve_in_line(amount)
        return self._reserve_in_line(amount)

    def _reserve_in_line(self, amount: int) -> Reservation | None:
        reservation: Reservation | None = self.aside(self._reserve, amount)
        return reservation

    def _reserve(self, amount: int) -> Reservation | None:
        waiter = OwnWaiter(self.system.heap, amount + 0)
        try:
            self.admission.join(waiter)
            self._find_until(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        return None if waiter.grant is None else waiter.grant._take()

    def _find_until(self, last: Waiter | None) -> None:
        """Find memory for the first who waits until `last` is served, or nobody waits any more.

        What those have open who are exiting comes first.
        """
        while (first := self.admission.first) is not None and not (last is not None and last.settled):
            if self.system.exiting.first is not None:
                death.close_everything(self.system)
                self.admission.serve()
                continue
            steps = self.ladder.steps(first.heap, first.amount, self._fits(first), margin=RECLAIM_MARGIN)
            for _ in steps:
                if first.settled:  # it may have been the victim
                    break
            if not first.settled:
                self._give_up(first)

    def _fits(self, waiter: Waiter) -> Callable[[], bool]:
        def fits() -> bool:
            self.admission.serve()
            return waiter.settled

        return fits

    def _give_up(self, waiter: Waiter) -> None:
        if isinstance(waiter, ProcessWaiter) and waiter.process.moved:  # what it has done is a result, too
            process, waiter.process.waiter = waiter.process, None
            self._leave(waiter)
            process.admit = process.end_short
            self.system.make_runnable(process)
        elif isinstance(waiter, ProcessWaiter):
            why = "out of memory: nothing was left to reclaim"
            waiter.process.group.account.end("heap", why)
            death.end(self.system, waiter.process, KILLED_STATUS, why)
        else:
            self._leave(waiter)

    def _leave(self, waiter: Waiter) -> None:
        if not self.admission.leave(waiter) and waiter.grant is not None:
            waiter.grant.release()
