"""Caches that give way, and copies that belong to another heap."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from climbing import climb
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from until import until_waiters

from hardtack.errors import HeapFull, ReservationImpossible
from hardtack.heap import Heap
from hardtack.heap.caches import Cache, CacheStatistics
from hardtack.heap.reclaim import ladder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KB = 1000


@pytest.fixture
def root() -> Iterator[Heap]:
    root = Heap("1 MiB", name="root")
    ladder_of(root).patience = 0.0
    yield root
    root.check()
    assert root.reserved == 0


def full_of(cache: Cache[int, bytes], count: int, size: int = 10 * KB) -> Cache[int, bytes]:
    for number in range(count):
        cache[number] = bytes(size)
    return cache


class Thing:
    """An instance for pickle to find."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = [name * 100, {name: (1, 2.5, None)}]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(self.name)


class Lonely:
    """Its copies are not equal to it."""


# -- the mapping
def test_it_is_a_mapping(root: Heap) -> None:
    cache: Cache[str, int] = root.cache()
    cache["a"] = 1
    cache.update(b=2, c=3)
    cache["a"] = 4
    assert (dict(cache), len(cache), "a" in cache, "z" in cache) == ({"a": 4, "b": 2, "c": 3}, 3, True, False)
    assert (cache.get("z"), cache.setdefault("b", 9), cache.pop("b"), cache.pop("b", None)) == (
        None,
        2,
        2,
        None,
    )
    assert (sorted(cache.values()), sorted(cache.items())) == ([3, 4], [("a", 4), ("c", 3)])
    del cache["a"]
    with pytest.raises(KeyError):
        del cache["a"]
    with pytest.raises(KeyError):
        cache["a"]
    assert cache.popitem() == ("c", 3)
    with pytest.raises(KeyError):
        cache.popitem()
    assert cache == {}
    assert "0 entries" in repr(cache)


def test_keys_that_cannot_be_hashed_are_refused(root: Heap) -> None:
    cache: Cache[Any, int] = root.cache()
    with pytest.raises(TypeError, match="unhashable"):
        cache[[]] = 1
    with pytest.raises(TypeError, match="unhashable"):
        cache.get_or_make([], int)


def test_iterating_goes_from_the_least_recently_used_on_and_makes_no_difference(root: Heap) -> None:
    cache: Cache[str, int] = root.cache()
    cache.update(a=1, b=2, c=3)
    assert cache["a"] == 1
    assert cache.get("b") == 2
    for _ in range(2):
        assert (list(cache), list(cache.values())) == (["c", "a", "b"], [3, 1, 2])
        assert list(cache.items()) == [("c", 3), ("a", 1), ("b", 2)]
        assert "c" in cache


def test_entries_may_go_while_it_is_iterated(root: Heap) -> None:
    cache = full_of(root.cache(), 10, 10)
    for key, value in cache.items():
        cache.clear()
        assert value == bytes(10)
        assert key in range(10)
    for _ in full_of(cache, 10, 10):
        cache.pop(5, None)


def test_it_holds_no_more_than_maxsize(root: Heap) -> None:
    cache: Cache[int, bytes] = root.cache(3)
    full_of(cache, 5, 10)
    assert list(cache) == [2, 3, 4]
    assert cache[2] == bytes(10)
    cache[9] = b""
    assert list(cache) == [4, 2, 9]
    cache[4] = b"again"
    assert list(cache) == [2, 9, 4]
    assert cache.statistics().evictions == 3


def test_maxsize_0_keeps_nothing_and_a_negative_one_is_refused(root: Heap) -> None:
    cache: Cache[int, list[int]] = root.cache(0)
    cache[1] = [1]
    assert cache.get_or_make(2, lambda: [2]) == [2]
    assert len(cache) == 0
    with pytest.raises(ValueError, match="maxsize"):
        root.cache(-1)


def test_statistics_are_exact(root: Heap) -> None:
    cache: Cache[int, bytes] = root.cache(2)
    full_of(cache, 3)
    assert cache.get(0) is None
    assert cache[1] == cache[2]
    with cache.pin(1):
        found = cache.statistics()
    assert found == CacheStatistics(2, cache.heap.live, hits=3, misses=1, evictions=1, pinned=1)
    assert 20 * KB < found.bytes < 22 * KB
    assert cache.statistics().pinned == 0


