"""What runs without being named: descriptors, metaclasses; and items that are made for what makes a dict."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import total_ordering
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


def queue_of_mapped(words: list[str]) -> deque[str]:
    return deque(iterable=map(str.upper, words))


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
    return Row((1,) * count)


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
    kind: type = Odd
    return 1 if kind else 2


def class_as_a_key() -> dict[type, int]:
    return {Odd: 1}


def classes_sorted() -> list[type[Odd]]:
    return sorted([Odd, Odd])


def length_of_its_class(odd: Odd) -> int:
    return len(type(odd))


# -- what an abstract class or a built-in one makes of what a class below it has
class Rows(Sequence[list[int]]):
    def __init__(self, count: int) -> None:
        self.size = count

    def __getitem__(self, index: Any) -> Any:
        if index >= self.size:
            raise IndexError
        return [index] * 100

    def __len__(self) -> int:
        return self.size


class Table(Mapping[str, list[int]]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __getitem__(self, key: str) -> list[int]:
        return [len(key)] * 100

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        return iter([str(number) for number in range(self.count)])


class Countdown(Iterator[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __next__(self) -> int:
        if self.count <= 0:
            raise StopIteration
        self.count -= 1
        return self.count


class Numbers(list[int]):
    pass


def rows_gone_over(count: int) -> list[list[int]]:
    return [row for row in Rows(count)]  # noqa: C416 - the comprehension is what this is about


def rows_iterated(count: int) -> list[list[int]]:
    return [row for row in iter(Rows(count))]  # noqa: C416


def rows_reversed(count: int) -> list[list[int]]:
    return list(reversed(Rows(count)))


def values_of_a_table(count: int) -> list[list[int]]:
    return [row for row in Table(count).values()]  # noqa: C416


def tables_compared(count: int) -> bool:
    return Table(count) in [Table(count)]


def counted_down(count: int) -> list[int]:
    found = []
    for number in Countdown(count):
        found.append(number)
    return found


def appended_to_a_kind_of_list(numbers: list[int]) -> Numbers:
    found = Numbers()
    for number in numbers:
        found.append(number)
    return found


def given_a_kind_of_list(found: Numbers, count: int) -> None:
    for number in range(count):
        found.append(number + 1000)


# -- comparisons
@total_ordering
class Ranked:
    def __init__(self, number: int) -> None:
        self.number = number

    def __ge__(self, other: Ranked) -> bool:
        return [self.number] * 1000 >= [other.number] * 1000

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranked) and self.number == other.number


class Greater:
    def __init__(self, number: int) -> None:
        self.number = number

    def __gt__(self, other: Greater) -> bool:
        return [self.number] * 1000 > [other.number] * 1000


def ranked(count: int) -> list[Ranked]:
    return sorted([Ranked(count), Ranked(0)])


def sorted_by_the_other_side(count: int) -> list[Any]:
    pair: list[Any] = [Greater(count), Greater(0)]
    return sorted(pair)


def least_by_the_other_side(count: int) -> Greater:
    return min([Greater(count), Greater(0)])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"

    @classmethod
    def _missing_(cls, value: object) -> Colour:
        return cls.RED if len([value] * 1000) > 3 else cls.BLUE


def colours(words: list[str]) -> list[Colour]:
    return [Colour(word) for word in words]
