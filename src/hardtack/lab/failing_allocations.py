"""Fails the k-th allocation of CPython itself during many operations: `python THIS SAMPLES SEED`, prints JSON.

It needs nothing but the standard library, so that any Python can run it; hardtack's hook is not there. Each
operation is done once to warm up, then in forked processes, in each of which one allocation fails, in any of
the three domains. What becomes of the process is told from how it ends.
"""

from __future__ import annotations

import ast
import collections
import copy
import csv
import datetime
import decimal
import fractions
import functools
import gc
import io
import json
import os
import pickle
import random
import re
import resource
import signal
import string
import struct
import sys
import textwrap
import weakref
from itertools import groupby, permutations

TABLE = {f"key {n}": [n, str(n), n / 7] for n in range(40)}
TEXT = "the quick brown fox jumps over the lazy dog " * 20
SOURCE = "def f(x, *, y=1):\n    return [a * y for a in x if a] + [lambda: (yield)]\nclass C:\n    z: int = f([1])\n"

REACHED, MEMORY_ERROR, SYSTEM_ERROR, OTHER_ERROR, NOT_REACHED = 10, 11, 12, 13, 14
NAMES = {REACHED: "swallowed", MEMORY_ERROR: "MemoryError", SYSTEM_ERROR: "SystemError", OTHER_ERROR: "other error"}
CPU_SECONDS, SECONDS = 5, 60
MOST = 1 << 15  # allocations of one operation that are looked for


class Plain:
    """An object with attributes."""

    def __init__(self, n):
        self.n = n
        self.name = str(n)

    @property
    def double(self):
        return self.n * 2


def classes():
    made = type("Made", (Plain,), {"__slots__": ("a", "b"), "method": lambda self: self.a})
    return made(1).double


def raising():
    try:
        [].pop()
    except IndexError as error:
        try:
            raise KeyError("again") from error
        except KeyError as other:
            return repr(other.__cause__)


def generators():
    def numbers(n):
        received = yield from range(n)
        return received

    return sum(x for x in numbers(50) if x % 3) + sum(map(len, map(str, numbers(50))))


def closures():
    def counter(start):
        def step(by=1, *more, **named):
            nonlocal start
            start += by + len(more) + len(named)
            return start

        return step

    step = counter(1000)
    return [step(n, n, key=n) for n in range(30)]


def coroutines():
    async def leaf(n):
        return [n] * n

    async def root():
        return [await leaf(n) for n in range(20)]

    try:
        root().send(None)
    except StopIteration as end:
        return end.value


def growing():
    rows, table, members = [], {}, set()
    for n in range(300):
        rows.append((n, float(n)))
        table[n * 1000] = rows[-1]
        members.add(str(n))
    return sorted(members & {str(n) for n in range(0, 600, 2)}), list(reversed(rows))


def weak_references():
    things = [Plain(n) for n in range(20)]
    seen = []
    references = [weakref.ref(thing, seen.append) for thing in things]
    mapping = weakref.WeakValueDictionary(enumerate(things))
    del things
    return len(references), len(mapping), len(seen)


