"""Summaries: what a call does, found once for each shape that it can begin in.

A function runs on an interpreter of its own, on the part of the state that it can reach, by names of its own
(`shapes`, `renaming`). What comes out is kept, and put into the caller's state by the caller's names: what it
changed, what it made, what it left by raising, the most that was live meanwhile beside what was set aside.
The same shape again, by whoever calls, is not run again.

Followed where they stand, without a summary, are functions that call themselves, and calls while a generator
or an exception is at hand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast

from hardtack.analysis import exceptions, ir, tracebacks
from hardtack.analysis.alternatives import HELD
from hardtack.analysis.domain import NOTHING, Cell, Value, add_up
from hardtack.analysis.installing import CAUGHT, Outward, install
from hardtack.analysis.interpreting import Interpreter, Moment, SiteOf, guess
from hardtack.analysis.marks import Marks, Touched, is_own_tuples
from hardtack.analysis.reads import Reader, note, unwatched
from hardtack.analysis.records import replace
from hardtack.analysis.shapes import Asks, Refused, asked_by, changed_elsewhere, shape_of
from hardtack.analysis.states import State
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from hardtack.analysis.domain import Object, Site
    from hardtack.analysis.footprints import Kept
    from hardtack.analysis.results import Assumption, Finding, LoopBound
    from hardtack.analysis.shapes import Shape
    from hardtack.analysis.summary_cache import SummaryCache

_RUNS = 8
_OF_SHAPE = 10  # work that each object of a shape takes
_SMALL = 3  # operations, up to which a function is followed where it stands
ENABLED = True


class Recurs(Exception):
    """A function that runs around a summary is called in it: it calls itself."""


@dataclass(slots=True)
class Ran:
    """What is kept of the interpreter that a function ran on: see its attributes of these names."""

    sites: dict[Hashable, Site]
    site_of: list[SiteOf]
    keys: list[Hashable]
    originals: dict[Object, Cell]
    parts: dict[tuple[Object, str], Value]
    constants: dict[Object, object]
    findings: dict[Finding, None]
    reasons: dict[str, Finding]
    assumptions: dict[Assumption, None]
    rounds: dict[tuple[str, int], LoopBound]
    passed: dict[str, frozenset[str]]
    told: set[tuple[Hashable, str]]
    wanted: set[tuple[Hashable, str]]
    ran: set[str]
    peak: Size
    raising: Size
    moment: Moment

    @classmethod
    def on(cls, interp: Interpreter) -> Ran:
        """Keep what an interpreter found."""
        return cls(**{one.name: getattr(interp, one.name) for one in fields(cls)})


@dataclass(slots=True)
class Summary:
    """What a call does that begins in a shape, by the function's own names.

    Attributes:
        own: what is known of how it ran: its sites, its findings, its peak.
        cells: what there was when it began.
        worlds: the same of the worlds.
        given: how many sites it was given.
        end: the state in which it returned, if it does.
        result: what it returned.
        raised: the states that it left by raising, with the exception, by class.
        facts: that it found about what it made.
        touched: kinds of blocks kept for reuse that it looked at.
        names: what it read of the program.
        asks: what it asked of the caller's state.
        work: that it and the summaries that it is made of took, each by itself, by their numbers.
    """

    own: Ran
    cells: dict[int, Cell]
    worlds: dict[int, object]
    given: int
    end: State | None
    result: Value
    raised: dict[str, tuple[State, Value]]
    facts: frozenset[tuple[Hashable, str]]
    touched: frozenset[str | Kept]
    names: dict[str, list[str]]
    asks: Asks
    work: dict[int, int]


class Memo:
    """The summaries of a program's functions.

    Args:
        cache: where those that an earlier run made are.
    """

    def __init__(self, cache: SummaryCache | None = None) -> None:
        self.summaries: dict[Hashable, Summary] = {}
        self.pools: dict[str, set[str | Kept]] = {}  # that a function looks at
        self.asks: dict[str, Asks] = {}
        self.followed: set[str] = set()  # functions that call themselves
        self.hits = 0
        self.misses = 0
        self._cache = cache
        self._recalled: set[str] = set()

    def recall(self, program: ir.Program, function: str) -> None:
        """Take what an earlier run left of a function, where nothing changed that it read."""
        if self._cache is None or function in self._recalled:
            return
        self._recalled.add(function)
        kept = self._cache.load(function, unwatched(program))
        if kept is not None:
            self.summaries.update(kept.summaries)
            self.pools.setdefault(function, set()).update(kept.pools)
            self.asks.setdefault(function, Asks()).add(kept.asks)


def _pay(interp: Interpreter, summary: Summary, *, made: bool) -> None:
    """Count the work of a summary, once for each entry, and of those that it is made of."""
    spending = interp.spending
    interp.summaries_work.update(summary.work)
    for number, work in summary.work.items():
        if number not in spending.paid:
            spending.paid.add(number)
            if not made:
                spending.spend(work)


def _memo(interp: Interpreter) -> Memo:
    kept = interp.program.summaries.setdefault(id(interp.models), Memo())
    assert isinstance(kept, Memo)
    return kept


def _operations(block: ir.Block) -> int:
    """Return how many operations there are in a block; a loop or a branch counts for many."""
    return sum(_SMALL + 1 if hasattr(one, "body") or hasattr(one, "then") else 1 for one in block.operations)


def run(
    interp: Interpreter,
    function: ir.Function,
    frame: dict[str, Value],
    follow: Callable[[dict[str, Value]], Value],
) -> Value:
    """Run a function's body in a frame, by a summary or by following it; returns its result."""
    if function.name in interp.around:
        raise Recurs(function.name)
    memo = _memo(interp)
    if (
        not ENABLED
        or interp.weak
        or interp.recursions
        or function.recursive is not None
        or function.name in memo.followed
        or _operations(function.body) <= _SMALL
        or any(one.function is function for one in interp.activations)
    ):
        return follow(frame)
    interp.state.frames.append(frame)
    interp.collect()
    interp.state.frames.pop()
    at = interp.at
    context = interp.context_of((interp.context, function.name, at.line, at.column))
    try:
        shape, summary, marks = _find(interp, memo, function, frame, _own_facts(interp, context))
        out = Outward(interp, shape, summary, context)
    except Refused:
        return follow(frame)
    except Recurs:
        memo.followed.add(function.name)
        return follow(frame)
    return _apply(interp, function, summary, out, marks)


