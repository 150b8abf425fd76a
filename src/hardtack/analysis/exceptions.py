"""Exceptions: where they may be raised, what they keep alive, `try`.

What `raise` raises has a class, which tells handlers apart. What CPython raises of itself has none here: it
reaches every handler of a built-in class, and goes on outward unless one takes all. An exception holds its
traceback, that all frames between the raise and the handler, and those all their locals: one object, a lump,
stands for them.
"""

from __future__ import annotations

import builtins
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hardtack.analysis import access, footprints, ir, tracebacks
from hardtack.analysis.domain import NOTHING, Cell, Value, add_up, join_all, join_values
from hardtack.analysis.interpreting import Exits
from hardtack.analysis.joining import join_states, split
from hardtack.analysis.records import replace
from hardtack.analysis.states import State
from hardtack.analysis.tracebacks import EXCEPTION
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.size_classes import size_class

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Handler, Interpreter

IMPLICIT = ""
_LINE = 500  # characters of the message of an exception that CPython makes, but for what it spells out
_EXIT = "builtins.GeneratorExit"  # what is raised at the `yield` of a generator that is let go of
_UNBOUND = 120  # characters: of a variable or an attribute that is not there, with its name
# Bytes of what CPython makes; tests/analysis/test_exceptions.py holds them against real exceptions.
_ANY = 1024  # of any exception: object, arguments, a message of at most 500 characters
_OBJECT = 144  # of one by itself: 96, and the tuple of its message
_TEXT = 49  # of a text of ASCII, its characters aside
# The longest message that built-ins make, in characters; a KeyError has its key instead.
_LONGEST = {
    "BufferError": 60,
    "IndexError": 53,
    "KeyError": 32,
    "OverflowError": 64,
    "StopIteration": 0,
    "ZeroDivisionError": 47,
}
_OF_MORE = {"OSError": 704, "UnicodeDecodeError": 576, "UnicodeEncodeError": 576}  # without what they keep
_RAISED = re.compile(r"([\w.]+)(?:\((\d+)\)|: (.*))?")
# The field of a traceback for what the exception had when it was raised again, however often: it goes on from
# there. Source: Python/errors.c _PyErr_SetObject, Python/traceback.c PyTraceBack_Here.
_EARLIER = "held earlier"
# A call that ends while its frame object lives makes one of its caller's: Python/frame.c take_ownership.
# So many bytes are taken for granted of who calls: 37 variables and places of its evaluation stack.
_CALLER = 448


@dataclass(slots=True)
class Catcher:
    """A `try` that runs.

    Attributes:
        depth: how many frames there were when it began.
        kept: the temporaries that were alive then; others die.
        what: what its exceptions are to a reader.
        join: names the place where the states meet.
        closes: whether code of it runs when a generator is let go of at a `yield` inside.
        states: the states in which something was raised, by its class (IMPLICIT: raised by CPython) and by
            the objects that it may be: exceptions that were raised at different places are never both there.
    """

    depth: int
    kept: frozenset[str]
    what: str
    join: Hashable
    closes: bool = False
    states: dict[tuple[str, frozenset[Object]], State] = field(default_factory=dict)

    def add(self, name: str, state: State) -> None:
        """Add a state in which an exception of a class is raised."""
        key = name, state.frame.get(EXCEPTION, NOTHING).objects
        before = self.states.get(key)
        self.states[key] = state if before is None else join_states([before, state], (self.join, key))

    def caught(self) -> list[tuple[str, State]]:
        """Return the states that were added, joined, by the class of what was raised."""
        found: dict[str, list[State]] = {}
        for (name, _), state in self.states.items():
            found.setdefault(name, []).append(state)
        return [(name, join_states(states, (self.join, name))) for name, states in sorted(found.items())]


def made_for(raises: Sequence[str] | None) -> int:
    """Return the bytes of the greatest of some exceptions that CPython makes.

    Args:
        raises: as models have it: `Class`, `Class: its longest message`, or `Class(length of that)`; None
            for any.
    """
    return _ANY if raises is None else max(map(_made, raises), default=0)


