"""What a mail server does with a message, for the analyser to bound."""

from typing import Annotated

from annotated_types import MaxLen

from hardtack.annotations import loop_bound


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, without the blanks around them."""
    found: list[str] = []
    for line in text.splitlines():
        found.append(line.strip())
    return found


def deliver(text: str, box: list[str]) -> int:
    """Put them into a mailbox that outlives the call."""
    lines = lines_of(text)
    box.extend(lines)
    return len(lines)


def wrapped(text: Annotated[str, MaxLen(1000)], width: int) -> list[str]:
    """Break a text into lines: how often the loop goes round, nothing says."""
    found: list[str] = []
    while text:
        found.append(text[:width])
        text = text[width:]
    return found


def wrapped_of_100(text: Annotated[str, MaxLen(1000)], width: int) -> list[str]:
    """Break it into 100 lines at most: more are an error when it runs."""
    found: list[str] = []
    for _ in loop_bound(100):
        if not text:
            break
        found.append(text[:width])
        text = text[width:]
    return found
