"""Sizes and timeouts as people give them."""

from __future__ import annotations

import doctest
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack import units
from hardtack.units import MAX_BYTES, format_bytes, parse_bytes, parse_timeout


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1b", 1),
        ("64k", 65536),
        ("64K", 65536),
        ("64 KiB", 65536),
        ("64kB", 64_000),
        ("1.5 KiB", 1536),
        ("16MiB", 16 << 20),
        ("16 m", 16 << 20),
        ("16 MB", 16_000_000),
        ("  2 GiB ", 2 << 30),
        ("2G", 2 << 30),
        ("2 gb", 2_000_000_000),
        (str(MAX_BYTES), MAX_BYTES),
    ],
)
def test_text_with_a_unit_is_parsed(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("count", [0, 1, 4096, MAX_BYTES])
def test_numbers_pass_through(count: int) -> None:
    assert parse_bytes(count) == count


@pytest.mark.parametrize(
    "text", ["", "MiB", "16 TiB", "-1", "1e3", "0x10", "1 MiB x", "1.2.3", "1_0", "\u0661"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size: write a number of bytes"):
        parse_bytes(text)


@pytest.mark.parametrize("size", [-1, MAX_BYTES + 1, "5000000000 GiB", 2**200])
def test_sizes_out_of_range_are_refused(size: int | str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_bytes(size)


@pytest.mark.parametrize("size", [True, None, 1.5, b"1"])
def test_what_is_neither_number_nor_text_is_refused(size: object) -> None:
    with pytest.raises(TypeError):
        parse_bytes(size)  # type: ignore[arg-type]


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(0, 2**50))
def test_what_is_printed_can_be_read_back_to_the_digits_shown(count: int) -> None:
    text = format_bytes(count)
    unit = 1 if text.endswith(" B") else parse_bytes("1" + text.split()[1])
    assert abs(parse_bytes(text) - count) <= unit // 20 + 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB"),
     (5 << 40, "5120.0 GiB"), (-2048, "-2.0 KiB")],
)  # fmt: skip
def test_sizes_are_printed_in_binary_units(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(None, None), (0, 0.0), (2, 2.0), (0.5, 0.5), (Decimal("1.5"), 1.5), (Fraction(1, 4), 0.25),
     (math.inf, None), (1e9, None), (1e300, None), (10**400, None), (1e9 - 1, 1e9 - 1)],
)  # fmt: skip
def test_a_timeout_is_seconds_from_0_on_or_none(timeout: float | None, seconds: float | None) -> None:
    found = parse_timeout(timeout)
    assert found == seconds
    assert found is None or type(found) is float


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, -math.inf, -(10**400), Decimal("nan")])
def test_a_timeout_of_less_than_nothing_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout is a number of seconds from 0 on"):
        parse_timeout(timeout)


@pytest.mark.parametrize("timeout", ["5", b"1", [], True, 1j])
def test_a_timeout_that_is_no_number_is_refused(timeout: Any) -> None:
    with pytest.raises(TypeError, match="timeout is a number of seconds or None"):
        parse_timeout(timeout)


def test_the_examples_run() -> None:
    assert doctest.testmod(units) == (0, 3)
