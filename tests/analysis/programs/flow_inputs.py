from __future__ import annotations

from values import SIZES, calls, distinct, octets, texts

from hardtack.lab.measuring import given
from programs import flow


def upper(data):
    return data.upper()


def twice(data):
    return data + data


NAMES = ["add", "power", "shift", "none"]
PROGRAMS = [[(name, 3)] * size for name in NAMES for size in (0, 1, 9, 100)]
PROGRAMS += [
    [("shift", 500)] * 9 + [("power", 20)] * 3,
    [("add", 2**4000)] * 50,
    list(zip(NAMES, range(4), strict=True)),
]
LINES = ["a\nb\n" * 200, "\n" * 500, "\u0130\n" * 300, *texts((0, 1, 1000))]
FAILURES = [
    lambda d=d, n=n: given(d, n) for d in (b"", b"x" * 400, b"x" * 5000) for n in (-1, 0, 1, 5, 29, 30, 99)
]

INPUTS = {
    flow.sum_of_generated: list(calls(flow.sum_of_generated))
    + [lambda n=n: given(n) for n in (1000, 1001, 1100, 3000)],
    flow.first_line: [lambda t=t: given(t) for t in LINES],
    flow.both_generators: [lambda t=t: given(t) for t in LINES],
    flow.any_long: list(calls(flow.any_long)),
    flow.delegated: list(calls(flow.delegated)),
    flow.adders: list(calls(flow.adders)),
    flow.stepped: list(calls(flow.stepped)),
    flow.applied: [
        lambda f=f, d=d: given(list(f), d)
        for f in ([], [upper], [upper] * 20, [twice], [twice] * 6, [upper, twice])
        for d in list(octets())[::3]
    ],
    flow.evaluated: [lambda p=p: given(p) for p in PROGRAMS],
    flow.with_partial: list(calls(flow.with_partial)),
    flow.checked: list(calls(flow.checked)) + [lambda n=n: given([-n] * 50) for n in (1, 2**70, 2**3000)],
    flow.deep_failure: FAILURES,
    flow.caught_deep_failure: FAILURES,
    flow.cleaned_up: list(calls(flow.cleaned_up)),
    flow.translated: [
        lambda n=n, w=w: given(dict.fromkeys(distinct(str, n), "v" * 50), list(w))
        for n in SIZES[::4]
        for w in ([], ["k0"] * 100, ["missing"] * 100, distinct(str, 200))
    ],
    flow.noting: list(calls(flow.noting)),
    flow.cached: list(calls(flow.cached)) + [lambda n=n: given(distinct(int, n)) for n in (15, 16, 17, 200)],
    flow.chained: [lambda n=n: given(n) for n in ([], [1], [1, 2], [2**2000, 1, 1], distinct(int, 300))],
}
