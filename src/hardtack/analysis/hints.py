"""What the metadata of one annotation states, put onto a type. Values only: `annotations_read` finds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardtack.analysis import ir

if TYPE_CHECKING:
    from collections.abc import Callable

NO_LIMITS = ir.Limits()


@dataclass(frozen=True)
class Hint:
    """What an annotation states of a value and of its parts.

    Attributes:
        head: the class that it is about, without its module and in lower case.
        limits: what it states of the value itself.
        parts: what it states of the type's arguments, in order.
        choices: what it states of a union's items.
        assumed: what it states of a call of the value.
    """

    head: str = ""
    limits: ir.Limits = NO_LIMITS
    parts: tuple[Hint, ...] = ()
    choices: tuple[Hint, ...] = ()
    assumed: tuple[tuple[str, str], ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stated."""
        return (
            self.limits == NO_LIMITS
            and self.assumed is None
            and all(one.is_empty for one in (*self.parts, *self.choices))
        )


NOTHING = Hint()


def tighter(one: ir.Limits | None, other: ir.Limits | None) -> ir.Limits | None:
    """Return what both state together."""
    if one is None or other is None or NO_LIMITS in {one, other}:
        chosen = one if other in {None, NO_LIMITS} else other
        return None if chosen == NO_LIMITS else chosen
    return ir.Limits(
        _stricter(max, one.min_length, other.min_length),
        _stricter(min, one.max_length, other.max_length),
        _stricter(max, one.least, other.least),
        _stricter(min, one.most, other.most),
        one.among if other.among is None else other.among,
    )


def _stricter(choose: Callable[[list[int]], int], one: int | None, other: int | None) -> int | None:
    known = [value for value in (one, other) if value is not None]
    return choose(known) if known else None


def with_hint(type_: ir.Type, hint: Hint) -> ir.Type:
    """Return a type with what a hint states of it."""
    if hint.is_empty:
        return type_
    if hint.choices:
        for choice in hint.choices:
            type_ = _narrowed(type_, choice)
        return with_hint(type_, Hint(limits=hint.limits))
    if hint.assumed is not None:
        return _called(type_, hint.assumed)
    match type_:
        case ir.Instance():
            arguments = type_.arguments
            if len(hint.parts) == len(arguments):
                arguments = tuple(map(with_hint, arguments, hint.parts))
            return replace(type_, arguments=arguments, limits=tighter(type_.limits, hint.limits))
        case ir.TupleOf() if len(hint.parts) == len(type_.items):
            return ir.TupleOf(tuple(map(with_hint, type_.items, hint.parts)))
        case ir.Union():
            return ir.Union(tuple(with_hint(item, hint) for item in type_.items))
    return type_


def _called(type_: ir.Type, assumed: tuple[tuple[str, str], ...]) -> ir.Type:
    """Return a type with what is stated of calls of it."""
    match type_:
        case ir.CallableType():
            return replace(type_, assumed=assumed)
        case ir.Union():
            return ir.Union(tuple(_called(item, assumed) for item in type_.items))
        case ir.Unknown():
            return ir.CallableType((), type_, assumed)
    return type_


def _narrowed(type_: ir.Type, choice: Hint) -> ir.Type:
    """Put what is stated of one item of a union onto the items of that class."""
    if isinstance(type_, ir.Union):
        return ir.Union(tuple(_narrowed(item, choice) for item in type_.items))
    if isinstance(type_, ir.CallableType):
        return type_ if choice.assumed is None else _called(type_, choice.assumed)
    name = type_.name if isinstance(type_, ir.Instance) else "tuple" if isinstance(type_, ir.TupleOf) else ""
    return with_hint(type_, choice) if name.rpartition(".")[2].lower() == choice.head else type_
