"""Priority queues against a sorted list, and how many steps their operations take."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack.kernel.params import MAX_PROCESSES
from hardtack.kernel.priority_queues import EDGE, Entry, PriorityQueue


class Due(int):
    """A time that counts how often times are compared."""

    compared = 0

    def __lt__(self, other):
        Due.compared += 1
        return int(self) < int(other)


def check(queue):
    """Walk the tree: its order, its links, its edges."""
    found = []
    todo = [] if queue.first is None else [queue.first]
    assert queue.first is None or queue.first.above is None
    while todo:
        entry = todo.pop()
        found.append(entry)
        ranks = []
        for below in (entry.left, entry.right):
            ranks.append(0 if below is None else below.rank)
            if below is not None:
                assert below.above is entry
                assert not below.due < entry.due
                todo.append(below)
        assert ranks[0] >= ranks[1] == entry.rank - 1
    assert len(set(found)) == len(found)
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "pop", "take"]), st.integers(0, 30)), max_size=120))
def test_as_a_sorted_list(steps):
    queue = PriorityQueue()
    inside = []
    for what, number in steps:
        if what == "put":
            inside.append(Entry())
            queue.put(inside[-1], number)
        elif what == "take" and inside:
            queue.take(inside.pop(number % len(inside)))
        elif what == "pop" and inside:
            first = queue.first
            assert first.due == min(entry.due for entry in inside)
            inside.remove(first)
            queue.take(first)
        assert set(check(queue)) == set(inside)


def test_who_is_out_may_come_in_again():
    queue, other = PriorityQueue(), PriorityQueue()
    entry = Entry()
    queue.put(entry, 3)
    with pytest.raises(AssertionError):
        other.put(entry, 3)
    queue.take(entry)
    with pytest.raises(AssertionError):
        queue.take(entry)
    other.put(entry, 4)
    assert other.first is entry


@pytest.mark.parametrize("order", ["rising", "falling", "random", "equal"])
def test_no_operation_compares_more_than_both_edges_have(order):
    dues = list(range(MAX_PROCESSES))
    if order == "random":
        random.Random(1).shuffle(dues)
    elif order != "rising":
        dues = dues[::-1] if order == "falling" else [0] * MAX_PROCESSES
    queue = PriorityQueue()
    entries = [Entry() for _ in dues]
    most = 0

    def count(operation, *arguments):
        nonlocal most
        before = Due.compared
        operation(*arguments)
        most = max(most, Due.compared - before)

    for entry, due in zip(entries, dues, strict=True):
        count(queue.put, entry, Due(due))
    for entry in random.Random(2).sample(entries, MAX_PROCESSES // 2):
        count(queue.take, entry)
    check(queue)
    while queue.first is not None:
        count(queue.take, queue.first)
    assert 0 < most <= 2 * EDGE


def test_an_edge_is_as_long_as_that_of_a_full_tree_of_all_processes() -> None:
    assert (MAX_PROCESSES + 1).bit_length() == EDGE
