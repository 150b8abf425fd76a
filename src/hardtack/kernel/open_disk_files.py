"""Files and directories of the durable file system, opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.heap import Heap
from hardtack.kernel import abi
from hardtack.kernel.descriptions import Broken, Description, Entries
from hardtack.kernel.disk import Disk
from hardtack.kernel.disk_files import ROOT, DiskFiles, DiskWhere
from hardtack.kernel.disk_inodes import DiskInode
from hardtack.kernel.disk_rows import BY_NUMBER, KIND, NUMBER
from hardtack.kernel.memory_files import NAME_BYTES
from hardtack.kernel.params import LEAST_CACHE_BYTES, MAX_FILE
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Flags, Long, PathBytes, Position, Rights, Transfer, Word
    from hardtack.kernel.system import System

_LAST_COOKIE: Final = (1 << 63) - 1
_FIRST_COOKIE: Final = 2  # 0 is ".", 1 is ".."; then each entry's cookie, plus this


class OpenDiskFile(Description):
    """A regular file, opened: a position in it."""

    __slots__ = ("file", "files", "position")
    takes_flags = True
    filetype = abi.REGULAR_FILE

    def __init__(self, files: DiskFiles, file: DiskInode, rights: Rights, flags: Flags) -> None:
        super().__init__(rights, 0, flags)
        self.files = files
        self.file = file
        self.position: Position = 0

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read from the position."""
        done = self.files.read(self.file, self.position, process.memory, start, count)
        self.position += done
        return done

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read from a position given."""
        return self.files.read(self.file, position, process.memory, start, count)

    def read_once(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read from a position given, aside; pages that are not in memory do not stay there."""
        return self.files.read_once(self.file, position, process.memory, start, count)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write at the position, or at the end if opened to append."""
        position = self.file.size if self.flags & abi.FDFLAG_APPEND else self.position
        done = self.write_at(process, position, start, count)
        if done > 0:
            self.position = position + done
        return done

    def write_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Write page by page while there is space; a short count is honest, ENOSPC means none at all."""
        if position + count > MAX_FILE:
            return -abi.EFBIG
        done = self.files.write(self.file, process.group.owner, position, process.memory, start, count)
        if done > 0 and self.flags & (abi.FDFLAG_SYNC | abi.FDFLAG_DSYNC):
            self.files.sync()
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
        self.position = offset + 0
        return offset

    def readable(self) -> int:
        """Return the bytes up to the end; 1 at the end."""
        return max(self.file.size - self.position, 1)

    def filestat(self) -> tuple[int, ...] | int:
        """Return the file's status."""
        return self.file.status()

    def set_size(self, size: Long) -> int:
        """Cut the file or lengthen it by a hole; WAIT means that some of it was cut."""
        return abi.EFBIG if size > MAX_FILE else self.files.resize(self.file, size)

    def allocate(self, offset: int, length: int) -> int:
        """Refuse, as wasmtime does: pages are made when they are written."""
        return abi.ENOTSUP

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set the file's times."""
        return self.files.set_times(self.file, atime, mtime)

    def advise(self) -> int:
        """Take the advice and do nothing."""
        return abi.OK

    def sync(self) -> int:
        """Make everything durable, this file with it; blocks until the host's disk has it."""
        self.files.sync()
        return abi.OK

    def release(self) -> None:
        """Drop the file if its names are gone too."""
        _close(self.files, self.file)


