"""Who pays for what lies on a durable file system: groups, under numbers that are kept with its inodes.

A number is never given twice, by a later kernel neither: what a group that has ended left there is nobody's.

Invariant: who is in the table under a number's place, and has that number, gave it to himself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel.disk_rows import PAYERS, SAVE_PAYERS
from hardtack.kernel.params import TABLE_ITEMS
from hardtack.kernel.table import UnsharedTable

if TYPE_CHECKING:
    from hardtack.kernel.disk import Disk
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.ranges import Count

PAYER_BYTES: Final = 2 * 1024  # two nodes of the table, numbers
_SWEPT: Final = 2  # of them that are looked at for each new number: more than are added


class Payers:
    """The groups that have numbers. Called inside the file system's heap."""

    __slots__ = ("_disk", "_first", "_given", "_last", "_table")

    def __init__(self, disk: Disk) -> None:
        """Go on with the numbers where they ended.

        Raises:
            Broken: the host's disk failed.
        """
        self._disk = disk
        self._table: UnsharedTable[Owner] = UnsharedTable()
        self._given: Count = disk.number(PAYERS)
        self._first: Owner | None = None  # who is looked at next, linked through them
        self._last: Owner | None = None

    def number(self, owner: Owner) -> int:
        """Return an owner's number; 0 if there can be no more. A new one takes PAYER_BYTES.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if owner.payer:
            return owner.payer
        self._sweep()
        place = self._table.lowest_free()
        if place < 0:
            return 0
        self._given += 1
        self._disk.change(SAVE_PAYERS, (self._given,))
        self._table.put(place, owner)
        owner.payer = self._given * TABLE_ITEMS + place
        self._append(owner)
        return owner.payer

    def find(self, number: int) -> Owner | None:
        """Return the owner with a number, if that one's group is there still."""
        owner = self._table.get(number % TABLE_ITEMS)
        return None if owner is None or owner.payer != number or owner.gone else owner

    def _sweep(self) -> None:
        """Forget some of those whose group has ended."""
        for _ in range(_SWEPT):
            owner = self._first
            if owner is None:
                break
            self._first, owner.next = owner.next, None
            if owner.gone:
                self._table.remove(owner.payer % TABLE_ITEMS)
            else:
                self._append(owner)

    def _append(self, owner: Owner) -> None:
        if self._first is None or self._last is None:
            self._first = owner
        else:
            self._last.next = owner
        self._last = owner
