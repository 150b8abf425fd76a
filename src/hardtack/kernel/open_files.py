"""Files and directories of the file system in memory, opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from hardtack.kernel import abi
from hardtack.kernel.abi import SEEK_SET
from hardtack.kernel.descriptions import Description, Entries
from hardtack.kernel.directories import Directory
from hardtack.kernel.files import File, copy_in
from hardtack.kernel.inodes import Inode, Symlink
from hardtack.kernel.memory_files import CREATE_BYTES
from hardtack.kernel.params import MAX_FILE, PAGE

if TYPE_CHECKING:
    from annotated_types import Interval

    from hardtack.kernel.memory_files import MemoryFiles, Where
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Flags, Long, PathBytes, Position, Rights, Transfer, Word

_LEAVES: Final = 1 << 40  # of a directory: more than any heap has room for
_FIRST_COOKIE: Final = 2  # 0 is ".", 1 is ".."; then each entry's place, plus this


class OpenFile(Description):
    """A regular file, opened: a position in it."""

    __slots__ = ("file", "files", "position")
    takes_flags = True
    filetype = abi.REGULAR_FILE

    def __init__(self, files: MemoryFiles, file: File, rights: Rights, flags: Flags) -> None:
        super().__init__(rights, 0, flags)
        self.files = files
        self.file = file
        self.position: Position = 0
        file.opens += 1

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read from the position."""
        position = self.position
        done = self.file.read_at(position, process.memory, start, count)
        self.position = position + done
        return done

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read from a position given."""
        return self.file.read_at(position, process.memory, start, count)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write at the position, or at the end if opened to append."""
        position = self.file.size if self.flags & abi.FDFLAG_APPEND else self.position
        done = self.write_at(process, position, start, count)
        if done > 0:
            self.position = position + done
        return done

    def write_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Write page by page while there is room; a short count is honest, ENOSPC means none at all."""
        file = self.file
        files = self.files
        if position + count > MAX_FILE:
            return -abi.EFBIG
        memory = process.memory
        page = file.page_with(position, count)
        if page is not None:  # nothing to make, so nothing to ask
            copy_in(page, position % PAGE, memory, start, count)
            if position + count > file.size and count:
                with files.heap:  # the number lives as long as the file
                    file.size = position + count
            file.mtime = file.ctime = files.now
            return count
        done = files.write(file, process.group.owner, position, memory, start, count)
        return -abi.ENOSPC if count and not done else done

    def seek(self, offset: Annotated[int, Interval(ge=-(1 << 63), lt=1 << 63)], whence: Word) -> int:
        """Move the position anywhere from 0 on."""
        if whence != SEEK_SET:
            if whence == abi.SEEK_CUR:
                offset += self.position
            elif whence == abi.SEEK_END:
                offset += self.file.size
            else:
                return -abi.EINVAL
            if offset >> 63 > 0:
                return -abi.EINVAL
        if offset < 0:
            return -abi.EINVAL
        self.position = offset + 0  # a number of ours: the one that was given is the scheduler's
        return offset

    def readable(self) -> int:
        """Return the bytes up to the end; 1 at the end."""
        return max(self.file.size - self.position, 1)

    def filestat(self) -> tuple[int, ...] | int:
        """Return the file's status."""
        return _filestat(self.file)

    def set_size(self, size: Long) -> int:
        """Cut the file or lengthen it by a hole."""
        if size > MAX_FILE:
            return abi.EFBIG
        self.files.resize(self.file, size)
        return abi.OK

    def allocate(self, offset: Long, length: Long) -> int:
        """Refuse, as wasmtime does: pages are made when they are written."""
        return abi.ENOTSUP

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
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
        self,
        files: MemoryFiles,
        directory: Directory,
        rights: Rights,
        inheriting: Rights,
        preopen: PathBytes | None = None,
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

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set the directory's times."""
        return _set_times(self.files, self.directory, atime, mtime)

    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Write entries in the order of their places; a cookie is the next entry's place."""
        out = Entries(process.memory, start, count)
        directory = self.directory
        if cookie < 1 and out.put(1, directory.number, b".", abi.DIRECTORY):
            return count
        if cookie < _FIRST_COOKIE and out.put(_FIRST_COOKIE, directory.parent, b"..", abi.DIRECTORY):
            return count
        begin = max(cookie - _FIRST_COOKIE, 0)
        for _ in range(_LEAVES):
            if begin < 0:
                break
            pairs, begin = directory.leaf_from(begin)
            for where, name in pairs:
                inode = directory.get(name)
                assert inode is not None
                if out.put(where + 1 + _FIRST_COOKIE, inode.number, name, inode.filetype):
                    return count
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
        """Open what path names; O_CREAT makes a file."""
        exclusive = oflags & abi.O_CREAT and oflags & abi.O_EXCL
        where = self.files.walk(self.directory, path, follow and not exclusive)
        if isinstance(where, int):
            return where
        if where.must_be_directory and oflags & abi.O_CREAT:
            return abi.EISDIR
        if where.inode is not None and exclusive:
            return abi.EEXIST
        if where.inode is None:
            return self._create(process, where, flags, rights) if oflags & abi.O_CREAT else abi.ENOENT
        return self._open(process, where, where.inode, oflags, flags, rights, inheriting)

    def _create(self, process: Process, where: Where, flags: Flags, rights: Rights) -> Description | int:
        files = self.files
        owner = process.group.owner
        errno = files.new_name(where, owner, 0)
        if errno:
            return errno
        with files.heap:
            file = File(files.inodes.lowest_free(), files.now, owner)
            errno = files.add(where, file)
        return errno or self._open_file(process, file, flags, rights)

    def _open(
        self,
        process: Process,
        where: Where,
        inode: Inode,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        if isinstance(inode, Symlink):
            return abi.ELOOP
        if isinstance(inode, Directory):
            if oflags & (abi.O_CREAT | abi.O_TRUNC) or rights & abi.RIGHT_WRITE:
                return abi.EISDIR
            with process.group.heap:
                return self._open_directory(
                    inode, rights & abi.OPENED_DIRECTORY_RIGHTS, inheriting & self.inheriting
                )
        if oflags & abi.O_DIRECTORY or where.must_be_directory:
            return abi.ENOTDIR
        assert isinstance(inode, File)
        if oflags & abi.O_TRUNC:
            self.files.empty(inode)
        return self._open_file(process, inode, flags, rights)

    def _open_file(self, process: Process, file: File, flags: Flags, rights: Rights) -> OpenFile:
        with process.group.heap:
            return OpenFile(self.files, file, rights & self.inheriting & abi.FILE_RIGHTS, flags)

    def _open_directory(self, directory: Directory, rights: Rights, inheriting: Rights) -> OpenDirectory:
        """Open a directory that a path from here leads to, in the current heap."""
        return OpenDirectory(self.files, directory, rights, inheriting)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        where = self._existing(path, follow)
        if isinstance(where, int):
            return where
        assert where.inode is not None
        return _filestat(where.inode)

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """Set the times of what path names."""
        where = self._existing(path, follow)
        if isinstance(where, int):
            return where
        assert where.inode is not None
        return _set_times(self.files, where.inode, atime, mtime)

    def _existing(self, path: PathBytes, follow: bool) -> Where | int:
        where = self.files.walk(self.directory, path, follow)
        if isinstance(where, int):
            return where
        if where.inode is None:
            return abi.ENOENT
        if where.must_be_directory and not isinstance(where.inode, Directory):
            return abi.ENOTDIR
        return where

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        files = self.files
        where = files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.inode is not None:
            return abi.EEXIST
        owner = process.group.owner
        errno = files.new_name(where, owner, 0)
        if errno:
            return errno
        with files.heap:
            number = files.inodes.lowest_free()
            return files.add(where, Directory(number, files.now, owner, where.directory.number))

    def remove_directory_at(self, path: PathBytes) -> int:
        """Remove an empty directory."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        inode = where.inode
        if inode is None:
            return abi.ENOENT
        if not isinstance(inode, Directory):
            return abi.ENOTDIR
        if where.name == b".":
            return abi.EINVAL
        if inode.count:
            return abi.ENOTEMPTY
        self.files.unname(where, inode)
        return abi.OK

    def unlink_at(self, path: PathBytes) -> int:
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

    def symlink_at(self, process: Process, target: PathBytes, path: PathBytes) -> int:
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
        owner = process.group.owner
        errno = files.new_name(where, owner, len(target) * 5 // 4)
        if errno:
            return errno
        with files.heap:
            number = files.inodes.lowest_free()
            return files.add(where, Symlink(number, files.now, owner, bytes(memoryview(target))))

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a link's target."""
        where = self.files.walk(self.directory, path, False)
        if isinstance(where, int):
            return where
        if where.inode is None:
            return abi.ENOENT
        if where.must_be_directory and not isinstance(where.inode, Directory):
            return abi.ENOTDIR
        return where.inode.target if isinstance(where.inode, Symlink) else abi.EINVAL

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Give a file another name; it is the process's group's from then on."""
        if not isinstance(to, OpenDirectory):
            return abi.EXDEV
        files = self.files
        old = files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        if old.inode is None:
            return abi.ENOENT
        if old.must_be_directory and not isinstance(old.inode, Directory):
            return abi.ENOTDIR
        where = files.walk(to.directory, new, False)
        if isinstance(where, int):
            return where
        owner = process.group.owner
        errno = _may_link(old.inode, where) or files.new_name(where, owner, 0)
        if errno:
            return errno
        if not files.take_over(old.inode, owner, CREATE_BYTES + len(where.name)):
            return abi.ENOSPC
        with files.heap:
            if not files.add_link(where, old.inode):
                return abi.ENOSPC
        return abi.OK

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Move a name."""
        if not isinstance(to, OpenDirectory):
            return abi.EXDEV
        files = self.files
        old = files.walk(self.directory, path, False)
        if isinstance(old, int):
            return old
        where = files.walk(to.directory, new, False)
        if isinstance(where, int):
            return where
        where.must_be_directory = slash
        if where.inode is None and files.free() < CREATE_BYTES + len(where.name):
            return abi.ENOSPC
        return files.rename(old, where)

    def release(self) -> None:
        """Drop the directory if its name is gone too."""
        self.directory.opens -= 1
        self.files.drop_if_unused(self.directory)


def _may_link(inode: Inode, where: Where) -> int:
    if where.inode is not None:
        wrong = where.must_be_directory and not isinstance(where.inode, Directory)
        return abi.ENOTDIR if wrong else abi.EEXIST
    if where.must_be_directory:
        return abi.ENOENT
    return abi.EPERM if isinstance(inode, Directory) else abi.OK


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


def _set_times(files: MemoryFiles, inode: Inode, atime: Long | None, mtime: Long | None) -> int:
    with files.heap:  # the numbers live as long as the inode: make them here
        if atime is not None:
            inode.atime = atime + 0
        if mtime is not None:
            inode.mtime = mtime + 0
        inode.ctime = files.now
    return 0
