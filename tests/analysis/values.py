"""Values that are hard on a bound, by type: what a generator of inputs is made of.

Two ways, and a case should be put through both: `adversarial(type)` gives the corners in a fixed order (wide
characters, huge integers, sizes on both sides of where lists, dicts and sets grow, one object many times, many
that are distinct, one that is long), `strategy(type)` has Hypothesis look for more.
"""

from __future__ import annotations

import collections.abc
import copy
import itertools
import types
import typing
from collections import deque
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# On both sides of where CPython's containers grow: dicts at 5, 10, 21, 42, 85, 170; sets at 5, 19, 77, 307; lists at
# 4, 8, 16, 24, 32, 40, 52, 64, and of where the heap's classes step (512 bytes, 32 KiB).
SIZES = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    9,
    10,
    11,
    16,
    17,
    19,
    20,
    21,
    22,
    24,
    25,
    33,
    42,
    43,
    64,
    65,
    77,
    78,
    85,
    86,
    170,
    171,
)
LARGE = (307, 308, 341, 342, 1000, 1366, 4097)
WIDTHS = ("a", "\xe9", "\u20ac", "\U0001f600")  # 1 byte as ASCII, 1, 2 and 4 bytes a character
NUMBERS = (
    0,
    1,
    -1,
    5,
    -5,
    -6,
    256,
    257,
    2**30 - 1,
    2**30,
    -(2**30),
    2**60 - 1,
    2**60,
    2**63,
    -(2**64),
    10**100,
    2**5000,
)
FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    1e-300,
    1e16,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    float("nan"),
)
PUNCTUATION = " \t\n,;:=/.-_&%#'\"()[]{}<>\\0aA"


def texts(sizes: tuple[int, ...] = (0, 1, 2, 7, 16, 100, 1000, 5000)) -> Iterator[str]:
    """Yield strings of one character, of each width, then mixed ones, then ones made of separators alone."""
    for width, size in itertools.product(WIDTHS, sizes):
        yield width * size
    for size in sizes:
        if size > 1:
            yield "a" * (size - 1) + WIDTHS[3]  # one wide character makes all of them wide
            yield ("ab " * size)[:size]
    for mark in PUNCTUATION:
        yield mark
        yield mark * 300
        yield f"ab{mark}cd{mark}ef"
        yield f"a{mark}" * 200
    yield "".join(map(chr, range(0x100, 0x500)))
    yield "".join(map(chr, range(0x10000, 0x10200)))
    yield "\u0130\ufb03\u1e9e\u0390" * 100  # longer in lower or upper case
    yield "9" * 4300


def octets() -> Iterator[bytes]:
    """Yield bytes of many lengths, all alike, all different, and of digits and separators."""
    for size in (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 100, 478, 479, 480, 1000, 5000, 40_000):
        yield b"a" * size
        yield bytes(itertools.islice(itertools.cycle(range(256)), size))
    for mark in PUNCTUATION.encode():
        yield bytes([mark]) * 300
        yield b"ab%ccd" % mark * 50


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type alone."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _sequence(make: Callable[[Any], Any]) -> Callable[[Any], Iterator[Any]]:
    def values(item: Any = int) -> Iterator[Any]:
        for items in _item_lists(item):
            yield make(items)

    return values


