"""Calls of the methods of int, float, complex and bool."""

from __future__ import annotations

import operator
import sys

from model_cases import Given, calling, measured, swapped

INTS = [
    0,
    1,
    -1,
    7,
    255,
    256,
    257,
    -5,
    -6,
    2**30 - 1,
    2**30,
    2**31,
    -(2**30),
    2**59,
    2**60 - 1,
    2**60,
    -(2**63),
    2**64,
]
INTS += [10**20, 10**100, -(10**100), 2**2100 - 1, -(2**2100), 10**1000, 2**5000 + 12345]
SMALL = INTS[:18]
PAIRS = [(a, b) for a in INTS for b in INTS]
FLOATS = [0.0, 1.5, -2.25, 1e300, -1e-300, 0.1, 1e16, 123456789.0, 1e22, 3.0]

for name in ("add", "sub", "mul", "and_", "or_", "xor"):
    method = f"__{name.strip('_')}__"
    measured(f"builtins.int.{method}", getattr(operator, name), *PAIRS)
    measured(f"builtins.int.__r{method[2:]}", swapped(getattr(operator, name)), *PAIRS)
measured("builtins.int.__sub__", operator.sub, (2**30000 + 1, 2**30000), (2**30000, 2**30000 - 1))
measured(
    "builtins.int.__mul__",
    operator.mul,
    (2**9000 - 1, 2**9000 - 3),
    (2**30000 - 1, 2**2200 - 3),
    (3**9000, 3**9000),
)
measured("builtins.int.__mul__", lambda a, b: a * b, *((n, n) for n in (3**20000, 2**60000 - 1, 2**2100 - 1)))
for name in ("floordiv", "mod"):
    pairs = [(a, b) for a, b in PAIRS if b]
    measured(
        f"builtins.int.__{name}__", getattr(operator, name), *pairs, (3**9000, 3**4000), (-(3**9000), 3**4000)
    )
    measured(
        f"builtins.int.__r{name}__",
        swapped(getattr(operator, name)),
        *((b, a) for a, b in pairs),
    )
for name in ("lshift", "rshift"):
    pairs = [(a, b) for a in INTS for b in (0, 1, 7, 30, 31, 1000, 4097)]
    measured(f"builtins.int.__{name}__", getattr(operator, name), *pairs)
    measured(
        f"builtins.int.__r{name}__",
        swapped(getattr(operator, name)),
        *((b, a) for a, b in pairs),
    )
POWERS = [(a, b) for a in INTS for b in (0, 1, 2, 3, 7, 17)] + [(2, 5000), (3, 3**8), (-7, 2001), (10, 4001)]
measured("builtins.int.__pow__", operator.pow, *POWERS, (2, -3), (3, -1))
measured(
    "builtins.int.__pow__",
    pow,
    *(
        (a, b, c)
        for a in (2, 3**50, 3**900)
        for b in (5, 2**64 + 1, 3**400, 3**900)
        for c in (7, 10**9 + 7, 3**301, 3**901)
    ),
)
measured("builtins.int.__rpow__", lambda a, b: b**a, *((b, a) for a, b in POWERS))
measured("builtins.int.__divmod__", divmod, *((a, b) for a, b in PAIRS if b))
measured("builtins.int.__rdivmod__", swapped(divmod), *((b, a) for a, b in PAIRS if b))
DIVISIBLE = [(a, b) for a in INTS for b in SMALL if b and abs(a) < 2**900]
measured("builtins.int.__truediv__", operator.truediv, *DIVISIBLE, (3**900, 3**850))
measured("builtins.int.__rtruediv__", lambda a, b: b / a, *((b, a) for a, b in DIVISIBLE))
EACH = [(number,) for number in INTS]
for name, call in (("neg", operator.neg), ("invert", operator.invert), ("abs", abs), ("pos", operator.pos)):
    measured(f"builtins.int.__{name}__", call, *EACH)
for name in ("trunc", "floor", "ceil"):
    measured(f"builtins.int.__{name}__", calling(f"__{name}__"), *EACH)
for name, call in (("index", operator.index), ("int", operator.index), ("hash", hash)):
    measured(f"builtins.int.__{name}__", call, *EACH)
