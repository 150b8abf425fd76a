"""The analysis of one entry, whole: symbolic arguments in, `results.Analysed` out.

A run may find that objects of a site are changed where only all of them together are known; the figures of
such a run are void, and another one is made that has known it from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import (
    access,
    branches,
    calls,
    exceptions,
    footprints,
    generators,
    ir,
    loops,
    operations,
    parameters,
    recursion,
    results,
    tracebacks,
    whiles,
)
from hardtack.analysis.as_analysed import classes_taken
from hardtack.analysis.domain import NO, NOTHING, Cell, Value
from hardtack.analysis.interpreting import Activation, Interpreter, Spending, TooLong
from hardtack.analysis.joining import join_states
from hardtack.analysis.records import replace
from hardtack.analysis.renaming import is_of_caller
from hardtack.analysis.states import State
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hardtack.analysis.models import Models

_RUNS = 8
_WORTH = 4096  # bytes: a bound below is little beside what a call costs anyway
_GENERATORS = frozenset({"generator", "async generator"})
_STEPS = (
    "the generator's steps count as part of the call, each item let go of before the next one is asked for"
)


def analyse(
    program: ir.Program,
    entry: str,
    models: Models,
    *,
    assume: bool = False,
) -> results.Analysed:
    """Return the bound of one function, or the findings for which there is none.

    Args:
        program: what was loaded.
        entry: the function's full name.
        models: of what has no source.
        assume: give a number in spite of findings; it is marked as assumed.

    Raises:
        KeyError: if there is no such function.
    """
    function = program.functions[entry]
    spending = Spending(goes_on=assume)
    run = _settled(program, function, models, spending, tells=False)
    found = run.result(assume=assume)
    if not run.interp.limited or found.peak is None or _at(found.peak) < _WORTH:
        return found
    told = _settled(program, function, models, spending, tells=True).result(assume=False)
    if told.peak is None or told.peak.dominates(found.peak):
        return found
    symbols = sorted({*found.symbols, *((name, meaning(name)) for name in told.peak.symbols())})
    return replace(found, within=told.peak, symbols=tuple(symbols))


def _at(size: Size) -> int:
    return size.evaluate(dict.fromkeys(size.symbols(), 1))


def _settled(
    program: ir.Program, function: ir.Function, models: Models, spending: Spending, *, tells: bool
) -> _Run:
    """Return the run that has known from the start what runs before it found.

    Args:
        program: as `analyse` takes it.
        function: the entry.
        models: as `analyse` takes them.
        spending: the work that the entry has taken.
        tells: whether the arguments' own lengths and numbers count where limits are stated.
    """
    facts: set[tuple[Hashable, str]] = set()
    for _ in range(_RUNS):
        run = _Run(program, function, models, facts)
        run.interp.spending = spending
        run.interp.tells = tells
        spending.found.clear()
        try:
            run.go()
        except TooLong:
            run.stop()
        except RecursionError:
            run.interp.finding(
                "internal", "the analysis nests too deeply", "split the function", function.place
            )
        except Exception as error:  # noqa: BLE001 - a fault of ours is a finding, and never a number
            run.interp.finding("internal", f"{type(error).__name__}: {error}", "report this")
            run.interp.wanted.clear()
        if not run.interp.wanted:
            break
        facts = facts | run.interp.wanted
    else:
        run.interp.finding("internal", "the analysis does not settle", "report this", function.place)
    return run


class _Run:
    """One run of an entry."""

    def __init__(
        self,
        program: ir.Program,
        function: ir.Function,
        models: Models,
        facts: set[tuple[Hashable, str]],
    ) -> None:
        self.function = function
        self.interp = Interpreter(program, models, facts)
        for module in (operations, branches, calls, loops, whiles, exceptions, generators):
            self.interp.handlers.update(module.HANDLERS)
        self.interp.on_unset = exceptions.may_be_unset
        self.interp.roots = frozenset(parameter.name for parameter in function.parameters)
        self.checks = False
        self.returned: Size = ZERO
        self.retained: dict[str, Size] = {}

    def go(self) -> None:
        """Run the entry's function on symbolic arguments."""
        interp, function = self.interp, self.function
        interp.at = function.place
        unknown = [name for name in function.decorators if name.rpartition(".")[2] not in calls.TRANSPARENT]
        unknown += [name for name in function.decorators if name.startswith(("functools.", "contextlib."))]
        if unknown:
            interp.finding(
                "unsupported", f"{function.name} is decorated with @{unknown[0]}", "analyse what it decorates"
            )
        if set(function.free) - {"__class__"}:  # a method that says super() has its class in a cell
            interp.finding("unsupported", "an inner function by itself", "analyse the function around it")
            return
        interp.activations.append(Activation(function, 0, function.place))
        self._enter()
        self._check()
        interp.note()
        if function.kind in _GENERATORS:
            self._drive()
        interp.block(function.body)
        ends = interp.activation.exits.returns
        if not interp.state.dead:
            interp.write(operations.RESULT, NO)
            ends.append(interp.state)
        tracebacks.keep_frame(ends, function)
        for end in ends:
            end.frames[-1] = {operations.RESULT: end.frame[operations.RESULT]}
        interp.state = join_states(ends, "end")
        if self.checks:
            calls.may_break(interp)
        if not interp.state.dead:
            self._account(interp.state)
        if function.kind in _GENERATORS:  # the result is the generator, with all that it comes to hold
            self.returned = interp.peak

    def _enter(self) -> None:
        """Make the frame, with symbolic arguments in it."""
        interp, function = self.interp, self.function
        frame = interp.state.frame
        for parameter in function.parameters:
            frame[parameter.name] = parameters.symbolic(interp, parameter.type, parameter.name)
            self._gather(parameter)
        # the caller holds the arguments, whatever the function does to its variables
        interp.state.frames.append(dict(frame))
        for name in function.cells:
            operations.make_cell(interp, name, name if name in frame else None)
        if function.kind != "function":  # the generator or coroutine lives as long as its body runs
            size = generators.made_of(function)
            made = interp.new(function.kind, lambda: Cell("gathered", bytes=size))
            interp.state.frames[0]["$object"] = Value(frozenset((made,)))

    def stop(self) -> None:
        """Say that it takes too long; where there is a finding already, that there may be more of them."""
        interp, place = self.interp, self.function.place
        interp.wanted.clear()
        interp.findings |= {one: None for one in interp.spending.found if is_of_caller(one.message)}
        if interp.findings:
            interp.finding(
                "unfinished",
                "there is no bound already, and to look for more findings takes long: there may be more",
                "settle the others first",
                place,
            )
            return
        interp.finding(
            "internal",
            "the analysis takes too long: too many calls and loops inside one another",
            "say what the costliest function holds: @assume_bound",
            place,
        )

    def _check(self) -> None:
        """Hold what @checked and @recursive hold while the function runs: its arguments, gathered anew."""
        interp, count = self.interp, len(self.function.parameters)
        made = recursion.wrapped(interp, self.function, count, count)
        self.checks = made is not None
        if made is not None:
            interp.state.frames[0]["$check"] = made
            calls.may_break(interp)

    def _gather(self, parameter: ir.Parameter) -> None:
        """Charge the call for what `*args` and `**keywords` are gathered in."""
        interp = self.interp
        if parameter.kind in {"star", "stars"}:
            length = access.length(interp, interp.state.frame[parameter.name])
            kind = "tuple" if parameter.kind == "star" else "dict"
            size = footprints.structure(kind, length)
            made = interp.new(f"*{parameter.name}", lambda: Cell("gathered", bytes=size))
            interp.write(f"$*{parameter.name}", Value(frozenset((made,))))

    def _drive(self) -> None:
        """Have a generator that is an entry run to its end, its items let go of one by one."""
        from hardtack.analysis.iteration import Consumer

        interp = self.interp
        interp.assume(_STEPS)
        interp.state.frames.insert(0, {})
        item = "%driven"
        consumer = Consumer(("driven",), item, lambda: interp.unbind(item))
        interp.activations.insert(0, Activation(self.function, -1, self.function.place))
        interp.yielders.append(generators.Yielder(interp.activation, consumer, interp.next_symbol(), 0))

    def _account(self, state: State) -> None:
        """Tell what the result keeps alive from what outlives the call otherwise, and by which argument."""
        result = state.frame.get(operations.RESULT, NOTHING)
        state.frames = [{"result": result}]
        state.collect()
        seen: set[int] = set()
        for obj in sorted(state.cells):
            cell = state.cells[obj]
            if cell.owned:
                continue
            new = [one for one in state.reached([obj]) if one not in seen]
            seen.update(new)
            size = _bytes_of(state, [one for one in new if state.cells[one].owned]) + cell.whole
            if not size.is_zero:
                name = _holder(self.interp, obj)
                self.retained[name] = self.retained.get(name, ZERO) + size
        if not state.garbage.is_zero:
            self.retained["cycles"] = state.garbage
        mine = [obj for obj in state.reached(result.objects) if state.cells[obj].owned and obj not in seen]
        self.returned = _bytes_of(state, mine) + _scalar(result)

    # -- the result
    def result(self, *, assume: bool) -> results.Analysed:
        """Return what was found."""
        interp = self.interp
        findings = list(interp.findings)
        for size in (interp.peak, self.returned, *self.retained.values()):
            reasons = sorted(size.reasons)
            findings += [interp.reasons[reason] for reason in reasons if reason in interp.reasons]
            left_open = any("β" in name or "λ" in name for name in size.symbols())
            if left_open and not any(finding.kind == "internal" for finding in findings):
                interp.at = self.function.place
                findings.append(
                    results.Finding(
                        "internal", interp.at.file, interp.at.line, 0, "a loop was left open", "report this"
                    )
                )
            for reason in reasons:
                if reason not in interp.reasons:
                    findings.append(
                        results.Finding(
                            "growth", interp.at.file, self.function.place.line, 0, reason, "bound the number"
                        )
                    )
        findings = list(dict.fromkeys(findings))
        bounded = not findings or (assume and not interp.peak.is_top)
        symbols = sorted(
            {
                name
                for size in (interp.peak, self.returned, *self.retained.values())
                for name in size.symbols()
            }
        )
        return results.Analysed(
            entry=self.function.name,
            peak=interp.peak if bounded else None,
            returned=self.returned,
            retained=tuple(sorted(self.retained.items())),
            symbols=tuple((name, meaning(name)) for name in symbols),
            parameters=tuple(_starred(parameter) for parameter in self.function.parameters),
            chain=self._chain(),
            loops=tuple(interp.rounds.values()),
            assumptions=tuple(interp.assumptions),
            findings=tuple(findings),
            assumed=bounded and bool(findings),
            defaults=tuple(
                (parameter.name, parameter.default)
                for parameter in self.function.parameters
                if parameter.has_default and parameter.default_register is None
            ),
            taken=tuple(
                (parameter.name, classes_taken(interp.program, parameter.type))
                for parameter in self.function.parameters
                if parameter.kind not in {"star", "stars"}
            ),
            optional=tuple(one.name for one in self.function.parameters if one.has_default),
            keyword_only=tuple(one.name for one in self.function.parameters if one.kind == "keyword"),
        )

    def _chain(self) -> tuple[results.Link, ...]:
        interp = self.interp
        moment = interp.moment
        shares: dict[tuple[str, str, int, str], Size] = {}
        for site, size in moment.shares:
            of = interp.site_of[site]
            place = of.place or self.function.place
            key = (of.function or self.function.name, place.file, place.line, of.what)
            shares[key] = shares.get(key, ZERO) + size
        links = [
            results.Link(*key, size) for key, size in sorted(shares.items(), key=lambda one: -_rank(one[1]))
        ]
        if moment.stack and not moment.besides.is_zero:
            name, at = moment.stack[-1]
            links.append(results.Link(name, at.file, at.line, "for a moment", moment.besides))
        place = self.function.place
        for what, size in (("kept for reuse by CPython", moment.pools), ("cycles", moment.cycles)):
            if not size.is_zero:
                links.append(results.Link(self.function.name, place.file, place.line, what, size))
        return tuple(links)


def _rank(size: Size) -> float:
    from hardtack.analysis.interpreting import guess

    return guess(size)


def _starred(parameter: ir.Parameter) -> str:
    return {"star": "*", "stars": "**"}.get(parameter.kind, "") + parameter.name


def _holder(interp: Interpreter, obj: int) -> str:
    return parameters.root_of(interp.site_of[obj >> 1].what)


def _bytes_of(state: State, objects: list[int]) -> Size:
    total = ZERO
    for site in {obj >> 1 for obj in objects}:
        size, pooled = state.of_site(site)
        total += size + pooled
    return total


def _scalar(value: Value) -> Size:
    from hardtack.analysis.footprints import scalar

    return scalar(value)


def meaning(symbol: str) -> str:
    """Return what a symbol means, in words."""
    name, _, path = symbol.partition("(")
    path = path.removesuffix(")")
    return {
        "len": f"length of {path}",
        "maxlen": f"length of the longest of {path}",
        "total": f"sum of the lengths of the items of {path}",
        "max": f"greatest of {path}, at least 0",
        "neg": f"how far {path} lies below 0",
        "extra": f"30-bit digits of {path} beyond one: 0 below 2**30",
    }.get(name, f"value of {symbol}, at least 0")