def _item_lists(item: Any) -> Iterator[list[Any]]:
    """Yield lists of items: many sizes of distinct ones, one object many times, a long one alone, all of a kind."""
    pool = list(itertools.islice(adversarial(item), 60))
    for size in (*SIZES, *LARGE[:5]):
        yield distinct(item, size)
    for value in pool:
        yield [value]
        yield [value] * 3
    for value in pool[:: max(1, len(pool) // 6)]:
        yield [value] * 200
    yield pool
    yield list(reversed(pool))


def distinct(item: Any, size: int) -> list[Any]:
    """Return `size` values of a type, no two equal where the type has that many."""
    choice = alternatives(item)[0]
    origin = typing.get_origin(choice) or choice
    if choice is bool:
        return [bool(number & 1) for number in range(size)]
    if choice is int:
        return [1000 + number * 7919 for number in range(size)]
    if choice is float:
        return [number + 0.5 for number in range(size)]
    if choice is str:
        return [f"k{number:x}" for number in range(size)]
    if choice is bytes:
        return [b"k%x" % number for number in range(size)]
    if origin is tuple and Ellipsis not in typing.get_args(choice):
        columns = [distinct(part, size) for part in typing.get_args(choice)]
        return [tuple(row) for row in zip(*columns, strict=True)] if columns else [()] * size
    pool = list(itertools.islice(adversarial(choice), 40))
    return [pool[number % len(pool)] for number in range(size)]


def _dicts(key: Any = str, value: Any = int) -> Iterator[dict[Any, Any]]:
    values = list(itertools.islice(adversarial(value), 40))
    for size in (*SIZES, *LARGE[:5]):
        yield dict(zip(distinct(key, size), itertools.cycle(values), strict=False))
    yield dict(zip(itertools.islice(adversarial(key), 60), itertools.cycle(values), strict=False))
    for long in itertools.islice(adversarial(key), 20, 26):
        yield {long: values[-1]}


def _tuples(*parts: Any) -> Iterator[tuple[Any, ...]]:
    if not parts or parts[-1] is Ellipsis:
        yield from map(tuple, _item_lists(parts[0] if parts else int))
        return
    columns = [list(itertools.islice(adversarial(part), 80)) for part in parts]
    for row in range(max(map(len, columns))):
        yield tuple(column[row % len(column)] for column in columns)


_SIMPLE: dict[Any, Callable[[], Iterator[Any]]] = {
    str: texts,
    bytes: octets,
    bytearray: lambda: map(bytearray, octets()),
    memoryview: lambda: map(memoryview, octets()),
    int: lambda: iter(NUMBERS),
    float: lambda: iter(FLOATS),
    complex: lambda: itertools.starmap(complex, zip(FLOATS, reversed(FLOATS), strict=True)),
    bool: lambda: iter((False, True)),
    None: lambda: iter((None,)),
    type(None): lambda: iter((None,)),
}
_GENERIC: dict[Any, Callable[..., Iterator[Any]]] = {
    list: _sequence(list),
    collections.abc.Sequence: _sequence(list),
    collections.abc.Iterable: _sequence(list),
    collections.abc.Collection: _sequence(list),
    deque: _sequence(deque),
    set: _sequence(set),
    frozenset: _sequence(frozenset),
    dict: _dicts,
    collections.abc.Mapping: _dicts,
    tuple: _tuples,
}


def adversarial(annotation: Any) -> Iterator[Any]:
    """Yield a type's corner values in a fixed order, for a type made of built-in ones.

    Raises:
        TypeError: for another one; its inputs are to be written by hand.
    """
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
        return
    if typing.get_origin(annotation) is typing.Annotated:
        yield from adversarial(typing.get_args(annotation)[0])
        return
    members = alternatives(annotation)
    if len(members) > 1:
        for row in itertools.zip_longest(*map(adversarial, members)):
            yield from (value for value in row if value is not None)
        if type(None) in members:
            yield None
        return
    origin = typing.get_origin(annotation) or annotation
    if origin in _SIMPLE:
        yield from _SIMPLE[origin]()
    elif origin in _GENERIC:
        yield from _GENERIC[origin](*typing.get_args(annotation))
    else:
        message = f"no corner values are known for {annotation!r}"
        raise TypeError(message)


def nested(depth: int) -> list[Any]:
    """Return lists one in the other, `depth` of them."""
    inner: list[Any] = []
    for _ in range(depth - 1):
        inner = [inner]
    return inner


def strategy(annotation: Any) -> st.SearchStrategy[Any]:
    """Return Hypothesis' values of a type, with wide characters and huge integers as likely as others."""
    if annotation in (None, type(None)):
        return st.none()
    if annotation is str:
        widths = [("a", "z"), ("\xa1", "\xff"), ("\u0400", "\u04ff"), ("\U00010000", "\U000100ff")]
        kinds = [
            st.text(st.characters(min_codepoint=ord(low), max_codepoint=ord(high))) for low, high in widths
        ]
        return _repeated(st.one_of(st.text(st.sampled_from(PUNCTUATION)), *kinds, st.text(max_size=60)))
    if annotation in (bytes, bytearray):
        return _repeated(st.from_type(annotation))
    if annotation is int:
        return st.one_of(st.integers(-10, 300), st.integers(), st.integers(2**200, 2**2000))
    members = alternatives(annotation)
    if len(members) > 1:
        return st.one_of(*map(strategy, members))
    origin, parameters = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection):
        return _repeated(st.lists(strategy(parameters[0])))
    if origin in (set, frozenset):
        return st.lists(strategy(parameters[0])).map(origin)
    if origin in (dict, collections.abc.Mapping):
        return st.dictionaries(*map(strategy, parameters))
    if origin is tuple and Ellipsis not in parameters:
        return st.tuples(*map(strategy, parameters))
    return st.from_type(annotation)


def _repeated(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return values, and the same many times over, for what Hypothesis draws is short."""
    return st.builds(lambda value, times: value * times, values, st.sampled_from([1, 1, 1, 2, 9, 60, 400]))


def calls(function: Any, limit: int = 200) -> Iterator[Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]]:
    """Yield makers of arguments for a function whose parameters are all of built-in types, from its annotations.

    Every corner of each parameter is used, with corners of the others; then every two parameters of one type are
    given one and the same object.

    Args:
        function: with annotations.
        limit: corners of each parameter.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    names = list(hints)
    corners = {name: list(itertools.islice(adversarial(hint), limit)) for name, hint in hints.items()}
    longest = max(map(len, corners.values()))
    for row in range(longest):
        yield lambda row=row: (
            (),
            {name: _nth(corners[name], row * step) for step, name in enumerate(names, 1)},
        )
    for first, second in itertools.combinations(names, 2):
        if hints[first] == hints[second]:
            for row in range(0, longest, 3):
                yield lambda row=row, one=first, other=second: ((), _aliased(corners, row, one, other))


def _aliased(corners: dict[str, list[Any]], row: int, one: str, other: str) -> dict[str, Any]:
    chosen = {name: _nth(values, row) for name, values in corners.items()}
    return chosen | {other: chosen[one]}


def _nth(values: list[Any], number: int) -> Any:
    """Return a copy of a corner value: the call may change it. What is one object inside stays one."""
    value = values[number % len(values)]
    return memoryview(bytes(value)) if isinstance(value, memoryview) else copy.deepcopy(value)
