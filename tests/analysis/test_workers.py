"""Processes that share pieces of work."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from hardtack.analysis.workers import Workers

pytestmark = pytest.mark.skipif(not Workers.can_be(), reason="something in this process has threads")


def test_makes_every_piece_once_in_processes_of_their_own() -> None:
    made = dict(Workers(2, lambda number: (number * number, os.getpid()), os.getpid).results(50))
    assert {number: square for number, (square, _) in made.items()} == {n: n * n for n in range(50)}
    assert os.getpid() not in {pid for _, pid in made.values()}


def test_takes_what_is_greater_than_a_pipe_holds() -> None:
    made = dict(Workers(2, lambda number: bytes(1_000_000 + number), int).results(4))
    assert [len(made[number]) for number in range(4)] == [1_000_000 + number for number in range(4)]


def test_brings_what_each_process_leaves() -> None:
    workers = Workers(2, lambda number: number, os.getpid)
    list(workers.results(10))
    assert len(set(workers.left)) == 2


def test_goes_on_without_a_process_that_failed() -> None:
    def make(number: int) -> int:
        if number == 3:
            raise ValueError
        return number

    made = dict(Workers(2, make, int).results(20))
    assert 3 not in made
    assert all(number == value for number, value in made.items())


def test_its_processes_end_with_whoever_asks_no_further() -> None:
    pids = []

    def make(number: int) -> int:
        if number:
            signal.pause()
        return os.getpid()

    for _, pid in Workers(1, make, int).results(2):
        pids.append(pid)
        break
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_cannot_be_beside_a_thread() -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert not Workers.can_be()
    finally:
        go.set()
        thread.join()
