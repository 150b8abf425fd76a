from __future__ import annotations

from values import adversarial, calls

from hardtack.lab.measuring import given
from programs import decorated as lib

FUNCTIONS = (
    lib.joined_all,
    lib.pieces_of,
    lib.doubled_all,
    lib.for_ever,
    lib.grown,
    lib.points,
    lib.reports,
    lib.first_digits,
    lib.looked_up,
    lib.while_held,
    lib.after_held,
    lib.sections,
    lib.yielded_inside,
    lib.left_suppressed,
    lib.closed,
    lib.by_partial,
    lib.sorted_by_partial,
    lib.partials_kept,
    lib.wrapped_inside,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
NAMES = [f"{number}" + "x" * number for number in range(120)]
INPUTS[lib.first_digits] += [lambda n=n: given([name[:n] for name in NAMES]) for n in (1, 2, 4, 100)]
INPUTS[lib.first_digits] += [lambda: given(["12345" + "é" * 3000, "y" * 3000])]
TABLES = [{}, {"a": "b" * 5000}, {str(n): "v" * n for n in range(50)}]
for function in (lib.looked_up, lib.left_suppressed):
    INPUTS[function] += [
        lambda t=t, n=n: given(dict(t), n)
        for t in TABLES
        for n in (["a"], ["q" * 3000, "a"], ["9", "1"], ["missing"] * 40, [str(n) for n in range(9)])
    ]
INPUTS[lib.read_twice] = [lambda t=t: given(lib.Report(t)) for t in adversarial(str)]


def read_before(text: str) -> lib.Report:
    report = lib.Report(text)
    report.lines.append("more")
    return report


INPUTS[lib.read_twice] += [lambda t=t: given(read_before(t)) for t in adversarial(str)]
INPUTS[lib.joined_all] += [lambda n=n: given([f"word {n} {i}" for i in range(n)]) for n in (1, 64, 128, 300)]
INPUTS[lib.pieces_of] += [lambda n=n: given(["a,b," * n + str(i) for i in range(n)]) for n in (1, 4, 5, 60)]
INPUTS[lib.points] += [lambda n=n: given([f"{n} {i}" for i in range(n)]) for n in (7, 8, 9, 100)]
