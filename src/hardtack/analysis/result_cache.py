"""Bounds on disk, so that what has not changed is not analysed again.

Three keys, from the cheapest:

1. A *run* is what the analyser is asked for: its own version, Python's and mypy's, the files of models, where
   modules are looked for, and the targets' modules. Its file lists all source files that mypy read in it.
2. The *sources* are what is in these files, the names in the directories that modules were looked for in,
   and mypy's configuration. If they are the same, an entry's bound is: nothing is even parsed.
3. The *reads* of an entry are the functions, classes and variables that its analysis asked for. If their
   digest is the same in the new program, the bound is, though other things changed. Digests cover places, so
   what is told of lines stays right.

Files are JSON behind a checksum; one that is torn or from elsewhere counts as missing. Nothing in them runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hardtack import symbolic
from hardtack.analysis import reads, results_json
from hardtack.analysis.digests import digest
from hardtack.analysis.targets import find_configuration
from hardtack.disk_cache import DiskCache, default_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardtack.analysis import ir
    from hardtack.analysis.results import Analysed
    from hardtack.analysis.targets import Target

MAX_BYTES: Final = 64 << 20  # of the directory
SUFFIX: Final = ".json"
CLOCK_NS = 20_000_000  # the clock that stamps files ticks less often than the one that is asked


class ResultCache:
    """The bounds of one run.

    Args:
        targets: all that are loaded together: what one brings in may be a subclass to another.
        models: the user's files of models.
        assume: whether findings are passed over.
        directory: where the cache is.

    Attributes:
        run: the digest of what the analyser is asked for.
        held: of bounds that were found in older sources and hold in these: what they rest on.

    Raises:
        OSError: a file of models cannot be read.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        models: Sequence[Path],
        *,
        assume: bool,
        directory: Path | None = None,
    ) -> None:
        self._disk = DiskCache(directory or default_directory("bounds"), SUFFIX)
        self._beside = targets[0].path
        modules = sorted({(target.module, str(target.path)) for target in targets})
        where = (os.getcwd(), *sys.path, os.environ.get("MYPYPATH"))
        settings = [(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in models]
        self.run = digest(map(repr, (_versions(), modules, where, settings, assume)))
        self._started = time.time_ns()
        self._sources: str | None = None
        self._entries: dict[Target, dict[str, Any] | None] = {}
        self.held: dict[str, str] = {}

    def unchanged(self, target: Target) -> Analysed | None:
        """Return a target's bound if no source file changed since it was found."""
        known = self._entry(target)
        if known is None or self._sources_before is None:
            return None
        held = self._held_before.get(self._name(target)) == known["reads"]
        return _decoded(known) if held or known["sources"] == self._sources_before else None

    @cached_property
    def _sources_before(self) -> str | None:
        """The digest of the sources as they are now, of the files that an earlier run read."""
        known = self._read(self.run)
        return self._digest(known["files"], known["folders"]) if isinstance(known, dict) else None

    @cached_property
    def _held_before(self) -> dict[str, str]:
        """What `held` was when an earlier run had the sources as they are now."""
        known = self._read(digest([self.run, "held"]))
        if not isinstance(known, dict) or known.get("sources") != self._sources_before:
            return {}
        return dict(known["held"])

    def loaded(self, files: Iterable[str], folders: Iterable[str]) -> None:
        """Note which files a run read, and where it looked for more.

        If a file changed in the meantime nothing of the run is kept.
        """
        every, around = sorted(files), sorted({*folders, *_folders_of(files)})
        if not any(_changed_since(path, self._started) for path in every):
            self._sources = self._digest(every, around)
            self._write(self.run, {"files": every, "folders": around})

    def holds(self, target: Target, program: ir.Program) -> bool:
        """Tell whether there is a bound of a target, and nothing changed that its analysis read."""
        known = self._entry(target)
        return known is not None and reads.digest_of(program, known["names"]) == known["reads"]

    def kept(self, target: Target) -> Analysed | None:
        """Return a target's bound, which holds."""
        known = self._entry(target)
        bound = None if known is None else _decoded(known)
        if known is not None and bound is not None:
            self.held[self._name(target)] = known["reads"]
        return bound

    def keep_held(self) -> None:
        """Keep which bounds hold in these sources, those that an earlier run in them told aside."""
        if self.held and self._sources is not None:
            before = self._held_before if self._sources == self._sources_before else {}
            self._write(
                digest([self.run, "held"]), {"sources": self._sources, "held": {**before, **self.held}}
            )

    def keep(self, target: Target, bound: Analysed, program: ir.Program, names: reads.Names) -> None:
        """Keep a target's bound; not where the analyser failed: that may depend on how deep the stack is."""
        if self._sources is None or any(one.kind == "internal" for one in bound.findings):
            return
        encoded = results_json.encode(bound)
        kept = {
            "sources": self._sources,
            "reads": reads.digest_of(program, names),
            "names": names,
            "bound": encoded,
        }
        if _decoded(kept) == bound:  # a default may be what has no text
            self._write(self._name(target), kept)

    # -- files
    def _name(self, target: Target) -> str:
        return digest([self.run, target.module, target.name])

    def _entry(self, target: Target) -> dict[str, Any] | None:
        """Return what is kept of a target, which is read once."""
        if target not in self._entries:
            known = self._read(self._name(target))
            whole = isinstance(known, dict) and known.keys() >= {"sources", "reads", "names"}
            self._entries[target] = known if whole else None  # type: ignore[assignment]
        return self._entries[target]

    def _read(self, name: str) -> object:
        text = self._disk.read_checked(name)
        try:
            found: object = None if text is None else json.loads(text)
        except ValueError:  # whole, but of something else
            return None
        return found

    def _write(self, name: str, value: object) -> None:
        self._disk.write_checked(name, json.dumps(value).encode(), MAX_BYTES)

    # -- sources
    def _digest(self, files: Iterable[str], folders: Iterable[str]) -> str:
        configuration = find_configuration(self._beside)
        parts = [f"{path} {_content(path)}" for path in (*files, str(configuration))]
        parts += [f"{folder} {_modules_in(folder)}" for folder in folders]
        return digest(parts)


def _decoded(known: dict[str, Any]) -> Analysed | None:
    try:
        return results_json.decode(known["bound"])
    except (KeyError, TypeError, ValueError, SyntaxError):
        return None


@cache
def _versions() -> tuple[str, ...]:
    """Return what of the analyser's own, Python and mypy a bound depends on."""
    own = hashlib.sha256()
    for package in (Path(__file__).parent, Path(symbolic.__file__).parent):
        for path in sorted(package.rglob("*")):
            if path.suffix in {".py", ".toml"}:
                own.update(f"{path.relative_to(package.parent)}\n".encode() + path.read_bytes())
    return (own.hexdigest(), sys.version, sys.platform, _mypy())


def _mypy() -> str:
    """Return which mypy is installed: its version and folder, which take less to read than its metadata."""
    found = find_spec("mypy")
    if found is None or found.origin is None:
        return ""
    return f"{found.origin} {_content(os.path.join(os.path.dirname(found.origin), 'version.py'))}"


def _content(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _folders_of(files: Iterable[str]) -> set[str]:
    """Return where a module may appear that changes what the modules of some files import."""
    beside = {os.path.dirname(path) for path in files}
    return beside | {os.path.dirname(path) for path in beside} | {path or "." for path in sys.path}


def _modules_in(folder: str) -> list[str]:
    """Return the names in a folder that decide what an import finds."""
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in entries if _may_be_module(one))
    except OSError:
        return []


def _may_be_module(one: os.DirEntry[str]) -> bool:
    name = one.name
    if name.endswith((".py", ".pyi", ".pth")) or name == "py.typed":
        return True
    return "." not in name and name != "__pycache__" and one.is_dir()


def _changed_since(path: str, moment: int) -> bool:
    try:
        status = os.stat(path)
        return max(status.st_mtime_ns, status.st_ctime_ns) > moment - CLOCK_NS
    except OSError:
        return True
