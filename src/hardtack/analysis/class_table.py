"""The class table: what the interpreter knows of each class of the sources, and of what they build on."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from mypy import nodes as mn
from mypy import types as mt
from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype

from hardtack.analysis import generated, ir
from hardtack.analysis.constants import UNKNOWN
from hardtack.analysis.hierarchy import decorator_name, function_of, is_property
from hardtack.analysis.mypy_types import convert, may_define, parameters_of
from hardtack.analysis.on_demand import OnDemand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hardtack.analysis.knowledge import Knowledge

# Classes of stubs whose instances need no __dict__ because of them.
_WITHOUT_DICT = frozenset({"builtins.object", "abc.ABC", "builtins.tuple", "builtins.int", "builtins.str"})
_BUILT_IN = frozenset({"builtins", "typing", "collections", "types", "contextlib", "enum"})
_CONTAINERS = ("builtins.", "collections.")
_ABSTRACT = ("typing.", "collections.abc.", "_collections_abc.")


class ClassTable:
    """Makes the table's rows."""

    def __init__(self, known: Knowledge, stored: frozenset[str]) -> None:
        self._hierarchy = known.hierarchy
        self._constants = known.constants
        self._annotations = known.annotations
        self._names = known.names
        self._stored = stored  # names of attributes that functions write

    def rows(self, everything: dict[str, mn.MypyFile]) -> Mapping[str, ir.Class]:
        """Return the classes of the sources, and those of stubs that matter, by name; made when asked for.

        The latter are the bases of the former, exceptions, and what the built-in modules define.
        """
        infos: dict[str, mn.TypeInfo] = {}
        for info in self._hierarchy.classes.values():
            infos.update({base.fullname: base for base in info.mro})
        for tree in everything.values():
            for symbol in tree.names.values():
                node = symbol.node if may_define(tree, tree.fullname, symbol, mn.TYPE_INFO) else None
                if isinstance(node, mn.TypeInfo) and node.module_name == tree.fullname and _matters(node):
                    infos |= {base.fullname: base for base in node.mro if base.fullname not in infos}
        return OnDemand(infos, self._row)

    def _row(self, info: mn.TypeInfo) -> ir.Class:
        if info.fullname in self._hierarchy.classes:
            return self._source_row(info)
        return _stub_row(info, tuple(one.fullname for one in self._hierarchy.candidates(info)[1:]))

    def _source_row(self, info: mn.TypeInfo) -> ir.Class:
        lineage = tuple(base.fullname for base in info.mro)
        methods, properties = self._methods(info)
        own = generated.dataclass_of(info)
        fields, variables = self._variables(info)
        return ir.Class(
            name=info.fullname,
            lineage=lineage,
            in_sources=True,
            fields=fields,
            methods=methods,
            class_variables=variables,
            shared=frozenset(name for name, _ in variables if _is_shared(info, name)),
            properties=properties,
            subclasses=tuple(one.fullname for one in self._hierarchy.below(info)),
            slots=all(map(_needs_no_dict, info.mro)),
            is_protocol=info.is_protocol,
            is_dataclass=own is not None,
            is_frozen=own is not None and own.frozen,
            is_enum=info.is_enum,
            is_exception="builtins.BaseException" in lineage,
            is_named_tuple=info.is_named_tuple,
            is_typed_dict=info.typeddict_type is not None,
            init=self._init(info),
            factories=self._factories(info),
            generic=self._generic(info),
            held=_held(info),
            doubt=next(filter(None, map(self._doubt, info.mro)), ""),
            foreign=frozenset() if info.is_named_tuple else self._foreign(info),
            odd=self._hierarchy.odd_class(info) or "",
            is_overloaded=self._hierarchy.is_overloaded(info),
        )

    def _doubt(self, info: mn.TypeInfo) -> str:
        """Return why a class may be another one when the program runs, or nothing."""
        return self._names.in_class(info) or "" if info.fullname in self._hierarchy.classes else ""

    def _variables(
        self, info: mn.TypeInfo
    ) -> tuple[tuple[tuple[str, ir.Type], ...], tuple[tuple[str, ir.Type], ...]]:
        """Return what instances hold, and what the class holds for them."""
        fields: dict[str, ir.Type] = {}
        variables: dict[str, ir.Type] = {}
        if info.is_named_tuple:
            return self._items(info), ()
        for base in reversed(info.mro):
            for name, symbol in self._symbols(base):
                node = symbol.node
                if isinstance(node, mn.Decorator) and _is_cached(node):
                    fields[name] = _result_type(node)  # it stands in the instance once it was computed
                    continue
                if not isinstance(node, mn.Var) or symbol.plugin_generated or name.startswith("__"):
                    continue
                on_class = node.is_classvar or self._is_class_variable(base, name, node)
                is_member = base.is_enum and name in base.enum_members
                type_ = (
                    ir.Instance(base.fullname) if is_member else self._annotations.type_of(node, node.type)
                )
                (variables if on_class else fields)[name] = type_
                (fields if on_class else variables).pop(name, None)
        return tuple(fields.items()), tuple(variables.items())

    def _symbols(self, base: mn.TypeInfo) -> Iterable[tuple[str, mn.SymbolTableNode]]:
        """Return what a class has under its names, always in one order: mypy's cache keeps them sorted."""
        every = base.names.items()
        return every if base.fullname in self._hierarchy.classes else sorted(every, key=itemgetter(0))

    def _generic(self, info: mn.TypeInfo) -> tuple[tuple[str, ir.Type], ...]:
        """Return the fields that it has of generic classes, with what it gives for their type variables."""
        found: dict[str, ir.Type] = {}
        for base in reversed(info.mro):
            variables = base.defn.type_vars
            plain = variables and all(isinstance(one, mt.TypeVarType) for one in variables)
            given = map_instance_to_supertype(parameters_of(info), base) if plain else None
            for name, symbol in self._symbols(base):
                node = symbol.node
                found.pop(name, None)
                if given is None or not isinstance(node, mn.Var) or node.type is None:
                    continue
                type_ = expand_type_by_instance(node.type, given)
                if type_ != node.type:
                    found[name] = self._annotations.type_of(node, type_)
        return tuple(found.items())

    def _items(self, info: mn.TypeInfo) -> tuple[tuple[str, ir.Type], ...]:
        """Return a named tuple's items."""
        owner = next(base for base in info.mro if "namedtuple" in base.metadata)
        names = owner.metadata["namedtuple"]["fields"]
        nodes = [(str(name), owner.names[name].node) for name in names if name in owner.names]
        return tuple(
            (name, self._annotations.type_of(one, one.type)) for name, one in nodes if isinstance(one, mn.Var)
        )

    def _is_class_variable(self, base: mn.TypeInfo, name: str, node: mn.Var) -> bool:
        """Return whether a variable has its value in the class and no function gives instances another."""
        if generated.dataclass_of(base) is not None and name in generated.field_names(base):
            return False
        if base.is_enum and name in base.enum_members:
            return True
        return node.is_initialized_in_class and node.has_explicit_value and name not in self._stored

    def _methods(self, info: mn.TypeInfo) -> tuple[tuple[tuple[str, str], ...], frozenset[str]]:
        methods: dict[str, str] = {}
        properties: set[str] = set()
        for base in info.mro:
            made = self._hierarchy.generated.get(base.fullname, {})
            for name in (*made, *(name for name, _ in self._symbols(base))):
                if name in methods:
                    continue
                node = base.names[name].node if name in base.names else None
                full = made.get(name) or self._hierarchy.name_of(function_of(node))
                if full is not None:
                    methods[name] = full
                    if is_property(node):
                        properties.add(name)
        return tuple(methods.items()), frozenset(properties)

    def _foreign(self, info: mn.TypeInfo) -> frozenset[str]:
        """Return the special methods that abstract types, containers and decorators give a class."""
        seen: set[str] = set()
        found: set[str] = set()
        for base in info.mro:
            new = {name for name in base.names if name.startswith("__")} - seen
            if base.fullname not in self._hierarchy.classes:
                found |= new if base.fullname.startswith(_GIVING) else set()
            elif generated.dataclass_of(base) is None:
                found |= {name for name in new if base.names[name].plugin_generated}
            seen |= new
        return frozenset(found)

    def _init(self, info: mn.TypeInfo) -> tuple[ir.Parameter, ...] | None:
        """Return the parameters of a generated __init__ or __new__."""
        node = None
        if generated.dataclass_of(info) is not None:
            symbol = info.names.get("__init__")
            node = symbol.node if symbol is not None and symbol.plugin_generated else None
        elif info.is_named_tuple:
            symbol = info.names.get("__new__")
            node = symbol.node if symbol is not None else None
        elif info.typeddict_type is not None:
            return tuple(
                ir.Parameter(name, self._annotations.type_of(None, type_), "keyword")
                for name, type_ in info.typeddict_type.items.items()
            )
        if not isinstance(node, mn.FuncDef) or not isinstance(node.type, mt.CallableType):
            return None
        return tuple(self._parameter(info, node.type, i) for i in range(1, len(node.type.arg_types)))

    def _parameter(self, info: mn.TypeInfo, type_: mt.CallableType, index: int) -> ir.Parameter:
        name, kind = type_.arg_names[index] or "", type_.arg_kinds[index]
        given: Literal["positional", "keyword"] = "keyword" if kind.is_named() else "positional"
        symbol = info.get(name)
        var = symbol.node if symbol is not None and isinstance(symbol.node, mn.Var) else None
        declared = self._annotations.type_of(var, type_.arg_types[index])
        if not kind.is_optional():
            return ir.Parameter(name, declared, given)
        value = self._default(info, name)
        if value is UNKNOWN:
            owner = self._owner(info, name)
            held = self._function(owner, name) or f"{owner.fullname}.{name}"
            return ir.Parameter(name, declared, given, True, None, held)
        return ir.Parameter(name, declared, given, True, value)

    def _owner(self, info: mn.TypeInfo, name: str) -> mn.TypeInfo:
        return next((base for base in info.mro if name in base.names), info)

    def _function(self, owner: mn.TypeInfo, name: str) -> str | None:
        """Return the function of the sources that a class's variable is bound to for good, if it is one."""
        node = self._constants.initial(f"{owner.fullname}.{name}")
        if not isinstance(node, mn.NameExpr) or self._names.doubt(f"{owner.module_name}.{node.name}"):
            return None
        return self._hierarchy.name_of(function_of(node.node))

    def _default(self, info: mn.TypeInfo, name: str) -> object:
        node = self._constants.initial(f"{self._owner(info, name).fullname}.{name}")
        if node is None:
            return UNKNOWN
        call = generated.field_call(node)
        if call is None:
            return self._constants.fold(node)
        default = generated.argument(call, "default")
        return self._constants.fold(default) if default is not None else UNKNOWN

    def _factories(self, info: mn.TypeInfo) -> tuple[tuple[str, ir.Callee], ...]:
        """Return the fields of a dataclass that a call makes anew for each instance."""
        if generated.dataclass_of(info) is None:
            return ()
        found = []
        for name in generated.field_names(info):
            node = self._constants.initial(f"{self._owner(info, name).fullname}.{name}")
            call = generated.field_call(node) if node is not None else None
            factory = generated.argument(call, "default_factory") if call is not None else None
            if factory is not None:
                found.append((name, self._factory(factory)))
        return tuple(found)

    def _factory(self, node: mn.Expression) -> ir.Callee:
        callee = None
        if isinstance(node, mn.LambdaExpr) and node in self._hierarchy.names:
            return ir.Callee("function", self._hierarchy.names[node])
        if isinstance(node, mn.RefExpr) and node.node is not None:
            callee = self._hierarchy.callee(node.node)
        if (
            isinstance(node, mn.IndexExpr)
            and isinstance(node.base, mn.RefExpr)
            and node.base.node is not None
        ):
            callee = self._hierarchy.callee(node.base.node)  # `list[int]`
        return callee or ir.Callee("unknown", "a default_factory that has no name")


