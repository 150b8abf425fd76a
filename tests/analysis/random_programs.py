"""Random typed programs, for the analyser's gate: seeded, typed, ending, and small when they run.

A program is a module with a few classes and functions, and one entry `entry(...)`. Everything is drawn from one
`random.Random(seed)`, so a seed is a program. What a variable holds may double only outside loops, so that no
program grows without end.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

TYPES = (
    "int",
    "str",
    "bytes",
    "list[int]",
    "list[str]",
    "dict[str, int]",
    "dict[int, str]",
    "set[int]",
    "Point",
)
PARAMETERS = ("int", "str", "bytes", "list[int]", "list[str]", "dict[str, int]", "Point", "list[list[int]]")
_HOLE = re.compile("<(" + "|".join(map(re.escape, sorted({*TYPES, *PARAMETERS}))) + ")>")
WIDE = ("a", "\xe9", "\u20ac", "\U0001f600")

PRELUDE = """\
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hardtack.annotations import recursive


@dataclass
class Point:
    x: int
    name: str
    tags: list[int]

    @property
    def double(self) -> int:
        return self.x * 2

    def label(self) -> str:
        return self.name + ":" + str(len(self.tags))


class Shape:
    def area(self) -> int:
        return 0

    def names(self) -> list[str]:
        return []


class Square(Shape):
    def __init__(self, side: int) -> None:
        self.side = side

    def area(self) -> int:
        return self.side

    def names(self) -> list[str]:
        return ["square", str(self.side)]


class Group(Shape):
    __slots__ = ("members",)

    def __init__(self, members: list[int]) -> None:
        self.members = members

    def area(self) -> int:
        return sum(self.members)

    def names(self) -> list[str]:
        return [str(member) for member in self.members]


def numbers(items: list[int]) -> Iterator[int]:
    for item in items:
        yield item + 1000


def keep(items: list[str], item: str) -> list[str]:
    items.append(item)
    return items


def apply(function: Callable[[int], int], items: list[int]) -> list[int]:
    return [function(item) for item in items]


