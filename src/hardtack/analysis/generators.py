"""Generators and coroutines.

A generator that is made is an object that holds its arguments; nothing of its body has run. Where it is
iterated over, its body runs in a frame of its own, and each `yield` runs one round of its consumer: what both
hold at that moment is live at once, and what either changes the other sees, as in CPython. While a consumer
runs, the generator's registers stand in its frame, under names of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from hardtack.analysis import access, begun, footprints, ir, iteration, recursion, tracebacks
from hardtack.analysis.domain import NO, NOTHING, Cell, Value, add_up, join_values
from hardtack.analysis.interpreting import Activation
from hardtack.analysis.joining import join_states
from hardtack.analysis.operations import RESULT, make_cell
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardtack.analysis import managers
    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Object
    from hardtack.analysis.exceptions import Catcher
    from hardtack.analysis.interpreting import Handler, Interpreter
    from hardtack.analysis.models import Model
    from hardtack.analysis.states import State

_KEEPS_NOTHING = frozenset({"builtins.sum", "builtins.any", "builtins.all"})
# What asks for all items, and fails at none: others may leave a generator in its midst.
_TO_THE_END = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.list.extend", "builtins.list.__iadd__", "collections.deque"}
)
_ACTIVATION = Size.const(768)  # with its counter, and the table of a context


@dataclass(slots=True)
class Yielder:
    """A generator that runs, and who takes what it yields."""

    activation: Activation
    consumer: iteration.Consumer
    number: int
    catching: int
    guards: managers.Guarded | None = None  # the body of a `with` that stands in the place of its `yield`
    held: ir.Register | None = None  # holds the generator, if others do as well

    @property
    def prefix(self) -> str:
        """What the names of its registers begin with while the consumer runs."""
        return f"%@{self.number}:"

    def consuming(self, interp: Interpreter) -> Activation:
        """Return the function that takes what it yields, which another generator may be running on top of."""
        places = [i for i, one in enumerate(interp.activations) if one is self.activation]
        return interp.activations[places[0] - 1]


def make(
    interp: Interpreter, function: ir.Function, frame: dict[str, Value], closure: Object | None
) -> Value:
    """Make the object that a call of a generator function gives; it keeps the function alive."""
    if function.kind == "async generator":
        interp.finding("generator", "an asynchronous generator", "return a list, or use @assume_bound")
    if closure is not None:
        frame["$function"] = Value(frozenset((closure,)))
    interp.state.frames.append(frame)
    scalars = sum((footprints.scalar(value) for value in frame.values()), ZERO)
    size = made_of(function)
    if ".0" in frame:  # of a generator expression: it is given an iterator
        size += footprints.ITERATOR
    obj = interp.new(
        function.kind,
        lambda: Cell(_kind(function), function.name, bytes=size + scalars, fields=dict(interp.state.frame)),
    )
    interp.state.frames.pop()
    return Value(frozenset((obj,)))


def made_of(function: ir.Function) -> Size:
    """Return the bytes of what a generator function gives; of a checked one, of another around it, too.

    Source: annotations/recursion.py count_async, whose frame has 12 slots; what it notes of an activation it
    puts into the context.
    """
    size = footprints.SIZES.generator(function.frame_slots, 0)
    if not tracebacks.is_checked(function):
        return size
    count = len(function.parameters)
    gathered = footprints.tuple_of(count) + footprints.structure("dict", Size.const(count))
    return size + footprints.SIZES.generator(16, 0) + gathered * 2 + _ACTIVATION


def _kind(function: ir.Function) -> str:
    return "coroutine" if function.kind == "coroutine" else "generator"


def iterate(interp: Interpreter, source: ir.Register, consumer: iteration.Consumer) -> None:
    """Run the body of the generator that a register holds, with a consumer in the place of `yield`."""
    from hardtack.analysis import summaries

    value = interp.read(source)
    objects = sorted(value.objects)
    cell = interp.state.cells[objects[0]]
    if len(objects) != 1 or cell.kind != "generator" or cell.name not in interp.program.functions:
        interp.finding("generator", "one of several generators", "iterate over each by itself")
        interp.state.dead = True
        return
    at = interp.at
    function = interp.program.functions[cell.name]
    interp.ran.add(function.name)
    if function.name in interp.around:
        raise summaries.Recurs(function.name)
    if len(interp.activations) > 100:
        interp.finding(
            "recursion", f"{function.name} iterates over itself", "say how deep: @recursive(depth=...)"
        )
        interp.state.dead = True
        return
    if begun.FRAME in cell.fields and begun.may_have_changed(interp, cell):
        interp.finding(
            "generator",
            "a generator goes on that was left, and what it was given may have changed",
            "iterate over it with one `for`",
        )
    held = interp.scratch_register("generator") if begun.is_held(interp, objects[0], source) else None
    if held is not None:
        interp.write(held, value)
        begun.note_given(interp, objects[0])
        cell = interp.state.cells[objects[0]]
    if not enter(interp, function, cell, at):
        return
    number = interp.context_of(("yielder", interp.context, len(interp.activations)))
    yielder = Yielder(interp.activation, consumer, number, len(interp.catching), held=held)
    interp.yielders.append(yielder)
    interp.block(function.body)
    interp.yielders.pop()
    result = leave(interp, at)
    if consumer.result is not None and not interp.state.dead:
        interp.write(consumer.result, result)
    for state in interp.activation.exits.breaks:  # the generator dies with the loop that it was left by
        for register in [one for one in state.frame if one.startswith(yielder.prefix)]:
            del state.frame[register]
    from hardtack.analysis import loops

    loops.leave(interp, consumer, (source,) if held is None else (source, held))


def enter(interp: Interpreter, function: ir.Function, cell: Cell, at: ir.Place) -> bool:
    """Begin with a generator's body, in a frame of its own; tells whether that is possible."""
    around = any(one.function is function for one in callers(interp))
    if around and function.recursive is None and not recursion.bounded_between(interp, function):
        interp.finding(
            "recursion", f"{function.name} iterates over itself", "say how deep: @recursive(depth=...)"
        )
        interp.state.dead = True
        return False
    context = interp.context_of((interp.context, function.name, at.line, at.column))
    interp.state.frames.append(begun.registers(cell))
    interp.activations.append(Activation(function, context, at))
    for name in function.cells:
        make_cell(interp, name, name if name in cell.fields else None)
    return True


