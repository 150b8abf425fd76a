"""What a heap may give way by, and who of a tree is short, holds most, and could be asked to.

A heap's `_group` is a `Group` if it can be killed or has shrinkers, and None if it is left as it is. This
module owns what is entered there, and questions to the books of several heaps. It does nothing about the
answers: that is the ladder's (`reclaim`).
"""

from __future__ import annotations

from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hardtack.heap import Heap

_Shrink = TypeVar("_Shrink", bound="Callable[[int], object]")

GONE_SHARE: Final = 16  # a group is gone when no more than a 16th of what it held is left
MOST_HOLDERS: Final = 5  # that are named

_numbers: Final = count()


class Shrinker:
    """A function that can make a heap smaller. The lower the priority, the sooner it is asked."""

    __slots__ = ("function", "name", "number", "priority")

    def __init__(self, function: Callable[[int], object], priority: int, name: str) -> None:
        self.function = function
        self.priority = priority
        self.name = name
        self.number = next(_numbers)


class Group:
    """How a heap may give way. A heap without one is left as it is.

    Attributes:
        kill: called with the heap when it is chosen as a victim, on the thread that waits for memory; None if
            it never is. It must return at once, and have the bytes come back soon: cancel tasks, set a flag,
            drop what holds them. While it runs nothing else is done to find memory in its tree; grants are
            made all the same.
        protected: neither this heap nor a group that it is part of is killed.
        shrinkers: what to ask before anybody is killed.
        killed_at: when it was killed last, in monotonic seconds; None once its bytes are back.
        killed_held: bytes that it held then.
        kills: how often it was killed since its bytes came back last.
        again_at: from when on it may be killed again, if it was given up on as its bytes did not come back.
        residue: bytes that its last death did not give back, so the next would not either.
    """

    __slots__ = (
        "again_at",
        "kill",
        "killed_at",
        "killed_held",
        "kills",
        "protected",
        "residue",
        "shrinkers",
    )

    def __init__(self, kill: Callable[[Heap], object] | None = None, protected: bool = False) -> None:
        if kill is not None and not callable(kill):
            raise TypeError(f"kill is a function that is called with the heap, not {kill!r}")
        self.kill = kill
        self.protected = protected
        self.shrinkers: list[Shrinker] = []
        self.killed_at: float | None = None
        self.killed_held = 0
        self.kills = 0
        self.again_at: float | None = None
        self.residue = 0

    @property
    def given_up(self) -> bool:
        """Tell whether it was killed in vain, and is not waited for any more."""
        return self.again_at is not None


def add_shrinker(heap: Heap, function: _Shrink, priority: int = 0, name: str | None = None) -> _Shrink:
    """Have a function called with the bytes that are missing when this heap, or one above it, is full.

    It runs on the thread that waits, outside every heap. It may free anything, on any heap; it may not wait
    for memory. If it raises, that is logged and the next one is asked.

    Args:
        heap: where the bytes would come free.
        function: called with the bytes that are missing; what it returns is ignored.
        priority: the lowest is asked first; among equals, the one that was added first.
        name: for messages; by default the function's own.

    Returns:
        The function.
    """
    group: Group | None = heap._group
    if group is None:
        group = heap._group = Group()
    group.shrinkers.append(Shrinker(function, priority, name or _name_of(function)))
    return function


def remove_shrinker(heap: Heap, function: Callable[[int], object]) -> None:
    """Have a function not be asked any more.

    Raises:
        ValueError: it was not added to this heap.
    """
    shrinkers: list[Shrinker] = [] if heap._group is None else heap._group.shrinkers
    for shrinker in shrinkers:
        if shrinker.function == function:
            shrinkers.remove(shrinker)
            return
    raise ValueError(f"{_name_of(function)} is no shrinker of heap {heap.name!r}")


def _name_of(function: object) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


