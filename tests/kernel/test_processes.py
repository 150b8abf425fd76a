"""Processes: birth, inheritance, ends, waiting for children, killing; and that nothing of one stays."""

from __future__ import annotations

import itertools

import pytest

from hardtack.errors import KernelError
from hardtack.kernel import abi, birth, death, descriptor_table
from hardtack.kernel.params import MAX_ARGUMENT_BYTES, MAX_ARGUMENTS, MAX_GROUP_PROCESSES, MAX_PROCESSES
from hardtack.kernel.process import GONE, ZOMBIE
from hardtack.kernel.streams import Source
from hardtack.lab.machine.driver import BLOCKED_CALL, KIB, MIB, OUT, USER_BYTES, Machine, Trap, nothing


@pytest.fixture
def machine():
    with Machine() as made:
        made.program(b"/bin/rest", rest)
        made.program(b"/bin/seven", exit_seven)
        yield made


def rest(calls):
    yield None  # parked for ever


def exit_seven(calls):
    yield from calls.exit(7)


def strings(calls, what):
    """Return a process's arguments or environment as it asks for them."""
    yield f"{what}_sizes_get", (0x8000, 0x8004)
    count, size = calls.unpack("II")
    yield f"{what}_get", (0x60000, 0x61000 + 4 * count)
    pointers = [calls.unpack("I", 0x60000 + 4 * i)[0] for i in range(count)]
    return [calls.get(at, size).split(b"\0")[0] for at in pointers]


# -- birth
def test_a_program_gets_its_arguments_and_environment(machine):
    found = []

    def program(calls):
        found.append((yield from strings(calls, "args")))
        found.append((yield from strings(calls, "environ")))

    machine.run_until_ended(machine.start(program, ["name", "", "höhle"], ["A=1", "B="]))
    assert found == [[b"name", b"", "höhle".encode()], [b"A=1", b"B="]]


def test_a_child_gets_the_arguments_given_and_its_parents_environment(machine):
    found = []

    def child(calls):
        found.append((yield from strings(calls, "args")))
        found.append((yield from strings(calls, "environ")))

    def parent(calls):
        yield from calls.spawn(b"child", [b"child", b"x"])
        yield from calls.waitpid()
        yield from calls.spawn(b"child", [], [b"OTHER=1"])
        yield from calls.waitpid()

    machine.program(b"child", child)
    machine.run_until_ended(machine.start(parent, [], ["A=1"]))
    assert found == [[b"child", b"x"], [b"A=1"], [], [b"OTHER=1"]]


def test_pids_count_up_and_are_used_again(machine, hand):
    first = hand.spawn(b"/bin/seven")
    second = hand.spawn(b"/bin/seven")
    assert second == first + 1 == hand.process.pid + 2
    hand.waitpid(first)
    assert hand.spawn(b"/bin/seven") == first


def test_a_program_knows_its_pid_and_its_parents(machine, hand):
    found = []

    def child(calls):
        yield "getpid", (0x8000,)
        yield "getppid", (0x8004,)
        found.append(calls.unpack("II"))

    machine.program(b"child", child)
    pid = hand.spawn(b"child")
    hand.waitpid()
    assert found == [(pid, hand.process.pid)]
    assert hand.call("getppid", 0x8000) == 0
    assert hand.calls.unpack("I") == (0,)


def test_a_child_gets_the_standard_streams_without_a_map(machine, hand):
    child = machine.system.process(hand.spawn(b"/bin/rest"))
    for fd in range(3):
        assert child.descriptors.get(fd) is hand.process.descriptors.get(fd)
    assert child.descriptors.get(3) is machine.system.preopens[0]
    assert child.descriptors.count == 4


