"""What the gate has found: calls that held more than the analyser said, each once."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Iterator
from typing import Annotated, ClassVar

from annotated_types import Interval, Le, MaxLen

from hardtack.annotations import assume_bound, checked, recursive


# -- free lists that calls fill and do not draw on
def list_calls(xs: list[int]) -> int:
    n = 0
    for _ in xs:
        _held = list((1, 2))  # noqa: C410 - the call is what this is about
        n += 1
    return n


def dict_copies(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = d.copy()
        n += 1
    return n


def dict_stars(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = {**d}
        n += 1
    return n


def dict_or(xs: list[int]) -> int:
    d = {"a": 1}
    n = 0
    for _ in xs:
        _held = d | d
        n += 1
    return n


def dicts_from_keys(xs: list[int]) -> int:
    n = 0
    for _ in xs:
        _held = dict.fromkeys(["a", "b"], 0)
        n += 1
    return n


def copied_displays(xs: list[int]) -> int:
    v = [0]
    for x in xs:
        v.append(x)
        _held = dict({"a": 1, "k": x})  # noqa: C418 - the call is what this is about
    return 1


def floats_let_go(xs: list[int]) -> bytes:
    ys = [x / 7 for x in xs]
    del ys
    return bytes(3100)


# -- what exceptions of built-ins hold
def float_error_live(s: str) -> int:
    try:
        return int(float(s))
    except ValueError:
        more = s * 2
        return len(more)


def index_error_live(xs: list[str], s: str) -> int:
    try:
        return xs.index(s)
    except ValueError:
        more = s * 2
        return len(more)


def deque_index(d: deque[str], s: str) -> int:
    return d.index(s)


def key_live(d: dict[str, int], s: str) -> int:
    try:
        return d[s * 3]
    except KeyError:
        return len(s * 2)


def key_live2(d: dict[str, int], s: str) -> int:
    try:
        return d.pop(s * 3)
    except KeyError:
        return len(s * 2)


def remove_live(xs: set[str], s: str) -> int:
    try:
        xs.remove(s * 3)
    except KeyError:
        pass
    return len(s * 2)


def encode_live4(s: str) -> int:
    try:
        return len((s + "x").encode("ascii"))
    except UnicodeEncodeError:
        return len(s * 4)


def decode_live(b: bytes) -> int:
    try:
        return len(b.decode())
    except UnicodeDecodeError:
        return len(b * 3)


# -- exceptions that no model raises
def divided_by(a: int, b: int) -> int:
    return a // b


def remainder(a: int, b: int) -> int:
    return _remainder(a, b)


def _remainder(a: int, b: int) -> int:
    return a % b


def shifted_back(a: int, b: int) -> int:
    return a >> b


def both(xs: list[int]) -> int:
    a, b = xs
    return a + b


def last_of(xs: list[int]) -> int:
    for x in xs:
        last = x
    return last


def without_hash(keys: dict[tuple[list[int], int], int], key: tuple[list[int], int]) -> int:
    return keys.get(key, 0)


def divided_late(a: int, data: bytes) -> int:
    try:
        doubled = data + data
        return len(doubled) // a
    except ZeroDivisionError:
        return len(data * 3)


# -- arguments that the call itself gathers
def star(*xs: str, sep: str = ",", **kw: str) -> str:
    return sep.join(xs) + "".join(kw.values())


# -- layouts, and what differs from version to version
class Named:
    def __init__(self, name: str) -> None:
        self.name = name


def first_instance(name: str) -> Named:
    return Named(name)


def keys_of_two_kinds(a: str, b: str, c: str) -> list[dict[object, int]]:
    made: list[dict[object, int]] = []
    for _ in range(50):
        table: dict[object, int] = {}
        table[a] = 1
        table[b] = 1
        table[c] = 1
        table[1] = 2
        made.append(table)
    return made


def divided(a: int, b: int, rounds: int) -> int:
    last = 0
    for number in range(rounds):
        last = (a + number) // b
    return last


def divided_both(a: int, b: int) -> tuple[int, int]:
    return divmod(a, b)


# -- truth values that models give are no None
def truth_in_a_local(s: str) -> list[int]:
    digits = s.isdigit()
    if digits:
        return [0] * 1000
    return []


def truth_is_not_none(s: str) -> list[int]:
    begins = s.startswith("x")
    return [0] * 1000 if begins is not None else []


# -- classes as values
class Marked:
    mark = "m"

    def __init__(self) -> None:
        self.rows: list[int] = []

    def again(self) -> Marked:
        return self.__class__()


class Laden(Marked):
    mark = "a mark of far more characters than that of the class above it has" * 20

    def __init__(self) -> None:
        self.rows = [0] * 1000


def mark_of_a_class(kind: type[Marked]) -> str:
    return kind.mark + kind.mark


def class_name_tested(text: str) -> list[int]:
    return [0] * 1000 if type(text).__name__ == "str" else []


def class_in_a_variable(kind: type[Marked], thing: Marked) -> list[int]:
    if isinstance(thing, kind):
        return []
    return [0] * 1000


def made_by_its_class(thing: Marked) -> Marked:
    return thing.again()


# -- exceptions hold a dict of their own
class Noted(ValueError):
    def __init__(self, note: str) -> None:
        self.note = note


def notes_collected(count: int) -> list[Noted]:
    return [Noted("a note") for _ in range(min(count, 1000))]


def noted_again(error: Noted) -> None:
    Noted.__init__(error, "another")


# -- the last products of a power
def power_kept(base: int, exponent: int) -> int:
    power: int = base ** min(max(exponent, 0), 3000)
    return power


# -- the text of instances and of exceptions
class Spelled:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text * 10


class Unspelled:
    pass


def text_by_repr(thing: Spelled) -> str:
    return str(thing)


def texts_of_plain(things: list[Unspelled]) -> str:
    return str(things)


def text_of_an_error(text: str) -> str:
    return str(Noted(text * 10))


def text_of_a_caught_error(text: str) -> str:
    try:
        raise ValueError(text * 100)
    except ValueError as error:
        return str(error)


def text_of_a_key_error(table: dict[str, int], key: str) -> str:
    try:
        return str(table[key * 10])
    except KeyError as error:
        return f"no {error}"


# -- generators: what they give at their end, who keeps them, who takes them apart
def ends_with(xs: list[int]) -> Generator[int, None, list[int]]:
    yield 1
    return xs * 20


def delegates(xs: list[int]) -> Iterator[int]:
    more = yield from ends_with(xs)
    yield len(more * 3)


def given_by_yield_from(xs: list[int]) -> int:
    n = 0
    for x in delegates(xs):
        n += x
    return n


def one_of(x: int) -> Iterator[int]:
    yield x


def generators_kept(xs: list[int]) -> int:
    kept = [one_of(x) for x in xs]
    return len(kept)


def expressions_kept(xs: list[int]) -> int:
    kept = [(x for x in xs) for _ in xs]
    return len(kept)


def pairs_of(xs: list[int]) -> Iterator[list[int]]:
    yield xs * 20
    yield xs * 30


def unpacked(xs: list[int]) -> int:
    first, second = pairs_of(xs)
    return len(first) + len(second)


# -- integers: what a power and a product need besides
def cubed(a: int) -> int:
    return int(a**3)


def raised(a: int, n: int) -> int:
    return int(a ** (n % 40))


def great_product(a: int) -> int:
    return (7**40000) * (a & 1023) * (5**40000)


# -- what built-ins ask of classes
class Dear:
    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dear) and [self.number] * 5000 == [other.number] * 5000

    def __hash__(self) -> int:
        return len([self.number] * 7000)

    def __lt__(self, other: Dear) -> bool:
        return [self.number] * 6000 < [other.number] * 6000

    def __index__(self) -> int:
        return len([0] * 4500) - 4499

    def __str__(self) -> str:
        return "s" * 4000

    def __format__(self, specification: str) -> str:
        return "f" * 60_000


def sorted_by_class(xs: list[int]) -> int:
    return len(sorted(xs, key=Dear))


def least_by_class(xs: list[int]) -> int:
    return min(xs, key=Dear, default=0)


def display_of_two(x: int) -> int:
    return len({Dear(x)} | {Dear(0)})


def dict_of_two(x: int) -> int:
    return len({Dear(x): 1, Dear(0): 2})


def formatted_by_class(x: int) -> str:
    return "{}".format(Dear(x))  # noqa: UP032 - the method is what this is about


# -- attributes that come when their class has no room for them any more
class Late:
    def __init__(self, number: int) -> None:
        self.number = number

    def more(self) -> None:
        self.other = 5
        self.text = "x"


def attributes_late(xs: list[int]) -> int:
    made = [Late(5) for _ in xs]
    for one in made:
        one.more()
    return len(made)


def attribute_of_argument(late: Late) -> None:
    late.more()


# -- tuples of several sizes, one after the other
def tuples_grow(xs: list[int]) -> bytes:
    t: tuple[int, ...] = ()
    for x in xs[:18]:
        t = t + (x,)  # noqa: RUF005 - the sum is what this is about
    return bytes(3100)


def tuples_of_two_sizes(xs: list[int]) -> list[tuple[int, ...]]:
    mixed: list[tuple[int, ...]] = [(x,) if x < 0 else (x, x) for x in xs]
    del mixed
    return [(x,) for x in xs]


# -- annotations cost something when they are checked
@checked
def checked_inside(xs: Annotated[list[Annotated[int, Le(5000)]], MaxLen(2000)]) -> int:
    return len(xs)


@checked
def checked_keys(table: dict[Annotated[str, MaxLen(20)], Annotated[list[int], MaxLen(9)]]) -> int:
    return len(table)


@recursive(depth=10, calls=1024)
def counted(n: Annotated[int, Le(9)], xs: list[int]) -> list[int]:
    if n <= 0:
        return [*xs]
    return counted(n - 1, xs)[:5] + counted(n - 1, xs)[:5]


# -- slices that go backward
def from_the_last_but_one(xs: list[int]) -> list[int]:
    return xs[-2::-1]


def down_to_the_third(xs: list[int]) -> list[int]:
    return xs[:2:-1]


# -- what is assumed of a call, and what stays alive after it
KEPT: list[bytes] = []


@assume_bound("1000", returned="0", retained="600")
def keeps() -> None:
    KEPT.append(b"k" * len(KEPT[:1] or b"k") * 400)


def keeps_for_each(xs: list[int]) -> int:
    for _ in xs:
        keeps()
    return len(KEPT)


@assume_bound("2000 + 100*len(text)", returned="400 + 80*len(text)", retained="0")
def words(text: str) -> list[str]:
    return text.split()


def longer_words(text: str) -> list[str]:
    return [one + "s" for one in words(text)]


@assume_bound("256", returned="64", retained="0")
def great() -> int:
    return 3**300


def sums_of_great(xs: list[int]) -> list[int]:
    return [great() + x for x in xs]


# -- calls that go back and forth, of which one of two is counted
@recursive(depth=6, calls=6)
def forth(text: str, n: Annotated[int, Le(9)]) -> str:
    return text if n <= 0 else back(text, n - 1) + "f"


def back(text: str, n: Annotated[int, Le(9)]) -> str:
    return text if n <= 0 else forth(text, n - 1) + "b"


# -- a pattern that is one of two
WORD = re.compile(r"\w+")
PAIR = re.compile(r"(\w+)\s(\w+)")


def found_either(text: str, pairs: bool) -> list[str]:
    pattern = PAIR if pairs else WORD
    return [one.group() for one in pattern.finditer(text)]


# -- what a class has for its instances, and an instance may have been given for itself
class Ruled:
    limit = 3
    room: ClassVar[int] = 3


def as_long_as_ruled(ruled: Ruled) -> str:
    return "x" * ruled.limit


def as_long_as_its_room(ruled: Ruled) -> str:
    return "x" * ruled.room


def as_long_as_one_of_two(ruled: Ruled, own: bool) -> str:
    one = Ruled() if own else ruled
    return "x" * one.limit


# -- what a write takes the place of, and what it does not
class Two:
    def __init__(self, n: int) -> None:
        self.n = n
        self.m = n


def written_greater(two: Two, x: int) -> bytearray:
    two.n = x % 2000 + 1000
    two.n = (x % 2) + (1 << 500_000)
    return bytearray(150_000)


def written_on_either_side(two: Two, x: int, first: bool) -> bytearray:
    if first:
        two.n = x % 2000 + (1 << 500_000)
    else:
        two.m = x % 2000 + (1 << 500_000)
    two.n = x % 2001 + (1 << 500_000)
    return bytearray(150_000)


def appended_twice(xs: list[int]) -> bytearray:
    for i in range(10_000):
        xs.append(i + 1000)
    for i in range(10_000):
        xs.append(i + 1000)
    return bytearray(500_000)


def counted_by_an_instance(xs: list[int]) -> int:
    two = Two(0)
    for x in xs:
        two.n += x & 1023
        two.m = two.n + (1 << 300)
    return two.n


# -- a frame that an exception leaves, and that another one, which is kept, has in its traceback
class Keeper:
    def __init__(self) -> None:
        self.kept: Exception | None = None


def left_by_another(keeper: Keeper, n: int) -> int:
    try:
        raise ValueError
    except ValueError as error:
        keeper.kept = error
    held = bytes(n)
    raise KeyError(len(held))


def kept_by_the_first(keeper: Keeper, n: Annotated[int, Interval(ge=0, le=100_000)]) -> bytes:
    try:
        left_by_another(keeper, n)
    except KeyError:
        pass
    return bytes(n)


# -- bytearrays of zeros, which have no room to spare until they grow
def zeros(n: Annotated[int, Interval(ge=0, le=100_000)], grows: bool) -> list[bytearray]:
    made = [bytearray(n), bytearray(n)]
    for _ in range(4):
        made.append(bytearray(n))
    if grows:
        made[0].append(1)
        for one in made:
            one.extend(b"12")
    return made


def one_of_zeros(n: Annotated[int, Interval(ge=0, le=100_000)], grows: bool) -> bytearray:
    one = bytearray(n)
    if grows:
        one += b"1"
    other = bytearray(n)
    return other if n else one


# -- items of a container that lives on, and of one that is made anew; exceptions of different places
def pairs_in_turn(names: Annotated[list[bytes], MaxLen(40)], times: int) -> int:
    found = 0
    for _ in range(times):
        pairs: list[tuple[int, bytes]] = []
        for name in names:
            pairs.append((len(name) + 1000, name))
        found += len(pairs)
    return found


def pairs_that_stay(times: Annotated[int, Interval(ge=0, le=300)]) -> list[list[tuple[int, bytes]]]:
    kept: list[list[tuple[int, bytes]]] = []
    last: list[tuple[int, bytes]] = []
    for number in range(times):
        pairs: list[tuple[int, bytes]] = []
        for _ in range(5):
            pairs.append((number + 1000, bytes(64)))
        last.append(pairs.pop())
        kept.append(pairs)
    kept.append(last)
    return kept


def errors_of_different_places(times: Annotated[int, Interval(ge=0, le=300)]) -> list[Exception]:
    kept: list[Exception] = []
    for number in range(times):
        try:
            if number % 3 == 0:
                raise KeyError(number + 1000)
            if number % 3 == 1:
                kept[number + 1000]
            int("x")
        except (KeyError, IndexError) as error:
            kept.append(error)
        except ValueError as error:
            kept.append(error)
    return kept


def errors_in_cycles(times: Annotated[int, Interval(ge=0, le=100)]) -> int:
    for number in range(times):
        held: list[object] = [bytes(100)]
        try:
            if number % 2:
                raise KeyError(number + 1000)
            int("x")
        except (KeyError, ValueError) as error:
            held.append(error)
            held.append(held)
    return times


# -- a loop whose body runs twice a round keeps an older object of the first round, too
def every_other() -> Iterator[int]:
    for _ in range(4):
        yield 1
        yield 0


def every_other_page_kept() -> list[bytes]:
    kept: list[bytes] = []
    page: bytes | None = None
    for keeps in every_other():
        page = None
        page = bytes(30_000)
        if keeps:
            kept.append(page)
    kept.append(bytes(90_000))
    return kept


def one_and_not_the_other() -> Iterator[int]:
    yield 1
    yield 0


def every_other_page_of_each_round() -> list[bytes]:
    kept: list[bytes] = []
    page: bytes | None = None
    for _ in range(4):
        for keeps in one_and_not_the_other():
            page = None
            page = bytes(30_000)
            if keeps:
                kept.append(page)
    kept.append(bytes(90_000))
    return kept
