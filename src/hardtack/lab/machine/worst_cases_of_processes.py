"""Directed worst cases of processes: descriptor tables, spawn, fork, exec, ends; calls with numbers alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from hardtack.kernel import abi
from hardtack.kernel.params import MAX_ARGUMENTS, PAGE, PATH_MAX
from hardtack.lab.machine.driver import (
    DATA,
    KIB,
    MAP,
    MIB,
    OUT,
    PATH,
    ROOT,
    STRINGS,
    VARIABLES,
    VECTORS,
    Body,
    Calls,
    Hand,
    Program,
)
from hardtack.lab.machine.ledger import Ledger
from hardtack.lab.machine.worst_cases import (
    BIG,
    CREATE,
    FULL,
    HOST,
    HUGE,
    READ_ONLY,
    case,
    host_machine,
    long_paths,
    make_links,
    wait_for_ever,
)


# -- small calls
@case
def numbers(ledger: Ledger) -> None:
    """Calls that look at a descriptor, a clock or a number, with the largest numbers there are."""
    strings = ["x"] * MAX_ARGUMENTS
    with ledger.machine() as machine:
        machine.run_until_ended(machine.start(_numbers, strings, strings))
        for _ in range(300):  # so that pids are numbers that cost something
            machine.run_until_ended(machine.start(_exit))
        machine.run_until_ended(machine.start(_numbers, strings, strings))


def _exit(calls: Calls) -> Body:
    yield from calls.exit(BIG)


def _numbers(calls: Calls) -> Body:
    yield "args_sizes_get", (OUT, OUT + 4)
    yield "args_get", (DATA, STRINGS)
    yield "environ_sizes_get", (OUT, OUT + 4)
    yield "environ_get", (DATA, STRINGS)
    file = yield from calls.open(b"file", CREATE)
    yield from calls.write(file, bytes(PAGE))
    for clock in (0, 1, 2, 3, BIG):
        yield "clock_res_get", (clock, OUT)
        yield "clock_time_get", (clock, HUGE, OUT)
    for fd in (0, ROOT, file, BIG):
        for number in (0, 1, 5, 300, BIG):
            yield "fd_advise", (fd, HUGE, HUGE, number)
            yield "fd_fdstat_set_flags", (fd, number)
            yield "fd_fdstat_set_rights", (fd, HUGE, HUGE)
        yield "fd_allocate", (fd, HUGE, HUGE)
        yield "fd_datasync", (fd,)
        yield "fd_sync", (fd,)
        yield "fd_fdstat_get", (fd, OUT)
        yield "fd_filestat_get", (fd, OUT)
        for size in (HUGE, 1 << 62, 1 << 35, 5, PAGE - 1):
            yield "fd_filestat_set_size", (fd, size)
        for flags in range(16):
            yield "fd_filestat_set_times", (fd, HUGE, HUGE - 1, flags)
        yield "fd_prestat_get", (fd, OUT)
        yield "fd_prestat_dir_name", (fd, DATA, BIG)
        yield "fd_prestat_dir_name", (fd, BIG, BIG)
        for whence in (0, 1, 2, 3):
            for offset in (1 << 62, (1 << 62) + 1, HUGE, 0):
                yield "fd_seek", (fd, offset, whence, OUT)
                yield "fd_tell", (fd, OUT)
        yield "sock_accept", (fd, BIG, BIG)
        yield "sock_recv", (fd, BIG, BIG, BIG, BIG, BIG)
        yield "sock_recv", (fd, VECTORS, 1, 0, OUT, OUT)
        yield "sock_send", (fd, BIG, BIG, BIG, BIG)
        yield "sock_send", (fd, VECTORS, 1, 0, OUT)
        yield "sock_shutdown", (fd, BIG)
        yield "bind", (fd, BIG, BIG)
        yield "listen", (fd, BIG)
        yield "connect", (fd, BIG, BIG)
    for size in (0, 1, FULL, FULL + 1, 2 * FULL + 1):
        yield "random_get", (DATA, size)
    yield "random_get", (DATA, BIG)
    yield "sched_yield", ()
    yield "getpid", (OUT,)
    yield "getppid", (OUT,)
    yield "proc_raise", (BIG,)
    yield "waitpid", (BIG, 0, OUT, OUT)
    yield "waitpid", (BIG - 1, 0, OUT, OUT)
    yield "fd_renumber", (file, 0)
    yield "fd_renumber", (0, BIG)
    yield "fd_close", (BIG,)
    yield from calls.exit(BIG)


# -- descriptors
@case
def descriptor_tables_at_their_edges(ledger: Ledger) -> None:
    """Every call that makes a descriptor, where it takes a new leaf, and a new middle node."""
    with ledger.machine(64 * MIB) as machine:
        hand = machine.hand()
        machine.program(b"child", wait_for_ever)
        for edge in (64, 128, 4096):
            for what in ("open", "pipe", "directory", "socket", "socketpair", "accept"):
                hand.call("fd_close", edge)
                hand.call("fd_close", edge + 1)
                with machine.warm():
                    while hand.open(b".", rights=READ_ONLY) < edge - 1:
                        pass
                if what == "open":
                    assert hand.open(b"file", CREATE) == edge
                elif what in {"pipe", "socketpair"}:
                    hand.close(edge - 1)
                    assert (hand.pipe() if what == "pipe" else hand.socketpair()) == (edge - 1, edge)
                elif what == "socket":
                    assert hand.socket() == edge
                elif what == "accept":
                    for fd, call in ((edge - 1, "listen"), (edge - 2, "connect")):
                        hand.close(fd)
                        assert hand.socket() == fd
                        if call == "listen":
                            hand.bind(fd, b"name")
                            hand.listen(fd)
                        else:
                            assert hand.connect(fd, b"name") == 0
                    assert hand.accept(edge - 1) == edge
                else:
                    assert hand.open(b".", abi.O_DIRECTORY, READ_ONLY) == edge
                hand.close(edge)
                hand.close(edge - 1)
        pid = hand.spawn(b"child")
        hand.kill(pid)
        hand.waitpid(pid)


# -- processes
@case
def spawns(ledger: Ledger) -> None:
    """The largest arguments and environments, given and inherited, and descriptors far apart."""
    most = 128 * KIB
    block = b"x" * (most - 1) + b"\0"
    many = b"x" * 31 + b"\0"
    far = [(4096 * number + 64, 0) for number in range(63)]
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        hand = machine.hand()
        for arguments in (b"", block, many * 4096):
            for variables in (b"", block, many * 4096):
                for descriptors in ([], far):
                    _spawn(hand, arguments, variables, descriptors)
        _spawn(hand, block, b"x" * most, [])
        _spawn(hand, b"\0" * 4097, b"x" * most, [])
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        machine.program(b"middle", _spawn_with_all)
        hand = machine.hand()
        hand.put(VARIABLES, block)
        hand.put(STRINGS, block)
        start, size = hand.put(PATH, b"middle")
        assert hand.call("spawn", start, size, STRINGS, most, VARIABLES, most, 0, 0, 0, 0, OUT) == 0
        assert hand.waitpid()[1] == 0


def _spawn(hand: Hand, arguments: bytes, variables: bytes, descriptors: list[tuple[int, int]]) -> None:
    start, size = hand.put(PATH, b"child")
    hand.put(STRINGS, arguments)
    hand.put(VARIABLES, variables)
    hand.put(MAP, b"".join(struct.pack("<II", *pair) for pair in descriptors))
    hand.call(
        "spawn",
        start,
        size,
        STRINGS,
        len(arguments),
        VARIABLES,
        len(variables),
        MAP if descriptors else 0,
        len(descriptors),
        0,
        0,
        OUT,
    )
    hand.waitpid()


def _spawn_with_all(calls: Calls) -> Body:
    """Spawn a child with arguments and the inherited environment."""
    calls.put(STRINGS, b"x" * (128 * KIB - 1) + b"\0")
    errno = yield "spawn", (*calls.put(PATH, b"child"), STRINGS, 128 * KIB, 0, 0, 0, 0, 0, 0, OUT)
    yield from calls.waitpid()
    yield from calls.exit(errno)


@case
def forks(ledger: Ledger) -> None:
    """Copies with the largest arguments and directory, and changes of descriptor tables that others share."""
    block = ["x" * (128 * KIB - 1)]
    with ledger.machine(128 * MIB) as machine:
        hand = machine.hand(arguments=block, environment=block)
        hand.program.forked = _change_descriptors
        with machine.warm():
            hand.call("chdir", *hand.put(PATH, b"/." * (PATH_MAX // 2)))
            while hand.dup(ROOT) < 4096 + 64:
                pass
        for _ in range(8):
            hand.fork()
            hand.dup2(ROOT, 200)
            hand.waitpid()
        with machine.warm():
            for number in range(128, 4096):
                hand.close(number)
        for _ in range(8):
            hand.fork()
            hand.dup2(ROOT, 4096)
            hand.waitpid()
    with ledger.machine() as machine:
        hand = machine.hand()
        hand.program.forked = _exit
        for _ in range(100):
            hand.fork()
            hand.waitpid()


def _change_descriptors(calls: Calls) -> Body:
    """Change something in each leaf, by every call that does."""
    parent = calls.process.parent
    if parent is None or parent.parent is not None:  # a child's child: it stays as long as others run
        yield from calls.sleep(5)
        yield from calls.exit(0)
    yield from calls.fork()  # so that what the parent changed is shared again
    yield from calls.close(4096)
    yield from calls.close(10)
    yield from calls.dup(ROOT)
    yield from calls.dup(ROOT)
    for number in (20, 70, 130, 4100, 4097, 200_000):
        yield from calls.dup2(ROOT, number)
    yield from calls.fork()
    yield "fd_renumber", (11, 131)
    yield "fd_renumber", (71, 4098)
    yield "fd_renumber", (4099, 12)
    yield from calls.fork()
    yield from calls.close(200_000)
    yield from calls.open(b".", rights=READ_ONLY)
    yield from calls.pipe()
    yield from calls.fork()
    yield from calls.pipe()
    yield from calls.exit(0)


@case
def tables_that_hundreds_share(ledger: Ledger) -> None:
    """Changes of nodes that 256 others own: each count of owners and references becomes an int of its own."""
    with ledger.machine(128 * MIB) as machine:
        program = Program(machine, "sharer", _share_a_table, STRINGS + 4 * KIB)
        machine.run_until_ended(machine.start(program))


def _share_a_table(calls: Calls) -> Body:
    program = calls.process.image
    assert isinstance(program, Program)
    reader, _ = yield from calls.pipe()
    yield from calls.socket()
    yield from calls.bind(_LISTENER, b"name")
    yield from calls.listen(_LISTENER)
    yield from calls.connect((yield from calls.socket()), b"name")
    while (yield from calls.open(b".", rights=READ_ONLY)) < 128:  # each another description
        pass
    for number in range(128, 4096, 64):  # in every leaf below one node
        yield from calls.dup2(ROOT, number)
    yield from calls.close(63)
    yield from calls.close(127)
    program.forked = _copying(reader)
    for _ in range(255):
        assert (yield from calls.fork()) > 0
    yield from calls.sleep(1)
    for change in _CHANGES:
        program.forked = _changing(*change)
        yield from calls.waitpid((yield from calls.fork()))
    yield from calls.exit(0)


_LISTENER: Final = 6
# Each of them changes one leaf, or two.
_CHANGES: Final = (
    ("dup", (ROOT, OUT)),
    ("dup2", (ROOT, 63)),
    ("fd_close", (5,)),
    ("fd_renumber", (5, 100)),
    ("pipe", (OUT,)),
    ("socket", (abi.AF_UNIX, abi.SOCK_STREAM, OUT)),
    ("socketpair", (abi.AF_UNIX, abi.SOCK_STREAM, OUT)),
    ("sock_accept", (_LISTENER, 0, OUT)),
)


def _copying(reader: int) -> Callable[[Calls], Body]:
    def body(calls: Calls) -> Body:
        yield from calls.dup2(ROOT, 63)
        yield from calls.dup2(ROOT, 127)
        calls.put(VECTORS, struct.pack("<II", STRINGS, 1))
        yield "fd_read", (reader, VECTORS, 1, OUT)  # for ever

    return body


def _changing(name: str, arguments: tuple[int, ...]) -> Callable[[Calls], Body]:
    def body(calls: Calls) -> Body:
        yield name, arguments
        yield from calls.exit(0)

    return body


@case
def execs(ledger: Ledger) -> None:
    """Programs in place of others, from the longest paths there are, with the largest arguments."""
    most = 128 * KIB
    block = b"x" * (most - 1) + b"\0"
    many = b"x" * 31 + b"\0"
    with ledger.machine() as machine:
        machine.program(b"child", _exit)
        machine.program(b"content", _exit)
        hand = machine.hand()
        with machine.warm():
            make_links(hand, ROOT)
            hand.write(hand.open(b"program", CREATE), b"content")
        paths = long_paths(b"", b"program")
        relative = [path[1:] for path in paths]
        for path in (b"child", *paths, *relative, b"x" * PATH_MAX):
            for strings in (b"", block, many * 4096):

                def become(calls: Calls, path: bytes = path, strings: bytes = strings) -> Body:
                    calls.put(STRINGS, strings)
                    where = calls.put(PATH, path)
                    yield "exec", (*where, STRINGS, len(strings), STRINGS, len(strings))

                machine.run_until_ended(machine.start(become))
        for _ in range(50):
            hand.exec(b"/none")


@case
def working_directories(ledger: Ledger) -> None:
    """Directories by the longest paths there are, in memory and on the host; and what starts there."""
    with host_machine(ledger) as (machine, _):
        machine.program(b"child", _exit)
        hand = machine.hand()
        for at in (ROOT, HOST):
            with machine.warm():
                make_links(hand, at)
                hand.mkdir(b"directory", at=at)
        for prefix in (b"/", b"/host/"):
            for last in (b".", b"directory"):
                for path in long_paths(b"", last):
                    where = hand.put(PATH, (prefix + path)[:PATH_MAX])
                    hand.call("chdir", *where)
                    hand.call("getcwd", DATA, FULL, OUT)
                    hand.call("chdir", *hand.put(PATH, path))
                    hand.spawn(b"child", directory=path)
                    hand.spawn(path, directory=prefix + path)
                    hand.waitpid(options=abi.NOHANG)
        for _ in range(100):
            hand.call("chdir", *hand.put(PATH, b"/"))
            hand.getcwd()


@case
def process_tables_at_their_edges(ledger: Ledger) -> None:
    """The child for which the process table takes new nodes; waiting; killing one that has a lot open."""
    with ledger.machine(128 * MIB) as machine:
        machine.program(b"child", wait_for_ever, 4096)
        machine.program(b"busy", _open_a_lot)
        hand = machine.hand()
        with machine.warm():
            pids = [hand.spawn(b"child") for _ in range(4093)]
        assert pids[-1] == 4094
        assert hand.spawn(b"child") == 4095
        assert hand.spawn(b"child") == 4096
        assert hand.kill(4096) == 0
        assert hand.waitpid(4096) == (4096, 137)
        with machine.warm():
            for pid in pids[:200]:
                assert hand.kill(pid) == 0
        assert hand.waitpid(pids[0]) == (pids[0], 137)  # the last on the list of the dead
        with machine.warm():
            for pid in pids[1:200]:
                assert hand.waitpid(pid) == (pid, 137)
            pid = hand.spawn(b"busy")
            hand.sleep(1000)
        assert hand.kill(pid) == 0
        assert hand.waitpid() == (pid, 137)


def _open_a_lot(calls: Calls) -> Body:
    for number in range(300):
        yield from calls.open(b"file%d" % number, CREATE)
        yield from calls.unlink(b"file%d" % number)
        yield from calls.pipe()
        if number < 20:
            yield from calls.spawn(b"child")
            yield from calls.kill(calls.unpack("I")[0])
    yield from calls.read(5, 1)


@case
def killing_a_process_with_host_files(ledger: Ledger) -> None:
    """A process that lists directories of the host is killed."""
    with host_machine(ledger) as (machine, path):
        for number in range(10):
            (path / str(number)).touch()
        machine.program(b"busy", _list_the_host)
        hand = machine.hand()
        pid = hand.spawn(b"busy")
        hand.sleep(1000)
        assert hand.kill(pid) == 0
        assert hand.waitpid() == (pid, 137)


def _list_the_host(calls: Calls) -> Body:
    for _ in range(100):
        fd = yield from calls.open_directory(b".", at=HOST)
        yield from calls.readdir(fd, 100)
        yield from calls.open(b"1", at=HOST)
    yield from calls.sleep(1 << 60)
