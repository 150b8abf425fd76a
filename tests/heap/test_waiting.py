"""Waiting for a reservation: in the order of coming, without being passed, leaving no trace."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from interrupting import Interrupter, instructions_are_traced
from until import until

from hardtack.errors import Doomed, ReservationTimeout, WouldBlock
from hardtack.heap import Heap, _native, admission, groups, reclaim
from hardtack.heap import waiting as waiting_module
from hardtack.heap.admission import MAX_OVERTAKEN
from hardtack.heap.groups import remove_shrinker
from hardtack.heap.waiting import ThreadWaiter, doom, tree_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from hardtack.heap import Reservation

    Python = Callable[..., subprocess.CompletedProcess[str]]


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


def test_nobody_who_comes_later_takes_what_others_wait_for(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible - 1000)
    waiting = in_line(threads, heap, 2000)
    assert heap.room == 1000
    with pytest.raises(WouldBlock, match="others wait"):
        heap.reserve_nowait(10)
    assert heap.admit(heap, 10, len, "") is NotImplemented
    second = in_line(threads, heap, 1001)  # does not fit either
    held.release()
    waiting.result(20).release()
    second.result(20).release()
    heap.reserve_nowait(10).release()


def test_a_small_request_passes_a_large_one_so_many_times(heap: Heap, threads: ThreadPoolExecutor) -> None:
    held = heap.reserve(heap.possible - 1000)
    waiting = in_line(threads, heap, 2000)
    for _ in range(MAX_OVERTAKEN):
        heap.reserve(10, timeout=20).release()
    assert not waiting.done()
    with pytest.raises(ReservationTimeout):  # there is room; it is kept for who waits
        heap.reserve(10, timeout=0.02)
    held.release()
    waiting.result(20).release()
    heap.reserve(10, timeout=0).release()


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


def test_who_waits_for_the_root_is_passed_by_way_of_a_child_no_more_often(
    threads: ThreadPoolExecutor,
) -> None:
    root = Heap("4 MiB")
    child = Heap("1 MiB", parent=root)
    held = root.reserve(root.possible - 1000)
    waiting = in_line(threads, root, 2000)
    with pytest.raises(WouldBlock, match="others wait"):
        child.reserve_nowait(10)
    for _ in range(MAX_OVERTAKEN):
        child.reserve(10, timeout=20).release()
    behind = in_line(threads, child, 10)
    assert not behind.done()
    held.release()
    waiting.result(20).release()
    behind.result(20).release()
    assert (root.statistics().granted, child.statistics().granted) == (1, MAX_OVERTAKEN + 1)


def test_bytes_on_several_heaps_are_had_together_or_not_at_all(threads: ThreadPoolExecutor) -> None:
    root = Heap("4 MiB", slack=0)
    one, other = (Heap("1 MiB", parent=root, slack=0, name=name) for name in ("one", "other"))
    held = other.reserve(1000)
    waiting = threads.submit(root.reserve, 1 << 20, also=(one, other))
    until(lambda: root.statistics().waiters == 1)
    assert (one.free, root.reserved) == (1 << 20, 1000)
    with pytest.raises(WouldBlock, match="others wait"):
        one.reserve_nowait(1)
    root.reserve_nowait(1).release()
    held.release()
    both = waiting.result(20)
    assert (one.free, other.free) == (0, 0)
    both.release()
    root.check()


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
    impatient = threads.submit(heap.reserve, 500_000, 0.2)
    until(lambda: heap.statistics().waiters == 1)
    for _ in range(MAX_OVERTAKEN):
        heap.reserve(1000, timeout=20).release()
    behind = in_line(threads, heap, 1000)
    with pytest.raises(ReservationTimeout):
        impatient.result(20)
    behind.result(20).release()
    held.release()
    assert heap.reserved == 0


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        ("soon", TypeError),
        (b"1", TypeError),
        ([], TypeError),
        (-1, ValueError),
        (-0.001, ValueError),
        (math.nan, ValueError),
        (-(10**400), ValueError),
        (True, TypeError),
    ],
)
def test_a_senseless_timeout_is_refused_at_once(heap: Heap, timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout is a number of seconds"):
        heap.reserve(1000, timeout=timeout)  # even if there is room
    held = heap.reserve(heap.possible)
    with pytest.raises(error, match="timeout is a number of seconds"):
        heap.reserve(1000, timeout=timeout)
    assert heap.statistics().waiters == 0
    held.release()
    heap.reserve_nowait(1000).release()


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 10**400])
def test_a_timeout_without_end_is_none(heap: Heap, threads: ThreadPoolExecutor, timeout: float) -> None:
    heap.reserve(1000, timeout=timeout).release()
    held = heap.reserve(heap.possible)
    waiting = threads.submit(heap.reserve, 1000, timeout)
    until(lambda: heap.statistics().waiters == 1)
    held.release()
    waiting.result(20).release()


def test_an_interrupt_while_waiting_leaves_no_trace(python: Callable[..., object]) -> None:
    python(
        """
        import signal, threading
        from until import until_waiters
        from hardtack.heap import Heap, _native
        heap = Heap("1 MiB")
        held = heap.reserve(heap.possible)
        def strike():
            until_waiters(heap, 1)
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


