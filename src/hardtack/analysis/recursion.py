"""Functions that call themselves, as far as `@recursive(depth=, calls=)` bounds them.

With the depth alone, calls are run one inside the other. With the number of calls as well, the activations
are the rounds of a loop: their arguments are joined, and so are their results; a call within one adds to the
arguments, and what its frame alone keeps alive is charged for every activation that may be waiting.

Invariant: while activations are rounds, nothing that is known of an object is replaced (`Interpreter.weak`):
the call that is not followed might have changed it in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardtack.analysis import footprints, ir
from hardtack.analysis.domain import NOTHING, Cell, Value, add_up, join_values
from hardtack.analysis.integers import Number
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.interpreting import Interpreter

_MOST_WORK = 400_000  # objects and terms that are looked at for one entry: see Interpreter.spend
_MOST_ACTIVATIONS = 150


@dataclass(frozen=True, slots=True)
class Rounds:
    """A recursive function whose activations are the rounds of a loop: where their registers stand."""

    frame: int
    prefix: str

    @property
    def result(self) -> str:
        """The register of what activations gave back."""
        return f"{self.prefix}="

    @property
    def held(self) -> str:
        """The register of an integer: the bytes that an activation that waits keeps alive by itself."""
        return f"{self.prefix}held"


def run(
    interp: Interpreter,
    function: ir.Function,
    frame: dict[str, Value],
    body: Callable[[dict[str, Value]], Value],
) -> Value:
    """Run a function that may call itself; `body` runs one activation in a frame."""
    depth = sum(one.function is function for one in interp.activations)
    rounds = interp.recursions.get(function.name)
    if rounds is not None:
        return _feed(interp, rounds, frame)
    if function.recursive is None:
        if not depth or bounded_between(interp, function):
            return body(frame)
        interp.finding("recursion", f"{function.name} calls itself", "say how deep: @recursive(depth=...)")
        return _none(interp)
    deepest, calls = function.recursive
    if calls is not None:
        return _as_rounds(interp, function, frame, body, deepest, calls)
    if depth >= deepest:
        return _none(interp)
    if depth and (interp.work > _MOST_WORK or len(interp.activations) > _MOST_ACTIVATIONS):
        interp.finding(
            "recursion",
            f"{function.name} branches too much to be followed",
            "say how many: @recursive(calls=...)",
        )
        return _none(interp)
    return body(frame)


def bounded_between(interp: Interpreter, function: ir.Function) -> bool:
    """Tell whether a function whose calls are counted has begun since this one's last activation began."""
    for one in reversed(interp.activations):
        if one.function is function:
            return False
        if one.function.recursive is not None:
            return True
    return False


def _none(interp: Interpreter) -> Value:
    interp.state.dead = True
    return NOTHING


def _as_rounds(
    interp: Interpreter,
    function: ir.Function,
    frame: dict[str, Value],
    body: Callable[[dict[str, Value]], Value],
    depth: int,
    calls: int,
) -> Value:
    from hardtack.analysis import loops

    at, peak, raising = interp.at, interp.peak, interp.raising
    rounds = Rounds(len(interp.state.frames) - 1, f"%{function.name}:")
    for name, value in frame.items():
        interp.state.frame[rounds.prefix + name] = value
    interp.state.frame[rounds.held] = Value(number=Number(ZERO))
    interp.recursions[function.name] = rounds
    interp.weak += 1

    def once() -> None:
        interp.at = at
        given = {name: interp.state.frame[rounds.prefix + name] for name in frame}
        result = body(given)
        if not interp.state.dead:
            before = interp.state.frame.get(rounds.result, NOTHING)
            interp.state.frame[rounds.result] = join_values(before, result)

    interp.peak = interp.raising = ZERO
    loops.repeat(
        interp, loops.Loop(("recursion", interp.context, function.name), once, lambda *_: Size.const(calls))
    )
    interp.weak -= 1
    del interp.recursions[function.name]
    result = interp.state.frame.get(rounds.result, NOTHING)
    held = interp.state.frame[rounds.held].number
    waiting = (held.high if held is not None else ZERO) * (depth - 1)
    interp.peak = peak | (interp.peak + waiting)
    interp.raising = raising | (interp.raising + waiting)
    for register in [one for one in interp.state.frame if one.startswith(rounds.prefix)]:
        interp.unbind(register)
    interp.at = at
    if result.is_nothing:
        return _none(interp)
    return result


def _feed(interp: Interpreter, rounds: Rounds, frame: dict[str, Value]) -> Value:
    """Stand in for a call within an activation: another round makes it."""
    state = interp.state
    interp.note(_held(interp, rounds))
    outer = state.frames[rounds.frame]
    for name, value in frame.items():
        outer[rounds.prefix + name] = join_values(outer.get(rounds.prefix + name, NOTHING), value)
    known = outer[rounds.held].number
    most = _held(interp, rounds) | (known.high if known is not None else ZERO)
    outer[rounds.held] = Value(number=Number(most))
    result = outer.get(rounds.result, NOTHING)
    return _none(interp) if result.is_nothing else result


def _held(interp: Interpreter, rounds: Rounds) -> Size:
    """Return the bytes that only the frames since the round began keep alive."""
    without = interp.state.copy()
    scalars = add_up(
        footprints.scalar(value) for frame in without.frames[rounds.frame + 1 :] for value in frame.values()
    )
    del without.frames[rounds.frame + 1 :]
    lost = without.collect()
    return add_up([scalars, *(cell.whole for _, cell in lost), *(cell.pooled for _, cell in lost)])


def wrapped(interp: Interpreter, function: ir.Function, count: int, named: int) -> Value | None:
    """Return what the check of @recursive holds while a call runs: its arguments, gathered anew."""
    if function.recursive is None and not any(name.endswith("checked") for name in function.decorators):
        return None
    pooled = footprints.tuple_of(count) + footprints.tuple_of(named)
    pooled += footprints.structure("dict", Size.const(named)) * 2

    def make() -> Cell:
        return Cell("wrapper", bytes=Size.const(256), pooled=pooled, pool=f"wrappers {count} {named}")

    return Value(frozenset((interp.new(f"check of {function.name}", make),)))
