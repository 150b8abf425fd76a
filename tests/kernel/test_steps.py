"""Long operations: whatever step is refused, the call ends as if none had been, and waited with nothing held."""

from __future__ import annotations

import itertools

import pytest
from denying import Denying, never, once_for_each_stack, only_the
from test_failed_allocations import state

from hardtack.kernel import abi, death
from hardtack.kernel.calls_spawn import CREATE_BYTES, NODES_BYTES, RUN_BYTES, SLOT_BYTES
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import (
    DISK_SIZE,
    LEAST_BYTES,
    LEAST_CACHE_BYTES,
    LEAST_PROGRAM_BYTES,
    MAX_IO,
    MAX_MAP,
    PAGE,
    SCHEDULER_BYTES,
    STEP_IO,
)
from hardtack.kernel.pipes import ATOMIC, CAPACITY
from hardtack.kernel.system_calls import TABLE, by_name
from hardtack.lab.machine.driver import (
    DATA,
    MIB,
    OUT,
    READ,
    ROOT,
    USER_BYTES,
    Capture,
    Machine,
    Null,
)

BIG = bytes(range(251)) * 262  # more than one call moves
FAR = [(64 * place * 64, 0) for place in range(1, 9)] + [(5, 0), (64, 0), (65, 0)]
SPAWN_STEPS = {"_create", "_install", "_install_low", "_let_run"}
# What a spawn with these reserves for: its child, these, the directory that every process has, its place in the queue.
FAR_STEPS = [CREATE_BYTES, *[NODES_BYTES] * 8, SLOT_BYTES, *[NODES_BYTES] * 2, SLOT_BYTES, RUN_BYTES]


# -- what is done: each is a body that returns all that can be seen of it
def spawns(machine, calls):
    pid = yield from calls.spawn(b"child", [b"x" * 100_000], [b"y" * 100_000], FAR, b"/d")
    opened = _descriptors(machine, pid)
    return pid, opened, (yield from calls.waitpid()), (yield from calls.waitpid())  # it has had one child


def spawns_by_default(machine, calls):
    pid = yield from calls.spawn(b"child")
    return pid, _descriptors(machine, pid), (yield from calls.waitpid())


def spawns_with_all(machine, calls):
    """As many descriptors as can be given, and the directory: more than an end closes at once."""
    pid = yield from calls.spawn(b"child", [], [], [(to, 0) for to in range(4, 4 + MAX_MAP)])
    return pid, _descriptors(machine, pid), (yield from calls.waitpid())


def _descriptors(machine, pid):
    table = machine.system.process(pid).descriptors
    return [number for number in [*range(200), *(to for to, _ in FAR)] if table.get(number) is not None]


def forks(machine, calls):
    pid = yield from calls.fork()
    return pid, (yield from calls.waitpid())


def execs(machine, calls):
    pid = yield from calls.spawn(b"execs")
    return pid, (yield from calls.waitpid())


def exits(machine, calls):
    pid = yield from calls.spawn(b"opens")
    return pid, (yield from calls.waitpid())


def renames(machine, calls):
    one = yield from calls.rename(b"d/file", b"new" * 80)
    other = yield from calls.rename(b"new" * 80, b"full/1")
    return one, other, (yield from calls.rename(b"full", b"d/full"))


def lists(machine, calls):
    fd = yield from calls.open_directory(b"full")
    return (yield from calls.list(fd, 600))


def walks(machine, calls):
    at = yield from calls.mkdir(b"d/../" * 800 + b"far")
    fd = yield from calls.open(b"link0", abi.O_CREAT)
    done = yield from calls.write(fd, b"by links")
    return at, done, (yield from calls.stat(b"link0")).size, (yield from calls.readlink(b"link0"))


def writes(machine, calls):
    fd = yield from calls.open(b"d/big", abi.O_CREAT)
    yield from calls.write_all(fd, BIG)
    return (yield from _content(calls, fd))


def writes_far_off(machine, calls):
    fd = yield from calls.open(b"d/big", abi.O_CREAT)
    done = 0
    while done < len(BIG):
        done += yield from calls.write(fd, BIG[done : done + 65536], PAGE - 5 + done)
    return (yield from _content(calls, fd))


def _content(calls, fd):
    yield from calls.seek(fd, 0)
    found = b""
    while piece := (yield from calls.read(fd, 65536)):
        found += piece
    return found


