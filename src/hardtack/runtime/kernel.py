r"""Kernel: run WebAssembly programs in this process, under one heap that none of them can exhaust.

    >>> from hardtack import Kernel
    >>> with Kernel(heap="16 MiB") as kernel:
    ...     kernel.run("/bin/echo", ["hello"]).stdout
    b'hello\n'

Guests run on the thread that waits for one of them, all of them while any is waited for, and stand still
in between. A kernel may be used from several threads, one at a time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hardtack.errors import InternalError, KernelError, ProgramError, ReservationImpossible
from hardtack.heap import Heap, HeapStatistics
from hardtack.kernel.guest import UserMemory
from hardtack.kernel.host import Host
from hardtack.kernel.host_files import open_host_directory
from hardtack.kernel.params import MAX_OUTPUT, SCHEDULER_BYTES, START_BYTES
from hardtack.kernel.process import GONE, KILLED_STATUS, ZOMBIE
from hardtack.kernel.process import Process as KernelProcess
from hardtack.kernel.scheduler import Scheduler
from hardtack.kernel.streams import Capture, HostStream, Null, Source
from hardtack.kernel.system import HostClock, System
from hardtack.units import format_bytes, parse_bytes
from hardtack.wasm.engine import Engine
from hardtack.wasm.imports import CallPage
from hardtack.wasm.modules import ModuleCache, Programs
from hardtack.wasm.preview1 import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hardtack.heap import Policy
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.guest import Image
    from hardtack.kernel.system import Kill


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took.

    Attributes:
        heap_peak: the most bytes of the kernel's heap that its process tree held at once.
        memory: bytes of linear memory that the program had at its end.
        seconds: wall time from its start to its end.
    """

    heap_peak: int
    memory: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended.

    Attributes:
        exit_code: what it gave to exit; 137 if it was killed, 134 if it trapped, 127 if it never started.
        stdout: what it wrote there, unless that went elsewhere.
        stderr: likewise.
        killed: why it was killed, or None.
        failure: the trap's text, or why it could not start, or None.
        truncated: whether it wrote more than the limit of captured output, and met ENOSPC.
        usage: what it took.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    killed: str | None
    failure: str | None
    truncated: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class KernelStatistics:
    """A kernel's books at one moment.

    Attributes:
        heap: the kernel's heap.
        files: the heap of the file system in memory.
        memory: bytes of user memory in use.
        memory_peak: the most that ever was.
        memory_capacity: the most that may be.
        processes: processes alive, or ended and not yet waited for.
        waits: system calls that had to wait for memory.
        kills: process trees that were killed to free memory, in order; the last 256.
        failed_calls: system calls that met a failed allocation; 0 unless the policy is another than reserve.
    """

    heap: HeapStatistics
    files: HeapStatistics
    memory: int
    memory_peak: int
    memory_capacity: int
    processes: int
    waits: int
    kills: tuple[Kill, ...]
    failed_calls: int


class Process:
    """A program that was started: its pid, and the way to wait for it or kill it."""

    def __init__(self, kernel: Kernel, process: KernelProcess, captures: Sequence[Capture | None]) -> None:
        self._kernel = kernel
        self._process = process
        self._captures = captures
        self._started = time.monotonic()
        self._result: Result | None = None
        self.pid = process.pid

    @property
    def running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process.state not in {ZOMBIE, GONE}

    def wait(self, timeout: float | None = None) -> Result:
        """Run the kernel's processes until this one has ended; blocks. Its process tree ends with it.

        Args:
            timeout: seconds; when they are over, the program and its process tree are killed.

        Raises:
            KeyboardInterrupt: Ctrl-C; the program and its process tree were killed.
        """
        if self._result is None:
            self._result = self._kernel._wait(self, timeout)
        return self._result

    def kill(self, why: str = "killed by the host") -> None:
        """End the program and its process tree at once."""
        self._kernel._kill(self, why)


def _stream(fd: int) -> Description:
    if fd == subprocess.DEVNULL:
        return Null()
    try:
        return HostStream(fd)
    except OSError as error:
        raise KernelError(f"descriptor {fd}: {error.strerror}") from None


class _Loader:
    """Finds programs for spawn, outside the kernel's heap: compiled modules are not the kernel's memory."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._heap = Heap(None, name="modules")

    def find(self, path: bytes) -> Image | None:
        """Return the image at a guest's path, or None."""
        image: Image | None = self._heap.run(self._programs.find, path)
        return image


