"""Built-ins that the interpreter knows itself, since a model cannot say what they do: which they are.

Those of integers stand in `native_integers`, what draws from an iterator in `native_iterators`; here is the
table of all, and what makes, copies and looks at objects.
"""

from __future__ import annotations

import builtins
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis import (
    access,
    constructing,
    exceptions,
    footprints,
    integers,
    ir,
    native_integers,
    native_iterators,
    operations,
    parameters,
    raising,
)
from hardtack.analysis.domain import BOOL, FLOAT, NO, NONE, NOTHING, Cell, Value, join_all
from hardtack.analysis.instances import special_methods
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

Native: TypeAlias = "Callable[[Interpreter, str, Given], Value | None]"

_BYTE = Value(number=integers.between(0, Size.const(255)))
_CHECKED = 32  # bytes that `bounded` takes for a moment, as its model says
_FIXED = {"str", "bytes", "tuple", "frozenset"}
_SUPER = 192  # bytes of the object and of the bound method, at most
_PLAIN_CLASSES = {NONE: "types.NoneType", BOOL: "builtins.bool", FLOAT: "builtins.float"}
_LONGEST_NAMED = "builtins.PendingDeprecationWarning"  # of the exceptions that CPython raises itself
_OWN_CLASSES = frozenset(parameters.KINDS.values()) | {"exception"}  # of whose cells the name is their class
# divisions, shifts and powers, the other way round
_REFLECTED = ("__rf", "__rm", "__rd", "__rl", "__rr", "__rp")
_DIVIDING = ("floordiv__", "mod__", "divmod__", "lshift__", "rshift__")
_MUTABLE_DICTS = ("builtins.dict", "typing.Mapping", "typing.MutableMapping", "collections.OrderedDict")


def find(name: str) -> Native | None:
    """Return what does a built-in's work, or None where a model does; a native may decline with None."""
    owner, _, method = name.rpartition(".")
    if owner in {"builtins.int", "builtins.bool"}:
        return native_integers.operate
    if method in {"_replace", "_asdict"}:
        return _of_dataclass
    if method in {"keys", "values", "items"} and owner in _MUTABLE_DICTS:
        return native_iterators.view
    if method == "__init__" and (name == "builtins.object.__init__" or _is_exception(owner)):
        return _initialise
    if name not in _NATIVES and _is_exception(name):
        return _exception
    return _NATIVES.get(name)


def raised(interp: Interpreter, name: str, arguments: Given) -> tuple[str, ...]:
    """Return what a native may raise, as models say it; see `exceptions.made_for`."""
    values = [interp.read(register) for register in arguments.positional]
    numbers = [native_integers.as_number(value) for value in values]
    owner, _, method = name.rpartition(".")
    if owner in {"builtins.int", "builtins.bool"} and len(numbers) == 2:
        if method.startswith(_REFLECTED):
            return native_integers.raised_by(method.replace("__r", "__"), numbers[0])
        return native_integers.raised_by(method, numbers[1])
    if name == "builtins.range" and len(numbers) == 3 and native_integers.may_be_zero(numbers[2]):
        return ("ValueError: range() arg 3 must not be zero",)
    if name == "builtins.len":
        kinds = {cell.kind for _, cell in access.cells(interp, values[0])}
        return raising.NO_LENGTH if "instance" in kinds else ("OverflowError",) if "range" in kinds else ()
    return ("ValueError: negative count",) if name == "builtins.bytearray" else ()


def is_division_or_shift(interp: Interpreter, name: str, arguments: Given) -> bool:
    """Tell whether a call divides or shifts integers: then `raised` says more than a model can."""
    owner, _, method = name.rpartition(".")
    if owner not in {"builtins.int", "builtins.bool"} or not method.endswith(_DIVIDING):
        return False
    given = arguments.positional
    return len(given) == 2 and all(native_integers.as_number(interp.read(one)) is not None for one in given)


