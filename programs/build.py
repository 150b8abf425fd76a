"""Builds the programs of this folder into src/hardtack/programs/*.wasm.

    python programs/build.py            build all of them
    python programs/build.py --check    build elsewhere and compare: exit 1 and the names if any differs

The result depends on the sources and on the compiler's version (PyPI's `ziglang`, pinned in pyproject.toml)
and on nothing else: paths are relative, there is no debug information, and the compiler's caches lie in
build/zig (or where ZIG_GLOBAL_CACHE_DIR says).
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


def sources() -> list[Path]:
    """Return the C files that each are a program, sorted by name."""
    return sorted(HERE.glob("*.c"))


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
    libraries = sorted(path.relative_to(HERE) for path in HERE.glob("lib/*.c"))
    built = []
    for source in sources():
        wasm = output / f"{source.stem}.wasm"
        compile_c([*FLAGS, "-Iinclude", "-o", wasm, source.name, *libraries], cwd=HERE)
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
