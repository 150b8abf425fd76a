"""The host's ends of a running program's streams.

    >>> import subprocess
    >>> from hardtack import Kernel
    >>> with Kernel(heap="16 MiB") as kernel:
    ...     cat = kernel.spawn("/bin/cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ...     cat.stdin.write(b"ship's biscuit")
    ...     cat.stdin.close()
    ...     b"".join(cat.stdout)
    14
    b"ship's biscuit"

Programs run while somebody reads, writes or waits. At most 64 KiB are on their way in a stream: a program
that writes more waits until they are read, and `write` waits until the program has read. What a program wrote
before it ended can still be read afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.runtime.worker import Job, Watch, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.kernel.host_pipes import HostInput, HostOutput
    from hardtack.runtime.worker import Worker

CHUNK: Final = 65536  # bytes that one read returns at most, unless it is asked for less


class ReadSide:
    """What both faces of an output have in common. What is not said otherwise runs on the kernel's thread."""

    def __init__(self, worker: Worker, pipe: HostOutput) -> None:
        self._worker = worker
        self._pipe: HostOutput | None = pipe
        self._ahead: list[bytes] = []  # what was read and given to nobody yet

    def _job(self, size: int) -> Job:
        """Return a job that reads; on the caller's thread."""
        if size < 1:
            raise ValueError(f"at least one byte is read, not {size}")

        def begin() -> bytes | Watch[bytes]:
            return self._take(size) if self._ready() else Watch(self._ready, finish)

        def finish(why: str | None) -> bytes:
            return b"" if why is not None else self._take(size)

        return Job(begin, None)

    def _ready(self) -> bool:
        return bool(self._ahead) or self._pipe is None or self._pipe.ready()

    def _take(self, size: int) -> bytes:
        if not self._ahead:
            return b"" if self._pipe is None else self._pipe.take(size)
        piece = self._ahead.pop(0)
        if len(piece) > size:
            self._ahead.insert(0, piece[size:])
        return piece[:size]

    def _give_back(self, job: Job) -> None:
        """Keep what a job has read whose caller was struck by an exception; on that caller's thread."""
        if isinstance(job.result, bytes) and job.result:
            self._ahead.insert(0, job.result)

    def _close(self) -> None:
        self._ahead.clear()
        if self._pipe is not None:
            self._pipe.close()

    def _detach(self) -> None:
        """Let go of a pipe whose program has ended; what it wrote is the host's."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
            while piece := pipe.take(CHUNK):
                self._ahead.append(piece)


class WriteSide:
    """What both faces of an input have in common."""

    def __init__(self, worker: Worker, pipe: HostInput) -> None:
        self._worker = worker
        self._pipe: HostInput | None = pipe
        self._closed = False

    def _job(self, data: memoryview) -> Job:
        """Return a job that writes some of the bytes; on the caller's thread."""

        def begin() -> int | Watch[int]:
            return self._put(data) if self._ready() else Watch(self._ready, finish)

        def finish(why: str | None) -> int:
            return 0 if why is not None else self._put(data)

        return Job(begin, None)

    def _ready(self) -> bool:
        return self._pipe is None or self._pipe.ready()

    def _put(self, data: memoryview) -> int:
        if self._closed:
            raise KernelError("this stream was closed: nothing can be written to it any more")
        if self._pipe is None or self._pipe.broken:
            raise BrokenPipeError("nobody reads what is written to this program any more")
        return self._pipe.put(data)

    def _close(self) -> None:
        self._closed = True
        if self._pipe is not None:
            self._pipe.close()

    def _detach(self) -> None:
        """Let go of a pipe whose program has ended."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()


class OutputStream(ReadSide):
    """What a program writes to its standard output or error; may be iterated over, chunk by chunk."""

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes, at least one and `size` at most, or none at the end; blocks.

        Raises:
            BaseException: what a signal's handler raised meanwhile; what had been read by then comes with the
                next read, unless it struck at the very return.
        """
        job = self._job(size)
        try:
            return wait_for(job, self._worker.begin, self._worker.hurry)  # type: ignore[return-value]
        except BaseException:
            self._give_back(job)
            raise
        finally:
            del job  # an error refers to this frame: no cycle

    def __iter__(self) -> Iterator[bytes]:
        """Read chunk by chunk, to the end."""
        while chunk := self.read():
            yield chunk

    def close(self) -> None:
        """Read no more: the program's writes meet EPIPE from now on."""
        self._worker.call(self._close)


class InputStream(WriteSide):
    """What a program reads as its standard input."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Have the program read these bytes; blocks until it has, but for the last 64 KiB.

        Returns:
            How many bytes: all.

        Raises:
            BrokenPipeError: nobody reads them any more.
            KernelError: the kernel or this stream is closed.
            BaseException: what a signal's handler raised meanwhile; some of the bytes may have been written.
        """
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            piece = wait_for(self._job(view[done:]), self._worker.begin, self._worker.hurry)
            assert isinstance(piece, int)
            done += piece
        return done

    def close(self) -> None:
        """Let the program find the end of its input once it has read what was written."""
        self._worker.call(self._close)
