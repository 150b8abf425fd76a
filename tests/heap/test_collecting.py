"""Garbage: no automatic collection in admitted calls, finalizers that reserve, cycles of heaps and reservations, forks."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from until import HANG_SECONDS

from hardtack.errors import WouldBlock
from hardtack.heap import Heap, _native, reclaim

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator, Iterator

    from hardtack.heap import Reservation

    Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _collecting_is_on_again() -> Iterator[None]:
    gc.collect()
    assert gc.isenabled()
    yield
    assert gc.isenabled()


# ---------------------------------------------------------------- automatic collection


def test_it_is_off_in_admitted_calls_and_on_again_afterwards(heap: Heap) -> None:
    assert heap.admit(heap, 1000, gc.isenabled) is False
    assert heap.call(1000)(gc.isenabled)() is False
    assert heap.reserve(1000).run(heap, gc.isenabled) is False
    with heap.reserve(10_000):
        assert not gc.isenabled()
        with heap.reserve(1000):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    assert heap.run(gc.isenabled) is True
    with heap:
        assert gc.isenabled()


def test_it_stays_off_where_it_was_off(heap: Heap) -> None:
    gc.disable()
    try:
        heap.admit(heap, 1000, len, "")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_no_foreign_finalizer_runs_in_an_admitted_call(heap: Heap) -> None:
    inside: list[bool] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            inside.append(_native.in_reservation())

    def work() -> None:
        for _ in range(20_000):
            [[]]  # noqa: B018

    for _ in range(10):
        Cycle()
        heap.admit(heap, 1_000_000, work)
    gc.collect()
    assert inside == [False] * 10


def test_collecting_by_hand_works_in_an_admitted_call(heap: Heap) -> None:
    finalized: list[int] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            finalized.append(1)

    Cycle()
    heap.admit(heap, 100_000, gc.collect)
    assert finalized == [1]


def test_it_is_off_while_any_thread_is_in_an_admitted_call(heap: Heap) -> None:
    entered, go = threading.Event(), threading.Event()

    def stay_inside() -> None:
        with heap.reserve(100_000):
            entered.set()
            go.wait(20)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    entered.wait(20)
    assert not gc.isenabled()
    heap.admit(heap, 1000, len, "")
    assert not gc.isenabled()
    go.set()
    thread.join()
    assert gc.isenabled()


def test_a_coroutine_counts_in_its_steps_alone(heap: Heap) -> None:
    seen = []

    async def work() -> None:
        seen.append(gc.isenabled())
        await Wait()
        seen.append(gc.isenabled())

    class Wait:
        def __await__(self) -> Generator[None, None, None]:
            yield

    coroutine = _native.Coroutine(work(), heap.reserve(10_000))
    coroutine.send(None)
    assert gc.isenabled()
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert seen == [False, False]


def test_a_thread_that_ends_inside_leaves(heap: Heap) -> None:
    """A generator that was stopped inside a `with` outlives the thread that was in there."""
    kept: list[Generator[None, None, None]] = []

    def stops_inside() -> Generator[None, None, None]:
        with heap.reserve(10_000):
            yield

    def work() -> None:
        kept.append(stops_inside())
        next(kept[0])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="on the same thread"):
        kept.pop().close()
    assert heap.reserved == 0


def call_inside(inner: Heap, function: Callable[[], None]) -> None:
    with inner:
        function()


@pytest.mark.parametrize("call", [lambda _, function: function(), call_inside, Heap.run])
def test_a_reservation_that_ends_on_another_thread_is_left_on_its_own(
    heap: Heap, call: Callable[[Heap, Callable[[], None]], None]
) -> None:
    """As a web framework does with dependencies that yield: it ends them on whichever thread is free."""

    def stops_inside() -> Generator[None, None, None]:
        with heap.reserve(10_000):
            yield

    stopped = stops_inside()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:

        def end_elsewhere() -> None:
            with pytest.raises(RuntimeError, match="on the same thread"):
                second.submit(stopped.close).result()

        def work() -> tuple[bool, int]:
            next(stopped)
            inside = not gc.isenabled()
            call(Heap("1 MiB"), end_elsewhere)
            live = heap.live
            kept = bytes(100_000)  # would be charged to the heap
            return inside, heap.live - live + len(kept)

        assert first.submit(work).result() == (True, 100_000)
        assert first.submit(gc.isenabled).result()
    assert heap.reserved == 0


@contextmanager
def reported(action: Callable[[], None]) -> Iterator[None]:
    """Have an action done whenever hardtack reports something: inside of its errand, outside every heap."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            action()

    handler, logger = Handler(), logging.getLogger("hardtack.heap")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def test_whatever_was_entered_in_a_reservation_that_ends_on_another_thread_draws_from_it_no_longer(
    heap: Heap,
) -> None:
    def stops_inside() -> Generator[None, None, None]:
        with heap.reserve(50_000):
            yield

    with ThreadPoolExecutor(1) as second:
        stopped = stops_inside()
        next(stopped)
        drawn = [bytes(1000) for _ in range(20)]
        with heap, heap:
            with pytest.raises(RuntimeError, match="on the same thread"):
                second.submit(stopped.close).result()
            assert gc.isenabled()
            drawn.clear()  # what is freed is not refunded to what has ended
            assert heap.reserved == 0
            heap.check()
            with heap.reserve(10_000):  # not carved from it either
                assert heap.reserved == 10_000


