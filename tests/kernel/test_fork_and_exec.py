"""Copies of processes, and programs put in the place of others: what the kernel does about them.

A guest written in Python cannot be copied, so what a child does after its fork is said apart; real programs
fork in tests/programs/test_processes.py.
"""

from __future__ import annotations

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.params import MAX_PROGRAM_FILE, PATH_MAX, SCHEDULER_BYTES
from hardtack.lab.machine.driver import BLOCKED_CALL, KIB, MIB, READ, ROOT, USER_BYTES, Machine


@pytest.fixture
def machine():
    with Machine() as made:
        made.program(b"/bin/rest", rest)
        made.program(b"/bin/seven", exit_seven)
        yield made


@pytest.fixture
def hand(machine):
    made = machine.hand()
    made.program.forked = rest
    return made


def rest(calls):
    yield None


def exit_seven(calls):
    yield from calls.exit(7)


# -- fork
def test_a_child_has_a_copy_of_the_memory_and_its_fork_answers_0(machine, hand):
    found = []

    def child(calls):
        found.append(calls.get(0x50000, 4))
        calls.put(0x50000, b"MINE")
        found.append((yield "getppid", (0x8000,)))
        yield from calls.exit(3)

    hand.program.forked = child
    hand.put(0x50000, b"ours")
    pid = hand.fork()
    assert hand.waitpid() == (pid, 3)
    assert found == [b"ours", 0]
    assert hand.get(0x50000, 4) == b"ours"


def test_a_child_has_its_parents_arguments_environment_and_directory(machine):
    hand = machine.hand(arguments=["a", "b"], environment=["A=1"])
    hand.program.forked = rest
    hand.mkdir(b"d")
    hand.chdir(b"/d")
    child = machine.system.process(hand.fork())
    assert (child.arguments, child.environment, child.directory) == (b"a\0b\0", b"A=1\0", b"/d")
    assert child.parent is hand.process


def test_parent_and_child_share_descriptions_and_close_them_apart(machine, hand):
    reader, writer = hand.pipe()
    child = machine.system.process(hand.fork())
    assert child.descriptors.get(writer) is hand.process.descriptors.get(writer)
    hand.close(writer)
    assert child.descriptors.get(writer) is not None
    hand.begin("read", reader, 1)
    assert hand.finish() is BLOCKED_CALL  # the child's end is still open
    death.end(machine.system, child, 0)
    assert hand.finish() == b""


def test_what_one_of_them_opens_the_other_has_not(machine, hand):
    child = machine.system.process(hand.fork())
    fd = hand.open(b".", rights=READ)
    assert child.descriptors.get(fd) is None


def test_a_program_that_was_not_built_for_it_cannot_fork(machine):
    assert machine.hand().fork() == -abi.ENOTSUP


def test_a_fork_without_user_memory_for_the_copy_is_refused():
    with Machine(memory=2 * USER_BYTES - 1) as machine:
        hand = machine.hand()
        hand.program.forked = rest
        assert hand.fork() == -abi.ENOMEM
        assert hand.waitpid() == -abi.ECHILD
        assert machine.system.processes.count == 1


def test_a_fork_whose_memory_goes_to_another_first_is_refused_and_leaves_nothing():
    with Machine(memory=2 * USER_BYTES) as machine:
        hand = machine.hand()
        hand.program.forked = rest
        hand.fork()
        hand.kill(hand.process.pid + 1)
        hand.waitpid()
        before = machine.live()
        hand.begin("fork")
        machine.run(lambda: hand.process.forking is not None)
        assert machine.system.user_memory.take(1)
        assert hand.finish() == -abi.ENOMEM
        machine.system.user_memory.give_back(1)
        assert hand.waitpid() == -abi.ECHILD
        assert machine.live() <= before
        assert hand.fork() > 0


def test_a_child_that_is_killed_before_it_started_never_was(machine, hand):
    hand.begin("fork")
    machine.run(lambda: hand.process.forking is not None)
    death.end(machine.system, hand.process.forking, 137, "a test")
    assert hand.finish() == -abi.ENOMEM
    assert hand.waitpid() == -abi.ECHILD
    assert machine.system.processes.count == 1


