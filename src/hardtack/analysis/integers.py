"""Ranges of integers, and what arithmetic does to them.

A range is two sizes: how far above zero, and how far below it. Everything here is monotone in both, so that
an upper bound may stand for either. Invariant: for every integer v that a `Number` stands for, v <= high, -v
<= low, and v >= least, which is zero unless low is.

`extra(x)` is a symbol: the digits of an integer x beyond one, zero for what fits in 30 bits. Lengths are
below 2**30 (`evaluating` refuses others), so that they need no such symbol.

An origin ties an integer to what a register held when the round of a loop began: `(token, a, b)` says that v
is that integer plus something from a to b (None: unknown); with `÷` before the token, that v is at most half
of it. Loops count their rounds by it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis.records import record, replace
from hardtack.symbolic import ZERO, Size, lift
from hardtack.symbolic.coefficients import Coefficient
from hardtack.symbolic.polynomials import cap_of, symbol_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Origin: TypeAlias = tuple[str, int | None, int | None]

_DIGIT = 30  # bits
HALF = "÷"  # begins the token of what is at most half of what a register held
_LARGEST_POWER = 4096  # bits: what is larger is known by its digits alone
_SMALL = (-5, 256)  # the integers that CPython keeps for ever
_WIDE = Size.unbounded("an integer of any size")


@record(frozen=True, slots=True)
class Number:
    """What an integer may be.

    Attributes:
        high: the most that it lies above zero.
        low: the most that it lies below zero.
        least: a natural number that it is never less than; 0 unless low is zero.
        digits: the most 30-bit digits that it has, where high or low has no bound; None: as they say.
        room: the most digits that its object has room for, None: as many as it has; arithmetic on more than
        one
            digit leaves one to spare.
        origin: how it stems from a register at the head of a loop.
    """

    high: Size
    low: Size = ZERO
    least: int = 0
    digits: Size | None = None
    room: Size | None = None
    origin: Origin | None = None

    def join(self, other: Number) -> Number:
        """Return what is one of two."""
        if self is other or self == other:
            return self
        digits = None
        if self.digits is not None or other.digits is not None:
            digits = self.wide() | other.wide()
        return Number(
            self.high | other.high,
            self.low | other.low,
            min(self.least, other.least),
            digits,
            None if self.room is None and other.room is None else self.allocated() | other.allocated(),
            _hull(self.origin, other.origin),
        )

    def allocated(self) -> Size:
        """Return the most digits that its object has room for."""
        return self.wide() if self.room is None else self.room

    def wide(self) -> Size:
        """Return the most 30-bit digits that the magnitude has."""
        magnitude = self.high | self.low
        if magnitude.is_top:
            return self.digits if self.digits is not None else magnitude
        return digits_of(magnitude)

    @property
    def is_small(self) -> bool:
        """Whether CPython never makes a new object for it."""
        high, low = self.high.as_const(), self.low.as_const()
        return high is not None and low is not None and high <= _SMALL[1] and low <= -_SMALL[0]


def constant(value: int) -> Number:
    """Return the range of one integer."""
    return Number(Size.const(max(value, 0)), Size.const(max(-value, 0)), max(value, 0))


def between(low: int | None, high: Size) -> Number:
    """Return the range from low to high; without a low, of magnitudes up to high."""
    if low is None:
        return Number(high, high)
    return Number(high, Size.const(max(-low, 0)), max(low, 0))


def unknown(reason: str) -> Number:
    """Return an integer of which nothing is known."""
    top = Size.unbounded(reason)
    return Number(top, top)


@lru_cache(maxsize=4096)
def digits_of(magnitude: Size) -> Size:
    """Return the most 30-bit digits of an integer of at most this magnitude."""
    value = magnitude.as_const()
    if value is not None:
        return Size.const(max(1, -(-int(value).bit_length() // _DIGIT)))
    most = ZERO
    for polynomial in magnitude.polynomials:
        bits = ZERO
        for monomial, coefficient in polynomial:
            term = Size.const(_log2(coefficient))
            for factor in monomial:
                term += _bits_of(factor)
            bits |= term
        most |= bits + _log2(len(polynomial))
    return most.ceil_div(_DIGIT) | 1


def _log2(value: Coefficient) -> int:
    """Return the logarithm of a number of at least one, rounded up."""
    return max(ceil(value) - 1, 0).bit_length()


def _bits_of(factor: str) -> Size:
    if cap := cap_of(factor):
        return Size.const(int(cap.limit).bit_length())
    name = symbol_of(factor)
    if name.startswith(("len(", "maxlen(", "extra(", "λ")):
        return Size.const(_DIGIT)
    if name.startswith("total("):
        return Size.const(2 * _DIGIT)
    if name.startswith("neg("):
        name = name.removeprefix("neg(").removesuffix(")")
    return Size.symbol(f"extra({name})") * _DIGIT + _DIGIT


def _hull(left: Origin | None, right: Origin | None) -> Origin | None:
    if left is None or right is None or left[0] != right[0]:
        return None
    low = None if left[1] is None or right[1] is None else min(left[1], right[1])
    high = None if left[2] is None or right[2] is None else max(left[2], right[2])
    return (left[0], low, high)


def exact(number: Number) -> int | None:
    """Return the value of an integer that can be one natural number only, else None."""
    high = number.high.as_const()
    return int(high) if high is not None and number.low.is_zero and number.least == high else None


def _widened(origin: Origin | None, by: Number, sign: int) -> Origin | None:
    """Return the origin after something from a range was added (1) or taken away (-1)."""
    if origin is None:
        return None
    high, low = by.high.as_const(), by.low.as_const()
    least = -int(low) if low else by.least if low == 0 else None
    most = None if high is None else int(high)
    if sign < 0:
        least, most = (None if most is None else -most), (None if least is None else -least)
    return (
        origin[0],
        None if origin[1] is None or least is None else origin[1] + least,
        None if origin[2] is None or most is None else origin[2] + most,
    )


def _wide_digits(left: Number, right: Number, combine: Callable[[Size, Size], Size]) -> Size | None:
    """Return the digits of a result, where the ranges do not tell."""
    if (left.high | left.low | right.high | right.low).is_top:
        return combine(left.wide(), right.wide())
    return None


def _add(left: Number, right: Number) -> Number:
    origin = _widened(left.origin, right, 1) or _widened(right.origin, left, 1)
    digits = _wide_digits(left, right, lambda a, b: (a | b) + 1)
    natural = left.low.is_zero and right.low.is_zero
    least = left.least + right.least if natural else 0
    return Number(left.high + right.high, left.low + right.low, least, digits, origin=origin)


def _subtract(left: Number, right: Number) -> Number:
    high = left.high.minus(right.least) if right.low.is_zero else left.high + right.low
    low = right.high.minus(left.least) if left.low.is_zero else left.low + right.high
    most = right.high.as_const()
    least = max(0, left.least - int(most)) if most is not None and left.low.is_zero else 0
    if most is not None and left.low.is_zero and left.least >= most:
        low = ZERO
    digits = _wide_digits(left, right, lambda a, b: (a | b) + 1)
    return Number(high, low, least if low.is_zero else 0, digits, origin=_widened(left.origin, right, -1))


def _multiply(left: Number, right: Number) -> Number:
    high = left.high * right.high + left.low * right.low
    low = left.high * right.low + left.low * right.high
    digits = _wide_digits(left, right, lambda a, b: a + b)
    return Number(high, low, left.least * right.least if low.is_zero else 0, digits)


def _halved(left: Number, by: int) -> Origin | None:
    """Return the origin of a quotient: at most half of what its dividend stems from."""
    origin = left.origin
    if origin is None or by < 2 or not left.low.is_zero:
        return None
    if origin[0].startswith(HALF):
        return origin
    return (HALF + origin[0], None, 0) if origin[2] is not None and origin[2] <= 0 else None


def _divide(left: Number, right: Number) -> Number:
    by = max(right.least, 1)
    high = left.high // by if right.low.is_zero else (left.high + left.low)
    low = (left.low.ceil_div(by)) if right.low.is_zero else (left.high + left.low + 1)
    most = right.high.as_const()
    least = left.least // int(most) if most and left.low.is_zero and right.low.is_zero else 0
    digits = _wide_digits(left, left, lambda a, _: a)
    halved = _halved(left, by) if right.low.is_zero else None
    return Number(high, low, least, digits, origin=halved)


def _modulo(left: Number, right: Number) -> Number:
    # the sign is the divisor's; a natural number is no greater for it either
    high, low = right.high.minus(1), right.low.minus(1)
    if left.low.is_zero and right.low.is_zero:
        if high.is_top or (left.high.as_const() is not None and high.as_const() is None):
            high = left.high
        limit = left.high.as_const()
        if limit is not None:
            high = high.at_most(int(limit))
    return Number(high, low, 0, _wide_digits(right, right, lambda a, _: a))


def _and(left: Number, right: Number) -> Number:
    values = exact(left), exact(right)
    if values[0] is not None and values[1] is not None:
        return constant(values[0] & values[1])
    # with a natural number on either side the result lies between zero and it
    for number, other in ((right, left), (left, right)):
        if number.low.is_zero and (number.high.as_const() is not None or not other.low.is_zero):
            return Number(number.high, digits=number.digits)
    if left.low.is_zero:
        return Number(right.high if left.high.is_top else left.high, digits=left.digits)
    return _bitwise(left, right)


def _bitwise(left: Number, right: Number) -> Number:
    # | and ^ stay below twice the greater magnitude; of naturals, below the sum
    natural = left.low.is_zero and right.low.is_zero
    high = left.high + right.high if natural else (left.high + left.low + right.high + right.low) * 2 + 2
    digits = _wide_digits(left, right, lambda a, b: (a | b) + 1)
    return Number(high, ZERO if natural else high, 0, digits)


def _shift_left(left: Number, right: Number) -> Number:
    by = right.high.as_const()
    if by is None or by > 4096:
        digits = left.wide() + right.high.ceil_div(_DIGIT) + 1
        return Number(_WIDE, ZERO if left.low.is_zero else _WIDE, left.least, digits)
    factor = 1 << int(by)
    more = None if left.digits is None else left.digits + int(by) // _DIGIT + 1
    return Number(left.high * factor, left.low * factor, left.least, more)


def _shift_right(left: Number, right: Number) -> Number:
    by = min(right.least, 4096)
    high = left.high // (1 << by)
    low = ZERO if left.low.is_zero else left.low + 1
    return Number(high, low, 0, left.digits, origin=_halved(left, 1 << by))


def _power(left: Number, right: Number) -> Number:
    exponent, most = right.high.as_const(), (left.high | left.low).as_const()
    if exponent is not None and right.low.is_zero:
        if most is not None and int(most).bit_length() * exponent <= _LARGEST_POWER:
            high = Size.const(max(int(most), 1) ** int(exponent))
            least = left.least ** min(right.least, int(exponent)) if left.least else 0
            return Number(high, ZERO if left.low.is_zero else high, least)
        if exponent <= 8:
            high = lift(1)
            for _ in range(int(exponent)):
                high = high * (left.high | left.low) | 1
            return Number(high, ZERO if left.low.is_zero else high)
    digits = left.wide() * (right.high | 1) + 1
    return Number(_WIDE, ZERO if left.low.is_zero else _WIDE, 0, digits)


_BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "floordiv": _divide,
    "mod": _modulo,
    "and": _and,
    "or": _bitwise,
    "xor": _bitwise,
    "lshift": _shift_left,
    "rshift": _shift_right,
    "pow": _power,
}


def binary(name: str, left: Number, right: Number) -> Number | None:
    """Return what an operator's special method gives (`__add__`, `__radd__`), or None if unknown."""
    bare = name.strip("_")
    if bare not in _BINARY and bare[1:] in _BINARY:
        if bare.startswith("r"):
            left, right = right, left
        bare = bare[1:]
    if bare not in _BINARY:
        return None
    return _with_room(_BINARY[bare](left, right), left, right)


