"""Queues of processes, against a deque."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.kernel.queues import Queue, RunQueue


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
            assert queue.count == len(model)


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
class Runner:
    """As much of a process as the run queue knows."""

    def __init__(self, group, name):
        self.group = group
        self.name = name
        self.queue = self.ahead = self.behind = None


class Turns:
    """As much of a group."""

    def __init__(self):
        self.runnable = Queue()
        self.next_in_turn = None


def test_groups_take_turns_however_many_processes_one_has():
    queue = RunQueue()
    many, few = Turns(), Turns()
    for number in range(5):
        queue.append(Runner(many, f"m{number}"))
    queue.append(Runner(few, "f"))
    order = []
    for _ in range(12):
        process = queue.pop()
        order.append(process.name)
        queue.append(process)
    assert order == ["m0", "f", "m1", "f", "m2", "f", "m3", "f", "m4", "f", "m0", "f"]


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
