"""What a program writes for the analyser where it cannot see a bound itself, each checked when it runs.

    bounded(xs, n)                 these are at most n items (or characters)
    for _ in loop_bound(n):        this loop's body is begun at most n times
    @recursive(depth=, calls=)     so many activations at once, and in all
    @assume_bound("...")           what an opaque function allocates; the one that is not checked
    @checked                       lengths and ranges in type hints: Annotated[bytes, MaxLen(65536)]

The analyser believes them; so that it does not believe a lie, whatever is broken raises `AnnotationBroken`,
before any memory is used beyond what was stated. Checks are on unless the environment says
HARDTACK_CHECKS=0, and `checks(False)` turns them off at run time. What is decorated while they are off stays
as it was, without a wrapper, for good: so under HARDTACK_CHECKS=0 decorators cost nothing.

Types are mypy's to check, not ours. This module imports next to nothing; `hints`, which reads type hints, is
imported by the first `@checked`.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
from types import FunctionType

from hardtack.annotations import recursion, switch
from hardtack.errors import AnnotationBroken

TYPE_CHECKING = False  # typing takes its time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sized
    from types import FrameType
    from typing import Any, TypeVar, overload

    _F = TypeVar("_F", bound=Callable[..., object])
    _T = TypeVar("_T")
    _S = TypeVar("_S", bound=Sized)

_GENERATOR = 0x20 | 0x200  # CO_GENERATOR, CO_ASYNC_GENERATOR; Source: CPython, Include/cpython/code.h
_COROUTINE = 0x80


def checks(on: bool | None = None) -> bool:
    """Turn the checks on or off for the whole process, and return what they were before; without it, ask.

    What was decorated while they were off is never checked.

    Example:
        >>> before = checks(False)
        >>> bounded("too long", 3)
        'too long'
        >>> checks(before)
        False
    """
    before = switch.on
    if on is not None:
        switch.on = on
    return before


if TYPE_CHECKING:

    @overload
    def bounded(xs: _S, n: int) -> _S: ...
    @overload
    def bounded(xs: Iterator[_T], n: int) -> Iterator[_T]: ...
    @overload
    def bounded(xs: Iterable[_T], n: int) -> Iterable[_T]: ...


def bounded(xs: Any, n: int) -> Any:
    """Return `xs`, of which it says that it has at most `n` items, or characters if it is text.

    What has a length is returned as it is, and checked once, now: what is added to it later is not seen.
    Whatever else can be iterated over is counted while it is, and raises instead of giving its item n + 1.

    Raises:
        AnnotationBroken: if there are more.
        TypeError: if it can neither be measured nor iterated over.

    Example:
        >>> bounded([3, 1, 2], 8)
        [3, 1, 2]
        >>> sum(bounded((x * x for x in range(4)), 8))
        14
    """
    if not switch.on:
        return xs
    try:
        count = len(xs)
    except TypeError:
        rest = iter(xs)
        return itertools.chain(itertools.islice(rest, n), _NoMore(rest, n, _line(sys._getframe(1))))
    if count > n:
        raise AnnotationBroken(
            f"bounded(..., {n})", _line(sys._getframe(1)), "", n, count, f"there are {count} items"
        )
    return xs


class _NoMore:
    """The end of a counted iterator: `chain` asks for its items when the n before it have been given."""

    __slots__ = ("n", "rest", "where")

    def __init__(self, rest: Iterator[object], n: int, where: str) -> None:
        self.rest = rest
        self.n = n
        self.where = where

    def __iter__(self) -> Iterator[object]:
        for _ in self.rest:
            raise AnnotationBroken(
                f"bounded(..., {self.n})",
                self.where,
                "",
                self.n,
                self.n + 1,
                f"there are more than {self.n} items",
            )
        return iter(())


def loop_bound(n: int) -> Iterator[int]:
    """Bound a loop that iterates over nothing, as `while True:` does: `for _ in` this, and leave by `break`.

    The body may be begun `n` times; once more raises, where `range(n)` would end the loop without a word. It
    counts anew each time that the loop is reached, so loops may be nested and stand in functions that call
    themselves. It gives 0, 1, 2, ...

    Raises:
        AnnotationBroken: by the loop, when its body would begin once more.

    Example:
        >>> def gcd(a: int, b: int) -> int:
        ...     for _ in loop_bound(100):
        ...         if b == 0:
        ...             break
        ...         a, b = b, a % b
        ...     return a
        >>> gcd(1071, 462)
        21
    """
    if not switch.on:
        return itertools.count()
    return itertools.chain(range(n), _NoMoreTurns(n))


class _NoMoreTurns:
    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Iterator[int]:
        where, n = _line(sys._getframe(1)), self.n
        raise AnnotationBroken(
            f"loop_bound({n})", where, "", n, n + 1, f"the loop's body would begin more than {n} times"
        )


def recursive(*, depth: int, calls: int | None = None) -> Callable[[_F], _F]:
    """Return a decorator for a function that calls itself, directly or through others.

    Plain functions are counted by thread. Async functions are counted along the awaits of a task; a task that
    a call starts counts on from it for as long as it runs.

    Args:
        depth: the most activations of it that are on one stack at any moment.
        calls: the most calls of it that an outermost one makes, itself included.

    Raises:
        AnnotationBroken: by the call that would be one too many; it does not begin.
        TypeError: for generator functions, whose activations are on no stack.
        ValueError: unless depth, and calls if given, are at least 1.

    Example:
        >>> @recursive(depth=3)
        ... def nested(item: object) -> int:
        ...     return sum(map(nested, item)) if isinstance(item, list) else 1
        >>> nested([1, [2, 3]])
        3
        >>> nested([1, [2, [3]]])
        Traceback (most recent call last):
            ...
        hardtack.errors.AnnotationBroken: hardtack.annotations:nested: \
