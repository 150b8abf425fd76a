"""A module's own text: what mypy's trees do not tell. Compiled, never executed.

Gives the frame of each function from its code object, where f-strings stand, and the `ast` in which the
metadata of `Annotated` is still there.
"""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Node = TypeVar("_Node", bound=ast.AST)
_NOWHERE = frozenset(  # fields that hold texts, or what stands nowhere
    {"ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment", "type_ignores"}
)


@dataclass(frozen=True)
class Syntax:
    """The text of a module, parsed and compiled."""

    path: Path
    text: str
    _begins: dict[type[ast.AST], dict[tuple[int, int], list[tuple[int, ast.AST]]]] = field(
        default_factory=dict, repr=False, compare=False
    )

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
        """All nodes that stand somewhere, the outer ones first: not operators, nor contexts of names."""
        found: list[ast.AST] = [self.tree]
        inside: dict[type[ast.AST], list[str]] = {}
        for node in found:  # which grows
            names = inside.get(type(node))
            if names is None:
                names = inside[type(node)] = [name for name in node._fields if name not in _NOWHERE]
            for name in names:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    found += [one for one in value if isinstance(one, ast.AST)]
                elif isinstance(value, ast.AST):
                    found.append(value)
        return tuple(found)

    @cached_property
    def _kinds(self) -> dict[type[ast.AST], list[tuple[int, ast.AST]]]:
        """All nodes by their kind, each with its number."""
        found: dict[type[ast.AST], list[tuple[int, ast.AST]]] = {}
        for number, node in enumerate(self.every):
            found.setdefault(type(node), []).append((number, node))
        return found

    def _of(self, *kinds: type[_Node]) -> tuple[_Node, ...]:
        """Return all nodes of some kinds, the outer ones first."""
        found = sorted(one for kind in kinds for one in self._kinds.get(kind, ()))
        return tuple(node for _, node in found)  # type: ignore[misc] # they are of these kinds

    @cached_property
    def walruses(self) -> tuple[ast.NamedExpr, ...]:
        """All `name := value`."""
        return self._of(ast.NamedExpr)

    @cached_property
    def globals(self) -> tuple[ast.Global, ...]:
        """All `global name`."""
        return self._of(ast.Global)

    @property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """All imports, wherever they stand."""
        return self._of(ast.Import, ast.ImportFrom)

    @property
    def annotated(self) -> tuple[ast.AnnAssign, ...]:
        """All `name: type`, with a value or without."""
        return self._of(ast.AnnAssign)

    @property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """All classes, those in others and in functions too."""
        return self._of(ast.ClassDef)

    @property
    def importing(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
        """The functions that have an import in them, or in a function inside them."""
        lines = [one.lineno for one in self.imports if one.col_offset]  # others stand in the module itself
        kinds: tuple[type[ast.FunctionDef | ast.AsyncFunctionDef], ...]
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef) if lines else ()
        return tuple(
            node
            for node in self._of(*kinds)
            if any(node.lineno <= line <= (node.end_lineno or 0) for line in lines)
        )

    def _beginning(self, kind: type[ast.AST]) -> dict[tuple[int, int], list[tuple[int, ast.AST]]]:
        """Return the nodes of a kind by the line and column where they begin, the outer ones first."""
        found = self._begins.get(kind)
        if found is None:
            found = self._begins[kind] = {}
            for one in self._kinds.get(kind, ()):
                known = vars(one[1])
                found.setdefault((known["lineno"], known["col_offset"]), []).append(one)
        return found

    def at(self, line: int, column: int, *kinds: type[ast.AST]) -> ast.AST | None:
        """Return the outermost node of some kinds that begins there."""
        found = [node for kind in kinds for node in self._beginning(kind).get((line, column), ())[:1]]
        return min(found)[1] if found else None

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
        begins = sorted(one for kind in _COMPREHENSIONS for one in self._beginning(kind).get(start, ()))
        found = [node for _, node in begins] + self._generators.get(start, [])
        return min(found, key=lambda node: _distance(node, end), default=None)

    @cached_property
    def _generators(self) -> dict[tuple[int, int], list[ast.AST]]:
        """Generator expressions by where what they yield begins."""
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in self._of(ast.GeneratorExp):
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
