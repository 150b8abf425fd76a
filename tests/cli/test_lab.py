"""`hardtack lab`: what it lists, shows, writes and refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hardtack.lab import experiments

from .conftest import CommandLine


def test_list_names_every_experiment_and_what_it_asks(cli: CommandLine) -> None:
    ending = cli("lab", "list")
    lines = ending.stdout.splitlines()
    assert ending.status == 0
    assert [line.split()[0] for line in lines] == list(experiments.NAMES)
    assert all(line.endswith("?") for line in lines)


def test_an_experiment_that_is_none_is_wrong_use(cli: CommandLine) -> None:
    ending = cli("lab", "nothing")
    assert ending.status == 2
    assert "'nothing' is none of policies, citizen" in ending.error


def test_claims_and_figures_are_shown_and_written(cli: CommandLine, tmp_path: Path) -> None:
    ending = cli(
        "lab",
        "ladder",
        "--quick",
        "--seed",
        "5",
        "--json",
        tmp_path / "f.json",
        "--html",
        tmp_path / "f.html",
    )
    assert ending.stderr == ""
    assert ending.stdout.startswith("seed 5\n\nladder: What ")
    (found,) = json.loads((tmp_path / "f.json").read_text())["experiments"]
    assert set(found) == {"name", "seed", "claims", "rows"}
    assert (found["name"], found["seed"], len(found["rows"])) == ("ladder", 5, 4)
    for claim in found["claims"]:
        assert set(claim) == {"claim", "original", "found", "holds"}
        assert f"{'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}" in ending.stdout
    assert ending.status == (0 if all(claim["holds"] for claim in found["claims"]) else 1)
    assert (tmp_path / "f.html").read_text().startswith("<!doctype html>")


def test_ctrl_c_ends_it_and_its_children(cli: CommandLine) -> None:
    lab = cli.start("lab", "concurrency", "--seed", "1", stdout=subprocess.PIPE)
    assert lab.stdout is not None
    assert lab.stdout.readline() == b"seed 1\n"
    found: list[str] = []
    while not found:
        found = Path(f"/proc/{lab.pid}/task/{lab.pid}/children").read_text().split()
    lab.send_signal(signal.SIGINT)
    _, errors = lab.communicate(timeout=60)
    assert lab.returncode == 130
    assert errors.strip() == b""
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)


def test_a_page_without_matplotlib_is_refused_before_the_work(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; from hardtack.cli import main\n"
        f"sys.exit(main(['lab', 'ladder', '--html', {str(tmp_path / 'f.html')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install 'hardtack[lab]'" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_file_that_cannot_be_written_is_told_before_the_work(cli: CommandLine, option: str) -> None:
    ending = cli("lab", "ladder", option, "/no/such/file")
    assert (ending.status, ending.stdout) == (2, "")
