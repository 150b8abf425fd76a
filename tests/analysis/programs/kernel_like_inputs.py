from __future__ import annotations

from hardtack.lab.measuring import given
from programs import kernel_like as k


def tree(height: int, full: bool = True) -> list:
    if height == 0:
        return [bytearray(500) if full else None, *[None] * 7]
    return [tree(height - 1, full), None, *[None] * 6]


def root(height: int, full: bool = True) -> k.Root:
    return k.Root(tree(height, full), height)


NAMES = [[["w" * 90] * 50, "x"], "ж" * 300, *["n" * 9] * 90]
WINDOWS = [(0, 100), (5000, 100), (-3, 100), (-50, 20), (9_990, 60), (7, 0), (0, 1)]
TEXTS = [(b"x" * 200, b"x" * 101), (b"x", b"y" * 300), (b"", b""), (b"x" * 300, b""), (b"xy", b"xx" * 100)]
INPUTS = {
    k.Root.page: [
        lambda height=height, index=index: given(root(height), index)
        for height in (0, 1, 4)
        for index in (0, 1, 9, 4095)
    ],
    k.Root.put: [
        lambda height=height, index=index, size=size: given(root(height, size > 5), index, bytes(size))
        for height in (0, 1, 4)
        for index in (0, 1, 9, 4095)
        for size in (0, 300)
    ],
    k.Root.turn: [lambda times=times: given(root(0), times) for times in (0, 1, 50)],
    k.Higher.__init__: [
        lambda name=name: given(k.Higher.__new__(k.Higher), tree(2), 2, name) for name in ("", "n" * 900)
    ],
    k.first_names: [lambda: given(NAMES), lambda: given([]), lambda: given([[]] * 900)],
    k.deep_name: [lambda: given(NAMES), lambda: given([]), lambda: given(["ж" * 700] * 2)],
    k.window: [lambda way=way: given(bytes(10_000), *way) for way in WINDOWS],
    k.moving_window: [lambda way=way: given(bytes(10_000), *way) for way in WINDOWS],
    k.backwards: [
        lambda size=size, count=count: given(bytes(size), count)
        for size in (0, 7, 39, 40, 10_000)
        for count in (-5, 0, 39, 40, 41, 100)
    ],
    k.expand: [lambda path=path, target=target: given(path, target) for path, target in TEXTS],
}
