"""Texts that json.loads makes much of: what takes most for a character, and what is made on the way."""

from __future__ import annotations

import json
import random

from model_cases import measured

COUNTS = (1, 4, 5, 9, 17, 100, 1000, 4001)
PIECES = [
    "0",
    "999",
    "-9",
    "1e1",
    "Infinity",
    "[]",
    "[0]",
    "[[]]",
    "[[[]]]",
    "{}",
    '{"":0}',
    '{"":[]}',
    '{"":{}}',
]
PIECES += ['"ab"', '"\xe9"', '"\u20ac"', '"\U0001f600"', '"\\u20ac"', '"\\n\U0001f600"', "null", "true"]
PIECES += ["{" + ",".join(f'"{chr(97 + i)}":0' for i in range(6)) + "}"]
TEXTS = [f"[{','.join([piece] * count)}]" for piece in PIECES for count in COUNTS]
TEXTS += [before * n + inside + after * n for n in (1, 5, 50, 300, 450) for before, inside, after in (
    ("[", "", "]"), ('{"":', "0", "}"), ('[{"":', "0", "}]"), ("[0,", "0", "]"), ("[[],", "0", "]"))]  # fmt: skip
GROWS = (5, 6, 11, 22, 43, 86, 171, 342, 683, 1366, 2731, 5462, 10923)  # a table is made anew
for count in GROWS:
    for first, value in ((0x10000, "0"), (0x10000, "[]"), (0x4E00, "{}"), (0x4E00, '{"":0}')):
        TEXTS.append("{" + ",".join(f'"{chr(first + i)}":{value}' for i in range(count)) + "}")
    TEXTS.append("[" + ",".join(f'{{"{chr(0x10000 + i)}":0}}' for i in range(count)) + "]")
for count in (0, 1, 100, 4000, 40_000):
    TEXTS += [
        "9" * min(count + 1, 4300),
        "1." + "3" * (count + 1),
        "0." + "0" * count + "1",
        " " * count + "0",
    ]
    TEXTS += [f'"{"a" * count}{end}"' for end in ("", "\U0001f600", "\\n\U0001f600")]
    TEXTS += [f'"{piece * count}"' for piece in ("\\n", "\\ud83d\\ude00", "\\n\U0001f600", "\\n\u20ac")]


def nested(chance: random.Random, depth: int) -> str:
    """Return any value, of containers that hold few of them."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice(PIECES[:4] + PIECES[-10:])
    items = [nested(chance, depth - 1) for _ in range(chance.choice((0, 1, 1, 2, 5)))]
    if chance.random() < 0.5:
        return f"[{','.join(items)}]"
    keys = [json.dumps(chr(chance.randrange(0x20, 0x2FF)), ensure_ascii=False) for _ in items]
    return "{" + ",".join(f"{key}:{item}" for key, item in zip(keys, items, strict=True)) + "}"


CHANCE = random.Random(4)
TEXTS += [nested(CHANCE, depth) for depth in (1, 2, 3, 5, 8) for _ in range(30)]
measured("json.loads", json.loads, *((text,) for text in TEXTS), *((text.encode(),) for text in TEXTS))
measured("json.loads", json.loads, *((text.encode("utf-16"),) for text in TEXTS[::3]))
measured("json.loads", json.loads, *(lambda text=text: (bytearray(text.encode()),) for text in TEXTS[::9]))
measured(
    "json.loads", json.loads, ("[" * 450,), ("[" * 100_000,), ("[1," * 400,), ('{"a":' * 300,), raises=True
)
