"""Built-ins that the interpreter knows itself: arithmetic on integers, and what draws from an iterator.

A model cannot say what these do to a range, or that an item is made only when it is asked for.
"""

from __future__ import annotations

import builtins
from dataclasses import replace
from functools import reduce
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis import access, constructing, footprints, integers, ir, operations, parameters
from hardtack.analysis.domain import BOOL, FLOAT, NO, NONE, TRUTH, Cell, Value, join_all
from hardtack.analysis.instances import special_methods
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.polynomials import constant_of
from hardtack.symbolic.size_classes import round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

Native: TypeAlias = "Callable[[Interpreter, str, Given], Value | None]"

_CHECKED = 32  # bytes that `bounded` takes for a moment, as its model says
_FIXED = {"str", "bytes", "tuple", "frozenset"}
_SMALL_FACTORS = 8  # digits
_SUPER = 192  # bytes of the object and of the bound method, at most
# a view, and what an iterator over its pairs takes more than others do, at most
_VIEW = footprints.SIZES.of("dict item iterator")
_SHORT, _LONGER = 300, 150  # digits up to which a divisor is short, and by which a dividend has to be longer
_HELD, _LEFT = 64, 24  # bytes for each digit of a dividend
_TRUTHS = {"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__", "__bool__"}
_PLAIN_CLASSES = {NONE: "types.NoneType", BOOL: "builtins.bool", FLOAT: "builtins.float"}
_OWN_CLASSES = frozenset(parameters.KINDS.values()) | {"exception"}  # of whose cells the name is their class
# divisions, shifts and powers, the other way round
_REFLECTED = ("__rf", "__rm", "__rd", "__rl", "__rr", "__rp")
_OF_NEGATIVE = {
    "__lshift__": ("ValueError: negative shift count",),
    "__rshift__": ("ValueError: negative shift count",),
    "__pow__": ("ZeroDivisionError",),
}
_MUTABLE_DICTS = ("builtins.dict", "typing.Mapping", "typing.MutableMapping", "collections.OrderedDict")


def find(name: str) -> Native | None:
    """Return what does a built-in's work, or None where a model does; a native may decline with None."""
    owner, _, method = name.rpartition(".")
    if owner in {"builtins.int", "builtins.bool"}:
        return _integer
    if method in {"_replace", "_asdict"}:
        return _of_dataclass
    if method in {"keys", "values", "items"} and owner in _MUTABLE_DICTS:
        return _view
    if method == "__init__" and (name == "builtins.object.__init__" or _is_exception(owner)):
        return _initialise
    if name not in _NATIVES and _is_exception(name):
        return _exception
    return _NATIVES.get(name)


def raised(interp: Interpreter, name: str, arguments: Given) -> tuple[str, ...]:
    """Return what a native may raise, as models say it; see `exceptions.made_for`."""
    values = [interp.read(register) for register in arguments.positional]
    numbers = [_as_number(value) for value in values]
    owner, _, method = name.rpartition(".")
    if owner in {"builtins.int", "builtins.bool"} and len(numbers) == 2:
        if method.startswith(_REFLECTED):
            return _raised_by(method.replace("__r", "__"), numbers[0])
        return _raised_by(method, numbers[1])
    if name == "builtins.range" and len(numbers) == 3 and _may_be_zero(numbers[2]):
        return ("ValueError: range() arg 3 must not be zero",)
    if name == "builtins.len" and any(cell.kind == "range" for _, cell in access.cells(interp, values[0])):
        return ("OverflowError",)
    return ()


def _raised_by(method: str, right: integers.Number | None) -> tuple[str, ...]:
    """Return what an operation on integers may raise for what its right operand may be."""
    if method in {"__floordiv__", "__mod__", "__divmod__"}:
        return ("ZeroDivisionError",) if _may_be_zero(right) else ()
    if method not in {"__lshift__", "__rshift__", "__pow__"}:
        return ()
    found = () if right is not None and right.low.is_zero else _OF_NEGATIVE[method]
    enormous = method == "__lshift__" and right is not None and right.wide().as_const() not in {0, 1, 2}
    return (*found, "OverflowError") if enormous else found


