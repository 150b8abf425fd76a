"""What a coroutine takes that is counted or checked, held against one that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hardtack import bound
from hardtack.lab.measuring import given, measure
from programs import counted

if TYPE_CHECKING:
    from collections.abc import Callable


def run(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs a coroutine which waits for nothing."""

    def to_its_end(argument: object) -> object:
        try:
            function(argument).send(None)
        except StopIteration as end:
            return end.value

    return to_its_end


@pytest.mark.parametrize(
    ("function", "argument"),
    [(counted.awaited_step_by_step, 11), (counted.awaited_and_checked, "x" * 500)],
)
def test_a_counted_or_checked_coroutine_takes_no_more_than_its_bound(function, argument):
    promised = bound(f"{counted.__file__}:{function.__name__}").for_call(argument)
    assert measure(run(function), lambda: given(argument), place="outside").peak <= promised
