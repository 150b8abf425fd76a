"""What is known of a regular expression before it is matched."""

from __future__ import annotations

import re
from collections import OrderedDict
from runpy import run_path

import pytest

from hardtack import bound
from hardtack.analysis.models.patterns import read_pattern
from hardtack.lab.measuring import check, given

SOURCE = """
import re
import struct
from collections import OrderedDict, defaultdict

_PAIR = re.compile(r"(\\w+)=(\\w+)")
_HEADER = struct.Struct("<IH")


def key(text: str) -> str:
    found = _PAIR.match(text)
    return "" if found is None else found.group(1)


def length(data: bytes) -> int:
    size, _ = _HEADER.unpack_from(data)
    return size


def matched(pattern: str, text: str) -> bool:
    return re.match(pattern, text) is not None


def add(rows: defaultdict[str, list[str]], key: str) -> None:
    rows[key].append(key)


def put(rows: OrderedDict[str, int], key: str) -> None:
    rows[key] = 1


def merge(rows: OrderedDict[str, int], other: OrderedDict[str, int]) -> None:
    rows |= other
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    file = tmp_path_factory.mktemp("compiled") / "compiled.py"
    file.write_text(SOURCE)
    return file


def test_groups_are_counted_whatever_the_flags_are():
    assert read_pattern("(a)(b(?:c))").groups == 2
    assert read_pattern("a [(]  # (b)").groups == 1  # without VERBOSE; with it there are none


def test_the_stack_is_constant_unless_a_repeat_of_more_than_a_character_is_endless():
    assert read_pattern(r"\d+(\.\d+){3}\s*$").each == 0
    assert read_pattern("(?:ab)*").each > 0
    assert read_pattern("(?:(?:a|b)*c)*").each > read_pattern("(?:a|b)*").each


def test_groups_in_assertions_may_take_the_same_text_again():
    assert read_pattern("(?=(a*))").looks_around
    assert not read_pattern("(a*)(?=b)").looks_around


def test_what_is_no_pattern_is_not_known():
    assert read_pattern("(") is None
    assert read_pattern(b"(a)") == read_pattern("(a)")


@pytest.mark.parametrize("name", ["key", "length"])
def test_what_a_module_compiles_once_is_known_where_it_is_used(source, name):
    assert bound(f"{source}:{name}").peak is not None


def test_a_pattern_that_is_not_known_is_a_finding(source):
    found = bound(f"{source}:matched")
    assert found.peak is None
    assert "no-constant" in {finding.kind for finding in found.findings}


@pytest.mark.parametrize("name", ["add", "merge"])
def test_dicts_that_grow_otherwise_than_a_dict_are_refused(source, name):
    assert bound(f"{source}:{name}").peak is None


def full_table(slots, entries):
    """Return an OrderedDict whose table has no room for another key, though most of its keys were let go."""
    rows = OrderedDict((f"k{number}", number) for number in range(2 * slots // 3))
    while len(rows) > entries:
        rows.popitem()
    return rows


def test_a_key_that_makes_an_ordereddict_grow_takes_no_more_than_its_bound(source):
    put = run_path(str(source))["put"]
    tables = [
        (slots, slots // part + more) for slots in (8, 64, 1024) for part in (2, 3, 6) for more in (0, 1)
    ]
    makes = [lambda table=table: given(full_table(*table), "new") for table in tables]
    verdict = check("put", bound(f"{source}:put"), put, makes)
    assert not verdict.violations
    assert verdict.largest > 40_000


def test_no_pattern_is_compiled_to_more_than_it_was_read_as():
    for text in ("(a)|(b)", "(?P<x>a)(?(x)b|c)", "(?:(a)+)?", "(?i:(a))"):
        assert read_pattern(text).groups == re.compile(text).groups
