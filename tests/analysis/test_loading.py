"""What a loaded program holds besides its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hardtack.analysis import ir, ircheck, loading
from hardtack.analysis.loading import load
from hardtack.analysis.source import MypyRun

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
from dataclasses import dataclass
from hardtack.annotations import assume_bound, bounded, loop_bound, recursive

PAGE = 16

@dataclass
class Inner:
    n: int

@dataclass
class Outer:
    inner: Inner

@recursive(depth=2 * PAGE, calls=64)
def walk(outer: Outer) -> bool:
    return outer == outer and walk(outer)

@assume_bound("4096 + len(data)", returned=64)
def opaque(data: bytes) -> bytes:
    return data

def page() -> int:
    return PAGE

def rounds(xs: list[int]) -> int:
    for x in bounded(xs, PAGE):
        return x
    for _ in loop_bound(3):
        break
    return 0
"""


def loaded(folder: Path, text: str, name: str) -> ir.Program:
    path = folder / "module.py"
    path.write_text(text)
    cache = folder.parent / "mypy-cache"
    program, _, _ = load([f"{path}:{name}"], MypyRun(cache=cache))
    return program


def digest(folder: Path, text: str, name: str) -> str:
    return loaded(folder, text, name).functions[f"module.{name}"].digest


def test_annotations_of_functions_are_read(tmp_path: Path) -> None:
    functions = loaded(tmp_path, SOURCE, "walk").functions
    assert functions["module.walk"].recursive == (32, 64)
    assert functions["module.opaque"].assumed == (("peak", "4096 + len(data)"), ("returned", "64"))


def test_loops_over_bounded_say_how_often_they_run(tmp_path: Path) -> None:
    body = loaded(tmp_path, SOURCE, "rounds").functions["module.rounds"].body
    bounds = [one.bound for one in ircheck.operations(body) if isinstance(one, ir.For)]
    assert bounds == ["16", "3"]


def test_a_digest_changes_with_a_constant_that_is_read(tmp_path: Path) -> None:
    other = SOURCE.replace("PAGE = 16", "PAGE = 17")
    assert digest(tmp_path, SOURCE, "page") != digest(tmp_path, other, "page")


def test_a_digest_changes_with_a_class_that_its_classes_name(tmp_path: Path) -> None:
    other = SOURCE.replace("n: int", "n: str")
    assert digest(tmp_path, SOURCE, "walk") != digest(tmp_path, other, "walk")


def test_a_digest_stays_when_something_else_changes(tmp_path: Path) -> None:
    other = SOURCE.replace("return data", "return data + data")
    assert digest(tmp_path, SOURCE, "walk") == digest(tmp_path, other, "walk")


def test_a_failure_of_ours_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = loading.lower_function

    def failing(known: object, function: object) -> list[ir.Function]:
        if getattr(function, "name", "") == "page":
            raise KeyError("strange")
        return original(known, function)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "lower_function", failing)
    program = loaded(tmp_path, SOURCE, "page")
    (refused, _) = program.functions["module.page"].body.operations
    assert isinstance(refused, ir.Unsupported)
    assert refused.what == "internal: KeyError: 'strange'"
    assert ircheck.check_program(program) == []
