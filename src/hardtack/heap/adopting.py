"""Copies that belong to another heap, and calls inside a heap that never wait for it.

For what outlives the call that made it: its bytes are to be those of the heap that keeps it. `hardtack.heap`
has no way to move a block from one heap to another, since a block's owner is where it lies; so what is kept
is a copy. It is made by pickle, and measured before: so that it can be made on a reservation, and what does
not fit is refused before anything was changed.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from hardtack.errors import HeapFull, ReservationImpossible, WouldBlock
from hardtack.heap import Heap, _native
from hardtack.heap.groups import held, holders_of, shortage

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_R = TypeVar("_R")

# A copy may need a little more than when it was measured, for free lists vary. What it should take beyond
# these the slack pays for.
SPARE_BYTES: Final = 1024
SPARE_SHARE: Final = 8  # and an 8th of what was measured,
SPARE_MOST: Final = 65536  # of at most so much

_NO_COPY: Final = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError, ImportError)


def adopt(heap: Heap, value: _T) -> _T:
    """Return a copy of a value that is made inside a heap, so that its memory is that heap's.

    For what outlives the call that made it: once the caller lets go of its own, nothing of it is charged to
    the call any more. It is copied by pickle, and loaded twice: first outside every heap, to learn how much
    it needs, and then on a reservation. Inside an admitted call the copy draws on the call's own reservation
    if that is on this heap or above it. What pickle looks up by name (functions, classes) stays as it is.
    Never waits.

    Args:
        heap: where the copy is to live.
        value: anything that pickle can copy.

    Raises:
        TypeError: pickle cannot copy it.
        HeapFull: there is no room for it now; nothing is held.
        ReservationImpossible: there never could be.

    Example:
        >>> from hardtack.heap import Heap
        >>> cache, request = Heap("1 MiB", name="cache"), Heap("1 MiB", name="request")
        >>> body = request.run(bytes, 10_000)
        >>> kept = cache.adopt(body)
        >>> del body
        >>> request.live, cache.live > 10_000
        (0, True)
    """
    copy: Copy[_T, _T] = Copy(value, pickle.loads)
    return copy.into(heap, _nothing_gives_way)


class Copy(Generic[_T, _R]):
    """A value as pickle has it, and how many bytes it takes to load it."""

    __slots__ = ("bytes", "data", "load")

    def __init__(self, value: _T, load: Callable[[bytes], _R], what: str | None = None) -> None:
        aside = Heap(None, name="copying")  # whatever heap the thread is in
        self.load = load
        try:
            self.data: bytes = aside.run(pickle.dumps, value, pickle.HIGHEST_PROTOCOL)
            before = aside.live
            aside.reset_peak()
            aside.run(load, self.data)
        except _NO_COPY as error:
            message = f"pickle cannot copy this {what or type(value).__name__} to another heap: {error}"
            raise TypeError(message) from error
        needed = aside.peak - before
        self.bytes = needed + min(needed // SPARE_SHARE, SPARE_MOST) + SPARE_BYTES

    def into(self, heap: Heap, make_room: Callable[[int], bool]) -> _R:
        """Load it inside a heap, having room made if there is none."""
        return run_inside(heap, self.bytes, make_room, self.load, self.data)


def run_inside(
    heap: Heap, bound: int, make_room: Callable[[int], bool], function: Callable[..., _T], *arguments: object
) -> _T:
    """Call a function inside a heap, on a reservation: the one that the thread is in, or one of its own.

    Never waits.

    Args:
        heap: where.
        bound: bytes that it needs at most.
        make_room: called with the bytes that are missing, if there is no room; tells whether to try again.
        function: called with the arguments.
        *arguments: what it is called with.

    Raises:
        HeapFull: there is no room for it.
        ReservationImpossible: there never could be.
    """
    if bound > heap.possible:
        raise ReservationImpossible(bound, heap.possible, heap.name)
    if _native.in_reservation():
        return run_unbounded(heap, make_room, function, *arguments)
    while True:
        try:
            reservation = heap.reserve_nowait(bound)
        except WouldBlock as refusal:
            missing = missing_bytes(heap, bound)
            if not make_room(missing):
                reason = ", and nothing can give way" if missing > 0 else ""  # others wait, who go first
                raise no_room(heap, bound, f"{refusal}{reason}") from None
        else:
            result: _T = reservation.run(heap, function, *arguments)
            return result


def run_unbounded(
    heap: Heap, make_room: Callable[[int], bool], function: Callable[..., _T], *arguments: object
) -> _T:
    """Call a function inside a heap; if it meets the ceiling, have twice the room made, and call it again."""
    while True:
        room = heap.room
        try:
            result: _T = heap.run(function, *arguments)
            return result
        except MemoryError as error:
            if not make_room(room + SPARE_BYTES):
                if isinstance(error, HeapFull):
                    raise
                raise no_room(heap, 0, f"heap {heap.name!r} is full, and nothing can give way") from error


def no_room(heap: Heap, asked: int, message: str) -> HeapFull:
    """Return the error to raise where a heap has no room, with its figures of now; 0 asked if not known."""
    return HeapFull(
        message,
        heap=heap.name,
        asked=asked,
        held=held(heap),
        free=heap.room,
        holders=holders_of(heap),
    )


def missing_bytes(heap: Heap, amount: int) -> int:
    """Return how many bytes more must come free for an amount to be set aside; 0 or less if none."""
    most = shortage(heap, amount)
    while (parent := heap.parent) is not None:
        heap = parent
        most = max(most, shortage(heap, amount))
    return most


def _nothing_gives_way(missing: int) -> bool:
    return False
