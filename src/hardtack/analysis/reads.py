"""What an analysis read of a program, and a digest of it: where that is the same, so is what is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar, overload

from hardtack.analysis import ir
from hardtack.analysis.digests import canonical, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Names: TypeAlias = dict[str, list[str]]  # "functions", "classes", "globals", "constants"

_KINDS = ("functions", "classes", "globals", "constants")
_Value = TypeVar("_Value")
_Other = TypeVar("_Other")


class Watched(Mapping[str, _Value]):
    """A mapping that notes which names were asked for, those that it lacks too."""

    def __init__(self, inner: Mapping[str, _Value]) -> None:
        self.inner = inner
        self.asked: set[str] = set()

    def note(self, names: Iterable[str]) -> None:
        """Note names that were asked for, here and in what is watched through this."""
        self.asked.update(names)
        if isinstance(self.inner, Watched):
            self.inner.note(names)

    def __getitem__(self, name: str) -> _Value:
        self.asked.add(name)
        return self.inner[name]

    @overload
    def get(self, name: str, /) -> _Value | None: ...
    @overload
    def get(self, name: str, /, default: _Value | _Other) -> _Value | _Other: ...
    def get(self, name: str, /, default: _Value | _Other | None = None) -> _Value | _Other | None:
        """Return what is under a name, without an exception where nothing is."""
        self.asked.add(name)
        return self.inner.get(name, default)

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str):
            self.asked.add(name)
        return name in self.inner

    def __iter__(self) -> Iterator[str]:
        self.asked.update(self.inner)
        return iter(self.inner)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Reader:
    """A program to read from, and what was read of it.

    Attributes:
        program: to be given to the analysis.
    """

    def __init__(self, program: ir.Program) -> None:
        self._functions = Watched(program.functions)
        self._classes = Watched(program.classes)
        self._globals = Watched(program.globals)
        self._constants = Watched(program.constants)
        self.program = ir.Program(
            self._functions,
            self._classes,
            self._globals,
            self._constants,
            program.late,
            program.summaries,
            program.digests,
        )

    def names(self) -> Names:
        """Return what was asked for."""
        return {
            "functions": sorted(self._functions.asked),
            "classes": sorted(self._classes.asked),
            "globals": sorted(self._globals.asked),
            "constants": sorted(self._constants.asked),
        }


def note(program: ir.Program, names: Names) -> None:
    """Say that names were asked for, as far as the program notes it."""
    for kind, asked in names.items():
        table = getattr(program, kind)
        if isinstance(table, Watched):
            table.note(asked)


def unwatched(program: ir.Program) -> ir.Program:
    """Return the program itself that a reader gives to read from."""
    return ir.Program(
        _inner(program.functions),
        _inner(program.classes),
        _inner(program.globals),
        _inner(program.constants),
        program.late,
        program.summaries,
        program.digests,
    )


def _inner(table: Mapping[str, _Value]) -> Mapping[str, _Value]:
    return table.inner if isinstance(table, Watched) else table


def digest_of(program: ir.Program, names: Names) -> str:
    """Return a digest of what a program has under some names."""
    return digest(_known(program, kind, name) for kind in _KINDS for name in names[kind])


def _known(program: ir.Program, kind: str, name: str) -> str:
    """Return a digest of what a program has under one name; it is made once."""
    found = program.digests.get((kind, name))
    if found is None:
        table: Mapping[str, object] = getattr(program, kind)
        what: object = table.get(name)
        text = canonical(what) if name in table else ""
        if isinstance(what, ir.Function):
            text = what.digest
        found = program.digests[kind, name] = digest([f"{kind} {name}: {text}"])
    return found
