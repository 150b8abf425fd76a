"""Caches that give way when their heap is full.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="service")
    >>> pages = heap.cache()
    >>> for number in range(8):
    ...     pages[number] = bytes(100_000)
    >>> _ = pages[0]  # so it is not the least recently used
    >>> heap.reserve("500 KiB").release()
    >>> list(pages)
    [4, 5, 6, 7, 0]

A cache keeps keys, values and its own books in a child heap, so what it costs is known to the byte. What is
stored is copied there (see `adopting`), or made there (`Cache.get_or_make`): so nothing that a call or a
request made for itself stays charged to it because a cache remembers it.

This module owns that child heap and the order of use. It never has others give way: a cache makes room among
its own entries only, and what does not fit then is refused, with nothing changed but those entries.

What is there, and in which order it was used, is one OrderedDict's. Each change is one call into C, which is
done whole or not at all; so an interrupt (Ctrl-C, a HeapFull, a handler that raises) between any two steps
leaves nothing to put right. An entry is pinned as long as somebody holds a weak reference to it: so a `with`
that was cut off anywhere holds no pin once it is gone.

Threads: each operation is atomic, under a lock that is held for a few steps and never while a value is made,
copied or let go of. A finalizer or a signal's handler that comes in between on the same thread may use the
cache as well. The ladder does not wait for the lock for long: a cache that is busy is passed over.
"""

from __future__ import annotations

import os
import pickle
import threading
import weakref
from array import array
from collections import OrderedDict
from collections.abc import ItemsView, Iterator, MutableMapping, ValuesView
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from hardtack.errors import HeapFull, InternalError
from hardtack.heap import Heap, _native
from hardtack.heap.adopting import SPARE_BYTES, Copy, missing_bytes, no_room, run_inside, run_unbounded
from hardtack.heap.groups import add_shrinker, shrinkers_below
from hardtack.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap.groups import Shrinker

_T = TypeVar("_T")
_K = TypeVar("_K")
_V = TypeVar("_V")

BUSY_SECONDS: Final = 0.1  # that the ladder waits at most for a cache that is at work
ENTRY_BYTES: Final = 128  # more than an Entry takes
COMPACT_SHARE: Final = 4  # the table is made anew when only a quarter of its entries is left

HITS, MISSES, EVICTIONS, MOST = range(4)  # counts; MOST: of entries, since the table was made


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """A cache's books at one moment.

    Attributes:
        entries: how many there are.
        bytes: what they are charged, keys and the cache's own books included.
        hits: look-ups that found something.
        misses: look-ups that did not.
        evictions: entries that were dropped to make room.
        pinned: entries that cannot be, for they are in use.
    """

    entries: int
    bytes: int
    hits: int
    misses: int
    evictions: int
    pinned: int


class Entry(Generic[_K, _V]):
    """A key and its value. Whoever holds a weak reference to it has it pinned."""

    __slots__ = ("__weakref__", "key", "value")

    def __init__(self, key: _K, value: _V) -> None:
        self.key = key
        self.value = value


