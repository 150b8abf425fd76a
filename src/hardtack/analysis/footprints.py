"""The bytes of an abstract object: from its kind and its lengths, in the size classes of the heap.

Owns the way from a cell to bytes; how objects are laid out says `symbolic.sizes`, for the CPython that runs
the analyser: its bounds are for no other.
Invariants: a footprint is monotone in the lengths; `as_many` is at least the footprint of one and grows by no
more than `growth` an item, so that one of several objects may grow without its own length being known.
"""

from __future__ import annotations

import builtins
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from hardtack.analysis.domain import FLOAT, GROWABLE, PATH_KIND, STREAMS, Cell, Value
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size, lift
from hardtack.symbolic.coefficients import Coefficient
from hardtack.symbolic.layouts import EXCEPTIONS
from hardtack.symbolic.polynomials import constant_of
from hardtack.symbolic.size_classes import size_class
from hardtack.symbolic.sizes import current

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = current()
BOUND_METHOD, FUNCTION, CELL = SIZES.of("bound method"), SIZES.of("function"), SIZES.of("cell")
RANGE, SLICE = SIZES.of("range"), SIZES.of("slice")
ITERATOR = SIZES.of("dict key iterator")  # the largest of those over a container, but for those with a pair
_OTHER = Size.const(64)  # whatever else a model makes without saying its size
PREPAID = SIZES.int_of_digits(1)  # what a place that integers are put into is charged for them in advance
_SMALL_DIGITS = 64


class Kept(NamedTuple):
    """Blocks that stay charged once they were allocated, without others being allocated from them.

    Attributes:
        name: what they are.
        each: bytes of one.
        most: how many of them stay.
    """

    name: str
    each: int
    most: int


def _kept(name: str, kind: str) -> Kept:
    """Return what CPython allocates afresh but lets go of into a free list."""
    (found,) = (one for one in SIZES.free_lists() if one.kind == kind)
    return Kept(name, size_class(found.raw), found.most)


KEPT = {
    "list()": _kept("list()", "list"),
    "dict()": _kept("dict()", "dict"),
    "copied dict": _kept("copied dict", "table of 8 slots, all keys str"),
    "resized tuple": _kept("resized tuple", "tuple of 20"),
    "float": _kept("float", "float"),
}
ORDERED = "collections.OrderedDict"
# What an OrderedDict has besides a dict: of each entry a node, and its place in an index that has as many as
# the dict's table, up to six times its entries. Source: Objects/odictobject.c.
_LINK, _INDEX, _ORDER = Size.const(32), Size.const(48), Size.const(192)
_DRAWING = frozenset({"zip", "map", "filter", "enumerate"})
_COPIES_DICT = frozenset({"copy", "update", "__or__", "__ror__", "__ior__"})
_TUPLES = {one.kind: size_class(one.raw) for one in SIZES.free_lists() if one.kind.startswith("tuple of ")}
ANY_TUPLE = sum(_TUPLES.values())  # bytes of one tuple of each size that CPython keeps for reuse


def together(kind: str, count: Size, length: Size, width: int) -> Size:
    """Return the bytes of so many objects of a kind whose lengths add up to a sum."""
    empty = structure(kind, Size.symbol("n"), width).substitute({"n": ZERO})
    return count * empty + length * Fraction(5 * (width if kind == "str" else 1), 4)


def scalar(value: Value) -> Size:
    """Return the bytes of the integer or float that a value may be, as an object of its own; found once."""
    if not value.fresh:
        return ZERO
    found = value.scalar
    if found is None:
        found = _scalar(value)
        object.__setattr__(value, "scalar", found)
    return found


def _scalar(value: Value) -> Size:
    size = SIZES.of("float") if value.plain & FLOAT else ZERO
    number = value.number
    if number is None or number.is_small:
        return size
    return size | integer(number.allocated())


@lru_cache(maxsize=4096)
def integer(digits: Size) -> Size:
    """Return the bytes of an integer with room for so many 30-bit digits."""
    count = digits.as_const()
    if count is not None or digits.is_top:
        return SIZES.int_of_digits(digits)
    most = ZERO
    for polynomial in digits.polynomials:
        one, fixed = Size((polynomial,)), ceil(constant_of(polynomial))
        if fixed > _SMALL_DIGITS:
            most |= SIZES.int_of_digits(one)
        else:
            # each digit more moves a block of less than 512 bytes on by a class at most, a larger one by less
            most |= SIZES.int_of_digits(fixed) + one.minus(fixed) * 16
    return most


