"""Sockets inside the kernel: names, lines, connections, waiting and waking, errors, and whose account it is."""

from __future__ import annotations

import random

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.params import MAX_BACKLOG, SOCKET_NAME_MAX
from hardtack.kernel.pipes import CAPACITY
from hardtack.kernel.sockets import UNACCEPTED
from hardtack.lab.machine.driver import BLOCKED_CALL, KIB, MIB, Machine, address, after, on_read, on_write

NONBLOCKING = abi.SOCK_STREAM | abi.SOCK_NONBLOCK
NAMES = [b"/run/server", 8080]


def listening(hand, name=b"name", backlog=MAX_BACKLOG, kind=abi.SOCK_STREAM):
    fd = hand.socket(domain_of(name), kind)
    assert hand.bind(fd, name) == 0
    assert hand.listen(fd, backlog) == 0
    return fd


def domain_of(name):
    return abi.AF_INET if isinstance(name, int) else abi.AF_UNIX


def connected(hand, name=b"name", kind=abi.SOCK_STREAM):
    fd = hand.socket(domain_of(name), kind)
    assert hand.connect(fd, name) == 0
    return fd


# -- making connections
@pytest.mark.parametrize("name", NAMES)
def test_what_one_process_sends_arrives_at_another(machine, hand, name):
    listener = listening(hand, name)
    other = machine.hand()
    client = connected(other, name)
    server = hand.accept(listener)
    assert other.write(client, b"question") == 8
    assert hand.read(server, 100) == b"question"
    assert hand.send(server, b"answer") == 6
    assert other.recv(client, 100) == b"answer"


def test_accept_waits_for_a_connection(machine, hand):
    listener = listening(hand)
    hand.begin("accept", listener)
    assert hand.finish() is BLOCKED_CALL
    connected(machine.hand())
    assert hand.finish() > listener


@pytest.mark.parametrize("backlog", [0, 1, 3, MAX_BACKLOG, 1000])
def test_who_comes_when_the_line_is_full_waits_until_one_is_accepted(machine, hand, backlog):
    listener = listening(hand, backlog=backlog)
    for _ in range(max(1, min(backlog, MAX_BACKLOG))):
        connected(hand)
    late = machine.hand()
    fd = late.socket()
    late.begin("connect", fd, b"name")
    assert late.finish() is BLOCKED_CALL
    hand.accept(listener)
    assert late.finish() == 0


def test_who_waits_to_connect_learns_that_the_listener_is_gone(machine, hand):
    listener = listening(hand, backlog=1)
    connected(hand)
    late = machine.hand()
    late.begin("connect", late.socket(), b"name")
    assert late.finish() is BLOCKED_CALL
    hand.close(listener)
    assert late.finish() == abi.ENOENT


def test_who_waits_to_accept_learns_that_a_connection_is_there_even_if_another_took_the_first(machine, hand):
    listener = listening(hand)
    machine.program(b"acceptor", lambda calls: calls.accept(0))
    for _ in range(2):
        hand.spawn(b"acceptor", descriptors=[(0, listener)])
    machine.settle()
    client = machine.hand()
    connected(client)
    hand.waitpid()
    assert hand.waitpid(options=abi.NOHANG) == (0, hand.calls.unpack("I", 0x8004)[0])
    connected(client)
    assert hand.waitpid()[0] > 0