def pipes(machine, calls):
    reader, writer = yield from calls.pipe()
    return (yield from _through(calls, reader, writer, calls.write))


def sends(machine, calls):
    reader, writer = yield from calls.socketpair()
    return (yield from _through(calls, reader, writer, calls.send))


def _through(calls, reader, writer, put):
    done, found = 0, b""
    while done < len(BIG):
        done += yield from put(writer, BIG[done : done + 40_000])
        while len(found) < done:
            found += yield from calls.read(reader, 65536)
    assert found == BIG
    return done


def prints(machine, calls):
    yield from calls.write_all(1, BIG)
    return machine.printed.take()


def draws(machine, calls):
    errno = yield from calls.call("random_get", DATA, 30_000)
    return errno, calls.get(DATA, 30_000)


def cuts(machine, calls):
    fd = yield from calls.open(b"d/long", abi.O_CREAT)
    for place in range(40):
        yield from calls.write(fd, BIG[:60_000], 60_000 * place)
    cut = yield from calls.truncate(fd, 1234)
    return cut, (yield from _content(calls, fd))


WHOLE = [execs, forks, renames, spawns, spawns_by_default, spawns_with_all, walks]
LONG = [exits, lists, writes, writes_far_off, pipes, sends, prints, draws]
ON_DISK = [renames, lists, walks, writes, writes_far_off, cuts]


def prepare(machine):
    """Put programs and files there, and a hand that is to make the calls."""
    machine.program(b"child", lambda calls: calls.sleep(1))
    machine.program(b"execs", lambda calls: calls.exec(b"other", [b"x" * 100_000], [b"y" * 50_000]))
    machine.program(b"other", _tell_of_arguments)
    machine.program(b"opens", _open_many)
    machine.system.random = lambda count: BIG[:count]

    def streams(process):
        machine.printed = Capture(process.group.heap, MIB)
        return [Null(), machine.printed, Null()]

    hand = machine.hand(streams=streams)
    hand.program.forked = lambda calls: calls.exit(3)
    for name in (b"d", b"full"):
        hand.mkdir(name)
    hand.write(hand.open(b"d/file", abi.O_CREAT), b"content")
    for number in range(100):
        hand.open(b"full/%d" % number, abi.O_CREAT)
    for number in range(30):
        hand.symlink(b"./" * 500 + b"link%d" % (number + 1), b"link%d" % number)
    for fd in range(ROOT + 1, 110):
        hand.close(fd)
    return hand


def _tell_of_arguments(calls):
    yield "args_sizes_get", (OUT, OUT + 4)
    arguments = calls.unpack("II")
    yield "environ_sizes_get", (OUT, OUT + 4)
    yield from calls.exit(hash((arguments, calls.unpack("II"))) % 100)


def _open_many(calls):
    for _ in range(30):
        yield from calls.open(b".", rights=READ)
        yield from calls.pipe()
    yield from calls.exit(9)


def outcome(body, choose, root=None):
    """Do something on a machine that refuses what `choose` picks; return what came of it, and the machine."""
    with Denying(choose, 8 * MIB, 4 * MIB, root=root) as machine:
        hand = prepare(machine)
        machine.denying = True
        hand.work.append(body(machine, hand.calls))
        machine.system.wake_one(hand.process, machine.parked)
        answer = hand.finish()
        machine.denying = False
        assert machine.system.bugs == []
        assert not hand.ended
        assert not machine.system.kills
        return (answer, state(machine, hand.process)), machine


@pytest.mark.parametrize("body", [*WHOLE, *LONG], ids=lambda body: body.__name__)
def test_each_step_may_be_refused_once_for_each_distinct_call_stack(body):
    undenied, _ = outcome(body, never)
    found, machine = outcome(body, once_for_each_stack)
    assert found == undenied
    assert len(machine.denied) == len(set(machine.denied)) >= 1
    assert machine.waits


@pytest.mark.parametrize("body", ON_DISK, ids=lambda body: body.__name__)
def test_on_a_disk_each_step_may_be_refused_too(body, tmp_path):
    def root(system):
        path.unlink(missing_ok=True)
        return open_disk(system, "/", str(path), DISK_SIZE, LEAST_CACHE_BYTES)

    path = tmp_path / "fs.db"
    undenied, _ = outcome(body, never, root)
    found, machine = outcome(body, once_for_each_stack, root)
    assert found == undenied
    assert machine.waits


