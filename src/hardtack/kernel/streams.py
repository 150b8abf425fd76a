"""Streams between guests and the host: nothing, bytes given, bytes captured, the host's descriptors.

None of them ever blocks the kernel's thread: a host descriptor that is not ready puts the process on the
stream's queue, and the scheduler's idle wait watches it.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import stat
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_paths import errno_of
from hardtack.kernel.host_watch import POLLIN, POLLOUT, HostDescription
from hardtack.kernel.params import PAGE

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Bytes, Events, Page, Position, Transfer, Word

_ENDS: Final[Events] = select.POLLERR | select.POLLHUP | select.POLLNVAL  # which are told of unasked
HOST_PIPE_BYTES: Final = 4096  # a host pipe that is ready takes so many bytes without blocking


class Null(Description):
    """Reads nothing, takes everything."""

    __slots__ = ()
    filetype = abi.UNKNOWN  # a guest's libc would take a character device for a terminal

    def __init__(self) -> None:
        super().__init__(abi.STREAM_RIGHTS, 0, 0)

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Be at the end."""
        return 0

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Take all."""
        return count


class Source(Description):
    """Bytes that the host gave, read once. They stay in the host's memory."""

    __slots__ = ("_data", "_position")
    filetype = abi.UNKNOWN

    def __init__(self, data: bytes) -> None:
        super().__init__(abi.STREAM_RIGHTS & ~abi.RIGHT_WRITE, 0, 0)
        self._data = data  # a view of it would keep pages of its own in each group's heap
        self._position: Position = 0

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Copy the next bytes."""
        piece = memoryview(self._data)[self._position : self._position + count]
        done = len(piece)
        process.memory[start : start + done] = piece
        self._position += done
        return done

    def readable(self) -> int:
        """Return how many bytes are left; 1 at the end."""
        return len(self._data) - self._position or 1


class Capture(Description):
    """Keeps what is written, up to a limit, in pages on its group's heap; beyond it writes get ENOSPC."""

    __slots__ = ("_chunk", "_fill", "_first", "_heap", "_last", "limit", "refused", "size")
    filetype = abi.UNKNOWN

    def __init__(self, heap: Heap, limit: Bytes) -> None:
        super().__init__(abi.STREAM_RIGHTS & ~abi.RIGHT_READ, 0, 0)
        self._heap = heap
        self._first: _Chunk | None = None
        self._last: _Chunk | None = None
        self._fill: Transfer = 0
        self.limit: Bytes = limit
        self.size: Bytes = 0
        self.refused = False

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Keep bytes up to the limit; at most MAX_IO, in steps of a page."""
        room = self.limit - self.size
        if count > room:
            self.refused = True
            count = min(count, room)
            if count == 0:
                return -abi.ENOSPC
        memory = process.memory
        with self._heap:
            last = self._last
            if last is None:
                self._first = self._last = last = _Chunk(1023)
                self._fill = 0
            done = self._put(last, memory, start, count)
            for i in range((count + PAGE - 1) // PAGE):
                at = done + i * PAGE
                if at >= count:
                    break
                last.after = self._last = last = _Chunk(PAGE)
                self._fill = 0
                self._put(last, memory, start + at, count - at)
        self.size += count
        return count

    def _put(self, last: _Chunk, memory: memoryview, start: Word, count: Transfer) -> Transfer:
        """Copy what has room in the last chunk; return how many bytes."""
        fill = self._fill
        count = min(count, len(last.page) - fill)
        memoryview(last.page)[fill : fill + count] = memory[start : start + count]
        self._fill = fill + count
        return count

    def take(self) -> bytes:
        """Return what was kept and forget it. For the host, outside every heap."""
        whole = bytearray()
        chunk = self._first
        while chunk is not None:
            whole += chunk.page if chunk is not self._last else chunk.page[: self._fill]
            chunk = chunk.after
        self.drop()
        return bytes(whole)

    def restart(self, limit: Bytes) -> None:
        """Forget what was kept, and keep up to so many bytes of what comes. For the host."""
        self.drop()
        self.size = 0
        self.refused = False
        self.limit = limit

    def drop(self) -> None:
        """Forget what was kept, chunk by chunk: a long chain must not be freed by recursion."""
        chunk = self._first
        self._first = self._last = None
        while chunk is not None:
            chunk = chunk.after


class _Chunk:
    __slots__ = ("after", "page")

    def __init__(self, size: Transfer) -> None:
        self.page: Page = bytearray(size)
        self.after: _Chunk | None = None


class HostStream(HostDescription):
    """A descriptor of the host: the terminal, a file or pipe that hardtack's own process was given.

    A duplicate of it, so that whoever opened it may close it, and its number be another's. What could block
    though it was ready a moment ago (a terminal that is stopped, a pipe that others write to as well) is
    opened anew without blocking; a mode set on the duplicate would be its owner's, too.

    Attributes:
        left: bytes that may still be written, then ENOSPC; None for no limit.
        refused: whether more was to be written.
    """

    __slots__ = ("_may_block", "_poller", "_socket", "filetype", "left", "refused")

    def __init__(self, fd: int) -> None:
        kind = os.fstat(fd).st_mode
        own = _reopen(fd) if stat.S_ISFIFO(kind) or os.isatty(fd) else os.dup(fd)
        super().__init__(abi.STREAM_RIGHTS, 0, own)
        self._socket = socket.socket(fileno=self.fd) if stat.S_ISSOCK(kind) else None
        self._may_block = not stat.S_ISREG(kind)
        self._poller = select.poll()  # kept: who is refused memory may yet be able to say so
        self._poller.register(self.fd, POLLIN | POLLOUT)
        # A guest's libc takes every character device for a terminal.
        self.filetype = abi.CHARACTER_DEVICE if os.isatty(fd) else abi.UNKNOWN
        self.left: Bytes | None = None
        self.refused = False

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what the host has; wait while it has nothing."""
        if self._may_block and not self._ready(POLLIN):
            return self.wait(process, POLLIN)
        view = process.memory[start : start + count]
        try:
            if self._socket is not None:
                return self._socket.recv_into(view, 0, socket.MSG_DONTWAIT)
            return os.readv(self.fd, [view])
        except BlockingIOError:
            return self.wait(process, POLLIN)
        except OSError:
            return -abi.EIO

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write as much as the host takes without blocking; wait while that is nothing."""
        if self.left is None:
            return self._write(process, start, count)
        if count > self.left:
            self.refused = True
            count = self.left
            if count == 0:
                return -abi.ENOSPC
        done = self._write(process, start, count)
        self.left -= max(done, 0)
        return done

    def _write(self, process: Process, start: Word, count: Transfer) -> int:
        if self._may_block:
            if not self._ready(POLLOUT):
                return self.wait(process, POLLOUT)
            count = min(count, HOST_PIPE_BYTES)
        view = process.memory[start : start + count]
        try:
            if self._socket is not None:
                return self._socket.send(view, socket.MSG_DONTWAIT)
            return os.write(self.fd, view)
        except BlockingIOError:
            return self.wait(process, POLLOUT)
        except OSError as error:
            return -errno_of(error)

    def _ready(self, events: Events) -> bool:
        found = self._poller.poll(0)
        return bool(found) and bool(found[0][1] & (events | _ENDS))

    def readable(self) -> int:
        """Tell whether a read would not wait."""
        return int(not self._may_block or self._ready(POLLIN))

    def writable(self) -> int:
        """Tell whether a write would not wait."""
        return int(not self._may_block or self._ready(POLLOUT))

    def release(self) -> None:
        """Close the duplicate."""
        super().release()
        if self._socket is None:
            os.close(self.fd)
        else:
            self._socket.close()


def _reopen(fd: int) -> int:
    """Open what a descriptor leads to once more, without blocking; where that is refused, duplicate it."""
    mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    try:
        return os.open(f"/proc/self/fd/{fd}", mode | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # another user's terminal, a pipe that nobody reads
        return os.dup(fd)
