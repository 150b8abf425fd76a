"""Those who wait for a reservation: one line for a tree of heaps, in the order of their coming.

A waiter is short of the first heap, from its own to the root, that has no room for it. It is served when
every heap above it has room and nobody who came earlier is short of one of them: so none is passed, and
none has to wait for one whose heap has nothing to do with its own. Newcomers obey the same rule: the native
core marks the heaps that somebody is short of, and refuses to take from them (`Heap._grant`).

Whoever gives bytes back hands them over: `serve` runs on the thread of the release. Memory that comes free
by plain `free` tells nobody, so the first in line looks every few milliseconds, and collects garbage at
growing intervals.

Being served means being taken out of `queue`, which can be done once: who is taken out to be served has its
grant already, and who gives up takes itself out. `serve` never blocks, since a finalizer may release a
reservation in the middle of it; it is then done once more.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from hardtack.errors import ReservationTimeout, WouldBlock
from hardtack.heap._native import Reservation

if TYPE_CHECKING:
    from hardtack.heap import Heap

LOOK_SECONDS: Final = 0.005  # between two looks of the first in line
AGAIN_SECONDS: Final = 1.0  # the same for the others, who are woken when there is something for them
COLLECTING_SHARE: Final = 10  # collect for at most a tenth of the time


class Waiter:
    """One reservation that waits."""

    __slots__ = ("amount", "grant", "heap", "ready")

    def __init__(self, heap: Heap, amount: int) -> None:
        self.heap = heap
        self.amount = amount
        self.grant: Reservation | None = None
        self.ready = threading.Lock()
        self.ready.acquire()

    def wake(self) -> None:
        """Have its thread look. Called by `serve` alone, which runs once at a time."""
        if self.ready.locked():
            self.ready.release()


class Collector:
    """Collects garbage for those who wait: seldom, if it takes long or they have waited long."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due = 0.0

    def collect(self, waited: float) -> bool:
        """Collect if it is time to, for one who has waited so many seconds; tell whether it was."""
        start = time.monotonic()
        if start < self.due:
            return False
        self.due = start + 60.0  # one at a time
        try:
            gc.collect()
        finally:
            end = time.monotonic()
            self.due = end + max(COLLECTING_SHARE * (end - start), waited)
        return True


class Line:
    """Those who wait in one tree of heaps. The tree's root holds it; it does not hold the root."""

    __slots__ = ("again", "busy", "first", "marked", "queue")

    def __init__(self) -> None:
        self.queue: deque[Waiter] = deque()
        self.marked: list[Heap] = []  # heaps that somebody is short of
        self.busy = threading.Lock()
        self.again = False
        self.first: Waiter | None = None  # who looks

    def wait(self, heap: Heap, amount: int, timeout: float | None) -> Reservation:
        """Wait in line for a reservation. See `Heap.reserve`."""
        start = time.monotonic()
        waiter = Waiter(heap, amount)
        self.queue.append(waiter)
        try:
            while waiter in self.queue:
                self.serve()
                waited = time.monotonic() - start
                first = self.first is waiter
                if first and collector.collect(waited):
                    continue
                pause = LOOK_SECONDS if first else AGAIN_SECONDS
                if timeout is not None:
                    pause = min(pause, timeout - waited)
                    if pause <= 0:
                        break
                waiter.ready.acquire(timeout=pause)
        except BaseException:
            self._leave(waiter)
            if waiter.grant is not None:
                waiter.grant.release()
            raise
        if self._leave(waiter):
            message = (
                f"heap {heap.name!r}: {amount} bytes did not come free in {timeout} s; "
                f"{heap.room} are free, {heap.live} live, {heap.reserved} reserved"
            )
            raise ReservationTimeout(message)
        assert waiter.grant is not None
        return waiter.grant

    def _leave(self, waiter: Waiter) -> bool:
        """Take one out of the line that gives up; tell whether it was still in it."""
        try:
            self.queue.remove(waiter)
        except ValueError:
            return False
        self.serve()
        return True

    def serve(self) -> None:
        """Hand what is free to those whose turn it is. Never blocks."""
        self.again = True
        while self.again and self.busy.acquire(blocking=False):
            try:
                self.again = False
                self._serve()
            finally:
                self.busy.release()

    def _serve(self) -> None:
        waiters = list(self.queue)
        if not waiters and not self.marked:
            return
        root = root_of(waiters[0].heap if waiters else self.marked[0])
        try:
            root._hold(True)  # while nothing is marked, no newcomer may take anything
            while self.marked:
                self.marked.pop()._unmark()
            for waiter in waiters:
                self._serve_one(waiter)
        finally:
            root._hold(False)
        first = self.queue[0] if self.queue else None
        if first is not self.first:
            self.first = first
            if first is not None:
                first.wake()

    def _serve_one(self, waiter: Waiter) -> None:
        if waiter.grant is None:
            grant = waiter.heap._grant(waiter.amount)
            if not isinstance(grant, Reservation):
                self.marked.append(grant)
                return
            waiter.grant = grant
        try:
            self.queue.remove(waiter)
        except ValueError:  # it gave up meanwhile
            waiter.grant.release()
        else:
            waiter.wake()


collector: Final = Collector()


def root_of(heap: Heap) -> Heap:
    """Return the heap at the top of its tree."""
    while heap.parent is not None:
        heap = heap.parent
    return heap


def waiting_for(heap: Heap) -> int:
    """Return how many reservations on this very heap wait now."""
    line: Line | None = root_of(heap)._line
    return 0 if line is None else sum(waiter.heap is heap for waiter in list(line.queue))


def reserve(heap: Heap, amount: int, timeout: float | None) -> Reservation:
    """Wait for a reservation that cannot be had at once. The native core calls this, outside every heap."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        message = (
            f"heap {heap.name!r} has no room for {amount} bytes now, and waiting would stop the event loop "
            "of this thread: use reserve_nowait, or reserve in a thread"
        )
        raise WouldBlock(message)
    root = root_of(heap)
    if root._line is None:
        root._line = Line()
    line: Line = root._line
    return line.wait(heap, amount, timeout)
