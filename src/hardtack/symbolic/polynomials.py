"""Polynomials with non-negative rational coefficients over natural symbols: the terms of a `Size`.

A polynomial is a tuple of terms, a term a monomial and its coefficient, a monomial the sorted tuple of its
factors; each in one order, so that equal polynomials are equal tuples. A factor is text:

    n  len(data)  len(self.rows[])      a symbol
    "a + b"                             a symbol that would read as something else, as a JSON string
    min(n + 1,65536)                    a cap: the lesser of a polynomial, rounded up, and a constant

Every factor stands for a natural number, so that n*n >= n. Nothing here is subtracted: all of it is monotone.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from itertools import chain, combinations
from math import ceil, isfinite, lcm, prod
from operator import add, mul
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from zlib import crc32

from hardtack.symbolic.coefficients import Coefficient, Ratio, in_normal_form, is_less, plus, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Monomial: TypeAlias = tuple[str, ...]
Polynomial: TypeAlias = tuple[tuple[Monomial, Coefficient], ...]

_WORD = re.compile(r"[^\W\d][\w.]*")
_MORE_WORD = re.compile(r"[\w.]*")
_NUMBER = re.compile(r"(\d+)(?:/(\d+))?", re.ASCII)
_SPACE = re.compile(r"\s*")
_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())
_OWN = ("min(", "max(", "unbounded(")  # what a symbol that begins so would read as
_JSON = json.JSONDecoder()
_ALMOST = 1 - 2**-30  # of a float: its terms are never taken from one another, so it is off by far less
_MOST_SETS = 6  # of monomials, whose subsets are gone through
_MOST_PAIRS = 1 << 10  # of monomials, one of either polynomial, that are held against each other


class Cap(NamedTuple):
    """What a factor `min(inner,limit)` stands for."""

    inner: Polynomial
    limit: int


# -- making them
def polynomial(terms: Iterable[tuple[Monomial, Coefficient]]) -> Polynomial:
    """Return the polynomial that is the sum of these terms."""
    found: dict[Monomial, Coefficient] = {}
    for monomial, coefficient in terms:
        before = found.get(monomial)
        if before is None:
            found[monomial] = coefficient
        elif type(before) is int and type(coefficient) is int:
            found[monomial] = before + coefficient
        else:
            found[monomial] = plus(before, coefficient)
    return _in_order(found)


def constant(value: Coefficient) -> Polynomial:
    """Return the polynomial without a symbol that has this value."""
    return _in_order({(): value})


def raised(p: Polynomial, by: Coefficient) -> Polynomial:
    """Return a polynomial and a constant that is not 0: its term is the last one."""
    if p and not p[-1][0]:
        return (*p[:-1], ((), plus(p[-1][1], by)))
    return (*p, ((), in_normal_form(by)))


def scaled(p: Polynomial, by: Coefficient) -> Polynomial:
    """Return a polynomial times a constant that is not 0."""
    return tuple([(monomial, times(coefficient, by)) for monomial, coefficient in p])


def product(p: Polynomial, q: Polynomial) -> Polynomial:
    """Return the product of two polynomials."""
    return polynomial((tuple(sorted(m + n)) if m and n else m or n, times(c, d)) for m, c in p for n, d in q)


def difference(p: Polynomial, q: Polynomial) -> Polynomial:
    """Return an upper bound of max(0, p - q): what is left of each coefficient."""
    taken = dict(q)
    return _in_order({m: left for m, c in p if (left := c - taken.get(m, 0)) > 0})


def join(ps: Iterable[Polynomial]) -> Polynomial:
    """Return an upper bound of all of these: of each coefficient the greatest."""
    found: dict[Monomial, Coefficient] = {}
    for monomial, coefficient in chain.from_iterable(ps):
        found[monomial] = max(found.get(monomial, 0), coefficient)
    return _in_order(found)


def meet(ps: Sequence[Polynomial]) -> Polynomial:
    """Return what all of these have: of each coefficient the least."""
    found = dict(ps[0])
    for p in ps[1:]:
        terms = dict(p)
        found = {m: min(c, terms[m]) for m, c in found.items() if m in terms}
    return _in_order(found)


def _in_order(terms: Mapping[Monomial, Coefficient]) -> Polynomial:
    """Return these terms in their order: more factors before less, then by name."""
    found = [
        (m, c if type(c) is int else in_normal_form(c)) for m, c in terms.items() if type(c) is Ratio or c
    ]
    if len(found) > 1:
        found.sort()  # by monomials: no two are the same
        found.sort(key=_degree, reverse=True)  # which keeps the order of those that have as many
    return tuple(found)


def _degree(term: tuple[Monomial, Coefficient]) -> int:
    return len(term[0])


# -- asking them
def constant_of(p: Polynomial) -> Coefficient:
    """Return a polynomial's constant term."""
    return p[-1][1] if p and not p[-1][0] else 0


