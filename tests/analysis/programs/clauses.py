"""What the clauses of the analyser's specification name one by one, where trying it out has found something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Iterator


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


class Bag(list[Finalized]):
    pass


class Pair(NamedTuple):
    held: Finalized
    number: int


class Anything:
    def __init__(self) -> None:
        self.held: object = Finalized("abc" * 100)
        self.pair: Pair | None = Pair(Finalized("abc" * 100), 1)
        self.bag = Bag([Finalized("abc" * 100)])
        self.numbers: Iterable[int] | None = None


def cleared_below_a_list(held: Bag) -> None:
    held.clear()


def cleared_of_named_tuples(held: list[Pair]) -> None:
    held.clear()


def cleared_of_anything(held: list[object]) -> None:
    held.clear()


def cleared_of_what_is_iterated(held: list[Iterable[int]]) -> None:
    held.clear()


def replaced_as_an_object(holder: Anything) -> None:
    holder.held = None


def replaced_with_its_items(holder: Anything) -> None:
    holder.bag = Bag()


def replaced_in_a_pair(holder: Anything) -> None:
    holder.pair = None


def replaced_as_what_is_iterated(holder: Anything) -> None:
    holder.numbers = None


def only_read(held: list[Finalized]) -> int:
    return len([one.text for one in held])


def beside_it(holder: Holder) -> None:
    holder.count = 3


# -- what a class has for len() and for its truth
class Sized:
    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len([1000 + number for number in self.numbers])


class SizedByTexts(Sized):
    def __len__(self) -> int:
        return len([f"{number}, a number" for number in self.numbers])


class Told:
    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


def length_of_its_own(sized: Sized) -> int:
    return len(sized)


def as_many_as_it_has(sized: Sized) -> list[int]:
    return [0] * len(sized)


def truth_of_its_length(sized: Sized) -> bool:
    return bool(sized)


def length_that_is_none(length: int) -> int:
    return len(Told(length))


def truth_of_no_length(told: Told) -> bool:
    return bool(told)


def tested_for_no_length(told: Told) -> int:
    return 1 if told else 2


def any_of_no_length(told: list[Told]) -> bool:
    return any(told)


# -- callables in attributes
def shortened(text: str) -> str:
    return text[:3] + "x"


def lengthened(text: str) -> str:
    return text * 20


@dataclass
class Rule:
    name: str
    action: Callable[[str], str] = lengthened


def default_of_a_field(text: str) -> str:
    return Rule("default").action(text) + Rule("given", shortened).action(text)


def defaults_of_fields(text: str) -> list[str]:
    return [rule.action(text) for rule in [Rule("a", shortened), Rule("b")]]


# -- what formats itself
class Shown:
    def __init__(self, text: str) -> None:
        self.text = text

    def __format__(self, specification: str) -> str:
        return self.text * 2 + specification


def formatted_by_itself(text: str) -> str:
    return format(Shown(text), "abc") + format(Shown(text))
