"""Object sizes, to the byte: every entry against what a real heap is charged, on the version that runs this."""

from __future__ import annotations

import array
import collections
import enum
import functools
import gc
import io
import itertools
import re
import struct
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardtack import heap as heaps
from hardtack.heap import Heap
from hardtack.symbolic import Size
from hardtack.symbolic.layouts import EXCEPTIONS, FREE_LISTS, KINDS, VERSIONS
from hardtack.symbolic.size_classes import round_up, size_class
from hardtack.symbolic.sizes import current, sizes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

here = current()
n = Size.symbol("n")
COUNTS = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    16,
    17,
    21,
    22,
    31,
    43,
    64,
    77,
    85,
    86,
    100,
    308,
    500,
    1000,
    1366,
    4000,
    5000,
    9999,
]
MANY = [*COUNTS, 30_000, 80_000]


@pytest.fixture
def heap() -> Iterator[Heap]:
    heap = Heap("512 MiB", name="sizes")
    yield heap
    heap.check()


def charged(heap: Heap, make: Callable[[], Any], count: int = 1200) -> int:
    """Bytes that each of many takes for itself: the first ones may come out of free lists."""
    kept = [None] * count
    gc.collect()  # which empties the free lists
    gc.disable()
    try:
        with heap:
            first = make(), make()
            before = heap.live
            for i in range(count):
                kept[i] = make()
            after = heap.live - INT  # for `before`
    finally:
        gc.enable()
    del first
    return round((after - before) / count)  # some of the loop's own numbers are in it


INT = size_class(28)
LOOP = 192  # bytes that a test's own loop may hold at the peak: an iterator, a number, a bound method


def one(heap: Heap, make: Callable[[], Any]) -> tuple[int, int]:
    """Bytes that one thing holds, and held at its peak, once another one like it has filled the free lists."""
    make()
    gc.collect()
    gc.disable()
    try:
        with heap:
            drain = [([], {"a": 1}) for _ in range(100)]
            first = make()
            before = heap.live
            heap.reset_peak()
            thing = make()
            held, peak = heap.live - before - INT, heap.peak - before - INT
    finally:
        gc.enable()
    del drain, first, thing
    return held, peak


def value(size: Size) -> int:
    return size.evaluate({})


# -- size classes
@settings(deadline=None)
@given(st.integers(0, 1 << 40) | st.integers(0, 70_000))
def test_size_classes_are_the_heap_s(size: int) -> None:
    assert size_class(size) == heaps.size_class(size)


def test_every_class_up_to_64_mib_is_below_the_majorant() -> None:
    majorant = round_up(n).compile(["n"])
    size = 0
    while size <= 64 << 20:
        first = size + 1  # of the next class: nowhere is the majorant closer to it
        assert heaps.size_class(first) == size_class(first)
        assert majorant(first) >= size_class(first)
        size = size_class(first)
    assert majorant(0) >= size_class(0)


# -- kinds of one size
class Plain:
    def method(self) -> None: ...


class Colour(enum.Enum):
    RED = 1


big = 10**6
longs = array.array("q", [(1 << 60) - 1])
plain, some, pair, table, odd = Plain(), [big, big], (big, big), {big: 1}, bytearray(b"ab")
view, double, letters = memoryview(b"ab"), collections.deque([1]), "aé€"


def function() -> Callable[[], int]:
    return lambda: 1


def cells() -> Any:
    x, y = big, big

    def inner() -> tuple[int, int]:
        return x, y

    return inner


