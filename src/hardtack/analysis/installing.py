"""Putting what a summary says into a caller's state, by the caller's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir, tracebacks
from hardtack.analysis.alternatives import CYCLES, NAME
from hardtack.analysis.domain import NOTHING, Cell, Value, join_cells, join_holdings
from hardtack.analysis.interpreting import SiteOf
from hardtack.analysis.marks import OWN_TUPLES
from hardtack.analysis.parameters import PATH
from hardtack.analysis.records import replace
from hardtack.analysis.renaming import Renaming, callers, origins_of_caller, symbols_of_caller
from hardtack.analysis.shapes import Refused, changed_parts, grows_only, is_as_made
from hardtack.symbolic import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from hardtack.analysis.domain import Object, Site
    from hardtack.analysis.footprints import Kept
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.marks import Marks
    from hardtack.analysis.results import Finding
    from hardtack.analysis.shapes import Shape
    from hardtack.analysis.states import State
    from hardtack.analysis.summaries import Summary

_OUTSIDE = frozenset({"constant", "function", "class", "globals", "cache"})
_ELSEWHERE = 1 << 40  # sites from here on stand for those of a summary, until the caller's make room
CAUGHT = "$caught"  # what an exception is to a reader that the caller catches


class Outward:
    """The caller's names for what a summary has.

    Raises:
        Refused: two of its names are one of the caller's.
    """

    def __init__(self, interp: Interpreter, shape: Shape, summary: Summary, context: int) -> None:
        self.interp = interp
        self.shape = shape
        self.summary = summary
        self.context = context
        self.text = callers(shape.names)
        symbol = symbols_of_caller(shape.names)
        origin = origins_of_caller(shape.names, context)
        self.renaming = Renaming(lambda obj: obj, symbol, self.text, origin)
        self._symbol, self._origin = symbol, origin
        self._sites: dict[Site, Site] = {}
        states = [state for state, _ in summary.raised.values()]
        states += [] if summary.end is None else [summary.end]
        outside = {obj >> 1 for state in states for obj, cell in state.cells.items() if not cell.owned}
        if len({self.site(site) for site in outside}) < len(outside):
            raise Refused

    def within(self, where: Callable[[Object], Object]) -> Renaming:
        """Return a renaming for one state, with its own names of objects."""
        renaming = Renaming(where, self._symbol, self.text, self._origin)
        renaming.share(self.renaming)
        return renaming

    def key(self, key: Hashable) -> Hashable:
        """Return the caller's key of a site."""
        own = self.summary.own
        return self.interp.keys[self.site(own.sites[key])]

    def site(self, site: Site) -> Site:
        """Return the caller's number of a site."""
        if site < self.summary.given:
            return self.shape.actual[site]
        found = self._sites.get(site)
        if found is None:
            found = self._sites[site] = self._site(site)
        return found

    def _site(self, site: Site) -> Site:
        own = self.summary.own
        key, of = own.keys[site], own.site_of[site]
        assert isinstance(key, tuple)
        if key[0] == PATH:
            path = self.text(key[1])
            name = self.text(key[3]) if key[2] == "unknown" else key[3]
            return self.interp.site((PATH, path, key[2], name), SiteOf(path, "", None, of.single))
        if isinstance(key[0], str) and key[0] in _OUTSIDE:
            return self.interp.site(key, of)
        what = of.what
        if what == CAUGHT and self.interp.catching:
            what = self.interp.catching[-1].what  # type: ignore[attr-defined]
        place = of.place if of.place is None else self.place(of.place)
        return self.interp.site(
            ("in", self.context, key), SiteOf(self.text(what), of.function, place, of.single)
        )

    def place(self, at: ir.Place) -> ir.Place:
        """Return a place; what happens before the function's first line does so where it is called."""
        return at if at.file else self.interp.at

    def finding(self, found: Finding) -> Finding:
        """Return what was found, as the caller has it."""
        message = self.text(found.message)
        if found.file:
            return found if message == found.message else replace(found, message=message)
        at = self.interp.at
        return replace(found, message=message, file=at.file, line=at.line, column=at.column)

    def event(self, event: tuple[object, object]) -> tuple[object, object]:
        """Return the caller's name of a join."""
        join, index = event
        if join == "ω":
            assert isinstance(index, int)
            return self.shape.events[index]
        return self._join(join), index

    def _join(self, join: object) -> object:
        if isinstance(join, tuple) and join[:1] == (NAME,):
            return (NAME, ("in", self.context, join))
        return ("in", self.context, join)

    def is_ours(self, join: object) -> bool:
        """Tell whether a join stems from an earlier call at this place."""
        if not isinstance(join, tuple):
            return False
        if join[:1] == (NAME,):
            join = join[1]
        return isinstance(join, tuple) and join[:2] == ("in", self.context)

    def pool(self, pool: str | Kept) -> str | Kept:
        """Return the caller's name of a kind of blocks."""
        if isinstance(pool, str) and pool.startswith(OWN_TUPLES):
            return f"{OWN_TUPLES}{self.site(int(pool.removeprefix(OWN_TUPLES)))}"
        return pool