def value(p: Polynomial, of: Mapping[str, int]) -> Coefficient:
    """Return a polynomial's value for these values of its symbols.

    Raises:
        KeyError: if a symbol's value is not given.
    """
    total: Coefficient = 0
    for monomial, coefficient in p:
        total += coefficient * prod(_factor_value(factor, of) for factor in monomial)
    return total


@lru_cache(maxsize=65536)
def samples(p: Polynomial) -> tuple[tuple[Coefficient | float, ...], tuple[Coefficient | float, ...]]:
    """Return a polynomial's values at three points, about, and what these are surely no less than.

    At the first all symbols are 0, at two each has a value of its own. What dominates another is nowhere
    less: so these rule out most pairs, cheaply.
    """
    with suppress(OverflowError):
        found = _values(p, float)
        if all(map(isfinite, found)):
            return found, tuple(value * _ALMOST for value in found)
    exact = _values(p, lambda value: value)
    return exact, exact


def _values(
    p: Polynomial, of: Callable[[Coefficient], Coefficient | float]
) -> tuple[Coefficient | float, ...]:
    totals: list[Coefficient | float] = [0] * len(_SAMPLED)
    for monomial, coefficient in p:
        values = [of(coefficient)] * len(_SAMPLED)
        for factor in monomial:
            values = list(map(mul, values, _factor_samples(factor)))
        totals = list(map(add, totals, values))
    return tuple(totals)


@lru_cache(maxsize=65536)
def _factor_samples(factor: str) -> tuple[int, ...]:
    return tuple(_factor_value(factor, one) for one in _SAMPLED)


