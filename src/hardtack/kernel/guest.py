"""What the kernel asks of a program: the border between the kernel and whoever executes guests.

The kernel knows no WebAssembly. An `Image` is a program that can be started; a `Guest` is one that was
started, and runs in steps. `hardtack.wasm` implements both on wasmtime; the kernel's own tests implement
them with Python generators.

A guest enters the kernel by the entries that `border.compile_entry` makes. When an entry answers `WAIT`,
the guest suspends where it is (`resume` returns False) and, when it is resumed, makes the same call again
from the start: nothing of a call survives a wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Bytes, ProgramName


class StartFailed(Exception):
    """An image could not be started; the message says why. Nothing of the guest remains.

    Attributes:
        limit: the name of the limit that refused it, if one did.
    """

    def __init__(self, message: str, limit: str | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class Guest(Protocol):
    """A program under way: one process's code and user memory."""

    def resume(self) -> bool:
        """Run until the guest yields, waits (False) or ends (True)."""

    def fork(self, process: Process) -> Guest:
        """Make a guest for process that is a copy of this one, which waits in its call of fork.

        The copy's call of fork answers 0. As `Image.start` otherwise.

        Raises:
            StartFailed: there is no user memory for it.
        """

    def failure(self) -> str | None:
        """Say why an ended guest ended other than by exit or return: the trap's text, or None."""

    def close(self) -> None:
        """Drop the guest, ended or not, and everything it holds. Never fails; a second call does nothing."""


class Image(Protocol):
    """A program that was checked and compiled and can be started any number of times."""

    name: ProgramName
    user_bytes: Bytes
    """Bytes of user memory that a start takes: the stack and the initial linear memory."""
    overhead_bytes: Bytes
    """Of those, what is not linear memory."""

    @property
    def forkable(self) -> bool:
        """Whether its guests can be copied while they run."""

    def start(self, process: Process) -> Guest:
        """Make a guest for process; it has not run yet.

        Called inside the process's heap, under a reservation. Sets `process.memory` to a view of the
        guest's linear memory and keeps it current as that grows.

        Raises:
            StartFailed: the image can't be started now (no user memory, a trap in its start function).
        """


class Loader(Protocol):
    """Finds the images that processes spawn by path, and makes those that they have as files."""

    def find(self, path: bytes) -> Image | None:
        """Return the image that always is at a guest's absolute path, or None."""

    def load(self, data: bytes, name: bytes) -> Image | None:
        """Make an image of a file's bytes, or return None if they are no program that can run here."""

    def names(self) -> Sequence[bytes]:
        """Return the names in /bin, sorted; always the same sequence until one is added."""


class UserMemory:
    """The budget of user memory (linear memories, stacks, arguments): the second of the kernel's two.

    Its failures are ordinary: a guest's memory.grow answers -1, a spawn ENOMEM. A part of one, for a process
    tree, takes from the whole as well; a part has no parts.

    Attributes:
        capacity: bytes that may be taken.
        whole: what it is a part of, or None.
        table_elements: elements that a table of a guest may have, or None where the engine decides.
        used: bytes that are taken.
        peak: the most that ever were.
        refused: whether bytes were refused.
    """

    __slots__ = ("capacity", "peak", "refused", "table_elements", "used", "whole")

    def __init__(
        self, capacity: int, whole: UserMemory | None = None, table_elements: int | None = None
    ) -> None:
        assert whole is None or whole.whole is None
        self.capacity: Bytes = capacity
        self.whole: UserMemory | None = whole
        self.table_elements = table_elements
        self.used: Bytes = 0
        self.peak: Bytes = 0
        self.refused = False

    def take(self, count: Bytes) -> bool:
        """Take count bytes, or answer False and take nothing."""
        if not self.has_room(count):
            return False
        if self.whole is not None:
            self.whole._add(count)
        self._add(count)
        return True

    def _add(self, count: Bytes) -> None:
        used = self.used + count
        self.peak = max(self.peak, used)
        self.used = used  # last: nothing is taken if the number for the peak could not be made

    def give_back(self, count: Bytes) -> None:
        """Give back count bytes that were taken."""
        self.used -= count
        if self.whole is not None:
            self.whole.used -= count

    def has_room(self, count: Bytes) -> bool:
        """Tell whether count bytes could be taken."""
        if not self._fits(count) or (self.whole is not None and not self.whole._fits(count)):
            self.refused = True
            return False
        return True

    def _fits(self, count: Bytes) -> bool:
        if self.used + count <= self.capacity:
            return True
        self.refused = True
        return False
