"""Whether a call is the one that was analysed: its arguments' classes, and where its functions are.

`Analysed.for_call` asks before it gives a number: what a subclass or a patch does, no bound is told of.
What is looked at are the arguments themselves, and the functions by their names; not what arguments lead to.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property, lru_cache
from inspect import signature
from re import Pattern
from struct import Struct
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from hardtack.analysis import ir
from hardtack.analysis.parameters import KINDS, PATHS
from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Taken = tuple[tuple[str, tuple[str, ...]], ...]  # the classes that a parameter takes; none for any
Placed = tuple[tuple[str, str, int], ...]  # functions: full name, file, line

_SCALARS = {
    "builtins.int": ("builtins.int", "builtins.bool"),
    "builtins.bool": ("builtins.bool",),
    "builtins.float": ("builtins.float", "builtins.int", "builtins.bool"),
    "builtins.complex": ("builtins.complex", "builtins.float", "builtins.int", "builtins.bool"),
    "builtins.None": ("builtins.NoneType",),
}


class NotAsAnalysed(HardtackError, ValueError):
    """A call runs other code than what was analysed."""


# -- what is known when the analysis is done
def classes_taken(program: ir.Program, type_: ir.Type) -> tuple[str, ...]:
    """Return the classes whose instances a declared type takes, as far as they are known; none for any."""
    match type_:
        case ir.Union(items):
            found = [classes_taken(program, item) for item in items]
            return () if not all(found) else tuple(dict.fromkeys(name for one in found for name in one))
        case ir.Literally(type=inner):
            return classes_taken(program, inner)
        case ir.TupleOf():
            return ("builtins.tuple",)
        case ir.Instance(name=name) if name in _SCALARS:
            return _SCALARS[name]
        case ir.Instance(name=name) if name in KINDS:
            return (name,)
        case ir.Instance(name=name) if name in PATHS:  # a class below may have other methods
            pure = ("pathlib.PurePosixPath",) if name.startswith("pathlib.Pure") else ()
            return ("pathlib.PosixPath", *pure)
        case ir.Instance(name=name):
            known = program.classes.get(name)
            if known is not None and known.in_sources and not known.is_protocol:
                return (name, *known.subclasses)
    return ()


def placed(program: ir.Program, names: Iterable[str]) -> Placed:
    """Return where functions of the sources stand; those inside others are made anew by each call."""
    found = []
    for name in names:
        function = program.functions.get(name) if "<" not in name else None
        if function is not None:
            bare = name.partition("~")[0]  # what mypy made of it for one value of its type variables
            found.append((bare, function.place.file, function.place.line))
    return tuple(found)


# -- what is asked before each call
def check_arguments(entry: str, taken: Taken, given: Mapping[str, object]) -> None:
    """Compare arguments' classes with those that were analysed.

    Raises:
        NotAsAnalysed: one is of another class, or has an attribute in the place of a method or a pattern.
    """
    for name, classes in taken:
        if name not in given or not classes:
            continue
        value = given[name]
        kind = type(value)
        if not _is_one_of(kind, classes):
            raise NotAsAnalysed(
                f"{name} is a {kind.__qualname__}, and {entry} was analysed for {', '.join(classes)} only"
            )
        for attribute in getattr(value, "__dict__", ()):
            if isinstance(getattr(kind, attribute, None), (FunctionType, Pattern, Struct)):
                raise NotAsAnalysed(
                    f"{name}.{attribute} stands in the place of a method or pattern that was analysed"
                )


def _is_one_of(kind: type, classes: tuple[str, ...]) -> bool:
    if kind.__module__ in {"builtins", "collections"}:
        return f"{kind.__module__}.{kind.__qualname__}" in classes
    # a file may be imported under another name than it was analysed under
    return any(one.endswith(f".{kind.__qualname__}") for one in classes)


def check_functions(entry: str, functions: Placed) -> None:
    """Compare the functions that stand at some names now with those that were analysed.

    Raises:
        NotAsAnalysed: another one stands there.
    """
    for name, file, line in functions:
        module, path = _module_of(name, file)
        if module is not None and not _stands_there(module, path, file, line):
            raise NotAsAnalysed(f"{name} is not what was analysed for {entry}: {file}:{line}")


def _module_of(name: str, file: str) -> tuple[ModuleType | None, list[str]]:
    """Return the module of a function, if it is imported, and the names that lead from there to it."""
    parts = name.partition("@")[0].split(".")  # `name@line` is a property's setter
    for end in range(len(parts) - 1, 0, -1):
        for module_name in (".".join(parts[:end]), "__main__"):
            module = sys.modules.get(module_name)
            if isinstance(module, ModuleType) and _same(getattr(module, "__file__", None), file):
                return module, parts[end:]
    return None, []


def _same(one: str | None, other: str) -> bool:
    return one is not None and (one == other or _real(os.path.abspath(one)) == _real(os.path.abspath(other)))


# It looks at each directory on the way, and `for_call` asks at each call of a service.
_real = lru_cache(maxsize=4096)(os.path.realpath)


def defaults(entry: str, functions: Placed) -> dict[str, object]:
    """Return what an entry that is imported takes for arguments that are left out, as it is now."""
    name = entry.replace(":", ".")
    for one, file, line in functions:
        module, path = _module_of(one, file) if one == name else (None, [])
        if module is not None:
            for function in _standing_there(module, path, file, line):
                given = signature(function, follow_wrapped=False).parameters.values()
                return {one.name: one.default for one in given if one.default is not one.empty}
    return {}


def _stands_there(module: ModuleType, path: list[str], file: str, line: int) -> bool:
    return any(True for _ in _standing_there(module, path, file, line))


def _standing_there(module: ModuleType, path: list[str], file: str, line: int) -> Iterator[FunctionType]:
    found: object = module
    for part in path:
        missing = object()
        found = getattr(found, "__dict__", {}).get(part, missing)
        if found is missing:
            return
    yield from (one for one in _functions(found) if _is_at(one.__code__, path[-1], file, line))


def _functions(found: object) -> Iterator[FunctionType]:
    """Return a function, or those in a property, a method's descriptor or a wrapper."""
    todo = [found]
    while todo:
        one = todo.pop()
        if isinstance(one, property):
            todo += [one.fget, one.fset, one.fdel]
            continue
        if isinstance(one, cached_property):
            todo.append(one.func)
            continue
        inner = getattr(one, "__wrapped__", None) or getattr(one, "__func__", None)
        if inner is not None:
            todo.append(inner)
        elif isinstance(one, FunctionType):
            yield one


def _is_at(code: CodeType, name: str, file: str, line: int) -> bool:
    if code.co_filename.startswith("<"):
        return name.startswith("__")  # what dataclass generates
    if code.co_name != name or code.co_firstlineno > line or not _same(code.co_filename, file):
        return False
    return any((number or 0) >= line for _, _, number in code.co_lines())
