"""Functions whole: parameters, frame, body; and those that others make, nested ones and lambdas."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from mypy import nodes as mn
from mypy import types as mt
from mypy.util import correct_relative_import

from hardtack.analysis import ir
from hardtack.analysis.annotations_read import Definition
from hardtack.analysis.constants import UNKNOWN
from hardtack.analysis.hierarchy import decorator_name
from hardtack.analysis.lowering.context import Lowering, Scope, falls_through
from hardtack.analysis.lowering.dispatch import expression, lowers, runs
from hardtack.analysis.lowering.doubtful import refuse_doubtful
from hardtack.analysis.lowering.expressions import constant_value, generic_alias, is_constant
from hardtack.analysis.lowering.statements import run_all
from hardtack.analysis.lowering.strays import refuse_strays
from hardtack.analysis.mypy_types import convert, instances, promoted
from hardtack.analysis.records import replace
from hardtack.errors import InternalError

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
_KEPT = 128  # results, unless lru_cache is told another number
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lower_function(known: Knowledge, function: mn.FuncDef) -> list[ir.Function]:
    """Lower a function of a module or class; returns it and those that it makes."""
    name = known.hierarchy.names[function]
    if len(function.expanded) < 2:
        return _lower(known, function, function, name)
    made = [_dispatcher(known, function, name)]
    for i, one in enumerate(function.expanded):
        if isinstance(one, mn.FuncDef):
            made += _lower(known, function, one, f"{name}~{i}")
    return made


def _lower(known: Knowledge, function: mn.FuncDef, typed: mn.FuncDef, name: str) -> list[ir.Function]:
    """Lower a function, or what mypy made of it for one value of its type variables."""
    _, code, low = _start(known, function, name)
    return [finish(low, typed, code, _body(low, typed, code)), *low.nested]


def _start(known: Knowledge, function: mn.FuncDef, name: str) -> tuple[str, types.CodeType | None, Lowering]:
    module = known.hierarchy.modules[function]
    syntax = known.sources.syntax(module)
    code = syntax.code(syntax.at(function.line, max(0, function.column), *_DEFINITIONS))
    if code is None:
        raise InternalError(f"{name} has no code object")
    method = known.hierarchy.owners.get(function)
    first = function.arguments[0].variable.name if method is not None and function.arguments else None
    return module, code, Lowering(known, scope_of(name, module, code, first))


def _dispatcher(known: Knowledge, function: mn.FuncDef, name: str) -> ir.Function:
    """Return a function that calls one of several: mypy types a body once for each value of a type variable.

    Nothing of it is there at run time, so it has no frame.
    """
    _, _, low = _start(known, function, name)
    with low.block() as body:
        _dispatch(low, function, 0)
    made = finish(low, function, None, body())
    return replace(made, frame_slots=0, kind="function", cells=(), free=())


def _dispatch(low: Lowering, function: mn.FuncDef, index: int) -> None:
    at = low.at(function)
    given = tuple(_passed(argument) for argument in function.arguments)
    last = index == len(function.expanded) - 1
    with low.block() as calling:
        into = low.fresh()
        type_ = signature(low, function.expanded[index])
        result = convert(type_.ret_type) if isinstance(type_, mt.CallableType) else ir.Unknown("no signature")
        callee = ir.Callee("function", f"{low.scope.name}~{index}")
        low.emit(ir.Call(at, into, (callee,), given, result))
        low.emit(ir.Return(at, into))
    if last:
        low.operations.extend(calling().operations)
        return
    tested = next((i for i in range(len(function.arguments)) if _is_variable(function, i)), 0)
    subject = function.arguments[tested].variable.name
    info = _value_class(function.expanded[index], tested)
    kind = low.fresh()
    low.emit(ir.LoadGlobal(at, kind, info, ir.ClassObject(info)))
    asked = low.model(function, "builtins.isinstance", (subject, kind), ir.Instance("builtins.bool"))
    known = _is_variable(function, tested)
    with low.block() as otherwise:
        _dispatch(low, function, index + 1)
    true = (ir.Fact(subject, "isinstance", (info,)),) if known else ()
    false = (ir.Fact(subject, "not isinstance", (info,)),) if known else ()
    low.emit(ir.If(at, asked, calling(), otherwise(), true, false))


def _passed(argument: mn.Argument) -> ir.Argument:
    name = argument.variable.name
    stars = {mn.ARG_STAR: 1, mn.ARG_STAR2: 2}.get(argument.kind, 0)
    return ir.Argument(name, name if argument.kind.is_named() else None, stars)


def _is_variable(function: mn.FuncDef, index: int) -> bool:
    """Return whether a parameter's type is a type variable itself."""
    if not isinstance(function.type, mt.CallableType):
        return False
    return isinstance(mt.get_proper_type(function.type.arg_types[index]), mt.TypeVarType)


