"""Programs beside wasmtime's own WASI and Node's: how fast they start and are killed, how many fit.

Peers do what comes closest. wasmtime-py has a thread a guest, and its epochs end a guest that computes; one
that sleeps they do not reach, so its figure is the rest of its sleep.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.lab.bench_calls import PROGRAMS, hello_beside
from hardtack.lab.rows import Row, row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    Figures = dict[str, list[float]]
    Progress = Callable[[str], None] | None

KILLS: Final = 10  # in one round
SETTLED_SECONDS: Final = 0.02  # until a guest is where it will be killed
DENSITY: Final = 1000  # guests of ours that are blocked
PEER_DENSITY: Final = 200  # of the peer's: a thread each
SLEEP_SECONDS: Final = 1  # of a peer's guest that cannot be stopped


# -- starting
def measure_startup(rounds: int = 7, progress: Progress = None) -> list[Row]:
    """Measure the start of `hello`: again in a kernel, and in a new process, its code known or not."""
    rows = [hello_beside(rounds, progress)]
    cold: Figures = {"ours": [], "wasmtime": []}
    warm: Figures = {"ours": [], "wasmtime": []}
    if shutil.which("node"):
        warm["node"] = []
    _tell(progress, "new processes")
    with tempfile.TemporaryDirectory() as cache:
        _child(_OURS, cache)
        for _ in range(rounds):
            warm["ours"].append(_child(_OURS, cache))
            theirs = _child(_WASMTIME, cache)
            warm["wasmtime"].append(theirs)
            cold["wasmtime"].append(theirs)  # it keeps no code
            if "node" in warm:
                warm["node"].append(_node())
            with tempfile.TemporaryDirectory() as empty:
                cold["ours"].append(_child(_OURS, empty))
    return [*rows, row_of("startup_process", "ms", warm), row_of("startup_process_cold", "ms", cold)]


_OURS: Final = "from hardtack import Kernel\nKernel(heap='16 MiB').run('/bin/hello')"
_WASMTIME: Final = f"""
import wasmtime
engine = wasmtime.Engine()
store = wasmtime.Store(engine)
wasi = wasmtime.WasiConfig()
wasi.argv = ["hello"]
wasi.stdout_file = "/dev/null"
store.set_wasi(wasi)
linker = wasmtime.Linker(engine)
linker.define_wasi()
module = wasmtime.Module.from_file(engine, {str(PROGRAMS / "hello.wasm")!r})
try:
    linker.instantiate(store, module).exports(store)["_start"](store)
except wasmtime.ExitTrap:
    pass
"""
_NODE: Final = f"""
const {{ readFileSync }} = require('node:fs');
const {{ WASI }} = require('node:wasi');
const wasi = new WASI({{ version: 'preview1', args: ['hello'], returnOnExit: true }});
const compiled = new WebAssembly.Module(readFileSync({str(PROGRAMS / "hello.wasm")!r}));
wasi.start(new WebAssembly.Instance(compiled, wasi.getImportObject()));
"""


def _child(script: str, cache: str) -> float:
    """Return the ms that a new Python takes for a script, its modules' bytecode kept as pip would keep it."""
    environment = {**os.environ, "HARDTACK_CACHE": cache, "PYTHONDONTWRITEBYTECODE": ""}
    return _timed([sys.executable, "-c", script], environment)


def _node() -> float:
    return _timed(["node", "--no-warnings", "-e", _NODE], dict(os.environ))


