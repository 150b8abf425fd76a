"""The durable file system: inodes, names and pages as rows of a database, with pages in memory before it.

Every change goes into the database's open transaction, but for two things that are kept here until it ends:
pages that were written to (`page_cache`) and sizes and times of open files. `sync` brings both into the
transaction and commits; a transaction that has become large is committed before the next change. So after a
crash the file system is as it was after some system call, none before the last one that was synced; and
every call is there as a whole or not at all, but for those that go on in steps.

Each step is bounded. Freeing a long file takes many: what nobody can reach any more stays in the database
until later changes, each of which frees some of it (`collect`), and a call that finds no space before that
is done waits for a step, and begins anew.

Invariants, checked by `check`: an inode's links are the names that lead to it; a directory's parent is the
directory that names it; who is open is in the table under its number.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.disk_contents import DiskContents
from hardtack.kernel.disk_inodes import DiskInode
from hardtack.kernel.disk_rows import (
    ANY_NAME,
    BY_NUMBER,
    COUNT,
    COUNTED,
    FIND,
    KIND,
    LEFT_OPEN,
    NEW_NAME,
    NO_NAME,
    NUMBER,
    PARENT,
    STATEMENTS,
    TARGET,
)
from hardtack.kernel.memory_files import NAME_BYTES
from hardtack.kernel.page_cache import INDEXES
from hardtack.kernel.params import DISK_PAGE, PATH_MAX
from hardtack.kernel.paths import walk

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.disk import Disk, PageBytes
    from hardtack.kernel.disk_rows import Row
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.ranges import Count, Errno, Flags, InodeNumber, Long, Name, PathBytes, Signed
    from hardtack.kernel.system import System

ROOT: Final = 1
MAX_DEPTH: Final = 4096  # directories above one that is moved: more are not looked through
_COOKIES: Final = 1 << 61
_SCATTER: Final = 0x1E37_79B9_7F4A_7C15  # odd, so no two names have one cookie
NAME_PAGES: Final = 8  # of the database that a new name, with its inode, takes at most


class DiskWhere:
    """Where a path leads: a directory's number, a name, its inode's row if it is there. A `paths.Place`."""

    __slots__ = ("depth", "directory", "files", "must_be_directory", "name", "row", "sought")

    def __init__(self, files: DiskFiles, start: InodeNumber) -> None:
        self.files = files
        self.directory: InodeNumber = start
        self.depth: Count = 0
        self.name: Name = b"."
        self.row: Row | None = None
        self.must_be_directory = False
        self.sought: Name = b"."  # whose row that is

    def look(self, name: Name) -> Row | None:
        """Return the row of what a name here leads to, or None."""
        if name != self.sought:
            self.row = self.files.find(self.directory, name)
            self.sought = name
        return self.row

    def link(self, name: Name) -> PageBytes | None:
        """Return a link's target."""
        row = self.look(name)
        return self.files.target(row) if row is not None and row[KIND] == abi.SYMBOLIC_LINK else None

    def down(self, name: Name) -> Errno:
        """Enter a directory."""
        row = self.look(name)
        if row is None or row[KIND] != abi.DIRECTORY:
            return abi.ENOENT if row is None else abi.ENOTDIR
        self.directory = row[NUMBER]
        self.depth += 1
        self.sought = b"."
        return abi.OK

    def up(self) -> bool:
        """Go back to the parent."""
        if self.depth == 0:
            return False
        row = self.files.disk.inode(BY_NUMBER, (self.directory,))
        if row is None or not row[PARENT]:
            return False
        self.directory = row[PARENT]
        self.depth -= 1
        self.sought = b"."
        return True


