"""Calls: which functions, classes, models or values may run, and with which arguments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import function_of, is_property
from hardtack.analysis.lowering import attributes, strings
from hardtack.analysis.lowering.dispatch import expression, lowers
from hardtack.analysis.mypy_types import NONE, instances

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering

Arguments = tuple[ir.Argument, ...]


@lowers(mn.CallExpr)
def call(low: Lowering, node: mn.CallExpr) -> ir.Register:
    """Lower a call."""
    if strings.is_format(low, node):
        return strings.formatted(low, node)
    own_format = strings.of_sources(low, node)
    if own_format:
        return strings.by_its_own(low, node, own_format)
    if isinstance(node.analyzed, mn.DictExpr) or _makes_dict(node):  # what mypy takes for a display
        return _dict_by_name(low, node)
    if node.analyzed is not None and not isinstance(node.analyzed, (mn.PromoteExpr,)):
        return expression(low, node.analyzed)
    callee = node.callee
    if isinstance(callee, mn.IndexExpr) and callee.analyzed is not None:
        return _generic(low, node, callee)
    if isinstance(callee, mn.SuperExpr):
        return _super(low, node, callee)
    if isinstance(callee, mn.MemberExpr) and attributes.module_of(callee.expr) is None:
        return _member(low, node, callee)
    if isinstance(callee, mn.RefExpr):
        static = named(low, callee)
        if static is not None:
            return emit(low, node, static, arguments(low, node))
    return _value(low, node, expression(low, callee))


def _generic(low: Lowering, node: mn.CallExpr, callee: mn.IndexExpr) -> ir.Register:
    """Call `deque[int](...)`: the alias is made, then the class is called."""
    base = callee.base
    info = base.node if isinstance(base, mn.RefExpr) else None
    if not isinstance(info, mn.TypeInfo) or info.fullname in low.hierarchy.classes:
        return _value(low, node, expression(low, callee))
    alias = low.keep(callee, low.model(callee, "types.GenericAlias", (), ir.Instance("types.GenericAlias")))
    into = emit(low, node, (low.hierarchy.construction(info),), arguments(low, node))
    low.release(callee, alias)
    return into


def _makes_dict(node: mn.CallExpr) -> bool:
    """Return whether a call is one of dict() with keywords, which become its keys."""
    of_dict = isinstance(node.callee, mn.RefExpr) and node.callee.fullname == "builtins.dict"
    return of_dict and mn.ARG_NAMED in node.arg_kinds and {*node.arg_kinds} <= {mn.ARG_POS, mn.ARG_NAMED}


def _dict_by_name(low: Lowering, node: mn.CallExpr) -> ir.Register:
    """Make a dict of what stands by position, and put in what is given by name."""
    given = arguments(low, node)
    kept = [(one.keyword, low.keep(node, one.register)) for one in given]
    first = tuple(low.copy(node, register) for keyword, register in kept if keyword is None)
    made = low.keep(node, low.model(node, "builtins.dict", first, low.type(node)))
    _put_by_name(low, node, made, kept)
    result = low.copy(node, made)
    low.release(node, made)
    return result


def _put_by_name(
    low: Lowering, node: mn.CallExpr, into: ir.Register, kept: list[tuple[str | None, ir.Register]]
) -> None:
    """Put what is given by name into a dict, and let go of the arguments."""
    for keyword, register in kept:
        if keyword is not None:
            pair = (low.constant(node, keyword), low.copy(node, register))
            low.drop(node, low.model(node, "builtins.dict.__setitem__", (into, *pair), NONE))
    low.release(node, *(register for _, register in kept))


def named(low: Lowering, callee: mn.RefExpr) -> tuple[ir.Callee, ...] | None:
    """Return what a name of a module runs when it is called; None where it is a variable."""
    if not attributes.is_global(callee) and not low.is_imported(callee):
        return None
    node = callee.node
    doubt = attributes.doubt_of(low, callee) if isinstance(callee, mn.MemberExpr) else ""
    if doubt:
        return (ir.Callee("unknown", doubt),)
    if isinstance(node, mn.TypeAlias):
        return tuple(low.hierarchy.construction(one.type) for one in instances(node.target)) or None
    if node is None and isinstance(callee, mn.MemberExpr):
        module = attributes.module_of(callee.expr)
        if module is not None and module.fullname not in low.sources.modules:
            return (ir.Callee("model", f"{module.fullname}.{callee.name}"),)  # no stub has it: a model may
    if isinstance(node, mn.Var) or node is None:
        return None
    found = low.hierarchy.callee(node)
    return (found,) if found is not None else None


def emit(
    low: Lowering, node: mn.CallExpr, callees: tuple[ir.Callee, ...], given: Arguments, *, bound: bool = False
) -> ir.Register:
    """Emit a call; returns the result's temporary."""
    into = low.fresh()
    low.emit(ir.Call(low.at(node), into, callees, given, low.call_type(node, callees), bound))
    return into


