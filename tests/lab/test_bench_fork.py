"""The benchmark of forks: it measures what it says, on all sides that can do it."""

from __future__ import annotations

from hardtack.lab import bench_fork


def test_it_measures_every_case_on_all_sides() -> None:
    told: list[str] = []
    rows = bench_fork.measure(1, told.append)
    assert [row.name for row in rows] == told == list(bench_fork._CASES)
    for row in rows:
        assert (row.unit, row.ours > 0) == ("us", True)
        assert row.peers.keys() == row.ratio.keys() >= {"wasmtime, new instance"}
    assert "the host's fork" in rows[0].peers
