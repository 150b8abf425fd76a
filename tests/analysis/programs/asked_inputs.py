from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import asked as a

GREAT = 2**20_000
WORDS = ["x" * 5000, *(str(number) * 200 for number in range(60))]
NUMBERS = (0, 5, -7, 2**40, GREAT, -GREAT)
RANGES = (
    range(10),
    range(500, 10**6, 1000),
    range(-(10**6), -5, 1000),
    range(GREAT, GREAT + 50),
    range(GREAT, 0),
    range(0, 10, GREAT),
    range(GREAT, 0, -(2**19_999)),
    range(-(2**9000), 2**9000, 2**8998),
)
OF_WORDS = (
    a.any_of_its_own,
    a.all_of_its_own,
    a.least_of_its_own,
    a.greatest_of_its_own,
    a.zipped_with_its_own,
    a.gone_over_by_hand,
    a.true_by_their_length,
    a.sorted_as_it_grows,
    a.inserted_in_order,
)
OF_RANGES = (a.first_of, a.end_of, a.blocks_of, a.cut, a.ends_of, a.cut_with_a_step)
INPUTS = {function: [*calls(function, 20), lambda: given(list(WORDS))] for function in OF_WORDS}
INPUTS |= {
    function: [lambda: given("x" * 20_000), lambda: given("")]
    for function in (a.sorted_while_empty, a.least_while_empty)
}
INPUTS |= {function: [lambda r=r: given(r) for r in RANGES] for function in OF_RANGES}
INPUTS |= {a.place_in: [lambda r=r, n=n: given(r, n) for r in RANGES for n in (3, GREAT + 7)]}
INPUTS |= {a.starts_of: [lambda: given([range(GREAT, 5), range(4)]), lambda: given([])]}
INPUTS |= {
    function: [lambda n=n: given(n) for n in NUMBERS]
    for function in (a.start_of_an_empty_one, a.hashed_range, a.cut_by_a_great_step, a.step_of_a_slice)
}
INPUTS |= {
    function: [lambda: given("ab" * 3000), lambda: given("a" * 7), lambda: given("")]
    for function in (a.matches_collected, a.matches_by_their_places, a.matches_given)
}
INPUTS |= {
    a.pairs_collected: [*calls(a.pairs_collected, 20), lambda: given(list(WORDS) * 20)],
    a.unpacked_and_collected: [lambda: given(bytes(4000))],
    a.rows_by_a_call: [lambda: given(list(WORDS))],
}
