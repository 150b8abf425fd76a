"""`Size`: an upper bound on bytes or counts, as the greatest of some polynomials over natural symbols.

There is one normal form: polynomials that another one dominates are dropped, and more than six are joined,
by coefficient. Every operation is monotone in every symbol, so that it is sound to put an upper bound in a
symbol's place. What has no bound carries the reasons why.

Equal sizes are one object, so that what was computed of two sizes before is found at once.
"""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from operator import ge
from typing import TYPE_CHECKING, NoReturn
from weakref import WeakValueDictionary

from hardtack.symbolic import polynomials as polys
from hardtack.symbolic.coefficients import Coefficient
from hardtack.symbolic.polynomials import Polynomial, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MOST = 6  # polynomials in one size
_MOST_TERMS = 1 << 10  # of one product: more is no bound that anyone reads, and soon none that is ever found
_REMEMBERED = 1 << 14  # results of each operation


class Size:
    """An upper bound on a number of bytes, or of anything else that is counted; it never changes.

    Make one with `const`, `symbol`, `unbounded` or `parse`; the arguments of the class are its normal form.
    `a + b`, `a * b` and `a | b` (the greater) take whole numbers and fractions too.

    Example:
        >>> n = Size.symbol("len(data)")
        >>> size = (2 * n + 33 | 64).at_most(4096)
        >>> str(size), size.evaluate({"len(data)": 100})
        ('max(min(2*len(data) + 33,4096), 64)', 233)
    """

    __slots__ = ("__weakref__", "polynomials", "reasons")

    polynomials: tuple[Polynomial, ...]
    reasons: frozenset[str]

    def __new__(cls, polynomials: tuple[Polynomial, ...] = (), reasons: frozenset[str] = frozenset()) -> Size:
        """Return the one size that has this normal form."""
        found = _known.get((polynomials, reasons))
        if found is None:
            found = super().__new__(cls)
            object.__setattr__(found, "polynomials", polynomials)
            object.__setattr__(found, "reasons", reasons)
            found = _known.setdefault((polynomials, reasons), found)
        return found

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __reduce__(self) -> tuple[type[Size], tuple[tuple[Polynomial, ...], frozenset[str]]]:
        """Have copies be the same object."""
        return Size, (self.polynomials, self.reasons)

    # -- making one
    @staticmethod
    def const(value: Coefficient) -> Size:
        """Return the size that has this value.

        Raises:
            ValueError: if it is negative.
        """
        return _constant(value)

    @staticmethod
    def symbol(text: str) -> Size:
        """Return what a text names: any text, for a natural number; `min(n,65536)` is `n` at most 65536."""
        return Size(((((polys.factor_of(text),), 1),),))

    @staticmethod
    def unbounded(reason: str) -> Size:
        """Return the size that has no bound, and why it has none."""
        return Size((), frozenset((reason,)))

    @staticmethod
    def parse(text: str) -> Size:
        """Return the size that prints like this.

        Raises:
            ValueError: if none does.
        """
        return _parse(text)

    # -- asking it
    @property
    def is_top(self) -> bool:
        """Whether there is no bound."""
        return bool(self.reasons)

    @property
    def is_zero(self) -> bool:
        """Whether it is always 0."""
        return not self.polynomials and not self.reasons

    def as_const(self) -> Coefficient | None:
        """Return the value if it is the same whatever the symbols are, else None."""
        if self.reasons or len(self.polynomials) > 1:
            return None
        if not self.polynomials:
            return 0
        (terms,) = self.polynomials
        return terms[0][1] if not terms[0][0] else None

    def symbols(self) -> frozenset[str]:
        """Return the symbols that it depends on."""
        return _symbols(self)

    def dominates(self, other: Size) -> bool:
        """Tell whether this is never less than another size; False may also mean that this cannot tell."""
        return self is other or _dominates(self, other)

    # -- the algebra
    def __add__(self, other: Size | Coefficient) -> Size:
        if type(other) is not Size:
            other = _constant(other)
        if self is ZERO:
            return other
        return self if other is ZERO else _sum(self, other)

    def __mul__(self, other: Size | Coefficient) -> Size:
        if type(other) is not Size:
            other = _constant(other)
        return ZERO if self is ZERO or other is ZERO else _product(self, other)

    def __or__(self, other: Size | Coefficient) -> Size:
        if type(other) is not Size:
            other = _constant(other)
        if self is other or other is ZERO:
            return self
        return other if self is ZERO else _either(self, other)

    __radd__ = __add__
    __rmul__ = __mul__
    __ror__ = __or__

    def minus(self, other: Size | Coefficient) -> Size:
        """Return an upper bound of max(0, self - other), for a value of exactly `other`."""
        return _less(self, lift(other))

    def common(self, other: Size | Coefficient) -> Size:
        """Return what is added to the rest of both, wherever they are greatest: `minus` takes it off exactly.

        Example:
            >>> n = Size.symbol("n")
            >>> str((2 * n + 64 | 3 * n).common(n + 128))
            'n'
        """
        every = (*self.polynomials, *lift(other).polynomials)
        if self.is_zero or self.reasons or len(every) == len(self.polynomials):
            return ZERO
        shared = polys.meet(every)
        return Size((shared,)) if shared else ZERO

    def at_most(self, limit: Coefficient) -> Size:
        """Return an upper bound of min(self, limit), which is a whole number."""
        return self if self is ZERO else _at_most(self, ceil(limit))

    def __floordiv__(self, divisor: Coefficient) -> Size:
        """Return an upper bound of self // divisor; exact where it divides every symbol's coefficient."""
        return _quotient(self, divisor, False)

    def ceil_div(self, divisor: Coefficient) -> Size:
        """Return an upper bound of self / divisor rounded up: exact where `//` is."""
        return _quotient(self, divisor, True)

    def substitute(self, sizes: Mapping[str, Size]) -> Size:
        """Return an upper bound of this for symbols that are at most these sizes; other symbols stay."""
        if self.reasons or not self.polynomials or self.symbols().isdisjoint(sizes):
            return self
        total = ZERO
        for p in self.polynomials:
            total |= _substituted(p, sizes)
        return total

    # -- its value
    def evaluate(self, values: Mapping[str, int]) -> int:
        """Return the value for these values of the symbols, rounded up, exactly.

        Raises:
            ValueError: if there is no bound, or a symbol has no value or a negative one.
        """
        if self.reasons:
            raise self._no_value()
        if wrong := {name for name in self.symbols() if values.get(name, -1) < 0}:
            raise ValueError(f"natural numbers are wanted for {', '.join(sorted(wrong))}")
        return max((ceil(polys.value(p, values)) for p in self.polynomials), default=0)

    def compile(self, symbols: Sequence[str]) -> Callable[..., int]:
        """Return a function of these symbols' values, in this order, that evaluates this; it checks nothing.

        Raises:
            ValueError: if there is no bound, or a symbol of it is not among these.
        """
        if self.reasons:
            raise self._no_value()
        if missing := self.symbols() - set(symbols):
            raise ValueError(f"no value is given for {', '.join(sorted(missing))}")
        parameters = [f"_{i}" for i in range(len(symbols))]
        names = dict(zip(symbols, parameters, strict=True))
        code = [_code(p, names) for p in self.polynomials] or ["0"]
        body = code[0] if len(code) == 1 else f"max({', '.join(code)})"
        function: Callable[..., int] = eval(f"lambda {', '.join(parameters)}: {body}")
        return function

    def _no_value(self) -> ValueError:
        return ValueError(f"unbounded, because {'; '.join(sorted(self.reasons))}")

    # -- text
    def __str__(self) -> str:
        if self.reasons:
            return f"unbounded({', '.join(json.dumps(reason) for reason in sorted(self.reasons))})"
        texts = [polys.text(p) for p in self.polynomials]
        return texts[0] if len(texts) == 1 else f"max({', '.join(texts)})" if texts else "0"

    def __repr__(self) -> str:
        return f"<Size {self}>"


