"""How processes end: by themselves, by a signal or a limit, or as memory is needed; and their burial.

An end takes nothing from the kernel's heap that lasts, so it can always go on: what the owner is told of it
lies in `System.records`. Who is in the midst of a turn is doomed, and ended when that is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.kernel import abi
from hardtack.kernel.params import FAN
from hardtack.kernel.process import (
    ENDED,
    EXITING,
    GONE,
    KILLED_STATUS,
    NO_DESCRIPTORS,
    NO_MEMORY,
    SIGNALLED,
    ZOMBIE,
)

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.process import Group, Process
    from hardtack.kernel.ranges import Word
    from hardtack.kernel.system import System


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


def end(system: System, process: Process, status: int, killed: str | None = None) -> None:
    """End a process that is not making a call right now: drop its guest, close what it has open.

    One that has more than FAN descriptors open is EXITING for a while: the scheduler closes a part of
    them a turn, so that no call takes the longer for how many there are.
    """
    if process.state == EXITING or process.state in ENDED:
        return
    if process.queue is not None:
        process.queue.remove(process)
    process.drop_watches()
    system.host.done(process)
    system.memory.forget(process)
    if process.grant is not None:
        process.grant.release()
        process.grant = None
    process.admit = process.way_in
    if system.current is process:
        system.current = None
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
    _give_up_fork(system, process)
    process.closing, process.descriptors = process.descriptors, NO_DESCRIPTORS
    if process.closing.count <= FAN:
        process.closing.drop()
        _finish(system, process)
    else:
        process.state = EXITING
        system.exiting.append(process)


def doom(system: System, process: Process, status: Word, killed: str) -> None:
    """Have another process than the one whose turn it is ended when that turn is over. O(1)."""
    if process.doomed or process.state == EXITING or process.state in ENDED:
        return
    process.doomed = status
    process.killed = killed
    process.next_doomed = system.doomed
    system.doomed = process


def end_doomed(system: System) -> None:
    """End those who were doomed in the turn that is over."""
    while system.doomed is not None:
        process, system.doomed = system.doomed, system.doomed.next_doomed
        process.next_doomed = None
        end(system, process, process.doomed, process.killed)


def close_some(system: System) -> None:
    """Close a part of what the first of those has open that are exiting."""
    process = system.exiting.first
    if process is not None and not process.closing.drop_some():
        system.exiting.remove(process)
        _finish(system, process)


def close_everything(system: System) -> None:
    """Let those end that are exiting, now that the memory is needed. O(descriptors)."""
    while system.exiting.first is not None:
        close_some(system)


def _finish(system: System, process: Process) -> None:
    """Nothing is open any more of a process that ends: let its parent know."""
    process.closing = NO_DESCRIPTORS
    system.note_change()
    _bury_dead_children(system, process)
    parent, process.parent = process.parent, None
    if parent is None or parent.state in ENDED:
        bury(system, process)
    else:
        process.state = ZOMBIE
        process.next_dead = parent.dead
        if parent.dead is not None:
            parent.dead.previous_dead = process
        parent.dead = process
        process.parent = parent
        system.wake_one(parent, system.child_waiters)


def _give_up_fork(system: System, process: Process) -> None:
    """A process ended while a fork was under way: the child that was to be made never was."""
    child, process.forking = process.forking, None
    if child is not None and child.origin is process:
        end(system, child, KILLED_STATUS, "its parent ended while it was made")
    origin, process.origin = process.origin, None
    if origin is not None:
        process.parent = None
        origin.children -= 1
        origin.outcome = abi.ENOMEM
        system.wake_one(origin, system.forkers)


def _bury_dead_children(system: System, process: Process) -> None:
    while process.dead is not None:
        _unlink_dead(system, process, process.dead)


def _unlink_dead(system: System, parent: Process, child: Process) -> None:
    """Take an ended child off its parent's list, and bury it."""
    before, after = child.previous_dead, child.next_dead
    if before is None:
        parent.dead = after
    else:
        before.next_dead = after
    if after is not None:
        after.previous_dead = before
    child.previous_dead = child.next_dead = None
    bury(system, child)


def bury(system: System, process: Process) -> None:
    """Forget an ended process: its status was taken, or nobody will ask for it."""
    process.state = GONE
    process.parent = None
    process.group.account.processes -= 1
    system.processes.remove(process.pid)


def take_dead(system: System, parent: Process, pid: int) -> Process | None:
    """Take an ended child (pid, or any for -1) off its parent, and bury it. O(1)."""
    child = parent.dead if pid == -1 else system.process(pid)
    if child is None or child.state != ZOMBIE or child.parent is not parent:
        return None
    parent.children -= 1
    _unlink_dead(system, parent, child)
    return child


def end_group(system: System, group: Group, why: str) -> None:
    """End every process of a group, without waiting for any of them; see `end`."""
    while group.first is not None:
        end(system, group.first, KILLED_STATUS, why)


def kill_group(system: System, group: Group, why: str) -> None:
    """End every process of a group, and have what it held back at once. O(descriptors)."""
    end_group(system, group, why)
    close_everything(system)


def kill_for_memory(system: System, heap: Heap) -> None:
    """Kill the group that a heap is of; the heaps' ladder has chosen it."""
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        if process is not None and process.group.heap is heap:
            group = process.group
            system.records.run(_record_kill, system, group)
            why = "out of memory: its group held most of the kernel's heap"
            group.account.end("heap", why)
            kill_group(system, group, why)
            return
        pid = system.processes.next_used(pid + 1)


def _record_kill(system: System, group: Group) -> None:
    system.kills.append(Kill(group.leader + 0, group.program, group.heap.live))


def end_late_groups(system: System, now: int) -> None:
    """End the groups whose wall time is over; find out when that of the next one is."""
    first: int | None = None
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        if process is not None and process.group.account.deadline is not None:
            account = process.group.account
            deadline = process.group.account.deadline
            if deadline <= now:
                account.end_for_wall()
                end(system, process, KILLED_STATUS, account.why)
            elif first is None or deadline < first:
                first = deadline
        pid = system.processes.next_used(pid + 1)
    with system.scheduler_heap:
        system.next_wall = None if first is None else first + 0


def send_signal(system: System, process: Process, pid: int, signal: int) -> int:
    """Have a process end another of its tree by a signal, or ask whether it is there (0): an errno.

    WAIT: it is itself, and ends before its call would go on.
    """
    if signal and signal not in abi.ENDING_SIGNALS:
        return abi.EINVAL
    other = system.process(pid)
    if other is None or other.group is not process.group:
        return abi.ESRCH
    if signal == 0:
        return abi.OK
    if other is process:
        process.doomed = SIGNALLED + signal
        process.killed = "killed by itself"
        return abi.WAIT
    doom(system, other, SIGNALLED + signal, f"killed by pid {process.pid}")
    process.admit = process.admit_later  # at its next call the other has ended
    return abi.OK


def end_all(system: System, why: str) -> None:
    """End every process."""
    pid = system.processes.next_used(1)
    while pid >= 0:
        process = system.process(pid)
        if process is not None:
            end(system, process, KILLED_STATUS, why)
        pid = system.processes.next_used(pid + 1)
    close_everything(system)
