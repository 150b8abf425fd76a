"""Calls of the methods of list, tuple, dict, set, frozenset, range and slice."""

from __future__ import annotations

import operator

from model_cases import REGISTER, Given, calling, measured

BYTE = b"x"


class Costly:
    """An object whose every special method holds bytes for a moment; `costs` says how many at most."""

    costs = 4096 + 80

    def __init__(self, number):
        self.number = number

    def _spend(self):
        return len(BYTE * 4000)

    def __eq__(self, other):
        self._spend()
        return isinstance(other, Costly) and self.number == other.number

    def __lt__(self, other):
        self._spend()
        return self.number < other.number

    __gt__ = __lt__

    def __hash__(self):
        self._spend()
        return hash(self.number % 3)

    def __repr__(self):
        self._spend()
        return "Costly"


def identity(one):
    """Return what is given."""
    return one


def fresh(one):
    """Return 40 new bytes."""
    return BYTE * 40


def _new(machine, arguments, times):
    return machine.fresh("bytes", length=one_of(machine, 40), times=times)


def one_of(machine, n):
    return machine.length(machine.real(bytes(n)))


REGISTER.callbacks[identity] = (0, lambda machine, arguments, times: arguments[0])
REGISTER.callbacks[fresh] = (0, _new)

LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 64, 65, 127, 128, 129, 500, 1000, 4097]


def numbers(n):
    """Return n ints that exist already."""
    return INTS[:n]


INTS = list(range(1000, 6000))
WORDS = [f"word {index}" for index in range(5000)]


def grown(n):
    """Return a list that grew to its length."""
    items = []
    for one in numbers(n):
        items.append(one)  # noqa: PERF402 - it is to grow
    return items


def shrunk(n):
    """Return a list that was four times as long."""
    items = grown(4 * n)
    del items[n:]
    return items


LISTS = [
    make
    for n in LENGTHS
    for make in (lambda n=n: list(numbers(n)), lambda n=n: grown(n), lambda n=n: shrunk(n))
]
ITERABLES = [
    make
    for n in LENGTHS
    for make in (
        lambda n=n: list(numbers(n)),
        lambda n=n: tuple(numbers(n)),
        lambda n=n: (one for one in numbers(n)),
        lambda n=n: iter(list(numbers(n))),
        lambda n=n: set(numbers(n)),
        lambda n=n: frozenset(numbers(n)),
        lambda n=n: dict.fromkeys(numbers(n)),
        lambda n=n: dict.fromkeys(numbers(n)).keys(),
        lambda n=n: dict.fromkeys(numbers(n)).values(),
        lambda n=n: dict.fromkeys(numbers(n), 1).items(),
        lambda n=n: range(n),
        lambda n=n: iter(range(n)),
        lambda n=n: zip(numbers(n), numbers(n), strict=True),
        lambda n=n: enumerate(numbers(n)),
        lambda n=n: "a" * n,
        lambda n=n: "ж" * n,
        lambda n=n: bytes(n),
    )
]
SLICES = [
    slice(None),
    slice(1, None),
    slice(None, -1),
    slice(0, 10),
    slice(None, None, -1),
    slice(3, 3),
    slice(0, 5000),
]
COSTLY = [lambda n=n: [Costly(number) for number in range(n)] for n in (0, 1, 3, 40)]


def and_then(makers, *more):
    """Return makers of arguments: what each gives, anew, and more."""
    return [lambda m=make: (m(), *more) for make in makers]


def add_in_place(a, b):
    a += b
    return a


def times_in_place(a, n):
    a *= n
    return a


def set_item(container, index, item):
    container[index] = item


def delete_item(container, index):
    del container[index]


NOT_EMPTY = [make for make in LISTS if make()]

