"""The ladder: what is done to find memory, in which order, and what comes of callbacks that misbehave."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from until import until_waiters

from hardtack.errors import Doomed, ReservationTimeout, WouldBlock
from hardtack.heap import Heap, _native
from hardtack.heap.reclaim import Group, Kill, Ladder, ladder_of, remove_shrinker, short_heap
from hardtack.heap.tasks import reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KB = 1000


@pytest.fixture(autouse=True)
def _books_balance(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO, "hardtack.heap")
    yield
    gc.collect()


class Load:
    """Bytes that live in a heap until they are dropped."""

    def __init__(self, heap: Heap, count: int, size: int = 10 * KB) -> None:
        self.heap = heap  # a group is one as long as its heap is held
        self.blocks = [heap.run(bytes, size - 33) for _ in range(count)]

    def drop(self, *_: object) -> None:
        self.blocks.clear()


def root_of_a_mib() -> Heap:
    root = Heap("1 MiB", name="root")
    ladder_of(root).patience = 0.0
    ladder_of(root).kill_seconds = 0.5
    return root


def climb(heap: Heap, amount: int, fits: Callable[[], bool] | None = None, **options: object) -> list[float]:
    """Do as a waiting thread does; return the pauses that were asked for."""
    pauses = []
    for pause in ladder_of(heap).steps(heap, amount, fits or (lambda: heap.room >= amount), **options):  # type: ignore[arg-type]
        pauses.append(pause)
        if pause:
            threading.Event().wait(pause)
    return pauses


# -- the order of the steps
def test_nothing_is_done_where_there_is_room() -> None:
    root = root_of_a_mib()
    root.shrinker(lambda wanted: pytest.fail("asked"))
    assert climb(root, 1000) == []
    assert ladder_of(root).collections == 0


def test_nothing_is_done_where_it_is_for_others_to_have_their_turn() -> None:
    root = root_of_a_mib()
    root.shrinker(lambda wanted: pytest.fail("asked"))
    assert climb(root, 1000, lambda: False) == []
    assert ladder_of(root).collections == 0


def test_garbage_is_collected_before_a_shrinker_is_asked() -> None:
    root = root_of_a_mib()
    root.shrinker(lambda wanted: pytest.fail("asked"))

    class Cycle:
        def __init__(self) -> None:
            self.me = self
            self.load = bytes(900 * KB)

    gc.disable()
    try:
        root.run(Cycle)
        climb(root, 500 * KB)
    finally:
        gc.enable()
    assert root.room >= 500 * KB


def test_shrinkers_are_asked_by_priority_and_then_by_age_until_the_need_is_met() -> None:
    root = root_of_a_mib()
    child = Heap(None, parent=root)
    asked: list[str] = []
    loads = {name: Load(root, 20) for name in ("late", "first", "second", "never")}

    def shrinker(name: str) -> Callable[[int], None]:
        def shrink(wanted: int) -> None:
            asked.append(name)
            loads[name].drop()

        return shrink

    root.shrinker(shrinker("late"), priority=5)
    child.shrinker(shrinker("first"), priority=-1)
    root.shrinker(shrinker("second"), priority=0)
    root.shrinker(shrinker("never"), priority=9)
    climb(root, 700 * KB)
    assert asked == ["first", "second", "late"]


def test_a_shrinker_is_asked_for_what_is_still_missing() -> None:
    root = root_of_a_mib()
    load = Load(root, 80)
    asked: list[int] = []

    def little(wanted: int) -> None:
        asked.append(wanted)
        del load.blocks[:10]

    root.shrinker(little)
    root.shrinker(lambda wanted: (asked.append(wanted), load.drop()))
    missing = 700 * KB - root.room
    climb(root, 700 * KB)
    assert asked[0] == missing
    assert 0 < asked[1] <= missing - 100 * KB


def test_what_a_shrinker_claims_counts_for_nothing() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    root.shrinker(lambda wanted: 10**9)
    root.shrinker(lambda wanted: load.drop())
    climb(root, 500 * KB)
    assert not load.blocks


def test_a_shrinker_that_frees_nothing_is_asked_once() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    asked: list[int] = []
    root.shrinker(asked.append)
    climb(root, 500 * KB)
    assert len(asked) == 1
    assert load.blocks


def test_a_shrinker_that_raises_is_logged_and_the_next_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    root = root_of_a_mib()
    load = Load(root, 90)

    def broken(wanted: int) -> None:
        raise ZeroDivisionError

    root.shrinker(broken)
    root.shrinker(load.drop)
    climb(root, 500 * KB)
    assert not load.blocks
    assert "broken raised" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_shrinker_that_waits_for_memory_is_refused() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    refused: list[BaseException] = []

    def reserving(wanted: int) -> None:
        for heap in (root, other):
            try:
                heap.reserve(500 * KB)
            except WouldBlock as error:
                refused.append(error)

    other = Heap("1 MiB")
    held = other.reserve(900 * KB)
    root.shrinker(reserving)
    root.shrinker(load.drop)
    climb(root, 500 * KB)
    held.release()
    assert len(refused) == 2


def test_a_finalizer_that_waits_for_memory_while_garbage_is_collected_is_refused() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    refused: list[BaseException] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            try:
                root.reserve(500 * KB)
            except WouldBlock as error:
                refused.append(error)

    gc.disable()
    try:
        Cycle()
        climb(root, 500 * KB)
    finally:
        gc.enable()
    load.drop()
    assert len(refused) == 1


def test_a_shrinker_can_empty_another_ones_heap() -> None:
    root = root_of_a_mib()
    one, two = Heap(None, parent=root), Heap(None, parent=root)
    loads = [Load(one, 45), Load(two, 45)]
    asked: list[str] = []
    one.shrinker(lambda wanted: (asked.append("one"), loads[1].drop()))
    two.shrinker(lambda wanted: (asked.append("two"), loads[0].drop()))
    climb(root, 500 * KB)
    assert asked == ["one"]
    assert (len(loads[0].blocks), len(loads[1].blocks)) == (45, 0)


def test_only_what_is_below_the_heap_that_is_short_is_asked() -> None:
    root = root_of_a_mib()
    full, other = Heap("300 kB", parent=root, slack=0), Heap("300 kB", parent=root)
    load = Load(full, 20)
    other.shrinker(lambda wanted: pytest.fail("its bytes would not help"))
    root.shrinker(lambda wanted: pytest.fail("its bytes would not help"))
    full.shrinker(load.drop)
    climb(full, 200 * KB)
    assert full.room >= 200 * KB


def test_nobody_above_is_asked_while_a_heap_below_stays_short() -> None:
    root = root_of_a_mib()
    full = Heap("300 kB", parent=root, slack=0)
    loads = Load(full, 20), Load(root, 70)
    root.shrinker(lambda wanted: pytest.fail("in vain"))
    group = Heap(None, parent=root, kill=lambda heap: pytest.fail("in vain"))
    more = Load(group, 5)
    climb(full, 200 * KB)
    assert loads
    assert more.blocks


def test_a_heap_that_the_bytes_are_also_for_is_emptied_too() -> None:
    root = root_of_a_mib()
    child = Heap("300 kB", parent=root, slack=0)
    load = Load(child, 20)
    child.shrinker(load.drop)
    climb(root, 200 * KB, lambda: short_heap(root, 200 * KB, [child]) is None, also=[child])
    assert child.room >= 200 * KB


def test_a_shrinker_that_is_removed_is_not_asked() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    root.shrinker(load.drop)
    remove_shrinker(root, load.drop)
    climb(root, 500 * KB)
    assert load.blocks
    with pytest.raises(ValueError, match="no shrinker of heap 'root'"):
        remove_shrinker(root, load.drop)
    with pytest.raises(ValueError, match="no shrinker"):
        remove_shrinker(Heap(None), load.drop)


def test_shrinker_decorates_with_and_without_a_priority() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    asked: list[str] = []

    @root.shrinker
    def second(wanted: int) -> None:
        asked.append("second")
        load.drop()

    @root.shrinker(priority=-1)
    def first(wanted: int) -> None:
        asked.append("first")

    climb(root, 500 * KB)
    assert asked == ["first", "second"]


def test_the_ladder_allocates_nothing_in_the_heap_that_is_full() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    root.shrinker(lambda wanted: [bytes(1000)])
    scheduler = Heap(None, parent=root)
    before = root.statistics()

    def run() -> None:
        for _ in ladder_of(root).steps(root, 500 * KB, lambda: False):
            pass

    scheduler.run(run)
    after = root.statistics()
    assert after.live - before.live < 2000
    assert after.failures == before.failures
    assert load.blocks


def test_garbage_collection_is_as_it_was_after_the_ladder() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    root.shrinker(load.drop)
    climb(root, 500 * KB)
    assert gc.isenabled()


def test_stopping_half_way_leaves_nothing() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    root.shrinker(lambda wanted: pytest.fail("asked"))
    reservations = _native.census()[1]
    steps = ladder_of(root).steps(root, 500 * KB, lambda: False)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert _native.census()[1] == reservations
    assert load.blocks


# -- killing
def group(root: Heap, load: int, *, name: str = "group", protected: bool = False) -> tuple[Heap, Load]:
    """A group that gives its bytes back at once when it is killed."""

    def kill(heap: Heap) -> None:
        assert heap is made
        bytes_of.drop()

    made = Heap(None, name=name, parent=root, kill=kill, protected=protected)
    bytes_of = Load(made, load)
    return made, bytes_of


def test_the_group_that_holds_most_bytes_is_killed_and_no_more_than_it_takes() -> None:
    root = root_of_a_mib()
    loads = {str(n): group(root, n, name=str(n)) for n in (10, 40, 20)}
    climb(root, 500 * KB)
    assert [len(load.blocks) for _, load in loads.values()] == [10, 0, 20]
    (kill,) = ladder_of(root).kills
    assert kill == Kill("40", kill.held, 500 * KB)
    assert kill.held >= 400 * KB
    assert ladder_of(root).killed == 1


def test_groups_are_killed_until_the_need_is_met() -> None:
    root = root_of_a_mib()
    loads = [group(root, n)[1] for n in (30, 20, 10, 25)]
    climb(root, 600 * KB)
    assert [len(load.blocks) for load in loads] == [0, 20, 10, 0]


def test_bytes_count_not_objects() -> None:
    root = root_of_a_mib()
    many, large = Heap(None, parent=root, name="many"), Heap(None, parent=root, name="large")
    loads = Load(many, 4000, 60), Load(large, 1, 500 * KB)
    many._group = Group(loads[0].drop)
    large._group = Group(loads[1].drop)
    assert ladder_of(root).victim(root, 900 * KB) is large
    more = Load(many, 2000, 60)
    assert many.live < large.live
    assert ladder_of(root).victim(root, 900 * KB) is large
    assert more.blocks


def test_what_a_group_has_reserved_counts_as_well() -> None:
    root = root_of_a_mib()
    (one, load), (two, _) = group(root, 10), group(root, 5)
    with two.reserve(300 * KB):
        assert ladder_of(root).victim(root, 900 * KB) is two
    assert ladder_of(root).victim(root, 900 * KB) is one
    load.drop()


def test_a_group_is_what_lives_in_all_heaps_below_it() -> None:
    root = root_of_a_mib()
    small, _ = group(root, 20)
    large, _ = group(root, 1)
    loads = [Load(Heap(None, parent=Heap(None, parent=large)), 15) for _ in range(2)]
    assert ladder_of(root).victim(root, 900 * KB) is large
    assert small.live < large.live
    assert loads


def test_protected_is_never_killed() -> None:
    root = root_of_a_mib()
    _, load = group(root, 90, protected=True)
    climb(root, 500 * KB)
    assert load.blocks
    assert not ladder_of(root).kills


def test_a_group_with_a_protected_heap_below_it_is_not_killed() -> None:
    root = root_of_a_mib()
    outer, _ = group(root, 50)
    between = Heap(None, parent=outer)
    guard = Heap(None, parent=between, protected=True)
    inner, inner_load = group(outer, 30)
    assert ladder_of(root).victim(root, 900 * KB) is inner
    climb(root, 500 * KB)
    assert not inner_load.blocks
    assert guard.live == 0


def test_a_protected_groups_own_groups_may_be_killed() -> None:
    root = root_of_a_mib()
    outer, load = group(root, 50, protected=True)
    _, inner_load = group(outer, 30)
    climb(root, 300 * KB)
    assert (len(load.blocks), len(inner_load.blocks)) == (50, 0)


def test_of_nested_groups_the_outer_one_is_killed_with_all_below_it() -> None:
    root = root_of_a_mib()
    killed: list[str] = []
    outer = Heap(
        None, parent=root, kill=lambda heap: (killed.append("outer"), loads[0].drop(), loads[1].drop())
    )
    inner = Heap(None, parent=outer, kill=lambda heap: killed.append("inner"))
    loads = Load(outer, 20), Load(inner, 50)
    climb(root, 500 * KB)
    assert killed == ["outer"]


def test_a_group_inside_one_that_is_dying_is_not_killed_as_well() -> None:
    root = root_of_a_mib()
    killed: list[str] = []
    outer = Heap(None, parent=root, kill=lambda heap: killed.append("outer"))
    inner = Heap(None, parent=outer, kill=lambda heap: killed.append("inner"))
    load = Load(inner, 70)
    climb(root, 900 * KB)
    assert killed == ["outer"]
    assert load.blocks


def test_a_group_around_one_that_does_not_die_is_killed_next() -> None:
    root = root_of_a_mib()
    killed: list[str] = []
    outer = Heap(None, parent=root, kill=lambda heap: (killed.append("outer"), load.drop()))
    inner = Heap(None, parent=outer, kill=lambda heap: killed.append("inner"))
    load = Load(inner, 70)
    ladder_of(root).rule = lambda groups: groups[-1]
    ladder_of(root).kill_seconds = 0.02
    climb(root, 900 * KB)
    assert killed == ["inner", "outer"]


def test_a_rule_chooses() -> None:
    root = root_of_a_mib()
    loads = {name: group(root, n, name=name) for name, n in (("a", 10), ("b", 50), ("c", 20))}
    offered: list[list[str]] = []

    def smallest(groups: list[Heap]) -> Heap:
        offered.append([each.name for each in groups])
        return min(groups, key=lambda each: each.live)

    ladder_of(root).rule = smallest
    climb(root, 400 * KB)
    assert [len(load.blocks) for _, load in loads.values()] == [0, 50, 0]
    assert [sorted(each) for each in offered] == [["a", "b", "c"], ["b", "c"]]


def test_a_rule_can_spare_everybody() -> None:
    root = root_of_a_mib()
    _, load = group(root, 90)
    ladder_of(root).rule = lambda groups: None
    climb(root, 500 * KB)
    assert load.blocks


@pytest.mark.parametrize("rule", [lambda groups: 1 / 0, lambda groups: Heap(None), lambda groups: "them"])
def test_a_rule_that_makes_no_sense_is_overruled(
    rule: Callable[[list[Heap]], Heap], caplog: pytest.LogCaptureFixture
) -> None:
    root = root_of_a_mib()
    _, load = group(root, 90)
    ladder_of(root).rule = rule
    climb(root, 500 * KB)
    assert not load.blocks
    assert "the rule for victims" in caplog.text


def test_nobody_is_killed_for_bytes_that_would_not_help() -> None:
    root = root_of_a_mib()
    full = Heap("300 kB", parent=root, slack=0, name="full")
    other, other_load = group(root, 30)
    load = Load(full, 20)
    climb(full, 200 * KB)
    assert other_load.blocks
    assert load.blocks
    assert ladder_of(full).victim(full, 200 * KB) is None
    assert ladder_of(other) is ladder_of(full)


def test_a_group_at_its_own_limit_is_killed_itself() -> None:
    root = root_of_a_mib()
    tenant = Heap("300 kB", parent=root, slack=0, kill=lambda heap: load.drop())
    load = Load(tenant, 20)
    _, other_load = group(root, 40)
    climb(tenant, 200 * KB)
    assert not load.blocks
    assert other_load.blocks


def test_an_empty_group_is_not_killed() -> None:
    root = root_of_a_mib()
    load = Load(root, 90)
    empty = Heap(None, parent=root, kill=lambda heap: pytest.fail("it holds nothing"))
    climb(root, 500 * KB)
    assert load.blocks
    assert empty.live == 0


def test_a_kill_callback_that_raises_counts_as_killed_and_is_not_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 60.0
    called: list[Heap] = []

    def broken(heap: Heap) -> None:
        called.append(heap)
        raise ZeroDivisionError

    first = Heap(None, name="first", parent=root, kill=broken)
    load = Load(first, 50)
    _, second_load = group(root, 30)
    climb(root, 500 * KB)
    assert called == [first]
    assert not second_load.blocks
    assert load.blocks
    assert "kill callback of heap 'first' raised" in caplog.text


def test_a_group_that_does_not_give_its_bytes_back_is_reported_and_the_next_is_killed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.3
    called: list[str] = []
    hung = Heap(None, name="hung", parent=root, kill=lambda heap: called.append("hung"))
    part = Heap(None, name="part", parent=hung)
    loads = Load(hung, 30), Load(part, 20)
    _, next_load = group(root, 30)
    pauses = climb(root, 500 * KB)
    assert not next_load.blocks
    assert any(pauses)
    (report,) = (each.getMessage() for each in caplog.records if each.levelno == logging.ERROR)
    assert "'hung' was killed 0." in report
    assert "has not given its memory back" in report
    assert "still holds" in report
    assert "in 'part'" in report
    climb(root, 900 * KB)  # nothing is left: it is neither killed nor reported again
    assert called == ["hung"]
    assert sum("not given" in each.getMessage() for each in caplog.records) == 1
    assert loads


def test_a_group_that_was_given_up_on_is_killed_again_when_nobody_else_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.01
    ladder_of(root).again_seconds = 0.0
    called: list[int] = []
    hung = Heap(None, name="hung", parent=root, kill=lambda heap: called.append(1))
    load = Load(hung, 50)
    other, other_load = group(root, 20)
    climb(root, 500 * KB)
    assert len(called) == 1  # by one climb, however long it takes
    assert not other_load.blocks
    other_load = Load(other, 20)
    ladder_of(root).rule = lambda groups: None if other in groups else groups[0]  # it may choose here, too
    climb(root, 500 * KB)
    assert len(called) == 1
    other_load.drop()
    hung._group.kill = lambda heap: (called.append(2), load.drop())
    climb(root, 800 * KB)
    assert called == [1, 2]
    assert root.room >= 800 * KB
    kills = [each.getMessage().splitlines()[0] for each in caplog.records if "killing" in each.getMessage()]
    assert sum("killing heap 'hung', which" in each for each in kills) == 1
    assert sum("killing heap 'hung', again, which" in each for each in kills) == 1
    assert not hung._group.given_up


def test_a_group_that_was_given_up_on_is_left_alone_for_longer_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 1e-6
    ladder_of(root).again_seconds = 1000.0
    called: list[int] = []
    hung = Heap(None, name="hung", parent=root, kill=lambda heap: called.append(1))
    load = Load(hung, 80)
    pauses = []
    for times in range(1, 12):
        climb(root, 500 * KB)
        climb(root, 500 * KB)  # nothing comes of it
        assert len(called) == times
        pauses.append(hung._group.again_at - hung._group.killed_at)
        hung._group.again_at = hung._group.killed_at  # as if so long had passed
    expected = [1000 * 2**n for n in (0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6)]
    assert all(0 <= pause - least < 100 for pause, least in zip(pauses, expected, strict=True))
    assert "it is killed again in 1000 s" in caplog.text
    assert load.blocks


def test_where_killing_is_done_at_once_nobody_is_killed_twice() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.0
    ladder_of(root).again_seconds = 0.0
    called: list[int] = []
    hung = Heap(None, parent=root, kill=lambda heap: called.append(1))
    load = Load(hung, 80)
    for _ in range(3):
        climb(root, 500 * KB)
    assert len(called) == 1
    assert load.blocks


def test_a_hung_group_that_dies_at_last_can_be_killed_again() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.01
    called: list[int] = []
    hung = Heap(None, parent=root, kill=lambda heap: called.append(1))
    load = Load(hung, 80)
    climb(root, 500 * KB)
    climb(root, 500 * KB)
    assert len(called) == 1
    load.drop()
    load = Load(hung, 80)
    climb(root, 500 * KB)  # that it had died was not seen
    assert len(called) == 1
    load.drop()
    other = Load(root, 90)
    climb(root, 500 * KB)
    other.drop()
    load = Load(hung, 80)
    climb(root, 500 * KB)
    assert len(called) == 2
    assert load.blocks


def test_a_killed_group_that_lives_on_can_be_killed_again_but_not_for_what_it_kept() -> None:
    root = root_of_a_mib()
    called: list[int] = []
    tenant = Heap(None, parent=root, kill=lambda heap: (called.append(1), load.drop()))
    kept = Load(tenant, 2)
    load = Load(tenant, 80)
    climb(root, 500 * KB)
    assert called == [1]
    other = Load(root, 70)
    climb(root, 500 * KB)
    assert called == [1]  # only what it kept is left
    other.drop()
    load = Load(tenant, 80)
    climb(root, 500 * KB)
    assert called == [1, 1]
    assert kept.blocks


def test_bytes_that_come_back_later_on_another_thread_are_waited_for() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 20.0
    threads: list[threading.Thread] = []

    def kill(heap: Heap) -> None:
        threads.append(threading.Thread(target=lambda: (threading.Event().wait(0.05), load.drop())))
        threads[0].start()

    tenant = Heap(None, parent=root, kill=kill)
    load = Load(tenant, 60)
    _, other_load = group(root, 30)
    climb(root, 500 * KB)
    threads[0].join()
    assert other_load.blocks
    assert root.room >= 500 * KB


def test_a_heap_that_its_callback_lets_go_of_is_waited_for_as_well() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 20.0
    tenants: dict[str, Heap] = {}
    threads: list[threading.Thread] = []

    def kill(heap: Heap) -> None:
        tenants.clear()
        threads.append(threading.Thread(target=lambda: (threading.Event().wait(0.05), load.drop())))
        threads[0].start()

    tenants["a"] = Heap(None, parent=root, kill=kill)
    load = Load(tenants["a"], 60)
    _, other_load = group(root, 30)
    climb(root, 500 * KB)
    threads[0].join()
    assert other_load.blocks


def test_cycles_that_the_dead_leave_are_collected() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 20.0

    class Node:
        def __init__(self) -> None:
            self.me = self
            self.load = bytes(10 * KB)

    tenant = Heap(None, parent=root, kill=lambda heap: nodes.clear())
    gc.disable()
    try:
        nodes = tenant.run(lambda: [Node() for _ in range(80)])
        climb(root, 500 * KB)
    finally:
        gc.enable()
    assert root.room >= 500 * KB


def test_after_a_kill_a_margin_is_freed_too() -> None:
    root = root_of_a_mib()
    loads = [group(root, n)[1] for n in (40, 30, 20)]
    climb(root, 300 * KB, margin=300 * KB)
    assert [len(load.blocks) for load in loads] == [0, 0, 20]


def test_without_a_kill_there_is_no_margin() -> None:
    root = root_of_a_mib()
    load = Load(root, 60)
    _, spared = group(root, 30)
    root.shrinker(lambda wanted: load.blocks.pop() and load.blocks.__delitem__(slice(0, 30)))
    climb(root, 300 * KB, margin=600 * KB)
    assert spared.blocks


def test_a_margin_that_cannot_be_had_does_not_matter() -> None:
    root = root_of_a_mib()
    _, load = group(root, 90)
    fits: list[bool] = []

    def reserve() -> bool:  # as the kernel does: the need is met when the reservation is made
        if root.room < 500 * KB:
            return False
        fits.append(True)
        return True

    climb(root, 500 * KB, reserve, margin=2 << 20)
    assert fits == [True]
    assert not load.blocks


def test_a_margin_beyond_what_is_possible_is_cut() -> None:
    root = root_of_a_mib()
    groups = [group(root, 60), group(root, 10)]
    climb(root, root.possible - 120 * KB, margin=2 << 20)
    assert [len(load.blocks) for _, load in groups] == [0, 0]
    groups = [group(root, 60), group(root, 10)]
    climb(root, root.possible - 120 * KB)
    assert [len(load.blocks) for _, load in groups] == [0, 10]


def test_where_killing_is_done_at_once_nobody_is_waited_for_or_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.0
    kept = Heap(None, parent=root, kill=lambda heap: load.blocks.pop())
    load = Load(kept, 50)
    made, other = group(root, 30)
    assert not any(climb(root, 500 * KB))
    assert not other.blocks
    assert ladder_of(root).killed == 2
    assert "given its memory back" not in caplog.text
    assert made.live == 0


def test_who_waits_no_longer_stops_and_nobody_else_is_killed() -> None:
    root = root_of_a_mib()
    doomed: list[Heap] = []
    loads = []
    for n in (40, 30):
        heap, load = group(root, n)
        loads.append(load)
        heap._group.kill = lambda heap, load=load: (doomed.append(heap), load.drop())
    climb(root, 900 * KB, lambda: bool(doomed))
    assert [len(load.blocks) for load in loads] == [0, 30]


def test_calls_under_way_are_given_time_before_anybody_is_killed() -> None:
    root = root_of_a_mib()
    ladder_of(root).patience = 20.0
    _, load = group(root, 40)
    held = root.reserve(400 * KB)
    steps = ladder_of(root).steps(root, 500 * KB, lambda: root.room >= 500 * KB)
    assert next(steps) == 0.0  # garbage was collected
    assert next(steps) > 0.0
    held.release()
    assert list(steps) == []
    assert load.blocks


def test_nobody_is_given_time_where_nothing_is_reserved() -> None:
    root = root_of_a_mib()
    ladder_of(root).patience = 20.0
    _, load = group(root, 90)
    assert sum(climb(root, 500 * KB)) < 1.0
    assert not load.blocks


def test_patience_ends() -> None:
    root = root_of_a_mib()
    ladder_of(root).patience = 0.03
    _, load = group(root, 60)
    with root.reserve(300 * KB):
        climb(root, 400 * KB)
    assert not load.blocks


def test_what_callback_is_running_can_be_seen() -> None:
    root = root_of_a_mib()
    seen: list[str] = []
    heap = Heap(None, name="victim", parent=root, kill=lambda heap: note_it() or load.drop())
    load = Load(heap, 90)

    def note_it() -> None:
        assert ladder_of(root).calling is not None
        seen.append(ladder_of(root).calling[0])

    climb(root, 500 * KB)
    assert seen == ["kill callback of heap 'victim'"]
    assert ladder_of(root).calling is None


def test_an_interrupt_in_a_callback_goes_on_its_way_and_leaves_all_in_order() -> None:
    root = root_of_a_mib()

    def interrupted(wanted: int) -> None:
        raise KeyboardInterrupt

    load = Load(root, 90)
    root.shrinker(interrupted)
    with pytest.raises(KeyboardInterrupt):
        climb(root, 500 * KB)
    assert ladder_of(root).calling is None
    assert gc.isenabled()
    load.drop()
    root.check()


def test_a_tree_is_let_go_of_with_its_ladder() -> None:
    root = root_of_a_mib()
    made, load = group(root, 90)
    climb(root, 500 * KB)
    ladder: weakref.ref[Ladder] = weakref.ref(ladder_of(root))
    del root, load, made
    gc.collect()
    assert ladder() is None


def test_the_ladder_of_a_tree_is_one() -> None:
    root = root_of_a_mib()
    assert ladder_of(Heap(None, parent=Heap(None, parent=root))) is ladder_of(root)
    assert ladder_of(Heap(None)) is not ladder_of(root)


# -- with a thread that waits
def test_a_waiting_thread_gets_what_the_ladder_finds() -> None:
    root = root_of_a_mib()
    _, load = group(root, 90)
    root.reserve(500 * KB, timeout=20).release()
    assert not load.blocks


def test_a_kill_callback_that_does_not_return_holds_up_the_ladder_but_no_grants() -> None:
    root = root_of_a_mib()
    inside, leave = threading.Event(), threading.Event()

    def hang(heap: Heap) -> None:
        inside.set()
        leave.wait(20)

    tenant = Heap(None, name="tenant", parent=root, kill=hang)
    load = Load(tenant, 30)
    held = root.reserve(600 * KB)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(root.reserve, 500 * KB)
        assert inside.wait(20)
        second = threads.submit(root.reserve, 200 * KB)
        while root.statistics().waiters < 2:
            threading.Event().wait(0.001)
        ladder = ladder_of(root)
        assert ladder.calling is not None
        assert ladder.calling[0] == "kill callback of heap 'tenant'"
        held.release()
        second.result(20).release()
        assert not first.done()
        leave.set()
        first.result(20).release()
    assert load.blocks
    assert ladder.calling is None


def test_a_task_that_waits_has_another_one_cancelled() -> None:
    async def service() -> None:
        root = root_of_a_mib()
        requests: set[asyncio.Task[None]] = set()
        ended: list[str] = []

        def kill(heap: Heap) -> None:
            for request in requests:
                request.cancel()

        tenant = Heap(None, parent=root, kill=kill)

        async def work() -> None:
            load = Load(tenant, 90)
            try:
                await asyncio.sleep(20)
            finally:
                ended.append(f"{len(load.blocks)} blocks")

        request = asyncio.create_task(work())
        requests.add(request)
        request.add_done_callback(requests.discard)
        del request  # a task that was cancelled holds its frames
        await asyncio.sleep(0)
        reservation = await root.reserve(500 * KB, timeout=20)
        reservation.release()
        assert ended == ["90 blocks"]
        assert ladder_of(root).killed == 1

    asyncio.run(service())


def test_a_victim_that_waits_on_another_thread_is_let_go() -> None:
    root = root_of_a_mib()
    tenant, load = group(root, 60)
    outcome: list[object] = []

    def request() -> None:
        try:
            outcome.append(tenant.reserve(400 * KB, timeout=20))
        except Doomed as error:
            outcome.append(error)

    spare = Load(root, 30)
    ladder_of(root).rule = lambda groups: None  # until both wait
    thread = threading.Thread(target=request)
    thread.start()
    until_waiters(tenant, 1)
    ladder_of(root).rule = None
    root.reserve(500 * KB, timeout=20).release()
    thread.join()
    assert isinstance(outcome[0], Doomed)
    assert not load.blocks
    assert root.reserved == 0
    assert spare.blocks


def test_a_victim_that_waits_itself_is_let_go() -> None:
    root = root_of_a_mib()
    tenant, load = group(root, 60)
    other = Load(root, 30)
    with pytest.raises(Doomed):
        tenant.reserve(1_000_000, timeout=20)
    assert not load.blocks
    assert (root.reserved, tenant.reserved) == (0, 0)
    assert other.blocks


def doom_of(*reserve: Callable[[], object]) -> list[type[BaseException] | None]:
    """Return what each attempt to reserve ends with at once."""
    found: list[type[BaseException] | None] = []
    for each in reserve:
        try:
            each()
        except (Doomed, ReservationTimeout) as error:
            found.append(type(error))
        else:
            found.append(None)
    return found


def test_who_comes_to_wait_for_memory_of_a_group_that_is_dying_is_doomed_at_once() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 60.0
    killed = threading.Event()
    tenant = Heap(None, parent=root, kill=lambda heap: killed.set())
    below = Heap(None, parent=tenant)
    load, spare = Load(tenant, 60), Load(root, 30)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(root.reserve, 500 * KB, 60)
        assert killed.wait(60)
        attempts = (
            lambda: tenant.reserve(400 * KB),
            lambda: below.reserve(400 * KB),
            lambda: root.reserve(400 * KB, also=[below]),
        )
        assert doom_of(*attempts) == [Doomed, Doomed, Doomed]
        assert doom_of(lambda: root.reserve(400 * KB, timeout=0)) == [ReservationTimeout]
        assert not waiting.done()
        load.drop()
        held = waiting.result(60)
    # It is over, and the heap can be waited for as any other.
    assert doom_of(lambda: tenant.reserve(400 * KB, timeout=0)) == [ReservationTimeout]
    held.release()
    tenant.reserve(400 * KB).release()
    assert spare.blocks


def test_a_task_that_comes_to_wait_for_memory_of_a_group_that_is_dying_is_doomed() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 60.0
    killed = asyncio.Event()
    tenant = Heap(None, parent=root, kill=lambda heap: killed.set())
    load = Load(tenant, 60)

    async def main() -> None:
        waiting = asyncio.create_task(reserve(root, 600 * KB, timeout=60))
        await killed.wait()
        with pytest.raises(Doomed):
            await reserve(tenant, 600 * KB)
        load.drop()
        (await waiting).release()

    asyncio.run(main())


def test_a_dead_groups_heap_can_be_waited_for_even_if_the_killer_has_left() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 60.0
    tenant = Heap(None, parent=root, kill=lambda heap: None)
    load, spare = Load(tenant, 60), Load(root, 30)
    killed = iter(ladder_of(root).steps(root, 500 * KB, lambda: False))
    while not ladder_of(root).killed:
        next(killed)
    killed.close()  # type: ignore[attr-defined]
    again = lambda: tenant.reserve(800 * KB, timeout=0)  # noqa: E731
    assert doom_of(again) == [Doomed]
    load.drop()
    assert doom_of(again) == [ReservationTimeout]
    assert spare.blocks


def test_who_waits_for_memory_of_a_group_that_was_given_up_on_is_not_doomed() -> None:
    root = root_of_a_mib()
    ladder_of(root).kill_seconds = 0.01
    tenant = Heap(None, parent=root, kill=lambda heap: None)
    load = Load(tenant, 80)
    climb(root, 500 * KB)
    assert tenant._group.given_up
    assert doom_of(lambda: tenant.reserve(500 * KB, timeout=0)) == [ReservationTimeout]
    assert load.blocks


def test_a_callback_that_is_told_of_anothers_doom_does_not_doom_who_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = root_of_a_mib()
    load = Load(root, 90)

    def passes_on(heap: Heap) -> None:
        raise Doomed("of a thread that it asked")

    hung = Heap(None, name="hung", parent=root, kill=passes_on)
    part = Load(hung, 5)
    climb(root, 500 * KB)
    assert "kill callback of heap 'hung' raised" in caplog.text
    assert load.blocks
    assert part.blocks


def test_a_group_that_came_back_after_a_kill_can_be_killed_again() -> None:
    root = Heap("4 MiB")
    held: dict[str, bytes] = {}
    ann = Heap("3 MiB", name="ann", parent=root, kill=lambda heap: held.pop(heap.name))
    for _ in range(3):
        held["ann"] = ann.run(bytes, 1_800_000)
        root.reserve("3 MiB", timeout=20).release()
        assert not held
    assert root.statistics().killed == 3


def test_a_kill_callback_is_a_function() -> None:
    with pytest.raises(TypeError, match="kill is a function"):
        Heap(1000, kill=3)  # type: ignore[arg-type]
