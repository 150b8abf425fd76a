"""What type hints state in `Annotated[...]`, compiled once into functions that check values.

A hint that states nothing compiles to None, so only what is stated costs time. A hint that states something
where it cannot be checked is a TypeError: nothing that the analyser believes goes unchecked in silence. What
annotated-types has beyond lengths and ranges (predicates, units, ...) says nothing about memory and is passed
over.
"""

from __future__ import annotations

import inspect
import operator
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import InitVar, is_dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen

from hardtack.errors import AnnotationBroken


class Fault(NamedTuple):
    """What breaks an annotation, from where a check stands: `path` grows at its front on the way out."""

    path: str
    annotation: str
    bound: object
    found: object
    what: str

    def below(self, step: str) -> Fault:
        """Return the fault as what holds it sees it."""
        return self._replace(path=step + self.path)

    def broken(self, where: str) -> AnnotationBroken:
        """Return the exception that says so."""
        return AnnotationBroken(self.annotation, where, self.path, self.bound, self.found, self.what)


_Classes: TypeAlias = "type | tuple[_Classes, ...]"
Check: TypeAlias = Callable[[Any], Fault | None]

_MISSING: Final = object()
_CONSTRAINTS: Final[dict[type, tuple[str, Callable[[Any, Any], bool], bool]]] = {
    MaxLen: ("max_length", operator.le, True),
    MinLen: ("min_length", operator.ge, True),
    Lt: ("lt", operator.lt, False),
    Le: ("le", operator.le, False),
    Gt: ("gt", operator.gt, False),
    Ge: ("ge", operator.ge, False),
}
_UNIONS: Final = (typing.Union, types.UnionType)
_QUALIFIERS: Final = {"Final", "ClassVar", "Required", "NotRequired", "ReadOnly"}
_WIDER: Final = {float: (float, int), complex: (complex, float, int)}  # PEP 484's numeric tower


