"""What `hardtack bench sqlite` measures; the figures themselves are for people to judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hardtack.errors import ProgramError
from hardtack.lab import bench_sqlite

ROOT = Path(__file__).parents[2]


def test_without_the_program_it_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="make sqlite"):
        bench_sqlite.measure(1, program=tmp_path / "none.wasm")


@pytest.mark.slow
def test_every_kind_of_storage_is_beside_wasmtime() -> None:
    subprocess.run([sys.executable, "programs/build_sqlite.py"], cwd=ROOT, check=True)
    rows = {row.name: row for row in bench_sqlite.measure(1, program=ROOT / bench_sqlite.PROGRAM)}
    assert list(rows) == [
        *(
            f"sqlite_{case}_{storage}"
            for case in ("insert", "batch_200")
            for storage in ("memory", "directory", "disk")
        ),
        *(
            f"sqlite_{case}_{storage}_synced"
            for case in ("insert", "batch_200")
            for storage in ("directory", "disk")
        ),
    ]
    for row in rows.values():
        assert row.ours > 0
        assert set(row.ratio) == {"wasmtime", "wasmtime with epochs"}
