"""Built-ins that draw from an iterator: `enumerate`, `zip`, `map`, `filter`, `reversed`, `iter`, `keys`.

A model cannot say that an item is made only when it is asked for.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from hardtack.analysis import access, constructing, footprints, integers, iteration
from hardtack.analysis.domain import Cell, Value
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter

# a view, and what an iterator over its pairs takes more than others do, at most
_VIEW = footprints.SIZES.of("dict item iterator")


def draw(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make an iterator that makes its items when it is asked."""
    bare = name.rpartition(".")[2]
    keywords = dict(arguments.keywords)
    start = keywords.pop("start", None)
    keywords.pop("strict", None)
    positional = list(arguments.positional)
    if keywords or not positional or (bare == "iter" and len(positional) != 1):
        return None
    function = positional.pop(0) if bare in {"map", "filter"} else None
    if bare == "enumerate" and len(positional) == 2:
        start = positional.pop()
    if _any_of(interp, positional, "instance"):
        _over_instances(interp, bare, positional)
        return None
    if _any_of(interp, positional, "generator"):
        if bare == "iter":
            return interp.read(positional[0])
        interp.finding("generator", f"{bare}() over a generator", "make a list of it first")
    constructing.pass_tuple(interp, len(arguments.positional))
    if arguments.keywords:  # zip() gets them in a dict, which CPython keeps for reuse
        interp.note(transient=("dict", footprints.structure("dict", Size.const(1))))
    counts = [iteration.count(interp, interp.read(register)) for register in positional]
    rounds = reduce(integers.lesser, counts)

    def make() -> Cell:
        fields = {str(index): interp.read(register) for index, register in enumerate(positional)}
        if function is not None:
            fields["function"] = interp.read(function)
        if start is not None:
            fields["start"] = interp.read(start)
        size = footprints.drawing(bare, len(positional))
        return Cell("iterator", bare, rounds, bytes=size, fields=fields)

    return Value(frozenset((interp.new(bare, make),)))


def _over_instances(interp: Interpreter, bare: str, registers: Sequence[str]) -> None:
    """Leave what goes over an instance to the models; that of zip() does not look at what it goes over."""
    if bare == "zip":
        access.refuse_instances(interp, bare, *map(interp.read, registers))


def view(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make the view of a dict that `keys`, `values` or `items` returns."""
    bare = name.rpartition(".")[2]
    (register,) = arguments.positional

    def make() -> Cell:
        value = interp.read(register)
        length = access.length(interp, value)
        return Cell("iterator", bare, length, bytes=_VIEW, fields={"0": value})

    return Value(frozenset((interp.new(bare, make),)))


def _any_of(interp: Interpreter, registers: Sequence[str], kind: str) -> bool:
    return any(
        cell.kind == kind for register in registers for _, cell in access.cells(interp, interp.read(register))
    )
