"""Reading and changing what values refer to: lengths, items, attributes; growing containers.

Invariant: a change of one of several objects keeps what is known of the others (a weak update); only the
newest object of a site, and what a single path leads to, is ever known to be the one that is changed (a
strong one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import footprints, instances, ir, letting_go, parameters
from hardtack.analysis.domain import NOTHING, STREAMS, Cell, Value, is_older, join_all, join_values
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size, lift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter


def cells(interp: Interpreter, value: Value) -> Iterator[tuple[Object, Cell]]:
    """Iterate over the objects that a value may refer to, in a fixed order."""
    for obj in sorted(value.objects):
        cell = interp.state.cells.get(obj)
        if cell is not None:
            yield obj, cell


def has_instance(interp: Interpreter, value: Value) -> bool:
    """Tell whether a value may be an instance of a class of the sources."""
    return any(cell.kind == "instance" for _, cell in cells(interp, value))


def refuse_instances(interp: Interpreter, name: str, *values: Value) -> None:
    """Refuse what a built-in would go over by an __iter__ or __getitem__ of the sources."""
    if any(has_instance(interp, value) for value in values):
        interp.finding(
            "generator",
            f"{name.removeprefix('builtins.')}() goes over an instance of a class of yours",
            "make a list of its items first, in a comprehension",
        )


def strong(interp: Interpreter, value: Value) -> bool:
    """Tell whether a value refers to exactly one known object."""
    if interp.weak or len(value.objects) != 1 or value.plain or value.number is not None:
        return False
    (obj,) = value.objects
    cell = interp.state.cells.get(obj)
    if cell is None:
        return False
    return not is_older(obj) if cell.owned else interp.site_of[obj >> 1].single


_WITHOUT_ITEMS = frozenset(
    {"unknown", "lump", "class", "function", "method", "partial", "assumed", "manager", "module", *STREAMS}
)
_ITEMS_REMEDY = "annotate it as a list, a tuple or another container that is built in"


# -- lengths
def length_of(interp: Interpreter, obj: Object, cell: Cell) -> Size:
    """Return the most that an object's length is."""
    return cell.length if cell.owned else cell.length + parameters.also_added(interp, obj)


def length(interp: Interpreter, value: Value) -> Size:
    """Return the most that the length of what a value refers to is."""
    if value.length is not None:
        return value.length
    most = ZERO
    for obj, cell in cells(interp, value):
        if cell.kind in {"unknown", "instance", "lump", "generator", "coroutine"}:
            what, why = (cell.name or "this", "") if cell.kind != "unknown" else ("this", f": {cell.name}")
            return interp.unbounded(
                "loop", f"how long {what} is, is not known{why}", "give it a type with a length"
            )
        most |= length_of(interp, obj, cell)
    return most


def total(interp: Interpreter, value: Value) -> Size:
    """Return the most that the lengths of a container's items add up to."""
    if value.total is not None:
        return value.total
    found = [cell.total for _, cell in cells(interp, value)]
    if found and all(size is not None for size in found):
        most = ZERO
        for size in found:
            most |= size if size is not None else ZERO
        return most
    return length(interp, value) * length(interp, element(interp, value))


def known_total(interp: Interpreter, value: Value) -> Size | None:
    """Return the sum of the items' lengths where it is better known than by the greatest of them."""
    if value.total is not None:
        return value.total
    found = [cell.total for _, cell in cells(interp, value)]
    most = ZERO
    for size in found:
        if size is None:
            return None
        most |= size
    return most if found else None


def width(interp: Interpreter, value: Value) -> int:
    """Return the most bytes per character of the texts that a value refers to."""
    return max((cell.width for _, cell in cells(interp, value)), default=1)


def lengths_of(interp: Interpreter, item: Value, by: Size) -> Size | None:
    """Return what some items add to the sum of a container's lengths; None for items that may change."""
    if any(cell.kind not in parameters.IMMUTABLE for _, cell in cells(interp, item)):
        return None
    return length(interp, item) * by if item.objects else ZERO


# -- parts
def element(interp: Interpreter, value: Value) -> Value:
    """Return what the items of containers may be; a dict's keys."""
    found = []
    for obj, cell in list(cells(interp, value)):
        if cell.kind == "str":
            found.append(_character(interp, cell))
        elif cell.kind == "class" and members(interp, cell):
            found.append(parameters.member(interp, cell.name))
        elif cell.kind == "instance" and cell.owned:
            what, remedy = f"the items of a {cell.name}", "write an __iter__ that is a generator"
            interp.finding("generator", what, remedy)
        elif cell.kind in _WITHOUT_ITEMS or cell.kind == "instance":
            why = (
                f"a value are not known: {cell.name}"
                if " " in cell.name
                else f"{cell.name or 'this'} are not known"
            )
            interp.finding("any", f"the items of {why}", _ITEMS_REMEDY)
        elif cell.kind == "tuple" and cell.owned and cell.name != "builtins.tuple":  # a named one
            found += [one for name, one in cell.fields.items() if name.isdigit()]
        else:
            found.append(cell.element if cell.owned else parameters.element(interp, obj))
    return join_all(found)


