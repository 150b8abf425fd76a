"""The last events of a tree, as text: `hardtack.heap.black_box`."""

from __future__ import annotations

import gc
import logging
import signal
import subprocess
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from hardtack.errors import ReservationTimeout
from hardtack.heap import Heap
from hardtack.heap.black_box import EVENTS, LINE_BYTES, dump, note

if TYPE_CHECKING:
    from hardtack.heap.black_box import Ring


def texts(heap: Heap) -> list[str]:
    """The lines without their times."""
    return [line.partition(" ")[2] for line in heap.black_box()]


def test_a_heap_to_which_nothing_happened_has_no_lines(heap: Heap) -> None:
    assert heap.black_box() == []


def test_lines_begin_with_the_monotonic_time_and_the_name(heap: Heap) -> None:
    before = time.monotonic()
    note(heap, "something")
    [line] = heap.black_box()
    stamp, _, text = line.partition(" ")
    assert text == "test: something"
    assert before - 0.001 <= float(stamp) <= time.monotonic() + 0.001


def test_a_tree_has_one_box_and_another_tree_another(heap: Heap) -> None:
    child, other = Heap(None, name="child", parent=heap), Heap("1 MiB", name="other")
    note(child, "one")
    note(other, "two")
    note(heap, "three")
    assert texts(heap) == texts(child) == ["child: one", "test: three"]
    assert texts(other) == ["other: two"]


def test_the_last_1024_are_kept_the_oldest_first(heap: Heap) -> None:
    for number in range(EVENTS + 300):
        note(heap, str(number))
    assert EVENTS == 1024
    assert texts(heap) == [f"test: {number}" for number in range(300, EVENTS + 300)]


def test_a_line_is_one_line_and_not_too_long(heap: Heap) -> None:
    note(heap, "first\nsecond \udcff é" + "é" * 1000)
    [line] = heap.black_box()
    assert "test: first second ? é" in line
    assert "\n" not in line
    assert len(line.encode()) <= LINE_BYTES + 3  # the last character may have been cut in two


def test_it_costs_no_heap_anything(heap: Heap) -> None:
    text = "something that happens" * 3
    for _ in range(EVENTS + 100):
        heap.run(note, heap, text)
    assert (heap.peak, heap.statistics().allocations) == (0, 0)
    heap.reserve("64 KiB").run(heap, note, heap, text)
    assert heap.last_call() == (0, 0)


def test_a_full_heap_can_be_noted_and_read(heap: Heap) -> None:
    kept = []
    with heap.reserve("7 MiB"):
        kept.append(bytes(7_000_000))
    with pytest.raises(MemoryError), heap:
        kept.append(bytes(7_000_000))
    with heap:
        note(heap, "full")
        found = heap.black_box()
    assert found[-1].endswith("test: full")


def test_it_keeps_no_heap_alive() -> None:
    heap = Heap("1 MiB")
    note(heap, "something")
    ring: weakref.ref[Heap] = weakref.ref(heap)
    del heap
    assert ring() is None


def test_threads_do_not_write_over_each_other(heap: Heap) -> None:
    def write(number: int) -> None:
        for turn in range(100):
            note(heap, f"{number} {turn}")

    note(heap, "first")
    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"test: {number} {turn}" for number in range(8) for turn in range(100)}
    assert set(texts(heap)) == expected | {"test: first"}


def test_a_finalizer_may_note_in_the_middle_of_it(heap: Heap) -> None:
    class Noisy:
        def __del__(self) -> None:
            note(heap, "finalized")

    class Name(str):
        def __format__(self, spec: str) -> str:
            Noisy()
            return str(self)

    note(heap, Name("outer"))
    assert texts(heap) == ["test: finalized", "test: outer"]


def test_a_dump_is_one_record_of_what_was_not_logged_yet(
    heap: Heap, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "hardtack.heap"):
        note(heap, "one")
        note(heap, "two")
        dump(heap, "it is killed")
        dump(heap, "nothing before it")
    first, second = (record.getMessage() for record in caplog.records)
    lines = first.splitlines()
    assert lines[0] == "it is killed"
    assert lines[1].startswith("What led to it")
    assert [line.split(" ", 3)[3] for line in lines[2:]] == ["test: one", "test: two"]
    assert second == "nothing before it"
    assert texts(heap) == ["test: one", "test: two", "test: it is killed", "test: nothing before it"]


