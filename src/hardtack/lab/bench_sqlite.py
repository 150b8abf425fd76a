"""SQLite's transactions beside wasmtime's own WASI: the same program, on like storage, in one run.

The program is SQLite with a workload (programs/sqlite), which `make sqlite` builds from the amalgamation in
an npm package. It runs in the file system in memory, in a directory of the host and on a durable disk;
each beside wasmtime on a directory of the host: one in a tmpfs, where a sync costs nothing, and one on a real
disk, where syncs are nearly all. On the durable disk each sync of the program is one of the host's disk.

wasmtime's figures are for code that nobody can stop. A host that wants to end a guest that computes has
checks compiled into it, as hardtack always has: a second peer is wasmtime with those, its epochs.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.errors import ProgramError
from hardtack.lab.bench_calls import SHARED_MEMORY
from hardtack.lab.rows import row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.lab.rows import Row

PROGRAM: Final = Path("build/sqlite/sqlite.wasm")
_PEERS: Final = {"wasmtime": False, "wasmtime with epochs": True}


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    arguments: tuple[str, ...]


_CASES: Final = (
    _Case("insert", ("/db", "insert", "500")),  # 500 transactions of one row
    _Case("batch_200", ("/db", "batch", "50", "200")),  # 50 transactions of 200 rows
)
_STORAGES: Final = ("memory", "directory", "disk")


def measure(
    rounds: int = 7, progress: Callable[[str], None] | None = None, program: Path = PROGRAM
) -> list[Row]:
    """Measure every case on every kind of storage, in turns.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured.
        program: SQLite with the workload, as `make sqlite` builds it.

    Raises:
        ProgramError: it is not there.

    Returns:
        A row a case and kind of storage, in us a transaction. "memory" is beside wasmtime in a tmpfs; names
        that end in "_synced" are of a disk of the host that waits for its syncs.
    """
    if not program.is_file():
        raise ProgramError(f"{program}: not there; `make sqlite` builds it")
    places = {"": SHARED_MEMORY if SHARED_MEMORY.is_dir() else None, "_synced": program.parent}
    rows = []
    with ExitStack() as stack:
        for suffix, place in places.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
            peers = {name: _Wasmtime(program, folder / name, epochs) for name, epochs in _PEERS.items()}
            for case in _CASES:
                storages = _STORAGES if not suffix else _STORAGES[1:]
                figures: dict[str, list[float]] = {name: [] for name in (*peers, *storages)}
                for _ in range(rounds):
                    if progress is not None:
                        progress(case.name + suffix)
                    for name, peer in peers.items():
                        figures[name].append(peer.run(case))
                    for storage in storages:
                        figures[storage].append(_ours(program, case, storage, folder / storage))
                for storage in storages:
                    sides = {"ours": figures[storage], **{name: figures[name] for name in peers}}
                    rows.append(row_of(f"sqlite_{case.name}_{storage}{suffix}", "us", sides))
    return rows


def _microseconds(report: str) -> float:
    """Return us per transaction from the program's line, `KIND N calls in T ns`."""
    words = report.split()
    return int(words[-2]) / int(words[1]) / 1000


def _ours(program: Path, case: _Case, storage: str, folder: Path) -> float:
    """Run a case on new storage; programs find the last directory of a name first."""
    folder.mkdir()
    try:
        with Kernel(
            dirs={"/": folder} if storage == "directory" else None,
            disk=folder / "fs.db" if storage == "disk" else None,
            disk_name="/",
        ) as kernel:
            result = kernel.run(program, case.arguments)
        if result.exit_code:
            raise ProgramError(f"{program.name}: {result.stderr.decode() or result.failure}")
        return _microseconds(result.stdout.decode())
    finally:
        shutil.rmtree(folder)


class _Wasmtime:
    """The same program under wasmtime's own WASI, which can stop it by an epoch or not."""

    def __init__(self, program: Path, folder: Path, epochs: bool) -> None:
        folder.mkdir()
        self.folder = folder
        self.output = folder / "output"
        config = wasmtime.Config()
        config.epoch_interruption = epochs
        self.engine = wasmtime.Engine(config)
        self.linker = wasmtime.Linker(self.engine)
        self.linker.define_wasi()
        self.module = wasmtime.Module.from_file(self.engine, str(program))

    def run(self, case: _Case) -> float:
        root = self.folder / "root"
        root.mkdir()
        config = wasmtime.WasiConfig()
        config.argv = ["sqlite", *case.arguments]
        config.preopen_dir(str(root), "/")
        config.stdout_file = str(self.output)
        with wasmtime.Store(self.engine) as store:  # what was written is there once it is closed
            store.set_wasi(config)
            store.set_epoch_deadline(1)  # which never comes
            start = self.linker.instantiate(store, self.module).exports(store)["_start"]
            assert isinstance(start, wasmtime.Func)
            start(store)
        shutil.rmtree(root)
        return _microseconds(self.output.read_text())
