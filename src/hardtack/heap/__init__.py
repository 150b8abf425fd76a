"""Heaps of fixed capacity for parts of a Python program, and reservations on them.

A heap counts, to the byte, what is allocated inside it (objects and Python's own buffers), and never holds
more than its capacity. A reservation sets bytes aside before work begins, so that the work cannot run out
of memory half-way: it waits at the start, holding nothing, or is refused there.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="parser")
    >>> with heap.reserve("64 KiB"):
    ...     rows = [bytes(1000) for _ in range(50)]
    >>> heap.reserved, 50_000 < heap.live < 65_536
    (0, True)

What is not counted: what CPython and extensions allocate past the object allocators (mmap, sqlite3, ssl,
hashlib contexts, the interpreter's own frames). A block belongs to the heap that was entered when it was
made, whoever frees it.
"""

from __future__ import annotations

import importlib
import sys
import sysconfig
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, overload

if sysconfig.get_config_var("Py_GIL_DISABLED"):  # before the native core, which would not even build
    message = (
        "hardtack needs a CPython with the GIL: a free-threaded build keeps its objects in mimalloc "
        "and cannot take another allocator"
    )
    raise ImportError(message)
if sys.implementation.name != "cpython":
    message = "hardtack works under CPython's allocators; this is another Python"
    raise ImportError(message)

from hardtack.errors import HeapFull
from hardtack.heap import _native
from hardtack.heap._native import Reservation, installed, size_class
from hardtack.heap.groups import holders_of
from hardtack.heap.waiting import root_of, waiting_for
from hardtack.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hardtack.heap.caches import Cache

_T = TypeVar("_T")
_F = TypeVar("_F", bound="Callable[..., Any]")
_Shrink = TypeVar("_Shrink", bound="Callable[[int], object]")
Policy: TypeAlias = Literal["reserve", "fail", "panic", "wait"]


@dataclass(frozen=True, slots=True)
class Overrun:
    """A call that allocated more than it had reserved.

    Attributes:
        call: the function's qualified name.
        bound: bytes that it had reserved.
        used: bytes that it held at its peak, what it had set aside for reservations inside it among them.
    """

    call: str
    bound: int
    used: int


@dataclass(frozen=True, slots=True)
class HeapStatistics:
    """A heap's books at one moment. All sizes in bytes.

    Attributes:
        capacity: the most it may hold, or None for its parents' limits alone.
        live: allocated now, here and in the heaps below.
        peak: the most that was ever live.
        reserved: set aside by reservations and not drawn.
        slack: inside the capacity, for overruns alone.
        spilled: small blocks that live beside it, because it was full when they were made.
        footprint: address space held for it; more than live by what fragmentation costs.
        allocations: blocks allocated in this heap itself.
        frees: blocks freed.
        failures: allocations that were refused, injected faults included.
        overruns: calls that went beyond their reservation.
        overrun_bytes: by how much, in all.
        leaked: reservations that were dropped without being released.
        waiters: reservations waiting now.
        granted: reservations that had to wait and were granted.
        evicted: entries that its caches, and those of the heaps below, have dropped to make room.
        killed: groups of its whole tree that were killed to free memory.
    """

    capacity: int | None
    live: int
    peak: int
    reserved: int
    slack: int
    spilled: int
    footprint: int
    allocations: int
    frees: int
    failures: int
    overruns: int
    overrun_bytes: int
    leaked: int
    waiters: int
    granted: int
    evicted: int
    killed: int


def _load(name: str) -> None:
    """Import a module outside every heap: it stays, and is not to be charged to who uses it first."""
    _native.outside(importlib.import_module, name)