@pytest.mark.parametrize("body", WHOLE, ids=lambda body: body.__name__)
def test_whichever_reservation_is_refused_the_end_is_the_same(body):
    undenied, _ = outcome(body, never)
    for number in itertools.count(1):
        found, machine = outcome(body, only_the(number))
        assert found == undenied, number
        if not machine.denied:
            break
    assert number > 2


def test_a_process_that_is_killed_while_its_new_program_waits_for_memory_gives_all_back():
    def choose(machine, stack):
        return stack[0][0].co_name == "_replace"

    with Denying(choose) as machine:
        hand = prepare(machine)
        machine.denying = True
        hand.begin("exec", b"child", [b"x" * 1000])
        machine.run(lambda: hand.process.grant is not None)  # it has not run on it yet
        assert machine.system.user_memory.used == USER_BYTES + 1001
        death.end(machine.system, hand.process, 137, "for this test")
        assert machine.system.user_memory.used == 0


# -- steps in the midst of a call
def test_a_spawn_whose_step_is_refused_waits_for_its_bound_and_its_steps_so_far():
    for refused in range(1, len(FAR_STEPS) + 1):

        def choose(machine, stack, refused=refused):
            return sum(name in SPAWN_STEPS for name, _, _ in machine.steps) == refused - 1 and (
                stack[0][0].co_name == "run" and not machine.waits
            )

        _, machine = outcome(spawns, choose)
        sizes = [amount for _, amount in machine.waits]
        path, directory = len(b"child"), len(b"/d")
        bound = by_name("spawn").bound(None, 0, path, 0, 0, 0, 0, 0, 0, 0, directory, 0)
        assert sizes == [bound + sum(FAR_STEPS[:refused])]


def spawns_twice(machine, calls):
    first = yield from spawns(machine, calls)
    return first, (yield from spawns(machine, calls))


def test_what_was_granted_for_a_spawns_steps_is_used_by_no_later_spawn():
    def choose(machine, stack):
        made = sum(name == "_install" for name, _, _ in machine.steps)
        return made == 9 and stack[0][0].co_name == "run" and not machine.waits

    _, undenied = outcome(spawns_twice, never)
    _, machine = outcome(spawns_twice, choose)
    assert len(machine.waits) == 1
    counts = [sum(name == "_install" for name, _, _ in one.steps) for one in (undenied, machine)]
    assert counts == [20, 9 + 10]  # of the first, all but the one that was refused; then they were granted


def test_what_was_granted_for_steps_ends_with_a_call_whose_disk_breaks():
    def break_off():
        raise Broken

    with Machine(8 * MIB, 4 * MIB) as machine:
        process = machine.hand().process
        process.grant = machine.system.heap.reserve_nowait(1_000, fresh=True)
        process.shortfall = 100
        with pytest.raises(Broken):
            process.admit_granted(None, process.heap, 900, break_off)
        assert (process.granted_for_steps, process.shortfall) == (0, 0)


def test_what_a_spawns_steps_lacked_is_asked_for_by_no_later_call():
    def body(machine, calls):
        yield from spawns(machine, calls)
        return (yield from calls.pipe())

    def choose(machine, stack):
        if stack[-1][0].co_filename == "<entry pipe>":
            return len(machine.waits) == 1
        return stack[0][0].co_name == "run" and not machine.waits

    _, machine = outcome(body, choose)
    assert [amount for _, amount in machine.waits][1:] == [by_name("pipe").maximum]


def test_a_spawn_takes_no_step_for_what_every_table_has():
    _, machine = outcome(spawns_by_default, never)
    assert "_install" not in {name for name, _, _ in machine.steps}


def test_no_step_takes_more_than_it_reserves():
    _, machine = outcome(spawns, never)
    taken = [used for name, _, used in machine.steps if name == "_install"]
    assert len(taken) == 10
    assert max(taken) <= NODES_BYTES <= 1.6 * max(taken)
    assert [need for name, need, _ in machine.steps if name in SPAWN_STEPS] == FAR_STEPS
    assert all(used <= need for name, need, used in machine.steps if name in SPAWN_STEPS)


