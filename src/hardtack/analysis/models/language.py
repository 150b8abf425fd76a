"""The small language of models: what its expressions may say, and what they mean on a machine.

The syntax is that of Python expressions, parsed with `ast` and never executed. Each is of one sort:

size: bytes or a number, never negative
    3, a + b, a - b (at least 0), a * b, a // 3, max(a, b), min(a, b) where one is a number,
    len(x), total(x), width(x), upper(x), digits(x), count(args), size_of(kind, length, width=1)
value: what a register may hold
    a parameter (the join of all for *args), element(x), mapped(x), none, boolean, integer(low, high),
    scalar(float), join(a, b), call(f, a, b, times=n), special(x, "__eq__", a, times=n),
    fresh(kind, length=, element=, mapped=, items=, total=, together=, width=, size=, holds=)
effect: what is done
    append(x, item, by), store(x, key, item, by), replace(x, item), hold(x, held), scratch(size),
    finding("kind", "message", "remedy"), call(...), special(...)
condition: what is known when the call is analysed
    given(parameter), nonnegative(x), not c, c and d, c or d

A size, value or effect may be `a if condition else b`; `nothing` is the effect that does nothing. A fresh
object inside `element=`, `mapped=` or `items=` is made as often as its container has items: `fresh(list,
length=n, total=t, element=fresh(str, length=m))` is n strings of at most m characters each, t in all.
`upper(x)` is a magnitude, and so is the second argument of `integer(None, high)`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias

from hardtack.analysis.machine import V
from hardtack.symbolic import ZERO, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hardtack.analysis.machine import Machine

Sort: TypeAlias = Literal["size", "value", "effect", "condition"]
ONE = Size.const(1)

# Functions of one value that give a size, and of one value that give a value: methods of the machine.
_MEASURES = ("len", "total", "width", "upper", "digits")
_PARTS = ("element", "mapped")
_FRESH: dict[str, Sort | Literal["values"]] = {
    "length": "size",
    "total": "size",
    "together": "size",
    "size": "size",
    "width": "size",
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
    "scratch": ("size",),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A model's parameter; `default` is what stands for an argument that is left out."""

    name: str
    kind: Literal["positional", "keyword", "star"]
    required: bool
    default: object = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A model's parameters, in order."""

    parameters: tuple[Parameter, ...]

    def names(self) -> frozenset[str]:
        """Return the parameters' names."""
        return frozenset(parameter.name for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked."""

    node: ast.expr
    text: str


@dataclass(frozen=True, slots=True)
class Bound(Generic[V]):
    """The arguments of a call, by parameter."""

    given: Mapping[str, V]
    left_out: Mapping[str, object]
    stars: Mapping[str, tuple[Sequence[V], Sequence[V]]]  # arguments, and iterables that are spread over more


def parse_signature(text: str) -> Signature:
    """Return the signature that a text states.

    Raises:
        ValueError: if it is none.
    """
    try:
        parsed = ast.parse(f"lambda {text}: 0", mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"signature {text!r} is no list of parameters") from error
    assert isinstance(parsed, ast.Lambda)
    arguments = parsed.args
    if arguments.kwarg is not None:
        raise ValueError("signature: **keywords are not supported; name the parameters")
    positional = arguments.posonlyargs + arguments.args
    lacking = len(positional) - len(arguments.defaults)
    found = [
        _parameter(
            argument.arg, "positional", None if index < lacking else arguments.defaults[index - lacking]
        )
        for index, argument in enumerate(positional)
    ]
    if arguments.vararg is not None:
        found.append(Parameter(arguments.vararg.arg, "star", required=False))
    found += [
        _parameter(argument.arg, "keyword", default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return Signature(tuple(found))


def _parameter(name: str, kind: Literal["positional", "keyword"], default: ast.expr | None) -> Parameter:
    if default is None:
        return Parameter(name, kind, required=True)
    try:
        return Parameter(name, kind, required=False, default=ast.literal_eval(default))
    except ValueError as error:
        raise ValueError(f"signature: the default of {name!r} is no constant") from error


def parse(text: str, signature: Signature, sort: Sort) -> Expression:
    """Return an expression that was checked to be of a sort.

    Raises:
        ValueError: if it is not; the message names the part that is wrong.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no expression") from error
    _Checker(signature).check(node, sort)
    return Expression(node, text)


class _Checker:
    """Checks that an expression can be evaluated, whatever the arguments."""

    def __init__(self, signature: Signature) -> None:
        self._names = signature.names()

    def check(self, node: ast.expr, sort: Sort | Literal["values"]) -> None:
        if isinstance(node, ast.IfExp) and sort not in {"condition", "values"}:
            self.check(node.test, "condition")
            self.check(node.body, sort)
            self.check(node.orelse, sort)
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
            case ast.Call(func=ast.Name(id="count"), args=[ast.Name(id=name)], keywords=[]):
                return name in self._names
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _MEASURES:
                self.check(argument, "value")
                return True
            case ast.Call(func=ast.Name(id="size_of"), args=[ast.Name(), *rest], keywords=[]) if rest:
                for argument in rest:
                    self.check(argument, "size")
                return len(rest) <= 2
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=[left, right], keywords=[]):
                self.check(left, "size")
                self.check(right, "size")
                return name == "max" or any(isinstance(side, ast.Constant) for side in (left, right))
        return False

    def _value(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self._names or name in {"none", "boolean"}
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _PARTS:
                self.check(argument, "value")
                return True
            case ast.Call(func=ast.Name(id="integer"), args=[low, high], keywords=[]):
                self.check(high, "size")
                return _constant_or_none(low)
            case ast.Call(func=ast.Name(id="scalar"), args=[ast.Name(id="float" | "complex")], keywords=[]):
                return True
            case ast.Call(func=ast.Name(id="join"), args=[_, *_] as arguments, keywords=[]):
                for argument in arguments:
                    self.check(argument, "value")
                return True
            case ast.Call(func=ast.Name(id="fresh"), args=[ast.Name()], keywords=keywords):
                return self._fresh(keywords)
        return self._run(node)

    def _fresh(self, keywords: Sequence[ast.keyword]) -> bool:
        for keyword in keywords:
            if keyword.arg not in _FRESH:
                raise ValueError(f"fresh() takes no {keyword.arg!r}; there are {', '.join(_FRESH)}")
            self.check(keyword.value, _FRESH[keyword.arg])
        return True

    def _values(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Tuple):
            return False
        for item in node.elts:
            self.check(item, "value")
        return True

    def _run(self, node: ast.expr) -> bool:
        """Check call(...) and special(...), which are values and effects."""
        match node:
            case ast.Call(func=ast.Name(id="call"), args=[function, *arguments], keywords=keywords):
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
            self.check(argument, "value")
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
            case ast.Call(func=ast.Name(id="nonnegative"), args=[argument], keywords=[]):
                self.check(argument, "value")
                return True
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


def bind(
    signature: Signature, positional: Sequence[V], keywords: Mapping[str, V], spread: Sequence[V]
) -> Bound[V] | str:
    """Return the arguments by parameter, or in a few words why they do not fit."""
    rest, named = list(positional), dict(keywords)
    given: dict[str, V] = {}
    left_out: dict[str, object] = {}
    stars: dict[str, tuple[Sequence[V], Sequence[V]]] = {}
    for parameter in signature.parameters:
        if parameter.kind == "star":
            stars[parameter.name] = (rest, spread)
            rest = []
        elif parameter.kind == "positional" and rest:
            given[parameter.name] = rest.pop(0)
        elif parameter.name in named:
            given[parameter.name] = named.pop(parameter.name)
        elif parameter.required:
            return f"{parameter.name!r} is missing" + (" (it may be among the *arguments)" if spread else "")
        else:
            left_out[parameter.name] = parameter.default
    if rest:
        return f"{len(rest)} arguments too many"
    if named:
        return f"no parameter {next(iter(named))!r}"
    if spread and not stars:
        return "arguments are spread with *"
    return Bound(given, left_out, stars)


def run(
    machine: Machine[V],
    bound: Bound[V],
    effects: Sequence[Expression],
    result: Expression,
    scratch: Expression | None,
) -> V:
    """Do the effects, make the result, hold the scratch beside it, and return the result."""
    evaluator = _Evaluator(machine, bound)
    for effect in effects:
        evaluator.effect(effect.node)
    value = evaluator.value(result.node)
    if scratch is not None:
        machine.scratch(evaluator.size(scratch.node))
    return value


class _Evaluator(Generic[V]):
    """Evaluates checked expressions on a machine."""

    def __init__(self, machine: Machine[V], bound: Bound[V]) -> None:
        self._machine, self._bound = machine, bound
        self._measures: dict[str, Callable[[V], Size]] = {
            "len": machine.length,
            "total": machine.total,
            "upper": machine.upper,
            "digits": machine.digits,
            "width": lambda value: Size.const(machine.width(value)),
        }

    def size(self, node: ast.expr) -> Size:
        match node:
            case ast.Constant(value=int() as number):
                return Size.const(number)
            case ast.IfExp():
                return self.size(self._branch(node))
            case ast.BinOp(left=left, op=operator, right=right):
                return self._arithmetic(self.size(left), operator, self.size(right))
            case ast.Call(func=ast.Name(id="count"), args=[ast.Name(id=name)]):
                arguments, spread = self._bound.stars[name]
                return sum((self._machine.length(value) for value in spread), Size.const(len(arguments)))
            case ast.Call(func=ast.Name(id="size_of"), args=[ast.Name(id=kind), length, *rest]):
                width = self._width(rest[0]) if rest else 1
                return self._machine.size_of(kind, self.size(length), width)
            case ast.Call(func=ast.Name(id="max"), args=[left, right]):
                return self.size(left) | self.size(right)
            case ast.Call(func=ast.Name(id="min"), args=[left, right]):
                return _least(self.size(left), self.size(right))
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return self._measures[name](self.value(argument))
        raise AssertionError(ast.dump(node))

    @staticmethod
    def _arithmetic(left: Size, operator: ast.operator, right: Size) -> Size:
        match operator:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left.minus(right)
            case ast.Mult():
                return left * right
        divisor = right.as_const()
        assert isinstance(divisor, int)
        return left // divisor

    def _width(self, node: ast.expr) -> int:
        width = self.size(node).as_const()
        assert isinstance(width, int), "a width is a number"
        return width

    def value(self, node: ast.expr, times: Size = ONE, together: Size | None = None) -> V:
        """Return what a value may be; a fresh one is made `times` times."""
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.IfExp():
                return self.value(self._branch(node), times, together)
            case ast.Call(func=ast.Name(id="element"), args=[argument]):
                return self._machine.element(self.value(argument))
            case ast.Call(func=ast.Name(id="mapped"), args=[argument]):
                return self._machine.mapped(self.value(argument))
            case ast.Call(func=ast.Name(id="integer"), args=[low, high]):
                return self._machine.integer(ast.literal_eval(low), self.size(high))
            case ast.Call(func=ast.Name(id="scalar"), args=[ast.Name(id=kind)]):
                return self._machine.scalar(kind)
            case ast.Call(func=ast.Name(id="join"), args=arguments):
                return self._machine.join([self.value(argument, times, together) for argument in arguments])
            case ast.Call(func=ast.Name(id="fresh"), args=[ast.Name(id=kind)], keywords=keywords):
                parts = {keyword.arg or "": keyword.value for keyword in keywords}
                return self._fresh(kind, parts, times, together)
        return self._run(node)

    def _named(self, name: str) -> V:
        bound, machine = self._bound, self._machine
        if name in bound.given:
            return bound.given[name]
        if name in bound.stars:
            arguments, spread = bound.stars[name]
            values = [*arguments, *(machine.element(value) for value in spread)]
            return machine.join(values) if values else machine.none()
        default = bound.left_out.get(name)
        if isinstance(default, int) and not isinstance(default, bool):
            return machine.integer(default, Size.const(max(default, 0)))
        return machine.none()

    def _fresh(self, kind: str, parts: Mapping[str, ast.expr], times: Size, together: Size | None) -> V:
        length = self.size(parts["length"]) if "length" in parts else ZERO
        total = self.size(parts["total"]) if "total" in parts else None
        items = self._values(parts, "items", times)
        if items is not None:
            length = Size.const(len(items))
        inner = times * length
        return self._machine.fresh(
            kind,
            length=length,
            times=times,
            together=self.size(parts["together"]) if "together" in parts else together,
            element=self.value(parts["element"], inner, total) if "element" in parts else None,
            mapped=self.value(parts["mapped"], inner) if "mapped" in parts else None,
            items=items,
            total=total,
            width=self._width(parts["width"]) if "width" in parts else 1,
            size=self.size(parts["size"]) if "size" in parts else None,
            holds=self._values(parts, "holds", times) or (),
        )

    def _values(self, parts: Mapping[str, ast.expr], key: str, times: Size) -> list[V] | None:
        node = parts.get(key)
        return [self.value(item, times) for item in node.elts] if isinstance(node, ast.Tuple) else None

    def _run(self, node: ast.expr) -> V:
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        times = self.size(node.keywords[0].value) if node.keywords else ONE
        if node.func.id == "call":
            function, *arguments = (self.value(argument) for argument in node.args)
            return self._machine.call(function, arguments, times)
        receiver, method, *rest = node.args
        assert isinstance(method, ast.Constant)
        return self._machine.special(
            self.value(receiver), str(method.value), [self.value(argument) for argument in rest], times
        )

    def effect(self, node: ast.expr) -> None:
        """Do what an effect says."""
        machine = self._machine
        match node:
            case ast.Name(id="nothing"):
                pass
            case ast.IfExp():
                self.effect(self._branch(node))
            case ast.Call(func=ast.Name(id="append"), args=[container, item, by]):
                machine.append(self.value(container), self.value(item, self.size(by)), self.size(by))
            case ast.Call(func=ast.Name(id="store"), args=[container, key, item, by]):
                count = self.size(by)
                machine.store(self.value(container), self.value(key, count), self.value(item, count), count)
            case ast.Call(func=ast.Name(id="replace"), args=[container, item]):
                machine.replace_items(self.value(container), self.value(item))
            case ast.Call(func=ast.Name(id="hold"), args=[holder, held]):
                machine.hold(self.value(holder), self.value(held))
            case ast.Call(func=ast.Name(id="scratch"), args=[size]):
                machine.scratch(self.size(size))
            case ast.Call(func=ast.Name(id="finding"), args=arguments):
                kind, message, remedy = (ast.literal_eval(argument) for argument in arguments)
                machine.finding(kind, message, remedy)
            case _:
                self._run(node)

    def _branch(self, node: ast.IfExp) -> ast.expr:
        return node.body if self._holds(node.test) else node.orelse

    def _holds(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="given"), args=[ast.Name(id=name)]):
                return name in self._bound.given or bool(any(self._bound.stars.get(name, ())))
            case ast.Call(func=ast.Name(id="nonnegative"), args=[argument]):
                return self._machine.nonnegative(self.value(argument))
            case ast.UnaryOp(operand=operand):
                return not self._holds(operand)
            case ast.BoolOp(op=ast.And(), values=values):
                return all(self._holds(value) for value in values)
            case ast.BoolOp(values=values):
                return any(self._holds(value) for value in values)
        raise AssertionError(ast.dump(node))


def _least(left: Size, right: Size) -> Size:
    """Return an upper bound of the lesser of two, one of which is a number."""
    for size, other in ((left, right), (right, left)):
        limit = other.as_const()
        if limit is not None:
            return size.at_most(int(limit))
    return left
