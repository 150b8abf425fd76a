"""Heaps and reservations beside semaphores, limiters, locks, CPython's own allocator and tracemalloc.

Single operations are timed here, in loops on this thread, all of a round one after the other, less an empty
loop. What it costs where many want the same bytes is `bench_heap_contention`'s to measure, and what a whole
program pays `bench_heap_workloads`'. Orders alternate, and CPU time is taken, so that what else the machine
does weighs on all sides alike.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hardtack.heap import Heap
from hardtack.lab.bench_heap_contention import measure_contention, run_coroutine
from hardtack.lab.bench_heap_workloads import measure_workloads
from hardtack.lab.rows import OURS, Row, row_of

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPS: Final = 20_000  # turns of an operation in one loop
REPEATS: Final = 3  # of a loop in one round, of which the best counts


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure single operations, then workloads.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured, and which peer is left out.

    Returns:
        A row an operation, with the peers that are installed; a row a kind of contention; two rows a
        workload, for the hook alone and inside a heap.
    """
    tell = progress or (lambda _: None)
    # Ctrl-C drops the reservation of the turn that it strikes, which is no leak to tell of.
    logging.getLogger("hardtack.heap").setLevel(logging.ERROR)
    return [
        *measure_operations(rounds, tell),
        *measure_contention(rounds, tell),
        *measure_workloads(rounds, tell),
    ]


_LOOP: Final = """
{kind} loop(count):
    begin = process_time_ns()
    for _ in repeat(None, count):
        {statement}
    return (process_time_ns() - begin) / count
"""


@dataclass
class _Operation:
    """A statement that is timed in a loop, written out as source so that nothing is called around it."""

    row: str
    side: str
    statement: str
    names: dict[str, object] = field(default_factory=dict)
    loops: int = LOOPS

    def __post_init__(self) -> None:
        self.asynchronous = "await" in self.statement or self.side.startswith("anyio")
        kind = "async def" if self.asynchronous else "def"
        scope: dict[str, Any] = {"process_time_ns": time.process_time_ns, **self.names}
        exec("from itertools import repeat" + _LOOP.format(kind=kind, statement=self.statement), scope)
        self.loop: Callable[[int], Any] = scope["loop"]

    def nanoseconds(self) -> float:
        """Return the ns of one turn: the best of a few loops, for nothing makes it faster than it is."""
        if self.asynchronous:
            return float(min(run_coroutine(self.loop(self.loops)) for _ in range(REPEATS)))
        return float(min(self.loop(self.loops) for _ in range(REPEATS)))


def _noop() -> None:
    pass


def _operations(tell: Callable[[str], None]) -> list[_Operation]:
    heap = Heap("64 MiB", name="bench")
    ours = {
        "heap": heap,
        "reserve": heap.reserve_nowait,
        "admit": heap.admit,
        "child": Heap(None, name="child", parent=heap),
        "noop": _noop,
    }
    semaphore, bounded = threading.Semaphore(1 << 20), threading.BoundedSemaphore(1 << 20)
    awaited = asyncio.Semaphore(1 << 20)
    operations = [
        _Operation("reserve_release", OURS, "reserve(4096).release()", ours),
        _Operation("reserve_release", "threading.Semaphore", "acquire(); release()", _pair(semaphore)),
        _Operation("reserve_release", "threading.BoundedSemaphore", "acquire(); release()", _pair(bounded)),
        _Operation("reserve_release", "asyncio.Semaphore", "await acquire(); release()", _pair(awaited)),
        _Operation("with_reserve", OURS, "with heap.reserve(4096): pass", ours),
        _Operation("with_reserve", "threading.Semaphore", "with semaphore: pass", {"semaphore": semaphore}),
        _Operation("admit_noop", OURS, "admit(child, 4096, noop)", ours),
        _Operation("admit_noop", "plain call", "noop()", ours),
        _Operation("with_heap", OURS, "with heap: pass", ours),
        _Operation("with_heap", "threading.Lock", "with lock: pass", {"lock": threading.Lock()}),
    ]
    if importlib.util.find_spec("anyio") is None:
        tell("anyio is not installed: left out")
        return operations
    import anyio

    limiter: dict[str, object] = {"limiter": anyio.CapacityLimiter(1 << 20)}
    return [
        *operations,
        _Operation(
            "reserve_release",
            "anyio.CapacityLimiter",
            "await limiter.acquire(); limiter.release()",
            limiter,
            LOOPS // 10,
        ),
        _Operation(
            "reserve_release",
            "anyio, acquire_nowait",
            "limiter.acquire_nowait(); limiter.release()",
            limiter,
        ),
    ]


def _pair(
    semaphore: threading.Semaphore | asyncio.Semaphore,
) -> dict[str, object]:
    return {"acquire": semaphore.acquire, "release": semaphore.release}


def measure_operations(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Time single operations, each with its peers; see `measure`."""
    operations = _operations(tell)
    empty = _Operation("", "", "pass")
    figures: dict[str, dict[str, list[float]]] = {}
    for operation in operations:
        figures.setdefault(operation.row, {})[operation.side] = []
    for number in range(rounds):
        tell(f"operations, round {number + 1} of {rounds}")
        less = empty.nanoseconds()
        for operation in operations if number % 2 else reversed(operations):
            figures[operation.row][operation.side].append(max(operation.nanoseconds() - less, 1.0))
    return [row_of(name, "ns", sides) for name, sides in figures.items()]
