"""What the gate has found once stays found: each of these calls keeps within its bound, or has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs.asked_inputs import INPUTS as ASKED
from programs.begun_inputs import INPUTS as BEGUN
from programs.clauses_inputs import INPUTS as CLAUSES
from programs.collecting_inputs import INPUTS as COLLECTING
from programs.counted_inputs import INPUTS as COUNTED
from programs.decorated_inputs import INPUTS as DECORATED
from programs.errors_inputs import INPUTS as ERRORS
from programs.found_inputs import INPUTS as FOUND
from programs.holes_inputs import INPUTS as HOLES
from programs.shapes_inputs import INPUTS as SHAPES
from programs.stand_ins_inputs import INPUTS as STAND_INS
from programs.unnamed_inputs import INPUTS as UNNAMED

from hardtack.analysis.bounds import bounds
from hardtack.lab.measuring import check
from programs import (
    asked,
    begun,
    clauses,
    collecting,
    counted,
    decorated,
    errors,
    found,
    holes,
    shapes,
    stand_ins,
    unnamed,
)

# apart: their classes are strangers
APART = {
    found: FOUND,
    stand_ins: STAND_INS,
    decorated: DECORATED,
    errors: ERRORS,
    shapes: SHAPES,
    collecting: COLLECTING,
    counted: COUNTED,
    begun: BEGUN,
    asked: ASKED,
    clauses: CLAUSES,
    unnamed: UNNAMED,
}
INPUTS = {function: inputs for each in APART.values() for function, inputs in each.items()}
# What has no bound, and why not.
WITHOUT = {
    "for_ever": "growth",
    "grown": "unsupported",
    "yielded_inside": "generator",
    "word_repeated": "loop",
    "permitted": "no-model",
    "caught_inside": "recursion",
    "errors_of_a_recursion": "recursion",
    "goes_on_though_emptied": "generator",
    "goes_on_though_another_stands_there": "generator",
    "goes_on_though_its_object_changed": "generator",
    "any_of_its_own": "generator",
    "all_of_its_own": "generator",
    "least_of_its_own": "generator",
    "greatest_of_its_own": "generator",
    "zipped_with_its_own": "generator",
    "step_of_a_slice": "no-model",
    "cut_with_a_step": "no-model",
    "unpacked_and_collected": "unsupported",
    "rows_by_a_call": "unknown-callee",
    "cleared": "implicit-call",
    "taken_out": "implicit-call",
    "replaced_in_a_dict": "implicit-call",
    "replaced_as_an_attribute": "implicit-call",
    "replaced_as_a_global": "implicit-call",
    "suspended": "implicit-call",
    "cleared_below_a_list": "implicit-call",
    "cleared_of_named_tuples": "implicit-call",
    "cleared_of_anything": "implicit-call",
    "cleared_of_what_is_iterated": "implicit-call",
    "replaced_as_an_object": "implicit-call",
    "replaced_with_its_items": "implicit-call",
    "replaced_in_a_pair": "implicit-call",
    "replaced_as_what_is_iterated": "implicit-call",
    "descriptor_written": "unknown-callee",
    "descriptor_of_a_class": "unknown-callee",
    "descriptor_in_a_row": "unknown-callee",
    "made_by_a_variable": "unsupported",
    "made_by_map": "unsupported",
    "made_twice": "unsupported",
    "instance_checked": "implicit-call",
    "instance_matched": "implicit-call",
    "length_of_a_class": "implicit-call",
    "truth_of_a_class": "implicit-call",
    "class_as_a_key": "implicit-call",
    "classes_sorted": "implicit-call",
    "length_of_its_class": "implicit-call",
    "rows_gone_over": "generator",
    "rows_iterated": "implicit-call",
    "rows_reversed": "implicit-call",
    "tables_compared": "implicit-call",
    "counted_down": "generator",
    "values_of_a_table": "generator",
    "appended_to_a_kind_of_list": "unsupported",
    "given_a_kind_of_list": "unsupported",
    "ranked": "implicit-call",
    "colours": "unsupported",
}


@pytest.fixture(scope="module")
def analysed():
    together = {}
    for module, functions in APART.items():
        names = [function.__name__ for function in functions]
        answers = bounds([f"{module.__file__}:{name}" for name in names])
        together.update(zip(names, answers, strict=True))
    return together


@pytest.mark.parametrize("function", INPUTS, ids=lambda function: function.__name__)
def test_what_once_held_too_much_keeps_within_its_bound(analysed, function):
    bound = analysed[function.__name__]
    if function.__name__ in WITHOUT:
        assert {finding.kind for finding in bound.findings} == {WITHOUT[function.__name__]}
        return
    assert bound.peak is not None, bound.findings
    verdict = check(function.__name__, bound, function, INPUTS[function])
    assert not verdict.violations, verdict.violations


COLLECTS = ["split_at_commas", "filled_lines", "paragraphs", "joined_twice", "blocks"]


@pytest.mark.parametrize("name", COLLECTS)
def test_what_is_collected_and_begun_anew_adds_up(analysed, name):
    bound = analysed[name]
    assert all(len(term) < 2 for polynomial in bound.peak.polynomials for term, _ in polynomial)


@pytest.fixture(scope="module")
def analysed_holes():
    names = [function.__qualname__ for function in HOLES]
    return dict(zip(names, bounds([f"{holes.__file__}:{name}" for name in names]), strict=True))


REFUSED = {
    "left_by_break": "generator",
    "left_by_return": "generator",
    "let_go_of": "generator",
    "exhausted_by_error": "generator",
    "endless_let_go_of": "generator",
    "sliced_by": "implicit-call",
    "formatted_as_number": "no-model",
    "iterated_by_getitem": "generator",
    "spread_into_a_call": "unsupported",
    "fixed_and_shortened": "annotation",
    "fixed_and_shortened_by_another_name": "annotation",
    "padded_to_a_place": "growth",
    "repeated_up_to_a_place": "growth",
    "status_of_what_is_located": "no-model",
    "status_of_a_path": "no-model",
    "branded": "no-model",
    "put_in_order": "no-model",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hole_that_cannot_be_bounded_is_refused(analysed_holes, name):
    bound = analysed_holes[name]
    assert bound.peak is None
    assert REFUSED[name] in {finding.kind for finding in bound.findings}


# What nobody has found a bound for yet; the rest has one, and keeps it.
UNBOUNDED = {
    "coroutine_made",
    "copied_while_other_grows",
    "described",
    "doubling.<locals>.wrapped",
    "dropped",
    "growing_while_walked",
    "indexed",
    "iterated",
    "never_ending_counter",
    "recursive_closure",
    "star",
    "swallowed",
    "swapped",
}
TOLD_BY_THE_CALL = {
    "patched",
    "instance_patched",
    "measured",
    "named_by_a_class_below",
}  # see test_as_analysed.py


@pytest.mark.parametrize("function", HOLES, ids=lambda function: function.__qualname__)
def test_a_hole_is_refused_or_keeps_within_its_bound(analysed_holes, function):
    bound = analysed_holes[function.__qualname__]
    if bound.peak is None:
        assert function.__qualname__ in UNBOUNDED | REFUSED.keys(), bound.findings
        return
    if function.__name__ in TOLD_BY_THE_CALL:
        return
    verdict = check(function.__name__, bound, function, HOLES[function][:40])
    assert not verdict.violations, verdict.violations


MANUAL = Path(__file__).parents[2] / "docs/analysis.md"


def told_by_the_manual():
    """Return the rows of the last table of docs/analysis.md: what became of cases, and their names."""
    text = MANUAL.read_text().partition("## What an analyser gets wrong")[2]
    rows = [line.strip("| ").rsplit(" | ", 2) for line in text.splitlines() if line.startswith("| ")]
    return [(now, name) for _, now, cases in rows[1:] for name in re.findall(r"`(\w+)`", cases)]


@pytest.mark.parametrize(("now", "name"), told_by_the_manual())
def test_the_manual_says_what_became_of_it(analysed, analysed_holes, now, name):
    bound = analysed_holes.get(name) or analysed[name]
    assert (bound.peak is None) == (now == "refused"), bound.findings
    assert (name in TOLD_BY_THE_CALL) == (now == "told by `for_call`")
