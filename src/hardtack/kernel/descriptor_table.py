"""A process's descriptors: a table that a fork shares, copied where one of the sharers changes it.

`share` costs the same for ten descriptors and for ten thousand: parent and child hold the same nodes, each
of which counts its owners. Who is about to change a node that others own too makes a copy of it first, a
leaf and the node above it at most, so that every change keeps its constant bound. `drop` gives up a whole
table and allocates nothing.

A description counts the slots that lead to it: one in a leaf that three tables share is one. A node is
charged to the process that made it for as long as anybody owns it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel.descriptions import Description, close
from hardtack.kernel.params import FAN, MAX_DESCRIPTORS
from hardtack.kernel.table import Leaf, Middle, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.kernel.ranges import Number


class DescriptorTable(Table[Description]):
    """Descriptors of one process."""

    __slots__ = ()

    def share(self) -> DescriptorTable:
        """Return a table with the same descriptors, for a child. O(1)."""
        other = self._empty()
        for place in range(FAN):
            middle = self._middles[place]
            if middle is not None:
                middle.owners += 1
                other._middles[place] = middle
        other.first = self.first
        other._free = self._free
        other.count = self.count
        return other

    def has_room(self, count: int) -> bool:
        """Tell whether there may be so many more."""
        return self.count + count <= MAX_DESCRIPTORS

    def _empty(self) -> DescriptorTable:
        """Return another table for the same processes."""
        return DescriptorTable()

    def put_unshared(self, number: int, item: Description) -> None:
        """As put, of a table that has shared no node yet: it has nothing to copy."""
        self._enter(super()._make_leaf(number), number, item)

    def put_low(self, number: Number, item: Description) -> bool:
        """As put_unshared, of a number below FAN, which makes no node; False if it leads somewhere."""
        middle = self._middles[0]
        leaf = None if middle is None else middle.leaves[0]
        if leaf is None or leaf.items[number & 63] is not None:  # the leaf is always there
            return False
        self._enter(leaf, number, item)
        return True

    def remove(self, number: int) -> Description | None:
        """Free a number and return what it led to, or None. Copies at most two nodes, if they are shared."""
        if self.get(number) is None:
            return None
        self._make_leaf(number)
        return super().remove(number)

    def drop(self) -> None:
        """Close all descriptors that no other table shares; nobody may use this table any more.

        Allocates nothing that lasts. O(descriptors) for the last owner, O(1) for all others.
        """
        while self.drop_some():
            pass

    def drop_some(self) -> bool:
        """Do a part of `drop`: close FAN descriptors at most. O(1); False when nothing was left to do.

        From the first time on nobody may use this table any more, but to go on with this.
        """
        for place in range(FAN):
            middle = self._middles[place]
            if middle is None:
                continue
            if middle.owners > 1:
                middle.owners -= 1
                self._middles[place] = None
            elif not _drop_leaf(middle):
                self._middles[place] = None
            return True
        self.count = 0
        return False

    def _make_leaf(self, number: Number) -> Leaf[Description]:
        """Return the leaf of a number, owned by this table alone."""
        middle = self._middles[number >> 12]
        if middle is None:
            return super()._make_leaf(number)
        if middle.owners > 1:
            middle = self._middles[number >> 12] = _copy_middle(middle)
        leaf = middle.leaves[(number >> 6) & 63]
        if leaf is None:
            leaf = middle.leaves[(number >> 6) & 63] = Leaf()
        elif leaf.owners > 1:
            leaf = middle.leaves[(number >> 6) & 63] = _copy_leaf(leaf)
            if number < FAN:
                self.first = leaf.items
        return leaf

    def leaves(self) -> Iterator[Leaf[Description]]:
        """Yield the leaves; for checks."""
        for middle in self._middles:
            if middle is not None:
                for leaf in middle.leaves:
                    if leaf is not None:
                        yield leaf


def _copy_middle(middle: Middle[Description]) -> Middle[Description]:
    copy: Middle[Description] = Middle()
    copy.free = middle.free
    middle.owners -= 1
    for place in range(FAN):
        leaf = middle.leaves[place]
        if leaf is not None:
            leaf.owners += 1
            copy.leaves[place] = leaf
    return copy


def _copy_leaf(leaf: Leaf[Description]) -> Leaf[Description]:
    copy: Leaf[Description] = Leaf()
    copy.free = leaf.free
    leaf.owners -= 1
    for place in range(FAN):
        description = leaf.items[place]
        if description is not None:
            description.references += 1
            copy.items[place] = description
    return copy


def _drop_leaf(middle: Middle[Description]) -> bool:
    """Let go of the first leaf of a node that one table has; False when it has none."""
    for place in range(FAN):
        leaf = middle.leaves[place]
        if leaf is not None:
            middle.leaves[place] = None
            leaf.owners -= 1
            if not leaf.owners:
                _close_all(leaf)
            return True
    return False


def _close_all(leaf: Leaf[Description]) -> None:
    """Close what a leaf leads to, one after the other, letting go of each at once."""
    for place in range(FAN):
        description = leaf.items[place]
        if description is not None:
            leaf.items[place] = None
            close(description)
