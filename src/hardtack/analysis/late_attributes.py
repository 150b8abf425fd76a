"""Attributes that an instance may get after its `__init__`: those for which it may need a dict of its own.

The instances of a class share the keys of their attributes, and have room for those that are known when they
are made. What every run of `__init__` sets is known from the first instance on. Anything else may come when
there is no room for it any more: the instance then gets a dict. Source: CPython 3.11, Objects/dictobject.c
insert_into_dictkeys, insertion_resize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir
from hardtack.analysis.reads import Reader, note

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEEPEST = 8  # calls of methods by `__init__`


def late_attributes(program: ir.Program, known: ir.Class) -> frozenset[str]:
    """Return the attributes of a class's instances that its `__init__` does not always set."""
    found = program.late.get(known.name)
    if found is None:
        reader = Reader(program)
        late = _late(reader.program, known)
        found = program.late[known.name] = late, reader.names()
    note(program, found[1])
    return found[0]


def _late(program: ir.Program, known: ir.Class) -> frozenset[str]:
    if known.slots or known.is_named_tuple:
        return frozenset()
    methods = dict(known.methods)
    always: frozenset[str] = frozenset()
    if methods.get("__init__") in program.functions:
        always = _set_by(program, methods["__init__"], 0)
    elif known.init is not None:
        always = frozenset([*(one.name for one in known.init), *(name for name, _ in known.factories)])
        if methods.get("__post_init__") in program.functions:
            always |= _set_by(program, methods["__post_init__"], 0)
    return frozenset(name for name, _ in known.fields) - always


def _set_by(program: ir.Program, name: str, depth: int) -> frozenset[str]:
    """Return the attributes of its first parameter that every call of a function sets."""
    function = program.functions[name]
    if not function.parameters or function.kind != "function":
        return frozenset()
    walk = _Walk(program, function.parameters[0].name, depth)
    end = walk.block(function.body, frozenset())
    return _common([*walk.returns, *([] if end is None else [end])])


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    found = list(sets)
    return frozenset.intersection(*found) if found else frozenset()


class _Walk:
    """Goes through a function's blocks; None stands for where no run comes out."""

    def __init__(self, program: ir.Program, receiver: ir.Register, depth: int) -> None:
        self.program = program
        self.receiver = receiver
        self.depth = depth
        self.returns: list[frozenset[str]] = []

    def block(self, block: ir.Block, found: frozenset[str]) -> frozenset[str] | None:
        for operation in block.operations:
            after = self._operation(operation, found)
            if after is None:
                return None
            found = after
        return found

    def _operation(self, operation: ir.Operation, found: frozenset[str]) -> frozenset[str] | None:
        match operation:
            case ir.StoreAttribute(object=self.receiver, name=name):
                return found | {name}
            case ir.Call(callees=(ir.Callee(kind="function", name=name),), arguments=(first, *_)):
                return found | self._by_call(name, first)
            case ir.If(then=then, otherwise=otherwise):
                return self._one_of([self.block(then, found), self.block(otherwise, found)])
            case ir.Try():
                return self._try(operation, found)
            case ir.Return():
                self.returns.append(found)
                return None
            case ir.Raise():
                return None
        self._returns_inside(operation, found)
        return found

    def _by_call(self, name: str, first: ir.Argument) -> frozenset[str]:
        mine = first.register == self.receiver and not first.stars and first.keyword is None
        if not mine or name not in self.program.functions or self.depth >= _DEEPEST:
            return frozenset()
        return _set_by(self.program, name, self.depth + 1)

    def _one_of(self, ways: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
        ends = [way for way in ways if way is not None]
        return _common(ends) if ends else None

    def _try(self, operation: ir.Try, found: frozenset[str]) -> frozenset[str] | None:
        body = self.block(operation.body, found)
        ways = [None if body is None else self.block(operation.otherwise, body)]
        ways += [self.block(handler.body, found) for handler in operation.handlers]
        end = self._one_of(ways)
        return None if end is None else self.block(operation.final, end)

    def _returns_inside(self, operation: ir.Operation, found: frozenset[str]) -> None:
        """Note that a loop may return."""
        for part in ("body", "otherwise", "condition"):
            inner = getattr(operation, part, None)
            if isinstance(inner, ir.Block):
                self.block(inner, found)
