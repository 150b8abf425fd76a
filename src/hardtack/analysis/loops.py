"""Loops: a state that holds at the head of every round, and how much all rounds add to it.

    1. run the body until the SHAPE of the head's state is stable: which objects there are, who refers to whom
    2. put a symbol in the place of every number that a round changes, run the body once more, and read from
       what comes out how a round changes them; where sizes lead to another shape, begin anew with that
    3. solve these recurrences over the number of rounds, and put the bounds in the symbols' place: in the
       state, in the peak, in the states in which the loop, or a function around it, was left

Objects are never unified at a head. No bound on the rounds is needed where no round adds anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from hardtack.analysis import access, footprints, integers, ir, iteration, results, ways
from hardtack.analysis.domain import Cell, Value, join_values
from hardtack.analysis.interpreting import Exits, Moment
from hardtack.analysis.joining import join_states, same_shape, widened
from hardtack.analysis.records import replace
from hardtack.analysis.recurrences import Recurrences, is_product, with_digits
from hardtack.analysis.states import State
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from hardtack.analysis.domain import Object, SlotKey
    from hardtack.analysis.exceptions import Catcher
    from hardtack.analysis.interpreting import Handler, Interpreter

_SHAPES, _RUNS = 16, 12


@dataclass(slots=True)
class Loop:
    """One loop that is analysed.

    Attributes:
        key: which loop, in which call.
        once: runs one round on the interpreter's state.
        rounds: gives the most rounds there are, from the head's state, the state after a round, and the names
            of registers that rounds change.
        entry: the registers when the loop was entered.
        amortised: of the symbols that a round brings along: what they add up to, and the most that one is.
        begins_last: whether nothing is run after the last round to find out that it was the last.
    """

    key: Hashable
    once: Callable[[], None]
    rounds: Callable[[State, State, set[str]], Size]
    entry: dict[str, Value] = field(default_factory=dict)
    amortised: Mapping[str, tuple[Size, Size]] = field(default_factory=dict)
    begins_last: bool = False


@dataclass(slots=True)
class _Outside:
    """What was known of the interpreter's world before a loop; the loop's own part is added at its end."""

    peak: Size
    raising: Size
    moment: Moment
    exits: list[tuple[list[State], list[State], list[State]]]
    caught: list[dict[tuple[str, frozenset[Object]], State]]


@dataclass(slots=True)
class _Hint:
    """What earlier analyses of a loop found.

    Attributes:
        changed: numbers that rounds change.
        wide: integers that grow without measure.
        head: a state whose shape no round changes.
        ways: whether it may help to tell the ways through a round apart.
    """

    changed: set[SlotKey] = field(default_factory=set)
    wide: set[SlotKey] = field(default_factory=set)
    head: State | None = None
    ways: bool = True


def repeat(interp: Interpreter, loop: Loop) -> None:
    """Run a loop to its end: the state that holds at its head, however many rounds were run.

    While a loop around this one looks for its shape only, no more is found out about this one either.
    """
    outside = _set_aside(interp)
    choices, interp.choices = interp.choices, None
    interp.touched()
    interp.collect()
    entry = interp.state
    loop.entry.update(entry.frame)
    hint = cast("_Hint", interp.loop_hints.setdefault(loop.key, _Hint()))
    solved: dict[str, Size] = {}
    inside: dict[str, Size] = {}
    if interp.shaping:
        interp.state = entry
        start = _stable_head(interp, loop, hint)
    else:
        while True:
            interp.state = entry.copy()
            before = len(hint.wide)
            start, solved, inside = _solve(interp, loop, hint)
            if len(hint.wide) == before:
                break
            _clear(interp)
    _put_back(interp, outside, inside)
    interp.choices = choices
    interp.state = _substituted(interp, start, solved)


def _solve(interp: Interpreter, loop: Loop, hint: _Hint) -> tuple[State, dict[str, Size], dict[str, Size]]:
    """Return the state of a head in which symbols stand for what rounds change, and bounds of the symbols.

    The second bounds are those of the heads that a round begins at: all rounds but one were run before.
    Integers that grow without measure are added to the hint: of those, digits are counted from then on.
    """
    entry = interp.state.copy()
    head = _stable_head(interp, loop, hint)
    init = head.slots()
    base = dict(init)
    tried: set[SlotKey] = set()
    changed = hint.changed & init.keys()
    names: dict[SlotKey, str] = {}
    for _ in range(_RUNS):
        _clear(interp)
        number = interp.next_symbol()
        names = {key: f"β{number}.{i}" for i, key in enumerate(sorted(changed, key=repr))}
        start = _with_symbols(interp, head, names, base, init)
        out = _round(interp, loop, start)
        after = {} if out.dead else _after(start, out, names)
        new = head if out.dead else _next_head(interp, loop, hint, entry, start, out)
        if not out.dead and not same_shape(new, head):  # sizes led where none had led before
            begun = with_digits({name: base[key] for key, name in names.items()})
            hint.head = _substituted(interp, new.copy(), begun)  # no symbol of this run is one of the next
            interp.state = entry.copy()
            head = _stable_head(interp, loop, hint)
            init = head.slots()
            base = {key: size | base[key] if key in base else size for key, size in init.items()}
            changed &= init.keys()
            continue
        more = {
            key
            for key, size in after.items()
            if key not in changed and key in base and not base[key].dominates(size)
        }
        if not more:
            break
        # what a round makes of a number holds in all, if it is set and does not grow
        base |= {key: base[key] | after[key] for key in more - tried}
        changed |= more & tried
        tried |= more
    else:
        interp.finding("unsupported", "a loop whose numbers do not settle", "report this")
    hint.changed |= changed
    registers = {str(key[2]) for key in changed if key[0] == "r" and key[1] == len(head.frames) - 1}
    keys = {name: key for key, name in names.items()}

    def unbounded(name: str) -> Size:
        key = keys[name]
        if key[-1] in {"high", "low"}:
            hint.wide.add(key)
            hint.changed.discard(key)
        what, remedy = "what a round makes", "cut it with [:n], or say how long it is: bounded(..., n)"
        if key[-1] in {"high", "low"}:
            what, remedy = "an integer", "keep it in a range: by % n, or by min() and max()"
        return interp.unbounded("growth", f"{what} grows with what it was the round before", remedy)

    recurrences = Recurrences(
        loop.rounds(start, out, registers),
        {name: init[key] for key, name in names.items()},
        {name: after.get(key, ZERO) for key, name in names.items()},
        {name: total for name, (total, _) in loop.amortised.items()},
        {name: most for name, (_, most) in loop.amortised.items()},
        unbounded,
    )
    solved = recurrences.solve()
    if hint.ways and any(is_product(solved[name]) for name in names.values()):
        steps = _steps_by_ways(interp, loop, start, names, base)
        better = recurrences.told_apart(steps, solved) if steps else {}
        hint.ways = bool(better)
        solved |= better
    return start, solved, recurrences.before_the_last(solved) if loop.begins_last else solved


def _steps_by_ways(
    interp: Interpreter,
    loop: Loop,
    start: State,
    names: Mapping[SlotKey, str],
    base: Mapping[SlotKey, Size],
) -> list[dict[str, Size]]:
    """Return what each way through a round does to the numbers that have names, if it can be told."""
    outside = _set_aside(interp)
    ends = ways.each(interp, lambda: _round(interp, loop, start))
    _clear(interp)
    _put_back(interp, outside, {})
    steps = []
    for end in ends:
        if end.dead:
            continue
        after = _after(start, end, names)
        others = {key: size for key, size in after.items() if key in base and key not in names}
        covered = all(base[key].dominates(size) for key, size in others.items())
        if not covered or not end.cells.keys() <= start.cells.keys():
            return []
        steps.append({name: after.get(key, ZERO) for key, name in names.items()})
    return steps


def _with_symbols(
    interp: Interpreter,
    head: State,
    names: Mapping[SlotKey, str],
    base: Mapping[SlotKey, Size],
    init: Mapping[SlotKey, Size],
) -> State:
    """Return a head's state, whose sizes are `init`, with symbols or other sizes in the place of some."""
    start = head.copy()
    other = {key for key, size in base.items() if size is not init[key]}
    start.map(
        lambda key, _: Size.symbol(names[key]) if key in names else base[key],
        interp.sized,
        {key[1] for key in (*names, *other) if len(key) > 1 and isinstance(key[1], int)},
    )
    return start


