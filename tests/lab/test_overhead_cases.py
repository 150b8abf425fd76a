"""What `overhead` runs: each case does what it says, in both kernels."""

from __future__ import annotations

import shutil

import pytest

from hardtack.lab import overhead_cases
from hardtack.lab.children import ChildFailed
from hardtack.lab.overhead_cases import CALLS, ON_OFF, programs, time_in_turns


def test_a_command_is_timed_with_reservations_and_without_as_often_as_asked() -> None:
    found = time_in_turns(CALLS["sched_yield"].command(500), 4, 500)
    assert {policy: len(rounds) for policy, rounds in found.items()} == dict.fromkeys(ON_OFF, 4)
    assert all(0 < time < 1e6 for rounds in found.values() for time in rounds)


@pytest.mark.parametrize("name", programs(quick=True))
def test_every_program_runs_to_its_end(name: str) -> None:
    found = time_in_turns(programs(quick=True)[name].command, 1)
    assert all(time > 0 for rounds in found.values() for time in rounds)


def test_a_command_that_fails_is_not_timed() -> None:
    with pytest.raises(ChildFailed, match="status 1"):
        time_in_turns(("cat", "/nothing"), 1)


def test_a_quick_run_has_no_program_that_takes_long_to_compile() -> None:
    quick = programs(quick=True)
    assert all(case.counted and case.rounds[True] for case in quick.values())
    assert quick.items() <= programs(quick=False).items()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_are_counted_with_reservations_and_without() -> None:
    found = overhead_cases.count_calls()
    assert found.keys() == CALLS.keys()
    assert all(1000 < counts[policy] < 1e6 for counts in found.values() for policy in ON_OFF)
