"""Functions of the library that the sources put others in the place of: to call one is a finding."""

from __future__ import annotations

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import public
from hardtack.analysis.records import replace


def unless_replaced(operation: ir.Operation, replaced: frozenset[str]) -> ir.Operation:
    """Return an operation that is a finding if it calls, or takes as a value, what the sources replace."""
    match operation:
        case ir.Call(callees=callees) | ir.BindMethod(callees=callees):
            if any(one.kind == "model" and one.name in replaced for one in callees):
                return replace(operation, callees=tuple(_unless_replaced(one, replaced) for one in callees))
        case ir.LoadGlobal(name=name, type=ir.CallableType() | ir.ClassObject()) if public(name) in replaced:
            return replace(operation, type=ir.Unknown(f"{name}{_REPLACED}"))
    return operation


_REPLACED = ", which the sources put something else in the place of"


def _unless_replaced(callee: ir.Callee, replaced: frozenset[str]) -> ir.Callee:
    if callee.kind != "model" or callee.name not in replaced:
        return callee
    return ir.Callee("unknown", f"{callee.name}{_REPLACED}")
