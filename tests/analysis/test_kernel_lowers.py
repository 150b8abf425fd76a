"""The kernel's own code through the front end: all of it must lower, and be well formed."""

from __future__ import annotations

from pathlib import Path

import pytest

import hardtack.kernel
from hardtack.analysis import ir, ircheck, source
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.loading import lower
from hardtack.analysis.targets import Target

KERNEL = Path(hardtack.kernel.__file__).parent


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> ir.Program:
    """Return the kernel's program, with what it imports of the package."""
    names = sorted(path.stem for path in KERNEL.glob("*.py") if path.stem != "__init__")
    targets = [Target(f"hardtack.kernel.{name}", KERNEL / f"{name}.py", "") for name in names]
    run = source.MypyRun(cache=tmp_path_factory.mktemp("mypy"))
    return lower(Knowledge.of(source.check(targets, run)))


def test_the_lowered_ir_is_well_formed(program: ir.Program) -> None:
    assert len(program.functions) > 400
    assert ircheck.check_program(program) == []


def test_every_function_of_the_kernel_lowers_without_what_is_unsupported(program: ir.Program) -> None:
    refused = [
        f"{name}: {operation.what}"
        for name, function in program.functions.items()
        for operation in ircheck.operations(function.body)
        if name.startswith("hardtack.kernel.") and isinstance(operation, ir.Unsupported)
    ]
    assert [text for text in refused if "the __repr__ that dataclass writes" not in text] == []


def test_every_function_has_the_frame_of_its_code_object(program: ir.Program) -> None:
    frameless = [
        name
        for name, function in program.functions.items()
        if function.parameters and function.frame_slots == 0 and f"{name}~0" not in program.functions
    ]
    assert frameless == []


def test_digests_differ_between_functions_and_are_the_same_when_lowered_again(program: ir.Program) -> None:
    digests = [function.digest for function in program.functions.values()]
    assert len(set(digests)) == len(digests)
