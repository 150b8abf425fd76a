"""Functions that are taken at their word: `@assume_bound`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, exceptions, footprints, ir, parameters
from hardtack.analysis.domain import NOTHING, Cell, Value, join_all
from hardtack.analysis.integers import Number
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

_PLAIN_RESULTS = frozenset({"builtins.None", "builtins.bool", "builtins.float"})
_TEXTS = {"builtins.str": "str", "builtins.bytes": "bytes"}
_PLAIN = frozenset({*_TEXTS, "builtins.None", "builtins.bool", "builtins.int"})
_CONTAINERS = frozenset(f"builtins.{kind}" for kind in ("list", "tuple", "dict", "set", "frozenset"))
_SPELL = frozenset({"__str__", "__repr__", "__format__"})  # give a str, or a TypeError
_RAISED = ("Exception(0)",)  # what is in it is among the bytes of the call that made it
_MESSAGE = 1024
_REMEDY = "have it return texts, numbers or containers of these, or describe it in a file of models"
_DIGIT = 4  # bytes of 30 bits of an integer
_ITEM = 8  # bytes that a container has for an item, at least


def assumed(interp: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    """Take what @assume_bound says of a function for granted."""
    claims = dict(function.assumed or ())
    interp.assume(f"@assume_bound of {function.name}: {_told(claims)}")
    spelled = function.name.rpartition(".")[2] in _SPELL and isinstance(function.result, ir.Unknown)
    type_ = ir.Instance("builtins.str") if spelled else function.result
    return _taken(interp, function.name, claims, frame, type_)


def _told(claims: Mapping[str, str]) -> str:
    return ", ".join(f"{what} {size} bytes" for what, size in claims.items())


def call(interp: Interpreter, cell: Cell, arguments: Given) -> Value:
    """Take for granted what the annotation of a callable says of a call; its arguments are arg1, arg2, ..."""
    type_ = cell.type
    assert isinstance(type_, ir.CallableType)
    claims = dict(type_.assumed or ())
    interp.assume(f"assume_bound of calls of {cell.name}: {_told(claims)}")
    frame = {f"arg{index + 1}": interp.read(one) for index, one in enumerate(arguments.positional)}
    return _taken(interp, cell.name, claims, frame, type_.result)


def _taken(
    interp: Interpreter, name: str, claims: Mapping[str, str], frame: Mapping[str, Value], type_: ir.Type
) -> Value:
    values = {f"len({name})": access.length(interp, value) for name, value in frame.items() if value.objects}
    values |= {name: value.number.high for name, value in frame.items() if value.number is not None}
    peak = Size.parse(claims.get("peak", "0")).substitute(values)
    pool = f"replaced by {name}"  # what the call before left, which is freed first
    interp.note(peak.minus(interp.state.high.get(pool, ZERO)))
    raised = Size.parse(claims["raises"]).substitute(values) if "raises" in claims else peak.at_most(_MESSAGE)
    if not raised.is_zero:
        exceptions.may_raise(interp, _RAISED, message=raised)
    retained = Size.parse(claims.get("retained", "0")).substitute(values)
    kept = f"retained by {name}"  # what nothing here refers to, and never dies
    interp.state.high[kept] = interp.state.high.get(kept, ZERO) + retained
    if "replaced" in claims:
        replaced = Size.parse(claims["replaced"]).substitute(values)
        interp.state.high[pool] = interp.state.high.get(pool, ZERO) | replaced
    interp.note()
    returned = Size.parse(claims.get("returned", claims.get("peak", "0"))).substitute(values)
    result = _assumed_result(interp, type_, returned)
    if result is not None:
        return result
    interp.finding("unsupported", f"what {name} returns is not known ({returned} bytes)", _REMEDY)
    return parameters.symbolic(interp, type_, f"{name}()", single=False)


def _assumed_result(interp: Interpreter, type_: ir.Type, size: Size) -> Value | None:
    """Return what a function returns that is known by its type and bytes alone; None of what has parts."""
    if isinstance(type_, ir.Union):
        return _any_of([_assumed_result(interp, one, size) for one in type_.items])
    if isinstance(type_, ir.Unknown):  # it may be passed on
        opaque = Cell("unknown", type_.why, bytes=size)
        return Value(frozenset((interp.new("assumed", lambda: opaque),)))
    if isinstance(type_, ir.TupleOf):
        return _tuple(interp, type_, size)
    if not isinstance(type_, ir.Instance):
        return None
    if type_.name in _PLAIN_RESULTS:
        return parameters.symbolic(interp, type_, "assumed")
    if type_.name == "builtins.int":
        return _integer(interp, type_, size)
    kind = _TEXTS.get(type_.name)
    if kind is None and type_.name in _CONTAINERS:
        return _container(interp, type_, size)
    known = interp.program.classes.get(type_.name)
    if kind is None and (known is not None or type_.name in {*parameters.KINDS, "builtins.object"}):
        return None
    length = size if kind is not None else ZERO  # a character has a byte at least
    if kind is not None and type_.limits is not None and type_.limits.max_length is not None:
        length = length.at_most(type_.limits.max_length)
    cell = Cell(kind or "object", type_.name, length, bytes=size, width=4)
    return Value(frozenset((interp.new(f"assumed {type_.name}", lambda: cell),)))


def _integer(interp: Interpreter, type_: ir.Instance, size: Size) -> Value:
    """Return an integer: in the range that its annotation states, or of as many digits as there are bytes."""
    if type_.limits is not None:
        return replace(parameters.symbolic(interp, type_, "assumed", single=False), fresh=True)
    most = Size.unbounded("an integer that is assumed")
    return Value(number=Number(most, most, digits=size // _DIGIT), fresh=True)


def _tuple(interp: Interpreter, type_: ir.TupleOf, size: Size) -> Value | None:
    """Return a tuple of what can be told by its type and bytes: each item may have all of them."""
    parts = []
    for one in type_.items:
        part = _assumed_result(interp, one, size)
        if part is None:
            return None
        parts.append(interp.scratch_register("part"))
        interp.write(parts[-1], part)

    def make() -> Cell:
        fields = {str(index): interp.read(register) for index, register in enumerate(parts)}
        cell = Cell(
            "tuple",
            "builtins.tuple",
            Size.const(len(fields)),
            element=join_all(fields.values()),
            fields=fields,
        )
        pool, own = footprints.pool_of(cell)  # of so many items, it comes from one free list
        return replace(cell, bytes=size.minus(own), pool=pool, pooled=own)

    made = Value(frozenset((interp.new("assumed tuple", make),)))
    for register in parts:
        interp.unbind(register)
    return made


def _container(interp: Interpreter, type_: ir.Instance, size: Size) -> Value | None:
    """Return a container of texts or plain values: as many as the bytes have room for."""
    if any(not _is_plain(item) for item in type_.arguments):
        return None
    registers = []
    for item in type_.arguments:
        part = _assumed_result(interp, item, size)
        registers.append(interp.scratch_register("part"))
        interp.write(registers[-1], NOTHING if part is None else part)
    held = [interp.state.frame[register] for register in registers]
    for register in registers:
        interp.unbind(register)
    if not held:
        return None
    length = size // _ITEM
    cell = Cell(
        type_.name.removeprefix("builtins."),
        type_.name,
        length,
        element=held[0],
        mapped=held[1] if len(held) > 1 else NOTHING,
        total=size
        if all(cell.kind in _TEXTS.values() for _, cell in access.cells(interp, held[0]))
        else None,
    )
    # no less than the bytes, where a table grows: it has more than a pointer for an item
    whole = replace(cell, bytes=size) if cell.kind == "tuple" else footprints.sized(cell)
    return Value(frozenset((interp.new(f"assumed {type_.name}", lambda: whole),)))


def _is_plain(type_: ir.Type) -> bool:
    """Tell whether an item is never written to, and so are its parts."""
    if isinstance(type_, ir.TupleOf):
        return all(map(_is_plain, type_.items))
    if isinstance(type_, ir.Union):
        return all(_is_plain(one) for one in type_.items)
    return isinstance(type_, ir.Instance) and type_.name in _PLAIN


def _any_of(values: list[Value | None]) -> Value | None:
    known = [value for value in values if value is not None]
    return join_all(known) if len(known) == len(values) else None
