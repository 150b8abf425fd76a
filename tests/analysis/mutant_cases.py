"""The part of the gate that mutants go through: one short function for each rule of the analyser.

What a case holds is within a few percent of its bound, or grows by what the rule is about, so that a rule that
is broken shows. `ARGUMENTS` has the calls.
"""

from __future__ import annotations

import bisect
import re
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Annotated, Any, TypeAlias

from annotated_types import Le, MaxLen

from hardtack.annotations import checked, recursive


class _Told:
    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


def length_that_is_none(length: int) -> int:
    return len(_Told(length))


def filled_dict(numbers: list[int]) -> dict[int, int]:
    return {number: number for number in numbers}


def _doubled(text: str) -> str:
    return text + text


def returned(text: str) -> int:
    first = _doubled(text)
    second = _doubled(first)
    return len(second)


def gathered(words: list[str]) -> list[str]:
    return [word * 4 for word in words]


def _raising(text: str) -> int:
    held = text * 8
    raise ValueError(len(held))


def traceback_kept(text: str) -> int:
    try:
        return _raising(text)
    except ValueError:
        return len(text * 8)


def grown_inside() -> int:
    kept: list[bytes] = []
    size = 0
    for _ in range(10):
        kept.append(bytes(10_000))
        size = len(bytes(50_000))
    return size + len(kept)


def _failing() -> None:
    raise ValueError(1)


def _passing(text: str) -> int:
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = a10 = a11 = a12 = a13 = a14 = a15 = text
    b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = b10 = b11 = b12 = b13 = b14 = b15 = text
    c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = c8 = c9 = c10 = c11 = c12 = c13 = c14 = c15 = text
    d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = d8 = d9 = d10 = d11 = d12 = d13 = d14 = d15 = text
    e0 = e1 = e2 = e3 = e4 = e5 = e6 = e7 = e8 = e9 = e10 = e11 = e12 = e13 = e14 = e15 = text
    f0 = f1 = f2 = f3 = f4 = f5 = f6 = f7 = f8 = f9 = f10 = f11 = f12 = f13 = f14 = f15 = text
    g0 = g1 = g2 = g3 = g4 = g5 = g6 = g7 = g8 = g9 = g10 = g11 = g12 = g13 = g14 = g15 = text
    h0 = h1 = h2 = h3 = h4 = h5 = h6 = h7 = h8 = h9 = h10 = h11 = h12 = h13 = h14 = h15 = text
    _failing()
    return len(a0 + h0)


def passed_by_many_variables(text: str) -> int:
    try:
        return _passing(text)
    except ValueError:
        return len(bytes(9000))


def left_with_many_variables(text: str) -> int:
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = a10 = a11 = a12 = a13 = a14 = a15 = text
    b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = b10 = b11 = b12 = b13 = b14 = b15 = text
    c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = c8 = c9 = c10 = c11 = c12 = c13 = c14 = c15 = text
    d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = d8 = d9 = d10 = d11 = d12 = d13 = d14 = d15 = text
    if d15:
        raise KeyError(d15)
    return len(a0)


def temporaries(text: str) -> int:
    return len((text + "a") * 2 + (text + "b") * 2)


def pairs_let_go(words: list[str]) -> bytes:
    pairs = [(word, word) for word in words]
    del pairs
    return bytes(64 * len(words))


def concatenated(text: str) -> str:
    text += "a"
    text += text
    return text


def split_total(text: str) -> int:
    return sum([len(word * 3 + "x") for word in text.split(",")])


def joined_again(words: list[str]) -> str:
    kept: list[str] = []
    for word in words:  # one by one, which is what this is about
        kept.append(word * 5)  # noqa: PERF401
    return "".join(kept)


def _capturing(text: str) -> Callable[[], str]:
    longer = text * 9
    return lambda: longer


def captured(text: str) -> tuple[Callable[[], str], str]:
    return _capturing(text), text * 9


class Small:
    def made(self, text: str) -> str:
        return text


class Great(Small):
    def made(self, text: str) -> str:
        return text * 9


def overridden(text: str, small: bool) -> str:
    made: Small = Small() if small else Great()
    return made.made(text)


def branched(text: str, long: bool) -> str:
    if long:
        return ""
    return text * 9


def _flagged(text: str, flags: int) -> str:
    if flags & 4:
        return ""
    return text * 9


def flagged(text: str, flags: int) -> str:
    return _flagged(text, flags)


def flagged_in_a_loop(words: list[str]) -> list[str]:
    kept: list[str] = []
    flag = 0
    for word in words:
        if flag:
            kept.append(word * 5)
        flag = 1
    return kept


