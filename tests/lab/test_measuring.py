"""What the sizes of objects predict is what is measured; a true bound and one too low are told apart."""

from __future__ import annotations

import gc
import sys

import pytest

from hardtack.heap import size_class
from hardtack.lab.measuring import Measured, check, given, measure

R = size_class
GC = 16  # the collector's header
LIST = R(GC + 40)
TUPLE = GC + 24
STR, WIDE = 49, 72  # fixed parts of a string: ASCII, and anything else
INT = 24


def repeat_bytes(n):
    return b"x" * n


def repeat_list(n):
    return [None] * n


def join(a, b):
    return a + b


def square(n):
    return n * n


def triple(a):
    return (a, a, a)


def one_key(key):
    return {key: None}


def halves(a):
    return a / 2, a / 4


def one_after_the_other(n):
    length = len("a" * n)
    return length + len("b" * n) < 0


def both_at_once(n):
    first = "a" * n
    second = "b" * n
    return len(first) + len(second) < 0


def seven_in_a_set(a):
    return {a}


def append(numbers):
    numbers.append(None)


@pytest.mark.parametrize(
    ("function", "arguments", "peak"),
    [
        (repeat_bytes, (1000,), R(33 + 1000)),
        (repeat_bytes, (5000,), R(33 + 5000)),
        (repeat_list, (100,), LIST + R(8) + LIST + R(800)),  # the list of one is still there
        (join, ("a" * 100, "b" * 200), R(STR + 300)),
        (join, ("a" * 100, "\u20ac"), R(WIDE + 2 + 2 * 101)),
        (join, ("a" * 100, "\U0001f600"), R(WIDE + 4 + 4 * 101)),
        (square, (1 << 3000,), R(INT + 4 * 202)),  # as many digits as both have; the result has one less
        (triple, ("a",), R(TUPLE + 24)),
        (one_key, ("a",), R(GC + 48) + R(32 + 8 + 5 * 16)),  # as long as every key is a string
        (one_key, (1,), R(GC + 48) + R(32 + 8 + 5 * 24)),
        (halves, (1.0,), R(24) * 2 + R(TUPLE + 16)),
        (one_after_the_other, (1000,), R(STR + 1000) + R(28) * 2),  # both lengths
        (both_at_once, (1000,), R(STR + 1000) * 2 + R(28) * 3),  # and their sum
        (seven_in_a_set, (1,), R(GC + 200)),
    ],
)
def test_the_peak_is_what_the_objects_sizes_add_up_to(function, arguments, peak):
    assert measure(function, lambda: given(*arguments)).peak == peak


def test_growing_a_list_made_inside_costs_its_copy_and_one_made_outside_nothing():
    inside = measure(append, lambda: given([None] * 1000), place="inside")
    grown = R(8 * ((1001 + (1001 >> 3) + 6) & ~3))
    assert inside.peak == grown  # the old items stay until the new ones are filled
    assert inside.kept == inside.retained == grown - R(8000)
    assert measure(append, lambda: given([None] * 1000)).peak == 0


def test_what_is_kept_is_told_apart_by_who_keeps_it():
    shelf = []

    def shelve(n):
        shelf.append(b"x" * n)
        return b"y" * (2 * n)

    measured = measure(shelve, lambda: given(2000), warm=0)
    assert measured.returned == R(33 + 4000)
    assert R(33 + 2000) <= measured.retained <= R(33 + 2000) + R(64)
    assert measured.kept >= measured.returned + measured.retained


def test_an_exception_is_an_outcome_and_its_traceback_keeps_what_the_frame_held():
    def fail(n):
        held = b"x" * n
        raise ValueError(len(held) < 0)

    measured = measure(fail, lambda: given(3000))
    assert measured.outcome == "ValueError"
    assert measured.peak >= measured.returned >= R(33 + 3000)
    assert measured.retained == 0


