from __future__ import annotations

from values import FLOATS, SIZES, calls, distinct, octets, texts

from hardtack.lab.measuring import given
from programs import classes as c

LISTS = [
    list(texts((0, 1, 100)))[:40],
    ["red", "blue"] * 50,
    ["1.10", "1.9", "2", "1.10"] * 40,
    [],
    ["x" * 4000],
]
LISTS += [distinct(str, size) for size in SIZES]
SHAPES = [[], [c.Dot()], [c.Polygon(0), c.Polygon(300)], [c.Dot()] * 100, [c.Polygon(size) for size in SIZES]]
NUMBERS = [distinct(int, size) for size in SIZES]


def over(values, *rest):
    return [lambda value=value: given(value, *rest) for value in values]


INPUTS = {
    c.outlines: over(SHAPES),
    c.lengths: over(SHAPES),
    c.write_twice: [lambda k=k, d=d: given(k(), d) for k in (c.Counting, c.Keeping) for d in octets()],
    c.centre: [lambda n=n, f=f: given([c.Vector(f, 1.0)] * n) for n in (0, 1, 100) for f in FLOATS],
    c.grid: list(calls(c.grid)) + [lambda n=n: given(n, n) for n in (1, 2, 3, 5, 9, 18, 30)],
    c.longest_word: [lambda t=t: given(c.Text(t)) for t in texts()],
    c.doubled: over(LISTS),
    c.line_count: [lambda t=t: given(c.Page(t)) for t in [*texts((0, 1000)), "ab\n" * 500]],
    c.derived: over(LISTS, 0) + over(LISTS, 3) + over(LISTS, 500),
    c.newest: over(LISTS),
    c.colours: over(LISTS),
    c.modes: over(NUMBERS),
    c.spans: list(calls(c.spans)),
    c.around: [lambda n=n, s=s: given(c.Ring(list(n)), s) for n in NUMBERS[::3] for s in (0, 1, 9, 600)],
    c.all_of: [lambda n=n: given(c.Ring(list(n))) for n in NUMBERS],
    c.first_word_twice: [lambda w=w: given(c.Words(list(w))) for w in LISTS],
    c.last_octets_twice: [lambda d=d: given(c.Slots([d])) for d in octets()],
}
