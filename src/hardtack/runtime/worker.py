"""The thread that a kernel works on, whoever asks: out of reach of exceptions that come from outside.

A signal's handler runs on the main thread, between any two bytecodes, and may raise (Ctrl-C's does). In the
middle of a system call that would leave it half done, and in the middle of wasmtime worse. So a kernel does
nothing on its callers' threads: they hand a job to this one and wait, and what strikes a caller meanwhile
ends the job where it is safe. It is a thread with a stack of its own, too: how deep a caller stands in
calls does not matter here.

Jobs are done one after the other, each at once. One that is to wait for processes (`call_until`) leaves a
`Watch` behind; while there is a watch, processes run, and between their turns jobs are done and watches
looked at. So any number of callers wait at the same time, and a kill or a look at the books comes in between.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from itertools import repeat, starmap
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeVar

from hardtack.errors import InternalError, KernelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_P = ParamSpec("_P")
_T = TypeVar("_T")

HURRY_SECONDS: Final = 0.01  # a turn that somebody waits for has so long until it is cut short
HELD_SECONDS: Final = 1.0  # that a job waits at most for its caller to sleep, who may have been struck before
LOOK_UP_SECONDS: Final = 0.5  # until a caller looks up: it sleeps through a signal that came just before
DEADLOCK: Final = "deadlock: every process waits, and nothing is left that could wake one"
INTERRUPTED: Final = "interrupted"

# What a thread's own instructions raise, and wasmtime makes traps of, must reach it; all else is for others.
_OWN_SIGNALS: Final = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGABRT,
}


class Watch(Generic[_T]):
    """What a caller waits for while processes run.

    Args:
        done: tells whether it is over; asked between turns.
        finish: makes the caller's result, then; given why it was not waited for any longer, or None.
        deadline: monotonic ns until which to wait, or None.
        late: what `finish` is told when that has passed.
        every_turn: whether it may be over without a change that the kernel has noted.
    """

    __slots__ = ("deadline", "done", "every_turn", "finish", "late")

    def __init__(
        self,
        done: Callable[[], bool],
        finish: Callable[[str | None], _T],
        deadline: int | None = None,
        late: str = "",
        every_turn: bool = False,
    ) -> None:
        self.done = done
        self.finish = finish
        self.deadline = deadline
        self.late = late
        self.every_turn = every_turn


class Job:
    """One thing to do, and the caller that waits for it.

    Attributes:
        stopped: the caller was struck by an exception; a watch ends soon.
        watch: what it left behind to wait for, if anything.
        deadline: monotonic ns from when on its caller is in a hurry.
        notify: called by the other thread when it is finished.
        held: for a caller that is to sleep `quietly`, a lock that it holds until it does; else None.
    """

    __slots__ = (
        "_begin",
        "_call",
        "_holds",
        "deadline",
        "done",
        "error",
        "finished",
        "held",
        "notify",
        "result",
        "stopped",
        "watch",
    )

    def __init__(self, call: Callable[[], object], deadline: int | None, *, quiet: bool = False) -> None:
        self._call = call
        self.held = _thread.allocate_lock() if quiet else None
        self._holds = [self.held] if self.held is not None and self.held.acquire() else []
        self._begin = [True]  # who pops it decides: the thread, or the caller that gives up
        self.deadline = deadline
        self.stopped = False
        self.watch: Watch[object] | None = None
        self.done = _thread.allocate_lock()  # held until it is finished
        self.notify: Callable[[], None] = _nothing
        self.finished = False
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> bool:
        """Do it, unless its caller gave up before it began; tell whether it left a watch behind."""
        if not self._claim():
            return False
        try:
            self.result = self._call()
        except BaseException as error:  # noqa: BLE001 - the caller's, who raises it
            self.error = error
        if isinstance(self.result, Watch):
            self.watch, self.result = self.result, None
            return True
        self._end()
        return False

    def end_watch(self, why: str | None) -> None:
        """Give the caller what came of its watch."""
        watch, self.watch = self.watch, None
        assert watch is not None
        try:
            self.result = watch.finish(why)
        except BaseException as error:  # noqa: BLE001 - the caller's, who raises it
            self.error = error
        self._end()

    def stop(self) -> None:
        """Have it end soon, or never begin. Called by its caller."""
        self.stopped = True
        if self._claim():
            self.finished = True
        self._let_go()

    def sleep(self, hurry: Callable[[], None]) -> None:
        """Sleep until it is finished, or until its caller looks up; hurry it where it is late."""
        if self.stopped:
            hurry()
        if not self.finished and not self.done.acquire(timeout=self.patience()) and self.late():
            hurry()

    def quietly(self, sleeps: Iterator[bool]) -> None:
        """Let it begin, and sleep until it is finished; this thread makes and drops nothing meanwhile.

        Else that comes from CPython's free lists, or goes there, when the host's speed decides. Then the
        heap of a kernel whose turns are to be the same each time holds a few bytes more or less.
        """
        self._let_go()
        for awake in sleeps:
            if awake:
                break

    def _let_go(self) -> None:
        if self._holds:
            self._holds.pop().release()

    def patience(self) -> float:
        """Return the seconds its caller sleeps until it looks up, and hurries the turn if it is late."""
        if self.late():
            return HURRY_SECONDS
        if self.deadline is None:
            return LOOK_UP_SECONDS
        return max(HURRY_SECONDS, min(LOOK_UP_SECONDS, (self.deadline - time.monotonic_ns()) / 1e9))

    def late(self) -> bool:
        """Tell whether its caller is in a hurry."""
        return self.stopped or (self.deadline is not None and time.monotonic_ns() >= self.deadline)

    def _claim(self) -> bool:
        try:
            return self._begin.pop()
        except IndexError:
            return False

    def _end(self) -> None:
        # It may lead to the kernel, and the thread lets go of the job later than its caller.
        self._call = _nothing
        self.finished = True
        if self.done.locked():
            self.done.release()
        self.notify()


def wait_for(job: Job, begin: Callable[[Job], object], hurry: Callable[[], None]) -> object:
    """Have another thread do a job; return or raise what comes of it. Blocks.

    Args:
        job: the job.
        begin: hands it to that thread; made again if the caller was struck in it.
        hurry: has it end soon; called again and again once its time is over or the caller was struck.

    Raises:
        BaseException: what struck the caller meanwhile (KeyboardInterrupt, say), when the job is done.
    """
    done = job.done
    done.acquire()
    sleeps = starmap(done.acquire, repeat((True, LOOK_UP_SECONDS)))
    begun = False
    struck: BaseException | None = None
    while not job.finished:
        try:
            while not job.finished:
                try:
                    if struck is not None:
                        job.stop()
                    begun = begun or job.finished or not begin(job)
                    if job.held is not None and struck is None:
                        job.quietly(sleeps)
                    else:
                        job.sleep(hurry)
                except BaseException as error:  # noqa: BLE001 - raised below
                    struck = error
        except BaseException as error:  # noqa: BLE001 - struck again, before the handler was through
            struck = error
    try:
        if struck is not None:
            raise struck
        if job.error is not None:
            raise job.error
        result, job.result = job.result, None  # as its call
        return result
    finally:
        del job, struck  # an error refers to this frame: no cycle


class Worker:
    """A thread and the jobs for it.

    Attributes:
        run_turns: runs processes until its argument holds, or until the monotonic ns given as the second;
            False when nothing can run any more.
        end_turn: called by other threads to have the turn that is under way end soon.
        ring: called by other threads to have the sleep end in which all processes wait.
        take_change: tells whether something has happened since it was asked last that may end watches.
        now: returns the ns by which watches' deadlines count.
        quiet: whether its callers sleep `Job.quietly`; nothing hurries it then but a caller that is struck.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; it lives until `stop`."""
        self.run_turns: Callable[[Callable[[], bool], int | None], bool]
        self.end_turn: Callable[[], None] = _nothing
        self.ring: Callable[[], None] = _nothing
        self.take_change: Callable[[], bool] = bool
        self._look = True  # at every watch, when it is asked next
        self.now: Callable[[], int] = time.monotonic_ns
        self.quiet = False
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._watched: list[Job] = []
        self._every_turn: list[Job] = []
        self._ended = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    # -- for callers
    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Have the thread do something brief; return or raise what that does. Blocks until it is done.

        Raises:
            BaseException: what struck the caller meanwhile (KeyboardInterrupt, say), when the job is done.
        """
        job = Job(lambda: function(*args, **kwargs), time.monotonic_ns(), quiet=self.quiet)
        try:
            return wait_for(job, self.begin, self.hurry)  # type: ignore[return-value]
        finally:
            del job  # an error refers to this frame: no cycle

    def call_until(self, begin: Callable[[], Watch[_T]], deadline: int | None = None) -> _T:
        """Have the thread begin something and run processes until its watch is over; return its result.

        Args:
            begin: what to begin with.
            deadline: monotonic ns: when the watch's time is over, if it has one.
        """
        return wait_for(Job(begin, deadline, quiet=self.quiet), self.begin, self.hurry)  # type: ignore[return-value]

    def begin(self, job: Job) -> None:
        """Hand the thread a job; to do so twice does no harm.

        Raises:
            KernelError, InternalError: this is no place to do so from.
        """
        if os.getpid() != self._process:
            raise KernelError("this kernel belongs to the process that made it: after a fork, make another")
        if threading.get_ident() == self._thread.ident:
            raise InternalError("a kernel was called from inside itself, by a finalizer perhaps")
        self._jobs.put(job)
        self.ring()
        if self._ended:
            job.run()  # unless the thread has seen it before it left

    def hurry(self) -> None:
        """Have the turn or the sleep that is under way end soon, and every watch be looked at."""
        self._look = True
        self.end_turn()
        self.ring()

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

    # -- the thread
    def _work(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _OWN_SIGNALS)
        while True:
            if not self._watched or not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    break
                if job.held is not None:
                    job.held.acquire(timeout=HELD_SECONDS)  # until its caller sleeps
                if job.run():
                    self._watched.append(job)
                job = None
            if self._watched:
                self._run()
        self._ended = True
        self.end_turn = self.ring = _nothing
        self._end_watches(lambda _: DEADLOCK)
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job.run()

    def _run(self) -> None:
        """Let processes run until a watch is over or a job has come."""
        deadlines = [
            job.watch.deadline for job in self._watched if job.watch and job.watch.deadline is not None
        ]
        self._look = True
        # In place: a new list may come from the free list, and then its block is still charged to a heap.
        self._every_turn[:] = [job for job in self._watched if job.watch and job.watch.every_turn]
        moved = self.run_turns(self._wanted, min(deadlines, default=None))
        now = self.now()

        def why(job: Job) -> str | None:
            assert job.watch is not None
            if job.stopped:
                return INTERRUPTED
            if job.watch.deadline is not None and now >= job.watch.deadline:
                return job.watch.late
            return None

        if not self._end_watches(why) and not moved and self._jobs.empty():
            self._end_watches(lambda _: DEADLOCK)

    def _wanted(self) -> bool:
        """Tell whether turns should be left: a job has come, or a watch is over."""
        if not self._jobs.empty():
            return True
        look, self._look = self._look, False
        for job in self._watched if self.take_change() or look else self._every_turn:
            assert job.watch is not None
            if job.stopped or job.watch.done():
                self._look = True
                return True
        return False

    def _end_watches(self, why: Callable[[Job], str | None]) -> bool:
        """End those watches that are done, or for which there is a reason; tell whether there were any."""
        ended = False
        for job in list(self._watched):
            assert job.watch is not None
            done = job.watch.done()
            reason = None if done else why(job)
            if done or reason is not None:
                self._watched.remove(job)
                job.end_watch(reason)
                ended = True
        return ended


def _nothing() -> None: ...
