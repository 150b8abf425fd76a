"""`concurrency`: a reservation that is too large lets too few in."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypedDict

from hardtack.analysis.bounds import bound
from hardtack.heap import Heap
from hardtack.lab.children import call
from hardtack.lab.experiment import Claim, Experiment, Figure, Findings, Lines, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.lab.experiment import Settings

_CAPACITY: Final = 4 << 20
_LARGEST: Final = 65536  # bytes of a request
_SMALLEST: Final = 256
_THREADS: Final = 32
_SERVICE: Final = 0.005  # seconds that a call waits for a device while it holds its memory
_SECONDS: Final = (6.0, 1.2)  # of one run; quick
_REPEATS: Final = (3, 1)  # quick
_SIZES: Final = ("M / 2", "M / 8", "the proved bound", "the bound on the arguments")


def handle(request: bytes) -> bytes:
    """Be a call whose memory grows with its argument; its bound is what the analyser finds here."""
    answer = bytearray(request)
    answer += request
    return bytes(answer)


class _Run(TypedDict):
    bytes: int
    calls: int
    seconds: float
    flying: float
    failures: int


@dataclass
class _Door:
    """Counts the calls that are in flight."""

    inside: int = 0
    calls: int = 0
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> None:
        """Count one more."""
        with self.lock:
            self.inside += 1
            self.calls += 1
            self.seen += self.inside

    def leave(self) -> None:
        """Count one less."""
        with self.lock:
            self.inside -= 1


def bounds() -> dict[str, int]:
    """Return the analyser's bound of `handle` for the largest and for the smallest request, in bytes.

    Raises:
        HardtackError: mypy is not installed.
    """
    found = bound(f"{__name__}:handle")
    return {"largest": found.for_call(bytes(_LARGEST)), "smallest": found.for_call(bytes(_SMALLEST))}


def _sizer(size: str) -> Callable[[bytes], int]:
    """Return what says how much a request reserves."""
    if size == "M / 2":
        return lambda _: _CAPACITY // 2
    if size == "M / 8":
        return lambda _: _CAPACITY // 8
    found = bound(f"{__name__}:handle")
    if size == "the proved bound":
        largest = found.for_call(bytes(_LARGEST))
        return lambda _: largest
    return found.for_call


def serve(size: str, seconds: float, seed: int) -> _Run:
    """Have threads make calls for a time, each reserving first; blocks."""
    heap = Heap(_CAPACITY, name="service", slack=0)
    sizer, door = _sizer(size), _Door()
    end = time.monotonic() + seconds
    reserved: list[int] = []

    def work(number: int) -> None:
        draw = random.Random(seed * _THREADS + number)
        while time.monotonic() < end:
            request = bytes(int(_SMALLEST * (_LARGEST / _SMALLEST) ** draw.random()))
            amount = sizer(request)
            reserved.append(amount)
            with heap.reserve(amount), heap:
                door.enter()
                handle(request)
                time.sleep(_SERVICE)
                door.leave()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_THREADS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statistics = heap.statistics()
    return {
        "bytes": sum(reserved) // len(reserved),
        "calls": door.calls,
        "seconds": time.monotonic() - started,
        "flying": door.seen / door.calls,
        "failures": statistics.failures + statistics.overruns,
    }


def _run(settings: Settings) -> Findings:
    settings.step("the analyser reads the call")
    proved = call(bounds, seconds=300)
    found: dict[str, list[_Run]] = {}
    for size in _SIZES:
        settings.step(size)
        seconds = _SECONDS[settings.quick]
        found[size] = [
            call(serve, size, seconds, settings.seed + turn, seconds=seconds * 3 + 120)
            for turn in range(_REPEATS[settings.quick])
        ]
    rows: list[Row] = [
        {
            "reservation": size,
            "bytes, mean": runs[0]["bytes"],
            "calls a second": Figure.of([run["calls"] / run["seconds"] for run in runs]),
            "in flight, mean": Figure.of([run["flying"] for run in runs]),
            "calls beyond their bound": sum(run["failures"] for run in runs),
        }
        for size, runs in found.items()
    ]
    return Findings(_claims(found, proved), rows, [_plot(found)])


def _rate(runs: list[_Run]) -> float:
    return Figure.of([run["calls"] / run["seconds"] for run in runs]).median


def _flying(runs: list[_Run]) -> float:
    return Figure.of([run["flying"] for run in runs]).median


def _claims(found: dict[str, list[_Run]], proved: dict[str, int]) -> list[Claim]:
    half, _, largest, exact = (found[size] for size in _SIZES)
    broken = sum(run["failures"] for runs in found.values() for run in runs)
    return [
        Claim(
            "Reserving half of memory for each call, two calls can run.",
            "two calls can run (lecture, 20.6)",
            f"{_flying(half):.1f} in flight, {_rate(half):.0f} calls a second",
            _flying(half) <= 2,
        ),
        Claim(
            "With the proved bound many more run, and with the bound on the arguments all do.",
            "",
            f"{_flying(largest):.1f} and {_flying(exact):.1f} of {_THREADS} in flight; {_rate(largest):.0f} "
            f"and {_rate(exact):.0f} calls a second",
            _flying(half) * 3 < _flying(largest) < _flying(exact) and _flying(exact) > 0.8 * _THREADS,
        ),
        Claim(
            "The bound is proved from the source, and no call goes beyond it.",
            "most bounds under 500 kB, found by the analyser",
            f"{proved['smallest']:,} to {proved['largest']:,} bytes; {broken} calls beyond their bound",
            not broken,
        ),
    ]


def _plot(found: dict[str, list[_Run]]) -> Lines:
    points = sorted((float(runs[0]["bytes"]), size) for size, runs in found.items())
    return Lines(
        "Throughput and calls in flight against what a call reserves",
        "bytes that a call reserves, mean",
        "% of the best",
        {
            name: [(at, 100 * figure(found[size]) / max(map(figure, found.values()))) for at, size in points]
            for name, figure in (("calls a second", _rate), ("in flight", _flying))
        },
        logarithmic=True,
    )


EXPERIMENT: Final = Experiment(
    "concurrency",
    "How many calls does the size of a reservation let in?",
    "Thirty-two threads make calls with requests of 256 bytes to 64 KiB in a heap of 4 MiB; each holds its "
    "memory while it waits 5 ms for a device. A call reserves half of memory, an eighth, the bound that the"
    " analyser proves for the largest request, or that bound evaluated on its own request.",
    lambda quick: 1 + len(_SIZES),
    _run,
)
