"""What the experiment `overhead` runs: system calls and whole programs, with reservations and without.

They run in two kernels that differ by nothing else. It owns how time and instructions are come by; it does
not know what is concluded from them. Run as a program, it does for callgrind what is to be counted.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.errors import ProgramError
from hardtack.lab import bench_sqlite, callgrind
from hardtack.lab.children import ChildFailed
from hardtack.runtime import Kernel
from hardtack.runtime.interpreter import find_interpreter
from hardtack.runtime.python import CODE_PATH, FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardtack.heap import Policy

ON_OFF: Final[tuple[Policy, ...]] = ("reserve", "fail")  # under `fail` nothing is reserved
_HEAP: Final = "64 MiB"
_WORDS: Final = b"ship's biscuit, or hardtack\n" * 2000
_SCRIPT: Final = b"""
import collections, json
words = open("/words").read().split()
records = json.loads(json.dumps([{"word": word, "at": at} for at, word in enumerate(words)]))
found = collections.Counter(record["word"] for record in records)
with open("/found", "w") as file:
    for word, times in found.most_common():
        print(word, times, file=file)
"""
_FILES: Final = {"/f": b"", "/words": _WORDS, CODE_PATH: _SCRIPT}  # of each run
_NOTES: Final = {f"/notes/{number}": _WORDS[:2000] for number in range(100)}  # there before the first


@dataclass(frozen=True, slots=True)
class Call:
    """A system call, as /bin/calls makes it.

    Attributes:
        operation: what it is called there.
        count: calls in one round, which lasts milliseconds: long beside the program's start, short beside
            what a busy machine does.
        size: bytes.
        path: of the file.
        counted: calls of which instructions are counted.
    """

    operation: str
    count: int
    size: int
    path: str
    counted: int = 1000

    def command(self, count: int) -> tuple[str, ...]:
        """Return the program that makes it so many times."""
        return ("calls", self.operation, str(count), str(self.size), self.path)


@dataclass(frozen=True, slots=True)
class Program:
    """A whole program.

    Attributes:
        command: its name in /bin, or its file on the host, and its arguments.
        rounds: how often it is timed, each time twice; quick.
        counted: runs of which instructions are counted; 0 for none, as of what takes minutes to compile under
            valgrind.
    """

    command: tuple[str, ...]
    rounds: tuple[int, int]
    counted: int = 20


CALLS: Final = {
    "fd_write 16 B": Call("write", 20_000, 16, "-"),
    "fd_write 64 KiB, a file": Call("write", 400, 65536, "/f", 100),
    "fd_read 16 B, a file": Call("read", 20_000, 16, "/f"),
    "clock_time_get": Call("clock", 20_000, 0, "-"),
    "sched_yield": Call("yield", 40_000, 0, "-"),
    "path_open and fd_close": Call("openclose", 2_000, 0, "/f"),
}
# The first three do hardly anything but start, call and wait, which is the worst there is for a kernel.
_PROGRAMS: Final = {
    "mail, 300 messages": Program(("mail", "a", "300", "4000"), (50, 15), 2),
    "cat | wc": Program(("sh", "-c", "cat /words | cat | wc"), (200, 50)),
    "cp, ls, rm": Program(("sh", "-c", "cp /words /a ; cp /a /b ; ls / ; rm /a /b"), (200, 50)),
    "find, grep in 100 files": Program(
        ("sh", "-c", "find /notes -type f | xargs grep -c biscuit | sort | tail -n 1"), (60, 15), 5
    ),
    "seq | sort | uniq": Program(("sh", "-c", "seq 20000 | sort -r | uniq | wc"), (50, 13), 3),
}


def programs(quick: bool) -> dict[str, Program]:
    """Return the programs that are here, by name.

    CPython is one if `hardtack[python]` is installed, SQLite if it has been built; none is where it is to be
    quick, as it takes half a minute to compile them if nobody has.
    """
    found = dict(_PROGRAMS)
    if quick:
        return found
    with contextlib.suppress(ProgramError):
        python = str(find_interpreter().path)
        found["CPython, counting words"] = Program((python, *FLAGS, CODE_PATH), (30, 0), 0)
    if bench_sqlite.PROGRAM.is_file():
        database = str(bench_sqlite.PROGRAM.resolve())
        found["SQLite, 200 transactions"] = Program((database, "/db", "insert", "200"), (40, 0), 0)
    return found


def time_call(name: str, rounds: int) -> dict[str, list[float]]:
    """Return ns of processor time a call, a round each, with reservations and without, in turns; blocks."""
    case = CALLS[name]
    return time_in_turns(case.command(case.count), rounds, case.count)


def time_program(name: str, quick: bool) -> dict[str, list[float]]:
    """Return ns of processor time a run, a run a round, with reservations and without, in turns; blocks."""
    case = programs(quick)[name]
    return time_in_turns(case.command, case.rounds[quick])


def time_in_turns(command: Sequence[str], rounds: int, count: int = 1) -> dict[str, list[float]]:
    """Return ns of processor time for each of the `count` things that a command does, likewise; blocks.

    A program's memory can be a tenth faster in the kernel that was made first. So each figure is the mean of
    a run where that kernel was the first, and of one where it was the second.
    """
    halves = [_time_in(command, rounds, count, order) for order in (ON_OFF, ON_OFF[::-1])]
    return {
        policy: [
            (first + second) / 2 for first, second in zip(*(half[policy] for half in halves), strict=True)
        ]
        for policy in ON_OFF
    }


def _time_in(
    command: Sequence[str], rounds: int, count: int, order: tuple[Policy, ...]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {policy: [] for policy in order}
    with _kernels(order) as kernels:
        for kernel in kernels.values():
            _run_program(kernel, command)
        for turn in range(rounds):
            for policy in order if turn % 2 else reversed(order):
                begin = time.process_time_ns()
                _run_program(kernels[policy], command)
                found[policy].append((time.process_time_ns() - begin) / count)
    return found


@contextlib.contextmanager
def _kernels(order: tuple[Policy, ...] = ON_OFF) -> Iterator[dict[str, Kernel]]:
    with ExitStack() as stack:
        kernels: dict[str, Kernel] = {
            policy: stack.enter_context(Kernel(_HEAP, on_exhaustion=policy)) for policy in order
        }
        for kernel in kernels.values():
            for path, data in _NOTES.items():
                kernel.write_file(path, data)
        yield kernels


def _run_program(kernel: Kernel, command: Sequence[str]) -> None:
    program, *arguments = command
    null = subprocess.DEVNULL
    image = program if program.startswith("/") else f"/bin/{program}"
    result = kernel.run(image, arguments, files=_FILES, stdin=null, stdout=null)
    if result.exit_code:
        raise ChildFailed(f"{' '.join(command)} ended with status {result.exit_code}: {result.stderr!r}")


# -- instructions
_FEW: Final = 100  # calls, to be taken away from those with as many more
_CALLBACK: Final = "--toggle-collect=call_host_function"  # of wasmtime's: the border and the call


def counted_programs() -> dict[str, Program]:
    """Return the programs whose instructions are counted, by name."""
    return {name: case for name, case in programs(quick=False).items() if case.counted}


def count_calls() -> dict[str, dict[str, float]]:
    """Return the instructions of one call of each kind, with reservations and without, by callgrind; blocks.

    Those within wasmtime's callbacks are counted: the border and the call, but nothing of the guest.
    """
    figures = iter(callgrind.count_parts(__name__, "calls", options=[_CALLBACK]))
    return {
        name: {policy: (-next(figures) + next(figures)) / case.counted for policy in ON_OFF}
        for name, case in CALLS.items()
    }


def count_programs() -> dict[str, dict[str, float]]:
    """Return the instructions of a process that runs a program once more, likewise; blocks."""
    figures = iter(callgrind.count_parts(__name__, "programs"))
    return {
        name: {policy: next(figures) / case.counted for policy in ON_OFF}
        for name, case in counted_programs().items()
    }


def _run_counted_calls() -> None:
    with _kernels() as kernels:
        for case in CALLS.values():
            for kernel in kernels.values():
                _run_program(kernel, case.command(_FEW))
                for count in (_FEW, _FEW + case.counted):
                    with callgrind.part():
                        _run_program(kernel, case.command(count))


def _run_counted_programs() -> None:
    with _kernels() as kernels:
        for case in counted_programs().values():
            for kernel in kernels.values():
                _run_program(kernel, case.command)
                with callgrind.part():
                    for _ in range(case.counted):
                        _run_program(kernel, case.command)


if __name__ == "__main__":
    {"calls": _run_counted_calls, "programs": _run_counted_programs}[sys.argv[1]]()
