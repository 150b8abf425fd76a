"""A real pseudo-terminal with a command on it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from .conftest import HARDTACK


class Terminal:
    """The side of the person who types. The command has the terminal as its controlling one."""

    def __init__(self, *arguments: object, cwd: Path | None = None) -> None:
        self.fd, other = pty.openpty()
        self.child = subprocess.Popen(
            ["setsid", "--ctty", "--wait", str(HARDTACK), *map(str, arguments)],
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=cwd,
        )
        os.close(other)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Return what appears up to a pattern, with it; what comes behind is kept."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
                return before
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} does not come; there is {self.seen!r}"
            self.seen += self._more()

    def _more(self) -> str:
        try:
            more = os.read(self.fd, 65536).decode()
        except OSError:  # the command has ended
            more = ""
        assert more, f"it ended with {self.seen!r}"
        return more

    def end(self) -> int:
        """Return the exit status."""
        status = self.child.wait(60)
        os.close(self.fd)
        return status
