"""The function that is being lowered: where operations go, and what names mean. Knows no node of a tree."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mypy import nodes as mn
from mypy import types as mt
from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.typeops import bind_self

from hardtack.analysis import ir
from hardtack.analysis.lowering.replaced import unless_replaced
from hardtack.analysis.mypy_types import convert, instances, union
from hardtack.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardtack.analysis.knowledge import Knowledge
    from hardtack.analysis.syntax import Syntax


_ITERABLES = frozenset({"typing.Iterable", "typing.AsyncIterable"})


@dataclass
class Scope:
    """What the code object of a function says of its names."""

    name: str
    module: str
    cells: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    first_parameter: str | None = None  # of the method around it, which super() reads
    imported: set[str] = field(default_factory=set)  # names that an import in a function binds
    globals: set[str] = field(default_factory=set)  # names that it declares to be the module's


class Lowering:
    """The state of lowering one function.

    `then` names what lowers an expression, so that the modules of this package need not import each other.
    """

    def __init__(self, known: Knowledge, scope: Scope) -> None:
        self.known = known
        self.sources = known.sources
        self.hierarchy = known.hierarchy
        self.scope = scope
        self.syntax: Syntax = self.sources.syntax(scope.module)
        self.file = str(self.sources.modules[scope.module].path)
        self.operations: list[ir.Operation] = []
        self.nested: list[ir.Function] = []
        self.rebound: set[str] = set()  # locals that an expression may bind again while it is evaluated
        self.renamed: dict[str, str] = {}  # variables of a comprehension that runs in this frame
        self._temporaries = 0
        self._hidden = 0
        self._names: set[str] = set()

    # -- operations
    def emit(self, operation: ir.Operation) -> None:
        """Add an operation to the block that is being made."""
        replaced = self.known.constants.replaced
        self.operations.append(unless_replaced(operation, replaced) if replaced else operation)

    def fresh(self) -> ir.Register:
        """Return a new temporary."""
        self._temporaries += 1
        return f"%{self._temporaries}"

    def hidden(self) -> ir.Register:
        """Return a new local that has no name in the source."""
        self._hidden += 1
        return f"${self._hidden}"

    def at(self, node: mn.Context) -> ir.Place:
        """Return where a node stands."""
        return ir.Place(self.file, node.line, max(0, node.column))

    def falls_through(self) -> bool:
        """Return whether the end of what was emitted last can be reached."""
        return falls_through(ir.Block(tuple(self.operations[-1:])))

    def end(self, node: mn.Context) -> ir.Place:
        """Return where a node ends."""
        return ir.Place(self.file, node.end_line or node.line, max(0, node.column))

    def constant_at(self, place: ir.Place, value: object) -> ir.Register:
        """Load a constant for what the source does not write."""
        into = self.fresh()
        self.emit(ir.Constant(place, into, value))
        return into

    @contextmanager
    def block(self) -> Iterator[Callable[[], ir.Block]]:
        """Have operations go to a block of their own; what it yields returns the block, afterwards."""
        outer, self.operations = self.operations, []
        inner = self.operations
        try:
            yield lambda: ir.Block(tuple(inner))
        finally:
            self.operations = outer

    def constant(self, node: mn.Context, value: object) -> ir.Register:
        """Load a constant into a new temporary."""
        into = self.fresh()
        self.emit(ir.Constant(self.at(node), into, value))
        return into

    def is_constant_set(self, register: ir.Register) -> bool:
        """Return whether the last operation loaded a frozenset, which `in {1, 2}` is compiled to."""
        match self.operations[-1:]:
            case [ir.Constant(into=into, value=frozenset())]:
                return into == register
        return False

    def copy(self, node: mn.Context, source: ir.Register) -> ir.Register:
        """Bind a new temporary to what a register holds."""
        into = self.fresh()
        self.emit(ir.Copy(self.at(node), into, source))
        return into

    def keep(self, node: mn.Context, source: ir.Register) -> ir.Register:
        """Return a local that holds what a register does, to be read more than once, until `release`."""
        if not source.startswith("%"):
            return source
        into = self.hidden()
        self.emit(ir.Copy(self.at(node), into, source))
        return into

    def release(self, node: mn.Context, *kept: ir.Register) -> None:
        """Let go of locals that `keep` made."""
        for register in kept:
            if register.startswith("$"):
                self.emit(ir.Delete(self.at(node), register))

    def drop(self, node: mn.Context, register: ir.Register) -> None:
        """Let go of a register if it is a temporary."""
        if register.startswith("%"):
            self.emit(ir.Drop(self.at(node), register))

    def call(
        self,
        node: mn.Context,
        callees: tuple[ir.Callee, ...],
        arguments: tuple[ir.Register, ...],
        type_: ir.Type,
    ) -> ir.Register:
        """Call with positional arguments; returns the result's temporary."""
        into = self.fresh()
        given = tuple(ir.Argument(register) for register in arguments)
        self.emit(ir.Call(self.at(node), into, callees, given, type_))
        return into

    def model(
        self, node: mn.Context, name: str, arguments: tuple[ir.Register, ...], type_: ir.Type
    ) -> ir.Register:
        """Call what has no source here."""
        return self.call(node, (ir.Callee("model", name),), arguments, type_)

    def test(
        self, node: mn.Context, kind: Literal["is", "is not", "not"], *operands: ir.Register
    ) -> ir.Register:
        """Make a truth value that costs nothing."""
        into = self.fresh()
        self.emit(ir.Test(self.at(node), into, kind, operands))
        return into

    def unsupported(
        self, node: mn.Context, what: str, remedy: str, reads: tuple[ir.Register, ...] = ()
    ) -> ir.Register:
        """Note what cannot be lowered; returns a temporary of no known type."""
        into = self.fresh()
        self.emit(ir.Unsupported(self.at(node), into, reads, what, remedy))
        return into

    # -- types
    def mypy_type(self, expression: mn.Expression) -> mt.Type | None:
        """Return what mypy found of an expression.

        It gives no types in code that it takes for unreachable, which may run all the same; there, what is
        declared is told.
        """
        found = self.sources.types.get(expression)
        return self._declared(expression) if found is None else found

    def _declared(self, expression: mn.Expression) -> mt.Type | None:
        match expression:
            case mn.RefExpr(node=mn.Var() as variable):
                return variable.type
            case mn.RefExpr(node=mn.TypeInfo() as info):
                return mt.TypeType.make_normalized(self._instance(info))
            case mn.RefExpr(node=mn.FuncDef() | mn.Decorator() | mn.OverloadedFuncDef() as function):
                return function.type
            case mn.MemberExpr():
                for one in instances(self.mypy_type(expression.expr)):
                    return self.field_type(one, expression.name)
            case mn.CallExpr(callee=mn.RefExpr(node=mn.TypeInfo() as info)):
                return self._instance(info)
            case mn.CallExpr(callee=mn.RefExpr() as callee):
                made = mt.get_proper_type(self._declared(callee))
                return made.ret_type if isinstance(made, mt.CallableType) else None
        return None

    def type(self, expression: mn.Expression) -> ir.Type:
        """Return the type of an expression."""
        return convert(self.mypy_type(expression))

    @staticmethod
    def _instance(info: mn.TypeInfo) -> mt.Instance:
        return mt.Instance(info, [mt.AnyType(mt.TypeOfAny.special_form)] * len(info.type_vars))

    def target_type(self, target: mn.Expression) -> mt.Type | None:
        """Return the type of what an augmented assignment reads and writes."""
        found = self.mypy_type(target)
        if found is not None:
            return found
        if isinstance(target, mn.IndexExpr) and target.method_type is not None:
            method = mt.get_proper_type(target.method_type)
            if isinstance(method, mt.CallableType):
                return method.arg_types[-1] if method.name == "__setitem__" else method.ret_type
        if isinstance(target, mn.MemberExpr):
            for one in instances(self.mypy_type(target.expr)):
                return self.field_type(one, target.name)
        node = target.node if isinstance(target, mn.RefExpr) else None
        return node.type if isinstance(node, mn.Var) else None

    def field_type(self, instance: mt.Instance, name: str) -> mt.Type | None:
        """Return the declared type of a field, with the instance's own type arguments."""
        symbol = instance.type.get(name)
        node = symbol.node if symbol is not None else None
        type_ = node.type if isinstance(node, (mn.Var, mn.Decorator)) else None
        if type_ is None or node is None or not isinstance(node, mn.Var):
            proper = mt.get_proper_type(type_) if type_ is not None else None
            return proper.ret_type if isinstance(proper, mt.CallableType) else type_
        owner = node.info if node.info else instance.type
        return expand_type_by_instance(type_, map_instance_to_supertype(instance, owner))

    def method_type(self, instance: mt.Instance, name: str) -> mt.ProperType | None:
        """Return a method's type, with the instance's own type arguments."""
        symbol = instance.type.get(name)
        node = symbol.node if symbol is not None else None
        if not isinstance(node, (mn.FuncDef, mn.Decorator)) or node.type is None:
            return None
        owner = node.info if node.info else instance.type
        proper = mt.get_proper_type(node.type)
        if isinstance(proper, mt.CallableType):
            proper = bind_self(proper, instance)
        return mt.get_proper_type(expand_type_by_instance(proper, map_instance_to_supertype(instance, owner)))

    def attribute_type(self, node: mn.Expression, owner: mt.Type | None, name: str) -> ir.Type:
        """Return the type of a field as declared; what mypy narrowed it to may not outlive the next call."""
        known = []
        for one in instances(owner):
            declared, symbol = self.field_type(one, name), one.type.get(name)
            if declared is not None and _is_static(declared):
                known.append(self.type(node))
            elif declared is not None and symbol is not None and isinstance(symbol.node, mn.Var):
                known.append(self.known.annotations.type_of(symbol.node, declared))
        return union(known) if known else self.type(node)

    def call_type(self, node: mn.Expression, callees: tuple[ir.Callee, ...]) -> ir.Type:
        """Return the type of a call's result; where mypy took the code for unreachable, a class tells it."""
        found = self.mypy_type(node)
        if found is None and len(callees) == 1 and callees[0].kind == "class":
            return ir.Instance(callees[0].name)
        return convert(found)

    def item_type(self, type_: mt.Type | None) -> mt.Type | None:
        """Return the type of an iterable's items."""
        proper = mt.get_proper_type(type_) if type_ is not None else None
        if isinstance(proper, mt.FunctionLike) and proper.is_type_obj() and proper.type_object().is_enum:
            return mt.Instance(proper.type_object(), [])
        items = [self._item_of(one) for one in instances(type_)]
        known = [item for item in items if item is not None]
        return mt.UnionType.make_union(known) if known and len(known) == len(items) else None

    def _item_of(self, one: mt.Instance) -> mt.Type | None:
        base = next((base for base in one.type.mro if base.fullname in _ITERABLES), None)
        if base is not None:
            mapped = map_instance_to_supertype(one, base)
            return mapped.args[0] if mapped.args else None
        for name in ("__iter__", "__aiter__", "__next__", "__getitem__"):
            method = self.method_type(one, name)
            made = mt.get_proper_type(method.ret_type) if isinstance(method, mt.CallableType) else None
            if made is not None:
                is_iterator = isinstance(made, mt.Instance) and name.endswith("iter__") and made != one
                return self._item_of(made) if is_iterator and isinstance(made, mt.Instance) else made
        return None

    def iterator_types(self, instance: mt.Instance, begin: str) -> list[mn.TypeInfo]:
        """Return the classes of the iterators that a class's __iter__ makes."""
        found: list[mn.TypeInfo] = []
        for info in self.hierarchy.candidates(instance.type):
            symbol = info.get(begin)
            node = symbol.node if symbol is not None else None
            proper = mt.get_proper_type(node.type) if isinstance(node, mn.FuncDef) else None
            if isinstance(proper, mt.CallableType):
                found.extend(one.type for one in instances(proper.ret_type))
        return found

    def builtin(self, name: str) -> mt.Instance:
        """Return the type of a built-in class."""
        node = self.sources.everything["builtins"].names[name].node
        if not isinstance(node, mn.TypeInfo):
            raise InternalError(f"typeshed has no class builtins.{name}")
        return mt.Instance(node, [])

    def loop_bound(self, node: mn.Expression) -> str | None:
        """Return what `bounded(xs, 64)` and `loop_bound(64)` say of the rounds of a loop over them."""
        if not isinstance(node, mn.CallExpr) or not isinstance(node.callee, mn.RefExpr) or not node.args:
            return None
        if node.callee.fullname not in {"hardtack.annotations.bounded", "hardtack.annotations.loop_bound"}:
            return None
        value = self.known.constants.fold(node.args[-1])
        return str(value) if isinstance(value, int) else None

    # -- names
    def is_imported(self, node: mn.RefExpr) -> bool:
        """Return whether a local name is bound by an import: what it names belongs to a module."""
        return isinstance(node, mn.NameExpr) and node.name in self.scope.imported

    def unbind(self, node: mn.Context, name: str) -> None:
        """Delete a variable."""
        name = self.renamed.get(name, name)
        if self.place_of(name) == "local":
            self.emit(ir.Delete(self.at(node), name))
        else:
            self.drop(
                node,
                self.unsupported(node, f"deleting {name}, which an inner function captures", "assign None"),
            )

    def place_of(self, name: str) -> str:
        """Return "cell", "local": where a variable of a function lives."""
        return "cell" if name in self.scope.cells or name in self.scope.free else "local"

    def load(self, node: mn.Context, name: str) -> ir.Register:
        """Read a variable of the function or of one around it."""
        name = self.renamed.get(name, name)
        if self.place_of(name) == "local":
            return self.copy(node, name) if name in self.rebound else name
        into = self.fresh()
        self.emit(ir.LoadFree(self.at(node), into, name))
        return into

    def store(self, node: mn.Context, name: str, source: ir.Register) -> None:
        """Write a variable of the function or of one around it."""
        name = self.renamed.get(name, name)
        if self.place_of(name) == "local":
            self.emit(ir.Copy(self.at(node), name, source))
        else:
            self.emit(ir.StoreFree(self.at(node), name, source))

    def inner_name(self, name: str) -> str:
        """Return a full name for a function that this one makes."""
        full = f"{self.scope.name}.<locals>.{name}"
        count = sum(1 for known in self._names if known == full or known.startswith(f"{full}@"))
        full = f"{full}@{count + 1}" if count else full
        self._names.add(full)
        return full


