"""How processes come to be, and to run: spawned, forked, started, and replaced by exec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.heap import Heap
from hardtack.kernel import abi, death
from hardtack.kernel.accounts import Account
from hardtack.kernel.guest import StartFailed
from hardtack.kernel.inodes import Owner
from hardtack.kernel.params import MAX_PROCESSES
from hardtack.kernel.process import KILLED_STATUS, NO_MEMORY, RUNNABLE, Group, Process
from hardtack.kernel.queues import FairQueue
from hardtack.limits import NO_LIMITS

if TYPE_CHECKING:
    from typing import TypeAlias

    from hardtack.kernel.guest import Image
    from hardtack.kernel.ranges import Block, Bytes, PathBytes
    from hardtack.kernel.system import System
    from hardtack.limits import Limits

    # arguments, or an environment: in user memory, or to be copied there
    Strings: TypeAlias = Block | memoryview


def new_group(
    system: System,
    program: str,
    protected: bool = False,
    limits: Limits = NO_LIMITS,
    began: int | None = None,
) -> Group:
    """Make the group of a process that the host starts; its wall time began at `began`, monotonic ns."""
    with system.scheduler_heap:
        heap = Heap(
            None,
            name=program,
            parent=system.heap,
            kill=system.kill_for_memory,
            protected=protected,
        )
        owner = Owner()
        began = system.clock.monotonic() + 0 if began is None else began
        account = Account(system, heap, owner, limits, began)
        runnable: FairQueue[Process] = FairQueue()
    with heap:
        group = Group(heap, owner, 0, program, protected, account, runnable)
    if account.deadline is not None and (system.next_wall is None or account.deadline < system.next_wall):
        with system.scheduler_heap:
            system.next_wall = account.deadline + 0
    return group


def create(
    system: System,
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
    return _create(system, group, parent, image, arguments, environment, directory)


def fork(system: System, parent: Process) -> Process | int:
    """Make a copy of a process; the scheduler copies its memory when it starts it.

    Called inside the parent's call, which is to wait until then.
    """
    image = parent.image
    if not parent.group.account.has_room_for_process(image.overhead_bytes + len(parent.memory)):
        return abi.ENOMEM
    child = _create(
        system, parent.group, parent, image, parent.arguments, parent.environment, parent.directory
    )
    if isinstance(child, int):
        return child
    parent.forking = child
    child.descriptors = child.heap.run(parent.descriptors.share)
    child.origin = parent
    system.run_queue.append(child)
    return child


def start(system: System, process: Process) -> int:
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
        system.wake_one(origin, system.forkers)
    process.state = RUNNABLE
    return abi.OK


def replace(system: System, process: Process) -> int:
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


def unmake(system: System, process: Process) -> None:
    """Have a process that has not been started end, as its parent's call comes to nothing."""
    parent, process.parent = process.parent, None
    if parent is not None:
        parent.children -= 1
    process.origin = None
    death.doom(system, process, KILLED_STATUS, "its parent's call came to nothing")


def take_user_memory(system: System, account: Account, count: Bytes) -> bool:
    """Take bytes of a process tree's user memory for a program's strings; False if that was refused."""
    with system.scheduler_heap:  # the budgets' numbers outlive the process
        return account.user_memory.take(count)


def to_user_memory(system: System, strings: Strings) -> Block:
    """Copy arguments, or an environment, to where a program's own bytes are: not in the kernel's heap.

    Bytes are there already. Who keeps the copy takes its bytes from a budget of user memory. So do Unix
    kernels, which put them on the program's stack.
    """
    if isinstance(strings, bytes):
        return strings
    copy: Block = system.in_user_memory(bytes, memoryview(strings))
    return copy


def _create(
    system: System,
    group: Group,
    parent: Process | None,
    image: Image,
    arguments: Strings,
    environment: Strings,
    directory: PathBytes,
) -> Process | int:
    if system.processes.count >= MAX_PROCESSES:
        return abi.EAGAIN
    account = group.account
    if account.processes >= account.most_processes:
        account.processes_refused = True
        return abi.EAGAIN
    if not take_user_memory(system, account, len(arguments) + len(environment)):
        return abi.ENOMEM
    with group.heap:  # where its name in the books belongs
        heap = Heap(None, name=image.name, parent=group.heap)
    with heap:
        pid = system.processes.lowest_free()
        given, inherited = to_user_memory(system, arguments), to_user_memory(system, environment)
        process = Process(system, pid, parent, group, heap, image, given, inherited)
        process.directory = bytes(memoryview(directory))  # copied: what is given belongs to others
    with system.scheduler_heap:
        system.processes.put(pid, process)
    group.add(process)
    account.processes += 1
    if parent is not None:
        parent.children += 1
        process.used = parent.used  # else ever new ones would go before those who are there
    return process
