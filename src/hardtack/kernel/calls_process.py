"""The system calls of hardtack's own import module, `posix`: processes and pipes; and leaving.

Handlers as in `calls`. The C side is programs/include/hardtack.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.abi import E2BIG, EBADF, ECHILD, EFAULT, EINVAL, ENOENT, ESRCH, OK, PAIR, U32
from hardtack.kernel.calls import get_path, install
from hardtack.kernel.params import MAX_ARGUMENT_BYTES, MAX_ARGUMENTS, MAX_DESCRIPTORS, MAX_MAP
from hardtack.kernel.pipes import Pipe, ReadEnd, WriteEnd
from hardtack.kernel.process import GONE, KILLED_STATUS, ZOMBIE, Process

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Word

SIGKILL = 9
SIGNALS: Final = 30
IGNORED: Final = frozenset({16, 17, 22, 27})  # chld, cont, urg, winch: as preview1 numbers them
STOPPING: Final = frozenset({18, 19, 20, 21})  # stop, tstp, ttin, ttou
# Made once: a text made in a call would be charged to whoever made it.
SIGNALLED: Final = tuple(f"killed by its own signal {number}" for number in range(SIGNALS + 1))


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
    process.status = 128 + signal
    process.killed = SIGNALLED[signal]
    process.doomed = True
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
        made = Pipe(process.group.heap, process.system.pollers)
        reader = ReadEnd(made)
        writer = WriteEnd(made)
    first = descriptors.lowest_free()
    install(process, first, reader)
    second = descriptors.lowest_free()
    install(process, second, writer)
    PAIR.pack_into(process.memory, out, first, second)
    return OK


def spawn(
    process: Process,
    path: Word,
    path_size: Word,
    arguments: Word,
    arguments_size: Word,
    environment: Word,
    environment_size: Word,
    descriptor_map: Word,
    map_count: Word,
    out: Word,
) -> int:
    """Start a program as a child: its arguments, its environment, and which descriptors it gets."""
    name = get_path(process, path, path_size)
    if isinstance(name, int):
        return name
    given = get_block(process, arguments, arguments_size)
    if isinstance(given, int):
        return given
    variables = get_block(process, environment, environment_size) if environment else process.environment
    if isinstance(variables, int):
        return variables
    map_count = map_count if descriptor_map else 0  # no map: the child gets 0, 1 and 2
    if map_count > MAX_MAP or out + 4 > len(process.memory):
        return EINVAL if map_count > MAX_MAP else EFAULT
    if descriptor_map + 8 * map_count > len(process.memory):
        return EFAULT
    errno = _check_map(process, descriptor_map, map_count)
    if errno:
        return errno
    system = process.system
    image = system.loader.find(name)
    if image is None:
        return ENOENT
    child = system.create(process.group, process, image, given, variables)
    if isinstance(child, int):
        return child
    with child.heap:
        _give_descriptors(process, child, descriptor_map, map_count)
    system.run_queue.append(child)
    U32.pack_into(process.memory, out, child.pid)
    return OK


def get_block(process: Process, start: Word, size: Word) -> memoryview | int:
    """Return a block of NUL-terminated strings where it stands in the guest's memory, or an errno."""
    if size > MAX_ARGUMENT_BYTES:
        return E2BIG
    if start + size > len(process.memory):
        return EFAULT
    view = process.memory[start : start + size]
    block = bytes(view)
    if block and not block.endswith(b"\0"):
        return EINVAL
    return E2BIG if block.count(b"\0") > MAX_ARGUMENTS else view


def _check_map(process: Process, descriptor_map: Word, count: Word) -> int:
    for i in range(count):
        to, fd = PAIR.unpack_from(process.memory, descriptor_map + 8 * i)
        if process.descriptors.get(fd) is None:
            return EBADF
        if to >= MAX_DESCRIPTORS:
            return EINVAL
    return OK


def _give_descriptors(process: Process, child: Process, descriptor_map: Word, count: Word) -> None:
    if descriptor_map:
        for i in range(count):
            to, fd = PAIR.unpack_from(process.memory, descriptor_map + 8 * i)
            _give(process, child, fd, to)
    else:
        for fd in range(3):
            _give(process, child, fd, fd)
    number = 3
    for description in process.system.preopens:
        while child.descriptors.get(number) is not None:
            number += 1
        install(child, number, description)
        number += 1


def _give(process: Process, child: Process, fd: Word, to: Word) -> None:
    description = process.descriptors.get(fd)
    if description is not None and child.descriptors.get(to) is None:
        install(child, to, description)


def waitpid(process: Process, pid: Word, options: Word, status: Word, out: Word) -> int:
    """Take an ended child's status; wait until there is one."""
    if status + 4 > len(process.memory) or out + 4 > len(process.memory):
        return EFAULT
    wanted = -1 if pid == 0xFFFF_FFFF else pid
    system = process.system
    child = system.take_dead(process, wanted)
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
    """Have a process of one's own group ended (9), or find out whether it exists (0)."""
    if signal not in {0, SIGKILL}:
        return EINVAL
    system = process.system
    other = system.process(pid)
    if other is None or other.group is not process.group:
        return ESRCH
    if signal == 0:
        return OK
    if other is process:
        process.doomed = True
        process.killed = "killed by itself"
        return abi.WAIT
    system.end(other, KILLED_STATUS, f"killed by pid {process.pid}")
    return OK
