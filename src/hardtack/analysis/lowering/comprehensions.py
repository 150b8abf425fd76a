"""Comprehensions and generator expressions.

Up to CPython 3.11 every one is a function that is made, called and let go of; from 3.12 on, all but generator
expressions run in the frame around them, with variables of their own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from mypy import nodes as mn

from hardtack.analysis import ir
from hardtack.analysis.lowering import truth
from hardtack.analysis.lowering.context import Lowering
from hardtack.analysis.lowering.dispatch import expression, lowers
from hardtack.analysis.lowering.facts import facts_of
from hardtack.analysis.lowering.functions import frame_slots, scope_of
from hardtack.analysis.lowering.statements import assign, iteration_callees
from hardtack.analysis.mypy_types import NONE, convert

INLINED = sys.version_info >= (3, 12)
_ITERABLE = ".0"  # CPython's own name of the parameter

Kind = Literal["list", "set", "dict", "generator"]
_NAMES: dict[Kind, str] = {"list": "listcomp", "set": "setcomp", "dict": "dictcomp", "generator": "genexpr"}
_ADD = {"list": "builtins.list.append", "set": "builtins.set.add", "dict": "builtins.dict.__setitem__"}


@dataclass
class Comprehension:
    """What all comprehensions have in common."""

    kind: Kind
    node: mn.Expression
    values: list[mn.Expression]
    indices: list[mn.Expression]
    sequences: list[mn.Expression]
    conditions: list[list[mn.Expression]]
    asynchronous: list[bool]


@lowers(mn.ListComprehension)
def list_comprehension(low: Lowering, node: mn.ListComprehension) -> ir.Register:
    """Lower `[x for ...]`."""
    return lower(low, _of(node, node.generator, "list"))


@lowers(mn.SetComprehension)
def set_comprehension(low: Lowering, node: mn.SetComprehension) -> ir.Register:
    """Lower `{x for ...}`."""
    return lower(low, _of(node, node.generator, "set"))


@lowers(mn.GeneratorExpr)
def generator_expression(low: Lowering, node: mn.GeneratorExpr) -> ir.Register:
    """Lower `(x for ...)`."""
    return lower(low, _of(node, node, "generator"))


@lowers(mn.DictionaryComprehension)
def dict_comprehension(low: Lowering, node: mn.DictionaryComprehension) -> ir.Register:
    """Lower `{k: v for ...}`."""
    values = [one for one in (node.key, node.value) if one is not None]
    parts = (list(values), node.indices, node.sequences, node.condlists, node.is_async)
    return lower(low, Comprehension("dict", node, *parts))


def _of(node: mn.Expression, inner: mn.GeneratorExpr, kind: Kind) -> Comprehension:
    parts = ([inner.left_expr], inner.indices, inner.sequences, inner.condlists, inner.is_async)
    return Comprehension(kind, node, *parts)


def lower(low: Lowering, one: Comprehension) -> ir.Register:
    """Lower a comprehension of any kind."""
    if INLINED and one.kind != "generator":
        return _inline(low, one)
    return _as_function(low, one)


def _inline(low: Lowering, one: Comprehension) -> ir.Register:
    source = expression(low, one.sequences[0])
    outer = dict(low.renamed)
    own = {
        name: low.hidden() for index in one.indices for name in _names(index) if low.place_of(name) == "local"
    }
    low.renamed |= own
    result = _filled(low, one, source)
    low.renamed = outer
    for register in own.values():
        low.emit(ir.Delete(low.at(one.node), register))
    return result


def _names(target: mn.Expression) -> list[str]:
    match target:
        case mn.NameExpr():
            return [target.name.rstrip("'")]
        case mn.TupleExpr() | mn.ListExpr():
            return [name for item in target.items for name in _names(item)]
        case mn.StarExpr():
            return _names(target.expr)
    return []


def _as_function(low: Lowering, one: Comprehension) -> ir.Register:
    node = one.node
    name = low.inner_name(f"<{_NAMES[one.kind]}:{node.line}>")
    start, end = (node.line, max(0, node.column)), (node.end_line or 0, node.end_column or 0)
    code = low.syntax.code(low.syntax.comprehension(start, end))
    if code is None:
        return low.unsupported(node, "a comprehension whose code cannot be found", "write it as a loop")
    scope = scope_of(name, low.scope.module, code, low.scope.first_parameter)
    scope.imported |= low.scope.imported
    inner = Lowering(low.known, scope)
    with inner.block() as made:
        if one.kind == "generator":
            _loops(inner, one, 0, _ITERABLE, None)
            inner.emit(ir.Return(inner.at(node), inner.constant(node, None)))
        else:
            inner.emit(ir.Return(inner.at(node), _filled(inner, one, _ITERABLE)))
    asynchronous = any(one.asynchronous)
    function = ir.Function(
        name=name,
        place=low.at(node),
        parameters=(ir.Parameter(_ITERABLE, low.type(one.sequences[0])),),
        result=low.type(node),
        body=made(),
        kind=_function_kind(one.kind, asynchronous=asynchronous),
        cells=tuple(sorted(scope.cells)),
        free=tuple(sorted(scope.free)),
        frame_slots=frame_slots(code),
        digest="",
    )
    low.nested.extend([function, *inner.nested])
    maker = low.fresh()
    low.emit(ir.MakeFunction(low.at(node), maker, name, (), function.free))
    source = expression(low, one.sequences[0])
    result = low.call(node, (ir.Callee("value", maker),), (source,), low.type(node))
    if asynchronous and one.kind != "generator":
        into = low.fresh()
        low.emit(ir.Delegate(low.at(node), into, result, "await", low.type(node)))
        return into
    return result


def _function_kind(
    kind: Kind, *, asynchronous: bool
) -> Literal["function", "generator", "coroutine", "async generator"]:
    if kind == "generator":
        return "async generator" if asynchronous else "generator"
    return "coroutine" if asynchronous else "function"


def _filled(low: Lowering, one: Comprehension, source: ir.Register) -> ir.Register:
    """Make the container and run the loops that fill it."""
    made = low.fresh()
    kind: Literal["list", "set", "dict"] = one.kind if one.kind != "generator" else "list"
    low.emit(ir.Build(low.at(one.node), made, kind, (), low.type(one.node)))
    container = low.keep(one.node, made)
    _loops(low, one, 0, source, container)
    result = low.copy(one.node, container)
    low.release(one.node, container)
    return result


def _loops(
    low: Lowering, one: Comprehension, depth: int, source: ir.Register, container: ir.Register | None
) -> None:
    sequence = one.sequences[depth]
    type_ = low.mypy_type(sequence)
    item_type = low.item_type(type_)
    item = low.fresh()
    with low.block() as body:
        target = one.indices[depth]
        if _is_plain(target):
            assign(low, target, item, item_type)
        else:  # `lowering.writes` relies on this
            what = "a comprehension that binds more than names"
            low.drop(target, low.unsupported(target, what, "write it as a loop", (item,)))
        _guarded(low, one, depth, 0, container)
    callees = iteration_callees(low, type_, asynchronous=one.asynchronous[depth])
    at = low.at(sequence)
    rounds = body()
    low.emit(
        ir.For(
            at, item, source, rounds, ir.Block(), convert(item_type), callees, None, one.asynchronous[depth]
        )
    )


def _is_plain(target: mn.Expression) -> bool:
    """Return whether a target consists of names."""
    if isinstance(target, (mn.TupleExpr, mn.ListExpr)):
        return all(map(_is_plain, target.items))
    return isinstance(target.expr if isinstance(target, mn.StarExpr) else target, mn.NameExpr)


def _guarded(
    low: Lowering, one: Comprehension, depth: int, number: int, container: ir.Register | None
) -> None:
    """Lower the tests of one loop, then what they guard."""
    tests = one.conditions[depth]
    if number < len(tests):
        asked = truth.condition(low, tests[number])
        true, false = facts_of(low, tests[number])
        with low.block() as then:
            _guarded(low, one, depth, number + 1, container)
        low.emit(ir.If(low.at(tests[number]), asked, then(), ir.Block(), true, false))
    elif depth + 1 < len(one.sequences):
        _loops(low, one, depth + 1, expression(low, one.sequences[depth + 1]), container)
    else:
        _deliver(low, one, container)


def _deliver(low: Lowering, one: Comprehension, container: ir.Register | None) -> None:
    values = tuple(expression(low, value) for value in one.values)
    at = low.at(one.values[0])
    if container is None:
        into = low.fresh()
        low.emit(ir.Yield(at, into, values[0], NONE))
        low.emit(ir.Drop(at, into))
    else:
        low.drop(one.node, low.model(one.values[0], _ADD[one.kind], (container, *values), NONE))
