"""The class table: what the interpreter knows of each class of the sources, and of what they build on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import function_of, is_property
from hardtack.analysis.mypy_types import convert

if TYPE_CHECKING:
    from hardtack.analysis.hierarchy import Hierarchy
    from hardtack.analysis.source import Sources


def class_table(_sources: Sources, hierarchy: Hierarchy) -> dict[str, ir.Class]:
    """Return the classes of the sources and all their bases, by full name."""
    infos: dict[str, mn.TypeInfo] = {}
    for info in hierarchy.classes.values():
        infos.update({base.fullname: base for base in info.mro})
    return {name: _class(info, hierarchy) for name, info in infos.items()}


def _class(info: mn.TypeInfo, hierarchy: Hierarchy) -> ir.Class:
    order = tuple(base.fullname for base in info.mro)
    methods, properties = _methods(info, hierarchy)
    dataclass = info.metadata.get("dataclass", {})
    return ir.Class(
        name=info.fullname,
        lineage=order,
        in_sources=info.fullname in hierarchy.classes,
        fields=_fields(info),
        methods=methods,
        properties=properties,
        subclasses=tuple(one.fullname for one in hierarchy.below(info)),
        slots=info.slots is not None,
        is_protocol=info.is_protocol,
        is_dataclass=bool(dataclass),
        is_frozen=bool(dataclass.get("frozen")) if isinstance(dataclass, dict) else False,
        is_enum=info.is_enum,
        is_exception="builtins.BaseException" in order,
        is_named_tuple=info.is_named_tuple,
        is_typed_dict=info.typeddict_type is not None,
    )


def _fields(info: mn.TypeInfo) -> tuple[tuple[str, ir.Type], ...]:
    found: dict[str, ir.Type] = {}
    for base in reversed(info.mro):
        for name, symbol in base.names.items():
            if (
                isinstance(symbol.node, mn.Var)
                and not symbol.node.is_property
                and not symbol.node.is_classvar
            ):
                found[name] = convert(symbol.node.type)
    return tuple(found.items())


def _methods(info: mn.TypeInfo, hierarchy: Hierarchy) -> tuple[tuple[tuple[str, str], ...], frozenset[str]]:
    methods: dict[str, str] = {}
    properties: set[str] = set()
    for base in info.mro:
        for name, symbol in base.names.items():
            function = function_of(symbol.node)
            if name in methods or function is None or function not in hierarchy.names:
                continue
            methods[name] = hierarchy.names[function]
            if is_property(symbol.node):
                properties.add(name)
    return tuple(methods.items()), frozenset(properties)
