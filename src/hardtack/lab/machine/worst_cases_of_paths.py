"""Directed worst cases of names: directories, paths with links, directories of the host, pseudo files."""

from __future__ import annotations

import os
import resource
import struct

from hardtack.kernel import abi
from hardtack.kernel.directories import place
from hardtack.kernel.params import BUCKET, PATH_MAX
from hardtack.kernel.pseudo_files import BIN, DEV, PROC, open_pseudo
from hardtack.lab.machine.driver import DATA, MIB, OUT, PATH, ROOT, VECTORS, Hand
from hardtack.lab.machine.ledger import Ledger
from hardtack.lab.machine.worst_cases import (
    CREATE,
    FULL,
    HOST,
    HUGE,
    READ_ONLY,
    all_paths,
    case,
    host_machine,
    long_paths,
    make_links,
    names,
    names_in,
    wait_for_ever,
)


# -- directories
@case
def directories_that_split(ledger: Ledger) -> None:
    """The name after which a directory's leaf becomes four, for several distributions of its names."""
    ways = (
        {0: 7, 1: 11, 2: 11, 3: 11},
        {0: 25, 1: 11, 2: 2, 3: 2},
        {0: 10, 1: 10, 2: 10, 3: 10},
        {0: 18, 1: 22},
        {0: 21, 1: 11, 2: 8},
        {0: 39, 1: 1},
        {0: 38, 1: 1, 2: 1},
    )
    with ledger.machine() as machine:
        hand = machine.hand()
        for number, distribution in enumerate(ways):
            top = b"top%d" % number
            extra = names_in({**distribution, 0: distribution[0] + 1})
            last = [name for name in extra if place(name) >> 58 == 0][-1]
            extra.remove(last)
            assert len(extra) == BUCKET, (number, len(extra))
            for what in ("open", "mkdir", "symlink", "link", "rename"):
                hand.mkdir(top)
                directory = hand.open_directory(top)
                for name in extra:
                    hand.close(hand.open(name, CREATE, at=directory))
                _make(hand, what, last, directory)
                for name in [*extra, last]:
                    hand.unlink(name, at=directory)
                    hand.rmdir(name, at=directory)
                hand.close(directory)
                assert hand.rmdir(top) == 0
                hand.unlink(b"other")


def _make(hand: Hand, what: str, name: bytes, directory: int) -> None:
    if what == "open":
        hand.close(hand.open(name, CREATE, at=directory))
    elif what == "mkdir":
        assert hand.mkdir(name, at=directory) == 0
    elif what == "symlink":
        assert hand.symlink(b"t" * PATH_MAX, name, at=directory) == 0
    else:
        hand.close(hand.open(b"other", CREATE))
        make = hand.link if what == "link" else hand.rename
        assert make(b"other", name, to=directory) == 0


@case
def listings_of_full_leaves(ledger: Ledger) -> None:
    """Listing a directory in which every leaf is as full as it can be."""
    with ledger.machine() as machine:
        hand = machine.hand()
        for name in names_in(dict.fromkeys(range(4), BUCKET)):
            hand.close(hand.open(name, CREATE))
        for size in (FULL, 4096):
            assert len(hand.list(ROOT, size)) == 4 * BUCKET


@case
def big_directories(ledger: Ledger) -> None:
    """Listing 3,000 names of 255 bytes, in buffers of every size; names come and go."""
    with ledger.machine() as machine:
        hand = machine.hand()
        many = names(3000)
        with machine.warm():
            for name in many:
                hand.close(hand.open(name, CREATE))
        for size in (FULL, 4096, 300, 24):
            hand.readdir(ROOT, size)
        assert sorted(hand.list(ROOT, FULL)) == sorted(many)
        hand.readdir(ROOT, FULL, HUGE)
        hand.readdir(ROOT, FULL, 1 << 59)
        for name in many[::3]:
            hand.unlink(name)
        for name in names(4000)[3000:]:
            hand.close(hand.open(name, CREATE))


@case
def inode_tables_at_their_edges(ledger: Ledger) -> None:
    """The inode for which the table takes new nodes, for every call that makes one."""
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        hand.mkdir(b"many")
        many = hand.open_directory(b"many")
        count = 0
        for edge in (64, 4096):
            with machine.warm():
                while machine.system.files.inodes.lowest_free() < edge:
                    hand.mkdir(b"%d" % count, at=many)
                    count += 1
            hand.close(hand.open(b"file", CREATE))
            hand.unlink(b"file")
            hand.mkdir(b"directory")
            hand.rmdir(b"directory")
            hand.symlink(b"t" * PATH_MAX, b"link")
            hand.unlink(b"link")
            hand.mkdir(b"%d" % -edge, at=many)


