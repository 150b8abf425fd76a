"""Instances of classes: how they are laid out, and what is paid for their attributes in advance.

An instance's integers and floats are objects of their own. For every attribute that is declared as one, the
bytes of an integer of one digit are charged with the instance, so that setting it again and again costs no
more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import footprints, ir
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis.domain import Cell

_NUMBERS = frozenset({"builtins.int", "builtins.float"})
_FIRST = 30  # instances of a class that CPython makes with room for more attributes than they have


def holds_number(type_: ir.Type) -> bool:
    """Tell whether a value of a type may be an integer or a float."""
    if isinstance(type_, ir.Union):
        return any(holds_number(item) for item in type_.items)
    if isinstance(type_, ir.Literally):
        return holds_number(type_.type)
    return isinstance(type_, ir.Instance) and type_.name in _NUMBERS


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
    return sizes.instance(count - slots, slots=slots)


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