class OpenDiskDirectory(Description):
    """A directory, opened: where paths start."""

    __slots__ = ("directory", "files", "preopen")
    filetype = abi.DIRECTORY
    not_seekable = abi.EBADF

    def __init__(
        self,
        files: DiskFiles,
        directory: DiskInode,
        rights: Rights,
        inheriting: Rights,
        preopen: bytes | None = None,
    ) -> None:
        super().__init__(rights, inheriting, 0)
        self.files = files
        self.directory = directory
        self.preopen = preopen

    def filestat(self) -> tuple[int, ...] | int:
        """Return the directory's status."""
        return self.directory.status()

    def sync(self) -> int:
        """Make everything durable; blocks until the host's disk has it."""
        self.files.sync()
        return abi.OK

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set the directory's times."""
        return self.files.set_times(self.directory, atime, mtime)

    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Write entries in the order of their cookies; a cookie is the next entry's."""
        out = Entries(process.memory, start, count)
        directory = self.directory
        if cookie < 1 and out.put(1, directory.number, b".", abi.DIRECTORY):
            return count
        if cookie < _FIRST_COOKIE and out.put(_FIRST_COOKIE, directory.parent, b"..", abi.DIRECTORY):
            return count
        disk = self.files.disk
        disk.list_names(directory.number, min(max(cookie - _FIRST_COOKIE, 0), _LAST_COOKIE))
        for _ in range(count // abi.DIRENT_BYTES + 1):
            row = disk.next_name()
            if row is None:
                break
            at, name, number, kind = row
            if out.put(at + 1 + _FIRST_COOKIE, number, name, kind):
                break
        return out.done

    def open_at(
        self,
        process: Process,
        path: PathBytes,
        follow: bool,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        """Open what path names; O_CREAT makes a file. WAIT: some was cut, or space was freed."""
        files = self.files
        exclusive = oflags & abi.O_CREAT and oflags & abi.O_EXCL
        where = files.walk(self.directory, path, follow and not exclusive)
        if isinstance(where, int):
            return where
        if where.must_be_directory and oflags & abi.O_CREAT:
            return abi.EISDIR
        if where.row is not None and exclusive:
            return abi.EEXIST
        if where.row is None:
            errno = self._new(process, where, abi.REGULAR_FILE, b"") if oflags & abi.O_CREAT else abi.ENOENT
            if errno:
                return errno
        return self._open(process, where, oflags, flags, rights, inheriting)

    def _new(self, process: Process, where: DiskWhere, kind: Flags, target: PathBytes) -> int:
        """Make an inode at where: an errno, or OK with its row there."""
        owner = process.group.owner
        errno = self.files.new_name(self.directory, where, owner, NAME_BYTES + len(target))
        if not errno:
            self.files.create(where, owner, kind, target)
        return errno

    def _open(
        self,
        process: Process,
        where: DiskWhere,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        row = where.row
        assert row is not None
        kind = row[KIND]
        if kind == abi.SYMBOLIC_LINK:
            return abi.ELOOP
        if kind == abi.DIRECTORY and (oflags & (abi.O_CREAT | abi.O_TRUNC) or rights & abi.RIGHT_WRITE):
            return abi.EISDIR
        if kind == abi.REGULAR_FILE and (oflags & abi.O_DIRECTORY or where.must_be_directory):
            return abi.ENOTDIR
        inode = self.files.inode_to_open(row)
        if inode is None:
            return abi.ENFILE
        if oflags & abi.O_TRUNC:
            errno = self.files.empty(inode)
            if errno:
                return errno
        self.files.open_inode(inode)
        with process.group.heap:
            if kind == abi.DIRECTORY:
                rights &= abi.OPENED_DIRECTORY_RIGHTS
                return OpenDiskDirectory(self.files, inode, rights, inheriting & self.inheriting)
            return OpenDiskFile(self.files, inode, rights & self.inheriting & abi.FILE_RIGHTS, flags)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        inode = self._existing(path, follow)
        return inode if isinstance(inode, int) else inode.status()

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """Set the times of what path names."""
        inode = self._existing(path, follow)
        return inode if isinstance(inode, int) else self.files.set_times(inode, atime, mtime)

    def _existing(self, path: PathBytes, follow: bool) -> DiskInode | int:
        where = self.files.walk(self.directory, path, follow)
        if isinstance(where, int):
            return where
        if where.row is None:
            return abi.ENOENT
        if where.must_be_directory and where.row[KIND] != abi.DIRECTORY:
            return abi.ENOTDIR
        return self.files.inode(where.row)

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.row is not None:
            return abi.EEXIST
        return self._new(process, where, abi.DIRECTORY, b"")

    def remove_directory_at(self, path: PathBytes) -> int:
        """Remove an empty directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        row = where.row
        if row is None:
            return abi.ENOENT
        if row[KIND] != abi.DIRECTORY:
            return abi.ENOTDIR
        if where.name == b".":
            return abi.EINVAL
        if not self.files.is_empty(row[NUMBER]):
            return abi.ENOTEMPTY
        self.files.unname(where)
        return abi.OK

    def unlink_at(self, path: PathBytes) -> int:
        """Remove a name that is no directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.row is None:
            return abi.ENOENT
        if where.row[KIND] == abi.DIRECTORY:
            return abi.EISDIR
        if where.must_be_directory:
            return abi.ENOTDIR
        self.files.unname(where)
        return abi.OK

    def symlink_at(self, process: Process, target: PathBytes, path: PathBytes) -> int:
        """Make a symbolic link; an absolute target could not be followed, so it is refused."""
        if target.startswith(b"/"):
            return abi.EPERM
        if not target:
            return abi.ENOENT
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.row is not None:
            wrong = where.must_be_directory and where.row[KIND] != abi.DIRECTORY
            return abi.ENOTDIR if wrong else abi.EEXIST
        if where.must_be_directory:
            return abi.ENOENT
        return self._new(process, where, abi.SYMBOLIC_LINK, target)

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a link's target."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.row is None:
            return abi.ENOENT
        if where.must_be_directory and where.row[KIND] != abi.DIRECTORY:
            return abi.ENOTDIR
        return self.files.target(where.row) if where.row[KIND] == abi.SYMBOLIC_LINK else abi.EINVAL

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Give a file another name."""
        if not isinstance(to, OpenDiskDirectory):
            return abi.EXDEV
        old = self.files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        if old.row is None:
            return abi.ENOENT
        if old.must_be_directory and old.row[KIND] != abi.DIRECTORY:
            return abi.ENOTDIR
        where = self.files.walk(to.directory, new, False)
        if isinstance(where, int):
            return where
        if where.row is not None:
            wrong = where.must_be_directory and where.row[KIND] != abi.DIRECTORY
            return abi.ENOTDIR if wrong else abi.EEXIST
        if where.must_be_directory:
            return abi.ENOENT
        if old.row[KIND] == abi.DIRECTORY:
            return abi.EPERM
        owner = process.group.owner
        errno = self.files.new_name(to.directory, where, owner, NAME_BYTES)
        return errno or self.files.add_link(where, self.files.inode(old.row), owner)

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Move a name."""
        if not isinstance(to, OpenDiskDirectory):
            return abi.EXDEV
        old = self.files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        where = self.files.walk(to.directory, new, False)
        if isinstance(where, int):
            return where
        where.must_be_directory = slash
        if to.directory.links == 0 and where.directory == to.directory.number:
            return abi.ENOENT
        return self.files.rename(old, where)

    def release(self) -> None:
        """Drop the directory if its name is gone too."""
        _close(self.files, self.directory)


def _close(files: DiskFiles, inode: DiskInode) -> None:
    """Close an inode; a disk that is broken keeps nothing of it."""
    try:
        files.close_inode(inode)
    except Broken as error:
        error.__traceback__ = None


def open_disk(system: System, name: str, path: str, size: int, cache: int) -> OpenDiskDirectory:
    """Open a durable file system as a preopened directory; the file is made if it is not there.

    Args:
        system: the kernel.
        name: the guest's name for its root.
        path: of the file on the host.
        size: the most bytes of that file.
        cache: bytes of the kernel's heap that its pages in memory, and what is open of it, may take.

    Raises:
        KernelError: it cannot be opened, and why.
    """
    if not name or "\0" in name:
        raise KernelError(f"{name!r} cannot be a directory's name for a guest")
    if cache < LEAST_CACHE_BYTES:
        raise KernelError(
            f"a disk needs {format_bytes(LEAST_CACHE_BYTES)} of the kernel's heap, an eighth of it; "
            f"an eighth of this one is {format_bytes(cache)}"
        )
    with system.scheduler_heap:
        heap = Heap(cache, name="disk", parent=system.heap, slack=0)
        disk = Disk(heap, path, size)
        try:
            files = DiskFiles(system, heap, disk)
            row = disk.inode(BY_NUMBER, (ROOT,))
            root = None if row is None else files.inode_to_open(row)
            if root is not None:
                files.open_inode(root)
        except Broken as error:
            raise KernelError(str(error)) from None
        except BaseException:
            disk.close()
            raise
        if root is None:
            disk.close()
            raise KernelError(f"{path}: it is damaged: it has no root")
        heap.shrinker(files.shrink)
        system.disks.append(files)
        rights = abi.DIRECTORY_RIGHTS
        return OpenDiskDirectory(files, root, rights, rights | abi.FILE_RIGHTS, os.fsencode(name))
