"""Making instances of classes of the sources: the object, `__init__`, what is generated for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, exceptions, footprints, instances, ir, operations, parameters
from hardtack.analysis.domain import NOTHING, Cell, Value, join_all
from hardtack.analysis.models.texts import text_of
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

_REMEDY = "use a plain class, or have a function make and use it that states what it holds: @assume_bound"


def construct(interp: Interpreter, known: ir.Class, arguments: Given) -> Value:
    """Make an instance and run what its class defines; returns it, to be written to a register at once."""
    methods = dict(known.methods)
    refused = _refusal(interp, known, methods)
    if refused:
        interp.finding("unsupported", f"{known.name}: {refused}", _REMEDY)
    if known.is_enum:
        return _member(interp, known, arguments)
    count = len(arguments.positional) + len(arguments.keywords)
    passing = footprints.tuple_of(count + 1)
    if arguments.keywords:
        passing += footprints.structure("dict", Size.const(len(arguments.keywords)))
    made = interp.scratch_register("instance")
    obj = interp.new(known.name, lambda: _empty(interp.program, known), quiet=True)
    roomy = instances.first(interp.program, known)
    if roomy is not None:
        interp.state.keep(roomy, Size.const(1))
    interp.write(made, Value(frozenset((obj,))))
    interp.note(passing, transient=(f"tuple of {count}", footprints.tuple_of(count)))
    if known.is_exception:
        keep_arguments(interp, made, arguments)
    _initialise(interp, known, methods, made, arguments)
    if interp.state.dead:
        return NOTHING
    value = interp.read(made)
    interp.unbind(made)
    return value


def _member(interp: Interpreter, known: ir.Class, arguments: Given) -> Value:
    """Return the member of an Enum that has a value; what has none is spelled out in an error."""
    from hardtack.analysis.acting import ModelMachine

    if "enum.Flag" in known.lineage:
        what = f"a member of {known.name} that is made of others, and kept by the class"
        interp.finding("no-model", what, "hold the bits in an int")
    if dict(known.methods).get("_missing_") in interp.program.functions:
        what = f"{known.name}: _missing_ runs for a value that no member has"
        interp.finding("unsupported", what, "look the value up in a dict of your own")
    machine = ModelMachine(interp, known.name)
    longest = footprints.exception("builtins.ValueError", 1) + 1024
    for register in arguments.positional:
        spelled = text_of(machine, register, spelled=True)
        longest += footprints.text(spelled.length + 200, max(spelled.width, 1)) * 2
    machine.release()
    interp.note(longest)
    exceptions.may_raise(interp, message=longest)
    return parameters.member(interp, known.name)


def _refusal(interp: Interpreter, known: ir.Class, methods: dict[str, str]) -> str:
    for name in ("__new__", "__del__", "__getattr__", "__getattribute__", "__setattr__"):
        if methods.get(name) in interp.program.functions:
            return f"{name} runs with every instance"
    if known.is_protocol:
        return "a protocol has no instances"
    return known.doubt or (f"a class {known.odd}" if known.odd else "")


def bare(interp: Interpreter, names: Sequence[str]) -> Value | None:
    """Make an instance of one of some classes of the sources, without an `__init__`; None if that is not it.

    What it gets later may come in another order than in `__init__`: it is charged for a dict of its own.
    """
    found = [interp.program.classes.get(name) for name in names]
    if len(found) != 1 or found[0] is None or not found[0].in_sources or found[0].is_exception:
        return None
    known = found[0]
    if _refusal(interp, known, dict(known.methods)) or known.is_enum or known.is_named_tuple:
        return None
    own = ZERO if known.slots else instances.own_dict(known)

    def make() -> Cell:
        cell = _empty(interp.program, known)
        return replace(cell, bytes=cell.bytes + own)

    obj = interp.new(known.name, make)
    roomy = instances.first(interp.program, known)
    if roomy is not None:
        interp.state.keep(roomy, Size.const(1))
    return Value(frozenset((obj,)))


def _empty(program: ir.Program, known: ir.Class) -> Cell:
    kind = "tuple" if known.is_named_tuple else "instance"
    cell = Cell(kind, known.name, bytes=instances.size(program, known))
    if known.is_named_tuple:
        cell = replace(cell, length=Size.const(len(known.fields)))
    return cell


def _initialise(
    interp: Interpreter, known: ir.Class, methods: dict[str, str], made: ir.Register, arguments: Given
) -> None:
    from hardtack.analysis import calls

    init = methods.get("__init__")
    with_self = replace(arguments, positional=(made, *arguments.positional))
    if init in interp.program.functions and init is not None:
        calls.call_function(interp, interp.program.functions[init], with_self)
        return
    if known.init is not None:
        _generated(interp, known, made, arguments)
        after = methods.get("__post_init__")
        if not interp.state.dead and after in interp.program.functions and after is not None:
            calls.call_function(interp, interp.program.functions[after], calls.Given((made,)))
        return
    if not known.is_exception and (arguments.positional or arguments.keywords):
        interp.finding(
            "unsupported", f"{known.name}() with arguments and without __init__", "define __init__"
        )


def pass_tuple(interp: Interpreter, count: int) -> None:
    """Make the tuple of the arguments of what is called in the old way; CPython keeps it for reuse."""
    size = footprints.tuple_of(count)
    interp.note(transient=(f"tuple of {count}", size))


def keep_arguments(interp: Interpreter, made: ir.Register, arguments: Given) -> None:
    """Keep an exception's arguments, in a tuple of their own."""
    value = interp.read(made)
    given = [interp.read(register) for register in arguments.positional]
    size = footprints.tuple_of(len(given)) + sum((footprints.scalar(one) for one in given), ZERO)
    for obj, cell in list(access.cells(interp, value)):
        kept = replace(cell, length=Size.const(len(given))).with_field("args[]", join_all(given))
        interp.state.put(obj, kept)
        interp.state.grow(obj, size)
    interp.note()


