"""What docs/analysis.md analyses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import MaxLen

from hardtack.annotations import loop_bound


@dataclass
class Line:
    article: str
    amount: int


def parse(body: str) -> list[Line]:
    lines: list[Line] = []
    for row in body.splitlines():
        article, _, amount = row.partition(";")
        lines.append(Line(article.strip(), len(amount)))
    return lines


def label(name: Annotated[str, MaxLen(64)], number: int) -> str:
    return f"{name.title()}-{number % 1000}"


def halvings(number: int) -> list[int]:
    found: list[int] = []
    while number != 1:
        found.append(number)
        number = number // 2 if number % 2 == 0 else 3 * number + 1
    return found


def few_halvings(number: int) -> list[int]:
    found: list[int] = []
    for _ in loop_bound(50):
        if number % 100_000 == 1:
            break
        found.append(number % 100_000)
        number = number % 100_000 // 2
    return found
