"""The length of a database's write-ahead log, kept ahead of what is written to it.

Where a log grows at each commit, each sync has the host note its new length and blocks, too, and takes up to
twice as long. So zeros are written beyond its end: SQLite writes over them, and takes what it has not written
itself for the log's end. The next commit syncs them, and waits for the host's notes then: so they are written
at once as far as a log gets before SQLite begins with it anew.

The zeros are written a piece at a time. The host keeps each piece in its cache as one, and looks through all
of it for each frame that is written there: in pieces of megabytes a frame takes up to six times as long.

Nothing depends on that: where the host refuses, the log grows as before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from hardtack.annotations import assume_bound
from hardtack.kernel.params import KIB

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Count, HostNumber

FIRST: Final = 64 * KIB  # bytes of a log that is left to itself: few commits are not worth it
LONGEST: Final = 2 * 1024 * KIB  # bytes of one that is kept ahead: then SQLite begins with it anew
MARGIN: Final = 128 * KIB  # beyond that: what one commit takes, mostly
_PIECE: Final = bytes(64 * KIB)


class DiskLog:
    """The log of a database that is open."""

    __slots__ = ("_fd", "_length")

    def __init__(self, path: str) -> None:
        """Look at a log, which is there; it keeps a descriptor of the host until it is closed."""
        self._fd: HostNumber = -1
        self._length: Count = FIRST
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            error.__traceback__ = None
            self._length = LONGEST

    def keep_ahead(self) -> None:
        """Write the zeros once the log is longer than FIRST. Called after a commit, inside the heap."""
        if self._length < LONGEST:
            self._length = _lengthened(self._fd, self._length)

    def close(self) -> None:
        """Give the descriptor back. A second call does nothing."""
        fd, self._fd = self._fd, -1
        self._length = LONGEST
        if fd >= 0:
            os.close(fd)


@assume_bound("600", returned="32", retained="0")
def _lengthened(fd: HostNumber, length: Count) -> Count:
    """Return the length up to which a log need not be looked at again."""
    try:
        end = os.lseek(fd, 0, os.SEEK_END)
        if end <= length:
            return length
        while end < LONGEST + MARGIN:
            end += os.pwrite(fd, _PIECE, end)
        return end
    except OSError as error:
        error.__traceback__ = None
        return LONGEST
