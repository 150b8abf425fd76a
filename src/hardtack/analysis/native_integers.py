"""Built-ins of integers that the interpreter knows itself: operators, `range`, `min`, `max`, `abs`, `divmod`.

A model cannot say what these do to a range (`integers`); what they take besides their result stands here.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from hardtack.analysis import constructing, footprints, integers
from hardtack.analysis.domain import BOOL, NONE, TRUTH, Cell, Value
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.polynomials import constant_of
from hardtack.symbolic.size_classes import round_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

_SMALL_FACTORS = 8  # digits
_SHORT, _LONGER = 300, 150  # digits up to which a divisor is short, and by which a dividend has to be longer
_HELD, _LEFT = 64, 24  # bytes for each digit of a dividend
_TRUTHS = {"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__", "__bool__"}
_OF_NEGATIVE = {
    "__lshift__": ("ValueError: negative shift count",),
    "__rshift__": ("ValueError: negative shift count",),
    "__pow__": ("ZeroDivisionError",),
}


def raised_by(method: str, right: integers.Number | None) -> tuple[str, ...]:
    """Return what an operation on integers may raise for what its right operand may be."""
    if method in {"__floordiv__", "__mod__", "__divmod__"}:
        return ("ZeroDivisionError",) if may_be_zero(right) else ()
    if method not in {"__lshift__", "__rshift__", "__pow__"}:
        return ()
    found = () if right is not None and right.low.is_zero else _OF_NEGATIVE[method]
    enormous = method == "__lshift__" and right is not None and right.wide().as_const() not in {0, 1, 2}
    return (*found, "OverflowError") if enormous else found


def may_be_zero(number: integers.Number | None) -> bool:
    """Tell whether an integer may be zero; None is what may be no integer."""
    return number is None or not (number.least or integers.exact(number))


def operate(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Run an operator's method of an int or a bool."""
    method = name.rpartition(".")[2]
    values = [interp.read(register) for register in arguments.positional]
    _charge_division(interp, method.strip("_"), values)
    numbers = [as_number(value) for value in values]
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


def _charge_division(interp: Interpreter, operation: str, values: Sequence[Value]) -> None:
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


def divide(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Do what `divmod` leaves; for the rest it has a model."""
    _charge_division(interp, "divmod", [interp.read(register) for register in arguments.positional])
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


def as_number(value: Value) -> integers.Number | None:
    """Return a value as an integer, or None if it may be anything else."""
    if value.objects or value.plain & ~(BOOL | NONE):
        return None
    if value.number is None:
        return integers.between(0, Size.const(1)) if value.plain & BOOL else None
    return value.number.join(integers.between(0, Size.const(1))) if value.plain & BOOL else value.number


def make_range(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make a range: how many integers it gives, and what they are."""
    numbers = [as_number(interp.read(register)) for register in arguments.positional]
    known = [number for number in numbers if number is not None]
    if len(known) != len(numbers) or not known:
        return None
    start = known[0] if len(known) > 1 else integers.constant(0)
    stop = known[1] if len(known) > 1 else known[0]
    step = known[2] if len(known) > 2 else integers.constant(1)
    rounds, item = integers.span_of(start, stop, step)
    scalars = sum(
        (footprints.integer(number.allocated()) for number in (*known, integers.Number(rounds))), ZERO
    )
    size = footprints.RANGE + scalars

    def make() -> Cell:
        ends = integers.one_of("hull", [start, stop, step])
        return Cell(
            "range",
            "builtins.range",
            rounds,
            bytes=size,
            element=Value(number=item, fresh=True),
            mapped=Value(number=ends),
        )

    return Value(frozenset((interp.new("range", make),)))


def least(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Return the least of several integers: `min`."""
    return _one_of("min", interp, arguments)


def greatest(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Return the greatest of several integers: `max`."""
    return _one_of("max", interp, arguments)


def _one_of(which: str, interp: Interpreter, arguments: Given) -> Value | None:
    numbers = _several(interp, arguments)
    if numbers is None:
        return None
    constructing.pass_tuple(interp, len(numbers))
    return Value(number=integers.one_of(which, numbers), fresh=True)


def _several(interp: Interpreter, arguments: Given) -> list[integers.Number] | None:
    if len(arguments.positional) < 2 or arguments.keywords:
        return None
    values = [interp.read(register) for register in arguments.positional]
    if any(value.plain for value in values):
        return None
    numbers = [as_number(value) for value in values]
    found = [number for number in numbers if number is not None]
    return found if len(found) == len(numbers) else None


def absolute(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Return how far an integer is from zero: `abs`."""
    number = as_number(interp.read(arguments.positional[0]))
    found = integers.unary("__abs__", number) if number is not None else None
    return Value(number=found, fresh=True) if found is not None else None


def convert(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Return an integer as it is: `int`."""
    if len(arguments.positional) != 1:
        return None
    number = as_number(interp.read(arguments.positional[0]))
    return Value(number=number, fresh=True) if number is not None else None
