"""The variables of the sources' modules and classes, with types that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.mypy_types import convert, promoted
from hardtack.analysis.on_demand import OnDemand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.knowledge import Knowledge


class GlobalTable(Mapping[str, ir.Type]):
    """Types by full name: `package.module.name`, `package.module.Class.name`.

    Also of aliases that contain themselves: wherever they are from, though only those of the analysed
    modules are listed.
    """

    def __init__(self, known: Knowledge, classes: Mapping[str, ir.Class]) -> None:
        self._variables = OnDemand(_variables(known), lambda one: known.annotations.type_of(one, one.type))
        self._aliases = OnDemand(
            _recursive_aliases(known),
            lambda one: known.annotations.alias_of(one.fullname, promoted(convert(one.target))),
        )
        self._modules = known.sources.modules
        self._sources = known.hierarchy.classes
        self._classes = classes
        self._found: dict[str, ir.Type | None] = {}

    def __getitem__(self, name: str) -> ir.Type:
        found = self._type(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._type(name) is not None

    def _type(self, name: str) -> ir.Type | None:
        """Return the type of a variable or an alias, or None if there is none; it is looked for once."""
        if name not in self._found:
            owner, _, last = name.rpartition(".")
            found = self._aliases.get(name)
            if found is None and owner in self._sources:
                found = dict(self._classes[owner].class_variables).get(last)
            self._found[name] = found or self._variables.get(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._variables
        yield from (name for name in self._aliases if name.rpartition(".")[0] in self._modules)
        for owner in self._sources:
            yield from (f"{owner}.{name}" for name, _ in self._classes[owner].class_variables)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _variables(known: Knowledge) -> dict[str, mn.Var]:
    """Return the variables of modules."""
    return {
        node.fullname: node
        for tree in known.sources.modules.values()
        for name, symbol in tree.names.items()
        if isinstance(node := symbol.node, mn.Var)
        and node.fullname == f"{tree.fullname}.{name}"
        and not name.startswith("__")
    }


def _recursive_aliases(known: Knowledge) -> dict[str, mn.TypeAlias]:
    """Return the aliases that contain themselves, wherever types may come from."""
    return {
        node.fullname: node
        for tree in known.sources.everything.values()
        for node in _aliases(tree.fullname, tree.names)
        if not node.alias_tvars and _is_recursive(node)
    }


def _aliases(owner: str, names: mn.SymbolTable) -> Iterator[mn.TypeAlias]:
    """Yield the aliases that stand in a module, or in a class, and in the classes there."""
    for name, symbol in names.items():
        if isinstance(symbol.node, mn.TypeAlias):
            yield symbol.node
        elif isinstance(symbol.node, mn.TypeInfo) and symbol.node.fullname == f"{owner}.{name}":
            yield from _aliases(symbol.node.fullname, symbol.node.names)


def _is_recursive(node: mn.TypeAlias) -> bool:
    return mt.TypeAliasType(node, []).is_recursive