class _Sampled(dict[str, int]):
    """Gives each symbol a value that depends on its name and the seed alone; for seed 0 it is 0."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __missing__(self, symbol: str) -> int:
        return crc32(symbol.encode("utf-8", "surrogatepass"), self.seed) % 1009 if self.seed else 0


_SAMPLED = _Sampled(0), _Sampled(1), _Sampled(2)


def _factor_value(factor: str, of: Mapping[str, int]) -> int:
    cap = cap_of(factor)
    return min(ceil(value(cap.inner, of)), cap.limit) if cap else of[symbol_of(factor)]


def symbols(p: Polynomial) -> frozenset[str]:
    """Return the symbols that a polynomial is over, those inside caps too."""
    found: set[str] = set()
    for factor in {factor for monomial, _ in p for factor in monomial}:
        cap = cap_of(factor)
        found |= symbols(cap.inner) if cap else {symbol_of(factor)}
    return frozenset(found)


@lru_cache(maxsize=65536)
def dominates(p: Polynomial, q: Polynomial) -> bool:
    """Tell whether p >= q for all natural numbers; False may also mean that this cannot tell."""
    if _covers(p, q):
        return True
    if not any(factor.startswith("min(") for monomial, _ in q for factor in monomial):
        return False
    return dominates(p, uncapped(q)) or _covers(p, at_limits(q))


def _covers(p: Polynomial, q: Polynomial) -> bool:
    """Tell whether each set of q's monomials is outweighed by those of p that are no less, symbol by symbol.

    By Hall's theorem that is to say that q's coefficients can be dealt out among p's. A monomial is no less
    than another if it has the same symbols, each at least as often: n*n >= n, but n*m may be 0 and n not.
    """
    have = dict(p)
    short = []
    for m, c in q:
        most = have.get(m, 0)
        if most is not c and is_less(most, c):
            if not m or len(p) * len(q) > _MOST_PAIRS or sum(d for n, d in p if _no_less(n, m)) < c:
                return False
            short.append(m)
    return all(_covers_support(p, q, support) for support in {frozenset(m) for m in short})


def _covers_support(p: Polynomial, q: Polynomial, support: frozenset[str]) -> bool:
    below = [(m, c) for m, c in q if support == set(m)]
    above = [(m, c) for m, c in p if support == set(m)]
    if len(below) > _MOST_SETS:
        return False
    for some in chain.from_iterable(combinations(below, k) for k in range(2, len(below) + 1)):
        weight = sum(c for m, c in above if any(_no_less(m, n) for n, _ in some))
        if weight < sum(c for _, c in some):
            return False
    return True


def _no_less(m: Monomial, n: Monomial) -> bool:
    """Tell whether m >= n for all natural numbers."""
    if len(m) < len(n):
        return False
    if len(n) == 1:  # monomials are sorted
        return m[0] == m[-1] == n[0]
    return set(m) == set(n) and all(m.count(factor) >= n.count(factor) for factor in n)


# -- caps
@lru_cache(maxsize=4096)
def cap_of(factor: str) -> Cap | None:
    """Return what a factor caps, or None if it is a symbol."""
    if not factor.startswith("min("):
        return None
    return Reader(factor).cap()


def capped(p: Polynomial, limit: int) -> Polynomial:
    """Return min(p, limit) as a polynomial; p is rounded up."""
    if not limit:
        return ()
    top = at_limits(p)
    if not symbols(top) and constant_of(top) <= limit:
        return p
    if constant_of(p) >= limit:
        return constant(limit)
    if len(p) == 1 and p[0][1] == 1 and len(p[0][0]) == 1 and (cap := cap_of(p[0][0][0])):
        return capped(cap.inner, min(limit, cap.limit))
    return (((f"min({text(p)},{limit})",), 1),)


@lru_cache(maxsize=16384)
def uncapped(p: Polynomial) -> Polynomial:
    """Return an upper bound of a polynomial: its caps replaced by what they cap, rounded up."""
    return _replaced(p, lambda cap: polynomial([*cap.inner, ((), rounding(cap.inner))]))


@lru_cache(maxsize=16384)
def at_limits(p: Polynomial) -> Polynomial:
    """Return an upper bound of a polynomial: its caps replaced by their limits."""
    return _replaced(p, lambda cap: constant(cap.limit))


def _replaced(p: Polynomial, by: Callable[[Cap], Polynomial]) -> Polynomial:
    total: list[tuple[Monomial, Coefficient]] = []
    for monomial, coefficient in p:
        term = constant(coefficient)
        for factor in monomial:
            cap = cap_of(factor)
            term = product(term, by(cap) if cap else (((factor,), 1),))
        total += term
    return polynomial(total)


def denominator(p: Polynomial) -> int:
    """Return the least number that makes all of a polynomial's coefficients whole."""
    return lcm(*(coefficient.denominator for _, coefficient in p))


def rounding(p: Polynomial) -> Coefficient:
    """Return how much rounding up can add to a polynomial's value."""
    whole = denominator(p)
    return Fraction(whole - 1, whole)


# -- text
def text(p: Polynomial) -> str:
    """Return a polynomial as text, which `Reader.polynomial` reads back."""
    return " + ".join(_term_text(monomial, coefficient) for monomial, coefficient in p) or "0"


def _term_text(monomial: Monomial, coefficient: Coefficient) -> str:
    if not monomial:
        return str(coefficient)
    return "*".join(monomial if coefficient == 1 else (str(coefficient), *monomial))


@lru_cache(maxsize=4096)
def symbol_of(factor: str) -> str:
    """Return the symbol that a factor is, as its user wrote it."""
    name: str = json.loads(factor) if factor.startswith('"') else factor
    return name


@lru_cache(maxsize=4096)
def factor_of(symbol: str) -> str:
    """Return how a symbol is written: as it is, unless it would then read as something else."""
    if symbol.startswith("min("):
        try:
            return capped_factor(symbol)
        except ValueError:
            return json.dumps(symbol)
    return symbol if _is_plain(symbol) else json.dumps(symbol)


