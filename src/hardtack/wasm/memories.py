"""Linear memories: where a guest's bytes are, and what they cost.

A memory is address space that was reserved without access and is made accessible from the start, as far as
the budget of user memory allows. It never moves and never shrinks, so a view of it stays valid until its
guest is closed. Behind its end an access traps: nothing checks the guest's addresses at run time.

Invariants: what is accessible was taken from the budget; it is given back once, when wasmtime has let go of
the memory and it is unmapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hardtack.units import format_bytes
from hardtack.wasm.capi import HostMemory

if TYPE_CHECKING:
    from hardtack.kernel.guest import UserMemory
    from hardtack.wasm.capi import Callbacks
    from hardtack.wasm.imports import CallPage

NO_MEMORY: Final = memoryview(bytearray(0))


class PageMemory(HostMemory):
    """The call page as the memory of every shim. wasmtime takes it for that shim's own."""

    __slots__ = ("_page",)

    def __init__(self, callbacks: Callbacks, page: CallPage) -> None:
        super().__init__(callbacks)
        self._page = page
        self.use(page.memory)

    def grow(self, size: int) -> bool:
        """Refuse."""
        return False


class MemoryOwner(Protocol):
    """Whose linear memory it is: a process of the kernel."""

    memory: memoryview

    @property
    def user_memory(self) -> UserMemory | None:
        """What it is taken from; None for the engine's whole budget."""


class LinearMemory(HostMemory):
    """A memory of a guest.

    Attributes:
        view: what is accessible.
        owner: who is shown the view, whenever it changes; None for memories that the host never reads.
        refused: why the last growth was refused.
    """

    __slots__ = ("_budget", "_taken", "owner", "refused", "view")

    def __init__(self, callbacks: Callbacks, budget: UserMemory) -> None:
        super().__init__(callbacks)
        self.owner: MemoryOwner | None = None
        self._budget = budget
        self._taken = 0
        self.view = NO_MEMORY
        self.refused: str | None = None

    def open(self, minimum: int, limit: int, guard: int) -> bool:
        """Reserve address space for limit bytes and a guard, and make minimum accessible; or say why not."""
        if not self.reserve(limit, guard):
            self.refused = f"out of address space: the host refuses {format_bytes(limit + guard)}"
            return False
        return self.grow(minimum)

    def grow(self, size: int) -> bool:
        """Make it size bytes long and show that to its process, or change nothing and answer False."""
        added = size - self.size
        if added <= 0:
            return True
        if size > self.limit:
            self.refused = f"a memory of {format_bytes(size)} exceeds {format_bytes(self.limit)}"
            return False
        before, taken = self._taken, self._taken + added
        if not self._budget.take(added):
            self.refused = no_user_memory(self._budget, added)
            return False
        self._taken = taken
        view = None
        try:
            view = self.extend(size)
        finally:
            if view is None:
                self._taken = before
                self._budget.give_back(added)
        if view is None:
            self.refused = f"out of memory: the host refuses {format_bytes(added)}"
            return False
        self.drop_view()
        self.view = view
        if self.owner is not None:
            self.owner.memory = view
        return True

    def drop_view(self) -> None:
        """Make the view useless, so that who kept it meets a ValueError rather than freed memory."""
        view, self.view = self.view, NO_MEMORY
        if view is not NO_MEMORY:
            view.release()

    def show(self, owner: MemoryOwner | None) -> None:
        """Show it to owner from now on, or to nobody."""
        self.owner = owner
        if owner is not None:
            owner.memory = self.view

    def settle(self) -> None:
        """Give back what it took; wasmtime has no more use for it. A second call does nothing."""
        self.drop_view()
        self.free()
        taken, self._taken = self._taken, 0
        self._budget.give_back(taken)


def no_user_memory(budget: UserMemory, count: int) -> str:
    """Say that count bytes of user memory are not there."""
    return (
        f"out of user memory: {format_bytes(count)} needed, {format_bytes(budget.capacity - budget.used)} "
        f"of {format_bytes(budget.capacity)} free"
    )
