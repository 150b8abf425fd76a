"""What a loaded program holds besides its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hardtack.analysis import function_table, ir, ircheck
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
    original = function_table.lower_function

    def failing(known: object, function: object) -> list[ir.Function]:
        if getattr(function, "name", "") == "page":
            raise KeyError("strange")
        return original(known, function)  # type: ignore[arg-type]

    monkeypatch.setattr(function_table, "lower_function", failing)
    program = loaded(tmp_path, SOURCE, "page")
    (refused, _) = program.functions["module.page"].body.operations
    assert isinstance(refused, ir.Unsupported)
    assert refused.what == "internal: KeyError: 'strange'"
    assert ircheck.check_program(program) == []


def test_a_function_is_lowered_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, lowered = function_table.lower_function, []

    def noting(known: object, function: object) -> list[ir.Function]:
        lowered.append(getattr(function, "name", ""))
        return original(known, function)  # type: ignore[arg-type]

    monkeypatch.setattr(function_table, "lower_function", noting)
    functions = loaded(tmp_path, SOURCE, "page").functions
    assert "module.walk" in functions
    assert lowered == []
    assert functions["module.page"] is functions["module.page"]
    assert lowered == ["page"]


def test_what_a_function_makes_is_found_by_its_name_alone(tmp_path: Path) -> None:
    text = "def f() -> int:\n    def g() -> int:\n        return 1\n    return g()\n"
    functions = loaded(tmp_path, text, "f").functions
    assert "module.f.<locals>.g" in functions
    assert "module.f.<locals>.h" not in functions
    assert functions["module.f.<locals>.g"].name == "module.f.<locals>.g"


def test_a_class_variable_that_a_function_writes_for_an_instance_is_a_field(tmp_path: Path) -> None:
    text = """\
class Box:
    size = 1
    name = "box"
    def grow(self) -> None:
        for self.size in range(3):
            pass
"""
    row = loaded(tmp_path, text, "Box.grow").classes["module.Box"]
    assert [name for name, _ in row.fields] == ["size"]
    assert [name for name, _ in row.class_variables] == ["name"]


@pytest.mark.parametrize(
    "statement",
    [
        "PAGE = 2",
        "PAGE += 2",
        "for PAGE in range(9): pass",
        "(PAGE, other) = (1, 2)",
        "print(PAGE := 2)",
        "match value:\n        case [*PAGE]: pass",
        "match value:\n        case int() as PAGE: pass",
    ],
)
def test_a_variable_that_a_function_writes_is_no_constant(tmp_path: Path, statement: str) -> None:
    text = f"PAGE: object = 1\ndef f(value: object) -> None:\n    global PAGE\n    {statement}\n"
    assert "module.PAGE" not in loaded(tmp_path, text, "f").constants


def test_a_local_of_the_same_name_leaves_it_a_constant(tmp_path: Path) -> None:
    text = "PAGE: object = 1\ndef f() -> None:\n    PAGE = 2\n"
    assert "module.PAGE" in loaded(tmp_path, text, "f").constants


def test_a_comprehension_that_binds_an_attribute_is_refused(tmp_path: Path) -> None:
    text = "class A:\n    n = 0\ndef f(a: A) -> list[int]:\n    return [a.n for a.n in range(3)]\n"
    functions = loaded(tmp_path, text, "f").functions.values()
    operations = [one for function in functions for one in ircheck.operations(function.body)]
    (refused,) = [one for one in operations if isinstance(one, ir.Unsupported)]
    assert "binds more than names" in refused.what


def test_types_of_variables_are_found_by_name_and_all_of_them_in_order(tmp_path: Path) -> None:
    text = "COUNT = 1\nclass A:\n    size = 2\nclass B(A):\n    name = 'b'\ndef f() -> None: ...\n"
    known = loaded(tmp_path, text, "f").globals
    assert list(known) == ["module.COUNT", "module.A.size", "module.B.size", "module.B.name"]
    assert {name: known[name] for name in known} == dict(known.items())
    assert "module.A.name" not in known
    assert "module.f" not in known
