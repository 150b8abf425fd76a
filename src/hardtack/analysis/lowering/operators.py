"""Operators: which special method runs, the left operand's or the right one's reflected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import ir
from hardtack.analysis.mypy_types import NARROWER, instances, is_none

if TYPE_CHECKING:
    from mypy import nodes as mn
    from mypy import types as mt

    from hardtack.analysis.lowering.context import Lowering

BINARY = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "lshift",
    ">>": "rshift",
    "divmod": "divmod",  # mypy takes a call of divmod for an operator
}
COMPARISONS = {
    "<": ("__lt__", "__gt__"),
    "<=": ("__le__", "__ge__"),
    ">": ("__gt__", "__lt__"),
    ">=": ("__ge__", "__le__"),
    "==": ("__eq__", "__eq__"),
    "!=": ("__ne__", "__ne__"),
}
UNARY = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}

# A number's method gives up on one of a higher rank, whose reflected method then runs.
_RANKS = {"builtins.bool": 0, "builtins.int": 0, "builtins.float": 1, "builtins.complex": 2}


def numbers(low: Lowering, known: list[mt.Instance]) -> list[mt.Instance]:
    """Return the classes of a value, and those of numbers that may stand in their place.

    What is typed as a float may be an int, and what is typed as complex may be either (PEP 484).
    """
    found = list(known)
    for instance in known:
        found += [low.builtin(name) for name in NARROWER.get(instance.type.fullname, ())]
    return list(dict.fromkeys(found))


def special_method(low: Lowering, type_: mt.Type | None, name: str, what: str) -> tuple[ir.Callee, ...]:
    """Return what a special method of a type may run, one or more callees for each class of a union."""
    found: dict[ir.Callee, None] = {}
    known = numbers(low, instances(type_))
    for instance in known:
        callees = low.hierarchy.methods(instance.type, name)
        found.update(dict.fromkeys(callees))
    if not known:
        return (ir.Callee("dynamic", name),)
    what = f"{what} runs {name}, which no class that it may have defines"
    return tuple(found) or (ir.Callee("unknown", what),)


def binary_callees(
    low: Lowering, left: mt.Type | None, right: mt.Type | None, names: tuple[str, str], what: str
) -> tuple[ir.Callee, ...]:
    """Return what may run for a binary operator: `names` are the method's and the reflected one's."""
    found: dict[ir.Callee, None] = {}
    lefts, rights = numbers(low, instances(left)), numbers(low, instances(right))
    if not lefts or not rights:
        return _with_none(low, (left, right), (lefts, rights), names, what)
    for one in lefts:
        for other in rights:
            found.update(dict.fromkeys(_pair(low, one, other, names)))
    return tuple(found) or (
        ir.Callee("unknown", f"{what} runs {names[0]}, which no class that it may have defines"),
    )


def _with_none(
    low: Lowering,
    types: tuple[mt.Type | None, mt.Type | None],
    known: tuple[list[mt.Instance], list[mt.Instance]],
    names: tuple[str, str],
    what: str,
) -> tuple[ir.Callee, ...]:
    """Return what runs where an operand is None, or is of no known class."""
    sides = [side or (type_ is not None and is_none(type_)) for type_, side in zip(types, known, strict=True)]
    if not all(sides):
        return (ir.Callee("dynamic", names[0]),)
    if names[0] not in {"__eq__", "__ne__"}:
        return (ir.Callee("unknown", f"{what} on None"),)
    callees = [callee for one in known[0] for callee in low.hierarchy.methods(one.type, names[0])]
    swapped = [reflected for one in known[1] for reflected in _reflected(low, one, names[1])]
    return tuple(dict.fromkeys([*callees, *swapped])) or (ir.Callee("model", f"builtins.object.{names[0]}"),)


def _pair(low: Lowering, left: mt.Instance, right: mt.Instance, names: tuple[str, str]) -> list[ir.Callee]:
    forward = list(low.hierarchy.methods(left.type, names[0]))
    reflected = _reflected(low, right, names[1])
    rank, other = _rank(left), _rank(right)
    if not forward:
        return reflected
    if rank is not None and reflected and (other is None or other > rank):
        return reflected
    if any(callee.kind != "model" for callee in (*forward, *reflected)):
        return [*forward, *reflected]
    return forward


def _reflected(low: Lowering, right: mt.Instance, name: str) -> list[ir.Callee]:
    callees = low.hierarchy.methods(right.type, name)
    return [ir.Callee(callee.kind, callee.name, swapped=True) for callee in callees]


def _rank(instance: mt.Instance) -> int | None:
    return next((_RANKS[base.fullname] for base in instance.type.mro if base.fullname in _RANKS), None)


def binary(
    low: Lowering,
    node: mn.Context,
    operator: str,
    operands: tuple[ir.Register, ir.Register],
    types: tuple[mt.Type | None, mt.Type | None],
    result: ir.Type,
) -> ir.Register:
    """Run a binary operator that is no comparison."""
    stem = BINARY[operator]
    callees = binary_callees(low, *types, (f"__{stem}__", f"__r{stem}__"), f"operator {operator}")
    return low.call(node, callees, operands, result)


def in_place(
    low: Lowering,
    node: mn.Context,
    operator: str,
    operands: tuple[ir.Register, ir.Register],
    types: tuple[mt.Type | None, mt.Type | None],
    result: ir.Type,
) -> ir.Register:
    """Run an augmented assignment's operator: __iadd__ where a class has it, else __add__."""
    stem = BINARY[operator]
    lefts = numbers(low, instances(types[0]))
    with_own = [one for one in lefts if low.hierarchy.methods(one.type, f"__i{stem}__")]
    found: dict[ir.Callee, None] = {}
    for one in with_own:
        found.update(dict.fromkeys(low.hierarchy.methods(one.type, f"__i{stem}__")))
    if len(with_own) < len(lefts) or not lefts or any(callee.kind != "model" for callee in found):
        names = (f"__{stem}__", f"__r{stem}__")
        found.update(dict.fromkeys(binary_callees(low, *types, names, f"operator {operator}=")))
        if with_own:
            found = {callee: None for callee in found if callee.kind != "unknown"}
    return low.call(node, tuple(found), operands, result)