def capped_factor(written: str) -> str:
    """Return the cap that is written like this, in normal form.

    Raises:
        ValueError: if it is none.
    """
    reader = Reader(written)
    cap = reader.cap()
    reader.end()
    p = capped(cap.inner, cap.limit)
    if len(p) == 1 and p[0][1] == 1 and len(p[0][0]) == 1:
        return p[0][0][0]
    raise ValueError(f"{written!r} is no symbol")


def _is_plain(symbol: str) -> bool:
    if symbol.startswith(_OWN):
        return False
    reader = Reader(symbol)
    try:
        return reader.name() == symbol
    except ValueError:
        return False


class Reader:
    """Reads what this package prints, with or without spaces between the words."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def error(self, wanted: str) -> ValueError:
        """Return the error that something else was wanted here."""
        return ValueError(f"no size: {self._text!r} has no {wanted} at {self._at}")

    def sees(self, word: str) -> bool:
        """Go past a word if it comes next, and tell whether it did."""
        start = _match(_SPACE, self._text, self._at).end()
        if not self._text.startswith(word, start):
            return False
        self._at = start + len(word)
        return True

    def needs(self, word: str) -> None:
        """Go past a word that must come next."""
        if not self.sees(word):
            raise self.error(repr(word))

    def end(self) -> None:
        """Make sure that nothing is left."""
        self.sees("")
        if self._at != len(self._text):
            raise self.error("end")

    def polynomial(self) -> Polynomial:
        """Read a sum of products."""
        terms = [self._term()]
        while self.sees("+"):
            terms.append(self._term())
        return polynomial(chain.from_iterable(terms))

    def _term(self) -> Polynomial:
        rest: Polynomial | None = None
        factors: Monomial = ()
        coefficient: Coefficient = 1
        more = True
        while more:
            factor = self._factor()
            if len(factor) == 1:
                factors += factor[0][0]
                coefficient = times(coefficient, factor[0][1])
            else:
                rest = factor if rest is None else product(rest, factor)
            more = self.sees("*")
        term = ((tuple(sorted(factors)), coefficient),)
        return term if rest is None else product(term, rest)

    def _factor(self) -> Polynomial:
        self.sees("")
        if _NUMBER.match(self._text, self._at):
            return constant(self.number())
        if self._text.startswith("min(", self._at):
            return capped(*self.cap())
        if self._text.startswith('"', self._at):
            return (((factor_of(self.string()),), 1),)
        if self._text.startswith(_OWN, self._at):
            raise self.error("symbol")
        return (((self.name(),), 1),)

    def cap(self) -> Cap:
        """Read `min(polynomial, constant)`."""
        self.needs("min(")
        inner = self.polynomial()
        self.needs(",")
        limit = self.number()
        self.needs(")")
        return Cap(inner, ceil(limit))

    def number(self) -> Coefficient:
        """Read a whole number, or two with a slash between."""
        self.sees("")
        found = _NUMBER.match(self._text, self._at)
        if not found or (found[2] and not int(found[2])):
            raise self.error("number")
        self._at = found.end()
        return Fraction(int(found[1]), int(found[2])) if found[2] else int(found[1])

    def string(self) -> str:
        """Read a JSON string."""
        self.sees("")
        if not self._text.startswith('"', self._at):
            raise self.error("string")
        found, self._at = _JSON.raw_decode(self._text, self._at)
        return str(found)

    def name(self) -> str:
        """Read a symbol that is not quoted: words and dots, and after them anything in brackets."""
        self.sees("")
        start = self._at
        word = _WORD.match(self._text, start)
        if not word:
            raise self.error("symbol")
        self._at = word.end()
        while self._text[self._at : self._at + 1] in _OPEN and self._at < len(self._text):
            self._brackets()
            self._at = _match(_MORE_WORD, self._text, self._at).end()
        return self._text[start : self._at]

    def _brackets(self) -> None:
        awaited: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character in _OPEN:
                awaited.append(_OPEN[character])
            elif character in _CLOSE and (not awaited or awaited.pop() != character):
                break
            if not awaited:
                return
        raise self.error("closing bracket")


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    assert found is not None  # these patterns match nothing at all, too
    return found
