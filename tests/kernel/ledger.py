"""What system calls were measured to take, row by row, beside what their bounds allow.

`python tests/kernel/ledger.py` measures all of them and prints the table.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass

from driver import OUTSIDE, Machine

from hardtack.kernel.process import Process
from hardtack.kernel.system_calls import TABLE, Row


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

    def machine(self, *arguments, flush: bool = True, **keywords) -> Machine:
        """Make a machine whose calls are entered here."""
        return Machine(*arguments, observe=self.observe, flush=flush, **keywords)

    def table(self) -> str:
        """Return the measurements as a table."""
        lines = [
            f"{'call':26}{'maximum':>9}{'bound':>9}{'peak':>9}{'ratio':>7}{'least':>7}{'calls':>8}  case"
        ]
        for entry in self.entries.values():
            ratio = entry.bound / entry.peak if entry.peak > 0 else 0
            lines.append(
                f"{entry.row.name:26}{entry.row.maximum:9}{entry.bound:9}{entry.peak:9}{ratio:7.2f}"
                f"{1 / entry.worst if entry.worst else 0:7.2f}{entry.calls:8}"
                f"  {entry.where}, {entry.worst_where}"
            )
        return "\n".join(lines)


def measure() -> Ledger:
    """Run every worst case and the random workload; takes some seconds."""
    import workload
    import worst_cases
    import worst_cases_on_disk  # noqa: F401 - it enters its cases in the list

    ledger = Ledger()
    gc.collect()
    gc.freeze()  # so that emptying the free lists before each call is quick
    for case in worst_cases.CASES:
        ledger.where = case.__name__
        OUTSIDE.run(case, ledger)
    for seed in range(workload.SEEDS):
        ledger.where = f"random {seed}"
        OUTSIDE.run(workload.run, ledger, seed)
    return ledger


if __name__ == "__main__":
    done = measure()
    print(done.table())
    print("\n".join(done.overruns[:40]), f"{len(done.overruns)} overruns", sep="\n")
