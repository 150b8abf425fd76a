"""hardtack's programs that need nothing but preview1 do the same under wasmtime's WASI and under hardtack."""

from __future__ import annotations

from pathlib import Path

import pytest
import reference

PROGRAMS = Path(__file__).parents[2] / "src" / "hardtack" / "programs"
TEXT = b"one two\nthree\n\n  four\tfive"
RUNS = {
    "hello": ("hello", [], b"", 0, b"hello, world\n"),
    "true": ("true", [], b"", 0, b""),
    "echo": ("echo", ["a", "b c", ""], b"", 0, b"a b c \n"),
    "echo without a newline": ("echo", ["-n", "a"], b"", 0, b"a"),
    "echo of nothing": ("echo", [], b"", 0, b"\n"),
    "cat": ("cat", [], TEXT, 0, TEXT),
    "cat of much": ("cat", [], TEXT * 5000, 0, TEXT * 5000),
    "cat of nothing": ("cat", [], b"", 0, b""),
    "cat of a missing file": ("cat", ["/missing"], b"", 1, b""),
    "wc": ("wc", [], TEXT, 0, b"3 5 26\n"),
    "wc -l": ("wc", ["-l"], TEXT, 0, b"3\n"),
    "wc -w": ("wc", ["-w"], TEXT, 0, b"5\n"),
    "wc -c": ("wc", ["-c"], TEXT, 0, b"26\n"),
    "wc with a wrong option": ("wc", ["-x"], b"", 2, b""),
    "wc of missing files": ("wc", ["/a", "/b"], b"", 1, b"0 0 0 total\n"),
    "ls of nothing": ("ls", ["."], b"", 0, b""),
    "ls of a missing directory": ("ls", ["/missing"], b"", 1, b""),
    "mkdir twice": ("mkdir", ["/d", "/d"], b"", 1, b""),
    "rm of a missing file": ("rm", ["/missing"], b"", 1, b""),
    "mv of a missing file": ("mv", ["/a", "/b"], b"", 1, b""),
    "cp of a missing file": ("cp", ["/a", "/b"], b"", 1, b""),
    "cp with one name": ("cp", ["/a"], b"", 2, b""),
    "mail": ("mail", ["ann", "120"], b"", 0, b"mail ann: delivered 100\nmail ann: done, delivered 120\n"),
    "mail of nothing": ("mail", ["ann", "2", "0"], b"", 0, b"mail ann: done, delivered 2\n"),
    "mail of much": ("mail", ["ann", "2", "300000"], b"", 0, b"mail ann: done, delivered 2\n"),
    "mail without a count": ("mail", ["ann"], b"", 2, b""),
    "sleeper": ("sleeper", ["0"], b"", 0, b""),
    "sleeper without a number": ("sleeper", ["x"], b"", 2, b""),
    "calls write to stdout": ("calls", ["write", "3", "4", "-"], b"", 0, bytes(12)),
    "calls read from stdin": ("calls", ["read", "3", "4", "-"], bytes(12), 0, b""),
    "calls read past the end": ("calls", ["read", "4", "4", "-"], bytes(12), 0, b""),
    "calls of no kind": ("calls", ["foo", "1"], b"", 2, b""),
}


@pytest.mark.parametrize("run", RUNS)
def test_under_wasmtime(run: str) -> None:
    name, args, stdin, exit_code, stdout = RUNS[run]
    found = reference.run(PROGRAMS / f"{name}.wasm", args, stdin=stdin)
    assert (found.exit_code, found.stdout) == (exit_code, stdout)


@pytest.mark.parametrize("run", RUNS)
def test_under_hardtack(run: str) -> None:
    from hardtack import Kernel

    name, args, stdin, exit_code, stdout = RUNS[run]
    found = Kernel(heap="64MiB").run(PROGRAMS / f"{name}.wasm", args=args, stdin=stdin, timeout=60)
    assert (found.exit_code, found.stdout) == (exit_code, stdout)


@pytest.mark.parametrize("run", [name for name in RUNS if RUNS[name][3]])
def test_an_error_says_which_program_and_why(run: str) -> None:
    name, args, stdin, *_ = RUNS[run]
    stderr = reference.run(PROGRAMS / f"{name}.wasm", args, stdin=stdin).stderr.decode()
    assert stderr.startswith((f"{name}: ", f"usage: {name} "))


@pytest.mark.parametrize("operation", ["write", "read", "seek", "clock", "openclose", "yield", "nop"])
def test_calls_reports_a_time(operation: str) -> None:
    found = reference.run(PROGRAMS / "calls.wasm", [operation, "50", "1000"])
    words = found.stdout.decode().split()
    assert [*words[:4], words[5]] == [operation, "50", "calls", "in", "ns"]
    assert int(words[4]) > 0


def test_filehog_ends_with_the_error_that_stopped_it() -> None:
    found = reference.run(PROGRAMS / "filehog.wasm", ["/missing/name"])
    assert found.exit_code == 1
    assert found.stdout == b"filehog: 0 bytes in 0 files, then No such file or directory\n"
