"""The file system in memory: inodes, directories and pages in a heap with a capacity of its own.

Files outlive the processes that made them, so they are charged here and not to a process: killing a
process must give back what it is scored by. A full file system is ENOSPC, an ordinary error that is known
before anything is changed: each step asks `room` for the most that it can allocate.

The last eighth of the capacity is kept for those who hold little: a group (process tree) that holds more
than a quarter of that eighth gets ENOSPC while others can still write their small files.

Invariants, checked by `check`: every inode is in the table; its links are the names that lead to it; one
with neither name nor opening is gone; a directory's parent is the directory that names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.directories import ADD_BYTES, Directory
from hardtack.kernel.files import PAGE_STEP_BYTES, File, Owner, copy_in
from hardtack.kernel.inodes import Inode, Symlink
from hardtack.kernel.params import MAX_FILE, MAX_LINKS, NAME_MAX, PAGE, PATH_MAX
from hardtack.kernel.table import CAPACITY as MAX_INODES
from hardtack.kernel.table import Table

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.process import Process

ROOT: Final = 1
CREATE_BYTES: Final = ADD_BYTES + 4 * 1024  # a name, its inode, nodes of the inode table; a link's target apart
_FIRST_COOKIE: Final = 2  # 0 is ".", 1 is ".."; then each entry's place, plus this


class Where:
    """Where a path leads: its directory, its last name and, if there, its inode."""

    __slots__ = ("directory", "inode", "must_be_directory", "name")

    def __init__(self, directory: Directory, name: bytes, inode: Inode | None, must: bool) -> None:
        self.directory = directory
        self.name = name
        self.inode = inode
        self.must_be_directory = must  # the path ends in a slash


class MemoryFiles:
    """One file system: its heap, its inodes, the time."""

    __slots__ = ("_kept", "_share", "heap", "inodes", "now")

    def __init__(self, heap: Heap, capacity: int) -> None:
        self.heap = heap
        self.now = 0
        self._kept = capacity // 8
        self._share = self._kept // 4
        with heap:
            self.inodes: Table[Inode] = Table()
            self.inodes.put(0, Inode(0, 0))  # so that 0 is never handed out
            self.inodes.put(ROOT, Directory(ROOT, 0, ROOT))

    @property
    def root(self) -> Directory:
        """Return the directory above all."""
        root = self.inodes.get(ROOT)
        assert isinstance(root, Directory)
        return root

    def room(self, owner: Owner, need: int) -> bool:
        """Tell whether a step that allocates at most `need` bytes may be taken for owner."""
        free = self.heap.free
        return free - need >= self._kept or (free >= need and owner.held + need <= self._share)

    # -- paths
    def walk(self, start: Directory, path: bytes, follow: bool) -> Where | int:
        """Follow a path down from start, never above it; links too, the last one only on request."""
        here: Inode = start
        depth = 0
        links = 0
        position = 0
        if not path:
            return abi.ENOENT
        if path.startswith(b"/"):
            return abi.EPERM
        while True:
            if not isinstance(here, Directory):
                return abi.ENOTDIR
            end = path.find(b"/", position)
            if end < 0:
                end = len(path)
            name = path[position:end]
            if len(name) > NAME_MAX:
                return abi.ENAMETOOLONG
            position = end
            while position < len(path) and path[position] == 47:
                position += 1
            last = position == len(path)
            node: Inode | None
            if name == b".":
                node = here
            elif name == b"..":
                if depth == 0:
                    return abi.EPERM
                depth -= 2  # one for the step up, one for the step that is counted below
                node = self.inodes.get(here.parent)
            else:
                node = here.get(name)
            if isinstance(node, Symlink) and (follow or not last or end < len(path)):
                links += 1
                if links > MAX_LINKS:
                    return abi.ELOOP
                if node.target.startswith(b"/"):
                    return abi.EPERM
                path = node.target + path[end:]
                if len(path) > PATH_MAX:
                    return abi.ENAMETOOLONG
                position = 0
                continue
            if last:
                return Where(here, name, node, end < len(path))
            if node is None:
                return abi.ENOENT
            if node is not here:
                depth += 1
            here = node

    # -- changes: each checks everything first, then changes without a way to fail
    def new_name(self, where: Where, owner: Owner, extra: int) -> int:
        """Check that a name can be made at where: an errno, or OK."""
        if where.name in {b".", b".."}:
            return abi.EEXIST
        if where.directory.links == 0:
            return abi.ENOENT
        if self.inodes.count >= MAX_INODES or not self.room(owner, CREATE_BYTES + len(where.name) + extra):
            return abi.ENOSPC
        return abi.OK

    def add(self, where: Where, inode: Inode) -> int:
        """Enter a new inode under its number and its name."""
        if not where.directory.add(where.name, inode):
            return abi.ENOSPC
        self.inodes.put(inode.number, inode)
        where.directory.mtime = where.directory.ctime = self.now
        return abi.OK

    def unname(self, where: Where, inode: Inode) -> None:
        """Take a name away, and the inode with it if that was its last use."""
        with self.heap:
            where.directory.remove(where.name)
            where.directory.mtime = where.directory.ctime = self.now
            self._less(inode)

    def _less(self, inode: Inode) -> None:
        inode.links -= 1
        inode.ctime = self.now
        if isinstance(inode, Directory):
            inode.parent = 0
        self.drop_if_unused(inode)

    def drop_if_unused(self, inode: Inode) -> None:
        """Forget an inode that has neither a name nor an opening left; its owner holds less then."""
        if inode.links == 0 and inode.opens == 0:
            self.inodes.remove(inode.number)
            if isinstance(inode, File):
                self.resize(inode, 0)

    def resize(self, file: File, size: int) -> None:
        """Cut or lengthen a file, and its owner's account with it."""
        before = self.heap.live
        with self.heap:
            file.resize(size)
        self.charge(file, before)

    def charge(self, file: File, before: int) -> None:
        """Enter what a file has grown by, since `before` bytes were live, into its own and its owner's books.

        An empty file holds nothing, to the byte: numbers that came and went while it was measured are
        forgotten with its content.
        """
        with self.heap:  # the numbers live as long as the file and the account
            held = max(file.held + self.heap.live - before, 0) if file.root is not None else 0
            file.owner.held += held - file.held
            file.held = held

    def new_owner(self) -> Owner:
        """Make an account for a new group."""
        with self.heap:
            return Owner()

    def rename(self, old: Where, new: Where) -> int:
        """Move a name; what the new name led to is replaced."""
        inode = old.inode
        if inode is None:
            return abi.ENOENT
        if old.name in {b".", b".."} or new.name in {b".", b".."}:
            return abi.EBUSY
        other = new.inode
        if other is inode:
            return abi.OK
        errno = self._may_replace(old, inode, other, new)
        if errno:
            return errno
        if other is None:
            with self.heap:
                if not new.directory.add(new.name, inode):
                    return abi.ENOSPC
        else:
            new.directory.replace(new.name, inode)
            self._less(other)
        old.directory.remove(old.name)
        if isinstance(inode, Directory):
            inode.parent = new.directory.number
        old.directory.mtime = new.directory.mtime = self.now
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
                return abi.EISDIR
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


