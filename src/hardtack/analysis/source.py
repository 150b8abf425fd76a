"""Source files to mypy's typed trees. Runs nothing of what it reads.

Owns the run of mypy as a library, and what mypy says of errors. mypy's
own cache serves the standard library and installed packages; the modules that are analysed are always
checked anew, since a module from the cache has no tree.
"""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import mypy
from mypy import build
from mypy import nodes as mn
from mypy.errors import CompileError
from mypy.main import process_options
from mypy.modulefinder import BuildSource
from mypy.modules_state import modules_state
from mypy.plugin import Plugin, ReportConfigContext
from mypy.types import instance_cache
from mypy.typestate import reset_global_state
from mypy.version import __version__ as mypy_version

import hardtack
from hardtack.analysis.results import Finding
from hardtack.analysis.syntax import Syntax
from hardtack.analysis.targets import (
    Target,
    Unreadable,
    analysed_folder,
    find_configuration,
    is_installed,
    root_of,
)
from hardtack.disk_cache import DiskCache, default_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy.nodes import Expression, MypyFile
    from mypy.options import Options
    from mypy.types import Type

_INNER = ("hardtack.analysis", "hardtack.wasm")
# Left out where no module names them, for they import half of the standard library.
_SELDOM = ("hardtack.heap", "hardtack.kernel", "hardtack.runtime")
_NEEDS_NO_MORE = ("hardtack.annotations", "hardtack.analysis.bounds", "hardtack.units")
# A first guess by text, which spares a second run of mypy; `_asks_for_more` decides.
_USED = re.compile(r"import hardtack\b|hardtack\.(heap|kernel|runtime)\b|from hardtack import .*[A-Z]")


@dataclass
class Sources:
    """Modules with mypy's trees and types, and their own text.

    Attributes:
        modules: mypy's trees of the modules that are analysed, by full name.
        types: what mypy found of each expression.
        everything: mypy's trees of all modules, those from its cache without bodies.
        errors: what mypy reports.
        folders: where modules were looked for, besides where Python looks.
    """

    modules: dict[str, MypyFile]
    types: dict[Expression, Type]
    everything: dict[str, MypyFile]
    errors: list[Finding] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    _syntax: dict[str, Syntax] = field(default_factory=dict)

    def files(self) -> list[str]:
        """Return the files that were read, without mypy's own."""
        own = os.path.dirname(os.path.abspath(mypy.__file__)) + os.sep
        paths = {os.path.abspath(tree.path) for tree in self.everything.values() if tree.path}
        return sorted(path for path in paths if not path.startswith(own))

    def syntax(self, module: str) -> Syntax:
        """Return a module's text, its `ast` and its code objects."""
        if module not in self._syntax:
            self._syntax[module] = Syntax.read(Path(self.everything[module].path))
        return self._syntax[module]


class _Anew(Plugin):
    """Has mypy check the analysed modules anew, whatever its cache holds."""

    def __init__(self, options: Options, roots: tuple[Path, ...]) -> None:
        super().__init__(options)
        self._files = frozenset(map(str, roots))  # of what is installed, a module may be a file by itself
        self._roots = tuple(f"{root}{os.sep}" for root in roots)
        self._run = os.urandom(8).hex()

    def report_config_data(self, ctx: ReportConfigContext) -> str | None:
        path = os.path.abspath(ctx.path)
        return self._run if path in self._files or path.startswith(self._roots) else None


@dataclass(frozen=True)
class MypyRun:
    """How mypy is run.

    Attributes:
        config: mypy's configuration; by default the nearest to the first target, upward.
        cache: mypy's cache directory; by default beside our own, and none where that cannot be written.
    """

    config: Path | None = None
    cache: Path = field(default_factory=lambda: _cache())

    def options(self, beside: Path) -> Options:
        """Return the user's own configuration, with what the analysis needs on top."""
        config = self.config or find_configuration(beside)
        arguments = ["--cache-dir", str(self.cache), "--config-file", str(config or "")]
        with redirect_stderr(io.StringIO()):  # mypy remarks on options that it does not know
            _, options = process_options(arguments, require_targets=False)
        options.export_types = options.preserve_asts = options.check_untyped_defs = True
        options.incremental = True
        options.python_version = sys.version_info[:2]
        options.platform = sys.platform
        options.plugins = []  # they are code of the user's, which is not run
        options.always_true = options.always_false = []  # what mypy would not look at may run
        for section in options.per_module_options.values():
            for name in ("always_true", "always_false", "check_untyped_defs"):
                section.pop(name, None)
        options.show_column_numbers = options.hide_error_codes = options.show_absolute_path = True
        options.show_error_context = options.show_error_end = options.pretty = options.error_summary = False
        options.mypyc = False
        options.num_workers = 0
        options.output = None
        return options


def _cache() -> Path:
    found = DiskCache(default_directory("mypy"), "").directory
    usable = found is not None and os.access(found, os.W_OK | os.X_OK)
    return found if found is not None and usable else Path(os.devnull)  # which mypy takes for no cache


