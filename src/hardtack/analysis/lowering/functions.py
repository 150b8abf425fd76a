"""Functions whole: parameters, frame, body; and those that others make, nested ones and lambdas."""

from __future__ import annotations

import ast
import hashlib
import sys
from typing import TYPE_CHECKING, Literal

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.annotations_read import Definition
from hardtack.analysis.hierarchy import decorator_name
from hardtack.analysis.lowering.context import Lowering, Scope, falls_through
from hardtack.analysis.lowering.dispatch import expression, lowers, runs
from hardtack.analysis.lowering.expressions import constant_value, is_constant
from hardtack.analysis.lowering.statements import run_all
from hardtack.analysis.mypy_types import convert

if TYPE_CHECKING:
    import types

    from hardtack.analysis.knowledge import Knowledge

_KINDS: dict[mn.ArgKind, Literal["positional", "keyword", "star", "stars"]] = {
    mn.ARG_POS: "positional",
    mn.ARG_OPT: "positional",
    mn.ARG_STAR: "star",
    mn.ARG_NAMED: "keyword",
    mn.ARG_NAMED_OPT: "keyword",
    mn.ARG_STAR2: "stars",
}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lower_function(known: Knowledge, function: mn.FuncDef) -> list[ir.Function]:
    """Lower a function of a module or class; returns it and those that it makes."""
    hierarchy = known.hierarchy
    module = hierarchy.modules[function]
    code = known.sources.syntax(module).code(function.line, max(0, function.column), *_DEFINITIONS)
    method = hierarchy.owners.get(function)
    first = function.arguments[0].variable.name if method is not None and function.arguments else None
    scope = scope_of(hierarchy.names[function], module, code, first)
    low = Lowering(known, scope)
    return [finish(low, function, code, _body(low, function)), *low.nested]


def scope_of(name: str, module: str, code: types.CodeType | None, first: str | None) -> Scope:
    """Return what a code object says of a function's variables."""
    cells = frozenset(code.co_cellvars) if code else frozenset()
    free = frozenset(code.co_freevars) if code else frozenset()
    return Scope(name, module, cells, free, first)


def _body(low: Lowering, function: mn.FuncItem) -> ir.Block:
    low.rebound = _bound_by_walrus(low, function)
    node = function.expanded[0] if function.expanded else function
    with low.block() as made:
        run_all(low, node.body.body)
        ended = made()
        if falls_through(ended):
            low.emit(ir.Return(low.end(function), low.constant_at(low.end(function), None)))
    return made()


def _bound_by_walrus(low: Lowering, function: mn.FuncItem) -> set[str]:
    node = low.syntax.at(function.line, max(0, function.column), *_DEFINITIONS, ast.Lambda)
    if node is None:
        return set()
    return {one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr)}


def finish(low: Lowering, function: mn.FuncItem, code: types.CodeType | None, body: ir.Block) -> ir.Function:
    """Return a lowered function with what its signature, decorators and code object say."""
    type_ = signature(low, function)
    result = convert(type_.ret_type) if isinstance(type_, mt.CallableType) else ir.Unknown("it has no signature")
    definition = low.syntax.at(function.line, max(0, function.column), *_DEFINITIONS, ast.Lambda)
    annotations, module = low.known.annotations, low.scope.module
    if isinstance(definition, _DEFINITIONS) and _kind(function) == "function":
        result = annotations.of(module, definition.returns, result)
    made = ir.Function(
        name=low.scope.name,
        place=low.at(function),
        parameters=tuple(parameters(low, function)),
        result=result,
        body=body,
        kind=_kind(function),
        cells=tuple(sorted(low.scope.cells)),
        free=tuple(sorted(low.scope.free)),
        frame_slots=frame_slots(code),
        digest="",
        recursive=annotations.recursive(module, definition) if definition is not None else None,
        assumed=annotations.assumed(module, definition) if definition is not None else None,
        decorators=tuple(_decorators(low, function)),
    )
    return with_digest(made)


def signature(low: Lowering, function: mn.FuncItem) -> mt.ProperType | None:
    """Return the type of a function; a lambda's is inferred."""
    found = low.mypy_type(function) if isinstance(function, mn.LambdaExpr) else function.type
    return mt.get_proper_type(found) if found is not None else None


def with_digest(function: ir.Function) -> ir.Function:
    """Return a function with the hash of all that stands in it."""
    import dataclasses  # noqa: PLC0415

    text = f"{sys.version_info[:2]} {function!r}"
    return dataclasses.replace(function, digest=hashlib.sha256(text.encode()).hexdigest())


def frame_slots(code: types.CodeType | None) -> int:
    """Return how many values a frame has room for."""
    if code is None:
        return 0
    return code.co_nlocals + len(code.co_cellvars) + len(code.co_freevars) + code.co_stacksize


def _kind(function: mn.FuncItem) -> Literal["function", "generator", "coroutine", "async generator"]:
    if function.is_async_generator:
        return "async generator"
    if function.is_coroutine:
        return "coroutine"
    return "generator" if function.is_generator else "function"