def test_the_least_heap_that_a_program_may_have_has_room_for_a_spawn_with_all_its_steps():
    steps = CREATE_BYTES + MAX_MAP * NODES_BYTES + 2 * SLOT_BYTES + RUN_BYTES
    assert by_name("spawn").maximum + steps <= LEAST_PROGRAM_BYTES
    assert max(row.maximum for row in TABLE) <= LEAST_PROGRAM_BYTES


def test_a_childs_making_takes_within_reach_of_what_it_reserves():
    with Denying(never, 64 * MIB) as machine:
        machine.program(b"rest", _rest, 4096)
        hand = machine.hand()
        path = b"d" * 250
        for depth in range(16):  # the longest path of a directory there is
            hand.mkdir(b"/".join([path] * (depth + 1)))
        directory = b"/" + b"/".join([path] * 16)
        machine.denying = True
        while hand.spawn(b"rest", directory=directory) < 66:  # over the edge of a node of the process table
            pass
        taken = [used for name, _, used in machine.steps if name == "_create"]
        assert max(taken) <= CREATE_BYTES <= 3 * max(taken)


def _rest(calls):
    yield None


def test_what_steps_reserve_does_not_pile_up():
    reserved = []

    def look(machine, stack):
        if stack[0][0].co_name == "run":
            reserved.append(machine.system.heap.reserved - machine.scheduler._standing.left)
        return False

    outcome(spawns, look)
    assert len(reserved) == len(FAR_STEPS)
    assert max(reserved) <= by_name("spawn").maximum  # of the call itself, before each step


class Tight(Denying):
    """A machine that gives who waits what it waits for, and hardly more."""

    def leave(self, room):
        """Have so many bytes free, for who asks in a call."""
        heap = self.system.heap
        self.held = heap.reserve_nowait(heap.room - room, fresh=True)

    def _holds_nothing(self, process, amount, starting):
        held, self.held = self.held, None
        held.release()
        super()._holds_nothing(process, amount, starting)
        self.leave(amount + 2_000)


def tight(body, room):
    """Do something with so much room in the heap; return the answer, and for how many bytes it waited."""
    with Tight(never, 8 * MIB, 4 * MIB) as machine:
        hand = prepare(machine)

        def begin():
            machine.denying = True
            machine.leave(room)
            return (yield from body(machine, hand.calls))

        hand.work.append(begin())
        machine.system.wake_one(hand.process, machine.parked)
        answer = hand.finish()
        assert machine.system.bugs == []
        machine.held.release()
        assert not machine.system.kills
        return answer, [amount for _, amount in machine.waits]


def test_a_spawn_comes_further_each_time_that_it_begins_again():
    whole, _ = outcome(spawns, never)
    answer, sizes = tight(spawns, 5_000)
    assert answer == whole[0]
    assert len(sizes) > 2
    assert sizes == sorted(set(sizes))


# -- writes
def one_write(machine, calls):
    fd = yield from calls.open(b"d/big", abi.O_CREAT)
    return (yield from calls.write(fd, BIG[:65536]))


def one_write_far_off(machine, calls):
    fd = yield from calls.open(b"d/big", abi.O_CREAT)
    return (yield from calls.write(fd, BIG[:65536], 12_345))


def one_send(machine, calls):
    _, writer = yield from calls.socketpair()
    return (yield from calls.send(writer, BIG[:65536]))


@pytest.mark.parametrize("body", [one_write, one_write_far_off], ids=lambda body: body.__name__)
def test_a_write_that_has_room_for_a_step_alone_goes_on_step_by_step_and_waits_for_steps_alone(body):
    answer, waits = tight(body, 60_000)
    assert answer == 65536
    assert all(amount < by_name("fd_write").maximum / 1.5 for amount in waits)


def test_the_steps_of_a_write_lie_one_after_the_other():
    def body(machine, calls):
        yield from one_write(machine, calls)
        fd = yield from calls.open(b"d/big")
        return (yield from calls.read(fd, 70_000))

    assert tight(body, 60_000)[0] == BIG[:65536]


def test_a_send_that_has_room_for_a_step_alone_goes_on_step_by_step():
    def body(machine, calls):
        _, writer = yield from calls.socketpair()
        return (yield from calls.send(writer, BIG[:40_000]))

    answer, waits = tight(body, 60_000)
    assert answer == 40_000
    assert all(amount < by_name("sock_send").maximum / 1.5 for amount in waits)


