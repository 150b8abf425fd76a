"""The metadata of `Annotated`, which mypy drops: read again from the source by `ast`.

`MaxLen`, `MinLen`, `Len`, `Le`, `Lt`, `Ge`, `Gt` and `Interval` of annotated-types, on parameters, results,
fields, variables of modules, aliases (imported ones too) and elements; and the arguments of `@recursive` and
`@assume_bound`. What is not understood states nothing: a bound without it is higher or missing, never too
low.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeGuard

from hardtack.analysis import ir
from hardtack.analysis.hints import NO_LIMITS, NOTHING, Hint, tighter, with_hint
from hardtack.analysis.mypy_types import convert, promoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy import nodes as mn
    from mypy import types as mt

    from hardtack.analysis.constants import Constants
    from hardtack.analysis.source import Sources
    from hardtack.analysis.syntax import Syntax

_DEEP = 16  # an alias may be defined by itself
_TRANSPARENT = frozenset({"Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "InitVar"})
_UNIONS = frozenset({"Union", "Optional"})
_TYPING = ("typing.", "typing_extensions.", "dataclasses.")
_LIMITS = {
    "MaxLen": "max_length",
    "MinLen": "min_length",
    "Le": "most",
    "Lt": "most",
    "Ge": "least",
    "Gt": "least",
}
_SHIFT = {"Lt": -1, "Gt": 1, "lt": -1, "gt": 1}
_INTERVAL = {"gt": "least", "ge": "least", "lt": "most", "le": "most"}

_AMONG = "hardtack.annotations.Among"
_ASSUMING = frozenset({"hardtack.assume_bound", "hardtack.annotations.assume_bound"})
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Annotations:
    """Reads what the annotations of the sources state."""

    def __init__(self, sources: Sources, constants: Constants) -> None:
        self._sources = sources
        self._constants = constants
        self._hints: dict[str, Hint] = {}  # of fields and variables, which are asked for again and again
        self._imports: dict[str, dict[str, str]] = {}
        self._variables: dict[str, dict[str, ast.expr]] = {}
        self._aliases: dict[str, dict[str, ast.expr]] = {}

    # -- the ways in
    def type_of(self, node: mn.Var | None, declared: mt.Type | None) -> ir.Type:
        """Return the type of a field or of another variable, with what its annotation states."""
        type_ = promoted(convert(declared))
        module = self._module_of(node) if node is not None else None
        if node is None or module is None:
            return type_
        owner = node.info.fullname if node.info else module
        name = f"{owner}.{node.name}"
        if name not in self._hints:
            annotation = self._annotated(module).get(name)
            self._hints[name] = NOTHING if annotation is None else self.hint(module, annotation)
        return with_hint(type_, self._hints[name])

    def alias_of(self, name: str, type_: ir.Type) -> ir.Type:
        """Return what an alias stands for, with what its definition states."""
        hint = self._alias(name, 0)
        return type_ if hint is None else with_hint(type_, hint)

    def of(self, module: str, annotation: ast.expr | None, type_: ir.Type) -> ir.Type:
        """Return a type with what an annotation that stands in a module states."""
        return type_ if annotation is None else with_hint(type_, self.hint(module, annotation))

    @staticmethod
    def parameters(definition: Definition) -> dict[str, ast.expr | None]:
        """Return the annotations of a function's parameters."""
        given = definition.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        return {one.arg: one.annotation for one in every if one is not None}

    def decorator(self, module: str, definition: ast.AST, name: str) -> ast.Call | None:
        """Return the call of a decorator of `hardtack.annotations` on a function."""
        for one in getattr(definition, "decorator_list", []):
            if isinstance(one, ast.Call):
                full = self.resolve(module, one.func) or ""
                if full in {f"hardtack.annotations.{name}", f"hardtack.{name}"}:
                    return one
        return None

    def recursive(self, module: str, definition: ast.AST) -> tuple[int, int | None] | None:
        """Return what `@recursive(depth=, calls=)` states of a function."""
        call = self.decorator(module, definition, "recursive")
        if call is None:
            return None
        given = {one.arg: self.integer(module, one.value) for one in call.keywords}
        depth = given.get("depth")
        return None if depth is None else (depth, given.get("calls"))

    def assumed(self, module: str, definition: ast.AST) -> tuple[tuple[str, str], ...] | None:
        """Return what `@assume_bound(...)` states of a function: ("peak", text), ..."""
        call = self.decorator(module, definition, "assume_bound")
        return None if call is None else self._claims(module, call)

    def _claims(self, module: str, call: ast.Call) -> tuple[tuple[str, str], ...]:
        names = (
            ["peak", *(one.arg or "" for one in call.keywords)]
            if call.args
            else [one.arg or "" for one in call.keywords]
        )
        values = [*call.args[:1], *(one.value for one in call.keywords)]
        return tuple((name, self._text(module, value)) for name, value in zip(names, values, strict=True))

    def _text(self, module: str, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        value = self.integer(module, node)
        return ast.unparse(node) if value is None else str(value)

    # -- hints
    def hint(self, module: str, annotation: ast.expr, depth: int = 0) -> Hint:
        """Return what an annotation states."""
        if depth > _DEEP:
            return NOTHING
        match annotation:
            case ast.Constant(value=str() as text):
                return self._quoted(module, text, depth)
            case ast.BinOp(op=ast.BitOr()):
                sides = (annotation.left, annotation.right)
                return _choice([self.hint(module, side, depth + 1) for side in sides])
            case ast.Subscript():
                return self._subscript(module, annotation, depth)
            case ast.Name() | ast.Attribute():
                return self._named(module, annotation, depth)
        return NOTHING

    def _quoted(self, module: str, text: str, depth: int) -> Hint:
        try:
            return self.hint(module, ast.parse(text.strip(), mode="eval").body, depth + 1)
        except SyntaxError:
            return NOTHING

    def _subscript(self, module: str, node: ast.Subscript, depth: int) -> Hint:
        name = self.resolve(module, node.value) or ""
        last = name.rpartition(".")[2]
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name.startswith(_TYPING):
            if last == "Annotated":
                return self._annotated_hint(module, items, depth)
            if last in _TRANSPARENT:
                return self.hint(module, items[0], depth + 1)
            if last in _UNIONS:
                return _choice([self.hint(module, item, depth + 1) for item in items])
        inner = tuple(self.hint(module, one, depth + 1) for one in items if not _is_ellipsis(one))
        alias = self._alias(name, depth)
        return alias if alias is not None else Hint(last.lower(), parts=inner)

    def _annotated_hint(self, module: str, items: list[ast.expr], depth: int) -> Hint:
        inner = self.hint(module, items[0], depth + 1)
        limits: ir.Limits | None = inner.limits
        assumed = inner.assumed
        for one in items[1:]:
            limits = tighter(limits, self._limits(module, one))
            if isinstance(one, ast.Call) and (self.resolve(module, one.func) or "") in _ASSUMING:
                assumed = self._claims(module, one)
        return Hint(inner.head, limits or NO_LIMITS, inner.parts, inner.choices, assumed)

    def _named(self, module: str, node: ast.expr, depth: int) -> Hint:
        name = self.resolve(module, node)
        if name is None:
            return NOTHING
        return self._alias(name, depth) or Hint(name.rpartition(".")[2].lower())

    def _alias(self, name: str, depth: int) -> Hint | None:
        """Return what an alias states, in the module that defines it."""
        owner, _, last = name.rpartition(".")
        value = self._defined(owner).get(last)
        return None if value is None else self.hint(owner, value, depth + 1)

    def _limits(self, module: str, node: ast.expr) -> ir.Limits | None:
        """Return what one piece of metadata states."""
        if not isinstance(node, ast.Call):
            return None
        name = self.resolve(module, node.func) or ""
        if name == _AMONG and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return ir.Limits(among=str(node.args[0].value))
        kind = name.removeprefix("annotated_types.")
        if kind == name:
            return None
        given = {one.arg or "": one.value for one in node.keywords}
        if kind in _LIMITS:
            value = self._bound(module, [*node.args, *given.values()][:1], _SHIFT.get(kind, 0))
            return None if value is None else ir.Limits(among=None, **{_LIMITS[kind]: value})
        if kind == "Len":
            ends = dict(zip(("min_length", "max_length"), node.args, strict=False)) | given
            return ir.Limits(
                among=None,
                **{key: self.integer(module, one) for key, one in ends.items() if key.endswith("_length")},
            )
        if kind == "Interval":
            return self._interval(module, given)
        return None

    def _interval(self, module: str, given: dict[str, ast.expr]) -> ir.Limits | None:
        limits: ir.Limits | None = None
        for key, node in given.items():
            value = self._bound(module, [node], _SHIFT.get(key, 0)) if key in _INTERVAL else None
            if value is not None:
                limits = tighter(limits, ir.Limits(among=None, **{_INTERVAL[key]: value}))
        return limits

    def _bound(self, module: str, nodes: list[ast.expr], shift: int) -> int | None:
        value = self.integer(module, nodes[0]) if nodes else None
        return None if value is None else value + shift

    # -- names and values
    def integer(self, module: str, node: ast.expr) -> int | None:
        """Return the value of an integer expression of constants."""
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return value
            case ast.UnaryOp(op=ast.USub()):
                inner = self.integer(module, node.operand)
                return None if inner is None else -inner
            case ast.BinOp():
                return self._arithmetic(module, node)
            case ast.Name() | ast.Attribute():
                known = self._constants.value(self.resolve(module, node) or "")
                return known if isinstance(known, int) else None
        return None

    def _arithmetic(self, module: str, node: ast.BinOp) -> int | None:
        left, right = self.integer(module, node.left), self.integer(module, node.right)
        if left is None or right is None:
            return None
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.LShift() if 0 <= right <= 256:
                return left << right
            case ast.FloorDiv() if right:
                return left // right
            case ast.Pow() if 0 <= right <= 256 and abs(left) <= 256:
                return int(left**right)
        return None

    def resolve(self, module: str, node: ast.expr) -> str | None:
        """Return the full name of what a dotted name of a module means, through the imports of modules."""
        match node:
            case ast.Name():
                return self._origin(f"{module}.{node.id}", 0)
            case ast.Attribute():
                base = self.resolve(module, node.value)
                return None if base is None else self._origin(f"{base}.{node.attr}", 0)
        return None

    def _origin(self, name: str, depth: int) -> str:
        """Follow imports to where a name is defined."""
        owner, _, last = name.rpartition(".")
        imported = self._imported(owner).get(last) if owner else None
        return name if imported is None or depth > _DEEP else self._origin(imported, depth + 1)

    # -- modules
    def _syntax(self, module: str) -> Syntax | None:
        """Return a module's syntax; None for a stub, and for what is no module."""
        known = self._sources.everything.get(module)
        return None if known is None or not known.path.endswith(".py") else self._sources.syntax(module)

    def _imported(self, module: str) -> dict[str, str]:
        if module not in self._imports:
            syntax = self._syntax(module)
            self._imports[module] = (
                {} if syntax is None else dict(_imports(module, syntax, self._is_package(module)))
            )
        return self._imports[module]

    def _is_package(self, module: str) -> bool:
        return self._sources.everything[module].path.endswith("__init__.py")

    def _defined(self, module: str) -> dict[str, ast.expr]:
        """Return a module's assignments to names, which may be aliases."""
        if module not in self._aliases:
            syntax = self._syntax(module)
            self._aliases[module] = {} if syntax is None else dict(_definitions(syntax.tree.body))
        return self._aliases[module]

    def _annotated(self, module: str) -> dict[str, ast.expr]:
        """Return the annotated variables of a module and of its classes, by full name."""
        if module not in self._variables:
            syntax = self._syntax(module)
            if syntax is not None and module not in self._sources.modules and "Annotated" not in syntax.text:
                syntax = None
            self._variables[module] = {} if syntax is None else dict(_variables(syntax, module))
        return self._variables[module]

    def _module_of(self, node: mn.Var) -> str | None:
        if node.info:
            return str(node.info.module_name)
        module = node.fullname.rpartition(".")[0]
        return module if module in self._sources.everything else None


def _choice(hints: list[Hint]) -> Hint:
    flat: list[Hint] = []
    for one in hints:
        flat.extend(one.choices or (one,))
    return Hint(choices=tuple(flat))


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _imports(module: str, syntax: Syntax, is_package: bool) -> Iterator[tuple[str, str]]:
    for node in syntax.every:
        if type(node) is ast.ImportFrom:
            base = _absolute(module, node, is_package)
            for one in node.names:
                yield one.asname or one.name, f"{base}.{one.name}"
        elif type(node) is ast.Import:
            for one in node.names:
                first = one.name.split(".")[0]
                yield (one.asname, one.name) if one.asname else (first, first)


def _absolute(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    keep = len(parts) - node.level + (1 if is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _definitions(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.If() | ast.Try():
                yield from _definitions(node.body)
        if type(node).__name__ == "TypeAlias":  # `type X = ...`, from 3.12 on
            yield getattr(node, "name").id, getattr(node, "value")  # noqa: B009


def _variables(syntax: Syntax, module: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield the annotated variables: of the module, in classes, and of `self` in methods."""
    yield from _of_classes(syntax.tree.body, module)
    of_self = [node for node in syntax.every if type(node) is ast.AnnAssign and _is_of_self(node)]
    classes = [node for node in syntax.every if type(node) is ast.ClassDef] if of_self else []
    for node in of_self:
        around = [one for one in classes if one.lineno <= node.lineno <= (one.end_lineno or 0)]
        names = ".".join(one.name for one in sorted(around, key=lambda one: one.lineno))
        if isinstance(node.target, ast.Attribute):
            yield f"{module}.{names}.{node.target.attr}", node.annotation


def _of_classes(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield f"{prefix}.{name}", node.annotation
            case ast.ClassDef():
                yield from _of_classes(node.body, f"{prefix}.{node.name}")
            case ast.If() | ast.Try():
                yield from _of_classes(node.body, prefix)


def _is_of_self(node: ast.AST) -> TypeGuard[ast.AnnAssign]:
    match node:
        case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"))):
            return True
    return False
