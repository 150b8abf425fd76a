"""What the interpreter knows at one moment, and what then is charged: `domain` says of values and objects.

Invariants, besides those of `domain`:

1. What no register, no object and nothing from before the call reaches is dead, as by reference counting;
   but cycles stay charged, in `garbage`.
2. `high[pool]` is at least what was ever alive at one time of a kind that CPython keeps for reuse: such
   blocks stay charged after their death. Of what is `Kept` it is what was ever freed.
3. `worlds[site] = (..., (event, side), ...)`: the site's objects exist only if that side was taken there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, inf
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis import footprints, graphs
from hardtack.analysis.alternatives import CYCLES, MANY
from hardtack.analysis.domain import GROWABLE, Cell, SlotKey, Value, add_up, is_older, join_cells
from hardtack.analysis.footprints import Kept
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Set

    from hardtack.analysis.domain import Object, Site
    from hardtack.analysis.integers import Number

Resize: TypeAlias = "Callable[[Object, Cell], Cell]"
_FEW = 4  # references to older objects: more count only where their bytes are a number
_COUNTED = 1 << 32  # items, the most that are counted
_CONTAINERS = frozenset({"list", "tuple", "dict", "set", "frozenset", "deque"})

Event: TypeAlias = tuple[object, object]  # a join of two states: the place, and which of several there
World: TypeAlias = tuple[tuple[Event, int], ...]
Share: TypeAlias = "tuple[World, Site, Size]"  # the bytes of a site's objects


@dataclass(slots=True, eq=False)
class State:
    """Everything that is known at one moment; `dead` if no run comes here."""

    frames: list[dict[str, Value]] = field(default_factory=lambda: [{}])
    cells: dict[Object, Cell] = field(default_factory=dict)
    high: dict[str | Kept, Size] = field(default_factory=dict)
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
            return (one.whole, one.pooled) if one is not None else (ZERO, ZERO)
        if older.shared:
            return older.bytes, newest.pooled + older.pooled
        return newest.whole + older.bytes, newest.pooled + older.pooled

    def live(self, shares: Iterable[Share] | None = None) -> Size:
        """Return the bytes that are charged now, scalars in registers aside; `shares` if they are known."""
        common = [
            size.at_most(pool.each * pool.most) if isinstance(pool, Kept) else size  # there may be a limit
            for pool, size in self.high.items()
        ]
        common.append(self.garbage)
        return _together(self.shares() if shares is None else shares, 0, common)

    def shares(self) -> list[Share]:
        """Return the bytes of each site's living objects, in the order of sites; those that have some."""
        cells, worlds = self.cells, self.worlds
        found: list[Share] = []
        last = -1
        for obj in sorted([obj for obj, cell in cells.items() if cell.bytes is not ZERO or cell.holdings]):
            site = obj >> 1
            if obj ^ 1 not in cells:
                cell = cells[obj]
                found.append((worlds.get(site, ()), site, cell.whole if cell.holdings else cell.bytes))
            elif site != last:
                found.append((worlds.get(site, ()), site, self.of_site(site)[0]))
            last = site
        return found

    def fill_pools(self, transient: tuple[str, Size] | None = None) -> Iterable[str]:
        """Raise each pool's mark to what is alive of it now, and for a moment besides; returns the pools."""
        now: dict[str, list[Size]] = {}
        for obj, cell in self.cells.items():
            if cell.pool:
                other = self.cells.get(obj ^ 1)
                if other is None:
                    now.setdefault(cell.pool, []).append(cell.pooled)
                elif not is_older(obj) or not other.pool:
                    pool = cell.pool if not is_older(obj) else other.pool
                    now.setdefault(pool, []).append(cell.pooled + other.pooled)
        if transient is not None:
            now.setdefault(transient[0], []).append(transient[1])
        for pool, sizes in now.items():
            size = add_up(sizes)
            self.high[pool] = self.high[pool] | size if pool in self.high else size
        return now

    def keep(self, pool: Kept, count: Size) -> None:
        """Add blocks that stay charged, without others having been allocated from them."""
        self.high[pool] = self.high.get(pool, ZERO) + count * pool.each

    def open_pools(self, transient: tuple[str, Size] | None = None) -> None:
        """Have a mark for each pool of which something is alive, whatever there is of it."""
        for cell in self.cells.values():
            if cell.pool and cell.pool not in self.high:
                self.high[cell.pool] = ZERO
        if transient is not None:
            self.high.setdefault(transient[0], ZERO)

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
        many = linear(replace(cell, bytes=cell.whole, holdings={}) if cell.holdings else cell)
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
            if not cell.refers_to().isdisjoint(names):
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
        cells = self.cells
        seen = new = cells.keys() & set(roots)
        while new:
            found: set[Object] = set()
            for obj in new:
                cell = cells[obj]
                references = cell.references
                found |= cell.refers_to() if references is None else references
            found -= seen
            new = cells.keys() & found
            seen = seen | new
        return seen

    def roots(self) -> set[Object]:
        """Return what is referred to from registers and from before the call."""
        found = {obj for obj, cell in self.cells.items() if not cell.owned}
        return found.union(*[value.objects for frame in self.frames for value in frame.values()])

    def collect(self) -> list[tuple[Object, Cell]]:
        """Let what nothing reaches die, and return it; cycles stay charged."""
        alive = self.reached(self.roots())
        self._count_older()
        if len(alive) == len(self.cells):
            return []
        dead = {obj: cell for obj, cell in self.cells.items() if obj not in alive}
        kept = self.reached(graphs.cyclic(_references(dead)))
        lost = {obj: cell for obj, cell in dead.items() if obj in kept}
        held = frozenset(obj for obj in kept & alive if self.cells[obj].owned)
        if held:
            self.frames[0][CYCLES] = Value(self.frames[0].get(CYCLES, Value()).objects | held)
        if lost:
            gone = State([], lost, worlds=self.worlds)
            self.garbage = add_up([self.garbage, gone.live(), *(cell.pooled for cell in lost.values())])
        for obj in dead:
            del self.cells[obj]
            if obj ^ 1 not in self.cells:
                self.worlds.pop(obj >> 1, None)
        return [(obj, cell) for obj, cell in dead.items() if obj not in kept]

    def _count_older(self) -> None:
        """Charge older objects that so many variables and items refer to for so many: each refers to one."""
        older = [obj for obj, cell in self.cells.items() if obj & 1 and not cell.shared]
        if not older:
            return
        counts: dict[Object, float] = dict.fromkeys(older, 0)
        for value, weight in self._references_by_weight(counts.keys()):
            for obj in value.objects:
                if obj in counts:
                    counts[obj] += weight
        for obj, count in counts.items():
            if count <= _FEW or (count < inf and self.cells[obj].each[0].as_const() is not None):
                self._charge_few(obj, int(count))

    def _references_by_weight(self, wanted: Set[Object]) -> Iterator[tuple[Value, float]]:
        """Iterate over all that may refer to some objects, with how many objects it may refer to at once."""
        for frame in self.frames:
            for register, value in frame.items():
                yield value, inf if register in MANY else 1
        for holder, cell in self.cells.items():
            if cell.refers_to().isdisjoint(wanted):
                continue
            one = cell.owned and not is_older(holder)
            for name, value in cell.fields.items():
                yield value, 1 if one and not name.startswith(("held", "args[]")) else inf
            if not (cell.kind == "tuple" and cell.fields):
                items = _most_items(cell) if one and cell.kind in _CONTAINERS else inf
                yield cell.element, items
                yield cell.mapped, items

    def _charge_few(self, obj: Object, count: int) -> None:
        cell = self.cells[obj]
        if footprints.is_tuple_of_any_size(cell):  # the others died: each of another length
            pool, most = f"tuples of {obj >> 1}", Size.const(footprints.ANY_TUPLE * (count + 1))
            self.high[pool] = self.high.get(pool, ZERO) | most
        size, pooled = cell.each[0] * count, cell.each[1] * count
        if not (size.dominates(cell.bytes) and pooled.dominates(cell.pooled)):
            self.cells[obj] = replace(cell, bytes=size, pooled=pooled)

    # -- the numbers in it, for loops
    def map(
        self,
        f: Callable[[SlotKey, Size], Size],
        resize: Resize | None = None,
        only: Set[Object] | None = None,
    ) -> None:
        """Replace every size.

        Args:
            f: gets a key that says which size it is, and the size.
            resize: gives the newest container of a site the bytes that follow from its length; without it,
                they are replaced as well.
            only: the objects whose sizes are replaced, besides those of registers; None: all.
        """
        for index, frame in enumerate(self.frames):
            for register, value in frame.items():
                frame[register] = value.mapped(("r", index, register), f)
        for obj, cell in self.cells.items():
            if only is not None and obj not in only:
                continue
            follows = resize is not None and cell.owned and not is_older(obj) and cell.kind in GROWABLE
            changed = map_cell(obj, cell, f, bytes_too=not follows)
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
            if not cell.has_numbers():
                continue
            element, mapped = change(("e", obj), cell.element), change(("m", obj), cell.mapped)
            fields = {name: change(("f", obj, name), value) for name, value in cell.fields.items()}
            same = element is cell.element and mapped is cell.mapped
            if not same or any(fields[name] is not value for name, value in cell.fields.items()):
                self.cells[obj] = replace(cell, element=element, mapped=mapped, fields=fields)

    def changed_since(self, earlier: State) -> set[Object]:
        """Return the objects of which something else is known than earlier."""
        before = earlier.cells
        return {obj for obj, cell in self.cells.items() if before.get(obj) is not cell}

    def slots(self, only: Set[Object] | None = None) -> dict[SlotKey, Size]:
        """Return every size by its key, but for those that follow from others; `only` as in `map`."""
        found: dict[SlotKey, Size] = {}

        def note(key: SlotKey, size: Size) -> Size:
            found[key] = size
            return size

        self.copy().map(note, lambda _, cell: cell, only)
        return found


