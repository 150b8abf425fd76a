"""The hostile suite: guests of ours each of which attacks one thing, how each ends, and under which limits.

`tests/lab/test_hostile.py` runs each beside a citizen; docs/hostile.md is the table. Besides there are the
attacks of `attacks.py`, which run under other hosts too, and the hogs in C of programs/; pointer_fuzz.py in
tests/kernel tries every argument of every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel.system_calls import TABLE, by_name
from hardtack.lab.hostile.files import FILES, OUTPUT, PATHS
from hardtack.lab.hostile.guest import USUAL as USUAL
from hardtack.lab.hostile.guest import Guest, call
from hardtack.lab.hostile.resources import DESCRIPTORS, HEAP, NAMES
from hardtack.lab.hostile.running import KERNEL, MEMORY, RECURSION
from hardtack.lab.hostile.waiting import BUFFERS, CLOCKS, POLLS, PROCESSES

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final = (
    HEAP, DESCRIPTORS, NAMES, PATHS, OUTPUT, FILES, KERNEL, MEMORY, RECURSION, CLOCKS, POLLS, BUFFERS,
    PROCESSES,
)  # fmt: skip
GUESTS: Final[Mapping[str, Guest]] = {guest.name: guest for kind in _KINDS for guest in kind}
"""Every guest by its name."""

EDGES: Final = (0, 1, 7, 65535, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 8, (1 << 32) - 1)
POINTER_CALLS: Final = tuple(row.name for row in TABLE if row.name != "proc_exit")


def bad_pointers(name: str) -> Guest:
    """Return a guest that makes one call with every argument at one edge after the other."""
    row = by_name(name)
    steps = [f"(drop {call(name, *(edge for _ in row.signature))})" for edge in EDGES]
    return Guest(f"pointers-{name}", "pointers", f"{name} with bad pointers", "".join(steps), (0,))