def _lines(text: str) -> Iterator[str]:
    held = text * 9
    yield "a"
    yield held[:1]


def generated(text: str) -> int:
    longest = 0
    for line in _lines(text):
        longest = max(longest, len(line + text * 9))
    return longest


def wide(count: int) -> str:
    return "\U0001f600" * min(max(count, 0), 1000) + "x"


def small_blocks(words: list[str]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


def longest_copied(words: list[str]) -> str:
    longest = ""
    for word in words:
        longest = word * 9
    return longest


def counted(numbers: list[int]) -> list[int]:
    return [number + 1000 for number in numbers]


def finished(text: str) -> str:
    length = 0
    try:
        return text * 9
    finally:
        length += len(text * 9)


class Node:
    def __init__(self, text: str) -> None:
        self.text = text * 9
        self.me = self


def cycles(words: list[str]) -> None:
    for word in words:
        Node(word)


def aliased(one: list[int], other: list[int]) -> list[int]:
    one.extend([number + 1000 for number in range(300)])
    return other * 9


def _ninefold(numbers: list[int]) -> int:
    made = numbers * 9
    kept = [made]
    return len(kept) + len(made)


def aliased_for_another(one: list[int], other: list[int]) -> int:
    before = _ninefold(other)
    one.extend([number + 1000 for number in range(300)])
    return _ninefold(other) + before


_Nested: TypeAlias = "list[_Nested | int]"


def aliased_as_nested(one: list[_Nested], other: list[list[int]]) -> list[list[int]]:
    one.extend([[number] for number in range(300)])
    return other * 9


def _copied_twice(text: str) -> int:
    first = text * 20
    second = first + "b"
    return len(first) + len(second)


def held_by_the_caller(text: str) -> int:
    held = text * 20
    return _copied_twice(text) + len(held)


def _paired_with_zeros(text: str) -> int:
    pair = (text, text)
    zeros = bytes(20_000)
    other = (zeros, text)
    return len(pair) + len(other) + len(zeros)


def pairs_held_by_the_caller(text: str) -> int:
    held = [(text, text) for _ in range(100)]
    return _paired_with_zeros(text) + len(held)


def _extended(kept: list[str], text: str) -> int:
    longer = text * 5
    kept.append(longer)
    return len(kept)


def kept_by_argument(text: str) -> int:
    kept: list[str] = []
    count = _extended(kept, text)
    return len(text * 3) + count


def grown(numbers: list[int]) -> None:
    numbers.append(7)


def grown_often(numbers: list[int], times: int) -> None:
    for number in range(times):
        numbers.append(number % 7)
        numbers[0] = 0


def divided(a: int, b: int) -> int:
    return a // b


def popped(numbers: list[int]) -> int:
    return numbers.pop()


def without_hash(keys: dict[tuple[list[int], int], int], key: tuple[list[int], int]) -> int:
    return keys.get(key, 0)


def both(numbers: list[int]) -> int:
    a, b = numbers
    return a + b


def unset(numbers: list[int]) -> int:
    for number in numbers:
        last = number
    return last


def split_small(text: str) -> list[str]:
    return text.split(",")


def left_early(words: list[str]) -> str:
    held = ""
    for word in words:
        held = word * 9
        break
    else:
        return ""
    return held + held


def copied_dicts(words: list[str]) -> int:
    table = {"a": 1}
    count = 0
    for _ in words:
        count += len(table.copy())
    return count


def _ending(text: str) -> Generator[int, None, str]:
    yield 1
    return text


def _delegating(text: str) -> Iterator[int]:
    rest = yield from _ending(text)
    yield len(rest * 9)


def delegated(text: str) -> int:
    longest = 0
    for length in _delegating(text):
        longest = max(longest, length)
    return longest


def _one_of(number: int) -> Iterator[int]:
    yield number


def generators_kept(numbers: list[int]) -> int:
    kept = [_one_of(number) for number in numbers]
    return len(kept)


def expressions_kept(numbers: list[int]) -> int:
    kept = [(number for number in numbers) for _ in numbers]
    return len(kept)


class _Late:
    def __init__(self, number: int) -> None:
        self.number = number

    def more(self) -> None:
        self.first = 5
        self.second = "x"


def attributes_late(numbers: list[int]) -> int:
    made = [_Late(5) for _ in numbers]
    for one in made:
        one.more()
    return len(made)


def tuples_grow(numbers: list[int]) -> bytes:
    grown: tuple[int, ...] = ()
    for number in numbers[:18]:
        grown = grown + (number,)  # noqa: RUF005 - the sum is what this is about
    return bytes(3100)


class _Dear:
    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Dear) and self.number == other.number

    def __hash__(self) -> int:
        return len([self.number] * 7000)

    def __lt__(self, other: _Dear) -> bool:
        return [self.number] * 6000 < [other.number] * 6000