def callers(interp: Interpreter) -> Iterator[Activation]:
    """Iterate over what runs and who called it: a generator does not call what consumes it."""
    place = len(interp.activations) - 1
    while place >= 0:
        here = interp.activations[place]
        yield here
        place = min(i for i, one in enumerate(interp.activations) if one is here) - 1


def leave(interp: Interpreter, at: ir.Place) -> Value:
    """End a generator's body; returns what it returned."""
    ends = interp.activation.exits.returns
    if not interp.state.dead:
        interp.write(RESULT, NO)
        ends.append(interp.state)
    tracebacks.keep_frame(ends, interp.activation.function)
    for end in ends:
        end.frames[-1] = {RESULT: end.frame[RESULT]}
    context = interp.context
    interp.activations.pop()
    interp.state = join_states(ends, ("generator", context))
    interp.at = at
    interp.touched()
    if interp.state.dead:
        interp.state.frames = interp.state.frames[:-1] or [{}]
        return NOTHING
    return interp.state.frames.pop()[RESULT]


def _yield(interp: Interpreter, op: ir.Yield) -> None:
    yielder = cast("Yielder", interp.yielders[-1]) if interp.yielders else None
    if yielder is None or yielder.activation is not interp.activation:
        interp.finding("generator", "a `yield` whose consumer is not known", "iterate with `for`")
        interp.state.dead = True
        return
    interp.read(op.source)
    if yielder.guards is not None:
        yielder.guards.run(interp, yielder, op.source)
    else:
        _hand_over(interp, yielder, op.source)
    interp.release(op.source)
    if not interp.state.dead:
        interp.write(op.into, NO)


