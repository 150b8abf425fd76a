"""From targets to a Program: the front end whole, and the face that the interpreter sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.analysis import ir, source
from hardtack.analysis.class_table import ClassTable
from hardtack.analysis.digests import Digests
from hardtack.analysis.function_table import FunctionTable
from hardtack.analysis.global_table import GlobalTable
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.lowering.writes import Writes
from hardtack.analysis.targets import TargetError, parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.results import Finding
    from hardtack.analysis.targets import Target


@dataclass(frozen=True)
class Loaded:
    """What some targets are part of.

    Attributes:
        program: all that is known around them.
        entries: their full names.
        errors: what mypy reports.
        files: what was read.
        folders: where modules were looked for.
    """

    program: ir.Program
    entries: tuple[str, ...]
    errors: list[Finding]
    files: list[str]
    folders: list[str]


def load(
    targets: Sequence[str], run: source.MypyRun | None = None
) -> tuple[ir.Program, tuple[str, ...], list[Finding]]:
    """Return the program around some targets, the targets' full names, and what mypy reports in it.

    Args:
        targets: `pkg.module:function`, `pkg.module:Class.method` or `path/file.py:function`.
        run: how mypy is run.

    Raises:
        TargetError: a target names nothing, or mypy cannot read its module.
    """
    found = load_around([parse_target(text) for text in targets], run)
    return found.program, found.entries, found.errors


def load_around(targets: Sequence[Target], run: source.MypyRun | None = None) -> Loaded:
    """Return what some targets are part of; see `load`."""
    sources = source.check(targets, run)
    program = lower(Knowledge.of(sources))
    entries = tuple(_entry(one, program) for one in targets)
    errors = [error for error in sources.errors if error.kind == "error"]
    return Loaded(program, entries, errors, sources.files(), sources.folders)


def _entry(target: Target, program: ir.Program) -> str:
    name = f"{target.module}.{target.name}"
    if name not in program.functions:
        raise TargetError(f"{target.path} defines no function {target.name}")
    return name


def errors_in(function: ir.Function, errors: Sequence[Finding]) -> list[Finding]:
    """Return what mypy reports of a function's lines."""
    first, last = function.place.line, function.last_line
    return [one for one in errors if one.file == function.place.file and first <= one.line <= last]


def lower(known: Knowledge) -> ir.Program:
    """Return the program that the sources define; what it holds is made when it is asked for."""
    writes = Writes(known)
    for name in writes.variables:
        known.constants.written_elsewhere(name)
    stored = frozenset(writes.attributes)
    table = ClassTable(known.hierarchy, known.constants, known.annotations, stored)
    classes = table.rows(known.sources.everything)
    constants = known.constants.known()
    digests = Digests(known.hierarchy.classes, classes, constants)
    functions = FunctionTable(known, digests.with_digest)
    return ir.Program(functions, classes, GlobalTable(known, classes), constants)
