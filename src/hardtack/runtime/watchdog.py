"""The watchdog: finds out whether a kernel in a child process still gets on, and what became of it if not.

A kernel under `fail`, `panic` or `wait` can take its whole process with it: abort it, stop it in the
allocator with the interpreter's lock held, or have CPython unwind for ever. Nothing inside that process can
tell, so the kernel gives signs of life in memory that it shares with its watchdog, and the watchdog looks at
them, at the processor time that the child takes, and at whether it would take more:

    no sign, and asleep        deadlocked
    no sign, and busy          livelocked
    ended by SIGABRT           panicked

A sign is a turn of the scheduler that came to its end, and of those only the ones that count for whoever
watches: a kernel may turn for ever while nobody whom it is there for gets on.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from hardtack.kernel.process import Process
    from hardtack.runtime.kernel import Kernel

Outcome: TypeAlias = Literal["ended", "panicked", "deadlocked", "livelocked", "crashed"]

IDLE_SECONDS: Final = 2.0  # without a sign and without processor time: nothing will come any more
BUSY_SECONDS: Final = 20.0  # of processor time, without a sign: on a busy machine that takes its time
QUIET_SECONDS: Final = 60.0  # the same before the first turn and after the last: compiling, reporting
IDLE_SHARE: Final = 0.1  # of a processor: less than that is none
LOOK_SECONDS: Final = 0.05
STOPPED_SECONDS: Final = 1.0  # between two looks: we were stopped, and the child with us (Ctrl-Z)
GRACE_SECONDS: Final = 2.0  # for a child to end by itself when it was interrupted
ORPHAN_SECONDS: Final = 60  # of processor time, without a sign: a child whose watchdog was killed ends itself

_BYTES: Final = 4096
_BEATS, _RUNNING, _PEAK, _WAITS = range(4)


class Signs:
    """Signs of life in a page of memory that two processes share; one writes, one reads.

    Attributes:
        fd: the descriptor to hand to the child.
    """

    def __init__(self, fd: int | None = None) -> None:
        """Make a page to share, or map the one that a descriptor leads to."""
        self.fd = os.memfd_create("hardtack-signs") if fd is None else fd
        if fd is None:
            os.ftruncate(self.fd, _BYTES)
        self._map = mmap.mmap(self.fd, _BYTES)
        self._words = memoryview(self._map).cast("Q")

    @property
    def beats(self) -> int:
        """Return how many turns that count there were."""
        return self._words[_BEATS]

    @property
    def running(self) -> bool:
        """Tell whether the kernel's processes run now, so that turns are to be expected."""
        return bool(self._words[_RUNNING])

    @property
    def peak(self) -> int:
        """Return the most bytes that were live in the kernel's heap, as of its last turn."""
        return self._words[_PEAK]

    @property
    def waits(self) -> int:
        """Return how many calls had waited for memory at the border, as of the last turn."""
        return self._words[_WAITS]

    @contextlib.contextmanager
    def given_by(self, kernel: Kernel, counts: Callable[[Process], bool] | None = None) -> Iterator[None]:
        """Have a kernel give its signs here, in the child; its processes run inside the `with`.

        Args:
            kernel: the kernel.
            counts: which processes' turns count; all if not given, and idle turns too, since who sleeps
                gets on.
        """
        words = self._words
        system = kernel._system
        scheduler = kernel._scheduler
        watchdog = os.getppid()
        limits = resource.getrlimit(resource.RLIMIT_CPU)

        def turn(process: Process | None) -> None:
            if counts is None or (process is not None and counts(process)):
                words[_BEATS] += 1
            words[_PEAK] = system.heap.peak
            words[_WAITS] = system.waits
            if scheduler.turns % 1024 == 0:
                _end_with(watchdog, *limits)

        _end_with(watchdog, *limits)
        scheduler.on_turn = turn
        words[_RUNNING] = 1
        try:
            yield
        finally:
            words[_RUNNING] = 0
            words[_PEAK] = system.heap.peak
            words[_WAITS] = system.waits
            scheduler.on_turn = None
            resource.setrlimit(resource.RLIMIT_CPU, limits)

    def close(self) -> None:
        """Let go of the page and its descriptor."""
        self._words.release()
        self._map.close()
        os.close(self.fd)


