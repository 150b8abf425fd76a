"""A full heap: who waits, who is killed, and that nothing is half done."""

from __future__ import annotations

import gc

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.params import SCHEDULER_BYTES
from hardtack.kernel.pipes import CAPACITY
from hardtack.kernel.process import BLOCKED, GONE, NEW, WAITING_FOR_MEMORY, ZOMBIE
from hardtack.kernel.system_calls import by_name
from hardtack.lab.machine.driver import BLOCKED_CALL, KIB, MIB, OUTSIDE, READ, Machine

KILLED = "out of memory: its group held most of the kernel's heap"


@pytest.fixture
def machine():
    with Machine(1 * MIB, 64 * KIB) as made:
        made.program(b"rest", rest)
        yield made


def rest(calls):
    yield None


def hog(calls):
    """Open the root until the end."""
    while True:
        yield from calls.open(b".", rights=READ)


def hog_until(room):
    """Make a hog that stops when so little room is left; the last of it goes to sockets: their bound is small."""

    def program(calls):
        heap = calls.process.system.heap
        while heap.room > room:
            if heap.room > by_name("pipe").maximum:
                yield from calls.pipe()
            else:
                yield from calls.socket()
        yield None

    return program


def ended(*processes):
    return lambda: all(process.state in {ZOMBIE, GONE} for process in processes)


# -- who is killed
def test_a_hog_is_killed_and_those_who_waited_go_on(machine):
    citizen = machine.hand("citizen")
    citizen.close(99)
    process = machine.start(hog)
    made = []
    while process.state not in {ZOMBIE, GONE}:
        made.append(citizen.open(b".", rights=READ))
        citizen.close(made[-1])
    assert process.killed == KILLED
    assert not citizen.ended
    assert set(made) == {4}
    assert citizen.mkdir(b"after") == 0


def test_the_group_that_holds_most_is_the_victim(machine):
    small = machine.hand("small")
    large = machine.hand("large")
    for _ in range(20):
        small.pipe()
        for _ in range(10):
            large.pipe()
    process = full(machine)
    held = {hand.process.group.heap.live: hand for hand in (small, large)}
    assert process.group.heap.live > max(held)
    while not machine.system.kills:
        small.open(b".", rights=READ)
    assert [kill.pid for kill in machine.system.kills] == [process.pid]
    assert not small.ended
    assert not large.ended


def test_a_group_is_scored_as_a_whole(machine):
    """A parent whose children hold little each, but much together, is the victim."""

    def parent(calls):
        for _ in range(20):
            yield from calls.spawn(b"rest", [b"x" * 2000])
        yield None

    many = machine.start(parent)
    machine.settle()
    single = machine.start(hog_until(500 * KIB + 100))
    machine.settle()
    scores = many.group.heap.live, single.group.heap.live
    victim = machine.system.memory.ladder.victim(machine.system.heap, machine.system.heap.possible)
    assert victim is (many if scores[0] > scores[1] else single).group.heap
    one = many.heap.live
    assert scores[0] > 20 * 2000 > one


def test_a_kill_gives_back_what_it_is_scored_by(machine):
    process = machine.start(hog_until(100 * KIB))
    machine.settle()
    group = process.group
    before = machine.live()
    held = group.heap.live
    death.kill_for_memory(machine.system, group.heap)
    del process
    assert machine.system.kills[-1].held == held
    assert before - machine.live() >= held - 300  # but for the group itself, which this test holds


def test_the_protected_are_never_killed(machine):
    protected = machine.start(hog_until(200 * KIB), protected=True)
    machine.settle()
    process = machine.start(hog)
    machine.run(ended(process))
    assert process.killed == KILLED
    assert protected.state == BLOCKED
    assert protected.group.heap.live > 200 * KIB


def test_a_protected_hog_among_the_protected_ends_itself(machine):
    citizen = machine.hand("citizen", protected=True)
    citizen.close(99)
    process = machine.start(hog, protected=True)
    machine.run(ended(process))
    assert process.killed == "out of memory: nothing was left to reclaim"
    assert not machine.system.kills
    assert citizen.mkdir(b"after") == 0


def test_the_waiter_may_be_the_victim_itself(machine):
    process = machine.start(hog)
    machine.run(ended(process))
    assert (process.status, process.killed) == (137, KILLED)
    assert not len(machine.system.memory.admission)


def test_every_process_of_the_victim_ends(machine):
    def parent(calls):
        for _ in range(5):
            yield from calls.spawn(b"hog")
        yield from calls.waitpid()

    machine.program(b"hog", hog)
    process = machine.start(parent)
    machine.run(ended(process))
    assert machine.system.processes.count == 0
    assert [kill.pid for kill in machine.system.kills] == [process.pid]


