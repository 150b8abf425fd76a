from __future__ import annotations

import itertools

import pytest
from searching import search
from values import SIZES, adversarial, calls, distinct, nested, strategy, texts

from hardtack.heap import size_class
from hardtack.lab.measuring import check


def test_texts_have_every_width_and_both_ends_of_length():
    widest = {max(text, default="") for text in texts()}
    assert {"a", "\xe9", "\u20ac", "\U0001f600"} <= widest
    assert {0, 1, 5000} <= {len(text) for text in texts()}


@pytest.mark.parametrize("annotation", [list[int], set[int], dict[str, int], tuple[int, ...]])
def test_containers_come_in_sizes_on_both_sides_of_where_they_grow(annotation):
    assert set(SIZES) <= {len(value) for value in adversarial(annotation)}


def test_a_list_can_be_one_object_many_times():
    values = list(adversarial(list[list[int]]))
    assert any(len(value) > 100 and len({id(row) for row in value}) == 1 for value in values)


def test_integers_are_of_every_size():
    lengths = {number.bit_length() for number in adversarial(int)}
    assert min(lengths) == 0
    assert max(lengths) > 5000
    assert any(number < 0 for number in adversarial(int))


def test_a_union_has_the_values_of_all_its_members():
    kinds = {type(value) for value in adversarial(str | int | None)}
    assert kinds == {str, int, type(None)}


def test_distinct_values_are_distinct():
    for annotation in (int, str, bytes, float, tuple[int, str]):
        assert len(set(distinct(annotation, 500))) == 500


def test_a_type_without_corners_is_refused_by_name():
    with pytest.raises(TypeError, match="Exception"):
        next(adversarial(Exception))


def test_nesting_is_as_deep_as_asked():
    value, depth = nested(50), 1
    while value:
        value, depth = value[0], depth + 1
    assert depth == 50


def both(one: list[int], other: list[int]) -> list[int]:
    return one + other


def test_two_parameters_of_one_type_are_given_one_object_too():
    made = [make()[1] for make in calls(both)]
    assert any(row["one"] is row["other"] for row in made)
    assert any(row["one"] is not row["other"] for row in made)


def test_a_maker_makes_new_arguments_each_time():
    for make in itertools.islice(calls(both), 30):
        one, other = make()[1], make()[1]
        assert one == other
        assert one["one"] is not other["one"]


@pytest.mark.parametrize(
    "annotation", [str, int, list[str], dict[str, list[int]], set[int], tuple[int, str], str | None]
)
def test_every_type_with_corners_has_a_strategy(annotation):
    assert not strategy(annotation).is_empty


class Joined:
    """Bytes of `both`: a list and its items, times a factor."""

    def __init__(self, factor):
        self.factor = factor

    def for_call(self, one, other):
        return int(size_class(56) + self.factor * size_class(8 * (len(one) + len(other))))


def test_a_bound_that_holds_survives_the_search():
    search(Joined(1), both)
    assert not check("both", Joined(1), both, calls(both)).violations


def test_a_bound_that_is_too_low_is_found_and_made_small():
    with pytest.raises(AssertionError, match=r"holds 80, its bound is 64"):
        search(Joined(0), both)
    assert check("both", Joined(0.9), both, calls(both)).violations


def swallow(one: bytearray, other: bytearray) -> None:
    one += other


class NoAliases:
    """Bytes of `swallow`, if both arguments were always two objects: what an unsound analyser might say."""

    def for_call(self, one, other):
        if one is not other:
            return 10**9
        return 0


def test_arguments_that_are_one_object_are_searched_too():
    with pytest.raises((AssertionError, BufferError)):
        search(NoAliases(), swallow)
    assert check("swallow", NoAliases(), swallow, calls(swallow)).violations
