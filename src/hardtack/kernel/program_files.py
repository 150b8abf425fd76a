"""Finding the program that a process names: those that come with the kernel, and files in its file systems.

What is read of a file, and what is compiled from it, is not the kernel's heap's: the bytes count as user
memory while they are read, and the loader keeps compiled code where it wants. So the loader is called aside,
and what it gives is handed over in `System.loaded`, whose type is known.
A program is at most MAX_PROGRAM_FILE long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.params import MAX_IO, MAX_PROGRAM_FILE, PATH_MAX

if TYPE_CHECKING:
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.guest import Image
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Count, PathBytes, Rights
    from hardtack.kernel.system import System

_ENDS: Final = (b"/", b"")  # what follows a whole name


def find_program(process: Process, path: PathBytes) -> Image | int:
    """Return the program at a path, or an errno: ENOEXEC where the file is none."""
    system = process.system
    system.memory.aside(_find, system, path)
    found = _take(system)
    if not isinstance(found, int):
        return found
    description = open_path(process, path, abi.RIGHT_READ)
    if isinstance(description, int):
        return description
    description.references += 1
    try:
        return _load(process, description, path)
    finally:
        system.let_go(description)


def open_path(process: Process, path: PathBytes, rights: Rights) -> Description | int:
    """Open a path as a process means it: from its working directory, below the directories it was given."""
    if not path.startswith(b"/"):
        path = join(process.directory, path)
        if not path:
            return abi.ENAMETOOLONG
    start = start_of(process, path)
    if start is None:
        return abi.ENOENT
    path = below(start, path)  # so that there is one of them less while links are followed
    return start.open_at(process, path, True, 0, 0, rights, abi.ALL_RIGHTS)


def join(directory: PathBytes, path: PathBytes) -> PathBytes:
    """Return a path below a directory, with one slash between; b"" where that is longer than PATH_MAX."""
    at = len(directory.rstrip(b"/"))
    length = at + 1 + len(path)
    if length > PATH_MAX:
        return b""
    joined = bytearray(length)
    view = memoryview(joined)
    view[:at] = memoryview(directory)[:at]
    view[at] = 47
    view[at + 1 :] = path
    return bytes(joined)


def start_of(process: Process, path: PathBytes) -> Description | None:
    """Return the directory, of those that processes are given, below which an absolute path lies.

    It is the one that wasi-libc finds: that with the longest name, of equal ones the last.
    """
    first = _first(path)
    best: Description | None = None
    most = 0
    for directory in process.system.preopens:
        if directory.preopen is None:
            continue
        name = _name(directory)
        end = first + len(name)
        if len(name) >= most and path.startswith(name, first) and (not name or path[end : end + 1] in _ENDS):
            best, most = directory, len(name)
    return best


def below(start: Description, path: PathBytes) -> PathBytes:
    """Return what of an absolute path follows the name of the directory where it starts."""
    at = _first(path) + len(_name(start))
    while at < len(path) and path[at] == 47:
        at += 1
    return path[at:] or b"."


def _first(path: PathBytes) -> Count:
    """Return where the first name in a path begins, behind slashes and "./"."""
    for at in range(len(path)):
        if path[at] != 47 and (path[at] != 46 or path[at + 1 : at + 2] not in _ENDS):
            return at
    return len(path)


def _name(directory: Description) -> PathBytes:
    """Return the path that a directory was given under, from its first name on; b"" for "/" and "."."""
    path = directory.preopen or b""
    return path[_first(path) :].rstrip(b"/")


def _load(process: Process, description: Description, path: PathBytes) -> Image | int:
    system = process.system
    if description.filetype != abi.REGULAR_FILE:
        return abi.EACCES
    status = description.filestat()
    if isinstance(status, int):
        return status
    size = status[4]
    if size > MAX_PROGRAM_FILE:
        return abi.EFBIG
    if not process.user_memory.take(size):
        return abi.ENOMEM
    try:
        system.memory.aside(_load_file, process, description, size, path)
    finally:
        process.user_memory.give_back(size)
    return _take(system)


def _take(system: System) -> Image | int:
    """Take what was handed over."""
    loaded = system.loaded
    system.memory.aside(_forget, system)  # here, the analyser would take it for OK whatever is loaded later
    return loaded


def _forget(system: System) -> None:
    system.loaded = abi.OK


def _find(system: System, path: PathBytes) -> None:
    """Ask the loader whether there always is a program at a path."""
    system.loaded = system.loader.find(path) or abi.ENOENT


def _load_file(process: Process, description: Description, size: int, path: PathBytes) -> None:
    """Read a file and make a program of it."""
    system = process.system
    data = bytearray(size)
    memory, process.memory = process.memory, memoryview(data)  # which is where descriptions read to
    done = 0
    try:
        while done < size:
            count = description.read_once(process, done, done, min(MAX_IO, size - done))
            if count <= 0:
                system.loaded = -count or abi.EIO
                return
            done += count
    finally:
        process.memory = memory
    system.loaded = system.loader.load(bytes(data), path.rpartition(b"/")[2]) or abi.ENOEXEC
