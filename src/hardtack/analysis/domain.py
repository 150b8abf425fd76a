"""What the interpreter knows at one moment: values in registers, the objects that they reach, the bytes of these.

Every place where a call allocates (a site) has two abstract objects: the newest that was made there, which is one
object, and all older ones together. Sites are numbered; an object is its site's number doubled, plus one for the
older. What exists before the call (arguments, what they reach, globals, constants) has sites too, which own no
bytes: theirs are those that the call adds to them.

Invariants, for every moment of every run that the state describes:

1. A register's value covers what the register holds: an object that it may refer to is in `objects`.
2. `cells[newest].bytes` is at least the bytes of that object; `cells[older].bytes` at least those of all the others
   of its site that are alive, and of the newest one as well where it is `shared`. What a container's newest object takes follows from its length: see `State.map`.
3. What no register, no object and nothing from before the call reaches is dead, as by reference counting; but
   cycles stay charged, in `garbage`.
4. `high[pool]` is at least what was ever alive at one time of a kind that CPython keeps for reuse: such blocks stay
   charged after their death.
5. `worlds[site] = (..., (join, side), ...)`: the site's objects exist only if that side of that join was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis import graphs
from hardtack.analysis.integers import Number
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hardtack.analysis import ir

Object: TypeAlias = int
Site: TypeAlias = int
SlotKey: TypeAlias = tuple[object, ...]

Resize: TypeAlias = "Callable[[Object, Cell], Cell]"

# containers whose tables grow
GROWABLE = frozenset({"list", "dict", "set", "deque", "bytearray"})
_MANY = 5  # references to older objects, from which on they are not counted one by one
# what is neither an object that is followed nor an integer, as bits of Value.plain
NONE, BOOL, FLOAT, OTHER = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Value:
    """What a register, an item or an attribute may hold.

    Attributes:
        objects: the objects that it may refer to.
        number: the integer that it may be, or None.
        plain: what else it may be: bits of NONE, BOOL, FLOAT, OTHER.
        fresh: whether the integer or float may be an object that the call made.
        length: the most that this very object's length is, for what cannot change; None: as its cells say.
        total: the same for the sum of its items' lengths.
    """

    objects: frozenset[Object] = frozenset()
    number: Number | None = None
    plain: int = 0
    fresh: bool = False
    length: Size | None = None
    total: Size | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing that it could be: no run comes here."""
        return not self.objects and self.number is None and not self.plain

    def renamed(self, names: Mapping[Object, Object]) -> Value:
        """Return the value with objects replaced."""
        if self.objects.isdisjoint(names):
            return self
        return replace(self, objects=frozenset(names.get(o, o) for o in self.objects))

    def mapped(self, key: SlotKey, f: Callable[[SlotKey, Size], Size]) -> Value:
        """Return the value with its sizes replaced."""
        number = None if self.number is None else _map_number(self.number, key, f)
        length = None if self.length is None else f((*key, "length"), self.length)
        total = None if self.total is None else f((*key, "total"), self.total)
        if number is self.number and length is self.length and total is self.total:
            return self
        return Value(self.objects, number, self.plain, self.fresh, length, total)


def _map_number(number: Number, key: SlotKey, f: Callable[[SlotKey, Size], Size]) -> Number:
    high, low = f((*key, "high"), number.high), f((*key, "low"), number.low)
    digits = None if number.digits is None else f((*key, "digits"), number.digits)
    room = None if number.room is None else f((*key, "room"), number.room)
    if high is number.high and low is number.low and digits is number.digits and room is number.room:
        return number
    return Number(high, low, number.least, digits, room, number.origin)


NOTHING = Value()
NO = Value(plain=NONE)
TRUTH = Value(plain=BOOL)