def check(targets: Sequence[Target], run: MypyRun | None = None, *, cached: bool = True) -> Sources:
    """Run mypy over the targets' modules and what they import; without its cache unless `cached`.

    Raises:
        Unreadable: mypy cannot go on, as on a syntax error, or fails itself.
    """
    one_each = list({target.module: target for target in targets}.values())
    packages = tuple({analysed_folder(target): None for target in one_each})
    inside = {target.module.partition(".")[0] for target in one_each}
    inside |= {path.stem for folder in packages for path in _modules_of(folder)}
    roots = [str(root) for target in one_each if not is_installed(root := root_of(target))]
    paths = {target.module: BuildSource(str(target.path), target.module, None) for target in one_each}

    def built(left_out: Sequence[str]) -> tuple[Options, build.BuildResult]:
        options = (run or MypyRun()).options(targets[0].path)
        if not cached:
            options.cache_dir = os.devnull
        options.mypy_path = [*dict.fromkeys([*roots, *options.mypy_path])]
        _pass_over_others(options, packages, inside, left_out)
        try:
            return options, _build(list(paths.values()), options, _Anew(options, packages))
        except _MypyFailedError:  # perhaps on a cache that is broken, or that another process is writing
            let_go()
            options.cache_dir = os.devnull
            return options, _build(list(paths.values()), options, _Anew(options, packages))

    whole = "hardtack" in inside or any(_USED.search(_text(target.path)) for target in one_each)
    left_out = () if whole else _SELDOM
    options, result = built(left_out)
    if left_out and any(_asks_for_more(name, state) for name, state in result.graph.items()):
        let_go()
        options, result = built(())
    for name, tree in result.files.items():  # one from mypy's cache may tell where another folder had it
        tree.path = result.graph[name].path or tree.path
    below = tuple(f"{package}{os.sep}" for package in packages)
    modules = {
        name: tree
        for name, tree in result.files.items()
        if options.clone_for_module(name).preserve_asts  # else its functions have no bodies
        and (name in paths or (tree.path.endswith(".py") and os.path.abspath(tree.path).startswith(below)))
    }
    errors = [_finding(line) for line in result.errors if line]
    return Sources(modules, result.types, result.files, errors, options.mypy_path)


class _MypyFailedError(Unreadable):
    """Mypy itself has failed."""


def _build(modules: list[BuildSource], options: Options, plugin: Plugin) -> build.BuildResult:
    """Run mypy; where it fails itself, it prints what it did, and ends the process."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            return build.build(modules, options, extra_plugins=[plugin], stdout=printed, stderr=printed)
    except CompileError as error:
        raise Unreadable("; ".join(error.messages)) from error
    except (SystemExit, Exception) as error:
        said = [line for line in printed.getvalue().splitlines() if "INTERNAL ERROR" in line]
        what = said[0] if said else f"{type(error).__name__}: {error}"
        raise _MypyFailedError(f"mypy {mypy_version} fails on what this imports: {what}") from error


def let_go() -> None:
    """Have mypy forget the last run, whose trees it keeps; none of them may be used any more."""
    modules_state.modules = {}
    modules_state.node_fixer = None
    instance_cache.reset()
    reset_global_state()


def _pass_over_others(
    options: Options, analysed: Sequence[Path], inside: set[str], left_out: Sequence[str]
) -> None:
    """Have mypy drop the bodies of functions that are not analysed, and what it would say of them.

    It does so by itself unless trees are kept; to read and check them takes more than all the rest. What is
    wanted is told by its name: a package that is analysed may be installed as well, elsewhere. Of hardtack
    itself analysed programs use types and annotations; what its own analyser and engine import is not looked
    for, nor what else is left out.
    """
    folders = [folder for entry in sys.path if (folder := Path(entry).resolve()) not in analysed]
    found = {path.stem for folder in folders if folder.is_dir() for path in folder.iterdir()}
    for name in sorted(found - inside):
        section = options.per_module_options.setdefault(f"{name}.*", {})
        section.update(preserve_asts=False, ignore_errors=True)
    for name in (*_INNER, *left_out) if "hardtack" not in inside else ():
        options.per_module_options.setdefault(f"{name}.*", {})["follow_imports"] = "skip"


def _asks_for_more(name: str, state: build.State) -> bool:
    """Tell whether a module may name what is in a package of hardtack that was left out."""
    if name.partition(".")[0] == "hardtack":
        return False
    if state.tree is None or not state.tree.defs:  # from mypy's cache, which tells no more than modules
        return any(one.partition(".")[0] == "hardtack" for one in (*state.dependencies, *state.suppressed))
    return any(map(_imports_more, state.tree.imports))


def _imports_more(statement: mn.ImportBase) -> bool:
    match statement:
        case mn.Import():
            return any(name.partition(".")[0] == "hardtack" for name, _ in statement.ids)
        case mn.ImportFrom(id="hardtack"):
            homes = [hardtack._HOMES.get(name, "") for name, _ in statement.names]
            return not all(home.startswith(_NEEDS_NO_MORE) for home in homes)
        case mn.ImportFrom() | mn.ImportAll():
            own = statement.id.partition(".")[0] == "hardtack"
            return own and not statement.id.startswith(_NEEDS_NO_MORE)
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):  # which mypy will say
        return ""


def _modules_of(folder: Path) -> Iterator[Path]:
    """Iterate over what is imported from a folder of analysed modules; a module may be one by itself."""
    return folder.iterdir() if folder.is_dir() and not (folder / "__init__.py").is_file() else iter((folder,))


def _finding(line: str) -> Finding:
    """Return one of mypy's messages: `file:line:column: severity: message`."""
    place, _, message = line.partition(": ")
    file, number, column = [*place.rsplit(":", 2), "0", "0"][:3]
    if not number.isdigit():
        file, number, column = place, "0", "0"
    severity, _, text = message.partition(": ")
    return Finding(severity, file, int(number), max(0, int(column) - 1), text, "correct what mypy reports")
