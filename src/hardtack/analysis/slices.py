"""How many items a slice takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, integers
from hardtack.analysis.domain import NONE, Value
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from hardtack.analysis.integers import Number
    from hardtack.analysis.interpreting import Interpreter


def span(interp: Interpreter, index: Value, length: Size) -> Size:
    """Return the most items that a slice takes of a sequence of some length."""
    most: Size | None = None
    for _, cell in access.cells(interp, index):
        parts = [cell.fields.get(str(number), Value(plain=NONE)) for number in range(3)]
        if cell.kind != "slice" or not cell.owned:
            return length
        step = _known(parts[2])
        if not _is_none(parts[2]) and (step is None or not step.low.is_zero):
            return length  # backward, `stop` limits nothing
        found = _span(parts[0], parts[1], _from_first(parts[0], cell.fields.get("3"), length))
        most = found if most is None else most | found
    return length if most is None else most


def is_stepped(interp: Interpreter, index: Value) -> bool:
    """Tell whether a slice may have a step, be it 1."""
    return any(
        cell.kind == "slice" and not (cell.owned and "2" in cell.fields and _is_none(cell.fields["2"]))
        for _, cell in access.cells(interp, index)
    )


def _span(start: Value, stop: Value, length: Size) -> Size:
    first, last = _known(start), _known(stop)
    if (last is None and not _is_none(stop)) or (first is None and not _is_none(start)):
        return length
    limits: list[Size] = []
    if last is not None and last.low.is_zero:
        # before `stop`, from `start` on if that counts from the beginning too
        known = first.least if first is not None and first.low.is_zero else 0
        limits.append(last.high.minus(known))
        gap = _gap(first, last)
        if gap is not None:
            limits.append(Size.const(gap))
    if first is not None and last is None and first.high.is_zero and first.low.as_const() is not None:
        limits.append(first.low)  # [-5:]
    for limit in limits:
        value = limit.as_const()
        if value is not None:
            length = length.at_most(int(value))
    if length.is_top or integers.is_open(length):
        return next((limit for limit in limits if not limit.is_top), length)
    return length


def _from_first(start: Value, width: Value | None, length: Size) -> Size:
    """Return the most items of `a:a + n`: n, of a negative `a` too, which counts from the end."""
    first, by = _known(start), _known(width) if width is not None else None
    most = by.high.as_const() if by is not None else None
    return length if first is None or most is None else length.at_most(int(most))


def _known(value: Value) -> Number | None:
    return value.number if not value.objects and not value.plain else None


def _is_none(value: Value) -> bool:
    return not value.objects and value.number is None


def _gap(first: Number | None, last: Number) -> int | None:
    """Return the most that lies between two integers that stem from the same one."""
    if first is None or first.origin is None or last.origin is None or first.origin[0] != last.origin[0]:
        return None
    if not first.low.is_zero:
        return None
    low, high = first.origin[1], last.origin[2]
    return None if low is None or high is None else max(high - low, 0)
