"""Iteration: how many items there are, and how the next one comes to be.

A container's items are there already. `enumerate`, `zip`, `map` and their like make theirs when they are
asked: such an iterator is a cell with a name and what it draws from. A generator's body runs with its
consumer in the place of `yield` (`generators`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hardtack.analysis import access, footprints, generators, ir, loops
from hardtack.analysis.domain import Cell, Value, join_all
from hardtack.analysis.integers import Number, unknown
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.states import State

# The generator that goes through an Enum. Source: Lib/enum.py EnumType.__iter__, CPython 3.11.
_MEMBERS = Size.const(1024)
_THERE = {"range", "list", "tuple", "bytes", "bytearray", "str"}  # which run nothing to find that they end
MAKES = "makes"  # the field of an iterator: what of its item is made anew at each step
_DRAWS = {"enumerate", "zip", "map", "filter", "reversed", "iter", "items", "keys", "values"}


@dataclass(slots=True)
class Consumer:
    """What is done with each item: `body` finds it in the register `item`."""

    key: Hashable
    item: ir.Register
    body: Callable[[], None]
    otherwise: Callable[[], None] = lambda: None
    bound: str | None = None
    callees: tuple[ir.Callee, ...] = ()
    asynchronous: bool = False
    result: ir.Register | None = None  # gets what a generator returns at its end
    outer_breaks: list[State] = field(default_factory=list)
    amortised: Mapping[str, tuple[Size, Size]] = field(default_factory=dict)


def iterate(interp: Interpreter, source: ir.Register, consumer: Consumer) -> None:
    """Give every item of what a register holds to a consumer."""
    value = interp.read(source)
    if interp.state.dead:
        return
    exits = interp.activation.exits
    consumer.outer_breaks, exits.breaks = exits.breaks, []
    outer_continues, exits.continues = exits.continues, []
    if consumer.callees:
        _over_own(interp, source, consumer)
    elif any(cell.kind == "generator" for _, cell in access.cells(interp, value)):
        generators.iterate(interp, source, consumer)
    else:
        rounds = Size.parse(consumer.bound) if consumer.bound is not None else count(interp, value)
        loops.run_for(
            interp,
            consumer,
            source,
            rounds,
            lambda: next_item(interp, source, consumer.item, consumer),
            begins_last=all(cell.kind in _THERE for _, cell in access.cells(interp, value)),
        )
    interp.activation.exits.continues = outer_continues


def count(interp: Interpreter, value: Value) -> Size:
    """Return the most items that iteration over a value gives."""
    if value.length is not None:
        return value.length
    if not value.objects:
        interp.state.dead = True
        return ZERO
    most = ZERO
    for obj, cell in access.cells(interp, value):
        if cell.kind == "class" and access.members(interp, cell):
            interp.note(_MEMBERS)
            most |= Size.const(access.members(interp, cell))
            continue
        if cell.kind in {"unknown", "instance", "lump", "function", "class", "generator", "coroutine"}:
            return interp.unbounded(
                "loop", "how many items there are is not known", "give it a type with a length"
            )
        most |= access.length_of(interp, obj, cell)
    return most


def _over_own(interp: Interpreter, source: ir.Register, consumer: Consumer) -> None:
    """Iterate by the __iter__ and __next__ of a class of the sources."""
    from hardtack.analysis import calls

    begin = [callee for callee in consumer.callees if callee.name.endswith(("__iter__", "__aiter__"))]
    step = [callee for callee in consumer.callees if callee not in begin]
    if any(callee.name.endswith("__getitem__") for callee in step):
        interp.finding("generator", "iteration by __getitem__, up to an IndexError", "write an __iter__")
        interp.state.dead = True
        return
    iterator = interp.scratch_register("iterator")
    if begin and len(begin) == 1:
        value = calls.run_callee(interp, begin[0].kind, begin[0].name, calls.Given((source,)), ir.Unknown(""))
        if interp.state.dead:
            return
        interp.write(iterator, value)
    else:
        interp.write(iterator, interp.read(source))
    held = interp.read(iterator)
    if any(cell.kind == "generator" for _, cell in access.cells(interp, held)):
        generators.iterate(interp, iterator, consumer)
        interp.release(iterator, source)
        return
    if len(step) != 1 or len(begin) > 1 or consumer.asynchronous:
        interp.finding("generator", "an iterator whose steps are not known", "write a generator, or a list")
        interp.state.dead = True
        return

    def make_item() -> None:
        found = calls.run_callee(interp, step[0].kind, step[0].name, calls.Given((iterator,)), ir.Unknown(""))
        if not interp.state.dead:
            interp.write(consumer.item, found)

    rounds = (
        Size.parse(consumer.bound)
        if consumer.bound is not None
        else interp.unbounded(
            "loop", "how many items an iterator of yours gives", "write loop_bound(n) in the loop"
        )
    )
    loops.run_for(interp, consumer, source, rounds, make_item)
    interp.release(iterator)


def next_item(
    interp: Interpreter, source: ir.Register, into: ir.Register, consumer: Consumer, path: str = ""
) -> None:
    """Write the next item of what a register holds to another register.

    `path` says by which parts of the iterator that the consumer goes over the source is reached.
    """
    value = interp.read(source)
    lazy = [
        (obj, cell)
        for obj, cell in access.cells(interp, value)
        if cell.kind == "iterator" and cell.name in _DRAWS
    ]
    if not lazy:
        interp.write(into, _plain_item(interp, value, consumer, path))
    elif len(lazy) == 1 and len(value.objects) == 1:
        _draw(interp, lazy[0], into, consumer, path)
    else:
        interp.finding("unsupported", "one of several iterators", "iterate over each by itself")
        interp.write(into, _plain_item(interp, value, consumer, path))
    interp.note()


def _plain_item(interp: Interpreter, value: Value, consumer: Consumer, path: str) -> Value:
    item = _stepped(interp, value, access.element(interp, value))
    if item.objects:
        for symbol in consumer.amortised:
            if symbol.partition("λ")[2].split(".", 3)[3:] == ([path[1:]] if path else []):
                return replace(item, length=Size.symbol(symbol))
    return item


def made_by_step(interp: Interpreter, value: Value, obj: Object) -> bool:
    """Tell whether an iterator makes an item anew at each step."""
    return any(
        obj in cell.fields[MAKES].objects for _, cell in access.cells(interp, value) if MAKES in cell.fields
    )


def made_anew(interp: Interpreter, item: Value, held: Iterable[Value]) -> Value:
    """Return what of an iterator's item is made anew at each step: it is made by the operation that runs.

    Or it is of an iterator that this one draws from. It stands in a field, since functions that
    get the iterator do not know the operation.
    """
    place = interp.at
    here = (interp.context, interp.activation.function.name, place.line, place.column)
    keys = {obj: interp.key_of(obj) for obj in item.objects}
    made = {obj for obj, key in keys.items() if isinstance(key, tuple) and key[:4] == here}
    drawn = [cell for value in held for _, cell in access.cells(interp, value) if MAKES in cell.fields]
    return Value(item.objects & made.union(*(cell.fields[MAKES].objects for cell in drawn)))


def _stepped(interp: Interpreter, value: Value, item: Value) -> Value:
    """Return the item of an iterator's next step: what it makes anew is an object of its own."""
    made = sorted(obj for obj in item.objects if made_by_step(interp, value, obj))
    if not made:
        return item
    objects = item.objects - set(made)
    for number, obj in enumerate(made):
        if interp.state.cells[obj].fields:
            interp.finding("unsupported", "an iterator whose items are made of parts", "make a list of it")
        copy = interp.new(f"step {number}", partial(interp.state.cells.__getitem__, obj))
        objects |= {copy}
    return replace(item, objects=objects, length=None)


