"""What a traceback keeps alive: the frames that an exception passed, with their variables as they end.

While a function runs, its frame holds its variables; when it has ended, an exception that passed it, or that
it caught and kept, still refers to its frame, and so does the frame of whom it called. Invariant: whatever a
frame held when it ended is reached from each traceback that may have it, and that is still alive.

Source: Python/frame.c take_ownership and Python/traceback.c PyTraceBack_Here, CPython 3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import footprints
from hardtack.analysis.domain import NOTHING, Value, add_up, join_all, join_values
from hardtack.analysis.records import replace
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardtack.analysis import ir
    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Exits
    from hardtack.analysis.states import State

KIND = "traceback"
EXCEPTION = "$exception"  # the register of the exception that is handled
COMPLETE = "0"  # the name of one whose frames have all ended, or are another one's
_NOT_VARIABLES = ("%", "$result", EXCEPTION)
_NAMED = "$names "  # a register beside the variable of a handler that runs
# Of the frame around a function that is checked or counted: tests/analysis/test_exceptions.py looks.
_CHECK_SLOTS = 16


def passed(function: ir.Function) -> Size:
    """Return the bytes of traceback and frames of an exception that leaves a function and its check."""
    size = footprints.SIZES.raised(function.frame_slots, 0)
    if not is_checked(function):
        return size
    count = len(function.parameters)
    gathered = footprints.tuple_of(count) + footprints.structure("dict", Size.const(count))
    return size + footprints.SIZES.raised(_CHECK_SLOTS, 0) + gathered


def is_checked(function: ir.Function) -> bool:
    """Tell whether a call of a function is one of what @checked or @recursive made of it."""
    return function.recursive is not None or any(name.endswith("checked") for name in function.decorators)


# -- while a handler runs
def begin(state: State, name: str | None) -> None:
    """Note that a handler begins, with a variable for its exception."""
    if name is not None:
        state.frame[_NAMED + name] = NOTHING


def end(state: State, name: str | None) -> None:
    """Let go of what a handler held, however it was left."""
    frame = state.frame
    frame.pop(EXCEPTION, None)
    if name is not None:
        frame.pop(_NAMED + name, None)
        frame.pop(name, None)


def variables(frame: dict[str, Value], raised: Value | None) -> Iterable[Value]:
    """Iterate over what a frame keeps that an exception passes: the variables of its handlers end there."""
    for register, value in frame.items():
        if register.startswith("%") or _NAMED + register in frame:
            continue
        if register == EXCEPTION and raised is not None and value.objects <= raised.objects:
            continue  # it is raised again
        yield value


def left(exits: Exits) -> tuple[int, int, int]:
    """Return how many states there are in which a function or loop was left."""
    return len(exits.returns), len(exits.breaks), len(exits.continues)


def left_since(exits: Exits, before: tuple[int, int, int]) -> list[State]:
    """Return the states in which a function or loop was left since there were so many."""
    lists = (exits.returns, exits.breaks, exits.continues)
    return [state for states, count in zip(lists, before, strict=True) for state in states[count:]]


# -- when a function ends
def keep_frame(states: Sequence[State], function: ir.Function) -> None:
    """Have the exceptions that outlive a function keep its variables, as they are at its end."""
    for state in states:
        keep(state, len(state.frames), function)


def keep(
    state: State, depth: int, function: ir.Function, raised: frozenset[Object] = NOTHING.objects
) -> None:
    """Have exceptions keep the variables of a frame that ends, but for those that are raised there.

    Args:
        state: when it ends.
        depth: how many frames there are, that one and those around it.
        function: whose frame it is.
        raised: what leaves it by being raised: that has a traceback of its own for it.
    """
    having = [
        obj
        for obj, cell in state.cells.items()
        if cell.kind == KIND and (not cell.name or int(cell.name) >= depth) and obj not in raised
    ]
    if not having:
        return
    frame = state.frames[depth - 1]
    held = [value for register, value in frame.items() if not register.startswith(_NOT_VARIABLES)]
    size = add_up(map(footprints.scalar, held)) + passed(function)
    whole = join_all(held)
    alive = state.reached([*state.roots(), *raised])
    for obj in having:
        cell = state.cells[obj]
        if obj in alive:
            cell = cell.with_field("frames", join_values(cell.fields.get("frames", NOTHING), whole))
            state.put(obj, replace(cell, name=cell.name and str(depth - 1)))
            state.grow(obj, size)
