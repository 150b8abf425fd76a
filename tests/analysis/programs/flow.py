"""Generators, closures, exceptions, and what they keep alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial


def counted(limit: int) -> Iterator[int]:
    number = 1000
    while number < limit:
        yield number
        number += 1


def sum_of_generated(limit: int) -> int:
    return sum(counted(min(limit, 3000)))


def lines_of(text: str) -> Iterator[str]:
    held = text.upper()  # lives as long as the generator does
    for line in held.split("\n"):
        yield line.strip()


def first_line(text: str) -> str:
    for line in lines_of(text):
        if line:
            return line
    return ""


def both_generators(text: str) -> int:
    one, other = lines_of(text), lines_of(text)
    return sum(1 for a, b in zip(one, other, strict=True) if a == b)


def any_long(words: list[str]) -> bool:
    return any(len(word + "!") > 50 for word in words)


def delegated(rows: list[list[int]]) -> list[int]:
    def flat() -> Iterator[int]:
        for row in rows:
            yield from row

    return list(flat())


def adders(numbers: list[int]) -> list[Callable[[int], int]]:
    def adder(number: int) -> Callable[[int], int]:
        return lambda more: number + more

    return [adder(number) for number in numbers]


def counter() -> Callable[[], int]:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return count

    return step


def stepped(times: int) -> int:
    step = counter()
    last = 0
    for _ in range(min(times, 2000)):
        last = step()
    return last


def applied(functions: list[Callable[[bytes], bytes]], data: bytes) -> bytes:
    for function in functions:
        data = function(data)
    return data


OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "power": lambda a, b: a ** min(max(b, 0), 20),
    "shift": lambda a, b: a << min(max(b, 0), 500),
}


def evaluated(program: list[tuple[str, int]]) -> int:
    value = 1
    for name, operand in program:
        if value.bit_length() < 5000 and operand.bit_length() < 5000:
            value = OPERATIONS.get(name, OPERATIONS["add"])(value, operand)
    return value


def with_partial(words: list[str], prefix: str) -> list[str]:
    prefixed = partial(str.__add__, prefix)
    return list(map(prefixed, words))


def checked(numbers: list[int]) -> int:
    total = 0
    for number in numbers:
        try:
            if number < 0:
                raise ValueError(f"negative: {number}")
            total += number
        except ValueError as error:
            total += len(str(error))
    return total


def deep_failure(data: bytes, depth: int) -> int:
    copy = data + b"x"
    if depth <= 0:
        raise KeyError(copy)
    return deep_failure(copy, min(depth, 30) - 1) + len(copy)


def caught_deep_failure(data: bytes, depth: int) -> int:
    try:
        return deep_failure(data, depth)
    except KeyError as error:
        return len(error.args)


def cleaned_up(text: str) -> list[str]:
    log: list[str] = []
    try:
        if len(text) > 10:
            raise OverflowError
        log.append(text)
    except OverflowError:
        log.append(text[:10])
        return log
    finally:
        log.append(text + text)
    return log


def translated(table: dict[str, str], words: list[str]) -> list[str]:
    found = []
    for word in words:
        with suppress(KeyError):
            found.append(table[word])
    return found


@contextmanager
def noted(log: list[str], name: str) -> Iterator[None]:
    log.append(f"enter {name}")
    try:
        yield
    finally:
        log.append(f"leave {name}")


def noting(names: list[str]) -> list[str]:
    log: list[str] = []
    for name in names:
        with noted(log, name):
            log.append(name)
    return log


@lru_cache(maxsize=16)
def squared_text(number: int) -> str:
    return str(number * number % 10**9)


def cached(numbers: list[int]) -> int:
    return sum(len(squared_text(number)) for number in numbers)


def chained(numbers: list[int]) -> int:
    try:
        try:
            return numbers[0] // len(numbers[1:])
        except ZeroDivisionError as error:
            raise ValueError("one number alone") from error
    except ValueError as error:
        return len(str(error.__cause__))