def _after(start: State, out: State, names: Mapping[SlotKey, str]) -> dict[SlotKey, Size]:
    """Return the sizes after a round that are not as they were at its start, and those that have names."""
    changed = out.changed_since(start)
    same = out.cells.keys() - changed
    found = {
        key: Size.symbol(name)
        for key, name in names.items()
        if key[0] not in {"r", "high"} and len(key) > 1 and key[1] in same
    }
    return found | out.slots(changed)


def _widen_numbers(state: State, wide: set[SlotKey]) -> None:
    """Count the digits of integers whose magnitude nothing bounds."""
    if not wide:
        return

    def widen(key: SlotKey, number: integers.Number) -> integers.Number:
        high, low = (*key, "high") in wide, (*key, "low") in wide
        if not high and not low:
            return number
        top = Size.unbounded("an integer that grows with what it was the round before")
        return replace(
            number,
            high=top if high else number.high,
            low=top if low else number.low,
            digits=number.wide() if not (number.high | number.low).is_top else number.digits,
            room=number.room if number.room is not None else number.wide(),
        )

    state.map_numbers(widen)


def _stable_head(interp: Interpreter, loop: Loop, hint: _Hint) -> State:
    """Return a head whose shape no round changes, with the entry's sizes."""
    entry = interp.state
    _widen_numbers(entry, hint.wide)
    head = entry
    if hint.head is not None and len(hint.head.frames) == len(entry.frames):
        head = _restarted(interp, hint, entry, join_states([entry, hint.head], None))
    for _ in range(_SHAPES):
        _clear(interp)
        interp.shaping += 1
        out = _round(interp, loop, head)
        interp.shaping -= 1
        if out.dead:
            return head
        new = _next_head(interp, loop, hint, entry, head, out)
        if same_shape(new, head):
            hint.head = head.copy()
            return head
        head = new
    interp.finding("unsupported", "a loop whose objects do not settle", "report this")
    return head