def test_a_write_that_has_room_for_no_step_waits_for_one():
    answer, waits = tight(one_write, 30_000)
    assert answer == 65536
    assert waits
    assert max(waits) < by_name("fd_write").maximum / 1.5


def test_a_write_to_a_pipe_that_is_to_stay_whole_is_no_longer_than_a_step():
    def body(machine, calls):
        _, writer = yield from calls.pipe()
        return (yield from calls.write(writer, BIG[:ATOMIC]))

    assert ATOMIC < STEP_IO
    assert tight(body, 60_000)[0] == ATOMIC


# -- reads and writes of more than a turn moves
LONG = bytes(range(251)) * 900


@pytest.mark.parametrize("offset", [None, 12_345])
def test_a_long_write_and_a_long_read_of_a_file_are_whole(machine, offset):
    hand = machine.hand()
    fd = hand.open(b"long", abi.O_CREAT)
    assert hand.write(fd, LONG, offset) == len(LONG)
    hand.seek(fd, 0 if offset is None else offset)
    assert hand.read(fd, len(LONG) - 1, offset) == LONG[:-1]
    assert hand.read(fd, 250_000, offset) == (LONG if offset else LONG[-1:])


def test_others_have_their_turns_while_a_long_write_goes_on(machine):
    turns = []

    def other(calls):
        while True:
            turns.append(1)
            yield from calls.call("sched_yield")

    hand = machine.hand()
    fd = hand.open(b"long", abi.O_CREAT)
    machine.start(other)
    before = len(turns)
    assert hand.write(fd, LONG) == len(LONG)
    assert len(turns) - before >= len(LONG) // MAX_IO


def test_a_long_write_ends_short_where_an_error_comes_next():
    captures = []

    def streams(process):
        captures.append(Capture(process.group.heap, 100_000))
        return [Null(), captures[0]]

    with Machine() as machine:
        hand = machine.hand(streams=streams)
        assert hand.write(1, LONG) == 100_000
        assert hand.write(1, LONG) == -abi.ENOSPC
        assert captures[0].take() == LONG[:100_000]


def test_a_read_of_what_is_no_file_does_not_wait_for_more_than_there_is(machine):
    hand = machine.hand()
    reader, writer = hand.pipe()
    hand.write(writer, LONG[:CAPACITY])
    assert hand.read(reader, 200_000) == LONG[:CAPACITY]


class FailsLate(Null):
    """What its first write took is all that it ever takes."""

    __slots__ = ("taken",)

    def __init__(self):
        super().__init__()
        self.taken = []

    def write(self, process, start, count):
        if len(self.taken) == 1:
            self.taken.append(None)
            raise Broken
        self.taken.append(bytes(process.memory[start : start + count]))
        return count


def test_a_call_that_fails_for_good_leaves_nothing_to_the_next():
    late = FailsLate()
    with Machine() as machine:
        hand = machine.hand(streams=lambda _: [Null(), late])
        assert hand.write(1, LONG) == -abi.EIO
        assert hand.write(1, b"afterwards") == 10
    assert late.taken == [LONG[:MAX_IO], None, b"afterwards"]


# -- an end, and all bounds
@pytest.mark.parametrize("how", ["exit", "kill"])
def test_an_end_takes_no_more_memory_for_many_descriptors_than_for_few(how):
    taken = []
    for count in (10, 1000):
        with Machine(16 * MIB) as machine:
            hand = machine.hand()
            with machine.warm():
                for number in range(count):
                    hand.open(b"file%d" % number, abi.O_CREAT)
                    hand.unlink(b"file%d" % number)
                    hand.pipe()
                    hand.socketpair()
            machine.settle()
            heap = machine.system.heap
            machine.live()
            heap.reset_peak()
            live = heap.live
            machine.scheduler.on_turn = lambda _, heap=heap, live=live: taken.append(heap.peak - live)
            if how == "exit":
                hand.exit()
            else:
                with machine.system.scheduler_heap:
                    death.end(machine.system, hand.process, 1)
                taken.append(heap.peak - live)
            machine.scheduler.on_turn = None
            few, many = taken[0], taken[-1]
    assert many <= few + 1_000


def test_no_calls_bound_reaches_150_kilobytes():
    assert max(row.maximum for row in TABLE) < 150_000


def test_any_call_may_be_let_in_by_the_smallest_kernel():
    assert max(row.maximum for row in TABLE) <= LEAST_BYTES - SCHEDULER_BYTES
