"""The kernel reads what the analyser found, without the analyser."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hardtack.kernel import bounds
from hardtack.kernel.system_calls import targets

VERSIONS = [(3, 11), (3, 12), (3, 13)]


def test_a_bound_is_evaluated_on_a_calls_arguments_rounded_up() -> None:
    bound = bounds.compile_bound(
        "max(5/4*min(size,4096) + 1/3, 16*extra(fd) + 90)", ["process", "fd", "size"]
    )
    assert bound(None, 0, 100) == 126
    assert bound(None, 1 << 30, 0) == 107
    assert bounds.compile_bound("1264", ["process"])(None) == 1264


def test_no_arguments_make_a_bound_greater_than_its_largest_value() -> None:
    peak = "max(2*min(len(process.memory),107) + 1/2, size)"
    assert bounds.largest(peak, {"process": 0, "size": 99}) == 215


def test_nothing_is_asked_for_that_takes_no_memory() -> None:
    assert bounds.compile_bound("0", ["process"])(None) == 1


@pytest.mark.parametrize("version", VERSIONS, ids="{0[0]}.{0[1]}".format)
def test_every_version_has_a_bound_for_each_handler_and_each_step(
    version: tuple[int, int],
) -> None:
    assert set(bounds.read(bounds.path(version))) == targets() | {*bounds.STEPS}


def test_the_table_is_made_without_the_analyser() -> None:
    code = (
        "import sys, hardtack.kernel.system_calls\n"
        "print(*[name for name in sys.modules if name.startswith(('mypy', 'hardtack.analysis', 'hardtack.symbolic'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert shown.split() == []
