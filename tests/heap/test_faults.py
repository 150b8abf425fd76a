"""Injected faults: the n-th allocation fails, and the books balance afterwards."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from hardtack.heap import Heap

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


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


OUR_OWN_PATHS = """
import gc, logging, sys, types
from _testcapi import remove_mem_hooks, set_nomemory
from hardtack.errors import BoundExceeded, ReservationImpossible, WouldBlock
from hardtack.heap import Heap, _native, black_box  # which makes a heap of its own

logger = logging.getLogger("hardtack.heap")
logger.addHandler(logging.NullHandler())
logger.propagate = False
sys.unraisablehook = lambda unraisable: None
root = Heap("1 MiB", name="root")
strict = Heap("1 MiB", name="strict", strict=True)
tenant = Heap("512 KiB", name="tenant", parent=root)

@types.coroutine
def pause():
    yield

async def work():
    with root.reserve_nowait(5000):
        await pause()

def dropped_half_way():
    _native.Coroutine(work(), root.reserve_nowait(20_000)).send(None)

def to_its_end():
    coroutine = _native.Coroutine(work(), root.reserve_nowait(20_000, also=(tenant,)))
    try:
        coroutine.send(None)
        coroutine.send(None)
    except StopIteration:
        pass

def never_begun():
    coroutine = work()
    try:
        _native.Coroutine(coroutine, root.reserve_nowait(20_000))
    finally:
        coroutine.close()

def thrown_into():
    coroutine = root.wrap(work())
    coroutine.send(None)
    try:
        coroutine.throw(ValueError)
    except ValueError:
        pass

def refused():
    for amount in (root.possible, 5000):
        try:
            with root.reserve_nowait(1000):
                root.reserve(amount, also=(tenant,))
        except (ReservationImpossible, WouldBlock):
            pass

def overrun():
    root.admit(root, 1000, bytes, 20_000)

def overrun_of_the_strict():
    try:
        strict.admit(strict, 1000, bytes, 20_000)
    except BoundExceeded:
        pass

def leaked():
    root.reserve_nowait(1000)

def carved():
    with root.reserve_nowait(10_000, also=[tenant]), root.reserve_nowait(1000):
        pass

def looked_at():
    with root.reserve_nowait(1000):
        root._reservations(), root._children()

def made():
    Heap("1 MiB", parent=root)

called = root.call(10_000)(bytes)

def call():
    called(100)

for path in (dropped_half_way, to_its_end, never_begun, thrown_into, refused, overrun, overrun_of_the_strict,
             leaked, carved, looked_at, made, call):
    path()
    path()
    gc.collect()
    census = _native.census()
    faults = 0
    for nth in range(1, 90):
        set_nomemory(nth, nth + 1)
        try:
            path()
        except (MemoryError, SystemError):  # CPython 3.12 loses the error in some places of its own
            faults += 1
        finally:
            remove_mem_hooks()
        for heap in (root, strict, tenant):
            heap.check()
            assert (heap.reserved, heap.held) == (0, 0), (path.__name__, nth, heap.reserved)
        assert gc.isenabled()
        assert not _native.in_reservation()
        assert not _native.in_coroutine()
        assert not any(heap.owns(bytes(1000)) for heap in (root, strict, tenant))
    assert faults < 300, path.__name__
    gc.collect()
    assert _native.census() == census, path.__name__
"""


def test_whichever_allocation_of_our_own_fails_the_books_balance(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Errors, logging, coroutines and reservations are made outside every heap, where memory can fail as well."""
    python(OUR_OWN_PATHS, timeout=60)


WAITING = """
import gc, logging, sys
from _testcapi import remove_mem_hooks, set_nomemory
from hardtack.errors import ReservationTimeout
from hardtack.heap import Heap, _native, black_box, explaining, waiting  # which make heaps of their own
from hardtack.heap.reclaim import ladder_of
from hardtack.heap.waiting import tree_of

logger = logging.getLogger("hardtack.heap")
logger.addHandler(logging.NullHandler())
logger.propagate = False
sys.unraisablehook = lambda unraisable: None
waiting.PATIENCE_SECONDS = 0.0
root = Heap("1 MiB", name="root", slack=0)
ladder = ladder_of(root)
ladder.patience = 0.0
blocks = []

@root.shrinker
def shrink(wanted):
    blocks.clear()

cache = root.cache()

def time_runs_out():
    rest = root.run(bytes, 900_000)
    try:
        root.reserve(500_000, timeout=0)
    except ReservationTimeout:
        pass

def a_shrinker_gives():
    blocks.append(root.run(bytes, 900_000))
    root.reserve(500_000).release()

def stored():
    cache["key"] = ["value" * 100]
    with cache.pin("key"):
        cache["key"] = ["other" * 100]
    cache.get_or_make("made", lambda: ["made" * 100])
    cache.clear()

def a_cache_gives():
    for key in range(8):
        cache[key] = bytes(100_000)
    root.reserve(900_000).release()

def adopted():
    root.adopt(["value" * 100])

def looked_at():
    root.explain(), root.statistics(), root.black_box()

for path in (time_runs_out, a_shrinker_gives, stored, a_cache_gives, adopted, looked_at):
    path()
    path()
    cache.clear()
    gc.collect()
    gc.freeze()
    reservations = _native.census()[1]
    faults = nth = quiet = 0
    while quiet < 100:  # so many places in a row where no fault fires: the path is shorter than that
        nth += 1
        quiet += 1
        set_nomemory(nth, nth + 1)
        try:
            path()
        except (MemoryError, SystemError, RuntimeError):  # CPython's own: lost errors; "can't allocate lock"
            faults += 1
            quiet = 0
        finally:
            remove_mem_hooks()
        blocks.clear()
        cache.check()
        cache.clear()
        gc.collect()
        root.check()
        assert (root.reserved, root.held, root.statistics().waiters) == (0, 0, 0), (path.__name__, nth, root)
        assert cache.statistics().pinned == 0
        assert not cache._lock._is_owned()
        assert not tree_of(root)._reclaimer, (path.__name__, nth)
        assert not tree_of(root)._server, (path.__name__, nth)
        assert not _native.in_reservation()
        root.reserve(900_000, timeout=0).release()
    assert faults > 10, (path.__name__, faults, nth)
    gc.collect()
    assert _native.census()[1] == reservations, path.__name__
"""


@pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="CPython 3.12 and 3.13 crash where there is no memory for a function (PyFunction_NewWithQualName)",
)
def test_whichever_allocation_of_a_wait_or_a_cache_fails_the_books_balance(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Waiting, the ladder, caches and reports are Python, which allocates at every step."""
    python(WAITING)