def _next_head(interp: Interpreter, loop: Loop, hint: _Hint, entry: State, head: State, out: State) -> State:
    """Return the head that covers an earlier one and a round from there, with the entry's sizes."""
    new = widened(head, join_states([head, out], None))
    _restore_origins(loop, head, out, new)
    return _restarted(interp, hint, entry, new)


def _restarted(interp: Interpreter, hint: _Hint, entry: State, new: State) -> State:
    _widen_numbers(new, hint.wide)
    foreign = {obj for obj, cell in new.cells.items() if not cell.owned}
    changed = new.changed_since(entry)
    new.map(partial(_restart, entry.slots(changed), foreign), interp.sized, changed)
    return new


def _restart(entry: Mapping[SlotKey, Size], foreign: set[int], key: SlotKey, size: Size) -> Size:
    """Return the size that a slot starts with: as at the loop's entry; what was not there then has none."""
    if key in entry:
        return entry[key]
    of_foreign = len(key) > 1 and key[1] in foreign and key[0] in {"n", "e", "m", "f", "total"}
    return size if of_foreign else ZERO


def _round(interp: Interpreter, loop: Loop, head: State) -> State:
    """Run one round from a head; returns the state at its end, with those of `continue`."""
    interp.spend(5 * len(head.cells))
    interp.state = head.copy()
    _mark_origins(interp, loop)
    loop.once()
    interp.touched()
    interp.collect()
    return interp.state


def _mark_origins(interp: Interpreter, loop: Loop) -> None:
    """Have every integer say that it is what its register held at this head; nothing else may say so."""
    mine = f"{loop.key}:"

    def forget(_key: SlotKey, number: integers.Number) -> integers.Number:
        if number.origin is None or not number.origin[0].removeprefix(integers.HALF).startswith(mine):
            return number
        return replace(number, origin=None)

    interp.state.map_numbers(forget)
    for register, value in interp.state.frame.items():
        if value.number is not None and not register.startswith("%"):
            origin = (f"{mine}{register}", 0, 0)
            interp.state.frame[register] = replace(value, number=replace(value.number, origin=origin))


def _restore_origins(loop: Loop, head: State, out: State, new: State) -> None:
    """Have what no round changes stem from what it stemmed from before; of the rest that is unknown."""
    for register, value in new.frame.items():
        if value.number is None:
            continue
        same = _origin(out, register) == (f"{loop.key}:{register}", 0, 0)
        origin = _origin(head, register) if same else None
        if value.number.origin != origin:
            new.frame[register] = replace(value, number=replace(value.number, origin=origin))


