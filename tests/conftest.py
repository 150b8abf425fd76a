"""What tests of several packages share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """Have collections look at what a module's tests make, not at all that pytest and earlier tests keep.

    Hundreds of tests collect garbage, and so do kernels whose heap is full; each time costs with what is there.
    """
    gc.collect()
    gc.freeze()