class Kernel:
    """An operating-system kernel for WebAssembly programs.

    Args:
        heap: capacity of the kernel's heap: descriptors, processes, pipes, files in memory, captured output.
        memory: capacity of user memory: linear memories and stacks.
        fs_size: capacity of the file system in memory, a part of heap; half of it by default.
        dirs: directories of the host that guests may use, as {guest's name: path on the host}.
        on_exhaustion: what the kernel does when its heap is full. "reserve" is the one to use; the others
            are there to be looked at, and may take the whole Python process with them.

    Raises:
        ReservationImpossible: the heap is too small for a kernel, with both numbers.
        KernelError: fs_size is not less than heap, or a directory is not there.

    Example:
        >>> kernel = Kernel(heap="16 MiB")
        >>> result = kernel.run("/bin/wc", ["-w"], stdin=b"one two three")
        >>> result.exit_code, result.stdout.split()
        (0, [b'3'])
        >>> kernel.close()
    """

    def __init__(
        self,
        heap: int | str = "64 MiB",
        memory: int | str = "1 GiB",
        *,
        fs_size: int | str | None = None,
        dirs: Mapping[str, str | os.PathLike[str]] | None = None,
        on_exhaustion: Policy = "reserve",
    ) -> None:
        capacity = parse_bytes(heap)
        files_capacity = capacity // 2 if fs_size is None else parse_bytes(fs_size)
        if files_capacity >= capacity:
            raise KernelError(
                f"the file system's size, {format_bytes(files_capacity)}, must be less than the heap's, "
                f"{format_bytes(capacity)}: it is a part of it"
            )
        least = 2 * (SCHEDULER_BYTES + START_BYTES)
        if capacity - files_capacity < least:
            raise ReservationImpossible(least, capacity - files_capacity, "kernel")
        self._lock = threading.RLock()
        self._closed = False
        page = CallPage()
        self._system = System(
            Heap(capacity, name="kernel", on_exhaustion=on_exhaustion),
            files_capacity,
            UserMemory(parse_bytes(memory)),
            HostClock(),
        )
        self._scheduler = Scheduler(self._system)
        self._host = Host(self._system, self._scheduler)
        self._engine = Engine(entries(self._system, page), self._system.user_memory, page=page)
        self._modules = ModuleCache(self._engine)
        self._programs = _Loader(Programs(self._modules))
        self._system.loader = self._programs
        preopens: list[Description] = [self._system.open_root(b"/")]
        for name, path in (dirs or {}).items():
            preopens.append(open_host_directory(self._system, name, Path(path)))
        for description in preopens:
            description.references += 1
        self._system.preopens = tuple(preopens)

    # -- running programs
    def run(
        self,
        program: str | os.PathLike[str] | bytes,
        args: Sequence[str] = (),
        *,
        stdin: bytes | int = b"",
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        max_output: int | str = MAX_OUTPUT,
    ) -> Result:
        """Run a program to its end; blocks. See `spawn` for the arguments and `Process.wait` for timeout.

        Raises:
            ProgramError: it is no WebAssembly program, or imports what hardtack does not have.
            KernelError: a file does not fit, or no process can be made.

        Example:
            >>> with Kernel(heap="16 MiB") as kernel:
            ...     kernel.run("/bin/cat", ["/greeting"], files={"/greeting": b"hi"}).stdout
            b'hi'
        """
        process = self.spawn(
            program,
            args,
            stdin=stdin,
            files=files,
            env=env,
            stdout=stdout,
            stderr=stderr,
            max_output=max_output,
        )
        return process.wait(timeout)

    def spawn(
        self,
        program: str | os.PathLike[str] | bytes,
        args: Sequence[str] = (),
        *,
        stdin: bytes | int = b"",
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        max_output: int | str = MAX_OUTPUT,
        protected: bool = False,
    ) -> Process:
        """Start a program; it runs while this or another process is waited for.

        Args:
            program: a .wasm file on the host, its bytes, or a built-in program's path such as "/bin/sh".
            args: its arguments, without argv[0].
            stdin: what it reads, or a descriptor of the host, or subprocess.DEVNULL.
            files: files to put into the file system in memory first, as {guest's path: content}.
            env: its environment; nothing of the host's is passed on.
            stdout: a descriptor of the host to write to, or subprocess.DEVNULL; None captures the output.
            stderr: likewise.
            max_output: the most bytes that are captured of each; beyond it the guest's writes meet ENOSPC.
            protected: never kill it to free memory.

        Raises:
            ProgramError: it is no WebAssembly program, or imports what hardtack does not have.
            KernelError: a file does not fit, or no process can be made.
        """
        with self._lock:
            self._check_open()
            image, name = self._open(program)
            for path, data in (files or {}).items():
                self._host.write_file(path, data)
            captures: list[Capture | None] = [None, None]

            def make_streams(process: KernelProcess) -> list[Description]:
                limit = parse_bytes(max_output)
                with process.group.heap:
                    streams = [_stream(stdin) if isinstance(stdin, int) else Source(stdin)]
                    for index, fd in enumerate((stdout, stderr)):
                        if fd is None:
                            captures[index] = stream = Capture(process.group.heap, limit)
                            streams.append(stream)
                        else:
                            streams.append(_stream(fd))
                return streams

            environment = [f"{name}={value}" for name, value in (env or {}).items()]
            process = self._host.start(image, [name, *args], environment, make_streams, protected)
            return Process(self, process, captures)

    def run_turns(self, turns: int) -> None:
        """Let the processes get on for so many turns, waiting for none of them; blocks.

        A turn is a process's share of the processor, or half a second at most in which all of them wait.

        Raises:
            KeyboardInterrupt: Ctrl-C; the processes are as they were, between two turns.
        """
        with self._lock:
            self._check_open()
            scheduler = self._scheduler
            last = scheduler.turns + turns
            with self._interrupts() as interrupted:
                scheduler.run(lambda: scheduler.turns >= last)
                stopped = interrupted()
            self._raise_bugs()
            if stopped:
                raise KeyboardInterrupt

    def _open(self, program: str | os.PathLike[str] | bytes) -> tuple[Image, str]:
        """Return a program's image, and its argv[0]."""
        if isinstance(program, bytes):
            return self._modules.load(program, "program"), "program.wasm"
        if isinstance(program, str) and program.startswith("/bin/"):
            image = self._programs.find(program.encode())
            if image is not None:
                return image, image.name
        path = Path(program)
        try:
            return self._modules.load(path), path.name
        except OSError as error:
            raise ProgramError(f"{path}: {error.strerror}") from None

    def _wait(self, handle: Process, timeout: float | None) -> Result:
        process = handle._process
        deadline = None if timeout is None else time.monotonic_ns() + int(timeout * 1e9)
        with self._lock:
            self._check_open()
            with self._interrupts() as interrupted:
                done = self._scheduler.run(lambda: process.state in {ZOMBIE, GONE}, deadline)
                if not done:
                    if interrupted():
                        why = "interrupted"
                    elif deadline is not None and time.monotonic_ns() >= deadline:
                        why = f"timeout: it had not ended after {timeout:g} s"
                    else:
                        why = "deadlock: every process waits, and nothing is left that could wake one"
                    self._system.end(process, KILLED_STATUS, why)
                self._system.kill_group(process.group, "its process tree's first program ended")
            result = self._result(handle)
            self._raise_bugs()
            if interrupted():
                raise KeyboardInterrupt
            return result

    def _result(self, handle: Process) -> Result:
        process = handle._process
        outputs = [b"" if capture is None else capture.take() for capture in handle._captures]
        truncated = any(capture is not None and capture.refused for capture in handle._captures)
        assert process.status is not None
        return Result(
            exit_code=process.status,
            stdout=outputs[0],
            stderr=outputs[1],
            killed=process.killed,
            failure=process.failure,
            truncated=truncated,
            usage=Usage(process.group.heap.peak, process.user_bytes, time.monotonic() - handle._started),
        )

    def _kill(self, handle: Process, why: str) -> None:
        with self._lock:
            if handle.running:
                self._system.end(handle._process, KILLED_STATUS, why)
            self._system.kill_group(handle._process.group, why)

    @contextlib.contextmanager
    def _interrupts(self) -> Iterator[Callable[[], bool]]:
        """Have Ctrl-C stop the scheduler between two turns instead of in the middle of a system call."""
        scheduler = self._scheduler
        scheduler.interrupted = False
        catch = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )

        def interrupt(*_: object) -> None:
            scheduler.interrupted = True

        if catch:
            signal.signal(signal.SIGINT, interrupt)
        try:
            yield lambda: scheduler.interrupted
        finally:
            if catch:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    # -- files
    def write_file(self, path: str, data: bytes) -> None:
        """Put a file into the file system in memory, making the directories above it.

        Raises:
            KernelError: the path leads nowhere, or the file system is full.
        """
        with self._lock:
            self._check_open()
            self._host.write_file(path, data)

    def read_file(self, path: str) -> bytes:
        """Return the content of a file in the file system in memory.

        Raises:
            KernelError: there is no such file.
        """
        with self._lock:
            self._check_open()
            return self._host.read_file(path)

    def remove_file(self, path: str) -> None:
        """Remove a file from the file system in memory.

        Raises:
            KernelError: there is no such file.
        """
        with self._lock:
            self._check_open()
            self._host.remove_file(path)

    # -- books
    def statistics(self) -> KernelStatistics:
        """Return the kernel's books at this moment."""
        system = self._system
        return KernelStatistics(
            heap=system.heap.statistics(),
            files=system.files.heap.statistics(),
            memory=system.user_memory.used,
            memory_peak=system.user_memory.peak,
            memory_capacity=system.user_memory.capacity,
            processes=system.processes.count - 1,
            waits=system.waits,
            kills=tuple(system.kills),
            failed_calls=system.failed_calls,
        )

    def check(self) -> None:
        """Check every invariant of the kernel: files, descriptors, processes, heaps.

        Raises:
            InternalError: one does not hold; the message says which.
        """
        wrong = self._system.check()
        if wrong:
            raise InternalError("; ".join(wrong))
        self._raise_bugs()

    def _raise_bugs(self) -> None:
        bugs = self._system.bugs + list(self._engine.errors)
        if bugs:
            raise InternalError("; ".join(bugs))

    # -- life
    def _check_open(self) -> None:
        if self._closed:
            raise KernelError("this kernel is closed")

    def close(self) -> None:
        """End every process and let go of everything. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._system.end_all("the kernel was closed")
            for description in self._system.preopens:
                description.references -= 1
                if description.references == 0:
                    description.release()
            self._system.preopens = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
