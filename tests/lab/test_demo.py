"""The demo, for real: all four policies, once, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hardtack import Kernel
from hardtack.lab import demo
from hardtack.lab.demo_child import CITIZENS, HEAP
from hardtack.runtime.outside import Virtual

HARDTACK = Path(sys.executable).parent / "hardtack"
HOGS = {"fdhog", "filehog", "forkbomb"}


class Shown:
    """What the demo printed and wrote."""

    def __init__(self, directory: Path) -> None:
        before = os.times()
        command = [HARDTACK, "demo", "--json", directory / "demo.json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        after = os.times()  # of a processor: what a busy machine does besides is not the demo's
        self.seconds = sum(after[2:4]) - sum(before[2:4])
        self.status, self.text, self.errors = done.returncode, done.stdout, done.stderr
        self.json: dict[str, Any] = json.loads((directory / "demo.json").read_text())
        self.rows: dict[str, dict[str, Any]] = {row["policy"]: row for row in self.json["rows"]}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Shown(tmp_path_factory.mktemp("demo"))


def test_it_takes_less_than_a_minute_of_processor_time(shown: Shown) -> None:
    assert shown.status == 0
    assert 0 < shown.seconds < 60


def test_the_json_is_as_the_design_says(shown: Shown) -> None:
    assert set(shown.json) == {"capacity", "rows"}
    assert shown.json["capacity"] == 16 << 20
    assert set(shown.rows) == {"reserve", "fail", "panic", "wait"}
    for row in shown.rows.values():
        assert set(row) == {
            "policy", "outcome", "citizen_errors", "delivered", "kills", "peak_live", "capacity", "waits", "seconds",
        }  # fmt: skip
        assert all(set(kill) == {"pid", "program"} for kill in row["kills"])


def test_under_every_policy_the_hogs_reach_the_limit_while_the_citizens_work(shown: Shown) -> None:
    for row in shown.rows.values():
        assert 0.9 * row["capacity"] < row["peak_live"] <= row["capacity"]
        assert row["delivered"] > 0


def test_reserve_keeps_the_citizens_from_harm(shown: Shown) -> None:
    row = shown.rows["reserve"]
    assert row["outcome"] == "all well"
    assert row["citizen_errors"] == 0
    assert row["delivered"] == demo.ALL_MESSAGES
    assert row["kills"]
    assert {kill["program"] for kill in row["kills"]} <= HOGS
    assert row["waits"] > 0


def test_panic_panics(shown: Shown) -> None:
    assert shown.rows["panic"]["outcome"] == "panicked"
    assert shown.rows["panic"]["delivered"] < demo.ALL_MESSAGES


def test_wait_deadlocks(shown: Shown) -> None:
    assert shown.rows["wait"]["outcome"] == "deadlocked"
    assert shown.rows["wait"]["delivered"] < demo.ALL_MESSAGES


def test_fail_fails_the_citizens(shown: Shown) -> None:
    row = shown.rows["fail"]
    assert row["outcome"].startswith("citizens failed: 2 errors; half-done: ")
    assert row["citizen_errors"] == 2
    assert row["kills"] == []


def test_it_is_shown_plainly_where_no_terminal_is(shown: Shown) -> None:
    assert shown.errors == ""
    assert "\x1b" not in shown.text
    lines = shown.text.splitlines()
    for policy, row in shown.rows.items():
        (line,) = [line for line in lines if line.startswith(f"{policy} ")]
        assert row["outcome"].partition("; ")[0] in line
        assert f" {row['delivered']} " in line
        assert any(line.startswith(f"{policy}: ") for line in lines)


def test_under_reserve_the_outcome_is_the_same_run_after_run(shown: Shown) -> None:
    first, again = shown.rows["reserve"], demo.run_policy("reserve").to_json()
    for key in set(first) - {"seconds", "peak_live", "waits"}:
        assert again[key] == first[key]
    # Turns are shared by the processor's time: who holds how much, and who waits, when it is full differs.
    for row in (first, again):
        assert row["waits"] > 0
        assert 0.95 * row["capacity"] < row["peak_live"] <= row["capacity"]


def peak_of_the_same_turns() -> int:
    with Kernel(HEAP, outside=Virtual(0)) as kernel:
        citizens = [kernel.spawn("/bin/mail", [name, "100", "400"]) for name in CITIZENS]
        assert kernel.run("/bin/fdhog", ["-k"]).killed is not None
        assert [citizen.wait().exit_code for citizen in citizens] == [0, 0]
        return kernel.statistics().heap.peak


def test_where_the_turns_are_the_same_so_is_the_peak() -> None:
    # CPython's own caches, which heaps share, can move a few bytes
    assert peak_of_the_same_turns() == pytest.approx(peak_of_the_same_turns(), abs=4096)


def report(**changes: Any) -> demo.Report:
    well = {
        "citizens": [0, 0], "kills": [(3, "fdhog")], "peak_live": 1, "waits": 1, "overruns": 0, "failed_calls": 0,
        "wrong": [], "late": False,
    }  # fmt: skip
    return demo.Report(**(well | changes))


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "all well"),
        ({"late": True, "citizens": [0, 137]}, "stalled: the citizens did not end in time"),
        ({"overruns": 2}, "2 calls went beyond their bound"),
        ({"failed_calls": 1}, "1 calls met a failed allocation"),
        ({"kills": [(1, "mail")]}, "mail (pid 1) was killed and is no hog"),
        ({"wrong": ["inode 3 is named and does not exist"]}, "inode 3 is named and does not exist"),
        ({"citizens": [0, 1]}, "citizens failed: 1 error; half-done: nothing that check() finds"),
    ],
)
def test_all_is_well_only_if_nothing_is_wrong(changes: dict[str, Any], outcome: str) -> None:
    found = report(**changes)
    failed = sum(status != 0 for status in found.citizens)
    assert demo._outcome(found, failed, [demo.MESSAGES, demo.MESSAGES]) == outcome


def test_all_is_not_well_if_messages_are_missing() -> None:
    assert "messages each were delivered" in demo._outcome(report(), 0, [demo.MESSAGES, demo.MESSAGES - 100])
