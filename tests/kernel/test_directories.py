"""Directories, against a dict; listing while names come and go; the cost of a name among many."""

from __future__ import annotations

import gc
import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.heap import Heap
from hardtack.kernel.directories import ADD_BYTES, Directory, place
from hardtack.kernel.inodes import Inode, Owner
from hardtack.kernel.params import BUCKET

INODES = [Inode(number, 0, Owner()) for number in range(8)]
# Few enough that the same come and go again; more than fit into one leaf.
NAMES = st.one_of(
    st.integers(0, 3 * BUCKET).map(lambda number: b"name%d" % number), st.binary(min_size=1, max_size=4)
)


def listed(directory: Directory) -> list[bytes]:
    """Return all names in the listing's order."""
    names: list[bytes] = []
    where = 0
    while where >= 0:
        pairs, where = directory.leaf_from(where)
        names += [name for _, name in pairs]
    return names


class DirectoryMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.directory = Directory(1, 0, Owner(), 1)
        self.model = {}

    @rule(name=NAMES, inode=st.sampled_from(INODES))
    def add(self, name, inode):
        if name not in self.model:
            assert self.directory.add(name, inode)
            self.model[name] = inode

    @rule(number=st.integers(0, 1000), count=st.integers(1, 60))
    def add_many(self, number, count):
        for name in (b"%d" % (number + i) for i in range(count)):
            self.add(name, INODES[0])

    @rule(data=st.data(), inode=st.sampled_from(INODES))
    def replace(self, data, inode):
        if self.model:
            name = data.draw(st.sampled_from(sorted(self.model)))
            self.directory.replace(name, inode)
            self.model[name] = inode

    @rule(data=st.data())
    def remove(self, data):
        if self.model:
            name = data.draw(st.sampled_from(sorted(self.model)))
            self.directory.remove(name)
            del self.model[name]

    @rule()
    def remove_all(self):
        for name in self.model:
            self.directory.remove(name)
        self.model.clear()

    @rule(name=NAMES)
    def get(self, name):
        assert self.directory.get(name) is self.model.get(name)

    @rule(where=st.integers(0, (1 << 60) - 1))
    def list_from_the_middle(self, where):
        names = []
        while where >= 0:
            pairs, after = self.directory.leaf_from(where)
            assert all(found >= where for found, _ in pairs)
            names += [name for _, name in pairs]
            where = after
        assert len(names) == len(set(names))

    @invariant()
    def names_are_those_of_the_model(self):
        names = listed(self.directory)
        assert sorted(names) == sorted(self.model)
        assert names == sorted(names, key=lambda name: (place(name), name))
        assert self.directory.count == len(self.model)


TestDirectory = DirectoryMachine.TestCase
TestDirectory.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("seed", range(20))
def test_a_listing_gives_every_name_that_stays_once_whatever_comes_and_goes(seed):
    directory = Directory(1, 0, Owner(), 1)
    stay = {b"stay%d-%d" % (seed, number) for number in range(150)}
    for name in stay:
        directory.add(name, INODES[0])
    coming = (b"other%d-%d" % (seed, number) for number in itertools.count())
    others: list[bytes] = []
    names: list[bytes] = []
    where = 0
    while where >= 0:
        pairs, where = directory.leaf_from(where)
        names += [name for _, name in pairs]
        for _ in range(seed):
            others.append(next(coming))
            directory.add(others[-1], INODES[1])
        for _ in range(seed // 2):
            directory.remove(others.pop(0))
    assert len(names) == len(set(names))
    assert stay <= set(names)


def colliding(count: int) -> list[bytes]:
    """Return names that stand close together: the first two bits of their places are the same."""
    names = (b"%d" % number for number in itertools.count())
    return list(itertools.islice((name for name in names if place(name) >> 58 == 1), count))


def test_a_full_leaf_whose_names_all_go_one_way_takes_no_more_at_once():
    directory = Directory(1, 0, Owner(), 1)
    names = colliding(BUCKET + 1)
    assert all(directory.add(name, INODES[0]) for name in names[:BUCKET])
    assert not directory.add(names[BUCKET], INODES[0])
    assert sorted(listed(directory)) == sorted(names[:BUCKET])
    assert directory.count == BUCKET
    assert directory.add(names[BUCKET], INODES[0])  # it has split one level deeper each time


def fill_and_empty(directory: Directory) -> None:
    for number in range(5000):
        directory.add(b"%d" % number, INODES[0])
    for number in range(5000):
        directory.remove(b"%d" % number)


def test_a_directory_that_was_emptied_holds_nothing():
    heap = Heap("16 MiB", name="directory")
    gc.collect()  # so that it is not made from the free lists
    directory = heap.run(Directory, 1, 0, Owner(), 1)
    before = heap.live
    heap.run(fill_and_empty, directory)
    gc.collect()
    assert heap.live <= before


def test_the_last_name_takes_no_dict_from_the_free_list():
    heap = Heap("16 MiB", name="directory")
    directory = heap.run(Directory, 1, 0, Owner(), 1)
    heap.run(directory.add, b"name", INODES[0])
    heap.run(directory.remove, b"name")
    before = heap.live
    heap.run(directory.add, b"name", INODES[0])
    spare = [{} for _ in range(100)]
    del spare  # the free list is full now, of dicts that are not the heap's
    heap.run(directory.remove, b"name")
    gc.collect()
    assert heap.live == before


def test_a_name_among_a_hundred_thousand_costs_as_much_as_one_among_ten():
    heap = Heap("64 MiB", name="directory")
    directory = heap.run(Directory, 1, 0, Owner(), 1)
    worst = {}
    for number in range(100_000):
        heap.reset_peak()
        before = heap.live
        heap.run(directory.add, b"%d" % number, INODES[0])
        size = len(str(number))
        worst[size] = max(worst.get(size, 0), heap.peak - before)
    assert directory.count == 100_000
    assert max(worst.values()) <= ADD_BYTES
    assert worst[6 - 1] <= worst[2] + 2048  # ten times the names: hardly more, and never a bigger table
    assert directory.get(b"77777") is INODES[0]


def test_looking_up_allocates_nothing_that_lasts():
    heap = Heap("16 MiB", name="directory")
    directory = heap.run(Directory, 1, 0, Owner(), 1)
    for number in range(3000):
        heap.run(directory.add, b"%d" % number, INODES[0])
    before = heap.live
    for number in range(3000):
        heap.run(directory.get, b"%d" % number)
    assert heap.live <= before + 256
