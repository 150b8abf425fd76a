"""Generic classes: what type variables stand for in an object, and of which types one object may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir
from hardtack.analysis.records import replace

if TYPE_CHECKING:
    from hardtack.analysis.domain import Cell


def field(program: ir.Program, cell: Cell, name: str) -> ir.Type | None:
    """Return the type of a field that is declared by type variables, for one object; None where it is not.

    The code of a generic class, which all of its objects share, only has what is true of all.
    """
    known = program.classes.get(cell.name)
    declared = dict(known.generic).get(name) if known is not None and known.generic else None
    if declared is None:
        return None
    given = cell.type.arguments if isinstance(cell.type, ir.Instance) and cell.type.name == cell.name else ()
    return _replaced(declared, given)


def held(known: ir.Class, type_: ir.Instance) -> tuple[ir.Type, ...]:
    """Return what an instance of a class holds as the built-in container that the class is below."""
    found = (_replaced(one, type_.arguments) for one in known.held)
    return tuple(ir.Instance("builtins.object") if one is None else one for one in found)


def _replaced(type_: ir.Type, given: tuple[ir.Type, ...]) -> ir.Type | None:
    """Return a type with what is given for type variables; None where that is too little."""
    match type_:
        case ir.TypeArgument(index):
            return given[index] if index < len(given) else None
        case ir.Instance():
            arguments = _all_replaced(type_.arguments, given)
            return None if arguments is None else replace(type_, arguments=arguments)
        case ir.TupleOf():
            items = _all_replaced(type_.items, given)
            return None if items is None else ir.TupleOf(items)
        case ir.Union():
            items = _all_replaced(type_.items, given)
            return None if items is None else _union(items)
        case ir.CallableType():
            found = _all_replaced((*type_.parameters, type_.result), given)
            return None if found is None else replace(type_, parameters=found[:-1], result=found[-1])
    return type_


def _all_replaced(types: tuple[ir.Type, ...], given: tuple[ir.Type, ...]) -> tuple[ir.Type, ...] | None:
    found = [_replaced(one, given) for one in types]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else None


def _union(items: tuple[ir.Type, ...]) -> ir.Type:
    flat: dict[ir.Type, None] = {}
    for item in items:
        flat.update(dict.fromkeys(item.items if isinstance(item, ir.Union) else (item,)))
    return next(iter(flat)) if len(flat) == 1 else ir.Union(tuple(flat))


def may_meet(program: ir.Program, left: ir.Type, right: ir.Type) -> bool:
    """Tell whether one object may be of both of two types.

    One may be what the code of a generic class or function has of the other: what is true of all types.
    """
    if left == right or isinstance(left, ir.Unknown) or isinstance(right, ir.Unknown):
        return True
    if isinstance(left, ir.Recursive) and isinstance(right, ir.Recursive):
        return True  # what they stand for may have them in it, and so on
    if isinstance(left, ir.Recursive) or isinstance(right, ir.Recursive):
        return may_meet(program, _whole(program, left), _whole(program, right))
    if isinstance(left, ir.Union) or isinstance(right, ir.Union):
        return any(may_meet(program, a, b) for a in _but_none(left) for b in _but_none(right))
    if isinstance(left, ir.Instance) and isinstance(right, ir.Instance):
        if left.name == right.name:
            pairs = zip(left.arguments, right.arguments, strict=False)
            return all(may_meet(program, a, b) for a, b in pairs)
        return related(program, left.name, right.name)
    return True


def _whole(program: ir.Program, type_: ir.Type) -> ir.Type:
    """Return what an alias that contains itself stands for, of any other type itself."""
    return program.globals[type_.name] if isinstance(type_, ir.Recursive) else type_


def _but_none(type_: ir.Type) -> tuple[ir.Type, ...]:
    items = type_.items if isinstance(type_, ir.Union) else (type_,)
    return tuple(one for one in items if one != ir.Instance("builtins.None"))


def related(program: ir.Program, left: str, right: str) -> bool:
    """Tell whether one object may be of both of two classes."""
    if left == right or "builtins.object" in {left, right}:
        return True
    a, b = program.classes.get(left), program.classes.get(right)
    if a is None or b is None or a.is_protocol or b.is_protocol:
        return True
    return left in b.lineage or right in a.lineage or bool({*a.subclasses} & {*b.subclasses})
