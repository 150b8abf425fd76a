"""What a failed allocation leaves of a system call, and what a full heap leaves of one that reserves.

The experiment behind reservations. Under `fail`, the n-th allocation of a call is made to fail, for every n:
some calls are left half done, though each answers ENOMEM. Under `reserve`, the same calls meet a heap of
every fullness: each is done, or was not begun.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_SIZE, LEAST_CACHE_BYTES
from hardtack.lab.machine.driver import KIB, MIB, Machine

FIRED_NOT, CLEAN, HALF_DONE, DONE_ALL_THE_SAME, KILLED = range(10, 15)
HOST = 4  # where a directory of the host is
ENOUGH = 200  # allocations: none of these calls makes so many

# Each with the number of the descriptor that `prepare` has opened.
CALLS = {
    "open": lambda calls, fd: calls.open(b"d/new", abi.O_CREAT),
    "mkdir": lambda calls, fd: calls.mkdir(b"d/new"),
    "symlink": lambda calls, fd: calls.symlink(b"target" * 20, b"d/new"),
    "link": lambda calls, fd: calls.link(b"file", b"d/new"),
    "rename": lambda calls, fd: calls.rename(b"file", b"d/new"),
    "write": lambda calls, fd: calls.write(fd, b"x" * 60_000, 0),
    "pipe": lambda calls, fd: calls.pipe(),
    "spawn": lambda calls, fd: calls.spawn(b"child", [b"x" * 100]),
}


def prepare(machine, protected=False):
    """Return a hand, and a descriptor, before a call that takes new nodes of tables."""
    machine.program(b"child", lambda calls: calls.close(99))
    hand = machine.hand(protected=protected)
    hand.mkdir(b"d")
    fd = hand.open(b"file", abi.O_CREAT)
    hand.write(fd, b"content")
    while hand.open(b".", rights=abi.RIGHT_READ) < 62:
        pass
    return hand, fd


def state(machine, process):
    """Return all that a call could have changed."""
    system = machine.system
    if system.disks:
        return state_on_disk(system.disks[0]), process.descriptors.count, system.processes.count
    files = []
    directories = [(b"", system.files.root)]
    for path, directory in directories:
        where = 0
        while where >= 0:
            pairs, where = directory.leaf_from(where)
            for _, name in pairs:
                inode = directory.get(name)
                files.append((path + b"/" + name, inode.number, inode.links, inode.byte_size()))
                if inode.filetype == abi.DIRECTORY:
                    directories.append((path + b"/" + name, inode))
    return sorted(files), process.descriptors.count, system.processes.count, system.files.inodes.count


def state_on_disk(files):
    """The same of a durable file system: its rows, with what is not in them yet."""
    files.flush()
    inodes = files.disk.rows("SELECT number, links, size FROM inode ORDER BY number", ())
    return [*inodes, *files.disk.rows("SELECT directory, name, inode FROM name ORDER BY directory, name", ())]


# -- one allocation fails
class FaultyMachine(Machine):
    """A machine in which an allocation of the next call fails."""

    fail_at = 0

    def enter(self, process, name, arguments):
        heap = self.system.heap
        heap.fail_nth(self.fail_at)
        errno = super().enter(process, name, arguments)
        heap.fail_nth(0)
        return errno


def fail_one(machine, hand, fd, call, number):
    """Make a call whose number-th allocation fails; return what became of it."""
    before = state(machine, hand.process)
    machine.fail_at = number
    hand.work.append(CALLS[call](hand.calls, fd))
    machine.system.wake_one(hand.process, machine.parked)
    answer = hand.finish()
    machine.fail_at = 0
    if not machine.system.heap.injected:
        return FIRED_NOT
    if hand.ended:
        return KILLED
    if not isinstance(answer, int) or answer not in {abi.ENOMEM, -abi.ENOMEM}:
        return DONE_ALL_THE_SAME
    unchanged = before == state(machine, hand.process) and not machine.system.check()
    return CLEAN if unchanged else HALF_DONE


def fork(function, *arguments):
    """Return a function's answer from a child process; the negated signal if it died, or hung, instead."""
    child = os.fork()
    if child == 0:
        answer = 1
        try:
            signal.alarm(10)
            answer = function(*arguments)
        finally:
            os._exit(answer)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("call", CALLS)
