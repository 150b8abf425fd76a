"""From targets to a Program: the front end whole, and the face that the interpreter sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir, source
from hardtack.analysis.class_table import class_table
from hardtack.analysis.hierarchy import Hierarchy
from hardtack.analysis.lowering import lower_function

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    hierarchy = Hierarchy(sources)
    program = lower(sources, hierarchy)
    entries = tuple(_entry(one, hierarchy) for one in wanted)
    return program, entries, [error for error in sources.errors if error.kind == "error"]


def lower(sources: source.Sources, hierarchy: Hierarchy) -> ir.Program:
    """Lower all that the sources define."""
    program = ir.Program()
    for function in list(hierarchy.functions.values()):
        for made in lower_function(sources, hierarchy, function):
            program.functions[made.name] = made
    program.classes.update(class_table(sources, hierarchy))
    return program


def _entry(target: source.Target, hierarchy: Hierarchy) -> str:
    name = f"{target.module}.{target.name}"
    if name not in hierarchy.functions:
        raise source.TargetError(f"{target.path} defines no function {target.name}")
    return name
