"""`match`: tests on the subject, which is evaluated once. Names are bound when the whole pattern fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mypy import nodes as mn
from mypy import patterns as mp
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.lowering import attributes, operators, truth
from hardtack.analysis.lowering.dispatch import expression, runs
from hardtack.analysis.lowering.statements import assign, iteration_callees, run_all
from hardtack.analysis.mypy_types import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.lowering.context import Lowering

Captures = list[tuple[mn.NameExpr, ir.Register, mt.Type | None]]

_SEQUENCE = "typing.Sequence"
_ITSELF = frozenset(
    f"builtins.{name}"
    for name in (
        "bool",
        "bytearray",
        "bytes",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "set",
        "str",
        "tuple",
    )
)


@runs(mn.MatchStmt)
def match_(low: Lowering, node: mn.MatchStmt) -> None:
    """Lower `match`."""
    value = expression(low, node.subject)
    kept = value
    if value.startswith("%") or any(value in _names(pattern) for pattern in node.patterns):
        kept = low.hidden()
        low.emit(ir.Copy(low.at(node), kept, value))
    _case(low, node, kept, 0)
    if low.falls_through():
        low.release(node, kept)


def _names(pattern: mp.Pattern | None) -> set[str]:
    """Return the names that a pattern binds."""
    match pattern:
        case mp.AsPattern():
            own = {pattern.name.name} if pattern.name is not None else set()
            return own | _names(pattern.pattern)
        case mp.StarredPattern(capture=mn.NameExpr() as capture):
            return {capture.name}
        case mp.OrPattern() | mp.SequencePattern():
            return set().union(*map(_names, pattern.patterns))
        case mp.ClassPattern():
            return set().union(*map(_names, [*pattern.positionals, *pattern.keyword_values]))
    return set()


def _case(low: Lowering, node: mn.MatchStmt, subject: ir.Register, index: int) -> None:
    if index == len(node.patterns):
        return
    pattern, guard, body = node.patterns[index], node.guards[index], node.bodies[index]
    captures: Captures = []
    fits = _test(low, pattern, subject, low.mypy_type(node.subject), captures)
    if guard is not None:
        fits = _guarded(low, fits, captures, guard)
        captures = []
    if fits is None:
        _bind(low, captures)
        run_all(low, body.body)
        return
    with low.block() as then:
        _bind(low, captures)
        run_all(low, body.body)
    with low.block() as otherwise:
        _case(low, node, subject, index + 1)
    facts = _facts(pattern, subject)
    low.emit(ir.If(low.at(pattern), fits, then(), otherwise(), facts))


def _facts(pattern: mp.Pattern, subject: ir.Register) -> tuple[ir.Fact, ...]:
    """Return what a pattern that fits tells of the subject."""
    if isinstance(pattern, mp.AsPattern) and pattern.pattern is not None:
        return _facts(pattern.pattern, subject)
    info = _class_of(pattern.class_ref) if isinstance(pattern, mp.ClassPattern) else None
    return (ir.Fact(subject, "isinstance", (info.fullname,)),) if info is not None else ()


def _bind(low: Lowering, captures: Captures) -> None:
    for name, held, type_ in captures:
        assign(low, name, held, type_)
        low.emit(ir.Delete(low.at(name), held))


def _guarded(
    low: Lowering, fits: ir.Register | None, captures: Captures, guard: mn.Expression
) -> ir.Register:
    """Lower a guard, which runs when the pattern fits and its names are bound."""
    if fits is None:
        _bind(low, captures)
        return truth.condition(low, guard)
    into = low.fresh()
    with low.block() as asked:
        _bind(low, captures)
        low.emit(ir.Copy(low.at(guard), into, truth.condition(low, guard)))
    low.emit(ir.If(low.at(guard), fits, asked(), _constant(low, guard, into, value=False)))
    return into


def _constant(low: Lowering, node: mn.Context, into: ir.Register, *, value: bool) -> ir.Block:
    return ir.Block((ir.Constant(low.at(node), into, value),))


def _test(
    low: Lowering, pattern: mp.Pattern, subject: ir.Register, type_: mt.Type | None, captures: Captures
) -> ir.Register | None:
    """Lower the test of a pattern; returns a truth value, or None for a pattern that always fits."""
    match pattern:
        case mp.AsPattern():
            return _as(low, pattern, subject, type_, captures)
        case mp.OrPattern():
            return _any_of(low, pattern.patterns, subject, type_, captures)
        case mp.ValuePattern():
            pair = (subject, expression(low, pattern.expr))
            return operators.compare(low, pattern, "==", pair, (type_, low.mypy_type(pattern.expr)))
        case mp.SingletonPattern():
            return low.test(pattern, "is", subject, low.constant(pattern, pattern.value))
        case mp.ClassPattern():
            return _class(low, pattern, subject, captures)
        case mp.SequencePattern():
            return _sequence(low, pattern, subject, type_, captures)
    what = f"a pattern of the kind {type(pattern).__name__}"
    return low.unsupported(pattern, what, "test it by if")


def _as(
    low: Lowering, pattern: mp.AsPattern, subject: ir.Register, type_: mt.Type | None, captures: Captures
) -> ir.Register | None:
    fits = None if pattern.pattern is None else _test(low, pattern.pattern, subject, type_, captures)
    if pattern.name is not None:
        held = low.hidden()
        low.emit(ir.Copy(low.at(pattern), held, subject))
        captures.append((pattern.name, held, low.mypy_type(pattern.name) or type_))
    return fits


def _then(
    low: Lowering,
    node: mn.Context,
    first: ir.Register | None,
    more: Callable[[], ir.Register | None],
    facts: tuple[ir.Fact, ...] = (),
) -> ir.Register | None:
    """Go on only where the first test holds."""
    if first is None:
        return more()
    into = low.fresh()
    with low.block() as rest:
        second = more()
        if second is None:
            low.emit(ir.Constant(low.at(node), into, True))
        else:
            low.emit(ir.Copy(low.at(node), into, second))
    low.emit(ir.If(low.at(node), first, rest(), _constant(low, node, into, value=False), facts))
    return into


def _any_of(
    low: Lowering,
    patterns: Sequence[mp.Pattern],
    subject: ir.Register,
    type_: mt.Type | None,
    captures: Captures,
) -> ir.Register | None:
    first = _test(low, patterns[0], subject, type_, captures)
    if len(patterns) == 1 or first is None:
        return first
    into = low.fresh()
    with low.block() as rest:
        second = _any_of(low, patterns[1:], subject, type_, captures)
        source = low.constant(patterns[1], True) if second is None else second
        low.emit(ir.Copy(low.at(patterns[1]), into, source))
    low.emit(ir.If(low.at(patterns[0]), first, _constant(low, patterns[0], into, value=True), rest()))
    return into


Test = Callable[[], "ir.Register | None"]


def _all_of(low: Lowering, node: mn.Context, tests: list[Test]) -> ir.Register | None:
    if not tests:
        return None
    return _then(low, node, tests[0](), lambda: _all_of(low, node, tests[1:]))


def _class(
    low: Lowering, pattern: mp.ClassPattern, subject: ir.Register, captures: Captures
) -> ir.Register | None:
    """`Point(x, y=0)`: isinstance, then the attributes."""
    info = attributes.class_object(low.mypy_type(pattern.class_ref)) or _class_of(pattern.class_ref)
    if info is None:
        return low.unsupported(pattern, "a class pattern whose class is not known", "test it by isinstance")
    kind = expression(low, pattern.class_ref)
    asked = low.model(pattern, "builtins.isinstance", (subject, kind), truth.BOOL)
    instance = mt.Instance(info, [mt.AnyType(mt.TypeOfAny.special_form)] * len(info.type_vars))
    names = _positional(info, len(pattern.positionals))
    if names is None:
        what = f"a class pattern on {info.fullname} by position"
        return low.unsupported(pattern, what, "name the attributes", (asked,))
    inner = [*zip(names, pattern.positionals, strict=True)]
    inner += zip(pattern.keyword_keys, pattern.keyword_values, strict=True)
    tests = [_attribute_test(low, pattern, subject, instance, name, one, captures) for name, one in inner]
    if not tests:
        return asked
    facts = (ir.Fact(subject, "isinstance", (info.fullname,)),)
    return _then(low, pattern, asked, lambda: _all_of(low, pattern, tests), facts)


def _class_of(node: mn.RefExpr) -> mn.TypeInfo | None:
    return node.node if isinstance(node.node, mn.TypeInfo) else None


def _positional(info: mn.TypeInfo, count: int) -> list[str | None] | None:
    """Return the attributes that positions stand for; None for the subject itself."""
    if count == 0:
        return []
    if any(base.fullname in _ITSELF for base in info.mro) and "__match_args__" not in info.names:
        return [None] if count == 1 else None
    symbol = info.get("__match_args__")
    type_ = symbol.node.type if symbol is not None and isinstance(symbol.node, mn.Var) else None
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if not isinstance(proper, mt.TupleType) or len(proper.items) < count:
        return None
    names: list[str | None] = []
    for item in map(mt.get_proper_type, proper.items[:count]):
        if isinstance(item, mt.Instance) and item.last_known_value is not None:
            item = item.last_known_value
        if not isinstance(item, mt.LiteralType) or not isinstance(item.value, str):
            return None
        names.append(item.value)
    return names


def _attribute_test(
    low: Lowering,
    node: mp.ClassPattern,
    subject: ir.Register,
    instance: mt.Instance,
    name: str | None,
    inner: mp.Pattern,
    captures: Captures,
) -> Test:
    def test() -> ir.Register | None:
        if name is None:
            return _test(low, inner, subject, instance, captures)
        member = mn.MemberExpr(node.class_ref, name)
        member.set_line(node)
        held = low.hidden()
        low.emit(ir.Copy(low.at(node), held, attributes.read(low, member, subject, instance, name)))
        fits = _test(low, inner, held, low.field_type(instance, name), captures)
        low.emit(ir.Delete(low.at(node), held))
        return fits

    return test


def _sequence(
    low: Lowering,
    pattern: mp.SequencePattern,
    subject: ir.Register,
    type_: mt.Type | None,
    captures: Captures,
) -> ir.Register | None:
    """`[a, *rest]`: the length is asked, then the items are taken out."""
    star = next((i for i, one in enumerate(pattern.patterns) if isinstance(one, mp.StarredPattern)), None)
    kind = low.fresh()
    low.emit(ir.LoadGlobal(low.at(pattern), kind, _SEQUENCE, ir.ClassObject(_SEQUENCE)))
    is_one = low.model(pattern, "builtins.isinstance", (subject, kind), truth.BOOL)
    facts = (ir.Fact(subject, "isinstance", (_SEQUENCE,)),)
    more = (pattern, subject, type_, star, captures)
    return _then(low, pattern, is_one, lambda: _long_enough(low, *more), facts)


def _long_enough(
    low: Lowering,
    pattern: mp.SequencePattern,
    subject: ir.Register,
    type_: mt.Type | None,
    star: int | None,
    captures: Captures,
) -> ir.Register | None:
    count = len(pattern.patterns) - (star is not None)
    length = low.model(pattern, "builtins.len", (subject,), ir.Instance("builtins.int"))
    comparing = "builtins.int.__eq__" if star is None else "builtins.int.__ge__"
    asked = low.model(pattern, comparing, (length, low.constant(pattern, count)), truth.BOOL)
    return _then(low, pattern, asked, lambda: _items(low, pattern, subject, type_, star, captures))


def _items(
    low: Lowering,
    pattern: mp.SequencePattern,
    subject: ir.Register,
    type_: mt.Type | None,
    star: int | None,
    captures: Captures,
) -> ir.Register | None:
    into = tuple(low.fresh() for _ in pattern.patterns)
    types = [_type_at(low, type_, i, star) for i in range(len(into))]
    callees = iteration_callees(low, type_)
    low.emit(ir.Unpack(low.at(pattern), into, subject, star, tuple(map(convert, types)), callees, fits=True))
    held = []
    for register in into:
        held.append(low.hidden())
        low.emit(ir.Copy(low.at(pattern), held[-1], register))
    tests = [
        _item_test(low, inner, register, item_type, captures)
        for inner, register, item_type in zip(pattern.patterns, held, types, strict=True)
    ]
    return _all_of(low, pattern, tests)


def _type_at(low: Lowering, type_: mt.Type | None, index: int, star: int | None) -> mt.Type | None:
    proper = mt.get_proper_type(type_) if type_ is not None else None
    if isinstance(proper, mt.TupleType) and star is None and index < len(proper.items):
        return proper.items[index]
    return low.item_type(proper)


def _item_test(
    low: Lowering, inner: mp.Pattern, held: ir.Register, type_: mt.Type | None, captures: Captures
) -> Test:
    def test() -> ir.Register | None:
        if not isinstance(inner, mp.StarredPattern):
            return _test(low, inner, held, type_, captures)
        if inner.capture is not None:
            captures.append((inner.capture, held, low.mypy_type(inner.capture)))
        return None

    return test
