from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import begun as b

LONG, WIDE = "x" * 20_000, "\U0001f600" * 5000
WORDS = [str(number) * 500 for number in range(100)]
OF_WORDS = (b.left_after_next, b.left_in_an_expression, b.counted_by_a_function)
OF_TEXT = (
    b.left_by_a_break,
    b.left_by_a_return,
    b.left_by_an_error,
    b.left_by_any,
    b.left_by_any_of_an_expression,
    b.left_with_one_inside,
    b.left_and_goes_on,
    b.left_while_consumed,
    b.goes_on_though_its_object_changed,
)
INPUTS = {function: [*calls(function, 20), lambda: given(list(WORDS))] for function in OF_WORDS}
INPUTS |= {function: [lambda: given(LONG), lambda: given(WIDE), lambda: given("")] for function in OF_TEXT}
INPUTS |= {
    function: [lambda: given(LONG, WIDE), lambda: given(WIDE, LONG)]
    for function in (b.left_both, b.goes_on_though_another_stands_there)
}
INPUTS |= {b.goes_on_though_emptied: [lambda: given(list(range(400)))]}
