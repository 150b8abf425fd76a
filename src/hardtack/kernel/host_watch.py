"""Waiting for descriptors of the host: one epoll, and a queue at each description that hangs on one.

A description is armed for what somebody waits for, fires once, and wakes those who wait for it, so neither
arming nor waking costs more for how many others wait. Which descriptor is whose is kept outside the kernel's
heap; the numbers of them that guests may hold are limited (params).
"""

from __future__ import annotations

import functools
import select
from array import array
from typing import TYPE_CHECKING, Final

from hardtack.annotations import assume_bound
from hardtack.heap import Heap
from hardtack.kernel.descriptions import Description
from hardtack.kernel.queues import Queue

LOOK_MILLISECONDS: Final = 100
POLLIN: Final[Flags] = select.POLLIN
POLLOUT: Final[Flags] = select.POLLOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.kernel.bell import Bell
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Count, Events, Flags, HostNumber, Rights
    from hardtack.kernel.system import System


class HostDescription(Description):
    """What hangs on a descriptor of the host that may have to be waited for."""

    __slots__ = ("armed", "fd", "waiters", "watch")

    def __init__(self, rights: Rights, flags: Flags, fd: HostNumber) -> None:
        super().__init__(rights, 0, flags)
        self.fd: HostNumber = fd
        self.waiters = Queue()  # who waits to read, write or accept
        self.armed: Events = 0  # the events that the epoll will tell of
        self.watch: HostWatch | None = None  # whose epoll knows it

    def wait(self, process: Process, events: Events) -> int:
        """Have a process that makes a call wait until the descriptor may be ready; the call's answer."""
        process.system.host.arm(process, self, events)
        return process.block(self.waiters)

    def wait_ready(self, process: Process, to_write: bool) -> Queue | None:
        """Have the epoll tell when the descriptor may be ready; return the queue of those who wait for it."""
        process.system.host.arm(process, self, POLLOUT if to_write else POLLIN)
        return self.waiters

    def release(self) -> None:
        """Have the epoll forget the descriptor; whoever overrides this closes it then."""
        if self.watch is not None:
            self.watch.forget(self)


class HostWatch:
    """The descriptors of the host that processes wait for.

    Attributes:
        bell: rung by who wants to be asked about, when all processes wait; None until somebody gives one.
        longest: ms that a look takes at most; then it is asked again whether all is done.
        through: what looks pass through, if anything: given what looks, returns what was found.
    """

    __slots__ = ("_epoll", "_heap", "_system", "_waiting", "_watched", "bell", "through")
    longest = LOOK_MILLISECONDS

    def __init__(self, system: System) -> None:
        self._system = system
        self._heap = Heap(None, name="host")
        self._epoll: select.epoll | None = None  # while anything is watched
        self._watched: dict[int, HostDescription] = {}
        self._waiting = array("q", [0])  # no int of its own: a wake that ends many waits takes no memory
        self.bell: Bell | None = None
        self.through: Callable[[Callable[[], list[HostDescription]]], list[HostDescription]] | None = None

    @property
    def waiting(self) -> int:
        """How many processes wait for the host."""
        return self._waiting[0]

    def note(self, process: Process) -> None:
        """Note that a process waits for the host."""
        if not process.waits_for_host:
            process.waits_for_host = True
            self._waiting[0] += 1

    def arm(self, process: Process, description: HostDescription, events: Events) -> None:
        """Note that a process waits for a description, and have the epoll tell of it, once."""
        self.note(process)
        if events & ~description.armed:
            armed = description.armed | events
            self._aside(self._arm, description, armed)
            description.watch = self
            description.armed = armed

    @assume_bound("0", returned="0", retained="0")
    def _aside(self, function: Callable[..., None], description: HostDescription, *events: Events) -> None:
        """Call a function in a heap that is no part of the kernel's, so that it costs no call anything."""
        self._heap.run(function, description, *events)

    def _arm(self, description: HostDescription, armed: Events) -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
            if self.bell is not None:
                self._epoll.register(self.bell.fd, select.EPOLLIN)
        if description.watch is None:
            self._epoll.register(description.fd, armed | select.EPOLLONESHOT)
            self._watched[description.fd] = description
        else:
            self._epoll.modify(description.fd, armed | select.EPOLLONESHOT)

    def done(self, process: Process) -> None:
        """Note that a process waits no more."""
        if process.waits_for_host:
            process.waits_for_host = False
            self._waiting[0] -= 1

    def forget(self, description: HostDescription) -> None:
        """Forget a descriptor that is about to be closed."""
        self._aside(self._forget, description)
        description.watch = None

    def _forget(self, description: HostDescription) -> None:
        assert self._epoll is not None
        self._epoll.unregister(description.fd)
        del self._watched[description.fd]
        if not self._watched:
            self._epoll.close()
            self._epoll = None

    def look(self, milliseconds: int) -> None:
        """Wait up to so long for the host, and wake those for whom there is something."""
        self._heap.run(self._look, milliseconds)

    def ready(self, milliseconds: int) -> list[HostDescription]:
        """Wait up to so long for the host; return what fired."""
        bell = self.bell
        if self._epoll is None:
            if bell is None:
                select.poll().poll(milliseconds)
            elif events_of(bell.fd, POLLIN, milliseconds):
                bell.silence()
            return []
        found = []
        for fd, _ in self._epoll.poll(milliseconds / 1000):
            if bell is not None and fd == bell.fd:
                bell.silence()
            else:
                found.append(self._watched[fd])
        return found

    def _look(self, milliseconds: int) -> None:
        look = functools.partial(self.ready, milliseconds)
        for description in look() if self.through is None else self.through(look):
            description.armed = 0
            self._system.wake(description.waiters)

    def close(self) -> None:
        """Let go of the bell; nothing runs any more."""
        self.bell = None


def events_of(fd: HostNumber, wanted: Events, milliseconds: Count = 0) -> Events:
    """Return which of these events a descriptor of the host has, at the latest after some time."""
    poller = select.poll()
    poller.register(fd, wanted)
    found = poller.poll(milliseconds)
    return found[0][1] if found else 0
