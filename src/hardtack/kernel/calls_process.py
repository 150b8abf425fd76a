"""The system calls of our own import module, `posix`: processes, their descriptors, pipes; and leaving.

Handlers as in `calls`; those that make processes are in `calls_spawn`. The C side is
programs/include/hardtack.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi, death
from hardtack.kernel.abi import EBADF, ECHILD, EFAULT, EINVAL, OK, PAIR, U32
from hardtack.kernel.calls import install
from hardtack.kernel.calls_spawn import get_directory
from hardtack.kernel.descriptions import close
from hardtack.kernel.params import MAX_DESCRIPTORS
from hardtack.kernel.pipes import Pipe, ReadEnd, WriteEnd
from hardtack.kernel.process import GONE, SIGNALLED, ZOMBIE, Process

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Word

SIGNALS: Final = 30
IGNORED: Final = frozenset({16, 17, 22, 27})  # chld, cont, urg, winch: as preview1 numbers them
STOPPING: Final = frozenset({18, 19, 20, 21})  # stop, tstp, ttin, ttou
# Made once: a text made in a call would be charged to whoever made it.
RAISED: Final = tuple(f"killed by its own signal {number}" for number in range(SIGNALS + 1))


def proc_exit(process: Process, status: Word) -> int:
    """End the process; its guest is stopped by a trap right after."""
    process.status = status
    return OK


def proc_raise(process: Process, signal: Word) -> int:
    """End the process by a signal, unless that is one that is ignored where nothing handles it.

    Nothing can: preview1 has no way to say so. What stops a process would stop it for ever, and is refused.
    """
    if signal == 0 or signal in IGNORED:
        return OK
    if signal > SIGNALS:
        return EINVAL
    if signal in STOPPING:
        return abi.ENOTSUP
    process.killed = RAISED[signal]
    process.doomed = SIGNALLED + signal
    return abi.WAIT


def sched_yield(process: Process) -> int:
    """Let others run. Fuel sees to that anyway, so there is nothing to do."""
    return OK


def getpid(process: Process, out: Word) -> int:
    """Report the process's number."""
    return _put(process, out, process.pid)


def getppid(process: Process, out: Word) -> int:
    """Report the parent's number; 0 when it has ended or is the host."""
    parent = process.parent
    return _put(process, out, 0 if parent is None or parent.state in {ZOMBIE, GONE} else parent.pid)


def _put(process: Process, out: Word, value: Word) -> int:
    if out + 4 > len(process.memory):
        return EFAULT
    U32.pack_into(process.memory, out, value)
    return OK


def pipe(process: Process, out: Word) -> int:
    """Make a pipe and report its two descriptors."""
    if out + 8 > len(process.memory):
        return EFAULT
    descriptors = process.descriptors
    if not descriptors.has_room(2):
        return abi.EMFILE
    with process.group.heap:
        made = Pipe(process.group.heap)
        reader = ReadEnd(made)
        writer = WriteEnd(made)
    first = descriptors.lowest_free()
    install(process, first, reader)
    second = descriptors.lowest_free()
    install(process, second, writer)
    PAIR.pack_into(process.memory, out, first, second)
    return OK


def dup(process: Process, fd: Word, out: Word) -> int:
    """Let the lowest free number lead where fd does."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if out + 4 > len(process.memory):
        return EFAULT
    number = process.descriptors.lowest_free()
    if number < 0:
        return abi.EMFILE
    install(process, number, description)
    U32.pack_into(process.memory, out, number)
    return OK


def dup2(process: Process, fd: Word, to: Word) -> int:
    """Let a number of the caller's choice lead where fd does; what it led to before is closed."""
    description = process.descriptors.find(fd)
    if description is None or to >= MAX_DESCRIPTORS:
        return EBADF
    if fd == to:
        return OK
    other = process.descriptors.find(to)
    if other is None and not process.descriptors.has_room(1):
        return abi.EMFILE
    install(process, to, description)
    if other is not None:
        close(other)
    return OK


def getcwd(process: Process, start: Word, size: Word, out: Word) -> int:
    """Report the working directory, and how long its path is; ERANGE where it does not fit."""
    directory = process.directory
    if out + 4 > len(process.memory) or start + size > len(process.memory):
        return EFAULT
    U32.pack_into(process.memory, out, len(directory))
    if len(directory) > size:
        return abi.ERANGE
    process.memory[start : start + len(directory)] = directory
    return OK


def chdir(process: Process, start: Word, size: Word) -> int:
    """Take another directory as the one that relative paths of programs and children start from."""
    directory = get_directory(process, start, size)
    if isinstance(directory, int):
        return directory
    process.directory = bytes(memoryview(directory))
    return OK


def waitpid(process: Process, pid: Word, options: Word, status: Word, out: Word) -> int:
    """Take an ended child's status; wait until there is one."""
    if status + 4 > len(process.memory) or out + 4 > len(process.memory):
        return EFAULT
    if options & ~abi.WAIT_OPTIONS or pid == 0x8000_0000:
        return EINVAL
    wanted = -1 if pid == 0 or pid >= 0x8000_0000 else pid  # 0, -1, -N: all are of one process group
    system = process.system
    child = death.take_dead(system, process, wanted)
    if child is not None:
        assert child.status is not None
        U32.pack_into(process.memory, status, child.status)
        U32.pack_into(process.memory, out, child.pid)
        return OK
    if wanted == -1:
        if process.children == 0:
            return ECHILD
    else:
        other = system.process(wanted)
        if other is None or other.parent is not process:
            return ECHILD
    if options & abi.NOHANG:
        U32.pack_into(process.memory, out, 0)
        return OK
    process.block(system.child_waiters)
    return abi.WAIT


def kill(process: Process, pid: Word, signal: Word) -> int:
    """Have a process of one's own group ended by a signal, or find out whether it exists (0)."""
    return death.send_signal(process.system, process, pid, signal)
