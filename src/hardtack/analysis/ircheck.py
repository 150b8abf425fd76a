"""Whether IR is well formed: the invariants that `ir` states, checked on every path.

Returns errors instead of raising them, so that a test or a fuzzer shows all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardtack.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def check_program(program: ir.Program) -> list[str]:
    """Return what is wrong with a program: each function's errors, and names that lead nowhere."""
    errors = [error for function in program.functions.values() for error in check_function(function)]
    for function in program.functions.values():
        errors += [f"{function.name}: {error}" for error in _dangling(function.body, program)]
    for one in program.classes.values():
        errors += [
            f"{one.name}: no function {name}" for _, name in one.methods if name not in program.functions
        ]
        errors += [f"{one.name}: no class {name}" for name in one.lineage if name not in program.classes]
    return errors


def check_function(function: ir.Function) -> list[str]:
    """Return what is wrong with a function; empty if it is well formed."""
    check = _Check(function)
    left = check.block(function.body, frozenset(), in_loop=False)
    if left is not None:
        check.errors.append("its end can be reached without Return")
    if not function.digest:
        check.errors.append("no digest")
    return [f"{function.name}: {error}" for error in check.errors]


Live = frozenset[ir.Register]


@dataclass
class _Check:
    """One function: which temporaries hold a value at each point, None where that is not reached."""

    function: ir.Function
    errors: list[str] = field(default_factory=list)
    written: set[ir.Register] = field(default_factory=set)

    def error(self, at: ir.Place, text: str) -> None:
        self.errors.append(f"{at.line}:{at.column}: {text}")

    def read(self, at: ir.Place, registers: Iterable[ir.Register], live: Live) -> Live:
        for register in registers:
            if not register.startswith("%"):
                self.local(at, register)
            elif register not in live:
                self.error(at, f"{register} is read where it holds nothing")
            else:
                live -= {register}
        return live

    def local(self, at: ir.Place, register: ir.Register) -> None:
        if not register:
            self.error(at, "a register without a name")
        elif register in self.function.cells or register in self.function.free:
            self.error(at, f"{register} lives in a cell, and is used as a local")

    def write(self, at: ir.Place, registers: Iterable[ir.Register], live: Live) -> Live:
        for register in registers:
            if not register.startswith("%"):
                self.local(at, register)
            elif register in live:
                self.error(at, f"{register} is written while it holds a value")
            else:
                live |= {register}
        return live

    def block(self, block: ir.Block, live: Live, *, in_loop: bool) -> Live | None:
        """Check a block; returns the temporaries that hold a value at its end."""
        now: Live | None = live
        for operation in block.operations:
            if now is None:
                self.error(operation.at, f"{type(operation).__name__} cannot be reached")
                return None
            now = self.operation(operation, now, in_loop=in_loop)
        return now

    def operation(self, operation: ir.Operation, live: Live, *, in_loop: bool) -> Live | None:
        match operation:
            case ir.If():
                return self.if_(operation, live, in_loop=in_loop)
            case ir.For():
                return self.for_(operation, live, in_loop=in_loop)
            case ir.While():
                return self.while_(operation, live, in_loop=in_loop)
            case ir.Try():
                return self.try_(operation, live, in_loop=in_loop)
        if isinstance(operation, (ir.Break, ir.Continue)) and not in_loop:
            self.error(operation.at, f"{type(operation).__name__} outside a loop")
        self.cells(operation)
        live = self.read(operation.at, reads(operation), live)
        live = self.write(operation.at, writes(operation), live)
        if isinstance(operation, ir.Drop) and not operation.register.startswith("%"):
            self.error(operation.at, "Drop of a local")
        if isinstance(operation, ir.Delete) and operation.register.startswith("%"):
            self.error(operation.at, "Delete of a temporary")
        if isinstance(operation, (ir.Return, ir.Raise, ir.Break, ir.Continue)):
            self.empty(operation.at, live, "is left behind")
            return None
        return live

    def cells(self, operation: ir.Operation) -> None:
        if isinstance(operation, (ir.LoadFree, ir.StoreFree)):
            names: tuple[str, ...] = (operation.name,)
        elif isinstance(operation, ir.MakeFunction):
            names = operation.captures
        else:
            return
        for name in names:
            if name not in self.function.cells and name not in self.function.free:
                self.error(operation.at, f"{name} is no cell of the function")

    def empty(self, at: ir.Place, live: Live, what: str) -> None:
        for register in sorted(live):
            self.error(at, f"{register} {what}")

    def join(self, at: ir.Place, one: Live | None, other: Live | None) -> Live | None:
        if one is None or other is None:
            return other if one is None else one
        for register in sorted(one ^ other):
            self.error(at, f"{register} holds a value on one way only")
        return one & other

    def if_(self, operation: ir.If, live: Live, *, in_loop: bool) -> Live | None:
        live = self.read(operation.at, [operation.condition], live)
        then = self.block(operation.then, live, in_loop=in_loop)
        otherwise = self.block(operation.otherwise, live, in_loop=in_loop)
        return self.join(operation.at, then, otherwise)

    def for_(self, operation: ir.For, live: Live, *, in_loop: bool) -> Live | None:
        live = self.read(operation.at, [operation.iterable], live)
        ended = self.block(operation.body, frozenset({operation.item}), in_loop=True)
        self.empty(operation.at, ended or frozenset(), "is held at the end of a loop's body")
        after = self.block(operation.otherwise, live, in_loop=in_loop)
        return live if _breaks(operation.body) else after

    def while_(self, operation: ir.While, live: Live, *, in_loop: bool) -> Live | None:
        self.empty(operation.at, live, "is held across a loop")
        head = self.block(operation.header, frozenset(), in_loop=False)
        if head is None:
            self.error(operation.at, "the header's end is not reached")
            return live
        head = self.read(operation.at, [operation.condition], head)
        self.empty(operation.at, head, "is left by the header")
        ended = self.block(operation.body, frozenset(), in_loop=True)
        self.empty(operation.at, ended or frozenset(), "is held at the end of a loop's body")
        after = self.block(operation.otherwise, live, in_loop=in_loop)
        if _breaks(operation.body):
            return live
        return None if _endless(operation) else after

    def try_(self, operation: ir.Try, live: Live, *, in_loop: bool) -> Live | None:
        self.empty(operation.at, live, "is held across Try")
        if operation.manager is not None:
            self.read(operation.at, [operation.manager], live)
        end = self.block(operation.body, live, in_loop=in_loop)
        if end is not None:
            end = self.block(operation.otherwise, end, in_loop=in_loop)
        elif operation.otherwise.operations:
            self.error(operation.at, "the else part cannot be reached")
        for handler in operation.handlers:
            if handler.name is not None:
                self.local(handler.at, handler.name)
            end = self.join(handler.at, end, self.block(handler.body, live, in_loop=in_loop))
        final = self.block(operation.final, live, in_loop=in_loop)
        return end if final is not None else None


