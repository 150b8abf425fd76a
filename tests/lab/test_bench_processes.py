"""The benchmarks of whole programs: each measures what it says, on both sides."""

from __future__ import annotations

from hardtack.lab.bench_processes import SLEEP_SECONDS, measure_kill, measure_startup
from hardtack.lab.rows import row_of


def test_kills_are_measured_on_both_sides():
    blocked, spinning = measure_kill(rounds=1)
    assert (blocked.name, blocked.unit) == ("kill_blocked", "ms")
    assert 0 < blocked.ours < 1000 * SLEEP_SECONDS
    assert blocked.peers["wasmtime"] > 500 * SLEEP_SECONDS  # an epoch does not reach who sleeps
    assert 0 < spinning.ours < 1000


def test_starts_are_measured_on_all_sides():
    again, process, cold = measure_startup(rounds=1)
    assert again.unit == "us"
    assert process.unit == cold.unit == "ms"
    assert process.ours > again.ours / 1000
    assert "wasmtime" in again.peers
    assert set(process.peers) >= {"wasmtime"}


def test_a_ratio_is_the_median_of_the_rounds():
    row = row_of("x", "ms", {"ours": [1, 4, 2], "peer": [2, 2, 8]})
    assert (row.ours, row.spread, row.peers, row.ratio) == (2, (1, 4), {"peer": 2}, {"peer": 0.5})
