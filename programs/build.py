"""Builds the programs of this folder into src/hardtack/programs/*.wasm.

    python programs/build.py            build all of them
    python programs/build.py --check    build elsewhere and compare: exit 1 and the names if any differs

A program is a file here, NAME.c, or a folder NAME with a file NAME/main.c. One that calls ht_fork is linked
with fork/fork.c and passed through Binaryen's Asyncify.

The result depends on the sources and on the versions of the compiler (PyPI's `ziglang`, pinned in
pyproject.toml) and of Binaryen (npm's `binaryen`, pinned here; it runs on Node.js, and is installed into
build/npm at its first use), and on nothing else: paths are relative, there is no debug information, and the
compiler's caches lie in build/zig (or where ZIG_GLOBAL_CACHE_DIR says).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "src" / "hardtack" / "programs"
CACHE = HERE.parent / "build" / "zig"
NPM = HERE.parent / "build" / "npm"
BINARYEN = "132.0.0"
STACK_BYTES = 65536  # one page, below the data, so that overflow traps
FLAGS = (
    "--target=wasm32-wasi",
    "-Os",
    "-std=gnu17",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-s",
    f"-Wl,-z,stack-size={STACK_BYTES}",
)
FORKING_FLAGS = ("-Dmain=program_main",)  # fork/fork.c has the main that libc calls
ASYNCIFY_FLAGS = (
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--asyncify",
    "-Os",
)


def programs() -> dict[str, list[Path]]:
    """Return each program's name and its C files, sorted."""
    found = {path.stem: [path] for path in HERE.glob("*.c")}
    found |= {path.parent.name: sorted(path.parent.glob("*.c")) for path in HERE.glob("*/main.c")}
    return dict(sorted(found.items()))


def forks(files: Sequence[Path]) -> bool:
    """Tell whether a program forks."""
    return any("ht_fork(" in path.read_text() for path in files)


def wasm_opt() -> Path:
    """Return Binaryen's optimiser; it is installed if it is not there.

    Raises:
        subprocess.CalledProcessError, FileNotFoundError: npm can't do that, or is not there.
    """
    tool = NPM / f"binaryen-{BINARYEN}" / "node_modules" / ".bin" / "wasm-opt"
    if not tool.exists():
        folder = tool.parents[2]
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", "."]
        subprocess.run([*command, f"binaryen@{BINARYEN}"], cwd=folder, check=True)
    return tool


def compile_c(arguments: Sequence[str | Path], cwd: Path) -> None:
    """Run ziglang's C compiler in a folder.

    Raises:
        subprocess.CalledProcessError: if it fails; what it says is on standard error.
    """
    environment = dict(os.environ)
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(CACHE))
    environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(CACHE / "local"))
    command = [sys.executable, "-m", "ziglang", "cc", *map(str, arguments)]
    subprocess.run(command, cwd=cwd, env=environment, check=True)


def build(output: Path) -> list[Path]:
    """Compile every program into a folder and return the files, sorted by name."""
    output.mkdir(parents=True, exist_ok=True)
    libraries = sorted(HERE.glob("lib/*.c"))
    built = []
    for name, files in programs().items():
        wasm = output / f"{name}.wasm"
        forking = forks(files)
        used = [*files, *libraries, *([HERE / "fork" / "fork.c"] if forking else [])]
        flags = [*FLAGS, *(FORKING_FLAGS if forking else ())]
        compile_c([*flags, "-Iinclude", "-o", wasm, *(path.relative_to(HERE) for path in used)], cwd=HERE)
        if forking:
            subprocess.run([wasm_opt(), *ASYNCIFY_FLAGS, wasm, "-o", wasm], check=True)
        wasm.chmod(0o644)
        built.append(wasm)
    return built


def differing(output: Path) -> list[str]:
    """Return the names of programs that a fresh build has otherwise, or only one side has."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = {path.name: path.read_bytes() for path in build(Path(scratch))}
    committed = {path.name: path.read_bytes() for path in output.glob("*.wasm")}
    return sorted(name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name))


def main() -> int:
    """Build, or check; the command's exit status."""
    parser = argparse.ArgumentParser(description="Build hardtack's programs.")
    parser.add_argument("--check", action="store_true", help="compare a fresh build with what is committed")
    if not parser.parse_args().check:
        build(OUTPUT)
        return 0
    names = differing(OUTPUT)
    for name in names:
        print(f"{name} is not what its source builds: run `make programs`", file=sys.stderr)  # noqa: T201
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
