"""What a test tells on each of its branches: comparisons of lengths, integers, None and classes.

A fact holds when the branch begins. So what the test itself may have changed since is left out: of a length
or an attribute there is no fact where code of unknown effect runs between its reading and the branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from mypy import nodes as mn
from mypy import types as mt

from hardtack.analysis import ir
from hardtack.analysis.lowering import attributes
from hardtack.analysis.mypy_types import instances

if TYPE_CHECKING:
    from hardtack.analysis.lowering.context import Lowering

Order: TypeAlias = Literal["<", "<=", "==", "!=", ">=", ">"]
Facts: TypeAlias = tuple[tuple[ir.Fact, ...], tuple[ir.Fact, ...]]

_NOTHING: Facts = ((), ())
_OPPOSITE: dict[Order, Order] = {"<": ">=", "<=": ">", "==": "!=", "!=": "==", ">=": "<", ">": "<="}
_MIRRORED: dict[Order, Order] = {"<": ">", "<=": ">=", "==": "==", "!=": "!=", ">=": "<=", ">": "<"}
_INTEGERS = frozenset({"builtins.int", "builtins.bool"})
_SIZED = frozenset(
    f"builtins.{name}" for name in ("str", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset")
)
_QUIET_CALLS = frozenset({"builtins.len", "builtins.isinstance", "builtins.ord", "builtins.abs"})


def facts_of(low: Lowering, node: mn.Expression) -> Facts:
    """Return what holds where a test is true, and where it is false."""
    match node:
        case mn.UnaryExpr():
            return _not(low, node)
        case mn.OpExpr():
            return _junction(low, node)
        case mn.ComparisonExpr():
            return _comparison(low, node)
        case mn.CallExpr():
            return _call(low, node)
        case mn.NameExpr() | mn.MemberExpr() | mn.AssignmentExpr():
            return _truth(low, node)
    return _NOTHING


def _not(low: Lowering, node: mn.UnaryExpr) -> Facts:
    true, false = facts_of(low, node.expr)
    return (false, true) if node.op == "not" else _NOTHING


def _junction(low: Lowering, node: mn.OpExpr) -> Facts:
    """Both sides of `and` hold where it is true, neither side of `or` where it is false."""
    if node.op not in {"and", "or"}:
        return _NOTHING
    index = 0 if node.op == "and" else 1
    first, second = facts_of(low, node.left)[index], facts_of(low, node.right)[index]
    if not quiet(low, node.right):
        first = tuple(fact for fact in first if _is_of_a_local(fact))
    both = tuple(fact for fact in (*first, *second) if not _rebound(low, fact))
    return (both, ()) if node.op == "and" else ((), both)


def _is_of_a_local(fact: ir.Fact) -> bool:
    operand = fact.operand if isinstance(fact.operand, str) else ""
    return not any(mark in text for text in (fact.subject, operand) for mark in (":", "."))


def _rebound(low: Lowering, fact: ir.Fact) -> bool:
    texts = [fact.subject, fact.operand if isinstance(fact.operand, str) else ""]
    return any(text.removeprefix("len:").split(".")[0] in low.rebound for text in texts)


def _comparison(low: Lowering, node: mn.ComparisonExpr) -> Facts:
    """Every link of a chain holds where it is true; where it is false, only a single link tells something."""
    links = [_link(low, operator, left, right) for operator, left, right in node.pairwise()]
    if len(links) == 1:
        return links[0]
    if not all(quiet(low, operand) for operand in node.operands):
        return _NOTHING
    return tuple(fact for true, _ in links for fact in true if not _rebound(low, fact)), ()


def _link(low: Lowering, operator: str, left: mn.Expression, right: mn.Expression) -> Facts:
    if operator in {"is", "is not"}:
        return _identity(low, operator, left, right)
    if operator in {"in", "not in"}:
        return _membership(low, operator, left, right)
    one, other = _term(low, left), _term(low, right)
    if one is None or other is None:
        return _NOTHING
    order: Order = operator  # type: ignore[assignment] # what is left of Python's comparisons
    return _ordered(one, order, other), _ordered(one, _OPPOSITE[order], other)


@dataclass(frozen=True)
class _Term:
    """A number as facts can name it: subjects that all have it, or none; plus an offset."""

    subjects: tuple[str, ...]
    offset: int


def _ordered(one: _Term, order: Order, other: _Term) -> tuple[ir.Fact, ...]:
    shift = other.offset - one.offset
    facts = []
    for subject in one.subjects:
        if not other.subjects:
            facts.append(ir.Fact(subject, order, shift))
        facts += [ir.Fact(subject, order, operand, shift) for operand in other.subjects]
    for subject in other.subjects if not one.subjects else ():
        facts.append(ir.Fact(subject, _MIRRORED[order], -shift))
    return tuple(facts)


def _term(low: Lowering, node: mn.Expression) -> _Term | None:
    """Return an integer expression as a term; None where facts have no name for it."""
    constant = integer(node)
    if constant is not None:
        return _Term((), constant)
    if isinstance(node, mn.OpExpr) and node.op in {"+", "-"}:
        base, shift = _term(low, node.left), integer(node.right)
        if base is None or shift is None:
            return None
        return _Term(base.subjects, base.offset + (shift if node.op == "+" else -shift))
    subjects = _lengths(low, node) or (_subjects(low, node) if _is_integer(low, node) else ())
    return _Term(subjects, 0) if subjects else None


def integer(node: mn.Expression) -> int | None:
    """Return the value of an integer constant, a Final one too."""
    match node:
        case mn.IntExpr():
            return node.value
        case mn.UnaryExpr(op="-", expr=mn.IntExpr(value=value)):
            return -value
        case mn.NameExpr() | mn.MemberExpr() if isinstance(node.node, mn.Var) and node.node.is_final:
            final = node.node.final_value
            return final if isinstance(final, int) and not isinstance(final, bool) else None
    return None


def _is_integer(low: Lowering, node: mn.Expression) -> bool:
    """Return whether a value is an int, or of no type that mypy knows, as of what struct unpacks."""
    type_ = low.mypy_type(node)
    if type_ is None:
        return False
    known = instances(type_)
    return all(one.type.fullname in _INTEGERS for one in known)


def _lengths(low: Lowering, node: mn.Expression) -> tuple[str, ...]:
    """Return `len:x` for `len(x)`, and with `(n := len(x))` n too."""
    if isinstance(node, mn.AssignmentExpr):
        inner = _lengths(low, node.value)
        return (*_subjects(low, node.target), *inner) if inner else ()
    is_call = isinstance(node, mn.CallExpr) and isinstance(node.callee, mn.NameExpr)
    if not is_call or not isinstance(node, mn.CallExpr) or len(node.args) != 1:
        return ()
    if not isinstance(node.callee, mn.NameExpr) or node.callee.fullname != "builtins.len":
        return ()
    return tuple(f"len:{subject}" for subject in _subjects(low, node.args[0]))


def _subjects(low: Lowering, node: mn.Expression) -> tuple[str, ...]:
    """Return the names by which facts may speak of a value: a local, a field of one, a walrus's target."""
    match node:
        case mn.AssignmentExpr():
            return (*_subjects(low, node.target), *_subjects(low, node.value))
        case mn.NameExpr() if not attributes.is_global(node) and isinstance(node.node, mn.Var):
            name = node.name.rstrip("'")
            name = low.renamed.get(name, name)
            return (name,) if low.place_of(name) == "local" else ()
        case mn.MemberExpr() if attributes.module_of(node.expr) is None:
            found = attributes.find(low, low.mypy_type(node.expr), node.name)
            if found is not None and found.fields and found.kinds == 1:
                return tuple(f"{base}.{node.name}" for base in _subjects(low, node.expr))
    return ()


