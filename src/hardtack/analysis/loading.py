"""From targets to a Program: the front end whole, and the face that the interpreter sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import ir, source
from hardtack.analysis.class_table import ClassTable
from hardtack.analysis.digests import Digests
from hardtack.analysis.function_table import FunctionTable
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.lowering.writes import Writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardtack.analysis.results import Finding


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
    wanted = [source.parse_target(text) for text in targets]
    sources = source.check(wanted, run)
    program = lower(Knowledge.of(sources))
    entries = tuple(_entry(one, program) for one in wanted)
    return program, entries, [error for error in sources.errors if error.kind == "error"]


def _entry(target: source.Target, program: ir.Program) -> str:
    name = f"{target.module}.{target.name}"
    if name not in program.functions:
        raise source.TargetError(f"{target.path} defines no function {target.name}")
    return name


def errors_in(function: ir.Function, errors: Sequence[Finding]) -> list[Finding]:
    """Return what mypy reports of a function's lines."""
    first, last = function.place.line, function.last_line
    return [one for one in errors if one.file == function.place.file and first <= one.line <= last]


def lower(known: Knowledge) -> ir.Program:
    """Return the program that the sources define; its functions are lowered when they are asked for."""
    writes = Writes(known)
    for name in writes.variables:
        known.constants.written_elsewhere(name)
    stored = frozenset(writes.attributes)
    table = ClassTable(known.hierarchy, known.constants, known.annotations, stored)
    classes = table.rows(known.sources.everything)
    constants = known.constants.known()
    functions = FunctionTable(known, Digests(classes, constants).with_digest)
    return ir.Program(functions, classes, dict(_globals(known, classes)), constants)


def _globals(known: Knowledge, classes: dict[str, ir.Class]) -> Iterator[tuple[str, ir.Type]]:
    for tree in known.sources.modules.values():
        for name, symbol in tree.names.items():
            node = symbol.node
            if (
                isinstance(node, mn.Var)
                and node.fullname == f"{tree.fullname}.{name}"
                and not name.startswith("__")
            ):
                yield node.fullname, known.annotations.type_of(node, node.type)
    for one in classes.values():
        if one.in_sources:
            yield from ((f"{one.name}.{name}", type_) for name, type_ in one.class_variables)