def _made(raised: str) -> int:
    found = _RAISED.fullmatch(raised)
    assert found is not None, raised
    name, length, text = found.groups()
    if text is not None or length is not None:
        return _with_message(len(text) if length is None else int(length))
    return _with_message(_LONGEST[name]) if name in _LONGEST else _OF_MORE.get(name, _ANY)


def _with_message(length: int) -> int:
    """Return the bytes of an exception with its message; while that is written there is no traceback."""
    return _OBJECT + size_class(_TEXT + length)


def may_raise(
    interp: Interpreter,
    raises: Sequence[str] | None = None,
    *,
    counted: bool = False,
    holding: Sequence[str] = (),
    message: Size = ZERO,
) -> None:
    """Say that the operation that runs may raise, as things stand now.

    Args:
        interp: whose operation.
        raises: what: see `made_for`.
        counted: whether what CPython makes for it is counted elsewhere.
        holding: registers of what the exception keeps: a KeyError its key.
        message: bytes of what it is made of besides, where that is more than a line.
    """
    if interp.state.dead or (raises is not None and not raises):
        return
    made = message + made_for(raises)
    if not counted:
        _note_raising(interp, made)
    if interp.catching:
        held = [interp.state.frame[one] for one in holding if one in interp.state.frame]
        send(interp, interp.state.copy(), None, [IMPLICIT], (held, made))


def may_be_unset(interp: Interpreter) -> None:
    """Say that a variable may have no value here."""
    may_raise(interp, [f"UnboundLocalError({_UNBOUND})"])


def frames_around(interp: Interpreter) -> Size:
    """Return the bytes of traceback and frame objects of all functions that run; of a caller's, too."""
    return _of_traceback(interp, 0)


def _note_raising(interp: Interpreter, extra: Size | int = 0) -> None:
    """Raise the peak to what is live while an exception is raised: a traceback has all frames."""
    frames = frames_around(interp).minus(_frame_of_handled(interp))
    interp.note(frames + extra, raising=interp.is_summary)


def _frame_of_handled(interp: Interpreter) -> Size:
    """Return the bytes of this frame's object where the exception that is handled here has it: there is one.

    Source: Python/frame.c _PyFrame_MakeAndSetFrameObject.
    """
    state = interp.state
    handled = state.frame.get(EXCEPTION, NOTHING).objects
    names = [cell.name for obj in handled if (cell := state.cells.get(obj)) and cell.kind == tracebacks.KIND]
    if set(names) != {str(len(state.frames))}:
        return ZERO
    caller = _CALLER if len(interp.activations) == 1 and not interp.is_summary else 0
    return footprints.SIZES.frame(interp.activation.function.frame_slots, 0) + caller


def _of_traceback(interp: Interpreter, since: int, end: int | None = None) -> Size:
    """Return the bytes of traceback and frame objects since a frame; since the first, of the caller's too.

    In a summary the frames around are not among them.
    """
    summary = interp.is_summary
    every = [tracebacks.passed(one.function) * _times(interp, i) for i, one in enumerate(interp.activations)]
    frames = every[max(since, 0) if summary else since : end]
    return add_up([*frames, Size.const(0 if since or summary else _CALLER)])


def _times(interp: Interpreter, index: int) -> int:
    """Return how many activations one that runs stands for: those that wait in counted recursions, too."""
    if not interp.recursions:
        return 1
    return math.prod(one.waiting + 1 for one in interp.recursions.values() if one.since <= index)


def _of_waiting(interp: Interpreter, state: State, depth: int) -> tuple[list[Value], Size]:
    """Return what the activations hold that wait in the counted recursions which an exception leaves."""
    left = [one for one in interp.recursions.values() if one.frame + 1 >= depth]
    values = [Value(frozenset(one.shared & state.cells.keys())) for one in left]
    return values, add_up(one.held_in(state) * one.waiting for one in left)


