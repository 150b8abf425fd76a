"""A directory of files that can be made again: written whole, bounded, read only if this user wrote them.

A file is written under another name and renamed, so others see it whole or not at all. Nobody waits for the
disk: after a loss of power a file may be torn, so whoever reads one checks what is in it, as `read_checked`
does for `write_checked`. The directory and the files must be the user's, and writable by no one else.

No error of the file system leaves this module: without a cache everything works, later.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import Final

VARIABLE: Final = "HARDTACK_CACHE"


def default_directory(name: str) -> Path | None:
    """Return the directory of one kind of files: in $HARDTACK_CACHE, else in ~/.cache/hardtack.

    None if the variable is empty, or if there is no home.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) / name if given else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hardtack" / name
    except RuntimeError:
        return None


class DiskCache:
    """One directory.

    Args:
        directory: where it is; None for no cache.
        suffix: of its files' names.

    Attributes:
        directory: where it is, or None if there is none.
        problem: why there is none, or why something could not be saved.
    """

    def __init__(self, directory: Path | None, suffix: str) -> None:
        self._suffix = suffix
        self.problem: str | None = None
        self.directory = directory
        self._used: int | None = None  # bytes of all files, as far as this process knows
        if directory is None:
            self.problem = f"{VARIABLE} is empty, or there is no home directory"
            return
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(directory.stat(), stat.S_ISDIR):
                self.problem = f"{directory} is another user's, or others may write to it"
        except OSError as error:
            self.problem = str(error)
        if self.problem is not None:
            self.directory = None

    def files(self, pattern: str) -> list[Path]:
        """Return the files that this user wrote, by a pattern of their names without the suffix."""
        if self.directory is None:
            return []
        found = []
        for path in sorted(self.directory.glob(f"{pattern}{self._suffix}")):
            with contextlib.suppress(OSError):  # another process pruned it
                if _is_ours(path.lstat(), stat.S_ISREG):
                    found.append(path)
        return found

    def read_checked(self, name: str) -> bytes | None:
        """Return what `write_checked` kept under a name, and count that as a use; None if it is not whole."""
        if self.directory is None:
            return None
        path = f"{self.directory}{os.sep}{name}{self._suffix}"
        try:
            if not _is_ours(os.lstat(path), stat.S_ISREG):
                return None
            with open(path, "rb") as file:
                checksum, _, data = file.read().partition(b"\n")
        except OSError:  # there is none, or another process pruned it
            return None
        if _checksum(data) != checksum:
            return None
        with contextlib.suppress(OSError):  # likewise
            os.utime(path)
        return data

    def write_checked(self, name: str, data: bytes, max_bytes: int) -> None:
        """Keep a file behind a checksum; as `write`."""
        self.write(name, _checksum(data) + b"\n" + data, max_bytes)

    def write(self, name: str, data: bytes, max_bytes: int) -> None:
        """Keep a file; its name is given without the suffix.

        Of other files, those used longest ago go, until all together have at most `max_bytes`, those aside
        that other processes write meanwhile.
        """
        import tempfile  # it is slow to load, and who finds all in the cache does without

        if self.directory is None:
            return
        target = self.directory / f"{name}{self._suffix}"
        try:
            fd, unfinished = tempfile.mkstemp(self._suffix, ".new-", self.directory)  # pruned, if we die here
            try:
                with open(fd, "wb") as file:
                    file.write(data)
                os.rename(unfinished, target)
            except BaseException:
                os.unlink(unfinished)
                raise
            self._used = None if self._used is None else self._used + len(data)
            if self._used is None or self._used > max_bytes:
                self._prune(self.directory, target, max_bytes)
        except OSError as error:
            self.problem = f"{target}: {error}"

    def take(self, path: Path, name: str, max_bytes: int) -> None:
        """Keep a file that was written in the directory under another name; as `write`."""
        if self.directory is None:
            return
        target = self.directory / f"{name}{self._suffix}"
        try:
            path.rename(target)
            self._prune(self.directory, target, max_bytes)
        except OSError as error:
            self.problem = f"{target}: {error}"

    def _prune(self, directory: Path, keep: Path, max_bytes: int) -> None:
        found = []
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.endswith(self._suffix):
                    with contextlib.suppress(OSError):  # another process pruned it
                        status = entry.stat()
                        found.append((status.st_mtime_ns, status.st_size, entry.name))
        total = sum(size for _, size, _ in found)
        for _, size, name in sorted(found):
            if total <= max_bytes:
                break
            if name != keep.name:
                with contextlib.suppress(OSError):
                    (directory / name).unlink()
                total -= size
        self._used = total


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _is_ours(status: os.stat_result, is_kind: object) -> bool:
    right_kind = callable(is_kind) and is_kind(status.st_mode)
    return right_kind and status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