def _hand_over(interp: Interpreter, yielder: Yielder, source: ir.Register) -> None:
    """Run a round of the consumer with what a register of the generator holds."""
    at = interp.at
    if yielder.held is not None:
        begun.keep(interp, yielder.held)
    item = interp.read(source)
    suspend(interp, yielder.prefix)
    interp.state.frame[yielder.consumer.item] = item
    consumer = yielder.consuming(interp)
    interp.activations.append(consumer)
    interp.yielders.pop()
    suspended, interp.catching[yielder.catching :] = interp.catching[yielder.catching :], []
    if any(cast("Catcher", one).closes for one in suspended):
        interp.finding(
            "generator",
            "a `yield` inside `finally`, `with` or a handler of everything: they run when the generator dies",
            "open it around the loop that consumes the generator",
        )
    interp.note()
    exits = consumer.exits
    left = len(exits.breaks), len(exits.returns)
    yielder.consumer.body()
    _close(interp, yielder, [*exits.breaks[left[0] :], *exits.returns[left[1] :]])
    if exits.continues:
        ends = [*exits.continues, *([] if interp.state.dead else [interp.state])]
        exits.continues = []
        interp.state = join_states(ends, ("continue", yielder.consumer.key))
    interp.catching.extend(suspended)
    interp.yielders.append(yielder)
    interp.activations.pop()
    interp.at = at
    if yielder.held is not None and not interp.state.dead:
        begun.forget(interp, interp.state.frame[yielder.held])
    resume(interp.state, yielder.prefix)


def suspend(interp: Interpreter, prefix: str) -> None:
    """Have the registers of the generator that runs stand in its consumer's frame."""
    own = interp.state.frames.pop()
    for register, value in own.items():
        interp.state.frame[prefix + register] = value


def resume(state: State, prefix: str) -> None:
    """Give a generator the frame back that was suspended."""
    back = {}
    for register in list(state.frame):
        if register.startswith(prefix):
            back[register.removeprefix(prefix)] = state.frame.pop(register)
    state.frames.append(back)


def _close(interp: Interpreter, yielder: Yielder, states: Sequence[State]) -> None:
    """Note what it takes to end a generator that is left: GeneratorExit is raised in it.

    Source: gen_close in Objects/genobject.c; from 3.12 on a handler of the compiler's raises it once more.
    """
    open_ = [*(cast("Yielder", one) for one in interp.yielders), yielder]
    raised = add_up(footprints.SIZES.raised(one.activation.function.frame_slots, 0) * 2 for one in open_)
    before = interp.state
    for interp.state in states:
        interp.note(footprints.exception("builtins.GeneratorExit", 0) + raised)
    interp.state = before


def _delegate(interp: Interpreter, op: ir.Delegate) -> None:
    """Run `yield from` and `await`."""
    value = interp.read(op.source)
    if interp.state.dead:
        return
    if op.kind == "await":
        result = _await(interp, op, value)
        if not interp.state.dead:
            interp.write(op.into, result)
            interp.release(op.source)
        return
    yielder = cast("Yielder", interp.yielders[-1]) if interp.yielders else None
    if yielder is None or yielder.activation is not interp.activation:
        interp.finding("generator", "a `yield from` whose consumer is not known", "iterate with `for`")
        interp.state.dead = True
        return
    item, returned = interp.scratch_register("delegated"), interp.scratch_register("returned")

    def body() -> None:
        _hand_over(interp, yielder, item)
        if not interp.state.dead:
            interp.unbind(item)

    key = ("yield from", interp.context, op.at, id(op))
    iteration.iterate(interp, op.source, iteration.Consumer(key, item, body, result=returned))
    interp.unbind(item)
    if not interp.state.dead:
        interp.write(op.into, interp.read(returned))
        interp.release(op.source, returned)


