"""A kernel's durable disk, as callers see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hardtack import Kernel, KernelError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fs.db"


def test_what_a_program_wrote_is_there_for_another_kernel(path: Path) -> None:
    with Kernel(heap="16 MiB", disk=path) as kernel:
        assert kernel.run("/bin/sh", ["-c", "echo biscuit > /disk/file"]).exit_code == 0
    with Kernel(heap="16 MiB", disk=path, disk_name="/store") as kernel:
        assert kernel.run("/bin/cat", ["/store/file"]).stdout == b"biscuit\n"
        kernel.check()


KILLED = """
import os, signal, sys
from hardtack import Kernel
kernel = Kernel(heap="16 MiB", disk=sys.argv[1])
assert kernel.run("/bin/sh", ["-c", "echo biscuit > /disk/file"]).exit_code == 0
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_done_when_run_returned_is_there_although_the_process_was_killed_then(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert done.returncode == -signal.SIGKILL
    with Kernel(heap="16 MiB", disk=path) as kernel:
        assert kernel.run("/bin/cat", ["/disk/file"]).stdout == b"biscuit\n"
    assert os.listdir(path.parent) == ["fs.db"]


def test_a_second_kernel_is_refused_until_the_first_is_closed(path: Path) -> None:
    with Kernel(heap="16 MiB", disk=path):
        with pytest.raises(KernelError, match="another kernel, or another program, has it open"):
            Kernel(heap="16 MiB", disk=path)
        with Kernel(heap="16 MiB", disk=path.with_name("other.db")):
            pass
    with Kernel(heap="16 MiB", disk=path):
        pass


def test_a_disk_has_a_size(path: Path) -> None:
    with Kernel(heap="16 MiB", disk=path, disk_size="512 KiB") as kernel:
        result = kernel.run("/bin/sh", ["-c", "cat > /disk/file"], stdin=bytes(1 << 20))
        assert b"space" in result.stderr
    assert path.stat().st_size <= 512 * 1024


def test_its_books_are_among_the_kernels(path: Path) -> None:
    with Kernel(heap="16 MiB") as kernel:
        assert kernel.statistics().disk is None
    with Kernel(heap="16 MiB", disk=path) as kernel:
        kernel.run("/bin/sh", ["-c", "echo biscuit > /disk/file; cat /disk/file"])
        books = kernel.statistics().disk
        assert books is not None
        assert books.commits >= 1
        assert books.hits >= 1
        assert books.heap.capacity == 2 << 20
        assert books.broken is None


def test_a_kernel_without_a_disk_does_not_load_sqlite() -> None:
    program = "import sys, hardtack; hardtack.Kernel(heap='16 MiB').close(); print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