def send(
    interp: Interpreter,
    state: State,
    raised: Value | None,
    classes: Sequence[str],
    parts: tuple[Sequence[Value], Size] = ((), ZERO),
) -> None:
    """Give the innermost `try` the state in which something is raised."""
    catcher = cast("Catcher", interp.catching[-1])
    before, interp.state = interp.state, state
    moment = interp.moment
    _unwind(interp, catcher, raised, *parts)
    interp.touched()
    interp.collect()
    interp.moment = moment
    state, interp.state = interp.state, before
    interp.spend(5 * len(state.cells))
    for name in classes[1:]:
        catcher.add(name, state.copy())
    catcher.add(classes[0], state)


def pass_through(
    interp: Interpreter, state: State, raised: Value, name: str, *, has_frame: bool = False
) -> None:
    """Give the innermost `try` a state in which a call was left by raising, and its frames are gone.

    The traceback is there already: it gets the frames that are left here, and what they hold.

    Args:
        interp: whose call.
        state: the state.
        raised: the exception.
        name: its class.
        has_frame: whether the traceback has the frame that runs: a `try` in it did not take the exception.
    """
    if not interp.catching:
        return
    catcher = cast("Catcher", interp.catching[-1])
    here = {"", str(len(state.frames))}  # how many frames there are that the traceback does not leave yet
    lost, size = _leave_frames(interp, state, catcher, raised, has_frame=has_frame)
    found = {obj: state.cells[obj] for obj in raised.objects if obj in state.cells}
    lumps = {obj: cell for obj, cell in found.items() if cell.kind == tracebacks.KIND}
    for obj, cell in lumps.items():
        if cell.name in here:
            state.cells[obj] = replace(
                cell,
                name=str(catcher.depth),
                bytes=cell.bytes + size,
                element=join_all([cell.element, *lost]),
            )
    state.frame[EXCEPTION] = raised
    before, interp.state = interp.state, state
    interp.touched()
    interp.collect()
    interp.state = before
    interp.spend(5 * len(state.cells))
    catcher.add(name, state)


def _leave_frames(
    interp: Interpreter, state: State, catcher: Catcher, raised: Value | None, *, has_frame: bool = False
) -> tuple[list[Value], Size]:
    """Take the frames off that an exception leaves; returns what they held, and the bytes kept with it."""
    lost, waiting = _of_waiting(interp, state, catcher.depth)
    for depth in range(len(state.frames), catcher.depth, -1):
        function = interp.activations[depth - len(state.frames) - 1].function
        tracebacks.keep(state, depth, function, NOTHING.objects if raised is None else raised.objects)
    for frame in state.frames[catcher.depth :]:
        lost.extend(tracebacks.variables(frame, raised))
    # The one that is handled meanwhile is its __context__, whichever function handles it: _PyErr_SetObject.
    handled = (frame[EXCEPTION] for frame in reversed(state.frames[: catcher.depth]) if EXCEPTION in frame)
    pending = next(handled, None)
    if pending is not None and not (raised is not None and pending.objects <= raised.objects):
        lost.append(pending)
    depth = max(len(state.frames) - catcher.depth, 0)
    del state.frames[catcher.depth :]
    frame = state.frame
    for register in [one for one in frame if one.startswith("%") and one not in catcher.kept]:
        del frame[register]
    last = len(interp.activations) - has_frame
    since = len(interp.activations) - 1 - depth
    frames = _of_traceback(interp, since, last) if since < last else ZERO
    return lost, add_up([frames, waiting, *map(footprints.scalar, lost)])


