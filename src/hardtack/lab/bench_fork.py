"""fork, exit and wait, beside what others can do: the host's own processes, and a new instance of wasmtime's.

Our program `forktime` forks children that exit at once and waits for each; it has 10 descriptors or 10,000
open, and nobody or 1,000 sleeping children beside it. No other host of WebAssembly forks, so peers are a fork
of the host's kernel, out of a Python process with as many descriptors, and, as the least that wasmtime's own
WASI needs for another program: a new store and instance of one that exits at once.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.errors import InternalError
from hardtack.lab.rows import Row, row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS: Final = Path(__file__).parent.parent / "programs"
FORKS: Final = 200  # in one round
_HOST: Final = "the host's fork"
_WASMTIME: Final = "wasmtime, new instance"
# name: descriptors, processes beside
_CASES: Final = {
    "fork_10_descriptors": (10, 0),
    "fork_10000_descriptors": (10_000, 0),
    "fork_100_processes": (10, 100),
    "fork_1000_processes": (10, 1_000),
}
# Forks, exits and waits on the host, in a process of its own; prints ns for each.
_NATIVE: Final = """
import os, resource, sys, time
count, descriptors = int(sys.argv[1]), int(sys.argv[2])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
if hard != resource.RLIM_INFINITY and hard < descriptors + 50:
    sys.exit("too few descriptors")
for _ in range(descriptors):
    os.dup(0)
begin = time.perf_counter_ns()
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    os.waitpid(pid, 0)
print((time.perf_counter_ns() - begin) / count)
"""


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure every case on all sides, in turns.

    Args:
        rounds: how often; figures are medians over the rounds.
        progress: told what is being measured.

    Returns:
        A row a case, in us for a fork, exit and wait.
    """
    rows = []
    with Kernel(heap="64 MiB", memory="8 GiB") as kernel:
        start_instance = _instances()
        for name, (descriptors, beside) in _CASES.items():
            if progress is not None:
                progress(name)
            figures: dict[str, list[float]] = {"ours": [], _HOST: [], _WASMTIME: []}
            for _ in range(rounds):
                figures["ours"].append(_ours(kernel, descriptors, beside))
                native = _native(descriptors)
                if native is not None:
                    figures[_HOST].append(native)
                figures[_WASMTIME].append(_each(start_instance))
            measured = {side: values for side, values in figures.items() if values}
            rows.append(row_of(name, "us", measured))
    return rows


def _ours(kernel: Kernel, descriptors: int, beside: int) -> float:
    result = kernel.run("/bin/forktime", [str(FORKS), str(descriptors), str(beside)], timeout=300)
    if result.exit_code:
        raise InternalError(f"forktime failed: {result.stderr.decode()}{result.failure or ''}")
    return int(result.stdout) / 1000


def _native(descriptors: int) -> float | None:
    """Return us for a fork of the host's; None where it lets nobody have so many descriptors."""
    command = [sys.executable, "-I", "-S", "-c", _NATIVE, str(FORKS), str(descriptors)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) / 1000 if done.returncode == 0 else None


def _instances() -> Callable[[], None]:
    """Return a function that has wasmtime make a store and an instance of `true`, and run it."""
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    module = wasmtime.Module.from_file(engine, str(PROGRAMS / "true.wasm"))

    def start() -> None:
        store = wasmtime.Store(engine)
        store.set_wasi(wasmtime.WasiConfig())
        function = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(function, wasmtime.Func)
        function(store)

    return start


def _each(start: Callable[[], None]) -> float:
    begin = time.perf_counter_ns()
    for _ in range(FORKS):
        start()
    return (time.perf_counter_ns() - begin) / FORKS / 1000
