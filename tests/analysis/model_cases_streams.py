"""Calls of what is modelled of streams that lie in memory."""

from __future__ import annotations

import io
import operator

from model_cases import Given, calling, measured
from model_cases_bytes import DATA
from model_cases_containers import and_then

# -- BytesIO
LENGTHS = (0, 1, 7, 8, 9, 63, 64, 440, 511, 512, 5000, 40_001)


def written(size, piece, kind=io.BytesIO):
    """Return a stream that was written piece by piece: its buffer is larger than what it holds."""
    made = kind()
    for _ in range(0, size, len(piece)):
        made.write(piece)
    return made


def shared(size):
    """Return a stream that has the bytes that it was made of, as if they were its own."""
    return io.BytesIO(bytes(size))


def given_away(size):
    """Return a stream whose buffer is what it gave, and that is beside it."""
    made = written(size, b"abc")
    made.getvalue()
    made.seek(0)
    return made


def beyond(size):
    """Return a stream that stands behind its end."""
    made = written(size, b"xy")
    made.seek(2 * size)
    return made


def cut(size):
    """Return a stream that was longer."""
    made = written(8 * size + 8, b"a")
    made.truncate(size)
    made.seek(0)
    return made


BINARY = [
    lambda n=n, make=make: make(n)
    for n in LENGTHS
    for make in (lambda n: written(n, b"a"), shared, given_away, beyond, cut)
]
measured(
    "io.BytesIO", io.BytesIO, (), *((data,) for data in DATA), (bytearray(900),), (memoryview(b"a" * 900),)
)
measured("io.BytesIO", io.BytesIO, Given(initial_bytes=b"a" * 900))
for size in (0, 1, 8, 300, 5000, 70_000):
    measured("io._BufferedIOBase.write", calling("write", 1), *and_then(BINARY, bytes(size)))
measured("io._BufferedIOBase.write", calling("write", 1), *and_then(BINARY[::5], memoryview(bytearray(900))))
measured("io.BytesIO.getvalue", calling("getvalue"), *and_then(BINARY))
for name in ("io._BufferedIOBase.read", "io._BufferedIOBase.read1", "io._IOBase.readline"):
    call = name.rpartition(".")[2]
    measured(name, calling(call), *and_then(BINARY))
    measured(name, calling(call, 1), *and_then(BINARY, None), *and_then(BINARY, 100), *and_then(BINARY, -1))
LINES = [lambda n=n, line=line: (io.BytesIO(line * n),) for n in LENGTHS for line in (b"\n", b"ab\n", b"a")]
measured("io.BytesIO.readlines", calling("readlines"), *LINES)
measured(
    "io.BytesIO.seek",
    calling("seek", 2),
    *and_then(BINARY, 0, 0),
    *and_then(BINARY, 300, 1),
    *and_then(BINARY, 9, 2),
)
measured("io.BytesIO.seek", calling("seek", 1), *and_then(BINARY, 70_000))

# -- StringIO


def standing_at(size, piece, at):
    """Return a stream that was written piece by piece and stands anywhere."""
    made = written(size, piece, io.StringIO)
    made.seek(at)
    return made


TEXTUAL = [
    make
    for n in LENGTHS
    for piece in ("a", "ab" * 40, "\u20ac", "\U0001f600x")
    for make in (
        lambda n=n, piece=piece: written(n, piece, io.StringIO),
        lambda n=n, piece=piece: standing_at(n, piece, 0),
        lambda n=n, piece=piece: standing_at(n, piece, n // 2),
        lambda n=n, piece=piece: standing_at(n, piece, 2 * n),
        lambda n=n, piece=piece: io.StringIO(piece * n),
    )
]
TEXTUAL += [
    lambda: written(120_000, "\u20ac", io.StringIO),
    lambda: written(99_999, "\U0001f600", io.StringIO),
]
TEXTS = ["", "a", "a" * 300, "\xe9" * 511, "\u20ac" * 5000, "\U0001f600" * 20_000, "a\n" * 700]
measured(
    "io.StringIO", io.StringIO, (), (None,), *((text,) for text in TEXTS), *((text, "\n") for text in TEXTS)
)
for text in TEXTS:
    measured("io._TextIOBase.write", calling("write", 1), *and_then(TEXTUAL, text))
measured("io.StringIO.getvalue", calling("getvalue"), *and_then(TEXTUAL))
for name in ("read", "readline"):
    full = f"io._TextIOBase.{name}"
    measured(full, calling(name), *and_then(TEXTUAL))
    measured(
        full, calling(name, 1), *and_then(TEXTUAL, 100), *and_then(TEXTUAL, -1), *and_then(TEXTUAL, None)
    )
measured(
    "io._TextIOBase.readlines",
    calling("readlines"),
    *and_then(TEXTUAL),
    *(
        lambda n=n, line=line: (io.StringIO(line * n),)
        for n in LENGTHS
        for line in ("\n", "\u20ac\n", "\U0001f600")
    ),
)
measured(
    "io.StringIO.seek",
    calling("seek", 2),
    *and_then(TEXTUAL, 0, 0),
    *and_then(TEXTUAL, 0, 1),
    *and_then(TEXTUAL, 0, 2),
)
measured("io.StringIO.seek", calling("seek", 1), *and_then(TEXTUAL, 70_000))

# -- both
BOTH = [*BINARY[::2], *TEXTUAL[::7]]
measured("io._IOBase.truncate", calling("truncate"), *and_then(BOTH))
measured(
    "io._IOBase.truncate",
    calling("truncate", 1),
    *and_then(BOTH, 0),
    *and_then(BOTH, 300),
    *and_then(BOTH, 10**9),
)
for name in ("tell", "close", "flush", "__enter__", "readable", "writable", "seekable"):
    measured(f"io._IOBase.{name}", calling(name), *and_then(BOTH))
measured("io._IOBase.__exit__", calling("__exit__", 3), *and_then(BOTH, None, None, None))
measured("io._IOBase.closed", operator.attrgetter("closed"), *and_then(BOTH))

# -- as older descriptions of the library name them
SOME = {io.BytesIO: BINARY[::9], io.StringIO: TEXTUAL[::17]}
for kind, made in SOME.items():
    for name in ("read", "readline", "truncate", "tell", "close", "__enter__"):
        measured(f"io.{kind.__name__}.{name}", calling(name), *and_then(made))
    measured(f"io.{kind.__name__}.__exit__", calling("__exit__", 3), *and_then(made, None, None, None))
measured("io.BytesIO.read1", calling("read1"), *and_then(SOME[io.BytesIO]))
measured("io.BytesIO.write", calling("write", 1), *and_then(SOME[io.BytesIO], bytes(300)))
measured("io.StringIO.write", calling("write", 1), *and_then(SOME[io.StringIO], "a" * 300))
measured("io.StringIO.readlines", calling("readlines"), *and_then(SOME[io.StringIO]))
