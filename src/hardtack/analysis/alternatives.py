"""Objects of which one register refers to one only, and nothing else to any: no two of them are alive.

Invariant: such objects are told apart when nothing else refers to them. Whatever refers to one later got it
from that register, and the others are not alive then either; a new object of one's site has no part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis.domain import is_older
from hardtack.symbolic import ZERO

CYCLES = "$cycles"  # the register, of the outermost frame, of all that lost cycles refer to: no single one
HELD = "$given"  # the same of all that the caller of a function holds while a summary of it is made
MANY = frozenset({CYCLES, HELD})

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.domain import Object
    from hardtack.analysis.states import State

NAME = "one of"


def tell_apart(state: State) -> None:
    """Have objects that one register, and nothing else, refers to one of exist in worlds of their own."""
    groups = [group for group in _groups(state) if len(group) > 1]
    if not groups:
        return
    counts = _references(state, {obj for group in groups for obj in group})
    for group in groups:
        alone = tuple(obj for obj in group if counts[obj] == 1)
        if len(alone) < 2:
            continue
        event = ((NAME, alone), 0)
        for side, obj in enumerate(alone):
            world = state.worlds.get(obj >> 1, ())
            kept = tuple(one for one in world if not _is_ours(one[0][0]))
            state.worlds[obj >> 1] = ((event, side), *kept)


def _is_ours(join: object) -> bool:
    return isinstance(join, tuple) and join[:1] == (NAME,)


def _groups(state: State) -> Iterator[list[Object]]:
    for frame in state.frames:
        for register, value in frame.items():
            if len(value.objects) > 1 and register not in MANY:
                yield [obj for obj in sorted(value.objects) if _is_single(state, obj)]


def _is_single(state: State, obj: Object) -> bool:
    """Tell whether an object is all that there is of its site, and the call's."""
    cell = state.cells.get(obj)
    return (
        cell is not None
        and cell.owned
        and not is_older(obj)
        and obj | 1 not in state.cells
        and cell.bytes is not ZERO
    )


def _references(state: State, wanted: set[Object]) -> dict[Object, int]:
    """Return how many registers and objects refer to some objects."""
    counts = dict.fromkeys(wanted, 0)
    for frame in state.frames:
        for value in frame.values():
            for obj in value.objects & wanted:
                counts[obj] += 1
    for cell in state.cells.values():
        for obj in cell.refers_to() & wanted:
            counts[obj] += 1
    return counts
