"""`for_call` gives no number for a call that runs other code than what was analysed."""

from __future__ import annotations

import enum
import re
from collections import OrderedDict

import pytest

from hardtack.analysis.as_analysed import NotAsAnalysed
from hardtack.analysis.bounds import bounds
from programs import holes

SMALL = holes.small  # as it was written: programs/holes_inputs.py patches it
NAMES = (
    "patched",
    "instance_patched",
    "measured",
    "named_by_a_class_below",
    "one_key_more",
    "appended",
    "number",
    "Grower.feed",
    "Marker.marks",
    "dropped",
)


@pytest.fixture(scope="module")
def analysed():
    return dict(zip(NAMES, bounds([f"{holes.__file__}:{name}" for name in NAMES]), strict=True))


def test_a_function_that_was_patched_is_told(analysed, monkeypatch):
    monkeypatch.setattr(holes, "small", SMALL)
    assert analysed["patched"].for_call() > 0
    monkeypatch.setattr(holes, "small", lambda: b"L" * 50_000)
    with pytest.raises(NotAsAnalysed, match=r"holes.small is not what was analysed"):
        analysed["patched"].for_call()


def test_a_method_that_was_patched_is_told(analysed, monkeypatch):
    monkeypatch.setattr(holes.Plain, "size", lambda self: b"L" * 50_000)
    with pytest.raises(NotAsAnalysed, match=r"Plain.size is not what was analysed"):
        analysed["instance_patched"].for_call(holes.Plain())


def test_a_method_of_one_instance_that_was_patched_is_told(analysed):
    thing = holes.Plain()
    assert analysed["instance_patched"].for_call(thing) > 0
    thing.size = lambda: b"L" * 50_000
    with pytest.raises(NotAsAnalysed, match=r"thing.size stands in the place of a method"):
        analysed["instance_patched"].for_call(thing)


def test_a_pattern_of_one_instance_that_was_put_over_the_class_s_is_told(analysed):
    marker = holes.Marker()
    assert analysed["Marker.marks"].for_call(marker, "text") > 0
    marker.mark = re.compile("(.)*")
    with pytest.raises(NotAsAnalysed, match=r"self.mark stands in the place of a method or pattern"):
        analysed["Marker.marks"].for_call(marker, "text")


def test_a_subclass_that_the_analysis_did_not_see_is_told(analysed):
    class Other(holes.Plain):
        def size(self) -> bytes:
            return b"L" * 50_000

    with pytest.raises(NotAsAnalysed, match=r"thing is a .*Other"):
        analysed["instance_patched"].for_call(Other())


def test_a_subclass_of_a_builtin_is_told(analysed):
    with pytest.raises(NotAsAnalysed, match="text is a Counting"):
        analysed["measured"].for_call(holes.Counting("text"))


def test_a_subclass_of_a_path_is_told(analysed):
    with pytest.raises(NotAsAnalysed, match="path is a Branded"):
        analysed["named_by_a_class_below"].for_call(holes.Branded("a/b"))


def test_a_subclass_of_dict_and_of_int_is_told(analysed):
    class Colour(enum.IntEnum):
        RED = 1

    with pytest.raises(NotAsAnalysed, match="table is a OrderedDict"):
        analysed["one_key_more"].for_call(OrderedDict())
    with pytest.raises(NotAsAnalysed, match=r"more is a .*Colour"):
        analysed["appended"].for_call([1], Colour.RED)


def test_a_bool_is_taken_for_an_int(analysed):
    assert analysed["appended"].for_call([1], True) == analysed["appended"].for_call([1], 1)


def test_what_was_analysed_is_taken(analysed):
    assert analysed["Grower.feed"].for_call(holes.Grower(), b"data") > 0
    assert analysed["number"].for_call("17") > 0
