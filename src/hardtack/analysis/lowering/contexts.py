"""`with`: a `Try` around the body, with __exit__ on every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.lowering.dispatch import expression, runs
from hardtack.analysis.lowering.operators import special_method
from hardtack.analysis.lowering.statements import assign, run_all
from hardtack.analysis.mypy_types import convert, instances

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering


@runs(mn.WithStmt)
def with_(low: Lowering, node: mn.WithStmt) -> None:
    """Lower `with`: its managers nest from left to right."""
    _nest(low, node, 0)


def _nest(low: Lowering, node: mn.WithStmt, index: int) -> None:
    if index == len(node.expr):
        run_all(low, node.body.body)
        return
    manager_node, target = node.expr[index], node.target[index]
    type_ = low.mypy_type(manager_node)
    value = expression(low, manager_node)
    manager = low.hidden()
    low.emit(ir.Copy(low.at(manager_node), manager, value))
    entered = _enter(low, node, manager_node, manager)
    first: tuple[ir.Operation, ...] = ()
    if isinstance(target, mn.NameExpr):
        assign(low, target, entered, _entered_type(low, type_, node))
    elif target is not None:
        kept = low.keep(node, entered)
        with low.block() as bound:  # assigned inside the Try: what it runs may raise
            assign(low, target, kept, _entered_type(low, type_, node))
            low.release(node, kept)
        first = bound().operations
    else:
        low.drop(node, entered)
    leave = _swallowing if _may_swallow(low, type_, node) else _passing
    leave(low, node, index, manager, first)
    if low.falls_through():
        low.emit(ir.Delete(low.at(node), manager))


def _enter(
    low: Lowering, node: mn.WithStmt, manager_node: mn.Expression, manager: ir.Register
) -> ir.Register:
    type_ = low.mypy_type(manager_node)
    name = "__aenter__" if node.is_async else "__enter__"
    callees = special_method(low, type_, name, "a with statement")
    result = convert(_entered_type(low, type_, node))
    return _awaited(low, node, low.call(manager_node, callees, (manager,), result), result)


def _awaited(low: Lowering, node: mn.WithStmt, value: ir.Register, type_: ir.Type) -> ir.Register:
    if not node.is_async:
        return value
    into = low.fresh()
    low.emit(ir.Delegate(low.at(node), into, value, "await", type_))
    return into


def _method_result(low: Lowering, type_: mt.Type | None, name: str) -> mt.Type | None:
    results = []
    for one in instances(type_):
        proper = mt.get_proper_type(low.method_type(one, name))
        if not isinstance(proper, mt.CallableType):
            return None
        results.append(proper.ret_type)
    return mt.UnionType.make_union(results) if results else None


def _entered_type(low: Lowering, type_: mt.Type | None, node: mn.WithStmt) -> mt.Type | None:
    return _unwrapped(_method_result(low, type_, "__aenter__" if node.is_async else "__enter__"), node)


def _unwrapped(type_: mt.Type | None, node: mn.WithStmt) -> mt.Type | None:
    """Return what awaiting a coroutine's type gives."""
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if node.is_async and isinstance(proper, mt.Instance) and proper.args:
        return proper.args[-1]
    return proper


def _may_swallow(low: Lowering, type_: mt.Type | None, node: mn.WithStmt) -> bool:
    """Return whether __exit__ may stop an exception, or is the sources' own and so is given it."""
    name = "__aexit__" if node.is_async else "__exit__"
    if any(callee.kind != "model" for callee in special_method(low, type_, name, "")):
        return True
    result = _unwrapped(_method_result(low, type_, name), node)
    if result is None:
        return True
    items = result.items if isinstance(result, mt.UnionType) else [result]
    return not all(
        isinstance(one, mt.NoneType) or (isinstance(one, mt.LiteralType) and one.value is False)
        for one in map(mt.get_proper_type, items)
    )


def _exit(
    low: Lowering, node: mn.WithStmt, index: int, manager: ir.Register, given: tuple[ir.Register, ...]
) -> ir.Register:
    name = "__aexit__" if node.is_async else "__exit__"
    type_ = low.mypy_type(node.expr[index])
    callees = special_method(low, type_, name, "a with statement")
    result = convert(_unwrapped(_method_result(low, type_, name), node))
    return _awaited(low, node, low.call(node.expr[index], callees, (manager, *given), result), result)


def _nothing(low: Lowering, node: mn.WithStmt) -> tuple[ir.Register, ...]:
    return tuple(low.constant(node, None) for _ in range(3))


def _passing(
    low: Lowering, node: mn.WithStmt, index: int, manager: ir.Register, first: tuple[ir.Operation, ...]
) -> None:
    """Leave by a model's __exit__ that lets exceptions pass."""
    with low.block() as body:
        low.operations.extend(first)
        _nest(low, node, index + 1)
    with low.block() as final:
        low.drop(node, _exit(low, node, index, manager, _nothing(low, node)))
    low.emit(ir.Try(low.at(node), body(), (), ir.Block(), final()))


def _swallowing(
    low: Lowering, node: mn.WithStmt, index: int, manager: ir.Register, first: tuple[ir.Operation, ...]
) -> None:
    """Leave by an __exit__ that is given the exception and may stop it.

    A hidden local tells the `finally` part whether __exit__ has still to run.
    """
    pending, caught = low.hidden(), low.hidden()
    at = low.at(node)
    low.emit(ir.Copy(at, pending, low.constant(node, True)))
    with low.block() as body:
        low.operations.extend(first)
        _nest(low, node, index + 1)
    with low.block() as handling:
        low.emit(ir.Copy(at, pending, low.constant(node, False)))
        kind = low.model(node, "builtins.type", (caught,), ir.Instance("builtins.type"))
        traceback = low.fresh()
        type_ = ir.Instance("types.TracebackType")
        low.emit(ir.LoadAttribute(at, traceback, caught, "__traceback__", type_))
        stopped = _exit(low, node, index, manager, (kind, caught, traceback))
        raising = ir.Block((ir.Raise(at, None),))
        low.emit(ir.If(at, stopped, ir.Block(), raising))
    with low.block() as final:
        with low.block() as leaving:
            low.drop(node, _exit(low, node, index, manager, _nothing(low, node)))
        low.emit(ir.If(at, pending, leaving(), ir.Block()))
    handler = ir.Handler(at, (), caught, handling())
    low.emit(ir.Try(at, body(), (handler,), ir.Block(), final()))
    if low.falls_through():
        low.emit(ir.Delete(at, pending))
