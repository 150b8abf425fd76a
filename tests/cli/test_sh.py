"""`hardtack sh` on a real pseudo-terminal: lines, Ctrl-C, Ctrl-D, exit."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import CommandLine
from .terminal import Terminal

PROMPT = r"\$ "
CTRL_C, CTRL_D, ERASE, KILL = "\x03", "\x04", "\x7f", "\x15"


def shell(*arguments: object, cwd: Path | None = None) -> Terminal:
    terminal = Terminal("sh", *arguments, cwd=cwd)
    terminal.until(PROMPT)
    return terminal


def leave(terminal: Terminal, status: int = 0) -> None:
    terminal.type(f"exit {status}\n")
    assert terminal.end() == status


def test_lines_are_run_and_prompted_for() -> None:
    terminal = shell()
    terminal.type("echo one two | wc -w\n")
    assert terminal.until(PROMPT).splitlines()[1] == "2"
    terminal.type("echo kept > /f; cat /f\n")
    assert terminal.until(PROMPT).splitlines()[1] == "kept"
    leave(terminal, 3)


def test_lines_are_edited_by_the_terminal() -> None:
    terminal = shell()
    terminal.type(f"ecfo{ERASE}{ERASE}ho right\n")
    terminal.until("\nright")
    terminal.until(PROMPT)
    terminal.type(f"spin{KILL}echo anew\n")
    terminal.until("\nanew")
    terminal.until(PROMPT)
    leave(terminal)


def test_ctrl_d_ends_the_shell_with_the_last_status() -> None:
    terminal = shell()
    terminal.type("nope\n")
    terminal.until("not found")
    terminal.until(PROMPT)
    terminal.type(CTRL_D)
    assert terminal.end() == 127


def test_ctrl_c_ends_the_program_and_not_the_shell() -> None:
    terminal = shell()
    for program in ("spin", "sleeper 60", "yes | cat | wc", "cat"):
        terminal.type(f"echo begun; {program}\n")
        terminal.until("\nbegun")
        terminal.type(CTRL_C)
        terminal.until(PROMPT)
        terminal.type("echo well\n")
        terminal.until("\nwell")
        terminal.until(PROMPT)
    leave(terminal)


def test_ctrl_c_throws_away_a_line_and_prompts_anew() -> None:
    terminal = shell()
    terminal.type("echo bad")
    terminal.until("bad")
    terminal.type(CTRL_C)
    assert "bad" not in terminal.until(PROMPT)
    terminal.type("echo good\n")
    assert terminal.until(PROMPT).splitlines()[1] == "good"
    leave(terminal)


@pytest.mark.parametrize(
    "begun", ["for i in 1 2", "echo 'not", "cat <<END\nbad", "echo $(echo bad", "if true"]
)
def test_ctrl_c_abandons_a_command_that_was_begun(begun: str) -> None:
    terminal = shell()
    terminal.type(f"{begun}\n")
    terminal.until(r"\n> ")
    terminal.type(CTRL_C)
    assert terminal.until(PROMPT).split()[-2:] == ["^C", "$"]
    terminal.type("echo $? good\n")
    assert terminal.until(PROMPT).splitlines()[1] == "130 good"
    leave(terminal)


def test_ctrl_c_ends_the_reading_of_a_line() -> None:
    terminal = shell()
    terminal.type("echo begun; read x; echo $?\n")
    terminal.until("\nbegun")
    terminal.type(CTRL_C)
    assert "130" in terminal.until(PROMPT)
    leave(terminal)


def test_ctrl_c_leaves_programs_in_the_background() -> None:
    terminal = shell()
    terminal.type("sleeper 60 &\n")
    terminal.until(PROMPT)
    terminal.type("echo begun; spin\n")
    terminal.until("\nbegun")
    terminal.type(CTRL_C)
    terminal.until(PROMPT)
    look = CommandLine()("ps", "sh")
    assert "sleeper" in look.stdout
    assert "spin" not in look.stdout
    leave(terminal)


def test_files_of_the_host_and_limits(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hosted\n")
    terminal = shell("--heap", "4MiB", "--dir", f"{tmp_path}::/d")
    terminal.type("cat /d/f > /copied; fdhog\n")
    terminal.until("the shell was killed: out of memory.*; here is another")
    terminal.until(PROMPT)
    terminal.type("cat /copied\n")
    terminal.until("\nhosted")
    terminal.until(PROMPT)
    leave(terminal)


def test_without_a_terminal_it_reads_commands(cli: CommandLine) -> None:
    ending = cli("sh", stdin="echo hello | wc -c\nexit 4\n")
    assert (ending.status, ending.stdout, ending.stderr) == (4, "6\n", "")


@pytest.mark.parametrize(
    ("options", "line", "status", "says"),
    [
        (["--timeout", "0.5"], "sleeper 60", 137, "wall limit: it had not ended after 0.5 s"),
        (["--cpu", "0.1"], "spin", 137, "cpu limit: it used 0.1"),
        (["--descriptors", "20"], "fdhog", 1, "No file descriptors available"),
        (["--processes", "1"], "hello", 126, "sh: hello: "),
        (["--table-elements", "0"], "hello", 127, ""),
        (["--output", "10"], "echo 0123456789abc", 1, "0123456789"),
        (["--disk-limit", "64KiB"], "filehog", 1, "No space left on device"),
    ],
)
def test_limits_are_of_the_shell_with_all_that_it_runs(
    cli: CommandLine, options: list[str], line: str, status: int, says: str
) -> None:
    done = cli("sh", *options, stdin=f"{line}\n")
    assert (done.status, says in done.stdout + done.stderr) == (status, True), done
