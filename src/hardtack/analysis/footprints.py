"""The bytes of an abstract object: from its kind and its lengths, in the size classes of the heap.

Owns the way from a cell to bytes; the layouts are CPython's, of 3.11 to 3.13, the greatest where they differ.
Invariants: a footprint is monotone in the lengths; `as_many` is at least the footprint of one and grows by no
more than `growth` an item, so that one of several objects may grow without its own length being known.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from hardtack.analysis.domain import FLOAT, Cell, Value
from hardtack.symbolic import ZERO, Size, lift
from hardtack.symbolic.polynomials import constant_of

if TYPE_CHECKING:
    from collections.abc import Callable

# bytes of blocks that have one size, rounded
BOUND_METHOD, FUNCTION, CELL, ITERATOR, RANGE, SLICE = 64, 176, 48, 80, 64, 64
TRACEBACK, GENERATOR, EXCEPTION, MEMORYVIEW = 64, 224, 128, 208
_LIST, _DICT, _SET, _BYTEARRAY = 64, 64, 224, 64
_SMALL_TABLE = 192  # a dict's first table, of eight slots; CPython keeps such for reuse
_TUPLE_POOLED = 20  # tuples of fewer items are kept for reuse
_DICT_ITEM, _SET_ITEM = 60, 128  # bytes of tables for each item, at the worst moment of their growth

# What CPython allocates afresh but lets go of into a free list: bytes of each, and how many it keeps.
KEPT = {
    "list()": (64, 80),
    "dict()": (64, 80),
    "copied dict": (192, 80),
    "resized tuple": (192, 2000),
    "float": (32, 100),
}
_COPIES_DICT = frozenset({"copy", "update", "__or__", "__ror__", "__ior__"})


def block(size: Size | int) -> Size:
    """Return the bytes of a block: exact for a number, else at least that of every size up to this one.

    A class has 15 bytes more than are asked for at most, beyond 512 a quarter: a quarter does from 60 on.
    """
    size = lift(size)
    value = size.as_const()
    if value is not None:
        return Size.const(size_class(ceil(value)))
    most = ZERO
    for polynomial in size.polynomials:
        short = 15 - constant_of(polynomial) / 4
        most |= Size((polynomial,)) * Fraction(5, 4) + max(ceil(short), 0)
    return size if size.is_top else most


def together(kind: str, count: Size, length: Size, width: int) -> Size:
    """Return the bytes of so many objects of a kind whose lengths add up to a sum."""
    one = structure(kind, Size.symbol("n"), width)
    empty = one.substitute({"n": ZERO})
    return count * empty + length * Fraction(5 * (width if kind == "str" else 1), 4)


def size_class(n: int) -> int:
    """Return the size class of a block of n bytes in our heap."""
    if n <= 512:
        return (max(n, 1) + 15) & ~15
    if n > 32768:
        return (n + 4095) & ~4095
    step = 1 << ((n - 1).bit_length() - 3)
    return (n + step - 1) // step * step


def scalar(value: Value) -> Size:
    """Return the bytes of the integer or float that a value may be, as an object of its own."""
    if not value.fresh:
        return ZERO
    size = Size.const(32) if value.plain & FLOAT else ZERO
    number = value.number
    if number is None or number.is_small:
        return size
    return size | integer(number.allocated())


def integer(digits: Size) -> Size:
    """Return the bytes of an integer with room for so many 30-bit digits."""
    count = digits.as_const()
    if count is not None:
        return Size.const(size_class(24 + 4 * max(2, ceil(count))))
    most = ZERO
    for polynomial in digits.polynomials:
        one, fixed = Size((polynomial,)), ceil(constant_of(polynomial))
        if fixed > 64:
            most |= block(one * 4 + 24)
        else:
            # each digit more moves a block of less than 512 bytes on by a class at most, a larger one by less
            most |= integer(Size.const(fixed)) + one.minus(fixed) * 16
    return most if not digits.is_top else digits


def text(length: Size, width: int) -> Size:
    """Return the bytes of a str; width 1 is ASCII."""
    return block(length + 49) if width == 1 else block(length * width + 72 + width)


def tuple_of(length: Size | int) -> Size:
    """Return the bytes of a tuple."""
    return block(lift(length) * 8 + 40)


def _list_table(length: Size) -> Size:
    count = length.as_const()
    if count is None:
        return block(length * 9 + 56)
    n = ceil(count)
    return block(8 * ((n + (n >> 3) + 6) & ~3)) if n else ZERO


def _dict_table(length: Size) -> Size:
    count = length.as_const()
    if count is None:
        return block(length * _DICT_ITEM + 232)
    n = ceil(count)
    if n <= 5:
        return ZERO  # the small table
    log2 = max(4, (3 * n - 1).bit_length())
    width = 1 if log2 < 8 else 2 if log2 < 16 else 4 if log2 < 32 else 8
    return block(32 + (width << log2) + (2 << log2) // 3 * 24)


def _set_table(length: Size) -> Size:
    count = length.as_const()
    if count is not None and count <= 4:
        return ZERO
    return block(length * _SET_ITEM)


def _bytearray_table(length: Size) -> Size:
    return block(length * Fraction(9, 8) + 8)


_TABLES: dict[str, Callable[[Size], Size]] = {
    "list": _list_table,
    "dict": _dict_table,
    "set": _set_table,
    "deque": lambda length: (length // 64 + 3) * 640,
    "bytearray": _bytearray_table,
}
_HEADERS = {"list": _LIST, "dict": _DICT + _SMALL_TABLE, "set": _SET, "deque": 256, "bytearray": _BYTEARRAY}
_POOLS = {"list": _LIST, "dict": _DICT + _SMALL_TABLE}
_GROWTH = {
    "list": Fraction(9 * 5, 4),
    "dict": Fraction(_DICT_ITEM * 5, 4),
    "set": Fraction(_SET_ITEM * 5, 4),
    "deque": Fraction(10),
    "bytearray": Fraction(9 * 5, 4 * 8),
}


def table(kind: str, length: Size, factor: int = 1) -> Size:
    """Return the bytes of a container's table."""
    return _TABLES[kind](length * factor) if kind in _TABLES else ZERO


