"""The classes and functions of the sources: which runs when a method is called on a value of some type.

Owns names: every function of the sources has one full name, nested ones too. What has no source here is a
model, named by the class that CPython implements it in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import generated, ir
from hardtack.analysis.mypy_types import instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.source import Sources

_ABSTRACT_MODULES = frozenset(
    {"typing", "typing_extensions", "collections.abc", "_collections_abc", "abc", "_typeshed"}
)


class Hierarchy:
    """What is defined in the sources, and what is below what."""

    def __init__(self, sources: Sources) -> None:
        self.classes: dict[str, mn.TypeInfo] = {}
        self.functions: dict[str, mn.FuncDef] = {}
        self.names: dict[mn.FuncItem, str] = {}
        self.decorated: dict[mn.FuncItem, mn.Decorator] = {}
        self.modules: dict[mn.FuncItem, str] = {}
        self.owners: dict[mn.FuncItem, mn.TypeInfo] = {}
        self.generated: dict[str, dict[str, str]] = {}  # methods that dataclass writes, by class
        self._below: dict[str, list[mn.TypeInfo]] = {}
        self._fitting: dict[mn.TypeInfo, list[mn.TypeInfo]] = {}  # classes, by the protocol that they follow
        self._model_names: dict[tuple[mn.SymbolNode, mn.TypeInfo | None], str] = {}
        for module, tree in sources.modules.items():
            self._collect(tree.defs, module, module, None)
        for info in self.classes.values():
            for base in info.mro[1:]:
                self._below.setdefault(base.fullname, []).append(info)

    def _collect(
        self, statements: list[mn.Statement], prefix: str, module: str, owner: mn.TypeInfo | None
    ) -> None:
        for statement in flat(statements):
            if isinstance(statement, mn.ClassDef):
                self.classes[statement.info.fullname] = statement.info
                made = generated.method_names(statement.info)
                self.generated[statement.info.fullname] = {
                    one: f"{statement.info.fullname}.{one}" for one in made
                }
                self._collect(statement.defs.body, statement.info.fullname, module, statement.info)
            named = _named_tuple(statement)
            if named is not None:
                self.classes[named.fullname] = named
            for function in implementations(statement):
                if owner is not None and _is_generated(owner, function):
                    continue
                self.define(function, f"{prefix}.{function.name}", module, owner)
                if isinstance(found := _decorator(statement, function), mn.Decorator):
                    self.decorated[function] = found

    def define(self, function: mn.FuncDef, name: str, module: str, owner: mn.TypeInfo | None) -> str:
        """Give a function its full name."""
        if name in self.functions and self.functions[name] is not function:
            name = f"{name}@{function.line}"  # a property's setter, or a second definition in another branch
        self.functions[name] = function
        for one in (function, *function.expanded):
            self.names[one] = name
            self.modules[one] = module
            if owner is not None:
                self.owners[one] = owner
        return name

    def below(self, info: mn.TypeInfo) -> list[mn.TypeInfo]:
        """Return the classes of the sources below a class."""
        return self._below.get(info.fullname, [])

    def candidates(self, info: mn.TypeInfo) -> list[mn.TypeInfo]:
        """Return the classes that a value of a type may have: its class, and those below in the sources."""
        if not info.is_protocol:
            return [info, *self.below(info)]
        if info not in self._fitting:
            members = info.protocol_members
            self._fitting[info] = [
                one
                for one in self.classes.values()
                if not one.is_protocol and all(one.get(name) for name in members)
            ]
        return [info, *self._fitting[info]]

    def name_of(self, function: mn.FuncItem | None) -> str | None:
        """Return the full name of a function of the sources; None for any other."""
        return self.names.get(function) if function is not None else None

    def written(self, info: mn.TypeInfo, name: str) -> ir.Callee | None:
        """Return a class's method that dataclass writes, unless a class nearer than it defines another."""
        for base in info.mro:
            made = self.generated.get(base.fullname, {}).get(name)
            if made is not None:
                return ir.Callee("function", made)
            if name in base.names:
                return None
        return None

    def symbol(self, info: mn.TypeInfo, name: str) -> mn.SymbolNode | None:
        """Return what a class has under a name."""
        found = info.get(name)
        return found.node if found is not None else None

    def methods(self, info: mn.TypeInfo, name: str) -> tuple[ir.Callee, ...]:
        """Return what may run when a method is called on a value of a class's type; empty if it has none."""
        found: dict[ir.Callee, None] = {}
        for one in self.candidates(info):
            node = self.symbol(one, name)
            callee = self.written(one, name) or (self.callee(node, one) if node is not None else None)
            if callee is not None:
                found[callee] = None
        if not found and self.symbol(info, name) is not None:
            found[ir.Callee("unknown", f"{info.fullname}.{name}")] = None
        return tuple(found)

    def after(self, info: mn.TypeInfo, name: str) -> tuple[ir.Callee, ...]:
        """Return what `super().name` runs in a method of a class, for itself and for each class below it."""
        found: dict[ir.Callee, None] = {}
        for one in (info, *self.below(info)):
            order = one.mro[one.mro.index(info) + 1 :] if info in one.mro else []
            base = next((base for base in order if name in base.names), None)
            node = base.names[name].node if base is not None else None
            full = self.name_of(function_of(node))
            if full is not None:
                found[ir.Callee("function", full)] = None
            elif base is not None and node is not None:
                concrete = next((one for one in order if one.fullname not in self.classes), base)
                found[ir.Callee("model", self.model_name(node, concrete))] = None
        return tuple(found) or (ir.Callee("unknown", f"super().{name}, which no base defines"),)

    def callee(self, node: mn.SymbolNode, receiver: mn.TypeInfo | None = None) -> ir.Callee | None:
        """Return what runs when a function or method is called; None for one without a body of its own."""
        function = function_of(node)
        if function is None:
            return self._without_source(node, receiver)
        if function not in self.names or self.modules[function].startswith("hardtack.annotations"):
            return ir.Callee("model", self.model_name(node, receiver))
        if receiver is not None and _is_declaration(function, receiver):
            return None
        odd = self.unknown_decorator(function)
        if odd is not None:
            return ir.Callee("unknown", f"{self.names[function]}, which {odd} decorates")
        return ir.Callee("function", self.names[function])

    def _without_source(self, node: mn.SymbolNode, receiver: mn.TypeInfo | None) -> ir.Callee | None:
        if isinstance(node, mn.OverloadedFuncDef):
            if _owner_of(node) in self.classes.values():
                return None
            return ir.Callee("model", self.model_name(node, receiver))
        if isinstance(node, mn.TypeInfo):
            return self.construction(node)
        if is_stub_method(node, self.classes):
            return ir.Callee("model", self.model_name(node, receiver))
        return ir.Callee("unknown", node.fullname or node.name)

    def construction(self, info: mn.TypeInfo) -> ir.Callee:
        """Return what runs when a class is called."""
        if info.is_newtype:
            return ir.Callee("model", "typing.NewType.__call__")  # calling a NewType gives its argument back
        if info.fullname not in self.classes:
            return ir.Callee("model", public(info.fullname))
        odd = self.odd_class(info)
        return ir.Callee("unknown", f"{info.fullname}, {odd}") if odd else ir.Callee("class", info.fullname)

    def odd_class(self, info: mn.TypeInfo) -> str | None:
        """Return why the construction of a class is not known."""
        if info.typeddict_type is not None:
            return "a TypedDict that is called and not written as a display"
        for base in info.mro:
            if base.fullname not in self.classes:
                continue
            for decorator in base.defn.decorators:
                if (name := decorator_name(decorator)) not in KNOWN_CLASS_DECORATORS:
                    return f"which {name} decorates"
            made = base.names.get("__init__")
            if made is not None and made.plugin_generated and generated.dataclass_of(base) is None:
                return "whose __init__ is made by what mypy has a plugin for"
            if generated.dataclass_of(base) is not None and any(
                map(self._is_descriptor, base.names.values())
            ):
                return "of whose fields one is a descriptor"
        meta = info.metaclass_type
        if meta is not None and any(one.fullname in self.classes for one in meta.type.mro):
            return "which has a metaclass of the sources"
        return None

    def _is_descriptor(self, symbol: mn.SymbolTableNode) -> bool:
        """Return whether a variable of a class holds what has a __set__ of the sources."""
        node = symbol.node
        if not isinstance(node, mn.Var) or not node.is_initialized_in_class:
            return False
        found = [self.methods(instance.type, "__set__") for instance in instances(node.type)]
        return any(callee.kind != "model" for callees in found for callee in callees)

    def is_overloaded(self, info: mn.TypeInfo) -> bool:
        """Return whether a metaclass of the sources has special methods, but for those that make a class."""
        meta = info.metaclass_type
        own = [one for one in meta.type.mro if one.fullname in self.classes] if meta is not None else []
        return any(name.startswith("__") and name not in _MAKE for one in own for name in one.names)

    def unknown_decorator(self, function: mn.FuncItem) -> str | None:
        """Return the first decorator of a function that changes it in a way that is not known."""
        decorated = self.decorated.get(function)
        if decorated is None:
            return None
        for expression in decorated.original_decorators:
            name = decorator_name(expression)
            if name not in KNOWN_DECORATORS:
                return name
        return None

    def model_name(self, node: mn.SymbolNode, receiver: mn.TypeInfo | None) -> str:
        """Return the name under which a function without source is modelled.

        That of the class that implements it. What typeshed declares in an abstract class (`dict.update` in
        MutableMapping) is named by the class of the receiver that is no class of the sources.
        """
        found = self._model_names.get((node, receiver))
        if found is None:
            found = self._model_names[node, receiver] = self._find_model_name(node, receiver)
        return found

    def _find_model_name(self, node: mn.SymbolNode, receiver: mn.TypeInfo | None) -> str:
        owner = _owner_of(node)
        if owner is None or receiver is None:
            return public(node.fullname)
        if node.name in _GROWS and owner.fullname in {"builtins.dict", "typing.MutableMapping"}:
            owner = next((base for base in receiver.mro if base.fullname in _OTHER_DICTS), owner)
        if any(base.fullname == _TYPED_DICT for base in receiver.mro):
            return f"builtins.dict.{node.name}"
        if owner.module_name not in _ABSTRACT_MODULES and not owner.is_protocol:
            return public(f"{owner.fullname}.{node.name}")
        concrete = next((one for one in receiver.mro if one.fullname not in self.classes), owner)
        return public(f"{concrete.fullname}.{node.name}")


