"""A channel between the host and one program: requests go in, and to each a short answer comes out.

To the program it is one descriptor. A request that is read to its end is followed by an end of file, so code
that reads on does not wait; once the answer is written, a read waits for the next request. What a program
prints goes elsewhere and is never taken for an answer; what it writes here is kept up to ANSWER_BYTES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.queues import Queue

if TYPE_CHECKING:
    from annotated_types import Interval, Len

    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Position, Transfer, Word
    from hardtack.kernel.system import System

ANSWER_BYTES: Final = 32  # of an answer, its newline included


class Channel(Description):
    """Requests stay in the host's memory; an answer is a line, kept in the heap that the channel lives in."""

    __slots__ = ("_answer", "_fill", "_position", "_readers", "_request", "_under_way")
    filetype = abi.UNKNOWN

    def __init__(self) -> None:
        super().__init__(abi.STREAM_RIGHTS, 0, 0)
        self._request = memoryview(b"")
        self._position: Position = 0
        self._answer: Annotated[bytearray, Len(ANSWER_BYTES, ANSWER_BYTES)] = bytearray(ANSWER_BYTES)
        self._fill: Annotated[int, Interval(ge=0, le=ANSWER_BYTES)] = 0
        self._under_way = False  # asked and not answered
        self._readers = Queue()

    # -- for the program
    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Copy the next bytes of the request; wait while there is none."""
        if not self._under_way:
            return process.block(self._readers)
        piece = self._request[self._position : self._position + count]
        done = len(piece)
        process.memory[start : start + done] = piece
        self._position += done
        return done

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Keep what has room, take the rest all the same."""
        kept = min(count, ANSWER_BYTES - self._fill)
        memoryview(self._answer)[self._fill : self._fill + kept] = process.memory[start : start + kept]
        self._fill += kept
        if self._fill == ANSWER_BYTES or 10 in self._answer[: self._fill]:  # a newline
            self._under_way = False
            process.system.note_change()
        return count

    def readable(self) -> int:
        """Return how many bytes of the request are left; 1 at its end."""
        return (len(self._request) - self._position or 1) if self._under_way else 0

    def wait_ready(self, process: Process, to_write: bool) -> Queue:
        """Return the queue of those who read."""
        return self._readers

    # -- for the host, between turns
    def ask(self, system: System, request: bytes) -> None:
        """Give the program a request, and forget what was left of the one before and its answer."""
        self._request = memoryview(request)
        self._position = 0
        self._fill = 0
        self._under_way = True
        system.wake(self._readers)

    def answer(self) -> bytes | None:
        """Return the answer without its newline; None while there is none."""
        if self._under_way or not self._fill:
            return None
        return bytes(self._answer[: self._fill]).partition(b"\n")[0]
