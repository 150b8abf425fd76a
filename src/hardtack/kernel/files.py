"""Files as trees of pages: they grow page by page, so no write costs more for the size of the file.

The first page starts small and is replaced by larger ones (params.FIRST_PAGES); every other page fills a
16 KiB block. Pages hang in a tree whose height grows with the file, 64 children a node. A page that was
never written is a hole and reads as zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.kernel.abi import REGULAR_FILE
from hardtack.kernel.inodes import Inode, Owner
from hardtack.kernel.params import FAN, FIRST_PAGES, PAGE

if TYPE_CHECKING:
    from annotated_types import Interval, Len, MaxLen

    from hardtack.kernel.ranges import FileSize, Long, Number, Page, Position, Transfer, Word

_TALLEST: Final = 18  # the shift of a tree of four levels, which MAX_FILE does not exceed
_Shift: TypeAlias = "Annotated[int, Interval(ge=0, le=_TALLEST)]"
_Index: TypeAlias = "Annotated[int, Interval(ge=0, le=1 << 50)]"  # of a page, beyond the last as well
_Node: TypeAlias = "Annotated[list[_Node | Page | None], Len(FAN, FAN)]"
ZEROS: Final[Annotated[bytes, MaxLen(PAGE)]] = bytes(PAGE)

# What writing a page may allocate at most: the page, or a larger first page beside the smaller; memoryviews
# and ints in passing. And what the first page of a write may: nodes, three on the way up, three on the way
# down to it, and three to the last. Checked by measurement.
PAGE_BYTES: Final = 16384 + 64 + 1024
PAGE_STEP_BYTES: Final = PAGE_BYTES + 9 * 640


def copy_in(page: Page, at: Transfer, memory: memoryview, start: Word, count: Transfer) -> None:
    """Copy count bytes of memory to a page, which stays as long as it is."""
    memoryview(page)[at : at + count] = memory[start : start + count]


def copy_out(page: Page, at: Transfer, memory: memoryview, start: Word, count: Transfer) -> None:
    """Copy count bytes of a page to memory; the fastest way depends on how many they are."""
    if count <= 512:
        memory[start : start + count] = page[at : at + count]
    else:
        memory[start : start + count] = memoryview(page)[at : at + count]


class File(Inode):
    """A regular file's content and size; it holds its pages and nodes, but for those that were given."""

    __slots__ = ("root", "shift", "size")
    filetype = REGULAR_FILE

    def __init__(self, number: Number, now: Long, owner: Owner) -> None:
        super().__init__(number, now, owner)
        self.size: FileSize = 0
        self.shift: _Shift = 0  # bits of a page's index that the root leaves to the levels below: 6 a level
        self.root: _Node | None = None

    def byte_size(self) -> int:
        """Return the file's size in bytes."""
        return self.size

    def read_at(self, position: Position, memory: memoryview, start: Word, count: Transfer) -> int:
        """Copy up to count bytes from position to memory[start:]; return how many there were."""
        left = self.size - position
        if count > left:
            if left <= 0:
                return 0
            count = left
        page = self.page_with(position, count)
        if page is not None:
            offset = position % PAGE
            copy_out(page, offset, memory, start, count)
            return count
        offset = position % PAGE
        done = 0
        for i in range((offset + count + PAGE - 1) // PAGE):
            page = self.page(position // PAGE + i)
            piece = min(count - done, PAGE - offset)
            self._copy_out(page, offset, memory, start + done, piece)
            done += piece
            offset = 0
        return count

    def page_with(self, position: Position, count: Transfer) -> Page | None:
        """Return the page that holds all of these bytes already, if there is one: the common, cheap case."""
        page = self.page(position // PAGE)
        if page is None or position % PAGE + count > len(page):
            return None
        return page

    def write_page(
        self, leaf: _Node, position: Position, memory: memoryview, start: Word, count: Transfer
    ) -> int:
        """Copy bytes to position up to the end of its page, making the page in its leaf; return how many.

        Allocates at most PAGE_BYTES. A longer write is made of such steps.
        """
        offset = position % PAGE
        count = min(count, PAGE - offset)
        index = position // PAGE
        page = leaf[index & 63]
        assert not isinstance(page, list)
        if page is None or len(page) < offset + count:
            page = leaf[index & 63] = self._larger(page, PAGE if index else offset + count)
        copy_in(page, offset, memory, start, count)
        self.size = max(self.size, position + count)
        return count

    def page(self, index: _Index) -> Page | None:
        """Return the page at index, or None where there is a hole."""
        node = self.root
        shift = self.shift
        if node is None or index >> shift >= FAN:
            return None
        while shift > 0:
            child = node[(index >> shift) & 63]
            if not isinstance(child, list):
                return None
            node = child
            shift -= 6
        page = node[index & 63]
        return page if isinstance(page, bytearray) else None

    def resize(self, size: FileSize) -> None:
        """Cut the file, or lengthen it by a hole. Allocates nothing that lasts."""
        if size < self.size:
            keep = (size + PAGE - 1) // PAGE
            if keep == 0:
                self.clear()
            elif self.root is not None:
                self._prune(self.root, self.shift, keep)
            last = self.page(keep - 1) if keep else None
            if last is not None and size % PAGE and size % PAGE < len(last):
                memoryview(last)[size % PAGE :] = memoryview(ZEROS)[: len(last) - size % PAGE]
        self.size = size + 0  # a number of the file system's, as the file is

    def clear(self) -> None:
        """Let go of all pages. Allocates nothing."""
        self.root = None
        self.shift = 0
        self.size = 0

    @staticmethod
    def _copy_out(
        page: Page | None, offset: Transfer, memory: memoryview, start: Word, count: Transfer
    ) -> None:
        held = 0 if page is None else max(0, min(count, len(page) - offset))  # a small first page ends early
        if page is not None and held:
            copy_out(page, offset, memory, start, held)
        if held < count:
            memory[start + held : start + count] = memoryview(ZEROS)[: count - held]

    def make_leaf(self, index: _Index) -> _Node:
        """Return the node that the page at index is in, made with those above it."""
        root = self.root
        shift = self.shift
        while shift < _TALLEST and index >> shift >= FAN:
            if root is not None:
                above: _Node = [None] * FAN
                above[0] = root
                self.root = root = above
            shift += 6
            self.shift = shift
        if root is None:
            self.root = root = [None] * FAN
        node = root
        while shift > 0:
            slot = (index >> shift) & 63
            child = node[slot]
            assert not isinstance(child, bytearray)
            if child is None:
                child = node[slot] = [None] * FAN
            node = child
            shift -= 6
        return node

    @staticmethod
    def _larger(old: Page | None, least: Transfer) -> Page:
        size = PAGE
        for size in FIRST_PAGES:
            if size >= least:
                break
        page = bytearray(size)
        if old is not None:
            memoryview(page)[: len(old)] = old
        return page

    def _prune(self, node: _Node, shift: _Shift, keep: _Index) -> None:
        """Drop the pages from index keep on; at most one path of the tree is walked down."""
        while shift >= 0:
            first = keep + (1 << shift) - 1 >> shift  # children wholly past the end start here
            for slot in range(first, FAN):
                node[slot] = None
            if shift == 0 or keep >> shift >= FAN:
                return
            child = node[keep >> shift]
            if not isinstance(child, list):
                return
            node = child
            keep &= (1 << shift) - 1
            shift -= 6
