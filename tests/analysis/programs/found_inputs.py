from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import found as f

NUMBERS, WORDS = list(range(1000)), ["w" * 9] * 9
WIDE, HIDDEN = "\U0001f600" * 1000, "\x01\U000e0001" * 500
NUMBERED = (f.list_calls, f.dict_copies, f.dict_stars, f.dict_or, f.copied_displays, f.floats_let_go)
INPUTS = {
    function: [*calls(function), lambda: given(NUMBERS), lambda: given(NUMBERS[:100])]
    for function in NUMBERED
}
INPUTS |= {f.float_error_live: [lambda: given(WIDE), lambda: given(HIDDEN)]}
INPUTS |= {f.index_error_live: [lambda: given(WORDS, WIDE), lambda: given([], HIDDEN)]}
INPUTS |= {f.deque_index: [lambda: given(f.deque(WORDS), WIDE), lambda: given(f.deque(), HIDDEN)]}
INPUTS |= {one: [lambda: given({}, WIDE), lambda: given({}, "k")] for one in (f.key_live, f.key_live2)}
INPUTS |= {f.remove_live: [lambda: given(set(), WIDE)]}
INPUTS |= {f.encode_live4: [lambda: given(WIDE), lambda: given(HIDDEN)]}
INPUTS |= {f.decode_live: [lambda: given(b"\xff" * 5000), lambda: given(b"a" * 5000 + b"\xff")]}
INPUTS |= {
    f.star: [
        lambda: given(*WORDS, a=WIDE, sep=""),
        lambda: given(),
        lambda: given(*WORDS * 9, **dict.fromkeys(WORDS, "v")),
    ]
}
INPUTS |= {one: [lambda: given(1, 0), lambda: given(1 << 99, 0)] for one in (f.divided, f.remainder)}
INPUTS |= {f.shifted_back: [lambda: given(1, -1), lambda: given(1 << 99, -1)]}
INPUTS |= {f.both: [lambda: given([]), lambda: given([1]), lambda: given([1, 2, 3]), lambda: given([1, 2])]}
INPUTS |= {f.last_of: [lambda: given([]), lambda: given([1, 2])]}
INPUTS |= {f.without_hash: [lambda: given({}, ([1], 2))]}
INPUTS |= {f.divided_late: [lambda: given(0, b"a" * 9000), lambda: given(1, b"a" * 9000)]}
