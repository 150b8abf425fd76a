"""Heaps and reservations beside semaphores, limiters, locks, CPython's own allocator and tracemalloc.

Single operations are timed in loops on this thread, all of a round one after the other, less an empty loop.
Under contention (8 threads, or 1,000 tasks) it is the whole that is timed, waits included, for one turn of
each: it acquires, works, releases. The work of a thread gives up the GIL, as input and output do, so the
others really come to wait; or computes, so that they only do when the interpreter switches threads.
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
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from hardtack.heap import Heap
from hardtack.lab.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    _Work: TypeAlias = Callable[[], object]
    _Turn: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

OURS: Final = "ours"
LOOPS: Final = 20_000  # turns of an operation in one loop
REPEATS: Final = 3  # of a loop or a workload in one round, of which the best counts


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
    return [
        *_measure_operations(rounds, tell),
        *_measure_contention(rounds, tell),
        *_measure_workloads(rounds, tell),
    ]


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
            return float(min(_run(self.loop(self.loops)) for _ in range(REPEATS)))
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


# ---------------------------------------------------------------- contention

THREADS: Final = 8
THREADS_INSIDE: Final = 4  # at a time
TASKS: Final = 1000
TASKS_INSIDE: Final = 100
SIZE: Final = 4096  # bytes that one reserves


class _Acquires(Protocol):
    """A semaphore of threads."""

    def acquire(self) -> object: ...
    def release(self) -> object: ...


def _heap_for(inside: int) -> Heap:
    return Heap(inside * SIZE, name="bench", slack=0)


def _threads_of_ours(work: _Work) -> Callable[[], None]:
    reserve = _heap_for(THREADS_INSIDE).reserve

    def turn() -> None:
        reservation = reserve(SIZE)
        work()
        reservation.release()

    return turn


def _threads_of(semaphore: _Acquires, work: _Work) -> Callable[[], None]:
    def turn() -> None:
        semaphore.acquire()
        work()
        semaphore.release()

    return turn


def _run_threads(turn: Callable[[], None], turns: int) -> float:
    """Return the us of one turn, with all threads at it."""
    barrier = threading.Barrier(THREADS + 1)

    def run() -> None:
        barrier.wait()
        for _ in range(turns):
            turn()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begin) * 1e6 / (THREADS * turns)


def _give_up_the_gil() -> None:
    time.sleep(0)


def _compute() -> None:
    sum(range(300))


def _tasks_of_ours() -> _Turn:
    from hardtack.heap.tasks import reserve

    heap = _heap_for(TASKS_INSIDE)

    async def turn() -> None:
        reservation = await reserve(heap, SIZE)
        try:
            await asyncio.sleep(0)
        finally:
            reservation.release()

    return turn


def _tasks_of(limit: AbstractAsyncContextManager[object]) -> _Turn:
    async def turn() -> None:
        async with limit:
            await asyncio.sleep(0)

    return turn


async def _run_tasks(make: Callable[[], _Turn], turns: int) -> float:
    """Return the us of one turn, with all tasks at it."""
    turn = make()

    async def run() -> None:
        for _ in range(turns):
            await turn()

    begin = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(TASKS)))
    return (time.perf_counter() - begin) * 1e6 / (TASKS * turns)


def _contenders(tell: Callable[[str], None]) -> dict[str, dict[str, Callable[[], float]]]:
    """Return what to run, by row and side; each answers the us of one turn."""
    found: dict[str, dict[str, Callable[[], float]]] = {}
    for row, work, turns in (
        ("contended_8_threads", _give_up_the_gil, 300),
        ("contended_8_threads_computing", _compute, 1000),
    ):
        found[row] = {
            OURS: partial(_contend, _threads_of_ours, work, turns),
            "threading.Semaphore": partial(_contend, _threads_of_semaphore, work, turns),
            "threading.BoundedSemaphore": partial(_contend, _threads_of_bounded, work, turns),
        }
    found["contended_1000_tasks"] = {
        OURS: partial(_contend_tasks, _tasks_of_ours),
        "asyncio.Semaphore": partial(_contend_tasks, _tasks_of_semaphore),
    }
    if importlib.util.find_spec("anyio") is None:
        tell("anyio is not installed: left out")
    else:
        found["contended_1000_tasks"]["anyio.CapacityLimiter"] = partial(_contend_tasks, _tasks_of_limiter)
    return found


def _run(coroutine: Coroutine[Any, Any, float]) -> float:
    """Run a coroutine in an event loop of its own. Ctrl-C waits until that is made: half made, it says so."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        runner = asyncio.Runner()
        runner.get_loop()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with runner:
        return runner.run(coroutine)


def _contend(make: Callable[[_Work], Callable[[], None]], work: _Work, turns: int) -> float:
    return _run_threads(make(work), turns)


def _contend_tasks(make: Callable[[], _Turn]) -> float:
    return _run(_run_tasks(make, 3))


def _threads_of_semaphore(work: _Work) -> Callable[[], None]:
    return _threads_of(threading.Semaphore(THREADS_INSIDE), work)


def _threads_of_bounded(work: _Work) -> Callable[[], None]:
    return _threads_of(threading.BoundedSemaphore(THREADS_INSIDE), work)


def _tasks_of_semaphore() -> _Turn:
    return _tasks_of(asyncio.Semaphore(TASKS_INSIDE))


def _tasks_of_limiter() -> _Turn:
    import anyio

    return _tasks_of(anyio.CapacityLimiter(TASKS_INSIDE))


def _measure_contention(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    contenders = _contenders(tell)
    figures: dict[str, dict[str, list[float]]] = {
        row: {side: [] for side in sides} for row, sides in contenders.items()
    }
    for number in range(rounds):
        tell(f"contention, round {number + 1} of {rounds}")
        for row, sides in contenders.items():
            order = list(sides.items())
            for side, run in order if number % 2 else reversed(order):
                figures[row][side].append(run())
    return [_row(row, "us", sides) for row, sides in figures.items()]


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


def _measure_workloads(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    found = []
    for number in range(rounds):
        tell(f"workloads, round {number + 1} of {rounds}")
        found.append(_round(list(WORKLOADS), backwards=number % 2 == 1))
    rows = []
    for row, way in (("hook_idle", "idle"), ("hook_inside", "inside")):
        for workload in WORKLOADS:
            sides = {OURS: way, "pymalloc, no hook": "plain", "tracemalloc, 1 frame": "tracemalloc"}
            figures = {side: [each[workload][its] for each in found] for side, its in sides.items()}
            rows.append(_row(f"{row}_{workload}", "ms", figures))
    return rows


# ---------------------------------------------------------------- instructions


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
        _row(
            f"{row}_{workload}_instructions",
            "million",
            {OURS: [counts[way, workload]], "pymalloc, no hook": [counts["plain", workload]]},
        )
        for way, row in _COUNTED.items()
        for workload in (*WORKLOADS, "all")
    ]


_COUNTED: Final = {"idle": "hook_idle", "inside": "hook_inside", "reserved": "hook_reserved"}


def _instructions(way: str, workload: str, turns: int) -> int:
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        [*callgrind, sys.executable, "-m", "hardtack.lab.bench_heap", way, workload, str(turns)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(f"callgrind counted nothing:\n{done.stderr}")
    return int(found[1])


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
