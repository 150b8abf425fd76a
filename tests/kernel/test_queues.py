"""Queues of processes, against a deque."""

from __future__ import annotations

import itertools
from collections import deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.kernel.queues import FairQueue, Queue, RunQueue, Sharer, Watch


class Member:
    """What a queue needs of a process."""

    def __init__(self):
        self.queue = self.ahead = self.behind = None


class QueueMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.queues = [Queue(), Queue()]
        self.models = [deque(), deque()]
        self.members = [Member() for _ in range(6)]

    @rule(which=st.integers(0, 1), member=st.integers(0, 5))
    def append(self, which, member):
        process = self.members[member]
        if process.queue is None:
            self.queues[which].append(process)
            self.models[which].append(process)

    @rule(member=st.integers(0, 5))
    def remove(self, member):
        process = self.members[member]
        if process.queue is not None:
            which = self.queues.index(process.queue)
            self.queues[which].remove(process)
            self.models[which].remove(process)

    @rule(which=st.integers(0, 1))
    def pop(self, which):
        expected = self.models[which].popleft() if self.models[which] else None
        assert self.queues[which].pop() is expected

    @invariant()
    def linked_both_ways(self):
        for queue, model in zip(self.queues, self.models, strict=True):
            forward, backward = [], []
            process = queue.first
            while process is not None:
                assert process.queue is queue
                forward.append(process)
                process = process.behind
            process = queue.last
            while process is not None:
                backward.append(process)
                process = process.ahead
            assert forward == list(model) == backward[::-1]


TestQueues = QueueMachine.TestCase
TestQueues.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


def test_a_process_stands_on_one_queue_at_most():
    process = Member()
    Queue().append(process)
    with pytest.raises(AssertionError):
        Queue().append(process)


def test_a_process_that_left_is_linked_to_nobody():
    queue = Queue()
    members = [Member() for _ in range(3)]
    for member in members:
        queue.append(member)
    queue.remove(members[1])
    assert members[1].queue is members[1].ahead is members[1].behind is None


# -- the run queue
class Runner(Sharer):
    """As much of a process as the run queue knows."""

    def __init__(self, group, name):
        super().__init__()
        self.group = group
        self.name = name
        self.queue = None


class Turns(Sharer):
    """As much of a group."""

    def __init__(self):
        super().__init__()
        self.runnable = FairQueue()


def take_turns(queue, count, cost=lambda _: 1):
    """Have the first run, again and again; return whose turns they were."""
    order = []
    for _ in range(count):
        process = queue.pop()
        order.append(process)
        queue.charge(process, cost(process))
        queue.append(process)
    return order


def test_groups_take_turns_however_many_processes_one_has():
    queue = RunQueue()
    many, few = Turns(), Turns()
    for number in range(5):
        queue.append(Runner(many, f"m{number}"))
    queue.append(Runner(few, "f"))
    order = [process.name for process in take_turns(queue, 12)]
    assert order == ["m0", "f", "m1", "f", "m2", "f", "m3", "f", "m4", "f", "m0", "f"]


@pytest.mark.parametrize("together", [True, False], ids=["in_a_group", "in_two"])
def test_long_turns_are_fewer(together):
    queue = RunQueue()
    group = Turns()
    short, long = Runner(group, "short"), Runner(group if together else Turns(), "long")
    queue.append(short)
    queue.append(long)
    order = take_turns(queue, 1_100, lambda process: 100 if process is long else 10)
    assert 99 <= order.count(long) <= 101


@pytest.mark.parametrize("together", [True, False], ids=["in_a_group", "in_two"])
def test_who_comes_back_from_a_wait_goes_before_those_who_use_whole_turns(together):
    queue = RunQueue()
    group = Turns()
    for number in range(5):
        queue.append(Runner(group if together else Turns(), number))
    sleeper = Runner(group if together else Turns(), "sleeper")
    take_turns(queue, 50, lambda _: 100)
    for _ in range(20):
        queue.append(sleeper)
        assert queue.pop() is sleeper
        queue.charge(sleeper, 10)
        take_turns(queue, 5, lambda _: 100)