def test_hogs_one_after_the_other_do_not_wear_the_kernel_out(machine):
    citizen = machine.hand("citizen")
    citizen.close(99)
    lives = []
    for _ in range(6):
        process = machine.start(hog)
        while process.state not in {ZOMBIE, GONE}:
            citizen.open(b".", rights=READ)
            citizen.close(4)
        del process
        lives.append(machine.live())
    assert lives[2] == lives[5]
    assert not citizen.ended


# -- what is tried first
def test_garbage_is_collected_before_anybody_is_killed(machine):
    process = machine.start(hog_until(200 * KIB))
    machine.settle()
    with machine.system.heap:
        cycle: list[object] = [bytes(150 * KIB)]
        cycle.append(cycle)
    del cycle
    hand = machine.hand()
    gc.disable()
    try:
        for _ in range(100):
            assert hand.pipe() is not BLOCKED_CALL
    finally:
        gc.enable()
    assert machine.system.memory.ladder.collections > 0
    assert not machine.system.kills
    assert process.state == BLOCKED


def test_caches_give_way_before_anybody_is_killed(machine):
    cache = [bytes(1)]
    asked = []
    with machine.system.heap:
        cache[0] = bytes(200 * KIB)

    def shrink(wants):
        asked.append(wants)
        cache[0] = b""
        return 200 * KIB

    machine.system.heap.shrinker(shrink)
    machine.start(hog_until(100 * KIB))
    machine.settle()
    hand = machine.hand()
    for _ in range(300):
        hand.pipe()
    assert asked
    assert all(wants > 0 for wants in asked)
    assert not machine.system.kills


def test_reclaim_frees_a_margin_so_that_it_does_not_run_at_each_call(machine):
    citizen = machine.hand("citizen")
    for _ in range(3):
        process = machine.start(hog)
        machine.run(ended(process))
        collections = machine.system.memory.ladder.collections
        for _ in range(3):
            citizen.mkdir(b"x")
            citizen.rmdir(b"x")
        assert machine.system.memory.ladder.collections == collections


# -- the border
def full(machine):
    """Fill the heap; return the process that holds it."""
    process = machine.start(hog_until(10 * KIB))
    machine.run(lambda: process.queue is machine.parked)
    return process


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("open", (b"file", abi.O_CREAT)), ("mkdir", (b"file",)), ("symlink", (b"t", b"file"))],
)
def test_a_call_that_is_refused_has_done_nothing_and_is_made_again(machine, name, arguments):
    hand = machine.hand()
    hand.close(99)
    holder = full(machine)
    seen = []

    def look(process):
        if process is hand.process and process.state == WAITING_FOR_MEMORY:
            books = OUTSIDE.run(lambda: (machine.system.heap.reserved, machine.scheduler._standing.left))
            assert books[0] == books[1]  # nothing is held but the scheduler's own
            seen.append((hand_names(machine), process.descriptors.count, process.waiter.amount))

    machine.scheduler.on_turn = look
    answer = getattr(hand, name)(*arguments)
    assert answer == (4 if name == "open" else 0)
    row = by_name({"open": "path_open", "mkdir": "path_create_directory", "symlink": "path_symlink"}[name])
    assert seen == [([], 4, seen[0][2])]
    assert 0 < seen[0][2] <= row.maximum
    assert hand_names(machine) == [b"file"]
    assert holder.killed == KILLED
    assert machine.system.waits == 1


def hand_names(machine):
    pairs, _ = machine.system.files.root.leaf_from(0)
    return [name for _, name in pairs]


def test_those_who_wait_are_served_in_the_order_of_their_coming(machine):
    hands = [machine.hand(f"hand{number}") for number in range(4)]
    for hand in hands:
        hand.close(99)
    machine.settle()
    for hand in hands:
        machine.parked.remove(hand.process)
        machine.system.memory.wait(hand.process, 1000)
    order = []
    machine.scheduler.on_turn = order.append
    machine.run(lambda: len(order) == 4)
    assert order == [hand.process for hand in hands]
    for hand in hands:
        assert hand.process.grant is not None  # it made no call: its body was parked
        hand.process.grant.release()
        hand.process.grant = None
        hand.process.admit = machine.system.admit


def test_a_small_call_is_let_in_where_its_largest_would_not_fit(machine):
    hand = machine.hand()
    fd = hand.open(b"file", abi.O_CREAT)
    holder = machine.start(hog_until(by_name("fd_write").maximum - 1))
    machine.run(lambda: holder.queue is machine.parked)
    assert machine.system.heap.room - SCHEDULER_BYTES < by_name("fd_write").maximum
    assert hand.write(fd, b"small") == 5
    assert machine.system.waits == 0


def test_a_call_that_could_never_be_let_in_is_enomem():
    with Machine(512 * KIB, 64 * KIB) as machine:
        machine.program(b"rest", rest)
        hand = machine.hand()
        holder = machine.start(hog_until(10_000))
        machine.run(lambda: holder.queue is machine.parked)
        possible, machine.system.possible = machine.system.possible, 20_000  # less than any kernel has
        assert hand.spawn(b"rest", [b"x"]) == -abi.ENOMEM
        assert not machine.system.kills
        machine.system.possible = possible
        assert hand.spawn(b"rest", [b"x"]) > 0


