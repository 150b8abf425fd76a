"""The limits as options of `hardtack run`: what the guest meets at each, and that its name is told."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from hardtack import Limits

from .conftest import CommandLine

KILLED, OWN_ERROR = 137, 1


@pytest.mark.parametrize(
    ("limit", "options", "program", "status", "says"),
    [
        ("descriptors", ["--descriptors", "20"], ["/bin/fdhog"], 1, "16 descriptors, then No file descriptors"),
        ("processes", ["--processes", "1"], ["/bin/sh", "-c", "hello"], 126, "sh: hello: "),
        ("output", ["--output", "10"], ["/bin/echo", "0123456789abc"], 1, "0123456789echo: writ"),
        ("disk", ["--disk-limit", "1MiB"], ["/bin/filehog"], 1, "1 files, then No space left on device"),
        ("memory", ["--memory", "32MiB"], ["/bin/memhog"], 1, "memhog: 30 MiB, then Out of memory"),
        ("cpu", ["--cpu", "0.1"], ["/bin/spin"], KILLED, "cpu limit: it used 0.1"),
        ("wall", ["--timeout", "0.3"], ["/bin/sleeper", "60"], KILLED, "wall limit: it had not ended after 0.3 s"),
        ("heap", ["--heap", "4MiB"], ["/bin/fdhog"], KILLED, "its group held most of the kernel's heap"),
    ],
)  # fmt: skip
def test_what_a_program_meets_is_told(
    cli: CommandLine, limit: str, options: list[str], program: list[str], status: int, says: str
) -> None:
    done = cli("run", "--stats", *options, *program)
    assert done.status == status
    assert says in done.stdout + done.stderr
    assert f"\nlimits met    {limit}\n" in done.stderr


def test_a_program_that_met_no_limit_is_told_of_none(cli: CommandLine) -> None:
    assert "limits met" not in cli("run", "--stats", "--descriptors", "20", "/bin/true").stderr


@pytest.mark.parametrize(
    ("limit", "options"),
    [
        ("table_elements", ["--table-elements", "0"]),
        ("compile_memory", ["--compile-memory", "1MiB"]),
        ("compile_cpu", ["--compile-cpu", "0.01"]),
        ("wall", ["--timeout", "0.001"]),
    ],
)
def test_what_cannot_begin_within_a_limit_is_told_its_name(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, options: list[str]
) -> None:
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path))  # so that it is not compiled yet
    body = "(drop (i32.load (i32.const 0)))" * 20_000
    text = (
        f"""(module (memory (export "memory") 1) (table 1 funcref) (func {body}) (func (export "_start")))"""
    )
    (tmp_path / "p.wasm").write_bytes(bytes(wat2wasm(text)))
    ending = cli("run", *options, tmp_path / "p.wasm")
    assert f"{limit} limit: " in ending.error
    assert ending.status == OWN_ERROR
    assert cli("run", tmp_path / "p.wasm").status == 0


def test_no_limit_is_left_out(cli: CommandLine) -> None:
    options = cli("run", "--help").stdout
    named = {"wall": "timeout", "disk": "disk-limit"}
    for field in fields(Limits):
        assert f"--{named.get(field.name, field.name.replace('_', '-'))} " in options
