"""The limits, in each face that runs programs: the result or the error names the one that was met.

tests/cli/test_limits.py has them as options of the command line.
"""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from hardtack import (
    AsyncKernel,
    Kernel,
    Limits,
    ProgramError,
    PythonSession,
    Result,
    SessionEnded,
    run_python,
)
from hardtack.lab.hostile import GUESTS, USUAL, Guest

# What meets each limit, which must be the only one that it meets.
MEETS = {
    "heap": "open-files",
    "memory": "grow-slowly",
    "table_elements": "large-table",
    "cpu": "yield",
    "wall": "sleep",
    "descriptors": "descriptor-limit",
    "output": "stdout",
    "disk": "one-file",
    "processes": "zombies",
}
PYTHON = {  # CPython has no processes, and a table that does not grow
    "memory": ("bytearray(1 << 30)", Limits(memory="64 MiB")),
    "cpu": ("while True: pass", Limits(cpu=0.2)),
    "wall": ("import time; time.sleep(60)", Limits(wall=0.5)),
    "descriptors": ("files = [open('/main.py') for _ in range(1000)]", Limits(descriptors=20)),
    "heap": ("files = [open('/main.py') for _ in range(100_000)]", Limits(heap="512 KiB")),
    "output": ("while True: print('x' * 1000)", Limits(output="64 KiB")),
    "disk": ("open('/main.py', 'ab').write(bytes(1 << 21))", Limits(disk="1 MiB")),
}
COMPILING = {"compile_memory": Limits(compile_memory="1 MiB"), "compile_cpu": Limits(compile_cpu=0.01)}
ENDS = {"heap", "cpu", "wall", "table_elements"}  # the others refuse, and the program goes on


def check(limit: str, result: Result) -> None:
    assert result.limits_met == (limit,)
    assert result.limit == (limit if limit in ENDS else None)


def limits_of(guest: Guest) -> Limits:
    return guest.limits.with_defaults(USUAL)


@pytest.mark.parametrize("limit", MEETS)
def test_each_limit_names_itself(limit: str):
    guest = GUESTS[MEETS[limit]]
    with Kernel(heap="16 MiB") as kernel:
        check(limit, kernel.run(guest.module(), limits=limits_of(guest)))
        check(limit, kernel.spawn(guest.module(), limits=limits_of(guest)).wait())
    with Kernel(heap="16 MiB", limits=limits_of(guest)) as kernel:
        check(limit, kernel.run(guest.module()))


def test_each_limit_names_itself_to_a_task():
    async def main() -> None:
        async with AsyncKernel(heap="16 MiB") as kernel:
            for limit, name in MEETS.items():
                guest = GUESTS[name]
                check(limit, await kernel.run(guest.module(), limits=limits_of(guest)))

    asyncio.run(main())


@pytest.mark.parametrize("limit", PYTHON)
def test_each_limit_that_python_can_meet_names_itself(limit: str):
    code, limits = PYTHON[limit]
    check(limit, run_python(code, limits=limits))


@pytest.mark.parametrize("limit", PYTHON)
def test_each_limit_that_a_session_can_meet_names_itself_in_its_call(limit: str):
    code, limits = PYTHON[limit]
    with PythonSession(limits=limits) as session:
        assert session.run("pass", files={"/main.py": b""}).limits_met == ()
        if limit in ENDS:
            with pytest.raises(SessionEnded, match=f"{limit} limit") as caught:
                session.run(code)
            check(limit, caught.value.result)
        else:
            check(limit, session.run(code))
            assert session.run("files = None").limits_met == ()


@pytest.mark.parametrize("limit", COMPILING)
def test_a_limit_of_compilation_is_named_by_its_error(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path))  # so that it is not compiled yet
    body = "(drop (i32.load (i32.const 0)))" * 20_000
    program = bytes(wat2wasm(f'(module (memory (export "memory") 1) (func {body}) (func (export "_start")))'))

    async def run() -> None:
        async with AsyncKernel(heap="16 MiB") as kernel:
            await kernel.run(program, limits=COMPILING[limit])

    with Kernel(heap="16 MiB", limits=COMPILING[limit]) as kernel:
        for face in (
            lambda: kernel.run(program),
            lambda: kernel.spawn(program),
            lambda: run_python(program.hex(), python=_file(tmp_path, program), limits=COMPILING[limit]),
            lambda: asyncio.run(run()),
        ):
            with pytest.raises(ProgramError, match=f"{limit} limit: it takes more than") as caught:
                face()
            assert caught.value.limit == limit


def test_no_limit_is_left_out():
    assert {field.name for field in fields(Limits)} == MEETS.keys() | COMPILING.keys()


def _file(folder: Path, program: bytes) -> Path:
    path = folder / "program.wasm"
    path.write_bytes(program)
    return path
