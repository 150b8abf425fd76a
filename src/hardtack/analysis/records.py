"""Dataclasses that never change, made quickly: the interpreter makes millions of them.

To mypy they are the standard library's, frozen where they say so: it sees to it that nobody assigns to them.
Nothing does when the program runs: a class that sees to it then sets each attribute by a call, and takes nine
times as long to make an instance.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

__all__ = ["record", "replace"]
_Record = TypeVar("_Record", bound="DataclassInstance")


def _record(*, frozen: bool, slots: bool) -> Callable[[type[_Record]], type[_Record]]:
    """Return what makes a class a dataclass, with a hash if it never changes; no instance contains itself."""
    make = dataclasses.dataclass(slots=slots, unsafe_hash=frozen)

    def made(plain: type[_Record]) -> type[_Record]:
        found = make(plain)
        unguarded = getattr(found.__repr__, "__wrapped__", found.__repr__)  # the guard is for those that do
        type.__setattr__(found, "__repr__", unguarded)
        return found

    return made


def _replace(value: _Record, /, **changes: object) -> _Record:
    """Return a dataclass's instance with some attributes replaced."""
    kind = type(value)
    attributes, places = _attributes(kind)
    every = [*attributes(value)] if len(places) > 1 else [attributes(value)]
    for name, new in changes.items():
        every[places[name]] = new
    return kind(*every)


@cache
def _attributes(kind: type[DataclassInstance]) -> tuple[attrgetter[Any], dict[str, int]]:
    """Return what reads the attributes that an instance is made from, and the place of each."""
    names = [one.name for one in dataclasses.fields(kind) if one.init]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:
    record, replace = _record, _replace
