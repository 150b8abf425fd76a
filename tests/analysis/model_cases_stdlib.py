"""Calls of the standard library's numbers, structs, heaps and collections."""

from __future__ import annotations

import bisect
import heapq
import math
import operator
import struct
import sys
from collections import Counter, OrderedDict, defaultdict, deque

from model_cases import Given, calling, measured
from model_cases_containers import (
    COSTLY,
    INTS,
    ITERABLES,
    LENGTHS,
    LISTS,
    Costly,
    and_then,
    fresh,
    identity,
    numbers,
)

# -- math
FLOATS = [0.5, 1.0, 0.25]
for name in [
    "sqrt",
    "exp",
    "exp2",
    "expm1",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "atanh",
    "degrees",
    "radians",
    "fabs",
    "gamma",
    "lgamma",
    "erf",
    "erfc",
    "cbrt",
]:
    function = getattr(math, name)
    inputs = [number for number in (*FLOATS, 1) if not (name == "atanh" and number == 1.0)]
    measured(f"math.{name}", function, *((number,) for number in inputs))
measured("math.acosh", math.acosh, (1.5,), (5000,))
for name in ("pow", "atan2", "copysign", "fmod", "remainder", "nextafter"):
    measured(f"math.{name}", getattr(math, name), (2.5, 1.5), (5000, 3), (2**70, 7))
for name in ("log2", "log10"):
    measured(f"math.{name}", getattr(math, name), (2.5,), (5000,), (2**70,), (2**5000,))
measured("math.log", math.log, (2.5,), (2**70, 3), (2**5000, 2**3000), (2**5000,))
measured("math.hypot", math.hypot, (), (3.0, 4.0), (3, 4), *(tuple(numbers(n)) for n in (9, 16, 17, 40)))
for name in ("isnan", "isinf", "isfinite"):
    measured(f"math.{name}", getattr(math, name), (1.5,), (2**70,))
measured("math.isclose", math.isclose, (1.5, 2.5), (2**70, 7), Given(2**70, 7, rel_tol=1, abs_tol=3))
for name in ("floor", "ceil", "trunc"):
    measured(
        f"math.{name}", getattr(math, name), (1.5,), (1e300,), (-1e300,), (1e18,), (7,), (2**70,), (2**3000,)
    )
measured("math.modf", math.modf, (1.5,), (2**70,))
measured("math.frexp", math.frexp, (1.5,), (1e300,), (5e-324,), (2**70,))
measured("math.ldexp", math.ldexp, (1.5, 10), (2**70, 10))
measured("math.fsum", math.fsum, *(lambda n=n: ([1e16**k for k in range(-9, 9)] * n,) for n in (0, 1, 3, 9)))
measured(
    "math.fsum",
    math.fsum,
    *(lambda n=n: ([math.ldexp(1.0, 24 * k) for k in range(-n, n)],) for n in (1, 9, 20, 40)),
)
measured(
    "math.fsum",
    math.fsum,
    lambda: ((one for one in (1.0, 2.0, 3.0)),),
    lambda: (range(900),),
    lambda: (tuple(INTS),),
)
measured(
    "math.gcd",
    math.gcd,
    (),
    (9,),
    (2**70, 6),
    (2**5000 * 3, 2**4000 * 9),
    (2**5000, 3**3000, 5**900),
    (-(2**90), 0),
)
measured("math.isqrt", math.isqrt, (0,), (5000,))
if sys.version_info < (3, 12):  # from then on dividing leaves garbage
    measured("math.isqrt", math.isqrt, (2**70,), (2**5000,), (2**5000 - 1,), (3**30000,))

# -- heapq, bisect
FULL = [make for make in LISTS if make()]
HEAPS = COSTLY[1:]
measured(
    "heapq.heappush", heapq.heappush, *and_then(LISTS, 7), *(lambda m=m: (m(), Costly(-1)) for m in HEAPS)
)
for name in ("heappop", "_heappop_max"):
    measured(f"heapq.{name}", getattr(heapq, name), *and_then(FULL), *and_then(HEAPS))