def made(kind: str) -> tuple[Callable[[], Any], int]:
    """How to make one of a kind, and what else that allocates."""
    return {
        "None": (lambda: None, 0),
        "bool": (lambda: big > 1, 0),
        "object": (object, 0),
        "float": (lambda: 1.0 * big, 0),
        "complex": (lambda: complex(big, 1), 0),
        "length": (lambda: longs[0], 0),
        "bound method": (lambda: plain.method, 0),
        "builtin method": (lambda: some.append, 0),
        "method wrapper": (lambda: some.__len__, 0),
        "super": (lambda: super(Plain, plain), 0),
        "function": (function, 0),
        "cell": (cells, value(here.of("function")) + value(here.tuple_(2)) + value(here.of("cell"))),
        "partial": (lambda: functools.partial(int), 0),
        "slice": (lambda: slice(big), 0),
        "range": (lambda: range(3), 0),
        "memoryview": (lambda: view[:1], 0),
        "managed buffer": (lambda: memoryview(b"ab"), value(here.of("memoryview"))),
        "list iterator": (lambda: iter(some), 0),
        "reversed list": (lambda: reversed(some), 0),
        "tuple iterator": (lambda: iter(pair), 0),
        "str iterator": (lambda: iter(letters), 0),
        "bytes iterator": (lambda: iter(b"ab"), 0),
        "bytearray iterator": (lambda: iter(odd), 0),
        "reversed sequence": (lambda: reversed(pair), 0),
        "range iterator": (lambda: iter(range(3)), 0),
        "set iterator": (lambda: iter(colours), 0),
        "deque iterator": (lambda: iter(double), 0),
        "callable iterator": (lambda: iter(int, 1), 0),
        "dict view": (lambda: table.items(), 0),
        "dict key iterator": (lambda: iter(table), 0),
        "dict value iterator": (lambda: iter(table.values()), 0),
        "dict item iterator": (lambda: iter(table.items()), 0),
        "reversed dict": (lambda: reversed(table), 0),
        "enumerate": (lambda: enumerate(some), value(here.of("list iterator"))),
        "map": (lambda: map(int, some), value(here.of("list iterator") + here.tuple_(1))),
        "filter": (lambda: filter(None, some), value(here.of("list iterator"))),
        "zip": (
            lambda: zip(some, pair, strict=False),
            value(here.of("list iterator") * 2 + here.tuple_(2) * 2),
        ),
        "chain": (lambda: itertools.chain(some), value(here.of("tuple iterator") + here.tuple_(1))),
        "islice": (lambda: itertools.islice(some, 3), value(here.of("list iterator"))),
        "count": (itertools.count, 0),
        "repeat": (lambda: itertools.repeat(1), 0),
        "deque": (collections.deque, size_class(528)),
        "defaultdict": (lambda: collections.defaultdict(list), 0),
        "OrderedDict": (collections.OrderedDict, 0),
        "Counter": (collections.Counter, 0),
        "array": (lambda: array.array("i"), 0),
        "BytesIO": (io.BytesIO, 0),
        "StringIO": (io.StringIO, 0),
        "Struct": (lambda: struct.Struct("<I"), 0),
        "enum member": (lambda: Colour.RED, 0),
    }[kind]


colours = {big, 1}
MEASURED_ELSEWHERE = {"traceback"}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - MEASURED_ELSEWHERE))
def test_a_kind_has_one_size(heap: Heap, kind: str) -> None:
    make, besides = made(kind)
    assert charged(heap, make) - besides == value(here.of(kind))


EXAMPLES: dict[str, Callable[[], BaseException]] = {
    "BaseException": ValueError,
    "StopIteration": StopIteration,
    "SystemExit": SystemExit,
    "NameError": NameError,
    "AttributeError": AttributeError,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("x", [ERROR]),
    "ImportError": ImportError,
    "OSError": OSError,
    "UnicodeError": lambda: UnicodeDecodeError("ascii", b"xy", 0, 1, "reason"),
    "SyntaxError": SyntaxError,
}
ERROR = ValueError()


@pytest.mark.parametrize("kind", sorted(EXCEPTIONS))
def test_an_exception_has_its_size(heap: Heap, kind: str) -> None:
    arguments = {"BaseExceptionGroup": 2, "UnicodeError": 5}.get(kind, 0)
    group = (
        kind == "BaseExceptionGroup"
    )  # a subclass, which has a list among its arguments, and a tuple beside
    besides = value(here.tuple_(1) + here.list_(1)) if group else 0
    assert charged(heap, EXAMPLES[kind]) - besides == value(here.exception(kind, arguments, subclass=group))


class Own(ValueError): ...


class OwnFile(OSError): ...


def test_an_exception_of_a_class_of_one_s_own_has_its_size(heap: Heap) -> None:
    assert charged(heap, lambda: Own(big, 2)) == value(here.exception("BaseException", 2, subclass=True))
    assert charged(heap, OwnFile) == value(here.exception("OSError", 0, subclass=True))


