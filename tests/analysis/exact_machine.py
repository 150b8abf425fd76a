"""A machine that runs models on real arguments: what each figure is, is known, so that a model can be measured.

It makes nothing die before the model ends, so its peak is at least that of any machine that does. It is as exact
as the models are: lengths, widths and integers are those of the arguments themselves.
"""

from __future__ import annotations

import io
import operator
import re
import struct
from collections import OrderedDict, deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import PurePath

from hardtack.analysis.domain import STREAMS
from hardtack.analysis.evaluating import path_length
from hardtack.analysis.machine import AS_IT_WAS, Substituted
from hardtack.symbolic import ZERO, Size, lift
from hardtack.symbolic.sizes import current

SIZES = current()
NO_VALUE = object()
POOLED = frozenset({"tuple", "list", "dict", "float"})
_KINDS = {
    type(None): "none",
    bool: "bool",
    int: "int",
    float: "float",
    complex: "complex",
    str: "str",
    bytes: "bytes",
    bytearray: "bytearray",
    memoryview: "memoryview",
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    dict: "dict",
    deque: "deque",
    range: "range",
    slice: "slice",
    io.BytesIO: "byte_stream",
    io.StringIO: "text_stream",
    PurePath: "path",
}
HEADERS = {"byte_stream": SIZES.of("BytesIO"), "text_stream": SIZES.of("StringIO")}
_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))
_MAKE_ANEW = (zip, enumerate, type({}.items()), type(iter({}.items())), type(iter(range(0))), range)
_OPERATIONS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "neg": operator.neg,
    "pos": operator.pos,
    "invert": operator.invert,
    "abs": abs,
    "min": min,
    "max": max,
    "hull": lambda *values: max(values, key=abs),
}


class ModelRefuses(Exception):
    """A model reported a finding."""


