"""What built-ins' exceptions take: what models declare, held against exceptions that are raised."""

from __future__ import annotations

import hashlib
import heapq
import math
import operator
import os
import re
import struct
from array import array
from collections import deque
from functools import lru_cache
from pkgutil import resolve_name
from typing import Annotated

import pytest
from annotated_types import MaxLen

from hardtack.analysis import tracebacks
from hardtack.analysis.exceptions import made_for
from hardtack.analysis.models import load_models
from hardtack.annotations import checked, recursive
from hardtack.heap import Heap
from hardtack.lab.measuring import given, measure

RELEASED = memoryview(b"abc")
RELEASED.release()
PAIR = 64  # bytes of a tuple that is made before it fails
HUGE, ENORMOUS = 1 << 80, 10**400
# what a model stands for, the real thing, and arguments with which it fails
CALLS = [
    ("builtins.int.__floordiv__", operator.floordiv, (1, 0)),
    ("builtins.int.__mod__", operator.mod, (1, 0)),
    ("builtins.int.__divmod__", divmod, (1, 0)),
    ("builtins.int.__truediv__", operator.truediv, (1, 0)),
    ("builtins.int.__truediv__", operator.truediv, (ENORMOUS, 1)),
    ("builtins.int.__lshift__", operator.lshift, (1, -1)),
    ("builtins.int.__lshift__", operator.lshift, (1, HUGE)),
    ("builtins.int.__float__", int.__float__, (ENORMOUS,)),
    ("builtins.int.__repr__", repr, (10**5000,)),
    ("builtins.float.__floordiv__", operator.floordiv, (1.0, 0.0)),
    ("builtins.float.__mul__", operator.mul, (1.0, ENORMOUS)),
    ("builtins.float.__pow__", operator.pow, (10.0, 400.0)),
    ("builtins.float.__pow__", operator.pow, (0.0, -1.0)),
    ("builtins.float.__int__", int, (math.inf,)),
    ("builtins.float.__int__", int, (math.nan,)),
    ("builtins.str.__getitem__", operator.getitem, ("", 0)),
    ("builtins.str.__getitem__", operator.getitem, ("a", HUGE)),
    ("builtins.str.index", str.rindex, ("a", "b")),
    ("builtins.str.__mul__", operator.mul, ("ab", HUGE)),
    ("builtins.str.__mul__", operator.mul, ("ab", 1 << 62)),
    ("builtins.str.ljust", str.ljust, ("a", 3, "xx")),
    ("builtins.str.center", str.center, ("a", HUGE)),
    ("builtins.str.zfill", str.zfill, ("a", HUGE)),
    ("builtins.str.replace", str.replace, ("a", "b", "c", HUGE)),
    ("builtins.str.index", str.index, ("a", "b")),
    ("builtins.str.split", str.split, ("a", "")),
    ("builtins.str.split", str.split, ("a", "b", HUGE)),
    ("builtins.str.partition", str.partition, ("a", "")),
    ("builtins.bytes.__getitem__", operator.getitem, (b"", 0)),
    ("builtins.bytes.find", bytes.find, (b"a", 300)),
    ("builtins.bytes.center", bytes.center, (b"a", 3, b"xx")),
    ("builtins.list.__getitem__", operator.getitem, ([], 0)),
    ("builtins.list.__getitem__", operator.getitem, ([1], HUGE)),
    ("builtins.list.__delitem__", operator.delitem, ([], 0)),
    ("builtins.list.pop", list.pop, ([],)),
    ("builtins.list.insert", list.insert, ([], HUGE, 1)),
    ("builtins.list.remove", list.remove, ([], 5)),
    ("builtins.tuple.__getitem__", operator.getitem, ((), 0)),
    ("builtins.tuple.index", tuple.index, ((), 5)),
    ("builtins.range.__getitem__", operator.getitem, (range(0), 0)),
    ("builtins.dict.__getitem__", operator.getitem, ({}, (1, 2))),
    ("builtins.dict.pop", dict.pop, ({}, 1)),
    ("builtins.dict.popitem", dict.popitem, ({},)),
    ("builtins.set.pop", set.pop, (set(),)),
    ("builtins.set.remove", set.remove, (set(), (1, 2))),
    ("collections.deque.__getitem__", operator.getitem, (deque(), 0)),
    ("collections.deque.pop", deque.pop, (deque(),)),
    ("collections.deque.insert", deque.insert, (deque([1], 1), 0, 1)),
    ("collections.deque.rotate", deque.rotate, (deque(), HUGE)),
    ("collections.deque.__delitem__", operator.delitem, (deque(), 3)),
    ("builtins.chr", chr, (HUGE,)),
    ("builtins.chr", chr, (1 << 30,)),
    ("builtins.ord", ord, ("ab",)),
    ("builtins.len", len, (range(HUGE),)),
    ("builtins.isinstance", isinstance, (1, 1)),
    ("builtins.sum", sum, (["a"], "")),
    ("math.sqrt", math.sqrt, (-1.0,)),
    ("math.isqrt", math.isqrt, (-1,)),
    ("math.exp", math.exp, (1000.0,)),
    ("math.floor", math.floor, (math.inf,)),
    ("heapq.heappop", heapq.heappop, ([],)),
    ("builtins.bytes.decode", bytes.decode, (b"\xff",)),
    ("builtins.str.encode", str.encode, ("\ud800",)),
    ("builtins.bytes.__add__", operator.add, (b"a", RELEASED)),
    ("builtins.bytes.find", bytes.find, (b"a", RELEASED)),
    ("builtins.memoryview.__getitem__", operator.getitem, (memoryview(b"abc"), 9)),
    ("hashlib.openssl_sha256", hashlib.sha256, (RELEASED,)),
    ("struct.unpack", struct.unpack, ("I", b"a")),
    ("struct.pack_into", struct.pack_into, ("I", bytearray(2), 0, 1)),
    ("array.array.__getitem__", operator.getitem, (array("q"), 0)),
    ("array.array.__setitem__", operator.setitem, (array("q"), 0, 1)),
    ("array.array.__setitem__", operator.setitem, (array("q", [0]), 0, HUGE)),
    ("array.array.__setitem__", operator.setitem, (array("q", [0]), 0, "a")),
    ("hardtack.heap._native.Heap.__exit__", Heap.__exit__, (Heap(None),)),
    ("os.fstat", os.fstat, (1 << 20,)),
    ("os.read", os.read, (1 << 20, 1)),
]