def _origin(state: State, register: str) -> integers.Origin | None:
    value = state.frame.get(register)
    return None if value is None or value.number is None else value.number.origin


# -- the world around a loop
def _set_aside(interp: Interpreter) -> _Outside:
    outside = _Outside(
        interp.peak,
        interp.raising,
        interp.moment,
        [(a.exits.returns, a.exits.breaks, a.exits.continues) for a in interp.different_activations()],
        [cast("Catcher", one).states for one in interp.catching],
    )
    _clear(interp)
    return outside


def _clear(interp: Interpreter) -> None:
    interp.peak, interp.raising, interp.moment = ZERO, ZERO, Moment()
    for activation in interp.different_activations():
        activation.exits = Exits()
    for one in interp.catching:
        cast("Catcher", one).states = {}


def _put_back(interp: Interpreter, outside: _Outside, solved: Mapping[str, Size]) -> None:
    interp.peak = outside.peak | interp.peak.substitute(solved)
    interp.raising = outside.raising | interp.raising.substitute(solved)
    interp.moment = _later(outside.moment, interp.moment, solved)
    for key, bound in interp.rounds.items():
        interp.rounds[key] = replace(bound, rounds=bound.rounds.substitute(solved))
    for activation, (returns, breaks, continues) in zip(
        interp.different_activations(), outside.exits, strict=True
    ):
        exits = activation.exits
        activation.exits = Exits(
            returns + [_substituted(interp, state, solved) for state in exits.returns],
            breaks + [_substituted(interp, state, solved) for state in exits.breaks],
            continues + [_substituted(interp, state, solved) for state in exits.continues],
        )
    for one, before in zip(interp.catching, outside.caught, strict=True):
        catcher = cast("Catcher", one)
        inside, catcher.states = catcher.states, before
        for (name, _), state in inside.items():
            catcher.add(name, _substituted(interp, state, solved))


def _substituted(interp: Interpreter, state: State, solved: Mapping[str, Size]) -> State:
    if solved:
        state.map(lambda _key, size: size.substitute(solved), interp.sized)
    return state


def _later(before: Moment, inside: Moment, solved: Mapping[str, Size]) -> Moment:
    """Return the greater of two moments, the second one's shares in terms of the solved symbols."""
    later = inside.substitute(solved)
    return later if later.value > before.value else before


# -- for and while
def _for(interp: Interpreter, op: ir.For) -> None:
    iteration.iterate(
        interp,
        op.iterable,
        iteration.Consumer(
            key=("for", interp.context, op.at, id(op)),
            item=op.item,
            body=lambda: interp.block(op.body),
            otherwise=lambda: interp.block(op.otherwise),
            bound=op.bound,
            callees=op.callees,
            asynchronous=op.asynchronous,
        ),
    )


def run_for(
    interp: Interpreter,
    consumer: iteration.Consumer,
    source: ir.Register,
    rounds: Size,
    make_item: Callable[[], None],
    *,
    begins_last: bool = False,
) -> None:
    """Run a loop over the items of what a register holds, which live in memory or are made one by one."""
    at = interp.at
    iterator = interp.scratch_register("iterator")

    def make() -> Cell:
        return Cell("iterator", bytes=footprints.ITERATOR)

    interp.write(iterator, Value(frozenset((interp.new("iterator", make),))))
    stated = consumer.bound is not None or _is_stated(interp, interp.read(source))
    before = _lengths(interp, interp.read(source))
    consumer.amortised = amortise(interp, interp.read(source), f"λ{at.line}.{at.column}.{interp.context}")

    def once() -> None:
        activation = interp.activation
        make_item()
        _mark_item(interp, consumer)
        consumer.body()
        join_continues(interp, activation.exits, consumer.key)

    repeat(interp, Loop(consumer.key, once, lambda *_: rounds, {}, consumer.amortised, begins_last))
    after = _lengths(interp, interp.read(source))
    if any(obj in after and not size.dominates(after[obj]) for obj, size in before.items()):
        interp.finding("aliasing", "what is iterated over may grow meanwhile", "iterate over a copy", at)
    note_rounds(interp, at, rounds, "annotated" if stated else "inferred")
    leave(interp, consumer, (iterator, source))


