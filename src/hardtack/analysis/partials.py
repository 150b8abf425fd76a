"""functools.partial: a callable that holds another, and arguments for it; `functools.wraps`.

Source: Modules/_functoolsmodule.c partial_new, partial_call; Lib/functools.py update_wrapper, CPython 3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, calls, footprints, ir
from hardtack.analysis.domain import NOTHING, Cell, Value
from hardtack.analysis.records import replace
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter

KIND = "partial"
_OBJECT = Size.const(80)
# What a wrapped function keeps: a dict for __wrapped__ and what else the function has in its own.
_WRAPPING, _UPDATING = Size.const(512), Size.const(1024)


def make(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make a partial object."""
    if not arguments.positional:
        return None
    function, *rest = arguments.positional
    if any(cell.kind == KIND for _, cell in access.cells(interp, interp.read(function))):
        interp.finding("unsupported", "a partial of a partial", "give all arguments in one")
    tables = footprints.structure("dict", Size.const(len(arguments.keywords)))
    passing = footprints.tuple_of(len(rest) + 1)
    size = _OBJECT + footprints.tuple_of(len(rest)) + tables

    def new() -> Cell:
        fields = {str(index): interp.read(register) for index, register in enumerate(rest)}
        fields |= {f"={name}": interp.read(register) for name, register in arguments.keywords}
        scalars = [footprints.scalar(value) for value in fields.values()]
        return Cell(
            KIND,
            "functools.partial",
            bytes=sum(scalars, size),
            fields={**fields, "function": interp.read(function)},
        )

    obj = interp.new(KIND, new, extra=passing + tables)
    return Value(frozenset((obj,)))


def call(interp: Interpreter, obj: Object, arguments: Given, type_: ir.Type) -> Value:
    """Call a partial object with more arguments, which come after those that it holds."""
    cell = interp.state.cells[obj]
    held: dict[str, str] = {}
    for name in cell.fields:
        held[name] = interp.scratch_register("partial")
        interp.write(held[name], cell.fields[name])
    given = dict(arguments.keywords)
    by_name = {name[1:]: register for name, register in held.items() if name.startswith("=")}
    positional = [held[name] for name in sorted((one for one in held if one.isdigit()), key=int)]
    joined = replace(
        arguments,
        positional=(*positional, *arguments.positional),
        keywords=tuple({**by_name, **given}.items()),
    )
    count = Size.const(len(joined.keywords))
    extra = footprints.tuple_of(len(joined.positional)) * 2 + footprints.structure("dict", count) * 2
    interp.note(extra)
    if by_name:  # its dict is copied for each call, lives as long, and lies in a free list then
        held["gathered"] = interp.scratch_register("gathered")
        gathered = interp.new("arguments of a partial", lambda: Cell("gathered", bytes=extra))
        interp.write(held["gathered"], Value(frozenset((gathered,))))
        interp.state.keep(footprints.KEPT["copied dict"], Size.const(1))
    value = calls.call_with(interp, held["function"], joined, type_)
    if interp.state.dead:
        return NOTHING
    result = interp.scratch_register("given")
    interp.write(result, value)
    for register in held.values():
        interp.unbind(register)
    value = interp.read(result)
    interp.unbind(result)
    return value


def call_object(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Call a partial object by its __call__."""
    first, *rest = arguments.positional
    return calls.call_with(
        interp, first, replace(arguments, positional=tuple(rest)), ir.Unknown("what a partial gives")
    )


def update_wrapper(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Have a function look like another, which it then refers to."""
    if len(arguments.positional) != 2 or arguments.keywords:
        return None
    interp.note(_UPDATING)
    wrapper, wrapped = (interp.read(register) for register in arguments.positional)
    for obj, cell in list(access.cells(interp, wrapper)):
        if cell.owned and cell.kind == "function":
            interp.state.put(obj, cell.with_field("held", wrapped))
            interp.state.grow(obj, _WRAPPING)
    interp.note()
    return interp.read(arguments.positional[0])