def arguments(low: Lowering, node: mn.CallExpr) -> Arguments:
    """Lower a call's arguments, from left to right."""
    given = []
    for argument, kind, name in zip(node.args, node.arg_kinds, node.arg_names, strict=True):
        stars = {mn.ARG_STAR: 1, mn.ARG_STAR2: 2}.get(kind, 0)
        given.append(ir.Argument(expression(low, argument), name if kind.is_named() else None, stars))
    return tuple(given)


def spreads(given: Arguments) -> bool:
    """Return whether a call spreads arguments, for which CPython makes a bound method."""
    return any(argument.stars for argument in given)


def _value(low: Lowering, node: mn.CallExpr, function: ir.Register) -> ir.Register:
    """Call the callable that a register holds; an instance with __call__ is called by its method."""
    methods = call_methods(low, low.mypy_type(node.callee))
    given = arguments(low, node)
    if methods:
        return emit(low, node, methods, (ir.Argument(function), *given), bound=True)
    return emit(low, node, (ir.Callee("value", function),), given)


def call_methods(low: Lowering, type_: mt.Type | None) -> tuple[ir.Callee, ...]:
    """Return the sources' __call__ that may run when a value is called."""
    found: dict[ir.Callee, None] = {}
    for instance in instances(type_):
        if instance.type.fullname != "builtins.function":
            found.update(dict.fromkeys(low.hierarchy.methods(instance.type, "__call__")))
    return tuple(found)


def _member(low: Lowering, node: mn.CallExpr, callee: mn.MemberExpr) -> ir.Register:
    """Call `value.name(...)`."""
    type_ = low.mypy_type(callee.expr)
    info = attributes.class_object(type_)
    if info is not None:
        return _through_class(low, node, callee, info)
    found = attributes.find(low, type_, callee.name)
    if found is None or found.kinds == 0:
        return _unknown_method(low, node, callee, type_)
    methods = (*found.methods, *found.on_class)
    if not methods or found.fields or found.properties or found.hooks:
        if found.unbound and found.kinds == 1:
            low.drop(node, expression(low, callee.expr))
            return emit(low, node, tuple(found.unbound), arguments(low, node))
        return _value(
            low, node, attributes.read(low, callee, expression(low, callee.expr), type_, callee.name)
        )
    if found.on_class or found.unbound:
        return _mixed(low, node, callee, found)
    receiver = expression(low, callee.expr)
    given = arguments(low, node)
    if [one.name for one in methods] == ["builtins.dict.update"] and any(one.keyword for one in given):
        return _updated_by_name(low, node, receiver, given)
    return emit(low, node, methods, (ir.Argument(receiver), *given), bound=spreads(given))


def _updated_by_name(
    low: Lowering, node: mn.CallExpr, receiver: ir.Register, given: Arguments
) -> ir.Register:
    """Call `d.update(other, key=value)`: what is given by name is put in as it is by a subscript."""
    held = low.keep(node, receiver)
    kept = [(one.keyword, low.keep(node, one.register)) for one in given]
    first = [low.copy(node, register) for keyword, register in kept if keyword is None]
    rest = tuple(ir.Argument(one) for one in first)
    low.drop(node, emit(low, node, (ir.Callee("model", "builtins.dict.update"),), (ir.Argument(held), *rest)))
    _put_by_name(low, node, held, kept)
    low.release(node, held)
    return low.constant(node, None)


