"""What system calls were measured to take, row by row, beside what their bounds allow.

The experiment `bounds` and the kernel's tests measure all of them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass

from hardtack.kernel.process import Process
from hardtack.kernel.system_calls import TABLE, Row
from hardtack.lab.machine.driver import MIB, OUTSIDE, Machine


@dataclass
class Entry:
    """One row's measurements. All in bytes.

    Attributes:
        row: the system call.
        calls: how many were measured.
        peak: the most that one held at its peak.
        bound: what that one's bound allowed.
        arguments: its arguments.
        where: during which case.
        worst: the largest ratio of a peak to its bound, with the case.
    """

    row: Row
    calls: int = 0
    peak: int = -1
    bound: int = 0
    arguments: tuple[int, ...] = ()
    where: str = ""
    worst: float = 0.0
    worst_where: str = ""


class Ledger:
    """The measurements of all rows."""

    def __init__(self) -> None:
        self.entries = {row.name: Entry(row) for row in TABLE}
        self.overruns: list[str] = []
        self.where = ""

    def observe(
        self,
        row: Row,
        process: Process,
        arguments: tuple[int, ...],
        bound: int,
        peak: int,
        kept: int,
        errno: int,
    ) -> None:
        """Enter one call; see driver.Machine."""
        entry = self.entries[row.name]
        entry.calls += 1
        if peak > entry.peak:
            entry.peak, entry.bound, entry.arguments, entry.where = peak, bound, arguments, self.where
        if peak / bound > entry.worst:
            entry.worst, entry.worst_where = peak / bound, self.where
        if peak > bound or bound > row.maximum:
            self.overruns.append(
                f"{self.where}: {row.name}{arguments} -> {errno}: "
                f"peak {peak}, bound {bound}, maximum {row.maximum}"
            )

    def machine(self, heap: int = 16 * MIB, files: int | None = None, *, flush: bool = True) -> Machine:
        """Make a machine whose calls are entered here."""
        return Machine(heap, files, observe=self.observe, flush=flush)


def measure(seeds: Iterable[int], calls: int, *, directed: bool = True) -> Ledger:
    """Run every worst case, then random workloads; a thousand calls take about a second.

    Garbage is frozen, so that emptying CPython's free lists before each call is quick.

    Args:
        seeds: one for each random workload.
        calls: that each makes.
        directed: run the worst cases, too.
    """
    from hardtack.lab.machine import (
        workload,
        worst_cases,
        worst_cases_of_paths,  # noqa: F401 - they enter their cases in the list
        worst_cases_of_processes,  # noqa: F401
        worst_cases_of_transfers,  # noqa: F401
        worst_cases_on_disk,  # noqa: F401
    )

    ledger = Ledger()
    gc.collect()
    gc.freeze()
    for case in worst_cases.CASES if directed else ():
        ledger.where = case.__name__
        OUTSIDE.run(case, ledger)
    for seed in seeds:
        ledger.where = f"random {seed}"
        OUTSIDE.run(workload.run, ledger, seed, calls)
    return ledger
