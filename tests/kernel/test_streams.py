"""Streams between guests and the host: given, captured, thrown away, the host's own descriptors."""

from __future__ import annotations

import os
import socket

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.params import PAGE
from hardtack.kernel.streams import Capture, HostStream, Null, Source
from hardtack.lab.machine.driver import MIB, Machine

DATA = bytes(i * 11 % 251 for i in range(100_000))


def captured(limit=MIB):
    """Return a machine, a hand whose descriptor 1 is captured, and the capture."""
    machine = Machine()
    captures = []

    def streams(process):
        captures.append(Capture(process.group.heap, limit))
        return [Source(DATA), captures[0], Null()]

    return machine, machine.hand(streams=streams), captures[0]


def test_what_is_written_is_captured():
    machine, hand, capture = captured()
    with machine:
        for size in (0, 1, 1022, 1, PAGE, PAGE + 1, 50_000):
            assert hand.write(1, DATA[:size]) == size
        expected = b"".join(DATA[:size] for size in (0, 1, 1022, 1, PAGE, PAGE + 1, 50_000))
        assert capture.size == len(expected)
        assert capture.take() == expected
        assert capture.take() == b""
        assert not capture.refused


def test_a_capture_ends_at_its_limit():
    machine, hand, capture = captured(10)
    with machine:
        assert hand.write(1, b"1234567") == 7
        assert not capture.refused
        assert hand.write(1, b"89abcd") == 3
        assert capture.refused
        assert hand.write(1, b"x") == -abi.ENOSPC
        assert capture.take() == b"123456789a"


def test_a_capture_of_a_megabyte_is_dropped_without_deep_recursion():
    machine, hand, capture = captured(8 * MIB)
    with machine:
        for _ in range(30):
            hand.write_all(1, DATA)
        before = machine.live()
        capture.drop()
        assert before - machine.live() >= 3_000_000


def test_captured_output_is_charged_to_the_group():
    machine, hand, _ = captured()
    with machine:
        heap = hand.process.group.heap
        before = heap.live
        hand.write(1, DATA[:65536])
        assert heap.live - before >= 65536
        death.end(machine.system, hand.process, 0)


def test_what_was_captured_outlives_its_process():
    machine, hand, capture = captured()
    with machine:
        hand.write(1, b"last words")
        death.end(machine.system, hand.process, 0)
        assert capture.take() == b"last words"


def test_a_source_is_read_once_to_its_end():
    machine, hand, _ = captured()
    with machine:
        found = bytearray()
        while piece := hand.read(0, 7001):
            found += piece
        assert bytes(found) == DATA
        assert hand.read(0, 10) == b""


def test_nothing_reads_as_nothing_and_takes_everything():
    machine, hand, _ = captured()
    with machine:
        assert hand.read(2, 10) == b""
        assert hand.write(2, DATA[:65536]) == 65536
        assert hand.fstat(2).filetype == abi.UNKNOWN  # as wasmtime has it


@pytest.mark.parametrize("fd", [0, 1, 2])
def test_streams_have_no_position_and_no_size(fd):
    machine, hand, _ = captured()
    with machine:
        assert hand.seek(fd, 0) == -abi.ESPIPE
        assert hand.truncate(fd, 0) == abi.EBADF
        assert hand.stat(b"x", at=fd) == -abi.EBADF
        assert hand.fstat(fd).size == 0


def test_each_stream_has_its_direction():
    machine, hand, _ = captured()
    with machine:
        assert hand.write(0, b"x") == -abi.EBADF
        assert hand.read(1, 1) == -abi.EBADF


def test_a_file_of_the_host_is_read_and_written(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"from the host")
    fd = os.open(path, os.O_RDWR)
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [HostStream(fd)])
        assert hand.read(0, 4) == b"from"
        assert hand.write(0, b" A") == 2
        assert path.read_bytes() == b"from Ahe host"
    assert os.fstat(fd).st_size == 13  # who opened it closes it
    os.close(fd)


def test_a_terminal_is_a_character_device():
    master, slave = os.openpty()
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [HostStream(slave), HostStream(slave)])
        assert hand.fstat(0).filetype == abi.CHARACTER_DEVICE
        assert hand.write(1, b"hello") == 5
        assert os.read(master, 10) == b"hello"
        os.write(master, b"typed\n")
        assert hand.read(0, 100) == b"typed\n"
    os.close(master)
    os.close(slave)


def test_a_terminal_that_takes_nothing_does_not_block():
    master, slave = os.openpty()
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [Null(), HostStream(slave)])
        hand.begin("write_all", 1, bytes(1 << 20))
        machine.run(lambda: hand.process.waits_for_host)
        assert os.get_blocking(slave)
    os.close(master)
    os.close(slave)


def test_a_socket_of_the_host_is_read_and_written_and_does_not_block():
    ours, theirs = socket.socketpair()
    with Machine() as machine, ours, theirs:
        hand = machine.hand(streams=lambda _: [HostStream(theirs.fileno()), HostStream(theirs.fileno())])
        ours.send(b"hello")
        assert hand.read(0, 10) == b"hello"
        assert hand.write(1, b"well") == 4
        assert ours.recv(10) == b"well"
        hand.begin("write_all", 1, bytes(1 << 20))
        machine.run(lambda: hand.process.waits_for_host)
        assert theirs.getblocking()


@pytest.mark.parametrize(
    ("path", "flags", "errno"),
    [("/dev/null", os.O_RDONLY, abi.EBADF), ("/dev/full", os.O_WRONLY, abi.ENOSPC)],
)
def test_an_error_of_the_host_is_the_programs(path, flags, errno):
    fd = os.open(path, flags)
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [HostStream(fd)])
        assert hand.write(0, b"x") == -errno
    os.close(fd)


def test_a_large_write_to_a_host_pipe_waits_and_does_not_block_the_kernel():
    reader, writer = os.pipe()
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [Null(), HostStream(writer)])
        other = machine.hand()
        hand.begin("write", 1, DATA)
        machine.run(lambda: hand.process.waits_for_host)
        assert other.mkdir(b"meanwhile") == 0
        got = os.read(reader, len(DATA))
        assert 0 < len(got) < len(DATA)
        assert hand.finish() == len(DATA)
        while len(got) < len(DATA):
            got += os.read(reader, len(DATA))
        assert got == DATA
    os.close(reader)
    os.close(writer)


def is_terminal(hand, fd):
    """Judge a descriptor as wasi-libc's isatty does."""
    assert hand.call("fd_fdstat_get", fd, 0) == 0
    filetype, _, rights, _ = abi.FDSTAT.unpack(hand.process.memory[:24])
    return filetype == abi.CHARACTER_DEVICE and not rights & (abi.RIGHT_SEEK | abi.RIGHT_TELL)


def test_of_streams_only_a_terminal_looks_like_one():
    master, slave = os.openpty()
    reader, writer = os.pipe()
    streams = [Null(), Source(DATA), HostStream(slave), HostStream(reader), HostStream(writer)]
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: streams)
        assert [is_terminal(hand, fd) for fd in range(5)] == [False, False, True, False, False]
    for fd in (master, slave, reader, writer):
        os.close(fd)