_known: WeakValueDictionary[tuple[tuple[Polynomial, ...], frozenset[str]], Size] = WeakValueDictionary()
ZERO = Size()


def lift(value: Size | Coefficient) -> Size:
    """Return a number as a size; a size stays as it is."""
    return value if type(value) is Size else _constant(value)  # there are no subclasses


@lru_cache(maxsize=_REMEMBERED)
def _constant(value: Coefficient) -> Size:
    if value < 0:
        raise ValueError(f"a size is not negative: {value}")
    return Size((polys.constant(value),)) if value else ZERO


# -- operations on two sizes, neither of which is zero
@lru_cache(maxsize=_REMEMBERED)
def _sum(one: Size, other: Size) -> Size:
    if one.reasons or other.reasons:
        return Size((), one.reasons | other.reasons)
    if (known := other.as_const()) is not None:
        return _raised(one, known)
    if (known := one.as_const()) is not None:
        return _raised(other, known)
    if len(one.polynomials) == len(other.polynomials) == 1:
        return Size((polys.polynomial((*one.polynomials[0], *other.polynomials[0])),))
    return _greatest(polys.polynomial((*p, *q)) for p in one.polynomials for q in other.polynomials)


def _raised(size: Size, by: Coefficient) -> Size:
    """Return the sum with a constant, which changes nothing about what dominates what."""
    return Size(tuple([polys.raised(p, by) for p in size.polynomials]))


