"""What an analyser has got wrong before: each is either refused, with a finding, or its bound holds."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeAlias, TypeVar

from annotated_types import Len

from hardtack.annotations import assume_bound

T = TypeVar("T")


# -- two parameters, one object
def both_grow(one: list[int], other: list[int]) -> None:
    for number in list(one):
        other.append(number + 1000)
        one.append(number + 2000)


def copied_while_other_grows(one: bytearray, other: bytearray) -> bytes:
    for _ in range(8):
        other += one
    return bytes(one)


def extended_by_its_items(some: list[T], item: T, count: int, numbers: list[int]) -> list[int]:
    some.extend([item] * count)
    return numbers * 8


class Box:
    def __init__(self, items: list[int]) -> None:
        self.items = items


def through_two_boxes(one: Box, other: Box) -> list[int]:
    one.items = one.items + one.items
    other.items = other.items + other.items
    return one.items + other.items


# -- generators, and what only runs later
def pairs(numbers: list[int]) -> Iterator[list[int]]:
    held = list(numbers)
    for number in numbers:
        yield [number, *held]


def generator_kept(numbers: list[int]) -> Iterator[list[int]]:
    rows = pairs(numbers)
    next(rows, None)
    return rows


def fed(numbers: list[int]) -> list[list[int]]:
    return list(pairs(numbers[:40]))


# -- what nested functions capture
def capturing(data: bytes) -> Callable[[], int]:
    copy = data + b"!"

    def length() -> int:
        return len(copy)

    return length


def many_capturing(words: list[str]) -> list[Callable[[], str]]:
    def make(word: str) -> Callable[[], str]:
        longer = word * 3
        return lambda: longer

    return [make(word) for word in words]


def default_captures(data: bytes) -> Callable[[], bytes]:
    def read(copy: bytes = data + b"!") -> bytes:
        return copy

    return read


# -- a parameter's container grows: both copies live
def appended(numbers: list[int], more: int) -> None:
    numbers.append(more)


def extended(numbers: list[int]) -> None:
    numbers += numbers


def sliced_in(buffer: bytearray, data: bytes) -> None:
    buffer[1:1] = data


def one_key_more(table: dict[str, int]) -> None:
    table["a key that was not there"] = 1


def one_member_more(members: set[int]) -> None:
    members.add(-12345)


class Grower:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.buffer = b""

    def feed(self, data: bytes) -> None:
        self.parts.append(data)
        self.buffer += data  # the field's old value is not as long as any parameter


# -- integers from text, and as text
def number(text: str) -> int:
    return int(text)


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]


def power(base: int, exponent: int) -> int:
    return int(base ** min(max(exponent, 0), 200))


# -- calls that the source does not name
class Costly:
    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Costly) and [self.number] * 500 == [other.number] * 500

    def __hash__(self) -> int:
        return len([self.number] * 700)

    def __lt__(self, other: Costly) -> bool:
        return [self.number] * 600 < [other.number] * 600

    def __bool__(self) -> bool:
        return len([0] * 800) > 1

    def __len__(self) -> int:
        return len([0] * 900)

    def __del__(self) -> None:
        self.last = [self.number] * 1000

    def __format__(self, how: str) -> str:
        return "f" * 2000

    def __str__(self) -> str:
        return "s" * 3000

    def __repr__(self) -> str:
        return "r" * 4000

    def __index__(self) -> int:
        return len([0] * 1100)

    def __getattr__(self, name: str) -> int:
        return len([0] * 1200)

    def __call__(self) -> int:
        return len([0] * 1300)


def found(items: list[Costly], item: Costly) -> bool:
    return item in items


def hashed(items: list[Costly]) -> set[Costly]:
    return set(items)


def ordered(items: list[Costly]) -> Costly:
    return min(items)


def true_ones(items: list[Costly]) -> int:
    return sum(1 for item in items if item)


def dropped(count: int) -> None:
    for row in range(min(count, 20)):
        Costly(row)


def shown(item: Costly) -> str:
    return f"{item:x} {item!r} {item!s}"


def indexed(item: Costly, row: list[int]) -> int:
    return row[item] if len(row) > 5000 else item.missing + item()


class Resource:
    def __enter__(self) -> bytes:
        return b"e" * len([0] * 1000)

    def __exit__(self, *exception: object) -> bool:
        self.log = [str(part) for part in exception] * 100
        return True


def swallowed(data: bytes) -> bytes:
    with Resource() as held:
        copy = held + data
        raise ValueError(copy)
    return b""


class Endless:
    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __iter__(self) -> Endless:
        self.copy = list(self.items)
        return self

    def __next__(self) -> list[int]:
        if not self.copy:
            raise StopIteration
        self.copy.pop()
        return list(self.copy)


def iterated(source: Endless) -> int:
    return sum(len(row) for row in source)


def doubling(function: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def wrapped(data: bytes) -> bytes:
        return function(data + data)

    return wrapped


@doubling
def decorated(data: bytes) -> bytes:
    return data + b"."


class Descriptor:
    def __get__(self, owner: object, kind: type | None = None) -> list[int]:
        return [0] * 2000


class Described:
    field = Descriptor()


def described(thing: Described) -> int:
    return len(thing.field)


# -- finally, and what an exception keeps
def finally_while_failing(data: bytes) -> int:
    copy = data + b"1"
    try:
        raise ValueError(copy + b"2")
    finally:
        again = copy + b"3"
        del again


def finally_returns(data: bytes) -> bytes:
    try:
        raise ValueError(data + b"lost")
    finally:
        return data + b"kept"


def error_kept(data: bytes) -> Exception:
    def fail(copy: bytes) -> None:
        local = copy + b"frame"
        raise ValueError(len(local))

    try:
        fail(data)
    except ValueError as error:
        return error
    raise AssertionError


def errors_collected(words: list[str]) -> list[Exception]:
    errors: list[Exception] = []
    for word in words:
        try:
            int(word)
        except ValueError as error:
            errors.append(error)
    return errors


# -- async
async def fetched(data: bytes) -> bytes:
    await asyncio.sleep(0)
    return data + data


async def gathered(items: list[bytes]) -> list[bytes]:
    return [await fetched(item) for item in items]


def coroutine_made(items: list[bytes]) -> int:
    coroutine = gathered(items)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return len(stop.value)
    coroutine.close()
    return 0


# -- what another module may have changed
def small() -> bytes:
    return b"s"


def patched() -> bytes:
    return small() + b"."


class Plain:
    def size(self) -> bytes:
        return b"p"


class Marker:
    mark = re.compile("a[bc]")

    def marks(self, text: str) -> bool:
        return self.mark.search(text) is not None


def instance_patched(thing: Plain) -> bytes:
    return thing.size() + b"."


# -- loops whose length is not what it seems
def growing_while_walked(numbers: list[int]) -> list[int]:
    for item in numbers:
        if len(numbers) < 3000:
            numbers.append(item)
    return numbers


def never_ending_counter(step: int) -> list[int]:
    found: list[int] = []
    at = 0
    while at < 1000 and len(found) < 2000:
        found.append(at)
        at += step  # which may be 0 or less
    return found


# -- branches that are joined: one keeps what the other drops
def kept_by_a_branch(rows: list[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    last = b""
    for row in rows:
        if len(row) % 2:
            last = row + last[:4]
            kept.append(last)
        else:
            last = b""
    return kept


def swapped(one: bytes, other: bytes) -> bytes:
    for _ in range(6):
        one, other = other, one + other
    return one


# -- strings: one wide character widens all
def widened(text: str, mark: str) -> str:
    text = text[:200]
    return text.replace("a", mark) + mark.join(text)


# -- the object that holds is not the object that is named
@dataclass
class Chain:
    data: bytes
    next: Chain | None = None


def prepended(chain: Chain, count: int) -> Chain:
    for _ in range(min(count, 200)):
        chain = Chain(chain.data + b"x", chain)
    return chain


def cycle(size: int) -> int:
    node: list[object] = [b"x" * min(max(size, 0), 5000)]
    node.append(node)
    return len(node)


def cycles(count: int) -> int:
    return sum([cycle(3000) for _ in range(min(count, 50))])


def star(function: Callable[..., int], items: list[int]) -> int:
    return function(*items)


def recursive_closure(depth: int) -> int:
    def down(left: int, held: bytes) -> int:
        return down(left - 1, held + b"x" * 100) if left > 0 else len(held)

    return down(min(depth, 100), b"")


# -- what runs when a generator is let go of
def tidied(numbers: list[int]) -> Iterator[int]:
    try:
        yield from numbers
    finally:
        copy = numbers * 20
        del copy


def left_by_break(numbers: list[int]) -> int:
    held: list[int] = []
    for _ in tidied(numbers):
        held = numbers * 20
        break
    return len(held)


def left_by_return(numbers: list[int]) -> list[int]:
    for _ in tidied(numbers):
        return numbers * 20
    return []


def let_go_of(numbers: list[int]) -> int:
    source = tidied(numbers)
    next(source, 0)
    held = numbers * 20
    del source
    return len(held)


def exhausted_by_error(numbers: list[int]) -> int:
    held: list[int] = []
    try:
        for _ in tidied(numbers):
            held = numbers * 20
            raise ValueError
    except ValueError:
        pass
    return len(held)


def told_of_the_end(numbers: list[int]) -> Iterator[int]:
    try:
        while True:
            yield 1
    except GeneratorExit:
        copy = numbers * 20
        del copy
        raise


def endless_let_go_of(numbers: list[int]) -> int:
    return next(told_of_the_end(numbers))


# -- integers that objects stand in for
class Indexed:
    def __index__(self) -> int:
        return len([0] * 4500) - 4499

    def __int__(self) -> int:
        return len([0] * 4600)

    def __getitem__(self, index: int) -> int:
        if index > 3:
            raise IndexError
        return len([0] * 5000)


def sliced_by(row: list[int], index: Indexed) -> list[int]:
    return row[index:]


def formatted_as_number(index: Indexed) -> str:
    return "%d" % index  # noqa: UP031 - the template is what this is about


def iterated_by_getitem(index: Indexed) -> int:
    total = 0
    for number in index:  # type: ignore[attr-defined]  # it works, but mypy does not take it
        total += number
    return total


# -- subclasses of built-ins
class Counting(str):
    __slots__ = ()

    def __len__(self) -> int:
        return len([0] * 20_000)

    def upper(self) -> str:
        return "u" * 100_000


def measured(text: str) -> int:
    return len(text)


class Fixed:
    def __init__(self) -> None:
        self.slots: Annotated[list[int], Len(4, 4)] = [0] * 4


def fixed_and_indexed(fixed: Fixed, at: int) -> int:
    return fixed.slots[at & 3]


def fixed_and_shortened(fixed: Fixed) -> int:
    fixed.slots.pop()
    return fixed.slots[3]


def fixed_and_shortened_by_another_name(fixed: Fixed) -> int:
    slots = fixed.slots
    slots[:2] = []
    return fixed.slots[3]


def takes_keywords(**given: int) -> int:
    return len(given)


def passed_by_name(table: dict[str, int], times: int) -> int:
    found = 0
    for _ in range(times):
        found = takes_keywords(**table)
    return found


def extended_by_an_iterator(some: list[int], items: list[int]) -> None:
    some.extend(item for item in items)


def taken_apart(items: list[int]) -> list[int]:
    _, *rest = (item for item in items)
    return rest


def spread_into_a_call(items: list[int]) -> int:
    return max(*(item for item in items))


# -- what has no type may be None
def anything_that_is_none(thing: object) -> bytes:
    if thing is not None:
        return b""
    return bytes(2000)


def untyped_that_is_none(things: list[Any]) -> bytes:
    return bytes(2000) if things[0] is None else b""


Elsewhere: TypeAlias = Annotated[Callable[..., Any], assume_bound("0", returned="0", retained="0")]


class Looking:
    def __init__(self, aside: Elsewhere) -> None:
        self.aside: Elsewhere = aside


def assumed_that_is_none(looking: Looking, key: str) -> bytes:
    found: bytes | None = looking.aside(key)
    return bytes(2000) if found is None else found


class Place:
    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


def padded_to_a_place(place: Place | bool) -> str:
    return "a".ljust(place)


def repeated_up_to_a_place(number: int) -> str:
    place: Place | int = Place(number) if number % 1000 == 0 else number % 7
    return "a" * place


class Located:
    def __init__(self, text: str) -> None:
        self.text = text

    def __fspath__(self) -> str:
        return self.text * 100


def status_of_what_is_located(place: Located) -> int:
    return os.stat(place).st_size


def status_of_a_path(path: Path) -> int:
    return os.stat(path).st_size


class Branded(PurePosixPath):
    @property
    def name(self) -> str:
        return "x" * 100_000


def named_by_a_class_below(path: PurePosixPath) -> int:
    return len(path.name)


def branded(brand: Branded) -> int:
    return len(brand.name) + len(brand.stem)


def put_in_order(paths: list[Path]) -> list[Path]:
    return sorted(paths)


# -- a number that says which way a test goes
def sized_by_flags(size: int, flags: int) -> bytes:
    if flags & 4:
        return bytes(size)
    return b""


def flags_without(size: int) -> bytes:
    return sized_by_flags(size, 3)


def flags_with(size: int) -> bytes:
    return sized_by_flags(size, 12)


def true_from_the_second_round(numbers: list[int]) -> list[bytes]:
    made, flag = [], 0
    for number in numbers:
        if flag:
            made.append(bytes(500))
        flag = number
    return made


def false_from_the_second_round(numbers: list[int]) -> list[bytes]:
    made, flag = [], 1
    for _ in numbers:
        if not flag:
            made.append(bytes(500))
        flag = 0
    return made


def true_from_the_fifth_round(numbers: list[int]) -> list[bytes]:
    made, count = [], 0
    for _ in numbers:
        if count & 4:
            made.append(bytes(500))
        count += 1
    return made


class Flag:
    def __init__(self) -> None:
        self.raised = 0


def raised_in_an_object(numbers: list[int]) -> list[bytes]:
    made, flag = [], Flag()
    for _ in numbers:
        if flag.raised:
            made.append(bytes(500))
        flag.raised = 1
    return made


# -- what rounds leave behind
def pages_kept(count: int) -> list[bytearray]:
    return [bytearray(5000) for _ in range(count % 5)]


def pages_in_a_list(pages: Fixed) -> list[bytes]:
    kept = []
    for _ in range(len(pages.slots)):
        page = bytes(3000)
        kept.append(page)
    return kept


def two_pages_a_round(numbers: list[int]) -> list[bytes]:
    kept = []
    page: bytes | None = None
    for _ in numbers:
        page = None
        for _ in range(2):
            if page is not None:
                kept.append(page)
            page = bytes(3000)
    return kept


def pages_in_every_other_round(numbers: list[int]) -> list[bytes]:
    kept: list[bytes] = []
    for number in numbers:
        if number & 1:
            kept.append(bytes(3000))
    return kept


def pages_of_rounds_before(numbers: list[int]) -> list[bytes]:
    kept: list[bytes] = []
    for _ in numbers:
        for _ in range(3):
            page = bytes(2000)
            kept.append(page)
    return kept


def added_up_after_all(numbers: list[int]) -> bytes:
    total = 0
    for _ in numbers:
        total += 1000
    return bytes(total)


def left_in_the_last_round(numbers: list[int]) -> bytes:
    total = 0
    for number in numbers:
        total += 1000
        if number < 0:
            return bytes(total)
    return b""
