"""Digests of functions: each changes when anything changes that the function's IR, by itself, depends on.

That is its IR with all places and types, the constants that it reads, the classes that it names with all that
they name, and the version of Python. Not the functions that it calls: a summary's key combines theirs.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardtack.analysis import ir

_NAME = re.compile(r"'([^'\s]+)'")


def add_digests(program: ir.Program) -> None:
    """Give every function of a program its digest."""
    rows = {name: _row(one, program) for name, one in program.classes.items() if one.in_sources}
    named = {name: _named(text) & rows.keys() for name, text in rows.items()}
    for name, function in program.functions.items():
        text = repr(replace(function, digest=""))
        names = _named(text)
        classes = _closure(names & rows.keys(), named)
        constants = sorted(names & program.constants.keys())
        parts = [repr(sys.version_info[:2]), text]
        parts += [f"{one} = {program.constants[one]!r}" for one in constants]
        parts += [rows[one] for one in sorted(classes)]
        digest = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        program.functions[name] = replace(function, digest=digest)


def _row(one: ir.Class, program: ir.Program) -> str:
    """Return all that is known of a class, the values of its constants too."""
    names = (f"{base}.{name}" for base in one.lineage for name, _ in one.class_variables)
    values = [f"{name} = {program.constants[name]!r}" for name in names if name in program.constants]
    return "\n".join([repr(one), *values])


def _named(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _closure(names: set[str], named: dict[str, set[str]]) -> set[str]:
    """Return names with all that they lead to."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += named[one]
    return found