def _timed(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


# -- killing
def measure_kill(rounds: int = 7, progress: Progress = None) -> list[Row]:
    """Measure from the order to kill to the end: of a guest that is blocked, and of one that computes."""
    blocked: Figures = {"ours": [], "wasmtime": []}
    spinning: Figures = {"ours": [], "wasmtime": []}
    _tell(progress, "kills")
    with Kernel(heap="16 MiB") as kernel:
        peer = _Epochs()
        for _ in range(rounds):
            blocked["ours"].append(_median(lambda: _kill(kernel, "/bin/sleeper", ["60"])))
            spinning["ours"].append(_median(lambda: _kill(kernel, "/bin/spin", [])))
            blocked["wasmtime"].append(peer.kill("sleeper", [str(SLEEP_SECONDS)]))
            spinning["wasmtime"].append(_median(lambda: peer.kill("spin", [])))
    return [row_of("kill_blocked", "ms", blocked), row_of("kill_spinning", "ms", spinning)]


def _median(measure: Callable[[], float]) -> float:
    return statistics.median([measure() for _ in range(KILLS)])


def _kill(kernel: Kernel, program: str, arguments: list[str]) -> float:
    process = kernel.spawn(program, arguments)
    waiter = threading.Thread(target=process.wait)
    waiter.start()
    time.sleep(SETTLED_SECONDS)
    began = time.perf_counter()
    process.kill()
    taken = time.perf_counter() - began
    assert not process.running
    waiter.join()
    return taken * 1000


class _Epochs:
    """Guests under wasmtime's own WASI, ended by an epoch."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.epoch_interruption = True
        self.engine = wasmtime.Engine(config)
        self.linker = wasmtime.Linker(self.engine)
        self.linker.define_wasi()
        self.modules = {
            name: wasmtime.Module.from_file(self.engine, str(PROGRAMS / f"{name}.wasm"))
            for name in ("sleeper", "spin")
        }

    def run(self, name: str, arguments: list[str]) -> None:
        """Run a guest to its end."""
        store = wasmtime.Store(self.engine)
        store.set_epoch_deadline(1)
        wasi = wasmtime.WasiConfig()
        wasi.argv = [name, *arguments]
        store.set_wasi(wasi)
        start = self.linker.instantiate(store, self.modules[name]).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        try:
            start(store)
        except (wasmtime.Trap, wasmtime.WasmtimeError):
            return
        finally:
            store.close()

    def kill(self, name: str, arguments: list[str]) -> float:
        """Return the ms from a new epoch to the end of a guest that runs."""
        guest = threading.Thread(target=self.run, args=(name, arguments))
        guest.start()
        time.sleep(SETTLED_SECONDS)
        began = time.perf_counter()
        self.engine.increment_epoch()
        guest.join()
        return (time.perf_counter() - began) * 1000


# -- how many
def measure_density(rounds: int = 7, progress: Progress = None) -> list[Row]:
    """Measure what a guest that sleeps takes of the host's memory, and how long each takes to get there."""
    memory: Figures = {"ours": [], "wasmtime": []}
    seconds: Figures = {"ours": [], "wasmtime": []}
    for number in range(min(rounds, 3)):
        _tell(progress, f"density, round {number + 1}")
        for host in memory:
            done = subprocess.run(
                [sys.executable, "-c", f"from {__name__} import {host}_blocked as measure; measure()"],
                capture_output=True,
                text=True,
                check=True,
            )
            kibibytes, milliseconds = map(float, done.stdout.split())
            memory[host].append(kibibytes)
            seconds[host].append(milliseconds)
    return [
        row_of("blocked_process_memory", "KiB", memory),
        row_of("blocked_process_start", "ms", seconds),
    ]


def ours_blocked() -> None:
    """Print what each of 1,000 sleepers takes here, in KiB, and the ms to start one; in a child."""
    with Kernel(heap="64 MiB", memory="4 GiB") as kernel:
        kernel.run("/bin/sleeper", ["0"])
        before, began = _resident(), time.perf_counter()
        for _ in range(DENSITY):
            kernel.spawn("/bin/sleeper", ["600"])
        while kernel._system.run_queue.first is not None:
            kernel.run_turns(DENSITY)
        _print(before, began, DENSITY)


def wasmtime_blocked() -> None:
    """Print the same of 200 sleepers under wasmtime's own WASI, each on a thread; in a child."""
    peer = _Epochs()
    peer.run("sleeper", ["0"])
    before, began = _resident(), time.perf_counter()
    for _ in range(PEER_DENSITY):
        threading.Thread(target=peer.run, args=("sleeper", ["600"]), daemon=True).start()
    _print(before, began, PEER_DENSITY)
    os._exit(0)  # nothing else ends those threads


def _print(before: int, began: float, count: int) -> None:
    taken = (time.perf_counter() - began) * 1000 / count
    time.sleep(1)  # the last ones are on their way
    print((_resident() - before) / count / 1024, taken, flush=True)  # noqa: T201 - for the parent


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _tell(progress: Progress, what: str) -> None:
    if progress is not None:
        progress(what)