class OpenFile(Description):
    """A regular file, opened: a position in it."""

    __slots__ = ("file", "files", "position")
    takes_flags = True
    filetype = abi.REGULAR_FILE

    def __init__(self, files: MemoryFiles, file: File, rights: int, flags: int) -> None:
        super().__init__(rights, 0, flags)
        self.files = files
        self.file = file
        self.position = 0
        file.opens += 1

    def read(self, process: Process, start: int, count: int) -> int:
        """Read from the position."""
        position = self.position
        done = self.file.read_at(position, process.memory, start, count)
        self.position = position + done
        return done

    def read_at(self, process: Process, position: int, start: int, count: int) -> int:
        """Read from a position given."""
        return self.file.read_at(position, process.memory, start, count)

    def write(self, process: Process, start: int, count: int) -> int:
        """Write at the position, or at the end if opened to append."""
        position = self.file.size if self.flags & abi.FDFLAG_APPEND else self.position
        done = self.write_at(process, position, start, count)
        if done > 0:
            self.position = position + done
        return done

    def write_at(self, process: Process, position: int, start: int, count: int) -> int:
        """Write page by page while there is room; a short count is honest, ENOSPC means none at all."""
        file = self.file
        files = self.files
        if position + count > MAX_FILE:
            return -abi.EFBIG
        memory = process.memory
        page = file.page_with(position, count)
        if page is not None:  # nothing to make, so nothing to ask
            copy_in(page, position % PAGE, memory, start, count)
            if position + count > file.size:
                with files.heap:  # the number lives as long as the file
                    file.size = position + count
            file.mtime = file.ctime = files.now
            return count
        done = 0
        before = files.heap.live
        with files.heap:
            while done < count and files.room(file.owner, PAGE_STEP_BYTES):
                done += file.write_page(position + done, memory, start + done, count - done)
        done += 0  # a number of the caller's, not of the file system's
        files.charge(file, before)
        if not done and count:
            return -abi.ENOSPC
        file.mtime = file.ctime = files.now
        return done

    def seek(self, offset: int, whence: int) -> int:
        """Move the position anywhere from 0 on."""
        if whence == abi.SEEK_CUR:
            offset += self.position
        elif whence == abi.SEEK_END:
            offset += self.file.size
        elif whence != abi.SEEK_SET:
            return -abi.EINVAL
        if not 0 <= offset < 1 << 63:
            return -abi.EINVAL
        self.position = offset
        return offset

    def readable(self) -> int:
        """Return the bytes up to the end; 1 at the end."""
        return max(self.file.size - self.position, 1)

    def filestat(self) -> tuple[int, ...] | int:
        """Return the file's status."""
        return _filestat(self.file)

    def set_size(self, size: int) -> int:
        """Cut the file or lengthen it by a hole."""
        if size > MAX_FILE:
            return abi.EFBIG
        self.files.resize(self.file, size)
        self.file.mtime = self.file.ctime = self.files.now
        return 0

    def allocate(self, offset: int, length: int) -> int:
        """Refuse, as wasmtime does: pages are made when they are written."""
        return abi.ENOTSUP

    def set_times(self, atime: int | None, mtime: int | None) -> int:
        """Set the file's times."""
        return _set_times(self.files, self.file, atime, mtime)

    def advise(self) -> int:
        """Take the advice and do nothing: all is in memory."""
        return abi.OK

    def sync(self) -> int:
        """Do nothing: this is where it is kept."""
        return abi.OK

    def release(self) -> None:
        """Drop the file if its names are gone too."""
        self.file.opens -= 1
        self.files.drop_if_unused(self.file)