def _draw(
    interp: Interpreter, drawn: tuple[Object, Cell], into: ir.Register, consumer: Consumer, path: str
) -> None:
    """Have `enumerate` and its like make the next item."""
    obj, cell = drawn
    parts = [name for name in sorted(cell.fields) if name.isdigit()]
    inner = []
    for name in parts:
        source, item = interp.scratch_register("drawn"), interp.scratch_register("item")
        interp.write(source, interp.state.cells[obj].fields[name])
        next_item(interp, source, item, consumer, f"{path}.{name}")
        interp.unbind(source)
        inner.append(item)
        if interp.state.dead:
            return
    if cell.name in {"reversed", "iter", "keys"}:
        interp.write(into, interp.read(inner[0]))
    elif cell.name == "values":
        interp.write(into, access.mapped(interp, interp.state.cells[obj].fields["0"]))
    elif cell.name in {"map", "filter"}:
        _call_with(interp, obj, cell.name, inner, into)
    else:
        _tuple_of(interp, obj, cell.name, inner, into)
    for item in inner:
        interp.unbind(item)


def _tuple_of(
    interp: Interpreter, obj: Object, name: str, inner: list[ir.Register], into: ir.Register
) -> None:
    def make() -> Cell:
        values = [interp.read(item) for item in inner]
        if name == "enumerate":
            count, start = interp.state.cells[obj].length, interp.state.cells[obj].fields.get("start")
            number = Number(count)
            if start is not None:
                number = unknown("where enumerate() starts")
                if start.number is not None and not start.objects:
                    number = Number(count + start.number.high, start.number.low)
            values = [Value(number=number, fresh=True), *values]
        elif name == "items":
            values = [*values, access.mapped(interp, interp.state.cells[obj].fields["0"])]
        fields = {str(index): value for index, value in enumerate(values)}
        return footprints.sized(
            Cell("tuple", "builtins.tuple", Size.const(len(values)), element=join_all(values), fields=fields)
        )

    interp.write(into, Value(frozenset((interp.new(f"{name} item", make),))))


def _call_with(
    interp: Interpreter, obj: Object, name: str, inner: list[ir.Register], into: ir.Register
) -> None:
    from hardtack.analysis import calls

    function = interp.scratch_register("function")
    interp.write(function, interp.state.cells[obj].fields["function"])
    if not interp.read(function).objects:  # filter(None, ...)
        interp.state.dead = False
        interp.write(into, interp.read(inner[0]))
        return
    called = calls.call_value(interp, function, tuple(inner))
    if interp.state.dead:
        return
    interp.write(into, called if name == "map" else interp.read(inner[0]))
    interp.unbind(function)


def of_bytes(kind: str) -> bool:
    """Tell whether a kind's items are small integers."""
    return kind in {"bytes", "bytearray", "memoryview"}
