"""A heap's state as text: `heap.explain()`."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import time
from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hardtack.heap import Heap
from hardtack.heap.explaining import DEEPEST, MOST
from hardtack.heap.reclaim import ladder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = re.escape(__file__)


def block(size: int) -> bytes:
    """A block that is charged exactly `size` bytes, which is a multiple of 64 KiB."""
    return bytes(size - 33)


def plain(text: str) -> str:
    """The text without what differs from run to run: times, line numbers, the last events."""
    text = text.partition("\n\nThe last events")[0]
    text = re.sub(r"\b\d+\.\d s\b", "# s", text)
    return re.sub(HERE + r":\d+", "HERE", text)


def check(heap: Heap, expected: str) -> None:
    assert plain(heap.explain()).splitlines() == dedent(expected).strip().splitlines()


@contextmanager
def waiting(*requests: tuple[Heap, str]) -> Iterator[None]:
    """Threads of their own wait for these, in this order; whoever uses it sees to it that they are granted."""
    threads = [
        threading.Thread(
            target=lambda heap=heap, size=size: heap.reserve(size, timeout=60).release(), name=f"worker {n}"
        )
        for n, (heap, size) in enumerate(requests, 1)
    ]
    heaps = {id(heap): heap for heap, _ in requests}.values()

    def count() -> int:
        return sum(heap.statistics().waiters for heap in heaps)

    for thread in threads:
        before = count()
        thread.start()
        while thread.is_alive() and count() == before:
            time.sleep(0)
    yield
    for thread in threads:
        thread.join()


def test_an_empty_heap() -> None:
    check(
        Heap("1 MiB", name="empty", slack=0),
        """
        Heap 'empty': 1.0 MiB of 1.0 MiB are free; nobody waits.

        Who holds what
          heap   capacity  live  reserved  free     peak
          empty  1.0 MiB   0 B   0 B       1.0 MiB  0 B

        What could give way in 'empty'
          - garbage: what unreachable cycles hold is not known before it is collected
          - nothing else: nothing is reserved, and there is no cache, shrinker or group to give way;
            raise the capacity, or have the program let go of something
        """,
    )


def test_a_full_heap_with_waiters_behind() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    kept = [heap.run(block, 512 << 10)]
    reservation = heap.reserve("256 KiB")
    with waiting((heap, "512 KiB"), (heap, "768 KiB"), (heap, "128 KiB")):
        # the third has passed: there is room for it
        check(
            heap,
            """
            Heap 'service': 256.0 KiB of 1.0 MiB are free; 2 wait, the first for 512.0 KiB, since # s.

            Who holds what
              heap     capacity  live       reserved   free       peak
              service  1.0 MiB   512.0 KiB  256.0 KiB  256.0 KiB  512.0 KiB
                1 reservation of 256.0 KiB, 0 B drawn, 256.0 KiB left, made at HERE

            Who waits
              1. worker 1: 512.0 KiB on 'service', since # s; 256.0 KiB are missing in 'service'; passed by 1 that came later
              2. worker 2: 768.0 KiB on 'service', since # s; 512.0 KiB are missing in 'service'; passed by 1 that came later

            What would free 256.0 KiB in 'service'
              - garbage: what unreachable cycles hold is not known before it is collected
              - calls under way, as they end: 256.0 KiB not drawn, and what they free
            """,
        )
        kept.clear()
        reservation.release()


def test_a_cache_with_entries_in_use_and_not() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    cache = heap.cache()
    for number in range(4):
        cache[number] = bytes(100_000)
    with cache.pin(0):
        text = heap.explain()
    assert re.search(r"\n    cache of service +- +\d{3}\.\d KiB .* 4 entries, 1 pinned, 0 evicted\n", text)
    assert re.search(r"\n  - 'cache of service': at most \d{3}\.\d KiB, 3 of 4 entries can go\n", text + "\n")
    with cache.pin(0), cache.pin(1), cache.pin(2), cache.pin(3):
        assert "  - nothing else" in heap.explain()
    heap.reserve("800 KiB").release()
    assert re.search(r" 2 entries, 0 pinned, 2 evicted\n", heap.explain())
    del cache
    gc.collect()
    assert "pinned" not in heap.explain()


def test_groups_that_can_be_killed_and_those_that_cannot() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    small = Heap("256 KiB", name="small", parent=heap, slack=0, kill=print)
    large = Heap(None, name="large", parent=heap, kill=print)
    vital = Heap(None, name="vital", parent=heap, kill=print, protected=True)
    kept = [small.run(block, 128 << 10), large.run(block, 256 << 10), vital.run(block, 64 << 10)]
    kept.append(heap.run(block, 192 << 10))
    check(
        heap,
        """
        Heap 'service': 384.0 KiB of 1.0 MiB are free; nobody waits.

        Who holds what
          heap         capacity   live       reserved  free       peak
          service      1.0 MiB    640.0 KiB  0 B       384.0 KiB  640.0 KiB
            (its own)             192.0 KiB
            large      -          256.0 KiB  0 B       -          256.0 KiB  may be killed
            small      256.0 KiB  128.0 KiB  0 B       128.0 KiB  128.0 KiB  may be killed
            vital      -          64.0 KiB   0 B       -          64.0 KiB   protected

        What could give way in 'service'
          - garbage: what unreachable cycles hold is not known before it is collected
          - 'large', if it is killed: 256.0 KiB
          - 'small', if it is killed: 128.0 KiB
          (never killed, for they are protected: 'vital')
        """,
    )
    ladder_of(heap).rule = lambda groups: groups[0]
    assert "a rule of its own for who is killed first" in heap.explain()


def test_a_group_that_something_protected_is_part_of_is_not_said_to_be_killable() -> None:
    heap = Heap("1 MiB", name="all")
    group = Heap(None, name="group", parent=heap, kill=print)
    inside = Heap(None, name="inside", parent=group, protected=True)
    row = next(line for line in heap.explain().splitlines() if line.strip().startswith("group "))
    assert row.endswith("  spared: what is protected lives in it")
    assert inside.live == 0


def test_a_child_is_shown_with_those_above_it() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    tenant = Heap("512 KiB", name="tenant", parent=heap, slack=0)
    kept = [heap.run(block, 896 << 10)]
    with waiting((tenant, "256 KiB")):
        check(
            tenant,
            """
            Heap 'tenant': 128.0 KiB of 1.0 MiB are free in 'service' above it; 1 waits, the first for 256.0 KiB, since # s.

            Who holds what
              heap      capacity   live       reserved  free       peak
              service   1.0 MiB    896.0 KiB  0 B       128.0 KiB  896.0 KiB
                tenant  512.0 KiB  0 B        0 B       512.0 KiB  0 B

            Who waits
              1. worker 1: 256.0 KiB on 'tenant', since # s; 128.0 KiB are missing in 'service'

            What would free 128.0 KiB in 'service'
              - garbage: what unreachable cycles hold is not known before it is collected
              - nothing else: nothing is reserved, and there is no cache, shrinker or group to give way;
                raise the capacity, or have the program let go of something
            """,
        )
        kept.clear()


def test_a_reservation_that_is_never_released_is_named_with_its_line() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    held = [heap.reserve("64 KiB") for _ in range(3)]
    assert "\n    3 reservations of 192.0 KiB, 0 B drawn, 192.0 KiB left, made at HERE\n" in plain(
        heap.explain()
    )
    held.pop()  # nobody refers to it now
    gc.collect()
    text = plain(heap.explain())
    assert "2 reservations of 128.0 KiB" in text
    assert "\nWhat has gone wrong so far\n  'service': 1 reservation dropped without being released" in text
    for reservation in held:
        reservation.release()


def test_a_reservation_that_was_drawn_from() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    reservation = heap.reserve("256 KiB")
    texts: list[str] = []
    reservation.run(heap, lambda: (block(128 << 10), texts.append(heap.explain())))
    [line] = [line.strip() for line in plain(texts[0]).splitlines() if "reservation of" in line]
    assert re.fullmatch(
        r"1 reservation of 256.0 KiB, 12[89].\d KiB drawn, 12[678].\d KiB left, made at HERE", line
    )


def test_a_reservation_above_is_held_in_the_limited_heaps_that_it_may_charge() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    tenant = Heap("512 KiB", name="tenant", parent=heap, slack=0)
    reservation = heap.reserve("128 KiB", also=(tenant,))
    text = heap.explain()
    assert "512.0 KiB  0 B   0 B        384.0 KiB  0 B   128.0 KiB held by reservations above" in text
    assert "calls under way, as they end: 128.0 KiB not drawn" in tenant.explain()
    reservation.release()


def test_a_killed_group_that_does_not_give_its_memory_back() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    kept: list[bytes] = []
    texts: list[str] = []

    def hang(_: Heap) -> None:
        texts.append(heap.explain())

    tenant = Heap(None, name="tenant", parent=heap, kill=hang)
    kept.append(tenant.run(block, 896 << 10))
    with waiting((heap, "512 KiB")):
        while not texts:
            time.sleep(0)
        during, after = plain(texts[0]), plain(heap.explain())
        kept.clear()
    assert "\n  - now at work, since # s: kill callback of heap 'tenant'\n" in during
    for text in (during, after):
        assert (
            "\n  - 'tenant', killed # s ago: it held 896.0 KiB, and still holds 896.0 KiB\n" in text + "\n"
        ), text
    assert "if it is killed" not in after
    assert (
        "What has gone wrong so far\n"
        "  1 killed in this tree so far, the last 'tenant', which held 896.0 KiB, for one who waited for 512.0 KiB"
    ) in after


def test_a_shrinker_that_is_at_work() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    kept = [heap.run(block, 896 << 10)]
    texts: list[str] = []

    @heap.shrinker
    def drop_pages(wanted: int) -> None:
        texts.append(heap.explain())
        kept.clear()

    assert "\n  - shrinker " in heap.explain()
    heap.reserve("512 KiB").release()
    assert re.search(r"\n  - now at work, since # s: shrinker .*drop_pages\n", plain(texts[0]))


def test_overruns_and_refusals_are_told() -> None:
    heap = Heap("1 MiB", name="service")

    @heap.call("4 KiB")
    def parse() -> int:
        return len([bytes(2000) for _ in range(4)])

    parse()
    with pytest.raises(MemoryError):
        heap.run(bytes, 2_000_000)
    text = heap.explain()
    assert "\n  'service': 1 allocation refused\n" in text
    assert re.search(
        r"\n  'service': 1 call beyond the bound, by 4\.\d KiB in all; the last: .*parse, 8\d\d\d bytes on 4096\n",
        text + "\n",
    )


def test_many_of_a_kind_are_cut_short() -> None:
    heap = Heap("64 MiB", name="service", slack=0)
    tenants = [Heap(None, name=f"tenant {n}", parent=heap, kill=print) for n in range(MOST + 10)]
    kept = [tenant.run(block, (n + 1) << 16) for n, tenant in enumerate(tenants)]
    text = heap.explain()
    assert len(kept) == len(tenants)
    assert text.count("may be killed\n") == MOST
    assert re.search(r"\n    \(10 smaller ones\) +3.4 MiB +0 B\n", text)
    assert "\n  - 10 more groups, if they are killed" in text
    assert len(text.splitlines()) < 60


def test_heaps_of_any_depth_are_cut_short() -> None:
    heap = bottom = Heap("1 MiB", name="top")
    for depth in range(2000):
        bottom = Heap(None, name=f"level {depth}", parent=bottom)
    block_below = bottom.run(block, 65536)
    lines = [line.strip() for line in heap.explain().splitlines()]
    at = lines.index(f"({2000 - DEEPEST} heaps below)")
    assert lines[at - 1].startswith(f"level {DEEPEST - 1} ")
    assert "64.0 KiB" in lines[at - 1]
    assert block_below


def test_many_waiters_are_cut_short() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    reservation = heap.reserve("1 MiB")
    with waiting(*[(heap, "64 KiB")] * (MOST + 3)):
        text = plain(heap.explain())
        reservation.release()
    assert f"{MOST + 3} wait, the first for 64.0 KiB" in text
    assert f"\n  {MOST}. worker {MOST}: 64.0 KiB" in text
    assert "\n  and 3 more, for 192.0 KiB\n" in text


def test_tasks_that_wait_are_named() -> None:
    heap = Heap("1 MiB", name="service", slack=0)

    async def request() -> None:
        async with heap.reserve("768 KiB"):
            pass

    async def main() -> str:
        reservation = heap.reserve("512 KiB")
        task = asyncio.create_task(heap.wrap(request()), name="GET /")
        while not heap.statistics().waiters:
            await asyncio.sleep(0)
        text = plain(heap.explain())
        reservation.release()
        await task
        return text

    waiter = r"\n  1\. task GET /: 768\.0 KiB on 'service', since # s; 256\.\d KiB are missing in 'service'\n"
    text = asyncio.run(main())
    assert re.search(waiter, text), text


def test_one_that_is_kept_back_for_others() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    reservation = heap.reserve("512 KiB")
    with waiting((heap, "768 KiB"), *[(heap, "640 KiB")] * 2):
        for _ in range(8):  # pass the first until it is not to be passed any more
            threading.Thread(target=lambda: heap.reserve("64 KiB").release()).start()
        while "passed by 8 that came later" not in heap.explain():
            time.sleep(0)
        with waiting((heap, "64 KiB")):
            text = plain(heap.explain())
            reservation.release()
    assert "64.0 KiB on 'service', since # s; there is room, which is kept for those before it" in text


def test_the_last_events_are_shown() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    kept = [heap.run(block, 896 << 10)]
    heap.shrinker(lambda _: kept.clear())
    heap.reserve("512 KiB").release()
    _, _, events = heap.explain().partition("\n\nThe last events (now is ")
    assert re.search(
        r"\n  \d+\.\d{3} service: shrinker .* was asked for 393216 bytes and gave 917504", events
    )


def test_an_unlimited_heap_says_so() -> None:
    heap = Heap(None, name="all")
    assert heap.explain().startswith("Heap 'all': no limit, 0 B live; nobody waits.\n")


def test_it_can_be_asked_inside_the_full_heap_and_costs_it_nothing() -> None:
    heap = Heap("1 MiB", name="service", slack=0)
    kept = [heap.run(block, 960 << 10), *(heap.run(bytes, 4096 - 33) for _ in range(16))]
    before = heap.statistics().allocations
    text = heap.run(heap.explain)
    assert text.startswith("Heap 'service': 0 B of 1.0 MiB are free")
    assert heap.statistics().allocations == before
    assert not heap.owns(text)
    kept.clear()
    heap.reserve("1 MiB").run(heap, heap.explain)
    assert heap.last_call() == (0, 0)
    assert heap.live == 0
