"""Programs that nobody here wrote run scripts of more than 100 lines under `hardtack run`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wasi import reference

from hardtack import Kernel

SCRIPTS = Path(__file__).parent / "scripts"


def python_of_the_host_says(folder: Path) -> str:
    """Run the same script with our own CPython: the oracle. WASI numbers ENOENT 44."""
    script = str(SCRIPTS / "library.py")
    done = subprocess.run([sys.executable, script, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.replace("error 2 ", "error 44 ")


def hardtack_run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hardtack", "run", "--timeout", "120", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_quickjs_reads_and_writes_files_of_the_host(quickjs: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.js").write_text((SCRIPTS / "orders.js").read_text())
    found = hardtack_run("--dir", f"{tmp_path}::/work", quickjs, "--std", "/work/orders.js", "/work")
    assert (found.returncode, found.stderr) == (0, "")
    lines = found.stdout.splitlines()
    assert lines[0].endswith("read 392 orders, rejected 8")
    assert lines[1] == 'first rejected: {"line":50,"reason":"TypeError: not an amount: free"}'
    assert lines[-1].startswith("sum ")
    assert lines[-1].endswith(" agrees")
    assert (tmp_path / "report.txt").read_text() == lines[-1].removesuffix(" agrees") + "\n"
    assert json.loads((tmp_path / "céline.json").read_text())["orders"] == 100


def test_python_reads_and_writes_files_of_the_host(
    python: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = python_of_the_host_says(tmp_path_factory.mktemp("oracle"))
    (tmp_path / "library.py").write_text((SCRIPTS / "library.py").read_text())
    found = hardtack_run("--dir", f"{tmp_path}::/work", python, "/work/library.py", "/work")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == expected
    assert json.loads((tmp_path / "summary.json").read_text()) == {"ships": 36, "bread": 36, "kernels": 36}


def test_a_long_program_does_the_same_under_wasmtime(quickjs: Path, tmp_path: Path) -> None:
    folders = {host: tmp_path / host for host in ("hardtack", "wasmtime")}
    for folder in folders.values():
        folder.mkdir()
        for name in ("notebook.js", "notebook.txt"):
            shutil.copy(SCRIPTS / name, folder)
    command = ["--std", "/notebook.js", "/"]
    expected = reference.run(quickjs, command, root=folders["wasmtime"])
    with Kernel(dirs={"/": folders["hardtack"]}) as kernel:
        found = kernel.run(quickjs, command, timeout=120)
    assert (found.exit_code, found.stdout, found.stderr) == expected
    assert found.stdout.splitlines()[-1] == b"27 checks held"
    for name in ("notebook.out", "outline.json"):
        written = (folders["hardtack"] / name).read_bytes()
        assert written
        assert written == (folders["wasmtime"] / name).read_bytes()


def test_both_work_on_the_same_files_in_memory(quickjs: Path, python: Path, tmp_path: Path) -> None:
    expected = python_of_the_host_says(tmp_path)
    script = {name: (SCRIPTS / name).read_bytes() for name in ("orders.js", "library.py")}
    with Kernel(heap="16 MiB") as kernel:
        files = {f"/work/{name}": text for name, text in script.items()}
        first = kernel.run(quickjs, ["--std", "/work/orders.js", "/work"], files=files, timeout=120)
        assert (first.exit_code, first.stderr) == (0, b"")
        second = kernel.run(python, ["/work/library.py", "/work"], timeout=120)
        assert (second.exit_code, second.stderr.decode(), second.stdout.decode()) == (0, "", expected)
        assert kernel.read_file("/work/report.txt").startswith(b"sum ")
        assert kernel.statistics().heap.overruns == 0
        kernel.check()
