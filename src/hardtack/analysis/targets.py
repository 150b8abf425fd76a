"""Targets: what text names a function, and where its source is. Knows no mypy, imports nothing it finds."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONFIGURATIONS = (
    ("mypy.ini", "[mypy]"),
    (".mypy.ini", "[mypy]"),
    ("pyproject.toml", "[tool.mypy]"),
    ("setup.cfg", "[mypy]"),
)


class TargetError(HardtackError, ValueError):
    """A target names nothing that can be analysed."""


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
    where, colon, name = text.rpartition(":")
    if not colon or not where or not name:
        raise TargetError(f"{text!r} is not of the form module:function or file.py:function")
    if where.endswith(".py"):
        path = Path(where).resolve()
        if not path.is_file():
            raise TargetError(f"there is no file {where}")
        return Target(_module_name(path), path, name)
    found = find_module(where, roots)
    if found is None:
        raise TargetError(f"there is no Python source of a module {where}")
    return Target(where, found.resolve(), name)


def find_module(name: str, roots: Sequence[Path] = ()) -> Path | None:
    """Return the file of a module, found by its path: nothing is imported."""
    here = Path.cwd()
    parts = name.split(".")
    for root in roots or (here, here / "src", *(Path(entry or ".") for entry in sys.path)):
        base = root.joinpath(*parts)
        for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
            if candidate.is_file():
                return candidate
    return None


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
