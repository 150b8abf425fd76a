r"""Kernel: run WebAssembly programs in this process, under one heap that none of them can exhaust.

    >>> from hardtack import Kernel
    >>> with Kernel(heap="16 MiB") as kernel:
    ...     kernel.run("/bin/echo", ["hello"]).stdout
    b'hello\n'

Guests run while one of them is waited for, all of them, and stand still in between. A kernel works on a
thread of its own (worker.py); any thread may use it, and several may wait at the same time.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from hardtack.errors import InternalError, KernelError, ProgramError, WrongSize
from hardtack.kernel import death
from hardtack.kernel.params import DISK_SIZE
from hardtack.kernel.process import KILLED_STATUS
from hardtack.kernel.process import Process as KernelProcess
from hardtack.limits import NO_LIMITS, Limits
from hardtack.runtime.arguments import as_bytes, as_directories, as_input, as_nanoseconds, places_of
from hardtack.runtime.compiling import Compiling
from hardtack.runtime.handles import Process
from hardtack.runtime.inspection import Window
from hardtack.runtime.interpreter import Interpreter
from hardtack.runtime.listening import close_all
from hardtack.runtime.loader import not_read
from hardtack.runtime.outside import Outside
from hardtack.runtime.parts import open_directories, open_disk, open_window, put_together, shut
from hardtack.runtime.results import KernelStatistics, Result
from hardtack.runtime.starting import check_limits, checked_start, standard_streams
from hardtack.runtime.worker import Watch, Worker
from hardtack.units import format_bytes, parse_bytes
from hardtack.wasm.compilation import Uncompiled

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hardtack.heap import Policy
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.guest import Image
    from hardtack.runtime.arguments import Input, Output
    from hardtack.runtime.starting import Start

_T = TypeVar("_T")


class Kernel:
    """An operating-system kernel for WebAssembly programs.

    It works on a thread of its own, which ends with `close`, or when nobody refers to the kernel any more.

    Args:
        heap: capacity of the kernel's heap: descriptors, processes, pipes, files in memory, captured output.
        memory: capacity of user memory: linear memories, stacks, arguments and environments.
        fs_size: capacity of the file system in memory, a part of heap; half of it by default.
        dirs: directories of the host that guests may use, as {guest's name: path on the host}.
        disk: a file of the host that holds a durable file system; it is made if it is not there. What a guest
            has synced, and all that was done when `run` returns, is there after any crash.
        disk_name: the guest's name for its root.
        disk_size: the most bytes of that file.
        limits: of each program with its process tree, where those that it is started with say nothing.
        on_exhaustion: what the kernel does when its heap is full. "reserve" is the one to use; the others
            are there to be looked at, and may take the whole Python process with them.
        outside: what it gets from outside; the host by default. With `Virtual(seed)`, the same program takes
            the same turns, run after run.
        name: what it is called; one with a name can be looked at by `hardtack ps` and `hardtack top`.

    Raises:
        WrongSize: the heap, the file system or the disk is too small, with both numbers.
        KernelError: a directory is not there, or the disk cannot be opened.

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
        disk: str | os.PathLike[str] | None = None,
        disk_name: str = "/disk",
        disk_size: int | str = DISK_SIZE,
        limits: Limits = NO_LIMITS,
        on_exhaustion: Policy = "reserve",
        outside: Outside | None = None,
        name: str | None = None,
    ) -> None:
        capacity = parse_bytes(heap)
        files_capacity = capacity // 2 if fs_size is None else parse_bytes(fs_size)
        if files_capacity >= capacity and fs_size is not None:
            raise WrongSize(
                f"the file system's size, {format_bytes(files_capacity)}, must be less than the heap's, "
                f"{format_bytes(capacity)}: it is a part of it"
            )
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is a hardtack.Limits, not {type(limits).__name__}")
        if not isinstance(name, str | None):
            raise TypeError(f"name is a str, not {type(name).__name__}")
        directories = as_directories(dirs)
        self._limits = limits
        self._worker = worker = Worker("hardtack kernel")
        self._outside = outside or Outside()
        self._bugs_raised = 0
        places = places_of([*directories, disk_name] if disk is not None else directories)
        self._hides_root = places.get("")  # the directory that is all a program sees, if one is
        try:
            parts = worker.call(
                put_together,
                worker,
                self._outside,
                capacity,
                files_capacity,
                parse_bytes(memory),
                on_exhaustion,
            )
        except BaseException:
            worker.stop(lambda: None)
            raise
        self._system, self._scheduler, self._host = parts.system, parts.scheduler, parts.host
        self._engine, self._modules, self._programs = parts.engine, parts.modules, parts.programs
        windows: list[Window] = []
        self._end = weakref.finalize(self, shut, worker, self._system, windows)
        try:
            if name is not None:
                windows.append(open_window(name, worker, parts))
            worker.call(open_directories, self._system, self._outside, directories)
            if disk is not None:
                size = parse_bytes(disk_size)
                worker.call(open_disk, self._system, disk_name, os.fspath(disk), size, capacity)
        except BaseException:
            self.close()
            raise

    # -- running programs
    def run(
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
        """Run a program to its end; blocks. See `spawn` for the arguments and `Process.wait` for timeout.

        Raises:
            Exception: whatever `spawn` and `Process.wait` raise.

        Example:
            >>> with Kernel(heap="16 MiB") as kernel:
            ...     kernel.run("/bin/cat", ["/greeting"], files={"/greeting": b"hi"}).stdout
            b'hi'
        """
        nanoseconds = as_nanoseconds(timeout)
        start = checked_start(
            program,
            args,
            stdin=self._input(stdin),
            files=files,
            env=env,
            stdout=stdout,
            stderr=stderr,
            limits=limits,
            defaults=self._limits,
            began=self._outside.begin(),
            listen=listen,
            pipes=False,
        )
        return self._compiled(start, nanoseconds, lambda: self._wait(lambda: self._start(start), nanoseconds))

    def spawn(
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
    ) -> Process:
        """Start a program; it runs while this or another process is waited for. Blocks while a turn lasts.

        If there is no room for it in the kernel's heap, process trees are killed to make some.

        Args:
            program: a .wasm file on the host, its bytes, or a built-in program's path such as "/bin/sh".
            args: its arguments, without argv[0].
            stdin: what it reads, or an open file or descriptor of the host, or subprocess.DEVNULL, or
                subprocess.PIPE for a stream to write to. Descriptors are duplicated, as subprocess does: they
                may be closed when this returns.
            files: files to put into the file system in memory first, as {guest's path: content}.
            env: its environment; nothing of the host's is passed on.
            stdout: an open file or descriptor of the host to write to, or subprocess.DEVNULL, or
                subprocess.PIPE for a stream to read from; None captures the output.
            stderr: likewise.
            limits: of it and all processes that it starts; what they leave open, the kernel's own say.
            protected: never kill it to free memory; when nobody else is left to kill, it ends all the same.
            listen: where it may accept connections, as "ADDR:PORT" or sockets that listen; its descriptors
                from 3 on, before those of directories. A socket is duplicated, and becomes non-blocking.

        Raises:
            ProgramError: it is no WebAssembly program, imports what hardtack does not have, or needs
                more than a limit to start, which `ProgramError.limit` names.
            KernelError: a file does not fit, no process can be made, its heap is full, a descriptor is none,
                nothing can listen at an address, or the kernel is closed.
            TypeError, ValueError: an argument is not of its kind.

        Example:
            >>> with Kernel(heap="16 MiB") as kernel:
            ...     process = kernel.spawn("/bin/cat", stdin=b"hi")
            ...     process.wait(timeout=60).stdout
            b'hi'
        """
        start = checked_start(
            program,
            args,
            stdin=self._input(stdin),
            files=files,
            env=env,
            stdout=stdout,
            stderr=stderr,
            limits=limits,
            defaults=self._limits,
            began=self._outside.begin(),
            protected=protected,
            listen=listen,
        )
        return self._compiled(start, None, lambda: self._worker.call(self._start, start))

    def _compiled(self, start: Start, timeout: int | None, use: Callable[[], _T]) -> _T:
        """Have a program used that is compiled first if it has to be, on a thread of its own."""
        while True:
            try:
                return use()
            except Uncompiled as missing:
                compiling = self._compiling(missing, start, timeout)
            compiling.wait()

    def _compiling(self, missing: Uncompiled, start: Start, timeout: int | None) -> Compiling:
        if self._outside.steady:  # its time is not the host's
            start = replace(start, limits=replace(start.limits, wall=None))
        return Compiling(self._modules, missing, start, timeout)

    def _start(self, start: Start) -> Process:
        """Start a program; on our own thread."""
        self._check_open()
        image, name = self._open(start.program)
        limits = start.limits
        check_limits(limits, image, name)
        streams: list[Description] = []
        listeners: list[socket.socket | None] = []

        def make_streams(process: KernelProcess) -> Iterator[Description]:
            with process.group.heap:
                for stream in standard_streams(start, process, self._system, self._outside):
                    streams.append(stream)
                    yield stream
                yield from map(self._outside.listener, listeners)

        self._outside.settle()
        if start.files and self._hides_root is not None:
            raise KernelError(
                f"a program would not find {min(start.files)}: the directory called {self._hides_root!r} "
                "hides what is in memory; give it another name, such as /here"
            )
        for path, data in start.files.items():
            self._host.write_file(path, data)
        blocks = [os.fsencode(name), *start.arguments], start.environment
        listeners.extend(self._outside.open_listeners(start.listen))
        try:
            process = self._host.start(image, *blocks, make_streams, start.protected, limits, start.began)
        except BaseException:
            close_all([one for one in listeners if one is not None])
            raise
        return Process(self, process, streams, start.began)

    def _input(self, stdin: Input) -> bytes | int:
        """Return what a program is to read: bytes, or a descriptor that it may wait for."""
        found = as_input(stdin)
        if isinstance(found, bytes) or found in {subprocess.DEVNULL, subprocess.PIPE}:
            return found
        return self._outside.input(found)

    def run_turns(self, turns: int) -> None:
        """Let the processes get on for so many turns, waiting for none of them; blocks.

        A turn is a process's share of the processor, or at most a tenth of a second in which all wait.

        Raises:
            BaseException: what a signal's handler raised meanwhile, KeyboardInterrupt at Ctrl-C; the
                processes are as they were, between two turns.
        """
        scheduler = self._scheduler

        def begin() -> Watch[None]:
            self._check_open()
            last = scheduler.turns + turns
            return Watch(lambda: scheduler.turns >= last, lambda _: self._raise_bugs(), every_turn=True)

        self._worker.call_until(begin)

    def _open(self, program: str | os.PathLike[str] | bytes) -> tuple[Image, str]:
        """Return a program's image, and its argv[0]."""
        if isinstance(program, bytes):
            return self._modules.load(program, "program", may_compile=False), "program.wasm"
        if isinstance(program, str) and program.startswith("/bin/"):
            image = self._programs.find(os.fsencode(program))
            if image is not None:
                return image, image.name
        if not os.fspath(program):
            raise ProgramError("'' names no program")
        path = Path(program)
        digest = program.sha256 if isinstance(program, Interpreter) else None
        try:
            return self._modules.load(path, may_compile=False, digest=digest), path.name
        except OSError as error:
            raise ProgramError(not_read(os.fspath(program), error)) from None

    def _wait(self, start: Callable[[], Process], nanoseconds: int | None) -> Result:
        """Wait for the process that `start` returns; it is called on our own thread."""
        return self._worker.call_until(*self._waiting(start, nanoseconds))

    def _waiting(
        self, start: Callable[[], Process], nanoseconds: int | None
    ) -> tuple[Callable[[], Watch[Result]], int | None]:
        """Return what begins such a wait, and its deadline in monotonic ns."""
        outside, scheduler = self._outside, self._scheduler
        deadline = outside.deadline(nanoseconds)

        def begin() -> Watch[Result]:
            self._check_open()
            handle = start()
            late = "" if nanoseconds is None else f"timeout: it had not ended after {nanoseconds / 1e9:g} s"

            def done() -> bool:
                return not handle.running or outside.over(scheduler.turns)

            def finish(why: str | None) -> Result:
                return self._finish(handle, why, "wall" if why == late else None)

            return Watch(done, finish, deadline, late, every_turn=outside.steady)

        return begin, None if outside.steady else deadline

    def _finish(self, handle: Process, why: str | None, limit: str | None) -> Result:
        """End a process tree, and its first process if that has not ended; return what came of it."""
        process = handle._process
        if process is None:  # another thread's wait was first
            assert handle._result is not None
            return handle._result
        why = self._outside.ended(why, self._scheduler.turns)
        if why is not None:
            if limit is not None:
                process.group.account.end(limit, why)
            death.end(self._system, process, KILLED_STATUS, why)
        death.kill_group(self._system, process.group, "its process tree's first program ended")
        result = handle._take_result(self._outside.now())
        self._system.sync_disks()
        self._raise_bugs()
        return result

    def _kill(self, handle: Process, why: str) -> None:
        self._worker.call(self._kill_tree, handle, why)

    def _kill_tree(self, handle: Process, why: str) -> None:
        process = handle._process
        if process is not None:
            death.end(self._system, process, KILLED_STATUS, why)
            death.kill_group(self._system, process.group, why)

    # -- files
    def write_file(self, path: str, data: bytes) -> None:
        """Put a file into the file system in memory, making the directories above it.

        Blocks while a turn lasts.
        If the kernel's heap has no room for it, process trees are killed to make some.

        Raises:
            KernelError: the path leads nowhere, or the file system is full; a file that was there still is.
        """
        self._check_open()
        self._worker.call(self._host.write_file, path, as_bytes("data", data))

    def read_file(self, path: str) -> bytes:
        """Return the content of a file in the file system in memory.

        Raises:
            KernelError: there is no such file.
        """
        self._check_open()
        return self._worker.call(self._host.read_file, path)

    def remove_file(self, path: str) -> None:
        """Remove a file from the file system in memory.

        Raises:
            KernelError: there is no such file.
        """
        self._check_open()
        self._worker.call(self._host.remove_file, path)

    # -- books
    def statistics(self) -> KernelStatistics:
        """Return the kernel's books at this moment."""
        return self._worker.call(KernelStatistics.of, self._system)

    def check(self) -> None:
        """Check every invariant of the kernel: files, descriptors, processes, heaps.

        Raises:
            InternalError: one does not hold, or did not at any time before; the message says which.
        """
        wrong = self._worker.call(self._system.check) + self._bugs()
        if wrong:
            raise InternalError("; ".join(wrong))

    def _bugs(self) -> list[str]:
        return self._system.bugs + list(self._engine.errors)

    def _raise_bugs(self) -> None:
        """Raise what went wrong that must not, once: whoever runs the next program did not cause it."""
        bugs = self._bugs()
        new = bugs[self._bugs_raised :]
        self._bugs_raised = len(bugs)
        if new:
            raise InternalError("; ".join(new))

    # -- life
    def _check_open(self) -> None:
        if not self._end.alive:
            raise KernelError("this kernel is closed")

    def close(self) -> None:
        """End every process and let go of everything. A second call does nothing."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
