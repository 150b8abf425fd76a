"""Compiling a program in a child process, with limits of memory, processor time and wall time.

wasmtime compiles whatever is valid, and a program of 8 KB can have it take gigabytes (see `compile_cost`). So
only what is cheap whatever stands in it, and what hardtack ships, is compiled in this process; all else in a
child that the system limits. The code comes back in a file that this process made in its own cache, and only
if the child ended well.

A `Compilation` blocks whoever runs it; any other thread may stop it. Nothing is left of one that failed: no
process, no file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.errors import ProgramError
from hardtack.units import format_bytes
from hardtack.wasm.compiling_child import INVALID, NO_MEMORY

if TYPE_CHECKING:
    from hardtack.wasm.code_cache import CodeCache
    from hardtack.wasm.engine import Code, Engine

COMPILE_BYTES: Final = 2 << 30  # of memory, unless a limit says otherwise; CPython's 26 MB take 325 MB
COMPILE_SECONDS: Final = 120.0  # of processor time; CPython's take 8
MESSAGE: Final = 8192  # bytes of a child's message that are read
_CHILD: Final = "hardtack.wasm.compiling_child"


@dataclass(frozen=True, slots=True)
class CompileLimits:
    """What a compilation may take: bytes of memory, and seconds of processor time."""

    memory: int = COMPILE_BYTES
    cpu: float = COMPILE_SECONDS


class Uncompiled(Exception):
    """A program is neither known nor cheap to compile.

    Attributes:
        data: its bytes.
        name: for people.
        digest: of the bytes.
    """

    def __init__(self, data: bytes, name: str, digest: str) -> None:
        super().__init__(name)
        self.data = data
        self.name = name
        self.digest = digest


class Compilation:
    """One compilation in a child."""

    def __init__(self, engine: Engine, cache: CodeCache, program: Uncompiled, limits: CompileLimits) -> None:
        self._engine = engine
        self._cache = cache
        self._program = program
        self._limits = limits
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped: ProgramError | None = None

    def stop(self, limit: str | None = None, why: str = "it was stopped") -> None:
        """Have it end soon, by a ProgramError that says why. Any thread may call this, and call it again."""
        with self._lock:
            if self._stopped is None:
                self._stopped = self._error(why, limit)
            if self._child is not None:
                self._child.kill()

    def run(self) -> Code:
        """Compile; blocks.

        Raises:
            ProgramError: it is not valid, or a limit was met, which is named; or it was stopped.
        """
        import tempfile  # it is slow to load, and who runs what was compiled before does without

        program = self._program
        with self._cache.unfinished() as (file, path), tempfile.TemporaryFile() as source:
            source.write(program.data)
            source.seek(0)
            with tempfile.TemporaryFile() as message:
                status = self._in_child(source.fileno(), file, message.fileno())
                if status:
                    message.seek(0)
                    raise self._failed(status, message.read(MESSAGE).decode(errors="replace"))
            code = self._engine.load_code(os.fsencode(path))
            self._cache.keep(path, program.digest)
        return code

    def _in_child(self, source: int, code: int, message: int) -> int:
        settings = dict(self._engine.settings)
        limits = self._limits
        about = json.dumps([settings, limits.memory, limits.cpu, os.getpid()])
        with self._lock:
            if self._stopped is not None:
                raise self._stopped
            child = self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", _CHILD, about],  # -P: nothing in this directory is imported
                stdin=source,
                stdout=code,
                stderr=message,
                process_group=0,  # out of reach of a terminal's Ctrl-C
            )
        status = child.wait()
        with self._lock:
            self._child = None
        return status

    def _failed(self, status: int, message: str) -> ProgramError:
        limits = self._limits
        if self._stopped is not None:
            return self._stopped
        if status == INVALID:
            return invalid(self._program.name, message)
        if status in {NO_MEMORY, -signal.SIGABRT}:
            return self._error(
                f"compile_memory limit: it takes more than {format_bytes(limits.memory)}", "compile_memory"
            )
        if status in {-signal.SIGPROF, -signal.SIGXCPU}:
            return self._error(
                f"compile_cpu limit: it takes more than {limits.cpu:g} s of processor time", "compile_cpu"
            )
        if status == -signal.SIGKILL:
            return self._error(
                "the host killed its compiler, as it does where memory is short; with a smaller "
                "compile_memory limit it ends before that",
                None,
            )
        return self._error(f"its compiler ended with status {status}: {message.strip()[-500:]}", None)

    def _error(self, why: str, limit: str | None) -> ProgramError:
        return ProgramError(f"{self._program.name} cannot be compiled: {why}", limit=limit)


def invalid(name: str, message: str) -> ProgramError:
    """Return the error about a program that wasmtime refuses, with wasmtime's message on one line."""
    detail = ": ".join(line.strip() for line in message.splitlines() if line.strip())
    return ProgramError(f"{name} is not a valid WebAssembly module: {detail}")
