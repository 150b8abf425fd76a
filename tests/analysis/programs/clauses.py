"""What the clauses of the analyser's specification name one by one, where trying it out has found something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator


# -- variables of inner functions that are bound anew
def bound_anew(texts: list[str]) -> int:
    latest: list[str] = []

    def note(text: str) -> int:
        nonlocal latest
        latest = [text + "a"]
        return len(latest)

    for text in texts:
        note(text)
    return len(latest)


def bound_anew_from_itself(texts: list[str]) -> Callable[[str], list[str]]:
    kept: list[str] = []

    def note(text: str) -> list[str]:
        nonlocal kept
        kept = [*kept, text]
        return kept

    for text in texts:
        note(text)
    return note


def bound_anew_and_kept(texts: list[str]) -> int:
    latest: list[str] = []
    before: list[list[str]] = []

    def note(text: str) -> int:
        nonlocal latest
        before.append(latest)
        latest = [text + "a"] * 20
        return len(latest)

    for text in texts:
        note(text)
    return len(latest)


# -- what the caller had, and the call lets go of
class Finalized:
    def __init__(self, text: str) -> None:
        self.text = text

    def __del__(self) -> None:
        str(self.text * 50)


class Holder:
    def __init__(self) -> None:
        self.held: Finalized | None = Finalized("abc" * 100)
        self.count = 1


GLOBAL: Finalized | None = None


def cleared(held: list[Finalized]) -> None:
    held.clear()


def taken_out(held: deque[Finalized]) -> int:
    held.popleft()
    return 1


def replaced_in_a_dict(held: dict[str, Finalized | None]) -> None:
    held["a"] = None


def replaced_as_an_attribute(holder: Holder) -> None:
    holder.held = None


def replaced_as_a_global() -> None:
    global GLOBAL
    GLOBAL = None


def suspended(steps: list[Iterator[int]]) -> None:
    steps.clear()


def only_read(held: list[Finalized]) -> int:
    return len([one.text for one in held])


def beside_it(holder: Holder) -> None:
    holder.count = 3
