"""Calls of the standard library, and of what hardtack itself has programs call."""

from __future__ import annotations

import base64
import binascii
import bisect
import copy
import heapq
import math
import operator
import os
import struct
import time
import typing
import zlib
from collections import deque

from model_cases import Given, calling, measured
from model_cases_bytes import DATA
from model_cases_containers import (
    COSTLY,
    DICTS,
    INTS,
    ITERABLES,
    LENGTHS,
    LISTS,
    NOT_EMPTY,
    SETS,
    Costly,
    and_then,
    mixed,
)
from model_cases_numbers import FLOATS
from model_cases_numbers import INTS as NUMBERS

from hardtack.annotations import bounded, loop_bound

# -- struct
FORMATS = {
    "<BHIQ": (1, 2, 3, 4),
    ">bhiq": (-1, -2, -3, -(2**60)),
    "<4s3xI": (b"abcd", 2**32 - 1),
    "!d?f": (1.5, True, 2.5),
    "@nNP": (-5, 2**63, 2**63),
    "<10I": tuple(range(2**31, 2**31 + 10)),
    "<0s5p1s": (b"", b"abc", b"x"),
    ">3c": (b"a", b"b", b"c"),
    "<30Q": (2**64 - 1,) * 30,
}
for form, values in FORMATS.items():
    data = struct.pack(form, *values)
    compiled = struct.Struct(form)
    room = len(data) + 8
    measured("struct.pack", struct.pack, (form, *values))
    measured("struct.pack_into", struct.pack_into, lambda f=form, v=values, n=room: (f, bytearray(n), 3, *v))
    measured("struct.unpack", struct.unpack, (form, data), lambda f=form, d=data: (f, memoryview(d)))
    measured("struct.unpack_from", struct.unpack_from, (form, data), (form, b"abc" + data, 3))
    measured("struct.unpack_from", struct.unpack_from, (form, b"\xff" * room), (form, b"\x80" * room))
    measured("struct.calcsize", struct.calcsize, (form,))
    measured("struct.Struct.size", operator.attrgetter("size"), (compiled,))
    measured("struct.Struct.unpack", calling("unpack", 1), (compiled, data), (compiled, b"\xff" * len(data)))
    measured("struct.Struct.unpack_from", calling("unpack_from", 2), (compiled, b"abc" + data, 3))
    if len(values) > 12:  # more arguments than the harness passes on without a copy
        continue
    measured("struct.Struct.pack", calling("pack", len(values)), (compiled, *values))
    measured(
        "struct.Struct.pack_into",
        calling("pack_into", len(values) + 2),
        lambda c=compiled, v=values, n=room: (c, bytearray(n), 3, *v),
    )

# -- collections
DEQUES = [lambda n=n: deque(INTS[:n]) for n in [*LENGTHS, 30, 31, 32, 33, 62, 63, 66, 95, 96]]
FULL_DEQUES = [make for make in DEQUES if make()]
measured(
    "collections.deque",
    deque,
    (),
    *and_then(ITERABLES[::3]),
    *and_then(ITERABLES[::9], 10),
    *and_then(ITERABLES[::9], None),
)
measured("collections.deque", deque, lambda: Given([1, 2, 3], maxlen=2))
for name in ("append", "appendleft"):
    measured(f"collections.deque.{name}", getattr(deque, name), *and_then(DEQUES, 7))
for name in ("pop", "popleft"):
    measured(f"collections.deque.{name}", calling(name), *and_then(FULL_DEQUES))
for name in ("extend", "extendleft"):
    measured(
        f"collections.deque.{name}",
        getattr(deque, name),
        *(lambda i=i: (deque(INTS[:40]), i()) for i in ITERABLES[::5]),
    )
measured("collections.deque.clear", deque.clear, *and_then(DEQUES))
measured(
    "collections.deque.rotate",
    deque.rotate,
    *and_then(DEQUES, 1),
    *and_then(DEQUES, -70),
    *and_then(DEQUES, 200),
)
measured("collections.deque.__getitem__", operator.getitem, *and_then(FULL_DEQUES, 0))


def set_item(container, index, item):
    container[index] = item


measured("collections.deque.__setitem__", set_item, *and_then(FULL_DEQUES, 0, 7))
measured("collections.deque.__contains__", operator.contains, *and_then(DEQUES, 7))
measured(
    "collections.deque.__contains__",
    operator.contains,
    *(lambda m=m: (deque(m()), Costly(50)) for m in COSTLY),
)
measured("collections.deque.__len__", len, *and_then(DEQUES))
measured("collections.deque.__iter__", iter, *and_then(DEQUES))
measured(
    "collections.deque.maxlen",
    operator.attrgetter("maxlen"),
    lambda: (deque(maxlen=10**9),),
    lambda: (deque(),),
)

