"""The gate notices every rule of the analyser that is broken, and nothing is wrong with it as it is."""

from __future__ import annotations

import pytest
from mutants import MUTANTS, all_noticed, mutated


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return all_noticed(MUTANTS)


def test_nothing_holds_more_than_its_bound_by_the_analyser_as_it_is(found):
    assert found[""] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_noticed(found, mutant):
    assert found[mutant.name], f"no case noticed that the analyser {mutant.name}"


def test_a_mutant_that_no_longer_applies_is_an_error(tmp_path):
    missing = type(MUTANTS[0])("mutates nothing", "access.py", (("no such text", ""),), ())
    with pytest.raises(ValueError, match="does not apply"):
        mutated(missing, tmp_path)
