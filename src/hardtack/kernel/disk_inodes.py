"""Inodes of a durable file system: what is open of it, what it may take of memory and space, transactions.

`DiskInodes` owns the database, the cache of pages, and the table of open inodes, whose sizes and times are
kept here and saved with the transaction. It refuses to know names (`disk_files`) and bytes (`disk_contents`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.buckets import Buckets
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.disk_payers import PAYER_BYTES, Payers
from hardtack.kernel.disk_rows import (
    BY_NUMBER,
    LAST_PAGES,
    NEW_INODE,
    NO_INODE,
    NO_PAGES,
    NUMBER,
    NUMBERS,
    SAVE,
    SAVE_PAGE,
    UNREACHABLE,
)
from hardtack.kernel.memory_files import NAME_BYTES
from hardtack.kernel.page_cache import DIRTY_PAGES, INDEXES, PAGE_BYTES, CachedPage, PageCache, evict_bytes
from hardtack.kernel.params import DISK_PAGE, TABLE_ITEMS

if TYPE_CHECKING:
    from hardtack.heap import Heap, HeapStatistics
    from hardtack.kernel.disk import Disk
    from hardtack.kernel.disk_rows import Pair, Row
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.ranges import Bytes, Count, FileSize, Flags, InodeNumber, Long, PathBytes, Signed
    from hardtack.kernel.system import System


@dataclass(frozen=True, slots=True)
class DiskStatistics:
    """A durable file system's books at one moment.

    Attributes:
        heap: what Python holds for it, its pages in memory above all; SQLite's own memory is not in it.
        pages: in memory.
        hits: look-ups of pages that were there.
        misses: look-ups of pages that were not.
        evictions: pages that were dropped to make room.
        commits: times that the host's disk was waited for.
        broken: why it answers EIO, or None.
    """

    heap: HeapStatistics
    pages: int
    hits: int
    misses: int
    evictions: int
    commits: int
    broken: str | None


DIRTY_INODES: Final = 64
OPEN_BYTES: Final = 4 * 1024  # an inode that is opened: its object, two nodes of the table, numbers
STEP_ROWS: Final = 64  # pages of a file that one step frees
MARGIN_BYTES: Final = 16 * 1024  # of the heap that stay free for what a statement takes in passing


class DiskInode:
    """An inode: the row's figures, newer than the row while `dirty`. Registered while it is open.

    Its names and pages, but for those that were there before, are `held` bytes in its payer's account.
    """

    __slots__ = (
        "atime", "chain", "ctime", "dirty", "held", "kind", "last", "links", "mtime", "next_dirty", "number",
        "opens", "parent", "payer", "size",
    )  # fmt: skip

    def __init__(self, row: Row) -> None:
        number, kind, links, size, atime, mtime, ctime, parent, payer, held = row
        self.number: InodeNumber = number + 0  # numbers of its own: the row's are the caller's
        self.kind: Flags = kind + 0
        self.links: Signed = links + 0
        self.size: FileSize = size + 0
        self.atime: Long = atime + 0
        self.mtime: Long = mtime + 0
        self.ctime: Long = ctime + 0
        self.parent: InodeNumber = parent + 0
        self.payer: Long = payer + 0
        self.held: Long = held + 0
        self.opens: Count = 0
        self.dirty = False
        self.chain: DiskInode | None = None
        self.next_dirty: DiskInode | None = None
        self.last: CachedPage | None = None  # the page that was used last

    def status(self) -> tuple[int, ...]:
        """Return what `Description.filestat` does."""
        links = max(self.links, 0)
        return (2, self.number, self.kind, links, self.size, self.atime, self.mtime, self.ctime)

    def row(self) -> Row:
        """Return what a query for it would find, were it saved."""
        return (
            self.number,
            self.kind,
            self.links,
            self.size,
            self.atime,
            self.mtime,
            self.ctime,
            self.parent,
            self.payer,
            self.held,
        )

    def saved(self) -> tuple[int, ...]:
        """Return what SAVE is to be given."""
        return (
            self.links,
            self.size,
            self.atime,
            self.mtime,
            self.ctime,
            self.parent,
            self.payer,
            self.held,
            self.number,
        )


class DiskInodes:
    """The inodes of one durable file system, its heap and its transactions."""

    __slots__ = (
        "_dirty", "_dirty_count", "_next_number", "_open", "_payers", "_system", "_unreachable", "cache",
        "disk", "heap",
    )  # fmt: skip

    def __init__(self, system: System, heap: Heap, disk: Disk) -> None:
        self._system = system
        self.heap = heap
        self.disk = disk
        with heap:
            self.cache = PageCache()
            self._open: Buckets[DiskInode] = Buckets()
            self._dirty: DiskInode | None = None
            self._dirty_count: Count = 0
            self._next_number: InodeNumber = disk.number(NUMBERS) + 1
            self._payers = Payers(disk)
            self._unreachable = True  # whether there may be inodes that nobody can reach

    # -- memory: the heap has a capacity of its own, and pages give way
    def make_room(self, need: Bytes) -> bool:
        """Drop pages until a step may allocate so many bytes in the heap; False if that cannot be."""
        if self._evict_until(need):
            return True
        if self.cache.dirty is None:
            return False
        self.flush()
        return self._evict_until(need)

    def _evict_until(self, need: Bytes) -> bool:
        while self.heap.free < need + MARGIN_BYTES:
            if not self.cache.evict():
                return False
        return True

    def shrink(self, wanted: int) -> None:
        """Give way: drop clean pages until so many bytes came back. Called by the heap's ladder."""
        evict_bytes(self.cache, self.heap, wanted)

    def statistics(self) -> DiskStatistics:
        """Return the books at this moment."""
        cache = self.cache
        return DiskStatistics(
            self.heap.statistics(),
            cache.count,
            cache.hits,
            cache.misses,
            cache.evictions,
            self.disk.commits,
            self.disk.failure,
        )

    # -- accounts
    def take_over(self, inode: DiskInode, owner: Owner, need: Bytes) -> bool:
        """Let an inode be owner's, who makes it take `need` bytes more; False if that is beyond its limit.

        The owner has a number: see `_payer`. What the inode holds passes into its account; where nobody is
        left in the old one's, its names.
        """
        number = owner.payer
        if number == 0:
            return False
        if number == inode.payer:
            return owner.may_hold(need)
        other = self._payers.find(inode.payer)
        with self.heap:
            held = NAME_BYTES * inode.links if other is None else inode.held
            if not owner.may_hold(held + need):
                return False
            if other is not None:
                other.held -= held
            owner.held += held
            inode.held = held
            inode.payer = number
        return True

    def _payer(self, owner: Owner) -> Long:
        if owner.payer:
            return owner.payer
        if not self.make_room(PAYER_BYTES):
            return 0
        with self.heap:
            return self._payers.number(owner)

    def charge(self, inode: DiskInode, count: Signed) -> None:
        """Enter what an inode takes more, or less; what was there before is the last to go."""
        with self.heap:
            count = max(count, -inode.held)
            inode.held += count
            owner = self._payers.find(inode.payer)
            if owner is not None:
                owner.held += count

    # -- transactions
    def begin_change(self) -> None:
        """Begin a change: end a transaction that is large, free some of what nobody can reach.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        disk = self.disk
        if disk.broken is not None:
            raise Broken(disk.broken)
        if disk.full:
            self.sync()
        if self._unreachable:
            self.collect()

    def space(self, pages: Count) -> int:
        """Take pages of the database for something new: OK, ENOSPC, or WAIT when some were freed."""
        if self.disk.take(pages):
            return abi.OK
        self.flush()
        self.disk.refresh()
        if self.disk.take(pages):
            return abi.OK
        return abi.WAIT if self.collect() else abi.ENOSPC

    def flush(self) -> None:
        """Bring dirty pages and inodes into the transaction: DIRTY_PAGES and DIRTY_INODES at most."""
        cache, disk = self.cache, self.disk
        for _ in range(DIRTY_PAGES):
            page = cache.take_dirty()
            if page is None:
                break
            if page.place >= 0:
                disk.change(SAVE_PAGE, (page.place, page.data))
        for _ in range(DIRTY_INODES):
            inode = self._dirty
            if inode is None:
                break
            self._dirty = inode.next_dirty
            inode.next_dirty = None
            inode.dirty = False
            disk.change(SAVE, inode.saved())
        cache.dirty_count = 0
        self._dirty_count = 0

    def sync(self) -> None:
        """Make everything durable; blocks until the host's disk has it."""
        self.flush()
        self.disk.commit()

    def collect(self) -> bool:
        """Free STEP_ROWS pages, or the inode, of what nobody can reach; False if there is nothing."""
        row = self.disk.pair(UNREACHABLE, ())
        if row is None:
            self._unreachable = False
            return False
        number = row[0]
        if self._cut_step(number, 0) is None:
            self.disk.change(NO_INODE, (number,))
        return True

    def _last_pages(self, number: Long, keep: Count, most: Count) -> Pair | None:
        """Return the first place and the bytes of an inode's last pages from index keep on; None: none."""
        found = self.disk.pair(LAST_PAGES, (number * INDEXES + keep, (number + 1) * INDEXES, most))
        return None if found is None or found[0] < 0 else found

    def _cut_step(self, number: Long, keep: Count) -> Pair | None:
        """Delete some of an inode's last pages from index keep on; return what `_last_pages` does of them."""
        cut = self._last_pages(number, keep, STEP_ROWS)
        if cut is not None:
            self.disk.change(NO_PAGES, (cut[0], (number + 1) * INDEXES))
        return cut

    # -- inodes
    def inode(self, row: Row) -> DiskInode:
        """Return the inode of a row: the one that is open, or one for the moment."""
        return self._registered(row[NUMBER]) or DiskInode(row)

    def _registered(self, number: InodeNumber) -> DiskInode | None:
        inode = self._open.get(number % TABLE_ITEMS)
        while inode is not None and inode.number != number:
            inode = inode.chain
        return inode

    def inode_to_open(self, row: Row) -> DiskInode | None:
        """Return the inode of a row, which can be opened; None when the heap has no room for it."""
        inode = self._registered(row[NUMBER])
        if inode is None and self.make_room(OPEN_BYTES + PAGE_BYTES):
            with self.heap:
                inode = DiskInode(row)
        return inode

    def open_inode(self, inode: DiskInode) -> None:
        """Open an inode that `inode_to_open` gave."""
        if not inode.opens:
            with self.heap:
                slot = inode.number % TABLE_ITEMS
                inode.chain = self._open.get(slot)
                self._open.put(slot, inode)
        inode.opens += 1

    def close_inode(self, inode: DiskInode) -> None:
        """Close an inode; who has no name either cannot be reached any more."""
        inode.opens -= 1
        if inode.opens:
            return
        if inode.links == 0:
            self._cannot_be_reached(inode)
        if inode.dirty:
            self.flush()
        with self.heap:
            slot = inode.number % TABLE_ITEMS
            above = self._open.get(slot)
            if above is inode:
                self._open.replace(slot, inode.chain)
            else:
                while above is not None and above.chain is not inode:
                    above = above.chain
                assert above is not None
                above.chain = inode.chain
            inode.chain = inode.last = None

    def save(self, inode: DiskInode) -> None:
        """Bring an inode's figures into the transaction."""
        self.disk.change(SAVE, inode.saved())

    def touch(self, inode: DiskInode) -> None:
        """Note that an inode's figures changed: an open one's are saved with the transaction, others now."""
        if not inode.opens:
            self.save(inode)
        elif not inode.dirty:
            if self._dirty_count >= DIRTY_INODES:
                self.flush()
            inode.dirty = True
            inode.next_dirty = self._dirty
            self._dirty = inode
            self._dirty_count += 1

    def set_times(self, inode: DiskInode, atime: Long | None, mtime: Long | None) -> int:
        """Set times, each unless None."""
        if max(atime or 0, mtime or 0) >> 63:
            return abi.EINVAL
        self.begin_change()
        with self.heap:
            inode.atime = inode.atime if atime is None else atime + 0
            inode.mtime = inode.mtime if mtime is None else mtime + 0
        self._stamp(inode, content=False)
        self.touch(inode)
        return abi.OK

    def _changed(self, number: Long) -> None:
        """Note that a directory's names changed."""
        row = self.disk.inode(BY_NUMBER, (number,)) if (inode := self._registered(number)) is None else None
        inode = inode or (DiskInode(row) if row is not None else None)
        if inode is not None:
            self._stamp(inode)
            self.touch(inode)

    def _new_inode(
        self, kind: Flags, parent: Long, target: PathBytes, payer: Long, held: Long
    ) -> tuple[Long, Long]:
        """Enter a new inode; return its number and its times."""
        number = self._next_number
        self._next_number += 1
        now = self._system.files.now
        self.disk.change(NEW_INODE, (number, kind, len(target), now, now, now, parent, payer, held, target))
        return number, now

    def _cannot_be_reached(self, inode: DiskInode) -> None:
        inode.links = -1
        self.charge(inode, -inode.held)
        self._forget_pages(inode, 0)
        if inode.size <= STEP_ROWS * DISK_PAGE:  # at once, then
            place = inode.number * INDEXES
            if inode.size:
                self.disk.change(NO_PAGES, (place, place + INDEXES))
            self.disk.change(NO_INODE, (inode.number,))
        else:
            self.save(inode)
            self._unreachable = True

    def _forget_pages(self, inode: DiskInode, keep: Count) -> None:
        """Drop an inode's pages from index keep on from memory."""
        place = inode.number * INDEXES
        end = (inode.size + DISK_PAGE - 1) // DISK_PAGE
        if end - keep > STEP_ROWS:
            self.cache.drop_between(place + keep, place + INDEXES)
            return
        for index in range(STEP_ROWS):
            if keep + index >= end:
                break
            page = self.cache.find(place + keep + index)
            if page is not None:
                self.cache.drop(page)

    def _stamp(self, inode: DiskInode, content: bool = True) -> None:
        """Let an inode carry the time of a change."""
        now = self._system.files.now
        if inode.ctime == now and (inode.mtime == now or not content):
            return
        with self.heap:  # the number lives as long as the inode
            now += 0
            inode.ctime = now
            if content:
                inode.mtime = now
