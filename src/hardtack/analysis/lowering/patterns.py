"""`match`: a chain of tests on the subject, which is evaluated once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy import nodes as mn

from hardtack.analysis.lowering.dispatch import runs

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering


@runs(mn.MatchStmt)
def match_(low: Lowering, node: mn.MatchStmt) -> None:
    """Lower `match`."""
    low.drop(node, low.unsupported(node, "match", "write it as if"))
