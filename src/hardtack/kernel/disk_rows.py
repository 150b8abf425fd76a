"""The tables of a durable file system's database, and the statements on them."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias

from hardtack.kernel import abi
from hardtack.kernel.params import DISK_PAGE, NAME_MAX, PATH_MAX

if TYPE_CHECKING:
    from hardtack.kernel.ranges import Name, Signed

# What queries find: an inode; two numbers; a name as (cookie, name, inode, kind).
Row: TypeAlias = "tuple[Signed, Signed, Signed, Signed, Signed, Signed, Signed, Signed, Signed, Signed]"
Pair: TypeAlias = "tuple[Signed, Signed]"
NameRow: TypeAlias = "tuple[Signed, Name, Signed, Signed]"


def _whole(column: str) -> str:
    """Return an expression for a column that is no number in a file that was damaged: it gives NULL then."""
    return f"CASE WHEN typeof({column}) = 'integer' THEN {column} END"


def _bytes(column: str, most: int) -> str:
    """Return one for a column of so many bytes at most, so that nothing longer is ever read."""
    return f"CASE WHEN typeof({column}) = 'blob' AND length({column}) <= {most} THEN {column} END"


FORMAT: Final = 2
APPLICATION: Final = 0x4861_7264  # "Hard": in the database's header, whose file it is

SCHEMA: Final = (
    # links: names that lead to it; 0: it is only open any more; -1: nobody can reach it
    "CREATE TABLE inode (number INTEGER PRIMARY KEY, kind INTEGER, links INTEGER, size INTEGER,"
    " atime INTEGER, mtime INTEGER, ctime INTEGER, parent INTEGER, payer INTEGER, held INTEGER, target BLOB)",
    "CREATE INDEX unreachable ON inode (links) WHERE links <= 0",
    "CREATE TABLE name (directory INTEGER, cookie INTEGER, name BLOB, inode INTEGER, kind INTEGER,"
    " PRIMARY KEY (directory, cookie)) WITHOUT ROWID",
    # its size: how many names were ever made for what had one; its payer: how many numbers were given to
    # those who pay
    "INSERT INTO inode VALUES (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, x'')",
    "CREATE UNIQUE INDEX by_name ON name (directory, name)",
    "CREATE TABLE page (place INTEGER PRIMARY KEY, data BLOB)",  # place: see page_cache
    f"PRAGMA application_id={APPLICATION}",
    f"PRAGMA user_version={FORMAT}",
)
NUMBER, KIND, LINKS, SIZE, ATIME, MTIME, CTIME, PARENT, PAYER, HELD = range(10)  # columns of a row
INODE: Final = Struct("<QBqQQQQQQQ")  # what the columns can be
NAME: Final = Struct("<QQB")  # a name's cookie, inode and kind
PAIR: Final = Struct("<qq")
KINDS: Final = (abi.DIRECTORY, abi.REGULAR_FILE, abi.SYMBOLIC_LINK, abi.UNKNOWN)
MOST_INODES: Final = 1 << 36  # ever made: a page's place is a number of 63 bits
_FIGURES: Final = ("number", "kind", "links", "size", "atime", "mtime", "ctime", "parent", "payer", "held")
_COLUMNS: Final = ", ".join(_whole(f"i.{figure}") + f" {figure}" for figure in _FIGURES)
FIND: Final = (
    f"SELECT {_COLUMNS} FROM name n JOIN inode i ON i.number = n.inode WHERE n.directory = ? AND n.name = ?"
)
BY_NUMBER: Final = f"SELECT {_COLUMNS} FROM inode i WHERE i.number = ?"
TARGET: Final = f"SELECT {_bytes('target', PATH_MAX)} target FROM inode WHERE number = ?"
ANY_NAME: Final = "SELECT 1, 0 FROM name WHERE directory = ? LIMIT 1"
LIST: Final = (
    f"SELECT {_whole('cookie')} cookie, {_bytes('name', NAME_MAX)} name, {_whole('inode')} inode,"
    f" {_whole('kind')} kind FROM name WHERE directory = ? AND name.cookie >= ? ORDER BY name.cookie"
)
NEW_INODE: Final = "INSERT INTO inode VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)"
NEW_NAME: Final = "INSERT INTO name VALUES (?, ?, ?, ?, ?)"
NO_NAME: Final = "DELETE FROM name WHERE directory = ? AND name = ?"
NUMBERS: Final = f"SELECT {_whole('max(number)')} number, 0 FROM inode"
COUNTED: Final = f"SELECT {_whole('size')} size, 0 FROM inode WHERE number = 0"
COUNT: Final = "UPDATE inode SET size = ? WHERE number = 0"
PAYERS: Final = f"SELECT {_whole('payer')} payer, 0 FROM inode WHERE number = 0"
SAVE_PAYERS: Final = "UPDATE inode SET payer = ? WHERE number = 0"
SAVE: Final = (
    "UPDATE inode SET links = ?, size = ?, atime = ?, mtime = ?, ctime = ?, parent = ?, payer = ?, held = ?"
    " WHERE number = ?"
)
PAGE: Final = f"SELECT {_bytes('data', DISK_PAGE)} data FROM page WHERE place = ?"
PAGE_SIZE: Final = "SELECT length(data), 0 FROM page WHERE place = ?"
SAVE_PAGE: Final = "INSERT INTO page VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET data = excluded.data"
LAST_PAGES: Final = (  # one row for all of them: what a cut takes of the heap does not grow with their number
    "SELECT coalesce(min(place), -1) place, coalesce(sum(size), 0) size"
    " FROM (SELECT place, length(data) AS size FROM page "
    "WHERE place >= ? AND place < ? ORDER BY place DESC LIMIT ?)"
)
NO_PAGES: Final = "DELETE FROM page WHERE place >= ? AND place < ?"
UNREACHABLE: Final = "SELECT number, 0 FROM inode WHERE links < 0 LIMIT 1"
SPACE: Final = (  # pages of the database, and those of them that are free
    "SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)"
)
NO_INODE: Final = "DELETE FROM inode WHERE number = ?"
LEFT_OPEN: Final = (
    "UPDATE inode SET links = -1 WHERE number IN (SELECT number FROM inode WHERE links = 0 LIMIT 256)"
)
STATEMENTS: Final = (
    FIND, BY_NUMBER, TARGET, ANY_NAME, LIST, NEW_INODE, NEW_NAME, NO_NAME, SAVE, COUNT, PAGE, SAVE_PAGE,
    PAGE_SIZE, SAVE_PAYERS, LAST_PAGES, NO_PAGES, UNREACHABLE, NO_INODE, LEFT_OPEN, SPACE,
)  # fmt: skip
