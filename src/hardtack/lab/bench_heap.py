"""Heaps and reservations beside semaphores, limiters, locks and tracemalloc.

Single operations are timed in loops on this thread, all of a round one after the other, less an empty loop.
Whole workloads run in processes of their own, one a way of running them (without the hook; with it, outside
every heap; inside a heap; under tracemalloc), which take turns. Orders alternate, and CPU time is taken, so
that what else the machine does weighs on all sides alike.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hardtack.heap import Heap
from hardtack.lab.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OURS: Final = "ours"
LOOPS: Final = 20_000  # turns of an operation in one loop
REPEATS: Final = 3  # of a loop or a workload in one round, of which the best counts


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure single operations, then workloads.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured, and which peer is left out.

    Returns:
        A row an operation, with the peers that are installed; two rows a workload, for the hook alone and
        inside a heap.
    """
    tell = progress or (lambda _: None)
    return _measure_operations(rounds, tell) + _measure_workloads(rounds, tell)


def _row(name: str, unit: str, figures: Mapping[str, Sequence[float]]) -> Row:
    """Make a row of each side's figures, one a round."""
    ours = figures[OURS]
    medians = {side: statistics.median(found) for side, found in figures.items() if side != OURS}
    ratios = {
        peer: statistics.median(mine / theirs for mine, theirs in zip(ours, figures[peer], strict=True))
        for peer in medians
    }
    return Row(name, unit, statistics.median(ours), (min(ours), max(ours)), medians, ratios)


# ---------------------------------------------------------------- single operations

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
            return float(min(asyncio.run(self.loop(self.loops)) for _ in range(REPEATS)))
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


def _measure_operations(rounds: int, tell: Callable[[str], None]) -> list[Row]:
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
    return [_row(name, "ns", sides) for name, sides in figures.items()]


# ---------------------------------------------------------------- workloads


class _Slotted:
    __slots__ = ("left", "right", "value")

    def __init__(self, left: object, right: object, value: int) -> None:
        self.left = left
        self.right = right
        self.value = value


class _Plain:
    def __init__(self, name: str, value: int) -> None:
        self.name = name
        self.value = value


def _objects() -> None:
    """Make and drop instances, tuples, numbers and text."""
    for _ in range(8):
        kept = [_Slotted(_Plain(str(n), n), (n, n + 0.5), n * n) for n in range(4000)]
        kept.sort(key=lambda node: -node.value)


def _churn() -> None:
    """Grow and empty tables."""
    table: dict[object, object] = {}
    for turn in range(6):
        for n in range(5000):
            table[n] = [n, turn]
            if n & 3 == 0:
                table.pop(n // 2, None)
        rows = [list(row) for row in table.items()]
        for row in rows:
            row.append(len(row))
        table = dict(zip(range(len(rows)), rows, strict=True)) if turn & 1 else {}


_DOCUMENT: Final = {
    str(n): {"name": f"row {n}", "values": list(range(n % 40)), "on": None} for n in range(800)
}


def _json() -> None:
    """Write and read a document."""
    for _ in range(4):
        json.loads(json.dumps(_DOCUMENT))


WORKLOADS: Final = {"objects": _objects, "churn": _churn, "json": _json}
_WAYS: Final = ("plain", "idle", "inside", "tracemalloc")


class _Child:
    """A process that runs workloads in one way, on demand."""

    def __init__(self, way: str, stack: ExitStack) -> None:
        self.process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "hardtack.lab.bench_heap", way],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                process_group=0,  # out of reach of a terminal's Ctrl-C
            )
        )
        stack.callback(self.process.kill)

    def milliseconds(self, workload: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(workload + "\n")
        return float(self.process.stdout.readline())


def _serve(way: str) -> None:
    """Be such a process: read the names of workloads, write what they took."""
    heap = None
    if way == "tracemalloc":
        tracemalloc.start(1)
    elif way != "plain":
        heap = Heap("256 MiB", name="bench")
    for line in sys.stdin:
        workload = WORKLOADS[line.strip()]
        gc.collect()
        begin = time.process_time_ns()
        if way == "inside" and heap is not None:
            heap.run(workload)
        else:
            workload()
        sys.stdout.write(f"{(time.process_time_ns() - begin) / 1e6}\n")
        sys.stdout.flush()


def _round(workloads: Sequence[str], backwards: bool) -> dict[str, dict[str, float]]:
    """Run each workload in each way, in new processes; return the best of a few turns, in ms."""
    with ExitStack() as stack:
        children = {way: _Child(way, stack) for way in _WAYS}
        order = list(reversed(children)) if backwards else list(children)
        found = {}
        for workload in workloads:
            for way in order:
                children[way].milliseconds(workload)  # what is slow once: caches, first pages
            best = dict.fromkeys(_WAYS, float("inf"))
            for _ in range(REPEATS):
                for way in order:
                    best[way] = min(best[way], children[way].milliseconds(workload))
            found[workload] = best
    return found


def _measure_workloads(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    found = []
    for number in range(rounds):
        tell(f"workloads, round {number + 1} of {rounds}")
        found.append(_round(list(WORKLOADS), backwards=number % 2 == 1))
    rows = []
    for row, way in (("hook_idle", "idle"), ("hook_inside", "inside")):
        for workload in WORKLOADS:
            sides = {OURS: way, "plain CPython": "plain", "tracemalloc, 1 frame": "tracemalloc"}
            figures = {side: [each[workload][its] for each in found] for side, its in sides.items()}
            rows.append(_row(f"{row}_{workload}", "ms", figures))
    return rows


if __name__ == "__main__":
    _serve(sys.argv[1])
