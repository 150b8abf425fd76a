"""Hypothesis against a bound: it looks for a call that holds more, and makes the one it finds small."""

from __future__ import annotations

import copy
import typing
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from values import adversarial, strategy

from hardtack.lab.measuring import measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.lab.measuring import Bound


def searchable(function: Callable[..., Any]) -> bool:
    """Return whether a function takes nothing but what can be made from its annotations."""
    hints = typing.get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    try:
        for hint in hints.values():
            next(adversarial(hint))
    except TypeError:
        return False
    return bool(hints)


def search(bound: Bound, function: Callable[..., Any], examples: int = 200) -> None:
    """Look for a call that holds more than its bound, from a function's annotations.

    What two parameters of one type are given is one object in some of the calls.

    Raises:
        AssertionError: with the smallest call that was found.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    alike = [(a, b) for a in hints for b in hints if a < b and hints[a] == hints[b]]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.fixed_dictionaries({name: strategy(hint) for name, hint in hints.items()}),
        st.sampled_from([None, *alike]),
    )
    def holds(values: dict[str, Any], pair: tuple[str, str] | None) -> None:
        chosen = values if pair is None else values | {pair[1]: values[pair[0]]}
        promised = bound.for_call(**copy.deepcopy(chosen))
        for place in ("outside", "inside"):
            peak = measure(function, lambda: ((), copy.deepcopy(chosen)), place=place).peak
            assert peak <= promised, (
                f"{function.__qualname__}(**{chosen!r}) holds {peak}, its bound is {promised}"
            )

    holds()
