"""The outside of a kernel whose run is recorded, or replayed: all that comes from it passes through a reel.

What leads out of a kernel is behind a `Description`, so there is one that stands before another (or, in a
replay, before nothing) and passes every method's outcome on. Its methods are made from those of
`Description`: what is added there is recorded, too.
"""

from __future__ import annotations

import base64
import inspect
from typing import TYPE_CHECKING, Final, NamedTuple, Self, cast

from hardtack.errors import ReplayDiverged
from hardtack.kernel import abi
from hardtack.kernel.descriptions import Description
from hardtack.kernel.host_watch import HostDescription
from hardtack.runtime.outside import Outside, Trace, write_all

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from hardtack.kernel.clocks import Clock
    from hardtack.kernel.process import Process
    from hardtack.kernel.queues import Queue
    from hardtack.kernel.scheduler import Scheduler
    from hardtack.kernel.system import System
    from hardtack.runtime.recording import Json, Outcome, Reel

_NOT_TAPED: Final = frozenset({"wait", "wait_ready", "release"})  # they answer nothing that the host says
_COUNTING: Final = frozenset({"read", "write", "read_at", "write_at", "seek", "readdir", "receive", "send"})


class Opened(NamedTuple):
    """What is known of a description when it is opened."""

    filetype: int
    rights: int
    inheriting: int
    flags: int
    not_seekable: int
    takes_flags: int
    preopen: str | None

    @classmethod
    def of(cls, description: Description) -> Self:
        """Return what is known of a description."""
        name = description.preopen
        return cls(
            description.filetype,
            description.rights,
            description.inheriting,
            description.flags,
            description.not_seekable,
            int(description.takes_flags),
            None if name is None else base64.b64encode(name).decode(),
        )

    @classmethod
    def read(cls, recorded: Sequence[Json]) -> Self:
        """Return what was recorded.

        Raises:
            ValueError: it is no such record.
        """
        *numbers, name = recorded
        if len(numbers) != 6 or not all(isinstance(number, int) for number in numbers):
            raise ValueError("no description")
        filetype, rights, inheriting, flags, not_seekable, takes_flags = cast("list[int]", numbers)
        preopen = cast("str | None", name)
        return cls(filetype, rights, inheriting, flags, not_seekable, takes_flags, preopen)


class TapedDescription(HostDescription):
    """A description before another one, or before a recording of it.

    Attributes:
        opened: what is known of it.
        number: how many were opened before it.
        echo: in a replay, a descriptor of the host to write to what was written; -1 for none.
    """

    __slots__ = (
        "_inner",
        "_reel",
        "echo",
        "filetype",
        "not_seekable",
        "number",
        "opened",
        "preopen",
        "takes_flags",
    )

    def __init__(self, reel: Reel, opened: Opened, inner: Description | None) -> None:
        super().__init__(opened.rights, opened.flags, -1)
        self.inheriting = opened.inheriting
        self._reel = reel
        self.number = reel.opened(self, inner)
        self._inner = inner
        self.opened = opened
        self.echo = -1
        self.filetype = opened.filetype
        self.not_seekable = opened.not_seekable
        self.takes_flags = bool(opened.takes_flags)
        self.preopen = None if opened.preopen is None else base64.b64decode(opened.preopen)

    def _ask(self, name: str, arguments: Sequence[object], process: Process | None, start: int) -> Outcome:
        inner = self._inner

        def make() -> Outcome:
            assert inner is not None
            inner.flags = self.flags
            inner.rights = self.rights
            outcome: Outcome = getattr(inner, name)(*map(_behind, arguments))
            return outcome

        outcome = self._reel.outcome(name, make, process, start)
        if outcome is None:  # it went another way, and is about to be ended
            return -abi.EIO if name in _COUNTING else abi.EIO
        if inner is None and process is not None:
            if outcome == -abi.WAIT:
                process.system.host.note(process)
                return process.block(self.waiters)
            if self.echo >= 0 and name == "write" and isinstance(outcome, int) and outcome > 0:
                write_all(self.echo, process.memory[start : start + outcome])
        return outcome

    def wait_ready(self, process: Process, to_write: bool) -> Queue | None:
        """Have the idle wait watch what is behind; in a replay, find the process waiting."""
        if self._inner is not None:
            return self._inner.wait_ready(process, to_write)
        process.system.host.note(process)
        return self.waiters

    def release(self) -> None:
        """Let go of what is behind."""
        self._reel.closed(self, self._inner)
        if self._inner is not None:
            self._inner.release()


def _behind(argument: object) -> object:
    """Return what stands behind a taped description; anything else as it is."""
    return argument._inner if isinstance(argument, TapedDescription) else argument


def _taped(name: str, parameters: Sequence[str]) -> Callable[..., Outcome]:
    """Make a method that asks through the reel."""
    process_at = parameters.index("process") if "process" in parameters else -1
    start_at = parameters.index("start") if "start" in parameters else -1

    def method(self: TapedDescription, *arguments: object) -> Outcome:
        process = cast("Process", arguments[process_at]) if process_at >= 0 else None
        start = cast(int, arguments[start_at]) if start_at >= 0 else -1
        return self._ask(name, arguments, process, start)

    return method


