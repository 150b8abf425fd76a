"""`while`: how often it runs is not written anywhere; a register that counts towards its test tells.

A register's origin (`integers.Origin`) says by how much every way through the body moves it. What only halves
a natural number, or counts up to something that no round changes, bounds the rounds; else an annotation must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from hardtack.analysis import access, integers, ir
from hardtack.analysis.branches import learn
from hardtack.analysis.joining import join_states
from hardtack.analysis.loops import Loop, join_continues, note_rounds, repeat
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from hardtack.analysis.interpreting import Handler, Interpreter
    from hardtack.analysis.states import State


def _while(interp: Interpreter, op: ir.While) -> None:
    key = ("while", interp.context, op.at, id(op))
    activation = interp.activation
    outer_breaks, activation.exits.breaks = activation.exits.breaks, []
    outer_continues, activation.exits.continues = activation.exits.continues, []

    def once() -> None:
        interp.block(op.header)
        if interp.state.dead:
            return
        interp.release(op.condition)
        learn(interp, op.if_true)
        if not interp.state.dead:
            interp.block(op.body)
        join_continues(interp, interp.activation.exits, key)

    def rounds(head: State, out: State, changed: set[str]) -> Size:
        found = _bound_of(interp, op, loop, head, out, changed)
        note_rounds(interp, op.at, found, "annotated" if op.bound else "inferred")
        return found

    at = interp.at
    loop = Loop(key, once, rounds)
    repeat(interp, loop)
    interp.at = at
    interp.block(op.header)
    if not interp.state.dead:
        interp.release(op.condition)
        learn(interp, op.if_false)
    exits = activation.exits
    breaks, exits.breaks = exits.breaks, outer_breaks
    exits.continues = outer_continues
    if not interp.state.dead:
        interp.block(op.otherwise)
    if breaks:
        interp.state = join_states([interp.state, *breaks], ("break", key))
    interp.touched()


def _bound_of(
    interp: Interpreter, op: ir.While, loop: Loop, head: State, out: State, changed: set[str]
) -> Size:
    """Return how often a `while` runs: as annotated, or as long as something counts towards its test."""
    if op.bound is not None:
        return Size.parse(op.bound)
    if out.dead:
        return Size.const(1)
    for fact in op.if_true:
        found = _counted(interp, fact, loop, head, out, changed)
        if found is not None:
            return found
    return interp.unbounded(
        "loop",
        "a loop whose rounds are not bounded",
        "write loop_bound(n) in it, or `for _ in range(n)`",
        op.at,
    )


def _counted(
    interp: Interpreter, fact: ir.Fact, loop: Loop, head: State, out: State, changed: set[str]
) -> Size | None:
    sides: list[_Side] = [(fact.subject, fact.relation, fact.operand, fact.offset)]
    if isinstance(fact.operand, str) and fact.relation in _FLIPPED:
        sides.append((fact.operand, _FLIPPED[fact.relation], fact.subject, -fact.offset))
    for side in sides:
        before, after = loop.entry.get(side[0]), out.frame.get(side[0])
        if before is None or after is None or before.number is None or after.number is None:
            continue
        found = _rounds_of(interp, side, loop, (before.number, after.number), head, changed)
        if found is not None:
            return found
    return None


def _rounds_of(
    interp: Interpreter,
    side: _Side,
    loop: Loop,
    numbers: tuple[integers.Number, integers.Number],
    head: State,
    changed: set[str],
) -> Size | None:
    """Return how often a test can hold of a register that rounds take from one number to another."""
    subject, relation, operand, offset = side
    start, origin = numbers[0], numbers[1].origin
    if origin is None:
        return None
    if origin[0] == f"{integers.HALF}{loop.key}:{subject}":
        halves = (start.low.is_zero or relation in {">", ">="}) and _ends_at_zero(relation, operand)
        return integers.halvings(start) if halves else None
    if origin[0] != f"{loop.key}:{subject}":
        return None
    if relation == "true" and origin[1:] == (-1, -1) and start.low.is_zero:
        return start.high + 1
    limit = _limit(interp, operand, head, changed)
    return None if limit is None else _distance(relation, origin, start, integers.plus(limit, offset))


def _distance(
    relation: str, origin: integers.Origin, start: integers.Number, limit: integers.Number
) -> Size | None:
    """Return how many steps it takes to get from a number to a limit."""
    _, low, high = origin
    if relation in {"<", "<="} and low is not None and low > 0:
        distance = limit.high.minus(start.least) if start.low.is_zero else limit.high + start.low
        return integers.scaled_rounds(distance, low)
    if relation in {">", ">="} and high is not None and high < 0:
        return integers.scaled_rounds(start.high + limit.low, -high)
    if relation == "!=" and (low, high) == (-1, -1) and start.low.is_zero and limit.high.is_zero:
        return start.high + 1
    return None


def _ends_at_zero(relation: str, operand: object) -> bool:
    """Tell whether a test of a natural number fails for zero."""
    if relation == "true":
        return True
    if not isinstance(operand, int):
        return False
    return (
        operand >= 0
        if relation == ">"
        else operand >= 1
        if relation == ">="
        else relation == "!=" and operand == 0
    )


_Side: TypeAlias = "tuple[str, str, object, int]"
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


def _limit(interp: Interpreter, operand: object, head: State, changed: set[str]) -> integers.Number | None:
    """Return what a test compares with, if no round changes it."""
    if isinstance(operand, int):
        return integers.constant(operand)
    if not isinstance(operand, str):
        return None
    register = operand.removeprefix("len:")
    value = head.frame.get(register)
    if value is None or "." in register or register in changed:
        return None
    if not operand.startswith("len:"):
        return value.number
    before, interp.state = interp.state, head
    length = access.length(interp, value)
    interp.state = before
    return None if integers.is_open(length) else integers.Number(length)


HANDLERS: dict[type[object], Handler] = cast("dict[type[object], Handler]", {ir.While: _while})