class DiskFiles(DiskContents):
    """One durable file system: its names, with all that they lead to."""

    __slots__ = ("_absent", "_absent_from", "_names")

    def __init__(self, system: System, heap: Heap, disk: Disk) -> None:
        """Take over an open database; makes the root if it has none.

        Raises:
            Broken: the host's disk failed.
        """
        disk.warm(STATEMENTS)
        super().__init__(system, heap, disk)
        with heap:
            self._names: Long = disk.number(COUNTED)
            self._absent: Name = b""  # the name that was last sought, or taken away, and is not there
            self._absent_from: InodeNumber = 0
            if self._next_number == ROOT:
                self._new_inode(abi.DIRECTORY, ROOT, b"", 0, 0)
        while disk.change(LEFT_OPEN, ()):
            self.sync()
        self.sync()

    # -- names
    def walk(self, start: DiskInode, path: PathBytes, follow: bool) -> DiskWhere | int:
        """Follow a path down from start: where it leads, or an errno. See `paths.walk`."""
        where = DiskWhere(self, start.number)
        errno = walk(where, path, follow)
        if not errno and where.name != b".":
            where.look(where.name)
        if where.row is None and where.sought != b".":
            self._note_absent(where.directory, where.sought)
        if errno:
            return errno
        if where.name != b".":
            return where
        if where.directory == start.number and self.disk.broken is None:
            where.row = start.row()
        else:
            where.row = self.disk.inode(BY_NUMBER, (where.directory,))
        return where

    def find(self, directory: InodeNumber, name: Name) -> Row | None:
        """Return the row of what a name in a directory leads to, or None.

        Raises:
            Broken: the host's disk failed, now or before; or the row is none that was ever written.
        """
        if directory == self._absent_from and name == self._absent and self.disk.broken is None:
            return None
        return self.disk.inode(FIND, (directory, name))

    def _note_absent(self, directory: InodeNumber, name: Name) -> None:
        """Keep in mind what is not there.

        Who is about to make a file looks for it before, often more than once.
        """
        if directory == self._absent_from and name == self._absent:
            return
        self._absent = b""  # never one directory's number with another one's name
        with self.heap:
            self._absent_from = directory + 0
            self._absent = bytes(memoryview(name))  # one of its own

    def target(self, row: Row) -> PageBytes:
        """Return a symbolic link's target."""
        found = self.disk.blob(TARGET, row[NUMBER], PATH_MAX)
        return b"" if found is None else found

    def new_name(self, start: DiskInode, where: DiskWhere, owner: Owner, held: Signed) -> int:
        """Check that a name can be made at where, and take the space for it: an errno, or OK.

        It, and what it leads to, is to be in owner's account with so many bytes held.
        """
        if where.name == b".":
            return abi.EEXIST
        if start.links == 0 and where.directory == start.number:
            return abi.ENOENT
        self.begin_change()
        if not owner.may_hold(held) or not self._payer(owner):
            return abi.ENOSPC
        return self.space(NAME_PAGES)

    def create(self, where: DiskWhere, owner: Owner, kind: Flags, target: PathBytes) -> None:
        """Make an inode at where, whose space was taken: where's row is its."""
        held = NAME_BYTES + len(target)
        with self.heap:
            number, now = self._new_inode(kind, where.directory, target, owner.payer, held)
            owner.held += held
        self._enter(where, number, kind, _COOKIES + number * _SCATTER % _COOKIES)
        where.row = (number, kind, 1, len(target), now, now, now, where.directory, owner.payer, held)

    def _enter(self, where: DiskWhere, number: InodeNumber, kind: Flags, cookie: Long) -> None:
        """Make a name. Cookies are scattered, each there once.

        So a listing ends although names are made all the time while it goes on.
        """
        self._absent = b""
        self.disk.change(NEW_NAME, (where.directory, cookie, where.name, number, kind))
        self._changed(where.directory)

    def _enter_again(self, where: DiskWhere, number: InodeNumber, kind: Flags) -> None:
        """Make a name for an inode that had another: its number has given its cookie away."""
        with self.heap:
            self._names += 1
        self.disk.change(COUNT, (self._names,))
        self._enter(where, number, kind, self._names * _SCATTER % _COOKIES)

    def add_link(self, where: DiskWhere, inode: DiskInode, owner: Owner) -> int:
        """Give an inode that is there another name, whose space was taken; it is owner's then. An errno."""
        if not self.take_over(inode, owner, NAME_BYTES):
            return abi.ENOSPC
        self._enter_again(where, inode.number, inode.kind)
        inode.links += 1
        self.charge(inode, NAME_BYTES)
        self._stamp(inode, content=False)
        self.save(inode)
        return abi.OK

    def unname(self, where: DiskWhere) -> None:
        """Take a name away, and the inode with it if that was its last use."""
        assert where.row is not None
        self.begin_change()
        self.disk.change(NO_NAME, (where.directory, where.name))
        self._note_absent(where.directory, where.name)
        self._changed(where.directory)
        self._less(self.inode(where.row))

    def _less(self, inode: DiskInode) -> None:
        inode.links -= 1
        if inode.kind == abi.DIRECTORY:
            inode.parent = 0
        if inode.links == 0 and inode.opens == 0:
            self._cannot_be_reached(inode)
            return
        self.charge(inode, -NAME_BYTES)
        self._stamp(inode, content=False)
        self.save(inode)

    def is_empty(self, directory: InodeNumber) -> bool:
        """Tell whether a directory has no names."""
        return self.disk.pair(ANY_NAME, (directory,)) is None

    def rename(self, old: DiskWhere, new: DiskWhere) -> int:
        """Move a name; what the new name led to is replaced."""
        row, other = old.row, new.row
        if row is None:
            return abi.ENOENT
        if b"." in {old.name, new.name}:
            return abi.EBUSY
        same = other is not None and other[NUMBER] == row[NUMBER]
        if same and row[KIND] == abi.DIRECTORY:
            return abi.OK
        errno = self._may_replace(old, row, other, new)
        if errno or same:
            return errno
        self.begin_change()
        errno = self.space(NAME_PAGES)
        if errno:
            return errno
        if other is not None:
            self.disk.change(NO_NAME, (new.directory, new.name))
            self._less(self.inode(other))
        self.disk.change(NO_NAME, (old.directory, old.name))
        self._changed(old.directory)
        self._enter_again(new, row[NUMBER], row[KIND])
        inode = self.inode(row)
        if inode.kind == abi.DIRECTORY:
            with self.heap:
                inode.parent = new.directory + 0
        self._stamp(inode, content=False)
        self.save(inode)  # at once: walks look up parents in the database
        return abi.OK

    def _may_replace(self, old: DiskWhere, row: Row, other: Row | None, new: DiskWhere) -> int:
        if row[KIND] == abi.DIRECTORY:
            if self._is_inside(new.directory, row[NUMBER]):
                return abi.EINVAL
            if other is not None and other[KIND] != abi.DIRECTORY:
                return abi.ENOTDIR
            if other is not None and not self.is_empty(other[NUMBER]):
                return abi.ENOTEMPTY
            return abi.OK
        if new.must_be_directory or old.must_be_directory:
            return abi.ENOTDIR
        if other is None or other[KIND] != abi.DIRECTORY:
            return abi.OK
        return abi.ENOTEMPTY if self._is_inside(old.directory, other[NUMBER]) else abi.EISDIR

    def _is_inside(self, directory: InodeNumber, other: InodeNumber) -> bool:
        """Tell whether directory is other, or below it, or too deep down to tell."""
        for _ in range(MAX_DEPTH):
            if directory == other:
                return True
            if directory == ROOT:
                return False
            row = self.disk.inode(BY_NUMBER, (directory,))
            if row is None:
                return False
            directory = row[PARENT]
        return True

    # -- the end
    def close(self) -> str | None:
        """Make everything durable and close the database; why that failed, or None."""
        with contextlib.suppress(Broken):
            self.sync()
        broken = self.disk.failure
        self.cache.clear()
        self.disk.close()
        return broken

    def check(self) -> list[str]:
        """Return what does not hold of the invariants. Empty when all is well. Looks at everything."""
        self.flush()
        wrong = self.cache.check() + self._open.check()
        for text, query in (
            (
                "inode %d counts links that are not what names it",
                "SELECT i.number FROM inode i WHERE i.number > 0 AND max(i.links, 0) != (i.number = 1)"
                " + (SELECT count(*) FROM name n WHERE n.inode = i.number)",
            ),
            (
                "inode %d is named and does not exist",
                "SELECT inode FROM name WHERE inode NOT IN (SELECT number FROM inode)",
            ),
            (
                "directory %d does not know its parent",
                "SELECT i.number FROM name n JOIN inode i ON i.number = n.inode"
                f" WHERE i.kind = {abi.DIRECTORY} AND i.parent != n.directory",
            ),
            (
                "page %d belongs to no inode",
                f"SELECT place FROM page WHERE place / {INDEXES} NOT IN (SELECT number FROM inode)",
            ),
            (
                "page %d lies beyond its file's end",
                f"SELECT p.place FROM page p JOIN inode i ON i.number = p.place / {INDEXES}"
                f" WHERE i.links >= 0 AND (p.place % {INDEXES}) * {DISK_PAGE} >= i.size",
            ),
        ):
            wrong += [text % row[0] for row in self.disk.rows(query, ())]
        return wrong
