"""The lab's experiments, for real, as short as they go; their figures are for people to judge."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardtack.lab import children, experiments, failing_allocations
from hardtack.lab.experiment import Claim, Figure, Findings, to_json
from hardtack.lab.experiments import (
    background,
    bounds,
    citizen,
    concurrency,
    interpreter,
    ladder,
    overhead,
    spread,
)

TESTING = importlib.util.find_spec("_testcapi") is not None


# -- the frame
def test_every_experiment_is_found_by_its_name() -> None:
    assert {module.name for module in pkgutil.iter_modules(experiments.__path__)} == set(experiments.NAMES)
    for name in experiments.NAMES:
        experiment = experiments.find(name)
        assert experiment.name == name
        assert experiment.asks.endswith("?")
        assert 0 < experiment.steps(True) <= experiment.steps(False)


def test_there_is_no_other_experiment() -> None:
    with pytest.raises(KeyError):
        experiments.find("children")


def test_the_json_is_as_the_design_says() -> None:
    rows = [{"call": "pipe", "ns": Figure(2.00001, 1.0, 3.0), "holds": True, "ratio": 1.23456}]
    found = to_json("overhead", 7, Findings([Claim("It is cheap.", "", "it is", True)], rows))
    assert json.loads(json.dumps(found)) == {
        "name": "overhead",
        "seed": 7,
        "claims": [{"claim": "It is cheap.", "original": "", "found": "it is", "holds": True}],
        "rows": [
            {"call": "pipe", "ns": {"median": 2.0, "least": 1.0, "most": 3.0}, "holds": True, "ratio": 1.235}
        ],
    }


# -- children
def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while _is_there(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not _is_there(pid)


def test_a_function_is_called_in_a_process_of_its_own() -> None:
    assert children.call(os.getpid, seconds=60) != os.getpid()


def test_a_child_that_raises_is_told_of_in_its_own_words() -> None:
    with pytest.raises(children.ChildFailed, match="status 1: KeyError: 'nobody'"):
        children.call(experiments.find, "nobody", seconds=60)


def test_a_child_that_takes_too_long_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(children.ChildFailed, match="had not ended after 1 s"):
        children.call(time.sleep, 600, seconds=1)
    assert time.monotonic() - started < 60


def test_several_children_run_at_the_same_time(tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)  # to open it is to wait for the other end
    ends = [(os.open, (pipe, os.O_RDONLY)), (os.open, (pipe, os.O_WRONLY))]
    assert all(descriptor > 2 for descriptor in children.call_together(ends, seconds=60))


def test_a_child_that_fails_ends_those_beside_it() -> None:
    began = time.monotonic()
    with pytest.raises(children.ChildFailed, match="nobody"):
        children.call_together([(experiments.find, ("nobody",)), (time.sleep, (600,))], seconds=60)
    assert time.monotonic() - began < 60


def test_a_child_ends_when_its_parent_is_killed() -> None:
    code = (
        "import os, sys, time; from hardtack.lab import children, experiments; from pathlib import Path\n"
        "children.call(time.sleep, 600, seconds=600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    found: list[int] = []
    while not found and time.monotonic() < deadline:
        found = [
            int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        ]
        with contextlib.suppress(FileNotFoundError):  # one that has ended since
            found = [
                pid for pid in found if b"hardtack.lab.children" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    (child,) = found
    assert _wait_until_gone(child)


# -- each experiment
def test_citizens_get_on_beside_abusers() -> None:
    run = citizen.live_beside("abusers", 3.0, seed=1)
    assert run["errors"] == []
    assert run["delivered"] > 0
    assert run["overruns"] == run["failed_calls"] == 0
    assert not any(kill["citizen"] for kill in run["kills"])


def test_a_ladder_that_does_not_collect_kills_and_the_whole_one_does_not() -> None:
    whole, bare = ladder.serve(True, True, 500, 1), ladder.serve(False, False, 500, 1)
    assert whole["kills"] == 0 < bare["kills"]


def test_the_same_seed_gives_the_same_kills() -> None:
    first, again = (ladder.serve(False, True, 500, 3) for _ in range(2))
    assert first["kills"] == again["kills"]


@pytest.mark.parametrize(("rule", "killed"), [("objects", "keeper"), ("bytes", "pipehog")])
def test_by_the_rule_depends_who_is_killed(rule: str, killed: str) -> None:
    run = spread.exhaust("pipehog", rule, seed=1)
    assert run["killed"][0] == killed
    assert run["citizen_killed"] == (killed == "keeper")


def test_what_the_scheduler_takes_is_noted() -> None:
    taken = background.work("descriptors", 1.0)
    assert taken["starts"] >= 4
    assert taken["turns"] >= 50
    assert min(taken["turn"], taken["start"]) > 0


@pytest.mark.skipif(not TESTING, reason="this Python has no _testcapi")
def test_each_allocation_that_fails_has_an_outcome() -> None:
    found = interpreter.fail_each(sys.executable, 64, 1)
    assert found["operations"].keys() == failing_allocations.OPERATIONS.keys()
    outcomes = [
        sum(count for kind, count in row.items() if kind != "allocations")
        for row in found["operations"].values()
    ]
    assert max(outcomes) == 2
    assert sum(outcomes) >= len(outcomes)  # the last of few is not always reached once more
    assert sum(row["allocations"] for row in found["operations"].values()) > 1000


def test_operations_under_reservations_are_refused_or_done() -> None:
    found = interpreter.reserve_each(4, 1)["operations"]
    refused, done, broken = (sum(column) for column in zip(*found.values(), strict=True))
    assert refused > 0
    assert done > 0
    assert broken == 0


def test_a_tighter_bound_lets_more_calls_in() -> None:
    half, exact = (concurrency.serve(size, 0.5, 1) for size in ("M / 2", "the bound on the arguments"))
    assert half["flying"] <= 2 < exact["flying"]
    assert half["failures"] == exact["failures"] == 0


def test_a_call_beyond_its_bound_is_a_claim_that_does_not_hold() -> None:
    found = {row.name: bounds._Call(calls=1, peak=10, bound=20, worst=0.5) for row in bounds.TABLE}
    assert bounds._claims(found, [], [])[0].holds
    assert not bounds._claims(found, ["pipe took 30 of 20"], [])[0].holds


def test_a_call_without_a_worst_case_is_a_claim_that_does_not_hold() -> None:
    found = {row.name: bounds._Call(calls=1, peak=10, bound=20, worst=0.5) for row in bounds.TABLE}
    assert not bounds._claims(found, [], ["pipe"])[0].holds


def _rounds(reserve: float) -> dict[str, list[float]]:
    return {"reserve": [reserve] * 4, "fail": [100.0] * 4}


@pytest.mark.parametrize(
    ("by_time", "by_count", "holds"),
    [(120, None, False), (103, None, True), (103, 106, False), (103, 103, True)],
)
def test_what_reservations_cost_a_program_is_judged_by_instructions_and_by_time(
    by_time: float, by_count: float | None, holds: bool
) -> None:
    counted = {} if by_count is None else {"a": {"reserve": by_count, "fail": 100.0}}
    assert overhead._claim_counted("It is cheap.", {"a": _rounds(by_time)}, counted, 5).holds is holds


def test_what_reservations_cost_a_call_is_judged_by_time_alone() -> None:
    counted = {"a": {"reserve": 110.0, "fail": 100.0}}
    assert overhead._claim("It is cheap.", {"a": _rounds(104)}, counted, 5).holds
    assert not overhead._claim("It is cheap.", {"a": _rounds(106)}, counted, 5).holds


def test_rounds_that_took_more_in_three_of_four_speak_against_instructions() -> None:
    counted = {"a": {"reserve": 103.0, "fail": 100.0}}
    slow, noisy = _rounds(120), {"reserve": [120.0, 120.0, 99.0, 99.0], "fail": [100.0] * 4}
    assert not overhead._claim_counted("It is cheap.", {"a": slow}, counted, 5).holds
    assert overhead._claim_counted("It is cheap.", {"a": noisy}, counted, 5).holds