_READS: dict[type, tuple[str, ...]] = {
    ir.BindMethod: ("object",),
    ir.Build: ("items",),
    ir.Copy: ("source",),
    ir.Delegate: ("source",),
    ir.Delete: ("register",),
    ir.Drop: ("register",),
    ir.LoadAttribute: ("object",),
    ir.MakeFunction: ("defaults", "annotations"),
    ir.Raise: ("exception", "cause"),
    ir.Return: ("source",),
    ir.StoreAttribute: ("object", "source"),
    ir.StoreFree: ("source",),
    ir.StoreGlobal: ("source",),
    ir.Test: ("operands",),
    ir.Unpack: ("source",),
    ir.Unsupported: ("reads",),
    ir.Yield: ("source",),
}


def reads(operation: ir.Operation) -> list[ir.Register]:
    """Return the registers that an operation reads, those in its blocks left out."""
    if isinstance(operation, ir.Call):
        values = [one.name for one in operation.callees if one.kind == "value"]
        return [*dict.fromkeys(values), *(one.register for one in operation.arguments)]
    found: list[ir.Register] = []
    for name in _READS.get(type(operation), ()):
        value = getattr(operation, name)
        found += [value] if isinstance(value, str) else value or ()
    return found


def writes(operation: ir.Operation) -> list[ir.Register]:
    """Return the registers that an operation without blocks writes."""
    if isinstance(operation, ir.Unpack):
        return list(operation.into)
    into = getattr(operation, "into", None)
    return [into] if isinstance(into, str) else []


def blocks(operation: ir.Operation) -> list[ir.Block]:
    """Return the blocks inside an operation."""
    match operation:
        case ir.If():
            return [operation.then, operation.otherwise]
        case ir.For():
            return [operation.body, operation.otherwise]
        case ir.While():
            return [operation.header, operation.body, operation.otherwise]
        case ir.Try():
            handlers = [handler.body for handler in operation.handlers]
            return [operation.body, *handlers, operation.otherwise, operation.final]
    return []


def operations(block: ir.Block) -> Iterator[ir.Operation]:
    """Yield all operations of a block, those inside others too."""
    for operation in block.operations:
        yield operation
        for inner in blocks(operation):
            yield from operations(inner)


def _breaks(block: ir.Block) -> bool:
    """Return whether a block holds a Break of the loop that it is the body of."""
    for operation in block.operations:
        if isinstance(operation, ir.Break):
            return True
        inner = [operation.otherwise] if isinstance(operation, (ir.For, ir.While)) else blocks(operation)
        if any(map(_breaks, inner)):
            return True
    return False


def _endless(loop: ir.While) -> bool:
    operations = loop.header.operations
    return len(operations) == 1 and isinstance(operations[0], ir.Constant) and bool(operations[0].value)


def _dangling(block: ir.Block, program: ir.Program) -> list[str]:
    """Return the names in a block that should be in the program and are not."""
    errors = []
    for operation in operations(block):
        for callee in getattr(operation, "callees", ()):
            if callee.kind == "function" and callee.name not in program.functions:
                errors.append(f"{operation.at.line}: no function {callee.name}")
            if callee.kind == "class" and callee.name not in program.classes:
                errors.append(f"{operation.at.line}: no class {callee.name}")
        if isinstance(operation, ir.MakeFunction) and operation.name not in program.functions:
            errors.append(f"{operation.at.line}: no function {operation.name}")
    return errors
