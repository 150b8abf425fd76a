"""Python in one call: what the code gets and gives, each limit, and which interpreter runs it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hardtack import KernelError, Limits, ProgramError, run_python
from hardtack.runtime import interpreter
from hardtack.runtime.interpreter import Interpreter, find_interpreter


def test_the_standard_library_is_there() -> None:
    result = run_python("import json, re, zlib, decimal; print(json.dumps(re.findall('b.', 'ab abc')))")
    assert (result.exit_code, result.stdout, result.stderr) == (0, b'["b ", "bc"]\n', b"")


def test_arguments_input_and_environment_reach_it() -> None:
    code = "import os, sys; print(sys.argv[1:], input(), dict(os.environ))"
    result = run_python(code, ["a", "b c"], stdin=b"line\nmore", env={"K": "v"})
    assert result.stdout == b"['a', 'b c'] line {'K': 'v'}\n"


def test_modules_among_the_files_can_be_imported() -> None:
    result = run_python("import helper; print(helper.answer)", files={"/helper.py": b"answer = 42"})
    assert (result.stdout, result.stderr) == (b"42\n", b"")


def test_files_of_a_directory_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("in")
    code = "open('/w/out', 'w').write(open('/w/in').read() * 2)"
    assert run_python(code, dirs={"/w": tmp_path}).exit_code == 0
    assert (tmp_path / "out").read_text() == "inin"


def test_a_traceback_shows_the_code() -> None:
    result = run_python("def f():\n    return 1 / 0\n\nf()\n")
    assert result.exit_code == 1
    assert b'File "/main.py", line 2, in f\n    return 1 / 0\n' in result.stderr


def test_the_status_is_that_of_exit() -> None:
    assert run_python("import sys; sys.exit(7)").exit_code == 7


def test_code_of_a_megabyte_is_run() -> None:
    assert run_python("#" * (1 << 20) + "\nprint('end')").stdout == b"end\n"


def test_nothing_of_a_run_is_left_for_the_next() -> None:
    assert run_python("open('/left', 'w').write('x')").exit_code == 0
    assert run_python("import os; print(os.path.exists('/left'))").stdout == b"False\n"


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_a_timeout_ends_who_spins_and_who_sleeps(code: str) -> None:
    result = run_python(code, limits=Limits(wall=0.5))
    assert (result.exit_code, result.killed) == (137, "wall limit: it had not ended after 0.5 s")


def test_memory_is_limited() -> None:
    result = run_python(
        "try:\n    b = bytearray(1 << 28)\nexcept MemoryError:\n    print('no')", memory="64 MiB"
    )
    assert (result.exit_code, result.stdout) == (0, b"no\n")


def test_files_are_limited() -> None:
    code = (
        "f = open('/f', 'wb', 0)\ntry:\n    while True: f.write(bytes(65536))\nexcept OSError as e: print(e)"
    )
    assert run_python(code, limits=Limits(disk="4 MiB")).stdout == b"[Errno 51] No space left on device\n"


def test_output_is_limited() -> None:
    result = run_python("while True: print('x' * 1000)", limits=Limits(output="64 KiB", wall=60))
    assert result.truncated
    assert len(result.stdout) == 65536


def test_what_is_written_at_once_is_written_whole() -> None:
    code = "import os; data = b'ahoy' * 300_000; n = os.write(1, data); os.write(2, b'%d' % n)"
    result = run_python(code, limits=Limits(output="2 MiB"))
    assert (result.stdout, result.stderr) == (b"ahoy" * 300_000, b"1200000")


def test_the_codes_own_path_is_no_files() -> None:
    with pytest.raises(KernelError, match=r"/main\.py is where the code itself is put"):
        run_python("pass", files={"/main.py": b""})


def test_code_is_a_str() -> None:
    with pytest.raises(TypeError, match="code is a str, not bytes"):
        run_python(b"pass")  # type: ignore[arg-type]


# -- which interpreter
def test_a_named_interpreter_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDTACK_PYTHON", "/other.wasm")
    assert find_interpreter("/some.wasm") == Interpreter(Path("/some.wasm"), None)
    assert find_interpreter() == Interpreter(Path("/other.wasm"), None)


def test_a_named_interpreter_that_is_not_there() -> None:
    with pytest.raises(ProgramError, match=r"/no/such.wasm: No such file or directory"):
        run_python("pass", python="/no/such.wasm")


def test_no_interpreter_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARDTACK_PYTHON", raising=False)
    monkeypatch.setattr(interpreter, "_PACKAGE", "no_such_package")
    with pytest.raises(ProgramError, match=r"pip install 'hardtack\[python\]'"):
        run_python("pass")


def test_an_extra_whose_file_is_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARDTACK_PYTHON", raising=False)
    package = tmp_path / "changed_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    programs = Path(interpreter.__file__).parents[1] / "programs"
    (package / "python-3.12.0.wasm").write_bytes((programs / "echo.wasm").read_bytes())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(interpreter, "_PACKAGE", "changed_runtime")
    assert importlib.util.find_spec("changed_runtime") is not None
    with pytest.raises(ProgramError, match="is not the file that hardtack knows: its SHA-256 is"):
        run_python("pass")


def test_arguments_are_not_one_string() -> None:
    with pytest.raises(TypeError, match=r"args is a sequence of strings, not one string: write \['args'\]"):
        run_python("pass", "args")