def test_a_reservation_that_ends_on_another_thread_while_its_own_runs_an_errand_is_left(heap: Heap) -> None:
    def stops_inside() -> Generator[None, None, None]:
        with heap.reserve(50_000):
            yield

    stopped = stops_inside()
    ended = []

    def end_elsewhere() -> None:
        with pytest.raises(RuntimeError, match="on the same thread"):
            second.submit(stopped.close).result()
        ended.append(heap.reserved)

    with ThreadPoolExecutor(1) as second:
        second.submit(len, "").result()
        next(stopped)
        with reported(end_elsewhere):
            heap.reserve_nowait(1000)  # and dropped: a leak, which is reported
        assert ended == [0]
        live = heap.live
        kept = bytes(100_000)  # would be charged to the heap
        assert heap.live - live < len(kept)


# ---------------------------------------------------------------- finalizers that reserve


class Reserves:
    """Something that reserves when it dies."""

    def __init__(self, heap: Heap, amount: int, outcome: list[object]) -> None:
        self.heap, self.amount, self.outcome = heap, amount, outcome

    def __del__(self) -> None:
        try:
            with self.heap.reserve(self.amount):
                self.outcome.append(bytes(100))
        except WouldBlock as error:
            self.outcome.append(type(error))


def test_a_finalizer_in_an_admitted_call_carves_or_is_refused_and_never_waits(heap: Heap) -> None:
    outcome: list[object] = []
    things = [Reserves(heap, 1000, outcome), Reserves(heap, heap.possible, outcome)]
    heap.admit(heap, 100_000, things.clear)
    assert outcome == [WouldBlock, bytes(100)]  # a list lets go of its last first
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_a_finalizer_that_a_release_runs_reserves_what_came_free(heap: Heap) -> None:
    outcome: list[object] = []
    thing = [Reserves(heap, heap.possible // 2, outcome)]
    with heap.reserve(heap.possible):
        kept = thing.pop()
    del kept
    assert outcome == [bytes(100)]
    assert heap.reserved == 0


def test_a_collection_runs_finalizers_that_reserve(heap: Heap) -> None:
    outcome: list[object] = []
    thing = Reserves(heap, 1000, outcome)
    thing.me = thing  # type: ignore[attr-defined]
    del thing
    gc.collect()
    assert outcome == [bytes(100)]
    assert heap.reserved == 0


# ---------------------------------------------------------------- cycles


def test_a_cycle_that_holds_a_reservation_gives_it_back_and_counts_it(heap: Heap) -> None:
    class Holder:
        def __init__(self) -> None:
            self.me = self
            self.reservation = heap.reserve(100_000)

    Holder()
    assert heap.reserved == 100_000
    gc.collect()
    assert (heap.reserved, heap.statistics().leaked) == (0, 1)


class Holding:
    """A kill callback, say."""

    heap: Heap | None = None
    reservation: Reservation | None = None

    def __call__(self, heap: Heap) -> None: ...


def test_a_heap_and_its_kill_callback_are_collected() -> None:
    assert reclaim.Group  # imported, with the heap that it has
    cores = _native.census()[0]
    callback = Holding()
    callback.heap = Heap("1 MiB", kill=callback)
    gone = weakref.ref(callback)
    del callback
    gc.collect()
    assert gone() is None
    assert _native.census()[0] == cores


@pytest.mark.parametrize("entered", [False, True])
def test_a_cycle_through_a_reservation_a_heap_and_its_parents_callback_is_collected(entered: bool) -> None:
    cores, claims = _native.census()[:2]
    callback = Holding()
    root = Heap("1 MiB", kill=callback)
    child = Heap(None, parent=root)
    callback.reservation = child.reserve(1000)
    if entered:
        with callback.reservation:
            pass
    gone = weakref.ref(callback)
    del callback, root, child
    gc.collect()
    assert gone() is None
    assert _native.census()[:2] == (cores, claims)


def test_a_subclass_with_attributes_is_collected_with_its_reservations() -> None:
    class Tenant(Heap):
        kept: object = None

    cores, claims = _native.census()[:2]
    tenant = Tenant("1 MiB")
    tenant.kept = [tenant, tenant.reserve(1000)]
    del tenant
    gc.collect()
    assert _native.census()[:2] == (cores, claims)


def test_slots_take_anything_and_begin_with_none(heap: Heap) -> None:
    assert (heap._tree, heap._group) == (None, None)
    heap._group = [heap]
    assert heap._group == [heap]
    del heap._group
    assert heap._group is None


# ---------------------------------------------------------------- forks


def test_the_child_of_a_fork_is_rid_of_what_other_threads_had_entered(python: Python) -> None:
    python(
        """
        import gc, os, threading
        from hardtack.heap import Heap, _native

        heap = Heap("1 MiB")
        tenant = Heap("512 KiB", parent=heap)
        go, ready = threading.Event(), threading.Barrier(4)
        mine = heap.reserve(1000)

        def with_reservation():
            with heap.reserve(10_000, also=(tenant,)):
                ready.wait()
                go.wait()

        def in_a_call():
            def call():
                with heap.reserve(5000):
                    ready.wait()
                    go.wait()
            heap.admit(heap, 20_000, call)

        def in_a_coroutine():
            async def work():
                with heap.reserve(5000):
                    ready.wait()
                    go.wait()
            try:
                _native.Coroutine(work(), heap.reserve(30_000)).send(None)
            except StopIteration:
                pass

        threads = [threading.Thread(target=f) for f in (with_reservation, in_a_call, in_a_coroutine)]
        for thread in threads:
            thread.start()
        ready.wait()
        assert 61_000 - 9000 < heap.reserved <= 61_000
        assert tenant.held == 10_000
        assert not gc.isenabled()
        with heap.reserve(2000):
            pid = os.fork()
            if pid == 0:
                heap.check()
                assert heap.reserved <= 3000, heap.reserved
                assert tenant.held == 0
                assert not gc.isenabled()  # this thread is in a reservation
        if pid == 0:
            try:
                assert gc.isenabled()
                assert heap.reserved == 1000
                mine.release()
                heap.check()
                for _ in range(3):
                    thread = threading.Thread(target=lambda: heap.admit(heap, heap.room, len, ""))
                    thread.start()
                    thread.join()
                gc.collect()
                heap.check()
                assert _native.census()[1] == 0
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        go.set()
        for thread in threads:
            thread.join()
        assert os.waitpid(pid, 0)[1] == 0
        assert heap.reserved == 1000
        mine.release()
        heap.check()
        """
    )


# ---------------------------------------------------------------- somebody is inside all the time


class Cycle:
    """Garbage from the start, that tells when it is collected."""

    def __init__(self, collected: Callable[[], object]) -> None:
        self.me = self
        self.collected = collected

    def __del__(self) -> None:
        self.collected()


@pytest.fixture
def somebody_inside(heap: Heap) -> Iterator[None]:
    """Have another thread stay in a reservation for the whole test."""
    entered, go = threading.Event(), threading.Event()

    def stay_inside() -> None:
        with heap.reserve(100_000):
            entered.set()
            go.wait(HANG_SECONDS)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    entered.wait()
    yield
    go.set()
    thread.join()


def test_a_service_that_is_never_without_an_admitted_call_collects(python: Python) -> None:
    """Two threads hand over so that one is always inside; cycles are made all the time."""
    python(
        """
        import gc, threading
        from hardtack.heap import Heap

        class Node:
            live = peak = 0

            def __init__(self):
                self.me, self.weight = self, bytes(500)
                Node.live += 1
                Node.peak = max(Node.peak, Node.live)

            def __del__(self):
                Node.live -= 1

        heap = Heap("16 MiB")
        first, second = threading.Semaphore(1), threading.Semaphore(0)
        off = []

        def work(mine, others):
            for _ in range(2000):
                with heap.reserve(10_000):
                    others.release()
                    assert mine.acquire(timeout=15)  # the other one is inside as well
                off.append(not gc.isenabled())
                for _ in range(100):
                    Node()
            others.release()

        threads = [threading.Thread(target=work, args=pair) for pair in ((first, second), (second, first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(off) > 3900, sum(off)
        assert Node.peak < 100_000, Node.peak  # of 400,000
        """
    )


@pytest.mark.usefixtures("somebody_inside")
def test_who_leaves_collects_outside_every_heap_and_every_reservation(heap: Heap) -> None:
    found: list[tuple[bool, bool]] = []

    Cycle(lambda: found.append((_native.in_reservation(), heap.owns(bytes(1000)))))
    deadline = time.monotonic() + HANG_SECONDS
    kept: list[object] = []
    before = heap.reserved
    with heap:
        while not found:
            assert time.monotonic() < deadline
            kept.clear()
            kept.extend([] for _ in range(5000))
            with heap.reserve(1000):
                pass
    assert found == [(False, False)]
    assert heap.reserved == before
    kept.clear()


@pytest.mark.usefixtures("somebody_inside")
def test_who_leaves_does_not_collect_inside_a_reservation_around(heap: Heap) -> None:
    found: list[bool] = []

    Cycle(lambda: found.append(True))
    kept = [[None] for _ in range(5000)]
    deadline = time.monotonic() + 0.1
    with heap.reserve(1_000_000):
        while time.monotonic() < deadline:
            with heap.reserve(1000):
                pass
        assert found == []
    assert kept


@pytest.mark.usefixtures("somebody_inside")
def test_who_leaves_with_an_exception_collects_and_raises_it(heap: Heap) -> None:
    found: list[bool] = []

    Cycle(lambda: found.append(True))
    deadline = time.monotonic() + HANG_SECONDS
    while not found:
        assert time.monotonic() < deadline
        kept = [[None] for _ in range(5000)]
        with pytest.raises(KeyError), heap.reserve(1000):
            raise KeyError
        assert kept


def test_where_collecting_was_off_nobody_who_leaves_collects(python: Python) -> None:
    python(
        """
        import gc, threading, time
        from hardtack.heap import Heap

        gc.disable()
        heap = Heap("1 MiB")
        entered, go = threading.Event(), threading.Event()

        def stay_inside():
            with heap.reserve(1000):
                entered.set()
                go.wait(20)

        threading.Thread(target=stay_inside).start()
        entered.wait(20)
        kept = [[None] for _ in range(5000)]
        young = gc.get_count()[0]
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            with heap.reserve(1000):
                pass
        assert gc.get_count()[0] >= young
        go.set()
        """
    )
