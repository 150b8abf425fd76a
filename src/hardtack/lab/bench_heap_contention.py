"""Reservations beside semaphores and limiters where 8 threads, or 1,000 tasks, want the same ones.

It is the whole that is timed, waits included, for one turn of each: it acquires, works, releases. The work of
a thread gives up the GIL, as input and output do, so the others really come to wait; or computes, so that
they only do when the interpreter switches threads.
"""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import threading
import time
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from hardtack.heap import Heap
from hardtack.lab.rows import OURS, Row, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    _Work: TypeAlias = Callable[[], object]
    _Turn: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

THREADS: Final = 8
THREADS_INSIDE: Final = 4  # at a time
TASKS: Final = 1000
TASKS_INSIDE: Final = 100
SIZE: Final = 4096  # bytes that one reserves


def measure_contention(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Time turns under contention: a row for each kind of it.

    Args:
        rounds: how often; figures are medians over the rounds.
        tell: told what is being measured, and which peer is left out.
    """
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
    return [row_of(row, "us", sides) for row, sides in figures.items()]


def run_coroutine(coroutine: Coroutine[Any, Any, float]) -> float:
    """Run a coroutine in an event loop of its own. Ctrl-C waits until that is made: half made, it says so."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        runner = asyncio.Runner()
        runner.get_loop()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with runner:
        return runner.run(coroutine)


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
        try:
            barrier.wait()
        except threading.BrokenBarrierError:  # Ctrl-C: the main thread does not come
            return
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


def _contend(make: Callable[[_Work], Callable[[], None]], work: _Work, turns: int) -> float:
    return _run_threads(make(work), turns)


def _contend_tasks(make: Callable[[], _Turn]) -> float:
    return run_coroutine(_run_tasks(make, 3))


def _threads_of_semaphore(work: _Work) -> Callable[[], None]:
    return _threads_of(threading.Semaphore(THREADS_INSIDE), work)


def _threads_of_bounded(work: _Work) -> Callable[[], None]:
    return _threads_of(threading.BoundedSemaphore(THREADS_INSIDE), work)


def _tasks_of_semaphore() -> _Turn:
    return _tasks_of(asyncio.Semaphore(TASKS_INSIDE))


def _tasks_of_limiter() -> _Turn:
    import anyio

    return _tasks_of(anyio.CapacityLimiter(TASKS_INSIDE))
