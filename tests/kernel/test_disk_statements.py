"""What a durable file system's statements take of Python's memory, held against what is taken for granted of them."""

from __future__ import annotations

import gc
import sqlite3
import struct

import pytest

from hardtack.heap import Heap
from hardtack.kernel.disk import LEAST_SIZE, Disk
from hardtack.kernel.disk_failures import reason_of
from hardtack.kernel.disk_rows import (
    BY_NUMBER,
    FIND,
    LAST_PAGES,
    LIST,
    NEW_INODE,
    NEW_NAME,
    NO_NAME,
    PAGE,
    SAVE_PAGE,
    SPACE,
    STATEMENTS,
    TARGET,
    UNREACHABLE,
)
from hardtack.kernel.params import DISK_PAGE, PATH_MAX
from hardtack.symbolic import Size

GREAT = (1 << 63) - 1
NAMES = [bytes([65 + number]) * 255 for number in range(9)]


@pytest.fixture
def disk(tmp_path):
    heap = Heap("4 MiB", name="disk")
    made = Disk(heap, str(tmp_path / "fs.db"), 16 * LEAST_SIZE)
    made.warm(STATEMENTS)
    for number, name in enumerate(NAMES, 1):
        made.change(NEW_INODE, (number, 1, *[GREAT] * 7, b"t" * PATH_MAX))
        made.change(NEW_NAME, (1, GREAT - 9 + number, name, number, 1))
        made.change(SAVE_PAGE, (number, b"p" * DISK_PAGE))
    yield made
    made.close()


def taken(heap, function, *arguments):
    """Return what a call has at its peak, and what its result holds."""
    gc.collect()
    heap.reset_peak()
    before = heap.live
    result = heap.run(function, *arguments)
    peak, kept = heap.peak - before, heap.live
    del result
    return peak, kept - heap.live


def stated(function, part, **values):
    text = getattr(function.__hardtack_bound__, part)
    known = {name: Size.const(value) for name, value in values.items()}
    return Size.parse(text).substitute(known).as_const()


QUERIES = [
    (BY_NUMBER, (3,), Disk._execute, Disk._fetch_row, ()),
    (FIND, (1, NAMES[4]), Disk._execute, Disk._fetch_row, ()),
    (FIND, (1, b"none"), Disk._execute, Disk._fetch_row, ()),
    (SPACE, (), Disk._execute_few, Disk._fetch_pair, ()),
    (LAST_PAGES, (0, 8, 8), Disk._execute_few, Disk._fetch_pair, ()),
    (UNREACHABLE, (), Disk._execute_few, Disk._fetch_pair, ()),
    (LIST, (1, 0), Disk._execute, Disk._fetch_name, ()),
    (PAGE, (3,), Disk._execute_few, Disk._fetch_bytes, (DISK_PAGE,)),
    (TARGET, (3,), Disk._execute_few, Disk._fetch_bytes, (PATH_MAX,)),
]


@pytest.mark.parametrize(("statement", "values", "execute", "fetch", "most"), QUERIES)
def test_a_query_takes_no_more_than_is_stated(disk, statement, values, execute, fetch, most):
    heap = disk.heap
    for _ in range(2):  # the second after a statement that describes nothing, and after itself
        disk.change(NO_NAME, (1, b"none"))
        gc.collect()
        nothing = heap.live
        for _ in range(2):
            before = heap.live
            peak, _ = taken(heap, execute, disk, statement, values)
            assert peak <= stated(execute, "peak") - (before - nothing)
            assert heap.live - nothing <= stated(execute, "replaced")
            limits = dict(zip(("most",), most, strict=False))
            peak, held = taken(heap, fetch, disk, *most)
            assert peak <= stated(fetch, "peak", **limits)
            assert held <= stated(fetch, "returned", **limits)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (NEW_INODE, (77, 1, *[GREAT] * 7, b"t" * PATH_MAX)),
        (SAVE_PAGE, (77, bytearray(DISK_PAGE))),
        (NO_NAME, (1, NAMES[3])),
    ],
)
def test_a_change_takes_no_more_than_is_stated(disk, statement, values):
    disk.pair(SPACE, ())
    peak, _ = taken(disk.heap, disk._run, statement, values)
    assert peak <= stated(Disk._run, "peak")


def test_the_end_of_a_transaction_takes_no_more_than_is_stated(disk):
    for _ in range(2):
        disk.pair(SPACE, ())
        live = disk.heap.live
        peak, held = taken(disk.heap, disk._end_transaction)
        assert peak <= stated(Disk._end_transaction, "peak")
        assert held == 0
        assert disk.heap.live <= live
        disk.change(SAVE_PAGE, (77, bytearray(DISK_PAGE)))


def test_what_was_never_written_is_never_read(disk):
    disk.change("UPDATE page SET data = zeroblob(?) WHERE place = 3", (1 << 20,))
    peak, _ = taken(disk.heap, disk._execute_few, PAGE, (3,))
    assert peak <= stated(Disk._execute_few, "peak")
    with pytest.raises(sqlite3.DatabaseError):
        disk._fetch_bytes(DISK_PAGE)


def test_a_reason_takes_no_more_than_is_stated():
    heap = Heap("1 MiB", name="reasons")
    peak, held = taken(heap, reason_of, sqlite3.DatabaseError("\N{GOTHIC LETTER AHSA}" * 5000))
    assert peak <= stated(reason_of, "peak")
    assert held <= stated(reason_of, "returned")


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.Error(),
        sqlite3.OperationalError("\udcff"),
        struct.error(None),
        OverflowError(1, b"2"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
)
def test_there_is_a_reason_for_any_error(error):
    assert 0 <= len(reason_of(error)) <= 100
    assert stated(reason_of, "raises") == 0
