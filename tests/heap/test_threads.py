"""One thread inside a heap, others outside or in heaps of their own; and whole workloads inside."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = json.dumps({f"key {n}": {"numbers": list(range(n)), "text": "x" * n} for n in range(60)})


def json_round_trips() -> None:
    for _ in range(20):
        thing = json.loads(DOCUMENT)
        assert json.dumps(thing) == DOCUMENT


def patterns() -> None:
    for n in range(100):
        pattern = re.compile(rf"(?P<word>\w{{{n}}})|[^a-z]{{{n % 7}}}")
        assert pattern.sub("", DOCUMENT) is not None
    re.purge()


def tables() -> None:
    table: dict[object, object] = {}
    for n in range(20_000):
        table[n] = (n, [n], {n: n}, str(n), float(n))
        if n % 3 == 0:
            del table[n]
    assert len({tuple(row) for row in ([k, 1] for k in table)}) == len(table)


def objects_in_cycles() -> None:
    class Node:
        def __init__(self, other: object) -> None:
            self.other = other
            self.me = self
            self.text = "x" * 50

    node: object = None
    for _ in range(5000):
        node = Node(node)


WORKLOADS = [json_round_trips, patterns, tables, objects_in_cycles]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_inside_returns_to_where_it_began(workload: Callable[[], None]) -> None:
    heap = Heap("256 MiB")
    heap.run(workload)  # what CPython and the modules keep for good: caches, interned strings, free lists
    gc.collect()
    heap.check()
    first = heap.live
    heap.reset_peak()
    for _ in range(3):
        heap.run(workload)
        gc.collect()
    heap.check()
    assert heap.peak - first > 50_000
    assert abs(heap.live - first) < 20_000  # CPython's free lists differ by a little
    assert first < 600_000


def test_one_thread_inside_does_not_charge_the_others(heap: Heap) -> None:
    inside, go = threading.Event(), threading.Event()
    things: list[object] = [None, None]

    def stay_inside() -> None:
        with heap:
            inside.set()
            go.wait(20)
            things[0] = bytes(1000)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    inside.wait(20)
    live = heap.live
    things[1] = bytes(100_000)
    assert heap.live == live
    go.set()
    thread.join()
    assert heap.owns(things[0])
    assert not heap.owns(things[1])


def test_a_heap_is_left_on_the_thread_that_entered_it(heap: Heap) -> None:
    entered, go = threading.Event(), threading.Event()

    def stay_inside() -> None:
        with heap:
            entered.set()
            go.wait(20)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    entered.wait(20)
    with pytest.raises(RuntimeError, match="on the same thread"):
        heap.__exit__(None, None, None)
    go.set()
    thread.join()


def test_a_reservation_is_entered_by_one_thread_at_a_time(heap: Heap) -> None:
    reservation = heap.reserve(100_000)
    entered, go = threading.Event(), threading.Event()

    def stay_inside() -> None:
        with reservation:
            entered.set()
            go.wait(20)

    thread = threading.Thread(target=stay_inside)
    thread.start()
    entered.wait(20)
    for call in (reservation.__enter__, reservation.release, lambda: reservation.__exit__(None)):
        with pytest.raises(RuntimeError):
            call()
    assert heap.live + heap.reserved >= 100_000
    go.set()
    thread.join()
    assert reservation.released


def test_a_heap_that_is_dropped_while_a_thread_is_inside_lives_until_it_leaves() -> None:
    parent = Heap("8 MiB")
    inside, go = threading.Event(), threading.Event()
    kept: list[object] = [None]

    def stay_inside(child: list[Heap]) -> None:
        with child.pop():
            inside.set()
            go.wait(20)
            kept[0] = bytes(1000)

    children = [Heap(None, parent=parent)]
    thread = threading.Thread(target=stay_inside, args=(children,))
    thread.start()
    inside.wait(20)
    assert not children
    gc.collect()
    go.set()
    thread.join()
    assert parent.live >= 1280
    kept.clear()
    parent.check()


def test_threads_in_heaps_of_their_own_keep_their_books_apart() -> None:
    root = Heap("256 MiB")
    heaps = [Heap(None, parent=root) for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(heap: Heap) -> int:
        barrier.wait(20)
        kept = []
        for n in range(200):
            with heap:
                thing = bytes(10_000 + n)
            kept.append(thing)
            heap.run(tables) if n % 100 == 0 else None
        return len(kept)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, heaps)) == [200] * 4
    gc.collect()
    root.check()
    assert sum(heap.live for heap in heaps) == root.live


def test_a_thread_that_starts_inside_is_outside(heap: Heap) -> None:
    made: list[object] = [None]

    def make() -> None:
        made[0] = bytes(1000)

    with heap:
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
    assert not heap.owns(made[0])


FIRST_HEAPS = """
import sys, threading
from hardtack.heap import Heap

def make():
    barrier.wait()
    heap = Heap("1 MiB")
    with heap:
        block = bytes(1000)
    made.append(heap.live > 1000)

sys.setswitchinterval(1e-6)
barrier, made = threading.Barrier(8), []
threads = [threading.Thread(target=make) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert made == [True] * 8
"""


def test_the_first_heaps_of_a_process_may_be_made_at_once() -> None:
    for _ in range(5):
        subprocess.run([sys.executable, "-c", FIRST_HEAPS], check=True, timeout=30)
