"""Calls of the standard library that services make."""

from __future__ import annotations

import base64
import enum
import hashlib
import io
import itertools
import json
import re
import struct
from collections import ChainMap
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath

WORD = re.compile(r"[a-z]+", re.IGNORECASE)
PAIR = re.compile(r"(\w+)=(\w*)")


def packed(numbers: list[int]) -> bytes:
    return b"".join([struct.pack("<Q", number & 0xFFFF_FFFF_FFFF_FFFF) for number in numbers])


def unpacked(data: bytes) -> list[int]:
    return [struct.unpack_from("<I", data, at)[0] for at in range(0, len(data) - 3, 4)]


def as_json(table: dict[str, list[int]]) -> str:
    return json.dumps(table, sort_keys=True)


def words(text: str) -> list[str]:
    return WORD.findall(text)


def pairs(text: str) -> dict[str, str]:
    found = {}
    for match in PAIR.finditer(text):
        found[match.group(1)] = match.group(2)
    return found


def hidden(text: str) -> str:
    return re.sub(r"\d", "*", text)


def armoured(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unarmoured(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii", "ignore") + b"==")


def digest(chunks: list[bytes]) -> str:
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


@dataclass
class Item:
    name: str
    tags: list[str]


def renamed(item: Item, name: str) -> Item:
    return replace(item, name=name)


def as_table(item: Item) -> dict[str, object]:
    return asdict(item)


class Kind(enum.StrEnum):
    FILE = "file"
    PIPE = "pipe"


def kinds(text: str) -> list[Kind]:
    return [Kind(word) for word in text.split() if word in ("file", "pipe")]


def chained(one: list[int], other: list[int]) -> list[int]:
    return list(itertools.chain(one, itertools.islice(other, 10)))


def batches(items: list[int], size: int) -> list[list[int]]:
    iterator = iter(items)
    return list(iter(lambda: list(itertools.islice(iterator, max(size, 1))), []))


def runs(text: str) -> list[tuple[str, int]]:
    return [(key, len(list(group))) for key, group in itertools.groupby(text)]


def written(chunks: list[bytes]) -> bytes:
    stream = io.BytesIO()
    for chunk in chunks:
        stream.write(chunk)
    return stream.getvalue()


def parts(path: str) -> list[str]:
    return list(PurePosixPath(path).parts)


def settings(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(ChainMap(one, other).keys())


def viewed(data: bytes, size: int) -> list[int]:
    view = memoryview(data)
    step = max(size, 1)
    return [sum(view[at : at + step]) for at in range(0, len(view), step)]
