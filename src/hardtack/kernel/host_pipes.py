"""Pipes between a guest and the host's program: what it writes to a guest, and reads of one, while that runs.

What is on its way is the host's memory, at most CAPACITY bytes a pipe. Where a pipe is full or empty the
guest waits for the host, as it would for another process, and the host's program for the guest. While both
ends of one are open the host may wake a guest at any time, so nobody is deadlocked.

The guest's end is a description. The host's end is used on the kernel's thread, between two turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.params import MAX_IO
from hardtack.kernel.queues import Queue

if TYPE_CHECKING:
    from annotated_types import MaxLen

    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Bytes, Rights, Transfer, Word
    from hardtack.kernel.system import System

    Data: TypeAlias = Annotated[bytearray, MaxLen(MAX_IO)]

CAPACITY: Final = MAX_IO
ATOMIC: Final = 4096  # writes of up to so many bytes are not divided (POSIX's PIPE_BUF)


class HostPipe(Description):
    """The guest's end, and what the host's needs.

    Attributes:
        broken: the guest's side is closed.
        closed: the host's side is closed.
    """

    __slots__ = ("_data", "_system", "_waiters", "broken", "closed")
    filetype = abi.UNKNOWN
    takes_flags = True

    def __init__(self, system: System, rights: Rights) -> None:
        super().__init__(rights, 0, 0)
        self._system = system
        self._data: Data = system.memory.aside(bytearray)
        self._waiters = Queue()
        self.broken = False
        self.closed = False
        system.host_pipes += 1

    def close(self) -> None:
        """Close the host's end; a guest that waits learns of it. A second call does nothing."""
        if not self.closed:
            self.closed = True
            self._system.host_pipes -= not self.broken
            self._system.wake(self._waiters)

    def release(self) -> None:
        """Close the guest's end; what it wrote can still be read."""
        self.broken = True
        self._system.host_pipes -= not self.closed
        self._system.note_change()

    def _wait(self, process: Process) -> int:
        if self.flags & abi.FDFLAG_NONBLOCK:
            return -abi.EAGAIN
        return process.block(self._waiters)

    def wait_ready(self, process: Process, to_write: bool) -> Queue:
        """Return the queue of those who wait."""
        return self._waiters

    def hung_up(self) -> bool:
        """Tell whether the host's end is closed."""
        return self.closed


class HostOutput(HostPipe):
    """What the guest writes and the host reads; `limit` bytes in all, then ENOSPC, if there is a limit."""

    __slots__ = ("_left", "refused")

    def __init__(self, system: System, limit: Bytes | None) -> None:
        super().__init__(system, abi.STREAM_RIGHTS & ~abi.RIGHT_READ)
        self._left: Bytes | None = limit
        self.refused = False

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Take what there is room for; wait while that is nothing, or less than a small write."""
        if self.closed:
            return -abi.EPIPE
        if self._left is not None and count > self._left:
            self.refused = True
            count = self._left
            if count == 0:
                return -abi.ENOSPC
        room = CAPACITY - len(self._data)
        if room < (count if count <= ATOMIC else 1):
            return self._wait(process)
        count = min(count, room)
        self._system.memory.aside(self._data.extend, process.memory[start : start + count])
        if self._left is not None:
            self._left -= count
        self._system.note_change()
        return count

    def readable(self) -> int:
        """Return 0: nothing is read here."""
        return 0

    def writable(self) -> int:
        """Return the room; 1 when nobody reads."""
        return CAPACITY - len(self._data) or int(self.closed)

    def ready(self) -> bool:
        """Tell the host whether `take` would find bytes, or the end."""
        return bool(self._data) or self.broken or self.closed

    def take(self, count: int) -> bytes:
        """Give the host up to so many bytes; none means the end, or that there are none now."""
        piece = bytes(memoryview(self._data)[:count])
        if piece:
            del self._data[: len(piece)]
            self._system.wake(self._waiters)
        return piece


class HostInput(HostPipe):
    """What the host writes and the guest reads."""

    __slots__ = ()

    def __init__(self, system: System) -> None:
        super().__init__(system, abi.STREAM_RIGHTS & ~abi.RIGHT_WRITE)

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what is there; wait while there is nothing and the host may still write."""
        done = min(count, len(self._data))
        if done == 0:
            return 0 if self.closed or count == 0 else self._wait(process)
        process.memory[start : start + done] = memoryview(self._data)[:done]
        self._system.memory.aside(self._data.__delitem__, slice(done))
        self._system.note_change()
        return done

    def readable(self) -> int:
        """Return the bytes that are there; 1 at the end."""
        return len(self._data) or int(self.closed)

    def writable(self) -> int:
        """Return 0: nothing is written here."""
        return 0

    def ready(self) -> bool:
        """Tell the host whether `put` would take bytes, or nobody reads any more."""
        return len(self._data) < CAPACITY or self.broken or self.closed

    def put(self, data: memoryview) -> int:
        """Take bytes of the host, as many as there is room for; return how many."""
        piece = data[: CAPACITY - len(self._data)]
        self._data += piece
        self._system.wake(self._waiters)
        return len(piece)
