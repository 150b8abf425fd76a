"""Text: what grows when it changes case, what is built piece by piece, what is formatted."""

from __future__ import annotations


def shout(text: str) -> str:
    return text.upper() + "!"


def repeated(text: str, times: int) -> str:
    return text * times if times < 100 else ""


def reversed_words(text: str) -> str:
    return " ".join(reversed(text.split()))


def built(words: list[str]) -> str:
    text = ""
    for word in words:
        text += word
        text += " "
    return text


def report(name: str, count: int, share: float) -> str:
    return f"{name:>20} {count:,} {share:.3f} {name!r}"


def encoded(text: str) -> bytes:
    return text.encode() + text.encode("utf-16")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def replaced(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


def character_counts(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for character in text:
        counts[character] = counts.get(character, 0) + 1
    return counts


def common_prefix(first: str, second: str) -> str:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return first[:length]


def folded(lines: list[str], width: int) -> list[str]:
    return [line[at : at + width] for line in lines for at in range(0, len(line), max(width, 1))]
