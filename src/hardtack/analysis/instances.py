"""Instances of classes: how they are laid out, and what is paid for their attributes in advance.

An instance's integers and floats are objects of their own. For every attribute that is declared as one, 32
bytes are charged with the instance, so that setting it again and again costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import footprints, ir
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis.domain import Cell

_SCALAR = Size.const(32)
_NUMBERS = frozenset({"builtins.int", "builtins.float"})


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
        return _SCALAR
    known = program.classes.get(cell.name)
    if known is None or cell.kind != "instance":
        return ZERO
    return _SCALAR if any(field == name and holds_number(type_) for field, type_ in known.fields) else ZERO


def size(known: ir.Class) -> Size:
    """Return the bytes of an instance of a class of the sources, integers in its attributes included."""
    count = len(known.fields)
    numbers = sum(holds_number(type_) for _, type_ in known.fields)
    if known.is_exception:
        body = 88 + 16 + _attributes(count)
    elif known.is_named_tuple:
        body = int(footprints.tuple_of(count).as_const() or 0)
    elif known.slots:
        body = footprints.size_class(32 + 8 * count)
    else:
        body = 64 + _attributes(count)
    return Size.const(body + 32 * numbers)


def _attributes(count: int) -> int:
    """Return the bytes of an instance's attributes, which are not in slots.

    The values' table has room for all keys that its class has seen, and some; the first instances, and those
    of a class whose instances differ, have a dict of their own.
    """
    inline = footprints.size_class(8 + ((count + 8) & ~7) + 8 * (count + 8))
    log2 = max(3, (3 * max(count, 1) - 1).bit_length())
    own = 64 + footprints.size_class(32 + (1 << log2) * 2 + ((2 << log2) // 3) * 24)
    return max(inline, own) if count > 25 else inline
