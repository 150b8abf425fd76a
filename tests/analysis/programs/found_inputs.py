from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import found as f

NUMBERS, WORDS = list(range(1000)), ["w" * 9] * 9
WIDE, HIDDEN = "\U0001f600" * 1000, "\x01\U000e0001" * 500
NUMBERED = (
    f.list_calls,
    f.dict_copies,
    f.dict_stars,
    f.dict_or,
    f.copied_displays,
    f.dicts_from_keys,
    f.floats_let_go,
)
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
INPUTS |= {f.first_instance: [lambda: given("ship")], f.keys_of_two_kinds: [lambda: given("a", "b", "c")]}
LONG = [(5, 3), (2**300_000, 3**20_000), (-(2**30_000), 3**7000), (2**15_000, 3**6400)]
INPUTS |= {f.divided: [lambda a=a, b=b, n=n: given(a, b, n) for a, b in LONG for n in (1, 20)]}
INPUTS |= {f.divided_both: [lambda a=a, b=b: given(a, b) for a, b in LONG]}
INPUTS |= {
    one: [lambda: given("123"), lambda: given("x"), lambda: given("")]
    for one in (f.truth_in_a_local, f.truth_is_not_none)
}
INPUTS |= {
    f.mark_of_a_class: [lambda: given(f.Marked), lambda: given(f.Laden)],
    f.class_name_tested: [lambda: given("text")],
    f.class_in_a_variable: [lambda: given(f.Laden, f.Marked()), lambda: given(f.Marked, f.Marked())],
    f.made_by_its_class: [lambda: given(f.Marked()), lambda: given(f.Laden())],
}
INPUTS |= {
    f.notes_collected: [lambda n=n: given(n) for n in (1, 6, 100, 1000)],
    f.noted_again: [lambda: given(f.Noted.__new__(f.Noted, "a note"))],
    f.power_kept: [lambda n=n: given(0x3FFFFFFF, n) for n in (1, 100, 3000)],
}
INPUTS |= {
    f.text_by_repr: [lambda: given(f.Spelled("x" * 1000)), lambda: given(f.Spelled(""))],
    f.texts_of_plain: [lambda: given([f.Unspelled() for _ in range(100)]), lambda: given([])],
    f.text_of_an_error: [lambda: given("x" * 1000), lambda: given(WIDE)],
    f.text_of_a_caught_error: [lambda: given("x" * 1000), lambda: given(WIDE)],
    f.text_of_a_key_error: [lambda: given({}, "x" * 1000), lambda: given({}, HIDDEN)],
}
INPUTS |= {one: [lambda: given(1, 0), lambda: given(1 << 99, 0)] for one in (f.divided_by, f.remainder)}
INPUTS |= {f.shifted_back: [lambda: given(1, -1), lambda: given(1 << 99, -1)]}
INPUTS |= {f.both: [lambda: given([]), lambda: given([1]), lambda: given([1, 2, 3]), lambda: given([1, 2])]}
INPUTS |= {f.last_of: [lambda: given([]), lambda: given([1, 2])]}
INPUTS |= {f.without_hash: [lambda: given({}, ([1], 2))]}
INPUTS |= {f.divided_late: [lambda: given(0, b"a" * 9000), lambda: given(1, b"a" * 9000)]}
OF_LISTS = (
    f.given_by_yield_from,
    f.generators_kept,
    f.expressions_kept,
    f.unpacked,
    f.sorted_by_class,
    f.least_by_class,
    f.attributes_late,
    f.tuples_grow,
    f.tuples_of_two_sizes,
    f.checked_inside,
)
INPUTS |= {one: [lambda: given(NUMBERS), lambda: given(NUMBERS[:30]), lambda: given([])] for one in OF_LISTS}
GREAT = (0, 1, 2**60, 10**300, -(10**3000), 10**9000)
INPUTS |= {one: [lambda a=a: given(a) for a in GREAT] for one in (f.cubed, f.great_product)}
INPUTS |= {f.raised: [lambda a=a, n=n: given(a, n) for a in GREAT[:5] for n in (0, 3, 17, 39)]}
INPUTS |= {
    one: [lambda: given(0), lambda: given(5)]
    for one in (f.display_of_two, f.dict_of_two, f.formatted_by_class)
}
INPUTS |= {f.attribute_of_argument: [lambda: given(f.Late(1))]}
LONG_KEY = {"k" * 20: [1], "\U0001f600" * 5000: [1]}  # breaks what is stated: the message tells of it
INPUTS |= {f.checked_keys: [lambda: given({}), lambda: given({"a": [1]}), lambda: given(LONG_KEY)]}
INPUTS |= {f.counted: [lambda n=n: given(n, NUMBERS) for n in (0, 1, 9, 10)]}
INPUTS |= {
    one: [lambda: given(NUMBERS), lambda: given([])] for one in (f.from_the_last_but_one, f.down_to_the_third)
}
INPUTS |= {
    one: [lambda n=n: given(NUMBERS[:n]) for n in (0, 1, 100)] for one in (f.keeps_for_each, f.sums_of_great)
}
TEXTS = ("", "a", "word " * 300, "\u0436 " * 500, "w" * 3000)
INPUTS |= {f.longer_words: [lambda text=text: given(text) for text in TEXTS]}
INPUTS |= {
    one: [lambda a=a, n=n: given(a, n) for a in TEXTS for n in (0, 1, 5, 9)] for one in (f.forth, f.back)
}
INPUTS |= {f.found_either: [lambda a=a, b=b: given(a, b) for a in TEXTS for b in (False, True)]}


def _ruled() -> f.Ruled:
    ruled = f.Ruled()
    ruled.limit = 100_000  # no source that the analyser reads does this
    return ruled


INPUTS |= {
    f.as_long_as_ruled: [lambda: given(_ruled()), lambda: given(f.Ruled())],
    f.as_long_as_its_room: [lambda: given(_ruled())],
    f.as_long_as_one_of_two: [lambda own=own: given(_ruled(), own) for own in (True, False)],
}
INPUTS |= {f.written_greater: [lambda: given(f.Two(0), 1)]}
INPUTS |= {
    f.written_on_either_side: [lambda first=first: given(f.Two(0), 1, first) for first in (False, True)]
}
INPUTS |= {f.appended_twice: [lambda: given([]), lambda: given([1])]}
INPUTS |= {f.counted_by_an_instance: [lambda n=n: given(NUMBERS[:n]) for n in (0, 1, 300)]}
INPUTS |= {f.kept_by_the_first: [lambda n=n: given(f.Keeper(), n) for n in (0, 10, 90_000)]}
INPUTS |= {f.left_by_another: [lambda n=n: given(f.Keeper(), n) for n in (0, 90_000)]}
ZEROS = (0, 1, 511, 512, 16_383, 16_384, 90_000, 100_000)
INPUTS |= {
    one: [lambda n=n, g=g: given(n, g) for n in ZEROS for g in (False, True)]
    for one in (f.zeros, f.one_of_zeros)
}
INPUTS |= {
    f.pairs_in_turn: [lambda n=n, t=t: given([b"name"] * n, t) for n in (0, 1, 40) for t in (0, 1, 30)],
    f.pairs_that_stay: [lambda n=n: given(n) for n in (0, 1, 2, 300)],
    f.errors_of_different_places: [lambda n=n: given(n) for n in (0, 1, 3, 300)],
    f.errors_in_cycles: [lambda n=n: given(n) for n in (0, 1, 2, 100)],
    f.every_other_page_kept: [given],
    f.every_other_page_of_each_round: [given],
}