def members(interp: Interpreter, cell: Cell) -> int:
    """Return how many members an Enum has, at most; those of a Flag are not known one by one."""
    known = interp.program.classes.get(cell.name)
    if known is None or not known.is_enum or "enum.Flag" in known.lineage:
        return 0
    return sum(type_ == ir.Instance(cell.name) for _, type_ in known.class_variables)


def _character(interp: Interpreter, cell: Cell) -> Value:
    """Return a character: CPython keeps those of Latin-1, others are new objects."""
    if cell.width == 1:
        return parameters.constant_value(interp, "x")
    made = interp.new("character", lambda: _text_cell(cell.width), quiet=False)
    return Value(frozenset((made,)), length=Size.const(1))


def _text_cell(bytes_per_character: int) -> Cell:
    return footprints.sized(Cell("str", "builtins.str", Size.const(1), width=bytes_per_character))


def mapped(interp: Interpreter, value: Value) -> Value:
    """Return what the values of dicts may be."""
    found = []
    for obj, cell in list(cells(interp, value)):
        found.append(cell.mapped if cell.owned else parameters.mapped(interp, obj))
    return join_all(found)


def attribute(interp: Interpreter, value: Value, name: str, type_: ir.Type) -> Value | None:
    """Return what an attribute holds, or None if nothing that is known has it."""
    found: list[Value] = []
    before: list[Object] = []
    for obj, cell in list(cells(interp, value)):
        if cell.kind == "unknown":
            interp.finding("any", f".{name} of a value without a type: {cell.name}", "give it a type")
        elif not cell.owned and cell.kind == "instance":
            before.append(obj)
        elif name in cell.fields:
            found.append(cell.fields[name])
        elif cell.kind == "traceback" and name == "__traceback__":
            found.append(Value(frozenset((obj,))))
    if before:
        found.append(parameters.attributes(interp, before, name, type_))
    return join_all(found) if found else None


def set_attribute(interp: Interpreter, value: Value, name: str, new: Value, type_: ir.Type) -> None:
    """Write an attribute of what a value refers to."""
    certain = strong(interp, value)
    for obj, cell in list(cells(interp, value)):
        if not cell.owned:
            letting_go.refuse(interp, (type_,))
            if not certain:
                parameters.make_attribute(interp, obj, name, type_)
            parameters.write_part(interp, obj, name, new, strong=certain)
            late = instances.dict_for(interp.program, cell, name)
            if certain:
                late |= cell.holdings.get("{}", ZERO)
            charge(interp, obj, "{}", late, certain=certain)
            charge(interp, obj, name, footprints.scalar(new), certain=certain)
            continue
        before = cell.fields.get(name)
        kept = new if certain or before is None else join_values(before, new)
        interp.touched()
        interp.state.put(obj, interp.state.cells[obj].with_field(name, kept))
        paid = instances.prepaid(interp.program, interp.state.cells[obj], name)
        charge(interp, obj, name, footprints.scalar(new).minus(paid), certain=certain)
    interp.note()


def charge(interp: Interpreter, obj: Object, name: str, size: Size, *, certain: bool) -> None:
    """Charge an object for what a name holds from now on; if that is certain, in place of what it held."""
    if certain:
        interp.state.cells[obj] = interp.state.cells[obj].holding(name, size)
    elif not size.is_zero:
        interp.state.grow(obj, size)


# -- growing
def append(interp: Interpreter, container: Value, item: Value, by: Size) -> None:
    """Grow lists, sets, deques and bytearrays by some items."""
    _grow(interp, container, by, item, NOTHING)


def store(interp: Interpreter, container: Value, key: Value, item: Value, by: Size) -> None:
    """Put some new items into dicts."""
    _grow(interp, container, by, key, item)


