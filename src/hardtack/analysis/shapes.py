"""What a call can tell of the state that it begins in, by the function's own names: its shape.

That is what its arguments and captured variables lead to, what was changed of what existed before, and all
that is known of these. The rest of the state is set aside: the call neither reads nor changes it.

What existed before and is as it was is made anew from its type when the function asks for it, so that it is
no part of the shape; what leads to it by name is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hardtack.analysis import ir
from hardtack.analysis.domain import Cell, Value
from hardtack.analysis.interpreting import SiteOf
from hardtack.analysis.parameters import PATH, cells_may_alias
from hardtack.analysis.records import replace
from hardtack.analysis.renaming import Names, Renaming
from hardtack.symbolic import ZERO

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterable

    from hardtack.analysis.domain import Object, Site
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.states import Event, State, World

_REFUSED = frozenset({"generator", "coroutine"})
_AT_HAND = frozenset({"traceback"})  # it may get the frames of functions that end now
_GROWING = frozenset({"instance", "module"})
GIVEN = "given"


class Began(Protocol):
    """Who knows how what existed before was when it was first asked for: an interpreter, or what it left."""

    keys: list[Hashable]
    originals: dict[Object, Cell]
    parts: dict[tuple[Object, str], Value]


class Refused(Exception):
    """A call begins in a state of which no summary is made."""


@dataclass
class Shape:
    """A call's shape, and what its names stand for here.

    Attributes:
        names: of symbols, paths and origins.
        sites: the sites by the function's own numbers: key, and what it is.
        actual: the same by the caller's numbers.
        cells: what there is, by own names.
        frame: the function's registers.
        held: what the caller holds by itself.
        changed: of what existed before: what is not as it was.
        passed: see `Interpreter.passed`.
        facts: what is known of sites.
        worlds: of sites, by own names.
        events: what own names of events stand for.
        taken: the caller's objects that are in it.
        set_aside: those of these whose bytes are not: the call adds to them.
    """

    names: Names
    renaming: Renaming
    sites: list[tuple[Hashable, SiteOf]] = field(default_factory=list)
    actual: list[Site] = field(default_factory=list)
    cells: dict[Object, Cell] = field(default_factory=dict)
    frame: dict[str, Value] = field(default_factory=dict)
    held: frozenset[Object] = frozenset()
    as_made: set[Object] = field(default_factory=set)
    passed: dict[str, frozenset[str]] = field(default_factory=dict)
    constants: dict[Object, object] = field(default_factory=dict)
    facts: frozenset[tuple[Hashable, str]] = frozenset()
    worlds: dict[Site, World] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    taken: frozenset[Object] = frozenset()
    set_aside: set[Object] = field(default_factory=set)

    def key(self) -> Hashable:
        """Return what tells shapes apart."""
        return (
            tuple((key, of.what, of.single) for key, of in self.sites),
            tuple((obj, _flat(cell)) for obj, cell in self.cells.items()),
            tuple(self.frame.items()),
            self.held,
            tuple(self.passed.items()),
            self.facts,
            tuple(self.worlds.items()),
        )


def _flat(cell: Cell) -> Hashable:
    return (
        cell.kind,
        cell.name,
        cell.length,
        cell.bytes,
        cell.pooled,
        cell.pool,
        cell.element,
        cell.mapped,
        tuple(cell.fields.items()),
        cell.width,
        cell.total,
        cell.owned,
        cell.type,
        cell.targets,
        cell.written,
        cell.added,
        cell.each,
        cell.shared,
        cell.substituted,
        tuple(cell.holdings.items()),
        cell.exact,
    )


def shape_of(
    interp: Interpreter, frame: dict[str, Value], own: frozenset[tuple[Hashable, str]], asks: Asks | None
) -> Shape:
    """Return the shape of a call that begins with a frame.

    Args:
        interp: the caller's.
        frame: the function's registers.
        own: what is known of the function's own sites.
        asks: what the function asks of what else was changed; None: it is not known, and so given all of it.

    Raises:
        Refused: no summary is made of such a call.
    """
    state = interp.state
    if any(cell.kind in _AT_HAND for cell in state.cells.values()):
        raise Refused
    names = Names(interp.roots)
    taken = _taken(interp, frame, names, asks)
    known = names.known
    numbers: dict[Site, int] = {}
    shape = Shape(names, None, taken=frozenset(taken))  # type: ignore[arg-type]

    actual, sites = shape.actual, shape.sites  # not the shape, which has this: a cycle lives on

    def rename(obj: Object) -> Object:
        site = obj >> 1
        if site not in numbers:
            numbers[site] = len(sites)
            actual.append(site)
            sites.append(_site(interp, site, len(sites), names))
        return numbers[site] * 2 + (obj & 1)

    shape.renaming = renaming = Renaming(
        rename, names.symbol, lambda text: names.path(text) if text in known else text, names.origin
    )
    shape.frame = {register: renaming.value(value) for register, value in frame.items()}
    for obj in taken:
        cell, own_name = state.cells[obj], rename(obj)
        if cell.kind in _REFUSED:
            raise Refused
        fields: dict[str, Value] | None = None
        if not cell.owned:
            if is_as_made(interp, obj, cell):
                shape.as_made.add(own_name)
                fields = {} if _is_path(interp, obj) else None
            else:
                fields = changed_parts(interp, obj, cell)
        if grows_only(cell) and not cell.whole.is_zero:
            cell = replace(cell, bytes=ZERO, holdings={})
            shape.set_aside.add(obj)
        shape.cells[own_name] = renaming.cell(cell, fields)
        if obj in interp.constants:
            shape.constants[own_name] = interp.constants[obj]
    shape.held = frozenset(map(rename, sorted(_held(state, taken))))
    _add_facts(interp, shape, own)
    _add_worlds(state, shape)
    return shape


def grows_only(cell: Cell) -> bool:
    """Tell whether a call only adds to an object's bytes or replaces some, whatever they were."""
    return not cell.owned and cell.kind in _GROWING


