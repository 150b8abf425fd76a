"""Calls beside many: what one costs with 10,000 descriptors open, or beside 1,000 processes that sleep.

Our program `forktime` makes calls of one kind. The peer of a row is the same call of the same program with
10 descriptors, or with nobody beside it, in the same round: a ratio of 1 is a cost that does not grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.errors import InternalError
from hardtack.lab.rows import row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.lab.rows import Row

DESCRIPTORS: Final = 10_000
PROCESSES: Final = 1_000
_FEW: Final = 10  # descriptors
# call: how many are made in one round
_CALLS: Final = {"fork": 100, "read": 5_000, "seek": 5_000, "openclose": 2_000, "pipe": 2_000}


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure every call with few and with many descriptors, and alone and beside many processes, in turns.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured.

    Returns:
        Two rows a call, in ns.
    """
    rows = []
    with Kernel(heap="64 MiB", memory="8 GiB") as kernel:
        for call in _CALLS:
            if progress is not None:
                progress(call)
            few, descriptors, processes = [], [], []
            for _ in range(rounds):
                few.append(_nanoseconds(kernel, call, _FEW, 0))
                descriptors.append(_nanoseconds(kernel, call, DESCRIPTORS, 0))
                processes.append(_nanoseconds(kernel, call, _FEW, PROCESSES))
            rows += [
                row_of(
                    f"{call}_{DESCRIPTORS}_descriptors", "ns", {"ours": descriptors, "10 descriptors": few}
                ),
                row_of(f"{call}_{PROCESSES}_processes", "ns", {"ours": processes, "alone": few}),
            ]
    return rows


def _nanoseconds(kernel: Kernel, call: str, descriptors: int, processes: int) -> float:
    arguments = [str(_CALLS[call]), str(descriptors), str(processes), call]
    result = kernel.run("/bin/forktime", arguments, timeout=300)
    if result.exit_code:
        raise InternalError(f"forktime failed: {result.stderr.decode()}{result.failure or ''}")
    return int(result.stdout)
