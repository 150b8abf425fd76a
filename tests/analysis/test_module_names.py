"""Names that may stand for something else when the program runs than what mypy takes them for: findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hardtack.analysis.bounds import bounds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_by_mypy: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mypy").symlink_to(read_by_mypy)
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


DEFINED_AGAIN = """\
import os, sys
from typing import TYPE_CHECKING, overload

if os.sep == "/":
    def branches(n: int) -> bytes:
        return bytes(n * 10)
else:
    def branches(n: int) -> bytes:
        return bytes(n)

try:
    import no_such_module
    def tried(n: int) -> bytes:
        return bytes(n)
except ImportError:
    def tried(n: int) -> bytes:
        return bytes(n * 10)

def plain(n: int) -> bytes:
    return bytes(n)

def plain(n: int) -> bytes:
    return bytes(n * 10)

if TYPE_CHECKING:
    def checked(n: int) -> bytes: ...
else:
    def checked(n):
        return bytes(n * 10)

if sys.version_info >= (3, 9):
    def known(n: int) -> bytes:
        return bytes(n)
else:
    def known(n: int) -> bytes:
        return bytes(n * 10)

@overload
def overloaded(n: int) -> bytes: ...
@overload
def overloaded(n: str) -> bytes: ...
def overloaded(n: int | str) -> bytes:
    return bytes(n) if isinstance(n, int) else b""

class Holds:
    def method(self, n: int) -> bytes:
        return bytes(n)
    def method(self, n: int) -> bytes:
        return bytes(n * 10)
    @property
    def size(self) -> int:
        return 1
    @size.setter
    def size(self, n: int) -> None:
        print(n)
    if os.sep == "/":
        @property
        def text(self) -> bytes:
            return bytes(1000)
    else:
        @property
        def text(self) -> bytes:
            return b""

if os.sep == "/":
    class Twice:
        def made(self, n: int) -> bytes:
            return bytes(n * 10)
else:
    class Twice:
        def others(self, n: int) -> bytes:
            return bytes(n)

def calls_branches(n: int) -> bytes:
    return branches(n)
def calls_tried(n: int) -> bytes:
    return tried(n)
def calls_plain(n: int) -> bytes:
    return plain(n)
def calls_checked(n: int) -> bytes:
    return checked(n)
def calls_method(n: int) -> bytes:
    return Holds().method(n)
def reads_text(holds: Holds) -> bytes:
    return holds.text
def as_value(n: int) -> list[bytes]:
    return list(map(branches, [n]))
def reads_size(holds: Holds) -> int:
    return holds.size
def calls_known(n: int) -> bytes:
    return known(n)
def calls_overloaded(n: int) -> bytes:
    return overloaded(n)
"""
AGAIN = ["branches", "tried", "plain", "checked", "Holds.method", "Holds.text", "Twice.made", "Twice.others"]
CALL_AGAIN = [f"calls_{name}" for name in ("branches", "tried", "plain", "checked", "method")]
ONCE = ["known", "overloaded", "Holds.size", "reads_size", "calls_known", "calls_overloaded"]


def test_a_function_that_is_defined_more_than_once_is_a_finding(tmp_path):
    (tmp_path / "twice.py").write_text(DEFINED_AGAIN)
    wanted = [*AGAIN, *CALL_AGAIN, "reads_text", "as_value"]
    answers = bounds([f"twice:{name}" for name in [*wanted, *ONCE]])
    kept = {
        name: found.findings
        for name, found in zip(wanted, answers, strict=False)
        if not any("is defined more than once" in one.message for one in found.findings)
    }
    assert kept == {}
    assert [found.findings for found in answers[len(wanted) :]] == [()] * len(ONCE)
    message = "twice.branches, which is defined more than once, at lines 5, 8: which runs is not known"
    assert [(one.message, one.remedy) for one in answers[0].findings] == [
        (message, "give them different names")
    ]


IN_DOUBT = """
import heapq
from typing import TYPE_CHECKING
from plain import Sure, alike, first, left, right, sure, void
from plain import first as again
import plain as whole
if TYPE_CHECKING:
    from plain import Checked, checked
    def only_checked(n: int) -> bytes: return b""
    class Only:
        pass
else:
    from other import Checked, checked
try:
    from plain import tried
except ImportError:
    from other import tried