def test_no_other_exception_is_larger_than_the_one_it_is_below() -> None:
    rows = {name: getattr(__builtins__, name, None) or __builtins__[name] for name in EXCEPTIONS}  # type: ignore[index]
    for name, thing in vars(__import__("builtins")).items():
        if isinstance(thing, type) and issubclass(thing, BaseException):
            nearest = next(c.__name__ for c in thing.__mro__ if c.__name__ in rows)
            assert size_class(thing.__basicsize__ + 16) <= value(here.exception(nearest, 0)), name


# -- sizes that depend on what is inside
@pytest.mark.parametrize("digits", [1, 2, 3, 4, 10, 100])
def test_ints(heap: Heap, digits: int) -> None:
    number = (1 << 30 * digits) - 1
    data = number.to_bytes(4 * digits, "little")
    assert charged(heap, lambda: int.from_bytes(data, "little")) <= value(here.int_of_digits(digits + 1))
    for make in (
        lambda: number + 1,
        lambda: number - 1,
        lambda: number | 4,
        lambda: number // 3,
        lambda: number ^ 1,
    ):
        assert charged(heap, make) <= value(here.int_of_bits(30 * digits + 1))
    assert charged(heap, lambda: number * number) <= value(here.int_of_bits(60 * digits))
    small = (1 << 29) + digits
    assert charged(heap, lambda: small + small - 1) == value(here.int_of_bits(30))
    assert here.int_of_value(number) == here.int_of_value(-number) == here.int_of_digits(digits)
    assert charged(heap, lambda: -number) == value(here.int_of_value(number))
    assert here.int_of_value(256).is_zero
    assert value(here.int_of_value(257)) == charged(heap, lambda: len(data) * 0 + 257 + len(data)) == 32


@pytest.mark.parametrize("count", COUNTS)
def test_text_and_bytes(heap: Heap, count: int) -> None:
    count += 2  # shorter ones are there already, most of them
    times = 1200 if count < 2000 else 200
    assert charged(heap, lambda: bytes(count), times) == value(here.bytes_(count))
    assert charged(heap, lambda: "a" * count, times) == value(here.str_(count, ascii_only=True))
    assert charged(heap, lambda: "é" * count, times) == value(here.str_(count, 1))
    assert charged(heap, lambda: "€" * count, times) == value(here.str_(count, 2))
    assert charged(heap, lambda: "\U0001f600" * count, times) == value(here.str_(count, 4))


@pytest.mark.parametrize("count", COUNTS)
def test_sequences_made_whole(heap: Heap, count: int) -> None:
    source, times = (big,) * count, 1200 if count < 2000 else 200
    whole = [big] * count
    assert charged(heap, lambda: whole[:], times) == value(here.list_(count))
    assert charged(heap, lambda: list(source), times) == value(here.list_(count))
    assert charged(heap, lambda: tuple(whole), times) == value(here.tuple_(count))
    assert charged(heap, lambda: bytearray(count), times) == value(here.bytearray_(count))
    assert charged(heap, lambda: array.array("q", source), times) == value(here.array_(count, 8))


def appended(count: int) -> Callable[[], list[int]]:
    def make() -> list[int]:
        out: list[int] = []
        for _ in itertools.repeat(None, count):
            out.append(big)  # noqa: PERF401 - one by one
        return out

    return make