def test_a_map_says_which_descriptors_a_child_gets(machine, hand):
    reader, writer = hand.pipe()
    child = machine.system.process(hand.spawn(b"/bin/rest", descriptors=[(0, reader), (3, writer), (70, 1)]))
    assert child.descriptors.get(0) is hand.process.descriptors.get(reader)
    assert child.descriptors.get(1) is None
    assert child.descriptors.get(3) is hand.process.descriptors.get(writer)
    assert child.descriptors.get(4) is machine.system.preopens[0]
    assert child.descriptors.get(70) is hand.process.descriptors.get(1)


@pytest.mark.parametrize(
    ("arguments", "errno"),
    [
        ({"path": b"/bin/none"}, abi.ENOENT),
        ({"path": b"\xff"}, abi.EILSEQ),
        ({"path": b"/bin/rest", "descriptors": [(0, 99)]}, abi.EBADF),
        ({"path": b"/bin/rest", "descriptors": [(1 << 30, 0)]}, abi.EINVAL),
        ({"path": b"/bin/rest", "descriptors": [(0, 0)] * 65}, abi.EINVAL),
        ({"path": b"/bin/rest", "arguments": [b"x" * MAX_ARGUMENT_BYTES]}, abi.E2BIG),
        ({"path": b"/bin/rest", "arguments": [b""] * (MAX_ARGUMENTS + 1)}, abi.E2BIG),
    ],
)
def test_a_spawn_that_cannot_be_leaves_nothing(machine, hand, arguments, errno):
    hand.spawn(**arguments)
    before = machine.live()
    assert hand.spawn(**arguments) == -errno
    assert machine.system.processes.count == 1
    assert machine.live() == before


def test_arguments_must_end_in_nul(machine, hand):
    start, size = hand.put(0x1000, b"/bin/rest")
    hand.put(0x10000, b"no end")
    assert hand.call("spawn", start, size, 0x10000, 6, 0, 0, 0, 0, 0, 0, 0x8000) == abi.EINVAL


def test_there_are_only_so_many_processes(machine, hand, monkeypatch):
    monkeypatch.setattr(birth, "MAX_PROCESSES", 5)
    pids = []
    while (pid := hand.spawn(b"/bin/rest")) > 0:
        pids.append(pid)
    assert (len(pids), pid) == (4, -abi.EAGAIN)
    with pytest.raises(KernelError, match="as many processes"):
        machine.start(rest)


def test_a_child_needs_user_memory():
    with Machine(memory=3 * USER_BYTES) as machine:
        machine.program(b"rest", rest)
        hand = machine.hand()
        assert hand.spawn(b"rest") > 0
        assert hand.spawn(b"rest") > 0
        machine.settle()
        assert hand.spawn(b"rest") == -abi.ENOMEM
        with pytest.raises(KernelError, match="user memory"):
            machine.start(rest)


def test_arguments_and_environment_are_in_user_memory_and_not_in_the_kernels_heap():
    with Machine() as machine:
        machine.program(b"rest", rest)
        used, live = machine.system.user_memory.used, machine.live()
        hand = machine.hand(arguments=["x" * 99_999], environment=["y" * 89_999])
        child = machine.system.process(hand.spawn(b"rest", [b"z" * 79_999]))  # and the environment above it
        machine.settle()
        assert machine.system.user_memory.used - used == 2 * USER_BYTES + 190_000 + 170_000
        assert machine.live() - live < 20_000
        assert child.environment is hand.process.environment
        hand.kill(child.pid)
        assert machine.system.user_memory.used - used == USER_BYTES + 190_000


def test_a_child_needs_user_memory_for_its_arguments_and_environment():
    with Machine(memory=2 * USER_BYTES + 10) as machine:
        machine.program(b"rest", rest)
        hand = machine.hand(environment=["Y=1"])
        assert hand.spawn(b"rest", [b"x" * 2]) == -abi.ENOMEM
        assert hand.spawn(b"rest", [b"x"]) > 0


def test_a_program_that_cannot_start_ends_with_127(machine):
    with Machine(memory=USER_BYTES) as machine:
        first, second = machine.start(rest), machine.start(rest)  # both fit when they are made
        machine.settle()
        assert first.state not in {ZOMBIE, GONE}
        assert (second.status, second.failure) == (127, "no user memory")


