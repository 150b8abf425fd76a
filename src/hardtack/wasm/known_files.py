"""What content a file has, without reading it: the digests of files that were read whole before.

A file is known by what the file system says of it: device, inode, size, and the times of its last change of
content and of state. The last one no program can set, so a file that was written since is never taken for
what it was; one that changed within SETTLED_NS of being read is not remembered, since the clock may not tell
the two apart. Whoever can set that clock, or write to the device below, could write to this directory too.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from hardtack.disk_cache import DiskCache
from hardtack.wasm.code_cache import default_directory

if TYPE_CHECKING:
    import os
    from pathlib import Path

SUFFIX: Final = ".known"
MAX_BYTES: Final = 64 * 1024  # of all of them: a thousand files
SETTLED_NS: Final = 2_000_000_000
_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")


class KnownFiles(DiskCache):
    """Digests (SHA-256, in hex) of files, kept on disk."""

    def __init__(self, directory: Path | None = None) -> None:
        super().__init__(directory if directory is not None else default_directory(), SUFFIX)

    def digest(self, status: os.stat_result) -> str | None:
        """Return the digest of a file's content, or None."""
        for path in self.files(_identity(status)):
            try:
                content = path.read_bytes()
            except OSError as error:
                self.problem = f"{path}: {error}"
                continue
            if _DIGEST.fullmatch(content):
                return content.decode()
        return None

    def remember(self, before: os.stat_result, after: os.stat_result, digest: str) -> None:
        """Keep the digest of what was read between two looks at a file, if it did not change about then."""
        settled = before.st_ctime_ns + SETTLED_NS < time.time_ns()
        if settled and _identity(before) == _identity(after):
            self.write(_identity(before), digest.encode(), MAX_BYTES)


def _identity(status: os.stat_result) -> str:
    return "-".join(
        f"{number:x}"
        for number in (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
    )
