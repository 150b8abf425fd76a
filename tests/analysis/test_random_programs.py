"""The gate: random programs never hold more than the analyser says, and most of them get a bound."""

from __future__ import annotations

import os

import pytest
from fuzz import examine

COUNT = int(os.environ.get("HARDTACK_FUZZ", "500"))
BATCH = 50
FIRST = 1_000_000  # seeds; `make fuzz` begins elsewhere


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_no_random_program_holds_more_than_its_bound(first, tmp_path):
    report = examine(range(first, first + BATCH), tmp_path)
    assert not report.violations, "\n".join(report.violations)
    assert report.bounded, "none of these programs has a bound: the gate shows nothing"


def test_a_bound_that_is_too_low_is_noticed(tmp_path):
    report = examine(range(FIRST, FIRST + 20), tmp_path, divide_by=8)
    assert report.violations
