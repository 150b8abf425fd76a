"""The benchmark of calls beside many: it measures what it says, and nothing grows with what is open or alive."""

from __future__ import annotations

from hardtack.lab import bench_scale

TIMES = 4  # a thousand times as many would show in any cost that grows with them; noise does not come near


def test_no_call_grows_with_descriptors_or_processes() -> None:
    told: list[str] = []
    rows = bench_scale.measure(3, told.append)
    assert told == ["fork", "read", "seek", "openclose", "pipe"]
    assert [row.name for row in rows] == [
        f"{call}_{many}" for call in told for many in ("10000_descriptors", "1000_processes")
    ]
    for row in rows:
        (few,) = row.peers.values()
        least, _ = row.spread  # what grows does so in each round; what the machine's other work adds does not
        assert 0 < least < TIMES * few, row