@dataclass(eq=False)
class Part:
    """One thing that a value may be: an argument (`real`), or something that a model made."""

    kind: str
    real: object = NO_VALUE
    length: int = 0
    total: int | None = None
    width: int = 1
    number: int = 0
    spare: int = 0  # digits that the int's block has room for besides
    nonnegative: bool = True
    fresh: bool = False  # an int or float that is made for each holder
    bytes: int = 0
    element: Value | None = None
    mapped: Value | None = None
    items: list[Value] | None = None
    holds: list[Value] = field(default_factory=list)
    function: Value | None = None

    def scalar(self) -> int:
        """Return the bytes of a fresh int or float."""
        if not self.fresh:
            return 0
        if self.kind in {"float", "complex"}:
            return const(SIZES.of(self.kind))
        if -5 <= self.number <= 256 and self.nonnegative:
            return 0
        digits = -(-abs(self.number).bit_length() // 30)
        return const(SIZES.int_of_digits(max(digits, 1) + self.spare))


class Value:
    """What a model's expression gives: one of several parts."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    def scalar(self) -> int:
        return max((part.scalar() for part in self.parts), default=0)


def const(size: Size) -> int:
    """Return the number that a size is: all sizes are, on real arguments."""
    found = size.as_const()
    assert isinstance(found, int), f"no number: {size}"
    return found


class ExactMachine:
    """Runs models on real arguments and adds up what they say.

    Attributes:
        peak: bytes, of all that was made, and what was held for a moment.
        made: everything that was made.
        grown: bytes by which arguments grew.
        callbacks: the functions that cases pass, with the bytes that one call holds and what it gives.
    """

    def __init__(self, models, callbacks=()) -> None:
        self.models = models
        self.callbacks = dict(callbacks)
        self.peak = self.live = self.grown = 0
        self.made: list[Part] = []
        self.retained: list[Value] = []
        self.assumptions: list[str] = []
        self._parts: dict[int, Part] = {}
        self._keep: list[object] = []

    # -- arguments
    def real(self, value: object) -> Value:
        """Return an argument."""
        self._keep.append(value)
        part = Part(kind_of(value), value, fresh=False)
        if part.kind not in STREAMS and isinstance(value, (Iterator, *_VIEWS)):
            items = list(islice(value, 100_000)) if isinstance(value, Iterator) else list(value)
            anew = isinstance(value, _MAKE_ANEW)
            self._keep.append(items)
            part.length = len(items)
            part.total = sum(len(item) for item in items if hasattr(item, "__len__"))
            part.element = Value(*(self._item(item, anew) for item in items))
        return Value(part)

    def _item(self, item: object, anew: bool = False) -> Part:
        if anew and isinstance(item, tuple):
            items = [Value(self._item(one, isinstance(one, int))) for one in item]
            return Part("tuple", length=len(item), items=items, fresh=True)
        (part,) = self.real(item).parts
        part.fresh = anew and isinstance(item, int)
        if part.kind == "int":
            part.number, part.nonnegative = int(item), item >= 0
        return part

    # -- asking
    def length(self, value: Value) -> Size:
        return _most(value, _length)

    def total(self, value: Value) -> Size:
        return _most(value, self._total)

    def _total(self, part: Part) -> int:
        if isinstance(part.real, re.Match):  # a match is as long as its text, and has its groups in all
            return part.real.re.groups
        if part.real is not NO_VALUE and part.element is None:
            return sum(len(item) for item in part.real if hasattr(item, "__len__"))
        if part.total is not None:
            return part.total
        return part.length * const(self.length(part.element or Value()))

    def width(self, value: Value) -> int:
        return max((_width(part) for part in value.parts), default=1)

    def upper(self, value: Value) -> Size:
        return _most(value, lambda part: abs(_number(part)))

    def digits(self, value: Value) -> Size:
        return _most(value, lambda part: max(1, -(-abs(_number(part)).bit_length() // 30)))

    def nonnegative(self, value: Value) -> bool:
        return all(_nonnegative(part) for part in value.parts)

    def element(self, value: Value) -> Value:
        return Value(*(one for part in value.parts for one in self._elements(part)))

    def _elements(self, part: Part) -> tuple[Part, ...]:
        if part.element is not None:
            return part.element.parts
        if isinstance(part.real, re.Match):
            return (self._item(part.real.string),)
        if part.items is not None:
            return tuple(one for item in part.items for one in item.parts)
        if part.real is NO_VALUE or not hasattr(part.real, "__iter__"):
            return ()
        anew = isinstance(part.real, _MAKE_ANEW)
        return tuple(self._item(item, anew) for item in islice(part.real, 5000))

    def drained(self, value: Value, times: Size) -> Value:
        found = []
        for part in value.parts:
            elements = self._elements(part)
            if any(one.kind == "tuple" and one.fresh for one in elements):
                width = max(_length(one) for one in elements)
                items = [
                    Value(*(p for one in elements if one.items for p in one.items[index].parts))
                    for index in range(width)
                ]
                found += self.fresh("tuple", length=lift(width), times=times, items=items).parts
            elif part.kind == "str" or isinstance(part.real, type(iter("ж"))):
                width = max(map(_width, elements), default=1)
                size = None if width > 1 else ZERO
                found += self.fresh("str", length=lift(1), width=width, times=times, size=size).parts
            else:
                found += elements
        return Value(*found)

    def mapped(self, value: Value) -> Value:
        found: list[Part] = []
        for part in value.parts:
            if part.mapped is not None:
                found += part.mapped.parts
            elif isinstance(part.real, dict):
                found += [self._item(item) for item in part.real.values()]
            elif isinstance(part.real, range):
                found += [self._item(item) for item in (part.real.start, part.real.stop, part.real.step)]
        return Value(*found)

    def item(self, value: Value, index: int) -> Value:
        found: list[Part] = []
        for part in value.parts:
            if part.items is not None and index < len(part.items):
                found += part.items[index].parts
            elif isinstance(part.real, (tuple, list)) and index < len(part.real):
                found.append(self._item(part.real[index]))
            else:
                found += self._elements(part)
        return Value(*found)

    def kinds(self, value: Value) -> frozenset[str]:
        return frozenset(part.kind for part in value.parts)

    def constant(self, value: Value) -> object:
        if len(value.parts) != 1 or value.parts[0].real is NO_VALUE:
            return None
        real = value.parts[0].real
        if isinstance(real, struct.Struct):
            return real.format
        return real.pattern if isinstance(real, re.Pattern) else real

    def substituted(self, value: Value) -> tuple[Size, Substituted]:
        return self.length(value), AS_IT_WAS

    def constants(self, value: Value) -> tuple[object, ...] | None:
        known = self.constant(value)
        return None if known is None else (known,)

    def span(self, index: Value, length: Size) -> Size:
        (part,) = index.parts
        return lift(len(range(*part.real.indices(const(length)))))

    def stepped(self, index: Value) -> bool:
        return any(isinstance(part.real, slice) and part.real.step not in {None, 1} for part in index.parts)

    def steps(self, start: Value, stop: Value, step: Value) -> Size:
        return lift(len(range(*(_number(value.parts[0]) for value in (start, stop, step)))))

    def size_of(self, kind: str, length: Size, width: int = 1) -> Size:
        return sized(kind, const(length), width)

    # -- making
    def none(self) -> Value:
        return Value(Part("none"))

    def boolean(self) -> Value:
        return Value(Part("bool", number=1))

    def integer(self, low: int | None, high: Size) -> Value:
        number = max(const(high), abs(low or 0))
        return Value(Part("int", number=number, nonnegative=low is not None and low >= 0, fresh=True))

    def number(self, operation: str, values) -> Value:
        numbers = [sorted({_number(part) for part in value.parts}) for value in values]
        numbers = [one if len(one) < 8 else one[:4] + one[-4:] for one in numbers]
        found = []
        for combination in product(*numbers):
            try:
                result = _OPERATIONS[operation](*combination)
            except (ValueError, ZeroDivisionError):
                continue
            if operation in {"min", "max"}:
                made = any(part.fresh for value in values for part in value.parts)
                found.append(Part("int", number=result, nonnegative=result >= 0, fresh=made))
                continue
            if not isinstance(result, int):
                continue
            if operation == "hull":
                found.append(Part("int", number=result, nonnegative=min(combination) >= 0, fresh=True))
                continue
            cancels = operation in {"add", "sub", "mod", "and", "or", "xor"}
            spare = max(_digits(one) for one in combination) - _digits(result) if cancels else 0
            found.append(
                Part("int", number=result, nonnegative=result >= 0, fresh=True, spare=max(spare, 0) + 1)
            )
        return Value(*found)

    def scalar(self, kind: str) -> Value:
        return Value(Part(kind, fresh=True))

    def join(self, values) -> Value:
        return Value(*(part for value in values for part in value.parts))

    def fresh(
        self,
        kind,
        *,
        length,
        times,
        together=None,
        element=None,
        mapped=None,
        items=None,
        total=None,
        width=1,
        size=None,
        holds=(),
        substituted=AS_IT_WAS,
    ) -> Value:
        n, count = const(times), const(length)
        own = n * const(sized(kind, count, width) if size is None else size)
        if together is not None:
            each = const(sized(kind, 0, width)) + 16
            own = min(own, n * each * 5 // 4 + const(together) * width * 5 // 4)
        for value in (element, mapped):
            own += n * count * value.scalar() if value is not None else 0
        for value in (*(items or ()), *holds):
            own += n * value.scalar()
        part = Part(
            kind,
            length=count,
            total=None if total is None else const(total),
            width=width,
            bytes=own,
            element=element,
            mapped=mapped,
            items=None if items is None else list(items),
            holds=list(holds),
        )
        self.made.append(part)
        self._note(own)
        return Value(part)

    def _note(self, size: int) -> None:
        self.live += size
        self.peak = max(self.peak, self.live)

    def scratch(self, size: Size, beside: Value | None = None) -> None:
        self.peak = max(self.peak, self.live + const(size) + (beside.scalar() if beside is not None else 0))

    # -- changing
    def append(self, container: Value, item: Value, by: Size) -> None:
        self._grow(container, const(by), item.scalar())
        self.retained.append(item)

    def store(self, container: Value, key: Value, item: Value, by: Size) -> None:
        self._grow(container, const(by), key.scalar() + item.scalar())
        self.retained += [key, item]

    def _grow(self, container: Value, by: int, scalars: int) -> None:
        kept = held = 0
        for part in container.parts:
            after = _length(part) + by
            head = const(HEADERS[part.kind] if part.kind in STREAMS else sized(part.kind, 0))
            if isinstance(part.real, OrderedDict):
                table, growth, head = SIZES.ordered_dict(after, uneven=True), SIZES.ordered_dict(after) * 2, 0
            else:
                table, growth = sized(part.kind, after), _growth(part.kind, after)
            kept = max(kept, const(table) - head)
            held = max(held, const(growth if by > 1 else table) - head)
            part.length = after if part.real is NO_VALUE else part.length
        self.peak = max(self.peak, self.live + held + by * scalars)
        self.grown += kept + by * scalars
        self._note(kept + by * scalars)

    def replace_items(self, container: Value, item: Value) -> None:
        self._retain(item)

    def hold(self, holder: Value, held: Value) -> None:
        self._retain(held)
        for part in holder.parts:
            part.holds.append(held)

    def fill(self, path: Value) -> None:
        for part in path.parts:
            assert part.kind == "path", part.kind
            if part.real is not NO_VALUE:
                kept = const(SIZES.path(_length(part), _width(part)))
                self.grown += kept
                self._note(kept)

    def _retain(self, value: Value) -> None:
        self.retained.append(value)
        self.grown += value.scalar()
        self._note(value.scalar())

    def call(self, function: Value, arguments, times: Size, *, keep: bool = False) -> Value:
        (part,) = function.parts
        if const(times) == 0:
            return Value()
        cost, gives = self.callbacks[part.real]
        self.scratch(lift(cost))
        return gives(self, arguments, times if keep else lift(1))

    def later(self, function: Value, arguments, gives: Value | None) -> Value:
        if gives is not None:
            return gives
        (part,) = function.parts
        return self.callbacks[part.real][1](self, arguments, lift(1))

    def special(self, value: Value, name: str, arguments, times: Size) -> Value:
        found: list[Part] = []
        if const(times) == 0:
            return Value()
        arguments = [Value(*argument.parts[:9]) for argument in arguments]
        for part in value.parts[:50]:  # the items of one container are alike here
            cost = getattr(type(part.real), "costs", None)
            if cost is not None:
                self.scratch(lift(cost))
                if name in {"__str__", "__repr__", "__format__"}:
                    found.append(Part("str", length=len(repr(part.real)), width=4))
            elif part.kind in {"list", "tuple", "set", "frozenset", "dict"}:
                model = self.models.find(f"builtins.{part.kind}.{name}")
                if model is not None:
                    found += self.models.apply(model, self, [Value(part), *arguments], {}).parts
        return Value(*found)

    def finding(self, kind: str, message: str, remedy: str) -> None:
        raise ModelRefuses(f"{kind}: {message}; {remedy}")

    def assume(self, text: str) -> None:
        self.assumptions.append(text)

    # -- the end
    def kept(self, result: Value) -> tuple[int, int]:
        """Return bytes that are reached when the call has ended, and those that free lists may keep besides."""
        scalar = result.scalar()
        self._note(scalar)
        seen: set[int] = set()
        todo = [*result.parts, *(part for value in self.retained for part in value.parts)]
        kept = self.grown + scalar
        while todo:
            part = todo.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            kept += part.bytes
            for value in (part.element, part.mapped, *(part.items or ()), *part.holds):
                todo += value.parts if value is not None else ()
        left = sum(part.bytes for part in self.made if id(part) not in seen and part.kind in POOLED)
        return kept, left


# -- what is known of a part
def kind_of(value: object) -> str:
    """Return the kind of a real value, as Machine.kinds names it."""
    for class_ in type(value).__mro__:
        if class_ in _KINDS:
            return _KINDS[class_]
    if isinstance(value, (Iterator, *_VIEWS)):
        return "iterator"
    if getattr(type(value), "costs", None) is not None:
        return "instance"
    return "function" if callable(value) else "other"


def _most(value: Value, measure) -> Size:
    return lift(max((measure(part) for part in value.parts), default=0))


def _length(part: Part) -> int:
    if part.real is NO_VALUE or part.kind == "iterator":
        return part.length
    if isinstance(part.real, memoryview):
        return part.real.nbytes
    if isinstance(part.real, io.IOBase):
        at = part.real.tell()
        end = part.real.seek(0, io.SEEK_END)
        part.real.seek(at)
        return max(at, end)
    if isinstance(part.real, re.Match):
        return len(part.real.string)
    if isinstance(part.real, PurePath):
        return path_length(part.real)
    return len(part.real) if hasattr(part.real, "__len__") else 0


def _width(part: Part) -> int:
    if isinstance(part.real, re.Match) and isinstance(part.real.string, str):
        return 1 if part.real.string.isascii() else 4
    if isinstance(part.real, PurePath):
        return 1 if str(copy(part.real)).isascii() else 4
    if isinstance(part.real, memoryview):
        return 1 if part.real.contiguous else 4
    if part.real is NO_VALUE or not isinstance(part.real, str):
        return part.width
    return 1 if part.real.isascii() else 2 if max(part.real) <= "\uffff" else 4


def _number(part: Part) -> int:
    if part.real is NO_VALUE or not isinstance(part.real, int):
        return part.number
    return int(part.real)


def _digits(value: int) -> int:
    return max(1, -(-abs(value).bit_length() // 30))


def _nonnegative(part: Part) -> bool:
    return part.nonnegative if part.real is NO_VALUE or not isinstance(part.real, int) else part.real >= 0


def sized(kind: str, n: int, width: int = 1) -> Size:
    """Return the bytes of an object of a kind, at most: it may have grown to its length."""
    match kind:
        case "str":
            return SIZES.str_(n, width, ascii_only=width == 1)
        case "bytes":
            return SIZES.bytes_(n)
        case "bytearray":
            return SIZES.bytearray_grown(n) | SIZES.bytearray_(n)
        case "list":
            return SIZES.list_grown(n) | SIZES.list_(n)
        case "tuple":
            return SIZES.tuple_(n)
        case "set" | "frozenset":
            return SIZES.set_(n, uneven=True)
        case "dict":
            return SIZES.dict_(n, uneven=True)
        case "deque":
            return SIZES.deque_(n)
        case "range":
            return SIZES.of("range") + SIZES.int_of_value(n)
        case "memoryview":
            return SIZES.memoryview()
        case "slice":
            return SIZES.of("slice")
        case "byte_stream":
            return SIZES.bytes_io(n)
        case "text_stream":
            return SIZES.string_io(n, pieces=False)
        case "path":
            return SIZES.path(n, width)
        case "iterator":
            return SIZES.of("dict item iterator")
    raise AssertionError(kind)


def _growth(kind: str, n: int) -> Size:
    """Return what a container has at most while it grows to a length."""
    match kind:
        case "list":
            return SIZES.list_growth(n)
        case "bytearray":
            return SIZES.bytearray_growth(n)
        case "dict":
            return SIZES.dict_growth(n, uneven=True)
        case "set":
            return SIZES.set_growth(n, uneven=True)
    return sized(kind, n)


__all__ = ["ZERO", "ExactMachine", "ModelRefuses", "Part", "Value", "const", "kind_of"]
