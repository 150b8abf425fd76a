"""Expressions: constants, names, displays, subscripts, operators, conditional ones."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.constants import UNKNOWN
from hardtack.analysis.constants import literal as literal_value
from hardtack.analysis.lowering import attributes, operators, truth
from hardtack.analysis.lowering.dispatch import expression, lowers, operands
from hardtack.analysis.lowering.facts import facts_of
from hardtack.analysis.mypy_types import NONE, convert

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering


@lowers(mn.IntExpr, mn.StrExpr, mn.FloatExpr, mn.ComplexExpr, mn.BytesExpr, mn.EllipsisExpr)
def literal(low: Lowering, node: mn.Expression) -> ir.Register:
    """Lower a literal."""
    return low.constant(node, constant_value(node))


def constant_value(node: mn.Expression) -> object:
    """Return the value of an expression that CPython's compiler folds, or UNKNOWN."""
    match node:
        case mn.NameExpr(fullname="builtins.None" | "builtins.True" | "builtins.False"):
            return {"None": None, "True": True, "False": False}[node.name]
        case mn.UnaryExpr(op="-"):
            inner = constant_value(node.expr)
            return -inner if isinstance(inner, (int, float, complex)) else UNKNOWN
        case mn.TupleExpr():
            items = [constant_value(item) for item in node.items]
            return UNKNOWN if any(item is UNKNOWN for item in items) else tuple(items)
    return literal_value(node)


def is_constant(value: object) -> bool:
    """Return whether `constant_value` found a value."""
    return value is not UNKNOWN


@lowers(mn.NameExpr)
def name(low: Lowering, node: mn.NameExpr) -> ir.Register:
    """Lower a name: a variable, or what a module defines."""
    value = constant_value(node)
    if is_constant(value):
        return low.constant(node, value)
    if attributes.is_global(node):
        return attributes.load_global(low, node, node.node, node.fullname)
    if node.node is None:
        return low.unsupported(node, f"the name {node.name}, which mypy cannot resolve", "define it")
    shared = low.sources.modules[low.scope.module].names.get(node.name)
    if shared is not None and shared.node is node.node:  # mypy takes it for a local variable
        return low.unsupported(
            node, f"{node.name}, which its module binds in a comprehension", "assign to it"
        )
    return low.load(node, plain_name(node.name))


def plain_name(text: str) -> str:
    """Return a variable's name without the marks by which mypy tells its redefinitions apart."""
    return text.rstrip("'")


@lowers(mn.ListExpr)
def list_display(low: Lowering, node: mn.ListExpr) -> ir.Register:
    """Lower `[...]`."""
    return display(low, node, node.items, "list")


@lowers(mn.SetExpr)
def set_display(low: Lowering, node: mn.SetExpr) -> ir.Register:
    """Lower `{...}`."""
    return display(low, node, node.items, "set")


@lowers(mn.TupleExpr)
def tuple_display(low: Lowering, node: mn.TupleExpr) -> ir.Register:
    """Lower `(...)`."""
    value = constant_value(node)
    return low.constant(node, value) if is_constant(value) else display(low, node, node.items, "tuple")


_GROW = {"list": "builtins.list.extend", "set": "builtins.set.update", "dict": "builtins.dict.update"}
_ADD = {"list": "builtins.list.append", "set": "builtins.set.add"}


def display(
    low: Lowering, node: mn.Expression, items: list[mn.Expression], kind: Literal["list", "tuple", "set"]
) -> ir.Register:
    """Build a container; what stands after a `*xs` is added to it one by one, as CPython does it."""
    plain = next((i for i, item in enumerate(items) if isinstance(item, mn.StarExpr)), len(items))
    into = low.fresh()
    made = operands(low, items[:plain])
    if plain == len(items):
        low.emit(ir.Build(low.at(node), into, kind, made, low.type(node)))
        return into
    growing: Literal["list", "set"] = "set" if kind == "set" else "list"
    type_ = (
        low.type(node) if kind != "tuple" else ir.Instance("builtins.list", (ir.Instance("builtins.object"),))
    )
    low.emit(ir.Build(low.at(node), into, growing, made, type_))
    kept = low.keep(node, into)
    for item in items[plain:]:
        inner, method = (item.expr, _GROW) if isinstance(item, mn.StarExpr) else (item, _ADD)
        low.drop(node, low.model(item, method[growing], (kept, expression(low, inner)), NONE))
    result = low.copy(node, kept)
    low.release(node, kept)
    if kind == "tuple":
        return low.model(node, "builtins.tuple", (result,), low.type(node))
    return result


