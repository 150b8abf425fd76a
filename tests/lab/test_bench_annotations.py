"""What `hardtack bench annotations` measures; the figures themselves are for people to judge."""

from __future__ import annotations

from hardtack import checks
from hardtack.lab import bench_annotations


def test_every_annotation_is_measured_on_off_and_without() -> None:
    rows = {row.name: row for row in bench_annotations.measure(1)}
    assert {"bounded", "loop_bound_turn", "recursive", "checked_bytes"} <= set(rows)
    assert all(set(row.peers) == {"off", "without"} and row.ours > 0 for row in rows.values())


def test_measuring_leaves_the_switch_as_it_was() -> None:
    before = checks(False)
    try:
        bench_annotations.measure(1)
        assert checks() is False
    finally:
        checks(before)
