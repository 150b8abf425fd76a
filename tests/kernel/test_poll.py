"""poll_oneoff: clocks and descriptors, with a clock that the test moves."""

from __future__ import annotations

import os

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.params import MAX_POLL
from hardtack.kernel.streams import HostStream, Null, Source
from hardtack.lab.machine.driver import BLOCKED_CALL, SECOND, after, on_read, on_write

REALTIME = abi.CLOCK_REALTIME
READ, WRITE, CLOCK = abi.EVENT_READ, abi.EVENT_WRITE, abi.EVENT_CLOCK


@pytest.fixture
def hand(hand):
    hand.close(99)
    return hand


# -- clocks
def test_a_sleep_ends_when_its_time_has_come(machine, hand):
    start = machine.clock.now
    assert hand.poll(after(5 * SECOND, 7)) == [(7, 0, CLOCK, 0, 0)]
    assert machine.clock.now == start + 5 * SECOND


def test_a_sleep_of_nothing_does_not_wait(machine, hand):
    start = machine.clock.now
    assert hand.poll(after(0)) == [(0, 0, CLOCK, 0, 0)]
    assert machine.clock.now == start


def test_the_earliest_clock_ends_a_poll(machine, hand):
    start = machine.clock.now
    assert hand.poll(after(9 * SECOND, 1), after(3 * SECOND, 2), after(5 * SECOND, 3)) == [
        (2, 0, CLOCK, 0, 0)
    ]
    assert machine.clock.now == start + 3 * SECOND


