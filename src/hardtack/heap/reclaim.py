"""Finding memory for who waits: collect, ask the shrinkers, collect, kill one; again, until it is there.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="pages")
    >>> pages = [heap.run(bytes, 100_000) for _ in range(9)]
    >>> @heap.shrinker
    ... def drop_pages(wanted: int) -> None:
    ...     del pages[: wanted // 100_000 + 1]
    >>> heap.reserve("500 KiB").release()  # would not fit; it waits for the ladder
    >>> len(pages)
    4

This module owns the order in which what a heap may give way by (`groups`) is used. It owns no queue, and
does not sleep: `Ladder.steps` is a generator, and whoever drives it (a waiting thread, a task, the kernel's
scheduler) sleeps for as long as it yields, or stops.

Rules
- The need is checked before the first step and after each; nothing is done once it is met.
- What a step gave is measured in the books. What a callback says it gave counts for nothing.
- Relief is sought below the first heap, from the waiter's own upwards, that is short: what comes free
  elsewhere would not let the waiter in.
- A group that holds a protected heap is not killed, for all that lives below a group dies with it.
- A group that is dying is waited for before another is killed, and whoever comes to wait for its memory
  meanwhile is doomed. One that does not give its bytes back is given up on: that is reported, others are
  killed, and after a while, if there is nobody else, it is killed once more. One that did give them back may
  be killed again when it has grown again.
- Callbacks and collections run outside the tree, on a reservation in a heap that is nobody's: so they cost
  the heap that is full nothing, and a `reserve` in one that would have to wait raises WouldBlock.

Who runs it sees to it that one ladder runs at a time in a tree.
"""

from __future__ import annotations

import gc
import logging
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from hardtack.errors import Doomed
from hardtack.heap import Heap
from hardtack.heap.black_box import dump, note
from hardtack.heap.groups import (
    Group,
    Shrinker,
    add_shrinker,
    given_up_below,
    gone,
    groups_below,
    held,
    is_below,
    parts_of,
    remove_shrinker,
    short_heap,
    shortage,
    shrinkers_below,
    would_give_back,
)
from hardtack.heap.waiting import tree_of
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_T = TypeVar("_T")

LOOK_SECONDS: Final = 0.005  # between two looks whether bytes are back
KILL_SECONDS: Final = 5.0  # a killed group has so long to give its bytes back before the next is looked for
AGAIN_SECONDS: Final = 60.0  # one that was given up on is left alone for so long; each time twice as long
MOST_DOUBLINGS: Final = 6
PATIENCE_SECONDS: Final = 1.0  # calls under way have so long to end before anybody is killed
KILLS_KEPT: Final = 1024  # records of kills, the latest

log: Final = logging.getLogger("hardtack.heap")
_aside: Final = Heap(None, name="outside")
_FAILED: Final = object()
_PLENTY: Final = 1 << 50  # of address space that nobody has: so what runs aside never goes beyond it


@dataclass(frozen=True, slots=True)
class Kill:
    """A group that was killed.

    Attributes:
        name: its heap's name.
        held: bytes that were live and reserved in it.
        wanted: bytes that somebody waited for.
    """

    name: str
    held: int
    wanted: int


def ladder_of(heap: Heap) -> Ladder:
    """Return the ladder of a heap's tree."""
    tree = tree_of(heap)
    if tree.ladder is None:
        tree.ladder = Ladder()
    return tree.ladder


class Need:
    """What somebody waits for."""

    __slots__ = ("also", "amount", "began", "fits", "heap", "killed", "margin")

    def __init__(
        self, heap: Heap, amount: int, fits: Callable[[], bool], also: Iterable[Heap], margin: int
    ) -> None:
        self.heap = heap
        self.amount = amount
        self.fits = fits
        self.also = tuple(also)
        self.margin = max(0, min(margin, min(each.possible for each in (heap, *self.also)) - amount))
        self.killed = False
        self.began = time.monotonic()

    def met(self) -> bool:
        """Tell whether to stop."""
        if self.killed and self.margin and self.short() is not None:
            return False
        return self.fits()

    def total(self) -> int:
        """Return how many bytes are to be found: once somebody was killed, the margin as well."""
        return self.amount + (self.margin if self.killed else 0)

    def short(self) -> Heap | None:
        """Return the first heap that lacks room."""
        return short_heap(self.heap, self.total(), self.also)

    def missing(self, short: Heap) -> int:
        """Return how many bytes a heap that is short of it lacks."""
        return shortage(short, self.total())


