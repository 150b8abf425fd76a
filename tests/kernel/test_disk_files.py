"""The durable file system: what it is like to open one, to fill one, to break one, and what it takes of memory."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hardtack.errors import KernelError
from hardtack.kernel import abi, death
from hardtack.kernel.disk import LEAST_SIZE, SQLITE_BYTES
from hardtack.kernel.disk_inodes import STEP_ROWS
from hardtack.kernel.memory_files import NAME_BYTES
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.page_cache import DIRTY_PAGES
from hardtack.kernel.params import COMMIT_CHANGES, DISK_PAGE, DISK_SIZE, LEAST_CACHE_BYTES, MAX_IO
from hardtack.lab.machine.driver import MIB, READ, ROOT, Machine, tree

CREATE = abi.O_CREAT


@contextmanager
def opened(path: Path, size: int = DISK_SIZE, cache: int = MIB, heap: int = 16 * MIB):
    """A hand on a machine whose root is a disk."""
    with Machine(heap, root=lambda system: open_disk(system, "/", str(path), size, cache)) as machine:
        yield machine.hand()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fs.db"


def put(hand, name, data):
    fd = hand.open(name, CREATE)
    assert hand.write_all(fd, data) == len(data)
    hand.close(fd)


def get(hand, name):
    fd = hand.open(name, rights=READ)
    data = b""
    while piece := hand.read(fd, MAX_IO):
        data += piece
    hand.close(fd)
    return data


# -- opened again
def test_everything_is_there_when_it_is_opened_again(path):
    with opened(path) as hand:
        hand.mkdir(b"d")
        put(hand, b"d/file", bytes(range(256)) * 1000)
        hand.link(b"d/file", b"other")
        hand.symlink(b"d/file", b"link")
        before = tree(hand)
        times = hand.stat(b"d/file").mtime, hand.stat(b"d").mtime
    with opened(path) as hand:
        assert tree(hand) == before
        assert (hand.stat(b"d/file").mtime, hand.stat(b"d").mtime) == times
        assert get(hand, b"link") == bytes(range(256)) * 1000


def test_one_file_is_all_there_is_when_it_is_closed(path):
    with opened(path) as hand:
        put(hand, b"file", b"x" * 100_000)
    assert os.listdir(path.parent) == ["fs.db"]


@pytest.mark.parametrize("flags", [abi.FDFLAG_SYNC, abi.FDFLAG_DSYNC])
def test_what_is_written_with_a_synchronising_flag_is_there_after_a_crash(path, tmp_path, flags):
    after = tmp_path / "after"
    with opened(path) as hand:
        fd = hand.open(b"file", abi.O_CREAT, flags=flags)
        hand.write(fd, b"synchronised")
        after.write_bytes(path.read_bytes())
        wal = path.with_name(path.name + "-wal")
        if wal.exists():
            after.with_name("after-wal").write_bytes(wal.read_bytes())
    with opened(after) as hand:
        assert hand.read(hand.open(b"file", rights=READ), 100) == b"synchronised"


@pytest.mark.parametrize("way", ["open", "mkdir", "symlink", "link", "rename"])
def test_a_name_that_was_sought_in_vain_is_found_once_it_is_there(path, way):
    with opened(path) as hand:
        put(hand, b"other", b"x")
        hand.mkdir(b"d")
        assert hand.stat(b"new") == -abi.ENOENT
        arguments = {"open": (b"new", CREATE), "mkdir": (b"new",)}.get(way, (b"other", b"new"))
        assert getattr(hand, way)(*arguments) >= 0
        assert hand.stat(b"d/new") == -abi.ENOENT
        assert hand.stat(b"new", follow=False).links == 1 + (way == "link")
        assert (hand.rmdir if way == "mkdir" else hand.unlink)(b"new") == 0
        assert hand.stat(b"new") == -abi.ENOENT
        assert hand.machine.system.check() == []


def test_names_made_after_it_was_opened_again_do_not_disturb_those_before(path):
    for round_ in range(5):
        with opened(path) as hand:
            for number in range(50):
                hand.mkdir(b"%d-%d" % (round_, number))
            assert len(hand.list(ROOT)) == 50 * (round_ + 1)


def test_names_are_told_apart_whose_cookies_are_made_of_numbers_that_are_given_again(path):
    for round_ in range(4):
        with opened(path) as hand:
            for number in range(8):  # the last numbers of all are given again by the next kernel
                put(hand, b"%d" % number, b"x")
                assert hand.link(b"%d" % number, b"link %d" % number) == 0
                assert hand.rename(b"%d" % number, b"%d-%d" % (round_, number)) == 0
            names = {b"%d-%d" % (old, number) for old in range(round_ + 1) for number in range(4)}
            for number in range(8):
                hand.unlink(b"link %d" % number)
                if number >= 4:
                    hand.unlink(b"%d-%d" % (round_, number))
            assert set(hand.list(ROOT)) == names
            assert hand.machine.system.check() == []


def test_a_name_that_was_sought_leads_to_what_it_was_given_last(path):
    with opened(path) as hand:
        put(hand, b"other", b"other")
        hand.mkdir(b"d")
        fd = hand.open(b"file", CREATE)
        hand.write(fd, b"file")

        def sizes(*names):
            found = [hand.stat(name) for name in names]
            return [one if isinstance(one, int) else one.size for one in found]

        gone = -abi.ENOENT
        assert sizes(b"file", b"other", b"d/file") == [4, 5, gone]
        hand.write(fd, b" that grows")
        assert sizes(b"file") == [15]
        assert hand.rename(b"file", b"d/file") == 0
        assert sizes(b"file", b"d/file") == [gone, 15]
        assert hand.link(b"d/file", b"file") == 0
        assert hand.rename(b"other", b"d/file") == 0
        assert sizes(b"file", b"d/file", b"other") == [15, 5, gone]
        assert hand.stat(b"file").links == 1
        hand.close(fd)
        assert hand.stat(b"file").links == 1
        assert hand.unlink(b"file") == 0
        assert sizes(b"file", b"d/file") == [gone, 5]
        again = hand.open(b"file", CREATE)
        assert sizes(b"file") == [0]
        hand.close(again)
        assert hand.machine.system.check() == []


def test_a_file_that_is_closed_and_opened_again_in_turns_is_the_same(path):
    with opened(path) as hand:
        for number in range(3):
            fd = hand.open(b"file", CREATE)
            assert hand.fstat(fd).size == 3 * number
            hand.write(fd, b"abc", 3 * number)
            hand.close(fd)
            assert hand.call("path_filestat_set_times", ROOT, 0, *hand.put(4096, b"file"), 0, number, 4) == 0
            assert hand.stat(b"file").mtime == number
            if number == 1:
                put(hand, b"another", b"x")
        files = hand.machine.system.disks[0]
        files.sync()
        before = files.heap.live
        for _ in range(20):
            put(hand, b"one more", b"y" * 600)
            assert hand.unlink(b"one more") == 0
        files.sync()
        assert files.heap.live - before < 4096
        assert hand.machine.system.check() == []
    with opened(path) as hand:
        assert get(hand, b"file") == b"abc" * 3
        assert hand.stat(b"file").mtime == 2


def test_files_that_were_open_without_a_name_at_a_crash_take_no_space_for_long(path, tmp_path):
    with opened(path) as hand:
        fd = hand.open(b"file", CREATE)
        hand.write_all(fd, b"x" * MIB)
        hand.unlink(b"file")
        hand.call("fd_sync", fd)
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{tmp_path}/copy{suffix}")
        hand.close(fd)
    with opened(tmp_path / "copy") as hand:
        for number in range(10):
            hand.mkdir(b"%d" % number)
    with sqlite3.connect(tmp_path / "copy") as database:
        assert database.execute("SELECT count(*) FROM page").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM inode WHERE number > 1 AND kind != 3").fetchone() == (
            0,
        )
    database.close()


@pytest.mark.parametrize("flag", [abi.FDFLAG_SYNC, abi.FDFLAG_DSYNC])
def test_a_file_that_is_opened_to_synchronise_is_synced_by_each_write(path, flag):
    with opened(path) as hand:
        disk = hand.machine.system.disks[0].disk
        fd = hand.open(b"file", CREATE, flags=flag)
        for count in range(3):
            before = disk.commits
            assert hand.write(fd, b"x" * 100) == 100
            assert disk.commits == before + 1, count


# -- what cannot be opened
def refusal(path, size=DISK_SIZE, cache=MIB):
    machine = Machine()
    with pytest.raises(KernelError) as caught:
        open_disk(machine.system, "/disk", str(path), size, cache)
    machine.close()
    return str(caught.value)


def test_a_disk_that_another_kernel_has_open_is_refused(path):
    with opened(path):
        assert refusal(path) == f"{path}: another kernel, or another program, has it open"
    with opened(path):
        pass


def test_what_is_no_database_is_refused_and_kept(path):
    path.write_bytes(b"a letter to somebody\n" * 100)
    assert refusal(path) == f"{path}: it is no file system of hardtack's"
    assert path.read_bytes() == b"a letter to somebody\n" * 100


def test_another_programs_database_is_refused_and_kept(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE ships (name TEXT)")
    database.close()
    before = path.read_bytes()
    assert refusal(path) == f"{path}: it is a database, but no file system of hardtack's"
    assert path.read_bytes() == before


def test_another_format_is_refused(path):
    with opened(path):
        pass
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    assert "it is of format 99" in refusal(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/such/directory", "there is no directory"),
        (".", "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("/proc/version", ""),
        ("a\0b", "embedded null"),
    ],
)
def test_a_path_that_is_none_is_refused(tmp_path, name, reason):
    assert reason in refusal(tmp_path / name if name != "." else tmp_path)


def test_names_that_sqlite_gives_a_meaning_are_names_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory"):
        with opened(name) as hand:
            hand.mkdir(b"d")
        with opened(name) as hand:
            assert hand.list(ROOT) == [b"d"]
    assert sorted(os.listdir()) == [":memory:", "file:x?mode=memory"]
    assert refusal("") == ": it is not a regular file"


def test_a_fifo_is_refused_and_does_not_block(path):
    os.mkfifo(path)
    assert refusal(path) == f"{path}: it is not a regular file"


def test_sizes_that_are_too_small_are_refused(path):
    assert "too small" in refusal(path, size=LEAST_SIZE - 1)
    assert "of the kernel's heap" in refusal(path, cache=LEAST_CACHE_BYTES - 1)


def test_a_damaged_file_is_an_error_and_nothing_worse(path):
    """Pages of the database are overwritten: it is refused, or calls answer EIO, or what they find is whole."""
    with opened(path) as hand:
        for number in range(60):
            put(hand, b"%d" % number, b"x" * 5000)
    whole = path.read_bytes()
    outcomes = set()
    for seed in range(40):
        pick = random.Random(seed)
        damaged = bytearray(whole)
        for _ in range(pick.choice((1, 10, 60))):
            at = pick.randrange(len(whole) // 512) * 512
            damaged[at : at + 512] = pick.randbytes(512)
        path.write_bytes(damaged)
        machine = Machine()
        try:
            machine.preopen(open_disk(machine.system, "/disk", str(path), DISK_SIZE, MIB))
            hand = machine.hand()
            names = hand.list(4)
            answers = [hand.stat(name, at=4) for name in names] if isinstance(names, list) else [names]
            answers += [hand.open(b"%d" % number, at=4) for number in range(60)]
            answers.append(hand.mkdir(b"new", at=4))
            outcomes |= {"EIO" if answer in {abi.EIO, -abi.EIO} else "done" for answer in answers}
            assert not hand.ended
            assert machine.system.bugs == []
        except KernelError:
            outcomes.add("refused")
        death.end_all(machine.system, "over")
        with suppress(KernelError):
            machine.system.close_disks()
    assert outcomes == {"refused", "EIO", "done"}


@pytest.mark.parametrize("seed", range(60))
def test_bytes_that_are_damaged_anywhere_are_an_error_and_nothing_worse(path, seed):
    with opened(path) as hand:
        for number in range(30):
            put(hand, b"%d" % number, b"x" * 300)
            hand.symlink(b"%d" % number, b"l%d" % number)
            hand.mkdir(b"d%d" % number)
    whole = bytearray(path.read_bytes())
    pick = random.Random(seed)
    for _ in range(pick.choice((1, 3, 10))):
        at, count = pick.randrange(len(whole)), pick.choice((1, 2, 8, 64))
        whole[at : at + count] = pick.randbytes(count)
    path.write_bytes(whole)
    machine = Machine()
    with suppress(KernelError):
        machine.preopen(open_disk(machine.system, "/disk", str(path), DISK_SIZE, MIB))
        hand = machine.hand()
        names = hand.list(4)
        for name in names[:60] if isinstance(names, list) else ():
            fd = hand.open(name, at=4)
            if fd >= 0:
                hand.read(fd, 100)
                hand.write(fd, b"written")
                hand.truncate(fd, 1)
                hand.close(fd)
            hand.stat(name, at=4)
            hand.readlink(name, at=4)
            hand.open(name + b"/below", CREATE, at=4)
            hand.rename(name, b"moved", 4, 4)
            hand.unlink(name, at=4)
            hand.rmdir(name, at=4)
        hand.mkdir(b"new", at=4)
        hand.call("fd_sync", 4)
        assert not hand.ended
    assert machine.system.bugs == []
    assert machine.system.heap.overruns == 0
    death.end_all(machine.system, "over")
    with suppress(KernelError):
        machine.system.close_disks()


# -- a disk that is full
def test_a_full_disk_is_enospc_and_works_again_when_something_is_removed(path):
    with opened(path, size=2 * MIB) as hand:
        fd = hand.open(b"big", CREATE)
        written = hand.write_all(fd, b"x" * (4 * MIB))
        assert written == -abi.ENOSPC
        assert hand.fstat(fd).size > MIB
        assert hand.open(b"another", CREATE) in {-abi.ENOSPC, 5}
        hand.close(fd)
        hand.call("fd_sync", ROOT)
        assert path.stat().st_size <= 2 * MIB
        assert hand.unlink(b"big") == 0
        put(hand, b"again", b"y" * MIB)
        assert get(hand, b"again") == b"y" * MIB
    assert path.stat().st_size <= 2 * MIB


def test_names_alone_can_fill_it_and_everything_can_be_removed_again(path):
    with opened(path, size=LEAST_SIZE) as hand:
        made = 0
        while hand.mkdir(b"%d" % made) == 0:
            made += 1
        assert made > 100
        assert hand.mkdir(b"more") == abi.ENOSPC
        assert hand.rename(b"0", b"moved") in {0, abi.ENOSPC}
        for name in hand.list(ROOT):
            assert hand.rmdir(name) == 0
        assert hand.mkdir(b"more") == 0
    assert path.stat().st_size <= LEAST_SIZE


# -- whose a file is
def limited(hand, limit, name="limited"):
    other = hand.machine.hand(name)
    other.process.group.owner.limit = limit
    return other, other.process.group.owner


def test_what_is_removed_or_cut_leaves_its_owners_account(path):
    with opened(path) as hand:
        owner = hand.process.group.owner
        for _ in range(2):
            for size in (0, 1, 600, 9000, 100 * DISK_PAGE):
                put(hand, b"%d" % size, b"x" * size)
            hand.link(b"0", b"other")
            hand.symlink(b"t" * 4000, b"link")
            hand.mkdir(b"d")
            held = 8 * NAME_BYTES + 4000 + (512 + 2048 + DISK_PAGE + 2048) + 100 * DISK_PAGE
            assert owner.held == held
            fd = hand.open(b"%d" % (100 * DISK_PAGE))
            assert hand.truncate(fd, 10 * DISK_PAGE + 1) == 0
            assert owner.held == held - 89 * DISK_PAGE
            assert hand.truncate(fd, 0) == 0
            assert hand.write(fd, b"x" * 600, 3 * DISK_PAGE) == 600  # beyond a hole
            hand.close(fd)
            for size in (0, 1, 600, 9000, 100 * DISK_PAGE):
                assert hand.unlink(b"%d" % size) == 0
            assert (hand.unlink(b"other"), hand.unlink(b"link"), hand.rmdir(b"d")) == (0, 0, 0)
            assert owner.held == 0


def test_what_is_written_over_is_counted_once(path):
    with opened(path, cache=LEAST_CACHE_BYTES) as hand:
        owner = hand.process.group.owner
        put(hand, b"file", b"x" * 100 * DISK_PAGE)
        held = owner.held
        assert 100 * DISK_PAGE < held < 101 * DISK_PAGE
        fd = hand.open(b"file")
        for position in (0, 50 * DISK_PAGE, 3 * DISK_PAGE - 100, 99 * DISK_PAGE + 1):
            assert hand.write(fd, b"y" * 2 * DISK_PAGE, position) > 0
        assert held < owner.held <= held + 2 * DISK_PAGE  # the end


@pytest.mark.parametrize("what", ["pages", "names", "links", "targets"])
def test_nobody_takes_more_of_a_disk_than_a_limit(path, what):
    with opened(path) as hand:
        put(hand, b"given", b"x" * 4 * MIB)
        hand.exit()
        other, owner = limited(hand, MIB)
        steps = {
            "pages": lambda n: min(other.write(4, bytes(MAX_IO), 4 * MIB + n * MAX_IO), 0),
            "names": lambda n: other.mkdir(b"%d" % n),
            "links": lambda n: other.link(b"given", b"%d" % n),
            "targets": lambda n: other.symlink(b"t" * 4000, b"%d" % n),
        }
        assert other.open(b"given") == 4
        count = 0
        while (errno := steps[what](count)) == 0:
            count += 1
        assert abs(errno) == abi.ENOSPC
        assert count > 10
        assert owner.refused
        assert MIB - 2 * MAX_IO < owner.held <= MIB


def test_what_passes_to_another_group_leaves_the_account_of_the_first(path):
    with opened(path) as hand:
        put(hand, b"file", b"x" * MIB)
        first = hand.process.group.owner
        held = first.held
        other, owner = limited(hand, 2 * MIB)
        fd = other.open(b"file", flags=abi.FDFLAG_APPEND)
        assert other.write(fd, b"x" * DISK_PAGE) == DISK_PAGE
        assert first.held == 0
        assert owner.held == held + DISK_PAGE
        third, poor = limited(hand, MIB, "third")
        assert third.link(b"file", b"name") == abi.ENOSPC
        assert (poor.held, poor.refused, owner.held) == (0, True, held + DISK_PAGE)


def test_what_an_earlier_kernel_left_is_nobodys(path):
    with opened(path) as hand:
        put(hand, b"file", b"x" * MIB)
    with opened(path) as hand:
        owner = hand.process.group.owner
        put(hand, b"other", b"x")
        held = owner.held
        assert hand.unlink(b"file") == 0
        assert owner.held == held
        assert hand.unlink(b"other") == 0
        assert owner.held == 0


def test_numbers_of_those_who_pay_do_not_pile_up(path):
    with opened(path) as hand:
        payers = hand.machine.system.disks[0]._payers
        for number in range(100):
            other = hand.machine.hand("other")
            put(other, b"file", b"%d" % number)
            other.exit()
        assert payers._table.count < 5


# -- steps
def test_no_call_changes_more_than_a_step(path):
    """However long the file: what is freed, cut or synced in one call is bounded."""
    with opened(path, cache=2 * MIB) as hand:
        disk = hand.machine.system.disks[0].disk
        fd = hand.open(b"file", CREATE)
        for position in range(0, 8 * MIB, MAX_IO):
            hand.write(fd, b"x" * MAX_IO, position)
        most = 0
        enter = hand.machine.enter

        def watched(process, name, arguments):
            nonlocal most
            before, commits = disk.changes, disk.commits
            errno = enter(process, name, arguments)
            most = max(most, disk.changes - (before if disk.commits == commits else 0))
            return errno

        hand.machine.enter = watched
        assert hand.truncate(fd, 4 * MIB) == 0
        assert hand.fstat(fd).size == 4 * MIB
        assert hand.unlink(b"file") == 0
        hand.close(fd)
        for number in range(20):
            hand.mkdir(b"%d" % number)
        assert hand.call("fd_sync", ROOT) == 0
        assert most <= 2 * STEP_ROWS + DIRTY_PAGES


def test_a_file_of_many_pages_is_cut_before_it_is_open_and_stays_cut(path):
    with opened(path) as hand:
        fd = hand.open(b"file", CREATE)
        for position in range(0, 4 * STEP_ROWS * DISK_PAGE, MAX_IO):
            hand.write(fd, b"x" * MAX_IO, position)
        hand.close(fd)
        fd = hand.open(b"file", abi.O_TRUNC)
        assert hand.fstat(fd).size == 0
        assert hand.write(fd, b"new") == 3
        hand.close(fd)
    with opened(path) as hand:
        assert hand.stat(b"file").size == 3
        assert hand.machine.system.disks[0].check() == []


def test_a_transaction_does_not_grow_with_what_is_written(path):
    with opened(path) as hand:
        disk = hand.machine.system.disks[0].disk
        fd = hand.open(b"file", CREATE)
        most = 0
        for position in range(0, 16 * MIB, MAX_IO):
            hand.write(fd, b"x" * MAX_IO, position)
            most = max(most, disk.changes)
        assert disk.commits > 3
        assert most <= COMMIT_CHANGES + DIRTY_PAGES + MAX_IO // DISK_PAGE + 2
        log = Path(f"{path}-wal")
        assert log.stat().st_size < 16 * MIB


# -- memory
def test_pages_give_way_when_the_kernel_is_short_of_memory(path):
    with opened(path, cache=4 * MIB, heap=8 * MIB) as hand:
        files = hand.machine.system.disks[0]
        put(hand, b"file", b"x" * (3 * MIB))
        fd = hand.open(b"file")
        for position in range(0, 3 * MIB, 4096):
            hand.read(fd, 100, position)
        held = files.heap.live
        assert held > 3 * MIB
        heap = hand.machine.system.heap
        reservation = hand.machine.system.memory.reserve(heap.room + 2 * MIB)
        assert reservation is not None
        assert files.heap.live <= held - 2 * MIB
        assert files.cache.evictions > 200
        assert files.statistics().evictions == files.cache.evictions
        reservation.release()
        assert get(hand, b"file") == b"x" * (3 * MIB)


def test_a_small_cache_holds_any_file_system(path):
    with opened(path, cache=LEAST_CACHE_BYTES) as hand:
        for number in range(100):
            put(hand, b"%d" % number, b"%d" % number * 10_000)
        for number in range(100):
            assert get(hand, b"%d" % number) == b"%d" % number * 10_000
        assert hand.machine.system.disks[0].heap.peak <= LEAST_CACHE_BYTES


def test_what_is_open_cannot_take_all_of_the_cache(path):
    with opened(path, cache=LEAST_CACHE_BYTES) as hand:
        fds = []
        for number in range(2000):
            fds.append(hand.open(b"%d" % number, CREATE))
            if fds[-1] < 0:
                break
        assert fds[-1] == -abi.ENFILE
        assert hand.write(fds[0], b"x" * MAX_IO) == MAX_IO
        assert hand.read(fds[0], MAX_IO, 0) == b"x" * MAX_IO
        for fd in fds[:-1]:
            hand.close(fd)
        assert hand.open(b"0") >= 0


SQLITE_PROGRAM = f"""
import sqlite3, sys, tempfile
from pathlib import Path
limit = sqlite3.connect(":memory:")
assert limit.execute("PRAGMA hard_heap_limit={SQLITE_BYTES}").fetchone() == ({SQLITE_BYTES},)
import crashing
with tempfile.TemporaryDirectory() as name:
    crashing.run(Path(name), 3, 300)
