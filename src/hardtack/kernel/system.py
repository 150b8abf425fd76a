"""The kernel's state, and the life of its processes from birth to burial.

Heaps, from the top: the kernel's, with the capacity and the policy; below it the scheduler's, the file
system's (with a capacity of its own) and one a group, below which each process has one. A reservation sits
on the kernel's heap, the common ancestor of all that a call may charge.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias

from hardtack.errors import KernelError, WrongSize
from hardtack.heap import Heap
from hardtack.kernel import abi
from hardtack.kernel.accounts import Account
from hardtack.kernel.checking import check_system
from hardtack.kernel.descriptions import Broken, Description
from hardtack.kernel.guest import StartFailed
from hardtack.kernel.host_paths import FileBudget, HostBudget
from hardtack.kernel.host_watch import HostWatch
from hardtack.kernel.inodes import Owner
from hardtack.kernel.memory import Memory
from hardtack.kernel.memory_files import MemoryFiles
from hardtack.kernel.open_files import OpenDirectory
from hardtack.kernel.params import (
    FAN,
    KILLS_KEPT,
    LEAST_BYTES,
    LEAST_FILES_BYTES,
    MAX_PROCESSES,
    SCHEDULER_BYTES,
)
from hardtack.kernel.process import (
    ENDED,
    EXITING,
    GONE,
    KILLED_STATUS,
    NEW,
    NO_DESCRIPTORS,
    NO_MEMORY,
    RUNNABLE,
    SIGNALLED,
    ZOMBIE,
    Group,
    Process,
)
from hardtack.kernel.queues import NEVER, FairQueue, Queue, RunQueue, Sleepers
from hardtack.kernel.socket_names import SocketNames
from hardtack.kernel.table import Table
from hardtack.limits import NO_LIMITS
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.annotations import assume_bound
    from hardtack.kernel.disk_files import DiskFiles
    from hardtack.kernel.guest import Image, Loader, UserMemory
    from hardtack.kernel.memory import Aside
    from hardtack.kernel.ranges import Block, Bytes, Count, Errno, Long, PathBytes, Word
    from hardtack.limits import Limits

    # arguments, or an environment: in user memory, or to be copied there
    Strings: TypeAlias = Block | memoryview

    # so many bytes: who makes them takes what else it needs elsewhere
    RandomBytes: TypeAlias = Annotated[
        Callable[[int], bytes], assume_bound("5/4*arg1 + 64", returned="5/4*arg1 + 64", retained="0")
    ]


class Clock(Protocol):
    """What time it is, in ns."""

    def realtime(self) -> int:
        """Return ns since 1970."""

    def monotonic(self) -> int:
        """Return ns since some moment; never goes back."""

    def processor(self) -> int:
        """Return ns of processor time that the kernel's thread has used."""


class HostClock:
    """The host's time."""

    def realtime(self) -> int:
        """Return ns since 1970."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Return ns since some moment; never goes back."""
        return time.monotonic_ns()

    def processor(self) -> int:
        """Return ns of processor time that the calling thread has used."""
        return time.thread_time_ns()


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


@dataclass(frozen=True, slots=True)
class Kill:
    """A kill that was made to free memory.

    Attributes:
        pid: of the first process of the group (process tree) that was killed.
        program: its name.
        held: bytes of the kernel's heap that the group held.
    """

    pid: int
    program: str
    held: int


