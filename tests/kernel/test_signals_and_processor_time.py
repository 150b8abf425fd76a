"""proc_raise, the clocks of processor time, and writes that are brought to the disk at once."""

from __future__ import annotations

import os

import pytest

from hardtack.kernel import abi
from hardtack.kernel.host_directories import open_host_directory
from hardtack.lab.machine.driver import BLOCKED_CALL, SECOND


# -- signals
@pytest.mark.parametrize("signal", [1, 2, 6, 9, 11, 13, 15, 25, 30])
def test_a_signal_that_one_raises_ends_the_process(machine, hand, signal):
    assert hand.call("proc_raise", signal) is BLOCKED_CALL
    assert hand.ended
    assert hand.process.status == 128 + signal
    assert hand.process.killed == f"killed by its own signal {signal}"


def test_a_parent_learns_which_signal_it_was(machine, hand):
    machine.program(b"child", lambda calls: calls.call("proc_raise", 15))
    pid = hand.spawn(b"child")
    assert hand.waitpid() == (pid, 128 + 15)


@pytest.mark.parametrize(
    ("signal", "errno"),
    [
        (0, 0),
        (16, 0),
        (17, 0),
        (22, 0),
        (27, 0),
        (18, abi.ENOTSUP),
        (21, abi.ENOTSUP),
        (31, abi.EINVAL),
        (1 << 31, abi.EINVAL),
    ],
)
def test_signals_that_do_not_end_a_process(hand, signal, errno):
    assert hand.call("proc_raise", signal) == errno
    assert not hand.ended


# -- processor time
def time_of(hand, clock=2):
    assert hand.call("clock_time_get", clock, 0, 0x8000) == 0
    return hand.calls.unpack("Q")[0]


def test_processor_time_counts_from_the_first_time_that_it_is_asked_for(machine, hand):
    machine.clock.now += 100 * SECOND
    assert time_of(hand) == 0


@pytest.mark.parametrize("clock", [2, 3])
def test_processor_time_counts_a_processes_own_turns_alone(machine, hand, clock):
    def worker(calls):
        times = []
        for _ in range(3):
            yield from calls.call("clock_time_get", clock, 0, 0x8000)
            times.append(calls.unpack("Q")[0])
            machine.clock.now += 10 * SECOND  # the machine's processor time is half of the time that passes
            yield from calls.call("sched_yield")
        answers.append(times)

    def other(calls):
        for _ in range(10):
            machine.clock.now += 1000 * SECOND
            yield from calls.call("sched_yield")

    answers = []
    processes = [machine.start(worker), machine.start(other)]
    machine.run_until_ended(*processes)
    assert answers == [[0, 5 * SECOND, 10 * SECOND]]


@pytest.mark.parametrize(
    ("clock", "errno"), [(0, 0), (1, 0), (2, 0), (3, 0), (4, abi.EINVAL), (1 << 31, abi.EINVAL)]
)
def test_there_are_four_clocks(hand, clock, errno):
    assert hand.call("clock_res_get", clock, 0x8000) == errno
    assert hand.call("clock_time_get", clock, 0, 0x8000) == errno


# -- writes that are synchronised
@pytest.fixture
def done(monkeypatch):
    """The synchronisations that the host was asked for, by name."""
    done = []
    for name in ("fsync", "fdatasync"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda fd, name=name, real=real: (done.append(name), real(fd))[1])
    return done


@pytest.mark.parametrize("at", ["open", "set_flags"])
@pytest.mark.parametrize(
    ("flags", "call"),
    [(abi.FDFLAG_SYNC, "fsync"), (abi.FDFLAG_DSYNC, "fdatasync"), (abi.FDFLAG_RSYNC, None), (0, None)],
)
def test_each_write_to_a_file_of_the_host_is_brought_to_the_disk_if_flags_say_so(
    machine, tmp_path, done, at, flags, call
):
    machine.preopen(open_host_directory(machine.system, "/host", tmp_path))
    hand = machine.hand()
    fd = hand.open(b"file", abi.O_CREAT, flags=flags if at == "open" else 0, at=4)
    if at == "set_flags":
        assert hand.call("fd_fdstat_set_flags", fd, flags) == 0
    assert hand.write(fd, b"text") == 4
    assert hand.write(fd, b"text", 10) == 4
    assert done == ([call] * 2 if call else [])
    assert (tmp_path / "file").read_bytes() == b"text\0\0\0\0\0\0text"


@pytest.mark.parametrize(("call", "of_file"), [("fd_sync", "fsync"), ("fd_datasync", "fdatasync")])
def test_a_sync_of_a_files_bytes_does_not_wait_for_its_times(machine, tmp_path, done, call, of_file):
    machine.preopen(open_host_directory(machine.system, "/host", tmp_path))
    hand = machine.hand()
    fd = hand.open(b"file", abi.O_CREAT, at=4)
    assert hand.call(call, fd) == 0
    assert hand.call(call, 4) == 0
    assert done == [of_file, "fsync"]  # a directory's names are what is known about it
