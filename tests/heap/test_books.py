"""What a heap counts: capacities, exact sizes, parents, peaks, footprints."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import ReservationImpossible
from hardtack.heap import Heap, _native, size_class

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Slotted:
    __slots__ = ("a", "b")


def one_block(thing: object) -> int:
    return size_class(sys.getsizeof(thing))


# Things of one block each: sys.getsizeof knows its size, garbage collector's header included.
ONE_BLOCK: dict[str, Callable[[], object]] = {
    "bytes": lambda: bytes(1000),
    "bytes of 32 KiB": lambda: bytes(32768 - 33),
    "str": lambda: "ab".ljust(1000),
    "wide str": lambda: "\u2620".ljust(77),
    "int": lambda: 1 << 4000,
    "set": lambda: set(),
    "slotted instance": lambda: Slotted(),
}


@pytest.mark.parametrize("what", ONE_BLOCK)
def test_one_block_counts_its_size_class(heap: Heap, what: str) -> None:
    make = ONE_BLOCK[what]
    before = heap.live
    with heap:
        thing = make()
    assert heap.live - before == one_block(thing)
    assert heap.owns(thing)
    del thing
    assert heap.live == before


@pytest.mark.parametrize("size", [32736, 32768, 65536 - 33, 65536, 1_000_000, 5_000_000])
def test_a_large_block_counts_whole_pages(heap: Heap, size: int) -> None:
    with heap:
        thing = bytes(size)
    assert heap.live == -(-sys.getsizeof(thing) // 4096) * 4096
    del thing
    assert (heap.live, heap.footprint) == (0, 0)


def test_buffers_count_beside_their_objects(heap: Heap) -> None:
    with heap:
        text = bytearray(5000)
    assert heap.live == size_class(sys.getsizeof(bytearray())) + size_class(5001)
    del text
    assert heap.live == 0


def test_containers_count_their_tables(heap: Heap) -> None:
    spare: list[list[None]] = [[] for _ in range(200)]  # none is left in CPython's free list
    source = (None,) * 1000
    row = heap.run(list, source)
    assert heap.live == size_class(sys.getsizeof([])) + size_class(8000)
    row.clear()
    assert heap.live == size_class(sys.getsizeof([]))
    assert len(spare) == 200


@pytest.mark.parametrize(
    ("size", "charged"),
    [(0, 16), (1, 16), (16, 16), (17, 32), (512, 512), (513, 640), (1024, 1024), (1025, 1280), (32768, 32768),
     (32769, 36864), (40960, 40960), (40961, 45056)],
)  # fmt: skip
def test_sizes_round_up_to_classes(size: int, charged: int) -> None:
    assert size_class(size) == charged


def test_no_class_is_more_than_a_quarter_too_long() -> None:
    for size in range(64, 40_000):
        assert size <= size_class(size) <= size * 5 // 4 + 16


def test_what_is_made_outside_is_not_charged(heap: Heap) -> None:
    outside = bytes(1000)
    with heap:
        pass
    assert (heap.live, heap.owns(outside)) == (0, False)


def test_a_block_is_its_owners_wherever_it_is_freed(heap: Heap) -> None:
    other = Heap("1 MiB")
    with heap:
        thing = bytes(1000)
    with other:
        del thing
    assert (heap.live, other.live) == (0, 0)


def test_the_owner_pays_for_a_block_that_grows(heap: Heap) -> None:
    other = Heap("1 MiB")
    with heap:
        text = bytearray(1000)
    before = heap.live
    with other:
        text.extend(bytes(100_000))
    assert other.live == 0
    assert heap.live - before > 100_000
    text.clear()
    assert heap.live == before - size_class(1001) + size_class(1)


def test_a_child_is_charged_to_all_above_it(heap: Heap) -> None:
    middle = Heap(None, parent=heap)
    leaf = Heap("1 MiB", parent=middle)
    with leaf:
        thing = bytes(1000)
    size = one_block(thing)
    assert (leaf.live, middle.live, heap.live) == (size, size, size)
    assert (leaf.owns(thing), middle.owns(thing)) == (True, False)
    with middle:
        other = bytes(2000)
    assert (leaf.live, middle.live, heap.live) == (size, size + one_block(other), size + one_block(other))
    del thing, other
    assert (leaf.live, middle.live, heap.live) == (0, 0, 0)


def test_a_dropped_heap_stays_charged_to_its_parent_until_its_blocks_are_freed(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    with child:
        small, large = bytes(1000), bytes(100_000)
    live = heap.live
    del child
    heap.check()
    assert heap.live == live
    del small, large
    heap.check()
    assert (heap.live, heap.footprint) == (0, 0)


def test_entering_nests(heap: Heap) -> None:
    inner = Heap("1 MiB")
    with heap:
        first = bytes(1000)
        with inner:
            second = bytes(1000)
            with heap:
                third = bytes(1000)
        fourth = bytes(1000)
    assert [heap.owns(thing) for thing in (first, second, third, fourth)] == [True, False, True, True]
    assert inner.owns(second)


def test_leaving_in_the_wrong_order_says_so_and_leaves_both(heap: Heap) -> None:
    inner = Heap("1 MiB")
    heap.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="reverse order"):
        heap.__exit__(None, None, None)
    thing = bytes(1000)
    assert not heap.owns(thing)
    assert not inner.owns(thing)
    with pytest.raises(RuntimeError, match="reverse order"):
        inner.__exit__(None, None, None)


def test_leaving_what_was_not_entered_changes_nothing(heap: Heap) -> None:
    other = Heap("1 MiB")
    with heap:
        with pytest.raises(RuntimeError, match="reverse order"):
            other.__exit__(None, None, None)
        thing = bytes(1000)
    assert heap.owns(thing)


def test_run_leaves_the_heap_whatever_the_function_did(heap: Heap) -> None:
    other = Heap("1 MiB")

    def stops_inside() -> Generator[None, None, None]:
        with other:
            yield

    kept = []

    def leaves_a_heap_entered() -> None:
        generator = stops_inside()
        next(generator)
        kept.append(generator)

    heap.run(leaves_a_heap_entered)
    thing = bytes(1000)
    assert not heap.owns(thing)
    assert not other.owns(thing)
    with pytest.raises(RuntimeError, match="reverse order"):
        kept.pop().close()
    gc.collect()


def test_a_call_cannot_leave_what_was_entered_before_it(heap: Heap) -> None:
    def leave() -> None:
        with pytest.raises(RuntimeError, match="reverse order"):
            heap.__exit__(None, None, None)

    with heap:
        heap.run(leave)
        thing = bytes(1000)
    assert heap.owns(thing)


def test_run_passes_arguments_and_exceptions_through(heap: Heap) -> None:
    assert heap.run(int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        heap.run(divmod, 1, 0)
    with pytest.raises(TypeError, match="needs a function"):
        heap.run()  # type: ignore[call-arg]
    assert not heap.owns(bytes(1000))


def test_the_peak_is_the_most_that_was_live(heap: Heap) -> None:
    thing = heap.run(bytes, 100_000)
    peak = heap.live
    del thing
    thing = heap.run(bytes, 1000)
    assert heap.peak == peak
    heap.reset_peak()
    assert heap.peak == heap.live == one_block(thing)


def test_a_peak_is_not_lowered_by_what_another_heap_frees_afterwards(heap: Heap) -> None:
    mine, theirs = Heap(None, parent=heap), Heap(None, parent=heap)
    others = [theirs.run(bytes, 1000)]
    before = heap.live
    with mine:
        thing = bytes(2000)
        others.clear()
    assert heap.peak == before + one_block(thing)
    assert heap.live == one_block(thing)


def test_capacities_hold_to_the_byte() -> None:
    heap = Heap(100_000, slack=0)
    size = 100_000 - 100_000 % 4096
    with pytest.raises(MemoryError):
        heap.run(bytes, size - 32)  # one page more
    thing = heap.run(bytes, size - 33)
    assert (heap.live, heap.free) == (size, 100_000 - size)
    assert heap.statistics().failures == 1
    heap.check()
    assert thing is not None


def test_a_childs_capacity_holds_below_its_parents(heap: Heap) -> None:
    child = Heap("64 KiB", parent=heap)
    with pytest.raises(MemoryError):
        child.run(bytes, 65536)
    assert (child.room, child.possible) == (65536 - 4096, 65536 - 4096)
    loose = Heap(None, parent=child)
    assert (loose.capacity, loose.room, loose.possible) == (None, child.room, child.possible)


def test_capacities_and_slack_are_checked() -> None:
    for capacity in (-1, "many", 2**63, True):
        with pytest.raises((ValueError, TypeError)):
            Heap(capacity)
    with pytest.raises(ValueError, match="slack"):
        Heap(1000, slack=1001)
    with pytest.raises(ValueError, match="slack"):
        Heap(1000, slack=-1)
    with pytest.raises(ValueError, match="policy"):
        Heap(1000, on_exhaustion="sometimes")  # type: ignore[arg-type]
    for wrong, message in (
        ({"capacity": 2**62}, f"capacity is at most 2\\*\\*62 - 1 bytes, not {2**62}"),
        ({"capacity": 1000, "slack": 1001}, "1001 bytes are more than 1000"),
        ({"capacity": 1000, "slack": -1}, "slack is a number of bytes from 0 on, not -1"),
        ({"capacity": 1000, "on_exhaustion": "sometimes"}, "panic or wait, not 'sometimes'"),
    ):
        with pytest.raises(ValueError, match=message):
            Heap(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="parent"):
        Heap(1000, parent="root")  # type: ignore[arg-type]


def test_the_default_slack_is_a_64th_between_4_kib_and_1_mib() -> None:
    assert Heap(1000).slack == 1000
    assert Heap("64 KiB").slack == 4096
    assert Heap("8 MiB").slack == 131072
    assert Heap("1 GiB").slack == 1 << 20
    assert Heap(None).slack == 0


def test_a_heap_that_is_slack_alone_says_so_when_it_is_to_grant_something() -> None:
    with pytest.raises(ReservationImpossible, match=r"all of its capacity, .* is slack; give it slack=0"):
        Heap("4 KiB").reserve(1)
    with Heap("4 KiB", slack=0).reserve("4 KiB"):
        pass


def test_shrinking_never_needs_room() -> None:
    heap = Heap("1 MiB", slack=0, on_exhaustion="fail")
    text = heap.run(bytearray, 600_000)
    filler = [heap.run(bytes, size) for size in (300_000, 130_000)]
    while heap.free >= 4096:
        filler.append(heap.run(bytes, heap.free // 4096 * 4096 - 33))
    failures = heap.statistics().failures
    for size in (500_000, 70_000, 20_000, 1000, 10):
        del text[size:]
        heap.check()
    assert heap.statistics().failures == failures
    assert heap.live < 600_000


def test_a_large_block_grows_and_shrinks_where_it_is(heap: Heap) -> None:
    text = heap.run(bytearray, 100_000)
    heap.reset_peak()
    before = heap.live
    text.extend(bytes(10_000))
    assert heap.peak < 2 * before  # no second copy
    del text[50_000:]
    heap.check()
    assert heap.live < before
    assert bytes(text) == bytes(50_000)


def test_blocks_beside_one_that_is_longer_than_an_arena_are_found() -> None:
    heap = Heap("512 MiB")
    with heap:
        long = bytes(150 << 20)  # zeros: its pages are never touched
        before = heap.live
        short = [[number] for number in range(200_000)]
    assert heap.owns(long)
    assert heap.owns(short[1000])  # the first come from CPython's free list
    assert heap.owns(short[-1])
    assert not heap.owns(heap)
    heap.check()
    del short
    assert heap.live <= before + 200_000  # what CPython's free lists keep
    del long
    assert heap.live < 1 << 20
    heap.check()


def test_memory_that_must_be_zero_is_zero(heap: Heap) -> None:
    for size in (100, 40_000, 60_000, 200_000):
        dirty = [heap.run(bytes.__mul__, b"\xff", size) for _ in range(3)]
        assert set(dirty[0]) == {255}
        del dirty
        for _ in range(3):
            assert not any(heap.run(bytes, size))  # bytes(n) is calloc


def test_ten_thousand_heaps_leave_nothing(heap: Heap) -> None:
    gc.collect()
    have_an_argument_tuple_at_hand()
    live, footprint = heap.live, heap.footprint

    def make_and_drop_a_thousand() -> tuple[int, int, int]:
        heaps = [Heap(None, parent=heap) for _ in range(1000)]
        things = [child.run(bytes, 1000) for child in heaps]
        assert heap.live - live == 1000 * one_block(things[0])
        del heaps
        assert heap.live - live == 1000 * one_block(things[0])
        del things
        assert (heap.live, heap.footprint) == (live, footprint)
        return _native.census()

    cores, claims, _ = _native.census()
    census = make_and_drop_a_thousand()  # which may take address space, by the runs that others left
    assert census[:2] == (cores, claims)
    for _ in range(9):
        assert make_and_drop_a_thousand() == census
    heap.check()


def have_an_argument_tuple_at_hand() -> None:
    """Leave one in CPython's free list: one that is made for a call in a heap goes there, and is charged on."""
    bytes(1000)


