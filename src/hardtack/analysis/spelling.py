"""The text of instances and exceptions: what `str` and `repr` give where no model can tell.

A class's own `__str__` or `__repr__` runs; other instances are spelled by their class and address. An
exception's text is that of its arguments; one that CPython made has a message of about a line, or of what the
model says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access
from hardtack.analysis.domain import Cell, Value, join_all
from hardtack.analysis.instances import classes_of
from hardtack.analysis.models.texts import Text, text_of
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis import ir
    from hardtack.analysis.acting import ModelMachine
    from hardtack.analysis.interpreting import Interpreter

_ADDRESS = 40  # characters of "<", " object at 0x", the address, ">"
_KEY = "builtins.KeyError"
_DEEPEST = 6  # exceptions among the arguments of exceptions


def methods(interp: Interpreter, value: Value, name: str) -> set[str]:
    """Return the functions of the sources that `__str__` or `__repr__` of a value may run."""
    rows = [row for _, cell in access.cells(interp, value) for row in _classes(interp, cell)]
    return {found for row in rows if (found := _method(interp, row, name))}


def _classes(interp: Interpreter, cell: Cell) -> list[ir.Class]:
    known = interp.program.classes.get(cell.name)
    if known is None or cell.kind not in {"instance", "tuple"}:
        return []
    return classes_of(interp.program, cell, known)


def _method(interp: Interpreter, row: ir.Class, name: str) -> str:
    """Return what of a class runs: `object.__str__` asks `__repr__`, that of exceptions does not."""
    own = dict(row.methods)
    asked = (name,) if name == "__repr__" or row.is_exception else (name, "__repr__")
    return next((own[one] for one in asked if own.get(one) in interp.program.functions), "")


def inherited(machine: ModelMachine, value: Value, name: str, depth: int) -> Text:
    """Return the text of what has no such method of its own, as `object` or `BaseException` makes it."""
    interp = machine.interp
    found = Text(ZERO, 1)
    for _, cell in list(access.cells(interp, value)):
        rows = _classes(interp, cell)
        if cell.kind in {"exception", "traceback"}:
            found = found.join(_of_arguments(machine, cell, name, depth))
        elif not rows and cell.kind == "instance":
            _refuse(machine, cell)
        for row in rows:
            if not _method(interp, row, name):
                found = found.join(_of_class(machine, cell, row, name, depth))
    return found


def _of_class(machine: ModelMachine, cell: Cell, row: ir.Class, name: str, depth: int) -> Text:
    if row.is_exception and cell.owned:
        return _of_arguments(machine, cell, name, depth)
    if row.is_enum or row.is_exception or row.is_named_tuple or row.is_typed_dict or not row.in_sources:
        _refuse(machine, cell)
    return Text(Size.const(len(row.name) + _ADDRESS), 1 if row.name.isascii() else 4)


def _refuse(machine: ModelMachine, cell: Cell) -> None:
    what = f"the text of a {cell.name or 'value that is not known'}"
    machine.finding("no-model", what, "convert its parts one by one, or give its class a __str__ of its own")


def _of_arguments(machine: ModelMachine, cell: Cell, name: str, depth: int) -> Text:
    """Return the text of an exception: that of one argument, or the tuple of several, or a key, spelled."""
    arguments = cell.fields.get("args[]")
    own = cell.length if cell.kind == "traceback" else Size.const(len(cell.name) + 4)
    if arguments is None or arguments.is_nothing:
        return Text(own, 4 if cell.kind == "traceback" else 1)
    if depth > _DEEPEST:
        _refuse(machine, cell)
        return Text(ZERO, 1)
    register = machine.hold_value(arguments)
    known = machine.interp.program.classes.get(cell.name)
    lineage = known.lineage if known is not None else (cell.name,)
    if name == "__str__" and cell.kind != "traceback" and cell.length.as_const() == 1 and _KEY not in lineage:
        return text_of(machine, register, spelled=False)
    each = text_of(machine, register, spelled=True).join(text_of(machine, register, spelled=False))
    count = cell.length if cell.kind != "traceback" else Size.const(1)
    return Text(own + count * (each.length + 2), 4 if cell.kind == "traceback" else each.width)


def text_cell(text: Text) -> Cell:
    """Return a text that is paid for elsewhere: by the model that copies it."""
    return Cell("str", "builtins.str", text.length, width=text.width)


def joined(machine: ModelMachine, value: Value, name: str, made: Value | None, depth: int) -> Value:
    """Return what a value's text may be: what its own methods made, or the text that it inherits."""
    text = inherited(machine, value, name, depth)
    obj = machine.interp.new(f"{name} of {depth}", lambda: text_cell(text), quiet=True)
    return join_all([Value(frozenset((obj,)), length=text.length), *([] if made is None else [made])])