def _may_be_zero(number: integers.Number | None) -> bool:
    return number is None or not (number.least or integers.exact(number))


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


def _integer(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    method = name.rpartition(".")[2]
    values = [interp.read(register) for register in arguments.positional]
    _divide(interp, method.strip("_"), values)
    numbers = [_as_number(value) for value in values]
    if not numbers or any(number is None for number in numbers) or arguments.keywords:
        return None
    if method in _TRUTHS:
        return TRUTH
    first, *rest = [number for number in numbers if number is not None]
    bools = all(value.number is None for value in values)
    if len(rest) == 1:
        if bools and method in {"__and__", "__or__", "__xor__", "__rand__", "__ror__", "__rxor__"}:
            return TRUTH
        found = integers.binary(method, first, rest[0])
    else:
        found = integers.unary(method, first) if not rest else None
    if found is None:
        return None
    if not (first.low.is_zero and all(one.low.is_zero for one in rest)) and method.strip("_") in {
        "and",
        "or",
        "xor",
    }:
        widest = max((one.wide() for one in (first, *rest)), key=lambda size: float(size.as_const() or 10**6))
        interp.note(footprints.integer(widest + 1) * 3)
    if method.strip("_").lstrip("ri") in {"floordiv", "mod", "pow", "divmod"}:
        interp.note(sum((footprints.integer(one.wide() + 1) for one in (first, *rest)), ZERO) * 2)
    interp.note(_multiplying(method.strip("_").lstrip("ri"), found))
    return Value(number=found, fresh=True)


def _divide(interp: Interpreter, operation: str, values: Sequence[Value]) -> None:
    """Charge what dividing long integers holds and leaves: from 3.12 on CPython does it in Python.

    Source: l_divmod in Objects/longobject.c does so by more than 300 digits, where the dividend has 150 more;
    `inner` of Lib/_pylong.py refers to itself, and so keeps the digits that were split. With random dividends
    of 460 to 30,000 digits it held at most 48 bytes a digit and left 14.
    """
    numbers = [value.number for value in values if value.number is not None]
    if footprints.SIZES.version < (3, 12) or len(numbers) < 2:
        return
    if operation in {"rfloordiv", "rdivmod"}:
        numbers.reverse()
    elif operation not in {"floordiv", "divmod"}:
        return
    digits, by = (number.wide() for number in numbers[:2])
    if Size.const(_SHORT + _LONGER).dominates(digits) or Size.const(_SHORT).dominates(by):
        return
    interp.state.garbage += digits.minus(1) * _LEFT
    interp.note(digits.minus(1) * _HELD)


def _divmod(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Do what `divmod` leaves; for the rest it has a model."""
    _divide(interp, "divmod", [interp.read(register) for register in arguments.positional])
    return None


def _multiplying(operation: str, result: integers.Number) -> Size:
    """Return what a product, or a power, needs besides.

    Source: Objects/longobject.c k_mul halves factors of more than 70 digits again and again: parts and
    products of parts have up to three times the digits of the product; long_pow has its last square, too.
    """
    if operation == "pow":
        return round_up(result.wide() * 8 + 28) * 6
    if operation != "mul":
        return ZERO
    most = ZERO
    for polynomial in result.wide().polynomials:
        fixed = ceil(constant_of(polynomial))
        if fixed > _SMALL_FACTORS:  # else digits are charged 16 bytes for 4: see footprints.integer
            most |= Size((polynomial,)) * 12 + 512
    return most


def _as_number(value: Value) -> integers.Number | None:
    """Return a value as an integer, or None if it may be anything else."""
    if value.objects or value.plain & ~(BOOL | NONE):
        return None
    if value.number is None:
        return integers.between(0, Size.const(1)) if value.plain & BOOL else None
    return value.number.join(integers.between(0, Size.const(1))) if value.plain & BOOL else value.number


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
    _pass_tuple(interp, 2)
    for type_ in dict.fromkeys(fields):
        if type_ is not None:
            access.set_attribute(interp, holder, name, new, type_)
    return NO


def _length(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    (register,) = arguments.positional
    value = interp.read(register)
    kinds = {cell.kind for _, cell in access.cells(interp, value)}
    if not kinds or kinds & {"instance", "unknown", "lump", "class", "iterator", "generator"}:
        return None
    if any(special_methods(interp, cell, "__len__") for _, cell in access.cells(interp, value)):
        interp.finding("implicit-call", "len() of what a class of yours may count", "measure a list or a str")
    return Value(number=integers.Number(access.length(interp, value)), fresh=True)


def _range(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    numbers = [_as_number(interp.read(register)) for register in arguments.positional]
    known = [number for number in numbers if number is not None]
    if len(known) != len(numbers) or not known:
        return None
    start = known[0] if len(known) > 1 else integers.constant(0)
    stop = known[1] if len(known) > 1 else known[0]
    step = known[2] if len(known) > 2 else integers.constant(1)
    rounds, item = span_of(start, stop, step)
    scalars = sum(
        (footprints.integer(number.allocated()) for number in (*known, integers.Number(rounds))), ZERO
    )
    size = footprints.RANGE + scalars

    def make() -> Cell:
        return Cell("range", "builtins.range", rounds, bytes=size, element=Value(number=item, fresh=True))

    return Value(frozenset((interp.new("range", make),)))


def span_of(
    start: integers.Number, stop: integers.Number, step: integers.Number
) -> tuple[Size, integers.Number]:
    """Return how many integers a range has at most, and what they are."""
    if step.low.is_zero:
        distance = stop.high.minus(start.least) if start.low.is_zero else stop.high + start.low
        by = max(step.least, 1)
        rounds = distance if by == 1 else distance.ceil_div(by)
        return rounds, integers.Number(stop.high.minus(1), start.low, start.least)
    if step.high.is_zero:
        return start.high + stop.low, integers.Number(start.high, stop.low.minus(1))
    both = start.join(stop)
    return (stop.high + start.low) | (start.high + stop.low), integers.Number(both.high, both.low)


def one_of(operation: str, numbers: Sequence[integers.Number]) -> integers.Number:
    """Return the least (min) or the greatest (max) of some integers, or anything between them (hull)."""
    joined = numbers[0]
    for number in numbers[1:]:
        joined = joined.join(number)
    joined = replace(joined, origin=None)
    if operation == "min":
        high = numbers[0].high
        for number in numbers[1:]:
            high = _lesser(high, number.high)
        return replace(joined, high=high, digits=joined.wide() if high.is_top or joined.low.is_top else None)
    if operation == "max" and any(number.low.is_zero for number in numbers):
        return replace(joined, low=ZERO, least=max(number.least for number in numbers))
    return joined


def _least(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    numbers = _several(interp, arguments)
    if numbers is None:
        return None
    _pass_tuple(interp, len(numbers))
    return Value(number=one_of("min", numbers), fresh=True)


def _pass_tuple(interp: Interpreter, count: int) -> None:
    """Make the tuple of the arguments of what is called in the old way; CPython keeps it for reuse."""
    size = footprints.tuple_of(count)
    interp.note(transient=(f"tuple of {count}", size))


def _lesser(left: Size, right: Size) -> Size:
    for size, other in ((left, right), (right, left)):
        limit = other.as_const()
        if limit is not None:
            return size.at_most(int(limit))
    if left.is_top or left.dominates(right) or any("β" in name for name in left.symbols()):
        return right
    return left


def _greatest(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    numbers = _several(interp, arguments)
    if numbers is None:
        return None
    _pass_tuple(interp, len(numbers))
    return Value(number=one_of("max", numbers), fresh=True)


def _several(interp: Interpreter, arguments: Given) -> list[integers.Number] | None:
    if len(arguments.positional) < 2 or arguments.keywords:
        return None
    values = [interp.read(register) for register in arguments.positional]
    if any(value.plain for value in values):
        return None
    numbers = [_as_number(value) for value in values]
    found = [number for number in numbers if number is not None]
    return found if len(found) == len(numbers) else None


def _absolute(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    number = _as_number(interp.read(arguments.positional[0]))
    found = integers.unary("__abs__", number) if number is not None else None
    return Value(number=found, fresh=True) if found is not None else None


def _to_integer(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    if len(arguments.positional) != 1:
        return None
    number = _as_number(interp.read(arguments.positional[0]))
    return Value(number=number, fresh=True) if number is not None else None


def _bounded(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Look at the length of what cannot change: it is known from here on."""
    if len(arguments.positional) != 2 or arguments.keywords:
        return None
    value, number = (interp.read(register) for register in arguments.positional)
    most = _as_number(number)
    limit = most.high.as_const() if most is not None else None
    kinds = {cell.kind for _, cell in access.cells(interp, value)}
    if limit is None or not kinds or not kinds <= _FIXED or value.plain or value.number is not None:
        return None
    interp.note(Size.const(_CHECKED))
    return access.at_most_long(value, access.length(interp, value).at_most(int(limit)))


# -- what draws from an iterator
def _draws(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make an iterator that makes its items when it is asked."""
    from hardtack.analysis import iteration

    bare = name.rpartition(".")[2]
    keywords = dict(arguments.keywords)
    start = keywords.pop("start", None)
    keywords.pop("strict", None)
    positional = list(arguments.positional)
    if keywords or not positional or (bare == "iter" and len(positional) != 1):
        return None
    function = positional.pop(0) if bare in {"map", "filter"} else None
    if bare == "enumerate" and len(positional) == 2:
        start = positional.pop()
    if _any_of(interp, positional, "instance"):
        return None
    if _any_of(interp, positional, "generator"):
        if bare == "iter":
            return interp.read(positional[0])
        interp.finding("generator", f"{bare}() over a generator", "make a list of it first")
    _pass_tuple(interp, len(arguments.positional))
    if arguments.keywords:  # zip() gets them in a dict, which CPython keeps for reuse
        interp.note(transient=("dict", footprints.structure("dict", Size.const(1))))
    counts = [iteration.count(interp, interp.read(register)) for register in positional]
    rounds = reduce(_lesser, counts)

    def make() -> Cell:
        fields = {str(index): interp.read(register) for index, register in enumerate(positional)}
        if function is not None:
            fields["function"] = interp.read(function)
        if start is not None:
            fields["start"] = interp.read(start)
        size = footprints.drawing(bare, len(positional))
        return Cell("iterator", bare, rounds, bytes=size, fields=fields)

    return Value(frozenset((interp.new(bare, make),)))


def _any_of(interp: Interpreter, registers: Sequence[str], kind: str) -> bool:
    return any(
        cell.kind == kind for register in registers for _, cell in access.cells(interp, interp.read(register))
    )


def _view(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    bare = name.rpartition(".")[2]
    (register,) = arguments.positional

    def make() -> Cell:
        value = interp.read(register)
        length = access.length(interp, value)
        return Cell("iterator", bare, length, bytes=_VIEW, fields={"0": value})

    return Value(frozenset((interp.new(bare, make),)))


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


_NATIVES: dict[str, Native] = {
    "dataclasses.replace": _of_dataclass,
    "dataclasses.fields": _of_dataclass,
    "dataclasses.asdict": _of_dataclass,
    "dataclasses.astuple": _of_dataclass,
    "collections.defaultdict.__getitem__": _default_item,
    "collections.OrderedDict": _ordered,
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
    "builtins.range": _range,
    "builtins.min": _least,
    "builtins.max": _greatest,
    "builtins.abs": _absolute,
    "builtins.divmod": _divmod,
    "builtins.int": _to_integer,
    "builtins.enumerate": _draws,
    "builtins.zip": _draws,
    "builtins.map": _draws,
    "builtins.filter": _draws,
    "builtins.reversed": _draws,
    "builtins.iter": _draws,
}
