"""Compiled code on disk, by the content of its program.

A file is called DIGEST-FINGERPRINT-CHECKSUM.code: of the program, of the engine, of the file itself. One that
a loss of power tore does not match its checksum, and is deleted and compiled anew. Compiled code is machine
code that runs outside the sandbox, so only what the same user wrote is read, as `DiskCache` has it.

No error of the file system leaves this module: without a cache everything works, later.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.disk_cache import VARIABLE, DiskCache
from hardtack.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.wasm.engine import Code, Engine

MAX_BYTES: Final = 1 << 30  # of the directory; what was used longest ago goes first
SUFFIX: Final = ".code"


def default_directory() -> Path | None:
    """Return $HARDTACK_CACHE, or ~/.cache/hardtack/modules; None if that is empty or there is no home."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    try:
        return Path.home() / ".cache" / "hardtack" / "modules"
    except RuntimeError:
        return None


class CodeCache(DiskCache):
    """The cache for engines with one fingerprint."""

    def __init__(self, fingerprint: str, directory: Path | None = None) -> None:
        self._fingerprint = fingerprint
        super().__init__(directory if directory is not None else default_directory(), SUFFIX)

    def load(self, engine: Engine, digest: str) -> Code | None:
        """Return the code for a program, or None. Damaged files are deleted."""
        for path in self.files(f"{digest}-{self._fingerprint}-*"):
            try:
                if _checksum(path) == path.stem.rpartition("-")[2]:
                    code = engine.load_code(os.fsencode(path))
                    os.utime(path)
                    return code
            except (OSError, ValueError, ProgramError) as error:
                self.problem = f"{path}: {error}"
            with contextlib.suppress(OSError):
                path.unlink()
        return None

    def save(self, code: Code, digest: str) -> None:
        """Keep the code for a program."""
        data = code.serialize() if self.directory is not None else b""
        self.write(f"{digest}-{self._fingerprint}-{zlib.crc32(data):08x}", data, MAX_BYTES)

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[tuple[int, Path]]:
        """Make a file to write code to, for `keep`; one that is not kept is gone afterwards.

        It is in the cache's directory, or, if there is none, in one of this process's own.

        Yields:
            Its descriptor and its path.
        """
        import tempfile  # it is slow to load, and who runs what was compiled before does without

        with contextlib.ExitStack() as stack:
            directory = self.directory
            if directory is None:
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hardtack-")))
            fd, name = tempfile.mkstemp(SUFFIX, ".new-", directory)
            stack.callback(_remove, name)
            stack.callback(os.close, fd)
            yield fd, Path(name)

    def keep(self, path: Path, digest: str) -> None:
        """Keep an unfinished file, which is whole now, as the code for a program."""
        if self.directory is not None:
            self.take(path, f"{digest}-{self._fingerprint}-{_checksum(path)}", MAX_BYTES)


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):  # it has another name now
        os.unlink(name)


def _checksum(path: Path) -> str:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return f"{zlib.crc32(data):08x}"
