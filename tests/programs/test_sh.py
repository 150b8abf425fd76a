"""The shell: pipelines, redirection, quotes and the statuses of what it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardtack import Kernel

SH = Path(__file__).parents[2] / "src" / "hardtack" / "programs" / "sh.wasm"


def run(args: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
    result = Kernel(heap="64MiB").run(SH, args=args, stdin=stdin, timeout=60)
    return result.exit_code, result.stdout.decode(), result.stderr.decode()


@pytest.mark.parametrize(
    ("commands", "stdout"),
    [
        ("echo hi", "hi\n"),
        ("", ""),
        ("# nothing", ""),
        ("echo a#b # c", "a#b\n"),
        ("""echo a  'b  c' "d 'e'" f\\ g""", "a b  c d 'e' f g\n"),
        ("echo '' \"\" x", "  x\n"),
        ('echo "a\\"b"', 'a"b\n'),
        ("echo one; echo two", "one\ntwo\n"),
        ("echo one\necho two\n", "one\ntwo\n"),
        ("hello | cat | wc", "1 2 13\n"),
        ("hello | cat | cat | cat | cat | cat | cat | cat | wc -c", "13\n"),
        ("/bin/hello", "hello, world\n"),
        ("hello > /f; cat < /f", "hello, world\n"),
        ("hello > /f; hello >> /f; wc -l < /f", "2\n"),
        ("hello > /f; echo x > /f; cat /f", "x\n"),
        ("> /f; wc -c /f", "0 /f\n"),
        ("echo a>/f b; cat /f", "a b\n"),
        ("mkdir /d; echo x > /d/f; ls -l /d; rm /d/f /d; ls /d", "- 1 2 f\n"),
        ("hello > /a; cp /a /b; mv /b /c; rm /a; cat /c", "hello, world\n"),
        ("sh -c 'echo inner | cat'", "inner\n"),
        ("echo '$HOME'", "$HOME\n"),
    ],
)
def test_output(commands: str, stdout: str) -> None:
    assert run(["-c", commands])[1] == stdout


@pytest.mark.parametrize(
    ("commands", "exit_code", "stderr"),
    [
        ("true", 0, ""),
        ("exit 3", 3, ""),
        ("exit", 0, ""),
        ("nope", 127, "sh: nope: not found\n"),
        ("/no/where", 127, "sh: /no/where: not found\n"),
        ("nope; true", 0, "sh: nope: not found\n"),
        ("nope; exit", 127, "sh: nope: not found\n"),
        ("true | nope", 127, "sh: nope: not found\n"),
        ("nope | true", 0, "sh: nope: not found\n"),
        ("cat /missing", 1, "cat: /missing: No such file or directory\n"),
        ("cat < /missing", 1, "sh: /missing: No such file or directory\n"),
        ("sh -c 'exit 9'", 9, ""),
        ("echo a |", 2, "sh: syntax error: a command is missing after |\n"),
        ("| cat", 2, "sh: syntax error: a command is missing before |\n"),
        ("echo >", 2, "sh: syntax error: a file name is missing\n"),
        ("echo 'a", 2, "sh: syntax error: a quote is not closed\n"),
        ("exit x", 2, "sh: exit: a number is wanted\n"),
    ],
)
def test_status(commands: str, exit_code: int, stderr: str) -> None:
    found = run(["-c", commands])
    assert (found[0], found[2]) == (exit_code, stderr)


def test_wrong_use() -> None:
    assert run(["-x"]) == (2, "", "usage: sh [-c COMMANDS | FILE] [WORD...]\n")


def test_commands_from_standard_input() -> None:
    assert run([], b"echo one\nnope | cat\necho two") == (0, "one\ntwo\n", "sh: nope: not found\n")


def test_no_prompt_where_no_terminal_is() -> None:
    assert run([], b"true\n") == (0, "", "")


def test_a_program_reads_what_follows_its_line() -> None:
    assert run([], b"cat\nthis is for cat\n")[1] == "this is for cat\n"


def test_the_writer_ends_when_its_reader_does() -> None:
    exit_code, stdout, stderr = run(["-c", "yes | hello"])
    assert (exit_code, stdout) == (0, "hello, world\n")
    assert stderr == "yes: write: Broken pipe\n"


def test_more_than_a_pipe_holds_goes_through() -> None:
    kernel = Kernel(heap="64MiB")
    result = kernel.run(SH, ["-c", "cat /big | cat | wc -c"], files={"/big": bytes(6553600)}, timeout=60)
    assert result.stdout == b"6553600\n"


def test_background() -> None:
    exit_code, stdout, _ = run(["-c", "mail ann 20 & mail bob 20 & mail cid 20; sleeper 1"])
    assert exit_code == 0
    assert sorted(stdout.splitlines()) == [f"mail {who}: done, delivered 20" for who in ("ann", "bob", "cid")]