def _decorators(low: Lowering, function: mn.FuncItem) -> list[str]:
    decorated = low.hierarchy.decorated.get(function)
    return [decorator_name(one) for one in decorated.original_decorators] if decorated is not None else []


def parameters(low: Lowering, function: mn.FuncItem) -> list[ir.Parameter]:
    """Return a function's parameters; a default that is no constant is named by the global that holds it."""
    made = []
    type_ = signature(low, function)
    declared = type_.arg_types if isinstance(type_, mt.CallableType) else [None] * len(function.arguments)
    definition = low.syntax.at(function.line, max(0, function.column), *_DEFINITIONS, ast.Lambda)
    written = low.known.annotations.parameters(definition) if isinstance(definition, Definition) else {}
    for argument, one in zip(function.arguments, declared, strict=True):
        default = argument.initializer
        value = constant_value(default) if default is not None else None
        known = is_constant(value)
        made.append(
            ir.Parameter(
                name=argument.variable.name,
                type=_parameter_type(low, function, argument, one, written.get(argument.variable.name)),
                kind=_KINDS[argument.kind],
                has_default=default is not None,
                default=value if known else None,
                default_register=None if known else f"{low.scope.name}.<defaults>.{argument.variable.name}",
            )
        )
    return made


def _parameter_type(
    low: Lowering,
    function: mn.FuncItem,
    argument: mn.Argument,
    declared: mt.Type | None,
    annotation: ast.expr | None,
) -> ir.Type:
    """Return a parameter's type; self is its method's class."""
    owner = low.hierarchy.owners.get(function)
    if owner is not None and (argument.variable.is_self or argument.variable.is_cls):
        if argument.variable.is_cls:
            return ir.ClassObject(owner.fullname)
        return ir.Instance(owner.fullname, tuple(convert(variable) for variable in owner.defn.type_vars))
    found = low.known.annotations.of(low.scope.module, annotation, convert(declared))
    if argument.kind == mn.ARG_STAR:
        return ir.Instance("builtins.tuple", (found,))
    if argument.kind == mn.ARG_STAR2:
        return ir.Instance("builtins.dict", (ir.Instance("builtins.str"), found))
    return found


# -- functions that a function makes


@runs(mn.FuncDef)
def nested_function(low: Lowering, node: mn.FuncDef) -> None:
    """Lower a function that stands in a function: a function object is made and bound to its name."""
    low.store(node, node.name, make(low, node, low.inner_name(node.name), _DEFINITIONS))


@runs(mn.Decorator)
def nested_decorated(low: Lowering, node: mn.Decorator) -> None:
    """Lower a decorated function in a function."""
    what = f"the decorated function {node.name} inside a function"
    low.drop(node, low.unsupported(node, what, "define it at the top of the module"))


@runs(mn.ClassDef)
def nested_class(low: Lowering, node: mn.ClassDef) -> None:
    """Lower a class in a function."""
    what = f"the class {node.name}, which is made at each call"
    low.drop(node, low.unsupported(node, what, "define it at the top of the module"))


@lowers(mn.LambdaExpr)
def lambda_(low: Lowering, node: mn.LambdaExpr) -> ir.Register:
    """Lower a lambda."""
    return make(low, node, low.inner_name(f"<lambda:{node.line}>"), (ast.Lambda,))


def make(low: Lowering, node: mn.FuncItem, name: str, kinds: tuple[type[ast.AST], ...]) -> ir.Register:
    """Lower an inner function, and emit the making of its object."""
    code = low.syntax.code(node.line, max(0, node.column), *kinds)
    scope = scope_of(name, low.scope.module, code, low.scope.first_parameter)
    scope.imported |= low.scope.imported
    inner = Lowering(low.known, scope)
    for one in (node, *node.expanded):
        low.hierarchy.names[one] = name
    low.nested.append(finish(inner, node, code, _body(inner, node)))
    low.nested.extend(inner.nested)
    defaults = []
    for argument in node.arguments:
        if argument.initializer is not None and not is_constant(constant_value(argument.initializer)):
            defaults.append(expression(low, argument.initializer))
    into = low.fresh()
    captures = tuple(sorted(scope.free))
    low.emit(ir.MakeFunction(low.at(node), into, name, tuple(defaults), captures))
    return into


# -- imports inside functions


@runs(mn.Import)
def import_(low: Lowering, node: mn.Import) -> None:
    """Lower `import a.b`: the module is there already, and its name stands for it."""
    for name, alias in node.ids:
        low.scope.imported.add(alias or name.split(".")[0])
        _import(low, node, name)


@runs(mn.ImportFrom)
def import_from(low: Lowering, node: mn.ImportFrom) -> None:
    """Lower `from a import b`: the names stand for what the module defines."""
    low.scope.imported.update(alias or name for name, alias in node.names)
    _import(low, node, node.id)


def _import(low: Lowering, node: mn.Statement, module: str) -> None:
    given = (low.constant(node, module),)
    low.drop(node, low.model(node, "builtins.__import__", given, ir.Instance("types.ModuleType")))
