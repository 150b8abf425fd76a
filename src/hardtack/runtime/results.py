"""How a program ended and what it took; a kernel's books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardtack.heap import HeapStatistics
    from hardtack.kernel.death import Kill
    from hardtack.kernel.disk_inodes import DiskStatistics
    from hardtack.kernel.system import System


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


@dataclass(frozen=True, slots=True)
class KernelStatistics:
    """A kernel's books at one moment.

    Attributes:
        heap: the kernel's heap.
        files: the heap of the file system in memory.
        disk: the durable file system's books, or None if there is none.
        memory: bytes of user memory in use.
        memory_peak: the most that ever was.
        memory_capacity: the most that may be.
        processes: processes alive, or ended and not yet waited for.
        waits: system calls that had to wait for memory.
        kills: process trees that were killed to free memory, in order; the last 256.
        failed_calls: system calls that met a failed allocation; 0 unless the policy is another than reserve.
    """

    heap: HeapStatistics
    files: HeapStatistics
    disk: DiskStatistics | None
    memory: int
    memory_peak: int
    memory_capacity: int
    processes: int
    waits: int
    kills: tuple[Kill, ...]
    failed_calls: int

    @classmethod
    def of(cls, system: System) -> KernelStatistics:
        """Return the books of a kernel; on its own thread."""
        return cls(
            heap=system.heap.statistics(),
            files=system.files.heap.statistics(),
            disk=system.disks[0].statistics() if system.disks else None,
            memory=system.user_memory.used,
            memory_peak=system.user_memory.peak,
            memory_capacity=system.user_memory.capacity,
            processes=system.processes.count,
            waits=system.waits,
            kills=tuple(system.kills),
            failed_calls=system.failed_calls,
        )