def _value_class(function: mn.FuncItem, index: int) -> str:
    type_ = function.type.arg_types[index] if isinstance(function.type, mt.CallableType) else None
    known = instances(type_)
    return known[0].type.fullname if known else "builtins.object"


def scope_of(name: str, module: str, code: types.CodeType | None, first: str | None) -> Scope:
    """Return what a code object says of a function's variables."""
    cells = frozenset(code.co_cellvars) if code else frozenset()
    free = frozenset(code.co_freevars) if code else frozenset()
    return Scope(name, module, cells, free, first)


def _body(low: Lowering, function: mn.FuncItem, code: types.CodeType | None = None) -> ir.Block:
    """Lower a body; `code` is that of a function which stands in no other."""
    low.rebound = _bound_by_walrus(low, function)
    with low.block() as made:
        refuse_strays(low, function)
        if code is not None:
            refuse_doubtful(low, function, code)
        run_all(low, function.body.body)
        ended = made()
        if falls_through(ended):
            low.emit(ir.Return(low.end(function), low.constant_at(low.end(function), None)))
    return made()


def _bound_by_walrus(low: Lowering, function: mn.FuncItem) -> set[str]:
    """Return the names that expressions of a function bind; those of functions inside it do no harm here."""
    last = function.end_line or function.line
    return {one.target.id for one in low.syntax.walruses if function.line <= one.lineno <= last}


def finish(low: Lowering, function: mn.FuncItem, code: types.CodeType | None, body: ir.Block) -> ir.Function:
    """Return a lowered function with what its signature, decorators and code object say."""
    type_ = signature(low, function)
    result = (
        convert(type_.ret_type) if isinstance(type_, mt.CallableType) else ir.Unknown("it has no signature")
    )
    definition = low.syntax.at(function.line, max(0, function.column), *_DEFINITIONS, ast.Lambda)
    annotations, module = low.known.annotations, low.scope.module
    if isinstance(definition, _DEFINITIONS) and _kind(function) == "function":
        result = annotations.of(module, definition.returns, result)
    return ir.Function(
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
        last_line=function.end_line or function.line,
        recursive=annotations.recursive(module, definition) if definition is not None else None,
        assumed=annotations.assumed(module, definition) if definition is not None else None,
        decorators=tuple(_decorators(low, function)),
        keeps=_keeps(low, function),
    )


def signature(low: Lowering, function: mn.FuncItem) -> mt.ProperType | None:
    """Return the type of a function; a lambda's is inferred."""
    found = low.mypy_type(function) if isinstance(function, mn.LambdaExpr) else function.type
    return mt.get_proper_type(found) if found is not None else None


def crashed(known: Knowledge, function: mn.FuncDef, error: Exception) -> ir.Function:
    """Return what stands for a function that the analyser failed to lower: a finding."""
    module = known.hierarchy.modules[function]
    at = ir.Place(known.sources.modules[module].path, function.line, max(0, function.column))
    what = f"internal: {type(error).__name__}: {error}"
    body = ir.Block((ir.Unsupported(at, "%1", (), what, "please report this"), ir.Return(at, "%1")))
    return ir.Function(
        known.hierarchy.names[function], at, (), ir.Unknown(what), body, "function", (), (), 0, ""
    )


