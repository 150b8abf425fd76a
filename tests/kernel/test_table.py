"""Tables of numbered items, against a dict."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hardtack.heap import Heap
from hardtack.kernel.params import FAN
from hardtack.kernel.table import CAPACITY, Table

NUMBERS = st.one_of(
    st.integers(0, 70),
    st.sampled_from([63, 64, 127, 128, 4095, 4096, 4097, 8191, CAPACITY - 64, CAPACITY - 1]),
    st.integers(0, CAPACITY - 1),
)


class TableMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.table = Table()
        self.model = {}

    @initialize(used=st.integers(0, 200))
    def fill(self, used):
        for number in range(used):
            self.table.put(number, str(number))
            self.model[number] = str(number)

    @rule(number=NUMBERS, item=st.text(max_size=3))
    def put(self, number, item):
        self.table.put(number, item)
        self.model[number] = item

    @rule(item=st.text(max_size=3))
    def put_lowest(self, item):
        number = self.table.lowest_free()
        assert number == next(number for number in range(CAPACITY) if number not in self.model)
        self.put(number, item)

    @rule(number=NUMBERS)
    def remove(self, number):
        assert self.table.remove(number) == self.model.pop(number, None)

    @rule(data=st.data())
    def remove_one_that_is_there(self, data):
        if self.model:
            self.remove(data.draw(st.sampled_from(sorted(self.model))))

    @rule(number=st.one_of(NUMBERS, st.integers(-(1 << 65), 1 << 65)))
    def get(self, number):
        assert self.table.get(number) == self.model.get(number)

    @rule(start=NUMBERS)
    def next_used(self, start):
        assert self.table.next_used(start) == min((n for n in self.model if n >= start), default=-1)

    @invariant()
    def books_balance(self):
        assert self.table.check() == []
        assert self.table.count == len(self.model)


TestTable = TableMachine.TestCase
TestTable.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


def test_a_number_that_was_freed_is_handed_out_again_first():
    table = Table()
    for number in range(5000):
        assert table.lowest_free() == number
        table.put(number, "x")
    for number in (4099, 70, 3):
        table.remove(number)
    for number in (3, 70, 4099, 5000):
        assert table.lowest_free() == number
        table.put(number, "x")


def test_a_full_table_has_no_free_number():
    table = Table()
    for number in range(CAPACITY):
        table.put(number, "x")
    assert table.lowest_free() == -1
    table.remove(200_000)
    assert table.lowest_free() == 200_000
    assert table.count == CAPACITY - 1


@pytest.mark.parametrize("number", [64, 4096, CAPACITY - 1])
def test_emptied_nodes_are_dropped(number):
    heap = Heap("16 MiB", name="table")
    table = heap.run(Table)
    gc.collect()
    before = heap.live
    with heap:
        for _ in range(3):
            table.put(number, "x")
            table.remove(number)
    gc.collect()
    assert heap.live <= before + 128  # its masks are numbers that cost


def test_no_item_costs_more_for_how_many_there_are():
    heap = Heap("64 MiB", name="table")
    table = heap.run(Table)
    worst = []
    for start in (0, 64, 4096, 100_000):
        most = 0
        for number in range(start, start + 2 * FAN):
            heap.reset_peak()
            before = heap.live
            heap.run(table.put, number, "x")
            most = max(most, heap.peak - before)
        worst.append(most)
    assert max(worst) <= 1600
