from __future__ import annotations

from values import adversarial, calls, texts

from hardtack.lab.measuring import given
from programs import library as lib

FUNCTIONS = (
    lib.packed,
    lib.unpacked,
    lib.as_json,
    lib.words,
    lib.pairs,
    lib.hidden,
    lib.armoured,
    lib.unarmoured,
    lib.digest,
    lib.kinds,
    lib.chained,
    lib.batches,
    lib.runs,
    lib.written,
    lib.parts,
    lib.settings,
    lib.viewed,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
TAGS = list(adversarial(list[str]))[::6]
INPUTS[lib.renamed] = [
    lambda t=t, n=n: given(lib.Item("old", list(t)), n) for t in TAGS for n in ("", "n" * 3000)
]
INPUTS[lib.as_table] = [lambda t=t: given(lib.Item("name", list(t))) for t in TAGS]
INPUTS[lib.pairs] += [
    lambda n=n: given(" ".join(f"k{row}=v{row}" for row in range(n))) for n in (1, 5, 6, 85, 400)
]
INPUTS[lib.kinds] += [lambda: given("file pipe nothing " * 200)]
INPUTS[lib.unarmoured] += [lambda t=t: given(lib.armoured(t.encode())) for t in texts((1, 100, 5000))]
