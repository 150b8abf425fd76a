"""`overhead`: what reservations cost, a system call and a whole program, by the clock and in instructions."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from hardtack.lab import callgrind
from hardtack.lab.children import ChildFailed, call
from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Row
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.heap import Policy
    from hardtack.lab.experiment import Settings

_MODULE: Final = "hardtack.lab.experiments.overhead"
_HEAP: Final = "64 MiB"
_ON_OFF: Final[tuple[Policy, ...]] = ("reserve", "fail")  # under `fail` nothing is reserved
_CALL_ROUNDS: Final = (80, 10)  # quick
_PROGRAM_ROUNDS: Final = (40, 8)
_SECONDS: Final = 600.0
_WORDS: Final = b"ship's biscuit, or hardtack\n" * 2000
# What is called, how often in one round, and its arguments: operation, count, size, path.
# A round lasts milliseconds: long beside the program's start, short beside what a busy machine does.
_CALLS: Final = {
    "fd_write 16 B": ("write", 20_000, 16, "-"),
    "fd_write 64 KiB, a file": ("write", 400, 65536, "/f"),
    "fd_read 16 B, a file": ("read", 20_000, 16, "/f"),
    "clock_time_get": ("clock", 20_000, 0, "-"),
    "sched_yield": ("yield", 40_000, 0, "-"),
    "path_open and fd_close": ("openclose", 2_000, 0, "/f"),
}
_PROGRAMS: Final = {
    "mail, 300 messages": ("mail", "a", "300", "4000"),
    "cat | wc": ("sh", "-c", "cat /words | cat | wc"),
    "cp, ls, rm": ("sh", "-c", "cp /words /a ; cp /a /b ; ls / ; rm /a /b"),
}
_REPEATED: Final = 10  # a program in one round
# Counted with valgrind, as the difference between few of them and more.
_COUNTED_CALLS: Final = {
    "fd_write 16 B": ("write", "16", "-"),
    "fd_read 16 B, a file": ("read", "16", "/f"),
    "clock_time_get": ("clock", "0", "-"),
    "sched_yield": ("yield", "0", "-"),
    "path_open and fd_close": ("openclose", "0", "/f"),
}
_FEW_CALLS, _MORE_CALLS = 100, 1100
_COUNTED_PROGRAMS: Final = {
    "mail, 20 messages": ("mail", "a", "20", "4000"),
    "cat | wc": _PROGRAMS["cat | wc"],
    "cp, ls, rm": _PROGRAMS["cp, ls, rm"],
}
_FEW_RUNS, _MORE_RUNS = 2, 22
_BOTH_AT_ONCE: Final = 2  # callgrinds: what they count does not depend on it
# In every callback of wasmtime's: the border and the call, but nothing of how Python starts.
_IN_CALLS: Final = "--toggle-collect=call_host_function"


def time_call(operation: str, count: int, size: int, path: str, rounds: int) -> dict[str, list[float]]:
    """Return ns of processor time a call, a round each, with reservations and without, in turns; blocks."""
    return _in_turns(("calls", operation, str(count), str(size), path), rounds, count)


def time_program(command: list[str], rounds: int) -> dict[str, list[float]]:
    """Return ns of processor time a run, a round each, with reservations and without, in turns; blocks."""
    return _in_turns(tuple(command), rounds, 1, _REPEATED)


def _in_turns(command: tuple[str, ...], rounds: int, count: int, repeats: int = 1) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {policy: [] for policy in _ON_OFF}
    with Kernel(_HEAP) as reserving, Kernel(_HEAP, on_exhaustion="fail") as plain:
        kernels = {"reserve": reserving, "fail": plain}
        for kernel in kernels.values():
            _run_program(kernel, command)
        for turn in range(rounds):
            for policy in _ON_OFF if turn % 2 else reversed(_ON_OFF):
                begin = time.process_time_ns()
                for _ in range(repeats):
                    _run_program(kernels[policy], command)
                found[policy].append((time.process_time_ns() - begin) / count / repeats)
    return found


def _run_program(kernel: Kernel, command: tuple[str, ...]) -> None:
    program, *arguments = command
    files = {"/f": b"", "/words": _WORDS}
    null = subprocess.DEVNULL
    result = kernel.run(f"/bin/{program}", arguments, files=files, stdin=null, stdout=null)
    if result.exit_code:
        raise ChildFailed(f"{' '.join(command)} ended with status {result.exit_code}: {result.stderr!r}")


def count_call(operation: str, size: str, path: str) -> dict[str, float]:
    """Return the instructions of one call, with reservations and without, by callgrind; blocks."""
    few, more = (("1", "calls", operation, str(count), size, path) for count in (_FEW_CALLS, _MORE_CALLS))
    return _differences(few, more, _MORE_CALLS - _FEW_CALLS, _IN_CALLS)


def count_program(command: tuple[str, ...]) -> dict[str, float]:
    """Return the instructions of a process that runs a program once more, likewise; blocks."""
    few, more = ((str(count), *command) for count in (_FEW_RUNS, _MORE_RUNS))
    return _differences(few, more, _MORE_RUNS - _FEW_RUNS)


def _differences(few: tuple[str, ...], more: tuple[str, ...], times: int, *options: str) -> dict[str, float]:
    with ThreadPoolExecutor(_BOTH_AT_ONCE) as pool:
        counts = {
            policy: [pool.submit(_callgrind, options, policy, *arguments) for arguments in (few, more)]
            for policy in _ON_OFF
        }
    return {
        policy: (of_more.result() - of_few.result()) / times for policy, (of_few, of_more) in counts.items()
    }


def _callgrind(options: Sequence[str], policy: str, *arguments: str) -> int:
    return callgrind.count(_MODULE, policy, *arguments, options=options)


def _counts(quick: bool) -> bool:
    """Tell whether instructions are counted, which takes minutes."""
    return not quick and shutil.which("valgrind") is not None


def _run(settings: Settings) -> Findings:
    calls, programs = {}, {}
    for name, case in _CALLS.items():
        settings.step(name)
        calls[name] = call(time_call, *case, _CALL_ROUNDS[settings.quick], seconds=_SECONDS)
    for name, command in _PROGRAMS.items():
        settings.step(name)
        programs[name] = call(time_program, command, _PROGRAM_ROUNDS[settings.quick], seconds=_SECONDS)
    counted_calls, counted_programs = _count(settings) if _counts(settings.quick) else ({}, {})
    rows = [
        *(_row("call", name, times, 1, "ns") for name, times in calls.items()),
        *(_row("program", name, times, 1e6, "ms") for name, times in programs.items()),
        *(_counted_row("a call", *item) for item in counted_calls.items()),
        *(_counted_row("a program", *item) for item in counted_programs.items()),
    ]
    claims = [
        _claim("Reservations cost at most 5 % of a system call.", calls, counted_calls, 5),
        _claim("Reservations cost at most 2 % of a whole program.", programs, counted_programs, 2),
    ]
    return Findings(claims, rows, [_plot({**calls, **programs})])


def _count(settings: Settings) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Count the instructions of calls and of programs."""
    calls, programs = {}, {}
    settings.step("compiled modules for valgrind's processor")
    for command in (("calls", "yield", "1", "0", "-"), *_PROGRAMS.values()):
        call(_callgrind, (), "reserve", "1", *command, seconds=_SECONDS)
    for name, case in _COUNTED_CALLS.items():
        settings.step(f"instructions of {name}")
        calls[name] = call(count_call, *case, seconds=_SECONDS)
    for name, program in _COUNTED_PROGRAMS.items():
        settings.step(f"instructions of {name}")
        programs[name] = call(count_program, program, seconds=_SECONDS)
    return calls, programs


