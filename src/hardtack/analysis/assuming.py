"""Functions that are taken at their word: `@assume_bound`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, footprints, ir, parameters
from hardtack.analysis.domain import NOTHING, Cell, Value, join_all
from hardtack.analysis.integers import Number
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis.interpreting import Interpreter

_PLAIN_RESULTS = frozenset({"builtins.None", "builtins.bool", "builtins.float"})
_TEXTS = {"builtins.str": "str", "builtins.bytes": "bytes"}
_CONTAINERS = frozenset(f"builtins.{kind}" for kind in ("list", "tuple", "dict", "set", "frozenset"))
_SPELL = frozenset({"__str__", "__repr__", "__format__"})  # give a str, or a TypeError
_DIGIT = 4  # bytes of 30 bits of an integer
_ITEM = 8  # bytes that a container has for an item, at least


def assumed(interp: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    """Take what @assume_bound says of a function for granted."""
    claims = dict(function.assumed or ())
    interp.assume(f"@assume_bound of {function.name}: {claims}")
    values = {f"len({name})": access.length(interp, value) for name, value in frame.items() if value.objects}
    values |= {name: value.number.high for name, value in frame.items() if value.number is not None}
    peak = Size.parse(claims.get("peak", "0")).substitute(values)
    interp.note(peak)
    retained = Size.parse(claims.get("retained", "0")).substitute(values)
    pool = f"retained by {function.name}"  # what nothing here refers to, and never dies
    interp.state.high[pool] = interp.state.high.get(pool, ZERO) + retained
    interp.note()
    returned = Size.parse(claims.get("returned", claims.get("peak", "0"))).substitute(values)
    spelled = function.name.rpartition(".")[2] in _SPELL and isinstance(function.result, ir.Unknown)
    type_ = ir.Instance("builtins.str") if spelled else function.result
    result = _assumed_result(interp, type_, returned)
    if result is not None:
        return result
    interp.finding(
        "unsupported", f"what {function.name} returns is not known ({returned} bytes)", "use a model"
    )
    return parameters.symbolic(interp, function.result, f"{function.name}()", single=False)


def _assumed_result(interp: Interpreter, type_: ir.Type, size: Size) -> Value | None:
    """Return what a function returns that is known by its type and bytes alone; None of what has parts."""
    if isinstance(type_, ir.Union):
        return _any_of([_assumed_result(interp, one, size) for one in type_.items])
    if not isinstance(type_, ir.Instance):
        return None
    if type_.name in _PLAIN_RESULTS:
        return parameters.symbolic(interp, type_, "assumed")
    if type_.name == "builtins.int":
        most = Size.unbounded("an integer that is assumed")
        return Value(number=Number(most, most, digits=size // _DIGIT), fresh=True)
    kind = _TEXTS.get(type_.name)
    if kind is None and type_.name in _CONTAINERS:
        return _container(interp, type_, size)
    known = interp.program.classes.get(type_.name)
    if kind is None and (known is not None or type_.name in {*parameters.KINDS, "builtins.object"}):
        return None
    length = size if kind is not None else ZERO  # a character has a byte at least
    cell = Cell(kind or "object", type_.name, length, bytes=size, width=4)
    return Value(frozenset((interp.new(f"assumed {type_.name}", lambda: cell),)))


def _container(interp: Interpreter, type_: ir.Instance, size: Size) -> Value | None:
    """Return a container of texts or plain values: as many as the bytes have room for."""
    if any(not _is_plain(item) for item in type_.arguments):
        return None
    parts = [_assumed_result(interp, item, size) for item in type_.arguments]
    held = [NOTHING if part is None else part for part in parts]
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
    whole = footprints.sized(cell)  # no less than the bytes: a table has more than a pointer for an item
    return Value(frozenset((interp.new(f"assumed {type_.name}", lambda: whole),)))


def _is_plain(type_: ir.Type) -> bool:
    """Tell whether an item has no parts and is never written to."""
    if isinstance(type_, ir.Union):
        return all(_is_plain(one) for one in type_.items)
    return isinstance(type_, ir.Instance) and type_.name in {*_TEXTS, "builtins.None", "builtins.bool"}


def _any_of(values: list[Value | None]) -> Value | None:
    known = [value for value in values if value is not None]
    return join_all(known) if len(known) == len(values) else None