BOOL = ir.Instance("builtins.bool")


def compare(
    low: Lowering,
    node: mn.Context,
    operator: str,
    operands: tuple[ir.Register, ir.Register],
    types: tuple[mt.Type | None, mt.Type | None],
    result: ir.Type = BOOL,
) -> ir.Register:
    """Run one comparison: `is`, `in` and those with a special method."""
    if operator in {"is", "is not"}:
        return low.test(node, "is" if operator == "is" else "is not", *operands)
    if operator in {"in", "not in"}:
        return _contains(low, node, operands, types, operator == "not in")
    names = COMPARISONS[operator]
    callees = binary_callees(low, *types, names, f"operator {operator}")
    if operator == "!=":
        callees = _or_equal(low, callees, types)
    return low.call(node, callees, operands, result)


def _or_equal(
    low: Lowering, callees: tuple[ir.Callee, ...], types: tuple[mt.Type | None, mt.Type | None]
) -> tuple[ir.Callee, ...]:
    """Return what `!=` runs: a class without __ne__ has its __eq__ asked."""
    equal = binary_callees(low, *types, ("__eq__", "__eq__"), "operator !=")
    return tuple(dict.fromkeys([*callees, *(callee for callee in equal if callee.kind == "function")]))


def _contains(
    low: Lowering,
    node: mn.Context,
    operands: tuple[ir.Register, ir.Register],
    types: tuple[mt.Type | None, mt.Type | None],
    inverted: bool,
) -> ir.Register:
    callees: dict[ir.Callee, None] = {}
    if low.is_constant_set(operands[1]):
        callees[ir.Callee("model", "builtins.frozenset.__contains__")] = None
        types = (types[0], None)
    for one in instances(types[1]):
        runs = low.hierarchy.methods(one.type, "__contains__") or low.hierarchy.methods(one.type, "__iter__")
        callees.update(dict.fromkeys(runs))
    if not callees:
        callees[ir.Callee("dynamic", "__contains__")] = None
    found = low.call(node, tuple(callees), (operands[1], operands[0]), BOOL)
    return low.test(node, "not", found) if inverted else found