@dataclass(frozen=True, slots=True)
class Cell:
    """One abstract object.

    Attributes:
        kind: "list", "str", "instance", "function", "cell", "generator", "iterator", "lump", ...
        name: the class's full name, or a function's; empty where the kind says it.
        length: the most items, characters or bytes.
        bytes: see the module's second invariant; of what existed before: bytes that the call added to it.
        pooled: bytes of those that CPython keeps for reuse, not in `bytes`; `pool` names what they are reused for.
        element: what the items may be; a dict's keys.
        mapped: what a dict's values may be.
        fields: attributes, a tuple's items by index, captured variables.
        width: bytes per character.
        total: the most that the items' lengths add up to, if known.
        owned: whether the call made it.
        type: the declared type of what existed before; parts are made from it when they are first asked for.
        targets: the functions that a call of it runs.
        written: of what existed before: the attributes that the call has set by this path; "[]": its items.
        added: of what existed before: by how much the call has made it longer by this path.
        each: of older objects: the most bytes of one, and those of one that are pooled.
        shared: of older objects that grow one by one: whether `bytes` has the newest one's in it, too.
    """

    kind: str
    name: str = ""
    length: Size = ZERO
    bytes: Size = ZERO
    pooled: Size = ZERO
    pool: str = ""
    element: Value = NOTHING
    mapped: Value = NOTHING
    fields: Mapping[str, Value] = field(default_factory=dict)
    width: int = 1
    total: Size | None = None
    owned: bool = True
    type: ir.Type | None = None
    targets: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    added: Size = ZERO
    each: tuple[Size, Size] = (ZERO, ZERO)
    shared: bool = False

    def values(self) -> Iterator[Value]:
        """Iterate over what it refers to."""
        yield self.element
        yield self.mapped
        yield from self.fields.values()

    def with_field(self, name: str, value: Value) -> Cell:
        """Return the cell with an attribute set."""
        return replace(self, fields={**self.fields, name: value})

    def renamed(self, names: Mapping[Object, Object]) -> Cell:
        """Return the cell with objects replaced in what it refers to."""
        if all(value.objects.isdisjoint(names) for value in self.values()):
            return self
        return replace(
            self,
            element=self.element.renamed(names),
            mapped=self.mapped.renamed(names),
            fields={key: value.renamed(names) for key, value in self.fields.items()},
        )


def older_of(obj: Object) -> Object:
    """Return the abstract object of all older ones of an object's site."""
    return obj | 1


def is_older(obj: Object) -> bool:
    """Tell whether an abstract object stands for several."""
    return bool(obj & 1)


Event: TypeAlias = tuple[object, int]  # a join of two states: the place, and which of several there
World: TypeAlias = tuple[tuple[Event, int], ...]


