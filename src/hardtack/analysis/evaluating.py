"""A bound's value for the arguments of a real call: symbols are read by walking their paths.

Invariant: what cannot be read is an error, never a zero: a bound must not be too low for want of a length.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from inspect import Parameter, Signature
from io import IOBase
from itertools import count
from pathlib import PurePath
from typing import TYPE_CHECKING

from hardtack.analysis.as_analysed import check_arguments, check_functions, defaults
from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hardtack.analysis.results import Analysed

_STEP = re.compile(r"\.(\w+)|\[(\d*)\]")
_ROOT = re.compile(r"(?:[\w.]+::)?\w+")
_FUNCTION = re.compile(r"(len|maxlen|total|max|neg|extra)\((.*)\)")
_LONGEST = 1 << 30
_NO_LENGTH = (int, float, complex, type(None))
_MISSING = object()
_LEFT_OUT = object()  # an argument whose default is no constant


class NoValue(HardtackError, ValueError):
    """A bound has no value for some arguments: there is none, or they do not tell."""


def evaluate(analysed: Analysed, args: Sequence[object], kwargs: Mapping[str, object]) -> int:
    """Return the most bytes that a call with these arguments holds.

    Raises:
        NoValue: there is no bound, the function would refuse the arguments, or one is not what its type says.
        NotAsAnalysed: the call would run other code than what was analysed.
    """
    if analysed.peak is None:
        raise NoValue(f"{analysed.entry} has no bound")
    given: dict[str, object] = dict(analysed.defaults)
    given.update(_bound(analysed, args, kwargs))
    if any(name not in given for name in analysed.optional):
        given = defaults(analysed.entry, analysed.functions) | given
    check_arguments(analysed.entry, analysed.taken, given)
    check_functions(analysed.entry, analysed.functions)
    bounds = [analysed.peak] if analysed.within is None else [analysed.peak, analysed.within]
    values = {symbol: _value(symbol, given) for size in bounds for symbol in size.symbols()}
    return min(size.evaluate(values) for size in bounds)


def _bound(analysed: Analysed, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
    """Return a call's arguments by the names of parameters.

    Raises:
        NoValue: the function would refuse these arguments.
    """
    try:
        found = _signature(analysed).bind(*args, **kwargs)
    except TypeError as error:
        takes = ", ".join(analysed.parameters) or "no arguments"
        raise NoValue(f"{analysed.entry}: {_unquoted(error)} (it takes {takes})") from None
    found.apply_defaults()
    return {name: value for name, value in found.arguments.items() if value is not _LEFT_OUT}


def _signature(analysed: Analysed) -> Signature:
    made = []
    for name in analysed.parameters:
        if name.startswith("**"):
            made.append(Parameter(name[2:], Parameter.VAR_KEYWORD))
        elif name.startswith("*"):
            made.append(Parameter(name[1:], Parameter.VAR_POSITIONAL))
        else:
            by_name = name in analysed.keyword_only
            kind = Parameter.KEYWORD_ONLY if by_name else Parameter.POSITIONAL_OR_KEYWORD
            default = _LEFT_OUT if name in analysed.optional else Parameter.empty
            made.append(Parameter(name, kind, default=default))
    return Signature(made)


def _unquoted(error: TypeError) -> str:
    """Return what `Signature.bind` says, in our words."""
    text = str(error).replace("'", "")
    text = re.sub(r"^got an unexpected keyword argument", "unexpected argument", text)
    return re.sub(r"^missing a required (keyword-only )?argument:?", "missing argument", text)


def _value(symbol: str, given: Mapping[str, object]) -> int:
    found = _FUNCTION.fullmatch(symbol)
    if found is None:
        return _greatest(symbol, given)
    function, path = found.groups()
    if function in {"extra", "neg"}:
        inner = _FUNCTION.fullmatch(path)
        path = inner[2] if inner is not None and inner[1] == "max" else path
        return _greatest(path, given, extra if function == "extra" else operator.neg)
    if function == "max":
        return _greatest(path, given)
    if function == "total":
        return max((sum(_length(item) for item in _items(one)) for one in follow(path, given)), default=0)
    return max((_length(one) for one in follow(path, given)), default=0)


def _greatest(path: str, given: Mapping[str, object], measure: Callable[[int], int] = operator.pos) -> int:
    """Return the most that a measure of the integers at a path is, but at least 0."""
    return max([0, *(measure(_integer(one, path)) for one in follow(path, given))])


def extra(value: int) -> int:
    """Return how many digits of 30 bits an integer has beyond its first."""
    return max(0, (abs(value).bit_length() + 29) // 30 - 1)


def _integer(value: object, path: str) -> int:
    """Return an integer's value; that of another member of a union, which counts nothing, is 0."""
    if isinstance(value, int):
        return int(value)
    if hasattr(type(value), "__index__"):  # as NumPy's have, and code takes it for an int
        raise NoValue(f"{path} is of type {type(value).__qualname__}, which counts as an int and is none")
    return 0


def _length(value: object) -> int:
    if isinstance(value, _NO_LENGTH):
        return 0
    if isinstance(value, PurePath):
        return path_length(value)
    measure: Callable[[object], int] | None = getattr(type(value), "__len__", None)
    if measure is None:
        raise NoValue(f"a {type(value).__name__} has no length")
    try:
        length = measure(value)
    except OverflowError:  # of a range
        length = sys.maxsize
    if length >= _LONGEST:
        raise NoValue(f"a {type(value).__name__} of {length} items: bounds hold for fewer than 2**30")
    return length


