"""Calls of what services use of the standard library besides: paths, times, escapes."""

from __future__ import annotations

import _csv
import csv
import datetime
import html
import json.encoder
import operator
import os
import posixpath
import random
import secrets
import time
import typing
import unicodedata
import urllib.parse
import uuid

import typing_extensions
from model_cases import Given, calling, measured

PATHS = [
    "",
    "/",
    "a",
    "/a/b/c",
    "a//b/../c/./d",
    "x" * 300,
    "/".join(["ab"] * 90),
    "../" * 40,
    "/usr/lib/archive.tar.gz",
    "ж" * 90 + "/ж.txt",
    "//",
]
PATHS += ["/" * 200, "a/" * 500, "\U00010000/" * 40 + "a.b"]
BOTH = [*PATHS, *(path.encode() for path in PATHS)]
measured("posixpath.join", posixpath.join, *((path,) for path in BOTH), *((path, path) for path in BOTH))
measured(
    "posixpath.join", posixpath.join, *((path, "ж", "b" * 90, path) for path in PATHS), tuple(["ab"] * 40)
)
for name in ("split", "basename", "dirname", "splitext", "splitdrive", "isabs", "normcase", "normpath"):
    measured(f"posixpath.{name}", getattr(posixpath, name), *((path,) for path in BOTH))
measured("os.fspath", os.fspath, *((path,) for path in BOTH))
measured("os.fsencode", os.fsencode, *((path,) for path in BOTH))
for name in ("getpid", "getppid", "getuid", "geteuid", "getgid", "getegid"):
    measured(f"os.{name}", getattr(os, name), ())
measured("os.urandom", os.urandom, (0,), (1,), (16,), (5000,))
measured("secrets.token_bytes", secrets.token_bytes, (0,), (1,), (16,), (5000,))
measured("secrets.token_hex", secrets.token_hex, (), (0,), (16,), (5000,))
measured("secrets.randbelow", secrets.randbelow, (1,), (5000,), (2**70,), (2**3000,))
for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
    measured(f"time.{name}", getattr(time, name), ())
    if name != "thread_time":
        measured(f"time.{name}_ns", getattr(time, f"{name}_ns"), ())
measured("time.sleep", time.sleep, (0,), (0.0,))
measured("typing.cast", typing.cast, (int, 5000))
measured("typing_extensions.cast", typing_extensions.cast, (int, 5000))
measured("random.random", random.random, ())
measured("random.Random.random", calling("random"), (random.Random(7),))
ESCAPED = ["", "a", "<" * 300, "a&b<c>\"d'" * 90, "ж<" * 200, '\U00010000"' * 90, "a" * 3000]
measured("html.escape", html.escape, *((text,) for text in ESCAPED), *((text, False) for text in ESCAPED))
QUOTED = [*ESCAPED, "\x00" * 300, "\u2028" * 300]
for name in ("json.encode_basestring_ascii", "json.encoder.encode_basestring_ascii"):
    measured(name, json.encoder.encode_basestring_ascii, *((text,) for text in QUOTED))

# -- datetime, uuid
UTC = datetime.UTC
WHEN = [
    datetime.datetime(2020, 2, 29, 1, 2, 3, 999),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
]
measured(
    "datetime.datetime",
    datetime.datetime,
    (2020, 1, 2),
    (2020, 1, 2, 3, 4, 5, 6, UTC),
    Given(2020, 1, 2, tzinfo=UTC, fold=1),
)
measured("datetime.date", datetime.date, (2020, 1, 2), Given(year=9999, month=12, day=31))
measured("datetime.time", datetime.time, (), (1, 2, 3, 4, UTC), Given(hour=1, tzinfo=UTC))
measured(
    "datetime.timedelta",
    datetime.timedelta,
    (),
    (1,),
    (1, 2, 3),
    (1.5,),
    Given(days=1.5, seconds=2.25, weeks=3.5),
    Given(hours=5000),
)
measured(
    "datetime.timedelta",
    datetime.timedelta,
    (10**8, 10**9, 10**12, 10**9, 10**7, 10**6, 10**5),
    (-1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7),
)
for name in ("year", "month", "day", "hour", "minute", "second", "fold", "microsecond"):
    measured(f"datetime.datetime.{name}", operator.attrgetter(name), *((when,) for when in WHEN))