def install(
    interp: Interpreter,
    state: State,
    after: State,
    value: Value,
    summary: Summary,
    out: Outward,
    marks: Marks,
) -> Value:
    """Have a state be as a summary leaves it; returns what a value of the summary's is in it."""
    installing = _Installing(interp, state, after, summary, out)
    found = installing.whole(value, marks)
    del installing.renaming  # which has a method of it: a cycle lives on
    return found


class _Installing:
    def __init__(
        self, interp: Interpreter, state: State, after: State, summary: Summary, out: Outward
    ) -> None:
        self.interp, self.state, self.after, self.summary, self.out = interp, state, after, summary, out
        self.own = summary.own
        self.moved: dict[Site, Site] = {}  # sites that stand elsewhere, and where they belong
        self.renaming = out.within(self.where)
        self.given = summary.given
        self.depth = len(state.frames)

    def whole(self, value: Value, marks: Marks) -> Value:
        """Do all of it."""
        state, out, after = self.state, self.out, self.after
        self._forget_joins()
        for obj in after.cells:
            site = obj >> 1
            if site >= self.given and after.cells[obj].owned:
                actual = out.site(site)
                if actual * 2 in state.cells or actual * 2 + 1 in state.cells:
                    self.moved[site] = actual
        for obj, cell in after.cells.items():
            self._cell(obj, cell)
        for obj, cell in self.summary.cells.items():
            if cell.owned and obj not in after.cells:
                state.cells.pop(self.where(obj), None)
        self._worlds()
        for pool, size in after.high.items():
            named, new = out.pool(pool), self.renaming.size(size) + marks.common.get(pool, ZERO)
            ours = pool in marks.pools or named not in state.high
            state.high[named] = new if ours else state.high[named] | new
        state.garbage = state.garbage + self.renaming.size(after.garbage)
        lost = after.frames[0].get(CYCLES, NOTHING)
        if lost.objects:
            before = state.frames[0].get(CYCLES, NOTHING)
            state.frames[0][CYCLES] = Value(before.objects | self.renaming.value(lost).objects)
        frame = state.frame
        frame["%summary"] = self.renaming.value(value)
        self._settle()
        return frame.pop("%summary")

    def where(self, obj: Object) -> Object:
        """Return where an object of the summary's stands."""
        site = obj >> 1
        if site in self.moved:
            return (_ELSEWHERE + site) * 2 + (obj & 1)
        actual = self.out.site(site) * 2 + (obj & 1)
        if actual not in self.state.cells and site >= self.given:
            self._outside(obj, actual)
        return actual

    def _outside(self, obj: Object, actual: Object) -> None:
        """Make what existed before and was not asked for by the caller yet."""
        cell = self.after.cells.get(obj)
        if cell is None or cell.owned:
            return
        original = self.own.originals.get(obj, cell)
        made = self.out.renaming.cell(original, {} if original.type is not None else None)
        if original.type is None and original.refers_to():
            made = self.renaming.cell(original)
        self.state.cells[actual] = made
        if original.type is not None:
            self.interp.originals.setdefault(actual, made)
        if obj in self.own.constants:
            self.interp.constants[actual] = self.own.constants[obj]

    def _cell(self, obj: Object, cell: Cell) -> None:
        state, before = self.state, self.summary.cells.get(obj)
        if cell is before or cell.kind == "set aside":
            return
        if cell.owned:
            state.cells[self.where(obj)] = self.renaming.cell(self._at_depth(cell))
            return
        if is_as_made(self.own, obj, cell):
            return
        actual = self.where(obj)
        known = state.cells.get(actual)
        made = self.renaming.cell(cell, changed_parts(self.own, obj, cell))
        if known is not None:
            made = replace(made, fields={**known.fields, **made.fields})
            if grows_only(cell):
                holdings = join_holdings(known.holdings, made.holdings)
                made = replace(made, bytes=known.bytes + made.bytes, holdings=holdings)
        state.cells[actual] = made

    def _at_depth(self, cell: Cell) -> Cell:
        """Return a traceback with the number of frames that it does not leave, as the caller counts them."""
        if cell.kind != tracebacks.KIND or cell.name in {"", tracebacks.COMPLETE}:
            return cell
        return replace(cell, name=str(int(cell.name) + self.depth - 1))

    # -- worlds
    def _forget_joins(self) -> None:
        is_ours = self.out.is_ours
        for site, world in list(self.state.worlds.items()):
            kept = tuple([one for one in world if not is_ours(one[0][0])])
            if len(kept) == len(world):
                continue
            if kept:
                self.state.worlds[site] = kept
            else:
                del self.state.worlds[site]

    def _worlds(self) -> None:
        worlds = self.state.worlds
        for site in {obj >> 1 for obj, cell in self.after.cells.items() if cell.owned}:
            own = self.after.worlds.get(site, ())
            if site < self.given and own == self.summary.worlds.get(site, ()):
                continue
            actual = _ELSEWHERE + site if site in self.moved else self.out.site(site)
            worlds.pop(actual, None)
            if own:
                worlds[actual] = tuple((self.out.event(event), side) for event, side in own)
        for obj in self.summary.cells.keys() - self.after.cells.keys():
            actual = self.out.site(obj >> 1)
            if actual * 2 not in self.state.cells and actual * 2 + 1 not in self.state.cells:
                worlds.pop(actual, None)

    # -- the caller has objects of the same sites, of an earlier call
    def _settle(self) -> None:
        state = self.state
        names: dict[Object, Object] = {}
        for site, actual in self.moved.items():
            key = self.interp.keys[actual]
            state.demote(actual, lambda cell, key=key: self.interp.as_many(key, cell))  # type: ignore[misc]
            here = (_ELSEWHERE + site) * 2
            newest, older = state.cells.pop(here, None), state.cells.pop(here + 1, None)
            before = state.cells.get(actual * 2 + 1)  # none if the call let go of what was there
            if before is not None:
                state.cells[actual * 2 + 1] = self._merged(key, before, older, newest)
            elif older is not None:
                state.cells[actual * 2 + 1] = older
            if newest is not None:
                state.cells[actual * 2] = newest
            state.worlds.pop(_ELSEWHERE + site, None)
            names[here], names[here + 1] = actual * 2, actual * 2 + 1
        if names:
            state.rename(names)

    def _merged(self, key: Hashable, before: Cell, older: Cell | None, newest: Cell | None) -> Cell:
        """Return older objects of two calls together, where shared with the newest one's bytes in them."""
        covered = older is not None and older.shared
        if older is not None:
            size, pooled = before.bytes + older.bytes, before.pooled + older.pooled
            before = replace(join_cells(before, older), bytes=size, pooled=pooled)
        if before.shared and newest is not None and not covered:
            before = replace(before, bytes=before.bytes + self.interp.as_many(key, newest).bytes)
        return before