for name in ("heapreplace", "_heapreplace_max"):
    measured(
        f"heapq.{name}",
        getattr(heapq, name),
        *and_then(FULL, 5000),
        *(lambda m=m: (m(), Costly(7)) for m in HEAPS),
    )
measured(
    "heapq.heappushpop",
    heapq.heappushpop,
    *and_then(LISTS, 5000),
    *(lambda m=m: (m(), Costly(7)) for m in HEAPS),
)
for name in ("heapify", "_heapify_max"):
    measured(f"heapq.{name}", getattr(heapq, name), *and_then(LISTS), *and_then(COSTLY))
for name in ("bisect_left", "bisect_right", "bisect"):
    function = getattr(bisect, name)
    measured(
        f"bisect.{name}", function, *and_then(LISTS, 1400), *(lambda m=m: (m(), Costly(7)) for m in HEAPS)
    )
    measured(f"bisect.{name}", function, *(lambda m=m: (m(), 1400, 0, len(m())) for m in FULL))
    measured(
        f"bisect.{name}",
        function,
        *(lambda m=m, k=k: Given(m(), 1400, key=k) for m in FULL for k in (identity,)),
    )
    measured(f"bisect.{name}", function, *(lambda m=m: Given(m(), b"x", key=fresh) for m in FULL))
for name in ("insort_left", "insort_right", "insort"):
    function = getattr(bisect, name)
    measured(
        f"bisect.{name}", function, *and_then(LISTS, 1400), *(lambda m=m: (m(), Costly(7)) for m in HEAPS)
    )
    measured(f"bisect.{name}", function, *(lambda m=m: Given(m(), 1400, key=identity) for m in FULL))

