"""A program in C that calls each function of hardtack.h: what it does, and the errors that it answers with."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from hardtack import Kernel, Limits

PROJECT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("posix.c")
HEADER = PROJECT / "programs" / "include" / "hardtack.h"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    spec = importlib.util.spec_from_file_location("programs_build", PROJECT / "programs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    wasm = tmp_path_factory.mktemp("posix") / "posix.wasm"
    libraries = [path.relative_to(build.HERE) for path in sorted(build.HERE.glob("lib/*.c"))]
    build.compile_c([*build.FLAGS, "-Iinclude", "-o", wasm, SOURCE, *libraries], cwd=build.HERE)
    return wasm.read_bytes()


@pytest.mark.parametrize(
    ("args", "limits", "met"),
    [
        ([], Limits(), ()),
        (["full"], Limits(descriptors=40), ("descriptors",)),
        (["crowded"], Limits(processes=1), ("processes",)),
        (["poor"], Limits(memory="1500 KiB"), ("memory",)),
    ],
)
def test_each_function_does_what_it_should_and_answers_with_its_errors(
    program: bytes, args: list[str], limits: Limits, met: tuple[str, ...]
) -> None:
    with Kernel(heap="16 MiB") as kernel:
        kernel.write_file("/posix", program)
        result = kernel.run(program, args, limits=limits, timeout=60)
        assert (result.stdout.decode(), result.stderr, result.killed, result.failure) == ("", b"", None, None)
        assert (result.exit_code, result.limits_met) == (0, met)
        kernel.check()


def test_no_function_is_left_out() -> None:
    names = re.findall(r'HT_IMPORT\("(\w+)"\)', HEADER.read_text())
    source = SOURCE.read_text()
    assert len(names) == 17
    assert [name for name in names if not re.search(rf"\b(?:ht|posix)_{name}\(", source)] == []
