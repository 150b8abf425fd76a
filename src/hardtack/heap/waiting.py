"""Waiting for a reservation on a thread, and what all who wait have to do in the meantime.

Whose turn it is, `admission` decides. Who waits sleeps until it is woken; but plain `free` tells nobody, and
somebody has to find memory where none comes free. That falls to whoever leads the line of a heap: it looks
every few milliseconds, and climbs the tree's ladder (`reclaim`): one at a time in a tree, holding nothing.
It does so at once if the calls under way could not help even if all of them ended now; if they could, it
gives them `PATIENCE_SECONDS`. A climb that found nothing is repeated at growing intervals. Waits that take
longer than that are noted in the black box; the many short ones of a busy heap would only flood it. A wait
that goes on although nothing is reserved or left to give way is logged: it may be for ever.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="demo")
    >>> with heap.reserve("600 KiB"):
    ...     heap.statistics().waiters
    0

After a fork the child has no waiters but the thread that forked. What threads that it does not have had
reserved stays reserved in it, as what they had allocated stays allocated.
"""

from __future__ import annotations

import functools
import gc
import logging
import math
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final

from hardtack.errors import Doomed, ReservationTimeout, WouldBlock
from hardtack.heap.admission import MAX_OVERTAKEN, Admission, Waiter
from hardtack.units import parse_timeout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardtack.heap import Heap, Reservation
    from hardtack.heap.tasks import Pending

LOOK_SECONDS: Final = 0.005  # between two looks of one who leads, for each line there is
NEAR_SECONDS: Final = 0.1  # the same for those who may come to lead soon: they are not told in every case
FAR_SECONDS: Final = 1.0  # and for all others
PATIENCE_SECONDS: Final = 0.1  # calls under way have so long to end before memory is looked for
TELL_SECONDS: Final = 1.0  # a wait that nothing is in sight to end is logged after so long
AGAIN_SECONDS: Final = 60.0  # and again, while there is one in the tree
RECLAIM_SHARE: Final = 10  # climb the ladder in vain for at most a tenth of the time

_making: threading.RLock = threading.RLock()  # while a tree is made
_trees: weakref.WeakSet[Admission] = weakref.WeakSet()
# Those who wait, and those who have not taken their grant yet. Not held: a grant whose waiter was cut off by
# an exception from outside goes back when the waiter is dropped, and is no leak. A WeakSet would
# be slow.
_present: dict[int, weakref.ref[Waiter]] = {}  # by identity


class ThreadWaiter(Waiter):
    """A reservation that a thread waits for."""

    __slots__ = ("ready", "thread")

    def __init__(self, heap: Heap, amount: int, also: Sequence[Heap]) -> None:
        super().__init__(heap, amount, also)
        self.thread = threading.get_ident()
        self.ready = threading.Lock()
        self.ready.acquire()

    @property
    def who(self) -> str:
        """The thread's name."""
        return next((each.name for each in threading.enumerate() if each.ident == self.thread), "")

    def wake(self) -> None:
        """Have its thread look."""
        if self.ready.locked():
            self.ready.release()


