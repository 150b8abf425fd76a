"""Queues of processes, linked through the processes themselves: they never allocate.

A process stands on at most one queue: its group's part of the run queue, the queue of what it waits for, or
none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardtack.kernel.process import Group, Process
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


class RunQueue:
    """The processes that can run: groups take turns, and in a group its processes do.

    So a group has its share of the processor however many processes another has.
    """

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: Group | None = None
        self._last: Group | None = None

    @property
    def first(self) -> Process | None:
        """The process whose turn is next, or None."""
        group = self._first
        while group is not None and group.runnable.first is None:  # its last process ended
            self._drop_first(group)
            group = self._first
        return None if group is None else group.runnable.first

    def append(self, process: Process) -> None:
        """Put a process, which must be on no queue, behind the others of its group."""
        group = process.group
        group.runnable.append(process)
        if group.next_in_turn is None and group is not self._last:  # it stands in no line yet
            self._put_last(group)

    def remove(self, process: Process) -> None:
        """Take a process that can run off its queue."""
        process.group.runnable.remove(process)

    def pop(self) -> Process | None:
        """Take off and return the process whose turn it is; its group goes behind the others."""
        process = self.first
        if process is None:
            return None
        group = process.group
        group.runnable.remove(process)
        self._drop_first(group)
        if group.runnable.first is not None:
            self._put_last(group)
        return process

    def _drop_first(self, group: Group) -> None:
        self._first, group.next_in_turn = group.next_in_turn, None
        if self._first is None:
            self._last = None

    def _put_last(self, group: Group) -> None:
        if self._last is None:
            self._first = group
        else:
            self._last.next_in_turn = group
        self._last = group