class Signature:
    """The checks of a function's arguments and result.

    Raises:
        NameError: if a hint names what is not defined (yet).
        TypeError: if a hint states what cannot be checked.
    """

    __slots__ = ("_keywords", "_names", "_parameters", "_rest", "_result", "_where")

    def __init__(self, function: Callable[..., object], where: str) -> None:
        hints = _hints_of(function)
        checks = {name: _compile(hint, where) for name, hint in hints.items()}
        self._where = where
        self._result = checks.pop("return", None)
        self._parameters: list[tuple[int, str | None, str, object, Check]] = []
        self._rest: tuple[int, str, Check] | None = None
        self._keywords: tuple[str, Check] | None = None
        parameters = inspect.signature(function).parameters
        self._names = {
            name for name, parameter in parameters.items() if parameter.kind is not parameter.POSITIONAL_ONLY
        }
        for position, (name, parameter) in enumerate(parameters.items()):
            check = checks.get(name)
            if check is not None:
                self._add(position, parameter, check)

    def _add(self, position: int, parameter: inspect.Parameter, check: Check) -> None:
        name, kind = parameter.name, parameter.kind
        if kind is parameter.VAR_POSITIONAL:
            self._rest = position, name, check
        elif kind is parameter.VAR_KEYWORD:
            self._keywords = name, check
        else:
            keyword = None if kind is parameter.POSITIONAL_ONLY else name
            if kind is parameter.KEYWORD_ONLY:
                position = 1 << 62
            default = _MISSING if parameter.default is parameter.empty else parameter.default
            self._parameters.append((position, keyword, name, default, check))

    @property
    def is_empty(self) -> bool:
        """Whether the hints state nothing."""
        return not (self._parameters or self._rest or self._keywords or self._result)

    def check_arguments(self, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> None:
        """Raise AnnotationBroken for the first of a call's arguments that breaks what its hint states."""
        for position, keyword, name, default, check in self._parameters:
            if position < len(arguments):
                value = arguments[position]
            elif keyword is not None and keyword in keywords:
                value = keywords[keyword]
            elif default is _MISSING:
                continue  # the call itself will say that it is missing
            else:
                value = default
            fault = check(value)
            if fault is not None:
                raise fault.below(name).broken(self._where)
        if self._rest is not None:
            self._check_rest(self._rest, arguments)
        if self._keywords is not None:
            self._check_keywords(self._keywords, keywords)

    def _check_rest(self, rest: tuple[int, str, Check], arguments: tuple[object, ...]) -> None:
        first, name, check = rest
        for index, value in enumerate(arguments[first:]):
            fault = check(value)
            if fault is not None:
                raise fault.below(f"{name}[{index}]").broken(self._where)

    def _check_keywords(self, rest: tuple[str, Check], keywords: Mapping[str, object]) -> None:
        name, check = rest
        for keyword, value in keywords.items():
            fault = None if keyword in self._names else check(value)
            if fault is not None:
                raise fault.below(f"{name}[{keyword!r}]").broken(self._where)

    def check_result(self, result: object) -> object:
        """Return the function's result, or raise AnnotationBroken if it breaks what its hint states."""
        if self._result is not None:
            fault = self._result(result)
            if fault is not None:
                raise fault.below("the result").broken(self._where)
        return result


class Fields:
    """The checks of the annotated attributes of a class, inherited ones too.

    Raises:
        NameError: if a hint names what is not defined (yet).
        TypeError: if a hint states what cannot be checked.
    """

    __slots__ = ("_check", "_where")

    def __init__(self, cls: type, where: str) -> None:
        self._check = _Compiler(where).fields(cls)
        self._where = where

    def check(self, value: object) -> None:
        """Raise AnnotationBroken if an attribute breaks what its hint states."""
        fault = None if self._check is None else self._check(value)
        if fault is not None:
            raise fault._replace(path=fault.path.removeprefix(".")).broken(self._where)


def _hints_of(target: object, names: dict[str, object] | None = None) -> dict[str, object]:
    try:
        return typing.get_type_hints(target, localns=names, include_extras=True)
    except NameError as error:
        error.add_note(
            "@checked reads type hints at run time: what they name is imported outside TYPE_CHECKING"
        )
        raise


def _compile(hint: object, where: str) -> Check | None:
    return _Compiler(where).compile(hint)


class _Compiler:
    """Compiles one hint; remembers which classes and aliases it is in the middle of."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._open: list[object] = []
        self._recursive: list[object] = []

    def compile(self, hint: object) -> Check | None:
        origin = typing.get_origin(hint)
        arguments = typing.get_args(hint)
        if origin is typing.Annotated:
            return _all(_constraints(hint.__metadata__), self.compile(arguments[0]))  # type: ignore[attr-defined]
        if origin in _UNIONS:
            return self._union(hint, arguments)
        if getattr(origin, "_name", None) in _QUALIFIERS:
            return self.compile(arguments[0])
        if isinstance(hint, InitVar):
            return None  # never an attribute
        if isinstance(hint, (str, typing.ForwardRef)):
            raise TypeError(f"{self._where}: {hint!r} is text that cannot be resolved from here")
        inner = _named(hint)
        if inner is not None:
            return self._alias(hint, inner)
        if isinstance(hint, typing.TypeVar):
            return self._union(hint, hint.__constraints__) or self.compile(hint.__bound__)
        if origin is not None:
            return self._generic(hint, origin, arguments)
        return self._class(hint) if isinstance(hint, type) else None

    def _alias(self, hint: object, inner: object) -> Check | None:
        if hint in self._open:
            raise TypeError(
                f"{self._where}: {hint} names itself, and is not checked in depth: name a @checked class"
            )
        self._open.append(hint)
        check = self.compile(inner)
        self._open.pop()
        return check

    def _union(self, hint: object, arguments: tuple[object, ...]) -> Check | None:
        checks = [self.compile(argument) for argument in arguments]
        if not any(checks):
            return None
        members = [
            (_class_of(argument), check or _literal(argument))
            for argument, check in zip(arguments, checks, strict=True)
        ]
        members.sort(key=lambda member: member[0] is object)  # those take what no other member claims

        def union(value: object) -> Fault | None:
            first = None
            for cls, check in members:
                if first is not None and cls is object:
                    break
                if isinstance(value, cls):
                    fault = check(value)
                    if fault is None:
                        return None
                    first = first or fault
            return first or _wrong_type(value, hint)

        return union

    def _generic(self, hint: object, origin: object, arguments: tuple[object, ...]) -> Check | None:
        if origin is typing.Literal:
            return None
        checks = [self._part(argument) for argument in arguments]
        inner = self._class(origin) if isinstance(origin, type) else None
        if not any(checks):
            return inner
        if isinstance(origin, type):
            whole = _instance(hint, origin)
            first, second = [check or _nothing for check in (*checks, None)][:2]
            if origin is tuple:
                return _all([whole, _elements(first) if arguments[1:] == (...,) else _product(hint, checks)])
            if issubclass(origin, Mapping) and len(checks) <= 2:
                return _all([whole, _mapping(first, second), inner])
            if issubclass(origin, Collection) and len(checks) == 1:
                return _all([whole, _elements(first), inner])
        raise TypeError(f"{self._where}: what {hint} states of its parts cannot be checked; see bounded()")

    def _part(self, argument: object) -> Check | None:
        if isinstance(argument, list):  # of Callable
            return _all([self.compile(part) for part in argument])
        return self.compile(argument)

    def _class(self, cls: type) -> Check | None:
        if "__hardtack_checked__" in vars(cls):
            return None  # its constructor has checked it
        if is_dataclass(cls) or typing.is_typeddict(cls) or _is_named_tuple(cls):
            return self.fields(cls)
        bases = getattr(cls, "__orig_bases__", ())  # class Names(list[Annotated[str, MaxLen(8)]])
        return _all([self.compile(base) for base in bases if _is_collection(base)])

    def fields(self, cls: type) -> Check | None:
        """Return the check of a class's annotated attributes."""
        if cls in self._open:
            self._recursive.append(cls)
            return None
        self._open.append(cls)
        hints = _hints_of(cls, {cls.__name__: cls})
        checks = {name: self.compile(hint) for name, hint in hints.items() if not _is_class_variable(hint)}
        stated = [(name, check) for name, check in checks.items() if check is not None]
        self._open.pop()
        if not stated:
            return None
        if cls in self._recursive:
            raise TypeError(f"{self._where}: {cls.__qualname__} contains itself: make it @checked")
        return _items(stated) if typing.is_typeddict(cls) else _attributes(stated)


def _named(hint: object) -> object:
    """Return what a new type, or an alias made by `type`, stands for."""
    origin = typing.get_origin(hint)
    if origin is not None and hasattr(origin, "__value__"):  # Alias[int]
        return origin.__value__[typing.get_args(hint)]
    return getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)


