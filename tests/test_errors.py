"""What is caught by what, and which figures the errors carry."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

import hardtack
from hardtack import errors
from hardtack.errors import (
    Doomed,
    HardtackError,
    HardtackException,
    HeapFull,
    ReservationImpossible,
    ReservationTimeout,
    WouldBlock,
)
from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_all_have_one_root_and_only_a_kill_is_no_exception() -> None:
    ours = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and each.__module__ == errors.__name__
    ]
    assert len(ours) > 8
    assert all(issubclass(each, HardtackException) for each in ours)
    assert {each for each in ours if not issubclass(each, HardtackError)} == {HardtackException, Doomed}
    assert all(issubclass(each, Exception) for each in ours if issubclass(each, HardtackError))


def test_those_that_python_has_a_name_for_are_caught_by_it() -> None:
    assert issubclass(HeapFull, MemoryError)
    assert issubclass(ReservationImpossible, ValueError)
    assert issubclass(ReservationTimeout, TimeoutError)


def test_what_heaps_raise_is_public() -> None:
    for name in (
        "Doomed",
        "HardtackError",
        "HardtackException",
        "HeapFull",
        "ReservationTimeout",
        "WouldBlock",
    ):
        assert getattr(hardtack, name) is getattr(errors, name)
        assert name in hardtack.__all__


@pytest.mark.parametrize(
    "error",
    [
        HeapFull("full", heap="a", asked=1, held=2, free=3, holders=(("b", 2),)),
        ReservationImpossible(2, 1, "a"),
        ReservationTimeout("late", asked=1, free=2, waited=0.5),
        WouldBlock("no", 1, 2),
        Doomed("gone", asked=1, heap="a"),
    ],
)
def test_figures_survive_pickling(error: BaseException) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args, vars(copy)) == (type(error), error.args, vars(error))


def test_heap_full_that_the_interpreter_made_survives_pickling(root: Heap) -> None:
    large = Heap(None, name="large", parent=root)
    with pytest.raises(HeapFull) as caught:
        fill(large)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.heap, copy.holders) == ("root", (("large", large.live),))
    assert (vars(copy), str(copy)) == (vars(caught.value), str(caught.value))


SHELF: list[bytes] = [b""] * 5000


def fill(heap: Heap) -> None:
    """Pile up small blocks until a heap is full: what is larger would be refused with a plain MemoryError."""
    heap.run(_fill)


def _fill() -> None:
    for place in range(len(SHELF)):
        SHELF[place] = bytes(300)


@pytest.fixture
def root() -> Iterator[Heap]:
    yield Heap("1 MiB", name="root")
    SHELF[:] = [b""] * len(SHELF)


def test_heap_full_says_what_was_full_and_who_holds_most(root: Heap) -> None:
    small, large = Heap(None, name="small", parent=root), Heap(None, name="large", parent=root)
    kept = small.run(bytes, 100_000), large.run(bytes, 300_000)
    inside = Heap(None, name="inside", parent=root)
    reserved = root.reserve(50_000)
    with pytest.raises(HeapFull) as caught:
        fill(inside)
    reserved.release()
    error = caught.value
    assert error.heap == "root"
    assert error.asked == 336
    assert error.free < error.asked
    assert root.capacity is not None
    assert root.capacity - root.slack - error.asked < error.held <= root.capacity - root.slack
    names, sizes = zip(*error.holders, strict=True)
    assert names == ("inside", "large", "small")
    assert list(sizes) == sorted(sizes, reverse=True)
    assert sizes[1:] == (large.live, small.live)
    assert sum(sizes) + 50_000 == pytest.approx(error.held, abs=500)
    assert str(error).startswith("heap 'root' is full: 336 bytes did not fit")
    assert "KiB of it in 'large'" in str(error)
    assert kept


def test_the_figures_are_of_the_moment_when_it_was_full(root: Heap) -> None:
    with pytest.raises(HeapFull) as caught:
        fill(root)
    SHELF[:] = [b""] * len(SHELF)
    assert root.live < 10_000
    assert caught.value.held > 900_000


def test_the_figures_are_charged_to_no_heap(root: Heap) -> None:
    with pytest.raises(HeapFull) as caught:
        fill(root)
    assert not root.owns(caught.value.holders)
    assert not root.owns(caught.value.held)


def test_one_that_a_program_makes_itself_knows_nothing(root: Heap) -> None:
    with pytest.raises(HeapFull):
        fill(root)
    error = HeapFull()
    assert (error.heap, error.asked, error.held, error.free, error.holders) == ("", 0, 0, 0, ())
    assert "see its explain()" in str(error)


def test_what_a_cache_has_no_room_for_says_so_too(root: Heap) -> None:
    kept = root.run(bytes, 900_000)
    cache = root.cache()
    with pytest.raises(HeapFull) as caught:
        cache["a"] = bytes(500_000)
    error = caught.value
    assert error.heap == cache.heap.name
    assert error.asked > 500_000
    assert error.held == cache.heap.live
    assert error.free == root.room
    assert kept


def test_would_block_says_what_was_asked_and_what_is_free(root: Heap) -> None:
    held = root.reserve(root.possible - 1000)
    with pytest.raises(WouldBlock) as caught:
        root.reserve_nowait(2000)
    assert (caught.value.asked, caught.value.free) == (2000, 1000)
    held.release()
    with root.reserve(30_000) as outer, pytest.raises(WouldBlock) as caught:
        root.reserve_nowait(40_000)
    assert (caught.value.asked, outer.amount) == (40_000, 30_000)
    assert 20_000 < caught.value.free <= 30_000  # what the test itself allocates comes out of it


def test_would_block_because_of_a_heap_below(root: Heap) -> None:
    child = Heap("64 KiB", name="child", parent=root, slack=0)
    held = child.reserve(60 << 10)
    with pytest.raises(WouldBlock) as caught:
        root.reserve_nowait(20_000, also=[child])
    assert (caught.value.asked, caught.value.free) == (20_000, 4 << 10)
    held.release()
    with root.reserve(30_000, also=[child]) as outer:
        held = root.reserve(20_000, also=[child])
        held.release()
        assert outer.left == 30_000


def test_a_timeout_says_what_was_asked_what_is_free_and_how_long_was_waited(root: Heap) -> None:
    held = root.reserve(root.possible - 1000)
    with pytest.raises(ReservationTimeout) as caught:
        root.reserve(2000, timeout=0.02)
    held.release()
    assert (caught.value.asked, caught.value.free) == (2000, 1000)
    assert 0.02 <= caught.value.waited < 20
