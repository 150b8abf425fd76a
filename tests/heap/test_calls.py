"""Calls that reserve first, plain and async, and coroutines that bring their heap along across every await."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import contextvars
import gc
import inspect
import threading
import types
import warnings
import weakref
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from until import until_waiters

from hardtack.errors import ReservationImpossible, WouldBlock
from hardtack.heap import Heap, Overrun, _native

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

elsewhere = Heap("1 MiB")
reserved = partial(elsewhere.run, attrgetter("reserved"))


@types.coroutine
def pause(value: object = None) -> Any:
    """Wait once, for whatever is sent."""
    return (yield value)


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value


# ---------------------------------------------------------------- plain functions


def test_a_call_runs_inside_on_a_reservation(heap: Heap) -> None:
    @heap.call("64 KiB")
    def work(size: int, *, twice: bool = False) -> bytes:
        assert _native.in_reservation()
        assert near(reserved(heap) + heap.live, 65536)
        return bytes(size * 2 if twice else size)

    thing = work(1000, twice=True)
    assert heap.owns(thing)
    assert len(thing) == 2000
    assert (heap.reserved, _native.in_reservation()) == (0, False)


def near(figure: int, expected: int) -> bool:
    return expected - 1000 <= figure <= expected


def test_the_bound_may_depend_on_the_arguments(heap: Heap) -> None:
    seen = []

    def bound(size: int, *, spare: int = 0) -> str:
        seen.append(_native.in_reservation())
        return f"{size + spare} KiB"

    @heap.call(bound)
    def work(size: int, *, spare: int = 0) -> int:
        return reserved(heap)

    assert near(work(10), 10 << 10)
    assert near(work(10, spare=20), 30 << 10)
    assert seen == [False, False]


def test_a_bound_that_raises_holds_nothing(heap: Heap) -> None:
    @heap.call(lambda size: 1 // size)
    def work(size: int) -> None: ...

    with pytest.raises(ZeroDivisionError):
        work(0)
    assert heap.reserved == 0


@pytest.mark.parametrize("bound", ["much", -1, 1.5, None])
def test_bounds_are_checked_when_decorating(heap: Heap, bound: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        heap.call(bound)


def test_an_impossible_bound_is_refused_when_decorating_or_calling(heap: Heap) -> None:
    with pytest.raises(ReservationImpossible):
        heap.call("9 MiB")

    @heap.call(lambda: "9 MiB")
    def work() -> None: ...

    with pytest.raises(ReservationImpossible):
        work()


def test_it_looks_like_the_function(heap: Heap) -> None:
    @heap.call(1000)
    def work(size: int) -> bytes:
        """Work."""
        return bytes(size)

    assert (work.__name__, work.__doc__) == ("work", "Work.")
    assert str(inspect.signature(work)) == "(size: 'int') -> 'bytes'"
    assert not inspect.iscoroutinefunction(work)
    assert inspect.iscoroutinefunction(heap.call(1000)(pauses))


def test_methods_can_be_decorated(heap: Heap) -> None:
    class Service:
        @heap.call(10_000)
        def answer(self, size: int) -> bytes:
            return bytes(size)

    assert heap.owns(Service().answer(1000))


def test_generator_functions_are_refused(heap: Heap) -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="generator function"):
            heap.call(1000)(function)


def test_calls_carve_from_the_reservation_they_are_in(heap: Heap) -> None:
    @heap.call(30_000)
    def inner() -> int:
        return reserved(heap)

    @heap.call(50_000)
    def outer() -> int:
        return inner()

    assert near(outer(), 50_000)
    with heap.reserve(10_000), pytest.raises(WouldBlock):
        inner()


def test_a_call_gives_back_when_it_raises(heap: Heap) -> None:
    with pytest.raises(ZeroDivisionError):
        heap.call(1000)(divmod)(1, 0)
    assert heap.reserved == 0


def test_a_call_waits_for_its_reservation(heap: Heap) -> None:
    held = heap.reserve(heap.possible)
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(heap.owns(heap.call(10_000)(bytes)(1000))))
    waiting.start()
    until_waiters(heap, 1)
    assert not done
    held.release()
    waiting.join()
    assert done == [True]
    assert heap.reserved == 0


def test_a_plain_call_does_not_wait_on_the_thread_of_an_event_loop(heap: Heap) -> None:
    work = heap.call(1000)(len)

    async def main() -> None:
        assert work("") == 0
        with heap.reserve(heap.possible):
            pass
        held = heap.reserve_nowait(heap.possible)
        with pytest.raises(WouldBlock):
            work("")
        held.release()

    asyncio.run(main())
    assert heap.reserved == 0


def test_not_implemented_is_an_answer_like_any_other(heap: Heap) -> None:
    assert heap.call(1000)(lambda: NotImplemented)() is NotImplemented


# ---------------------------------------------------------------- coroutines: in and out at every step


async def pauses(count: int = 3) -> int:
    for _ in range(count):
        await pause()
    return count


def test_a_wrapped_coroutine_is_inside_in_its_steps_alone(heap: Heap) -> None:
    inside: list[bytes] = []

    async def work() -> str:
        for _ in range(3):
            inside.append(bytes(1000))
            await pause()
        return "done"

    coroutine = heap.wrap(work())
    for _ in range(3):
        coroutine.send(None)
        assert not heap.owns(bytes(1000))
        assert not _native.in_coroutine()
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    assert stop.value.value == "done"
    assert all(map(heap.owns, inside))
    inside.clear()


def test_a_nested_with_goes_in_and_out_too(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    seen: list[tuple[bool, bool]] = []

    def look() -> None:
        thing = bytes(1000)
        seen.append((heap.owns(thing), child.owns(thing)))

    async def work() -> None:
        look()
        with child:
            await pause()
            look()
            with heap.reserve_nowait(10_000):
                await pause()
                look()
            await pause()
            look()
        look()

    coroutine = heap.wrap(work())
    for _ in range(3):
        coroutine.send(None)
        look()
        assert not _native.in_reservation()
    with pytest.raises(StopIteration):
        coroutine.send(None)
    inside, outside, below = (True, False), (False, False), (False, True)
    assert seen == [inside, outside, below, outside, inside, outside, below, inside]
    assert heap.reserved == 0


def test_async_with_enters_in_a_wrapped_coroutine(heap: Heap) -> None:
    async def work() -> bytes:
        async with heap.reserve(100_000) as reservation:
            await asyncio.sleep(0)
            assert _native.in_reservation()
            thing = bytes(10_240 - 33)
            assert near(reservation.left, 100_000 - 10_240)
        assert not _native.in_reservation()
        return thing

    thing = asyncio.run(heap.wrap(work()))
    assert heap.owns(thing)
    assert heap.reserved == 0


def test_async_with_elsewhere_says_what_to_do(heap: Heap) -> None:
    async def work() -> None:
        async with heap.reserve(1000):
            pytest.fail("it was entered")

    with pytest.raises(RuntimeError, match=r"@heap.call\(bound\), or run heap.wrap"):
        asyncio.run(work())
    assert heap.reserved == 0
    assert heap.statistics().leaked == 1


def test_tasks_do_not_draw_from_each_others_reservations() -> None:
    root = Heap("8 MiB")
    heaps = [Heap("1 MiB", parent=root) for _ in range(5)]

    async def work(heap: Heap) -> list[bytes]:
        kept = []
        for size in range(1000, 3000, 100):
            await asyncio.sleep(0)
            kept.append(bytes(size))
            with heap.reserve_nowait(5000):
                await asyncio.sleep(0)
                kept.append(bytes(size))
            await asyncio.sleep(0)
        return kept

    async def main() -> list[list[bytes]]:
        return await asyncio.gather(*[heap.call(200_000)(work)(heap) for heap in heaps])

    for heap, kept in zip(heaps, asyncio.run(main()), strict=True):
        assert all(map(heap.owns, kept))
        assert (heap.reserved, heap.overruns, len(kept)) == (0, 0, 40)
    root.check()


def test_a_call_of_an_async_function_reserves_when_it_is_awaited(heap: Heap) -> None:
    @heap.call(lambda size: 10_000 + size)
    async def work(size: int) -> bytes:
        assert _native.in_reservation()
        thing = bytes(size)
        await asyncio.sleep(0)
        assert near(reserved(heap) + heap.live, 10_000 + size)
        return thing

    coroutine = work(1000)
    assert heap.reserved == 0
    thing = asyncio.run(coroutine)
    assert heap.owns(thing)
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_a_task_that_has_to_wait_does_so_and_is_served(heap: Heap) -> None:
    order = []

    @heap.call(lambda _: heap.possible // 2 + 1)
    async def work(number: int) -> None:
        order.append(number)
        await asyncio.sleep(0.001)

    async def main() -> None:
        await asyncio.gather(*[work(number) for number in range(5)])

    asyncio.run(main())
    assert order == list(range(5))
    assert heap.reserved == 0


def test_a_cancelled_task_gives_back(heap: Heap) -> None:
    @heap.call(100_000)
    async def work() -> None:
        await asyncio.sleep(100)

    async def main() -> None:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        assert heap.reserved > 90_000
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heap.reserved == 0

    asyncio.run(main())


def test_an_exception_passes_through_and_gives_back(heap: Heap) -> None:
    @heap.call(100_000)
    async def work() -> None:
        await asyncio.sleep(0)
        with heap.reserve(1000):
            divmod(1, 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work())
    assert heap.reserved == 0


def on_reservation(heap: Heap, coroutine: Coroutine[Any, Any, Any], amount: int = 100_000) -> Any:
    return _native.Coroutine(coroutine, heap.reserve(amount))


def test_throw_goes_inside_and_may_be_handled(heap: Heap) -> None:
    seen: list[object] = []

    async def work() -> bytes:
        try:
            await pause()
        except ValueError as error:
            seen.append(str(error))
            await pause("handled")
        return bytes(1000)

    coroutine = on_reservation(heap, work())
    coroutine.send(None)
    assert coroutine.throw(ValueError("why")) == "handled"
    assert heap.reserved > 90_000
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    assert heap.owns(stop.value.value)
    assert seen == ["why"]
    assert heap.reserved == 0


def test_throw_may_end_it(heap: Heap) -> None:
    coroutine = on_reservation(heap, pauses())
    coroutine.send(None)
    with pytest.raises(KeyError):
        coroutine.throw(KeyError("why"))
    assert heap.reserved == 0
    with pytest.raises(RuntimeError, match="cannot reuse"):
        coroutine.send(None)
    coroutine = on_reservation(heap, pauses())  # before its first step
    with pytest.raises(KeyError):
        coroutine.throw(KeyError("why"))
    assert heap.reserved == 0


def test_close_runs_the_finally_blocks_inside(heap: Heap) -> None:
    made: list[bytes] = []

    async def work() -> None:
        try:
            with heap.reserve_nowait(5000):
                await pause()
        finally:
            made.append(bytes(1000))
            assert _native.in_reservation()

    made.append(b"")
    coroutine = on_reservation(heap, work())
    coroutine.send(None)
    coroutine.close()
    coroutine.close()
    assert heap.owns(made.pop())
    assert heap.reserved == 0


def test_generator_exit_that_is_not_heeded_is_an_error_and_it_lives_on(heap: Heap) -> None:
    async def work() -> str:
        try:
            await pause()
        except GeneratorExit:
            await pause()
        return "done"

    coroutine = on_reservation(heap, work())
    coroutine.send(None)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        coroutine.close()
    assert heap.reserved > 90_000
    assert finish(coroutine) == "done"
    assert heap.reserved == 0


def test_one_that_is_dropped_half_way_runs_its_finally_blocks_inside_and_gives_back(heap: Heap) -> None:
    made: list[bytes] = [b""]

    async def work() -> None:
        try:
            with heap, heap.reserve_nowait(5000):
                await pause()
        finally:
            made.append(bytes(1000))

    coroutine = on_reservation(heap, work())
    coroutine.send(None)
    del coroutine
    assert heap.owns(made.pop())
    assert (heap.reserved, heap.statistics().leaked) == (0, 0)


def test_one_that_is_dropped_unawaited_says_so_and_gives_back(heap: Heap) -> None:
    coroutine = on_reservation(heap, pauses())
    with pytest.warns(RuntimeWarning, match="coroutine 'pauses' was never awaited"):
        del coroutine
    assert (heap.reserved, heap.statistics().leaked) == (0, 0)
    coroutine = heap.wrap(pauses())
    with pytest.warns(RuntimeWarning, match="coroutine 'pauses' was never awaited"):
        del coroutine
    coroutine = heap.call(1000)(pauses)()
    with pytest.warns(RuntimeWarning, match="coroutine 'pauses' was never awaited"):
        del coroutine


@pytest.mark.parametrize("started", [True, False])
def test_one_in_a_garbage_cycle_is_ended_by_the_collection(heap: Heap, started: bool) -> None:
    ended: list[bool] = []

    async def work(me: list[object]) -> None:
        try:
            with heap, heap.reserve_nowait(5000):
                await pause()
        finally:
            ended.append(True)

    def make() -> None:
        me: list[object] = []
        me.append(on_reservation(heap, work(me)))
        if started:
            me[0].send(None)  # type: ignore[attr-defined]

    gc.collect()
    gc.disable()
    try:
        make()
        assert heap.reserved > 90_000
    finally:
        gc.enable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # never awaited
        gc.collect()
    assert ended == [True] * started
    assert heap.reserved == 0
    heap.check()


def test_the_inner_coroutine_may_be_ended_from_outside(heap: Heap) -> None:
    """As a collection does that meets the inner one first: what it had entered is left all the same."""

    async def work() -> None:
        with heap, heap.reserve_nowait(5000), Heap("1 MiB"):
            await pause()

    inner = work()
    coroutine = on_reservation(heap, inner)
    coroutine.send(None)
    inner.close()
    assert reserved(heap) == 100_000 - 500 or near(reserved(heap), 100_000)
    coroutine.close()
    assert heap.reserved == 0
    assert not heap.owns(bytes(1000))


def test_steps_may_run_on_different_threads(heap: Heap) -> None:
    kept: list[bytes] = [b""] * 20

    async def work() -> int:
        with heap.reserve(30_000):
            for position in range(20):
                kept[position] = bytes(1000)
                await pause()
        return threading.get_ident()

    coroutine = heap.wrap(work())
    result: list[int] = []

    def step() -> None:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            result.append(stop.value)

    while not result:
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
        assert not heap.owns(bytes(1000))
    assert all(map(heap.owns, kept))
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_a_step_inside_a_step_is_refused(heap: Heap) -> None:
    coroutine: Any = None

    async def work() -> None:
        for call in (coroutine.send, coroutine.throw):
            with pytest.raises(ValueError, match="already executing"):
                call(ValueError())
        with pytest.raises(ValueError, match="already executing"):
            coroutine.close()

    coroutine = heap.wrap(work())
    finish(coroutine)


def test_wrapped_coroutines_await_each_other(heap: Heap) -> None:
    other = Heap("1 MiB")

    async def inner() -> bytes:
        await pause()
        return bytes(1000)

    async def outer() -> tuple[bytes, bytes, bool]:
        thing = await other.wrap(inner())
        return thing, bytes(1000), _native.in_coroutine()

    theirs, ours, still = finish(heap.wrap(outer()))
    assert other.owns(theirs)
    assert heap.owns(ours)
    assert still
    assert not _native.in_coroutine()


def test_it_is_a_coroutine_like_any_other(heap: Heap) -> None:
    coroutine = heap.wrap(pauses())
    assert isinstance(coroutine, collections.abc.Coroutine)
    assert asyncio.iscoroutine(coroutine)
    assert coroutine.__name__ == "pauses"  # type: ignore[attr-defined]
    assert coroutine.cr_code is pauses.__code__  # type: ignore[attr-defined]
    assert coroutine.cr_frame is not None  # type: ignore[attr-defined]
    assert "pauses" in repr(coroutine)
    assert "in heap 'test'" in repr(coroutine)
    alive = weakref.ref(coroutine)
    coroutine.send(None)
    assert coroutine.cr_await is not None  # type: ignore[attr-defined]
    coroutine.close()
    assert coroutine.cr_frame is None  # type: ignore[attr-defined]
    assert coroutine.cr_running is False  # type: ignore[attr-defined]
    assert "ended" in repr(coroutine)
    del coroutine
    assert alive() is None


def test_only_coroutines_are_wrapped(heap: Heap) -> None:
    for wrong in (pauses, 1, None, iter([])):
        with pytest.raises(TypeError, match="a coroutine is wanted"):
            heap.wrap(wrong)  # type: ignore[arg-type]
    coroutine = pauses()
    with pytest.raises(TypeError, match="runs on a heap or a reservation"):
        _native.Coroutine(coroutine, 1)  # type: ignore[arg-type]
    reservation = heap.reserve(1000)
    reservation.release()
    with pytest.raises(RuntimeError, match="was released"):
        _native.Coroutine(coroutine, reservation)
    coroutine.close()


def test_a_wrapped_coroutine_may_reserve_before_its_first_step(heap: Heap) -> None:
    seen: list[tuple[bool, int]] = []

    async def work() -> int:
        seen.append((_native.in_reservation(), heap.reserved))
        await asyncio.sleep(0)
        return 7

    async def main() -> None:
        held = heap.reserve(heap.possible - 150_000)
        both = [asyncio.create_task(heap.wrap(work(), bound)) for bound in (100_000, "97 KiB")]
        await asyncio.sleep(0)
        (site,) = {row[3] for row in heap._reservations() if row[0] == 100_000}
        assert site.startswith(__file__)
        held.release()
        assert await asyncio.gather(*both) == [7, 7]

    asyncio.run(asyncio.wait_for(main(), 20))
    assert [inside for inside, _ in seen] == [True, True]
    assert 99_000 < seen[0][1] - (heap.possible - 150_000) <= 100_000
    assert heap.reserved == 0


def test_one_whose_bound_is_impossible_is_closed(heap: Heap) -> None:
    async def work() -> None: ...

    coroutine = work()
    with pytest.raises(ReservationImpossible):
        asyncio.run(heap.wrap(coroutine, "1 GiB"))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="cannot reuse"):
        coroutine.send(None)


def test_a_reservation_that_a_coroutine_runs_on_is_in_use(heap: Heap) -> None:
    reservation = heap.reserve(10_000)
    coroutine = _native.Coroutine(pauses(), reservation)
    coroutine.send(None)
    for call in (reservation.release, reservation.__enter__):
        with pytest.raises(RuntimeError, match="in use"):
            call()
    coroutine.close()
    assert reservation.released


def test_context_variables_and_task_groups_work(heap: Heap) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")
    seen = []

    async def work(number: int) -> None:
        variable.set(number)
        await asyncio.sleep(0.001)
        seen.append((number, variable.get(), heap.owns(bytes(1000))))

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
            for number in range(5):
                tasks.create_task(heap.wrap(work(number)))

    asyncio.run(main())
    assert sorted(seen) == [(number, number, True) for number in range(5)]


def test_an_async_exit_stack_can_be_used(heap: Heap) -> None:
    async def work() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(heap.reserve(10_000))
            await asyncio.sleep(0)
            assert _native.in_reservation()

    asyncio.run(heap.wrap(work()))
    assert heap.reserved == 0


def test_heap_full_does_not_fire_after_the_step_that_it_is_about() -> None:
    heap = Heap(20_000, slack=10_000)
    keep = [heap.run(bytes, 400) for _ in range(22)]

    class Wait:
        def __await__(self) -> Any:
            return map(keep.append, map(bytes, [400] * 5))  # C alone: no bytecode ends inside

    async def work() -> None:
        awaitable: Awaitable[None] = Wait()
        await awaitable

    coroutine = heap.wrap(work())
    with contextlib.suppress(MemoryError):
        coroutine.send(None)
    for _ in range(1000):
        len(keep)
    coroutine.close()


@pytest.mark.parametrize("bound", [None, "1 KiB"])
def test_a_wrapped_coroutine_goes_by_its_own_name(heap: Heap, bound: str | None) -> None:
    async def answer() -> None:
        await asyncio.sleep(0)

    async def main() -> str:
        task = asyncio.create_task(heap.wrap(answer(), bound))
        await asyncio.sleep(0)
        report = repr(task)
        await task
        return report

    assert "coro=<test_a_wrapped_coroutine_goes_by_its_own_name.<locals>.answer() running" in asyncio.run(
        main()
    )


def test_the_overrun_of_a_coroutine_is_named_after_it(heap: Heap) -> None:
    async def overruns() -> bytes:
        await pause()
        return bytes(20_480 - 33)

    thing = finish(on_reservation(heap, overruns(), 1000))
    assert heap.last_overrun == Overrun(
        "test_the_overrun_of_a_coroutine_is_named_after_it.<locals>.overruns", 1000, heap.last_call()[0]
    )
    assert thing


def many(function: Callable[[], object]) -> None:
    for _ in range(300):
        function()


def test_nothing_is_left_behind(heap: Heap) -> None:
    async def work() -> None:
        with heap.reserve_nowait(2000):
            await pause()

    def once() -> None:
        coroutine = on_reservation(heap, work())
        coroutine.send(None)
        coroutine.close()
        finish(heap.wrap(pauses()))

    for _ in range(5):  # until CPython's free lists are full
        many(once)
        gc.collect()
    first = heap.live
    many(once)
    gc.collect()
    assert abs(heap.live - first) < 2000


# ---------------------------------------------------------------- awaits inside a plain `with`


def plainly(heap: Heap) -> list[Any]:
    return [heap, heap.reserve_nowait(10_000)]


@pytest.mark.parametrize("which", [0, 1])
def test_an_await_inside_a_plain_with_is_refused_when_it_is_left(heap: Heap, which: int) -> None:
    entered = plainly(heap)

    async def work() -> None:
        with entered[which]:
            await asyncio.sleep(0)
            len("")

    with pytest.raises(RuntimeError, match="awaited inside a plain `with`"):
        asyncio.run(work())
    entered[1].release()
    thing = bytes(1000)
    assert not heap.owns(thing)
    assert heap.reserved == 0


def test_an_exception_that_leaves_it_goes_before(heap: Heap) -> None:
    async def work() -> None:
        with heap:
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(work())


def test_an_await_that_does_not_wait_is_none(heap: Heap) -> None:
    async def at_once() -> int:
        return 1

    async def work() -> int:
        await asyncio.sleep(0)
        with heap:
            found = await at_once()
        await asyncio.sleep(0)
        return found

    assert asyncio.run(work()) == 1


def test_a_context_that_is_entered_inside_is_no_await(heap: Heap) -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        with heap:
            found: int = contextvars.copy_context().run(len, "abc")
        await asyncio.sleep(0)
        return found

    assert asyncio.run(work()) == 3


def test_awaits_in_a_wrapped_coroutine_are_none_of_it(heap: Heap) -> None:
    async def work() -> int:
        with heap, heap.reserve_nowait(1000):
            await asyncio.sleep(0)
        return 4

    assert asyncio.run(heap.wrap(work())) == 4
