"""Pages of a durable file system's files, in memory: the ones that were used last.

A page is found by its place (inode and index in one number). What was written stays here, dirty, until it is
flushed into the database; a clean page can be dropped at any time, and is, when the heap is short of memory
or a page is wanted and the file system's heap has no room left. At most DIRTY_PAGES are dirty.

Pages hang in `Buckets` under a number made from their place, those that share one in a chain, and in a list
in the order of their use: so nothing here grows in leaps.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.kernel.buckets import Buckets
from hardtack.kernel.params import DISK_PAGE, KIB, TABLE_ITEMS

if TYPE_CHECKING:
    from annotated_types import Interval, MaxLen

    from hardtack.heap import Heap
    from hardtack.kernel.ranges import Count, Number

    Place: TypeAlias = Annotated[int, Interval(ge=-1, lt=1 << 63)]
    Bytes: TypeAlias = Annotated[bytes, MaxLen(DISK_PAGE)] | Annotated[bytearray, MaxLen(DISK_PAGE)]

INDEXES: Final = 1 << 26  # pages that a file can have: a place is inode * INDEXES + index
DIRTY_PAGES: Final = 64
PAGE_SIZES: Final = (512, 2048, DISK_PAGE)  # bytes of a page that is written to, as far as it reaches
# What one page more may take: its bytes beside those of a smaller one, its object, two nodes of the table,
# numbers. Checked by measurement.
PAGE_BYTES: Final = 2 * 10 * KIB + 4 * KIB
_SPREAD: Final = 4099  # so that the first pages of neighbouring inodes lie apart


class CachedPage:
    """A page: its bytes, as far as they were ever written (zeros follow), and its neighbours in the lists."""

    __slots__ = ("chain", "data", "dirty", "newer", "next_dirty", "older", "place")

    def __init__(self, place: Place, data: Bytes) -> None:
        self.place: Place = place  # -1 when it was dropped
        self.data: Bytes = data  # bytearray once it was written to
        self.dirty = False
        self.chain: CachedPage | None = None
        self.newer: CachedPage | None = None
        self.older: CachedPage | None = None
        self.next_dirty: CachedPage | None = None


class PageCache:
    """The pages, and which of them are dirty.

    Attributes:
        hits: look-ups that found a page.
        misses: look-ups that did not.
    """

    __slots__ = (
        "_evictions",
        "_newest",
        "_oldest",
        "_table",
        "dirty",
        "dirty_count",
        "hits",
        "misses",
    )

    def __init__(self) -> None:
        self._table: Buckets[CachedPage] = Buckets()
        self._newest: CachedPage | None = None
        self._oldest: CachedPage | None = None
        self.dirty: CachedPage | None = None  # a list through next_dirty; some may be clean or dropped again
        self.dirty_count: Count = 0  # of that list
        self.hits: Count = 0
        self.misses: Count = 0
        self._evictions = array("q", [0])  # no int of its own: to drop any number of pages takes no memory

    def get(self, place: Place) -> CachedPage | None:
        """Return the page at a place and make it the newest, or None. Called inside the heap."""
        page = self.find(place)
        if page is None:
            self.misses += 1
            return None
        self.use(page)
        return page

    def use(self, page: CachedPage) -> None:
        """Count a page that was found as used, and make it the newest. Called inside the heap."""
        self.hits += 1
        if page is not self._newest:
            self._unlink(page)
            self._push(page)

    def find(self, place: Place) -> CachedPage | None:
        """Return the page at a place, or None. It is not counted as used."""
        page = self._table.get(_number(place))
        while page is not None and page.place != place:
            page = page.chain
        return page

    def add(self, place: Place, data: Bytes) -> CachedPage:
        """Enter a page that is not there, as the newest. Called inside the heap."""
        page = CachedPage(place, data)
        number = _number(place)
        page.chain = self._table.get(number)
        self._table.put(number, page)
        self._push(page)
        return page

    def mark_dirty(self, page: CachedPage) -> None:
        """Note that a page was written to."""
        if not page.dirty:
            page.dirty = True
            page.next_dirty = self.dirty
            self.dirty = page
            self.dirty_count += 1

    def take_dirty(self) -> CachedPage | None:
        """Take a page off the list of the dirty ones; when all are taken, `dirty_count` is to be set to 0."""
        page = self.dirty
        if page is not None:
            self.dirty = page.next_dirty
            page.next_dirty = None
            page.dirty = False
        return page

    def drop(self, page: CachedPage) -> None:
        """Forget a page, dirty or not. Makes no number that lasts: so a walk may drop any number of pages."""
        number = _number(page.place)
        first = self._table.get(number)
        if first is page:
            self._table.replace(number, page.chain)
        else:
            while first is not None and first.chain is not page:
                first = first.chain
            assert first is not None
            first.chain = page.chain
        page.chain = None
        self._unlink(page)
        page.place = -1
        page.data = b""

    def drop_between(self, first: Place, end: Place) -> None:
        """Forget the pages at the places from first on, up to end."""
        page = self._newest
        while page is not None:
            older = page.older
            if first <= page.place < end:
                self.drop(page)
            page = older

    def evict(self) -> bool:
        """Drop the clean page that was used longest ago; False if every page is dirty."""
        page = self._oldest
        while page is not None and page.dirty:
            page = page.newer
        if page is None:
            return False
        self.drop(page)
        self._evictions[0] += 1
        return True

    def clear(self) -> None:
        """Forget everything."""
        while self.take_dirty() is not None:
            pass
        self.dirty_count = 0
        while self._newest is not None:
            self.drop(self._newest)

    def _push(self, page: CachedPage) -> None:
        page.older = self._newest
        if self._newest is not None:
            self._newest.newer = page
        else:
            self._oldest = page
        self._newest = page

    def _unlink(self, page: CachedPage) -> None:
        if page.newer is not None:
            page.newer.older = page.older
        else:
            self._newest = page.older
        if page.older is not None:
            page.older.newer = page.newer
        else:
            self._oldest = page.newer
        page.newer = page.older = None

    @property
    def evictions(self) -> int:
        """Return how many pages were dropped to make room."""
        return self._evictions[0]

    @property
    def count(self) -> int:
        """Return how many pages there are. O(pages)."""
        count = 0
        page = self._newest
        while page is not None:
            count += 1
            page = page.older
        return count

    def check(self) -> list[str]:
        """Return what does not hold of the lists and the table. Empty when all is well."""
        wrong = self._table.check()
        page = self._newest
        while page is not None:
            found = self._table.get(_number(page.place))
            while found is not None and found is not page:
                found = found.chain
            if found is None:
                wrong.append(f"the page at {page.place} cannot be found")
            page = page.older
        return wrong


def evict_bytes(cache: PageCache, heap: Heap, wanted: int) -> None:
    """Drop clean pages until so many bytes came back, or none is left."""
    goal = heap.live - wanted
    while heap.live > goal and cache.evict():
        pass


def _number(place: Place) -> Number:
    return (place // INDEXES * _SPREAD + place) % TABLE_ITEMS