def _unwind(
    interp: Interpreter, catcher: Catcher, raised: Value | None, parts: Sequence[Value], made: Size
) -> None:
    state = interp.state
    held = "$held"
    first = [*([] if raised is None else [raised]), *parts]
    left, frames = _leave_frames(interp, state, catcher, raised)
    lost, frame = [*first, *left], state.frame
    for index, value in enumerate(lost):
        frame[f"{held}{index}"] = value
    scalars = add_up(map(footprints.scalar, first))

    def make() -> Cell:
        values = [state.frame[f"{held}{index}"] for index in range(len(lost))]
        text = Size.const(_LINE) + made if raised is None else ZERO
        named = {"args[]": join_all(values[: len(parts)])} if raised is None and parts else {}
        of_frames = join_all(values if raised is None else values[1:])  # it does not refer to its exception
        size = frames + scalars + made
        name = str(catcher.depth)  # how many frames there are that it does not leave
        return Cell(tracebacks.KIND, name, text, size, element=of_frames, fields=named)

    lump = interp.new(f"exception {catcher.join}", make, quiet=True, what=catcher.what)
    handled = Value(frozenset((lump,)))
    if raised is not None:
        handled = _with_traceback(interp, frame[f"{held}0"], lump)
    for index in range(len(lost)):
        del frame[f"{held}{index}"]
    frame[EXCEPTION] = handled


def _with_traceback(interp: Interpreter, raised: Value, lump: int) -> Value:
    depth = int(interp.state.cells[lump].name)
    for obj, cell in list(access.cells(interp, raised)):
        traced, before = Value(frozenset((lump,))), cell.fields.get("__traceback__", NOTHING)
        if not cell.owned:
            traced = join_values(before, traced)
        elif before.objects:
            earlier = join_values(before, interp.state.cells[lump].fields.get(_EARLIER, NOTHING))
            interp.state.put(lump, interp.state.cells[lump].with_field(_EARLIER, earlier))
        if cell.kind == tracebacks.KIND and cell.name and int(cell.name) > depth:
            cell = replace(cell, name=tracebacks.COMPLETE)  # the frames that it had left are the new one's
        interp.state.put(obj, cell.with_field("__traceback__", traced))
    return Value(raised.objects | {lump}, plain=raised.plain)


def _raise(interp: Interpreter, op: ir.Raise) -> None:
    value = None
    if op.exception is not None:
        value = interp.read(op.exception)
    elif EXCEPTION in interp.state.frame:
        value = interp.read(EXCEPTION)
    if op.cause is not None and value is not None:
        cause = interp.read(op.cause)
        for obj, cell in list(access.cells(interp, value)):
            interp.state.put(obj, cell.with_field("__cause__", cause))
    _note_raising(interp, _ANY if value is None else 0)
    if interp.catching and not interp.state.dead:
        send(interp, interp.state.copy(), value, _classes(interp, value))
    interp.state.dead = True


def _classes(interp: Interpreter, value: Value | None) -> list[str]:
    """Return the classes that an exception may be of."""
    if value is None:
        return [IMPLICIT]
    names = {cell.name for _, cell in access.cells(interp, value) if cell.kind != "traceback"}
    return sorted(names) if names and "" not in names else sorted(names | {IMPLICIT})


def _lineage(interp: Interpreter, name: str) -> tuple[str, ...]:
    known = interp.program.classes.get(name)
    if known is not None:
        return known.lineage
    class_ = getattr(builtins, name.removeprefix("builtins."), None)
    return tuple(f"builtins.{base.__name__}" for base in class_.__mro__) if isinstance(class_, type) else ()


def _catches(interp: Interpreter, handler: ir.Handler, name: str) -> bool | None:
    """Tell whether a handler takes an exception of a class; None where it may."""
    if not handler.types or "builtins.BaseException" in handler.types:
        return True
    if name == IMPLICIT:
        if "builtins.Exception" in handler.types:
            return True
        known = [interp.program.classes.get(one) for one in handler.types]
        return None if any(one is None or not one.in_sources for one in known) else False
    lineage = _lineage(interp, name)
    return None if not lineage else any(one in lineage for one in handler.types)


