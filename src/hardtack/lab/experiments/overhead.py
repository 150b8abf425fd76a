"""`overhead`: what reservations cost, a system call and a whole program, by the clock and in instructions."""

from __future__ import annotations

import shutil
import statistics
from typing import TYPE_CHECKING, Final

from hardtack.lab import overhead_cases as cases
from hardtack.lab.children import call, call_together
from hardtack.lab.experiment import Bars, Claim, Experiment, Figure, Findings, Row

if TYPE_CHECKING:
    from hardtack.lab.experiment import Settings

_CALL_ROUNDS: Final = (40, 8)  # quick
_SECONDS: Final = 600.0


def _counts(quick: bool) -> bool:
    """Tell whether instructions are counted, which takes minutes."""
    return not quick and shutil.which("valgrind") is not None


def _steps(quick: bool) -> int:
    return len(cases.CALLS) + len(cases.programs(quick)) + _counts(quick)


def _run(settings: Settings) -> Findings:
    calls, programs = {}, {}
    for name in cases.CALLS:
        settings.step(name)
        calls[name] = call(cases.time_call, name, _CALL_ROUNDS[settings.quick], seconds=_SECONDS)
    for name in cases.programs(settings.quick):
        settings.step(name)
        programs[name] = call(cases.time_program, name, settings.quick, seconds=_SECONDS)
    counted_calls: dict[str, dict[str, float]] = {}
    counted_programs: dict[str, dict[str, float]] = {}
    if _counts(settings.quick):
        settings.step("instructions")
        counted_calls, counted_programs = call_together(
            [(cases.count_calls, ()), (cases.count_programs, ())], seconds=_SECONDS
        )
    rows = [
        *(_row("call", name, times, 1, "ns") for name, times in calls.items()),
        *(_row("program", name, times, 1e6, "ms") for name, times in programs.items()),
        *(_counted_row("a call", *item) for item in counted_calls.items()),
        *(_counted_row("a program", *item) for item in counted_programs.items()),
    ]
    claims = [
        _claim("Reservations cost at most 5 % of a system call's time.", calls, counted_calls, 5),
        _claim_counted("Reservations cost at most 2 % of a whole program.", programs, counted_programs, 2),
    ]
    return Findings(claims, rows, [_plot({**calls, **programs})])


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
    """Judge by the medians of time; instructions stand beside them."""
    medians = {name: _more(each).median for name, each in times.items()}
    found = f"by time {_worst(medians)}"
    if counted:
        found += f"; by instructions {_worst(_all_counted(counted))}"
    return Claim(claim, "not measured", found, max(medians.values()) <= most)


def _claim_counted(
    claim: str, times: dict[str, dict[str, list[float]]], counted: dict[str, dict[str, float]], most: float
) -> Claim:
    """Judge by instructions, which a busy machine does not change; time must not speak against it.

    It does where three rounds in four took more. Where nothing is counted, its median is the judge.
    """
    by_time = {name: _more(each) for name, each in times.items()}
    if not counted:
        return _claim(claim, times, counted, most)
    medians = {name: figure.median for name, figure in by_time.items()}
    by_count = _all_counted(counted)
    least = max(figure.least for figure in by_time.values())
    found = f"by instructions {_worst(by_count)}; by time {_worst(medians)}"
    return Claim(claim, "not measured", found, max(by_count.values()) <= most and least <= most)


def _all_counted(counted: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: _more_counted(each) for name, each in counted.items()}


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
    "round in turns; so do whole programs. Both kernels count each byte in the same heaps. A call is judged "
    "by its processor time, from guest to guest; a program by the instructions that valgrind counts, where "
    "it is installed. The other figure stands beside it; instructions of calls are those within the kernel.",
    _steps,
    _run,
)