# -- list
measured("builtins.list", list, (), *and_then(ITERABLES))
measured("builtins.list.append", list.append, *and_then(LISTS, 7))
measured("builtins.list.insert", list.insert, *and_then(LISTS, 0, 7))
for name, call in (("extend", list.extend), ("__iadd__", add_in_place)):
    measured(f"builtins.list.{name}", call, *(lambda i=i: (grown(9), i()) for i in ITERABLES))
    measured(
        f"builtins.list.{name}",
        call,
        *(lambda m=m, n=n: (m(), numbers(n)) for m in LISTS for n in (0, 1, 100)),
    )
measured(
    "builtins.list.__imul__",
    times_in_place,
    *(lambda m=m, n=n: (m(), n) for m in LISTS for n in (-1, 0, 1, 2, 7)),
)
measured("builtins.list.pop", calling("pop"), *and_then(NOT_EMPTY))
measured("builtins.list.pop", list.pop, *and_then(NOT_EMPTY, 0))
measured("builtins.list.remove", list.remove, *and_then(NOT_EMPTY, 1000))
measured("builtins.list.remove", list.remove, *(lambda m=m: (m(), Costly(len(m()) - 1)) for m in COSTLY[1:]))
for name in ("clear", "reverse", "copy"):
    measured(f"builtins.list.{name}", getattr(list, name), *and_then(LISTS))
for name in ("index", "count"):
    measured(f"builtins.list.{name}", getattr(list, name), *and_then(NOT_EMPTY, 1000))
    measured(
        f"builtins.list.{name}", getattr(list, name), *(lambda m=m: (m(), Costly(0)) for m in COSTLY[1:])
    )


def mixed(n):
    """Return n numbers out of order."""
    return [INTS[index * 7919 % n] for index in range(n)]


for name, call in (("sort", list.sort),):
    measured(f"builtins.list.{name}", call, *(lambda n=n: (mixed(n),) for n in LENGTHS), *and_then(COSTLY))
    measured(f"builtins.list.{name}", call, *(lambda n=n: Given(mixed(n), key=identity) for n in LENGTHS))
    measured(f"builtins.list.{name}", call, *(lambda n=n: Given(mixed(n), key=fresh) for n in LENGTHS))
    measured(f"builtins.list.{name}", call, *(lambda n=n: Given(mixed(n), reverse=True) for n in LENGTHS))
    measured(
        f"builtins.list.{name}", call, lambda: (list(range(500)) + list(range(500)),), lambda: (mixed(4999),)
    )
measured(
    "builtins.list.__add__",
    operator.add,
    *(lambda m=m, n=n: (m(), numbers(n)) for m in LISTS for n in (0, 1, 100)),
)
measured(
    "builtins.list.__mul__",
    operator.mul,
    *(lambda m=m, n=n: (m(), n) for m in LISTS for n in (-1, 0, 1, 2, 7)),
)
measured(
    "builtins.list.__rmul__",
    lambda a, n: n * a,
    *(lambda m=m, n=n: (m(), n) for m in LISTS for n in (0, 1, 7)),
)
measured("builtins.list.__getitem__", operator.getitem, *and_then(NOT_EMPTY, 0))
measured(
    "builtins.list.__getitem__", operator.getitem, *(lambda m=m, s=s: (m(), s) for m in LISTS for s in SLICES)
)
measured("builtins.list.__setitem__", set_item, *and_then(NOT_EMPTY, 0, 7))
measured(
    "builtins.list.__setitem__", set_item, *(lambda i=i: (grown(90), slice(3, 50), i()) for i in ITERABLES)
)
measured(
    "builtins.list.__setitem__",
    set_item,
    *and_then(LISTS, slice(None), []),
    *and_then(LISTS, slice(0, 0), INTS[:90]),
)
measured("builtins.list.__delitem__", delete_item, *and_then(NOT_EMPTY, 0))
measured(
    "builtins.list.__delitem__", delete_item, *(lambda m=m, s=s: (m(), s) for m in LISTS for s in SLICES)
)
measured(
    "builtins.list.__contains__",
    operator.contains,
    *and_then(LISTS, 1000),
    *(lambda m=m: (m(), Costly(9)) for m in COSTLY),
)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    call = getattr(operator, name)
    measured(f"builtins.list.__{name}__", call, *(lambda m=m: (m(), m()) for m in LISTS))
    if name in ("eq", "ne", "lt", "gt"):
        measured(f"builtins.list.__{name}__", call, *(lambda m=m: ([m()], [m()]) for m in COSTLY))