def _class_of(hint: object) -> _Classes:
    """Return whose instances a member of a union stands for: `object` where that cannot be told."""
    inner = _named(hint)
    if inner is not None:
        return _class_of(inner)
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _class_of(typing.get_args(hint)[0])
    if origin in _UNIONS:
        return tuple(_class_of(member) for member in typing.get_args(hint))
    if origin is typing.Literal:
        return tuple({type(value) for value in typing.get_args(hint)})
    cls = origin or hint
    if cls is typing.Any or not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return object
    return dict if typing.is_typeddict(cls) else _WIDER.get(cls, cls)


def _literal(hint: object) -> Check:
    if typing.get_origin(hint) is not typing.Literal:
        return _nothing
    values = {(type(value), value) for value in typing.get_args(hint)}
    return lambda value: None if (type(value), value) in values else _wrong_type(value, hint)


def _is_collection(base: object) -> bool:
    origin = typing.get_origin(base)
    return isinstance(origin, type) and issubclass(origin, Collection)


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _is_class_variable(hint: object) -> bool:
    return hint is typing.ClassVar or typing.get_origin(hint) is typing.ClassVar


def _all(checks: Iterable[Check | None], *more: Check | None) -> Check | None:
    stated = [check for check in (*checks, *more) if check is not None]
    if len(stated) <= 1:
        return stated[0] if stated else None

    def every(value: object) -> Fault | None:
        for check in stated:
            fault = check(value)
            if fault is not None:
                return fault
        return None

    return every


