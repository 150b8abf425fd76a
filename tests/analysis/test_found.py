"""What the gate has found once stays found: each of these calls keeps within its bound, or has none."""

from __future__ import annotations

import pytest
from programs.found_inputs import INPUTS

from hardtack.analysis.bounds import bounds
from hardtack.lab.measuring import check
from programs import found


@pytest.fixture(scope="module")
def analysed():
    names = [function.__name__ for function in INPUTS]
    return dict(zip(names, bounds([f"{found.__file__}:{name}" for name in names]), strict=True))


@pytest.mark.parametrize("function", INPUTS, ids=lambda function: function.__name__)
def test_what_once_held_too_much_keeps_within_its_bound(analysed, function):
    bound = analysed[function.__name__]
    assert bound.peak is not None, bound.findings
    verdict = check(function.__name__, bound, function, INPUTS[function])
    assert not verdict.violations, verdict.violations