@lru_cache(maxsize=_REMEMBERED)
def _product(one: Size, other: Size) -> Size:
    if one.reasons or other.reasons:
        return Size((), one.reasons | other.reasons)
    if len(one.polynomials) == 1 and (by := other.as_const()) is not None:
        return Size((polys.scaled(one.polynomials[0], by),))
    if len(other.polynomials) == 1 and (by := one.as_const()) is not None:
        return Size((polys.scaled(other.polynomials[0], by),))
    if max(map(len, one.polynomials)) * max(map(len, other.polynomials)) > _MOST_TERMS:
        return Size((), frozenset({f"its bound has more than {_MOST_TERMS} terms"}))
    return _greatest(polys.product(p, q) for p in one.polynomials for q in other.polynomials)


@lru_cache(maxsize=_REMEMBERED)
def _either(one: Size, other: Size) -> Size:
    if one.reasons or other.reasons:
        return Size((), one.reasons | other.reasons)
    return _greatest((*one.polynomials, *other.polynomials))


@lru_cache(maxsize=_REMEMBERED)
def _less(one: Size, other: Size) -> Size:
    if one.reasons or not other.polynomials:
        return one
    found = [_greatest(polys.difference(p, q) for p in one.polynomials) for q in other.polynomials]
    return next((size for size in found if all(rest.dominates(size) for rest in found)), found[0])


@lru_cache(maxsize=_REMEMBERED)
def _at_most(size: Size, limit: int) -> Size:
    if size.reasons:
        return Size.const(limit)
    return _greatest(polys.capped(p, limit) for p in size.polynomials)


@lru_cache(maxsize=_REMEMBERED)
def _quotient(size: Size, divisor: Coefficient, up: bool) -> Size:
    if divisor <= 0:
        raise ValueError(f"a size is divided by what is positive, not by {divisor}")
    if size.reasons:
        return size
    found = []
    for p in size.polynomials:
        quotient = polys.scaled(p, Fraction(1, divisor) if isinstance(divisor, int) else 1 / divisor)
        rest = polys.constant_of(quotient)
        symbolic = polys.difference(quotient, polys.constant(rest))
        if polys.denominator(symbolic) == 1:
            quotient = polys.polynomial([*symbolic, ((), ceil(rest) if up else floor(rest))])
        elif up:
            quotient = polys.polynomial([*quotient, ((), polys.rounding(quotient))])
        found.append(quotient)
    return _greatest(found)


