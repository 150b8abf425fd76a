"""How a program ended, and what it took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took.

    Attributes:
        heap_peak: the most bytes of the kernel's heap that its process tree held at once.
        memory: bytes of linear memory that the program had at its end.
        memory_peak: the most bytes of user memory that its process tree had at once.
        seconds: wall time from the call that started it to its end, its compilation included.
        cpu_seconds: processor time of its process tree; None unless that is limited, since it is not
            measured then.
    """

    heap_peak: int
    memory: int
    memory_peak: int
    seconds: float
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended.

    Attributes:
        exit_code: what it gave to exit; 137 if it was killed, 134 if it trapped, 127 if it never started.
        stdout: what it wrote there, unless that went elsewhere.
        stderr: likewise.
        killed: why it was killed, or None.
        failure: the trap's text, or why it could not start, or None.
        truncated: whether it wrote more than the limit of output, and met ENOSPC.
        limit: the name of the limit that ended it, a field of `Limits`, or None. "heap" too where the whole
            kernel's heap was full, "wall" too where a timeout was over.
        limits_met: the names of all limits that ended it or refused it something; a refused growth of a
            table is not seen.
        usage: what it took.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    killed: str | None
    failure: str | None
    truncated: bool
    limit: str | None
    limits_met: tuple[str, ...]
    usage: Usage
