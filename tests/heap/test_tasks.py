"""Waiting for a reservation in asyncio tasks."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from until import HANG_SECONDS

from hardtack.errors import Doomed, ReservationImpossible, ReservationTimeout, WouldBlock
from hardtack.heap import Heap, Reservation
from hardtack.heap import tasks as tasks_that_wait
from hardtack.heap import waiting as threads_that_wait
from hardtack.heap.admission import MAX_OVERTAKEN
from hardtack.heap.tasks import Pending, reserve
from hardtack.heap.waiting import doom

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Coroutine

    Python = Callable[..., subprocess.CompletedProcess[str]]


async def waiters(heap: Heap, count: int) -> None:
    """Let tasks run until so many wait."""
    deadline = time.monotonic() + HANG_SECONDS
    while heap.statistics().waiters != count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), HANG_SECONDS))


def test_where_there_is_room_it_is_had_at_once(heap: Heap) -> None:
    async def main() -> None:
        reservation = await reserve(heap, "1 KiB")
        assert heap.reserved == 1024
        reservation.release()
        with heap.reserve(1000):
            pass

    run(main)


def test_a_release_hands_the_bytes_to_the_task_that_waits(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        waiting = asyncio.create_task(reserve(heap, 1000))
        await waiters(heap, 1)
        held.release()
        assert heap.reserved == 1000  # before the task has run
        (await waiting).release()

    run(main)


def test_tasks_are_served_in_the_order_of_coming(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        order: list[int] = []

        async def work(number: int) -> None:
            reservation = await reserve(heap, heap.possible // 2 + 1)
            order.append(number)
            await asyncio.sleep(0)
            reservation.release()

        tasks = [asyncio.create_task(work(number)) for number in range(50)]
        await waiters(heap, 50)
        held.release()
        await asyncio.gather(*tasks)
        assert order == list(range(50))

    run(main)


def test_a_small_request_passes_a_large_one_so_many_times(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible - 1000)
        waiting = asyncio.create_task(reserve(heap, 2000))
        await waiters(heap, 1)
        for _ in range(MAX_OVERTAKEN):
            (await reserve(heap, 10)).release()
        with pytest.raises(ReservationTimeout):
            await reserve(heap, 10, timeout=0.02)
        held.release()
        (await waiting).release()

    run(main)


def test_a_thread_hands_over_to_a_task_and_back(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        with ThreadPoolExecutor(2) as threads:
            task = asyncio.create_task(reserve(heap, heap.possible))
            await waiters(heap, 1)
            thread = asyncio.wrap_future(threads.submit(heap.reserve, heap.possible))
            await waiters(heap, 2)
            await asyncio.wrap_future(threads.submit(held.release))
            (await task).release()
            (await thread).release()
        assert heap.statistics().granted == 2

    run(main)


def test_a_cancelled_task_leaves_no_trace(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        waiting = asyncio.create_task(reserve(heap, heap.possible))
        behind = asyncio.create_task(reserve(heap, 1000))
        await waiters(heap, 2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert heap.statistics().waiters == 1
        held.release()
        (await behind).release()

    run(main)


def test_a_task_cancelled_in_the_moment_of_its_grant_gives_it_back(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        waiting = asyncio.create_task(reserve(heap, 1000))
        await waiters(heap, 1)
        held.release()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (heap.reserved, heap.statistics().leaked) == (0, 0)

    run(main)


def test_a_timeout_leaves_no_trace(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        for timeout in (0, 0.01):
            with pytest.raises(ReservationTimeout, match="did not come free"):
                await reserve(heap, 1000, timeout)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reserve(heap, 1000)
        assert (heap.reserved, heap.statistics().waiters) == (held.amount, 0)
        held.release()

    run(main)


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts the timers it is asked for."""

    timers = 0

    def call_at(self, *arguments: Any, **keywords: Any) -> asyncio.TimerHandle:
        self.timers += 1
        return super().call_at(*arguments, **keywords)