@lowers(mn.DictExpr)
def dict_display(low: Lowering, node: mn.DictExpr) -> ir.Register:
    """Lower `{k: v}`."""
    plain = next((i for i, (key, _) in enumerate(node.items) if key is None), len(node.items))
    parts = tuple(
        expression(low, part)
        for key, value in node.items[:plain]
        for part in (key, value)
        if part is not None
    )
    into = low.fresh()
    low.emit(ir.Build(low.at(node), into, "dict", parts, low.type(node)))
    if plain == len(node.items):
        return into
    kept = low.keep(node, into)
    for key, value in node.items[plain:]:
        if key is None:
            done = low.model(value, _GROW["dict"], (kept, expression(low, value)), NONE)
        else:
            pair = (expression(low, key), expression(low, value))
            done = low.model(value, "builtins.dict.__setitem__", (kept, *pair), NONE)
        low.drop(node, done)
    result = low.copy(node, kept)
    low.release(node, kept)
    return result


@lowers(mn.IndexExpr)
def subscript(low: Lowering, node: mn.IndexExpr) -> ir.Register:
    """Lower `value[index]`."""
    info = attributes.class_object(low.mypy_type(node.base))
    if info is not None and info.is_enum:
        given = (expression(low, node.base), expression(low, node.index))
        return low.model(node, "enum.EnumMeta.__getitem__", given, low.type(node))
    if node.analyzed is not None or attributes.class_object(low.mypy_type(node.base)) is not None:
        return low.unsupported(
            node, "a generic class that is subscripted at run time", "name an alias of the module"
        )
    type_ = low.mypy_type(node.base)
    parts = (expression(low, node.base), expression(low, node.index))
    return low.call(node, subscript_callees(low, type_, "__getitem__"), parts, low.type(node))


def subscript_callees(low: Lowering, type_: object, method: str) -> tuple[ir.Callee, ...]:
    """Return what a subscript runs."""
    return operators.special_method(low, type_, method, "a subscript")  # type: ignore[arg-type]


@lowers(mn.SliceExpr)
def slice_(low: Lowering, node: mn.SliceExpr) -> ir.Register:
    """Lower `a:b:c`."""
    given = (node.begin_index, node.end_index, node.stride)
    parts = tuple(low.constant(node, None) if one is None else expression(low, one) for one in given)
    into = low.fresh()
    items = (*parts, *_width(low, node))
    low.emit(ir.Build(low.at(node), into, "slice", items, ir.Instance("builtins.slice")))
    return into


def _width(low: Lowering, node: mn.SliceExpr) -> tuple[ir.Register, ...]:
    """Return the local `n` of `a:a + n`."""
    first, last = node.begin_index, node.end_index
    if node.stride is not None or not isinstance(last, mn.OpExpr) or last.op != "+" or first is None:
        return ()
    if not isinstance(last.right, mn.NameExpr) or not _is_number(low, last.right):
        return ()
    if not _is_number(low, first) or not _same_number(first, last.left):
        return ()
    register = expression(low, last.right)
    if not register.startswith("%"):
        return (register,)
    low.drop(node, register)
    return ()


def _is_number(low: Lowering, node: mn.Expression) -> bool:
    type_ = low.type(node)
    whole = type_.type if isinstance(type_, ir.Literally) else type_
    return isinstance(whole, ir.Instance) and whole.name == "builtins.int"


