"""Processes and their groups.

A group is a process tree as the host started it: it is what the killer chooses among and what a killed
program gives back, so what may outlive a process but not its tree (descriptions, pipes, captured output)
lives in the group's heap. A process has a child heap below its group's for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.accounts import Account, Descriptors
from hardtack.kernel.descriptor_table import DescriptorTable
from hardtack.kernel.queues import FairQueue, Queue, RunQueue, Sharer, Sleepers, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap, Reservation
    from hardtack.heap.admission import Waiter
    from hardtack.kernel.guest import Guest, Image, UserMemory
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.ranges import (
        Block,
        Bytes,
        Count,
        Errno,
        Kind,
        LinearMemory,
        Long,
        Number,
        PathBytes,
        Word,
    )
    from hardtack.kernel.system import System

NEW: Final = "new"  # has an image, no guest yet
RUNNABLE: Final = "runnable"  # running, or on the run queue
BLOCKED: Final = "blocked"  # on the queue of what it waits for
WAITING_FOR_MEMORY: Final = "waiting for memory"  # at the border, with nothing held
EXITING: Final = "exiting"  # has no guest any more; what it had open is being closed
ZOMBIE: Final = "zombie"  # ended; its status waits for its parent
GONE: Final = "gone"  # ended and waited for
ENDED: Final = frozenset({ZOMBIE, GONE})

KILLED_STATUS: Final = 128 + 9
TRAPPED_STATUS: Final = 128 + 6
NOT_STARTED_STATUS: Final = 127  # its image could not be started

NO_MEMORY: Final = memoryview(bytearray(0))
NO_DESCRIPTORS: Final = DescriptorTable()  # of processes that have ended
SIGNALLED: Final = 128  # and the signal's number: the status of a process that a signal ended


class Group(Sharer):
    """A process tree: its heap, its accounts, how many of it are alive."""

    __slots__ = (
        "account",
        "alive",
        "first",
        "heap",
        "leader",
        "owner",
        "program",
        "protected",
        "runnable",
    )

    def __init__(
        self,
        heap: Heap,
        owner: Owner,
        leader: Number,
        program: str,
        protected: bool,
        account: Account,
        runnable: FairQueue[Process],
    ) -> None:
        super().__init__()
        self.account = account
        self.heap = heap
        self.owner = owner
        self.leader: Number = leader
        self.program = program
        self.protected = protected
        self.alive: Count = 0
        self.runnable = runnable  # its part of the run queue
        self.first: Process | None = None  # of its processes that have not ended, linked through them

    def add(self, process: Process) -> None:
        """Count a process in. O(1)."""
        first = self.first
        process.next_member = first
        if first is not None:
            first.previous_member = process
        self.first = process
        self.alive += 1

    def remove(self, process: Process) -> None:
        """Count a process out. O(1)."""
        before, after = process.previous_member, process.next_member
        if before is None:
            self.first = after
        else:
            before.next_member = after
        if after is not None:
            after.previous_member = before
        process.previous_member = process.next_member = None
        self.alive -= 1
        self.owner.gone = self.alive == 0


class Successor:
    """The program that an exec is to put in the place of another."""

    __slots__ = ("arguments", "environment", "image")

    def __init__(self, image: Image, arguments: Block, environment: Block) -> None:
        self.image = image
        self.arguments: Block = arguments
        self.environment: Block = environment

    @property
    def string_bytes(self) -> int:
        """Bytes of its arguments and environment, which were taken from user memory."""
        return len(self.arguments) + len(self.environment)


class Process(Sharer):
    """One program under way. Fields are grouped by who changes them."""

    __slots__ = (
        "admit",
        "ahead",
        "arguments",
        "behind",
        "children",
        "closing",
        "cpu_began",
        "cpu_used",
        "dead",
        "deadline",
        "descriptors",
        "directory",
        "doomed",
        "environment",
        "failure",
        "forking",
        "grant",
        "granted_for_steps",
        "group",
        "guest",
        "heap",
        "image",
        "killed",
        "memory",
        "moved",
        "next_dead",
        "next_doomed",
        "next_member",
        "origin",
        "outcome",
        "parent",
        "pid",
        "poll_began",
        "previous_dead",
        "previous_member",
        "queue",
        "random_done",
        "shortfall",
        "state",
        "status",
        "successor",
        "system",
        "user_bytes",
        "waiter",
        "waits_for_host",
        "watches",
        "way_in",
    )

    def __init__(
        self,
        system: System,
        pid: Number,
        parent: Process | None,
        group: Group,
        heap: Heap,
        image: Image,
        arguments: Block,
        environment: Block,
    ) -> None:
        super().__init__()
        # fixed for life
        self.system = system
        self.pid: Number = pid
        self.group = group
        self.heap = heap
        # its program and what it has open
        self.image = image
        self.arguments: Block = arguments  # each ends in NUL
        self.environment: Block = environment  # likewise
        self.directory: PathBytes = b"/"  # what its program takes for the working directory when it starts
        self.guest: Guest | None = None
        self.memory: LinearMemory = NO_MEMORY
        self.descriptors: DescriptorTable = Descriptors(group.account)
        self.closing: DescriptorTable = NO_DESCRIPTORS  # what was open when it ended and is not closed yet
        # what a fork or an exec under way waits for
        self.forking: Process | None = None  # the child that is being made
        self.origin: Process | None = None  # whose memory this one is to get a copy of
        self.successor: Successor | None = None
        self.outcome: Errno = 0  # what came of it, for the call that is made again
        # family: upward until either ends, downward only to the dead that wait to be waited for
        self.parent = parent
        self.children: Count = 0
        self.dead: Process | None = None
        self.next_dead: Process | None = None
        self.previous_dead: Process | None = None
        self.next_member: Process | None = None  # of those of its group that have not ended
        self.previous_member: Process | None = None
        # the scheduler's
        self.state: Kind = NEW
        self.queue: Queue | RunQueue | Sleepers | None = None
        self.ahead: Process | None = None
        self.behind: Process | None = None
        self.watches: Watch | None = None  # of what it polls, linked through them
        self.poll_began: Long | None = None  # ns, monotonic: from when the poll under way counts
        self.deadline: Long | None = None  # and when it ends
        self.cpu_used: Long = 0  # ns of processor time in earlier turns, from when it first asked for them
        self.cpu_began: Long | None = None  # the thread's time when this turn began; None if it never asked
        self.random_done: Word = 0  # bytes that the random_get under way has filled
        self.moved: Word = 0  # and those that the read or write under way has moved in earlier turns
        self.waits_for_host = False  # HostWatch's
        # admission: how the border lets its calls in, and what was granted to the call that waited
        self.way_in: Callable[..., object] = group.account.way_in()  # how they are let in in general
        self.admit: Callable[..., object] = self.way_in
        self.waiter: Waiter | None = None  # at the border, if it waits there
        self.grant: Reservation | None = None
        self.shortfall: Bytes = 0  # what its call waits for besides its bound, for its steps: see `steps`
        self.granted_for_steps: Bytes = 0  # and that part of the grant, while the call runs
        # its end
        self.status: Word | None = None
        self.doomed: Word = 0  # the status to be ended with by the scheduler, when the turn is over
        self.next_doomed: Process | None = None  # of the others for whom that is so
        self.killed: str | None = None  # why, if it did not end by itself
        self.failure: str | None = None  # the trap's text
        self.user_bytes: Bytes = 0  # of linear memory, at the end

    @property
    def string_bytes(self) -> int:
        """Bytes of its arguments and environment, which were taken from user memory."""
        return len(self.arguments) + len(self.environment)

    @property
    def user_memory(self) -> UserMemory:
        """What its linear memory and its stack are taken from."""
        return self.group.account.user_memory

    def block(self, queue: Queue) -> int:
        """Put this process, which is making a call, on a queue; return the answer that call gives."""
        self.state = BLOCKED
        queue.append(self)
        return -abi.WAIT

    def watch(self, queue: Queue) -> None:
        """Have this process, which will block in poll_oneoff, woken with those on a queue."""
        first = queue.watches
        if first is None or first.process is not self:  # all watches of one call are made in a row
            self.watches = Watch(self, queue)

    def drop_watches(self) -> None:
        """Watch nothing any more. O(watches)."""
        watch, self.watches = self.watches, None
        while watch is not None:
            watch.end()
            watch = watch.next

    def admit_later(self, *_: object) -> object:
        """Let others have their turn before the call that is made is let in."""
        self.admit = self.way_in
        if self.grant is not None:  # which came while another thread hurried the turn
            self.grant.release()
            self.grant = None
            self.shortfall = 0
        return abi.WAIT

    def end_short(self, *call: Word) -> int:
        """Answer the read or write that is made with what it has moved; its last argument is where to."""
        self.admit = self.way_in
        abi.U32.pack_into(self.memory, call[-1], self.moved)
        self.moved = 0
        return abi.OK

    def admit_granted(
        self,
        instead: Callable[..., object] | None,
        heap: Heap,
        bound: int,
        handler: Callable[..., object],
        *arguments: object,
    ) -> object:
        """Run the call that waited, by `instead` if given, on the reservation that came with the wake-up."""
        grant = self.grant
        assert grant is not None
        self.admit = self.way_in
        self.grant = None
        self.granted_for_steps, self.shortfall = self.shortfall, 0
        try:
            return grant.run(heap, instead or handler, *arguments)
        finally:  # a handler may raise Broken, and its process go on
            self.granted_for_steps = 0
