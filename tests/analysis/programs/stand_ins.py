"""Keys and items of types that any class of the sources may stand in for: one that is dear to compare and to hash."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")


class Costly:
    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return len(self.text * 50) == 0

    def __hash__(self) -> int:
        return len(self.text * 50)


class Box(Generic[K]):
    def __init__(self) -> None:
        self.rows: dict[K, int] = {}


def in_a_list(thing: object, things: list[object]) -> bool:
    return thing in things


def in_a_box(box: Box[K], key: K) -> bool:
    return key in box.rows