# What of a metaclass makes a class or, as `odd_class` says, an instance; and what is no method.
_MAKE = frozenset({"__new__", "__init__", "__prepare__", "__call__", "__module__", "__doc__", "__slots__"})

_TYPED_DICT = "typing._TypedDict"  # what typeshed has of a TypedDict; when it runs, there are dicts

# Dicts that take more than a dict for an entry, or make one for a key that is asked for: typeshed declares
# these methods in dict alone.
_OTHER_DICTS = frozenset({"collections.Counter", "collections.OrderedDict", "collections.defaultdict"})
_GROWS = frozenset({"__getitem__", "__setitem__", "__ior__", "setdefault", "update"})

# Modules in C that typeshed names, and the ones that programs import their contents from.
_PUBLIC = frozenset(
    {
        "_bisect",
        "_codecs",
        "_contextvars",
        "_csv",
        "_decimal",
        "_hashlib",
        "_heapq",
        "_io",
        "_json",
        "_operator",
    }
    | {"_queue", "_random", "_socket", "_ssl", "_struct", "_weakref", "_collections_abc"}
)


def public(name: str) -> str:
    """Return a name by the module that programs import it from: struct.unpack, not _struct.unpack."""
    module = name.partition(".")[0]
    return name[1:] if module in _PUBLIC else name


