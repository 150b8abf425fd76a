"""A summary gives what following the call gives, and when it is found again what it gave when it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardtack.analysis import interpreting, summaries
from hardtack.analysis.entry import analyse
from hardtack.analysis.loading import load_around
from hardtack.analysis.models import load_models
from hardtack.analysis.summary_cache import SummaryCache
from hardtack.analysis.targets import Target

HERE = Path(__file__).parent
MODULES = ("entry_cases", "programs.kernel_like", "programs.trees", "programs.text", "programs.containers")


@pytest.fixture(scope="module", params=MODULES)
def loaded(request):
    path = HERE / f"{request.param.replace('.', '/')}.py"
    program = load_around([Target(request.param, path, "")]).program
    own = [name for name, function in program.functions.items() if function.place.file == str(path)]
    return program, [name for name in own if "<locals>" not in name], load_models()


def followed(monkeypatch, program, name, models):
    with monkeypatch.context() as patch:
        patch.setattr(summaries, "ENABLED", False)
        return analyse(program, name, models)


def test_a_summary_finds_what_following_the_calls_finds(loaded, monkeypatch):
    program, names, models = loaded
    for name in names:
        by_summaries, as_it_stands = (
            analyse(program, name, models),
            followed(monkeypatch, program, name, models),
        )
        assert by_summaries.findings == as_it_stands.findings, name
        assert str(by_summaries.peak) == str(as_it_stands.peak), name
        assert str(by_summaries.returned) == str(as_it_stands.returned), name
        assert by_summaries.retained == as_it_stands.retained, name
        assert set(by_summaries.assumptions) == set(as_it_stands.assumptions), name
        assert set(by_summaries.loops) == set(as_it_stands.loops), name


def test_a_summary_that_is_found_again_gives_what_it_gave_when_it_was_made(loaded, tmp_path):
    program, names, models = loaded
    program.summaries.clear()
    for name in names:
        analyse(program, name, models)
    again = [analyse(program, name, models) for name in names]
    (memo,) = program.summaries.values()
    SummaryCache("run", tmp_path).save(memo, program)
    from_disk = summaries.Memo(SummaryCache("run", tmp_path))
    program.summaries[id(models)] = from_disk
    assert [analyse(program, name, models) for name in names] == again
    assert from_disk.misses <= len(from_disk.followed)
    for name, found in zip(names, again, strict=True):
        program.summaries.clear()
        assert analyse(program, name, models) == found, name


def test_tuples_of_a_site_are_no_others(tmp_path, monkeypatch):
    path = tmp_path / "tuples.py"
    inner = "    t = tuple(xs)\n    n = len(t)\n    del t\n"
    text = f"def f0(xs: list[int]) -> int:\n{inner}    return n + len([n] * 2000)\n"
    for number in range(1, 6):
        padding = "".join(f"    q{i} = [1, 2]\n" for i in range(number % 3))
        text += f"def f{number}(xs: list[int]) -> int:\n{padding}{inner}    return f{number - 1}(xs) + n\n"
    path.write_text(text)
    program, models = load_around([Target("tuples", path, "")]).program, load_models()
    for number in range(6):
        found = analyse(program, f"tuples.f{number}", models)
        assert str(found.peak) == str(followed(monkeypatch, program, f"tuples.f{number}", models).peak)


def test_calls_of_one_shape_share_a_summary(tmp_path):
    path = tmp_path / "shared.py"
    path.write_text(
        "class Box:\n"
        "    def __init__(self) -> None:\n"
        "        self.items: list[int] = []\n"
        "def filled(box: Box, text: str) -> int:\n"
        "    longer = text + text\n"
        "    box.items.append(len(longer))\n"
        "    return len(box.items) + len(longer)\n"
        "def one(box: Box, name: str) -> int:\n"
        "    return filled(box, name)\n"
        "def other(text: str, where: Box) -> int:\n"
        "    held = [text]\n"
        "    return filled(where, text) + len(held)\n"
    )
    program, models = load_around([Target("shared", path, "")]).program, load_models()
    first, second = analyse(program, "shared.one", models), analyse(program, "shared.other", models)
    (memo,) = program.summaries.values()
    assert (memo.misses, memo.hits) == (1, 1)
    assert dict(first.retained).keys() == {"box"}
    assert dict(second.retained).keys() == {"where"}


def test_calls_with_as_much_room_below_their_marks_share_a_summary(tmp_path, monkeypatch):
    path = tmp_path / "marks.py"
    path.write_text(
        "def inner(a: str, b: str) -> int:\n"
        "    pair = (a, b)\n"
        "    other = (b, a)\n"
        "    longer = a + b\n"
        "    return len(pair) + len(other) + len(longer)\n"
        "def one(a: str, b: str) -> int:\n"
        "    held = (b, b)\n"
        "    return inner(a, b) + len(held)\n"
        "def several(a: str, b: str) -> int:\n"
        "    held = [(a, a), (b, b), (a, b)]\n"
        "    return inner(a, b) + len(held)\n"
        "def room(a: str, b: str) -> int:\n"
        "    held = (b, b)\n"
        "    count = len(held)\n"
        "    del held\n"
        "    return inner(a, b) + count\n"
    )
    program, models = load_around([Target("marks", path, "")]).program, load_models()
    made = []
    for name in ("marks.one", "marks.several", "marks.room"):
        found = analyse(program, name, models)
        (memo,) = program.summaries.values()
        made.append(sum(key[0] == "marks.inner" for key in memo.summaries))
        assert found.peak == followed(monkeypatch, program, name, models).peak
    assert made[0] == made[1] < made[2]


@pytest.mark.parametrize("before", [(), ("both",), ("plain",), ("both", "plain")])
def test_a_bound_is_the_same_whatever_was_analysed_before(before, tmp_path, monkeypatch):
    path = tmp_path / "order.py"
    path.write_text(
        "class Base:\n"
        "    def size(self) -> int:\n"
        "        return 0\n"
        "class Left(Base):\n"
        "    def __init__(self) -> None:\n"
        "        self.a: list[int] = []\n"
        "    def size(self) -> int:\n"
        "        return len(self.a)\n"
        "class Right(Base):\n"
        "    def __init__(self) -> None:\n"
        "        self.b: list[int] = []\n"
        "    def size(self) -> int:\n"
        "        return len(self.b)\n"
        "def ask(base: Base) -> int:\n"
        "    room, found = [0] * 10, base.size()\n"
        "    for _ in range(3):\n"
        "        found += len(room)\n"
        "    return found\n"
        "def both(left: Left, right: Right) -> int:\n"
        "    right.b = [0] * 7\n"
        "    return ask(left) + ask(right)\n"
        "def plain(left: Left) -> int:\n"
        "    left.a = [0]\n"
        "    return ask(left)\n"
        "def either(left: Left, right: Right, way: bool) -> int:\n"
        "    if way:\n"
        "        left.a = [0] * 1000\n"
        "    else:\n"
        "        right.b = [0] * 1000\n"
        "    return ask(left)\n"
    )
    program, models = load_around([Target("order", path, "")]).program, load_models()
    for name in before:
        analyse(program, f"order.{name}", models)
    found = analyse(program, "order.either", models)
    assert found.peak == followed(monkeypatch, program, "order.either", models).peak


def test_where_there_is_no_bound_already_the_rest_is_looked_at_only_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreting, "_MOST_IN_VAIN", 1)
    path = tmp_path / "vain.py"
    path.write_text(
        "def inner(text: str) -> list[str]:\n"
        "    exec(text)\n"
        "    found = [text]\n"
        "    for _ in range(3):\n"
        "        found.append(text + text)\n"
        "    return found\n"
        "def outer(text: str) -> list[str]:\n"
        "    return inner(text)\n"
        "def other(text: str) -> str:\n"
        "    return text + text\n"
    )
    program, models = load_around([Target("vain", path, "")]).program, load_models()
    for name in ("vain.inner", "vain.outer"):
        found = analyse(program, name, models)
        assert (found.findings[0].kind, found.findings[0].line) == ("no-model", 2)
        assert found.findings[-1].kind == "unfinished"
    assert analyse(program, "vain.other", models).peak is not None
    in_spite = analyse(program, "vain.outer", models, assume=True)
    assert [one.kind for one in in_spite.findings] == ["no-model"]
    assert in_spite.peak is not None
