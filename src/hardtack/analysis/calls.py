"""Calls: which function, class or model runs, and what it gives; `binding` owns its frame.

A function of the sources is run in its caller's state, in a frame of its own, once for every place that calls
it; what has no source is a model's. Invariant: the arguments are held by the caller until the call has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from hardtack.analysis import (
    access,
    assuming,
    constructing,
    exceptions,
    footprints,
    generators,
    ir,
    natives,
    parameters,
    raising,
    receivers,
    recursion,
    summaries,
    tracebacks,
)
from hardtack.analysis.acting import act, held_by_error
from hardtack.analysis.binding import bind
from hardtack.analysis.branches import branch
from hardtack.analysis.domain import NO, NOTHING, TRUTH, Cell, Value
from hardtack.analysis.interpreting import Activation
from hardtack.analysis.joining import join_states, split
from hardtack.analysis.kinds import kinds_of
from hardtack.analysis.operations import RESULT, make_cell
from hardtack.analysis.results import OR_ASSUME
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.analysis.domain import Object
    from hardtack.analysis.interpreting import Handler, Interpreter
    from hardtack.analysis.models import Model

# Methods of abstract types: their models are of the built-in types, not of what is below them in the sources.
_ABSTRACT = ("typing.", "collections.abc.")
_OF_NO_OBJECT = frozenset({"typing.NewType.__call__", "typing.cast"})
_CHECK = 4096  # bytes: iterators over what is checked, and a message with a path of a few keys
_DYNAMIC = frozenset({"int", "bool", "float", "str", "bytes"})
_UNEVEN = frozenset(
    {
        "__delitem__",
        "__iand__",
        "__ior__",
        "__isub__",
        "__ixor__",
        "difference_update",
        "discard",
        "intersection_update",
        "pop",
        "popitem",
        "remove",
        "symmetric_difference_update",
        "update",
    }
)
TRANSPARENT = frozenset(
    {
        "staticmethod",
        "classmethod",
        "property",
        "override",
        "final",
        "overload",
        "abstractmethod",
        "setter",
        "getter",
        "recursive",
        "lru_cache",
        "cache",
        "cached_property",
        "contextmanager",
        "assume_bound",
        "checked",
        "heap.call",
    }
)


# What has a number of arguments that is known. Of an iterator a tuple is made that grows, and is cut.
_SPREAD = parameters.SIZED | {"sequence", "mapping"}

# What settles that nothing is known of what is called.
_NAMED = "call it by name, or state what a call of it holds: Annotated[Callable[...], assume_bound(...)]"
_DEFINED = f"annotate the value with a class that defines it, {OR_ASSUME}"
_TYPED = f"give it a type, {OR_ASSUME}"
_DESCRIBED = f"describe it in a file of models ([tool.hardtack] models), {OR_ASSUME}"


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call: registers of the caller's frame."""

    positional: tuple[ir.Register, ...]
    keywords: tuple[tuple[str, ir.Register], ...] = ()
    spread: tuple[ir.Register, ...] = ()  # *xs
    spread_keywords: tuple[ir.Register, ...] = ()  # **kw

    @property
    def single(self) -> tuple[ir.Register, ...]:
        """Those that are one argument each, by place and by keyword."""
        return (*self.positional, *(register for _, register in self.keywords))


def given(arguments: Sequence[ir.Argument]) -> Given:
    """Return the arguments of a call by kind."""
    return Given(
        tuple(a.register for a in arguments if a.keyword is None and not a.stars),
        tuple((a.keyword, a.register) for a in arguments if a.keyword is not None),
        tuple(a.register for a in arguments if a.stars == 1),
        tuple(a.register for a in arguments if a.stars == 2),
    )


def _call(interp: Interpreter, op: ir.Call) -> None:
    arguments = given(op.arguments)
    for argument in op.arguments:
        interp.read(argument.register)
    if interp.state.dead:
        return
    if op.bound:
        interp.note(footprints.BOUND_METHOD + 16)
    starred = [bool(argument.stars) for argument in op.arguments if argument.keyword is None]
    if starred != sorted(starred):
        interp.finding("unsupported", "an argument by position after a spread one", "give it by name")
    gathered = ""
    if arguments.spread or arguments.spread_keywords:
        gathered = _gather_spread(interp, arguments)
    callees = receivers.possible(interp, op.callees, arguments)
    ways = [way for callee in callees for way in _ways(interp, op, callee, arguments)]
    if not ways:
        if not _is_told(interp):
            interp.finding("unknown-callee", "it is not known what is called", _NAMED)
        interp.state.dead = True
        return
    branch(interp, ("call", op.at, id(op)), ways)
    if interp.state.dead:
        return
    interp.release(*(argument.register for argument in op.arguments))
    interp.release(*(callee.name for callee in op.callees if callee.kind == "value"), gathered)