# -- paths
@case
def paths_in_memory(ledger: Ledger) -> None:
    """Every call with a path, with every kind of path, in the file system in memory."""
    with ledger.machine() as machine:
        all_paths(machine.hand(), ROOT)


@case
def paths_on_the_host(ledger: Ledger) -> None:
    """The same, in a directory of the host."""
    with host_machine(ledger) as (machine, _):
        all_paths(machine.hand(), HOST)


@case
def everything_at_once(ledger: Ledger) -> None:
    """One call that splits a directory, fills tables and follows long links, with a path of PATH_MAX."""
    forty_one = names_in({0: 8, 1: 11, 2: 11, 3: 11})
    last = [name for name in forty_one if place(name) >> 58 == 0][-1]
    forty_one.remove(last)
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        inodes = machine.system.files.inodes
        with machine.warm():
            hand.mkdir(b"ours")
            ours = hand.open_directory(b"ours")
            make_links(hand, ours)
            hand.mkdir(b"many")
            many = hand.open_directory(b"many")
            for name in forty_one[: BUCKET - len(hand.list(ours))]:
                hand.mkdir(name, at=ours)
            while hand.open(b".", rights=READ_ONLY) < 4095:
                pass
            number = 0
            while inodes.lowest_free() < 4096:
                hand.mkdir(b"%d" % number, at=many)
                number += 1
        for path in long_paths(b"ours", last)[:7]:
            fd = hand.open(path, CREATE)
            hand.close(fd)
            hand.unlink(path)
            hand.mkdir(path)
            hand.rmdir(path)
            hand.symlink(b"t" * PATH_MAX, path)
            hand.unlink(path)
            hand.close(hand.open(b"other", CREATE))
            hand.link(b"./" * 2000 + b"other", path)
            hand.unlink(path)
            hand.rename(b"./" * 2000 + b"other", path)
            hand.unlink(path)


# -- the host
@case
def host_directories(ledger: Ledger) -> None:
    """Listing long names on the host, going back, deep paths."""
    with host_machine(ledger) as (machine, path):
        for number in range(300):
            (path / f"{number:03}{'ü' * 120}").touch()
            (path / f"{number:03}{'n' * 248}\U0001f6a2").touch()  # four bytes a character
        (path / ("\udcff" * 200)).touch()
        hand = machine.hand()
        for size in (FULL, 4096, 300, 24):
            for cookie in (0, 1, 2, 3, 100, 50, 1 << 62, HUGE):
                hand.readdir(HOST, size, cookie)
        assert len(hand.list(HOST)) == 601
        opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(300)]  # so that numbers cost something
        deep = b"/".join([b"d"] * 64)
        for depth in range(1, 65):
            hand.mkdir(b"/".join([b"d"] * depth), at=HOST)
        for name in (deep, deep + b"/e", deep + b"/.." * 64, deep + b"/d/d"):
            hand.stat(name, at=HOST)
            hand.readlink(name, at=HOST)
            hand.close(hand.open(name + b"/file", CREATE, at=HOST))
            hand.rename(deep + b"/file", deep + b"/" + b"n" * 255, HOST, HOST)
            hand.link(deep + b"/" + b"n" * 255, deep + b"/m", HOST, HOST)
            hand.unlink(deep + b"/m", at=HOST)
            hand.rmdir(deep, at=HOST)
        hand.symlink(b".", deep + b"/here", at=HOST)
        hand.symlink(b"here", deep + b"/link", at=HOST)
        hand.symlink(deep + b"/link/" + b"./" * 1900 + b"file", b"long", at=HOST)
        for name in (b"long", deep + b"/link/" + b"./" * 1900 + b"file"):
            hand.stat(name, at=HOST)
            hand.close(hand.open(name, CREATE, at=HOST))
            hand.rename(name, deep + b"/link/" + b"./" * 1900 + b"other/", HOST, HOST)
        for number in opened:
            os.close(number)


