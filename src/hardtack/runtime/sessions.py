r"""Python sessions: an interpreter that is kept between calls, with all that they defined.

    >>> from hardtack import PythonSession
    >>> with PythonSession() as session:
    ...     _ = session.run("x = 6")
    ...     session.run("print(x * 7)").stdout
    b'42\n'

The interpreter runs a loop whose descriptor 0 is a channel (kernel/channel.py): it reads a call's code there,
the code reads its standard input there, and the loop answers there how it went. So whatever code prints is
output and nothing else. Between calls the interpreter stands still.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import TYPE_CHECKING, Final, Self

from hardtack.errors import SessionEnded
from hardtack.kernel.channel import Channel
from hardtack.kernel.params import MAX_OUTPUT
from hardtack.kernel.streams import Capture
from hardtack.limits import NO_LIMITS, Limits
from hardtack.runtime.arguments import as_bytes, as_code, as_files, as_nanoseconds
from hardtack.runtime.handles import Process
from hardtack.runtime.interpreter import find_interpreter
from hardtack.runtime.kernel import Kernel
from hardtack.runtime.results import Result, Usage
from hardtack.runtime.starting import checked_start
from hardtack.runtime.worker import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process as KernelProcess
    from hardtack.runtime.starting import Start

_FAILED: Final = 1  # the status of code that raised

# Runs in the guest, with names of its own: the code's are __main__'s. Output is unbuffered (-u), so that a
# call that is cut off has its output until then. But -u's streams write once: where a limit cuts that short,
# the rest would be lost and nobody be told, so others take their places.
_LOOP: Final = r"""
import io, os, sys

class Unbuffered(io.FileIO):
    def write(self, data):
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            rest = rest[super().write(rest):]
        return size

def unbuffered(fd, like):
    file = Unbuffered(fd, "w", closefd=False)
    file.name = like.name
    return io.TextIOWrapper(file, like.encoding, like.errors, write_through=True)

def receive(count):
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data

def run(code, names):
    try:
        sys.stdin = open(0, closefd=False)
        exec(compile(code, "<session>", "exec"), names)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == "<loop>":
            trace = trace.tb_next
        error.__traceback__ = trace
        sys.excepthook(type(error), error, trace)
    else:
        return 0
    return 1

def serve(names):
    while True:
        code = receive(int.from_bytes(receive(8), "little"))
        try:
            status = run(code, names)
        except Exception:
            status = 1
        os.write(0, b"%d\n" % status)

