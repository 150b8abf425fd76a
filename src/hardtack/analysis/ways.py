"""The ways through one round of a loop, each by itself: which numbers change together.

A round as a whole may join pieces, and may begin to collect anew. That it does the first only where it does
the second is seen on its ways: so what is joined adds up to all pieces, not to the most in every round.

Invariant: every run of a round is one of the ways, or there is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.interpreting import Activation, Interpreter
    from hardtack.analysis.states import State

_MOST = 6


@dataclass(slots=True)
class Choices:
    """Which side each branch of a round takes, in the function that has the loop; other branches take all.

    Attributes:
        activation: the function's.
        taken: the sides of the branches that are met, in their order; from there on the first.
        counts: how many sides each of those had that were met.
    """

    activation: Activation
    taken: list[int]
    counts: list[int] = field(default_factory=list)

    def side(self, count: int) -> int:
        """Return the side that the next branch takes, of so many."""
        if len(self.counts) == len(self.taken):
            self.taken.append(0)
        self.counts.append(count)
        return self.taken[len(self.counts) - 1]


def each(interp: Interpreter, run: Callable[[], State]) -> list[State]:
    """Return the states to which each way of a round leads; nothing where there is one way, or too many."""
    found: list[State] = []
    taken: list[int] = []
    at = interp.at  # a part of the names of sites
    while len(found) < _MOST:
        interp.at = at
        choices = interp.choices = Choices(interp.activation, taken)
        try:
            found.append(run())
        finally:
            interp.choices = None
        if len(choices.counts) < len(choices.taken):
            return []  # the branches of one round are not those of the one before
        while choices.taken and choices.taken[-1] + 1 == choices.counts[-1]:
            choices.taken.pop()
            choices.counts.pop()
        if not choices.taken:
            return found if len(found) > 1 else []
        choices.taken[-1] += 1
        taken = choices.taken
    return []
