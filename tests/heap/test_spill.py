"""Small blocks in a full heap: never refused, for CPython does not survive that; beside the heap, and not forgiven."""

from __future__ import annotations

import asyncio
import gc
import operator
import sys
from contextlib import closing
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from hardtack.errors import HeapFull
from hardtack.heap import Heap, _native

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Python = Callable[..., subprocess.CompletedProcess[str]]


def full_heap(room: int = 0) -> tuple[Heap, list[object]]:
    """Make a heap without slack that has so many bytes left, and what fills it."""
    heap = Heap(20_480 + room, slack=0)
    return heap, [heap.run(bytes, 480 - 33) for _ in range(42)] + [heap.run(bytes, 320 - 33)]


def spill(heap: Heap, into: list[object], make: Callable[[int], object] = bytes, size: int = 400) -> None:
    """Make something beside a full heap, in C alone, and keep it."""
    with pytest.raises(HeapFull):
        heap.run(into.extend, map(make, (size,)))


SMALL_HEAPS = """
    import re, sys
    from hardtack.heap import Heap

    def deep(depth):
        return 0 if depth == 0 else 1 + deep(depth - 1)

    source = "def f(x):\\n    return [i for i in x if i]\\n" * 10
    for slack in (0, 500):
        for capacity in (500, 1000, 2000, 3000, 5000, 10_000, 20_000, 30_000):
            re.purge()
            heap = Heap(capacity, slack=slack)
            for function, *arguments in ((re.compile, "(a|b)*[x-z]{2,3}foo"), (deep, 900), (compile, source, "f", "exec"),
                                         (__import__, "decimal"), (eval, "[[i, str(i)] for i in range(1000)]")):
                try:
                    heap.run(function, *arguments)
                except MemoryError as error:
                    pass
                assert heap.peak <= capacity
                heap.check()
"""


def test_in_a_heap_that_is_far_too_small_everything_ends_with_memory_error(python: Python) -> None:
    python(SMALL_HEAPS)


def test_a_small_block_that_does_not_fit_lives_beside_the_heap_until_it_is_freed() -> None:
    heap, keep = full_heap()
    assert (heap.free, heap.spilled) == (0, 0)
    made: list[object] = [None]
    spill(heap, made)
    assert (heap.live, heap.spilled, heap.statistics().spilled) == (heap.capacity, 448, 448)
    assert heap.statistics().failures == 1
    assert not heap.owns(made[1])
    assert "  448 B beside it\n" in heap.explain()
    heap.check()
    made.clear()
    assert (heap.live, heap.spilled) == (heap.capacity, 0)
    heap.check()
    assert keep


def test_a_call_that_spilled_in_its_last_moment_is_not_forgiven() -> None:
    heap, keep = full_heap()
    for _ in range(1000):
        with pytest.raises(HeapFull):
            heap.run(bytes, 400)
    assert (heap.live, heap.spilled) == (heap.capacity, 0)
    assert keep


def test_nor_is_a_block_of_statements() -> None:
    heap, keep = full_heap()
    left, right = b"x" * 200, b"y" * 200
    with pytest.raises(HeapFull), heap:
        joined = left + right
    assert len(joined) == 400
    assert keep


def test_leaving_with_an_exception_lets_that_one_pass() -> None:
    heap, keep = full_heap()
    left, error = b"x" * 200, ZeroDivisionError()
    try:
        with heap:
            joined = left + left
            raise error
    except ZeroDivisionError:
        assert len(joined) == 400
    for _ in range(1000):
        len(keep)


def test_an_overrun_beyond_the_slack_ends_with_heap_full_and_gives_all_back() -> None:
    heap, keep = full_heap(room=1000)
    made: list[object] = [None] * 100

    def work() -> None:
        for position in range(100):
            made[position] = bytes(400)

    with pytest.raises(HeapFull):
        heap.reserve(1000).run(heap, work)
    assert heap.reserved == 0
    assert heap.peak <= 21_480
    assert heap.overruns == 0  # what was spilled is not drawn from anybody's bytes
    heap.check()
    assert keep


def test_a_spilled_block_that_grows_has_to_find_room_in_its_heap() -> None:
    heap, keep = full_heap()
    made: list[Any] = [None]
    spill(heap, made, bytearray, 100)
    text = made.pop()
    spilled = heap.spilled
    assert spilled > 100
    for _ in range(3):
        with pytest.raises(MemoryError):
            text.extend(bytes(2000))
    assert (len(text), heap.spilled) == (100, spilled)
    del keep[:10]
    text.extend(bytes(2000))
    assert spilled - heap.spilled == 112
    assert len(text) == 2100
    heap.check()


def test_a_heap_that_is_dropped_is_freed_with_the_last_block_beside_it() -> None:
    gc.collect()
    cores = _native.census()[0]
    heap, keep = full_heap()
    made: list[object] = [None]
    spill(heap, made)
    del heap, keep
    gc.collect()
    assert _native.census()[0] == cores + 1
    del made
    assert _native.census()[0] == cores


def test_a_child_of_a_full_heap_spills_beside_itself() -> None:
    heap, keep = full_heap()
    child = Heap(None, parent=heap)
    made: list[object] = [None]
    spill(child, made)
    assert (heap.spilled, child.spilled, child.live) == (0, 448, 0)
    heap.check()
    assert keep


