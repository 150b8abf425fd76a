"""`for_call` refuses what the function itself would refuse, and what it cannot measure."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from hardtack import bound
from hardtack.analysis.evaluating import NoValue, follow
from hardtack.errors import HardtackError

if TYPE_CHECKING:
    from pathlib import Path

    from hardtack.analysis.results import Analysed

SOURCE = """\
from typing import Annotated

from annotated_types import Ge, Le, MaxLen

EMPTY = ("a", "b")


def repeat(text: str, times: int = 2, *, extra: str = "", tail: tuple[str, ...] = EMPTY) -> str:
    return text * times + extra


def gather(first: str, *rest: str, **named: str) -> int:
    return len(rest) + len(named)


def doubled(data: Annotated[bytes, MaxLen(65536)]) -> bytes:
    return data + data


def zeros(count: Annotated[int, Ge(0), Le(65536)]) -> bytes:
    return bytes(count)


class Order:
    def __init__(self, count: int = 0) -> None:
        self.count = count

    def total(self, text: str) -> str:
        return text + text

    def blank(self) -> bytes:
        return bytes(self.count)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluating") / "calls.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def repeat(file: Path) -> Analysed:
    return bound(f"{file}:repeat")


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (("a", 1, "b"), {}, "too many positional arguments"),
        ((), {}, "missing argument text"),
        ((), {"times": 3}, "missing argument text"),
        (("a",), {"txt": "b"}, "unexpected argument txt"),
        (("a",), {"text": "b"}, "multiple values for argument text"),
    ],
)
def test_refuses_a_call_that_the_function_refuses(repeat, args, kwargs, message):
    with pytest.raises(HardtackError, match=message) as refused:
        repeat.for_call(*args, **kwargs)
    assert "it takes text, times, extra, tail" in str(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda found: found.for_call(3),
        lambda found: found.for_call(None),
        lambda found: found.for_call(b"a"),
        lambda found: found.for_call("a", "10"),
        lambda found: found.for_call("a", None),
        lambda found: found.for_call("a", tail=["b"]),
    ],
)
def test_refuses_an_argument_of_another_type_than_declared(repeat, call):
    with pytest.raises(HardtackError, match="was analysed for"):
        call(repeat)


def test_what_is_left_out_is_the_default_as_it_is_now(tmp_path, monkeypatch):
    (tmp_path / "left_out.py").write_text(
        "def add(n: int, to: list[int] = []) -> list[int]:\n"
        "    to.append(n)\n"
        "    return to * n\n\n"
        "class Holder:\n"
        "    @staticmethod\n"
        "    def held(n: int, *, by: dict[int, int] = {1: 2}) -> dict[int, int]:\n"
        "        return dict(by)\n"
    )
    add = bound(f"{tmp_path / 'left_out.py'}:add")
    held = bound(f"{tmp_path / 'left_out.py'}:Holder.held")
    with pytest.raises(NoValue, match="no argument to"):  # it is not imported, and nobody has its default
        add.for_call(3)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("left_out")
    assert add.for_call(3) == add.for_call(3, [])
    for _ in range(1000):
        module.add(1)
    assert add.for_call(3) == add.for_call(3, [1] * 1000) > 24_000
    assert held.for_call(3) == held.for_call(3, by={1: 2})
    with pytest.raises(HardtackError, match="was analysed for"):
        add.for_call(3, None)


def test_takes_what_the_function_takes(repeat):
    once = repeat.for_call("a" * 1000, 1)
    assert repeat.for_call(times=1, text="a" * 1000) == once
    assert repeat.for_call("a" * 1000, 1, extra="b" * 1000) > once
    assert repeat.for_call("a" * 1000) > once


def test_gathers_what_is_left(file):
    found = bound(f"{file}:gather")
    assert found.for_call("a", "b", "c", d="e") >= found.for_call("a")
    with pytest.raises(HardtackError, match="missing argument first"):
        found.for_call(d="e")


@pytest.mark.parametrize(
    ("name", "small", "large"),
    [("doubled", b"a" * 256, b"a" * 65536), ("zeros", 256, 65536)],
)
def test_a_stated_limit_costs_no_call_what_its_own_argument_does_not(file, name, small, large):
    found = bound(f"{file}:{name}")
    assert found.for_call(small) < 2048
    assert found.for_call(large) == found.peak.as_const() > 65536


def test_a_method_is_called_with_its_object(file):
    with pytest.raises(HardtackError, match="missing argument"):
        bound(f"{file}:Order.total").for_call("a")


class Index:
    """What counts as an int, and is none, as NumPy's integers are."""

    def __index__(self) -> int:
        return 100_000


def test_an_attribute_that_is_no_int_but_counts_as_one_is_refused_and_not_zero(file, monkeypatch):
    monkeypatch.syspath_prepend(file.parent)
    order = importlib.import_module("calls").Order(100_000)
    blank = bound(f"{file}:Order.blank")
    assert blank.for_call(order) > 100_000
    order.count = Index()
    assert len(order.blank()) == 100_000
    with pytest.raises(HardtackError, match=r"self\.count is of type Index"):
        blank.for_call(order)


def test_a_target_that_is_no_text_says_what_one_looks_like():
    with pytest.raises(HardtackError, match=r"a target is a text such as 'package\.module:function', not 3"):
        bound(3)  # type: ignore[arg-type]


LINKED = """\
class Label:
    def __init__(self, text: str) -> None:
        self.text = text


class Node:
    label = Label("class")

    def __init__(self, below: "Node | None") -> None:
        self.below = below


class Leaf(Node):
    pass


def below(leaf: Leaf) -> str:
    node = leaf.below
    return "" if node is None else node.label.text + node.label.text
"""


def test_what_a_class_holds_for_its_instances_counts_with_all_of_a_class(tmp_path, monkeypatch):
    (tmp_path / "linked.py").write_text(LINKED)
    monkeypatch.syspath_prepend(tmp_path)
    found = bound(f"{tmp_path}/linked.py:below")
    import linked

    short = found.for_call(linked.Leaf(linked.Node(None)))
    monkeypatch.setattr(linked.Node, "label", linked.Label("a" * 10_000))
    assert found.for_call(linked.Leaf(linked.Node(None))) >= short + 19_000


def test_items_that_are_still_to_come_are_no_part_of_a_value():
    class Held:
        pass

    holder = Held()
    holder.items = iter([Held()])
    with pytest.raises(NoValue, match="not there to be measured"):
        follow(f"all(holder:{Held.__module__}.{Held.__qualname__})", {"holder": holder})


def test_values_of_any_mapping_are_its_items():
    assert follow("table[]", {"table": MappingProxyType({"key": "value"})}) == ["value"]