def test_a_kernel_too_small_for_a_process_says_so():
    with Machine(380 * KIB, 20 * KIB) as machine:
        heap = machine.system.heap
        held = heap.reserve_nowait(heap.room - 200_000)
        with pytest.raises(KernelError, match="heap is full"):
            machine.start(rest, ["x"], ["x"])
        held.release()
        machine.run_until_ended(machine.start(exit_seven))


def test_a_null_map_is_no_map_whatever_its_count(hand):
    hand.put(0x1000, b"/bin/seven")
    errno = hand.call("spawn", 0x1000, 10, 0, 0, 0, 0, 0, 5, 0, 0, 0x8000)
    assert errno == abi.OK
    assert hand.waitpid()[1] == 7


# -- ends
def test_an_exit_status_reaches_the_parent(hand):
    pid = hand.spawn(b"/bin/seven")
    assert hand.waitpid() == (pid, 7)


def test_a_program_that_returns_ends_with_0(machine, hand):
    machine.program(b"quiet", lambda calls: calls.close(0))
    pid = hand.spawn(b"quiet")
    assert hand.waitpid() == (pid, 0)


def test_a_program_that_traps_ends_with_134(machine, hand):
    def trap(calls):
        yield from calls.close(0)
        raise Trap("unreachable")

    machine.program(b"trap", trap)
    pid = hand.spawn(b"trap")
    child = machine.system.process(pid)
    assert hand.waitpid() == (pid, 134)
    assert child.failure == "unreachable"


def test_an_end_closes_what_was_open(machine, hand):
    reader, writer = hand.pipe()
    pid = hand.spawn(b"/bin/rest", descriptors=[(1, writer)])
    hand.close(writer)
    assert hand.read(reader, 1) is BLOCKED_CALL
    death.end(machine.system, machine.system.process(pid), 137, "for this test")
    assert hand.finish() == b""


def test_a_zombie_holds_no_memory_of_its_guest(machine, hand):
    hand.close(99)  # now it was started
    used = machine.system.user_memory.used
    hand.spawn(b"/bin/seven")
    machine.settle()
    assert machine.system.user_memory.used == used


# -- waiting for children
def test_waiting_without_children_is_echild(machine, hand):
    assert hand.waitpid() == -abi.ECHILD
    assert hand.waitpid(hand.process.pid) == -abi.ECHILD
    assert hand.waitpid(9999) == -abi.ECHILD


def test_waiting_for_somebody_elses_child_is_echild(machine, hand):
    other = machine.hand("other")
    pid = other.spawn(b"/bin/rest")
    assert hand.waitpid(pid) == -abi.ECHILD


def test_a_waiting_parent_is_woken(machine, hand):
    pid = hand.spawn(b"/bin/rest")
    assert hand.spawn(b"/bin/rest") == pid + 1
    hand.begin("waitpid", pid)
    machine.run(lambda: machine.system.child_waiters.first is hand.process)
    death.end(machine.system, machine.system.process(pid + 1), 1, None)
    assert hand.process.queue is not None  # the other one it was: it looks, and waits again
    death.end(machine.system, machine.system.process(pid), 2, None)
    assert hand.finish() == (pid, 2)
    assert hand.waitpid() == (pid + 1, 1)


def test_not_hanging_answers_0(machine, hand):
    pid = hand.spawn(b"/bin/rest")
    assert hand.waitpid(options=abi.NOHANG)[0] == 0
    hand.kill(pid)
    assert hand.waitpid(options=abi.NOHANG) == (pid, 137)


def test_a_child_is_waited_for_once(hand):
    pid = hand.spawn(b"/bin/seven")
    assert hand.waitpid(pid) == (pid, 7)
    assert hand.waitpid(pid) == -abi.ECHILD


