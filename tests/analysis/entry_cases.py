# ruff: noqa: A002, B007, B905, C400, C416, F841, I001, PERF102, PERF401, PERF402, RUF005, SIM108 (programs as they come)
"""Small programs, each of which has caught the interpreter out, or could: one idea each."""

from __future__ import annotations


from collections.abc import Callable, Iterator, Mapping


from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from annotated_types import Len


from typing import TypedDict


from hardtack.annotations import Among, recursive

T = TypeVar("T")


def total(xs: list[str]) -> int:
    n = 0
    for x in xs:
        n += len(x)
    return n


def add(a: int, b: int) -> int:
    return a + b


def pairs(xs: list[str]) -> list[list[str]]:
    out = []
    for x in xs:
        y = x.strip()
        out.append([x, y])
    return out


def squares(n: int) -> list[int]:
    return [i * i for i in range(n)]


def wide(a: int, n: int) -> list[int]:
    out = []
    for i in range(n):
        out.append(a * a + i)
    return out


def table(n: int) -> list[list[int]]:
    out = []
    for i in range(n):
        row = []
        for j in range(n):
            row.append(i * j)
        out.append(row)
    return out


def dicts(xs: list[str]) -> dict[str, int]:
    d: dict[str, int] = {}
    for x in xs:
        d[x] = len(x)
    return d


def group(xs: list[str]) -> dict[int, list[str]]:
    d: dict[int, list[str]] = {}
    for x in xs:
        k = len(x)
        if k in d:
            d[k].append(x)
        else:
            d[k] = [x]
    return d


def grow(xs: list[int], n: int) -> None:
    for i in range(n):
        xs.append(i)


class Fixed:
    def __init__(self) -> None:
        self.slots: Annotated[list[int], Len(4, 4)] = [0] * 4


def fixed(holder: Fixed, at: int) -> int:
    return holder.slots[at & 3]


class Row:
    def __init__(self) -> None:
        self.count = 0


class Rows:
    def __init__(self) -> None:
        self.rows: Annotated[list[Row], Len(4, 4)] = [Row() for _ in range(4)]
        self.first: Annotated[Row, Among("rows[]")] = self.rows[0]


def counted(rows: Rows, at: int, n: int) -> None:
    row = rows.rows[at & 3] if at else rows.first
    row.count = 1 << (n & 1023)


def counted_again(rows: Rows, n: int) -> int:
    before = rows.first.count
    rows.rows[0].count = 1 << (n & 1023)
    return before + rows.first.count * 2


def fixed_shortened(holder: Fixed) -> int:
    holder.slots.pop()
    return holder.slots[3]


def fixed_shortened_elsewhere(holder: Fixed) -> int:
    slots = holder.slots
    slots[:2] = []
    return holder.slots[3]


def alias_of_any(xs: list[T], ys: list[int], item: T, n: int) -> list[int]:
    xs.extend([item] * n)
    return ys * 8


def alias(xs: list[str], ys: list[str]) -> list[str]:
    xs.append("q")
    out = []
    for y in ys:
        out.append(y + y)
    return out


def halves(n: int) -> int:
    c = 0
    while n > 0:
        n = n // 2
        c += 1
    return c


def count(n: int) -> list[int]:
    out = []
    i = 0
    while i < n:
        out.append(i)
        i += 1
    return out


def gen(n: int) -> int:
    return sum(i * i for i in range(n))


def genlist(n: int) -> list[str]:
    return list(str(i) for i in range(n))


def evens(xs: list[int]) -> Iterator[int]:
    for x in xs:
        if x % 2 == 0:
            yield x


def use_gen(xs: list[int]) -> list[int]:
    out = []
    for x in evens(xs):
        out.append(x + 1000)
    return out


def enum(xs: list[str]) -> list[tuple[int, str]]:
    return [(i, x) for i, x in enumerate(xs)]


def zipped(xs: list[str], ys: list[int]) -> dict[str, int]:
    d = {}
    for x, y in zip(xs, ys):
        d[x] = y * 3
    return d


def closure(n: int) -> list[int]:
    total = 0

    def bump(k: int) -> int:
        nonlocal total
        total += k
        return total

    out = []
    for i in range(n):
        out.append(bump(i))
    return out


