"""What CPython's objects are charged in a heap, symbolically, for each version that hardtack runs on.

`Sizes` has a method for each type whose size depends on what is in it, and `of` for all the others. Sizes are
in bytes. For constants they are exact, unless a method says "at most"; for symbolic sizes, linear majorants.

Peaks: our heap resizes a block in place within its size class, and above 32 KiB within its run of spans; else
the old block and the new one are both charged until the data is moved. A block that shrinks never raises what
is charged. So `..._growth` is the sum of both blocks, an upper bound.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hardtack.symbolic.algebra import ZERO, Size, lift
from hardtack.symbolic.coefficients import Coefficient
from hardtack.symbolic.layouts import EXCEPTIONS, FREE_LISTS, KINDS, RAW, VERSIONS, FreeList, Row
from hardtack.symbolic.size_classes import round_up, size_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Count: TypeAlias = Size | Coefficient

INLINE_FIELDS = 29  # as many can an instance have without a dict
_MOST_SLOTS = 31  # as a power of two: the index of a larger dict has eight bytes a slot
_ODICT_NODE = 32  # Source: Objects/odictobject.c
_DICT_TABLE = 32  # without index and entries. Source: Objects/dictobject.c
_SPARSE_SET = 50_000  # a larger set grows by two, not by four


class Sizes:
    """The sizes of one version's objects, in bytes as a heap charges them.

    Args:
        version: major and minor.

    Raises:
        ValueError: if it is a version that hardtack does not run on.
    """

    __slots__ = ("_column", "version")

    def __init__(self, version: tuple[int, int]) -> None:
        if version not in VERSIONS:
            raise ValueError(f"the sizes of CPython {version[0]}.{version[1]} are not known")
        self.version = version
        self._column = VERSIONS.index(version)

    def _number(self, row: Row) -> int:
        return row.bytes if isinstance(row.bytes, int) else row.bytes[self._column]

    def _raw(self, kind: str) -> int:
        return self._number(RAW[kind])

    def of(self, kind: str) -> Size:
        """Return the size of an object of a kind that has one size.

        Raises:
            KeyError: if it is none of `layouts.KINDS`.
        """
        return Size.const(self._number(KINDS[kind]))

    # -- numbers
    def int_of_value(self, value: int) -> Size:
        """Return the size of a given int; those from -5 to 256 are there already. Source: longobject.c."""
        if -5 <= value <= 256:
            return ZERO
        return self.int_of_digits(-(-abs(value).bit_length() // 30))

    def int_of_bits(self, bits: int) -> Size:
        """Return the size of a computed int of so many bits, at most; past 30 with a digit to spare."""
        return self.int_of_digits(1 if bits <= 30 else -(-bits // 30) + 1)

    def int_of_digits(self, digits: Count) -> Size:
        """Return the size of an int of so many digits of 30 bits."""
        return round_up(self._raw("int") + 4 * lift(digits))

    # -- text and bytes
    def bytes_(self, length: Count) -> Size:
        """Return the size of a bytes object."""
        return round_up(self._raw("bytes") + lift(length))

    def str_(self, length: Count, width: int = 4, *, ascii_only: bool = False) -> Size:
        """Return the size of a str whose widest character has 1, 2 or 4 bytes."""
        if ascii_only:
            return round_up(self._raw("ascii") + lift(length) + 1)
        return round_up(self._raw("wide") + (lift(length) + 1) * width)

    def bytearray_(self, length: Count) -> Size:
        """Return the size of a bytearray that was made with this length."""
        return round_up(self._raw("bytearray")) + _unless_empty(length, lambda n: round_up(n + 1))

    def bytearray_grown(self, length: Count) -> Size:
        """Return the size of a bytearray that grew to this length, at most: n + n//8 + 6 are allocated."""
        return round_up(self._raw("bytearray")) + _unless_empty(length, _bytearray_buffer)

    def bytearray_growth(self, length: Count) -> Size:
        """Return what a bytearray has at most while it grows to this length: the old buffer as well."""
        return self.bytearray_grown(length) + _unless_empty(length, round_up)

    # -- sequences
    def tuple_(self, length: Count) -> Size:
        """Return the size of a tuple."""
        return _unless_empty(length, lambda n: round_up(self._raw("tuple") + 8 * n))

    def tuple_growth(self, length: Count) -> Size:
        """Return what `tuple(iterable)` takes at most, of a length that it cannot know; two blocks that grow.

        Source: Objects/abstract.c, PySequence_Tuple: 10 at first, then a quarter more.
        """
        grown = (lift(length) + 11) * Fraction(5, 4)
        return round_up(self._raw("tuple") + 8 * grown) + round_up(
            self._raw("tuple") + 8 * (lift(length) + 10)
        )

    def list_(self, length: Count) -> Size:
        """Return the size of a list that was made with this length: by a display, a slice, a sum."""
        return round_up(self._raw("list")) + _unless_empty(length, lambda n: round_up(8 * n))

    def list_grown(self, length: Count) -> Size:
        """Return the size of a list that grew to this length by append or extend, at most.

        Also of one that was made from an iterable. Source: Objects/listobject.c, list_resize.
        """
        return round_up(self._raw("list")) + _unless_empty(length, _list_buffer)

    def list_growth(self, length: Count) -> Size:
        """Return what a list has at most while it grows to this length: the old buffer as well."""
        return self.list_grown(length) + _unless_empty(length, lambda n: round_up(8 * n))

    def deque_(self, length: Count) -> Size:
        """Return the size of a deque at most, wherever it begins; `length` is the most that it had."""
        blocks = (lift(length) + 62) // 64 + 1
        return self.of("deque") + blocks * size_class(self._raw("deque block"))

    def array_(self, length: Count, item: int) -> Size:
        """Return the size of an array of items of so many bytes, made with this length."""
        return self.of("array") + _unless_empty(length, lambda n: round_up(item * n))

    def array_grown(self, length: Count, item: int) -> Size:
        """Return the size of an array that grew to this length, at most. Source: array_resize."""
        return self.of("array") + _unless_empty(length, lambda n: round_up(item * (n + n // 16 + 7)))

    def array_growth(self, length: Count, item: int) -> Size:
        """Return what an array has at most while it grows to this length: the old items as well."""
        return self.array_grown(length, item) + _unless_empty(length, lambda n: round_up(item * n))

    # -- dicts and sets
    def dict_(self, entries: Count, *, strings: bool = False, uneven: bool = False) -> Size:
        """Return the size of a dict at rest; see `dict_table`."""
        return round_up(self._raw("dict")) + self.dict_table(entries, strings=strings, uneven=uneven)

    def dict_growth(self, entries: Count, *, strings: bool = False, uneven: bool = False) -> Size:
        """Return what a dict has at most while it grows to so many entries: the old table as well."""
        return round_up(self._raw("dict")) + _stepped(
            _growth(_dict_steps(strings, uneven), uneven), lift(entries)
        )

    def dict_table(self, entries: Count, *, strings: bool = False, uneven: bool = False) -> Size:
        """Return the size of a dict's table without the dict, as that of a Counter, say.

        Args:
            entries: how many the dict has, or had at most.
            strings: all keys are of type str itself.
            uneven: entries were also deleted, or keys are of type str and of others, or it is a display of
                21, 85, 341 ... entries, which gets twice the slots; then it is at most this.

        Source: Objects/dictobject.c, dictresize and GROWTH_RATE.
        """
        return _stepped(_dict_steps(strings, uneven), lift(entries))

    def set_(self, entries: Count, *, uneven: bool = False) -> Size:
        """Return the size of a set or frozenset at rest, filled entry by entry.

        Args:
            entries: how many it has, or had at most.
            uneven: some were also removed, or it was made from a set or a dict; then it is at most this.

        Source: Objects/setobject.c, set_table_resize and its callers.
        """
        return round_up(self._raw("set")) + _stepped(_set_steps(uneven), lift(entries))

    def set_growth(self, entries: Count, *, uneven: bool = False) -> Size:
        """Return what a set has at most while it grows to so many entries: the old table as well."""
        return round_up(self._raw("set")) + _stepped(_growth(_set_steps(uneven), uneven), lift(entries))

    def ordered_dict(self, entries: Count, *, strings: bool = False, uneven: bool = False) -> Size:
        """Return the size of an OrderedDict at most: beside the table a node for each entry, and an index."""
        n = lift(entries)
        table = self.dict_table(n, strings=strings, uneven=uneven)
        index = _unless_empty(n, lambda n: round_up(8 * (n * (6 if uneven else 3) + 8)))
        return self.of("OrderedDict") + table + n * size_class(_ODICT_NODE) + index

    # -- instances
    def slotted(self, fields: int) -> Size:
        """Return the size of an instance of a class all of whose bases have __slots__."""
        return round_up(self._raw("slotted") + 8 * fields)

    def instance(self, fields: int, *, slots: int = 0) -> Size:
        """Return the size of an instance without __slots__ once its class has made 30 of them.

        Args:
            fields: how many attributes its class's instances have in all.
            slots: how many more fields are slots of a base.
        """
        if fields > INLINE_FIELDS + (self.version >= (3, 13) and slots > 0):
            block = self._fields(INLINE_FIELDS, slots) if self._inline(slots) else self._header(slots)
            return block + self.dict_(max(fields, 43), strings=True)  # 128 slots, which 30 entries ask for
        return self._fields(min(fields + 1, INLINE_FIELDS) if fields or not slots else 0, slots)

    def first_instance(self, fields: int, *, slots: int = 0) -> Size:
        """Return the size of the first instances at most: with room for 29 fields; later ones have less."""
        return self._fields(INLINE_FIELDS, slots) | self.instance(fields, slots=slots)

    def instances(self, count: Count, fields: int, *, slots: int = 0) -> Size:
        """Return the size of so many instances at most, the first ones of their class among them."""
        steady = self.instance(fields, slots=slots)
        more = self.first_instance(fields, slots=slots).minus(steady)
        return lift(count) * steady + lift(count).at_most(30) * more

    def instance_dict(self) -> Size:
        """Return what an instance's __dict__ takes once someone asks for it."""
        return round_up(self._raw("dict"))

    def _inline(self, slots: int) -> bool:
        return self.version >= (3, 13) and not slots

    def _header(self, slots: int) -> Size:
        return round_up(self._raw("instance") + 8 * slots)

    def _fields(self, room: int, slots: int) -> Size:
        """The values have a block of their own, with a byte for each; from 3.13 on they are inside.

        Below a base that has slots they are not, there: a dict holds them, which has room for 30.
        """
        if self.version < (3, 13):
            return self._header(slots) + round_up((max(room, 1) + 2 + 7 & ~7) + 8 * max(room, 1))
        if self._inline(slots):
            return round_up(self._raw("instance") + 8 + 8 * room + (room + 7 & ~7))
        return self._header(slots) + (self.instance_dict() + round_up(8 + 8 * 30 + 32) if room else ZERO)

    # -- calls
    def generator(self, locals_: int, stack: int) -> Size:
        """Return the size of a generator or coroutine, from its code: locals and cells, co_stacksize."""
        return round_up(self._raw("generator") + 8 * (locals_ + stack))

    def frame(self, locals_: int, stack: int) -> Size:
        """Return the size of a frame object, which a traceback keeps, of the same two."""
        return round_up(self._raw("frame") + 8 * (locals_ + stack))

    def closure(self, cells: int) -> Size:
        """Return the size of a function and so many cells, without defaults and annotations."""
        return self.of("function") + self.of("cell") * cells + self.tuple_(cells)

    def exception(self, kind: str = "BaseException", arguments: int = 1, *, subclass: bool = False) -> Size:
        """Return the size of an exception and the tuple of its arguments.

        Args:
            kind: the nearest of its bases, or itself, that is among `layouts.EXCEPTIONS`.
            arguments: how many it was made with.
            subclass: its class is written in Python. Attributes take an `instance_dict` more, and its table.
        """
        raw = self._number(EXCEPTIONS[kind]) + (self._raw("subclass") if subclass else 0)
        return round_up(raw) + self.tuple_(arguments)

    def raised(self, locals_: int, stack: int) -> Size:
        """Return what an exception takes more for each frame that it goes through.

        Where the outermost of these frames ends and the traceback stays, its caller's has a frame object too.
        """
        return self.of("traceback") + self.frame(locals_, stack)

    # -- the library's
    def path(self, length: Count, width: int = 4) -> Size:
        """Return the size of a pathlib path with what it keeps once it was asked, at most; order is aside.

        A part of one character that Latin-1 has is shared. Source: Lib/pathlib.py, `__slots__` of PurePath.

        Args:
            length: characters of all that it was made from, and one more for each segment.
            width: bytes of its widest character; 1 is ASCII.
        """
        n = lift(length)
        parts = n // 2 + 2
        if width == 1:
            texts = (n // 3 + 2) * (self._raw("ascii") + 16) + n
        else:
            texts = parts * (self._raw("wide") + width + 15) + n * width
        slots = 7 if self.version < (3, 12) else 9 if self.version < (3, 13) else 10
        own = self.slotted(slots) + self.int_of_bits(64)
        lists = self.list_grown(parts) + (
            self.tuple_(parts) if self.version < (3, 12) else self.list_grown(n + 1)
        )
        return own + lists + texts + self.str_(n + 1, width, ascii_only=width == 1)

    def memoryview(self) -> Size:
        """Return the size of a memoryview of an object; one of a memoryview's slice is `of("memoryview")`."""
        return self.of("memoryview") + self.of("managed buffer")

    def match(self, groups: int) -> Size:
        """Return the size of a re.Match, without the text, of a pattern with so many groups."""
        return round_up(self._raw("match") + 16 * (groups + 1))

    def bytes_io(self, length: Count) -> Size:
        """Return the size of a BytesIO that so many bytes were written to, at most."""
        return self.of("BytesIO") + round_up(lift(length) * Fraction(9, 8) + 6 + self._raw("bytes"))

    def bytes_io_growth(self, length: Count) -> Size:
        """Return what a BytesIO has at most while it grows to this length: the old buffer as well."""
        return self.bytes_io(length) + self.bytes_(length)

    def string_io(self, length: Count, *, pieces: bool = True) -> Size:
        """Return the size of a StringIO that so many characters were written to, at most.

        Until it is read, that of 3.11 keeps every piece that was written, in a list.

        Args:
            length: how many.
            pieces: whether those are counted, a character each; the list always is.
        """
        n = lift(length)
        buffer = round_up((n * Fraction(5, 4) + 24) * 4 + self._raw("wide"))
        whole = self.of("StringIO") + buffer
        if self.version >= (3, 12):
            return whole
        return whole + self.list_grown(n) + (n * self.str_(1) if pieces else ZERO)

    def string_io_growth(self, length: Count) -> Size:
        """Return what a StringIO has at most while it grows to this length: the old buffer as well."""
        return self.string_io(length) * 2

    # -- what stays charged
    def free_lists(self) -> tuple[FreeList, ...]:
        """Return the free lists: blocks that stay charged to a heap when they are freed."""
        return FREE_LISTS

    def free_lists_most(self) -> int:
        """Return how many bytes all the free lists together can keep charged."""
        return sum(kept.most * size_class(kept.raw) for kept in FREE_LISTS)


def _unless_empty(length: Count, size: Callable[[Size], Size]) -> Size:
    length = lift(length)
    return ZERO if length.is_zero else size(length)


def _list_buffer(n: Size) -> Size:
    known = n.as_const()
    if known is None:
        return round_up(9 * n + 48)
    count = ceil(known)
    return round_up(8 * (count + (count >> 3) + 6 & ~3))


def _bytearray_buffer(n: Size) -> Size:
    return round_up(n + n // 8 + 6)


# -- tables that grow in steps
class Step(NamedTuple):
    """From so many entries on, a table has this size."""

    entries: int
    bytes: int


Steps: TypeAlias = tuple[Step, ...]


def _stepped(steps: Steps, entries: Size) -> Size:
    known = entries.as_const()
    if known is None:
        slope, first = _line(steps)
        return entries * slope + first
    return Size.const(next((step.bytes for step in reversed(steps) if step.entries <= known), 0))


@lru_cache(maxsize=64)
def _line(steps: Steps) -> tuple[int, int]:
    """Return bytes an entry, and bytes to begin with, that no step is above."""
    first = steps[0].bytes
    return max(ceil(Fraction(step.bytes - first, step.entries)) for step in steps), first


@lru_cache(maxsize=64)
def _growth(steps: Steps, uneven: bool) -> Steps:
    """Return what both tables take while one replaces the other; an uneven one may be as large before."""
    before = (Step(0, 0), *steps[:-1])
    both = zip(steps, steps if uneven else before, strict=True)
    return tuple(Step(new.entries, new.bytes + old.bytes) for new, old in both)


@lru_cache(maxsize=4)
def _dict_steps(strings: bool, uneven: bool) -> Steps:
    """A full table, or one to be made anew, goes to the first power of two past 3 * entries, but to 16."""
    entry = 16 if strings else 24
    steps = [Step(1, _dict_table(3, entry))]
    for power in range(4, _MOST_SLOTS + 1):
        least = (1 << power - 1) // 3 + 1 if uneven else _usable(power - 1) + 1
        steps.append(Step(2 if uneven and power == 4 else least, _dict_table(power, entry)))
    return tuple(steps)


def _usable(power: int) -> int:
    return (2 << power) // 3


def _dict_table(power: int, entry: int) -> int:
    index = 1 if power < 8 else 2 if power < 16 else 4
    return size_class(_DICT_TABLE + (index << power) + _usable(power) * entry)


@lru_cache(maxsize=2)
def _set_steps(uneven: bool) -> Steps:
    return tuple(_uneven_set() if uneven else _even_set())


def _even_set() -> Iterator[Step]:
    slots = 8
    while slots < 1 << _MOST_SLOTS:
        entries = -(-3 * (slots - 1) // 5)
        slots = _set_slots(entries)
        yield Step(entries, size_class(16 * slots))


def _uneven_set() -> Iterator[Step]:
    slots = 8
    while slots < 1 << _MOST_SLOTS:
        slots *= 2
        entries = slots // 8 if slots // 8 <= _SPARSE_SET else slots // 4
        yield Step(entries, size_class(16 * slots))


def _set_slots(entries: int) -> int:
    wanted = entries * (2 if entries > _SPARSE_SET else 4)
    return max(8, 1 << wanted.bit_length())


@lru_cache(maxsize=len(VERSIONS))
def sizes_of(version: tuple[int, int]) -> Sizes:
    """Return the sizes of a version of CPython; see `Sizes`."""
    return Sizes(version)


def current() -> Sizes:
    """Return the sizes of the CPython that runs this."""
    return sizes_of(sys.version_info[:2])
