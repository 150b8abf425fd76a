"""Summaries on disk: taken where nothing changed that they rest on, and only there."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from hardtack.analysis import summary_cache
from hardtack.analysis.entry import analyse
from hardtack.analysis.loading import load_around
from hardtack.analysis.models import load_models
from hardtack.analysis.summaries import Memo
from hardtack.analysis.summary_cache import SummaryCache
from hardtack.analysis.targets import Target

SOURCE = """\
LIMIT = 3

class Box:
    def __init__(self) -> None:
        self.items: list[str] = []

def leaf(text: str) -> list[str]:
    found = [text]
    for _ in range(LIMIT):
        found.append(text + text)
    return found

def middle(box: Box, text: str) -> int:
    made = leaf(text)
    box.items.append(made[0] + "x")
    try:
        return len(made) + int(text)
    except ValueError:
        return 0

def entry(box: Box, text: str) -> int:
    first = middle(box, text)
    return first + len(leaf(text))

def other(text: str) -> str:
    return text + text
"""


class Program:
    """A module, read anew, with the summaries of a directory."""

    def __init__(self, folder: Path, source: str = SOURCE) -> None:
        self.path = folder / "boxes.py"
        self.path.write_text(source)
        self.program = load_around([Target("boxes", self.path, "")]).program
        assert list(self.program.functions)  # all are made now: the file is written again

    def changed(self, old: str, new: str) -> Program:
        """Return the module with something else in it."""
        assert old in SOURCE
        return Program(self.path.parent, SOURCE.replace(old, new))

    def run(self, cache: SummaryCache | None) -> tuple[object, Memo]:
        """Analyse the entry; returns its bound, and the summaries."""
        models = load_models()
        self.program.summaries.clear()
        memo = self.program.summaries[id(models)] = Memo(cache)
        found = analyse(self.program, "boxes.entry", models)
        if cache is not None:
            cache.save(memo, self.program)
        return found, memo


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return Program(tmp_path_factory.mktemp("boxes"))


@pytest.fixture
def file(program, tmp_path):
    """Return the file that a run leaves in an empty directory."""
    program.run(SummaryCache("run", tmp_path))
    (file,) = tmp_path.iterdir()
    return file


def test_what_is_unchanged_is_not_made_again(program, file):
    without, _ = program.run(None)
    found, memo = program.run(SummaryCache("run", file.parent))
    assert (memo.misses, found) == (0, without)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[text]\n", "[text, text]\n"),
        ("LIMIT = 3", "LIMIT = 3000"),
        ("self.items: list[str] = []", "self.items: list[str | None] = []"),
    ],
)
def test_what_read_something_that_changed_is_made_anew(program, file, old, new):
    changed = program.changed(old, new)
    found, memo = changed.run(SummaryCache("run", file.parent))
    assert memo.misses
    assert found == changed.run(None)[0]


def test_a_change_in_what_is_not_called_is_passed_over(program, file):
    changed = program.changed("return text + text", "return text")
    assert not changed.run(SummaryCache("run", file.parent))[1].misses


def test_of_two_functions_the_one_that_did_not_change_is_taken(program, file):
    changed = program.changed('"x"', '"xyz"')
    found, memo = changed.run(SummaryCache("run", file.parent))
    assert {key[0] for key in memo.summaries} == {"boxes.leaf", "boxes.middle"}
    assert memo.misses == 1
    assert found == changed.run(None)[0]


@pytest.mark.parametrize("damage", [b"", b"{", b"0" * 64 + b"\n\x80\x05}."])
def test_a_damaged_file_counts_as_missing(program, file, damage):
    without, _ = program.run(None)
    file.write_bytes(damage)
    found, memo = program.run(SummaryCache("run", file.parent))
    assert found == without
    assert memo.misses
    assert not program.run(SummaryCache("run", file.parent))[1].misses


def test_each_bit_that_flips_is_noticed(file):
    whole = file.read_bytes()
    assert SummaryCache("run", file.parent).functions()
    for at in range(0, len(whole), len(whole) // 97):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert not SummaryCache("run", file.parent).functions()


def test_nothing_in_a_file_runs(program, file):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(file.parent / "ran"),)

    for inner in (pickle.dumps(Evil()), pickle.dumps((Evil(), []))):
        data = pickle.dumps({"boxes.leaf": zlib.compress(inner)})
        file.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        assert program.run(SummaryCache("run", file.parent))[0] == program.run(None)[0]
    data = pickle.dumps(Evil())
    file.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    assert not SummaryCache("run", file.parent).functions()
    assert not (file.parent / "ran").exists()


def test_what_is_no_value_is_not_kept(program, tmp_path):
    _, memo = program.run(None)
    for summary in memo.summaries.values():
        summary.own.constants[0] = print
    SummaryCache("run", tmp_path).save(memo, program.program)
    assert not list(tmp_path.iterdir())


def test_the_directory_is_bounded(program, file, monkeypatch):
    os.utime(file, ns=(0, 0))
    monkeypatch.setattr(summary_cache, "MAX_BYTES", 1)
    program.run(SummaryCache("another", file.parent))
    assert [one.name for one in file.parent.iterdir()] == ["another.summaries"]


def test_a_directory_that_cannot_be_made_does_no_harm(program, file):
    found, memo = program.run(SummaryCache("run", file / "below"))
    assert (found, memo.misses > 0) == (program.run(None)[0], True)


def test_other_processes_take_them(tmp_path):
    """Sets are hashed differently in each."""
    program = (
        "import sys\n"
        "from hardtack.analysis import summaries\n"
        "from hardtack.analysis.bounds import bounds\n"
        "made, make = [], summaries._make\n"
        "summaries._make = lambda *args: made.append(1) or make(*args)\n"
        "print(bounds([sys.argv[1]])[0], file=sys.stderr)\n"
        "print(len(made))\n"
    )
    path = tmp_path / "boxes.py"
    said = []
    for seed, last in (("1", "first + len"), ("2", "len")):
        path.write_text(SOURCE.replace("first + len", last))
        command = [sys.executable, "-c", program, f"{path}:entry"]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "HARDTACK_CACHE": str(tmp_path / "cache")}
        said.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert said[0] != "0\n"
    assert said[1] == "0\n"
