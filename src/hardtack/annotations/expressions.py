"""The texts of `@assume_bound`: whether one is an expression of a bound over these names, and which it is.

`check_names` serves programs, which define such functions without importing the symbolic algebra; `size_of`
serves the analyser. Both read the same grammar, `size_of` with the help of `check_names`.
"""

from __future__ import annotations

import ast
import math
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from hardtack.symbolic import Size


def check_names(text: str, parameters: Collection[str], function: str) -> None:
    """Raise ValueError unless `text` is an expression of a bound whose names are all among `parameters`.

    Example:
        >>> check_names("4096 + 2*len(data)", ["data"], "module:function")
        >>> check_names("2*len(dat)", ["data"], "module:function")
        Traceback (most recent call last):
            ...
        ValueError: @assume_bound of module:function: dat is no parameter of it (data): '2*len(dat)'
    """
    if not isinstance(text, str):
        raise TypeError(
            f"@assume_bound of {function}: a bound is a text like '4096 + 2*len(x)', not {text!r}"
        )
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


def size_of(text: str, parameters: Collection[str], function: str) -> Size:
    """Return the bound that a text of `@assume_bound` states, over symbols like `n`, `x.a` and `len(x)`.

    Rounding down may be passed over, as in `n // 3`: the size is never less than the text says.

    Raises:
        ValueError: as `check_names`.

    Example:
        >>> str(size_of("max(64, 1.25*min(len(data), 65536)) + 16", ["data"], "module:function"))
        'max(5/4*min(len(data),65536) + 16, 80)'
    """
    check_names(text, parameters, function)
    return _size(ast.parse(text.strip(), mode="eval").body)


def _size(node: ast.expr) -> Size:
    from fractions import Fraction

    from hardtack.symbolic import Size, lift

    match node:
        case ast.Constant():
            return lift(Fraction(str(node.value)))
        case ast.BinOp(left, ast.Add(), right):
            return _size(left) + _size(right)
        case ast.BinOp(left, ast.Mult(), right):
            return _size(left) * _size(right)
        case ast.BinOp(left, ast.FloorDiv(), ast.Constant(divisor)):
            return _size(left) // Fraction(str(divisor))
        case ast.BinOp(left, ast.Div(), ast.Constant(divisor)):
            return _size(left) * (1 / Fraction(str(divisor)))
        case ast.Call(ast.Name("max"), arguments):
            return reduce(or_, map(_size, arguments))
        case ast.Call(ast.Name("min"), [argument, ast.Constant(limit)]):
            return _size(argument).at_most(Fraction(str(limit)))
        case _:
            return Size.symbol(ast.unparse(node))


def _names(*nodes: ast.expr) -> set[str]:
    return set().union(*map(_names_of, nodes))


def _names_of(node: ast.expr) -> set[str]:
    match node:
        case ast.Constant():
            _number(node)
            return set()
        case ast.Name() | ast.Attribute():
            return {_root(node)}
        case ast.BinOp(left, ast.Add() | ast.Mult(), right):
            return _names(left, right)
        case ast.BinOp(left, ast.Div() | ast.FloorDiv(), ast.Constant() as right) if _number(right):
            return _names(left)
        case ast.Call(ast.Name("len"), [argument], []):
            return {_root(argument)}
        case ast.Call(ast.Name("max"), [_, _, *_] as arguments, []):
            return _names(*arguments)
        case ast.Call(ast.Name("min"), [argument, ast.Constant() as limit], []):
            return _names(argument, limit)
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
