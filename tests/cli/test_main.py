"""The command line as such: help, version, pipes that close."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from hardtack.cli.commands import SUBCOMMANDS

from .conftest import HARDTACK, CommandLine


@pytest.mark.parametrize("subcommand", [[], ["run"], ["demo"], ["bench"], ["lab"]])
def test_help(cli: CommandLine, subcommand: list[str]) -> None:
    ending = cli(*subcommand, "--help")
    assert ending.status == 0
    assert ending.stdout.startswith("Usage: hardtack")
    assert "Example" in ending.stdout
    assert "\\b" not in ending.stdout
    assert "\x1b" not in ending.stdout


@pytest.mark.parametrize("subcommand", ["run", "demo"])
def test_help_says_what_exit_statuses_mean(cli: CommandLine, subcommand: str) -> None:
    assert "Exit status:" in cli(subcommand, "--help").stdout


def test_version(cli: CommandLine) -> None:
    assert cli("--version").stdout.startswith("hardtack, version ")


@pytest.mark.parametrize("subcommand", [["demo"], ["bench", "heap"]])
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    cli: CommandLine, subcommand: list[str]
) -> None:
    started = time.monotonic()
    ending = cli(*subcommand, "--json", "/no/such/file")
    assert (ending.status, ending.stdout) == (2, "")
    assert "'--json': /no/such/file: No such file or directory" in ending.error
    assert time.monotonic() - started < 5


def test_a_file_that_is_there_already_is_kept_until_the_figures_are(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    assert cli("bench", "heap", "--json", tmp_path / "old.json", "--rounds", "0").status == 2
    assert (tmp_path / "old.json").read_text() == "old"


def test_help_imports_no_wasmtime() -> None:
    code = "import sys; from hardtack.cli import main; main(['--help']); sys.exit('wasmtime' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )


def test_no_arguments_show_the_help(cli: CommandLine) -> None:
    ending = cli()
    assert ending.status == 2
    assert "Usage: hardtack" in ending.stderr


def test_no_such_subcommand(cli: CommandLine) -> None:
    ending = cli("walk")
    assert ending.status == 2
    assert ending.error.startswith("hardtack: No such command 'walk'; there are run, python, sh, ps, ")


@pytest.mark.parametrize(
    ("word", "way_out"), [("x.wasm", "run x.wasm"), ("a.py", "python a.py"), ("./x", "run ./x")]
)
def test_a_program_in_a_subcommands_place_is_shown_the_way(cli: CommandLine, word: str, way_out: str) -> None:
    assert f"to run a program: hardtack {way_out} (" in cli(word).error


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["run", ""], "'PROGRAM': '' names no file"),
        (["run", "--stdin", "", "/bin/cat"], "'--stdin': '' names no file"),
        (["run", "--trace", "", "/bin/true"], "'--trace': '' names no file"),
        (["run", "--record", "", "/bin/true"], "'--record': '' names no file"),
        (["run", "--disk", "", "/bin/true"], "'' is not of the form FILE or FILE::GUEST"),
        (["run", "--deterministic", "x", "/bin/true"], "'x' is not a whole number from 0 on"),
        (["run", "--processes", "9" * 5000, "/bin/true"], "a number of 5000 digits is too large"),
        (["run", "--heap", "9" * 5000, "/bin/true"], "is not a size: write a number of bytes"),
        (["replay", ""], "'' names no file"),
        (["bound", "--json", "", "m.py:f"], "'' names no file"),
        (["bench", "heap", "--rounds", "x"], "'x' is not a whole number from 1 to 1000"),
        (["bench"], "Choose from: calls, annotations, "),
        (["lab", "citizen", "--seed", "-1"], "'-1' is not a whole number from 0 on"),
        (["lab", "citizen", "--seconds", "nan"], "'nan' is not a number of seconds from 1 to 1e+09"),
        (["top", "--interval", "0"], "'0' is not a number of seconds from 0.05 to 3600"),
        (["top", "--count", "0"], "'0' is not a whole number from 1 on"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(cli: CommandLine, given: list[str], complaint: str) -> None:
    ending = cli(*given)
    assert (ending.status, ending.stdout) == (2, "")
    assert complaint in ending.error
    assert ending.error.endswith("--help')")


def test_json_for_standard_output_is_all_that_is_there(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def f(n: int) -> bytes:\n    return bytes(n)\n")
    ending = cli("bound", "m.py:f", "--json", "-", cwd=tmp_path)
    assert json.loads(ending.stdout)["entries"][0]["entry"] == "m:f"
    assert "m:f\n  peak " in ending.stderr
    assert not (tmp_path / "-").exists()


def test_a_reader_that_is_gone_is_no_traceback() -> None:
    child = subprocess.Popen([HARDTACK, "run", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.close()  # long before it prints
    _, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr) == (1, b"")


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_what_is_taken_by_default_is_what_may_be_given(name: str) -> None:
    command: click.Command = importlib.import_module(f"hardtack.cli.{name}").command
    context = click.Context(command)
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert options
    for option in options:
        option.process_value(context, option.get_default(context))
