"""Module and class variables that are written once, with a value that is known without running anything."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy.util import correct_relative_import

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import flat, for_checkers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hardtack.analysis.source import Sources

UNKNOWN = object()
_LARGEST = 1 << 4096  # what is larger is no constant worth knowing

_COMPILED = {"re.compile": "re.Pattern", "_struct.Struct": "struct.Struct", "struct.Struct": "struct.Struct"}
_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "**": operator.pow,
}


class Constants:
    """The constants of the sources, by full name."""

    def __init__(self, sources: Sources) -> None:
        self._written: dict[str, list[mn.Expression | None]] = {}
        self._values: dict[str, object] = {}
        self._definitions: dict[str, list[int]] = {}
        for name, tree in sources.modules.items():
            self._collect(tree.defs, tree.fullname)
            left_out = [*_left_out(tree.defs)]
            body = sources.syntax(name).tree.body
            for full, line in _definitions(body, tree.fullname, left_out):
                self._definitions.setdefault(full, []).append(line)
            counts = Counter(_bound(body, tree.fullname, left_out))
            for full, count in counts.items():
                if full in self._written and count > len(self._written[full]):
                    self._written[full].append(None)
            for one in tree.defs:
                if isinstance(one, mn.ImportAll):
                    self._bind_all(sources, one, tree)

    def _collect(self, statements: list[mn.Statement], prefix: str) -> None:
        for statement in flat(statements):
            match statement:
                case mn.AssignmentStmt():
                    for target in statement.lvalues:
                        self._note(prefix, target, statement.rvalue if len(statement.lvalues) == 1 else None)
                case mn.OperatorAssignmentStmt():
                    self._note(prefix, statement.lvalue, None)
                case mn.ForStmt():
                    self._note(prefix, statement.index, None)
                case mn.ImportFrom():
                    for name, alias in statement.names:
                        self._written.setdefault(f"{prefix}.{alias or name}", []).append(None)
                case mn.ClassDef():
                    self._collect(statement.defs.body, statement.info.fullname)

    def _bind_all(self, sources: Sources, node: mn.ImportAll, tree: mn.MypyFile) -> None:
        """Note what `from module import *` gives another value."""
        package = tree.path.endswith("__init__.py")
        module, _ = correct_relative_import(tree.fullname, node.relative, node.id, package)
        known = sources.everything.get(module)
        for full, written in self._written.items():
            owner, _, name = full.rpartition(".")
            if owner == tree.fullname and (known is None or name in known.names):
                written.append(None)

    def _note(self, prefix: str, target: mn.Expression, value: mn.Expression | None) -> None:
        if isinstance(target, mn.NameExpr):
            self._written.setdefault(f"{prefix}.{target.name}", []).append(value)
        elif isinstance(target, mn.MemberExpr) and isinstance(target.expr, mn.RefExpr):
            self.written_elsewhere(f"{target.expr.fullname}.{target.name}")
        elif isinstance(target, (mn.TupleExpr, mn.ListExpr)):
            for item in target.items:
                self._note(prefix, item.expr if isinstance(item, mn.StarExpr) else item, None)

    def is_written(self, name: str) -> bool:
        """Return whether anything but a definition binds a name."""
        return name in self._written

    def defined_again(self, name: str) -> tuple[str, list[int]] | None:
        """Return what is defined more than once, a function or a class around it, and at which lines."""
        while name:
            lines = self._definitions.get(name, [])
            if len(lines) > 1:
                return name, lines
            name = name.rpartition(".")[0]
        return None

    def written_elsewhere(self, name: str) -> None:
        """Note that a function writes a variable: it is no constant."""
        self._written.setdefault(name, []).append(None)
        self._values.pop(name, None)

    def initial(self, name: str) -> mn.Expression | None:
        """Return the one expression that a variable is ever bound to; None if there are several."""
        written = self._written.get(name, [])
        return written[0] if len(written) == 1 else None

    def value(self, name: str) -> object:
        """Return the value of a variable, or UNKNOWN."""
        if name not in self._values:
            self._values[name] = UNKNOWN  # one that is defined by itself
            node = self.initial(name)
            self._values[name] = UNKNOWN if node is None else self.fold(node)
        return self._values[name]

    def known(self) -> dict[str, object]:
        """Return all constants."""
        return {name: value for name in list(self._written) if (value := self.value(name)) is not UNKNOWN}

    def fold(self, node: mn.Expression) -> object:
        """Return the value of an expression, or UNKNOWN."""
        match node:
            case mn.NameExpr(fullname="builtins.None" | "builtins.True" | "builtins.False"):
                return {"None": None, "True": True, "False": False}[node.name]
            case mn.RefExpr():
                return (
                    self.value(node.fullname) if isinstance(node.node, mn.Var) and node.fullname else UNKNOWN
                )
            case mn.UnaryExpr(op="-"):
                inner = self.fold(node.expr)
                return -inner if isinstance(inner, (int, float)) else UNKNOWN
            case mn.UnaryExpr(op="~"):
                inner = self.fold(node.expr)
                return -inner - 1 if isinstance(inner, int) else UNKNOWN
            case mn.OpExpr():
                return self._operator(node)
            case mn.CallExpr(callee=mn.RefExpr(fullname=name), args=[text, *_]) if name in _COMPILED:
                given = self.fold(text)
                return ir.Compiled(_COMPILED[name], given) if isinstance(given, (str, bytes)) else UNKNOWN
            case mn.TupleExpr():
                items = [self.fold(item) for item in node.items]
                return UNKNOWN if any(item is UNKNOWN for item in items) else tuple(items)
        return literal(node)

    def _operator(self, node: mn.OpExpr) -> object:
        left, right = self.fold(node.left), self.fold(node.right)
        rule = _OPERATORS.get(node.op)
        if rule is None or not isinstance(left, int) or not isinstance(right, int):
            return UNKNOWN
        if node.op == "<<" and not 0 <= right <= 4096:
            return UNKNOWN
        if node.op == "**" and (not 0 <= right <= 256 or abs(left) > 256):
            return UNKNOWN
        try:
            value = rule(left, right)
        except (ZeroDivisionError, ValueError):
            return UNKNOWN
        return value if abs(value) < _LARGEST else UNKNOWN


def literal(node: mn.Expression) -> object:
    """Return the value of a literal, or UNKNOWN."""
    match node:
        case mn.IntExpr() | mn.StrExpr() | mn.FloatExpr() | mn.ComplexExpr():
            return node.value
        case mn.BytesExpr():
            return bytes_value(node.value)
        case mn.EllipsisExpr():
            return Ellipsis
    return UNKNOWN


def bytes_value(text: str) -> bytes:
    """Return the bytes that mypy holds as text with escapes."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1", "replace")


