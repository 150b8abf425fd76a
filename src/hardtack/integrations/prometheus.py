"""Heaps as Prometheus metrics.

    >>> from prometheus_client import CollectorRegistry
    >>> from hardtack.heap import Heap
    >>> from hardtack.integrations.prometheus import Collector
    >>> heap = Heap("16 MiB", name="service")
    >>> registry = CollectorRegistry()
    >>> registry.register(Collector(heap))
    >>> registry.get_sample_value("hardtack_heap_capacity_bytes", {"heap": "service"})
    16777216

Every metric has the label `heap`: the heap's name behind those of the heaps above it, as in
"service/tenant a". What is read is `Heap.statistics()`, at a scrape; in between, nothing is done.

A collector keeps no heap alive: the series of one that is gone end.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector as _Collector
except ImportError as error:
    message = "hardtack.integrations.prometheus needs prometheus-client: pip install 'hardtack[prometheus]'"
    raise ImportError(message, name="prometheus_client") from error

from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

_GAUGES: Final = {
    "capacity_bytes": (
        "capacity",
        "The most bytes that the heap may hold; absent if it has no limit of its own.",
    ),
    "live_bytes": ("live", "Bytes allocated now, in the heap and those below it."),
    "peak_bytes": ("peak", "The most bytes that were ever live."),
    "reserved_bytes": ("reserved", "Bytes set aside by reservations and not drawn."),
    "slack_bytes": ("slack", "Bytes of the capacity that only overruns may use."),
    "spilled_bytes": (
        "spilled",
        "Bytes of small blocks beside the heap, for it was full when they were made.",
    ),
    "footprint_bytes": ("footprint", "Address space held for the heap; what is not live is fragmentation."),
    "waiters": ("waiters", "Reservations on the heap that wait now."),
}
_COUNTERS: Final = {
    "allocations": ("allocations", "Blocks allocated in the heap itself."),
    "frees": ("frees", "Blocks of the heap freed."),
    "failures": ("failures", "Allocations that were refused."),
    "overruns": ("overruns", "Calls that went beyond their reservation."),
    "overrun_bytes": ("overrun_bytes", "Bytes by which calls went beyond their reservations."),
    "leaked_reservations": ("leaked", "Reservations that were dropped without being released."),
    "waits_granted": ("granted", "Reservations that had to wait and were granted."),
    "evicted_entries": ("evicted", "Entries that caches of the heap, and of those below it, have dropped."),
    "killed_groups": ("killed", "Groups of the heap's whole tree that were killed to free memory."),
}


class Collector(_Collector):
    """Heaps as metrics, for a registry of prometheus_client.

    Args:
        heaps: those to be shown, and with `below` all below them that exist at the moment of a scrape.
        below: whether to show those as well. Where tenants come and go, so do their series. Those of the same
            name below the same heap (its caches, for one) are shown as one, with their sums.

    Raises:
        ValueError: two heaps would have the same label.
    """

    def __init__(self, *heaps: Heap, below: bool = False) -> None:
        self._heaps: list[weakref.ref[Heap]] = []
        self._below = below
        for heap in heaps:
            self.add(heap)

    def add(self, heap: Heap) -> None:
        """Show one more heap.

        Raises:
            ValueError: another one has the same label.
        """
        label = label_of(heap)
        others = [other for reference in self._heaps if (other := reference()) is not None]
        if any(other is not heap and label_of(other) == label for other in others):
            raise ValueError(f"two heaps are called {label!r}: metrics need names of their own")
        if not any(other is heap for other in others):
            others.append(heap)
        self._heaps = [weakref.ref(other) for other in others]

    def describe(self) -> Iterator[Metric]:
        """Yield the metrics without figures, so that registering a collector reads no heap."""
        yield from _families().values()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all heaps that still exist. Those with one label are shown as one, summed."""
        families = _families()
        for label, heaps in self._shown().items():
            books = [heap.statistics() for heap in heaps]
            for name, (attribute, _) in {**_GAUGES, **_COUNTERS}.items():
                values = [value for each in books if (value := getattr(each, attribute)) is not None]
                if values:  # the kills are those of the tree, which they all are in
                    families[name].add_metric([label], max(values) if attribute == "killed" else sum(values))
        yield from families.values()

    def _shown(self) -> dict[str, list[Heap]]:
        """Return the heaps to show, by label."""
        todo = [heap for reference in self._heaps if (heap := reference()) is not None]
        shown: dict[int, Heap] = {}
        for heap in todo:  # which grows meanwhile
            shown[id(heap)] = heap
            if self._below:
                todo.extend(heap._children())
        by_label: dict[str, list[Heap]] = {}
        for heap in shown.values():
            by_label.setdefault(label_of(heap), []).append(heap)
        return by_label


def label_of(heap: Heap) -> str:
    """Return a heap's label: its name, behind those of the heaps above it.

    Example:
        >>> service = Heap("16 MiB", name="service")
        >>> label_of(Heap(None, name="tenant a", parent=service))
        'service/tenant a'
    """
    names = [heap.name]
    while heap.parent is not None:
        heap = heap.parent
        names.append(heap.name)
    return "/".join(reversed(names))


def _families() -> dict[str, GaugeMetricFamily | CounterMetricFamily]:
    families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
    for name, (_, text) in _GAUGES.items():
        families[name] = GaugeMetricFamily(f"hardtack_heap_{name}", text, labels=["heap"])
    for name, (_, text) in _COUNTERS.items():
        families[name] = CounterMetricFamily(f"hardtack_heap_{name}", text, labels=["heap"])
    return families


__all__ = ["Collector", "label_of"]