def tries(xs: list[str]) -> int:
    n = 0
    for x in xs:
        try:
            n += int(x)
        except ValueError:
            n += 1
    return n


class P:
    def __init__(self, name: str, n: int) -> None:
        self.name = name
        self.n = n
        self.items: list[int] = []

    def add(self, k: int) -> None:
        self.items.append(k)
        self.n += k


def points(xs: list[str]) -> list[P]:
    out = []
    for i, x in enumerate(xs):
        p = P(x.strip(), i)
        p.add(i * 1000)
        out.append(p)
    return out


def bump_all(ps: list[P]) -> None:
    for p in ps:
        p.add(p.n + 100000)


def many_rows(n: int) -> int:
    best = 0
    for i in range(n):
        row = [i] * 50
        best = max(best, len(row))
    return best


class Node:
    def __init__(self, value: int, next: Node | None) -> None:
        self.value = value
        self.next = next


def chain(n: int) -> Node | None:
    head: Node | None = None
    for i in range(n):
        head = Node(i, head)
    return head


def chain_length(node: Node | None) -> list[int]:
    out = []
    while node is not None:
        out.append(node.value + 1000)
        node = node.next
    return out


def cycles(n: int) -> int:
    for i in range(n):
        a = Node(i, None)
        b = Node(i, a)
        a.next = b
    return n


def raises(n: int) -> int:
    xs = [0] * n
    if n > 3:
        raise ValueError(n)
    return len(xs)


def inner_raise(n: int) -> int:
    big = list(range(n))
    if n >= 0:
        raise KeyError(len(big))
    return 0


def catches(n: int) -> int:
    try:
        return inner_raise(n)
    except KeyError:
        other = list(range(n))
        return len(other)


def catches_loop(n: int) -> int:
    total = 0
    for i in range(n):
        try:
            total += inner_raise(i)
        except KeyError as e:
            ys = list(range(i))
            total += len(ys)
    return total


def cleanup(n: int) -> int:
    xs = list(range(n))
    try:
        if n > 2:
            raise ValueError(n)
        ys = list(range(n))
        return len(ys)
    finally:
        zs = list(range(n + n))
        del zs


def early(n: int) -> int:
    for i in range(n):
        xs = list(range(n))
        if i == 5:
            return len(xs)
        if i == 7:
            break
    else:
        return 0
    ys = list(range(n))
    return len(ys)


def make_adders(n: int) -> list[Callable[[int], int]]:
    out: list[Callable[[int], int]] = []
    for i in range(n):

        def add(k: int, base: int = i + 1000) -> int:
            return k + base

        out.append(add)
    return out


def tuples(n: int) -> int:
    best = 0
    for i in range(n):
        a = (i, i)
        b = (i, i, a)
        c = (b, i, i, i)
        best = max(best, len(c))
    return best


def tuple_bulk(n: int) -> int:
    xs = [(i, i) for i in range(n)]
    k = len(xs)
    xs = []
    ys = [(i, i, i) for i in range(n)]
    k += len(ys)
    ys = []
    zs = [(i, i, i, i) for i in range(n)]
    return k + len(zs)


@dataclass
class Point:
    x: int
    y: int
    tags: list[str] = field(default_factory=list)


def dpoints(n: int) -> list[Point]:
    out = []
    for i in range(n):
        p = Point(i, i * 2)
        p.tags.append("a")
        out.append(p)
    return out


def dpoints_kw(n: int) -> list[Point]:
    return [Point(x=i, y=i + 5000) for i in range(n)]


class Bag:
    def __init__(self) -> None:
        self.items: list[int] = []
        self.index: dict[int, list[int]] = {}


def fill(bag: Bag, n: int) -> None:
    for i in range(n):
        bag.items.append(i + 300)
        bag.index[i + 300] = [i + 300]


def swap_bags(a: Bag, b: Bag, n: int) -> None:
    a.items = list(range(n))
    for x in b.items:
        a.index[x] = [x + 1000]


def replace_each(rows: list[list[int]], n: int) -> None:
    for row in rows:
        for i in range(len(row)):
            row[i] = n + i + 1000


def twice(n: int) -> list[int]:
    xs = [0] * n
    for i in range(n):
        xs[i] = i + 5000
    return xs


