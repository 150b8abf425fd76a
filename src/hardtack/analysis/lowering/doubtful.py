"""Names that may stand for something else when the program runs than what mypy takes them for.

What a module or a function binds more than once, of which mypy takes the first. To read one is a finding.
"""

from __future__ import annotations

import dis
import types
from typing import TYPE_CHECKING

from mypy import nodes as mn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardtack.analysis.lowering.context import Lowering


def refuse_doubtful(low: Lowering, function: mn.FuncItem, code: types.CodeType) -> None:
    """Note which names that are in doubt a function, or one inside it, reads of its module, or imports."""
    for name, doubt in low.known.names.doubtful(low.scope.module).items():
        for one in _codes(code) if name in _names(code) else ():
            for read in dis.get_instructions(one):
                if read.argval == name and read.opname.startswith(_READS):
                    place = read.positions
                    at = mn.Context(place.lineno or 0, place.col_offset or 0) if place else mn.Context()
                    _refuse(low, at, doubt)
    for line, doubt in low.known.names.in_function(low.scope.module, function):
        _refuse(low, mn.Context(line, 0), doubt)


def _refuse(low: Lowering, at: mn.Context, doubt: str) -> None:
    what = f"{doubt}: which of them it is, is not known"
    low.drop(at, low.unsupported(at, what, "give them different names"))


_READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _names(code: types.CodeType) -> set[str]:
    return {name for one in _codes(code) for name in one.co_names}
