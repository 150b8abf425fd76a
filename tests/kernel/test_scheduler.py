"""The scheduler: turns, ends of a run, its own memory."""

from __future__ import annotations

import gc

import pytest

from hardtack.errors import KernelError
from hardtack.kernel import abi
from hardtack.kernel.params import SCHEDULER_BYTES
from hardtack.lab.machine.driver import KIB, MIB, SECOND, Machine


def rest(calls):
    yield None


def spin(calls):
    while True:
        yield from calls.call("sched_yield")


def test_processes_take_turns(machine):
    order = []

    def body(name):
        def program(calls):
            for _ in range(3):
                order.append(name)
                yield from calls.call("sched_yield")

        return program

    machine.run_until_ended(*(machine.start(body(name)) for name in "abc"))
    assert "".join(order) == "abcabcabc"


def test_the_same_programs_make_the_same_calls_in_the_same_order():
    def run_once():
        made = []
        with Machine(observe=lambda row, process, *_: made.append((process.pid, row.name))) as machine:
            machine.program(b"child", lambda calls: calls.read(0, 10))

            def parent(calls):
                for _ in range(10):
                    reader, writer = yield from calls.pipe()
                    yield from calls.spawn(b"child", descriptors=[(0, reader)])
                    yield from calls.write(writer, b"x")
                for _ in range(10):
                    yield from calls.waitpid()

            machine.run_until_ended(machine.start(parent), machine.start(parent))
        return made

    assert run_once() == run_once()


def test_a_run_ends_when_it_is_done(machine):
    turns = []
    machine.start(spin)
    assert machine.run(lambda: turns.append(1) or len(turns) > 10)


def test_a_run_with_nobody_to_run_says_so(machine):
    assert not machine.run()
    machine.start(rest)
    assert not machine.run()


def test_a_run_that_is_done_runs_nobody(machine):
    process = machine.start(spin)
    assert machine.run(lambda: True)
    assert process.guest is None


def test_a_deadline_ends_a_run(machine):
    machine.start(spin)

    def pass_time():
        machine.clock.now += SECOND
        return False

    start = machine.clock.now
    assert not machine.run(pass_time, deadline=start + 10 * SECOND)
    assert machine.clock.now == start + 10 * SECOND


def test_a_reader_of_its_own_pipe_is_a_deadlock(machine):
    def program(calls):
        reader, _ = yield from calls.pipe()
        yield from calls.read(reader, 1)

    machine.start(program)
    assert not machine.run()


def test_collection_is_off_in_a_run_and_as_before_after_it(machine):
    seen = []
    machine.start(rest)
    assert gc.isenabled()
    machine.run(lambda: seen.append(gc.isenabled()))
    assert gc.isenabled()
    assert set(seen) == {False}
    gc.disable()
    try:
        machine.run(lambda: True)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_scheduler_sets_its_own_memory_aside(machine):
    seen = []
    machine.start(spin)
    machine.run(lambda: seen.append(machine.system.heap.reserved) or len(seen) > 20)
    assert all(SCHEDULER_BYTES // 2 <= reserved <= SCHEDULER_BYTES for reserved in seen)
    assert machine.system.heap.reserved == 0


def test_a_blocked_process_holds_no_reservation(machine):
    hand = machine.hand()
    reader, _ = hand.pipe()
    hand.begin("read", reader, 10)
    machine.run(lambda: hand.process.state == "blocked")
    standing = []

    def look():
        standing.append((machine.system.heap.reserved, machine.scheduler._standing.left))
        return True

    machine.run(look)
    assert standing[0][0] == standing[0][1]


def test_a_new_run_goes_on_where_the_last_one_stopped(machine):
    done = []

    def program(calls):
        for number in range(5):
            done.append(number)
            yield from calls.call("sched_yield")

    process = machine.start(program)
    while process.state != "gone":
        turns = machine.scheduler.turns
        machine.run(lambda turns=turns: machine.scheduler.turns > turns)
    assert done == [0, 1, 2, 3, 4]


def test_who_turned_is_told_after_each_turn(machine):
    turned = []
    process = machine.start(rest)
    machine.scheduler.on_turn = turned.append
    machine.run()
    assert turned == [process, process]


def test_files_carry_the_time_of_their_turn(machine):
    hand = machine.hand()
    hand.close(hand.open(b"file", abi.O_CREAT))
    machine.clock.now += SECOND
    fd = hand.open(b"file")
    hand.write(fd, b"x")
    status = hand.fstat(fd)
    assert status.mtime == machine.clock.realtime()
    assert status.atime == machine.clock.realtime() - SECOND


@pytest.mark.parametrize("change", ["link", "rename", "unlink", "mkdir", "symlink"])
def test_a_directory_whose_names_change_has_new_times(machine, change):
    hand = machine.hand()
    hand.close(hand.open(b"file", abi.O_CREAT))
    before = hand.stat(b".")
    machine.clock.now += SECOND
    paths = {
        "link": (b"file", b"new"),
        "rename": (b"file", b"new"),
        "unlink": (b"file",),
        "symlink": (b"x", b"new"),
    }
    assert getattr(hand, change)(*paths.get(change, (b"new",))) == abi.OK
    after = hand.stat(b".")
    assert (after.mtime, after.ctime) == (before.mtime + SECOND, before.ctime + SECOND)


# -- a heap that is nearly full
def start_many(machine):
    for _ in range(1000):
        machine.start(rest, protected=True)


def test_the_host_leaves_the_scheduler_its_memory():
    with Machine(1 * MIB, 64 * KIB) as machine:
        with pytest.raises(KernelError, match="heap is full"):
            start_many(machine)
        assert machine.system.processes.count > 4
        assert machine.run(lambda: machine.system.run_queue.first is None)


def test_a_protected_hog_cannot_take_the_schedulers_memory():
    with Machine(1 * MIB, 64 * KIB) as machine:

        def hog(calls):
            while (yield from calls.open(b".", rights=abi.RIGHT_READ)) > 0:
                pass

        process = machine.start(hog, protected=True)
        machine.run_until_ended(process)
        assert process.killed == "out of memory: nothing was left to reclaim"
        other = machine.start(rest)
        machine.settle()
        assert other.state == "blocked"
