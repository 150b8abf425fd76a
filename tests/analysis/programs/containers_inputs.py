from __future__ import annotations

from values import SIZES, calls, distinct

from hardtack.lab.measuring import given
from programs import containers

FUNCTIONS = (
    containers.grouped,
    containers.inverted,
    containers.merged,
    containers.unique,
    containers.differing,
    containers.window_sums,
    containers.most_common,
    containers.by_first,
    containers.smallest,
    containers.halves,
    containers.transposed,
    containers.sorted_by_length,
    containers.sorted_in_place,
    containers.recent_only,
    containers.queue_drained,
    containers.grow_bytes,
    containers.copies,
    containers.shrunk_then_grown,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
INPUTS[containers.merged] += [
    lambda a=a, b=b: given(dict.fromkeys(distinct(str, a), 1), {f"x{row}": row for row in range(b)})
    for a in (0, 5, 6, 85, 86, 341)
    for b in (0, 5, 6, 85, 341)
]
INPUTS[containers.smallest] += [lambda n=n: given(list(range(300, 0, -1)), n) for n in SIZES]
INPUTS[containers.differing] += [
    lambda n=n: given(set(range(n)), set(range(n, 2 * n))) for n in (1, 5, 19, 77, 307)
]
