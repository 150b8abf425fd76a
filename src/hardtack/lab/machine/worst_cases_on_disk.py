"""Directed worst cases on a durable file system: pages read back, a full cache, a transaction to be ended."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hardtack.kernel import abi
from hardtack.kernel.disk_inodes import DIRTY_INODES, STEP_ROWS
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import COMMIT_CHANGES, DISK_PAGE
from hardtack.lab.machine.driver import KIB, MIB, PATH, READ, Machine
from hardtack.lab.machine.ledger import Ledger
from hardtack.lab.machine.worst_cases import (
    BIG,
    CREATE,
    FULL,
    HOST,
    HUGE,
    all_paths,
    case,
    long_paths,
    make_links,
)

DISK = HOST
SIZES = (1, 2, 511, 512, 513, 2048, 2049, DISK_PAGE, DISK_PAGE + 1, FULL)


@contextmanager
def disk_machine(ledger: Ledger, cache: int = 2 * MIB) -> Iterator[Machine]:
    """Make a machine whose descriptor DISK is the root of a durable file system."""
    with tempfile.TemporaryDirectory() as name, ledger.machine(32 * MIB) as machine:
        machine.preopen(open_disk(machine.system, "/disk", str(Path(name) / "fs.db"), 256 * MIB, cache))
        yield machine


@case
def disk_files(ledger: Ledger) -> None:
    """Reading and writing with no page in memory, with all of them there, at large positions."""
    for cache in (128 * KIB, 2 * MIB):
        with disk_machine(ledger, cache) as machine:
            hand = machine.hand()
            files = machine.system.disks[0]
            for position in (0, 1, DISK_PAGE - 1, 1 << 20, (1 << 37) - 1):
                fd = hand.open(b"file", CREATE | abi.O_TRUNC, at=DISK)
                for size in SIZES:
                    for at in (position, position + 1, 0):
                        hand.write(fd, bytes(range(256)) * (size // 256 + 1), at)
                        hand.call("fd_sync", fd)
                        files.cache.clear()
                        hand.read(fd, size, at)
                        hand.seek(fd, at)
                        hand.read(fd, size)
                        files.cache.clear()
                        hand.read(fd, size)
                        hand.write(fd, bytes(size), at)
                        files.cache.clear()
                        hand.seek(fd, at)
                        hand.write(fd, bytes(size))
                        hand.fstat(fd)
                files.cache.clear()
                hand.truncate(fd, position + 100)
                hand.truncate(fd, position // 2)
                for size in (HUGE, 1 << 62, 1 << 30, 1, 0):
                    hand.truncate(fd, size)
                for flags in range(16):
                    hand.call("fd_filestat_set_times", fd, 1 << 62, HUGE, flags)
                hand.call("fd_datasync", fd)
                hand.close(fd)


@case
def disk_files_that_are_cut(ledger: Ledger) -> None:
    """As many pages as a step frees, and one where bytes are cleared; then those of files without a name."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        files = machine.system.disks[0]
        fd = hand.open(b"file", CREATE, at=DISK)

        def fill(file: int) -> None:
            with machine.warm():
                for page in range(STEP_ROWS + 1):
                    hand.write(file, bytes([page + 1]) * DISK_PAGE, page * DISK_PAGE)
                hand.call("fd_sync", file)
            files.cache.clear()

        for size in (1, 1234, DISK_PAGE - 1):
            fill(fd)
            hand.truncate(fd, size)
        fill(fd)
        hand.close(hand.open(b"./" * 2000 + b"file", CREATE | abi.O_TRUNC, at=DISK))
        changes: tuple[Callable[[], object], ...] = (
            lambda: hand.call("fd_filestat_set_times", fd, 1 << 62, 1 << 62, 5),
            lambda: hand.truncate(fd, 1234),
            lambda: hand.mkdir(b"./" * 2000 + b"d", at=DISK),
            lambda: hand.write(fd, bytes(FULL), 1),
        )
        for change in changes:
            gone = hand.open(b"gone", CREATE, at=DISK)
            fill(gone)
            hand.unlink(b"gone", at=DISK)
            hand.close(gone)
            change()


@case
def disk_files_that_are_open(ledger: Ledger) -> None:
    """Many files open at once, each changed; then each closed, some of them without a name."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        fds = []
        with machine.warm():
            for number in range(300):
                fds.append(hand.open(b"%d" % number, CREATE, at=DISK))
                hand.write(fds[-1], b"x")
        for number in range(0, 300, 2):
            hand.unlink(b"%d" % number, at=DISK)
        for number, fd in enumerate(fds[:150]):
            hand.write(fd, bytes(100))
            if number % 3 == 0:
                hand.call("fd_sync", fd)
        for fd in fds:
            hand.close(fd)
        for number in range(1, 300, 2):
            hand.rename(b"%d" % number, b"moved%d" % (number % 7), DISK, DISK)


@case
def disk_transactions_that_are_full(ledger: Ledger) -> None:
    """Each kind of change, when the transaction has to be ended first and pages and inodes are dirty."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        disk = machine.system.disks[0].disk
        fd = hand.open(b"file", CREATE, at=DISK)
        long = b"./" * 1800
        changes: tuple[Callable[[], object], ...] = (
            lambda: hand.mkdir(long + b"d", at=DISK),
            lambda: hand.rename(long + b"d", long + b"e", DISK, DISK),
            lambda: hand.link(long + b"file", long + b"other", DISK, DISK),
            lambda: hand.symlink(b"t" * 4000, long + b"link", at=DISK),
            lambda: hand.unlink(long + b"link", at=DISK),
            lambda: hand.unlink(long + b"other", at=DISK),
            lambda: hand.rmdir(long + b"e", at=DISK),
            lambda: hand.close(hand.open(long + b"new", CREATE, at=DISK)),
            lambda: hand.unlink(long + b"new", at=DISK),
            lambda: hand.write(fd, bytes(FULL), 1),
            lambda: hand.truncate(fd, 77),
            lambda: hand.call("fd_filestat_set_times", fd, 1 << 62, 1 << 62, 5),
            lambda: hand.call("fd_sync", fd),
        )
        for change in changes:
            for page in range(64):
                hand.write(fd, bytes([page + 1]), page * DISK_PAGE)
            disk._changes[0] = COMMIT_CHANGES
            change()