def test_a_cycle_counts_until_the_call_has_ended():
    def tie(n):
        knot = [b"x" * n]
        knot.append(knot)

    measured = measure(tie, lambda: given(4000))
    assert measured.kept >= R(33 + 4000)
    assert (measured.returned, measured.retained, gc.isenabled()) == (0, 0, True)


def test_what_only_the_first_call_needs_does_not_count():
    known = {}

    def once(n):
        if n not in known:
            known[n] = b"x" * 10_000

    assert measure(once, lambda: given(7)).peak == 0
    known.clear()
    assert measure(once, lambda: given(7), warm=0).peak > 10_000


def test_what_stands_in_the_free_lists_hides_nothing():
    cold = measure(triple, lambda: given("a"))
    rows = [(number, number, number) for number in range(3000)]
    del rows
    assert measure(triple, lambda: given("a")) == cold


def test_a_tracer_costs_the_call_nothing_and_is_there_again_afterwards():
    untraced = measure(triple, lambda: given("a"))

    def tracer(frame, event, argument):
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        traced = measure(triple, lambda: given("a"))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert traced == untraced


def test_what_a_collections_callback_lets_go_of_hides_nothing():
    quiet = measure(halves, lambda: given(1.0))

    def callback(phase, info):
        [number / 2 for number in range(50)]

    gc.callbacks.append(callback)
    try:
        assert measure(halves, lambda: given(1.0)) == quiet
        assert callback in gc.callbacks
    finally:
        gc.callbacks.remove(callback)


def test_keywords_reach_the_function():
    assert measure(repeat_bytes, lambda: given(n=5000)).kept >= R(33 + 5000)


class Affine:
    def __init__(self, constant, per_item):
        self.constant = constant
        self.per_item = per_item

    def for_call(self, n):
        return self.constant + self.per_item * n


LENGTHS = [lambda n=n: given(n) for n in (0, 1, 7, 100, 1000, 20_000)]


def test_a_true_bound_has_no_violations_and_a_ratio_of_one_or_more():
    verdict = check("repeat_bytes", Affine(64, 1.25), repeat_bytes, LENGTHS)
    assert verdict.violations == []
    assert len(verdict.cases) == 2 * len(LENGTHS)
    assert 1 <= verdict.tightest <= verdict.median < 3
    assert verdict.largest == R(33 + 20_000)


def test_a_bound_that_is_a_single_byte_too_low_is_told():
    exact = measure(repeat_bytes, lambda: given(20_000)).peak
    assert not check("exact", Affine(exact, 0), repeat_bytes, LENGTHS).violations
    verdict = check("low", Affine(exact - 1, 0), repeat_bytes, LENGTHS)
    assert [case.number for case in verdict.violations] == [5, 5]
    assert verdict.tightest < 1
    assert "2 violations" in str(verdict)


def test_a_bound_that_forgets_the_growth_of_an_argument_is_told_by_the_arguments_made_inside():
    verdict = check("append", _Constant(100), append, [lambda: given([None] * 1000)])
    assert [case.place for case in verdict.violations] == ["inside"]


class _Constant:
    def __init__(self, amount):
        self.amount = amount

    def for_call(self, *_):
        return self.amount


def test_the_bound_sees_the_arguments_as_they_are_before_the_call():
    class Length:
        def for_call(self, numbers):
            return 100 * len(numbers)

    def empty(numbers):
        numbers.clear()

    assert check("empty", Length(), empty, [lambda: given([1, 2])]).cases[0].bound == 200


def test_nothing_allocated_is_no_ratio():
    verdict = check("nothing", _Constant(10), lambda: None, [given])
    assert (verdict.tightest, verdict.median, verdict.largest) == (None, None, 0)
    assert "nothing allocated" in str(verdict)


def test_the_measured_figures_are_of_the_one_call_alone():
    keep = [measure(repeat_bytes, lambda: given(1000)) for _ in range(5)]
    assert keep == [Measured(R(1033), R(1033), R(1033), 0, "returned")] * 5
    assert sys.getrefcount(keep) == 2
