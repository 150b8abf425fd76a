"""What a test tells on each of its branches: comparisons of lengths, integers, None and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir

if TYPE_CHECKING:
    from mypy import nodes as mn

    from hardtack.analysis.lowering.context import Lowering

Facts = tuple[tuple[ir.Fact, ...], tuple[ir.Fact, ...]]


def facts_of(low: Lowering, node: mn.Expression) -> Facts:
    """Return what holds where a test is true, and where it is false."""
    return (), ()