def _same_number(one: mn.Expression, other: mn.Expression) -> bool:
    """Return whether two expressions of integers, evaluated one after the other, have the same value."""
    match one, other:
        case mn.NameExpr(), mn.NameExpr():
            return one.kind == mn.LDEF and one.node is other.node
        case mn.IntExpr(), mn.IntExpr():
            return one.value == other.value
        case mn.OpExpr(), mn.OpExpr():
            same = one.op == other.op and one.op in {"+", "-", "*"}
            return same and _same_number(one.left, other.left) and _same_number(one.right, other.right)
    return False


@lowers(mn.UnaryExpr)
def unary(low: Lowering, node: mn.UnaryExpr) -> ir.Register:
    """Lower `-x`, `+x`, `~x`, `not x`."""
    value = constant_value(node)
    if is_constant(value):
        return low.constant(node, value)
    if node.op == "not":
        return truth.condition(low, node)
    callees = operators.special_method(
        low, low.mypy_type(node.expr), operators.UNARY[node.op], f"operator {node.op}"
    )
    return low.call(node, callees, (expression(low, node.expr),), low.type(node))


@lowers(mn.OpExpr)
def binary(low: Lowering, node: mn.OpExpr) -> ir.Register:
    """Lower a binary operator, `and` and `or`."""
    if node.op in {"and", "or"}:
        return _short_circuit(low, node)
    if node.analyzed is not None:
        return low.unsupported(
            node, "a union of types that is made at run time", "name an alias of the module"
        )
    pair = (expression(low, node.left), expression(low, node.right))
    types = (low.mypy_type(node.left), low.mypy_type(node.right))
    return operators.binary(low, node, node.op, pair, types, low.type(node))


def _short_circuit(low: Lowering, node: mn.OpExpr) -> ir.Register:
    """The left operand stays on the stack while its truth is asked: it is the result, or dies."""
    into = low.fresh()
    left = low.keep(node, expression(low, node.left))
    asked = truth.truth(low, node, left, low.mypy_type(node.left))
    with low.block() as stop:
        low.emit(ir.Copy(low.at(node), into, left))
        low.release(node, left)
    with low.block() as go_on:
        low.release(node, left)
        low.emit(ir.Copy(low.at(node), into, expression(low, node.right)))
    true, false = facts_of(low, node.left)
    branches = (go_on(), stop()) if node.op == "and" else (stop(), go_on())
    low.emit(ir.If(low.at(node), asked, *branches, true, false))
    return into


@lowers(mn.ConditionalExpr)
def conditional(low: Lowering, node: mn.ConditionalExpr) -> ir.Register:
    """Lower `a if c else b`."""
    asked = truth.condition(low, node.cond)
    true, false = facts_of(low, node.cond)
    into = low.fresh()
    with low.block() as then:
        low.emit(ir.Copy(low.at(node), into, expression(low, node.if_expr)))
    with low.block() as otherwise:
        low.emit(ir.Copy(low.at(node), into, expression(low, node.else_expr)))
    low.emit(ir.If(low.at(node), asked, then(), otherwise(), true, false))
    return into


@lowers(mn.ComparisonExpr)
def comparison(low: Lowering, node: mn.ComparisonExpr) -> ir.Register:
    """Lower `a < b`, and chains: what stands in the middle is evaluated once."""
    return _compare_from(low, node, 0, expression(low, node.operands[0]))


def _compare_from(low: Lowering, node: mn.ComparisonExpr, index: int, left: ir.Register) -> ir.Register:
    operator, last = node.operators[index], index == len(node.operators) - 1
    right_node = node.operands[index + 1]
    right = _container(low, right_node) if operator in {"in", "not in"} else expression(low, right_node)
    types = (low.mypy_type(node.operands[index]), low.mypy_type(right_node))
    result = low.type(node) if last and len(node.operators) == 1 else truth.BOOL
    if last:
        return operators.compare(low, node, operator, (left, right), types, result)
    middle = low.keep(node, right)
    asked = operators.compare(low, node, operator, (left, middle), types)
    into = low.fresh()
    with low.block() as go_on:
        held = low.copy(node, middle) if middle.startswith("$") else middle
        low.release(node, middle)
        low.emit(ir.Copy(low.at(node), into, _compare_from(low, node, index + 1, held)))
    with low.block() as stop:
        low.release(node, middle)
        low.emit(ir.Constant(low.at(node), into, False))
    low.emit(ir.If(low.at(node), asked, go_on(), stop()))
    return into