def _own_facts(interp: Interpreter, context: int) -> frozenset[tuple[Hashable, str]]:
    return frozenset(
        (key[2], fact)
        for key, fact in interp.facts
        if isinstance(key, tuple) and key[0] == "in" and key[1] == context
    )


def _find(
    interp: Interpreter,
    memo: Memo,
    function: ir.Function,
    frame: dict[str, Value],
    facts: frozenset[tuple[Hashable, str]],
) -> tuple[Shape, Summary, Marks]:
    """Return a call's shape, its summary, and what is charged of the pools that are in it.

    What else of the caller's state matters is known when the function was followed: so an entry's first call
    of it is given all of that, whatever other entries found, and where it turns out later to be more than
    was thought, it is followed again.
    """
    memo.recall(interp.program, function.name)
    asks = memo.asks.setdefault(function.name, Asks())
    for _ in range(_RUNS):
        found = dict(interp.spending.found)
        shape = shape_of(interp, frame, facts, asks if function.name in interp.spending.met else None)
        interp.spend(_OF_SHAPE * len(shape.cells))
        summary, marks, made = _of_shape(interp, memo, function, shape)
        interp.spending.met |= summary.own.ran
        if made:
            asks.add(summary.asks)
            rest = changed_elsewhere(interp, shape.taken)
            if any(asks.concern(interp, shape.names, obj) for obj in rest):
                interp.spending.found = found  # what was found is void
                continue
        _pay(interp, summary, made=made)
        return shape, summary, marks
    raise Refused


def _of_shape(
    interp: Interpreter, memo: Memo, function: ir.Function, shape: Shape
) -> tuple[Summary, Marks, bool]:
    """Return a shape's summary, what is charged of the pools that it looks at, and whether it was made."""
    known = memo.pools.setdefault(function.name, set())
    running = interp.around | {one.function.name for one in interp.activations}
    alike = (function.name, shape.key(), bool(interp.catching))
    found = dict(interp.spending.found)
    made = None
    while True:
        first = function.name not in interp.spending.met
        marks = Marks.of(interp, shape, None if first else frozenset(known))
        summary = memo.summaries.get((*alike, marks.own))
        if summary is None or summary is not made:
            interp.spending.found = dict(found)  # what was found since is void
        if summary is not None:
            break
        memo.misses += 1
        try:
            made = _make(interp, memo, function, shape, marks, running)
        except Touched as error:
            known |= error.pools
            interp.look_at(error.pools)
            continue
        memo.summaries[*alike, marks.own] = made
        known |= made.touched
        if first:
            summary = made
            break
    memo.hits += made is None
    if summary.own.ran & running:
        raise Refused
    interp.look_at(summary.touched)
    return summary, marks, summary is made