def _with_room(result: Number, *operands: Number) -> Number:
    """Return a result with room for a digit more, if an operand has more than one."""
    room = result.wide()
    if result.digits is not None:
        return replace(result, room=room + 1)
    for operand in operands:
        room += operand.wide().minus(1)
    return replace(result, room=room)


def unary(name: str, number: Number) -> Number | None:
    """Return what a special method of one operand gives (`__neg__`, `__abs__`), or None if unknown."""
    if name == "__neg__":
        return _with_room(Number(number.low, number.high, 0, number.digits), number)
    if name == "__invert__":
        return _with_room(Number(number.low, number.high + 1, 0, number.digits), number)
    if name == "__abs__":
        return _with_room(Number(number.high | number.low, ZERO, number.least, number.digits), number)
    if name in {"__pos__", "__int__", "__index__"}:
        return number
    return None


def at_most(number: Number, limit: Size, *, offset: int = 0) -> Number:
    """Return the range with what a comparison says: no more than a limit less an offset."""
    limit = limit.minus(offset) if offset else limit
    value = limit.as_const()
    if value is not None:
        return replace(number, high=number.high.at_most(int(value)))
    if number.high.is_top or (is_open(number.high) and not limit.is_top):
        return replace(number, high=limit)
    return number


def at_least(number: Number, limit: int) -> Number:
    """Return the range with what a comparison says: no less than a constant."""
    if limit >= 0:
        return replace(number, low=ZERO, least=max(number.least, limit))
    return replace(number, low=number.low.at_most(-limit))


