"""The corpus with what a user would write: one annotation for an entry that has no bound without (annotations.toml).

A copy of the corpus is laid out in a folder of its own; only the files with an annotation differ.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from materialise import BUILD, HERE

ANNOTATED = BUILD.with_name("corpus-annotated")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation: what stands in a line, and what takes its place; see annotations.toml."""

    entry: str
    module: str
    line: int
    was: str
    becomes: str
    imports: str = ""

    def applied(self, text: str) -> str:
        """Return a module's source with the annotation in it.

        Raises:
            ValueError: the line is another one.
        """
        lines = text.splitlines(keepends=True)
        if self.was not in lines[self.line - 1]:
            raise ValueError(f"{self.entry}: line {self.line} of {self.module} is {lines[self.line - 1]!r}")
        lines[self.line - 1] = lines[self.line - 1].replace(self.was, self.becomes)
        if self.imports:
            lines.insert(_after_future(ast.parse(text)), f"{self.imports}\n")
        return "".join(lines)


def annotations() -> list[Annotation]:
    """Return the annotations, at most one for an entry."""
    rows = tomllib.loads((HERE / "annotations.toml").read_text("utf-8"))["annotation"]
    return [Annotation(**row) for row in rows]


def _after_future(tree: ast.Module) -> int:
    """Return after how many lines an import may stand: the docstring's and those of `from __future__`."""
    found = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        found = node.end_lineno or found
    return found


def lay_out(folder: Path = BUILD, into: Path = ANNOTATED) -> None:
    """Copy the corpus that was laid out, and write the annotations into the copy."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(folder, into, copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
    for one in annotations():
        path = into.joinpath(*one.module.split(".")).with_suffix(".py")
        text = path.read_text("utf-8")
        path.unlink()  # the copy is a link
        path.write_text(one.applied(text), "utf-8")
