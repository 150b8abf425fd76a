"""The root of the file system in memory with /proc, /dev and /bin mounted on it.

A path that begins with a mount's name goes there, unless something in memory has that name. Mounts are not
listed in the root, and are looked for where paths start alone: libc makes every path of a program's absolute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel import abi
from hardtack.kernel.open_files import OpenDirectory
from hardtack.kernel.pseudo_files import BIN, DEV, PROC, PseudoDirectory

if TYPE_CHECKING:
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Flags, Long, PathBytes, Rights
    from hardtack.kernel.system import System


class MountedRoot(OpenDirectory):
    """The root, opened for every process."""

    __slots__ = ("_mounts",)

    def __init__(self, system: System, name: PathBytes) -> None:
        rights = abi.DIRECTORY_RIGHTS
        super().__init__(system.files, system.files.root, rights, rights | abi.FILE_RIGHTS, name)
        self._mounts = {kind.encode(): PseudoDirectory(system, kind, kind, 0) for kind in (BIN, DEV, PROC)}

    def _mount(self, path: PathBytes) -> tuple[PseudoDirectory, PathBytes] | None:
        """Return the mount that a path leads to, and the rest of the path; None if it stays here."""
        start = 0
        while path.startswith(b"./", start):
            start += 2
        end = path.find(b"/", start)
        end = len(path) if end < 0 else end
        name = path[start:end]
        mount = self._mounts.get(name)
        if mount is None or self.directory.get(name) is not None:
            return None
        while end < len(path) and path[end] == 47:
            end += 1
        return mount, path[end:] or b"."

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
        found = self._mount(path)
        if found is None:
            return super().open_at(process, path, follow, oflags, flags, rights, inheriting)
        return found[0].open_at(process, found[1], follow, oflags, flags, rights, inheriting)

    def filestat_at(self, path: PathBytes, follow: bool) -> tuple[int, ...] | int:
        """Return the status of what path names."""
        found = self._mount(path)
        return super().filestat_at(path, follow) if found is None else found[0].filestat_at(found[1], follow)

    def set_times_at(self, path: PathBytes, follow: bool, atime: Long | None, mtime: Long | None) -> int:
        """Set the times of what path names."""
        found = self._mount(path)
        if found is None:
            return super().set_times_at(path, follow, atime, mtime)
        return found[0].set_times_at(found[1], follow, atime, mtime)

    def readlink_at(self, path: PathBytes) -> bytes | int:
        """Return a symbolic link's target."""
        found = self._mount(path)
        return super().readlink_at(path) if found is None else found[0].readlink_at(found[1])

    def create_directory_at(self, process: Process, path: PathBytes) -> int:
        """Make a directory."""
        found = self._mount(path)
        if found is None:
            return super().create_directory_at(process, path)
        return found[0].create_directory_at(process, found[1])

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

    def rename_at(self, path: PathBytes, to: Description, new: PathBytes) -> int:
        """Move a name to another, below `to`, replacing it."""
        return abi.EXDEV if self._leaves(path, to, new) else super().rename_at(path, to, new)

    def _leaves(self, path: PathBytes, to: Description, new: PathBytes) -> bool:
        if self._mount(path) is not None:
            return True
        return isinstance(to, MountedRoot) and to._mount(new) is not None


def open_mounted_root(system: System, name: PathBytes) -> MountedRoot:
    """Open the root with its mounts, as a preopened directory."""
    with system.scheduler_heap:
        return MountedRoot(system, name)