def test_children_can_be_waited_for_in_any_order(machine, hand):
    pids = [hand.spawn(b"/bin/seven") for _ in range(5)]
    machine.settle()
    for pid in (pids[2], pids[0], pids[4]):
        assert hand.waitpid(pid) == (pid, 7)
    assert {hand.waitpid()[0], hand.waitpid()[0]} == {pids[1], pids[3]}
    assert hand.waitpid() == -abi.ECHILD


def test_orphans_go_on_and_are_buried_when_they_end(machine, hand):
    def parent(calls):
        yield from calls.spawn(b"/bin/rest")

    machine.program(b"parent", parent)
    pid = hand.spawn(b"parent")
    hand.waitpid(pid)
    orphan = machine.system.process(pid + 1)
    assert orphan.state not in {ZOMBIE, GONE}
    death.end(machine.system, orphan, 3)
    assert orphan.state == GONE
    assert machine.system.process(orphan.pid) is None


def test_an_orphan_has_no_parent_any_more(machine, hand):
    found = []

    def child(calls):
        yield from calls.sleep(1000)
        yield "getppid", (0x8000,)
        found.append(calls.unpack("I")[0])

    machine.program(b"child", child)
    machine.program(b"parent", lambda calls: calls.spawn(b"child"))
    hand.spawn(b"parent")
    hand.waitpid()
    hand.sleep(2000)
    assert found == [0]


def test_zombies_of_a_parent_that_ends_are_buried(machine, hand):
    def parent(calls):
        for _ in range(5):
            yield from calls.spawn(b"/bin/seven")
        yield from calls.sleep(1000)

    machine.program(b"parent", parent)
    hand.spawn(b"parent")
    hand.waitpid()
    assert machine.system.processes.count == 1


# -- killing
def test_a_killed_child_ends_with_137(machine, hand):
    pid = hand.spawn(b"/bin/rest")
    child = machine.system.process(pid)
    assert hand.kill(pid) == 0
    assert hand.waitpid() == (pid, 137)
    assert child.killed == f"killed by pid {hand.process.pid}"


def test_a_zombie_can_be_killed_without_effect(machine, hand):
    pid = hand.spawn(b"/bin/seven")
    machine.settle()
    zombie = machine.system.process(pid)
    assert hand.kill(pid) == 0
    assert hand.waitpid() == (pid, 7)
    assert zombie.killed is None


def test_who_was_killed_has_ended_when_the_next_call_is_let_in(machine, hand):
    pid = hand.spawn(b"/bin/rest")

    def two_calls_in_one_turn(calls):
        assert machine.enter(hand.process, "kill", (pid, 9)) == 0
        return (yield from calls.waitpid(pid, options=abi.NOHANG))

    hand.work.append(two_calls_in_one_turn(hand.calls))
    machine.system.wake_one(hand.process, machine.parked)
    assert hand.finish() == (pid, 137)


@pytest.mark.parametrize("state", ["new", "blocked in poll", "blocked on a pipe", "blocked on a child"])
def test_a_process_can_be_killed_wherever_it_is(machine, hand, state):
    reader, _ = hand.pipe()

    def child(calls):
        if state == "blocked in poll":
            yield from calls.sleep(1 << 60)
        elif state == "blocked on a pipe":
            yield from calls.read(0, 1)
        else:
            yield from calls.spawn(b"/bin/rest")
            yield from calls.waitpid()

    machine.program(b"child", child)
    if state == "new":  # made and killed within one turn
        hand.work.append(spawn_and_kill(hand.calls))
        machine.system.wake_one(hand.process, machine.parked)
        assert hand.finish() == 0
    else:
        pid = hand.spawn(b"child", descriptors=[(0, reader)])
        machine.settle()
        assert hand.kill(pid) == 0
    assert hand.waitpid()[1] == 137


def spawn_and_kill(calls):
    pid = yield from calls.spawn(b"child")
    return (yield from calls.kill(pid))