class Cache(MutableMapping[_K, _V]):
    """A mapping that gives way: when its heap is full, the entries that were least recently used go.

    Made by `Heap.cache`. Keys, values and books live in a child heap of the heap it was made for. Looking
    something up (`cache[key]`, `get`, `get_or_make`, `pin`) makes it the most recently used; `in`, iterating
    and the views do not. Iterating goes over the entries there were when it began, the least recently used
    first. Values are the cache's own: change them and the cache's change too. Who still holds a value when it
    is evicted keeps it, and its bytes stay charged to the cache until it lets go.

    Args:
        heap: what it gives way for, and is charged to.
        maxsize: the most entries; None for as many as fit.
        priority: among what can give way, the lowest does first.

    Raises:
        ValueError: if maxsize is negative.
    """

    __slots__ = (
        "__weakref__",
        "_counts",
        "_entries",
        "_lock",
        "heap",
        "maxsize",
        "priority",
    )

    def __init__(self, heap: Heap, maxsize: int | None = None, *, priority: int = 0) -> None:
        if maxsize is not None and maxsize < 0:
            raise ValueError(f"a cache's maxsize is None or at least 0, not {maxsize}")
        self.heap = Heap(None, name=f"cache of {heap.name}", parent=heap)
        self.maxsize = maxsize
        self.priority = priority
        self._lock = threading.RLock()
        _locks.add(self._lock)
        self._entries: OrderedDict[_K, Entry[_K, _V]] = self.heap.run(OrderedDict)
        self._counts = array("q", [0] * 4)  # not attributes: ints would belong to the heap of whoever counts
        add_shrinker(self.heap, _GivesWay(self), priority, name=self.heap.name)

    def __repr__(self) -> str:
        return f"<Cache in heap {self.heap.name!r}: {len(self)} entries, {self.heap.live} bytes>"

    # -- looking up
    def __getitem__(self, key: _K) -> _V:
        entry = self._look_up(key)
        if entry is None:
            raise KeyError(key)
        return entry.value

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[_K]:
        return iter(list(self._entries))

    def items(self) -> ItemsView[_K, _V]:
        """Return the pairs; looking through them makes nothing more recently used."""
        return _Items(self)

    def values(self) -> ValuesView[_V]:
        """Return the values; looking through them makes nothing more recently used."""
        return _Values(self)

    @contextmanager
    def pin(self, key: _K) -> Iterator[_V]:
        """Keep an entry from being evicted for the length of a `with`, which is given its value.

        It can be pinned more than once. Deleted or replaced meanwhile, it is gone for others all the same.

        Raises:
            KeyError: it is not there.

        Example:
            >>> from hardtack.heap import Heap
            >>> cache = Heap("1 MiB").cache(maxsize=1)
            >>> cache["a"] = "alpha"
            >>> with cache.pin("a") as value:
            ...     cache["b"] = "beta"  # finds no place
            >>> list(cache.items()), value
            ([('a', 'alpha')], 'alpha')
        """
        with self._lock:
            entry = self._look_up(key)
            if entry is None:
                raise KeyError(key)
            pin = weakref.ref(entry)
        try:
            yield entry.value
        finally:
            del pin
            self._touch(entry)

    # -- changing
    def __setitem__(self, key: _K, value: _V) -> None:
        """Store copies of a key and a value; see `Heap.adopt` for what is copied and what it raises."""
        hash(key)
        copy: Copy[tuple[_K, _V], Entry[_K, _V]] = Copy(
            (key, value), _load_entry, f"key ({type(key).__name__}) or value ({type(value).__name__})"
        )
        entry = copy.into(self.heap, self._evict)
        self._check_key(key, entry)
        self._store(entry, replace=True)

    def __delitem__(self, key: _K) -> None:
        with self._lock:
            entry = self._entries[key]
            self._remove(entry)
        del entry  # not before the lock is free

    def popitem(self) -> tuple[_K, _V]:
        """Remove the least recently used entry, pinned ones last, and return (key, value).

        Raises:
            KeyError: the cache is empty.
        """
        with self._lock:
            entry = self._oldest() or next(iter(self._in_order()), None)
            if entry is None:
                raise KeyError("popitem(): the cache is empty")
            self._remove(entry)
        return entry.key, entry.value

    def clear(self) -> None:
        """Remove every entry."""
        while self._entries:
            try:
                self.popitem()
            except KeyError:
                break
        self._compact()

    def get_or_make(self, key: _K, make: Callable[[], _V], bound: int | str | None = None) -> _V:
        """Return the value of a key; if there is none, make it inside the cache's heap and keep it.

        Threads that come at the same time may each make it; the first to be done is kept, and all get that
        one. A value that there is no room to keep is returned all the same. Never waits.

        Args:
            key: a copy of it is kept.
            make: called without arguments, inside the cache's heap. What it returns is kept as it is: it
                should be new.
            bound: the bytes that `make` needs at most, so that entries are evicted and the bytes reserved
                before it is called. Without one it is called as it is, and if it runs into MemoryError,
                once more after twice as much room was made, and so on.

        Raises:
            HeapFull: there is no room to make it, although all entries that are not pinned were evicted.
            ReservationImpossible: there never could be.
            TypeError: pickle cannot copy the key.

        Example:
            >>> from hardtack.heap import Heap
            >>> squares = Heap("1 MiB").cache()
            >>> squares.get_or_make(12, lambda: 12 * 12), squares.get_or_make(12, lambda: 0)
            (144, 144)
        """
        entry = self._look_up(key)
        if entry is not None:
            return entry.value
        copy: Copy[_K, _K] = Copy(key, pickle.loads)
        if bound is None:
            value = run_unbounded(self.heap, self._evict, make)
        else:
            value = run_inside(self.heap, parse_bytes(bound), self._evict, make)
        try:
            entry = run_inside(
                self.heap, copy.bytes + ENTRY_BYTES, self._evict, _make_entry, copy.data, value
            )
            self._check_key(key, entry)
            return self._store(entry, replace=False).value
        except HeapFull:
            return value

    # -- seeing it
    def statistics(self) -> CacheStatistics:
        """Return the cache's books at this moment."""
        found = self._in_order()
        return CacheStatistics(
            entries=len(found),
            bytes=self.heap.live,
            hits=self._counts[HITS],
            misses=self._counts[MISSES],
            evictions=self._counts[EVICTIONS],
            pinned=sum(_pinned(entry) for entry in found),
        )

    def check(self) -> None:
        """Check that what is in order is what can be looked up, each under its own key.

        Raises:
            InternalError: it is not.
        """
        with self._lock:
            try:
                order = [key for key in self._entries if self._entries[key].key is key]
            except KeyError as error:
                raise InternalError(f"{self!r}: {error} is in the order alone") from None
            if len(order) != len(self._entries):
                raise InternalError(f"{self!r}: {len(order)} entries are in order, under their own keys")

    # -- the order of use
    def _look_up(self, key: _K) -> Entry[_K, _V] | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._counts[MISSES] += 1
                return None
            self._counts[HITS] += 1
            self._touch(entry)
            return entry

    def _touch(self, entry: Entry[_K, _V]) -> None:
        """Make an entry the most recently used, if it is still there."""
        with self._lock:
            if self._entries.get(entry.key) is entry:
                try:
                    self._entries.move_to_end(entry.key)
                except (KeyError, MemoryError):  # a signal's handler has deleted it; or see `_remove`
                    return

    def _remove(self, entry: Entry[_K, _V]) -> None:
        """Take an entry out. The lock is held."""
        # Where a larger table was refused half-way, the order's index is made anew now: so outside of heaps.
        _native.outside(self._entries.pop, entry.key, None)

    def _in_order(self) -> list[Entry[_K, _V]]:
        """Return all entries, the least recently used first."""
        entries = self._entries
        found = map(entries.get, list(entries))  # not its values: some may go while it is looked through
        return [entry for entry in found if entry is not None]

    def _oldest(self) -> Entry[_K, _V] | None:
        """Return the least recently used entry that is not pinned. The lock is held."""
        for _ in range(len(self._entries)):
            entry = self._entries.get(next(iter(self._entries), None))  # type: ignore[arg-type]
            if entry is None or not _pinned(entry):
                return entry
            _native.outside(self._touch, entry)  # it is in use
        return None

    # -- making room
    def _evict(self, wanted: int, patience: float = -1) -> bool:
        """Evict until so many bytes came back, as the books have it; tell whether anything was evicted."""
        goal = self.heap.live - wanted
        evicted = False
        while self.heap.live > goal and self._evict_one(patience):
            evicted = True
        return evicted

    def _evict_one(self, patience: float = -1) -> bool:
        entry: Entry[_K, _V] | None = None
        held: list[bool] = []
        try:
            # One call, so that no interrupt comes between taking the lock and knowing it.
            held.extend(map(self._lock.acquire, (True,), (patience,)))
            if held[0] and (entry := self._oldest()) is not None:
                self._remove(entry)
                self._counts[EVICTIONS] += 1
                if len(self._entries) * COMPACT_SHARE < self._counts[MOST]:
                    self._compact()
        finally:
            if held and held[0]:
                self._lock.release()
        return entry is not None  # and with it the entry goes, when the lock is free

    def _compact(self) -> None:
        """Make the table anew, which dicts never do when they shrink. Each time, most entries have gone."""
        with self._lock:
            try:
                self._entries = self.heap.run(OrderedDict, self._entries)
                self._counts[MOST] = len(self._entries)
            except MemoryError:
                return

    def _check_key(self, key: _K, entry: Entry[_K, _V]) -> None:
        if entry.key != key or hash(entry.key) != hash(key):
            raise TypeError(f"a key must be equal to its copy, and this {type(key).__name__!r} is not")

    def _store(self, entry: Entry[_K, _V], *, replace: bool) -> Entry[_K, _V]:
        """Keep an entry; return it, or what is there already if that is not to be replaced.

        Raises:
            HeapFull: there is no room for a larger table.
        """
        while True:
            missing = self.heap.room + SPARE_BYTES
            try:
                with self._lock:
                    old = self._entries.get(entry.key)
                    if old is None:
                        entries = self._entries
                        # Only C runs in this heap, which may be full: HeapFull strikes between bytecodes.
                        self.heap.run(entries.__setitem__, entry.key, entry)
                        if entries is not self._entries:
                            continue  # a finalizer came in between and had the table made anew
                        self._counts[MOST] = max(self._counts[MOST], len(entries))
                    elif replace:
                        entry.key = old.key
                        dict.__setitem__(self._entries, old.key, entry)  # in its place, which needs no memory
                        self._touch(entry)
                    else:
                        return old
                break
            except MemoryError as error:
                if not self._evict(missing):
                    message = f"no room for a larger table in heap {self.heap.name!r}"
                    raise no_room(self.heap, 0, message) from error
        del old
        while self.maxsize is not None and len(self._entries) > self.maxsize and self._evict_one():
            pass
        if not _native.in_reservation() and (over := missing_bytes(self.heap, 0)) > 0:
            self._evict(over)  # made without a bound, it has used slack
        return entry


