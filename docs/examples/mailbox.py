"""What a mail server does with a message, for the analyser to bound."""

from typing import Annotated

from annotated_types import MaxLen

from hardtack.annotations import loop_bound


def first_words(text: str) -> list[str]:
    """Return the first word of each line."""
    found: list[str] = []
    for line in text.splitlines():
        found.append(line.partition(" ")[0])
    return found


def deliver(text: str, box: list[str]) -> int:
    """Put the first words into a mailbox that outlives the call."""
    words = first_words(text)
    box.extend(words)
    return len(words)


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
