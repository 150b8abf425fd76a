"""The wait for a compilation: on a thread of its own, so that no exception from outside can strike it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hardtack.runtime.worker import Job, wait_for
from hardtack.wasm.compilation import COMPILE_BYTES, COMPILE_SECONDS, CompileLimits

if TYPE_CHECKING:
    from hardtack.runtime.starting import Start
    from hardtack.wasm.compilation import Uncompiled
    from hardtack.wasm.modules import ModuleCache


class Compiling:
    """One compilation for a program that is to be started.

    Args:
        modules: where it is known afterwards.
        missing: the program.
        start: what it is wanted for; its wall time is running.
        timeout: ns that its caller waits for it at most, or None.
    """

    def __init__(self, modules: ModuleCache, missing: Uncompiled, start: Start, timeout: int | None) -> None:
        limits = start.limits
        memory = COMPILE_BYTES if limits.compile_memory is None else limits.compile_memory
        cpu = COMPILE_SECONDS if limits.compile_cpu is None else limits.compile_cpu
        wall = None if limits.wall is None else int(limits.wall * 1e9)
        allowed = min((most for most in (wall, timeout) if most is not None), default=None)
        self._why = ""
        if allowed is not None:
            self._why = (
                f"wall limit: it was not done after {allowed / 1e9:g} s; give it more time once: "
                "what was compiled is kept"
            )
        self._compilation = modules.compilation(missing, CompileLimits(memory, cpu))
        self.job = Job(
            lambda: modules.compile(self._compilation, missing),
            None if allowed is None else start.began + allowed,
        )

    def begin(self, job: Job) -> None:
        """Begin; to do so twice does no harm."""
        threading.Thread(target=job.run, name="hardtack compiler", daemon=True).start()

    def hurry(self) -> None:
        """Have it end now: its time is over, or nobody waits for it any more."""
        if self.job.stopped:
            self._compilation.stop()
        else:
            self._compilation.stop("wall", self._why)

    def wait(self) -> None:
        """Begin, and wait until it is done; blocks.

        Raises:
            ProgramError: see `Compilation.run`; or its time was over.
            BaseException: what struck the caller meanwhile; nothing of the compilation is left.
        """
        try:
            wait_for(self.job, self.begin, self.hurry)
        finally:
            del self.job  # an error refers to this frame: no cycle
