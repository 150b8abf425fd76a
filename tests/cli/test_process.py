"""The process that the command line is: closed streams, streams that cannot be written, Ctrl-C at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import HARDTACK, Ending, children_of, is_alive

STREAMS = {"<&-": 0, ">&-": 1, "2>&-": 2}


def shell(command: str, cwd: Path | None = None) -> Ending:
    """Run a line of shell in which `hardtack` is the command; output is buffered, as it is in a pipe."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["PATH"] = f"{HARDTACK.parent}:{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=environment,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return Ending(done.returncode, done.stdout, done.stderr)


# -- streams that are closed
@pytest.mark.parametrize("policy", ["reserve", "fail"])
@pytest.mark.parametrize("closed", [*STREAMS, "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_empty_and_takes_everything(policy: str, closed: str) -> None:
    ending = shell(
        f"echo in | hardtack run --on-exhaustion {policy} /bin/sh -c 'cat; echo out; nope' {closed}"
    )
    said = {0: "in\n", 1: "out\n", 2: "sh: nope: not found\n"}
    for redirection, fd in STREAMS.items():
        if redirection in closed.split():
            said[fd] = ""
    if ">&-" in closed.split():
        said[0] = ""
    assert (ending.status, ending.stdout, ending.stderr) == (127, said[0] + said[1], said[2])


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_no_file_of_ours_gets_a_closed_streams_number(closed: str, tmp_path: Path) -> None:
    command = f"exec {HARDTACK} run --dir {tmp_path} /bin/sh -c 'echo ready; sleeper 60' {closed}"
    child = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"ready\n"
    for redirection in closed.split():
        assert os.readlink(f"/proc/{child.pid}/fd/{STREAMS[redirection]}") == os.devnull
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    child.stdin.close()
    child.stdout.close()


def test_a_file_for_stdin_does_not_become_a_closed_stream(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("content")
    assert shell("hardtack run --stdin in /bin/cat <&-", tmp_path).stdout == "content"
    (tmp_path / "in").write_text("")
    assert shell("hardtack run --stdin in /bin/echo hi >&-", tmp_path) == Ending(0, "", "")
    assert (tmp_path / "in").read_text() == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_what_we_say_ourselves_is_lost_in_a_closed_stream(closed: str) -> None:
    assert shell(f"hardtack --version {closed}").status == 0
    ending = shell(f"hardtack run no-such\xff.wasm {closed}")
    assert ending.status == 1
    assert (ending.stderr == "") == ("2>&-" in closed)


# -- streams that cannot be written
FULL = [
    "--version",
    "--help",
    "run --help",
    pytest.param("demo", marks=pytest.mark.slow),
    pytest.param("bench calls --rounds 1", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("arguments", FULL)
def test_output_that_cannot_be_written_is_told(arguments: str) -> None:
    ending = shell(f"hardtack {arguments} >/dev/full")
    assert (ending.status, ending.error) == (1, "hardtack: standard output: No space left on device")


def test_a_program_is_told_that_the_hosts_disk_is_full() -> None:
    ending = shell("hardtack run /bin/echo hi >/dev/full")
    assert (ending.status, ending.error) == (1, "echo: write: No space left on device")


def test_output_that_is_not_buffered_and_cannot_be_written_is_told() -> None:
    ending = shell("PYTHONUNBUFFERED=1 hardtack --version >/dev/full")
    assert (ending.status, ending.error) == (1, "hardtack: standard output: No space left on device")


@pytest.mark.parametrize("arguments", [["--version"], ["run", "--help"]])
def test_nobody_is_told_that_the_reader_of_the_output_is_gone(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [HARDTACK, *arguments], stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [("", 2), ("walk", 2), ("run no-such.wasm", 1), ("--version", 0), ("run --timeout 0.1 /bin/spin", 137)],
)
def test_errors_that_cannot_be_told_leave_the_status(arguments: str, status: int) -> None:
    assert shell(f"hardtack {arguments} 2>/dev/full").status == status


def test_nobody_can_be_told_anything() -> None:
    assert shell("hardtack --version >/dev/full 2>/dev/full").status == 1


# -- Ctrl-C
STARTED = """
import os, sys
from hardtack.cli import main, process
process.exit_at_interrupt()  # as main begins: on a busy machine it may be long until then
os.write(1, b"r")
sys.exit(main())
"""
MOMENTS = [
    0.001,
    0.003,
    0.01,
    0.02,
    0.03,
    0.05,
    0.1,
    0.2,
    0.3,
]  # seconds after the start, guests running in the end
INTERRUPTED = 130


def interrupted_after(seconds: float, *arguments: str, group: bool = False) -> tuple[int, bytes, list[int]]:
    """Run the command line, send it SIGINT after a time; return its status, what it said, and its children.

    A terminal sends it to the whole group, children included; `kill` does not.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", STARTED, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert os.read(child.stdout.fileno(), 1) == b"r"
    time.sleep(seconds)
    children = children_of(child.pid)
    (os.killpg if group else os.kill)(child.pid, signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    return child.returncode, stderr.strip(), children


@pytest.mark.parametrize(
    "arguments", [["run", "/bin/spin"], ["run", "--on-exhaustion", "wait", "/bin/sleeper", "60"], ["demo"]]
)
def test_ctrl_c_at_any_time_is_130_and_no_traceback(arguments: list[str]) -> None:
    for seconds in MOMENTS:
        status, stderr, children = interrupted_after(seconds, *arguments)
        assert (status, stderr) == (INTERRUPTED, b""), seconds
        assert not any(map(is_alive, children)), seconds


@pytest.mark.parametrize("arguments", [["bench", "heap", "--rounds", "1"], ["run", "/bin/spin"]])
def test_ctrl_c_at_a_terminal(arguments: list[str]) -> None:
    for step in range(1, 6):
        status, stderr, children = interrupted_after(step / 5, *arguments, group=True)
        assert (status, stderr) == (INTERRUPTED, b""), step
        assert not any(map(is_alive, children)), step


@pytest.mark.slow
def test_ctrl_c_at_any_time_of_a_short_run_is_130_or_too_late() -> None:
    statuses = set()
    for step in range(1, 201):
        status, stderr, _ = interrupted_after(0.5 * step / 200, "run", "/bin/true")
        assert stderr == b"", step
        statuses.add(status)
    assert statuses == {INTERRUPTED, 0}
