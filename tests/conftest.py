"""What tests of several packages share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frozen() -> Iterator[None]:
    """Have collections look at what a test makes alone: pytest's own objects take them a tenth of a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
