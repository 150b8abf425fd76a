"""A cache that is interrupted anywhere stays in order, and nothing of it is held for ever."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from interrupting import Interrupter, instructions_are_traced

from hardtack.errors import InternalError
from hardtack.heap import Heap, adopting, caches
from hardtack.heap.caches import Cache

if TYPE_CHECKING:
    from collections.abc import Callable


def pin(cache: Cache[Any, Any]) -> None:
    with cache.pin("3") as value, cache.pin("3"):
        assert value == ["3" * 600]
        cache["3"] = ["new"]


def hold(cache: Cache[Any, Any]) -> None:
    with cache.pin("0"), cache.pin("1"):
        cache._evict(3000)


NEW = (["v" * 600], ["v" * 40_000], ["new"])
WORK: dict[str, Callable[[Cache[Any, Any]], object]] = {
    "store": lambda cache: cache.__setitem__("new", ["v" * 600]),
    "replace": lambda cache: cache.__setitem__("3", ["v" * 600]),
    "store in place of all": lambda cache: cache.__setitem__("new", ["v" * 40_000]),
    "delete": lambda cache: cache.__delitem__("3"),
    "pop": lambda cache: cache.pop("3"),
    "pop the oldest": lambda cache: cache.popitem(),
    "look up": lambda cache: cache["3"],
    "look up in vain": lambda cache: cache.get("nothing"),
    "pin": pin,
    "evict": lambda cache: cache._evict(10**6),
    "evict around pins": hold,
    "clear": lambda cache: cache.clear(),
    "make": lambda cache: cache.get_or_make("new", lambda: ["v" * 600]),
    "make within a bound": lambda cache: cache.get_or_make("new", lambda: ["v" * 600], bound="4 KiB"),
    "look through": lambda cache: (list(cache), list(cache.items()), list(cache.values())),
    "count": lambda cache: cache.statistics(),
}


@instructions_are_traced
@pytest.mark.parametrize("what", WORK)
@pytest.mark.parametrize("maxsize", [None, 20])
def test_an_interrupt_anywhere_leaves_it_in_order(what: str, maxsize: int | None) -> None:
    interrupter = Interrupter(caches, adopting)
    root = Heap("64 KiB", name="root")
    cache: Cache[Any, Any] = root.cache(maxsize)
    nth, struck = 0, True
    while struck:
        nth += 1
        cache.clear()
        for number in range(20):
            cache[str(number)] = [str(number) * 600]
        struck = interrupter.strike(nth, lambda: WORK[what](cache))
        gc.collect(0)
        cache.check()
        assert not cache._lock._is_owned()  # type: ignore[attr-defined]
        assert cache.statistics().pinned == 0
        assert root.reserved == 0
        assert all(value in ([key * 600], *NEW) for key, value in cache.items())
        cache["3"] = ["last"]  # what was there does not come back
        assert dict(cache)["3"] == ["last"]
        assert list(cache)[-1] == "3"
        cache._evict(10**6)
        cache.check()
        assert len(cache) == 0
        assert cache.heap.live < 3000
    assert nth > 3
    root.check()


def test_a_cache_out_of_order_is_found() -> None:
    cache: Cache[str, int] = Heap("64 KiB").cache()
    cache["a"], cache["b"] = 1, 2
    cache.check()
    dict.__setitem__(cache._entries, "a", cache._entries["b"])  # behind its back
    with pytest.raises(InternalError, match="1 entries are in order"):
        cache.check()
    dict.__delitem__(cache._entries, "a")
    with pytest.raises(InternalError, match="'a' is in the order alone"):
        cache.check()
