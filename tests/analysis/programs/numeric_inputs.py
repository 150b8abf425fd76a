from __future__ import annotations

from values import SIZES, calls

from hardtack.lab.measuring import given
from programs import numeric

FUNCTIONS = (
    numeric.product,
    numeric.squares,
    numeric.primes,
    numeric.mean,
    numeric.shifted,
    numeric.digits,
    numeric.greatest_common_divisor,
    numeric.matrix,
)
INPUTS = {function: list(calls(function)) for function in FUNCTIONS}
for function in (numeric.squares, numeric.primes, numeric.digits):
    INPUTS[function] += [lambda size=size: given(size) for size in (*SIZES, 999, 1000, 5000)]
INPUTS[numeric.matrix] += [lambda r=r, c=c: given(r, c) for r in (0, 1, 9, 60) for c in (0, 1, 8, 60)]
INPUTS[numeric.product] += [lambda n=n: given([2**60] * n) for n in (1, 10, 300)]
