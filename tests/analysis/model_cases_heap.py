"""Calls of the native heap that the kernel's operations make: entering one, and asking for its figures."""

from __future__ import annotations

import operator

from model_cases import Given, measured
from model_cases_containers import fresh

from hardtack.heap import Heap

HEAPS = [
    Heap("1 MiB", name="empty"),
    Heap(None, name="boundless"),
    Heap("1 MiB", name="failing", on_exhaustion="fail"),
]
FULL = Heap("64 KiB", name="full", on_exhaustion="fail")
KEPT = FULL.run(bytes, 60_000)


def entered(heap: Heap, kind: object = None, error: object = None, trace: object = None) -> None:
    heap.__enter__()
    heap.__exit__(kind, error, trace)


ALL = [(heap,) for heap in (*HEAPS, FULL)]
measured("hardtack.heap._native.Heap.__enter__", entered, *ALL)
measured(
    "hardtack.heap._native.Heap.__exit__",
    entered,
    *((heap, None, None, None) for heap in (*HEAPS, FULL)),
    (HEAPS[0], ValueError, ValueError(), None),
)
for name in ("capacity", "live", "peak", "reserved", "held", "slack", "footprint", "spilled", "free", "room"):
    measured(f"hardtack.heap._native.Heap.{name}", operator.attrgetter(name), *ALL)
measured("hardtack.heap._native.Heap.run", Heap.run, *((heap, fresh, 700) for heap in HEAPS))
measured(
    "hardtack.heap.Heap",
    Heap,
    Given(None, name="made"),
    Given(None, name="made", parent=HEAPS[0]),
    Given("20 KiB", name="made", parent=HEAPS[0], slack=0),
    Given(None, name="made", parent=HEAPS[0], kill=print, protected=True),
    Given("16 MiB", name="made", on_exhaustion="fail", slack=20_000, kill=print, strict=True),
)
