"""What a model may ask of the abstract interpreter, and have it do.

A model is a declaration in a TOML file; `models` reads and evaluates it by calling a Machine; `interpreting`
is the Machine. Values are opaque to models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.symbolic import Size

V = TypeVar("V")


class Machine(Protocol, Generic[V]):
    """The abstract machine, in the middle of one call."""

    # -- asking. A question without an answer is an unbounded Size with its reason
    def length(self, value: V) -> Size:
        """Return the most items, characters or bytes that a value holds."""

    def total(self, value: V) -> Size:
        """Return the most that the lengths of a container's items add up to."""

    def width(self, value: V) -> int:
        """Return bytes per character of text, 1, 2 or 4: the most it may be."""

    def upper(self, value: V) -> Size:
        """Return the largest value of an integer."""

    def digits(self, value: V) -> Size:
        """Return the most 30-bit digits of an integer."""

    def nonnegative(self, value: V) -> bool:
        """Return whether an integer cannot be negative."""

    def element(self, value: V) -> V:
        """Return what a container's items, an iterator's or a generator's may be; a dict's are its keys."""

    def mapped(self, value: V) -> V:
        """Return what a dict's values may be."""

    # -- making
    def none(self) -> V:
        """Return None, or what costs nothing and has no parts: a bool."""

    def integer(self, low: int | None, high: Size) -> V:
        """Return a fresh int in a range."""

    def scalar(self, kind: str) -> V:
        """Return a fresh float or complex."""

    def join(self, values: Sequence[V]) -> V:
        """Return what is one of several."""

    def fresh(
        self,
        kind: str,
        *,
        length: Size,
        element: V | None = None,
        mapped: V | None = None,
        total: Size | None = None,
        width: int = 1,
        size: Size | None = None,
        holds: Sequence[V] = (),
    ) -> V:
        """Allocate an object of a kind.

        Kinds: str, bytes, bytearray, list, tuple, set, frozenset, dict, deque, iterator, generator,
        memoryview, object, ... Its bytes follow from kind and length, or are `size`.
        `holds`: what it keeps alive besides.
        """

    def scratch(self, size: Size) -> None:
        """Hold so many bytes for a moment, on top of what is live."""

    # -- changing
    def append(self, container: V, item: V, by: Size) -> None:
        """Grow a container by so many items (list.

        Deque, bytearray, set), the copy of its table in reallocation included.
        """

    def store(self, container: V, key: V, item: V, by: Size) -> None:
        """Put items into a dict."""

    def replace_items(self, container: V, item: V) -> None:
        """Put an item in the place of another: the length stays."""

    def hold(self, holder: V, held: V) -> None:
        """Have one object keep another alive."""

    def call(self, function: V, arguments: Sequence[V], times: Size) -> V:
        """Call a callable value so many times, one after the other; returns what the results may be."""

    def special(self, value: V, name: str, arguments: Sequence[V], times: Size) -> V:
        """Run a special method (__eq__.

        __hash__, __lt__, ...) if the value's class defines it in the sources.
        """

    def finding(self, kind: str, message: str, remedy: str) -> None:
        """Report that there is no bound."""

    def assume(self, text: str) -> None:
        """Note something that the bound takes for granted."""
