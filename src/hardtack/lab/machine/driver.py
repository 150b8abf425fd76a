"""A kernel to be measured and tested, and guests written in Python that enter it as WebAssembly does.

A guest's body is a generator: it yields (name, arguments) of a system call and is sent the errno. `Calls`
has the calls as C programs know them, for use with `yield from`. A `Hand` is a guest that a test leads by
the hand: each method of it makes one call and runs the scheduler until that is over.

    with Machine() as machine:
        hand = machine.hand()
        fd = hand.open(b"file", O_CREAT)
        assert hand.write(fd, b"biscuit") == 7

Leaving the `with` checks the books: the kernel's invariants, the heaps, that no call went beyond what it had
reserved, that no reservation is left, and that ending everything gives everything back.

What guests and tests allocate is outside the kernel's heap; what the calls allocate is inside.
"""

from __future__ import annotations

import gc
import struct
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from hardtack.heap import Heap
from hardtack.kernel import abi, death
from hardtack.kernel.border import compile_entry
from hardtack.kernel.descriptions import Description, close
from hardtack.kernel.guest import StartFailed, UserMemory
from hardtack.kernel.host import Host
from hardtack.kernel.process import BLOCKED, GONE, WAITING_FOR_MEMORY, ZOMBIE, Process
from hardtack.kernel.queues import Queue
from hardtack.kernel.scheduler import Scheduler
from hardtack.kernel.streams import Capture, Null, Source
from hardtack.kernel.system import System
from hardtack.kernel.system_calls import TABLE, Row, by_name

KIB = 1024
MIB = 1024 * KIB
SECOND = 1_000_000_000

READ, WRITE = abi.RIGHT_READ, abi.RIGHT_WRITE
ROOT = 3  # the descriptor of the preopened root

# Where Calls puts arguments in the guest's memory.
PATH, OTHER_PATH, VECTORS, OUT, MAP, STRINGS = 0x1000, 0x3000, 0x5000, 0x8000, 0x9000, 0x10000
VARIABLES, DATA = 0x31000, 0x60000
USER_BYTES = DATA + 256 * KIB

OUTSIDE = Heap(None, name="outside")  # below no other: what is made here is charged to nobody

Request = tuple[str, tuple[int, ...]]
Body = Generator[Request | None, int, Any]


class Clock:
    """A clock that a test moves; `Machine.run` moves it to the next deadline when all wait for one."""

    def __init__(self, now: int = 1_000 * SECOND) -> None:
        self.now = now

    def realtime(self) -> int:
        return self.now + 1_700_000_000 * SECOND

    def monotonic(self) -> int:
        return self.now

    def processor(self) -> int:
        return self.now // 2


