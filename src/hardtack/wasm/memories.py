"""Linear memories: where a guest's bytes are, and what they cost.

A memory is address space that was reserved without access and is made accessible from the start, as far as
the budget of user memory allows. It never moves and never shrinks, so a view of it stays valid until its
guest is closed. Behind its end an access traps: nothing checks the guest's addresses at run time.

Invariants: what is accessible was taken from the budget; it is given back and unmapped exactly once, by
`free`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardtack.units import format_bytes
from hardtack.wasm import capi
from hardtack.wasm.imports import PAGE_BYTES

if TYPE_CHECKING:
    from hardtack.kernel.guest import UserMemory
    from hardtack.wasm.guests import Guest
    from hardtack.wasm.imports import CallPage
    from hardtack.wasm.switch import Switch

NO_MEMORY: Final = memoryview(bytearray(0))


class PageMemory(capi.HostMemory):
    """The call page as the memory of every shim. wasmtime takes it for that shim's own."""

    __slots__ = ("_page",)

    def __init__(self, page: CallPage) -> None:
        self._page = page
        self.base = capi.address_of_buffer(page.memory)
        self.size = self.limit = PAGE_BYTES

    def grow(self, size: int) -> bool:
        """Refuse."""
        return size <= self.size

    def free(self) -> None:
        """Do nothing: it is the engine's."""


class LinearMemory(capi.HostMemory):
    """A memory of a guest.

    Attributes:
        view: what is accessible.
        guest: whom to tell of a new view; None when it is being closed.
        refused: why the last growth was refused.
    """

    __slots__ = ("_budget", "_mapped", "_switch", "guest", "refused", "view")

    def __init__(self, guest: Guest, budget: UserMemory, switch: Switch) -> None:
        self.base = self.size = self.limit = self._mapped = 0
        self.guest: Guest | None = guest
        self.view = NO_MEMORY
        self.refused: str | None = None
        self._budget = budget
        self._switch = switch

    def open(self, minimum: int, limit: int, guard: int) -> bool:
        """Reserve address space for limit bytes and a guard, and make minimum accessible; or hold nothing."""
        mapped = -(-(limit + guard) // PAGE_BYTES) * PAGE_BYTES
        base = capi.reserve(mapped)
        if base is None:
            self.refused = f"out of address space: the host refuses {format_bytes(mapped)}"
            return False
        self.base, self.limit, self._mapped = base, limit, mapped
        if self.grow(minimum):
            return True
        self.free()
        return False

    def grow(self, size: int) -> bool:
        """Make it size bytes long and show that to its process, or change nothing and answer False."""
        try:
            return size <= self.size or self._grow(size)
        except BaseException as error:  # noqa: BLE001 - wasmtime is the caller
            self._switch.caught(error)
            return False

    def _grow(self, size: int) -> bool:
        if size > self.limit:
            self.refused = f"a memory of {format_bytes(size)} exceeds {format_bytes(self.limit)}"
            return False
        view = capi.view_of(self.base, size)  # first what may fail
        added = size - self.size
        if not self._budget.take(added):
            self.refused = no_user_memory(self._budget, added)
            return False
        if not capi.make_accessible(self.base, size):
            self._budget.give_back(added)
            self.refused = f"out of memory: the host refuses {format_bytes(added)}"
            return False
        self.size = size
        self.drop_view()
        self.view = view
        if self.guest is not None:
            self.guest.publish(self)
        return True

    def drop_view(self) -> None:
        """Make the view useless, so that who kept it meets a ValueError rather than freed memory."""
        view, self.view = self.view, NO_MEMORY
        if view is not NO_MEMORY:
            try:
                view.release()
            except BufferError as error:  # somebody holds on to a part of it
                self._switch.caught(error)

    def free(self) -> None:
        """Unmap it and give back what it took; a second call does nothing."""
        mapped, self._mapped = self._mapped, 0
        size, self.size = self.size, 0
        self.drop_view()
        if mapped:
            capi.unmap(self.base, mapped)
            self._budget.give_back(size)


def no_user_memory(budget: UserMemory, count: int) -> str:
    """Say that count bytes of user memory are not there."""
    return (
        f"out of user memory: {format_bytes(count)} needed, {format_bytes(budget.capacity - budget.used)} "
        f"of {format_bytes(budget.capacity)} free"
    )