@dataclass(slots=True, eq=False)
class State:
    """Everything that is known at one moment; `dead` if no run comes here."""

    frames: list[dict[str, Value]] = field(default_factory=lambda: [{}])
    cells: dict[Object, Cell] = field(default_factory=dict)
    high: dict[str, Size] = field(default_factory=dict)
    garbage: Size = ZERO
    worlds: dict[Site, World] = field(default_factory=dict)
    dead: bool = False

    def copy(self) -> State:
        """Return a state that changes by itself."""
        return State(
            [dict(frame) for frame in self.frames],
            dict(self.cells),
            dict(self.high),
            self.garbage,
            dict(self.worlds),
            self.dead,
        )

    def become(self, other: State) -> None:
        """Take over another state, which is not used any more."""
        for name in State.__slots__:
            setattr(self, name, getattr(other, name))

    @property
    def frame(self) -> dict[str, Value]:
        """The registers of the function that runs."""
        return self.frames[-1]

    # -- bytes
    def of_site(self, site: Site) -> tuple[Size, Size]:
        """Return the bytes of a site's living objects, and those that are pooled."""
        newest, older = self.cells.get(site * 2), self.cells.get(site * 2 + 1)
        if older is None or newest is None:
            one = older or newest
            return (one.bytes, one.pooled) if one is not None else (ZERO, ZERO)
        if older.shared:
            return older.bytes, newest.pooled + older.pooled
        return newest.bytes + older.bytes, newest.pooled + older.pooled

    def live(self) -> Size:
        """Return the bytes that are charged now, scalars in registers aside."""
        common: list[Size] = [self.garbage, *self.high.values()]
        split: dict[object, dict[int, list[tuple[World, Size]]]] = {}
        for site in {obj >> 1 for obj in self.cells}:
            size = self.of_site(site)[0]
            if size.is_zero:
                continue
            world = self.worlds.get(site, ())
            if world:
                split.setdefault(world[0][0], {}).setdefault(world[0][1], []).append((world[1:], size))
            else:
                common.append(size)
        return add_up(common) + _greatest_of_worlds(split)

    def fill_pools(self, transient: tuple[str, Size] | None = None) -> None:
        """Raise each pool's mark to what is alive of it now, and for a moment besides."""
        now: dict[str, list[Size]] = {}
        for site in {obj >> 1 for obj, cell in self.cells.items() if cell.pool}:
            cell = self.cells.get(site * 2) or self.cells[site * 2 + 1]
            now.setdefault(cell.pool, []).append(self.of_site(site)[1])
        if transient is not None:
            now.setdefault(transient[0], []).append(transient[1])
        for pool, sizes in now.items():
            size = add_up(sizes)
            self.high[pool] = self.high[pool] | size if pool in self.high else size

    # -- making room for a new object
    def demote(self, site: Site, linear: Callable[[Cell], Cell]) -> None:
        """Have the newest object of a site be one of the older: a new one is about to be made.

        Args:
            site: which.
            linear: gives the cell the bytes that it has as one of many.
        """
        newest, older = site * 2, site * 2 + 1
        self.worlds.pop(site, None)
        cell = self.cells.get(newest)
        if cell is None:
            return
        many = linear(cell)
        many = replace(many, each=(many.bytes, many.pooled))
        before = self.cells.get(older)
        if before is not None:
            size = before.bytes if before.shared else before.bytes + many.bytes
            pooled = before.pooled + many.pooled
            many = replace(join_cells(before, many), bytes=size, pooled=pooled)
        del self.cells[newest]
        self.cells[older] = many
        self.rename({newest: older})

    def rename(self, names: Mapping[Object, Object]) -> None:
        """Replace objects wherever they are referred to."""
        for frame in self.frames:
            for register, value in frame.items():
                if not value.objects.isdisjoint(names):
                    frame[register] = value.renamed(names)
        for obj, cell in self.cells.items():
            self.cells[obj] = cell.renamed(names)

    def put(self, obj: Object, cell: Cell) -> None:
        """Make an object, or replace what is known of one; the bytes of older ones change by `grow` only."""
        before = self.cells.get(obj)
        if before is not None and is_older(obj):
            cell = replace(cell, bytes=before.bytes, pooled=before.pooled)
        self.cells[obj] = cell

    def grow(self, obj: Object, size: Size) -> None:
        """Add bytes to an object, or to one of older ones, or to what existed before."""
        cell = self.cells[obj]
        each = (cell.each[0] + size, cell.each[1]) if is_older(obj) else cell.each
        self.cells[obj] = replace(cell, bytes=cell.bytes + size, each=each)

    # -- death
    def reached(self, roots: Iterable[Object]) -> set[Object]:
        """Return what can be reached from some objects."""
        seen: set[Object] = set()
        todo = list(roots)
        while todo:
            obj = todo.pop()
            if obj in seen or obj not in self.cells:
                continue
            seen.add(obj)
            for value in self.cells[obj].values():
                todo.extend(value.objects)
        return seen

    def roots(self) -> Iterator[Object]:
        """Iterate over what is referred to from registers and from before the call."""
        for frame in self.frames:
            for value in frame.values():
                yield from value.objects
        for obj, cell in self.cells.items():
            if not cell.owned:
                yield obj

    def collect(self) -> list[tuple[Object, Cell]]:
        """Let what nothing reaches die, and return it; cycles stay charged."""
        alive = self.reached(self.roots())
        self._count_older()
        if len(alive) == len(self.cells):
            return []
        dead = {obj: cell for obj, cell in self.cells.items() if obj not in alive}
        kept = self.reached(graphs.cyclic(_references(dead)))
        lost = [cell for obj, cell in dead.items() if obj in kept]
        self.garbage = add_up([self.garbage, *(cell.bytes for cell in lost), *(cell.pooled for cell in lost)])
        for obj in dead:
            del self.cells[obj]
            if obj ^ 1 not in self.cells:
                self.worlds.pop(obj >> 1, None)
        return [(obj, cell) for obj, cell in dead.items() if obj not in kept]

    def _count_older(self) -> None:
        """Charge older objects that only few variables refer to for so many: each refers to one at a time."""
        older = [obj for obj, cell in self.cells.items() if is_older(obj) and not cell.shared]
        if not older:
            return
        counts = dict.fromkeys(older, 0)
        for frame in self.frames:
            for value in frame.values():
                for obj in value.objects:
                    if obj in counts:
                        counts[obj] += 1
        for holder, cell in self.cells.items():
            one = cell.owned and not is_older(holder)
            for name, value in cell.fields.items():
                for obj in value.objects:
                    if obj in counts:
                        counts[obj] += 1 if one and not name.startswith(("held", "args[]")) else _MANY
            if not (cell.kind == "tuple" and cell.fields):
                for obj in cell.element.objects | cell.mapped.objects:
                    if obj in counts:
                        counts[obj] += _MANY
        for obj, count in counts.items():
            if count < _MANY:
                self._charge_few(obj, count)

    def _charge_few(self, obj: Object, count: int) -> None:
        cell = self.cells[obj]
        size, pooled = cell.each[0] * count, cell.each[1] * count
        if not (size.dominates(cell.bytes) and pooled.dominates(cell.pooled)):
            self.cells[obj] = replace(cell, bytes=size, pooled=pooled)

    # -- the numbers in it, for loops
    def map(self, f: Callable[[SlotKey, Size], Size], resize: Resize | None = None) -> None:
        """Replace every size.

        Args:
            f: gets a key that says which size it is, and the size.
            resize: gives the newest container of a site the bytes that follow from its length; without it, they
                are replaced as well.
        """
        for index, frame in enumerate(self.frames):
            for register, value in frame.items():
                frame[register] = value.mapped(("r", index, register), f)
        for obj, cell in self.cells.items():
            follows = resize is not None and cell.owned and not is_older(obj) and cell.kind in GROWABLE
            changed = _map_cell(obj, cell, f, bytes_too=not follows)
            self.cells[obj] = resize(obj, changed) if resize is not None and follows else changed
        for pool, size in self.high.items():
            self.high[pool] = f(("high", pool), size)
        self.garbage = f(("garbage",), self.garbage)

    def map_numbers(self, f: Callable[[SlotKey, Number], Number]) -> None:
        """Replace every integer; `f` gets the keys of its sizes, without their last part."""

        def change(key: SlotKey, value: Value) -> Value:
            if value.number is None:
                return value
            number = f(key, value.number)
            return value if number is value.number else replace(value, number=number)

        for index, frame in enumerate(self.frames):
            for register, value in frame.items():
                frame[register] = change(("r", index, register), value)
        for obj, cell in self.cells.items():
            element, mapped = change(("e", obj), cell.element), change(("m", obj), cell.mapped)
            fields = {name: change(("f", obj, name), value) for name, value in cell.fields.items()}
            same = element is cell.element and mapped is cell.mapped
            if not same or any(fields[name] is not value for name, value in cell.fields.items()):
                self.cells[obj] = replace(cell, element=element, mapped=mapped, fields=fields)

    def slots(self) -> dict[SlotKey, Size]:
        """Return every size by its key, but for those that follow from others."""
        found: dict[SlotKey, Size] = {}

        def note(key: SlotKey, size: Size) -> Size:
            found[key] = size
            return size

        self.copy().map(note, lambda _, cell: cell)
        return found