def refused(function: ir.Function, what: str, remedy: str) -> ir.Function:
    """Return a function whose body is a finding."""
    body = ir.Block((ir.Unsupported(function.place, "%1", (), what, remedy), ir.Return(function.place, "%1")))
    return replace(function, body=body, kind="function")


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


def _keeps(low: Lowering, function: mn.FuncItem) -> int | None:
    """Return how many results a decorator of functools keeps; -1 without a limit that is known."""
    decorated = low.hierarchy.decorated.get(function)
    for one in decorated.original_decorators if decorated is not None else ():
        match decorator_name(one), one:
            case "functools.cache", _:
                return -1
            case "functools.lru_cache", mn.CallExpr(args=args, arg_names=names):
                given = [one for key, one in zip(names, args, strict=True) if key in {None, "maxsize"}]
                size = low.known.constants.fold(given[0]) if given else _KEPT
                return max(size, 0) if isinstance(size, int) else -1
            case "functools.lru_cache", _:
                return _KEPT
    return None


def parameters(low: Lowering, function: mn.FuncItem) -> list[ir.Parameter]:
    """Return a function's parameters; a default that is no constant is named by the global that holds it."""
    made = []
    type_ = signature(low, function)
    declared = type_.arg_types if isinstance(type_, mt.CallableType) else [None] * len(function.arguments)
    definition = low.syntax.at(function.line, max(0, function.column), *_DEFINITIONS, ast.Lambda)
    written = low.known.annotations.parameters(definition) if isinstance(definition, Definition) else {}
    for argument, one in zip(function.arguments, declared, strict=True):
        default = argument.initializer
        value = _default(low, default) if default is not None else None
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


def _default(low: Lowering, node: mn.Expression) -> object:
    """Return the constant that a default is, or that the variable holds which it is taken from."""
    value = constant_value(node)
    if value is UNKNOWN and isinstance(node, mn.RefExpr):
        held = low.known.constants.fold(node)
        return held if isinstance(held, (str, bytes, int)) else UNKNOWN
    return value


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
    found = low.known.annotations.of(low.scope.module, annotation, promoted(convert(declared)))
    if argument.kind == mn.ARG_STAR:
        return ir.Instance("builtins.tuple", (found,))
    if argument.kind == mn.ARG_STAR2:
        return ir.Instance("builtins.dict", (ir.Instance("builtins.str"), found))
    return found


# -- functions that a function makes


@runs(mn.FuncDef)
def nested_function(low: Lowering, node: mn.FuncDef) -> None:
    """Lower a function that stands in a function: a function object is made and bound to its name."""
    _store(low, node, node.name, make(low, node, low.inner_name(node.name), _DEFINITIONS))


def _store(low: Lowering, node: mn.Statement, name: str, made: ir.Register) -> None:
    """Bind a function to its name, unless that is the module's."""
    if name not in low.scope.globals:
        low.store(node, name, made)
        return
    what = f"the definition of {name}, which is declared global"
    low.drop(node, low.unsupported(node, what, "define it in the module", (made,)))


@runs(mn.Decorator)
def nested_decorated(low: Lowering, node: mn.Decorator) -> None:
    """Lower a decorated function in a function: its decorators are evaluated first, and called last."""
    decorators = [_decorator(low, one) for one in node.original_decorators]
    made = make(low, node.func, low.inner_name(node.func.name), _DEFINITIONS)
    for decorator, (kept, name) in reversed(list(zip(node.original_decorators, decorators, strict=True))):
        if name is not None:
            made = low.model(decorator, name, (made, kept), low.type(decorator))
        else:
            callee = ir.Callee("value", kept)
            made = low.call(decorator, (callee,), (made,), ir.Unknown("what a decorator gives"))
        low.release(decorator, kept)
    _store(low, node, node.func.name, made)


