"""Inodes: what a file system's names lead to.

Names refer to inodes downwards; upwards (`Directory.parent`) stands a number, looked up in the table of
inodes, so that no references form a cycle and everything dies by reference counting.
"""

from __future__ import annotations

from hardtack.kernel.abi import SYMBOLIC_LINK, UNKNOWN


class Inode:
    """A file, directory or link: number, names and openings that refer to it, times in ns."""

    __slots__ = ("atime", "ctime", "links", "mtime", "number", "opens")
    filetype = UNKNOWN

    def __init__(self, number: int, now: int) -> None:
        self.number = number
        self.links = 1
        self.opens = 0
        self.atime = self.mtime = self.ctime = now

    def byte_size(self) -> int:
        """Return the size that stat shows, in bytes."""
        return 0


class Symlink(Inode):
    """A symbolic link: target is at most PATH_MAX bytes."""

    __slots__ = ("target",)
    filetype = SYMBOLIC_LINK

    def __init__(self, number: int, now: int, target: bytes) -> None:
        super().__init__(number, now)
        self.target = target

    def byte_size(self) -> int:
        """Return the length of the target."""
        return len(self.target)