def _most_items(cell: Cell) -> float:
    """Return how many items a container has at most, where that is a number."""
    length = cell.length.as_const()
    return inf if length is None or length > _COUNTED else ceil(length)


def map_cell(obj: Object, cell: Cell, f: Callable[[SlotKey, Size], Size], *, bytes_too: bool) -> Cell:
    """Return a cell with its sizes replaced, its bytes only if asked to; the same one where they stay."""
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
    holdings = cell.holdings
    if holdings:
        sizes = {name: f(("holding", obj, name), size) for name, size in holdings.items()}
        if any(sizes[name] is not size for name, size in holdings.items()):
            holdings = sizes
    fields = cell.fields
    if fields:
        changed = {name: value.mapped(("f", obj, name), f) for name, value in fields.items()}
        if any(changed[name] is not value for name, value in fields.items()):
            fields = changed
    if (
        length is cell.length
        and size is cell.bytes
        and pooled is cell.pooled
        and element is cell.element
        and mapped is cell.mapped
        and total is cell.total
        and added is cell.added
        and each is cell.each
        and fields is cell.fields
        and holdings is cell.holdings
    ):
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
        holdings=holdings,
    )


def _references(cells: Mapping[Object, Cell]) -> dict[Object, set[Object]]:
    return {obj: {target for target in cell.refers_to() if target in cells} for obj, cell in cells.items()}


