"""Symbolic bounds and the sizes of CPython's objects: values only, no input or output.

>>> from hardtack.symbolic import Size
>>> str(Size.symbol("n").at_most(65536) * 2 + 545)
'2*min(n,65536) + 545'
"""

from hardtack.symbolic.algebra import ZERO, Size, lift

__all__ = ["ZERO", "Size", "lift"]
