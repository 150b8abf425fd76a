"""Directories of the host that guests may use, confined.

Only regular files and directories are opened: a device or FIFO could block the kernel's thread. No way leads
out, whatever somebody on the host does meanwhile: a walk holds each directory open and follows no link by
itself (`host_paths`), and the last name is opened, or changed, without following one. All guests
together hold at most MAX_HOST_FILES descriptors of the host (ENFILE beyond), so that none can take them all.
"""

from __future__ import annotations

import errno as host_errno
import os
import stat
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description, Entries
from hardtack.kernel.host_paths import LAST, FileBudget, HostPlace, errno_of, status_of, walk_host
from hardtack.kernel.params import MAX_FILE, MAX_HOST_FILES
from hardtack.kernel.paths import leads_out

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import (
        Flags,
        HostNumber,
        Long,
        PathBytes,
        Position,
        Rights,
        Signed,
        Transfer,
        Word,
    )
    from hardtack.kernel.system import System

_FILE: Final[Flags] = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_COOKIES: Final = 1 << 62  # more than any directory has entries
_READING: Final[Flags] = os.O_RDONLY
_WRITING: Final[Flags] = os.O_WRONLY
_BOTH: Final[Flags] = os.O_RDWR
_CREATING: Final[Flags] = os.O_CREAT
_EXCLUSIVE: Final[Flags] = os.O_EXCL
_ONLY_DIRECTORY: Final[Flags] = os.O_DIRECTORY


class HostFile(Description):
    """A regular file of the host."""

    __slots__ = ("_budget", "_fd")
    takes_flags = True
    filetype = abi.REGULAR_FILE

    def __init__(self, budget: FileBudget, fd: HostNumber, rights: Rights, flags: Flags) -> None:
        super().__init__(rights, 0, flags)
        self._budget = budget
        self._fd: HostNumber = fd

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read from the position."""
        try:
            return os.readv(self._fd, [process.memory[start : start + count]])
        except OSError as error:
            return -errno_of(error)

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read from a position given."""
        if position >> 63:
            return -abi.EINVAL
        try:
            return os.preadv(self._fd, [process.memory[start : start + count]], position)
        except OSError as error:
            return -errno_of(error)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write at the position, or at the end if opened to append."""
        try:
            if self.flags & abi.FDFLAG_APPEND:
                os.lseek(self._fd, 0, os.SEEK_END)
            done = os.write(self._fd, process.memory[start : start + count])
            self._synchronise()
            return done
        except OSError as error:
            return -errno_of(error)

    def write_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Write at a position given."""
        if position + count > MAX_FILE:
            return -abi.EFBIG
        try:
            done = os.pwrite(self._fd, process.memory[start : start + count], position)
            self._synchronise()
            return done
        except OSError as error:
            return -errno_of(error)

    def _synchronise(self) -> None:
        """Bring to the disk what was written, if the flags ask for it with each write."""
        if self.flags & abi.FDFLAG_SYNC:
            os.fsync(self._fd)
        elif self.flags & abi.FDFLAG_DSYNC:
            os.fdatasync(self._fd)

    def seek(self, offset: int, whence: int) -> int:
        """Move the position."""
        if whence > abi.SEEK_END:
            return -abi.EINVAL
        try:
            return os.lseek(self._fd, offset, whence)
        except (OSError, OverflowError):
            return -abi.EINVAL

    def filestat(self) -> tuple[int, ...] | int:
        """Return the file's status."""
        return _filestat(self._fd)

    def set_size(self, size: Long) -> int:
        """Cut or lengthen the file."""
        if size >> 63:
            return abi.EINVAL
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            return errno_of(error)
        return abi.OK

    def allocate(self, offset: Long, length: Long) -> int:
        """Refuse, as wasmtime does."""
        return abi.ENOTSUP

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set the file's times."""
        return _set_times(self._fd, atime, mtime)

    def advise(self) -> int:
        """Take the advice and do nothing."""
        return abi.OK

    def sync(self) -> int:
        """Bring what was written to the disk."""
        return _sync(self._fd)

    def sync_data(self) -> int:
        """Bring what was written to the disk, and of what is known about the file what reading it takes."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            return errno_of(error)
        return abi.OK

    @property
    def host_descriptor(self) -> HostNumber:
        """The host's descriptor."""
        return self._fd

    def holds(self) -> int:
        """Return how many of the host's descriptors it has."""
        return 1

    def release(self) -> None:
        """Close the host's descriptor."""
        self._budget.close(self._fd)
        self._budget.used -= 1


