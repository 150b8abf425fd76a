"""Every exception that hardtack raises on purpose, under one root.

A system call never raises: it answers an errno. These are for the Python programs that use heaps,
kernels and the analyser.
"""

from __future__ import annotations

from hardtack.units import format_bytes


class HardtackError(Exception):
    """The root of hardtack's errors."""


class InternalError(HardtackError):
    """An invariant of hardtack's own does not hold: a bug of ours, please report it."""


class HeapFull(HardtackError, MemoryError):
    """An allocation that no reservation covers did not fit into its heap.

    Raised between two bytecodes for small blocks, at once (as MemoryError) for large ones.
    """

    def __str__(self) -> str:
        return super().__str__() or "a heap that this code runs in is full: see its explain()"


class ReservationImpossible(HardtackError, ValueError):
    """A reservation asks for more than its heap could ever give, so waiting would be in vain.

    Attributes:
        asked: bytes that were asked for.
        possible: the most bytes that this heap could ever grant.
    """

    def __init__(self, asked: int, possible: int, heap: str) -> None:
        self.asked = asked
        self.possible = possible
        super().__init__(
            f"cannot reserve {format_bytes(asked)} ({asked} bytes) on heap {heap!r}: it can grant at most "
            f"{format_bytes(possible)} ({possible} bytes); give it a larger capacity or ask for less"
        )


class ReservationTimeout(HardtackError, TimeoutError):
    """Memory for a reservation did not become free in time; nothing is held."""


class WouldBlock(HardtackError):
    """A `..._nowait` call would have had to wait; nothing is held."""


class ProgramError(HardtackError):
    """A program can not be run: it is no WebAssembly, or asks for what this kernel does not have."""


class KernelError(HardtackError):
    """The kernel was asked for something it cannot do; the message says what and what would help."""


class Doomed(HardtackError):
    """The group that a reservation was wanted for is being killed to free memory; nothing is held."""


class BoundExceeded(HardtackError):
    """On a strict heap: a call allocated more than it had reserved. Both figures stand in the message."""


class AnnotationBroken(HardtackError, ValueError):
    """What a program wrote for the analyser does not hold: a bound that rests on it is none.

    Attributes:
        annotation: which one, as in "MaxLen(32)" or "loop_bound(100)".
        where: the function or class, as in "package.module:function", and the line where it is known.
        path: what of it, as in "records[3].name"; empty where the annotation stands in the code itself.
        bound: the bound that is stated.
        found: the length, value or count that breaks it; where counting stops there, the first that does.
        what: `found` in words.
    """

    def __init__(
        self, annotation: str, where: str, path: str, bound: object, found: object, what: str
    ) -> None:
        self.annotation = annotation
        self.where = where
        self.path = path
        self.bound = bound
        self.found = found
        self.what = what
        super().__init__(annotation, where, path, bound, found, what)  # so that pickling keeps them

    def __str__(self) -> str:
        subject = f"{self.path} " if self.path else ""
        return f"{self.where}: {subject}{self.what}, but {self.annotation} is stated"
