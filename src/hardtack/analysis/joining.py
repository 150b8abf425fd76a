"""Joining states: what is known where two ways of a program meet.

Invariant: the joined state covers both. Objects are never unified: what only one side has exists in that
side's world only, which `State.live` reads, so that two branches cost the greater of the two and not the sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import alternatives, footprints
from hardtack.analysis.domain import join_cells, join_values
from hardtack.analysis.records import replace
from hardtack.analysis.states import State, World, map_cell
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.domain import Cell, Object, Site, SlotKey, Value
    from hardtack.analysis.states import Event


def split(state: State, join: object) -> None:
    """Forget what a join said of the last time that the program came by: it comes by again."""
    for site, world in list(state.worlds.items()):
        kept = tuple([one for one in world if one[0][0] != join])
        if len(kept) != len(world):
            if kept:
                state.worlds[site] = kept
            else:
                del state.worlds[site]


def join_states(states: Sequence[State], join: object) -> State:
    """Return the state that covers all of some.

    `join` names the place where they meet; without one, what only one of them has is not told apart.
    """
    alive = [state for state in states if not state.dead]
    if not alive:
        return State(frames=[{} for _ in states[0].frames] if states else [{}], dead=True)
    joined = alive[0]
    for index, state in enumerate(alive[1:]):
        joined = _join(joined, state, (join, index))
    if join is not None and len(alive) > 1:
        alternatives.tell_apart(joined)
    return joined


def _join(left: State, right: State, event: Event) -> State:
    cells = dict(left.cells)
    for obj, cell in right.cells.items():
        before = cells.get(obj)
        if before is not cell:
            cells[obj] = cell if before is None else join_cells(before, cell)
    joined = State(
        frames=[_join_frames(a, b) for a, b in zip(left.frames, right.frames, strict=True)],
        cells=cells,
        high=dict(left.high),
        garbage=left.garbage | right.garbage,
        worlds=_join_worlds(left, right, event),
    )
    for obj, cell in joined.cells.items():
        if cell.shared:
            _share(joined, left, right, obj)
    for pool, size in right.high.items():
        joined.high[pool] = joined.high[pool] | size if pool in joined.high else size
    return joined


def _share(joined: State, left: State, right: State, older: Object) -> None:
    """Have shared bytes cover a side on which the newest object is alone."""
    for side in (left, right):
        if older not in side.cells and older ^ 1 in side.cells:
            alone = footprints.as_many(side.cells[older ^ 1], boxed=True)
            cell = joined.cells[older]
            joined.cells[older] = replace(cell, bytes=cell.bytes | alone.bytes)


def _join_frames(left: dict[str, Value], right: dict[str, Value]) -> dict[str, Value]:
    frame = dict(left)
    for register, value in right.items():
        before = frame.get(register)
        if before is not value:
            frame[register] = value if before is None else join_values(before, value)
    return frame


def _join_worlds(left: State, right: State, event: Event) -> dict[Site, World]:
    worlds: dict[Site, World] = {}
    left_sites = {obj >> 1 for obj, cell in left.cells.items() if cell.owned}
    right_sites = {obj >> 1 for obj, cell in right.cells.items() if cell.owned}
    for site in left_sites & right_sites:
        world = _common(left.worlds.get(site, ()), right.worlds.get(site, ()))
        if world:
            worlds[site] = world
    for state, sites, side in ((left, left_sites - right_sites, 0), (right, right_sites - left_sites, 1)):
        for site in sites:
            world = state.worlds.get(site, ())
            if event[0] is not None:
                world = ((event, side), *world)
            if world:
                worlds[site] = world
    return worlds


def _common(left: World, right: World) -> World:
    """Return what holds of a site in both: it exists only if all of that was taken."""
    return left if left == right else tuple(one for one in left if one in right)


def _nil(_key: SlotKey, _size: Size) -> Size:
    return ZERO


def same_shape(one: State, other: State) -> bool:
    """Tell whether two states differ in numbers only."""
    if one.dead != other.dead or one.high.keys() != other.high.keys() or one.worlds != other.worlds:
        return False
    if one.cells.keys() != other.cells.keys() or len(one.frames) != len(other.frames):
        return False
    return all(map(_same_frame, one.frames, other.frames)) and all(
        cell is other.cells[obj] or _bare(cell) == _bare(other.cells[obj]) for obj, cell in one.cells.items()
    )


def _same_frame(one: dict[str, Value], other: dict[str, Value]) -> bool:
    return one.keys() == other.keys() and all(
        value is other[register] or value.mapped((), _nil) == other[register].mapped((), _nil)
        for register, value in one.items()
    )


def _bare(cell: Cell) -> Cell:
    return map_cell(0, cell, _nil, bytes_too=True)


def widened(head: State, out: State) -> State:
    """Return the head of a loop with what changes in kind from round to round given up."""
    for old, new in zip(head.frames, out.frames, strict=True):
        for register, value in new.items():
            if register in old:
                new[register] = _widened_value(old[register], value)
    for obj, cell in out.cells.items():
        old_cell = head.cells.get(obj)
        if old_cell is not None and old_cell is not cell and cell.has_numbers():
            out.cells[obj] = _widened_cell(old_cell, cell)
    return out


def _widened_cell(before: Cell, after: Cell) -> Cell:
    element = _widened_value(before.element, after.element)
    mapped = _widened_value(before.mapped, after.mapped)
    fields = {
        name: _widened_value(before.fields[name], value) if name in before.fields else value
        for name, value in after.fields.items()
    }
    same = element is after.element and mapped is after.mapped
    if same and all(fields[name] is value for name, value in after.fields.items()):
        return after
    return replace(after, element=element, mapped=mapped, fields=fields)


def _widened_value(before: Value, after: Value) -> Value:
    old, new = before.number, after.number
    if old is None or new is None:
        return after
    least = new.least if old.least <= new.least else 0
    origin = new.origin
    if origin is not None and old.origin is not None and origin != old.origin:
        origin = (
            origin[0],
            origin[1] if origin[1] == old.origin[1] else None,
            origin[2] if origin[2] == old.origin[2] else None,
        )
    if least == new.least and origin == new.origin:
        return after
    return replace(after, number=replace(new, least=least, origin=origin))