def _decorator(low: Lowering, node: mn.Expression) -> tuple[ir.Register, str | None]:
    """Evaluate a decorator; returns what holds it, and the model that stands in for `functools.wraps`."""
    if decorator_name(node) == "functools.wraps" and isinstance(node, mn.CallExpr) and len(node.args) == 1:
        return low.keep(node, expression(low, node.args[0])), "functools.update_wrapper"
    return low.keep(node, expression(low, node)), None


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
    code = low.syntax.code(low.syntax.at(node.line, max(0, node.column), *kinds))
    if code is None:
        return low.unsupported(node, "a function whose code cannot be found", "write it in another place")
    scope = scope_of(name, low.scope.module, code, low.scope.first_parameter)
    scope.imported |= low.scope.imported
    inner = Lowering(low.known, scope)
    for one in (node, *node.expanded):
        low.hierarchy.names[one] = name
    low.nested.append(finish(inner, node, code, _body(inner, node)))
    low.nested.extend(inner.nested)
    given = [argument.initializer for argument in node.arguments]
    defaults = tuple(expression(low, one) for one in given if one is not None)
    annotations = _annotations(low, node)
    into = low.fresh()
    captures = tuple(sorted(scope.free))
    low.emit(ir.MakeFunction(low.at(node), into, name, defaults, captures, annotations))
    return into


def _annotations(low: Lowering, node: mn.FuncItem) -> tuple[ir.Register, ...]:
    """Evaluate the annotations of an inner function, as its definition does."""
    definition = low.syntax.at(node.line, max(0, node.column), *_DEFINITIONS)
    if not isinstance(definition, _DEFINITIONS):
        return ()
    written = {**low.known.annotations.parameters(definition), "return": definition.returns}
    made: list[ir.Register] = []
    for name, annotation in written.items():
        if annotation is not None:
            made += [low.constant(node, name), _annotation(low, node, annotation)]
    return tuple(made)


def _annotation(low: Lowering, node: mn.FuncItem, annotation: ast.expr) -> ir.Register:
    if low.syntax.annotations_are_text or isinstance(annotation, ast.Constant):
        return low.constant(node, ast.unparse(annotation))
    if isinstance(annotation, (ast.Name, ast.Attribute)):
        return low.constant(node, None)  # it is there already
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        return generic_alias(low, node, annotation)
    remedy = "begin the module with `from __future__ import annotations`"
    return low.unsupported(node, "an annotation that is evaluated at each call", remedy)


# -- imports inside functions


@runs(mn.Import)
def import_(low: Lowering, node: mn.Import) -> None:
    """Lower `import a.b`: the module is there already, and its name stands for it."""
    for name, alias in node.ids:
        first = name.split(".")[0]
        _import(low, node, name, {alias or first})
        _bind(low, node, alias or first, name if alias else first)


@runs(mn.ImportFrom)
def import_from(low: Lowering, node: mn.ImportFrom) -> None:
    """Lower `from a import b`: the names stand for what the module defines."""
    _import(low, node, node.id, {alias or name for name, alias in node.names})
    package = low.file.endswith("__init__.py")
    module, _ = correct_relative_import(low.scope.module, node.relative, node.id, package)
    defined = low.sources.everything.get(module)
    for name, alias in node.names:
        if defined is None or name not in defined.names:
            _bind(low, node, alias or name, f"{module}.{name}")


def _import(low: Lowering, node: mn.Statement, module: str, names: set[str]) -> None:
    low.scope.imported |= names
    if names & low.scope.globals:
        what = "an import that gives a variable of the module another value"
        low.drop(node, low.unsupported(node, what, "import it in the module"))
    given = (low.constant(node, module),)
    low.drop(node, low.model(node, "builtins.import", given, ir.Instance("types.ModuleType")))


def _bind(low: Lowering, node: mn.Statement, name: str, module: str) -> None:
    """Bind a name that stands for no module that mypy has read: to something of which nothing is known."""
    if module not in low.sources.everything:
        into = low.fresh()
        unknown = ir.Unknown("its type comes from an import that mypy cannot follow")
        low.emit(ir.LoadGlobal(low.at(node), into, f"import.{module}", unknown))
        low.store(node, name, into)
