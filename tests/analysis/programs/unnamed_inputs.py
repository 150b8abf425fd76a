from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import unnamed as u

OF_WORDS = (
    *(
        u.ordered_from_pairs,
        u.defaults_from_pairs,
        u.queue_from_a_keyword,
        u.queue_of_mapped,
        u.numbered_from_a_keyword,
    ),
    *(u.made_by_a_variable, u.made_by_map, u.made_twice, u.colours),
)
INPUTS = {function: list(calls(function, 60)) for function in OF_WORDS}
INPUTS |= {
    function: [lambda n=n: given(n) for n in (0, 1, 5, 1000)]
    for function in (
        *(u.descriptor_written, u.descriptor_of_a_class, u.descriptor_in_a_row, u.rows_gone_over),
        *(u.rows_iterated, u.rows_reversed, u.values_of_a_table, u.tables_compared, u.counted_down),
        *(u.ranked, u.sorted_by_the_other_side, u.least_by_the_other_side),
    )
}
INPUTS[u.appended_to_a_kind_of_list] = [lambda n=n: given(list(range(n))) for n in (0, 1, 1000)]
INPUTS[u.given_a_kind_of_list] = [lambda n=n: given(u.Numbers(), n) for n in (0, 1, 1000)]
INPUTS |= {function: [lambda: given(1)] for function in (u.instance_checked, u.instance_matched)}
INPUTS |= {
    function: [given]
    for function in (u.length_of_a_class, u.truth_of_a_class, u.class_as_a_key, u.classes_sorted)
}
INPUTS[u.length_of_its_class] = [lambda: given(u.Odd())]
