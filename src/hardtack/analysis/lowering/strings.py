"""F-strings, which mypy hands over as `''.join([...])` of `'{:{}}'.format(...)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.lowering.dispatch import expression
from hardtack.analysis.lowering.operators import special_method

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering

_STR = ir.Instance("builtins.str")
_CONVERSIONS = {"r": "builtins.repr", "a": "builtins.ascii", "s": "builtins.str"}


def is_format(low: Lowering, node: mn.CallExpr) -> bool:
    """Return whether a call stands for an f-string of the source, or a part of one."""
    callee = node.callee
    if not isinstance(callee, mn.MemberExpr) or not isinstance(callee.expr, mn.StrExpr):
        return False
    if callee.name == "join" and callee.expr.value == "":
        wanted = len(node.args) == 1 and isinstance(node.args[0], mn.ListExpr)
    else:
        wanted = callee.name == "format" and _is_template(callee.expr.value) and len(node.args) == 2
    return wanted and low.syntax.at(
        node.line, node.column, ast.JoinedStr, ast.Call, ast.FormattedValue
    ).__class__ in {
        ast.JoinedStr,
        ast.FormattedValue,
    }


def of_sources(low: Lowering, node: mn.CallExpr) -> tuple[ir.Callee, ...]:
    """Return the __format__ that a call of format() runs, if one of them may be of the sources."""
    named = isinstance(node.callee, mn.RefExpr) and node.callee.fullname == "builtins.format"
    if not named or {*node.arg_kinds} != {mn.ARG_POS} or len(node.args) > 2:
        return ()
    callees = special_method(low, low.mypy_type(node.args[0]), "__format__", "format()")
    return callees if any(callee.kind == "function" for callee in callees) else ()


def by_its_own(low: Lowering, node: mn.CallExpr, callees: tuple[ir.Callee, ...]) -> ir.Register:
    """Lower `format(value, specification)` as the call that it makes."""
    value, *specification = node.args
    given = (expression(low, value), *(expression(low, one) for one in specification))
    return low.call(node, callees, given if specification else (*given, low.constant(node, "")), _STR)


def _is_template(text: str) -> bool:
    return text in {"{:{}}", "{!r:{}}", "{!s:{}}", "{!a:{}}"}


def formatted(low: Lowering, node: mn.CallExpr) -> ir.Register:
    """Lower an f-string: its parts are converted one by one, then joined."""
    parts = _parts(low, node)
    into = low.fresh()
    low.emit(ir.Build(low.at(node), into, "string", tuple(parts), _STR))
    return into


def _parts(low: Lowering, node: mn.CallExpr) -> list[ir.Register]:
    callee = node.callee
    if isinstance(callee, mn.MemberExpr) and callee.name == "format":
        return [_converted(low, node, callee)]
    inner = node.args[0]
    items = inner.items if isinstance(inner, mn.ListExpr) else [inner]
    return [_part(low, item) for item in items]


def _part(low: Lowering, item: mn.Expression) -> ir.Register:
    if isinstance(item, mn.CallExpr) and isinstance(item.callee, mn.MemberExpr):
        template = item.callee.expr
        if item.callee.name == "format" and isinstance(template, mn.StrExpr) and _is_template(template.value):
            return _converted(low, item, item.callee)
    return expression(low, item)


def _converted(low: Lowering, node: mn.CallExpr, callee: mn.MemberExpr) -> ir.Register:
    """Convert one `{value!r:spec}`."""
    value, specification = node.args
    held = expression(low, value)
    template = callee.expr.value if isinstance(callee.expr, mn.StrExpr) else ""
    type_ = low.mypy_type(value)
    if template.startswith("{!"):
        held = low.model(node, _CONVERSIONS[template[2]], (held,), _STR)
        callees: tuple[ir.Callee, ...] = (ir.Callee("model", "builtins.str.__format__"),)
    else:
        callees = special_method(low, type_, "__format__", "a conversion in an f-string")
    return low.call(node, callees, (held, _specification(low, specification)), _STR)


def _specification(low: Lowering, node: mn.Expression) -> ir.Register:
    """Lower a format specification: mostly constant, but it may have parts of its own."""
    if isinstance(node, mn.StrExpr):
        return low.constant(node, node.value)
    if isinstance(node, mn.CallExpr):
        inner = node.args[0]
        if isinstance(inner, mn.ListExpr) and all(isinstance(item, mn.StrExpr) for item in inner.items):
            text = "".join(item.value for item in inner.items if isinstance(item, mn.StrExpr))
            return low.constant(node, text)
        return formatted(low, node)
    return expression(low, node)
