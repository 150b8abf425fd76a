"""Directed worst cases: what each system call can be brought to allocate at most.

Random calls hardly ever reach these: tables at the edge of a node, directories at the edge of a split, paths
of PATH_MAX with links expanded, errors of the host. Each case makes its calls on a machine of the ledger.

Here are the list of the cases and what several of them share. They themselves stand in the modules
`worst_cases_of_...` and `worst_cases_on_disk`, each of which enters its own in the list.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hardtack.kernel import abi
from hardtack.kernel.directories import place
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.params import NAME_MAX, PATH_MAX
from hardtack.lab.machine.driver import KIB, OUT, PATH, Body, Calls, Hand, Machine, after
from hardtack.lab.machine.ledger import Ledger

CASES: list[Callable[[Ledger], None]] = []
FULL = 64 * KIB
HUGE = (1 << 64) - 1
BIG = (1 << 32) - 1
HOST = 4  # the descriptor of the preopened host directory, where there is one
CREATE = abi.O_CREAT
READ_ONLY = abi.RIGHT_READ


def case(function: Callable[[Ledger], None]) -> Callable[[Ledger], None]:
    """Enter a case in the list."""
    CASES.append(function)
    return function


@contextmanager
def host_machine(ledger: Ledger) -> Iterator[tuple[Machine, Path]]:
    """Make a machine whose descriptor HOST is a directory of the host."""
    with tempfile.TemporaryDirectory() as name, ledger.machine() as machine:
        machine.preopen(open_host_directory(machine.system, "/host", name))
        yield machine, Path(name)


def names(count: int, length: int = NAME_MAX) -> list[bytes]:
    """Return that many names, all of the same length."""
    return [b"%06d" % number + b"n" * (length - 6) for number in range(count)]


def names_in(ways: dict[int, int]) -> list[bytes]:
    """Return names of 255 bytes that a split at the top distributes so: {way: how many}."""
    left = dict(ways)
    found = []
    for number in itertools.count():
        name = b"%06d" % number + b"n" * (NAME_MAX - 6)
        way = place(name) >> 58
        if left.get(way):
            left[way] -= 1
            found.append(name)
            if not any(left.values()):
                return found
    raise AssertionError


def wait_for_ever(calls: Calls) -> Body:
    """Poll for a moment that does not come."""
    calls.put(0, after(1 << 60))
    yield "poll_oneoff", (0, 64, 1, 128)


def long_paths(prefix: bytes, last: bytes) -> list[bytes]:
    """Return paths of about PATH_MAX bytes that lead to prefix/last by all sorts of ways."""
    room = PATH_MAX - len(last) - len(prefix) - 1
    ships = "\U0001f6a2".encode()
    rest = b"./" * ((294 - len(last)) // 2)
    return [
        prefix + b"/" + last,
        prefix + b"/" + b"./" * (room // 2) + last,
        prefix + b"/" * (room + 1) + last,
        prefix + b"/loop/" + b"./" * ((room - 10) // 2) + last,  # a link to a link to itself's directory
        prefix + b"/" + b"./" * ((room - 5 - len(rest)) // 2) + b"wide/" + rest + last,  # twice PATH_MAX
        prefix + b"/loop/" + b"./" * ((room - 10) // 2) + last + b"/",
        prefix + b"/long/" + last,  # a link that expands to PATH_MAX, and is followed by another
        prefix + b"/long/" + b"./" * ((room - 10) // 2) + last,  # and this is too long then
        prefix + b"/forty0/" + last,
        b"a" * (PATH_MAX - 4) + ships,
        b"a" * (PATH_MAX - 7) + b"\xc4\x80/" + ships,
        ships * (PATH_MAX // 4),
        b"a" * (PATH_MAX - 1) + b"\xff",
        ships * (PATH_MAX // 4 - 1) + b"aaa\xff",
        b"a" * (PATH_MAX - 1) + b"\0",
        prefix + b"/" + b"x" * 256,
        last + b"/" * (PATH_MAX - len(last)),
        b"a" * PATH_MAX,
        b"a" * (PATH_MAX + 1),
    ]


def make_links(hand: Hand, at: int) -> None:
    """Make the links that long_paths goes through."""
    hand.symlink(b"loop2", b"loop", at=at)
    hand.symlink(b"loop3", b"loop2", at=at)
    hand.symlink(b".", b"loop3", at=at)
    hand.symlink(b"loop/" + b"./" * 1850 + b".", b"long", at=at)
    hand.symlink(b"./" * 1897 + b"wider", b"wide", at=at)
    hand.symlink(b"./" * 1899 + b".", b"wider", at=at)
    for number in range(40):
        hand.symlink(b"./" * 900 + b"forty%d" % (number + 1), b"forty%d" % number, at=at)
    hand.symlink(b"back/", b"forty40", at=at)
    hand.symlink(b"self", b"self", at=at)


def all_paths(hand: Hand, at: int) -> None:
    """Make every call that takes a path with every kind of path, below a directory that is made for it."""
    ours = b"ours"
    hand.mkdir(ours, at=at)
    make_links(hand, hand.open_directory(ours, at=at))
    last = b"n" * NAME_MAX
    for path in long_paths(ours, last):
        for lookup in (0, 1):
            for oflags in (0, CREATE, abi.O_CREAT | abi.O_EXCL, abi.O_DIRECTORY, abi.O_TRUNC):
                for rights in (READ_ONLY, abi.ALL_RIGHTS):
                    start, size = hand.put(PATH, path)
                    errno = hand.call("path_open", at, lookup, start, size, oflags, rights, HUGE, 0, OUT)
                    if errno == 0:
                        hand.close(hand.calls.unpack("I")[0])
            hand.stat(path, at=at, follow=bool(lookup))
            for flags in (5, 10, 15):
                start, size = hand.put(PATH, path)
                hand.call("path_filestat_set_times", at, lookup, start, size, HUGE, 1 << 62, flags)
        hand.readlink(path, at=at)
        hand.rmdir(path, at=at)
        hand.symlink(b"t" * PATH_MAX, path, at=at)
        hand.readlink(path, at=at)
        hand.unlink(path, at=at)
        hand.symlink(b"t" * (PATH_MAX - 1), path, at=at)
        hand.symlink(path, b"link", at=at)
        hand.readlink(b"link", at=at)
        hand.unlink(b"link", at=at)
        hand.symlink(b"/" + path[1:], b"link", at=at)
        hand.unlink(path, at=at)
        hand.mkdir(path, at=at)
        hand.mkdir(path, at=at)
        hand.open(path, CREATE | abi.O_TRUNC, at=at)
        hand.unlink(path, at=at)
        hand.rmdir(path, at=at)
        for other in (path, ours + b"/loop/" + b"./" * 1850 + b"other", b"a" * 4090 + "\u0100".encode()):
            for name in (last, path):
                hand.close(hand.open(ours + b"/" + last, CREATE, at=at))
                hand.link(name, other, at, at)
                hand.rename(name, other, at, at)
                hand.rename(other, path, at, at)
                hand.rename(other, path + b"/", at, at)
                hand.unlink(path, at=at)
                hand.unlink(other, at=at)
        hand.mkdir(ours + b"/" + last, at=at)
        hand.rename(path, ours + b"/moved//", at, at)
        hand.rename(ours + b"/moved", ours + b"/" + last, at, at)
        hand.rmdir(ours + b"/" + last, at=at)
        hand.unlink(ours + b"/" + last, at=at)
