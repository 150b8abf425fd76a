"""What `hardtack bench heap` measures; the figures themselves are for people to judge."""

from __future__ import annotations

import shutil

import pytest

from hardtack.lab import bench_heap, bench_heap_contention, bench_heap_workloads


def test_operations_are_measured_beside_their_peers() -> None:
    rows = {row.name: row for row in bench_heap.measure_operations(1, lambda _: None)}
    peers = {
        "threading.Semaphore",
        "threading.BoundedSemaphore",
        "asyncio.Semaphore",
        "anyio.CapacityLimiter",
    }
    assert peers <= set(rows["reserve_release"].peers)
    assert rows["reserve_release"].unit == "ns"
    assert rows["reserve_release"].ratio["threading.Semaphore"] < 0.5  # the aim is 0.05


def test_contention_is_measured_beside_its_peers() -> None:
    rows = {row.name: row for row in bench_heap_contention.measure_contention(1, lambda _: None)}
    assert set(rows["contended_8_threads"].peers) == {"threading.Semaphore", "threading.BoundedSemaphore"}
    assert set(rows["contended_1000_tasks"].peers) == {"asyncio.Semaphore", "anyio.CapacityLimiter"}
    assert all(row.ours > 0 and row.unit == "us" for row in rows.values())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_are_counted() -> None:
    one, three = (bench_heap_workloads._instructions("inside", "json", turns) for turns in (1, 3))
    assert three > one
