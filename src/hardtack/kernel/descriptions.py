"""Open file descriptions: what a descriptor leads to, shared by the processes that inherited it.

Each kind of object (file, directory, pipe end, stream; in memory or on the host) is a subclass that
overrides what it can do; the rest answers here with the errno for "this kind cannot". Methods that count
(read, write, seek, readdir) return a number, or a negated errno; the others an errno or what was asked for.
WAIT among them means: the process was put on a queue, the call is to be made again when it is woken.

A description lives in the heap of the group (process tree) that opened it, since any process of the group
may hold it last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from hardtack.kernel import abi

if TYPE_CHECKING:
    from annotated_types import Interval

    from hardtack.kernel.process import Process
    from hardtack.kernel.queues import Queue
    from hardtack.kernel.ranges import (
        Count,
        Errno,
        Flags,
        Long,
        Name,
        PathBytes,
        Position,
        Rights,
        Transfer,
        Word,
    )


class Broken(Exception):
    """What a description leads to failed for good, on the host's side; the guest's call answers EIO."""


class Description:
    """An opening: rights, flags, and how many descriptors lead to it."""

    __slots__ = ("flags", "inheriting", "next_unused", "references", "rights")
    filetype: Flags = abi.UNKNOWN
    not_seekable: Errno = abi.ESPIPE
    takes_flags = False  # whether fd_fdstat_set_flags works on it
    preopen: PathBytes | None = None  # the guest's name for it, on what was opened for it alone
    preopen_type: Flags = abi.PREOPEN_DIRECTORY

    def __init__(self, rights: Rights, inheriting: Rights, flags: Flags) -> None:
        self.references: Count = 0
        self.rights: Rights = rights
        self.inheriting: Rights = inheriting
        self.flags: Flags = flags
        self.next_unused: Description | None = None  # see `System.let_go`

    # -- bytes
    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Move up to count bytes, at most MAX_IO, to the process's memory at start."""
        return -abi.EBADF

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Move up to count bytes, at most MAX_IO, from the process's memory at start."""
        return -abi.EBADF

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """As read, at a position, which does not move."""
        return -self.not_seekable

    def read_once(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """As read_at, called aside: of a file, nothing that this makes is in the kernel's heap."""
        return self.read_at(process, position, start, count)

    def write_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """As write, at a position, which does not move."""
        return -self.not_seekable

    def seek(self, offset: Annotated[int, Interval(ge=-(1 << 63), lt=1 << 63)], whence: Word) -> int:
        """Move the position; return the new one."""
        return -self.not_seekable

    def readable(self) -> int:
        """Return how many bytes a read would find now: 0 if it would wait, 1 or more at an end."""
        return 1

    def writable(self) -> int:
        """Return how many bytes a write would take now, 0 if it would wait."""
        return 1

    def hung_up(self) -> bool:
        """Tell whether the other side is gone."""
        return False

    def wait_ready(self, process: Process, to_write: bool) -> Queue | None:
        """Return the queue that a process which blocks in poll watches, and see to it that it is woken.

        None for what is always ready.
        """
        return None

    # -- sockets
    def accept(self, process: Process, flags: Flags) -> Description | int:
        """Take a connection that waits, with these flags."""
        return abi.ENOTSOCK

    def receive(self, process: Process, start: Word, count: Transfer, flags: Flags) -> int:
        """As read, with RECV_PEEK and RECV_WAITALL."""
        return -abi.ENOTSOCK

    def send(self, process: Process, start: Word, count: Transfer) -> int:
        """As write, on sockets alone."""
        return -abi.ENOTSOCK

    def shutdown(self, how: Flags) -> int:
        """End one direction of a connection, or both."""
        return abi.ENOTSOCK

    # -- the object behind
    def filestat(self) -> tuple[int, ...] | int:
        """Return (device, inode, file type, links, size, atime, mtime, ctime)."""
        return (0, 0, self.filetype, 1, 0, 0, 0, 0)

    def set_size(self, size: Long) -> int:
        """Cut or lengthen the file."""
        return abi.EBADF

    def allocate(self, offset: Long, length: Long) -> int:
        """Make sure that the file is at least offset + length long."""
        return abi.EBADF

    def set_times(self, atime: Long | None, mtime: Long | None) -> int:
        """Set times in ns, each unless None."""
        return abi.EBADF

    def advise(self) -> int:
        """Take advice, which may be ignored."""
        return abi.EBADF

    def sync(self) -> int:
        """Bring what was written to where it is kept."""
        return abi.EBADF

    def sync_data(self) -> int:
        """As sync; a file's times need not be brought there."""
        return self.sync()

    # -- directories: path is what the guest wrote, confined to what lies below this directory
    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Fill count bytes at start with entries from cookie on; the last may be cut short."""
        return -abi.EBADF

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
        """Open, and if asked make, what path names."""
        return abi.ENOTDIR if self.filetype == abi.REGULAR_FILE else abi.EBADF

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """As filestat, of what path names."""
        return abi.EBADF

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """As set_times, of what path names."""
        return abi.EBADF

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        return abi.EBADF

    def remove_directory_at(self, path: PathBytes) -> int:
        """Remove an empty directory."""
        return abi.EBADF

    def unlink_at(self, path: PathBytes) -> int:
        """Remove a name that is no directory."""
        return abi.EBADF

    def symlink_at(self, process: Process, target: PathBytes, path: PathBytes) -> int:
        """Make a symbolic link at path."""
        return abi.EBADF

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a symbolic link's target."""
        return abi.EBADF

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Give a file another name, below `to`."""
        return abi.EBADF

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Move a name to another, below `to`, replacing it.

        `slash` tells whether there was one behind `new`: without it, a link that is replaced is not followed.
        """
        return abi.EBADF

    # -- life
    def release(self) -> None:
        """Let go of the object: the last descriptor was closed. Allocates nothing that lasts."""


def close(description: Description) -> None:
    """Take away one reference; the last one releases the object."""
    description.references -= 1
    if description.references == 0:
        description.release()


class Entries:
    """A readdir buffer being filled; the entry that no longer fits is cut, as preview1 says."""

    __slots__ = ("count", "done", "memory", "start")

    def __init__(self, memory: memoryview, start: Word, count: Transfer) -> None:
        self.memory = memory
        self.start: Word = start
        self.count: Transfer = count
        self.done: Transfer = 0

    def put(self, cookie: Long, number: Long, name: Name, filetype: Flags) -> bool:
        """Add an entry; True when the buffer is full."""
        entry = abi.DIRENT.pack(cookie, number, len(name), filetype) + name
        piece = min(len(entry), self.count - self.done)
        at = self.start + self.done
        self.memory[at : at + piece] = entry[:piece]
        self.done += piece
        return self.done == self.count
