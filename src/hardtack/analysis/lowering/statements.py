"""Statements: assignments, loops, tests, `try`, `with`, `return`, `del`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import for_checkers
from hardtack.analysis.lowering import attributes, operators, truth
from hardtack.analysis.lowering.dispatch import expression, runs, statement
from hardtack.analysis.lowering.expressions import plain_name, subscript_callees
from hardtack.analysis.lowering.facts import facts_of
from hardtack.analysis.mypy_types import NONE, convert, instances

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardtack.analysis.lowering.context import Lowering


def run_all(low: Lowering, nodes: Iterable[mn.Statement]) -> None:
    """Lower statements one after the other, up to where the end of one cannot be reached."""
    for node in nodes:
        statement(low, node)
        if not low.falls_through():
            return


def block_of(low: Lowering, *nodes: mn.Block | None) -> ir.Block:
    """Return blocks of the source as one block."""
    with low.block() as made:
        for node in nodes:
            if node is not None and not node.is_unreachable:
                run_all(low, node.body)
    return made()


@runs(mn.Block)
def block(low: Lowering, node: mn.Block) -> None:
    """Lower a block that stands by itself."""
    run_all(low, node.body)


@runs(mn.GlobalDecl)
def global_(low: Lowering, node: mn.GlobalDecl) -> None:
    """Note what are the module's names."""
    low.scope.globals.update(node.names)


@runs(mn.PassStmt, mn.NonlocalDecl)
def nothing(_low: Lowering, _node: mn.Statement) -> None:
    """Lower what does nothing when it runs."""


@runs(mn.ExpressionStmt)
def expression_statement(low: Lowering, node: mn.ExpressionStmt) -> None:
    """Lower an expression whose value is let go of; a lone constant is not even loaded."""
    if not isinstance(node.expr, (mn.StrExpr, mn.EllipsisExpr, mn.IntExpr)):
        low.drop(node, expression(low, node.expr))


# -- assignment


@runs(mn.AssignmentStmt)
def assignment(low: Lowering, node: mn.AssignmentStmt) -> None:
    """Lower `a = b = value`."""
    if isinstance(node.rvalue, mn.TempNode):  # `x: int` without a value
        return
    if len(node.lvalues) == 1 and _pairwise(low, node.lvalues[0], node.rvalue):
        return
    value = expression(low, node.rvalue)
    if len(node.lvalues) == 1:
        assign(low, node.lvalues[0], value, low.mypy_type(node.rvalue))
        return
    kept = low.keep(node, value)
    for target in node.lvalues:
        assign(low, target, kept, low.mypy_type(node.rvalue))
    low.release(node, kept)


def _pairwise(low: Lowering, target: mn.Expression, value: mn.Expression) -> bool:
    """Lower `a, b = b, a`, for which CPython makes no tuple up to three items."""
    if not isinstance(target, (mn.TupleExpr, mn.ListExpr)) or not isinstance(value, mn.TupleExpr):
        return False
    targets, values = target.items, value.items
    if len(targets) != len(values) or not 2 <= len(values) <= 3:
        return False
    if any(isinstance(one, mn.StarExpr) for one in (*targets, *values)):
        return False
    held = []
    for one in values:
        register = expression(low, one)
        held.append(register if register.startswith("%") else low.copy(one, register))
    for one, register, source in zip(targets, held, values, strict=True):
        assign(low, one, register, low.mypy_type(source))
    return True


def assign(low: Lowering, target: mn.Expression, source: ir.Register, type_: mt.Type | None) -> None:
    """Bind a target to what a register holds."""
    match target:
        case mn.NameExpr():
            if attributes.is_global(target):
                low.emit(ir.StoreGlobal(low.at(target), target.fullname, source))
            else:
                low.store(target, plain_name(target.name), source)
        case mn.MemberExpr():
            attributes.store(low, target, source)
        case mn.IndexExpr():
            _store_item(low, target, source)
        case mn.TupleExpr() | mn.ListExpr():
            _unpack(low, target, source, type_)
        case _:
            what = f"an assignment to a {type(target).__name__}"
            low.drop(target, low.unsupported(target, what, "assign to a name", (source,)))