def _filestat(fd: HostNumber) -> tuple[int, ...] | int:
    try:
        return status_of(os.fstat(fd))
    except OSError as error:
        return errno_of(error)


def _sync(fd: HostNumber) -> int:
    try:
        os.fsync(fd)
    except OSError as error:
        return errno_of(error)
    return abi.OK


def _set_times(fd: HostNumber, atime: Long | None, mtime: Long | None) -> int:
    try:
        found = os.fstat(fd)
        os.utime(
            fd,
            ns=(
                found.st_atime_ns if atime is None else atime,
                found.st_mtime_ns if mtime is None else mtime,
            ),
        )
    except OverflowError:
        return abi.EINVAL
    except OSError as error:
        return errno_of(error)
    return abi.OK


class HostDirectory(Description):
    """A directory of the host: where confined paths start."""

    __slots__ = ("_budget", "_entries", "_fd", "_held", "_next", "preopen")
    filetype = abi.DIRECTORY
    not_seekable = abi.EBADF

    def __init__(
        self,
        budget: FileBudget,
        fd: HostNumber,
        rights: Rights,
        inheriting: Rights,
        preopen: PathBytes | None = None,
    ) -> None:
        super().__init__(rights, inheriting, 0)
        self._budget = budget
        self._fd: HostNumber = fd
        self._entries: os._ScandirIterator[str] | None = None
        self._next: Long = 2  # the cookie of the entry that comes next
        self._held: os.DirEntry[str] | None = None  # one that did not fit the last buffer
        self.preopen = preopen

    def filestat(self) -> tuple[int, ...] | int:
        """Return the directory's status."""
        return _filestat(self._fd)

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set the directory's times."""
        return _set_times(self._fd, atime, mtime)

    def sync(self) -> int:
        """Make its names durable; blocks until the host's disk has them."""
        return _sync(self._fd)

    # -- listing: cookies count the entries, and the listing is kept open between two calls
    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Write entries from a cookie on; going back starts the listing anew."""
        out = Entries(process.memory, start, count)
        if cookie < 2:
            self._close_listing()  # from the start: what there is now
        try:
            for at in range(cookie, 2):
                number = os.fstat(self._fd).st_ino
                if out.done < count:
                    out.put(at + 1, number, b"." if at == 0 else b"..", abi.DIRECTORY)
            if out.done < count:
                self._list(out, min(max(cookie, 2), _COOKIES))
        except OSError as error:
            return -errno_of(error)
        return out.done

    def _list(self, out: Entries, cookie: Long) -> None:
        entries = self._listing(cookie)
        begin, held = self._next, self._held
        if held is not None and begin == cookie + 1 and _put(out, begin, held):
            return  # it did not fit the last buffer either
        at = begin
        entry: os.DirEntry[str] | None = None
        try:
            for at in range(begin, _COOKIES):
                entry = None  # before the next is read
                entry = entries.__next__()
                if at >= cookie and _put(out, at + 1, entry):
                    break
        except StopIteration:
            pass
        finally:  # here, and not with each entry
            self._next = at + (entry is not None)
            self._held = entry

    def _listing(self, cookie: Long) -> os._ScandirIterator[str]:
        """Return the listing, in which what has a cookie is still to come, or held."""
        if self._entries is None or cookie < self._next - (self._held is not None):
            self._close_listing()
            return self._open_listing()
        return self._entries

    def _open_listing(self) -> os._ScandirIterator[str]:
        """Begin a listing, which holds a descriptor of the host."""
        if self._budget.used >= MAX_HOST_FILES:
            raise OSError(host_errno.ENFILE, "")
        entries = self._entries = os.scandir(self._fd)
        self._budget.used += 1
        self._next = 2
        self._held = None
        return entries

    def _close_listing(self) -> None:
        if self._entries is not None:
            self._entries.close()
            self._entries = None
            self._budget.used -= 1

    # -- paths
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
        if self._budget.used >= MAX_HOST_FILES:
            return abi.ENFILE
        exclusive = oflags & abi.O_CREAT and oflags & abi.O_EXCL
        place = walk_host(self._budget, self._fd, path, follow and not exclusive)
        if isinstance(place, int):
            return place
        opened = self._open(process, place, oflags, flags, rights, inheriting)
        place.close()
        return opened

    def _open(
        self,
        process: Process,
        place: HostPlace,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        if place.must_be_directory and oflags & abi.O_CREAT:
            return abi.EISDIR
        reading = rights & abi.RIGHT_READ
        writing = rights & abi.RIGHT_WRITE or oflags & abi.O_TRUNC  # the host cuts only what it can write
        mode = _FILE | ((_BOTH if reading else _WRITING) if writing else _READING)
        if oflags & abi.O_CREAT:
            mode |= _CREATING
        if oflags & abi.O_EXCL:
            mode |= _EXCLUSIVE
        if oflags & abi.O_DIRECTORY or place.must_be_directory:
            mode |= _ONLY_DIRECTORY
        there = _mode(place)
        if stat.S_ISLNK(there) and not (oflags & abi.O_CREAT and oflags & abi.O_EXCL):
            return abi.ELOOP
        if there and not (stat.S_ISREG(there) or stat.S_ISDIR(there) or stat.S_ISLNK(there)):
            return abi.ENOTSUP
        try:
            fd = os.open(place.name, mode, 0o666, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        self._budget.note(LAST, fd)
        made = self._wrap(process, fd, oflags, flags, rights, inheriting)
        if isinstance(made, int):
            self._budget.close(fd)
        else:
            self._budget.used += 1
        return made

    def _wrap(
        self,
        process: Process,
        fd: HostNumber,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        kind = _prepare(fd, oflags)
        if kind < 0:
            return -kind
        if stat.S_ISDIR(kind):
            if oflags & (abi.O_CREAT | abi.O_TRUNC):
                return abi.EISDIR
            with process.group.heap:
                rights &= abi.OPENED_DIRECTORY_RIGHTS
                return HostDirectory(self._budget, fd, rights, inheriting & self.inheriting)
        if not stat.S_ISREG(kind):
            return abi.ENOTSUP
        with process.group.heap:
            return HostFile(self._budget, fd, rights & self.inheriting & abi.FILE_RIGHTS, flags)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        place = walk_host(self._budget, self._fd, path, follow)
        if isinstance(place, int):
            return place
        try:
            found = os.stat(place.name, dir_fd=place.fd, follow_symlinks=False)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        if place.must_be_directory and not stat.S_ISDIR(found.st_mode):
            return abi.ENOTDIR
        return status_of(found)

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """Set the times of what path names."""
        place = walk_host(self._budget, self._fd, path, follow)
        if isinstance(place, int):
            return place
        try:
            found = os.stat(place.name, dir_fd=place.fd, follow_symlinks=False)
            if place.must_be_directory and not stat.S_ISDIR(found.st_mode):
                return abi.ENOTDIR
            times = (
                found.st_atime_ns if atime is None else atime,
                found.st_mtime_ns if mtime is None else mtime,
            )
            os.utime(place.name, ns=times, dir_fd=place.fd, follow_symlinks=False)
        except OverflowError:
            return abi.EINVAL
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        return abi.OK

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        place = walk_host(self._budget, self._fd, path, False)
        if isinstance(place, int):
            return place
        try:
            os.mkdir(place.name, 0o777, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        return abi.OK

    def remove_directory_at(self, path: PathBytes) -> int:
        """Remove an empty directory."""
        place = walk_host(self._budget, self._fd, path, False)
        if isinstance(place, int):
            return place
        try:
            if place.name == b".":
                return abi.EINVAL
            os.rmdir(place.name, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        return abi.OK

    def unlink_at(self, path: PathBytes) -> int:
        """Remove a name that is no directory."""
        place = walk_host(self._budget, self._fd, path, False)
        if isinstance(place, int):
            return place
        try:
            if _is_directory(place):
                return abi.EISDIR
            if place.must_be_directory:
                return abi.ENOTDIR
            os.unlink(place.name, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        return abi.OK

    def symlink_at(self, process: Process, target: PathBytes, path: PathBytes) -> int:
        """Make a symbolic link; one that would lead out is refused, lest a program of the host follow it."""
        if target.startswith(b"/"):
            return abi.EPERM
        if not target:
            return abi.ENOENT
        place = walk_host(self._budget, self._fd, path, False)
        if isinstance(place, int):
            return place
        try:
            if place.must_be_directory:
                return abi.EEXIST if _is_directory(place) else abi.ENOTDIR
            if leads_out(target, place.depth):
                return abi.EPERM
            os.symlink(target, place.name, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()
        return abi.OK

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a link's target."""
        place = walk_host(self._budget, self._fd, path, False)
        if isinstance(place, int):
            return place
        try:
            if place.must_be_directory and not _is_directory(place):
                return abi.ENOTDIR
            return os.readlink(place.name, dir_fd=place.fd)
        except OSError as error:
            return errno_of(error)
        finally:
            place.close()

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Give a file another name."""
        return self._both(path, to, new, False, False)

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Move a name."""
        return self._both(path, to, new, True, slash)

    def _both(self, path: PathBytes, to: Description, new: PathBytes, rename: bool, slash: bool) -> int:
        if not isinstance(to, HostDirectory):
            return abi.EXDEV
        old = walk_host(self._budget, self._fd, path, False)
        if isinstance(old, int):
            return old
        place = walk_host(to._budget, to._fd, new, False, second=True)
        if isinstance(place, int):
            old.close()
            return place
        try:
            if rename:
                place.must_be_directory = slash
                return _rename(old, place)
            if old.must_be_directory:
                return abi.EPERM if _is_directory(old) else abi.ENOTDIR
            if place.must_be_directory:
                there = _mode(place)
                return abi.EEXIST if stat.S_ISDIR(there) else abi.ENOTDIR if there else abi.ENOENT
            os.link(old.name, place.name, src_dir_fd=old.fd, dst_dir_fd=place.fd, follow_symlinks=False)
        except OSError as error:
            return errno_of(error)
        finally:
            old.close()
            place.close()
        return abi.OK

    @property
    def host_descriptor(self) -> HostNumber:
        """The host's descriptor of the directory itself."""
        return self._fd

    def holds(self) -> int:
        """Return how many of the host's descriptors it has."""
        return 1 + (self._entries is not None)

    def release(self) -> None:
        """Close the host's descriptors."""
        self._close_listing()
        self._budget.close(self._fd)
        self._budget.used -= 1