@pytest.mark.parametrize("clock", [abi.CLOCK_MONOTONIC, REALTIME])
def test_a_relative_clock_does_not_make_an_absolute_one_early(machine, hand, clock):
    now = machine.clock.monotonic() if clock == abi.CLOCK_MONOTONIC else machine.clock.realtime()
    start = machine.clock.now
    later = after(now + 9 * SECOND // 10, 2, clock, True)
    assert hand.poll(after(SECOND // 2, 1), later) == [(1, 0, CLOCK, 0, 0)]
    assert machine.clock.now - start == SECOND // 2
    assert hand.poll(later) == [(2, 0, CLOCK, 0, 0)]
    assert machine.clock.now - start == 9 * SECOND // 10


def test_a_poll_that_is_woken_in_between_keeps_its_clock(machine, hand):
    start = machine.clock.now
    reader, writer = hand.pipe()
    hand.begin("poll", after(SECOND, 1), on_read(reader, 2))
    machine.run(lambda: hand.process.queue is machine.system.pollers)
    machine.clock.now += SECOND // 2
    machine.system.wake(
        hand.process.descriptors.get(reader).pipe.read_waiters
    )  # nothing is there all the same
    assert hand.finish() == [(1, 0, CLOCK, 0, 0)]
    assert machine.clock.now - start == SECOND
    hand.close(writer)


def test_clocks_that_are_due_together_are_all_told(hand):
    events = hand.poll(after(SECOND, 1), after(SECOND, 2))
    assert sorted(event[0] for event in events) == [1, 2]


@pytest.mark.parametrize("clock", [abi.CLOCK_MONOTONIC, REALTIME])
def test_an_absolute_time_is_waited_for(machine, hand, clock):
    now = machine.clock.monotonic() if clock == abi.CLOCK_MONOTONIC else machine.clock.realtime()
    start = machine.clock.now
    assert hand.poll(after(now + SECOND, 1, clock, True)) == [(1, 0, CLOCK, 0, 0)]
    assert machine.clock.now - start == SECOND


@pytest.mark.parametrize("clock", [abi.CLOCK_MONOTONIC, REALTIME])
def test_an_absolute_time_that_is_over_does_not_wait(machine, hand, clock):
    start = machine.clock.now
    assert hand.poll(after(1, 1, clock, True)) == [(1, 0, CLOCK, 0, 0)]
    assert machine.clock.now == start


def test_the_longest_sleep_is_no_error(machine, hand):
    hand.begin("poll", after((1 << 64) - 1))
    machine.run(lambda: hand.process.queue is machine.system.sleepers)
    assert machine.system.next_deadline == 1 << 63


@pytest.mark.parametrize("clock", [2, 3, 17])
def test_there_are_two_clocks(hand, clock):
    assert hand.poll(after(1, 0, clock)) == -abi.EINVAL


def test_a_hundred_sleepers_wake_in_the_order_of_their_times(machine):
    order = []

    def sleeper(number):
        def body(calls):
            yield from calls.sleep((number * 37 % 100 + 1) * SECOND)
            order.append((number * 37 % 100, machine.clock.now))

        return body

    start = machine.clock.now
    processes = [machine.start(sleeper(number)) for number in range(50)]
    machine.run_until_ended(*processes)
    assert order == sorted(order)
    assert all(when == start + (number + 1) * SECOND for number, when in order)


def test_a_deadline_is_kept_over_false_alarms(machine, hand):
    """A poll that is woken for nothing goes on to its first deadline, not to a new one."""
    reader, _ = hand.pipe()
    _, other_end = hand.pipe()
    wakes = []

    def child(calls):
        for _ in range(4):
            yield from calls.sleep(SECOND)
            yield from calls.write(1, b"x")  # wakes every poller
            wakes.append(machine.clock.now)

    machine.program(b"child", child)
    start = machine.clock.now
    hand.spawn(b"child", descriptors=[(1, other_end)])
    assert hand.poll(on_read(reader, 1), after(3 * SECOND + 1, 2)) == [(2, 0, CLOCK, 0, 0)]
    assert machine.clock.now == start + 3 * SECOND + 1
    assert len(wakes) == 3
    assert hand.process.deadline is None


def test_the_next_poll_starts_its_own_deadline(machine, hand):
    for _ in range(3):
        start = machine.clock.now
        hand.sleep(SECOND)
        assert machine.clock.now == start + SECOND


# -- descriptors
def test_a_file_is_always_ready(hand):
    fd = hand.open(b"file", abi.O_CREAT)
    hand.write(fd, b"12345")
    hand.seek(fd, 2)
    assert hand.poll(on_read(fd, 1), on_write(fd, 2), after(SECOND)) == [
        (1, 0, READ, 3, 0),
        (2, 0, WRITE, 1, 0),
    ]


def test_a_pipe_wakes_who_polls_it(machine, hand):
    reader, writer = hand.pipe()

    def child(calls):
        yield from calls.sleep(SECOND)
        yield from calls.write(1, b"abc")

    machine.program(b"child", child)
    hand.spawn(b"child", descriptors=[(1, writer)])
    start = machine.clock.now
    assert hand.poll(on_read(reader, 9), after(10 * SECOND)) == [(9, 0, READ, 3, 0)]
    assert machine.clock.now == start + SECOND


def test_the_end_of_a_pipe_wakes_who_polls_it(machine, hand):
    reader, writer = hand.pipe()
    machine.program(b"child", lambda calls: calls.sleep(SECOND))
    hand.spawn(b"child", descriptors=[(1, writer)])
    hand.close(writer)
    assert hand.poll(on_read(reader, 9)) == [(9, 0, READ, 1, abi.EVENT_HANGUP)]


def test_two_pipes_that_are_ready_are_both_told(hand):
    first, first_end = hand.pipe()
    second, second_end = hand.pipe()
    hand.write(first_end, b"1")
    hand.write(second_end, b"22")
    events = hand.poll(on_read(second, 2), on_read(first, 1))
    assert events == [(2, 0, READ, 2, 0), (1, 0, READ, 1, 0)]


def test_streams_that_the_host_gave_are_ready(machine):
    data = b"abc"
    hand = machine.hand(streams=lambda _: [Source(data), Null(), Null()])
    assert hand.poll(on_read(0, 1), on_write(1, 2)) == [(1, 0, READ, 3, 0), (2, 0, WRITE, 1, 0)]


@pytest.mark.parametrize("number", [3, 255])
def test_there_are_three_kinds_of_subscription(hand, number):
    hand.put(0x10000, bytes(8) + bytes([number]) + bytes(39))
    assert hand.call("poll_oneoff", 0x10000, 0x60000, 1, 0x8000) == abi.EINVAL


@pytest.mark.parametrize("fd", [77, 3])
def test_a_descriptor_that_cannot_be_polled_is_ebadf(hand, fd):
    assert hand.poll(on_read(fd)) == -abi.EBADF


def test_an_end_of_a_pipe_is_polled_for_what_it_can(hand):
    reader, writer = hand.pipe()
    assert hand.poll(on_write(reader)) == -abi.EBADF
    assert hand.poll(on_read(writer)) == -abi.EBADF


@pytest.mark.parametrize("count", [0, MAX_POLL + 1])
def test_a_poll_has_between_one_and_so_many_subscriptions(hand, count):
    assert hand.call("poll_oneoff", 0x10000, 0x60000, count, 0x8000) == abi.EINVAL


# -- the host
@pytest.fixture
def host_pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_the_host_wakes_a_reader(machine, host_pipe):
    reader, writer = host_pipe
    hand = machine.hand(streams=lambda _: [HostStream(reader), Null(), Null()])
    hand.begin("read", 0, 10)
    machine.run(lambda: hand.process.waits_for_host)
    os.write(writer, b"from the host")
    assert hand.finish() == b"from the h"


def test_the_host_wakes_a_poller(machine, host_pipe):
    reader, writer = host_pipe
    hand = machine.hand(streams=lambda _: [HostStream(reader), Null(), Null()])
    hand.begin("poll", on_read(0, 5))
    machine.run(lambda: hand.process.queue is machine.system.pollers)
    os.write(writer, b"x")
    assert hand.finish() == [(5, 0, READ, 1, 0)]


def test_the_host_wakes_a_writer(machine, host_pipe):
    reader, writer = host_pipe
    hand = machine.hand(streams=lambda _: [Null(), HostStream(writer), Null()])
    os.set_blocking(writer, False)
    filled = 0
    while True:
        try:
            filled += os.write(writer, bytes(4096))
        except BlockingIOError:
            break
    hand.begin("write", 1, b"hello")
    machine.run(lambda: hand.process.waits_for_host)
    os.read(reader, 65536)
    assert hand.finish() == 5


def test_a_host_reader_that_is_gone_is_epipe(machine):
    reader, writer = os.pipe()
    os.close(reader)
    hand = machine.hand(streams=lambda _: [Null(), HostStream(writer), Null()])
    assert hand.write(1, b"x") == -abi.EPIPE
    os.close(writer)


def test_the_end_of_a_host_pipe_is_the_end(machine):
    reader, writer = os.pipe()
    os.close(writer)
    hand = machine.hand(streams=lambda _: [HostStream(reader), Null(), Null()])
    assert hand.read(0, 10) == b""
    os.close(reader)


def test_busy_processes_do_not_keep_the_host_from_being_heard(machine, host_pipe):
    reader, writer = host_pipe
    hand = machine.hand(streams=lambda _: [HostStream(reader), Null(), Null()])

    def spin(calls):
        while True:
            yield from calls.call("sched_yield")

    machine.start(spin)
    hand.begin("read", 0, 10)
    machine.run(lambda: hand.process.waits_for_host)
    os.write(writer, b"x")
    assert hand.finish() == b"x"


def test_a_poll_for_nothing_that_can_come_is_a_deadlock(hand):
    reader, _ = hand.pipe()
    assert hand.poll(on_read(reader)) is BLOCKED_CALL


# -- who is woken
def woken_by(machine, monkeypatch, action):
    """Return who is made runnable by an action."""
    woken = []
    real = machine.system.make_runnable
    monkeypatch.setattr(
        machine.system, "make_runnable", lambda process: (woken.append(process), real(process))
    )
    action()
    return woken


def test_a_pipe_wakes_those_who_poll_it_and_no_others(machine, monkeypatch):
    """Counted: how many are made runnable, of a hundred who poll as many pipes."""
    pollers = [machine.hand(f"poller {number}") for number in range(100)]
    pipes = [poller.pipe() for poller in pollers]
    for poller, (reader, _) in zip(pollers, pipes, strict=True):
        poller.begin("poll", on_read(reader, 1))
    machine.run(lambda: all(poller.process.queue is machine.system.pollers for poller in pollers))
    pipe = pollers[7].process.descriptors.get(pipes[7][0]).pipe
    assert woken_by(machine, monkeypatch, lambda: pipe.wake(pipe.write_waiters)) == []
    assert woken_by(machine, monkeypatch, lambda: pipe.wake(pipe.read_waiters)) == [pollers[7].process]


def test_who_polls_many_things_is_woken_by_each_once(machine, hand, monkeypatch):
    pipes = [hand.pipe() for _ in range(5)]
    subscriptions = [on_read(reader, reader) for reader, _ in pipes] * 2
    for reader, _ in pipes:
        hand.begin("poll", *subscriptions, after(SECOND, 99))
        machine.run(lambda: hand.process.queue is machine.system.pollers)
        pipe = hand.process.descriptors.get(reader).pipe
        assert woken_by(machine, monkeypatch, lambda pipe=pipe: pipe.wake(pipe.read_waiters)) == [
            hand.process
        ]
        assert woken_by(machine, monkeypatch, lambda pipe=pipe: pipe.wake(pipe.read_waiters)) == []
        assert hand.finish() == [(99, 0, CLOCK, 0, 0)]
        assert hand.process.watches is pipe.read_waiters.watches is None


def test_who_ends_while_it_polls_is_watched_for_no_more(machine, hand):
    reader, _ = hand.pipe()
    hand.begin("poll", on_read(reader, 1), after(SECOND))
    machine.run(lambda: hand.process.queue is machine.system.pollers)
    queue = hand.process.descriptors.get(reader).pipe.read_waiters
    assert queue.watches.process is hand.process
    death.end(machine.system, hand.process, 137, "for this test")
    assert queue.watches is None
    assert machine.system.next_deadline is None
