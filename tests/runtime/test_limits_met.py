"""Each limit of a program: what the guest meets, what the host is told, what remains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from hardtack import Kernel, KernelError, Limits, ProgramError, Result


@pytest.fixture(scope="module")
def shared() -> Iterator[Kernel]:
    with Kernel(heap="64 MiB") as kernel:
        yield kernel


@pytest.fixture
def kernel(shared: Kernel) -> Iterator[Kernel]:
    before = shared.statistics()
    yield shared
    shared.check()
    after = shared.statistics()
    assert (after.processes, after.memory) == (0, before.memory)


def run(kernel: Kernel, program: str, *args: str, **limits: object) -> Result:
    return kernel.run(f"/bin/{program}", args, limits=Limits(**limits))  # type: ignore[arg-type]


def test_a_program_within_its_limits_meets_none(kernel: Kernel):
    result = run(
        kernel, "echo", "hi",
        heap="1 MiB", memory="4 MiB", table_elements=1000, cpu=10, wall=10, descriptors=10, output=100,
        disk=0, processes=1,
    )  # fmt: skip
    assert (result.exit_code, result.stdout, result.limit, result.limits_met) == (0, b"hi\n", None, ())
    assert result.usage.cpu_seconds is not None
    assert 0 < result.usage.cpu_seconds < 10


# -- limits that kill
@pytest.mark.parametrize("hog", ["fdhog", "pipehog", "forkbomb"])
def test_a_tree_is_killed_before_it_holds_more_of_the_heap(kernel: Kernel, hog: str):
    result = run(kernel, hog, heap="1 MiB")
    assert (result.exit_code, result.limit, result.limits_met) == (137, "heap", ("heap",))
    assert result.usage.heap_peak <= 1 << 20
    assert "heap limit" in str(result.killed)
    assert "1048576" in str(result.killed)
    assert kernel.statistics().kills == ()  # nobody else was looked at


def test_a_hog_beyond_its_heap_leaves_a_bystander_alone(kernel: Kernel):
    bystander = kernel.spawn("/bin/cat", stdin=b"x" * 100_000)
    assert run(kernel, "fdhog", heap="2 MiB").limit == "heap"
    assert bystander.wait().exit_code == 0


def test_processor_time_ends_a_spinning_guest_within_20_ms_of_it(kernel: Kernel):
    overruns = []
    for _ in range(5):
        result = run(kernel, "spin", cpu=0.05)
        assert (result.exit_code, result.limit) == (137, "cpu")
        assert str(result.killed).startswith("cpu limit: it used 0.05")
        assert result.usage.cpu_seconds is not None
        overruns.append(result.usage.cpu_seconds - 0.05)
    assert min(overruns) >= 0
    assert sorted(overruns)[2] < 0.02


def test_processor_time_is_that_of_the_whole_tree(kernel: Kernel):
    result = run(kernel, "sh", "-c", "yes | cat | wc", cpu=0.2)
    assert result.limit == "cpu"


def test_sleep_takes_no_processor_time(kernel: Kernel):
    assert run(kernel, "sleeper", "1", cpu=0.5).exit_code == 0


@pytest.mark.parametrize("program", [("sleeper", "60"), ("spin",), ("sh", "-c", "sleeper 60 | cat")])
def test_wall_time_ends_whoever_sleeps_or_spins(kernel: Kernel, program: tuple[str, ...]):
    result = run(kernel, *program, wall=0.2)
    assert (result.exit_code, result.limit) == (137, "wall")
    assert result.killed == "wall limit: it had not ended after 0.2 s"
    assert 0.2 <= result.usage.seconds < 5


def test_wall_time_ends_a_program_that_nobody_waits_for(kernel: Kernel):
    sleeper = kernel.spawn("/bin/sleeper", ["60"], limits=Limits(wall=0.1))
    assert run(kernel, "sleeper", "1").exit_code == 0
    assert not sleeper.running
    assert sleeper.wait().limit == "wall"


def test_each_program_has_a_wall_time_of_its_own(kernel: Kernel):
    first = kernel.spawn("/bin/sleeper", ["60"], limits=Limits(wall=0.4))
    second = kernel.spawn("/bin/sleeper", ["60"], limits=Limits(wall=0.1))
    assert second.wait().usage.seconds < first.wait().usage.seconds


def test_who_waits_for_ever_is_told_so_before_the_wall_time_is_over(kernel: Kernel):
    """A shell whose first program never reads: nobody will ever wake the second."""
    started = time.monotonic()
    result = kernel.run(_reads_itself(), limits=Limits(wall=60))
    assert time.monotonic() - started < 30
    assert result.limit is None
    assert "deadlock" in str(result.killed)


def test_a_timeout_names_the_wall_time(kernel: Kernel):
    result = kernel.run("/bin/sleeper", ["60"], timeout=0.1)
    assert (result.limit, result.limits_met) == ("wall", ("wall",))


# -- limits that refuse
def test_a_guest_without_descriptors_meets_emfile(kernel: Kernel):
    result = run(kernel, "fdhog", descriptors=50)
    assert (result.exit_code, result.limit, result.limits_met) == (1, None, ("descriptors",))
    assert b"No file descriptors available" in result.stdout


def test_a_guest_without_memory_meets_enomem(kernel: Kernel):
    result = run(kernel, "memhog", memory="20 MiB")
    assert (result.exit_code, result.limit, result.limits_met) == (1, None, ("memory",))
    assert b"Out of memory" in result.stdout
    assert result.usage.memory_peak <= 20 << 20


def test_a_tree_shares_its_memory(kernel: Kernel):
    result = run(kernel, "sh", "-c", "true | true | true", memory="3 MiB")
    assert result.limits_met == ("memory",)


def test_a_writer_beyond_its_output_meets_enospc(kernel: Kernel):
    result = run(kernel, "yes", output="64 KiB")
    assert (result.limit, result.limits_met, result.truncated) == (None, ("output",), True)
    assert len(result.stdout) == 65536
    assert b"No space left on device" in result.stderr


def test_a_writer_to_a_file_of_the_hosts_meets_enospc(kernel: Kernel, tmp_path: Path):
    with (tmp_path / "output").open("wb") as file:
        result = kernel.run("/bin/yes", stdout=file.fileno(), limits=Limits(output="64 KiB"))
    assert (result.limit, result.limits_met, result.truncated) == (None, ("output",), True)
    assert (tmp_path / "output").stat().st_size == 65536


def test_a_writer_of_files_beyond_its_disk_meets_enospc(kernel: Kernel):
    result = run(kernel, "filehog", disk="1 MiB")
    assert (result.limit, result.limits_met) == (None, ("disk",))
    assert b"No space left on device" in result.stdout
    kernel.remove_file("/filehog")


def test_a_file_that_the_host_put_there_grows_no_further_than_the_disk(kernel: Kernel):
    kernel.write_file("/given", bytes(3 << 20))
    before = kernel.statistics().files.live
    result = run(kernel, "sh", "-c", "yes >> /given", disk="2 MiB")
    assert (result.limit, result.limits_met) == (None, ("disk",))
    assert 1 << 20 < kernel.statistics().files.live - before <= 2 << 20
    kernel.remove_file("/given")


@pytest.mark.parametrize("hog", ["cat < /dev/zero > /disk/f", "cp /dev/zero /disk/f", "filehog"])
def test_a_writer_to_the_durable_disk_meets_the_same_limit(tmp_path: Path, hog: str):
    with Kernel(heap="16 MiB", disk=tmp_path / "fs.db", disk_name="/disk") as kernel:
        result = run(kernel, "sh", "-c", hog, disk="2 MiB", wall=60)
        assert (result.limit, result.limits_met) == (None, ("disk",))
        assert (tmp_path / "fs.db").stat().st_size < 4 << 20


def test_a_tree_with_all_its_processes_meets_eagain(kernel: Kernel):
    result = run(kernel, "sh", "-c", "true | true; echo $?", processes=2)
    assert (result.limit, result.limits_met) == (None, ("processes",))


def test_a_fork_bomb_has_no_more_processes_than_its_limit(kernel: Kernel):
    process = kernel.spawn("/bin/forkbomb", limits=Limits(processes=5))
    kernel.run_turns(100)
    assert kernel.statistics().processes == 5
    process.kill()
    assert process.wait().limits_met == ("processes",)


def test_a_table_does_not_grow_beyond_its_elements(kernel: Kernel):
    result = kernel.run(_grows_a_table(1), limits=Limits(table_elements=1000))
    assert (result.exit_code, result.usage.memory_peak < 4 << 20) == (1000 >> 4, True)


def test_a_table_may_be_given_more_elements_than_usual(kernel: Kernel):
    assert kernel.run(_grows_a_table(1), limits=Limits(table_elements=70_000)).exit_code == 70_000 >> 4
    assert kernel.run(_grows_a_table(1)).exit_code == 65536 >> 4


def test_a_table_that_begins_too_large_is_not_started(kernel: Kernel):
    result = kernel.run(_grows_a_table(2000), limits=Limits(table_elements=1000))
    assert (result.exit_code, result.limit) == (127, "table_elements")
    assert "2000 elements, the limit is 1000" in str(result.failure)


@pytest.mark.parametrize(("limit", "size"), [("memory", "1 MiB"), ("heap", "100 KiB")])
def test_what_cannot_start_within_a_limit_is_refused_with_both_figures(kernel: Kernel, limit: str, size: str):
    with pytest.raises(ProgramError, match=rf"{limit} limit: .*\(\d+ bytes\).*\(\d+ bytes\)") as caught:
        run(kernel, "true", **{limit: size})
    assert caught.value.limit == limit


def test_no_process_at_all_is_refused(kernel: Kernel):
    with pytest.raises(KernelError, match="cannot be started"):
        run(kernel, "true", processes=0)


# -- whose limits
def test_a_kernels_limits_are_those_of_each_program():
    with Kernel(heap="16 MiB", limits=Limits(wall=0.1, output=10)) as kernel:
        assert kernel.run("/bin/sleeper", ["60"]).limit == "wall"
        assert kernel.run("/bin/echo", ["x" * 20]).limits_met == ("output",)
        assert kernel.run("/bin/echo", ["x" * 20], limits=Limits(output=100)).limits_met == ()


def test_a_full_kernel_names_the_heap():
    with Kernel(heap="4 MiB") as kernel:
        assert kernel.run("/bin/fdhog").limit == "heap"


def _grows_a_table(minimum: int) -> bytes:
    """A program that grows a table by one element as long as it can; it exits with a 16th of the elements."""
    return bytes(
        wasmtime.wat2wasm(
            f"""(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (table $table {minimum} funcref)
            (func (export "_start")
              (loop $again (br_if $again
                (i32.ge_s (table.grow $table (ref.null func) (i32.const 1)) (i32.const 0))))
              (call $exit (i32.shr_u (table.size $table) (i32.const 4)))))"""
        )
    )


def _reads_itself() -> bytes:
    """A program that reads from a pipe of its own which nobody writes to."""
    return bytes(
        wasmtime.wat2wasm(
            """(module
            (import "posix" "pipe" (func $pipe (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
              (drop (call $pipe (i32.const 0)))
              (i32.store (i32.const 16) (i32.const 64))
              (i32.store (i32.const 20) (i32.const 8))
              (drop (call $read (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 32)))))"""
        )
    )
