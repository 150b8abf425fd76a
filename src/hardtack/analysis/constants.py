"""Module and class variables that are written once, with a value that is known without running anything."""

from __future__ import annotations

import operator
from functools import cached_property
from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.hierarchy import flat, public

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.module_names import ModuleNames
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

    def __init__(self, sources: Sources, names: ModuleNames) -> None:
        self._written: dict[str, list[mn.Expression | None]] = {}
        self._values: dict[str, object] = {}
        self._modules = frozenset(sources.modules)
        for tree in sources.modules.values():
            self._collect(tree.defs, tree.fullname)
        for full, count in names.assignments().items():
            if full in self._written and count > len(self._written[full]):
                self._written[full].append(None)

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

    def written_elsewhere(self, name: str) -> None:
        """Note that a function writes a variable: it is no constant."""
        self._written.setdefault(name, []).append(None)
        self._values.pop(name, None)

    @cached_property
    def replaced(self) -> frozenset[str]:
        """What the sources give another value in modules and classes that are no sources, by full name.

        It is asked for once all has been told by `written_elsewhere`.
        """
        return frozenset(public(name) for name in self._written if not self._is_own(name))

    def _is_own(self, name: str) -> bool:
        """Tell whether a name is of a module of the sources, or of a class in one."""
        while name and name not in self._modules:
            name = name.rpartition(".")[0]
        return bool(name)

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
