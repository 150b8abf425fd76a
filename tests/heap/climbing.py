"""Finding memory as a waiting thread does, without the wait's other parts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hardtack.heap.reclaim import ladder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.heap import Heap


def climb(heap: Heap, amount: int, fits: Callable[[], bool] | None = None, **options: object) -> list[float]:
    """Climb the ladder until there is room, or to its end; return the pauses that were asked for."""
    pauses = []
    for pause in ladder_of(heap).steps(heap, amount, fits or (lambda: heap.room >= amount), **options):  # type: ignore[arg-type]
        pauses.append(pause)
        if pause:
            threading.Event().wait(pause)
    return pauses
