"""What the checks of annotations cost: on, off, and beside the same code without them, in turns.

A call costs tens of nanoseconds by itself, so `ratio` says how much slower an empty function or loop becomes:
an upper limit for any real one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias, TypeVar

from annotated_types import MaxLen

from hardtack.annotations import bounded, checked, checks, loop_bound, recursive
from hardtack.lab.rows import Row

_T = TypeVar("_T")
Body: TypeAlias = Callable[[int], None]

_TURNS: Final = 20_000
_SHORT: Final = b"64 bytes at most"
_NAMES: Final = ["name"] * 100


@dataclass(frozen=True, slots=True)
class _Case:
    """`body` does the annotated thing `turns` times, `plain` the same without its annotation."""

    name: str
    body: Body
    plain: Body
    turns: int = _TURNS


def _call(function: Callable[[_T], object], argument: _T) -> Body:
    def body(turns: int) -> None:
        for _ in range(turns):
            function(argument)

    return body


def _nothing(data: bytes) -> None:
    pass


def _annotated(data: Annotated[bytes, MaxLen(64)]) -> None:
    pass


def _names(names: list[Annotated[str, MaxLen(32)]]) -> None:
    pass


def _bounded(turns: int) -> None:
    for _ in range(turns):
        bounded(_SHORT, 64)


def _empty(turns: int) -> None:
    for _ in range(turns):
        pass


def _bounded_iterator(turns: int) -> None:
    for _ in bounded(iter(range(turns)), turns):
        pass


def _loop_bound(turns: int) -> None:
    for turn in loop_bound(turns):
        if turn == turns - 1:
            break


def _loop(turns: int) -> None:
    for turn in range(turns):
        if turn == turns - 1:
            break


def _iterator(turns: int) -> None:
    for _ in iter(range(turns)):
        pass


def _cases() -> list[_Case]:
    return [
        _Case("bounded", _bounded, _empty),
        _Case("bounded_iterator_item", _bounded_iterator, _iterator),
        _Case("loop_bound_turn", _loop_bound, _loop),
        _Case("recursive", _call(recursive(depth=8)(_nothing), _SHORT), _call(_nothing, _SHORT)),
        _Case("checked_bytes", _call(checked(_annotated), _SHORT), _call(_annotated, _SHORT)),
        _Case("checked_100_names", _call(checked(_names), _NAMES), _call(_names, _NAMES), turns=200),
    ]


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure every annotation with its checks on, off, and without it.

    Checks are turned on and off for the whole process meanwhile.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured.

    Returns:
        A row a case, in nanoseconds a call, item or turn, with the loop around it. Its peers are "off" and
        "without", the latter also what decorators cost under HARDTACK_CHECKS=0.
    """
    before = checks(True)
    try:
        return [_row(case, rounds, progress or (lambda name: None)) for case in _cases()]
    finally:
        checks(before)


def _row(case: _Case, rounds: int, progress: Callable[[str], None]) -> Row:
    progress(case.name)
    ours, off, without = [], [], []
    for _ in range(rounds):
        checks(True)
        ours.append(_time(case.body, case.turns))
        checks(False)
        off.append(_time(case.body, case.turns))
        without.append(_time(case.plain, case.turns))
    checks(True)
    peers = {"off": off, "without": without}
    return Row(
        case.name,
        "ns",
        statistics.median(ours),
        (min(ours), max(ours)),
        {peer: statistics.median(figures) for peer, figures in peers.items()},
        {
            peer: statistics.median(mine / theirs for mine, theirs in zip(ours, figures, strict=True))
            for peer, figures in peers.items()
        },
    )


def _time(body: Body, turns: int) -> float:
    start = time.perf_counter_ns()
    body(turns)
    return (time.perf_counter_ns() - start) / turns


__all__ = ["measure"]