def time_runs_out(heap: Heap) -> None:
    held = heap.reserve(heap.possible)
    try:
        heap.reserve(1000, timeout=0)
    except ReservationTimeout:
        pass
    finally:
        held.release()


def granted(heap: Heap) -> None:
    held = heap.reserve(heap.possible)
    try:
        shrink = heap.shrinker(lambda wanted: held.release())
        heap.reserve(heap.possible - 1).release()
        remove_shrinker(heap, shrink)
    finally:
        held.release()


@instructions_are_traced
@pytest.mark.parametrize("work", [time_runs_out, granted])
def test_an_interrupt_anywhere_while_waiting_leaves_no_trace(
    work: Callable[[Heap], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "PATIENCE_SECONDS", 0.0)
    interrupter = Interrupter(waiting_module, admission, reclaim, groups)
    heap = Heap("1 MiB", name="struck", slack=0)
    work(heap)
    nth, struck = 0, True
    while struck:
        nth += 1
        heap._group = None
        struck = interrupter.strike(nth, lambda: work(heap))
        gc.collect(0)
        assert (heap.reserved, heap.statistics().waiters) == (0, 0), nth
        heap.reserve(heap.possible, timeout=0).release()
        heap.check()
    assert nth > 100


def test_the_thread_of_an_event_loop_does_not_wait(heap: Heap) -> None:
    async def main() -> None:
        heap.reserve(1000).release()  # there is room
        with heap.reserve_nowait(heap.possible):
            pass
        held = heap.reserve_nowait(heap.possible)
        try:
            with pytest.raises(WouldBlock, match="stop the event loop"), heap.reserve(1000):
                pass
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


def test_a_doomed_thread_is_let_go_at_once(heap: Heap, threads: ThreadPoolExecutor) -> None:
    child = Heap(None, parent=heap, name="victim")
    below = Heap(None, parent=child)
    held = heap.reserve(heap.possible)
    doomed = [in_line(threads, child, 1000), in_line(threads, below, 1000)]
    other = in_line(threads, heap, 1000)
    assert doom(child) == 2
    assert heap.statistics().waiters == 1
    for each in doomed:
        with pytest.raises(Doomed, match="group 'victim' is being killed"):
            each.result(20)
    held.release()
    other.result(20).release()
    assert doom(heap) == 0


def test_a_shrinker_is_asked_before_anyone_waits_for_calls(heap: Heap) -> None:
    pages = [heap.run(bytes, 1_000_000) for _ in range(7)]

    @heap.shrinker
    def drop(wanted: int) -> None:
        pages.pop()

    heap.reserve(heap.possible // 2, timeout=20).release()
    assert len(pages) < 7


def test_calls_under_way_are_given_time_before_memory_is_looked_for(
    heap: Heap, threads: ThreadPoolExecutor
) -> None:
    asked: list[int] = []
    heap.shrinker(asked.append)
    for _ in range(20):
        held = heap.reserve(heap.possible)
        waiting = in_line(threads, heap, 1000)
        held.release()
        waiting.result(20).release()
    assert asked == []
    held = heap.reserve(heap.possible)  # a call that takes its time
    waiting = in_line(threads, heap, 1000)
    until(lambda: bool(asked))
    held.release()
    waiting.result(20).release()


def test_a_finalizer_that_reserves_while_another_is_served(heap: Heap, threads: ThreadPoolExecutor) -> None:
    class Reserves:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            heap.reserve(1000, timeout=20).release()

    held = heap.reserve(heap.possible)
    waiting = in_line(threads, heap, 1000)
    Reserves()
    threading.Timer(0.05, held.release).start()
    gc.collect()  # the finalizer waits in its turn
    waiting.result(20).release()
    assert heap.reserved == 0


def test_a_reservation_in_garbage_is_handed_on(heap: Heap, threads: ThreadPoolExecutor) -> None:
    class Holds:
        def __init__(self) -> None:
            self.me = self
            self.reservation = heap.reserve(heap.possible)

    Holds()
    in_line(threads, heap, 1000).result(20).release()  # found by the collection on the ladder
    assert heap.statistics().leaked == 1


def test_the_child_of_a_fork_has_no_waiters(python: Callable[..., object]) -> None:
    python(
        """
        import os, threading, warnings, asyncio
        warnings.simplefilter("ignore", DeprecationWarning)
        from hardtack.heap import Heap, _native
        from hardtack.heap import tasks
        heap = Heap("1 MiB", slack=0)
        child = Heap("512 KiB", parent=heap, slack=0)
        held = heap.reserve(heap.possible - 1000)
        def wait(where):
            with where.reserve(2000):
                pass
        threads = [threading.Thread(target=wait, args=(where,)) for where in (heap, child, heap)]
        for thread in threads:
            thread.start()
        while heap.statistics().waiters + child.statistics().waiters < 3:
            pass

        def fork(check):
            pid = os.fork()
            if not pid:
                try:
                    check()
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(pid, 0)[1] == 0

        def in_child():
            heap.check()
            assert heap.statistics().waiters == child.statistics().waiters == 0
            assert heap.reserved == held.amount
            heap.reserve_nowait(1000).release()
            held.release()
            with heap.reserve(heap.possible, timeout=0):
                pass
            taken = heap.reserve(heap.possible)
            thread = threading.Thread(target=wait, args=(child,))  # waiting works in the child
            thread.start()
            while not child.statistics().waiters:
                pass
            taken.release()
            thread.join()
            assert heap.reserved == 0
            heap.check()

        for _ in range(5):
            fork(in_child)

        async def main():
            task = asyncio.create_task(tasks.reserve(heap, 2000))
            while heap.statistics().waiters < 3:
                await asyncio.sleep(0)
            fork(in_child)
            held.release()
            (await task).release()
        asyncio.run(main())
        for thread in threads:
            thread.join()
        assert heap.reserved == 0
        heap.check()
        """
    )


def test_a_fork_in_the_midst_of_waiting_and_serving(python: Callable[..., object]) -> None:
    python(
        """
        import os, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from hardtack.heap import Heap
        sys.setswitchinterval(1e-5)
        heap = Heap("1 MiB", slack=0)
        stop = False
        def work():
            while not stop:
                with heap.reserve(400_000):
                    time.sleep(0)
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(40):
            pid = os.fork()
            if not pid:
                try:
                    heap.check()
                    assert heap.statistics().waiters == 0
                    assert heap.reserved in (0, 400_000, 800_000)  # what threads that are gone had taken
                    heap.reserve(200_000, timeout=5).release()
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(pid, 0)[1] == 0
        stop = True
        for thread in threads:
            thread.join()
        assert heap.reserved == 0
        heap.check()
        """
    )


def test_interrupts_at_any_moment_leave_no_trace(python: Callable[..., object]) -> None:
    python(
        """
        import itertools, random, signal, threading, time
        from hardtack.heap import Heap
        heap = Heap("1 MiB", slack=0)
        stop, served = False, itertools.count()
        def work():
            while not stop:
                with heap.reserve(400_000):
                    time.sleep(0)
                next(served)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        interrupts, deadline = 0, time.monotonic() + 3
        rolls = random.Random(3)
        while time.monotonic() < deadline:
            try:
                signal.setitimer(signal.ITIMER_REAL, rolls.uniform(1e-5, 1e-3))
                for _ in range(50):
                    with heap.reserve(400_000):
                        pass
            except KeyboardInterrupt:
                interrupts += 1
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupts += 1
        before = next(served)
        time.sleep(0.2)
        assert next(served) > before + 1 and interrupts > 100, interrupts
        stop = True
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert (heap.reserved, heap.statistics().waiters) == (0, 0), (heap, heap.statistics(), heap._tree.waiters())
        heap.reserve_nowait(1 << 20).release()
        heap.check()
        """
    )


# ---------------------------------------------------------------- grants that are not taken


def test_a_grant_whose_waiter_was_cut_off_goes_back_and_is_no_leak(
    heap: Heap, caplog: pytest.LogCaptureFixture
) -> None:
    held = heap.reserve(heap.possible)
    waiter = ThreadWaiter(heap, 1000, ())
    tree_of(heap).join(waiter)
    held.release()
    assert waiter.settled
    assert heap.reserved == 1000
    del waiter
    assert (heap.reserved, heap.statistics().leaked) == (0, 0)
    assert not caplog.records


def test_one_that_was_taken_and_is_dropped_is_a_leak(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    held = heap.reserve(heap.possible)
    thread = threading.Thread(target=heap.reserve, args=(1000,))
    thread.start()
    until(lambda: heap.statistics().waiters == 1)
    held.release()
    thread.join()
    assert (heap.reserved, heap.statistics().leaked) == (0, 1)
    assert "1000 bytes" in caplog.text


# ---------------------------------------------------------------- reservations that are held and not entered


def test_a_single_thread_that_would_wait_for_itself_for_ever_is_refused(python: Python) -> None:
    python(
        """
        import gc
        from hardtack.errors import ReservationTimeout, WouldBlock
        from hardtack.heap import Heap

        def refused(heap, amount):
            try:
                heap.reserve(amount)
            except WouldBlock as error:
                return str(error)

        heap = Heap("8 MiB", name="h")
        first, second = heap.reserve(heap.possible // 2), heap.reserve(1000)
        message = refused(heap, heap.possible // 2)
        assert f"it holds {first.amount + 1000} itself, reserved at <string>:13 and not entered" in message, message
        try:
            heap.reserve(heap.possible, timeout=0.01)
        except ReservationTimeout:
            pass
        first.release()
        heap.reserve(heap.possible // 2).release()
        second.release()

        one, two = Heap("6 MiB", parent=heap), Heap("6 MiB", parent=heap)
        held = one.reserve(one.possible)
        assert "wait for ever" in refused(two, two.possible)
        two.reserve(1000).release()
        cycle = [held]
        cycle.append(cycle)
        del held, cycle
        two.reserve(two.possible).release()  # the garbage was collected first
        assert heap.reserved == 0
        """
    )


def test_what_a_groups_kill_callback_may_release_is_waited_for(python: Python) -> None:
    python(
        """
        from hardtack.heap import Heap

        heap = Heap("8 MiB", name="h")
        held = []
        group = Heap(None, parent=heap, kill=lambda group: held.pop().release())
        held.append(group.reserve(heap.possible))
        heap.reserve(1000).release()
        assert not held
        """
    )


def test_what_another_thread_may_have_been_handed_is_waited_for(heap: Heap) -> None:
    held = heap.reserve(heap.possible)
    threading.Timer(0.02, held.release).start()
    heap.reserve(1000).release()
