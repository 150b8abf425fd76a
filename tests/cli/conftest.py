"""The real command line, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardtack import run_python

# A shell starts its background jobs with Ctrl-C ignored, and programs that are started from here inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

HARDTACK = Path(sys.executable).parent / "hardtack"


@dataclass(frozen=True)
class Ending:
    status: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The one line on standard error."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        return lines[0]


class CommandLine:
    """Runs `hardtack` as a shell would; nothing of it may leave a traceback."""

    def __call__(self, *arguments: object, stdin: str = "", cwd: Path | None = None) -> Ending:
        done = subprocess.run(
            [HARDTACK, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=cwd,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ending(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, as a terminal's foreground job is in its process group."""
        return subprocess.Popen(
            [HARDTACK, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,  # type: ignore[call-overload]
        )


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture(scope="session")
def interpreter() -> None:
    """Have CPython compiled, which takes long where it was not yet."""
    run_python("pass")


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that are alive."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