def test_who_goes_on_all_the_same_is_told_at_every_block_in_the_end() -> None:
    """Each time when half of the emergency's 64 KiB that were left is used."""
    heap, keep = full_heap()
    made: list[object] = [None] * 10_000

    def stubborn() -> list[int]:
        used: list[int] = []
        position = 0
        while len(used) < 6:
            try:
                while True:
                    made[position] = bytes(100)
                    position += 1
            except HeapFull:
                used.append(heap.spilled)
        return used

    used = heap.run(stubborn)
    assert used[0] < 1000
    for before, after in pairwise(used):
        assert abs(after - (before + 65536) // 2) < 1000
    heap.check()
    assert keep


def test_and_every_call_that_spills_fails() -> None:
    heap, keep = full_heap()
    made: list[object] = [None]
    for count in range(1000):
        spill(heap, made)
        assert heap.spilled == (count + 1) * 448
    assert (heap.live, heap.peak) == (heap.capacity, heap.capacity)
    assert keep


# ---------------------------------------------------------------- coroutines


def test_heap_full_that_a_step_ended_before_strikes_in_the_next() -> None:
    heap, keep = full_heap()
    left = b"x" * 200
    seen: list[str] = []

    async def work() -> None:
        try:
            joined = left + left  # no bytecode that looks for exceptions comes before the step's end
            await wait
            seen.append("went on")
            for _ in range(10):
                len(joined)
        except HeapFull:
            seen.append("told")
            raise

    with closing(asyncio.new_event_loop()) as loop:
        wait = loop.create_future()
    coroutine = heap.wrap(work())
    coroutine.send(None)
    for _ in range(1000):
        len(keep)
    wait.set_result(None)
    with pytest.raises(HeapFull):
        coroutine.send(None)
    assert seen[-1] == "told"


def test_heap_full_that_a_coroutine_returned_before_is_raised_by_the_last_step() -> None:
    heap, keep = full_heap()
    left = b"x" * 200

    async def work() -> bytes:
        return left + left

    with pytest.raises(HeapFull):
        heap.wrap(work()).send(None)
    with pytest.raises(HeapFull):
        asyncio.run(asyncio.wait_for(heap.wrap(work()), 20))
    with heap.reserve(0) as reservation:
        pass
    with pytest.raises(HeapFull):
        _native.Coroutine(work(), heap.reserve(0)).send(None)
    assert reservation.released
    assert heap.reserved == 0
    assert keep


# ---------------------------------------------------------------- errors that CPython loses


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="its compiler does not survive a refused block of any size"
)
def test_a_refused_allocation_is_a_memory_error_even_if_cpython_loses_it(python: Python) -> None:
    """The compiler, each of whose larger allocations is refused in turn."""
    python(
        """
        from hardtack.heap import Heap

        def work():
            return compile("def f(x):\\n    return [i for i in x]\\n" * 5, "f", "exec")

        async def coroutine():
            return work()

        heap = Heap("8 MiB")
        for run in (
            lambda: heap.run(work),
            lambda: heap.wrap(coroutine()).send(None),
            lambda: heap.reserve(100_000).run(heap, work),
        ):
            refused = 0
            for nth in range(1, 1000):
                heap.fail_nth(nth, min_size=513)
                injected = heap.injected
                try:
                    run()
                except MemoryError as error:
                    assert type(error.__cause__) in (type(None), SystemError), error.__cause__
                    refused += 1
                except StopIteration:
                    pass
                heap.fail_nth(0)
                if heap.injected == injected:
                    break
            assert 10 < refused < 998, refused
        """
    )


def test_the_lost_error_is_the_cause() -> None:
    """A step whose allocation was refused and that ends with SystemError, as CPython's own code does in places."""
    heap, keep = full_heap()

    def loses_it(error: type[Exception]) -> None:
        try:
            bytes(5000)
        except MemoryError:
            raise error from None

    async def loses_it_too() -> None:
        loses_it(SystemError)

    for work in (partial(heap.run, loses_it, SystemError), lambda: heap.wrap(loses_it_too()).send(None)):
        with pytest.raises(MemoryError, match="CPython lost the error") as caught:
            work()
        assert isinstance(caught.value.__cause__, SystemError)
    with pytest.raises(ZeroDivisionError):
        heap.run(loses_it, ZeroDivisionError)
    del keep[:20]
    with pytest.raises(SystemError):
        heap.run(partial(operator.call, _raise_system_error))


def _raise_system_error() -> None:
    raise SystemError


def chain_of_lists() -> None:
    chain: list[object] = []
    for _ in range(10_000):
        chain = [chain]


def test_what_heap_full_says_takes_nothing_of_the_heap_that_is_full() -> None:
    heap, keep = full_heap()
    error = HeapFull()
    error._set("some heap", 48, 20_480, 0, (("a part of it", 10_000), ("another part", 5_000)))
    assert heap.run(str, error).endswith(
        "9.8 KiB of it in 'a part of it', 4.9 KiB of it in 'another part'; see its explain()"
    )
    assert heap.spilled == 0
    assert keep


def test_heap_full_that_was_not_raised_names_no_heap_but_its_own() -> None:
    """A heap that was made since may have the address of the one that it was about."""
    heap = Heap(20_000, slack=10_000)
    keep = [
        heap.run(bytes, 400) for _ in range(26)
    ]  # the last of them on the slack: it was sent, and called off
    assert heap.free == 0
    del heap, keep
    others = [Heap("1 MiB") for _ in range(100)]
    assert _native.refusal()[0] is None
    assert others


def test_heaps_that_hold_nothing_are_not_named_among_the_holders() -> None:
    heap = Heap("100 KiB", name="all")
    idle, busy = Heap(None, name="idle", parent=heap), Heap(None, name="busy", parent=heap)
    kept = busy.run(bytes, 10_240 - 33)
    with pytest.raises(HeapFull) as caught:
        heap.run(chain_of_lists)
    assert caught.value.holders == (("busy", busy.live),)
    assert (len(kept), idle.live) == (10_240 - 33, 0)
