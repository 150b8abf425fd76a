"""Process: a program that was started, as its caller holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel.host_pipes import HostInput, HostOutput
from hardtack.kernel.process import ENDED
from hardtack.kernel.streams import Capture, HostStream
from hardtack.runtime.arguments import as_nanoseconds
from hardtack.runtime.results import Result, Usage
from hardtack.runtime.streams import InputStream, OutputStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process as KernelProcess
    from hardtack.runtime.kernel import Kernel


class Process:
    """A program that was started.

    Attributes:
        pid: its number.
        stdin: where to write what it reads, if it was started with stdin=subprocess.PIPE; else None.
        stdout: what it writes, if it was started with stdout=subprocess.PIPE; else None.
        stderr: likewise.
    """

    def __init__(
        self,
        kernel: Kernel,
        process: KernelProcess,
        streams: Sequence[Description],
        began: int,
    ) -> None:
        self._kernel = kernel
        self._process: KernelProcess | None = process  # until its result is taken: it is kept in the heap
        self._outputs = streams[1:]
        self._began = began
        self._result: Result | None = None
        self.pid = process.pid
        stdin, stdout, stderr = streams
        self.stdin = InputStream(kernel._worker, stdin) if isinstance(stdin, HostInput) else None
        self.stdout = OutputStream(kernel._worker, stdout) if isinstance(stdout, HostOutput) else None
        self.stderr = OutputStream(kernel._worker, stderr) if isinstance(stderr, HostOutput) else None

    @property
    def running(self) -> bool:
        """Tell whether it has not ended yet."""
        process = self._process
        return process is not None and process.state not in ENDED

    def wait(self, timeout: float | None = None) -> Result:
        """Run the kernel's processes until this one has ended; blocks. Its process tree ends with it.

        Args:
            timeout: seconds, from 0; when they are over, the program and its process tree are killed.

        Raises:
            InternalError: something went wrong in the kernel that must not; a bug, please report it.
            BaseException: what a signal's handler raised meanwhile, KeyboardInterrupt at Ctrl-C; the program
                and its process tree were killed.
        """
        return self._result or self._kernel._wait(lambda: self, as_nanoseconds(timeout))

    def kill(self, why: str = "killed by the host") -> None:
        """End the program and its process tree, when the turn that is under way is over."""
        self._kernel._kill(self, why)

    def _take_result(self, now: int) -> Result:
        """Keep what came of the program, and let go of the kernel's own of it; once, when it has ended.

        Args:
            now: monotonic ns.
        """
        process = self._process
        assert process is not None
        outputs = [stream.take() if isinstance(stream, Capture) else b"" for stream in self._outputs]
        truncated = any(
            stream.refused
            for stream in self._outputs
            if isinstance(stream, Capture | HostOutput | HostStream)
        )
        account = process.group.account
        assert process.status is not None
        self._result = result = Result(
            exit_code=process.status + 0,
            stdout=outputs[0],
            stderr=outputs[1],
            killed=process.killed,
            failure=process.failure,
            truncated=truncated,
            limit=account.limit,
            limits_met=account.limits_met(output=truncated),
            usage=Usage(  # numbers of our own: the kernel's are in its heap
                process.group.heap.peak,
                process.user_bytes + 0,
                account.user_memory.peak + 0,
                max(0, now - self._began) / 1e9,
                None if account.cpu_limit is None else account.cpu_used / 1e9,
            ),
        )
        self._process = None
        self._outputs = ()
        for end in (self.stdin, self.stdout, self.stderr):
            if end is not None:
                end._detach()
        return result