@case
def disk_directories(ledger: Ledger) -> None:
    """Listings of long names, from every cookie."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        with machine.warm():
            for number in range(300):
                hand.mkdir(b"%03d" % number + b"n" * 250, at=DISK)
        for size in (FULL, 4096, 300, 24):
            for cookie in (0, 1, 2, 3, 100, 50, 1 << 62, HUGE):
                hand.readdir(DISK, size, cookie)
        assert len(hand.list(DISK)) == 300
        hand.fstat(DISK)
        hand.call("fd_sync", DISK)
        for flags in range(16):
            hand.call("fd_filestat_set_times", DISK, 1 << 62, 1 << 62, flags)
        deep = hand.open_directory(b"000" + b"n" * 250, at=DISK)
        for _ in range(100):
            hand.mkdir(b"d", at=deep)
            deep = hand.open_directory(b"d", at=deep)
        hand.rename(b"001" + b"n" * 250, b"moved", DISK, deep)
        assert hand.rename(b"000" + b"n" * 250, b"moved", DISK, deep) == abi.EINVAL


@case
def paths_on_disk(ledger: Ledger) -> None:
    """Every call with a path, with every kind of path."""
    with disk_machine(ledger) as machine:
        all_paths(machine.hand(), DISK)


@case
def working_directories_on_disk(ledger: Ledger) -> None:
    """Directories by the longest paths there are, and what is no program there."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        with machine.warm():
            make_links(hand, DISK)
        for path in long_paths(b"/disk", b"."):
            hand.call("chdir", *hand.put(PATH, path))
        hand.call("chdir", *hand.put(PATH, b"/disk"))
        for path in long_paths(b"/disk", b"."):
            hand.exec(path.removeprefix(b"/disk/"))
            hand.spawn(path.removeprefix(b"/disk/"), directory=path)


@case
def a_disk_that_breaks_when_a_file_is_closed(ledger: Ledger) -> None:
    """What was written is brought into the database then, which is gone."""
    for name in ("fd_close", "fd_renumber"):
        with disk_machine(ledger) as machine:
            hand = machine.hand()
            fds = [hand.open(b"%d" % number, CREATE, at=DISK) for number in range(70)]
            for fd in fds:
                hand.write(fd, b"x")
            machine.system.disks[0].disk._connection.close()
            for fd, last in zip(fds[:3], fds[-3:], strict=True):
                assert hand.call(name, *([fd] if name == "fd_close" else [last, fd])) == 0
            machine.system.disks.clear()


@case
def a_disk_that_breaks_when_times_are_set(ledger: Ledger) -> None:
    """As many inodes as may be dirty are brought into the database then, which is gone."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        fds = [hand.open(b"%d" % number, CREATE, at=DISK) for number in range(DIRTY_INODES + 1)]
        files = machine.system.disks[0]
        while files._dirty_count < DIRTY_INODES:
            assert hand.call("fd_filestat_set_times", fds.pop(), BIG, BIG, 5) == 0
        files.disk._connection.close()
        assert hand.call("fd_filestat_set_times", fds.pop(), BIG, BIG, 5) == abi.EIO
        machine.system.disks.clear()


@case
def a_disk_that_breaks(ledger: Ledger) -> None:
    """Every kind of call on a file system whose disk has failed answers EIO."""
    with disk_machine(ledger) as machine:
        hand = machine.hand()
        hand.mkdir(b"d", at=DISK)
        fd = hand.open(b"file", CREATE, at=DISK)
        hand.write(fd, bytes(100_000))
        files = machine.system.disks[0]
        files.cache.clear()
        files.disk._connection.close()
        for _ in range(2):
            assert hand.read(fd, 100, 0) == -abi.EIO
            assert hand.write(fd, bytes(100_000)) == -abi.EIO
            assert hand.truncate(fd, 5) == abi.EIO
            assert hand.call("fd_sync", fd) == abi.EIO
            assert hand.call("fd_datasync", fd) == abi.EIO
            assert hand.call("fd_filestat_set_times", fd, BIG, BIG, 5) == abi.EIO
            assert hand.readdir(DISK) == -abi.EIO
            assert hand.open(b"file", rights=READ, at=DISK) == -abi.EIO
            assert hand.stat(b"file", at=DISK) == -abi.EIO
            for errno in (
                hand.mkdir(b"e", at=DISK),
                hand.rmdir(b"d", at=DISK),
                hand.unlink(b"file", at=DISK),
                hand.symlink(b"t", b"l", at=DISK),
                hand.link(b"file", b"g", DISK, DISK),
                hand.rename(b"file", b"g", DISK, DISK),
            ):
                assert errno == abi.EIO
        hand.close(fd)
        machine.system.disks.clear()
