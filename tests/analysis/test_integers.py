from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardtack.analysis import integers
from hardtack.symbolic import Size

OPERATORS = {
    "__add__": operator.add,
    "__sub__": operator.sub,
    "__rsub__": lambda a, b: b - a,
    "__mul__": operator.mul,
    "__floordiv__": operator.floordiv,
    "__mod__": operator.mod,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__lshift__": operator.lshift,
    "__rshift__": operator.rshift,
    "__pow__": operator.pow,
}
VALUES = st.one_of(st.integers(-10, 300), st.integers(-(2**70), 2**70))


@st.composite
def covered(draw):
    """An integer, and a range that covers it."""
    value = draw(VALUES)
    low = min(value, draw(VALUES)) if draw(st.booleans()) else value
    high = max(value, draw(VALUES)) if draw(st.booleans()) else value
    return value, integers.between(low, Size.const(max(high, 0)))


def holds(number, value):
    """Whether a range covers an integer, its digits included."""
    high, low = number.high, number.low
    return (
        (high.is_top or value <= high.as_const())
        and (low.is_top or -value <= low.as_const())
        and value >= (number.least if low.is_zero else value)
        and abs(value).bit_length() <= 30 * number.wide().as_const()
    )


@pytest.mark.parametrize("name", OPERATORS)
@given(left=covered(), right=covered())
def test_a_result_lies_in_the_range_that_arithmetic_gives(name, left, right):
    (a, one), (b, other) = left, right
    if name in {"__lshift__", "__rshift__", "__pow__"} and not 0 <= b <= 5000:
        return
    if name == "__pow__" and b > 40:
        return
    try:
        value = OPERATORS[name](a, b)
    except (ZeroDivisionError, ValueError):
        return
    assert holds(integers.binary(name, one, other), value)


@pytest.mark.parametrize(
    ("name", "run"), [("__neg__", operator.neg), ("__abs__", abs), ("__invert__", operator.inv)]
)
@given(one=covered())
def test_a_result_of_one_operand_lies_in_its_range(name, run, one):
    value, number = one
    assert holds(integers.unary(name, number), run(value))


@given(left=covered(), right=covered())
def test_a_join_covers_both(left, right):
    joined = left[1].join(right[1])
    assert holds(joined, left[0])
    assert holds(joined, right[0])


@given(value=VALUES, limit=VALUES)
def test_a_limit_that_holds_keeps_the_value_in_the_range(value, limit):
    number = integers.between(value, Size.const(max(value, 0)))
    if value <= limit:
        assert holds(integers.at_most(number, Size.const(max(limit, 0))), value)
    if value >= limit:
        assert holds(integers.at_least(number, limit), value)


@given(a=st.integers(0, 2**29), b=st.integers(0, 2**29), n=st.integers(0, 9))
def test_digits_of_a_symbolic_magnitude_are_those_of_any_value_in_it(a, b, n):
    size = Size.symbol("len(x)") * Size.symbol("len(y)") * n + Size.symbol("len(x)") + n
    value = a * b * n + a + n
    assert value.bit_length() <= 30 * integers.digits_of(size).as_const()


def test_an_origin_follows_what_is_added():
    start = integers.Number(Size.symbol("n"), origin=("loop:i", 0, 0))
    added = integers.binary("__add__", start, integers.constant(3))
    assert added is not None
    assert added.origin == ("loop:i", 3, 3)
    assert added.join(start).origin == ("loop:i", 0, 3)


def test_a_quotient_of_a_natural_number_is_at_most_half():
    start = integers.Number(Size.symbol("n"), origin=("loop:i", 0, 0))
    halved = integers.binary("__floordiv__", start, integers.constant(2))
    assert halved is not None
    assert halved.origin == ("÷loop:i", None, 0)
    assert integers.binary("__floordiv__", start, integers.constant(1)).origin is None


def test_a_power_of_constants_is_known():
    power = integers.binary("__pow__", integers.constant(10), integers.constant(18))
    assert (power.high, power.low, power.least) == (Size.const(10**18), Size.const(0), 10**18)
    larger = integers.binary("__pow__", integers.constant(10), integers.constant(10**6))
    assert larger.high.is_top
    assert larger.wide().as_const() >= 10**6 * 3.3 / 30
