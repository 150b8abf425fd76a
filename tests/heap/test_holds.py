"""Reservations that count in heaps below as well (`also=`): taken everywhere or nowhere, drawn where they are used."""

from __future__ import annotations

from functools import partial
from operator import attrgetter

import pytest

from hardtack.errors import ReservationImpossible, WouldBlock
from hardtack.heap import Heap, Reservation

elsewhere = Heap("1 MiB")
held = partial(elsewhere.run, attrgetter("held"))


def left(reservation: Reservation) -> int:
    """Round up what is left to KiB: entering `elsewhere` costs the reservation's heap a few bytes."""
    figure: int = elsewhere.run(attrgetter("left"), reservation)
    return -(-figure // 1024) * 1024


def tree() -> tuple[Heap, Heap, Heap, Heap]:
    """Give a root, a child without a limit, and two heaps with limits, one below the other, below that."""
    root = Heap("1 MiB", name="root", slack=0)
    open_ended = Heap(None, name="open", parent=root)
    tenant = Heap("256 KiB", name="tenant", parent=open_ended, slack=0)
    request = Heap("64 KiB", name="request", parent=tenant, slack=0)
    return root, open_ended, tenant, request


def test_it_is_held_on_every_limited_heap_between() -> None:
    root, open_ended, tenant, request = tree()
    reservation = root.reserve_nowait(10_000, also=(request,))
    assert [heap.reserved for heap in (root, open_ended, tenant, request)] == [10_000, 0, 0, 0]
    assert [heap.held for heap in (root, open_ended, tenant, request)] == [0, 0, 10_000, 10_000]
    assert (tenant.room, request.room) == ((256 << 10) - 10_000, (64 << 10) - 10_000)
    root.check()
    reservation.release()
    assert [heap.held for heap in (tenant, request)] == [0, 0]
    root.check()


def test_heaps_that_are_named_twice_hold_once() -> None:
    root, _, tenant, request = tree()
    sibling = Heap("100 KiB", parent=tenant)
    with root.reserve(1000, also=[request, sibling, request, root, tenant]):
        assert [held(heap) for heap in (root, tenant, request, sibling)] == [0, 1000, 1000, 1000]


@pytest.mark.parametrize("which", [0, 2, 3])
def test_all_or_none(which: int) -> None:
    heaps = tree()
    filler = heaps[which].reserve_nowait(heaps[which].room)
    with pytest.raises(WouldBlock, match="no room"):
        heaps[0].reserve_nowait(1, also=(heaps[3],))
    assert sum(heap.held for heap in heaps) == 0
    assert heaps[0].reserved == filler.amount
    filler.release()


def test_a_refusal_names_the_heap_that_is_short() -> None:
    root, _, tenant, _ = tree()
    filler = tenant.run(bytes, 200_000)
    with pytest.raises(WouldBlock, match="heap 'tenant', below 'root', has no room for 100000 bytes now: "):
        root.reserve_nowait(100_000, also=(tenant,))
    assert filler


def test_it_may_be_one_above() -> None:
    root = Heap("1 MiB", name="root", slack=0)
    tenant = Heap("900 KiB", name="tenant", parent=root, slack=0)
    filler = root.run(bytes, 500_000)
    with pytest.raises(WouldBlock) as caught:
        tenant.reserve_nowait(600_000)
    assert str(caught.value) == (
        f"heap 'root', above 'tenant', has no room for 600000 bytes now: {root.free} are free"
    )
    assert filler


def test_it_may_be_one_below_that_a_carved_reservation_would_count_on() -> None:
    root, _, tenant, _ = tree()
    filler = tenant.run(bytes, 200_000)
    with root.reserve(300_000):
        with pytest.raises(WouldBlock) as caught:
            root.reserve_nowait(100_000, also=(tenant,))
        assert str(caught.value) == (
            f"heap 'tenant', below 'root', has no room for 100000 bytes now: {tenant.free} are free"
        )
    assert filler


def test_what_no_heap_below_could_ever_hold_is_impossible() -> None:
    root, _, _, request = tree()
    root.reserve_nowait(65_537).release()
    for reserve in (root.reserve, root.reserve_nowait):
        with pytest.raises(ReservationImpossible) as caught:
            reserve(65_537, also=(request,))
        assert caught.value.possible == 65_536


@pytest.mark.parametrize("also", [(1,), "heap", 1, (None,)])
def test_also_is_a_sequence_of_heaps(also: object) -> None:
    root = tree()[0]
    with pytest.raises(TypeError, match="also= is a tuple or a list of heaps"):
        root.reserve_nowait(1, also=also)  # type: ignore[arg-type]
    assert root.reserved == 0


def test_also_names_heaps_below() -> None:
    root, _, tenant, request = tree()
    for other in (root, Heap("1 MiB")):
        with pytest.raises(ValueError, match="below it"):
            tenant.reserve_nowait(1, also=(request, other))
    assert request.held == 0


def test_allocations_below_draw_from_the_hold_and_from_the_claim() -> None:
    root, open_ended, tenant, request = tree()
    filler = request.reserve_nowait(request.room - 20_480)
    with root.reserve(20_480, also=(request,)) as reservation, elsewhere:
        assert request.room == 0
        thing = request.run(bytes, 10_240 - 33)
        assert (held(request), held(tenant), left(reservation)) == (10_240, 10_240, 10_240)
        other = open_ended.run(bytes, 5120 - 33)
        assert (held(request), held(tenant), left(reservation)) == (10_240, 10_240, 5120)
        root.check()
        del thing
        assert (held(request), held(tenant), left(reservation)) == (20_480, 20_480, 15_360)
        del other
        assert left(reservation) == 20_480
        root.check()
    assert (request.held, tenant.held, root.reserved) == (0, 0, filler.amount)
    assert (root.overruns, root.statistics().failures, request.statistics().failures) == (0, 0, 0)
    filler.release()


def test_an_admitted_call_is_admitted_everywhere() -> None:
    """Filling the rest of the tenant's heap while the call is under way cannot make it fail."""
    root, _, tenant, _ = tree()
    with root.reserve(100_000, also=(tenant,)), elsewhere:
        filler = tenant.reserve_nowait(tenant.room)
        thing = tenant.run(bytes, 98_304 - 33)
        filler.release()
    assert tenant.owns(thing)
    assert tenant.live == 98_304
    root.check()


def test_what_is_freed_below_is_refunded_up_to_what_was_drawn_there() -> None:
    root, _, tenant, _ = tree()
    old = tenant.run(bytes, 51_200 - 33)
    with root.reserve(20_480, also=(tenant,)) as reservation, elsewhere:
        del old
        assert (held(tenant), left(reservation)) == (20_480, 20_480)
        thing = root.run(bytes, 10_240 - 33)
        assert (held(tenant), left(reservation)) == (20_480, 10_240)
        del thing
        root.check()


def test_an_overrun_below_uses_the_slack_there() -> None:
    root = Heap("1 MiB", slack=100_000)
    tenant = Heap(100_000, parent=root, slack=40_960)
    filler = tenant.reserve_nowait(tenant.room - 10_240)
    with root.reserve(10_240, also=(tenant,)), elsewhere:
        thing = tenant.run(bytes, 20_480 - 33)
        with pytest.raises(MemoryError):
            tenant.run(bytes, 40_960)
    assert (root.overruns, tenant.live) == (1, 20_480)
    root.check()
    filler.release()
    assert thing


def test_what_is_carved_brings_its_share_of_the_hold_along() -> None:
    root, _, tenant, _ = tree()
    with root.reserve(20_480, also=(tenant,)) as outer, elsewhere:
        filler = tenant.reserve_nowait(tenant.room)
        inner = root.reserve_nowait(10_240)
        assert (held(tenant), left(outer), left(inner)) == (20_480, 10_240, 10_240)
        with inner, elsewhere:
            thing = tenant.run(bytes, 10_240 - 33)
            assert (held(tenant), left(inner)) == (10_240, 0)
            root.check()
        assert (held(tenant), left(outer)) == (10_240, 10_240)
        del thing
        assert (held(tenant), left(outer)) == (20_480, 20_480)
        root.check()
        filler.release()
    assert (tenant.held, root.overruns) == (0, 1)  # by the few bytes


def test_what_is_carved_may_hold_where_the_outer_one_does_not() -> None:
    root, _, tenant, request = tree()
    with root.reserve(20_480, also=(tenant,)) as outer, elsewhere:
        inner = root.reserve_nowait(10_240, also=(request,))
        assert (held(tenant), held(request)) == (20_480, 10_240)
        inner.release()
        assert (held(tenant), held(request), left(outer)) == (20_480, 0, 20_480)
        filler = request.reserve_nowait(request.room)
        with pytest.raises(WouldBlock, match="heap 'request', below 'root', has no room for 10 bytes"):
            root.reserve_nowait(10, also=(request,))
        filler.release()
        assert (held(tenant), held(request), left(outer)) == (20_480, 0, 20_480)
    root.check()


def test_a_carved_one_that_outlives_its_outer_one_keeps_its_hold() -> None:
    root, _, tenant, _ = tree()
    kept: list[Reservation] = []
    with root.reserve(20_480, also=(tenant,)):
        with root.reserve(15_000):
            kept.append(root.reserve_nowait(10_240))
        assert held(tenant) > 20_000
    assert (root.reserved, tenant.held) == (10_240, 10_240)
    root.check()
    with kept.pop(), elsewhere:
        thing = tenant.run(bytes, 10_240 - 33)
        assert held(tenant) == 0
    assert (root.reserved, tenant.held, tenant.live) == (0, 0, 10_240)
    root.check()
    del thing


def test_refill_takes_the_hold_anew() -> None:
    root, _, tenant, _ = tree()
    with root.reserve(20_480, also=(tenant,)) as reservation, elsewhere:
        thing = tenant.run(bytes, 10_240 - 33)
        filler = tenant.reserve_nowait(tenant.room)
        assert not reservation.refill()
        filler.release()
        assert reservation.refill()
        assert (held(tenant), left(reservation)) == (20_480, 20_480)
        root.check()
    assert (tenant.held, tenant.live) == (0, 10_240)
    assert thing


def test_a_dropped_reservation_gives_its_holds_back() -> None:
    root, _, tenant, _ = tree()
    root.reserve_nowait(1000, also=(tenant,))
    assert (tenant.held, root.reserved, root.statistics().leaked) == (0, 0, 1)


def test_a_heap_with_a_hold_may_be_dropped() -> None:
    root, _, tenant, request = tree()
    reservation = root.reserve_nowait(1000, also=(request,))
    del request
    root.check()
    reservation.release()
    assert tenant.held == 0
    root.check()


def test_admitting_inside_a_reservation_with_holds() -> None:
    root, _, tenant, _ = tree()
    with root.reserve(20_480, also=(tenant,)), elsewhere:
        thing = root.admit(tenant, 10_240, bytes, 10_240 - 33)
    assert (tenant.live, tenant.held, root.reserved) == (10_240, 0, 0)
    assert thing
    root.check()
