"""The gate: random programs never hold more than the analyser says, and most of them get a bound."""

from __future__ import annotations

import os

import pytest
from fuzz import examine
from random_programs import make

COUNT = int(os.environ.get("HARDTACK_FUZZ", "500"))
BATCH = 100
FIRST = 1_000_000  # seeds; `make fuzz` begins elsewhere


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_no_random_program_holds_more_than_its_bound(first, tmp_path):
    report = examine(range(first, first + BATCH), tmp_path)
    assert not report.wrong, "\n".join(report.wrong)
    assert len(report.slow) <= BATCH // 25, "\n".join(report.slow)
    assert report.bounded > BATCH // 2, f"few of these programs have a bound: {report}"


def test_a_bound_that_is_too_low_is_noticed(tmp_path):
    report = examine(range(FIRST, FIRST + 20), tmp_path, divide_by=8)
    assert report.violations


def test_a_seed_is_a_program():
    assert make(FIRST) == make(FIRST)
    assert make(FIRST).source != make(FIRST + 1).source
