"""What the call lets go of that was there before: where that has a `__del__`, or is a generator, code runs.

What the call makes itself of such a class is refused where it is made. Here are the places where something of
the caller's may die: an attribute or a variable of a module gets another value, a container loses items. Told
are the objects and their items, those of named tuples and of classes below built-in containers, too; not what
their attributes lead to, which others mostly hold, too. What is declared as `object` or as a protocol may be
of each class of the sources that fits; a generator only where it is declared to be iterated or awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir, type_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

# Methods after which something may not be in a container any more, and functions that do that to a list.
_METHODS = frozenset(
    {"clear", "discard", "pop", "popitem", "popleft", "remove", "update", "__delitem__", "__setitem__"}
    | {"difference_update", "intersection_update", "symmetric_difference_update"}
    | {"__iand__", "__imul__", "__ior__", "__isub__", "__ixor__"}
    | {"append", "appendleft", "extend", "extendleft"}  # of a deque that is full
    | {"heappop", "heappushpop", "heapreplace"}
)
_ONLY_GROW = frozenset({"builtins.list.append", "builtins.list.extend"})
_SUSPENDED = frozenset(
    {"typing.Coroutine", "typing.Generator", "typing.Iterator", "typing.Iterable", "typing.Awaitable"}
    | {"typing.AsyncGenerator", "typing.AsyncIterator", "typing.AsyncIterable"}
)


def by_model(interp: Interpreter, name: str, arguments: Given) -> None:
    """Refuse what a model takes out of a container of the caller's, if code may run when it dies."""
    if name.rpartition(".")[2] not in _METHODS or name in _ONLY_GROW:
        return
    for register in arguments.single[:2]:
        for obj in sorted(interp.read(register).objects):
            cell = interp.state.cells.get(obj)
            if cell is not None and not cell.owned and isinstance(cell.type, ir.Instance):
                refuse(interp, _items(interp.program, cell.type))


def refuse(interp: Interpreter, types: Iterable[ir.Type]) -> None:
    """Say that code may run when something of some types dies, if so."""
    for name in sorted(_classes_in(interp.program, types)):
        if name in _SUSPENDED or _has_finalizer(interp.program, name):
            what = f"the last reference to a {name} may be let go of here, and code runs as it dies"
            interp.finding("implicit-call", what, "have the caller hold it until the call ends")


def _has_finalizer(program: ir.Program, name: str) -> bool:
    """Tell whether a class has a `__del__`, or one of the sources that is below it."""
    known = program.classes.get(name)
    every = [name, *known.subclasses] if known is not None else []
    return any(dict(program.classes[one].methods).get("__del__") in program.functions for one in every)


def _classes_in(program: ir.Program, types: Iterable[ir.Type]) -> set[str]:
    """Return the classes of what types hold: those of items, too."""
    found: set[str] = set()
    seen: set[ir.Type] = set()
    waiting = [*types]
    while waiting:
        type_ = waiting.pop()
        if type_ in seen:
            continue
        seen.add(type_)
        match type_:
            case ir.Union(items) | ir.TupleOf(items):
                waiting += items
            case ir.Recursive(name):
                waiting.append(program.globals[name])
            case ir.Instance(name):
                found.add(name)
                waiting += _items(program, type_)
    return found


def _items(program: ir.Program, type_: ir.Instance) -> tuple[ir.Type, ...]:
    """Return the types of what an object has for items."""
    known = program.classes.get(type_.name)
    if known is None or not known.in_sources:
        return type_.arguments
    if known.is_named_tuple or known.is_typed_dict:
        return tuple(item for _, item in known.fields)
    return (*type_.arguments, *type_arguments.held(known, type_))
