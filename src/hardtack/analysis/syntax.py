"""A module's own text: what mypy's trees do not tell. Compiled, never executed.

Gives the frame of each function from its code object, where f-strings stand, and the `ast` in which the
metadata of `Annotated` is still there.
"""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLAIN = frozenset({int, str, type(None)})  # most of what is no node
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Syntax:
    """The text of a module, parsed and compiled."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Syntax:
        """Return a file's syntax. Blocks on reading it."""
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def tree(self) -> ast.Module:
        """The module as `ast` parses it."""
        return ast.parse(self.text)

    @cached_property
    def annotations_are_text(self) -> bool:
        """Whether annotations are not evaluated: `from __future__ import annotations`."""
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(one.name == "annotations" for one in node.names)
            for node in self.tree.body
        )

    @cached_property
    def every(self) -> tuple[ast.AST, ...]:
        """All nodes, the outer ones first: those of `ast.walk`, which takes twice as long."""
        found: list[ast.AST] = [self.tree]
        for node in found:  # which grows
            for value in node.__dict__.values():
                kind = type(value)
                if kind is list:
                    found += [one for one in value if isinstance(one, ast.AST)]
                elif kind not in _PLAIN and isinstance(value, ast.AST):
                    found.append(value)
        return tuple(found)

    @cached_property
    def walruses(self) -> tuple[ast.NamedExpr, ...]:
        """All `name := value`."""
        return tuple(node for node in self.every if type(node) is ast.NamedExpr)

    @cached_property
    def globals(self) -> tuple[ast.Global, ...]:
        """All `global name`."""
        return tuple(node for node in self.every if type(node) is ast.Global)

    @cached_property
    def nodes(self) -> dict[tuple[int, int], list[ast.AST]]:
        """Every node by the line and column where it begins, the outer ones first."""
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in self.every:
            known = node.__dict__
            if (line := known.get("lineno")) is not None:
                found.setdefault((line, known.get("col_offset", 0)), []).append(node)
        return found

    def at(self, line: int, column: int, *kinds: type[ast.AST]) -> ast.AST | None:
        """Return the outermost node of some kinds that begins there."""
        return next((node for node in self.nodes.get((line, column), ()) if isinstance(node, kinds)), None)

    @cached_property
    def _codes(self) -> dict[tuple[int, str], list[types.CodeType]]:
        found: dict[tuple[int, str], list[types.CodeType]] = {}
        for code in _walk_codes(compile(self.tree, str(self.path), "exec", dont_inherit=True)):
            found.setdefault((code.co_firstlineno, code.co_name), []).append(code)
        return found

    def code(self, node: ast.AST | None) -> types.CodeType | None:
        """Return the code object of a function, lambda or comprehension."""
        if node is None:
            return None
        line = getattr(node, "lineno", 0)
        decorators = getattr(node, "decorator_list", [])
        first = decorators[0].lineno if decorators else line
        candidates = self._codes.get((first, _code_name(node)), [])
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        return next((code for code in candidates if _lies_in(code, node)), None)

    def comprehension(self, start: tuple[int, int], end: tuple[int, int]) -> ast.AST | None:
        """Return the comprehension that begins and ends there.

        mypy leaves the parentheses out of a generator expression that is a call's only argument.
        """
        found: list[ast.AST] = [
            node for node in self.nodes.get(start, ()) if isinstance(node, _COMPREHENSIONS)
        ]
        found += self._generators.get(start, [])
        return min(found, key=lambda node: _distance(node, end), default=None)

    @cached_property
    def _generators(self) -> dict[tuple[int, int], list[ast.AST]]:
        """Generator expressions by where what they yield begins."""
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in self.every:
            if isinstance(node, ast.GeneratorExp):
                found.setdefault((node.elt.lineno, node.elt.col_offset), []).append(node)
        return found


def _distance(node: ast.AST, end: tuple[int, int]) -> tuple[int, int]:
    line, column = getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
    return abs(line - end[0]), abs(column - end[1])


def _code_name(node: ast.AST) -> str:
    names = {ast.Lambda: "<lambda>", ast.ListComp: "<listcomp>", ast.SetComp: "<setcomp>"}
    names |= {ast.DictComp: "<dictcomp>", ast.GeneratorExp: "<genexpr>"}
    return names.get(type(node)) or str(getattr(node, "name", ""))


def _lies_in(code: types.CodeType, node: ast.AST) -> bool:
    start = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
    end = (getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0))
    inside = [
        (line, column)
        for line, _, column, end_column in code.co_positions()
        if line is not None and column is not None and (column, end_column) != (0, 0)
    ]
    return bool(inside) and all(start <= position <= end for position in inside)


def _walk_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _walk_codes(constant)
