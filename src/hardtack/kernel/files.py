"""Files as trees of pages: they grow page by page, so no write costs more for the size of the file.

The first page starts small and is replaced by larger ones (params.FIRST_PAGES); every other page fills a
16 KiB block. Pages hang in a tree whose height grows with the file, 64 children a node. A page that was
never written is a hole and reads as zeros.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from hardtack.kernel.abi import REGULAR_FILE
from hardtack.kernel.inodes import Inode
from hardtack.kernel.params import FAN, FIRST_PAGES, PAGE

_Node: TypeAlias = "list[_Node | bytearray | None]"
ZEROS: Final = bytes(PAGE)

# What one page's step may allocate at most: the page, or a larger first page beside the smaller; four levels
# of nodes on the way down and four on the way up; memoryviews and ints in passing. Checked by measurement.
PAGE_STEP_BYTES: Final = 16384 + 64 + 8 * 640 + 1024


class Owner:
    """What one group (process tree) holds in files, in bytes; it may outlive the group, as files do."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class File(Inode):
    """A regular file's content and size, and who made it."""

    __slots__ = ("height", "owner", "root", "size")
    filetype = REGULAR_FILE

    def __init__(self, number: int, now: int, owner: Owner) -> None:
        super().__init__(number, now)
        self.owner = owner
        self.size = 0
        self.height = 0  # levels above the leaves: the tree spans FAN ** (height + 1) pages
        self.root: _Node | None = None

    def byte_size(self) -> int:
        """Return the file's size in bytes."""
        return self.size

    def read_at(self, position: int, memory: memoryview, start: int, count: int) -> int:
        """Copy up to count bytes from position to memory[start:]; return how many there were."""
        count = min(count, self.size - position)
        if count <= 0:
            return 0
        offset = position % PAGE
        done = 0
        for i in range((offset + count + PAGE - 1) // PAGE):
            page = self.page(position // PAGE + i)
            piece = min(count - done, PAGE - offset)
            self._copy_out(page, offset, memory, start + done, piece)
            done += piece
            offset = 0
        return count

    def write_page(self, position: int, memory: memoryview, start: int, count: int) -> int:
        """Copy bytes to position up to the end of its page, making the page; return how many.

        Allocates at most PAGE_STEP_BYTES. A longer write is made of such steps.
        """
        offset = position % PAGE
        count = min(count, PAGE - offset)
        page = self._make_page(position // PAGE, offset + count)
        if count <= 64:
            page[offset : offset + count] = memory[start : start + count]
        else:
            memoryview(page)[offset : offset + count] = memory[start : start + count]
        self.size = max(self.size, position + count)
        return count

    def page(self, index: int) -> bytearray | None:
        """Return the page at index, or None where there is a hole."""
        if index >> 6 * (self.height + 1):
            return None
        node = self.root
        level = self.height
        while level:
            if node is None:
                return None
            child = node[(index >> 6 * level) & 63]
            assert not isinstance(child, bytearray)
            node = child
            level -= 1
        if node is None:
            return None
        page = node[index & 63]
        assert not isinstance(page, list)
        return page

    def resize(self, size: int) -> None:
        """Cut the file, or lengthen it by a hole. Allocates nothing that lasts."""
        if size < self.size:
            keep = (size + PAGE - 1) // PAGE
            if keep == 0:
                self.root = None
                self.height = 0
            elif self.root is not None:
                self._prune(self.root, self.height, keep)
            last = self.page(keep - 1) if keep else None
            if last is not None and size % PAGE and size % PAGE < len(last):
                memoryview(last)[size % PAGE :] = memoryview(ZEROS)[: len(last) - size % PAGE]
        self.size = size

    @staticmethod
    def _copy_out(page: bytearray | None, offset: int, memory: memoryview, start: int, count: int) -> None:
        held = 0 if page is None else max(0, min(count, len(page) - offset))  # a small first page ends early
        if page is not None and held:
            if held <= 64:
                memory[start : start + held] = page[offset : offset + held]
            else:
                memory[start : start + held] = memoryview(page)[offset : offset + held]
        if held < count:
            memory[start + held : start + count] = memoryview(ZEROS)[: count - held]

    def _make_page(self, index: int, least: int) -> bytearray:
        """Return the page at index with at least `least` bytes, made or replaced by a larger one."""
        if self.root is None:
            self.root = [None] * FAN
            self.height = 0
        while index >> 6 * (self.height + 1):
            above: _Node = [None] * FAN
            above[0] = self.root
            self.root = above
            self.height += 1
        node = self.root
        level = self.height
        while level:
            slot = (index >> 6 * level) & 63
            child = node[slot]
            assert not isinstance(child, bytearray)
            if child is None:
                child = node[slot] = [None] * FAN
            node = child
            level -= 1
        page = node[index & 63]
        assert not isinstance(page, list)
        if page is None or len(page) < least:
            page = node[index & 63] = self._larger(page, least if index == 0 else PAGE)
        return page

    @staticmethod
    def _larger(old: bytearray | None, least: int) -> bytearray:
        size = PAGE
        for size in FIRST_PAGES:
            if size >= least:
                break
        page = bytearray(size)
        if old is not None:
            memoryview(page)[: len(old)] = old
        return page

    def _prune(self, node: _Node, level: int, keep: int) -> None:
        """Drop the pages from index keep on; at most one path of the tree is walked down."""
        while True:
            first = keep + (1 << 6 * level) - 1 >> 6 * level  # children wholly past the end start here
            for slot in range(first, FAN):
                node[slot] = None
            if level == 0 or keep >> 6 * level >= FAN:
                return
            child = node[keep >> 6 * level]
            if not isinstance(child, list):
                return
            node = child
            keep &= (1 << 6 * level) - 1
            level -= 1