def test_the_many_who_wait_far_back_share_one_timer(heap: Heap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_that_wait, "LOOK_SECONDS", HANG_SECONDS)  # so that nobody's time is over
    for module in (tasks_that_wait, threads_that_wait):
        monkeypatch.setattr(module, "NEAR_SECONDS", 2 * HANG_SECONDS)
        monkeypatch.setattr(module, "FAR_SECONDS", 3 * HANG_SECONDS)

    async def main(loop: CountingLoop) -> None:
        held = heap.reserve(heap.possible)
        tasks = [asyncio.create_task(reserve(heap, 1000)) for _ in range(500)]
        await waiters(heap, 500)
        assert 1 < loop.timers < 20  # the head of the line's; one for those near it; one
        held.release()
        for task in tasks:
            (await task).release()

    loop = CountingLoop()
    try:
        loop.run_until_complete(main(loop))
    finally:
        loop.close()


def test_all_who_wait_far_back_look_up_in_time(heap: Heap, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tasks_that_wait, threads_that_wait):
        monkeypatch.setattr(module, "FAR_SECONDS", 0.01)

    async def main() -> None:
        held = heap.reserve(heap.possible)
        first = [asyncio.create_task(reserve(heap, 1000)) for _ in range(MAX_OVERTAKEN + 1)]
        await waiters(heap, len(first))
        others = [asyncio.create_task(reserve(heap, 1000, timeout=0.1)) for _ in range(50)]
        errors = await asyncio.gather(*others, return_exceptions=True)
        assert {type(error) for error in errors} == {ReservationTimeout}
        held.release()
        for task in first:
            (await task).release()

    run(main)
    assert heap.statistics().waiters == 0


def test_what_wakes_the_tasks_of_a_loop_does_not_keep_it(heap: Heap) -> None:
    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)

    async def main() -> None:
        held = heap.reserve(heap.possible)
        tasks = [asyncio.create_task(reserve(heap, 1000)) for _ in range(MAX_OVERTAKEN * 2)]
        await waiters(heap, len(tasks))
        held.release()
        for task in tasks:
            (await task).release()

    loop.run_until_complete(main())
    loop.close()
    del loop
    gc.collect()
    assert gone() is None


def test_tasks_that_are_cancelled_while_they_wait_for_a_full_heap_end_as_cancelled(heap: Heap) -> None:
    async def work() -> None:
        async with heap.reserve(1000):
            raise AssertionError

    async def main() -> None:
        held = heap.reserve(heap.room)
        tasks = [asyncio.create_task(heap.wrap(work())) for _ in range(100)]
        await waiters(heap, 100)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}
        held.release()

    run(main)
    gc.collect()
    assert (heap.live, heap.spilled, heap.statistics().waiters) == (0, 0, 0)


def test_a_doomed_task_is_let_go(heap: Heap) -> None:
    child = Heap(None, parent=heap, name="victim")

    async def main() -> None:
        held = heap.reserve(heap.possible)
        inside = asyncio.create_task(reserve(child, 1000))
        along = asyncio.create_task(reserve(heap, 1000, also=(child,)))
        other = asyncio.create_task(reserve(heap, 1000))
        while heap.statistics().waiters + child.statistics().waiters != 3:
            await asyncio.sleep(0)
        assert doom(child) == 2
        for task in (inside, along):
            with pytest.raises(Doomed, match="group 'victim' is being killed"):
                await task
        held.release()
        (await other).release()

    run(main)


