"""What random programs build on: classes that answer operators, generators, recursion, functions that raise."""

from __future__ import annotations

import struct
from collections import deque  # noqa: F401 - programs use it
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Annotated, Protocol

from annotated_types import MaxLen

from hardtack.annotations import bounded, recursive  # noqa: F401
from hardtack.annotations import checked as stated


@dataclass
class Point:
    x: int
    name: str
    tags: list[int]

    @property
    def double(self) -> int:
        return self.x * 2

    def label(self) -> str:
        return self.name + ":" + str(len(self.tags))


class Shape:
    def area(self) -> int:
        return 0

    def names(self) -> list[str]:
        return []


class Square(Shape):
    def __init__(self, side: int) -> None:
        self.side = side

    def area(self) -> int:
        return self.side

    def names(self) -> list[str]:
        return ["square", str(self.side)]


class Group(Shape):
    __slots__ = ("members",)

    def __init__(self, members: list[int]) -> None:
        self.members = members

    def area(self) -> int:
        return sum(self.members)

    def names(self) -> list[str]:
        return [str(member) for member in self.members]


class HasArea(Protocol):
    def area(self) -> int: ...


class Key:
    """Compared, hashed and tested by methods that allocate."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.name.lower() == other.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())

    def __lt__(self, other: Key) -> bool:
        return [self.name] < [other.name + ""]

    def __bool__(self) -> bool:
        return len(self.name.strip()) > 1

    def __str__(self) -> str:
        return f"<{self.name}>"


class Key2:
    """What `sorted` and `max` ask for a key, and compare."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __lt__(self, other: Key2) -> bool:
        return [self.number] * 3 < [other.number] * 3

    def __gt__(self, other: Key2) -> bool:
        return [self.number] * 4 > [other.number] * 4


class Late:
    """Gets attributes when it is made, and more later."""

    def __init__(self, number: int) -> None:
        self.number = number

    def more(self) -> None:
        self.first = [self.number]
        self.second = str(self.number)


class Measured:
    __slots__ = ("half", "whole")

    def __init__(self, whole: float) -> None:
        self.whole = whole
        self.half = whole / 2


class Bag:
    """A container of the sources."""

    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items[:])

    def __iter__(self) -> Iterator[int]:
        copy = list(self.items)
        for item in copy:
            yield item * 2

    def __getitem__(self, index: int) -> int:
        return [*self.items, 0][index % (len(self.items) + 1)]

    def __contains__(self, item: object) -> bool:
        return item in tuple(self.items)

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.items + other.items)


class Guard:
    """A context that holds a copy while it is open, and one more when it is closed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.log: list[str] = []

    def __enter__(self) -> Guard:
        self.log.append(self.text + "<")
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.log.append(self.text * 2)


class Link:
    def __init__(self, value: int, after: Link | None) -> None:
        self.value = value
        self.after = after


def numbers(items: list[int]) -> Iterator[int]:
    for item in items:
        yield item + 1000


def windows(items: list[int], width: int = 2) -> Iterator[list[int]]:
    yield items[:1]
    held: list[int] = []
    for item in items:
        held = [*held[-width:], item]
        yield held
    yield [len(held)]


def keep(items: list[str], item: str) -> list[str]:
    items.append(item)
    return items


def apply(function: Callable[[int], int], items: list[int]) -> list[int]:
    return [function(item) for item in items]


def counter(start: int) -> Callable[[], int]:
    count = start

    def step() -> int:
        nonlocal count
        count += 300
        return count

    return step


def joined(*parts: str, sep: str = ",") -> str:
    return sep.join(parts)


def padded(text: str, width: int = 10, *, fill: str = ".") -> str:
    return text.ljust(width, fill)


@recursive(depth=12)
def halve(items: list[int]) -> list[int]:
    if len(items) < 2:
        return items[:]
    return [len(items), *halve(items[: len(items) // 2])]


@recursive(depth=5, calls=31)
def grown(depth: int) -> list[str]:
    if depth <= 1:
        return ["leaf"]
    return [*grown(min(depth, 5) - 1), str(depth), *grown(min(depth, 5) - 1)]


def checked(text: str) -> str:
    if len(text) > 12:
        raise ValueError(text + "!")
    return text + "?"


def deeper(text: str) -> str:
    doubled = text + text
    try:
        return checked(doubled)
    finally:
        doubled = doubled + "done"


def area_of(shape: HasArea) -> int:
    return shape.area()


def packed(items: list[int]) -> bytes:
    return b"".join([struct.pack(">I", item % 2**32) for item in items])


def ending(items: list[int]) -> Generator[int, None, list[int]]:
    yield from items
    return items[:3] * 2


def delegating(items: list[int]) -> Iterator[int]:
    rest = yield from ending(items)
    yield len(rest + rest)


def first_two(items: list[int]) -> int:
    first, second = numbers([*items, 1, 2][:2])
    return first + second


def late(one: Late) -> int:
    one.more()
    return one.number


@stated
def checked_length(items: Annotated[list[int], MaxLen(100_000)]) -> int:
    return len(items)


REMEMBERED: list[str] = []


def remember(text: str) -> int:
    REMEMBERED.append(text + ".")
    return 1
