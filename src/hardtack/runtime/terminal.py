"""A shell on a terminal: Ctrl-C ends what it runs, and not the shell.

The terminal's own cooked mode does the editing of lines. Its Ctrl-C comes to this process as a signal;
whoever handles it calls `Terminal.interrupt`. That ends the processes which were started since the shell last
read a line, so programs in the background of earlier lines go on. If there are none, the shell is at its
prompt: then it reads a sign, in place of the line that the terminal has thrown away, gives up the command
that was begun, and prompts anew.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from hardtack.heap import Heap
from hardtack.kernel import death
from hardtack.kernel.process import ENDED
from hardtack.kernel.streams import HostStream
from hardtack.runtime.outside import Outside

if TYPE_CHECKING:
    from hardtack.kernel.descriptions import Description
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Transfer, Word
    from hardtack.kernel.scheduler import Scheduler
    from hardtack.kernel.system import System
    from hardtack.runtime.kernel import Kernel

INTERRUPTED_STATUS: Final = 128 + 2
INTERRUPT: Final = 3  # as programs/sh/sh.h has it
PATIENCE: Final = 1.0  # seconds until a shell that neither reads nor has a program running is busy itself
STEP: Final = 0.02


class Terminal(Outside):
    """The host, with its terminal.

    Attributes:
        stuck: the last interrupt found a shell that neither reads nor has a program running.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stuck = False
        self._system: System | None = None
        self._lines: _Lines | None = None
        self._heap = Heap(None, name="terminal")

    def attach(self, system: System, scheduler: Scheduler) -> None:
        """Be the outside of a kernel."""
        super().attach(system, scheduler)
        self._system = system

    def source(self, fd: int) -> Description:
        """Make what the shell reads lines from."""
        self._lines = _Lines(fd, self._heap)
        return self._lines

    def interrupt(self, kernel: Kernel, shell: int) -> None:
        """End what the shell with a pid is running, or about to; blocks until then, at most PATIENCE."""
        for fd in (1, 2):
            if os.isatty(fd):  # behind the ^C that the terminal shows
                os.write(fd, b"\n")
                break
        until = time.monotonic() + PATIENCE
        while True:
            kernel._worker.call(self._interrupt, shell)
            if not self.stuck or time.monotonic() >= until:
                return
            time.sleep(STEP)  # it is between two programs, perhaps

    def _interrupt(self, shell: int) -> None:
        system, lines = self._system, self._lines
        leader = system.process(shell) if system is not None else None
        self.stuck = False
        if system is None or lines is None or leader is None or leader.state in ENDED:
            return
        running = [process for process in lines.members(leader) if not lines.knows(process)]
        for process in running:
            death.end(system, process, INTERRUPTED_STATUS, "interrupted")
        self.stuck = not running and leader.queue is not lines.waiters
        if not running and not self.stuck:
            lines.give_up_line()
            system.wake(lines.waiters)


class _Lines(HostStream):
    """Standard input from a terminal, and which processes there were when the shell read last."""

    __slots__ = ("_before", "_given_up", "_heap")

    def __init__(self, fd: int, heap: Heap) -> None:
        super().__init__(fd)
        self._heap = heap
        self._given_up = False
        self._before: frozenset[tuple[int, int]] = frozenset()

    def read(self, process: Process, start: Word, count: Transfer) -> int:
        """Read what was typed; a sign where a line was given up."""
        if process.pid == process.group.leader:
            if self._given_up and count:
                self._given_up = False
                process.memory[start] = INTERRUPT
                return 1
            self._heap.run(self._look, process)
        return super().read(process, start, count)

    def _look(self, process: Process) -> None:
        self._before = frozenset(_identity(member) for member in self.members(process))

    def members(self, leader: Process) -> list[Process]:
        """Return the living processes of a group but its first."""
        system = leader.system
        found = []
        pid = system.processes.next_used(1)
        while pid >= 0:
            process = system.process(pid)
            if process is not None and process.group is leader.group and process.state not in ENDED:
                found.append(process)
            pid = system.processes.next_used(pid + 1)
        return [process for process in found if process is not leader]

    def knows(self, process: Process) -> bool:
        """Tell whether a process was there when the shell read last."""
        return _identity(process) in self._before

    def give_up_line(self) -> None:
        """Have the next read find an empty line."""
        self._given_up = True


def _identity(process: Process) -> tuple[int, int]:
    """Return what tells a process from a later one with its pid."""
    return process.pid, id(process.heap)
