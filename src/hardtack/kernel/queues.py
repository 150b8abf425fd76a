"""Queues of processes, linked through the processes themselves: they never allocate.

A process stands on at most one queue: its group's part of the run queue, that of what it waits for, or none.
The run queue is fair to groups (process trees): each has its turn, however many processes it has, so that a
fork bomb is no more in the way of others than one process is.
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


class GroupQueue(Queue):
    """The processes of one group that can run; made with its group."""

    __slots__ = ("after", "before", "runs")

    def __init__(self, runs: RunQueue) -> None:
        super().__init__()
        self.runs = runs
        self.before: GroupQueue | None = None  # of those that are not empty, in the order of their turns
        self.after: GroupQueue | None = None

    def remove(self, process: Process) -> None:
        """Take a process off; the last one takes its group off the run queue."""
        super().remove(process)
        self.runs.count -= 1
        if self.first is None:
            self.runs.unlink(self)


class RunQueue:
    """Who can run: the groups by turns, and of each group its processes by turns; all in O(1)."""

    __slots__ = ("_head", "_tail", "count")

    def __init__(self) -> None:
        self._head: GroupQueue | None = None
        self._tail: GroupQueue | None = None
        self.count: Count = 0

    @property
    def first(self) -> Process | None:
        """Return who is next, or None."""
        return None if self._head is None else self._head.first

    def append(self, process: Process) -> None:
        """Put a process, which must be on no queue, behind the others of its group."""
        queue = process.group.ready
        if queue.first is None:
            self._link(queue)
        queue.append(process)
        self.count += 1

    def remove(self, process: Process) -> None:
        """Take a process that can run off."""
        process.group.ready.remove(process)

    def pop(self) -> Process | None:
        """Take off and return the next process, or None; its group's next turn comes after all others'."""
        queue = self._head
        if queue is None:
            return None
        process = queue.pop()
        if queue.first is not None:
            self.unlink(queue)
            self._link(queue)
        return process

    def _link(self, queue: GroupQueue) -> None:
        queue.before = self._tail
        queue.after = None
        if self._tail is None:
            self._head = queue
        else:
            self._tail.after = queue
        self._tail = queue

    def unlink(self, queue: GroupQueue) -> None:
        """Take a group's queue out of the order of turns."""
        if queue.before is None:
            self._head = queue.after
        else:
            queue.before.after = queue.after
        if queue.after is None:
            self._tail = queue.before
        else:
            queue.after.before = queue.before
        queue.before = queue.after = None