def nested_lists(n: int) -> int:
    k = 0
    rows = []
    for i in range(n):
        rows.append([0] * 4)
    for row in rows:
        for j in range(4):
            row[j] = k + 1000
            k += 1
    return k


def rec(n: int) -> int:
    xs = [0] * 10
    if n <= 0:
        return 0
    return rec(n - 1) + len(xs)


def shadow(n: int) -> int:
    xs = list(range(n))
    xs = list(range(n))
    xs = [x + 1 for x in xs]
    return len(xs)


def held_args(n: int) -> int:
    return helper(list(range(n)), list(range(n)))


def helper(a: list[int], b: list[int]) -> int:
    a = []
    c = b + b
    return len(c)


def strings(n: int) -> str:
    s = ""
    for i in range(n):
        s = s + "abc"
    return s


def doubling(n: int) -> str:
    s = "a"
    for i in range(n):
        s = s + s
    return s


def fact(n: int) -> int:
    r = 1
    for i in range(n):
        r = r * (i + 1)
    return r


def gen_state(n: int) -> Iterator[int]:
    buf = list(range(n))
    for x in buf:
        yield x + 1000


def gen_interleave(n: int) -> list[int]:
    out = []
    for x in gen_state(n):
        out.append(x)
        ys = list(range(n))
    return out


def shared_gen(xs: list[int], n: int) -> Iterator[int]:
    for i in range(n):
        xs.append(i + 1000)
        yield len(xs)


def gen_mutates(n: int) -> int:
    xs: list[int] = []
    total = 0
    for k in shared_gen(xs, n):
        total += len(list(xs)) + k
    return total


def gen_break(n: int) -> int:
    k = 0
    for x in gen_state(n):
        k += x
        if x > 1010:
            break
    more = list(range(n))
    return k + len(more)


def cond(n: int) -> list[int]:
    if n % 2:
        xs = list(range(n))
    else:
        xs = [1] * n
    return xs


def retain_cond(bag: Bag, n: int) -> None:
    if n % 2:
        bag.items = list(range(n))
    else:
        bag.items = [1000] * n
    ys = list(range(n))


def outer_var(n: int) -> int:
    xs: list[int] = []

    def push(k: int) -> None:
        xs.append(k + 1000)

    for i in range(n):
        push(i)
    return len(xs)


def sort_key(xs: list[str]) -> list[str]:
    return sorted(xs, key=lambda s: len(s) + 1000)


@recursive(depth=30)
def descend(n: int) -> int:
    xs = [0] * 10
    if n <= 0:
        return 0
    return descend(n - 1) + len(xs)


class Tree:
    __slots__ = ("left", "right", "value")

    def __init__(self, value: int, left: Tree | None = None, right: Tree | None = None) -> None:
        self.value = value
        self.left = left
        self.right = right


@recursive(depth=6)
def build(d: int) -> Tree | None:
    if d <= 0:
        return None
    return Tree(d + 1000, build(d - 1), build(d - 1))


@recursive(depth=12, calls=5000)
def flatten(t: Tree | None, out: list[int]) -> None:
    if t is None:
        return
    flatten(t.left, out)
    out.append(t.value + 1000)
    flatten(t.right, out)


def search(xs: list[int], x: int) -> int:
    lo = 0
    hi = len(xs)
    while lo < hi:
        mid = (lo + hi) // 2
        if xs[mid] < x:
            lo = mid + 1
        else:
            hi = mid
    return lo


class Animal:
    def sound(self, n: int) -> list[int]:
        return [n + 1000]


class Dog(Animal):
    def sound(self, n: int) -> list[int]:
        return list(range(n))


def speak(a: Animal, n: int) -> int:
    return len(a.sound(n))


def swap(n: int) -> int:
    a = [1] * n
    b = [2] * n
    a, b = b, a
    a = a + b
    return len(a)


def first_or(xs: list[str], n: int) -> str:
    best = ""
    for x in xs:
        y = x + "z"
        if len(y) > len(best):
            best = y
    return best


def matrix(n: int, m: int) -> list[list[float]]:
    out = []
    for i in range(n):
        row = []
        for j in range(m):
            row.append(i * 1.5 + j)
        out.append(row)
    return out


