"""The conformance guest: which cases it has, and the WebAssembly file, compiled when it is asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

CASES = Path(__file__).parent / "cases"
PROJECT = Path(__file__).parents[2]
CACHE = PROJECT / "build" / "wasi"
FLAGS = ("--target=wasm32-wasi", "-Os", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-s")


def sources() -> list[Path]:
    """The C files in the linker's order, which is that of `conformance --list`."""
    return sorted(CASES.glob("*.c"))


def case_names() -> list[str]:
    """The names of the cases, read from the sources, so that collecting tests compiles nothing."""
    pattern = re.compile(r"^CASE\((\w+)\)$", re.MULTILINE)
    return [name for path in sources() for name in pattern.findall(path.read_text())]


def compiled() -> Path:
    """Compile the cases, unless these very sources are compiled already, and return the file."""
    digest = hashlib.sha256(repr(FLAGS).encode())
    for path in [*sources(), *sorted(CASES.glob("*.h"))]:
        digest.update(path.read_bytes())
    wasm = CACHE / digest.hexdigest()[:16] / "conformance.wasm"
    if not wasm.exists():
        wasm.parent.mkdir(parents=True, exist_ok=True)
        fresh = wasm.with_suffix(".new")
        names = [path.name for path in sources()]
        _build_module().compile_c([*FLAGS, "-o", fresh, *names], cwd=CASES)
        fresh.rename(wasm)
    return wasm


def _build_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("programs_build", PROJECT / "programs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
