"""What modules bind their names to, as their text has it, and where mypy may take a name for something else.

mypy takes the first definition or import of a name for all of them, and reads what stands under
TYPE_CHECKING. Which binding counts when the program runs is not known here: what is in doubt is told, and is
a finding where it is used.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from mypy import nodes as mn
from mypy.util import correct_relative_import

from hardtack.analysis.hierarchy import flat, for_checkers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardtack.analysis.source import Sources

_DEFINED, _NOTHING, _OTHER = "def", "none", "other"


class Bound(NamedTuple):
    """One place where a module, or a class in it, binds a name."""

    name: str  # in full
    what: str  # a definition, None or `del`, something else; or the full name of what is imported
    line: int


class ModuleNames:
    """The names of the sources' modules and classes, by full name."""

    def __init__(self, sources: Sources) -> None:
        self._everything = sources.everything
        self._bound: dict[str, list[Bound]] = {}
        self._checkers: dict[str, list[range]] = {}
        self._doubtful: dict[str, dict[str, str]] = {}
        for module, tree in sources.modules.items():
            within = _Within(tree, [*_left_out(tree.defs)])
            for one in within.bound(sources.syntax(module).tree.body, tree.fullname):
                self._bound.setdefault(one.name, []).append(one)
            self._checkers[tree.fullname] = [*_for_checkers(tree.defs)]
        for tree in sources.modules.values():
            for statement in flat(tree.defs):
                if isinstance(statement, mn.ImportAll):
                    self._bind_all(statement, tree)

    def _bind_all(self, node: mn.ImportAll, tree: mn.MypyFile) -> None:
        """Add what `from module import *` binds of the names that are bound otherwise, too.

        Of a module that mypy does not know: all but what begins with `_`, as of one without __all__.
        """
        module = _absolute(tree, node.relative, node.id)
        known = self._everything.get(module)
        for full, every in self._bound.items():
            owner, _, name = full.rpartition(".")
            if owner != tree.fullname:
                continue
            symbol = known.names.get(name) if known is not None else None
            taken = not name.startswith("_") if known is None else symbol is not None and symbol.module_public
            if taken:
                every.append(Bound(full, f"{module}.{name}", node.line))

    def assignments(self) -> Counter[str]:
        """Return how often each name is bound otherwise than by a definition."""
        every = chain.from_iterable(self._bound.values())
        return Counter(one.name for one in every if one.what != _DEFINED)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The names that are bound, by the module or class that binds them."""
        found: dict[str, list[str]] = {}
        for name in self._bound:
            found.setdefault(name.rpartition(".")[0], []).append(name)
        return found

    def is_for_checkers(self, module: str, line: int) -> bool:
        """Tell whether what stands at a line is for type checkers: it may not be there at run time."""
        return any(line in lines for lines in self._checkers.get(module, ()))

    def doubtful(self, module: str) -> dict[str, str]:
        """Return the names of a module of which it is not known what they stand for, and why."""
        if module not in self._doubtful:
            own = self._names.get(module, ())
            doubts = {name.rpartition(".")[2]: self._doubt(name, set()) for name in own}
            self._doubtful[module] = {name: doubt for name, doubt in doubts.items() if doubt is not None}
        return self._doubtful[module]

    def doubt(self, name: str) -> str | None:
        """Return why it is not known what a name stands for, or a class around it; None if it is."""
        found = self._doubt(name, set())
        owner = name.rpartition(".")[0]
        while owner and found is None:
            if any(one.what == _DEFINED for one in self._bound.get(owner, ())):
                found = self._doubt(owner, set())
            owner = owner.rpartition(".")[0]
        return found

    def _doubt(self, name: str, seen: set[str]) -> str | None:
        """Return why it is not known what a name stands for; an imported one has the doubts of the other."""
        seen.add(name)
        every = self._bound.get(name, [])
        stands_for = {self._meant(one) for one in every if one.what != _NOTHING}
        if len(stands_for) > 1 and not stands_for <= {_OTHER}:
            lines = ", ".join(str(line) for line in sorted({one.line for one in every}))
            how = "defined" if all(one.what == _DEFINED for one in every) else "bound"
            return f"{name}, which is {how} more than once, at lines {lines}"
        imported = [one.what for one in every if one.what not in {_DEFINED, _NOTHING, _OTHER}]
        return next((why for one in imported if one not in seen and (why := self._doubt(one, seen))), None)

    def _meant(self, one: Bound) -> str:
        """Return what a binding binds its name to: of what is imported, where that is defined."""
        if one.what == _DEFINED:
            return f"{_DEFINED} {one.line}"
        module, _, name = one.what.rpartition(".")
        tree = self._everything.get(module)
        symbol = tree.names.get(name) if tree is not None else None
        return symbol.node.fullname if symbol is not None and symbol.node is not None else one.what


def _absolute(tree: mn.MypyFile, relative: int, module: str) -> str:
    return correct_relative_import(tree.fullname, relative, module, tree.path.endswith("__init__.py"))[0]


class _Within:
    """Finds what a module binds."""

    def __init__(self, tree: mn.MypyFile, left_out: Sequence[range]) -> None:
        self._tree = tree
        self._left_out = left_out

    def bound(self, nodes: Iterable[ast.AST], prefix: str) -> Iterator[Bound]:
        """Yield each place where a name is bound; functions are not gone into."""
        for node in nodes:
            line = getattr(node, "lineno", 0)
            if any(line in lines for lines in self._left_out):
                continue
            yield from (Bound(f"{prefix}.{name}", what, line) for name, what in self._by(node))
            if isinstance(node, ast.ClassDef):
                yield from self.bound(node.body, f"{prefix}.{node.name}")
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                inside = (one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
                yield from (Bound(f"{prefix}.{one.target.id}", _OTHER, line) for one in inside)
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not _is_none(
                node
            ):
                yield from self.bound(ast.iter_child_nodes(node), prefix)

    def _by(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        """Yield the names that a node itself binds, and what to.

        Neither overloads nor what belongs to a property: they do not take the name from what it meant before.
        """
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if not any(_adds_to(node.name, one) for one in node.decorator_list):
                    yield node.name, _DEFINED
            case ast.ClassDef():
                yield node.name, _DEFINED
            case ast.Assign() if _is_none(node):
                yield from ((one.id, _NOTHING) for one in node.targets if isinstance(one, ast.Name))
            case ast.Name(id=name, ctx=ast.Del()):
                yield name, _NOTHING
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
                | ast.ExceptHandler(name=str(name))
            ):
                yield name, _OTHER
            case ast.Import():
                for one in node.names:
                    first = one.name.partition(".")[0]
                    yield one.asname or first, one.name if one.asname else first
            case ast.ImportFrom():
                module = _absolute(self._tree, node.level, node.module or "")
                yield from ((one.asname or one.name, f"{module}.{one.name}") for one in node.names)


def _is_none(node: ast.AST) -> bool:
    """Tell whether a node does nothing but give names the value None."""
    if not isinstance(node, ast.Assign) or not all(isinstance(one, ast.Name) for one in node.targets):
        return False
    return isinstance(node.value, ast.Constant) and node.value.value is None


def _adds_to(name: str, decorator: ast.expr) -> bool:
    match decorator:
        case ast.Name(id="overload") | ast.Attribute(attr="overload"):
            return True
        case ast.Attribute(value=ast.Name(id=of), attr="getter" | "setter" | "deleter"):
            return of == name
    return False


def _left_out(statements: list[mn.Statement]) -> Iterator[range]:
    """Yield the lines that mypy does not read since they never run on this version and platform."""
    for statement in flat(statements):
        if isinstance(statement, mn.IfStmt) and not any(map(for_checkers, statement.expr)):
            yield from (_lines(block) for block in _blocks(statement) if block.is_unreachable)
        elif isinstance(statement, mn.ClassDef):
            yield from _left_out(statement.defs.body)


def _for_checkers(statements: list[mn.Statement]) -> Iterator[range]:
    """Yield the lines that mypy reads where it decides a test by a name, such as TYPE_CHECKING."""
    for statement in flat(statements):
        if isinstance(statement, mn.IfStmt) and any(map(for_checkers, statement.expr)):
            yield from (_lines(block) for block in _blocks(statement) if not block.is_unreachable)
        elif isinstance(statement, mn.ClassDef):
            yield from _for_checkers(statement.defs.body)


def _blocks(statement: mn.IfStmt) -> list[mn.Block]:
    blocks = [*statement.body, statement.else_body]
    return [block for block in blocks if block is not None and block.body]


def _lines(block: mn.Block) -> range:
    last = block.body[-1]
    return range(block.body[0].line, (last.end_line or last.line) + 1)
