"""What modules bind their names to, as their text has it, and where mypy may take a name for something else.

mypy takes the first definition or import of a name for all of them, and reads what stands under
TYPE_CHECKING. Which binding counts when the program runs is not known here: what is in doubt is told, and is
a finding where it is used.
"""

from __future__ import annotations

import ast
from collections import Counter
from contextlib import suppress
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
    by: ast.Assign | ast.AnnAssign | None = None  # what gives it a value

    @property
    def is_import(self) -> bool:
        """Whether it is bound by an import."""
        return self.what not in {_DEFINED, _NOTHING, _OTHER}


class ModuleNames:
    """The names of the sources' modules and classes, by full name."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._everything = sources.everything
        self._bound: dict[str, dict[str, list[Bound]]] = {}  # by module or class, and name
        self._checkers: dict[str, list[range]] = {}
        self._doubtful: dict[str, dict[str, str]] = {}
        self._doubts: dict[str, str | None] = {}
        self._kept: dict[str, list[tuple[int, str]]] = {}
        for module, tree in sources.modules.items():
            within = _Within(tree, [*_left_out(tree.defs)])
            for one in within.bound(sources.syntax(module).tree.body, tree.fullname):
                self._add(one)
            self._checkers[tree.fullname] = [*_for_checkers(tree.defs)]
        for tree in sources.modules.values():
            self._bind_all(tree.fullname)

    def _add(self, one: Bound) -> None:
        owner, _, name = one.name.rpartition(".")
        self._bound.setdefault(owner, {}).setdefault(name, []).append(one)

    def _every(self, name: str) -> list[Bound]:
        owner, _, last = name.rpartition(".")
        return self._bound.get(owner, {}).get(last, [])

    def _bind_all(self, module: str) -> None:
        """Add what each `from other import *` of a module binds; first what those of the others do."""
        for star in self._bound.get(module, {}).pop("*", []):
            other = star.what.removesuffix(".*")
            self._bind_all(other)
            for name in self._public(other, module):
                self._add(Bound(f"{module}.{name}", f"{other}.{name}", star.line))

    def _public(self, module: str, into: str) -> set[str]:
        """Return the names that `from module import *` binds, as far as they are known.

        Of a module that mypy does not know: what the other binds itself, but for what begins with `_`.
        """
        known, own = self._everything.get(module), self._bound.get(module, {})
        if known is None and not own:
            return {name for name in self._bound.get(into, {}) if not name.startswith("_")}
        names = known.names if known is not None else {}
        listed = "__all__" in names or "__all__" in own
        every = {name for name, symbol in names.items() if symbol.module_public}
        return every if listed else {name for name in {*every, *own} if not name.startswith("_")}

    def assignments(self) -> Counter[str]:
        """Return how often each name is bound otherwise than by a definition."""
        every = chain.from_iterable(chain.from_iterable(names.values()) for names in self._bound.values())
        return Counter(one.name for one in every if one.what != _DEFINED)

    def for_checkers(self, name: str, module: str, line: int) -> str | None:
        """Return why what a module defines at a line may not be there at run time, if so."""
        if not any(line in lines for lines in self._checkers.get(module, ())):
            return None
        return f"{name}, which stands where TYPE_CHECKING is True: it is not there when it runs"

    def doubtful(self, module: str) -> dict[str, str]:
        """Return the names of a module of which it is not known what they stand for, and why."""
        if module not in self._doubtful:
            doubts = {name: self._doubt(f"{module}.{name}") for name in self._bound.get(module, {})}
            self._doubtful[module] = {name: doubt for name, doubt in doubts.items() if doubt is not None}
        return self._doubtful[module]

    def doubt(self, name: str) -> str | None:
        """Return why it is not known what a name stands for, or a class around it; None if it is."""
        found = self._doubt(name)
        owner = name.rpartition(".")[0]
        while owner and found is None:
            if any(one.what == _DEFINED for one in self._every(owner)):
                found = self._doubt(owner)
            owner = owner.rpartition(".")[0]
        return found

    def _doubt(self, name: str, seen: set[str] | None = None) -> str | None:
        """Return why it is not known what a name stands for.

        An imported one has the doubts of the other; a variable those of what its value or annotation names.
        """
        if name in self._doubts:
            return self._doubts[name]
        first, seen = seen is None, set() if seen is None else seen
        seen.add(name)
        found = self._of_bindings(name, self._every(name), seen)
        if first or found is not None:  # else what was seen before is left out of it
            self._doubts[name] = found
        return found

    def _of_bindings(self, name: str, every: list[Bound], seen: set[str]) -> str | None:
        stands_for = {self._meant(one) for one in every if one.what != _NOTHING}
        if len(stands_for) > 1 and not stands_for <= {_OTHER}:
            lines = ", ".join(str(line) for line in sorted({one.line for one in every}))
            how = "defined" if all(one.what == _DEFINED for one in every) else "bound"
            return f"{name}, which is {how} more than once, at lines {lines}"
        others = {one.what: None for one in every if one.is_import}
        for one in every:
            if one.by is not None:
                others |= dict.fromkeys(self._named_by(name, one.by))
        return next((why for one in others if one not in seen and (why := self._doubt(one, seen))), None)

    def _named_by(self, name: str, by: ast.Assign | ast.AnnAssign) -> Iterator[str]:
        """Yield what the value of a variable names, or its annotation."""
        module = name
        while module and module not in self._sources.modules:
            module = module.rpartition(".")[0]
        if by.value is not None:
            yield from self._named_in(module, by.value)
        if isinstance(by, ast.AnnAssign):
            yield from self._named_in_annotation(module, by.annotation)

    def _named_in(self, module: str, node: ast.AST) -> Iterator[str]:
        """Yield the full names that an expression of a module has in it."""
        for one in ast.walk(node):
            full = self._full(module, one) if isinstance(one, (ast.Name, ast.Attribute)) else None
            if full is not None:
                yield full

    def _named_in_annotation(self, module: str, node: ast.AST) -> Iterator[str]:
        named = [*self._named_in(module, node)]
        for one in ast.walk(node):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                with suppress(SyntaxError):
                    named += self._named_in(module, ast.parse(one.value.strip(), mode="eval"))
        return (name for name in named if not self._is_stated(name))

    def _is_stated(self, name: str) -> bool:
        """Tell whether what stands under TYPE_CHECKING states what annotations mean by a name.

        An alias does, and what is imported from elsewhere than the sources.
        """
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            seen.add(one)
            lines = self._checkers.get(one.rpartition(".")[0], ())
            for other in self._every(one):
                of = {other.what, other.what.rpartition(".")[0]}
                own = other.what == _DEFINED or bool(of & self._sources.modules.keys())
                if not own and any(other.line in part for part in lines):
                    return True
                if other.is_import and other.what not in seen:
                    waiting.append(other.what)
        return False

    def _full(self, module: str, node: ast.expr) -> str | None:
        """Return the full name of a dotted name; of a single one, that which stands in the module."""
        match node:
            case ast.Name(id=name):
                return f"{module}.{name}"
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                every = self._every(f"{module}.{name}")
                of = next((one.what for one in every if one.is_import), f"{module}.{name}")
                return f"{of}.{attribute}"
            case ast.Attribute(value=value, attr=attribute):
                of_it = self._full(module, value)
                return of_it and f"{of_it}.{attribute}"
        return None

    def _annotated(self, module: str) -> list[tuple[int, str]]:
        """Return the lines of annotations that name what is in doubt, and why it is."""
        if module not in self._kept:
            found = self._kept[module] = []
            for node in self._sources.syntax(module).every:
                annotation: ast.expr | None = getattr(node, "annotation", None) or getattr(
                    node, "returns", None
                )
                if annotation is None:
                    continue
                for name in self._named_in_annotation(module, annotation):
                    doubt = self.doubt(name)
                    if doubt is not None:
                        found.append((annotation.lineno, doubt))
        return self._kept[module]

    def in_class(self, info: mn.TypeInfo) -> str | None:
        """Return why it is not known what a class is, one of its bases, or what its attributes are."""
        every = (info.fullname, *_names_of_bases(info))
        found = next(filter(None, map(self.doubt, every)), None)
        own = self._bound.get(info.fullname, {}).items()
        fields = (
            self._doubt(f"{info.fullname}.{name}") for name, every in own if any(one.by for one in every)
        )
        lines = range(info.defn.line, (info.defn.end_line or info.defn.line) + 1)
        annotated = (doubt for line, doubt in self._annotated(info.module_name) if line in lines)
        found = found or next(filter(None, chain(fields, annotated)), None)
        if found is not None:
            return f"{found}: which of them it is, is not known"
        return self.for_checkers(info.fullname, info.module_name, info.defn.line)

    def in_function(self, module: str, function: mn.FuncItem) -> Iterator[tuple[int, str]]:
        """Yield the lines of a function that import what is in doubt, or annotate by it, and why it is.

        So does a function inside it. An imported name that is bound to other things besides is in doubt, too.
        """
        tree = self._sources.modules[module]
        lines = range(function.line, (function.end_line or function.line) + 1)
        yield from ((line, doubt) for line, doubt in self._annotated(module) if line in lines)
        within: _Within | None = None
        for node in self._sources.syntax(module).importing:
            if node.lineno not in lines:
                continue
            within = within or _Within(tree, [*_left_out(function.body.body)])
            given = [one for one in ast.walk(node.args) if isinstance(one, ast.arg)]
            bindings = {one.arg: [Bound(one.arg, _OTHER, one.lineno)] for one in given}
            for one in within.bound(node.body, ""):
                bindings.setdefault(one.name.removeprefix("."), []).append(one)
            for name, every in bindings.items():
                first = next((one for one in every if one.is_import), None)
                doubt = self._of_bindings(name, every, set()) if first is not None else None
                if first is not None and doubt is not None:
                    yield first.line, doubt

    def _meant(self, one: Bound) -> str:
        """Return what a binding binds its name to: of what is imported, where that is defined."""
        if one.what == _DEFINED:
            return f"{_DEFINED} {one.line}"
        module, _, name = one.what.rpartition(".")
        tree = self._everything.get(module)
        symbol = tree.names.get(name) if tree is not None else None
        return symbol.node.fullname if symbol is not None and symbol.node is not None else one.what


def _names_of_bases(info: mn.TypeInfo) -> Iterator[str]:
    for base in info.defn.base_type_exprs:
        named = base.base if isinstance(base, mn.IndexExpr) else base
        if isinstance(named, mn.NameExpr):
            yield f"{info.module_name}.{named.name}"
        elif isinstance(named, mn.MemberExpr) and isinstance(named.expr, mn.RefExpr):
            yield f"{named.expr.fullname}.{named.name}"


def _absolute(tree: mn.MypyFile, relative: int, module: str) -> str:
    return correct_relative_import(tree.fullname, relative, module, tree.path.endswith("__init__.py"))[0]


class _Within:
    """Finds what a module binds."""

    def __init__(self, tree: mn.MypyFile, left_out: Sequence[range]) -> None:
        self._tree = tree
        self._left_out = left_out

    def bound(self, nodes: Iterable[ast.AST], prefix: str) -> Iterator[Bound]:
        """Yield each place where a name is bound; the bodies of functions are not gone into."""
        for node in nodes:
            line = getattr(node, "lineno", 0)
            if any(line in lines for lines in self._left_out):
                continue
            yield from (Bound(f"{prefix}.{name}", what, line) for name, what in self._by(node))
            if isinstance(node, ast.ClassDef):
                yield from self.bound([*node.decorator_list, *node.bases, *node.keywords], prefix)
                yield from self.bound(node.body, f"{prefix}.{node.name}")
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returns = [node.returns] if node.returns is not None else []
                yield from self.bound([*node.decorator_list, node.args, *returns], prefix)
            elif isinstance(node, ast.Lambda):
                yield from self.bound([node.args], prefix)
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                inside = (one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
                yield from (Bound(f"{prefix}.{one.target.id}", _OTHER, line) for one in inside)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and not _is_none(node):
                yield from self._assigned(node, prefix)
            elif not _is_none(node):
                yield from self.bound(ast.iter_child_nodes(node), prefix)

    def _assigned(self, node: ast.Assign | ast.AnnAssign, prefix: str) -> Iterator[Bound]:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for one in targets:
            if isinstance(one, ast.Name):
                yield Bound(f"{prefix}.{one.id}", _OTHER, one.lineno, node)
        others = [
            one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.Name) or one not in targets
        ]
        yield from self.bound(others, prefix)

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
