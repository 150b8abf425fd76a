"""Coefficients: whole numbers, and fractions of which each value is one object.

Arithmetic of fractions is slow, and the same few are added over and over: so what it gave is remembered.

Invariant, of those in normal form: an int, or a `Ratio` that is not whole; so a `Ratio` is never 0.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Coefficient: TypeAlias = int | Fraction


class Ratio(Fraction):
    """A coefficient that is not whole: one object for each value, so that its hash need not be of that."""

    __slots__ = ()

    __hash__ = object.__hash__
    __eq__ = Fraction.__eq__

    def __reduce__(self) -> tuple[Callable[[int, int], Ratio], tuple[int, int]]:
        """Have copies be the same object."""
        return ratio, (self.numerator, self.denominator)

    def __copy__(self) -> Ratio:
        return self

    def __deepcopy__(self, memo: object) -> Ratio:
        return self


def ratio(numerator: int, denominator: int) -> Ratio:
    """Return the coefficient that has this value, which is in its lowest terms."""
    key = numerator, denominator
    return _ratios.get(key) or _ratios.setdefault(key, Ratio(numerator, denominator))


_ratios: dict[tuple[int, int], Ratio] = {}  # never let go of: a second one of a value would not be found


def in_normal_form(value: Coefficient) -> Coefficient:
    """Return the one object for a value that is not whole, or an int."""
    if type(value) is int or type(value) is Ratio:
        return value
    return value.numerator if value.denominator == 1 else ratio(value.numerator, value.denominator)


@lru_cache(maxsize=1 << 14)
def plus(one: Coefficient, other: Coefficient) -> Coefficient:
    """Return a sum in normal form."""
    return in_normal_form(one + other)


@lru_cache(maxsize=1 << 14)
def times(one: Coefficient, other: Coefficient) -> Coefficient:
    """Return a product in normal form."""
    return in_normal_form(one * other)


def is_less(one: Coefficient, other: Coefficient) -> bool:
    """Tell whether one is less than the other."""
    if type(one) is int and type(other) is int:
        return one < other
    return one is not other and _is_less_fraction(one, other)


@lru_cache(maxsize=1 << 14)
def _is_less_fraction(one: Coefficient, other: Coefficient) -> bool:
    return one < other
