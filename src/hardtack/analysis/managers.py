"""`@contextmanager`: a generator around the body of a `with` statement.

The generator's body runs once, and the body of the `with` in the place of its `yield`: what both hold is live
at once, what the `with` raises is raised at the `yield`, and however the `with` is left, what stands after
the `yield` runs before that. Invariant: while the body of the `with` runs, the generator's registers stand
in the frame around it, and the `try` statements that the generator has open are set aside.

Source: Lib/contextlib.py _GeneratorContextManager, CPython 3.11 to 3.13.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardtack.analysis import access, calls, footprints, generators, ir, iteration
from hardtack.analysis.domain import NOTHING, Cell, Value
from hardtack.analysis.exceptions import Catcher, send
from hardtack.analysis.interpreting import Exits
from hardtack.analysis.joining import join_states, split
from hardtack.analysis.operations import RESULT
from hardtack.analysis.tracebacks import EXCEPTION
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Object
    from hardtack.analysis.generators import Yielder
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.states import State

_MANAGER = Size.const(512)  # the object, with its five attributes: the first ones of the class have more room
_LEAVING = Size.const(1024)  # StopIteration with a traceback of __exit__'s and the generator's frames
_FAILING = Size.const(2048)  # an exception that is thrown into the generator, and leaves it again


def make(interp: Interpreter, function: ir.Function, arguments: Given, closure: Object | None) -> Value:
    """Make the object that a call of a generator function under @contextmanager gives."""
    given = len(arguments.positional) + len(arguments.keywords)
    passing = footprints.tuple_of(given) + footprints.structure("dict", Size.const(len(arguments.keywords)))
    interp.note(passing * 2)
    made = calls.call_plain(interp, function, arguments, closure)
    if interp.state.dead:
        return NOTHING
    held = interp.scratch_register("generator")
    interp.write(held, made)
    obj = interp.new(
        "context manager",
        lambda: Cell(
            "manager",
            "contextlib._GeneratorContextManager",
            bytes=_MANAGER + passing,
            fields={"gen": interp.read(held)},
        ),
    )
    interp.unbind(held)
    return Value(frozenset((obj,)))


@dataclass(slots=True)
class Guarded:
    """The body of a `with`, and how it was left."""

    op: ir.Try
    key: Hashable
    returns: bool = False
    breaks: bool = False
    continues: bool = False
    ends: bool = False
    exits: Exits = field(default_factory=Exits)

    def run(self, interp: Interpreter, yielder: Yielder, source: ir.Register) -> None:
        """Run the body in the place of a `yield`, and go on with the generator in every way that it ends."""
        at, item = interp.at, interp.read(source)
        generators.suspend(interp, yielder.prefix)
        frame = interp.state.frame
        if self.op.entered is not None:
            frame[self.op.entered] = item
        suspended, interp.catching[yielder.catching :] = interp.catching[yielder.catching :], []
        consumer = yielder.consuming(interp)
        interp.activations.append(consumer)
        interp.yielders.pop()
        outer, consumer.exits = consumer.exits, Exits()
        kept = frozenset(register for register in frame if register.startswith("%"))
        what = f"the exception that passes line {self.op.at.line}"
        catcher = Catcher(len(interp.state.frames), kept, what, ("with", self.key), closes=True)
        interp.catching.append(catcher)
        interp.note()
        interp.block(self.op.body)
        interp.catching.pop()
        inner, consumer.exits = consumer.exits, outer
        interp.state = self._joined(interp, inner)
        interp.activations.pop()
        interp.catching.extend(suspended)
        interp.yielders.append(yielder)
        interp.at = at
        generators.resume(interp.state, yielder.prefix)
        interp.note(_LEAVING)
        self._throw(interp, yielder, catcher)

    def _joined(self, interp: Interpreter, inner: Exits) -> State:
        """Return the state in which the generator goes on, however the body was left."""
        self.ends |= not interp.state.dead
        self.returns |= bool(inner.returns)
        self.breaks |= bool(inner.breaks)
        self.continues |= bool(inner.continues)
        states = [interp.state, *inner.returns, *inner.breaks, *inner.continues]
        alive = [state for state in states if not state.dead]
        joined = join_states(alive or [interp.state], ("left", self.key))
        interp.touched()
        return joined

    def _throw(self, interp: Interpreter, yielder: Yielder, catcher: Catcher) -> None:
        """Raise what the body raised at the `yield`."""
        before = interp.state
        for name, caught in catcher.caught():
            interp.state = caught.copy()
            generators.resume(interp.state, yielder.prefix)
            self.ends = True  # if the generator does not let it pass
            interp.note(_FAILING)
            if interp.catching:
                value = interp.state.frames[-2].get(EXCEPTION)
                send(interp, interp.state, value, [name])
        interp.state = before
        interp.touched()


def run(interp: Interpreter, op: ir.Try) -> None:
    """Run a `with` statement whose manager a generator function made."""
    assert op.manager is not None
    value = interp.read(op.manager)
    if interp.state.dead:
        return
    found = [cell for _, cell in access.cells(interp, value)]
    made = found[0].fields.get("gen", NOTHING) if len(found) == 1 and found[0].kind == "manager" else NOTHING
    bodies = [cell for _, cell in access.cells(interp, made)]
    if len(bodies) != 1 or bodies[0].kind != "generator" or bodies[0].name not in interp.program.functions:
        what, remedy = "a context manager that one of several functions made", "call one in the `with` itself"
        interp.finding("generator", what, remedy)
        interp.state.dead = True
        return
    key = (interp.context, op.at, id(op))
    split(interp.state, ("left", key))
    split(interp.state, ("with", key))
    guarded = _run_generator(interp, op, key, interp.program.functions[bodies[0].name], bodies[0])
    if guarded is not None:
        _go_on(interp, guarded)


def _run_generator(
    interp: Interpreter, op: ir.Try, key: Hashable, function: ir.Function, cell: Cell
) -> Guarded | None:
    """Run the generator from its beginning to its end."""
    pending = interp.state.frame.get(EXCEPTION)
    outer = f"$handled{op.at.line}:{op.at.column}"
    if pending is not None:
        interp.state.frame[outer] = pending
    if not generators.enter(interp, function, cell, op.at):
        return None
    number = interp.context_of(("yielder", interp.context, len(interp.activations)))
    guarded = Guarded(op, key)
    consumer = iteration.Consumer(("with", key), "", lambda: None)
    yielder = generators.Yielder(interp.activation, consumer, number, len(interp.catching), guarded)
    interp.yielders.append(yielder)
    interp.block(function.body)
    interp.yielders.pop()
    generators.leave(interp, op.at)
    if not interp.state.dead:
        interp.state.frame.pop(EXCEPTION, None)
        held = interp.state.frame.pop(outer, None)
        if held is not None:
            interp.state.frame[EXCEPTION] = held
        interp.touched()
    return guarded


def _go_on(interp: Interpreter, guarded: Guarded) -> None:
    """Leave the `with` as its body was left; what is known is the same for all ways."""
    if interp.state.dead:
        return
    exits = interp.activation.exits
    ended = interp.state
    result = ended.frame.get(RESULT)
    for left, states in (
        (guarded.returns and result is not None, exits.returns),
        (guarded.breaks, exits.breaks),
        (guarded.continues, exits.continues),
    ):
        if left:
            states.append(ended.copy())
    if not guarded.ends:
        interp.state.dead = True
        return
    if result is not None:
        interp.unbind(RESULT)
