"""A process tree's account: what it has taken of what `Limits` grants it, and which limit ended it.

Each limit is checked where what it limits is given out: heap at the border, user memory in its budget,
descriptors in the table of them, files in their owner's account, processor time and the clock in the
scheduler. A limit that kills is only noted here; the scheduler kills between two turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.kernel.descriptor_table import DescriptorTable
from hardtack.kernel.guest import UserMemory
from hardtack.kernel.params import MAX_DESCRIPTORS, MAX_GROUP_PROCESSES, MAX_PROCESSES, OTHERS_PART
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap
    from hardtack.kernel.inodes import Owner
    from hardtack.kernel.ranges import Count
    from hardtack.kernel.system import System
    from hardtack.limits import Limits

NANOSECONDS: Final = 1_000_000_000


class Account:
    """What a process tree has taken.

    Attributes:
        limits: what it may take.
        user_memory: its part of the kernel's budget.
        owner: its account with the file system.
        most_descriptors: that each of its processes may have open.
        most_processes: that may exist at once.
        deadline: monotonic ns at which its wall time is over; None if it has no limit.
        cpu_limit: ns of processor time; None without a limit, and then it is not measured.
        cpu_used: ns of it that were used.
        processes: that exist, ended ones that wait to be waited for included.
        descriptors_refused: a process had as many as it may have.
        processes_refused: a further process was refused.
        limit: the name of the limit that ended it, if one did.
        why: that in words, with figures.
    """

    __slots__ = (
        "_admit",
        "_heap",
        "cpu_limit",
        "cpu_used",
        "deadline",
        "descriptors_refused",
        "limit",
        "limits",
        "most_descriptors",
        "most_processes",
        "owner",
        "processes",
        "processes_refused",
        "user_memory",
        "why",
    )

    def __init__(self, system: System, heap: Heap, owner: Owner, limits: Limits, began: int) -> None:
        self._admit = system.admit
        self._heap = heap
        self.limits = limits
        self.most_descriptors: Count = min(
            MAX_DESCRIPTORS if limits.descriptors is None else limits.descriptors, MAX_DESCRIPTORS
        )
        self.most_processes: Count = min(
            MAX_GROUP_PROCESSES if limits.processes is None else limits.processes, MAX_PROCESSES
        )
        self.owner = owner
        owner.limit = limits.disk
        everything = system.user_memory
        self.user_memory = UserMemory(
            everything.capacity if limits.memory is None else limits.memory, everything, limits.table_elements
        )
        self.deadline = None if limits.wall is None else began + int(limits.wall * NANOSECONDS)
        self.cpu_limit = None if limits.cpu is None else int(limits.cpu * NANOSECONDS)
        self.cpu_used = 0
        self.processes: Count = 0
        self.descriptors_refused = False
        self.processes_refused = False
        self.limit: str | None = None
        self.why: str | None = None

    # -- heap
    def way_in(self) -> Callable[..., object]:
        """Return how calls of its processes are let in: by the kernel's heap, and below their own limit."""
        return self._admit if self.limits.heap is None else self.admit

    def admit(self, heap: Heap, bound: int, handler: Callable[..., object], *arguments: object) -> object:
        """As `Heap.admit` of the kernel's heap; NotImplemented too where its limit might be exceeded."""
        if self.lacks_heap(bound):
            return NotImplemented
        return self._admit(heap, bound, handler, *arguments)

    def lacks_heap(self, need: int) -> bool:
        """Tell whether so many bytes more might exceed its limit."""
        return self.limits.heap is not None and self._heap.live + need > self.limits.heap

    def end_for_heap(self, need: int) -> None:
        """Have it end since so many bytes more might exceed its limit."""
        assert self.limits.heap is not None
        self.end(
            "heap",
            f"heap limit: it held {self._heap.live} bytes of the kernel's heap, a call may need {need} more, "
            f"the limit is {format_bytes(self.limits.heap)} ({self.limits.heap} bytes)",
        )

    # -- user memory
    def has_room_for_process(self, need: int) -> bool:
        """Tell whether a further process may take so many bytes of user memory.

        Where the host set no limit, it may not take a last part of the kernel's: a fork bomb would have all,
        and nobody else could start a program. What a process grows by itself does not come under that.
        """
        memory = self.user_memory
        others = 0 if self.limits.memory is not None else memory.capacity // OTHERS_PART
        if memory.used + need > memory.capacity - others:
            memory.refused = True
            return False
        return memory.has_room(need)

    # -- time
    def use_processor(self, nanoseconds: int) -> None:
        """Charge processor time; have it end when there is no more."""
        self.cpu_used += nanoseconds
        if self.cpu_limit is not None and self.cpu_used >= self.cpu_limit:
            used = self.cpu_used / NANOSECONDS
            self.end("cpu", f"cpu limit: it used {used:.3f} s of processor time, the limit is {self._cpu}")

    @property
    def _cpu(self) -> str:
        return f"{self.limits.cpu:g} s"

    def end_for_wall(self) -> None:
        """Have it end since its time is over."""
        self.end("wall", f"wall limit: it had not ended after {self.limits.wall:g} s")

    def end(self, limit: str, why: str) -> None:
        """Note which limit ends it, if none has yet."""
        if self.limit is None:
            self.limit = limit
            self.why = why

    def forget_refusals(self) -> None:
        """Forget which limits refused it something so far."""
        self.descriptors_refused = self.processes_refused = False
        self.user_memory.refused = self.owner.refused = False

    def limits_met(self, output: bool) -> tuple[str, ...]:
        """Return the names of the limits that it met, the one that ended it first; output says it of that."""
        met = {
            "memory": self.user_memory.refused,
            "descriptors": self.descriptors_refused,
            "output": output,
            "disk": self.owner.refused,
            "processes": self.processes_refused,
        }
        names = [name for name, refused in met.items() if refused and name != self.limit]
        return tuple(names if self.limit is None else [self.limit, *names])


class Descriptors(DescriptorTable):
    """A process's descriptors, of which there may be so many as its account says."""

    __slots__ = ("_account",)

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account

    def lowest_free(self) -> int:
        """Return the lowest free number, or -1 when there may be no more descriptors."""
        return super().lowest_free() if self.has_room(1) else -1

    def has_room(self, count: int) -> bool:
        """Tell whether there may be so many more."""
        if self.count + count <= self._account.most_descriptors:
            return True
        self._account.descriptors_refused = True
        return False

    def _empty(self) -> DescriptorTable:
        return Descriptors(self._account)
