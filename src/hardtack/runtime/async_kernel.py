r"""AsyncKernel: a kernel for programs that use asyncio.

    >>> import asyncio
    >>> from hardtack import AsyncKernel
    >>> async def main():
    ...     async with AsyncKernel(heap="16 MiB") as kernel:
    ...         results = await asyncio.gather(*[kernel.run("/bin/echo", [str(n)]) for n in range(3)])
    ...     return [result.stdout for result in results]
    >>> asyncio.run(main())
    [b'0\n', b'1\n', b'2\n']

The event loop goes on while programs run: the kernel works on a thread of its own. A task that is cancelled
while it waits for a program ends that program and its process tree first, and a compilation likewise.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self, TypeVar

from hardtack.kernel.params import DISK_SIZE
from hardtack.limits import NO_LIMITS, Limits
from hardtack.runtime.arguments import as_bytes, as_nanoseconds
from hardtack.runtime.kernel import Kernel
from hardtack.runtime.results import KernelStatistics, Result
from hardtack.runtime.starting import checked_start
from hardtack.runtime.streams import CHUNK
from hardtack.runtime.waiting import wait_in_task
from hardtack.runtime.worker import Job
from hardtack.wasm.compilation import Uncompiled

if TYPE_CHECKING:
    import os
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from hardtack.heap import Policy
    from hardtack.runtime.arguments import Input, Output
    from hardtack.runtime.handles import Process
    from hardtack.runtime.starting import Start
    from hardtack.runtime.streams import InputStream, OutputStream
    from hardtack.runtime.worker import Worker

_T = TypeVar("_T")


class AsyncOutputStream:
    """What a program writes to its standard output or error; may be iterated over, chunk by chunk."""

    def __init__(self, stream: OutputStream) -> None:
        self._stream = stream

    async def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes, at least one and `size` at most, or none at the end.

        Raises:
            CancelledError: the task was cancelled; nothing that the program wrote is lost.
        """
        worker = self._stream._worker
        job = self._stream._job(size)
        try:
            return await wait_in_task(job, worker.begin, worker.hurry)  # type: ignore[return-value]
        except BaseException:
            self._stream._give_back(job)
            raise
        finally:
            del job  # an error refers to this frame: no cycle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read chunk by chunk, to the end."""
        while chunk := await self.read():
            yield chunk

    async def close(self) -> None:
        """Read no more: the program's writes meet EPIPE from now on."""
        await _call(self._stream._worker, self._stream._close)


