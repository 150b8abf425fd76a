"""A heap's state as text: who holds what, who waits for how much since when, and what would free it.

    >>> from hardtack.heap import Heap
    >>> heap = Heap("1 MiB", name="service", slack=0)
    >>> tenant = Heap("256 KiB", name="tenant", parent=heap, kill=print, slack=0)
    >>> rows = tenant.run(bytes, 196_608 - 33)
    >>> print(heap.explain())
    Heap 'service': 832.0 KiB of 1.0 MiB are free; nobody waits.
    <BLANKLINE>
    Who holds what
      heap      capacity   live       reserved  free       peak
      service   1.0 MiB    192.0 KiB  0 B       832.0 KiB  192.0 KiB
        tenant  256.0 KiB  192.0 KiB  0 B       64.0 KiB   192.0 KiB  may be killed
    <BLANKLINE>
    What could give way in 'service'
      - garbage: what unreachable cycles hold is not known before it is collected
      - 'tenant', if it is killed: 192.0 KiB

This module reads the books of others and changes nothing. It works outside every heap, so it may be called
where one is full. It is no snapshot: what other threads do meanwhile may show in one line and not yet in the
next.
"""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import chain as joined
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from hardtack.heap import Heap
from hardtack.heap.admission import chain
from hardtack.heap.black_box import lines as events_of
from hardtack.heap.black_box import log
from hardtack.heap.caches import cache_of
from hardtack.heap.groups import (
    groups_below,
    heaps_below,
    held,
    is_below,
    short_heap,
    shortage,
    shrinkers_below,
    would_give_back,
)
from hardtack.heap.waiting import root_of
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.heap.admission import Waiter
    from hardtack.heap.groups import Group, Shrinker
    from hardtack.heap.reclaim import Ladder

MOST: Final = 20  # lines about one kind of thing: the largest, or the first
DEEPEST: Final = 20  # levels of heaps below the one that is explained; more than these fit no line
EVENTS: Final = 8  # of the black box

_HEADINGS: Final = ("heap", "capacity", "live", "reserved", "free", "peak", "")
_aside: Final = Heap(None, name="explaining")


def explain(heap: Heap) -> str:
    """Return who holds what, who waits for how much since when, and what would free it, as lines of text.

    Args:
        heap: the text is about it and all below it, and about those above it as far as they stand in its way.
    """
    text: str = _aside.run(_explain, heap)
    return text


def warn_of(waiter: Waiter, now: float) -> bool:
    """Log a wait that only the program itself can end; False if calls under way may end it, too."""
    short = short_heap(waiter.heap, waiter.amount, waiter.also)
    if short is None or short.reserved or short.held:
        return False
    _aside.run(_warn_of, waiter, short, now)
    return True


def _warn_of(waiter: Waiter, short: Heap, now: float) -> None:
    log.warning(
        "heap %r: %s has waited %s for %s, and may wait for ever: nothing is reserved there, and nothing is "
        "left that gives way. Results that are kept count, too: let go of some, move them to another heap "
        "(Heap.adopt), raise the capacity, or wait with a timeout.\n%s",
        short.name, waiter.who or "somebody", _seconds(now - (waiter.since or now)),
        format_bytes(waiter.amount), _explain(short),
    )  # fmt: skip