def test_nothing_of_it_is_left_when_it_is_cleared_or_dropped(root: Heap) -> None:
    cache = full_of(root.cache(), 50)
    more: Cache[int, int] = root.cache()
    for number in range(5000):
        more[number] = number
    cache.clear()
    more.clear()
    assert cache.statistics().evictions == 0
    assert root.live < 1000
    full_of(cache, 50)
    gc.disable()
    try:
        del cache  # no collection is needed
        assert root.live < 1000
    finally:
        gc.enable()


def test_what_it_counts_is_not_charged_to_who_looks(root: Heap) -> None:
    cache = full_of(root.cache(), 3)
    request = Heap(None, parent=root)
    gc.collect()

    def look() -> None:
        for _ in range(1000):
            cache.get(0)
            cache.get(99)

    request.run(look)
    assert request.live < 200


# -- giving way
def test_the_least_recently_used_go_first_and_no_more_than_it_takes(root: Heap) -> None:
    cache = full_of(root.cache(), 80)
    for key in (0, 5, 3):
        assert cache[key]
    climb(root, 400 * KB)
    assert list(cache)[-3:] == [0, 5, 3]
    kept = list(cache)[:-3]
    assert kept == list(range(80 - len(kept), 80))
    assert 400 * KB <= root.room < 420 * KB
    assert cache.statistics().evictions == 80 - len(cache)


def test_caches_give_way_by_priority(root: Heap) -> None:
    dear, cheap = root.cache(priority=5), root.cache(priority=-5)
    full_of(dear, 40)
    full_of(cheap, 40)
    climb(root, 400 * KB)
    assert len(dear) == 40
    climb(root, 800 * KB)
    assert len(cheap) == 0
    assert 0 < len(dear) < 40


def test_pinned_entries_are_never_evicted(root: Heap) -> None:
    cache = full_of(root.cache(), 80)
    with cache.pin(3) as three, cache.pin(5), cache.pin(3):
        climb(root, 1010 * KB)
        assert sorted(cache) == [3, 5]
        assert cache[3] is three
        assert cache.statistics().pinned == 2
    climb(root, root.possible)
    assert list(cache) == []


def test_an_entry_that_was_pinned_is_the_most_recently_used(root: Heap) -> None:
    cache = full_of(root.cache(), 5)
    with cache.pin(0):
        pass
    assert list(cache) == [1, 2, 3, 4, 0]


def test_pinning_nothing_is_an_error(root: Heap) -> None:
    cache: Cache[int, int] = root.cache()
    with pytest.raises(KeyError), cache.pin(1):
        pytest.fail("entered")


def test_a_pinned_entry_that_is_replaced_or_deleted_lives_on_for_who_pinned_it(root: Heap) -> None:
    cache: Cache[str, list[int]] = root.cache()
    cache.update(a=[1], b=[2])
    with cache.pin("a") as a, cache.pin("b") as b:
        cache["a"] = [3]
        del cache["b"]
        assert (a, b) == ([1], [2])
        assert cache.statistics().pinned == 0
    assert dict(cache) == {"a": [3]}
    climb(root, root.possible)
    assert len(cache) == 0


def test_pins_of_an_exception_or_a_generator_are_undone(root: Heap) -> None:
    cache = full_of(root.cache(), 2)
    with pytest.raises(ZeroDivisionError), cache.pin(0):
        raise ZeroDivisionError

    def half_way() -> Iterator[int]:
        with cache.pin(1):
            yield 1

    generator = half_way()
    next(generator)
    assert cache.statistics().pinned == 1
    generator.close()  # type: ignore[attr-defined]
    assert cache.statistics().pinned == 0


def test_values_in_use_do_not_come_back_so_the_ladder_goes_on(root: Heap) -> None:
    used, other = root.cache(priority=-1), root.cache()
    full_of(used, 40)
    in_use = list(used.values())
    full_of(other, 40)
    climb(root, 400 * KB)
    assert len(used) == 0
    assert used.statistics().bytes > 400 * KB  # until who uses them lets go
    assert 0 < len(other) < 40
    del in_use
    assert used.statistics().bytes < 1000


