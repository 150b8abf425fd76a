"""Heaps as Prometheus metrics: `hardtack.integrations.prometheus`."""

from __future__ import annotations

import gc
import weakref
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hardtack.heap import Heap
from hardtack.integrations.prometheus import Collector, label_of

if TYPE_CHECKING:
    from collections.abc import Callable


def scrape(*heaps: Heap, below: bool = False) -> dict[tuple[str, str], float]:
    """What Prometheus would read, by name and label."""
    registry = CollectorRegistry()
    registry.register(Collector(*heaps, below=below))
    text = generate_latest(registry).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, sample.labels["heap"]): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def test_every_figure_of_the_statistics_is_there_with_its_unit(heap: Heap) -> None:
    kept = heap.run(bytes, 100_000)
    reservation = heap.reserve("64 KiB")
    found = scrape(heap)
    books = heap.statistics()
    reservation.release()
    assert {name: value for (name, _), value in found.items()} == {
        "hardtack_heap_capacity_bytes": books.capacity,
        "hardtack_heap_live_bytes": books.live,
        "hardtack_heap_peak_bytes": books.peak,
        "hardtack_heap_reserved_bytes": 65536,
        "hardtack_heap_slack_bytes": books.slack,
        "hardtack_heap_spilled_bytes": 0,
        "hardtack_heap_footprint_bytes": books.footprint,
        "hardtack_heap_waiters": 0,
        "hardtack_heap_allocations_total": books.allocations,
        "hardtack_heap_frees_total": books.frees,
        "hardtack_heap_failures_total": 0,
        "hardtack_heap_overruns_total": 0,
        "hardtack_heap_overrun_bytes_total": 0,
        "hardtack_heap_leaked_reservations_total": 0,
        "hardtack_heap_waits_granted_total": 0,
        "hardtack_heap_evicted_entries_total": 0,
        "hardtack_heap_killed_groups_total": 0,
    }
    assert len(found) == len(fields(books))
    assert {label for _, label in found} == {"test"}
    assert found["hardtack_heap_live_bytes", "test"] >= len(kept)


def test_an_unlimited_heap_has_no_capacity() -> None:
    heap = Heap(None, name="unlimited")
    found = scrape(heap)
    assert ("hardtack_heap_capacity_bytes", "unlimited") not in found
    assert found["hardtack_heap_live_bytes", "unlimited"] == 0


def test_heaps_below_are_shown_if_that_is_asked_for(heap: Heap) -> None:
    tenant = Heap("1 MiB", name="tenant a", parent=heap)
    inner = Heap(None, name="request", parent=tenant)
    assert label_of(inner) == "test/tenant a/request"
    assert {label for _, label in scrape(heap)} == {"test"}
    found = {label for _, label in scrape(heap, tenant, below=True)}
    assert found == {"test", "test/tenant a", "test/tenant a/request"}


def test_children_of_one_name_are_shown_as_one(heap: Heap) -> None:
    first, second = heap.cache(), heap.cache()
    first["a"] = second["b"] = bytes(10_000)
    found = scrape(heap, below=True)
    live = first.heap.live + second.heap.live
    assert found["hardtack_heap_live_bytes", "test/cache of test"] == live


def test_evictions_and_kills_are_counted() -> None:
    heap = Heap("1 MiB", name="service")
    kept: list[bytes] = []
    tenant = Heap(None, name="tenant", parent=heap, kill=lambda _: kept.clear())
    cache = heap.cache()
    for number in range(4):
        cache[number] = bytes(100_000)
    kept.append(tenant.run(bytes, 400_000))
    heap.reserve("800 KiB").release()
    found = scrape(heap)
    assert found["hardtack_heap_evicted_entries_total", "service"] == 4
    assert found["hardtack_heap_killed_groups_total", "service"] == 1
    assert (heap.statistics().evicted, heap.statistics().killed) == (4, 1)
    assert (tenant.statistics().evicted, tenant.statistics().killed) == (0, 1)


def test_two_heaps_with_one_label_are_refused(heap: Heap) -> None:
    collector = Collector(heap)
    collector.add(heap)
    with pytest.raises(ValueError, match="two heaps are called 'test'"):
        collector.add(Heap("1 MiB", name="test"))
    child = Heap(None, name="test", parent=heap)
    collector.add(child)


def test_it_keeps_no_heap_alive() -> None:
    heap = Heap("1 MiB", name="short-lived")
    registry = CollectorRegistry()
    collector = Collector(heap)
    registry.register(collector)
    generate_latest(registry)
    gone: weakref.ref[Heap] = weakref.ref(heap)
    del heap
    gc.collect()
    assert gone() is None
    assert b"short-lived" not in generate_latest(registry)
    collector.add(Heap("1 MiB", name="short-lived"))  # its name is free again


def test_a_scrape_costs_the_heap_nothing(heap: Heap) -> None:
    before = heap.statistics().allocations
    scrape(heap)
    assert heap.statistics().allocations == before


def test_without_the_library_it_says_what_to_install(python: Callable[..., object]) -> None:
    python("""
        import sys
        sys.modules["prometheus_client"] = sys.modules["prometheus_client.core"] = None
        try:
            import hardtack.integrations.prometheus
        except ImportError as error:
            assert "pip install 'hardtack[prometheus]'" in str(error), error
        else:
            raise AssertionError
    """)
