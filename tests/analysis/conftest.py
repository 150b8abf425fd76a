"""Collects the golden files of `cases/`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def read_by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where mypy keeps what it read of the standard library, for tests with a cache of their own."""
    return tmp_path_factory.mktemp("mypy")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Have `.test` files collected."""
    if file_path.suffix != ".test":
        return None
    from golden import GoldenFile

    return GoldenFile.from_parent(parent, path=file_path)
