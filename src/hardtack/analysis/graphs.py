"""Strongly connected components of a directed graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

T = TypeVar("T")


class _Search(Generic[T]):
    """A search: `index` numbers nodes as they are met, `low` tells how far they lead back."""

    def __init__(self, graph: Mapping[T, Iterable[T]]) -> None:
        self.graph = graph
        self.index: dict[T, int] = {}
        self.low: dict[T, int] = {}
        self.stack: list[T] = []
        self.waiting: set[T] = set()
        self.found: list[list[T]] = []

    def meet(self, node: T) -> tuple[T, Iterator[T]]:
        """Number a node, and return it with what it leads to."""
        self.index[node] = self.low[node] = len(self.index)
        self.stack.append(node)
        self.waiting.add(node)
        return node, iter(self.graph[node])

    def next_new(self, node: T, successors: Iterator[T]) -> T | None:
        """Return the next node that was not met; of others take how far they lead back."""
        for successor in successors:
            if successor not in self.graph:
                continue
            if successor not in self.index:
                return successor
            if successor in self.waiting:
                self.low[node] = min(self.low[node], self.index[successor])
        return None

    def close(self, node: T) -> None:
        """End a component, if a node is where it was entered."""
        if self.low[node] != self.index[node]:
            return
        at = self.stack.index(node)
        component = self.stack[at:]
        del self.stack[at:]
        self.waiting.difference_update(component)
        self.found.append(component)


def components(graph: Mapping[T, Iterable[T]]) -> list[list[T]]:
    """Return the strongly connected components, each after those that it leads to. Source: Tarjan 1972."""
    search = _Search(graph)
    for root in graph:
        if root in search.index:
            continue
        work = [search.meet(root)]
        while work:
            node, successors = work[-1]
            new = search.next_new(node, successors)
            if new is not None:
                work.append(search.meet(new))
                continue
            work.pop()
            if work:
                outer = work[-1][0]
                search.low[outer] = min(search.low[outer], search.low[node])
            search.close(node)
    return search.found


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
