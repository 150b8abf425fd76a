"""What a guest may import: host functions, and how their arguments and answers pass.

A host function takes its arguments from the *call page*, 64 KiB of memory that every guest's shim writes
and the host reads: argument k stands in slot k, an unsigned 64-bit number, i32 and i64 alike. It answers in
slot RESULT. So a host function in Python has no parameters and reads a memoryview: 50 ns a call and 12 ns an
argument, on CPython 3.11. (A ctypes callback that is handed a pointer: 140 ns and 23 ns.) `capi.Entry`, in
C, reads the same slots.

There is one page an engine, not one a guest: between a shim's writing it and the host's reading it no other
guest can run.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WAIT: Final = 0xFFFF_FFFE
"""The answer that suspends the guest; when it is resumed, it makes the call again from the start."""

PAGE_BYTES: Final = 65536  # a page of wasm memory, the least that a shim can have
RESULT: Final = 16  # the slot of the answer: an errno, or WAIT
CALLS: Final = 17  # the slot in which shims count calls
LAST_CALL: Final = 19  # the slot with what that count must not exceed in this turn
BROKEN: Final = 18  # the slot in which a shim says which function did not answer: its index plus one
NO_ANSWER: Final = 0xFFFF_FFFD  # what RESULT holds until a host function answers
MAX_PARAMETERS: Final = RESULT

_TYPES: Final = {"i": "i32", "I": "i64"}


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """A host function that guests can import.

    Attributes:
        module: the import's module, such as `wasi_snapshot_preview1`.
        name: the import's name; no two entries of an engine may share one.
        parameters: a letter for each parameter, `i` for an i32, `I` for an i64.
        has_result: whether it answers an i32. If not, the guest ends when it returns (`proc_exit`).
        callback: called without arguments at each call. Stores its answer in slot RESULT of the call page
            (WAIT: suspend, then call again) and returns 0, or returns a trap of `engine.make_trap` to end
            the guest. It must not raise: if it does, the guest ends, and the engine keeps an error.
    """

    module: str
    name: str
    parameters: str
    has_result: bool
    callback: Callable[[], int]

    def __post_init__(self) -> None:
        if not set(self.parameters) <= set(_TYPES) or len(self.parameters) > MAX_PARAMETERS:
            raise ValueError(f"{self.module}.{self.name}: {self.parameters!r} is no parameter string")

    @property
    def parameter_types(self) -> tuple[str, ...]:
        """The types of the parameters, as wasm names them."""
        return tuple(_TYPES[letter] for letter in self.parameters)

    @property
    def result_types(self) -> tuple[str, ...]:
        """The types of the results, as wasm names them."""
        return ("i32",) if self.has_result else ()


class CallPage:
    """The memory through which arguments and answers pass between the guests of an engine and the host.

    Attributes:
        slots: its first slots, unsigned 64-bit numbers.
        memory: the whole of it, in bytes.
    """

    __slots__ = ("memory", "slots")

    def __init__(self) -> None:
        pages = mmap.mmap(-1, PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory = memoryview(pages)
        self.slots = self.memory[: 8 * 64].cast("Q")

    def names(self) -> dict[str, object]:
        """Return what the source of a host function mentions: see `fetching` and `STORE`."""
        names: dict[str, object] = {"slots": self.slots}
        for count in range(1, MAX_PARAMETERS + 1):
            names[f"unpack{count}"] = struct.Struct(f"<{count}Q").unpack_from
        return names


STORE: Final = f"slots[{RESULT}] = errno"
"""The statement by which a host function gives its answer."""


def argument_expressions(parameters: str) -> list[str]:
    """Return an expression for each argument of a host function's call, over `CallPage.names`.

    Example:
        >>> argument_expressions("iI")
        ['slots[0]', 'slots[1]']
    """
    return [f"slots[{slot}]" for slot in range(len(parameters))]


def fetching(parameters: str) -> tuple[str, Sequence[str]]:
    """Return a statement that fetches a call's arguments, and the names it gives them.

    Five and more are fetched at once, which is then faster than one by one.

    Example:
        >>> fetching("iiiIi")
        ('a0, a1, a2, a3, a4 = unpack5(slots)', ['a0', 'a1', 'a2', 'a3', 'a4'])
        >>> fetching("i")
        ('pass', ['slots[0]'])
    """
    count = len(parameters)
    if count < 5:
        return "pass", argument_expressions(parameters)
    names = [f"a{slot}" for slot in range(count)]
    return f"{', '.join(names)} = unpack{count}(slots)", names
