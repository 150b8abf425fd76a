"""What a kernel gets from outside: a virtual one is the same each time, and takes no time to sleep."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from hardtack import Kernel, KernelError, Limits
from hardtack.kernel import abi
from hardtack.runtime.outside import (
    BEGINNING,
    Outside,
    Trace,
    Virtual,
    VirtualClock,
    read_to_the_end,
    write_all,
)
from hardtack.runtime.worker import Job, Worker

FAMILY = ["-c", "mail ann 20 & sleeper 2; cat | wc; ls /; echo end | cat; sleeper 3"]


def traced(outside: Outside, path: Path | None = None) -> Outside:
    outside.trace = Trace(path)
    return outside


def test_the_same_turns_each_time_in_one_process() -> None:
    digests = set()
    for _ in range(3):
        outside = traced(Virtual(7))
        with Kernel(heap="16 MiB", outside=outside) as kernel:
            result = kernel.run("/bin/sh", FAMILY, stdin=b"a b\n")
            assert (result.exit_code, kernel.statistics().heap.overruns) == (0, 0)
            kernel.check()
        assert outside.trace is not None
        digests.add(outside.trace.digest())
    assert len(digests) == 1


def test_a_full_heap_kills_at_the_same_call_whatever_the_interpreter_has_freed_before() -> None:
    """Lists that CPython keeps for the next ones: what is made of them is charged to nobody."""

    def run(freed: int) -> tuple[int, str]:
        outside = traced(Virtual(0))
        lists: list[list[None]] = [[] for _ in range(freed)]
        del lists
        with Kernel(heap="4 MiB", outside=outside) as kernel:
            lists = [[] for _ in range(freed)]
            del lists
            assert kernel.run("/bin/fdhog").killed
        assert outside.trace is not None
        return outside.trace.calls, outside.trace.digest()

    run(0)  # what is made once in a process is made
    assert run(0) == run(80)


def test_a_full_heap_kills_at_the_same_call_however_late_its_caller_falls_asleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a caller makes on its way there comes from lists that its kernel uses too, if that has begun."""
    begin = Worker.begin

    def run(seconds: float) -> tuple[int, str]:
        def begin_late(worker: Worker, job: Job) -> None:
            begin(worker, job)
            time.sleep(seconds)
            assert [(number, [], {}, number * 1.5) for number in range(3)]

        monkeypatch.setattr(Worker, "begin", begin_late)
        outside = traced(Virtual(0))
        with Kernel(heap="4 MiB", outside=outside) as kernel:
            assert kernel.run("/bin/fdhog").killed
        assert outside.trace is not None
        return outside.trace.calls, outside.trace.digest()

    assert len({run(0), run(0.02), run(0.1), run(0.15)}) == 1


def test_what_strikes_a_caller_before_it_sleeps_may_use_the_kernel_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = Worker.begin
    with Kernel(heap="4 MiB", outside=Virtual(0)) as kernel:

        def begin_and_ask(worker: Worker, job: Job) -> None:
            begin(worker, job)
            monkeypatch.setattr(Worker, "begin", begin)
            assert kernel.run("/bin/echo", ["inner"]).stdout == b"inner\n"  # as a signal's handler would

        monkeypatch.setattr(Worker, "begin", begin_and_ask)
        assert kernel.run("/bin/echo", ["outer"]).stdout == b"outer\n"


def test_a_trace_has_a_line_for_each_call(tmp_path: Path) -> None:
    outside = traced(Virtual(0), tmp_path / "t")
    with Kernel(heap="16 MiB", outside=outside) as kernel:
        kernel.run("/bin/echo", ["hi"])
    outside.close()
    lines = [line.split() for line in (tmp_path / "t").read_text().splitlines()]
    assert outside.trace is not None
    assert len(lines) == outside.trace.calls
    assert ["1", "fd_write", "0"] in [line[1:] for line in lines]
    assert all(len(line) == 4 for line in lines)


def test_who_sleeps_an_hour_takes_no_time_and_a_wall_limit_is_virtual() -> None:
    began = time.monotonic()
    with Kernel(heap="16 MiB", outside=Virtual(0)) as kernel:
        assert kernel.run("/bin/sleeper", ["3600"]).usage.seconds >= 3600
        late = kernel.run("/bin/sleeper", ["3600"], limits=Limits(wall=60))
        assert (late.limit, late.exit_code) == ("wall", 137)
        assert (
            kernel.run("/bin/sleeper", ["3600"], timeout=60).killed == "timeout: it had not ended after 60 s"
        )
    assert time.monotonic() - began < 60


def test_input_is_read_first_and_output_is_waited_for() -> None:
    reading, writing = os.pipe()
    echo = subprocess.Popen(["sh", "-c", "sleep 0.2; printf later"], stdout=subprocess.PIPE)
    assert echo.stdout is not None
    with Kernel(heap="16 MiB", outside=Virtual(0)) as kernel, echo.stdout:
        kernel.run("/bin/cat", stdin=echo.stdout.fileno(), stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert file.read() == b"later"
    echo.wait(60)


def test_virtual_time_passes_by_looks_and_never_goes_back() -> None:
    clock = VirtualClock()
    looks = [clock.monotonic() for _ in range(100)]
    assert looks == sorted(set(looks))
    assert clock.realtime() > BEGINNING
    before = clock.peek()
    assert clock.peek() == before
    clock.advance(10**15)
    assert clock.peek() == before + 10**15


def test_random_bytes_are_the_seeds() -> None:
    assert Virtual(1).random(100) == Virtual(1).random(100) != Virtual(2).random(100)


def test_what_cannot_be_read_or_written() -> None:
    reading, writing = os.pipe()
    with pytest.raises(KernelError, match="standard input: Bad file descriptor"):
        read_to_the_end(writing)
    os.close(reading)
    assert write_all(writing, memoryview(b"x")) == -abi.EPIPE
    os.close(writing)
    assert write_all(writing, memoryview(b"x")) == -abi.EIO