def test_half_used_entries_alive_in_a_callers_hands_make_a_group_die(root: Heap) -> None:
    cache = full_of(root.cache(), 45)
    in_use = list(cache.values())
    load: list[bytes] = []
    group = Heap(None, parent=root, kill=lambda heap: load.clear())
    load.extend(group.run(bytes, 10 * KB) for _ in range(45))
    climb(root, 400 * KB)
    assert not load
    assert len(in_use) == 45


def test_a_cache_that_is_at_work_is_passed_over(root: Heap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardtack.heap.caches.BUSY_SECONDS", 0.01)
    busy, other = root.cache(priority=-1), root.cache()
    full_of(busy, 40)
    full_of(other, 40)
    held, done = threading.Event(), threading.Event()

    def work() -> None:
        with busy._lock:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    held.wait(20)
    climb(root, 400 * KB)
    done.set()
    thread.join()
    assert len(busy) == 40
    assert len(other) < 40


def test_a_finalizer_may_use_the_cache_that_lets_go_of_its_value(root: Heap) -> None:
    cache: Cache[int, Any] = root.cache()
    seen: list[int] = []

    class Value:
        def __init__(self, number: int) -> None:
            self.number = number
            self.load = bytes(10 * KB)

        def __del__(self) -> None:
            seen.append(self.number)
            cache.get(self.number + 1)
            cache.pop(self.number + 2, None)
            cache.get_or_make(-1, int)

    for number in range(60):
        cache.get_or_make(number, lambda number=number: Value(number))
    cache[3] = 0
    cache.pop(5, None)
    climb(root, 900 * KB)
    cache.clear()
    assert sorted(seen) == list(range(60))


def test_a_waiting_thread_is_served_by_a_cache(root: Heap) -> None:
    cache = full_of(root.cache(), 80)
    root.reserve(900 * KB, timeout=20).release()
    assert 0 < len(cache) < 20


def test_a_cache_that_was_dropped_is_not_asked(root: Heap) -> None:
    full_of(root.cache(), 80)
    assert root.live < 1000
    climb(root, 1030 * KB)


def test_the_table_gets_smaller_with_the_cache(root: Heap) -> None:
    cache: Cache[int, int] = root.cache()
    for number in range(4000):
        cache[number] = number
    climb(root, 1000 * KB)
    assert 0 < len(cache) < 1000
    assert cache.heap.live < 40 * KB


# -- storing
def test_what_is_stored_is_a_copy_that_belongs_to_the_cache(root: Heap) -> None:
    cache: Cache[Any, Any] = root.cache()
    request = Heap(None, parent=root)
    key, value = request.run(lambda: (("key", "x" * 5000), [Thing("a"), "y" * 5000]))
    cache[key] = value
    assert cache.heap.live > 10 * KB
    del key, value
    gc.collect()
    assert request.live < 500
    ((key, value),) = cache.items()
    assert key == ("key", "x" * 5000)
    assert value == [Thing("a"), "y" * 5000]
    assert cache.heap.owns(key[1])
    assert cache.heap.owns(value[1])
    assert cache.heap.owns(value[0].parts[0])


def test_room_is_made_for_what_is_stored_among_the_caches_own_entries_only(root: Heap) -> None:
    other = full_of(root.cache(priority=-1), 40)
    cache = full_of(root.cache(), 100)
    assert len(other) == 40
    assert 50 <= len(cache) < 60
    assert list(cache)[-1] == 99
    assert other.statistics().evictions == 0


def test_a_value_that_fits_only_without_the_others_takes_their_place(root: Heap) -> None:
    cache = full_of(root.cache(), 50)
    cache[-1] = bytes(950 * KB)
    assert -1 in cache
    assert len(cache) <= 2


def test_a_value_larger_than_the_heap_is_refused_before_anything_is_evicted(root: Heap) -> None:
    cache = full_of(root.cache(), 50)
    with pytest.raises(ReservationImpossible):
        cache[-1] = bytes(2000 * KB)
    with pytest.raises(ReservationImpossible):
        cache.get_or_make(-1, lambda: bytes(2000 * KB), bound="2 MB")
    assert len(cache) == 50


def test_a_value_that_nothing_can_make_room_for_is_refused(root: Heap) -> None:
    cache = full_of(root.cache(), 5)
    rest = root.run(bytes, 800 * KB)
    with cache.pin(0), pytest.raises(HeapFull, match="nothing can give way"):
        cache[-1] = bytes(500 * KB)
    assert list(cache) == [0]
    assert rest


def test_what_pickle_cannot_copy_is_refused(root: Heap) -> None:
    cache: Cache[Any, Any] = root.cache()
    with pytest.raises(TypeError, match=r"key \(str\) or value \(function\).*pickle"):
        cache["a"] = lambda: 0
    with pytest.raises(TypeError, match="cannot copy this key"):
        cache["a"] = threading.Lock()
    with pytest.raises(TypeError, match="cannot copy this function"):
        cache.get_or_make(lambda: 0, int)
    assert len(cache) == 0
    assert cache.heap.live == 0 or cache.statistics().bytes < 500


@pytest.mark.parametrize("key", [float("nan"), Lonely()])
def test_a_key_that_is_not_equal_to_its_copy_is_refused(root: Heap, key: object) -> None:
    cache: Cache[Any, Any] = root.cache()
    with pytest.raises(TypeError, match="equal to its copy"):
        cache[key] = 1
    with pytest.raises(TypeError, match="equal to its copy"):
        cache.get_or_make(key, int)
    assert len(cache) == 0


def test_keys_count_too(root: Heap) -> None:
    cache: Cache[str, None] = root.cache()
    for number in range(500):
        cache[f"{number:05000}"] = None
    assert 150 <= len(cache) <= 200
    assert cache.statistics().bytes > 800 * KB


def test_inside_an_admitted_call_storing_draws_on_its_reservation(root: Heap) -> None:
    cache: Cache[str, bytes] = root.cache()
    request = Heap(None, parent=root)
    rest = root.run(bytes, 880 * KB)
    held = root.reserve_nowait(100 * KB)

    def call() -> None:
        body = bytes(20 * KB)
        cache["a"] = body

    held.run(request, call)
    gc.collect()
    assert root.statistics().overruns == 0
    assert root.last_call()[1] < 30 * KB
    assert request.live < 1000
    assert cache["a"] == bytes(20 * KB)
    assert rest


def test_inside_a_full_heap_a_cache_stays_in_order(root: Heap) -> None:
    cache: Cache[int, bytes] = root.cache()
    hold: list[bytes] = []
    for _ in range(200):
        try:
            with root:
                cache[len(hold)] = bytes(3 * KB)
                hold.append(bytes(3 * KB))
                list(cache.items())
                with cache.pin(0):
                    hold[-1] += b"x"
        except (MemoryError, KeyError):
            pass
    keys = list(cache)
    assert len(set(keys)) == len(keys) == len(cache)
    assert cache.statistics().pinned == 0
    hold.clear()


def test_an_allocation_that_fails_anywhere_leaves_all_in_order() -> None:
    root = Heap("64 KiB", name="root")
    cache: Cache[Any, Any] = root.cache()
    for store in (
        lambda: cache.__setitem__("k" * 600, ["v" * 600, {"a": "b" * 50}]),
        lambda: cache.get_or_make("m" * 600, lambda: ["v" * 600]),
        lambda: cache.get_or_make("n" * 600, lambda: ["v" * 600], bound="4 KiB"),
        lambda: root.adopt(["v" * 600, {"a": "b" * 50}]),
    ):
        fired, n = True, 0
        while fired:
            n += 1
            cache.clear()
            for number in range(20):
                cache[number] = number
            before = root.injected
            root.fail_nth(n)
            try:
                store()
            except MemoryError:
                pass
            finally:
                root.fail_nth(0)
            fired = root.injected > before
            root.check()
            assert root.reserved == 0
            keys = list(cache)
            assert sorted(map(str, keys)) == sorted(map(str, cache._entries))
            assert cache.statistics().pinned == 0
        assert n > 3
    cache.clear()
    gc.collect()
    assert root.live < 5000


# -- making
def test_a_value_is_made_inside_once(root: Heap) -> None:
    cache: Cache[str, bytes] = root.cache()
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return bytes(1000)

    value = cache.get_or_make("a", make)
    assert cache.get_or_make("a", make) is value
    assert cache.heap.owns(value)
    assert len(made) == 1
    assert cache.statistics() == CacheStatistics(1, cache.heap.live, 1, 1, 0, 0)


def test_a_value_is_made_on_a_reservation_of_its_bound(root: Heap) -> None:
    cache = full_of(root.cache(), 90)
    value = cache.get_or_make(-1, lambda: bytes(400 * KB), bound="500 kB")
    assert cache[-1] is value
    assert len(cache) > 40
    assert cache.heap.statistics().overruns == 0


def test_without_a_bound_room_is_made_by_doubling_until_it_fits(root: Heap) -> None:
    cache = full_of(root.cache(), 90)
    calls: list[int] = []

    def make() -> list[bytes]:
        calls.append(1)
        return [bytes(1000) for _ in range(400)]

    assert len(cache.get_or_make(-1, make)) == 400
    assert 1 < len(calls) < 8
    assert -1 in cache
    assert len(cache) > 10


def test_a_value_that_never_fits_is_an_error_in_the_end(root: Heap) -> None:
    cache = full_of(root.cache(), 90)
    with pytest.raises(HeapFull):
        cache.get_or_make(-1, lambda: [bytes(1000) for _ in range(2000)])
    with pytest.raises(HeapFull):
        cache.get_or_make(-1, lambda: bytes(2000 * KB))
    assert -1 not in cache
    full_of(cache, 5)
    assert len(cache) == 5


def test_an_error_of_make_is_its_callers_and_nothing_is_kept(root: Heap) -> None:
    cache: Cache[int, int] = root.cache()
    with pytest.raises(ZeroDivisionError):
        cache.get_or_make(1, lambda: 1 // 0)
    assert 1 not in cache


def test_a_value_that_cannot_be_kept_is_returned_all_the_same(root: Heap) -> None:
    cache: Cache[str, bytes] = root.cache()
    rest = root.run(bytes, 900 * KB)
    value = cache.get_or_make("x" * 100 * KB, lambda: bytes(80 * KB))
    assert value == bytes(80 * KB)
    assert len(cache) == 0
    assert rest


def test_a_cache_takes_nothing_from_those_who_wait(root: Heap) -> None:
    cache: Cache[str, bytes] = root.cache()
    held = root.reserve(900 * KB)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(root.reserve, 500 * KB, 20)
        until_waiters(root, 1)
        with pytest.raises(HeapFull, match=r"others wait.* may not pass them$"):
            cache["a"] = bytes(100)
        assert cache.get_or_make("a", lambda: bytes(100)) == bytes(100)
        assert len(cache) == 0
        held.release()
        waiting.result(20).release()
    cache["a"] = bytes(100)
    assert len(cache) == 1


def test_making_may_use_the_cache(root: Heap) -> None:
    cache: Cache[int, int] = root.cache()

    def fibonacci(n: int) -> int:
        return (
            n
            if n < 2
            else cache.get_or_make(n - 1, lambda: fibonacci(n - 1))
            + cache.get_or_make(n - 2, lambda: fibonacci(n - 2))
        )

    assert fibonacci(60) == 1548008755920


def test_threads_that_race_get_the_value_that_was_done_first(root: Heap) -> None:
    cache: Cache[int, list[int]] = root.cache()
    barrier = threading.Barrier(8)
    made: list[int] = []

    def work(number: int) -> list[list[int]]:
        found = []
        for key in range(200):
            barrier.wait(20)
            found.append(cache.get_or_make(key, lambda: made.append(number) or [number]))  # type: ignore[func-returns-value]
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)
    for key in range(200):
        assert len({id(result[key]) for result in results}) == 1
        assert results[0][key] is cache[key]
    assert 200 <= len(made) <= 1600


def test_threads_do_not_break_it_under_pressure(root: Heap) -> None:
    cache: Cache[int, bytes] = root.cache(150)
    stop = threading.Event()
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        number = seed
        while not stop.is_set():
            number = (number * 1103515245 + 12345) % 2**31
            key = number % 200
            try:
                match number >> 8 & 7:
                    case 0 | 1:
                        cache[key] = key.to_bytes(2, "big") * KB
                    case 2:
                        cache.pop(key, None)
                    case 3:
                        cache._evict(20 * KB)
                    case 4:
                        for each, value in cache.items():
                            assert value[:2] == each.to_bytes(2, "big")
                    case _:
                        value = cache.get_or_make(key, lambda key=key: key.to_bytes(2, "big") * KB)
                        assert value[:2] == key.to_bytes(2, "big")
                        with cache.pin(key) as pinned:
                            assert pinned[:2] == key.to_bytes(2, "big")
            except (KeyError, HeapFull):
                pass
            except BaseException as error:
                errors.append(error)
                raise

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(20):
            threading.Event().wait(0.05)
            climb(root, 900 * KB)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert not errors
    assert len(cache) <= 150
    assert sorted(cache) == sorted(cache._entries)
    assert cache.statistics().pinned == 0
    cache.clear()
    gc.collect()
    assert cache.heap.live < 5 * KB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_another_thread_is_in_the_cache(python: Callable[..., Any]) -> None:
    python(
        """
        import os, threading
        from hardtack.heap import Heap
        cache = Heap("1 MiB").cache()
        cache["a"] = 1
        held, done = threading.Event(), threading.Event()
        def work():
            with cache._lock:
                held.set()
                done.wait(20)
        thread = threading.Thread(target=work)
        thread.start()
        held.wait(20)
        pid = os.fork()
        if not pid:
            cache["b"] = 2
            os._exit(0 if dict(cache) == {"a": 1, "b": 2} else 1)
        done.set()
        thread.join()
        assert os.waitpid(pid, 0)[1] == 0
        """
    )


# -- adopt
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"x" * 50_000,
        lambda: "text \N{SNOWMAN}" * 5000,
        lambda: [{str(n): (n, float(n), [n] * 10)} for n in range(300)],
        lambda: [Thing(str(n)) for n in range(50)],
        lambda: bytearray(50_000),
    ],
)
def test_a_copy_is_equal_and_belongs_to_the_heap(root: Heap, make: Callable[[], Any]) -> None:
    request = Heap("1 MiB", name="request")
    value = request.run(make)
    used = request.live
    copy = root.adopt(value)
    assert copy == value
    assert root.live >= used * 0.7
    assert request.live <= used + 3000
    expected = make()
    del value
    gc.collect()
    assert request.live < 3000
    assert copy == expected
    assert root.statistics().overruns == 0
    del copy
    gc.collect()
    assert root.live < 20 * KB


