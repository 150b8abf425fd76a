"""The system calls that make processes: spawn, fork, exec. Handlers as in `calls`.

Fork and exec need the guest to stand still, so they are made in two parts: the handler does what needs the
kernel's heap and answers WAIT, the scheduler copies or replaces the guest, and the call that is made again
says what came of it. An exec that succeeded is not made again: its program is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi, birth, bounds
from hardtack.kernel.abi import E2BIG, EBADF, EFAULT, EINVAL, OK, PAIR, U32
from hardtack.kernel.calls import get_path
from hardtack.kernel.descriptions import Description
from hardtack.kernel.params import (
    FAN,
    MAX_ARGUMENT_BYTES,
    MAX_ARGUMENTS,
    MAX_DESCRIPTORS,
    MAX_MAP,
    PATH_MAX,
)
from hardtack.kernel.process import Process, Successor
from hardtack.kernel.program_files import below, find_program, join, start_of
from hardtack.kernel.steps import Steps

if TYPE_CHECKING:
    from hardtack.kernel.birth import Strings
    from hardtack.kernel.guest import Image
    from hardtack.kernel.ranges import Number, PathBytes, Word

# What a child takes at most, its place among those who can run, and one of its descriptors: numbers, and two
# nodes of its table.
CREATE_BYTES: Final = bounds.of_step("hardtack.kernel.calls_spawn:_create")
RUN_BYTES: Final = bounds.of_step("hardtack.kernel.calls_spawn:_let_run")
SLOT_BYTES: Final = bounds.of_step("hardtack.kernel.calls_spawn:_install_low")
NODES_BYTES: Final = bounds.of_step("hardtack.kernel.calls_spawn:_install")


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
    directory: Word,
    directory_size: Word,
    out: Word,
) -> int:
    """Start a program as a child: its arguments, environment, working directory, and descriptors."""
    start_in = get_directory(process, directory, directory_size) if directory else process.directory
    if isinstance(start_in, int):
        return start_in
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
    image = find_program(process, name)
    if isinstance(image, int):
        return image
    steps = Steps(process)
    if not steps.run(process.heap, CREATE_BYTES, _create, process, image, given, variables, start_in):
        return steps.begin_again()
    return _complete(process, descriptor_map, map_count, out, steps)


def _create(
    process: Process, image: Image, arguments: memoryview, environment: Strings, directory: PathBytes
) -> None:
    """Make a child, which is `process.forking` then, or have `process.outcome` say why there is none."""
    child = birth.create(process.system, process.group, process, image, arguments, environment, directory)
    if isinstance(child, int):
        process.outcome = child
    else:
        process.forking = child


def _complete(process: Process, descriptor_map: Word, map_count: Word, out: Word, steps: Steps) -> int:
    """Give the child that was made its descriptors and let it run; it ends where a step is refused."""
    child = process.forking
    errno, process.outcome = process.outcome, OK
    if child is None:
        return errno
    given = _give_descriptors(process, child, descriptor_map, map_count, steps)
    runs = given and steps.run(process.heap, RUN_BYTES, _let_run, child)
    process.forking = None  # until now: see `half_done`
    if not runs:
        birth.unmake(process.system, child)
        return steps.begin_again()
    U32.pack_into(process.memory, out, child.pid)
    return OK


def get_block(process: Process, start: Word, size: Word) -> memoryview | int:
    """Return a block of NUL-terminated strings where it stands in the guest's memory, or an errno."""
    if size > MAX_ARGUMENT_BYTES:
        return E2BIG
    if start + size > len(process.memory):
        return EFAULT
    view = process.memory[start : start + size]
    if size and view[size - 1]:
        return EINVAL
    count = 0
    for at in range(0, size, PATH_MAX):  # piece by piece: what is only looked at is not copied as a whole
        count += bytes(view[at : at + PATH_MAX]).count(b"\0")
    return E2BIG if count > MAX_ARGUMENTS else view