def _held(info: mn.TypeInfo) -> tuple[ir.Type, ...]:
    """Return what a class gives for the type variables of the built-in containers that it is below."""
    bases = [base for base in info.mro if base.fullname.startswith(_CONTAINERS) and base.defn.type_vars]
    given = (map_instance_to_supertype(parameters_of(info), base).args for base in bases)
    return tuple(dict.fromkeys(convert(one) for every in given for one in every))


def _is_shared(info: mn.TypeInfo, name: str) -> bool:
    """Tell whether no instance can have a class's variable for itself: to assign is an error, or fails."""
    owner = next(base for base in info.mro if name in base.names)
    var = owner.names[name].node
    if isinstance(var, mn.Var) and (var.is_classvar or var.is_final):
        return True
    own = generated.dataclass_of(info)
    frozen = own is not None and own.frozen
    return frozen or info.is_enum or info.is_named_tuple or all(map(_needs_no_dict, info.mro))


def _is_cached(node: mn.Decorator) -> bool:
    return any(decorator_name(one) == "functools.cached_property" for one in node.original_decorators)


def _result_type(node: mn.Decorator) -> ir.Type:
    type_ = mt.get_proper_type(node.func.type)
    return convert(type_.ret_type) if isinstance(type_, mt.CallableType) else ir.Unknown("it has no type")


def _matters(info: mn.TypeInfo) -> bool:
    return info.module_name in _BUILT_IN or any(
        base.fullname == "builtins.BaseException" for base in info.mro
    )


_GIVING = (
    "typing.",
    "collections.",
    "numbers.",
    *(f"builtins.{one}" for one in ("list", "dict", "set", "frozenset")),
)


def _stub_row(info: mn.TypeInfo, subclasses: tuple[str, ...]) -> ir.Class:
    lineage = tuple(base.fullname for base in info.mro)
    return ir.Class(
        name=info.fullname,
        lineage=lineage,
        in_sources=False,
        fields=(),
        methods=(),
        subclasses=subclasses,
        slots=all(map(_needs_no_dict, info.mro)),
        is_protocol=info.is_protocol,
        is_enum=info.is_enum,
        is_exception="builtins.BaseException" in lineage,
    )


def _needs_no_dict(info: mn.TypeInfo) -> bool:
    own = generated.dataclass_of(info)
    if info.fullname in _WITHOUT_DICT or info.fullname.startswith(_ABSTRACT) or info.is_named_tuple:
        return True
    if info.slots is not None and "__dict__" in info.slots:
        return False
    return "__slots__" in info.names or (own is not None and own.slots)
