"""What matching a regular expression takes: how many groups it has, and how deep the matcher's stack can get.

The matcher of `_sre` keeps its stack on the heap. A level is pushed for each choice that it may come back to: one
for each repeat of a single character, each branch and each assertion; and those of the body again for each round of
a repeat of anything longer, of which an endless one makes as many as there are characters. So the depth is linear in
the text, and a constant where no such repeat is endless. Source: Modules/_sre/sre_lib.h, sre.c data_stack_grow.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEVEL = 96  # bytes of a level, without the marks of groups that it saves
_MARKS = 16  # of these, for each group
_REPEAT = 64  # bytes of what a repeat keeps for itself
_SINGLE = frozenset({codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.RANGE, codes.IN, codes.CATEGORY})
_REPEATS = frozenset({codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT})


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels of the stack: some, and some more for each character of the text."""

    some: int = 0
    each: int = 0

    def __add__(self, other: Depth) -> Depth:
        return Depth(self.some + other.some, self.each + other.each)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is known of a pattern.

    Attributes:
        groups: how many it has.
        some: bytes that matching takes on the heap, at most.
        each: bytes more for each character of the text.
        looks_around: whether a group stands in an assertion, so that what it takes may be taken again.
    """

    groups: int
    some: int
    each: int
    looks_around: bool

    def join(self, other: Pattern) -> Pattern:
        """Return what holds of both."""
        return Pattern(
            max(self.groups, other.groups),
            max(self.some, other.some),
            max(self.each, other.each),
            self.looks_around or other.looks_around,
        )


@lru_cache(maxsize=256)
def read_pattern(text: str | bytes) -> Pattern | None:
    """Return what is known of a pattern, whatever its flags, or None if it is none."""
    found: Pattern | None = None
    for flags in (0, re.VERBOSE):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = _parser.parse(text, flags)
        except (re.error, OverflowError, RecursionError):
            continue
        one = _known(tree)
        found = one if found is None else found.join(one)
    return found


def _known(tree: _parser.SubPattern) -> Pattern:
    groups = tree.state.groups - 1
    depth = _sequence(tree)
    level = (_LEVEL + _MARKS * groups) * 9 // 4 + _REPEAT  # the stack is copied when it grows by a quarter
    some = (depth.some + 3) * level + 1400 + 2 * _MARKS * (groups + 1)
    return Pattern(groups, some, depth.each * level, _looks_around(tree))


def _sequence(items: Iterable[tuple[object, object]]) -> Depth:
    depth = Depth()
    for code, argument in items:
        depth += _item(code, argument)
    return depth


def _item(code: object, argument: object) -> Depth:
    if code in _REPEATS:
        least, most, body = argument  # type: ignore[misc]
        return _repeated(least, most, body)
    inner = Depth(1)
    for part in _bodies(argument):
        inner += _sequence(part)
    return inner if code not in _SINGLE else Depth()


def _repeated(least: int, most: int, body: _parser.SubPattern) -> Depth:
    if _is_single(body):
        return Depth(1)
    inner = _sequence(body) + Depth(3)
    if most is codes.MAXREPEAT or most == codes.MAXREPEAT:
        # each round takes a character at least, but for those that have to be, and the last
        return Depth((least + 2) * inner.some + 2, inner.some + inner.each)
    return Depth(most * inner.some + 2, inner.each)


def _is_single(body: _parser.SubPattern) -> bool:
    if len(body) != 1:
        return False
    code, argument = body[0]
    if code is codes.SUBPATTERN:
        return argument[0] is None and _is_single(argument[-1])
    return code in _SINGLE


def _bodies(argument: object) -> list[_parser.SubPattern]:
    """Return the patterns inside of an item's argument."""
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [body for part in argument for body in _bodies(part)]
    return []


def _looks_around(tree: _parser.SubPattern) -> bool:
    for code, argument in tree:
        bodies = _bodies(argument)
        if code in {codes.ASSERT, codes.ASSERT_NOT} and any(_has_group(body) for body in bodies):
            return True
        if any(_looks_around(body) for body in bodies):
            return True
    return False


def _has_group(tree: _parser.SubPattern) -> bool:
    return any(
        (code is codes.SUBPATTERN and argument[0] is not None) or any(map(_has_group, _bodies(argument)))
        for code, argument in tree
    )