KNOWN_CLASS_DECORATORS = frozenset(
    {
        "dataclasses.dataclass",
        "enum.unique",
        "functools.total_ordering",
        "hardtack.annotations.checked",
        "typing.final",
        "typing.runtime_checkable",
        "typing_extensions.final",
        "typing_extensions.runtime_checkable",
    }
)

# Decorators after which a call still runs the function's own body. Function.decorators tells what they add.
KNOWN_DECORATORS = frozenset(
    {
        "property",
        "staticmethod",
        "classmethod",
        "builtins.property",
        "builtins.staticmethod",
        "builtins.classmethod",
        "abc.abstractmethod",
        "typing.overload",
        "typing.final",
        "typing.override",
        "typing.no_type_check",
        "typing_extensions.override",
        "typing_extensions.final",
        "typing_extensions.overload",
        "functools.lru_cache",
        "functools.cache",
        "functools.cached_property",
        "contextlib.contextmanager",
        "contextlib.asynccontextmanager",
        "hardtack.annotations.recursive",
        "hardtack.annotations.assume_bound",
        "hardtack.annotations.checked",
        "hardtack.heap.Heap.call",
    }
)


def decorator_name(expression: mn.Expression) -> str:
    """Return the full name of a decorator; setters and deleters of properties count as `property`."""
    if isinstance(expression, mn.CallExpr):
        expression = expression.callee
    if isinstance(expression, mn.MemberExpr) and expression.name in {"setter", "getter", "deleter"}:
        return "builtins.property"
    if isinstance(expression, mn.RefExpr):
        if expression.fullname:
            return expression.fullname
        return expression.name if isinstance(expression, (mn.NameExpr, mn.MemberExpr)) else "a decorator"
    return "a decorator"


