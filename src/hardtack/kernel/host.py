"""What the host does to a kernel from outside: start programs, put files in, take files out.

Done between runs of the scheduler, on reservations like everybody else, in steps of bounded size.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, TypeVar, cast

from hardtack.errors import KernelError
from hardtack.kernel import abi, birth, death
from hardtack.kernel.calls import install
from hardtack.kernel.directories import Directory
from hardtack.kernel.files import PAGE_STEP_BYTES, File
from hardtack.kernel.inodes import Owner
from hardtack.kernel.memory_files import CREATE_BYTES, Where
from hardtack.kernel.params import MAX_ARGUMENT_BYTES, NAME_MAX, PAGE, PATH_MAX, SCHEDULER_BYTES
from hardtack.kernel.process import KILLED_STATUS
from hardtack.limits import NO_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.guest import Image
    from hardtack.kernel.process import Process
    from hardtack.kernel.system import System
    from hardtack.limits import Limits

_T = TypeVar("_T")
_ERRNOS = {
    abi.EAGAIN: "there are as many processes as the kernel can have",
    abi.ENOMEM: "no user memory is free for it",
    abi.ENOSPC: "no space left in the file system",
    abi.ENOENT: "no such file or directory",
    abi.ENOTDIR: "not a directory",
    abi.EISDIR: "is a directory",
    abi.ENAMETOOLONG: "name too long",
}
_CREATE_PROCESS_BYTES = 10 * 1024  # a group, a process, its tables; checked by measurement


class Host:
    """The host's side of a kernel."""

    def __init__(self, system: System) -> None:
        self.system = system
        with system.scheduler_heap:
            self.owner = Owner()
            self.owner.gone = True  # it keeps no accounts: what it puts there is given

    # -- programs
    def start(
        self,
        image: Image,
        arguments: Sequence[bytes],
        environment: Sequence[bytes],
        make_streams: Callable[[Process], Iterable[Description]],
        protected: bool = False,
        limits: Limits = NO_LIMITS,
        began: int | None = None,
    ) -> Process:
        """Make a process with a group of its own; the scheduler starts it at its turn.

        Args:
            image: its program.
            arguments: what it gets, argv[0] too.
            environment: likewise, as NAME=VALUE.
            make_streams: makes what its first descriptors lead to, one after the other.
            protected: never kill it to free memory.
            limits: of its process tree.
            began: monotonic ns at which its wall time began; now, if it is None.

        Raises:
            KernelError: there can be no further process now, no such streams, or no room in the heap.
        """
        blocks = [
            memoryview(_block("arguments", arguments)),
            memoryview(_block("environment", environment)),
        ]

        def create() -> Process | int:
            group = birth.new_group(self.system, image.name, protected, limits, began)
            process = birth.create(self.system, group, None, image, blocks[0], blocks[1])
            if isinstance(process, int):
                return process
            group.leader = process.pid
            try:
                with process.heap:
                    streams = make_streams(process)
                    for number, description in enumerate(itertools.chain(streams, self.system.preopens)):
                        install(process, number, description)
            except BaseException:
                death.end(self.system, process, KILLED_STATUS)  # it never was
                raise
            self.system.run_queue.append(process)
            return process

        process = self._reserved(_CREATE_PROCESS_BYTES, create)
        if isinstance(process, int):
            why = _ERRNOS[process]
            if process == abi.EAGAIN and limits.processes == 0:  # it would be the first of its tree
                why = "processes limit: it is one process itself, the limit is 0"
            raise KernelError(f"{image.name}: cannot be started: {why}")
        assert process is not None
        return process

    def _reserved(self, need: int, step: Callable[..., _T], *arguments: object) -> _T:
        """Run a step on a reservation, made as one for a call is."""
        heap = self.system.heap
        if heap.on_exhaustion != "reserve":
            return cast(_T, self.system.scheduler_heap.run(step, *arguments))
        need += SCHEDULER_BYTES  # it does not run now, and must find its own when it does
        reservation = self.system.memory.reserve(need)
        if reservation is None:
            raise KernelError(
                f"the kernel's heap is full: {need} bytes are needed, {heap.room} of {heap.capacity} are "
                "free, and nothing is left to kill"
            )
        return cast(_T, reservation.run(self.system.scheduler_heap, step, *arguments))

    # -- files
    def write_file(self, path: str, data: bytes) -> None:
        """Put a file into the file system in memory, making the directories above it.

        It takes its name when it is whole; a file that had the name before is kept until then.

        Raises:
            KernelError: the path leads nowhere, or the file system is full; a file that was there still is.
        """
        self.system.take_time()
        name = _path(path)
        above, slash, _ = name.rpartition(b"/")
        if slash:
            self._make_directories(above)
        files = self.system.files
        need = CREATE_BYTES + 8 * len(name) + 4096
        file = self._reserved(need, self._create, path, name)
        try:
            if not self._fill(file, memoryview(data)) or self._reserved(need, self._place, path, name, file):
                raise KernelError(
                    f"{path}: no space left in the file system: {len(data)} bytes do not fit, "
                    f"{files.heap.free} of {files.heap.capacity} are free; give it more with fs_size"
                )
        finally:
            file.opens = 0
            files.drop_if_unused(file)

    def _walk(self, path: str, name: bytes) -> Where:
        where = self.system.files.walk(self.system.files.root, name, True)
        if isinstance(where, int):
            raise KernelError(f"{path}: {_ERRNOS.get(where, 'not a usable path')}")
        return where

    def _fill(self, file: File, memory: memoryview) -> bool:
        files = self.system.files
        done = 0
        while done < len(memory):
            if not files.room(file.owner, PAGE_STEP_BYTES):
                return False
            step = min(PAGE, len(memory) - done)
            done += self._reserved(
                PAGE_STEP_BYTES + 4096, files.write, file, file.owner, done, memory, done, step
            )
        return True

    def _create(self, path: str, name: bytes) -> File:
        where = self._walk(path, name)
        if where.inode is None:
            self._may_make(path, where)
        elif not isinstance(where.inode, File):
            raise KernelError(f"{path}: is not a regular file")
        return self.system.files.new_file(self.owner)

    def _place(self, path: str, name: bytes, file: File) -> int:
        return self.system.files.place(self._walk(path, name), file)

    def _may_make(self, path: str, where: Where) -> None:
        errno = self.system.files.new_name(where, self.owner, 0)
        if errno:
            raise KernelError(f"{path}: {_ERRNOS.get(errno, 'cannot be made')}")

    def _make_directories(self, name: bytes) -> None:
        position = 0
        while position >= 0:
            position = name.find(b"/", position + 1)
            part = name if position < 0 else name[:position]
            self._reserved(CREATE_BYTES + 8 * len(name) + 4096, self._make_directory, part)

    def _make_directory(self, name: bytes) -> None:
        files = self.system.files
        path = os.fsdecode(name)
        where = self._walk(path, name)
        if where.inode is None:
            self._may_make(path, where)
            with files.heap:
                number = files.inodes.lowest_free()
                files.add(where, Directory(number, files.now, self.owner, where.directory.number))
        elif not isinstance(where.inode, Directory):
            raise KernelError(f"{path}: not a directory")

    def read_file(self, path: str) -> bytes:
        """Return a file's content, copied to the host's memory.

        Raises:
            KernelError: there is no such file.
        """
        inode = self._existing(path).inode
        if not isinstance(inode, File):
            raise KernelError(f"{path}: is not a regular file")
        whole = bytearray(inode.size)
        inode.read_at(0, memoryview(whole), 0, inode.size)
        return bytes(whole)

    def remove_file(self, path: str) -> None:
        """Remove a file.

        Raises:
            KernelError: there is no such file.
        """
        where = self._existing(path)
        assert where.inode is not None
        if isinstance(where.inode, Directory):
            raise KernelError(f"{path}: is a directory")
        self.system.files.unname(where, where.inode)

    def _existing(self, path: str) -> Where:
        where = self._walk(path, _path(path))
        if where.inode is None:
            raise KernelError(f"{path}: no such file")
        return where


def _path(path: str) -> bytes:
    name = os.fsencode(path).strip(b"/")
    if not name or b"\0" in name or len(name) > PATH_MAX or any(len(p) > NAME_MAX for p in name.split(b"/")):
        raise KernelError(f"{path!r} is no path of a file in the kernel's file system")
    return name


def _block(what: str, strings: Sequence[bytes]) -> bytes:
    block = b"".join(string + b"\0" for string in strings)
    if block.count(b"\0") != len(strings):
        raise KernelError(f"the {what} hold a NUL character")
    if len(block) > MAX_ARGUMENT_BYTES:
        raise KernelError(f"the {what} take {len(block)} bytes, the most is {MAX_ARGUMENT_BYTES}")
    return block
