"""Generators that are left in their midst and live on: what their frames hold was not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def _halves(text: str) -> Iterator[str]:
    held = text + "x"
    yield "a"
    yield held


def _around(text: str) -> Iterator[str]:
    outer = text * 2
    yield from _halves(text)
    yield outer


def _first(given: Iterator[str]) -> str:
    for one in given:
        return one
    return ""


def _refuse(given: Iterator[str]) -> None:
    for one in given:
        raise ValueError(one)


def left_after_next(words: list[str]) -> list[Iterator[str]]:
    left = []
    for word in words:
        given = _halves(word)
        next(given)
        left.append(given)
    return left


def left_by_a_break(text: str) -> int:
    given = _halves(text)
    for _ in given:
        break
    return len(text + "y") + len([given])


def left_by_a_return(text: str) -> int:
    given = _halves(text)
    _first(given)
    return len(text + "y") + len([given])


def left_by_an_error(text: str) -> int:
    given = _halves(text)
    try:
        _refuse(given)
    except ValueError:
        pass
    return len(text + "y") + len([given])


def left_by_any(text: str) -> int:
    given = _halves(text)
    found = 1 if any(given) else 2
    return len(text + "y") + len([given]) + found


def left_by_any_of_an_expression(text: str) -> int:
    given = _halves(text)
    found = any(one for one in given)
    return len(text + "y") + len([given]) + found


def left_with_one_inside(text: str) -> int:
    given = _around(text)
    next(given)
    return len(text + "y") + len([given])


def left_both(one: str, other: str) -> list[Iterator[str]]:
    first, second = _halves(one), _halves(other)
    next(first)
    next(second)
    return [first, second]


def left_and_goes_on(text: str) -> int:
    given = _halves(text)
    for _ in given:
        break
    found = len(text + "y")
    for one in given:
        found += len(one)
    return found


def left_in_an_expression(words: list[str]) -> list[str]:
    longer = (word + word for word in words)
    first = next(longer, "")
    return [first, *longer]


def left_while_consumed(text: str) -> int:
    given, found = _around(text), 0
    for one in given:
        found += len(one)
        for other in given:
            found += len(other)
            break
    return len(text + "y") + len([given]) + found


def _blocks(numbers: list[int]) -> Iterator[bytes]:
    copy = list(numbers)
    yield b""
    for _ in copy:
        yield bytes(1000)


def goes_on_though_emptied(numbers: list[int]) -> list[bytes]:
    given = _blocks(numbers)
    for _ in given:
        break
    numbers[:] = []
    return list(given) if len(numbers) == 0 else []


def goes_on_though_another_stands_there(text: str, more: str) -> str:
    given = (one + more for one in [text, text])
    next(given)
    more = ""
    for one in given:
        more = one
    return more


class Block:
    def __init__(self, text: str) -> None:
        self.text = text

    def parts(self) -> Iterator[str]:
        held = self.text * 2
        yield "a"
        yield held + "b"


def goes_on_though_its_object_changed(text: str) -> int:
    block, found = Block(text), 0
    given = block.parts()
    next(given)
    block.text = ""
    for one in given:
        found += len(one)
    return found


def counted_by_a_function(words: list[str]) -> tuple[int, Callable[[], int]]:
    def numbered() -> Iterator[str]:
        for number, word in enumerate(words):
            yield word + str(number)

    given = numbered()
    next(given, "")
    return len(words), lambda: len(list(given))