def _end_with(watchdog: int, soft: int, hard: int) -> None:
    """End if the watchdog was killed: here if the kernel gets on, else by a limit of processor time."""
    if os.getppid() != watchdog:
        os.kill(os.getpid(), signal.SIGKILL)
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + ORPHAN_SECONDS
    if soft == resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or limit < hard):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a child.

    Attributes:
        outcome: "ended" by itself, "panicked", "deadlocked", "livelocked", or "crashed" by another signal.
        status: its exit status; the signal's number, negative, if it was killed by one, the watchdog's too.
        seconds: from the beginning of the watch to its end.
        silent_seconds: since the last sign of life, for the deadlocked and the livelocked.
        busy_seconds: processor time that it took in those.
    """

    outcome: Outcome
    status: int
    seconds: float
    silent_seconds: float
    busy_seconds: float

    def __str__(self) -> str:
        """Say it in words."""
        if self.outcome in {"deadlocked", "livelocked"}:
            return (
                f"{self.outcome}: no sign of life for {self.silent_seconds:.1f} s, in which it took "
                f"{self.busy_seconds:.1f} s of processor time"
            )
        if self.outcome == "crashed":
            return f"crashed: ended by {signal.Signals(-self.status).name}"
        return "panicked: it aborted" if self.outcome == "panicked" else f"ended with status {self.status}"


class _Silence:
    """How long there was no sign, and how busy the child was meanwhile."""

    def __init__(self, child: subprocess.Popen[bytes], signs: Signs) -> None:
        self._child = child
        self._signs = signs
        self._last = time.monotonic()
        self._begin((-1, False))

    def _begin(self, seen: tuple[int, bool]) -> None:
        self._seen = seen
        self._since = self._last
        self._cpu = _cpu_seconds(self._child.pid)
        self.seconds = self.busy = 0.0
        self._looks = self._asleep = 0

    def look(self) -> Outcome | None:
        """Look once more; a verdict if it has been silent for too long."""
        now = time.monotonic()
        stopped = now - self._last > STOPPED_SECONDS
        self._last = now
        seen = (self._signs.beats, self._signs.running)
        if seen != self._seen or stopped:
            self._begin(seen)
            return None
        self.seconds = now - self._since
        self.busy = max(0.0, _cpu_seconds(self._child.pid) - self._cpu)
        self._looks += 1
        self._asleep += _state(self._child.pid) == "S"  # a busy machine may keep one waiting that could run
        idle = self.busy < IDLE_SHARE * self.seconds and self._asleep > self._looks / 2
        if not seen[1]:
            patient = self.seconds < QUIET_SECONDS
        else:
            patient = self.seconds < IDLE_SECONDS if idle else self.busy < BUSY_SECONDS
        if patient:
            return None
        return "deadlocked" if idle else "livelocked"


def start(
    module: str,
    arguments: Sequence[str],
    signs: Signs,
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    aside: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a module of hardtack's as a child that inherits the signs' descriptor, under the same number.

    Streams are as subprocess has them; those not given are this process's own. A child that stands aside is
    not reached by a terminal's Ctrl-C, only by its watchdog.
    """
    child: subprocess.Popen[bytes] | None = None
    try:
        with _interrupts_held_back():
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments],  # -P: nothing in this directory is imported
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=[signs.fd],
                process_group=0 if aside else None,
            )
    except BaseException:
        if child is not None:
            child.kill()
            child.wait()
        raise
    return child


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Have Ctrl-C strike when this is left: a child that is half started is nobody's to end."""
    struck: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: struck.append(number))
    except ValueError:  # not the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if struck:
            signal.raise_signal(signal.SIGINT)


def watch(child: subprocess.Popen[bytes], signs: Signs) -> Verdict:
    """Watch a child until it ends, or end it when it no longer gets on; blocks.

    The child is gone when this returns or raises.

    Raises:
        KeyboardInterrupt: Ctrl-C; the child had its time to end by itself.
    """
    verdict: Outcome | None = None
    with _gone_at_the_end(child):
        started = time.monotonic()
        silence = _Silence(child, signs)
        while verdict is None:
            try:
                child.wait(LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                verdict = silence.look()
            except KeyboardInterrupt:
                _interrupt(child)
                raise
    status = child.returncode
    if verdict is not None:
        return Verdict(verdict, status, time.monotonic() - started, silence.seconds, silence.busy)
    outcome: Outcome = "ended" if status >= 0 else "panicked" if status == -signal.SIGABRT else "crashed"
    return Verdict(outcome, status, time.monotonic() - started, 0.0, 0.0)


@contextlib.contextmanager
def _gone_at_the_end(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the child when this is left, by SIGTERM too."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread, which alone can have handlers
        before = None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if child.poll() is None:
            child.kill()
        child.wait()


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """Give an interrupted child its time. A terminal has interrupted it too; whoever kills by pid has not."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS / 4)
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.send_signal(signal.SIGINT)
        child.wait(GRACE_SECONDS)


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process; 0 if it is gone."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _state(pid: int) -> str:
    """Return the state of a process as the system has it: "S" asleep, "R" running or about to."""
    fields = _fields(pid)
    return fields[0] if fields else ""


def _fields(pid: int) -> list[str]:
    """Return what proc_pid_stat(5) says of a process, from its state on; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
