"""What a program writes for the analyser holds when it runs, or says what is broken."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import dataclasses
import gc
import inspect
import itertools
import os
import pickle
import subprocess
import sys
import threading
import types
import typing
from collections.abc import Callable, Collection, ItemsView, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar

import pytest
import typing_extensions
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen, Predicate
from hypothesis import given
from hypothesis import strategies as st

import hardtack
from hardtack import (
    AnnotationBroken,
    HardtackError,
    Heap,
    annotations,
    assume_bound,
    bounded,
    checked,
    checks,
    loop_bound,
    recursive,
)
from hardtack.annotations.expressions import size_of

HERE = __name__


@pytest.fixture
def unchecked():
    before = checks(False)
    yield
    checks(before)


def line() -> int:
    return sys._getframe(1).f_lineno


# bounded


@pytest.mark.parametrize("xs", [[1, 2, 3], (1, 2, 3), "abc", b"abc", {1, 2, 3}, {1: 1, 2: 2, 3: 3}, range(3)])
def test_bounded_returns_the_very_thing_it_was_given(xs):
    assert bounded(xs, 3) is xs
    assert bounded(xs, 4) is xs


@pytest.mark.parametrize("xs", [[1, 2, 3], "abc", range(3)])
def test_bounded_says_how_many_there_are_and_where_it_stands(xs):
    with pytest.raises(AnnotationBroken) as broken:
        bounded(xs, 2)
    here = line() - 1
    error = broken.value
    assert (error.annotation, error.bound, error.found, error.path) == ("bounded(..., 2)", 2, 3, "")
    name = "test_bounded_says_how_many_there_are_and_where_it_stands"
    assert error.where == f"{HERE}:{name}, line {here}"
    assert str(error) == f"{error.where}: there are 3 items, but bounded(..., 2) is stated"


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_bounded_iterator_gives_what_it_has_up_to_the_bound(have, bound):
    seen = []
    if have <= bound:
        seen.extend(bounded(iter(range(have)), bound))
    else:
        with pytest.raises(AnnotationBroken) as broken:
            collections.deque(map(seen.append, bounded(iter(range(have)), bound)))
        assert broken.value.found == bound + 1
    assert seen == list(range(min(have, bound)))


def test_a_bounded_iterator_that_is_broken_elsewhere_names_where_it_was_bounded():
    numbers = bounded(iter("abc"), 2)
    here = line() - 1
    with pytest.raises(AnnotationBroken) as broken:
        list(numbers)
    assert broken.value.where.endswith(f"names_where_it_was_bounded, line {here}")


def test_a_bounded_iterator_is_lazy():
    assert list(itertools.islice(bounded(itertools.count(), 5), 5)) == [0, 1, 2, 3, 4]


def test_bounded_counts_what_can_only_be_iterated_over():
    class Letters:
        def __iter__(self):
            return iter("abc")

    assert list(bounded(Letters(), 3)) == ["a", "b", "c"]
    with pytest.raises(AnnotationBroken, match="more than 2 items"):
        list(bounded(Letters(), 2))


def test_bounded_refuses_what_has_no_items():
    with pytest.raises(TypeError, match="int"):
        bounded(5, 2)


def test_bounded_sees_nothing_of_what_is_added_later():
    xs = bounded([1], 1)
    xs.append(2)
    assert xs == [1, 2]


# loop_bound


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_loop_begins_its_body_at_most_n_times(needed, bound):
    turns = 0

    def loop():
        nonlocal turns
        for turn in loop_bound(bound):
            assert turn == turns
            turns += 1
            if turns >= needed:
                return
        raise AssertionError

    if max(needed, 1) <= bound:
        loop()
        assert turns == max(needed, 1)
    else:
        with pytest.raises(AnnotationBroken) as broken:
            loop()
        assert (turns, broken.value.bound, broken.value.found) == (bound, bound, bound + 1)


def test_a_loop_names_itself():
    def loop() -> None:
        for _ in loop_bound(2):
            pass

    with pytest.raises(AnnotationBroken) as broken:
        loop()
    here = loop.__code__.co_firstlineno + 1
    error = broken.value
    assert error.where == f"{HERE}:test_a_loop_names_itself.<locals>.loop, line {here}"
    assert str(error).endswith(": the loop's body would begin more than 2 times, but loop_bound(2) is stated")


def test_nested_loops_count_each_execution_anew():
    pairs = []
    for i in loop_bound(3):
        for j in loop_bound(4):
            if j == 3:
                break
            pairs.append((i, j))
        if i == 2:
            break
    assert pairs == [(i, j) for i in range(3) for j in range(3)]


def test_loops_of_a_recursive_function_count_by_themselves():
    def visit(depth: int) -> int:
        total = 0
        for turn in loop_bound(3):
            if turn == 2 or depth == 0:
                break
            total += 1 + visit(depth - 1)
        return total

    assert visit(5) == 2 + 4 + 8 + 16 + 32


def test_a_loop_bound_is_a_whole_number():
    with pytest.raises(TypeError):
        loop_bound(2.5)


# recursive


@recursive(depth=3)
def down(levels: int) -> int:
    """Go down."""
    return 0 if levels == 1 else 1 + down(levels - 1)


@recursive(depth=10, calls=4)
def spread(children: list) -> int:
    return 1 + sum(spread(child) for child in children)


def test_a_recursion_within_its_depth_runs():
    assert down(3) == 2


def test_a_recursion_that_is_too_deep_says_so():
    with pytest.raises(AnnotationBroken) as broken:
        down(4)
    error = broken.value
    assert (error.annotation, error.where, error.bound, error.found) == (
        "recursive(depth=3)",
        f"{HERE}:down",
        3,
        4,
    )
    assert "there would be 4 activations on the stack" in str(error)


def test_depth_is_restored_after_exceptions():
    @recursive(depth=2)
    def fail(levels: int) -> None:
        if levels == 1:
            raise KeyError
        fail(levels - 1)

    for _ in range(5):
        with pytest.raises(KeyError):
            fail(2)
        with pytest.raises(AnnotationBroken):
            fail(3)


def test_depth_is_restored_where_an_inner_exception_is_caught():
    @recursive(depth=2)
    def tolerant(levels: int) -> int:
        try:
            return tolerant(levels - 1) if levels else 1 // levels
        except ZeroDivisionError:
            return 7

    assert [tolerant(1) for _ in range(5)] == [7] * 5


def test_calls_count_from_the_outermost_call_on():
    for _ in range(3):
        assert spread([[], [], []]) == 4
    with pytest.raises(AnnotationBroken) as broken:
        spread([[], [[]], []])
    assert (broken.value.bound, broken.value.found) == (4, 5)
    assert "there would be 5 calls in all, but recursive(depth=10, calls=4) is stated" in str(broken.value)
    assert spread([[], [], []]) == 4


def test_a_refused_call_does_not_begin():
    begun = []

    @recursive(depth=2)
    def note(levels: int) -> None:
        begun.append(levels)
        note(levels - 1)

    with pytest.raises(AnnotationBroken):
        note(9)
    assert begun == [9, 8]


def test_functions_that_call_each_other_count_each_its_own():
    @recursive(depth=3)
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    @recursive(depth=2)
    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    assert even(4)
    with pytest.raises(AnnotationBroken, match="odd"):
        even(6)


def test_threads_count_by_themselves():
    gate = threading.Barrier(4, timeout=30)
    results = []

    @recursive(depth=2, calls=2)
    def meet(levels: int) -> None:
        if levels == 1:
            gate.wait()  # all threads are two deep at this moment
        else:
            meet(levels - 1)

    def run() -> None:
        meet(2)
        results.append("within")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["within"] * 4


@recursive(depth=3)
async def adown(levels: int) -> int:
    await asyncio.sleep(0)
    return 0 if levels == 1 else 1 + await adown(levels - 1)


def test_tasks_count_by_themselves():
    async def main() -> list[int]:
        return await asyncio.gather(*(adown(3) for _ in range(10)))

    assert inspect.iscoroutinefunction(adown)
    assert asyncio.run(main()) == [2] * 10


def test_an_async_recursion_that_is_too_deep_says_so_each_time():
    async def main() -> None:
        for _ in range(3):
            with pytest.raises(AnnotationBroken, match="4 activations"):
                await adown(4)
            assert await adown(3) == 2

    asyncio.run(main())


def test_a_cancelled_task_leaves_no_activation_behind():
    @recursive(depth=1)
    async def wait(event: asyncio.Event) -> None:
        await event.wait()

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await wait(asyncio.Event())

    asyncio.run(main())


def test_tasks_that_a_call_starts_count_on_from_it():
    @recursive(depth=3, calls=7)
    async def tree(levels: int) -> int:
        if levels == 1:
            return 1
        return 1 + sum(await asyncio.gather(tree(levels - 1), tree(levels - 1)))

    assert asyncio.run(tree(3)) == 7
    with pytest.raises(AnnotationBroken, match="4 activations"):
        asyncio.run(tree(4))


def test_calls_are_counted_over_all_tasks_of_the_outermost_call():
    @recursive(depth=9, calls=6)
    async def tree(levels: int) -> int:
        if levels == 1:
            return 1
        return 1 + sum(await asyncio.gather(tree(levels - 1), tree(levels - 1)))

    with pytest.raises(AnnotationBroken, match="7 calls"):
        asyncio.run(tree(3))


def test_a_task_that_outlives_the_call_that_started_it_counts_anew():
    started: list[asyncio.Task[None]] = []

    @recursive(depth=1)
    async def once(event: asyncio.Event, again: bool) -> None:
        async def later() -> None:
            await event.wait()
            await once(event, False)

        if again:
            started.append(asyncio.create_task(later()))

    async def main() -> None:
        event = asyncio.Event()
        await once(event, True)
        event.set()
        await started[0]

    asyncio.run(main())


def test_a_coroutine_may_be_closed_in_another_context():
    @types.coroutine
    def pause():
        yield

    @recursive(depth=1)
    async def wait() -> None:
        await pause()

    coroutine = wait()
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    again = wait()
    again.send(None)
    again.close()


def test_methods_may_be_recursive():
    class Node:
        def __init__(self, below: Node | None = None) -> None:
            self.below = below

        @recursive(depth=2)
        def height(self) -> int:
            return 1 if self.below is None else 1 + self.below.height()

        @classmethod
        @recursive(depth=1)
        def make(cls) -> Node:
            return cls()

    assert Node(Node.make()).height() == 2
    with pytest.raises(AnnotationBroken, match=r"Node\.height"):
        Node(Node(Node())).height()


def test_a_recursive_function_is_still_itself():
    assert (down.__name__, down.__doc__, str(inspect.signature(down))) == (
        "down",
        "Go down.",
        "(levels: 'int') -> 'int'",
    )
    assert down.__hardtack_recursive__ == (3, None)
    assert spread.__hardtack_recursive__ == (10, 4)


def test_generator_functions_are_not_recursive():
    def walk():
        yield

    async def awalk():
        yield

    for function in (walk, awalk):
        with pytest.raises(TypeError, match="generator"):
            recursive(depth=2)(function)


@pytest.mark.parametrize("decorator", [recursive(depth=1), assume_bound("1"), checked])
@pytest.mark.parametrize("target", [len, staticmethod(down), 5])
def test_decorators_are_for_functions(decorator, target):
    with pytest.raises(TypeError, match="is for functions"):
        decorator(target)


@pytest.mark.parametrize("limits", [{"depth": 0}, {"depth": 3, "calls": 0}])
def test_a_recursion_has_an_activation(limits):
    with pytest.raises(ValueError, match="at least one"):
        recursive(**limits)


# assume_bound


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "4096",
        "2*len(data)",
        "4096 + 2*len(data)",
        "1.25*min(n, 65536) + 16",
        "5/4*len(data)",
        "len(data)*n//3",
        "max(len(data), n, 3*limits.size) + 512",
        "len(limits.inner.name)",
        "(1 + n)*(2 + len(data))",
        "40 + 8*len(rest) + len(more)",
        " n ",
    ],
)
def test_an_assumed_bound_is_kept_as_it_is_written(text):
    def opaque(data, /, n, *rest, limits, **more):
        return n

    decorated = assume_bound(text, returned="0", retained=text, raises=text)(opaque)
    assert decorated is opaque
    bound = opaque.__hardtack_bound__
    assert (bound.peak, bound.returned, bound.retained, bound.raises) == (text, "0", text, text)


@pytest.mark.parametrize(
    "text",
    [
        "", "n -", "n - 1", "-1", "n ** 2", "n / data", "n / 0", "n // n", "len(data", "len(n, n)", "len(3)", "len(n + n)",
        "max()", "max(n)", "max(*data)", "min(n, n, key=n)", "min(n, n)", "min(3, n)", "sum(data)", "data[0]", "True", "'n'", "1j", "1e999", "n if n else 0",
        "len", "lambda: n", "n; n", "data.size()", "x", "len(other)", "n + local",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["peak", "returned", "retained"])
def test_what_is_no_bound_over_the_parameters_is_refused_at_once(text, place):
    def opaque(data, n):
        local = data * n
        return local, local

    with pytest.raises(ValueError, match=r"@assume_bound of .*opaque"):
        assume_bound(**{"peak": "n", place: text})(opaque)


def test_a_bound_that_is_no_text_is_told():
    with pytest.raises(TypeError, match="a bound is a text like"):
        assume_bound(4096)(lambda data: data)


@pytest.mark.parametrize(
    ("text", "size", "value"),
    [
        ("4096", "4096", 4096),
        ("(1 + n)*(2 + len(data))", "len(data)*n + len(data) + 2*n + 2", 11 * 102),
        ("1.25*min(n, 65536) + 16", "5/4*min(n,65536) + 16", 29),
        ("len(data)*n//3", "1/3*len(data)*n", 334),
        ("max(len(data), n, 3*limits.size) + 512", "max(len(data) + 512, 3*limits.size + 512, n + 512)", 612),
    ],
)
def test_the_analyser_reads_an_assumed_bound_as_a_size(text, size, value):
    found = size_of(text, ["data", "n", "limits"], "m:f")
    assert str(found) == size
    assert found.evaluate({"len(data)": 100, "n": 10, "limits.size": 5}) == value


def test_the_analyser_refuses_what_the_decorator_does():
    with pytest.raises(ValueError, match="no parameter"):
        size_of("n", ["data"], "m:f")


def test_an_assumed_bound_may_stand_above_other_decorators():
    heap = Heap("1 MiB")

    @assume_bound("100 + levels")
    @heap.call("64 KiB")
    @recursive(depth=2)
    def opaque(levels: int) -> int:
        return levels

    assert opaque(5) == 5
    assert opaque.__hardtack_bound__.peak == "100 + levels"


# checked


Name = Annotated[str, MaxLen(8)]
Small = Annotated[int, Interval(ge=0, lt=100)]
Tag = NewType("Tag", Annotated[str, MaxLen(4)])
Alias = typing_extensions.TypeAliasType("Alias", Annotated[bytes, MaxLen(4)])
T = TypeVar("T")
Short = TypeVar("Short", bound=Annotated[str, MaxLen(4)])
OneOf = TypeVar("OneOf", Annotated[str, MaxLen(4)], bytes)
Pair = typing_extensions.TypeAliasType("Pair", tuple[T, Name], type_params=(T,))


@dataclass
class Record:
    name: Name
    tags: list[Tag] = field(default_factory=list)
    limit: ClassVar[Name] = "not of an instance"


class Point(NamedTuple):
    x: Small
    y: Small


class Options(TypedDict, total=False):
    level: Small
    name: str


class Names(list[Name]):
    pass


@dataclass
class Box(Generic[T]):
    item: T
    label: Name = ""


@dataclass
class Plain:
    next: Plain | None
    text: str


BROKEN = [
    (Annotated[bytes, MaxLen(3)], b"abc", b"abcd", "x", "MaxLen(3)", 4),
    (Annotated[list[int], MaxLen(1)], [1], [1, 2], "x", "MaxLen(1)", 2),
    (Annotated[str, MinLen(2)], "ab", "a", "x", "MinLen(2)", 1),
    (Annotated[str, Len(2, 3)], "abc", "a", "x", "MinLen(2)", 1),
    (Annotated[str, Len(2, 3)], "ab", "abcd", "x", "MaxLen(3)", 4),
    (Annotated[int, Le(5)], 5, 6, "x", "Le(5)", 6),
    (Annotated[int, Lt(5)], 4, 5, "x", "Lt(5)", 5),
    (Annotated[int, Ge(5)], 5, 4, "x", "Ge(5)", 4),
    (Annotated[int, Gt(5)], 6, 5, "x", "Gt(5)", 5),
    (Annotated[float, Le(1.5)], 1.5, 1.75, "x", "Le(1.5)", 1.75),
    (Small, 0, -1, "x", "Ge(0)", -1),
    (Small, 99, 100, "x", "Lt(100)", 100),
    (Annotated[str, Predicate(str.isdigit), MaxLen(3)], "abc", "abcd", "x", "MaxLen(3)", 4),
    (Annotated[Name, MinLen(1)], "a", "", "x", "MinLen(1)", 0),
    (list[Name], ["a"], ["a", "b", "c" * 9], "x[2]", "MaxLen(8)", 9),
    (Sequence[Name], ("a",), ("a" * 10,), "x[0]", "MaxLen(8)", 10),
    (Collection[Name], {"a"}, {"a" * 10}, "x[0]", "MaxLen(8)", 10),
    (collections.deque[Name], collections.deque("a"), collections.deque(["a" * 9]), "x[0]", "MaxLen(8)", 9),
    (frozenset[Small], frozenset({1}), frozenset({100}), "x[0]", "Lt(100)", 100),
    (list[list[Name]], [["a"]], [[], ["a", "b" * 9]], "x[1][1]", "MaxLen(8)", 9),
    (tuple[Name, ...], ("a", "b"), ("a", "b" * 9), "x[1]", "MaxLen(8)", 9),
    (tuple[int, Name], (500, "b"), (500, "b" * 9), "x[1]", "MaxLen(8)", 9),
    (tuple[int, Name], (500, "b"), (1, "b", 3), "x", str(tuple[int, Name]), 3),
    (dict[Name, int], {"a": 500}, {"a": 1, "b" * 9: 2}, "x.keys()[1]", "MaxLen(8)", 9),
    (dict[str, Small], {"a": 1}, {"a": 100}, "x['a']", "Lt(100)", 100),
    (Mapping[tuple[int], Small], {(1,): 1}, {(1,): 100}, "x.values()[0]", "Lt(100)", 100),
    (dict[Name, list[Small]], {"a": [1]}, {"a": [1, -1]}, "x['a'][1]", "Ge(0)", -1),
    (collections.Counter[Name], collections.Counter("a"), collections.Counter(["a" * 9]), "x.keys()[0]", "MaxLen(8)", 9),
    (Name | None, None, "a" * 9, "x", "MaxLen(8)", 9),
    (Name | Annotated[bytes, MaxLen(2)], "abc", b"abc", "x", "MaxLen(2)", 3),
    (Annotated[str | bytes, MaxLen(2)] | None, b"ab", b"abc", "x", "MaxLen(2)", 3),
    (Annotated[float, Le(5)] | str, "long enough", 6, "x", "Le(5)", 6),
    (list[Name | None], [None, "a"], [None, "a" * 9], "x[1]", "MaxLen(8)", 9),
    (Options | Name, {"level": 1}, {"level": 100}, "x['level']", "Lt(100)", 100),
    (Any | Name, 500, "a" * 9, "x", "MaxLen(8)", 9),
    (Literal["at all times", 5] | Name, "at all times", "not always", "x", str(Literal["at all times", 5]), "not always"),
    (Literal["at all times", 5] | Name, "a", True, "x", str(Literal["at all times", 5]), True),
    (T | Name, [500], "a" * 9, "x", "MaxLen(8)", 9),
    (typing.SupportsInt | Name, 500, "a" * 9, "x", "MaxLen(8)", 9),
    (Tag, "abcd", "abcde", "x", "MaxLen(4)", 5),
    (Alias, b"abcd", b"abcde", "x", "MaxLen(4)", 5),
    (Pair[int], (500, "a"), (500, "a" * 9), "x[1]", "MaxLen(8)", 9),
    (Pair[Small], (5, "a"), (500, "a"), "x[0]", "Lt(100)", 500),
    (Short, "abcd", "abcde", "x", "MaxLen(4)", 5),
    (OneOf, b"abcde", "abcde", "x", "MaxLen(4)", 5),
    (Final[Name], "a", "a" * 9, "x", "MaxLen(8)", 9),
    (Record, Record("a"), Record("a" * 9), "x.name", "MaxLen(8)", 9),
    (list[Record], [Record("a")], [Record("a"), Record("b", ["abcde"])], "x[1].tags[0]", "MaxLen(4)", 5),
    (Point, Point(1, 2), Point(1, 100), "x.y", "Lt(100)", 100),
    (Options, {"level": 1, "name": "a" * 99}, {"level": 100}, "x['level']", "Lt(100)", 100),
    (Names, Names(["a"]), Names(["a" * 9]), "x[0]", "MaxLen(8)", 9),
    (Box[int], Box(500), Box(500, "a" * 9), "x.label", "MaxLen(8)", 9),
    (Annotated[bytes, MaxLen(3)], b"abc", None, "x", "MaxLen(3)", None),
    (Annotated[int, Le(5)], 5, "six", "x", "Le(5)", "six"),
    (list[Name], ["a"], None, "x", str(list[Name]), None),
    (dict[Name, int], {"a": 1}, ["a"], "x", str(dict[Name, int]), ["a"]),
    (Name | None, None, b"a", "x", str(Name | None), b"a"),
]  # fmt: skip


@pytest.mark.parametrize(("hint", "kept", "broken", "path", "annotation", "found"), BROKEN)
def test_arguments_are_held_against_their_hints(hint, kept, broken, path, annotation, found):
    def function(x):
        return "ran"

    function.__annotations__ = {"x": hint}
    function = checked(function)
    assert function(kept) == function(x=kept) == "ran"
    for call in (lambda: function(broken), lambda: function(x=broken)):
        with pytest.raises(AnnotationBroken) as caught:
            call()
        error = caught.value
        assert (error.path, error.annotation, error.found) == (path, annotation, found)
        assert error.where.startswith(f"{HERE}:test_arguments")


@pytest.mark.parametrize("hint", [int, str, list[int], dict[str, int], int | None, Any, T, Plain, Literal["abc"], Literal["abc"] | None, Callable[[int], str], Iterator[int], Annotated[int, "text"], tuple[()], type[int], None])  # fmt: skip
def test_hints_that_state_nothing_cost_nothing(hint):
    def function(x):
        return x

    function.__annotations__ = {"x": hint}
    assert checked(function) is function


@pytest.mark.parametrize("hint", [Iterator[Name], typing.Iterable[Name], typing.Generator[Name, None, None], Callable[[Name], int], Callable[[int], Name], ItemsView[Name, int], Box[Name], type[Name]])  # fmt: skip
@pytest.mark.parametrize("place", ["x", "return"])
def test_what_cannot_be_checked_is_refused_when_it_is_written(hint, place):
    def function(x):
        return x

    function.__annotations__ = {place: hint}
    with pytest.raises(TypeError, match="cannot be checked"):
        checked(function)


def test_the_message_says_what_where_and_how_much():
    @checked
    def post(records: list[Record]) -> None:
        raise AssertionError

    with pytest.raises(AnnotationBroken) as broken:
        post([Record("a")] * 3 + [Record("a" * 40)])
    where = f"{HERE}:test_the_message_says_what_where_and_how_much.<locals>.post"
    assert str(broken.value) == f"{where}: records[3].name has length 40, but MaxLen(8) is stated"
    assert (broken.value.bound, broken.value.found) == (8, 40)


def test_a_huge_int_is_told_by_its_bits():
    @checked
    def f(n: Small) -> None:
        pass

    with pytest.raises(AnnotationBroken, match="n is an int of 40001 bits"):
        f(1 << 40_000)


@checked
def shape(a: Small, /, b: Small = 1, *rest: Small, c: Small, d: Small = 2, **more: Small) -> int:
    return a + b + sum(rest) + c + d + sum(more.values())


@pytest.mark.parametrize(
    ("arguments", "keywords", "path"),
    [
        ((-1,), {"c": 1}, "a"),
        ((1, -1), {"c": 1}, "b"),
        ((1,), {"b": -1, "c": 1}, "b"),
        ((1, 2, 3, -1), {"c": 1}, "rest[1]"),
        ((1,), {"c": -1}, "c"),
        ((1,), {"c": 1, "d": -1}, "d"),
        ((1,), {"c": 1, "e": -1}, "more['e']"),
        ((1,), {"c": 1, "a": -1}, "more['a']"),
    ],
)
def test_every_kind_of_parameter_is_checked(arguments, keywords, path):
    assert shape(1, 2, 3, 4, c=5, d=6, e=7, a=8) == 36
    with pytest.raises(AnnotationBroken) as broken:
        shape(*arguments, **keywords)
    assert broken.value.path == path


def test_a_missing_argument_is_the_calls_own_error():
    with pytest.raises(TypeError, match="missing 1 required"):
        shape()


def test_defaults_are_held_against_their_hints_too():
    @checked
    def f(name: Name = "far too long") -> None:
        pass

    with pytest.raises(AnnotationBroken, match="name has length 12"):
        f()
    f("short")


def test_results_are_held_against_their_hints():
    @checked
    def double(text: str) -> Name:
        return text * 2

    assert double("abcd") == "abcdabcd"
    with pytest.raises(AnnotationBroken, match="the result has length 10, but"):
        double("abcde")


def test_async_functions_are_checked_when_they_run():
    @checked
    async def double(text: Annotated[str, MaxLen(5)]) -> Name:
        await asyncio.sleep(0)
        return text * 2

    assert inspect.iscoroutinefunction(double)
    assert asyncio.run(double("abcd")) == "abcdabcd"
    with pytest.raises(AnnotationBroken, match="the result has length 10"):
        asyncio.run(double("abcde"))
    with pytest.raises(AnnotationBroken, match="text has length 6"):
        asyncio.run(double("abcdef"))


def test_generator_functions_have_their_arguments_checked_by_the_call():
    @checked
    def letters(name: Name) -> Iterator[str]:
        yield from name

    assert list(letters("abc")) == ["a", "b", "c"]
    with pytest.raises(AnnotationBroken, match="name has length 9"):
        letters("a" * 9)


def test_above_heap_call_arguments_are_checked_before_their_bound_is_reserved():
    heap = Heap("1 MiB")
    asked = []

    def bound(data: bytes) -> int:
        asked.append(len(data))
        return 4096 + 3 * len(data)

    @checked
    @heap.call(bound)
    def double(data: Annotated[bytes, MaxLen(100)]) -> int:
        return len(data * 2)

    assert double(bytes(100)) == 200
    with pytest.raises(AnnotationBroken, match="data has length 101"):
        double(bytes(101))
    assert asked == [100]
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_below_heap_call_the_reservation_goes_back_when_an_argument_is_refused():
    heap = Heap("1 MiB")

    @heap.call("64 KiB")
    @checked
    def double(data: Annotated[bytes, MaxLen(100)]) -> int:
        return len(data * 2)

    assert double(bytes(100)) == 200
    with pytest.raises(AnnotationBroken):
        double(bytes(101))
    gc.collect()
    assert (heap.reserved, heap.overruns) == (0, 0)


def test_hints_may_name_what_is_defined_later():
    @checked
    def f(later: Later) -> None:
        pass

    f(Later("a"))
    with pytest.raises(AnnotationBroken, match=r"later\.name has length 9"):
        f(Later("a" * 9))


def test_hints_that_name_nothing_are_an_error_of_the_first_call():
    @checked
    def f(x: Nowhere) -> None:  # noqa: F821
        pass

    for _ in range(2):
        with pytest.raises(NameError) as error:
            f(1)
        assert "outside TYPE_CHECKING" in error.value.__notes__[0]


@dataclass
class Looped:
    name: Name
    below: list[Looped]


@checked
@dataclass
class Node:
    name: Name
    below: list[Node]


def test_classes_that_contain_themselves_are_to_be_checked_when_they_are_made():
    def f(node: Looped) -> None:
        pass

    with pytest.raises(TypeError, match="Looped contains itself: make it @checked"):
        checked(f)

    def g(node: Node) -> None:
        pass

    assert checked(g) is g
    Node("a", [Node("b", [])])
    with pytest.raises(AnnotationBroken) as broken:
        Node("a" * 9, [])
    assert (broken.value.where, broken.value.path) == (f"{HERE}:Node", "name")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is new in 3.12")
def test_aliases_that_name_themselves_are_refused():
    names = dict(globals())
    exec("type Tree = Name | list[Tree]", names)

    def f(x):
        pass

    f.__annotations__ = {"x": names["Tree"]}
    with pytest.raises(TypeError, match="names itself"):
        checked(f)


@pytest.mark.parametrize(
    "hint",
    [
        typing_extensions.TypeAliasType("Quoted", "Name"),
        typing_extensions.TypeAliasType("Quoted", list["Name"]),
        TypeVar("T", bound="Name"),
        type("Names", (list,), {"__orig_bases__": (list["Name"],)}),
    ],
)
def test_text_that_cannot_be_resolved_is_refused(hint):
    def f(x):
        pass

    f.__annotations__ = {"x": hint}
    with pytest.raises(TypeError, match="cannot be resolved"):
        checked(f)


def test_an_alias_may_be_named_twice():
    @checked
    def f(x: tuple[Alias, Alias]) -> None:
        pass

    with pytest.raises(AnnotationBroken, match=r"x\[1\] has length 5"):
        f((b"a", b"abcde"))


# checked classes


@checked
@dataclass(frozen=True, slots=True)
class Frozen:
    name: Name
    size: Small = 5


@checked
@dataclass
class Prepared:
    raw: InitVar[str]
    limit: ClassVar[Name] = "not of an instance"
    name: Name = field(init=False)
    late: Name = field(init=False)

    def __post_init__(self, raw: str) -> None:
        self.name = raw.strip()


@checked
class Written:
    name: Name

    def __init__(self, name: str) -> None:
        """Make one."""
        self.name = name[:10]


@checked
@dataclass
class Child(Record):
    more: Small = 1


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: Frozen("a" * 9), "name"),
        (lambda: Frozen("a", 100), "size"),
        (lambda: dataclasses.replace(Frozen("a"), size=100), "size"),
        (lambda: Prepared("a" * 9), "name"),
        (lambda: Written("a" * 9), "name"),
        (lambda: Child("a" * 9), "name"),
        (lambda: Child("a", more=100), "more"),
    ],
)
def test_fields_are_checked_when_the_constructor_is_done(make, path):
    with pytest.raises(AnnotationBroken) as broken:
        make()
    assert broken.value.path == path


def test_fields_that_keep_to_their_hints_are_no_matter():
    assert Frozen("a", 99) == Frozen(name="a", size=99)
    assert Prepared(" a        ").name == "a"
    assert Written("a").name == "a"
    assert Written.__init__.__doc__ == "Make one."
    assert str(inspect.signature(Frozen)) == "(name: 'Name', size: 'Small' = 5) -> None"


def test_fields_are_not_checked_again():
    written = Written("a")
    written.name = "a" * 9
    assert written.name == "a" * 9


def test_checked_below_dataclass_is_refused():
    with pytest.raises(TypeError, match="above @dataclass"):

        @dataclass
        @checked
        class Wrong:
            name: Name


# the switch


def test_switched_off_nothing_is_checked(unchecked):
    assert bounded("abc", 2) == "abc"
    assert list(bounded(iter("abc"), 2)) == ["a", "b", "c"]
    assert list(itertools.islice(loop_bound(2), 5)) == [0, 1, 2, 3, 4]
    assert down(5) == 4
    assert asyncio.run(adown(5)) == 4
    assert shape(-1, c=-1) == 1
    assert Frozen("a" * 9).name == "a" * 9


def test_what_is_decorated_while_checks_are_off_is_left_as_it_is(unchecked):
    def function(x: Name) -> None:
        pass

    @dataclass
    class Data:
        name: Name

    construct = Data.__init__
    assert checked(function) is function
    assert recursive(depth=2)(function) is function
    assert function.__hardtack_recursive__ == (2, None)
    assert checked(Data).__init__ is construct
    checks(True)
    Data("a" * 9)


def test_mistakes_are_refused_with_checks_off_too(unchecked):
    with pytest.raises(ValueError, match="no parameter"):
        assume_bound("x")(lambda n: n)
    with pytest.raises(TypeError, match="generator"):
        recursive(depth=1)(lambda: (yield))


def test_checks_may_be_switched_off_within_a_recursion():
    @recursive(depth=2)
    def f(levels: int) -> None:
        if levels == 2:
            checks(False)
        if levels:
            f(levels - 1)
        checks(True)

    f(2)
    f(2)


def test_checks_tells_what_was():
    assert checks() is True
    assert checks(False) is True
    assert checks() is False
    assert checks(True) is False
    assert checks() is True


@pytest.mark.parametrize(("setting", "on"), [("0", False), ("1", True), ("", True), (None, True)])
def test_the_environment_switches_checks_off(setting, on):
    environment = {name: value for name, value in os.environ.items() if name != "HARDTACK_CHECKS"}
    if setting is not None:
        environment["HARDTACK_CHECKS"] = setting
    code = "import hardtack; print(hardtack.checks())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{on}\n"


# the rest


def test_the_error_is_one_of_ours_and_pickles():
    with pytest.raises(AnnotationBroken) as broken:
        down(4)
    copy = pickle.loads(pickle.dumps(broken.value))
    assert isinstance(copy, HardtackError)
    assert isinstance(copy, ValueError)
    assert (str(copy), copy.bound, copy.where) == (str(broken.value), 3, f"{HERE}:down")


def test_annotations_import_neither_typing_nor_annotated_types():
    code = "import sys; from hardtack import bounded, loop_bound, recursive, assume_bound, checked, checks; print([m for m in ('typing', 'annotated_types', 'dataclasses', 'inspect', 'ast', 'threading') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_decorated_functions_keep_their_types(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
from collections.abc import Iterator
from dataclasses import dataclass
from hardtack import assume_bound, bounded, checked, loop_bound, recursive

@checked
@recursive(depth=3, calls=5)
@assume_bound("n")
def f(n: int, *, name: str = "") -> list[int]: return []

@recursive(depth=3)
async def g(n: int) -> str: return ""

@checked
@dataclass
class C:
    x: int
    @recursive(depth=2)
    def m(self, n: int) -> bytes: return b""

reveal_type(f)
reveal_type(g)
reveal_type(C(1).m)
reveal_type(bounded([1], 2))
reveal_type(bounded((str(i) for i in range(3)), 2))
for i in loop_bound(5):
    reveal_type(i)
""")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.path.dirname(os.path.dirname(hardtack.__file__))},
    )
    revealed = [
        line.split('"')[1].replace("builtins.", "") for line in done.stdout.splitlines() if "Revealed" in line
    ]
    assert revealed == [
        "def (n: int, *, name: str =) -> list[int]",
        "def (n: int) -> typing.Coroutine[Any, Any, str]",
        "def (n: int) -> bytes",
        "list[int]",
        "collections.abc.Iterator[str]"
        if "collections.abc.Iterator" in done.stdout
        else "typing.Iterator[str]",
        "int",
    ]
    assert "error" not in done.stdout


@dataclass
class Later:
    name: Name


def test_public_names_are_those_of_the_package():
    assert set(annotations.__all__) - {"AssumedBound"} <= set(hardtack.__all__)