def test_connections_are_accepted_in_their_order(hand):
    listener = listening(hand)
    for number in range(5):
        hand.write(connected(hand), b"%d" % number)
    assert [hand.read(hand.accept(listener), 10) for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_connection_made_closed_and_accepted_still_delivers(hand):
    listener = listening(hand)
    client = connected(hand)
    hand.write(client, b"all there is")
    hand.close(client)
    server = hand.accept(listener)
    assert hand.read(server, 100) == b"all there is"
    assert hand.read(server, 100) == b""


def test_a_pair_is_connected(hand):
    one, other = hand.socketpair()
    hand.write(one, b"there")
    hand.write(other, b"back")
    assert (hand.read(other, 10), hand.read(one, 10)) == (b"there", b"back")


def test_a_socket_is_of_socket_type_and_not_seekable(hand):
    one, _ = hand.socketpair()
    assert hand.fstat(one).filetype == abi.SOCKET_STREAM
    assert hand.seek(one, 0) == -abi.ESPIPE
    assert hand.call("fd_fdstat_get", one, 0x8000) == 0
    assert hand.get(0x8000, 1)[0] == abi.SOCKET_STREAM


# -- what is refused
@pytest.mark.parametrize(("name", "errno"), [(b"nobody", abi.ENOENT), (99, abi.ECONNREFUSED)])
def test_nobody_listens_there(hand, name, errno):
    assert hand.connect(hand.socket(domain_of(name)), name) == errno


@pytest.mark.parametrize("name", NAMES)
def test_a_name_alone_is_not_listening(hand, name):
    hand.bind(hand.socket(domain_of(name)), name)
    assert hand.connect(hand.socket(domain_of(name)), name) == abi.ECONNREFUSED


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_until_its_socket_is_closed(hand, name):
    fd = listening(hand, name)
    other = hand.socket(domain_of(name))
    assert hand.bind(other, name) == abi.EADDRINUSE
    hand.close(fd)
    assert hand.bind(other, name) == 0


def test_a_socket_has_one_name(hand):
    fd = listening(hand)
    assert hand.bind(fd, b"another") == abi.EINVAL


def test_what_is_connected_cannot_connect_bind_or_listen(hand):
    one, _ = hand.socketpair()
    listening(hand)
    assert hand.connect(one, b"name") == abi.EISCONN
    assert hand.bind(one, b"other") == abi.EINVAL
    assert hand.listen(one) == abi.EINVAL


def test_a_listener_cannot_connect_read_or_write(hand):
    fd = listening(hand)
    assert hand.connect(fd, b"name") == abi.ENOTSUP
    assert hand.read(fd, 1) == -abi.ENOTCONN
    assert hand.write(fd, b"x") == -abi.ENOTCONN
    assert hand.shutdown(fd, 3) == abi.ENOTCONN


def test_only_a_listener_accepts_and_only_what_has_a_name_listens(hand):
    fd = hand.socket()
    assert hand.accept(fd) == -abi.EINVAL
    assert hand.listen(fd) == abi.EDESTADDRREQ


def test_what_does_not_wait_says_again(hand):
    listener = listening(hand, backlog=1, kind=NONBLOCKING)
    assert hand.accept(listener) == -abi.EAGAIN
    client = connected(hand, kind=NONBLOCKING)
    assert hand.connect(hand.socket(kind=NONBLOCKING), b"name") == abi.EAGAIN
    assert hand.read(client, 1) == -abi.EAGAIN
    assert hand.write(client, bytes(64 * KIB)) == UNACCEPTED
    assert hand.write(client, b"x") == -abi.EAGAIN
    server = hand.accept(listener, abi.FDFLAG_NONBLOCK)
    assert hand.read(server, 10_000) == bytes(UNACCEPTED)
    assert hand.read(server, 1) == -abi.EAGAIN


@pytest.mark.parametrize(
    ("domain", "kind", "errno"),
    [
        (2, abi.SOCK_STREAM, abi.EAFNOSUPPORT),
        (abi.AF_UNIX, 5, abi.EPROTOTYPE),
        (abi.AF_INET, 0, abi.EPROTOTYPE),
    ],
)
def test_there_are_two_families_and_one_type(hand, domain, kind, errno):
    assert hand.socket(domain, kind) == -errno
    assert hand.call("socketpair", domain, kind, 0x8000) == errno


def test_pairs_are_of_the_local_family(hand):
    assert hand.call("socketpair", abi.AF_INET, abi.SOCK_STREAM, 0x8000) == abi.ENOTSUP


@pytest.mark.parametrize("call", ["bind", "connect"])
@pytest.mark.parametrize(
    ("domain", "given", "errno"),
    [
        (abi.AF_UNIX, address(80), abi.EAFNOSUPPORT),
        (abi.AF_INET, address(b"name"), abi.EAFNOSUPPORT),
        (abi.AF_INET, address(80)[:7], abi.EINVAL),
        (abi.AF_INET, address(0), abi.EADDRNOTAVAIL),
        (abi.AF_INET, address(80)[:4] + b"\x08\x08\x08\x08", abi.EADDRNOTAVAIL),
        (abi.AF_UNIX, address(b""), abi.EINVAL),
        (abi.AF_UNIX, address(b"\0name"), abi.EINVAL),
        (abi.AF_UNIX, b"\3", abi.EINVAL),
        (abi.AF_UNIX, address(b"n" * (SOCKET_NAME_MAX + 1)), abi.EINVAL),
        (abi.AF_UNIX, address(b"n" * 200), abi.EINVAL),
    ],
)
def test_addresses_that_are_none(hand, call, domain, given, errno):
    fd = hand.socket(domain)
    assert hand.call(call, fd, *hand.put(0x1000, given)) == errno


def test_a_name_ends_with_the_address_or_with_a_nul(hand):
    fd = hand.socket()
    assert hand.call("bind", fd, *hand.put(0x1000, address(b"n" * SOCKET_NAME_MAX + b"\0"))) == 0
    assert hand.bind(hand.socket(), b"n" * SOCKET_NAME_MAX) == abi.EADDRINUSE


@pytest.mark.parametrize("call", ["bind", "listen", "connect"])
def test_what_is_no_socket(hand, call):
    arguments = (0,) if call == "listen" else hand.put(0x1000, address(b"name"))
    assert hand.call(call, 0, *arguments) == abi.ENOTSOCK
    assert hand.call(call, 99, *arguments) == abi.EBADF


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("sock_accept", (0, 0x8000)),
        ("sock_recv", (0x5000, 1, 0, 0x8000, 0x8004)),
        ("sock_send", (0x5000, 1, 0, 0x8000)),
        ("sock_shutdown", (3,)),
    ],
)
def test_preview1s_calls_on_what_is_no_socket(hand, call, arguments):
    hand.put(0x5000, bytes(8))
    assert hand.call(call, 0, *arguments) == abi.ENOTSOCK
    assert hand.call(call, 99, *arguments) == abi.EBADF


