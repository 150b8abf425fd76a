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
        self._known = known
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
            found = self._alias(name)
            if found is None and owner in self._sources:
                found = dict(self._classes[owner].class_variables).get(last)
            self._found[name] = found or self._variables.get(name)
        return self._found[name]

    def _alias(self, name: str) -> ir.Type | None:
        """Return what an alias that contains itself stands for, or None if there is none of that name."""
        node = _recursive_alias(self._known, name)
        if node is None:
            return None
        return self._known.annotations.alias_of(name, promoted(convert(node.target)))

    def __iter__(self) -> Iterator[str]:
        yield from self._variables
        for module, tree in self._known.sources.modules.items():
            yield from (name for one in tree.names if self._alias(name := f"{module}.{one}") is not None)
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


def _recursive_alias(known: Knowledge, name: str) -> mn.TypeAlias | None:
    """Return the alias that has a full name, wherever it may come from, if it contains itself."""
    module = name.rpartition(".")[0]
    while module:
        tree = known.sources.everything.get(module)
        node = None if tree is None else _below(tree, name.removeprefix(f"{module}.").split("."))
        if isinstance(node, mn.TypeAlias) and node.fullname == name and not node.alias_tvars:
            return node if mt.TypeAliasType(node, []).is_recursive else None
        module = module.rpartition(".")[0]
    return None


def _below(tree: mn.MypyFile, path: list[str]) -> mn.SymbolNode | None:
    """Return what a module, or a class that stands in it, has under a name."""
    *classes, last = path
    names = tree.names
    for name in classes:
        node = names[name].node if name in names else None
        if not isinstance(node, mn.TypeInfo):
            return None
        names = node.names
    return names[last].node if last in names else None
