"""Waiting for what other threads are about to do.

A test says what it waits for, not how long that takes. `HANG_SECONDS` is only there for what never happens.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap

HANG_SECONDS: Final = (
    300.0  # on no machine, and under no sanitizer, does anything in these tests take so long
)


def until(condition: Callable[[], bool], pause: Callable[[], object] = lambda: time.sleep(0.0002)) -> None:
    """Wait for something that another thread is about to do."""
    deadline = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        pause()


def until_waiters(heap: Heap, count: int) -> None:
    """Wait until so many wait for a heap."""
    until(lambda: heap.statistics().waiters == count)
