"""What breaks its word is named: overruns are logged once a call site, and raise on a strict heap; leaks are logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import BoundExceeded
from hardtack.heap import Heap, Overrun, _native, overruns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _forget_what_was_logged() -> Iterator[None]:
    before = set(overruns._logged)
    overruns._logged.clear()
    yield
    overruns._logged.clear()
    overruns._logged.update(before)


def overrunning(size: int) -> bytes:
    return bytes(size)


WAYS: dict[str, Callable[[Heap], object]] = {
    "admit": lambda heap: heap.admit(heap, 1000, overrunning, 20_480 - 33),
    "run": lambda heap: heap.reserve(1000).run(heap, overrunning, 20_480 - 33),
    "call": lambda heap: heap.call(1000)(overrunning)(20_480 - 33),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_overrun_is_logged_once_with_both_figures(
    way: str, heap: Heap, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert WAYS[way](heap) is not None
    assert heap.overruns == 3
    [record] = caplog.records
    assert (record.name, record.levelno) == ("hardtack.heap", logging.WARNING)
    line = overrunning.__code__.co_firstlineno
    assert f"overrunning ({__file__}:{line}) used 20480 bytes" in record.getMessage()
    assert "19480 more than the 1000 it had reserved" in record.getMessage()


def test_each_call_site_is_logged(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with heap.reserve(1000):
            kept = bytes(20_000)
        with heap.reserve(1000):
            kept = bytes(20_000)
    assert kept
    lines = [record.getMessage().partition(")")[0].rpartition(":")[2] for record in caplog.records]
    first = test_each_call_site_is_logged.__code__.co_firstlineno
    assert lines == [str(first + 2), str(first + 4)]


def test_the_memory_of_what_was_logged_is_bounded(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(overruns.MAX_SITES + 10):
        overruns.report_overrun(heap, "call", f"file:{number}", 1, 2)
    assert len(caplog.records) == len(overruns._logged) == overruns.MAX_SITES


def test_logging_is_done_outside_every_heap(heap: Heap) -> None:
    seen: list[tuple[bool, bool]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            thing = bytes(1000)
            seen.append((heap.owns(thing), outer.owns(thing)))

    outer = Heap("1 MiB")
    handler = Handler()
    logging.getLogger("hardtack.heap").addHandler(handler)
    try:
        with outer:
            heap.admit(heap, 1000, overrunning, 20_000)
            heap.reserve_nowait(1000)
    finally:
        logging.getLogger("hardtack.heap").removeHandler(handler)
    assert seen == [(False, False)] * 2


def test_a_handler_that_raises_harms_nobody(
    heap: Heap, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    logger = logging.getLogger("hardtack.heap")

    def strike(record: logging.LogRecord) -> bool:
        raise ZeroDivisionError

    logger.addFilter(strike)
    try:
        assert heap.admit(heap, 1000, overrunning, 20_000)
        heap.reserve_nowait(1000)
    finally:
        logger.removeFilter(strike)
    assert len(unraisable) == 2
    assert (heap.overruns, heap.reserved, heap.statistics().leaked) == (1, 0, 1)


# ---------------------------------------------------------------- strict


@pytest.fixture
def strict() -> Iterator[Heap]:
    heap = Heap("8 MiB", name="strict", strict=True)
    yield heap
    heap.check()
    assert heap.reserved == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_strict_heap_raises_at_the_end_of_the_call(way: str, strict: Heap) -> None:
    with pytest.raises(
        BoundExceeded,
        match="overrunning allocated 20480 bytes at its peak and had reserved 1000 on heap 'strict'",
    ):
        WAYS[way](strict)
    assert strict.last_overrun == Overrun("overrunning", 1000, 20_480)
    assert strict.live == 0  # the result is gone


def test_a_strict_heap_raises_at_the_end_of_a_with(strict: Heap) -> None:
    done = []
    with pytest.raises(BoundExceeded), strict.reserve(1000):
        done.append(len(bytes(20_000)))
    assert done == [20_000]


def test_an_exception_that_is_on_its_way_goes_on(strict: Heap) -> None:
    def fails() -> None:
        kept = bytes(20_000)
        divmod(len(kept), 0)

    with pytest.raises(ZeroDivisionError):
        strict.admit(strict, 1000, fails)
    with pytest.raises(ZeroDivisionError), strict.reserve(1000):
        fails()
    with pytest.raises(ZeroDivisionError):
        strict.call(1000)(fails)()
    assert strict.overruns == 3


def test_a_strict_heap_raises_at_the_end_of_a_coroutine(strict: Heap) -> None:
    async def overruns_async(fail: bool) -> bytes:
        kept = bytes(20_000)
        return kept[: 100 // (not fail)]

    def run(fail: bool) -> None:
        _native.Coroutine(overruns_async(fail), strict.reserve(1000)).send(None)

    with pytest.raises(BoundExceeded, match="overruns_async"):
        run(fail=False)
    with pytest.raises(ZeroDivisionError):
        run(fail=True)
    assert strict.overruns == 2


def test_a_call_inside_another_raises_for_itself(strict: Heap) -> None:
    def inner() -> bytes:
        return bytes(5000)

    def outer() -> str:
        try:
            strict.call(1000)(inner)()
        except BoundExceeded:
            return "told"
        return "not told"

    assert strict.call(50_000)(outer)() == "told"
    assert strict.overruns == 1


def test_calls_within_their_bounds_do_not_raise(strict: Heap) -> None:
    assert strict.call(10_000)(overrunning)(5000)
    with strict.reserve(10_000):
        bytes(5000)
    assert strict.overruns == 0


# ---------------------------------------------------------------- leaks and sites


def test_a_leak_is_logged_with_the_line_that_made_it(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    heap.reserve_nowait(1000)
    line = test_a_leak_is_logged_with_the_line_that_made_it.__code__.co_firstlineno + 1
    [record] = caplog.records
    assert record.getMessage() == (
        f"heap 'test': a reservation of 1000 bytes, made at {__file__}:{line}, was dropped without being released"
    )
    assert (record.name, record.levelno, heap.statistics().leaked) == ("hardtack.heap", logging.WARNING, 1)


def test_a_leak_in_an_admitted_call_is_logged(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    def leaks() -> None:
        heap.reserve_nowait(100)

    heap.admit(heap, 10_000, leaks)
    assert "was dropped" in caplog.text
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_sites_say_who_made_a_reservation(heap: Heap) -> None:
    here = test_sites_say_who_made_a_reservation.__code__.co_firstlineno
    first = heap.reserve(1000)
    second = heap.reserve_nowait(2000)
    assert [first.site, second.site] == [f"{__file__}:{here + 2}", f"{__file__}:{here + 3}"]
    assert heap._reservations() == [(2000, 2000, 0, second.site), (1000, 1000, 0, first.site)]
    first.release()
    rows = heap.admit(heap, 10_000, heap._reservations)
    assert [row[0] for row in rows] == [10_000, 2000]
    assert "_reservations" in rows[0][3]
    second.release()
    assert heap._reservations() == []


def test_a_reservation_that_was_waited_for_names_who_asked(heap: Heap) -> None:
    thing = heap.run(bytes, 5_000_000)

    class Cycle:
        def __init__(self, thing: bytes) -> None:
            self.me = self
            self.thing = thing

    Cycle(thing)
    del thing
    with heap.reserve(heap.possible - 2_000_000, timeout=20) as reservation:
        site = reservation.site
    line = test_a_reservation_that_was_waited_for_names_who_asked.__code__.co_firstlineno + 10
    assert site == f"{__file__}:{line}"


def test_children_are_listed(heap: Heap) -> None:
    assert heap._children() == []
    first, second = Heap(None, parent=heap), Heap("1 MiB", parent=heap)
    below = Heap(None, parent=first)
    assert sorted(heap._children(), key=id) == sorted([first, second], key=id)
    assert first._children() == [below]
    kept = second.run(bytes, 1000)  # its books live on, the heap does not
    del second
    assert heap._children() == [first]
    del kept, first
    assert len(heap._children()) == 1  # held by the one below it
    del below
    assert heap._children() == []