class AsyncInputStream:
    """What a program reads as its standard input."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream

    async def write(self, data: bytes | bytearray | memoryview) -> int:
        """Have the program read these bytes; waits until it has, but for the last 64 KiB.

        Returns:
            How many bytes: all.

        Raises:
            BrokenPipeError: nobody reads them any more.
            KernelError: the kernel or this stream is closed.
            CancelledError: the task was cancelled; some of the bytes may have been written.
        """
        worker = self._stream._worker
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            piece = await wait_in_task(self._stream._job(view[done:]), worker.begin, worker.hurry)
            assert isinstance(piece, int)
            done += piece
        return done

    async def close(self) -> None:
        """Let the program find the end of its input once it has read what was written."""
        await _call(self._stream._worker, self._stream._close)


class AsyncProcess:
    """A program that was started.

    Attributes:
        pid: its number.
        stdin: where to write what it reads, if it was started with stdin=PIPE; else None.
        stdout: what it writes, if it was started with stdout=PIPE; else None.
        stderr: likewise.
    """

    def __init__(self, kernel: Kernel, process: Process) -> None:
        self._kernel = kernel
        self._process = process
        self.pid = process.pid
        self.stdin = None if process.stdin is None else AsyncInputStream(process.stdin)
        self.stdout = None if process.stdout is None else AsyncOutputStream(process.stdout)
        self.stderr = None if process.stderr is None else AsyncOutputStream(process.stderr)

    @property
    def running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process.running

    async def wait(self, timeout: float | None = None) -> Result:
        """Wait until it has ended; its process tree ends with it.

        Args:
            timeout: seconds, from 0; when they are over, the program and its process tree are killed.

        Raises:
            InternalError: something went wrong in the kernel that must not; a bug, please report it.
            CancelledError: the task was cancelled; the program and its process tree were killed.
        """
        return self._process._result or await _watch(
            self._kernel, lambda: self._process, as_nanoseconds(timeout)
        )

    async def kill(self, why: str = "killed by the host") -> None:
        """End the program and its process tree."""
        await _call(self._kernel._worker, self._kernel._kill_tree, self._process, why)


class AsyncKernel:
    """A `Kernel` for asyncio: the same arguments but `outside`, and the same methods as coroutines.

    It may be made anywhere, and used in any event loop, in several at once too.
    """

    def __init__(
        self,
        heap: int | str = "64 MiB",
        memory: int | str = "1 GiB",
        *,
        fs_size: int | str | None = None,
        dirs: Mapping[str, str | os.PathLike[str]] | None = None,
        disk: str | os.PathLike[str] | None = None,
        disk_name: str = "/disk",
        disk_size: int | str = DISK_SIZE,
        limits: Limits = NO_LIMITS,
        on_exhaustion: Policy = "reserve",
        name: str | None = None,
    ) -> None:
        """Make a kernel; takes some milliseconds. See `Kernel`."""
        self._kernel = Kernel(
            heap,
            memory,
            fs_size=fs_size,
            dirs=dirs,
            disk=disk,
            disk_name=disk_name,
            disk_size=disk_size,
            limits=limits,
            on_exhaustion=on_exhaustion,
            name=name,
        )

    async def run(
        self,
        program: str | os.PathLike[str] | bytes,
        args: Sequence[str] = (),
        *,
        stdin: Input = b"",
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stdout: Output = None,
        stderr: Output = None,
        limits: Limits | None = None,
        listen: Sequence[str | socket.socket] = (),
    ) -> Result:
        """Run a program to its end. See `Kernel.run`.

        Raises:
            Exception: whatever `spawn` and `AsyncProcess.wait` raise.
        """
        nanoseconds = as_nanoseconds(timeout)
        kernel = self._kernel
        start = checked_start(
            program,
            args,
            stdin=stdin,
            files=files,
            env=env,
            stdout=stdout,
            stderr=stderr,
            limits=limits,
            defaults=kernel._limits,
            pipes=False,
            listen=listen,
        )
        return await self._compiled(
            start, nanoseconds, lambda: _watch(kernel, lambda: kernel._start(start), nanoseconds)
        )

    async def spawn(
        self,
        program: str | os.PathLike[str] | bytes,
        args: Sequence[str] = (),
        *,
        stdin: Input = b"",
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        limits: Limits | None = None,
        protected: bool = False,
        listen: Sequence[str | socket.socket] = (),
    ) -> AsyncProcess:
        """Start a program; it runs while some task waits for it, for another, or on a stream.

        See `Kernel.spawn` for the arguments and for what is raised.
        """
        kernel = self._kernel
        start = checked_start(
            program,
            args,
            stdin=stdin,
            files=files,
            env=env,
            stdout=stdout,
            stderr=stderr,
            limits=limits,
            defaults=kernel._limits,
            protected=protected,
            listen=listen,
        )
        process = await self._compiled(start, None, lambda: _call(kernel._worker, kernel._start, start))
        return AsyncProcess(kernel, process)

    async def _compiled(self, start: Start, timeout: int | None, use: Callable[[], Awaitable[_T]]) -> _T:
        while True:
            try:
                return await use()
            except Uncompiled as missing:
                compiling = self._kernel._compiling(missing, start, timeout)
            await wait_in_task(compiling.job, compiling.begin, compiling.hurry)

    # -- files and books
    async def write_file(self, path: str, data: bytes) -> None:
        """Put a file into the file system in memory. See `Kernel.write_file`."""
        self._kernel._check_open()
        await _call(self._kernel._worker, self._kernel._host.write_file, path, as_bytes("data", data))

    async def read_file(self, path: str) -> bytes:
        """Return the content of a file in the file system in memory. See `Kernel.read_file`."""
        self._kernel._check_open()
        return await _call(self._kernel._worker, self._kernel._host.read_file, path)

    async def remove_file(self, path: str) -> None:
        """Remove a file from the file system in memory. See `Kernel.remove_file`."""
        self._kernel._check_open()
        await _call(self._kernel._worker, self._kernel._host.remove_file, path)

    async def statistics(self) -> KernelStatistics:
        """Return the kernel's books at this moment."""
        return await _call(self._kernel._worker, KernelStatistics.of, self._kernel._system)

    async def check(self) -> None:
        """Check every invariant of the kernel. See `Kernel.check`."""
        await asyncio.to_thread(self._kernel.check)

    # -- life
    async def close(self) -> None:
        """End every process and let go of everything. A second call does nothing."""
        await asyncio.shield(asyncio.to_thread(self._kernel.close))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


async def _call(worker: Worker, function: Callable[..., _T], *args: object) -> _T:
    """As `Worker.call`, in a task."""
    job = Job(lambda: function(*args), time.monotonic_ns())
    try:
        return await wait_in_task(job, worker.begin, worker.hurry)  # type: ignore[return-value]
    finally:
        del job  # an error refers to this frame: no cycle


async def _watch(kernel: Kernel, start: Callable[[], Process], nanoseconds: int | None) -> Result:
    """As `Kernel._wait`, in a task."""
    begin, deadline = kernel._waiting(start, nanoseconds)
    worker = kernel._worker
    return await wait_in_task(Job(begin, deadline), worker.begin, worker.hurry)  # type: ignore[return-value]
