"""Queues of processes, against a deque."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.kernel.queues import GroupQueue, Queue, RunQueue


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
class TreeMember:
    """A process as queues know it, of a group as they know that."""

    def __init__(self, group):
        self.group = group
        self.queue = self.ahead = self.behind = None


class Tree:
    def __init__(self, runs):
        self.ready = GroupQueue(runs)


class RunQueueMachine(RuleBasedStateMachine):
    """Against a list of lists: of the groups in the order of their turns, each with its processes."""

    def __init__(self):
        super().__init__()
        self.runs = RunQueue()
        self.groups = [Tree(self.runs) for _ in range(3)]
        self.members = [TreeMember(group) for group in self.groups for _ in range(3)]
        self.model = []

    @rule(which=st.integers(0, 8))
    def append(self, which):
        member = self.members[which]
        if member.queue is not None:
            return
        self.runs.append(member)
        for line in self.model:
            if line[0].group is member.group:
                line.append(member)
                return
        self.model.append([member])

    @rule(which=st.integers(0, 8), straight=st.booleans())
    def remove(self, which, straight):
        member = self.members[which]
        if member.queue is None:
            return
        (member.queue if straight else self.runs).remove(member)
        for line in self.model:
            if member in line:
                line.remove(member)
        self.model = [line for line in self.model if line]

    @rule()
    def pop(self):
        expected = None
        if self.model:
            line = self.model.pop(0)
            expected = line.pop(0)
            if line:
                self.model.append(line)
        assert self.runs.pop() is expected

    @invariant()
    def the_next_one_and_the_count_are_right(self):
        assert self.runs.first is (self.model[0][0] if self.model else None)
        assert self.runs.count == sum(map(len, self.model))


TestRunQueue = RunQueueMachine.TestCase
