"""Compiled code on disk, by the content of its program.

A file is called DIGEST-FINGERPRINT-CHECKSUM.code: of the program, of the engine, of the file itself. It is
written under another name and renamed, so others see it whole or not at all. Nobody waits for the disk: a
file that a loss of power tore does not match its checksum, and such a file is deleted and compiled anew.
Compiled code is machine code that runs outside the sandbox, so only what the same user wrote is read: the
directory and the files must be the user's, and writable by no one else.

No error of the file system leaves this module: without a cache everything works, later.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardtack.errors import ProgramError

if TYPE_CHECKING:
    from hardtack.wasm.engine import Code, Engine

MAX_BYTES: Final = 1 << 30  # of the directory; what was used longest ago goes first
SUFFIX: Final = ".code"
VARIABLE: Final = "HARDTACK_CACHE"


def default_directory() -> Path | None:
    """Return $HARDTACK_CACHE, or ~/.cache/hardtack/modules; None if that is empty or there is no home."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    try:
        return Path.home() / ".cache" / "hardtack" / "modules"
    except RuntimeError:
        return None


class CodeCache:
    """The cache for engines with one fingerprint.

    Attributes:
        directory: where it is, or None if there is none.
        problem: why there is none, or why something could not be saved.
    """

    def __init__(self, fingerprint: str, directory: Path | None = None) -> None:
        self._fingerprint = fingerprint
        self.problem: str | None = None
        self.directory = directory if directory is not None else default_directory()
        if self.directory is None:
            self.problem = f"{VARIABLE} is empty, or there is no home directory"
            return
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(self.directory.stat(), stat.S_ISDIR):
                self.problem = f"{self.directory} is another user's, or others may write to it"
        except OSError as error:
            self.problem = str(error)
        if self.problem is not None:
            self.directory = None

    def load(self, engine: Engine, digest: str) -> Code | None:
        """Return the code for a program, or None. Damaged files are deleted."""
        for path in self._entries(digest):
            try:
                if not _is_ours(path.lstat(), stat.S_ISREG):
                    continue
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
        if self.directory is None:
            return
        data = code.serialize()
        target = self.directory / f"{digest}-{self._fingerprint}-{zlib.crc32(data):08x}{SUFFIX}"
        try:
            fd, unfinished = tempfile.mkstemp(SUFFIX, ".new-", self.directory)  # pruned, if we die here
            try:
                with open(fd, "wb") as file:
                    file.write(data)
                os.rename(unfinished, target)
            except BaseException:
                os.unlink(unfinished)
                raise
            self._prune(keep=target)
        except OSError as error:
            self.problem = f"{target}: {error}"

    def _entries(self, digest: str) -> list[Path]:
        if self.directory is None:
            return []
        return sorted(self.directory.glob(f"{digest}-{self._fingerprint}-*{SUFFIX}"))

    def _prune(self, keep: Path) -> None:
        assert self.directory is not None
        found = []
        for path in self.directory.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):  # another process pruned it
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= MAX_BYTES:
                break
            if path != keep:
                with contextlib.suppress(OSError):
                    path.unlink()
                total -= size


def _is_ours(status: os.stat_result, is_kind: object) -> bool:
    right_kind = callable(is_kind) and is_kind(status.st_mode)
    return right_kind and status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _checksum(path: Path) -> str:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return f"{zlib.crc32(data):08x}"