def _mixed(low: Lowering, node: mn.CallExpr, callee: mn.MemberExpr, found: attributes.Found) -> ir.Register:
    """Call a class method through an instance: the class is the first argument."""
    if found.methods or found.unbound:
        return _unsupported(low, node, f"{callee.name}, a method of one class and a class method of another")
    receiver = expression(low, callee.expr)
    kind = low.model(callee, "builtins.type", (receiver,), ir.Instance("builtins.type"))
    given = arguments(low, node)
    return emit(low, node, tuple(found.on_class), (ir.Argument(kind), *given), bound=spreads(given))


def _unsupported(low: Lowering, node: mn.CallExpr, what: str) -> ir.Register:
    reads = tuple(argument.register for argument in arguments(low, node))
    return low.unsupported(node, what, "tell the classes apart by isinstance before", reads)


def _unknown_method(
    low: Lowering, node: mn.CallExpr, callee: mn.MemberExpr, type_: mt.Type | None
) -> ir.Register:
    receiver = expression(low, callee.expr)
    given = (ir.Argument(receiver), *arguments(low, node))
    if instances(type_):
        why = f"the method {callee.name}, which no class that the value may have defines"
        return emit(low, node, (ir.Callee("unknown", why),), given)
    return emit(low, node, (ir.Callee("dynamic", callee.name),), given)


def _through_class(low: Lowering, node: mn.CallExpr, callee: mn.MemberExpr, info: mn.TypeInfo) -> ir.Register:
    """Call `Class.name(...)`: a class method gets the class, a static or plain one what is written."""
    symbol = low.hierarchy.symbol(info, callee.name)
    if symbol is None or isinstance(symbol, mn.Var) or is_property(symbol):
        return _value(low, node, expression(low, callee))
    on_class = attributes.belongs_to_class(symbol)
    is_static_place = isinstance(callee.expr, mn.RefExpr) and attributes.is_global(callee.expr)
    callees = low.hierarchy.methods(info, callee.name)
    if is_static_place:
        found = low.hierarchy.callee(symbol, info)
        callees = (found,) if found is not None else ()
    receiver = expression(low, callee.expr)
    if not callees:
        callees = (ir.Callee("unknown", f"{info.fullname}.{callee.name}, which has no body"),)
    if on_class:
        given = arguments(low, node)
        return emit(low, node, callees, (ir.Argument(receiver), *given), bound=spreads(given))
    low.drop(node, receiver)
    return emit(low, node, callees, arguments(low, node))


def _super(low: Lowering, node: mn.CallExpr, callee: mn.SuperExpr) -> ir.Register:
    """Call `super().name(...)`: what comes next in the order of each class that the instance may have."""
    if callee.info is None or low.scope.first_parameter is None:
        return low.unsupported(node, "super() outside a method", "name the class")
    callees = low.hierarchy.after(callee.info, callee.name)
    given: Arguments = ()
    if sys.version_info < (3, 12):
        low.drop(node, low.model(callee, "builtins.super", (), ir.Instance("builtins.super")))
    receiver = low.load(node, low.scope.first_parameter)
    given = arguments(low, node)
    symbol = next(
        (base.names[callee.name].node for base in callee.info.mro[1:] if callee.name in base.names), None
    )
    function = function_of(symbol)
    if function is not None and function.is_static and callee.name != "__new__":
        low.drop(node, receiver)
        return emit(low, node, callees, given)
    bound = sys.version_info < (3, 12) or spreads(given)
    return emit(low, node, callees, (ir.Argument(receiver), *given), bound=bound)


@lowers(mn.SuperExpr)
def super_value(low: Lowering, node: mn.SuperExpr) -> ir.Register:
    """Lower `super().name` that is not called at once: a property, or a bound method."""
    if node.info is None or low.scope.first_parameter is None:
        return low.unsupported(node, "super() outside a method", "name the class")
    symbol = next((base.names[node.name].node for base in node.info.mro[1:] if node.name in base.names), None)
    if symbol is not None and is_property(symbol):
        receiver = low.load(node, low.scope.first_parameter)
        return low.call(node, low.hierarchy.after(node.info, node.name), (receiver,), low.type(node))
    return low.unsupported(node, "a method of super() as a value", "call it, or name the class")
