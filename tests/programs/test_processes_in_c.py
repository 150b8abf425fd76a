"""Real programs that fork: what they were built for works, and what a bomb of them does harms nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from hardtack import Kernel

BUILT = Path(__file__).parents[2] / "src" / "hardtack" / "programs"
GUEST = """
(module
  (import "posix" "fork" (func $fork (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (call $fork (i32.const 0)))))
"""


@pytest.fixture(scope="module")
def kernel():
    with Kernel(heap="64 MiB", memory="8 GiB") as made:
        yield made
        made.check()
        assert made.statistics().processes == 0
        assert made.statistics().heap.overruns == 0


def test_forks_and_waits_in_sequence_leave_nothing(kernel):
    before = kernel.statistics().heap.live
    result = kernel.run("/bin/forktime", ["300"], timeout=60)
    assert (result.exit_code, result.stderr) == (0, b"")
    assert kernel.statistics().heap.live - before < 2_000
    assert kernel.statistics().memory == 0


def test_a_fork_with_ten_thousand_descriptors_and_a_thousand_processes_beside(kernel):
    result = kernel.run("/bin/forktime", ["20", "10000", "1000"], timeout=60)
    assert (result.exit_code, result.stderr) == (0, b"")


def test_a_program_that_was_not_built_for_it_meets_enotsup(kernel):
    assert kernel.run(bytes(wasmtime.wat2wasm(GUEST))).exit_code == 58


def test_programs_lie_in_memory_and_in_a_directory_of_the_host(tmp_path):
    hello = (BUILT / "hello.wasm").read_bytes()
    (tmp_path / "program.wasm").write_bytes(hello)
    with Kernel(heap="16 MiB", dirs={"/host": tmp_path}) as kernel:
        script = "/memory; /host/program.wasm; cd /host; ./program.wasm | cat; exec /memory"
        result = kernel.run("/bin/sh", ["-c", script], files={"/memory": hello}, timeout=60)
        assert (result.stdout, result.stderr) == (b"hello, world\n" * 4, b"")
        kernel.check()


def test_a_file_that_would_take_long_to_compile_is_not_started_unless_the_host_has_done_that(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path / "cache"))
    functions = "".join(f"(func (result i32) (i32.const {i}))" for i in range(70_000))
    large = bytes(
        wasmtime.wat2wasm(f'(module (memory (export "memory") 1) {functions} (func (export "_start")))')
    )
    with Kernel(heap="16 MiB", dirs={"/host": tmp_path}) as kernel:
        (tmp_path / "large").write_bytes(large)
        assert kernel.run("/bin/env", ["/host/large"], timeout=60).exit_code == 126
        assert kernel.run(large, timeout=60).exit_code == 0
        assert kernel.run("/bin/env", ["/host/large"], timeout=60).exit_code == 0