def displayed(count: int) -> int:
    return len({_Dear(count)})


def raised(number: int, exponent: int) -> int:
    return number ** (exponent % 40)


def sorted_by_class(numbers: list[int]) -> int:
    return len(sorted(numbers[:9], key=_Dear))


@checked
def checked_argument(numbers: Annotated[list[Annotated[int, Le(5000)]], MaxLen(2000)]) -> int:
    return len(numbers)


def dicts_from_keys(numbers: list[int]) -> int:
    count = 0
    for _ in numbers:
        _held = dict.fromkeys(["a", "b"], 0)
        count += 1
    return count


def replaced_twice(data: bytes) -> bytes:
    return data.replace(b"&", b"aa").replace(b"a", b"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")


def both_alive(data: bytes, longer: bool) -> int:
    first = data * 2
    second = data * 3
    one = second if longer else first
    return len(one) + len(data * 2)


class _Linked:
    def __init__(self, data: bytes) -> None:
        self.other: _Linked | None = None
        self.data = data


def held_by_a_lost_cycle(data: bytes) -> int:
    big = data + b"x"
    one = _Linked(big)
    one.other = one
    del one
    count = len(data[:1] + b"z")
    del big
    return len(data + b"y") + count


def _halves(text: str) -> Iterator[str]:
    held = text + "x"
    yield "a"
    yield held


def left_in_its_midst(text: str) -> int:
    given = _halves(text)
    for _ in given:
        break
    return len(text + "y") + len([given])


class _Ordered:
    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: _Ordered) -> bool:
        return self.text * 9 < other.text * 9


def inserted_in_order(words: list[str]) -> int:
    found: list[_Ordered] = []
    for word in words:
        bisect.insort(found, _Ordered(word))
    return len(found)


_AB = re.compile("(a)|(b)")


def matches_collected(text: str) -> int:
    return len([match for match in _AB.finditer(text) if match])


def blocks_of(numbers: range) -> list[bytes]:
    return [bytes(number) for number in numbers]


_WIDE = "\U0001f600"  # four bytes, as the analyser has to take every character of an argument for
_TEXT, _WORDS, _NUMBERS = _WIDE * 4000, [_WIDE * 40 for _ in range(400)], list(range(1000, 1500))


class _Sized:
    def __init__(self, size: int) -> None:
        self.size = size


def attribute_grown(n: int) -> bytes:
    sized = _Sized(n)
    sized.size = n % 2000 + (1 << 90)
    sized.size = (n % 2) + (1 << 500_000)
    return bytes(150_000 + sized.size % 2)


def pairs_that_stay() -> list[list[bytes]]:
    return [[bytes(640) for _ in range(5)] for _ in range(400)]


class _Keeper:
    def __init__(self) -> None:
        self.kept: list[Exception] = []


def _left_by_another(keeper: _Keeper, data: bytes) -> None:
    try:
        int("x")
    except ValueError as error:
        keeper.kept.append(error)
    held = data + data
    raise KeyError(len(held))


def kept_by_the_first(data: bytes) -> bytes:
    keeper = _Keeper()
    try:
        _left_by_another(keeper, data)
    except KeyError:
        data += b"1"
    return data + data


@recursive(depth=12, calls=12)
def _down(text: str, level: int) -> int:
    held = text * 2
    if level <= 0:
        return len(held)
    return max(_down(text, level - 1), len(held))


def down_from_ten(text: str) -> int:
    return _down(text, 10)


@recursive(depth=100, calls=100)
def _failing_at(level: int) -> int:
    if level <= 0:
        raise KeyError
    return _failing_at(level - 1)


def failed_deep_down() -> int:
    try:
        return _failing_at(90)
    except KeyError:
        return 0


@recursive(depth=12)
def _failing_each(level: int, text: str) -> int:
    held = text * 2
    if level <= 0:
        raise KeyError
    return _failing_each(level - 1, text) + len(held)


def failed_step_by_step(text: str) -> int:
    try:
        return _failing_each(10, text)
    except KeyError:
        return len(text * 2)


@recursive(depth=50, calls=50)
def _holding(text: str, level: int) -> int:
    held = text * 2
    if level <= 0:
        raise KeyError(level)
    return _holding(text, level - 1) + len(held)