def extended(count: int, by: int) -> Callable[[], list[int]]:
    some = (big,) * by

    def make() -> list[int]:
        out = [big] * (count % by)
        for _ in itertools.repeat(None, count // by):
            out.extend(some)
        return out

    return make


def written(count: int, by: int, start: Callable[[], Any]) -> Callable[[], Any]:
    some = b"x" * by

    def make() -> Any:
        out = start()
        for _ in itertools.repeat(None, count // by):
            out += some
        return out

    return make


def held_by(stream: Any, part: Any, count: int) -> Callable[[], Any]:
    def make() -> Any:
        out = stream()
        for _ in itertools.repeat(None, count):
            out.write(part)
        return out

    return make


def chattering(count: int) -> Callable[[], Any]:
    def make() -> Any:
        out = io.StringIO()
        for _ in itertools.repeat(None, count):
            out.write(chr(0x1F600))  # a new str each time
        return out

    return make


def bounds(sizes: Callable[..., Size], *arguments: Any, **options: Any) -> Callable[[int], tuple[int, int]]:
    """A size for a constant count, and what its symbolic form gives for the same: the second is never less."""
    majorant = sizes(n, *arguments, **options).compile(["n"])

    def both(count: int) -> tuple[int, int]:
        exact = value(sizes(count, *arguments, **options))
        assert exact <= majorant(count), (count, sizes)
        return exact, majorant(count)

    return both


GROWING: dict[str, tuple[Callable[[int], Callable[[], Any]], Callable[[int], Any], Callable[[int], Any]]] = {
    "list.append": (appended, bounds(here.list_grown), bounds(here.list_growth)),
    "list.extend": (lambda k: extended(k, 7), bounds(here.list_grown), bounds(here.list_growth)),
    "list(generator)": (
        lambda k: lambda: list(itertools.islice(itertools.repeat(big), k)),
        bounds(lambda k: here.list_grown(k) | here.list_grown(8)),
        bounds(lambda k: here.list_growth(k) + 512),
    ),
    "bytearray +=": (
        lambda k: written(k, 1, bytearray),
        bounds(here.bytearray_grown),
        bounds(here.bytearray_growth),
    ),
    "array +=": (
        lambda k: appended_array(k),
        bounds(here.array_grown, 8),
        bounds(here.array_growth, 8),
    ),
    "BytesIO": (lambda k: held_by(io.BytesIO, b"x", k), bounds(here.bytes_io), bounds(here.bytes_io_growth)),
    "StringIO": (
        lambda k: chattering(k),
        bounds(here.string_io),
        bounds(here.string_io_growth),
    ),
    "tuple(generator)": (
        lambda k: lambda: tuple(itertools.islice(itertools.repeat(big), k)),
        bounds(here.tuple_),
        bounds(lambda k: here.tuple_growth(k) + 256),
    ),
}


def appended_array(count: int) -> Callable[[], Any]:
    def make() -> Any:
        out = array.array("q")
        for _ in itertools.repeat(None, count):
            out.append(7)
        return out

    return make


@pytest.mark.parametrize("what", sorted(GROWING))
def test_what_grows_stays_below_its_bounds(heap: Heap, what: str) -> None:
    make, at_rest, growing = GROWING[what]
    for count in MANY:
        held, peak = one(heap, make(count))
        assert held <= at_rest(count)[0], count
        assert peak <= growing(count)[0] + LOOP, count


# -- dicts and sets
def dict_of(count: int, strings: bool) -> Callable[[], Any]:
    keys = [str(i) for i in range(count)] if strings else [i * 2 + 1000 for i in range(count)]

    def make() -> dict[Any, None]:
        out: dict[Any, None] = {}
        for key in keys:
            out[key] = None
        return out

    return make


@pytest.mark.parametrize("strings", [True, False])
def test_dicts_to_the_byte(heap: Heap, strings: bool) -> None:
    at_rest, growing = bounds(here.dict_, strings=strings), bounds(here.dict_growth, strings=strings)
    for count in MANY:
        held, peak = one(heap, dict_of(count, strings))
        assert held == at_rest(count)[0], count
        assert peak <= growing(count)[0] + LOOP, count
        assert peak > growing(count)[0] - 700, count  # to the byte, but for free lists and iterators
        whole = dict.fromkeys(str(i) if strings else i for i in range(count))
        assert one(heap, lambda whole=whole: dict(whole))[0] <= at_rest(count)[0]


@pytest.mark.parametrize("strings", [True, False])
def test_dicts_whose_entries_come_and_go(heap: Heap, strings: bool) -> None:
    at_rest = bounds(here.dict_, strings=strings, uneven=True)
    growing = bounds(here.dict_growth, strings=strings, uneven=True)
    for count in [1, 2, 3, 4, 5, 6, 10, 11, 22, 43, 44, 86, 171, 342, 683, 700]:
        keys = [str(i) if strings else i * 2 for i in range(count * 20)]

        def make(count: int = count, keys: list[Any] = keys) -> Any:
            out: dict[Any, None] = {}
            for new, old in zip(keys, [None] * count + keys, strict=False):
                out.pop(old, None)
                out[new] = None
            return out

        held, peak = one(heap, make)
        assert held <= at_rest(count)[0], count
        assert peak - 40 * count * 8 <= growing(count)[0] + 1024, count  # the zipped list is in it


def test_a_dict_that_gets_a_key_of_another_type(heap: Heap) -> None:
    at_rest, growing = bounds(here.dict_, uneven=True), bounds(here.dict_growth, uneven=True)
    for count in COUNTS:
        keys = [str(i) for i in range(count)]

        def make(keys: list[str] = keys) -> Any:
            out: dict[object, None] = {}
            for key in keys:
                out[key] = None
            out[1.5] = None
            return out

        held, peak = one(heap, make)
        assert held <= at_rest(count + 1)[0], count
        assert peak <= growing(count + 1)[0] + LOOP, count


@pytest.mark.parametrize("kind", [set, frozenset])
def test_sets_to_the_byte(heap: Heap, kind: type) -> None:
    at_rest, growing = bounds(here.set_), bounds(here.set_growth)
    for count in MANY:
        keys = [i * 2 for i in range(count)]
        held, peak = one(heap, lambda keys=keys: kind(keys))
        assert held == at_rest(count)[0] or (count == 0 and held == 0) or (kind is frozenset and not count), (
            count
        )
        assert peak <= growing(count)[0] + LOOP, count


def test_sets_made_otherwise(heap: Heap) -> None:
    at_rest, growing = bounds(here.set_, uneven=True), bounds(here.set_growth, uneven=True)
    for count in [0, 1, 4, 5, 18, 19, 38, 76, 77, 308, 1000, 9999]:
        whole, table = set(range(count)), dict.fromkeys(range(count))
        for make, of in (
            (set, whole),
            (set, table),
            ({-1}.union, whole),
            (whole.union, {-1}),
            (whole.copy, None),
        ):
            held, peak = one(heap, functools.partial(make, of) if of is not None else make)
            assert held <= at_rest(count + 1)[0], count
            assert peak <= growing(count + 1)[0] + value(here.set_(1)) + LOOP, count  # with the other operand


@pytest.mark.parametrize("count", [0, 1, 5, 6, 11, 64, 1000, 5000])
def test_library_containers(heap: Heap, count: int) -> None:
    def ordered() -> Any:
        out: collections.OrderedDict[int, None] = collections.OrderedDict()
        for key in keys:
            out[key] = None
        return out

    keys = [i * 2 + 1000 for i in range(count)]
    assert one(heap, ordered)[0] <= bounds(here.ordered_dict)(count)[0]
    held = one(heap, lambda: collections.deque(keys))[0]
    assert held <= bounds(here.deque_)(count)[0] <= held + 640
    counted = one(heap, lambda: collections.Counter(keys))[0]
    assert counted <= value(here.of("Counter") + here.dict_table(count))


def test_a_deque_s_blocks_wherever_it_begins(heap: Heap) -> None:
    for count in (1, 64, 66, 200):
        bound = bounds(here.deque_)(count)[0]

        def turned(count: int = count, turns: int = 0) -> Any:
            out = collections.deque([None] * count)
            for _ in itertools.repeat(None, turns):
                out.append(out.popleft())
            return out

        assert (
            max(one(heap, functools.partial(turned, count, turns))[0] for turns in (0, 31, 33, 63, 100))
            <= bound + 128
        )


# -- instances
def class_of(fields: int, slots: bool = False, base: type = object) -> type:
    names = [f"f{i}" for i in range(fields)]

    def init(self: Any) -> None:
        for name in names:
            setattr(self, name, None)

    return type("Made", (base,), {"__init__": init} | ({"__slots__": tuple(names)} if slots else {}))


class Slotted:
    __slots__ = ("one", "two")


@pytest.mark.parametrize("fields", [*range(13), 14, 20, 28, 29, 30, 31, 40, 43, 90])
def test_instances_to_the_byte(heap: Heap, fields: int) -> None:
    for base, slots in ((object, 0), (Slotted, 2)):
        made = class_of(fields, base=base)
        for _ in range(40):
            made()
        assert charged(heap, made, 300) == value(here.instance(fields, slots=slots)), base
    if fields:
        assert charged(heap, class_of(fields, slots=True)) == value(here.slotted(fields))


@pytest.mark.parametrize("fields", [0, 1, 2, 5, 13, 28, 29, 30, 50])
def test_the_first_instances_are_bounded_too(heap: Heap, fields: int) -> None:
    bound = here.instances(n, fields).compile(["n"])
    for count in (1, 2, 5, 20, 30, 31, 100):
        made, kept = class_of(fields), [None] * count
        gc.collect()
        with heap:
            before = heap.live
            for i in range(count):
                kept[i] = made()
                assert heap.live - before <= bound(i + 1) + 256  # the loop's own, and the class's cache
    assert bound(1) == value(here.first_instance(fields))


def test_asking_for_an_instance_s_dict_takes_a_dict(heap: Heap) -> None:
    made = class_of(3)

    def asked() -> Any:
        thing = made()
        assert thing.__dict__
        return thing

    for _ in range(40):
        made()
    assert charged(heap, asked) == value(here.instance(3) + here.instance_dict())


# -- calls
def some_generator(a: int) -> Iterator[int]:
    b, c = a, a
    yield a + (b * (c + a))


async def some_coroutine(a: int) -> int:
    return a + 1


def frame_of(a: int, b: int) -> Any:
    c = (a, b)
    return sys._getframe() if c else None


def facts(code: Any) -> tuple[int, int]:
    return len({*code.co_varnames, *code.co_cellvars}) + len(code.co_freevars), code.co_stacksize


def test_generators(heap: Heap) -> None:
    assert charged(heap, lambda: some_generator(1)) == value(here.generator(*facts(some_generator.__code__)))


def test_coroutines(heap: Heap) -> None:
    def made() -> Any:
        coroutine = some_coroutine(1)
        coroutine.close()  # its block is what it was
        return coroutine

    assert charged(heap, made) == value(here.generator(*facts(some_coroutine.__code__)))


def test_frames(heap: Heap) -> None:
    def caller() -> Any:
        return frame_of(big, big)

    frames = here.frame(*facts(frame_of.__code__)) + here.frame(
        *facts(caller.__code__)
    )  # f_back is kept as well
    assert charged(heap, caller) - value(here.tuple_(2)) == value(frames)


def test_closures(heap: Heap) -> None:
    assert charged(heap, cells) == value(here.closure(2))


def failing(a: int) -> None:
    raise ValueError(a)


def caught() -> BaseException:
    try:
        failing(big)
    except ValueError as error:
        return error
    raise AssertionError


def test_what_a_raised_exception_keeps(heap: Heap) -> None:
    kept = here.exception() + here.raised(*facts(failing.__code__)) + here.raised(*facts(caught.__code__))
    assert charged(heap, caught) == value(kept)


# -- the library's
@pytest.mark.parametrize("groups", [0, 1, 2, 5])
def test_matches(heap: Heap, groups: int) -> None:
    pattern = re.compile("(a)" * groups + "b")
    text = "a" * groups + "b"
    assert charged(heap, lambda: pattern.match(text)) == value(here.match(groups))


def test_a_memoryview_and_its_buffer(heap: Heap) -> None:
    assert charged(heap, lambda: memoryview(odd)) == value(here.memoryview())


# -- what stays
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("tuple of 1", lambda i: (i,)),
        ("tuple of 5", lambda i: (i,) * 5),
        ("tuple of 20", lambda i: (i,) * 20),
        ("float", lambda i: i * 1.5),
        ("list", lambda i: []),
        ("dict", lambda i: {}),
        ("table of 8 slots, all keys str", lambda i: {"a": i}),
    ],
)
def test_free_lists_keep_as_many_as_they_say(kind: str, make: Callable[[int], Any]) -> None:
    heap, kept = Heap("64 MiB", name="kept"), [None] * 3000
    gc.collect()
    gc.disable()
    with heap:
        for i in range(3000):
            kept[i] = make(7)
        for i in range(3000):
            kept[i] = None
        left = heap.live
    gc.enable()
    row = next(row for row in FREE_LISTS if row.kind == kind)
    besides = 80 * 64 if kind.startswith("table") else 0
    assert abs(left - besides - row.most * size_class(row.raw)) <= 2 * size_class(row.raw) + 128
    assert left <= here.free_lists_most()


def test_the_versions_agree_on_what_they_share() -> None:
    for version in VERSIONS:
        sizes = sizes_of(version)
        assert sizes.version == version
        assert sizes.list_(n) == here.list_(n)
    assert sizes_of((3, 11)).str_(0) != sizes_of((3, 12)).str_(0)
    with pytest.raises(ValueError, match=r"3\.9"):
        sizes_of((3, 9))
