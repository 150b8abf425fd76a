"""Directed worst cases of what moves bytes: files, streams, pipes, sockets; and of polling them."""

from __future__ import annotations

import os
import socket
import struct

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_sockets import HostListener
from hardtack.kernel.params import MAX_HOST_SOCKETS, MAX_POLL, PAGE
from hardtack.kernel.process import Process
from hardtack.kernel.streams import Capture, HostStream, Null, Source
from hardtack.lab.machine.driver import (
    DATA,
    KIB,
    MIB,
    OUT,
    STRINGS,
    VECTORS,
    Hand,
    Machine,
    after,
    on_read,
    on_write,
)
from hardtack.lab.machine.ledger import Ledger
from hardtack.lab.machine.worst_cases import BIG, CREATE, FULL, HUGE, case


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
        hand.write(writer, bytes(FULL)) if what == b"writer" else None
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