def _map_cell(obj: Object, cell: Cell, f: Callable[[SlotKey, Size], Size], *, bytes_too: bool) -> Cell:
    length = f(("n", obj), cell.length)
    size = f(("b", obj), cell.bytes) if bytes_too else cell.bytes
    pooled = f(("p", obj), cell.pooled) if cell.pool and bytes_too else cell.pooled
    element, mapped = cell.element.mapped(("e", obj), f), cell.mapped.mapped(("m", obj), f)
    total = None if cell.total is None else f(("total", obj), cell.total)
    added = cell.added if cell.owned else f(("added", obj), cell.added)
    each = cell.each
    if is_older(obj) and bytes_too:
        each = (f(("each", obj), each[0]), f(("each pooled", obj), each[1]) if cell.pool else each[1])
        each = cell.each if each[0] is cell.each[0] and each[1] is cell.each[1] else each
    fields = cell.fields
    if fields:
        changed = {name: value.mapped(("f", obj, name), f) for name, value in fields.items()}
        if any(changed[name] is not value for name, value in fields.items()):
            fields = changed
    before = (cell.length, cell.bytes, cell.pooled, cell.element, cell.mapped, cell.total, cell.added, cell.each, cell.fields)
    after = (length, size, pooled, element, mapped, total, added, each, fields)
    if all(new is old for new, old in zip(after, before, strict=True)):
        return cell
    return replace(
        cell,
        length=length,
        bytes=size,
        pooled=pooled,
        element=element,
        mapped=mapped,
        total=total,
        added=added,
        each=each,
        fields=fields,
    )


