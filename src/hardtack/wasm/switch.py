"""What an engine's callbacks share with it: who is running, and what went wrong in them.

Apart from the engine so that callbacks need not refer to it: an engine is freed by its last reference.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardtack.wasm.guests import Guest
    from hardtack.wasm.memories import PageMemory

MAX_ERRORS: Final = 16  # that are remembered


class Switch:
    """The state of an engine's callbacks.

    Attributes:
        current: the guest that is running or being started.
        guests: how many hold something.
        page: the call page, as a shim's memory.
        makes_shim: the memory that wasmtime asks for is a shim's.
        waited: a guest has begun to wait since this was last cleared.
        errors: what went wrong that must not, the last few.
    """

    __slots__ = ("_begun", "_interrupt", "current", "errors", "guests", "makes_shim", "page", "waited")

    def __init__(self, page: PageMemory) -> None:
        self.page = page
        self.current: Guest | None = None
        self.guests = 0
        self.makes_shim = False
        self.waited = False
        self.errors: deque[str] = deque(maxlen=MAX_ERRORS)
        self._begun = False
        self._interrupt: BaseException | None = None

    def begin_wait(self) -> None:
        """The running guest waits."""
        self.waited = self._begun = True

    def may_go_on(self) -> bool:
        """Answer whether a waiting guest that is polled goes on: always, but for the first time.

        wasmtime asks right when the wait begins, and then at each poll. The scheduler polls only whom it
        wants to go on, and a wait's first question comes before anything else can run: one flag is enough.
        """
        first, self._begun = self._begun, False
        return not first

    def caught(self, error: BaseException) -> None:
        """Keep an exception that must not leave a callback."""
        if isinstance(error, Exception):
            error.__traceback__ = None
            self.errors.append(repr(error))
        else:
            self._interrupt = error

    def raise_interrupt(self) -> None:
        """Raise what interrupted a callback and is no Exception, such as KeyboardInterrupt."""
        if self._interrupt is not None:
            error, self._interrupt = self._interrupt, None
            raise error