@case
def host_files(ledger: Ledger) -> None:
    """Reading and writing files of the host, and the errors that it answers."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with host_machine(ledger) as (machine, _):
        hand = machine.hand()
        fd = hand.open(b"file", CREATE, at=HOST)
        appending = hand.open(b"file", rights=abi.RIGHT_WRITE, flags=abi.FDFLAG_APPEND, at=HOST)
        for file in (fd, appending):
            for size in (1, FULL):
                hand.write(file, bytes(size))
                hand.write(file, bytes(size), 1 << 30)
                hand.read(file, size)
                hand.read(file, size, 1 << 30)
                hand.read(file, size, 1 << 62)
            hand.fstat(file)
            for size in (HUGE, 1 << 62, (1 << 63) - 1, 0):
                hand.truncate(file, size)
            for flags in range(16):
                hand.call("fd_filestat_set_times", file, HUGE, 1 << 62, flags)
            for whence in (0, 1, 2, 3):
                hand.seek(file, 1 << 62, whence)
                hand.seek(file, -1, whence)
            for name in ("fd_sync", "fd_datasync", "fd_tell", "fd_fdstat_get"):
                hand.call(name, file, OUT) if name in {"fd_tell", "fd_fdstat_get"} else hand.call(name, file)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
            try:
                hand.seek(file, 200)
                assert hand.write(file, b"x") == (1 if file == appending else -abi.EFBIG)
                assert hand.write(file, b"x", 200) == -abi.EFBIG
                hand.truncate(file, 200)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        hand.fstat(HOST)
        for flags in range(16):
            hand.call("fd_filestat_set_times", HOST, HUGE, 1 << 62, flags)
        listing = hand.open_directory(b".", at=HOST)
        hand.readdir(listing, 60)
        hand.close(listing)
        hand.close(fd)


# -- pseudo files
PSEUDO_NAMES = (
    *(b"null", b"zero", b"random", b"pipe", b"tty", b"kill", b"meminfo", b"heap", b"child"),
    *(b"self/status", b"self/cmdline", b"self/environ", b"self/cwd", b"self/fd/4999", b"fd/4999", b"self/fd"),
)


def _use_pseudo_file(hand: Hand, at: int, path: bytes, to_read: bool) -> None:
    where = hand.put(PATH, path)
    hand.call("path_filestat_get", at, 0, *where, OUT)
    hand.call("path_readlink", at, *where, DATA, FULL, OUT)
    hand.call("path_open", at, 0, *where, 0, READ_ONLY | abi.RIGHT_WRITE, HUGE, 0, OUT)
    if hand.call("path_open", at, 0, *where, 0, READ_ONLY, HUGE, 0, OUT):
        return
    fd = hand.calls.unpack("I")[0]
    hand.put(VECTORS, struct.pack("<II", DATA, FULL))
    if to_read:
        hand.call("fd_read", fd, VECTORS, 1, OUT)
    for cookie in (0, 1, 2, 3, 40, 4990, HUGE):
        hand.call("fd_readdir", fd, DATA, FULL, cookie, OUT)
    hand.call("fd_filestat_get", fd, OUT)
    hand.call("fd_seek", fd, 1 << 62, 0, OUT)
    hand.close(fd)


@case
def pseudo_files(ledger: Ledger) -> None:
    """Every call on /proc, /dev and /bin, with long paths, long arguments and a lot of descriptors."""
    strings = ["x" * 30] * 4000
    with ledger.machine(64 * MIB) as machine:
        for kind in (DEV, PROC, BIN):
            machine.preopen(open_pseudo(machine.system, kind))
        machine.program(b"/bin/child", wait_for_ever)
        hand = machine.hand(arguments=strings, environment=strings)
        with machine.warm():
            while hand.dup(0) < 5000:
                pass
            hand.spawn(b"/bin/child")
        for at in (4, 5, 6):
            for name in PSEUDO_NAMES:
                for path in (name, name + b"/", *long_paths(b"self", name), b"self/../" * 500 + name):
                    _use_pseudo_file(hand, at, path, to_read=name != b"pipe")
            for size in (24, 30, FULL):
                for cookie in (0, 1, 5, 17):
                    hand.call("fd_readdir", at, DATA, size, cookie, OUT)
        kill = hand.open(b"kill", rights=abi.RIGHT_WRITE, at=5)
        hand.write(kill, b"%d" % (hand.process.pid + 1))
