"""What `hardtack.bound` leaves behind, and what it makes of mypy's failures."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hardtack import bound
from hardtack.analysis.bounds import answers, bounds
from hardtack.analysis.targets import Unreadable
from hardtack.errors import HardtackError
from hardtack.heap import Heap

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_by_mypy: Path) -> Path:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mypy").symlink_to(read_by_mypy)
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.py").write_text("def small(text: str) -> str:\n    return text + text\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    return tmp_path / "cache"


def test_mypys_trees_do_not_stay(cache):
    from mypy.nodes import MypyFile

    bound("small:small")
    assert cache.is_dir()
    assert not [one for one in gc.get_objects() if type(one) is MypyFile and one.path.endswith("small.py")]


def test_the_collectors_threshold_stays(cache):
    before = gc.get_threshold()
    gc.set_threshold(701, 11, 11)
    try:
        bound("small:small")
        assert gc.get_threshold() == (701, 11, 11)
    finally:
        gc.set_threshold(*before)


def test_mypys_cache_follows_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path / "elsewhere"))
    bound("small:small")
    assert any((tmp_path / "elsewhere" / "mypy").iterdir())


@pytest.mark.parametrize("home", ["/proc/nohome", ""])
def test_no_cache_directory_is_needed(monkeypatch, home):
    monkeypatch.delenv("HARDTACK_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    assert bound("small:small").peak is not None


def test_one_text_in_the_place_of_a_list_of_them_is_told():
    with pytest.raises(TypeError, match="lists of texts"):
        bounds("small:small")
    with pytest.raises(TypeError, match="lists of texts"):
        bound("small:small", models="models.toml")


def test_a_heap_says_what_of_a_bound_it_wants():
    found, heap = bound("small:small"), Heap("1 MiB")
    with pytest.raises(TypeError, match=r"write bound\(\.\.\.\)\.for_call"):
        heap.call(found)  # type: ignore[arg-type] # what is wrong with it
    assert heap.call(found.for_call)(str.upper)("text") == "TEXT"
    with pytest.raises(TypeError, match=r"not Analysed\(.{,40}$"):
        heap.reserve(found)  # type: ignore[arg-type] # the same


def test_a_file_of_models_that_is_not_there_is_named(tmp_path):
    with pytest.raises(HardtackError, match=r"no file of models nowhere\.toml"):
        bound("small:small", models=["nowhere.toml"])
    (tmp_path / "pyproject.toml").write_text('[tool.hardtack]\nmodels = ["gone.toml"]\n')
    with pytest.raises(HardtackError, match=r"no file of models .*gone\.toml"):
        bound("small:small")


def test_what_is_assumed_is_told_in_words(tmp_path):
    (tmp_path / "packing.py").write_text(
        "from hardtack.annotations import assume_bound\n"
        '@assume_bound("64 + 2*len(data)", returned="64")\n'
        "def pack(data: bytes) -> bytes:\n    return data\n"
        "def packed(data: bytes) -> int:\n    return len(pack(data))\n"
    )
    (assumption,) = bound("packing:packed").assumptions
    assert assumption.text == "@assume_bound of packing.pack: peak 64 + 2*len(data) bytes, returned 64 bytes"


def test_a_module_that_cannot_be_read_does_not_hide_the_others():
    broken, small = answers(["broken:f", "small:small"])
    assert isinstance(broken, Unreadable)
    assert "broken.py:1" in str(broken)
    assert not isinstance(small, HardtackError)
    assert small.peak is not None


def test_a_target_that_is_not_there_does_not_hide_the_others():
    unknown, small, nowhere = answers(["small:big", "small:small", "nowhere:f"])
    assert "defines no function big" in str(unknown)
    assert not isinstance(small, HardtackError)
    assert f"{sys.path[-1]}" in str(nowhere)


def test_a_crash_of_mypy_is_one_line(capfd):
    pytest.importorskip("numpy")  # whose stubs no version of mypy that is known reads in this way
    with pytest.raises(
        Unreadable, match=r"^mypy \S+ fails on what this imports: \S+ error: INTERNAL ERROR"
    ) as one:
        bound("numpy:array")
    assert "\n" not in str(one.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("assume", [False, True])
def test_a_value_of_another_type_than_declared_is_a_finding(tmp_path, assume):
    (tmp_path / "wrong.py").write_text(
        "def inner(x: int) -> int:\n    return 'a'\n\n\ndef outer(x: int) -> int:\n    return inner(x)\n"
    )
    found = bound("wrong:outer", assume=assume)
    assert [(one.kind, one.line) for one in found.findings] == [("error", 2)]
    assert (found.peak is not None, found.assumed) == (assume, assume)


def test_an_exception_that_is_caught_reads_well(tmp_path):
    (tmp_path / "caught.py").write_text(
        "class Reader:\n"
        "    def parse(self, text: str) -> int:\n"
        "        return int(text.split(',')[1])\n\n"
        "    def safe(self, text: str) -> str:\n"
        "        try:\n"
        "            return str(self.parse(text))\n"
        "        except ValueError as error:\n"
        "            return f'{error} in {text}'\n"
    )
    said = [link.what for link in bound("caught:Reader.safe").chain]
    assert "the exception caught at line 6" in said
    assert not [what for what in said if "Place(" in what or "except" in what.replace("exception", "")]


def test_rounds_that_loop_bound_states_are_annotated(tmp_path):
    (tmp_path / "rounds.py").write_text(
        "from hardtack import loop_bound\n\n\n"
        "def scan(text: str) -> int:\n"
        "    n = 0\n"
        "    for _ in loop_bound(len(text) + 1):\n"
        "        n = 1\n"
        "    for _ in range(3):\n"
        "        n = 2\n"
        "    return n\n"
    )
    assert [loop.how for loop in bound("rounds:scan").loops] == ["annotated", "inferred"]


def test_a_module_by_itself_that_is_installed_is_read_again_and_again(cache):
    assert bound("heapq:_siftdown").entry == "heapq:_siftdown"
    assert (cache / "mypy").is_dir()
    assert bound("heapq:_heapreplace_max").entry == "heapq:_heapreplace_max"
    assert bound("heapq:_siftup").entry == "heapq:_siftup"


SHARED = """\
from hardtack.analysis.bounds import answers

