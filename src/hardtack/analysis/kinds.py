"""The kinds that a value may be of, as models tell them apart, and the integer that it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, integers
from hardtack.analysis.domain import BOOL, FLOAT, NONE, OTHER, Cell, Value
from hardtack.analysis.instances import special_methods
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from hardtack.analysis.interpreting import Interpreter

_PLAIN_KINDS = {"none": NONE, "bool": BOOL, "float": FLOAT, "complex": OTHER}
_NAMED = frozenset(
    {"str", "bytes", "bytearray", "memoryview", "list", "tuple", "set", "frozenset", "dict", "deque", "range"}
    | {"slice", "iterator", "instance", "function", "exception", "byte_stream", "text_stream", "path"}
)
_KINDS = {
    "gathered": "iterator",
    "method": "function",
    "partial": "function",
    "assumed": "function",
    "class": "function",
    "generator": "iterator",
    "traceback": "exception",
}


def kinds_of(interp: Interpreter, value: Value) -> frozenset[str]:
    """Return the kinds that a value may be of, as models tell them apart."""
    found = {name for name, bit in _PLAIN_KINDS.items() if value.plain & bit}
    if value.number is not None:
        found.add("int")
    for _, cell in access.cells(interp, value):
        found.add(_KINDS.get(cell.kind, cell.kind if cell.kind in _NAMED else "other"))
    return frozenset(found)


def number_of(interp: Interpreter, value: Value) -> integers.Number | None:
    """Return the integer that a value may be, a bool taken for one; None where it may be another, or none.

    Another is what a value's `__index__` gives.
    """
    if any(_is_asked(interp, cell) for _, cell in access.cells(interp, value)):
        return None
    if value.number is not None:
        return value.number if not value.plain else value.number.join(integers.between(0, Size.const(1)))
    return integers.between(0, Size.const(1)) if value.plain and not value.plain & OTHER else None


def _is_asked(interp: Interpreter, cell: Cell) -> bool:
    """Tell whether an object may have an `__index__`: what the sources do not define may have one."""
    known = interp.program.classes.get(cell.name)
    if cell.kind == "instance" and known is not None and known.in_sources and not known.is_protocol:
        return bool(special_methods(interp, cell, "__index__"))
    return cell.kind in {"instance", "unknown", "lump"}