OPERATIONS = {
    "json": lambda: json.loads(json.dumps(TABLE, indent=1, sort_keys=True)),
    "pickle": lambda: pickle.loads(pickle.dumps([TABLE, Plain(3)])),
    "deepcopy": lambda: copy.deepcopy(TABLE),
    "re": lambda: re.sub(r"(\w+) (\w+)", r"\2 \1", TEXT),
    "re.compile": lambda: (re.purge(), re.compile(r"(?P<a>[a-z]+|\d{2,3})*(?:x|y)?$")),
    "compile": lambda: compile(SOURCE, "source", "exec"),
    "exec": lambda: exec("import string\nx = [string.Template(str(n)) for n in range(5)]", {}),
    "ast": lambda: ast.unparse(ast.parse(SOURCE)),
    "format": lambda: [f"{n:>10} {n / 3:.3f} {'é' * n!r}" for n in range(30)],
    "text": lambda: "-".join(TEXT.upper().replace("FOX", "лис").split()).encode().decode(),
    "textwrap": lambda: textwrap.fill(TEXT, 30),
    "template": lambda: string.Template("$a and $b").substitute(a=1, b="two"),
    "int": lambda: (7**700 * 3**900) // 11**300 % 10**50,
    "decimal": lambda: decimal.Decimal(2).sqrt() / decimal.Decimal("1.7") ** 5,
    "fractions": lambda: sum(fractions.Fraction(1, n) for n in range(1, 20)),
    "datetime": lambda: datetime.datetime(2020, 2, 29).strftime("%Y-%m-%d") + str(datetime.timedelta(hours=30)),
    "struct": lambda: [struct.unpack("<IHq", struct.pack("<IHq", n, n, -n)) for n in range(20)],
    "csv": lambda: list(csv.reader(io.StringIO("a,b,c\n1,2,3\n" * 20))),
    "growing": growing,
    "sort": lambda: sorted(TABLE.items(), key=lambda item: (item[1][2], item[0])),
    "collections": lambda: collections.Counter(TEXT).most_common(3)
    + list(collections.OrderedDict(TABLE))[:2]
    + list(collections.deque(TABLE, 5)),
    "namedtuple": lambda: collections.namedtuple("Made", "a b c")(1, 2, 3)._asdict(),
    "itertools": lambda: [list(g) for _, g in groupby(permutations(range(4)), key=lambda p: p[0])],
    "partial": lambda: functools.reduce(functools.partial(max, 3), range(50)),
    "classes": classes,
    "raising": raising,
    "generators": generators,
    "closures": closures,
    "coroutines": coroutines,
    "weak references": weak_references,
    "files": lambda: open(os.devnull).read() + repr(os.listdir("/dev/fd")),
    "collecting": lambda: gc.collect(),
}


def outcome(name, k, arm):
    """Do an operation in a forked process in which allocation k fails; return what became of it."""
    pid = os.fork()
    if pid == 0:
        os._exit(fail(OPERATIONS[name], k, arm))
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    return -os.WTERMSIG(status)


def fail(operation, k, arm):
    """Do it; say what came of it by a status."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    signal.alarm(SECONDS)
    gc.disable()
    sys.stdout = sys.stderr = None
    code = REACHED
    arm(k, k + 1)
    try:
        operation()
    except MemoryError:
        code = MEMORY_ERROR
    except SystemError:
        code = SYSTEM_ERROR
    except BaseException:
        code = OTHER_ERROR
    try:  # what is still to fail now was not reached
        for _ in range(k + 10):
            bytes(1000)
    except MemoryError:
        return NOT_REACHED if code == REACHED else code
    return code


def count(name, arm):
    """Return how many allocations an operation makes, by bisection."""
    low, high = 0, MOST
    while low < high:
        middle = (low + high) // 2
        if outcome(name, middle, arm) == NOT_REACHED:
            high = middle
        else:
            low = middle + 1
    return low


def kind(code):
    """Name a status."""
    if code in (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL):
        return "hang"
    return NAMES.get(code, "crash")


def main(samples, seed):
    """Fail so many allocations in all, spread over the operations, and print what came of each."""
    from _testcapi import set_nomemory

    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    draw = random.Random(seed)
    rows = {}
    crashes = []
    for name, operation in OPERATIONS.items():
        for _ in range(3):
            operation()
        total = count(name, set_nomemory)
        chosen = range(total)
        if total > samples // len(OPERATIONS):
            chosen = sorted(draw.sample(chosen, samples // len(OPERATIONS)))
        found = collections.Counter()
        for k in chosen:
            code = outcome(name, k, set_nomemory)
            if code != NOT_REACHED:
                found[kind(code)] += 1
            if kind(code) == "crash" and len(crashes) < 20:
                crashes.append([name, k, code])
        rows[name] = {"allocations": total, **found}
    print(json.dumps({"version": sys.version.split()[0], "operations": rows, "crashes": crashes}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