class Course:
    """What a waiter does until it is settled, whatever it sleeps on.

    Args:
        waiter: it.
        timeout: seconds from now that it waits at most, or None.
    """

    __slots__ = ("_began", "_due", "_end", "_noted", "_spent", "_steps", "_tree", "_waiter")

    def __init__(self, waiter: Waiter, timeout: float | None) -> None:
        self._waiter = waiter
        self._tree = tree_of(waiter.heap)
        self._began = time.monotonic()
        self._end = math.inf if timeout is None else self._began + timeout
        self._due = 0.0  # when to climb the ladder again
        self._spent = 0.0  # seconds on this climb
        self._steps: Iterator[float] | None = None
        self._noted = False
        waiter.since = self._began

    def begin(self) -> None:
        """Join those who wait; for memory of a group that is dying nobody does."""
        waiter, tree = self._waiter, self._tree
        _present[id(waiter)] = weakref.ref(waiter)
        tree.join(waiter)
        # After it has joined: whoever kills marks the group first, and lets go of all who have joined then.
        if tree.ladder is not None and (dying := tree.ladder.dying((waiter.heap, *waiter.also))) is not None:
            tree.doom(dying)

    def look(self) -> float | None:
        """Do what there is to do; return how long to sleep at most, or None if the wait is over."""
        waiter = self._waiter
        if waiter._fates:
            return None
        place = self._tree.place(waiter)
        if place:
            pause = NEAR_SECONDS if place <= MAX_OVERTAKEN else FAR_SECONDS
            self._stop()
        else:
            pause = self._lead()
            if waiter._fates:
                return None
        now = time.monotonic()
        if not self._noted and now - self._began >= PATIENCE_SECONDS:
            self._noted = True
            self._note(f"{waiter.who or 'somebody'} waits for {waiter.amount} bytes")
        left = self._end - now
        if pause < left:
            return pause
        return left if left > 0 else None

    def take(self, timeout: float | None) -> Reservation:
        """End the wait; return what was granted.

        Raises:
            ReservationTimeout: it was not.
            Doomed: its group is being killed.
        """
        waiter, heap = self._waiter, self._waiter.heap
        if waiter.grant is None and self._tree.leave(waiter):
            message = (
                f"heap {heap.name!r}: {waiter.amount} bytes did not come free in {timeout} s; "
                f"{heap.room} are free, {heap.live} live, {heap.reserved} reserved"
            )
            from hardtack.heap.black_box import dump

            dump(heap, f"no longer waits for {waiter.amount} bytes, after {timeout} s", logging.DEBUG)
            waited = time.monotonic() - self._began
            raise ReservationTimeout(message, asked=waiter.amount, free=heap.room, waited=waited)
        if (group := waiter.doomed_by) is not None:
            message = (
                f"heap {heap.name!r}: group {group.name!r} is being killed to free memory, so the "
                f"{waiter.amount} bytes that were waited for are not granted"
            )
            self._note(f"who waits for {waiter.amount} bytes is let go, for {group.name!r} is being killed")
            raise Doomed(message, asked=waiter.amount, heap=heap.name)
        if self._noted:
            self._note(f"{waiter.amount} bytes are granted after {time.monotonic() - self._began:.1f} s")
        grant = waiter.grant
        assert grant is not None
        return grant._take()

    def give_up(self) -> None:
        """Leave, with nothing, and clean up."""
        try:
            self._tree.leave(self._waiter)
            if self._waiter.grant is not None:
                self._waiter.grant.release()
        finally:
            self.end()

    def end(self) -> None:
        """Clean up."""
        self._stop()  # first, for it needs no memory: nobody else climbs the ladder before
        _present.pop(id(self._waiter), None)

    def _note(self, text: str) -> None:
        from hardtack.heap.black_box import note

        note(self._waiter.heap, text)

    def _lead(self) -> float:
        """Look after the heap whose line it leads."""
        self._tree.serve()  # for what was freed without a word
        if self._steps is None and not self._waiter.settled and self._is_time():
            from hardtack.heap.reclaim import ladder_of

            waiter = self._waiter
            self._spent = 0.0
            self._steps = ladder_of(waiter.heap).steps(
                waiter.heap, waiter.amount, self._fits, also=waiter.also
            )
        if self._steps is not None:
            start = time.monotonic()
            pause = next(self._steps, None)
            now = time.monotonic()
            self._spent += now - start
            if pause is not None:
                return pause
            if not self._waiter.settled:
                self._due = now + max(RECLAIM_SHARE * self._spent, now - self._began)
                self._tree.reclaim_due = now + RECLAIM_SHARE * self._spent
                self._tell(now)
            self._stop()
        return LOOK_SECONDS * max(1, self._tree.awaited)

    def _tell(self, now: float) -> None:
        """Log a wait without a timeout, what fills the heap and a way out, where the ladder found nothing."""
        waiter, tree = self._waiter, self._tree
        if self._end < math.inf or now < max(self._began + TELL_SECONDS, tree.tell_due):
            return
        from hardtack.heap.explaining import warn_of

        if warn_of(waiter, now):
            tree.tell_due = now + AGAIN_SECONDS

    def _is_time(self) -> bool:
        """Tell whether to climb the ladder now; if so, nobody else in the tree does until `_stop`."""
        now = time.monotonic()
        if now < max(self._due, self._tree.reclaim_due):
            return False
        amount = self._waiter.amount
        if now - self._began < PATIENCE_SECONDS and all(
            heap.free + heap.reserved + heap.held >= amount for heap in self._waiter.charges
        ):
            return False
        return self._tree.begin_reclaim(self._waiter)

    def _fits(self) -> bool:
        self._tree.serve()
        return self._waiter.settled

    def _stop(self) -> None:
        """Come down from the ladder."""
        self._steps = None
        self._tree.end_reclaim(self._waiter)