def _site(interp: Interpreter, site: Site, number: int, names: Names) -> tuple[Hashable, SiteOf]:
    key, of = interp.keys[site], interp.site_of[site]
    assert isinstance(key, tuple)
    if key[0] == PATH:
        _, path, kind, name = key
        own = names.path(path)
        return (PATH, own, kind, own if name == path else name), SiteOf(own, "", None, of.single)
    if isinstance(key[0], str) and key[0] in {"constant", "function", "class", "globals", "cache"}:
        return key, of
    return (GIVEN, number), SiteOf(of.what, "", None, of.single)


def _is_path(interp: Interpreter, obj: Object) -> bool:
    """Tell whether an object is what a path leads to."""
    key = interp.keys[obj >> 1]
    return isinstance(key, tuple) and key[0] == PATH


def is_as_made(interp: Began, obj: Object, cell: Cell) -> bool:
    """Tell whether what existed before is as it was when it was first asked for, all its parts too."""
    key = interp.keys[obj >> 1]
    assert isinstance(key, tuple)
    if key[0] in {"constant", "function", "class"}:
        return True
    if cell.written or not cell.whole.is_zero or not cell.added.is_zero:
        return False
    if key[0] == "globals":
        return True
    original = interp.originals.get(obj)
    if original is None or original.length is not cell.length or original.total is not cell.total:
        return False
    return all(interp.parts.get((obj, name)) == value for name, value in cell.fields.items())


def _taken(interp: Interpreter, frame: dict[str, Value], names: Names, asks: Asks | None) -> list[Object]:
    """Return what a call may read, in the order in which it is reached."""
    state = interp.state
    seen: dict[Object, None] = {}

    def reach(roots: Iterable[Object]) -> None:
        todo, new = list(roots), []
        while todo:
            obj = todo.pop()
            cell = state.cells.get(obj)
            if obj in seen or cell is None:
                continue
            seen[obj] = None
            if _is_path(interp, obj):
                new.append(interp.site_of[obj >> 1].what)
            todo.extend(sorted(_references(interp, obj, cell), reverse=True))
            todo.append(obj ^ 1)
        names.known.update(new)
        for path in new:
            names.path(path)

    reach(obj for value in reversed(frame.values()) for obj in sorted(value.objects, reverse=True))
    rest = changed_elsewhere(interp, seen)
    while True:
        chosen = [
            obj for obj in rest if obj not in seen and (asks is None or asks.concern(interp, names, obj))
        ]
        if not chosen:
            return list(seen)
        for obj in chosen:
            reach([obj])


