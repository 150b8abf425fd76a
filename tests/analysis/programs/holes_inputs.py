from __future__ import annotations

from pathlib import Path, PurePosixPath

from values import SIZES, calls, distinct, octets, texts

from hardtack.lab.measuring import given
from programs import holes as h

BY_TYPE = (
    h.both_grow,
    h.copied_while_other_grows,
    h.generator_kept,
    h.fed,
    h.capturing,
    h.many_capturing,
    h.default_captures,
    h.appended,
    h.extended,
    h.sliced_in,
    h.one_key_more,
    h.one_member_more,
    h.number,
    h.numbers,
    h.power,
    h.dropped,
    h.swallowed,
    h.decorated,
    h.finally_while_failing,
    h.finally_returns,
    h.error_kept,
    h.errors_collected,
    h.coroutine_made,
    h.growing_while_walked,
    h.never_ending_counter,
    h.kept_by_a_branch,
    h.swapped,
    h.widened,
    h.cycle,
    h.cycles,
    h.recursive_closure,
    h.left_by_break,
    h.left_by_return,
    h.let_go_of,
    h.exhausted_by_error,
    h.endless_let_go_of,
)
INPUTS = {function: list(calls(function)) for function in BY_TYPE}
DIGITS = ["9" * size for size in (1, 8, 9, 10, 18, 19, 20, 100, 4299, 4300, 4301)]
INPUTS[h.number] += [lambda d=d, s=s: given(s + d) for d in DIGITS for s in ("", "-", "  ")]
INPUTS[h.numbers] += [lambda d=d, n=n: given(f"{d} " * n) for d in DIGITS for n in (1, 2, 30)]


def boxes(size, same):
    one = h.Box(distinct(int, size))
    return given(one, one if same else h.Box(one.items))


def extended(numbers, count):
    return given(numbers, 7, count, numbers)


def costly(count):
    return [h.Costly(row) for row in range(count)]


def of_one_hash(count):
    items = costly(count)
    return given([*items, *items], items[-1])


def grower(parts, size):
    made = h.Grower()
    made.parts = [b"p"] * parts
    made.buffer = b"b" * size
    return made


def total(*numbers):
    return sum(numbers)


def patch(function):
    h.small = function  # as another module may do at any time
    return given()


def patched_instance(size):
    thing = h.Plain()
    thing.size = lambda: b"i" * size
    return given(thing)


INPUTS |= {
    h.through_two_boxes: [
        lambda n=n, s=s: given(*boxes(n, s)[0]) for n in (0, 1, 4, 100, 1000) for s in (False, True)
    ],
    h.Grower.feed: [
        lambda p=p, s=s, d=d: given(grower(p, s), d)
        for p in (0, 4, 8, 1000)
        for s in (0, 1, 100_000)
        for d in (b"", b"x", b"y" * 3000)
    ],
    h.found: [lambda n=n: of_one_hash(n) for n in (1, 2, 10, 50)],
    h.hashed: [lambda n=n: given(costly(n)) for n in (0, 1, 2, 5, 10, 50)],
    h.ordered: [lambda n=n: given(costly(n)) for n in (0, 1, 2, 10)],
    h.true_ones: [lambda n=n: given(costly(n)) for n in (0, 1, 10)],
    h.shown: [lambda: given(h.Costly(1))],
    h.indexed: [lambda n=n: given(h.Costly(1), [0] * n) for n in (0, 6000)],
    h.iterated: [lambda n=n: given(h.Endless(distinct(int, n))) for n in (0, 1, 10, 300)],
    h.described: [lambda: given(h.Described())],
    h.patched: [lambda f=f: patch(f) for f in (lambda: b"s", lambda: b"L" * 50_000)],
    h.instance_patched: [lambda: given(h.Plain())] + [lambda n=n: patched_instance(n) for n in (1, 50_000)],
    h.prepended: [
        lambda d=d, n=n: given(h.Chain(d), n) for d in list(octets())[::9] for n in (0, 1, 50, 500)
    ],
    h.star: [lambda n=n: given(total, distinct(int, n)) for n in (*SIZES, 5000)],
}
INPUTS |= {
    h.sliced_by: [lambda n=n: given([0] * n, h.Indexed()) for n in (0, 5, 300)],
    h.formatted_as_number: [lambda: given(h.Indexed())],
    h.iterated_by_getitem: [lambda: given(h.Indexed())],
    h.extended_by_its_items: [
        lambda size=size, c=c: extended(distinct(int, size), c) for size in SIZES for c in (0, 1, 500)
    ],
    h.passed_by_name: [
        lambda n=n, k=k: given({f"name{number}": number for number in range(k)}, n)
        for n in (0, 1, 80, 200)
        for k in (0, 1, 5, 8)
    ],
    h.extended_by_an_iterator: [
        lambda a=a, b=b: given(distinct(int, a), distinct(int, b))
        for a in (0, 1000)
        for b in (*SIZES, 1000, 9000)
    ],
    h.taken_apart: [lambda n=n: given(distinct(int, n)) for n in (*SIZES, 1000, 9000)],
    h.spread_into_a_call: [lambda: given([1, 2])],
    h.fixed_and_indexed: [lambda at=at: given(h.Fixed(), at) for at in (0, 3, 4, -1)],
    h.fixed_and_shortened: [lambda: given(h.Fixed())],
    h.fixed_and_shortened_by_another_name: [lambda: given(h.Fixed())],
    h.padded_to_a_place: [lambda: given(True), lambda: given(h.Place(100_000))],
    h.repeated_up_to_a_place: [lambda: given(6), lambda: given(100_000)],
    h.status_of_what_is_located: [lambda: given(h.Located("/"))],
    h.status_of_a_path: [lambda: given(Path("/" * 5000))],
    h.named_by_a_class_below: [lambda: given(PurePosixPath("a/b")), lambda: given(h.Branded("a/b"))],
    h.branded: [lambda: given(h.Branded("a/b"))],
    h.put_in_order: [lambda: given([Path("a/b" * n) for n in range(90)])],
    h.measured: [lambda: given("text"), lambda: given(h.Counting("text"))],
    h.anything_that_is_none: [lambda thing=thing: given(thing) for thing in (None, 1, "text")],
    h.untyped_that_is_none: [lambda thing=thing: given([thing]) for thing in (None, 1, "text")],
    h.sized_by_flags: [lambda flags=flags: given(3000, flags) for flags in (0, 3, 4, 12)],
    h.flags_without: [lambda n=n: given(n) for n in (0, 3000)],
    h.flags_with: [lambda n=n: given(n) for n in (0, 3000)],
    h.assumed_that_is_none: [
        lambda key=key: given(h.Looking({"there": b"found"}.get), key) for key in ("there", "gone")
    ],
}
INPUTS |= {
    function: [lambda n=n: given(distinct(int, n)) for n in (*SIZES, 400)]
    for function in (
        h.true_from_the_second_round,
        h.false_from_the_second_round,
        h.true_from_the_fifth_round,
        h.raised_in_an_object,
        h.two_pages_a_round,
        h.pages_in_every_other_round,
        h.pages_of_rounds_before,
        h.added_up_after_all,
    )
}
INPUTS |= {
    h.pages_kept: [lambda n=n: given(n) for n in range(6)],
    h.pages_in_a_list: [lambda: given(h.Fixed())],
    h.left_in_the_last_round: [lambda n=n: given([*range(n), -1]) for n in SIZES],
}
assert len(list(texts())) > 100
