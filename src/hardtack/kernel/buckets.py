"""Slots by number, for tables that are chained: who is in the cache, which inodes are open.

Three levels of nodes with 64 slots, as in `table`, but nothing is counted: to let go of an item makes no
number, so a walk that lets go of many takes no memory. Who puts items there chains those of one slot. To be
told from no item, each must be true.

Invariant: every node but the first has an item below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from hardtack.kernel.params import FAN

if TYPE_CHECKING:
    from annotated_types import Len

    from hardtack.kernel.ranges import Number

T = TypeVar("T")


class _Row(Generic[T]):
    """A node of 64 items."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: Annotated[list[T | None], Len(FAN, FAN)] = [None] * FAN


class _Rows(Generic[T]):
    """A node of 64 rows."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: Annotated[list[_Row[T] | None], Len(FAN, FAN)] = [None] * FAN


class Buckets(Generic[T]):
    """Numbers from 0 to TABLE_ITEMS - 1, each with an item or none. O(1) for every operation."""

    __slots__ = ("_tops",)

    def __init__(self) -> None:
        self._tops: Annotated[list[_Rows[T] | None], Len(FAN, FAN)] = [None] * FAN

    def get(self, number: Number) -> T | None:
        """Return the item at a number, or None."""
        top = self._tops[number >> 12]
        row = None if top is None else top.rows[(number >> 6) & 63]
        return None if row is None else row.items[number & 63]

    def put(self, number: Number, item: T) -> None:
        """Set the item at a number; makes at most two nodes, and none where there was an item."""
        top = self._tops[number >> 12]
        if top is None:
            top = self._tops[number >> 12] = _Rows()
        row = top.rows[(number >> 6) & 63]
        if row is None:
            row = top.rows[(number >> 6) & 63] = _Row()
        row.items[number & 63] = item

    def replace(self, number: Number, item: T | None) -> None:
        """Set the item at a number that has one, or let go of it, and of nodes that are empty then."""
        top = self._tops[number >> 12]
        row = None if top is None else top.rows[(number >> 6) & 63]
        if top is None or row is None:
            return
        row.items[number & 63] = item
        if item is None and not any(row.items):
            top.rows[(number >> 6) & 63] = None
            if not any(top.rows):
                self._tops[number >> 12] = None

    def check(self) -> list[str]:
        """Return what does not hold of the invariant. Empty when all is well."""
        tops = [top for top in self._tops if top is not None]
        rows = [row for top in tops for row in top.rows if row is not None]
        bare = sum(not any(top.rows) for top in tops) + sum(not any(row.items) for row in rows)
        return [f"{bare} nodes without an item"] if bare else []
