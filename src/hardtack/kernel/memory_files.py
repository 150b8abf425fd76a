"""The file system in memory: inodes, directories and pages in a heap with a capacity of its own.

Files outlive the processes that made them, so they are charged here and not to a process: killing a
process must give back what it is scored by. A full file system is ENOSPC, an ordinary error that is known
before anything is changed: each step asks `room` for the most that it can allocate.

The last eighth of the capacity is kept for those who hold little: a group (process tree) that holds more
than a quarter of that eighth gets ENOSPC while others can still write their small files. What a group
holds is counted as Unix counts quotas: a file's pages and names belong to who made it, until another group
makes it grow or gives it a name; then they are that one's. What the host put there, or a group that has
ended, was given: of such a file only the names and the growth are counted.

Changes that cannot be refused (times, sizes, removing) make numbers; room for those of every inode is never
given away.

Invariants, checked by `check`: every inode is in the table; its links are the names that lead to it; one
with neither name nor opening is gone; a directory's parent is the directory that names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.directories import ADD_BYTES, Directory
from hardtack.kernel.files import PAGE_BYTES, PAGE_STEP_BYTES, File
from hardtack.kernel.inodes import Inode, Owner, Symlink
from hardtack.kernel.params import FAN, MAX_IO, PAGE
from hardtack.kernel.paths import walk
from hardtack.kernel.table import CAPACITY as MAX_INODES
from hardtack.kernel.table import UnsharedTable

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.ranges import (
        Bytes,
        Count,
        FileSize,
        Long,
        Name,
        PathBytes,
        Position,
        Transfer,
        Word,
    )

ROOT: Final = 1
WRITTEN_PAGES: Final = MAX_IO // PAGE + 1  # that one write touches at most: those of MAX_IO bytes
CREATE_BYTES: Final = ADD_BYTES + 1536  # a name, its inode, nodes of the inode table; no link's target

NAME_BYTES: Final = 640  # what a name, with its inode, is entered with in the account of the inode's owner
NUMBERS_BYTES: Final = 320  # what an inode's numbers (times, sizes, counts) may come to take once it is there


class Where:
    """Where a path leads: its directory, its last name and, if there, its inode. A `paths.Place`."""

    __slots__ = ("depth", "directory", "files", "inode", "must_be_directory", "name")

    def __init__(self, files: MemoryFiles, start: Directory) -> None:
        self.files = files
        self.directory = start
        self.depth: Count = 0
        self.name: Name = b"."
        self.inode: Inode | None = start
        self.must_be_directory = False

    def link(self, name: Name) -> PathBytes | None:
        """Return a link's target."""
        inode = self.directory.get(name)
        return inode.target if isinstance(inode, Symlink) else None

    def down(self, name: Name) -> int:
        """Enter a directory."""
        inode = self.directory.get(name)
        if not isinstance(inode, Directory):
            return abi.ENOENT if inode is None else abi.ENOTDIR
        self.directory = inode
        self.depth += 1
        return abi.OK

    def up(self) -> bool:
        """Go back to the parent."""
        parent = self.files.inodes.get(self.directory.parent)
        if self.depth == 0 or not isinstance(parent, Directory):
            return False
        self.directory = parent
        self.depth -= 1
        return True


