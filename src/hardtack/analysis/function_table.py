"""The functions of the sources by full name: each is lowered when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hardtack.analysis import generated, ir
from hardtack.analysis.lowering import lower_function
from hardtack.analysis.lowering.functions import crashed, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy import nodes as mn

    from hardtack.analysis.knowledge import Knowledge

_INNER = ".<locals>."
_VARIANT = "~"  # what mypy made of a function for one value of its type variables


class FunctionTable(Mapping[str, ir.Function]):
    """Lowers on demand; a function comes with all that it makes, such as nested functions.

    Asking which names there are lowers everything.
    """

    def __init__(self, known: Knowledge, with_digest: Callable[[ir.Function], ir.Function]) -> None:
        self._known = known
        self._with_digest = with_digest
        self._generated = {
            name: known.hierarchy.classes[owner]
            for owner, methods in known.hierarchy.generated.items()
            for name in methods.values()
        }
        self._roots = dict.fromkeys((*known.hierarchy.functions, *self._generated))
        self._modules = {tree.path: name for name, tree in known.sources.modules.items()}
        self._lowered: set[str] = set()
        self._functions: dict[str, ir.Function] = {}

    def __getitem__(self, name: str) -> ir.Function:
        found = self._functions.get(name)
        if found is None:
            self._lower(name.partition(_INNER)[0].partition(_VARIANT)[0])
            found = self._functions[name]
        return found

    def __contains__(self, name: object) -> bool:
        if name in self._roots:
            return True
        return isinstance(name, str) and (_INNER in name or _VARIANT in name) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        for root in self._roots:
            self._lower(root)
        return iter(self._functions)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _lower(self, root: str) -> None:
        if root in self._lowered or root not in self._roots:
            return
        self._lowered.add(root)
        made = self._written_by_dataclass(root) if root in self._generated else self._from_source(root)
        for function in made:
            self._functions[function.name] = self._with_digest(self._unless_rebound(function))

    def _from_source(self, name: str) -> list[ir.Function]:
        definition: mn.FuncDef = self._known.hierarchy.functions[name]
        try:
            return lower_function(self._known, definition)
        except Exception as error:  # noqa: BLE001 # whatever strange program it is: a finding, never a number
            return [crashed(self._known, definition, error)]

    def _written_by_dataclass(self, name: str) -> list[ir.Function]:
        info = self._generated[name]
        file = self._known.sources.modules[info.module_name].path
        made = generated.functions(info, file, self._known.annotations.type_of)
        return [function for function in made if function.name == name]

    def _unless_rebound(self, function: ir.Function) -> ir.Function:
        """Refuse a function whose name is bound to something else, too: which of them runs is not known."""
        name = function.name.partition(_INNER)[0].partition(_VARIANT)[0].partition("@")[0]
        doubt = self._known.names.doubt(name)
        if doubt is not None:
            return refused(function, f"{doubt}: which runs is not known", "give them different names")
        module = self._modules.get(function.place.file, "")
        absent = self._known.names.for_checkers(function.name, module, function.place.line)
        if absent is not None:
            return refused(function, absent, "define it for when the program runs")
        if not self._known.constants.is_written(function.name.partition("@")[0]):
            return function
        what = f"{function.name}, whose name is bound to something else besides its definition"
        return refused(function, what, "give it a name of its own")
