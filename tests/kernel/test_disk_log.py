"""The length of a durable file system's log: ahead of what is written, and of no account for what is in it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from hardtack.heap import Heap
from hardtack.kernel import disk_log
from hardtack.kernel.disk import DATABASE_PAGE, Disk
from hardtack.kernel.disk_log import FIRST, LONGEST, MARGIN, DiskLog
from hardtack.kernel.disk_rows import NEW_INODE, SAVE_PAGE
from hardtack.kernel.params import DISK_PAGE
from hardtack.symbolic import Size

SIZE = 64 * 1024 * 1024
FRAME = 24 + DATABASE_PAGE  # of a log, whose header has 32 bytes


@pytest.fixture
def disk(tmp_path):
    made = Disk(Heap("4 MiB", name="disk"), str(tmp_path / "fs.db"), SIZE)
    yield made
    made.close()


def commit_page(disk, number):
    disk.change(SAVE_PAGE, (number, bytes([number % 251 + 1]) * DISK_PAGE))
    disk.commit()


def log_of(disk):
    return Path(f"{disk.path}-wal")


def commit_beyond(disk, length):
    """Commit pages until the log is longer than that; return how many."""
    count = 0
    while log_of(disk).stat().st_size <= length:
        commit_page(disk, count)
        count += 1
    return count


def test_a_log_that_is_longer_than_the_first_has_its_whole_length_at_once(disk):
    commit_beyond(disk, FIRST)
    length = log_of(disk).stat().st_size
    assert length >= LONGEST + MARGIN
    for number in range(1000):
        commit_page(disk, number)
        assert log_of(disk).stat().st_size == length


@pytest.mark.parametrize("cut", [False, True])
def test_what_was_committed_is_there_with_the_zeros_or_without_them(disk, tmp_path, cut):
    count = commit_beyond(disk, FIRST)
    commit_page(disk, count)
    shutil.copy(disk.path, tmp_path / "copy")
    log = log_of(disk).read_bytes()
    frames = -(-len(log.rstrip(b"\0")) // FRAME) * FRAME
    Path(tmp_path / "copy-wal").write_bytes(log[: 32 + frames] if cut else log)
    copy = Disk(Heap("4 MiB", name="copy"), str(tmp_path / "copy"), SIZE)
    assert copy.pair("SELECT count(*), 0 FROM page", ()) == (count + 1, 0)
    copy.close()


def test_a_host_without_room_lets_the_log_grow_as_it_is_written(disk, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(disk_log.os, "pwrite", full)
    commit_beyond(disk, FIRST)
    assert log_of(disk).stat().st_size < 2 * FIRST
    assert disk.broken is None


def test_a_log_that_cannot_be_opened_is_left_alone(tmp_path):
    log = DiskLog(str(tmp_path / "none"))
    log.keep_ahead()
    log.close()
    assert os.listdir(tmp_path) == []


def test_a_closed_disk_holds_no_descriptor(disk):
    before = set(os.listdir("/proc/self/fd"))
    other = Disk(Heap("4 MiB", name="other"), f"{disk.path}-2", SIZE)
    other.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_keeping_ahead_takes_no_more_than_is_stated(disk):
    disk.change(NEW_INODE, (77, 1, *[0] * 7, b""))
    commit_beyond(disk, FIRST)
    fd = os.open(log_of(disk), os.O_WRONLY)
    heap = Heap("1 MiB", name="log")
    bound = disk_log._lengthened.__hardtack_bound__
    for length in (0, LONGEST):
        heap.reset_peak()
        before = heap.live
        heap.run(disk_log._lengthened, fd, length)
        assert heap.peak - before <= Size.parse(bound.peak).as_const()
    os.close(fd)
    heap.reset_peak()
    heap.run(disk_log._lengthened, fd, 0)  # an error
    assert heap.peak <= Size.parse(bound.peak).as_const()
