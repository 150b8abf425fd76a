"""`hardtack ps` and `hardtack top`: tables of running kernels, for their own user alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from hardtack import Kernel, KernelError
from hardtack.runtime.inspection import directory, look_at_all

from .conftest import HARDTACK, CommandLine
from .terminal import Terminal


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield tmp_path / "hardtack"
    assert list((tmp_path / "hardtack").glob("*")) == []


@pytest.fixture
def busy() -> Iterator[Kernel]:
    with Kernel(heap="16 MiB", name="jobs") as kernel:
        for program, args in (
            ("/bin/sleeper", ["60"]),
            ("/bin/spin", []),
            ("/bin/sh", ["-c", "sleeper 60 | cat"]),
        ):
            kernel.spawn(program, args, stdin=subprocess.DEVNULL)
        kernel.run_turns(200)
        yield kernel


@pytest.mark.usefixtures("busy")
def test_processes_states_and_what_they_wait_for(cli: CommandLine) -> None:
    ending = cli("ps", "--json", "-")
    (table,) = json.loads(ending.stdout)
    assert (table["name"], table["host_pid"], table["capacity"]) == ("jobs", os.getpid(), 16 << 20)
    found = {(row["program"], row["state"], row["waits"]) for row in table["processes"]}
    assert found == {
        ("sleeper", "blocked", "clock"),
        ("spin", "runnable", ""),
        ("sh", "blocked", "child"),
        ("cat", "blocked", "pipe"),
    }
    assert all(row["live"] > 0 and row["memory"] > 0 for row in table["processes"])
    assert sum(row["live"] for row in table["processes"]) < table["live"]


@pytest.mark.usefixtures("busy")
def test_a_table_for_people(cli: CommandLine) -> None:
    title, headings, *rows = cli("ps", "jobs").stdout.splitlines()
    assert title.startswith(f"jobs (host pid {os.getpid()}): heap ")
    assert headings.split() == ["pid", "parent", "state", "program", "live", "bytes", "memory", "waits"]
    assert any(row.split()[2:4] == ["blocked", "sleeper"] and row.endswith("clock") for row in rows)


def test_a_programs_name_does_nothing_to_a_terminal(cli: CommandLine, tmp_path: Path) -> None:
    program = tmp_path / "a\x1b[2J\nb.wasm"
    program.write_bytes((resources.files("hardtack.programs") / "sleeper.wasm").read_bytes())
    with Kernel(heap="16 MiB", name="jobs") as kernel:
        kernel.spawn(program, ["60"], stdin=subprocess.DEVNULL)
        *_, row = cli("ps", "jobs").stdout.splitlines()
    assert row.split()[3] == "a?[2J?b"


def test_a_run_is_found_by_itself_while_it_lasts(cli: CommandLine) -> None:
    child = cli.start("run", "/bin/sh", "-c", "echo ready; sleeper 60", stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    ending = cli("ps", "sh")
    assert (ending.status, "sleeper" in ending.stdout) == (0, True)
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=60)
    ending = cli("ps", "sh")
    assert (ending.status, ending.stdout) == (1, "")
    assert ending.error == "hardtack: no kernel called 'sh' runs here; `hardtack ps` lists those that do"


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("given", [["--json", "-", "jobs"], ["--json=-", "jobs"], ["jobs", "--json", "-"]])
def test_json_goes_to_standard_output_for_a_dash(cli: CommandLine, given: list[str]) -> None:
    (table,) = json.loads(cli("ps", *given).stdout)
    assert table["name"] == "jobs"


@pytest.mark.usefixtures("busy")
def test_json_goes_to_a_file(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("ps", "--json", f"{tmp_path}/ps", "jobs").stdout == ""
    assert cli("top", "--json", f"{tmp_path}/top", "--count", "2", "--interval", "0.05").stdout == ""
    (table,) = json.loads((tmp_path / "ps").read_text())
    looks = [json.loads(line) for line in (tmp_path / "top").read_text().splitlines()]
    assert [table["name"], *(each["name"] for look in looks for each in look)] == ["jobs"] * 3


def test_top_of_a_kernel_that_is_not_there(cli: CommandLine) -> None:
    ending = cli("top", "--count", "1", "nosuch")
    assert (ending.status, ending.stdout) == (1, "")
    assert ending.error.startswith("hardtack: no kernel called 'nosuch' runs here")


def test_what_a_killed_kernel_left_is_removed(cli: CommandLine, place: Path) -> None:
    child = cli.start("run", "/bin/sh", "-c", "echo ready; sleeper 60", stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.kill()
    child.communicate(timeout=60)
    assert len(list(place.iterdir())) == 1
    assert cli("ps").stdout == ""
    assert list(place.iterdir()) == []


def test_only_a_kernel_with_a_name_is_seen() -> None:
    with Kernel(heap="16 MiB"), Kernel(heap="16 MiB", name="a"), Kernel(heap="16 MiB", name="a"):
        assert [table.name for table in look_at_all()] == ["a", "a"]
    assert look_at_all() == []


@pytest.mark.parametrize("name", ["", "a/b", "..\0", "x" * 61, "a b"])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(KernelError, match="cannot be a kernel's name"):
        Kernel(heap="16 MiB", name=name)
    directory()


def test_a_directory_that_is_open_to_others_is_not_used(place: Path, cli: CommandLine) -> None:
    directory()
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    with pytest.raises(KernelError, match="is not this user's alone"):
        Kernel(heap="16 MiB", name="a")
    assert cli("ps").error.endswith("is not this user's alone; kernels are not looked for there")
    assert cli("run", "/bin/echo", "runs").stdout == "runs\n"  # only nobody can look at it


def test_who_asks_and_reads_nothing_holds_up_nobody(busy: Kernel, place: Path) -> None:
    import socket

    (path,) = place.iterdir()
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(path))
        assert len(look_at_all()) == 1
        assert busy.run("/bin/echo", ["on"]).stdout == b"on\n"


@pytest.mark.usefixtures("busy")
def test_top_looks_again_and_again(cli: CommandLine) -> None:
    ending = cli("top", "--json", "-", "--count", "3", "--interval", "0.05")
    looks = [json.loads(line) for line in ending.stdout.splitlines()]
    assert [[table["name"] for table in look] for look in looks] == [["jobs"]] * 3


@pytest.mark.usefixtures("busy")
def test_top_on_a_terminal_ends_at_ctrl_c() -> None:
    terminal = Terminal("top", "--interval", "0.1")
    for _ in range(3):
        terminal.until("sleeper")
    terminal.type("\x03")
    assert terminal.end() == 0


def test_top_ends_when_nobody_reads() -> None:
    child = subprocess.Popen(
        [HARDTACK, "top", "--interval", "0.05", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(60) == 1
    assert child.stderr is not None
    assert child.stderr.read() == b""
    child.stderr.close()