# -- making one
def _make(
    interp: Interpreter,
    memo: Memo,
    function: ir.Function,
    shape: Shape,
    marks: Marks,
    running: frozenset[str],
) -> Summary:
    facts = set(shape.facts)
    given = {key for key, _ in shape.sites}
    work = 0
    for _ in range(_RUNS):
        found = dict(interp.spending.found)
        own, reader, catcher = _begin(interp, shape, marks, facts, running)
        try:
            result = _follow(own, function, dict(shape.frame))
        except BaseException:  # where it takes too long: what was found rests on what was read until then
            note(interp.program, reader.names())
            raise
        work += own.own_work
        wanted = {want for want in own.wanted if want[0] not in given}
        if not wanted:
            break
        facts |= wanted
        interp.spending.found = found  # what was found is void
    else:
        own.finding("internal", "the analysis does not settle", "report this")
    end = None if own.state.dead else own.state
    raised = {}
    for name, state in catcher.caught() if catcher is not None else ():
        raised[name] = state, state.frame.pop(tracebacks.EXCEPTION)
    states = [*([] if end is None else [end]), *(state for state, _ in raised.values())]
    alive = {own.keys[obj >> 1] for state in states for obj in state.cells}
    touched = own.pools.union(*(state.high for state in states))
    for pool, before, _ in marks.own:
        if pool not in own.filled and all(state.high.get(pool) is before for state in states):
            touched.discard(pool)  # whatever is charged of it, it is no matter of this function's
    return Summary(
        Ran.on(own),
        shape.cells,
        dict(shape.worlds),
        len(shape.sites),
        end,
        result,
        raised,
        frozenset(fact for fact in facts - shape.facts if fact[0] in alive),
        frozenset(pool for pool in touched if not is_own_tuples(pool)),
        reader.names(),
        asked_by(own),
        {**own.summaries_work, int.from_bytes(os.urandom(8)): work},
    )


def _follow(own: Interpreter, function: ir.Function, frame: dict[str, Value]) -> Value:
    from hardtack.analysis import calls

    return calls.run_body(own, function, frame)


def _begin(
    interp: Interpreter,
    shape: Shape,
    marks: Marks,
    facts: set[tuple[Hashable, str]],
    running: frozenset[str],
) -> tuple[Interpreter, Reader, exceptions.Catcher | None]:
    """Return an interpreter that stands where a call of a shape begins."""
    reader = Reader(unwatched(interp.program))
    own = Interpreter(reader.program, interp.models, set(facts))
    own.untold = interp.untold | marks.untold
    own.handlers = interp.handlers
    own.on_unset = exceptions.may_be_unset
    own.unset = interp.unset
    own.spending = interp.spending
    own.is_summary = True
    own.roots = frozenset(f"ψ{number}_" for number in range(len(shape.names.of_root)))
    own.around = running
    own.passed = dict(shape.passed)
    for key, of in shape.sites:
        own.site(key, of)
    state = own.state
    state.cells = dict(shape.cells)
    own.constants = dict(shape.constants)
    own.originals = {obj: shape.cells[obj] for obj in shape.as_made}
    state.worlds = dict(shape.worlds)
    held = set(shape.held)
    for pool, before, alive in marks.own:
        if before is not None:
            state.high[pool] = before
        if not alive.is_zero:
            obj = own.site(("set aside", pool), SiteOf("set aside", "", None)) * 2
            state.cells[obj] = Cell("set aside", pooled=alive, pool=cast("str", pool))
            held.add(obj)
    state.frames = [{HELD: Value(frozenset(held))}] if held else [{}]
    catcher = None
    if interp.catching:
        catcher = exceptions.Catcher(1, frozenset(), CAUGHT, ("around",))
        own.catching.append(catcher)
    return own, reader, catcher


