"""Calls of what of itertools makes tuples, and of json.dumps."""

from __future__ import annotations

import itertools
import json
import sys

from model_cases import Given, measured

ROWS = [[], [1], [1, 2], list(range(5000)), ["a" * 90, "ж"] * 40, (1, 2, 3), b"abc" * 90]
measured("itertools.pairwise", itertools.pairwise, *((row,) for row in ROWS))
measured("itertools.zip_longest", itertools.zip_longest, (), *((row,) for row in ROWS))
measured("itertools.zip_longest", itertools.zip_longest, *((row, [1, 2], (3,)) for row in ROWS))
measured("itertools.zip_longest", itertools.zip_longest, *(Given(row, [1] * 9, fillvalue=7) for row in ROWS))
measured("itertools.compress", itertools.compress, *((row, [1, 0] * 2500) for row in ROWS))
if sys.version_info >= (3, 12):
    measured("itertools.batched", itertools.batched, *((row, n) for row in ROWS for n in (1, 2, 7, 9000)))

MIXED = {1.5: True, None: False}
VALUES = [
    *("", "a", "\x00" * 500, "ж" * 500, "\U0001f600" * 500, '"\\' * 300, "a" * 5000),
    *(None, True, 0, -7, 2**60, 10**400, 1.5, -1e300, float("inf"), float("nan")),
    *([], [1], [0] * 3000, list(range(1000, 4000)), ["ж" * 9] * 300, [[]] * 900, [[0, [1, [2]]]] * 200),
    *({}, {"a": 1}, {str(n): n for n in range(900)}, dict.fromkeys(range(900)), MIXED),
    *(
        {"a" * 90: ["b" * 90] * 50},
        {"rows": [{"name": "n" * 9, "sizes": [1, 2, 3]}] * 100},
        (),
        (1, "a") * 90,
    ),
    *(
        [True] * 2000,
        [None] * 2000,
        [1.5] * 2000,
        {"k": {"k": {"k": {}}}},
        {"": {str(n): [] for n in range(400)}},
    ),
]
measured("json.dumps", json.dumps, *((value,) for value in VALUES))
measured("json.dumps", json.dumps, *(Given(value, ensure_ascii=False) for value in VALUES))
measured("json.dumps", json.dumps, *(Given(value, sort_keys=True) for value in VALUES if value != MIXED))
measured("json.dumps", json.dumps, ({(1, 2): 3},), raises=True)