def test_only_ones_own_group_can_be_killed(machine, hand):
    other = machine.hand("other")
    machine.settle()
    assert hand.kill(other.process.pid) == abi.ESRCH
    assert hand.kill(0) == abi.ESRCH
    assert hand.kill(9999) == abi.ESRCH
    assert hand.kill(other.process.pid, 0) == abi.ESRCH


def test_signal_0_asks_whether_somebody_is_there(hand):
    pid = hand.spawn(b"/bin/rest")
    assert hand.kill(pid, 0) == 0
    assert hand.waitpid(pid, abi.NOHANG) == (0, 0)


@pytest.mark.parametrize("signal", [1, 2, 9, 13, 15])
def test_a_signal_ends_a_process_and_is_told_in_its_status(hand, signal):
    pid = hand.spawn(b"/bin/rest")
    assert hand.kill(pid, signal) == 0
    assert hand.waitpid() == (pid, 128 + signal)


@pytest.mark.parametrize("signal", [16, 17, 18, 19, 22, 27, 31, 64, 1 << 31])
def test_signals_that_would_not_end_a_process_are_refused(hand, signal):
    pid = hand.spawn(b"/bin/rest")
    assert hand.kill(pid, signal) == abi.EINVAL
    assert hand.kill(pid, 0) == 0


@pytest.mark.parametrize("pid", [0, -1, -5])
def test_waiting_for_a_process_group_is_waiting_for_any(hand, pid):
    child = hand.spawn(b"/bin/seven")
    assert hand.waitpid(pid) == (child, 7)


def test_waiting_takes_the_options_there_are(hand):
    child = hand.spawn(b"/bin/seven")
    assert hand.waitpid(options=2 | 8) == (child, 7)
    assert hand.waitpid(options=4) == -abi.EINVAL


def test_one_dead_child_of_many_is_taken_in_one_step(machine, hand):
    pids = [hand.spawn(b"/bin/seven") for _ in range(300)]
    machine.settle()
    for pid in (*pids[100:200], *pids[:100], *reversed(pids[200:])):
        assert hand.waitpid(pid) == (pid, 7)
    assert hand.waitpid() == -abi.ECHILD


def test_a_process_can_kill_itself(machine):
    def program(calls):
        yield from calls.kill(calls.pid)
        raise AssertionError("it goes on")

    process = machine.start(program)
    machine.run_until_ended(process)
    assert (process.status, process.killed) == (137, "killed by itself")


def test_a_process_can_kill_its_parent_that_waits_for_it(machine, hand):
    def child(calls):
        yield from calls.kill(hand.process.pid)
        yield from calls.sleep(1 << 60)

    machine.program(b"child", child)
    hand.spawn(b"child")
    assert hand.waitpid() is BLOCKED_CALL
    assert hand.ended


# -- nothing stays
def test_a_thousand_processes_in_sequence_leave_nothing(machine, hand):
    def busy(calls):
        fd = yield from calls.open(b"file", abi.O_CREAT)
        yield from calls.write(fd, b"x" * 300)
        yield from calls.pipe()
        yield from calls.unlink(b"file")
        yield from calls.exit(1000)

    machine.program(b"busy", busy)
    lives = []
    for _ in range(5):
        for _ in range(200):
            hand.spawn(b"busy", [b"x" * 100])
            hand.waitpid()
        lives.append(machine.live())
    assert lives[1] == lives[4]


def test_groups_in_sequence_leave_nothing(machine):
    lives = []
    for _ in range(5):
        for _ in range(40):
            process = machine.start(exit_seven, ["x"], ["A=1"], streams=nothing)
            machine.run_until_ended(process)
            del process
        lives.append(machine.live())
    assert lives[3] == lives[4]  # by then every count that costs something has become so large


