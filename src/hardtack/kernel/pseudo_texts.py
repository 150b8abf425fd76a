"""What files in /proc say: made when they are opened, a page of text at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from hardtack.kernel import abi, death
from hardtack.kernel.descriptions import Description
from hardtack.kernel.process import ENDED, SIGNALLED

if TYPE_CHECKING:
    from annotated_types import MaxLen

    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Position, Transfer, Word
    from hardtack.kernel.system import System

MOST: Final = 4096  # bytes of a text; arguments and environments are cut there
KILL_BYTES: Final = 64  # that one write to /proc/kill may have


class Text(Description):
    """A text, opened: read at a position."""

    __slots__ = ("_position", "text")
    filetype = abi.REGULAR_FILE

    def __init__(self, text: bytes) -> None:
        super().__init__(abi.FILE_RIGHTS & ~abi.RIGHT_WRITE, 0, 0)
        self.text: Annotated[bytes, MaxLen(MOST)] = text
        self._position: Position = 0

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read from the position."""
        done = self.read_at(process, self._position, start, count)
        self._position += done
        return done

    def read_at(self, process: Process, position: Position, start: Word, count: Transfer) -> int:
        """Read from a position given."""
        piece = self.text[position : position + count]
        process.memory[start : start + len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int) -> int:
        """Move the position anywhere from 0 on."""
        if whence == abi.SEEK_CUR:
            offset += self._position
        elif whence == abi.SEEK_END:
            offset += len(self.text)
        elif whence != abi.SEEK_SET:
            return -abi.EINVAL
        if not 0 <= offset < 1 << 63:
            return -abi.EINVAL
        self._position = offset + 0  # a number of ours: the one that was given is the scheduler's
        return offset

    def readable(self) -> int:
        """Return the bytes up to the end; 1 at the end."""
        return max(len(self.text) - self._position, 1)

    def filestat(self) -> tuple[int, ...] | int:
        """Return a status without times."""
        return (0, 0, abi.REGULAR_FILE, 1, len(self.text), 0, 0, 0)

    def advise(self) -> int:
        """Take the advice and do nothing."""
        return abi.OK


class KillFile(Description):
    """What is written to it, `PID` or `PID SIGNAL`, ends a process; SIGNAL is 15 unless it is given."""

    __slots__ = ()
    filetype = abi.REGULAR_FILE

    def __init__(self) -> None:
        super().__init__(abi.RIGHT_WRITE | abi.RIGHT_POLL | 1 << 21, 0, 0)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Read a pid and a signal, and do what `kill` does."""
        if count > KILL_BYTES:
            return -abi.EINVAL
        words = bytes(process.memory[start : start + count]).split()
        if not 1 <= len(words) <= 2 or not all(word.isdigit() and len(word) < 10 for word in words):
            return -abi.EINVAL
        pid = int(words[0])
        signal = int(words[1]) if len(words) == 2 else 15
        errno = death.send_signal(process.system, process, pid, signal)
        return -errno if errno else count

    def filestat(self) -> tuple[int, ...] | int:
        """Return the status of an empty file."""
        return (0, 0, abi.REGULAR_FILE, 1, 0, 0, 0, 0)


def status(process: Process) -> bytes:
    """Tell of a process, one thing a line. Bytes of user memory are its linear memory's."""
    parent = process.parent
    ended = process.state in ENDED
    lines = [
        f"Name:\t{process.image.name[:100]}",
        f"State:\t{process.state}",
        f"Pid:\t{process.pid}",
        f"PPid:\t{0 if parent is None or parent.state in ENDED else parent.pid}",
        f"Group:\t{process.group.leader}",
        f"Memory:\t{process.user_bytes if ended else len(process.memory)}",
        f"Heap:\t{process.heap.live}",
        f"HeapPeak:\t{process.heap.peak}",
        f"Descriptors:\t{process.descriptors.count}",
        f"Signal:\t{max(0, (process.status or 0) - SIGNALLED) if ended and process.killed else 0}",
    ]
    return ("\n".join(lines) + "\n").encode(errors="replace")


def meminfo(system: System) -> bytes:
    """Tell of both budgets, in kB as Linux does: user memory, and the kernel's heap."""
    memory, heap = system.user_memory, system.heap
    lines = [
        f"MemTotal: {memory.capacity // 1024} kB",
        f"MemFree: {(memory.capacity - memory.used) // 1024} kB",
        f"HeapTotal: {(heap.capacity or 0) // 1024} kB",
        f"HeapFree: {(heap.room or 0) // 1024} kB",
    ]
    return ("\n".join(lines) + "\n").encode()


def heap(system: System) -> bytes:
    """Tell of the kernel's heap, in bytes."""
    books = system.heap
    lines = [
        f"capacity {books.capacity or 0}",
        f"live {books.live}",
        f"peak {books.peak}",
        f"reserved {books.reserved}",
        f"files {system.files.heap.live}",
        f"processes {system.processes.count}",
        f"waits {system.waits}",
        f"kills {len(system.kills)}",
    ]
    return ("\n".join(lines) + "\n").encode()
