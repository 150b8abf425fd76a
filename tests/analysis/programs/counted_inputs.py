from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import counted as c

INPUTS = {
    one: list(calls(one))
    for one in (
        c.down_from_ten,
        c.notes_of_all,
        c.failed_step_by_step,
        c.held_by_all,
        c.left_by_error,
        c.caught_inside,
        c.errors_of_a_recursion,
        c.branches,
        c.partial_with_keywords,
        c.partial_called_once,
    )
}
INPUTS |= {one: [given] for one in (c.failed_deep_down, c.held_by_none_but_frames)}
INPUTS[c.failed_by_itself] = [lambda t=t, n=n: given(t, n) for t in ("", "ab" * 500) for n in (0, 1, 20, 39)]
INPUTS[c.gathered_by_a_check] = [lambda n=n: given(n) for n in (0, 1, 2, 3, 5, 20, 100, 1000)]
