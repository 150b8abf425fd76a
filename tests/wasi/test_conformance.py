"""One program, two hosts: each case of cases/*.c prints the same under wasmtime's WASI and under hardtack.

`python tests/wasi/test_conformance.py CASE...` prints what wasmtime answers, for who writes the kernel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import differs
import guest
import pytest
import reference

if TYPE_CHECKING:
    from hardtack import Kernel

ENVIRONMENT = {"HOME": "/", "EMPTY": "", "SHIP": "hardtack=biscuit"}


@pytest.fixture(scope="session")
def wasm() -> Path:
    return guest.compiled()


def test_the_list_is_that_of_the_sources(wasm: Path) -> None:
    listed = reference.run(wasm, ["--list"])
    assert listed.stdout.decode().split() == guest.case_names()


def test_no_case_is_there_twice() -> None:
    names = guest.case_names()
    assert len(names) == len(set(names))


def test_an_unknown_case_is_wrong_use(wasm: Path) -> None:
    assert reference.run(wasm, ["no-such-case"]).exit_code == 2


@pytest.mark.parametrize("name", guest.case_names())
def test_the_reference_repeats_itself(wasm: Path, name: str) -> None:
    first, second = (reference.run(wasm, [name], ENVIRONMENT) for _ in range(2))
    assert first == second
    assert first.stdout
    assert b"the case cannot go on" not in first.stdout


@pytest.mark.parametrize("name", differs.CASES)
def test_hardtack_differs_where_the_table_says_so_and_as_it_says(wasm: Path, name: str) -> None:
    from hardtack import Kernel
    from hardtack.kernel.system_calls import DIFFERS

    case = differs.CASES[name]
    assert set(case.calls) <= set(DIFFERS)
    expected = reference.run(wasm, [name], ENVIRONMENT)
    with Kernel(heap="64MiB") as kernel:
        found = kernel.run(wasm, args=[name], env=ENVIRONMENT, timeout=60)
    assert found.stdout.decode().splitlines() == case.stdout.splitlines()
    assert found.exit_code == case.exit_code
    assert expected.stdout != found.stdout


def test_every_difference_is_shown() -> None:
    from hardtack.kernel.system_calls import DIFFERS

    cases = [*differs.CASES.values(), *differs.ON_THE_HOST.values()]
    assert {call for case in cases for call in case.calls} == DIFFERS.keys() - differs.ON_SOCKETS


@pytest.mark.parametrize("name", [name for name in guest.case_names() if name not in differs.CASES])
def test_hardtack_answers_as_wasmtime_does(wasm: Path, name: str) -> None:
    from hardtack import Kernel

    expected = reference.run(wasm, [name], ENVIRONMENT)
    kernel = Kernel(heap="64MiB")
    found = kernel.run(wasm, args=[name], env=ENVIRONMENT, timeout=60)
    assert found.stdout.decode().splitlines() == expected.stdout.decode().splitlines()
    assert found.exit_code == expected.exit_code


@pytest.mark.parametrize(
    ("name", "storage"),
    [(name, "disk") for name in guest.case_names()]
    + [(name, "host") for name in guest.case_names() if name not in differs.ON_THE_HOST],
)
def test_other_file_systems_answer_as_wasmtime_does(
    wasm: Path, name: str, storage: str, tmp_path: Path
) -> None:
    expected = reference.run(wasm, [name], ENVIRONMENT)
    case = differs.CASES.get(name)
    with on(storage, tmp_path) as kernel:
        found = kernel.run(wasm, args=[name], env=ENVIRONMENT, timeout=60)
    lines = (expected.stdout.decode() if case is None else case.stdout).splitlines()
    found_lines = found.stdout.decode().splitlines()
    if storage == "host":
        lines, found_lines = (
            [line for line in all_ if differs.as_on_the_host(name, line)] for all_ in (lines, found_lines)
        )
        assert lines
    assert found_lines == lines
    assert found.exit_code == (expected if case is None else case).exit_code


@pytest.mark.parametrize("name", differs.ON_THE_HOST)
def test_a_directory_of_the_host_differs_where_that_is_said(wasm: Path, name: str, tmp_path: Path) -> None:
    from hardtack.kernel.system_calls import DIFFERS

    case = differs.ON_THE_HOST[name]
    assert set(case.calls) <= set(DIFFERS)
    with on("host", tmp_path) as kernel:
        found = kernel.run(wasm, args=[name], env=ENVIRONMENT, timeout=60)
    assert (found.exit_code, found.stdout.decode()) == (case.exit_code, case.stdout)


@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("storage", ["memory", "disk", "host"])
def test_random_calls_are_answered_as_by_wasmtime(
    wasm: Path, seed: int, storage: str, tmp_path: Path
) -> None:
    environment = {"SEED": str(seed)} | ({} if storage == "host" else {"UPWARD": "1"})
    expected = reference.run(wasm, ["random_calls"], environment).stdout.decode().splitlines()
    with on(storage, tmp_path) as kernel:
        found = kernel.run(wasm, args=["random_calls"], env=environment, timeout=60)
    assert found.stdout.decode().splitlines() == expected
    assert len(expected) > 100


@pytest.mark.parametrize("storage", ["disk", "host"])
def test_their_root_is_what_the_cases_run_on(storage: str, tmp_path: Path) -> None:
    from hardtack.errors import KernelError

    with on(storage, tmp_path) as kernel:
        assert kernel.run("/bin/sh", ["-c", "echo ship > /file"]).exit_code == 0
        assert kernel.run("/bin/cat", ["/file"]).stdout == b"ship\n"
        assert kernel.run("/bin/ls", ["/proc/self/fd"]).exit_code != 0  # that is in memory
        with pytest.raises(KernelError, match="no such file"):
            kernel.read_file("/file")


def on(storage: str, path: Path) -> Kernel:
    """Make a kernel whose first preopened directory, "/", is on a kind of storage: descriptor 3."""
    from hardtack import Kernel
    from hardtack.kernel.descriptions import close

    if storage == "memory":
        return Kernel(heap="64MiB")
    if storage == "disk":
        kernel = Kernel(heap="64MiB", disk=path / "fs.db", disk_name="/")
    else:
        (path / "root").mkdir()
        kernel = Kernel(heap="64MiB", dirs={"/": path / "root"})
    in_memory, other = kernel._system.preopens
    kernel._system.preopens = (other,)
    close(in_memory)
    return kernel


if __name__ == "__main__":
    for case in sys.argv[1:] or guest.case_names():
        result = reference.run(guest.compiled(), [case], ENVIRONMENT)
        print(f"### {case}: exit code {result.exit_code}\n{result.stdout.decode()}")