measured("builtins.list.__len__", len, *and_then(LISTS))
measured("builtins.list.__iter__", iter, *and_then(LISTS))
measured("builtins.list.__reversed__", calling("__reversed__"), *and_then(LISTS))
SHOWN = [lambda n=n: list(range(n)) for n in LENGTHS] + [
    lambda: WORDS[:90],
    lambda: ["ж" * 50] * 20,
    lambda: [None, 1.5, b"x"],
]
SHOWN += [lambda: [[1, 2], [[3]], {"a": (1,)}] * 20, lambda: ["\x00" * 90] * 9, *COSTLY]
measured("builtins.list.__repr__", repr, *and_then(SHOWN))
measured("builtins.list.__str__", repr, *and_then(SHOWN))
measured("builtins.list.__format__", format, *and_then(SHOWN, ""))

# -- tuple
TUPLES = [lambda n=n: tuple(numbers(n)) for n in [*LENGTHS, 19, 20, 21]]
FULL_TUPLES = TUPLES[1:]
measured("builtins.tuple", tuple, (), *and_then(ITERABLES))
measured(
    "builtins.tuple.__add__", operator.add, *(lambda a=a, b=b: (a(), b()) for a in TUPLES for b in TUPLES[:9])
)
measured(
    "builtins.tuple.__mul__",
    operator.mul,
    *(lambda m=m, n=n: (m(), n) for m in TUPLES for n in (-1, 0, 1, 2, 7)),
)
measured(
    "builtins.tuple.__rmul__",
    lambda a, n: n * a,
    *(lambda m=m, n=n: (m(), n) for m in TUPLES for n in (0, 1, 7)),
)
measured("builtins.tuple.__getitem__", operator.getitem, *and_then(FULL_TUPLES, 0))
measured(
    "builtins.tuple.__getitem__",
    operator.getitem,
    *(lambda m=m, s=s: (m(), s) for m in TUPLES for s in SLICES),
)
for name in ("index", "count"):
    measured(f"builtins.tuple.{name}", getattr(tuple, name), *and_then(FULL_TUPLES, 1000))
    measured(
        f"builtins.tuple.{name}",
        getattr(tuple, name),
        *(lambda m=m: (tuple(m()), Costly(0)) for m in COSTLY[1:]),
    )
measured("builtins.tuple.__contains__", operator.contains, *and_then(TUPLES, 1000))
measured(
    "builtins.tuple.__contains__", operator.contains, *(lambda m=m: (tuple(m()), Costly(7)) for m in COSTLY)
)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    call = getattr(operator, name)
    measured(f"builtins.tuple.__{name}__", call, *(lambda m=m: (m(), m()) for m in TUPLES))
    if name in ("eq", "ne", "lt", "gt"):
        measured(f"builtins.tuple.__{name}__", call, *(lambda m=m: (tuple(m()), tuple(m())) for m in COSTLY))
measured("builtins.tuple.__hash__", hash, *and_then(TUPLES), *(lambda m=m: (tuple(m()),) for m in COSTLY))
measured("builtins.tuple.__len__", len, *and_then(TUPLES))
measured("builtins.tuple.__iter__", iter, *and_then(TUPLES))
for name, call in (("__repr__", repr), ("__str__", repr)):
    measured(f"builtins.tuple.{name}", call, *(lambda m=m: (tuple(m()),) for m in SHOWN))
measured("builtins.tuple.__format__", format, *(lambda m=m: (tuple(m()), "") for m in SHOWN))


# -- dict
def worded(n):
    """Return a dict with words as its keys."""
    return {word: word for word in WORDS[:n]}


def numbered(n):
    """Return a dict with numbers as its keys."""
    return dict.fromkeys(numbers(n))


