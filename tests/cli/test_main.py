"""The command line as such: help, version, pipes that close."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    assert (ending.status, ending.error) == (2, "hardtack: No such command 'walk' (see 'hardtack --help')")


def test_a_reader_that_is_gone_is_no_traceback() -> None:
    child = subprocess.Popen([HARDTACK, "run", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.close()  # long before it prints
    _, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr) == (1, b"")