def test_time_that_was_not_used_is_not_saved():
    queue = RunQueue()
    worker, sleeper = Runner(Turns(), "worker"), Runner(Turns(), "sleeper")
    queue.append(worker)
    take_turns(queue, 1_000)
    queue.append(sleeper)
    assert take_turns(queue, 100).count(sleeper) == 50


@pytest.mark.parametrize("seed", range(30))
def test_whoever_can_run_waits_no_longer_than_it_takes_the_others_to_catch_up(seed):
    """The bound: each of the others uses what this one did, and two turns."""
    random = Random(seed)
    queue = RunQueue()
    most = random.choice([1, 10, 1000])
    groups = [Turns() for _ in range(random.choice([1, 2, 4]))]
    runners = [Runner(groups[number % len(groups)], number) for number in range(8)]
    asleep = list(runners)
    now = 0
    since, mine = dict.fromkeys(runners, 0), dict.fromkeys(runners, 0)
    for _ in range(500):
        for runner in [one for one in asleep if random.random() < 0.3]:
            asleep.remove(runner)
            since[runner] = now
            queue.append(runner)
        process = queue.pop()
        if process is None:
            continue
        turns_of_its_group = len(runners) // len(groups)
        assert now - since[process] <= (mine[process] + 2 * most) * turns_of_its_group * len(groups)
        cost = random.randint(1, most)
        now += cost
        mine[process] = cost
        queue.charge(process, cost)
        since[process] = now
        if random.random() < 0.7:
            queue.append(process)
        else:
            asleep.append(process)


def test_a_group_whose_last_process_ends_is_passed_over():
    queue = RunQueue()
    groups = [Turns() for _ in range(3)]
    runners = [Runner(group, number) for number, group in enumerate(groups)]
    for runner in runners:
        queue.append(runner)
    queue.remove(runners[0])
    runners[2].queue.remove(runners[2])
    assert queue.first is runners[1]
    assert queue.pop() is runners[1]
    assert queue.first is None
    assert queue.pop() is None
    for runner in runners[::-1]:
        queue.append(runner)
    assert [queue.pop().name for _ in range(3)] == [2, 1, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["append", "pop", "remove"]), st.integers(0, 9)), max_size=100))
def test_nobody_is_lost_and_nobody_comes_twice(steps):
    queue = RunQueue()
    groups = [Turns() for _ in range(3)]
    idle = [Runner(groups[number % 3], number) for number in range(10)]
    running = []
    for what, number in steps:
        if what == "append" and idle:
            running.append(idle.pop(number % len(idle)))
            queue.append(running[-1])
        elif what == "remove" and running:
            process = running.pop(number % len(running))
            process.queue.remove(process)
            idle.append(process)
        elif what == "pop":
            first = queue.first
            process = queue.pop()
            assert process is first
            assert (process is None) == (not running)
            if process is not None:
                running.remove(process)
                idle.append(process)
    left = [queue.pop() for _ in running]
    assert sorted(process.name for process in left) == sorted(process.name for process in running)
    assert queue.pop() is None


# -- watches
class Poller:
    """As much of a process as a watch knows."""

    def __init__(self):
        self.watches = None

    def watch(self, queue):
        self.watches = Watch(self, queue)


def test_watches_end_in_any_order():
    for order in itertools.permutations(range(4)):
        queue = Queue()
        pollers = [Poller() for _ in range(4)]
        for poller in pollers:
            poller.watch(queue)
        left = set(pollers)
        for number in order:
            pollers[number].watches.end()
            pollers[number].watches.end()
            left.remove(pollers[number])
            found, watch = [], queue.watches
            while watch is not None:
                found.append(watch.process)
                watch = watch.behind
            assert set(found) == left
            assert len(found) == len(left)
