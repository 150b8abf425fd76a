from __future__ import annotations

from collections import OrderedDict

from values import adversarial, calls

from hardtack.lab.measuring import given
from programs import shapes as lib

FUNCTIONS = (
    lib.sizes,
    lib.word_repeated,
    lib.permitted,
    lib.pair_items,
    lib.pair_texts,
    lib.pairs_replaced,
    lib.plain_pairs,
    lib.grouped_lists,
    lib.counted_words,
    lib.nested,
    lib.recent,
    lib.in_order,
    lib.orders,
    lib.order_copied,
    lib.most_common,
    lib.letters,
    lib.spread_known,
    lib.made_by_name,
    lib.points_by_name,
    lib.of_one,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
TEXTS = list(adversarial(str))[::4]
LISTS = list(adversarial(list[str]))[::5]
NUMBERS = list(adversarial(int))[::4]
COUNTS = (0, 1, 5, 6, 11, 50)
BOTH = [lib.Colour.RED, lib.Colour.BLUE]
INPUTS[lib.values_of] = [lambda n=n: given(BOTH * n) for n in COUNTS]
INPUTS[lib.by_name] = [lambda n=n: given(n) for n in ("RED", "BLUE", "GREEN", "x" * 3000)]
INPUTS[lib.of_value] = [lambda n=n: given(n) for n in ("red", "blue" * 20, "green", "x" * 3000)]
INPUTS[lib.members] = [given]
INPUTS[lib.renamed_item] = [
    lambda t=t, n=n: given(lib.Item("old", list(t), n), "x" * 50) for t in LISTS for n in NUMBERS
]
INPUTS[lib.moved] = [lambda t=t, n=n: given([lib.Point(n, x) for x in t]) for t in LISTS for n in NUMBERS]
INPUTS[lib.as_dict] = [lambda t=t: given(lib.Item("old", list(t), 10**30)) for t in LISTS]
for function in (lib.as_dict_deep, lib.as_tuple_deep):
    INPUTS[function] = [
        lambda t=t, n=n: given(
            lib.Deep(
                [lib.Item("old", list(t), i) for i in range(n)],
                {f"{i}": list(range(300, 300 + i)) for i in range(n)},
            )
        )
        for t in LISTS
        for n in COUNTS
    ]
INPUTS[lib.field_names] = [lambda t=t: given(lib.Point(3, t)) for t in TEXTS]
INPUTS[lib.order_grows] = [
    lambda t=t, n=n: given(OrderedDict((f"k{i}", i) for i in range(n)), list(t))
    for t in LISTS
    for n in COUNTS
]
TABLES = [(text, count) for text in TEXTS for count in COUNTS]
INPUTS[lib.spread_names] = [lambda s=s, n=n: given({f"k{i}": s for i in range(n)}) for s, n in TABLES]
INPUTS[lib.constructed] = [
    lambda s=s, n=n: given({"a": s, **{f"k{i}": s for i in range(n)}}) for s, n in TABLES
]
for function in (lib.in_order, lib.recent, lib.counted_words, lib.nested):
    INPUTS[function] += [
        lambda n=n: given([f"{i} word" for i in range(n)]) for n in (5, 6, 10, 11, 85, 86, 400)
    ]
INPUTS[lib.doubled_twigs] = [lambda: given(lib.Shrub(3))]
INPUTS[lib.doubled_twigs] += [
    lambda n=n, k=k: given(lib.Shrub([list(range(300, 300 + k)) for _ in range(n)]))
    for n in COUNTS
    for k in (0, 9, 900)
]
