"""Streams of running programs: both ways, back-pressure, caps, what an end and an exception leave."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from hardtack import Kernel, KernelError, Limits, Process
from hardtack.kernel.host_pipes import CAPACITY
from hardtack.runtime.streams import InputStream, OutputStream
from hardtack.runtime.worker import wait_for

PIPE = subprocess.PIPE


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    with Kernel(heap="16 MiB") as made:
        yield made
        made.check()
        assert made.statistics().processes == 0
        assert made._system.host_pipes == 0


def cat(kernel: Kernel) -> tuple[Process, InputStream, OutputStream]:
    process = kernel.spawn("/bin/cat", stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    return process, process.stdin, process.stdout


def test_a_program_answers_while_it_runs(kernel: Kernel):
    process, stdin, stdout = cat(kernel)
    for word in (b"hard", b"tack"):
        assert stdin.write(word) == 4
        assert stdout.read() == word
    stdin.close()
    assert stdout.read() == b""
    assert process.wait().exit_code == 0


def test_a_read_takes_no_more_than_it_asks_for(kernel: Kernel):
    process, stdin, stdout = cat(kernel)
    stdin.write(b"biscuit")
    assert [stdout.read(3), stdout.read(3), stdout.read(3)] == [b"bis", b"cui", b"t"]
    with pytest.raises(ValueError, match="at least one byte"):
        stdout.read(0)
    process.kill()
    process.wait()


def test_a_writer_waits_until_it_is_read(kernel: Kernel):
    process = kernel.spawn("/bin/yes", stdout=PIPE)
    assert process.stdout is not None
    held = -1
    while held < len(process._outputs[0]._data):  # type: ignore[attr-defined]
        held = len(process._outputs[0]._data)  # type: ignore[attr-defined]
        kernel.run_turns(2)
    assert CAPACITY - 2 <= held <= CAPACITY
    kernel.run_turns(5)
    assert len(process._outputs[0]._data) == held  # type: ignore[attr-defined]
    got = b""
    while len(got) < 3 * CAPACITY:
        got += process.stdout.read()
    assert got == b"y\n" * (len(got) // 2)
    process.stdout.close()
    assert b"Broken pipe" in process.wait().stderr


def test_a_write_waits_until_it_is_read(kernel: Kernel):
    process = kernel.spawn("/bin/sleeper", ["1"], stdin=PIPE)
    assert process.stdin is not None
    assert process.stdin.write(bytes(CAPACITY)) == CAPACITY
    with pytest.raises(BrokenPipeError):  # the sleeper has ended and never read
        process.stdin.write(b"more")
    assert process.wait().exit_code == 0


def test_megabytes_go_through_both_ways(kernel: Kernel):
    process, stdin, stdout = cat(kernel)
    data = bytes(range(256)) * 12_000

    def feed() -> None:
        stdin.write(data)
        stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert b"".join(stdout) == data
    feeder.join()
    assert process.wait().exit_code == 0


def test_both_outputs_are_apart(kernel: Kernel):
    process = kernel.spawn("/bin/sh", ["-c", "echo out; nothing-of-this-name"], stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"".join(process.stdout) == b"out\n"
    assert b"nothing-of-this-name" in b"".join(process.stderr)
    result = process.wait()
    assert (result.stdout, result.stderr) == (b"", b"")


def test_a_tree_shares_a_stream(kernel: Kernel):
    process = kernel.spawn("/bin/sh", ["-c", "cat | cat | wc -c"], stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(bytes(100_000))
    process.stdin.close()
    assert b"".join(process.stdout).strip() == b"100000"
    assert process.wait().exit_code == 0


def test_output_has_a_cap_where_one_is_given(kernel: Kernel):
    process = kernel.spawn("/bin/yes", stdout=PIPE, limits=Limits(output=150_000))
    assert process.stdout is not None
    assert len(b"".join(process.stdout)) == 150_000
    result = process.wait()
    assert (result.truncated, result.limits_met) == (True, ("output",))


def test_what_was_written_can_be_read_after_the_end_and_after_the_kernels(kernel: Kernel):
    process = kernel.spawn("/bin/echo", ["last words"], stdout=PIPE)
    assert process.wait().exit_code == 0
    assert process.stdout is not None
    assert process.stdout.read(5) == b"last "
    kernel.close()
    assert process.stdout.read() == b"words\n"
    assert process.stdout.read() == b""


def test_streams_of_programs_that_have_ended_keep_nothing_in_the_heap(kernel: Kernel):
    kernel.run("/bin/echo")
    kept = []

    def live() -> int:
        gc.collect()
        return kernel.statistics().heap.live

    for _ in range(20):
        process, stdin, _ = cat(kernel)
        stdin.write(b"x" * 1000)
        stdin.close()
        process.wait()
        kept.append(process)
        if len(kept) == 5:
            before = live()
    assert live() - before < 15 * 16


def test_nothing_is_written_to_what_has_ended_or_was_closed(kernel: Kernel):
    process, stdin, _ = cat(kernel)
    stdin.close()
    stdin.close()
    with pytest.raises(KernelError, match="closed"):
        stdin.write(b"x")
    process.wait()
    other, stdin, _ = cat(kernel)
    other.kill()
    with pytest.raises(BrokenPipeError):
        stdin.write(b"x")
    other.wait()


def test_a_close_of_the_kernel_ends_who_reads(kernel: Kernel):
    _, _, stdout = cat(kernel)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(stdout.read()))
    reader.start()
    kernel.run("/bin/true")
    kernel.close()
    reader.join(60)
    assert got == [b""]


def test_a_wall_limit_ends_who_waits_for_the_host(kernel: Kernel):
    process = kernel.spawn("/bin/cat", stdin=PIPE, limits=Limits(wall=0.2))
    assert process.wait().limit == "wall"


def test_threads_wait_for_streams_and_ends_at_once(kernel: Kernel):
    process, stdin, stdout = cat(kernel)
    results = []
    waiter = threading.Thread(target=lambda: results.append(process.wait()))
    waiter.start()
    for number in range(50):
        stdin.write(b"%d" % number)
        assert stdout.read() == b"%d" % number
    stdin.close()
    waiter.join(60)
    assert results[0].exit_code == 0


class Struck(Exception):
    pass


def test_an_exception_while_a_read_waits_loses_nothing(kernel: Kernel):
    def strike(*_: object) -> None:
        if sys._getframe(1).f_code is wait_for.__code__:
            raise Struck

    process = kernel.spawn("/bin/sh", ["-c", "yes | cat"], stdout=PIPE)
    assert process.stdout is not None
    before = signal.signal(signal.SIGALRM, strike)
    got, struck = b"", 0
    signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
    try:
        while len(got) < 500_000 or struck < 3:
            try:
                piece = process.stdout.read(999)
            except Struck:
                struck += 1
            else:
                got += piece
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    process.kill()
    process.wait()
    assert got == (b"y\n" * len(got))[: len(got)]


def test_a_stream_is_for_spawn(kernel: Kernel):
    with pytest.raises(ValueError, match="PIPE is for spawn"):
        kernel.run("/bin/cat", stdin=PIPE)
