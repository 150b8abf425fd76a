"""Targets: what text names a function, and where its source is. Knows no mypy, imports nothing it finds."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FORM = "package.module:function"
_MOST = 20  # names that an error lists
_CONFIGURATIONS = (
    ("mypy.ini", "[mypy]"),
    (".mypy.ini", "[mypy]"),
    ("pyproject.toml", "[tool.mypy]"),
    ("setup.cfg", "[mypy]"),
)


class TargetError(HardtackError, ValueError):
    """A target names nothing that can be analysed."""


class Unreadable(TargetError):
    """A target's module has no types: mypy cannot read it, or fails itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function or method to analyse: its module, the module's file, and its name in the module."""

    module: str
    path: Path
    name: str


def parse_target(text: str, roots: Sequence[Path] = ()) -> Target:
    """Return what `pkg.module:function`, `pkg.module:Class.method` or `path/file.py:function` names.

    Args:
        text: the target.
        roots: directories to look for modules in; by default the current one, its `src`, and sys.path.

    Raises:
        TargetError: the text has no such form, or there is no such file.
    """
    if not isinstance(text, str):
        raise TargetError(f"a target is a text such as {_FORM!r}, not {text!r}")
    where, colon, name = text.rpartition(":")
    if not colon and text:
        raise TargetError(_without_name(text, roots))
    if not where or not name:
        raise TargetError(f"{text!r} is not of the form {_FORM} or file.py:function")
    if where.endswith(".py"):
        path = Path(where).resolve()
        if not path.is_file():
            raise TargetError(f"there is no file {where}: {path} was looked for")
        return Target(_module_name(path), path, name)
    found = find_module(where, roots)
    if found is None:
        looked = ", ".join(dict.fromkeys(map(str, roots or _roots())))
        raise TargetError(f"there is no Python source of a module {where}; looked for in {looked}")
    return Target(where, found.resolve(), name)


def lasting_names(texts: Iterable[str]) -> list[str]:
    """Return the names by which a later command in the same directory finds targets again.

    Those of their modules, if they are imported from here; else a file stays in its target's name.
    """
    places: dict[str, str] = {}  # each is looked for once
    found = []
    for text in texts:
        where, _, name = text.rpartition(":")
        if where.endswith(".py") and where not in places:
            places[where] = _lasting_place(where)
        found.append(f"{places[where]}:{name}" if where in places else text)
    return found


def _lasting_place(where: str) -> str:
    path = Path(where).resolve()
    module = _module_name(path)
    found = find_module(module)
    return module if found is not None and found.resolve() == path else os.path.normpath(where)


def _without_name(text: str, roots: Sequence[Path]) -> str:
    """Say what a text lacks that names a module or file alone, or nothing."""
    path: Path | None = Path(text)
    if not text.endswith(".py"):
        path = find_module(text, roots)
    if path is None or not path.is_file():
        return f"{text!r} is not of the form {_FORM} or file.py:function"
    names = [name for name, is_class in defined_in(path).items() if not is_class]
    listed = f"; it has {_listed(text, names)}" if names else "; it defines none"
    return f"{text!r} is not of the form {_FORM}: it names no function{listed}"


def _listed(where: str, names: Sequence[str]) -> str:
    found = ", ".join(f"{where}:{name}" for name in names[:_MOST])
    return found if len(names) <= _MOST else f"{found} and {len(names) - _MOST} more"


def missing(target: Target) -> str:
    """Say why a target's name is none of a function of its module."""
    names = defined_in(target.path)
    if names.get(target.name):
        inside = [one for one in names if one.startswith(f"{target.name}.") and not names[one]]
        methods = f"name a method: {_listed(target.module, inside)}" if inside else "it defines no methods"
        return f"{target.module}:{target.name} is a class; {methods}"
    last = target.name.rpartition(".")[2]
    known = [name for name, is_class in names.items() if not is_class]
    near = [name for name in known if name.rpartition(".")[2] == last]
    near = near or get_close_matches(target.name, known, 3)
    hint = f"; it defines {_listed(target.module, near)}" if near else ""
    return f"{target.path} defines no function {target.name}{hint}"


def defined_in(path: Path) -> dict[str, bool]:
    """Return the names of the functions and classes that a file defines, and whether each is a class.

    Inner functions are not among them. Of a file that Python cannot read, there are none.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    return dict(_defined(tree, ""))


def _defined(node: ast.AST, prefix: str) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{child.name}", False
        elif isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", True
            yield from _defined(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _defined(child, prefix)


def find_module(name: str, roots: Sequence[Path] = ()) -> Path | None:
    """Return the file of a module, found by its path: nothing is imported."""
    parts = name.split(".")
    for root in roots or _roots():
        base = root.joinpath(*parts)
        for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
            if candidate.is_file():
                return candidate
    return None


def _roots() -> list[Path]:
    here = Path.cwd()
    return [here, here / "src", *(Path(entry or ".") for entry in sys.path)]


def _module_name(path: Path) -> str:
    parts = [] if path.stem == "__init__" else [path.stem]
    parent = path.parent
    while (parent / "__init__.py").is_file():
        parts.insert(0, parent.name)
        parent = parent.parent
    return ".".join(parts)


def root_of(target: Target) -> Path:
    """Return the folder that a target's module is imported from."""
    levels = len(target.module.split(".")) - (target.path.stem != "__init__")
    return target.path.parents[levels]


def analysed_folder(target: Target) -> Path:
    """Return the folder whose modules are analysed: the project's, but of what is installed one package."""
    root = root_of(target)
    if not is_installed(root):
        return root
    return root / target.module.split(".")[0] if "." in target.module else target.path


def is_installed(root: Path) -> bool:
    """Return whether a folder holds what is installed, rather than a project."""
    return root.name in {"site-packages", "dist-packages"} or root == Path(os.__file__).resolve().parent


def find_configuration(beside: Path) -> Path | None:
    """Return the mypy configuration of the project that a file belongs to."""
    for folder in beside.parents:
        for name, mark in _CONFIGURATIONS:
            path = folder / name
            if path.is_file() and mark in path.read_text(encoding="utf-8"):
                return path
    return None