def _more(times: dict[str, list[float]]) -> Figure:
    """Return by how many percent reservations make it slower, with the quartiles of the rounds.

    Orders alternate, so a round of each order makes one figure.
    """
    ratios = [mine / theirs for mine, theirs in zip(times["reserve"], times["fail"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Figure(*(100 * (ratio - 1) for ratio in (middle, low, high)))


def _row(kind: str, name: str, times: dict[str, list[float]], scale: float, unit: str) -> Row:
    return {
        kind: name,
        f"with reservations, {unit}": statistics.median(times["reserve"]) / scale,
        f"without, {unit}": statistics.median(times["fail"]) / scale,
        "more, % (quartiles)": _more(times),
    }


def _counted_row(what: str, name: str, counts: dict[str, float]) -> Row:
    return {
        f"instructions of {what}": name,
        "with reservations": counts["reserve"],
        "without": counts["fail"],
        "more, %": _more_counted(counts),
    }


def _more_counted(counts: dict[str, float]) -> float:
    return 100 * (counts["reserve"] / counts["fail"] - 1)


def _claim(
    claim: str, times: dict[str, dict[str, list[float]]], counted: dict[str, dict[str, float]], most: float
) -> Claim:
    """Judge by instructions, which a busy machine does not change; time must not speak against it.

    It does where three rounds in four took more. Where nothing is counted, its median is the judge.
    """
    by_time = {name: _more(each) for name, each in times.items()}
    medians = {name: figure.median for name, figure in by_time.items()}
    found, holds = f"by time {_worst(medians)}", max(medians.values()) <= most
    if counted:
        by_count = {name: _more_counted(each) for name, each in counted.items()}
        found = f"by instructions {_worst(by_count)}; {found}"
        least = max(figure.least for figure in by_time.values())
        holds = max(by_count.values()) <= most and least <= most
    return Claim(claim, "not measured", found, holds)


def _worst(found: dict[str, float]) -> str:
    worst = max(found, key=lambda name: found[name])
    return f"{found[worst]:.1f} % at most ({worst}), median {statistics.median(found.values()):.1f} %"


def _plot(times: dict[str, dict[str, list[float]]]) -> Bars:
    return Bars(
        "More processor time with reservations",
        "%",
        list(times),
        {"more": [_more(each).median for each in times.values()]},
        ("5 %", 5),
    )


EXPERIMENT: Final = Experiment(
    "overhead",
    "What do reservations cost where memory is plentiful?",
    "The same guest makes the same calls in two kernels, one that reserves and one that does not, round by "
    "round in turns; so do whole programs. Both kernels count each byte in the same heaps. Where valgrind is "
    "installed, the instructions that it counts are the judge; processor time stands beside them.",
    lambda quick: (
        len(_CALLS) + len(_PROGRAMS) + (1 + len(_COUNTED_CALLS) + len(_COUNTED_PROGRAMS)) * _counts(quick)
    ),
    _run,
)


def _main(policy: Policy, repeats: str, *command: str) -> None:
    with Kernel(_HEAP, on_exhaustion=policy) as kernel:
        for _ in range(int(repeats)):
            _run_program(kernel, command)


if __name__ == "__main__":
    _main(*sys.argv[1:])  # type: ignore[arg-type]
