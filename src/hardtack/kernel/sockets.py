"""Stream sockets between processes of one kernel: AF_UNIX names, and TCP ports of a loopback of its own.

Nothing of the host's network is reached from here. A connection is two sockets, each with a pipe that holds
what it has been sent; the pipe, like the socket, is in the account of the group that receives, so a group
that is killed gives all of it back, and its peers read what they have and then find the end. A connection
that nobody has accepted yet stands in its listener's line, in the listener's account: at most MAX_BACKLOG of
them, each holding at most UNACCEPTED bytes. Who connects to a full line waits, holding nothing.

Names are no files: they are free again when their socket is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.params import MAX_BACKLOG
from hardtack.kernel.pipes import ATOMIC, CAPACITY, Pipe
from hardtack.kernel.queues import Queue

if TYPE_CHECKING:
    from hardtack.kernel.process import Group, Process
    from hardtack.kernel.ranges import Count, Flags, Transfer, Word
    from hardtack.kernel.system import System

UNACCEPTED: Final = ATOMIC  # bytes that may be sent to who has not accepted yet


class Line:
    """The connections of a listener that wait to be accepted, and the processes that wait on either side."""

    __slots__ = ("acceptors", "backlog", "connectors", "count", "first", "last")

    def __init__(self) -> None:
        self.first: Socket | None = None
        self.last: Socket | None = None
        self.count: Count = 0
        self.backlog: Count = 0
        self.acceptors = Queue()
        self.connectors = Queue()

    def append(self, socket: Socket) -> None:
        """Put a connection at the end."""
        if self.last is None:
            self.first = socket
        else:
            self.last.next_in_line = socket
        self.last = socket
        self.count += 1

    def pop(self) -> Socket | None:
        """Take off and return the first connection, or None."""
        socket = self.first
        if socket is not None:
            self.first, socket.next_in_line = socket.next_in_line, None
            if self.first is None:
                self.last = None
            self.count -= 1
        return socket


class Socket(Description):
    """One side of a connection, or what may become one, or a listener.

    Attributes:
        name: what it is bound to; see `calls_sockets.get_name`.
        left: below it among the bound sockets; see `SocketNames`.
        right: likewise.
        incoming: what it has been sent; None until it is connected.
        peer: the other side, until either is closed.
        line: whom it may accept, if it listens.
        next_in_line: behind it in the line that it stands in.
    """

    __slots__ = (
        "_group",
        "_reset",
        "_room",
        "_system",
        "domain",
        "incoming",
        "left",
        "line",
        "name",
        "next_in_line",
        "peer",
        "right",
    )
    filetype = abi.SOCKET_STREAM
    takes_flags = True

    def __init__(self, system: System, group: Group, domain: Word, flags: Flags) -> None:
        super().__init__(abi.SOCKET_RIGHTS, 0, flags)
        self._system = system
        self._group = group
        self._reset = False  # the peer went without having read everything: to be told once
        self._room: Transfer = CAPACITY  # the most that may stand in `incoming`
        self.domain = domain
        self.name: bytes | None = None
        self.left: Socket | None = None
        self.right: Socket | None = None
        self.incoming: Pipe | None = None
        self.peer: Socket | None = None
        self.line: Line | None = None
        self.next_in_line: Socket | None = None

    # -- making connections
    def pair(self, other: Socket) -> None:
        """Connect two sockets that are not connected, each with a pipe in its own group's account."""
        self._receive_from(other)
        other._receive_from(self)

    def _receive_from(self, peer: Socket) -> None:
        heap = self._group.heap
        self.incoming = heap.run(Pipe, heap)
        self.peer = peer

    def bind(self, name: bytes) -> int:
        """Take a name."""
        names = self._system.socket_names
        if self.name is not None or self.incoming is not None:
            return abi.EINVAL
        if names.get(name) is not None:
            return abi.EADDRINUSE
        with self._group.heap:
            self.name = bytes(memoryview(name))
        if not names.add(self):
            self.name = None
            return abi.EADDRNOTAVAIL
        return abi.OK

    def listen(self, backlog: Word) -> int:
        """Let others connect to its name; so many may wait, MAX_BACKLOG at most."""
        if self.incoming is not None:
            return abi.EINVAL
        if self.name is None:
            return abi.EDESTADDRREQ
        with self._group.heap:
            if self.line is None:
                self.line = Line()
        self.line.backlog = max(1, min(backlog, MAX_BACKLOG))
        return abi.OK

    def connect(self, process: Process, name: bytes) -> int:
        """Connect to who listens at a name; wait while its line is full."""
        if self.incoming is not None:
            return abi.EISCONN
        if self.line is not None:
            return abi.ENOTSUP
        listener = self._system.socket_names.get(name)
        if listener is None:
            return abi.ENOENT if self.domain == abi.AF_UNIX else abi.ECONNREFUSED
        line = listener.line
        if line is None:
            return abi.ECONNREFUSED
        if line.count >= line.backlog:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return abi.EAGAIN
            return -process.block(line.connectors)
        self._system.wake(line.acceptors)  # who look when this turn is over; first, while little is held
        group, heap = listener._group, self._group.heap
        other: Socket = group.heap.run(Socket, self._system, group, listener.domain, 0)
        other._room = UNACCEPTED
        other.incoming = group.heap.run(Pipe, group.heap)
        self.incoming = heap.run(Pipe, heap)
        self.peer = other
        other.peer = self
        line.append(other)
        return abi.OK

    def accept(self, process: Process, flags: Flags) -> Description | int:
        """Take the first connection of the line; wait while there is none."""
        line = self.line
        if line is None:
            return abi.EINVAL
        socket = line.pop()
        if socket is None:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return abi.EAGAIN
            return -process.block(line.acceptors)
        socket.flags = flags
        socket._room = CAPACITY
        self._system.wake(line.connectors)
        assert socket.incoming is not None
        self._system.wake(socket.incoming.write_waiters)
        return socket

    # -- bytes
    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what is there; wait while there is nothing and the peer may still write."""
        return self.receive(process, start, count, 0)

    def receive(self, process: Process, start: Word, count: Transfer, flags: Flags) -> int:
        """Read as asked: RECV_PEEK leaves what it reads, RECV_WAITALL waits for all that is asked for."""
        pipe = self.incoming
        if pipe is None:
            return -abi.ENOTCONN
        open_ended = pipe.writers and pipe.readers
        least = min(count, self._room) if flags & abi.RECV_WAITALL and open_ended else 1
        if pipe.used < least:
            if self._reset:
                self._reset = False
                return -abi.ECONNRESET
            if not open_ended or count == 0:
                return 0
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return process.block(pipe.read_waiters)
        if flags & abi.RECV_PEEK:
            return pipe.peek(process.memory, start, count)
        done = pipe.take(process.memory, start, count)
        if pipe.used == 0:
            pipe.pages[0] = None  # a server holds many that are idle
        process.system.wake(pipe.write_waiters)
        return done

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write what fits; wait while there is no room for a byte."""
        if self.incoming is None:
            return -abi.ENOTCONN
        peer = self.peer
        if self._reset:
            self._reset = False
            return -abi.ECONNRESET
        pipe = peer.incoming if peer is not None else None
        if peer is None or pipe is None or not pipe.readers or not pipe.writers:
            return -abi.EPIPE
        if count == 0:
            return 0
        room = peer._room - pipe.used
        if room <= 0:
            if self.flags & abi.FDFLAG_NONBLOCK:
                return -abi.EAGAIN
            return process.block(pipe.write_waiters)
        with pipe.heap:
            done = pipe.put(process.memory, start, min(count, room))
        process.system.wake(pipe.read_waiters)
        return done

    def send(self, process: Process, start: Word, count: Transfer) -> int:
        """Write."""
        return self.write(process, start, count)

    def shutdown(self, how: Flags) -> int:
        """End one direction or both."""
        pipe = self.incoming
        if pipe is None:
            return abi.ENOTCONN
        if how & abi.SHUT_RD and pipe.readers:
            pipe.readers = 0
            self._wake_both(pipe)
        other = None if self.peer is None else self.peer.incoming
        if how & abi.SHUT_WR and other is not None and other.writers:
            other.writers = 0
            self._wake_both(other)
        return abi.OK

    def _wake_both(self, pipe: Pipe) -> None:
        self._system.wake(pipe.read_waiters)
        self._system.wake(pipe.write_waiters)

    # -- polling
    def readable(self) -> int:
        """Return the bytes that a read would find; 1 at an end, or when there is one to accept."""
        if self.line is not None:
            return self.line.count
        pipe = self.incoming
        if pipe is None:
            return 1  # a read would not wait, but say that there is no connection
        return pipe.used or int(self._reset or not pipe.writers or not pipe.readers)

    def writable(self) -> int:
        """Return how many bytes a write would take; 1 if it would fail at once."""
        peer = self.peer
        if self.line is not None:
            return 0
        if peer is None or peer.incoming is None or not peer.incoming.readers or not peer.incoming.writers:
            return 1
        return max(0, peer._room - peer.incoming.used)

    def wait_ready(self, process: Process, to_write: bool) -> Queue | None:
        """Return the queue of those who wait for the same; None if there is none."""
        if self.line is not None:
            return self.line.acceptors
        if not to_write:
            return None if self.incoming is None else self.incoming.read_waiters
        return None if self.peer is None or self.peer.incoming is None else self.peer.incoming.write_waiters

    def hung_up(self) -> bool:
        """Tell whether the other side is gone, or will write no more."""
        return self.incoming is not None and (self.peer is None or not self.incoming.writers)

    # -- the end
    def release(self) -> None:
        """Give the name back, let go of the peer and of those in line, each of whom learns of it."""
        if self.name is not None:
            self._system.socket_names.remove(self)
            self.name = None
        line, self.line = self.line, None
        if line is not None:
            for _ in range(MAX_BACKLOG):
                socket = line.pop()
                if socket is None:
                    break
                socket._reset_peer(True)
                socket._disconnect()  # it is all that who stands in line has
            self._system.wake(line.acceptors)
            self._system.wake(line.connectors)
        self._disconnect()

    def _disconnect(self) -> None:
        pipe, self.incoming = self.incoming, None
        if pipe is not None:
            self._reset_peer(pipe.used > 0)
            pipe.readers = 0
            self._wake_both(pipe)
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            if peer.incoming is not None:
                peer.incoming.writers = 0
                self._wake_both(peer.incoming)

    def _reset_peer(self, lost: bool) -> None:
        """Have the peer learn that what it sent was lost."""
        if lost and self.peer is not None:
            self.peer._reset = True
