"""Parsers, as services have them."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass
class Record:
    name: str
    amount: int
    weight: int


def headers(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, mark, value = line.partition(":")
        if mark:
            found[name.strip().lower()] = value.strip()
    return found


def record(line: bytes) -> Record | None:
    parts = line.split(b",")
    if len(parts) != 3:
        return None
    return Record(parts[0].decode(), int(parts[1]), int(parts[2]))


def records(body: bytes) -> list[Record]:
    found = []
    for line in body.splitlines():
        parsed = record(line)
        if parsed is not None:
            found.append(parsed)
    return found


def total_of_lines(body: bytes) -> int:
    total = 0
    for line in body.splitlines():
        parsed = record(line)
        if parsed is not None:
            total += parsed.amount
    return total


def tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    start = 0
    while start < len(text):
        end = start + 1
        kind = "word" if text[start].isalpha() else "mark"
        if kind == "word":
            while end < len(text) and text[end].isalpha():
                end += 1
        found.append((kind, text[start:end]))
        start = end
    return found


def query(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(value)
    return found


def csv_row(line: str) -> list[str]:
    cells: list[str] = []
    cell = ""
    quoted = False
    for mark in line:
        if mark == '"':
            quoted = not quoted
        elif mark == "," and not quoted:
            cells.append(cell)
            cell = ""
        else:
            cell += mark
    cells.append(cell)
    return cells


def decoded(text: str) -> object:
    return json.loads(text)


def decoded_each(lines: list[str]) -> list[object]:
    found: list[object] = []
    for line in lines:
        value: object = json.loads(line)
        if value is not None and not isinstance(value, bool):
            found.append(value)
    return found
