"""Waiting for a reservation: in the order of coming, without being passed, leaving no trace."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import ReservationTimeout, WouldBlock
from hardtack.heap import Heap, _native
from hardtack.heap.waiting import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from hardtack.heap import Reservation


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread is about to do."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.0005)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


def in_line(threads: ThreadPoolExecutor, heap: Heap, amount: int) -> Future[Reservation]:
    """Have a thread wait for a reservation; return when it is in the line."""
    before = heap.statistics().waiters
    waiting = threads.submit(heap.reserve, amount)
    until(lambda: heap.statistics().waiters == before + 1)
    return waiting


def test_a_release_hands_the_bytes_to_who_waits(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible)
    waiting = in_line(threads, heap, 1000)
    assert not waiting.done()
    held.release()
    assert heap.reserved == 1000  # handed over by the release itself
    waiting.result(20).release()
    assert (heap.statistics().waiters, heap.statistics().granted) == (0, 1)


def test_who_came_first_is_served_first(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible)
    order: list[int] = []
    lock = threading.Lock()

    def serve(number: int) -> None:
        with heap.reserve(heap.possible // 2 + 1), lock:  # one at a time
            order.append(number)

    done = []
    for number in range(20):
        done.append(threads.submit(serve, number))
        until(lambda: heap.statistics().waiters == len(done))
    held.release()
    for each in done:
        each.result(20)
    assert order == list(range(20))
    assert heap.statistics().granted == 20


def test_nobody_who_comes_later_passes_who_waits(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible - 1000)
    waiting = in_line(threads, heap, 2000)
    assert heap.room == 1000
    with pytest.raises(WouldBlock, match="others wait"):
        heap.reserve_nowait(10)
    assert heap.admit(heap, 10, len, "") is NotImplemented
    second = in_line(threads, heap, 10)
    assert not second.done()
    held.release()
    waiting.result(20).release()
    second.result(20).release()
    heap.reserve_nowait(10).release()


def test_carving_passes_nobody(heap: Heap, threads: ThreadPoolExecutor) -> None:
    with heap.reserve(heap.possible - 1000):
        waiting = in_line(threads, heap, 2000)
        heap.reserve(10).release()
        heap.reserve_nowait(10).release()
    waiting.result(20).release()


def test_who_waits_for_a_child_does_not_hold_up_its_siblings(threads: ThreadPoolExecutor) -> None:
    root = Heap("4 MiB")
    full, other = Heap("1 MiB", parent=root), Heap("1 MiB", parent=root)
    held = full.reserve(full.possible)
    waiting = in_line(threads, full, 1000)
    other.reserve(1000, timeout=5).release()
    other.reserve_nowait(1000).release()
    root.reserve_nowait(1000).release()
    assert not waiting.done()
    held.release()
    waiting.result(20).release()


def test_who_waits_for_the_root_is_not_passed_by_way_of_a_child(threads: ThreadPoolExecutor) -> None:
    root = Heap("4 MiB")
    child = Heap("1 MiB", parent=root)
    held = root.reserve(root.possible - 1000)
    waiting = in_line(threads, root, 2000)
    with pytest.raises(WouldBlock, match="others wait"):
        child.reserve_nowait(10)
    behind = in_line(threads, child, 10)
    held.release()
    waiting.result(20).release()
    behind.result(20).release()
    assert (root.statistics().granted, child.statistics().granted) == (1, 1)


def test_memory_that_is_freed_without_a_word_is_found(heap: Heap, threads: ThreadPoolExecutor) -> None:
    thing = heap.run(bytes, 4_000_000)
    waiting = in_line(threads, heap, heap.possible)
    assert not waiting.done()
    del thing
    waiting.result(20).release()


def test_garbage_is_collected_before_anyone_waits(heap: Heap) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self
            self.load = bytes(4_000_000)

    gc.collect()
    gc.disable()
    try:
        heap.run(Cycle)
        assert heap.live > 4_000_000
        heap.reserve(heap.possible - 1_000_000, timeout=20).release()
        assert heap.live < 1_000_000
    finally:
        gc.enable()


def test_collections_become_rare_while_one_waits() -> None:
    collector = Collector()
    assert collector.collect(1000.0)
    assert collector.due > time.monotonic() + 900
    assert not collector.collect(1000.0)


def test_a_timeout_leaves_no_trace(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible)
    reserved = heap.reserved
    for timeout in (0, 0.01):
        with pytest.raises(ReservationTimeout, match="1000 bytes did not come free"):
            heap.reserve(1000, timeout=timeout)
    assert (heap.reserved, heap.statistics().waiters, heap.statistics().granted) == (reserved, 0, 0)
    held.release()
    heap.reserve_nowait(heap.possible).release()


def test_who_gives_up_lets_those_behind_go_on(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible - 1000)
    impatient = threads.submit(heap.reserve, 500_000, 0.1)
    until(lambda: heap.statistics().waiters == 1)
    behind = in_line(threads, heap, 1000)
    with pytest.raises(ReservationTimeout):
        impatient.result(20)
    behind.result(20).release()
    held.release()
    assert heap.reserved == 0


def test_an_exception_while_waiting_leaves_no_trace(heap: Heap) -> None:
    held = heap.reserve(heap.possible)
    with pytest.raises(TypeError):
        heap.reserve(1000, timeout="soon")  # type: ignore[arg-type]
    assert heap.statistics().waiters == 0
    held.release()
    heap.reserve_nowait(1000).release()


def test_an_interrupt_while_waiting_leaves_no_trace(python: Callable[..., object]) -> None:
    python(
        """
        import signal, threading
        from hardtack.heap import Heap, _native
        heap = Heap("1 MiB")
        held = heap.reserve(heap.possible)
        def strike():
            while not heap.statistics().waiters:
                pass
            signal.raise_signal(signal.SIGINT)
        for _ in range(5):
            thread = threading.Thread(target=strike)
            thread.start()
            try:
                heap.reserve(1000)
            except KeyboardInterrupt:
                pass
            thread.join()
            assert heap.statistics().waiters == 0
        held.release()
        assert heap.reserved == 0
        heap.reserve_nowait(1000).release()
        assert _native.census()[1] == 0
        """
    )


def test_nobody_waits_on_the_thread_of_an_event_loop(heap: Heap) -> None:
    async def main() -> None:
        heap.reserve(1000).release()  # there is room
        with heap.reserve_nowait(heap.possible):
            pass
        held = heap.reserve_nowait(heap.possible)
        try:
            with pytest.raises(WouldBlock, match="stop the event loop"):
                heap.reserve(1000)
            waiting = asyncio.create_task(asyncio.to_thread(heap.reserve, 1000))
            while not heap.statistics().waiters:
                await asyncio.sleep(0)
        finally:
            held.release()
        (await waiting).release()

    asyncio.run(main())


def test_waiting_inside_a_full_heap_does_not_need_its_memory(threads: ThreadPoolExecutor) -> None:
    heap = Heap("64 KiB")
    keep = heap.run(bytes, heap.free // 4096 * 4096 - 33)
    failures = heap.statistics().failures

    def wait_inside() -> bool:
        with heap:
            try:
                heap.reserve(10_000, timeout=0.05)
            except ReservationTimeout:
                return True
        return False

    assert threads.submit(wait_inside).result(20)
    assert heap.statistics().failures == failures
    assert keep


def test_a_dropped_reservation_is_handed_on_too(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = [heap.reserve(heap.possible)]
    waiting = in_line(threads, heap, 1000)
    held.clear()
    waiting.result(20).release()
    assert heap.statistics().leaked == 1


def test_the_end_of_an_admitted_call_is_handed_on(heap: Heap, threads: ThreadPoolExecutor) -> None:
    waiting: list[Future[Reservation]] = []
    heap.admit(heap, heap.possible, lambda: waiting.append(in_line(threads, heap, heap.possible - 500_000)))
    waiting[0].result(20).release()


def test_a_heap_that_had_waiters_can_die(threads: ThreadPoolExecutor) -> None:
    gc.collect()
    cores = _native.census()[0]
    root = Heap("1 MiB")
    child = Heap(None, parent=root)
    held = child.reserve(child.possible)
    waiting = in_line(threads, child, 1000)
    held.release()
    waiting.result(20).release()
    del root, child, held, waiting
    until(lambda: _native.census()[0] == cores)  # the worker's last reference goes with its next step


def test_many_threads_never_hold_more_than_there_is(threads: ThreadPoolExecutor) -> None:
    root = Heap("1 MiB", slack=0)
    heaps = [root, Heap(None, parent=root), Heap("512 KiB", parent=root, slack=0)]

    def work(seed: int) -> int:
        done = 0
        for step in range(60):
            heap = heaps[(seed + step) % 3]
            amount = 1000 + (seed * 7919 + step * 104729) % 400_000
            with heap.reserve(amount, timeout=20):
                thing = bytes(amount // 2)
                done += len(thing) > 0
                del thing
        return done

    assert sum(threads.map(work, range(16))) == 16 * 60
    assert root.peak <= 1 << 20
    assert (root.reserved, sum(heap.overruns for heap in heaps)) == (0, 0)
    root.check()
