"""Regular files of the host that guests have opened; `host_directories` opens them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_paths import FileBudget, errno_of, status_of
from hardtack.kernel.params import MAX_FILE

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import (
        Flags,
        HostNumber,
        Long,
        Position,
        Rights,
        Transfer,
        Word,
    )


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
        return filestat_of(self._fd)

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
        return set_times_of(self._fd, atime, mtime)

    def advise(self) -> int:
        """Take the advice and do nothing."""
        return abi.OK

    def sync(self) -> int:
        """Bring what was written to the disk."""
        return sync_of(self._fd)

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


def filestat_of(fd: HostNumber) -> tuple[int, ...] | int:
    """Return the status of what a descriptor of the host leads to, or an errno."""
    try:
        return status_of(os.fstat(fd))
    except OSError as error:
        return errno_of(error)


def sync_of(fd: HostNumber) -> int:
    """Bring what a descriptor of the host leads to to the disk; blocks until that has it."""
    try:
        os.fsync(fd)
    except OSError as error:
        return errno_of(error)
    return abi.OK


def set_times_of(fd: HostNumber, atime: Long | None, mtime: Long | None) -> int:
    """Set the times of what a descriptor of the host leads to."""
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
