"""The texts of `@assume_bound`: is one an expression in bytes, over these names?"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def check_names(text: str, parameters: Collection[str], function: str) -> None:
    """Raise ValueError unless `text` is an expression of a bound whose names are all among `parameters`.

    Example:
        >>> check_names("4096 + 2*len(data)", ["data"], "module:function")
        >>> check_names("2*len(dat)", ["data"], "module:function")
        Traceback (most recent call last):
            ...
        ValueError: @assume_bound of module:function: dat is no parameter of it (data): '2*len(dat)'
    """
    try:
        names = _names(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"@assume_bound of {function}: {error.msg}: {text!r}") from error
    unknown = sorted(names.difference(parameters))
    if unknown:
        known = ", ".join(parameters) or "there are none"
        raise ValueError(
            f"@assume_bound of {function}: {', '.join(unknown)} is no parameter of it ({known}): {text!r}"
        )


def _names(node: ast.expr) -> set[str]:
    match node:
        case ast.Constant():
            _number(node)
            return set()
        case ast.Name() | ast.Attribute():
            return {_root(node)}
        case ast.BinOp(left, ast.Add() | ast.Mult(), right):
            return _names(left) | _names(right)
        case ast.BinOp(left, ast.Div() | ast.FloorDiv(), ast.Constant() as right) if _number(right):
            return _names(left)
        case ast.Call(ast.Name("len"), [argument], []):
            return {_root(argument)}
        case ast.Call(ast.Name("max" | "min"), [_, _, *_] as arguments, []):
            return set().union(*map(_names, arguments))
        case _:
            raise SyntaxError(f"{ast.unparse(node)} has no place in a bound")


def _number(node: ast.Constant) -> float:
    number = node.value
    if isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number):
        return number
    raise SyntaxError(f"{ast.unparse(node)} is no number")


def _root(node: ast.expr) -> str:
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value):
            return _root(value)
        case _:
            raise SyntaxError(f"{ast.unparse(node)} is no parameter, nor an attribute of one")