# -- what is bound otherwise than by an assignment that `flat` finds
def _bound(nodes: Iterable[ast.AST], prefix: str, left_out: list[range]) -> Iterator[str]:
    """Yield a full name each time that a module, or a class in it, binds it; functions are not gone into."""
    for node in nodes:
        line = getattr(node, "lineno", 0)
        if any(line in lines for lines in left_out):
            continue
        inner = prefix
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.ClassDef():
                inner = f"{prefix}.{node.name}"
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield f"{prefix}.{name}"
            case (
                ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name))
            ):
                yield f"{prefix}.{name}"
            case ast.ExceptHandler(name=str(name)):
                yield f"{prefix}.{name}"
            case ast.Import() | ast.ImportFrom():
                yield from (f"{prefix}.{one.asname or one.name.partition('.')[0]}" for one in node.names)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from (
                    f"{prefix}.{one.target.id}" for one in ast.walk(node) if isinstance(one, ast.NamedExpr)
                )
                continue
        yield from _bound(ast.iter_child_nodes(node), inner, left_out)


def _definitions(nodes: Iterable[ast.AST], prefix: str, left_out: list[range]) -> Iterator[tuple[str, int]]:
    """Yield the full name and line of each function and class that a module, or a class in it, defines.

    Neither overloads nor what belongs to a property: they do not take the name from what it meant before.
    """
    for node in nodes:
        if any(getattr(node, "lineno", 0) in lines for lines in left_out):
            continue
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if not any(_adds_to(node.name, one) for one in node.decorator_list):
                    yield f"{prefix}.{node.name}", node.lineno
            case ast.ClassDef():
                yield f"{prefix}.{node.name}", node.lineno
                yield from _definitions(node.body, f"{prefix}.{node.name}", left_out)
            case ast.stmt() | ast.ExceptHandler() | ast.match_case():
                yield from _definitions(ast.iter_child_nodes(node), prefix, left_out)


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
            for block in (*statement.body, statement.else_body):
                if block is not None and block.is_unreachable and block.body:
                    last = block.body[-1]
                    yield range(block.body[0].line, (last.end_line or last.line) + 1)
        elif isinstance(statement, mn.ClassDef):
            yield from _left_out(statement.defs.body)