def changed(n):
    """Return a dict that lost every other one of its entries."""
    given = numbered(2 * n)
    for number in numbers(2 * n)[::2]:
        del given[number]
    return given


def turned(n):
    """Return a dict of words that got one other key."""
    given = worded(n)
    given[7] = 7
    return given


DICTS = [
    lambda n=n, f=f: f(n)
    for n in [*LENGTHS, 6, 10, 11, 21, 22, 43, 85, 170, 171, 341, 682]
    for f in (worded, numbered, changed, turned)
]
FULL_DICTS = [make for make in DICTS if len(make()) > 1]


def some_key(make):
    """Return arguments: a dict and one of its keys."""
    given = make()
    return given, next(iter(given))


PAIRS = [lambda n=n: [(word, 7) for word in WORDS[:n]] for n in LENGTHS]
PAIRS += [lambda n=n: zip(numbers(n), WORDS[:n], strict=True) for n in LENGTHS] + [
    lambda n=n: ((word, 1) for word in WORDS[:n]) for n in LENGTHS
]
PAIRS += [lambda: [["a", 1], ["b", 2]], lambda: ["ab", "cd"], lambda: enumerate(WORDS[:500])]
measured("builtins.dict", dict, (), *and_then(DICTS), *and_then(PAIRS), Given(a=1, b=2))
measured("builtins.dict", dict, lambda: Given({"a": 1}, b=2), lambda: Given(**worded(40)))
measured(
    "builtins.dict.fromkeys",
    lambda cls, iterable: dict.fromkeys(iterable),
    *(lambda i=i: (dict, i()) for i in ITERABLES),
)
for name, call in (
    ("__getitem__", operator.getitem),
    ("get", dict.get),
    ("pop", dict.pop),
    ("setdefault", dict.setdefault),
):
    measured(f"builtins.dict.{name}", call, *(lambda m=m: some_key(m) for m in FULL_DICTS))
measured("builtins.dict.__delitem__", delete_item, *(lambda m=m: some_key(m) for m in FULL_DICTS))
measured("builtins.dict.__contains__", operator.contains, *(lambda m=m: some_key(m) for m in FULL_DICTS))
measured("builtins.dict.__setitem__", set_item, *(lambda m=m: (*some_key(m), 7) for m in FULL_DICTS))
for key in ("a new key", 5):
    measured("builtins.dict.__setitem__", set_item, *and_then(DICTS, key, 7))
    measured("builtins.dict.setdefault", dict.setdefault, *and_then(DICTS, key, 7))
    measured("builtins.dict.get", dict.get, *and_then(DICTS, key, 7))
    measured("builtins.dict.pop", dict.pop, *and_then(DICTS, key, 7))
BY_COSTLY = [lambda n=n: {Costly(number): Costly(number) for number in range(n)} for n in (1, 3, 20)]
measured("builtins.dict.__setitem__", set_item, *(lambda m=m: (m(), Costly(99), 1) for m in BY_COSTLY))
measured(
    "builtins.dict.__contains__", operator.contains, *(lambda m=m: (m(), (1, Costly(99))) for m in BY_COSTLY)
)
measured("builtins.dict.__getitem__", operator.getitem, *(lambda m=m: (m(), Costly(0)) for m in BY_COSTLY))
measured("builtins.dict.popitem", dict.popitem, *and_then(FULL_DICTS))
measured(
    "builtins.dict.update", dict.update, *(lambda m=m, o=o: (m(), o()) for m in DICTS for o in DICTS[::9])
)
measured(
    "builtins.dict.update",
    dict.update,
    *(lambda m=m: (worded(6), m()) for m in [*DICTS, *PAIRS]),
    Given({}, a=1, b=2),
)
measured("builtins.dict.__ior__", operator.ior, *(lambda m=m: (worded(6), m()) for m in [*DICTS, *PAIRS]))
measured(
    "builtins.dict.__or__", operator.or_, *(lambda m=m, o=o: (m(), o()) for m in DICTS for o in DICTS[::9])
)
measured("builtins.dict.__ror__", operator.or_, lambda: (worded(6), worded(9)))
for name in ("copy", "clear"):
    measured(f"builtins.dict.{name}", getattr(dict, name), *and_then(DICTS))


