"""A mapping whose names are known and whose values are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Source = TypeVar("_Source")
_Value = TypeVar("_Value")
_Other = TypeVar("_Other")


class OnDemand(Mapping[str, _Value], Generic[_Source, _Value]):
    """Makes each value once, of what is kept for its name."""

    def __init__(self, sources: Mapping[str, _Source], make: Callable[[_Source], _Value]) -> None:
        self._sources = sources
        self._make = make
        self._values: dict[str, _Value] = {}

    def __getitem__(self, name: str) -> _Value:
        try:
            return self._values[name]
        except KeyError:
            found = self._values[name] = self._make(self._sources[name])
            return found

    @overload
    def get(self, name: str, /) -> _Value | None: ...
    @overload
    def get(self, name: str, /, default: _Value | _Other) -> _Value | _Other: ...
    def get(self, name: str, /, default: _Value | _Other | None = None) -> _Value | _Other | None:
        """Return what is under a name, without an exception where nothing is."""
        return self[name] if name in self._sources else default

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