def held_by_all(text: str) -> int:
    try:
        return _holding(text, 45)
    except KeyError:
        return len(text * 60)


def _put_together(first: str, *, middle: str = "", last: str = "") -> str:
    return first + middle + last


def partial_with_keywords(words: list[str]) -> int:
    put = partial(_put_together, middle="x" * 10)
    longest = 0
    for word in words:
        longest = max(longest, len(put(word, last=word)))
    return longest


def kept_as_a_named_key(text: str) -> int:
    table: OrderedDict[str, int] = OrderedDict()
    try:
        return table.pop(key=text + "1")
    except KeyError:
        return len(text * 3)


def both_by_continue(flags: list[int]) -> int:
    first = second = b""
    for flag in flags:
        first = bytes(20_000)
        if flag == 2:
            continue
        if flag:
            first = b""
            second = bytes(20_000)
        else:
            second = b""
    return len(first) + len(second) + len(bytes(100_000))


ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "replaced_twice": [(b"&" * 4000,)],
    "both_alive": [(b"q" * 9000, True)],
    "held_by_a_lost_cycle": [(b"q" * 9000,)],
    "aliased": [([1],)],  # one object twice: see `calls`
    "aliased_as_nested": [([[1]],)],
    "aliased_for_another": [([1],)],
    "held_by_the_caller": [(_TEXT,)],
    "pairs_held_by_the_caller": [(_TEXT,)],
    "kept_by_argument": [(_TEXT,)],
    "attributes_late": [(_NUMBERS,)],
    "branched": [(_TEXT, False)],
    "flagged": [(_TEXT, 0)],
    "flagged_in_a_loop": [(_WORDS,)],
    "captured": [(_TEXT,)],
    "concatenated": [(_TEXT,)],
    "grown_inside": [()],
    "left_with_many_variables": [("abc",)],
    "passed_by_many_variables": [("abc",)],
    "copied_dicts": [(_WORDS,)],
    "counted": [(_NUMBERS,)],
    "checked_argument": [([9000],)],
    "cycles": [(_WORDS,)],
    "delegated": [(_TEXT,)],
    "dicts_from_keys": [(_NUMBERS,)],
    "displayed": [(7,)],
    "expressions_kept": [(_NUMBERS[:200],)],
    "filled_dict": [(_NUMBERS,), (_NUMBERS[:200],)],
    "finished": [(_TEXT,)],
    "gathered": [(_WORDS,)],
    "generated": [(_TEXT,)],
    "generators_kept": [(_NUMBERS,)],
    "grown": [(list(range(n)),) for n in (40, 100, 200, 400, 1000)],
    "joined_again": [(_WORDS,)],
    "pairs_that_stay": [()],
    "attribute_grown": [(7,)],
    "kept_by_the_first": [(b"q" * 90_000,)],
    "grown_often": [([], 40_000)],
    "divided": [(1, 0)],
    "popped": [([],)],
    "without_hash": [({}, ([1], 2))],
    "both": [([],)],
    "unset": [([],)],
    "split_small": [((_WIDE + ",") * 4000,)],
    "left_early": [([_TEXT],)],
    "pairs_let_go": [(_WORDS,)],
    "longest_copied": [(["", _TEXT],)],
    "overridden": [(_TEXT, False)],
    "raised": [(10**3000, 39), (10**300, 17)],
    "returned": [(_TEXT,)],
    "small_blocks": [(_WORDS,)],
    "sorted_by_class": [(_NUMBERS,)],
    "split_total": [(",".join(_WORDS[:50]),)],
    "temporaries": [(_TEXT,)],
    "traceback_kept": [(_TEXT,)],
    "tuples_grow": [(_NUMBERS,)],
    "wide": [(900,)],
    "kept_as_a_named_key": [(_TEXT,)],
    "down_from_ten": [(_TEXT,)],
    "failed_deep_down": [()],
    "failed_step_by_step": [("",), (_TEXT[:512],)],
    "held_by_all": [(_TEXT,)],
    "both_by_continue": [([1, 2],)],
    "left_in_its_midst": [(_TEXT,)],
    "inserted_in_order": [([_TEXT, _TEXT],)],
    "blocks_of": [(range(90_000, 90_003),)],
    "matches_collected": [("ab" * 4000,)],
    "partial_with_keywords": [(_WORDS,)],
    "length_that_is_none": [(-1,)],
}


def calls(name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of a case's calls, new ones each time."""
    for arguments in ARGUMENTS[name]:
        copy = tuple(type(one)(one) if isinstance(one, list | dict) else one for one in arguments)
        yield copy * 2 if name.startswith("aliased") else copy
