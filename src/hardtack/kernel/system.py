"""The kernel's state, who is woken, and its books. Processes come and go in `birth` and `death`.

Heaps, from the top: the kernel's, with the capacity and the policy; below it the scheduler's, the file
system's (with a capacity of its own) and one a group, below which each process has one. A reservation sits
on the kernel's heap, the common ancestor of all that a call may charge.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

from hardtack.errors import KernelError, WrongSize
from hardtack.heap import Heap
from hardtack.kernel import abi, death
from hardtack.kernel.checking import check_system
from hardtack.kernel.descriptions import Broken, Description
from hardtack.kernel.host_paths import FileBudget, HostBudget
from hardtack.kernel.host_watch import HostWatch
from hardtack.kernel.memory import Memory
from hardtack.kernel.memory_files import MemoryFiles
from hardtack.kernel.open_files import OpenDirectory
from hardtack.kernel.params import KILLS_KEPT, LEAST_BYTES, LEAST_FILES_BYTES, MAX_PROCESSES, SCHEDULER_BYTES
from hardtack.kernel.process import NEW, RUNNABLE, Process
from hardtack.kernel.queues import NEVER, Queue, RunQueue, Sleepers
from hardtack.kernel.socket_names import SocketNames
from hardtack.kernel.table import Table
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.annotations import assume_bound
    from hardtack.kernel.clocks import Clock
    from hardtack.kernel.death import Kill
    from hardtack.kernel.disk_files import DiskFiles
    from hardtack.kernel.guest import Image, Loader, UserMemory
    from hardtack.kernel.memory import Aside
    from hardtack.kernel.ranges import Count, Errno, Long

    # so many bytes: who makes them takes what else it needs elsewhere
    RandomBytes: TypeAlias = Annotated[
        Callable[[int], bytes], assume_bound("5/4*arg1 + 64", returned="5/4*arg1 + 64", retained="0")
    ]


class NoPrograms:
    """A loader that knows no program."""

    __slots__ = ()

    def find(self, path: bytes) -> Image | None:
        """Find nothing."""
        return None

    def load(self, data: bytes, name: bytes) -> Image | None:
        """Make nothing of it."""
        return None

    def names(self) -> Sequence[bytes]:
        """List nothing."""
        return ()


class System:
    """The kernel: heaps, files, processes, queues."""

    __slots__ = ("__dict__", "__weakref__", "current")  # every system call asks who is running

    def __init__(self, heap: Heap, files_capacity: int, user_memory: UserMemory, clock: Clock) -> None:
        _check_sizes(heap, files_capacity)
        self.heap = heap
        self.scheduler_heap = Heap(None, name="scheduler", parent=heap)
        self.memory = Memory(self)
        # of programs' strings; `user_memory` has the budget
        self.in_user_memory: Aside = Heap(None, name="user memory").run
        self.kill_for_memory: Callable[[Heap], None] = partial(death.kill_for_memory, self)
        self.records = Heap(None, name="records")  # what is kept for the host is not the kernel's memory
        self.user_memory = user_memory
        self.loader: Loader = NoPrograms()  # whoever puts the kernel together sets another
        self.loaded: Image | Errno = abi.OK  # what came of it, for the call that is under way
        self.clock = clock
        self.random: RandomBytes = os.urandom
        with self.scheduler_heap:
            self.files = MemoryFiles(Heap(files_capacity, name="files", parent=heap, slack=0), files_capacity)
            self.processes = ProcessTable()
            self.run_queue = RunQueue()
            self.pollers = Sleepers()  # in poll_oneoff, with descriptors
            self.sleepers = Sleepers()  # in poll_oneoff, with a clock alone
            self.child_waiters = Queue()
            self.socket_names = SocketNames()
            self.exiting = Queue()  # with more open than is closed at once
            self.forkers = Queue()  # until their child has its copy of their memory
        self.next_wall: int | None = None  # when the wall time of the first group is over, or before
        self.current: Process | None = None
        self.doomed: Process | None = None  # to be ended when that one's turn is over, linked through them
        self.unused: Description | None = None  # to be released then, likewise
        self.admit: Callable[..., object] = heap.admit
        self.possible = heap.possible - SCHEDULER_BYTES  # the most that one call can be granted
        self.preopens: tuple[Description, ...] = ()
        self.host_files = FileBudget()
        self.disks: list[DiskFiles] = []  # durable file systems, each a preopened directory
        self.host_sockets = HostBudget()
        self.host = HostWatch(self)
        self.host_pipes: Count = 0  # with both ends open: the host may wake a guest
        self.changed = True  # something may have happened that the host waits for
        # what happened
        self.waits: Long = 0
        self.failed_calls = 0
        self.kills: deque[Kill] = deque(maxlen=KILLS_KEPT)
        self.bugs: list[str] = []
        self.take_time()

    def take_time(self) -> None:
        """Take the time that changes of files carry until the next turn."""
        with self.files.heap:
            self.files.now = self.clock.realtime() + 0

    def add_preopen(self, description: Description) -> None:
        """Give every process that the host starts a directory."""
        description.references += 1
        self.preopens = (*self.preopens, description)

    # -- what calls looked at
    def let_go(self, description: Description) -> None:
        """Take away a reference of a call that looked at something; it is released when the turn is over."""
        description.references -= 1
        if description.references == 0:
            description.next_unused = self.unused
            self.unused = description

    def release_unused(self) -> None:
        """Release what nothing refers to any more since the turn that is over."""
        while self.unused is not None:
            description, self.unused = self.unused, self.unused.next_unused
            description.next_unused = None
            description.release()

    def process(self, pid: int) -> Process | None:
        """Return the process with a pid, dead ones that wait to be waited for included, or None."""
        return self.processes.get(pid)

    # -- waking
    def wake(self, queue: Queue) -> None:
        """Let all on a queue go on, and those who poll what it is for: each makes its call again."""
        if queue.first is not None:
            self._let_go_on(queue)
        if queue.watches is not None:
            self._wake_pollers(queue)

    def _let_go_on(self, queue: Queue) -> None:
        for _ in range(MAX_PROCESSES):
            process = queue.pop()
            if process is None:
                break
            self.make_runnable(process)

    def _wake_pollers(self, queue: Queue) -> None:
        for _ in range(MAX_PROCESSES):
            watch = queue.watches
            if watch is None:
                break
            watch.end()
            self.wake_one(watch.process, self.pollers)

    @property
    def next_deadline(self) -> int | None:
        """When the first of those who wait for the clock is due, monotonic ns; None if nobody does."""
        first = NEVER
        for queue in (self.sleepers, self.pollers):
            process = queue.first
            if process is not None and process.due < first:
                first = process.due
        return None if first == NEVER else first

    def wake_due(self, now: int) -> None:
        """Let those go on whose deadline has come, in the order of their deadlines; monotonic ns."""
        for queue in (self.sleepers, self.pollers):
            while (process := queue.first) is not None and process.due <= now:
                self.wake_one(process, queue)

    def wake_one(self, process: Process, queue: Queue | Sleepers) -> None:
        """Let a process go on if that is the queue it is on."""
        if process.queue is queue:
            queue.remove(process)
            self.make_runnable(process)

    def make_runnable(self, process: Process) -> None:
        """Let a process that is on no queue go on."""
        self.host.done(process)
        process.state = RUNNABLE if process.guest is not None else NEW
        self.run_queue.append(process)

    # -- durable file systems
    def sync_disks(self) -> None:
        """Make all that was done durable; blocks until the host's disk has it.

        One that is broken keeps what was durable before, and says so at its end.
        """
        for files in self.disks:
            with contextlib.suppress(Broken):
                files.sync()

    def close_disks(self) -> None:
        """Make all that was done durable, and close the files on the host. Nobody has anything open of them.

        Raises:
            KernelError: the host's disk failed: what was not durable before that is lost.
        """
        broken = [text for files in self.disks if (text := files.close()) is not None]
        self.disks.clear()
        if broken:
            raise KernelError("; ".join(broken))

    # -- the host
    def note_change(self) -> None:
        """Have those on the host look whether what they wait for has come: an end, bytes in a pipe."""
        self.changed = True

    def take_change(self) -> bool:
        """Tell whether a change was noted since this was asked last."""
        changed, self.changed = self.changed, False
        return changed

    # -- books
    def report_bug(self, text: str, error: BaseException | None = None) -> None:
        """Remember that something happened that must not; only the first few are kept."""
        if len(self.bugs) < 10:
            detail = "".join(traceback.format_exception(error)[-3:]) if error is not None else ""
            self.bugs.append(f"{text}\n{detail}" if detail else text)

    def check(self) -> list[str]:
        """Return what does not hold of the kernel's invariants. Empty when all is well."""
        return check_system(self)

    def open_root(self, name: bytes) -> Description:
        """Open the root of the file system in memory, as a preopened directory."""
        with self.scheduler_heap:
            return OpenDirectory(
                self.files,
                self.files.root,
                abi.DIRECTORY_RIGHTS,
                abi.DIRECTORY_RIGHTS | abi.FILE_RIGHTS,
                name,
            )


def _check_sizes(heap: Heap, files_capacity: int) -> None:
    if heap.capacity is not None:
        least = LEAST_BYTES + max(files_capacity, LEAST_FILES_BYTES)
        least += max(heap.slack, least // 63 + 1)  # a 64th of the whole
        if heap.capacity < least:
            raise WrongSize(
                f"a heap of {format_bytes(heap.capacity)} ({heap.capacity} bytes) is too small for a kernel: "
                f"with a file system of {format_bytes(max(files_capacity, LEAST_FILES_BYTES))} it needs "
                f"{format_bytes(least)} ({least} bytes)"
            )
    if files_capacity < LEAST_FILES_BYTES:
        raise WrongSize(
            f"a file system of {files_capacity} bytes is too small: it needs {LEAST_FILES_BYTES} for its root"
        )


class ProcessTable(Table[Process]):
    """Processes by pid. A class of its own, so that the analyser does not take it for one of descriptors."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._make_leaf(0).free &= ~1  # pid 0 is nobody: never handed out
