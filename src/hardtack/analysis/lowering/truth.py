"""Truth: what a test runs, and short circuits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.lowering.dispatch import expression
from hardtack.analysis.lowering.facts import facts_of
from hardtack.analysis.mypy_types import instances

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering

BOOL = ir.Instance("builtins.bool")


def condition(low: Lowering, node: mn.Expression) -> ir.Register:
    """Lower an expression of which only the truth counts; returns a register that a test may read."""
    if isinstance(node, mn.UnaryExpr) and node.op == "not":
        return low.test(node, "not", condition(low, node.expr))
    if isinstance(node, mn.OpExpr) and node.op in {"and", "or"}:
        return _both(low, node)
    return truth(low, node, expression(low, node), low.mypy_type(node))


def _both(low: Lowering, node: mn.OpExpr) -> ir.Register:
    into = low.fresh()
    first = condition(low, node.left)
    with low.block() as decided:
        low.emit(ir.Constant(low.at(node), into, node.op == "or"))
    with low.block() as more:
        second = condition(low, node.right)
        low.emit(ir.Copy(low.at(node), into, second))
    true, false = facts_of(low, node.left)
    branches = (more(), decided()) if node.op == "and" else (decided(), more())
    low.emit(ir.If(low.at(node), first, *branches, true, false))
    return into


def truth(low: Lowering, node: mn.Context, value: ir.Register, type_: mt.Type | None) -> ir.Register:
    """Call what a class of the sources has for it; else a test reads the value itself."""
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if proper is None or isinstance(proper, mt.AnyType):
        return low.call(node, (ir.Callee("dynamic", "__bool__"),), (value,), BOOL)
    found: dict[ir.Callee, None] = {}
    for instance in instances(type_):
        for name in ("__bool__", "__len__"):
            callees = low.hierarchy.methods(instance.type, name)
            if callees:
                own = [callee for callee in callees if callee.kind != "model"]
                if own and name == "__len__":  # it may give what no length can be
                    return low.model(node, "builtins.bool", (value,), BOOL)
                found.update(dict.fromkeys(own))
                break
    return low.call(node, tuple(found), (value,), BOOL) if found else value
