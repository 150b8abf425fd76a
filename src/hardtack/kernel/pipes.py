"""Pipes: rings of pages between processes of one group.

A pipe and its pages live in the group's heap. Pages are made when first written and dropped when read,
but for one, so an idle pipe holds little and a busy one does not allocate for each byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.params import PAGE, PIPE_PAGES
from hardtack.kernel.queues import Queue

if TYPE_CHECKING:
    from annotated_types import Interval, Len

    from hardtack.heap import Heap
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Bytes, Count, Page, Transfer, Word

RING: Final = PIPE_PAGES
CAPACITY: Final = RING * PAGE
ATOMIC: Final = 4096  # writes of up to so many bytes are not divided (POSIX's PIPE_BUF)


class Pipe:
    """Bytes on their way, and who waits for them."""

    __slots__ = (
        "head",
        "heap",
        "pages",
        "read_waiters",
        "readers",
        "used",
        "write_waiters",
        "writers",
    )

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.pages: Annotated[list[Page | None], Len(RING, RING)] = [None] * RING
        self.head: Annotated[int, Interval(ge=0, lt=CAPACITY)] = 0
        self.used: Annotated[int, Interval(ge=0, le=CAPACITY)] = 0
        self.readers: Count = 1
        self.writers: Count = 1
        self.read_waiters = Queue()
        self.write_waiters = Queue()

    def wake(self, queue: Queue) -> None:
        """Let those go on who wait on a queue of this pipe, or poll: each looks for itself."""
        if queue.first is not None:
            queue.first.system.wake(queue)
        elif queue.watches is not None:
            queue.watches.process.system.wake(queue)

    def put(self, memory: memoryview, start: Word, count: Transfer) -> int:
        """Take as many bytes as there is room for; at most RING pages are made."""
        count = min(count, CAPACITY - self.used)
        tail = (self.head + self.used) % CAPACITY
        first, offset = tail // PAGE, tail % PAGE
        if offset + count > PAGE or self.pages[first] is None:
            self._make_pages(first, offset + count)
        done = 0
        for i in range((offset + count + PAGE - 1) // PAGE):
            page = self.pages[(first + i) % RING]
            assert page is not None
            piece = min(count - done, PAGE - offset)
            memoryview(page)[offset : offset + piece] = memory[start + done : start + done + piece]
            done += piece
            offset = 0
        self.used += count
        return count

    def _make_pages(self, first: Count, end: Bytes) -> None:
        """Make the pages that are not there, from the first on, for so many bytes from its beginning."""
        for i in range(min((end + PAGE - 1) // PAGE, RING)):
            slot = (first + i) % RING
            if self.pages[slot] is None:
                self.pages[slot] = bytearray(PAGE)

    def peek(self, memory: memoryview, start: Word, count: Transfer) -> int:
        """As take, and leave what was read."""
        count = min(count, self.used)
        offset = self.head % PAGE
        done = 0
        for i in range((offset + count + PAGE - 1) // PAGE):
            page = self.pages[(self.head // PAGE + i) % RING]
            assert page is not None
            piece = min(count - done, PAGE - offset)
            memory[start + done : start + done + piece] = memoryview(page)[offset : offset + piece]
            done += piece
            offset = 0
        return count

    def take(self, memory: memoryview, start: Word, count: Transfer) -> int:
        """Give up to count bytes, oldest first, and drop pages that were read to their end."""
        count = min(count, self.used)
        offset = self.head % PAGE
        done = 0
        for i in range((offset + count + PAGE - 1) // PAGE):
            slot = (self.head // PAGE + i) % RING
            page = self.pages[slot]
            assert page is not None
            piece = min(count - done, PAGE - offset)
            memory[start + done : start + done + piece] = memoryview(page)[offset : offset + piece]
            done += piece
            if offset + piece == PAGE and self.used - done <= (RING - 1) * PAGE:
                self.pages[slot] = None  # what is left does not reach around into this page
            offset = 0
        self.used -= count
        self.head = 0 if self.used == 0 else (self.head + count) % CAPACITY
        if self.used == 0:
            self.pages[1] = self.pages[2] = self.pages[3] = None
        return count


class ReadEnd(Description):
    """The end of a pipe that is read from."""

    __slots__ = ("pipe",)
    takes_flags = True

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(abi.STREAM_RIGHTS & ~abi.RIGHT_WRITE, 0, 0)
        self.pipe = pipe

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what is there; wait while there is nothing and somebody may still write."""
        pipe = self.pipe
        if pipe.used == 0:
            if pipe.writers == 0 or count == 0:
                return 0
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return process.block(pipe.read_waiters)
        done = pipe.take(process.memory, start, count)
        process.system.wake(pipe.write_waiters)
        return done

    def readable(self) -> int:
        """Return the bytes in the pipe; 1 at its end."""
        return self.pipe.used or int(self.pipe.writers == 0)

    def writable(self) -> int:
        """Return 0: nothing is written here."""
        return 0

    def wait_ready(self, process: Process, to_write: bool) -> Queue:
        """Return the queue of those who wait to read."""
        return self.pipe.read_waiters

    def hung_up(self) -> bool:
        """Tell whether every writer is gone."""
        return self.pipe.writers == 0

    def release(self) -> None:
        """Count the reader out; writers that wait learn of it."""
        self.pipe.readers -= 1
        self.pipe.wake(self.pipe.write_waiters)


class WriteEnd(Description):
    """The end of a pipe that is written to."""

    __slots__ = ("pipe",)
    takes_flags = True

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(abi.STREAM_RIGHTS & ~abi.RIGHT_READ, 0, 0)
        self.pipe = pipe

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write what fits; wait while there is no room for a byte, or for a small write as a whole."""
        pipe = self.pipe
        if pipe.readers == 0:
            return -abi.EPIPE
        if count == 0:
            return 0
        if CAPACITY - pipe.used < (count if count <= ATOMIC else 1):
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return process.block(pipe.write_waiters)
        with pipe.heap:
            done = pipe.put(process.memory, start, count)
        process.system.wake(pipe.read_waiters)
        return done

    def readable(self) -> int:
        """Return 0: nothing is read here."""
        return 0

    def writable(self) -> int:
        """Return the room in the pipe; 1 when nobody reads."""
        return CAPACITY - self.pipe.used or int(self.pipe.readers == 0)

    def wait_ready(self, process: Process, to_write: bool) -> Queue:
        """Return the queue of those who wait to write."""
        return self.pipe.write_waiters

    def hung_up(self) -> bool:
        """Tell whether every reader is gone."""
        return self.pipe.readers == 0

    def release(self) -> None:
        """Count the writer out; readers that wait learn of it."""
        self.pipe.writers -= 1
        self.pipe.wake(self.pipe.read_waiters)
