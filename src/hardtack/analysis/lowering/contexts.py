"""`with`: a `Try` around the body, with __exit__ on every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.lowering.dispatch import expression, runs
from hardtack.analysis.lowering.operators import special_method
from hardtack.analysis.lowering.statements import assign, exception_names, run_all
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
    if _is_generated(type_):
        _around(low, node, index)
        return
    rule = _KNOWN.get(_called(manager_node)) if not node.is_async else None
    if rule is not None and isinstance(manager_node, mn.CallExpr) and rule(low, node, index, manager_node):
        return
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


# -- managers of contextlib
def _is_generated(type_: mt.Type | None) -> bool:
    """Return whether a value is what a generator function under @contextmanager gives."""
    return [one.type.fullname for one in instances(type_)] == ["contextlib._GeneratorContextManager"]


def _called(node: mn.Expression) -> str:
    """Return the full name of what a call calls."""
    callee = node.callee if isinstance(node, mn.CallExpr) else None
    return callee.fullname if isinstance(callee, mn.RefExpr) else ""


def _held(low: Lowering, node: mn.Expression, value: ir.Register) -> ir.Register:
    manager = low.hidden()
    low.emit(ir.Copy(low.at(node), manager, value))
    return manager


def _body(
    low: Lowering, node: mn.WithStmt, index: int, entered: ir.Register | None, type_: mt.Type | None
) -> ir.Block:
    """Return the body of a `with`, which begins with the assignment to its target."""
    target = node.target[index]
    with low.block() as body:
        if target is not None and entered is not None:
            assign(low, target, low.copy(node, entered), type_)
        _nest(low, node, index + 1)
    return body()


def _around(low: Lowering, node: mn.WithStmt, index: int) -> None:
    """Lower a `with` whose manager a generator makes: the body runs in the place of its `yield`."""
    expr = node.expr[index]
    manager = _held(low, expr, expression(low, expr))
    entered = low.hidden() if node.target[index] is not None else None
    body = _body(low, node, index, entered, _entered_type(low, low.mypy_type(expr), node))
    at = low.at(node)
    passed = ir.Handler(at, (), None, ir.Block())
    low.emit(ir.Try(at, body, (passed,), ir.Block(), ir.Block(), manager, entered))
    low.emit(ir.Delete(at, manager))
    if entered is not None:
        low.emit(ir.Delete(at, entered))


def _suppress(low: Lowering, node: mn.WithStmt, index: int, call: mn.CallExpr) -> bool:
    """Lower `with suppress(A, B)`: an `except` for them, without a body."""
    if any(kind != mn.ARG_POS for kind in call.arg_kinds) or node.target[index] is not None:
        return False
    names = tuple(name for one in call.args for name in exception_names(low, one))
    given = tuple(expression(low, one) for one in call.args)
    made = low.model(call, "contextlib.suppress", given, low.type(call))
    manager = _held(low, call, made)
    body = _body(low, node, index, None, None)
    at = low.at(node)
    with low.block() as leaving:
        left = low.model(node, "contextlib.suppress.__exit__", (manager,), ir.Instance("builtins.bool"))
        low.drop(node, left)
    handlers = (ir.Handler(at, names, None, leaving()),) if names else ()
    low.emit(ir.Try(at, body, handlers, ir.Block(), ir.Block()))
    if low.falls_through():
        low.emit(ir.Delete(at, manager))
    return True


def _closing(low: Lowering, node: mn.WithStmt, index: int, call: mn.CallExpr) -> bool:
    """Lower `with closing(x)`: its `close` runs on every way out."""
    if call.arg_kinds != [mn.ARG_POS]:
        return False
    type_ = low.mypy_type(call.args[0])
    thing = low.hidden()
    low.emit(ir.Copy(low.at(call), thing, expression(low, call.args[0])))
    made = low.model(call, "contextlib.closing", (thing,), low.type(call))
    manager = _held(low, call, made)
    body = _body(low, node, index, thing, type_)
    with low.block() as final:
        closes = special_method(low, type_, "close", "closing()")
        low.drop(node, low.call(node, closes, (thing,), ir.Instance("builtins.object")))
    at = low.at(node)
    low.emit(ir.Try(at, body, (), ir.Block(), final()))
    if low.falls_through():
        low.emit(ir.Delete(at, thing))
        low.emit(ir.Delete(at, manager))
    return True


def _nullcontext(low: Lowering, node: mn.WithStmt, index: int, call: mn.CallExpr) -> bool:
    """Lower `with nullcontext(x)`: nothing is done."""
    if call.arg_kinds not in ([mn.ARG_POS], []):
        return False
    thing = low.hidden()
    value = expression(low, call.args[0]) if call.args else low.constant(call, None)
    low.emit(ir.Copy(low.at(call), thing, value))
    made = low.model(call, "contextlib.nullcontext", (thing,), low.type(call))
    manager = _held(low, call, made)
    body = _body(low, node, index, thing, low.mypy_type(call.args[0]) if call.args else None)
    at = low.at(node)
    final = ir.Block((ir.Delete(at, thing), ir.Delete(at, manager)))
    low.emit(ir.Try(at, body, (), ir.Block(), final))
    return True


_KNOWN = {
    "contextlib.suppress": _suppress,
    "contextlib.closing": _closing,
    "contextlib.nullcontext": _nullcontext,
}
