"""Every argument of every call at its edges: pointers, sizes, counts; one at a time, in pairs, and at random.

Whatever a guest gives, a call answers an errno or does what it should: no handler raises, no call takes more
than its bound, the books balance, and nothing is written outside the guest's memory (which struct and
memoryview see to) nor into what the arguments do not point to.

`python tests/kernel/pointer_fuzz.py --seconds 600 [--seed N]` goes on at random (`make fuzz-calls`).
"""

from __future__ import annotations

import argparse
import itertools
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator

from hardtack.kernel import abi, death
from hardtack.kernel.process import GONE, ZOMBIE
from hardtack.kernel.system_calls import TABLE, Row
from hardtack.lab.machine.driver import (
    DATA,
    OTHER_PATH,
    OUT,
    PATH,
    ROOT,
    STRINGS,
    VECTORS,
    Body,
    Calls,
    Machine,
    address,
    after,
    on_read,
)
from hardtack.lab.machine.ledger import Ledger

SIZE = 0xA0000  # of the guest's memory (driver.USER_BYTES)
TOP = 1 << 32
ENDS = {"proc_exit", "proc_raise", "kill", "exec"}  # calls that may rightly end who makes them
POINTERS = {
    "out", "start", "vectors", "subscriptions", "events", "pointers", "path", "status", "to_start", "out_flags",
    "address", "buffer", "target", "arguments", "environment", "descriptor_map", "directory",
}  # fmt: skip
POINTER_EDGES = (0, 1, SIZE - 1, SIZE - 4, SIZE - 8, SIZE, SIZE + 1, TOP // 2, TOP - 8, TOP - 1)
COUNT_EDGES = (
    0,
    1,
    2,
    7,
    8,
    1023,
    1024,
    1025,
    4096,
    65536,
    65537,
    TOP // 48,
    TOP // 8,
    TOP // 8 + 1,
    TOP // 2,
    TOP - 1,
)
LONG_EDGES = (*COUNT_EDGES, TOP, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def prepare(calls: Calls) -> Body:
    """Make a file, a directory, sockets and a pipe; fill memory with what calls read. Return what makes sense."""
    file = yield from calls.open(b"file", abi.O_CREAT)
    yield from calls.write(file, b"content")
    yield from calls.symlink(b"file", b"link")
    pair = yield from calls.socketpair(abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
    fresh = yield from calls.socket(kind=abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
    listener = yield from calls.socket(kind=abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
    yield from calls.bind(listener, b"listener")
    yield from calls.listen(listener)
    yield from calls.connect((yield from calls.socket()), b"listener")
    calls.put(VECTORS, struct.pack("<IIII", DATA, 16, DATA + 8, 16) * 8)
    calls.put(STRINGS, (on_read(file) + after(0)) * 4)
    path, path_size = calls.put(PATH, b"link")
    to, to_size = calls.put(OTHER_PATH, b"other")
    where, where_size = calls.put(PATH + 64, address(b"name"))
    sense = dict.fromkeys(
        ("lookup", "oflags", "inheriting", "flags", "offset", "advice", "atime", "mtime", "cookie", "whence", "clock",
         "precision", "signal", "environment", "environment_size", "descriptor_map", "map_count", "domain"), 0
    )  # fmt: skip
    return sense | {
        "fd": file, "to": file, "to_fd": ROOT, "rights": 2, "start": path, "size": path_size, "to_start": to,
        "to_size": to_size, "vectors": VECTORS, "count": 1, "out": OUT, "status": OUT + 8, "out_flags": OUT + 16,
        "length": 1, "target": to, "target_size": to_size, "buffer": DATA, "room": 64, "subscriptions": STRINGS,
        "events": DATA, "how": 3, "pid": 9999, "options": abi.NOHANG, "path": path, "path_size": path_size,
        "arguments": OUT + 32, "arguments_size": 0, "pointers": DATA, "kind": abi.SOCK_STREAM | abi.SOCK_NONBLOCK,
        "backlog": 1, "address": where, "_socket": pair[0], "_fresh": fresh, "_listener": listener, "address_size": where_size, "domain": abi.AF_UNIX,
    }  # fmt: skip


def names_of(row: Row) -> list[tuple[str, str]]:
    """Return a row's parameters with their types."""
    return [tuple(parameter.split(":")) for parameter in row.parameters.split()]  # type: ignore[misc]


def sensible(row: Row, sense: dict[str, int]) -> dict[str, int]:
    """Return arguments with which a call mostly succeeds."""
    chosen = {name: sense.get(name, 0) for name, _ in names_of(row)}
    if row.name.startswith("path_") or row.name in {"fd_prestat_get", "fd_prestat_dir_name", "fd_readdir"}:
        chosen["fd"] = ROOT
    if row.name.startswith("sock_") or row.name in {"bind", "connect", "listen"}:
        kind = {"sock_accept": "_listener", "listen": "_listener", "bind": "_fresh", "connect": "_fresh"}
        chosen["fd"] = sense[kind.get(row.name, "_socket")]
    if "address" in chosen:
        chosen["size"] = sense["address_size"]
    return chosen


def pointers_of(row: Row) -> list[str]:
    """Return the names of a row's parameters that are pointers; counts and sizes are where calls report them."""
    return [name for name, _ in names_of(row) if name in POINTERS or row.name.endswith("_sizes_get")]


def edges(row: Row, name: str, kind: str) -> tuple[int, ...]:
    """Return the edges of a parameter."""
    if name in pointers_of(row):
        return POINTER_EDGES
    return LONG_EDGES if kind == "I" else COUNT_EDGES


def systematic(row: Row, sense: dict[str, int]) -> Iterator[tuple[int, ...]]:
    """Yield arguments: each parameter at each edge, each two pointers at one place, each pointer with each count."""
    base = sensible(row, sense)
    parameters = names_of(row)
    yield tuple(base.values())
    for name, kind in parameters:
        for edge in edges(row, name, kind):
            yield tuple({**base, name: edge}.values())
    pointers = pointers_of(row)
    counts = [name for name, kind in parameters if name not in pointers and kind == "i" and name != "fd"]
    for one, other in itertools.combinations(pointers, 2):
        for place in (VECTORS, OUT, PATH, SIZE - 16, SIZE - 4):
            yield tuple({**base, one: place, other: place + 2}.values())
    for pointer, count in itertools.product(pointers, counts):
        for place, number in itertools.product((SIZE - 8, SIZE - 48, VECTORS), COUNT_EDGES):
            yield tuple({**base, pointer: place, count: number}.values())


def at_random(row: Row, sense: dict[str, int], pick: random.Random) -> tuple[int, ...]:
    """Return arguments of which each is sensible or at an edge."""
    base = sensible(row, sense)
    for name, kind in names_of(row):
        if pick.random() < 0.4:
            base[name] = pick.choice((*edges(row, name, kind), pick.randrange(SIZE)))
    return tuple(base.values())


def fill_at_random(calls: Calls, pick: random.Random) -> None:
    """Fill what lists of buffers, maps and subscriptions are read from: pointers and sizes at their edges."""
    words = [pick.choice((*POINTER_EDGES, *COUNT_EDGES, DATA, *range(4))) for _ in range(48)]
    calls.put(VECTORS, struct.pack(f"<{len(words)}I", *words))
    for at in range(4):  # subscriptions of 12 words: in the third, what kind it is
        words[12 * at + 2] = pick.randrange(4)
    calls.put(STRINGS, struct.pack(f"<{len(words)}I", *words))


class Fuzz:
    """Makes calls, each in a process that may be replaced, and counts what they answer."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.answers: Counter[tuple[str, int]] = Counter()

    def run(
        self, row: Row, many: Iterator[tuple[int, ...]] | None, pick: random.Random | None = None
    ) -> None:
        """Make calls of one row; with many None, 100 at random."""
        waiting: list[tuple[int, ...]] = []
        done = False

        def body(calls: Calls) -> Body:
            nonlocal done, many
            assert len(calls.process.memory) == SIZE
            sense = yield from prepare(calls)
            if many is None:
                assert pick is not None
                many = iter([at_random(row, sense, pick) for _ in range(100)])
            for arguments in many:
                waiting.append(arguments)
                if pick is not None and pick.random() < 0.5:
                    fill_at_random(calls, pick)
                errno = yield row.name, arguments
                assert 0 <= errno <= 76, (row.name, arguments, errno)
                self.answers[row.name, errno] += 1
            done = True

        with self.ledger.machine(flush=False) as machine:
            machine.program(b"link", lambda calls: calls.close(99))
            while not done:  # who waits for ever, or was ended by what it asked for, is replaced
                process = machine.start(body)
                machine.run(lambda process=process: process.state in {ZOMBIE, GONE})
                assert machine.system.bugs == [], (row.name, waiting[-1:])
                assert done or process.state not in {ZOMBIE, GONE} or row.name in ENDS, (
                    row.name,
                    waiting[-1:],
                )
                death.end_all(machine.system, "the next")
        assert self.ledger.overruns == []

    def systematically(self, row: Row) -> None:
        """Make the calls of `systematic`."""
        self.run(row, self._systematic(row))

    def _systematic(self, row: Row) -> Iterator[tuple[int, ...]]:
        with Machine() as machine:
            found: list[dict[str, int]] = []

            def body(calls: Calls) -> Body:
                found.append((yield from prepare(calls)))

            machine.run_until_ended(machine.start(body))
        return systematic(row, found[0])


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the arguments of every system call.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    pick = random.Random(options.seed)
    fuzz = Fuzz()
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        for row in TABLE:
            if row.name != "proc_exit":
                fuzz.run(row, None, pick)
    errnos = {errno for _, errno in fuzz.answers}
    print(f"{sum(fuzz.answers.values())} calls, {len(errnos)} different answers, no error of the kernel's")
    return 0


if __name__ == "__main__":
    sys.exit(main())
