"""`hardtack.bound`: the analyser's face to Python programs and to the command line."""

from __future__ import annotations

import atexit
import gc
import tomllib
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hardtack.analysis.result_cache import ResultCache
    from hardtack.analysis.results import Analysed
    from hardtack.analysis.targets import Target, TargetError

_SELDOM = 2_000_000  # objects, until cycles are looked for: an analysis leaves few of them
Answer: TypeAlias = "Analysed | TargetError"


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

    Raises:
        HardtackError: a target names nothing, or mypy is not installed.
    """
    found = []
    for answer in answers(targets, models=models, assume=assume, cache=cache, progress=progress):
        if isinstance(answer, Exception):
            raise answer
        found.append(answer)
    return found


def answers(
    targets: Sequence[str],
    *,
    models: Sequence[Path | str] = (),
    assume: bool = False,
    cache: bool = True,
    progress: Callable[[str], None] = lambda what: None,
    processes: int = 1,
    leaving: bool = False,
) -> list[Answer]:
    """Return for each target its bound, or the error that it names nothing or cannot be read.

    Args:
        targets: each as `bound` takes it.
        models: as `bound` takes them.
        assume: as `bound` takes it.
        cache: take bounds that were found before, where nothing changed that they rest on, and keep new ones.
        progress: told in a few words what is done next.
        processes: how many to fork for many targets, while there is one thread; the answers are the same.
        leaving: the process is about to end: what is left is not collected.

    Raises:
        HardtackError: mypy is not installed, or models make no sense.
    """
    if find_spec("mypy") is None:
        raise HardtackError(
            "the analyser reads types with mypy, which is not installed: pip install 'hardtack[analysis]'"
        )
    if leaving:
        gc.set_threshold(_SELDOM, *gc.get_threshold()[1:])
    from hardtack.analysis.targets import TargetError, parse_target

    if isinstance(targets, str) or isinstance(models, str):
        raise TypeError("targets and models are lists of texts, not one text")
    found: dict[str, Answer] = {}
    wanted: dict[str, Target] = {}
    places: dict[str, Target] = {}  # each is looked for once
    for text in targets:
        where, _, name = text.rpartition(":") if isinstance(text, str) else ("", "", "")
        try:
            known = places.get(where) if name else None
            wanted[text] = parse_target(text) if known is None else replace(known, name=name)
            places[where] = wanted[text]
        except TargetError as error:
            found[text] = error
    files = [*configured_models(Path.cwd()), *map(Path, models)]
    for file in files:
        if not file.is_file():
            raise HardtackError(f"there is no file of models {file}")
    if wanted:
        answered = _known(
            [*wanted.values()],
            files,
            assume=assume,
            cache=cache,
            progress=progress,
            processes=processes,
            leaving=leaving,
        )
        found.update((text, answered[target]) for text, target in wanted.items())
    return [found[text] for text in targets]


def _known(
    targets: Sequence[Target],
    models: Sequence[Path],
    *,
    assume: bool,
    cache: bool,
    progress: Callable[[str], None],
    processes: int,
    leaving: bool,
) -> dict[Target, Answer]:
    """Return the answers for targets; where one's module cannot be read, each module is loaded by itself."""
    from hardtack.analysis.result_cache import ResultCache
    from hardtack.analysis.targets import Unreadable

    kept = ResultCache(targets, models, assume=assume) if cache else None
    found: dict[Target, Answer] = {
        target: bound for target in targets if kept and (bound := kept.unchanged(target))
    }
    if all(target in found for target in targets):
        return found
    try:
        with _without_traces(leaving=leaving):
            _find(targets, models, found, kept, assume=assume, progress=progress, processes=processes)
    except Unreadable as error:
        from hardtack.analysis import source

        modules: dict[Path, list[Target]] = {}
        for target in targets:
            modules.setdefault(target.path, []).append(target)
        if len(modules) == 1:
            return dict.fromkeys(targets, error)
        found = {}
        for one in modules.values():
            source.let_go()  # the last run, where it is left to the end
            found |= _known(
                one,
                models,
                assume=assume,
                cache=cache,
                progress=progress,
                processes=processes,
                leaving=leaving,
            )
    return found


@contextmanager
def _without_traces(*, leaving: bool) -> Iterator[None]:
    """Leave the process as it was: mypy changes how often Python collects, and keeps all its trees.

    Where it ends anyway, they are left to that: to go through them takes a tenth of all the time.
    """
    from hardtack.analysis import source

    threshold = gc.get_threshold()
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        if leaving:
            atexit.register(gc.freeze)
        else:
            source.let_go()
            gc.collect()


def _find(
    targets: Sequence[Target],
    models: Sequence[Path],
    found: dict[Target, Answer],
    kept: ResultCache | None,
    *,
    assume: bool,
    progress: Callable[[str], None],
    processes: int,
) -> None:
    """Add the answers that are not found yet."""
    from hardtack.analysis.analysing import Analysing
    from hardtack.analysis.loading import check_defined, load_around
    from hardtack.analysis.models import load_models
    from hardtack.analysis.targets import TargetError

    known = load_models(models)
    progress("reading the sources and their types")
    loaded = load_around(targets)
    gc.set_threshold(_SELDOM, *gc.get_threshold()[1:])
    if kept:
        kept.loaded(loaded.files, loaded.folders)
    wanted = []
    for target, entry in zip(targets, loaded.entries, strict=True):
        if target in found:
            continue
        try:
            check_defined(target, loaded.program)
            wanted.append((target, entry))
        except TargetError as error:
            found[target] = error
    analysing = Analysing(loaded, known, kept, assume=assume)
    found.update(analysing.answers(wanted, progress, processes))


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
