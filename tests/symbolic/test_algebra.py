"""The algebra: every operation bounds what it stands for, at every point, and equal bounds are written alike."""

from __future__ import annotations

import copy
import json
import pickle
import timeit
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack.symbolic import ZERO, Size, lift

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("n", "len(data)", 'rows["a b"]', "maxlen(keys(d))", "a + b")
Term = tuple[Fraction, tuple[str, ...]]

coefficients = st.fractions(min_value=0, max_value=100, max_denominator=12) | st.integers(0, 5000).map(
    Fraction
)
terms = st.tuples(coefficients, st.lists(st.sampled_from(NAMES), max_size=3).map(tuple))
sums = st.lists(terms, max_size=4)
written = st.lists(sums, max_size=8)  # a maximum of sums, as plain data: what a Size is held against
points = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 3) | st.integers(0, 10**6)))


def holds(
    *strategies: st.SearchStrategy[object], examples: int = 60
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a test hold for all of these, however long an example takes on a machine that others use."""
    return lambda test: settings(deadline=None, max_examples=examples)(given(*strategies)(test))


def size_of(polynomials: list[list[Term]]) -> Size:
    """Make the size as a user would, by the operations."""
    size = ZERO
    for polynomial in polynomials:
        total = ZERO
        for coefficient, factors in polynomial:
            product = Size.const(coefficient)
            for name in factors:
                product *= Size.symbol(name)
            total += product
        size |= total
    return size


def exact(polynomials: list[list[Term]], point: dict[str, int]) -> Fraction:
    """What the size stands for, in exact arithmetic that shares nothing with it."""
    values = [Fraction(0)]
    for polynomial in polynomials:
        total = Fraction(0)
        for coefficient, factors in polynomial:
            for name in factors:
                coefficient *= point[name]
            total += coefficient
        values.append(total)
    return max(values)


OPERATIONS: list[Callable[[Size, Size], Size]] = [
    lambda a, b: a + b,
    lambda a, b: a | b,
    lambda a, b: a * b if len(a.polynomials) + len(b.polynomials) < 5 else a,
    lambda a, b: a.minus(b),
    lambda a, b: a.at_most(4096) + b,
    lambda a, b: (a + b) // 16,
    lambda a, b: (a | b).ceil_div(16),
    lambda a, b: a.substitute({"n": b}),
]
grown = st.recursive(
    written.map(lambda polynomials: size_of(polynomials[:3])),
    lambda inner: st.tuples(st.sampled_from(OPERATIONS), inner, inner).map(lambda t: t[0](t[1], t[2])),
    max_leaves=3,
).filter(lambda size: not size.is_top)


@holds(written, points)
def test_a_size_is_never_below_what_it_stands_for(
    polynomials: list[list[Term]], point: dict[str, int]
) -> None:
    value = size_of(polynomials).evaluate(point)
    assert value >= exact(polynomials, point)
    if len(polynomials) <= 6:  # nothing was joined: rounded up, and not a byte more
        assert value == ceil(exact(polynomials, point))


@holds(written, written, points)
def test_sums_and_maxima_are_exact_up_to_six_polynomials(
    a: list[list[Term]], b: list[list[Term]], point: dict[str, int]
) -> None:
    x, y = exact(a, point), exact(b, point)
    for size, value, count in (
        (size_of(a) + size_of(b), x + y, len(a) * len(b)),
        (size_of(a) | size_of(b), max(x, y), len(a) + len(b)),
        (size_of(a) * size_of(b), x * y, len(a) * len(b)),
    ):
        assert size.evaluate(point) >= value
        if max(len(a), len(b), count) <= 6:
            assert size.evaluate(point) == ceil(value)


@holds(written, written, points)
def test_a_difference_bounds_what_is_left(
    a: list[list[Term]], b: list[list[Term]], point: dict[str, int]
) -> None:
    left = size_of(a).minus(size_of(b) if len(b) <= 6 else ZERO).evaluate(point)
    assert max(0, exact(a, point) - exact(b, point)) <= left <= size_of(a).evaluate(point)


@holds(grown, grown, grown, points)
def test_what_two_sizes_have_in_common_is_taken_off_exactly(
    a: Size, b: Size, more: Size, point: dict[str, int]
) -> None:
    a, b = a + more, b + more
    common = a.common(b)
    for size in (a, b):
        assert (size.minus(common) + common).evaluate(point) == size.evaluate(point)
    if len(a.polynomials) == len(b.polynomials) == len(more.polynomials) == 1:
        assert common.dominates(more)


@holds(grown, st.integers(0, 10**5), points)
def test_a_cap_is_the_lesser_of_both(size: Size, limit: int, point: dict[str, int]) -> None:
    value = size.at_most(limit).evaluate(point)
    assert value >= min(size.evaluate(point), limit)
    assert value <= limit
    if len(size.polynomials) == 1:
        assert value == min(size.evaluate(point), limit)


@holds(grown, st.integers(1, 5000), points)
def test_quotients_bound_division(size: Size, divisor: int, point: dict[str, int]) -> None:
    value = size.evaluate(point)
    down, up = (size // divisor).evaluate(point), size.ceil_div(divisor).evaluate(point)
    assert most_below(size, point) // divisor <= down <= -(-value // divisor)
    assert -(-value // divisor) <= up <= -(-value // divisor) + 1


@holds(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(NAMES)), max_size=3),
    st.integers(0, 9999),
    st.integers(1, 64),
    points,
)
def test_quotients_are_exact_where_the_divisor_divides(
    multiples: list[tuple[int, str]], rest: int, divisor: int, point: dict[str, int]
) -> None:
    size = sum((Size.symbol(name) * (times * divisor) for times, name in multiples), start=Size.const(rest))
    value = size.evaluate(point)
    assert (size // divisor).evaluate(point) == value // divisor
    assert size.ceil_div(divisor).evaluate(point) == -(-value // divisor)


@holds(grown, st.dictionaries(st.sampled_from(NAMES), grown, max_size=3), points)
def test_putting_in_an_upper_bound_gives_an_upper_bound(
    size: Size, bounds: dict[str, Size], point: dict[str, int]
) -> None:
    inner = {
        name: most_below(bounds[name], point) if name in bounds else value for name, value in point.items()
    }
    found = size.substitute(bounds)
    assert found.is_top or found.evaluate(point) >= size.evaluate(inner)


def most_below(size: Size, point: dict[str, int]) -> int:
    """The greatest natural number that is not above a size's value, which `evaluate` rounds up."""
    value = size.evaluate(point)
    return value if (size * 10**6).evaluate(point) > (value - 1) * 10**6 + 999_999 else max(value - 1, 0)


def test_a_product_of_too_many_terms_has_no_bound_instead_of_no_end() -> None:
    total = sum((Size.symbol(f"s{number}") for number in range(32)), start=ZERO)
    square = total * total  # 32 * 32 terms, of which 528 differ
    assert not square.is_top
    assert str((square * total).reasons) == "frozenset({'its bound has more than 1024 terms'})"
    assert (square | square * total).is_top
    assert (square + 1).dominates(square)


@holds(grown, points, points)
def test_every_size_is_monotone(size: Size, low: dict[str, int], more: dict[str, int]) -> None:
    high = {name: low[name] + more[name] for name in NAMES}
    assert size.evaluate(low) <= size.evaluate(high)


@holds(grown, points)
def test_the_compiled_function_gives_the_same_value(size: Size, point: dict[str, int]) -> None:
    order = sorted(NAMES)
    value = size.compile(order)(*(point[name] for name in order))
    assert type(value) is int
    assert value == size.evaluate(point)


@holds(grown)
def test_what_is_printed_reads_back_as_the_same_size(size: Size) -> None:
    again = Size.parse(str(size))
    assert again == size
    assert hash(again) == hash(size)
    assert str(again) == str(size)
    assert Size.parse(json.loads(json.dumps(str(size)))) == size
    assert pickle.loads(pickle.dumps(size)) == copy.deepcopy(size) == size


@holds(st.text(min_size=1))
def test_any_text_can_name_a_symbol(text: str) -> None:
    size = 3 * Size.symbol(text) + 1
    assert Size.parse(str(size)) == size
    assert size.evaluate(dict.fromkeys(size.symbols(), 5)) >= 1


@pytest.mark.parametrize(
    "text", ["n", "len(data)", "len(self.rows[])", "maxlen(keys(d))", "total(lines)", "d[(a, 'b')].c", "é.x"]
)
def test_balanced_names_print_as_they_are(text: str) -> None:
    assert str(Size.symbol(text)) == text
    assert Size.symbol(text).symbols() == {text}


@pytest.mark.parametrize(
    "text", ["a + b", "2n", "a*b", "max(a, b)", "unbounded(x)", "min(x)", "f(]", "f(", '"', "a b", "-1", " n"]
)
def test_names_that_would_read_as_something_else_are_quoted(text: str) -> None:
    assert str(Size.symbol(text)) == json.dumps(text)
    assert Size.parse(json.dumps(text)).symbols() == {text}


@holds(grown, grown, grown)
def test_the_order_of_operands_does_not_show(a: Size, b: Size, c: Size) -> None:
    assert a + b == b + a
    assert a | b == b | a
    assert a | a == a
    assert a + 0 == a == a * 1 == a | 0
    if max(len(x.polynomials) for x in (a, b, c)) <= 2:
        assert str((a | b) | c) == str(a | (b | c))
        assert str((a + b) + c) == str(a + (b + c)) or len((a + b).polynomials) * len(c.polynomials) > 6


@holds(grown, grown, points)
def test_what_dominates_is_never_less(a: Size, b: Size, point: dict[str, int]) -> None:
    assert (a + b).dominates(b)
    assert (a | b).dominates(a)
    if a.dominates(b):
        assert a.evaluate(point) >= b.evaluate(point)


n, m = Size.symbol("n"), Size.symbol("m")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (ZERO, "0"),
        (Size.const(Fraction(6, 2)), "3"),
        (5 * n // 4 + 16, "5/4*n + 16"),
        (n | n + 5, "n + 5"),
        (3 | 7 | Size.const(5), "7"),
        (n * n | n | m, "max(n*n, m)"),
        (n * n * m | n * m, "m*n*n"),
        (n * m | n, "max(m*n, n)"),
        (n * n + 2 * n | 3 * n, "n*n + 2*n"),
        ((n | m) + 5, "max(m + 5, n + 5)"),
        (n.at_most(65536) * 2, "2*min(n,65536)"),
        (Size.symbol("min(n, 65536)"), "min(n,65536)"),
        (n.at_most(10).at_most(20) | n.at_most(20).at_most(10), "min(n,10)"),
        (n.at_most(10) | n, "n"),
        (n.at_most(10) | 12, "12"),
        ((n + 20).at_most(10), "10"),
        (n.at_most(0), "0"),
        ((n | 5).at_most(8), "max(min(n,8), 5)"),
        ((8 * n + 20) // 8, "n + 2"),
        ((8 * n + 20).ceil_div(8), "n + 3"),
        (n.ceil_div(4096), "1/4096*n + 4095/4096"),
        ((2 * n + m + 40).minus(n + 100), "m + n"),
        (n.minus(n | 5), "0"),
        (n.substitute({"n": m.at_most(7)}), "min(m,7)"),
        ((2 * n).at_most(100).substitute({"n": Size.const(30)}), "60"),
        ((n * m).substitute({"n": m, "m": n}), "m*n"),
        (sum((Size.symbol(x) for x in "abc"), start=ZERO), "a + b + c"),
        (Size.unbounded("b") + Size.unbounded('a"') * n, 'unbounded("a\\"", "b")'),
        (Size.unbounded("x").at_most(9), "9"),
        (Size.unbounded("x") * 0, "0"),
        (n.substitute({"n": Size.unbounded("x")}).minus(5) // 2, 'unbounded("x")'),
        (n.at_most(64).substitute({"n": Size.unbounded("x")}), "64"),
        (n.minus(Size.unbounded("x")), "n"),
    ],
)
def test_normal_form(size: Size, text: str) -> None:
    assert str(size) == text
    assert Size.parse(text) == size


def test_more_than_six_polynomials_are_joined_by_coefficient() -> None:
    size = ZERO
    for i, name in enumerate("abcdefg"):
        size |= Size.symbol(name) + (10 - i)
        assert len(size.polynomials) == (i + 1 if i < 6 else 1)
    assert str(size) == "a + b + c + d + e + f + g + 10"


def test_constants_and_zero_and_no_bound_are_told_apart() -> None:
    assert (ZERO.as_const(), lift(7).as_const(), n.as_const(), Size.unbounded("x").as_const()) == (
        0,
        7,
        None,
        None,
    )
    assert (n | 5).as_const() is None
    assert ZERO.is_zero
    assert not Size.unbounded("x").is_zero
    assert Size.unbounded("x").is_top
    assert (Size.unbounded("x") | Size.unbounded("y")).reasons == {"x", "y"}
    assert Size.unbounded("x").dominates(n)
    assert not n.dominates(Size.unbounded("x"))


@pytest.mark.parametrize(
    "text", ["", "n +", "max(n", "min(n,m)", "n)", "1/0", "2 n", "-1", "unbounded()", "f(]", "max()"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        Size.parse(text)


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        Size.const(-1)
    with pytest.raises(ValueError, match="positive"):
        n // 0
    with pytest.raises(ValueError, match="natural numbers are wanted for n"):
        n.evaluate({"n": -1})
    with pytest.raises(ValueError, match="no value is given for n"):
        n.compile(["m"])
    with pytest.raises(ValueError, match="because too deep"):
        Size.unbounded("too deep").evaluate({})
    with pytest.raises(ValueError, match="because too deep"):
        Size.unbounded("too deep").compile([])


def test_a_size_does_not_change() -> None:
    with pytest.raises(AttributeError):
        n.reasons = frozenset()  # type: ignore[misc]
    assert not hasattr(n, "__dict__")


def test_a_compiled_bound_is_fast(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints what an evaluation takes; nothing is asserted of a time that other processes share."""
    for size in (41 * n + 545, 5 * n // 4 + 16, (n.at_most(65536) * 2 + 33) | 4096, (n | m) * 3 + n * m + 7):
        function, point = size.compile(["m", "n"]), {"m": 100, "n": 1000}
        assert function(100, 1000) == size.evaluate(point)
        took = (
            min(timeit.repeat(lambda function=function: function(100, 1000), number=20_000, repeat=3))
            / 20_000
        )
        with capsys.disabled():
            print(f"\n{size}: {took * 1e9:.0f} ns", end="")
