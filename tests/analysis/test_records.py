"""Records: dataclasses that are quick to make, and are to anybody who reads them as the standard library's."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import field

import pytest

from hardtack.analysis.domain import Cell, Value
from hardtack.analysis.records import record, replace


@record(frozen=True, slots=True)
class One:
    only: int = 1


@record(frozen=True, slots=True)
class Several:
    first: int
    second: tuple[int, ...] = (2,)
    found: int | None = field(default=None, init=False, compare=False)


def test_replacing_gives_what_the_standard_library_gives() -> None:
    assert replace(Several(1), second=(3, 4)) == dataclasses.replace(Several(1), second=(3, 4))
    assert replace(Value(), plain=2) == dataclasses.replace(Value(), plain=2) != Value()


def test_a_record_of_one_attribute_is_replaced() -> None:
    assert replace(One(), only=5) == One(5)


def test_what_was_found_out_about_a_record_is_no_part_of_its_copy() -> None:
    cell = Cell("list", element=Value(frozenset({3})))
    assert cell.refers_to() == {3}
    assert replace(cell, element=Value()).refers_to() == frozenset()


def test_an_attribute_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        replace(One(), other=1)  # type: ignore[call-arg]


def test_equal_records_have_one_hash_and_outlive_a_pickle() -> None:
    made = Several(1, (3,))
    assert hash(made) == hash(Several(1, (3,)))
    assert pickle.loads(pickle.dumps(made)) == made