def test_what_cannot_be_copied_is_refused_and_leaves_nothing(root: Heap) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (lambda: 0, threading.Lock(), deep, (n for n in ())):
        with pytest.raises(TypeError, match="pickle cannot copy this"):
            root.adopt(value)
    while deep:
        deep = deep[0]
    assert root.live < 1000


def test_adopt_never_waits_and_evicts_nothing(root: Heap) -> None:
    cache = full_of(root.cache(), 90)
    with pytest.raises(HeapFull, match="nothing can give way"):
        root.adopt(bytes(500 * KB))
    with pytest.raises(ReservationImpossible):
        root.adopt(bytes(2000 * KB))
    assert len(cache) == 90


def test_inside_an_admitted_call_a_copy_draws_on_its_reservation(root: Heap) -> None:
    keeper, request = Heap(None, parent=root, name="keeper"), Heap(None, parent=root, name="request")
    rest = root.run(bytes, 880 * KB)
    kept: list[bytes] = []

    def call() -> int:
        body = bytes(40 * KB)
        kept.append(keeper.adopt(body))
        return held.left

    held = root.reserve_nowait(120 * KB)
    left = held.run(request, call)
    gc.collect()
    assert 20 * KB < left < 45 * KB
    assert root.last_call()[1] < 45 * KB  # what it kept is the copy alone
    assert request.live < 500
    assert keeper.live >= 40 * KB
    assert root.statistics().overruns == 0
    assert rest