def _constraints(metadata: Iterable[object]) -> Iterable[Check]:
    for item in metadata:
        if isinstance(item, GroupedMetadata):
            yield from _constraints(item)
        elif type(item) in _CONSTRAINTS:
            yield _constraint(item)


def _constraint(item: object) -> Check:
    attribute, holds, is_length = _CONSTRAINTS[type(item)]
    bound = getattr(item, attribute)
    annotation = f"{type(item).__name__}({bound!r})"

    def constraint(value: object) -> Fault | None:
        try:
            found = len(value) if is_length else value  # type: ignore[arg-type]
            if holds(found, bound):
                return None
        except TypeError:
            return Fault("", annotation, bound, value, f"is {_shown(value)}")
        return Fault(
            "", annotation, bound, found, f"has length {found}" if is_length else f"is {_shown(value)}"
        )

    return constraint


def _shown(value: object) -> str:
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 128):
        return repr(value)
    return (
        f"an int of {value.bit_length()} bits"
        if isinstance(value, int)
        else f"of type {type(value).__name__}"
    )


def _nothing(value: object) -> None:
    """Check what nothing is stated of."""


def _wrong_type(value: object, hint: object) -> Fault:
    name = hint.__name__ if isinstance(hint, type) else str(hint)
    return Fault("", name, None, value, f"is {_shown(value)}")


def _instance(hint: object, cls: type) -> Check:
    return lambda value: None if isinstance(value, cls) else _wrong_type(value, hint)


def _elements(check: Check) -> Check:
    def elements(values: Iterable[object]) -> Fault | None:
        for index, value in enumerate(values):
            fault = check(value)
            if fault is not None:
                return fault.below(f"[{index}]")
        return None

    return elements


def _product(hint: object, checks: list[Check | None]) -> Check:
    members = [check or _nothing for check in checks]

    def product(values: tuple[object, ...]) -> Fault | None:
        if len(values) != len(members):
            return Fault("", str(hint), len(members), len(values), f"has length {len(values)}")
        for index, (check, value) in enumerate(zip(members, values, strict=True)):
            fault = check(value)
            if fault is not None:
                return fault.below(f"[{index}]")
        return None

    return product


def _mapping(of_key: Check, of_value: Check) -> Check:
    def items(values: Mapping[object, object]) -> Fault | None:
        for index, (key, value) in enumerate(values.items()):
            fault = of_key(key)
            if fault is not None:
                return fault.below(f".keys()[{index}]")
            fault = of_value(value)
            if fault is not None:
                return fault.below(f"[{key!r}]" if _is_short(key) else f".values()[{index}]")
        return None

    return items


def _is_short(key: object) -> bool:
    """Return whether a key is spelled in a message: what a check takes does not grow with what it checks."""
    return (isinstance(key, int) and key.bit_length() <= 128) or (isinstance(key, str) and len(key) <= 40)


def _attributes(checks: list[tuple[str, Check]]) -> Check:
    def attributes(value: object) -> Fault | None:
        for name, check in checks:
            attribute = getattr(value, name, _MISSING)
            fault = None if attribute is _MISSING else check(attribute)
            if fault is not None:
                return fault.below(f".{name}")
        return None

    return attributes


def _items(checks: list[tuple[str, Check]]) -> Check:
    def items(value: Mapping[str, object]) -> Fault | None:
        for name, check in checks:
            fault = check(value[name]) if name in value else None
            if fault is not None:
                return fault.below(f"[{name!r}]")
        return None

    return items
