"""Collects the golden files of `cases/`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Have `.test` files collected."""
    if file_path.suffix != ".test":
        return None
    from golden import GoldenFile

    return GoldenFile.from_parent(parent, path=file_path)
