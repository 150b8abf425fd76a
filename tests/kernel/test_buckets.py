"""Slots by number, against a dict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardtack.heap import Heap
from hardtack.kernel.buckets import Buckets
from hardtack.kernel.params import TABLE_ITEMS

NUMBERS = st.one_of(st.integers(0, 130), st.integers(0, TABLE_ITEMS - 1))


@given(st.lists(st.tuples(NUMBERS, st.sampled_from(("put", "replace", "let go")))))
def test_a_number_leads_to_what_was_put_there_last(steps):
    buckets, model = Buckets(), {}
    for place, (number, step) in enumerate(steps):
        if step == "put":
            buckets.put(number, str(place))
            model[number] = str(place)
        elif number in model and step == "replace":
            buckets.replace(number, str(place))
            model[number] = str(place)
        elif number in model:
            buckets.replace(number, None)
            del model[number]
        assert buckets.get(number) == model.get(number)
        assert buckets.check() == []
    assert all(buckets.get(number) == item for number, item in model.items())


def test_nodes_go_with_their_last_item():
    heap = Heap("1 MiB", name="buckets")
    buckets = heap.run(Buckets)
    before = heap.live
    for number in (0, 63, 64, 5000):
        heap.run(buckets.put, number, "item")
    assert heap.live > before
    for number in (0, 63, 64, 5000):
        buckets.replace(number, None)
    assert heap.live == before
