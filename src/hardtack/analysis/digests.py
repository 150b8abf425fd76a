"""Digests of functions: each changes when anything changes that the function's IR, by itself, depends on.

That is its IR with all places and types, the constants that it reads, the classes that it names with all that
they name, and the version of Python. Not the functions that it calls: a summary's key combines theirs.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hardtack.analysis import ir

_NAME = re.compile(r"'([^'\s]+)'")


class Digests:
    """Makes the digests of a program's functions."""

    def __init__(
        self, sources: Iterable[str], classes: Mapping[str, ir.Class], constants: Mapping[str, object]
    ) -> None:
        self._sources = frozenset(sources)  # the names of the classes of the sources
        self._classes = classes
        self._constants = constants
        self._rows: dict[str, str] = {}
        self._named_by: dict[str, set[str]] = {}  # classes, by the class whose row names them

    def with_digest(self, function: ir.Function) -> ir.Function:
        """Return a function with its digest."""
        text = canonical(replace(function, digest=""))
        names = _named(text)
        classes = self._closure(names & self._sources)
        constants = sorted(names & self._constants.keys())
        parts = [repr(sys.version_info[:2]), text]
        parts += [f"{one} = {canonical(self._constants[one])}" for one in constants]
        parts += [self._row(one) for one in sorted(classes)]
        return replace(function, digest=digest(parts))

    def _row(self, name: str) -> str:
        """Return all that is known of a class, the values of its constants too."""
        if name not in self._rows:
            one = self._classes[name]
            names = (f"{base}.{variable}" for base in one.lineage for variable, _ in one.class_variables)
            known = ((full, self._constants[full]) for full in names if full in self._constants)
            values = [f"{full} = {canonical(value)}" for full, value in known]
            self._rows[name] = "\n".join([canonical(one), *values])
            self._named_by[name] = _named(self._rows[name]) & self._sources
        return self._rows[name]

    def _closure(self, names: set[str]) -> set[str]:
        """Return classes with all that they lead to."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                self._row(one)
                waiting += self._named_by[one]
        return found


def digest(parts: Iterable[str]) -> str:
    """Return the digest of texts."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: object) -> str:
    """Return a text that equal values of the IR share in every process: sets print in the order of hashes."""
    text = repr(value)
    return text if "frozenset({" not in text else _ordered(value)


def _ordered(value: object) -> str:
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_ordered, value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_ordered, value))})"
    if is_dataclass(value):
        inner = (f"{one.name}={_ordered(getattr(value, one.name))}" for one in fields(value))
        return f"{type(value).__name__}({', '.join(inner)})"
    return repr(value)


def _named(text: str) -> set[str]:
    return set(_NAME.findall(text))
