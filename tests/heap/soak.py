"""Threads and tasks on one heap that is too small for them: `make soak`, or this script with --seconds N.

8 threads and 200 tasks reserve, nest, time out, are cancelled and killed, and use a cache, at random with a
seed that is printed first. In the end nothing may be left: no live byte beyond those from the beginning, no
reservation, no waiter, no leak; and the books must balance. If nothing gets on for a minute, the heap is
explained, every thread's stack printed, and the run has failed.

Which thread is served when is up to the system, so a seed gives the same choices and not the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import logging
import random
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from hardtack.errors import Doomed, ReservationTimeout, WouldBlock
from hardtack.heap import Heap, _native

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 8
TASKS = 200
CAPACITY = 48 << 20
LARGEST = 6 << 20  # so that 8 threads alone can want all of it
STUCK_SECONDS = 60.0
REPORT_SECONDS = 30.0
KEPT_BYTES = 16 << 10  # what asyncio keeps for itself: up to 255 iterators of futures, of 48 bytes each
EXPECTED = (ReservationTimeout, WouldBlock, Doomed, MemoryError, TimeoutError, asyncio.CancelledError)


class Thrown(Exception):
    """What the work inside a reservation raises now and then."""


class Log(logging.Handler):
    """Counts what hardtack reports, and shows the first of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.seen[f"{record.levelname} {record.msg}"] += 1
        if self.seen[f"{record.levelname} {record.msg}"] == 1:
            print(f"{record.levelname}: {record.getMessage()}", file=sys.stderr)


