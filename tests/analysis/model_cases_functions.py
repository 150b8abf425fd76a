"""Calls of built-in functions, and of exceptions' classes."""

from __future__ import annotations

import builtins

from model_cases import Given, calling, measured
from model_cases_containers import (
    COSTLY,
    DICTS,
    INTS,
    ITERABLES,
    LENGTHS,
    LISTS,
    PAIRS,
    SHOWN,
    TUPLES,
    Costly,
    and_then,
    fresh,
    identity,
    mixed,
    numbers,
)
from model_cases_numbers import FLOATS, PRINTABLE
from model_cases_numbers import INTS as NUMBERS
from model_cases_str import TEXTS

VALUES = [
    None,
    True,
    7,
    2**70,
    1.5,
    2j,
    "abc",
    "ж" * 40,
    b"\x00" * 50,
    (1, "a"),
    [1, [2]],
    {"a": 1},
    {1, 2},
    frozenset({3}),
]
VIEW = type({}.values())
MANY = [*ITERABLES[:120:3], *ITERABLES[120::7]]
COMPARABLE = [make for make in MANY if not isinstance(make(), VIEW)]
measured("builtins.len", len, *and_then(LISTS[::5]), ("abc",), (range(10**9),))
measured("builtins.isinstance", isinstance, (1, int), (1, (str, bytes)))
measured("builtins.issubclass", issubclass, (bool, int))
measured("builtins.callable", callable, (1,), (len,))
measured("builtins.id", id, *((value,) for value in VALUES))
measured("builtins.ord", ord, ("a",), ("\U0001f600",))
measured("builtins.chr", chr, (97,), (233,), (0x436,), (0x1F600,))
for name in ("any", "all"):
    measured(f"builtins.{name}", getattr(builtins, name), *and_then(MANY), lambda: ([0] * 90,))
measured(
    "builtins.abs", abs, *((number,) for number in NUMBERS), *((number,) for number in FLOATS), (3 + 4j,)
)
measured(
    "builtins.divmod",
    divmod,
    *((a, b) for a in NUMBERS for b in (1, -7, 2**70, 10**99)),
    (2.5, 7.0),
    (9, 2.5),
)
measured("builtins.pow", pow, (2, 500), (3, 0), (2.5, 3), (2, 0.5), (-8.0, 0.5), (3, -2))
measured("builtins.pow", pow, (3**50, 2**64 + 1, 10**9 + 7), (3, 3**400, 3**301), (2, 5, 7))
measured("builtins.round", round, *((number,) for number in [*NUMBERS, *FLOATS]))
measured("builtins.round", round, *((number, n) for number in [*NUMBERS, *FLOATS] for n in (0, 2, -1)))
measured(
    "builtins.hash", hash, *((value,) for value in VALUES if value.__hash__), (Costly(3),), ((Costly(3), 1),)
)
SPELLED = (
    [(value,) for value in VALUES]
    + [(number,) for number in [*PRINTABLE, *FLOATS]]
    + [(text,) for text in TEXTS]
)
measured(
    "builtins.repr",
    repr,
    *SPELLED,
    *and_then(SHOWN),
    (range(5, 10**9, 7),),
    (Costly(1),),
    lambda: (set(INTS[:90]),),
)
measured("builtins.ascii", ascii, *SPELLED, *and_then(SHOWN))
measured(
    "builtins.str",
    str,
    (),
    *SPELLED,
    *and_then(SHOWN),
    (Costly(1),),
    lambda: (bytearray(90),),
    lambda: (set(INTS[:90]),),
    *((text.encode(), "utf-8") for text in ("", "a" * 900, "é" * 500, "日" * 400, "\U00010000" * 200)),
    *((b"a" * size, "ascii", "replace") for size in (0, 1, 100, 9000)),
    (b"\xff" * 700, "ascii", "replace"),
    (b"\xff" * 700, "utf-8", "ignore"),
    (b"\xe9" * 800, "latin-1"),
    (bytearray(b"a" * 300), "ascii"),
)
measured("builtins.str", str, (b"\xff" * 800, "ascii"), (b"\xff" * 800, "utf-8"), raises=True)
measured("builtins.format", format, *((value, "") for value in VALUES if not isinstance(value, complex)))
measured(
    "builtins.format", format, (5,), (5, ">20"), (2**70, ",d"), (1e300, ".3f"), ("ж", "^30"), ("abc", "")
)
for name in ("bin", "oct", "hex"):
    measured(f"builtins.{name}", getattr(builtins, name), *((number,) for number in NUMBERS))
