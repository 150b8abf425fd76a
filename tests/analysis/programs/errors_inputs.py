from __future__ import annotations

from values import calls

from hardtack.lab.measuring import given
from programs import errors as lib

FUNCTIONS = (
    lib.caught,
    lib.passed_on,
    lib.caught_before_more,
    lib.collected,
    lib.collected_by_continue,
    lib.handled_inside_a_handler,
    lib.raised_again,
    lib.passed_by_finally,
    lib.raises_in_a_handler,
    lib.caught_from_a_handler,
    lib.kept_by_a_codec,
    lib.kept_as_a_key,
    lib.kept_as_a_named_key,
    lib.kept_by_a_frame,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
INPUTS[lib.collected] += [lambda n=n: given(b"x" * 3000, n) for n in (1, 2, 29, 30)]
DATAS = [[], [b""], [b"x" * 9000], [b"x" * n for n in range(0, 3000, 100)]]
INPUTS[lib.kept_in_an_attribute] = [lambda d=d: given(lib.Last(), list(d)) for d in DATAS]
INPUTS[lib.raised_what_was_there] = [lambda n=n: given(lib.Last(), b"x" * n) for n in (0, 1, 100, 9000)]
INPUTS[lib.of_private] = [lambda n=n: given(lib.Private("x" * n)) for n in (0, 1, 100, 9000)]
COUNTS = (0, 1, 30, 1000)
INPUTS |= {
    function: [lambda n=n: given(n) for n in COUNTS]
    for function in (lib.raised_again_and_again, lib.frames_of_one_error, lib.context_of_a_caller)
}
INPUTS[lib.the_last_one_raised_again] = [lambda n=n: given(["word"] * n) for n in COUNTS]
INPUTS[lib.written_from_a_handler] = [lambda n=n: given(lib.Last(), n) for n in COUNTS]
