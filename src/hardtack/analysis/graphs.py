"""Strongly connected components of a directed graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


def components(graph: Mapping[T, Iterable[T]]) -> list[list[T]]:
    """Return the strongly connected components, those that others lead to first. Source: Tarjan 1972."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    stack: list[T] = []
    waiting: set[T] = set()
    found: list[list[T]] = []

    def close(node: T) -> None:
        if low[node] != index[node]:
            return
        component: list[T] = []
        while True:
            member = stack.pop()
            waiting.discard(member)
            component.append(member)
            if member == node:
                break
        found.append(component)

    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in graph:
                    continue
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    waiting.add(successor)
                    work.append((successor, iter(graph[successor])))
                    break
                if successor in waiting:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                close(node)
    return found


def cyclic(graph: Mapping[T, Iterable[T]]) -> set[T]:
    """Return the nodes that lie on a cycle."""
    if not any(graph.values()):
        return set()
    return {
        node
        for component in components(graph)
        for node in component
        if len(component) > 1 or node in graph[node]
    }