def test_what_nobody_listens_to_is_kept_for_the_next_dump(
    heap: Heap, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "hardtack.heap"):
        dump(heap, "a timeout", logging.DEBUG)
        assert not caplog.records
        dump(heap, "a kill")
    assert "test: a timeout" in caplog.text


def test_a_ring_has_room_for_lines_of_any_length(heap: Heap) -> None:
    note(heap, "")
    ring: Ring = heap._events
    assert len(ring) == EVENTS + 1
    assert sum(map(len, ring)) < EVENTS * LINE_BYTES


# -- what the heap itself writes down
def test_a_timeout_is_noted_and_logged_at_debug(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    reservation = heap.reserve("7 MiB")
    with caplog.at_level(logging.DEBUG, "hardtack.heap"), pytest.raises(ReservationTimeout):
        heap.reserve("2 MiB", timeout=0.3)
    reservation.release()
    begin, end = texts(heap)
    assert "waits for 2097152 bytes" in begin
    assert "2097152 bytes" in end
    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert "waits for 2097152 bytes" in record.getMessage()


def test_a_long_wait_is_noted_when_it_has_become_long_and_when_it_is_granted(heap: Heap) -> None:
    reservation = heap.reserve("7 MiB")
    waiting = threading.Thread(target=lambda: heap.reserve("2 MiB").release())
    waiting.start()
    while not heap.black_box():
        time.sleep(0.001)
    reservation.release()
    waiting.join()
    begin, end = texts(heap)
    assert "waits for 2097152 bytes" in begin
    assert "2097152 bytes" in end
    assert "granted" in end


def test_short_waits_do_not_push_out_what_matters(heap: Heap) -> None:
    note(heap, "what matters")
    for _ in range(20):
        reservation = heap.reserve("7 MiB")
        waiting = threading.Thread(target=lambda: heap.reserve("2 MiB").release())
        waiting.start()
        while waiting.is_alive() and not heap.statistics().waiters:
            time.sleep(0)
        reservation.release()
        waiting.join()
    assert len(texts(heap)) < 5  # a machine may stand still now and then
    assert heap.statistics().granted > 10


def test_a_kill_is_noted_and_logged_with_what_led_to_it(caplog: pytest.LogCaptureFixture) -> None:
    heap = Heap("8 MiB", name="service")
    kept: list[bytes] = []
    tenant = Heap(None, name="tenant", parent=heap, kill=lambda _: kept.clear())
    kept.append(tenant.run(bytes, 7_000_000))

    @heap.shrinker
    def in_vain(wanted: int) -> None:
        pass

    with caplog.at_level(logging.WARNING, "hardtack.heap"):
        heap.reserve("4 MiB").release()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    first, led, *events = record.getMessage().splitlines()
    assert first.startswith("killing heap 'tenant', which holds 70")
    assert led.startswith("What led to it")
    assert any("in_vain was asked for" in event and event.endswith("gave 0") for event in events)
    assert any("killing heap 'tenant', which holds 70" in text for text in texts(heap))


def test_overruns_and_leaks_are_noted(heap: Heap, caplog: pytest.LogCaptureFixture) -> None:
    @heap.call("4 KiB")
    def parse() -> int:
        return len([bytes(2000) for _ in range(4)])

    for _ in range(2):
        parse()
    heap.reserve("64 KiB")
    gc.collect()
    overrun, leak = texts(heap)
    assert "parse" in overrun
    assert "65536 bytes" in leak
    assert "test_black_box.py" in leak
    assert len(caplog.records) == 2


PANIC = """
from hardtack.heap import Heap
from hardtack.heap.black_box import EVENTS, note
heap = Heap("1 MiB", name="kernel", on_exhaustion="panic")
for number in range(EVENTS + 5):
    note(heap, f"event {number}")
with heap:
    kept = [bytes(1000) for _ in range(2000)]
"""


def test_a_panic_writes_the_last_events_the_oldest_first() -> None:
    done = subprocess.run([sys.executable, "-c", PANIC], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGABRT
    lines = [line for line in done.stderr.splitlines() if "kernel: event " in line]
    assert [int(line.rpartition(" ")[2]) for line in lines] == list(range(5, EVENTS + 5))
