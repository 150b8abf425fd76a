"""How ends are told."""

import doctest

import pytest

from hardtack.wasm import endings
from hardtack.wasm.endings import cause, describe


def test_the_examples_hold():
    assert doctest.testmod(endings).failed == 0


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("exit", "exit"),
        ("", ""),
        ("error while executing at wasm backtrace:\n    0:  0x1 - m!f\n\nCaused by:\n    exit", "exit"),
        ("Caused by: forged\n\nCaused by:\n    true", "true"),
    ],
)
def test_a_cause_is_the_last_part_of_a_message(message, text):
    assert cause(message) == text


def test_control_characters_are_not_told():
    assert describe("  0: 0x1 - m!\x1b[31m\u202e\n\nCaused by:\n  bad\x07") == "bad? (in ?[31m?)"


@pytest.mark.parametrize(
    ("told", "name", "text"),
    [("float", "f", "f"), ("float", "", "float"), ("a::b()", "_ZN1a1bEv", "a::b()")],
)
def test_a_name_is_the_functions_own_unless_a_compiler_put_types_into_it(told, name, text):
    assert describe(f"  0: 0x1 - m!{told}\n\nCaused by:\n  bad", name) == f"bad (in {text})"
