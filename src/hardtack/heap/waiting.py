"""Threads that wait for a reservation: one line a heap, first come, first served.

The head of the line alone looks for room, and takes its reservation itself, so nobody is woken to find that
another was faster, and a newcomer joins the end. Memory also comes free by plain `free`, which tells
nobody: the head looks again every few milliseconds.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from hardtack import heap as heaps
from hardtack.errors import ReservationTimeout, WouldBlock

if TYPE_CHECKING:
    from hardtack.heap import Heap, Reservation

LOOK_SECONDS: Final = 0.005


class Line:
    """Those who wait for one heap."""

    __slots__ = ("changed", "granted", "heap", "tickets")

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.changed = threading.Condition()
        self.tickets: deque[object] = deque()
        self.granted = 0

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return len(self.tickets)

    def wait(self, amount: int, timeout: float | None) -> Reservation:
        """Wait in line for a reservation. See `Heap.reserve`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        ticket = object()
        with self.changed:
            self.tickets.append(ticket)
            try:
                while True:
                    if self.tickets[0] is ticket:
                        try:
                            reservation = self.heap.reserve_nowait(amount)
                        except WouldBlock:
                            pass
                        else:
                            self.granted += 1
                            return reservation
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        message = (
                            f"heap {self.heap.name!r}: {amount} bytes did not come free in {timeout} s; "
                            f"{self.heap.room} are free, {self.heap.live} live, {self.heap.reserved} reserved"
                        )
                        raise ReservationTimeout(message)
                    self.changed.wait(LOOK_SECONDS if left is None else min(left, LOOK_SECONDS))
            finally:
                self.tickets.remove(ticket)
                self.changed.notify_all()


def reserve(heap: Heap, amount: int, timeout: float | None) -> Reservation:
    """Reserve at once if nobody waits and there is room; else collect, then wait in line."""
    with heaps.lines_lock:
        line = heaps.lines.get(id(heap))
    if line is None or not line.waiting:
        try:
            return heap.reserve_nowait(amount)
        except WouldBlock:
            if heaps._native.in_reservation():
                raise
    gc.collect()
    with heaps.lines_lock:
        line = heaps.lines.setdefault(id(heap), Line(heap))
    return line.wait(amount, timeout)
