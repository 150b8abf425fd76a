"""Recursions whose calls are counted, and partials with keywords: all once held more than their bound."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from annotated_types import MaxLen

from hardtack.annotations import checked, recursive


# -- arguments that lead to no result at once lead to another activation all the same
@recursive(depth=12, calls=12)
def _down(text: str, level: int) -> int:
    held = text * 2
    if level <= 0:
        return len(held)
    return max(_down(text, level - 1), len(held))


def down_from_ten(text: str) -> int:
    return _down(text, 10)


@recursive(depth=12, calls=300)
def _noted(notes: list[str], text: str, level: int) -> None:
    notes.append(text + str(level))
    if level > 0:
        _noted(notes, text, level - 1)
        if level % 4 == 0:
            _noted(notes, text, level - 2)


def notes_of_all(text: str) -> list[str]:
    notes: list[str] = []
    _noted(notes, text, 9)
    return notes


# -- an error has the frames of all activations that it leaves, and of the checks around them
@recursive(depth=100, calls=100)
def _failing(level: int) -> int:
    if level <= 0:
        raise KeyError
    return _failing(level - 1)


def failed_deep_down() -> int:
    try:
        return _failing(90)
    except KeyError:
        return 0


@recursive(depth=12)
def _failing_each(level: int, text: str) -> int:
    held = text * 2
    if level <= 0:
        raise KeyError
    return _failing_each(level - 1, text) + len(held)


def failed_step_by_step(text: str) -> int:
    try:
        return _failing_each(10, text)
    except KeyError:
        return len(text * 2)


# -- and what their variables hold
@recursive(depth=50, calls=50)
def _holding(text: str, level: int) -> int:
    held = text * 2
    if level <= 0:
        raise KeyError(level)
    return _holding(text, level - 1) + len(held)


def held_by_all(text: str) -> int:
    try:
        return _holding(text, 45)
    except KeyError:
        return len(text * 500)


def left_by_error(text: str) -> int:
    return _holding(text, 45)


@recursive(depth=50, calls=50)
def _sharing(kept: list[bytes], level: int) -> None:
    held = bytes(10_000)
    kept.append(held)
    if level <= 0:
        raise KeyError(level)
    _sharing(kept, level - 1)


def held_by_none_but_frames() -> int:
    kept: list[bytes] = []
    try:
        _sharing(kept, 45)
    except KeyError:
        kept.clear()
        return len(bytes(450_000))
    return 0


class Ended(Exception):
    """Nothing else raises it."""


@recursive(depth=12, calls=12)
def _caught_above(text: str, level: int) -> int:
    if level <= 0:
        raise Ended(text * 2)
    try:
        return _caught_above(text, level - 1)
    except Ended:
        return len(text * 50)


def caught_inside(text: str) -> int:
    return _caught_above(text, 9)


@recursive(depth=50, calls=50)
def _collecting(errors: list[Exception], text: str, level: int) -> int:
    held = text * 100
    if level <= 0:
        held = ""
        try:
            int("x")
        except ValueError as error:
            errors.append(error)
        return len(held)
    return _collecting(errors, text, level - 1) + len(held)


def errors_of_a_recursion(text: str) -> int:
    errors: list[Exception] = []
    _collecting(errors, text, 45)
    return len(text * 5000)


class Branch:
    def __init__(self, name: str, level: int) -> None:
        self.name = name + "1"
        self.below: list[Branch] = []
        self.fill(level)

    @recursive(depth=12, calls=100)
    def fill(self, level: int) -> None:
        if level > 0:
            self.below.append(Branch(self.name, level - 1))


def branches(name: str) -> int:
    return len(Branch(name, 6).name)


# -- the first activation is the entry: those that wait are counted once, also behind a generator
@recursive(depth=40, calls=40)
def failed_by_itself(text: str, level: int) -> int:
    held = text * 2
    if level % 40 == 0:
        raise KeyError(level)
    return len(held) + sum(failed_by_itself(text, one) for one in (level % 40 - 1,))


# -- what a check gathers of `*texts` lives with the error
@checked
def _counting(*texts: Annotated[str, MaxLen(100_000)]) -> int:
    if len(texts) > 2:
        raise ValueError(len(texts))
    return len(texts)


def gathered_by_a_check(many: int) -> int:
    try:
        return _counting(*["ab" * 300 for _ in range(many)])
    except ValueError:
        return len("y" * (many * 100))


# -- a partial's own dict is copied for each call
def _put_together(first: str, *, middle: str = "", last: str = "") -> str:
    return first + middle + last


def partial_with_keywords(words: list[str]) -> int:
    put = partial(_put_together, middle="x" * 10)
    longest = 0
    for word in words:
        longest = max(longest, len(put(word, last=word)))
    return longest


def partial_called_once(text: str) -> int:
    put = partial(_put_together, middle="x" * 10)
    return len(put(text, last=text))


# -- a coroutine that is counted or checked has another around it: test_generators.py runs them
@recursive(depth=12)
async def _awaiting(level: int) -> int:
    if level <= 0:
        return 3
    return await _awaiting(level - 1)


@checked
async def _doubled(text: Annotated[str, MaxLen(100_000)]) -> int:
    return len(text * 2)


async def awaited_step_by_step(level: int) -> int:
    return await _awaiting(level % 12)


async def awaited_and_checked(text: str) -> int:
    return await _doubled(text)