def test_flags_that_do_not_exist(hand):
    one, _ = hand.socketpair()
    assert hand.accept(listening(hand), abi.FDFLAG_APPEND) == -abi.EINVAL
    assert hand.recv(one, 1, 4) == -abi.EINVAL
    assert hand.call("sock_send", one, 0x5000, 1, 1, 0x8000) == abi.EINVAL
    assert hand.shutdown(one, 0) == abi.EINVAL
    assert hand.shutdown(one, 4) == abi.EINVAL


# -- ends
def test_a_reader_finds_the_end_when_the_peer_is_closed(machine, hand):
    one, other = hand.socketpair()
    hand.write(one, b"last words")
    hand.close(one)
    assert hand.read(other, 100) == b"last words"
    assert hand.read(other, 100) == b""
    assert hand.write(other, b"x") == -abi.EPIPE


def test_a_peer_that_goes_without_reading_resets_the_connection_once(hand):
    one, other = hand.socketpair()
    hand.write(one, b"unread")
    hand.write(other, b"kept")
    hand.close(other)
    assert hand.read(one, 100) == b"kept"
    assert hand.read(one, 100) == -abi.ECONNRESET
    assert hand.read(one, 100) == b""
    assert hand.write(one, b"x") == -abi.EPIPE


def test_a_writer_is_told_of_a_reset_before_the_broken_pipe(hand):
    one, other = hand.socketpair()
    hand.write(one, b"unread")
    hand.close(other)
    assert hand.write(one, b"x") == -abi.ECONNRESET
    assert hand.write(one, b"x") == -abi.EPIPE


def test_who_was_not_accepted_when_the_listener_is_closed_is_reset(hand):
    listener = listening(hand)
    client = connected(hand)
    hand.close(listener)
    assert hand.read(client, 1) == -abi.ECONNRESET
    assert hand.write(client, b"x") == -abi.EPIPE


def test_shutdown_of_writing_ends_one_direction(hand):
    one, other = hand.socketpair()
    assert hand.shutdown(one, abi.SHUT_WR) == 0
    assert hand.read(other, 1) == b""
    assert hand.write(one, b"x") == -abi.EPIPE
    assert hand.write(other, b"still") == 5
    assert hand.read(one, 10) == b"still"
    assert hand.shutdown(one, abi.SHUT_WR) == 0


