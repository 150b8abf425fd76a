"""Which function lowers which class of node. The other modules of this package register theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.results import OR_ASSUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hardtack.analysis.lowering.context import Lowering

_E = TypeVar("_E", bound=mn.Expression)
_S = TypeVar("_S", bound=mn.Statement)

_EXPRESSIONS: dict[type[mn.Expression], Callable[[Lowering, mn.Expression], ir.Register]] = {}
_STATEMENTS: dict[type[mn.Statement], Callable[[Lowering, mn.Statement], None]] = {}


def lowers(
    *kinds: type[_E],
) -> Callable[[Callable[[Lowering, _E], ir.Register]], Callable[[Lowering, _E], ir.Register]]:
    """Register what lowers some kinds of expression: it returns the register that holds the value."""

    def register(rule: Callable[[Lowering, _E], ir.Register]) -> Callable[[Lowering, _E], ir.Register]:
        for kind in kinds:
            _EXPRESSIONS[kind] = rule  # type: ignore[assignment] # dispatch is by this very class
        return rule

    return register


def runs(*kinds: type[_S]) -> Callable[[Callable[[Lowering, _S], None]], Callable[[Lowering, _S], None]]:
    """Register what lowers some kinds of statement."""

    def register(rule: Callable[[Lowering, _S], None]) -> Callable[[Lowering, _S], None]:
        for kind in kinds:
            _STATEMENTS[kind] = rule  # type: ignore[assignment] # dispatch is by this very class
        return rule

    return register


def expression(low: Lowering, node: mn.Expression) -> ir.Register:
    """Lower an expression; returns the register that holds its value."""
    rule = _EXPRESSIONS.get(type(node))
    if rule is None:
        what = f"an expression of the kind {type(node).__name__}"
        return low.unsupported(node, what, f"write it in another way, {OR_ASSUME}")
    return rule(low, node)


def operands(low: Lowering, nodes: Iterable[mn.Expression]) -> tuple[ir.Register, ...]:
    """Lower expressions from left to right."""
    return tuple(expression(low, node) for node in nodes)


def statement(low: Lowering, node: mn.Statement) -> None:
    """Lower a statement."""
    rule = _STATEMENTS.get(type(node))
    if rule is None:
        what = f"a statement of the kind {type(node).__name__}"
        low.drop(node, low.unsupported(node, what, f"write it in another way, {OR_ASSUME}"))
    else:
        rule(low, node)
