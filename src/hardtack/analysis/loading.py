"""From targets to a Program: the front end whole, and the face that the interpreter sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis import generated, ir, ircheck, source
from hardtack.analysis.class_table import ClassTable
from hardtack.analysis.digests import add_digests
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.lowering import lower_function
from hardtack.analysis.lowering.functions import crashed, refused

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
    """Lower all that the sources define."""
    program = ir.Program()
    for function in _functions(known):
        program.functions[function.name] = function
    stored, rebound = _written(program)
    for name in rebound:
        known.constants.written_elsewhere(name)
    _refuse_rebound(known, program)
    table = ClassTable(known.hierarchy, known.constants, known.annotations, stored)
    program.classes.update(table.rows(known.sources.everything))
    program.globals.update(_globals(known, program))
    program.constants.update(known.constants.known())
    add_digests(program)
    return program


def _refuse_rebound(known: Knowledge, program: ir.Program) -> None:
    """Refuse functions whose names are bound to something else, too: which of both runs is not known."""
    for name, function in program.functions.items():
        if known.constants.is_written(name.partition("@")[0]):
            what = f"{name}, whose name is bound to something else besides its definition"
            program.functions[name] = refused(function, what, "give it a name of its own")


def _functions(known: Knowledge) -> Iterator[ir.Function]:
    for definition in list(known.hierarchy.functions.values()):
        try:
            yield from lower_function(known, definition)
        except Exception as error:  # noqa: BLE001 # whatever strange program it is: a finding, never a number
            yield crashed(known, definition, error)
    for info in known.hierarchy.classes.values():
        file = known.sources.modules[info.module_name].path
        yield from generated.functions(info, file, known.annotations.type_of)


def _written(program: ir.Program) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of attributes, and the full names of globals, that functions write."""
    attributes, variables = set(), set()
    for function in program.functions.values():
        for operation in ircheck.operations(function.body):
            if isinstance(operation, ir.StoreAttribute):
                attributes.add(operation.name)
            elif isinstance(operation, ir.StoreGlobal):
                variables.add(operation.name)
    return frozenset(attributes), frozenset(variables)


def _globals(known: Knowledge, program: ir.Program) -> Iterator[tuple[str, ir.Type]]:
    for tree in known.sources.modules.values():
        for name, symbol in tree.names.items():
            node = symbol.node
            if (
                isinstance(node, mn.Var)
                and node.fullname == f"{tree.fullname}.{name}"
                and not name.startswith("__")
            ):
                yield node.fullname, known.annotations.type_of(node, node.type)
    for one in program.classes.values():
        if one.in_sources:
            yield from ((f"{one.name}.{name}", type_) for name, type_ in one.class_variables)