def test_a_failed_allocation_leaves_a_call_half_done(call):
    """Shows the problem, not what anybody should want: `fail` is no way to run a kernel."""
    machine = FaultyMachine(8 * MIB, policy="fail")
    hand, fd = prepare(machine)
    found = Counter()
    for number in range(1, ENOUGH):
        outcome = fork(fail_one, machine, hand, fd, call, number)
        if outcome == FIRED_NOT:
            break
        found[outcome] += 1
    assert outcome == FIRED_NOT
    assert found[HALF_DONE] > 0
    assert found[CLEAN] > 0
    machine.close()


# -- what is undone all the same
def failed_calls(machine, prepared, make):
    """Call `make`, each time in a child process, with each of its allocations failing in turn; yield the answers."""
    for number in range(1, ENOUGH):
        answer = fork(make, machine, *prepared, number)
        if answer == FIRED_NOT:
            return
        yield number, answer


def spawn_and_wait(machine, hand, fd, number):
    """Spawn while an allocation fails; tell how many children there are which nobody will start."""
    fail_one(machine, hand, fd, "spawn", number)
    if not machine.system.heap.injected:
        return FIRED_NOT
    machine.run(lambda: machine.system.run_queue.first is None)
    death.end_doomed(machine.system)
    wrong = [text for text in machine.system.check() if "on no queue" in text]
    return len(wrong) + (hand.process.forking is not None)


def test_a_child_whose_making_fails_is_ended_whole():
    with FaultyMachine(8 * MIB, policy="fail") as machine:
        answers = dict(failed_calls(machine, prepare(machine), spawn_and_wait))
        assert len(answers) > 10
        assert set(answers.values()) == {0}


def open_on_host(machine, hand, number):
    """Open a file of the host while an allocation fails; tell how many of the host's descriptors nobody has."""
    budget = machine.system.host_files
    before, had = len(os.listdir("/proc/self/fd")), budget.used
    machine.fail_at = number
    hand.work.append(hand.calls.open(b"a/b/link", at=HOST))
    machine.system.wake_one(hand.process, machine.parked)
    hand.finish()
    machine.fail_at = 0
    if not machine.system.heap.injected:
        return FIRED_NOT
    return len(os.listdir("/proc/self/fd")) - before - (budget.used - had)


def test_an_open_that_fails_loses_no_descriptor_of_the_host(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "link").symlink_to("file")
    (tmp_path / "a" / "b" / "file").write_bytes(b"content")
    with FaultyMachine(8 * MIB, policy="fail") as machine:
        machine.preopen(open_host_directory(machine.system, "/host", str(tmp_path)))
        hand = machine.hand()
        while hand.open(b".", rights=abi.RIGHT_READ) < 62:
            pass
        answers = dict(failed_calls(machine, (hand,), open_on_host))
        assert len(answers) > 10
        assert set(answers.values()) == {0}


# -- a heap of every fullness
def at_room(call, room, root=None):
    """Make a call with so much room in the heap; tell whether it was done, all or nothing."""
    with Machine(1 * MIB, 256 * KIB, root=root) as machine:
        hand, fd = prepare(machine, protected=True)
        before = state(machine, hand.process)
        heap = machine.system.heap
        held = []

        def body(calls):
            held.append(heap.reserve_nowait(heap.room - room, fresh=True))
            return (yield from CALLS[call](calls, fd))

        hand.work.append(body(hand.calls))
        machine.system.wake_one(hand.process, machine.parked)
        process = hand.process
        answer = hand.finish()
        held[0].release()
        statistics = heap.statistics()
        assert (statistics.failures, statistics.overruns) == (0, 0)
        assert machine.system.check() == []
        if hand.ended:  # refused, and being protected all there is, ended at the border
            assert process.killed == "out of memory: nothing was left to reclaim"
            assert state(machine, process)[0] == before[0]
            return False
        assert not isinstance(answer, int) or answer >= 0
        assert state(machine, process) != before
        return True


@pytest.mark.parametrize("call", CALLS)
def test_with_reservations_a_call_is_done_or_not_begun_however_full_the_heap(call):
    done = [at_room(call, room) for room in range(0, 124_000, 4_000)]
    assert done == sorted(done)
    assert not done[0]
    assert done[-1]


@pytest.mark.parametrize("call", CALLS)
def test_on_a_disk_too_a_call_is_done_or_not_begun_however_full_the_heap(call, tmp_path):
    def root(system):
        path.unlink(missing_ok=True)
        return open_disk(system, "/", str(path), DISK_SIZE, LEAST_CACHE_BYTES)

    path = tmp_path / "fs.db"
    done = [at_room(call, room, root) for room in range(0, 124_000, 8_000)]
    assert done == sorted(done)
    assert not done[0]
    assert done[-1]
