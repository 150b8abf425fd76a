from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import annotated
import choose
import inputs
import materialise
import pytest

HERE = Path(__file__).parent
FROZEN = "41df0d71d5aed62da7ab5c8595c80ea23a16f4da2b5592bdde2c3134b7234452"
ENTRIES = materialise.entries()
STANDARD = [entry for entry in ENTRIES if entry.package == "stdlib"]
ON_3_11 = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the sources are those of CPython 3.11")


def test_the_corpus_is_the_one_that_was_frozen_before_the_first_run():
    assert hashlib.sha256((HERE / "manifest.toml").read_bytes()).hexdigest() == FROZEN


def test_there_are_fifty_functions_of_the_standard_library_and_thirty_of_pypi_widely_spread():
    assert len({entry.name for entry in ENTRIES}) == 80
    assert len(STANDARD) == 50
    assert len({entry.module for entry in STANDARD}) >= 25
    assert len({entry.package for entry in ENTRIES}) == 1 + 30


def test_every_function_has_inputs():
    assert set(inputs._GENERATORS) == {entry.name for entry in ENTRIES}


def test_what_was_passed_over_is_not_in_it_and_has_a_reason():
    rows = [line.split(maxsplit=1) for line in (HERE / "passed_over.txt").read_text().splitlines()]
    assert all(len(row) == 2 for row in rows)
    assert not {row[0] for row in rows} & {entry.name for entry in ENTRIES}


@ON_3_11
def test_every_standard_function_is_one_that_the_rule_allows():
    allowed = {
        f"{c.module}:{c.name}": c.sha256 for group in choose.standard_library().values() for c in group
    }
    assert {entry.name: entry.sha256 for entry in STANDARD}.items() <= allowed.items()


@ON_3_11
@pytest.mark.parametrize("module", sorted({entry.module for entry in STANDARD}))
def test_writing_types_changes_nothing_else_and_moves_no_line(module):
    typed = materialise.typed_source(module, materialise.manifest())
    before = dict(choose.functions(ast.parse(materialise.library_file(module).read_text()).body))
    after = dict(choose.functions(ast.parse(typed).body))
    for name, node in before.items():
        assert after[name].lineno == node.lineno
        assert ast.dump(Untyped().visit(after[name])) == ast.dump(Untyped().visit(node))


class Untyped(ast.NodeTransformer):
    """Take annotations out."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's own name

    def visit_AnnAssign(self, node):
        return None if node.value is None else ast.Assign([node.target], node.value, lineno=node.lineno)

    def visit_ImportFrom(self, node):
        return node if not node.level else ast.ImportFrom("", node.names, 0)


@ON_3_11
@pytest.mark.parametrize("entry", STANDARD, ids=lambda entry: entry.name)
def test_every_parameter_of_a_standard_function_has_a_type(entry):
    typed = materialise.typed_source(entry.module, materialise.manifest())
    node = dict(choose.functions(ast.parse(typed).body))[entry.qualified]
    bare = [arg.arg for arg in materialise._arguments(node) if arg.annotation is None]
    assert bare in ([], ["self"], ["cls"], ["b"] if entry.qualified == "Fraction.__rpow__" else [])
    assert node.returns is not None


def test_a_function_whose_source_is_another_one_is_reported(tmp_path):
    entry = materialise.Entry(
        "made_up:double", "made-up", hashlib.sha256(b"def double(n):\n    return n\n").hexdigest()
    )
    assert "there is no" in materialise.changed(entry, tmp_path)
    (tmp_path / "made_up.py").write_text("def double(n):\n    return n\n")
    assert materialise.changed(entry, tmp_path) is None
    (tmp_path / "made_up.py").write_text("def double(n):\n    return 2 * n\n")
    assert "another one" in materialise.changed(entry, tmp_path)


@ON_3_11
@pytest.mark.slow
def test_every_function_of_the_corpus_is_laid_out_and_measured(tmp_path):
    """It installs the pinned packages; what is laid out already is taken."""
    found = tmp_path / "rows.json"
    command = [sys.executable, HERE / "run.py", "--json", found]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(found.read_text())
    patch_release_changed = sum("its source is another one" in line for line in done.stdout.splitlines())
    assert len(rows) == 80 - patch_release_changed
    assert all(row["calls"] >= 4 for row in rows)
    silent = {row["name"] for row in rows if "returned" not in row["outcomes"]}
    assert silent <= {"outcome._impl:Error.unwrap"}  # whose work it is to raise


def test_an_entry_has_one_annotation_at_most():
    named = [one.entry for one in annotated.annotations()]
    assert len(set(named)) == len(named)
    assert set(named) <= {entry.name for entry in ENTRIES}


def test_an_annotation_is_written_into_its_line_and_nowhere_else():
    one = annotated.Annotation("m:f", "m", 4, "while left:", "for _ in loop_bound(9):", "from x import y")
    text = '"""About."""\nfrom __future__ import annotations\ndef f(left):\n    while left:\n        pass\n'
    assert one.applied(text).splitlines() == [
        '"""About."""',
        "from __future__ import annotations",
        "from x import y",
        "def f(left):",
        "    for _ in loop_bound(9):",
        "        pass",
    ]


def test_an_annotation_for_another_source_is_refused():
    one = annotated.Annotation("m:f", "m", 1, "while left:", "for _ in loop_bound(9):")
    with pytest.raises(ValueError, match="m:f"):
        one.applied("for item in left:\n    pass\n")
