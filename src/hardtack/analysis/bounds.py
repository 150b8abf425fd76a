"""`hardtack.bound`: the analyser's face to Python programs and to the command line."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardtack.analysis.result_cache import ResultCache
    from hardtack.analysis.results import Analysed
    from hardtack.analysis.targets import Target


def bound(target: str, *, models: Sequence[Path | str] = (), assume: bool = False) -> Analysed:
    """Return the most memory that a call can hold, from its source; nothing of it is run.

    Args:
        target: `package.module:function`, `package.module:Class.method` or `path/file.py:function`.
        models: files that say what your own opaque functions allocate, besides those that the nearest
            pyproject.toml names under `[tool.hardtack] models`.
        assume: give a number in spite of findings; the bound then says that it is assumed.

    Raises:
        HardtackError: the target names nothing, or mypy is missing (`pip install 'hardtack[analysis]'`).

    Example:
        >>> bound("hardtack.units:format_bytes").entry
        'hardtack.units:format_bytes'
    """
    return bounds([target], models=models, assume=assume)[0]


def bounds(
    targets: Sequence[str],
    *,
    models: Sequence[Path | str] = (),
    assume: bool = False,
    cache: bool = True,
    progress: Callable[[str], None] = lambda what: None,
) -> list[Analysed]:
    """Return the bounds of several targets, which are loaded together; see `bound`.

    Args:
        targets: each as `bound` takes it.
        models: as `bound` takes them.
        assume: as `bound` takes it.
        cache: take bounds that were found before, where nothing changed that they rest on, and keep new ones.
        progress: told in a few words what is done next.

    Raises:
        HardtackError: a target names nothing, or mypy is not installed.
    """
    if find_spec("mypy") is None:
        raise HardtackError(
            "the analyser reads types with mypy, which is not installed: pip install 'hardtack[analysis]'"
        )
    from hardtack.analysis.result_cache import ResultCache
    from hardtack.analysis.targets import parse_target

    wanted = [parse_target(target) for target in targets]
    files = [*configured_models(Path.cwd()), *map(Path, models)]
    kept = ResultCache(wanted, files, assume=assume) if cache else None
    found = {target: bound for target in wanted if kept and (bound := kept.unchanged(target))}
    if not all(target in found for target in wanted):
        _find(wanted, files, found, kept, assume=assume, progress=progress)
    return [found[target] for target in wanted]


def _find(
    targets: Sequence[Target],
    models: Sequence[Path],
    found: dict[Target, Analysed],
    kept: ResultCache | None,
    *,
    assume: bool,
    progress: Callable[[str], None],
) -> None:
    """Add the bounds that are not found yet."""
    from hardtack.analysis.as_analysed import placed
    from hardtack.analysis.entry import analyse
    from hardtack.analysis.loading import load_around
    from hardtack.analysis.models import load_models
    from hardtack.analysis.reads import Reader

    known = load_models(models)
    progress("reading the sources and their types")
    loaded = load_around(targets)
    if kept:
        kept.loaded(loaded.files, loaded.folders)
    for target, entry in zip(targets, loaded.entries, strict=True):
        before = found.get(target) or (kept.same(target, loaded.program) if kept else None)
        if before:
            found[target] = before
            continue
        progress(f"analysing {entry}")
        reader = Reader(loaded.program)
        analysed = analyse(reader.program, entry, known, assume=assume)
        functions = placed(loaded.program, reader.names()["functions"])
        found[target] = replace(analysed, entry=f"{target.module}:{target.name}", functions=functions)
        if kept:
            kept.keep(target, found[target], loaded.program, reader.names())


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