def _exception(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make a built-in exception, which keeps its arguments in a tuple."""
    if arguments.keywords:
        return None
    made = interp.scratch_register("exception")
    size = footprints.exception(name, 1)  # keep_arguments adds a second tuple: of both __new__ and __init__
    obj = interp.new(name, lambda: Cell("exception", name, bytes=size))
    interp.write(made, Value(frozenset((obj,))))
    constructing.keep_arguments(interp, made, arguments)
    value = interp.read(made)
    interp.unbind(made)
    return value


def _bytearray(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make a bytearray of so many zeros; a model makes others.

    Source: Objects/bytearrayobject.c bytearray___init___impl, PyByteArray_Resize: a first block has no room
    to spare, CPython 3.11 to 3.13.
    """
    if len(arguments.positional) != 1 or arguments.keywords:
        return None
    number = native_integers.as_number(interp.read(arguments.positional[0]))
    if number is None:
        return None
    zeros = Cell("bytearray", "builtins.bytearray", number.high, element=_BYTE, total=ZERO, exact=True)
    return Value(frozenset((interp.new("bytearray", lambda: zeros),)))


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name.removeprefix("builtins."), None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _initialise(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Run a built-in __init__ that keeps its arguments: an exception's."""
    made, *rest = arguments.positional
    if rest:
        constructing.keep_arguments(interp, made, replace(arguments, positional=tuple(rest)))
    return NO


def _super(interp: Interpreter, _name: str, _arguments: Given) -> Value | None:
    """Make the object that `super()` gives, and the bound method that is called with it; both die at once."""
    interp.note(Size.const(_SUPER))
    return NO


def _class_of(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Return the class of a value: those below it too, where the value is of a declared class."""
    if len(arguments.positional) != 1 or arguments.keywords:
        return None
    value = interp.read(arguments.positional[0])
    names: set[str] = {name for bit, name in _PLAIN_CLASSES.items() if value.plain & bit}
    if value.number is not None:
        names |= {"builtins.int", "builtins.bool"}
    for _, cell in access.cells(interp, value):
        known = interp.program.classes.get(cell.name)
        if cell.kind == "class":
            names.add("builtins.type")
        elif cell.kind == "traceback":
            names.add(_LONGEST_NAMED)
        elif known is not None and not cell.owned:
            names |= {known.name, *known.subclasses}
        else:
            names.add(cell.name if known is not None or cell.kind in _OWN_CLASSES else "")
    found = [operations.known_object(interp, "class", name) for name in sorted(names - {""})]
    if "" in names:  # a finding where it is used
        found.append(
            parameters.symbolic(interp, ir.Unknown("the class of it is not known"), "?", single=False)
        )
    return join_all(found)


def _set_attribute(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Set an attribute past the class's own __setattr__, as frozen classes do it in their __init__."""
    if len(arguments.positional) != 3 or arguments.keywords:
        return None
    holder, named, new = map(interp.read, arguments.positional)
    name = parameters.known_constant(interp, named)
    fields = [
        dict(known.fields).get(name)
        for _, cell in access.cells(interp, holder)
        if isinstance(name, str) and (known := interp.program.classes.get(cell.name)) is not None
    ]
    if not isinstance(name, str) or not fields or any(type_ is None for type_ in fields):
        return None
    constructing.pass_tuple(interp, 2)
    for type_ in dict.fromkeys(fields):
        if type_ is not None:
            access.set_attribute(interp, holder, name, new, type_)
    return NO


def _length(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    (register,) = arguments.positional
    value = interp.read(register)
    kinds = {cell.kind for _, cell in access.cells(interp, value)}
    if kinds == {"instance"} and not value.plain and value.number is None:
        return _own_length(interp, register, value)
    if not kinds or kinds & {"instance", "unknown", "lump", "class", "iterator", "generator"}:
        return None
    if any(special_methods(interp, cell, "__len__") for _, cell in access.cells(interp, value)):
        interp.finding("implicit-call", "len() of what a class of yours may count", "measure a list or a str")
    return Value(number=integers.Number(access.length(interp, value)), fresh=True)


def _own_length(interp: Interpreter, register: ir.Register, value: Value) -> Value | None:
    """Ask instances for their length, by the __len__ that each of their classes has."""
    from hardtack.analysis import calls

    own = [special_methods(interp, cell, "__len__") for _, cell in access.cells(interp, value)]
    if not all(own):
        return None
    told = calls.call_one_of(interp, sorted(set().union(*own)), calls.Given((register,)))
    number = native_integers.as_number(told)
    if interp.state.dead or number is None:
        return NOTHING if interp.state.dead else told
    return Value(number=integers.Number(number.high), fresh=True)


def _bounded(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Look at the length of what cannot change: it is known from here on."""
    if len(arguments.positional) != 2 or arguments.keywords:
        return None
    value, number = (interp.read(register) for register in arguments.positional)
    most = native_integers.as_number(number)
    limit = most.high.as_const() if most is not None else None
    kinds = {cell.kind for _, cell in access.cells(interp, value)}
    if limit is None or not kinds or not kinds <= _FIXED or value.plain or value.number is not None:
        return None
    interp.note(Size.const(_CHECKED))
    return access.at_most_long(value, access.length(interp, value).at_most(int(limit)))


def _partial(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    from hardtack.analysis import partials

    rule = {
        "functools.partial": partials.make,
        "functools.partial.__call__": partials.call_object,
        "functools.update_wrapper": partials.update_wrapper,
    }[name]
    return rule(interp, name, arguments)


def _member(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Look up a member of an Enum by its name."""
    owner = interp.read(arguments.positional[0])
    names = [cell.name for _, cell in access.cells(interp, owner) if access.members(interp, cell)]
    interp.note(Size.const(_CHECKED))
    return join_all(parameters.member(interp, name) for name in names) if names else None


def _ordered(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    from hardtack.analysis import collecting

    return collecting.ordered(interp, name, arguments)


def _defaults(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    from hardtack.analysis import collecting

    return collecting.defaults(interp, name, arguments)


def _default_item(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    from hardtack.analysis import collecting

    return collecting.default_item(interp, name, arguments)


def _of_dataclass(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    from hardtack.analysis import dataclass_copies

    rule = {
        "replace": dataclass_copies.replaced,
        "_replace": dataclass_copies.replaced,
        "fields": dataclass_copies.fields,
        "_asdict": dataclass_copies.items_by_name,
    }.get(name.rpartition(".")[2], dataclass_copies.copied)
    return rule(interp, name, arguments)


def _bare_instance(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make an instance by `Class.__new__(Class)`: nothing of it is set."""
    if len(arguments.positional) != 1 or arguments.keywords:
        return None
    owner = interp.read(arguments.positional[0])
    return constructing.bare(interp, [cell.name for _, cell in access.cells(interp, owner)])


def _codec(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Look a codec up, which is there already: what its model says, and which class the result is of."""
    from hardtack.analysis.acting import act

    model = interp.models.find(name)
    assert model is not None
    act(interp, model, arguments)
    if interp.state.dead:
        return NOTHING
    length = access.length(interp, interp.read(arguments.positional[0]))
    message = footprints.text(length + 20, 4)  # unknown encoding: ...
    exceptions.may_raise(interp, ["LookupError(0)"], message=message)
    return parameters.symbolic(interp, ir.Instance("codecs.CodecInfo"), "codecs::lookup", single=False)


_NATIVES: dict[str, Native] = {
    "builtins.object.__new__": _bare_instance,
    "builtins.bytearray": _bytearray,
    "codecs.lookup": _codec,
    "dataclasses.replace": _of_dataclass,
    "dataclasses.fields": _of_dataclass,
    "dataclasses.asdict": _of_dataclass,
    "dataclasses.astuple": _of_dataclass,
    "collections.defaultdict.__getitem__": _default_item,
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": _defaults,
    "enum.EnumMeta.__getitem__": _member,
    "functools.partial": _partial,
    "functools.partial.__call__": _partial,
    "functools.update_wrapper": _partial,
    "builtins.type": _class_of,
    "builtins.object.__class__": _class_of,
    "builtins.object.__setattr__": _set_attribute,
    "hardtack.annotations.bounded": _bounded,
    "builtins.super": _super,
    "builtins.len": _length,
    "builtins.range": native_integers.make_range,
    "builtins.min": native_integers.least,
    "builtins.max": native_integers.greatest,
    "builtins.abs": native_integers.absolute,
    "builtins.divmod": native_integers.divide,
    "builtins.int": native_integers.convert,
    "builtins.enumerate": native_iterators.draw,
    "builtins.zip": native_iterators.draw,
    "builtins.map": native_iterators.draw,
    "builtins.filter": native_iterators.draw,
    "builtins.reversed": native_iterators.draw,
    "builtins.iter": native_iterators.draw,
}
