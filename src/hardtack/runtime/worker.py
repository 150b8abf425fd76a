"""The thread that a kernel works on, whoever asks: out of reach of exceptions that come from outside.

A signal's handler runs on the main thread, between any two bytecodes, and may raise (Ctrl-C's does). In the
middle of a system call that would leave it half done, and in the middle of wasmtime worse. So a kernel does
nothing on its callers' threads: they hand a job to this one and wait, and what strikes a caller meanwhile
has the job stop where it is safe. It is a thread with a stack of its own, too: how deep a caller stands in
calls does not matter here.

A brief job that comes while a long one runs (a kill, a look at the books) is done between two of its turns.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from hardtack.errors import InternalError, KernelError

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")

# What a thread's own instructions raise, and wasmtime makes traps of, must reach it; all else is for others.
_OWN_SIGNALS: Final = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGABRT,
}


class Job:
    """One thing to do, and the caller that waits for it.

    Attributes:
        stopped: the caller was struck by an exception: end soon. A long job looks at it between turns.
    """

    __slots__ = ("_begin", "_call", "brief", "done", "error", "finished", "result", "stopped")

    def __init__(self, call: Callable[[], object], brief: bool) -> None:
        self._call = call
        self._begin = [True]  # who pops it decides: the thread, or the caller that gives up
        self.brief = brief
        self.stopped = False
        self.done = _thread.allocate_lock()  # held until it is finished
        self.finished = False
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, unless its caller gave up before it began."""
        if not self._claim():
            return
        try:
            self.result = self._call()
        except BaseException as error:  # noqa: BLE001 - the caller's, who raises it
            self.error = error
        self.finished = True
        self.done.release()

    def stop(self) -> None:
        """Have it end soon, or never begin. Called by its caller."""
        self.stopped = True
        if self._claim():
            self.finished = True

    def _claim(self) -> bool:
        try:
            return self._begin.pop()
        except IndexError:
            return False


class Worker:
    """A thread and the jobs for it."""

    def __init__(self, name: str) -> None:
        """Start the thread; it lives until `stop`."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._later: deque[Job | None] = deque()  # taken from the queue while a long job ran
        self._current: Job | None = None
        self._ended = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    # -- for callers
    def call(
        self,
        function: Callable[_P, _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Have the thread do something brief; return or raise what that does. Blocks until it is done.

        Raises:
            BaseException: what struck the caller meanwhile (KeyboardInterrupt, say), when the job is done.
        """
        return self._wait(Job(lambda: function(*args, **kwargs), True))  # type: ignore[return-value]

    def call_long(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """As `call`, for what takes long: it lets brief jobs in by `serve`, and looks at `stopped`."""
        return self._wait(Job(lambda: function(*args, **kwargs), False))  # type: ignore[return-value]

    def _wait(self, job: Job) -> object:
        if os.getpid() != self._process:
            raise KernelError("this kernel belongs to the process that made it: after a fork, make another")
        if threading.get_ident() == self._thread.ident:
            raise InternalError("a kernel was called from inside itself, by a finalizer perhaps")
        done = job.done
        done.acquire()
        struck: BaseException | None = None
        self._jobs.put(job)
        if self._ended:
            job.run()  # unless the thread has seen it before it left
        while not job.finished:  # left by an exception all the same, nothing is half done
            try:
                done.acquire()
            except BaseException as error:  # noqa: BLE001 - raised below
                struck = error
                job.stop()
        try:
            if struck is not None:
                raise struck
            if job.error is not None:
                raise job.error
            return job.result
        finally:
            del job, struck  # an error refers to this frame: no cycle

    def stop(self, last: Callable[[], None]) -> None:
        """Have the thread do a last thing and end. Calls that come later are made on their own threads.

        Does nothing in another process, where the thread is not.
        """
        if os.getpid() != self._process:
            return
        if threading.get_ident() == self._thread.ident:  # a kernel that was dropped while it worked
            last()
            self._jobs.put(None)
            return
        self.call(last)
        self._jobs.put(None)
        self._thread.join()

    # -- for the job that is running
    @property
    def wanted(self) -> bool:
        """Tell whether the job should leave its turns: its caller was struck, or others came."""
        return not self._jobs.empty() or self.stopped

    @property
    def stopped(self) -> bool:
        """Tell whether the caller of the job was struck by an exception."""
        return self._current is not None and self._current.stopped

    def serve(self) -> None:
        """Do the brief jobs that came meanwhile."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None and job.brief:
                job.run()
            else:
                self._later.append(job)

    # -- the thread
    def _work(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _OWN_SIGNALS)
        while True:
            job = self._later.popleft() if self._later else self._jobs.get()
            if job is None:
                break
            self._current = job
            job.run()
            self._current = job = None
        self._ended = True
        self.serve()
        for job in self._later:
            if job is not None:
                job.run()
