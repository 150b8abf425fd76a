"""Runs a WASI program under wasmtime's own WASI: what hardtack's preview1 is held against.

The program gets one directory, "/", which is the host's, fresh and empty unless one is given; standard input
from bytes; standard output and standard error into files.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import wasmtime


class Result(NamedTuple):
    """What a program left behind."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def run(
    wasm: Path,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    root: Path | None = None,
) -> Result:
    """Run a program to its end and return its exit code and output.

    Args:
        wasm: the program's file, whose name with its suffix is argv[0].
        args: the arguments after argv[0].
        env: the environment, in this order.
        stdin: what there is to read from descriptor 0.
        root: the host's directory that is "/".

    Raises:
        wasmtime.WasmtimeError: if the program traps; also for an exit code from 126 up, as wasmtime has it.
    """
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "root").mkdir()
        root = root or scratch / "root"
        (scratch / "stdin").write_bytes(stdin)
        config = wasmtime.WasiConfig()
        config.argv = [wasm.name, *args]
        config.env = list((env or {}).items())
        config.preopen_dir(str(root), "/")
        config.stdin_file = str(scratch / "stdin")
        config.stdout_file = str(scratch / "stdout")
        config.stderr_file = str(scratch / "stderr")
        exit_code = _start(_module(wasm), config)
        return Result(exit_code, (scratch / "stdout").read_bytes(), (scratch / "stderr").read_bytes())


@functools.cache
def _engine() -> wasmtime.Engine:
    return wasmtime.Engine()


@functools.cache
def _module(wasm: Path) -> wasmtime.Module:
    return wasmtime.Module.from_file(_engine(), str(wasm))


def _start(module: wasmtime.Module, config: wasmtime.WasiConfig) -> int:
    linker = wasmtime.Linker(_engine())
    linker.define_wasi()
    with wasmtime.Store(_engine()) as store:
        store.set_wasi(config)
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        try:
            start(store)
        except wasmtime.ExitTrap as end:
            return end.code
    return 0