def _generated(interp: Interpreter, known: ir.Class, made: ir.Register, arguments: Given) -> None:
    """Run the __init__ that `dataclass` and named tuples generate: it sets one attribute after the other."""
    positional, keywords = list(arguments.positional), dict(arguments.keywords)
    types = dict(known.fields)
    if arguments.spread:
        interp.finding("unsupported", f"arguments of {known.name} by *", "pass them one by one")
    if known.is_frozen:
        interp.note(Size.const(512))  # object.__setattr__ for each
    held = interp.scratch_register("field")
    for index, parameter in enumerate(known.init or ()):
        if positional:
            value = interp.read(positional.pop(0))
        elif parameter.name in keywords:
            value = interp.read(keywords.pop(parameter.name))
        else:
            value = _not_given(interp, known, parameter, arguments)
        if value.is_nothing:
            interp.state.dead = True
            return
        if interp.state.dead:
            return
        interp.write(held, value)
        type_ = types.get(parameter.name, parameter.type)
        access.set_attribute(interp, interp.read(made), parameter.name, interp.read(held), type_)
        if known.is_named_tuple:
            access.set_attribute(interp, interp.read(made), str(index), interp.read(held), type_)
    interp.unbind(held)
    if positional or keywords:
        interp.state.dead = True
    _not_in_init(interp, known, made)


def _not_given(interp: Interpreter, known: ir.Class, parameter: ir.Parameter, arguments: Given) -> Value:
    """Return what a parameter is that has no argument: its default, or what `**` gives by its name."""
    default = _default(interp, known, parameter) if parameter.has_default else NOTHING
    spread = [access.mapped(interp, interp.read(one)) for one in arguments.spread_keywords]
    return join_all([default, *spread])


def _not_in_init(interp: Interpreter, known: ir.Class, made: ir.Register) -> None:
    """Give the attributes that are no parameters what their default factories make."""
    taken = {parameter.name for parameter in known.init or ()}
    for name, factory in known.factories:
        if name not in taken and not interp.state.dead:
            value = _made_by(interp, factory)
            access.set_attribute(interp, interp.read(made), name, value, ir.Unknown(name))


def _default(interp: Interpreter, known: ir.Class, parameter: ir.Parameter) -> Value:
    factories = dict(known.factories)
    if parameter.name in factories:
        return _made_by(interp, factories[parameter.name])
    if parameter.default_register is not None:
        return operations.load_global(interp, parameter.default_register, parameter.type)
    return parameters.constant_value(interp, parameter.default)


def _made_by(interp: Interpreter, factory: ir.Callee) -> Value:
    """Return what a default factory makes."""
    from hardtack.analysis import calls

    kind = _EMPTY.get(factory.name)
    if kind is not None:
        cell = footprints.sized(Cell(kind, factory.name, total=ZERO))
        return Value(frozenset((interp.new(f"default {factory.name}", lambda: cell, quiet=True),)))
    return calls.run_callee(interp, factory.kind, factory.name, calls.Given(()), ir.Unknown(factory.name))


_EMPTY = {
    "builtins.list": "list",
    "builtins.dict": "dict",
    "builtins.set": "set",
    "collections.deque": "deque",
    "builtins.bytearray": "bytearray",
}
