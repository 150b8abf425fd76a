"""Directed worst cases: what each system call can be brought to allocate at most.

Random calls hardly ever reach these: tables at the edge of a node, directories at the edge of a split, paths
of PATH_MAX with links expanded, errors of the host. Each case makes its calls on a machine of the ledger.
"""

from __future__ import annotations

import itertools
import os
import resource
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.directories import place
from hardtack.kernel.host_files import open_host_directory
from hardtack.kernel.host_sockets import HostListener
from hardtack.kernel.params import (
    BUCKET,
    MAX_ARGUMENTS,
    MAX_HOST_SOCKETS,
    MAX_POLL,
    NAME_MAX,
    PAGE,
    PATH_MAX,
)
from hardtack.kernel.pipes import CAPACITY
from hardtack.kernel.process import Process
from hardtack.kernel.pseudo_files import BIN, DEV, PROC, open_pseudo
from hardtack.kernel.streams import Capture, HostStream, Null, Source
from hardtack.lab.machine.driver import (
    DATA,
    KIB,
    MAP,
    MIB,
    OUT,
    PATH,
    ROOT,
    STRINGS,
    VARIABLES,
    VECTORS,
    Body,
    Calls,
    Hand,
    Machine,
    Program,
    after,
    on_read,
    on_write,
)
from hardtack.lab.machine.ledger import Ledger

CASES: list[Callable[[Ledger], None]] = []
FULL = 64 * KIB
HUGE = (1 << 64) - 1
BIG = (1 << 32) - 1
HOST = 4  # the descriptor of the preopened host directory, where there is one
CREATE = abi.O_CREAT


def case(function: Callable[[Ledger], None]) -> Callable[[Ledger], None]:
    """Enter a case in the list."""
    CASES.append(function)
    return function


@contextmanager
def host_machine(ledger: Ledger) -> Iterator[tuple[Machine, Path]]:
    """Make a machine whose descriptor HOST is a directory of the host."""
    with tempfile.TemporaryDirectory() as name, ledger.machine() as machine:
        machine.preopen(open_host_directory(machine.system, "/host", name))
        yield machine, Path(name)


def names(count: int, length: int = NAME_MAX) -> list[bytes]:
    """Return that many names, all of the same length."""
    return [b"%06d" % number + b"n" * (length - 6) for number in range(count)]


def names_in(ways: dict[int, int]) -> list[bytes]:
    """Return names of 255 bytes that a split at the top distributes so: {way: how many}."""
    left = dict(ways)
    found = []
    for number in itertools.count():
        name = b"%06d" % number + b"n" * (NAME_MAX - 6)
        way = place(name) >> 56
        if left.get(way):
            left[way] -= 1
            found.append(name)
            if not any(left.values()):
                return found
    raise AssertionError


# -- small calls
@case
def numbers(ledger: Ledger) -> None:
    """Calls that look at a descriptor, a clock or a number, with the largest numbers there are."""
    strings = ["x"] * MAX_ARGUMENTS
    with ledger.machine() as machine:
        machine.run_until_ended(machine.start(_numbers, strings, strings))
        for _ in range(300):  # so that pids are numbers that cost something
            machine.run_until_ended(machine.start(_exit))
        machine.run_until_ended(machine.start(_numbers, strings, strings))


def _exit(calls: Calls) -> Body:
    yield from calls.exit(BIG)


def _numbers(calls: Calls) -> Body:
    yield "args_sizes_get", (OUT, OUT + 4)
    yield "args_get", (DATA, STRINGS)
    yield "environ_sizes_get", (OUT, OUT + 4)
    yield "environ_get", (DATA, STRINGS)
    file = yield from calls.open(b"file", CREATE)
    yield from calls.write(file, bytes(PAGE))
    for clock in (0, 1, 2, 3, BIG):
        yield "clock_res_get", (clock, OUT)
        yield "clock_time_get", (clock, HUGE, OUT)
    for fd in (0, ROOT, file, BIG):
        for number in (0, 1, 5, 300, BIG):
            yield "fd_advise", (fd, HUGE, HUGE, number)
            yield "fd_fdstat_set_flags", (fd, number)
            yield "fd_fdstat_set_rights", (fd, HUGE, HUGE)
        yield "fd_allocate", (fd, HUGE, HUGE)
        yield "fd_datasync", (fd,)
        yield "fd_sync", (fd,)
        yield "fd_fdstat_get", (fd, OUT)
        yield "fd_filestat_get", (fd, OUT)
        for size in (HUGE, 1 << 62, 1 << 35, 5, PAGE - 1):
            yield "fd_filestat_set_size", (fd, size)
        for flags in range(16):
            yield "fd_filestat_set_times", (fd, HUGE, HUGE - 1, flags)
        yield "fd_prestat_get", (fd, OUT)
        yield "fd_prestat_dir_name", (fd, DATA, BIG)
        yield "fd_prestat_dir_name", (fd, BIG, BIG)
        for whence in (0, 1, 2, 3):
            for offset in (1 << 62, (1 << 62) + 1, HUGE, 0):
                yield "fd_seek", (fd, offset, whence, OUT)
                yield "fd_tell", (fd, OUT)
        yield "sock_accept", (fd, BIG, BIG)
        yield "sock_recv", (fd, BIG, BIG, BIG, BIG, BIG)
        yield "sock_recv", (fd, VECTORS, 1, 0, OUT, OUT)
        yield "sock_send", (fd, BIG, BIG, BIG, BIG)
        yield "sock_send", (fd, VECTORS, 1, 0, OUT)
        yield "sock_shutdown", (fd, BIG)
        yield "bind", (fd, BIG, BIG)
        yield "listen", (fd, BIG)
        yield "connect", (fd, BIG, BIG)
    for size in (0, 1, FULL, FULL + 1, 2 * FULL + 1):
        yield "random_get", (DATA, size)
    yield "random_get", (DATA, BIG)
    yield "sched_yield", ()
    yield "getpid", (OUT,)
    yield "getppid", (OUT,)
    yield "proc_raise", (BIG,)
    yield "waitpid", (BIG, 0, OUT, OUT)
    yield "waitpid", (BIG - 1, 0, OUT, OUT)
    yield "fd_renumber", (file, 0)
    yield "fd_renumber", (0, BIG)
    yield "fd_close", (BIG,)
    yield from calls.exit(BIG)


