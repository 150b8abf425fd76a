"""Pipes: `cat FILE | wc` of 4 MB, beside the host's own and beside what others can do.

Ours is one kernel's shell with a pipe of the kernel's. The host's is a shell, cat and wc of its own. Others
have no pipes between guests, so they get the host's: our cat and wc under wasmtime's own WASI, a thread each,
and under Node's, a worker each, through a named pipe. Neither starts a process; what they run was compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from hardtack.errors import InternalError
from hardtack.lab.bench_calls import PROGRAMS
from hardtack.lab.rows import Row, row_of
from hardtack.runtime import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

BYTES: Final = 4 << 20
_LINE: Final = b"the quick brown fox jumps over the lazy dog, and nobody sees it do so.\n"
_HOST: Final = "the host's pipe"


def measure(rounds: int = 7, progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure the pipeline on all sides, in turns.

    Raises:
        InternalError: one of them counted something else.
    """
    data = (_LINE * (BYTES // len(_LINE) + 1))[:BYTES]
    figures: dict[str, list[float]] = {"ours": [], _HOST: [], "wasmtime": []}
    if shutil.which("node"):
        figures["node"] = []
    if progress is not None:
        progress("pipes")
    with tempfile.TemporaryDirectory() as folder, Kernel(heap="32 MiB") as kernel:
        path = Path(folder, "data")
        path.write_bytes(data)
        kernel.write_file("/data", data)
        sides: dict[str, Callable[[], tuple[float, bytes]]] = {
            "ours": lambda: _ours(kernel),
            _HOST: lambda: _hosts(path),
            "wasmtime": _Wasmtime(path).run,
            "node": lambda: _node(path),
        }
        expected = b"%d %d %d" % (data.count(b"\n"), len(data.split()), BYTES)
        for number in range(rounds + 1):  # the first warms up
            for side, found in figures.items():
                took, counted = sides[side]()
                if counted.split() != expected.split():
                    raise InternalError(f"{side} counted {counted!r} where {expected!r} is right")
                if number:
                    found.append(took)
    return [row_of("pipe_cat_wc_4m", "ms", figures)]


def _timed(run: Callable[[], bytes]) -> tuple[float, bytes]:
    began = time.perf_counter()
    counted = run()
    return (time.perf_counter() - began) * 1000, counted


def _ours(kernel: Kernel) -> tuple[float, bytes]:
    return _timed(lambda: kernel.run("/bin/sh", ["-c", "cat /data | wc"]).stdout)


def _hosts(path: Path) -> tuple[float, bytes]:
    environment = {**os.environ, "LC_ALL": "C"}
    command = ["/bin/sh", "-c", 'cat "$0" | wc', str(path)]
    return _timed(lambda: subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


class _Wasmtime:
    """cat and wc as guests of wasmtime's own WASI, each on a thread, with a named pipe between."""

    def __init__(self, path: Path) -> None:
        self._engine = wasmtime.Engine()
        self._linker = wasmtime.Linker(self._engine)
        self._linker.define_wasi()
        self._modules = {
            name: wasmtime.Module.from_file(self._engine, str(PROGRAMS / f"{name}.wasm"))
            for name in ("cat", "wc")
        }
        self._path = path
        self._counted = path.with_name("counted")
        self._pipe = path.with_name("pipe")
        os.mkfifo(self._pipe)

    def run(self) -> tuple[float, bytes]:
        """Run both; return the ms, and what was counted."""
        return _timed(self._run)

    def _run(self) -> bytes:
        writer = threading.Thread(target=self._guest, args=("cat", self._path, self._pipe))
        writer.start()
        self._guest("wc", self._pipe, self._counted)
        writer.join()
        return self._counted.read_bytes()

    def _guest(self, name: str, stdin: Path, stdout: Path) -> None:
        store = wasmtime.Store(self._engine)
        wasi = wasmtime.WasiConfig()
        wasi.argv = [name]
        wasi.stdin_file = str(stdin)
        wasi.stdout_file = str(stdout)
        store.set_wasi(wasi)
        start = self._linker.instantiate(store, self._modules[name]).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        try:
            start(store)
        except wasmtime.ExitTrap:
            pass
        finally:
            store.close()  # and with it the pipe


_NODE: Final = """
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { readFileSync, openSync, closeSync } = require('node:fs');
const [programs, path] = process.argv.slice(2);
const pipe = path + '.pipe', counted = path + '.counted';
if (isMainThread) {
  const compile = (name) => new WebAssembly.Module(readFileSync(`${programs}/${name}.wasm`));
  const modules = ['cat', 'wc'].map(compile);
  const [cat, wc] = modules.map(() => new Worker(__filename, { argv: process.argv.slice(2) }));
  let ready = 0, began, left = 2;
  for (const worker of [cat, wc]) {
    worker.on('message', () => {
      if (++ready < 2) return;
      began = process.hrtime.bigint();
      cat.postMessage({ module: modules[0], name: 'cat', from: path, to: pipe });
      wc.postMessage({ module: modules[1], name: 'wc', from: pipe, to: counted });
    });
    worker.on('exit', () => {
      if (--left) return;
      console.log(Number(process.hrtime.bigint() - began) / 1e6);
      process.stdout.write(readFileSync(counted));
    });
  }
} else {
  const { parentPort } = require('node:worker_threads');
  const { WASI } = require('node:wasi');
  parentPort.once('message', ({ module, name, from, to }) => {
    const stdin = openSync(from, 'r'), stdout = openSync(to, 'w');
    const wasi = new WASI({ version: 'preview1', args: [name], stdin, stdout, returnOnExit: true });
    wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
    closeSync(stdout);
  });
  parentPort.postMessage('ready');
}
"""


def _node(path: Path) -> tuple[float, bytes]:
    script, pipe = path.with_suffix(".js"), Path(f"{path}.pipe")
    if not script.exists():
        script.write_text(_NODE)
        os.mkfifo(pipe)
    command = ["node", "--no-warnings", str(script), str(PROGRAMS), str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    took, _, counted = done.stdout.partition(b"\n")
    return float(took), counted
