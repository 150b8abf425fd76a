"""Sockets of the host: one that listens, given to a program when it starts, and the connections it accepts.

All of them are non-blocking, so that a client that is slow, silent or gone costs those who wait for it and
nobody else. All guests together hold at most MAX_HOST_SOCKETS connections (ENFILE beyond).
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.host_paths import errno_of
from hardtack.kernel.host_watch import POLLIN, POLLOUT, HostDescription, events_of
from hardtack.kernel.params import MAX_HOST_SOCKETS

if TYPE_CHECKING:
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.host_paths import HostBudget
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Flags, Transfer, Word

_HUNG_UP: Final[Flags] = select.POLLRDHUP | select.POLLHUP


class HostListener(HostDescription):
    """A stream socket of the host that listens; it becomes non-blocking, and is closed at the end."""

    __slots__ = ("_socket",)
    filetype = abi.SOCKET_STREAM
    takes_flags = True
    preopen = b""  # it has no name, but a program's search for directories is to go on after it
    preopen_type = abi.PREOPEN_SOCKET

    def __init__(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        super().__init__(abi.SOCKET_RIGHTS, 0, listening.fileno())
        self._socket = listening

    def accept(self, process: Process, flags: Flags) -> Description | int:
        """Accept a connection that waits; wait until there is one."""
        budget = process.system.host_sockets
        if budget.used >= MAX_HOST_SOCKETS:
            return abi.ENFILE
        try:
            with process.group.heap:
                accepted, _ = self._socket.accept()
                made = HostConnection(budget, accepted, flags)
        except BlockingIOError:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return abi.EAGAIN
            return -self.wait(process, POLLIN)
        except OSError as error:
            errno = errno_of(error)
            return abi.ENFILE if errno == abi.EMFILE else errno
        budget.used += 1
        return made

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Refuse: nothing is connected here."""
        return -abi.ENOTCONN

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Refuse: nothing is connected here."""
        return -abi.ENOTCONN

    def receive(self, process: Process, start: Word, count: Transfer, flags: Flags) -> int:
        """Refuse: nothing is connected here."""
        return -abi.ENOTCONN

    def send(self, process: Process, start: Word, count: Transfer) -> int:
        """Write."""
        return self.write(process, start, count)

    def shutdown(self, how: Flags) -> int:
        """Refuse: nothing is connected here."""
        return abi.ENOTCONN

    def readable(self) -> int:
        """Tell whether a connection waits."""
        return int(bool(events_of(self.fd, POLLIN)))

    def writable(self) -> int:
        """Return 0: nothing is written here."""
        return 0

    def release(self) -> None:
        """Close the socket."""
        super().release()
        self._socket.close()


class HostConnection(HostDescription):
    """A connection that was accepted."""

    __slots__ = ("_budget", "_socket")
    filetype = abi.SOCKET_STREAM
    takes_flags = True

    def __init__(self, budget: HostBudget, connection: socket.socket, flags: Flags) -> None:
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:  # else small answers wait for acknowledgements
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(abi.SOCKET_RIGHTS, flags, connection.fileno())
        self._budget = budget
        self._socket = connection

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what has come; wait while there is nothing."""
        return self.receive(process, start, count, 0)

    def receive(self, process: Process, start: Word, count: Transfer, flags: Flags) -> int:
        """Read what has come; RECV_WAITALL cannot be done without spinning, and is refused."""
        if flags & abi.RECV_WAITALL:
            return -abi.ENOTSUP
        how = socket.MSG_PEEK if flags & abi.RECV_PEEK else 0
        try:
            return self._socket.recv_into(process.memory[start : start + count], count, how) if count else 0
        except BlockingIOError:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return self.wait(process, POLLIN)
        except OSError as error:
            return -errno_of(error)

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write as much as the host takes; wait while that is nothing."""
        try:
            return self._socket.send(process.memory[start : start + count])
        except BlockingIOError:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return self.wait(process, POLLOUT)
        except OSError as error:
            return -errno_of(error)

    def send(self, process: Process, start: Word, count: Transfer) -> int:
        """Write."""
        return self.write(process, start, count)

    def shutdown(self, how: Flags) -> int:
        """End one direction or both."""
        try:
            self._socket.shutdown(how - 1)  # the host's numbers are lower by one
        except OSError as error:
            return errno_of(error)
        return abi.OK

    def readable(self) -> int:
        """Tell whether a read would not wait."""
        return int(bool(events_of(self.fd, POLLIN)))

    def writable(self) -> int:
        """Tell whether a write would not wait."""
        return int(bool(events_of(self.fd, POLLOUT)))

    def hung_up(self) -> bool:
        """Tell whether the client will send no more."""
        return bool(events_of(self.fd, select.POLLRDHUP) & _HUNG_UP)

    def release(self) -> None:
        """Close the connection; the host still sends what it has taken."""
        super().release()
        self._socket.close()
        self._budget.used -= 1