def _references(cells: Mapping[Object, Cell]) -> dict[Object, set[Object]]:
    return {
        obj: {target for value in cell.values() for target in value.objects if target in cells}
        for obj, cell in cells.items()
    }


def _greatest_of_worlds(split: Mapping[object, Mapping[int, list[tuple[World, Size]]]]) -> Size:
    """Return the bytes of what exists in some worlds only: of each join the side with the most."""
    total = ZERO
    for sides in split.values():
        most = ZERO
        for found in sides.values():
            common: list[Size] = []
            deeper: dict[object, dict[int, list[tuple[World, Size]]]] = {}
            for world, size in found:
                if world:
                    deeper.setdefault(world[0][0], {}).setdefault(world[0][1], []).append((world[1:], size))
                else:
                    common.append(size)
            most |= add_up(common) + _greatest_of_worlds(deeper)
        total += most
    return total


def add_up(sizes: Iterable[Size]) -> Size:
    """Return the sum of sizes, constants first: that is what most of them are."""
    constant = 0
    rest = ZERO
    for size in sizes:
        value = size.as_const()
        if isinstance(value, int):
            constant += value
        else:
            rest += size
    return rest + constant


# -- joining
def join_values(left: Value, right: Value) -> Value:
    """Return what is one of two."""
    if left is right or right.is_nothing:
        return left
    if left.is_nothing:
        return right
    number = left.number or right.number
    if left.number is not None and right.number is not None:
        number = left.number.join(right.number)
    return Value(
        left.objects | right.objects,
        number,
        left.plain | right.plain,
        left.fresh or right.fresh,
        _both(left.length, right.length) if left.objects and right.objects else left.length or right.length,
        _both(left.total, right.total) if left.objects and right.objects else left.total or right.total,
    )


def _both(left: Size | None, right: Size | None) -> Size | None:
    return None if left is None or right is None else left | right


def join_all(values: Iterable[Value]) -> Value:
    """Return what is one of several."""
    joined = NOTHING
    for value in values:
        joined = join_values(joined, value)
    return joined


def join_cells(left: Cell, right: Cell) -> Cell:
    """Return what is known of an object that is as one of two cells say; bytes are the greater."""
    if left is right:
        return left
    fields = dict(left.fields)
    for name, value in right.fields.items():
        fields[name] = join_values(fields[name], value) if name in fields else value
    return Cell(
        left.kind if left.kind == right.kind else "lump",
        left.name if left.name == right.name else "",
        left.length | right.length,
        left.bytes | right.bytes,
        left.pooled | right.pooled,
        left.pool or right.pool,
        join_values(left.element, right.element),
        join_values(left.mapped, right.mapped),
        fields,
        max(left.width, right.width),
        None if left.total is None or right.total is None else left.total | right.total,
        left.owned,
        left.type,
        left.targets | right.targets,
        left.written | right.written,
        left.added | right.added,
        (left.each[0] | right.each[0], left.each[1] | right.each[1]),
        left.shared or right.shared,
    )
