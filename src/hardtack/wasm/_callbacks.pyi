"""What wasmtime calls, in C. See `_callbacks.c` for why, and `hardtack.wasm.capi` for its use."""

from collections.abc import Callable

CALL: int
WAIT: int
NEW_MEMORY: int
NOTHING: int

class Callbacks:
    waited: bool
    def __init__(
        self, new_memory: Callable[[int, int, int], HostMemory | None], new_trap: int, new_error: int, /
    ) -> None: ...
    def take_error(self) -> BaseException | None: ...

class HostFunction:
    def __init__(self, callbacks: Callbacks, function: Callable[[], int], /) -> None: ...

class Entry:
    def __init__(
        self,
        system: object,
        page: memoryview,
        count: int,
        maximum: int,
        handler: Callable[..., int],
        rest: Callable[[object], int],
        /,
    ) -> None: ...
    def __call__(self) -> int: ...

class HostMemory:
    base: int
    size: int
    limit: int
    def __init__(self, callbacks: Callbacks, /) -> None: ...
    def reserve(self, limit: int, guard: int, /) -> bool: ...
    def extend(self, size: int, /) -> memoryview | None: ...
    def use(self, buffer: memoryview, /) -> None: ...
    def free(self) -> None: ...
