"""What a kernel asks what time it is."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, in ns."""

    def realtime(self) -> int:
        """Return ns since 1970."""

    def monotonic(self) -> int:
        """Return ns since some moment; never goes back."""

    def processor(self) -> int:
        """Return ns of processor time that the kernel's thread has used."""


class HostClock:
    """The host's time."""

    def realtime(self) -> int:
        """Return ns since 1970."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Return ns since some moment; never goes back."""
        return time.monotonic_ns()

    def processor(self) -> int:
        """Return ns of processor time that the calling thread has used."""
        return time.thread_time_ns()
