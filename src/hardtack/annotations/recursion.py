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
    from typing import Any, NoReturn


class Limits:
    """What `@recursive` states of a function."""

    __slots__ = ("calls", "depth", "stated", "where")

    def __init__(self, stated: str, where: str, depth: int, calls: int) -> None:
        self.stated = stated
        self.where = where
        self.depth = depth
        self.calls = calls

    def refuse(self, depth: int, calls: int) -> NoReturn:
        """Raise AnnotationBroken for an activation at this depth, the so manieth of all."""
        if depth > self.depth:
            what, bound, found = f"there would be {depth} activations on the stack", self.depth, depth
        else:
            what, bound, found = f"there would be {calls} calls in all", self.calls, calls
        raise AnnotationBroken(self.stated, self.where, "", bound, found, what)


class _Stack:
    """A thread's activations of one function: how many there are, and how many there were in all."""

    __slots__ = ("calls", "depth")

    def __init__(self) -> None:
        self.depth = 0
        self.calls = 0


class _Here(_local):
    """Gives each thread its stack."""

    def __init__(self) -> None:
        self.stack = _Stack()


def count(function: Callable[..., object], limits: Limits) -> Callable[..., object]:
    """Return a plain function, counted by thread."""
    here = _Here()
    most_depth, most_calls = limits.depth, limits.calls

    def counted(*arguments: object, **keywords: object) -> object:
        if not switch.on:
            return function(*arguments, **keywords)
        stack = here.stack
        outer = stack.depth
        calls = stack.calls + 1 if outer else 1
        if outer >= most_depth or calls > most_calls:
            limits.refuse(outer + 1, calls)
        try:
            stack.depth = outer + 1
            stack.calls = calls
            return function(*arguments, **keywords)
        finally:
            stack.depth = outer
            if not outer:
                stack.calls = 0  # a large count would stay allocated

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
        calls = next(activation.calls)
        if activation.depth > limits.depth or calls > limits.calls:
            limits.refuse(activation.depth, calls)
        innermost.set(activation)
        try:
            return await function(*arguments, **keywords)
        finally:
            activation.over = True
            if innermost.get() is activation:  # a coroutine may be closed in another context than it ran in
                innermost.set(activation.around)

    return counted