class _Items(ItemsView[_K, _V]):
    __slots__ = ()
    _mapping: Cache[_K, _V]

    def __contains__(self, item: object) -> bool:
        return any(item is each or item == each for each in self)

    def __iter__(self) -> Iterator[tuple[_K, _V]]:
        return iter([(entry.key, entry.value) for entry in self._mapping._in_order()])


class _Values(ValuesView[_V], Generic[_K, _V]):
    __slots__ = ()
    _mapping: Cache[_K, _V]

    def __contains__(self, value: object) -> bool:
        return any(value is each or value == each for each in self)

    def __iter__(self) -> Iterator[_V]:
        return iter([entry.value for entry in self._mapping._in_order()])


def _pinned(entry: Entry[_K, _V]) -> bool:
    return entry.__weakref__ is not None  # type: ignore[attr-defined]


def _load_entry(data: bytes) -> Entry[_K, _V]:
    key, value = pickle.loads(data)
    return Entry(key, value)


def _make_entry(data: bytes, value: _V) -> Entry[_K, _V]:
    return Entry(pickle.loads(data), value)


class _GivesWay:
    """The shrinker of a cache, which it does not keep."""

    __slots__ = ("cache",)

    def __init__(self, cache: Cache[Any, Any]) -> None:
        self.cache = weakref.ref(cache)

    def __call__(self, wanted: int) -> None:
        cache = self.cache()
        if cache is not None:
            cache._evict(wanted, BUSY_SECONDS)


def cache_of(shrinker: Shrinker) -> Cache[Any, Any] | None:
    """Return the cache that a shrinker makes smaller; None if it is no cache's, or that one is gone."""
    function = shrinker.function
    return function.cache() if isinstance(function, _GivesWay) else None


def evicted_below(heap: Heap) -> int:
    """Return how many entries the caches of a heap and of those below it have dropped to make room."""
    caches = map(cache_of, shrinkers_below(heap))
    return sum(cache._counts[EVICTIONS] for cache in caches if cache is not None)


_locks: Final[weakref.WeakSet[threading.RLock]] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: no thread that held a lock is there any more."""
    for lock in _locks:
        lock._at_fork_reinit()  # type: ignore[attr-defined]


os.register_at_fork(after_in_child=_after_fork)

__all__ = ["Cache", "CacheStatistics"]
