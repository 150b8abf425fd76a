"""Instances of classes: how they are laid out, and what is paid for their attributes in advance.

An instance's integers and floats are objects of their own. For every attribute that is declared as one, the
bytes of an integer of one digit are charged with the instance, so that setting it again and again costs no
more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import footprints, integers, ir
from hardtack.analysis.late_attributes import late_attributes
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis.domain import Cell, Value
    from hardtack.analysis.interpreting import Interpreter

_NUMBERS = frozenset({"builtins.int", "builtins.float"})
# Instances of a class that CPython makes with room for more attributes than they have: each takes one place
# off the keys that they share. Source: SHARED_KEYS_MAX_SIZE in Include/internal/pycore_dict.h, 3.11.
_FIRST = 30


def holds_number(type_: ir.Type) -> bool:
    """Tell whether a value of a type may be an integer or a float."""
    if isinstance(type_, ir.Union):
        return any(holds_number(item) for item in type_.items)
    if isinstance(type_, ir.Literally):
        return holds_number(type_.type)
    return isinstance(type_, ir.Instance) and type_.name in _NUMBERS


def within(type_: ir.Type, value: Value) -> Value:
    """Return a value that is assigned, kept to what the attribute's annotation states of an integer.

    The object that was made keeps the room that it has. What can only break the annotation is left as it is.
    """
    limits = _limits_of_integer(type_)
    number = value.number
    if limits is None or number is None:
        return value
    highest = number.high.as_const()
    if limits.most is not None and limits.most >= number.least and (highest is None or highest > limits.most):
        number = integers.at_most(number, Size.const(max(limits.most, 0)))
    lowest = number.low.as_const()
    if limits.least is not None and (lowest is None or -lowest < limits.least):
        number = integers.at_least(number, limits.least)
    return value if number is value.number else replace(value, number=number)


def _limits_of_integer(type_: ir.Type) -> ir.Limits | None:
    """Return what is stated of an attribute that is an integer, or one or None."""
    items = type_.items if isinstance(type_, ir.Union) else (type_,)
    found = [one for one in items if isinstance(one, ir.Instance) and one.name == "builtins.int"]
    return found[0].limits if len(found) == 1 else None


def prepaid(program: ir.Program, cell: Cell, name: str) -> Size:
    """Return the bytes that were charged for an attribute's integer when its object was made."""
    if cell.kind == "cell":
        return footprints.PREPAID
    known = program.classes.get(cell.name)
    if known is None or cell.kind != "instance":
        return ZERO
    counts = any(field == name and holds_number(type_) for field, type_ in known.fields)
    return footprints.PREPAID if counts else ZERO


def size(program: ir.Program, known: ir.Class) -> Size:
    """Return the bytes of an instance of a class of the sources, integers in its attributes included.

    What the first instances of a class take besides says `first`.
    """
    count = len(known.fields)
    numbers = sum(holds_number(type_) for _, type_ in known.fields)
    return _body(program, known, count) + footprints.PREPAID * numbers


def _body(program: ir.Program, known: ir.Class, count: int) -> Size:
    sizes = footprints.SIZES
    if known.is_exception:
        kind = next(name for name in known.lineage if name.startswith("builtins."))
        attributes = sizes.dict_(count) if count else ZERO
        return footprints.exception(kind, 0, subclass=True) + attributes
    if known.is_named_tuple:
        return sizes.tuple_(count + 1)  # a class that is written in Python has room for one item more
    if known.slots:
        return sizes.slotted(count)
    slots = _slots(program, known)
    late = own_dict(known) if late_attributes(program, known) else ZERO
    return sizes.instance(count - slots, slots=slots) + late


def own_dict(known: ir.Class) -> Size:
    """Return the bytes of the dict that an instance gets when an attribute comes late."""
    return footprints.SIZES.dict_(max(len(known.fields) * 3, 1))


