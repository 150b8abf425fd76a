"""What the expressions of models mean on a machine."""

from __future__ import annotations

import ast
import re
import struct
from functools import reduce
from typing import TYPE_CHECKING, Generic

from hardtack.analysis.machine import AS_IT_WAS, Substituted, V
from hardtack.analysis.models import texts
from hardtack.analysis.models.language import RUNS
from hardtack.analysis.models.patterns import Pattern, read_pattern
from hardtack.analysis.models.signatures import Bound, Star
from hardtack.symbolic import ZERO, Size
from hardtack.symbolic.size_classes import round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardtack.analysis.machine import Machine
    from hardtack.analysis.models import Model

ONE = Size.const(1)

# Where a kind has no case of its own, that of the kind that it is one of.
_STANDS_UNDER = {"bool": "int", "frozenset": "set"}
# What CPython lets go of by the time that it has taken a path apart.
_TAKEN_APART = [
    ast.parse(f"fresh({kind}, length={length})", mode="eval").body
    for kind, length in (("list", 0), ("list", 0), ("tuple", 1), ("tuple", 2), ("tuple", 3), ("tuple", 3))
]


def run(machine: Machine[V], bound: Bound[V], model: Model) -> V:
    """Do the effects, make the result, do what comes then, and hold the scratch beside it."""
    assert model.result is not None
    evaluator = _Evaluator(machine, bound)
    for effect in model.effects:
        evaluator.effect(effect.node)
    value = evaluator.value(model.result.node)
    for effect in model.then:
        evaluator.effect(effect.node)
    if model.scratch is not None:
        machine.scratch(evaluator.size(model.scratch.node), value)
    return value


def _bits(machine: Machine[V], value: V) -> Size:
    """Return the most bits of an integer's magnitude."""
    most = machine.upper(value).as_const()
    return machine.digits(value) * 30 if most is None else Size.const(int(most).bit_length())


