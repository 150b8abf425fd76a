"""The scheduler: one loop over the processes that can run, deterministic under a given clock and quantum.

Each turn: serve those who wait for memory, wake those whose time has come, resume the next process until
it yields, waits or ends. What the turn took, system calls and all, decides who is next: see
`queues.RunQueue`. The loop runs inside the scheduler's heap, on a standing reservation of its own, so that it
can always go on. Automatic garbage collection is off meanwhile: foreign finalizers must not run inside a
system call; memory is looked for, and garbage collected, at the border.

Under the policies other than `reserve` nothing can be set aside, and the loop allocates in a heap beside the
kernel's, for their benefit: what fails, aborts or hangs is then a system call, as in a kernel in C, whose
scheduler allocates nothing. Its bytes are counted all the same, so that kernels under two policies differ
by the reservations alone.

It runs on the thread that called `run`, and nothing moves while nobody calls it.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

from hardtack.heap import Heap
from hardtack.kernel import birth, death
from hardtack.kernel.guest import StartFailed
from hardtack.kernel.host_watch import LOOK_MILLISECONDS
from hardtack.kernel.params import SCHEDULER_BYTES, START_BYTES
from hardtack.kernel.process import (
    KILLED_STATUS,
    NEW,
    NOT_STARTED_STATUS,
    RUNNABLE,
    TRAPPED_STATUS,
    Process,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardtack.heap import Reservation
    from hardtack.kernel.guest import Guest
    from hardtack.kernel.system import System

LEAST_TURN = 1_000  # ns that a turn counts as at least, so that all have theirs even if no time passes
MOST_TURN = 100_000_000  # and at most: beyond that the host slept
TURNS_BETWEEN_LOOKS = 16  # turns until host descriptors are looked at although somebody can run


class Scheduler:
    """Runs the processes of a system.

    Attributes:
        system: that.
        turns: how many there were.
        even: all turns count the same: for a kernel in which nothing may depend on the host's speed.
        on_turn: called after each turn, with whose it was; None where nobody could run.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.turns = 0
        self.even = False
        self.on_turn: Callable[[Process | None], None] | None = None
        self._standing: Reservation | None = None
        self._beside = Heap(None, name="scheduler", parent=Heap(None, name="beside the kernel"))

    def run(self, done: Callable[[], bool], deadline: int | None = None) -> bool:
        """Run processes until done() holds.

        Args:
            done: asked between turns.
            deadline: monotonic ns to stop at, or None.

        Returns:
            True if done; False when the deadline passed, or every process is blocked with nothing that
            could wake one.
        """
        standing: Reservation | None = None
        if self.system.heap.on_exhaustion == "reserve":
            standing = self.system.memory.reserve(SCHEDULER_BYTES)
            if standing is None:
                self.system.report_bug("no room for the scheduler's own reservation")
                return False
        with self._own_memory(standing):
            while not done():
                self.turns += 1
                if deadline is not None and self.system.clock.monotonic() >= deadline:
                    return False
                try:
                    if not self._turn(deadline):
                        return False
                except MemoryError as error:  # under `fail` the scheduler itself may be hit
                    error.__traceback__ = None
                    self.system.failed_calls += 1
                    self._end_current("out of memory in the scheduler")
                except BaseException as error:  # noqa: BLE001 - a bug ends one process and not all
                    self.system.report_bug(f"a turn raised {error!r}", error)
                    self._end_current("an error of the kernel's own")
        return True

    @contextlib.contextmanager
    def _own_memory(self, standing: Reservation | None) -> Iterator[None]:
        collecting = gc.isenabled()
        gc.disable()
        try:
            with contextlib.ExitStack() as stack:
                if standing is not None:
                    self._standing = stack.enter_context(standing)
                    stack.enter_context(self.system.scheduler_heap)
                else:
                    stack.enter_context(self._beside)
                yield
        finally:
            self._standing = None
            self.system.current = None
            if collecting:
                gc.enable()

    def _turn(self, deadline: int | None) -> bool:
        """Do one turn; False when nobody can ever run again."""
        system = self.system
        standing = self._standing
        if standing is not None and standing.left < SCHEDULER_BYTES // 2 and not standing.refill():
            self._make_room_for_refill(standing)
        if len(system.memory.admission):
            system.memory.serve()
            if system.run_queue.first is None:
                return True  # who waited was killed itself, and that may be what `done` asks for
        self._do_what_is_due()
        closing = system.exiting.first is not None
        if closing:
            death.close_some(system)
        process = system.run_queue.pop()
        if process is not None:
            self._take_turn(process)
        elif closing:
            return True
        elif not self._idle(deadline):
            return False
        if self.on_turn is not None:
            self.on_turn(process)
        return True

    def _do_what_is_due(self) -> None:
        """Wake whose time has come, and end whose time is over."""
        system = self.system
        if system.sleepers.first is not None or system.pollers.first is not None:
            self._wake_due()
        if system.next_wall is not None and (now := system.clock.monotonic()) >= system.next_wall:
            death.end_late_groups(system, now)
        if system.host.waiting and self.turns % TURNS_BETWEEN_LOOKS == 0:
            system.host.look(0)

    # -- memory
    def _make_room_for_refill(self, standing: Reservation) -> None:
        extra = self.system.memory.reserve(SCHEDULER_BYTES)
        if extra is not None:
            extra.release()
        standing.refill()

    def _end_current(self, why: str) -> None:
        """End the process whose turn was cut off, unless it can go on."""
        process = self.system.current
        if process is not None and process.queue is None and process.waiter is None:
            death.end(self.system, process, KILLED_STATUS, why)

    # -- running
    def hurry(self) -> None:
        """Have the turn that is under way end at its next system call. Any thread may call this.

        A start, or an exec's new program, that comes next is put off to the process's next turn likewise.
        """
        process = self.system.current
        if process is not None and process.admit is process.way_in:
            process.admit = process.admit_later

    def _take_turn(self, process: Process) -> None:
        """Have a process run, and count how long."""
        system = self.system
        taken = LEAST_TURN
        began = 0 if self.even else system.clock.monotonic()
        try:
            goes_on = self._resume(process)
            if not self.even:
                taken = min(max(system.clock.monotonic() - began, LEAST_TURN), MOST_TURN)
            system.run_queue.charge(process, taken)
            if process.queue is system.sleepers or process.queue is system.pollers:
                process.heap.trim()  # it may be long until it needs any
                process.group.heap.trim()
            if goes_on:
                system.run_queue.append(process)
        finally:  # also of a turn that was cut off: who was doomed in it has no other
            if system.doomed is not None:
                death.end_doomed(system)
            if system.unused is not None:
                system.release_unused()

    def _resume(self, process: Process) -> bool:
        """Have a process run until it yields, waits or ends; tell whether it can go on at once."""
        system = self.system
        system.current = process
        system.take_time()
        if process.state == NEW:
            return self._start(process)
        if process.successor is not None:  # its exec had to wait for memory
            return self._replace(process)
        if process.watches is not None:
            process.drop_watches()
        guest = process.guest
        assert guest is not None
        account = process.group.account
        if account.cpu_limit is None and process.cpu_began is None:
            ended = guest.resume()
        else:
            ended = self._resume_measured(process, guest)
        if process.cpu_began is not None:
            with process.heap:
                process.cpu_used += system.clock.processor() - process.cpu_began
        goes_on = False
        if account.limit is not None:
            death.end_group(system, process.group, account.why or "")
        elif ended:
            self._ended(process)
        elif process.doomed:
            death.end(system, process, process.doomed, process.killed)
        elif process.successor is not None:
            goes_on = self._replace(process)
        else:
            goes_on = process.state == RUNNABLE and process.queue is None
        system.current = None
        return goes_on

    def _resume_measured(self, process: Process, guest: Guest) -> bool:
        """Resume a process whose processor time somebody wants to know."""
        account = process.group.account
        began = self.system.clock.processor()
        if process.cpu_began is not None:
            with process.heap:
                process.cpu_began = began + 0
        ended = guest.resume()
        if account.cpu_limit is not None:
            account.use_processor(self.system.clock.processor() - began)
        return ended

    def _start(self, process: Process) -> bool:
        """Make the guest of a new process; tell whether it can go on at once."""
        system = self.system
        if system.heap.on_exhaustion == "fail" and system.heap.room < START_BYTES:
            process.failure = "the kernel's heap is full"  # wasmtime aborts when memory fails in its callback
            death.end(system, process, NOT_STARTED_STATUS)
            return False
        try:
            if process.admit(process.heap, START_BYTES, birth.start, system, process) is NotImplemented:
                self._wait_to_start(process)
                return False
        except StartFailed as error:
            process.failure = str(error)
            if error.limit is not None and process.pid == process.group.leader:
                process.group.account.end(error.limit, process.failure)
            error.__traceback__ = None
            death.end(system, process, NOT_STARTED_STATUS)
            return False
        return True

    def _wait_to_start(self, process: Process) -> None:
        """No room for a start: have the process wait for some, or its tree end if it may not have it."""
        account = process.group.account
        if account.lacks_heap(START_BYTES):
            account.end_for_heap(START_BYTES)
            death.end_group(self.system, process.group, account.why or "")
        else:
            self.system.memory.wait(process, START_BYTES)

    def _replace(self, process: Process) -> bool:
        """Put the program in place that an exec asked for; tell whether the process can go on at once."""
        system = self.system
        try:
            if process.admit(process.heap, START_BYTES, birth.replace, system, process) is NotImplemented:
                self._wait_to_start(process)
                return False
        except StartFailed as error:
            process.failure = str(error)
            error.__traceback__ = None
            death.end(system, process, NOT_STARTED_STATUS)
            return False
        return True

    def _ended(self, process: Process) -> None:
        guest = process.guest
        assert guest is not None
        status = process.status
        if status is None:
            process.failure = guest.failure()
            status = 0 if process.failure is None else TRAPPED_STATUS
        death.end(self.system, process, status)

    # -- waiting
    def _wake_due(self) -> None:
        """Wake those whose deadline has come."""
        due = self.system.next_deadline
        if due is not None and (now := self.system.clock.monotonic()) >= due:
            self.system.wake_due(now)

    def _idle(self, deadline: int | None) -> bool:
        """Nobody can run: wait for the host or the clock. False when neither can bring anything."""
        system = self.system
        until = system.next_deadline
        hosts = system.host.waiting or system.host_pipes
        if until is None and not hosts:
            return False
        for other in (deadline, system.next_wall):
            if other is not None and (until is None or other < until):
                until = other
        milliseconds = LOOK_MILLISECONDS
        if until is not None:
            left = max(0, (until - system.clock.monotonic() + 999_999) // 1_000_000)
            milliseconds = min(left, system.host.longest)
        system.host.look(milliseconds)
        return True
