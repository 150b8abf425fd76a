"""Names of which mypy does not know what they stand for when the program runs.

Variables that a `global` statement alone makes: mypy knows none of them, nor which functions share them.
What a module binds more than once, of which mypy takes the first. Functions of the library that the sources
put others in the place of. What has to do with one of these is a finding.
"""

from __future__ import annotations

import ast
import builtins
import dis
import types
from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import public
from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.lowering.context import Lowering

_BUILT_IN = frozenset(dir(builtins))


def refuse_strays(low: Lowering, function: mn.FuncItem) -> None:
    """Note what a function, or one inside it, declares to be the module's and the module does not define.

    Where mypy takes such a name for a built-in one, what reads it is noted, too.
    """
    strays = _strays(low)
    if not strays:
        return
    lines = range(function.line, (function.end_line or function.line) + 1)
    for node, name in _mentions(low, strays):
        if node.lineno in lines:
            at = mn.Context(node.lineno, node.col_offset)
            what = f"{name}, which is declared global and which the module does not define itself"
            low.drop(at, low.unsupported(at, what, "define it at the module's level"))


def refuse_doubtful(low: Lowering, code: types.CodeType) -> None:
    """Note which names of its module that are in doubt a function reads, or one inside it."""
    for name, doubt in low.known.names.doubtful(low.scope.module).items():
        for one in _codes(code) if name in _names(code) else ():
            for read in dis.get_instructions(one):
                if read.argval == name and read.opname.startswith(_READS):
                    place = read.positions
                    at = mn.Context(place.lineno or 0, place.col_offset or 0) if place else mn.Context()
                    what = f"{doubt}: which of them it is, is not known"
                    low.drop(at, low.unsupported(at, what, "give them different names"))


_READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def unless_replaced(operation: ir.Operation, replaced: frozenset[str]) -> ir.Operation:
    """Return an operation that is a finding if it calls, or takes as a value, what the sources replace."""
    match operation:
        case ir.Call(callees=callees) | ir.BindMethod(callees=callees):
            if any(one.kind == "model" and one.name in replaced for one in callees):
                return replace(operation, callees=tuple(_unless_replaced(one, replaced) for one in callees))
        case ir.LoadGlobal(name=name, type=ir.CallableType() | ir.ClassObject()) if public(name) in replaced:
            return replace(operation, type=ir.Unknown(f"{name}{_REPLACED}"))
    return operation


_REPLACED = ", which the sources put something else in the place of"


def _unless_replaced(callee: ir.Callee, replaced: frozenset[str]) -> ir.Callee:
    if callee.kind != "model" or callee.name not in replaced:
        return callee
    return ir.Callee("unknown", f"{callee.name}{_REPLACED}")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _names(code: types.CodeType) -> set[str]:
    return {name for one in _codes(code) for name in one.co_names}


def _strays(low: Lowering) -> set[str]:
    """Return the names that the module's functions declare, and that are no variables of its own."""
    names = low.sources.modules[low.scope.module].names
    return {
        name
        for node in low.syntax.globals
        for name in node.names
        if name not in names
        or names[name].node is None
        or names[name].fullname != f"{low.scope.module}.{name}"
    }


def _mentions(low: Lowering, strays: set[str]) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    for node in low.syntax.globals:
        yield from ((node, name) for name in node.names if name in strays)
    hidden = strays & _BUILT_IN
    for one in low.syntax.every if hidden else ():
        if isinstance(one, ast.Name) and one.id in hidden:
            yield one, one.id
