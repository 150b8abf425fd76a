"""The small language of models: what its expressions may say.

The syntax is that of Python expressions, parsed with `ast` and never executed. Each is of one sort:

size: bytes or a number, never negative
    3, a + b, a - b (at least 0), a * b, a // 3, max(a, b), min(a, b): b if only b is a number, else a,
    len(x), total(x), width(x), upper(x), digits(x), bits(x), count(args), least(args): their least length,
    size_of(kind, length, width=1), block(n): what a block of n bytes is charged, span(index, length),
    steps(start, stop, step),
    replaced(x, old, new, count): the length of x.replace(...), filled(template, args, keywords) and
    percent(template, x): characters of template.format(...) and template % x, filled_width, percent_width,
    shown(x) and spelled(x): the characters of str(x) and repr(x), formatted(x, specification),
    groups(pattern), matching(pattern, text): bytes of the matcher's stack, captured(pattern, text): the
    characters of a group in all matches of a text, substituted(pattern, by, text): those of what sub() gives,
    shown_width(x), spelled_width(x), formatted_width(x, specification), packed(format): bytes of a struct
value: what a register may hold
    a parameter (the join of all for *args and **keywords), element(x), mapped(x), item(x, 1), none, boolean,
    drained(x), drained(x, n): the items if all are kept, or n of them, integer(low, high), number(add, a, b),
    number(max, *args), scalar(float), join(a, b), unpacked(format): a tuple of a struct's items,
    call(f, a, b, times=n), keep(f, a, b, times=n): all results are alive together; call(f, *args): with
    all of *args,
    special(x, "__eq__", a, times=n), later(f, a, gives=x): items of an iterator that calls f for each,
    fresh(kind, length=, element=, mapped=, items=, total=, together=, width=, size=, holds=, made=): `made`
    says how many at most are made as items, where others are there already; items=elements(args): those of
    each argument
effect: what is done
    append(x, item, by), store(x, key, item, by), replace(x, item), hold(x, held), scratch(size),
    fill(x): a path from before the call keeps what it works out; one of the call's own has it from the start,
    ask(x): the same, and what CPython lets go of by the time that it has taken the path apart,
    temporary(value): it is made, and dies when the call ends,
    finding("kind", "message", "remedy"), call(...), special(...)
condition: what is known when the call is analysed
    given(parameter), nonnegative(x), large(x): an int that may have two digits of 30 bits,
    wide(x): text that may not be ASCII, or a view that may have a stride,
    stepped(slice): it may have a step, constant(x), several(pattern): it has more than one group,
    literal(x): a constant text without a backslash,
    among(x, "a", "b"): it is one of these constants, not c, c and d, c or d

A size, value or effect may be `a if condition else b`, or `cases(x, int=a, slice=b, other=c)`: what fits
each kind that x may be of, all of them together; bool stands under int, frozenset under set, unless they have
a case of their own; a kind without a case is a finding. `nothing` is the effect that does nothing. A fresh
object inside `element=`, `mapped=` or `items=` is made as often as its container has items: `fresh(list,
length=n, total=t, element=fresh(str, length=m))` is n strings of at most m characters each, t in all; an
iterator's items are made one at a time. `upper(x)` is a magnitude, and so is the second argument of
`integer(None, high)`. What is fresh of a kind that is not among `SIZED` says its size.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.models.signatures import Signature

Sort: TypeAlias = Literal["size", "value", "effect", "condition"]

# Kinds whose bytes follow from their length.
SIZED = frozenset(
    {"str", "bytes", "bytearray", "memoryview", "list", "tuple", "set", "frozenset", "dict", "deque", "range"}
    | {"slice", "iterator", "byte_stream", "text_stream", "path"}
)
# Functions of values that give a size: of one value, of two, of three.
_MEASURES = {
    "len": 1,
    "total": 1,
    "width": 1,
    "upper": 1,
    "digits": 1,
    "bits": 1,
    "shown": 1,
    "spelled": 1,
    "shown_width": 1,
    "spelled_width": 1,
    "packed": 1,
    "groups": 1,
    "matching": 2,
    "captured": 2,
    "substituted": 3,
    "formatted": 2,
    "formatted_width": 2,
    "percent": 2,
    "percent_width": 2,
    "replaced": 4,
    "steps": 3,
}
RUNS = ("call", "keep", "special", "later")
_CONDITIONS = ("nonnegative", "large", "wide", "constant", "several", "literal", "stepped")
NUMBERS = frozenset(
    {"add", "sub", "mul", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift", "rshift"}
    | {"neg", "pos", "invert", "abs", "min", "max", "hull"}
)
_FRESH: dict[str, Sort | Literal["values"]] = {
    "length": "size",
    "total": "size",
    "together": "size",
    "size": "size",
    "width": "size",
    "made": "size",
    "element": "value",
    "mapped": "value",
    "items": "values",
    "holds": "values",
}
# Effects, with the sorts of their arguments.
_EFFECTS: dict[str, tuple[Sort, ...]] = {
    "append": ("value", "value", "size"),
    "store": ("value", "value", "value", "size"),
    "replace": ("value", "value"),
    "hold": ("value", "value"),
    "fill": ("value",),
    "ask": ("value",),
    "scratch": ("size",),
    "temporary": ("value",),
}


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked."""

    node: ast.expr
    text: str


