"""What the kernel's tests share: a machine, and a process on it that the test drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hardtack.lab.machine.driver import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.lab.machine.driver import Hand


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine() as made:
        yield made


@pytest.fixture
def hand(machine: Machine) -> Hand:
    return machine.hand()
