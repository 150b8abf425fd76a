from __future__ import annotations

from values import WIDTHS, calls

from hardtack.lab.measuring import given
from programs import trees
from programs.trees import Node


def tree(depth, fan, name="n"):
    return Node(
        f"{name}{depth}", depth * 1000, [tree(depth - 1, fan, name) for _ in range(fan)] if depth else []
    )


def chain(length, name="c"):
    node = Node(name, 2**70)
    for row in range(length):
        node = Node(f"{name}{row}", row, [node])
    return node


def shared(depth):
    node = Node("leaf", 1)
    for _ in range(depth):
        node = Node("both", 1, [node, node])  # 2**depth paths lead to one leaf
    return node


SHAPES = [lambda d=d, f=f: tree(d, f) for d, f in ((0, 0), (1, 1), (1, 9), (1, 300), (2, 20), (5, 3), (9, 2))]
SHAPES += [lambda n=n: chain(n) for n in (1, 5, 50, 300)]
SHAPES += [lambda w=w: tree(3, 4, w * 50) for w in WIDTHS]
SHAPES += [lambda: shared(10)]


def on(*rest):
    return [lambda shape=shape: given(shape(), *rest) for shape in SHAPES]


INPUTS = {
    trees.depth_first: on(),
    trees.names: on("n") + on("") + on("x" * 500),
    trees.usage: on(),
    trees.paths: on(),
    trees.factorial: [lambda n=n: given(n) for n in (-1, 0, 1, 2, 13, 20, 21, 100, 500)],
    trees.flattened: list(calls(trees.flattened)),
}