def greatest(found: Iterable[Share], guess: Callable[[Size], float]) -> list[tuple[Site, Size]]:
    """Return the shares that are alive together, of each join those of the side with the most."""
    shares: list[tuple[Site, Size]] = []
    split: dict[Event, dict[int, list[Share]]] = {}
    for world, site, size in found:
        if world:
            split.setdefault(world[0][0], {}).setdefault(world[0][1], []).append((world[1:], site, size))
        else:
            shares.append((site, size))
    for sides in split.values():
        ways = [greatest(side, guess) for side in sides.values()]
        shares += max(ways, key=lambda way: guess(add_up(size for _, size in way)))
    return shares


def _together(found: Iterable[Share], depth: int, common: list[Size]) -> Size:
    """Return the bytes of what exists in some worlds each: of each join the side with the most.

    Args:
        found: what exists; all of it stems from the same sides of the first `depth` joins.
        depth: how many joins those are.
        common: bytes of what exists besides, on whichever side; more is added to it.
    """
    split: dict[tuple[Event, int], list[Share]] = {}
    for share in found:
        world = share[0]
        if len(world) == depth:
            common.append(share[2])
        elif (alive := split.get(world[depth])) is None:
            split[world[depth]] = [share]
        else:
            alive.append(share)
    if not split:
        return add_up(common)
    most: dict[Event, Size] = {}
    for (event, _), alive in split.items():
        size = alive[0][2] if len(alive) == 1 else _together(alive, depth + 1, [])
        most[event] = most[event] | size if event in most else size
    total = ZERO
    for size in most.values():
        total += size
    return add_up(common) + total