@lru_cache(maxsize=_REMEMBERED)
def _dominates(one: Size, other: Size) -> bool:
    if one.reasons or other.reasons:
        return one.is_top
    return all(any(polys.dominates(p, q) for p in one.polynomials) for q in other.polynomials)


@lru_cache(maxsize=_REMEMBERED)
def _symbols(size: Size) -> frozenset[str]:
    return frozenset().union(*map(polys.symbols, size.polynomials))


def _greatest(ps: Iterable[Polynomial]) -> Size:
    """Return the greatest of some polynomials, in normal form."""
    every = sorted({p for p in ps if p}, key=_rank)
    if len(every) < 2:
        return Size(tuple(every))
    kept = _undominated(every)
    if len(kept) > _MOST:
        kept = [polys.join(kept)]
    return Size(tuple(kept))


def _undominated(every: Sequence[Polynomial]) -> list[Polynomial]:
    """Return the polynomials that no other one dominates: what does is nowhere less, which is soon seen."""
    if len(every) == 2:
        p, q = every
        return [one for one, other in ((p, q), (q, p)) if not polys.dominates(other, one)]
    values = [polys.samples(p) for p in every]
    kept = []
    for p, (_, mine) in zip(every, values, strict=True):
        rivals = (
            q
            for q, (theirs, _) in zip(every, values, strict=True)
            if q is not p and all(map(ge, theirs, mine))
        )
        if not any(polys.dominates(q, p) for q in rivals):
            kept.append(p)
    return kept


def _rank(p: Polynomial) -> list[tuple[int, polys.Monomial, Coefficient]]:
    return [(-len(monomial), monomial, -coefficient) for monomial, coefficient in p]


def _substituted(p: Polynomial, sizes: Mapping[str, Size]) -> Size:
    total = ZERO
    for monomial, coefficient in p:
        term = Size.const(coefficient)
        for factor in monomial:
            term *= _factor_substituted(factor, sizes)
        total += term
    return total


def _factor_substituted(factor: str, sizes: Mapping[str, Size]) -> Size:
    cap = polys.cap_of(factor)
    if cap:
        return _substituted(cap.inner, sizes).at_most(cap.limit)
    name = polys.symbol_of(factor)
    return sizes[name] if name in sizes else Size.symbol(name)


def _code(p: Polynomial, names: Mapping[str, str]) -> str:
    """Return Python for a polynomial's value, rounded up: over its common denominator."""
    whole = polys.denominator(p)
    terms = []
    for monomial, coefficient in p:
        factors = [_factor_code(factor, names) for factor in monomial]
        times = int(coefficient * whole)
        terms.append("*".join(factors if factors and times == 1 else [str(times), *factors]))
    if whole == 1:
        return " + ".join(terms)
    return f"({' + '.join(terms)} + {whole - 1}) // {whole}"


def _factor_code(factor: str, names: Mapping[str, str]) -> str:
    cap = polys.cap_of(factor)
    return f"min({_code(cap.inner, names)}, {cap.limit})" if cap else names[polys.symbol_of(factor)]


@lru_cache(maxsize=4096)
def _parse(text: str) -> Size:
    reader = Reader(text)
    found = _read(reader)
    reader.end()
    return found


def _read(reader: Reader) -> Size:
    if reader.sees("unbounded("):
        reasons = [reader.string()]
        while reader.sees(","):
            reasons.append(reader.string())
        reader.needs(")")
        return Size((), frozenset(reasons))
    if not reader.sees("max("):
        return _greatest([reader.polynomial()])
    ps = [reader.polynomial()]
    while reader.sees(","):
        ps.append(reader.polynomial())
    reader.needs(")")
    return _greatest(ps)