class MemoryFiles:
    """One file system: its heap, its inodes, the time."""

    __slots__ = ("_kept", "_share", "heap", "inodes", "now")

    def __init__(self, heap: Heap, capacity: Bytes) -> None:
        self.heap = heap
        self.now: Long = 0
        self._kept: Bytes = capacity // 8
        self._share: Bytes = self._kept // 4
        with heap:
            self.inodes: UnsharedTable[Inode] = UnsharedTable()
            self.inodes.put(0, Inode(0, 0, Owner()))  # so that 0 is never handed out
            self.inodes.put(ROOT, Directory(ROOT, 0, Owner(), ROOT))

    @property
    def root(self) -> Directory:
        """Return the directory above all."""
        root = self.inodes.get(ROOT)
        assert isinstance(root, Directory)
        return root

    def room(self, owner: Owner, need: Bytes, taken: Bytes = 0) -> bool:
        """Tell whether a step that allocates at most `need` bytes may be taken for owner.

        So many bytes were `taken` for it before, which are not in its account yet.
        """
        if not owner.may_hold(taken + need):
            return False
        free = self.free()
        if free - need >= self._kept or (free >= need and owner.held + taken + need <= self._share):
            return True
        owner.refused = True
        return False

    def take_over(self, inode: Inode, owner: Owner, need: Bytes) -> bool:
        """Let an inode be owner's, who makes it take up to `need` bytes more; False if there is no room."""
        if inode.owner is owner:
            return self.room(owner, need)
        with self.heap:
            names = NAME_BYTES * inode.links
            given = inode.owner.gone
            if not self.room(owner, need + names + (0 if given else inode.held)):
                return False
            inode.owner.held -= names + inode.held
            if given:
                inode.held = 0
            owner.held += names + inode.held
        inode.owner = owner
        return True

    def free(self) -> int:
        """Return how many bytes may be taken: less what the inodes' numbers may still come to take."""
        return self.heap.free - NUMBERS_BYTES * self.inodes.count

    def walk(self, start: Directory, path: PathBytes, follow: bool) -> Where | int:
        """Follow a path down from start: where it leads, or an errno. See `paths.walk`."""
        where = Where(self, start)
        errno = walk(where, path, follow)
        if errno:
            return errno
        where.inode = where.directory if where.name == b"." else where.directory.get(where.name)
        return where

    # -- changes: each checks everything first, then changes without a way to fail
    def new_name(self, where: Where, owner: Owner, extra: Transfer) -> int:
        """Check that a name can be made at where: an errno, or OK."""
        if where.name == b".":
            return abi.EEXIST
        if where.directory.links == 0:
            return abi.ENOENT
        if self.inodes.count >= MAX_INODES or not self.room(owner, CREATE_BYTES + len(where.name) + extra):
            return abi.ENOSPC
        return abi.OK

    def add(self, where: Where, inode: Inode) -> int:
        """Enter a new inode under its number and its name. Called inside the file system's heap."""
        if not self._enter(where, inode):
            return abi.ENOSPC
        self.inodes.put(inode.number, inode)
        inode.owner.held += NAME_BYTES + inode.held
        self._changed(where.directory)
        return abi.OK

    def add_link(self, where: Where, inode: Inode) -> bool:
        """Give an inode that is there another name; False where the directory has no room."""
        if not self._enter(where, inode):
            return False
        inode.links += 1
        inode.owner.held += NAME_BYTES
        inode.ctime = self.now
        self._changed(where.directory)
        return True

    def new_file(self, owner: Owner) -> File:
        """Make a file without a name, which its maker has open: to be placed, or dropped when it is not."""
        with self.heap:
            file = File(self.inodes.lowest_free(), self.now, owner)
            file.links, file.opens = 0, 1
            self.inodes.put(file.number, file)
        return file

    def place(self, where: Where, file: File) -> int:
        """Give a file without a name the one at where; what had that name loses it. An errno, or OK."""
        if where.inode is None:
            errno = self.new_name(where, file.owner, 0)
            if errno:
                return errno
        with self.heap:
            if where.inode is None:
                return abi.OK if self.add_link(where, file) else abi.ENOSPC
            where.directory.replace(where.name, file)
            file.links = 1
            file.owner.held += NAME_BYTES
            self._changed(where.directory)
            self._less(where.inode)
        return abi.OK

    def _changed(self, directory: Directory) -> None:
        directory.mtime = directory.ctime = self.now

    @staticmethod
    def _enter(where: Where, inode: Inode) -> bool:
        """Enter a name, copied into the current heap: it outlives the process that gave it."""
        return where.directory.add(bytes(memoryview(where.name)), inode)

    def unname(self, where: Where, inode: Inode) -> None:
        """Take a name away, and the inode with it if that was its last use."""
        with self.heap:
            where.directory.remove(where.name)
            self._changed(where.directory)
            self._less(inode)

    def _less(self, inode: Inode) -> None:
        inode.links -= 1
        inode.owner.held -= NAME_BYTES
        inode.ctime = self.now
        if isinstance(inode, Directory):
            inode.parent = 0
        self.drop_if_unused(inode)

    def drop_if_unused(self, inode: Inode) -> None:
        """Forget an inode that has neither a name nor an opening left; its owner holds less then."""
        if inode.links == 0 and inode.opens == 0:
            self.inodes.remove(inode.number)
            if isinstance(inode, File):
                inode.clear()
            with self.heap:
                inode.owner.held -= inode.held

    def resize(self, file: File, size: FileSize) -> None:
        """Cut or lengthen a file, and its owner's account with it."""
        before = self.heap.live
        with self.heap:
            file.resize(size)
        file.mtime = file.ctime = self.now
        self.charge(file, before)

    def empty(self, file: File) -> None:
        """As resize to nothing."""
        file.clear()
        file.mtime = file.ctime = self.now
        self.charge(file, self.heap.live)

    def write(
        self, file: File, owner: Owner, position: Position, memory: memoryview, start: Word, count: Transfer
    ) -> int:
        """Write page by page while there is room for owner, whose file it is then; return how many bytes.

        WRITTEN_PAGES at most: of MAX_IO bytes that begin just before a page's end, the last few are left.
        """
        if file.owner is not owner and not self.take_over(file, owner, PAGE_STEP_BYTES):
            return 0
        before = self.heap.live
        offset = position % PAGE
        count = min(count, WRITTEN_PAGES * PAGE - offset)
        done = 0
        with self.heap:
            if count and self.room(owner, PAGE_STEP_BYTES):
                first = position // PAGE
                end = (position + count - 1) // PAGE
                leaf = last = file.make_leaf(first)
                if first // FAN != end // FAN:
                    last = file.make_leaf(end)
                done = count
                for i in range(min((offset + count + PAGE - 1) // PAGE, WRITTEN_PAGES)):
                    at = max(0, i * PAGE - offset)
                    if i and not self.room(owner, PAGE_BYTES, self.heap.live - before):
                        done = at
                        break
                    if (first + i) % FAN == 0:
                        leaf = last
                    file.write_page(leaf, position + at, memory, start + at, count - at)
        if done:
            file.mtime = file.ctime = self.now
        done += 0  # a number of the caller's, not of the file system's
        self.charge(file, before)
        return done

    def charge(self, file: File, before: Bytes) -> None:
        """Enter what a file has grown by, since `before` bytes were live, into its own and its owner's books.

        An empty file holds nothing, to the byte: numbers that came and went while it was measured are
        forgotten with its content.
        """
        with self.heap:  # the numbers live as long as the file and the account
            held = max(file.held + self.heap.live - before, 0) if file.root is not None else 0
            file.owner.held += held - file.held
            file.held = held

    def rename(self, old: Where, new: Where) -> int:
        """Move a name; what the new name led to is replaced."""
        inode = old.inode
        if inode is None:
            return abi.ENOENT
        if b"." in {old.name, new.name}:
            return abi.EBUSY
        other = new.inode
        if other is inode and isinstance(inode, Directory):
            return abi.OK
        errno = self._may_replace(old, inode, other, new)
        if errno or other is inode:
            return errno
        with self.heap:
            if other is not None:
                new.directory.replace(new.name, inode)
                self._less(other)
            elif not self._enter(new, inode):
                return abi.ENOSPC
            old.directory.remove(old.name)
        if isinstance(inode, Directory):
            inode.parent = new.directory.number
        self._changed(old.directory)
        self._changed(new.directory)
        inode.ctime = self.now
        return abi.OK

    def _may_replace(self, old: Where, inode: Inode, other: Inode | None, new: Where) -> int:
        if new.directory.links == 0:
            return abi.ENOENT
        if isinstance(inode, Directory):
            if self.is_inside(new.directory, inode):
                return abi.EINVAL
            if other is not None and not isinstance(other, Directory):
                return abi.ENOTDIR
            if isinstance(other, Directory) and other.count:
                return abi.ENOTEMPTY
        else:
            if new.must_be_directory or old.must_be_directory:
                return abi.ENOTDIR
            if isinstance(other, Directory):
                return abi.ENOTEMPTY if self.is_inside(old.directory, other) else abi.EISDIR
        return abi.OK

    def is_inside(self, directory: Directory, other: Directory) -> bool:
        """Tell whether directory is other, or below it."""
        here: Inode | None = directory
        while isinstance(here, Directory):
            if here is other:
                return True
            if here.number == ROOT:
                return False
            here = self.inodes.get(here.parent)
        return False

    def check(self) -> list[str]:
        """Return what does not hold of the invariants. Empty when all is well."""
        wrong = self.inodes.check()
        names: dict[int, int] = {ROOT: 1}
        number = self.inodes.next_used(1)
        while number >= 0:
            inode = self.inodes.get(number)
            if isinstance(inode, Directory):
                wrong += self._check_directory(inode, names)
            number = self.inodes.next_used(number + 1)
        number = self.inodes.next_used(1)
        while number >= 0:
            inode = self.inodes.get(number)
            assert inode is not None
            if inode.links != names.pop(number, 0):
                wrong.append(f"inode {number} counts {inode.links} links, which is not what names it")
            if inode.links == 0 and inode.opens == 0:
                wrong.append(f"inode {number} has neither a name nor an opening")
            number = self.inodes.next_used(number + 1)
        wrong += [f"inode {number} is named and does not exist" for number in names]
        return wrong

    def _check_directory(self, directory: Directory, names: dict[int, int]) -> list[str]:
        wrong: list[str] = []
        count = 0
        begin = 0
        while begin >= 0:
            pairs, begin = directory.leaf_from(begin)
            for _, name in pairs:
                inode = directory.get(name)
                assert inode is not None
                count += 1
                names[inode.number] = names.get(inode.number, 0) + 1
                if self.inodes.get(inode.number) is not inode:
                    wrong.append(f"{name!r} leads to inode {inode.number}, which the table does not have")
                if isinstance(inode, Directory) and inode.parent != directory.number:
                    wrong.append(f"directory {name!r} does not know its parent")
        if count != directory.count:
            wrong.append(f"directory {directory.number} counts {directory.count} names and has {count}")
        return wrong
