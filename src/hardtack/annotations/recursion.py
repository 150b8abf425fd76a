"""How `@recursive` counts activations, in threads and in tasks."""

from __future__ import annotations

import itertools
from _thread import _local  # threading.local, without the import of threading
from contextvars import ContextVar

from hardtack.annotations import switch
from hardtack.errors import AnnotationBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


class Limits:
    """What `@recursive` states of a function."""

    __slots__ = ("calls", "depth", "stated", "where")

    def __init__(self, stated: str, where: str, depth: int, calls: int | None) -> None:
        self.stated = stated
        self.where = where
        self.depth = depth
        self.calls = calls

    def check(self, depth: int, calls: int) -> None:
        """Raise AnnotationBroken if an activation at this depth, the so manieth of all, is one too many."""
        if depth > self.depth:
            what = f"there would be {depth} activations on the stack"
            raise AnnotationBroken(self.stated, self.where, "", self.depth, depth, what)
        if self.calls is not None and calls > self.calls:
            what = f"there would be {calls} calls in all"
            raise AnnotationBroken(self.stated, self.where, "", self.calls, calls, what)


class _Stack(_local):
    """A thread's activations of one function: how many there are, and how many there were in all."""

    depth = 0
    calls = 0


def count(function: Callable[..., object], limits: Limits) -> Callable[..., object]:
    """Return a plain function, counted by thread."""
    here = _Stack()

    def counted(*arguments: object, **keywords: object) -> object:
        if not switch.on:
            return function(*arguments, **keywords)
        outer = here.depth
        calls = here.calls + 1 if outer else 1
        limits.check(outer + 1, calls)
        try:
            here.depth = outer + 1
            here.calls = calls
            return function(*arguments, **keywords)
        finally:
            here.depth = outer

    return counted


class _Activation:
    """An activation of an async function: a context holds the innermost, which knows the one around it.

    A task starts with a copy of its maker's context, and may outlive the activation that made it. So one that
    is over says so, and is passed over.
    """

    __slots__ = ("around", "calls", "depth", "over")

    def __init__(self, around: _Activation | None) -> None:
        while around is not None and around.over:
            around = around.around
        self.around: _Activation | None = around
        self.depth: int = 1 if around is None else around.depth + 1
        self.calls: Iterator[int] = itertools.count(1) if around is None else around.calls
        self.over: bool = False


def count_async(function: Callable[..., Any], limits: Limits) -> Callable[..., object]:
    """Return an async function, counted by context."""
    innermost: ContextVar[_Activation | None] = ContextVar(limits.where, default=None)

    async def counted(*arguments: object, **keywords: object) -> object:
        if not switch.on:
            return await function(*arguments, **keywords)
        activation = _Activation(innermost.get())
        limits.check(activation.depth, next(activation.calls))
        innermost.set(activation)
        try:
            return await function(*arguments, **keywords)
        finally:
            activation.over = True
            if innermost.get() is activation:  # a coroutine may be closed in another context than it ran in
                innermost.set(activation.around)

    return counted
