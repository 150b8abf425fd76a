from __future__ import annotations

from hardtack.lab.measuring import given
from programs import alternatives as a

TEXTS = ("", "&" * 5000, '<&"q' * 2000, "\U0001f600&" * 3000, "q" * 9000)
INPUTS = {one: [lambda t=t: given(t) for t in TEXTS] for one in (a.escaped, a.replaced_some)}
INPUTS |= {a.kept: [lambda t=t, f=f: given(t, f) for t in TEXTS for f in (True, False)]}
INPUTS |= {a.swapped: [lambda t=t: given(t, [True, False, True, True, False]) for t in TEXTS]}
DATA = (b"", b"&" * 3000, b"a" * 3000, b"q" * 100_000)
INPUTS |= {
    one: [lambda d=d: given(d) for d in DATA]
    for one in (a.replaced_twice, a.held_by_a_lost_cycle, a.held_by_lost_cycles)
}
INPUTS |= {a.both_alive: [lambda d=d, f=f: given(d, f) for d in DATA for f in (True, False)]}
INPUTS |= {one: [lambda: given()] for one in (a.turns, a.turns_gathered)}