def growth(kind: str) -> Fraction:
    """Return the bytes by which one of several containers grows for each new item, scalars aside."""
    return _GROWTH[kind]


def items(cell: Cell, *, boxed: bool = False) -> Size:
    """Return the bytes of the scalars that a container's items are; `boxed`: at least 32 for each."""
    each = scalar(cell.element) + scalar(cell.mapped)
    return cell.length * (each | 32 if boxed else each)


def structure(kind: str, length: Size, width: int = 1) -> Size:
    """Return the bytes of an object of a kind, its items aside."""
    if kind == "str":
        return text(length, width)
    if kind == "bytes":
        return block(length + 33)
    if kind == "tuple":
        return tuple_of(length)
    if kind in _HEADERS:
        return table(kind, length) + _HEADERS[kind]
    return Size.const(
        {"memoryview": MEMORYVIEW, "iterator": ITERATOR, "range": RANGE, "float": 32, "slice": SLICE}.get(
            kind, 64
        )
    )


def sized(cell: Cell, size: Size | None = None, *, shrunk: bool = False, boxed: bool = False) -> Cell:
    """Return a cell with the bytes of one object: those that follow from its kind, or `size`.

    Args:
        cell: the object.
        size: its bytes, its items' aside.
        shrunk: whether items may have been deleted, so that a dict's table may be twice as large.
        boxed: whether any item may become an integer that is an object of its own.
    """
    held = items(cell, boxed=boxed)
    if size is not None:
        return replace(cell, bytes=size + held)
    for name, value in cell.fields.items():
        if cell.kind == "tuple" and name.isdigit():
            held += scalar(value)
    pool, pooled = pool_of(cell)
    whole = structure(cell.kind, cell.length, cell.width)
    if shrunk and cell.kind == "dict":
        whole += table("dict", cell.length, 2)
    body = whole.minus(pooled) if pool else whole
    return replace(cell, bytes=body + held, pooled=pooled, pool=pool)


def pool_of(cell: Cell) -> tuple[str, Size]:
    """Return the name of the pool that a cell's block comes from and its bytes; an empty name for none."""
    if cell.kind in _POOLS:
        return cell.kind, Size.const(_POOLS[cell.kind])
    count = cell.length.as_const()
    if cell.kind == "tuple" and count is not None and 0 < count < _TUPLE_POOLED:
        return f"tuple of {count}", tuple_of(int(count))
    return "", ZERO


def kept_by(name: str) -> tuple[str, ...]:
    """Return what a call of a built-in adds to free lists: names of KEPT.

    Source: list_vectorcall, dict_vectorcall and clone_combined_dict_keys in CPython 3.11 take no block from a
    free list; PySequence_Tuple makes a tuple of ten and cuts it, so it is freed as another size.
    """
    owner, _, method = name.rpartition(".")
    if name == "builtins.list":
        return ("list()",)
    if name == "builtins.dict":
        return ("dict()", "copied dict")
    if name == "builtins.tuple":
        return ("resized tuple",)
    return ("copied dict",) if method in _COPIES_DICT and owner.endswith(("dict", "Dict", "Counter")) else ()


def as_many(cell: Cell, *, boxed: bool = False) -> Cell:
    """Return a growable cell with the bytes that it may have as one of many."""
    slack = {"list": 56, "dict": 232, "set": 128, "deque": 1920, "bytearray": 8}[cell.kind]
    per_item = _GROWTH[cell.kind]
    size = cell.length * per_item + Fraction(slack * 5, 4) + 16 + items(cell, boxed=boxed)
    if cell.kind not in _POOLS:
        size += _HEADERS[cell.kind]
    return replace(cell, bytes=cell.bytes | size, shared=True)
