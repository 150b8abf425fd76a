"""What kernel code is made of: trees of lists in lists, windows `a:a + n`, fields that keep to a range."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from annotated_types import Interval, MaxLen

from hardtack import bounded

Tree: TypeAlias = "Annotated[list[Tree | Annotated[bytearray, MaxLen(500)] | None], MaxLen(8)]"
Names: TypeAlias = "list[Names | str]"
Text = Annotated[bytes, MaxLen(300)]


class Root:
    """A tree whose height is known."""

    __slots__ = ("height", "tree", "turns")

    def __init__(self, tree: Tree, height: int) -> None:
        self.tree: Tree = tree
        self.height: Annotated[int, Interval(ge=0, le=4)] = height
        self.turns: Annotated[int, Interval(ge=0, le=100)] = 0

    def page(self, index: Annotated[int, Interval(ge=0, lt=1 << 12)]) -> bytearray | None:
        node = self.tree
        height = self.height
        while height > 0:
            child = node[(index >> 3 * height) & 7]
            if not isinstance(child, list):
                return None
            node = child
            height -= 1
        page = node[index & 7]
        return page if isinstance(page, bytearray) else None

    def put(self, index: Annotated[int, Interval(ge=0, lt=1 << 12)], text: Text) -> bytes:
        """Give the tree a page, and take a copy of what lay there."""
        node = self.tree
        height = self.height
        while height > 0:
            child = node[(index >> 3 * height) & 7]
            if not isinstance(child, list):
                child = node[(index >> 3 * height) & 7] = [None] * 8
            node = child
            height -= 1
        old = node[index & 7]
        node[index & 7] = bytearray(text)
        return bytes(old) if isinstance(old, bytearray) else b""

    def turn(self, times: Annotated[int, Interval(ge=0, le=50)]) -> int:
        for _ in range(times):
            self.turns = (self.turns + 1) % 100
        return self.turns


class Higher(Root):
    """A root that hands over to its base, in what is an entry by itself."""

    __slots__ = ("name",)

    def __init__(self, tree: Tree, height: int, name: str) -> None:
        super().__init__(tree, height)
        self.name = name + "!"


def first_names(names: Names) -> list[str]:
    found: list[str] = []
    for one in names:
        found.append(one.upper() if isinstance(one, str) else "...")
    return found


def deep_name(names: Names) -> str:
    for _ in range(3):
        if names and isinstance(names[0], list):
            names = names[0]
    return "".join(one for one in names if isinstance(one, str))


def window(data: bytes, start: int, count: Annotated[int, Interval(ge=0, le=100)]) -> bytes:
    return data[start : start + count]


def moving_window(data: bytes, start: int, count: Annotated[int, Interval(ge=0, le=100)]) -> bytes:
    best = b""
    for step in range(10):
        best = max(best, data[start + step : start + step + count])
    return best


def backwards(data: bytes, count: Annotated[int, Interval(ge=-5, le=100)]) -> bytes:
    start = -40
    return data[start : start + count]


def expand(path: Text, target: Text) -> bytes:
    for _ in range(100):
        if not path.startswith(b"x"):
            break
        path = bounded(target + path[1:], 300)
    return path