measured("builtins.int.__round__", calling("__round__"), *EACH)
measured("builtins.int.__round__", calling("__round__", 1), *((a, n) for a in INTS for n in (0, 2, -1, -3)))
measured("builtins.int.__float__", float, *((number,) for number in INTS if abs(number) < 2**1000))
measured("builtins.int.__bool__", operator.truth, *EACH)
for name in ("conjugate", "bit_length", "bit_count", "as_integer_ratio"):
    measured(f"builtins.int.{name}", getattr(int, name), *EACH)
if sys.version_info >= (3, 12):
    measured("builtins.int.is_integer", int.is_integer, *EACH)
for name in ("real", "imag", "numerator", "denominator"):
    measured(f"builtins.int.{name}", operator.attrgetter(name), *EACH)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    measured(f"builtins.int.__{name}__", getattr(operator, name), *PAIRS)
measured(
    "builtins.int.to_bytes",
    int.to_bytes,
    (7, 1, "big"),
    (7, 8, "little"),
    (2**63, 8, "big"),
    (10**1000, 500, "big"),
    Given(-5, 4, "big", signed=True),
)
BYTES = [b"", b"\x00", b"\xff" * 8, b"\x00" * 100 + b"\x01", b"\xff" * 1000]
measured(
    "builtins.int.from_bytes",
    lambda cls, data, order, signed=False: int.from_bytes(data, order, signed=signed),
    *((int, data, "big") for data in BYTES),
    *(lambda d=data: (int, bytearray(d), "little") for data in BYTES),
    *(lambda d=data: (int, memoryview(d), "little") for data in BYTES),
    *((int, list(data), "big") for data in BYTES),
    *(Given(int, data, "big", signed=True) for data in BYTES),
)
PRINTABLE = [number for number in INTS if abs(number) < 10**4000]
measured("builtins.int.__repr__", repr, *((number,) for number in PRINTABLE), (10**4299,), (-(10**4299),))
measured("builtins.int.__str__", repr, *((number,) for number in PRINTABLE))
measured(
    "builtins.int.__format__",
    format,
    *(
        (number, spec)
        for number in PRINTABLE
        for spec in ("", "d", "5", "050", "x", "#b", ",", "ж>70", "o", "_x")
    ),
    *((number, spec) for number in INTS[:15] for spec in ("e", ".3f", "g", "%", ",.2f")),
    (0x1F600, "c"),
)
measured(
    "builtins.int",
    int,
    (),
    *EACH,
    (True,),
    *((number,) for number in FLOATS),
    (1.7e308,),
    *((str(number),) for number in PRINTABLE),
    *((str(number).encode(),) for number in PRINTABLE),
    *(lambda n=number: (bytearray(str(n).encode()),) for number in PRINTABLE),
    ("9" * 4300,),
    ("  12  ",),
    ("١٢٣" * 50,),
    ("1_000" * 20,),
    ("f" * 900, 16),
    Given("z" * 100, base=36),
    ("0b" + "1" * 5000, 0),
)
measured(
    "builtins.int", int, ("x" * 3000,), ("9" * 4301,), ("\U0001f600" * 500,), (b"\xff" * 900,), raises=True
)

EACH_FLOAT = [(number,) for number in FLOATS]
FLOAT_PAIRS = [(a, b) for a in FLOATS for b in FLOATS if b and abs(b) < 1e20 and abs(a) < 1e20]
MIXED = [(a, b) for a, b in FLOAT_PAIRS] + [(1.5, 2), (2.5, 10**20), (-1.5, 7)]
for name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    pairs = [(a, b) for a, b in MIXED if name == "add" or abs(a) > 1e-9]
    measured(f"builtins.float.__{name}__", getattr(operator, name), *pairs)
    measured(
        f"builtins.float.__r{name}__",
        swapped(getattr(operator, name)),
        *((a, b) for b, a in pairs if a),
    )
measured("builtins.float.__pow__", operator.pow, (2.0, 0.5), (2.5, 3), (-8.0, 0.5), (0.0, 0))
measured("builtins.float.__rpow__", lambda a, b: b**a, (0.5, 2), (0.5, -8), (3.0, 2))
measured("builtins.float.__divmod__", divmod, *((a, b) for a, b in MIXED))
measured("builtins.float.__rdivmod__", lambda a, b: divmod(b, a), (2.5, 7), (2.5, 9.5))
for name, call in (("neg", operator.neg), ("abs", abs), ("pos", operator.pos)):
    measured(f"builtins.float.__{name}__", call, *EACH_FLOAT)
