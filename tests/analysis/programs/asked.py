"""What built-ins ask for: items by an `__iter__` of the sources, truth by `__len__`, what an empty list lacks, ranges."""

from __future__ import annotations

import bisect
import itertools
import re
import struct
from collections.abc import Iterator
from typing import TypedDict


class Bag:
    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __iter__(self) -> Iterator[str]:
        for word in self.words:
            yield word * 2


class Made:
    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __iter__(self) -> Iterator[str]:
        return iter([word * 2 for word in self.words])


def any_of_its_own(words: list[str]) -> bool:
    return any(Bag(words))


def all_of_its_own(words: list[str]) -> bool:
    return all(Bag(words))


def least_of_its_own(words: list[str]) -> str:
    return min(Bag(words), default="")


def greatest_of_its_own(words: list[str]) -> str:
    return max(Made(words), key=len, default="")


def zipped_with_its_own(words: list[str]) -> list[tuple[str, str]]:
    return list(zip(Made(words), words, strict=False))


def gone_over_by_hand(words: list[str]) -> bool:
    return any(word for word in Bag(words))


class Sized:
    def __init__(self, text: str) -> None:
        self.text = text

    def __len__(self) -> int:
        return len(self.text * 9)

    def __lt__(self, other: Sized) -> bool:
        return self.text * 2 < other.text * 2


def true_by_their_length(words: list[str]) -> bool:
    return any(Sized(word) for word in words) and all([*map(Sized, words)])


# -- an empty list has no item to call a function with, and what comes after is done all the same
def sorted_while_empty(text: str) -> int:
    nothing: list[Sized] = []
    nothing.sort(key=lambda one: one.text)
    return len(text * 10)


def least_while_empty(text: str) -> int:
    nothing: list[Sized] = []
    found = min(nothing, key=lambda one: one.text, default=None)
    return len(text * 10) if found is None else 0


def sorted_as_it_grows(words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        found.sort(key=lambda one: one + one)
        found.append(word + "x")
    return found


def inserted_in_order(words: list[str]) -> list[Sized]:
    found: list[Sized] = []
    for word in words:
        bisect.insort(found, Sized(word))
    return found


# -- ranges that are given, and what is theirs
def first_of(numbers: range) -> int:
    for number in numbers:
        return number
    return 0


def end_of(numbers: range) -> int:
    for number in reversed(numbers):
        return number
    return 0


def blocks_of(numbers: range) -> list[bytes]:
    return [bytes(abs(number) % 100_000) for number in numbers[:5]]


def cut(numbers: range) -> range:
    return numbers[1:]


def place_in(numbers: range, number: int) -> bool:
    return number in numbers


def ends_of(numbers: range) -> tuple[int, int, int]:
    return numbers.start, numbers.stop, numbers.step


def starts_of(several: list[range]) -> int:
    return sum(numbers.start for numbers in several)


def start_of_an_empty_one(number: int) -> bytes:
    return bytes(range(abs(number) % 100_000, 5).start)


def hashed_range(number: int) -> int:
    return hash(range(number, number + 30))


def cut_by_a_great_step(number: int) -> range:
    return range(0, 10, number)[1:] if number else range(3)


def step_of_a_slice(number: int) -> int:
    step = slice(0, 5, number).indices(10)[2]
    return step * step


def cut_with_a_step(numbers: range) -> range:
    return numbers[::-1]


# -- what an iterator makes anew at each step, and somebody else collects
_AB = re.compile("(a)|(b)")


def matches_collected(text: str) -> list[re.Match[str]]:
    return [match for match in _AB.finditer(text)]  # noqa: C416 - the comprehension is what this is about


def matches_by_their_places(text: str) -> dict[int, re.Match[str]]:
    return {match.start(): match for match in _AB.finditer(text)}


def _collected(found: Iterator[re.Match[str]]) -> list[re.Match[str]]:
    collected = []
    for match in found:
        collected.append(match)
    return collected


def matches_given(text: str) -> list[re.Match[str]]:
    return _collected(_AB.finditer(text))


def pairs_collected(words: list[str]) -> list[tuple[str, str]]:
    return [pair for pair in itertools.pairwise(words)]  # noqa: C416 - the comprehension is what this is about


def unpacked_and_collected(data: bytes) -> list[tuple[int, ...]]:
    whole = data[: len(data) // 4 * 4]
    return [row for row in struct.iter_unpack(">HH", whole)]  # noqa: C416 - the comprehension is what this is about


class Row(TypedDict):
    name: str
    parts: list[str]


def rows_by_a_call(words: list[str]) -> list[Row]:
    return [Row(name=word, parts=[word + "1"]) for word in words]