class Soak:
    """One heap, those who use it, and what came of it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.heap = Heap(CAPACITY, name="soak")
        self.tenants = [Heap(CAPACITY // 2, name=f"tenant {n}", parent=self.heap) for n in range(3)]
        self.front = Heap(
            None, name="front"
        )  # where coroutines live that wait: they have reserved nothing yet
        self.cache = self.heap.cache(maxsize=500)
        self.stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    # -- what both threads and tasks do inside a reservation
    def use(self, rng: random.Random, heap: Heap, amount: int) -> None:
        """Allocate within a reservation of so many bytes: blocks, small objects, cycles, a reservation inside."""
        blocks: list[object] = [bytes(rng.randrange(1, 60_000)) for _ in range(amount // 200_000)]
        if rng.random() < 0.3:
            cycle: list[object] = [rng.random() for _ in range(min(amount // 1000, 1000))]
            cycle.append(cycle)
        if rng.random() < 0.3:
            with heap.reserve(amount // 4):
                blocks += [bytes(amount // 20) for _ in range(2)]
        if rng.random() < 0.05:
            raise Thrown

    def outcome(self, kind: str, error: BaseException | None) -> None:
        self.counts[kind if error is None else f"{kind}: {type(error).__name__}"] += 1

    def amount(self, rng: random.Random) -> int:
        return rng.randrange(200_000, LARGEST) if rng.random() < 0.3 else rng.randrange(20_000, 200_000)

    # -- threads
    def reserve(self, rng: random.Random) -> None:
        heap = rng.choice([self.heap, *self.tenants])
        amount = self.amount(rng)
        with heap.reserve(amount, timeout=rng.choice([None, 0.001, 0.05, 1.0])):
            self.use(rng, heap, amount)
            time.sleep(rng.random() * 0.01)

    def reserve_nowait(self, rng: random.Random) -> None:
        amount = self.amount(rng)
        with self.heap.reserve_nowait(amount):
            self.use(rng, self.heap, amount)

    def hand_over(self, rng: random.Random) -> None:
        """A reservation that another thread releases."""
        reservation = self.heap.reserve(self.amount(rng), timeout=0.5)
        thread = threading.Thread(target=reservation.release)
        thread.start()
        thread.join()

    def look_up(self, rng: random.Random) -> None:
        key = rng.randrange(1000)
        size = rng.randrange(1000, 100_000)
        value = self.cache.get_or_make(key, lambda: bytes(size))
        assert len(value) >= 1000
        if rng.random() < 0.1:
            self.cache.pop(key, None)
        if rng.random() < 0.1:
            self.cache[key] = value
        if rng.random() < 0.2 and key in self.cache:
            try:
                with self.cache.pin(key) as value:
                    time.sleep(rng.random() * 0.002)
                    assert len(value) >= 1000
            except KeyError:
                pass

    def be_a_group(self, rng: random.Random) -> None:
        """Pile up blocks without end, until killed: waiting for more, or between two of them."""
        killed = threading.Event()
        group = Heap(
            None, name="group", parent=self.heap, kill=lambda _: killed.set(), protected=rng.random() < 0.1
        )
        blocks: list[object] = []
        most = 5 if group._group.protected else 200
        try:
            while len(blocks) < most and not killed.is_set() and not self.stop.is_set():
                with group.reserve(200_000, timeout=2.0):
                    blocks.append(bytes(rng.randrange(50_000, 150_000)))
                killed.wait(rng.random() * 0.002)
        finally:
            blocks.clear()
            self.outcome("killed" if killed.is_set() else "spared", None)

    def fill(self, rng: random.Random) -> None:
        """Allocate without a reservation."""
        blocks = []
        with rng.choice(self.tenants):
            for _ in range(rng.randrange(1, 50)):
                blocks.append(bytes(rng.randrange(1000, 200_000)))
                blocks.append([None] * 20)

    def thread(self, number: int) -> None:
        rng = random.Random(f"{self.seed} thread {number}")
        actions: list[Callable[[random.Random], None]] = [
            *[self.reserve] * 5, *[self.reserve_nowait] * 2, self.hand_over, *[self.look_up] * 4, self.fill, self.be_a_group
        ]  # fmt: skip
        try:
            while not self.stop.is_set():
                action = rng.choice(actions)
                try:
                    action(rng)
                except (*EXPECTED, Thrown) as error:
                    self.outcome(action.__name__, error)
                else:
                    self.outcome(action.__name__, None)
        except BaseException as error:
            self.failures.append(error)
            self.stop.set()
            raise

    # -- tasks
    async def request(self, rng: random.Random, heap: Heap) -> None:
        """What a wrapped coroutine does."""
        amount = self.amount(rng) // 4 + 20_000
        async with heap.reserve(amount, timeout=rng.choice([None, 0.01, 0.5])):
            self.use(rng, heap, amount)
            await asyncio.sleep(rng.random() * 0.02)
            self.use(rng, heap, amount // 2)

    async def task(self, number: int) -> None:
        rng = random.Random(f"{self.seed} task {number}")

        @self.heap.call(lambda size: 2 * size + 20_000)
        async def called(size: int) -> int:
            first = bytes(size // 2)
            await asyncio.sleep(rng.random() * 0.01)
            return len(first + bytes(size // 2))

        while not self.stop.is_set():
            kind = rng.choice(["request", "request", "call", "pause"])
            try:
                if kind == "pause":
                    await asyncio.sleep(rng.random() * 0.05)
                    continue
                heap = rng.choice([self.heap, *self.tenants])
                work = (
                    called(rng.randrange(1000, 500_000))
                    if kind == "call"
                    else self.front.wrap(self.request(rng, heap))
                )
                task = asyncio.ensure_future(work)
                if rng.random() < 0.2:
                    asyncio.get_running_loop().call_later(rng.random() * 0.05, task.cancel)
                await asyncio.wait_for(task, rng.choice([None, 0.005, 0.2]))
            except (*EXPECTED, Thrown) as error:
                self.outcome(kind, error)
            else:
                self.outcome(kind, None)

    async def tasks(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(TASKS):
                group.create_task(self.task(number))

    def loop(self) -> None:
        try:
            asyncio.run(self.tasks())
        except BaseException as error:
            self.failures.append(error)
            self.stop.set()
            raise

    # -- all of it
    def line(self, start: float) -> str:
        s = self.heap.statistics()
        waiters = s.waiters + sum(tenant.statistics().waiters for tenant in self.tenants)
        return (
            f"{time.monotonic() - start:6.0f} s  {sum(self.counts.values()):>9,} done  {s.live / 1e6:5.1f} MB live  "
            f"{s.reserved / 1e6:5.1f} reserved  {waiters:>3} wait  {s.granted:>8,} granted  {self.counts['killed']:>6,} killed"
        )

    def watch(self, seconds: float) -> bool:
        """Wait for the end, and report; tell whether it got on all the time."""
        start = reported = moved = time.monotonic()
        done = -1
        while not self.stop.wait(0.5):
            now, total = time.monotonic(), sum(self.counts.values())
            if total != done:
                done, moved = total, now
            if now - moved > STUCK_SECONDS:
                print(f"nothing got on for {STUCK_SECONDS} s", self.heap.explain(), sep="\n", file=sys.stderr)
                faulthandler.dump_traceback(all_threads=True)
                return False
            if now - reported > REPORT_SECONDS and sys.stderr.isatty():
                reported = now
                print(self.line(start), file=sys.stderr, flush=True)
            if now - start > seconds:
                break
        print(self.line(start))
        self.stop.set()
        return True

    def run(self, seconds: float) -> bool:
        threads = [threading.Thread(target=self.thread, args=(n,), daemon=True) for n in range(THREADS)]
        threads.append(threading.Thread(target=self.loop, daemon=True))
        for thread in threads:
            thread.start()
        if not self.watch(seconds):
            return False
        end = time.monotonic() + STUCK_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            print("threads do not end", self.heap.explain(), sep="\n", file=sys.stderr)
            faulthandler.dump_traceback(all_threads=True)
            return False
        return not self.failures

    def wrong(self, reservations: int) -> list[str]:
        """Return what is left that should not be."""
        self.cache.clear()
        gc.collect()
        sys._clear_type_cache()  # it keeps names of attributes that C code made
        self.heap.check()
        self.front.check()
        wrong = []
        for heap in [self.heap, *self.tenants, self.front]:
            s = heap.statistics()
            figures = {
                "reserved": s.reserved,
                "waiters": s.waiters,
                "leaked": s.leaked,
                "held": getattr(heap, "held", 0),
            }
            wrong += [f"{heap.name}: {name} is {value}" for name, value in figures.items() if value]
        live = self.heap.live + self.front.live
        if live > KEPT_BYTES:
            wrong.append(f"{live} bytes are live")
        if _native.census()[1] != reservations:
            wrong.append(f"{_native.census()[1] - reservations} reservations are left")
        return wrong


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {THREADS} threads, {TASKS} tasks, {options.seconds:g} s", flush=True)
    log = Log()
    logging.getLogger("hardtack.heap").addHandler(log)
    reservations = _native.census()[1]
    soak = Soak(options.seed)
    good = soak.run(options.seconds)
    for kind, count in sorted(soak.counts.items()):
        print(f"{count:>10,}  {kind}")
    for message, count in log.seen.items():
        print(f"{count:>10,}  {message}")
    wrong = soak.wrong(reservations) if good else [f"it failed: {soak.failures}"]
    print(
        f"in the end {soak.heap.live} bytes live, {soak.heap.reserved} reserved; peak {soak.heap.peak} of {CAPACITY}"
    )
    print("\n".join(wrong) if wrong else "nothing is left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