def test_a_parent_that_is_killed_while_it_forks_leaves_no_child(machine, hand):
    hand.begin("fork")
    machine.run(lambda: hand.process.forking is not None)
    death.end(machine.system, hand.process, 137, "a test")
    machine.settle()
    assert machine.system.processes.count == 0


def test_a_fork_is_charged_for_ten_thousand_descriptors_as_for_ten(machine, hand):
    def fork():
        before = machine.live()
        pid = hand.fork()
        taken = machine.live() - before
        hand.kill(pid)
        hand.waitpid()
        return taken

    few = fork()
    while hand.dup(ROOT) < 10_000:
        pass
    assert abs(fork() - few) < 200


def test_300_forks_in_sequence_leave_nothing(machine, hand):
    hand.program.forked = exit_seven
    hand.fork()
    hand.waitpid()
    before = machine.live()
    for _ in range(300):
        assert hand.waitpid(hand.fork())[1] == 7
    assert machine.live() - before < 200
    assert machine.system.processes.count == 1


def full_machine():
    """Return a machine whose heap another process has filled, and a protected one."""
    machine = Machine(1 * MIB, 64 * KIB)
    hand = machine.hand(protected=True)
    hand.program.forked = exit_seven
    hog = machine.hand("hog")
    sockets = [hog.socket() for _ in range(100)]
    while machine.system.heap.room > SCHEDULER_BYTES + 20 * KIB:
        hog.pipe()
    while machine.system.heap.room > SCHEDULER_BYTES + 10 * KIB:
        sockets.append(hog.socket())
    while machine.system.heap.room > SCHEDULER_BYTES + 6 * KIB:  # a name's bound is smaller than a fork's
        fd = sockets.pop()
        assert hog.bind(fd, b"%0100d" % fd) == 0
    assert not hog.ended
    return machine, hand, hog


def test_a_fork_waits_for_memory_at_the_border():
    machine, hand, hog = full_machine()
    with machine:
        assert hand.fork() > 0
        assert hog.ended
        assert machine.system.waits >= 1
        assert hand.waitpid()[1] == 7


# -- exec
def test_an_exec_keeps_pid_parent_descriptors_and_directory(machine, hand):
    found = {}

    def second(calls):
        process = calls.process
        found.update(pid=process.pid, parent=process.parent, directory=process.directory)
        found["read"] = yield from calls.read(5, 10)
        yield from calls.exit(4)

    def first(calls):
        yield from calls.write(5, b"biscuit")
        yield from calls.seek(5, 0)
        yield from calls.exec(b"/bin/second", [b"second", b"x"], [b"B=2"])
        raise AssertionError("it goes on")

    machine.program(b"/bin/first", first)
    machine.program(b"/bin/second", second)
    hand.mkdir(b"d")
    file = hand.open(b"file", abi.O_CREAT)
    pid = hand.spawn(b"/bin/first", descriptors=[(5, file)], directory=b"/d")
    child = machine.system.process(pid)
    assert hand.waitpid() == (pid, 4)
    assert found == {"pid": pid, "parent": hand.process, "directory": b"/d", "read": b"biscuit"}
    assert child.image.name == "second"


def test_an_exec_gives_arguments_and_the_environment_that_was_there_or_another(machine):
    found = []

    def second(calls):
        found.append((calls.process.arguments, calls.process.environment))
        yield from calls.exit()

    def keep(calls):
        yield from calls.exec(b"/bin/second", [b"a", b"b"])

    def change(calls):
        yield from calls.exec(b"/bin/second", [], [b"B=2"])

    machine.program(b"/bin/second", second)
    for program in (keep, change):
        machine.run_until_ended(machine.start(program, ["old"], ["A=1"]))
    assert found == [(b"a\0b\0", b"A=1\0"), (b"", b"B=2\0")]


@pytest.mark.parametrize(
    ("path", "errno"),
    [(b"/bin/none", abi.ENOENT), (b"/text", abi.ENOEXEC), (b"/", abi.EACCES), (b"\xff", abi.EILSEQ)],
)
def test_an_exec_that_cannot_be_leaves_the_program_as_it_was(machine, hand, path, errno):
    hand.write(hand.open(b"text", abi.O_CREAT), b"no program")
    assert hand.exec(path) == errno
    assert hand.getcwd() == b"/"