def first(n: int) -> bytes: return bytes(n)
try:
    from plain import Made
except ImportError:
    class Made: pass
class Below(Made): pass
from plain import *
def starred(n: int) -> bytes: return bytes(n)
try:
    from plain import either
except ImportError:
    either = None
from plain import alike
if sure(1):
    alike_too = 1
heapq.heappush = sure
setattr(heapq, "heapify", sure)
for _ in "a":
    heapq.heapreplace = sure
def calls_checked(n: int) -> bytes: return checked(n)
def calls_tried(n: int) -> bytes: return tried(n)
def calls_first(n: int) -> bytes: return first(n)
def calls_starred(n: int) -> bytes: return starred(n)
def calls_only_checked(n: int) -> bytes: return only_checked(n)
def as_value(n: int) -> list[bytes]: return list(map(tried, [n]))
def in_a_lambda(n: int) -> bytes: return (lambda: tried(n))()
def makes_checked() -> Checked: return Checked()
def makes_made() -> Made: return Made()
def makes_below() -> Below: return Below()
def makes_only() -> Only: return Only()
def reads_given(made: list[Below]) -> int: return len([one for one in made])
def pushes(n: int) -> None: heapq.heappush([n], n)
def pushes_later(n: int) -> list[None]: return list(map(heapq.heappush, [[n]], [n]))
def heapifies(n: int) -> None: heapq.heapify([n])
def replaces(n: int) -> int: return heapq.heapreplace([n], n)
def calls_sure(n: int) -> bytes: return sure(n)
def calls_again(n: int) -> bytes: return again(n)
def calls_alike(n: int) -> bytes: return alike(n)
def calls_whole(n: int) -> bytes: return whole.first(n)
def makes_sure() -> Sure: return Sure()
def shadows(n: int, first: bytes) -> bytes: return first
def calls_either(n: int) -> bytes: return either(n)
def pops(n: int) -> int: return heapq.heappop([n])
"""
ABOUT_IT = """
import in_doubt
from in_doubt import tried as taken
def through_module(n: int) -> bytes: return in_doubt.tried(n)
def value_of_module(n: int) -> list[bytes]: return list(map(in_doubt.tried, [n]))
def through_import(n: int) -> bytes: return taken(n)
def through_sure(n: int) -> bytes: return in_doubt.sure(n)
"""
DOUBTFUL = ["calls_checked", "calls_tried", "calls_first", "calls_starred", "calls_only_checked", "as_value"]
DOUBTFUL += ["in_a_lambda", "makes_checked", "makes_made", "makes_below", "makes_only"]
DOUBTFUL += ["reads_given", "pushes", "pushes_later", "heapifies", "replaces"]
CERTAIN = ["calls_sure", "calls_again", "calls_alike", "calls_whole", "makes_sure", "shadows", "calls_either"]
CERTAIN += ["pops"]
SAYS = ("more than once, at lines", "where TYPE_CHECKING is True", "put something else in the place of")


def test_what_a_name_may_stand_for_besides_is_a_finding(tmp_path):
    functions = ["alike", "checked", "either", "first", "left", "right", "starred", "sure", "tried", "void"]
    lines = [f"def {name}(n: int) -> bytes: return b'x'" for name in functions]
    lines += [f"class {name}: pass" for name in ("Checked", "Made", "Sure")]
    (tmp_path / "plain.py").write_text("\n".join(lines))
    (tmp_path / "other.py").write_text("\n".join(line.replace("b'x'", "bytes(n)") for line in lines))
    (tmp_path / "in_doubt.py").write_text(IN_DOUBT)
    (tmp_path / "about_it.py").write_text(ABOUT_IT)
    about = ["through_module", "value_of_module", "through_import", "through_sure"]
    wanted = [*(f"in_doubt:{name}" for name in DOUBTFUL), *(f"about_it:{name}" for name in about[:3])]
    certain = [*(f"in_doubt:{name}" for name in CERTAIN), f"about_it:{about[3]}"]
    answers = dict(zip([*wanted, *certain], bounds([*wanted, *certain]), strict=True))
    kept = {
        name: answers[name].findings
        for name in wanted
        if not any(said in one.message for one in answers[name].findings for said in SAYS)
    }
    assert kept == {}
    assert {name: answers[name].findings for name in certain if answers[name].findings} == {}


MODULES = {
    "small": "def make(n: int) -> bytes: return b'x'\ndef other(n: int) -> bytes: return b'x'\n"
    "class Made:\n    def of(self, n: int) -> bytes: return b'x'\n",
    "large": "def make(n: int) -> bytes: return bytes(10**6)\n"
    "class Made:\n    def of(self, n: int) -> bytes: return bytes(10**6)\n",
    "either": "import os\nif os.environ.get('NO'):\n    from small import Made, make\n"
    "else:\n    from large import Made, make\n",
    "chain": "from either import *\nfrom small import other\n",
    "hides": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from small import *\n"
    "else:\n    from large import *\n",
    "hides_it": "typing = 3\n",
    "listed": "from large import make, Made\n__all__ = ['Made']\n",
}
CALL = "def f(n: int) -> bytes: return make(n)"
STARS = {
    "of_two": f"from small import *\nfrom large import *\n{CALL}",
    "of_one_in_doubt": f"from either import *\n{CALL}",
    "through_another": f"from chain import *\n{CALL}",
    "in_a_loop": f"from small import *\nfor _ in 'ab':\n    from large import *\n{CALL}",
    "for_checkers": f"from hides import *\n{CALL}",
}
CERTAIN_STARS = {
    "plain_star": f"from small import *\n{CALL}",
    "same_twice": f"from small import *\nfrom small import make\n{CALL}",
    "not_listed": f"from listed import *\nfrom small import make\n{CALL}",
    "of_libraries": f"from small import *\nfrom os.path import *\nfrom typing import *\n{CALL}",
    "not_in_doubt": "from chain import *\ndef f(n: int) -> bytes: return other(n)",
}


def found_in(tmp_path: Path, programs: dict[str, str]) -> dict[str, str]:
    """Return the first finding of `f` in each of some modules that stand beside MODULES."""
    for name, text in [*MODULES.items(), *programs.items()]:
        (tmp_path / f"{name}.py").write_text(text)
    answers = bounds([f"{name}:f" for name in programs])
    return {
        name: found.findings[0].message if found.findings else ""
        for name, found in zip(programs, answers, strict=True)
    }


def test_what_a_star_imports_may_be_in_doubt(tmp_path):
    found = found_in(tmp_path, STARS)
    assert {name: why for name, why in found.items() if "is bound more than once" not in why} == {}
    assert set(found_in(tmp_path, CERTAIN_STARS).values()) == {""}


IMPORTING = {
    "in_a_function": "def f(n: int) -> bytes:\n    from either import make\n    return make(n)",
    "in_one_inside": "def f(n: int) -> bytes:\n    def g() -> bytes:\n        from either import make\n"
    "        return make(n)\n    return g()",
    "two_in_a_function": "def f(n: int) -> bytes:\n    if n > 3:\n        from small import make\n"
    "    else:\n        from large import make\n    return make(n)",
    "with_a_parameter": "from typing import Callable\ndef f(n: int, make: Callable[[int], bytes]) -> bytes:\n"
    "    if n > 3:\n        from small import make\n    return make(n)",
    "a_class": "def f(n: int) -> bytes:\n    from either import Made\n    return Made().of(n)",
}
CERTAIN_IMPORTING = {
    "once": "def f(n: int) -> bytes:\n    from small import make\n    return make(n)",
    "in_two_functions": "def f(n: int) -> bytes:\n    from small import make\n    return make(n)\n"
    "def g(n: int) -> bytes:\n    from large import make\n    return make(n)",
    "by_platform": "import sys\ndef f(n: int) -> bytes:\n    if sys.platform != 'win32':\n"
    "        from small import make\n    else:\n        from large import make\n    return make(n)",
}


def test_what_functions_import_may_be_in_doubt(tmp_path):
    found = found_in(tmp_path, IMPORTING)
    assert {name: why for name, why in found.items() if "is bound more than once" not in why} == {}
    assert set(found_in(tmp_path, CERTAIN_IMPORTING).values()) == {""}


USE = "def f(n: int, {}) -> bytes: return {}.of(n)"
ANNOTATED = {
    "for_checkers": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from small import Made\n"
    f"else:\n    from large import Made\n{USE.format('made: Made', 'made')}",
    "a_parameter": f"from either import Made\n{USE.format('made: Made', 'made')}",
    "by_text": "import either as of\n" + USE.format("made: 'list[of.Made]'", "made[0]"),
    "by_an_alias": f"import either\nAlias = list[either.Made]\n{USE.format('made: Alias', 'made[0]')}",
    "a_variable": "import either\nMADE: list[either.Made] = []\ndef f(n: int) -> bytes: return MADE[0].of(n)",
    "a_value": "import either\nMADE = either.Made()\ndef f(n: int) -> bytes: return MADE.of(n)",
    "an_imported_one": "from a_value import MADE\ndef f(n: int) -> bytes: return MADE.of(n)",
    "a_field": "import either\nclass Holds:\n    made: either.Made\n"
    f"{USE.format('holds: Holds', 'holds.made')}",
    "an_attribute": "from either import Made\nclass Holds:\n    def __init__(self, made: Made) -> None:\n"
    f"        self.made = made\n{USE.format('holds: Holds', 'holds.made')}",
}
CERTAIN_ANNOTATED = {
    "sure": f"from small import Made\n{USE.format('made: Made', 'made')}",
    "imported_for_checkers": "from typing import TYPE_CHECKING\nfrom hides_it import *\nif TYPE_CHECKING:\n"
    "    import typing\ndef f(n: int, one: 'typing.Any' = None) -> bytes: return bytes(n)",
    "stated_for_checkers": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    Word = str\n"
    "else:\n    class Word: pass\ndef f(n: int, word: Word) -> bytes: return bytes(n)",
    "beside_it": "from either import Made, make\nfrom small import other\n"
    "def f(n: int) -> bytes: return other(n)",
}


def test_annotations_may_be_in_doubt(tmp_path):
    found = found_in(tmp_path, ANNOTATED)
    assert {name: why for name, why in found.items() if "is bound more than once" not in why} == {}
    assert set(found_in(tmp_path, CERTAIN_ANNOTATED).values()) == {""}


BOUND_AGAIN = {
    "for": "for _ in (1,):\n    FOR = 10**6",
    "with": "with suppress(ValueError):\n    WITH = 10**6",
    "as": "with nullcontext(10**6) as AS:\n    pass",
    "match": "match 10**6:\n    case MATCH:\n        pass",
    "walrus": "if (WALRUS := 10**6):\n    pass",
    "inside": "[INSIDE := one for one in (10**6,)]",
    "star": "from all_of_it import *",
    "checkers": "if not TYPE_CHECKING:\n    CHECKERS = 10**6",
    "default": "def with_default(one: object = (DEFAULT := 10**6)) -> None: ...",
    "lambda": "with_lambda = lambda one=(LAMBDA := 10**6): one",
    "decorator": "@(lambda one, two=(DECORATOR := 10**6): one)\ndef decorated() -> None: ...",
    "keyword": "class Keyword(metaclass=(KEYWORD := 10**6) and type): ...",
    "annotation": "def annotated(one: (ANNOTATION := 10**6)) -> None: ...",
}


def test_a_variable_that_is_bound_again_is_no_constant(tmp_path):
    (tmp_path / "all_of_it.py").write_text("STAR = 10**6\n")
    lines = ["from contextlib import nullcontext, suppress", "from typing import TYPE_CHECKING"]
    for name, again in BOUND_AGAIN.items():
        lines += [f"{name.upper()} = 3", again, f"def {name}_() -> bytes:\n    return bytes({name.upper()})"]
    (tmp_path / "again.py").write_text(
        "\n".join([*lines, "ONCE = 3", "def once() -> bytes:\n    return bytes(ONCE)"])
    )
    *others, once = bounds([*(f"again:{name}_" for name in BOUND_AGAIN), "again:once"])
    assert not once.symbols
    assert {
        name: found.findings for name, found in zip(BOUND_AGAIN, others, strict=True) if not found.symbols
    } == {}


def test_what_only_a_comprehension_of_the_module_binds_is_a_finding(tmp_path):
    path = tmp_path / "within.py"
    path.write_text("[(LAST := n) for n in (1, 10**6)]\n\n\ndef last() -> bytes:\n    return bytes(LAST)\n")
    (bound,) = bounds([f"{path}:last"])
    assert bound.peak is None
    assert bound.findings[0].message == "LAST, which its module binds in a comprehension"
