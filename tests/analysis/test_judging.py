"""Bounds made by hand: true ones, one that is too low, and none, are told apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from judging import Row, judge, summary, table
from programs_run import programs

from hardtack.analysis.results import Finding

PROGRAMS = {name: (function, inputs) for name, function, inputs in programs()}


@dataclass
class ByHand:
    peak: str | None
    per_character: int = 0
    constant: int = 0
    findings: list[Finding] = field(default_factory=list)

    def for_call(self, text):
        return self.constant + self.per_character * len(text)


BOUNDS = {
    "true": ByHand("30*len(text)+1000", 30, 1000),  # three characters for one, four bytes each, and the copy
    "low": ByHand("4*len(text)+200", 4, 200),
    "none": ByHand(None, findings=[Finding("loop", "src/text.py", 7, 12, "why", "so")]),
    "silent": ByHand(None),
}


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    function, inputs = PROGRAMS["programs.text:shout"]
    return {name: judge(name, BOUNDS.__getitem__, function, inputs) for name in BOUNDS}


def test_a_true_bound_is_not_exceeded(rows):
    assert rows["true"].violations == []
    assert rows["true"].calls > 100
    assert 1 < rows["true"].tightest <= rows["true"].median


def test_a_bound_that_is_too_low_is_exceeded_and_says_where(rows):
    assert rows["low"].violations
    assert rows["low"].tightest < 1
    assert all(peak > bound for _, _, bound, peak in rows["low"].violations)


def test_without_a_bound_nothing_is_measured_and_the_findings_stand(rows):
    assert rows["none"] == Row("none", None, ["text.py:7: loop: why"])


def test_the_summary_counts_and_names_what_is_wrong(rows):
    text = summary(list(rows.values()))
    assert "2 of 4 bounded (50 %)" in text
    assert "1 exceeded" in text
    assert "EXCEEDED low" in text
    assert "NO FINDING silent" in text
    assert "EXCEEDED true" not in text


def test_the_table_has_a_line_for_each(rows):
    lines = table(list(rows.values())).splitlines()
    assert len(lines) == 2 + 4
    assert lines[2].startswith("| true | 30*len(text)+1000 | ")
    assert lines[4] == "| none | none: text.py:7: loop: why | | | |"
