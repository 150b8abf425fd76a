"""What the interpreter knows at one moment: values in registers, the objects they reach, the bytes of these.

Every place where a call allocates (a site) has two abstract objects: the newest that was made there, which is
one object, and all older ones together. Sites are numbered; an object is its site's number doubled, plus one
for the older. What exists before the call (arguments, what they reach, globals, constants) has sites too,
which own no bytes: theirs are those that the call adds to them.

Invariants, for every moment of every run that the state describes:

1. A register's value covers what the register holds: an object that it may refer to is in `objects`.
2. `cells[newest].bytes` is at least the bytes of that object; `cells[older].bytes` at least those of all the
   others of its site that are alive, and of the newest one as well where it is `shared`. What a container's
   newest object takes follows from its length: see `State.map`.
"""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis.integers import Number
from hardtack.analysis.machine import AS_IT_WAS, Substituted
from hardtack.analysis.records import record, replace
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.polynomials import polynomial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hardtack.analysis import ir
    from hardtack.symbolic.coefficients import Coefficient
    from hardtack.symbolic.polynomials import Monomial

Object: TypeAlias = int
Site: TypeAlias = int
SlotKey: TypeAlias = tuple[object, ...]

# containers whose tables grow
STREAMS = frozenset({"byte_stream", "text_stream"})  # BytesIO and StringIO: as long as where they may stand
PATH_KIND = "path"  # of pathlib: as long as what it was made from, and one more for each segment
GROWABLE = STREAMS | {"list", "dict", "set", "deque", "bytearray"}
# what is neither an object that is followed nor an integer, as bits of Value.plain
NONE, BOOL, FLOAT, OTHER = 1, 2, 4, 8