for name in ("items", "keys", "values"):
    measured(f"builtins.dict.{name}", calling(name), *and_then(DICTS))
measured("builtins.dict.__iter__", iter, *and_then(DICTS))
measured("builtins.dict.__reversed__", calling("__reversed__"), *and_then(DICTS))
measured("builtins.dict.__len__", len, *and_then(DICTS))
for name in ("eq", "ne"):
    measured(
        f"builtins.dict.__{name}__",
        getattr(operator, name),
        *(lambda m=m: (m(), m()) for m in [*DICTS, *BY_COSTLY]),
    )
for name in ("__repr__", "__str__"):
    measured(
        f"builtins.dict.{name}",
        repr,
        *and_then(DICTS[:40]),
        *and_then(BY_COSTLY),
        lambda: ({"ж": ["a", {}]},),
    )
measured("builtins.dict.__format__", format, *and_then(DICTS[:40], ""))


# -- set, frozenset
def lessened(n):
    """Return a set that lost every other one of its items."""
    given = set(numbers(2 * n))
    for number in numbers(2 * n)[::2]:
        given.remove(number)
    return given


SIZES = [*LENGTHS, 6, 10, 18, 19, 76, 77, 307, 308]
SETS = [
    lambda n=n, f=f: f(n)
    for n in SIZES
    for f in (lambda n: set(numbers(n)), lessened, lambda n: set(iter(numbers(n))))
]
FULL_SETS = [make for make in SETS if make()]
OTHERS = [lambda n=n, k=k: set(INTS[k : k + n]) for n in (0, 1, 5, 100) for k in (0, 2000)]
for kind, name in ((set, "set"), (frozenset, "frozenset")):
    full = f"builtins.{name}"
    own = [lambda m=m, k=kind: k(m()) for m in SETS]
    if kind is set:
        own = SETS
    measured(
        full,
        kind,
        (),
        *and_then(ITERABLES),
        *and_then(SETS),
        *(lambda k=kind: (k(numbers(50)),) for _ in "a"),
    )
    measured(full, kind, *and_then(COSTLY))
    for test in ("or", "and", "sub", "xor"):
        call = getattr(operator, f"{test}_" if test in ("or", "and") else test)
        measured(f"{full}.__{test}__", call, *(lambda m=m, o=o: (m(), o()) for m in own for o in OTHERS))
        measured(f"{full}.__r{test}__", call, *(lambda m=m: (m(), m()) for m in own))
    for method in ("union", "intersection", "difference", "symmetric_difference"):
        call = getattr(kind, method)
        measured(f"{full}.{method}", call, *(lambda m=m, o=o: (m(), o()) for m in own for o in OTHERS))
        measured(f"{full}.{method}", call, *(lambda i=i, k=kind: (k(numbers(30)), i()) for i in ITERABLES))
        if method != "symmetric_difference":
            measured(f"{full}.{method}", call, *and_then(own))
    for method in ("issubset", "issuperset", "isdisjoint"):
        call = getattr(kind, method)
        measured(f"{full}.{method}", call, *(lambda m=m, o=o: (m(), o()) for m in own for o in OTHERS))
        measured(f"{full}.{method}", call, *(lambda i=i, k=kind: (k(numbers(30)), i()) for i in ITERABLES))
    measured(f"{full}.copy", kind.copy, *and_then(own))
    measured(
        f"{full}.__contains__",
        operator.contains,
        *and_then(own, 1000),
        *and_then(own, (1, 2)),
        *and_then(own, {1, 2}),
    )
    measured(
        f"{full}.__contains__", operator.contains, *(lambda m=m, k=kind: (k(m()), Costly(50)) for m in COSTLY)
    )
    measured(f"{full}.__len__", len, *and_then(own))
    measured(f"{full}.__iter__", iter, *and_then(own))
    for test in ("eq", "ne", "lt", "le", "gt", "ge"):
        measured(f"{full}.__{test}__", getattr(operator, test), *(lambda m=m: (m(), m()) for m in own))
    for method in ("__repr__", "__str__"):
        measured(f"{full}.{method}", repr, *and_then(own[:40]))