# -- questions to the books
def held(heap: Heap) -> int:
    """Return the bytes that are live or reserved in a heap and below it."""
    return heap.live + heap.reserved


def would_give_back(heap: Heap) -> int:
    """Return the bytes that come back if a group dies: all it holds but what survived its last death."""
    group: Group = heap._group
    return held(heap) - group.residue


def gone(heap: Heap) -> bool:
    """Tell whether a group that was killed has given its bytes back, all but a small residue."""
    group: Group = heap._group
    return held(heap) <= group.killed_held // GONE_SHARE


def shortage(heap: Heap, amount: int) -> int:
    """Return how many bytes are missing in a heap for an amount to be set aside; 0 or less if none."""
    free = heap.free
    if free or heap.capacity is None:
        return amount - free
    return amount + max(0, heap.live + heap.reserved + heap.slack - heap.capacity)


def short_heap(heap: Heap, amount: int, also: Iterable[Heap] = ()) -> Heap | None:
    """Return the first heap that lacks room for an amount: of `also` upwards, then of `heap` upwards."""
    for start in (*also, heap):
        at: Heap | None = start
        while at is not None:
            if shortage(at, amount) > 0:
                return at
            at = at.parent
    return None


def is_below(heap: Heap, top: Heap) -> bool:
    """Tell whether a heap is another one, or is below it."""
    at: Heap | None = heap
    while at is not None and at is not top:
        at = at.parent
    return at is not None


def heaps_below(top: Heap) -> list[Heap]:
    """Return a heap and all below it, parents before their children."""
    heaps = [top]
    for heap in heaps:  # which grows meanwhile
        heaps.extend(heap._children())
    return heaps


def shrinkers_below(top: Heap) -> list[Shrinker]:
    """Return the shrinkers of a heap and of all below it, in the order in which they are asked."""
    found = [
        shrinker for heap in heaps_below(top) if heap._group is not None for shrinker in heap._group.shrinkers
    ]
    found.sort(key=attrgetter("priority", "number"))
    return found


def groups_below(top: Heap) -> list[Heap]:
    """Return the groups in a heap and below it that could be killed and would give back something."""
    heaps = heaps_below(top)
    dying: set[int] = set()
    for heap in heaps:
        group: Group | None = heap._group
        if id(heap.parent) in dying or (group is not None and group.killed_at is not None):
            dying.add(id(heap))
    return [heap for heap in _worth_killing(heaps) if id(heap) not in dying]


def given_up_below(top: Heap, now: float) -> list[Heap]:
    """Return the groups in a heap and below it that were killed in vain, and may be killed once more."""
    found = []
    for heap in _worth_killing(heaps_below(top)):
        again_at = heap._group.again_at
        if again_at is not None and again_at <= now:
            found.append(heap)
    return found


def _worth_killing(heaps: list[Heap]) -> list[Heap]:
    """Return which heaps, of some and all below these, can be killed, are not guarded, and hold something."""
    guarded: set[int] = set()
    for heap in reversed(heaps):
        group: Group | None = heap._group
        if (group is not None and group.protected) or id(heap) in guarded:
            guarded.add(id(heap))
            guarded.add(id(heap.parent))
    return [
        heap
        for heap in heaps
        if (group := heap._group) is not None
        and group.kill is not None
        and id(heap) not in guarded
        and would_give_back(heap) > 0
    ]


def holders_of(heap: Heap) -> tuple[tuple[str, int], ...]:
    """Return which heaps right below a heap hold most, and how many bytes each; the largest first."""
    parts = sorted(heap._children(), key=held, reverse=True)[:MOST_HOLDERS]
    return tuple((part.name, held(part)) for part in parts if held(part))


def parts_of(heap: Heap) -> str:
    """Return which heaps right below a heap hold most, as text."""
    parts = ", ".join(f"{format_bytes(size)} in {name!r}" for name, size in holders_of(heap))
    return f", of which {parts}" if parts else ""