@lru_cache
def models():
    return load_models()


def failing(call, arguments):
    return call(*arguments)


def held_by(call, arguments):
    held = measure(failing, lambda: given(call, arguments))
    assert held.outcome != "returned"
    return held.peak


@lru_cache
def besides():
    """Return what traceback and frames take: of a list's IndexError, of 144 bytes, the message is there before."""
    return held_by(operator.getitem, ([], 0)) - 144


@pytest.mark.parametrize(
    ("name", "call", "arguments"),
    CALLS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_exception_takes_no_more_than_its_model_says(name, call, arguments):
    model = models().find(name)
    held = held_by(call, arguments) - besides()
    more = PAIR if model.packs or name.endswith("popitem") else 0
    assert held <= made_for(model.raises) + more, f"{held} bytes, of {model.raises}"


def test_an_exception_is_one_that_its_model_declares():
    for name, call, arguments in CALLS:
        declared = {re.match(r"[\w.]+", one)[0] for one in models().find(name).raises}
        with pytest.raises(tuple(resolve_name(one if "." in one else f"builtins.{one}") for one in declared)):
            call(*arguments)


def test_the_frames_of_checks_are_no_larger_than_is_counted() -> None:
    counted = recursive(depth=2)(_one)
    measured = checked(_one)
    for function in (counted, measured):
        code = function.__code__
        slots = code.co_nlocals + len(code.co_cellvars) + len(code.co_freevars) + code.co_stacksize
        assert slots <= tracebacks._CHECK_SLOTS


def _one(text: Annotated[str, MaxLen(3)]) -> str:
    return text
