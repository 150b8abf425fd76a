"""The analyser on the kernel's own operations: file system, pipes, descriptors. `make kernel-bounds` asks for all.

What has a bound is held against what the real operation takes, in a kernel's real heap, where a case makes its
arguments: `kernel_cases`.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import kernel_cases

import hardtack.kernel
from hardtack.analysis.entry import analyse
from hardtack.analysis.loading import load_around
from hardtack.analysis.models import load_models
from hardtack.analysis.targets import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.results import Analysed

KERNEL = Path(hardtack.kernel.__file__).parent
FIGURES = Path(__file__).parents[2] / "docs/figures/kernel-bounds.json"
MODULES = (
    "table",
    "directories",
    "files",
    "inodes",
    "paths",
    "pipes",
    "queues",
    "memory_files",
    "descriptions",
    "open_files",
)

# Operations that no system call runs, or that go to kinds of files of the host's; and why there is no bound.
UNBOUNDED = {
    "table:Table.check": "it looks at the whole table",
    "table:Table.put": "by itself it holds items of any class, some with a `__del__`; DescriptorTable has a bound",
    "table:Table.remove": "likewise",
    "memory_files:MemoryFiles.check": "it looks at the whole file system",
    "paths:walk": "by itself it walks the host's directories, too; MemoryFiles.walk has a bound",
    "descriptions:close": "by itself it closes whatever there is, the host's too",
}


def operations() -> list[str]:
    """Return the kernel's operations, as targets without their package."""
    return [f"{module}:{name}" for module in MODULES for name in _defined(module)]


def _defined(module: str) -> list[str]:
    found = []
    for node in ast.parse((KERNEL / f"{module}.py").read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        functions = [one for one in inner if isinstance(one, ast.FunctionDef)]
        found += [prefix + one.name for one in functions if not one.name.startswith("_")]
    return found


def find(names: list[str]) -> Iterator[tuple[str, Analysed]]:
    """Return the bounds of operations, which are analysed as they are asked for."""
    loaded = load_around([parse_target(f"hardtack.kernel.{name}") for name in names])
    known = load_models()
    gc.freeze()  # so that no collection goes through mypy's trees
    for name, entry in zip(names, loaded.entries, strict=True):
        yield name, analyse(loaded.program, entry, known)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, help="write what was found here")
    options = parser.parse_args()
    rows = []
    for name, bound in find(operations()):
        row = {"operation": name, "peak": None, "why": UNBOUNDED.get(name, "")}
        if bound.peak is not None:
            constant = bound.peak.as_const()
            row["peak"] = str(bound.peak) if constant is None else str(-(-constant // 1))
            row |= kernel_cases.compare(bound, kernel_cases.CASES.get(name, []))
        else:
            row["finding"] = f"{bound.findings[0].kind}: {bound.findings[0].message}"
        rows.append(row)
        print(row, flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")
    # a ratio below 1 is a bound that was exceeded
    lost = [row["operation"] for row in rows if row["peak"] is None and not row["why"]]
    exceeded = [row["operation"] for row in rows if (row.get("tightest") is not None and row["tightest"] < 1)]
    print(f"{sum(row['peak'] is not None for row in rows)} of {len(rows)} have a bound")
    print(f"lost: {lost}; exceeded: {exceeded}")
    return 1 if lost or exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