def _try(interp: Interpreter, op: ir.Try) -> None:
    from hardtack.analysis import managers

    if op.manager is not None:
        managers.run(interp, op)
        return
    key = (interp.context, op.at, id(op))
    split(interp.state, ("try", key))
    frame = interp.state.frame
    kept = frozenset(register for register in frame if register.startswith("%"))
    depth = len(interp.state.frames)
    activation = interp.activation
    outer = activation.exits
    passing = f"the exception that passes line {op.at.line}"
    final = Catcher(depth, kept, passing, ("finally", key), closes=True)
    has_final = bool(op.final.operations)
    if has_final:
        activation.exits = Exits()
        interp.catching.append(final)
    pending, held = frame.get(EXCEPTION), f"$handled {op.at.line}:{op.at.column}"
    before = tracebacks.left(outer)
    if pending is not None:
        frame[held] = pending
    closes = any(_catches(interp, handler, _EXIT) for handler in op.handlers)
    caught = f"the exception caught at line {op.at.line}"
    _guarded(interp, op, key, Catcher(depth, kept, caught, ("except", key), closes=closes))
    if has_final:
        interp.catching.pop()
        _finally(interp, op, key, final, outer)
    for state in [interp.state, *tracebacks.left_since(outer, before)]:
        if held in state.frame:  # what a handler around this `try` handles
            state.frame[EXCEPTION] = state.frame.pop(held)


def _guarded(interp: Interpreter, op: ir.Try, key: Hashable, catcher: Catcher) -> None:
    interp.catching.append(catcher)
    may_raise(interp, [f"AttributeError({_UNBOUND})"], counted=True)
    interp.block(op.body)
    interp.catching.pop()
    if not interp.state.dead:
        interp.block(op.otherwise)
    ends = [interp.state]
    for name, caught in catcher.caught():
        for handler in op.handlers:
            catches = _catches(interp, handler, name)
            if catches is False:
                continue
            interp.state = caught.copy()
            _handle(interp, handler)
            ends.append(interp.state)
            if catches:
                break
        else:
            _pass_on(interp, caught, name)
    interp.state = join_states(ends, ("try", key))
    interp.touched()


def _pass_on(interp: Interpreter, state: State, name: str) -> None:
    """Let an exception go on outward."""
    if not interp.catching:
        return
    state = state.copy()
    value = state.frame.get(EXCEPTION)
    if value is None:
        send(interp, state, None, [name])
    else:
        pass_through(interp, state, value, name, has_frame=True)


def _handle(interp: Interpreter, handler: ir.Handler) -> None:
    interp.at = handler.at
    caught = interp.read(EXCEPTION)
    if handler.name is not None:
        interp.write(handler.name, caught)
    tracebacks.begin(interp.state, handler.name)
    interp.note()
    exits = interp.activation.exits
    before = tracebacks.left(exits)
    interp.block(handler.body)
    for state in [interp.state, *tracebacks.left_since(exits, before)]:
        tracebacks.end(state, handler.name)
    interp.touched()
    interp.collect()


def _finally(interp: Interpreter, op: ir.Try, key: Hashable, final: Catcher, outer: Exits) -> None:
    """Run `finally` on every way out."""
    activation = interp.activation
    inner, activation.exits = activation.exits, outer
    normal = interp.state
    ways: list[tuple[list[State], Callable[[State], None]]] = [
        (inner.returns, outer.returns.append),
        (inner.breaks, outer.breaks.append),
        (inner.continues, outer.continues.append),
    ]
    for name, state in final.caught():
        ways.append(([state], lambda ended, name=name: _pass_on(interp, ended, name)))  # type: ignore[misc]
    for number, (states, go_on) in enumerate(ways):
        if not states:
            continue
        interp.state = join_states(states, ("finally", key, number))
        interp.block(op.final)
        if not interp.state.dead:
            if number > 2:
                _note_raising(interp)
            else:
                interp.note()
            go_on(interp.state)
    interp.state = normal
    if not interp.state.dead:
        interp.block(op.final)


HANDLERS: dict[type[object], Handler] = cast("dict[type[object], Handler]", {ir.Raise: _raise, ir.Try: _try})