def text(length: Size, width: int) -> Size:
    """Return the bytes of a str; width 1 is ASCII."""
    return SIZES.str_(length, width, ascii_only=width == 1)


def tuple_of(length: Size | int) -> Size:
    """Return the bytes of a tuple."""
    return SIZES.tuple_(length)


def exception(name: str, arguments: int, *, subclass: bool = False) -> Size:
    """Return the bytes of an exception and the tuple of its arguments.

    Args:
        name: its class's; of what is no built-in the largest is taken.
        arguments: how many.
        subclass: its class is written in Python.
    """
    class_ = getattr(builtins, name.removeprefix("builtins."), None)
    bases = class_.__mro__ if isinstance(class_, type) else ()
    kinds = [base.__name__ for base in bases if base.__name__ in EXCEPTIONS][:1] or list(EXCEPTIONS)
    sizes = [SIZES.exception(kind, arguments, subclass=subclass) for kind in kinds]
    return max(sizes, key=lambda size: int(size.as_const() or 0))


_WHOLE: dict[str, Callable[[Size, bool], Size]] = {
    "list": lambda length, _: SIZES.list_grown(length),
    "dict": lambda length, uneven: SIZES.dict_(length, uneven=uneven),
    "set": lambda length, uneven: SIZES.set_(length, uneven=uneven),
    "frozenset": lambda length, _: SIZES.set_(length, uneven=True),
    "deque": lambda length, _: SIZES.deque_(length),
    "bytearray": lambda length, _: SIZES.bytearray_grown(length),
    "byte_stream": lambda length, _: SIZES.bytes_io(length),
    "text_stream": lambda length, _: SIZES.string_io(length, pieces=False),
    "bytes": lambda length, _: SIZES.bytes_(length),
    "tuple": lambda length, _: SIZES.tuple_(length),
    "memoryview": lambda _length, _: SIZES.memoryview(),
    "range": lambda _length, _: RANGE,
    "slice": lambda _length, _: SLICE,
    "float": lambda _length, _: SIZES.of("float"),
    "complex": lambda _length, _: SIZES.of("complex"),
    "iterator": lambda _length, _: SIZES.of("dict item iterator"),
}
# What is no table of a stream: its buffer is one, also while it is empty.
_HEADERS = {"byte_stream": SIZES.of("BytesIO"), "text_stream": SIZES.of("StringIO")}
_POOLS = {"list": SIZES.list_(0), "dict": SIZES.dict_(1)}  # a dict's first table is kept for reuse as well


def table(kind: str, length: Size, *, uneven: bool = True) -> Size:
    """Return the bytes of a container's table; `uneven`: see `symbolic.sizes.Sizes.dict_table`."""
    if kind not in GROWABLE:
        return ZERO
    return _WHOLE[kind](length, uneven).minus(_header(kind))


def _header(kind: str) -> int:
    header = _HEADERS[kind] if kind in STREAMS else _WHOLE[kind](ZERO, False)
    return int(header.as_const() or 0)


@lru_cache(maxsize=64)
def _line(kind: str, uneven: bool) -> tuple[Coefficient, Coefficient]:
    """Return bytes an item, and bytes to begin with, that no container of a kind is above."""
    (polynomial,) = _WHOLE[kind](Size.symbol("length"), uneven).polynomials
    first = constant_of(polynomial)
    return sum(coefficient for monomial, coefficient in polynomial if monomial), first


def growth(kind: str, *, uneven: bool = True) -> Size:
    """Return the bytes by which one of several containers grows for each new item, scalars aside."""
    return lift(_line(kind, uneven)[0])


def order(cell: Cell, length: Size) -> Size:
    """Return the bytes by which an OrderedDict keeps its order; none of other containers."""
    return (_LINK + _INDEX) * length + _ORDER if cell.name == ORDERED else ZERO


def link(cell: Cell) -> Size:
    """Return the bytes by which they grow for an entry."""
    return _LINK + _INDEX if cell.name == ORDERED else ZERO


def items(cell: Cell, *, boxed: bool = False) -> Size:
    """Return the bytes of the scalars that a container's items are; `boxed`: at least one digit for each.

    An iterator has the one that it gives, and that before: each step makes one, and what has them is charged.
    """
    each = scalar(cell.element) + scalar(cell.mapped)
    if cell.kind == "iterator":
        return each * 2
    return cell.length * (each | PREPAID if boxed else each) + order(cell, cell.length)


