"""System calls beside wasmtime's own WASI: the same guest, the same kind of storage, in one run.

The guest is our `calls` program, which makes one kind of call in a loop and reports the time itself. Files
are in memory on both sides: in the kernel's file system here, in a tmpfs of the host there. Each figure is
measured in turns, one round after the other, and its median is given.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.lab.rows import Row, row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS: Final = Path(__file__).parent.parent / "programs"
SHARED_MEMORY: Final = Path("/dev/shm")  # a tmpfs
STARTS: Final = 50  # starts of hello in one round


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    operation: str
    calls: int
    size: int
    path: str


_CASES: Final = (
    _Case("fd_write_16", "write", 50_000, 16, "-"),
    _Case("fd_write_16_file", "write", 50_000, 16, "/f"),
    _Case("fd_write_64k", "write", 10_000, 65536, "-"),
    _Case("fd_write_64k_file", "write", 2_000, 65536, "/f"),
    _Case("fd_read_16", "read", 50_000, 16, "-"),
    _Case("fd_read_16_file", "read", 50_000, 16, "/f"),
    _Case("fd_read_64k", "read", 2_000, 65536, "/f"),
    _Case("fd_seek", "seek", 50_000, 0, "/f"),
    _Case("clock", "clock", 50_000, 0, "-"),
    _Case("open_close", "openclose", 10_000, 0, "/f"),
)


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure every case on all sides, in turns.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured.

    Returns:
        A row a case: ours with reservations; as peers wasmtime's own WASI, and ours without reservations.
    """
    with (
        Kernel(heap="64 MiB") as reserving,
        Kernel(heap="64 MiB", on_exhaustion="fail") as plain,
        tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as directory,
    ):
        peer = _Wasmtime(Path(directory))
        rows = []
        for case in _CASES:
            if progress is not None:
                progress(case.name)
            figures: dict[str, list[float]] = {"ours": [], "wasmtime": [], "without reservations": []}
            for _ in range(rounds):
                figures["ours"].append(_ours(reserving, case))
                figures["wasmtime"].append(peer.run(case))
                figures["without reservations"].append(_ours(plain, case))
            rows.append(row_of(case.name, "ns", figures))
        if progress is not None:
            progress("startup")
        figures = {"ours": [], "wasmtime": [], "without reservations": []}
        for _ in range(rounds):
            figures["ours"].append(_microseconds(lambda: reserving.run("/bin/hello")))
            figures["wasmtime"].append(_microseconds(peer.hello))
            figures["without reservations"].append(_microseconds(lambda: plain.run("/bin/hello")))
        rows.append(row_of("startup", "us", figures))
    return rows


def hello_beside(rounds: int, progress: Callable[[str], None] | None) -> Row:
    """Measure a start of `hello` on both sides, in turns, in engines that are there."""
    if progress is not None:
        progress("startup")
    figures: dict[str, list[float]] = {"ours": [], "wasmtime": []}
    with Kernel(heap="64 MiB") as kernel, tempfile.TemporaryDirectory() as directory:
        peer = _Wasmtime(Path(directory))
        for _ in range(rounds):
            figures["ours"].append(_microseconds(lambda: kernel.run("/bin/hello")))
            figures["wasmtime"].append(_microseconds(peer.hello))
    return row_of("startup", "us", figures)


def _microseconds(start: Callable[[], object]) -> float:
    begin = time.perf_counter_ns()
    for _ in range(STARTS):
        start()
    return (time.perf_counter_ns() - begin) / STARTS / 1000


def _ours(kernel: Kernel, case: _Case) -> float:
    writes_away = case.operation == "write" and case.path == "-"
    result = kernel.run(
        "/bin/calls",
        [case.operation, str(case.calls), str(case.size), case.path],
        files={"/f": b""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if writes_away else None,
    )
    return _nanoseconds((result.stdout + result.stderr).decode())


def _nanoseconds(report: str) -> float:
    """Return ns per call from the guest's line, `OP N calls in T ns`."""
    words = report.split()
    return int(words[-2]) / int(words[1])


class _Wasmtime:
    """The same programs under wasmtime's own WASI."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = directory / "output"
        self.root = directory / "root"
        self.root.mkdir()
        (self.root / "f").touch()
        self.engine = wasmtime.Engine()
        self.linker = wasmtime.Linker(self.engine)
        self.linker.define_wasi()
        self.modules = {
            name: wasmtime.Module.from_file(self.engine, str(PROGRAMS / f"{name}.wasm"))
            for name in ("calls", "hello")
        }

    def run(self, case: _Case) -> float:
        arguments = ["calls", case.operation, str(case.calls), str(case.size), case.path]
        report, away = str(self.output), "/dev/null"
        self._start("calls", arguments, *((away, report) if case.path == "-" else (report, away)))
        return _nanoseconds(self.output.read_text())

    def hello(self) -> None:
        self._start("hello", ["hello"], str(self.output), "/dev/null")

    def _start(self, name: str, arguments: list[str], stdout: str, stderr: str) -> None:
        config = wasmtime.WasiConfig()
        config.argv = arguments
        config.preopen_dir(str(self.root), "/")
        config.stdin_file = "/dev/null"
        config.stdout_file = stdout
        config.stderr_file = stderr
        with wasmtime.Store(self.engine) as store:  # what was written is there once it is closed
            store.set_wasi(config)
            start_function = self.linker.instantiate(store, self.modules[name]).exports(store)["_start"]
            assert isinstance(start_function, wasmtime.Func)
            try:
                start_function(store)
            except wasmtime.ExitTrap as end:
                if end.code:
                    raise
