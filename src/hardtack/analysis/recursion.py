"""Functions that call themselves, as far as `@recursive(depth=, calls=)` bounds them.

With the depth alone, calls are run one inside the other. With the number of calls as well, the activations
are the rounds of a loop: their arguments are joined, and so are their results; a call within one adds to the
arguments, and what its frame alone keeps alive is charged for every activation that may be waiting.

Invariant: while activations are rounds, nothing that is known of an object is replaced (`Interpreter.weak`):
the call that is not followed might have changed it in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hardtack.analysis import footprints, ir, tracebacks
from hardtack.analysis.domain import NOTHING, Cell, Value, add_up, join_values
from hardtack.analysis.integers import Number
from hardtack.analysis.joining import join_states
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.domain import Object
    from hardtack.analysis.exceptions import Catcher
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.states import State

_MOST_WORK = 400_000  # objects and terms that are looked at for one entry: see Interpreter.spend
_MOST_ACTIVATIONS = 150


@dataclass(frozen=True, slots=True)
class Rounds:
    """A recursive function whose activations are the rounds of a loop: where their registers stand.

    Attributes:
        frame: the place of the frame that has these registers.
        since: the place of the first activation that is one of the rounds.
        prefix: what their names begin with.
        waiting: how many activations may wait for the one that runs.
        shared: the objects that the frames of those may refer to, and others do.
        begun: the states in which activations begin whose results no round has found yet.
    """

    frame: int
    since: int
    prefix: str
    waiting: int
    shared: set[Object] = field(default_factory=set)
    begun: list[State] = field(default_factory=list)

    @property
    def result(self) -> str:
        """The register of what activations gave back."""
        return f"{self.prefix}="

    @property
    def held(self) -> str:
        """The register of an integer: the bytes that an activation that waits keeps alive by itself."""
        return f"{self.prefix}held"

    def held_in(self, state: State) -> Size:
        """Return these bytes in a state."""
        number = state.frames[self.frame][self.held].number
        return number.high if number is not None else ZERO


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
    rounds = Rounds(len(interp.state.frames) - 1, len(interp.activations), f"%{function.name}:", depth - 1)
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
        if rounds.begun:  # else arguments that never lead to a result at once would lead to no other round
            interp.state = join_states([interp.state, *rounds.begun], None)
            rounds.begun.clear()
            interp.touched()

    before = _errors(interp)
    interp.peak = interp.raising = ZERO
    loops.repeat(
        interp, loops.Loop(("recursion", interp.context, function.name), once, lambda *_: Size.const(calls))
    )
    interp.weak -= 1
    del interp.recursions[function.name]
    if not _errors(interp) <= before:  # its frame refers to those of all activations that waited for it
        interp.finding(
            "recursion",
            f"an error is kept that was caught in {function.name}",
            "keep its text only, or leave out `calls`",
        )
    result = interp.state.frame.get(rounds.result, NOTHING)
    waiting = rounds.held_in(interp.state) * rounds.waiting
    interp.peak = peak | (interp.peak + waiting)
    interp.raising = raising | (interp.raising + waiting)
    for register in [one for one in interp.state.frame if one.startswith(rounds.prefix)]:
        interp.unbind(register)
    interp.at = at
    if result.is_nothing:
        return _none(interp)
    return result


def _errors(interp: Interpreter) -> set[Object]:
    """Return the tracebacks that are alive."""
    return {obj for obj, cell in interp.state.cells.items() if cell.kind == tracebacks.KIND}


def _feed(interp: Interpreter, rounds: Rounds, frame: dict[str, Value]) -> Value:
    """Stand in for a call within an activation: another round makes it."""
    state = interp.state
    if any(catcher.depth > rounds.frame + 1 for catcher in cast("list[Catcher]", interp.catching)):
        interp.finding(
            "recursion",
            f"a `try` or `with` is around where {interp.activation.function.name} calls itself",
            "leave out `calls`, or write it around the outermost call",
        )
    interp.note(_held(interp, rounds))
    outer = state.frames[rounds.frame]
    for inner in state.frames[rounds.frame + 1 :]:
        rounds.shared.update(
            either for value in inner.values() for obj in value.objects for either in (obj, obj ^ 1)
        )
    for name, value in frame.items():
        outer[rounds.prefix + name] = join_values(outer.get(rounds.prefix + name, NOTHING), value)
    most = _held(interp, rounds) | rounds.held_in(state)
    outer[rounds.held] = Value(number=Number(most))
    result = outer.get(rounds.result, NOTHING)
    if not result.is_nothing:
        return result
    begun = state.copy()
    del begun.frames[rounds.frame + 1 :]
    rounds.begun.append(begun)
    return _none(interp)


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
    if not tracebacks.is_checked(function):
        return None
    pooled = footprints.tuple_of(count) + footprints.tuple_of(named)
    pooled += footprints.structure("dict", Size.const(named)) * 2

    def make() -> Cell:
        return Cell("wrapper", bytes=Size.const(256), pooled=pooled, pool=f"wrappers {count} {named}")

    return Value(frozenset((interp.new(f"check of {function.name}", make),)))