class PythonGuest:
    """A program under way: a generator, and a bytearray as its memory."""

    def __init__(self, machine: Machine, process: Process, body: Callable[[Calls], Body], size: int) -> None:
        self.machine = machine
        self.process: Process | None = process
        self.size = size
        process.memory = memoryview(bytearray(size))
        self.calls = Calls(process)
        self.body = body(self.calls)
        self.request: Request | None = None
        self.errno: int | None = None
        self.text: str | None = None
        self.trap = False

    def resume(self) -> bool:
        """Make one system call; a generator that yields None is parked until it is woken."""
        process = self.process
        assert process is not None
        if self.request is None:
            try:
                self.request = OUTSIDE.run(self.body.send, self.errno)
            except StopIteration:
                return True
            except Trap as error:
                self.text = str(error)
                return True
            self.errno = None
            if self.request is None:
                process.state = BLOCKED
                self.machine.parked.append(process)
                return False
        name, arguments = self.request
        errno = self.machine.enter(process, name, arguments)
        if name == "proc_exit" or self.trap:
            return True
        if errno != abi.WAIT:
            self.request = None
            self.errno = errno
        return False

    def fork(self, process: Process) -> PythonGuest:
        """Make the child of a fork: no generator can be copied, so another body has a copy of the memory."""
        assert self.process is not None
        memory = self.process.memory
        image = self.process.image
        assert isinstance(image, Program)
        copy = image.start_copy(process)
        process.memory[:] = memory
        return copy

    def failure(self) -> str | None:
        return self.text

    def close(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            OUTSIDE.run(self.body.close)
            self.machine.system.user_memory.give_back(self.size)


class Trap(Exception):
    """Raised by a guest's body: what WebAssembly does at an unreachable."""


class Program:
    """A program that can be started: a function that makes its body."""

    def __init__(
        self, machine: Machine, name: str, body: Callable[[Calls], Body], size: int = USER_BYTES
    ) -> None:
        self.machine = machine
        self.name = name
        self.user_bytes = size
        self.overhead_bytes = 0
        self.body = body
        self.forked: Callable[[Calls], Body] | None = None  # what the child of a fork does

    @property
    def forkable(self) -> bool:
        return self.forked is not None

    def start(self, process: Process) -> PythonGuest:
        return self._start(process, self.body)

    def start_copy(self, process: Process) -> PythonGuest:
        assert self.forked is not None
        return self._start(process, self.forked)

    def _start(self, process: Process, body: Callable[[Calls], Body]) -> PythonGuest:
        if not self.machine.system.user_memory.take(self.user_bytes):
            raise StartFailed("no user memory")
        guest: PythonGuest = OUTSIDE.run(PythonGuest, self.machine, process, body, self.user_bytes)
        return guest


class Calls:
    """The system calls as a program knows them: each is a generator that yields one request or more.

    They answer the result, or a negated errno; those without a result answer the errno.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.pid = process.pid

    # -- the guest's memory
    def put(self, at: int, data: bytes) -> tuple[int, int]:
        """Put bytes into memory; return (start, size)."""
        self.process.memory[at : at + len(data)] = data
        return at, len(data)

    def get(self, at: int, size: int) -> bytes:
        return bytes(self.process.memory[at : at + size])

    def unpack(self, layout: str, at: int = OUT) -> tuple[Any, ...]:
        return struct.unpack_from("<" + layout, self.process.memory, at)

    # -- bytes
    def call(self, name: str, *arguments: int) -> Body:
        return (yield name, arguments)

    def write(self, fd: int, data: bytes, offset: int | None = None) -> Body:
        self.put(DATA, data)
        return self._done((yield self._transfer("write", fd, len(data), offset)))

    def read(self, fd: int, count: int, offset: int | None = None) -> Body:
        done = self._done((yield self._transfer("read", fd, count, offset)))
        return done if done < 0 else self.get(DATA, done)

    def write_all(self, fd: int, data: bytes) -> Body:
        """Write everything, or answer the first negated errno."""
        done = 0
        while done < len(data):
            count = yield from self.write(fd, data[done : done + 65536])
            if count < 0:
                return count
            done += count
        return done

    def _transfer(self, what: str, fd: int, size: int, offset: int | None) -> Request:
        self.put(VECTORS, struct.pack("<II", DATA, size))
        if offset is None:
            return f"fd_{what}", (fd, VECTORS, 1, OUT)
        return f"fd_p{what}", (fd, VECTORS, 1, offset, OUT)

    def _done(self, errno: int, layout: str = "I") -> int:
        return self.unpack(layout)[0] if errno == abi.OK else -errno

    # -- descriptors
    def close(self, fd: int) -> Body:
        return (yield "fd_close", (fd,))

    def seek(self, fd: int, offset: int, whence: int = abi.SEEK_SET) -> Body:
        return self._done((yield "fd_seek", (fd, offset & (1 << 64) - 1, whence, OUT)), "Q")

    def truncate(self, fd: int, size: int) -> Body:
        return (yield "fd_filestat_set_size", (fd, size))

    def fstat(self, fd: int) -> Body:
        errno = yield "fd_filestat_get", (fd, OUT)
        return Status(*abi.FILESTAT.unpack(self.get(OUT, 64))) if errno == abi.OK else -errno

    def readdir(self, fd: int, size: int = 4096, cookie: int = 0) -> Body:
        """List one buffer's worth of whole entries, as (next cookie, inode, type, name)."""
        done = self._done((yield "fd_readdir", (fd, DATA, size, cookie, OUT)))
        if done < 0:
            return done
        data = self.get(DATA, done)
        entries = []
        at = 0
        while at + 24 <= done:
            following, number, length, filetype = abi.DIRENT.unpack_from(data, at)
            at += 24 + length
            if at > done:
                break
            entries.append((following, number, filetype, data[at - length : at]))
        return entries

    def list(self, fd: int, size: int = 4096) -> Body:
        """Return the names of a directory, in the order of the listing, "." and ".." left out."""
        names: list[bytes] = []
        cookie = 0
        while True:
            entries = yield from self.readdir(fd, size, cookie)
            if isinstance(entries, int):
                return entries
            if not entries:
                return [name for name in names if name not in {b".", b".."}]
            names += [name for _, _, _, name in entries]
            cookie = entries[-1][0]

    # -- paths
    def open(
        self,
        path: bytes,
        oflags: int = 0,
        rights: int = READ | WRITE,
        flags: int = 0,
        at: int = ROOT,
        follow: bool = True,
    ) -> Body:
        path_at = self.put(PATH, path)
        errno = yield (
            "path_open",
            (at, int(follow), *path_at, oflags, rights, abi.ALL_RIGHTS, flags, OUT),
        )
        return self._done(errno)

    def open_directory(self, path: bytes, at: int = ROOT) -> Body:
        return (yield from self.open(path, abi.O_DIRECTORY, READ, at=at))

    def mkdir(self, path: bytes, at: int = ROOT) -> Body:
        return (yield "path_create_directory", (at, *self.put(PATH, path)))

    def rmdir(self, path: bytes, at: int = ROOT) -> Body:
        return (yield "path_remove_directory", (at, *self.put(PATH, path)))

    def unlink(self, path: bytes, at: int = ROOT) -> Body:
        return (yield "path_unlink_file", (at, *self.put(PATH, path)))

    def stat(self, path: bytes, at: int = ROOT, follow: bool = True) -> Body:
        errno = yield "path_filestat_get", (at, int(follow), *self.put(PATH, path), OUT)
        return Status(*abi.FILESTAT.unpack(self.get(OUT, 64))) if errno == abi.OK else -errno

    def symlink(self, target: bytes, path: bytes, at: int = ROOT) -> Body:
        return (yield "path_symlink", (*self.put(OTHER_PATH, target), at, *self.put(PATH, path)))

    def readlink(self, path: bytes, at: int = ROOT, room: int = 4096) -> Body:
        done = self._done((yield "path_readlink", (at, *self.put(PATH, path), DATA, room, OUT)))
        return done if done < 0 else self.get(DATA, done)

    def link(self, path: bytes, new: bytes, at: int = ROOT, to: int = ROOT) -> Body:
        return (yield "path_link", (at, 0, *self.put(PATH, path), to, *self.put(OTHER_PATH, new)))

    def rename(self, path: bytes, new: bytes, at: int = ROOT, to: int = ROOT) -> Body:
        return (yield "path_rename", (at, *self.put(PATH, path), to, *self.put(OTHER_PATH, new)))

    # -- processes
    def exit(self, status: int = 0) -> Body:
        yield "proc_exit", (status,)

    def pipe(self) -> Body:
        """Return (read end, write end), or a negated errno."""
        errno = yield "pipe", (OUT,)
        return self.unpack("II") if errno == abi.OK else -errno

    # -- sockets
    def socket(self, domain: int = abi.AF_UNIX, kind: int = abi.SOCK_STREAM) -> Body:
        return self._done((yield "socket", (domain, kind, OUT)))

    def socketpair(self, kind: int = abi.SOCK_STREAM) -> Body:
        errno = yield "socketpair", (abi.AF_UNIX, kind, OUT)
        return self.unpack("II") if errno == abi.OK else -errno

    def bind(self, fd: int, name: bytes | int) -> Body:
        return (yield "bind", (fd, *self.put(PATH, address(name))))

    def listen(self, fd: int, backlog: int = 16) -> Body:
        return (yield "listen", (fd, backlog))

    def connect(self, fd: int, name: bytes | int) -> Body:
        return (yield "connect", (fd, *self.put(PATH, address(name))))

    def accept(self, fd: int, flags: int = 0) -> Body:
        return self._done((yield "sock_accept", (fd, flags, OUT)))

    def recv(self, fd: int, count: int, flags: int = 0) -> Body:
        self.put(VECTORS, struct.pack("<II", DATA, count))
        done = self._done((yield "sock_recv", (fd, VECTORS, 1, flags, OUT, OUT + 4)))
        return done if done < 0 else self.get(DATA, done)

    def send(self, fd: int, data: bytes) -> Body:
        self.put(DATA, data)
        self.put(VECTORS, struct.pack("<II", DATA, len(data)))
        return self._done((yield "sock_send", (fd, VECTORS, 1, 0, OUT)))

    def shutdown(self, fd: int, how: int) -> Body:
        return (yield "sock_shutdown", (fd, how))

    def spawn(
        self,
        path: bytes,
        arguments: Sequence[bytes] = (),
        environment: Sequence[bytes] | None = None,
        descriptors: Sequence[tuple[int, int]] | None = None,
        directory: bytes | None = None,
    ) -> Body:
        """Start a program as a child; return its pid. descriptors: (number in the child, ours)."""
        strings = self.put(STRINGS, b"".join(argument + b"\0" for argument in arguments))
        variables = (0, 0)
        if environment is not None:
            variables = self.put(VARIABLES, b"".join(variable + b"\0" for variable in environment))
        pairs = (0, 0)
        if descriptors is not None:
            self.put(MAP, b"".join(struct.pack("<II", *pair) for pair in descriptors))
            pairs = (MAP, len(descriptors))
        place = (0, 0) if directory is None else self.put(OTHER_PATH, directory)
        return self._done((yield "spawn", (*self.put(PATH, path), *strings, *variables, *pairs, *place, OUT)))

    def fork(self) -> Body:
        """Return the child's pid, or a negated errno. The child runs what `Program.forked` says."""
        return self._done((yield "fork", (OUT,)))

    def exec(
        self, path: bytes, arguments: Sequence[bytes] = (), environment: Sequence[bytes] | None = None
    ) -> Body:
        """Run another program in this one's place; return only the errno of a failure."""
        strings = self.put(STRINGS, b"".join(argument + b"\0" for argument in arguments))
        variables = (0, 0)
        if environment is not None:
            variables = self.put(VARIABLES, b"".join(variable + b"\0" for variable in environment))
        return (yield "exec", (*self.put(PATH, path), *strings, *variables))

    def dup(self, fd: int) -> Body:
        return self._done((yield "dup", (fd, OUT)))

    def dup2(self, fd: int, to: int) -> Body:
        return (yield "dup2", (fd, to))

    def getcwd(self) -> Body:
        errno = yield "getcwd", (DATA, 4096, OUT)
        return self.get(DATA, self.unpack("I")[0]) if errno == abi.OK else -errno

    def chdir(self, path: bytes) -> Body:
        return (yield "chdir", self.put(PATH, path))

    def waitpid(self, pid: int = -1, options: int = 0) -> Body:
        """Return (pid, status), pid 0 if WNOHANG found none; or a negated errno."""
        errno = yield "waitpid", (pid & 0xFFFF_FFFF, options, OUT + 4, OUT)
        return self.unpack("II") if errno == abi.OK else -errno

    def kill(self, pid: int, signal: int = 9) -> Body:
        return (yield "kill", (pid, signal))

    def poll(self, *subscriptions: bytes) -> Body:
        """Wait for subscriptions, made by `on_read`, `on_write`, `after`; return the events."""
        self.put(STRINGS, b"".join(subscriptions))
        done = self._done((yield "poll_oneoff", (STRINGS, DATA, len(subscriptions), OUT)))
        if done < 0:
            return done
        return [abi.EVENT.unpack(self.get(DATA + 32 * i, 32)) for i in range(done)]

    def sleep(self, nanoseconds: int) -> Body:
        return (yield from self.poll(after(nanoseconds)))


class Status:
    """What stat reports."""

    def __init__(
        self,
        device: int,
        inode: int,
        filetype: int,
        links: int,
        size: int,
        atime: int,
        mtime: int,
        ctime: int,
    ) -> None:
        self.device = device
        self.inode = inode
        self.filetype = filetype
        self.links = links
        self.size = size
        self.atime = atime
        self.mtime = mtime
        self.ctime = ctime


def address(name: bytes | int) -> bytes:
    """Return a sockaddr: of a name, or of a port of the loopback."""
    if isinstance(name, int):
        return struct.pack("<H", abi.AF_INET) + struct.pack(">HI", name, 0x7F00_0001)
    return struct.pack("<H", abi.AF_UNIX) + name


def on_read(fd: int, tag: int = 0) -> bytes:
    """Return a subscription to a descriptor that can be read."""
    return struct.pack("<QB7xI28x", tag, abi.EVENT_READ, fd)


def on_write(fd: int, tag: int = 0) -> bytes:
    """Return a subscription to a descriptor that can be written to."""
    return struct.pack("<QB7xI28x", tag, abi.EVENT_WRITE, fd)


def after(nanoseconds: int, tag: int = 0, clock: int = abi.CLOCK_MONOTONIC, absolute: bool = False) -> bytes:
    """Return a subscription to a clock."""
    return struct.pack("<QB7xI4xQQH6x", tag, abi.EVENT_CLOCK, clock, nanoseconds, 0, int(absolute))


class Blocked:
    """The answer of a hand whose call waits: `finish` it later."""

    def __repr__(self) -> str:
        return "BLOCKED"


BLOCKED_CALL = Blocked()


class Hand:
    """A guest that makes the calls that a test tells it to; it has every method of Calls."""

    def __init__(
        self,
        machine: Machine,
        name: str,
        arguments: Sequence[str],
        environment: Sequence[str],
        protected: bool,
        streams: Callable[[Process], Sequence[Description]],
    ) -> None:
        self.machine = machine
        self.work: deque[Body] = deque()
        self.answers: list[Any] = []
        program = Program(machine, name, self._body)
        self.program = program
        self.process = machine.start(program, arguments, environment, protected=protected, streams=streams)

    def _body(self, calls: Calls) -> Body:
        while True:
            if self.work:
                self.answers.append((yield from self.work.popleft()))
            else:
                yield None

    @property
    def calls(self) -> Calls:
        if self.process.guest is None and not self.ended:
            self.machine.run(lambda: self.process.guest is not None or self.ended)
        guest = self.process.guest
        assert isinstance(guest, PythonGuest), (self.process.killed, self.machine.system.bugs)
        return guest.calls

    def begin(self, name: str, *arguments: Any, **keywords: Any) -> None:
        """Give it a call to make, without running anything."""
        self.work.append(getattr(self.calls, name)(*arguments, **keywords))
        if self.process.queue is self.machine.parked:
            self.machine.system.wake_one(self.process, self.machine.parked)

    def finish(self) -> Any:
        """Run everybody until its call is over; return the answer, or BLOCKED_CALL if all wait."""
        self.machine.run(lambda: bool(self.answers) or self.ended)
        return self.answers.pop(0) if self.answers else BLOCKED_CALL

    @property
    def ended(self) -> bool:
        return self.process.state in {ZOMBIE, GONE}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def make_call(*arguments: Any, **keywords: Any) -> Any:
            self.begin(name, *arguments, **keywords)
            return self.finish()

        if not hasattr(Calls, name):
            raise AttributeError(name)
        return make_call

    def put(self, at: int, data: bytes) -> tuple[int, int]:
        return self.calls.put(at, data)

    def get(self, at: int, size: int) -> bytes:
        return self.calls.get(at, size)


def tree(hand: Hand, at: int = ROOT) -> dict[bytes, object]:
    """Return all there is below a directory: names to sizes and contents, targets, trees."""
    found: dict[bytes, object] = {}
    for name in sorted(hand.list(at)):
        status = hand.stat(name, at=at, follow=False)
        if status.filetype == abi.DIRECTORY:
            below = hand.open_directory(name, at=at)
            found[name] = tree(hand, below)
            hand.close(below)
        elif status.filetype == abi.SYMBOLIC_LINK:
            found[name] = hand.readlink(name, at=at)
        else:
            fd = hand.open(name, rights=READ, at=at)
            found[name] = (status.size, status.links, hand.read(fd, 1000))
            hand.close(fd)
    return found


def nothing(process: Process) -> Sequence[Description]:
    """Return three streams that are empty and take everything."""
    return [Null(), Null(), Null()]


class Machine:
    """A kernel for tests. Its clock stands still unless everybody waits for it.

    Args:
        heap: bytes of the kernel's heap.
        files: bytes of its file system, half by default.
        policy: what it does when the heap is full.
        memory: bytes of user memory.
        observe: called after each system call that was admitted, with (row, process, arguments, bound, peak,
            kept, errno).
        root: opens what descriptor ROOT is, the file system in memory by default.
        flush: empty CPython's free lists before each call, so that none is served from there.
    """

    def __init__(
        self,
        heap: int = 16 * MIB,
        files: int | None = None,
        *,
        policy: Any = "reserve",
        memory: int = 64 * MIB,
        observe: Callable[..., None] | None = None,
        root: Callable[[System], Description] | None = None,
        flush: bool = False,
    ) -> None:
        gc.collect()
        self.clock = Clock()
        self.system = System(
            Heap(heap, name="kernel", on_exhaustion=policy),
            heap // 2 if files is None else files,
            UserMemory(memory),
            self.clock,
        )
        self.scheduler = Scheduler(self.system)
        self.host = Host(self.system)
        self.observe = observe
        self.flush = flush
        self.parked = Queue()
        self.programs: dict[bytes, Program] = {}
        self.system.loader = self
        self.preopen(self.system.open_root(b"/") if root is None else root(self.system))
        self.began = 0
        self.entries = {row.name: self._entry(row) for row in TABLE}
        self.baseline: int | None = None

    def _entry(self, row: Row) -> Callable[..., int]:
        begin = "; begin()" if row.always and self.observe is not None else ""
        return compile_entry(
            self.system,
            row,
            parameters="guest, arguments",
            fetch=f"arguments = [argument + 0 for argument in arguments]{begin}",  # in the scheduler's heap
            arguments=[f"arguments[{place}]" for place in range(len(row.signature))],
            store="pass",
            done="return errno",
            trap="guest.trap = True",
            names={"begin": partial(OUTSIDE.run, self._begin)},
        )

    def _begin(self) -> None:
        """Measure from here on: the handler of a call without a reservation of its own, not its entry."""
        self.system.heap.reset_peak()
        self.began = self.system.heap.live

    def preopen(self, description: Description) -> None:
        """Give every process that is started from now on a directory."""
        description.references += 1
        self.system.preopens = (*self.system.preopens, description)

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Leave CPython's free lists as they are for a while: quicker, for what is only made ready."""
        flush, self.flush = self.flush, False
        try:
            yield
        finally:
            self.flush = flush

    # -- programs
    def find(self, path: bytes) -> Program | None:
        """Find a program; the kernel asks this in spawn."""
        return self.programs.get(path)

    def load(self, data: bytes, name: bytes) -> Program | None:
        """Make a program of a file's bytes: they are the path of another."""
        return self.programs.get(data)

    def names(self) -> Sequence[bytes]:
        return sorted(path[5:] for path in self.programs if path.startswith(b"/bin/"))

    def program(self, path: bytes, body: Callable[[Calls], Body], size: int = USER_BYTES) -> Program:
        """Put a program where spawn finds it."""
        self.programs[path] = made = Program(self, path.decode().rpartition("/")[2], body, size)
        return made

    def start(
        self,
        program: Program | Callable[[Calls], Body],
        arguments: Sequence[str] = (),
        environment: Sequence[str] = (),
        *,
        protected: bool = False,
        streams: Callable[[Process], Sequence[Description]] = nothing,
    ) -> Process:
        """Start a program as the host does; streams makes its descriptors 0, 1, ..."""
        if not isinstance(program, Program):
            program = Program(self, getattr(program, "__name__", "program"), program)
        strings, variables = ([string.encode() for string in block] for block in (arguments, environment))
        return self.host.start(program, strings, variables, streams, protected)

    def hand(
        self,
        name: str = "hand",
        *,
        arguments: Sequence[str] = (),
        environment: Sequence[str] = (),
        protected: bool = False,
        streams: Callable[[Process], Sequence[Description]] = nothing,
    ) -> Hand:
        """Start a guest that is led by the hand."""
        return Hand(self, name, arguments, environment, protected, streams)

    def capture(self, process: Process, limit: int = MIB) -> Capture:
        return Capture(process.group.heap, limit)

    # -- running
    def enter(self, process: Process, name: str, arguments: tuple[int, ...]) -> int:
        """Have a guest enter the kernel; called by the guest that the scheduler resumed."""
        if self.flush:
            gc.collect()
        if self.observe is None:
            return self.entries[name](process.guest, arguments)
        row = by_name(name)
        heap = self.system.heap
        bound = OUTSIDE.run(row.bound, process, *arguments)
        put_off = not row.always and process.admit == process.admit_later  # its handler does not run yet
        errno = self.entries[name](process.guest, arguments)
        if put_off:
            return errno
        peak, kept = (heap.peak - self.began, heap.live - self.began) if row.always else heap.last_call()
        if process.state == WAITING_FOR_MEMORY or heap.on_exhaustion != "reserve":
            return errno
        OUTSIDE.run(self.observe, row, process, arguments, bound, peak, kept, errno)
        return errno

    def run(self, done: Callable[[], bool] | None = None, deadline: int | None = None) -> bool:
        """Run until done, or until nobody can go on; see Scheduler.run. Waits for no clock of the host."""
        system = self.system

        def finished() -> bool:
            if done is not None and OUTSIDE.run(done):
                return True
            if self._idle() and system.next_deadline is not None:
                self.clock.now = max(self.clock.now, system.next_deadline)
            return False

        return self.scheduler.run(finished, deadline)

    def run_until_ended(self, *processes: Process) -> None:
        """Run until these have ended; it is an error if they never do."""
        assert self.run(lambda: all(process.state in {ZOMBIE, GONE} for process in processes)), "all wait"

    def settle(self) -> None:
        """Run until nobody can go on."""
        self.run(self._idle)

    def _idle(self) -> bool:
        """Tell whether nothing is left to do before time passes."""
        system = self.system
        return (
            system.run_queue.first is None
            and system.exiting.first is None
            and not len(system.memory.admission)
        )

    # -- books
    def live(self) -> int:
        """Return what the kernel's heap holds, garbage and free lists aside."""
        gc.collect()
        return self.system.heap.live

    def check(self) -> None:
        """Check the books, between two runs."""
        system = self.system
        assert system.check() == []
        assert system.bugs == []
        statistics = system.heap.statistics()
        if self.observe is None:  # else the observer has seen it, and says more
            assert statistics.overruns == 0, system.heap.last_overrun
        assert statistics.leaked == 0
        system.files.heap.check()

    def close(self) -> None:
        """End everybody, and check that nothing but files stays."""
        system = self.system
        self.check()
        death.end_all(system, "the test is over")
        for description in system.preopens:
            close(description)
        system.preopens = ()
        self.check()
        system.close_disks()
        assert system.processes.count == 0
        assert system.heap.reserved == 0
        assert system.user_memory.used == 0

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None:
            self.close()


__all__ = ["Calls", "Capture", "Clock", "Hand", "Machine", "Null", "Program", "Source", "Trap"]