def _lengths(interp: Interpreter, value: Value) -> dict[int, Size]:
    """Return the lengths of the lists that iteration goes over: others refuse to grow meanwhile."""
    found: dict[int, Size] = {}
    for obj, cell in access.cells(interp, value):
        if cell.kind in {"list", "sequence", "bytearray"}:
            found[obj] = access.length_of(interp, obj, cell)
        elif cell.kind == "iterator":
            for name, part in cell.fields.items():
                if name.isdigit():
                    found |= _lengths(interp, part)
    return found


def _mark_item(interp: Interpreter, consumer: iteration.Consumer) -> None:
    """Have an integer that is an item say so, for as long as the round lasts."""
    value = interp.state.frame.get(consumer.item)
    if value is not None and value.number is not None:
        origin = (f"{consumer.key}:{consumer.item}", 0, 0)
        interp.state.frame[consumer.item] = replace(value, number=replace(value.number, origin=origin))


def run_times(
    interp: Interpreter,
    times: Size,
    into: ir.Register,
    run: Callable[[], Value],
    name: str,
    kept: ir.Register | None = None,
) -> None:
    """Run something so many times, one after the other; a register gets what the results may be.

    `kept` holds an object that keeps all results, if they are alive together.
    """
    if times.is_zero:
        return
    if times.as_const() == 1:
        value = run()
        if not interp.state.dead:
            interp.write(into, value)
        return
    at = interp.at

    def once() -> None:
        interp.at = at
        value = run()
        if interp.state.dead:
            return
        interp.write(into, join_values(interp.read(into), value))
        if kept is not None:
            for obj, cell in list(access.cells(interp, interp.read(kept))):
                interp.state.put(obj, replace(cell, element=join_values(cell.element, interp.read(into))))
                interp.state.grow(obj, footprints.scalar(value))

    repeat(interp, Loop(("times", interp.context, at, name, into), once, lambda *_: times))
    interp.at = at


def amortise(interp: Interpreter, value: Value, name: str) -> dict[str, tuple[Size, Size]]:
    """Return the symbols of items' lengths, where their sum is better known than by the greatest.

    `name` is that of the items; those that an iterator draws on have it and the number of what they come
    from.
    """
    drawn = [cell for _, cell in access.cells(interp, value) if cell.kind == "iterator"]
    if len(drawn) == 1 and len(value.objects) == 1:
        parts = [part for part in drawn[0].fields if part.isdigit()]
        found: dict[str, tuple[Size, Size]] = {}
        for part in parts:
            found |= amortise(interp, drawn[0].fields[part], f"{name}.{part}")
        return found
    total = access.known_total(interp, value)
    if total is None or total.is_top or total.is_zero:
        return {}
    return {name: (total, access.length(interp, access.element(interp, value)))}


def join_continues(interp: Interpreter, exits: Exits, key: Hashable) -> None:
    """Have a round that ended with `continue` end where others do."""
    if exits.continues:
        ends = [*exits.continues, *([] if interp.state.dead else [interp.state])]
        exits.continues = []
        interp.state = join_states(ends, ("continue", key))


def leave(interp: Interpreter, consumer: iteration.Consumer, held: tuple[ir.Register, ...]) -> None:
    """Go on after a loop: with its `else`, and with the states in which it was left by `break`."""
    exits = interp.activation.exits
    breaks, exits.breaks = exits.breaks, consumer.outer_breaks
    for register in held:
        interp.release(register)
    if not interp.state.dead:
        consumer.otherwise()
    for state in breaks:
        for register in held:
            if register.startswith("%"):
                state.frame.pop(register, None)
    if breaks:
        interp.touched()
        interp.state = join_states([interp.state, *breaks], ("break", consumer.key))
    interp.touched()


def _is_stated(interp: Interpreter, value: Value) -> bool:
    """Tell whether `loop_bound` or `bounded` made an iterator, of a number that is found as it runs."""
    made = [interp.site_of[obj >> 1].what for obj in value.objects]
    return bool(made) and all(what.startswith("hardtack.annotations.") for what in made)


def note_rounds(interp: Interpreter, at: ir.Place, rounds: Size, how: str) -> None:
    """Remember how often a loop runs, for the report."""
    function = interp.activation.function.name
    key = (function, at.line)
    before = interp.rounds.get(key)
    most = rounds if before is None else before.rounds | rounds
    interp.rounds[key] = results.LoopBound(function, at.file, at.line, most, how)


HANDLERS: dict[type[object], Handler] = cast("dict[type[object], Handler]", {ir.For: _for})