def test_a_process_that_waits_for_memory_can_be_killed(machine):
    hand = machine.hand()
    hand.close(99)
    hand.begin("mkdir", b"x")
    machine.parked.remove(hand.process) if hand.process.queue is machine.parked else None
    hand.process.queue.remove(hand.process) if hand.process.queue is machine.system.run_queue else None
    machine.system.memory.wait(hand.process, 1000)
    death.end(machine.system, hand.process, 137, "for this test")
    assert not len(machine.system.memory.admission)
    machine.settle()


def test_a_process_that_was_granted_and_is_killed_gives_its_grant_back(machine):
    hand = machine.hand()
    hand.close(99)
    machine.settle()
    machine.parked.remove(hand.process)
    machine.system.memory.wait(hand.process, 50_000)
    granted = []

    def kill_after_the_grant():
        if hand.process.grant is not None:
            granted.append(machine.system.heap.reserved)
            death.end(machine.system, hand.process, 137, "for this test")
            granted.append(machine.system.heap.reserved)
        return bool(granted)

    other = machine.hand("other")
    other.begin("close", 99)  # it has its turn before, so that the grant is seen
    machine.system.run_queue.remove(other.process) if other.process.queue else None
    machine.system.run_queue.append(other.process) if other.process.queue is None else None
    machine.run(kill_after_the_grant)
    assert granted
    assert 49_000 < granted[0] - granted[1] <= 50_000  # what ends is refunded to the scheduler


def test_a_call_that_is_hurried_in_the_moment_of_its_grant_gives_that_back(machine):
    hand = machine.hand()
    hand.close(99)
    machine.settle()
    reserved = machine.system.heap.reserved
    machine.parked.remove(hand.process)
    machine.system.memory.wait(hand.process, 50_000)
    hand.process.shortfall = 100
    machine.system.memory.serve()
    assert hand.process.grant is not None
    hand.process.admit = hand.process.admit_later  # as by another thread, which looked before the grant came
    assert hand.process.admit_later() == abi.WAIT
    assert (hand.process.grant, hand.process.shortfall) == (None, 0)
    assert machine.system.heap.reserved == reserved
    assert hand.close(99) == abi.EBADF


def test_a_start_waits_for_memory_too(machine):
    full(machine)
    process = machine.start(rest)
    assert process.state == NEW
    machine.run(lambda: process.state == BLOCKED)
    assert process.guest is not None


def test_leaving_never_waits(machine):
    held = []

    def program(calls):
        held.append(machine.system.heap.reserve_nowait(machine.system.heap.room, fresh=True))
        yield from calls.exit(5)

    process = machine.start(program)
    machine.run(ended(process))
    assert process.status == 5
    assert machine.system.waits == 0
    held[0].release()


# -- a fork bomb, and good guests
def test_good_guests_survive_every_kind_of_hog():
    with Machine(5 * MIB // 2, 3 * MIB // 2, memory=1 << 40) as machine:
        good_guests_survive(machine)


def good_guests_survive(machine):
    def forkbomb(calls):
        while True:
            yield from calls.spawn(b"forkbomb")

    def pipehog(calls):
        while True:
            _, writer = yield from calls.pipe()
            yield from calls.write(writer, bytes(CAPACITY))

    def filehog(calls):
        number = 0
        while True:
            fd = yield from calls.open(b"hog%d" % number, abi.O_CREAT)
            if fd > 0:
                yield from calls.write(fd, bytes(5000))
                yield from calls.close(fd)
            number += 1

    machine.program(b"forkbomb", forkbomb, 4096 * 40)
    good = [machine.hand(f"good{number}") for number in range(2)]
    for body in (forkbomb, pipehog, hog, filehog):
        process = machine.start(body)
        rounds = 0
        while rounds < 50 or (body is not filehog and process.state not in {ZOMBIE, GONE}):
            for hand in good:
                serve(hand, rounds)
            rounds += 1
        death.kill_group(machine.system, process.group, "the round is over")
        for name in [name for name in good[0].list(3) if name.startswith(b"hog")]:
            assert good[0].unlink(name) == 0
    assert len(machine.system.kills) == 3
    assert not any(hand.ended for hand in good)
    assert machine.system.heap.statistics().failures == 0


def serve(hand, number):
    """Do what a good guest does, and see that nothing of it fails."""
    name = b"%d-%d" % (hand.process.pid, number)
    fd = hand.open(name, abi.O_CREAT)
    assert fd > 0
    assert hand.write(fd, b"mail") == 4
    assert hand.close(fd) == 0
    assert hand.unlink(name) == 0
    assert [hand.close(fd) for fd in hand.pipe()] == [0, 0]
