"""Code objects, matched with functions by where they stand."""

from __future__ import annotations

import ast
from pathlib import Path

from hardtack.analysis.syntax import Syntax

TEXT = """\
import functools

@functools.cache
def decorated(n):
    return n

def outer(xs, a, b):
    pair = (lambda x: x + a), (lambda y: y + b + y)
    total = sum(x + a for x in xs) + sum((y + b for y in xs), 0)
    return pair, total
"""


def syntax() -> Syntax:
    return Syntax(Path("module.py"), TEXT)


def code_at(line: int, column: int, kind: type[ast.AST]) -> object:
    found = syntax()
    return found.code(found.at(line, column, kind))


def test_a_decorated_function_is_found_by_its_def() -> None:
    code = code_at(4, 0, ast.FunctionDef)
    assert getattr(code, "co_name", None) == "decorated"


def test_two_lambdas_on_one_line_are_told_apart() -> None:
    first, second = code_at(8, 12, ast.Lambda), code_at(8, 31, ast.Lambda)
    assert getattr(first, "co_freevars", None) == ("a",)
    assert getattr(second, "co_freevars", None) == ("b",)


def test_a_generator_expression_is_found_with_its_parentheses_or_without() -> None:
    found = syntax()
    bare = found.code(found.comprehension((9, 16), (9, 33)))
    own = found.code(found.comprehension((9, 41), (9, 58)))
    assert bare is not None
    assert bare.co_freevars == ("a",)
    assert own is not None
    assert own.co_freevars == ("b",)
