"""What one program, with every process that it starts, may take of a kernel: `Limits`, one for all of it.

What happens at each limit:

    heap            the program is killed, at the border of the call that would have gone beyond it
    memory          an ordinary failure to the guest: memory.grow answers -1, spawn ENOMEM
    table_elements  likewise: table.grow answers -1; a program that begins with more cannot be started
    cpu             it is killed
    wall            it is killed, asleep or not; or its compilation is stopped, and ProgramError raised
    descriptors     EMFILE
    output          ENOSPC, and the result is marked as truncated
    disk            ENOSPC
    processes       EAGAIN
    compile_memory  ProgramError; likewise compile_cpu

`Result.limit` names the one that ended a program, `Result.limits_met` all that refused it something, but for
a table that did not grow: wasmtime refuses that by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from hardtack.units import format_bytes, parse_bytes, parse_timeout

_BYTES: Final = ("heap", "memory", "output", "disk", "compile_memory")
_COUNTS: Final = ("table_elements", "descriptors", "processes")
_SECONDS: Final = ("cpu", "wall", "compile_cpu")


@dataclass(frozen=True, slots=True, init=False)
class Limits:
    """The limits of a program and its process tree; None sets none beyond what the kernel as a whole has.

    Attributes:
        heap: bytes of the kernel's heap: descriptors, pipes, processes, captured output. Files count as disk.
        memory: bytes of user memory: linear memories, stacks, arguments and environments.
        table_elements: elements that a table of any of its processes may have; 65,536 if it is None, or as
            many as a table begins with.
        cpu: seconds of processor time.
        wall: seconds from the call that starts it, its compilation and its sleep included.
        descriptors: descriptors that each of its processes may have open.
        output: bytes of each of its streams that are captured (1 MiB if it is None), streamed, or written to
            a descriptor of the host; recorded and deterministic runs write to those without a limit.
        disk: bytes by which files grow through it, in memory and on the durable disk; 640 for a name. What it
            removes again counts no more; what it finds there does not count. Directories of the host are
            not limited. In memory a file counts as it lies there, in pages of up to 16 KiB and their nodes,
            and a write needs room for the most that it might take: below 24 KiB no file there can grow.
        processes: processes that exist at once, ended ones that were not waited for included.
        compile_memory: bytes that a process which compiles it may take; 2 GiB if it is None.
        compile_cpu: seconds of processor time that it may take; 120 if it is None.

    Example:
        >>> limits = Limits(memory="64 MiB", wall=5)
        >>> limits.memory, limits.wall, limits.cpu
        (67108864, 5.0, None)
        >>> print(limits)
        memory 64.0 MiB, wall 5 s
    """

    heap: int | None
    memory: int | None
    table_elements: int | None
    cpu: float | None
    wall: float | None
    descriptors: int | None
    output: int | None
    disk: int | None
    processes: int | None
    compile_memory: int | None
    compile_cpu: float | None

    def __init__(
        self,
        *,
        heap: int | str | None = None,
        memory: int | str | None = None,
        table_elements: int | None = None,
        cpu: float | None = None,
        wall: float | None = None,
        descriptors: int | None = None,
        output: int | str | None = None,
        disk: int | str | None = None,
        processes: int | None = None,
        compile_memory: int | str | None = None,
        compile_cpu: float | None = None,
    ) -> None:
        """Set limits: sizes in bytes or as "16 MiB", times in seconds, infinity for none.

        Raises:
            TypeError, ValueError: one is not of its kind, or negative; the message names it.
        """
        for name, size in zip(_BYTES, (heap, memory, output, disk, compile_memory), strict=True):
            object.__setattr__(self, name, _named(name, parse_bytes, size))
        for name, count in zip(_COUNTS, (table_elements, descriptors, processes), strict=True):
            object.__setattr__(self, name, _named(name, _parse_count, count))
        for name, seconds in zip(_SECONDS, (cpu, wall, compile_cpu), strict=True):
            object.__setattr__(self, name, _named(name, parse_timeout, seconds))

    def with_defaults(self, defaults: Limits) -> Limits:
        """Return these limits, with another's where these say nothing.

        Example:
            >>> print(Limits(wall=5).with_defaults(Limits(wall=9, cpu=1.5)))
            cpu 1.5 s, wall 5 s
        """
        if self == NO_LIMITS:
            return defaults
        values = {}
        for field in fields(self):
            own = getattr(self, field.name)
            values[field.name] = getattr(defaults, field.name) if own is None else own
        return Limits(**values)

    def __str__(self) -> str:
        """Write those that are set as people read them."""
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                parts.append(f"{field.name} {_written(field.name, value)}")
        return ", ".join(parts) or "no limits"


def _named(name: str, parse: object, value: object) -> object:
    if value is None or not callable(parse):
        return None
    try:
        return parse(value)
    except TypeError as error:
        raise TypeError(f"limit {name}: {error}") from None
    except ValueError as error:
        raise ValueError(f"limit {name}: {error}") from None


def _parse_count(count: object) -> int:
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"a whole number is wanted, not {count!r}")
    if count < 0:
        raise ValueError(f"{count} is negative")
    return count


def _written(name: str, value: float) -> str:
    if name in _BYTES:
        return format_bytes(int(value))
    return f"{value:g} s" if name in _SECONDS else f"{value}"


NO_LIMITS: Final = Limits()
