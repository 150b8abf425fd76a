"""Sockets of the host: accepting, waiting for clients, polling many of them, errors, limits."""

from __future__ import annotations

import socket
import struct

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel import host_sockets as module
from hardtack.kernel.host_sockets import HostListener
from hardtack.kernel.streams import Null
from hardtack.lab.machine.driver import BLOCKED_CALL, SECOND, Machine, after, on_read, on_write

LISTENER = 3
NONBLOCK = abi.FDFLAG_NONBLOCK


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def hand(machine, server):
    return machine.hand(streams=lambda _: [Null(), Null(), Null(), HostListener(server.dup())])


@pytest.fixture
def client(server):
    with socket.create_connection(server.getsockname(), timeout=10) as made:
        yield made


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_what_clients_send_is_read_and_what_is_written_arrives(hand, client):
    fd = hand.accept(LISTENER)
    client.sendall(b"question")
    assert hand.read(fd, 100) == b"question"
    assert hand.write(fd, b"answer") == 6
    assert client.recv(100) == b"answer"


def test_accept_waits_for_a_client(machine, hand, server):
    hand.begin("accept", LISTENER)
    machine.run(lambda: hand.process.waits_for_host)
    with socket.create_connection(server.getsockname()):
        assert hand.finish() > LISTENER


def test_a_read_waits_for_its_client_and_others_go_on(machine, hand, client):
    fd = hand.accept(LISTENER)
    other = machine.hand()
    hand.begin("read", fd, 10)
    machine.run(lambda: hand.process.waits_for_host)
    assert other.mkdir(b"meanwhile") == 0
    client.sendall(b"late")
    assert hand.finish() == b"late"


def test_a_write_waits_until_its_client_reads(machine, hand, client):
    fd = hand.accept(LISTENER, NONBLOCK)
    filled = 0
    while (done := hand.write(fd, bytes(65536))) >= 0:
        filled += done
    assert done == -abi.EAGAIN
    assert hand.call("fd_fdstat_set_flags", fd, 0) == 0
    hand.begin("write", fd, b"more")
    machine.run(lambda: hand.process.waits_for_host)
    while filled > 0:
        filled -= len(client.recv(min(filled, 1 << 20)))
    assert hand.finish() == 4


def test_a_thousand_looks_do_not_wake_who_waits_for_another_client(machine, server, hand):
    with (
        socket.create_connection(server.getsockname()) as first,
        socket.create_connection(server.getsockname()) as second,
    ):
        fds = [hand.accept(LISTENER), hand.accept(LISTENER)]
        answers = []

        def reader(calls):
            answers.append((yield from calls.read(0, 10)))

        machine.program(b"reader", reader)
        for fd in fds:
            hand.spawn(b"reader", descriptors=[(0, fd)])
        machine.run(lambda: machine.system.host.waiting == 2)
        waiting = machine.system.process(hand.process.pid + 1)
        second.sendall(b"2")
        machine.run(lambda: bool(answers))
        assert answers == [b"2"]
        assert waiting.waits_for_host
        first.sendall(b"1")
        machine.run(lambda: len(answers) == 2)


def test_a_poll_watches_any_number_of_clients(machine, server, hand):
    clients = [socket.create_connection(server.getsockname()) for _ in range(50)]
    fds = [hand.accept(LISTENER) for _ in clients]
    for number in (49, 0, 25):
        hand.begin("poll", *(on_read(fd, fd) for fd in fds), on_read(LISTENER, 1))
        machine.run(lambda: hand.process.waits_for_host)
        clients[number].sendall(b"x")
        assert [event[0] for event in hand.finish()] == [fds[number]]
        hand.read(fds[number], 1)
    hand.begin("poll", *(on_read(fd, fd) for fd in fds), on_read(LISTENER, 1))
    machine.run(lambda: hand.process.waits_for_host)
    clients.append(socket.create_connection(server.getsockname()))
    assert [event[0] for event in hand.finish()] == [1]
    for client in clients:
        client.close()


def test_a_poll_for_clients_and_a_clock_ends_with_the_clock(machine, hand, client):
    fd = hand.accept(LISTENER)
    assert hand.poll(on_read(fd, 1), on_read(LISTENER, 2), after(SECOND, 3)) == [
        (3, 0, abi.EVENT_CLOCK, 0, 0)
    ]


def test_a_client_that_has_gone_is_a_hang_up(hand, client):
    fd = hand.accept(LISTENER)
    assert hand.poll(on_write(fd, 1)) == [(1, 0, abi.EVENT_WRITE, 1, 0)]
    client.shutdown(socket.SHUT_WR)
    assert hand.poll(on_read(fd, 1)) == [(1, 0, abi.EVENT_READ, 1, abi.EVENT_HANGUP)]
    assert hand.read(fd, 10) == b""


def test_a_client_that_breaks_off_is_econnreset(hand, client):
    fd = hand.accept(LISTENER)
    reset(client)
    assert hand.read(fd, 10) == -abi.ECONNRESET
    assert hand.write(fd, b"x") == -abi.EPIPE


