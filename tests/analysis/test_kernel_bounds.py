"""The kernel's own operations have bounds, and never take more. `make kernel-bounds` asks for all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import kernel_bounds
import kernel_cases
import pytest
import system_call_bounds

import hardtack.kernel
from hardtack.analysis import bounds_file
from hardtack.kernel import bounds as kernel_bounds_files

# Those that take the analyser a second or less, of every module.
SAMPLE = [
    "table:Table.get",
    "table:Table.lowest_free",
    "directories:Directory.get",
    "directories:Directory.add",
    "directories:Directory.remove",
    "directories:Directory.leaf_from",
    "files:File.read_at",
    "files:File.write_page",
    "files:File.resize",
    "paths:leads_out",
    "pipes:Pipe.put",
    "pipes:Pipe.take",
    "pipes:ReadEnd.read",
    "pipes:WriteEnd.write",
    "queues:Queue.append",
    "memory_files:MemoryFiles.resize",
    "open_files:OpenFile.read",
    "open_files:OpenFile.seek",
    "open_files:OpenFile.filestat",
    "open_files:OpenFile.set_times",
]
MEASURED = 12  # calls of each, spread over its cases


@pytest.fixture(scope="module")
def bounds():
    return dict(kernel_bounds.find(SAMPLE))


@pytest.mark.parametrize("name", SAMPLE)
def test_an_operation_has_a_bound(bounds, name):
    assert bounds[name].findings == ()


@pytest.mark.parametrize("name", SAMPLE)
def test_an_operation_takes_no_more_than_its_bound(bounds, name):
    cases = kernel_cases.CASES.get(name, [])
    for call, way in cases[:: max(1, len(cases) // MEASURED)]:
        peak, arguments = kernel_cases.peak_of(call, way)
        assert peak <= bounds[name].for_call(*arguments)


def figures():
    return {row["operation"]: row for row in json.loads(kernel_bounds.FIGURES.read_text())}


def test_what_the_kernel_reserves_is_what_the_analyser_finds():
    committed = bounds_file.read(kernel_bounds_files.path())
    changes = bounds_file.compare(committed, system_call_bounds.find())
    assert [f"{change.entry} {change.text}" for change in changes] == [], "run `make system-call-bounds`"


def test_the_manual_counts_the_kernels_annotations():
    """Those that help the analyser; ranges of integers and names aside."""
    files = Path(hardtack.kernel.__file__).parent.glob("*.py")
    used = re.findall(
        r"(assume_bound|Among|bounded|loop_bound|recursive)\(", "".join(map(Path.read_text, files))
    )
    manual = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text()
    assert {name: used.count(name) for name in set(used)} == {"assume_bound": 17, "Among": 1}
    assert "eighteen annotations" in manual
    assert "Seventeen are `assume_bound`" in manual
    assert "One is `Among`" in manual


def test_every_operation_of_the_kernel_is_among_the_figures():
    assert list(figures()) == kernel_bounds.operations()


def test_an_operation_without_a_bound_is_one_that_is_known_to_have_none():
    without = {name for name, row in figures().items() if row["peak"] is None}
    assert without == set(kernel_bounds.UNBOUNDED)


def test_no_figure_lies_above_its_bound():
    assert [
        name for name, row in figures().items() if row.get("tightest") is not None and row["tightest"] < 1
    ] == []


def test_the_sample_is_of_operations_that_have_a_bound():
    assert set(SAMPLE) <= figures().keys() - kernel_bounds.UNBOUNDED.keys()
