"""Injected faults: the n-th allocation fails, and the books balance afterwards."""

from __future__ import annotations

import gc

import pytest

from hardtack.heap import Heap


def build() -> tuple[bytes, bytearray, dict[str, list[bytes]]]:
    text = bytearray(b"x" * 1000)
    text += b"y" * 5000
    return bytes(text), text, {str(key): [bytes(1000)] * key for key in range(3)}


@pytest.mark.parametrize("repeat", [False, True])
def test_whichever_allocation_of_600_bytes_fails_the_books_balance(heap: Heap, repeat: bool) -> None:
    for nth in range(1, 100):
        heap.fail_nth(nth, min_size=600, repeat=repeat)
        injected = heap.injected
        try:
            made = heap.run(build)
        except MemoryError:
            assert heap.injected == injected + 1
        else:
            break
        finally:
            heap.fail_nth(0)
        heap.check()
    else:
        pytest.fail("there was always one more allocation to fail")
    assert 5 < nth < 50
    assert len(made[0]) == 6000
    del made
    gc.collect()
    heap.check()


def test_the_nth_allocation_fails_and_no_other(heap: Heap) -> None:
    heap.fail_nth(3, min_size=513)
    first, second = heap.run(bytes, 600), heap.run(bytes, 600)
    small = heap.run(bytes, 100)
    with pytest.raises(MemoryError):
        heap.run(bytes, 600)
    fourth = heap.run(bytes, 600)
    assert (heap.injected, heap.statistics().failures) == (1, 1)
    assert [len(thing) for thing in (first, second, small, fourth)] == [600, 600, 100, 600]


def test_repeat_fails_all_that_come_after(heap: Heap) -> None:
    heap.fail_nth(2, min_size=513, repeat=True)
    heap.run(bytes, 600)
    for _ in range(3):
        with pytest.raises(MemoryError):
            heap.run(bytes, 600)
    heap.fail_nth(0)
    heap.run(bytes, 600)
    assert heap.injected == 3


def test_a_fault_strikes_in_the_heaps_below(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    heap.fail_nth(1, min_size=513)
    with pytest.raises(MemoryError):
        child.run(bytes, 600)
    assert (heap.injected, child.injected) == (1, 0)


def test_a_fault_strikes_admitted_calls_too(heap: Heap) -> None:
    heap.fail_nth(1, min_size=513)
    with pytest.raises(MemoryError):
        heap.admit(heap, 10_000, bytes, 600)
    assert heap.reserved == 0
    heap.admit(heap, 10_000, bytes, 600)
    assert heap.overruns == 0


def test_a_heap_that_is_dropped_takes_its_fault_with_it(heap: Heap) -> None:
    other = Heap("1 MiB")
    other.fail_nth(1)
    del other
    assert len(heap.run(bytes, 600)) == 600


def test_fail_nth_counts_from_one(heap: Heap) -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        heap.fail_nth(-1)
    with pytest.raises(ValueError, match="counts from 1"):
        heap.fail_nth(1, min_size=-1)