targets = [f"many:f{n}" for n in range(20)]
told = []
shared = answers(targets, cache=False, progress=told.append, processes=2)
assert sum("analysed many.f" in one for one in told) == 20, told
assert shared == answers(targets, cache=False)
assert answers(targets, processes=2) == shared == answers(targets, processes=2)
"""


def test_answers_are_the_same_where_processes_share_the_targets(cache, tmp_path):
    functions = [f"def f{n}(text: str) -> list[str]:\n    return [text * {n}, g(text)]\n" for n in range(20)]
    text = "def g(text: str) -> str:\n    return text + 'a'\n" + "\n".join(functions)
    (cache.parent / "many.py").write_text(text)
    subprocess.run([sys.executable, "-c", SHARED], cwd=tmp_path, check=True)


def test_what_an_alias_stands_for_that_contains_itself_is_told_from_lists_of_something_else(tmp_path):
    (tmp_path / "tree.py").write_text(
        "from typing import TypeAlias\n\n"
        "Tree: TypeAlias = 'list[Tree | dict[str, int]]'\n\n"
        "def grown(forest: list[Tree], others: list[list[str]]) -> list[list[str]]:\n"
        "    forest.extend([[] for _ in range(300)])\n"
        "    return others * 2\n\n"
        "def grown_itself(forest: list[Tree], others: list[list[dict[str, int]]]) -> int:\n"
        "    forest.extend([[] for _ in range(300)])\n"
        "    return len(others * 2)\n"
    )
    other, itself = bounds(["tree:grown", "tree:grown_itself"])
    assert other.returned.evaluate({"len(others)": 1}) < 300
    assert itself.peak is not None
    assert itself.peak.evaluate({"len(others)": 1, "len(forest)": 1}) > (300 + 2 * 300) * 8


def test_what_mypy_cannot_follow_is_unknown_where_a_function_imports_it(tmp_path):
    (tmp_path / "elsewhere.py").write_text("NAME = 'n' * 10_000\n")
    (tmp_path / "imports.py").write_text(
        "NAME = ''\n\n"
        "def module(text: str) -> object:\n"
        "    import no_such_module as other\n"
        "    return other.load(text)\n\n"
        "def inner(text: str) -> object:\n"
        "    from no_such_module import load\n"
        "    def loaded() -> object:\n"
        "        return load(text)\n"
        "    return loaded()\n\n"
        "def missing(text: str) -> object:\n"
        "    from elsewhere import nothing\n"
        "    return nothing(text)\n\n"
        "def of_module(text: str) -> bytes:\n"
        "    global NAME\n"
        "    from elsewhere import NAME\n"
        "    return bytes(len(NAME))\n\n"
        "def optional(text: str) -> bytes:\n"
        "    try:\n"
        "        import no_such_module as other\n"
        "    except ImportError:\n"
        "        other = None\n"
        "    return b'' if other is None else bytes(100 * len(text))\n"
    )
    *refused, optional = bounds(
        [f"imports:{name}" for name in ("module", "inner", "missing", "of_module", "optional")]
    )
    kinds = [{finding.kind for finding in one.findings} for one in refused]
    assert kinds == [{"any"}, {"unknown-callee"}, {"unknown-callee"}, {"unsupported"}]
    assert optional.for_call("x" * 1000) > 100_000


def test_what_runs_where_type_checking_is_false_is_a_finding(tmp_path):
    (tmp_path / "typed.py").write_text(
        "from typing import TYPE_CHECKING\n\n"
        "def otherwise(text: str) -> bytes:\n"
        "    if TYPE_CHECKING:\n"
        "        n = 1\n"
        "    else:\n"
        "        n = 100 * len(text)\n"
        "    return bytes(n)\n\n"
        "def when_not(text: str) -> bytes:\n"
        "    if text and not TYPE_CHECKING:\n"
        "        return bytes(100 * len(text))\n"
        "    return b''\n\n"
        "def alone(text: str) -> bytes:\n"
        "    if TYPE_CHECKING:\n"
        "        return b''\n"
        "    return bytes(100 * len(text))\n"
    )
    *refused, alone = bounds([f"typed:{name}" for name in ("otherwise", "when_not", "alone")])
    assert [[(one.kind, one.line) for one in found.findings] for found in refused] == [
        [("unsupported", 7)],
        [("unsupported", 12)],
    ]
    assert alone.for_call("x" * 1000) > 100_000


DECLARED_ALONE = {
    "assigned": "global A\n    A = [0] * n",
    "inside": "def inner() -> None:\n        global B\n        B = [0] * n\n    inner()",
    "looped": "global C\n    for C in [[0] * n]:\n        pass",
    "opened": "global D\n    with nullcontext([0] * n) as D:\n        pass",
    "walrus": "global E\n    return len(E := [0] * n)",
    "comprehended": "global F\n    [F := [0] * n for _ in range(n)]",
    "defined": "global G\n    def G() -> list[int]:\n        return [0] * n",
    "imported": "global H\n    import json as H",
    "deleted": "global I\n    del I",
    "caught": "global J\n    try:\n        pass\n    except ValueError as J:\n        pass",
    "sometimes": "if n > 1:\n        global K\n        K = [0] * n",
    "unpacked": "global L\n    L, other = [0] * n, n",
    "built_in": "global abs\n    abs = lambda x: [0] * x",
    "uses_it": "return abs(n)",
    "of_another": "global shared\n    shared = [0] * n",
    "of_a_function": "global defined_here\n    def defined_here(n: int) -> list[int]:\n        return [0] * n",
    "calls_it": "return defined_here(n)",
    "both": "assigned(n)\n    looped(n)",
    "read": "return (lambda: len(A))()",
}


def test_a_variable_that_only_a_global_statement_makes_is_a_finding(tmp_path):
    (tmp_path / "of_others.py").write_text("shared: list[int] = []\n")
    lines = ["from contextlib import nullcontext", "from of_others import shared", "mine: list[int] = []"]
    lines += ["def defined_here(n: int) -> list[int]:\n    return [0]"]
    lines += [f"def {name}(n: int) -> object:\n    {body}\n" for name, body in DECLARED_ALONE.items()]
    lines += ["def defined_above(n: int) -> None:\n    global mine\n    mine = [0] * n"]
    (tmp_path / "declared.py").write_text("\n".join(lines))
    *refused, allowed = bounds([f"declared:{name}" for name in (*DECLARED_ALONE, "defined_above")])
    kinds = {
        name: [one.kind for one in found.findings]
        for name, found in zip(DECLARED_ALONE, refused, strict=True)
    }
    assert {name for name, found in kinds.items() if "unsupported" not in found} == set()
    assert (refused[0].findings[0].message, refused[0].findings[0].line) == (
        "A, which is declared global and which the module does not define itself",
        6 + 1,
    )
    assert not allowed.findings
    assert "globals" in dict(allowed.retained)