def test_shutdown_of_reading_breaks_the_peers_pipe_and_keeps_what_has_come(hand):
    one, other = hand.socketpair()
    hand.write(other, b"early")
    assert hand.shutdown(one, abi.SHUT_RD) == 0
    assert hand.write(other, b"late") == -abi.EPIPE
    assert hand.read(one, 10) == b"early"
    assert hand.read(one, 10) == b""


def test_shutdown_of_a_peer_that_is_gone_is_no_error(hand):
    one, other = hand.socketpair()
    hand.close(other)
    assert hand.shutdown(one, 3) == 0


@pytest.mark.parametrize("how", ["close", "shutdown"])
def test_a_reader_that_waits_learns_of_the_end(machine, hand, how):
    one, other = hand.socketpair()
    answers = []

    def reader(calls):
        answers.append((yield from calls.read(0, 10)))

    machine.program(b"reader", reader)
    hand.spawn(b"reader", descriptors=[(0, one)])
    machine.settle()
    assert answers == []
    hand.close(other) if how == "close" else hand.shutdown(other, abi.SHUT_WR)
    machine.settle()
    assert answers == [b""]


def test_a_writer_that_waits_learns_of_the_end(machine, hand):
    one, other = hand.socketpair()
    hand.write(one, bytes(CAPACITY))
    answers = []

    def writer(calls):
        answers.append((yield from calls.write(0, b"x")))
        answers.append((yield from calls.write(0, b"x")))

    machine.program(b"writer", writer)
    hand.spawn(b"writer", descriptors=[(0, one)])
    machine.settle()
    hand.close(other)
    machine.settle()
    assert answers == [-abi.ECONNRESET, -abi.EPIPE]


# -- bytes
def test_a_peek_leaves_what_it_reads(hand):
    one, other = hand.socketpair()
    data = random.Random(1).randbytes(60_000)
    hand.write(one, bytes(30_000))
    hand.read(other, 30_000)
    hand.write(one, data)
    assert hand.recv(other, 60_000, abi.RECV_PEEK) == data
    assert hand.recv(other, 5, abi.RECV_PEEK) == data[:5]
    assert hand.recv(other, 60_000) == data


def test_wait_all_waits_for_all(machine, hand):
    one, other = hand.socketpair()
    hand.write(one, b"12")
    peer = []

    def reader(calls):
        peer.append((yield from calls.recv(0, 4, abi.RECV_WAITALL)))
        peer.append((yield from calls.recv(0, 4, abi.RECV_WAITALL)))

    machine.program(b"reader", reader)
    hand.spawn(b"reader", descriptors=[(0, other)])
    machine.settle()
    assert peer == []
    hand.write(one, b"345")
    machine.settle()
    hand.shutdown(one, abi.SHUT_WR)
    machine.settle()
    assert peer == [b"1234", b"5"]


def test_everything_arrives_however_it_is_cut(machine, hand):
    listener = listening(hand)
    data = random.Random(2).randbytes(400_000)

    def client(calls):
        fd = yield from calls.socket()
        yield from calls.connect(fd, b"name")
        assert (yield from calls.write_all(fd, data)) == len(data)

    process = machine.start(client)
    server = hand.accept(listener)
    got = bytearray()
    size = 1
    while piece := hand.read(server, size):
        got += piece
        size = size * 3 % 65_521
    assert bytes(got) == data
    machine.run_until_ended(process)


# -- polling
def test_a_listener_is_ready_when_somebody_waits_to_be_accepted(machine, hand):
    listener = listening(hand)
    assert hand.poll(on_read(listener, 1), after(1, 2)) == [(2, 0, abi.EVENT_CLOCK, 0, 0)]
    hand.begin("poll", on_read(listener, 1))
    assert hand.finish() is BLOCKED_CALL
    connected(machine.hand())
    assert hand.finish() == [(1, 0, abi.EVENT_READ, 1, 0)]


def test_a_connection_is_ready_for_what_it_has_and_has_room_for(hand):
    one, other = hand.socketpair()
    assert hand.poll(on_read(one, 1), on_write(one, 2)) == [(2, 0, abi.EVENT_WRITE, CAPACITY, 0)]
    hand.write(other, b"abc")
    assert hand.poll(on_read(one, 1)) == [(1, 0, abi.EVENT_READ, 3, 0)]
    hand.write(one, bytes(CAPACITY))
    assert hand.poll(on_write(one, 1), after(1, 2)) == [(2, 0, abi.EVENT_CLOCK, 0, 0)]


