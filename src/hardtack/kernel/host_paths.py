"""Paths on the host: walked with open directories, so that nothing that changes meanwhile leads out.

Each component is opened relative to the one above without following links; links are read and expanded by
`paths.walk`; `..` goes back to the directory that was come from, which is still open.
"""

from __future__ import annotations

import errno as host_errno
import os
import stat
from struct import Struct
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.paths import walk

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Count, Errno, Flags, HostNumber, Long, Name, PathBytes

MAX_DEPTH: Final = 64  # directories in one path: each is an open descriptor while it is walked
_DIRECTORY: Final[Flags] = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_ERRNOS: Final[dict[int, Errno]] = {
    getattr(host_errno, name): getattr(abi, name)
    for name in (
        "EACCES", "EBADF", "EBUSY", "EEXIST", "EFBIG", "EINVAL", "EIO", "EISDIR", "ELOOP", "EMLINK",
        "ENAMETOOLONG", "ENOENT", "ENOMEM", "ENOSPC", "ENOTDIR", "ENOTEMPTY", "EPERM", "EPIPE", "EROFS",
        "ESPIPE", "EXDEV", "EMFILE", "ENFILE", "ECONNRESET", "ECONNABORTED", "ENOTCONN",
    )
}  # fmt: skip
_TYPES: Final[dict[int, Flags]] = {
    stat.S_IFDIR: abi.DIRECTORY,
    stat.S_IFREG: abi.REGULAR_FILE,
    stat.S_IFLNK: abi.SYMBOLIC_LINK,
    stat.S_IFCHR: abi.CHARACTER_DEVICE,
}
_FORMAT: Final = 0o170000  # the bits of a mode that say what a file is
NOTHING: Final = -1  # in place of a descriptor's number
LAST: Final = 0  # the place of the file opened last
_FD: Final = Struct("i")
_OPENED: Final = 1 + 2 * MAX_DEPTH  # the last file, then two walks' directories


def errno_of(error: OSError) -> Errno:
    """Return WASI's number for an error of the host, and drop its traceback, which keeps frames alive."""
    error.__traceback__ = None
    return _ERRNOS.get(error.errno or 0, abi.EIO)


def _filetype(mode: Long) -> Flags:
    return _TYPES.get(mode & _FORMAT, abi.UNKNOWN)


def status_of(found: os.stat_result) -> tuple[Long, ...]:
    """Return a status of the host as `Description.filestat` has it."""
    return (
        found.st_dev & (1 << 64) - 1,
        found.st_ino,
        _filetype(found.st_mode),
        found.st_nlink,
        found.st_size,
        found.st_atime_ns,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


class HostBudget:
    """How many descriptors of the host guests hold."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used: Count = 0


class FileBudget(HostBudget):
    """The same of files and directories; and those that might have no owner.

    A handler that raises, which happens under `fail` alone, is to lose none. So those that a walk opens are
    kept here until it is over, and the file opened last as long as it is open: see `half_done`.
    """

    __slots__ = ("_opened",)

    def __init__(self) -> None:
        super().__init__()
        self._opened = bytearray()  # numbers, not objects
        for _ in range(_OPENED):
            self._opened += _FD.pack(NOTHING)

    def number(self, at: Count) -> HostNumber:
        """Return the descriptor in a place, or NOTHING."""
        number: HostNumber = _FD.unpack_from(self._opened, 4 * at)[0]
        return number

    def note(self, at: Count, fd: HostNumber) -> None:
        """Put a descriptor, or NOTHING, into a place."""
        _FD.pack_into(self._opened, 4 * at, fd)

    def close(self, fd: HostNumber) -> None:
        """Close the file, or directory, of a description."""
        if self.number(LAST) == fd:
            self.note(LAST, NOTHING)
        os.close(fd)

    def close_last(self) -> None:
        """Close the file opened last, if it is open."""
        if self.number(LAST) != NOTHING:
            self.close(self.number(LAST))

    def close_walks(self) -> None:
        """Close the directories of walks that nobody ended."""
        for at in range(LAST + 1, _OPENED):
            if self.number(at) != NOTHING:
                os.close(self.number(at))
                self.note(at, NOTHING)


class HostPlace:
    """Where a path leads on the host: an open directory and a name in it. A `paths.Place`; to be closed.

    Attributes:
        depth: how many directories are open on the way, one below the other.
    """

    __slots__ = ("_before", "_budget", "_start", "depth", "must_be_directory", "name")

    def __init__(self, budget: FileBudget, start: HostNumber, before: Count) -> None:
        self._budget = budget
        self._before: Count = before  # places of its that are not this walk's
        self._start: HostNumber = start
        self.depth: Count = 0
        self.name: Name = b"."
        self.must_be_directory = False

    @property
    def fd(self) -> HostNumber:
        """The directory that holds the name."""
        return self._budget.number(self._before + self.depth - 1) if self.depth else self._start

    def down(self, name: Name) -> Errno:
        """Enter a directory; an errno, or OK."""
        if self.depth >= MAX_DEPTH:
            return abi.ENAMETOOLONG
        try:
            self._budget.note(self._before + self.depth, os.open(name, _DIRECTORY, dir_fd=self.fd))
        except OSError as error:
            return errno_of(error)
        self.depth += 1
        return abi.OK

    def link(self, name: Name) -> PathBytes | None:
        """Return a link's target."""
        try:
            return os.readlink(name, dir_fd=self.fd)
        except OSError as error:
            error.__traceback__ = None
            return None

    def up(self) -> bool:
        """Go back to the directory above, which is still open."""
        if self.depth == 0:
            return False
        fd = self.fd
        self.depth -= 1
        self._budget.note(self._before + self.depth, NOTHING)
        os.close(fd)
        return True

    def close(self) -> None:
        """Close the directories that were opened on the way."""
        for _ in range(MAX_DEPTH):
            if not self.up():
                break


def walk_host(
    budget: FileBudget, start: HostNumber, path: PathBytes, follow: bool, second: bool = False
) -> HostPlace | int:
    """Follow a path down from an open directory: where it leads, or an errno. See `paths.walk`.

    A call that needs two places at once says of one that it is the second.
    """
    place = HostPlace(budget, start, LAST + 1 + (MAX_DEPTH if second else 0))
    errno = walk(place, path, follow)
    if errno:
        place.close()
        return errno
    return place


def sync_name(path: str) -> None:
    """Make a new name on the host durable."""
    fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