measured("builtins.iter", iter, *and_then(ITERABLES))
measured("builtins.next", next, *(lambda m=m: (iter(m()), 5) for m in MANY))
measured("builtins.enumerate", enumerate, *and_then(MANY), *and_then(MANY, 10**6))
measured(
    "builtins.zip",
    zip,
    *and_then(MANY),
    *and_then(MANY, "abc"),
    (),
    ([1], [2], [3], "ж" * 9),
    Given("ab", "cd", strict=True),
)
measured(
    "builtins.reversed",
    reversed,
    *and_then(LISTS[::4]),
    *and_then(TUPLES),
    *and_then(DICTS[::5]),
    (range(10**9),),
    ("abc",),
)
measured(
    "builtins.sorted",
    sorted,
    *and_then(COMPARABLE),
    *and_then(COSTLY),
    *(lambda n=n: (mixed(n),) for n in LENGTHS),
)
measured(
    "builtins.sorted",
    sorted,
    *(lambda n=n: Given(mixed(n), key=fresh) for n in LENGTHS),
    *and_then(PAIRS[: len(LENGTHS)]),
)
measured(
    "builtins.sorted", sorted, *(lambda n=n: Given(mixed(n), key=identity, reverse=True) for n in LENGTHS)
)
for name in ("min", "max"):
    call = getattr(builtins, name)
    measured(f"builtins.{name}", call, *(lambda m=m: Given(m(), default=None) for m in COMPARABLE))
    measured(
        f"builtins.{name}", call, (1, 2), (5, 10**30, -7), (1.5, 2), ("a", "b" * 50), (1000, 2000, 3000, 4000)
    )
    measured(
        f"builtins.{name}", call, *and_then(COSTLY[1:]), lambda: (Costly(1), Costly(2)), lambda: (mixed(90),)
    )
    measured(
        f"builtins.{name}", call, lambda: Given(mixed(90), key=fresh), lambda: Given(1000, 2000, key=fresh)
    )
    measured(f"builtins.{name}", call, lambda: Given(mixed(90), key=identity))
measured(
    "builtins.sum",
    sum,
    *(lambda n=n: (numbers(n),) for n in LENGTHS),
    *(lambda n=n: (set(numbers(n)),) for n in LENGTHS),
)
measured(
    "builtins.sum",
    sum,
    *(lambda n=n: ((one for one in numbers(n)), 10**30) for n in LENGTHS),
    (FLOATS,),
    (FLOATS, 1.5),
)
measured(
    "builtins.sum",
    sum,
    ([2**5000] * 9,),
    ([2**5000, -(2**5000)],),
    ([],),
    ([1j, 2.5],),
    (range(5000),),
    ([True] * 300,),
)
measured(
    "builtins.sum",
    sum,
    lambda: (dict.fromkeys(INTS, 1),),
    ([1.5, 2, 2.5, 10**20],),
    lambda: ((1.5 for _ in INTS),),
)
measured("builtins.type", type, (1,), ([],))
measured("builtins.object", object, ())


measured("builtins.object.__eq__", lambda a, b: a == b, lambda: (object(), object()))
measured("builtins.object.__ne__", lambda a, b: a != b, lambda: (object(), object()))
measured("builtins.object.__hash__", hash, lambda: (object(),))
measured("builtins.object.__init__", lambda self: object.__init__(self), lambda: (object(),))

for name in dir(builtins):
    error = getattr(builtins, name)
    if (
        not isinstance(error, type)
        or not issubclass(error, BaseException)
        or ("Unicode" in name and name[-5:] == "Error")
    ):
        continue
    if (
        name == "PythonFinalizationError"
        or issubclass(error, (SyntaxError, ImportError, BaseExceptionGroup))
        or (error in (IOError, EnvironmentError) and name != "OSError")
    ):
        continue
    measured(f"builtins.{name}", error, (), ("abc",), (1, "a"), (1, 2, 3))
measured("builtins.UnicodeError", UnicodeError, (), ("abc",))
measured("builtins.OSError", OSError, (2, "abc", "file"), (2, "abc", "file", None, "other"))
for name in ("BaseException", "Exception"):
    measured(f"builtins.{name}.__init__", lambda self, *args: None, lambda: (ValueError(),))
measured(
    "builtins.BaseException.with_traceback", calling("with_traceback", 1), lambda: (ValueError("a"), None)
)