def changed_elsewhere(interp: Interpreter, seen: Container[Object]) -> list[Object]:
    """Return what existed before and is not as it was, in the order of paths, but for some."""
    changed = [
        obj
        for obj, cell in interp.state.cells.items()
        if not cell.owned and obj not in seen and not is_as_made(interp, obj, cell)
    ]
    return sorted(changed, key=lambda obj: interp.site_of[obj >> 1].what)


@dataclass
class Asks:
    """What a function asks of what it was not given, as far as it was followed yet.

    Attributes:
        parts: of which objects, as they look, it reads a part (None: whether they grew) that may have been
            changed by another path.
        paths: by which paths it goes.
    """

    parts: dict[str | None, set[tuple[str, str, ir.Type | None]]] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)

    def concern(self, interp: Interpreter, names: Names, obj: Object) -> bool:
        """Tell whether the function may ask for an object that was changed."""
        cell = interp.state.cells[obj]
        if not _is_path(interp, obj):
            return True
        if names.derived(interp.site_of[obj >> 1].what) in self.paths:
            return True
        keys: list[str | None] = [*cell.written, *([] if cell.added.is_zero else [None])]
        return any(
            cells_may_alias(interp.program, Cell(kind, name, owned=False, type=type_), cell)
            for key in keys
            for kind, name, type_ in self.parts.get(key, ())
        )

    def add(self, other: Asks) -> None:
        """Add what another one asks."""
        for key, found in other.parts.items():
            self.parts.setdefault(key, set()).update(found)
        self.paths |= other.paths


def asked_by(interp: Interpreter) -> Asks:
    """Return what was asked while an interpreter ran."""
    asks = Asks(paths=set(interp.paths))
    if isinstance(interp.asks, Asks):
        asks.add(interp.asks)
    for (_, key), cell in interp.asked.items():
        if not cell.owned:
            asks.parts.setdefault(key, set()).add((cell.kind, cell.name, cell.type))
    return asks


def _references(interp: Interpreter, obj: Object, cell: Cell) -> frozenset[Object]:
    if cell.owned or not (_is_path(interp, obj) or interp.keys[obj >> 1] == ("globals",)):
        return cell.refers_to()
    if is_as_made(interp, obj, cell):
        return frozenset()
    values = changed_parts(interp, obj, cell).values()
    return frozenset().union(cell.element.objects, cell.mapped.objects, *(one.objects for one in values))


def changed_parts(interp: Began, obj: Object, cell: Cell) -> dict[str, Value]:
    """Return the parts of what existed before that are not as they were when they were first asked for."""
    return {
        name: value
        for name, value in cell.fields.items()
        if name in cell.written or interp.parts.get((obj, name)) != value
    }


def _held(state: State, taken: Iterable[Object]) -> set[Object]:
    """Return what the caller's registers, and what the call cannot reach, refer to."""
    inside = set(taken)
    found: set[Object] = set()
    for frame in state.frames:
        for value in frame.values():
            found |= value.objects
    for obj, cell in state.cells.items():
        if obj not in inside:
            found |= cell.refers_to()
    return {obj for obj in found & inside if state.cells[obj].owned}


def _add_facts(interp: Interpreter, shape: Shape, own: frozenset[tuple[Hashable, str]]) -> None:
    found = set(own)
    if interp.facts:
        for number, site in enumerate(shape.actual):
            for fact in ("grown", "uneven", "boxed"):
                if (interp.keys[site], fact) in interp.facts:
                    found.add((shape.sites[number][0], fact))
    shape.facts = frozenset(found)
    for number, (key, _) in enumerate(shape.sites):
        if isinstance(key, tuple) and key[0] == PATH:
            path = interp.site_of[shape.actual[number]].what
            if path in interp.passed:
                shape.passed[key[1]] = interp.passed[path]


def _add_worlds(state: State, shape: Shape) -> None:
    tokens: dict[object, int] = {}
    for number, site in enumerate(shape.actual):
        world = state.worlds.get(site)
        if not world or (number * 2 not in shape.cells and number * 2 + 1 not in shape.cells):
            continue
        own = []
        for event, side in world:
            if event not in tokens:
                tokens[event] = len(shape.events)
                shape.events.append(event)
            own.append((("ω", tokens[event]), side))
        shape.worlds[number] = tuple(own)
