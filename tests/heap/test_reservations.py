"""Reservations: taken at once or refused, nested, refunded, released; and admitted calls."""

from __future__ import annotations

import doctest
import gc
import inspect
import threading
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import ReservationImpossible, WouldBlock
from hardtack.heap import Heap, Overrun, _native

if TYPE_CHECKING:
    from collections.abc import Generator

# The int that a property returns is charged to the heap that the thread is in. These are not.
elsewhere = Heap("1 MiB")
left = partial(elsewhere.run, attrgetter("left"))
reserved = partial(elsewhere.run, attrgetter("reserved"))
total = partial(elsewhere.run, lambda heap: heap.live + heap.reserved)


def near(figure: int, expected: int) -> bool:
    """Tell whether a figure is right but for the bytecodes' own small change."""
    return expected - 500 <= figure <= expected


def test_a_reservation_is_set_aside_until_it_is_released(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    room = child.room
    reservation = child.reserve_nowait(100_000)
    assert (reservation.amount, reservation.left, reservation.heap) == (100_000, 100_000, child)
    assert (child.reserved, heap.reserved, heap.room) == (100_000, 100_000, room - 100_000)
    reservation.release()
    reservation.release()
    assert (child.reserved, heap.reserved, heap.room) == (0, 0, room)
    assert (reservation.released, reservation.left) == (True, 0)


@pytest.mark.parametrize("amount", ["64 KiB", "64k", 65536])
def test_amounts_are_numbers_or_text(heap: Heap, amount: int | str) -> None:
    for reserve in (heap.reserve, heap.reserve_nowait):
        reservation = reserve(amount)
        assert reservation.amount == 65536
        reservation.release()


@pytest.mark.parametrize("amount", [-1, 2**63, 2**200, "much", "", True, 1.5, None])
def test_what_is_no_amount_is_refused(heap: Heap, amount: object) -> None:
    for reserve in (heap.reserve, heap.reserve_nowait):
        with pytest.raises((ValueError, TypeError)):
            reserve(amount)  # type: ignore[arg-type]


def test_arguments_are_checked_and_can_be_named(heap: Heap) -> None:
    heap.reserve_nowait(amount=100, fresh=True).release()
    heap.reserve(timeout=1.0, amount=100).release()
    heap.reserve(100, None).release()
    for wrong in (
        lambda: heap.reserve_nowait(),  # type: ignore[call-arg]
        lambda: heap.reserve_nowait(1, True),  # type: ignore[call-arg]
        lambda: heap.reserve_nowait(1, amount=2),  # type: ignore[misc]
        lambda: heap.reserve(1, soon=True),  # type: ignore[call-arg]
        lambda: heap.reserve(1, 2, 3),  # type: ignore[call-arg]
        lambda: heap.reserve(timeout=1),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            wrong()  # type: ignore[no-untyped-call]


def test_the_native_methods_document_themselves() -> None:
    assert str(inspect.signature(Heap.reserve)) == "(self, /, amount, timeout=None, also=())"
    assert str(inspect.signature(Heap.reserve_nowait)) == "(self, /, amount, *, fresh=False, also=())"
    runner = doctest.DocTestRunner()
    for name in ("reserve", "reserve_nowait"):
        text = inspect.getdoc(getattr(Heap, name))
        assert text is not None
        runner.run(doctest.DocTestParser().get_doctest(text, {}, name, None, 0))
    assert runner.summarize(verbose=False) == (0, 9)
    for kind in (_native.Heap, _native.Reservation):
        for name, member in vars(kind).items():
            assert name.startswith("_") or member.__doc__, name


def test_a_refusal_holds_nothing(heap: Heap) -> None:
    first = heap.reserve_nowait(heap.possible - 1000)
    with pytest.raises(WouldBlock, match="no room for 1001 bytes now: 1000 are free"):
        heap.reserve_nowait(1001)
    assert heap.reserved == first.amount
    second = heap.reserve_nowait(1000)
    assert heap.room == 0
    first.release()
    second.release()


def test_the_impossible_is_refused_with_both_numbers_and_without_waiting(heap: Heap) -> None:
    finalized = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            finalized.append(1)

    gc.collect()
    Cycle()
    for reserve in (heap.reserve, heap.reserve_nowait):
        with pytest.raises(ReservationImpossible) as caught:
            reserve("9 MiB")
        assert (caught.value.asked, caught.value.possible) == (9 << 20, (8 << 20) - 131072)
        assert "9.0 MiB (9437184 bytes)" in str(caught.value)
        assert "7.9 MiB (8257536 bytes)" in str(caught.value)
    assert not finalized  # nothing was collected or evicted for it
    gc.collect()
    assert finalized == [1]


def test_what_is_possible_is_what_the_narrowest_heap_above_could_give() -> None:
    root = Heap("1 MiB", slack=0)
    child = Heap("2 MiB", parent=root, slack=0)
    assert child.possible == 1 << 20
    with pytest.raises(ReservationImpossible):
        child.reserve((1 << 20) + 1)


def test_work_inside_draws_from_the_reservation(heap: Heap) -> None:
    filler = heap.reserve_nowait(heap.room - 10_000)
    with heap.reserve(10_000) as reservation:
        thing = bytes(5000)
        assert heap.room == 0
        assert reservation.left <= 10_000 - 5120
    assert heap.owns(thing)
    assert heap.live >= 5120
    filler.release()
    assert heap.reserved == 0


def test_live_and_reserved_add_up_while_it_draws(heap: Heap) -> None:
    reservation = heap.reserve_nowait(100_000)
    keep: list[object] = [None] * 20
    with reservation:
        for position in range(20):
            keep[position] = bytes(1000)
            assert total(heap) == 100_000
        assert left(reservation) < 75_000
        keep.clear()  # refunded
        assert total(heap) == 100_000
        assert left(reservation) > 99_000
    heap.check()


def test_what_is_freed_inside_is_refunded_up_to_what_was_drawn(heap: Heap) -> None:
    old = heap.run(bytes, 50_000)
    before = heap.live
    with heap.reserve(20_000) as reservation:
        del old
        assert reservation.left == 20_000
        assert heap.reserved == 20_000
        assert heap.live == before - 53_248
    heap.check()


def test_no_more_is_refunded_than_was_drawn_whichever_heaps_blocks_are_freed(heap: Heap) -> None:
    mine, theirs = Heap(None, parent=heap), Heap(None, parent=heap)
    old = mine.run(bytes, 5000)
    with heap.reserve(20_000) as reservation, mine:
        other = theirs.run(bytes, 5000)
        new = bytes(5000)
        del other, new, old
        assert near(reservation.left, 20_000)
        assert near(heap.reserved, 20_000)
        heap.check()


def test_one_inside_another_is_carved_from_it(heap: Heap) -> None:
    with heap.reserve(100_000) as outer:  # entering the inner one costs some bytes of the outer one
        with heap.reserve(30_000) as inner:
            assert near(left(outer), 70_000)
            assert near(left(inner), 30_000)
            assert near(reserved(heap), 100_000)
            thing = heap.run(bytes, 10_240 - 33)
            assert near(left(outer), 70_000)
            assert near(left(inner), 19_760)
            assert near(reserved(heap), 89_760)
        assert near(left(outer), 89_760)
        del thing  # drawn from the inner one, refunded to the outer one
        assert near(left(outer), 100_000)
        assert near(reserved(heap), 100_000)


def test_what_the_outer_one_drew_is_refunded_to_it_from_within_the_inner_one(heap: Heap) -> None:
    with heap.reserve(100_000) as outer:
        thing = heap.run(bytes, 10_000)
        with heap.reserve(1000) as inner:
            del thing
            assert near(left(outer), 99_000)
            assert near(left(inner), 1000)
    heap.check()


def test_a_carved_one_never_waits_and_is_refused_by_what_is_left(heap: Heap) -> None:
    with heap.reserve(1_000):
        errors = []
        for reserve in (heap.reserve, heap.reserve_nowait):
            try:
                reserve(1001)
            except WouldBlock as error:
                errors.append(error)
        fresh = heap.reserve_nowait(2000, fresh=True)
        assert 2000 < reserved(heap) < 3000
    fresh.release()
    assert len(errors) == 2
    assert all("inside has" in text and "left, not 1001" in text for text in map(str, errors))


def test_inside_a_reservation_another_heap_is_had_at_once_or_not_at_all(heap: Heap) -> None:
    other = Heap("1 MiB")
    with heap.reserve(1000):
        filler = other.reserve(other.possible)
        with pytest.raises(WouldBlock, match="no room"):
            other.reserve(1)
    filler.release()


def test_a_carved_one_that_outlives_its_outer_one_stands_by_itself(heap: Heap) -> None:
    with heap.reserve(10_000):
        inner = heap.reserve_nowait(3000)
    assert (heap.reserved, inner.left) == (3000, 3000)
    heap.check()
    with inner:
        pass
    assert heap.reserved == 0


def test_a_carved_one_outlives_an_admitted_call(heap: Heap) -> None:
    kept = []

    def carve() -> None:
        kept.append(heap.reserve_nowait(3000))

    assert heap.admit(heap, 100_000, carve) is None
    heap.check()
    assert heap.reserved == 3000
    kept.pop().release()
    assert heap.reserved == 0


def test_carved_ones_move_up_when_the_middle_one_ends(heap: Heap) -> None:
    with heap.reserve(10_000) as outer:
        with heap.reserve(5000):
            innermost = heap.reserve_nowait(1000)
        assert left(outer) == 9000
        assert reserved(heap) == 10_000
        innermost.release()
        assert left(outer) == 10_000


def test_a_reservation_that_is_dropped_is_given_back_and_counted(heap: Heap) -> None:
    heap.reserve_nowait(1000)
    assert heap.reserved == 0
    assert heap.statistics().leaked == 1


def test_one_cannot_be_entered_twice_or_released_while_entered(heap: Heap) -> None:
    with heap.reserve(1000) as reservation:
        with pytest.raises(RuntimeError, match="in use already"):
            reservation.__enter__()
        with pytest.raises(RuntimeError, match="leave its `with` first"):
            reservation.release()
        with pytest.raises(RuntimeError, match="in use already"):
            reservation.run(heap, len, "")
    with pytest.raises(RuntimeError, match="was released"):
        reservation.__enter__()
    with pytest.raises(RuntimeError, match="was released"):
        reservation.run(heap, len, "")


def test_leaving_out_of_order_gives_back_all_the_same(heap: Heap) -> None:
    other = Heap("1 MiB")
    reservation = heap.reserve(1000)
    reservation.__enter__()
    other.__enter__()
    with pytest.raises(RuntimeError, match="reverse order"):
        reservation.__exit__(None, None, None)
    assert (heap.reserved, reservation.released) == (0, True)
    assert not other.owns(bytes(1000))


def test_it_is_given_back_when_the_work_raises(heap: Heap) -> None:
    with pytest.raises(ZeroDivisionError), heap.reserve(1000):
        divmod(1, 0)
    assert heap.reserved == 0


def test_a_generator_that_stops_inside_a_reservation_does_not_hold_up_the_call(heap: Heap) -> None:
    kept: list[Generator[None, None, None]] = []

    def stops_inside() -> Generator[None, None, None]:
        with heap.reserve_nowait(1000):
            yield

    def start() -> None:
        generator = stops_inside()
        next(generator)
        kept.append(generator)

    heap.admit(heap, 100_000, start)
    heap.check()
    assert heap.reserved > 900  # it is still held, but not entered
    with pytest.raises(RuntimeError, match="reverse order"):
        kept.pop().close()
    assert heap.reserved == 0


def test_run_works_in_a_child_and_gives_back(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    reservation = heap.reserve_nowait(10_000)
    thing = reservation.run(child, bytes, 1000)
    assert (child.owns(thing), heap.reserved, reservation.released) == (True, 0, True)
    assert heap.last_call() == (1280, 1280)
    with pytest.raises(ValueError, match="in one below it"):
        child.reserve_nowait(10).run(heap, len, "")
    with pytest.raises(TypeError, match="needs a heap and a function"):
        heap.reserve_nowait(10).run(heap)  # type: ignore[call-arg]


def test_run_on_a_carved_one_gives_back_to_the_outer_one(heap: Heap) -> None:
    with heap.reserve(10_000) as outer:
        thing = heap.reserve_nowait(2000).run(heap, bytes, 1000)
        assert outer.left == 10_000 - 1280
        del thing
        assert outer.left == 10_000


def test_refill_takes_what_was_drawn_anew(heap: Heap) -> None:
    with heap.reserve(10_000) as reservation:
        first = heap.run(bytes, 1000)
        assert left(reservation) == 10_000 - 1280
        assert reservation.refill()
        assert left(reservation) == 10_000
        assert reserved(heap) == 10_000
        heap.check()
        del first  # it is the heap's now
        assert left(reservation) == 10_000
        second = heap.run(bytes, 1000)
        assert left(reservation) == 10_000 - 1280
        del second
        assert left(reservation) == 10_000


def test_refill_counts_what_is_carved_as_still_there(heap: Heap) -> None:
    with heap.reserve(10_000) as reservation:
        inner = heap.reserve_nowait(4000)
        thing = heap.run(bytes, 1000)
        assert left(reservation) == 6000 - 1280
        assert reservation.refill()
        assert left(reservation) == 6000
        assert reserved(heap) == 10_000
        inner.release()
        assert left(reservation) == 10_000
        heap.check()
    assert thing is not None


def test_refill_is_refused_where_there_is_no_room() -> None:
    heap = Heap(20_000, slack=0)
    with heap.reserve(10_000) as reservation:
        thing = heap.run(bytes, 5000)
        filler = heap.reserve_nowait(9000, fresh=True)
        assert not reservation.refill()
        assert reservation.left == 10_000 - 5120
        inner = heap.reserve_nowait(10)
        assert not inner.refill()
        inner.release()
        filler.release()
    assert not reservation.refill()
    assert thing is not None


# ---------------------------------------------------------------- admitted calls


def test_admit_runs_in_the_child_on_a_reservation(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    seen = []

    def call(first: int, second: int) -> bytes:
        seen.append((heap.live + heap.reserved, _native.in_reservation()))
        return bytes(first + second)

    thing = heap.admit(child, 100_000, call, 400, 600)
    assert seen == [(100_000, True)]
    assert child.owns(thing)
    assert (heap.reserved, _native.in_reservation()) == (0, False)


def test_admit_refuses_without_calling(heap: Heap) -> None:
    called: list[int] = []
    filler = heap.reserve_nowait(heap.room - 999)
    assert heap.admit(heap, 1000, called.append, 1) is NotImplemented
    assert heap.admit(heap, 2**62, called.append, 1) is NotImplemented
    assert not called
    heap.admit(heap, 999, called.append, 1)
    assert called == [1]
    filler.release()


def test_admit_passes_exceptions_through(heap: Heap) -> None:
    with pytest.raises(ZeroDivisionError):
        heap.admit(heap, 1000, divmod, 1, 0)
    assert heap.reserved == 0


def test_admit_checks_its_arguments(heap: Heap) -> None:
    child = Heap(None, parent=heap)
    for arguments in ((), (heap, 100), (1, 2, 3)):
        with pytest.raises(TypeError, match="needs a heap, bytes and a function"):
            heap.admit(*arguments)
    with pytest.raises(OverflowError):
        heap.admit(heap, -1, len, "")
    with pytest.raises(ValueError, match="in one below it"):
        child.admit(heap, 100, len, "")


def test_under_other_policies_a_call_is_admitted_without_a_reservation() -> None:
    heap = Heap("1 MiB", on_exhaustion="fail")
    assert heap.admit(heap, 2**40, _native.in_reservation) is False


def test_an_admitted_call_that_keeps_within_its_bound_never_fails() -> None:
    heap = Heap(100_000, slack=0)
    child = Heap(None, parent=heap)
    filler = heap.reserve_nowait(heap.room - 70_000)

    def work() -> int:
        for _ in range(100):
            one, two = bytes(30_000), bytes(30_000)
            del one, two
        return len(bytes(60_000))

    assert heap.admit(child, 70_000, work) == 60_000
    assert heap.last_call()[0] <= 70_000
    assert (heap.overruns, heap.statistics().failures) == (0, 0)
    filler.release()


def test_last_call_tells_the_peak_and_what_was_kept(heap: Heap) -> None:
    kept = []

    def call() -> None:
        first = bytes(10_000)
        kept.append(bytes(1000))
        del first

    kept.append(b"")  # its table is made outside
    heap.admit(heap, 100_000, call)
    assert heap.last_call() == (10_240 + 1280, 1280)


def test_the_peak_of_a_call_holds_what_carved_ones_held_at_theirs(heap: Heap) -> None:
    def call() -> None:
        first = bytes(10_000)
        with heap.reserve_nowait(50_000):
            second = bytes(20_000)
            del second
        del first

    heap.admit(heap, 100_000, call)
    peak, kept = heap.last_call()
    assert near(peak, 10_240 + 20_480 + 500)
    assert kept < 200


def test_admitted_calls_nest(heap: Heap) -> None:
    def inner() -> int:
        return heap.reserved

    def outer() -> int:
        reserved: int = heap.admit(heap, 500, inner)
        return reserved

    assert 1400 <= heap.admit(heap, 1000, outer) <= 1500


# ---------------------------------------------------------------- overruns


def overrunning(size: int) -> bytes:
    return bytes(size)


def test_an_overrun_is_served_counted_and_named(heap: Heap) -> None:
    thing = heap.admit(heap, 1000, overrunning, 20_000 - 33)
    assert len(thing) == 20_000 - 33
    statistics = heap.statistics()
    assert (statistics.overruns, statistics.overrun_bytes) == (1, 20_480 - 1000)
    assert heap.last_overrun == Overrun("overrunning", 1000, 20_480)


def test_the_overrun_of_a_with_is_named_after_the_function_around_it(heap: Heap) -> None:
    assert heap.last_overrun is None
    with heap.reserve(1000):
        thing = bytes(20_000)
    assert heap.last_overrun == Overrun(
        "test_the_overrun_of_a_with_is_named_after_the_function_around_it", 1000, 20_480
    )
    del thing


def test_the_overrun_of_a_carved_one_is_its_own(heap: Heap) -> None:
    with heap.reserve(10_000):
        thing = heap.reserve_nowait(1000).run(heap, overrunning, 5120 - 33)
        assert heap.last_overrun == Overrun("overrunning", 1000, 5120)
    assert heap.overruns == 1
    assert thing is not None


def test_an_overrun_counts_what_was_held_at_once_and_not_what_came_and_went(heap: Heap) -> None:
    def churns() -> None:
        keep = bytes(2000)
        for _ in range(1000):
            keep = bytes(2000)
        assert keep

    heap.admit(heap, 1000, churns)
    assert heap.last_overrun is not None
    assert 4000 < heap.last_overrun.used == heap.peak < 5000
    assert heap.statistics().overrun_bytes == heap.last_overrun.used - 1000
    assert heap.last_call() == (heap.peak, heap.live)


def test_an_overrun_of_a_carved_one_counts_what_was_held_at_once(heap: Heap) -> None:
    def churns() -> None:
        for _ in range(1000):
            bytes(2000)

    with heap.reserve(50_000):
        mine = bytes(20_000)  # which the inner one's frees could be refunded to
        heap.reserve_nowait(1000).run(heap, churns)
    assert heap.last_overrun is not None
    assert heap.last_overrun.used < 3000
    assert mine


def test_what_is_set_aside_inside_counts_as_used_by_an_overrun(heap: Heap) -> None:
    with heap.reserve(10_000):
        inner = heap.reserve_nowait(9000)
        thing = bytes(5120 - 33)  # less than the 10,000, and more than the 1,000 that are left of them
        inner.release()
    assert heap.last_overrun is not None
    assert heap.last_overrun.used - heap.last_overrun.bound == heap.statistics().overrun_bytes > 4000
    assert thing


def test_an_overrun_uses_the_slack_and_no_more() -> None:
    heap = Heap(100_000, slack=20_480)
    filler = heap.reserve_nowait(heap.room - 8192)
    thing = heap.admit(heap, 8192, bytes, 8192 + 10_240 - 33)
    assert (heap.overruns, heap.free) == (1, 0)
    with pytest.raises(MemoryError):
        heap.run(bytes, 20_480)
    del thing
    assert heap.admit(heap, 8192, len, "") == 0
    with pytest.raises(MemoryError):
        heap.admit(heap, 8192, bytes, 32_000)
    heap.check()
    filler.release()


def test_an_overrun_that_would_eat_the_slack_is_stopped_between_two_bytecodes() -> None:
    heap = Heap(100_000, slack=40_960)
    filler = heap.reserve_nowait(heap.room - 8192)
    keep: list[object] = [None] * 1000

    def runs_away() -> None:
        for position in range(1000):
            keep[position] = bytes(100)

    with pytest.raises(MemoryError):
        heap.admit(heap, 8192, runs_away)
    assert 20_480 < heap.live - 8192 < 25_000  # half of the slack
    assert heap.last_overrun is not None
    assert heap.last_overrun.call.endswith("runs_away")
    assert heap.statistics().failures == 0
    heap.check()
    filler.release()


def test_a_refund_of_what_overran_cannot_open_the_heap() -> None:
    """Refunds can leave more reserved than the capacity less the slack: nothing else fits then."""
    heap = Heap(100_000, slack=20_000)
    with heap.reserve_nowait(8192) as standing:
        thing = heap.run(bytes, 8192 - 33)
        with elsewhere:
            kept = [thing]
            del thing
            thief = threading.Thread(target=kept.clear)
            thief.start()
            thief.join()  # freed by another thread: not refunded
            wide = heap.reserve_nowait(heap.room, fresh=True)
            assert near(wide.amount, 80_000)
        overrun = heap.run(bytes, 8192 - 33)
        assert near(left(standing), 0)
        del overrun
        assert near(left(standing), 8192)
        assert near(reserved(heap), 88_192)
        heap.check()
        with pytest.raises(WouldBlock), elsewhere:
            heap.reserve_nowait(1, fresh=True)
        with pytest.raises(MemoryError), elsewhere:
            heap.run(bytes, 20_000)
        wide.release()
    assert near(heap.room, 80_000)