def dict_for(program: ir.Program, cell: Cell, name: str) -> Size:
    """Return the bytes of the dict that an object from before the call may get by setting an attribute."""
    known = program.classes.get(cell.name)
    if known is None or cell.kind != "instance" or cell.owned:
        return ZERO
    most = footprints.SIZES.dict_(max(len(known.fields), 1)) if known.is_exception else ZERO
    for one in (known.name, *known.subclasses):
        below = program.classes.get(one)
        if below is not None and name in late_attributes(program, below):
            most |= own_dict(below)
    return most


def _slots(program: ir.Program, known: ir.Class) -> int:
    """Return how many attributes have slots in a base, though instances have a __dict__ as well."""
    bases = (program.classes.get(name) for name in known.lineage[1:])
    return max((len(base.fields) for base in bases if base is not None and base.slots), default=0)


def first(program: ir.Program, known: ir.Class) -> footprints.Kept | None:
    """Return what the first instances of a class take besides: there is room for more attributes."""
    if known.is_exception or known.is_named_tuple or known.slots:
        return None
    slots = _slots(program, known)
    fields = len(known.fields) - slots
    sizes = footprints.SIZES
    more = sizes.first_instance(fields, slots=slots).minus(sizes.instance(fields, slots=slots))
    each = int(more.as_const() or 0)
    return footprints.Kept(f"first {known.name}", each, _FIRST) if each else None


_REFLECTED = {
    "__lt__": "__gt__",
    "__le__": "__ge__",
    "__gt__": "__lt__",
    "__ge__": "__le__",
    "__eq__": "__eq__",
    "__ne__": "__ne__",
}
_STEPS = frozenset({"__iter__", "__next__", "__reversed__"})


def special_methods(interp: Interpreter, cell: Cell, name: str) -> set[str]:
    """Return the functions of the sources that a special method of an object may be."""
    known = interp.program.classes.get(cell.name)
    if known is None or (cell.kind not in {"instance", "tuple"} and (cell.owned or not known.in_sources)):
        return set()
    found = (dict(row.methods).get(name) for row in classes_of(interp.program, cell, known))
    return {method for method in found if method is not None and method in interp.program.functions}


def refuse_lack(interp: Interpreter, cell: Cell, name: str) -> None:
    """Refuse an instance that has a special method of others than the sources, or none to go over it by."""
    known = interp.program.classes.get(cell.name)
    if known is None or cell.kind != "instance":
        return
    for row in classes_of(interp.program, cell, known):
        if row.in_sources and (name in row.foreign or (name in _STEPS and name not in dict(row.methods))):
            what = f"{name} of a {row.name}, which is not of your sources"
            interp.finding("implicit-call", what, f"write {name} in the class")


def reflected(interp: Interpreter, value: Value, other: Value, name: str) -> set[str]:
    """Return what a comparison of two values runs of the other one, where the first does not know it.

    Source: Objects/object.c do_richcompare.
    """
    asked = _REFLECTED.get(name)
    if asked is None or (value is other and asked == name):
        return set()
    cells = interp.state.cells
    known = {cells[obj].name for obj in value.objects if special_methods(interp, cells[obj], name)}
    found = set()
    for cell in [cells[obj] for obj in other.objects]:
        found |= special_methods(interp, cell, asked)
        if cell.name not in known:  # one of its own class knows what to say itself
            refuse_lack(interp, cell, asked)
    return found


def classes_of(program: ir.Program, cell: Cell, known: ir.Class) -> list[ir.Class]:
    """Return the classes that an object may have: what the call made has its own, else one below will do."""
    names = [known.name] if cell.owned else [known.name, *known.subclasses]
    return [program.classes[one] for one in names if one in program.classes]


def refuse_overloaded(interp: Interpreter, name: str) -> None:
    """Refuse a class as a value where a metaclass of the sources says what is done with one."""
    known = interp.program.classes.get(name)
    if known is not None and known.is_overloaded:
        what, remedy = f"{name}, whose metaclass has special methods", "name the class only to call it"
        interp.finding("implicit-call", what, remedy)
