"""The committed programs are what their sources build, small, and ask for nothing but preview1 and posix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

PROJECT = Path(__file__).parents[2]
BUILT = PROJECT / "src" / "hardtack" / "programs"
SOURCES = sorted((PROJECT / "programs").glob("*.c"))
NAMES = [path.stem for path in SOURCES]
LARGEST_PAGES = 4  # of 64 KiB


def load(name: str) -> wasmtime.Module:
    return wasmtime.Module.from_file(wasmtime.Engine(), str(BUILT / f"{name}.wasm"))


def test_the_committed_programs_are_what_the_sources_build() -> None:
    command = [sys.executable, str(PROJECT / "programs" / "build.py"), "--check"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr


def test_every_program_has_its_source() -> None:
    assert sorted(path.stem for path in BUILT.glob("*.wasm")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_starts_with_little_memory(name: str) -> None:
    memories = [item.type for item in load(name).exports if isinstance(item.type, wasmtime.MemoryType)]
    assert len(memories) == 1
    assert memories[0].limits.min <= LARGEST_PAGES


@pytest.mark.parametrize("name", NAMES)
def test_a_program_imports_only_what_the_kernel_has(name: str) -> None:
    imports = {(item.module, item.name) for item in load(name).imports}
    assert {module for module, _ in imports} <= {"wasi_snapshot_preview1", "posix"}
    assert {item for module, item in imports if module == "posix"} <= {
        "pipe", "spawn", "waitpid", "kill", "getpid", "getppid",
        "socket", "socketpair", "bind", "listen", "connect"
    }  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_source_opens_with_what_it_shows_and_its_exit_status(source: Path) -> None:
    text = source.read_text()
    opening = text[: text.index("\n\n")] if "\n\n" in text else text
    assert opening.startswith(f"// {source.stem}")
    assert "// Exit status:" in opening