there would be 4 activations on the stack, but recursive(depth=3) is stated
    """
    if depth < 1 or (calls is not None and calls < 1):
        raise ValueError(f"a recursion has at least one activation: depth={depth}, calls={calls}")
    stated = f"recursive(depth={depth})" if calls is None else f"recursive(depth={depth}, calls={calls})"

    def decorate(function: _F) -> _F:
        flags = _flags(function, "recursive")
        if flags & _GENERATOR:
            raise TypeError(f"{_name(function)} is a generator function: its activations are on no stack")
        function.__hardtack_recursive__ = depth, calls  # type: ignore[attr-defined]
        if not switch.on:
            return function
        limits = recursion.Limits(stated, _name(function), depth, sys.maxsize if calls is None else calls)
        count = recursion.count_async if flags & _COROUTINE else recursion.count
        counted: Any = functools.update_wrapper(count(function, limits), function)
        return counted  # type: ignore[no-any-return]

    return decorate


class Among:
    """States of an attribute that it refers to one of the objects that another path leads to.

    `first: Annotated[list[T], Among("leaves[].items")]` is one of the lists that are the `items` of the items
    of the same object's `leaves`. To the analyser what is there then comes from one place, not from two. It
    holds whenever a call begins; nothing checks it at run time.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Among({self.path!r})"


class AssumedBound:
    """What `@assume_bound` states of a function, kept as its `__hardtack_bound__`.

    Attributes:
        peak: the most bytes that a call has allocated at any moment.
        returned: those of them that its result holds; None where nothing is stated.
        retained: those that stay alive otherwise; None where nothing is stated.
        replaced: those that stay alive in the place of an earlier call's; None where nothing is stated.
        raises: those that an exception holds which leaves the call; None where nothing is stated.
    """

    __slots__ = ("peak", "raises", "replaced", "retained", "returned")

    def __init__(
        self,
        peak: str,
        returned: str | None,
        retained: str | None,
        replaced: str | None = None,
        raises: str | None = None,
    ) -> None:
        self.peak = peak
        self.returned = returned
        self.retained = retained
        self.replaced = replaced
        self.raises = raises

    def __repr__(self) -> str:
        last = "" if self.replaced is None else f", replaced={self.replaced!r}"
        last += "" if self.raises is None else f", raises={self.raises!r}"
        return f"AssumedBound({self.peak!r}, returned={self.returned!r}, retained={self.retained!r}{last})"


def assume_bound(
    peak: str,
    *,
    returned: str | None = None,
    retained: str | None = None,
    replaced: str | None = None,
    raises: str | None = None,
) -> Callable[[_F], _F]:
    """Return a decorator that states in bytes what a function allocates that the analyser cannot look into.

    This one is an assumption: the syntax and the names are checked here, the figures are not. A result that
    rests on it is marked so. Measure it in a test.

    Args:
        peak: the most bytes that a call has allocated at any moment, over the function's parameters: numbers,
            `n` or `x.attribute` (a whole number's value), `len(x)`, `+`, `*`, `/` and `//` by a number,
            `max(...)`, `min(a, number)`. There is no minus: a bound never sinks when an argument grows.
        returned: those of them that its result holds.
        retained: those that stay alive otherwise, in what arguments or globals reach.
        replaced: those that stay alive in the place of what the call before left: however often the function
            is called, they are there once.
        raises: those that an exception holds which leaves the call; "0": none ever does.

    Raises:
        ValueError: by the decorator, if a text is no such expression, or names what is no parameter.

    Example:
        >>> import zlib
        >>> @assume_bound("65536 + 5*len(data)", returned="1024 + 2*len(data)", retained="0")
        ... def pack(data: bytes) -> bytes:
        ...     return zlib.compress(data)
        >>> pack.__hardtack_bound__
        AssumedBound('65536 + 5*len(data)', returned='1024 + 2*len(data)', retained='0')
    """

    def decorate(function: _F) -> _F:
        from hardtack.annotations.expressions import check_names

        _flags(function, "assume_bound")
        inner: Any = function
        while hasattr(inner, "__wrapped__"):
            inner = inner.__wrapped__
        code = inner.__code__
        several = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + several]
        for text in (peak, returned, retained, replaced, raises):
            if text is not None:
                check_names(text, parameters, _name(function))
        bound = AssumedBound(peak, returned, retained, replaced, raises)
        function.__hardtack_bound__ = bound  # type: ignore[attr-defined]
        return function

    return decorate


