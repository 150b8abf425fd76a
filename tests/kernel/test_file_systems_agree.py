"""The same calls in memory, on a directory of the host and on a disk: the same answers, the same trees."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hardtack.kernel import abi
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_SIZE, LEAST_CACHE_BYTES
from hardtack.lab.machine.driver import READ, ROOT, WRITE, Hand, Machine, tree

HOST = 4
DISK = 5
NAMES = (b"a", b"b", b"c", b"link")
TARGETS = (b"a", b"b/c", b"../a", b"..", b".", b"b/", b"c/../a", b"nothing", b"link")


class All:
    """Makes each call three times, and compares."""

    def __init__(self, hand: Hand, seed: int) -> None:
        self.hand = hand
        self.random = random.Random(seed)
        self.done: list[str] = []

    def path(self) -> bytes:
        pick = self.random
        path = b"/".join(
            pick.choice((*NAMES, *NAMES, b"..", b".")) for _ in range(pick.choice((1, 1, 2, 2, 3)))
        )
        return path + b"/" * (pick.random() < 0.1)

    def step(self) -> None:
        pick = self.random
        hand = self.hand
        one, two = self.path(), self.path()
        target = pick.choice(TARGETS)
        oflags = pick.choice((0, 1, 1, 1, 5, 8, 9, 2))
        rights = pick.choice((READ, READ | WRITE))
        follow = pick.random() < 0.7
        size = pick.randrange(50)
        what, call = pick.choice(
            (
                ("mkdir", lambda at: hand.mkdir(one, at=at)),
                ("mkdir", lambda at: hand.mkdir(one, at=at)),
                ("rmdir", lambda at: hand.rmdir(one, at=at)),
                ("unlink", lambda at: hand.unlink(one, at=at)),
                ("rename", lambda at: hand.rename(one, two, at, at)),
                ("rename", lambda at: hand.rename(one, two, at, at)),
                ("link", lambda at: hand.link(one, two, at, at)),
                ("symlink", lambda at: hand.symlink(target, one, at=at)),
                ("readlink", lambda at: hand.readlink(one, at=at)),
                ("open", lambda at: self.open(one, oflags, rights, follow, size, at)),
                ("open", lambda at: self.open(one, oflags, rights, follow, size, at)),
                ("stat", lambda at: self.stat(one, follow, at)),
            )
        )
        on_host = call(HOST)
        refused = (
            what == "symlink" and on_host == abi.EPERM
        )  # it leads out, which in memory is nobody's danger
        in_memory, on_disk = (on_host, on_host) if refused else (call(ROOT), call(DISK))
        answers = in_memory, on_host
        if what in {"rename", "link"}:  # of two errors either may be told
            answers = answers[0] == 0, answers[1] == 0
        if answers == (-abi.ELOOP, -abi.ENOTDIR) and oflags & abi.O_DIRECTORY:
            answers = (answers[1], answers[1])  # a link where a directory is wanted is both
        self.done.append(
            f"{what} {one!r} {two!r} {target!r} {oflags} {rights} {follow}: {answers}, {on_disk}"
        )
        assert answers[0] == answers[1], "\n".join(self.done[-5:])
        assert in_memory == on_disk, "\n".join(self.done[-5:])

    def open(self, path: bytes, oflags: int, rights: int, follow: bool, size: int, at: int) -> object:
        fd = self.hand.open(path, oflags, rights, at=at, follow=follow)
        if fd < 0:
            return fd
        status = self.hand.fstat(fd)
        answer: object = status.filetype
        if status.filetype == abi.REGULAR_FILE:
            answer = (status.size, self.hand.write(fd, b"x" * size), self.hand.fstat(fd).size)
        self.hand.close(fd)
        return answer

    def stat(self, path: bytes, follow: bool, at: int) -> object:
        status = self.hand.stat(path, at=at, follow=follow)
        if isinstance(status, int):
            return status
        return status.filetype, status.size if status.filetype == abi.REGULAR_FILE else None


@pytest.mark.parametrize("seed", range(12))
def test_random_calls_have_the_same_answers_and_leave_the_same_trees(seed: int, tmp_path: Path) -> None:
    with Machine() as machine:
        (tmp_path / "host").mkdir()
        machine.preopen(open_host_directory(machine.system, "/host", tmp_path / "host"))
        machine.preopen(
            open_disk(machine.system, "/disk", str(tmp_path / "fs.db"), DISK_SIZE, LEAST_CACHE_BYTES)
        )
        every = All(machine.hand(), seed)
        for number in range(400):
            every.step()
            if number % 20 == 0:
                assert tree(every.hand, ROOT) == tree(every.hand, HOST) == tree(every.hand, DISK)
        assert tree(every.hand, ROOT) == tree(every.hand, HOST) == tree(every.hand, DISK)
