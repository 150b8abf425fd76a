"""What a kernel gets from outside, in one object: time, random bytes, streams, directories.

`Outside` is the host as it is. `Virtual` is one in which nothing depends on the host's speed: time is what
the kernel itself makes of it, random bytes come from a seed, input is read before it is used and output is
waited for. So the same program takes the same turns. taped.py has the third, which keeps all that came, or
gives it again.
"""

from __future__ import annotations

import gc
import hashlib
import os
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.heap import Heap
from hardtack.kernel import abi
from hardtack.kernel.clocks import HostClock
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.host_sockets import HostListener
from hardtack.kernel.host_watch import LOOK_MILLISECONDS, POLLOUT, HostDescription, HostWatch, events_of
from hardtack.kernel.streams import HostStream
from hardtack.runtime.listening import open_listeners

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from hardtack.kernel.clocks import Clock
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Transfer, Word
    from hardtack.kernel.scheduler import Scheduler
    from hardtack.kernel.system import System

MAX_INPUT: Final = 256 << 20  # bytes of standard input that are read before they are used
BEGINNING: Final = 1_767_225_600 * 10**9  # 2026, when virtual time begins, in ns since 1970
READ_NS: Final = 1_000  # how long a look at the virtual clock takes
TURN_NS: Final = 100_000  # and a turn


class Outside:
    """The host as it is.

    Attributes:
        clock: what time it is.
        steady: whether turns depend on nothing but what comes from here; then none is cut short.
        trace: the system calls so far, or None if nobody wants to know.
    """

    steady = False

    def __init__(self) -> None:
        self.clock: Clock = HostClock()
        self.trace: Trace | None = None

    def attach(self, system: System, scheduler: Scheduler) -> None:
        """Be the outside of a kernel."""
        system.random = self.random
        if self.trace is not None:
            self.trace.attach(scheduler)

    # -- for the kernel's thread
    def settle(self) -> None:
        """Have the interpreter be as it always is, before and after something is made in the kernel's heap.

        CPython keeps some freed objects for the next of their kind. What is made of one is charged to whoever
        made the first; how many there are hangs on all that the interpreter did. A full collection gives them
        back.
        """
        if self.steady:
            gc.collect()

    def random(self, count: int) -> bytes:
        """Return random bytes."""
        return os.urandom(count)

    def input(self, fd: int) -> bytes | int:
        """Return what a program is to read: a descriptor of the host, or all of what that has.

        Called by whoever starts the program; may block.
        """
        return fd

    def source(self, fd: int) -> Description:
        """Make what a program reads from a descriptor of the host."""
        return HostStream(fd)

    def sink(self, fd: int) -> Description:
        """Make what a program writes to a descriptor of the host."""
        return HostStream(fd)

    def open_listeners(self, listen: Sequence[str | socket.socket]) -> list[socket.socket | None]:
        """Open the sockets that a program is given; None for each that is not needed."""
        return list(open_listeners(listen))

    def listener(self, listening: socket.socket | None) -> Description:
        """Make what a program accepts connections from."""
        assert listening is not None
        return HostListener(listening)

    def directory(self, system: System, name: str, path: str) -> Description:
        """Open a directory of the host.

        Raises:
            KernelError: it is not there.
        """
        return open_host_directory(system, name, path)

    # -- for waits and their ends
    def now(self) -> int:
        """Return monotonic ns, by which deadlines count."""
        return time.monotonic_ns()

    def begin(self) -> int:
        """Return when a program is started that now is asked for."""
        return self.now()

    def deadline(self, nanoseconds: int | None) -> int | None:
        """Return when a wait that begins now is to end."""
        return None if nanoseconds is None else self.now() + nanoseconds

    def over(self, turns: int) -> bool:
        """Tell whether a wait is over although its program has not ended."""
        return False

    def ended(self, why: str | None, turns: int) -> str | None:
        """Be told that a wait is over, and why if its program has not ended; return the reason to give."""
        return why

    def close(self) -> None:
        """Let go of what it holds."""
        if self.trace is not None:
            self.trace.close()


