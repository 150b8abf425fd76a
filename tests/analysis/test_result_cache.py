"""Bounds on disk: taken where nothing changed that they rest on, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hardtack.analysis import entry, interpreting, loading, report, result_cache
from hardtack.analysis.bounds import bounds
from hardtack.analysis.results import Analysed
from hardtack.errors import HardtackError

CALLER = """\
from inner import middle

LIMIT = 3

def outer(data: bytes, /, colour: str = "red", pair: tuple[int, bytes] = (1, b"x")) -> list[bytes]:
    made = middle(data)
    for _ in range(LIMIT):
        made.append(data)
    return made

def kinds(word: str) -> bool:
    return word in {"a", "b", "c", "d", "e"}

def forever(start: int) -> list[int]:
    found: list[int] = []
    while start != 1:
        found.append(start)
        start = start // 2 if start % 2 == 0 else 3 * start + 1
    return found

def other(n: int) -> int:
    return n + 1
"""
CALLEE = """\
import deep

def middle(data: bytes) -> list[bytes]:
    return deep.deepest(data)
"""
DEEPEST = """\
def deepest(data: bytes) -> list[bytes]:
    return [data, data]
"""


class Project:
    """Three modules, and what the analyser did for their sake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: Counter[str] = Counter()
        for name, text in (("shop", CALLER), ("inner", CALLEE), ("deep", DEEPEST)):
            (folder / f"{name}.py").write_text(text)

    def bound(self, name: str = "outer", *, models: tuple[Path, ...] = (), cache: bool = True) -> Analysed:
        self.done.clear()
        return bounds([f"{self.folder}/shop.py:{name}"], models=models, cache=cache)[0]

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / f"{name}.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def cached(self) -> list[Path]:
        return sorted((self.folder / "cache" / "bounds").iterdir())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_by_mypy: Path) -> Project:
    """Return a project of its own, with a cache of its own but for what mypy keeps of what is not ours."""
    project = Project(tmp_path)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mypy").symlink_to(read_by_mypy)
    analyse, load_around = entry.analyse, loading.load_around

    def analysing(*args: object, **kwargs: object) -> Analysed:
        project.done["analysed"] += 1
        return analyse(*args, **kwargs)  # type: ignore[arg-type]

    def loads(*args: object, **kwargs: object) -> loading.Loaded:
        project.done["loaded"] += 1
        return load_around(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(entry, "analyse", analysing)
    monkeypatch.setattr(loading, "load_around", loads)
    monkeypatch.setattr(result_cache, "CLOCK_NS", 0)
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return project


@pytest.mark.parametrize("name", ["outer", "kinds", "forever"])
def test_what_is_unchanged_is_neither_analysed_nor_parsed(project: Project, name: str) -> None:
    first = project.bound(name)
    assert project.done == {"loaded": 1, "analysed": 1}
    second = project.bound(name)
    assert project.done == {}
    assert second == first


def test_what_is_taken_evaluates_as_what_was_found(project: Project) -> None:
    first, second = project.bound(), project.bound()
    assert second.for_call(bytes(1000)) == first.for_call(bytes(1000)) > 0


@pytest.mark.parametrize("name", ["outer", "forever"])
def test_what_is_taken_reads_as_what_was_found(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = report.lines(project.bound(name, cache=False))
    assert report.lines(project.bound(name)) == found
    monkeypatch.setattr(report, "_lines", lambda bound: pytest.fail("it is made again"))
    assert report.lines(project.bound(name)) == found


def test_what_is_said_of_a_bound_is_not_said_of_another_made_of_it(project: Project) -> None:
    found = project.bound()
    assert report.lines(replace(found, entry="other")) == ("other", *report.lines(found)[1:])


def test_a_change_two_calls_down_is_analysed(project: Project) -> None:
    first = project.bound()
    project.change("deep", "[data, data]", "[data, data, data, data, data + data]")
    second = project.bound()
    assert project.done == {"loaded": 1, "analysed": 1}
    assert second.for_call(bytes(1000)) > first.for_call(bytes(1000))


LONG = """\
from pathlib import Path

def deepest(data: bytes) -> list[bytes]:
    made = [data]
    Path(".").glob("*")
    for first in data:
        for second in data:
            if first > second:
                made.append(data)
            for third in data:
                if third > second:
                    made.append(data + data)
    return made
"""


def test_a_change_in_what_was_given_up_is_analysed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "deep.py").write_text(LONG)
    project.change("inner", "    return deep", "    if data:\n        return [data]\n    return deep")
    with monkeypatch.context() as hasty:
        hasty.setattr(interpreting, "_MOST_IN_VAIN", 1)
        assert "unfinished" in {finding.kind for finding in project.bound().findings}
    (project.folder / "deep.py").write_text(DEEPEST)
    assert project.bound().peak is not None


def test_a_changed_constant_is_analysed(project: Project) -> None:
    first = project.bound()
    project.change("shop", "LIMIT = 3", "LIMIT = 3000")
    assert project.bound().for_call(b"") > first.for_call(b"")


def test_a_change_in_what_is_not_called_is_read_but_not_analysed(project: Project) -> None:
    first = project.bound()
    project.change("shop", "return n + 1", "return n + 2")
    assert project.bound() == first
    assert project.done == {"loaded": 1}
    assert project.bound() == first
    assert project.done == {}


def test_what_mypy_has_of_a_library_from_its_cache_is_no_change(project: Project) -> None:
    """Its cache has a class's names in another order than the source."""
    (project.folder / "cache" / "mypy").unlink()
    project.change(
        "shop", "def kinds", "from enum import Enum\n\nclass Kind(Enum):\n    ONE = 1\n\ndef kinds"
    )
    project.change("shop", 'in {"a"', 'in {Kind.ONE.name, "a"')
    project.bound("kinds")
    project.change("shop", "return n + 1", "return n + 2")
    project.bound("kinds")
    assert project.done == {"loaded": 1}


def test_a_bound_found_since_does_not_pass_for_the_one_that_held_before(project: Project) -> None:
    first = project.bound()
    project.change("shop", "return n + 1", "return n + 2")
    assert project.bound() == first
    project.change("deep", "[data, data]", "[data, data, data, data]")
    project.bound()
    project.change("deep", "[data, data, data, data]", "[data, data]")
    assert project.bound() == first


def test_a_function_that_moved_is_told_of_at_its_new_line(project: Project) -> None:
    before = {(one.kind, one.line + 2) for one in project.bound("forever").findings}
    project.change("shop", "LIMIT = 3\n", "LIMIT = 3\n\n\n")
    after = {(one.kind, one.line) for one in project.bound("forever").findings}
    assert after == before != set()


def test_a_module_that_appears_is_seen(project: Project) -> None:
    project.bound()
    (project.folder / "deep.pyi").write_text("def deepest(data: bytes) -> list[bytes]: ...\n")
    assert [one.kind for one in project.bound().findings] == ["no-model"]


def test_a_configuration_that_appears_is_seen(project: Project) -> None:
    project.bound()
    (project.folder / "mypy.ini").write_text("[mypy]\n")
    project.bound()
    assert project.done["loaded"] == 1


def test_models_are_part_of_the_key(project: Project) -> None:
    (project.folder / "deep.py").unlink()
    (project.folder / "deep.pyi").write_text("def deepest(data: bytes) -> list[bytes]: ...\n")
    models = project.folder / "models.toml"
    text = '["deep.deepest"]\nsignature = "data"\nresult = "fresh(list, length={}, element=data)"\nsource = "x"\n'
    models.write_text(text.format(2))
    first = project.bound(models=(models,))
    models.write_text(text.format(2000))
    second = project.bound(models=(models,))
    assert project.done == {"loaded": 1, "analysed": 1}
    assert second.for_call(b"") > first.for_call(b"")


def test_a_bound_in_spite_of_findings_is_not_taken_for_one_without(project: Project) -> None:
    target = f"{project.folder}/shop.py:forever"
    bounds([target], assume=True)
    assert not bounds([target])[0].assumed


def test_targets_together_are_not_taken_for_one_alone(project: Project) -> None:
    project.change("deep", DEEPEST, "class Deep:\n    def deepest(self) -> list[int]:\n        return []\n")
    project.change(
        "inner",
        CALLEE,
        "from deep import Deep\ndef call(deep: Deep) -> list[int]:\n    return deep.deepest()\n",
    )
    more = "from deep import Deep\nclass More(Deep):\n    def deepest(self) -> list[int]:\n        return [1, 2, 3]\n"
    project.change("shop", CALLER, more)
    alone, both = f"{project.folder}/inner.py:call", f"{project.folder}/shop.py:More.deepest"
    first = bounds([alone])[0]
    assert bounds([alone, both])[0] != first
    assert bounds([alone])[0] == first


def test_a_change_while_the_sources_are_read_is_not_missed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_around = loading.load_around

    def changing(*args: object, **kwargs: object) -> loading.Loaded:
        loaded = load_around(*args, **kwargs)  # type: ignore[arg-type]
        project.change("deep", "[data, data]", "[data, data, data, data]")
        return loaded

    with monkeypatch.context() as context:
        context.setattr(loading, "load_around", changing)
        first = project.bound()
    assert project.bound().for_call(b"") > first.for_call(b"")


@pytest.mark.parametrize("damage", [b"", b"{", b"0" * 64 + b"\n{}", b"\xff\xfe"])
def test_a_damaged_file_counts_as_missing(project: Project, damage: bytes) -> None:
    first = project.bound()
    for path in project.cached():
        path.write_bytes(damage)
    assert project.bound() == first
    assert project.done == {"loaded": 1, "analysed": 1}
    assert project.bound() == first
    assert project.done == {}


def test_a_bit_that_flipped_is_noticed(project: Project) -> None:
    first = project.bound()
    for path in project.cached():
        path.write_bytes(path.read_bytes().replace(b"shop:", b"shoq:"))
    assert project.bound() == first
    assert project.done["analysed"] == 1


def test_without_the_cache_nothing_is_kept_or_taken(project: Project) -> None:
    project.bound(cache=False)
    assert not (project.folder / "cache" / "bounds").exists()
    project.bound()
    project.bound(cache=False)
    assert project.done == {"loaded": 1, "analysed": 1}


def test_a_cache_that_cannot_be_made_does_no_harm(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "file").write_text("")
    monkeypatch.setenv("HARDTACK_CACHE", str(project.folder / "file"))
    assert project.bound() == project.bound(cache=False)


def test_the_directory_is_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.bound()
    before = project.cached()
    for path in before:
        os.utime(path, ns=(0, 0))
    monkeypatch.setattr(result_cache, "MAX_BYTES", 1)
    project.bound("kinds")
    assert len(project.cached()) == 1
    assert project.cached()[0] not in before


def test_a_target_that_is_gone_is_an_error_as_before(project: Project) -> None:
    project.bound()
    project.change("shop", "def outer(", "def renamed(")
    with pytest.raises(HardtackError, match="defines no function outer"):
        project.bound()


def test_processes_share_it(project: Project) -> None:
    """Sets are hashed differently in each, and two write at once."""
    program = (
        "import sys\n"
        "from hardtack.analysis import entry, result_cache\n"
        "from hardtack.analysis.bounds import bounds\n"
        "result_cache.CLOCK_NS, analyse = 0, entry.analyse\n"
        "entry.analyse = lambda *args, **kwargs: print('analysed') or analyse(*args, **kwargs)\n"
        "print(bounds([sys.argv[1]])[0])\n"
    )

    def start(seed: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, f"{project.folder}/shop.py:kinds"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    first, second = (process.communicate()[0] for process in [start("1"), start("2")])
    assert first.removeprefix("analysed\n") == second.removeprefix("analysed\n") != ""
    project.change("shop", "return n + 1", "return n + 2")
    assert start("3").communicate()[0] == first.removeprefix("analysed\n")
