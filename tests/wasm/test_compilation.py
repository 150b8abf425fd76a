"""Compilation: what is cheap here, all else in a child with limits, and nothing left of what failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_children import children
from wasmtime import wat2wasm

from hardtack import Kernel, Limits, ProgramError
from hardtack.wasm.binary import compile_cost
from hardtack.wasm.compilation import CompileLimits, Uncompiled
from hardtack.wasm.modules import CHEAP_COST, ModuleCache

EXIT_7 = """(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (func (export "_start") (call $exit (i32.const 7)))"""


def dear(fields: str = EXIT_7, *, rounds: int = 2000) -> bytes:
    """A program that is not cheap to compile, and not dear either."""
    body = "(drop (i32.load (i32.const 0)))" * rounds
    return bytes(wat2wasm(f'(module {fields} (memory (export "memory") 1) (func {body}))'))


def bomb(width: int, loops: int) -> bytes:
    """A chain of loops that hand on as many values; its compilation takes memory by the square of its length."""
    values = " ".join(["i32"] * width)
    chain = "(loop (type $t) (br_if 0 (i32.const 0)))" * loops
    return bytes(
        wat2wasm(
            f"""(module (type $t (func (param {values}) (result {values}))) (memory (export "memory") 1)
            (func (export "_start") {"(i32.const 0)" * width} {chain} {"drop " * width}))"""
        )
    )


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def kernel(directory: Path) -> Iterator[Kernel]:
    with Kernel(heap="16 MiB") as made:
        made.run("/bin/true")
        yield made
    assert children() == []
    assert not list(directory.glob(".new-*"))


# -- where
def test_what_is_cheap_is_compiled_here(host, tmp_path):
    data = bytes(wat2wasm('(module (memory (export "memory") 1) (func (export "_start")))'))
    assert compile_cost(data) < CHEAP_COST
    ModuleCache(host.engine, tmp_path).load(data, may_compile=False)


def test_what_is_not_needs_a_child(host, tmp_path):
    for data in (dear(), bomb(16, 300), bomb(200, 100)):
        assert len(data) < 20_000
        assert compile_cost(data) > CHEAP_COST
        with pytest.raises(Uncompiled):
            ModuleCache(host.engine, tmp_path).load(data, "p", may_compile=False)


def test_the_dearest_that_counts_as_cheap_takes_no_second(host):
    """The worst that is known: chains of loops with parameters, as long as they may be."""
    for width in (1, 4, 16, 64):
        loops = max(n for n in range(1, 800) if compile_cost(bomb(width, n)) <= CHEAP_COST)
        started = time.process_time()
        host.engine.compile(bomb(width, loops))
        assert time.process_time() - started < 2


def test_a_child_compiles_what_runs_then(kernel: Kernel):
    assert kernel.run(dear()).exit_code == 7


def test_what_a_child_compiled_is_on_disk(kernel: Kernel, host, directory: Path):
    assert kernel.run(dear()).exit_code == 7
    with Kernel(heap="16 MiB") as other:
        assert other._modules.load(dear(), may_compile=False).name == "program"


def test_without_a_cache_a_child_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HARDTACK_CACHE", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Kernel(heap="16 MiB") as kernel:
        assert kernel.run(dear()).exit_code == 7
        assert kernel.run(dear()).exit_code == 7
    assert not list(tmp_path.iterdir())


def test_an_invalid_program_is_told_as_ever(kernel: Kernel):
    data = dear()[:1000] + b"\xff" + dear()[1001:]
    with pytest.raises(ProgramError, match="program is not a valid WebAssembly module: ") as caught:
        kernel.run(data)
    assert caught.value.limit is None
    assert "\n" not in str(caught.value)


def test_two_processes_compile_the_same_program_at_once(directory: Path, tmp_path: Path):
    program = tmp_path / "dear.wasm"
    program.write_bytes(dear())
    script = f"from hardtack import Kernel; print(Kernel().run({str(program)!r}).exit_code)"
    started = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(3)]
    assert [child.communicate()[0] for child in started] == [b"7\n"] * 3
    assert not list(directory.glob(".new-*"))


def test_threads_compile_the_same_program_at_once(kernel: Kernel):
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(kernel.run(dear()).exit_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [7] * 4


def test_other_programs_run_while_one_is_compiled(kernel: Kernel):
    kernel.run("/bin/true")  # compiled before, for it takes as long as a good part of the other one
    compiler = threading.Thread(target=lambda: kernel.run(dear(rounds=50_000)))
    compiler.start()
    ran = 0
    while compiler.is_alive():
        assert kernel.run("/bin/true").exit_code == 0
        ran += 1
    assert ran > 3


# -- limits
def test_a_bomb_of_memory_is_refused_by_name(kernel: Kernel):
    data = bomb(1000, 1000)
    assert len(data) < 20_000
    with pytest.raises(ProgramError, match=r"compile_memory limit: it takes more than 300.0 MiB") as caught:
        kernel.run(data, limits=Limits(compile_memory="300 MiB"))
    assert caught.value.limit == "compile_memory"


def test_a_bomb_of_time_is_refused_by_name(kernel: Kernel):
    with pytest.raises(ProgramError, match="compile_cpu limit: it takes more than 1 s") as caught:
        kernel.run(bomb(1000, 400), limits=Limits(compile_cpu=1, compile_memory="16 GiB"))
    assert caught.value.limit == "compile_cpu"


@pytest.mark.parametrize("cpu", [0, 0.05])
def test_a_part_of_a_second_is_a_limit_too(kernel: Kernel, cpu: float):
    with pytest.raises(ProgramError, match=rf"compile_cpu limit: it takes more than {cpu} s"):
        kernel.run(bomb(1000, 400), limits=Limits(compile_cpu=cpu, compile_memory="16 GiB"))


def test_a_compiler_that_the_host_kills_met_no_limit(kernel: Kernel):
    def kill() -> None:
        while not (found := children()):
            time.sleep(0.001)
        os.kill(int(found[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ProgramError, match="the host killed its compiler") as caught:
        kernel.run(bomb(1000, 400))
    killer.join()
    assert caught.value.limit is None


def test_limits_beyond_what_a_system_has_are_none(kernel: Kernel):
    assert kernel.run(dear(), limits=Limits(compile_cpu=1e30, compile_memory=1 << 62)).exit_code == 7


@pytest.mark.parametrize("arguments", [{"limits": Limits(wall=0.3)}, {"timeout": 0.3}])
def test_wall_time_covers_compilation(kernel: Kernel, arguments: dict[str, object]):
    started = time.monotonic()
    with pytest.raises(ProgramError, match=r"wall limit: it was not done after 0.3 s") as caught:
        kernel.run(bomb(1000, 400), **arguments)  # type: ignore[arg-type]
    assert caught.value.limit == "wall"
    assert 0.3 <= time.monotonic() - started < 5


def test_a_limit_too_small_for_the_compiler_itself_is_named(kernel: Kernel):
    with pytest.raises(ProgramError) as caught:
        kernel.run(dear(), limits=Limits(compile_memory="1 MiB"))
    assert caught.value.limit == "compile_memory"


def test_a_refused_program_can_be_had_with_more(kernel: Kernel):
    with pytest.raises(ProgramError):
        kernel.run(dear(), limits=Limits(wall=0))
    assert kernel.run(dear()).exit_code == 7


# -- interrupts
class Struck(Exception):
    pass


def test_an_exception_from_outside_ends_the_compilation_and_leaves_nothing(kernel: Kernel):
    def strike(*_: object) -> None:
        raise Struck

    before = signal.signal(signal.SIGALRM, strike)
    try:
        for delay in (0.001, 0.03, 0.1, 0.3, 0.6):
            signal.setitimer(signal.ITIMER_REAL, delay)
            with pytest.raises(Struck):
                kernel.run(bomb(1000, 400))
            assert children() == []
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_stop_before_the_start_starts_nothing(host, tmp_path):
    cache = ModuleCache(host.engine, tmp_path)
    compilation = cache.compilation(Uncompiled(dear(), "p", "digest"), CompileLimits())
    compilation.stop()
    with pytest.raises(ProgramError, match="p cannot be compiled: it was stopped"):
        compilation.run()
    assert not list(tmp_path.glob(".new-*"))
