"""Numbers in a guest's memory, in C: they do what struct does, and take no more of a heap than is assumed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardtack.heap import Heap
from hardtack.kernel import abi

ASSUMED = 600  # bytes: abi's annotations
SIZE = 64
PAIRS = [
    (abi.pack_u32, abi.U32.pack_into),
    (abi.pack_u64, abi.U64.pack_into),
]
PLACES = st.integers(0, SIZE + 9) | st.integers(0, 2**64 + 1)
NUMBERS = st.integers(-(2**65), 2**65) | st.sampled_from([0, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**64])


def outcome(function, *arguments):
    """Return what a function answers, or struct.error where it raises that or that a number is too large."""
    try:
        return function(*arguments)
    except (struct.error, OverflowError, IndexError):
        return struct.error


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(at=PLACES, number=NUMBERS)
def test_numbers_are_written_as_struct_writes_them(ours, theirs, at, number):
    mine, its = bytearray(SIZE), bytearray(SIZE)
    assert outcome(ours, memoryview(mine), at, number) == outcome(theirs, memoryview(its), at, number)
    assert mine == its


@given(at=PLACES, content=st.binary(min_size=SIZE, max_size=SIZE))
def test_pairs_are_read_as_struct_reads_them(at, content):
    memory = memoryview(bytearray(content))
    assert outcome(abi.unpack_pair, memory, at) == outcome(abi.PAIR.unpack_from, memory, at)


@given(at=PLACES, count=PLACES)
def test_what_lies_in_memory_fits(at, count):
    memory = memoryview(bytearray(SIZE))
    if max(at, count) < 2**63:
        assert abi.fits(memory, at, count) is (at + count <= SIZE)
    else:
        with pytest.raises(struct.error):
            abi.fits(memory, at, count)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_memory_that_is_smaller_than_what_is_asked_of_it(size):
    memory = memoryview(bytearray(size))
    for call in (lambda: abi.pack_u64(memory, 0, 0), lambda: abi.unpack_pair(memory, 0)):
        with pytest.raises(struct.error):
            call()
    assert not abi.fits(memory, 0, 8)
    assert abi.fits(memory, size, 0)


def test_a_view_that_is_no_plain_bytes_is_taken_as_struct_takes_it():
    memory = bytearray(range(16))
    abi.pack_u32(memory, 4, 1)
    abi.pack_u32(memoryview(memory).cast("Q"), 8, 2)
    abi.pack_u32(memoryview(memory)[4:], 8, 3)
    assert [abi.unpack_pair(memory, at) for at in (4, 8)] == [(1, 2), (2, 3)]
    for wrong in (memoryview(memory)[::2], memoryview(bytes(16)), "0123456789abcdef"):
        for call in (abi.pack_u32, abi.pack_u64, abi.fits):
            with pytest.raises((BufferError, TypeError)):
                call(wrong, 0, 0)
    view = memoryview(memory)
    view.release()
    for use in (
        lambda: abi.pack_u32(view, 0, 0),
        lambda: abi.unpack_pair(view, 0),
        lambda: abi.fits(view, 0, 0),
    ):
        with pytest.raises(ValueError, match="released"):
            use()
    released = memoryview(memory)
    part = released[2:]
    released.release()
    abi.pack_u32(part, 0, 7)
    assert memory[2] == 7


def test_wrong_numbers_of_arguments_are_refused():
    for call in (abi.pack_u32, abi.pack_u64, abi.unpack_pair, abi.fits):
        with pytest.raises(TypeError, match="arguments"):
            call(memoryview(bytearray(16)))


def test_nothing_beyond_what_is_assumed_is_taken():
    heap = Heap("256 KiB")
    memory = memoryview(bytearray(SIZE))
    calls = [
        (abi.pack_u32, 8, 2**31),
        (abi.pack_u32, SIZE, 1),
        (abi.pack_u32, 8, 2**40),
        (abi.pack_u64, 8, 2**63),
        (abi.pack_u64, 2**40, 1),
        (abi.unpack_pair, 8),
        (abi.unpack_pair, SIZE),
        (abi.fits, 8, 8),
        (abi.fits, 8, 2**64),
    ]
    abi.pack_u64(memory, 8, 2**64 - 1)
    for call, *arguments in calls:
        heap.run(outcome, call, memory, *arguments)
        heap.reset_peak()
        live = heap.live
        heap.run(outcome, call, memory, *arguments)
        assert heap.peak - live <= ASSUMED
        assert heap.live == live
