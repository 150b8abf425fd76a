"""Every exception that hardtack raises on purpose, under one root: `HardtackException`.

Below it stand `HardtackError`, an Exception as any other: something was refused or has failed, and a program
may go on; and `Doomed`, which is none: the heap that the code works for is being killed, and an
`except Exception` that takes it for one more failure would keep alive what is to die. So `except
HardtackError` does not catch a kill either; who wants to catches `Doomed`, or the root.

In asyncio a task that ends with `Doomed` ends as one that fails: the event loop goes on (only
KeyboardInterrupt and SystemExit stop it), who awaits the task gets it, `gather` passes it on or returns it,
and a TaskGroup raises a BaseExceptionGroup, from which `except*` takes it.

A system call never raises: it answers an errno. These are for the Python programs that use heaps,
kernels and the analyser.
"""

from __future__ import annotations

from hardtack.units import format_bytes

TYPE_CHECKING = False  # typing takes its time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, TypeAlias

    from hardtack.runtime import Result

    Holders: TypeAlias = tuple[tuple[str, int], ...]


class HardtackException(BaseException):
    """The root of all that hardtack raises."""


class HardtackError(HardtackException, Exception):
    """The root of hardtack's errors: of all that `except Exception` may catch."""


class Doomed(HardtackException):
    """The group that a reservation was wanted for is being killed to free memory; nothing is held.

    Attributes:
        asked: bytes that were asked for.
        heap: the name of the heap that they were asked of.
    """

    def __init__(self, message: str = "", *, asked: int = 0, heap: str = "") -> None:
        super().__init__(message)
        self.asked = asked
        self.heap = heap


class InternalError(HardtackError):
    """An invariant of hardtack's own does not hold: a bug of ours, please report it."""


class HeapFull(HardtackError, MemoryError):
    """An allocation that no reservation covers did not fit into its heap.

    Raised between two bytecodes for small blocks, at once (as MemoryError) for large ones.

    Attributes:
        heap: the name of the heap that was full; empty if that is not known.
        asked: bytes that did not fit; 0 if that is not known.
        held: bytes that were live or reserved in it then.
        free: bytes that it had free for those without a reservation.
        holders: the heaps right below it that hold most, and how many bytes each does; the largest first. As
            it is when they are first asked for, if the interpreter made this error: then nobody may care.
    """

    heap: str = ""
    asked: int = 0
    held: int = 0
    free: int = 0
    _holders: Holders | Callable[[], Holders] = ()
    witness: ClassVar[Callable[[HeapFull], None] | None] = None  # fills in what the native core has seen
    outside: ClassVar[Callable[..., str] | None] = None  # calls a function outside of every heap

    def __init__(
        self,
        message: str = "",
        *,
        heap: str = "",
        asked: int = 0,
        held: int = 0,
        free: int = 0,
        holders: Holders = (),
    ) -> None:
        if not message and HeapFull.witness is not None:  # made by the interpreter, in a heap that is full
            HeapFull.witness(self)
            return
        super().__init__(message)
        self._set(heap, asked, held, free, holders)

    def _set(
        self, heap: str, asked: int, held: int, free: int, holders: Holders | Callable[[], Holders]
    ) -> None:
        self.heap = heap
        self.asked = asked
        self.held = held
        self.free = free
        self._holders = holders

    @property
    def holders(self) -> Holders:
        """Return the heaps right below it that hold most."""
        if callable(self._holders):
            self._holders = self._holders()
        return self._holders

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle who holds most as it is now: a copy cannot ask the heap."""
        self._holders = self.holders
        return super().__reduce__()

    def __str__(self) -> str:
        if self.args:
            return super().__str__()
        if HeapFull.outside is None:
            return HeapFull._text(self)
        return HeapFull.outside(HeapFull._text, self)  # for who catches it is in the heap that is full

    def _text(self) -> str:
        if not self.heap:
            return "a heap that this code runs in is full: see its explain()"
        most = "".join(f", {format_bytes(held)} of it in {name!r}" for name, held in self.holders)
        return (
            f"heap {self.heap!r} is full: {self.asked} bytes did not fit, {self.free} were free, and it held "
            f"{format_bytes(self.held)}{most}; see its explain()"
        )


class ReservationImpossible(HardtackError, ValueError):
    """A reservation asks for more than its heap could ever give, so waiting would be in vain.

    Attributes:
        asked: bytes that were asked for.
        possible: the most bytes that this heap could ever grant.
        heap: its name.
    """

    def __init__(self, asked: int, possible: int, heap: str) -> None:
        self.asked = asked
        self.possible = possible
        self.heap = heap
        super().__init__(asked, possible, heap)  # so that pickling keeps them

    def __str__(self) -> str:
        asked = f"cannot reserve {format_bytes(self.asked)} ({self.asked} bytes) on heap {self.heap!r}"
        if not self.possible:
            return (
                f"{asked}: it can grant nothing (0 bytes), since all of its capacity, or of that of a heap "
                "that is charged with it, is slack; give it slack=0, or a larger capacity"
            )
        return (
            f"{asked}: it can grant at most {format_bytes(self.possible)} ({self.possible} bytes); give it a "
            "larger capacity or ask for less"
        )


class ReservationTimeout(HardtackError, TimeoutError):
    """Memory for a reservation did not become free in time; nothing is held.

    Attributes:
        asked: bytes that were asked for.
        free: bytes that were free when the time was over.
        waited: seconds that were waited.
    """

    def __init__(self, message: str = "", *, asked: int = 0, free: int = 0, waited: float = 0.0) -> None:
        super().__init__(message)
        self.asked = asked
        self.free = free
        self.waited = waited


class WouldBlock(HardtackError):
    """A `..._nowait` call would have had to wait; nothing is held.

    Attributes:
        asked: bytes that were asked for.
        free: bytes that were free for it where it was refused: in the heap that is short, which may be one
            above or below, or in the reservation that it was to be carved from.
    """

    def __init__(self, message: str = "", asked: int = 0, free: int = 0) -> None:
        super().__init__(message)
        self.asked = asked
        self.free = free


class ProgramError(HardtackError):
    """A program can not be run: it is no WebAssembly, or asks for what this kernel does not have.

    Attributes:
        limit: the name of the limit that it needs more than, or that its compilation met; None if that is not
            the reason.
    """

    def __init__(self, message: str = "", *, limit: str | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class KernelError(HardtackError):
    """The kernel was asked for something it cannot do; the message says what and what would help."""


class WrongSize(KernelError):
    """A size that was given is none that a kernel, or a part of it, can have."""


class SessionEnded(HardtackError):
    """A session's interpreter is gone, with all that it knew; another session can be made.

    Attributes:
        result: how its last call ended: what was killed and why, and the output until then.
    """

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message, result)
        self.result = result

    def __str__(self) -> str:
        return str(self.args[0])


class ReplayDiverged(HardtackError):
    """A replay wanted something else from outside than its recording has, or ended otherwise."""


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
