"""What functions write besides their locals: found without lowering them, which is done one by one, later.

Says too much rather than too little: code that never runs counts, too. Goes through statements only. Of what
expressions bind, attributes in comprehensions are refused by `comprehensions`, and variables of modules need
a `global` statement.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import patterns as mp

from hardtack.analysis.lowering import attributes
from hardtack.analysis.lowering.context import Lowering, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hardtack.analysis.knowledge import Knowledge
    from hardtack.analysis.syntax import Syntax


class Writes:
    """What the functions of the sources bind.

    Attributes:
        attributes: names of attributes of instances, of whatever class.
        variables: full names of variables of modules and classes.
    """

    def __init__(self, known: Knowledge) -> None:
        self.attributes: set[str] = set()
        self.variables: set[str] = set()
        for name, tree in known.sources.modules.items():
            names = Lowering(known, Scope(name, name))  # tells what names mean; nothing is lowered with it
            for function in _functions(tree.defs):
                for statement in _statements([function]):
                    for target in _targets(statement):
                        self._note(names, target)
            for statement in _statements(tree.defs, into_functions=False):
                for target in _targets(statement):
                    if isinstance(target, mn.MemberExpr):
                        self._note_shared(names, target)
            self.variables |= {f"{name}.{one}" for one in _bound_otherwise(names.syntax)}

    def _note(self, names: Lowering, target: mn.Expression) -> None:
        match target:
            case mn.NameExpr() if attributes.is_global(target):
                self.variables.add(target.fullname)
            case mn.MemberExpr():
                self._note_attribute(names, target)
            case mn.TupleExpr() | mn.ListExpr():
                for item in target.items:
                    self._note(names, item)
            case mn.StarExpr():
                self._note(names, target.expr)

    def _note_attribute(self, names: Lowering, target: mn.MemberExpr) -> None:
        if not self._note_shared(names, target):
            self.attributes.add(target.name)

    def _note_shared(self, names: Lowering, target: mn.MemberExpr) -> bool:
        """Note an attribute if it is a module's or a class's; tell whether it is."""
        module = attributes.module_of(target.expr)
        info = attributes.class_object(names.mypy_type(target.expr)) if module is None else None
        if module is not None:
            self.variables.add(f"{module.fullname}.{target.name}")
        elif info is not None:
            self.variables.add(attributes.owner_name(info, target.name))
        return module is not None or info is not None


def _functions(statements: Iterable[mn.Statement]) -> Iterator[mn.FuncDef]:
    """Yield the functions of a module, and what mypy made of each for the values of its type variables."""
    for statement in _statements(statements):
        if isinstance(statement, mn.FuncDef):
            yield statement
            if len(statement.expanded) > 1:
                yield from (one for one in statement.expanded if isinstance(one, mn.FuncDef))


def _statements(statements: Iterable[mn.Statement], *, into_functions: bool = True) -> Iterator[mn.Statement]:
    """Yield statements and all that stands in them."""
    waiting = list(statements)
    while waiting:
        one = waiting.pop()
        yield one
        if into_functions or not isinstance(one, mn.FuncDef):
            waiting += _inner(one)


def _inner(statement: mn.Statement) -> list[mn.Statement]:
    """Return the statements that stand in one, blocks as such."""
    match statement:
        case mn.Block():
            return statement.body
        case mn.FuncDef():
            return [statement.body]
        case mn.Decorator():
            return [statement.func]
        case mn.OverloadedFuncDef():
            return [*statement.items, *([statement.impl] if statement.impl is not None else [])]
        case mn.ClassDef():
            return [statement.defs]
        case mn.IfStmt() | mn.MatchStmt():
            other = getattr(statement, "else_body", None)
            blocks = statement.body if isinstance(statement, mn.IfStmt) else statement.bodies
            return [*blocks, *([other] if other is not None else [])]
        case mn.ForStmt() | mn.WhileStmt():
            return [statement.body, *([statement.else_body] if statement.else_body is not None else [])]
        case mn.WithStmt():
            return [statement.body]
        case mn.TryStmt():
            parts = [statement.body, *statement.handlers, statement.else_body, statement.finally_body]
            return [part for part in parts if part is not None]
    return []


def _targets(statement: mn.Statement) -> Iterator[mn.Expression]:
    """Yield what a statement itself binds."""
    match statement:
        case mn.AssignmentStmt():
            yield from statement.lvalues
        case mn.OperatorAssignmentStmt():
            yield statement.lvalue
        case mn.ExpressionStmt(expr=mn.CallExpr() as call):
            yield from _set_by_name(call)
        case mn.ForStmt():
            yield statement.index
        case mn.WithStmt():
            yield from (one for one in statement.target if one is not None)
        case mn.TryStmt():
            yield from (one for one in statement.vars if one is not None)
        case mn.MatchStmt():
            for pattern in statement.patterns:
                yield from _captures(pattern)


def _set_by_name(call: mn.CallExpr) -> Iterator[mn.MemberExpr]:
    """Yield the attribute that `setattr(value, "name", ...)` binds."""
    match call:
        case mn.CallExpr(
            callee=mn.RefExpr(fullname="builtins.setattr"), args=[of, mn.StrExpr(value=name), _]
        ):
            yield mn.MemberExpr(of, name)


def _captures(pattern: mp.Pattern | None) -> Iterator[mn.Expression]:
    """Yield the names that a pattern binds."""
    inner: Sequence[mp.Pattern] = ()
    name: mn.Expression | None = None
    match pattern:
        case mp.AsPattern():
            name = pattern.name
            inner = [pattern.pattern] if pattern.pattern is not None else ()
        case mp.StarredPattern():
            name = pattern.capture
        case mp.MappingPattern():
            name, inner = pattern.rest, pattern.values
        case mp.OrPattern() | mp.SequencePattern():
            inner = pattern.patterns
        case mp.ClassPattern():
            inner = [*pattern.positionals, *pattern.keyword_values]
    if name is not None:
        yield name
    for one in inner:
        yield from _captures(one)


def _bound_otherwise(syntax: Syntax) -> set[str]:
    """Return the names of a module that a function which says `global name` binds by no assignment.

    By `name := value`, `def name`, `class name` or an import.
    """
    if "global" not in syntax.text:  # most modules, whose nodes need not be gone through
        return set()
    shared = {name for node in syntax.globals for name in node.names}
    if not shared:
        return shared
    found = {one.target.id for one in syntax.walruses}
    for node in syntax.every:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.col_offset:
                found.add(node.name)
            case ast.Import() | ast.ImportFrom() if node.col_offset:
                found |= {one.asname or one.name.partition(".")[0] for one in node.names}
    return shared & found
