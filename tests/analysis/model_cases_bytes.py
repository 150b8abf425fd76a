"""Calls of the methods of bytes, bytearray and memoryview."""

from __future__ import annotations

import operator

from model_cases import Given, measured

DATA = [
    b"",
    b"a",
    b"ab cd",
    b"a" * 63,
    b"a b" * 40,
    b" " * 100,
    b"x" * 3000,
    b"\n".join([b"abcdefg"] * 9),
    b"," * 200,
]
DATA += [bytes(range(256)), b"abc," * 300, b"a,bc," * 40]
PIECES = [
    [],
    [b"a"],
    [b"ab", b"cd"],
    [b"abc"] * 10,
    [b"abc"] * 11,
    [b"abc"] * 300,
    [b"", b"", b""],
    [b"x" * 5000, b"y"],
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


def each(kind, *more):
    """Return for each of the data a maker of arguments: it, anew, and more."""
    return [
        lambda d=data: (kind(d), *(kind(m) if isinstance(m, bytes) else m for m in more)) for data in DATA
    ]


for kind, name in ((bytes, "builtins.bytes"), (bytearray, "builtins.bytearray")):
    for method in ("strip", "lstrip", "rstrip"):
        measured(
            f"{name}.{method}", getattr(kind, method), *each(kind), *each(kind, b"a,"), *each(kind, b"zz")
        )
    for method in ("removeprefix", "removesuffix"):
        measured(f"{name}.{method}", getattr(kind, method), *each(kind, b"a"), *each(kind, b"zz"))
    for method in ("lower", "upper", "title", "capitalize", "swapcase"):
        measured(f"{name}.{method}", getattr(kind, method), *each(kind))
    for method in ("split", "rsplit"):
        measured(
            f"{name}.{method}",
            getattr(kind, method),
            *each(kind),
            *each(kind, b","),
            *each(kind, None, 2),
            *each(kind, b",", 3),
            *(lambda d=data, k=kind: Given(k(d), sep=b" ", maxsplit=20) for data in DATA),
        )
    measured(
        f"{name}.splitlines",
        kind.splitlines,
        *each(kind),
        *(lambda d=data, k=kind: (k(d.replace(b",", b"\n")), True) for data in DATA),
    )
    for method in ("partition", "rpartition"):
        measured(
            f"{name}.{method}",
            getattr(kind, method),
            *each(kind, b","),
            *each(kind, b" "),
            *each(kind, b"zz" * 90),
        )
    for sep in (b"", b",", b", " * 50):
        measured(
            f"{name}.join",
            kind.join,
            *(lambda s=sep, p=pieces, k=kind: (k(s), p) for pieces in PIECES),
            *(lambda s=sep, p=pieces, k=kind: (k(s), [bytearray(one) for one in p]) for pieces in PIECES),
            *(lambda s=sep, p=pieces, k=kind: (k(s), tuple(p)) for pieces in PIECES),
            *(lambda s=sep, p=pieces, k=kind: (k(s), (one for one in p)) for pieces in PIECES),
            *(lambda s=sep, p=pieces, k=kind: (k(s), set(p)) for pieces in PIECES),
        )
    measured(
        f"{name}.replace",
        kind.replace,
        *each(kind, b"a", b"b"),
        *each(kind, b",", b""),
        *each(kind, b"a", b"xyz"),
        *each(kind, b"", b"-"),
        *each(kind, b"ab", b"xyz" * 30, 3),
        *each(kind, b"a", b"xyz", -1),
    )
    for method in ("startswith", "endswith"):
        measured(
            f"{name}.{method}",
            getattr(kind, method),
            *each(kind, b"a"),
            *each(kind, (b"b", b"c")),
            *each(kind, b"a", 1, 9),
        )
    for method in ("find", "rfind", "count"):
        measured(
            f"{name}.{method}",
            getattr(kind, method),
            *each(kind, b"a"),
            *each(kind, 120),
            *each(kind, b"zz" * 40, 1),
        )
        measured(f"{name}.{method}", getattr(kind, method), lambda k=kind: (k(b"a" * 900 + b"b"), b"b"))
    for method in ("index", "rindex"):
        measured(
            f"{name}.{method}", getattr(kind, method), lambda k=kind: (k(b"a" * 900 + b"b"), b"b", 3, 901)
        )
        measured(f"{name}.{method}", getattr(kind, method), lambda k=kind: (k(b"a" * 900), b"b"), raises=True)
    for method in ("isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "istitle", "isascii"):
        measured(f"{name}.{method}", getattr(kind, method), *each(kind))
    measured(
        f"{name}.decode",
        kind.decode,
        *each(kind, "latin-1"),
        *each(kind, "utf-8", "replace"),
        *each(kind, "ascii", "replace"),
        *each(kind, "utf-8", "ignore"),
        *each(kind, "utf-8", "surrogateescape"),
        *(
            lambda t=text, k=kind: (k(t.encode()),)
            for text in ("a" * 900, "é" * 400, "ж" * 400, "\U00010000" * 300)
        ),
        *(
            lambda t=text, k=kind: (k(t.encode()),)
            for text in ("a" * 900 + "\U00010000", "a" * 900 + "ж" + "\U00010000", "aé")
        ),
        lambda k=kind: (k(b"a" * 900), "ascii"),
    )
    measured(f"{name}.decode", kind.decode, lambda k=kind: (k(b"a" * 900 + b"\xff"),), raises=True)
    measured(f"{name}.hex", kind.hex, *each(kind), *each(kind, "-"), *each(kind, "-", 4))
    measured(
        f"{name}.fromhex",
        lambda cls, text: cls.fromhex(text),
        *((kind, data.hex()) for data in DATA),
        (kind, "ab " * 300),
    )
    for method in ("ljust", "rjust", "center"):
        measured(
            f"{name}.{method}",
            getattr(kind, method),
            *each(kind, 0),
            *each(kind, 300),
            *each(kind, 300, b"-"),
        )
    measured(f"{name}.zfill", kind.zfill, *each(kind, 0), *each(kind, 300))
    measured(
        f"{name}.expandtabs",
        kind.expandtabs,
        *each(kind),
        *each(kind, 60),
        lambda k=kind: (k(b"\t" * 50), 60),
    )
    table = bytes(reversed(range(256)))
    measured(
        f"{name}.translate",
        kind.translate,
        *each(kind, table),
        *each(kind, None, b"a"),
        *each(kind, table, b"xyz"),
    )
    measured(f"{name}.maketrans", kind.maketrans, (b"abc", b"xyz"), (b"", b""))
    measured(
        f"{name}.__add__", operator.add, *(lambda a=a, b=b, k=kind: (k(a), b) for a in DATA for b in DATA)
    )
    measured(
        f"{name}.__mul__",
        operator.mul,
        *(lambda a=a, n=n, k=kind: (k(a), n) for a in DATA for n in (-1, 0, 1, 7)),
    )
    measured(
        f"{name}.__rmul__",
        lambda a, n: n * a,
        *(lambda a=a, n=n, k=kind: (k(a), n) for a in DATA for n in (0, 1, 7)),
    )
    measured(
        f"{name}.__getitem__",
        operator.getitem,
        *(lambda a=a, k=kind: (k(a), 0) for a in DATA if a),
        *(lambda a=a, s=s, k=kind: (k(a), s) for a in DATA for s in SLICES),
    )
    measured(
        f"{name}.__contains__", operator.contains, *each(kind, b"a"), *each(kind, 97), *each(kind, b"zz" * 40)
    )
    for test in ("eq", "ne", "lt", "le", "gt", "ge"):
        measured(f"{name}.__{test}__", getattr(operator, test), *each(kind, b"a"), *each(kind, b"zz" * 40))
    measured(f"{name}.__len__", len, *each(kind))
    measured(f"{name}.__iter__", iter, *each(kind))
    measured(f"{name}.__repr__", repr, *each(kind))
    measured(f"{name}.__str__", repr, *each(kind))
    measured(f"{name}.__format__", format, *each(kind, ""))
measured(
    "builtins.bytes.__mod__",
    operator.mod,
    *((b"%d", 10**50), (b"%s-%s", (b"a" * 90, b"b")), (b"%5d|%x", (3, 255)), (b"%r", "ж" * 40)),
    *((b"%b" * 20, (b"xyz",) * 20), (b"%.3f", 1e300), (b"x" * 900 + b"%d", 7)),
)
measured("builtins.bytes.__hash__", hash, *(lambda d=data: (d + b"!",) for data in DATA))
measured(
    "builtins.bytes",
    bytes,
    (),
    (0,),
    (1,),
    (5000,),
    *((data,) for data in DATA),
    *(lambda d=data: (bytearray(d),) for data in DATA),
    *(lambda d=data: (memoryview(d),) for data in DATA),
    *((list(data),) for data in DATA),
    *((tuple(data),) for data in DATA),
    *(lambda d=data: ((one for one in d),) for data in DATA),
    *(lambda d=data: (set(d),) for data in DATA),
    *(lambda d=data: (range(len(d) % 250),) for data in DATA),
    ("ж" * 400, "utf-8"),
    ("abc" * 400, "ascii"),
    Given("abc" * 400, encoding="ascii"),
)
measured(
    "builtins.bytearray",
    bytearray,
    (),
    (0,),
    (1,),
    (4095,),
    (4096,),
    *((data,) for data in DATA),
    *(lambda d=data: (bytearray(d),) for data in DATA),
    *(lambda d=data: (memoryview(d),) for data in DATA),
    *((list(data),) for data in DATA),
    *((tuple(data),) for data in DATA),
    *(lambda d=data: ((one for one in d),) for data in DATA),
    *(lambda d=data: (set(d),) for data in DATA),
)


def filled(n):
    """Return a bytearray that grew to a length."""
    data = bytearray()
    for _ in range(n):
        data.append(7)
    return data


LENGTHS = [0, 1, 7, 8, 9, 15, 16, 63, 64, 500, 513, 1000, 4095, 4096, 33000]
GROWN = [lambda n=n: filled(n) for n in LENGTHS] + [lambda n=n: bytearray(n) for n in LENGTHS]
measured("builtins.bytearray.append", bytearray.append, *(lambda g=g: (g(), 9) for g in GROWN))
measured("builtins.bytearray.insert", bytearray.insert, *(lambda g=g: (g(), 0, 9) for g in GROWN))
measured(
    "builtins.bytearray.extend",
    bytearray.extend,
    *(lambda g=g, d=d: (g(), d) for g in GROWN for d in (b"", b"a", b"x" * 3000)),
    *(lambda g=g: (g(), bytearray(50)) for g in GROWN),
    *(lambda g=g: (g(), [1, 2, 3] * 30) for g in GROWN),
    *(lambda g=g, n=n: (g(), (one for one in range(n))) for g in GROWN for n in (0, 1, 20, 200)),
)


def own(function):
    """Return a function that is called with its first argument twice."""
    return lambda data: function(data, data)


def add_in_place(a, b):
    a += b
    return a


def times_in_place(a, n):
    a *= n
    return a


measured(
    "builtins.bytearray.__iadd__",
    add_in_place,
    *(
        lambda g=g, d=d: (g(), d)
        for g in GROWN
        for d in (b"", b"a", bytearray(b"x" * 3000), memoryview(b"x" * 100))
    ),
)
measured(
    "builtins.bytearray.__imul__",
    times_in_place,
    *(lambda g=g, n=n: (g(), n) for g in GROWN for n in (0, 1, 2, 7)),
)


def set_item(data, index, item):
    data[index] = item


def delete_item(data, index):
    del data[index]


measured(
    "builtins.bytearray.__setitem__",
    set_item,
    *(lambda g=g: (g(), slice(0, 0), b"x" * 300) for g in GROWN),
    *(lambda g=g: (g(), slice(None), b"") for g in GROWN),
    *(lambda g=g: (g(), slice(0, 8), bytearray(b"x" * 8)) for g in GROWN),
    *(lambda g=g: (g(), slice(0, 8), memoryview(b"x" * 8)) for g in GROWN),
    *(lambda g=g: (g(), slice(2, None), [1, 2, 3] * 50) for g in GROWN),
    lambda: (filled(9), 3, 7),
)
measured(
    "builtins.bytearray.__delitem__",
    delete_item,
    *(lambda g=g: (g(), slice(0, 100)) for g in GROWN),
    *(lambda g=g: (g(), slice(None, None, 2)) for g in GROWN),
    *(lambda g=g: (g(), slice(None)) for g in GROWN),
    *(lambda g=g, n=n: (g(), slice(0, n * 3 // 4)) for g, n in zip(GROWN, LENGTHS * 2, strict=True)),
    lambda: (filled(9), 3),
)
NOT_EMPTY = [lambda g=g: (g(),) for g in GROWN if len(g())]
measured("builtins.bytearray.pop", bytearray.pop, *NOT_EMPTY)
measured(
    "builtins.bytearray.remove", bytearray.remove, lambda: (bytearray(b"abc"), 97), lambda: (filled(900), 7)
)
measured("builtins.bytearray.clear", bytearray.clear, *(lambda g=g: (g(),) for g in GROWN))
measured("builtins.bytearray.reverse", bytearray.reverse, *NOT_EMPTY)
measured("builtins.bytearray.copy", bytearray.copy, *(lambda g=g: (g(),) for g in GROWN))

VIEWS = [lambda d=data: memoryview(d) for data in DATA] + [
    lambda d=data: memoryview(bytearray(d)) for data in DATA
]
EACH_VIEW = [lambda v=view: (v(),) for view in VIEWS]
measured(
    "builtins.memoryview",
    memoryview,
    *((data,) for data in DATA),
    *(lambda d=data: (bytearray(d),) for data in DATA),
    *EACH_VIEW,
)
measured(
    "builtins.memoryview.__getitem__",
    operator.getitem,
    *(lambda v=view, s=s: (v(), s) for view in VIEWS for s in SLICES),
    *(lambda v=view: (v(), 0) for view in VIEWS if len(view())),
)


def overlapping():
    view = memoryview(bytearray(5000))
    return view[::-1], slice(None), view


measured(
    "builtins.memoryview.__setitem__",
    set_item,
    lambda: (memoryview(bytearray(5000)), slice(0, 3000), b"x" * 3000),
    lambda: (memoryview(bytearray(5000)), slice(0, 3000), memoryview(b"x" * 3000)),
    lambda: (memoryview(bytearray(5000)), slice(0, 3000), bytearray(3000)),
    lambda: (memoryview(bytearray(5000))[::2], slice(0, 300), bytearray(300)),
    overlapping,
    lambda: (memoryview(bytearray(5000)), 7, 9),
)
for method in ("tobytes", "tolist", "toreadonly", "release", "hex"):
    measured(f"builtins.memoryview.{method}", getattr(memoryview, method), *EACH_VIEW)
measured("builtins.memoryview.__enter__", lambda view: view.__enter__(), *EACH_VIEW)
measured(
    "builtins.memoryview.__exit__",
    lambda view, a, b, c: view.__exit__(a, b, c),
    *(lambda v=v: (v(), None, None, None) for v in VIEWS),
)
measured("builtins.memoryview.hex", memoryview.hex, *(lambda v=view: (v(), "-") for view in VIEWS))
measured("builtins.memoryview.__len__", len, *EACH_VIEW)
measured("builtins.memoryview.__hash__", hash, *(lambda d=data: (memoryview(d),) for data in DATA))
measured("builtins.memoryview.__iter__", iter, *EACH_VIEW)
measured(
    "builtins.memoryview.__contains__", operator.contains, *(lambda v=view: (v(), 255) for view in VIEWS)
)
for test in ("eq", "ne"):
    measured(
        f"builtins.memoryview.__{test}__",
        getattr(operator, test),
        *(lambda v=view: (v(), v()) for view in VIEWS),
    )
for name in [
    "nbytes",
    "itemsize",
    "ndim",
    "readonly",
    "c_contiguous",
    "f_contiguous",
    "contiguous",
    "format",
    "shape",
    "strides",
]:
    measured(f"builtins.memoryview.{name}", operator.attrgetter(name), *EACH_VIEW)
