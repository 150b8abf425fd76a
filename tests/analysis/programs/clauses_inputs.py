"""Inputs for `clauses`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hardtack.lab.measuring import given
from programs.clauses import (
    Anything,
    Bag,
    Finalized,
    Holder,
    Pair,
    Sized,
    SizedByTexts,
    Told,
    any_of_no_length,
    as_many_as_it_has,
    beside_it,
    bound_anew,
    bound_anew_and_kept,
    bound_anew_from_itself,
    cleared,
    cleared_below_a_list,
    cleared_of_anything,
    cleared_of_named_tuples,
    cleared_of_what_is_iterated,
    default_of_a_field,
    defaults_of_fields,
    formatted_by_itself,
    length_of_its_own,
    length_that_is_none,
    only_read,
    replaced_as_a_global,
    replaced_as_an_attribute,
    replaced_as_an_object,
    replaced_as_what_is_iterated,
    replaced_in_a_dict,
    replaced_in_a_pair,
    replaced_with_its_items,
    suspended,
    taken_out,
    tested_for_no_length,
    truth_of_its_length,
    truth_of_no_length,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardtack.lab.measuring import Make


def texts() -> list[Make]:
    return [lambda n=n: given([f"abc{i}" for i in range(n)]) for n in (0, 1, 2, 5, 40, 300)]


def held() -> list[Finalized]:
    return [Finalized("abc" * 100) for _ in range(3)]


def stepped() -> Iterator[int]:
    def steps() -> Iterator[int]:
        try:
            yield 1
        finally:
            bytes(10_000)

    made = steps()
    next(made)
    return made


def sized() -> list[Make]:
    return [lambda n=n, of=of: given(of([1] * n)) for n in (0, 1, 5, 100) for of in (Sized, SizedByTexts)]


TEXTS = ("", "a", "ab" * 300, "\N{GRINNING FACE}" * 100)
LENGTHS = (0, 1, -1, 5000, 10**18, 10**30, -(10**30))


INPUTS: dict[Callable[..., object], list[Make]] = {
    bound_anew: texts(),
    bound_anew_from_itself: texts(),
    bound_anew_and_kept: texts(),
    cleared: [lambda: given(held())],
    taken_out: [lambda: given(deque(held()))],
    replaced_in_a_dict: [lambda: given({"a": held()[0]})],
    replaced_as_an_attribute: [lambda: given(Holder())],
    replaced_as_a_global: [given],
    suspended: [lambda: given([stepped()])],
    cleared_below_a_list: [lambda: given(Bag(held()))],
    cleared_of_named_tuples: [lambda: given([Pair(held()[0], 1)])],
    cleared_of_anything: [lambda: given(held())],
    cleared_of_what_is_iterated: [lambda: given([stepped()])],
    replaced_as_an_object: [lambda: given(Anything())],
    replaced_with_its_items: [lambda: given(Anything())],
    replaced_in_a_pair: [lambda: given(Anything())],
    replaced_as_what_is_iterated: [lambda: given(Anything())],
    only_read: [lambda: given(held())],
    beside_it: [lambda: given(Holder())],
    length_of_its_own: sized(),
    as_many_as_it_has: sized(),
    truth_of_its_length: sized(),
    length_that_is_none: [lambda n=n: given(n) for n in LENGTHS],
    truth_of_no_length: [lambda n=n: given(Told(n)) for n in LENGTHS],
    tested_for_no_length: [lambda n=n: given(Told(n)) for n in LENGTHS],
    any_of_no_length: [lambda n=n: given([Told(0), Told(n)]) for n in LENGTHS],
    default_of_a_field: [lambda text=text: given(text) for text in TEXTS],
    defaults_of_fields: [lambda text=text: given(text) for text in TEXTS],
    formatted_by_itself: [lambda text=text: given(text) for text in TEXTS],
}
