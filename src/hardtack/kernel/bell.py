"""A bell: how other threads wake a kernel that sleeps while all its processes wait."""

from __future__ import annotations

import contextlib
import os


class Bell:
    """A descriptor that becomes readable when it is rung. Closed with the last reference."""

    __slots__ = ("fd",)

    def __init__(self) -> None:
        self.fd = -1
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        """Wake whoever sleeps, or who will sleep next. Any thread may call this."""
        os.eventfd_write(self.fd, 1)

    def silence(self) -> None:
        """Be ready to be rung again."""
        with contextlib.suppress(BlockingIOError):  # it was not
            os.eventfd_read(self.fd)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
