"""The last events of a tree of heaps, as text, for when something has gone wrong.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="service")
    >>> note(heap, "somebody waits for 4096 bytes")
    >>> [line] = heap.black_box()
    >>> line.partition(" ")[2]
    'service: somebody waits for 4096 bytes'

Each line begins with the time, in monotonic seconds (`time.monotonic()`). What is noted: who waits for longer
than a tenth of a second, and is granted; timeouts; who is let go; which shrinkers were asked, and what they
gave; kills; overruns, and leaked reservations, as far as they are logged. Short waits, and what takes the
fast path (there is room, nobody waits), are not: they would push out what matters.

This module owns the ring of lines of each tree. It keeps no heap alive, and costs no heap anything: lines
are copied into a heap that is nobody's. The ring is a list of fixed length, for a deque would take its
blocks from a pool that it shares with others, and with them bytes that some heap is charged for.
"""

from __future__ import annotations

import logging
import time
from itertools import count
from typing import TYPE_CHECKING, Final

from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS: Final = 1024  # lines that are kept of a tree
LINE_BYTES: Final = 500  # of a line that are kept

log: Final = logging.getLogger("hardtack.heap")
_aside: Final = Heap(None, name="black box")


class Ring(list[bytes]):
    """The last lines of one tree: number n stands at n % (EVENTS + 1), and an empty one after the newest.

    A list, so that the native core can write it out when it aborts.

    Attributes:
        numbers: gives each line its number. Taking one is atomic, so threads do not write over each other.
        noted: how many there were.
        logged: the first that `dump` has not logged.
    """

    __slots__ = ("logged", "noted", "numbers")

    def __init__(self) -> None:
        super().__init__([b""] * (EVENTS + 1))
        self.numbers: Iterator[int] = count()
        self.noted = 0
        self.logged = 0

    def add(self, line: bytes) -> None:
        """Write a line over the oldest."""
        number = next(self.numbers)
        self[(number + 1) % (EVENTS + 1)] = b""
        self[number % (EVENTS + 1)] = line
        self.noted = max(self.noted, number + 1)

    def since(self, number: int) -> list[str]:
        """Return the lines from a number on, as far as they are kept, the oldest first."""
        noted = self.noted
        kept = (self[at % (EVENTS + 1)] for at in range(max(number, noted - EVENTS), noted))
        return [line.decode(errors="replace") for line in kept if line]


def note(heap: Heap, text: str) -> None:
    """Write down that something has happened to a heap.

    Any thread may call it anywhere, inside a heap that is full and in finalizers too. Never blocks.

    Args:
        heap: what it has happened to; the line is kept with those of its tree and begins with its name.
        text: what; one line, cut off where it is too long.
    """
    _aside.run(_note, heap, text)


def dump(heap: Heap, text: str, level: int = logging.WARNING) -> None:
    """Write down that something has happened, and log it with what led to it.

    One record under the logger "hardtack.heap", of `text` and the lines of the heap's tree since the last
    such record. Does no more than `note` if nobody listens to that level.

    Args:
        heap: what it has happened to.
        text: what.
        level: of `logging`.
    """
    _aside.run(_dump, heap, text, level)


def lines(heap: Heap) -> list[str]:
    """Return the last events of a heap's tree, the oldest first, each a line that begins with its time."""
    found: list[str] = _aside.run(_ring_of(heap).since, 0)
    return found


# -- inside `_aside`
def _note(heap: Heap, text: str) -> None:
    line = f"{time.monotonic():.3f} {heap.name}: {text}".replace("\n", " ")
    _ring_of(heap).add(line.encode(errors="replace")[:LINE_BYTES])


def _dump(heap: Heap, text: str, level: int) -> None:
    if not log.isEnabledFor(level):
        _note(heap, text)
        return
    ring = _ring_of(heap)
    events = ring.since(ring.logged)
    _note(heap, text)
    ring.logged = ring.noted
    if not events:
        log.log(level, "%s", text)
        return
    log.log(
        level,
        "%s\nWhat led to it, since the last report (now is %.3f):\n  %s",
        text, time.monotonic(), "\n  ".join(events),
    )  # fmt: skip


def _ring_of(heap: Heap) -> Ring:
    while heap.parent is not None:
        heap = heap.parent
    if heap._events is None:  # nothing has happened there yet
        heap._events = _aside.run(Ring)
    ring: Ring = heap._events
    return ring
