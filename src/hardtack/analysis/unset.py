"""Where a variable may be read before it has a value: what is read there may raise instead.

By the way that control takes, whatever conditions say: a variable has a value where every way assigns one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from hardtack.analysis import ir, ircheck

_Sure: TypeAlias = frozenset[ir.Register] | None  # the variables that have a value; None: no way leads here


def unset_reads(function: ir.Function) -> frozenset[int]:
    """Return the operations (their `id`) of a function that may read a variable without a value."""
    search = _Search()
    search.block(function.body, frozenset(parameter.name for parameter in function.parameters))
    return frozenset(search.found)


def _join(left: _Sure, right: _Sure) -> _Sure:
    if left is None or right is None:
        return right if left is None else left
    return left & right


@dataclass(slots=True)
class _Search:
    found: set[int] = field(default_factory=set)
    breaks: list[_Sure] = field(default_factory=list)  # of the loops around, where they are left by `break`

    def block(self, block: ir.Block, sure: _Sure) -> _Sure:
        for operation in block.operations:
            if sure is None:
                return None
            sure = self._operation(operation, self._read(operation, sure))
        return sure

    def _read(self, operation: ir.Operation, sure: frozenset[ir.Register]) -> frozenset[ir.Register]:
        names = {name for name in ircheck.reads(operation) if not name.startswith(("%", "$", "&"))}
        if not names <= sure:
            self.found.add(id(operation))
        return sure | names  # what was read has a value

    def _operation(self, operation: ir.Operation, sure: frozenset[ir.Register]) -> _Sure:
        match operation:
            case ir.If():
                return _join(self.block(operation.then, sure), self.block(operation.otherwise, sure))
            case ir.For():
                return self._loop(operation.body, operation.otherwise, sure | {operation.item}, sure)
            case ir.While():
                head = self.block(operation.header, sure)
                return self._loop(operation.body, operation.otherwise, head, head)
            case ir.Try():
                return self._try(operation, sure)
            case ir.Break():
                self.breaks[-1] = _join(self.breaks[-1], sure)
                return None
            case ir.Return() | ir.Raise() | ir.Continue():
                return None
            case ir.Delete():
                return sure - {operation.register}
        return sure.union(ircheck.writes(operation))

    def _loop(self, body: ir.Block, otherwise: ir.Block, inside: _Sure, after: _Sure) -> _Sure:
        self.breaks.append(None)
        self.block(body, inside)
        left = self.breaks.pop()
        return _join(left, self.block(otherwise, after))

    def _try(self, operation: ir.Try, sure: frozenset[ir.Register]) -> _Sure:
        end = self.block(operation.body, sure)
        end = self.block(operation.otherwise, end)
        for handler in operation.handlers:
            named = frozenset() if handler.name is None else frozenset((handler.name,))
            handled = self.block(handler.body, sure | named)
            end = _join(end, None if handled is None else handled - named)
        final = self.block(operation.final, sure)
        return None if end is None or final is None else end | final