class OpenDirectory(Description):
    """A directory, opened: where paths start."""

    __slots__ = ("directory", "files", "preopen")
    filetype = abi.DIRECTORY
    not_seekable = abi.EBADF

    def __init__(
        self, files: MemoryFiles, directory: Directory, rights: int, inheriting: int, preopen: bytes | None = None
    ) -> None:
        super().__init__(rights, inheriting, 0)
        self.files = files
        self.directory = directory
        self.preopen = preopen
        directory.opens += 1

    def filestat(self) -> tuple[int, ...] | int:
        """Return the directory's status."""
        return _filestat(self.directory)

    def sync(self) -> int:
        """Do nothing: this is where it is kept."""
        return abi.OK

    def set_times(self, atime: int | None, mtime: int | None) -> int:
        """Set the directory's times."""
        return _set_times(self.files, self.directory, atime, mtime)

    def set_size(self, size: int) -> int:
        """Refuse: a directory has no size to set."""
        return abi.EBADF

    def readdir(self, process: Process, start: int, count: int, cookie: int) -> int:
        """Write entries in the order of their places; a cookie is the next entry's place."""
        out = _Entries(process.memory, start, count)
        directory = self.directory
        if cookie < 1 and out.put(1, directory.number, b".", abi.DIRECTORY):
            return count
        if cookie < _FIRST_COOKIE and out.put(_FIRST_COOKIE, directory.parent, b"..", abi.DIRECTORY):
            return count
        begin = max(cookie - _FIRST_COOKIE, 0)
        while begin >= 0:
            pairs, begin = directory.leaf_from(begin)
            for where, name in pairs:
                inode = directory.get(name)
                assert inode is not None
                if out.put(where + 1 + _FIRST_COOKIE, inode.number, name, inode.filetype):
                    return count
        return out.done

    def open_at(
        self, process: Process, path: bytes, follow: bool, oflags: int, flags: int, rights: int, inheriting: int
    ) -> Description | int:
        """Open what path names; O_CREAT makes a file."""
        exclusive = oflags & abi.O_CREAT and oflags & abi.O_EXCL
        where = self.files.walk(self.directory, path, follow and not exclusive)
        if isinstance(where, int):
            return where
        if where.must_be_directory and oflags & abi.O_CREAT:
            return abi.EISDIR
        inode = where.inode
        if inode is None:
            inode = self._create(process, where, oflags)
        elif exclusive:
            return abi.EEXIST
        if isinstance(inode, int):
            return inode
        return self._open(process, where, inode, oflags, flags, rights, inheriting)

    def _create(self, process: Process, where: Where, oflags: int) -> Inode | int:
        files = self.files
        owner = process.group.owner
        if not oflags & abi.O_CREAT:
            return abi.ENOENT
        errno = files.new_name(where, owner, 0)
        if errno:
            return errno
        with files.heap:
            inode = File(files.inodes.lowest_free(), files.now, owner)
            where.name = bytes(bytearray(where.name))  # a name outlives its process: copy it into our heap
            errno = files.add(where, inode)
        return errno or inode

    def _open(
        self,
        process: Process,
        where: Where,
        inode: Inode,
        oflags: int,
        flags: int,
        rights: int,
        inheriting: int,
    ) -> Description | int:
        if isinstance(inode, Symlink):
            return abi.ELOOP
        if isinstance(inode, Directory):
            if oflags & (abi.O_CREAT | abi.O_TRUNC) or rights & abi.RIGHT_WRITE:
                return abi.EISDIR
            with process.group.heap:
                return OpenDirectory(
                    self.files, inode, rights & abi.OPENED_DIRECTORY_RIGHTS, inheriting & self.inheriting
                )
        if oflags & abi.O_DIRECTORY or where.must_be_directory:
            return abi.ENOTDIR
        assert isinstance(inode, File)
        with process.group.heap:
            opened = OpenFile(self.files, inode, rights & self.inheriting & abi.FILE_RIGHTS, flags)
        if oflags & abi.O_TRUNC:
            opened.set_size(0)
        return opened

    def filestat_at(self, path: bytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        where = self._existing(path, follow)
        if isinstance(where, int):
            return where
        assert where.inode is not None
        return _filestat(where.inode)

    def set_times_at(self, path: bytes, follow: bool, atime: int | None, mtime: int | None) -> int:
        """Set the times of what path names."""
        where = self._existing(path, follow)
        if isinstance(where, int):
            return where
        assert where.inode is not None
        return _set_times(self.files, where.inode, atime, mtime)

    def _existing(self, path: bytes, follow: bool) -> Where | int:
        where = self.files.walk(self.directory, path, follow)
        if isinstance(where, int):
            return where
        if where.inode is None:
            return abi.ENOENT
        if where.must_be_directory and not isinstance(where.inode, Directory):
            return abi.ENOTDIR
        return where

    def create_directory_at(self, process: Process, path: bytes) -> int:
        """Make a directory."""
        files = self.files
        where = files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.inode is not None:
            return abi.EEXIST
        errno = files.new_name(where, process.group.owner, 0)
        if errno:
            return errno
        with files.heap:
            where.name = bytes(bytearray(where.name))
            return files.add(where, Directory(files.inodes.lowest_free(), files.now, where.directory.number))

    def remove_directory_at(self, path: bytes) -> int:
        """Remove an empty directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        inode = where.inode
        if inode is None:
            return abi.ENOENT
        if not isinstance(inode, Directory):
            return abi.ENOTDIR
        if where.name in {b".", b".."}:
            return abi.EINVAL
        if inode.count:
            return abi.ENOTEMPTY
        self.files.unname(where, inode)
        return abi.OK

    def unlink_at(self, path: bytes) -> int:
        """Remove a name that is no directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        inode = where.inode
        if inode is None:
            return abi.ENOENT
        if isinstance(inode, Directory):
            return abi.EISDIR
        if where.must_be_directory:
            return abi.ENOTDIR
        self.files.unname(where, inode)
        return abi.OK

    def symlink_at(self, process: Process, target: bytes, path: bytes) -> int:
        """Make a symbolic link; an absolute target could not be followed, so it is refused."""
        files = self.files
        if target.startswith(b"/"):
            return abi.EPERM
        if not target:
            return abi.ENOENT
        where = files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.inode is not None:
            wrong = where.must_be_directory and not isinstance(where.inode, Directory)
            return abi.ENOTDIR if wrong else abi.EEXIST
        if where.must_be_directory:
            return abi.ENOENT
        errno = files.new_name(where, process.group.owner, len(target))
        if errno:
            return errno
        with files.heap:
            where.name = bytes(bytearray(where.name))
            return files.add(
                where, Symlink(files.inodes.lowest_free(), files.now, bytes(bytearray(target)))
            )

    def readlink_at(self, path: bytes) -> bytes | int:
        """Return a link's target."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.inode is None:
            return abi.ENOENT
        return where.inode.target if isinstance(where.inode, Symlink) else abi.EINVAL

    def link_at(self, path: bytes, to: Description, new: bytes) -> int:
        """Give a file another name."""
        if not isinstance(to, OpenDirectory):
            return abi.EXDEV
        files = self.files
        old = files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        if old.inode is None:
            return abi.ENOENT
        if isinstance(old.inode, Directory):
            return abi.EPERM
        if old.must_be_directory:
            return abi.ENOTDIR
        where = files.walk(to.directory, new, False)
        if isinstance(where, int):
            return where
        if where.inode is not None:
            return abi.EEXIST
        if where.must_be_directory:
            return abi.ENOENT
        if files.heap.free < CREATE_BYTES + len(where.name):
            return abi.ENOSPC
        with files.heap:
            if not where.directory.add(bytes(bytearray(where.name)), old.inode):
                return abi.ENOSPC
        old.inode.links += 1
        old.inode.ctime = where.directory.mtime = files.now
        return abi.OK

    def rename_at(self, path: bytes, to: Description, new: bytes) -> int:
        """Move a name."""
        if not isinstance(to, OpenDirectory):
            return abi.EXDEV
        files = self.files
        old = files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        plain = new.rstrip(b"/") or new  # a slash at the end does not follow a link that is replaced
        where = files.walk(to.directory, plain, False)
        if isinstance(where, int):
            return where
        where.must_be_directory = plain != new
        if where.inode is None:
            if files.heap.free < CREATE_BYTES + len(where.name):
                return abi.ENOSPC
            with files.heap:
                where.name = bytes(bytearray(where.name))
        return files.rename(old, where)

    def release(self) -> None:
        """Drop the directory if its name is gone too."""
        self.directory.opens -= 1
        self.files.drop_if_unused(self.directory)


class _Entries:
    """A readdir buffer being filled; the entry that no longer fits is cut, as preview1 says."""

    __slots__ = ("count", "done", "memory", "start")

    def __init__(self, memory: memoryview, start: int, count: int) -> None:
        self.memory = memory
        self.start = start
        self.count = count
        self.done = 0

    def put(self, cookie: int, number: int, name: bytes, filetype: int) -> bool:
        """Add an entry; True when the buffer is full."""
        entry = abi.DIRENT.pack(cookie, number, len(name), filetype) + name
        piece = min(len(entry), self.count - self.done)
        at = self.start + self.done
        self.memory[at : at + piece] = entry[:piece]
        self.done += piece
        return self.done == self.count


def _filestat(inode: Inode) -> tuple[int, ...]:
    return (
        1,
        inode.number,
        inode.filetype,
        inode.links,
        inode.byte_size(),
        inode.atime,
        inode.mtime,
        inode.ctime,
    )


def _set_times(files: MemoryFiles, inode: Inode, atime: int | None, mtime: int | None) -> int:
    with files.heap:  # the numbers live as long as the inode: make them here
        if atime is not None:
            inode.atime = atime + 0
        if mtime is not None:
            inode.mtime = mtime + 0
        inode.ctime = files.now
    return 0