def floats(xs: list[float]) -> float:
    s = 0.0
    for x in xs:
        s += x * x
    return s


def window(data: bytes, n: int) -> list[bytes]:
    out = []
    for i in range(0, len(data), 8):
        out.append(data[i : i + 8])
    return out


def slices(xs: list[int]) -> list[int]:
    return xs[1:] + xs[:-1]


class Stack:
    def __init__(self) -> None:
        self.xs: list[int] = []

    def push(self, x: int) -> None:
        self.xs.append(x)

    def pop(self) -> int:
        return self.xs.pop()


def stack(n: int) -> int:
    s = Stack()
    for i in range(n):
        s.push(i + 1000)
        s.push(i + 2000)
        s.pop()
    return len(s.xs)


def handler_keeps(xs: list[str]) -> list[str]:
    errors = []
    for x in xs:
        try:
            int(x)
        except ValueError as e:
            errors.append(str(e))
    return errors


class MyErr(Exception):
    def __init__(self, code: int, data: list[int]) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


def my_raise(n: int) -> None:
    raise MyErr(n, list(range(n)))


def my_catch(n: int) -> int:
    try:
        my_raise(n)
    except MyErr as e:
        return e.code + len(e.data)
    return 0


def compose(n: int) -> int:
    fs: list[Callable[[int], int]] = [lambda x: x + 1, lambda x: x * 2]
    out = 0
    for f in fs:
        out += f(n)
    return out


def string_build(xs: list[str]) -> str:
    parts = []
    for x in xs:
        parts.append(f"{x}: {len(x)};")
    return "".join(parts)


def pipeline(n: int) -> list[int]:
    a = (i * 2 for i in range(n))
    b = (x + 1000 for x in a)
    return [y for y in b]


def default_closure(n: int) -> list[int]:
    out: list[int] = []
    for i in range(n):

        def add(k: int, base: list[int] = [i + 1000] * 3) -> list[int]:
            return base + [k]

        out.extend(add(i))
    return out


def offsets(data: bytes) -> int:
    i = 0
    n = 0
    while i < len(data) - 3:
        i += 4
        n += 1000
    return n


def after_some_rounds(n: int) -> int:
    keep: list[list[int]] = []
    i = 0
    for _ in range(n):
        if i > 3:
            keep.append([0] * 100)
        i += 2
    return len(keep)


def _counted(n: int) -> Iterator[int]:
    for i in range(n):
        yield i + 1000


def left_generators(n: int) -> int:
    last = 0
    for _ in range(n):
        for item in _counted(n):
            if item > 1001:
                break
            last = item
    return last


def sorted_generators(n: int) -> int:
    last = 0
    for _ in range(n):
        for item in sorted(i + 1000 for i in range(n)):
            last = item
    return last


def nested_rounds(n: int) -> int:
    i = 0
    while i < n:
        for _ in range(3):
            pass
        i += 1
    return i


def items_made(n: int) -> Iterator[bytes]:
    for _ in range(n):
        yield bytes(1000)


def items_passed(xs: list[str]) -> Iterator[str]:
    last = ""
    for x in xs:
        yield last + x
        last = x


async def _one_more(n: int) -> int:
    return n + 1


async def awaited(n: int) -> int:
    return await _one_more(n) + await _one_more(n + 1)


class Described(TypedDict, total=False):
    name: str
    size: int


def described(ds: list[Described]) -> list[str]:
    out = []
    for d in ds:
        if "size" in d:
            out.append(d.get("name", "") + "!")
        for key, _ in d.items():
            out.append(key + "!")
    return out


def turned_round(sizes: Mapping[str, int]) -> dict[int, list[str]]:
    out: dict[int, list[str]] = {}
    for name, size in sizes.items():
        out.setdefault(size, []).append(name)
    return out


@dataclass
class Folder:
    name: str
    below: list[Folder]


@recursive(depth=20, calls=300)
def anywhere(tree: Folder) -> bool:
    return tree.name == "x" or any(anywhere(one) for one in tree.below)


@recursive(depth=20, calls=300)
def tallest(tree: Folder) -> int:
    return 1 + max((tallest(one) for one in tree.below), default=0)
