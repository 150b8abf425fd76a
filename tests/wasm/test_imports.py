"""How arguments and answers pass: the source that host functions are made of, and the page it reads."""

import doctest

import pytest

from hardtack.wasm import imports
from hardtack.wasm.imports import RESULT, STORE, CallPage, argument_expressions, fetching


def test_the_examples_hold():
    assert doctest.testmod(imports).failed == 0


@pytest.mark.parametrize("count", range(10))
def test_what_is_fetched_is_what_stands_in_the_slots(count):
    page = CallPage()
    for slot in range(count):
        page.slots[slot] = 2**64 - 1 - slot
    statement, names = fetching("I" * count)
    source = f"def entry():\n    {statement}\n    errno = 28\n    {STORE}\n    return [{', '.join(names)}]"
    scope = page.names()
    exec(source, scope)
    assert scope["entry"]() == [2**64 - 1 - slot for slot in range(count)]
    assert page.slots[RESULT] == 28
    assert len(argument_expressions("i" * count)) == count