class System:
    """The kernel: heaps, files, processes, queues."""

    __slots__ = ("__dict__", "__weakref__", "current")  # every system call asks who is running

    def __init__(self, heap: Heap, files_capacity: int, user_memory: UserMemory, clock: Clock) -> None:
        _check_sizes(heap, files_capacity)
        self.heap = heap
        self.scheduler_heap = Heap(None, name="scheduler", parent=heap)
        self.memory = Memory(self)
        # of programs' strings; `user_memory` has the budget
        self._in_user_memory: Aside = Heap(None, name="user memory").run
        self._records = Heap(None, name="records")  # what is kept for the host is not the kernel's memory
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

    # -- birth
    def new_group(
        self,
        program: str,
        protected: bool = False,
        limits: Limits = NO_LIMITS,
        began: int | None = None,
    ) -> Group:
        """Make the group of a process that the host starts; its wall time began at `began`, monotonic ns."""
        with self.scheduler_heap:
            heap = Heap(None, name=program, parent=self.heap, kill=self._kill_for_memory, protected=protected)
            owner = Owner()
            began = self.clock.monotonic() + 0 if began is None else began
            account = Account(self, heap, owner, limits, began)
            runnable: FairQueue[Process] = FairQueue()
        with heap:
            group = Group(heap, owner, 0, program, protected, account, runnable)
        if account.deadline is not None and (self.next_wall is None or account.deadline < self.next_wall):
            with self.scheduler_heap:
                self.next_wall = account.deadline + 0
        return group

    def create(
        self,
        group: Group,
        parent: Process | None,
        image: Image,
        arguments: Strings,
        environment: Strings,
        directory: PathBytes = b"/",
    ) -> Process | int:
        """Make a process that the scheduler will start; its descriptors are still to be given.

        Called inside the parent's call, or with a reservation of the host's.
        """
        need = image.user_bytes + len(arguments) + len(environment)
        account = group.account
        if not (account.user_memory.has_room if parent is None else account.has_room_for_process)(need):
            return abi.ENOMEM
        return self._create(group, parent, image, arguments, environment, directory)

    def unmake(self, process: Process) -> None:
        """Have a process that has not been started end, as its parent's call comes to nothing."""
        parent, process.parent = process.parent, None
        if parent is not None:
            parent.children -= 1
        process.origin = None
        self.doom(process, KILLED_STATUS, "its parent's call came to nothing")

    def take_user_memory(self, account: Account, count: Bytes) -> bool:
        """Take bytes of a process tree's user memory for a program's strings; False if that was refused."""
        with self.scheduler_heap:  # the budgets' numbers outlive the process
            return account.user_memory.take(count)

    def to_user_memory(self, strings: Strings) -> Block:
        """Copy arguments, or an environment, to where a program's own bytes are: not in the kernel's heap.

        Bytes are there already. Who keeps the copy takes its bytes from a budget of user memory. So do Unix
        kernels, which put them on the program's stack.
        """
        if isinstance(strings, bytes):
            return strings
        copy: Block = self._in_user_memory(bytes, memoryview(strings))
        return copy

    def fork(self, parent: Process) -> Process | int:
        """Make a copy of a process; the scheduler copies its memory when it starts it.

        Called inside the parent's call, which is to wait until then.
        """
        image = parent.image
        if not parent.group.account.has_room_for_process(image.overhead_bytes + len(parent.memory)):
            return abi.ENOMEM
        child = self._create(
            parent.group, parent, image, parent.arguments, parent.environment, parent.directory
        )
        if isinstance(child, int):
            return child
        parent.forking = child
        child.descriptors = child.heap.run(parent.descriptors.share)
        child.origin = parent
        self.run_queue.append(child)
        return child

    def _create(
        self,
        group: Group,
        parent: Process | None,
        image: Image,
        arguments: Strings,
        environment: Strings,
        directory: PathBytes,
    ) -> Process | int:
        if self.processes.count >= MAX_PROCESSES:
            return abi.EAGAIN
        account = group.account
        if account.processes >= account.most_processes:
            account.processes_refused = True
            return abi.EAGAIN
        if not self.take_user_memory(account, len(arguments) + len(environment)):
            return abi.ENOMEM
        with group.heap:  # where its name in the books belongs
            heap = Heap(None, name=image.name, parent=group.heap)
        with heap:
            pid = self.processes.lowest_free()
            given, inherited = self.to_user_memory(arguments), self.to_user_memory(environment)
            process = Process(self, pid, parent, group, heap, image, given, inherited)
            process.directory = bytes(memoryview(directory))  # copied: what is given belongs to others
        with self.scheduler_heap:
            self.processes.put(pid, process)
        group.add(process)
        account.processes += 1
        if parent is not None:
            parent.children += 1
            process.used = parent.used  # else ever new ones would go before those who are there
        return process

    def start(self, process: Process) -> int:
        """Make the guest of a new process. Runs under a reservation, in the process's heap.

        Raises:
            StartFailed: it cannot be started.
        """
        origin, image, group = process.origin, process.image, process.group
        need = image.user_bytes if origin is None else image.overhead_bytes + len(origin.memory)
        if process.pid != group.leader and not group.account.has_room_for_process(need):
            raise StartFailed("its process tree has all the user memory that it may have")
        if origin is None:
            process.guest = process.image.start(process)
        else:
            assert origin.guest is not None
            process.guest = origin.guest.fork(process)
            process.origin = None
            self.wake_one(origin, self.forkers)
        process.state = RUNNABLE
        return abi.OK

    def replace(self, process: Process) -> int:
        """Carry out an exec: put another program in the place of the guest, between two turns of it.

        Runs under a reservation, in the process's heap. Where the new program does not fit into user memory,
        the old one goes on, and its call answers ENOMEM.
        """
        successor, process.successor = process.successor, None
        assert successor is not None
        assert process.guest is not None
        held = process.image.overhead_bytes + len(process.memory)
        if not process.user_memory.has_room(successor.image.user_bytes - held - process.string_bytes):
            process.user_memory.give_back(successor.string_bytes)
            process.outcome = abi.ENOMEM
            return abi.OK
        process.user_memory.give_back(process.string_bytes)
        process.guest.close()
        process.guest = None
        process.memory = NO_MEMORY
        process.image = successor.image
        process.arguments = successor.arguments
        process.environment = successor.environment
        process.poll_began = process.deadline = None
        process.random_done = 0
        process.guest = process.image.start(process)
        return abi.OK

    # -- death: nothing here allocates what lasts, so it can always go on
    def end(self, process: Process, status: int, killed: str | None = None) -> None:
        """End a process that is not making a call right now: drop its guest, close what it has open.

        One that has more than FAN descriptors open is EXITING for a while: the scheduler closes a part of
        them a turn, so that no call takes the longer for how many there are.
        """
        if process.state == EXITING or process.state in ENDED:
            return
        if process.queue is not None:
            process.queue.remove(process)
        process.drop_watches()
        self.host.done(process)
        self.memory.forget(process)
        if process.grant is not None:
            process.grant.release()
            process.grant = None
        process.admit = process.way_in
        if self.current is process:
            self.current = None
        process.user_bytes = len(process.memory)
        process.memory = NO_MEMORY
        if process.guest is not None:
            process.guest.close()
            process.guest = None
        process.user_memory.give_back(process.string_bytes)
        process.arguments = process.environment = b""
        successor, process.successor = process.successor, None
        if successor is not None:
            process.user_memory.give_back(successor.string_bytes)
        process.status = status
        process.killed = killed
        process.group.remove(process)
        self._give_up_fork(process)
        process.closing, process.descriptors = process.descriptors, NO_DESCRIPTORS
        if process.closing.count <= FAN:
            process.closing.drop()
            self._finish(process)
        else:
            process.state = EXITING
            self.exiting.append(process)

    def doom(self, process: Process, status: Word, killed: str) -> None:
        """Have another process than the one whose turn it is ended when that turn is over. O(1)."""
        if process.doomed or process.state == EXITING or process.state in ENDED:
            return
        process.doomed = status
        process.killed = killed
        process.next_doomed = self.doomed
        self.doomed = process

    def end_doomed(self) -> None:
        """End those who were doomed in the turn that is over."""
        while self.doomed is not None:
            process, self.doomed = self.doomed, self.doomed.next_doomed
            process.next_doomed = None
            self.end(process, process.doomed, process.killed)

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

    def close_some(self) -> None:
        """Close a part of what the first of those has open that are exiting."""
        process = self.exiting.first
        if process is not None and not process.closing.drop_some():
            self.exiting.remove(process)
            self._finish(process)

    def close_everything(self) -> None:
        """Let those end that are exiting, now that the memory is needed. O(descriptors)."""
        while self.exiting.first is not None:
            self.close_some()

    def _finish(self, process: Process) -> None:
        """Nothing is open any more of a process that ends: let its parent know."""
        process.closing = NO_DESCRIPTORS
        self.note_change()
        self._bury_dead_children(process)
        parent, process.parent = process.parent, None
        if parent is None or parent.state in ENDED:
            self.bury(process)
        else:
            process.state = ZOMBIE
            process.next_dead = parent.dead
            if parent.dead is not None:
                parent.dead.previous_dead = process
            parent.dead = process
            process.parent = parent
            self.wake_one(parent, self.child_waiters)

    def _give_up_fork(self, process: Process) -> None:
        """A process ended while a fork was under way: the child that was to be made never was."""
        child, process.forking = process.forking, None
        if child is not None and child.origin is process:
            self.end(child, KILLED_STATUS, "its parent ended while it was made")
        origin, process.origin = process.origin, None
        if origin is not None:
            process.parent = None
            origin.children -= 1
            origin.outcome = abi.ENOMEM
            self.wake_one(origin, self.forkers)

    def _bury_dead_children(self, process: Process) -> None:
        while process.dead is not None:
            self._unlink_dead(process, process.dead)

    def _unlink_dead(self, parent: Process, child: Process) -> None:
        """Take an ended child off its parent's list, and bury it."""
        before, after = child.previous_dead, child.next_dead
        if before is None:
            parent.dead = after
        else:
            before.next_dead = after
        if after is not None:
            after.previous_dead = before
        child.previous_dead = child.next_dead = None
        self.bury(child)

    def bury(self, process: Process) -> None:
        """Forget an ended process: its status was taken, or nobody will ask for it."""
        process.state = GONE
        process.parent = None
        process.group.account.processes -= 1
        self.processes.remove(process.pid)

    def take_dead(self, parent: Process, pid: int) -> Process | None:
        """Take an ended child (pid, or any for -1) off its parent, and bury it. O(1)."""
        child = parent.dead if pid == -1 else self.process(pid)
        if child is None or child.state != ZOMBIE or child.parent is not parent:
            return None
        parent.children -= 1
        self._unlink_dead(parent, child)
        return child

    def end_group(self, group: Group, why: str) -> None:
        """End every process of a group, without waiting for any of them; see `end`."""
        while group.first is not None:
            self.end(group.first, KILLED_STATUS, why)

    def kill_group(self, group: Group, why: str) -> None:
        """End every process of a group, and have what it held back at once. O(descriptors)."""
        self.end_group(group, why)
        self.close_everything()

    def _kill_for_memory(self, heap: Heap) -> None:
        """Kill the group that a heap is of; the heaps' ladder has chosen it."""
        pid = self.processes.next_used(1)
        while pid >= 0:
            process = self.process(pid)
            if process is not None and process.group.heap is heap:
                group = process.group
                self._records.run(self._record_kill, group)
                why = "out of memory: its group held most of the kernel's heap"
                group.account.end("heap", why)
                self.kill_group(group, why)
                return
            pid = self.processes.next_used(pid + 1)

    def _record_kill(self, group: Group) -> None:
        self.kills.append(Kill(group.leader + 0, group.program, group.heap.live))

    def end_late_groups(self, now: int) -> None:
        """End the groups whose wall time is over; find out when that of the next one is."""
        first: int | None = None
        pid = self.processes.next_used(1)
        while pid >= 0:
            process = self.process(pid)
            if process is not None and process.group.account.deadline is not None:
                account = process.group.account
                deadline = process.group.account.deadline
                if deadline <= now:
                    account.end_for_wall()
                    self.end(process, KILLED_STATUS, account.why)
                elif first is None or deadline < first:
                    first = deadline
            pid = self.processes.next_used(pid + 1)
        with self.scheduler_heap:
            self.next_wall = None if first is None else first + 0

    def send_signal(self, process: Process, pid: int, signal: int) -> int:
        """Have a process end another of its tree by a signal, or ask whether it is there (0): an errno.

        WAIT: it is itself, and ends before its call would go on.
        """
        if signal and signal not in abi.ENDING_SIGNALS:
            return abi.EINVAL
        other = self.process(pid)
        if other is None or other.group is not process.group:
            return abi.ESRCH
        if signal == 0:
            return abi.OK
        if other is process:
            process.doomed = SIGNALLED + signal
            process.killed = "killed by itself"
            return abi.WAIT
        self.doom(other, SIGNALLED + signal, f"killed by pid {process.pid}")
        process.admit = process.admit_later  # at its next call the other has ended
        return abi.OK

    def end_all(self, why: str) -> None:
        """End every process."""
        pid = self.processes.next_used(1)
        while pid >= 0:
            process = self.process(pid)
            if process is not None:
                self.end(process, KILLED_STATUS, why)
            pid = self.processes.next_used(pid + 1)
        self.close_everything()

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
