"""From targets to a Program: the front end whole, and the face that the interpreter sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.analysis import ir, source
from hardtack.analysis.class_table import ClassTable
from hardtack.analysis.digests import Digests
from hardtack.analysis.function_table import FunctionTable
from hardtack.analysis.global_table import GlobalTable
from hardtack.analysis.harmless import RESULT, harmless
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.lowering.writes import Writes
from hardtack.analysis.targets import TargetError, missing, parse_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hardtack.analysis.results import Finding
    from hardtack.analysis.targets import Target


@dataclass(frozen=True)
class Loaded:
    """What some targets are part of.

    Attributes:
        program: all that is known around them.
        targets: these targets.
        entries: their full names, whether they are defined or not.
        errors: what mypy reports.
        files: what was read.
        folders: where modules were looked for.
        harmless: of the errors those that no bound rests on.
    """

    program: ir.Program
    targets: tuple[Target, ...]
    entries: tuple[str, ...]
    errors: list[Finding]
    files: list[str]
    folders: list[str]
    harmless: frozenset[Finding] = frozenset()

    @property
    def lies(self) -> list[Finding]:
        """What mypy reports of values that are not of their declared types."""
        return [
            error for error in self.errors if "ncompatible" in error.message and error not in self.harmless
        ]

    def lies_in(self, functions: Iterable[str], entry: str) -> list[Finding]:
        """Return those in some functions that are not taken at their word.

        What the entry gives back misleads nobody that was read.
        """
        table = self.program.functions
        known = [table[name] for name in functions if name in table and table[name].assumed is None]
        every = errors_in(table[entry], self.lies) if entry in table else []
        own = [one for one in every if one.message.startswith(RESULT)]
        inner = [one for function in known if function.name != entry for one in errors_in(function, own)]
        passed = {one for one in own if one not in inner}
        found = [one for function in known for one in errors_in(function, self.lies)]
        return [one for one in dict.fromkeys(found) if one not in passed]


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
    for target in found.targets:
        check_defined(target, found.program)
    return found.program, found.entries, found.errors


def load_around(targets: Sequence[Target], run: source.MypyRun | None = None) -> Loaded:
    """Return what some targets are part of; see `load`."""
    sources = source.check(targets, run)
    try:
        known = Knowledge.of(sources)
        program = lower(known)
    except AssertionError:  # of mypy: its cache is of other sources with the same names
        source.let_go()
        sources = source.check(targets, run, cached=False)
        known = Knowledge.of(sources)
        program = lower(known)
    entries = tuple(f"{one.module}.{one.name}" for one in targets)
    errors = [error for error in sources.errors if error.kind == "error"]
    passed_over = harmless(errors, sources, known.hierarchy)
    return Loaded(program, tuple(targets), entries, errors, sources.files(), sources.folders, passed_over)


def check_defined(target: Target, program: ir.Program) -> None:
    """See that a target is a function of the program.

    Raises:
        TargetError: it is none.
    """
    if f"{target.module}.{target.name}" not in program.functions:
        raise TargetError(missing(target))


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
    table = ClassTable(known, stored)
    classes = table.rows(known.sources.everything)
    constants = known.constants.known()
    digests = Digests(known.hierarchy.classes, classes, constants)
    functions = FunctionTable(known, digests.with_digest)
    return ir.Program(functions, classes, GlobalTable(known, classes), constants)