def test_a_heap_keeps_one_empty_span_a_class(heap: Heap) -> None:
    have_an_argument_tuple_at_hand()
    things = [heap.run(bytes, 1000) for _ in range(1000)]
    assert heap.footprint >= heap.live
    assert heap.footprint - heap.live < 2 * 65536
    del things
    assert (heap.live, heap.footprint) == (0, 65536)


def test_a_heap_shows_its_figures(heap: Heap) -> None:
    assert repr(heap) == "<Heap 'test': 0 of 8388608 bytes live, 0 reserved>"
    assert repr(Heap(None, name="loose")) == "<Heap 'loose': 0 bytes live, 0 reserved>"
    thing = heap.run(bytes, 1000)
    statistics = heap.statistics()
    assert (statistics.live, statistics.allocations, statistics.frees) == (1280, 1, 0)
    del thing
    assert heap.statistics().frees == 1


def test_trimming_gives_back_what_is_kept_for_sizes_that_are_not_in_use():
    heap = Heap(1 << 20)
    kept = heap.run(bytes, 200)
    for size in (300, 1000, 3000, 10_000):
        heap.run(bytes, size)
    spans = heap.footprint
    heap.trim()
    assert heap.footprint == 65536 < spans
    heap.check()
    assert len(heap.run(bytes, 1000)) == 1000
    del kept
    heap.trim()
    assert (heap.live, heap.footprint) == (0, 0)
