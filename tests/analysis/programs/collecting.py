"""Loops that collect pieces, let go of them together, and begin anew: what comes out adds up to all pieces."""

from __future__ import annotations


def split_at_commas(text: str) -> list[str]:
    found: list[str] = []
    piece: list[str] = []
    for character in text:
        if character == ",":
            found.append("".join(piece))
            piece = []
        else:
            piece.append(character)
    found.append("".join(piece))
    return found


def filled_lines(words: list[str], width: int) -> list[str]:
    lines: list[str] = []
    line: list[str] = []
    size = 0
    for word in words:
        if line and size + len(word) > width:
            lines.append(" ".join(line))
            line = []
            size = 0
        line.append(word)
        size += len(word) + 1
    if line:
        lines.append(" ".join(line))
    return lines


def paragraphs(rows: list[str]) -> list[list[str]]:
    found: list[list[str]] = []
    rows_of_one: list[str] = []
    for row in rows:
        if not row:
            found.append(rows_of_one)
            rows_of_one = []
            continue
        rows_of_one.append(row)
    found.append(rows_of_one)
    return found


def never_begun_anew(words: list[str]) -> list[str]:
    """As above, but for one thing: each line has all words before it."""
    lines: list[str] = []
    line: list[str] = []
    for word in words:
        line.append(word)
        if word.startswith("x"):
            lines.append(" ".join(line))
    return lines


def begun_anew_elsewhere(words: list[str]) -> list[str]:
    """The line is begun anew where it is not joined, and joined where it is not."""
    lines: list[str] = []
    line: list[str] = []
    for word in words:
        if word == "!":
            line = []
        elif word == "=":
            lines.append(" ".join(line))
        else:
            line.append(word)
    return lines


def joined_twice(words: list[str]) -> list[str]:
    lines: list[str] = []
    line: list[str] = []
    for word in words:
        line.append(word)
        if word.startswith("x"):
            lines.append(" ".join(line))
            lines.append("-".join(line))
            line = []
    return lines


def half_kept(words: list[str]) -> list[str]:
    """What is joined begins anew with half of what it was."""
    lines: list[str] = []
    line: list[str] = []
    for word in words:
        line.append(word)
        if word.startswith("x"):
            lines.append(" ".join(line))
            line = line[len(line) // 2 :]
    return lines


def of_two(words: list[str]) -> list[str]:
    """Two are collected: one joins what the other one was."""
    lines: list[str] = []
    first: list[str] = []
    second: list[str] = []
    for word in words:
        if word == "!":
            lines.append(" ".join(second))
            second = first
            first = []
        else:
            first.append(word)
    return lines


def begun_anew_by_chance(words: list[str], keep: bool) -> list[str]:
    lines: list[str] = []
    line: list[str] = []
    for word in words:
        line.append(word)
        if word.startswith("x"):
            lines.append(" ".join(line))
            if not keep:
                line = []
    return lines


def blocks(rows: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    block = bytearray()
    for row in rows:
        block += row
        if len(block) > 1000:
            found.append(bytes(block))
            block = bytearray()
    found.append(bytes(block))
    return found


def of_each_row(rows: list[list[str]]) -> list[str]:
    found: list[str] = []
    for row in rows:
        piece: list[str] = []
        for word in row:
            if word == "!":
                found.append("".join(piece))
                piece = []
            else:
                piece.append(word)
    return found
