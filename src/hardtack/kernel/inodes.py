"""Inodes: what a file system's names lead to.

Names refer to inodes downwards; upwards (`Directory.parent`) stands a number, looked up in the table of
inodes, so that no references form a cycle and everything dies by reference counting.
"""

from __future__ import annotations

from hardtack.kernel.abi import SYMBOLIC_LINK, UNKNOWN


class Owner:
    """What one group (process tree) holds in files, in bytes; it may outlive the group, as files do."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Inode:
    """A file, directory or link: number, who made it, names and openings that refer to it, times in ns."""

    __slots__ = ("atime", "ctime", "links", "mtime", "number", "opens", "owner")
    filetype = UNKNOWN

    def __init__(self, number: int, now: int, owner: Owner) -> None:
        self.number = number
        self.owner = owner
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

    def __init__(self, number: int, now: int, owner: Owner, target: bytes) -> None:
        super().__init__(number, now, owner)
        self.target = target

    def byte_size(self) -> int:
        """Return the length of the target."""
        return len(self.target)