def _container(low: Lowering, node: mn.Expression) -> ir.Register:
    """Lower the right side of `in`: a list or set of constants is a constant there."""
    if isinstance(node, (mn.ListExpr, mn.SetExpr)):
        items = [constant_value(item) for item in node.items]
        if items and all(map(is_constant, items)):
            return low.constant(node, tuple(items) if isinstance(node, mn.ListExpr) else frozenset(items))
    return expression(low, node)


@lowers(mn.AssignmentExpr)
def walrus(low: Lowering, node: mn.AssignmentExpr) -> ir.Register:
    """Lower `name := value`."""
    kept = low.keep(node, expression(low, node.value))
    if attributes.is_global(node.target):
        low.emit(ir.StoreGlobal(low.at(node), node.target.fullname, kept))
    else:
        low.store(node, plain_name(node.target.name), kept)
    result = low.copy(node, kept)
    low.release(node, kept)
    return result


@lowers(mn.StarExpr)
def star(low: Lowering, node: mn.StarExpr) -> ir.Register:
    """Lower a `*xs` in a place where it is not expected."""
    return low.unsupported(node, "a starred expression here", "write it in another way")


@lowers(mn.AwaitExpr)
def await_(low: Lowering, node: mn.AwaitExpr) -> ir.Register:
    """Lower `await x`."""
    source, into = expression(low, node.expr), low.fresh()
    low.emit(ir.Delegate(low.at(node), into, source, "await", low.type(node)))
    return into


@lowers(mn.YieldFromExpr)
def yield_from(low: Lowering, node: mn.YieldFromExpr) -> ir.Register:
    """Lower `yield from x`."""
    source, into = expression(low, node.expr), low.fresh()
    low.emit(ir.Delegate(low.at(node), into, source, "yield from", low.type(node)))
    return into


@lowers(mn.YieldExpr)
def yield_(low: Lowering, node: mn.YieldExpr) -> ir.Register:
    """Lower `yield x`."""
    source = low.constant(node, None) if node.expr is None else expression(low, node.expr)
    into = low.fresh()
    low.emit(ir.Yield(low.at(node), into, source, low.type(node)))
    return into


@lowers(mn.AssertTypeExpr)
def assert_type(low: Lowering, node: mn.AssertTypeExpr) -> ir.Register:
    """Lower `assert_type(x, T)`: the value is x."""
    return expression(low, node.expr)


@lowers(mn.CastExpr)
def cast(low: Lowering, node: mn.CastExpr) -> ir.Register:
    """Lower `cast(T, x)`: the value is x; its new type is a promise of the program.

    A type that is written as `list[int]` is made when the call runs.
    """
    call = low.syntax.at(node.line, max(0, node.column), ast.Call)
    written = call.args[0] if isinstance(call, ast.Call) and call.args else None
    if isinstance(written, ast.Subscript) and isinstance(written.value, ast.Name):
        low.drop(node, generic_alias(low, node, written))
    elif not isinstance(written, (ast.Name, ast.Attribute, ast.Constant)):
        low.drop(node, low.unsupported(node, "a type that is made for a cast", "write the type in quotes"))
    given = (low.constant(node, None), expression(low, node.expr))
    return low.model(node, "typing.cast", given, convert(node.type))


def generic_alias(low: Lowering, node: mn.Context, written: ast.expr) -> ir.Register:
    """Make the object that `dict[str, list[int]]` is at run time, with those inside it, which it keeps."""
    inner = [one for one in ast.walk(written) if isinstance(one, ast.Subscript)][1:]
    type_ = ir.Instance("types.GenericAlias")
    kept = tuple(low.model(node, "types.GenericAlias", (), type_) for _ in inner)
    return low.model(node, "types.GenericAlias", kept, type_)
