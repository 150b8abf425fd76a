"""Builds SQLite with a workload, programs/sqlite/workload.c, into build/sqlite/sqlite.wasm.

    python programs/build_sqlite.py

SQLite's amalgamation comes out of the npm package better-sqlite3, which carries it; it is fetched once, with
npm. The compiler is PyPI's ziglang, which takes minutes the first time; nothing is done when the result is
there and newer than the workload.
"""

from __future__ import annotations

import subprocess
import tarfile

from build import CACHE, HERE, compile_c

FOLDER = CACHE.parent / "sqlite"
OUTPUT = FOLDER / "sqlite.wasm"
PACKAGE = "better-sqlite3@12.11.1"
PARTS = ("sqlite3.c", "sqlite3.h")
FLAGS = (
    "--target=wasm32-wasi",
    "-O2",
    "-std=gnu17",
    "-s",
    "-DSQLITE_THREADSAFE=0",
    "-DSQLITE_OMIT_LOAD_EXTENSION",
    "-DSQLITE_OMIT_WAL",  # it needs shared memory
    "-DSQLITE_OMIT_SHARED_CACHE",
    "-DSQLITE_MAX_MMAP_SIZE=0",
    '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"',  # WASI has no locks
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_MMAN",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_SIGNAL",
    "-lwasi-emulated-getpid",
    "-lwasi-emulated-mman",
)


def fetch() -> None:
    """Bring the amalgamation here."""
    done = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=FOLDER, check=True, capture_output=True, text=True
    )
    with tarfile.open(FOLDER / done.stdout.split()[-1]) as package:
        for part in PARTS:
            member = package.extractfile(f"package/deps/sqlite3/{part}")
            assert member is not None
            (FOLDER / part).write_bytes(member.read())


def main() -> None:
    """Build what is not there yet."""
    workload = HERE / "sqlite" / "workload.c"
    if OUTPUT.exists() and OUTPUT.stat().st_mtime >= workload.stat().st_mtime:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not all((FOLDER / part).exists() for part in PARTS):
        fetch()
    compile_c([*FLAGS, f"-I{FOLDER}", "-o", OUTPUT, workload, FOLDER / "sqlite3.c"], cwd=HERE)


if __name__ == "__main__":
    main()