def get_directory(process: Process, start: Word, size: Word) -> PathBytes | int:
    """Return the absolute path of a directory that is there, or an errno."""
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    if not path.startswith(b"/"):
        path = join(process.directory, path)
        if not path:
            return abi.ENAMETOOLONG
    above = start_of(process, path)
    if above is None:
        return abi.ENOENT
    status = above.filestat_at(below(above, path) + b"/.", True)  # a way into it: no need to open it
    return status if isinstance(status, int) else path


def _check_map(process: Process, descriptor_map: Word, count: Word) -> int:
    for i in range(count):
        to, fd = PAIR.unpack_from(process.memory, descriptor_map + 8 * i)
        if process.descriptors.find(fd) is None:
            return EBADF
        if to >= MAX_DESCRIPTORS:
            return EINVAL
    return OK


def _give_descriptors(
    process: Process, child: Process, descriptor_map: Word, count: Word, steps: Steps
) -> bool:
    """Give a child its descriptors, each in a step; False when one was refused."""
    for i in range(count if descriptor_map else 3):
        to, fd = PAIR.unpack_from(process.memory, descriptor_map + 8 * i) if descriptor_map else (i, i)
        description = process.descriptors.find(fd)
        if description is not None and not _give(child, description, to, steps):
            return False
    preopens = process.system.preopens
    done = 0
    for number in range(3, 3 + MAX_MAP + len(preopens)):
        if done == len(preopens):
            break
        if child.descriptors.find(number) is None:
            if not _give(child, preopens[done], number, steps):
                return False
            done += 1
    return True


def _give(child: Process, description: Description, to: Word, steps: Steps) -> bool:
    """Let a number of a child's lead to a description, unless it leads somewhere; False if refused."""
    if to < FAN:
        return steps.run(child.heap, SLOT_BYTES, _install_low, child, to, description)
    return steps.run(child.heap, NODES_BYTES, _install, child, to, description)


def _let_run(child: Process) -> None:
    """Let a child have its turn, now that it lacks nothing."""
    child.system.run_queue.append(child)


def _install_low(child: Process, to: Number, description: Description) -> None:
    """As `_install`, of a number below FAN: every table has the nodes for these."""
    if child.descriptors.put_low(to, description):
        description.references += 1


def _install(child: Process, to: Number, description: Description) -> None:
    """Let a number of a child's lead to a description, unless it leads somewhere; in the child's heap."""
    if child.descriptors.find(to) is None:
        child.descriptors.put_unshared(to, description)
        description.references += 1


def fork(process: Process, out: Word) -> int:
    """Make a copy of the process; it goes on here too, with pid 0."""
    child, process.forking = process.forking, None
    if child is not None:  # made again: the copy is there, or could not be made
        errno, process.outcome = process.outcome, OK
        if errno == OK:
            U32.pack_into(process.memory, out, child.pid)
        return errno
    if out + 4 > len(process.memory):
        return EFAULT
    if not process.image.forkable:
        return abi.ENOTSUP
    made = birth.fork(process.system, process)
    if isinstance(made, int):
        return made
    process.block(process.system.forkers)
    return abi.WAIT


def exec_(
    process: Process,
    path: Word,
    path_size: Word,
    arguments: Word,
    arguments_size: Word,
    environment: Word,
    environment_size: Word,
) -> int:
    """Run another program in this process's place: with its pid, descriptors, parent and directory."""
    errno, process.outcome = process.outcome, OK
    if errno:  # made again, by the old program: there was no user memory for the new one
        return errno
    name = get_path(process, path, path_size)
    if isinstance(name, int):
        return name
    given = get_block(process, arguments, arguments_size)
    if isinstance(given, int):
        return given
    variables = get_block(process, environment, environment_size) if environment else None
    if isinstance(variables, int):
        return variables
    image = find_program(process, name)
    if isinstance(image, int):
        return image
    inherited = process.environment if variables is None else variables
    system = process.system
    if not birth.take_user_memory(system, process.group.account, len(given) + len(inherited)):
        return abi.ENOMEM
    process.successor = Successor(
        image,
        birth.to_user_memory(system, given),
        process.environment if variables is None else birth.to_user_memory(system, variables),
    )
    return abi.WAIT
