"""Queues of processes, linked through the processes themselves: they never allocate.

A process stands on at most one queue: the run queue, the queue of what it waits for, or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Count


class Queue:
    """First in, first out; append, pop and remove in O(1)."""

    __slots__ = ("count", "first", "last")

    def __init__(self) -> None:
        self.first: Process | None = None
        self.last: Process | None = None
        self.count: Count = 0

    def append(self, process: Process) -> None:
        """Put a process, which must be on no queue, at the end."""
        assert process.queue is None
        process.queue = self
        process.behind = None
        process.ahead = self.last
        if self.last is None:
            self.first = process
        else:
            self.last.behind = process
        self.last = process
        self.count += 1

    def remove(self, process: Process) -> None:
        """Take a process that is on this queue off it."""
        assert process.queue is self
        if process.ahead is None:
            self.first = process.behind
        else:
            process.ahead.behind = process.behind
        if process.behind is None:
            self.last = process.ahead
        else:
            process.behind.ahead = process.ahead
        process.queue = process.ahead = process.behind = None
        self.count -= 1

    def pop(self) -> Process | None:
        """Take off and return the first process, or None."""
        process = self.first
        if process is not None:
            self.remove(process)
        return process