def test_a_reader_learns_that_its_client_broke_off(machine, hand, client):
    fd = hand.accept(LISTENER)
    hand.begin("read", fd, 10)
    machine.run(lambda: hand.process.waits_for_host)
    reset(client)
    assert hand.finish() == -abi.ECONNRESET


def test_shutdown_ends_what_the_client_reads(hand, client):
    fd = hand.accept(LISTENER)
    assert hand.shutdown(fd, abi.SHUT_WR) == 0
    assert client.recv(10) == b""
    assert hand.write(fd, b"x") == -abi.EPIPE
    client.sendall(b"still")
    assert hand.read(fd, 10) == b"still"


def test_a_peek_leaves_what_it_reads_and_wait_all_is_not_supported(hand, client):
    fd = hand.accept(LISTENER)
    client.sendall(b"abc")
    assert hand.recv(fd, 10, abi.RECV_PEEK) == b"abc"
    assert hand.recv(fd, 10) == b"abc"
    assert hand.recv(fd, 10, abi.RECV_WAITALL) == -abi.ENOTSUP


def test_what_does_not_wait_says_again(hand, client):
    fd = hand.accept(LISTENER, NONBLOCK)
    assert hand.read(fd, 10) == -abi.EAGAIN
    hand.call("fd_fdstat_set_flags", LISTENER, NONBLOCK)
    assert hand.accept(LISTENER) == -abi.EAGAIN


def test_a_listener_is_no_connection(hand):
    assert hand.read(LISTENER, 1) == -abi.ENOTCONN
    assert hand.write(LISTENER, b"x") == -abi.ENOTCONN
    assert hand.recv(LISTENER, 1) == -abi.ENOTCONN
    assert hand.send(LISTENER, b"x") == -abi.ENOTCONN
    assert hand.shutdown(LISTENER, 3) == abi.ENOTCONN


def test_a_connection_accepts_nothing(hand, client):
    assert hand.accept(hand.accept(LISTENER)) == -abi.ENOTSOCK


def test_sockets_of_the_host_are_not_bound_or_connected_in_the_kernel(hand, client):
    for fd in (LISTENER, hand.accept(LISTENER)):
        assert hand.bind(fd, b"name") == abi.ENOTSOCK
        assert hand.listen(fd) == abi.ENOTSOCK
        assert hand.connect(fd, b"name") == abi.ENOTSOCK


@pytest.mark.parametrize("which", ["listener", "connection"])
def test_sockets_are_of_socket_type(hand, client, which):
    fd = LISTENER if which == "listener" else hand.accept(LISTENER)
    assert hand.fstat(fd).filetype == abi.SOCKET_STREAM
    assert hand.call("fd_fdstat_get", fd, 0x8000) == 0
    assert hand.get(0x8000, 1)[0] == abi.SOCKET_STREAM


def test_a_search_for_preopened_directories_passes_over_the_listener(hand):
    """libc and Go go on after what is no directory, and stop at the first EBADF."""
    assert hand.call("fd_prestat_get", LISTENER, 0x8000) == 0
    assert hand.calls.unpack("II", 0x8000) == (abi.PREOPEN_SOCKET, 0)
    assert hand.call("fd_prestat_dir_name", LISTENER, 0x8000, 0) == 0
    assert hand.call("fd_prestat_get", LISTENER + 1, 0x8000) == 0
    assert hand.calls.unpack("II", 0x8000) == (abi.PREOPEN_DIRECTORY, 1)


def test_connections_are_limited_and_closing_one_makes_room(monkeypatch, hand, server):
    monkeypatch.setattr(module, "MAX_HOST_SOCKETS", 2)
    clients = [socket.create_connection(server.getsockname()) for _ in range(3)]
    fd = hand.accept(LISTENER)
    hand.accept(LISTENER)
    assert hand.accept(LISTENER) == -abi.ENFILE
    hand.close(fd)
    assert hand.accept(LISTENER) > 0
    for client in clients:
        client.close()


def test_an_end_closes_connections_and_listener(server):
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [Null(), Null(), Null(), HostListener(server.dup())])
        client = socket.create_connection(server.getsockname(), timeout=10)
        hand.accept(LISTENER)
        assert machine.system.host_sockets.used == 1
        death.end_all(machine.system, "for a test")
        assert client.recv(1) == b""
        client.close()
        assert machine.system.host_sockets.used == 0


def test_a_process_that_is_killed_waits_for_nothing(machine, hand, client):
    fd = hand.accept(LISTENER)
    machine.program(b"reader", lambda calls: calls.read(0, 1))
    pid = hand.spawn(b"reader", descriptors=[(0, fd)])
    machine.run(lambda: machine.system.host.waiting == 1)
    hand.kill(pid)
    assert machine.system.host.waiting == 0
    pipe, _ = hand.pipe()
    assert hand.read(pipe, 1) is BLOCKED_CALL
