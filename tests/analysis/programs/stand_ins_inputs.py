"""What the programs with a class that is dear to compare are called with."""

from __future__ import annotations

from hardtack.lab.measuring import given
from programs import stand_ins as f


def _boxed(*keys: f.Costly) -> f.Box[f.Costly]:
    box = f.Box[f.Costly]()
    box.rows = dict.fromkeys(keys, 1)
    return box


WIDE = "\U0001f600" * 1000
COSTLY = [f.Costly(text) for text in ("c" * 1000, WIDE)]
INPUTS = {f.in_a_list: [lambda one=one: given(one, [f.Costly(WIDE), 1, one]) for one in COSTLY]}
INPUTS |= {f.in_a_box: [lambda one=one: given(_boxed(*COSTLY), one) for one in COSTLY]}
