from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import entry_cases as cases
import pytest

from hardtack.analysis.entry import analyse
from hardtack.analysis.evaluating import evaluate
from hardtack.analysis.loading import load
from hardtack.analysis.models import load_models
from hardtack.heap import Heap
from hardtack.lab.measuring import check, given

HERE = Path(__file__).parent
NS = (0, 1, 2, 3, 5, 8, 17, 50, 200, 1000)
INTS = (0, 300, 2**29, 2**30, 2**59, 2**60, 2**90, -(2**100), 10**300)
WORDS = ["", "a", " b ", "xx" * 50, "é" * 7, "Ω " * 30, "\U00010001" * 20, " " * 100]


def words(n):
    return [f"{WORDS[i % len(WORDS)]}{i}" for i in range(n)]


def bag(n):
    made = cases.Bag()
    cases.fill(made, n)
    return made


def folders(n):
    """A chain of up to 18, and what is left below its end."""
    root = tree = cases.Folder("root", [])
    for _ in range(min(n, 18) - 1):
        tree.below.append(cases.Folder("y", []))
        tree = tree.below[0]
    tree.below += [cases.Folder(f"{i}", []) for i in range(n - 18)]
    return root


def of(make, sizes=NS):
    """Return makers of calls with one argument, made from a size."""
    return [lambda n=n: given(make(n)) for n in sizes]


def numbers(sizes=NS):
    return of(int, sizes)


def ranges():
    return of(lambda n: list(range(n)))


def twice_the_same(make, *rest):
    one = make()
    return given(one, one, *rest)


