"""The abstract interpreter: runs a function's IR on states, and keeps the most bytes that were ever live.

Owns the current state, the stack of functions that run, the peak, and what was found on the way; what each
operation does stands in `operations`, `branches`, `loops`, `calls`, `constructing`, `exceptions`,
`generators`.

Invariants: a value that is kept while anything may be allocated stands in a register, since allocation
renames objects; a temporary dies at the end of the operation that reads it; where there is a finding there is
no bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from hardtack.analysis import alternatives, footprints, ir, results
from hardtack.analysis.domain import FLOAT, GROWABLE, NO, NOTHING, Cell, Value, add_up, is_older
from hardtack.analysis.marks import Touched
from hardtack.analysis.states import State, greatest
from hardtack.analysis.unset import unset_reads
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Set

    from hardtack.analysis.domain import Object, Site
    from hardtack.analysis.footprints import Kept
    from hardtack.analysis.models import Models
    from hardtack.analysis.recursion import Rounds
    from hardtack.analysis.states import Share
    from hardtack.analysis.ways import Choices


class TooLong(Exception):
    """The analysis of an entry takes too long."""


@dataclass(slots=True)
class Exits:
    """The states in which a function, or a loop in it, was left early."""

    returns: list[State] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


@dataclass(slots=True)
class Activation:
    """A function that runs: which call of it this is, and how it was left so far."""

    function: ir.Function
    context: int
    at: ir.Place
    exits: Exits = field(default_factory=Exits)


@dataclass(frozen=True, slots=True)
class SiteOf:
    """Where the objects of a site are made, or which ones they are."""

    what: str  # a kind; a path, for what existed before
    function: str
    place: ir.Place | None
    single: bool = True  # of what existed before: whether the path leads to one object


@dataclass(slots=True)
class Moment:
    """The moment of the peak, as far as it is known: for the chain.

    Most moments are soon followed by a greater one: so which shares are alive together, of those in `split`,
    is found out when it is asked for.
    """

    value: float = -1.0
    stack: tuple[tuple[str, ir.Place], ...] = ()
    known: tuple[tuple[Site, Size], ...] = ()
    besides: Size = ZERO
    pools: Size = ZERO
    cycles: Size = ZERO
    split: list[Share] = field(default_factory=list)

    @property
    def shares(self) -> tuple[tuple[Site, Size], ...]:
        """What the sites of living objects have."""
        if self.split:
            self.known = (*greatest(self.split, guess), *self.known)
            self.split = []
        return self.known

    @property
    def bytes(self) -> Size:
        """All of it."""
        return add_up([*(size for _, size in self.shares), self.besides, self.pools, self.cycles])

    def substitute(self, sizes: Mapping[str, Size]) -> Moment:
        """Return it with sizes in the place of symbols; its value is anew about how large it is."""
        found = Moment(
            0.0,
            self.stack,
            tuple((site, size.substitute(sizes)) for site, size in self.shares),
            self.besides.substitute(sizes),
            self.pools.substitute(sizes),
            self.cycles.substitute(sizes),
        )
        found.value = guess(found.bytes)
        return found


Handler: TypeAlias = "Callable[[Interpreter, ir.Operation], None]"
_MOST_WORK = 1_500_000  # objects and terms that are looked at for one entry
_MOST_IN_VAIN = 500_000  # the same once there is a finding, and so no bound
_GUESS = 1000  # what a symbol is taken for when two moments are compared


@dataclass(slots=True)
class Spending:
    """The work that the analysis of one entry takes, that of summaries included.

    Attributes:
        work: all of it.
        paid: the summaries, by number, that are counted in it: each is once, whether it was made or found.
        goes_on: whether a bound is wanted in spite of findings.
        found: the findings, so that all there is left to find are others; of a summary by its own names.
        met: functions that were called: what they ask for is known now.
    """

    work: int = 0
    paid: set[int] = field(default_factory=set)
    goes_on: bool = False
    found: dict[results.Finding, None] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def spend(self, work: int) -> None:
        """Count work.

        Raises:
            TooLong: there was too much of it.
        """
        self.work += work
        if self.work > (_MOST_IN_VAIN if self.found and not self.goes_on else _MOST_WORK):
            raise TooLong


class Interpreter:
    """Runs functions of a program on states.

    Attributes:
        program: what is run.
        models: what stands in for what has no source.
        state: what is known now.
        peak: the most bytes that were live so far.
        facts: what an earlier run found out about sites: see `want`.
        untold: of a summary: pools that callers have something of, and it was not told what.
    """

    untold: frozenset[str | Kept] = frozenset()

    def __init__(
        self,
        program: ir.Program,
        models: Models,
        facts: set[tuple[Hashable, str]],
    ) -> None:
        self.program = program
        self.models = models
        self.facts = facts
        self.wanted: set[tuple[Hashable, str]] = set()
        self.state = State()
        self.peak = ZERO
        self.raising = ZERO  # of a summary: the peak when a traceback has all frames around it, these aside
        self.moment = Moment()
        self.activations: list[Activation] = []
        self.at = ir.Place("", 0, 0)
        self.findings: dict[results.Finding, None] = {}
        self.reasons: dict[str, results.Finding] = {}
        self.assumptions: dict[results.Assumption, None] = {}
        self.rounds: dict[tuple[str, int], results.LoopBound] = {}
        self.sites: dict[Hashable, Site] = {}
        self.site_of: list[SiteOf] = []
        self.keys: list[Hashable] = []
        self.contexts: dict[Hashable, int] = {}
        self.catching: list[object] = []  # what exceptions go to: see exceptions.Catcher
        self.recursions: dict[str, Rounds] = {}
        self.weak = 0  # how many calls are not followed: see recursion.py
        self.handlers: dict[type[object], Handler] = {}
        self.loop_hints: dict[Hashable, object] = {}
        self.shaping = 0  # loops that look for the shape of their heads: sizes and the peak do not count
        self.constants: dict[Object, object] = {}
        self.passed: dict[str, frozenset[str]] = {}  # classes that a path leads through
        # lengths of attributes that are stated never to change: by function, and the place of the reading
        self.fixed: dict[tuple[str, ir.Register], int] = {}
        # what an operation does that reads what has no value
        self.on_unset: Callable[[Interpreter], None] = lambda _: None
        self.unset: dict[str, frozenset[int]] = {}  # operations that may read it, of functions
        self._released = False
        self.spending = Spending()
        self.is_summary = False
        self.roots: frozenset[str] = frozenset()  # that paths start from: arguments
        self.originals: dict[Object, Cell] = {}  # what a path led to when it was first asked for
        self.parts: dict[tuple[Object, str], Value] = {}  # the same of a part
        self.around: frozenset[str] = frozenset()  # of a summary: functions that run around it
        self.asks: object = None  # what the summaries that it used ask: see shapes.Asks
        self.asked: dict[tuple[Object, str | None], Cell] = {}  # see parameters.also_written, also_added
        self.paths: set[str] = set()  # that led anywhere
        self.choices: Choices | None = None  # of branches, where a way through a loop is run by itself
        self.limited = False  # whether an argument's stated limit stood for its length or value
        self.tells = False  # whether the argument's own does, up to that limit
        self.ran: set[str] = set()  # functions
        self.summaries_work: dict[int, int] = {}  # of the summaries that it used: see summaries.Summary
        self.own_work = 0
        self.pools: set[str | Kept] = set()  # that were ever charged
        self.filled: set[str | Kept] = set()  # of which something was alive
        self.told: set[tuple[Hashable, str]] = set()  # facts that are known where an object is made
        self.yielders: list[object] = []  # who consumes the generators that run: see generators.Yielder
        self._counter = 0

    @property
    def work(self) -> int:
        """Objects that operations found, and terms of sizes: the same on every machine."""
        return self.spending.work

    # -- running
    @property
    def activation(self) -> Activation:
        """The function that runs."""
        return self.activations[-1]

    @property
    def context(self) -> int:
        """Which call of it this is, as a number."""
        return self.activations[-1].context if self.activations else 0

    def block(self, block: ir.Block) -> None:
        """Run a block's operations."""
        unset, handlers = self._unset_reads(), self.handlers
        for operation in block.operations:
            state = self.state
            if state.dead:
                return
            self.at = operation.at
            self.spend(len(state.cells) + 4)
            if id(operation) in unset:
                self.on_unset(self)
            handler = handlers.get(type(operation))
            if handler is None:
                self.finding("unsupported", f"{type(operation).__name__} is not analysed", "rewrite it")
                continue
            handler(self, operation)

    def _unset_reads(self) -> frozenset[int]:
        function = self.activation.function
        found = self.unset.get(function.name)
        if found is None:
            found = self.unset[function.name] = unset_reads(function)
        return found

    def spend(self, work: int) -> None:
        """Count work that the analysis takes.

        Raises:
            TooLong: there was too much of it.
        """
        self.own_work += work
        self.spending.spend(work)

    def read(self, register: ir.Register) -> Value:
        """Return what a register holds; no run goes on where it holds nothing."""
        value = self.state.frames[-1].get(register)
        if value is None or (not value.objects and value.is_nothing):
            if register.startswith("%") and value is None and not self.state.dead:
                self.finding("internal", f"{register} holds nothing", "report this")
            self.state.dead = True
            return NOTHING
        return value

    def write(self, register: ir.Register, value: Value) -> None:
        """Bind a register; what it held before is let go of."""
        frame = self.state.frames[-1]
        before = frame.get(register)
        if before is not None and before.objects:
            self._released = True
        frame[register] = value

    def release(self, *registers: ir.Register) -> None:
        """Let go of temporaries; other registers stay."""
        for register in registers:
            if register[:1] == "%":
                self.unbind(register)

    def unbind(self, register: ir.Register) -> None:
        """Let go of what a register holds."""
        value = self.state.frames[-1].pop(register, None)
        if value is not None and value.objects:
            self._released = True

    def touched(self) -> None:
        """Say that something may have died."""
        self._released = True

    def different_activations(self) -> list[Activation]:
        """Return the functions that run, each once; a generator's consumer runs on top of it again."""
        return list({id(one): one for one in self.activations}.values())

    def next_symbol(self) -> int:
        """Return a number for symbols that nobody else has."""
        self._counter += 1
        return self._counter

    def scratch_register(self, hint: str) -> ir.Register:
        """Return a register that nobody else uses, the same one each time that the program comes by."""
        frame, number = self.state.frame, 0
        while (register := f"%{hint}{number}") in frame:
            number += 1
        frame[register] = NO
        return register

    # -- what was found
    def finding(self, kind: str, message: str, remedy: str, at: ir.Place | None = None) -> None:
        """Report that there is no bound."""
        found = self._found(kind, message, remedy, at)
        self.spending.found.setdefault(found, None)
        self.findings.setdefault(found, None)

    def unbounded(self, kind: str, message: str, remedy: str, at: ir.Place | None = None) -> Size:
        """Return a size without a bound, which becomes a finding if any figure depends on it."""
        found = self._found(kind, message, remedy, at)
        reason = f"{message} ({found.file}:{found.line})"
        self.reasons[reason] = found
        return Size.unbounded(reason)

    def _found(self, kind: str, message: str, remedy: str, at: ir.Place | None) -> results.Finding:
        place = at or self.at
        return results.Finding(kind, place.file, place.line, place.column, message, remedy)

    def assume(self, text: str) -> None:
        """Note what the bound takes for granted."""
        self.assumptions.setdefault(results.Assumption(text, self.at.file, self.at.line), None)

    # -- the peak
    def note(
        self, extra: Size = ZERO, transient: tuple[str, Size] | None = None, *, raising: bool = False
    ) -> None:
        """Raise the peak to what is live now, and for a moment besides; in a summary frames around aside."""
        state = self.state
        if state.dead:
            return
        self.collect()
        if self.shaping:
            state.open_pools(transient)
            self.look_at(state.high.keys())
            return
        self.filled.update(state.fill_pools(transient))
        self.look_at(state.high.keys())
        self.pools.update(state.high)
        besides = extra + self.scalars()
        live = state.shares()
        now = state.live(live) + besides
        self.spend(sum(map(len, now.polynomials)))
        if not self.raise_peak(now, raising=raising):
            return
        value = guess(now)
        if value > self.moment.value:
            stack = tuple((a.function.name, a.at) for a in self.activations[1:])
            here = self.activation.function.name if self.activations else ""
            pools = add_up(state.high.values())
            self.moment = Moment(value, (*stack, (here, self.at)), (), besides, pools, state.garbage, live)

    def look_at(self, pools: Set[str | Kept]) -> None:
        """Say that pools are looked at.

        Raises:
            Touched: callers have something of them, which the call is to be told when it begins.
        """
        if not self.untold.isdisjoint(pools):
            raise Touched(self.untold & pools)

    def raise_peak(self, size: Size, *, raising: bool) -> bool:
        """Raise a peak to a size; tells whether it was less."""
        before = self.raising if raising else self.peak
        if before.dominates(size):
            return False
        if raising:
            self.raising |= size
        else:
            self.peak |= size
        return True

    def scalars(self) -> Size:
        """Return the bytes of the integers and floats that registers hold."""
        frames = self.state.frames
        return add_up([footprints.scalar(one) for frame in frames for one in frame.values() if one.fresh])

    def collect(self) -> None:
        """Let what nothing refers to die."""
        if not self._released:
            return
        self._released = False
        for obj, cell in self.state.collect():
            self._died(obj, cell)
        alternatives.tell_apart(self.state)

    def _died(self, obj: Object, cell: Cell) -> None:
        """Keep charging what CPython keeps for reuse: floats, tuples of no known length in any size."""
        floats = sum(value.fresh and bool(value.plain & FLOAT) for value in cell.values())
        if floats and cell.owned:
            self.state.keep(
                footprints.KEPT["float"], (cell.length | 1) * floats * (100 if is_older(obj) else 1)
            )
        if footprints.is_tuple_of_any_size(cell):
            most = Size.const(footprints.ANY_TUPLE)  # one of each size, where one at a time was alive
            if is_older(obj):  # each has 48 bytes at least; CPython keeps at most 2,000 of a size
                most = (cell.bytes * (footprints.ANY_TUPLE // 48 + 1) + most).at_most(
                    2000 * footprints.ANY_TUPLE
                )
            pool = f"tuples of {obj >> 1}"
            self.state.high[pool] = self.state.high.get(pool, ZERO) | most

    # -- sites
    def site(self, key: Hashable, what: SiteOf) -> Site:
        """Return the number of a site."""
        number = self.sites.get(key)
        if number is None:
            number = self.sites[key] = len(self.site_of)
            self.site_of.append(what)
            self.keys.append(key)
        return number

    def new(
        self,
        tag: str,
        make: Callable[[], Cell],
        *,
        extra: Size = ZERO,
        quiet: bool = False,
        uneven: bool = False,
        what: str = "",
    ) -> Object:
        """Allocate an object at the operation that runs.

        Args:
            tag: tells what one operation makes apart.
            make: gives the cell; it reads registers after older objects of the site were renamed.
            extra: bytes that are live besides, for a moment.
            quiet: leave the peak alone: more is made at once, which notes it.
            uneven: see `footprints.sized`.
            what: what it is to a reader, if not the tag.
        """
        self.collect()
        self.spend(len(self.state.cells))
        place = self.at
        function = self.activation.function.name
        key = (self.context, function, place.line, place.column, tag)
        site = self.site(key, SiteOf(what or tag, function, place))
        if uneven:
            self.facts.add((key, "uneven"))
            self.told.add((key, "uneven"))
        self.state.demote(site, lambda cell: self.as_many(key, cell))
        obj = site * 2
        cell = make()
        self.state.put(obj, cell if cell.kind not in GROWABLE else self.sized(obj, cell))
        older = self.state.cells.get(obj | 1)
        if older is not None and older.shared:
            self.state.grow(obj | 1, self.as_many(key, self.state.cells[obj]).bytes)
        if not quiet:
            self.note(extra)
        return obj

    def as_many(self, key: Hashable, cell: Cell) -> Cell:
        """Return a cell with the bytes that it has as one of several."""
        if cell.kind in GROWABLE and (key, "grown") in self.facts:
            uneven, boxed = (key, "uneven") in self.facts, (key, "boxed") in self.facts
            return footprints.as_many(cell, uneven=uneven, boxed=boxed)
        return cell

    def sized(self, obj: Object, cell: Cell) -> Cell:
        """Return a cell with the bytes of one object, as far as what is known of its site goes."""
        if not self.facts:
            return footprints.sized(cell)
        uneven, boxed = self.knows(obj, "uneven"), self.knows(obj, "boxed")
        return footprints.sized(cell, uneven=uneven, boxed=boxed)

    def are_mixed(self, keys: Value) -> bool:
        """Tell whether some keys of a dict are of type str and others are not: a new table is made then."""
        texts = {self.state.cells[obj].kind == "str" for obj in keys.objects}
        return len(texts | ({False} if keys.number is not None or keys.plain else set())) > 1

    def key_of(self, obj: Object) -> Hashable:
        """Return the key of an object's site."""
        return self.keys[obj >> 1]

    def knows(self, obj: Object, fact: str) -> bool:
        """Tell whether an earlier run found a fact about an object's site."""
        return (self.key_of(obj), fact) in self.facts

    def want(self, obj: Object, fact: str) -> None:
        """Have the analysis start again with a fact about an object's site: this run's figures are void."""
        entry = (self.key_of(obj), fact)
        if entry not in self.facts:
            self.wanted.add(entry)

    def context_of(self, key: Hashable) -> int:
        """Return the number of a call context: the same whatever was called before."""
        found = self.contexts.get(key)
        if found is None:
            text = repr(key).encode("utf-8", "surrogatepass")
            found = self.contexts[key] = int.from_bytes(blake2b(text, digest_size=6).digest())
        return found


@lru_cache(maxsize=4096)
def guess(size: Size) -> float:
    """Return about how large a size is, to tell which of two is the greater one."""
    if size.is_top:
        return -1.0
    return size.evaluate(dict.fromkeys(size.symbols(), _GUESS))
