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

import os
import sqlite3
import stat
from array import array
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from hardtack.annotations import assume_bound
from hardtack.errors import KernelError, WrongSize
from hardtack.kernel.descriptions import Broken
from hardtack.kernel.disk_failures import DAMAGED, FAILURES, MALFORMED, reason_of
from hardtack.kernel.disk_log import DiskLog
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
    PAIR,
    PARENT,
    SCHEMA,
    SIZE,
    SPACE,
)
from hardtack.kernel.host_paths import sync_name
from hardtack.kernel.params import COMMIT_CHANGES, DISK_PAGE, KIB, MAX_FILE
from hardtack.units import format_bytes

if TYPE_CHECKING:
    from annotated_types import MaxLen

    from hardtack.heap import Heap
    from hardtack.kernel.disk_failures import Reason
    from hardtack.kernel.disk_rows import NameRow, Pair, Row
    from hardtack.kernel.ranges import Count, Long, Position, Transfer

    Value: TypeAlias = int | bytes | bytearray
    PageBytes: TypeAlias = Annotated[bytes, MaxLen(DISK_PAGE)]

DATABASE_PAGE: Final = 4096  # bytes
CACHE_BYTES: Final = 1024 * KIB  # of SQLite's own page cache
SQLITE_BYTES: Final = 4 * 1024 * KIB  # the most that SQLite allocates for one file system: held by a test
LEAST_SIZE: Final = 256 * KIB  # of a disk: its tables, and room for a step
_LOG_PAGES: Final = 512  # of the write-ahead log until it is brought into the file
_MARGIN_PAGES: Final = 16  # of the database that are never given away: what splits of its trees take
_CHECKED_AGAIN: Final = 64  # database pages that may be taken until they are counted again

_ALONE: Final = "PRAGMA locking_mode=EXCLUSIVE"  # no other comes in, and SQLite needs no shared memory
_SETTINGS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=OFF",  # else what is freed is written once more, as zeros
    f"PRAGMA cache_size=-{CACHE_BYTES // KIB}",
    f"PRAGMA wal_autocheckpoint={_LOG_PAGES}",
    f"PRAGMA journal_size_limit={2 * _LOG_PAGES * DATABASE_PAGE}",
    "PRAGMA mmap_size=0",
    "PRAGMA cell_size_check=ON",
    "PRAGMA trusted_schema=OFF",
)