class Heap(_native.Heap):
    """A heap of fixed capacity.

    `with heap:` has the calling thread allocate from it. Sizes are in bytes; `live`, `peak`, `reserved`,
    `free` (what is neither live, reserved nor slack), `room` (the least `free` from here to the root),
    `possible` (the most that could ever be reserved), `spilled` and `footprint` are read at no cost.

    Args:
        capacity: the most bytes it may hold, a number or like "16 MiB"; None for its parent's limits alone.
        name: for messages.
        parent: a heap that everything here is charged to as well.
        on_exhaustion: what an allocation meets at the limit. "reserve" and "fail": blocks over 512 bytes
            fail at once with MemoryError. Smaller ones, which CPython does not survive the lack of, use the
            slack, and then stand beside the heap (`spilled`), while HeapFull is raised between two
            bytecodes, or at the end of the call or `with`; whoever catches it and goes on is told again
            and again, but nothing else stops it. "panic": the process aborts. "wait": the allocator
            sleeps, holding the GIL, until there is room, which is usually for ever. The last two show
            what is wrong with them; use neither.
        slack: bytes of the capacity kept for overruns; by default a 64th, between 4 KiB and 1 MiB. A heap of
            4 KiB or less has nothing left to reserve then: give it slack=0.
        kill: makes this heap a group that may be killed to free memory: called with the heap, outside every
            heap, it has what lives there let go of soon. It may not reserve.
        protected: never kill it all the same, nor a group that it is part of.
        strict: a call that goes beyond its reservation raises BoundExceeded at its end.

    Raises:
        ValueError: if capacity or slack make no sense.
        RuntimeError: if tracemalloc is tracing when the first heap is made.

    Source: Biscuit (OSDI'18, section 6) for reservations; CPython's PyMem_SetAllocator for the hook.
    """

    __slots__ = ("__weakref__",)

    def __new__(
        cls,
        capacity: int | str | None,
        *,
        name: str = "heap",
        parent: Heap | None = None,
        on_exhaustion: Policy = "reserve",
        slack: int | None = None,
        kill: Callable[[Heap], object] | None = None,
        protected: bool = False,
        strict: bool = False,
    ) -> Self:
        """Make the heap; see the class."""
        limit = None if capacity is None else parse_bytes(capacity)
        if slack is None:
            slack = 0 if limit is None else min(1 << 20, max(4096, limit // 64), limit)
        heap = super().__new__(cls, limit, name, parent, on_exhaustion, slack, strict)
        if kill is not None or protected:
            _load("hardtack.heap.reclaim")
            from hardtack.heap.reclaim import Group

            heap._group = Group(kill, protected)
        return heap

    def __init__(
        self,
        capacity: int | str | None,
        *,
        name: str = "heap",
        parent: Heap | None = None,
        on_exhaustion: Policy = "reserve",
        slack: int | None = None,
        kill: Callable[[Heap], object] | None = None,
        protected: bool = False,
        strict: bool = False,
    ) -> None:
        pass  # __new__ has done it all

    def __repr__(self) -> str:
        of = "" if self.capacity is None else f" of {self.capacity}"
        return f"<Heap {self.name!r}: {self.live}{of} bytes live, {self.reserved} reserved>"

    # -- ways in
    def call(self, bound: int | str | Callable[..., int | str]) -> Callable[[_F], _F]:
        """Return a decorator that has each call of a function reserve first; see `hardtack.heap.calls`."""
        _load("hardtack.heap.calls")
        from hardtack.heap.calls import call

        return call(self, bound)

    def wrap(
        self, coroutine: Coroutine[Any, Any, _T], bound: int | str | None = None
    ) -> Coroutine[Any, Any, _T]:
        """Return a coroutine that runs inside this heap, and nowhere else, across every await.

        See `hardtack.heap.calls.wrap`.
        """
        _load("hardtack.heap.calls")
        from hardtack.heap.calls import wrap

        return wrap(self, coroutine, bound)

    def adopt(self, value: _T) -> _T:
        """Return a copy of a value that lives in this heap; see `hardtack.heap.adopting.adopt`."""
        _load("hardtack.heap.adopting")
        from hardtack.heap.adopting import adopt

        return adopt(self, value)

    # -- giving way
    def cache(self, maxsize: int | None = None, *, priority: int = 0) -> Cache[Any, Any]:
        """Return a mapping that gives way when this heap is full; see `hardtack.heap.caches.Cache`."""
        _load("hardtack.heap.caches")
        from hardtack.heap.caches import Cache

        return Cache(self, maxsize, priority=priority)

    @overload
    def shrinker(self, function: _Shrink, *, priority: int = 0) -> _Shrink: ...
    @overload
    def shrinker(self, *, priority: int = 0) -> Callable[[_Shrink], _Shrink]: ...
    def shrinker(
        self, function: _Shrink | None = None, *, priority: int = 0
    ) -> _Shrink | Callable[[_Shrink], _Shrink]:
        """Have a function called with the bytes that are missing when this heap is full; a decorator, too.

        See `hardtack.heap.reclaim.add_shrinker`.
        """
        _load("hardtack.heap.reclaim")
        from hardtack.heap.reclaim import add_shrinker

        if function is None:
            return lambda function: add_shrinker(self, function, priority)
        return add_shrinker(self, function, priority)

    # -- seeing it
    def explain(self) -> str:
        """Return who holds what, who waits for how much since when, and what would free it, as text."""
        text: str = _native.outside(_explain, self)  # even the import, for this heap may be full
        return text

    def black_box(self) -> list[str]:
        """Return the last events of this heap's tree, as lines of text, the oldest first."""
        found: list[str] = _native.outside(_black_box, self)
        return found

    @property
    def last_overrun(self) -> Overrun | None:
        """Return the last call that went beyond its reservation, or None."""
        last = self._last_overrun
        return None if last is None else Overrun(*last)

    def statistics(self) -> HeapStatistics:
        """Return the heap's books at this moment."""
        allocations, frees, failures, overruns, overrun_bytes, leaked, granted = self._counters()
        return HeapStatistics(
            capacity=self.capacity,
            live=self.live,
            peak=self.peak,
            reserved=self.reserved,
            slack=self.slack,
            spilled=self.spilled,
            footprint=self.footprint,
            allocations=allocations,
            frees=frees,
            failures=failures,
            overruns=overruns,
            overrun_bytes=overrun_bytes,
            leaked=leaked,
            waiters=waiting_for(self),
            granted=granted,
            evicted=_evicted(self),
            killed=_killed(self),
        )


def _witness(error: HeapFull) -> None:
    """Fill in what was full, in an error that the interpreter makes; it does so in the heap that is full."""
    _native.outside(_fill_in, error)


def _fill_in(error: HeapFull) -> None:
    heap, asked, held, free = _native.refusal()
    if heap is None:
        error._set("", asked, held, free, ())
    else:
        found = weakref.ref(heap)
        error._set(heap.name, asked, held, free, lambda: _native.outside(_holders_of, found))


def _holders_of(found: weakref.ref[Heap]) -> tuple[tuple[str, int], ...]:
    heap = found()
    return () if heap is None else holders_of(heap)


HeapFull.witness = _witness
HeapFull.outside = _native.outside


def _explain(heap: Heap) -> str:
    from hardtack.heap.explaining import explain

    return explain(heap)


def _black_box(heap: Heap) -> list[str]:
    from hardtack.heap.black_box import lines

    return lines(heap)


def _evicted(heap: Heap) -> int:
    if "hardtack.heap.caches" not in sys.modules:  # then there is no cache
        return 0
    from hardtack.heap.caches import evicted_below

    found: int = _native.outside(evicted_below, heap)
    return found


def _killed(heap: Heap) -> int:
    tree = root_of(heap)._tree
    return 0 if tree is None or tree.ladder is None else tree.ladder.killed


__all__ = ["Heap", "HeapStatistics", "Overrun", "Policy", "Reservation", "installed", "size_class"]