measured("builtins.frozenset.__hash__", hash, *(lambda m=m: (frozenset(m()),) for m in SETS))
measured(
    "builtins.set.add", set.add, *and_then(SETS, 7), *(lambda m=m: (set(m()), Costly(50)) for m in COSTLY)
)
for name in ("remove", "discard"):
    measured(f"builtins.set.{name}", getattr(set, name), *and_then([lambda m=m: m() | {7} for m in SETS], 7))
measured("builtins.set.pop", set.pop, *and_then(FULL_SETS))
measured("builtins.set.clear", set.clear, *and_then(SETS))
measured("builtins.set.update", set.update, *(lambda m=m, o=o: (m(), o()) for m in SETS for o in OTHERS))
measured(
    "builtins.set.update",
    set.update,
    *(lambda i=i: (set(numbers(30)), i()) for i in ITERABLES),
    lambda: (set(),),
)
measured("builtins.set.update", set.update, lambda: (set(), INTS[:90], INTS[50:200], INTS[:500]))
for name in ("ior", "iand", "isub", "ixor"):
    measured(
        f"builtins.set.__{name}__",
        getattr(operator, name),
        *(lambda m=m, o=o: (m(), o()) for m in SETS for o in OTHERS),
    )
for name in ("intersection_update", "difference_update", "symmetric_difference_update"):
    call = getattr(set, name)
    measured(f"builtins.set.{name}", call, *(lambda m=m, o=o: (m(), o()) for m in SETS for o in OTHERS))
    measured(f"builtins.set.{name}", call, *(lambda i=i: (set(numbers(30)), i()) for i in ITERABLES))

# -- range, slice
RANGES = [
    (0,),
    (1,),
    (300,),
    (0, 300),
    (-5, 300, 7),
    (300, -5, -1),
    (10**6, 10**7),
    (3, 10**12, 10**9),
    (5, 5),
    (10**4000, 10**4000 + 9),
    (0, 9, 10**4000),
]
EACH_RANGE = [lambda r=r: (range(*r),) for r in RANGES]
FULL_RANGES = [lambda r=r: range(*r) for r in RANGES if len(range(*r))]
measured("builtins.range", range, *RANGES)
measured("builtins.range.__getitem__", operator.getitem, *(lambda r=r: (r(), -1) for r in FULL_RANGES))
measured(
    "builtins.range.__getitem__",
    operator.getitem,
    *(lambda r=r, s=s: (r(), s) for r in FULL_RANGES for s in SLICES if s.step is None),
)
measured(
    "builtins.range.__contains__", operator.contains, *(lambda r=r: (r(), 10**6 + 3) for r in FULL_RANGES)
)
for name in ("index", "count"):
    measured(
        f"builtins.range.{name}", getattr(range, name), *(lambda r=r: (r(), r()[-1]) for r in FULL_RANGES)
    )
measured("builtins.range.__len__", len, *EACH_RANGE)
measured("builtins.range.__iter__", iter, *EACH_RANGE)
measured("builtins.range.__reversed__", calling("__reversed__"), *EACH_RANGE)
for name in ("start", "stop", "step"):
    measured(f"builtins.range.{name}", operator.attrgetter(name), *EACH_RANGE)
measured("builtins.range.__hash__", hash, *EACH_RANGE)
for name in ("eq", "ne"):
    measured(
        f"builtins.range.__{name}__", getattr(operator, name), *(lambda r=r: (r(), r()) for r in FULL_RANGES)
    )
measured("builtins.slice", slice, (1,), (1, 2), (1, 2, 3))
measured("builtins.slice.indices", slice.indices, *((one, 10**6) for one in SLICES if one.step is None))