def _explain(heap: Heap) -> str:
    now = time.monotonic()
    waiters = _waiters_for(heap)
    parts = [
        [_verdict(heap, waiters, now)],
        ["Who holds what", *_holders(heap)],
        ["Who waits", *_waiting(waiters, now)] if waiters else [],
        *_remedies(heap, waiters, now),
        _misdeeds(heap),
        _events(heap, now),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _verdict(heap: Heap, waiters: list[Waiter], now: float) -> str:
    least = min(
        (each for each in chain(heap) if each.capacity is not None), key=attrgetter("free"), default=None
    )
    if least is None:
        state = f"no limit, {format_bytes(heap.live)} live"
    else:
        assert least.capacity is not None
        whose = "" if least is heap else f" in {least.name!r} above it"
        state = f"{format_bytes(least.free)} of {format_bytes(least.capacity)} are free{whose}"
    if not waiters:
        return f"Heap {heap.name!r}: {state}; nobody waits."
    first = waiters[0]
    wait = "1 waits" if len(waiters) == 1 else f"{len(waiters)} wait"
    longest = f"the first for {format_bytes(first.amount)}{_since(first, now)}"
    return f"Heap {heap.name!r}: {state}; {wait}, {longest}."


# -- who holds what
def _holders(top: Heap) -> list[str]:
    above = list(chain(top.parent))[::-1]
    rows = [_HEADINGS, *(_row(each, depth) for depth, each in enumerate(above)), *_rows(top, len(above))]
    widths = [max(len(row[at]) for row in rows if len(row) > 1) for at in range(len(_HEADINGS))]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _rows(heap: Heap, depth: int, levels: int = DEEPEST) -> Iterator[tuple[str, ...]]:
    """Yield a row for a heap and each below it, the largest first; a row of one cell is a line of text."""
    yield _row(heap, depth)
    indent = "  " * (depth + 1)
    yield from ((indent + text,) for text in _reservations(heap))
    children = sorted(heap._children(), key=held, reverse=True)
    if children and not levels:
        yield (indent + f"({_count(len(heaps_below(heap)) - 1, 'heap')} below)",)
        return
    own = heap.live - sum(child.live for child in children)
    if children and own > 0:
        yield (indent + "(its own)", "", format_bytes(own), "", "", "", "")
    for child in children[:MOST]:
        yield from _rows(child, depth + 1, levels - 1)
    if rest := children[MOST:]:
        live, reserved = sum(child.live for child in rest), sum(child.reserved for child in rest)
        yield (
            indent + f"({len(rest)} smaller ones)",
            "",
            format_bytes(live),
            format_bytes(reserved),
            "",
            "",
            "",
        )


def _row(heap: Heap, depth: int) -> tuple[str, ...]:
    limited = heap.capacity is not None
    return (
        "  " * depth + heap.name,
        format_bytes(heap.capacity) if heap.capacity is not None else "-",
        format_bytes(heap.live),
        format_bytes(heap.reserved),
        format_bytes(heap.free) if limited else "-",
        format_bytes(heap.peak),
        "; ".join(_traits(heap)),
    )


def _traits(heap: Heap) -> Iterator[str]:
    if heap.held:
        yield f"{format_bytes(heap.held)} held by reservations above"
    if heap.spilled:
        yield f"{format_bytes(heap.spilled)} beside it"
    group: Group | None = heap._group
    if group is None:
        return
    if group.protected:
        yield "protected"
    elif group.kill is not None:
        yield "spared: what is protected lives in it" if _guarded(heap) else "may be killed"
    for shrinker in group.shrinkers:
        cache = cache_of(shrinker)
        if cache is None:
            yield f"shrinker {shrinker.name}"
        else:
            books = cache.statistics()
            yield f"{books.entries} entries, {books.pinned} pinned, {books.evictions} evicted"


def _guarded(heap: Heap) -> bool:
    return any(each._group is not None and each._group.protected for each in heaps_below(heap))


def _reservations(heap: Heap) -> Iterator[str]:
    """Yield a text for each place that reserved on this very heap, those with most left first."""
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for asked, left, drawn, site in heap._reservations():
        places[site].append((asked, left, drawn))
    by_left = sorted(places.items(), key=lambda place: sum(left for _, left, _ in place[1]), reverse=True)
    for site, claims in by_left[:MOST]:
        sums = [format_bytes(sum(column)) for column in zip(*claims, strict=True)]
        count = _count(len(claims), "reservation")
        yield f"{count} of {sums[0]}, {sums[2]} drawn, {sums[1]} left, made at {site}"
    if len(by_left) > MOST:
        yield f"reservations made at {len(by_left) - MOST} other places"


# -- who waits
def _waiters_for(heap: Heap) -> list[Waiter]:
    """Return those who want bytes of a heap or of one below it, in the order of their coming."""
    tree = root_of(heap)._tree
    waiters: list[Waiter] = [] if tree is None else tree.waiters()
    return [waiter for waiter in waiters if any(is_below(each, heap) for each in (waiter.heap, *waiter.also))]


def _waiting(waiters: list[Waiter], now: float) -> Iterator[str]:
    for number, waiter in enumerate(waiters[:MOST], 1):
        yield (
            f"  {number}. {waiter.who or 'somebody'}: {format_bytes(waiter.amount)} on {waiter.heap.name!r}"
            f"{_since(waiter, now)}; {_obstacle(waiter)}"
        )
    if rest := waiters[MOST:]:
        yield f"  and {len(rest)} more, for {format_bytes(sum(waiter.amount for waiter in rest))}"


def _since(waiter: Waiter, now: float) -> str:
    return "" if waiter.since is None else f", since {_seconds(now - waiter.since)}"


def _obstacle(waiter: Waiter) -> str:
    short = short_heap(waiter.heap, waiter.amount, waiter.also)
    if short is None:
        text = "there is room, which is kept for those before it"
    else:
        text = f"{format_bytes(shortage(short, waiter.amount))} are missing in {short.name!r}"
    return text + (f"; passed by {waiter.overtaken} that came later" if waiter.overtaken else "")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _seconds(seconds: float) -> str:
    return f"{max(0.0, seconds):.1f} s"


def _ladder_of(heap: Heap) -> Ladder | None:
    """Return the ladder of a heap's tree, if it has one; `reclaim.ladder_of` would make one."""
    tree = root_of(heap)._tree
    return None if tree is None else tree.ladder


# -- what would free it
def _remedies(heap: Heap, waiters: list[Waiter], now: float) -> Iterator[list[str]]:
    """Yield a part for each heap that somebody is short of, or one for the heap itself if nobody is."""
    missing: dict[Heap, int] = {}
    for waiter in waiters:
        short = short_heap(waiter.heap, waiter.amount, waiter.also)
        if short is not None:
            missing.setdefault(short, shortage(short, waiter.amount))  # of who is the first to be short of it
    for short, amount in missing.items():
        yield [f"What would free {format_bytes(amount)} in {short.name!r}", *_ways(short, now)]
    if not missing:
        yield [f"What could give way in {heap.name!r}", *_ways(heap, now)]


def _ways(short: Heap, now: float) -> Iterator[str]:
    """Yield what there is, in the order in which the ladder goes about it."""
    ladder = _ladder_of(short)
    if ladder is not None and ladder.calling is not None:
        what, since = ladder.calling
        yield f"  - now at work, since {_seconds(now - since)}: {what}"
    yield "  - garbage: what unreachable cycles hold is not known before it is collected"
    found = [*_shrinkers(short), *_calls(short), *_dying(short, now), *_victims(short)]
    for text in found:
        yield f"  - {text}"
    if not found:
        yield "  - nothing else: nothing is reserved, and there is no cache, shrinker or group to give way;"
        yield "    raise the capacity, or have the program let go of something"
    if ladder is not None and ladder.rule is not None:
        yield "  (the program has a rule of its own for who is killed first)"
    yield from (f"  {text}" for text in _safe(short))


def _shrinkers(short: Heap) -> Iterator[str]:
    texts = [text for shrinker in shrinkers_below(short) if (text := _yield_of(shrinker))]
    yield from texts[:MOST]
    if len(texts) > MOST:
        yield f"{len(texts) - MOST} more caches and shrinkers"


def _yield_of(shrinker: Shrinker) -> str:
    """Return what a shrinker can give; nothing if that is nothing."""
    cache = cache_of(shrinker)
    if cache is None:
        return f"shrinker {shrinker.name}: what it gives is not known before it is asked"
    books = cache.statistics()
    loose = books.entries - books.pinned
    most = format_bytes(books.bytes)
    return f"{shrinker.name!r}: at most {most}, {loose} of {books.entries} entries can go" if loose else ""


def _calls(short: Heap) -> Iterator[str]:
    if aside := short.reserved + short.held:
        yield f"calls under way, as they end: {format_bytes(aside)} not drawn, and what they free"


def _dying(short: Heap, now: float) -> Iterator[str]:
    for heap in heaps_below(short):
        group: Group | None = heap._group
        if group is not None and group.killed_at is not None:
            given_up = ", and was given up on" if group.given_up else ""
            yield (
                f"{heap.name!r}, killed {_seconds(now - group.killed_at)} ago{given_up}: it held "
                f"{format_bytes(group.killed_held)}, and still holds {format_bytes(held(heap))}"
            )


def _victims(short: Heap) -> Iterator[str]:
    groups = sorted(groups_below(short), key=would_give_back, reverse=True)
    for heap in groups[:MOST]:
        yield f"{heap.name!r}, if it is killed: {format_bytes(would_give_back(heap))}"
    if len(groups) > MOST:
        yield f"{len(groups) - MOST} more groups, if they are killed"


def _safe(short: Heap) -> Iterator[str]:
    safe = [heap for heap in heaps_below(short) if heap._group is not None and heap._group.protected]
    if safe:
        names = ", ".join(repr(heap.name) for heap in safe[:MOST]) + (", ..." if len(safe) > MOST else "")
        yield f"(never killed, for they are protected: {names})"


# -- what has gone wrong
def _misdeeds(heap: Heap) -> list[str]:
    found = list(joined.from_iterable(map(_misdeeds_of, heaps_below(heap))))
    ladder = _ladder_of(heap)
    if ladder is not None and ladder.kills:
        last = ladder.kills[-1]
        found.append(
            f"{ladder.killed} killed in this tree so far, the last {last.name!r}, which held "
            f"{format_bytes(last.held)}, for one who waited for {format_bytes(last.wanted)}"
        )
    if len(found) > MOST:
        found[MOST:] = [f"and {len(found) - MOST} lines more"]
    return ["What has gone wrong so far", *(f"  {text}" for text in found)] if found else []


def _misdeeds_of(heap: Heap) -> Iterator[str]:
    _, _, failures, overruns, overrun_bytes, leaked, _ = heap._counters()
    if failures:
        yield f"{heap.name!r}: {_count(failures, 'allocation')} refused"
    if overruns:
        last = heap.last_overrun
        which = f"; the last: {last.call}, {last.used} bytes on {last.bound}" if last is not None else ""
        by = format_bytes(overrun_bytes)
        yield f"{heap.name!r}: {_count(overruns, 'call')} beyond the bound, by {by} in all{which}"
    if leaked:
        yield f"{heap.name!r}: {_count(leaked, 'reservation')} dropped without being released"


def _events(heap: Heap, now: float) -> list[str]:
    events = events_of(heap)[-EVENTS:]
    return [f"The last events (now is {now:.3f})", *(f"  {line}" for line in events)] if events else []
