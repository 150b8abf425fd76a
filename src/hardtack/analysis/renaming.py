"""Renaming: what is known by a caller's names, in those of a function's own, and back.

A function's own names depend on nothing but what it is given, so that calls of one shape look the same:

    ψ0_        an argument of the entry, or of the function around, that a path starts from
    ψ0_.θ1_    what else a path leads to; paths that go on from there keep what comes after
    len(φ2_)   a symbol that stands in sizes: what it measures stays, since some rules ask for it
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardtack.analysis.domain import NO_EACH, NOTHING, Cell, Value
from hardtack.analysis.integers import HALF, Number
from hardtack.analysis.parameters import ROOT, root_of
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from hardtack.analysis.domain import Object

_OWN = re.compile(r"ψ(\d+)_(?:\.θ(\d+)_)?|φ(\d+)_")
_MEASURE = re.compile(r"\w+\(")  # what a symbol measures of a path: "len(", "max("
_AMORTISED, _CHANGING = "λ", "β"  # what loops name; other rules ask for it
_FOLDED = re.compile(r"((?:keys\()*(?:all|alias)\()([^:()]+)(:.*)", re.DOTALL)
_KEYS = re.compile(r"(?:keys\()*")
_REST = ".θ"


class Renaming:
    """Gives every object, size and text another name.

    Args:
        rename: an object.
        symbol: a symbol: the size that stands for it.
        text: a path, or what has paths in it.
        origin: the token of an integer's origin.
    """

    def __init__(
        self,
        rename: Callable[[Object], Object],
        symbol: Callable[[str], Size],
        text: Callable[[str], str],
        origin: Callable[[str], str],
    ) -> None:
        self.object = rename
        self.text = text
        self._symbol = symbol
        self._origin = origin
        self._sizes: dict[Size, Size] = {}
        self._values: dict[Value, Value] = {}

    def share(self, other: Renaming) -> None:
        """Use the sizes that another one with the same symbols has renamed, and rename them for both."""
        self._sizes = other._sizes

    def size(self, size: Size) -> Size:
        """Rename the symbols of a size."""
        if size is ZERO:
            return size
        found = self._sizes.get(size)
        if found is None:
            if size.is_top:
                found = Size((), frozenset(map(self.text, size.reasons)))
            elif symbols := size.symbols():
                found = size.substitute({name: self._symbol(name) for name in sorted(symbols)})
            else:
                found = size
            self._sizes[size] = found
        return found

    def number(self, number: Number) -> Number:
        """Rename the symbols of an integer."""
        origin = number.origin
        if origin is not None:
            half = HALF if origin[0].startswith(HALF) else ""
            origin = (half + self._origin(origin[0].removeprefix(half)), origin[1], origin[2])
        return Number(
            self.size(number.high),
            self.size(number.low),
            number.least,
            None if number.digits is None else self.size(number.digits),
            None if number.room is None else self.size(number.room),
            origin,
        )

    def value(self, value: Value) -> Value:
        """Rename what a value refers to."""
        if value is NOTHING:
            return value
        found = self._values.get(value)
        if found is None:
            found = self._values[value] = Value(
                frozenset(map(self.object, sorted(value.objects))),
                None if value.number is None else self.number(value.number),
                value.plain,
                value.fresh,
                None if value.length is None else self.size(value.length),
                None if value.total is None else self.size(value.total),
            )
        return found

    def cell(self, cell: Cell, fields: Mapping[str, Value] | None = None) -> Cell:
        """Rename what a cell refers to; `fields` are those that are kept."""
        size, value = self.size, self.value
        kept = cell.fields if fields is None else fields
        return Cell(
            cell.kind,
            self.text(cell.name) if cell.kind == "unknown" else cell.name,
            size(cell.length),
            cell.bytes if cell.bytes is ZERO else size(cell.bytes),
            cell.pooled if cell.pooled is ZERO else size(cell.pooled),
            cell.pool,
            cell.element if cell.element is NOTHING else value(cell.element),
            cell.mapped if cell.mapped is NOTHING else value(cell.mapped),
            {name: value(one) for name, one in kept.items()} if kept else kept,
            cell.width,
            None if cell.total is None else size(cell.total),
            cell.owned,
            cell.type,
            cell.targets,
            cell.written,
            cell.added if cell.added is ZERO else size(cell.added),
            cell.each if cell.each is NO_EACH else (size(cell.each[0]), size(cell.each[1])),
            cell.shared,
            cell.substituted,
            {name: size(one) for name, one in cell.holdings.items()} if cell.holdings else cell.holdings,
            cell.exact,
        )


class Names:
    """A function's own names for what a caller knows by others; each is given once, in order."""

    def __init__(self, roots: frozenset[str]) -> None:
        self._roots = roots
        self.known: set[str] = set()  # paths that others may go on from
        self._of_path: dict[str, str] = {}
        self.of_root: list[str] = []
        self.of_rest: list[str] = []
        self.of_symbol: list[str] = []
        self._symbols: dict[str, Size] = {}
        self._inner: dict[str, int] = {}
        self.of_origin: list[str] = []

    def symbol(self, name: str) -> Size:
        """Return a symbol's own name."""
        found = self._symbols.get(name)
        if found is None:
            begin, inner, end = _measured(name)
            if inner not in self._inner:
                self._inner[inner] = len(self.of_symbol)
                self.of_symbol.append(inner)
            found = self._symbols[name] = Size.symbol(f"{begin}φ{self._inner[inner]}_{end}")
        return found

    def origin(self, token: str) -> str:
        """Return the own name of an integer's origin."""
        if token not in self.of_origin:
            self.of_origin.append(token)
        return f"ξ{self.of_origin.index(token)}_"

    def path(self, path: str) -> str:
        """Return a path's own name; a path from a global is as it is everywhere."""
        found = self._of_path.get(path)
        if found is None:
            found = self.derived(path)
            if found is None:
                self.of_rest.append(path)
                found = f"{self._root(root_of(path))}{_REST}{len(self.of_rest) - 1}_"
            self._of_path[path] = found
        return found

    def derived(self, path: str) -> str | None:
        """Return the own name that a path has already, by that of what it goes on from, if it has."""
        found = ROOT.match(path)
        root = "" if found is None else found[1]
        if root not in self._roots:
            return path
        folded = _FOLDED.fullmatch(path)
        if folded is not None:
            return folded[1] + self._root(root) + folded[3]
        if path == root:
            return self._root(root)
        keys = _KEYS.match(path)
        begin = "" if keys is None else keys[0]
        rest = path.removeprefix(begin)
        for at in range(len(rest) - 1, 0, -1):
            if rest[at] not in ".[)":
                continue
            if rest.startswith(_REST, at):
                break  # what the caller calls so is no attribute: kept, it would be taken for an own name
            if rest[:at] in self.known:
                return begin + self.path(rest[:at]) + rest[at:]
        return None

    def _root(self, root: str) -> str:
        if root not in self.of_root:
            self.of_root.append(root)
        return f"ψ{self.of_root.index(root)}_"