# -- files
@case
def writes_at_every_edge(ledger: Ledger) -> None:
    """64 KiB over six pages, at positions where the tree grows; and two bytes over two pages."""
    positions = [PAGE * 64**level * times - 2 for level in range(4) for times in (1, 2, 63)]
    for order in (positions, positions[::-1]):
        with ledger.machine(32 * MIB) as machine:
            hand = machine.hand()
            for size in (FULL, 2, 127, 128, 130, 1000):
                for position in [0, *order]:
                    fd = hand.open(b"file", CREATE | abi.O_TRUNC)
                    hand.seek(fd, position)
                    assert hand.write(fd, bytes(size)) == size
                    assert hand.write(fd, bytes(size), position) == size
                    assert hand.write(fd, bytes(size), 0) == size
                    assert hand.read(fd, size, position) == bytes(size)
                    hand.seek(fd, 0)
                    assert hand.read(fd, size) == bytes(size)
                    hand.truncate(fd, position // 2)
                    hand.truncate(fd, 1)
                    hand.close(fd)


@case
def first_pages_that_grow(ledger: Ledger) -> None:
    """A file's first page, replaced by each larger one."""
    with ledger.machine() as machine:
        hand = machine.hand()
        fd = hand.open(b"file", CREATE, flags=abi.FDFLAG_APPEND)
        while hand.fstat(fd).size < PAGE + 500:
            hand.write(fd, bytes(97))
        for size in (127, 128, 1023, 1024, 4095, 4096, PAGE, PAGE + 1):
            fd = hand.open(b"file%d" % size, CREATE)
            hand.write(fd, bytes(1))
            hand.write(fd, bytes(size), 1)
            hand.write(fd, bytes(size), size)


@case
def vectors(ledger: Ledger) -> None:
    """A thousand buffers, all but the last of them empty."""
    with ledger.machine() as machine:
        hand = machine.hand()
        fd = hand.open(b"file", CREATE)
        hand.put(VECTORS, struct.pack("<II", DATA, 0) * 1023 + struct.pack("<II", DATA, FULL))
        for name in ("fd_write", "fd_read"):
            hand.call(name, fd, VECTORS, 1024, OUT)
        for name in ("fd_pwrite", "fd_pread"):
            hand.call(name, fd, VECTORS, 1024, 1 << 35, OUT)


@case
def vectors_beyond_the_memory(ledger: Ledger) -> None:
    """A list of buffers that goes on past the end of memory; its first one is as large as can be."""
    with ledger.machine() as machine:
        hand = machine.hand()
        fd = hand.open(b"file", CREATE)
        hand.put(VECTORS, struct.pack("<II", DATA, FULL))
        for name in ("fd_write", "fd_read"):
            assert hand.call(name, fd, VECTORS, 1 << 20, OUT) == abi.EFAULT
        for name in ("fd_pwrite", "fd_pread"):
            assert hand.call(name, fd, VECTORS, 1 << 20, 0, OUT) == abi.EFAULT


@case
def streams(ledger: Ledger) -> None:
    """Captured output that fills pages, bytes given, descriptors of the host that fail."""
    source = bytes(200_000)
    read_only = os.open(os.devnull, os.O_RDONLY)
    write_only = os.open(os.devnull, os.O_WRONLY)
    reader, writer = os.pipe()

    def make(process: Process) -> list[Description]:
        heap = process.group.heap
        return [
            Source(source),
            Capture(heap, MIB),
            Capture(heap, 1025),
            HostStream(read_only),
            HostStream(write_only),
            HostStream(reader),
            HostStream(writer),
            Null(),
        ]

    with ledger.machine() as machine:
        hand = machine.hand(streams=make)
        hand.write(1, bytes(1022))
        for size in (2, PAGE - 2, FULL, FULL, 1, 4 * PAGE, FULL):
            hand.write(1, bytes(size))
            hand.write(2, bytes(size))
            hand.read(0, size)
            for fd in (3, 4, 6, 7):
                hand.write(fd, bytes(min(size, 4000)))
            for fd in (3, 4, 5, 7):
                hand.read(fd, size)
        for fd in range(8):
            hand.fstat(fd)
            hand.poll(on_read(fd), on_write(fd), after(0))
            hand.close(fd)
    for fd in (read_only, write_only, reader, writer):
        os.close(fd)


@case
def pipes(ledger: Ledger) -> None:
    """Pipes that are filled at once, from every place in their ring; ends closed while others wait."""
    with ledger.machine() as machine:
        hand = machine.hand()
        for start in (0, 1, PAGE - 1, PAGE, 2 * PAGE + 5):
            reader, writer = hand.pipe()
            for fd in (reader, writer):
                hand.call("fd_fdstat_set_flags", fd, abi.FDFLAG_NONBLOCK)
            hand.write(writer, bytes(start + 1))
            hand.read(reader, start)
            hand.write(writer, bytes(FULL))
            hand.write(writer, bytes(FULL))
            hand.read(reader, FULL)
            hand.read(reader, FULL)
            hand.poll(on_read(reader), on_write(writer), after(0))
            hand.close(writer)
            hand.read(reader, 1)
            hand.close(reader)
        _waiters_of_a_pipe(machine, hand)


def _waiters_of_a_pipe(machine: Machine, hand: Hand) -> None:
    machine.program(b"reader", lambda calls: calls.read(0, 1))
    machine.program(b"writer", lambda calls: calls.write(1, bytes(FULL)))
    machine.program(b"poller", lambda calls: calls.poll(on_read(0), after(10**15)))
    for what in (b"reader", b"writer", b"poller"):
        reader, writer = hand.pipe()
        hand.write(writer, bytes(CAPACITY)) if what == b"writer" else None
        for _ in range(20):
            assert hand.spawn(what, descriptors=[(0, reader), (1, writer)]) > 0
        machine.run(lambda: machine.system.run_queue.first is None)
        hand.write(writer, b"x") if what != b"writer" else hand.read(reader, FULL)
        hand.close(reader)
        hand.close(writer)
        while isinstance(hand.waitpid(options=abi.NOHANG), tuple) and hand.calls.unpack("I")[0]:
            pass


# -- sockets
@case
def sockets(ledger: Ledger) -> None:
    """Names of every length, full lines, connections that are filled at once, and what is left at an end."""
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        for number in range(120):
            name = b"%03d" % number + b"n" * 104
            listener = hand.socket(kind=abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
            assert hand.bind(listener, name if number % 2 else number + 1 << 8) in {0, abi.EAFNOSUPPORT}
            hand.bind(listener, name)
            hand.bind(listener, name + b"n")
            hand.listen(listener, BIG)
            hand.connect(hand.socket(), name + b"n")
            if number % 10 == 0:
                _fill_a_line(hand, listener, name)
            hand.close(listener)
        for start in (0, 1, PAGE - 1, PAGE, 2 * PAGE + 5):
            _fill_a_connection(hand, start)


def _fill_a_line(hand: Hand, listener: int, name: bytes) -> None:
    for _ in range(18):
        client = hand.socket(kind=abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
        hand.connect(client, name)
        hand.write(client, bytes(FULL))
        hand.write(client, b"x")
    hand.poll(on_read(listener, HUGE), on_write(listener, HUGE), after(0))
    for _ in range(8):
        server = hand.accept(listener, abi.FDFLAG_NONBLOCK)
        hand.recv(server, FULL, abi.RECV_PEEK)
        hand.recv(server, FULL, abi.RECV_WAITALL)
        hand.shutdown(server, 1)
        hand.shutdown(server, 3)


def _fill_a_connection(hand: Hand, start: int) -> None:
    one, other = hand.socketpair(abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
    hand.write(one, bytes(start + 1))
    hand.recv(other, start)
    for _ in range(2):
        hand.send(one, bytes(FULL))
    hand.recv(other, FULL, abi.RECV_PEEK)
    hand.read(other, FULL)
    hand.recv(other, FULL)
    hand.recv(other, FULL)
    hand.send(one, bytes(FULL))
    hand.poll(on_read(other), on_write(one), after(0))
    hand.close(other)
    for _ in range(2):
        hand.send(one, b"x")
        hand.recv(one, 1)


@case
def host_sockets(ledger: Ledger) -> None:
    """Connections of the host: accepted, filled, reset, closed, polled, and refused when too many."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        ledger.machine() as machine,
    ):
        hand = machine.hand(streams=lambda _: [Null(), Null(), Null(), HostListener(server.dup())])
        far = [os.open(os.devnull, os.O_RDONLY) for _ in range(300)]  # so that numbers cost something
        for flags in (0, abi.FDFLAG_NONBLOCK):
            hand.call("fd_fdstat_set_flags", 3, flags)
            for closing in ("close", "reset", "shutdown"):
                client = socket.create_connection(server.getsockname())
                fd = hand.accept(3, abi.FDFLAG_NONBLOCK)
                assert fd > 3
                hand.poll(on_read(fd, HUGE), on_write(fd, HUGE), on_read(3, HUGE), after(0))
                for _ in range(300):
                    hand.send(fd, bytes(FULL))
                client.sendall(bytes(20_000))
                hand.recv(fd, FULL, abi.RECV_PEEK)
                hand.recv(fd, FULL, abi.RECV_WAITALL)
                hand.read(fd, FULL)
                hand.read(fd, FULL)
                if closing == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if closing != "shutdown":
                    client.close()
                for _ in range(2):
                    hand.read(fd, FULL)
                    hand.write(fd, bytes(FULL))
                    hand.shutdown(fd, 2)
                    hand.shutdown(fd, 3)
                hand.fstat(fd)
                hand.close(fd)
                client.close()
        hand.accept(3)
        for name in ("fd_prestat_get", "fd_prestat_dir_name"):
            hand.call(name, 3, OUT, *([0] if name == "fd_prestat_dir_name" else []))
        machine.system.host_sockets.used = MAX_HOST_SOCKETS
        assert hand.accept(3) == -abi.ENFILE
        machine.system.host_sockets.used = 0
        for fd in far:
            os.close(fd)


# -- descriptors
@case
def descriptor_tables_at_their_edges(ledger: Ledger) -> None:
    """Every call that makes a descriptor, where it takes a new leaf, and a new middle node."""
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        machine.program(b"child", _wait_for_ever)
        for edge in (64, 128, 4096):
            for what in ("open", "pipe", "directory", "socket", "socketpair", "accept"):
                hand.call("fd_close", edge)
                hand.call("fd_close", edge + 1)
                with machine.warm():
                    while hand.open(b".", rights=READ_ONLY) < edge - 1:
                        pass
                if what == "open":
                    assert hand.open(b"file", CREATE) == edge
                elif what in {"pipe", "socketpair"}:
                    hand.close(edge - 1)
                    assert (hand.pipe() if what == "pipe" else hand.socketpair()) == (edge - 1, edge)
                elif what == "socket":
                    assert hand.socket() == edge
                elif what == "accept":
                    for fd, call in ((edge - 1, "listen"), (edge - 2, "connect")):
                        hand.close(fd)
                        assert hand.socket() == fd
                        if call == "listen":
                            hand.bind(fd, b"name")
                            hand.listen(fd)
                        else:
                            assert hand.connect(fd, b"name") == 0
                    assert hand.accept(edge - 1) == edge
                else:
                    assert hand.open(b".", abi.O_DIRECTORY, READ_ONLY) == edge
                hand.close(edge)
                hand.close(edge - 1)
        pid = hand.spawn(b"child")
        hand.kill(pid)
        hand.waitpid(pid)


READ_ONLY = abi.RIGHT_READ


def _wait_for_ever(calls: Calls) -> Body:
    calls.put(0, after(1 << 60))
    yield "poll_oneoff", (0, 64, 1, 128)


# -- directories
@case
def directories_that_split(ledger: Ledger) -> None:
    """The name after which a directory's leaf becomes sixteen, for several distributions of its names."""
    ways = (
        dict.fromkeys(range(16), 2) | dict.fromkeys(range(8), 3),
        dict.fromkeys(range(5), 6) | dict.fromkeys(range(5, 15), 1),
        {0: 5, 1: 6, 2: 6, 3: 6, 4: 6} | dict.fromkeys(range(5, 16), 1),
        {0: 10, 1: 6, 2: 6, 3: 6, 4: 6} | dict.fromkeys(range(5, 11), 1),
        {0: 21, 1: 11, 2: 8},
        {0: 39, 1: 1},
        {0: 38, 1: 1, 2: 1},
    )
    with ledger.machine() as machine:
        hand = machine.hand()
        for number, distribution in enumerate(ways):
            top = b"top%d" % number
            extra = names_in({**distribution, 0: distribution[0] + 1})
            last = [name for name in extra if place(name) >> 56 == 0][-1]
            extra.remove(last)
            assert len(extra) == BUCKET, (number, len(extra))
            for what in ("open", "mkdir", "symlink", "link", "rename"):
                hand.mkdir(top)
                directory = hand.open_directory(top)
                for name in extra:
                    hand.close(hand.open(name, CREATE, at=directory))
                _make(hand, what, last, directory)
                for name in [*extra, last]:
                    hand.unlink(name, at=directory)
                    hand.rmdir(name, at=directory)
                hand.close(directory)
                assert hand.rmdir(top) == 0
                hand.unlink(b"other")


def _make(hand: Hand, what: str, name: bytes, directory: int) -> None:
    if what == "open":
        hand.close(hand.open(name, CREATE, at=directory))
    elif what == "mkdir":
        assert hand.mkdir(name, at=directory) == 0
    elif what == "symlink":
        assert hand.symlink(b"t" * PATH_MAX, name, at=directory) == 0
    else:
        hand.close(hand.open(b"other", CREATE))
        make = hand.link if what == "link" else hand.rename
        assert make(b"other", name, to=directory) == 0


@case
def listings_of_full_leaves(ledger: Ledger) -> None:
    """Listing a directory in which every leaf is as full as it can be."""
    with ledger.machine() as machine:
        hand = machine.hand()
        for name in names_in(dict.fromkeys(range(16), BUCKET)):
            hand.close(hand.open(name, CREATE))
        for size in (FULL, 4096):
            assert len(hand.list(ROOT, size)) == 16 * BUCKET


@case
def big_directories(ledger: Ledger) -> None:
    """Listing 3,000 names of 255 bytes, in buffers of every size; names come and go."""
    with ledger.machine() as machine:
        hand = machine.hand()
        many = names(3000)
        with machine.warm():
            for name in many:
                hand.close(hand.open(name, CREATE))
        for size in (FULL, 4096, 300, 24):
            hand.readdir(ROOT, size)
        assert sorted(hand.list(ROOT, FULL)) == sorted(many)
        hand.readdir(ROOT, FULL, HUGE)
        hand.readdir(ROOT, FULL, 1 << 59)
        for name in many[::3]:
            hand.unlink(name)
        for name in names(4000)[3000:]:
            hand.close(hand.open(name, CREATE))


@case
def inode_tables_at_their_edges(ledger: Ledger) -> None:
    """The inode for which the table takes new nodes, for every call that makes one."""
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        hand.mkdir(b"many")
        many = hand.open_directory(b"many")
        count = 0
        for edge in (64, 4096):
            with machine.warm():
                while machine.system.files.inodes.lowest_free() < edge:
                    hand.mkdir(b"%d" % count, at=many)
                    count += 1
            hand.close(hand.open(b"file", CREATE))
            hand.unlink(b"file")
            hand.mkdir(b"directory")
            hand.rmdir(b"directory")
            hand.symlink(b"t" * PATH_MAX, b"link")
            hand.unlink(b"link")
            hand.mkdir(b"%d" % -edge, at=many)


# -- paths
def long_paths(prefix: bytes, last: bytes) -> list[bytes]:
    """Return paths of about PATH_MAX bytes that lead to prefix/last by all sorts of ways."""
    room = PATH_MAX - len(last) - len(prefix) - 1
    ships = "\U0001f6a2".encode()
    return [
        prefix + b"/" + last,
        prefix + b"/" + b"./" * (room // 2) + last,
        prefix + b"/" * (room + 1) + last,
        prefix + b"/loop/" + b"./" * ((room - 10) // 2) + last,  # a link to a link to itself's directory
        prefix + b"/loop/" + b"./" * ((room - 10) // 2) + last + b"/",
        prefix + b"/long/" + last,  # a link that expands to PATH_MAX, and is followed by another
        prefix + b"/long/" + b"./" * ((room - 10) // 2) + last,  # and this is too long then
        prefix + b"/forty0/" + last,
        b"a" * (PATH_MAX - 4) + ships,
        b"a" * (PATH_MAX - 7) + b"\xc4\x80/" + ships,
        ships * (PATH_MAX // 4),
        b"a" * (PATH_MAX - 1) + b"\xff",
        ships * (PATH_MAX // 4 - 1) + b"aaa\xff",
        b"a" * (PATH_MAX - 1) + b"\0",
        prefix + b"/" + b"x" * 256,
        last + b"/" * (PATH_MAX - len(last)),
        b"a" * PATH_MAX,
        b"a" * (PATH_MAX + 1),
    ]


def make_links(hand: Hand, at: int) -> None:
    """Make the links that long_paths goes through."""
    hand.symlink(b"loop2", b"loop", at=at)
    hand.symlink(b"loop3", b"loop2", at=at)
    hand.symlink(b".", b"loop3", at=at)
    hand.symlink(b"loop/" + b"./" * 1850 + b".", b"long", at=at)
    for number in range(40):
        hand.symlink(b"./" * 900 + b"forty%d" % (number + 1), b"forty%d" % number, at=at)
    hand.symlink(b"back/", b"forty40", at=at)
    hand.symlink(b"self", b"self", at=at)


def all_paths(hand: Hand, at: int, ours: bytes) -> None:
    """Make every call that takes a path with every kind of path."""
    last = b"n" * NAME_MAX
    for path in long_paths(ours, last):
        for lookup in (0, 1):
            for oflags in (0, CREATE, abi.O_CREAT | abi.O_EXCL, abi.O_DIRECTORY, abi.O_TRUNC):
                for rights in (READ_ONLY, abi.ALL_RIGHTS):
                    start, size = hand.put(PATH, path)
                    errno = hand.call("path_open", at, lookup, start, size, oflags, rights, HUGE, 0, OUT)
                    if errno == 0:
                        hand.close(hand.calls.unpack("I")[0])
            hand.stat(path, at=at, follow=bool(lookup))
            for flags in (5, 10, 15):
                start, size = hand.put(PATH, path)
                hand.call("path_filestat_set_times", at, lookup, start, size, HUGE, 1 << 62, flags)
        hand.readlink(path, at=at)
        hand.rmdir(path, at=at)
        hand.symlink(b"t" * PATH_MAX, path, at=at)
        hand.readlink(path, at=at)
        hand.unlink(path, at=at)
        hand.symlink(b"t" * (PATH_MAX - 1), path, at=at)
        hand.symlink(path, b"link", at=at)
        hand.readlink(b"link", at=at)
        hand.unlink(b"link", at=at)
        hand.symlink(b"/" + path[1:], b"link", at=at)
        hand.unlink(path, at=at)
        hand.mkdir(path, at=at)
        hand.mkdir(path, at=at)
        hand.open(path, CREATE | abi.O_TRUNC, at=at)
        hand.unlink(path, at=at)
        hand.rmdir(path, at=at)
        for other in (path, ours + b"/loop/" + b"./" * 1850 + b"other", b"a" * 4090 + "\u0100".encode()):
            for name in (last, path):
                hand.close(hand.open(ours + b"/" + last, CREATE, at=at))
                hand.link(name, other, at, at)
                hand.rename(name, other, at, at)
                hand.rename(other, path, at, at)
                hand.unlink(path, at=at)
                hand.unlink(other, at=at)
        hand.mkdir(ours + b"/" + last, at=at)
        hand.rename(path, ours + b"/moved//", at, at)
        hand.rename(ours + b"/moved", ours + b"/" + last, at, at)
        hand.rmdir(ours + b"/" + last, at=at)
        hand.unlink(ours + b"/" + last, at=at)


@case
def paths_in_memory(ledger: Ledger) -> None:
    """Every call with a path, with every kind of path, in the file system in memory."""
    with ledger.machine() as machine:
        hand = machine.hand()
        hand.mkdir(b"ours")
        ours = hand.open_directory(b"ours")
        make_links(hand, ours)
        all_paths(hand, ROOT, b"ours")


@case
def paths_on_the_host(ledger: Ledger) -> None:
    """The same, in a directory of the host."""
    with host_machine(ledger) as (machine, _):
        hand = machine.hand()
        hand.mkdir(b"ours", at=HOST)
        ours = hand.open_directory(b"ours", at=HOST)
        make_links(hand, ours)
        all_paths(hand, HOST, b"ours")


@case
def everything_at_once(ledger: Ledger) -> None:
    """One call that splits a directory, fills tables and follows long links, with a path of PATH_MAX."""
    distribution = {0: 5, 1: 6, 2: 6, 3: 6, 4: 6} | dict.fromkeys(range(5, 16), 1)
    forty_one = names_in({**distribution, 0: 6})
    last = [name for name in forty_one if place(name) >> 56 == 0][-1]
    forty_one.remove(last)
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        inodes = machine.system.files.inodes
        with machine.warm():
            hand.mkdir(b"ours")
            ours = hand.open_directory(b"ours")
            make_links(hand, ours)
            hand.mkdir(b"many")
            many = hand.open_directory(b"many")
            for name in forty_one[: BUCKET - len(hand.list(ours))]:
                hand.mkdir(name, at=ours)
            while hand.open(b".", rights=READ_ONLY) < 4095:
                pass
            number = 0
            while inodes.lowest_free() < 4096:
                hand.mkdir(b"%d" % number, at=many)
                number += 1
        for path in long_paths(b"ours", last)[:6]:
            fd = hand.open(path, CREATE)
            hand.close(fd)
            hand.unlink(path)
            hand.mkdir(path)
            hand.rmdir(path)
            hand.symlink(b"t" * PATH_MAX, path)
            hand.unlink(path)
            hand.close(hand.open(b"other", CREATE))
            hand.link(b"./" * 2000 + b"other", path)
            hand.unlink(path)
            hand.rename(b"./" * 2000 + b"other", path)
            hand.unlink(path)


# -- the host
@case
def host_directories(ledger: Ledger) -> None:
    """Listing long names on the host, going back, deep paths."""
    with host_machine(ledger) as (machine, path):
        for number in range(300):
            (path / f"{number:03}{'ü' * 120}").touch()
            (path / f"{number:03}{'n' * 250}").touch()
        (path / ("\udcff" * 200)).touch()
        hand = machine.hand()
        for size in (FULL, 4096, 300, 24):
            for cookie in (0, 1, 2, 3, 100, 50, 1 << 62, HUGE):
                hand.readdir(HOST, size, cookie)
        assert len(hand.list(HOST)) == 601
        opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(300)]  # so that numbers cost something
        deep = b"/".join([b"d"] * 64)
        for depth in range(1, 65):
            hand.mkdir(b"/".join([b"d"] * depth), at=HOST)
        for name in (deep, deep + b"/e", deep + b"/.." * 64, deep + b"/d/d"):
            hand.stat(name, at=HOST)
            hand.readlink(name, at=HOST)
            hand.close(hand.open(name + b"/file", CREATE, at=HOST))
            hand.rename(deep + b"/file", deep + b"/" + b"n" * 255, HOST, HOST)
            hand.link(deep + b"/" + b"n" * 255, deep + b"/m", HOST, HOST)
            hand.unlink(deep + b"/m", at=HOST)
            hand.rmdir(deep, at=HOST)
        hand.symlink(b".", deep + b"/here", at=HOST)
        hand.symlink(b"here", deep + b"/link", at=HOST)
        hand.symlink(deep + b"/link/" + b"./" * 1900 + b"file", b"long", at=HOST)
        for name in (b"long", deep + b"/link/" + b"./" * 1900 + b"file"):
            hand.stat(name, at=HOST)
            hand.close(hand.open(name, CREATE, at=HOST))
            hand.rename(name, deep + b"/link/" + b"./" * 1900 + b"other/", HOST, HOST)
        for number in opened:
            os.close(number)


@case
def host_files(ledger: Ledger) -> None:
    """Reading and writing files of the host, and the errors that it answers."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with host_machine(ledger) as (machine, _):
        hand = machine.hand()
        fd = hand.open(b"file", CREATE, at=HOST)
        appending = hand.open(b"file", rights=abi.RIGHT_WRITE, flags=abi.FDFLAG_APPEND, at=HOST)
        for file in (fd, appending):
            for size in (1, FULL):
                hand.write(file, bytes(size))
                hand.write(file, bytes(size), 1 << 30)
                hand.read(file, size)
                hand.read(file, size, 1 << 30)
                hand.read(file, size, 1 << 62)
            hand.fstat(file)
            for size in (HUGE, 1 << 62, (1 << 63) - 1, 0):
                hand.truncate(file, size)
            for flags in range(16):
                hand.call("fd_filestat_set_times", file, HUGE, 1 << 62, flags)
            for whence in (0, 1, 2, 3):
                hand.seek(file, 1 << 62, whence)
                hand.seek(file, -1, whence)
            for name in ("fd_sync", "fd_datasync", "fd_tell", "fd_fdstat_get"):
                hand.call(name, file, OUT) if name in {"fd_tell", "fd_fdstat_get"} else hand.call(name, file)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
            try:
                hand.seek(file, 200)
                assert hand.write(file, b"x") == (1 if file == appending else -abi.EFBIG)
                assert hand.write(file, b"x", 200) == -abi.EFBIG
                hand.truncate(file, 200)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        hand.fstat(HOST)
        for flags in range(16):
            hand.call("fd_filestat_set_times", HOST, HUGE, 1 << 62, flags)
        listing = hand.open_directory(b".", at=HOST)
        hand.readdir(listing, 60)
        hand.close(listing)
        hand.close(fd)


# -- polling
@case
def polls(ledger: Ledger) -> None:
    """As many subscriptions as there can be, of every kind, ready and not."""
    reader, writer = os.pipe()
    with ledger.machine() as machine:
        hand = machine.hand(streams=lambda _: [HostStream(reader), HostStream(writer), Null()])
        ours, theirs = hand.pipe()
        never = after(1 << 62, HUGE)
        for kinds in (
            [after(1000, HUGE)],
            [after(HUGE, HUGE), after(10**9, HUGE)],
            [after(HUGE, HUGE, 0, True), after(10**18, HUGE, 0, True), after(7, HUGE, 0, True)],
            [on_read(ours, HUGE), on_write(theirs, HUGE), after(1 << 63, HUGE)],
            [on_read(ours, HUGE), after(1 << 34, HUGE)],
            [on_write(1, HUGE), on_read(0, HUGE), never],
            [on_read(2, HUGE), on_write(2, HUGE)],
        ):
            many = (kinds * MAX_POLL)[:MAX_POLL]
            hand.put(STRINGS, b"".join(many))
            assert hand.call("poll_oneoff", STRINGS, DATA + 64 * KIB, MAX_POLL, OUT) == 0
        hand.call("poll_oneoff", STRINGS, DATA, MAX_POLL + 1, OUT)
    os.close(reader)
    os.close(writer)
    with ledger.machine(flush=False) as machine:
        hand = machine.hand()
        pipes = [hand.pipe()[0] for _ in range(MAX_POLL - 1)]
        for count in (1, 10, MAX_POLL - 1):  # each is watched
            hand.put(STRINGS, b"".join([*(on_read(fd) for fd in pipes[:count]), after(1000)]))
            assert hand.call("poll_oneoff", STRINGS, DATA + 64 * KIB, count + 1, OUT) == 0


# -- processes
@case
def spawns(ledger: Ledger) -> None:
    """The largest arguments and environments, given and inherited, and descriptors far apart."""
    most = 128 * KIB
    block = b"x" * (most - 1) + b"\0"
    many = b"x" * 31 + b"\0"
    far = [(4096 * number + 64, 0) for number in range(63)]
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        hand = machine.hand()
        for arguments in (b"", block, many * 4096):
            for variables in (b"", block, many * 4096):
                for descriptors in ([], far):
                    _spawn(hand, arguments, variables, descriptors)
        _spawn(hand, block, b"x" * most, [])
        _spawn(hand, b"\0" * 4097, b"x" * most, [])
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        machine.program(b"middle", _spawn_with_all)
        hand = machine.hand()
        hand.put(VARIABLES, block)
        hand.put(STRINGS, block)
        start, size = hand.put(PATH, b"middle")
        assert hand.call("spawn", start, size, STRINGS, most, VARIABLES, most, 0, 0, 0, 0, OUT) == 0
        assert hand.waitpid()[1] == 0


def _spawn(hand: Hand, arguments: bytes, variables: bytes, descriptors: list[tuple[int, int]]) -> None:
    start, size = hand.put(PATH, b"child")
    hand.put(STRINGS, arguments)
    hand.put(VARIABLES, variables)
    hand.put(MAP, b"".join(struct.pack("<II", *pair) for pair in descriptors))
    hand.call(
        "spawn",
        start,
        size,
        STRINGS,
        len(arguments),
        VARIABLES,
        len(variables),
        MAP if descriptors else 0,
        len(descriptors),
        0,
        0,
        OUT,
    )
    hand.waitpid()


def _spawn_with_all(calls: Calls) -> Body:
    """Spawn a child with arguments and the inherited environment."""
    calls.put(STRINGS, b"x" * (128 * KIB - 1) + b"\0")
    errno = yield "spawn", (*calls.put(PATH, b"child"), STRINGS, 128 * KIB, 0, 0, 0, 0, 0, 0, OUT)
    yield from calls.waitpid()
    yield from calls.exit(errno)


@case
def forks(ledger: Ledger) -> None:
    """Copies with the largest arguments, and changes of descriptor tables that others share."""
    block = ["x" * (128 * KIB - 1)]
    with ledger.machine(128 * MIB) as machine:
        hand = machine.hand(arguments=block, environment=block)
        hand.program.forked = _change_descriptors
        with machine.warm():
            while hand.dup(ROOT) < 4096 + 64:
                pass
        for _ in range(8):
            hand.fork()
            hand.dup2(ROOT, 200)
            hand.waitpid()
        with machine.warm():
            for number in range(128, 4096):
                hand.close(number)
        for _ in range(8):
            hand.fork()
            hand.dup2(ROOT, 4096)
            hand.waitpid()
    with ledger.machine() as machine:
        hand = machine.hand()
        hand.program.forked = _exit
        for _ in range(100):
            hand.fork()
            hand.waitpid()


def _change_descriptors(calls: Calls) -> Body:
    """Change something in each leaf, by every call that does."""
    parent = calls.process.parent
    if parent is None or parent.parent is not None:  # a child's child: it stays as long as others run
        yield from calls.sleep(5)
        yield from calls.exit(0)
    yield from calls.fork()  # so that what the parent changed is shared again
    yield from calls.close(4096)
    yield from calls.close(10)
    yield from calls.dup(ROOT)
    yield from calls.dup(ROOT)
    for number in (20, 70, 130, 4100, 4097, 200_000):
        yield from calls.dup2(ROOT, number)
    yield from calls.fork()
    yield "fd_renumber", (11, 131)
    yield "fd_renumber", (71, 4098)
    yield "fd_renumber", (4099, 12)
    yield from calls.fork()
    yield from calls.close(200_000)
    yield from calls.open(b".", rights=READ_ONLY)
    yield from calls.pipe()
    yield from calls.fork()
    yield from calls.pipe()
    yield from calls.exit(0)


@case
def tables_that_hundreds_share(ledger: Ledger) -> None:
    """Changes of nodes that 256 others own: each count of owners and references becomes an int of its own."""
    with ledger.machine(128 * MIB) as machine:
        program = Program(machine, "sharer", _share_a_table, STRINGS + 4 * KIB)
        machine.run_until_ended(machine.start(program))


def _share_a_table(calls: Calls) -> Body:
    program = calls.process.image
    assert isinstance(program, Program)
    reader, _ = yield from calls.pipe()
    yield from calls.socket()
    yield from calls.bind(_LISTENER, b"name")
    yield from calls.listen(_LISTENER)
    yield from calls.connect((yield from calls.socket()), b"name")
    while (yield from calls.open(b".", rights=READ_ONLY)) < 128:  # each another description
        pass
    for number in range(128, 4096, 64):  # in every leaf below one node
        yield from calls.dup2(ROOT, number)
    yield from calls.close(63)
    yield from calls.close(127)
    program.forked = _copying(reader)
    for _ in range(255):
        assert (yield from calls.fork()) > 0
    yield from calls.sleep(1)
    for change in _CHANGES:
        program.forked = _changing(*change)
        yield from calls.waitpid((yield from calls.fork()))
    yield from calls.exit(0)


_LISTENER: Final = 6
# Each of them changes one leaf, or two.
_CHANGES: Final = (
    ("dup", (ROOT, OUT)),
    ("dup2", (ROOT, 63)),
    ("fd_close", (5,)),
    ("fd_renumber", (5, 100)),
    ("pipe", (OUT,)),
    ("socket", (abi.AF_UNIX, abi.SOCK_STREAM, OUT)),
    ("socketpair", (abi.AF_UNIX, abi.SOCK_STREAM, OUT)),
    ("sock_accept", (_LISTENER, 0, OUT)),
)


def _copying(reader: int) -> Callable[[Calls], Body]:
    def body(calls: Calls) -> Body:
        yield from calls.dup2(ROOT, 63)
        yield from calls.dup2(ROOT, 127)
        calls.put(VECTORS, struct.pack("<II", STRINGS, 1))
        yield "fd_read", (reader, VECTORS, 1, OUT)  # for ever

    return body


def _changing(name: str, arguments: tuple[int, ...]) -> Callable[[Calls], Body]:
    def body(calls: Calls) -> Body:
        yield name, arguments
        yield from calls.exit(0)

    return body


@case
def execs(ledger: Ledger) -> None:
    """Programs in place of others, from the longest paths there are, with the largest arguments."""
    most = 128 * KIB
    block = b"x" * (most - 1) + b"\0"
    many = b"x" * 31 + b"\0"
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        machine.program(b"content", _exit)
        hand = machine.hand()
        with machine.warm():
            make_links(hand, ROOT)
            hand.write(hand.open(b"program", CREATE), b"content")
        for path in (b"child", *long_paths(b"", b"program"), b"x" * PATH_MAX):
            for strings in (b"", block, many * 4096):

                def become(calls: Calls, path: bytes = path, strings: bytes = strings) -> Body:
                    calls.put(STRINGS, strings)
                    where = calls.put(PATH, path)
                    yield "exec", (*where, STRINGS, len(strings), STRINGS, len(strings))

                machine.run_until_ended(machine.start(become))
        for _ in range(50):
            hand.exec(b"/none")


@case
def working_directories(ledger: Ledger) -> None:
    """Directories by the longest paths there are, in memory and on the host; and what starts there."""
    with host_machine(ledger) as (machine, _):
        machine.program(b"child", _exit)
        hand = machine.hand()
        for at in (ROOT, HOST):
            with machine.warm():
                make_links(hand, at)
                hand.mkdir(b"directory", at=at)
        for prefix in (b"/", b"/host/"):
            for last in (b".", b"directory"):
                for path in long_paths(b"", last):
                    where = hand.put(PATH, (prefix + path)[:PATH_MAX])
                    hand.call("chdir", *where)
                    hand.call("getcwd", DATA, FULL, OUT)
                    hand.call("chdir", *hand.put(PATH, path))
                    hand.spawn(b"child", directory=path)
                    hand.spawn(path, directory=prefix + path)
                    hand.waitpid(options=abi.NOHANG)
        for _ in range(100):
            hand.call("chdir", *hand.put(PATH, b"/"))
            hand.getcwd()


PSEUDO_NAMES = (
    *(b"null", b"zero", b"random", b"pipe", b"tty", b"kill", b"meminfo", b"heap", b"child"),
    *(b"self/status", b"self/cmdline", b"self/environ", b"self/cwd", b"self/fd/4999", b"fd/4999", b"self/fd"),
)


def _use_pseudo_file(hand: Hand, at: int, path: bytes, to_read: bool) -> None:
    where = hand.put(PATH, path)
    hand.call("path_filestat_get", at, 0, *where, OUT)
    hand.call("path_readlink", at, *where, DATA, FULL, OUT)
    hand.call("path_open", at, 0, *where, 0, READ_ONLY | abi.RIGHT_WRITE, HUGE, 0, OUT)
    if hand.call("path_open", at, 0, *where, 0, READ_ONLY, HUGE, 0, OUT):
        return
    fd = hand.calls.unpack("I")[0]
    hand.put(VECTORS, struct.pack("<II", DATA, FULL))
    if to_read:
        hand.call("fd_read", fd, VECTORS, 1, OUT)
    for cookie in (0, 1, 2, 3, 40, 4990, HUGE):
        hand.call("fd_readdir", fd, DATA, FULL, cookie, OUT)
    hand.call("fd_filestat_get", fd, OUT)
    hand.call("fd_seek", fd, 1 << 62, 0, OUT)
    hand.close(fd)


@case
def pseudo_files(ledger: Ledger) -> None:
    """Every call on /proc, /dev and /bin, with long paths, long arguments and a lot of descriptors."""
    strings = ["x" * 30] * 4000
    with ledger.machine(64 * MIB) as machine:
        for kind in (DEV, PROC, BIN):
            machine.preopen(open_pseudo(machine.system, kind))
        machine.program(b"/bin/child", _wait_for_ever)
        hand = machine.hand(arguments=strings, environment=strings)
        with machine.warm():
            while hand.dup(0) < 5000:
                pass
            hand.spawn(b"/bin/child")
        for at in (4, 5, 6):
            for name in PSEUDO_NAMES:
                for path in (name, name + b"/", *long_paths(b"self", name), b"self/../" * 500 + name):
                    _use_pseudo_file(hand, at, path, to_read=name != b"pipe")
            for size in (24, 30, FULL):
                for cookie in (0, 1, 5, 17):
                    hand.call("fd_readdir", at, DATA, size, cookie, OUT)
        kill = hand.open(b"kill", rights=abi.RIGHT_WRITE, at=5)
        hand.write(kill, b"%d" % (hand.process.pid + 1))


@case
def process_tables_at_their_edges(ledger: Ledger) -> None:
    """The child for which the process table takes new nodes; waiting; killing one that has a lot open."""
    with ledger.machine(128 * MIB) as machine:
        machine.program(b"child", _wait_for_ever, 4096)
        machine.program(b"busy", _open_a_lot)
        hand = machine.hand()
        with machine.warm():
            pids = [hand.spawn(b"child") for _ in range(4093)]
        assert pids[-1] == 4094
        assert hand.spawn(b"child") == 4095
        assert hand.spawn(b"child") == 4096
        assert hand.kill(4096) == 0
        assert hand.waitpid(4096) == (4096, 137)
        with machine.warm():
            for pid in pids[:200]:
                assert hand.kill(pid) == 0
        assert hand.waitpid(pids[0]) == (pids[0], 137)  # the last on the list of the dead
        with machine.warm():
            for pid in pids[1:200]:
                assert hand.waitpid(pid) == (pid, 137)
            pid = hand.spawn(b"busy")
            hand.sleep(1000)
        assert hand.kill(pid) == 0
        assert hand.waitpid() == (pid, 137)


def _open_a_lot(calls: Calls) -> Body:
    for number in range(300):
        yield from calls.open(b"file%d" % number, CREATE)
        yield from calls.unlink(b"file%d" % number)
        yield from calls.pipe()
        if number < 20:
            yield from calls.spawn(b"child")
            yield from calls.kill(calls.unpack("I")[0])
    yield from calls.read(5, 1)


@case
def killing_a_process_with_host_files(ledger: Ledger) -> None:
    """A process that lists directories of the host is killed."""
    with host_machine(ledger) as (machine, path):
        for number in range(10):
            (path / str(number)).touch()
        machine.program(b"busy", _list_the_host)
        hand = machine.hand()
        pid = hand.spawn(b"busy")
        hand.sleep(1000)
        assert hand.kill(pid) == 0
        assert hand.waitpid() == (pid, 137)


def _list_the_host(calls: Calls) -> Body:
    for _ in range(100):
        fd = yield from calls.open_directory(b".", at=HOST)
        yield from calls.readdir(fd, 100)
        yield from calls.open(b"1", at=HOST)
    yield from calls.sleep(1 << 60)