def test_adopt_inside_the_very_heap(root: Heap) -> None:
    with root.reserve(100 * KB):
        copy = root.adopt(bytes(2000))
    assert copy == bytes(2000)
    with root:
        copy = root.adopt(bytes(2000))
    assert root.owns(copy)


def test_many_small_blocks_do_not_use_the_slack(root: Heap) -> None:
    rest = root.run(bytes, 1000 * KB)
    value = [float(n) for n in range(5000)]
    with pytest.raises(HeapFull):
        root.adopt(value)
    assert root.live <= 1000 * KB + 10 * KB
    assert root.statistics().failures == 0
    assert rest


# -- against a model
class Machine(RuleBasedStateMachine):
    """A cache against an OrderedDict, the least recently used first, and a dict of what is pinned."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Heap("256 KiB", name="root", slack=0)
        ladder_of(self.root).patience = 0.0
        ladder_of(self.root).patience = 0.0
        self.maxsize = 12
        self.cache: Cache[int, bytes] = self.root.cache(self.maxsize)
        self.model: OrderedDict[int, bytes] = OrderedDict()
        self.pins: list[tuple[int, Any, bytes]] = []

    keys = st.integers(0, 20)

    def pinned(self) -> set[int]:
        return {key for key, _, value in self.pins if self.model.get(key) is value}

    def follow(self) -> None:
        """What the cache dropped must be the least recently used of what was not pinned."""
        free = [key for key in self.model if key not in self.pinned()]
        gone = [key for key in self.model if key not in self.cache._entries]
        assert gone == free[: len(gone)]
        for key in gone:
            del self.model[key]

    @rule(key=keys, size=st.sampled_from([0, 100, 3000, 20_000, 60_000]))
    def store(self, key: int, size: int) -> None:
        value = bytes([key]) * size
        self.model[key] = value
        self.model.move_to_end(key)
        try:
            self.cache[key] = value
        except HeapFull:
            old = self.cache._entries.get(key)
            if old is None:
                del self.model[key]
            else:
                self.model[key] = old.value
        self.follow()

    @rule(key=keys)
    def look(self, key: int) -> None:
        if key in self.model:
            assert self.cache[key] == self.model[key]
            self.model.move_to_end(key)
        else:
            assert self.cache.get(key) is None

    @rule(key=keys, size=st.sampled_from([10, 5000]))
    def make(self, key: int, size: int) -> None:
        value = self.cache.get_or_make(key, lambda: bytes([key]) * size)
        if key in self.model:
            assert value == self.model[key]
            self.model.move_to_end(key)
        else:
            assert value == bytes([key]) * size
            self.model[key] = value
        del value
        self.follow()

    @rule(key=keys)
    def delete(self, key: int) -> None:
        assert (self.cache.pop(key, None) is None) == (self.model.pop(key, None) is None)

    @rule(key=keys)
    def pin(self, key: int) -> None:
        if key in self.model and len(self.pins) < 6:
            context = self.cache.pin(key)
            context.__enter__()
            self.pins.append((key, context, self.model[key]))

    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        if self.pins:
            key, context, value = self.pins.pop(data.draw(st.integers(0, len(self.pins) - 1)))
            context.__exit__(None, None, None)
            if self.model.get(key) is value and key not in self.pinned():
                self.model.move_to_end(key)

    @rule(share=st.floats(0, 1))
    def press(self, share: float) -> None:
        amount = int(self.root.possible * share)
        before = len(self.cache)
        enough = self.root.room >= amount
        climb(self.root, amount)
        self.follow()
        if enough:
            assert len(self.cache) == before
        elif len(self.cache) > len(self.pinned()):
            assert self.root.room >= amount

    @invariant()
    def agrees(self) -> None:
        assert len(self.cache) == len(self.model) <= self.maxsize
        pinned = self.pinned()
        assert [key for key in self.cache if key not in pinned] == [
            key for key in self.model if key not in pinned
        ]
        assert self.cache.statistics().pinned == len(pinned)
        assert self.root.reserved == 0

    def teardown(self) -> None:
        for _, context, _ in self.pins:
            context.__exit__(None, None, None)
        self.root.check()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # which goes by the clock
)
