"""`interpreter`: CPython itself where an allocation fails, and the same operations under reservations."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

from hardtack.errors import ReservationImpossible, WouldBlock
from hardtack.heap import Heap
from hardtack.lab import failing_allocations
from hardtack.lab.children import ChildFailed, call_together
from hardtack.lab.experiment import Bars, Claim, Experiment, Findings, Row
from hardtack.lab.measuring import given, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.lab.experiment import Settings

_SAMPLES: Final = (1_000_000, 2500)  # allocations that fail, as far as there are so many; quick
_CAPACITIES: Final = (120, 12)  # of heaps, for each operation; quick
_SECONDS: Final = 600.0
_VERSIONS: Final = re.compile(r"python3\.1[1-9]")
_MARGIN: Final = 4096  # bytes beyond what an operation was measured to hold, for what it holds the first time
_KINDS: Final = ("MemoryError", "swallowed", "SystemError", "other error", "crash", "hang")
_REFUSED, _DONE, _FAILED = range(3)


class _Failed(TypedDict):
    version: str
    operations: dict[str, dict[str, int]]
    crashes: list[tuple[str, int, int]]


class _Reserved(TypedDict):
    version: str
    operations: dict[str, list[int]]


def pythons() -> list[str]:
    """Return one Python of each version from 3.11 on that is here and can fail its allocations.

    What can is CPython's own test module, which some distributions leave out.
    """
    names = [sys.executable]
    names += [name for minor in range(11, 20) if (name := shutil.which(f"python3.{minor}"))]
    names += map(str, sorted(Path.home().glob(".pyenv/versions/3.*/bin/python")))
    found: dict[str, str] = {}
    for name in names:
        check = "import sys, _testcapi; _testcapi.set_nomemory; print('python%d.%d' % sys.version_info[:2])"
        done = subprocess.run([name, "-I", "-c", check], capture_output=True, text=True, check=False)
        version = done.stdout.strip()
        if done.returncode == 0 and _VERSIONS.fullmatch(version):
            found.setdefault(version, name)
    return [found[version] for version in sorted(found)]


def fail_each(python: str, samples: int, seed: int) -> _Failed:
    """Have a Python fail allocations; blocks.

    Raises:
        ChildFailed: it could not.
    """
    script = failing_allocations.__file__
    arguments = [python, "-I", script, str(samples), str(seed)]
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, timeout=_SECONDS
    )
    if done.returncode:
        raise ChildFailed(f"{python} {script} ended with status {done.returncode}")
    result: _Failed = json.loads(done.stdout)
    return result


def reserve_each(capacities: int, seed: int) -> _Reserved:
    """Do each operation under a reservation, in heaps from none to twice of what it takes; blocks.

    Returns:
        For each operation how often it was refused at the border, done, and ended in any other way.
    """
    draw = random.Random(seed)
    found: dict[str, list[int]] = {}
    for name, operation in failing_allocations.OPERATIONS.items():
        need = measure(operation, lambda: given(), warm=3).peak * 5 // 4 + _MARGIN
        outcomes = [0, 0, 0]
        for place in range(capacities):
            capacity = max(4096, int(2 * need * (place + draw.random()) / capacities))
            outcomes[_try(operation, need, capacity)] += 1
        found[name] = outcomes
    return {"version": ".".join(map(str, sys.version_info[:3])), "operations": found}


def _try(operation: Callable[[], object], need: int, capacity: int) -> int:
    """Do an operation in a forked process, in a heap of a capacity, if that lets it in."""
    pid = os.fork()
    if pid == 0:
        status = _FAILED
        try:
            heap = Heap(capacity, name="small", slack=0)
            try:
                reservation = heap.reserve_nowait(need)
            except (WouldBlock, ReservationImpossible):
                os._exit(_REFUSED)
            reservation.run(heap, operation)
            status = _DONE if heap.statistics().failures == 0 == heap.overruns else _FAILED
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else _FAILED


def _run(settings: Settings) -> Findings:
    settings.step("all at once")
    failed: list[_Failed]
    reserved: _Reserved
    *failed, reserved = call_together(
        [
            *((fail_each, (python, _SAMPLES[settings.quick], settings.seed)) for python in pythons()),
            (reserve_each, (_CAPACITIES[settings.quick], settings.seed)),
        ],
        seconds=_SECONDS,
    )
    rows: list[Row] = [_row(each) for each in failed]
    refused, done, broken = (sum(column) for column in zip(*reserved["operations"].values(), strict=True))
    rows.append(
        {
            "Python": reserved["version"],
            "operations": len(reserved["operations"]),
            "heaps": refused + done + broken,
            "refused at the border": refused,
            "done": done,
            "failed in any way": broken,
        }
    )
    return Findings(_claims(failed, done, refused, broken), rows, [_plot(failed)] if failed else [])


def _total(failed: _Failed, kind: str) -> int:
    return sum(row.get(kind, 0) for row in failed["operations"].values())


def _row(failed: _Failed) -> Row:
    counts: dict[str, str | int] = {kind: _total(failed, kind) for kind in _KINDS}
    worst = {name: row["crash"] for name, row in failed["operations"].items() if row.get("crash")}
    return {
        "Python": failed["version"],
        "operations": len(failed["operations"]),
        "allocations failed": sum(_total(failed, kind) for kind in _KINDS),
        **counts,
        "crashes in": ", ".join(sorted(worst, key=lambda name: -worst[name])[:4]) or "-",
    }


def _claims(failed: list[_Failed], done: int, refused: int, broken: int) -> list[Claim]:
    found = "; ".join(
        f"{each['version']}: {_total(each, 'crash')} crashes, {_total(each, 'SystemError')} SystemErrors, "
        f"{_total(each, 'swallowed')} swallowed, {_total(each, 'hang')} hangs"
        for each in failed
    )
    bad = [_total(each, "crash") + _total(each, "SystemError") + _total(each, "swallowed") for each in failed]
    return [
        Claim(
            "Handing out NULL is no way to run: CPython itself does not survive each failed allocation.",
            "bailing out everywhere is very hard to get right (lecture, 20.5)",
            found or "no Python on this machine has _testcapi.set_nomemory",
            bool(failed) and all(bad) and any(_total(each, "crash") for each in failed),
        ),
        Claim(
            "Under reservations the same operations are refused before they begin, or run to their end.",
            "",
            f"{done} ran to their end, {refused} were refused at the border, {broken} failed in any way",
            not broken and bool(done) and bool(refused),
        ),
    ]


def _plot(failed: list[_Failed]) -> Bars:
    kinds = [kind for kind in _KINDS if kind != "MemoryError"]
    return Bars(
        "One allocation failed: what came of it, a clean MemoryError aside",
        "allocations",
        kinds,
        {each["version"]: [_total(each, kind) for kind in kinds] for each in failed},
    )


EXPERIMENT: Final = Experiment(
    "interpreter",
    "Does CPython survive an allocation that fails?",
    "Thirty-two operations, from JSON to coroutines, run in forked processes, and in each one allocation "
    "fails, by CPython's own _testcapi.set_nomemory and without anything of hardtack's, on each Python from"
    " 3.11 on that is here. Then the same operations under reservations, in heaps from none to twice of "
    "what they take, on the Python that hardtack is installed for.",
    lambda quick: 1,
    _run,
)