def _grow(interp: Interpreter, container: Value, by: Size, key: Value, item: Value) -> None:
    more = lengths_of(interp, key, by)
    charged: set[int] = set()
    for obj, _ in list(cells(interp, container)):
        cell = interp.state.cells[obj]
        if cell.kind == "memoryview":
            continue  # it takes as many bytes as it has; another of the value's objects grows
        if cell.kind == "instance":
            what = f"what {cell.name} is grows, a class of yours that is below a built-in container"
            interp.finding("unsupported", what, "hold the container in an attribute")
            continue
        uneven = interp.knows(obj, "uneven")
        old_table = footprints.table(cell.kind, length_of(interp, obj, cell), uneven=uneven)
        interp.touched()
        if not cell.owned:
            _grow_foreign(interp, obj, by, key, item)
            continue
        old_table += footprints.order(cell, cell.length)
        per_item = footprints.scalar(key) + footprints.scalar(item) + footprints.link(cell)
        grown = replace(
            cell,
            length=cell.length + by,
            element=join_values(cell.element, key),
            mapped=join_values(cell.mapped, item),
            total=_added(cell.total, more),
            exact=False,
        )
        if cell.kind == "dict" and interp.are_mixed(grown.element):
            interp.want(obj, "uneven")
        older = interp.state.cells.get(obj | 1)
        if not is_older(obj):
            interp.state.put(obj, interp.sized(obj, grown))
        else:
            interp.want(obj, "grown")
            interp.state.put(obj, grown)
        if older is not None and (is_older(obj) or older.shared) and obj >> 1 not in charged:
            charged.add(obj >> 1)  # one of the site's objects grows
            interp.state.grow(obj | 1, by * (per_item + footprints.growth(cell.kind, uneven=uneven)))
        interp.note(old_table)
    interp.note()


def _grow_foreign(interp: Interpreter, obj: Object, by: Size, key: Value, item: Value) -> None:
    """Grow what existed before the call: all of its table is new, and the call's."""
    parameters.element(interp, obj)
    cell = interp.state.cells[obj]
    if cell.kind in parameters.MAPPINGS:
        parameters.mapped(interp, obj)
        parameters.write_part(interp, obj, "[keys]", key, strong=False)
        parameters.write_part(interp, obj, "[]", item, strong=False)
    elif cell.kind != "bytearray":
        parameters.write_part(interp, obj, "[]", key, strong=False)
    cell = interp.state.cells[obj]
    kind = {"sequence": "list", "mapping": "dict"}.get(cell.kind, cell.kind)
    after = length_of(interp, obj, cell) + by
    own_table = footprints.table(kind, after) + footprints.order(cell, after)
    scalars = footprints.scalar(key) + footprints.scalar(item)
    first = "[]" not in cell.holdings
    interp.state.cells[obj] = replace(
        cell,
        length=cell.length + by,
        added=cell.added + by,
        total=_added(cell.total, lengths_of(interp, key, by)),
    )
    single = interp.site_of[obj >> 1].single
    if single:  # one object: its table is what follows from its length
        charge(interp, obj, "[]", own_table | cell.holdings.get("[]", ZERO), certain=True)
    else:
        interp.state.grow(obj, own_table)
    interp.state.grow(obj, by * scalars)
    # the table before this one is the call's if it grew before, and counted already where there are several
    before_is_counted = by.as_const() == 1 and (first or not single)
    interp.note(ZERO if before_is_counted else own_table)


def replace_items(interp: Interpreter, container: Value, item: Value) -> None:
    """Put items in the place of others; lengths stay."""
    for obj, _ in list(cells(interp, container)):
        cell = interp.state.cells[obj]
        interp.touched()
        if not cell.owned:
            parameters.element(interp, obj)
            if cell.kind in parameters.MAPPINGS:
                parameters.mapped(interp, obj)
            if cell.kind not in {"bytearray", "memoryview"}:
                parameters.write_part(interp, obj, "[]", item, strong=False)
                interp.state.grow(obj, footprints.scalar(item))
            cell = interp.state.cells[obj]
            if cell.total is not None:
                more = lengths_of(interp, item, Size.const(1))
                interp.state.cells[obj] = replace(cell, total=_added(cell.total, more))
            continue
        is_map = cell.kind == "dict"
        changed = replace(
            cell,
            element=cell.element if is_map else join_values(cell.element, item),
            mapped=join_values(cell.mapped, item) if is_map else cell.mapped,
            total=cell.total if is_map else _added(cell.total, lengths_of(interp, item, Size.const(1))),
        )
        if not is_older(obj):
            interp.state.put(obj, interp.sized(obj, changed))
            continue
        interp.state.put(obj, changed)
        size = footprints.scalar(item)
        if not size.is_zero and not (interp.knows(obj, "boxed") and footprints.PREPAID.dominates(size)):
            interp.want(obj, "boxed")
            interp.state.grow(obj, size)
    interp.note()


def _added(total: Size | None, more: Size | None) -> Size | None:
    return None if total is None or more is None else total + more


def at_most_long(value: Value, limit: Size) -> Value:
    """Return a value whose object is no longer than a limit."""
    return replace(value, length=lift(limit))
