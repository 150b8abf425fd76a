"""`hardtack python`: code, scripts and streams as Python has them, limits as `hardtack run` has them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from hardtack.cli.python import script_place

from .conftest import CommandLine

pytestmark = pytest.mark.usefixtures("interpreter")

CATCHES = "try: bytearray(1 << 28)\nexcept MemoryError: print('no')"
KILLED, INTERRUPTED, WRONG_USE, OWN_ERROR = 137, 130, 2, 1


def test_code_and_its_arguments(cli: CommandLine) -> None:
    ending = cli("python", "-c", "import sys; print(sys.argv)", "--heap", "-c")
    assert (ending.status, ending.stdout) == (0, "['-c', '--heap', '-c']\n")


def test_a_script_is_copied_and_has_our_streams(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "import sys\nprint(sys.argv, input())\nprint('e', file=sys.stderr)\nsys.exit(3)"
    )
    ending = cli("python", "s.py", "a", stdin="line\n", cwd=tmp_path)
    assert (ending.status, ending.stdout, ending.stderr) == (3, "['/s.py', 'a'] line\n", "e\n")


def test_a_script_in_a_directory_of_the_guests_is_run_there(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "s.py").write_text("import beside; print(__file__, beside.x)")
    (tmp_path / "sub" / "beside.py").write_text("x = 1")
    ending = cli("python", "--dir", f"{tmp_path}::/w", tmp_path / "sub" / "s.py")
    assert (ending.status, ending.stdout, ending.stderr) == (0, "/w/sub/s.py 1\n", "")
    assert not (tmp_path / "sub" / "__pycache__").exists()


def test_a_program_on_standard_input(cli: CommandLine) -> None:
    assert cli("python", stdin="print(1)\n").stdout == "1\n"
    assert cli("python", "-", "x", stdin="import sys; print(sys.argv)\n").stdout == "['-', 'x']\n"


def test_pythons_own_options(cli: CommandLine) -> None:
    assert (
        cli("python", "-X", "dev", "-Wignore", "-c", "import sys; print(sys.flags.dev_mode)").stdout
        == "True\n"
    )
    assert cli("python", "--version").stdout == "Python 3.12.0\n"
    assert cli("python", "-m", "json.tool", "--compact", stdin='{"a": 1}').stdout == '{"a":1}\n'


@pytest.mark.parametrize(
    ("args", "place"),
    [
        ([], None),
        (["s.py", "-c"], 0),
        (["-u", "s.py"], 1),
        (["-X", "dev", "s.py"], 2),
        (["-Xdev", "s.py"], 1),
        (["-uW", "error", "s.py"], 2),
        (["-uWerror", "s.py"], 1),
        (["-c", "s.py"], None),
        (["-Bm", "s.py", "x"], None),
        (["-", "s.py"], None),
        (["--check-hash-based-pycs", "never", "s.py"], 2),
        (["-u"], None),
    ],
)
def test_which_argument_is_the_script(args: list[str], place: int | None) -> None:
    assert script_place(args) == place


def test_unbuffered_output_is_whole(cli: CommandLine) -> None:
    ending = cli("python", "-u", "-c", "print('ahoy' * 200_000)")
    assert (ending.status, ending.stdout) == (0, "ahoy" * 200_000 + "\n")


def test_without_a_terminal_there_is_no_prompt(cli: CommandLine) -> None:
    with cli.start("python", stdout=subprocess.PIPE) as nobody_types:  # its standard input is /dev/null
        assert nobody_types.communicate() == (b"", b"")


def test_limits(cli: CommandLine) -> None:
    ending = cli("python", "--timeout", "1", "-c", "import time; time.sleep(60)")
    assert (ending.status, ending.stdout) == (KILLED, "")
    assert ending.error.endswith("was killed: wall limit: it had not ended after 1 s")
    assert cli("python", "--memory", "64MiB", "-c", CATCHES).stdout == "no\n"


def test_ctrl_c(cli: CommandLine) -> None:
    child = cli.start("python", "-c", "print('on', flush=True)\nwhile 1: pass", stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"on\n"
    os.killpg(child.pid, signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr.strip()) == (INTERRUPTED, b"")


def test_the_help_names_no_option_that_there_is_not(cli: CommandLine) -> None:
    text = cli("python", "--help").stdout
    options = set(re.findall(r"(?m)^ +(--[a-z-]+)", text))
    named = set(re.findall("--[a-z]+(?:-[a-z]+)*", re.sub(r"-\n +", "-", text)))
    assert len(options) > 10
    assert named <= options | {"--help"}


def test_wrong_use(cli: CommandLine) -> None:
    ending = cli("python", "--tiemout", "1", "-c", "pass")
    assert ending.status == WRONG_USE
    assert ending.error == "hardtack python: No such option '--tiemout' (see 'hardtack python --help')"


def test_no_such_script(cli: CommandLine) -> None:
    ending = cli("python", "no.py")
    assert (ending.status, ending.error) == (OWN_ERROR, "hardtack: no.py: No such file or directory")


def test_another_interpreter(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    echo = Path(__file__).parents[2] / "src" / "hardtack" / "programs" / "echo.wasm"
    assert cli("python", "--python", echo, "-c", "code").stdout == "-B -c code\n"
    monkeypatch.setenv("HARDTACK_PYTHON", str(echo))
    assert cli("python", "-c", "code").stdout == "-B -c code\n"