class Ladder:
    """What is done in one tree of heaps to find memory, and what came of it.

    Attributes:
        rule: chooses the victim from the groups whose death would give back something; None for nobody.
            By default the one that holds most. One that raises, or answers with another heap, is overruled.
        kill_seconds: how long a killed group has to give its bytes back; 0 where killing is done when the
            callback returns, and nobody is to be waited for or reported.
        again_seconds: how long a group that was given up on is left alone before it is killed once more, if
            there is nobody else; each time twice as long.
        patience: how long calls under way have to end before anybody is killed, in seconds. Where nothing
            is reserved nobody is waited for.
        kill_level: at which a kill is logged.
        kills: the latest kills.
        killed: how many there were.
        collections: how often garbage was collected.
        calling: what callback is running, and since when (monotonic seconds), or None.
    """

    def __init__(self) -> None:
        self.rule: Callable[[list[Heap]], Heap | None] | None = None
        self.kill_seconds = KILL_SECONDS
        self.again_seconds = AGAIN_SECONDS
        self.kill_level = logging.WARNING
        self.patience = PATIENCE_SECONDS
        self.kills: deque[Kill] = deque(maxlen=KILLS_KEPT)
        self.killed = 0
        self.collections = 0
        self.calling: tuple[str, float] | None = None
        self._dying: dict[
            Heap, None
        ] = {}  # held: a kill callback may let go of one before its bytes are back

    def steps(
        self,
        heap: Heap,
        amount: int,
        fits: Callable[[], bool],
        *,
        also: Iterable[Heap] = (),
        margin: int = 0,
    ) -> Iterator[float]:
        """Find memory, one step for each item; ends when `fits` or when nothing is left that would help.

        Nothing blocks here but the collections and the callbacks themselves. Who asks no longer simply stops
        iterating.

        Args:
            heap: where the bytes are wanted, and on all heaps above it.
            amount: how many.
            fits: asked before the first step, after each, and after each pause; ends it when True.
            also: more heaps that must have room for them.
            margin: once somebody was killed, go on until so many bytes beyond the need are free, if they can
                be had, killing more if need be; so that the next who comes does not have to start over.

        Yields:
            Seconds to sleep before the next step: 0.0 unless it is for others to act.
        """
        if fits():
            return
        need = Need(heap, amount, fits, also, margin)
        try:
            for pause in self._climb(need):
                if need.met():
                    return
                yield pause
                if need.met():
                    return
        finally:
            self._settle()

    def _climb(self, need: Need) -> Iterator[float]:
        if need.short() is None:  # there is room: it is for others to have their turn
            return
        self._collect()
        yield 0.0
        asked = False
        for shrinker in self._shrinkers(need):
            self._ask(shrinker, need)
            asked = True
            yield 0.0
        if asked:
            self._collect()
            yield 0.0
        yield from self._await_calls(need)
        while True:
            yield from self._await_dying(need)
            victim = self._in_aside(self.victim, need.heap, need.total(), need.also, need.began)
            if victim is None:
                break
            need.killed = True
            self._in_aside(self._kill, victim, need)
            yield 0.0
            self._collect()
            yield 0.0
        need.margin = 0
        yield 0.0

    # -- collecting
    def _collect(self) -> None:
        self.collections += 1
        self._in_aside(gc.collect)

    # -- shrinking
    def _shrinkers(self, need: Need) -> Iterator[Shrinker]:
        """Give every shrinker below the heap that is short once, by priority, as long as one is short."""
        done: set[int] = set()
        short = need.short()
        while short is not None:
            for shrinker in self._in_aside(shrinkers_below, short):
                if shrinker.number in done:
                    continue
                done.add(shrinker.number)
                yield shrinker
                if need.short() is not short:
                    break
            else:
                return
            short = need.short()

    def _ask(self, shrinker: Shrinker, need: Need) -> None:
        short = need.short()
        if short is None:
            return
        missing = need.missing(short)
        self._in_aside(self._call, f"shrinker {shrinker.name}", shrinker.function, missing)
        given = max(0, missing - need.missing(short))
        text = f"shrinker {shrinker.name} was asked for {missing} bytes and gave {given}"
        self._in_aside(note, short, text)

    # -- killing
    def _await_calls(self, need: Need) -> Iterator[float]:
        """Let the calls under way end: what they reserved comes back by itself."""
        end = time.monotonic() + self.patience
        while (short := need.short()) is not None and short.reserved and time.monotonic() < end:
            yield LOOK_SECONDS

    def _await_dying(self, need: Need) -> Iterator[float]:
        """Wait until the groups that were killed have given their bytes back, or are given up on."""
        start = collected = time.monotonic()
        while (short := need.short()) is not None and self._still_dying(short):
            yield LOOK_SECONDS
            now = time.monotonic()
            if now - collected > collected - start + 0.05:  # at growing intervals: the dead leave cycles
                self._collect()
                collected = now

    def _still_dying(self, short: Heap) -> bool:
        """Look at those who were killed; tell whether one below a heap is still to be waited for."""
        self._settle()
        waiting = False
        for heap in list(self._dying):
            group: Group = heap._group
            if not group.given_up and is_below(heap, short):
                if self._has_time(group):
                    waiting = True
                else:
                    self._give_up(group)
                    if self.kill_seconds:
                        self._in_aside(self._report, heap)
        return waiting

    def _has_time(self, group: Group) -> bool:
        """Tell whether a group that was killed is still to be waited for."""
        at = group.killed_at
        return at is not None and not group.given_up and time.monotonic() - at < self.kill_seconds

    def _give_up(self, group: Group) -> None:
        pause = self.again_seconds * 2 ** min(group.kills - 1, MOST_DOUBLINGS)
        group.again_at = time.monotonic() + pause if self.kill_seconds else math.inf

    def dying(self, heaps: Iterable[Heap]) -> Heap | None:
        """Return the group, of which one of some heaps is part, that is dying now; None if there is none."""
        if not self._dying:
            return None
        self._settle()
        victims = [heap for heap in list(self._dying) if self._has_time(heap._group)]
        return next((top for heap in heaps for top in victims if is_below(heap, top)), None)

    def _settle(self) -> None:
        """Let those who were killed, and have given their bytes back, be groups like others again."""
        for heap in list(self._dying):
            if gone(heap):
                group: Group = heap._group
                group.killed_at = group.again_at = None
                group.kills = 0
                group.residue = held(heap)
                self._dying.pop(heap, None)

    def victim(
        self, heap: Heap, amount: int = 1, also: Iterable[Heap] = (), now: float | None = None
    ) -> Heap | None:
        """Return the group to kill next for who wants an amount on a heap, or None.

        That is the one that would give back most, by the byte, of the heap that is short and those below it
        that can be killed, are not protected and hold nothing protected, and are not dying. If there is none,
        it is one of those that were given up on and may be killed again by `now` (monotonic seconds).
        """
        short = short_heap(heap, amount, also)
        if short is None:
            return None
        groups = groups_below(short) or given_up_below(short, time.monotonic() if now is None else now)
        if self.rule is not None and groups:
            choice = self._call("the rule for victims", self.rule, list(groups))
            if choice is None:
                return None
            for candidate in groups:
                if candidate is choice:
                    return candidate
            if choice is not _FAILED:
                log.error(
                    "the rule for victims chose %r, which is none of them; the largest is taken", choice
                )
        return max(groups, key=would_give_back, default=None)

    def _kill(self, victim: Heap, need: Need) -> None:
        group: Group = victim._group
        assert group.kill is not None
        group.killed_at = time.monotonic()
        group.killed_held = held(victim)
        group.again_at = None
        group.kills += 1
        self._dying[victim] = None
        self.killed += 1
        kill = Kill(victim.name, group.killed_held, need.amount)
        self.kills.append(kill)
        again = ", again" if group.kills > 1 else ""
        text = (
            f"killing heap {kill.name!r}{again}, which holds {kill.held} bytes, "
            f"for one who waits for {kill.wanted}"
        )
        dump(victim, text, self.kill_level)
        tree_of(victim).doom(victim)
        if self._call(f"kill callback of heap {victim.name!r}", group.kill, victim) is _FAILED:
            self._give_up(group)  # there is nothing to wait for

    def _report(self, heap: Heap) -> None:
        group: Group = heap._group
        now = time.monotonic()
        seconds = 0.0 if group.killed_at is None else now - group.killed_at
        text = (
            f"heap {heap.name!r} was killed {seconds:.1f} s ago and has not given its memory back: "
            f"it held {format_bytes(group.killed_held)}, and still holds {format_bytes(heap.live)} live and "
            f"{format_bytes(heap.reserved)} reserved{parts_of(heap)}; if nobody else is left, it is killed "
            f"again in {(group.again_at or now) - now:.0f} s"
        )
        dump(heap, text, logging.ERROR)

    # -- callbacks
    def _call(self, what: str, function: Callable[..., object], *arguments: object) -> object:
        """Call somebody else's function; if it raises, log that and return _FAILED."""
        outer, self.calling = self.calling, (what, time.monotonic())
        try:
            return function(*arguments)
        except (Exception, Doomed):  # whatever it is, whoever waits must go on: another was doomed, if any
            log.exception("%s raised", what)
            return _FAILED
        finally:
            self.calling = outer

    @staticmethod
    def _in_aside(function: Callable[..., _T], *arguments: object) -> _T:
        """Call a function where it costs no heap anything and cannot wait for memory."""
        result: _T = _aside.admit(_aside, _PLENTY, function, *arguments)  # one call: no interrupt in between
        return result


__all__ = [
    "Group",
    "Kill",
    "Ladder",
    "Shrinker",
    "add_shrinker",
    "ladder_of",
    "remove_shrinker",
]
