"""What the hook and heaps cost whole workloads: in time beside tracemalloc, and in instructions.

Workloads run in processes of their own, one a way of running them (without the hook; with it, outside every
heap; inside a heap; under tracemalloc), which take turns. Such a process runs this module as its program.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from hardtack.heap import Heap
from hardtack.lab import callgrind
from hardtack.lab.rows import OURS, Row, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPEATS: Final = 3  # of a workload in one round, of which the best counts


def measure_workloads(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Time workloads: two rows each, for the hook alone and inside a heap.

    Args:
        rounds: how often; figures are medians over the rounds.
        tell: told what is being measured.
    """
    found = []
    for number in range(rounds):
        tell(f"workloads, round {number + 1} of {rounds}")
        found.append(_round(list(WORKLOADS), backwards=number % 2 == 1))
    rows = []
    for row, way in (("hook_idle", "idle"), ("hook_inside", "inside")):
        for workload in WORKLOADS:
            sides = {OURS: way, "pymalloc, no hook": "plain", "tracemalloc, 1 frame": "tracemalloc"}
            figures = {side: [each[workload][its] for each in found] for side, its in sides.items()}
            rows.append(row_of(f"{row}_{workload}", "ms", figures))
    return rows


def measure_instructions(progress: Callable[[str], None] | None = None) -> list[Row]:
    """Count the instructions of the workloads with valgrind's callgrind, which takes minutes.

    A workload is run once in one process and three times in another; half the difference is what one turn
    takes, whatever starting takes. On a reservation automatic collection is off, which saves more than the
    reservation costs.

    Args:
        progress: told what is being counted.

    Returns:
        Rows for the hook alone, inside a heap, and inside a heap on a reservation: one a workload, and one
        for all of them.

    Raises:
        FileNotFoundError: valgrind is not installed.
    """
    counts: dict[tuple[str, str], float] = {}
    for way in ("plain", *_COUNTED):
        for workload in WORKLOADS:
            if progress is not None:
                progress(f"instructions of {workload}, {way}")
            counts[way, workload] = (_instructions(way, workload, 3) - _instructions(way, workload, 1)) / 2e6
        counts[way, "all"] = sum(counts[way, workload] for workload in WORKLOADS)
    return [
        row_of(
            f"{row}_{workload}_instructions",
            "million",
            {OURS: [counts[way, workload]], "pymalloc, no hook": [counts["plain", workload]]},
        )
        for way, row in _COUNTED.items()
        for workload in (*WORKLOADS, "all")
    ]


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
                [sys.executable, "-m", "hardtack.lab.bench_heap_workloads", way],
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
    run = _way(way)
    for line in sys.stdin:
        workload = WORKLOADS[line.strip()]
        gc.collect()
        begin = time.process_time_ns()
        run(workload)
        sys.stdout.write(f"{(time.process_time_ns() - begin) / 1e6}\n")
        sys.stdout.flush()


def _way(way: str) -> Callable[[Callable[[], None]], object]:
    """Return what runs a workload in this process in one of the ways."""
    if way == "tracemalloc":
        tracemalloc.start(1)
    if way in ("plain", "tracemalloc"):
        return lambda workload: workload()
    heap = Heap("256 MiB", name="bench")
    if way == "idle":
        return lambda workload: workload()
    if way == "inside":
        return heap.run
    return lambda workload: heap.reserve("128 MiB").run(heap, workload)


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


_COUNTED: Final = {"idle": "hook_idle", "inside": "hook_inside", "reserved": "hook_reserved"}


def _instructions(way: str, workload: str, turns: int) -> int:
    return callgrind.count("hardtack.lab.bench_heap_workloads", way, workload, str(turns))


def _main(way: str, workload: str = "", turns: str = "0") -> None:
    if not workload:
        _serve(way)
    run = _way(way)
    for _ in range(int(turns)):
        gc.collect()
        gc.freeze()  # so that automatic collections come at the same moments in every turn
        run(WORKLOADS[workload])


if __name__ == "__main__":
    _main(*sys.argv[1:])
