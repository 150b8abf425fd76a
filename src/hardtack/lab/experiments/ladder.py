"""`ladder`: what each step before a kill is worth, in kills that it saves."""

from __future__ import annotations

import gc
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypedDict

from hardtack.heap import Heap
from hardtack.heap.reclaim import ladder_of
from hardtack.lab.children import call
from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap.reclaim import Ladder
    from hardtack.lab.experiment import Settings

# Sessions that keep little and leave garbage, beside a cache.
_CAPACITY: Final = 8 << 20
_SESSIONS: Final = 8
_ROOM: Final = 256 << 10  # that a request reserves
_KEPT: Final = (1000, 60_000)  # bytes that a session keeps: a few of these
_KEEPS: Final = 8
_GARBAGE: Final = (2000, 40_000)  # bytes of a request's cyclic garbage
_ANSWER: Final = 8000  # bytes of an answer in the cache
_KEYS: Final = 450  # different answers; with what sessions keep, about two thirds of the heap
_REQUESTS: Final = (4000, 1000)  # quick
_PATIENCE: Final = 60.0  # seconds that a request waits: far longer than any ladder takes
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
    """Have a ladder collect no garbage: what a victim leaves is collected as it is killed."""
    ladder._collect = lambda: None  # type: ignore[method-assign]


class _Session:
    """A client's state, in a heap of its own; killed, it begins anew."""

    def __init__(self, service: Heap, number: int) -> None:
        self.kept: deque[bytes] = deque(maxlen=_KEEPS)
        self.heap = Heap(None, name=f"session {number}", parent=service, kill=self._kill)

    def _kill(self, _: Heap) -> None:
        self.kept.clear()
        gc.collect()  # its cycles, too: who does not give back what it holds at once is given up on

    def work(self, keep: int, garbage: int, answers: Any, key: int, answers_heap: Heap) -> None:  # noqa: ANN401
        """Make a cycle and forget it; keep a little; answer from the cache."""
        cycle: list[Any] = [bytes(garbage)]
        cycle.append(cycle)
        self.kept.append(bytes(keep))
        if key not in answers:
            with answers_heap:
                answers[key] = bytes(_ANSWER)


def serve(collecting: bool, giving_way: bool, requests: int, seed: int) -> _Run:
    """Serve requests under one ladder, in this process; blocks."""
    draw = random.Random(seed)
    service = Heap(_CAPACITY, name="service")
    ladder = ladder_of(service)
    ladder.kill_level = 0
    ladder.patience = ladder.kill_seconds = 0.0  # what comes back comes back at once
    if not collecting:
        _without_collecting(ladder)
    sessions = [_Session(service, number) for number in range(_SESSIONS)]
    answers: Any = service.cache() if giving_way else {}
    pinned = Heap(None, name="answers", parent=service)
    for _ in range(requests):
        session = draw.choice(sessions)
        work = (draw.randint(*_KEPT), draw.randint(*_GARBAGE), answers, draw.randrange(_KEYS), pinned)
        service.reserve(_ROOM, timeout=_PATIENCE).run(session.heap, session.work, *work)
    service.check()
    return {
        "kills": ladder.killed,
        "collections": ladder.collections,
        "evicted": service.statistics().evicted,
    }


def _run(settings: Settings) -> Findings:
    repeats = _REPEATS[settings.quick]
    rows: list[Row] = []
    service: dict[str, list[_Run]] = {}
    for name, (collecting, giving_way) in _LADDERS.items():
        settings.step(name)
        service[name] = _repeat(
            serve, collecting, giving_way, _REQUESTS[settings.quick], seed=settings.seed, repeats=repeats
        )
        rows.append(_row(name, service[name]))
    return Findings(_claims(service), rows, [_plot(service)])


def _repeat(function: Callable[..., _Run], *arguments: object, seed: int, repeats: int) -> list[_Run]:
    return [call(function, *arguments, seed + turn, seconds=300) for turn in range(repeats)]


def _kills(runs: list[_Run]) -> Figure:
    return Figure.of([run["kills"] for run in runs])


def _row(ladder: str, runs: list[_Run]) -> Row:
    return {
        "ladder": ladder,
        "runs": len(runs),
        "kills": _kills(runs),
        "collections": Figure.of([run["collections"] for run in runs]),
        "evicted": Figure.of([run["evicted"] for run in runs]),
    }


def _claims(service: dict[str, list[_Run]]) -> list[Claim]:
    kills = {name: _kills(runs) for name, runs in service.items()}
    every, evicting, collecting, neither = (kills[name] for name in _LADDERS)
    return [
        Claim(
            "Near full, the books over-estimate what is live: collecting first saves kills.",
            "collect before anybody is killed (section 6.2); no figure",
            f"{collecting} kills with it, {neither} without",
            collecting.most < neither.least,
        ),
        Claim(
            "Caches that give way save kills, too.",
            "evict before anybody is killed (section 6.3.4); no figure",
            f"{evicting} kills with it, {neither} without",
            evicting.median < neither.median,
        ),
        Claim(
            "With both steps nobody is killed where nobody does harm.",
            "",
            f"{every} kills",
            every.most == 0,
        ),
    ]


def _plot(service: dict[str, list[_Run]]) -> Bars:
    return Bars(
        "Kills, by the steps of the ladder",
        "kills",
        list(service),
        {"kills": [_kills(runs).median for runs in service.values()]},
    )


EXPERIMENT: Final = Experiment(
    "ladder",
    "What are the steps before a kill worth?",
    "A service in a heap of 8 MiB serves the same requests under four ladders: with and without the "
    "collections before the first kill, with and without a cache that gives way. Its sessions keep little "
    "and leave cyclic garbage, and a session can be killed. Nobody does harm here, so each kill is one too "
    "many.",
    lambda quick: len(_LADDERS),
    _run,
)
