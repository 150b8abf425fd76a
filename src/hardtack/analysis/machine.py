"""What a model may ask of the abstract interpreter, and have it do.

A model is a declaration in a TOML file; `models` reads and evaluates it by calling a Machine, which is
`acting.ModelMachine`. Values are opaque to models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.symbolic import Size

V = TypeVar("V")


class Substituted(NamedTuple):
    """How a text came from another: each character is as it was, or something stands in its place.

    Attributes:
        factor: the most characters that came from one.
        put: what the characters are of all that was put in places.
    """

    factor: int
    put: frozenset[object]

    def join(self, other: Substituted) -> Substituted:
        """Return how a text came about that is one of two; of different factors nothing is said."""
        return Substituted(self.factor, self.put | other.put) if self.factor == other.factor else AS_IT_WAS


AS_IT_WAS = Substituted(1, frozenset())


class Machine(Protocol[V]):
    """The abstract machine, in the middle of one call."""

    # -- asking. A question without an answer is an unbounded Size with its reason
    def length(self, value: V) -> Size:
        """Return the most items, characters or bytes that a value holds; of a memoryview it is bytes."""

    def total(self, value: V) -> Size:
        """Return the most that the lengths of a container's items add up to."""

    def width(self, value: V) -> int:
        """Return bytes per character of text at most: 1 if all of it is ASCII, else 2 or 4."""

    def upper(self, value: V) -> Size:
        """Return the largest magnitude of an integer."""

    def digits(self, value: V) -> Size:
        """Return the most 30-bit digits of an integer."""

    def nonnegative(self, value: V) -> bool:
        """Return whether an integer cannot be negative."""

    def element(self, value: V) -> V:
        """Return what a container's items, an iterator's or a generator's may be; a dict's are its keys."""

    def drained(self, value: V, times: Size) -> V:
        """Return what the items are if so many of them are kept.

        Those that are made anew as they are taken (pairs of zip, what a generator yields, characters that are
        not ASCII) are allocated, as many, and are alive together.
        """

    def mapped(self, value: V) -> V:
        """Return what a dict's values may be."""

    def item(self, value: V, index: int) -> V:
        """Return what one item of a tuple may be, where they are known one by one; else any item."""

    def kinds(self, value: V) -> frozenset[str]:
        """Return the kinds that a value may be of.

        none, bool, int, float, complex, str, bytes, bytearray, memoryview, list, tuple, set, frozenset, dict,
        deque, range, slice, byte_stream and text_stream (BytesIO, StringIO), path (of pathlib), iterator
        (generators, views and files too), function (whatever can be called), instance (of a class of the
        sources), and other: anything else, also what is not known.
        """

    def constant(self, value: V) -> object:
        """Return the constant that a value is known to be, else None; of a Struct or Pattern, its format."""

    def substituted(self, value: V) -> tuple[Size, Substituted]:
        """Return the most that the length of what a text came from is, and how it did."""

    def constants(self, value: V) -> tuple[object, ...] | None:
        """Return the constants of which a value is known to be one, as `constant`; else None."""

    def span(self, index: V, length: Size) -> Size:
        """Return the most items that a slice takes of a sequence of that length."""

    def stepped(self, index: V) -> bool:
        """Tell whether a slice may have a step."""

    def steps(self, start: V, stop: V, step: V) -> Size:
        """Return the most integers from start to before stop, by step."""

    def size_of(self, kind: str, length: Size, width: int) -> Size:
        """Return the bytes of an object of a kind."""

    # -- making
    def none(self) -> V:
        """Return None."""

    def boolean(self) -> V:
        """Return a truth value, which costs nothing."""

    def integer(self, low: int | None, high: Size) -> V:
        """Return a fresh int from low to high; without a low, one whose magnitude is at most high."""

    def number(self, operation: str, values: Sequence[V]) -> V:
        """Return the fresh int that an operation on integers gives.

        Args:
            operation: add, sub, mul, floordiv, mod, pow, and, or, xor, lshift, rshift, neg, pos, invert, abs;
                min and max: the least, the greatest of several, which is one of them; hull: anything from the
                least to the greatest. Of what is no integer, nothing is known.
            values: its operands.
        """

    def scalar(self, kind: str) -> V:
        """Return a fresh float or complex."""

    def join(self, values: Sequence[V]) -> V:
        """Return what is one of several."""

    def fresh(
        self,
        kind: str,
        *,
        length: Size,
        times: Size,
        together: Size | None = None,
        element: V | None = None,
        mapped: V | None = None,
        items: Sequence[V] | None = None,
        total: Size | None = None,
        width: int = 1,
        size: Size | None = None,
        holds: Sequence[V] = (),
        substituted: Substituted = AS_IT_WAS,
    ) -> V:
        """Allocate `times` objects of a kind, all alive at the same time.

        Args:
            kind: str, bytes, bytearray, list, tuple, set, frozenset, dict, deque, iterator, generator,
                memoryview, object, ...; the machine knows the bytes that follow from kind and length.
            length: the most items that one has.
            times: how many; one, unless this is the element of a container that is made as well.
            together: the most that the lengths of all of them add up to, if known.
            element: what the items may be; a dict's keys. Of an iterator it was made once: each step makes
                one more, and the one before dies unless it was kept.
            mapped: what a dict's values may be.
            items: a tuple's items, where they are known one by one.
            total: the most that the lengths of one's items add up to.
            width: bytes per character.
            size: bytes of one, instead of what follows from kind and length.
            holds: what each keeps alive besides.
            substituted: how a text came from one that is at most `length / substituted.factor` long.
        """

    def scratch(self, size: Size, beside: V | None = None) -> None:
        """Hold so many bytes for a moment, on top of what is live.

        Args:
            size: how many.
            beside: a value; the fresh number that it may be is live as well.
        """

    # -- changing
    def append(self, container: V, item: V, by: Size) -> None:
        """Grow a list, deque, bytearray or set by so many items; its table is copied as it grows.

        By none: it may be copied as it shrinks.
        """

    def store(self, container: V, key: V, item: V, by: Size) -> None:
        """Put items into a dict, by as many as may be new."""

    def replace_items(self, container: V, item: V) -> None:
        """Put an item in the place of another: the length stays."""

    def hold(self, holder: V, held: V) -> None:
        """Have one object keep another alive."""

    def fill(self, path: V) -> None:
        """Have a path from before the call keep all that it works out; what is no path is a finding."""

    def call(self, function: V, arguments: Sequence[V], times: Size, *, keep: bool = False) -> V:
        """Call a callable so many times, one after the other; return what the results may be.

        Args:
            function: what is called.
            arguments: the same for each call.
            times: how often.
            keep: whether all results are alive together.
        """

    def later(self, function: V, arguments: Sequence[V], gives: V | None) -> V:
        """Return what an iterator's items are that calls a function for each of them when it is taken.

        Args:
            function: what is called.
            arguments: with what.
            gives: what the items are; None: what the function returns.
        """

    def special(self, value: V, name: str, arguments: Sequence[V], times: Size) -> V:
        """Run a special method so many times, and return what it gives.

        A class of the sources runs its own; of a built-in container its model runs, for it may ask its items
        in turn (`__eq__`, `__lt__`, `__hash__`, `__repr__`); other values cost nothing.
        """

    def finding(self, kind: str, message: str, remedy: str) -> None:
        """Report that there is no bound."""

    def assume(self, text: str) -> None:
        """Note something that the bound takes for granted."""
