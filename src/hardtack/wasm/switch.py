"""What the guests of an engine share while they run: who is running, and what went wrong.

Apart from the engine so that what wasmtime calls refers to this and not to the engine: no cycle, and an
engine is freed by its last reference.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardtack.wasm.capi import HostMemory
    from hardtack.wasm.guests import Guest

MAX_ERRORS: Final = 16  # that are remembered


class Switch:
    """The state that an engine's guests share.

    Attributes:
        current: the guest that is running or being started.
        shim_memory: the memory for the shim that is being instantiated; None at all other times.
        guests: how many hold something.
        errors: bugs of ours, the last few.
    """

    __slots__ = ("current", "errors", "guests", "shim_memory")

    def __init__(self) -> None:
        self.current: Guest | None = None
        self.shim_memory: HostMemory | None = None
        self.guests = 0
        self.errors: deque[str] = deque(maxlen=MAX_ERRORS)

    def new_memory(self, minimum: int, reserved: int, guard: int) -> HostMemory | None:
        """Make the memory that wasmtime asks for, or None."""
        if self.shim_memory is not None or self.current is None:
            return self.shim_memory
        return self.current.new_memory(minimum, reserved, guard)
