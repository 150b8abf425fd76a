"""`Analysed` as JSON and back, whole, for the cache. `report.to_json` is what people and programs read.

A size stands there as what it is made of, not as its text, which takes ten times as long to read. What is
said of the bound for people stands beside it, which takes as long to make as all of the bound to read.
"""

from __future__ import annotations

import ast
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from hardtack.analysis.report import lines
from hardtack.analysis.results import Analysed, Assumption, Finding, Link, LoopBound
from hardtack.symbolic import Size
from hardtack.symbolic.coefficients import ratio

if TYPE_CHECKING:
    from hardtack.symbolic.polynomials import Polynomial


def encode(bound: Analysed) -> dict[str, object]:
    """Return a bound as values that JSON has."""
    return {
        "entry": bound.entry,
        "peak": None if bound.peak is None else _parts(bound.peak),
        "returned": _parts(bound.returned),
        "retained": [[path, _parts(size)] for path, size in bound.retained],
        "symbols": [list(one) for one in bound.symbols],
        "parameters": list(bound.parameters),
        "chain": [[one.function, one.file, one.line, one.what, _parts(one.share)] for one in bound.chain],
        "loops": [[one.function, one.file, one.line, _parts(one.rounds), one.how] for one in bound.loops],
        "assumptions": [list(astuple(one)) for one in bound.assumptions],
        "findings": [list(astuple(one)) for one in bound.findings],
        "assumed": bound.assumed,
        "defaults": [[name, repr(value)] for name, value in bound.defaults],
        "taken": [[name, list(classes)] for name, classes in bound.taken],
        "functions": [list(one) for one in bound.functions],
        "optional": list(bound.optional),
        "keyword_only": list(bound.keyword_only),
        "within": None if bound.within is None else _parts(bound.within),
        "lines": list(lines(bound)),
    }


def decode(data: dict[str, Any]) -> Analysed:
    """Return the bound that `encode` was given.

    Raises:
        KeyError, TypeError, ValueError, SyntaxError: if it was given none.
    """
    size = _size
    found = Analysed(
        entry=data["entry"],
        peak=None if data["peak"] is None else size(data["peak"]),
        returned=size(data["returned"]),
        retained=tuple((path, size(parts)) for path, parts in data["retained"]),
        symbols=tuple((symbol, meaning) for symbol, meaning in data["symbols"]),
        parameters=tuple(data["parameters"]),
        chain=tuple(
            Link(function, file, line, what, size(share))
            for function, file, line, what, share in data["chain"]
        ),
        loops=tuple(
            LoopBound(function, file, line, size(rounds), how)
            for function, file, line, rounds, how in data["loops"]
        ),
        assumptions=tuple(Assumption(*one) for one in data["assumptions"]),
        findings=tuple(Finding(*one) for one in data["findings"]),
        assumed=data["assumed"],
        defaults=tuple((name, ast.literal_eval(text)) for name, text in data["defaults"]),
        taken=tuple((name, tuple(classes)) for name, classes in data["taken"]),
        functions=tuple((name, file, line) for name, file, line in data["functions"]),
        optional=tuple(data["optional"]),
        keyword_only=tuple(data["keyword_only"]),
        within=None if data["within"] is None else size(data["within"]),
    )
    object.__setattr__(found, "lines", tuple(data["lines"]))
    return found


def _parts(size: Size) -> list[object]:
    polynomials = [
        [[*monomial, number.numerator, number.denominator] for monomial, number in one]
        for one in size.polynomials
    ]
    return [polynomials, *sorted(size.reasons)]


def _size(parts: list[Any]) -> Size:
    polynomials, *reasons = parts
    return Size(tuple(map(_polynomial, polynomials)), frozenset(reasons))


def _polynomial(terms: list[list[Any]]) -> Polynomial:
    return tuple(
        (tuple(monomial), over if under == 1 else ratio(over, under)) for *monomial, over, under in terms
    )
