"""Functions that are taken at their word: `@assume_bound`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, ir, parameters
from hardtack.analysis.domain import Cell, Value
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from hardtack.analysis.interpreting import Interpreter

_PLAIN_RESULTS = frozenset({"builtins.None", "builtins.bool", "builtins.float"})
_TEXTS = {"builtins.str": "str", "builtins.bytes": "bytes"}


def assumed(interp: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    """Take what @assume_bound says of a function for granted."""
    claims = dict(function.assumed or ())
    interp.assume(f"@assume_bound of {function.name}: {claims}")
    values = {f"len({name})": access.length(interp, value) for name, value in frame.items() if value.objects}
    values |= {name: value.number.high for name, value in frame.items() if value.number is not None}
    peak = Size.parse(claims.get("peak", "0")).substitute(values)
    interp.note(peak)
    returned = Size.parse(claims.get("returned", claims.get("peak", "0"))).substitute(values)
    result = _assumed_result(interp, function.result, returned)
    if result is not None:
        return result
    interp.finding(
        "unsupported", f"what {function.name} returns is not known ({returned} bytes)", "use a model"
    )
    return parameters.symbolic(interp, function.result, f"{function.name}()", single=False)


def _assumed_result(interp: Interpreter, type_: ir.Type, size: Size) -> Value | None:
    """Return what a function returns that is known by its type and bytes alone; None of what has parts."""
    if not isinstance(type_, ir.Instance):
        return None
    if type_.name in _PLAIN_RESULTS:
        return parameters.symbolic(interp, type_, "assumed")
    kind = _TEXTS.get(type_.name)
    known = interp.program.classes.get(type_.name)
    if kind is None and (
        known is not None or type_.name in {*parameters.KINDS, "builtins.int", "builtins.object"}
    ):
        return None
    length = size if kind is not None else ZERO  # a character has a byte at least
    cell = Cell(kind or "object", type_.name, length, bytes=size, width=4)
    return Value(frozenset((interp.new("assumed", lambda: cell),)))
