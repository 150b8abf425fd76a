"""What runs without being named: descriptors, metaclasses; and items that are made for what makes a dict."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


# -- items that are made when they are asked for
def ordered_from_pairs(words: list[str]) -> OrderedDict[str, str]:
    return OrderedDict((word, word + word) for word in words)


def defaults_from_pairs(words: list[str]) -> defaultdict[str, str]:
    return defaultdict(str, ((word, word + word) for word in words))


def queue_from_a_keyword(words: list[str]) -> deque[str]:
    return deque(iterable=(word + word for word in words), maxlen=1000)


def numbered_from_a_keyword(words: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(iterable=(word + word for word in words)))


# -- descriptors
class Tenfold:
    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, holder: object, owner: object = None) -> tuple[int, ...]:
        return (0,) * 1000

    def __set__(self, holder: object, value: tuple[int, ...]) -> None:
        vars(holder)[self.name] = value * 10


class Holder:
    items = Tenfold()


@dataclass
class Row:
    items: Tenfold = Tenfold()


def descriptor_written(count: int) -> Holder:
    holder = Holder()
    holder.items = (1,) * count
    return holder


def descriptor_of_a_class(count: int) -> int:
    return count if Holder.items else 0


def descriptor_in_a_row(count: int) -> Row:
    return Row((1,) * count)  # type: ignore[arg-type]


# -- metaclasses
class Fifty(type):
    def __call__(cls, *given: Any) -> Any:
        return [super(Fifty, cls).__call__(*given) for _ in range(50)]


class Made(metaclass=Fifty):
    def __init__(self, text: str) -> None:
        self.text = text + "!"


class Meta(type):
    def __instancecheck__(cls, other: object) -> bool:
        return len([other] * 1000) > 3

    def __len__(cls) -> int:
        return len([1] * 1000)

    def __bool__(cls) -> bool:
        return len([1] * 1000) > 3

    def __hash__(cls) -> int:
        return len([1] * 1000)

    def __lt__(cls, other: object) -> bool:
        return len([other] * 1000) > 3


class Odd(metaclass=Meta):
    pass


def doubled(made: Callable[[str], Any]) -> Any:
    def make(text: str) -> Any:
        return [made(text), made(text + text)]

    return make


@doubled
class Twice:
    def __init__(self, text: str) -> None:
        self.text = text + "!"


def made_by_a_variable(words: list[str]) -> list[Any]:
    make = Made
    return [make(word) for word in words]


def made_by_map(words: list[str]) -> list[Any]:
    return list(map(Made, words))


def made_twice(words: list[str]) -> list[Any]:
    return list(map(Twice, words))


def instance_checked(what: object) -> bool:
    return isinstance(what, Odd)


def instance_matched(what: object) -> int:
    match what:
        case Odd():
            return 1
    return 0


def length_of_a_class() -> int:
    return len(Odd)


def truth_of_a_class() -> int:
    return 1 if Odd else 2


def class_as_a_key() -> dict[type, int]:
    return {Odd: 1}


def classes_sorted() -> list[type]:
    return sorted([Odd, Odd])


def length_of_its_class(odd: Odd) -> int:
    return len(type(odd))