def _identity(low: Lowering, operator: str, left: mn.Expression, right: mn.Expression) -> Facts:
    if isinstance(left, mn.NameExpr) and left.fullname == "builtins.None":
        left, right = right, left
    if not isinstance(right, mn.NameExpr) or right.fullname != "builtins.None":
        return _NOTHING
    subjects = _subjects(low, left)
    same = tuple(ir.Fact(subject, "is", None) for subject in subjects)
    other = tuple(ir.Fact(subject, "is not", None) for subject in subjects)
    return (same, other) if operator == "is" else (other, same)


def _membership(low: Lowering, operator: str, left: mn.Expression, right: mn.Expression) -> Facts:
    """`x in (1, 2, 3)`: x is within the smallest and the largest."""
    items = right.items if isinstance(right, (mn.TupleExpr, mn.ListExpr, mn.SetExpr)) else []
    values = [value for item in items if (value := integer(item)) is not None]
    if not values or len(values) != len(items) or not _is_integer(low, left):
        return _NOTHING
    inside = tuple(
        fact
        for subject in _subjects(low, left)
        for fact in (ir.Fact(subject, ">=", min(values)), ir.Fact(subject, "<=", max(values)))
    )
    return (inside, ()) if operator == "in" else ((), inside)


def _truth(low: Lowering, node: mn.Expression) -> Facts:
    subjects = _subjects(low, node)
    true = [ir.Fact(subject, "true") for subject in subjects]
    false = [ir.Fact(subject, "false") for subject in subjects]
    type_ = low.mypy_type(node)
    known = instances(type_)
    if known and all(one.type.fullname in _SIZED for one in known):
        true += [ir.Fact(f"len:{subject}", ">=", 1) for subject in subjects]
        proper = mt.get_proper_type(type_)
        if not isinstance(proper, mt.UnionType):
            false += [ir.Fact(f"len:{subject}", "==", 0) for subject in subjects]
    return tuple(true), tuple(false)


