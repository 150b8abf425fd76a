"""What docs/analysis.md analyses."""

from __future__ import annotations

from typing import Annotated

from annotated_types import MaxLen

from hardtack.annotations import loop_bound


def fields(row: str) -> list[str]:
    """Split a row, and strip its fields."""
    found: list[str] = []
    for field in row.split(";"):
        found.append(field.strip())
    return found


def label(name: Annotated[str, MaxLen(64)], number: int) -> str:
    """Name an article."""
    return f"{name.title()}-{number % 1000}"


def steps(number: int) -> list[int]:
    """Return the way of a number down to 1, if there is one."""
    found: list[int] = []
    while number != 1:
        found.append(number % 1000)
        number = number // 2 if number % 2 == 0 else 3 * number + 1
    return found


def few_steps(number: int) -> list[int]:
    """Return the same way, of 200 steps at most."""
    found: list[int] = []
    for _ in loop_bound(200):
        if number == 1:
            break
        found.append(number % 1000)
        number = number // 2 if number % 2 == 0 else 3 * number + 1
    return found
