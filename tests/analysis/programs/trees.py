"""Trees that are walked, with a stack and by recursion."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Node:
    name: str
    size: int = 0
    children: list[Node] = field(default_factory=list)


def depth_first(root: Node) -> int:
    total = 0
    stack = [root]
    while stack:
        node = stack.pop()
        total += node.size
        stack.extend(node.children)
    return total


def names(root: Node, prefix: str) -> list[str]:
    found: list[str] = []
    level = [root]
    while level:
        below: list[Node] = []
        for node in level:
            if node.name.startswith(prefix):
                found.append(node.name)
            below.extend(node.children)
        level = below
    return found


def usage(node: Node) -> int:
    return node.size + sum([usage(child) for child in node.children])


def paths(node: Node, above: str = "") -> list[str]:
    here = f"{above}/{node.name}"
    found = [here]
    for child in node.children:
        found += paths(child, here)
    return found


def factorial(n: int) -> int:
    return 1 if n <= 1 else n * factorial(n - 1)


def flattened(items: list[list[int]]) -> list[int]:
    return [number for row in items for number in row]
