"""An admission that refuses: what each call does when there is no memory for it, or for one of its steps.

Every reservation that a call, a step in its midst or a start asks for comes by here. Which are refused is the
test's to say: each once for every distinct call stack, or the k-th. Who is refused is held to the promise: it
waits with nothing reserved, nothing made, and every table as it was before the call.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from test_failed_allocations import state

from hardtack.heap import Heap
from hardtack.kernel.process import Process
from hardtack.lab.machine.driver import OUTSIDE, Machine

Stack = tuple[tuple[CodeType, int], ...]
NUMBERS = 32  # bytes: what a call has asked for is remembered where it waits


class Denying(Machine):
    """A machine whose admission refuses what `choose` picks, from when `denying` is set.

    Attributes:
        denied: the stacks of what was refused, in order.
        waits: for each wait, who waited and for how many bytes.
        steps: for each reservation that was made, the function's name, the bytes, and what was taken of them.
    """

    def __init__(self, choose: Callable[[Denying, Stack], bool], *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.choose = choose
        self.denying = False
        self.asked = 0
        self.denied: list[Stack] = []
        self.waits: list[tuple[Process, int]] = []
        self.steps: list[tuple[str, int, int]] = []
        self._admit = self.system.admit
        self.system.admit = self.admit  # for groups that are made from now on
        self._wait = self.system.memory.wait
        self.system.memory.wait = self.wait
        self._before: dict[Process, tuple[int, object]] = {}

    def admit(self, heap: Heap, bound: int, handler: Callable[..., Any], *arguments: Any) -> Any:
        if self.denying and OUTSIDE.run(self._refuses):
            return NotImplemented
        answer = self._admit(heap, bound, handler, *arguments)
        if self.denying and answer is not NotImplemented:
            OUTSIDE.run(self._note, handler.__name__, bound)
        return answer

    def _refuses(self) -> bool:
        gc.collect()  # nothing that is remembered here is to come from what a call left in CPython's free lists
        self.asked += 1
        stack = []
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_name != "_turn":
            stack.append((frame.f_code, frame.f_lineno))
            frame = None if frame.f_code.co_filename.startswith("<entry") else frame.f_back
        if not self.choose(self, tuple(stack)):
            return False
        self.denied.append(tuple(stack))
        return True

    def _note(self, name: str, bound: int) -> None:
        gc.collect()
        self.steps.append((name, bound + 0, self.system.heap.last_call()[0]))  # numbers of our own

    def wait(self, process: Process, amount: int, handler: Callable[..., Any] | None = None) -> None:
        OUTSIDE.run(self._holds_nothing, process, amount, handler is None)
        self._wait(process, amount, handler)

    def _holds_nothing(self, process: Process, amount: int, starting: bool) -> None:
        gc.collect()
        self.waits.append((process, amount + 0))
        assert process.grant is None
        others = (self.system.process(pid) for pid in range(1, 100))
        granted = sum(other.grant.left for other in others if other is not None and other.grant is not None)
        assert self.system.heap.reserved == self.scheduler._standing.left + granted
        if not starting:
            live, before = self._before[process]
            assert process.group.heap.live - live <= NUMBERS
            assert state(self, process) == before
        assert self.system.files.heap.reserved == 0

    def enter(self, process: Process, name: str, arguments: tuple[int, ...]) -> int:
        OUTSIDE.run(self._look, process)
        return super().enter(process, name, arguments)

    def _look(self, process: Process) -> None:
        if self.denying:
            before = state(self, process)
            gc.collect()
            self._before[process] = process.group.heap.live, before


def once_for_each_stack(machine: Denying, stack: Stack) -> bool:
    """Refuse where nothing was refused yet from this stack of calls."""
    return stack not in machine.denied


def never(machine: Denying, stack: Stack) -> bool:
    """Refuse nothing."""
    return False


def only_the(number: int) -> Callable[[Denying, Stack], bool]:
    """Refuse the one that comes as the number-th, from 1 on."""
    return lambda machine, stack: machine.asked == number