def parse(text: str, signature: Signature, sort: Sort) -> Expression:
    """Return an expression that was checked to be of a sort.

    Raises:
        ValueError: if it is not; the message names the part that is wrong.
    """
    try:
        node = ast.parse(f"({text.strip()})", mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no expression") from error
    _Checker(signature).check(node, sort)
    if sort == "value":
        _check_items(node)
    return Expression(node, text)


_OF_ITEMS = frozenset({"list", "tuple", "set", "frozenset", "dict", "deque", "iterator", "generator"})


def _check_items(node: ast.expr) -> None:
    """Check that a container that is a result says what its items are: else no loop over it has a round."""
    match node:
        case ast.IfExp(body=body, orelse=otherwise):
            _check_items(body)
            _check_items(otherwise)
        case ast.Call(func=ast.Name(id="join"), args=arguments):
            for argument in arguments:
                _check_items(argument)
        case ast.Call(func=ast.Name(id="fresh"), args=[ast.Name(id=kind)], keywords=keywords):
            parts = {keyword.arg: keyword.value for keyword in keywords}
            length = parts.get("length", ast.Constant(0))
            empty = isinstance(length, ast.Constant) and length.value == 0
            if kind in _OF_ITEMS and not empty and not parts.keys() & {"element", "items"}:
                raise ValueError(f"fresh({kind}) has a length and says not what its items are")


class _Checker:
    """Checks that an expression can be evaluated, whatever the arguments."""

    def __init__(self, signature: Signature) -> None:
        self._names = signature.names()

    def check(self, node: ast.expr, sort: Sort | Literal["values"]) -> None:
        if sort not in {"condition", "values"} and self._branches(node, sort):
            return
        fits = {
            "size": self._size,
            "value": self._value,
            "values": self._values,
            "effect": self._effect,
            "condition": self._condition,
        }[sort](node)
        if not fits:
            raise ValueError(f"{ast.unparse(node)!r} is no {sort}")

    def _branches(self, node: ast.expr, sort: Sort | Literal["values"]) -> bool:
        """Check what is one thing or another."""
        match node:
            case ast.IfExp():
                self.check(node.test, "condition")
                self.check(node.body, sort)
                self.check(node.orelse, sort)
                return True
            case ast.Call(func=ast.Name(id="cases"), args=[subject], keywords=[_, *_] as keywords):
                self.check(subject, "value")
                for keyword in keywords:
                    self.check(keyword.value, sort)
                return all(keyword.arg for keyword in keywords)
        return False

    def _size(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant(value=bool()):
                return False
            case ast.Constant(value=int() as number):
                return number >= 0
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
                self.check(left, "size")
                self.check(right, "size")
                return True
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=ast.Constant(value=int() as number)):
                self.check(left, "size")
                return number > 0
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._measure(name, arguments)
        return False

    def _measure(self, name: str, arguments: Sequence[ast.expr]) -> bool:
        """Check a function that gives a size."""
        if name in _MEASURES:
            for argument in arguments:
                self.check(argument, "value")
            return len(arguments) == _MEASURES[name]
        match name, arguments:
            case "count" | "least", [ast.Name(id=star)]:
                return star in self._names
            case "filled" | "filled_width", [template, ast.Name(id=star), ast.Name(id=stars)]:
                self.check(template, "value")
                return {star, stars} <= self._names
            case "block", [argument]:
                self.check(argument, "size")
                return True
            case "span", [index, length]:
                self.check(index, "value")
                self.check(length, "size")
                return True
            case "size_of", [ast.Name(id=kind), first, *rest] if len(rest) <= 1:
                for argument in (first, *rest):
                    self.check(argument, "size")
                return kind in SIZED
            case "max" | "min", [left, right]:
                self.check(left, "size")
                self.check(right, "size")
                return True
        return False

    def _value(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self._names or name in {"none", "boolean"}
            case ast.Call(func=ast.Name(id="fresh"), args=[ast.Name(id=kind)], keywords=keywords):
                return self._fresh(kind, keywords)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name not in {
                "call",
                "special",
            }:
                return self._part(name, arguments)
        return self._run(node)

    def _part(self, name: str, arguments: Sequence[ast.expr]) -> bool:
        """Check a function that gives a value."""
        match name, arguments:
            case "drained", [argument, times]:
                self.check(argument, "value")
                self.check(times, "size")
                return True
            case "element" | "drained" | "mapped" | "unpacked", [argument]:
                self.check(argument, "value")
                return True
            case "item", [argument, ast.Constant(value=int())]:
                self.check(argument, "value")
                return True
            case "integer", [low, high]:
                self.check(high, "size")
                return _constant_or_none(low)
            case "scalar", [ast.Name(id=kind)]:
                return kind in {"float", "complex"}
            case "number", [ast.Name(id=operation), *operands] if operands:
                for operand in operands:
                    self.check(operand.value if isinstance(operand, ast.Starred) else operand, "value")
                return operation in NUMBERS
            case "join", [_, *_]:
                for argument in arguments:
                    self.check(argument, "value")
                return True
        return False

    def _fresh(self, kind: str, keywords: Sequence[ast.keyword]) -> bool:
        for keyword in keywords:
            if keyword.arg not in _FRESH:
                raise ValueError(f"fresh() takes no {keyword.arg!r}; there are {', '.join(_FRESH)}")
            self.check(keyword.value, _FRESH[keyword.arg])
        if kind not in SIZED and all(keyword.arg != "size" for keyword in keywords):
            raise ValueError(f"fresh({kind}) says no size")
        return True

    def _values(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="elements"), args=[ast.Name(id=star)], keywords=[]):
                return star in self._names
        if not isinstance(node, ast.Tuple):
            return False
        for item in node.elts:
            self.check(item, "value")
        return True

    def _run(self, node: ast.expr) -> bool:
        """Check what runs code: it is a value, and an effect."""
        match node:
            case ast.Call(func=ast.Name(id="later"), args=[function, *arguments], keywords=keywords):
                given = [*arguments, *(keyword.value for keyword in keywords)]
                for argument in (function, *given):
                    self.check(argument, "value")
                return [keyword.arg for keyword in keywords] in ([], ["gives"])
            case ast.Call(func=ast.Name(id="call" | "keep"), args=[function, *arguments], keywords=keywords):
                rest = [function, *arguments]
            case ast.Call(
                func=ast.Name(id="special"),
                args=[receiver, ast.Constant(value=str()), *arguments],
                keywords=keywords,
            ):
                rest = [receiver, *arguments]
            case _:
                return False
        for argument in rest:
            self.check(argument.value if isinstance(argument, ast.Starred) else argument, "value")
        for keyword in keywords:
            self.check(keyword.value, "size")
        return [keyword.arg for keyword in keywords] in ([], ["times"])

    def _effect(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id="nothing"):
                return True
            case ast.Call(func=ast.Name(id="finding"), args=arguments, keywords=[]):
                return len(arguments) == 3 and all(_is_text(argument) for argument in arguments)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _EFFECTS:
                sorts = _EFFECTS[name]
                if len(arguments) != len(sorts):
                    raise ValueError(f"{name}() takes {len(sorts)} arguments")
                for argument, sort in zip(arguments, sorts, strict=True):
                    self.check(argument, sort)
                return True
        return self._run(node)

    def _condition(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="given"), args=[ast.Name(id=name)], keywords=[]):
                return name in self._names
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _CONDITIONS:
                self.check(argument, "value")
                return True
            case ast.Call(func=ast.Name(id="among"), args=[argument, _, *_] as arguments, keywords=[]):
                self.check(argument, "value")
                return all(isinstance(one, ast.Constant) for one in arguments[1:])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.check(operand, "condition")
                return True
            case ast.BoolOp(values=values):
                for value in values:
                    self.check(value, "condition")
                return True
        return False


def _constant_or_none(node: ast.expr) -> bool:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return False
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