def path_length(path: PurePath) -> int:
    """Return the characters of all that a path was made from, and one for each; it keeps nothing more by it.

    Source: Lib/pathlib.py, `_raw_paths` from 3.12 on, before it `_parts`.
    """
    made_from: list[str] = getattr(path, "_raw_paths", None) or getattr(path, "_parts", [])
    return sum(len(one) + 1 for one in made_from)


def _items(value: object) -> Iterable[object]:
    if isinstance(value, range):  # what its items lie between
        return (value.start, value.stop, value.step)
    if isinstance(value, (*_NO_LENGTH, str, bytes, bytearray, memoryview)):
        return ()
    if isinstance(value, Mapping):
        return list(value.values())
    if hasattr(value, "__len__"):
        return list(value)  # type: ignore[call-overload,no-any-return]
    raise NoValue(f"the items of a {type(value).__name__} are not there to be measured")


def follow(path: str, given: Mapping[str, object]) -> list[object]:
    """Return all that a path leads to."""
    if path.startswith("all("):
        inner, _, rest = _closed(path[4:])
        root, _, name = inner.rpartition(":")
        values = _instances(follow(root, given), name)
    elif path.startswith("alias("):
        inner, _, rest = _closed(path[6:])
        values = list(_reached(follow(inner.rpartition(":")[0], given)))
        if not rest:  # the alias stands for a container or for something simple, never for these
            values = [one for one in values if isinstance(one, _NO_LENGTH) or hasattr(type(one), "__len__")]
    elif path.startswith("keys("):
        inner, _, rest = _closed(path[5:])
        values = [key for one in follow(inner, given) if isinstance(one, Mapping) for key in one]
    else:
        found = _ROOT.match(path)
        if found is None:
            raise NoValue(f"no path: {path}")
        rest = path[found.end() :]
        values = [_root(found[0], given)]
    for step in _STEP.finditer(rest):
        values = [part for value in values for part in _step(value, step)]
    return values


def _closed(text: str) -> tuple[str, str, str]:
    """Return what stands before the bracket that closes, the bracket, and the rest."""
    depth = 0
    for index, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            if not depth:
                return text[:index], ")", text[index + 1 :]
            depth -= 1
    raise NoValue(f"no path: {text}")


def _root(name: str, given: Mapping[str, object]) -> object:
    if "::" not in name:
        if name not in given:
            raise NoValue(f"no argument {name}")
        return given[name]
    owner, _, attribute = name.partition("::")
    parts = owner.split(".")
    for end in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:end]))
        if module is not None:
            value: object = module
            for part in parts[end:]:
                value = getattr(value, part)
            return getattr(value, attribute)
    raise NoValue(f"{owner} is not imported")


def _step(value: object, step: re.Match[str]) -> list[object]:
    name, index = step.groups()
    if name is not None:
        found = (_attribute(value, one) for one in _names(value, name))
        return [part for part in found if part is not _MISSING]
    if index:
        return [value[int(index)]] if isinstance(value, tuple) and int(index) < len(value) else []
    return list(_items(value))


def _names(value: object, name: str) -> list[str]:
    """Return the names that an attribute may have: a private one has its class in it."""
    if not name.startswith("__") or name.endswith("__"):
        return [name]
    owners = value.__mro__ if isinstance(value, type) else type(value).__mro__
    return [f"_{owner.__name__.lstrip('_')}{name}" for owner in owners]


def _attribute(value: object, name: str) -> object:
    if isinstance(getattr(type(value), name, None), cached_property):  # to be looked at, not computed
        kept: object = getattr(value, "__dict__", {}).get(name, _MISSING)
        return kept
    return getattr(value, name, _MISSING)


def _instances(roots: Iterable[object], name: str) -> list[object]:
    """Return the instances of a class that objects lead to, by attributes and items."""
    return [
        value
        for value in _reached(roots)
        if any(f"{base.__module__}.{base.__qualname__}" == name for base in type(value).__mro__)
    ]


def _reached(roots: Iterable[object]) -> Iterator[object]:
    """Iterate over all that objects lead to, by attributes and items, themselves included.

    Raises:
        NoValue: there is an iterator, whose items nobody knows before they come.
    """
    seen, todo = set(), list(roots)
    classes: set[type] = {object}
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, (*_NO_LENGTH, str, bytes, bytearray, memoryview)):
            continue
        if isinstance(value, Iterator) and not isinstance(value, IOBase | count):
            raise NoValue(f"the items of a {type(value).__name__} are not there to be measured")
        if isinstance(value, Mapping):
            todo += [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset) or (
            hasattr(value, "__iter__") and hasattr(value, "__len__")
        ):
            todo += list(value)
        todo += list(getattr(value, "__dict__", {}).values())
        todo += _in_slots(value)
        todo += [part for base in type(value).__mro__ if base not in classes for part in _shared(base)]
        classes.update(type(value).__mro__)


def _shared(base: type) -> Iterator[object]:
    """Iterate over what a class holds for its instances: variables, not methods and the like."""
    for name, part in vars(base).items():
        if not name.startswith("__") and not hasattr(type(part), "__get__"):
            yield part


def _in_slots(value: object) -> Iterator[object]:
    for base in type(value).__mro__:
        slots = getattr(base, "__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            for name in _names(value, slot):
                part = getattr(value, name, None)
                if part is not None:
                    yield part