async def doomed(heap: Heap, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Have a task wait for memory of a group, and the group die."""
    held = heap.reserve(heap.possible)
    try:
        task = asyncio.create_task(work())
        await waiters(heap, 1)
        assert doom(heap) == 1
        return await task
    finally:
        held.release()


def test_a_doomed_task_does_not_stop_the_event_loop(heap: Heap) -> None:
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        beside = asyncio.create_task(asyncio.sleep(0.01, "done"))
        with pytest.raises(Doomed):
            await doomed(heap, lambda: reserve(heap, 1000))
        assert await beside == "done"
        held = heap.reserve(heap.possible)
        forgotten = asyncio.create_task(reserve(heap, 1000))  # nobody awaits it
        await waiters(heap, 1)
        doom(heap)
        while not forgotten.done():
            await asyncio.sleep(0)
        del forgotten
        gc.collect()
        held.release()
        await asyncio.sleep(0)

    run(main)
    assert [type(each["exception"]) for each in complaints] == [Doomed]


def test_asyncio_run_passes_a_kill_on_to_its_caller(heap: Heap) -> None:
    with pytest.raises(Doomed):
        asyncio.run(doomed(heap, lambda: reserve(heap, 1000)))


def test_except_exception_in_a_task_does_not_swallow_a_kill(heap: Heap) -> None:
    async def stubborn() -> str:
        try:
            await reserve(heap, 1000)
        except Exception:
            return "swallowed"
        return "granted"

    async def main() -> None:
        with pytest.raises(Doomed):
            await doomed(heap, stubborn)

    run(main)


def test_gather_passes_a_kill_on_or_returns_it(heap: Heap) -> None:
    async def beside() -> str:
        await asyncio.sleep(0)
        return "done"

    async def gathered(return_exceptions: bool = False) -> list[Any]:
        return await asyncio.gather(reserve(heap, 1000), beside(), return_exceptions=return_exceptions)

    async def main() -> None:
        found = await doomed(heap, lambda: gathered(return_exceptions=True))
        assert isinstance(found[0], Doomed)
        assert found[1] == "done"
        with pytest.raises(Doomed):
            await doomed(heap, gathered)

    run(main)


def test_a_task_group_cancels_the_others_and_reports_a_kill_as_no_exception(heap: Heap) -> None:
    cancelled: list[str] = []

    async def beside() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("beside")
            raise

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(beside())
            tasks.create_task(reserve(heap, 1000))

    async def main() -> None:
        with pytest.raises(BaseExceptionGroup) as caught:
            await doomed(heap, group)
        assert not isinstance(caught.value, Exception)
        assert [type(each) for each in caught.value.exceptions] == [Doomed]
        assert cancelled == ["beside"]

    run(main)


def test_what_can_never_be_had_is_refused_at_once(heap: Heap) -> None:
    async def main() -> None:
        with pytest.raises(ReservationImpossible):
            await reserve(heap, heap.possible + 1)
        with pytest.raises(ValueError, match="timeout"):
            await reserve(heap, 1000, timeout=-1)

    run(main)


def test_memory_that_is_freed_without_a_word_is_found(heap: Heap) -> None:
    async def main() -> None:
        thing = heap.run(bytes, 4_000_000)
        waiting = asyncio.create_task(reserve(heap, heap.possible - 100_000))
        await waiters(heap, 1)
        del thing
        (await waiting).release()

    run(main)


def test_async_with_waits_and_enters_in_a_wrapped_coroutine(heap: Heap) -> None:
    async def work() -> int:
        async with heap.reserve(5_000_000, timeout=20) as reservation:
            assert isinstance(reservation, Reservation)
            thing = bytes(4_000_000)
            await asyncio.sleep(0)
            assert heap.owns(thing)
            return reservation.left

    async def main() -> None:
        lefts = await asyncio.gather(*(heap.wrap(work()) for _ in range(10)))
        assert all(0 < left < 1_000_000 for left in lefts)

    run(main)
    assert heap.peak < 6_000_000


def test_async_with_elsewhere_names_the_way_out(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        with pytest.raises(RuntimeError, match=r"heap\.call.*heap\.wrap"):
            async with heap.reserve(1000):
                pass
        held.release()

    run(main)


def test_a_decorated_coroutine_waits_for_its_bound(heap: Heap) -> None:
    running = 0

    @heap.call(5_000_000)
    async def work() -> int:
        nonlocal running
        running += 1
        assert running == 1
        thing = bytes(1_000_000)
        await asyncio.sleep(0)
        running -= 1
        return len(thing)

    async def main() -> None:
        assert await asyncio.gather(*(work() for _ in range(10))) == [1_000_000] * 10

    run(main)


def test_waiting_inside_a_full_heap_does_not_need_its_memory() -> None:
    heap = Heap("64 KiB")
    keep: list[object] = []

    async def work() -> None:
        keep.append(bytes(heap.free // 4096 * 4096 - 4096 - 33))
        failures = heap.statistics().failures
        with pytest.raises(ReservationTimeout):
            await reserve(heap, 40_000, timeout=0.05)
        assert heap.statistics().failures == failures

    run(lambda: heap.wrap(work()))
    keep.clear()


@pytest.mark.parametrize("tasks", [400, 2000])
def test_thousands_wait_in_the_heap_they_wait_for_and_take_nothing_of_it(python: Python, tasks: int) -> None:
    python(
        f"""
        import asyncio
        from until import HANG_SECONDS
        from hardtack.heap import Heap

        heap = Heap("400 KiB")

        async def work():
            async with heap.reserve("300 KiB"):
                await asyncio.sleep(0)
                return len(bytes(1000))

        async def main():
            held = heap.reserve("300 KiB")
            waiting = [asyncio.create_task(heap.wrap(work())) for _ in range({tasks})]
            while heap.statistics().waiters < {tasks}:
                await asyncio.sleep(0)
            assert heap.live < 1000, heap.live
            held.release()
            assert await asyncio.gather(*waiting) == [1000] * {tasks}

        asyncio.run(asyncio.wait_for(main(), HANG_SECONDS))
        assert (heap.overruns, heap.spilled, heap.statistics().failures) == (0, 0, 0)
        """
    )


def test_who_waits_in_a_heap_without_a_byte_left_allocates_nothing_there() -> None:
    heap = Heap("1 MiB", slack=0)

    async def entered() -> int:
        async with heap.reserve(1000):
            return 1

    async def had() -> int:
        with await heap.reserve(1000):
            return 2

    async def main() -> None:
        for make in (entered, had):
            held = heap.reserve(heap.room)
            tasks = [asyncio.create_task(heap.wrap(make())) for _ in range(5)]
            await waiters(heap, 5)
            assert (heap.room, heap.spilled) == (0, 0)
            held.release()
            assert len(set(await asyncio.gather(*tasks))) == 1

    run(main)
    assert heap.statistics().failures == 0


def test_wrapped_coroutines_that_fill_their_heap_end_with_heap_full(python: Python) -> None:
    done = python(
        """
        import asyncio
        from collections import Counter
        from hardtack.errors import HeapFull
        from hardtack.heap import Heap

        heap = Heap("400 KiB")

        async def work(stop):
            mine = [bytes(50) for _ in range(20)]
            async with asyncio.timeout(30):
                await stop.wait()
            return len(mine)

        async def main():
            stop = asyncio.Event()
            tasks = [asyncio.create_task(heap.wrap(work(stop))) for _ in range(3000)]
            for _ in range(3):
                await asyncio.sleep(0)
            assert heap.live <= heap.capacity
            stop.set()
            return Counter(type(each) for each in await asyncio.gather(*tasks, return_exceptions=True))

        ended = asyncio.run(main())
        assert set(ended) <= {int, HeapFull} and ended[HeapFull] > 1000, ended
        heap.check()
        """
    )
    assert "Normalization failed" not in done.stderr, "none of them struck while CPython made another"


def test_what_is_pending_says_how_to_wait_for_it(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible - 500)
        uses: list[Callable[[Any], object]] = [
            lambda pending: pending.__enter__(),
            lambda pending: pending.release(),
            lambda pending: pending.left,
        ]
        for use in uses:
            pending: Any = heap.reserve(1000)
            assert isinstance(pending, Pending)
            with pytest.raises(WouldBlock, match="async with") as refused:
                use(pending)
            assert (refused.value.asked, refused.value.free) == (1000, 500)
        assert heap.statistics().waiters == 0
        held.release()

    run(main)


def test_what_is_pending_and_never_awaited_is_warned_of(heap: Heap) -> None:
    async def main() -> None:
        held = heap.reserve(heap.possible)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            heap.reserve(1000)
            gc.collect()
        held.release()
        [warning] = caught
        assert warning.category is RuntimeWarning
        assert "1000 bytes on heap 'test' was never awaited" in str(warning.message)

    run(main)


def test_nobody_waits_inside_a_reservation(heap: Heap) -> None:
    other = Heap("1 MiB")

    async def main() -> None:
        held = other.reserve(other.possible - 500)
        pending: Any = other.reserve(1000)
        with heap.reserve(1000), pytest.raises(WouldBlock, match="inside") as refused:
            await pending
        assert (refused.value.asked, refused.value.free) == (1000, 500)
        with heap.reserve(1000), pytest.raises(WouldBlock):
            await reserve(other, 1000)
        held.release()

    run(main)


def test_a_loop_that_ends_while_a_task_waits_leaves_no_trace(heap: Heap) -> None:
    held = heap.reserve(heap.possible)

    async def main() -> None:
        task = asyncio.create_task(reserve(heap, 1000))
        await waiters(heap, 1)
        assert not task.done()

    asyncio.run(main())  # cancels the task
    assert heap.statistics().waiters == 0
    loop = asyncio.new_event_loop()
    coroutine = reserve(heap, 1000)

    async def step() -> None:
        coroutine.send(None)

    loop.run_until_complete(step())
    loop.close()
    assert heap.statistics().waiters == 1
    held.release()  # granted, to a loop that is closed
    assert heap.reserved == 1000
    coroutine.close()
    assert (heap.reserved, heap.statistics().waiters) == (0, 0)


def test_trio_is_refused_clearly(heap: Heap) -> None:
    trio = pytest.importorskip("trio")

    async def main() -> None:
        held = heap.reserve(heap.possible - 500)
        with pytest.raises(WouldBlock, match="not on trio") as refused:
            heap.reserve(1000)
        assert (refused.value.asked, refused.value.free) == (1000, 500)
        held.release()

    trio.run(main)


def test_anyio_on_asyncio_waits(heap: Heap) -> None:
    anyio = pytest.importorskip("anyio")

    async def work() -> None:
        (await reserve(heap, 5_000_000)).release()

    async def main() -> None:
        held = heap.reserve(heap.possible)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(work)
            await waiters(heap, 10)
            with anyio.move_on_after(0.01) as scope:
                await reserve(heap, 1000)
            assert scope.cancelled_caught
            held.release()

    anyio.run(main)


def test_a_thousand_tasks_and_threads_share_a_heap() -> None:
    heap = Heap("1 MiB", slack=0)

    async def work(seed: int) -> int:
        for step in range(5):
            amount = 1000 + (seed * 7919 + step * 104729) % 400_000
            try:
                reservation = await reserve(heap, amount, timeout=0.001 if seed % 7 == 0 else None)
            except ReservationTimeout:
                continue
            await asyncio.sleep(0)
            assert heap.reserved <= 1 << 20
            reservation.release()
        return 1

    stop = threading.Event()

    def compete() -> int:
        turns = 0
        while not stop.is_set():
            with heap.reserve(300_000):
                turns += 1
        return turns

    async def main() -> None:
        with ThreadPoolExecutor(2) as threads:
            competing = [threads.submit(compete) for _ in range(2)]
            assert sum(await asyncio.gather(*(work(seed) for seed in range(1000)))) == 1000
            stop.set()
            assert all(each.result(20) for each in competing)

    run(main)
    assert (heap.reserved, heap.statistics().waiters) == (0, 0)
    heap.check()


def test_awaiting_reads_the_same_whether_it_has_to_wait_or_not() -> None:
    heap = Heap("1 MiB")

    async def main() -> list[int]:
        first = await heap.reserve(heap.possible)
        asyncio.get_running_loop().call_later(0.01, first.release)
        second = await heap.reserve("64 KiB", timeout=20)
        amounts = [first.amount, second.amount]
        second.release()
        return amounts

    assert asyncio.run(main()) == [heap.possible, 65536]
    assert heap.reserved == 0


# -- a wait that may be for ever
async def wait_in_vain(heap: Heap, timeout: float | None = None) -> None:
    async def wait() -> None:
        await reserve(heap, heap.possible // 2 + 1, timeout=timeout)

    with pytest.raises((TimeoutError, ReservationTimeout)):
        await asyncio.wait_for(wait(), 1)


def test_tasks_whose_kept_results_fill_a_heap_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads_that_wait, "TELL_SECONDS", 0.05)
    service = Heap("4 MiB", name="service")

    @service.call("1 MiB")
    async def answer() -> bytes:
        await asyncio.sleep(0)
        return bytes(900_000)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(answer() for _ in range(20))), 1)

    run(main)
    (record,) = [each for each in caplog.records if each.name == "hardtack.heap"]
    text = record.getMessage()
    assert text.startswith("heap 'service': task Task-")
    assert "for 1.0 MiB, and may wait for ever" in text
    assert "raise the capacity" in text
    assert "16 wait" in text


def test_who_waits_for_calls_under_way_or_for_a_time_is_not_warned_of(
    heap: Heap, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads_that_wait, "TELL_SECONDS", 0.05)
    under_way = heap.reserve(heap.possible)
    run(lambda: wait_in_vain(heap))
    under_way.release()
    kept = heap.run(bytes, heap.possible * 3 // 4)
    run(lambda: wait_in_vain(heap, timeout=0.5))
    assert "for ever" not in caplog.text
    run(lambda: wait_in_vain(heap))
    del kept
    assert "for ever" in caplog.text
