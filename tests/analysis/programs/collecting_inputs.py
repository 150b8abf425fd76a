from __future__ import annotations

import random

from hardtack.lab.measuring import given
from programs import collecting as c

WORDS = ("!", "=", "a", "xb", "ж" * 9, "y" * 40, "x\U0001f600", "")


def words(count: int, seed: int, among: tuple[str, ...] = WORDS) -> list[str]:
    drawn = random.Random(seed)
    return ["".join(drawn.choice(among)) for _ in range(count)]


COUNTS = ((0, 1), (1, 2), (3, 3), (40, 4), (400, 5))
ROWS = [
    *(words(count, seed) for count, seed in COUNTS),
    *(words(300, seed, among) for seed, among in enumerate([("a", "xb"), ("a",) * 30 + ("=", "!"), ("",)])),
    ["a"] * 200 + ["xb"] * 200,
    ["word"] * 200 + ["="] * 100 + ["!"],
    ["word"] * 100 + ["!"] * 200,
]
TEXTS = ["", ",", "abc", "," * 300, "a" * 500, "ab,ж," * 90, "\U0001f600" * 300 + "," * 90 + "a" * 90]
INPUTS = {
    c.split_at_commas: [lambda t=t: given(t) for t in TEXTS],
    c.filled_lines: [lambda r=r, w=w: given(r, w) for r in ROWS for w in (0, 20, 79, 10**6)],
    c.begun_anew_by_chance: [lambda r=r, k=k: given(r, k) for r in ROWS for k in (True, False)],
    c.blocks: [lambda r=r: given([word.encode() for word in r]) for r in ROWS],
    c.of_each_row: [lambda n=n: given([words(n, seed) for seed in range(n)]) for n in (0, 1, 7, 25)],
} | {
    function: [lambda r=r: given(r) for r in ROWS]
    for function in (
        *(c.paragraphs, c.never_begun_anew, c.begun_anew_elsewhere),
        *(c.joined_twice, c.half_kept, c.of_two),
    )
}
