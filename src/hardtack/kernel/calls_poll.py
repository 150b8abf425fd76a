"""poll_oneoff: waiting for descriptors and clocks at once.

The call starts anew each time it is woken, so what it must not forget is kept in the process: when it began,
from which its clocks count, and the deadline that follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel import abi
from hardtack.kernel.abi import EBADF, EFAULT, EINVAL, OK, U32
from hardtack.kernel.params import MAX_POLL
from hardtack.kernel.process import BLOCKED
from hardtack.kernel.queues import NEVER

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Asked, Count, Errno, Long, Word


def poll_oneoff(process: Process, subscriptions: Word, events: Word, count: Asked, out: Word) -> int:
    """Report which of the subscriptions have something; wait until one has."""
    memory = process.memory
    if count == 0 or count > MAX_POLL:
        return EINVAL
    if (
        subscriptions + count * abi.SUBSCRIPTION_BYTES > len(memory)
        or events + count * abi.EVENT_BYTES > len(memory)
        or out + 4 > len(memory)
    ):
        return EFAULT
    now = process.system.clock.monotonic()
    poll = _Poll(process, events, now)
    errno = OK
    for i in range(count):
        errno = errno or poll.look(subscriptions + i * abi.SUBSCRIPTION_BYTES)
    if not errno and poll.found == 0:
        if poll.earliest is None or poll.earliest > now:
            return _wait(process, poll, subscriptions, count)
        for i in range(count):
            poll.ring(subscriptions + i * abi.SUBSCRIPTION_BYTES, now)
    process.poll_began = process.deadline = None
    if not errno:
        U32.pack_into(memory, out, poll.found)
    return errno


def _wait(process: Process, poll: _Poll, subscriptions: Word, count: Word) -> int:
    system = process.system
    if poll.descriptors:
        for i in range(count):
            poll.watch(subscriptions + i * abi.SUBSCRIPTION_BYTES)
    process.state = BLOCKED
    if poll.earliest is not None:
        with process.heap:
            process.poll_began = poll.began + 0
            process.deadline = poll.earliest + 0
    due = NEVER if process.deadline is None else process.deadline
    (system.pollers if poll.descriptors else system.sleepers).append(process, due)
    return abi.WAIT


class _Poll:
    """One call's look at its subscriptions."""

    __slots__ = ("began", "descriptors", "earliest", "epoch", "events", "found", "process")

    def __init__(self, process: Process, events: Word, now: Long) -> None:
        self.process = process
        self.events = events
        self.began = now if process.poll_began is None else process.poll_began  # monotonic ns
        self.epoch = now - process.system.clock.realtime()  # 1970, in monotonic ns
        self.found: Count = 0
        self.descriptors: Count = 0
        self.earliest: Long | None = None

    def put(self, tag: Long, errno: Errno, kind: Word, size: Word, flags: Word) -> None:
        abi.EVENT.pack_into(
            self.process.memory,
            self.events + self.found * abi.EVENT_BYTES,
            tag,
            errno,
            kind,
            size,
            flags,
        )
        self.found += 1

    def look(self, at: Word) -> int:
        """Report a subscription that has something now; remember the earliest clock."""
        tag, kind = abi.SUBSCRIPTION.unpack_from(self.process.memory, at)
        if kind == abi.EVENT_CLOCK:
            return self._look_at_clock(at + 16)
        if kind > abi.EVENT_WRITE:
            return EINVAL
        (fd,) = U32.unpack_from(self.process.memory, at + 16)
        description = self.process.descriptors.find(fd)
        if description is None or description.filetype == abi.DIRECTORY:
            return EBADF
        right = abi.RIGHT_READ if kind == abi.EVENT_READ else abi.RIGHT_WRITE
        if description.filetype != abi.REGULAR_FILE and not description.rights & right:
            return EBADF
        size = description.readable() if kind == abi.EVENT_READ else description.writable()
        if size:
            self.put(tag, OK, kind, size, abi.EVENT_HANGUP if description.hung_up() else 0)
        else:
            self.descriptors += 1
        return OK

    def watch(self, at: Word) -> None:
        """Arrange to be woken when what a subscription names may be ready."""
        _, kind = abi.SUBSCRIPTION.unpack_from(self.process.memory, at)
        if kind != abi.EVENT_CLOCK:
            (fd,) = U32.unpack_from(self.process.memory, at + 16)
            description = self.process.descriptors.find(fd)
            assert description is not None
            queue = description.wait_ready(self.process, kind == abi.EVENT_WRITE)
            if queue is not None:
                self.process.watch(queue)

    def _look_at_clock(self, at: Word) -> int:
        when = self._when(at)
        if when < 0:
            return -when
        if self.earliest is None or when < self.earliest:
            self.earliest = when
        return OK

    def _when(self, at: Word) -> int:
        """Return when a clock subscription is due, in monotonic ns; a negated errno if it names no clock."""
        clock, timeout, _, flags = abi.SUBSCRIPTION_CLOCK.unpack_from(self.process.memory, at)
        if clock > abi.CLOCK_MONOTONIC:
            return -EINVAL
        if not flags & 1:
            return min(self.began + int(timeout), 1 << 63)
        if clock == abi.CLOCK_MONOTONIC:
            return int(timeout)
        return max(0, self.epoch + int(timeout))

    def ring(self, at: Word, now: Long) -> None:
        """Report a clock whose time has come."""
        tag, kind = abi.SUBSCRIPTION.unpack_from(self.process.memory, at)
        if kind == abi.EVENT_CLOCK and self._when(at + 16) <= now:
            self.put(tag, OK, abi.EVENT_CLOCK, 0, 0)
