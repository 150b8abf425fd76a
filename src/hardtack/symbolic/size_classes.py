"""What a block of memory is charged: the size classes of hardtack's heap, for numbers and for symbolic sizes.

The heap's own `size_class` is the truth; a test holds this one against it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil

from hardtack.symbolic.algebra import Size, lift
from hardtack.symbolic.coefficients import Coefficient
from hardtack.symbolic.polynomials import constant_of


def size_class(size: int) -> int:
    """Return the bytes that a block is charged: steps of 16 to 512, four a doubling to 32 KiB, then pages.

    Source: `charged_bytes` in heap/_native.c.
    """
    if size <= 512:
        return max(size + 15 & ~15, 16)
    if size > 32768:
        return size + 4095 & ~4095
    step = 1 << (size - 1).bit_length() - 3
    return size + step - 1 & -step


def round_up(size: Size | Coefficient) -> Size:
    """Return what a block of this size is charged: exact for a constant, else 5/4 * size + 16 at most.

    It is for one block: a sum of blocks has each of its terms rounded. No block is charged more, for the step
    from one class to the next is at most a quarter of the smaller one. A size that is never below n has
    at most n/4 less than 16 besides: up to 512 a class has 15 bytes more at most, beyond a quarter.
    """
    return _rounded(lift(size))


@lru_cache(maxsize=1 << 14)
def _rounded(size: Size) -> Size:
    known = size.as_const()
    if known is not None:
        return Size.const(size_class(ceil(known)))
    if size.is_top:
        return size
    most = Size()
    for polynomial in size.polynomials:
        besides = 16 - constant_of(polynomial) // 4
        most |= Size((polynomial,)) * Fraction(5, 4) + max(besides, 0)
    return most