def _store_item(low: Lowering, target: mn.IndexExpr, source: ir.Register) -> None:
    callees = subscript_callees(low, low.mypy_type(target.base), "__setitem__")
    parts = (expression(low, target.base), expression(low, target.index), source)
    low.drop(target, low.call(target, callees, parts, NONE))


def _unpack(
    low: Lowering, target: mn.TupleExpr | mn.ListExpr, source: ir.Register, type_: mt.Type | None
) -> None:
    """Lower `a, *b = value`."""
    star = next((i for i, one in enumerate(target.items) if isinstance(one, mn.StarExpr)), None)
    inner = [one.expr if isinstance(one, mn.StarExpr) else one for one in target.items]
    into = tuple(low.fresh() for _ in inner)
    types = tuple(convert(low.mypy_type(one) or _item_type(low, type_, i)) for i, one in enumerate(inner))
    callees = iteration_callees(low, type_)
    fits = _has_items(type_, len(into), star)
    low.emit(ir.Unpack(low.at(target), into, source, star, types, callees, fits=fits))
    for i, (one, register) in enumerate(zip(inner, into, strict=True)):
        assign(low, one, register, _item_type(low, type_, i))


def _has_items(type_: mt.Type | None, count: int, star: int | None) -> bool:
    """Tell whether a type says that there are as many items as are taken apart."""
    proper = mt.get_proper_type(type_)
    if not isinstance(proper, mt.TupleType) or any(isinstance(one, mt.UnpackType) for one in proper.items):
        return False
    return len(proper.items) == count if star is None else len(proper.items) >= count - 1


def _item_type(low: Lowering, type_: mt.Type | None, index: int) -> mt.Type | None:
    """Return the type of an item of what is taken apart."""
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if isinstance(proper, mt.TupleType) and index < len(proper.items):
        return proper.items[index]
    return low.item_type(proper)


@runs(mn.OperatorAssignmentStmt)
def augmented(low: Lowering, node: mn.OperatorAssignmentStmt) -> None:
    """Lower `target += value`: the target's parts are evaluated once."""
    target = node.lvalue
    types = (low.target_type(target), low.mypy_type(node.rvalue))
    match target:
        case mn.NameExpr() | mn.MemberExpr() if isinstance(target, mn.NameExpr) or _is_of_class(target):
            old = expression(low, target)
            pair = (old, expression(low, node.rvalue))
            new = operators.in_place(low, node, node.op, pair, types, convert(types[0]))
            assign(low, target, new, types[0])
        case mn.MemberExpr() if attributes.module_of(target.expr) is None:
            held = low.keep(target, expression(low, target.expr))
            old = attributes.read(low, target, held, low.mypy_type(target.expr), target.name)
            pair = (old, expression(low, node.rvalue))
            new = operators.in_place(low, node, node.op, pair, types, convert(types[0]))
            attributes.write(low, target, held, new)
            low.release(target, held)
        case mn.IndexExpr():
            _augmented_item(low, node, target, types)
        case _:
            what = f"an augmented assignment to a {type(target).__name__}"
            low.drop(node, low.unsupported(node, what, "write it as a plain assignment"))


def _is_of_class(target: mn.MemberExpr) -> bool:
    """Return whether an attribute is that of a class or module: to read its name again runs nothing."""
    return isinstance(target.expr, mn.RefExpr) and isinstance(target.expr.node, mn.TypeInfo | mn.MypyFile)


def _augmented_item(
    low: Lowering,
    node: mn.OperatorAssignmentStmt,
    target: mn.IndexExpr,
    types: tuple[mt.Type | None, mt.Type | None],
) -> None:
    base = low.keep(target, expression(low, target.base))
    index = low.keep(target, expression(low, target.index))
    owner = low.mypy_type(target.base)
    old = low.call(target, subscript_callees(low, owner, "__getitem__"), (base, index), convert(types[0]))
    pair = (old, expression(low, node.rvalue))
    new = operators.in_place(low, node, node.op, pair, types, convert(types[0]))
    callees = subscript_callees(low, owner, "__setitem__")
    low.drop(node, low.call(target, callees, (base, index, new), NONE))
    low.release(target, base, index)