# -- using one
def _apply(
    interp: Interpreter,
    function: ir.Function,
    summary: Summary,
    out: Outward,
    marks: Marks,
) -> Value:
    own, state = summary.own, interp.state
    note(interp.program, summary.names)
    interp.ran |= own.ran
    interp.pools |= summary.touched
    interp.filled |= summary.touched
    interp.paths.update(map(out.text, summary.asks.paths))
    if not isinstance(interp.asks, Asks):
        interp.asks = Asks()
    interp.asks.add(Asks(summary.asks.parts))
    interp.spend(len(out.shape.taken) + len(state.cells))
    if not interp.shaping:
        _note_peak(interp, function, summary, out, marks)
    _report(interp, summary, out)
    for name, (raised, value) in sorted(summary.raised.items()):
        after = state.copy()
        exception = install(interp, after, raised, value, summary, out, marks)
        exceptions.pass_through(interp, after, exception, name)
    if summary.end is None:
        state.dead = True
        return NOTHING
    result = install(interp, state, summary.end, summary.result, summary, out, marks)
    register = interp.scratch_register("returned")
    interp.write(register, result)
    interp.touched()
    interp.collect()
    return interp.state.frame.pop(register)


def _report(interp: Interpreter, summary: Summary, out: Outward) -> None:
    own, renaming = summary.own, out.renaming
    for finding in map(out.finding, own.findings):
        interp.findings.setdefault(finding, None)
        interp.spending.found.setdefault(finding, None)
    for reason, finding in own.reasons.items():
        interp.reasons[out.text(reason)] = out.finding(finding)
    for assumption in own.assumptions:
        file, line = (
            (assumption.file, assumption.line) if assumption.file else (interp.at.file, interp.at.line)
        )
        interp.assumptions.setdefault(
            replace(assumption, text=out.text(assumption.text), file=file, line=line), None
        )
    for key, bound in own.rounds.items():
        rounds, before = renaming.size(bound.rounds), interp.rounds.get(key)
        interp.rounds[key] = replace(bound, rounds=rounds if before is None else before.rounds | rounds)
    for path, classes in own.passed.items():
        interp.passed.setdefault(out.text(path), classes)
    interp.facts |= {(out.key(key), fact) for key, fact in own.told}
    interp.told |= {(out.key(key), fact) for key, fact in own.told}
    for site, fact in (*own.wanted, *summary.facts):
        entry = (out.key(site), fact)
        if entry not in interp.facts:
            interp.wanted.add(entry)


def _each(size: Size) -> list[Size]:
    """Return sizes, of which one is the greatest: to take them one by one keeps a sum of them short."""
    return [size] if size.is_top else [Size((polynomial,)) for polynomial in size.polynomials]


def _note_peak(
    interp: Interpreter, function: ir.Function, summary: Summary, out: Outward, marks: Marks
) -> None:
    """Raise the peak to the most that was live in the call, beside what was set aside."""
    state, own = interp.state, summary.own
    interp.collect()
    rest = State(
        [],
        {
            obj: cell
            for obj, cell in state.cells.items()
            if obj not in out.shape.taken or obj in out.shape.set_aside
        },
        {pool: size for pool, size in state.high.items() if pool not in marks.pools},
        state.garbage,
        state.worlds,
    )
    scalars, common = interp.scalars(), add_up(marks.common.values())
    live = rest.shares()
    beside = rest.live(live) + scalars
    beside += common
    higher = False
    for one in _each(out.renaming.size(own.peak)):
        higher |= interp.raise_peak(beside + one, raising=False)
    frames = beside + exceptions.frames_around(interp)
    for one in _each(out.renaming.size(own.raising)):
        higher |= interp.raise_peak(frames + one, raising=interp.is_summary)
    if not higher:
        return
    inside = own.moment
    moment = Moment(
        0.0,
        (
            *((one.function.name, one.at) for one in interp.activations[1:]),
            (function.name, interp.at),
            *((name, out.place(at)) for name, at in inside.stack),
        ),
        tuple((out.site(site), out.renaming.size(size)) for site, size in inside.shares),
        scalars + out.renaming.size(inside.besides),
        add_up(rest.high.values()) + common + out.renaming.size(inside.pools),
        state.garbage + out.renaming.size(inside.cycles),
        live,
    )
    moment.value = guess(beside + out.renaming.size(inside.bytes))
    if moment.value > interp.moment.value:
        interp.moment = moment