def _await(interp: Interpreter, op: ir.Delegate, value: Value) -> Value:
    objects = sorted(value.objects)
    cell = interp.state.cells.get(objects[0]) if len(objects) == 1 else None
    if cell is None or cell.kind != "coroutine":
        interp.finding(
            "generator",
            "an `await` of what is no coroutine of the sources",
            "await a coroutine at once, or state what a function that awaits it holds: @assume_bound",
        )
        interp.state.dead = True
        return NOTHING
    function = interp.program.functions[cell.name]
    if not enter(interp, function, cell, op.at):
        return NOTHING
    interp.block(function.body)
    return leave(interp, op.at)


# -- what built-ins consume
def is_lazy(interp: Interpreter, register: ir.Register) -> bool:
    """Tell whether a register holds what makes its items when it is asked for them."""
    return any(
        cell.kind == "generator" or (cell.kind == "iterator" and "0" in cell.fields)
        for _, cell in access.cells(interp, interp.read(register))
    )


def consume_arguments(interp: Interpreter, model: Model, arguments: Given) -> Given:
    """Have a model's arguments that make their items when asked make them all, in a list of their own."""
    changed = []
    given: list[tuple[int | str, ir.Register]] = [*enumerate(arguments.positional), *arguments.keywords]
    for argument, register in given:
        drained = is_lazy(interp, register) and model.iterates(argument)
        changed.append(gather(interp, model.name, register) if drained else register)
        if interp.state.dead:
            return arguments
    count = len(arguments.positional)
    named = tuple((name, made) for (name, _), made in zip(arguments.keywords, changed[count:], strict=True))
    return replace(arguments, positional=tuple(changed[:count]), keywords=named)


def gather(interp: Interpreter, name: str, source: ir.Register) -> ir.Register:
    """Run an iterator to its end; return the register of all its items.

    They stand in a list whose table is not counted: the model says what holds them.
    """
    gathered, item = interp.scratch_register("gathered"), interp.scratch_register("item")
    key = ("gather", interp.context, interp.at, name, source)
    obj = interp.new(f"items for {name}", lambda: Cell("gathered", "builtins.list", total=ZERO))
    interp.write(gathered, Value(frozenset((obj,))))
    copy = interp.scratch_register("source")
    interp.write(copy, interp.read(source))

    def body() -> None:
        _add(interp, name, gathered, item)
        if name not in _TO_THE_END and not interp.state.dead:
            interp.activation.exits.breaks.append(interp.state.copy())

    iteration.iterate(interp, copy, iteration.Consumer(key, item, body))
    interp.unbind(item)
    return gathered


def _add(interp: Interpreter, name: str, gathered: ir.Register, item: ir.Register) -> None:
    value = interp.read(item)
    if interp.state.dead:
        return
    kept = value
    if name in _KEEPS_NOTHING and value.number is None and not access.has_instance(interp, value):
        kept = Value(plain=value.plain or 1)
    more = access.lengths_of(interp, value, Size.const(1))
    for obj, cell in list(access.cells(interp, interp.read(gathered))):
        changed = replace(
            cell,
            length=cell.length + 1,
            element=join_values(cell.element, kept),
            total=None if cell.total is None or more is None else cell.total + more,
        )
        interp.state.put(obj, changed)
        if name not in _KEEPS_NOTHING:
            interp.state.grow(obj, footprints.scalar(value))
    interp.unbind(item)
    interp.note()


def generator_object(interp: Interpreter, obj: Object) -> bool:
    """Tell whether an object is a generator whose body has not run."""
    return interp.state.cells[obj].kind == "generator"


HANDLERS: dict[type[object], Handler] = cast(
    "dict[type[object], Handler]", {ir.Yield: _yield, ir.Delegate: _delegate}
)
