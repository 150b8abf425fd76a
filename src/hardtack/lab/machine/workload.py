"""A random workload: every system call, with arguments that mostly make sense."""

from __future__ import annotations

import os
import random
import struct
import tempfile
from functools import partial

from hardtack.kernel import abi, death
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_directories import open_host_directory
from hardtack.kernel.open_disk_files import open_disk
from hardtack.kernel.params import DISK_SIZE, LEAST_CACHE_BYTES, PAGE
from hardtack.kernel.process import GONE, ZOMBIE, Process
from hardtack.kernel.streams import Capture, HostStream, Source
from hardtack.kernel.system_calls import TABLE, Row
from hardtack.lab.machine.driver import (
    DATA,
    MAP,
    OTHER_PATH,
    OUT,
    PATH,
    STRINGS,
    VARIABLES,
    VECTORS,
    Body,
    Calls,
    Program,
    address,
    after,
    on_read,
    on_write,
)
from hardtack.lab.machine.ledger import Ledger

INPUT = bytes(100_000)
DEV_NULL = os.open(os.devnull, os.O_RDWR)
END = 0xFFFF_FFF0  # a pointer that is out of the guest's memory

NAMES = (b"a", b"b", b"c", "höhle".encode(), "\U0001f6a2".encode(), b"n" * 255)
SIZES = (0, 1, 7, 127, 128, 1023, 1024, 4095, 5000, PAGE - 1, PAGE, PAGE + 1, 40_000, 65_535, 65_536, 200_000)
POSITIONS = (
    0,
    1,
    126,
    127,
    1022,
    4094,
    PAGE - 1,
    PAGE,
    64 * PAGE - 1,
    4096 * PAGE - 1,
    64**3 * PAGE - 1,
    1 << 62,
)
NUMBERS = (0, 1, 2, 3, 4, 5, 6, 31, 32, 255, 256, 257, 1 << 30, (1 << 32) - 1)
LONG_NUMBERS = (*NUMBERS, 1 << 32, 1 << 59, 1 << 62, 1 << 63, (1 << 64) - 1)
SELDOM = {
    "proc_exit": 0.0,
    "exec": 0.02,
    "fork": 0.2,
    "spawn": 0.3,
    "poll_oneoff": 0.5,
    "kill": 0.1,
    "waitpid": 0.5,
}
OFTEN = {"path_open": 6.0, "fd_write": 4.0, "fd_close": 3.0, "path_create_directory": 2.0, "path_rename": 2.0}


