"""Channels: requests in, answers out, and what lies between them."""

from __future__ import annotations

from hardtack.kernel.channel import ANSWER_BYTES, Channel
from hardtack.lab.machine.driver import BLOCKED_CALL, Machine, on_read


def channelled():
    """Return a machine, a hand whose descriptor 0 is a channel, and the channel."""
    machine = Machine()
    channel = Channel()
    return machine, machine.hand(streams=lambda process: [channel]), channel


def test_a_request_is_read_to_its_end_and_then_there_is_none():
    machine, hand, channel = channelled()
    with machine:
        channel.ask(machine.system, b"request")
        assert (hand.read(0, 3), hand.read(0, 100), hand.read(0, 100)) == (b"req", b"uest", b"")
        assert channel.answer() is None


def test_an_answer_is_a_line():
    machine, hand, channel = channelled()
    with machine:
        channel.ask(machine.system, b"?")
        hand.write(0, b"4")
        assert channel.answer() is None
        hand.write(0, b"2\nand more")
        assert channel.answer() == b"42"
        hand.write(0, b"and more")
        assert channel.answer() == b"42"


def test_an_answer_without_an_end_is_cut():
    machine, hand, channel = channelled()
    with machine:
        channel.ask(machine.system, b"?")
        assert hand.write(0, b"x" * 1000) == 1000
        assert channel.answer() == b"x" * ANSWER_BYTES


def test_what_is_written_unasked_is_no_answer_to_the_next_request():
    machine, hand, channel = channelled()
    with machine:
        hand.write(0, b"1\n")
        assert channel.answer() == b"1"
        channel.ask(machine.system, b"?")
        assert channel.answer() is None


def test_what_was_left_of_a_request_is_gone_with_the_next():
    machine, hand, channel = channelled()
    with machine:
        channel.ask(machine.system, b"first")
        hand.read(0, 1)
        hand.write(0, b"0\n")
        channel.ask(machine.system, b"second")
        assert hand.read(0, 100) == b"second"


def test_who_reads_between_requests_waits_for_the_next():
    machine, hand, channel = channelled()
    with machine:
        assert hand.read(0, 100) is BLOCKED_CALL
        channel.ask(machine.system, b"at last")
        assert hand.finish() == b"at last"
        hand.write(0, b"0\n")
        assert hand.read(0, 100) is BLOCKED_CALL
        channel.ask(machine.system, b"again")
        assert hand.finish() == b"again"


def test_who_polls_wakes_with_the_next_request():
    machine, hand, channel = channelled()
    with machine:
        assert hand.poll(on_read(0)) is BLOCKED_CALL
        channel.ask(machine.system, b"now")
        hand.finish()
        assert hand.read(0, 100) == b"now"
