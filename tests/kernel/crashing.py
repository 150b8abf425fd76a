"""A random program for a durable file system, and what the file system is like after each of its steps.

`python tests/kernel/crashing.py FOLDER SEED STEPS` runs it on FOLDER/fs.db, and writes what it is about to do,
and what was synced, to FOLDER/marks: "b N" before step N, "s N" when step N was a sync and is over.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from driver import READ, ROOT, Hand, Machine

from hardtack.kernel import abi
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_SIZE

DISK = 4
CACHE_BYTES = 256 * 1024
NAMES = (b"a", b"b", b"c", b"d/a", b"d/b", b"d/e/a", b"d/e", b"d", b"f")
SIZES = (1, 100, 511, 4096, 8192, 8193, 20_000, 65_536)
SYNC = "sync"

Step = tuple[str, Callable[[Hand, int], object]]


def steps(seed: int) -> Iterator[Step]:
    """Yield steps without end, the same ones for the same seed: what each is, and a function that makes it."""
    pick = random.Random(seed)
    number = 0
    while True:
        number += 1
        one, two = pick.choice(NAMES), pick.choice(NAMES)
        size, position = pick.choice(SIZES), pick.choice((0, 0, 10, 8000, 100_000))
        data = bytes([number % 255 + 1]) * size
        yield pick.choice(
            (
                ("write", lambda hand, at, w=(one, data, position): write(hand, at, *w)),
                ("write", lambda hand, at, w=(one, data, position): write(hand, at, *w)),
                ("write", lambda hand, at, w=(one, data, position): write(hand, at, *w)),
                ("replace", lambda hand, at, w=(one, two): hand.rename(*w, at, at)),
                ("replace", lambda hand, at, w=(one, two): hand.rename(*w, at, at)),
                ("link", lambda hand, at, w=(one, two): hand.link(*w, at, at)),
                ("symlink", lambda hand, at, w=(one, two): hand.symlink(*w, at=at)),
                ("mkdir", lambda hand, at, w=one: hand.mkdir(w, at=at)),
                ("mkdir", lambda hand, at, w=one: hand.mkdir(w, at=at)),
                ("rmdir", lambda hand, at, w=one: hand.rmdir(w, at=at)),
                ("unlink", lambda hand, at, w=one: hand.unlink(w, at=at)),
                ("cut", lambda hand, at, w=(one, size): cut(hand, at, *w)),
                (SYNC, lambda hand, at: sync(hand, at)),
            )
        )


def write(hand: Hand, at: int, name: bytes, data: bytes, position: int) -> None:
    """Write bytes in one call, which is one change; the file is made by another call before."""
    fd = hand.open(name, rights=abi.ALL_RIGHTS, at=at)
    if fd == -abi.ENOENT:
        fd = hand.open(name, abi.O_CREAT, rights=abi.ALL_RIGHTS, at=at)
    elif fd >= 0:
        hand.write(fd, data, position)
    if fd >= 0:
        hand.close(fd)


def cut(hand: Hand, at: int, name: bytes, size: int) -> None:
    fd = hand.open(name, at=at)
    if fd >= 0:
        hand.truncate(fd, size)
        hand.close(fd)


def sync(hand: Hand, at: int) -> None:
    """Make everything durable, through the directory, or through a file."""
    hand.call("fd_sync", at)


def state(hand: Hand, at: int) -> str:
    """Return a digest of all there is below a directory."""
    digest = hashlib.sha256()
    _add(digest, hand, at)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, hand: Hand, at: int) -> None:
    for name in sorted(hand.list(at)):
        status = hand.stat(name, at=at, follow=False)
        digest.update(b"%r %d %d\n" % (name, status.filetype, status.links))
        if status.filetype == abi.DIRECTORY:
            below = hand.open_directory(name, at=at)
            _add(digest, hand, below)
            hand.close(below)
            digest.update(b"end\n")
        elif status.filetype == abi.SYMBOLIC_LINK:
            digest.update(hand.readlink(name, at=at))
        else:
            fd = hand.open(name, rights=READ, at=at)
            digest.update(b"%d\n" % status.size)
            while data := hand.read(fd, 65536):
                digest.update(data)
            hand.close(fd)


def states(seed: int, count: int) -> list[str]:
    """Return what the file system is like before the first step and after each, as one in memory is."""
    with Machine(64 * 1024 * 1024) as machine:
        hand = machine.hand()
        found = [state(hand, ROOT)]
        for _, step in zip(range(count), steps(seed), strict=False):
            step[1](hand, ROOT)
            found.append(state(hand, ROOT))
        return found


def open_machine(folder: Path) -> Machine:
    """Make a machine whose descriptor DISK is FOLDER/fs.db."""
    machine = Machine(64 * 1024 * 1024)
    machine.preopen(open_disk(machine.system, "/disk", str(folder / "fs.db"), DISK_SIZE, CACHE_BYTES))
    return machine


def state_on_disk(folder: Path) -> str:
    """Open FOLDER/fs.db, check it, and return what it is like."""
    with open_machine(folder) as machine:
        assert machine.system.check() == []
        return state(machine.hand(), DISK)


def run(folder: Path, seed: int, count: int, reopen: int = 0) -> None:
    """Run the random program; with `reopen`, close and open the file system every so many steps."""
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    machine = open_machine(folder)
    hand = machine.hand()
    for number, (what, step) in zip(range(1, count + 1), steps(seed), strict=False):
        os.write(marks, b"b %d\n" % number)
        step(hand, DISK)
        if what == SYNC:
            os.write(marks, b"s %d\n" % number)
        if reopen and number % reopen == 0:
            machine.close()
            os.write(marks, b"s %d\n" % number)
            machine = open_machine(folder)
            hand = machine.hand()


def possible(marks: bytes) -> tuple[int, int]:
    """Return the last step that must be there, by the marks, and the last that may be."""
    synced = begun = 0
    for line in marks.splitlines(keepends=True):
        if line.endswith(b"\n"):
            what, number = line.split()
            synced, begun = (int(number), begun) if what == b"s" else (synced, int(number))
    return synced, begun


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), reopen=40)
