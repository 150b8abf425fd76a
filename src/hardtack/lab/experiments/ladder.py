"""`ladder`: what each step before a kill is worth, in kills that it saves."""

from __future__ import annotations

import random
import subprocess
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypedDict

from hardtack.heap import Heap
from hardtack.heap.reclaim import ladder_of
from hardtack.lab.children import call
from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Row
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap.reclaim import Ladder
    from hardtack.lab.experiment import Settings

# -- a service: sessions that keep little and leave garbage, beside a cache
_CAPACITY: Final = 8 << 20
_SESSIONS: Final = 8
_ROOM: Final = 256 << 10  # that a request reserves
_KEPT: Final = (1000, 60_000)  # bytes that a session keeps: a few of these
_KEEPS: Final = 8
_GARBAGE: Final = (2000, 40_000)  # bytes of a request's cyclic garbage
_ANSWER: Final = 8000  # bytes of an answer in the cache
_KEYS: Final = 700  # different answers; together more than two thirds of the heap
_REQUESTS: Final = (4000, 1000)  # quick
# -- a kernel: programs that come and go
_KERNEL_CAPACITY: Final = 1 << 20
_KERNEL_FILES: Final = 128 << 10
_WAVES: Final = (40, 10)  # quick
_REPEATS: Final = (5, 2)  # quick
_LADDERS: Final = {
    "collect, caches, kill": (True, True),
    "caches, kill": (False, True),
    "collect, kill": (True, False),
    "kill": (False, False),
}


class _Run(TypedDict):
    kills: int
    collections: int
    evicted: int


def _without_collecting(ladder: Ladder) -> None:
    """Have a ladder collect garbage only after a kill, when its victim's is to come back."""
    collect = ladder._collect
    seen = ladder.killed

    def after_a_kill() -> None:
        nonlocal seen
        if ladder.killed != seen:
            seen = ladder.killed
            collect()

    ladder._collect = after_a_kill  # type: ignore[method-assign]


class _Session:
    """A client's state, in a heap of its own; killed, it begins anew."""

    def __init__(self, service: Heap, number: int) -> None:
        self.kept: deque[bytes] = deque(maxlen=_KEEPS)
        self.heap = Heap(None, name=f"session {number}", parent=service, kill=self._kill)

    def _kill(self, _: Heap) -> None:
        self.kept.clear()

    def work(self, keep: int, garbage: int) -> None:
        """Make a cycle and forget it; keep a little."""
        cycle: list[Any] = [bytes(garbage)]
        cycle.append(cycle)
        self.kept.append(bytes(keep))


def serve(collecting: bool, giving_way: bool, requests: int, seed: int) -> _Run:
    """Serve requests under one ladder, in this process; blocks."""
    draw = random.Random(seed)
    service = Heap(_CAPACITY, name="service")
    ladder = ladder_of(service)
    ladder.kill_level = 0
    if not collecting:
        _without_collecting(ladder)
    sessions = [_Session(service, number) for number in range(_SESSIONS)]
    answers: Any = service.cache() if giving_way else {}
    pinned = Heap(None, name="answers", parent=service)
    for _ in range(requests):
        session = draw.choice(sessions)
        key = draw.randrange(_KEYS)
        with service.reserve(_ROOM) as reservation:
            reservation.run(session.heap, session.work, draw.randint(*_KEPT), draw.randint(*_GARBAGE))
            if key not in answers:
                if giving_way:
                    answers[key] = bytes(_ANSWER)
                else:
                    answers[key] = reservation.run(pinned, bytes, _ANSWER)
    service.check()
    return {
        "kills": ladder.killed,
        "collections": ladder.collections,
        "evicted": service.statistics().evicted,
    }


