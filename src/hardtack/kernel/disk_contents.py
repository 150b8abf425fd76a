"""The bytes of a durable file system's files: read and written page by page, in memory, and cut in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.disk_inodes import MARGIN_BYTES, DiskInode, DiskInodes
from hardtack.kernel.disk_rows import PAGE, PAGE_SIZE
from hardtack.kernel.files import ZEROS
from hardtack.kernel.page_cache import DIRTY_PAGES, INDEXES, PAGE_BYTES, PAGE_SIZES, CachedPage
from hardtack.kernel.params import DISK_PAGE, KIB

if TYPE_CHECKING:
    from hardtack.kernel.disk import PageBytes
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.page_cache import Bytes
    from hardtack.kernel.ranges import Count, Long, Position, Signed, Transfer, Word

DATA_PAGES: Final = 4  # of the database that a new page of a file takes at most
NEXT_PAGE_BYTES: Final = DISK_PAGE + 3 * KIB  # what another one takes of the heap, its block above all


class DiskContents(DiskInodes):
    """Reading and writing of open files."""

    __slots__ = ()

    def read(
        self, file: DiskInode, position: Position, memory: memoryview, start: Word, count: Transfer
    ) -> int:
        """Copy up to count bytes to memory[start:]; return how many.

        The last page stays in memory, if more of it may be wanted next; those that are wanted up to their
        end do not. So no call takes memory for more than one.
        """
        count = max(0, min(count, file.size - position))
        index, offset = position // DISK_PAGE, position % DISK_PAGE
        done = 0
        for _ in range((offset + count) // DISK_PAGE):  # up to the end of each
            piece = min(count - done, DISK_PAGE - offset)
            page = self._cached(file, index)
            data = self._row_of(file, index) if page is None else page.data
            _copy_out(data, offset, memory, start + done, piece)
            done += piece
            index += 1
            offset = 0
            del data, page  # before the next is read
        if done < count:
            page = self._cached(file, index) or self._fetch(file, index)
            _copy_out(page.data, offset, memory, start + done, count - done)
        return count

    def read_once(
        self, file: DiskInode, position: Position, memory: memoryview, start: Word, count: Transfer
    ) -> int:
        """As read, aside: no page stays in memory that is not there, and none counts as used."""
        count = max(0, min(count, file.size - position))
        index, offset = position // DISK_PAGE, position % DISK_PAGE
        done = 0
        while done < count:
            piece = min(count - done, DISK_PAGE - offset)
            place = file.number * INDEXES + index
            page = self.cache.find(place)
            data = (self.disk.blob_aside(PAGE, place, DISK_PAGE) or b"") if page is None else page.data
            _copy_out(data, offset, memory, start + done, piece)
            done += piece
            index += 1
            offset = 0
        return count

    def _cached(self, file: DiskInode, index: Count) -> CachedPage | None:
        place = file.number * INDEXES + index
        page = file.last
        if page is not None and page.place == place:
            return page
        with self.heap:
            page = self.cache.get(place)
        if page is not None:
            file.last = page
        return page

    def _fetch(self, file: DiskInode, index: Count) -> CachedPage:
        """Read a page that is not in memory from the database; a hole is a page without bytes."""
        self.make_room(PAGE_BYTES)
        with self.heap:
            data = self._row_of(file, index)
        return self._enter_page(file, index, data)

    def _row_of(self, file: DiskInode, index: Count) -> PageBytes:
        """Return the bytes that a page has in the database."""
        if index * DISK_PAGE >= file.size:
            return b""
        found = self.disk.blob(PAGE, file.number * INDEXES + index, DISK_PAGE)
        return b"" if found is None else found

    def _enter_page(self, file: DiskInode, index: Count, data: PageBytes) -> CachedPage:
        with self.heap:
            page = file.last = self.cache.add(file.number * INDEXES + index, data)
        return page

    def write(
        self,
        file: DiskInode,
        owner: Owner,
        position: Position,
        memory: memoryview,
        start: Word,
        count: Transfer,
    ) -> int:
        """Write page by page; return how many bytes, or a negated errno if it is none at all.

        Who makes the file grow pays for it from then on.
        """
        offset = position % DISK_PAGE
        there = self._page_that_fits(file, position // DISK_PAGE, offset + count) if count else None
        if there is not None:  # nothing to make, so nothing to ask
            memoryview(there.data)[offset : offset + count] = memory[start : start + count]
            self._written(file, position + count)
            return count
        self.begin_change()
        if not count:
            return 0
        if not owner.payer:
            self._payer(owner)  # who cannot have a number cannot make it grow
        first = position // DISK_PAGE
        pages = (offset + count + DISK_PAGE - 1) // DISK_PAGE
        self._prepare(pages)
        errno = abi.OK
        for i in range(pages):
            done = max(0, i * DISK_PAGE - offset)
            begin = 0 if i else offset
            piece = min(count - done, DISK_PAGE - begin)
            page = self._page_to_write(file, owner, first + i, begin + piece, piece == DISK_PAGE)
            if isinstance(page, int):
                count, errno = done, page
                break
            memoryview(page.data)[begin : begin + piece] = memory[start + done : start + done + piece]
        if not count:
            return -self._why_none(errno)
        self._written(file, position + count)
        return count

    def _page_that_fits(self, file: DiskInode, index: Count, least: Count) -> CachedPage | None:
        """Return a page, dirty now, that is in memory as it can be written up to least; else None."""
        place = file.number * INDEXES + index
        page = file.last
        if page is None or page.place != place:
            page = self.cache.find(place)
        if page is None or not isinstance(page.data, bytearray) or len(page.data) < least:
            return None
        if not page.dirty:
            self.begin_change()
            if self.cache.dirty_count >= DIRTY_PAGES:
                self.flush()
            self.cache.mark_dirty(page)  # its row has that size: nothing grows
        elif self.disk.broken is not None:
            raise Broken(self.disk.broken)
        if page is not file.last:
            with self.heap:
                self.cache.use(page)
            file.last = page
        return page

    def _prepare(self, pages: Count) -> None:
        """Make room for so many pages to be written to; a small heap has it for one, if at all."""
        if self.cache.dirty_count > DIRTY_PAGES - pages:
            self.flush()
        need = PAGE_BYTES + (pages - 1) * NEXT_PAGE_BYTES
        if self.heap.free < need + MARGIN_BYTES:
            self.make_room(need)

    def _why_none(self, errno: int) -> int:
        """Answer for a call whose first page was refused: WAIT, to be made again, once there is space."""
        if errno != abi.WAIT:
            return errno
        errno = self.space(DATA_PAGES)
        if errno:
            return errno
        self.disk.take(-DATA_PAGES)  # which the call takes when it is made again
        return abi.WAIT

    def _written(self, file: DiskInode, end: Position) -> None:
        if end > file.size:
            with self.heap:
                file.size = end + 0
        self._stamp(file)
        self.touch(file)

    def _page_to_write(
        self, file: DiskInode, owner: Owner | None, index: Count, least: Transfer, whole: bool = False
    ) -> CachedPage | int:
        """Return a page, dirty, with room for `least` bytes; or an errno. `whole`: all is written anew.

        It is owner who makes it grow; None where it does not. `_prepare` was called; WAIT is for `_why_none`.
        """
        page = self._cached(file, index)
        if page is not None and isinstance(page.data, bytearray) and len(page.data) >= least:
            self.cache.mark_dirty(page)  # its row has that size: nothing grows
            return page
        if self.heap.free < PAGE_BYTES + MARGIN_BYTES:
            return abi.ENOSPC
        if not self.disk.take(DATA_PAGES):
            return abi.WAIT
        if page is None:
            old: Bytes = b"" if whole else self._row_of(file, index)
            held = self._size_of(file, index) if whole else len(old)
        else:
            old = page.data
            held = len(old)
        size = _page_size(max(least, held))
        if size > held and not self._pays(file, owner, size - held):
            return abi.ENOSPC
        with self.heap:
            if page is None or held < least or isinstance(old, bytes):
                data = bytearray(size)
                memoryview(data)[: len(old)] = old
                if page is None:
                    page = file.last = self.cache.add(file.number * INDEXES + index, data)
                else:
                    page.data = data
            self.cache.mark_dirty(page)
        return page

    def _size_of(self, file: DiskInode, index: Count) -> int:
        """Return how many bytes a page has in the database."""
        if index * DISK_PAGE >= file.size:
            return 0
        row = self.disk.pair(PAGE_SIZE, (file.number * INDEXES + index,))
        return 0 if row is None else row[0]

    def _pays(self, file: DiskInode, owner: Owner | None, count: Signed) -> bool:
        """Charge what a page grows by; False if that is too much for who makes it grow."""
        if owner is not None and owner.payer == file.payer > 0:  # as it mostly is
            if not owner.may_hold(count):
                return False
            with self.heap:
                file.held += count
                owner.held += count
            return True
        if owner is not None and not self.take_over(file, owner, count):
            return False
        self.charge(file, count)
        return True

    def resize(self, file: DiskInode, size: Long) -> int:
        """Cut or lengthen a file: OK, an errno, or WAIT when a step of cutting was done and more are left."""
        self.begin_change()
        if size < file.size:
            errno = self._cut(file, size) or self._clear_from(file, size)
            if errno:
                return errno
        self._set_size(file, size)
        return abi.OK

    def empty(self, file: DiskInode) -> int:
        """As resize to nothing, which has no page's bytes to clear."""
        self.begin_change()
        errno = self._cut(file, 0) if file.size else abi.OK
        if not errno:
            self._set_size(file, 0)
        return errno

    def _set_size(self, file: DiskInode, size: Long) -> None:
        with self.heap:
            file.size = size + 0
        self._stamp(file)
        self.touch(file)

    def _cut(self, file: DiskInode, size: Long) -> int:
        """Let go of pages from size on: OK, or WAIT when a step was done and more are left."""
        keep = (size + DISK_PAGE - 1) // DISK_PAGE
        if self.cache.dirty is not None:
            self.flush()  # what was charged for is in rows then
        self._forget_pages(file, keep)
        cut = self._cut_step(file.number, keep)
        if cut is not None:
            first, held = cut
            self.charge(file, -held)
            if first > file.number * INDEXES + keep:
                with self.heap:
                    file.size = min(file.size, first % INDEXES * DISK_PAGE)
                self.touch(file)
                if self._last_pages(file.number, keep, 1) is not None:
                    return abi.WAIT
        return abi.OK

    def _clear_from(self, file: DiskInode, size: Long) -> int:
        """Let the last page's bytes from size on be zeros."""
        offset = size % DISK_PAGE
        if not offset:
            return abi.OK
        page = self._cached(file, size // DISK_PAGE)
        held = self._size_of(file, size // DISK_PAGE) if page is None else len(page.data)
        if held <= offset:
            return abi.OK
        del page  # it may have to give way
        self._prepare(1)
        found = self._page_to_write(file, None, size // DISK_PAGE, held)
        if isinstance(found, int):
            return self._why_none(found)
        memoryview(found.data)[offset:] = memoryview(ZEROS)[: len(found.data) - offset]
        return abi.OK


def _copy_out(data: Bytes, offset: Transfer, memory: memoryview, start: Word, count: Transfer) -> None:
    """Copy count bytes of a page to memory[start:]; zeros follow what it has."""
    held = max(0, min(count, len(data) - offset))
    memory[start : start + held] = memoryview(data)[offset : offset + held]
    if held < count:
        memory[start + held : start + count] = memoryview(ZEROS)[: count - held]


def _page_size(least: Transfer) -> Transfer:
    """Return the size of a page that so many bytes fit into."""
    for size in PAGE_SIZES:
        if size >= least:
            return size
    return DISK_PAGE