def test_an_exec_needs_user_memory_only_beyond_what_its_program_had():
    with Machine(memory=USER_BYTES + 1) as machine:
        machine.program(b"same", exit_seven)
        machine.program(b"large", exit_seven, USER_BYTES + 2)
        hand = machine.hand()
        assert hand.exec(b"large") == abi.ENOMEM
        assert hand.getcwd() == b"/"
        hand.begin("exec", b"same")
        machine.run_until_ended(hand.process)
        assert hand.process.status == 7


def test_an_exec_exchanges_what_arguments_and_environment_take_of_user_memory():
    with Machine(memory=USER_BYTES + 300) as machine:
        machine.program(b"rest", rest)
        hand = machine.hand(arguments=["x" * 99])
        assert hand.exec(b"rest", [b"y" * 200]) == abi.ENOMEM
        assert machine.system.user_memory.used == USER_BYTES + 100
        hand.begin("exec", b"rest", [b"y" * 149])
        machine.settle()
        assert machine.system.user_memory.used == USER_BYTES + 150


def test_what_an_exec_that_came_to_nothing_took_of_user_memory_goes_back():
    with Machine(memory=USER_BYTES + 100) as machine:
        machine.program(b"large", exit_seven, USER_BYTES + 99)
        hand = machine.hand()
        assert hand.exec(b"large", [b"y"]) == abi.ENOMEM  # there is room for its arguments, not for it
        assert machine.system.user_memory.used == USER_BYTES


def test_a_copy_takes_as_much_for_its_arguments_and_environment():
    with Machine(memory=2 * USER_BYTES + 199) as machine:
        hand = machine.hand(arguments=["x" * 99])
        hand.program.forked = rest
        assert hand.fork() == -abi.ENOMEM
        machine.system.user_memory.capacity += 1
        hand.process.group.account.user_memory.capacity += 1
        assert hand.fork() > 0


def hurried(machine, monkeypatch, name, times=1):
    """Have the host hurry a turn right before a method of the scheduler; return whose turns these were."""
    whose = []
    method = getattr(machine.scheduler, name)

    def hurry_before(process):
        if len(whose) < times:
            machine.scheduler.hurry()
            assert process.admit == process.admit_later
            whose.append(process)
        return method(process)

    monkeypatch.setattr(machine.scheduler, name, hurry_before)
    return whose


def become(calls):
    yield from calls.exec(b"/bin/seven", [b"x" * 1000])
    raise AssertionError("it goes on")


def test_an_exec_that_is_hurried_before_its_program_is_there_is_carried_out_later(machine, hand, monkeypatch):
    machine.program(b"/bin/become", become)
    hand.close(99)  # it has started
    used = machine.system.user_memory.used
    whose = hurried(machine, monkeypatch, "_replace", times=3)
    pid = hand.spawn(b"/bin/become")
    child = machine.system.process(pid)
    assert hand.waitpid() == (pid, 7)
    assert whose == [child] * 3
    assert child.image.name == "seven"
    assert machine.system.user_memory.used == used


def test_a_start_that_is_hurried_is_carried_out_later(machine, hand, monkeypatch):
    whose = hurried(machine, monkeypatch, "_start")
    pid = hand.spawn(b"/bin/seven")
    assert hand.waitpid() == (pid, 7)
    assert len(whose) == 1


def test_a_process_that_is_killed_after_its_exec_was_hurried_gives_all_back(machine, hand, monkeypatch):
    machine.program(b"/bin/become", become)
    hand.close(99)  # it has started
    used = machine.system.user_memory.used
    whose = hurried(machine, monkeypatch, "_replace")
    pid = hand.spawn(b"/bin/become")
    child = machine.system.process(pid)
    machine.run(lambda: bool(whose))
    assert child.successor is not None
    assert child.image.name == "become"
    death.end(machine.system, child, 137, "for this test")
    assert hand.waitpid() == (pid, 137)
    assert machine.system.user_memory.used == used


def test_an_exec_waits_for_memory_at_the_border():
    machine, hand, hog = full_machine()
    with machine:
        machine.program(b"seven", exit_seven)
        hand.begin("exec", b"seven")
        machine.run_until_ended(hand.process)
        assert (hand.process.status, hog.ended) == (7, True)


