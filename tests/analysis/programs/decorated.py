"""What functools and contextlib put around functions and blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial, wraps


# -- what is cached
@lru_cache
def joined(one: str, other: str = "-") -> str:
    return one + other + one


def joined_all(words: list[str]) -> int:
    return sum(len(joined(word)) + len(joined(word, other="+")) for word in words)


@lru_cache(maxsize=4)
def pieces(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def pieces_of(texts: list[str]) -> list[tuple[str, ...]]:
    return [pieces(text + ",x") for text in texts]


@lru_cache(maxsize=0)
def doubled(number: int) -> int:
    return number * 2


def doubled_all(numbers: list[int]) -> list[int]:
    return [doubled(number) for number in numbers]


@cache
def kept_for_ever(text: str) -> str:
    return text * 2


def for_ever(words: list[str]) -> int:
    return sum(len(kept_for_ever(word)) for word in words)


@lru_cache(maxsize=8)
def listed(text: str) -> list[str]:
    return text.split()


def grown(text: str) -> int:
    words = listed(text)
    words.append(text)
    return len(words)


@dataclass(frozen=True)
class Point:
    name: str
    at: int


@lru_cache(maxsize=8)
def named_at(point: Point, times: int) -> str:
    return point.name * min(max(times, 0), 9)


def points(names: list[str]) -> list[str]:
    return [named_at(Point(name, 10**12), 3) for name in names]


class Report:
    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def size(self) -> int:
        return len(self.text) * 2**70


def reports(texts: list[str]) -> list[Report]:
    made = [Report(text) for text in texts]
    for report in made:
        if len(report.lines) > 1:
            report.lines.append("end")
    return made


def read_twice(report: Report) -> int:
    return len(report.lines) + len(report.lines) + report.size


# -- with
@contextmanager
def opened(log: list[str], name: str) -> Iterator[bytes]:
    buffer = name.encode() * 3
    log.append("open")
    try:
        yield buffer
    except ValueError:
        log.append(name + " failed")
        raise
    finally:
        log.append(name + " closed")


def first_digits(names: list[str]) -> list[str]:
    log: list[str] = []
    for name in names:
        try:
            with opened(log, name) as buffer:
                log.append(buffer.decode() + str(int(name[:5])))
                if len(name) > 50:
                    continue
                if len(name) > 2000:
                    break
        except ValueError as error:
            log.append(str(error))
    return log


@contextmanager
def forgiving(log: list[str]) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        log.append(str(error))


def looked_up(table: dict[str, str], names: list[str]) -> str:
    log: list[str] = []
    for name in names:
        with forgiving(log):
            return table[name] + table[name]
    return "".join(log)


@contextmanager
def held(data: bytes) -> Iterator[int]:
    copy = data * 2
    yield len(copy)


def while_held(data: bytes, fails: bool) -> bytes:
    with held(data) as size, held(data[:10]) as other:
        made = data + bytes(min(size, 100)) + bytes(min(other, 100))
        if fails:
            raise ValueError(made)
    return made[:10]


def after_held(data: bytes) -> bytes:
    with held(data):
        pass
    return data * 3


class Log:
    def __init__(self, parts: list[str]) -> None:
        self.parts = parts

    @contextmanager
    def section(self, name: str) -> Iterator[Log]:
        self.parts.append(name + " {")
        yield self
        self.parts.append("}")

    def close(self) -> None:
        self.parts.append("closed")


def sections(names: list[str]) -> list[str]:
    log = Log([])
    for name in names:
        with log.section(name) as inner, inner.section(name + name):
            inner.parts.append(name)
    return log.parts


def yielded_inside(names: list[str]) -> Iterator[str]:
    log: list[str] = []
    for name in names:
        with forgiving(log):
            yield name * 2


def left_suppressed(table: dict[str, str], names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        with suppress(KeyError, ValueError):
            found.append(table[name] * 2)
            if int(name) > 3:
                break
    return found


def closed(names: list[str]) -> list[str]:
    log = Log([])
    for name in names:
        with closing(log) as one, nullcontext(name * 2) as twice:
            one.parts.append(twice)
    return log.parts


# -- functions around functions
def padded(width: int, text: str, fill: str = " ") -> str:
    return text + fill * min(max(width, 0), 1000)


def by_partial(words: list[str], width: int) -> list[str]:
    wide, dotted = partial(padded, width), partial(padded, width, fill=".")
    return [wide(word) + dotted(word) + dotted(word, fill="") for word in words]


def sorted_by_partial(words: list[str], width: int) -> list[str]:
    return sorted(words, key=partial(padded, width))


def partials_kept(words: list[str]) -> list[Callable[[str], str]]:
    return [partial(padded, 10**20, word + word) for word in words]


def wrapped_inside(words: list[str]) -> list[str]:
    def twice(function: Callable[[str], str]) -> Callable[[str], str]:
        @wraps(function)
        def inner(text: str) -> str:
            return function(text) + function(text)

        return inner

    @twice
    def shout(text: str) -> str:
        return text.upper()

    return [shout(word) for word in words]