INPUTS = {
    "total": of(words),
    "add": [lambda a=a, b=b: given(a, b) for a in INTS for b in (0, 1, -1, 2**60, -(10**200))],
    "pairs": of(words),
    "squares": numbers(),
    "wide": [
        lambda a=a, n=n: given(a, n) for a in (0, 300, 2**40, -(2**60), 10**100) for n in (0, 1, 60, 500)
    ],
    "table": numbers((0, 1, 2, 5, 20, 60)),
    "dicts": of(words),
    "group": of(words),
    "grow": [lambda a=a, n=n: given(list(range(a)), n) for a in (0, 1, 100, 5000) for n in (0, 1, 5, 500)],
    "fixed": [lambda at=at: given(cases.Fixed(), at) for at in (0, 3, 4, -1)],
    "alias_of_any": [lambda n=n: twice_the_same(lambda: list(range(n)), 7, 20 * n) for n in NS],
    "alias": [lambda n=n: twice_the_same(lambda: words(n)) for n in NS],
    "halves": numbers((0, 1, 5, 1000, 2**70, 10**50)),
    "count": numbers(),
    "use_gen": ranges(),
    "enum": of(words),
    "zipped": [lambda n=n: given(words(n), list(range(300, 300 + n))) for n in NS],
    "closure": numbers(),
    "tries": of(lambda n: [("1", "x", "9" * 40, "y" * 700, "Ω" * 600)[i % 5] for i in range(n)]),
    "points": of(words),
    "counted": [lambda at=at, n=n: given(cases.Rows(), at, n) for at in (0, 3) for n in (1, 1023)],
    "counted_again": [lambda n=n: given(cases.Rows(), n) for n in (1, 1023)],
    "bump_all": of(lambda n: [cases.P("a" * i, i) for i in range(n)]),
    "many_rows": numbers(),
    "chain": numbers(),
    "cycles": numbers(),
    "raises": numbers(),
    "inner_raise": numbers(),
    "catches": numbers(),
    "catches_loop": numbers((0, 1, 2, 5, 20, 100)),
    "cleanup": numbers(),
    "early": numbers(),
    "make_adders": numbers(),
    "tuples": numbers(),
    "tuple_bulk": numbers(),
    "dpoints": numbers(),
    "dpoints_kw": numbers(),
    "fill": [lambda n=n, m=m: given(bag(m), n) for n in (0, 1, 5, 100) for m in (0, 1, 500)],
    "swap_bags": [
        lambda n=n, m=m: twice_the_same(lambda: bag(m), n) for n in (0, 1, 5, 100) for m in (0, 300)
    ],
    "replace_each": [lambda n=n, m=m: given([[0] * m] * n, 70000) for n in (0, 1, 10) for m in (0, 1, 50)],
    "twice": numbers(),
    "nested_lists": numbers(),
    "descend": numbers((0, 1, 5, 20, 28)),
    "shadow": numbers(),
    "held_args": numbers(),
    "strings": numbers(),
    "fact": numbers(),
    "gen_interleave": numbers(),
    "gen_mutates": numbers((0, 1, 2, 5, 20, 100)),
    "gen_break": numbers(),
    "cond": numbers(),
    "retain_cond": [lambda n=n: given(bag(0), n) for n in NS],
    "outer_var": numbers(),
    "build": numbers(range(6)),
    "flatten": [lambda n=n: given(cases.build(n), []) for n in range(6)],
    "search": [lambda n=n: given(list(range(n)), n // 2) for n in NS],
    "speak": [lambda n=n, a=a: given(a, n) for n in NS for a in (cases.Dog(), cases.Animal())],
    "swap": numbers(),
    "first_or": [lambda n=n: given(words(n), 1) for n in NS],
    "matrix": [lambda n=n: given(n, n) for n in (0, 1, 5, 20, 50)],
    "floats": of(lambda n: [1.5] * n),
    "window": [lambda n=n: given(b"x" * n, n) for n in NS],
    "slices": ranges(),
    "stack": numbers(),
    "my_catch": numbers(),
    "my_raise": numbers(),
    "compose": numbers(),
    "string_build": of(words),
    "pipeline": numbers(),
    "default_closure": numbers(),
    "offsets": of(bytes),
    "after_some_rounds": numbers(),
    "left_generators": numbers((0, 1, 2, 8, 50)),
    "sorted_generators": numbers((0, 1, 2, 8, 50)),
    "nested_rounds": numbers(),
    "described": of(lambda n: [{"name": word, "size": 300} if len(word) % 2 else {} for word in words(n)]),
    "turned_round": of(lambda n: {word: len(word) * 100 for word in words(n)}),
    "anywhere": of(folders, (1, 3, 18, 200)),
    "tallest": of(folders, (1, 3, 18, 200)),
}
REFUSED = {
    "doubling": "growth",  # its result has 2**n characters
    "chain_length": "loop",  # how long a linked list is, no symbol says
    "rec": "recursion",
    "fixed_shortened": "annotation",
    "fixed_shortened_elsewhere": "annotation",
}
# Generators, which run in steps: to the end, each item let go of before the next.
STEPPED = {"items_made": numbers((0, 1, 10)), "items_passed": of(words)}
# A bound for which no input of ours comes within this factor is too loose to be of use: what was reached stays.
LOOSEST = {"flatten": 260, "bump_all": 15, "catches_loop": 12, "search": 10, "floats": 14}
if sys.version_info >= (3, 12):  # which adds up floats in place
    LOOSEST["floats"] = 16

ENTRIES = (*INPUTS, *REFUSED, *STEPPED, "awaited")


class Bound:
    """What `hardtack.bound` gives, as far as measuring asks it."""

    def __init__(self, analysed):
        self.analysed = analysed

    def for_call(self, *args, **kwargs):
        return evaluate(self.analysed, args, kwargs)


@pytest.fixture(scope="module")
def analysed():
    targets = [f"{HERE / 'entry_cases.py'}:{name}" for name in ENTRIES]
    program, entries, _ = load(targets)
    models = load_models()
    return {name: analyse(program, entry, models) for name, entry in zip(ENTRIES, entries, strict=True)}


@pytest.mark.parametrize("name", INPUTS)
def test_no_call_holds_more_than_its_bound(name, analysed):
    found = analysed[name]
    assert found.findings == ()
    verdict = check(name, Bound(found), getattr(cases, name), INPUTS[name])
    assert verdict.violations == []
    assert verdict.tightest is None or verdict.tightest <= LOOSEST.get(name, 7)


@pytest.mark.parametrize("name", STEPPED)
def test_a_generator_counts_itself_and_its_steps(name, analysed):
    def stepped(argument):
        for _ in getattr(cases, name)(argument):
            _ = None

    found = analysed[name]
    verdict = check(name, Bound(found), stepped, STEPPED[name])
    assert verdict.violations == []
    assert verdict.tightest is not None
    assert verdict.tightest < 3
    assert found.returned == found.peak  # what a generator holds between steps is its caller's
    assert "item let go of" in found.assumptions[-1].text


def test_a_coroutine_counts_itself(analysed):
    heap = Heap("1 MiB", name="service", strict=True)
    call = heap.call(Bound(analysed["awaited"]).for_call)(cases.awaited)
    for number in (1, 2**40, 10**300):
        assert asyncio.run(call(number)) == 2 * number + 3


@pytest.mark.parametrize(("name", "kind"), REFUSED.items())
def test_what_cannot_be_bounded_is_refused(name, kind, analysed):
    assert analysed[name].peak is None
    assert {finding.kind for finding in analysed[name].findings} == {kind}


def test_what_a_call_keeps_is_told_by_the_argument_that_keeps_it(analysed):
    assert [name for name, _ in analysed["grow"].retained] == ["xs"]
    assert str(analysed["total"].returned) == "48"


def test_what_is_stated_to_be_among_others_is_charged_once(analysed):
    ((name, kept),) = analysed["counted"].retained
    assert name == "rows"
    assert sys.getsizeof(1 << 1023) <= kept.evaluate({}) < 1.5 * sys.getsizeof(1 << 1023)


def test_cycles_that_a_call_makes_stay_charged(analysed):
    assert [name for name, _ in analysed["cycles"].retained] == ["cycles"]


def test_the_chain_adds_up_to_the_peak_where_the_peak_is_one_sum(analysed):
    found = analysed["total"]
    assert sum(link.share.evaluate({}) for link in found.chain) == found.peak.evaluate({})


def test_loops_say_how_often_they_run(analysed):
    assert [(str(loop.rounds), loop.how) for loop in analysed["total"].loops] == [("len(xs)", "inferred")]


def test_a_symbol_says_what_it_means(analysed):
    assert dict(analysed["pairs"].symbols)["total(xs)"] == "sum of the lengths of the items of xs"


if sys.version_info[:2] != (3, 11):
    pytestmark = pytest.mark.skip(reason="the layouts of 3.12 and 3.13 are not told apart yet")


GROWING = """
def steps(n: int) -> int:
    while n > 1:
        n = 3 * n + 1 if n % 2 else n // 2
    return n


def lists(a: int, b: int, c: int, d: int) -> tuple[list[int], list[int], list[int], list[int]]:
    one: list[int] = []
    while steps(a) > 1:
        one.append(a)
    two: list[int] = []
    while steps(b) > 1:
        two.append(b)
    three: list[int] = []
    while steps(c) > 1:
        three.append(c)
    four: list[int] = []
    while steps(d) > 1:
        four.append(d)
    return one, two, three, four
"""
PRINT = """
import sys
from hardtack.analysis.bounds import bounds
(found,) = bounds([sys.argv[1]], cache=False)
print(*found.findings, *found.retained, *found.loops, found.returned, sep="\\n")
"""


def test_findings_have_one_order_whatever_texts_hash_to(tmp_path: Path) -> None:
    file = tmp_path / "growing.py"
    file.write_text(GROWING)
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT, f"{file}:lists"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0].count("Finding(") > 3
    assert printed[0] == printed[1]