def schedule(collecting: bool, waves: int, seed: int) -> _Run:
    """Have programs come and go in a small kernel, in this process; blocks."""
    draw = random.Random(seed)
    with Kernel(_KERNEL_CAPACITY, fs_size=_KERNEL_FILES) as kernel:
        ladder = kernel._system.memory.ladder
        if not collecting:
            _without_collecting(ladder)
        for _ in range(waves):
            programs = [draw.choice(("ls", "echo", "true", "mail")) for _ in range(12)]
            started = [
                kernel.spawn(
                    f"/bin/{program}",
                    ["m", "20", "100"] if program == "mail" else [],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                for program in programs
            ]
            for process in started:
                process.wait()
        kernel.check()
        return {"kills": ladder.killed, "collections": ladder.collections, "evicted": 0}


def _run(settings: Settings) -> Findings:
    repeats = _REPEATS[settings.quick]
    rows: list[Row] = []
    service: dict[str, list[_Run]] = {}
    for name, (collecting, giving_way) in _LADDERS.items():
        settings.step(f"a service: {name}")
        service[name] = _repeat(
            serve, collecting, giving_way, _REQUESTS[settings.quick], seed=settings.seed, repeats=repeats
        )
        rows.append(_row("a service", name, service[name]))
    kernel: dict[str, list[_Run]] = {}
    for name, collecting in (("collect, kill", True), ("kill", False)):
        settings.step(f"a kernel: {name}")
        kernel[name] = _repeat(schedule, collecting, _WAVES[settings.quick], seed=settings.seed, repeats=repeats)
        rows.append(_row("a kernel", name, kernel[name]))
    return Findings(_claims(service, kernel), rows, [_plot(service, kernel)])


def _repeat(function: Callable[..., _Run], *arguments: object, seed: int, repeats: int) -> list[_Run]:
    return [call(function, *arguments, seed + turn, seconds=300) for turn in range(repeats)]


def _kills(runs: list[_Run]) -> Figure:
    return Figure.of([run["kills"] for run in runs])


def _row(where: str, ladder: str, runs: list[_Run]) -> Row:
    return {
        "where": where,
        "ladder": ladder,
        "runs": len(runs),
        "kills": _kills(runs),
        "collections": Figure.of([run["collections"] for run in runs]),
        "evicted": Figure.of([run["evicted"] for run in runs]),
    }


def _claims(service: dict[str, list[_Run]], kernel: dict[str, list[_Run]]) -> list[Claim]:
    kills = {name: _kills(runs) for name, runs in service.items()}
    whole, uncollected, unevicted = (kills[name] for name in list(_LADDERS)[:3])
    with_first, without = _kills(kernel["collect, kill"]), _kills(kernel["kill"])
    return [
        Claim(
            "Near full, the books over-estimate what is live: collecting first saves kills.",
            "collect before anybody is killed (section 6.2); no figure",
            f"a service: {kills['collect, kill']} kills with it, {kills['kill']} without; a kernel: {with_first} "
            f"with it, {without} without",
            kills["collect, kill"].most < kills["kill"].least and with_first.most <= without.least,
        ),
        Claim(
            "Caches that give way save kills.",
            "evict before anybody is killed (section 6.3.4); no figure",
            f"{whole} kills with it, {unevicted} without",
            whole.most <= unevicted.least,
        ),
        Claim(
            "With both steps nobody is killed for what others need not hold.",
            "",
            f"{whole} kills; with caches giving way alone {uncollected}",
            whole.most == 0,
        ),
    ]


def _plot(service: dict[str, list[_Run]], kernel: dict[str, list[_Run]]) -> Bars:
    labels = [f"a service: {name}" for name in service] + [f"a kernel: {name}" for name in kernel]
    return Bars(
        "Kills, by the steps of the ladder before and at them",
        "kills",
        labels,
        {"kills": [_kills(runs).median for runs in (*service.values(), *kernel.values())]},
    )


EXPERIMENT: Final = Experiment(
    "ladder",
    "What are the steps before a kill worth?",
    "The same requests are served, and the same programs run, under four ladders: with and without the collections "
    "before the first kill, with and without a cache that gives way. Nobody does harm here, so each kill is one "
    "too many. Sessions of a service keep little and leave cyclic garbage; programs in a kernel leave what "
    "CPython's free lists keep.",
    lambda quick: len(_LADDERS) + 2,
    _run,
)
