"""Who waits for room in a tree of heaps, and whose turn it is. No threads, no time, no input or output.

The drivers (`waiting` for threads, `tasks` for asyncio, the kernel's scheduler) put a `Waiter` of theirs in
with `join`, sleep until it is woken, and take it out with `leave` if they lose patience. Whoever gives bytes
back calls `serve`, which hands grants to those whose turn it is and wakes them. Who is woken has its grant,
or is doomed, or has come to lead a line and looks after its heap; nobody is woken to try again.

**Turns.** A waiter stands in the line of one heap: the first, from its own to the root, where it cannot have
what it wants. It is served when there is room for it in every heap that it takes from. It may then pass up
to `MAX_OVERTAKEN` others in the line of each of these, who came before it and do not fit, and nobody is
passed more often than `MAX_OVERTAKEN` times: after that the room is kept. Those who take nothing from the
heap in whose line one stands are nothing to that one, so a tenant that is full holds up nobody else.
Newcomers go behind everyone: a heap with a line is marked as awaited, and refuses them.

**Several heaps at once.** A reservation on a heap may be charged to heaps below it (`also`). Its waiter
stands in the line of each of those up to the one where it is stuck, so that what it has come by is not taken
from it while it waits for the rest.

**One at a time.** What becomes of a waiter is decided once, by an atomic step (`Waiter.settle`). All else is
changed by one server at a time: `serve` never blocks, and if somebody serves already (another thread, or this
one, when a finalizer releases in the middle of it), has that one go round once more. An interrupt in the
middle does no harm: the round is done again before the interrupt goes on its way. Atomic steps are single
operations of CPython's lists, deques and dicts, under the GIL, on which this package insists.

Of a heap it needs `parent`, `capacity`, `free`, and `_grant`, `_mark` and `_unmark`; so the tests explore it
on a model of heaps.

Source: Biscuit (OSDI'18, section 6.3) for admission before the work; the order of turns is our own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from hardtack.heap import Heap, Reservation
    from hardtack.heap.reclaim import Ladder

MAX_OVERTAKEN: Final = 8  # how many a waiter may pass, and how often it may be passed

_by_number: Final = attrgetter("number")


class Waiter:
    """One request that waits. Drivers derive from it and say how it is woken.

    Attributes:
        heap: the heap to reserve on.
        amount: bytes.
        also: heaps below it that the bytes may be charged to as well.
        charges: the heaps with limits that it takes from: because of `also`, then from `heap` to the root.
        number: its place in the order of coming; 0 until it is looked at for the first time.
        overtaken: how often it was passed.
        lines: the heaps in whose lines it stands, the one where it is stuck last.
        since: when it began to wait, by its driver's clock; None if that has none.
    """

    __slots__ = (
        "__weakref__",
        "_fates",
        "also",
        "amount",
        "below",
        "charges",
        "heap",
        "lines",
        "number",
        "overtaken",
        "since",
    )

    def __init__(self, heap: Heap, amount: int, also: Sequence[Heap] = ()) -> None:
        charges = limited_below(heap, also) if also else []
        self.heap = heap
        self.amount = amount
        self.also = tuple(also)
        self.below = len(charges)  # how many of `charges` are below the heap
        above: Heap | None = heap
        while above is not None:  # as `chain` has it, which costs more
            if above.capacity is not None:
                charges.append(above)
            above = above.parent
        self.charges = tuple(charges)
        self.number = 0
        self.overtaken = 0
        self.lines: tuple[Heap, ...] = ()
        self.since: float | None = None
        self._fates: list[Reservation | Fate] = []  # the first counts

    def wake(self) -> None:
        """Have whoever waits look. Never blocks or raises; the server alone calls it, perhaps repeatedly."""
        raise NotImplementedError

    @property
    def who(self) -> str:
        """The name of whoever waits, for people to read; may be empty."""
        return ""

    def settle(self, fate: Reservation | Fate) -> bool:
        """Decide what becomes of it, unless that is decided; tell whether it was by this very object."""
        self._fates.append(fate)
        return self._fates[0] is fate

    @property
    def settled(self) -> bool:
        """Tell whether it was granted or let go, or has left."""
        return bool(self._fates)

    @property
    def grant(self) -> Reservation | None:
        """The reservation, once it is granted."""
        return None if not self._fates or isinstance(self._fates[0], Fate) else self._fates[0]

    @property
    def doomed_by(self) -> Heap | None:
        """The group that is being killed, if it was let go because of that."""
        fate = self._fates[0] if self._fates else None
        return fate.group if isinstance(fate, Doom) else None


class Fate:
    """What becomes of a waiter that is not granted: it leaves."""

    __slots__ = ()


class Doom(Fate):
    """Its group is being killed."""

    __slots__ = ("group",)

    def __init__(self, group: Heap) -> None:
        self.group = group


class Admission:
    """Those who wait in one tree of heaps. It refers to heaps only while somebody waits for them."""

    __slots__ = (
        "__weakref__",
        "_again",
        "_arrived",
        "_called",
        "_gone",
        "_last",
        "_lines",
        "_queue",
        "_reclaimer",
        "_server",
        "ladder",
        "reclaim_due",
        "tell_due",
    )

    def __init__(self) -> None:
        self._queue: dict[Waiter, None] = {}  # all who are not settled, in the order of coming
        self._arrived: deque[Waiter] = deque()  # not looked at yet
        self._gone: deque[Waiter] = deque()  # settled by others than the server
        self._called: deque[Waiter] = deque()  # to be woken
        self._lines: dict[Heap, list[Waiter]] = {}  # sorted by number, never empty; each key is marked
        self._last = 0  # number given
        self._server: dict[None, object] = {}  # who serves
        self._again = False
        self.ladder: Ladder | None = None  # how memory is found in this tree; see `reclaim`
        self.reclaim_due = 0.0  # when it is worth while to climb it again, by the driver's clock
        self.tell_due = 0.0  # when it is to be logged again that a wait may be for ever, likewise
        self._reclaimer: dict[None, Waiter] = {}  # who climbs it

    def __len__(self) -> int:
        return len(self._queue)

    def waiters(self) -> list[Waiter]:
        """Return those who wait, in the order of their coming."""
        return list(self._queue)

    @property
    def first(self) -> Waiter | None:
        """The first that came of those who wait."""
        return next(iter(self.waiters()), None)

    @property
    def awaited(self) -> int:
        """How many heaps are waited for; each has a waiter that leads its line."""
        return len(self._lines)

    def place(self, waiter: Waiter) -> int:
        """Return how many stand before a waiter in its line, up to MAX_OVERTAKEN + 1. Who has 0 leads it."""
        lines = waiter.lines
        return len(self._before(lines[-1], waiter)) if lines else MAX_OVERTAKEN + 1

    def begin_reclaim(self, waiter: Waiter) -> bool:
        """Have a waiter climb the ladder, if nobody else does; tell whether it may."""
        return self._reclaimer.setdefault(None, waiter) is waiter

    def end_reclaim(self, waiter: Waiter) -> None:
        """Let others climb the ladder, if this one did."""
        if self._reclaimer and self._reclaimer[None] is waiter:  # which allocates nothing: see `serve`
            self._reclaimer.clear()

    def join(self, waiter: Waiter) -> None:
        """Have one wait; it may be granted at once."""
        self._queue[waiter] = None
        self._arrived.append(waiter)
        self.serve()

    def leave(self, waiter: Waiter) -> bool:
        """Take one out that gives up; tell whether it has left. If not, it was granted or doomed before."""
        waiter.settle(Fate())
        if waiter.grant is not None:
            return False
        self._withdraw(waiter)  # even if it was settled before: an interrupt may have come in between
        self.serve()
        return waiter.doomed_by is None

    def doom(self, heap: Heap) -> int:
        """Let go of all who want bytes of a heap, or of one below it, at once; return how many that were."""
        doomed = 0
        for waiter in self.waiters():
            if any(heap in chain(each) for each in (waiter.heap, *waiter.also)) and waiter.settle(Doom(heap)):
                self._called.append(waiter)
                self._withdraw(waiter)
                doomed += 1
        self.serve()
        return doomed

    def restart(self, stay: Collection[Waiter]) -> None:
        """Forget all but a few without telling them: for the child of a fork, where they are no more."""
        staying = [waiter for waiter in self.waiters() if waiter in stay]
        while self._lines:
            self._lines.popitem()[0]._unmark()
        for those in (self._queue, self._arrived, self._gone, self._called, self._server):
            those.clear()
        if self._reclaimer.get(None) not in staying:
            self._reclaimer.clear()
        for waiter in staying:
            waiter.lines = ()
            waiter.number = 0
            self.join(waiter)

    def serve(self) -> None:
        """Hand what is free to those whose turn it is, and wake them. Never blocks."""
        me = object()
        interrupt: BaseException | None = None
        self._again = True
        while self._again:
            try:
                if self._server.setdefault(None, me) is not me:
                    break  # whoever serves looks at _again once more when it has let go
                self._again = False
                self._round()
            except BaseException as error:
                if interrupt is not None:
                    raise
                interrupt = error
                self._again = True
            finally:
                # Also if the interrupt came right after that was set. Nothing here allocates, nor calls
                # anything before the clear: no fault and no interrupt can come in between.
                if self._server and self._server[None] is me:
                    self._server.clear()
        if interrupt is not None:
            try:
                raise interrupt
            finally:
                interrupt = None  # its traceback holds this frame

    # -- what follows is done by the server alone, and can be broken off and begun anew anywhere
    def _round(self) -> None:
        while self._gone:
            self._take_out(self._gone[0], tell=True)
            self._gone.popleft()
        promising = [heap for heap in self._lines if self._next_in(heap, 0) is not None]
        after = 0
        while promising and (waiter := self._next(promising, after)) is not None:
            after = waiter.number
            self._look_at(waiter)
        while self._arrived:
            waiter = self._arrived[0]
            if not waiter.number:
                waiter.number = self._last = self._last + 1
            self._look_at(waiter)
            self._arrived.popleft()
        while self._called:
            waiter = self._called[0]
            if waiter._fates or not self.place(waiter):
                waiter.wake()
            self._called.popleft()

    def _next(self, heaps: list[Heap], after: int) -> Waiter | None:
        """Return who, with the first number above `after`, may be served in the lines of these heaps."""
        found: Waiter | None = None
        for heap in heaps:
            waiter = self._next_in(heap, after)
            if waiter is not None and (found is None or waiter.number < found.number):
                found = waiter
        return found

    def _next_in(self, heap: Heap, after: int) -> Waiter | None:
        free = heap.free
        for waiter in self._lines.get(heap, ())[: MAX_OVERTAKEN + 1]:
            if (waiter.amount <= free or waiter._fates) and waiter.number > after:
                return waiter
        return None

    def _look_at(self, waiter: Waiter) -> None:
        """Serve one if it is its turn; if not, have it stand where it is stuck."""
        if waiter._fates:
            self._take_out(waiter, tell=True)
            return
        stuck = self._obstacle(waiter)
        if stuck is None:
            grant = waiter.heap._grant(waiter.amount, waiter.also)
            if grant not in waiter.charges:
                self._hand_over(waiter, grant)
                return
            stuck = grant
        self._line_up(waiter, stuck)

    def _hand_over(self, waiter: Waiter, grant: Reservation) -> None:
        passed: list[Waiter] = []
        for heap in waiter.charges:
            passed += self._before(heap, waiter)
        self._called.append(waiter)
        if waiter.settle(grant):
            for other in set(passed):
                other.overtaken += 1
            self._take_out(waiter, tell=False)
        else:  # it has left, or was doomed, in this very moment
            grant.release()

    def _obstacle(self, waiter: Waiter) -> Heap | None:
        """Return the first heap where a waiter is stuck: there is no room, or it is kept for others."""
        for heap in waiter.charges:
            if heap.free < waiter.amount:
                return heap
            before = self._before(heap, waiter)
            if before and (
                len(before) > MAX_OVERTAKEN or any(other.overtaken >= MAX_OVERTAKEN for other in before)
            ):
                return heap
        return None

    def _before(self, heap: Heap, waiter: Waiter) -> list[Waiter]:
        """Return those in a heap's line that came before a waiter; at most one more than it may pass."""
        line = self._lines.get(heap)
        if not line or line[0].number >= waiter.number:
            return []
        first = line[: MAX_OVERTAKEN + 1]
        if first[-1].number < waiter.number:  # as of nearly all in a long line
            return first
        return first[: bisect_left(first, waiter.number, key=_by_number)]

    def _line_up(self, waiter: Waiter, stuck: Heap) -> None:
        """Have one stand in the line of the heap where it is stuck, keeping what it has come by below."""
        if waiter.lines and waiter.lines[-1] is stuck:
            return
        below = min(waiter.charges.index(stuck), waiter.below)
        lines = (*waiter.charges[:below], stuck)
        for heap in lines:  # into the new ones first: nobody may slip in between
            line = self._lines.setdefault(heap, [])
            if not line or line[-1].number < waiter.number:
                line.append(waiter)
            else:
                at = bisect_left(line, waiter.number, key=_by_number)
                if line[at] is not waiter:
                    line.insert(at, waiter)
            heap._mark()
        if len(line) == 1 and heap.free >= waiter.amount:  # given back by one who did not see the mark yet
            self._again = True
        newcomer = not waiter.lines
        waiter.lines = lines
        if not newcomer:
            for heap in waiter.charges:
                if heap not in lines:
                    self._remove(heap, waiter, tell=True)
        if not self._before(lines[-1], waiter):
            self._called.append(waiter)

    def _take_out(self, waiter: Waiter, *, tell: bool) -> None:
        """Have one that is settled stand nowhere."""
        self._queue.pop(waiter, None)
        for heap in waiter.charges:  # not only of `lines`, which a round that was broken off did not write
            self._remove(heap, waiter, tell)
        waiter.lines = ()

    def _remove(self, heap: Heap, waiter: Waiter, tell: bool) -> None:
        """Take one out of a heap's line, and tell the one that leads it then."""
        line = self._lines.get(heap)
        if not line:
            return
        at = 0
        if line[0] is not waiter:
            at = bisect_left(line, waiter.number, key=_by_number)
            if line[at : at + 1] != [waiter]:
                return
        if len(line) == 1:
            heap._unmark()
            del self._lines[heap]
            return
        del line[at]
        if at == 0 and tell:
            self._called.append(line[0])

    def _withdraw(self, waiter: Waiter) -> None:
        self._queue.pop(waiter, None)
        self._gone.append(waiter)


def chain(heap: Heap | None) -> Iterator[Heap]:
    """Yield a heap and all above it."""
    while heap is not None:
        yield heap
        heap = heap.parent


def limited_below(heap: Heap, also: Sequence[Heap]) -> list[Heap]:
    """Return the heaps with limits of their own between each of `also`, included, and `heap`, excluded."""
    found: dict[Heap, None] = {}
    for child in also:
        for each in chain(child):
            if each is heap:
                break
            if each.capacity is not None:
                found[each] = None
    return list(found)
