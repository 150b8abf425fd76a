"""What may go wrong with a durable file system's database, in words for people."""

from __future__ import annotations

import sqlite3
import struct
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from annotated_types import MaxLen

from hardtack.annotations import assume_bound

if TYPE_CHECKING:
    Reason: TypeAlias = Annotated[str, MaxLen(100)]

# Damaged files have SQLite say odd things, and rows be what was never written.
FAILURES: Final = (sqlite3.Error, UnicodeDecodeError, OverflowError, struct.error)
MALFORMED: Final = "malformed"
DAMAGED: Final = "it is damaged"
_REASON: Final = 100  # characters of one that SQLite gives
_ERRORS: Final = (
    ("locked", "another kernel, or another program, has it open"),
    ("readonly", "it cannot be written"),
    ("not a database", "it is no file system of hardtack's"),
    ("malformed", "it is damaged"),
    ("decode", "it is damaged"),
    ("argument", "it is damaged"),  # struct's: a number that is none
    ("format", "it is damaged"),
    ("int too", "it is damaged"),
    ("too large", "it is damaged"),
    ("unable to open", "it cannot be opened"),
    ("disk I/O error", "the host's disk has an error"),
    ("is full", "the host's disk is full"),
)


@assume_bound("600", returned="480", retained="0", raises="0")
def reason_of(error: Exception) -> Reason:
    """Return why a statement failed."""
    text = str(error)
    for part, reason in _ERRORS:
        if part in text:
            return reason
    return text[:_REASON]
