"""Which of mypy's reports of incompatible types no bound rests on.

A value that is not of its declared type misleads the analyser where its type says what runs. It does not
where the value is only handed to what has no source: models look at what they are given, not at types; nor
where a local variable gets a built-in container, or bytes and a bytearray are taken for each other in a
result, since the receiver tells which method runs.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from mypy import nodes as mn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardtack.analysis.hierarchy import Hierarchy
    from hardtack.analysis.results import Finding
    from hardtack.analysis.source import Sources

RESULT = "Incompatible return value type"
_ARGUMENT = re.compile(r"Argument .* has incompatible type")
_RESULT = re.compile(r'Incompatible return value type \(got "([^"]*)", expected "([^"]*)"\)')
# An integer in the place of a truth value: the default is what it is, and arithmetic is the same.
_DEFAULT = re.compile(r'Incompatible default for \w+ "\w+" \(default has type "int", \w+ has type "bool"\)')
_ASSIGNED = re.compile(
    r'Incompatible types in assignment \(expression has type "([^"|]*)", variable has type "([^"|]*)"\)'
)
_CONTAINERS = frozenset({"list", "dict", "set", "frozenset", "tuple", "str", "bytes", "bytearray"})
_BUFFERS = frozenset({"bytes", "bytearray"})


def harmless(errors: Iterable[Finding], sources: Sources, hierarchy: Hierarchy) -> frozenset[Finding]:
    """Return the reports that mislead nobody."""
    return frozenset(one for one in errors if _is_harmless(one, sources, hierarchy))


def _is_harmless(error: Finding, sources: Sources, hierarchy: Hierarchy) -> bool:
    result = _RESULT.match(error.message)
    if result is not None:
        return {name for text in result.groups() for name in text.split(" | ")} <= _BUFFERS
    if _DEFAULT.match(error.message) is not None:
        return True
    assigned = _ASSIGNED.match(error.message)
    if assigned is not None:
        heads = {text.partition("[")[0] for text in assigned.groups()}
        return heads <= _CONTAINERS and _is_local(error, sources)
    if _ARGUMENT.match(error.message) is None:
        return False
    calls = list(_calls_at(error, sources))
    return bool(calls) and all(_has_no_source(call, hierarchy) for call in calls)


def _is_local(error: Finding, sources: Sources) -> bool:
    """Tell whether an assignment is one to a local variable, whose value is followed, whatever its type."""
    for module, tree in sources.modules.items():
        if tree.path == error.file:
            syntax = sources.syntax(module)
            found = [
                one
                for one in ast.walk(syntax.tree)
                if isinstance(one, ast.Assign) and one.lineno == error.line
            ]
            names = {target.id for one in found for target in one.targets if isinstance(target, ast.Name)}
            plain = all(isinstance(target, ast.Name) for one in found for target in one.targets)
            return bool(found) and plain and not names & _declared_elsewhere(syntax.tree)
    return False


def _declared_elsewhere(tree: ast.Module) -> set[str]:
    """Return the names that a module's functions do not own, where they assign to them."""
    found: set[str] = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Global | ast.Nonlocal):
            found.update(one.names)
    return found


def _calls_at(error: Finding, sources: Sources) -> Iterator[mn.CallExpr]:
    """Iterate over the calls, in any module, with an argument at the place of an error."""
    for node in sources.types:
        if isinstance(node, mn.CallExpr) and any(
            (one.line, one.column) == (error.line, error.column) for one in node.args
        ):
            yield node


def _has_no_source(call: mn.CallExpr, hierarchy: Hierarchy) -> bool:
    node = call.callee.node if isinstance(call.callee, mn.RefExpr) else None
    callee = hierarchy.callee(node) if node is not None and not isinstance(node, mn.Var) else None
    return callee is not None and callee.kind == "model"
