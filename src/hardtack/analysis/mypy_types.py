"""From mypy's types to the IR's: values only. What has no counterpart is Unknown, with why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import mypy
from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NONE = ir.Instance("builtins.None")
NEVER = ir.Union(())
NARROWER = {"builtins.float": ("int",), "builtins.complex": ("float", "int")}
_DEEP = 12  # a recursive generic alias has no end
_TYPESHED = os.path.join(os.path.dirname(mypy.__file__), "typeshed", "")


def may_define(tree: mn.MypyFile, owner: str, symbol: mn.SymbolTableNode, kind: int) -> bool:
    """Tell whether a module may define, under a name of its own or of a class in it, what is of a kind.

    What a module of typeshed has under a name mypy reads from its cache when it is first asked for: here it
    is not. Of other modules it is: their cache may be of other sources, and it has to be seen here if it is.

    Args:
        tree: the module.
        owner: the full name of the module or the class.
        symbol: what it has under the name.
        kind: mypy's number of the kind, such as `mn.TYPE_ALIAS`.
    """
    if not symbol.unfixed or not tree.path.startswith(_TYPESHED):
        return True
    if symbol.cross_ref is not None:  # the full name, where it is defined elsewhere
        return symbol.cross_ref.startswith(f"{owner}.")
    return symbol._node is not None or symbol._node_tag == kind


def convert(type_: mt.Type | None, depth: int = 0) -> ir.Type:
    """Return the IR's type for one of mypy's."""
    if type_ is None:
        return ir.Unknown("mypy gives no type")
    if isinstance(type_, mt.TypeAliasType) and type_.is_recursive and not type_.args and type_.alias:
        return ir.Recursive(type_.alias.fullname)
    if depth > _DEEP:
        return ir.Unknown("the type is recursive")
    proper = mt.get_proper_type(type_)
    rule = _RULES.get(type(proper))
    return rule(proper, depth + 1) if rule else ir.Unknown(f"{type(proper).__name__} has no meaning here")


def promoted(type_: ir.Type) -> ir.Type:
    """Return a declared type with the numbers that may stand in the place of a float or complex (PEP 484)."""
    match type_:
        case ir.Instance() if type_.name in NARROWER and type_.limits is None:
            return union([type_, *(ir.Instance(f"builtins.{name}") for name in NARROWER[type_.name])])
        case ir.Instance() if type_.arguments:
            return replace(type_, arguments=tuple(map(promoted, type_.arguments)))
        case ir.Union():
            return union(map(promoted, type_.items))
        case ir.TupleOf():
            return ir.TupleOf(tuple(map(promoted, type_.items)))
    return type_


def union(items: Iterable[ir.Type]) -> ir.Type:
    """Return one of several types, flat and without repetition."""
    flat: dict[ir.Type, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, ir.Union) else (item,)))
    return next(iter(flat)) if len(flat) == 1 else ir.Union(tuple(flat))


def _instance(type_: mt.Instance, depth: int) -> ir.Type:
    if type_.type.is_newtype:
        return convert(type_.type.bases[0], depth)
    return ir.Instance(type_.type.fullname, tuple(convert(argument, depth) for argument in type_.args))


def _any(type_: mt.AnyType, _depth: int) -> ir.Type:
    why = {
        mt.TypeOfAny.unannotated: "it has no annotation",
        mt.TypeOfAny.explicit: "it is annotated as Any",
        mt.TypeOfAny.from_unimported_type: "its type comes from an import that mypy cannot follow",
        mt.TypeOfAny.from_omitted_generics: "its generic type has no arguments",
    }
    return ir.Unknown(why.get(type_.type_of_any, "its type is Any"))


def _type_variable(type_: mt.TypeVarType, depth: int) -> ir.Type:
    if type_.values:
        return union(convert(value, depth) for value in type_.values)
    return convert(type_.upper_bound, depth)


def parameters_of(info: mn.TypeInfo) -> mt.Instance:
    """Return a generic class with its type variables by number, which `convert` makes a TypeArgument of."""
    return mt.Instance(info, [mt.UnboundType(str(index)) for index in range(len(info.type_vars))])


def _type_argument(type_: mt.UnboundType, _depth: int) -> ir.Type:
    return ir.TypeArgument(int(type_.name)) if type_.name.isdigit() else ir.Unknown("it has no meaning here")


def _literal(type_: mt.LiteralType, depth: int) -> ir.Type:
    fallback = convert(type_.fallback, depth)
    if not isinstance(fallback, ir.Instance) or fallback.name == "builtins.bytes":
        return fallback  # mypy holds bytes as escaped text
    return ir.Literally(fallback, type_.value) if isinstance(type_.value, (int, str, bool)) else fallback


def _tuple(type_: mt.TupleType, depth: int) -> ir.Type:
    fallback = type_.partial_fallback.type
    if fallback.fullname != "builtins.tuple":
        return ir.Instance(fallback.fullname)  # a named tuple: its fields stand in the class table
    if any(isinstance(mt.get_proper_type(item), mt.UnpackType) for item in type_.items):
        return ir.Instance("builtins.tuple", (union(_unpacked(item, depth) for item in type_.items),))
    return ir.TupleOf(tuple(convert(item, depth) for item in type_.items))


def _typed_dict(type_: mt.TypedDictType, depth: int) -> ir.Type:
    """Return the dict that a typed dict is."""
    values = union(convert(item, depth) for item in type_.items.values())
    return ir.Instance("builtins.dict", (ir.Instance("builtins.str"), values if type_.items else NEVER))


def _unpacked(item: mt.Type, depth: int) -> ir.Type:
    proper = mt.get_proper_type(item)
    if not isinstance(proper, mt.UnpackType):
        return convert(proper, depth)
    inside = mt.get_proper_type(proper.type)
    if isinstance(inside, mt.Instance) and inside.args:
        return convert(inside.args[0], depth)
    return ir.Unknown("a tuple of variadic types")


def _callable(type_: mt.CallableType, depth: int) -> ir.Type:
    if type_.is_type_obj():
        made = mt.get_proper_type(type_.ret_type)
        if isinstance(made, mt.TupleType):
            made = made.partial_fallback
        if isinstance(made, mt.TypedDictType):
            made = made.fallback
        if isinstance(made, mt.Instance):
            return ir.ClassObject(made.type.fullname)
    return ir.CallableType(
        tuple(convert(argument, depth) for argument in type_.arg_types), convert(type_.ret_type, depth)
    )


def _overloaded(type_: mt.Overloaded, depth: int) -> ir.Type:
    first = convert(type_.items[0], depth)
    if isinstance(first, ir.ClassObject):
        return first
    results = union(convert(item.ret_type, depth) for item in type_.items)
    return ir.CallableType((), results)


def _type_of(type_: mt.TypeType, depth: int) -> ir.Type:
    item = convert(type_.item, depth)
    if isinstance(item, ir.Instance):
        return ir.ClassObject(item.name)
    if isinstance(item, ir.Union) and all(isinstance(one, ir.Instance) for one in item.items):
        return union(ir.ClassObject(one.name) for one in item.items if isinstance(one, ir.Instance))
    return ir.Unknown("a class that is not known")


_RULES: dict[type[mt.ProperType], Callable[[Any, int], ir.Type]] = {
    mt.Instance: _instance,
    mt.AnyType: _any,
    mt.NoneType: lambda _type, _depth: NONE,
    mt.UninhabitedType: lambda _type, _depth: NEVER,
    mt.DeletedType: lambda _type, _depth: NEVER,
    mt.UnionType: lambda type_, depth: union(convert(item, depth) for item in type_.items),
    mt.TypeVarType: _type_variable,
    mt.UnboundType: _type_argument,
    mt.LiteralType: _literal,
    mt.TupleType: _tuple,
    mt.TypedDictType: _typed_dict,
    mt.CallableType: _callable,
    mt.Overloaded: _overloaded,
    mt.TypeType: _type_of,
}


def instances(type_: mt.Type | None) -> list[mt.Instance]:
    """Return the instance types that a value of a type may have, None left out; empty if one is not known."""
    proper = mt.get_proper_type(type_) if type_ is not None else None
    match proper:
        case mt.Instance():
            return instances(proper.type.bases[0]) if proper.type.is_newtype else [proper]
        case mt.UnionType():
            items = [item for item in proper.items if not is_none(item)]
            known = [item for item in items if not isinstance(mt.get_proper_type(item), mt.AnyType)]
            parts = [instances(item) for item in known]  # typeshed's `str | Any` is a str or None
            return [part for each in parts for part in each] if all(parts) else []
        case mt.TypeVarType():
            if proper.values:
                return [part for value in proper.values for part in instances(value)]
            return instances(proper.upper_bound)
        case mt.TupleType():
            return [proper.partial_fallback]
        case mt.LiteralType() | mt.TypedDictType():
            return [proper.fallback]
        case mt.CallableType() | mt.Overloaded() if not proper.is_type_obj():
            return [proper.fallback]
    return []


def is_none(type_: mt.Type) -> bool:
    """Return whether a type is None's, or has no value."""
    return isinstance(mt.get_proper_type(type_), (mt.NoneType, mt.UninhabitedType))
