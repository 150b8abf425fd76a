"""`overhead`: what reservations cost, a system call and a whole program, by the clock and in instructions."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from hardtack.lab import callgrind
from hardtack.lab.children import ChildFailed, call
from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Row
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from hardtack.heap import Policy
    from hardtack.lab.experiment import Settings

_MODULE: Final = "hardtack.lab.experiments.overhead"
_HEAP: Final = "64 MiB"
_ON_OFF: Final[tuple[Policy, ...]] = ("reserve", "fail")  # under `fail` nothing is reserved
_ROUNDS: Final = (40, 8)  # quick
_SECONDS: Final = 600.0
_WORDS: Final = b"ship's biscuit, or hardtack\n" * 2000
# What is called, how often in one round, and its arguments: operation, count, size, path.
_CALLS: Final = {
    "fd_write 16 B": ("write", 20_000, 16, "-"),
    "fd_write 64 KiB, a file": ("write", 400, 65536, "/f"),
    "fd_read 16 B, a file": ("read", 20_000, 16, "/f"),
    "clock_time_get": ("clock", 20_000, 0, "-"),
    "sched_yield": ("yield", 10_000, 0, "-"),
    "path_open and fd_close": ("openclose", 4_000, 0, "/f"),
}
_PROGRAMS: Final = {
    "mail, 300 messages": ("mail", "a", "300", "4000"),
    "cat | wc": ("sh", "-c", "cat /words | cat | wc"),
    "cp, ls, rm": ("sh", "-c", "cp /words /a ; cp /a /b ; ls / ; rm /a /b"),
}
_REPEATED: Final = 10  # a program in one round
# Counted with valgrind: a few calls, then so many more.
_COUNTED: Final = {
    "fd_write 16 B": ("write", "16", "-"),
    "fd_read 16 B, a file": ("read", "16", "/f"),
    "sched_yield": ("yield", "0", "-"),
    "path_open and fd_close": ("openclose", "0", "/f"),
}
_FEW, _MORE = 300, 1500


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


def count_instructions(operation: str, size: str, path: str) -> dict[str, float]:
    """Return the instructions of one call, with reservations and without, by callgrind; blocks."""
    return {
        policy: (callgrind.count(_MODULE, policy, operation, str(_FEW + _MORE), size, path)
                 - callgrind.count(_MODULE, policy, operation, str(_FEW), size, path)) / _MORE
        for policy in _ON_OFF
    }  # fmt: skip


def _counted(settings: Settings) -> list[str]:
    return list(_COUNTED) if _counts(settings.quick) else []


def _counts(quick: bool) -> bool:
    """Tell whether instructions are counted, which takes a minute."""
    return not quick and shutil.which("valgrind") is not None


def _run(settings: Settings) -> Findings:
    rounds = _ROUNDS[settings.quick]
    calls, programs, instructions = {}, {}, {}
    for name, case in _CALLS.items():
        settings.step(name)
        calls[name] = call(time_call, *case, rounds, seconds=_SECONDS)
    for name, command in _PROGRAMS.items():
        settings.step(name)
        programs[name] = call(time_program, command, rounds, seconds=_SECONDS)
    if _counts(settings.quick):
        settings.step("a compiled module for valgrind's processor")
        call(callgrind.count, _MODULE, "reserve", "yield", "1", "0", "-", seconds=_SECONDS)
    for name in _counted(settings):
        settings.step(f"instructions of {name}")
        instructions[name] = call(count_instructions, *_COUNTED[name], seconds=_SECONDS)
    rows = [
        *(_row("call", name, times, 1, "ns") for name, times in calls.items()),
        *(_row("program", name, times, 1e6, "ms") for name, times in programs.items()),
        *(
            {
                "instructions of a call": name,
                "with reservations": counts["reserve"],
                "without": counts["fail"],
                "more, %": 100 * (counts["reserve"] / counts["fail"] - 1),
            }
            for name, counts in instructions.items()
        ),
    ]
    return Findings(_claims(calls, programs, instructions), rows, [_plot({**calls, **programs})])


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


def _claims(
    calls: dict[str, dict[str, list[float]]],
    programs: dict[str, dict[str, list[float]]],
    instructions: dict[str, dict[str, float]],
) -> list[Claim]:
    of_calls = {name: _more(times).median for name, times in calls.items()}
    of_programs = {name: _more(times).median for name, times in programs.items()}
    claims = [
        _claim("Reservations cost at most 5 % of a system call's time.", of_calls, 5),
        _claim("Reservations cost at most 2 % of a whole program's time.", of_programs, 2),
    ]
    if instructions:
        counted = {name: 100 * (each["reserve"] / each["fail"] - 1) for name, each in instructions.items()}
        claims.append(_claim("Reservations cost at most 5 % of a system call's instructions.", counted, 5))
    return claims


def _claim(claim: str, found: dict[str, float], most: float) -> Claim:
    worst = max(found, key=lambda name: found[name])
    median = statistics.median(found.values())
    return Claim(
        claim,
        "not measured",
        f"{found[worst]:.1f} % at most ({worst}), median {median:.1f} %",
        found[worst] <= most,
    )


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
    "round in turns; so do whole programs. Processor time is taken, of which a busy machine takes little "
    "away. Where valgrind is installed, it counts the instructions of a call.",
    lambda quick: len(_CALLS) + len(_PROGRAMS) + (len(_COUNTED) + 1) * _counts(quick),
    _run,
)


def _main(policy: Policy, *arguments: str) -> None:
    with Kernel(_HEAP, on_exhaustion=policy) as kernel:
        _run_program(kernel, ("calls", *arguments))


if __name__ == "__main__":
    _main(*sys.argv[1:])  # type: ignore[arg-type]
