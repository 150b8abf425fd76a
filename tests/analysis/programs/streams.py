"""Streams in memory, which programs write to, read from and stand in."""

from __future__ import annotations

import io


def written_in_pieces(lines: list[str]) -> str:
    out = io.StringIO()
    for line in lines:
        out.write(line)
        out.write("\n")
    return out.getvalue()


def written_and_read(lines: list[str]) -> list[str]:
    with io.StringIO() as out:
        for line in lines:
            out.write(line.upper() + "\u20ac")
        out.seek(0)
        return [out.readline(), out.read(9), out.read()]


def given_and_kept(lines: list[str]) -> list[str]:
    out, found = io.StringIO(), []
    for line in lines[:8]:
        out.write(line)
        found.append(out.getvalue())
    return found


def over_and_over(text: str) -> str:
    out = io.StringIO(text)
    out.seek(len(text) // 2)
    out.write(text)
    out.truncate(3)
    out.seek(0)
    out.write(text + text)
    return out.getvalue()


def shared_bytes(data: bytes) -> list[bytes]:
    stream = io.BytesIO(data + data)
    first = stream.getvalue()
    stream.write(b"x")
    return [first, stream.getvalue(), stream.read()]


def far_beyond(data: bytes) -> bytes:
    stream = io.BytesIO()
    stream.seek(len(data) + 5000)
    stream.write(data)
    stream.seek(0, 2)
    stream.write(data)
    return stream.getvalue()


def shrunk_and_grown(data: bytes) -> int:
    stream = io.BytesIO(data)
    stream.write(data)
    stream.seek(0, 2)
    stream.write(data)
    stream.truncate(len(data))
    stream.write(bytes(900))
    return stream.tell()


def kept_open(chunks: list[bytes]) -> list[io.BytesIO]:
    made = []
    for chunk in chunks:
        stream = io.BytesIO(chunk)
        stream.write(b"head")
        made.append(stream)
    return made


def _line(out: io.StringIO, number: int) -> None:
    out.write(f"{number:6}: ")


def numbered(count: int) -> str:
    out = io.StringIO()
    for number in range(count):
        _line(out, number)
    return out.getvalue()


def truthful(data: bytes) -> bytes:
    stream = io.BytesIO()
    return data + data if stream else b""