@runs(mn.DelStmt)
def delete(low: Lowering, node: mn.DelStmt) -> None:
    """Lower `del x`, `del xs[i]`."""
    targets = node.expr.items if isinstance(node.expr, (mn.TupleExpr, mn.ListExpr)) else [node.expr]
    for target in targets:
        _delete_one(low, target)


def _delete_one(low: Lowering, target: mn.Expression) -> None:
    match target:
        case mn.NameExpr() if not attributes.is_global(target):
            low.unbind(target, plain_name(target.name))
        case mn.IndexExpr():
            callees = subscript_callees(low, low.mypy_type(target.base), "__delitem__")
            parts = (expression(low, target.base), expression(low, target.index))
            low.drop(target, low.call(target, callees, parts, NONE))
        case mn.MemberExpr():
            attributes.delete(low, target)
        case _:
            what = "deleting a global"
            low.drop(target, low.unsupported(target, what, "assign None to it"))


# -- control


@runs(mn.ReturnStmt)
def return_(low: Lowering, node: mn.ReturnStmt) -> None:
    """Lower `return value`."""
    value = low.constant(node, None) if node.expr is None else expression(low, node.expr)
    low.emit(ir.Return(low.at(node), value))


@runs(mn.BreakStmt)
def break_(low: Lowering, node: mn.BreakStmt) -> None:
    """Lower `break`."""
    low.emit(ir.Break(low.at(node)))


@runs(mn.ContinueStmt)
def continue_(low: Lowering, node: mn.ContinueStmt) -> None:
    """Lower `continue`."""
    low.emit(ir.Continue(low.at(node)))


@runs(mn.IfStmt)
def if_(low: Lowering, node: mn.IfStmt) -> None:
    """Lower `if`; what mypy leaves out for this platform and version is left out."""
    _branch(low, node, 0)


def _branch(low: Lowering, node: mn.IfStmt, index: int) -> None:
    block = node.body[index] if index < len(node.expr) else node.else_body
    left_out = block.body if block is not None and block.is_unreachable else []
    if left_out and any(map(for_checkers, node.expr[: index + 1])):
        what = "what runs where TYPE_CHECKING is False: mypy does not read it"
        low.drop(node, low.unsupported(left_out[0], what, "write it without TYPE_CHECKING"))
    if index == len(node.expr):
        if block is not None and not block.is_unreachable:
            run_all(low, block.body)
        return
    if block is None or block.is_unreachable:
        _branch(low, node, index + 1)
        return
    test = node.expr[index]
    asked = truth.condition(low, test)
    true, false = facts_of(low, test)
    then = block_of(low, node.body[index])
    with low.block() as otherwise:
        _branch(low, node, index + 1)
    low.emit(ir.If(low.at(test), asked, then, otherwise(), true, false))


@runs(mn.WhileStmt)
def while_(low: Lowering, node: mn.WhileStmt) -> None:
    """Lower `while`."""
    with low.block() as header:
        asked = truth.condition(low, node.expr)
    true, false = facts_of(low, node.expr)
    body, otherwise = block_of(low, node.body), block_of(low, node.else_body)
    low.emit(ir.While(low.at(node), header(), asked, body, otherwise, true, false))


@runs(mn.ForStmt)
def for_(low: Lowering, node: mn.ForStmt) -> None:
    """Lower `for target in iterable`."""
    source = expression(low, node.expr)
    item_type = node.inferred_item_type or low.item_type(low.mypy_type(node.expr))
    item = low.fresh()
    with low.block() as body:
        assign(low, node.index, item, item_type)
        run_all(low, node.body.body)
    low.emit(
        ir.For(
            low.at(node),
            item,
            source,
            body(),
            block_of(low, node.else_body),
            convert(item_type),
            iteration_callees(low, low.mypy_type(node.expr), asynchronous=node.is_async),
            low.loop_bound(node.expr),
            node.is_async,
        )
    )


