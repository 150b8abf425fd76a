"""The most memory that one call really held, in a heap of its own, and bounds held against it.

It owns how a figure is come by; it knows nothing of how a bound is found (a `Bound` is anything with
`for_call`). A figure is of a warm call: it was made once before, with arguments like these, so imports,
compiled patterns, classes' first instances and inline caches are not in it. It is of a cold allocator:
CPython's free lists are emptied first, since they would hide what the call allocates, and automatic
collection is off, so cyclic garbage counts until the call's end. All sizes are bytes, rounded up to the
heap's size classes.

    >>> def squares(n: int) -> list[int]:
    ...     return [number * number for number in range(n)]
    >>> small, large = (measure(squares, lambda: given(n)) for n in (10, 1000))
    >>> small.peak < large.peak, large.kept <= large.peak, large.retained
    (True, True, 0)
"""

from __future__ import annotations

import gc
import statistics
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from hardtack.heap import Heap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
Make: TypeAlias = "Callable[[], Arguments]"
Place: TypeAlias = Literal["outside", "inside"]


def given(*args: Any, **kwargs: Any) -> Arguments:  # noqa: ANN401 - a call's arguments are anything
    """Return the arguments of a call in the form that a `Make` returns them in."""
    return args, kwargs


class Bound(Protocol):
    """What `hardtack.bound` returns, as far as this module needs it."""

    def for_call(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - a call's arguments are anything
        """Return the bytes that the call with these arguments holds at most."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one call did in a heap of its own. All sizes are bytes beyond what was live before.

    Attributes:
        peak: the most that was live while it ran.
        kept: live when it had ended, its result (or its exception, with the traceback) held; what CPython's
            free lists hold is in it.
        returned: what letting go of the result, or the exception, gave back, free lists emptied.
        retained: what is live without the result: kept by an argument or a global. Cyclic garbage is not.
        outcome: "returned", or the name of the exception that it raised.
    """

    peak: int
    kept: int
    returned: int
    retained: int
    outcome: str


@contextmanager
def _settled() -> Iterator[None]:
    """Have nothing but the call allocate: no collection by itself, no tracer, for which frames are made.

    Collections that are asked for look only at what is new, and call nobody back: what a callback (Hypothesis
    has one) lets go of would lie in the free lists for the call to find.
    """
    enabled, tracer, profiler = gc.isenabled(), sys.gettrace(), sys.getprofile()
    callbacks = gc.callbacks.copy()
    gc.callbacks.clear()
    sys.settrace(None)
    sys.setprofile(None)
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.callbacks.extend(callbacks)
        if enabled:
            gc.enable()
        sys.setprofile(profiler)
        sys.settrace(tracer)


def measure(function: Callable[..., Any], make: Make, *, place: Place = "outside", warm: int = 1) -> Measured:
    """Call a function once in a fresh heap and return what it held.

    Args:
        function: called with what `make` returns; a method is given unbound, its object the first argument.
        make: returns new arguments, equal ones each time, since a call may change them.
        place: where the arguments are made. "inside": in the heap as well, before the call, so that a list
            that the call makes grow is copied there, at the call's expense. What the call frees of them
            lowers its figure.
        warm: calls made before, outside every heap, each with arguments of its own.
    """
    for _ in range(warm):
        args, kwargs = make()
        _outcome(function, args, kwargs)
        del args, kwargs
    heap = Heap(None, name="measured")
    with _settled():
        args, kwargs = heap.run(make) if place == "inside" else make()
        call = (function, *args)  # now, since this leaves a list in a free list for the call to find
        gc.collect()
        before = heap.live
        heap.reset_peak()
        result, outcome = _outcome(heap.run, call, kwargs)
        peak, kept = heap.peak - before, heap.live - before
        gc.collect()
        held = heap.live - before
        del result
        gc.collect()
        retained = heap.live - before
        del args, kwargs, call
    return Measured(peak, kept, held - retained, retained, outcome)


def _outcome(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[object, str]:
    """Call, and return the result or the exception, and what to call it."""
    try:
        return function(*args, **kwargs), "returned"
    except Exception as error:  # noqa: BLE001 - whatever a function raises is its outcome
        return error, type(error).__name__


@dataclass(frozen=True, slots=True)
class Case:
    """One call, held against its bound.

    Attributes:
        number: which of the inputs it was, from 0.
        place: where its arguments were made.
        bound: bytes, as the bound had it for these arguments.
        measured: what the call held.
    """

    number: int
    place: Place
    bound: int
    measured: Measured

    @property
    def ratio(self) -> float:
        """Return bound / peak; what held nothing counts as if it had held what it was promised."""
        return self.bound / self.measured.peak if self.measured.peak else 1.0


@dataclass(slots=True)
class Verdict:
    """A bound, held against many calls.

    Attributes:
        name: whose bound it is.
        cases: every call that was measured.
        refused: the inputs that the bound was not for.
    """

    name: str
    cases: list[Case] = field(default_factory=list)
    refused: int = 0

    @property
    def violations(self) -> list[Case]:
        """Return the calls that held more than their bound."""
        return [case for case in self.cases if case.measured.peak > case.bound]

    @property
    def tightest(self) -> float | None:
        """Return the least ratio of bound to peak, of the calls that held anything; None if none did."""
        return min(self._ratios(), default=None)

    @property
    def median(self) -> float | None:
        """Return the median ratio of bound to peak, of the calls that held anything; None if none did."""
        ratios = self._ratios()
        return statistics.median(ratios) if ratios else None

    @property
    def largest(self) -> int:
        """Return the greatest peak in bytes."""
        return max((case.measured.peak for case in self.cases), default=0)

    def _ratios(self) -> list[float]:
        return [case.ratio for case in self.cases if case.measured.peak]

    def __str__(self) -> str:
        if not self._ratios():
            return f"{self.name}: {len(self.cases)} calls, nothing allocated"
        return (
            f"{self.name}: {len(self.cases)} calls, {len(self.violations)} violations, "
            f"largest peak {self.largest} bytes, tightest ratio {self.tightest:.2f}, median {self.median:.2f}"
        )


def check(
    name: str,
    bound: Bound,
    function: Callable[..., Any],
    inputs: Iterable[Make],
    *,
    places: Sequence[Place] = ("outside", "inside"),
    refusals: tuple[type[Exception], ...] = (),
) -> Verdict:
    """Hold a bound against a function's calls on many inputs.

    The bound is asked before the call, on the very arguments: the call may change them.

    Args:
        name: for the verdict.
        bound: of that function.
        function: see `measure`.
        inputs: makers of arguments.
        places: where the arguments are made; every input is measured once for each.
        refusals: what `for_call` may raise for an input that it is not for, which is then left out.
    """
    verdict = Verdict(name)
    for number, make in enumerate(inputs):
        args, kwargs = make()
        try:
            promised = bound.for_call(*args, **kwargs)
        except refusals:
            verdict.refused += 1
            continue
        finally:
            del args, kwargs
        for place in places:
            verdict.cases.append(Case(number, place, promised, measure(function, make, place=place)))
    return verdict
