"""Files as trees of pages, against a bytearray."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardtack.heap import Heap
from hardtack.kernel.files import PAGE_STEP_BYTES, File, copy_in
from hardtack.kernel.inodes import Owner
from hardtack.kernel.params import FAN, FIRST_PAGES, PAGE

LENGTH = 6 * PAGE  # what the model goes up to
EDGES = [edge + by for edge in (0, *FIRST_PAGES, 2 * PAGE, 5 * PAGE) for by in (-1, 0, 1) if edge + by >= 0]
POSITIONS = st.one_of(st.sampled_from(EDGES), st.integers(0, LENGTH))
SIZES = st.one_of(st.sampled_from([0, 1, 64, 65, 512, 513, PAGE, PAGE + 1, 40_000]), st.integers(0, 3000))
FAR = [FAN * PAGE, FAN**2 * PAGE, FAN**3 * PAGE]  # where the tree grows by a level


def write(file, position, data):
    """Write page by page, as the file system does."""
    memory = memoryview(data)
    done = 0
    while done < len(data):
        done += write_page(file, position + done, memory, done, len(data) - done)


def write_page(file, position, memory, start, count):
    return file.write_page(file.make_leaf(position // PAGE), position, memory, start, count)


def read(file, position, count):
    memory = memoryview(bytearray(b"\xee" * count))
    done = file.read_at(position, memory, 0, count)
    assert bytes(memory[done:]) == b"\xee" * (count - done)
    return bytes(memory[:done])


class FileMachine(RuleBasedStateMachine):
    """Writes, reads and cuts, near the file's begin and, shifted, where the tree has more levels."""

    def __init__(self):
        super().__init__()
        self.file = File(5, 0, Owner())
        self.model = bytearray()

    def place(self, position):
        return position

    @rule(position=POSITIONS, size=SIZES, byte=st.integers(1, 255))
    def write(self, position, size, byte):
        if size == 0:
            return
        write(self.file, self.place(position), bytes([byte]) * size)
        self.model.extend(bytes(max(0, position - len(self.model))))
        self.model[position : position + size] = bytes([byte]) * size

    @rule(size=POSITIONS)
    def resize(self, size):
        self.file.resize(self.place(size))
        del self.model[size:]
        self.model.extend(bytes(size - len(self.model)))

    @rule(position=POSITIONS, size=SIZES)
    def read(self, position, size):
        expected = bytes(self.model[position : position + size])
        assert read(self.file, self.place(position), size) == expected

    @invariant()
    def size_is_right(self):
        assert self.file.byte_size() == (self.place(len(self.model)) if self.model else self.file.size)

    @rule()
    def all_is_right(self):
        assert read(self.file, self.place(0), len(self.model) + 10) == bytes(self.model)


class FarFileMachine(FileMachine):
    """The same a little before the place at which the tree gets its third level."""

    def place(self, position):
        return FAN**2 * PAGE - 3 * PAGE + position


TestFile = FileMachine.TestCase
TestFarFile = FarFileMachine.TestCase
TestFile.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestFarFile.settings = TestFile.settings


@pytest.mark.parametrize("far", FAR)
def test_a_page_far_out_leaves_zeros_before_it(far):
    file = File(5, 0, Owner())
    write(file, 3, b"near")
    write(file, far + 5, b"far")
    assert file.size == far + 8
    assert read(file, 0, 10) == b"\0\0\0near\0\0\0"
    assert read(file, far - 2, 20) == bytes(7) + b"far"
    assert read(file, PAGE * 5, 100) == bytes(100)


@pytest.mark.parametrize("far", FAR)
def test_cutting_drops_what_is_past_the_end(far):
    heap = Heap("16 MiB", name="file")
    file = heap.run(File, 5, 0, Owner())
    heap.run(write, file, 0, bytes(200))
    gc.collect()
    before = heap.live
    for position in (far, far + 9 * PAGE, PAGE * 63, PAGE * 64, far // 2):
        heap.run(write, file, position, b"x")
        heap.run(file.resize, 150)
    heap.run(write, file, far, b"x")
    heap.run(file.resize, 0)
    gc.collect()
    assert heap.live <= before + 200 - 128  # its numbers; the first page is gone
    assert file.root is None


def test_what_was_cut_off_does_not_come_back():
    file = File(5, 0, Owner())
    write(file, 0, b"\xff" * (2 * PAGE))
    for size in (PAGE + 7, PAGE, PAGE - 1, 10, 0):
        file.resize(size)
        file.resize(2 * PAGE)
        assert read(file, 0, 2 * PAGE) == b"\xff" * size + bytes(2 * PAGE - size)


def test_a_small_file_has_a_small_page():
    heap = Heap("16 MiB", name="file")
    file = heap.run(File, 5, 0, Owner())
    before = heap.live
    heap.run(write, file, 0, bytes(100))
    assert heap.live - before <= 128 + 64 + 700  # the page, its object, one node of the tree


def test_the_first_page_grows_and_keeps_its_bytes():
    file = File(5, 0, Owner())
    data = bytes(range(1, 128))
    write(file, 0, data)
    sizes = []
    for position in (127, 1000, 1024, 4095, 5000, PAGE - 1):
        write(file, position, b"x")
        assert read(file, 0, 127) == data
        sizes.append(len(file.page(0)))
    assert sizes == [1023, 1023, 4095, PAGE, PAGE, PAGE]


def test_a_write_ends_at_its_pages_end():
    file = File(5, 0, Owner())
    memory = memoryview(bytes(2 * PAGE))
    assert write_page(file, PAGE - 10, memory, 0, 2 * PAGE) == 10
    assert write_page(file, PAGE, memory, 0, 2 * PAGE) == PAGE


def test_no_write_costs_more_for_how_long_the_file_is():
    heap = Heap("64 MiB", name="file")
    file = heap.run(File, 5, 0, Owner())
    data = memoryview(bytes(PAGE))
    for number in range(2000):
        heap.reset_peak()
        before = heap.live
        heap.run(write_page, file, number * PAGE, data, 0, PAGE)
        assert heap.peak - before <= PAGE_STEP_BYTES


@pytest.mark.parametrize("count", [0, 1, 64, 512, 513, 5000])
@pytest.mark.parametrize("kind", [bytearray, lambda size: memoryview(bytearray(size))])
def test_bytes_are_copied_to_where_they_belong(count, kind):
    to = kind(6000)
    copy_in(to, 7, memoryview(b"\xaa" * 6000), 3, count)
    assert bytes(to) == bytes(7) + b"\xaa" * count + bytes(6000 - 7 - count)