def iteration_callees(
    low: Lowering, type_: mt.Type | None, *, asynchronous: bool = False
) -> tuple[ir.Callee, ...]:
    """Return the sources' __iter__ and __next__ that iteration over a value runs."""
    begin, step = ("__aiter__", "__anext__") if asynchronous else ("__iter__", "__next__")
    found: dict[ir.Callee, None] = {}
    for instance in instances(type_):
        iterators = low.hierarchy.methods(instance.type, begin)
        if not iterators and not asynchronous:
            iterators = low.hierarchy.methods(instance.type, "__getitem__")
        own = [callee for callee in iterators if callee.kind != "model"]
        found.update(dict.fromkeys(own))
        for iterator in low.iterator_types(instance, begin) if own or instance.type.is_protocol else ():
            steps = low.hierarchy.methods(iterator, step)
            found.update(dict.fromkeys(callee for callee in steps if callee.kind == "function"))
    return tuple(found)


@runs(mn.AssertStmt)
def assert_(low: Lowering, node: mn.AssertStmt) -> None:
    """Lower `assert`."""
    asked = truth.condition(low, node.expr)
    true, false = facts_of(low, node.expr)
    with low.block() as failing:
        given = () if node.msg is None else (expression(low, node.msg),)
        made = low.model(node, "builtins.AssertionError", given, ir.Instance("builtins.AssertionError"))
        low.emit(ir.Raise(low.at(node), made))
    low.emit(ir.If(low.at(node), asked, ir.Block(), failing(), true, false))


@runs(mn.RaiseStmt)
def raise_(low: Lowering, node: mn.RaiseStmt) -> None:
    """Lower `raise`; a class is called first."""
    if node.expr is None:
        low.emit(ir.Raise(low.at(node), None))
        return
    raised = _exception(low, node.expr)
    cause = None if node.from_expr is None else _exception(low, node.from_expr)
    low.emit(ir.Raise(low.at(node), raised, cause))


def _exception(low: Lowering, node: mn.Expression) -> ir.Register:
    info = attributes.class_object(low.mypy_type(node))
    value = expression(low, node)
    if info is None:
        return value
    low.drop(node, value)
    return low.call(node, (low.hierarchy.construction(info),), (), ir.Instance(info.fullname))


@runs(mn.TryStmt)
def try_(low: Lowering, node: mn.TryStmt) -> None:
    """Lower `try`."""
    if node.is_star:
        low.drop(node, low.unsupported(node, "except*", "catch the group itself"))
        return
    body = block_of(low, node.body)
    handlers = tuple(_handler(low, node, i) for i in range(len(node.handlers)))
    otherwise, final = block_of(low, node.else_body), block_of(low, node.finally_body)
    low.emit(ir.Try(low.at(node), body, handlers, otherwise, final))


def _handler(low: Lowering, node: mn.TryStmt, index: int) -> ir.Handler:
    caught, variable = node.types[index], node.vars[index]
    types: tuple[str, ...] = ()
    with low.block() as body:
        if caught is not None:
            types = _caught(low, caught)
        if variable is not None and low.place_of(plain_name(variable.name)) == "cell":
            what = f"the exception {variable.name}, which an inner function captures"
            low.drop(node, low.unsupported(variable, what, "bind it to another name first"))
        run_all(low, node.handlers[index].body)
    name = plain_name(variable.name) if variable is not None else None
    return ir.Handler(low.at(node.handlers[index]), types, name, body())


def _caught(low: Lowering, node: mn.Expression) -> tuple[str, ...]:
    items = node.items if isinstance(node, mn.TupleExpr) else [node]
    names: list[str] = []
    for item in items:
        names.extend(exception_names(low, item))
    return tuple(dict.fromkeys(names))


def exception_names(low: Lowering, item: mn.Expression) -> list[str]:
    """Return the classes that an expression in an `except` clause names."""
    info = attributes.class_object(low.mypy_type(item))
    if info is not None:
        return [info.fullname]
    proper = mt.get_proper_type(low.mypy_type(item)) if low.mypy_type(item) is not None else None
    if isinstance(proper, mt.TupleType):
        found = [attributes.class_object(one) for one in proper.items]
        if all(found):
            return [one.fullname for one in found if one is not None]
    what = "an except clause whose classes are not known"
    low.drop(item, low.unsupported(item, what, "name the classes in the clause"))
    return ["builtins.BaseException"]