def _call(low: Lowering, node: mn.CallExpr) -> Facts:
    """`isinstance(x, C)`."""
    callee = node.callee
    if not isinstance(callee, mn.NameExpr) or callee.fullname != "builtins.isinstance" or len(node.args) != 2:
        return _NOTHING
    classes = _classes(low, node.args[1])
    infos = [attributes.class_object(low.mypy_type(one)) for one in classes]
    names = tuple(
        _class_name(one) or (info.fullname if info is not None else "")
        for one, info in zip(classes, infos, strict=True)
    )
    if not all(names):
        return _NOTHING
    subjects = _subjects(low, node.args[0])
    # a variable may hold a class below the one that it is typed with
    certain = all(map(_class_name, classes))
    return (
        tuple(ir.Fact(subject, "isinstance", names) for subject in subjects),
        tuple(ir.Fact(subject, "not isinstance", names) for subject in subjects if certain),
    )


def _class_name(node: mn.Expression) -> str:
    """Return the name of the class that an expression names, which no assignment can change."""
    return node.node.fullname if isinstance(node, mn.RefExpr) and isinstance(node.node, mn.TypeInfo) else ""


def _classes(low: Lowering, node: mn.Expression) -> list[mn.Expression]:
    """Return what stands in a tuple of classes, one that a module's variable was once bound to as well."""
    if isinstance(node, mn.RefExpr) and isinstance(node.node, mn.Var) and attributes.is_global(node):
        node = low.known.constants.initial(node.fullname) or node
    return node.items if isinstance(node, mn.TupleExpr) else [node]


def quiet(low: Lowering, node: mn.Expression) -> bool:
    """Return whether evaluating an expression changes nothing that a fact may speak of."""
    match node:
        case mn.NameExpr() | mn.IntExpr() | mn.StrExpr() | mn.BytesExpr() | mn.FloatExpr():
            return True
        case mn.MemberExpr():
            return attributes.module_of(node.expr) is not None or bool(_subjects(low, node))
        case mn.UnaryExpr():
            return _plain(low, node.expr) and quiet(low, node.expr)
        case mn.OpExpr():
            return all(_plain(low, one) and quiet(low, one) for one in (node.left, node.right))
        case mn.ComparisonExpr():
            return all(_plain(low, one) and quiet(low, one) for one in node.operands)
        case mn.IndexExpr():
            return all(_plain(low, one) and quiet(low, one) for one in (node.base, node.index))
        case mn.CallExpr(callee=mn.NameExpr(fullname=name)) if name in _QUIET_CALLS:
            return all(_plain(low, one) and quiet(low, one) for one in node.args)
        case mn.TupleExpr() | mn.ListExpr() | mn.SetExpr():
            return all(quiet(low, one) for one in node.items)
    return False


def _plain(low: Lowering, node: mn.Expression) -> bool:
    """Return whether operators on a value run no code of the sources."""
    type_ = low.mypy_type(node)
    if type_ is None:
        return False
    known = instances(type_)
    if not known:
        proper = mt.get_proper_type(type_)
        return isinstance(proper, mt.NoneType) or attributes.class_object(type_) is not None
    return not any(
        info.fullname in low.hierarchy.classes for one in known for info in low.hierarchy.candidates(one.type)
    )
