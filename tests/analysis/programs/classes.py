"""Classes: overrides, protocols, properties, operators, constructors, slots, and what is called without being named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, IntFlag
from functools import cached_property, total_ordering
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Shape(ABC):
    @abstractmethod
    def outline(self) -> list[int]: ...

    def __len__(self) -> int:
        return len(self.outline())


class Dot(Shape):
    def outline(self) -> list[int]:
        return [0]


class Polygon(Shape):
    def __init__(self, corners: int) -> None:
        self.corners = corners

    def outline(self) -> list[int]:
        return list(range(1000, 1000 + self.corners))


def outlines(shapes: list[Shape]) -> list[list[int]]:
    return [shape.outline() for shape in shapes]


def lengths(shapes: list[Shape]) -> list[int]:
    return [len(shape) for shape in shapes if shape]


class Writer(Protocol):
    def write(self, data: bytes) -> int: ...


class Counting:
    def __init__(self) -> None:
        self.count = 0

    def write(self, data: bytes) -> int:
        self.count += len(data)
        return len(data)


class Keeping:
    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.kept.append(data + b"\n")
        return len(data)


def write_twice(writer: Writer, data: bytes) -> int:
    return writer.write(data) + writer.write(data)


@dataclass
class Vector:
    x: float
    y: float

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor: float) -> Vector:
        return Vector(self.x * factor, self.y * factor)


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int


def centre(vectors: list[Vector]) -> Vector:
    total = Vector(0.0, 0.0)
    for vector in vectors:
        total += vector
    return total * (1 / len(vectors)) if vectors else total


def grid(width: int, height: int) -> set[Point]:
    return {Point(x, y) for x in range(min(width, 30)) for y in range(min(height, 30))}


class Text:
    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        self.raw = raw

    @property
    def words(self) -> list[str]:
        return self.raw.split()

    @staticmethod
    def joined(one: Text, other: Text) -> Text:
        return Text(one.raw + other.raw)

    @classmethod
    def of(cls, words: list[str]) -> Text:
        return cls(" ".join(words))


def longest_word(text: Text) -> str:
    return max(text.words, key=len, default="")


def doubled(words: list[str]) -> Text:
    text = Text.of(words)
    return Text.joined(text, text)


class Page:
    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def line_count(page: Page) -> int:
    return len(page.lines)


class Base:
    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = [name]


class Derived(Base):
    def __init__(self, name: str, extra: int) -> None:
        super().__init__(name)
        self.parts += [name] * max(min(extra, 100), 0)


def derived(names: list[str], extra: int) -> list[Base]:
    return [Derived(name, extra) for name in names]


@total_ordering
class Version:
    def __init__(self, text: str) -> None:
        self.parts = tuple(text.split("."))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    def __lt__(self, other: Version) -> bool:
        return [part.rjust(8, "0") for part in self.parts] < [part.rjust(8, "0") for part in other.parts]

    def __hash__(self) -> int:
        return hash("".join(self.parts))


def newest(texts: list[str]) -> list[Version]:
    return sorted({Version(text) for text in texts}, reverse=True)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Mode(IntFlag):
    READ = 1
    WRITE = 2
    LARGE = 1 << 40


def colours(names: list[str]) -> list[Colour]:
    return [Colour(name) for name in names if name in ("red", "blue")]


def modes(bits: list[int]) -> list[Mode]:
    return [Mode(bit & 3) | Mode.LARGE for bit in bits]


class Span(NamedTuple):
    start: int
    text: str


def spans(text: str) -> list[Span]:
    found = []
    at = 0
    for word in text.split(" "):
        found.append(Span(at, word))
        at += len(word) + 1
    return found


class Ring:
    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __getitem__(self, at: int) -> int:
        return self.items[at % len(self.items)]

    def __contains__(self, item: int) -> bool:
        return bool([True for known in self.items if known == item])

    def __iter__(self) -> Ring:
        self.at = -1
        return self

    def __next__(self) -> int:
        self.at += 1
        if self.at == len(self.items):
            raise StopIteration
        return self.items[self.at] * 2**64


def around(ring: Ring, steps: int) -> list[int]:
    return [ring[step] for step in range(min(steps, 500))] if ring.items else []


def all_of(ring: Ring) -> list[int]:
    return [item for item in ring if item in ring or item]


class Slots(Generic[T]):
    def __init__(self, items: list[T]) -> None:
        self.items = items
        self.last: T | None = items[-1] if items else None

    def first(self) -> T | None:
        return self.items[0] if self.items else None


class Words(Slots[str]):
    pass


def first_word_twice(words: Words) -> str:
    return (words.first() or "") * 2


def last_octets_twice(slots: Slots[bytes]) -> bytes:
    return (slots.last or b"") * 2
