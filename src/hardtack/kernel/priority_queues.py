"""Priority queues that never allocate: leftist trees, linked through what stands in them.

In a leftist tree the way down the right edge is the shortest to a free place, so it has at most log2(n + 1)
nodes, and two trees are made one along their right edges. That is all there is to putting, taking and
removing: O(log n) each, in the worst case and not only in the mean.

Source: C. A. Crane, "Linear lists and priority queues as balanced binary trees" (1972); D. E. Knuth, The
Art of Computer Programming, volume 3, section 5.2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Long, Rank

EDGE: Final = 14  # nodes of a right edge, at most, in a tree of MAX_PROCESSES


class Entry:
    """What can stand in one priority queue at a time.

    Attributes:
        due: by which it is ordered; set when it is put there.
        above: its place in the tree.
        left: below it there; who stands in none may use these two for something else.
        right: likewise.
        rank: nodes of its right edge; 0 while it stands in no tree.
    """

    __slots__ = ("above", "due", "left", "rank", "right")

    def __init__(self) -> None:
        self.due: Long = 0
        self.left: Entry | None = None
        self.right: Entry | None = None
        self.above: Entry | None = None
        self.rank: Rank = 0


T = TypeVar("T", bound=Entry)


class PriorityQueue(Generic[T]):
    """What is due first comes first.

    Attributes:
        first: that, or None.
    """

    __slots__ = ("first",)

    def __init__(self) -> None:
        self.first: T | None = None

    def put(self, entry: T, due: Long) -> None:
        """Put in what stands in no queue. O(log n)."""
        assert entry.rank == 0
        entry.due = due
        entry.rank = 1
        self.first = cast("T", _meld(self.first, entry))

    def take(self, entry: T) -> None:
        """Take out what stands in this queue. O(log n)."""
        assert entry.rank
        above = entry.above
        left, right = entry.left, entry.right
        entry.above = entry.left = entry.right = None
        entry.rank = 0
        if left is not None:
            left.above = None
        if right is not None:
            right.above = None
        rest = _meld(left, right)
        if above is None:
            self.first = cast("T | None", rest)
            return
        if above.left is entry:
            above.left = rest
        else:
            above.right = rest
        if rest is not None:
            rest.above = above
        _mend(above)


def _meld(one: Entry | None, other: Entry | None) -> Entry | None:
    """Make one tree of two; what is due at the same time stays in the order of the arguments."""
    if one is None:
        return other
    if other is None:
        return one
    if other.due < one.due:
        one, other = other, one
    root = one
    for _ in range(2 * EDGE):
        right = one.right
        if right is None:
            break
        if other.due < right.due:
            one.right = other
            other.above = one
            one, other = other, right
        else:
            one = right
    one.right = other
    other.above = one
    below: Entry | None = one
    for _ in range(2 * EDGE):
        if below is None:
            break
        _set_rank(below)
        below = below.above
    return root


def _mend(entry: Entry) -> None:
    """Set ranks right from a node upwards, as far as they change: each that does is greater than the last."""
    above: Entry | None = entry
    for _ in range(2 * EDGE):
        if above is None or not _set_rank(above):
            break
        above = above.above


def _set_rank(entry: Entry) -> bool:
    """Have the shorter edge on the right; tell whether the node's rank changed."""
    left, right = entry.left, entry.right
    shorter = 0 if right is None else right.rank
    longer = 0 if left is None else left.rank
    if longer < shorter:
        entry.left, entry.right = right, left
        shorter = longer
    changed = entry.rank != shorter + 1
    entry.rank = shorter + 1
    return changed
