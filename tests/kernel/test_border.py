"""The border: what a guest gives never brings a handler to raise; a handler that raises ends its process."""

from __future__ import annotations

import random

import pytest

from hardtack.kernel import abi, death
from hardtack.kernel.descriptions import Description
from hardtack.kernel.system_calls import TABLE, by_name
from hardtack.lab.machine.driver import DATA, MIB, ROOT, Machine

EDGES = (0, 1, 2, 3, 4, 7, 8, 4095, 4096, 65535, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
LONG_EDGES = (*EDGES, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_a_guest_gives_brings_a_handler_to_raise(seed):
    pick = random.Random(seed)
    left = 4000

    def argument(kind, size):
        edges = LONG_EDGES if kind == "I" else EDGES
        return pick.choice(
            (pick.choice(edges), pick.choice((size, size - 1, size - 8, DATA)), pick.randrange(8))
        )

    def program(calls):
        nonlocal left
        size = len(calls.process.memory)
        calls.put(0, pick.randbytes(65536))
        while left:
            left -= 1
            row = pick.choice(TABLE)
            if row.name != "proc_exit":
                yield row.name, tuple(argument(kind, size) for kind in row.signature)

    with Machine() as machine:
        while left:
            process = machine.start(program)
            machine.run(lambda process=process: process.state == "gone")
            death.end_all(machine.system, "it waits for ever")
        assert machine.system.bugs == []


POINTERS = ("out", "start", "vectors", "subscriptions", "events", "pointers", "path", "status", "to_start",
            "out_flags", "address")  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_pointer_outside_memory_is_efault(row):
    """Each pointer, alone, leads to the end of memory; everything else makes sense."""
    names = [parameter.split(":")[0] for parameter in row.parameters.split()]
    with Machine() as machine:
        hand = machine.hand(arguments=["an", "argument"], environment=["A=1"])
        sense = make_sense(hand)
        if row.name.startswith(("path_", "fd_prestat")):
            sense["fd"] = ROOT
        if row.name.startswith(("sock_", "bind", "connect")):
            sense["fd"] = hand.socketpair()[0] if row.name.startswith("sock_") else hand.socket()
        size = len(hand.process.memory)
        for name in set(names) & set(POINTERS):
            if row.name == "proc_exit":
                continue
            arguments = {**sense, name: size}
            errno = hand.call(row.name, *(arguments[name] for name in names))
            assert errno == abi.EFAULT, name


def make_sense(hand):
    """Return arguments that are all right for most calls."""
    fd = hand.open(b"file", abi.O_CREAT)
    hand.write(fd, b"content")
    hand.symlink(b"file", b"link")
    path, path_size = hand.put(0x1000, b"link")
    to, to_size = hand.put(0x1100, b"other")
    hand.put(0x1200, (0x60000).to_bytes(4, "little") + (16).to_bytes(4, "little"))
    sense = dict.fromkeys("abcde", 0)
    sense |= {"fd": fd, "to": fd, "to_fd": 3, "lookup": 0, "oflags": 0, "rights": 2, "inheriting": 0}
    sense |= {"start": path, "size": path_size, "to_start": to, "to_size": to_size, "flags": 0}
    return sense | {
        "vectors": 0x1200, "count": 1, "out": 0x2000, "status": 0x2004, "offset": 0, "length": 1, "advice": 0,
        "atime": 0, "mtime": 0, "cookie": 0, "whence": 0, "target": to, "target_size": to_size, "buffer": 0x3000,
        "room": 100, "subscriptions": 0x4000, "events": 0x5000, "signal": 0, "how": 0, "pid": 1, "options": 1,
        "path": path, "path_size": path_size, "arguments": 0, "arguments_size": 0, "environment": 0,
        "environment_size": 0, "directory": 0, "directory_size": 0, "descriptor_map": 0, "map_count": 0, "pointers": 0x6000, "clock": 0, "precision": 0,
        "out_flags": 0x2008, "domain": abi.AF_UNIX, "kind": abi.SOCK_STREAM, "backlog": 1, "address": to,
    }  # fmt: skip


class Broken(Description):
    """A descriptor whose methods have bugs."""

    __slots__ = ("error",)

    def __init__(self, error):
        super().__init__(abi.ALL_RIGHTS, 0, 0)
        self.error = error

    def read(self, process, start, count):
        raise self.error

    def write(self, process, start, count):
        return len(bytes(count * 3))  # more than it said: 192 KiB


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError(1), AssertionError()], ids=repr)
def test_a_handler_that_raises_ends_its_process_and_is_reported(error):
    with Machine() as machine:
        other = machine.hand("other")
        hand = machine.hand(streams=lambda _: [Broken(error)])
        hand.read(0, 10)
        assert hand.ended
        assert len(machine.system.bugs) == 1
        assert repr(error) in machine.system.bugs[0]
        assert "fd_read of hand" in machine.system.bugs[0]
        assert other.mkdir(b"well") == 0
        machine.system.bugs.clear()


def test_only_the_first_bugs_are_kept():
    with Machine() as machine:
        for _ in range(15):
            machine.hand(streams=lambda _: [Broken(ValueError("a bug"))]).read(0, 10)
        assert len(machine.system.bugs) == 10
        machine.system.bugs.clear()


def test_a_call_that_takes_more_than_its_bound_is_counted_and_named():
    with Machine(8 * MIB) as machine:
        hand = machine.hand(streams=lambda _: [Broken(None)])
        assert hand.write(0, bytes(65536)) == 3 * 65536
        overrun = machine.system.heap.last_overrun
        assert machine.system.heap.overruns == 1
        assert overrun.call == "fd_write"
        assert overrun.bound == by_name("fd_write").maximum
        assert overrun.used > 3 * 65536
        machine.observe = lambda *_: None  # leaving the machine is to forgive it


def test_calls_under_fail_answer_enomem():
    machine = Machine(1 * MIB, 256 * 1024, policy="fail")
    hand = machine.hand()
    fds = []
    while (answer := hand.open(b".", rights=abi.RIGHT_READ)) >= 0:
        fds.append(answer)
    assert answer == -abi.ENOMEM
    assert machine.system.failed_calls >= 1
    assert len(fds) > 1000
    death.end_all(machine.system, "the test is over")
