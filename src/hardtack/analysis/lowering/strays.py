"""Variables that a `global` statement alone makes: mypy knows none of them, nor which functions share them.

What has to do with one is a finding.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from mypy import nodes as mn

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
