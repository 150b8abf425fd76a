"""The heap, its fast path in C, and its drivers for threads and tasks, against admission on a model of heaps.

Whatever is asked for, given back, given up and killed in whatever order: the same requests are granted, the
same wait, in the same order and passed as often, and the books are the same.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from explorer import Asker, Grant, Room, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from until import until

from hardtack.errors import Doomed, ReservationTimeout, WouldBlock
from hardtack.heap import Heap, size_class
from hardtack.heap.tasks import reserve
from hardtack.heap.waiting import doom, tree_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from hardtack.heap import Reservation

CAPACITIES = (100_000, 60_000, None, 30_000)  # a root, two children, a child of the second
PARENTS = (None, 0, 0, 2)


class Threads:
    """Requests that threads make."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(64)

    def ask(self, heap: Heap, amount: int, also: tuple[Heap, ...]) -> Future[Reservation]:
        return self.pool.submit(heap.reserve, amount, also=also)

    def until(self, condition: Callable[[], bool]) -> None:
        until(condition)

    def close(self) -> None:
        self.pool.shutdown()


class Tasks:
    """Requests that tasks make."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def ask(self, heap: Heap, amount: int, also: tuple[Heap, ...]) -> asyncio.Task[Reservation]:
        return self.loop.create_task(reserve(heap, amount, also=also))

    def until(self, condition: Callable[[], bool]) -> None:
        pause = lambda: self.loop.run_until_complete(asyncio.sleep(0))  # noqa: E731
        pause()
        until(condition, pause)

    def close(self) -> None:
        self.loop.close()


AMOUNTS = st.sampled_from([0, 1000, 5000, 20_000, 30_000, 50_000, 60_000, 90_000, 100_000])
PLACE = st.integers(0, 3)
INDEX = st.integers(0, 1000)


class Machine(RuleBasedStateMachine):
    """Both sides, step by step."""

    side: Any = None

    @initialize()
    def start(self) -> None:
        gc.disable()
        self.others = self.side()
        self.heaps: list[Heap] = []
        self.rooms: list[Room] = []
        for capacity, parent in zip(CAPACITIES, PARENTS, strict=True):
            above = None if parent is None else self.heaps[parent]
            self.heaps.append(Heap(capacity, parent=above, slack=0))
            self.rooms.append(Room("", capacity, None if parent is None else self.rooms[parent]))
        self.world = World(10**6, self.rooms, [])
        self.asked: list[tuple[Any, Asker]] = []  # not taken yet
        self.held: list[tuple[Reservation, Grant]] = []
        self.things: list[bytes] = []

    def fits_at_all(self, place: int, amount: int, also: tuple[int, ...]) -> bool:
        asker = Asker(self.world, self.rooms[place], amount, tuple(self.rooms[each] for each in also))
        return all(amount <= room.capacity for room in asker.charges)

    def below(self, place: int, also: list[int]) -> tuple[int, ...]:
        return tuple(
            each for each in dict.fromkeys(also) if (place == 0 and each != 0) or (place == 2 and each == 3)
        )

    @rule(place=PLACE, amount=AMOUNTS, also=st.lists(PLACE, max_size=2))
    def ask(self, place: int, amount: int, also: list[int]) -> None:
        if len(self.asked) > 50 or not self.fits_at_all(place, amount, self.below(place, also)):
            return
        below = self.below(place, also)
        before = len(self.world.running)
        asking = len(self.world.asking)
        self.world.ask(place, below, amount)
        request = self.others.ask(self.heaps[place], amount, tuple(self.heaps[each] for each in below))
        if len(self.world.asking) > asking:
            self.asked.append((request, self.world.asking[-1]))
        else:
            grants = self.world.running[before:]
            assert len(grants) == 1
            self.others.until(request.done)
            self.held.append((request.result(), grants[0]))

    @rule(place=PLACE, amount=AMOUNTS)
    def ask_without_waiting(self, place: int, amount: int) -> None:
        if not self.fits_at_all(place, amount, ()):
            return
        asker = Asker(self.world, self.rooms[place], amount, ())
        fits = all(room.free >= amount and not room.marked for room in asker.charges)
        try:
            reservation = self.heaps[place].reserve_nowait(amount)
        except WouldBlock:
            assert not fits
        else:
            assert fits
            self.world.ask(place, (), amount)
            self.held.append((reservation, self.world.running[-1]))

    @rule(place=PLACE, amount=AMOUNTS)
    def ask_without_patience(self, place: int, amount: int) -> None:
        if not self.fits_at_all(place, amount, ()):
            return
        asking, before = len(self.world.asking), len(self.world.running)
        self.world.ask(place, (), amount)
        try:
            reservation = self.heaps[place].reserve(amount, timeout=0)
        except ReservationTimeout:
            assert len(self.world.asking) == asking + 1
            self.world.do(("leave", asking))
        else:
            assert len(self.world.running) == before + 1
            self.held.append((reservation, self.world.running[-1]))

    @precondition(lambda self: self.held)
    @rule(index=INDEX)
    def release(self, index: int) -> None:
        reservation, grant = self.held.pop(index % len(self.held))
        self.world.running.remove(grant)
        grant.release()
        reservation.release()

    @precondition(lambda self: self.held)
    @rule(index=INDEX)
    def release_in_another_thread(self, index: int) -> None:
        reservation, grant = self.held.pop(index % len(self.held))
        self.world.running.remove(grant)
        grant.release()
        thread = threading.Thread(target=reservation.release)
        thread.start()
        thread.join()

    @precondition(lambda self: self.asked)
    @rule(place=st.integers(1, 3))
    def kill(self, place: int) -> None:
        waiting = len(self.world.asking)
        doomed = doom(self.heaps[place])
        self.world.do(("doom", place))
        assert doomed >= waiting - len(self.world.asking)

    @rule(size=st.integers(1000, 20_000))
    def allocate(self, size: int) -> None:
        size_ = size_class(size + 33)
        if self.rooms[3].free >= size_ and self.rooms[0].free >= size_:
            self.things.append(self.heaps[3].run(bytes, size))
            for room in (self.rooms[3], self.rooms[2], self.rooms[0]):
                room.live += size_

    @precondition(lambda self: self.things)
    @rule(index=INDEX)
    def free(self, index: int) -> None:
        thing = self.things.pop(index % len(self.things))
        size = size_class(len(thing) + 33)
        del thing
        for room in (self.rooms[3], self.rooms[2], self.rooms[0]):
            room.live -= size
        self.world.tree.serve()
        tree_of(self.heaps[0]).serve()  # who leads would; this is sooner

    def settle(self) -> None:
        """Take what was granted, and who was doomed, out of those that wait."""
        for request, asker in [pair for pair in self.asked if pair[1].settled]:
            self.asked.remove((request, asker))
            self.others.until(request.done)
            if asker.doomed:
                assert isinstance(request.exception(), Doomed)
            else:
                assert asker.grant is not None
                self.held.append((request.result(), asker.grant))
        waiters = sum(heap.statistics().waiters for heap in self.heaps)
        if waiters != len(self.asked):
            self.others.until(
                lambda: sum(heap.statistics().waiters for heap in self.heaps) == len(self.asked)
            )

    @invariant()
    def both_sides_agree(self) -> None:
        if not hasattr(self, "world"):
            return
        self.settle()
        self.world.check()
        if len(self.world.asking):
            tree = tree_of(self.heaps[0])
            self.others.until(lambda: not tree._arrived)
            assert [
                (self.heaps.index(waiter.heap), waiter.amount, waiter.overtaken) for waiter in tree.waiters()
            ] == [
                (self.rooms.index(waiter.heap), waiter.amount, waiter.overtaken)
                for waiter in self.world.tree.waiters()
            ]
        for heap, room in zip(self.heaps, self.rooms, strict=True):
            assert heap.live == room.live
            if room.capacity is not None:
                assert heap.free == room.free
        self.heaps[0].check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.things.clear()
            for room in self.rooms:
                room.live = 0
            while self.held:
                reservation, grant = self.held.pop()
                self.world.running.remove(grant)
                grant.release()
                reservation.release()
                self.world.tree.serve()
                tree_of(self.heaps[0]).serve()
                self.settle()
            assert not self.asked
            self.others.close()
            for heap in self.heaps:
                assert (heap.live, heap.reserved) == (0, 0)
            self.heaps[0].check()
        gc.enable()


class ThreadsAndModel(Machine):
    side = Threads


class TasksAndModel(Machine):
    side = Tasks

    @precondition(lambda self: self.asked)
    @rule(index=INDEX)
    def cancel(self, index: int) -> None:
        request, asker = self.asked.pop(index % len(self.asked))
        request.cancel()
        self.others.until(request.done)
        assert request.cancelled()
        self.world.do(("leave", self.world.asking.index(asker)))


SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    stateful_step_count=40,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],  # which goes by the clock
)
TestThreadsAndModel = ThreadsAndModel.TestCase
TestThreadsAndModel.settings = SETTINGS
TestTasksAndModel = TasksAndModel.TestCase
TestTasksAndModel.settings = SETTINGS
