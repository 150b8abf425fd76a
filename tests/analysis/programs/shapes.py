"""Enums, dataclasses, named tuples and dicts of several kinds, and arguments that are given by name."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import asdict, astuple, dataclass, fields, replace
from enum import Enum, Flag, IntEnum, StrEnum, auto
from typing import NamedTuple, TypeAlias


class Colour(Enum):
    RED = "red"
    BLUE = "blue" * 20


class Size(IntEnum):
    SMALL = 1
    LARGE = 1 << 70


class Word(StrEnum):
    ONE = "one"
    LONG = "l" * 50


class Permission(Flag):
    READ = auto()
    WRITE = auto()


def values_of(colours: list[Colour]) -> list[str]:
    return [colour.value + colour.name for colour in colours]


def by_name(name: str) -> str:
    return Colour[name].value * 2


def of_value(text: str) -> int:
    return len(Colour(text).value * 10)


def of_one(text: str) -> str:
    return text + Colour.BLUE.value + Colour.RED.name


def members() -> list[str]:
    return [colour.name * 2 for colour in Colour]


def sizes(times: int) -> list[int]:
    return [size.value + 1 for size in Size for _ in range(min(times, 10))]


def word_repeated(times: int) -> str:
    return Word.LONG * min(times, 50)


def permitted(read: bool) -> Permission:
    return Permission.READ | Permission.WRITE if read else Permission.WRITE


# -- dataclasses and named tuples
@dataclass
class Item:
    name: str
    tags: list[str]
    at: int = 0


@dataclass(frozen=True)
class Point:
    x: int
    name: str


@dataclass
class Deep:
    items: list[Item]
    table: dict[str, list[int]]
    pair: tuple[int, str] = (1, "a")


def renamed_item(item: Item, name: str) -> Item:
    return replace(item, name=name * 2, at=item.at + 1)


def moved(points: list[Point]) -> list[Point]:
    return [replace(point, x=point.x + 10**20) for point in points]


def as_dict(item: Item) -> dict[str, object]:
    return asdict(item)


def as_dict_deep(deep: Deep) -> dict[str, object]:
    return asdict(deep)


def as_tuple_deep(deep: Deep) -> tuple[object, ...]:
    return astuple(deep)


def field_names(point: Point) -> list[str]:
    return [field.name for field in fields(point)]


class Pair(NamedTuple):
    text: str
    number: int


Plain = namedtuple("Plain", ["text", "number"])


def pair_items(words: list[str]) -> list[str]:
    pairs = [Pair(word, len(word)) for word in words]
    return [pair.text + pair[0] for pair in pairs]


def pair_texts(words: list[str]) -> list[str]:
    pairs = [Pair(word, len(word)) for word in words]
    return [str(part) + "a" for pair in pairs for part in pair]


def pairs_replaced(words: list[str]) -> int:
    total = 0
    for word in words:
        text, number = Pair(word, 3)._replace(number=10**30)
        total += number + len(text)
    return total + len(Pair("a", 1)._asdict())


def plain_pairs(words: list[str]) -> list[Plain]:
    return [Plain(word + "x", len(word)) for word in words]


# -- dicts
def grouped_lists(words: list[str]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        groups[word[:1]].append(word)
    return groups


def counted_words(words: list[str]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for word in words:
        counts[word] += 2**40
    return dict(counts)


def nested(words: list[str]) -> dict[str, dict[str, str]]:
    table: defaultdict[str, dict[str, str]] = defaultdict(lambda: {"": "x" * 1000})
    for word in words:
        table[word[:1]][word] = word + "!"
    return table


def recent(words: list[str]) -> list[str]:
    kept: OrderedDict[str, int] = OrderedDict()
    for word in words:
        kept[word] = len(word)
        kept.move_to_end(word)
        if len(kept) > 20:
            kept.popitem(last=False)
    return list(kept)


def in_order(words: list[str]) -> OrderedDict[str, int]:
    kept: OrderedDict[str, int] = OrderedDict()
    for word in words:
        kept[word] = 2**70
    return kept


def orders(words: list[str]) -> list[OrderedDict[str, int]]:
    made: list[OrderedDict[str, int]] = []
    for word in words:
        one: OrderedDict[str, int] = OrderedDict()
        for character in word[:30]:
            one[character] = len(word)
        made.append(one)
    return made


def order_grows(kept: OrderedDict[str, int], words: list[str]) -> None:
    for word in words:
        kept[word] = 1


def order_copied(table: dict[str, int]) -> OrderedDict[str, int]:
    made = OrderedDict(table)
    made.update(table)
    return made


def most_common(words: list[str], count: int) -> list[tuple[str, int]]:
    counts = Counter(words)
    counts.update(words)
    return counts.most_common(count)


def letters(text: str) -> int:
    counts = Counter(text)
    counts.update(text)
    return counts.total()


# -- arguments by name
def takes_names(first: str = "", **more: str) -> str:
    return first + "".join(more) + "".join(more.values())


def spread_names(table: dict[str, str]) -> str:
    return takes_names(**table)


def spread_known(text: str) -> str:
    table = {"first": text, "other": text + text}
    return takes_names(**table)


def made_by_name(table: dict[str, str], text: str) -> str:
    made = dict(table, a_long_name_that_is_no_key=text)
    made.update(table, and_one_that_is_longer_than_the_other=text)
    made.update(twice=text + text)
    return "".join(made)


class Own:
    def __init__(self, a: str, *, b: str = "bbb", **more: str) -> None:
        self.a = a
        self.b = b * 2
        self.more = more


def constructed(table: dict[str, str]) -> Own:
    return Own(**table)


def points_by_name(x: int, name: str) -> list[Point]:
    table = {"name": name + "!"}
    return [Point(x=x, **table), Point(x + 1, name=name)]


# -- an alias that contains itself, in a class
class Shrub:
    Twigs: TypeAlias = "list[Twigs] | int"

    def __init__(self, twigs: Twigs) -> None:
        self.twigs = twigs


def doubled_twigs(shrub: Shrub) -> list[Shrub.Twigs]:
    if isinstance(shrub.twigs, int):
        return []
    shrub.twigs.append(len(shrub.twigs))
    return shrub.twigs * 2