@recursive(depth=12)
def halve(items: list[int]) -> list[int]:
    if len(items) < 2:
        return items[:]
    return [len(items), *halve(items[: len(items) // 2])]


def checked(text: str) -> str:
    if len(text) > 30:
        raise ValueError(text + "!")
    return text + "?"

"""


@dataclass
class Program:
    """A program and the seed that makes it."""

    seed: int
    source: str
    parameters: tuple[tuple[str, str], ...]

    def inputs(self, count: int) -> list[dict[str, Any]]:
        """Return arguments by name: adversarial ones first."""
        drawn = random.Random(self.seed + 1)
        return [
            {
                name: _value(type_, drawn, style, number)
                for number, (name, type_) in enumerate(self.parameters)
            }
            for style in range(count)
        ]


def _value(type_: str, drawn: random.Random, style: int, number: int) -> Any:
    """Return a value: style 0 is empty, 1 a single thing, 2 wide, 3 huge; then whatever comes."""
    size = (0, 1, 40, 33)[style] if style < 4 else drawn.choice((2, 5, 6, 9, 11, 17, 22, 43, 60, 86))
    return _SAMPLES[type_](drawn, size, style, number)


def _text(drawn: random.Random, size: int, style: int) -> str:
    letter = WIDE[3] if style == 2 else drawn.choice(WIDE)
    return "".join(drawn.choice((letter, "a", " ", ",", ":")) for _ in range(size))


def _int(drawn: random.Random, size: int, style: int) -> int:
    return 2**200 + size if style == 3 else drawn.choice((0, 1, 7, 300, 2**31, 2**61)) if style > 3 else size


_SAMPLES: dict[str, Any] = {
    "int": lambda drawn, size, style, number: drawn.randrange(60) if style != 3 else 60,
    "str": lambda drawn, size, style, number: _text(drawn, size, style),
    "bytes": lambda drawn, size, style, number: bytes(drawn.choice(b"ab,: ") for _ in range(size)),
    "list[int]": lambda drawn, size, style, number: [_int(drawn, size, style) for _ in range(size)],
    "list[str]": lambda drawn, size, style, number: [
        _text(drawn, drawn.randrange(12), style) for _ in range(size)
    ],
    "dict[str, int]": lambda drawn, size, style, number: {
        f"{_text(drawn, 3, style)}{i}": i * 300 for i in range(size)
    },
    "Point": lambda drawn, size, style, number: ("Point", size, _text(drawn, size, style), list(range(size))),
    "list[list[int]]": lambda drawn, size, style, number: [
        list(range(300, 300 + i % 9)) for i in range(size)
    ],
}


@dataclass
class _Scope:
    """Variables in reach, by name, and how deep in loops we are."""

    variables: dict[str, str] = field(default_factory=dict)
    loops: int = 0
    fixed: frozenset[str] = frozenset()  # not to be changed: something iterates over them

    def of(self, type_: str) -> list[str]:
        return sorted(name for name, held in self.variables.items() if held == type_)

    def inner(self, *fixed: str, loop: bool = True) -> _Scope:
        return _Scope(dict(self.variables), self.loops + loop, self.fixed | set(fixed))


class _Writer:
    def __init__(self, seed: int) -> None:
        self.drawn = random.Random(seed)
        self.lines: list[str] = []
        self.names = 0
        self.own: set[str] = set()  # variables that hold what nothing else does: those alone grow in loops

    def fresh(self, prefix: str = "v") -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # -- expressions
    def expression(self, type_: str, scope: _Scope, depth: int = 2) -> str:
        known = scope.of(type_)
        if known and (depth <= 0 or self.drawn.random() < 0.35):
            name = self.drawn.choice(known)
            self.own.discard(name)
            return name
        makers = _EXPRESSIONS[type_] if depth > 0 else _EXPRESSIONS[type_][:1]
        template = self.drawn.choice(makers)
        return self.fill(template, scope, depth - 1)

    def fill(self, template: str, scope: _Scope, depth: int) -> str:
        """Put expressions in the place of `<type>`, and new names in the place of `$a`."""
        for mark in ("$a", "$b"):
            if mark in template:
                template = template.replace(mark, self.fresh("t"))
        template = template.replace("#", str(self.drawn.choice((0, 1, 2, 3, 10, 300))))
        return _HOLE.sub(lambda hole: _whole(self.expression(hole[1], scope, depth)), template)

    # -- statements
    def block(self, scope: _Scope, depth: int, indent: str) -> None:
        before = len(self.lines)
        for _ in range(self.drawn.randint(1, 4 if depth else 2)):
            self.statement(scope, depth, indent)
        if len(self.lines) == before:
            self.write(indent, "pass")

    def write(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def statement(self, scope: _Scope, depth: int, indent: str) -> None:
        kinds = [self.assign] * 4 + [self.grow] * 3 + [self.rebind]
        if depth:
            kinds += (
                [self.branch] * 2 + [self.loop] * 3 + [self.count, self.attempt, self.closure, self.consume]
            )
        self.drawn.choice(kinds)(scope, depth, indent)

    def assign(self, scope: _Scope, depth: int, indent: str) -> None:
        type_ = self.drawn.choice(TYPES)
        text, name = self.expression(type_, scope), self.fresh()
        self.write(indent, f"{name}: {type_} = {text}")
        scope.variables[name] = type_
        if not text.isidentifier() and not text.endswith(".tags"):
            self.own.add(name)

    def rebind(self, scope: _Scope, depth: int, indent: str) -> None:
        free = sorted(name for name in scope.variables if name not in scope.fixed)
        if not free:
            return
        name = self.drawn.choice(free)
        type_ = scope.variables[name]
        if scope.loops and type_ != "int":  # in a loop a variable made of itself would double
            self.write(indent, f"{name} = {_EMPTY[type_]}" if type_ in _EMPTY else "pass")
        elif not scope.loops and type_ in _EXPRESSIONS:
            self.write(indent, f"{name} = {self.expression(type_, scope, 1)}")

    def grow(self, scope: _Scope, depth: int, indent: str) -> None:
        choices = [
            (name, template)
            for name, type_ in scope.variables.items()
            for template in _GROWTH.get(type_, ())
            if name not in scope.fixed and (not scope.loops or name in self.own)
        ]
        if choices:
            name, template = self.drawn.choice(choices)
            self.write(indent, self.fill(template.replace("@", name), scope, 0))

    def branch(self, scope: _Scope, depth: int, indent: str) -> None:
        self.write(indent, f"if {self.condition(scope)}:")
        self.block(scope.inner(loop=False), depth - 1, indent + "    ")
        if self.drawn.random() < 0.5:
            self.write(indent, "else:")
            self.block(scope.inner(loop=False), depth - 1, indent + "    ")

    def condition(self, scope: _Scope) -> str:
        return self.fill(self.drawn.choice(_CONDITIONS), scope, 1)

    def loop(self, scope: _Scope, depth: int, indent: str) -> None:
        if scope.loops >= 2:
            return self.assign(scope, depth, indent)
        iterables = [
            (name, *pair) for name, type_ in scope.variables.items() for pair in _ITERATION.get(type_, ())
        ]
        if not iterables:
            return self.assign(scope, depth, indent)
        name, form, bound = self.drawn.choice(iterables)
        variables = [self.fresh("i") for _ in bound]
        self.write(indent, f"for {', '.join(variables)} in {form.replace('@', name)}:")
        inner = scope.inner(name)
        inner.variables |= dict(zip(variables, bound, strict=True))
        self.block(inner, depth - 1, indent + "    ")
        if self.drawn.random() < 0.2:
            self.write(indent + "    ", f"if {self.condition(inner)}:")
            self.write(indent + "        ", self.drawn.choice(("break", "continue")))
        return None

    def count(self, scope: _Scope, depth: int, indent: str) -> None:
        """A while loop over an index, which nothing else changes."""
        sized = [
            name
            for name, type_ in scope.variables.items()
            if type_ in {"str", "bytes", "list[int]", "list[str]"}
        ]
        if scope.loops >= 2 or not sized:
            return self.assign(scope, depth, indent)
        name, index = self.drawn.choice(sized), self.fresh("i")
        self.write(indent, f"{index} = 0")
        self.write(indent, f"while {index} < len({name}):")
        inner = scope.inner(name, index)
        inner.variables[index] = "int"
        self.block(inner, depth - 1, indent + "    ")
        self.write(indent + "    ", f"{index} += {self.drawn.choice((1, 1, 2))}")
        return None

    def attempt(self, scope: _Scope, depth: int, indent: str) -> None:
        name = self.fresh()
        self.write(indent, f'{name}: str = ""')
        self.write(indent, "try:")
        self.block(scope.inner(loop=False), depth - 1, indent + "    ")
        self.write(indent + "    ", f"{name} = checked({self.expression('str', scope, 1)})")
        caught = self.drawn.random() < 0.7
        if caught:
            error = self.fresh("e")
            self.write(indent, f"except ValueError as {error}:")
            self.write(
                indent + "    ", self.drawn.choice((f"{name} = str({error})", "pass", f'{name} = "no"'))
            )
            self.block(scope.inner(loop=False), 0, indent + "    ")
        if not caught or self.drawn.random() < 0.3:
            self.write(indent, "finally:")
            self.block(scope.inner(loop=False), 0, indent + "    ")
        scope.variables[name] = "str"

    def closure(self, scope: _Scope, depth: int, indent: str) -> None:
        ints = scope.of("int")
        lists = scope.of("list[int]")
        if not ints or not lists:
            return self.assign(scope, depth, indent)
        inner, name = self.fresh("f"), self.fresh()
        held = self.drawn.choice(ints)
        self.write(indent, f"def {inner}(item: int, held: int = {held}) -> int:")
        self.write(indent, "    return item + held")
        self.write(indent, f"{name}: list[int] = apply({inner}, {self.drawn.choice(lists)})")
        scope.variables[name] = "list[int]"
        return None

    def consume(self, scope: _Scope, depth: int, indent: str) -> None:
        if not scope.of("list[int]") or scope.loops >= 2:
            return self.assign(scope, depth, indent)
        source, variable = self.drawn.choice(scope.of("list[int]")), self.fresh("i")
        self.write(indent, f"for {variable} in numbers({source}):")
        inner = scope.inner(source)
        inner.variables[variable] = "int"
        self.block(inner, depth - 1, indent + "    ")
        return None


def _whole(text: str) -> str:
    """Return an expression that anything may be put behind."""
    return text if text.isidentifier() else f"({text})"


_EMPTY = {
    "str": '"none"', "bytes": 'b"none"', "list[int]": "[1, 300]", "list[str]": '["a", "b"]', "dict[str, int]": "{}",
    "dict[int, str]": "{}", "set[int]": "set()",
}  # fmt: skip

_EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "int": (
        "#", "<int> + <int>", "<int> * #", "len(<str>)", "len(<list[int]>)", "min(<int>, 500)", "max(<int>, <int>)",
        "abs(<int> - <int>)", "<Point>.x", "<Point>.double", "<int> // 3", "<int> % 7", "sum(<list[int]>)", "<int> & 255",
        "(<int> if <int> > # else <int>)", "sum($a for $a in <list[int]>)", "ord((<str> + 'a')[0])", "Square(<int>).area()",
        "(Group(<list[int]>) if <int> > 3 else Square(#)).area()", "len(<dict[str, int]>)", "<dict[str, int]>.get(<str>, #)",
        "len(<bytes>)", "<int> << 3", "<int> >> 2",
    ),
    "str": (
        "'text'", "<str> + <str>", "<str>.upper()", "<str>.strip()", "<str>[1:5]", "str(<int>)", "(lambda $a, $b: f'{$a}-{$b}')(<int>, <str>)",
        "','.join(<list[str]>)", "<Point>.name", "<Point>.label()", "<str>.replace('a', 'bc')", "<str> * 3", "<str>[::-1]",
        "<bytes>.hex()", "repr(<str>)", "''.join([$a + '.' for $a in <list[str]>])", "<str>.ljust(20)", "<str>.title()",
        "'%s!' % <str>", "'{}'.format(<int>)", "<dict[int, str]>.get(<int>, 'none')", "<str>.encode().decode()",
        "chr(<int> % 900 + 32)", "<str>.partition(',')[0]", "hex(<int>)",
    ),
    "bytes": (
        "b'data'", "<bytes> + <bytes>", "<bytes>[2:]", "<str>.encode()", "bytes(<int> % 100)", "b','.join([<bytes>, <bytes>])",
        "bytes(bytearray(<bytes>))", "<bytes>.replace(b'a', b'bcd')", "<bytes>.strip()", "bytes($a % 256 for $a in <list[int]>)",
    ),
    "list[int]": (
        "[1, 2, 3]", "[<int>, <int>]", "<list[int]> + <list[int]>", "<list[int]>[:3]", "sorted(<list[int]>)",
        "[$a + 1 for $a in <list[int]>]", "[$a * 2 for $a in <list[int]> if $a > #]", "list(range(<int> % 50))", "<Point>.tags",
        "[len($a) for $a in <list[str]>]", "list(<bytes>)", "list(numbers(<list[int]>))", "list(<set[int]>)",
        "list(<dict[str, int]>.values())", "halve(<list[int]>)", "list(reversed(<list[int]>))", "list(map(abs, <list[int]>))",
        "[$a for $a, $b in zip(<list[int]>, <list[str]>)]", "<list[int]>.copy()", "sorted(<list[int]>, key=lambda $a: -$a)",
        "[$a for $a in <list[int]> for $b in (1, 2)]", "[<int>] * 5",
    ),
    "list[str]": (
        "['a', 'b']", "<str>.split(',')", "<str>.split()", "[<str>, <str>]", "[$a + 'x' for $a in <list[str]>]", "<list[str]>[1:]",
        "sorted(<list[str]>)", "list(<str>)", "keep(['k'], <str>)", "list(<dict[str, int]>)", "[str($a) for $a in <list[int]>]",
        "(Group(<list[int]>) if <int> > 3 else Square(7)).names()", "<str>.splitlines()", "sorted(<list[str]>, key=len)",
        "[$a.strip() for $a in <str>.split(',') if $a]", "<list[str]> + <list[str]>", "[f'{$a}={$b}' for $a, $b in <dict[str, int]>.items()]",
    ),
    "dict[str, int]": (
        "{'a': 1}", "{<str>: <int>}", "{$a: len($a) for $a in <list[str]>}", "dict(<dict[str, int]>)", "{str($a): $a for $a in <list[int]>}",
        "{**<dict[str, int]>, 'k': <int>}", "dict(zip(<list[str]>, <list[int]>))", "{$b: $a for $a, $b in enumerate(<list[str]>)}",
        "dict.fromkeys(<list[str]>, 0)",
    ),
    "dict[int, str]": (
        "{1: 'a'}", "{<int>: <str>}", "{len($a): $a for $a in <list[str]>}", "{$a: str($a) for $a in <list[int]>}",
        "dict(enumerate(<list[str]>))",
    ),
    "set[int]": (
        "{1, 2}", "{<int>, 5}", "{$a % 50 for $a in <list[int]>}", "set(<list[int]>)", "<set[int]> | <set[int]>", "<set[int]> & {1, 2, 3}",
        "<set[int]> - {1}", "set(range(<int> % 40))", "set(<dict[int, str]>)",
    ),
    "Point": (
        "Point(1, 'p', [])", "Point(<int>, <str>, <list[int]>)", "Point(x=<int>, name=<str>, tags=[<int>])",
    ),
    "list[list[int]]": ("[[1], [2, 3]]", "[<list[int]>, <list[int]>]"),
}  # fmt: skip

_CONDITIONS = (
    "<int> > #", "len(<list[int]>) < #", "<str>", "not <list[str]>", "<int> in <set[int]>", "<str> in <dict[str, int]>",
    "<str> >= <str>", "<str>.startswith('a') or <int> < 5", "any($a > 5 for $a in <list[int]>)", "<int> >= # and <list[int]>",
    "<str> < 'b'", "len(<bytes>) > #", "isinstance(<str>, str)", "<list[int]> >= <list[int]>", "<list[int]>",
)  # fmt: skip

_GROWTH: dict[str, tuple[str, ...]] = {
    "int": ("@ += #", "@ = @ + 1"),
    "str": ("@ += 'ab'", "@ = @ + ','"),
    "bytes": ("@ += b'ab'",),
    "list[int]": ("@.append(<int>)", "@.extend([#, 300])", "@.insert(0, #)", "@[:] = [1, 2]", "@ += [#]", "@.sort()", "@.reverse()", "@.clear()"),
    "list[str]": ("@.append(<str>)", "@ += ['ab']", "keep(@, <str>)", "@.sort(key=len)"),
    "dict[str, int]": ("@[<str>] = <int>", "@.setdefault(<str>, #)", "@.update({'u': 3})", "@.pop(<str>, 0)"),
    "dict[int, str]": ("@[<int>] = <str>", "@.pop(#, 'gone')"),
    "set[int]": ("@.add(<int>)", "@.discard(#)", "@.update([5, 6, 300])"),
    "Point": ("@.tags.append(<int>)", "@.name = <str>", "@.x += 1"),
}  # fmt: skip

_ITERATION: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "str": (("@", ("str",)), ("@.split(',')", ("str",)), ("enumerate(@)", ("int", "str"))),
    "bytes": (("@", ("int",)),),
    "list[int]": (
        ("@", ("int",)), ("enumerate(@)", ("int", "int")), ("reversed(@)", ("int",)), ("range(len(@))", ("int",)),
        ("sorted(@)", ("int",)), ("zip(@, @)", ("int", "int")), ("numbers(@)", ("int",)),
    ),
    "list[str]": (("@", ("str",)), ("enumerate(@)", ("int", "str")), ("sorted(@, key=len)", ("str",))),
    "dict[str, int]": (("@", ("str",)), ("@.items()", ("str", "int")), ("@.values()", ("int",)), ("sorted(@)", ("str",))),
    "dict[int, str]": (("@.items()", ("int", "str")),),
    "set[int]": (("sorted(@)", ("int",)),),
    "list[list[int]]": (("@", ("list[int]",)),),
}  # fmt: skip


def make(seed: int) -> Program:
    """Return the program of a seed: its source is the body of a module after PRELUDE."""
    writer = _Writer(seed)
    drawn = writer.drawn
    parameters = tuple((f"p{i}", drawn.choice(PARAMETERS)) for i in range(drawn.randint(1, 4)))
    result = drawn.choice(TYPES)
    scope = _Scope(dict(parameters))
    for _ in range(drawn.randint(2, 5)):
        writer.statement(scope, 3, "    ")
    writer.write("    ", f"return {writer.expression(result, scope, 2)}")
    head = f"def entry{seed}({', '.join(f'{name}: {type_}' for name, type_ in parameters)}) -> {result}:"
    return Program(seed, "\n".join([head, *writer.lines]) + "\n", parameters)
