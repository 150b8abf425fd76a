"""Descriptor tables that forks share, against dicts that are copied."""

from __future__ import annotations

import gc

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hardtack.heap import Heap
from hardtack.kernel.descriptor_table import DescriptorTable
from hardtack.kernel.streams import Null
from hardtack.kernel.table import CAPACITY
from hardtack.lab.machine.driver import MIB

NUMBERS = st.sampled_from([0, 1, 2, 63, 64, 65, 127, 4095, 4096, 4160, CAPACITY - 1])


class Counted(Null):
    """A description that knows whether it was released."""

    __slots__ = ("released",)

    def __init__(self):
        super().__init__()
        self.released = 0

    def release(self):
        self.released += 1


class SharingMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.pairs = []
        self.made = []

    @initialize()
    def first(self):
        self.pairs.append((DescriptorTable(), {}))

    def pick(self, data):
        return self.pairs[data.draw(st.integers(0, len(self.pairs) - 1))]

    @rule(data=st.data(), number=NUMBERS)
    def install(self, data, number):
        table, model = self.pick(data)
        if number not in model:
            description = Counted()
            self.made.append(description)
            description.references += 1
            table.put(number, description)
            model[number] = description

    @rule(data=st.data(), number=NUMBERS)
    def install_another_time(self, data, number):
        table, model = self.pick(data)
        if model and number not in model:
            description = model[min(model)]
            description.references += 1
            table.put(number, description)
            model[number] = description

    @rule(data=st.data(), number=NUMBERS)
    def close(self, data, number):
        table, model = self.pick(data)
        description = table.remove(number)
        assert description is model.pop(number, None)
        if description is not None:
            description.references -= 1
            if not description.references:
                description.release()

    @rule(data=st.data())
    def share(self, data):
        table, model = self.pick(data)
        if len(self.pairs) < 6:
            self.pairs.append((table.share(), dict(model)))

    @rule(data=st.data())
    def drop(self, data):
        if len(self.pairs) > 1:
            table, _ = self.pairs.pop(data.draw(st.integers(0, len(self.pairs) - 1)))
            table.drop()

    @invariant()
    def each_table_has_what_its_model_has(self):
        for table, model in self.pairs:
            assert table.count == len(model)
            assert table.check() == []
            for number in (0, 1, 2, 63, 64, 65, 127, 4095, 4096, 4160, CAPACITY - 1):
                assert table.get(number) is model.get(number)

    @invariant()
    def a_description_counts_the_slots_that_lead_to_it(self):
        leaves = {id(leaf): leaf for table, _ in self.pairs for leaf in table.leaves()}
        for description in self.made:
            slots = sum(leaf.items.count(description) for leaf in leaves.values())
            assert description.references == slots
            assert description.released == (not slots)

    def teardown(self):
        for table, _ in self.pairs:
            table.drop()
        assert all(description.released == 1 for description in self.made)


SharingMachine.TestCase.settings = settings(stateful_step_count=40, deadline=None)
TestSharing = SharingMachine.TestCase


def full(count):
    table = DescriptorTable()
    description = Counted()
    for number in range(count):
        description.references += 1
        table.put(number, description)
    return table


def test_sharing_and_dropping_a_share_cost_the_same_however_many_there_are():
    heap = Heap(64 * MIB, name="tables")
    taken = []
    for count in (10, 10_000):
        table = full(count)
        gc.collect()
        heap.reset_peak()
        before = heap.live
        other = heap.run(table.share)
        taken.append(heap.peak - before)
        heap.run(other.drop)
        assert heap.peak - before == taken[-1]
    assert taken[0] == taken[1] < 3_000


def test_dropping_a_table_allocates_nothing_that_lasts():
    heap = Heap(64 * MIB, name="tables")
    table = full(5_000)
    gc.collect()
    heap.reset_peak()
    before = heap.live
    heap.run(table.drop)
    assert heap.live == before
    assert heap.peak - before < 500