def test_what_a_group_holds_is_what_its_end_gives_back():
    with Machine(8 * MIB) as machine:
        machine.program(b"/bin/rest", rest)

        def hog(calls):
            for _ in range(50):
                yield from calls.pipe()
                yield from calls.spawn(b"/bin/rest", [b"x" * 500])
                yield from calls.write(4, bytes(3000))
            yield from rest(calls)

        machine.start(rest, streams=lambda _: [Source(b"")])
        machine.settle()
        before = machine.live()
        process = machine.start(hog)
        machine.run(lambda: machine.system.processes.count == 52 and machine.system.run_queue.first is None)
        held = process.group.heap.live
        group = process.group
        death.kill_group(machine.system, group, "for this test")
        del process
        after = machine.live()
        assert held > 50 * 3000
        assert group.heap.live < 256  # the group itself and its queue, which this test holds
        assert after - before < 1000


def test_one_tree_cannot_have_all_processes(machine, hand):
    account = hand.process.group.account
    assert account.most_processes == MAX_GROUP_PROCESSES < MAX_PROCESSES
    account.most_processes = 4
    pids = [hand.spawn(b"/bin/seven") for _ in range(3)]
    assert hand.spawn(b"/bin/seven") == -abi.EAGAIN  # ended ones count as long as nobody waited for them
    assert machine.hand("other").spawn(b"/bin/rest") > 0
    hand.waitpid(pids[0])
    assert hand.spawn(b"/bin/seven") > 0


# -- many descriptors
def fill(calls, count, opened):
    fd = yield from calls.open(b".", rights=abi.RIGHT_READ)
    for _ in range(count):
        yield from calls.call("dup", fd, OUT)
    opened.append(fd)
    yield from calls.call("sched_yield")


@pytest.mark.parametrize("way", ["exit", "kill"])
def test_what_is_open_at_the_end_is_closed_a_part_a_turn(machine, monkeypatch, way):
    """Counted: how many are closed between two turns of another, whatever they are in all."""
    count = 1_000
    opened, closed, each = [], [0], []
    real = descriptor_table.close

    def counting(description):
        closed[0] += 1
        real(description)

    def hog(calls):
        yield from fill(calls, count, opened)
        while way == "kill":
            yield from calls.call("sched_yield")

    def other(calls):
        while True:
            each.append(closed[0])
            yield from calls.call("sched_yield")

    process = machine.start(hog)
    machine.run(lambda: bool(opened))
    machine.start(other)
    monkeypatch.setattr(descriptor_table, "close", counting)
    if way == "kill":
        death.end(machine.system, process, 137, "for this test")
        assert process.state == "exiting"
        machine.check()
    machine.run(lambda: process.state == "gone")
    assert closed[0] > count
    steps = [after - before for before, after in itertools.pairwise([*each, closed[0]])]
    assert max(steps) <= 64


def test_a_parent_waits_until_all_is_closed(machine):
    """What was written through the last descriptor of a pipe is at its end when the child's status is there."""
    found = []

    def child(calls):
        yield from fill(calls, 500, [])

    machine.program(b"child", child)

    def parent(calls):
        reader, writer = yield from calls.pipe()
        yield from calls.spawn(b"child", descriptors=[(0, reader), (1, writer), (3, 3)])
        yield from calls.close(writer)
        found.append((yield from calls.waitpid()))
        found.append((yield from calls.read(reader, 10)))

    machine.run_until_ended(machine.start(parent))
    assert found[0][1] == 0
    assert found[1] == b""


def test_memory_is_not_taken_from_others_while_some_is_about_to_be_closed(machine):
    opened = []

    def hog(calls):
        yield from fill(calls, 3_000, opened)
        yield None

    big, small = machine.start(hog), machine.start(hog)
    machine.run(lambda: len(opened) == 2)
    death.end(machine.system, big, 137, "for this test")
    reservation = machine.system.memory.reserve(machine.system.heap.room + 20_000)
    assert reservation is not None
    reservation.release()
    assert small.state in {"blocked", "runnable"}
    assert not machine.system.kills