def is_open(size: Size) -> bool:
    """Tell whether a size depends on a loop that is not solved yet: `β` is what loops name so."""
    return any("β" in symbol for symbol in size.symbols())


def plus(number: Number, by: int) -> Number:
    """Return the range shifted by a constant."""
    return number if not by else replace(_add(number, constant(by)), room=None)


def halvings(number: Number) -> Size:
    """Return how often a natural number can be halved until it is zero."""
    return number.wide() * _DIGIT + 1


def scaled_rounds(distance: Size, step: int) -> Size:
    """Return how many steps it takes at most to go a distance."""
    return distance * Fraction(1, step) + 1


def span_of(start: Number, stop: Number, step: Number) -> tuple[Size, Number]:
    """Return how many integers a range has at most, and what they are."""
    if step.low.is_zero:
        distance = stop.high.minus(start.least) if start.low.is_zero else stop.high + start.low
        by = max(step.least, 1)
        rounds = distance if by == 1 else distance.ceil_div(by)
        return rounds, Number(stop.high.minus(1), start.low, start.least)
    if step.high.is_zero:
        return start.high + stop.low, Number(start.high, stop.low.minus(1))
    both = start.join(stop)
    return (stop.high + start.low) | (start.high + stop.low), Number(both.high, both.low)


def one_of(operation: str, numbers: Sequence[Number]) -> Number:
    """Return the least (min) or the greatest (max) of some integers, or anything between them (hull)."""
    joined = numbers[0]
    for number in numbers[1:]:
        joined = joined.join(number)
    joined = replace(joined, origin=None)
    if operation == "min":
        high = numbers[0].high
        for number in numbers[1:]:
            high = lesser(high, number.high)
        return replace(joined, high=high, digits=joined.wide() if high.is_top or joined.low.is_top else None)
    if operation == "max" and any(number.low.is_zero for number in numbers):
        return replace(joined, low=ZERO, least=max(number.least for number in numbers))
    return joined


def lesser(left: Size, right: Size) -> Size:
    """Return an upper bound of the lesser of two sizes: one of them, unless one is a constant."""
    for size, other in ((left, right), (right, left)):
        limit = other.as_const()
        if limit is not None:
            return size.at_most(int(limit))
    if left.is_top or left.dominates(right) or is_open(left):
        return right
    return left