def _is_static(type_: mt.Type) -> bool:
    return any(one.type.fullname == "builtins.staticmethod" for one in instances(type_))


def falls_through(block: ir.Block) -> bool:
    """Return whether the end of a block can be reached."""
    return not block.operations or not _ends(block.operations[-1])


def _ends(operation: ir.Operation) -> bool:
    match operation:
        case ir.Return() | ir.Raise() | ir.Break() | ir.Continue():
            return True
        case ir.If():
            return not falls_through(operation.then) and not falls_through(operation.otherwise)
        case ir.For() | ir.While() if _breaks(operation.body):
            return False
        case ir.For() | ir.While():
            endless = isinstance(operation, ir.While) and _is_endless(operation)
            return endless or not falls_through(operation.otherwise)
        case ir.Try():
            return _try_ends(operation)
    return False


def _try_ends(operation: ir.Try) -> bool:
    if not falls_through(operation.final) and operation.final.operations:
        return True
    through = falls_through(operation.body) and falls_through(operation.otherwise)
    return not through and not any(falls_through(handler.body) for handler in operation.handlers)


def _is_endless(loop: ir.While) -> bool:
    match loop.header.operations:
        case (ir.Constant(value=value),):
            return bool(value)
    return False


def _breaks(block: ir.Block) -> bool:
    """Return whether a Break of the loop around a block stands in it."""
    for operation in block.operations:
        match operation:
            case ir.Break():
                return True
            case ir.If() if _breaks(operation.then) or _breaks(operation.otherwise):
                return True
            case ir.Try():
                parts = [operation.body, operation.otherwise, operation.final]
                if any(map(_breaks, [*parts, *(handler.body for handler in operation.handlers)])):
                    return True
            case ir.For() | ir.While() if _breaks(operation.otherwise):
                return True
    return False