class _Evaluator(Generic[V]):
    """Evaluates checked expressions on a machine."""

    def __init__(self, machine: Machine[V], bound: Bound[V]) -> None:
        self._machine, self._bound = machine, bound
        self._temporaries: list[V] = []  # alive until the call ends
        self._measures: dict[str, Callable[[V], Size]] = {
            "len": machine.length,
            "total": machine.total,
            "upper": machine.upper,
            "digits": machine.digits,
            "bits": lambda value: _bits(machine, value),
            "width": lambda value: Size.const(machine.width(value)),
            "shown": lambda value: texts.text_of(machine, value, spelled=False).length,
            "spelled": lambda value: texts.text_of(machine, value, spelled=True).length,
            "shown_width": lambda value: Size.const(texts.text_of(machine, value, spelled=False).width),
            "spelled_width": lambda value: Size.const(texts.text_of(machine, value, spelled=True).width),
        }

    # -- sizes
    def size(self, node: ast.expr) -> Size:
        match node:
            case ast.Constant(value=int() as number):
                return Size.const(number)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._arithmetic(self.size(left), operator, self.size(right))
            case ast.IfExp() | ast.Call(func=ast.Name(id="cases")):
                total = ZERO
                for branch in self._branches(node):
                    total |= self.size(branch)
                return total
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._measure(name, arguments)
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

    def _measure(self, name: str, arguments: list[ast.expr]) -> Size:
        machine = self._machine
        match name, arguments:
            case "count", [ast.Name(id=star)]:
                found = self._bound.stars[star]
                return sum(
                    (machine.length(value) for value in found.spread), Size.const(len(found.arguments))
                )
            case "least", [ast.Name(id=star)]:
                return self._least_length(self._bound.stars[star])
            case "size_of", [ast.Name(id=kind), length, *rest]:
                return machine.size_of(kind, self.size(length), self._width(rest[0]) if rest else 1)
            case "block", [argument]:
                asked = self.size(argument)
                return ZERO if asked.is_zero else round_up(asked)
            case "max", [left, right]:
                return self.size(left) | self.size(right)
            case "min", [left, right]:
                return _least(self.size(left), self.size(right))
            case "span", [index, length]:
                return machine.span(self.value(index), self.size(length))
            case "steps", [start, stop, step]:
                return machine.steps(self.value(start), self.value(stop), self.value(step))
            case "packed", [argument]:
                return Size.const(struct.calcsize(self._format(argument)))
        return self._text_measure(name, arguments)

    def _least_length(self, star: Star[V]) -> Size:
        lengths = [self._machine.length(value) for value in star.arguments]
        if star.spread:
            lengths += [self._machine.length(self._machine.element(value)) for value in star.spread]
        return reduce(_least, lengths) if lengths else ZERO

    def _text_measure(self, name: str, arguments: list[ast.expr]) -> Size:
        match name, arguments:
            case "replaced", [value, old, new, count]:
                return self._replaced(value, old, new, count)[0]
            case "groups" | "matching" | "captured" | "substituted", [pattern, *values]:
                return self._of_pattern(name, self._pattern(pattern), values)
            case "formatted" | "filled" | "percent", _:
                return self._text(name, arguments).length
            case "formatted_width" | "filled_width" | "percent_width", _:
                return Size.const(self._text(name.removesuffix("_width"), arguments).width)
        (argument,) = arguments
        return self._measures[name](self.value(argument))

    def _replaced(
        self, value: ast.expr, old: ast.expr, new: ast.expr, count: ast.expr
    ) -> tuple[Size, Substituted]:
        machine = self._machine
        given = isinstance(count, ast.Name) and count.id in self._bound.given
        limited = given and machine.nonnegative(self.value(count))
        most = machine.upper(self.value(count)) if limited else None
        return texts.replaced(machine, self.value(value), self._constant(old), self.value(new), most)

    def _text(self, name: str, arguments: list[ast.expr]) -> texts.Text:
        match name, arguments:
            case "filled", [template, ast.Name(id=star), ast.Name(id=stars)]:
                return self._filled(
                    self._constant(template), self._bound.stars[star], self._bound.stars[stars]
                )
            case "formatted", [value, specification]:
                return texts.formatted(self._machine, self.value(value), self._constant(specification))
        template, value = arguments
        return texts.percent(self._machine, self._constant(template), self.value(value))

    def _filled(self, template: object, star: Star[V], stars: Star[V]) -> texts.Text:
        machine = self._machine
        positional = list(star.arguments)
        if star.spread:
            positional.append(machine.join([*star.arguments, *map(machine.element, star.spread)]))
        named = dict(zip(stars.names, stars.arguments, strict=True))
        if stars.spread:
            machine.finding("no-model", "the fields of a template are spread with **", "use an f-string")
        return texts.filled(machine, template, positional, named, spread=bool(star.spread))

    def _width(self, node: ast.expr) -> int:
        width = self.size(node).as_const()
        assert isinstance(width, int), "a width is a number"
        return width

    # -- constants
    def _constant(self, node: ast.expr) -> object:
        """Return the constant that an expression is known to give, else None."""
        if isinstance(node, ast.Name) and node.id in self._bound.left_out:
            return self._bound.left_out[node.id]
        return self._machine.constant(self.value(node))

    def _format(self, node: ast.expr) -> str | bytes:
        """Return a struct's format, which has to be known."""
        given = self._constant(node)
        if not isinstance(given, str | bytes):
            self._machine.finding(
                "no-constant", "the format of a struct is not known", "write the format where it is used"
            )
            return ""
        try:
            struct.calcsize(given)
        except struct.error:
            return ""
        return given

    # -- patterns
    def _pattern(self, node: ast.expr) -> Pattern:
        """Return what is known of a pattern, which has to be a constant, or one of several."""
        given = self._machine.constants(self.value(node)) or ()
        found = [read_pattern(one) if isinstance(one, str | bytes) else None for one in given]
        known = [one for one in found if one is not None]
        if not found or len(known) < len(found):
            self._machine.finding(
                "no-constant", "the pattern is not known", "compile it in the module, from a constant"
            )
        return reduce(Pattern.join, known, Pattern(0, 0, 0, looks_around=False))

    def _of_pattern(self, name: str, pattern: Pattern, values: list[ast.expr]) -> Size:
        if name == "groups":
            return Size.const(pattern.groups)
        length = self._machine.length(self.value(values[-1]))
        if name == "matching":
            return length * pattern.each + pattern.some
        captured = length * (length + 1) if pattern.looks_around else length
        if name == "captured":
            return captured
        return length + (length + 1) * self._machine.length(self.value(values[0]))

    # -- values
    def value(self, node: ast.expr, times: Size = ONE, together: Size | None = None) -> V:
        """Return what a value may be; a fresh one is made `times` times."""
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.IfExp() | ast.Call(func=ast.Name(id="cases")):
                found = [self.value(branch, times, together) for branch in self._branches(node)]
                return (
                    self._machine.join(found)
                    if len(found) > 1
                    else found[0]
                    if found
                    else self._machine.none()
                )
            case ast.Call(func=ast.Name(id="fresh"), args=[ast.Name(id=kind)], keywords=keywords):
                parts = {keyword.arg or "": keyword.value for keyword in keywords}
                return self._fresh(kind, parts, times, together)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name not in RUNS:
                return self._part(name, arguments, times, together)
        return self._run(node)

    def _part(self, name: str, arguments: list[ast.expr], times: Size, together: Size | None) -> V:
        machine = self._machine
        match name, arguments:
            case "element", [argument]:
                return machine.element(self.value(argument))
            case "mapped", [argument]:
                return machine.mapped(self.value(argument))
            case "drained", [argument, *rest]:
                value = self.value(argument)
                return machine.drained(value, self.size(rest[0]) if rest else machine.length(value))
            case "item", [argument, ast.Constant(value=int() as index)]:
                return machine.item(self.value(argument), index)
            case "integer", [low, high]:
                return machine.integer(ast.literal_eval(low), self.size(high))
            case "scalar", [ast.Name(id=kind)]:
                return machine.scalar(kind)
            case "number", [ast.Name(id=operation), *operands]:
                return machine.number(operation.strip("_"), self._operands(operands))
            case "unpacked", [argument]:
                return self._unpacked(self._format(argument), times)
        assert name == "join"
        return machine.join([self.value(argument, times, together) for argument in arguments])

    def _operands(self, nodes: list[ast.expr]) -> list[V]:
        found: list[V] = []
        for node in nodes:
            if isinstance(node, ast.Starred) and isinstance(node.value, ast.Name):
                star = self._bound.stars[node.value.id]
                found += [*star.arguments, *map(self._machine.element, star.spread)]
            else:
                found.append(self.value(node))
        return found

    def _named(self, name: str) -> V:
        bound, machine = self._bound, self._machine
        if name in bound.given:
            return bound.given[name]
        if name in bound.stars:
            star = bound.stars[name]
            inside = machine.mapped if star.by_keyword else machine.element
            values = [*star.arguments, *map(inside, star.spread)]
            return machine.join(values) if values else machine.none()
        default = bound.left_out.get(name)
        if name == "boolean" or isinstance(default, bool):
            return machine.boolean()
        if isinstance(default, int):
            return machine.integer(default, Size.const(max(default, 0)))
        return machine.none()

    def _fresh(self, kind: str, parts: Mapping[str, ast.expr], times: Size, together: Size | None) -> V:
        if "made" in parts:
            times = _least(times, self.size(parts["made"]))
        length, substituted = self._length(parts.get("length"))
        total = self.size(parts["total"]) if "total" in parts else None
        items = self._values(parts, "items", times)
        if items is not None:
            length = Size.const(len(items))
        inner = times if kind == "iterator" else times * length
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
            substituted=substituted,
        )

    def _length(self, node: ast.expr | None) -> tuple[Size, Substituted]:
        match node:
            case None:
                return ZERO, AS_IT_WAS
            case ast.Call(func=ast.Name(id="replaced"), args=[value, old, new, count]):
                return self._replaced(value, old, new, count)
        return self.size(node), AS_IT_WAS

    def _values(self, parts: Mapping[str, ast.expr], key: str, times: Size) -> list[V] | None:
        node = parts.get(key)
        match node:
            case ast.Call(func=ast.Name(id="elements"), args=[ast.Name(id=star)]):
                self._refuse_spread(star)
                return [self._machine.element(value) for value in self._bound.stars[star].arguments]
        return [self.value(item, times) for item in node.elts] if isinstance(node, ast.Tuple) else None

    def _refuse_spread(self, star: str) -> None:
        """Report arguments of which nobody knows how many they are."""
        if self._bound.stars[star].spread:
            self._machine.finding("no-model", "arguments are spread with *", "write them one by one")

    def _unpacked(self, given: str | bytes, times: Size) -> V:
        """Make the tuple of a struct's items. Source: Modules/_struct.c, s_unpack_internal."""
        items = [self._unpacked_item(value, times) for value in _samples(given)]
        return self._machine.fresh("tuple", length=Size.const(len(items)), times=times, items=items)

    def _unpacked_item(self, value: object, times: Size) -> V:
        machine = self._machine
        if isinstance(value, bytes):
            return machine.fresh("bytes", length=Size.const(len(value)), times=times)
        if isinstance(value, float):
            return machine.scalar("float")
        if isinstance(value, bool):
            return machine.boolean()
        assert isinstance(value, int)
        return (
            machine.integer(0, Size.const(value)) if value > 0 else machine.integer(value, Size.const(-value))
        )

    def _run(self, node: ast.expr) -> V:
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        name, keywords = node.func.id, node.keywords
        if name == "later":
            function, *arguments = (self.value(argument) for argument in node.args)
            gives = self.value(keywords[0].value) if keywords else None
            return self._machine.later(function, arguments, gives)
        times = self.size(keywords[0].value) if keywords else ONE
        for argument in node.args:
            if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name):
                self._refuse_spread(argument.value.id)
        if name != "special":
            function, *arguments = self._operands(node.args)
            return self._machine.call(function, arguments, times, keep=name == "keep")
        receiver, method, *rest = node.args
        assert isinstance(method, ast.Constant)
        return self._machine.special(
            self.value(receiver), str(method.value), [self.value(argument) for argument in rest], times
        )

    # -- effects
    def effect(self, node: ast.expr) -> None:
        """Do what an effect says."""
        match node:
            case ast.Name(id="nothing"):
                pass
            case ast.IfExp() | ast.Call(func=ast.Name(id="cases")):
                for branch in self._branches(node):
                    self.effect(branch)
            case ast.Call(func=ast.Name(id="call" | "keep" | "special")):
                self._run(node)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                self._change(name, arguments)

    def _change(self, name: str, arguments: list[ast.expr]) -> None:
        machine = self._machine
        match name, arguments:
            case "append", [container, item, by]:
                machine.append(self.value(container), self.value(item, self.size(by)), self.size(by))
            case "store", [container, key, item, by]:
                count = self.size(by)
                machine.store(self.value(container), self.value(key, count), self.value(item, count), count)
            case "replace", [container, item]:
                machine.replace_items(self.value(container), self.value(item))
            case "hold", [holder, held]:
                machine.hold(self.value(holder), self.value(held))
            case "fill", [path]:
                machine.fill(self.value(path))
            case "ask", [path]:
                machine.fill(self.value(path))
                self._temporaries += map(self.value, _TAKEN_APART)
            case "scratch", [size]:
                machine.scratch(self.size(size))
            case "temporary", [made]:
                self._temporaries.append(self.value(made))
            case "finding", _:
                kind, message, remedy = (ast.literal_eval(argument) for argument in arguments)
                machine.finding(kind, message, remedy)

    # -- branches
    def _branches(self, node: ast.expr) -> list[ast.expr]:
        """Return what an expression may be, as far as is known."""
        if isinstance(node, ast.IfExp):
            return [node.body if self._holds(node.test) else node.orelse]
        assert isinstance(node, ast.Call)
        cases = {keyword.arg or "": keyword.value for keyword in node.keywords}
        found: dict[int, ast.expr] = {}
        kinds = self._machine.kinds(self.value(node.args[0]))
        if len(kinds) > 1 and not {"none", "other"} & cases.keys():
            kinds -= {"none"}  # for which CPython raises TypeError: no run goes on
        for kind in sorted(kinds):
            branch = cases.get(kind) or cases.get(_STANDS_UNDER.get(kind, "")) or cases.get("other")
            if branch is None:
                what = f"{ast.unparse(node.args[0])} may be of the kind {kind}"
                self._machine.finding("no-model", what, f"annotate it as {' or '.join(cases)}")
            else:
                found[id(branch)] = branch
        return list(found.values())

    def _holds(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="given"), args=[ast.Name(id=name)]):
                star = self._bound.stars.get(name)
                return name in self._bound.given or (star is not None and bool(star.arguments or star.spread))
            case ast.Call(func=ast.Name(id="among"), args=[argument, *constants]):
                known = self._constant(argument)
                return any(
                    known == constant.value for constant in constants if isinstance(constant, ast.Constant)
                )
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return self._is(name, argument)
            case ast.UnaryOp(operand=operand):
                return not self._holds(operand)
            case ast.BoolOp(op=ast.And(), values=values):
                return all(self._holds(value) for value in values)
            case ast.BoolOp(values=values):
                return any(self._holds(value) for value in values)
        raise AssertionError(ast.dump(node))

    def _is(self, name: str, node: ast.expr) -> bool:
        """Tell whether a value is what one of the conditions of one value says."""
        match name:
            case "nonnegative":
                return self._machine.nonnegative(self.value(node))
            case "large":
                return self._machine.digits(self.value(node)).as_const() not in {0, 1}
            case "wide":
                return self._machine.width(self.value(node)) > 1
            case "stepped":
                return self._machine.stepped(self.value(node))
            case "several":
                return self._pattern(node).groups > 1
            case "constant":
                return self._constant(node) is not None
        assert name == "literal"
        text = self._constant(node)
        return "\\" not in text if isinstance(text, str) else isinstance(text, bytes) and b"\\" not in text


def _samples(given: str | bytes) -> list[object]:
    """Return for each item of a struct the extreme of what it may be: bytes, a bool, a float, an int.

    An int is the greatest, of what is signed the least. Source: Modules/_struct.c, the tables of codes.
    """
    text = given.decode("ascii") if isinstance(given, bytes) else given
    order = text[:1] if text[:1] in {"@", "=", "<", ">", "!"} else ""
    samples: list[object] = []
    for count, code in re.findall(r"(\d*)([a-zA-Z?])", text):
        times = int(count) if count else 1
        if code in "sp":
            samples.append(b"s" * times)
        elif code != "x":
            samples += [_sample(order, code)] * times
    return samples


def _sample(order: str, code: str) -> object:
    if code in "efd":
        return 0.0
    if code in "c?":
        return b"c" if code == "c" else True
    bits = 8 * struct.calcsize(order + code)
    return (1 << bits) - 1 if code.isupper() else -(1 << (bits - 1))


def _least(left: Size, right: Size) -> Size:
    """Return an upper bound of the lesser of two: at most a number, else the one that is never greater."""
    for size, other in ((left, right), (right, left)):
        limit = other.as_const()
        if limit is not None:
            return size.at_most(limit)
    return right if left.is_top or left.dominates(right) else left