def checked(target: _F) -> _F:
    """Check the lengths and ranges that the type hints of a function or class state, with annotated-types.

    `MaxLen`, `MinLen`, `Len`, `Lt`, `Le`, `Gt`, `Ge` and `Interval` inside `Annotated` are checked in what is
    given and returned: in elements of containers, members of unions, fields of dataclasses, named tuples and
    typed dictionaries. Of a class, the fields are checked when its constructor is done, and not again.

    On a function it goes above `@heap.call`, so that arguments are checked before their call reserves; on a
    dataclass above `@dataclass`.

    Raises:
        AnnotationBroken: by a call, before the function begins, or when it is done; by a constructor.
        TypeError: if a hint states something that cannot be checked, such as elements of an iterator; for a
            class without a constructor of its own.
        NameError: by the first call, if a hint names what is not defined at run time.

    Example:
        >>> from typing import Annotated
        >>> from annotated_types import MaxLen
        >>> @checked
        ... def join(names: list[Annotated[str, MaxLen(8)]]) -> str:
        ...     return ",".join(names)
        >>> join(["ann", "bartholomew"])
        Traceback (most recent call last):
            ...
        hardtack.errors.AnnotationBroken: hardtack.annotations:join: names[1] has length 11, \
but MaxLen(8) is stated
    """
    if not switch.on:
        return target
    decorated: Any = _checked_class(target) if isinstance(target, type) else _checked_function(target)
    return decorated  # type: ignore[no-any-return]


def _checked_function(function: Callable[..., Any]) -> object:
    from hardtack.annotations.hints import Signature

    flags = _flags(function, "checked")
    signature = functools.cache(lambda: Signature(function, _name(function)))
    with contextlib.suppress(NameError):  # what is defined further down, the first call finds
        if signature().is_empty:
            return function

    def plain(*arguments: object, **keywords: object) -> object:
        if not switch.on:
            return function(*arguments, **keywords)
        known = signature()
        known.check_arguments(arguments, keywords)
        return known.check_result(function(*arguments, **keywords))

    async def asynchronous(*arguments: object, **keywords: object) -> object:
        if not switch.on:
            return await function(*arguments, **keywords)
        known = signature()
        known.check_arguments(arguments, keywords)
        return known.check_result(await function(*arguments, **keywords))

    return functools.update_wrapper(asynchronous if flags & _COROUTINE else plain, function)


def _checked_class(cls: type) -> object:
    from hardtack.annotations.hints import Fields

    construct = vars(cls).get("__init__")
    if construct is None:
        raise TypeError(f"{cls.__qualname__} has no constructor of its own: @checked goes above @dataclass")
    cls.__hardtack_checked__ = True  # type: ignore[attr-defined]  # before its own hints are read
    fields = functools.cache(lambda: Fields(cls, _name(cls)))
    with contextlib.suppress(NameError):
        fields()

    def __init__(self: object, *arguments: object, **keywords: object) -> None:  # noqa: N807
        construct(self, *arguments, **keywords)
        if switch.on:
            fields().check(self)

    cls.__init__ = functools.update_wrapper(__init__, construct)  # type: ignore[misc]
    return cls


def _flags(function: object, decorator: str) -> int:
    if not isinstance(function, FunctionType):
        raise TypeError(
            f"@{decorator} is for functions, not {function!r}: write it below @classmethod or @staticmethod"
        )
    return function.__code__.co_flags


def _name(target: object) -> str:
    return f"{target.__module__}:{target.__qualname__}"  # type: ignore[attr-defined]


def _line(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}, line {frame.f_lineno}"


__all__ = ["Among", "AssumedBound", "assume_bound", "bounded", "checked", "checks", "loop_bound", "recursive"]
