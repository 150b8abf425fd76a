"""Random typed programs, for the analyser's gate: seeded, typed, ending, and small when they run.

A program is a function `entry<seed>` and at most one that it calls, on top of random_prelude.py. Everything is
drawn from one `random.Random(seed)`, so a seed is a program. The tables below are the language:

    <T>     an expression of a type            ?<T>  a variable of a type
    !<T>    a variable that may grow here      $a    a new name, the same in the whole template
    $a::T   a new name that is a T from here on, or in the block that its line opens
    #       a small number                     ...   a block of statements, on a line of its own

Programs end because what is iterated over does not grow meanwhile, and hold little because in a loop a variable
grows by constants and by what was there before the loop: nothing is made of itself twice.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRELUDE = (Path(__file__).parent / "random_prelude.py").read_text()
WIDE = ("a", "\xe9", "\u20ac", "\U0001f600")

EXPRESSIONS: dict[str, tuple[str, ...]] = {  # the first of each has no parts
    "int": (
        "#", "<int> + <int>", "<int> * #", "len(<str>)", "len(<list[int]>)", "min(<int>, 500)", "max(<int>, <int>)",
        "abs(<int> - <int>)", "<Point>.x", "<Point>.double", "<int> // 3", "<int> % 7", "sum(<list[int]>)",
        "<int> & 255", "(<int> if <int> > # else <int>)", "sum($a for $a in <list[int]>)", "ord((<str> + 'a')[0])",
        "(Group(<list[int]>) if <int> > 3 else Square(#)).area()", "<dict[str, int]>.get(<str>, #)", "-<int>",
        "area_of(Group(<list[int]>))", "<int> << 3", "<int> >> 2", "len(<Bag>)", "<Bag>[<int> % 5]", "sum(<Bag>)",
        "hash(<Key>) % 100", "counter(<int>)()", "len([$a for $a in windows(<list[int]>)])", "<tuple[int, str]>[0]",
        "int(<Key> == <Key>)", "int.from_bytes(<bytes>[:4], 'big')", "next(iter(<list[int]>), #)", "divmod(<int>, 7)[1]",
        "max((len($a) for $a in <list[str]>), default=0)", "<int> | 1024", "<int> ** 2",
        "<int> ** 3", "max(<list[int]>, key=Key2, default=#)", "len(list(delegating(<list[int]>)))", "first_two(<list[int]>)",
        "(<int> if <int> < <int> <= 300 else #)", "late(Late(<int>))", "len([*map(Late, <list[int]>)])", "bounded(<list[int]>, 5000)[0:1].count(1)",
        "sum(len($a) for $a in <list[list[int]]>)", "checked_length(<list[int]>)", "len({Key(<str>), Key(<str>)})",
    ),
    "str": (
        "'text'", "<str> + <str>", "<str>.upper()", "<str>.strip()", "<str>[1:5]", "str(<int>)", "','.join(<list[str]>)",
        "(lambda $a, $b: f'{$a}-{$b}')(<int>, <str>)", "<Point>.name", "<Point>.label()", "<str>.replace('a', 'bc')",
        "<str> * 3", "<str>[::-1]", "<bytes>.hex()", "repr(<str>)", "<str>.ljust(20)", "'%s!' % <str>", "(lambda $a: f'{$a:>5}')(<int>)",
        "'{}'.format(<int>)", "<str>.encode().decode()", "chr(<int> % 900 + 32)", "<str>.partition(',')[0]", "hex(<int>)",
        "str(<Key>)", "joined(<str>, <str>, sep='-')", "padded(<str>, fill='*')", "padded(<str>, <int> % 30)",
        "<tuple[int, str]>[1]", "(<str> or 'none')", "''.join([$a + '.' for $a in <list[str]>])", "joined(*(<str>, 'x'))",
        "min(<list[str]>, default='')", "str(<list[int]>)",
        "<str>[-1:]", "(<str> * 2)[1::2]", "'{:>9}'.format(<str>)", "str(<tuple[int, str]>)", "'{}'.format(<Key>)", "<str>.title().zfill(9)",
        "','.join(sorted({*<list[str]>}))", "(lambda $a: f'{$a:,}')(<int>)", "min(<str>, <str>, key=len)",
    ),
    "bytes": (
        "b'data'", "<bytes> + <bytes>", "<bytes>[2:]", "<str>.encode()", "bytes(<int> % 100)", "bytes(bytearray(<bytes>))",
        "<bytes>.replace(b'a', b'bcd')", "bytes($a % 256 for $a in <list[int]>)", "packed(<list[int]>)",
        "struct.pack('>Q', <int> % 1000)", "b','.join([<bytes>, <bytes>])", "bytes(memoryview(<bytes>)[1:])",
    ),
    "list[int]": (
        "[1, 2, 3]", "[<int>, <int>]", "<list[int]> + <list[int]>", "<list[int]>[:3]", "sorted(<list[int]>)",
        "[$a + 1 for $a in <list[int]>]", "[$a * 2 for $a in <list[int]> if $a > #]", "list(range(<int> % 50))",
        "<Point>.tags", "[len($a) for $a in <list[str]>]", "list(<bytes>)", "list(numbers(<list[int]>))", "list(<set[int]>)",
        "list(<dict[str, int]>.values())", "halve(<list[int]>)", "list(reversed(<list[int]>))", "<list[int]>.copy()",
        "<list[int]>[::2]", "<list[int]>[-2::-1]", "[*{*<list[int]>}]", "sorted(<list[int]>, key=Key2)", "list(delegating(<list[int]>))",
        "list(filter(None, <list[int]>))", "[*<list[int]>, *<list[int]>]", "list(<tuple[int, str]>[:1])", "list(tuple(<list[int]>)[:4])",
        "list(map(abs, <list[int]>))", "[$a for $a, $b in zip(<list[int]>, <list[str]>)]", "[<int>] * 5", "list(<Bag>)",
        "sorted(<list[int]>, key=lambda $a: -$a)", "[$a for $a in <list[int]> for $b in (1, 2)]", "[*<list[int]>, <int>]",
        "[$b for $a in windows(<list[int]>) for $b in $a]", "list(<deque[int]>)", "list(<dict[str, list[int]]>.get(<str>, []))",
        "apply(lambda $a: $a + <int>, <list[int]>)", "list(struct.unpack('>HH', (<bytes> + b'abcd')[:4]))", "<Bag>.items",
    ),
    "list[str]": (
        "['a', 'b']", "<str>.split(',')", "<str>.split()", "[<str>, <str>]", "[$a + 'x' for $a in <list[str]>]",
        "<list[str]>[1:]", "sorted(<list[str]>)", "list(<str>)", "keep(['k'], <str>)", "list(<dict[str, int]>)",
        "[str($a) for $a in <list[int]>]", "(Group(<list[int]>) if <int> > 3 else Square(7)).names()", "<str>.splitlines()",
        "sorted(<list[str]>, key=len)", "[$a.strip() for $a in <str>.split(',') if $a]", "<list[str]> + <list[str]>",
        "[f'{$a}={$b}' for $a, $b in <dict[str, int]>.items()]", "grown(<int> % 6)", "[$a.name for $a in sorted([<Key>, <Key>])]",
        "list(dict.fromkeys(<list[str]>))",
    ),
    "dict[str, int]": (
        "{'a': 1}", "{<str>: <int>}", "{$a: len($a) for $a in <list[str]>}", "dict(<dict[str, int]>)",
        "{str($a): $a for $a in <list[int]>}", "{**<dict[str, int]>, 'k': <int>}", "dict(zip(<list[str]>, <list[int]>))",
        "{$b: $a for $a, $b in enumerate(<list[str]>)}", "dict.fromkeys(<list[str]>, 0)",
    ),
    "dict[str, list[int]]": ("{'a': [1]}", "{<str>: <list[int]>}", "{$a: [len($a)] for $a in <list[str]>}"),
    "set[int]": (
        "{1, 2}", "{<int>, 5}", "{$a % 50 for $a in <list[int]>}", "set(<list[int]>)", "<set[int]> | <set[int]>",
        "<set[int]> & {1, 2, 3}", "<set[int]> - {1}", "set(range(<int> % 40))",
    ),
    "deque[int]": ("deque([1, 2])", "deque(<list[int]>)", "deque(<list[int]>, maxlen=3)"),
    "list[list[int]]": ("[[1], [2, 3]]", "[<list[int]>, <list[int]>]", "list(windows(<list[int]>))", "[[0] * 3 for $a in range(<int> % 9)]"),
    "tuple[int, str]": ("(1, 'a')", "(<int>, <str>)", "(lambda $a: (len($a), $a))(<str>)"),
    "Point": ("Point(1, 'p', [])", "Point(<int>, <str>, <list[int]>)", "Point(x=<int>, name=<str>, tags=[<int>])"),
    "Key": ("Key('k')", "Key(<str>)", "max(Key(<str>), Key(<str>))"),
    "Bag": ("Bag([1])", "Bag(<list[int]>)", "<Bag> + Bag(<list[int]>)"),
}  # fmt: skip

CONDITIONS = (
    "<int> > #", "len(<list[int]>) < #", "<str>", "not <list[str]>", "<int> in <set[int]>", "<str> in <dict[str, int]>",
    "<str> >= <str>", "<str>.startswith('a') or <int> < 5", "any($a > 5 for $a in <list[int]>)", "<int> >= # and <list[int]>",
    "len(<bytes>) > #", "<list[int]> >= <list[int]>", "<Key>", "<Key> in [<Key>, <Key>]", "<Bag>", "<int> in <Bag>",
    "<Key> < <Key>", "<tuple[int, str]> == <tuple[int, str]>", "($a := <str>) and len($a) > 2", "<Key> in {<Key>}",
)  # fmt: skip

GROWTH: dict[str, tuple[str, ...]] = {
    "int": ("@ += #", "@ = @ + 1", "@ = @ * 3"),
    "str": ("@ += 'ab'", "@ = @ + ','", "@ = f'{@}.'", "@ = @[1:]"),
    "bytes": ("@ += b'ab'",),
    "list[int]": (
        "@.append(<int>)", "@.extend([#, 300])", "@.insert(0, #)", "@[:] = [1, 2]", "@ += [#]", "@.sort()", "@.reverse()",
        "@.clear()", "@ = [*@, 300]", "@ = @ + [<int>]", "del @[:1]", "@[1:1] = [700, 800]", "@ += (<int>, 5)",
    ),
    "list[str]": ("@.append(<str>)", "@ += ['ab']", "keep(@, <str>)", "@.sort(key=len)", "@ = @[-3:]"),
    "dict[str, int]": ("@[<str>] = <int>", "@.setdefault(<str>, #)", "@.update({'u': 3})", "@.pop(<str>, 0)", "@ = {**@, 'z': 900}"),
    "dict[str, list[int]]": ("@.setdefault(<str>, []).append(<int>)", "@[<str>] = [<int>]", "@.pop(<str>, [])"),
    "set[int]": ("@.add(<int>)", "@.discard(#)", "@.update([5, 6, 300])", "@ |= {<int>}"),
    "deque[int]": ("@.append(<int>)", "@.appendleft(#)", "@.extend([7, 800])", "@.rotate(1)"),
    "list[list[int]]": ("@.append([<int>])", "@[-1:] = [[300, 400]]"),
    "Point": ("@.tags.append(<int>)", "@.name = <str>", "@.x += 1", "@.tags = [<int>]", "@.name += 'n'"),
    "Bag": ("@.items.append(<int>)", "@.items = [<int>]"),
}  # fmt: skip

LOOPS = (
    "for $a::str in ?<str>:\n    ...",
    "for $a::int in ?<bytes>:\n    ...",
    "for $a::int in ?<list[int]>:\n    ...",
    "for $a::int, $b::int in enumerate(?<list[int]>):\n    ...\n    if <condition>:\n        break",
    "for $a::int in reversed(?<list[int]>):\n    if <condition>:\n        continue\n    ...",
    "for $a::int in range(len(?<list[int]>)):\n    ...\nelse:\n    ...",
    "for $a::int, $b::str in zip(?<list[int]>, ?<list[str]>):\n    ...",
    "for $a::int in numbers(?<list[int]>):\n    ...",
    "for $a::list[int] in windows(?<list[int]>):\n    ...",
    "for $a::int in ?<Bag>:\n    ...",
    "for $a::str in sorted(?<list[str]>, key=len):\n    ...",
    "for $a::str, $b::int in ?<dict[str, int]>.items():\n    ...",
    "for $a::str in list(?<dict[str, int]>):\n    ...",
    "for $a::str, $b::list[int] in ?<dict[str, list[int]]>.items():\n    ...",
    "for $a::int in sorted(?<set[int]>):\n    ...",
    "for $a::list[int] in ?<list[list[int]]>:\n    ...",
    "for $a::str in <str>.split(','):\n    ...",
    "for $a::int in range(<int> % 9):\n    ...",
    "$a = 0\nwhile $a < len(?<list[int]>):\n    ...\n    $a += 2",
    "$a = len(?<str>)\nwhile $a > 0:\n    ...\n    $a -= 1",
    "$a = <int>\nwhile $a > 0:\n    $a //= 2\n    ...",
    "$a = 0\nwhile True:\n    $a += 1\n    ...\n    if $a >= 7:\n        break",
    "$a: list[int] = list(?<list[int]>)\nwhile $a:\n    $b::int = $a.pop()\n    ...",
    "$a::str = ''\n$b: list[str] = []\nfor $c::str in ?<list[str]>:\n    $b.append($a)\n    $a = $c + '+'\n    ...",
    "$a: Link | None = None\nfor $b::int in ?<list[int]>:\n    $a = Link($b, $a)\n    ...",
    "$a::str = <str>\n$b::str = <str>\nfor $c::int in ?<list[int]>:\n    $a, $b = $b, $a\n    $a = $a + 'z'",
    "$a: dict[str, list[str]] = {}\nfor $b::str in ?<list[str]>:\n    $a.setdefault($b[:1], []).append($b + '!')\n    ...",
)

STATEMENTS = (
    "if <condition>:\n    ...",
    "if <condition>:\n    ...\nelif <condition>:\n    ...\nelse:\n    ...",
    "$a::str = ''\ntry:\n    ...\n    $a = checked(<str>)\nexcept ValueError as $b:\n    $a = str($b)\n    ...",
    "$a::str = <str>\ntry:\n    $a = deeper($a)\nexcept (KeyError, ValueError):\n    ...\nfinally:\n    ...",
    "$a::int = #\ntry:\n    $a = <dict[str, int]>[<str>]\nexcept KeyError:\n    $a = <int>\nelse:\n    ...",
    "try:\n    ...\nfinally:\n    ...",
    "with Guard(<str>) as $a:\n    ...\n    $a.log.append(<str>)",
    "def $f($a: int, $b: int = <int>) -> int:\n    return $a + $b\n$c::list[int] = apply($f, ?<list[int]>)",
    "$a::int = <int>\ndef $f($b: int) -> int:\n    nonlocal $a\n    $a += $b\n    return $a\n$c::list[int] = apply($f, ?<list[int]>)",
    "$a::list[str] = [<str>]\ndef $f($b: str) -> None:\n    $a.append($b + '!')\n$f(<str>)\n$f(<str>)",
    "$f = [lambda: $a for $a in ?<list[str]>]\n$b::int = len($f)",
    "$a::str, $b::int = <str>, <int>",
    "$a, *$b = [<int>, *<list[int]>]\n$c::list[int] = $b",
    "$a::list[int] = ?<list[int]>",
    "$a::Point = ?<Point>",
    "$a = <str> + 'gone'\ndel $a",
    "$a = [<str>]\nif <condition>:\n    del $a",
    "match <int>:\n    case 0:\n        ...\n    case 1 | 2:\n        ...\n    case _:\n        ...",
    "match <tuple[int, str]>:\n    case (0, $b):\n        ...\n    case ($a, $c):\n        ...",
    "$a: str | None = <str> if <condition> else None\nif $a is not None:\n    $b = $a + 'set'",
    "$a: Shape = Square(<int>) if <condition> else Group(<list[int]>)\n$b::list[str] = $a.names()",
    "$a = counter(<int>)\n$b::int = $a() + $a()",
    "$a = numbers(<list[int]>)\n$b::int = next($a, #)\n$c::list[int] = list($a)",
    "$a: list[Bag] = [Bag(<list[int]>), ?<Bag>]\n$b::Bag = $a[0]",
    "$c::list[str] = [$b for $a in ?<list[str]> if ($b := $a + '1')]",
    "$a = [numbers(?<list[int]>) for $b in ?<list[str]>]\n$c::int = len($a)",
    "$a = delegating(<list[int]>)\n$b::int = next($a, #)\ndel $a",
    "$a = [Late($b) for $b in ?<list[int]>]\nfor $c in $a:\n    $c.more()\n$b::int = len($a)",
    "$a = [($b,) if $b > # else ($b, $b) for $b in ?<list[int]>]\ndel $a\n$c = [($b,) for $b in ?<list[int]>]\n$d::int = len($c)",
    "$a = [$b / 7 for $b in ?<list[int]>]\ndel $a",
    "$a = {$b: $b / 7 for $b in ?<list[int]>}\n$c::int = len($a)",
    "$a = [Measured($b / 3) for $b in ?<list[int]>]\ndel $a",
    "$a::str = <str>\ntry:\n    $a = [checked($b) for $b in ?<list[str]>][0]\nexcept (ValueError, IndexError):\n    $a = $a + 'caught'\n    ...",
    "try:\n    raise KeyError(<str>)\nexcept KeyError:\n    ...\nfinally:\n    $a::str = <str>",
    "$a::dict[str, int] = dict(?<dict[str, int]>)\ntry:\n    for $b in $a:\n        $a[$b + 'x'] = #\nexcept RuntimeError:\n    ...",
    "$a::list[int] = list(?<list[int]>)\n$a[::2] = $a[::2]\ndel $a[::3]",
    "$a, ($b, *$c) = <int>, [<int>, *<list[int]>]\n$d::list[int] = $c",
    "$a = ()\nfor $b in range(9):\n    $a = (*$a, $b)\n$c::int = len($a)",
    "match <list[int]>:\n    case []:\n        ...\n    case [$a, *$b]:\n        ...\n    case _:\n        ...",
    "match <Point>:\n    case Point(x=0):\n        ...\n    case Point(name=$a):\n        ...",
    "def $f($a: int, $b: list[int] = <list[int]>) -> int:\n    $b.append($a)\n    return len($b)\n$c::int = $f(<int>) + $f(<int>)",
    "$a::int = remember(<str>)",
    "if ($a := <list[int]>) and <condition>:\n    $b::list[int] = $a",
    "try:\n    $a::str = <str>\n    ...\nfinally:\n    del $a",
    "$a = [[$b] for $b in ?<list[int]>]\nwhile $a:\n    $a.pop()\n    if <condition>:\n        break",
    "$a::dict[str, int] = {}\n$a[<str>] = <int>\n$a[<str>] = <int>",
    "$a = {<Key>: <int>, <Key>: <int>}\n$b::int = $a.get(<Key>, 0)",
)

INDENT = "    "
_HOLE = re.compile(
    r"([?!]?)<(condition|" + "|".join(map(re.escape, sorted(EXPRESSIONS, key=len, reverse=True))) + ")>"
)
_DECLARED = re.compile(
    r"(\$\w)::(" + "|".join(map(re.escape, sorted(EXPRESSIONS, key=len, reverse=True))) + ")"
)
_VARIABLE = re.compile(r"\b[vp]\d+\b")
PARAMETERS = (
    "int", "str", "bytes", "list[int]", "list[str]", "dict[str, int]", "Point", "list[list[int]]", "Bag", "set[int]",
    "tuple[int, str]", "Key", "dict[str, list[int]]", "deque[int]",
)  # fmt: skip
_CONTAINERS = frozenset(GROWTH) - {"int", "str", "bytes"}


@dataclass
class Program:
    """A program and the seed that makes it."""

    seed: int
    source: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return f"entry{self.seed}"

    def inputs(self, count: int, make: Any) -> list[dict[str, Any]]:
        """Return arguments by name, adversarial ones first: empty, one thing, wide, huge, one object twice."""
        found = []
        for style in range(count):
            values = _Values(random.Random(f"{self.seed} {style}"), style, make)
            found.append({name: values.of(type_) for name, type_ in self.parameters})
        return found


@dataclass
class _Values:
    """Arguments of a style; `make(class, *parts)` makes instances. Of style 4, equal types get one object."""

    drawn: random.Random
    style: int
    make: Any
    known: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> Any:
        if self.style == 4 and type_ in self.known:
            return self.known[type_]
        size = (
            (0, 1, 110, 50)[self.style] if self.style < 4 else self.drawn.choice((2, 5, 6, 9, 11, 17, 27, 43))
        )
        self.known[type_] = made = self._made(type_, size)
        return made

    def _made(self, type_: str, n: int) -> Any:
        match type_:
            case "int":
                return 2**200 if self.style == 3 else self.drawn.choice((-3, 0, 1, 7, 60, 300, 2**31))
            case "str":
                return self.text(n)
            case "bytes":
                return bytes(self.drawn.choice(b"ab,: ") for _ in range(n))
            case "list[int]":
                return [self.item(n) for _ in range(n)]
            case "list[str]":
                return [self.text(self.drawn.randrange(12)) for _ in range(n)]
            case "list[list[int]]":
                return [[self.item(n) for _ in range(i % 5)] for i in range(n)]
            case "dict[str, int]":
                return {f"{self.text(3)}{i}": i * 300 for i in range(n)}
            case "dict[str, list[int]]":
                return {f"{self.text(3)}{i}": list(range(i % 7)) for i in range(n)}
            case "set[int]":
                return {i * 100 for i in range(n)}
            case "tuple[int, str]":
                return (self.item(n), self.text(n))
            case "Point":
                return self.make("Point", self.item(n), self.text(n), self.of("list[int]"))
            case "Key":
                return self.make("Key", self.text(n))
            case "Bag":
                return self.make("Bag", self.of("list[int]"))
            case "deque[int]":
                return self.make("deque", self.of("list[int]"))
        raise ValueError(type_)

    def text(self, size: int) -> str:
        letter = WIDE[3] if self.style == 2 else self.drawn.choice(WIDE)
        return "".join(self.drawn.choice((letter, "a", " ", ",", ":")) for _ in range(size))

    def item(self, size: int) -> int:
        return 2**200 + size if self.style == 3 else self.drawn.choice((0, 1, 7, -300, 2**31, 2**61))


@dataclass
class _Scope:
    """What may be named at a place.

    Attributes:
        variables: types by name.
        loops: how deep in loops.
        steady: in a loop, what was there before the outermost one, and what it goes over.
        fixed: types of which nothing may grow here: something of the type is iterated over.
    """

    variables: dict[str, str]
    loops: int = 0
    steady: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()

    def inner(self, *, loop: bool, fixed: frozenset[str] = frozenset()) -> _Scope:
        steady = self.steady if self.loops else frozenset(self.variables)
        return _Scope(dict(self.variables), self.loops + loop, steady, self.fixed | fixed)


class _Missing(Exception):
    """A template asks for a variable that there is none of."""


class _Writer:
    def __init__(self, drawn: random.Random, prefix: str = "") -> None:
        self.drawn = drawn
        self.lines: list[str] = []
        self.names = 0
        self.left = 6  # statements: keeps programs short

    # -- expressions
    def expression(self, type_: str, scope: _Scope, depth: int, *, steady: bool = False) -> str:
        """Return an expression; a steady one is a constant or was there before the outermost loop."""
        if type_ == "condition":
            return self.fill(self.drawn.choice(CONDITIONS), scope, max(depth - 1, 0))
        known = [
            name for name, held in scope.variables.items()
            if held == type_ and (not steady or not scope.loops or name in scope.steady)
        ]  # fmt: skip
        if known and (depth <= 0 or self.drawn.random() < 0.4):
            return self.drawn.choice(known)
        if depth <= 0 or (steady and scope.loops):
            return self.fill(EXPRESSIONS[type_][0], scope, 0)
        return self.fill(self.drawn.choice(EXPRESSIONS[type_]), scope, depth - 1)

    def fill(
        self,
        template: str,
        scope: _Scope,
        depth: int,
        names: dict[str, str] | None = None,
        *,
        steady: bool = False,
    ) -> str:
        """Put expressions in the place of holes, and new names in the place of `$a`."""
        names = {} if names is None else names

        def name(hole: re.Match[str]) -> str:
            if hole[0] not in names:
                self.names += 1
                names[hole[0]] = f"v{self.names}"
            return names[hole[0]]

        def part(hole: re.Match[str]) -> str:
            if hole[1]:
                return self.variable(hole[2], scope)
            text = self.expression(hole[2], scope, depth, steady=steady)
            return (
                text
                if text.isidentifier() or (hole.start() == 0 and hole.end() == len(hole.string))
                else f"({text})"
            )

        text = re.sub(r"\$\w", name, template)
        text = re.sub(r"#", lambda _: str(self.drawn.choice((0, 1, 2, 3, 10, 300))), text)
        return _HOLE.sub(part, text)

    def variable(self, type_: str, scope: _Scope) -> str:
        known = [name for name, held in scope.variables.items() if held == type_]
        if not known:
            raise _Missing
        return self.drawn.choice(known)

    # -- statements
    def block(self, scope: _Scope, depth: int, indent: str) -> None:
        before = len(self.lines)
        for _ in range(self.drawn.choice((1, 1, 2))):
            self.statement(scope, depth, indent)
        if len(self.lines) == before:
            self.lines.append(indent + "pass")

    def statement(self, scope: _Scope, depth: int, indent: str) -> None:
        self.left -= 1
        dice = self.drawn.random()
        if dice < 0.3 or depth <= 0 or self.left < 0:
            self.grow(scope, indent) if dice < 0.2 else self.assign(scope, indent)
        elif dice < (0.38 if scope.loops else 0.65) and scope.loops < 2:
            self.put(self.drawn.choice(LOOPS), scope, depth, indent)
        else:
            self.put(self.drawn.choice(STATEMENTS), scope, depth, indent)

    def assign(self, scope: _Scope, indent: str) -> None:
        type_ = self.drawn.choice(list(EXPRESSIONS))
        text = self.expression(type_, scope, 2)
        self.names += 1
        self.lines.append(f"{indent}v{self.names}: {type_} = {text}")
        scope.variables[f"v{self.names}"] = type_

    def grow(self, scope: _Scope, indent: str) -> None:
        choices = [
            (name, template)
            for name, type_ in scope.variables.items()
            for template in GROWTH.get(type_, ())
            if not scope.fixed & _grown(type_)
        ]
        if not choices:
            return self.assign(scope, indent)
        name, template = self.drawn.choice(choices)
        self.lines.append(
            indent + self.fill(template, scope, 0 if scope.loops else 1, steady=True).replace("@", name)
        )
        return None

    def put(self, template: str, scope: _Scope, depth: int, indent: str) -> None:
        """Write a template's lines; a name that one of them declares is in reach from there on."""
        mark, before = len(self.lines), dict(scope.variables)
        names: dict[str, str] = {}
        scopes = [scope]
        try:
            for line in template.split("\n"):
                text = line.lstrip()
                level = (len(line) - len(text)) // 4
                del scopes[level + 1 :]
                here = scopes[-1]
                if text == "...":
                    self.block(here, depth - 1, indent + INDENT * level)
                    continue
                declared = _DECLARED.findall(text)
                opens = text.endswith(":")
                text = _DECLARED.sub(r"\1" if opens or text.count("::") > 1 else r"\1: \2", text)
                text = self.fill(text, here, 1, names, steady=True)
                self.lines.append(indent + INDENT * level + text)
                if opens:
                    loop = text.startswith(("for ", "while "))
                    fixed = frozenset(
                        here.variables[name] for name in _VARIABLE.findall(text) if name in here.variables
                    )
                    fixed = (
                        frozenset(one for type_ in fixed for one in _grown(type_)) if loop else frozenset()
                    )
                    outermost = loop and not here.loops
                    here = here.inner(loop=loop, fixed=fixed | self.held(names, text, loop=loop))
                    scopes.append(here)
                    if outermost:
                        here.steady |= {names[name] for name, _ in declared}
                here.variables.update({names[name]: type_ for name, type_ in declared})
        except _Missing:
            del self.lines[mark:]
            scope.variables = before
            self.assign(scope, indent)

    def held(self, names: dict[str, str], text: str, *, loop: bool) -> frozenset[str]:
        """Return what must not change in a loop that counts: its counter, an int."""
        counts = loop and text.startswith("while ")
        return frozenset({"int"}) if counts else frozenset()


def _grown(type_: str) -> frozenset[str]:
    """Return the types of which something grows where a growth template of a type is used."""
    return frozenset({"list[int]", "Point", "Bag", "list[list[int]]", "dict[str, list[int]]"}) if type_ in {
        "list[int]", "Point", "Bag", "list[list[int]]", "dict[str, list[int]]"
    } else frozenset({type_})  # fmt: skip


def make(seed: int) -> Program:
    """Return the program of a seed: its source is the body of a module after PRELUDE."""
    drawn = random.Random(seed)
    writer = _Writer(drawn)
    parameters = tuple((f"p{i}", drawn.choice(PARAMETERS)) for i in range(drawn.randint(1, 3)))
    scope = _Scope(dict(parameters))
    for _ in range(drawn.randint(2, 3)):
        writer.statement(scope, 2, INDENT)
    result = drawn.choice(list(EXPRESSIONS))
    writer.lines.append(f"{INDENT}return {writer.expression(result, scope, 1)}")
    head = f"def entry{seed}({', '.join(f'{name}: {type_}' for name, type_ in parameters)}) -> {result}:"
    return Program(seed, "\n".join([head, *writer.lines]) + "\n", parameters)
