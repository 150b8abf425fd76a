from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardtack.analysis.recurrences import Recurrences
from hardtack.symbolic import ZERO, Size

A, B, C = (Size.symbol(name) for name in ("β1", "β2", "β3"))
N = Size.symbol("n")


def solve(step, start=None, rounds=N, amortised=None, most=None):
    start = start or {}
    return Recurrences(
        rounds,
        {name: start.get(name, ZERO) for name in step},
        step,
        amortised or {},
        most or {},
        lambda name: Size.unbounded(f"{name} grows"),
    ).solve()


def test_what_is_set_anew_each_round_is_the_greatest_of_its_values():
    assert str(solve({"β1": Size.const(7)}, {"β1": Size.const(3)})["β1"]) == "7"


def test_what_grows_by_a_constant_grows_with_the_rounds():
    assert str(solve({"β1": A + 5}, {"β1": Size.const(3)})["β1"]) == "5*n + 3"


def test_what_grows_by_what_grows_is_quadratic():
    found = solve({"β1": A + 1, "β2": B + A})
    assert str(found["β2"]) == "n*n"


def test_what_doubles_has_no_bound():
    assert solve({"β1": A * 2})["β1"].is_top


def test_what_passes_from_one_to_the_other_and_back_grows_once_a_round():
    found = solve({"β1": B + 1, "β2": A})
    assert str(found["β1"]) == "n"


def test_two_halves_are_no_growth():
    half = Size.const(1) * A // 2 + B // 2
    assert str(solve({"β1": half, "β2": B}, {"β1": N, "β2": N})["β1"]) == "n"


def test_lengths_of_items_add_up_to_the_total():
    item, total = Size.symbol("λ1"), Size.symbol("total(xs)")
    found = solve({"β1": A + item * 2}, amortised={"λ1": total}, most={"λ1": Size.symbol("maxlen(xs)")})
    assert str(found["β1"]) == "2*total(xs)"


def test_what_is_set_from_an_item_and_then_added_adds_up_to_the_total_too():
    item = Size.symbol("λ1")
    found = solve(
        {"β1": item, "β2": B + A}, amortised={"λ1": Size.symbol("t")}, most={"λ1": Size.symbol("m")}
    )
    assert str(found["β2"]) == "t"


def test_no_bound_of_the_rounds_is_needed_where_nothing_grows():
    rounds = Size.unbounded("nobody knows")
    assert str(solve({"β1": Size.const(9)}, rounds=rounds)["β1"]) == "9"
    assert solve({"β1": A + 1}, rounds=rounds)["β1"].is_top


def test_a_cap_ends_growth():
    assert str(solve({"β1": (A + 1).at_most(50)})["β1"]) == "50"


@given(
    start=st.lists(st.integers(0, 9), min_size=3, max_size=3),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)),
        min_size=3,
        max_size=3,
    ),
    rounds=st.integers(0, 12),
)
def test_no_run_exceeds_what_was_solved(start, steps, rounds):
    names = ["β1", "β2", "β3"]
    symbols = [A, B, C]
    step = {
        name: Size.const(own) + sum((s * k for s, k in zip(symbols, weights, strict=True)), ZERO)
        for name, (own, *weights) in zip(names, steps, strict=True)
    }
    found = solve(step, {n: Size.const(v) for n, v in zip(names, start, strict=True)}, Size.const(rounds))
    now = start
    for _ in range(rounds + 1):
        for name, value in zip(names, now, strict=True):
            assert found[name].is_top or value <= found[name].evaluate({})
        now = [own + sum(k * v for k, v in zip(weights, now, strict=True)) for own, *weights in steps]
