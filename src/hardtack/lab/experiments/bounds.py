"""`bounds`: each system call's bound, and the most that the call was ever seen to take.

Source: Biscuit's bounds are those that its analyser printed for its published code.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from hardtack.kernel.system_calls import TABLE, by_name
from hardtack.lab.children import call, call_together
from hardtack.lab.experiment import Bars, Claim, Experiment, Findings, Row, Scatter
from hardtack.lab.machine import ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.lab.experiment import Plot, Settings

_RANDOM: Final = (1_000_000, 20_000)  # calls in all; quick
_PART: Final = 250_000  # of them in one child
_AT_ONCE: Final = 2
_CALLS: Final = 2500  # of one seed
_SECONDS: Final = 900.0
_MOST: Final = 150_000  # bytes that a bound is to stay under
_RATIO: Final = 2.5
_SHOWN: Final = 3  # overruns that are told of
_BISCUIT: Final = {
    "clock_time_get": ("SYS_GETTIMEOFDAY", 19_141),
    "fd_close": ("SYS_CLOSE", 280),
    "fd_fdstat_set_flags": ("SYS_FCNTL", 0),
    "fd_filestat_get": ("SYS_FSTAT", 24_133),
    "fd_filestat_set_size": ("SYS_FTRUNCATE", 19_293),
    "fd_pread": ("SYS_PREAD", 48_477),
    "fd_pwrite": ("SYS_PWRITE", 49_453),
    "fd_read": ("SYS_READ", 86_127),
    "fd_renumber": ("SYS_DUP2", 608),
    "fd_seek": ("SYS_LSEEK", 5_372),
    "fd_sync": ("SYS_SYNC", 48),
    "fd_write": ("SYS_WRITE", 67_493),
    "path_create_directory": ("SYS_MKDIR", 360_407),
    "path_filestat_get": ("SYS_STAT", 152_609),
    "path_link": ("SYS_LINK", 303_223),
    "path_open": ("SYS_OPEN", 198_493),
    "path_rename": ("SYS_RENAME", 1_128_211),
    "path_unlink_file": ("SYS_UNLINK", 293_065),
    "poll_oneoff": ("SYS_POLL", 299_989),
    "proc_exit": ("SYS_EXIT", 312),
    "sock_accept": ("SYS_ACCEPT", 81_725),
    "sock_recv": ("SYS_RECVFROM", 141_205),
    "sock_send": ("SYS_SENDTO", 180_545),
    "sock_shutdown": ("SYS_SHUTDOWN", 280),
    "accept": ("SYS_ACCEPT", 81_725),
    "bind": ("SYS_BIND", 180_293),
    "connect": ("SYS_CONNECT", 126_206),
    "exec": ("SYS_EXECV", 395_909),
    "fork": ("SYS_FORK", 656_666),
    "getpid": ("SYS_GETPID", 0),
    "getppid": ("SYS_GETPPID", 0),
    "kill": ("SYS_KILL", 0),
    "listen": ("SYS_LISTEN", 84_208),
    "pipe": ("SYS_PIPE2", 71_549),
    "socket": ("SYS_SOCKET", 5_048),
    "spawn": ("SYS_FORK and SYS_EXECV", 656_666 + 395_909),
    "waitpid": ("SYS_WAIT4", 48_405),
}


class _Entry(TypedDict):
    calls: int
    peak: int
    bound: int
    worst: float
    where: str


class _Measured(TypedDict):
    entries: dict[str, _Entry]
    overruns: list[str]


@dataclass(slots=True)
class _Call:
    """What all children found of one system call."""

    calls: int = 0
    peak: int = -1
    bound: int = 0
    worst: float = 0.0
    where: str = ""

    def add(self, entry: _Entry) -> None:
        """Enter what one child found."""
        self.calls += entry["calls"]
        if entry["peak"] > self.peak:
            self.peak, self.bound = entry["peak"], entry["bound"]
        if entry["worst"] > self.worst:
            self.worst, self.where = entry["worst"], entry["where"]

    @property
    def ratio(self) -> float | None:
        """Return the least ratio of a bound to what was taken; None if nothing ever was."""
        return 1 / self.worst if self.worst > 0 else None


def measure(seeds: list[int], directed: bool) -> _Measured:
    """Make random calls, _CALLS with each seed, and the worst cases if asked to; blocks."""
    found = ledger.measure(seeds, _CALLS, directed=directed)
    return {
        "entries": {
            name: {
                "calls": entry.calls,
                "peak": entry.peak,
                "bound": entry.bound,
                "worst": entry.worst,
                "where": entry.worst_where,
            }
            for name, entry in found.entries.items()
        },
        "overruns": found.overruns,
    }


def _seeds(first_seed: int, quick: bool) -> list[list[list[int]]]:
    """Return the seeds of each child, of those that run at the same time."""
    seeds = range(first_seed, first_seed + _RANDOM[quick] // _CALLS)
    parts = [list(seeds[first : first + _PART // _CALLS]) for first in range(0, len(seeds), _PART // _CALLS)]
    return [parts[first : first + _AT_ONCE] for first in range(0, len(parts), _AT_ONCE)]


def _run(settings: Settings) -> Findings:
    settings.step("directed worst cases")
    measured: list[_Measured] = [call(measure, [], True, seconds=_SECONDS)]
    for at_once in _seeds(settings.seed, settings.quick):
        settings.step(f"{sum(map(len, at_once)) * _CALLS:,} random calls")
        parts = [(measure, (seeds, False)) for seeds in at_once]
        measured += call_together(parts, seconds=_SECONDS)
    found = {row.name: _Call() for row in TABLE}
    for each in measured:
        for name, entry in each["entries"].items():
            found[name].add(entry)
    overruns = [line for each in measured for line in each["overruns"]]
    undirected = [name for name, entry in measured[0]["entries"].items() if not entry["calls"]]
    return Findings(
        _claims(found, overruns, undirected), [_row(*item) for item in found.items()], _plots(found)
    )


def _biscuit(name: str) -> tuple[str, int] | None:
    """Return Biscuit's call and its bound, for those that both kernels really have."""
    return None if "sockets" in by_name(name).missing else _BISCUIT.get(name)