def _is_told(interp: Interpreter) -> bool:
    """Tell whether there is a finding already of what is called here."""
    at = interp.at
    told = (one for one in interp.findings if one.kind == "unknown-callee")
    return any((one.file, one.line, one.column) == (at.file, at.line, at.column) for one in told)


def _gather_spread(interp: Interpreter, arguments: Given) -> ir.Register:
    """Make the tuple and the dict that spread arguments are gathered in, and passed on from; they stay."""
    count = Size.const(len(arguments.positional))
    for register in arguments.spread:
        if not kinds_of(interp, interp.read(register)) <= _SPREAD:
            interp.finding("unsupported", "an iterator's items as arguments", "make a list of them first")
        count += access.length(interp, interp.read(register))
    extra = footprints.tuple_of(count) * 2
    for register in arguments.spread_keywords:
        length = access.length(interp, interp.read(register))
        extra += footprints.structure("dict", length) * 2 + footprints.tuple_of(count + length) * 2
        interp.state.keep(footprints.KEPT["copied dict"], Size.const(1))
    register = interp.scratch_register("gathered")
    obj = interp.new("*arguments of a call", lambda: Cell("gathered", bytes=extra))
    interp.write(register, Value(frozenset((obj,))))
    return register


def _ways(interp: Interpreter, op: ir.Call, callee: ir.Callee, arguments: Given) -> list[Callable[[], None]]:
    """Return what a callee may run, each as a way to go on that ends with the result in its register."""
    if callee.swapped:
        first, second, *rest = arguments.positional
        arguments = Given(
            (second, first, *rest), arguments.keywords, arguments.spread, arguments.spread_keywords
        )
    if callee.kind == "value":
        return _ways_of_value(interp, op, callee.name, arguments)
    if callee.kind == "dynamic":
        return _ways_of_dynamic(interp, op, callee.name, arguments)
    if callee.kind not in {"function", "class", "model"}:
        interp.finding("unknown-callee", f"it is not known what is called: {callee.name}", _DEFINED)
        return [_dead(interp)]

    def run() -> None:
        value = run_callee(interp, callee.kind, callee.name, arguments, op.type)
        if not interp.state.dead:
            interp.write(op.into, value)

    return [run]


def _ways_of_dynamic(
    interp: Interpreter, op: ir.Call, name: str, arguments: Given
) -> list[Callable[[], None]]:
    """Return the methods that a name may mean, where only the value tells its class."""
    kinds = kinds_of(interp, interp.read(arguments.positional[0])) if arguments.positional else frozenset()
    known = kinds & _DYNAMIC
    if name in {"__eq__", "__ne__"} and receivers.are_classes(interp, arguments):
        return [lambda: interp.write(op.into, TRUTH)]
    if kinds - known or not known:
        interp.finding("any", f".{name} of a value whose type is not known", _TYPED)
        return [_dead(interp)]

    def way(kind: str) -> Callable[[], None]:
        def run() -> None:
            value = call_model(interp, f"builtins.{kind}.{name}", arguments, op.type)
            if not interp.state.dead:
                interp.write(op.into, value)

        return run

    return [way(kind) for kind in sorted(known)]


def _dead(interp: Interpreter) -> Callable[[], None]:
    def run() -> None:
        interp.state.dead = True

    return run


def _ways_of_value(
    interp: Interpreter, op: ir.Call, register: ir.Register, arguments: Given
) -> list[Callable[[], None]]:
    value = interp.read(register)
    ways: list[Callable[[], None]] = []
    for obj, cell in list(access.cells(interp, value)):
        if cell.kind in {"partial", "assumed"}:
            ways.append(_way_of_held(interp, op, obj, arguments))
            continue
        if cell.kind not in {"function", "method", "class"}:
            interp.finding("unknown-callee", f"a callable of which nothing is known: {cell.name}", _NAMED)
            continue
        ways.extend(_way_of_target(interp, op, obj, target, arguments) for target in sorted(cell.targets))
    return ways


def _way_of_held(interp: Interpreter, op: ir.Call, obj: Object, arguments: Given) -> Callable[[], None]:
    """Return the call of a partial, or of what an annotation states the bytes of."""
    from hardtack.analysis import partials

    def run() -> None:
        cell = interp.state.cells[obj]
        if cell.kind == "assumed":
            value = assuming.call(interp, cell, arguments)
        else:
            value = partials.call(interp, obj, arguments, op.type)
        if not interp.state.dead:
            interp.write(op.into, value)

    return run


