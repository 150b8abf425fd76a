"""The root of the file system in memory with /proc, /dev and /bin mounted on it.

A path that begins with a mount's name goes there, unless something in memory has that name. Mounts are looked
for where paths start alone: libc makes every path of a program's absolute. They are not listed in the root,
which is as empty as elsewhere when a program begins, and is walked without them. What was opened for every
process besides it (directories of the host, a disk) under one name is listed, after what is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel import abi
from hardtack.kernel.descriptions import Entries
from hardtack.kernel.open_files import OpenDirectory
from hardtack.kernel.params import NAME_MAX
from hardtack.kernel.pseudo_files import BIN, DEV, PROC, PseudoDirectory

if TYPE_CHECKING:
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.directories import Directory
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Count, Flags, Long, PathBytes, Rights, Transfer, Word
    from hardtack.kernel.system import System


_COOKIES: Final = 1 << 60  # of what else is listed: beyond those of names in memory


class MountedRoot(OpenDirectory):
    """The root: opened for every process, or by one."""

    __slots__ = ("_mounts", "_system")

    def __init__(
        self,
        system: System,
        mounts: dict[bytes, PseudoDirectory],
        rights: Rights,
        inheriting: Rights,
        preopen: PathBytes | None,
    ) -> None:
        super().__init__(system.files, system.files.root, rights, inheriting, preopen)
        self._system = system
        self._mounts = mounts

    def readdir(self, process: Process, start: Word, count: Transfer, cookie: Long) -> int:
        """Write the entries in memory, then what was opened for every process that none of them hides."""
        done = 0
        if cookie < _COOKIES:
            done = super().readdir(process, start, count, cookie)
            if done == count:
                return count
            cookie = _COOKIES
        out = Entries(process.memory, start + done, count - done)
        preopens = self._system.preopens
        for place in range(min(cookie - _COOKIES, 1 << 30), len(preopens)):
            name = _single_name(preopens[place].preopen or b"")
            if not name or self.directory.get(name) is not None:
                continue
            status = preopens[place].filestat()
            number = 0 if isinstance(status, int) else status[1]
            if out.put(_COOKIES + place + 1, number, name, abi.DIRECTORY):
                return count
        return done + out.done

    def _mount(self, path: PathBytes) -> PseudoDirectory | None:
        """Return the mount that a path leads to; None if it stays here."""
        start, end = _first_name(path)
        name = path[start:end]
        mount = self._mounts.get(name)
        return mount if mount is not None and self.directory.get(name) is None else None

    def open_at(
        self,
        process: Process,
        path: PathBytes,
        follow: bool,
        oflags: Flags,
        flags: Flags,
        rights: Rights,
        inheriting: Rights,
    ) -> Description | int:
        """Open what path names."""
        mount = self._mount(path)
        if mount is None:
            return super().open_at(process, path, follow, oflags, flags, rights, inheriting)
        return mount.open_at(process, _beyond(path), follow, oflags, flags, rights, inheriting)

    def _open_directory(self, directory: Directory, rights: Rights, inheriting: Rights) -> OpenDirectory:
        if directory is self.directory:
            return MountedRoot(self._system, self._mounts, rights, inheriting, None)
        return super()._open_directory(directory, rights, inheriting)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        mount = self._mount(path)
        return (
            super().filestat_at(path, follow) if mount is None else mount.filestat_at(_beyond(path), follow)
        )

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """Set the times of what path names."""
        mount = self._mount(path)
        if mount is None:
            return super().set_times_at(path, follow, atime, mtime)
        return mount.set_times_at(_beyond(path), follow, atime, mtime)

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a symbolic link's target."""
        mount = self._mount(path)
        return super().readlink_at(path) if mount is None else mount.readlink_at(_beyond(path))

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        mount = self._mount(path)
        if mount is None:
            return super().create_directory_at(process, path)
        return mount.create_directory_at(process, _beyond(path))

    def remove_directory_at(self, path: PathBytes) -> int:
        """Remove an empty directory."""
        return super().remove_directory_at(path) if self._mount(path) is None else abi.EROFS

    def unlink_at(self, path: PathBytes) -> int:
        """Remove a name that is no directory."""
        return super().unlink_at(path) if self._mount(path) is None else abi.EROFS

    def symlink_at(self, process: Process, target: PathBytes, path: PathBytes) -> int:
        """Make a symbolic link at path."""
        return super().symlink_at(process, target, path) if self._mount(path) is None else abi.EROFS

    def link_at(self, process: Process, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Give a file another name, below `to`."""
        return abi.EXDEV if self._leaves(path, to, new) else super().link_at(process, path, to, new)

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes, slash: bool) -> int:
        """Move a name to another, below `to`, replacing it."""
        return abi.EXDEV if self._leaves(path, to, new) else super().rename_at(path, to, new, slash)

    def _leaves(self, path: PathBytes, to: Description, new: PathBytes) -> bool:
        if self._mount(path) is not None:
            return True
        return isinstance(to, MountedRoot) and to._mount(new) is not None


def _first_name(path: PathBytes) -> tuple[Count, Count]:
    """Return where the first name in a path begins and where it ends."""
    start = 0
    for start in range(0, len(path) + 2, 2):
        if not path.startswith(b"./", start):
            break
    end = path.find(b"/", start)
    return start, len(path) if end < 0 else end


def _beyond(path: PathBytes) -> PathBytes:
    """Return what follows the first name in a path."""
    _, end = _first_name(path)
    while end < len(path) and path[end] == 47:
        end += 1
    return path[end:] or b"."


def _single_name(path: PathBytes) -> PathBytes:
    """Return the one name in a preopened directory's path; b"" if it has none, several, or a longer one."""
    if len(path) > NAME_MAX + 3:  # ./ before it, / behind it
        return b""
    start = 0
    while start < len(path) and path[start] in b"/.":
        start += 1
    name = path[start:].rstrip(b"/")
    return b"" if b"/" in name else name


def open_mounted_root(system: System, name: PathBytes) -> MountedRoot:
    """Open the root with its mounts, as a preopened directory."""
    rights = abi.DIRECTORY_RIGHTS
    with system.scheduler_heap:
        mounts = {kind.encode(): PseudoDirectory(system, kind, kind, 0) for kind in (BIN, DEV, PROC)}
        return MountedRoot(system, mounts, rights, rights | abi.FILE_RIGHTS, name)