class Chooser:
    """Chooses calls and their arguments."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        weights = {**SELDOM, **OFTEN}
        self.weights = [weights.get(row.name, 1.0) for row in TABLE]

    def request(self, calls: Calls) -> tuple[str, tuple[int, ...]]:
        """Prepare the guest's memory and return a request."""
        (row,) = self.random.choices(TABLE, self.weights)
        chosen: dict[str, int] = {}
        if row.name in {"fd_close", "fd_renumber"} and self.random.random() < 0.9:
            chosen["fd"] = self.random.randrange(5, 12)  # else nothing would stay open
            chosen["to"] = self.random.randrange(5, 12)
        self._blocks(row, calls, chosen)
        for parameter in row.parameters.split():
            name, kind = parameter.split(":")
            if name not in chosen:
                chosen[name] = self._value(name, kind)
        return row.name, tuple(chosen[parameter.split(":")[0]] for parameter in row.parameters.split())

    def path(self) -> bytes:
        """Return a path, mostly a short one that may exist."""
        pick = self.random
        if pick.random() < 0.03:
            return pick.choice(
                (b"", b"/", b"..", b"a/../b/../c", b"x" * 256, b"\xff", b"a\0b", b"./" * 2047 + b"aa")
            )
        path = b"/".join(
            pick.choice(NAMES[: pick.choice((3, 6))]) for _ in range(pick.choice((1, 1, 1, 2, 2, 3)))
        )
        return path + b"/" * (pick.random() < 0.05)

    def _blocks(self, row: Row, calls: Calls, chosen: dict[str, int]) -> None:
        """Choose those arguments that are pointers with what they point to."""
        pick = self.random
        if row.name.startswith("path_") or row.name == "chdir":
            chosen["start"], chosen["size"] = calls.put(PATH, self.path())
        for start, size in (("to_start", "to_size"), ("target", "target_size"), ("path", "path_size")):
            if f" {start}:" in f" {row.parameters}":
                path = b"/bin/child" if start == "path" and pick.random() < 0.8 else self.path()
                chosen[start], chosen[size] = calls.put(OTHER_PATH, path)
        if "vectors:" in row.parameters:
            count = pick.choice((1, 1, 1, 2, 5))
            pairs = [(DATA + pick.randrange(64), pick.choice(SIZES)) for _ in range(count)]
            calls.put(VECTORS, b"".join(struct.pack("<II", *pair) for pair in pairs))
            chosen["vectors"], chosen["count"] = VECTORS, count
        if row.name == "poll_oneoff":
            count = pick.choice((1, 2, 10))
            calls.put(STRINGS, b"".join(self._subscription() for _ in range(count)))
            chosen |= {"subscriptions": STRINGS, "events": DATA, "count": count}
        if row.name in {"spawn", "exec"}:
            strings = [
                bytes(pick.choice((1, 100, 3000))).replace(b"\0", b"x") + b"\0"
                for _ in range(pick.randrange(8))
            ]
            chosen["arguments"], chosen["arguments_size"] = calls.put(STRINGS, b"".join(strings))
            chosen["environment"], chosen["environment_size"] = calls.put(VARIABLES, b"".join(strings[:3]))
            if row.name == "exec":
                return
            chosen["directory"], chosen["directory_size"] = pick.choice(
                ((0, 0), calls.put(PATH, self.path()))
            )
            pairs = [
                (pick.choice((0, 1, 2, 70, 5000, 200_000)), self._fd()) for _ in range(pick.randrange(6))
            ]
            calls.put(MAP, b"".join(struct.pack("<II", *pair) for pair in pairs))
            chosen["descriptor_map"], chosen["map_count"] = (
                (MAP, len(pairs)) if pick.random() < 0.7 else (0, 0)
            )
        if row.name in {"bind", "connect"}:
            domain = pick.choice((b"s", b"t", 80, 81))
            chosen["address"], chosen["size"] = calls.put(OTHER_PATH, address(domain))
        if row.name == "kill":
            chosen["pid"] = pick.choice((calls.pid + 1, calls.pid + 2, 9999))

    def _subscription(self) -> bytes:
        pick = self.random
        return pick.choice((on_read(self._fd()), on_write(self._fd()), after(pick.choice((0, 1, 10**9)))))

    def _fd(self) -> int:
        pick = self.random
        return (
            pick.choice((0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 64))
            if pick.random() < 0.95
            else pick.choice(NUMBERS)
        )

    def _value(self, name: str, kind: str) -> int:
        pick = self.random
        if name in {"fd", "to_fd", "to"}:
            return self._fd()
        if name in {"out", "status"}:
            return OUT + 8 * (name == "status") if pick.random() < 0.99 else END
        if name in {"start", "buffer", "pointers"}:
            return DATA if pick.random() < 0.99 else END
        choices = {
            "size": SIZES,
            "room": SIZES,
            "offset": POSITIONS,
            "whence": (0, 1, 2, 3),
            "oflags": (0, 0, 1, 1, 1, 2, 8, 9, 5),
            "rights": (abi.RIGHT_READ, abi.RIGHT_READ | abi.RIGHT_WRITE, abi.ALL_RIGHTS),
            "inheriting": (0, abi.ALL_RIGHTS),
            "flags": (0, 0, 1, 4, 5, 10),
            "lookup": (0, 1, 1),
            "pid": (0xFFFF_FFFF,),
            "options": (abi.NOHANG,),
            "domain": (abi.AF_UNIX, abi.AF_UNIX, abi.AF_INET, 2),
            "kind": (abi.SOCK_STREAM | abi.SOCK_NONBLOCK, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, 5),
            "how": (1, 2, 3, 0),
            "cookie": (0, 0, 1, 2, 3, 1 << 58, 1 << 62),
        }.get(name)
        if choices is None:
            choices = NUMBERS if kind == "i" else LONG_NUMBERS
        return pick.choice(choices)


def child(calls: Calls) -> Body:
    """What the random program spawns: it stays until it is killed or its sleep is over."""
    yield from calls.sleep(5)


def streams(process: Process) -> list[Description]:
    """Return bytes given, bytes captured, and a descriptor of the host."""
    return [Source(INPUT), Capture(process.group.heap, 300_000), HostStream(DEV_NULL)]


def _ended(process: Process) -> bool:
    return process.state in {ZOMBIE, GONE}


def run(ledger: Ledger, seed: int, count: int) -> None:
    """Make so many random calls, in memory, and on a directory of the host or a durable file system."""
    chooser = Chooser(seed)
    with tempfile.TemporaryDirectory() as name, ledger.machine(flush=bool(seed % 2)) as machine:
        if seed % 4 < 2:
            machine.preopen(open_host_directory(machine.system, "/host", name))
        else:
            machine.preopen(open_disk(machine.system, "/disk", f"{name}/fs.db", DISK_SIZE, LEAST_CACHE_BYTES))
        machine.program(b"/bin/child", child)
        left = count

        def program(calls: Calls) -> Body:
            nonlocal left
            while left:
                left -= 1
                yield chooser.request(calls)

        while left:  # a program that has all its calls waiting is replaced
            image = Program(machine, "random", program)
            image.forked = child
            process = machine.start(image, ["one", "two"], ["A=1"], streams=streams)
            machine.run(partial(_ended, process))
            death.end_all(machine.system, "it waits for ever")
