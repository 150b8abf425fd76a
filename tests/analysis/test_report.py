"""Sizes in the text may be greater than the bound, never less."""

from __future__ import annotations

import pytest

from hardtack.analysis.report import at, rounded
from hardtack.symbolic import ZERO, Size


@pytest.mark.parametrize(
    ("exact", "printed"),
    [
        ("1143/4*len(row) + 1071", "286*len(row) + 1071"),
        ("2*min(10/9*min(n,4300) + 362/9,4300) + 1/2", "2*min(2*min(n,4300) + 41,4300) + 1"),
        ("max(1/2*n, 3*m)", "max(3*m, n)"),
        ("7", "7"),
    ],
)
def test_coefficients_are_whole(exact, printed):
    size = Size.parse(exact)
    assert rounded(size) == Size.parse(printed)
    for n in (0, 1, 2, 3, 7, 100, 5000):
        values = dict.fromkeys(size.symbols(), n)
        assert rounded(size).evaluate(values) >= size.evaluate(values)


def test_nothing_and_no_bound_stay():
    assert rounded(ZERO) == ZERO
    assert rounded(Size.unbounded("why")).is_top


def test_examples_are_of_numbers_that_agree():
    size = Size.parse("4*extra(n) + 100*neg(n) + n + len(xs)")
    assert at(size, 1000) == 2000
    assert at(size, 1 << 30) == 4 + (1 << 31)