def test_an_end_is_a_hang_up(hand):
    one, other = hand.socketpair()
    hand.close(other)
    assert hand.poll(on_read(one, 1)) == [(1, 0, abi.EVENT_READ, 1, abi.EVENT_HANGUP)]


# -- accounts
def test_everything_goes_back_when_it_is_closed(machine, hand):
    other = machine.hand()
    for fd in [other.socket(), hand.socket()]:
        (other if fd == 4 else hand).close(fd)
    hand.close(4)
    before = machine.live()
    for _ in range(3):
        listener = listening(hand)
        clients = [connected(other) for _ in range(MAX_BACKLOG)]
        for client in clients:
            other.write(client, bytes(UNACCEPTED))
        servers = [hand.accept(listener) for _ in range(5)]
        for client in clients[:5]:
            other.write(client, bytes(CAPACITY - UNACCEPTED))
        for fd in servers:
            hand.write(fd, bytes(CAPACITY))
        assert machine.live() > before + 5 * CAPACITY
        for fd in (*servers, listener):
            hand.close(fd)
        for fd in clients:
            other.close(fd)
        machine.settle()
    assert machine.live() <= before + 200


def test_what_was_received_is_in_the_receivers_account(machine, hand):
    other = machine.hand()
    listener = listening(hand)
    client = connected(other)
    server = hand.accept(listener)
    ours, theirs = hand.process.group.heap.live, other.process.group.heap.live
    other.write(client, bytes(CAPACITY))
    assert hand.process.group.heap.live - ours >= CAPACITY
    assert other.process.group.heap.live - theirs < KIB
    hand.read(server, 64 * KIB)
    assert hand.process.group.heap.live - ours < KIB


def test_a_group_that_is_killed_gives_back_all_that_it_was_sent(machine, hand):
    victim = machine.hand()
    listener = listening(victim)
    clients = [connected(hand) for _ in range(4)]
    for client in clients:
        victim.accept(listener)
        hand.write(client, bytes(CAPACITY))
    before = machine.live()
    held = victim.process.group.heap.live
    assert held >= 4 * CAPACITY
    death.kill_group(machine.system, victim.process.group, "for a test")
    assert before - machine.live() >= held - 3 * KIB  # the process itself, which the test still knows
    assert hand.read(clients[0], 1) == -abi.ECONNRESET
    assert hand.connect(hand.socket(), b"name") == abi.ENOENT


def test_nobody_fills_the_account_of_who_does_not_accept(machine, hand):
    listening(hand)
    before = hand.process.group.heap.live

    def hog(calls):
        while True:
            fd = yield from calls.socket()
            yield from calls.connect(fd, b"name")
            yield from calls.call("fd_fdstat_set_flags", fd, abi.FDFLAG_NONBLOCK)
            yield from calls.write(fd, bytes(64 * KIB))

    machine.start(hog)
    machine.settle()
    assert hand.process.group.heap.live - before <= MAX_BACKLOG * (17 * KIB + 1500)


@pytest.mark.parametrize("call", ["socket", "connect", "pair"])
def test_a_hog_of_sockets_is_killed_and_the_others_go_on(call):
    def hog(calls):
        while True:
            if call == "pair":
                one, _ = yield from calls.socketpair()
                yield from calls.write(one, bytes(CAPACITY))
                continue
            fd = yield from calls.socket()
            if call == "connect":
                yield from calls.bind(fd, b"%d" % fd)
                yield from calls.listen(fd)
                other = yield from calls.socket()
                assert (yield from calls.connect(other, b"%d" % fd)) == 0
                yield from calls.write(other, bytes(UNACCEPTED))

    with Machine(4 * MIB, 512 * KIB) as machine:
        citizen = machine.hand(protected=True)
        listener = listening(citizen, b"citizen")
        process = machine.start(hog)
        machine.run_until_ended(process)
        assert [kill.program for kill in machine.system.kills] == ["hog"]
        client = connected(citizen, b"citizen")
        server = citizen.accept(listener)
        citizen.write(client, b"still here")
        assert citizen.read(server, 100) == b"still here"