for name in ("year", "month", "day"):
    measured(f"datetime.date.{name}", operator.attrgetter(name), *((when.date(),) for when in WHEN))
for name in ("hour", "minute", "second", "microsecond"):
    measured(f"datetime.time.{name}", operator.attrgetter(name), *((when.time(),) for when in WHEN))
SPANS = [datetime.timedelta(), datetime.timedelta.max, datetime.timedelta.min, datetime.timedelta(1, 2, 3)]
for name in ("days", "seconds", "microseconds"):
    measured(f"datetime.timedelta.{name}", operator.attrgetter(name), *((span,) for span in SPANS))
measured("datetime.timedelta.total_seconds", calling("total_seconds"), *((span,) for span in SPANS))
for name in ("weekday", "isoweekday", "toordinal"):
    measured(f"datetime.date.{name}", calling(name), *((when.date(),) for when in WHEN))
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    test = getattr(operator, name)
    measured(f"datetime.datetime.__{name}__", test, (WHEN[0], WHEN[0]), (WHEN[1], WHEN[1].replace(year=1999)))
    measured(f"datetime.date.__{name}__", test, (WHEN[0].date(), WHEN[1].date()))
    measured(f"datetime.timedelta.__{name}__", test, (SPANS[1], SPANS[2]))
measured("uuid.uuid4", uuid.uuid4, ())

# -- html, unicodedata, urllib.parse
REFERENCES = [
    "",
    "abc",
    "&lt;&gt;" * 90,
    "&#128512;" * 90,
    "&lt" * 200,
    "&#0;&#xd800;" * 50,
    "&notit;&NotEqualTilde;" * 60,
    "&" * 300,
]
REFERENCES += [
    "&#1;" * 300,
    "a&acE;" * 100,
    "&nosuchthing;" * 80,
    "ж&amp;" * 90,
    "&#x10FFFF;" * 40,
    "a" * 3000 + "&lt;",
    "&lt;" * 900,
]
measured("html.unescape", html.unescape, *((text,) for text in REFERENCES))
CHARACTERS = ["a", "ж", "\U0001f600", "\u0301", "가", "一", "﷽", " "]
for name in ("category", "bidirectional", "east_asian_width", "combining", "mirrored", "name"):
    measured(f"unicodedata.{name}", getattr(unicodedata, name), *((one,) for one in CHARACTERS))
measured("unicodedata.name", unicodedata.name, ("\x00", "none"))
NORMALIZED = [
    "",
    "abc",
    *CHARACTERS,
    *(one * 400 for one in CHARACTERS),
    "a\u0301\u0323" * 300,
    "\u1d160" * 200,
]
for name, normalize in (
    ("unicodedata.normalize", unicodedata.normalize),
    ("unicodedata.UCD.normalize", unicodedata.UCD.normalize),
):
    first = () if name == "unicodedata.normalize" else (unicodedata.ucd_3_2_0,)
    measured(
        name,
        normalize,
        *((*first, form, text) for form in ("NFC", "NFD", "NFKC", "NFKD") for text in NORMALIZED),
    )
UNQUOTED = [*PATHS, *ESCAPED, "\U00010000" * 400, " " * 900, bytes(range(256)), b"\xff" * 900, b"abc"]
for name in ("quote", "quote_plus"):
    measured(
        f"urllib.parse.{name}",
        getattr(urllib.parse, name),
        *((text,) for text in UNQUOTED),
        *((text, "%/") for text in UNQUOTED),
    )


# -- csv


class Lines(csv.Dialect):
    """A dialect that is checked as it is made."""

    delimiter = ","
    quotechar = None
    lineterminator = "\n"
    quoting = csv.QUOTE_NONE

    def __init__(self) -> None:
        self.strict = True


measured("csv.Dialect", _csv.Dialect, (Lines(),), (csv.excel(),), (csv.excel_tab(),), ())

# -- the text of what has none of its own
measured("builtins.object.__format__", object.__format__, (1234, ""), ("text" * 90, ""), ([1, 2, 3], ""))