def reserve(
    heap: Heap, amount: int, timeout: float | None = None, also: Sequence[Heap] = ()
) -> Reservation | Pending:
    """Wait for a reservation that cannot be had at once. The native core calls this, outside every heap.

    On the thread of a running event loop it does not wait, but returns what can be awaited.
    """
    timeout = parse_timeout(timeout)
    if _in_event_loop(heap, amount):
        return _pending()(heap, amount, timeout, also)
    if timeout is None:
        _refuse_to_wait_for_itself(heap, amount)
    waiter = ThreadWaiter(heap, amount, also)
    course = Course(waiter, timeout)
    try:
        course.begin()
        while (pause := course.look()) is not None:
            waiter.ready.acquire(timeout=pause)
        reservation = course.take(timeout)
        course.end()
    except BaseException:
        course.give_up()
        raise
    return reservation


@functools.cache  # an import costs half a microsecond every time
def _pending() -> type[Pending]:
    from hardtack.heap.tasks import Pending

    return Pending


def _refuse_to_wait_for_itself(heap: Heap, amount: int) -> None:
    """Raise WouldBlock where only this thread could release what is held, and it would sleep.

    Where there are other threads one of them may have been handed it, which nobody can know.
    """
    if heap._held_by_nobody_else(amount) is None:
        return
    gc.collect()  # a garbage cycle may hold it
    held = heap._held_by_nobody_else(amount)
    if held is not None:
        message = (
            f"heap {heap.name!r}: this thread is the only one and would wait for ever for {amount} bytes: "
            f"it holds {held[0]} itself, reserved at {held[1]} and not entered; reserve the sum at once"
        )
        raise WouldBlock(message, amount, heap.room)


def _in_event_loop(heap: Heap, amount: int) -> bool:
    """Tell whether this thread runs an event loop now, on which a reservation is awaited.

    Raises:
        WouldBlock: it is trio's, which cannot wait for a reservation.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        message = (
            f"heap {heap.name!r} has no room for {amount} bytes now, and waiting works on asyncio's event "
            "loop, not on trio's: use reserve_nowait, or trio.to_thread.run_sync(heap.reserve, amount)"
        )
        raise WouldBlock(message, amount, heap.room)
    return False


def root_of(heap: Heap) -> Heap:
    """Return the heap at the top of its tree."""
    while heap.parent is not None:
        heap = heap.parent
    return heap


def tree_of(heap: Heap) -> Admission:
    """Return the admission of a heap's tree."""
    root = root_of(heap)
    tree: Admission | None = root._tree
    if tree is None:
        with _making:
            new = Admission()
            tree = root._tree  # who else came first, or a finalizer meanwhile
            if tree is None:
                tree = root._tree = new
                _trees.add(tree)
    return tree


def waiting_for(heap: Heap) -> int:
    """Return how many reservations on this very heap wait now."""
    tree: Admission | None = root_of(heap)._tree
    return 0 if tree is None else sum(waiter.heap is heap for waiter in tree.waiters())


def doom(heap: Heap) -> int:
    """Let go of all who wait for memory of a heap or of one below it; return how many."""
    tree: Admission | None = root_of(heap)._tree
    return 0 if tree is None else tree.doom(heap)


def _after_fork_in_child() -> None:
    """Of those who waited, only the thread that forked is still there."""
    global _making
    _making = threading.RLock()
    here = threading.get_ident()
    present = [waiter for each in list(_present.values()) if (waiter := each()) is not None]
    staying = [waiter for waiter in present if isinstance(waiter, ThreadWaiter) and waiter.thread == here]
    _present.clear()
    _present.update((id(waiter), weakref.ref(waiter)) for waiter in staying)
    for tree in list(_trees):
        tree.restart(staying)
    for waiter in present:
        if waiter not in staying and waiter.grant is not None:
            waiter.grant.release()


os.register_at_fork(after_in_child=_after_fork_in_child)