for name in ("trunc", "floor", "ceil"):
    measured(f"builtins.float.__{name}__", calling(f"__{name}__"), *EACH_FLOAT)
for name, call in (("int", calling("__trunc__")), ("float", float), ("hash", hash), ("bool", operator.truth)):
    measured(f"builtins.float.__{name}__", call, *EACH_FLOAT)
measured("builtins.float.__round__", lambda a: a.__round__(), *EACH_FLOAT)
measured(
    "builtins.float.__round__", lambda a, n: a.__round__(n), *((a, n) for a in FLOATS for n in (0, 2, -2))
)
for name in ("conjugate", "is_integer", "as_integer_ratio", "hex"):
    measured(f"builtins.float.{name}", getattr(float, name), *EACH_FLOAT, (5e-324,), (1.7e308,))
for name in ("real", "imag"):
    measured(f"builtins.float.{name}", operator.attrgetter(name), *EACH_FLOAT)
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    more = [(1e300, 10**300), (1e300, 10**300 + 1), (1.5, 10**400), (-1e20, -(10**20))]
    measured(f"builtins.float.__{name}__", getattr(operator, name), *FLOAT_PAIRS, *more)
measured(
    "builtins.float.fromhex",
    lambda cls, text: float.fromhex(text),
    (float, "0x1.8p3"),
    (float, "0x" + "f" * 200),
)
measured("builtins.float.__repr__", repr, *EACH_FLOAT, (-1.7976931348623157e308,))
measured("builtins.float.__str__", repr, *EACH_FLOAT)
measured(
    "builtins.float.__format__",
    format,
    *(
        (number, spec)
        for number in [*FLOATS, 1.7e308]
        for spec in ("", ".3f", ",.2f", "e", "g", "%", "020.10f", "ж>40")
    ),
)
measured(
    "builtins.float",
    float,
    (),
    *EACH_FLOAT,
    *((number,) for number in INTS if abs(number) < 2**1000),
    ("1.5",),
    ("1" * 900,),
    ("  ١٢  ",),
    (b"2.5e10",),
    (bytearray(b"2.5e10"),),
    ("inf",),
)
measured("builtins.float", float, ("x" * 3000,), ("\U0001f600" * 500,), (b"\xff" * 900,), raises=True)
COMPLEX = [0j, 1 + 2j, -1.5e300 + 2j]
for name in ("add", "sub", "mul", "truediv", "pow"):
    measured(
        f"builtins.complex.__{name}__", getattr(operator, name), (1 + 2j, 2 - 1j), (1 + 2j, 3), (1j, 2.5)
    )
    measured(
        f"builtins.complex.__r{name}__",
        swapped(getattr(operator, name)),
        (1 + 2j, 3),
        (1j, 2.5),
    )
for name, call in (
    ("neg", operator.neg),
    ("abs", abs),
    ("pos", operator.pos),
    ("bool", operator.truth),
    ("repr", repr),
):
    measured(f"builtins.complex.__{name}__", call, *((number,) for number in COMPLEX))
measured(
    "builtins.complex.__str__",
    repr,
    *((number,) for number in COMPLEX),
    (complex(-1.7e-300 / 3, -1.7e-300 / 3),),
)
measured("builtins.complex.conjugate", complex.conjugate, *((number,) for number in COMPLEX))
for name in ("real", "imag"):
    measured(f"builtins.complex.{name}", operator.attrgetter(name), *((number,) for number in COMPLEX))
for name in ("eq", "ne"):
    measured(
        f"builtins.complex.__{name}__", getattr(operator, name), (1j, 2j), (1j, 7), (1j, 10**30), (1j, 2.5)
    )
measured("builtins.complex", complex, (), (1,), (1, 2), (1.5, 2.5), (1j,), Given(real=1, imag=2))
measured("builtins.bool", bool, (), (1,), ("",), ([],), (0.0,))
for name in ("and_", "or_", "xor"):
    method = f"__{name.strip('_')}__"
    pairs = [(True, False), (True, 7), (False, 2**70), (True, -3)]
    measured(f"builtins.bool.{method}", getattr(operator, name), *pairs)
    measured(f"builtins.bool.__r{method[2:]}", swapped(getattr(operator, name)), *pairs)
measured("builtins.bool.__repr__", repr, (True,), (False,))
measured("builtins.bool.__str__", repr, (True,), (False,))