class Trace:
    """Every system call that was answered, as a digest; as lines too if a file or a descriptor is given.

    A line is the turn, the pid, the call's name and its errno (4294967294: the process waits).
    """

    def __init__(self, file: Path | int | None = None) -> None:
        self.calls = 0
        self._heap = Heap(None, name="trace")
        self._digest = hashlib.blake2b(digest_size=16)
        self._name = f"to descriptor {file}" if isinstance(file, int) else str(file)
        self._error: OSError | None = None
        try:
            owned = not isinstance(file, int)
            self._file = None if file is None else open(file, "wb", closefd=owned)  # noqa: SIM115 - see close
        except OSError as error:
            raise KernelError(f"{file}: {error.strerror}") from None
        self._scheduler: Scheduler | None = None

    def attach(self, scheduler: Scheduler) -> None:
        """Take turns from a scheduler."""
        self._scheduler = scheduler

    def __call__(self, pid: int, name: str, errno: int) -> None:
        """Take down a call. Called inside it, so what this allocates is charged elsewhere."""
        self._heap.run(self._put, pid, name, errno)

    def _put(self, pid: int, name: str, errno: int) -> None:
        turns = self._scheduler.turns if self._scheduler is not None else 0
        line = f"{turns} {pid} {name} {errno}\n".encode()
        self.calls += 1
        self._digest.update(line)
        if self._file is not None and self._error is None:
            try:
                self._file.write(line)
            except OSError as error:  # what a program does has nothing to do with it: told at the end
                self._error = error.with_traceback(None)

    def digest(self) -> str:
        """Return the digest of all calls so far."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Write out what is left.

        Raises:
            KernelError: not all could be written.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            self._error = self._error or error
        if self._error is not None:
            raise KernelError(f"the trace {self._name}: {self._error.strerror}") from None


# -- a host that is the same every time
class VirtualClock:
    """Time that passes by being looked at, by turns, and in jumps while all sleep."""

    def __init__(self) -> None:
        self._now = array("q", [0])  # no object that would be charged to whoever looks

    def monotonic(self) -> int:
        """Return ns since its beginning."""
        self._now[0] += READ_NS
        return self._now[0]

    def realtime(self) -> int:
        """Return ns since 1970."""
        return BEGINNING + self.monotonic()

    def processor(self) -> int:
        """Return ns of processor time: as if it had worked all the time."""
        return self.monotonic()

    def peek(self) -> int:
        """Return what `monotonic` would without making time pass."""
        return self._now[0]

    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self._now[0] += nanoseconds


class Virtual(Outside):
    """A host that is the same every time, but for what its directories and its input hold.

    Args:
        seed: what random bytes come from.
    """

    steady = True

    def __init__(self, seed: int) -> None:
        import random  # it is slow to load, for who has the host's

        super().__init__()
        self.clock: VirtualClock = VirtualClock()
        self._random = random.Random(seed)
        self._heap = Heap(None, name="random bytes")

    def attach(self, system: System, scheduler: Scheduler) -> None:
        """Be the outside of a kernel; its turns make time pass."""
        super().attach(system, scheduler)
        system.host = _VirtualWatch(system, self.clock)
        scheduler.on_turn = lambda _: self.clock.advance(TURN_NS)

    def random(self, count: int) -> bytes:
        """Return the next bytes of the seed's; made elsewhere, since that takes more than twice as many."""
        made: bytes = self._heap.run(self._random.randbytes, count)
        return made

    def input(self, fd: int) -> bytes | int:
        """Read the host's descriptor to its end."""
        return read_to_the_end(fd)

    def sink(self, fd: int) -> Description:
        """Make a stream that takes everything at once."""
        return SteadyStream(fd)

    def now(self) -> int:
        """Return virtual ns."""
        return self.clock.peek()


class _VirtualWatch(HostWatch):
    """Lets the time of a wait pass at once; nothing of the host is waited for."""

    longest = 1 << 40

    def __init__(self, system: System, clock: VirtualClock) -> None:
        super().__init__(system)
        self._clock = clock

    def ready(self, milliseconds: int) -> list[HostDescription]:
        """Let the time pass."""
        self._clock.advance(milliseconds * 1_000_000)
        return super().ready(0)


class SteadyStream(Description):
    """A descriptor of the host to write to; a write ends when the host has taken all of it."""

    __slots__ = ("_stream", "filetype")

    def __init__(self, fd: int) -> None:
        self._stream = HostStream(fd)
        super().__init__(self._stream.rights, 0, 0)
        self.filetype = self._stream.filetype

    def write(self, process: Process, start: Word, count: Transfer) -> int:
        """Write all; the whole kernel waits meanwhile."""
        return write_all(self._stream.fd, process.memory[start : start + count])

    def release(self) -> None:
        """Close the stream."""
        self._stream.release()


def write_all(fd: int, data: memoryview) -> int:
    """Write to a descriptor of the host until it has taken all; return the count, or a negated errno."""
    done = 0
    while done < len(data):
        try:
            done = min(done + os.write(fd, data[done:]), len(data))
        except BlockingIOError:
            events_of(fd, POLLOUT, LOOK_MILLISECONDS)
        except BrokenPipeError:
            return -abi.EPIPE
        except OSError:
            return -abi.EIO
    return done


def read_to_the_end(fd: int) -> bytes:
    """Return all that a descriptor of the host has to give.

    Raises:
        KernelError: that is too much, or fails.
    """
    pieces = []
    total = 0
    try:
        while piece := os.read(fd, 1 << 20):
            pieces.append(piece)
            total += len(piece)
            if total > MAX_INPUT:
                raise KernelError(f"standard input has more than {MAX_INPUT} bytes")
    except OSError as error:
        raise KernelError(f"standard input: {error.strerror}") from None
    return b"".join(pieces)
