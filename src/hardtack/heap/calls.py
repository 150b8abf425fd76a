"""Functions whose calls reserve first: `@heap.call(bound)`, and coroutines that bring their heap along.

A call sets its bound aside, waiting for it if need be while it holds nothing; runs inside the heap, drawing
from its reservation; and gives back the rest, however it ends. A coroutine does so across its awaits: between
its steps neither its heap nor its reservation is anybody's (the native core's `Coroutine` takes them in and
out), so other tasks neither draw from it nor are charged to it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from hardtack.errors import ReservationImpossible
from hardtack.heap import _native
from hardtack.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from hardtack.heap import Heap

_T = TypeVar("_T")
_F = TypeVar("_F", bound="Callable[..., Any]")


def call(heap: Heap, bound: int | str | Callable[..., int | str]) -> Callable[[_F], _F]:
    """Return a decorator that has each call of a function reserve first, on `heap`, and run inside it.

    Plain functions wait by blocking their thread, `async def` functions by awaiting. Inside a reservation on
    the same heap a call carves from that one and never waits.

    Args:
        heap: the heap.
        bound: the most bytes that one call needs, a number or like "2 MiB", or a function that returns it for
            the call's arguments; it runs in the caller's heap, before anything is reserved.

    Raises:
        TypeError: for generator functions, which run in steps that are no calls; for what `hardtack.bound`
            returns, whose `for_call` is meant.
        ReservationImpossible: by a call, if its bound can never be had; at once by the decorator, if it is
            known.
        WouldBlock: by a call, if it would have to wait inside a reservation, or is a plain function on the
            thread of a running event loop.
        Doomed: by a call, if its heap's group is being killed.
        BoundExceeded: by a call on a strict heap that went beyond its bound.

    Example:
        >>> from hardtack.heap import Heap
        >>> heap = Heap("1 MiB", name="parser")
        >>> @heap.call(lambda text: 4096 + 100 * len(text))
        ... def words(text: str) -> list[str]:
        ...     return text.split()
        >>> words("to be or not to be")
        ['to', 'be', 'or', 'not', 'to', 'be']
        >>> heap.reserved, heap.overruns
        (0, 0)
    """
    if not callable(bound):
        if hasattr(bound, "for_call"):  # what `hardtack.bound` returns
            message = "what bound() returns is bytes only for a call's arguments: write bound(...).for_call"
            raise TypeError(message)
        bound = parse_bytes(bound)
        if bound > heap.possible:
            raise ReservationImpossible(bound, heap.possible, heap.name)

    def decorate(function: _F) -> _F:
        if not callable(function) or isinstance(function, staticmethod):
            message = f"@heap.call is for functions, not {function!r}: write it below @classmethod"
            raise TypeError(message)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            message = f"{function.__qualname__} is a generator function, and its steps are no calls"
            raise TypeError(message)
        make = _async_call if inspect.iscoroutinefunction(function) else _plain_call
        wrapper: Any = functools.update_wrapper(make(heap, bound, function), function)
        return wrapper  # type: ignore[no-any-return]

    return decorate


def _plain_call(
    heap: Heap, bound: int | Callable[..., int | str], function: Callable[..., Any]
) -> Callable[..., Any]:
    run = heap._call_reserved
    if callable(bound):
        bound_of = bound

        def bounded(*arguments: object, **keywords: object) -> object:
            return run(bound_of(*arguments, **keywords), function, *arguments, **keywords)

        return bounded

    def constant(*arguments: object, **keywords: object) -> object:
        return run(bound, function, *arguments, **keywords)

    return constant


def _async_call(
    heap: Heap, bound: int | Callable[..., int | str], function: Callable[..., Any]
) -> Callable[..., Any]:
    async def reserved(*arguments: object, **keywords: object) -> object:
        reservation: Any = heap.reserve(bound(*arguments, **keywords) if callable(bound) else bound)
        if not isinstance(reservation, _native.Reservation):
            reservation = await reservation  # it has to wait
        try:
            reservation._made_by(function)
            coroutine = reservation._make(function, *arguments, **keywords)
            running = _native.Coroutine(coroutine, reservation)
        except BaseException:
            reservation.release()
            raise
        return await running

    return reserved


def wrap(
    heap: Heap, coroutine: Coroutine[Any, Any, _T], bound: int | str | None = None
) -> Coroutine[Any, Any, _T]:
    """Return a coroutine that runs another one's steps inside `heap`, and nowhere else, across every await.

    Inside it `with heap:`, `with heap.reserve_nowait(n):` and `async with heap.reserve(n):` may stand around
    awaits. It is awaited, made a task of, or closed like the one that it wraps.

    Args:
        heap: the heap.
        coroutine: what an `async def` function has returned.
        bound: bytes to reserve, awaiting its turn, before the first step, and to draw from until the last.

    Raises:
        TypeError: if it is no coroutine.
        ReservationImpossible: when it is awaited, if the bound can never be had.
        WouldBlock: when it is awaited, if it would have to wait inside a reservation.
        Doomed: when it is awaited, if its heap's group is being killed. After each of these three the wrapped
            one is closed.

    Example:
        >>> import asyncio
        >>> from hardtack.heap import Heap
        >>> heap = Heap("1 MiB", name="tenant")
        >>> async def answer() -> bytes:
        ...     await asyncio.sleep(0)
        ...     return bytes(1000)
        >>> heap.owns(asyncio.run(heap.wrap(answer(), "4 KiB")))
        True
    """
    if not isinstance(coroutine, Coroutine):
        message = f"a coroutine is wanted, not {type(coroutine).__name__}: call the async function first"
        raise TypeError(message)
    if bound is None:
        return _native.Coroutine(coroutine, heap)
    reserved = _reserved(heap, parse_bytes(bound), coroutine, _native.here())
    for kind in ("__name__", "__qualname__"):  # which event loops report tasks by
        if isinstance(name := getattr(coroutine, kind, None), str):
            setattr(reserved, kind, name)
    return reserved


async def _reserved(
    heap: Heap, bound: int, coroutine: Coroutine[Any, Any, _T], made_by: tuple[CodeType, int] | None
) -> _T:
    try:
        reservation: Any = heap.reserve(bound)
        if not isinstance(reservation, _native.Reservation):
            reservation = await reservation  # it has to wait
        try:
            reservation._made_by(made_by)
            running = _native.Coroutine(coroutine, reservation)
        except BaseException:
            reservation.release()
            raise
    except BaseException:
        coroutine.close()
        raise
    result: _T = await running
    return result


__all__ = ["call", "wrap"]