# -- struct
PACKED = [
    ("<I", (7,)),
    ("<I", (2**32 - 1,)),
    (">qQ", (-(2**63), 2**64 - 1)),
    ("10s", (b"abc",)),
    ("3000s", (b"abc",)),
    ("20p", (b"abc",)),
    ("ddf", (1.5, 2.5, 3.5)),
    ("e?c", (1.5, True, b"c")),
    ("50H", tuple(range(1000, 1050))),
    ("xx", ()),
    ("bBhHiIlLqQnN", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
    (b">300Q", (2**64 - 1,) * 300),
]
BUFFERS = [(form, struct.pack(form, *values)) for form, values in PACKED]
measured("struct.calcsize", struct.calcsize, *((form,) for form, _ in PACKED))
measured("struct.pack", struct.pack, *((form, *values) for form, values in PACKED))
measured(
    "struct.Struct.pack", struct.Struct.pack, *((struct.Struct(form), *values) for form, values in PACKED)
)
for form, values in PACKED:
    measured("struct.pack_into", struct.pack_into, lambda f=form, v=values: (f, bytearray(5000), 9, *v))
    measured(
        "struct.Struct.pack_into",
        struct.Struct.pack_into,
        lambda f=form, v=values: (struct.Struct(f), bytearray(5000), 9, *v),
    )
for form, buffer in BUFFERS:
    for kind in (bytes, bytearray, memoryview):
        measured("struct.unpack", struct.unpack, lambda f=form, b=buffer, k=kind: (f, k(b)))
        measured(
            "struct.Struct.unpack",
            struct.Struct.unpack,
            lambda f=form, b=buffer, k=kind: (struct.Struct(f), k(b)),
        )
    measured("struct.unpack_from", struct.unpack_from, lambda f=form, b=buffer: (f, b"xxx" + b, 3))
    measured(
        "struct.Struct.unpack_from",
        struct.Struct.unpack_from,
        lambda f=form, b=buffer: (struct.Struct(f), b, 0),
    )
    measured(
        "struct.iter_unpack", lambda f, b: next(struct.iter_unpack(f, b)), lambda f=form, b=buffer: (f, b * 3)
    )
    measured("struct.iter_unpack", struct.iter_unpack, lambda f=form, b=buffer: (f, b * 3))
    measured(
        "struct.Struct.iter_unpack",
        struct.Struct.iter_unpack,
        lambda f=form, b=buffer: (struct.Struct(f), b * 3),
    )
    measured("struct.Struct.size", operator.attrgetter("size"), lambda f=form: (struct.Struct(f),))
measured("struct.error", struct.error, (), ("a",), ("a", 1, 2))
measured(
    "collections.deque",
    deque,
    (),
    *and_then(ITERABLES),
    *and_then(ITERABLES[:40], 3),
    lambda: (deque(numbers(90)),),
)


def dequed(n):
    """Return a deque that grew at one end and shrank at the other."""
    made = deque(numbers(40))
    for number in numbers(n):
        made.append(number)
    for _ in range(40):
        made.popleft()
    return made


DEQUES = [lambda n=n, f=f: f(n) for n in LENGTHS for f in (lambda n: deque(numbers(n)), dequed)]
FULL_DEQUES = [make for make in DEQUES if make()]
DEQUED = [lambda m=m: deque(m()) for m in COSTLY]
for name in ("append", "appendleft"):
    measured(f"collections.deque.{name}", getattr(deque, name), *and_then(DEQUES, 7))
measured("collections.deque.insert", deque.insert, *and_then(DEQUES, 0, 7), *and_then(DEQUES, 30, 7))
for name in ("extend", "extendleft"):
    measured(
        f"collections.deque.{name}", getattr(deque, name), *(lambda i=i: (dequed(9), i()) for i in ITERABLES)
    )
    measured(
        f"collections.deque.{name}", getattr(deque, name), *(lambda m=m: (m(), INTS[:70]) for m in DEQUES)
    )


def by_itself(one):
    """Extend a deque by itself."""
    one.extend(one)


measured("collections.deque.__iadd__", operator.iadd, *(lambda i=i: (dequed(9), i()) for i in ITERABLES))
measured("collections.deque.__iadd__", operator.iadd, *(lambda m=m: (lambda d: (d, d))(m()) for m in DEQUES))
for name in ("pop", "popleft"):
    measured(f"collections.deque.{name}", getattr(deque, name), *and_then(FULL_DEQUES))
for name in ("clear", "copy", "reverse"):
    measured(f"collections.deque.{name}", getattr(deque, name), *and_then(DEQUES))
measured("collections.deque.__copy__", deque.__copy__, *and_then(DEQUES))
for name in ("count", "index", "remove"):
    measured(
        f"collections.deque.{name}", getattr(deque, name), *(lambda m=m: (m(), m()[-1]) for m in FULL_DEQUES)
    )
    measured(
        f"collections.deque.{name}", getattr(deque, name), *(lambda m=m: (m(), Costly(0)) for m in DEQUED[1:])
    )
measured("collections.deque.rotate", calling("rotate"), *and_then(DEQUES))
measured(
    "collections.deque.rotate",
    deque.rotate,
    *(lambda m=m, n=n: (m(), n) for m in DEQUES for n in (-1, 9, 70, -70)),
)
measured(
    "collections.deque.__delitem__",
    operator.delitem,
    *(lambda m=m: (m(), len(m()) // 2) for m in FULL_DEQUES),
)
measured("collections.deque.__getitem__", operator.getitem, *and_then(FULL_DEQUES, 0))
measured("collections.deque.__setitem__", operator.setitem, *and_then(FULL_DEQUES, 0, 7))
measured(
    "collections.deque.__contains__",
    operator.contains,
    *and_then(DEQUES, 7),
    *(lambda m=m: (m(), Costly(9)) for m in DEQUED),
)
measured("collections.deque.__len__", len, *and_then(DEQUES))
measured("collections.deque.__iter__", iter, *and_then(DEQUES))
measured("collections.deque.__reversed__", calling("__reversed__"), *and_then(DEQUES))
measured(
    "collections.deque.maxlen",
    operator.attrgetter("maxlen"),
    lambda: (deque(maxlen=5000),),
    lambda: (deque(maxlen=2**62),),
)
for name in ("eq", "ne"):
    measured(
        f"collections.deque.__{name}__",
        getattr(operator, name),
        *(lambda m=m: (m(), m()) for m in [*DEQUES, *DEQUED]),
    )
measured(
    "collections.deque.__add__",
    operator.add,
    *(lambda m=m, o=o: (m(), o()) for m in DEQUES for o in DEQUES[::7]),
)
measured(
    "collections.deque.__mul__",
    operator.mul,
    *(lambda m=m, n=n: (m(), n) for m in DEQUES for n in (-1, 0, 1, 2, 7)),
)

ORDERED = [lambda n=n: OrderedDict.fromkeys(numbers(n), 7) for n in LENGTHS]
FULL_ORDERED = ORDERED[1:]
for name, call in (
    ("__getitem__", operator.getitem),
    ("get", OrderedDict.get),
    ("__contains__", operator.contains),
):
    measured(f"collections.OrderedDict.{name}", call, *and_then(FULL_ORDERED, 1000))
measured("collections.OrderedDict.move_to_end", OrderedDict.move_to_end, *and_then(FULL_ORDERED, 1000))
measured("collections.OrderedDict.clear", OrderedDict.clear, *and_then(ORDERED))
measured("collections.OrderedDict.__iter__", iter, *and_then(ORDERED))
measured("collections.OrderedDict.__reversed__", calling("__reversed__"), *and_then(ORDERED))
measured("collections.OrderedDict.__len__", len, *and_then(ORDERED))
DEFAULTS = [lambda n=n: defaultdict(list, dict.fromkeys(numbers(n), 7)) for n in LENGTHS]
measured(
    "collections.defaultdict.__setitem__",
    operator.setitem,
    *and_then(DEFAULTS, 9, 7),
    *and_then(DEFAULTS, 1000, 7),
)
measured(
    "collections.defaultdict.setdefault",
    defaultdict.setdefault,
    *and_then(DEFAULTS, 9, 7),
    *and_then(DEFAULTS, 1000, 7),
)
measured(
    "collections.Counter",
    Counter,
    (),
    *and_then(ITERABLES),
    lambda: (Counter("abc" * 90),),
    *and_then(COSTLY),
)
COUNTERS = [lambda n=n: Counter(numbers(n)) for n in LENGTHS]
measured(
    "collections.Counter.__getitem__", operator.getitem, *and_then(COUNTERS, 9), *and_then(COUNTERS, 1000)
)
measured(
    "collections.Counter.__setitem__",
    operator.setitem,
    *and_then(COUNTERS, 9, 7),
    *and_then(COUNTERS, 1000, 7),
)
measured(
    "collections.Counter.most_common",
    calling("most_common"),
    *and_then(COUNTERS),
    lambda: (Counter("abc" * 900),),
)
measured(
    "collections.Counter.most_common", Counter.most_common, *and_then(COUNTERS, 3), *and_then(COUNTERS, 10000)
)
measured("collections.Counter.total", Counter.total, *and_then(COUNTERS))
measured(
    "collections.Counter.update",
    Counter.update,
    *(lambda n=n, m=m: (Counter(numbers(n)), numbers(m)) for n in LENGTHS[:9] for m in LENGTHS[:9]),
    lambda: (Counter("abc"), "€uro" * 50),
)
measured(
    "collections.OrderedDict.popitem",
    OrderedDict.popitem,
    *and_then(FULL_ORDERED),
    *and_then(FULL_ORDERED, False),
)
measured("collections.OrderedDict.pop", OrderedDict.pop, *and_then(FULL_ORDERED, 1000))
measured(
    "collections.defaultdict",
    defaultdict,
    (),
    (list,),
    *(lambda n=n: (int, dict.fromkeys(numbers(n), 7)) for n in LENGTHS),
    lambda: (int, [(n, n) for n in numbers(30)]),
)
measured(
    "collections.defaultdict.update",
    defaultdict.update,
    *(
        lambda n=n: (defaultdict(int, dict.fromkeys(numbers(9), 7)), dict.fromkeys(numbers(n), 7))
        for n in LENGTHS
    ),
)
