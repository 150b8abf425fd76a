"""Pipes: the ring against a bytes queue; ends, waiting and waking with guests."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.heap import Heap
from hardtack.kernel import abi
from hardtack.kernel.params import PAGE
from hardtack.kernel.pipes import ATOMIC, CAPACITY, RING, Pipe
from hardtack.lab.machine.driver import BLOCKED_CALL, MIB, Machine, after, on_read, on_write

COUNTS = st.one_of(
    st.sampled_from([0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, CAPACITY - 1, CAPACITY, CAPACITY + 1]),
    st.integers(0, 65536),
)


class PipeMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.heap = Heap("1 MiB", name="pipe")
        self.pipe = self.heap.run(Pipe, self.heap)
        self.model = bytearray()
        self.next = 0

    @rule(count=COUNTS, start=st.integers(0, 100))
    def put(self, count, start):
        data = bytes((self.next + i) % 251 for i in range(count))
        done = self.heap.run(self.pipe.put, memoryview(bytes(start) + data), start, count)
        assert done == min(count, CAPACITY - len(self.model))
        self.model += data[:done]
        self.next += done

    @rule(count=COUNTS, start=st.integers(0, 100))
    def take(self, count, start):
        memory = memoryview(bytearray(b"\xee" * (start + count + 10)))
        done = self.pipe.take(memory, start, count)
        assert bytes(memory[start : start + done]) == bytes(self.model[:count])
        assert set(memory[:start]) | set(memory[start + done :]) <= {0xEE}
        del self.model[:done]

    @invariant()
    def holds_no_page_that_it_does_not_need(self):
        assert self.pipe.used == len(self.model)
        held = sum(page is not None for page in self.pipe.pages)
        touched = (self.pipe.head % PAGE + self.pipe.used + PAGE - 1) // PAGE
        assert held <= max(min(touched, RING), 1)
        if not self.model:
            assert self.pipe.head == 0


TestPipe = PipeMachine.TestCase
TestPipe.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_what_is_written_is_read_in_order():
    with Machine() as machine:
        hand = machine.hand()
        reader, writer = hand.pipe()
        assert hand.write(writer, b"hard") == 4
        assert hand.write(writer, b"tack") == 4
        assert hand.read(reader, 3) == b"har"
        assert hand.read(reader, 100) == b"dtack"


def two_hands(machine):
    """Return a hand with both ends of a pipe, a child that copies the pipe to itself, and the ends."""
    hand = machine.hand()
    reader, writer = hand.pipe()
    return hand, reader, writer


def child(machine, hand, body, **descriptors):
    """Start a child of hand that runs body; return its answers as they come."""
    answers = []

    def program(calls):
        answers.append((yield from body(calls)))

    machine.program(b"child", program)
    assert hand.spawn(b"child", descriptors=[(int(k[1:]), v) for k, v in descriptors.items()]) > 0
    return answers


def test_a_reader_waits_until_something_is_written():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        answers = child(machine, hand, lambda calls: calls.read(0, 10), _0=reader)
        machine.settle()
        assert answers == []
        hand.write(writer, b"biscuit")
        machine.settle()
        assert answers == [b"biscuit"]


def test_a_reader_at_the_end_reads_nothing():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        hand.write(writer, b"last")
        hand.close(writer)
        assert hand.read(reader, 10) == b"last"
        assert hand.read(reader, 10) == b""


def test_a_waiting_reader_learns_that_the_last_writer_is_gone():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        answers = child(machine, hand, lambda calls: calls.read(0, 10), _0=reader)
        machine.settle()
        hand.close(writer)
        machine.settle()
        assert answers == [b""]


def test_a_writer_to_nobody_gets_epipe():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        hand.close(reader)
        assert hand.write(writer, b"x") == -abi.EPIPE


def test_a_waiting_writer_learns_that_the_last_reader_is_gone():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        assert hand.write(writer, bytes(CAPACITY)) == CAPACITY
        answers = child(machine, hand, lambda calls: calls.write(1, b"x"), _1=writer)
        machine.settle()
        assert answers == []
        hand.close(reader)
        machine.settle()
        assert answers == [-abi.EPIPE]


def test_a_large_write_that_is_not_to_wait_takes_what_fits():
    with Machine() as machine:
        hand, _, writer = two_hands(machine)
        assert hand.call("fd_fdstat_set_flags", writer, abi.FDFLAG_NONBLOCK) == 0
        assert hand.write(writer, bytes(65536)) == CAPACITY


def test_a_large_write_waits_until_all_is_taken():
    data = bytes(i * 7 % 251 for i in range(200_000))

    def reader(calls):
        got = bytearray()
        while piece := (yield from calls.read(0, 30_000)):
            got += piece
        return bytes(got)

    with Machine() as machine:
        hand, read_end, write_end = two_hands(machine)
        answers = child(machine, hand, reader, _0=read_end)
        hand.close(read_end)
        assert hand.write(write_end, data) == len(data)
        hand.close(write_end)
        machine.settle()
        assert answers == [data]


def test_a_large_write_whose_last_reader_goes_ends_short():
    with Machine() as machine:
        hand, read_end, write_end = two_hands(machine)
        child(machine, hand, lambda calls: calls.read(0, 1000), _0=read_end)
        hand.close(read_end)
        assert CAPACITY <= hand.write(write_end, bytes(100_000)) <= CAPACITY + 1000
        assert hand.write(write_end, b"x") == -abi.EPIPE


def test_a_small_write_is_not_divided():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        hand.write(writer, bytes(CAPACITY))
        hand.read(reader, ATOMIC - 1)
        answers = child(machine, hand, lambda calls: calls.write(1, b"x" * ATOMIC), _1=writer)
        machine.settle()
        assert answers == []
        hand.read(reader, 1)
        machine.settle()
        assert answers == [ATOMIC]


def test_a_larger_write_may_be_divided():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        hand.write(writer, bytes(CAPACITY))
        hand.read(reader, 10)
        assert hand.call("fd_fdstat_set_flags", writer, abi.FDFLAG_NONBLOCK) == 0
        assert hand.write(writer, bytes(ATOMIC + 1)) == 10


@pytest.mark.parametrize(("what", "errno"), [("read", abi.EAGAIN), ("write", abi.EAGAIN)])
def test_nonblocking_ends_do_not_wait(what, errno):
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        for fd in (reader, writer):
            assert hand.call("fd_fdstat_set_flags", fd, abi.FDFLAG_NONBLOCK) == 0
        hand.write(writer, bytes(CAPACITY)) if what == "write" else None
        answer = hand.read(reader, 1) if what == "read" else hand.write(writer, b"x")
        assert answer == -errno


def test_reading_or_writing_nothing_does_not_wait():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        assert hand.read(reader, 0) == b""
        assert hand.write(writer, b"") == 0


def test_nobody_reads_the_write_end():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        assert hand.read(writer, 1) == -abi.EBADF
        assert hand.write(reader, b"x") == -abi.EBADF


def test_a_pipe_has_no_position():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        assert hand.seek(reader, 0) == -abi.ESPIPE
        assert hand.read(reader, 1, 0) == -abi.ESPIPE
        assert hand.write(writer, b"x", 0) == -abi.ESPIPE


def test_poll_sees_what_can_be_read_and_written():
    with Machine() as machine:
        hand, reader, writer = two_hands(machine)
        assert hand.poll(on_read(reader, 7), on_write(writer, 8)) == [(8, 0, abi.EVENT_WRITE, CAPACITY, 0)]
        hand.write(writer, bytes(5))
        assert hand.poll(on_read(reader, 7), after(10**9)) == [(7, 0, abi.EVENT_READ, 5, 0)]
        hand.write(writer, bytes(CAPACITY - 5))
        hand.close(reader)
        assert hand.poll(on_write(writer, 8)) == [(8, 0, abi.EVENT_WRITE, 1, abi.EVENT_HANGUP)]


def test_everything_arrives_between_two_processes_of_different_strides():
    data = bytes(i * 7 % 251 for i in range(300_000))

    def reader(calls):
        got = bytearray()
        size = 1
        while piece := (yield from calls.read(0, size)):
            got += piece
            size = size * 3 % 65521
        return bytes(got)

    with Machine() as machine:
        hand, read_end, write_end = two_hands(machine)
        answers = child(machine, hand, reader, _0=read_end)
        hand.close(read_end)
        assert hand.write_all(write_end, data) == len(data)
        hand.close(write_end)
        machine.settle()
        assert answers == [data]


def test_a_reader_alone_waits_for_ever_and_the_scheduler_says_so():
    with Machine() as machine:
        hand, reader, _ = two_hands(machine)
        assert hand.read(reader, 1) is BLOCKED_CALL


def test_an_idle_pipe_holds_one_page_at_most_and_a_closed_one_nothing():
    with Machine() as machine:
        hand = machine.hand()
        hand.close(hand.open(b"warm", abi.O_CREAT))
        before = machine.live()
        reader, writer = hand.pipe()
        for size in (CAPACITY, 10, 3 * PAGE):
            hand.write(writer, bytes(size))
            hand.read(reader, size)
            assert machine.live() - before <= PAGE + 2500
        hand.close(reader)
        hand.close(writer)
        assert machine.live() <= before + 64


def test_pages_are_charged_to_the_group():
    with Machine(4 * MIB) as machine:
        hand = machine.hand()
        _, writer = hand.pipe()
        before = hand.process.group.heap.live
        hand.write(writer, bytes(CAPACITY))
        assert hand.process.group.heap.live - before >= CAPACITY
