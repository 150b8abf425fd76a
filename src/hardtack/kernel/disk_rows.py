"""The tables of a durable file system's database, and the statements on them."""

from __future__ import annotations

from struct import Struct
from typing import Final, TypeAlias

from hardtack.kernel import abi

Row: TypeAlias = "tuple[int, ...]"

FORMAT: Final = 2
APPLICATION: Final = 0x4861_7264  # "Hard": in the database's header, whose file it is

SCHEMA: Final = (
    # links: names that lead to it; 0: it is only open any more; -1: nobody can reach it
    "CREATE TABLE inode (number INTEGER PRIMARY KEY, kind INTEGER, links INTEGER, size INTEGER,"
    " atime INTEGER, mtime INTEGER, ctime INTEGER, parent INTEGER, payer INTEGER, held INTEGER, target BLOB)",
    "CREATE INDEX unreachable ON inode (links) WHERE links <= 0",
    "CREATE TABLE name (directory INTEGER, cookie INTEGER, name BLOB, inode INTEGER, kind INTEGER,"
    " PRIMARY KEY (directory, cookie)) WITHOUT ROWID",
    # its size: how many names were ever made; its payer: how many numbers were given to those who pay
    "INSERT INTO inode VALUES (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, x'')",
    "CREATE UNIQUE INDEX by_name ON name (directory, name)",
    "CREATE TABLE page (place INTEGER PRIMARY KEY, data BLOB)",  # place: see page_cache
    f"PRAGMA application_id={APPLICATION}",
    f"PRAGMA user_version={FORMAT}",
)
NUMBER, KIND, LINKS, SIZE, ATIME, MTIME, CTIME, PARENT, PAYER, HELD = range(10)  # columns of a row
INODE: Final = Struct("<QBqQQQQQQQ")  # what the columns can be
NAME: Final = Struct("<QQ")  # a name's cookie and inode
KINDS: Final = (abi.DIRECTORY, abi.REGULAR_FILE, abi.SYMBOLIC_LINK, abi.UNKNOWN)
MOST_INODES: Final = 1 << 36  # ever made: a page's place is a number of 63 bits
_COLUMNS: Final = "i.number, i.kind, i.links, i.size, i.atime, i.mtime, i.ctime, i.parent, i.payer, i.held"
FIND: Final = (
    f"SELECT {_COLUMNS} FROM name n JOIN inode i ON i.number = n.inode WHERE n.directory = ? AND n.name = ?"
)
BY_NUMBER: Final = f"SELECT {_COLUMNS} FROM inode i WHERE i.number = ?"
TARGET: Final = "SELECT target FROM inode WHERE number = ?"
ANY_NAME: Final = "SELECT 1 FROM name WHERE directory = ? LIMIT 1"
LIST: Final = (
    "SELECT cookie, name, inode, kind FROM name WHERE directory = ? AND cookie >= ? ORDER BY cookie LIMIT 8"
)
NEW_INODE: Final = "INSERT INTO inode VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)"
NEW_NAME: Final = "INSERT INTO name VALUES (?, ?, ?, ?, ?)"
NO_NAME: Final = "DELETE FROM name WHERE directory = ? AND name = ?"
NUMBERS: Final = "SELECT max(number) FROM inode"
COUNTED: Final = "SELECT size FROM inode WHERE number = 0"
COUNT: Final = "UPDATE inode SET size = ? WHERE number = 0"
PAYERS: Final = "SELECT payer FROM inode WHERE number = 0"
SAVE_PAYERS: Final = "UPDATE inode SET payer = ? WHERE number = 0"
SAVE: Final = (
    "UPDATE inode SET links = ?, size = ?, atime = ?, mtime = ?, ctime = ?, parent = ?, payer = ?, held = ?"
    " WHERE number = ?"
)
PAGE: Final = "SELECT data FROM page WHERE place = ?"
PAGE_SIZE: Final = "SELECT length(data) FROM page WHERE place = ?"
SAVE_PAGE: Final = "INSERT INTO page VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET data = excluded.data"
LAST_PAGES: Final = (  # one row for all of them: what a cut takes of the heap does not grow with their number
    "SELECT min(place), coalesce(sum(size), 0) FROM (SELECT place, length(data) AS size FROM page "
    "WHERE place >= ? AND place < ? ORDER BY place DESC LIMIT ?)"
)
NO_PAGES: Final = "DELETE FROM page WHERE place >= ? AND place < ?"
UNREACHABLE: Final = "SELECT number FROM inode WHERE links < 0 LIMIT 1"
NO_INODE: Final = "DELETE FROM inode WHERE number = ?"
LEFT_OPEN: Final = (
    "UPDATE inode SET links = -1 WHERE number IN (SELECT number FROM inode WHERE links = 0 LIMIT 256)"
)
STATEMENTS: Final = (
    FIND, BY_NUMBER, TARGET, ANY_NAME, LIST, NEW_INODE, NEW_NAME, NO_NAME, SAVE, COUNT, PAGE, SAVE_PAGE,
    PAGE_SIZE, SAVE_PAYERS, LAST_PAGES, NO_PAGES, UNREACHABLE, NO_INODE, LEFT_OPEN, "PRAGMA page_count",
    "PRAGMA freelist_count",
)  # fmt: skip
