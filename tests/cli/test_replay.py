"""`hardtack run --deterministic` and `--record`, and `hardtack replay`: the same output and the same system calls."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from .conftest import CommandLine, Ending
from .terminal import Terminal

pytestmark = pytest.mark.usefixtures("interpreter")

KILLED, INTERRUPTED, WRONG_USE, OWN_ERROR = 137, 130, 2, 1
PROGRAMS = Path(__file__).parents[2] / "src" / "hardtack" / "programs"
FAMILY = "mail ann 20 & sleeper 2; cat | wc; ls /; head -n 9 /dev/random | wc; echo end | cat; sleeper 3"
RANDOM = "import os, random, time; print(os.urandom(8), random.random(), time.time(), hash('x'))"


def recorded(cli: CommandLine, folder: Path, *arguments: object, stdin: str = "") -> Ending:
    return cli("run", "--record", "r", "--trace", "t", *arguments, stdin=stdin, cwd=folder)


def replayed(cli: CommandLine, folder: Path, *arguments: object) -> Ending:
    """Replay, and hold the system calls against those of the recording."""
    ending = cli("replay", "--trace", "u", *arguments, "r", cwd=folder)
    assert (folder / "u").read_text() == (folder / "t").read_text()
    assert ending.status in {0, KILLED} or ending.stderr == ""
    return ending


# -- the same each time
def test_a_family_of_processes_takes_the_same_turns_each_time(cli: CommandLine, tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        ending = cli(
            "run",
            "--deterministic",
            "7",
            "--trace",
            name,
            "/bin/sh",
            "-c",
            FAMILY,
            stdin="a b\n",
            cwd=tmp_path,
        )
        found.add((ending, (tmp_path / name).read_text()))
    ((ending, trace),) = found
    assert (ending.status, ending.stderr) == (0, "")
    assert "1 2 4\n" in ending.stdout
    assert len(trace.splitlines()) > 100


def test_a_run_that_must_be_possible_again_has_no_terminal(cli: CommandLine, tmp_path: Path) -> None:
    for options in (["--record", tmp_path / "r"], ["--deterministic", "1"]):
        terminal = Terminal("run", *options, "/bin/sh", "-c", "echo unseen > /dev/tty; echo $?")
        terminal.type("\x04")  # a deterministic run has its input first
        terminal.until("sh: /dev/tty: No such device or address\r\n1")
        assert terminal.end() == 0
    assert cli("replay", tmp_path / "r").stdout == "1\n"


def test_a_trace_of_a_replay_that_cannot_be_written_is_told(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("run", "--record", tmp_path / "r", "/bin/echo", "hi").status == 0
    ending = cli("replay", "--trace", "/dev/full", tmp_path / "r")
    assert (ending.status, ending.stdout) == (1, "hi\n")
    assert ending.error == "hardtack: the trace /dev/full: No space left on device"


def test_random_bytes_time_and_hashes_are_the_seeds(cli: CommandLine) -> None:
    one, two, other = (cli("python", "--deterministic", s, "-c", RANDOM).stdout for s in ("1", "1", "2"))
    assert one == two != other


def test_who_sleeps_a_day_takes_no_time(cli: CommandLine) -> None:
    ending = cli(
        "python", "--deterministic", "0", "-c", "import time; time.sleep(86400); print('well slept')"
    )
    assert (ending.status, ending.stdout) == (0, "well slept\n")


def test_time_is_virtual_for_limits_too(cli: CommandLine, tmp_path: Path) -> None:
    traces = set()
    for name in ("one", "two"):
        run = ["run", "--deterministic", "0", "--trace", name, "--timeout", "0.05"]
        ending = cli(*run, "/bin/sh", "-c", "yes | cat | wc", cwd=tmp_path)
        assert ending.status == KILLED
        traces.add((tmp_path / name).read_text())
    assert len(traces) == 1


def test_a_heap_that_is_full_kills_at_the_same_call(cli: CommandLine, tmp_path: Path) -> None:
    traces = set()
    for name in ("one", "two"):
        run = ["run", "--deterministic", "0", "--trace", name, "--heap", "4MiB"]
        assert cli(*run, "/bin/fdhog", cwd=tmp_path).status == KILLED
        traces.add((tmp_path / name).read_text())
    assert len(traces) == 1


# -- recordings
def test_a_family_of_processes_is_replayed(cli: CommandLine, tmp_path: Path) -> None:
    first = recorded(cli, tmp_path, "/bin/sh", "-c", FAMILY, stdin="a b\n")
    assert "1 2 4\n" in first.stdout
    assert replayed(cli, tmp_path) == first


def test_files_of_the_host_are_those_that_were_read(cli: CommandLine, tmp_path: Path) -> None:
    outside = tmp_path / "d"
    outside.mkdir()
    (outside / "in").write_text("as it was\n")
    script = "cat /d/in; ls /d; echo new >/d/out; cat /d/out; mv /d/out /d/moved; cat /d/no; rm /d/moved"
    first = recorded(cli, tmp_path, "--dir", f"{outside}::/d", "/bin/sh", "-c", script)
    assert first.stdout == "as it was\nin\nnew\n"
    shutil.rmtree(outside)
    assert replayed(cli, tmp_path) == first
    assert not outside.exists()


def test_time_and_random_bytes_are_those_that_came(cli: CommandLine, tmp_path: Path) -> None:
    first = cli(
        "python", "--record", "r", "--trace", "t", "-c", RANDOM + "; print(input())", stdin="in", cwd=tmp_path
    )
    assert first.stdout.endswith("in\n")
    assert replayed(cli, tmp_path) == first


@pytest.mark.parametrize("program", [["/bin/spin"], ["/bin/sleeper", "60"], ["/bin/sh", "-c", "yes | wc"]])
def test_a_timeout_strikes_where_it_did(cli: CommandLine, tmp_path: Path, program: list[str]) -> None:
    first = recorded(cli, tmp_path, "--timeout", "0.3", *program)
    assert first.status == KILLED
    assert replayed(cli, tmp_path) == first


def test_ctrl_c_strikes_where_it_did(cli: CommandLine, tmp_path: Path) -> None:
    child = cli.start(
        "run",
        "--record",
        "r",
        "--trace",
        "t",
        "/bin/sh",
        "-c",
        "echo on; spin",
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"on\n"
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == INTERRUPTED
    again = replayed(cli, tmp_path)
    assert (again.status, again.stdout) == (KILLED, "on\n")
    assert again.error == "hardtack: sh was killed: interrupted"


def test_a_virtual_run_is_replayed(cli: CommandLine, tmp_path: Path) -> None:
    first = recorded(cli, tmp_path, "--deterministic", "3", "/bin/sh", "-c", FAMILY, stdin="a b\n")
    assert replayed(cli, tmp_path) == first


def test_programs_that_fail(cli: CommandLine, tmp_path: Path) -> None:
    first = recorded(cli, tmp_path, "/bin/recurse")
    again = cli("replay", "r", cwd=tmp_path)
    assert (first.status, again) == (134, first)


# -- where they differ
def test_another_program_is_told(cli: CommandLine, tmp_path: Path) -> None:
    program = tmp_path / "p.wasm"
    shutil.copy(PROGRAMS / "echo.wasm", program)
    first = recorded(cli, tmp_path, program, "hi")
    shutil.move(program, tmp_path / "q.wasm")
    assert cli("replay", "r", cwd=tmp_path).error.endswith("p.wasm: No such file or directory")
    assert replayed(cli, tmp_path, "--program", "q.wasm") == first
    shutil.copy(PROGRAMS / "true.wasm", program)
    ending = cli("replay", "r", cwd=tmp_path)
    assert ending.status == OWN_ERROR
    assert "is not the file that hardtack knows" in ending.error


def test_another_hardtack_is_told(cli: CommandLine, tmp_path: Path) -> None:
    recorded(cli, tmp_path, "/bin/true")
    first, *rest = (tmp_path / "r").read_text().splitlines(keepends=True)
    header = {**json.loads(first), "built_ins": "others"}
    (tmp_path / "r").write_text(json.dumps(header) + "\n" + "".join(rest))
    assert "with other built-in programs" in cli("replay", "r", cwd=tmp_path).error


@pytest.mark.parametrize("change", ["args", "input", "cut", "torn", "end"])
def test_a_recording_that_does_not_fit_is_told_with_the_line(
    cli: CommandLine, tmp_path: Path, change: str
) -> None:
    recorded(cli, tmp_path, "/bin/sh", "-c", "cat; cat /f", stdin="input\n")
    first, *rest = (tmp_path / "r").read_text().splitlines(keepends=True)
    if change == "args":
        first = first.replace("cat; cat /f", "wc; sleeper 1")
    elif change == "input":
        rest = [line.replace(base64.b64encode(b"input\n").decode(), "eA==") for line in rest]
    elif change == "cut":
        rest = rest[:-3]
    elif change == "torn":
        rest[-4:] = [rest[-4][:10]]
    else:
        rest[-1] = rest[-1].replace('",', '0",') if '",' in rest[-1] else rest[-1].replace("]", "0]")
        rest[-1] = rest[-1].rpartition(',"')[0] + ',"another digest"]\n'
    (tmp_path / "r").write_text(first + "".join(rest))
    ending = cli("replay", "r", cwd=tmp_path)
    assert ending.status == OWN_ERROR
    assert "the replay differs from its recording, line " in ending.stderr.splitlines()[-1]


@pytest.mark.parametrize("content", ["", "{}", "not json", "[1]", '{"program": "/bin/true"}'])
def test_what_is_no_recording(cli: CommandLine, tmp_path: Path, content: str) -> None:
    (tmp_path / "r").write_text(content)
    ending = cli("replay", "r", cwd=tmp_path)
    assert (ending.status, ending.error) == (OWN_ERROR, "hardtack: r is no recording of hardtack's")


def test_wrong_use(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("replay", "no", cwd=tmp_path).error == "hardtack: no: No such file or directory"
    for option in (["--cpu", "1"], ["--output", "10"], ["--on-exhaustion", "fail"]):
        ending = cli("run", "--deterministic", "1", *option, "/bin/true")
        assert ending.status == WRONG_USE
        assert "--deterministic and --record are not for --cpu, --output or --on-exhaustion" in ending.error
    assert cli("run", "--record", "/no/where", "/bin/true").status == OWN_ERROR


def test_the_network_is_what_came_from_it(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "page").write_text("as it was\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = ["--tcplisten", f"127.0.0.1:{port}", "--dir", "www::/www", "/bin/httpd", "/www"]
    child = cli.start("run", "--record", "r", "--trace", "t", *serve, stdout=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while True:
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/page", timeout=60).read()
            break
        except urllib.error.URLError:
            assert time.monotonic() < deadline
    assert page == b"as it was\n"
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=60)
    shutil.rmtree(tmp_path / "www")
    again = replayed(cli, tmp_path)
    assert again.error == "hardtack: httpd was killed: interrupted"