def _way_of_target(
    interp: Interpreter, op: ir.Call, obj: Object, target: str, arguments: Given
) -> Callable[[], None]:
    def run() -> None:
        cell = interp.state.cells[obj]
        value = call_object(interp, obj, cell, target, arguments, op.type)
        if not interp.state.dead:
            interp.write(op.into, value)

    return run


def call_object(
    interp: Interpreter, obj: Object, cell: Cell, target: str, arguments: Given, type_: ir.Type
) -> Value:
    """Call a function, a bound method or a class that is a value."""
    if cell.kind == "class":
        known = interp.program.classes.get(target)
        kind = "class" if known is not None and known.in_sources else "model"
        return run_callee(interp, kind, target, arguments, type_)
    if cell.kind == "method":
        kind, _, name = target.partition(" ")
        receiver = interp.scratch_register("self")
        interp.write(receiver, cell.fields["self"])
        arguments = Given((receiver, *arguments.positional), arguments.keywords, arguments.spread)
        value = run_callee(interp, kind, name, arguments, type_)
        if not interp.state.dead:
            interp.unbind(receiver)
        return value
    if target in interp.program.functions:
        return call_function(interp, interp.program.functions[target], arguments, closure=obj)
    return run_callee(interp, "model", target, arguments, type_)


def run_callee(interp: Interpreter, kind: str, name: str, arguments: Given, type_: ir.Type) -> Value:
    """Run a function, a class or a model, and return the result, to be written to a register at once."""
    if kind == "function" and name in interp.program.functions:
        return call_function(interp, interp.program.functions[name], arguments)
    if kind == "class" and name in interp.program.classes and interp.models.find(name) is None:
        return constructing.construct(interp, interp.program.classes[name], arguments)
    return call_model(interp, name, arguments, type_)


# -- models
def call_model(interp: Interpreter, name: str, arguments: Given, type_: ir.Type) -> Value:
    """Do what a model says; what has none is a finding."""
    if name.startswith(_ABSTRACT) and name not in _OF_NO_OBJECT:
        access.refuse_instances(interp, name, *map(interp.read, arguments.positional[:1]))
    model = interp.models.find(name)
    raises = None if model is None else raising.raised_by(interp, model, arguments)
    if raises and natives.is_division_or_shift(interp, name, arguments):
        raises = natives.raised(interp, name, arguments)
    exceptions.may_raise(interp, raises, counted=True, holding=held_by_error(name, arguments))
    native = natives.find(name)
    if native is not None and not arguments.spread and not arguments.spread_keywords:
        value = native(interp, name, arguments)
        if value is not None:
            if not value.objects:
                interp.note(footprints.scalar(value))
            exceptions.may_raise(interp, natives.raised(interp, name, arguments))
            return value
    if model is None:
        interp.finding("no-model", f"{name} has no model", _DESCRIBED)
        return parameters.symbolic(interp, type_, f"{name}()", single=False)
    return act_on_items(interp, model, arguments)


def act_on_items(interp: Interpreter, model: Model, arguments: Given) -> Value:
    """Do what a model says, once what makes its items when asked has made them all."""
    consumed = generators.consume_arguments(interp, model, arguments)
    if interp.state.dead:
        return NOTHING
    _takes_away(interp, model.name, arguments)
    for pool in footprints.kept_by(model.name):
        interp.state.keep(pool, Size.const(1))
    value = act(interp, model, consumed)
    for register in {*consumed.single} - {*arguments.single}:
        interp.unbind(register)
    return value


def _takes_away(interp: Interpreter, name: str, arguments: Given) -> None:
    """Note of dicts and sets that items are taken out, or many put in: it shows in their tables."""
    if name.rpartition(".")[2] in _UNEVEN and arguments.positional:
        for obj, cell in list(access.cells(interp, interp.read(arguments.positional[0]))):
            if cell.owned and cell.kind in {"dict", "set"}:
                interp.want(obj, "uneven")


# -- functions of the sources
def call_function(
    interp: Interpreter, function: ir.Function, arguments: Given, closure: Object | None = None
) -> Value:
    """Run a function in a frame of its own and return its result, to be written to a register at once."""
    from hardtack.analysis import caching, managers

    if function.keeps is not None and function.assumed is None:
        return caching.call_lru(interp, function, arguments, closure)
    if "functools.cached_property" in function.decorators:
        return caching.read_property(interp, function, arguments)
    if "contextlib.contextmanager" in function.decorators:
        return managers.make(interp, function, arguments, closure)
    return call_plain(interp, function, arguments, closure)


