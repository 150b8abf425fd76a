"""Queues of processes, linked through the processes themselves: they never allocate.

A process stands on at most one queue: the run queue, that of those in poll_oneoff, the queue of what it
waits for, or none. One in poll_oneoff also watches the queues of what it polls, a `Watch` each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from hardtack.kernel.priority_queues import Entry, PriorityQueue

if TYPE_CHECKING:
    from hardtack.kernel.process import Group, Process
    from hardtack.kernel.ranges import Long

NEVER: Final = 1 << 64  # ns, later than any clock


class Watch:
    """A process polls what a queue is for, and is to be woken with those who stand there."""

    __slots__ = ("ahead", "behind", "next", "process", "queue")

    def __init__(self, process: Process, queue: Queue) -> None:
        first = queue.watches
        self.process = process
        self.queue: Queue | None = queue  # until it is woken
        self.ahead: Watch | None = None
        self.behind = first
        if first is not None:
            first.ahead = self
        queue.watches = self
        self.next = process.watches  # of the same process

    def end(self) -> None:
        """Be woken no more; a second call does nothing. O(1)."""
        queue, self.queue = self.queue, None
        if queue is None:
            return
        ahead, behind = self.ahead, self.behind
        if ahead is None:
            queue.watches = behind
        else:
            ahead.behind = behind
        if behind is not None:
            behind.ahead = ahead
        self.ahead = self.behind = None


class Queue:
    """First in, first out; append, pop and remove in O(1).

    Attributes:
        first: the process that is next, or None.
        last: the one that came last, or None.
        watches: who polls what this queue is for.
    """

    __slots__ = ("first", "last", "watches")

    def __init__(self) -> None:
        self.first: Process | None = None
        self.last: Process | None = None
        self.watches: Watch | None = None

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

    def pop(self) -> Process | None:
        """Take off and return the first process, or None."""
        process = self.first
        if process is not None:
            self.remove(process)
        return process


class Sharer(Entry):
    """Who has a share of the processor: a process of its group's, a group of all there is.

    Attributes:
        used: ns that its turns took; at least what others had used who had theirs when it came back.
    """

    __slots__ = ("used",)

    def __init__(self) -> None:
        super().__init__()
        self.used: Long = 0


S = TypeVar("S", bound=Sharer)


class FairQueue(Generic[S]):
    """Who has used least goes first, and of those who came back from a wait who came first.

    Who comes back gets no more than those who are there: time that was not used is not saved. So whoever
    stands here waits at most until each of the others has used what it has used more than them, and a turn.

    Attributes:
        floor: ns that whoever was taken last had used.
    """

    __slots__ = ("_back", "_front", "_others", "floor")

    def __init__(self) -> None:
        self.floor: Long = 0
        self._front: S | None = None  # those who have used no more than that, linked as in a Queue
        self._back: S | None = None
        self._others: PriorityQueue[S] = PriorityQueue()

    @property
    def first(self) -> S | None:
        """Who is next, or None."""
        front = self._front
        return self._others.first if front is None else front

    def append(self, sharer: S) -> None:
        """Put in who stands in no such queue. O(log n)."""
        if sharer.used > self.floor:
            self._others.put(sharer, sharer.used)
            return
        sharer.used = self.floor
        back = self._back
        if back is None:
            self._front = sharer
        else:
            back.right = sharer
            sharer.left = back
        self._back = sharer

    def remove(self, sharer: S) -> None:
        """Take out who stands in this queue. O(log n)."""
        if sharer.rank:
            self._others.take(sharer)
            return
        before, after = sharer.left, sharer.right
        if before is None:
            self._front = cast("S | None", after)
        else:
            before.right = after
        if after is None:
            self._back = cast("S | None", before)
        else:
            after.left = before
        sharer.left = sharer.right = None


class RunQueue:
    """The processes that can run: groups have equal shares of the processor, and in a group its processes do.

    So a group has its share however many processes another has, and however long the turns of those are; and
    who gives up its turn early goes before who uses all of it.
    """

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: FairQueue[Group] = FairQueue()

    @property
    def first(self) -> Process | None:
        """The process whose turn is next, or None."""
        group = self._groups.first
        return None if group is None else group.runnable.first

    def append(self, process: Process) -> None:
        """Put in a process, which must be on no queue."""
        assert process.queue is None
        process.queue = self
        group = process.group
        if group.runnable.first is None:
            self._groups.append(group)
        group.runnable.append(process)

    def remove(self, process: Process) -> None:
        """Take out a process that can run."""
        assert process.queue is self
        process.queue = None
        group = process.group
        group.runnable.remove(process)
        if group.runnable.first is None:
            self._groups.remove(group)

    def pop(self) -> Process | None:
        """Take out and return the process whose turn it is, or None."""
        process = self.first
        if process is None:
            return None
        group = process.group
        self._groups.floor = group.used
        group.runnable.floor = process.used
        self.remove(process)
        return process

    def charge(self, process: Process, nanoseconds: Long) -> None:
        """Count what the turn of a process took, which is over. The scheduler's: its heap has the numbers."""
        group = process.group
        waiting = group.runnable.first is not None
        if waiting:
            self._groups.remove(group)
        process.used += nanoseconds
        group.used += nanoseconds
        if waiting:
            self._groups.append(group)


class Sleepers(PriorityQueue["Process"]):
    """Processes in poll_oneoff, in the order of their deadlines; who has none is due at NEVER."""

    __slots__ = ()

    def append(self, process: Process, deadline: Long) -> None:
        """Put in a process, which must be on no queue."""
        assert process.queue is None
        process.queue = self
        self.put(process, deadline)

    def remove(self, process: Process) -> None:
        """Take out a process."""
        assert process.queue is self
        process.queue = None
        self.take(process)
