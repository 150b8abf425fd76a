"""The database of a durable file system: one file of the host, through SQLite.

It owns the connection, the statements' cursor and the transaction that is always open; it knows inodes, names
and pages as rows alone. Everything that changes goes into the open transaction, which `commit` ends: so after
a crash the database is as it was at some commit, and the last one that was completed is among them. SQLite
keeps that promise with a write-ahead log beside the file (FILE-wal), each commit of which is synced; it is
there while a kernel is at work, and after a crash, when it belongs to the file and is to be moved with it.

What Python allocates here is in the file system's heap. What SQLite itself allocates is not: it is malloc's,
past CPython's hooks. It is bounded by the settings below (its page cache is CACHE_BYTES, nothing of it is
mapped, no temporary table grows): a test runs a workload where SQLite may allocate SQLITE_BYTES altogether.

An error of the host's disk ends the file system until it is opened anew: `Broken` is raised from then on,
which guests meet as EIO. What was committed before is kept.

Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html (SQLite 3.40).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from hardtack.errors import KernelError, WrongSize
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.disk_rows import (
    APPLICATION,
    FORMAT,
    INODE,
    KIND,
    KINDS,
    LIST,
    MOST_INODES,
    NAME,
    NUMBER,
    SCHEMA,
    SIZE,
)
from hardtack.kernel.params import COMMIT_CHANGES, KIB, MAX_FILE, NAME_MAX
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from hardtack.heap import Heap
    from hardtack.kernel.disk_rows import Row

Value: TypeAlias = "int | bytes | bytearray"

DATABASE_PAGE: Final = 4096  # bytes
CACHE_BYTES: Final = 1024 * KIB  # of SQLite's own page cache
SQLITE_BYTES: Final = 4 * 1024 * KIB  # the most that SQLite allocates for one file system: held by a test
LEAST_SIZE: Final = 256 * KIB  # of a disk: its tables, and room for a step
_LOG_PAGES: Final = 1024  # of the write-ahead log until it is brought into the file
_MARGIN_PAGES: Final = 16  # of the database that are never given away: what splits of its trees take
_CHECKED_AGAIN: Final = 64  # database pages that may be taken until they are counted again

_ALONE: Final = "PRAGMA locking_mode=EXCLUSIVE"  # no other comes in, and SQLite needs no shared memory
_SETTINGS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA cache_size=-{CACHE_BYTES // KIB}",
    f"PRAGMA wal_autocheckpoint={_LOG_PAGES}",
    f"PRAGMA journal_size_limit={2 * _LOG_PAGES * DATABASE_PAGE}",
    "PRAGMA mmap_size=0",
    "PRAGMA cell_size_check=ON",
    "PRAGMA trusted_schema=OFF",
)
_FAILURES: Final = (
    sqlite3.Error,
    UnicodeDecodeError,
    OverflowError,
)  # damaged files have SQLite say odd things
_ERRORS: Final = (
    ("locked", "another kernel, or another program, has it open"),
    ("readonly", "it cannot be written"),
    ("not a database", "it is no file system of hardtack's"),
    ("malformed", "it is damaged"),
    ("decode", "it is damaged"),
    ("too large", "it is damaged"),
    ("unable to open", "it cannot be opened"),
    ("disk I/O error", "the host's disk has an error"),
    ("is full", "the host's disk is full"),
)


class Disk:
    """A database that is open, and its transaction.

    Attributes:
        heap: what Python allocates for it is charged here.
        path: of its file.
        size: the most bytes of its file, its write-ahead log aside.
        changes: rows changed since the last commit.
        commits: how many there were.
    """

    __slots__ = ("_connection", "_cursor", "_free", "broken", "changes", "commits", "heap", "path", "size")

    def __init__(self, heap: Heap, path: str, size: int) -> None:
        """Open a database, or make it; blocks for as long as the host's disk does.

        Raises:
            KernelError: it cannot be opened, and why.
        """
        if size < LEAST_SIZE:
            raise WrongSize(
                f"{path}: a disk of {format_bytes(size)} is too small: "
                f"the least is {format_bytes(LEAST_SIZE)}"
            )
        self.heap = heap
        self.path = path
        self.size = size
        self.changes = self.commits = self._free = 0
        self.broken: str | None = None
        with heap:
            whole = os.path.abspath(path)  # SQLite has names for databases that are no files
            made = _check_file(whole, path)
            try:
                self._connection = sqlite3.connect(
                    whole, timeout=0, isolation_level=None, check_same_thread=False
                )
            except _FAILURES as error:
                raise KernelError(f"{path}: {_reason(error)}") from None
            try:
                self._cursor = self._connection.cursor()
                self._begin()
            except _FAILURES as error:
                self._connection.close()
                raise KernelError(f"{path}: {_reason(error)}") from None
            except BaseException:
                self._connection.close()
                raise
            if made:
                _sync_directory(whole)

    def _begin(self) -> None:
        execute = self._cursor.execute
        execute(_ALONE).fetchall()
        execute(f"PRAGMA page_size={DATABASE_PAGE}")
        application = execute("PRAGMA application_id").fetchone()[0]
        version = execute("PRAGMA user_version").fetchone()[0]
        new = execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0 and not application
        if not new and application != APPLICATION:
            raise KernelError(f"{self.path}: it is a database, but no file system of hardtack's")
        if not new and version != FORMAT:
            raise KernelError(
                f"{self.path}: it is of format {version}; this version of hardtack knows {FORMAT}"
            )
        for setting in _SETTINGS:
            execute(setting).fetchall()
        execute("BEGIN IMMEDIATE")
        if new:
            for statement in SCHEMA:
                execute(statement)
            execute("COMMIT")
            execute("BEGIN IMMEDIATE")

    def warm(self, statements: tuple[str, ...]) -> None:
        """Prepare statements, so that no call pays for that; each is run, with values that match nothing.

        Raises:
            Broken: the host's disk failed.
        """
        try:
            with self.heap:
                self._cursor.execute("SAVEPOINT warm")
                for statement in statements:
                    self._cursor.execute(statement, (-1,) * statement.count("?")).fetchall()
                self._cursor.execute("ROLLBACK TO warm")
                self._cursor.execute("RELEASE warm")
        except _FAILURES as error:
            raise self._break(error) from None

    # -- statements. What stays of one (its columns' names) is in the heap; the row is the caller's.
    def row(self, statement: str, values: tuple[Value, ...]) -> Row | None:
        """Return the one row that a query finds, or None.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            self.heap.run(self._cursor.execute, statement, values)
            row: Row | None = self._cursor.fetchone()
        except _FAILURES as error:
            raise self._break(error) from None
        return row

    def inode(self, statement: str, values: tuple[Value, ...]) -> Row | None:
        """Return an inode's row, or None: what a query for one finds.

        Raises:
            Broken: the host's disk failed, now or before; or the row is none that was ever written.
        """
        row = self.row(statement, values)
        if row is not None:
            try:
                INODE.pack(*row)  # whole numbers, each in its range
            except struct.error:
                raise self.damaged() from None
            if row[KIND] not in KINDS or row[SIZE] > MAX_FILE or row[NUMBER] >= MOST_INODES:
                raise self.damaged()
        return row

    def names(self, directory: int, begin: int) -> list[tuple[int, bytes, int, int]]:
        """Return some of a directory's names from a cookie on, each with (cookie, name, inode, kind).

        Raises:
            Broken: the host's disk failed, now or before; or a row is none that was ever written.
        """
        found: list[tuple[int, bytes, int, int]] = []
        for cookie, name, number, kind in self.rows(LIST, (directory, begin)):
            if not isinstance(name, bytes) or len(name) > NAME_MAX or kind not in KINDS:
                raise self.damaged()
            try:
                NAME.pack(cookie, number)
            except struct.error:
                raise self.damaged() from None
            found.append((cookie, name, number, kind))
        return found

    def blob(self, statement: str, key: int, most: int) -> bytes | None:
        """Return the bytes that a row has, or None without a row.

        Raises:
            Broken: the host's disk failed, now or before; or they are more than were ever written.
        """
        row = self.row(statement, (key,))
        if row is None:
            return None
        data: object = row[0]
        if not isinstance(data, bytes) or len(data) > most:
            raise self.damaged()
        return data

    def number(self, statement: str) -> int:
        """Return the number that a query finds; 0 for none.

        Raises:
            Broken: the host's disk failed, now or before; or it is none.
        """
        row = self.row(statement, ())
        if row is None or not 0 <= (row[0] or 0) < MOST_INODES:
            raise self.damaged()
        return row[0] or 0

    def damaged(self) -> Broken:
        """Remember that what was read was never written."""
        return self._break(sqlite3.DatabaseError("malformed"))

    def rows(self, statement: str, values: tuple[Value, ...]) -> list[Row]:
        """Return the rows that a query finds; its LIMIT bounds them.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            self.heap.run(self._cursor.execute, statement, values)
            rows: list[Row] = self._cursor.fetchall()
        except _FAILURES as error:
            raise self._break(error) from None
        return rows

    def change(self, statement: str, values: tuple[Value, ...]) -> int:
        """Change rows, as a part of the transaction; return how many.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            self.heap.run(self._cursor.execute, statement, values)
            changed: int = self._cursor.rowcount
        except _FAILURES as error:
            raise self._break(error) from None
        with self.heap:
            self.changes += max(changed, 0)
        return changed

    def commit(self) -> None:
        """Make all that was changed durable, and begin anew; blocks until the host's disk has it.

        Raises:
            Broken: the host's disk failed, now or before; what was changed is lost.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        if not self.changes:
            return
        try:
            self.heap.run(self._cursor.execute, "COMMIT")
            self.heap.run(self._cursor.execute, "BEGIN IMMEDIATE")
        except _FAILURES as error:
            raise self._break(error) from None
        with self.heap:
            self.changes = 0
            self.commits += 1

    @property
    def full(self) -> bool:
        """Tell whether the transaction is as large as one may be: whoever changes more commits first."""
        return self.changes >= COMMIT_CHANGES

    def take(self, pages: int) -> bool:
        """Tell whether so many pages of the database can be taken for something new, and take them.

        The figure is an upper bound, and put right from time to time. What is in nobody's row yet must have
        been taken before: `refresh` forgets it.
        """
        if self._free < pages:
            return False
        with self.heap:
            self._free -= pages
        return True

    def refresh(self) -> None:
        """Count the free pages anew: all that was taken is in rows now.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        count = self.row("PRAGMA page_count", ())
        unused = self.row("PRAGMA freelist_count", ())
        assert count is not None
        assert unused is not None
        with self.heap:
            left = self.size // DATABASE_PAGE - _MARGIN_PAGES - count[0] + unused[0]
            self._free = left if left <= _CHECKED_AGAIN else max(_CHECKED_AGAIN, left // 2)

    def _break(self, error: Exception) -> Broken:
        """Remember that the disk is broken, and why."""
        error.__traceback__ = None
        with self.heap:
            self.broken = f"{self.path}: {_reason(error)}"
        self._close()
        return Broken(self.broken)

    def _close(self) -> None:
        with contextlib.suppress(*_FAILURES):
            self._cursor.close()  # its statement would keep the connection, and so the file's lock
            self._connection.close()

    def close(self) -> None:
        """Close it; what was not committed is lost. A second call does nothing."""
        self._close()
        with self.heap:
            self.broken = self.broken or f"{self.path}: it is closed"


def _check_file(path: str, name: str) -> bool:
    """Tell whether a file is still to be made.

    Raises:
        KernelError: what is there is no regular file, or there is no directory to make it in.
    """
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            raise KernelError(f"{name}: there is no directory {parent}") from None
        return True
    except (OSError, ValueError) as error:
        raise KernelError(f"{name}: {error.strerror if isinstance(error, OSError) else error}") from None
    if not stat.S_ISREG(kind):
        raise KernelError(f"{name}: it is not a regular file")
    return False


def _sync_directory(path: str) -> None:
    """Make a new file's name durable."""
    fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _reason(error: Exception) -> str:
    text = str(error)
    for part, reason in _ERRORS:
        if part in text:
            return reason
    return text
