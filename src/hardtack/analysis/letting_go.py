"""What the call lets go of that was there before: where that has a `__del__`, or is a generator, code runs.

What the call makes itself of such a class is refused where it is made. Here are the places where something of
the caller's may die: an attribute or a variable of a module gets another value, a container loses items. Told
are the objects themselves and their items; not what their attributes lead to, which others mostly hold, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
_SUSPENDED = frozenset({"typing.Coroutine", "typing.Generator", "typing.Iterator", "typing.AsyncGenerator"})


def by_model(interp: Interpreter, name: str, arguments: Given) -> None:
    """Refuse what a model takes out of a container of the caller's, if code may run when it dies."""
    if name.rpartition(".")[2] not in _METHODS or name in _ONLY_GROW:
        return
    for register in arguments.single[:2]:
        for obj in sorted(interp.read(register).objects):
            cell = interp.state.cells.get(obj)
            if cell is not None and not cell.owned and isinstance(cell.type, ir.Instance):
                refuse(interp, cell.type.arguments)


def refuse(interp: Interpreter, types: Iterable[ir.Type]) -> None:
    """Say that code may run when something of some types dies, if so."""
    for name in (name for type_ in types for name in _classes_in(type_)):
        if name in _SUSPENDED or _has_finalizer(interp.program, name):
            what = f"the last reference to a {name} may be let go of here, and code runs as it dies"
            interp.finding("implicit-call", what, "have the caller hold it until the call ends")


def _has_finalizer(program: ir.Program, name: str) -> bool:
    known = program.classes.get(name)
    every = [known.name, *known.subclasses] if known is not None and known.in_sources else []
    return any(dict(program.classes[one].methods).get("__del__") in program.functions for one in every)


def _classes_in(type_: ir.Type) -> Iterator[str]:
    """Yield the classes of what a type holds: those of items, too."""
    match type_:
        case ir.Union(items) | ir.TupleOf(items):
            for item in items:
                yield from _classes_in(item)
        case ir.Instance(name, arguments):
            yield name
            for item in arguments:
                yield from _classes_in(item)