sys.stdout = sys.__stdout__ = unbuffered(1, sys.stdout)
sys.stderr = sys.__stderr__ = unbuffered(2, sys.stderr)
sys.argv[:] = [""]
serve(sys.modules["__main__"].__dict__)
"""
_START: Final = f"exec(compile({_LOOP!r}, '<loop>', 'exec'), {{}})"


class PythonSession:
    """A Python interpreter that keeps what calls define.

    One call at a time; others wait for their turn. A call that hits a limit ends the session: the interpreter
    is in the middle of something, and there is no telling of what.

    Args:
        files: what it finds in its file system, as {path: content}.
        env: its environment.
        dirs: directories of the host that it may use, as {its name for it: path on the host}.
        limits: what it may take; wall, cpu and output are each call's.
        heap: capacity of its kernel's heap: files in memory, descriptors, captured output.
        memory: capacity of user memory, where limits say nothing.
        python: an interpreter to use, a .wasm file; else `find_interpreter` says which.

    Raises:
        ProgramError: there is no interpreter, or it can't run.
        KernelError: a file does not fit, or a directory is not there.

    Example:
        >>> session = PythonSession(memory="256 MiB")
        >>> session.run("import json; found = json.loads('[1, 2]')").exit_code
        0
        >>> session.run("print(found[3])").stderr.splitlines()[-1]
        b'IndexError: list index out of range'
        >>> try:
        ...     session.run("while True: pass", timeout=0.5)
        ... except SessionEnded as error:
        ...     error.result.killed
        'wall limit: it had not ended after 0.5 s'
        >>> session.close()
    """

    def __init__(
        self,
        *,
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        dirs: Mapping[str, str | os.PathLike[str]] | None = None,
        limits: Limits = NO_LIMITS,
        heap: int | str = "64 MiB",
        memory: int | str = "1 GiB",
        python: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is a hardtack.Limits, not {type(limits).__name__}")
        self._python = find_interpreter(python)
        self._limits = limits
        self._ended: SessionEnded | None = None
        self._turn = threading.Lock()
        self._channel = Channel()
        self._captures: list[Capture] = []
        self.kernel = Kernel(heap, memory, dirs=dirs)
        try:
            start = checked_start(
                self._python,
                ["-B", "-u", "-c", _START],
                stdin=b"",
                files=files,
                env=env,
                stdout=None,
                stderr=None,
                limits=dataclasses.replace(limits, wall=None),
                defaults=NO_LIMITS,
                began=self.kernel._outside.begin(),
            )
            call = self.kernel._worker.call
            self._process = self.kernel._compiled(start, None, lambda: call(self._start, start))
        except BaseException:
            self.kernel.close()
            raise

    def _start(self, start: Start) -> Process:
        kernel = self.kernel
        image, name = kernel._open(start.program)
        for path, data in start.files.items():
            kernel._host.write_file(path, data)
        blocks = [os.fsencode(name), *start.arguments], start.environment
        process = kernel._host.start(image, *blocks, self._make_streams, False, start.limits, start.began)
        return Process(kernel, process, [self._channel, *self._captures], start.began)

    def _make_streams(self, process: KernelProcess) -> Iterator[Description]:
        with process.group.heap:
            yield self._channel
            for _ in range(2):
                capture = Capture(process.group.heap, 0)
                self._captures.append(capture)
                yield capture

    # -- calls
    def run(
        self,
        code: str,
        *,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Run code in the session; blocks.

        Args:
            code: statements; what they define is there in the next call.
            stdin: what they read.
            files: files to write first, as {path: content}.
            timeout: seconds, from 0, and then the session is over; else the session's wall limit counts.

        Returns:
            The call's output. Its exit_code is 0; what the code gave to sys.exit, which ends the call and not
            the session; or 1 if it raised, and the traceback is in stderr. Its limits_met are the call's, its
            usage is the session's, but for the seconds.

        Raises:
            SessionEnded: the session is over: a limit was hit, or the interpreter trapped or exited. Its
                `result` has the output until then.
            KernelError: a file does not fit, code has a lone surrogate, or the session was closed; nothing
                was run.
            BaseException: what a signal's handler raised meanwhile; the session is over.
        """
        request = as_code(code)
        data, contents = as_bytes("stdin", stdin), as_files(files)
        nanoseconds = as_nanoseconds(self._limits.wall if timeout is None else timeout)
        with self._turn:
            self._check_alive()
            for path, content in contents.items():
                self.kernel.write_file(path, content)
            return self._call(request, data, nanoseconds)

    def _call(self, request: bytes, stdin: bytes, nanoseconds: int | None) -> Result:
        channel, process = self._channel, self._process
        began = self.kernel._outside.now()
        deadline = self.kernel._outside.deadline(nanoseconds)
        late = "" if nanoseconds is None else f"wall limit: it had not ended after {nanoseconds / 1e9:g} s"

        def begin() -> Watch[Result | None]:
            self._prepare()
            channel.ask(self.kernel._system, len(request).to_bytes(8, "little") + request + stdin)
            return Watch(lambda: not process.running or channel.answer() is not None, finish, deadline, late)

        def finish(why: str | None) -> Result | None:
            answer = channel.answer()
            if why is None and answer is not None and process.running:
                return self._result(answer, began)
            self._end(self.kernel._finish(process, why, "wall" if why == late else None))
            return None

        result = self.kernel._worker.call_until(begin, deadline)
        if result is None:
            self._check_alive()
        assert result is not None
        return result

    def _prepare(self) -> None:
        """Give the next call its share of what limits say of each call."""
        for capture in self._captures:
            capture.restart(MAX_OUTPUT if self._limits.output is None else self._limits.output)
        process = self._process._process
        if process is None:
            return
        account = process.group.account
        account.forget_refusals()
        if self._limits.cpu is not None:
            account.cpu_limit = account.cpu_used + int(self._limits.cpu * 1e9)

    def _result(self, answer: bytes, began: int) -> Result:
        process = self._process._process
        assert process is not None
        stdout, stderr = self._captures
        account = process.group.account
        truncated = stdout.refused or stderr.refused
        return Result(
            exit_code=int(answer) if answer.isdigit() else _FAILED,
            stdout=stdout.take(),
            stderr=stderr.take(),
            killed=None,
            failure=None,
            truncated=truncated,
            limit=None,
            limits_met=account.limits_met(output=truncated),
            usage=Usage(
                process.group.heap.peak,
                len(process.memory),
                account.user_memory.peak,
                max(0, self.kernel._outside.now() - began) / 1e9,
                None if account.cpu_limit is None else account.cpu_used / 1e9,
            ),
        )

    def _end(self, result: Result) -> None:
        why = result.killed or result.failure or f"the interpreter exited with status {result.exit_code}"
        self._ended = SessionEnded(f"the session is over: {why}", result)

    def _check_alive(self) -> None:
        """Raise what ended the session, if it is over."""
        if self._ended is not None:
            raise SessionEnded(str(self._ended), self._ended.result)
        self.kernel._check_open()

    # -- files, life
    def read_file(self, path: str) -> bytes:
        """Return the content of a file in the session's file system.

        Raises:
            KernelError: there is no such file.
        """
        return self.kernel.read_file(path)

    def close(self) -> None:
        """End the interpreter and let go of everything. A second call does nothing."""
        self.kernel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