class Disk:
    """A database that is open, and its transaction.

    Attributes:
        heap: what Python allocates for it is charged here.
        path: of its file.
        size: the most bytes of its file, its write-ahead log aside.
        commits: how many there were.
    """

    __slots__ = (
        "_changes", "_connection", "_cursor", "_free", "_log", "broken", "commits", "heap", "path", "size",
    )  # fmt: skip

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
        self.size: Position = size
        self._changes = array("q", [0])  # no int of its own, so that counting takes no memory
        self.commits: Count = 0
        self._free = array("q", [0])  # likewise
        self.broken: Reason | None = None
        with heap:
            whole = os.path.abspath(path)  # SQLite has names for databases that are no files
            made = _check_file(whole, path)
            try:
                self._connection = sqlite3.connect(
                    whole, timeout=0, isolation_level=None, check_same_thread=False
                )
            except FAILURES as error:
                raise KernelError(f"{path}: {reason_of(error)}") from None
            try:
                self._cursor = self._connection.cursor()
                self._begin()
                self._log = DiskLog(f"{os.path.realpath(whole)}-wal")  # SQLite follows links, too
            except FAILURES as error:
                self._connection.close()
                raise KernelError(f"{path}: {reason_of(error)}") from None
            except BaseException:
                self._connection.close()
                raise
            if made:
                sync_name(whole)

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
            return
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    # -- statements. What stays of one (its columns' names) is in the heap; the row is the caller's.
    def inode(self, statement: str, values: tuple[Value, ...]) -> Row | None:
        """Return an inode's row, or None: what a query for one finds.

        Raises:
            Broken: the host's disk failed, now or before; or the row is none that was ever written.
        """
        try:
            self._query(statement, values)
            row = self._fetch_row()
            if row is None:
                return None
            INODE.pack(*row)  # whole numbers, each in its range
            if row[KIND] in KINDS and row[SIZE] <= MAX_FILE and max(row[NUMBER], row[PARENT]) < MOST_INODES:
                return row
            reason = DAMAGED
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)  # out of the handler: what was caught is gone

    @assume_bound("1000", returned="640", retained="0")
    def _fetch_row(self) -> Row | None:
        row: Row | None = self._cursor.fetchone()
        return row

    def pair(self, statement: str, values: tuple[Value, ...]) -> Pair | None:
        """Return the two numbers that a query finds, or None without a row.

        Raises:
            Broken: the host's disk failed, now or before; or they are none.
        """
        try:
            self._query_few(statement, values)
            row = self._fetch_pair()
            if row is not None:
                PAIR.pack(*row)
            return row
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    @assume_bound("300", returned="160", retained="0")
    def _fetch_pair(self) -> Pair | None:
        row: Pair | None = self._cursor.fetchone()
        return row

    def list_names(self, directory: Long, begin: Position) -> None:
        """Begin to list a directory's names from a cookie on, in their order: see `next_name`.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        try:
            self._query(LIST, (directory, begin))
            return
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    def next_name(self) -> NameRow | None:
        """Return the next name of the listing that was begun just before, or None at its end.

        Raises:
            Broken: the host's disk failed; or a row is none that was ever written.
        """
        try:
            row = self._fetch_name()
            if row is None:
                return None
            NAME.pack(row[0], row[2], row[3])
            if row[1] is not None and row[3] in KINDS:
                return row
            reason = DAMAGED
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    @assume_bound("1000", returned="640", retained="0")
    def _fetch_name(self) -> NameRow | None:
        row: NameRow | None = self._cursor.fetchone()
        return row

    def blob(self, statement: str, key: Long, most: Transfer) -> PageBytes | None:
        """Return the bytes that a row has, or None without a row; `most` is what the statement lets pass.

        Raises:
            Broken: the host's disk failed, now or before; or they are more than were ever written.
        """
        try:
            self._query_few(statement, (key,))
            return self._fetch_bytes(most)
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    def blob_aside(self, statement: str, key: Long, most: Transfer) -> PageBytes | None:
        """As blob, where what stays of the statement is not to be in the heap either.

        Raises:
            Broken: as blob.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            self._cursor.execute(statement, (key,))
            return self._fetch_bytes(most)
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    @assume_bound("5/4*most + 1000", returned="5/4*most + 64", retained="0")
    def _fetch_bytes(self, most: Transfer) -> PageBytes | None:
        row: tuple[PageBytes | None] | None = self._cursor.fetchone()
        if row is None:
            return None
        if row[0] is None:
            raise sqlite3.DatabaseError(MALFORMED)
        return row[0]

    def number(self, statement: str) -> Long:
        """Return the number that a query finds; 0 for none.

        Raises:
            Broken: the host's disk failed, now or before; or it is none.
        """
        row = self.pair(statement, ())
        if row is None or not 0 <= row[0] < MOST_INODES:
            raise self.damaged()
        return row[0]

    def damaged(self) -> Broken:
        """Remember that what was read was never written."""
        return self._end(DAMAGED)

    def rows(self, statement: str, values: tuple[Value, ...]) -> list[tuple[int, ...]]:
        """Return all rows that a query finds, whatever they take: for a check of everything.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            self.heap.run(self._cursor.execute, statement, values)
            rows: list[tuple[int, ...]] = self._cursor.fetchall()
            return rows
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    def change(self, statement: str, values: tuple[Value, ...]) -> Count:
        """Change rows, as a part of the transaction; return how many.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        try:
            changed = self._run(statement, values)
            self._changes[0] += changed
            return changed
        except FAILURES as error:
            reason = reason_of(error)
        raise self._end(reason)

    @property
    def changes(self) -> int:
        """Return how many rows were changed since the last commit."""
        return self._changes[0]

    def _query(self, statement: str, values: tuple[Value, ...]) -> None:
        if self.broken is not None:
            raise Broken(self.broken)
        self._execute(statement, values)

    def _query_few(self, statement: str, values: tuple[Value, ...]) -> None:
        """As _query, for two columns at most: there is less to describe."""
        if self.broken is not None:
            raise Broken(self.broken)
        self._execute_few(statement, values)

    @assume_bound("900", returned="0", retained="0", replaced="640")
    def _execute_few(self, statement: str, values: tuple[Value, ...]) -> None:
        self.heap.run(self._cursor.execute, statement, values)

    @assume_bound("2400", returned="0", retained="0", replaced="2000")
    def _execute(self, statement: str, values: tuple[Value, ...]) -> None:
        self.heap.run(self._cursor.execute, statement, values)  # which describes its columns

    @assume_bound("600", returned="32", retained="0")
    def _run(self, statement: str, values: tuple[Value, ...]) -> Count:
        self.heap.run(self._cursor.execute, statement, values)
        changed: int = self._cursor.rowcount
        return changed

    @assume_bound("600", returned="0", retained="0")
    def _end_transaction(self) -> None:
        run, execute = self.heap.run, self._cursor.execute
        run(execute, "COMMIT")
        run(execute, "BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make all that was changed durable, and begin anew; blocks until the host's disk has it.

        Raises:
            Broken: the host's disk failed, now or before; what was changed is lost.
        """
        if self.broken is not None:
            raise Broken(self.broken)
        if not self._changes[0]:
            return
        try:
            self._end_transaction()
        except FAILURES as error:
            reason = reason_of(error)
        else:
            self._changes[0] = 0
            with self.heap:
                self.commits += 1
                self._log.keep_ahead()
            return
        raise self._end(reason)

    @property
    def full(self) -> bool:
        """Tell whether the transaction is as large as one may be: whoever changes more commits first."""
        return self._changes[0] >= COMMIT_CHANGES

    def take(self, pages: int) -> bool:
        """Tell whether so many pages of the database can be taken for something new, and take them.

        The figure is an upper bound, and put right from time to time. What is in nobody's row yet must have
        been taken before: `refresh` forgets it.
        """
        free = self._free
        if free[0] < pages:
            return False
        free[0] -= pages
        return True

    def refresh(self) -> None:
        """Count the free pages anew: all that was taken is in rows now.

        Raises:
            Broken: the host's disk failed, now or before.
        """
        found = self.pair(SPACE, ())
        assert found is not None
        left = self.size // DATABASE_PAGE - _MARGIN_PAGES - found[0] + found[1]
        self._free[0] = left if left <= _CHECKED_AGAIN else max(_CHECKED_AGAIN, left // 2)

    def _end(self, reason: Reason) -> Broken:
        """Remember that the disk is broken, and why."""
        self.broken = reason
        self._close()
        return Broken(reason)

    def _close(self) -> None:
        self._log.close()
        try:
            self._cursor.close()  # its statement would keep the connection, and so the file's lock
            self._connection.close()
        except FAILURES as error:
            error.__traceback__ = None

    @property
    def failure(self) -> str | None:
        """Why it is broken, with its path, for the host; or None."""
        return None if self.broken is None else f"{self.path}: {self.broken}"

    def close(self) -> None:
        """Close it; what was not committed is lost. A second call does nothing."""
        self._close()
        self.broken = self.broken or "it is closed"


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