def _put(out: Entries, cookie: Long, entry: os.DirEntry[str]) -> bool:
    return out.put(cookie, entry.inode(), os.fsencode(entry.name), _filetype(entry))


def _filetype(entry: os.DirEntry[str]) -> Flags:
    if entry.is_symlink():
        return abi.SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return abi.DIRECTORY
    return abi.REGULAR_FILE if entry.is_file(follow_symlinks=False) else abi.UNKNOWN


def _mode(place: HostPlace) -> Long:
    """Return what a name leads to, as stat's mode; 0 for nothing, or when that cannot be told.

    It is asked before opening: a device, a FIFO or a socket may do something when it is opened. One that is
    put there just afterwards is opened without blocking, found out and closed.
    """
    try:
        return os.stat(place.name, dir_fd=place.fd, follow_symlinks=False).st_mode
    except OSError as error:
        error.__traceback__ = None
        return 0  # who uses the name says what is wrong, or makes it


def _prepare(fd: HostNumber, oflags: Flags) -> Signed:
    """Return what was opened, as stat's mode, or an errno, negated; a file is cut if that is asked for."""
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode) and oflags & abi.O_TRUNC:
            os.ftruncate(fd, 0)
        return mode
    except OSError as error:
        return -errno_of(error)


def _is_directory(place: HostPlace) -> bool:
    return stat.S_ISDIR(os.stat(place.name, dir_fd=place.fd, follow_symlinks=False).st_mode)


def _rename(old: HostPlace, new: HostPlace) -> int:
    if old.name == b"." or new.name == b".":
        return abi.EBUSY
    if (new.must_be_directory or old.must_be_directory) and not _is_directory(old):
        return abi.ENOTDIR
    os.rename(old.name, new.name, src_dir_fd=old.fd, dst_dir_fd=new.fd)
    return abi.OK


def open_host_directory(system: System, name: str, path: str) -> HostDirectory:
    """Open a directory of the host as a preopened directory.

    Args:
        system: the kernel.
        name: the guest's name for it.
        path: where it is; links in this path are the caller's business and are followed.

    Raises:
        KernelError: there is no such directory.
    """
    if not name or "\0" in name:
        raise KernelError(f"{name!r} cannot be a directory's name for a guest")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KernelError(f"{path}: {reason}: --dir and dirs need a directory of the host") from None
    with system.scheduler_heap:
        system.host_files.used += 1
        return HostDirectory(
            system.host_files,
            fd,
            abi.DIRECTORY_RIGHTS,
            abi.DIRECTORY_RIGHTS | abi.FILE_RIGHTS,
            os.fsencode(name),
        )