def _row(name: str, found: _Call) -> Row:
    theirs = _biscuit(name)
    return {
        "call": name,
        "bound": by_name(name).maximum,
        "largest peak": max(found.peak, 0),
        "its bound": found.bound,
        "tightest ratio": found.ratio,
        "calls": found.calls,
        "Biscuit's": None if theirs is None else theirs[1],
        "which is": None if theirs is None else theirs[0],
    }


def _claims(found: dict[str, _Call], overruns: Sequence[str], undirected: Sequence[str]) -> list[Claim]:
    calls = sum(each.calls for each in found.values())
    ratios = [each.ratio for each in found.values() if each.ratio is not None]
    median = statistics.median(ratios)
    largest = max(TABLE, key=lambda row: row.maximum)
    both = {row.name: theirs[1] for row in TABLE if (theirs := _biscuit(row.name)) is not None}
    smaller = [name for name, bytes_ in both.items() if by_name(name).maximum < bytes_]
    return [
        Claim(
            "No call takes more than its bound.",
            "bounds are not compared with what calls take",
            f"{len(overruns)} of {calls:,} calls did"
            + "".join(f"; {line}" for line in overruns[:_SHOWN])
            + (f"; no worst case: {', '.join(undirected)}" if undirected else f"; worst cases: {len(found)}"),
            not overruns and not undirected,
        ),
        Claim(
            f"Bounds are tight: the median of the tightest ratios is at most {_RATIO}.",
            "not measured",
            f"{median:.2f}, over {len(ratios)} calls that take anything",
            median <= _RATIO,
        ),
        Claim(
            "Every bound is under 150 kB, and none grows with what exists.",
            "all under 500 kB but rename (1,128,211 bytes) and fork (656,666 bytes)",
            f"the largest is {largest.name}'s, {largest.maximum:,} bytes; the median of all is "
            f"{statistics.median(row.maximum for row in TABLE):,.0f}; each is an expression over a call's "
            "arguments alone",
            largest.maximum < _MOST,
        ),
        Claim(
            "Most bounds are smaller than Biscuit's for the calls that both have.",
            f"median {statistics.median(both.values()):,.0f} bytes over these calls",
            f"{len(smaller)} of {len(both)} are; median "
            f"{statistics.median(by_name(name).maximum for name in both):,.0f} bytes",
            2 * len(smaller) > len(both),
        ),
    ]


def _plots(found: dict[str, _Call]) -> list[Plot]:
    both = {row.name: theirs[1] for row in TABLE if (theirs := _biscuit(row.name)) is not None and theirs[1]}
    return [
        Scatter(
            "Each system call: the largest peak that was measured, and what its bound allowed",
            "bytes taken",
            "bytes allowed",
            {"calls": [(each.peak, each.bound) for each in found.values() if each.peak > 0]},
            "on the line a bound would be exact",
        ),
        Bars(
            "Bounds of the calls that both kernels have",
            "bytes",
            list(both),
            {"hardtack": [by_name(name).maximum for name in both], "Biscuit": list(both.values())},
            logarithmic=True,
        ),
    ]


EXPERIMENT: Final = Experiment(
    "bounds",
    "Does any system call ever take more than its bound, and how much less does it take?",
    "Every system call is made with the arguments that make it take most, and with a million drawn at "
    "random, in a kernel whose books are looked at after each call. Beside them stand the bounds that "
    "Biscuit's analyser found.",
    lambda quick: 1 + len(_seeds(0, quick)),
    _run,
)
