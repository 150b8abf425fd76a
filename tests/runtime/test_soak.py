"""What outlives its use: nothing. Hogs in sequence, kernels in sequence; heap, descriptors and mappings."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardtack import Kernel, Limits, Result

RUNS = [10, pytest.param(200, marks=pytest.mark.slow)]
WARM_UP = 3  # runs until caches are filled: compiled programs, one empty span a block size
OUT_OF_MEMORY = "out of memory: its group held most of the kernel's heap"


@dataclass(frozen=True)
class Hog:
    program: str
    arguments: tuple[str, ...] = ()
    timeout: float = 60  # a net for those that end by themselves, the end of those that do not
    killed: str | None = None
    exit_code: int = 137
    says: str = ""
    memory: str = "1 GiB"  # of its kernel
    heap: str = "16 MiB"

    def check(self, result: Result) -> None:
        assert (result.killed, result.exit_code) == (self.killed, self.exit_code), result
        assert self.says in result.stdout.decode() + result.stderr.decode() + str(result.failure)


TIMEOUT = "timeout: it had not ended after 0.05 s"
HOGS = (
    Hog("fdhog", killed=OUT_OF_MEMORY),
    Hog("filehog", exit_code=1, says="then No space left on device"),
    Hog("forkbomb", killed=OUT_OF_MEMORY, heap="2 MiB"),  # a larger one is full after the user memory
    Hog("pipehog", killed=OUT_OF_MEMORY),
    Hog("memhog", exit_code=1, says="then Out of memory", memory="32 MiB"),
    Hog("recurse", exit_code=134, says="call stack exhausted"),
    Hog("yes", exit_code=1, says="yes: write: No space left on device"),
    Hog("spin", timeout=0.05, killed=TIMEOUT),
    Hog("sleeper", ("60",), timeout=0.05, killed=TIMEOUT),
    Hog("mail", ("ann", "100"), exit_code=0, says="done, delivered 100"),
)


OUTPUT = Limits(output="64 KiB")


def run(kernel: Kernel, hog: Hog) -> None:
    """Run a hog to its end and take away what it has left behind: its files, which outlive it."""
    hog.check(kernel.run(f"/bin/{hog.program}", hog.arguments, timeout=hog.timeout, limits=OUTPUT))
    for path in {"fdhog": ["/fdhog"], "filehog": ["/filehog", "/filehog.1"]}.get(hog.program, []):
        kernel.remove_file(path)


M_ARENA_MAX = -8  # malloc.h


@pytest.fixture(autouse=True, scope="module")
def no_more_arenas() -> None:
    """Have the host's own allocator make none: threads that meet in it get new ones, two mappings each."""
    assert ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1) == 1


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    with Kernel(heap="16 MiB") as made:
        yield made


def live(kernel: Kernel) -> int:
    kernel.check()
    for _ in range(2):  # the kernel's thread lets go of the last thing that it did when it does the next
        gc.collect()  # and what it lets go of may stay in CPython's free lists
        statistics = kernel.statistics()
    return statistics.heap.live


def host_descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def host_mappings() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


@pytest.mark.parametrize("hog", HOGS, ids=lambda hog: hog.program)
def test_a_hog_ends_in_its_kill_or_an_errno(hog: Hog) -> None:
    with Kernel(heap=hog.heap, memory=hog.memory) as kernel:
        run(kernel, hog)
        assert kernel.run("/bin/echo", ["well"]).stdout == b"well\n"
        assert kernel.statistics().heap.overruns == 0
        assert kernel.statistics().memory == 0
        kernel.check()


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("hog", HOGS, ids=lambda hog: hog.program)
def test_runs_in_sequence_leave_nothing(hog: Hog, runs: int) -> None:
    with Kernel(heap=hog.heap, memory=hog.memory) as kernel:
        check_that_runs_leave_nothing(kernel, hog, runs)


def count_on(kernel: Kernel) -> None:
    """Have what counts for ever go on from where its numbers grow no more.

    CPython keeps those to 256 ready-made, and from 2**30 on they take a digit more.
    """
    kernel._scheduler.turns += 1000
    kernel._system.memory.ladder.collections += 1000
    kernel._system.waits += 1000
    kernel._system.run_queue._groups.floor += 1 << 30


def check_that_runs_leave_nothing(kernel: Kernel, hog: Hog, runs: int) -> None:
    count_on(kernel)
    for _ in range(WARM_UP):
        run(kernel, hog)
    before, descriptors, mappings = live(kernel), host_descriptors(), host_mappings()
    for _ in range(runs):
        run(kernel, hog)
    assert live(kernel) == before
    assert kernel.statistics().memory == 0
    assert kernel.statistics().processes == 0
    assert kernel.statistics().heap.leaked == 0
    assert host_descriptors() == descriptors
    assert host_mappings() <= mappings + 2  # the host's own allocator may take one at any time


def test_what_a_hog_held_is_free_again(kernel: Kernel) -> None:
    for hog in HOGS:
        if hog.program not in {"memhog", "forkbomb"}:  # which would take all of a large memory
            run(kernel, hog)
    statistics = kernel.statistics()
    assert statistics.heap.live < 64 * 1024
    assert statistics.heap.reserved == 0
    assert statistics.files.live < 8 * 1024


def test_files_that_are_gone_are_nobodys(kernel: Kernel) -> None:
    def held_after(name: str, messages: int) -> int:
        process = kernel.spawn("/bin/mail", [name, str(messages)])
        assert process._process is not None
        owner = process._process.group.owner
        assert process.wait().exit_code == 0
        return owner.held

    assert held_after("ann", 1) > 0  # the spool and her directory in it
    assert held_after("bob", 3000) == held_after("cid", 1)


def test_kernels_in_sequence_leave_nothing(tmp_path: Path) -> None:
    def use() -> int:
        with Kernel(heap="16 MiB", dirs={"/d": tmp_path}) as kernel:
            kernel.run(
                "/bin/sh",
                ["-c", "mail ann 10 | wc; echo hi > /d/f; cat /d/f"],
                files={"/big": bytes(100_000)},
            )
            kernel.spawn("/bin/sleeper", ["60"])  # still there when the kernel is closed
            heap = kernel._system.heap
        del kernel
        gc.collect()
        return heap.live

    for _ in range(5):  # until what CPython makes once for the process is made
        use()
    descriptors, mappings, resident = host_descriptors(), host_mappings(), resident_bytes()
    assert [use() for _ in range(50)] == [0] * 50
    assert host_descriptors() == descriptors
    assert host_mappings() <= mappings + 2
    assert resident_bytes() < resident + (4 << 20)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
