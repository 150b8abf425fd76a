"""What is charged of blocks that CPython keeps for reuse when a call begins, of those that it looks at.

Which those are is known when the function was followed: a run that looks at more, of which there is
something, is given up at once, for one that is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hardtack.analysis.domain import add_up

if TYPE_CHECKING:
    from hardtack.analysis.domain import Site
    from hardtack.analysis.footprints import Kept
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.shapes import Shape
    from hardtack.symbolic import Size


OWN_TUPLES: Final = "tuples of "  # and a site


def is_own_tuples(pool: str | Kept) -> bool:
    """Tell whether a pool is of the tuples of one site, whose number means nothing to another interpreter."""
    return isinstance(pool, str) and pool.startswith(OWN_TUPLES)


class Touched(Exception):
    """A call looks at pools of which it was not told what its callers have."""

    def __init__(self, pools: frozenset[str | Kept]) -> None:
        super().__init__()
        self.pools = pools


@dataclass(slots=True)
class Marks:
    """What is charged of some pools, and what of it is alive and set aside.

    What both have is in the mark at every moment of the call: it is taken off both, and added to each mark
    that comes out. So calls are alike that have as much room below their marks.

    Attributes:
        own: of each pool of which anything is left: the mark and what is set aside, by own names.
        common: what was taken off, by the caller's.
        pools: all that were looked for.
        untold: of which there is something, too.
    """

    own: tuple[tuple[str | Kept, Size | None, Size], ...]
    common: dict[str | Kept, Size]
    pools: frozenset[str | Kept]
    untold: frozenset[str | Kept]

    @classmethod
    def of(cls, interp: Interpreter, shape: Shape, pools: frozenset[str | Kept] | None) -> Marks:
        """Return what is charged of some pools, or of all, when a call of a shape begins."""
        state, size = interp.state, shape.renaming.size
        sites: dict[str | Kept, set[Site]] = {}
        for obj, cell in state.cells.items():
            if cell.pool and obj not in shape.taken:
                sites.setdefault(cell.pool, set()).add(obj >> 1)
        having = frozenset(pool for pool in state.high.keys() | sites.keys() if not is_own_tuples(pool))
        if pools is None:
            pools = having
        own: list[tuple[str | Kept, Size | None, Size]] = []
        common: dict[str | Kept, Size] = {}
        for pool in sorted(pools & having, key=repr):
            before = state.high.get(pool)
            held = add_up(state.of_site(site)[1] for site in sites.get(pool, ()))
            if before is not None:
                common[pool] = both = before.common(held)
                before, held = before.minus(both), held.minus(both)
            if not held.is_zero or not (before is None or before.is_zero):
                own.append((pool, None if before is None else size(before), size(held)))
        return cls(tuple(own), common, pools, having - pools)
