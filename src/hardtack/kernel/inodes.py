"""Inodes: what a file system's names lead to.

Names refer to inodes downwards; upwards (`Directory.parent`) stands a number, looked up in the table of
inodes, so that no references form a cycle and everything dies by reference counting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.kernel.abi import SYMBOLIC_LINK, UNKNOWN

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Bytes, Count, Flags, Long, Number, PathBytes


class Owner:
    """What one group (process tree) holds in files, in bytes; it may outlive the group, as files do.

    Attributes:
        held: bytes that it holds.
        limit: the most that it may hold, or None.
        refused: whether it was refused room.
        payer: the number that stands for it in what it holds on the durable disk; 0 until it has one there.
        gone: whether nobody of the group is left: what it holds was given, to whoever makes it grow.
        next: of those who have such a number, whose turn comes after it: see `Payers._sweep`.
    """

    __slots__ = ("gone", "held", "limit", "next", "payer", "refused")

    def __init__(self) -> None:
        self.held: Bytes = 0
        self.limit: Bytes | None = None
        self.refused = False
        self.payer: Long = 0
        self.gone = False
        self.next: Owner | None = None

    def may_hold(self, need: Bytes) -> bool:
        """Tell whether it may hold so many bytes more; remember that it was refused."""
        limit = self.limit
        if limit is None or self.held + need <= limit:
            return True
        self.refused = True
        return False


class Inode:
    """A file, directory or link: number, who pays for it, names and openings that refer to it, times in ns.

    Its names, and `held` bytes of content, are in its owner's account.
    """

    __slots__ = ("atime", "ctime", "held", "links", "mtime", "number", "opens", "owner")
    filetype: Flags = UNKNOWN

    def __init__(self, number: Number, now: Long, owner: Owner) -> None:
        self.number: Number = number
        self.owner = owner
        self.held: Bytes = 0
        self.links: Count = 1
        self.opens: Count = 0
        self.atime: Long = now
        self.mtime: Long = now
        self.ctime: Long = now

    def byte_size(self) -> int:
        """Return the size that stat shows, in bytes."""
        return 0


class Symlink(Inode):
    """A symbolic link: target is at most PATH_MAX bytes."""

    __slots__ = ("target",)
    filetype = SYMBOLIC_LINK

    def __init__(self, number: Number, now: Long, owner: Owner, target: PathBytes) -> None:
        super().__init__(number, now, owner)
        self.target: PathBytes = target
        self.held = len(target) * 5 // 4

    def byte_size(self) -> int:
        """Return the length of the target."""
        return len(self.target)