def _measured(symbol: str) -> tuple[str, str, str]:
    """Return a symbol's parts: what it measures, of what, and what closes that."""
    if symbol.startswith(_AMORTISED):
        return _AMORTISED, symbol.removeprefix(_AMORTISED), ""
    begin, inner = "", symbol
    while (measure := _MEASURE.match(inner)) is not None and _closes(inner, measure.end()):
        begin, inner = begin + measure[0], inner[measure.end() : -1]
    if inner.startswith(_CHANGING):
        return begin + _CHANGING, inner.removeprefix(_CHANGING), ")" * begin.count("(")
    return begin, inner, ")" * begin.count("(")


def _closes(text: str, at: int) -> bool:
    """Tell whether the bracket that is open at a place is closed at the text's end."""
    depth = 1
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place == len(text) - 1
    return False


def callers(names: Names) -> Callable[[str], str]:
    """Return what gives a text with a function's own names those of the caller back."""

    def back(found: re.Match[str]) -> str:
        if found[3] is not None:
            return names.of_symbol[int(found[3])]
        return names.of_root[int(found[1])] if found[2] is None else names.of_rest[int(found[2])]

    def text(given: str) -> str:
        return _OWN.sub(back, given) if "_" in given else given

    return text


def is_of_caller(text: str) -> bool:
    """Tell whether a text has none of a function's own names."""
    return _OWN.search(text) is None


def symbols_of_caller(names: Names) -> Callable[[str], Size]:
    """Return what gives a function's own symbol the caller's size back."""
    text = callers(names)

    def symbol(name: str) -> Size:
        return Size.symbol(text(name))

    return symbol


def origins_of_caller(names: Names, own: Hashable) -> Callable[[str], str]:
    """Return what gives an integer's origin the caller's name back; one of the function's own stays apart."""

    def origin(token: str) -> str:
        if token.startswith("ξ") and token.endswith("_"):
            return names.of_origin[int(token[1:-1])]
        return f"{own}|{token}"

    return origin
