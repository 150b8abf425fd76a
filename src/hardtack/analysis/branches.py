"""`If`, and what a test tells: facts narrow ranges, lengths and what a value may refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hardtack.analysis import access, integers, ir, parameters
from hardtack.analysis.domain import BOOL, FLOAT, NONE, NOTHING, OTHER, PATH_KIND, Value
from hardtack.analysis.joining import join_states, split
from hardtack.analysis.records import replace
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardtack.analysis.domain import Cell
    from hardtack.analysis.interpreting import Handler, Interpreter

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_PLAIN_CLASSES = {
    "builtins.bool": BOOL,
    "builtins.float": FLOAT,
    "builtins.None": NONE,
    "builtins.complex": OTHER,
}


def branch(interp: Interpreter, place: object, ways: Sequence[Callable[[], None]]) -> None:
    """Run one of several ways to go on, each from the state as it is now, and join what comes of them."""
    if len(ways) == 1:
        ways[0]()
        return
    choices = interp.choices
    if choices is not None and choices.activation is interp.activation:
        ways[choices.side(len(ways))]()
        interp.collect()
        return
    join = (interp.context, place)
    split(interp.state, join)
    before, ends = interp.state, []
    for way in ways:
        interp.state = before.copy()
        way()
        interp.collect()
        ends.append(interp.state)
    interp.state = join_states(ends, join)


def _if(interp: Interpreter, op: ir.If) -> None:
    truth = _truth(interp.read(op.condition))
    if interp.state.dead:
        return
    interp.release(op.condition)

    def way(facts: tuple[ir.Fact, ...], block: ir.Block) -> Callable[[], None]:
        def run() -> None:
            learn(interp, facts)
            if not interp.state.dead:
                interp.block(block)

        return run

    place = ("if", op.at, id(op))
    both = {True: way(op.if_true, op.then), False: way(op.if_false, op.otherwise)}
    branch(interp, place, [run for side, run in both.items() if truth in {None, side}])


def _truth(value: Value) -> bool | None:
    """Tell whether a value is true, where its number says so: a flag that is set, or is not, in a call."""
    number = value.number
    if number is None or value.objects or value.plain:
        return None
    if number.least > 0:
        return True
    return False if number.high.is_zero and number.low.is_zero else None


# -- facts
def learn(interp: Interpreter, facts: tuple[ir.Fact, ...]) -> None:
    """Narrow what is known by what holds from here on; the state dies where it cannot."""
    for fact in facts:
        if interp.state.dead:
            return
        _learn(interp, fact.subject, fact.relation, fact.operand, fact.offset)
        if isinstance(fact.operand, str) and fact.relation in _MIRRORED:
            _learn(interp, fact.operand, _MIRRORED[fact.relation], fact.subject, -fact.offset)


def _learn(
    interp: Interpreter,
    subject: str,
    relation: str,
    operand: str | int | tuple[str, ...] | None,
    offset: int,
) -> None:
    value = _find(interp, subject)
    if value is None:
        return
    if relation in _MIRRORED:
        bound = _bound(interp, operand)
        if bound is None or interp.state.dead:
            return
        bound = integers.plus(bound, offset)
        if subject.startswith("len:"):
            _limit_length(interp, subject, value, relation, bound)
        else:
            _limit_number(interp, subject, value, relation, bound)
    elif relation in {"is", "is not"} and operand is None:
        narrowed = (
            _only_none(interp, value) if relation == "is" else replace(value, plain=value.plain & ~NONE)
        )
        _rebind(interp, subject, narrowed)
    elif relation in {"isinstance", "not isinstance"} and isinstance(operand, tuple):
        _rebind(interp, subject, _of_class(interp, value, operand, wanted=relation == "isinstance"))
    elif relation == "true":
        _rebind(interp, subject, replace(value, plain=value.plain & ~NONE))


def _path(subject: str) -> list[str]:
    return subject.removeprefix("len:").split(".")


def _find(interp: Interpreter, subject: str) -> Value | None:
    """Return what a fact is about, as far as it is known by now."""
    register, *attributes = _path(subject)
    value = interp.state.frame.get(register)
    for name in attributes:
        if value is None or not access.strong(interp, value):
            return None
        (obj,) = value.objects
        value = interp.state.cells[obj].fields.get(name)
        cell = interp.state.cells[obj]
        if value is not None and not cell.owned and not parameters.also_written(interp, obj, name).is_nothing:
            return None
    return value


def _rebind(interp: Interpreter, subject: str, value: Value) -> None:
    if value.is_nothing:
        interp.state.dead = True
        return
    register, *attributes = _path(subject)
    if not attributes:
        interp.write(register, value)
        return
    holder = interp.state.frame[register]
    for name in attributes[:-1]:
        (obj,) = holder.objects
        holder = interp.state.cells[obj].fields[name]
    (obj,) = holder.objects
    interp.state.put(obj, interp.state.cells[obj].with_field(attributes[-1], value))


def _bound(interp: Interpreter, operand: object) -> integers.Number | None:
    if isinstance(operand, int):
        return integers.constant(operand)
    if not isinstance(operand, str):
        return None
    value = _find(interp, operand)
    if value is None:
        return None
    if operand.startswith("len:"):
        return integers.Number(access.length(interp, value)) if _has_length(interp, value) else None
    return value.number if not value.objects else None


def _has_length(interp: Interpreter, value: Value) -> bool:
    kinds = {cell.kind for _, cell in access.cells(interp, value)}
    return bool(kinds) and not kinds & {"unknown", "instance", "lump", "iterator", "generator"}


def _limit_number(
    interp: Interpreter, subject: str, value: Value, relation: str, bound: integers.Number
) -> None:
    number = value.number
    if number is None or value.objects or value.plain & ~NONE:
        return
    if relation in {"<", "<=", "=="}:
        number = integers.at_most(number, bound.high, offset=1 if relation == "<" else 0)
    if relation in {">", ">=", "=="}:
        least = bound.least if bound.low.is_zero else _negative(bound.low)
        if least is not None:
            number = integers.at_least(number, least + (1 if relation == ">" else 0))
    highest = number.high.as_const()
    if highest is not None and number.least > highest:
        interp.state.dead = True
        return
    _rebind(interp, subject, replace(value, number=number, plain=0))


def _negative(low: Size) -> int | None:
    value = low.as_const()
    return None if value is None else -int(value)


def _limit_length(
    interp: Interpreter, subject: str, value: Value, relation: str, bound: integers.Number
) -> None:
    if relation not in {"<", "<=", "=="} or not _has_length(interp, value):
        return
    limit = bound.high.minus(1) if relation == "<" else bound.high
    now = access.length(interp, value)
    known = limit.as_const()
    new = now.at_most(int(known)) if known is not None else limit if now.is_top else now
    if all(cell.kind in parameters.IMMUTABLE for _, cell in access.cells(interp, value)):
        _rebind(interp, subject, replace(value, length=new))
    elif access.strong(interp, value):
        (obj,) = value.objects
        cell = interp.state.cells[obj]
        if cell.owned:
            return  # its table stays as long as it was
        added = ZERO if cell.owned else parameters.also_added(interp, obj)
        if added.is_zero:
            interp.state.cells[obj] = replace(cell, length=new)


# -- classes
def _only_none(interp: Interpreter, value: Value) -> Value:
    none = value.plain & NONE or any(_may_be_none(interp, cell) for _, cell in access.cells(interp, value))
    return Value(plain=NONE) if none else NOTHING


def _may_be_none(interp: Interpreter, cell: Cell) -> bool:
    """Tell whether what stands for an object may stand for None as well: it has no class that None lacks."""
    if cell.kind in {"unknown", "lump"}:
        return not isinstance(cell.type, ir.CallableType)
    known = interp.program.classes.get(cell.name)
    return cell.name == "builtins.object" or (known is not None and known.is_protocol and not cell.owned)


def _of_class(interp: Interpreter, value: Value, classes: tuple[str, ...], *, wanted: bool) -> Value:
    """Return what of a value is (or is not) of some classes, as far as that is certain."""
    kept = set()
    for obj, cell in access.cells(interp, value):
        fits = _fits(interp, cell.kind, cell.name, classes, owned=cell.owned)
        if fits is None or fits is wanted:
            kept.add(obj)
    plain = 0
    for name, bit in _PLAIN_CLASSES.items():
        if value.plain & bit and (name in classes) is wanted:
            plain |= bit
    if value.plain & BOOL and "builtins.int" in classes and wanted:
        plain |= BOOL
    if "builtins.object" in classes:
        plain = value.plain if wanted else 0
    number = value.number
    if number is not None and ("builtins.int" in classes) is not wanted and "builtins.object" not in classes:
        number = None
    return replace(value, objects=frozenset(kept), plain=plain, number=number)


def _fits(interp: Interpreter, kind: str, name: str, classes: tuple[str, ...], *, owned: bool) -> bool | None:
    """Tell whether an object is of one of some classes; None where that is not certain."""
    if kind in {"unknown", "lump"} or not name:
        return None
    if kind in {"sequence", "mapping"}:
        return True if name in classes or "builtins.object" in classes else None
    if kind == PATH_KIND:  # whether it is a Path or a PurePath is not followed
        if "pathlib.PurePath" in classes or "builtins.object" in classes:
            return True
        return False if all(one in parameters.KINDS for one in classes) else None
    builtin = parameters.KINDS.get(name)
    if builtin is not None:
        if name in classes or "builtins.object" in classes:
            return True
        return False if all(_cannot_be(interp, name, one) for one in classes) else None
    known = interp.program.classes.get(name)
    if known is None:
        return None
    if any(one in known.lineage for one in classes):
        return True
    if owned:
        return False
    return None if any(one in known.subclasses or not _is_plain(interp, one) for one in classes) else False


def _cannot_be(interp: Interpreter, builtin: str, name: str) -> bool:
    """Tell whether an instance of a built-in class is none of another class, as far as there are any."""
    if parameters.KINDS.get(name) or name.startswith("builtins."):
        return True
    known = interp.program.classes.get(name)
    if known is None or not known.in_sources or known.is_protocol:
        return False
    rows = [interp.program.classes.get(one) for one in (name, *known.subclasses)]
    return not any(row is None or builtin in row.lineage for row in rows)


def _is_plain(interp: Interpreter, name: str) -> bool:
    """Tell whether a class is one of the sources that no unknown class can share instances with."""
    known = interp.program.classes.get(name)
    if known is None:
        return name in parameters.KINDS or name in {"builtins.int", "builtins.float", "builtins.bool"}
    return not known.is_protocol


HANDLERS: dict[type[object], Handler] = cast("dict[type[object], Handler]", {ir.If: _if})