# -- math, time, os, typing, copy
for name in ("floor", "ceil", "trunc"):
    measured(f"math.{name}", getattr(math, name), *((number,) for number in [*FLOATS, *NUMBERS]))
for name in ["sqrt", "exp", "sin", "cos", "tan", "fabs", "degrees", "radians", "atan", "log2", "log10"]:
    measured(f"math.{name}", getattr(math, name), (0.5,), (7,), (2**64,) if name not in ("exp",) else (3,))
for name in ("asin", "acos"):
    measured(f"math.{name}", getattr(math, name), (0.5,), (1,))
measured("math.log", math.log, (7,), (2.5, 10), (3**900,), (3**900, 2))
for name in ("pow", "fmod", "atan2", "copysign"):
    measured(f"math.{name}", getattr(math, name), (2.5, 3), (7, 2))
for name in ("isnan", "isinf", "isfinite"):
    measured(f"math.{name}", getattr(math, name), (2.5,), (7,))
measured("math.gcd", math.gcd, *((a, b) for a in NUMBERS for b in NUMBERS))
measured("math.isqrt", math.isqrt, *((number,) for number in NUMBERS if number >= 0))
for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
    measured(f"time.{name}", getattr(time, name), ())
for name in ("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns"):
    measured(f"time.{name}", getattr(time, name), ())
measured("time.sleep", time.sleep, (0,), (0.0,))
measured("os.urandom", os.urandom, (0,), (16,), (5000,))
measured("os.getpid", os.getpid, ())
measured("typing.cast", typing.cast, (int, 7))
measured(
    "copy.copy",
    copy.copy,
    *and_then(LISTS[::6]),
    *and_then(SETS[::6]),
    *and_then(DICTS[::8]),
    (7,),
    ("abc",),
    ((1, 2),),
)
measured("copy.copy", copy.copy, *(lambda d=data: (bytearray(d),) for data in DATA))

# -- bisect, heapq
for name in ("bisect_left", "bisect_right", "bisect"):
    measured(
        f"bisect.{name}",
        getattr(bisect, name),
        *and_then(LISTS, 1007),
        *(lambda m=m: (m(), Costly(2)) for m in COSTLY),
    )
for name in ("insort", "insort_left", "insort_right"):
    measured(
        f"bisect.{name}",
        getattr(bisect, name),
        *and_then(LISTS, 1007),
        *(lambda m=m: (m(), Costly(2)) for m in COSTLY),
    )
measured(
    "heapq.heappush", heapq.heappush, *and_then(LISTS, 7), *(lambda m=m: (m(), Costly(2)) for m in COSTLY)
)
measured("heapq.heappop", heapq.heappop, *and_then(NOT_EMPTY), *(lambda m=m: (m(),) for m in COSTLY[1:]))
measured("heapq.heapify", heapq.heapify, *(lambda n=n: (mixed(n),) for n in LENGTHS), *and_then(COSTLY))
for name in ("heappushpop", "heapreplace"):
    measured(
        f"heapq.{name}",
        getattr(heapq, name),
        *and_then(NOT_EMPTY, 7),
        *(lambda m=m: (m(), Costly(2)) for m in COSTLY[1:]),
    )

# -- binascii, zlib, base64
for name in ("hexlify", "b2a_hex"):
    measured(
        f"binascii.{name}",
        getattr(binascii, name),
        *((data,) for data in DATA),
        *((data, "-") for data in DATA),
    )
for name in ("unhexlify", "a2b_hex"):
    measured(f"binascii.{name}", getattr(binascii, name), *((data.hex(),) for data in DATA))
measured("binascii.crc32", binascii.crc32, *((data,) for data in DATA))
for name in ("crc32", "adler32"):
    measured(f"zlib.{name}", getattr(zlib, name), *((data,) for data in DATA))
for name in ("b64encode", "standard_b64encode"):
    measured(f"base64.{name}", getattr(base64, name), *((data,) for data in DATA))
measured("base64.b64decode", base64.b64decode, *((base64.b64encode(data),) for data in DATA))
measured("base64.b64decode", base64.b64decode, *((base64.b64encode(data).decode(),) for data in DATA))

# -- hardtack itself
measured("hardtack.annotations.bounded", bounded, *and_then(LISTS[::5], 10**9), *and_then(DICTS[::9], 10**9))
measured(
    "hardtack.annotations.bounded",
    bounded,
    *(lambda n=n: ((one for one in INTS[:n]), 10**9) for n in LENGTHS),
)
measured("hardtack.annotations.loop_bound", loop_bound, (5,), (10**6,))