with tempfile.TemporaryDirectory() as name:
    machine = crashing.open_machine(Path(name))
    hand = machine.hand()
    fd = hand.open(b"big", crashing.abi.O_CREAT, at=crashing.DISK)
    for position in range(0, 32 << 20, 65536):
        assert hand.write(fd, b"x" * 65536, position) == 65536
    for number in range(2000):
        assert hand.mkdir(b"%d" % number, at=crashing.DISK) == 0
    hand.close(fd)
    assert hand.unlink(b"big", at=crashing.DISK) == 0
    for number in range(2000):
        assert hand.rmdir(b"%d" % number, at=crashing.DISK) == 0
    assert machine.system.disks[0].disk.broken is None
    machine.close()
print("done")
"""


def test_sqlite_itself_keeps_to_its_bound():
    """What it allocates is no heap's: so it runs where SQLite may allocate no more than is said."""
    command = [sys.executable, "-c", SQLITE_PROGRAM]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


# -- the host's disk fails
def test_an_error_of_the_hosts_disk_is_eio_from_then_on_and_what_was_synced_is_kept(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path) as hand:
        put(hand, b"synced", b"x" * 1000)
        hand.call("fd_sync", ROOT)
        fd = hand.open(b"file", CREATE)
        hand.write_all(fd, b"y" * 300_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50_000, limits[1]))
        try:
            assert hand.call("fd_sync", fd) == abi.EIO
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert hand.write(fd, b"z") == -abi.EIO
        assert hand.mkdir(b"d") == abi.EIO
        assert hand.stat(b"synced") == -abi.EIO
        assert hand.call("fd_sync", fd) == abi.EIO
        assert hand.close(fd) == 0
        disk = hand.machine.system.disks.pop()
        assert disk.close() is not None
    with opened(path) as hand:
        assert hand.list(ROOT) in ([b"synced"], [b"file", b"synced"], [b"synced", b"file"])
        assert get(hand, b"synced") == b"x" * 1000


def test_the_end_of_a_kernel_tells_that_its_disk_failed(path):
    machine = Machine(root=lambda system: open_disk(system, "/", str(path), DISK_SIZE, MIB))
    hand = machine.hand()
    hand.mkdir(b"d")
    machine.system.disks[0].disk._connection.close()
    assert hand.mkdir(b"e") == abi.EIO
    death.end_all(machine.system, "over")
    with pytest.raises(KernelError, match="closed database"):
        machine.system.close_disks()


def test_a_depth_that_is_no_depth_ends(path):
    """A chain of directories deeper than is looked through: moving one into it is refused, and ends."""
    with opened(path, heap=64 * MIB, cache=8 * MIB) as hand:
        here = ROOT
        for number in range(100):
            hand.mkdir(b"d", at=here)
            below = hand.open_directory(b"d", at=here)
            if number:
                hand.close(here)
            here = below
        hand.mkdir(b"other")
        assert hand.rename(b"d", b"inside", ROOT, here) == abi.EINVAL
        assert hand.rename(b"other", b"inside", ROOT, here) == 0
        assert hand.rename(b"inside", b"other", here, ROOT) == 0
