"""`hardtack.bound`: the analyser's face to Python programs and to the command line."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardtack.analysis.results import Analysed


def bound(target: str, *, models: Sequence[Path | str] = (), assume: bool = False) -> Analysed:
    """Return the most memory that a call can hold, from its source; nothing of it is run.

    Args:
        target: `package.module:function`, `package.module:Class.method` or `path/file.py:function`.
        models: files that say what your own opaque functions allocate, besides those that the nearest
            pyproject.toml names under `[tool.hardtack] models`.
        assume: give a number in spite of findings; the bound then says that it is assumed.

    Raises:
        HardtackError: the target names nothing, or mypy is not installed (`pip install 'hardtack[analysis]'`).

    Example:
        >>> found = bound("hardtack.units:format_bytes")
        >>> found.peak is None, found.findings[0].kind
        (True, 'no-model')
    """
    return bounds([target], models=models, assume=assume)[0]


def bounds(
    targets: Sequence[str],
    *,
    models: Sequence[Path | str] = (),
    assume: bool = False,
    progress: Callable[[str], None] = lambda what: None,
) -> list[Analysed]:
    """Return the bounds of several targets, which are loaded together; see `bound`.

    Args:
        targets: each as `bound` takes it.
        models: as `bound` takes them.
        assume: as `bound` takes it.
        progress: told in a few words what is done next.

    Raises:
        HardtackError: a target names nothing, or mypy is not installed.
    """
    try:
        from hardtack.analysis.loading import load
        from hardtack.analysis.targets import parse_target
    except ModuleNotFoundError as error:
        raise HardtackError(
            f"the analyser reads types with mypy, and {error.name} is not installed: "
            "pip install 'hardtack[analysis]'"
        ) from error
    from hardtack.analysis.entry import analyse
    from hardtack.analysis.models import load_models

    known = load_models([*configured_models(Path.cwd()), *map(Path, models)])
    progress("reading the sources and their types")
    program, entries, _ = load(targets)
    found = []
    for target, entry in zip(map(parse_target, targets), entries, strict=True):
        progress(f"analysing {entry}")
        analysed = analyse(program, entry, known, assume=assume)
        found.append(replace(analysed, entry=f"{target.module}:{target.name}"))
    return found


def configured_models(start: Path) -> Iterator[Path]:
    """Return the files of models that the nearest pyproject.toml names, from a directory upwards.

    Raises:
        HardtackError: the setting is no list of texts.
    """
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            settings = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("hardtack", {})
        except tomllib.TOMLDecodeError as error:
            raise HardtackError(f"{file}: {error}") from error
        names = settings.get("models", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise HardtackError(f"{file}: [tool.hardtack] models is no list of files")
        yield from (folder / name for name in names)
        return
