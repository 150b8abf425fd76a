"""What an allocation meets at the limit: HeapFull, MemoryError, abort, a wait without end."""

from __future__ import annotations

import operator
import signal
import subprocess
import sys
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import HeapFull
from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardtack.heap import Policy

    Python = Callable[..., subprocess.CompletedProcess[str]]


def fill(keep: list[object], size: int) -> None:
    """Fill the heap, into a list that was made outside."""
    for position in range(len(keep)):
        keep[position] = bytes(size)


@pytest.mark.parametrize("policy", ["reserve", "fail"])
def test_small_blocks_raise_heap_full_between_two_bytecodes(policy: Policy) -> None:
    heap = Heap("64 KiB", on_exhaustion=policy)
    keep: list[object] = [None] * 10_000
    with pytest.raises(HeapFull), heap:
        fill(keep, 100)
    heap.check()
    assert heap.peak <= 65536
    assert heap.free < 200
    assert heap.statistics().failures == 0  # none met a bare NULL


@pytest.mark.parametrize("policy", ["reserve", "fail"])
def test_large_blocks_fail_at_once(policy: Policy) -> None:
    heap = Heap("64 KiB", on_exhaustion=policy)
    before = heap.live
    with pytest.raises(MemoryError):
        heap.run(bytes, 100_000)
    assert (heap.live, heap.statistics().failures) == (before, 1)
    heap.check()


def test_heap_full_is_a_memory_error_that_can_be_handled() -> None:
    heap = Heap("64 KiB")
    keep: list[object] = [None] * 10_000

    def handled() -> int:
        try:
            fill(keep, 100)
        except MemoryError:
            count = 0
            for position in range(len(keep)):  # a loop and calls: a second HeapFull would strike here
                count += keep[position] is not None
                keep[position] = None
            return count
        return 0

    for _ in range(3):
        count = heap.run(handled)
        assert 300 < count < 600
    heap.check()


def test_heap_full_is_raised_again_while_a_program_goes_on_allocating() -> None:
    heap = Heap("256 KiB", slack=65536)
    keep: list[object] = [None] * 10_000

    def stubborn() -> list[int]:
        used: list[int] = []
        position = 0
        while len(used) < 4:
            try:
                while True:
                    keep[position] = bytes(100)
                    position += 1
            except HeapFull:
                used.append(heap.live + heap.slack - 262144)
        return used

    used = heap.run(stubborn)
    assert used[0] < 1000
    for before, after in pairwise(used):  # each time when half of the slack that was left is used
        assert abs(after - (before + 65536) // 2) < 1000
    heap.check()


def test_heap_full_never_fires_outside() -> None:
    """An overdraft by the very last bytecodes inside is forgiven: the next allocation there meets it."""
    heap = Heap(20_000, slack=10_000)
    keep = [heap.run(bytes, 400) for _ in range(23)]
    for _ in range(3):
        keep.append(heap.run(bytes, 400))  # C alone: no bytecode ends inside
        for _ in range(1000):
            len(keep)
    assert heap.free == 0
    with pytest.raises(HeapFull), heap:
        keep.append(bytes(400))
    for _ in range(1000):
        len(keep)


def test_a_tracer_works_after_heap_full_was_called_off(python: Python) -> None:
    """CPython's note that an exception is on its way is wiped too: 3.11 would look for it at each step, for ever."""
    done = python(
        """
        import sys
        from hardtack.heap import Heap

        heap = Heap(20_000, slack=10_000)
        keep = [heap.run(bytes, 400) for _ in range(26)]  # the last of them on the slack, and C alone
        assert heap.free == 0
        lines = []

        def trace(frame, event, _):
            lines.append(event)
            return trace

        def traced():
            return len(keep)

        sys.settrace(trace)
        traced()
        sys.settrace(None)
        print(lines)
        """
    )
    assert done.stdout == "['call', 'line', 'return']\n", done.stderr


def test_heap_full_that_waits_outlasts_an_errand_outside() -> None:
    """What hardtack itself runs outside the heap neither meets HeapFull nor loses it."""
    heap = Heap(20_000, slack=10_000)
    keep = [heap.run(bytes, 400) for _ in range(23)]
    done: list[bool] = []
    other = Heap("1 MiB")
    errands: Iterator[object] = map(
        operator.call,  # type: ignore[arg-type]
        (partial(bytes, 400), partial(other.reserve_nowait, "1 KiB"), partial(done.append, True)),
    )
    with pytest.raises(HeapFull), heap:
        tuple(errands)
    assert done == [True]
    assert other.statistics().leaked == 1
    assert keep


def test_heap_full_is_not_sent_to_a_thread_outside() -> None:
    """A block of a full heap that grows outside uses the slack, and nobody inside is there to be told."""
    heap = Heap(20_000, slack=10_000)
    growing = heap.run(bytearray, 16)
    keep = [heap.run(bytes, 400) for _ in range(23)]
    for size in range(16, 400, 16):
        growing.extend(bytes(16))
        assert len(growing) == size + 16
    assert heap.free == 0
    assert keep


def test_what_one_heap_lacks_is_not_told_in_another() -> None:
    root = Heap("1 MiB")
    full, other = Heap(20_000, slack=10_000, parent=root), Heap(None, parent=root)
    growing = full.run(bytearray, 16)
    keep = [full.run(bytes, 400) for _ in range(23)]

    def grow() -> int:
        for _ in range(20):
            growing.extend(b"0123456789abcdef")
        return len(growing)

    assert other.run(grow) == 336
    assert keep


def test_an_exception_that_is_on_its_way_is_not_replaced(python: Python) -> None:
    done = python(
        """
        import ctypes, operator, threading
        from functools import partial
        from hardtack.heap import Heap

        heap = Heap(20_000, slack=10_000)
        keep = [heap.run(bytes, 400) for _ in range(23)]
        send = ctypes.pythonapi.PyThreadState_SetAsyncExc
        me = ctypes.c_ulong(threading.get_ident())
        class Ours(BaseException): pass
        calls = map(operator.call, (partial(send, me, ctypes.py_object(Ours)), partial(bytes, 400)))
        try:
            with heap:
                tuple(calls)
        except Ours:
            print("ours")
        assert heap.free == 0
        for _ in range(1000): len(keep)
        """
    )
    assert done.stdout == "ours\n"


def test_panic_aborts_and_says_why(python: Python) -> None:
    done = python(
        """
        import resource
        from hardtack.heap import Heap
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        heap = Heap("64 KiB", on_exhaustion="panic", slack=0)
        heap.run(bytes, 1000)
        print("fits", flush=True)
        heap.run(bytes, 100_000)
        """,
        expect=-signal.SIGABRT,
    )
    assert done.stdout == "fits\n"
    assert "heap exhausted: 0 of 65536 bytes live, 102400 more asked" in done.stderr


def test_wait_waits_for_ever_holding_the_gil() -> None:
    script = """
from hardtack.heap import Heap
heap = Heap("64 KiB", on_exhaustion="wait")
print("before", flush=True)
heap.run(bytes, 100_000)
print("after", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.kill()
        assert process.stdout.read() == ""


def test_shrinking_at_the_limit_does_not_panic(python: Python) -> None:
    python(
        """
        from hardtack.heap import Heap
        heap = Heap(81920, on_exhaustion="panic", slack=0)
        text = heap.run(bytearray, 30_000)
        filler = []
        while heap.free >= 512:
            filler.append(heap.run(bytes, 512 - 33))
        del text[20_000:]
        del text[100:]
        heap.check()
        """
    )
