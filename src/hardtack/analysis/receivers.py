"""What the receiver of a call tells: which of several callees may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, ir, parameters
from hardtack.analysis.domain import NONE
from hardtack.analysis.instances import special_methods

if TYPE_CHECKING:
    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Cell
    from hardtack.analysis.interpreting import Interpreter

DEFAULTS = "collections.defaultdict"
_BUILT_IN = frozenset(
    f"builtins.{kind}" for kind in ("list", "dict", "set", "frozenset", "tuple", "str", "bytes", "bytearray")
)
_ABSTRACT = frozenset({"typing.Mapping", "typing.MutableMapping"})
_CONTAINERS = frozenset({*parameters.KINDS.values(), "sequence", "mapping"})


def possible(interp: Interpreter, callees: tuple[ir.Callee, ...], arguments: Given) -> tuple[ir.Callee, ...]:
    """Return the callees that the receiver leaves: of overrides, those of the classes it may be of."""
    callees = _by_kind(interp, callees, arguments)
    named = {callee.name for callee in callees if callee.kind == "function" and not callee.swapped}
    models = tuple(callee for callee in callees if callee.kind == "model" or callee.swapped)
    plain = any(not callee.swapped for callee in models)
    if named and plain and arguments.positional and _is_container(interp, arguments.positional[0]):
        return models
    if len(callees) < 2 or len(named) < len(callees) or not arguments.positional:
        return callees
    wanted: set[str] = set()
    for _, cell in access.cells(interp, interp.read(arguments.positional[0])):
        found = {one for name in named for one in special_methods(interp, cell, name.rpartition(".")[2])}
        if not found or not found <= named:
            return callees  # it is not found by the receiver's class: `super()`, a protocol
        wanted |= found
    return tuple(callee for callee in callees if callee.name in wanted) or callees


def _by_kind(interp: Interpreter, callees: tuple[ir.Callee, ...], arguments: Given) -> tuple[ir.Callee, ...]:
    """Return callees with the methods of the built-in containers that a receiver is, whatever its type says.

    A bytearray is taken for bytes, a local variable may get what it is not declared for, and a defaultdict is
    a dict that makes what it lacks.
    """
    if not arguments.positional or all(one.kind != "model" or one.swapped for one in callees):
        return callees
    found = [_own_class(cell) for _, cell in access.cells(interp, interp.read(arguments.positional[0]))]
    more: list[ir.Callee] = []
    for callee in callees:
        owner, _, method = callee.name.rpartition(".")
        plain = callee.kind == "model" and not callee.swapped
        wanted = set(found) - {owner, ""} if plain and owner in _BUILT_IN else set()
        if plain and owner in _ABSTRACT:
            wanted = {DEFAULTS} & set(found)
        others = {one for one in wanted if interp.models.find(f"{one}.{method}") is not None}
        if not others or set(found) - others:
            more.append(callee)
        more += [ir.Callee("model", f"{one}.{method}") for one in sorted(others)]
    return tuple(dict.fromkeys(more))


def _own_class(cell: Cell) -> str:
    """Return the class of a container that has methods of its own."""
    if cell.name == DEFAULTS:
        return cell.name
    return cell.name if cell.owned and cell.name in _BUILT_IN else ""


def _is_container(interp: Interpreter, register: ir.Register) -> bool:
    """Tell whether a receiver is a container that no class of the sources is: see `parameters.symbolic`."""
    value = interp.read(register)
    found = [cell for _, cell in access.cells(interp, value)]
    rows = [interp.program.classes.get(cell.name) for cell in found]
    kinds = {cell.kind for cell in found if all(row is None or not row.in_sources for row in rows)}
    plain = value.number is None and not value.plain & ~NONE
    return bool(kinds) and plain and kinds <= _CONTAINERS


def are_classes(interp: Interpreter, arguments: Given) -> bool:
    """Tell whether all arguments are known classes: to compare two runs no code, but that of a metaclass."""
    values = [interp.read(register) for register in arguments.positional]
    return all(
        value.objects
        and value.number is None
        and not value.plain
        and all(cell.kind == "class" and cell.targets for _, cell in access.cells(interp, value))
        for value in values
    )