def drawing(name: str, iterables: int) -> Size:
    """Return the bytes of what `zip` and its like make, iterators over the arguments included."""
    tuples = {"zip": 2, "map": 1}.get(name, 0)
    own = SIZES.of(name) if name in _DRAWING else ITERATOR
    return own + tuple_of(iterables) * tuples + ITERATOR * iterables


def structure(kind: str, length: Size, width: int = 1) -> Size:
    """Return the bytes of an object of a kind, its items aside; of dicts and sets however they came about."""
    if kind == "str":
        return text(length, width)
    if kind == PATH_KIND:
        return SIZES.path(length, width)
    return _WHOLE[kind](length, True) if kind in _WHOLE else _OTHER


def sized(cell: Cell, size: Size | None = None, *, uneven: bool = False, boxed: bool = False) -> Cell:
    """Return a cell with the bytes of one object: those that follow from its kind, or `size`.

    Args:
        cell: the object.
        size: its bytes, its items' aside.
        uneven: whether a dict or set may have a larger table than one that is filled entry by entry; see
            `symbolic.sizes.Sizes.dict_table` and `set_`.
        boxed: whether any item may become an integer that is an object of its own.
    """
    held = items(cell, boxed=boxed)
    if size is not None:
        return replace(cell, bytes=size + held)
    for name, value in cell.fields.items():
        if cell.kind == "tuple" and name.isdigit():
            held += scalar(value)
    pool, pooled = pool_of(cell)
    if cell.kind in GROWABLE:
        grown = table(cell.kind, cell.length, uneven=uneven)
        whole = grown + _header(cell.kind)
        if cell.exact:
            whole = SIZES.bytearray_(cell.length)
        body = whole if not pool else ZERO if pooled.dominates(whole) else grown
    else:
        body = ZERO if pool else structure(cell.kind, cell.length, cell.width)
    return replace(cell, bytes=body + held, pooled=pooled, pool=pool)


def pool_of(cell: Cell) -> tuple[str, Size]:
    """Return the name of the pool that a cell's block comes from and its bytes; an empty name for none."""
    if cell.kind in _POOLS:
        return cell.kind, _POOLS[cell.kind]
    count = cell.length.as_const()
    if cell.kind == "tuple" and f"tuple of {count}" in _TUPLES:
        return f"tuple of {count}", tuple_of(cell.length)
    return "", ZERO


def is_tuple_of_any_size(cell: Cell) -> bool:
    """Tell whether a tuple may be of several sizes, of each of which CPython keeps some for reuse.

    One that is written has a field for each item; what has items and no fields is as long as it comes.
    """
    if cell.name != "builtins.tuple" or not cell.owned:
        return False
    fields = sum(name.isdigit() for name in cell.fields)
    if not fields:
        return not cell.element.is_nothing
    written = f"tuple of {fields}"
    return cell.pool != (written if written in _TUPLES else "")


def kept_by(name: str) -> tuple[Kept, ...]:
    """Return what a call of a built-in adds to free lists: see `Kept`.

    Source: list_vectorcall, dict_vectorcall and clone_combined_dict_keys take no block from a free list, in
    CPython 3.11 to 3.13; PySequence_Tuple makes a tuple of ten and cuts it, so it is freed as another size.
    """
    owner, _, method = name.rpartition(".")
    if name == "builtins.list":
        return (KEPT["list()"],)
    if name == "builtins.dict":
        return (KEPT["dict()"], KEPT["copied dict"])
    if name == "builtins.dict.fromkeys":
        return (KEPT["dict()"],)
    if name == "builtins.tuple":
        return (KEPT["resized tuple"],)
    copies = method in _COPIES_DICT and owner.endswith(("dict", "Dict", "Counter"))
    return (KEPT["copied dict"],) if copies else ()


def as_many(cell: Cell, *, uneven: bool = True, boxed: bool = False) -> Cell:
    """Return a growable cell with the bytes that it may have as one of many; for the rest see `sized`."""
    per_item, first = _line(cell.kind, uneven)
    size = cell.length * per_item + first + items(cell, boxed=boxed)
    if cell.kind in _POOLS:
        size = size.minus(_header(cell.kind))
    return replace(cell, bytes=cell.bytes | size, shared=True)
