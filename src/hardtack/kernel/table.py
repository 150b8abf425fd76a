"""A table of numbered items that grows in constant steps: descriptors, processes, inodes.

Three levels of nodes with 64 slots: a new item costs at most two new nodes, however many there are, and an
emptied node is dropped. Each node keeps a mask of slots with room below them, so that the lowest free
number is found in three steps, as POSIX wants it for descriptors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Generic, TypeVar

from hardtack.kernel.params import FAN, TABLE_ITEMS

if TYPE_CHECKING:
    from annotated_types import Len

    from hardtack.annotations import Among
    from hardtack.kernel.ranges import Count, Mask

T = TypeVar("T")
CAPACITY: Final = TABLE_ITEMS
_ALL_FREE: Final = (1 << FAN) - 1


class Leaf(Generic[T]):
    """A node of 64 items."""

    __slots__ = ("free", "items", "owners")

    def __init__(self) -> None:
        self.items: Annotated[list[T | None], Len(FAN, FAN)] = [None] * FAN
        self.free: Mask = _ALL_FREE
        self.owners: Count = 1  # tables that share it: see descriptor_table


class Middle(Generic[T]):
    """A node of 64 leaves."""

    __slots__ = ("free", "leaves", "owners")

    def __init__(self) -> None:
        self.leaves: Annotated[list[Leaf[T] | None], Len(FAN, FAN)] = [None] * FAN
        self.free: Mask = _ALL_FREE
        self.owners: Count = 1

    def is_bare(self) -> bool:
        """Tell whether it has no leaf."""
        for leaf in self.leaves:  # noqa: SIM110 - all() would make a generator
            if leaf is not None:
                return False
        return True


class Table(Generic[T]):
    """Numbers from 0 to CAPACITY - 1, each with an item or free. O(1) for every operation.

    Attributes:
        first: the items of the numbers below FAN, for who asks for them at every call.
        count: how many there are.
    """

    __slots__ = ("_free", "_middles", "count", "first")

    def __init__(self) -> None:
        self._middles: Annotated[list[Middle[T] | None], Len(FAN, FAN)] = [None] * FAN
        self._free: Mask = _ALL_FREE
        self.first: Annotated[list[T | None], Len(FAN, FAN), Among("_middles[].leaves[].items")] = (
            self._make_leaf(0).items
        )
        self.count: Count = 0

    def get(self, number: int) -> T | None:
        """Return the item at number, or None; any int may be asked for."""
        return self.first[number] if 0 <= number < FAN else self.find(number)

    def find(self, number: int) -> T | None:
        """As get, a little slower. To the analyser an item then comes from one place, not from two."""
        if not 0 <= number < TABLE_ITEMS:
            return None
        middle = self._middles[number >> 12]
        if middle is None:
            return None
        leaf = middle.leaves[(number >> 6) & 63]
        return None if leaf is None else leaf.items[number & 63]

    def lowest_free(self) -> int:
        """Return the lowest free number, or -1 when the table is full. Allocates nothing that lasts."""
        if not self._free:
            return -1
        top = (self._free & -self._free).bit_length() - 1
        middle = self._middles[top]
        if middle is None:
            return top << 12
        mid = (middle.free & -middle.free).bit_length() - 1
        leaf = middle.leaves[mid]
        if leaf is None:
            return top << 12 | mid << 6
        return top << 12 | mid << 6 | ((leaf.free & -leaf.free).bit_length() - 1)

    def put(self, number: int, item: T) -> None:
        """Set the item at a number within CAPACITY, free or not. Makes at most two nodes."""
        self._enter(self._make_leaf(number), number, item)

    def _enter(self, leaf: Leaf[T], number: int, item: T) -> None:
        """Set the item at a number that is the leaf's."""
        if leaf.items[number & 63] is None:
            self.count += 1
            leaf.free &= ~(1 << (number & 63))
            middle = self._middles[number >> 12]
            if not leaf.free and middle is not None:  # to assert it would cost an exception
                middle.free &= ~(1 << ((number >> 6) & 63))
                if not middle.free:
                    self._free &= ~(1 << (number >> 12))
        leaf.items[number & 63] = item

    def remove(self, number: int) -> T | None:
        """Free a number and return its item, or None if it had none. Drops nodes that are empty."""
        if not 0 <= number < TABLE_ITEMS:
            return None
        middle = self._middles[number >> 12]
        leaf = None if middle is None else middle.leaves[(number >> 6) & 63]
        item = None if leaf is None else leaf.items[number & 63]
        if middle is None or leaf is None or item is None:
            return None
        leaf.items[number & 63] = None
        self.count -= 1
        leaf.free |= 1 << (number & 63)
        middle.free |= 1 << ((number >> 6) & 63)
        self._free |= 1 << (number >> 12)
        if leaf.free == _ALL_FREE and number >= FAN:
            middle.leaves[(number >> 6) & 63] = None
            if number >> 12 and middle.is_bare():
                self._middles[number >> 12] = None
        return item

    def next_used(self, start: int) -> int:
        """Return the lowest used number from start on, or -1. Skips empty nodes at once."""
        for top in range(start >> 12, FAN):
            middle = self._middles[top]
            if middle is None:
                continue
            for mid in range((max(start, top << 12) >> 6) & 63, FAN):
                leaf = middle.leaves[mid]
                if leaf is None or leaf.free == _ALL_FREE:
                    continue
                first = top << 12 | mid << 6
                for number in range(max(start, first), first + FAN):
                    if leaf.items[number & 63] is not None:
                        return number
        return -1

    def _make_leaf(self, number: int) -> Leaf[T]:
        middle = self._middles[number >> 12]
        if middle is None:
            middle = self._middles[number >> 12] = Middle()
        leaf = middle.leaves[(number >> 6) & 63]
        if leaf is None:
            leaf = middle.leaves[(number >> 6) & 63] = Leaf()
        return leaf

    def check(self) -> list[str]:
        """Return what does not hold: masks against slots, the count. Empty when all is well."""
        wrong: list[str] = []
        first = self._middles[0]
        if first is None or first.leaves[0] is None or first.leaves[0].items is not self.first:
            wrong.append("small numbers are not found in the first leaf")
        count = 0
        number = self.next_used(0)
        while number >= 0:
            count += 1
            middle = self._middles[number >> 12]
            leaf = middle.leaves[(number >> 6) & 63] if middle else None
            if leaf is not None and leaf.free >> (number & 63) & 1:
                wrong.append(f"number {number} is used and marked free")
            number = self.next_used(number + 1)
        if count != self.count:
            wrong.append(f"{count} items, counted as {self.count}")
        return wrong


class UnsharedTable(Table[T]):
    """A table that shares no node: the analyser need not take it for one of descriptors."""

    __slots__ = ()
