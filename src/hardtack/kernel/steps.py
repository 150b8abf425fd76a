"""Long operations: they reserve step by step, and nobody waits for memory while a half of one is made.

A call that reserved for all that it does would have a bound that grows with its arguments, or with what there
is. So it reserves for one step at a time (deep reservations); what is left of a step's reservation goes back
when the step ends, so none piles up. What there is between two steps decides who may wait:

- Nothing. Each step is a call of its own, which waits at the border as every call does. A write is let in for
  STEP_IO bytes where there is no room for more (`Row.step`). Long reads and writes, random_get and the
  cutting of a durable file answer WAIT and are made again for their next step; the process keeps how far
  they have come (`Process.moved`). A listing goes on from its cookie.
- Something half made: the child of a spawn, which lacks descriptors. `Steps` reserves in the midst of the
  call, at once or not at all. Refused, the call begins again at the border, where the child ends; what it
  waits for there is its bound and its steps up to the one that was refused. So each time it comes further.
- Something whole: a child, or the program of an exec, that is to be started. It waits for its start's memory
  as the process that it is, and can be killed meanwhile.
- Nothing that lasts: the closing of all that a process has open, when it ends. It reserves nothing.

What has no honest half reserves whole: rename, exec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.annotations import assume_bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Bytes


class Steps:
    """The reservations of one call's steps, which run in the heap of what is half made."""

    __slots__ = ("_granted", "_process", "_taken")

    def __init__(self, process: Process) -> None:
        self._process = process
        self._granted: Bytes = process.granted_for_steps
        self._taken: Bytes = 0

    # Of the call's own bound, the step's comes on top of it: the arguments as they are handed on, and a sum.
    @assume_bound("400", returned="0", retained="0", replaced="32")
    def run(self, heap: Heap, need: Bytes, step: Callable[..., None], *arguments: object) -> bool:
        """Run a step, which allocates `need` bytes at most; False, and it was not run, if they are not free.

        Never waits. Steps that the call has waited for draw from what it was granted.
        """
        self._taken += need
        if self._taken <= self._granted:
            heap.run(step, *arguments)
            return True
        return self._process.way_in(heap, need, step, *arguments) is not NotImplemented

    def begin_again(self) -> int:
        """Answer for a call that is to wait at the border, for its steps too; the half-made ends there."""
        self._process.shortfall = self._taken
        refused: int = NotImplemented
        return refused