for _name, _method in inspect.getmembers(Description, inspect.isfunction):
    if not _name.startswith("_") and _name not in _NOT_TAPED:
        setattr(TapedDescription, _name, _taped(_name, list(inspect.signature(_method).parameters)[1:]))


# -- the outside
class _TapedClock:
    """A clock whose readings pass through a reel."""

    def __init__(self, reel: Reel, clock: Clock) -> None:
        self._reel = reel
        self._clock = clock

    def monotonic(self) -> int:
        outcome = self._reel.outcome("monotonic", self._clock.monotonic)
        return outcome if isinstance(outcome, int) else 0

    def processor(self) -> int:
        outcome = self._reel.outcome("processor", self._clock.processor)
        return outcome if isinstance(outcome, int) else 0

    def realtime(self) -> int:
        outcome = self._reel.outcome("realtime", self._clock.realtime)
        return outcome if isinstance(outcome, int) else 0


class Taped(Outside):
    """An outside before another one. Its turns are not cut short: that would not come back in a replay.

    Args:
        reel: what everything passes through.
        inner: the outside behind; in a replay nothing is asked of it.
    """

    steady = True

    def __init__(self, reel: Reel, inner: Outside) -> None:
        super().__init__()
        self._reel = reel
        self._inner = inner
        self.trace: Trace | None = reel.trace
        self.clock: Clock = _TapedClock(reel, inner.clock)

    def attach(self, system: System, scheduler: Scheduler) -> None:
        """Be the outside of a kernel."""
        if not self._reel.playing:
            self._inner.attach(system, scheduler)
        super().attach(system, scheduler)
        system.host.through = self._look

    def random(self, count: int) -> bytes:
        """Return random bytes."""
        found = self._reel.outcome(f"random {count}", lambda: self._inner.random(count))
        return found if isinstance(found, bytes) else bytes(count)

    def _look(self, make: Callable[[], list[HostDescription]]) -> list[HostDescription]:
        """Find which of the host's descriptors are ready."""
        found: list[HostDescription] = []

        def numbers() -> tuple[int, ...]:
            found.extend(make())
            return tuple(map(self._reel.number_of, found))

        recorded = self._reel.outcome("look", numbers)
        if not self._reel.playing or not isinstance(recorded, tuple):
            return found
        return self._reel.with_numbers(recorded)

    def input(self, fd: int) -> bytes | int:
        """Return what a program is to read."""
        found = self._reel.outcome("input", lambda: self._inner.input(fd))
        return found if isinstance(found, (int, bytes)) else b""

    def source(self, fd: int) -> Description:
        """Make what a program reads."""
        return self._opened("source", lambda: self._inner.source(fd))

    def sink(self, fd: int) -> Description:
        """Make what a program writes; a replay writes it, too."""
        made = self._opened("sink", lambda: self._inner.sink(fd))
        made.echo = fd
        return made

    def open_listeners(self, listen: Sequence[str | socket.socket]) -> list[socket.socket | None]:
        """Open the sockets that a program is given; none in a replay."""
        return [None] * len(listen) if self._reel.playing else self._inner.open_listeners(listen)

    def listener(self, listening: socket.socket | None) -> Description:
        """Make what a program accepts connections from."""
        return self._opened("listener", lambda: self._inner.listener(listening))

    def directory(self, system: System, name: str, path: str) -> Description:
        """Open a directory of the host."""
        return self._opened(f"directory {name}", lambda: self._inner.directory(system, name, path))

    def _opened(self, what: str, make: Callable[[], Description]) -> TapedDescription:
        found = self._reel.outcome(what, make)
        if not isinstance(found, TapedDescription):
            raise ReplayDiverged(f"the recording has no {what} here")
        return found

    def now(self) -> int:
        """Return monotonic ns; in a replay no wait is ever late by itself."""
        return 0 if self._reel.playing else self._inner.now()

    def begin(self) -> int:
        """Return when a program is started that now is asked for."""
        found = self._reel.outcome("begin", self._inner.begin)
        return found if isinstance(found, int) else 0

    def deadline(self, nanoseconds: int | None) -> int | None:
        """Return when a wait that begins now is to end."""
        found = self._reel.outcome("deadline", lambda: self._inner.deadline(nanoseconds))
        return found if isinstance(found, int) else None

    def over(self, turns: int) -> bool:
        """Tell whether a replay is where the run was ended from outside."""
        return self._reel.over(turns)

    def ended(self, why: str | None, turns: int) -> str | None:
        """Keep, or compare, how it ended."""
        return self._reel.end(why, turns)

    def close(self) -> None:
        """Write out the recording and the trace, and let go of them."""
        super().close()
        self._reel.close()
        self._inner.close()