def _is_generated(owner: mn.TypeInfo, function: mn.FuncDef) -> bool:
    """Return whether a plugin of mypy made a method, as that for dataclasses does."""
    symbol = owner.names.get(function.name)
    return symbol is not None and symbol.plugin_generated and function_of(symbol.node) is function


def flat(statements: list[mn.Statement]) -> Iterator[mn.Statement]:
    """Yield statements, with those that stand in `if` and `try` of a module or class."""
    for statement in statements:
        yield statement
        if isinstance(statement, mn.IfStmt):
            for block in (*statement.body, *([statement.else_body] if statement.else_body else [])):
                if not block.is_unreachable:
                    yield from flat(block.body)
        elif isinstance(statement, mn.TryStmt):
            blocks = [statement.body, *statement.handlers, statement.else_body, statement.finally_body]
            for part in blocks:
                if part is not None:
                    yield from flat(part.body)


def for_checkers(test: mn.Expression) -> bool:
    """Tell whether a test asks for what mypy decides by its name, whatever it is when the program runs."""
    match test:
        case mn.NameExpr() | mn.MemberExpr():
            return test.name in {"TYPE_CHECKING", "MYPY", "PY2", "PY3"}
        case mn.UnaryExpr():
            return for_checkers(test.expr)
        case mn.OpExpr():
            return for_checkers(test.left) or for_checkers(test.right)
    return False


def implementations(statement: mn.Statement) -> list[mn.FuncDef]:
    """Return the functions with a body that a statement defines: a property has several."""
    match statement:
        case mn.FuncDef():
            return [statement]
        case mn.Decorator():
            return [statement.func]
        case mn.OverloadedFuncDef() if statement.is_property:
            return [item.func if isinstance(item, mn.Decorator) else item for item in statement.items]
        case mn.OverloadedFuncDef() if statement.impl is not None:
            return implementations(statement.impl)
    return []


def _named_tuple(statement: mn.Statement) -> mn.TypeInfo | None:
    """Return the class that `P = namedtuple("P", ...)` makes."""
    call = statement.rvalue if isinstance(statement, mn.AssignmentStmt) else None
    made = call.analyzed if isinstance(call, mn.CallExpr) else None
    return made.info if isinstance(made, mn.NamedTupleExpr) else None


def _decorator(statement: mn.Statement, function: mn.FuncDef) -> mn.Statement | None:
    if isinstance(statement, mn.OverloadedFuncDef):
        parts = [*statement.items, *([statement.impl] if statement.impl else [])]
        return next(
            (part for part in parts if isinstance(part, mn.Decorator) and part.func is function), None
        )
    return statement


def function_of(node: mn.SymbolNode | None) -> mn.FuncDef | None:
    """Return the function behind a symbol, the implementation of an overloaded one; None if it is none."""
    match node:
        case mn.FuncDef():
            return node
        case mn.Decorator():
            return node.func
        case mn.OverloadedFuncDef() if node.is_property:
            return function_of(node.items[0])
        case mn.OverloadedFuncDef():
            return function_of(node.impl) if node.impl is not None else None
    return None


def _owner_of(node: mn.SymbolNode) -> mn.TypeInfo | None:
    info = getattr(node, "info", None)
    return (
        info if isinstance(info, mn.TypeInfo) and not isinstance(info, mn.FakeInfo) and bool(info) else None
    )


def _is_declaration(function: mn.FuncDef, receiver: mn.TypeInfo) -> bool:
    """Return whether a method only declares: it is abstract, or a protocol's."""
    if function.abstract_status == mn.IS_ABSTRACT:
        return True
    owner = function.info
    return bool(owner) and owner.is_protocol and (function.is_trivial_body or receiver.is_protocol)


def is_stub_method(node: mn.SymbolNode | None, sources: dict[str, mn.TypeInfo]) -> bool:
    """Return whether a variable of a stub's class is a method, as in `__enter__ = acquire`."""
    if not isinstance(node, mn.Var) or not node.info or node.info.fullname in sources:
        return False
    if not node.is_initialized_in_class or node.type is None:
        return False
    return isinstance(mt.get_proper_type(node.type), mt.FunctionLike)


def is_property(node: mn.SymbolNode | None) -> bool:
    """Return whether reading a symbol as an attribute runs code."""
    match node:
        case mn.Decorator():
            return node.func.is_property
        case mn.OverloadedFuncDef():
            return node.is_property
        case mn.FuncDef():
            return node.is_property
    return False
