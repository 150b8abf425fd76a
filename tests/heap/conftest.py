"""What the heap's tests share: heaps that are checked afterwards, and Pythons of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from until import HANG_SECONDS

from hardtack.heap import Heap, _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.register_assert_rewrite("explorer", "interrupting")  # what fails there says so as tests do


@pytest.fixture(autouse=True)
def _no_reservation_is_left() -> Iterator[None]:
    """Every test ends with as many reservations as it began with."""
    before = _native.census()[1]
    yield
    assert _native.census()[1] == before


@pytest.fixture
def heap() -> Iterator[Heap]:
    """Give a heap of 8 MiB; its books must balance when the test is over, and nothing be reserved."""
    heap = Heap("8 MiB", name="test")
    yield heap
    heap.check()
    assert heap.reserved == 0


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a Python of its own; the script's own asserts are what it promises."""

    def run(script: str, *, expect: int = 0, timeout: float = HANG_SECONDS, **options: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "faulthandler", "-c", textwrap.dedent(script)],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            **options,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return run