def call_plain(
    interp: Interpreter, function: ir.Function, arguments: Given, closure: Object | None = None
) -> Value:
    """Run a function as it is defined, without what is cached of it."""
    unknown = [name for name in function.decorators if name.rpartition(".")[2] not in TRANSPARENT]
    if unknown and function.assumed is None:
        interp.finding(
            "unsupported", f"{function.name} is decorated with @{unknown[0]}", "call what it decorates"
        )
    frame = bind(interp, function, arguments, closure)
    if frame is None:
        interp.state.dead = True
        return NOTHING
    if function.assumed is not None:
        return assuming.assumed(interp, function, frame)
    if function.kind != "function":
        return generators.make(interp, function, frame, closure)
    check = recursion.wrapped(interp, function, len(arguments.positional), len(arguments.keywords))
    if check is None:
        return run_function(interp, function, frame)
    register, result = interp.scratch_register("check"), interp.scratch_register("checked")
    interp.write(register, check)
    may_break(interp)
    interp.write(result, run_function(interp, function, frame))
    may_break(interp)
    value = interp.state.frame.get(result, NOTHING)
    interp.unbind(register)
    interp.unbind(result)
    return value


def may_break(interp: Interpreter) -> None:
    """Say that an annotation may be found broken, by a check that tells where."""
    exceptions.may_raise(interp, message=Size.const(_CHECK))


# -- from models
def call_value(interp: Interpreter, function: ir.Register, arguments: tuple[ir.Register, ...]) -> Value:
    """Call the callable that a register holds; returns the result, to be written to a register at once."""
    return call_with(interp, function, Given(arguments), ir.Unknown("what a callable gives"))


def call_with(interp: Interpreter, function: ir.Register, arguments: Given, type_: ir.Type) -> Value:
    """Call the callable that a register holds with arguments of any kind, as `call_value` does."""
    into = interp.scratch_register("called")
    op = ir.Call(interp.at, into, (ir.Callee("value", function),), (), type_)
    return _one_result(interp, into, _ways_of_value(interp, op, function, arguments))


def call_one_of(interp: Interpreter, functions: Sequence[str], arguments: Given) -> Value:
    """Call one of some functions of the sources."""
    into = interp.scratch_register("called")

    def way(name: str) -> Callable[[], None]:
        def run() -> None:
            kind, _, bare = name.rpartition(" ")
            value = run_callee(interp, kind or "function", bare, arguments, ir.Unknown(name))
            if not interp.state.dead:
                interp.write(into, value)

        return run

    return _one_result(interp, into, [way(name) for name in functions])


def _one_result(interp: Interpreter, into: ir.Register, ways: list[Callable[[], None]]) -> Value:
    if not ways:
        if not _is_told(interp):
            interp.finding("unknown-callee", "it is not known what is called", _NAMED)
        interp.state.dead = True
        return NOTHING
    branch(interp, ("called", interp.at, into), ways)
    if interp.state.dead:
        return NOTHING
    value = interp.read(into)
    interp.unbind(into)
    return value


def run_function(interp: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    """Run a function's body in a frame, or several of them, and return its result."""
    return recursion.run(
        interp,
        function,
        frame,
        lambda one: summaries.run(interp, function, one, partial(run_body, interp, function)),
    )


def run_body(interp: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    """Follow a function's body in a frame, where it is called."""
    interp.ran.add(function.name)
    at = interp.at
    context = interp.context_of((interp.context, function.name, at.line, at.column))
    join = ("return", context)
    split(interp.state, join)
    interp.state.frames.append(frame)
    interp.activations.append(Activation(function, context, at))
    for name in function.cells:
        make_cell(interp, name, name if name in frame else None)
    interp.block(function.body)
    activation = interp.activations[-1]
    ends = activation.exits.returns
    if not interp.state.dead:
        interp.write(RESULT, NO)
        ends.append(interp.state)
    tracebacks.keep_frame(ends, function)
    for end in ends:
        end.frames[-1] = {RESULT: end.frame[RESULT]}
    joined = join_states(ends, join)
    interp.activations.pop()
    interp.state = joined
    interp.at = at
    interp.touched()
    if joined.dead:
        joined.frames = joined.frames[:-1] or [{}]
        return NOTHING
    interp.collect()
    return joined.frames.pop()[RESULT]


HANDLERS: dict[type[object], Handler] = cast("dict[type[object], Handler]", {ir.Call: _call})