@record(frozen=True, slots=True)
class Value:
    """What a register, an item or an attribute may hold.

    Attributes:
        objects: the objects that it may refer to.
        number: the integer that it may be, or None.
        plain: what else it may be: bits of NONE, BOOL, FLOAT, OTHER.
        fresh: whether the integer or float may be an object that the call made.
        length: the most that this very object's length is, for what cannot change; None: as its cells say.
        total: the same for the sum of its items' lengths.
        scalar: the bytes of the integer or float: see `footprints.scalar`.
    """

    objects: frozenset[Object] = frozenset()
    number: Number | None = None
    plain: int = 0
    fresh: bool = False
    length: Size | None = None
    total: Size | None = None
    scalar: Size | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing that it could be: no run comes here."""
        return not self.objects and self.number is None and not self.plain

    def renamed(self, names: Mapping[Object, Object]) -> Value:
        """Return the value with objects replaced."""
        if self.objects.isdisjoint(names):
            return self
        return replace(self, objects=frozenset(names.get(o, o) for o in self.objects))

    def mapped(self, key: SlotKey, f: Callable[[SlotKey, Size], Size]) -> Value:
        """Return the value with its sizes replaced."""
        number = None if self.number is None else _map_number(self.number, key, f)
        length = None if self.length is None else f((*key, "length"), self.length)
        total = None if self.total is None else f((*key, "total"), self.total)
        if number is self.number and length is self.length and total is self.total:
            return self
        return Value(self.objects, number, self.plain, self.fresh, length, total)


def _map_number(number: Number, key: SlotKey, f: Callable[[SlotKey, Size], Size]) -> Number:
    high, low = f((*key, "high"), number.high), f((*key, "low"), number.low)
    digits = None if number.digits is None else f((*key, "digits"), number.digits)
    room = None if number.room is None else f((*key, "room"), number.room)
    if high is number.high and low is number.low and digits is number.digits and room is number.room:
        return number
    return Number(high, low, number.least, digits, room, number.origin)


NOTHING = Value()
NO = Value(plain=NONE)
TRUTH = Value(plain=BOOL)
NO_EACH = (ZERO, ZERO)


@record(frozen=True, slots=True)
class Cell:
    """One abstract object.

    Attributes:
        kind: "list", "str", "instance", "function", "cell", "generator", "iterator", "lump", ...
        name: the class's full name, or a function's; empty where the kind says it.
        length: the most items, characters or bytes.
        bytes: see the module's second invariant; of what existed before: bytes that the call added to it.
        pooled: bytes of those that CPython keeps for reuse, not in `bytes`; `pool` names what they are reused
        for.
        element: what the items may be; a dict's keys.
        mapped: what a dict's values may be.
        fields: attributes, a tuple's items by index, captured variables.
        width: bytes per character.
        total: the most that the items' lengths add up to, if known.
        owned: whether the call made it.
        type: the declared type of what existed before; parts are made from it when they are first asked for.
        targets: the functions that a call of it runs.
        written: of what existed before: the attributes that the call has set by this path; "[]": its items.
        added: of what existed before: by how much the call has made it longer by this path.
        each: of older objects: the most bytes of one, and those of one that are pooled.
        shared: of older objects that grow one by one: whether `bytes` has the newest one's in it, too.
        substituted: of a text: how it came from one that is at most `length / substituted.factor` long.
        holdings: bytes besides `bytes` that are replaced, not added to, by what has them: an attribute; "{}":
            the dict of attributes that come late; "[]": the table of what existed before.
        exact: whether it has no room for more than its length: a bytearray that did not grow.
        references: the objects that it refers to: see `refers_to`.
        numbered: whether it has integers: see `has_numbers`.
    """

    kind: str
    name: str = ""
    length: Size = ZERO
    bytes: Size = ZERO
    pooled: Size = ZERO
    pool: str = ""
    element: Value = NOTHING
    mapped: Value = NOTHING
    fields: Mapping[str, Value] = field(default_factory=dict)
    width: int = 1
    total: Size | None = None
    owned: bool = True
    type: ir.Type | None = None
    targets: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    added: Size = ZERO
    each: tuple[Size, Size] = NO_EACH
    shared: bool = False
    substituted: Substituted = AS_IT_WAS
    holdings: Mapping[str, Size] = field(default_factory=dict)
    exact: bool = False
    references: frozenset[Object] | None = field(default=None, init=False, compare=False, repr=False)
    numbered: bool | None = field(default=None, init=False, compare=False, repr=False)

    def has_numbers(self) -> bool:
        """Tell whether anything in it may be an integer; it is looked up once."""
        found = self.numbered
        if found is None:
            found = any(value.number is not None for value in self.values())
            object.__setattr__(self, "numbered", found)
        return found

    def refers_to(self) -> frozenset[Object]:
        """Return the objects that it refers to; they are gathered once."""
        found = self.references
        if found is None:
            values = (self.element, self.mapped, *self.fields.values())
            sets = [value.objects for value in values if value.objects]
            found = frozenset().union(*sets) if len(sets) > 1 else sets[0] if sets else NOTHING.objects
            object.__setattr__(self, "references", found)
        return found

    def values(self) -> Iterator[Value]:
        """Iterate over what it refers to."""
        yield self.element
        yield self.mapped
        yield from self.fields.values()

    @property
    def whole(self) -> Size:
        """The bytes of it, holdings included."""
        return add_up([self.bytes, *self.holdings.values()]) if self.holdings else self.bytes

    def holding(self, name: str, size: Size) -> Cell:
        """Return the cell with another size of a holding."""
        if size.is_zero and name not in self.holdings:
            return self
        return replace(self, holdings={**self.holdings, name: size})

    def with_field(self, name: str, value: Value) -> Cell:
        """Return the cell with an attribute set."""
        return replace(self, fields={**self.fields, name: value})

    def renamed(self, names: Mapping[Object, Object]) -> Cell:
        """Return the cell with objects replaced in what it refers to."""
        if self.refers_to().isdisjoint(names):
            return self
        return replace(
            self,
            element=self.element.renamed(names),
            mapped=self.mapped.renamed(names),
            fields={key: value.renamed(names) for key, value in self.fields.items()},
        )


def is_older(obj: Object) -> bool:
    """Tell whether an abstract object stands for several."""
    return bool(obj & 1)


def add_up(sizes: Iterable[Size]) -> Size:
    """Return the sum of sizes."""
    some = tuple([size for size in sizes if size is not ZERO])
    return _added(some) if len(some) > 1 else some[0] if some else ZERO


@lru_cache(maxsize=1 << 14)
def _added(sizes: tuple[Size, ...]) -> Size:
    """Add sizes up, those of one polynomial, which most are, in one go."""
    terms: list[tuple[Monomial, Coefficient]] = []
    rest = ZERO
    for size in sizes:
        if len(size.polynomials) == 1:
            terms.extend(size.polynomials[0])
        else:
            rest += size
    return rest + Size((polynomial(terms),)) if terms else rest


# -- joining
def join_values(left: Value, right: Value) -> Value:
    """Return what is one of two."""
    if left is right or right.is_nothing:
        return left
    if left.is_nothing:
        return right
    number = left.number or right.number
    if left.number is not None and right.number is not None:
        number = left.number.join(right.number)
    return Value(
        left.objects | right.objects,
        number,
        left.plain | right.plain,
        left.fresh or right.fresh,
        _both(left.length, right.length) if left.objects and right.objects else left.length or right.length,
        _both(left.total, right.total) if left.objects and right.objects else left.total or right.total,
    )


def _both(left: Size | None, right: Size | None) -> Size | None:
    return None if left is None or right is None else left | right


def join_all(values: Iterable[Value]) -> Value:
    """Return what is one of several."""
    joined = NOTHING
    for value in values:
        joined = join_values(joined, value)
    return joined


def _join_pools(left: str, right: str) -> str:
    """Return a pool for what is of one of two: of both, none that anything else is reused from."""
    if left == right or not left or not right:
        return left or right
    return "/".join(sorted({*left.split("/"), *right.split("/")}))


def join_cells(left: Cell, right: Cell) -> Cell:
    """Return what is known of an object that is as one of two cells say; bytes are the greater."""
    if left is right:
        return left
    fields = dict(left.fields)
    for name, value in right.fields.items():
        fields[name] = join_values(fields[name], value) if name in fields else value
    return Cell(
        left.kind if left.kind == right.kind else "lump",
        left.name if left.name == right.name else "",
        left.length | right.length,
        left.bytes | right.bytes,
        left.pooled | right.pooled,
        _join_pools(left.pool, right.pool),
        join_values(left.element, right.element),
        join_values(left.mapped, right.mapped),
        fields,
        max(left.width, right.width),
        None if left.total is None or right.total is None else left.total | right.total,
        left.owned,
        left.type,
        left.targets | right.targets,
        left.written | right.written,
        left.added | right.added,
        (left.each[0] | right.each[0], left.each[1] | right.each[1]),
        left.shared or right.shared,
        left.substituted.join(right.substituted),
        join_holdings(left.holdings, right.holdings),
        left.exact and right.exact,
    )


def join_holdings(left: Mapping[str, Size], right: Mapping[str, Size]) -> Mapping[str, Size]:
    """Return at least the bytes of each holding that one of two cells has."""
    if left is right or not right:
        return left
    return {**left, **{name: left[name] | size if name in left else size for name, size in right.items()}}
