"""Golden files: `.test` files with programs and what the analyser makes of them, after mypyc's.

    [case name]
    ... a module ...
    [ir]
    ... the IR of its functions, as irprint writes it ...
    [callgraph]
    ... caller -> callee ...

A case has the sections that it wants. `pytest --update-data` rewrites them. A section's kind is a row of
SECTIONS: what makes its text. Where CPython 3.12 brought something new, a section is named for the versions that it
holds for: `[ir-before-312]`, `[ir-from-312]`; where objects' sizes are in it, for one: `[bound-on-311]`.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from hardtack.analysis import ir, ircheck, source
from hardtack.analysis.entry import analyse
from hardtack.analysis.irprint import print_class, print_function
from hardtack.analysis.knowledge import Knowledge
from hardtack.analysis.loading import lower
from hardtack.analysis.models import load_models
from hardtack.analysis.source import MypyRun, Sources
from hardtack.analysis.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_HEADER = re.compile(r"^\[(case )?([\w-]+)\]$", re.MULTILINE)


@dataclass
class Case:
    """One case of a file."""

    name: str
    source: str
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The module that it becomes, short since every name of its IR begins so."""
        return f"m_{self.name}"


def ir_section(case: Case, program: ir.Program) -> str:
    """Print the functions, and what ircheck says against them."""
    texts = [print_function(one) for one in program.functions.values()]
    return "\n\n".join([*texts, *ircheck.check_program(program)])


def callgraph_section(case: Case, program: ir.Program) -> str:
    """Print who may call whom."""
    edges = {
        f"{caller.name} {'binds' if isinstance(operation, ir.BindMethod) else '->'} {callee.kind} {callee.name}"
        for caller in program.functions.values()
        for operation in ircheck.operations(caller.body)
        for callee in getattr(operation, "callees", ())
        if callee.kind not in {"model", "value"}
    } | {
        f"{caller.name} makes {operation.name}"
        for caller in program.functions.values()
        for operation in ircheck.operations(caller.body)
        if isinstance(operation, ir.MakeFunction)
    }
    return "\n".join(sorted(edges))


def classes_section(case: Case, program: ir.Program) -> str:
    """Print the class table's rows of the sources."""
    return "\n".join(print_class(one) for one in program.classes.values() if one.in_sources)


def constants_section(case: Case, program: ir.Program) -> str:
    """Print the constants."""
    return "\n".join(f"{name} = {value!r}" for name, value in sorted(program.constants.items()))


def bound_section(case: Case, program: ir.Program) -> str:
    """Print the bounds of the module's functions, or why there is none."""
    lines = []
    for name, function in program.functions.items():
        if name.rpartition(".")[0] == case.module and function.kind == "function":
            found = analyse(program, name, load_models())
            lines.append(f"{name}: {found.peak or 'no bound'}")
            for one in found.findings:
                lines += [f"    {one.line}:{one.column}: {one.kind}: {one.message}", f"        {one.remedy}"]
            if found.peak is not None:
                lines.append(f"    returned {found.returned}")
                lines += [f"    retained {size} by {holder}" for holder, size in found.retained]
                lines += [f"    line {loop.line}: {loop.rounds} rounds, {loop.how}" for loop in found.loops]
    return "\n".join(lines)


SECTIONS: dict[str, Callable[[Case, ir.Program], str]] = {
    "ir": ir_section,
    "callgraph": callgraph_section,
    "classes": classes_section,
    "constants": constants_section,
    "bound": bound_section,
}


_OTHER_VERSIONS = "-before-312" if sys.version_info >= (3, 12) else "-from-312"


def kind_of(section: str) -> str | None:
    """Return a section's kind; None for one of other versions of Python."""
    section, on, version = section.partition("-on-")
    if section.endswith(_OTHER_VERSIONS) or (on and version != "{}{}".format(*sys.version_info)):
        return None
    return section.removesuffix("-before-312").removesuffix("-from-312")


def parse(text: str) -> list[Case]:
    """Return the cases of a file."""
    cases: list[Case] = []
    marks = list(_HEADER.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : following.start() if following else None].strip("\n")
        if mark[1]:
            cases.append(Case(mark[2], body))
        else:
            cases[-1].sections[mark[2]] = body
    return cases


def write(cases: list[Case]) -> str:
    """Return the text of a file."""
    parts = []
    for case in cases:
        parts.append(f"[case {case.name}]\n{case.source}\n")
        parts += [f"[{kind}]\n{body}\n" for kind, body in case.sections.items()]
    return "\n".join(parts)


def load_cases(cases: list[Case], directory: Path, cache: Path) -> tuple[dict[str, ir.Program], list[str]]:
    """Lower the cases, each as a program of its own, after one run of mypy; returns what mypy reports, too."""
    targets = []
    for case in cases:
        path = directory / f"{case.module}.py"
        path.write_text(case.source + "\n")
        targets.append(Target(case.module, path, ""))
    run = MypyRun(config=_no_configuration(directory), cache=cache)
    sources = source.check(targets, run)
    programs = {}
    for case in cases:
        alone = Sources({case.module: sources.modules[case.module]}, sources.types, sources.everything)
        programs[case.name] = lower(Knowledge.of(alone))
    errors = [f"{one.file}:{one.line}: {one.message}" for one in sources.errors if one.kind == "error"]
    return programs, errors


def _no_configuration(directory: Path) -> Path:
    path = directory / "mypy.ini"
    path.write_text("[mypy]\nstrict = True\ndisable_error_code = empty-body\n")
    return path


class GoldenFile(pytest.File):
    """A `.test` file."""

    def collect(self) -> Iterator[pytest.Item]:
        self.cases = parse(self.path.read_text())
        self.loaded: tuple[dict[str, ir.Program], list[str]] | None = None
        for case in self.cases:
            item = GoldenItem.from_parent(self, name=case.name)
            item.case = case
            yield item

    def program(self, case: Case, directory: Path, cache: Path) -> ir.Program:
        """Return a case's program; mypy runs once for all cases of the file."""
        if self.loaded is None:
            self.loaded = load_cases(self.cases, directory, cache)
        programs, errors = self.loaded
        if errors:
            pytest.fail("\n".join(errors), pytrace=False)
        return programs[case.name]

    def update(self) -> None:
        """Write the file anew."""
        self.path.write_text(write(self.cases))


class GoldenItem(pytest.Item):
    """A case."""

    case: Case
    parent: GoldenFile

    def runtest(self) -> None:
        factory = self.config._tmp_path_factory  # type: ignore[attr-defined] # an item has no fixtures
        base = factory.getbasetemp()
        directory = base / f"golden-{self.parent.path.stem}"
        directory.mkdir(exist_ok=True)
        program = self.parent.program(self.case, directory, base / "mypy-cache")
        found = {
            section: SECTIONS[kind](self.case, program).strip("\n")
            for section in self.case.sections
            if (kind := kind_of(section)) is not None
        }
        if self.config.getoption("--update-data"):
            if not found.items() <= self.case.sections.items():
                self.case.sections |= found
                self.parent.update()
            return
        for section, text in found.items():
            expected = self.case.sections[section]
            if text != expected:
                lines = difflib.unified_diff(
                    expected.splitlines(), text.splitlines(), "expected", "found", "", "", 5
                )
                pytest.fail(f"[{section}]\n" + "\n".join(lines), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"golden case {self.name}"