def test_execs_in_sequence_leave_nothing(machine):
    left = 100

    def again(calls):
        nonlocal left
        left -= 1
        if left:
            yield from calls.exec(b"/bin/again", [b"x" * 1000])

    machine.program(b"/bin/again", again)
    before = machine.live()
    machine.run_until_ended(machine.start(again))
    assert machine.live() - before < 500


# -- programs that are files
def test_a_program_can_lie_in_the_file_system(machine, hand):
    hand.mkdir(b"d")
    hand.write(hand.open(b"d/program", abi.O_CREAT), b"/bin/seven")  # the bytes that Machine.load knows
    for path, directory in ((b"/d/program", None), (b"d/program", b"/"), (b"program", b"d")):
        if directory:
            hand.chdir(directory)
        assert hand.waitpid(hand.spawn(path))[1] == 7


def test_a_file_that_is_no_program_is_not_started(hand):
    hand.write(hand.open(b"text", abi.O_CREAT), b"echo hi")
    assert hand.spawn(b"/text") == -abi.ENOEXEC


def test_a_program_file_counts_as_user_memory_while_it_is_read(machine, hand):
    file = hand.open(b"program", abi.O_CREAT)
    hand.truncate(file, 60 * MIB)  # a hole: it takes no room in the heap
    taken = machine.system.user_memory.used
    assert hand.spawn(b"/program") == -abi.ENOEXEC
    assert machine.system.user_memory.peak == taken + 60 * MIB
    assert machine.system.user_memory.used == taken
    hand.truncate(file, MAX_PROGRAM_FILE)
    assert hand.spawn(b"/program") == -abi.ENOMEM
    hand.truncate(file, MAX_PROGRAM_FILE + 1)
    assert hand.spawn(b"/program") == -abi.EFBIG


# -- descriptors
def test_dup_takes_the_lowest_free_number(hand):
    assert hand.dup(0) == 4
    hand.close(1)
    assert hand.dup(0) == 1
    assert hand.dup(99) == -abi.EBADF


def test_dup2_closes_what_was_there(machine, hand):
    reader, writer = hand.pipe()
    assert hand.dup2(0, writer) == 0
    assert hand.read(reader, 1) == b""
    assert hand.dup2(reader, 70) == 0
    assert hand.dup2(reader, reader) == 0
    assert hand.dup2(99, 99) == abi.EBADF
    assert hand.dup2(0, 1 << 30) == abi.EBADF


# -- working directories
def test_a_child_starts_in_the_directory_given_or_in_its_parents(machine, hand):
    hand.mkdir(b"d")
    hand.mkdir(b"d/e")
    for directory, started in ((None, b"/"), (b"/d", b"/d"), (b"d/e", b"/d/e")):
        child = machine.system.process(hand.spawn(b"/bin/rest", directory=directory))
        assert child.directory == started
    assert hand.chdir(b"d") == 0
    assert hand.getcwd() == b"/d"
    assert machine.system.process(hand.spawn(b"/bin/rest", directory=b"e")).directory == b"/d/e"


def test_a_working_directory_must_be_one(hand):
    hand.close(hand.open(b"file", abi.O_CREAT))
    assert hand.chdir(b"/none") == abi.ENOENT
    assert hand.chdir(b"/file") == abi.ENOTDIR
    assert hand.spawn(b"/bin/rest", directory=b"/none") == -abi.ENOENT


def test_a_working_directory_has_a_path_of_path_max_at_most(hand):
    hand.mkdir(b"d")
    assert hand.chdir(b"/d") == 0
    assert hand.chdir(b"./" * (PATH_MAX // 2 - 2) + b".") == 0  # with /d/ before it, just as long
    assert len(hand.getcwd()) == PATH_MAX
    assert hand.chdir(b".") == abi.ENAMETOOLONG
    assert hand.chdir(b"/d") == 0
    assert hand.chdir(b"./" * (PATH_MAX // 2 - 1)) == abi.ENAMETOOLONG


def test_getcwd_says_how_much_room_it_needs(hand):
    hand.mkdir(b"directory")
    hand.chdir(b"/directory")
    assert hand.call("getcwd", 0x60000, 9, 0x8000) == abi.ERANGE
    assert hand.calls.unpack("I") == (10,)
