"""Parameters of models, and how a call's arguments meet them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal

from hardtack.analysis.machine import V

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Parameter:
    """A model's parameter; `default` is what stands for an argument that is left out."""

    name: str
    kind: Literal["positional", "keyword", "star", "stars"]
    required: bool
    default: object = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A model's parameters, in order."""

    parameters: tuple[Parameter, ...]

    def names(self) -> frozenset[str]:
        """Return the parameters' names."""
        return frozenset(parameter.name for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Star(Generic[V]):
    """What a `*args` or `**keywords` takes: arguments, and what is spread over more (`*xs`, `**mapping`)."""

    arguments: Sequence[V]
    spread: Sequence[V]
    by_keyword: bool
    names: tuple[str, ...] = ()  # of arguments by keyword


@dataclass(frozen=True, slots=True)
class Bound(Generic[V]):
    """The arguments of a call, by parameter."""

    given: Mapping[str, V]
    left_out: Mapping[str, object]
    stars: Mapping[str, Star[V]]


def parse_signature(text: str) -> Signature:
    """Return the signature that a text states.

    Raises:
        ValueError: if it is none.
    """
    try:
        parsed = ast.parse(f"lambda {text}: 0", mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"signature {text!r} is no list of parameters") from error
    assert isinstance(parsed, ast.Lambda)
    arguments = parsed.args
    positional = arguments.posonlyargs + arguments.args
    lacking = len(positional) - len(arguments.defaults)
    found = [
        _parameter(
            argument.arg, "positional", None if index < lacking else arguments.defaults[index - lacking]
        )
        for index, argument in enumerate(positional)
    ]
    if arguments.vararg is not None:
        found.append(Parameter(arguments.vararg.arg, "star", required=False))
    found += [
        _parameter(argument.arg, "keyword", default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        found.append(Parameter(arguments.kwarg.arg, "stars", required=False))
    return Signature(tuple(found))


def _parameter(name: str, kind: Literal["positional", "keyword"], default: ast.expr | None) -> Parameter:
    if default is None:
        return Parameter(name, kind, required=True)
    try:
        return Parameter(name, kind, required=False, default=ast.literal_eval(default))
    except ValueError as error:
        raise ValueError(f"signature: the default of {name!r} is no constant") from error


def bind(
    signature: Signature,
    positional: Sequence[V],
    keywords: Mapping[str, V],
    spread: Sequence[V],
    spread_keywords: Sequence[V],
) -> Bound[V] | str:
    """Return the arguments by parameter, or in a few words why they do not fit."""
    rest, named = list(positional), dict(keywords)
    given: dict[str, V] = {}
    left_out: dict[str, object] = {}
    stars: dict[str, Star[V]] = {}
    for parameter in signature.parameters:
        if parameter.kind == "star":
            stars[parameter.name] = Star(rest, spread, by_keyword=False)
            rest, spread = [], ()
        elif parameter.kind == "stars":
            stars[parameter.name] = Star(
                list(named.values()), spread_keywords, by_keyword=True, names=tuple(named)
            )
            named, spread_keywords = {}, ()
        elif parameter.kind == "positional" and rest:
            given[parameter.name] = rest.pop(0)
        elif parameter.name in named:
            given[parameter.name] = named.pop(parameter.name)
        elif parameter.required:
            return f"{parameter.name!r} is missing"
        else:
            left_out[parameter.name] = parameter.default
    return _left_over(rest, named, spread, spread_keywords) or Bound(given, left_out, stars)


def _left_over(
    rest: Sequence[V], named: Mapping[str, V], spread: Sequence[V], spread_keywords: Sequence[V]
) -> str | None:
    if rest:
        return f"{len(rest)} arguments too many"
    if named:
        return f"no parameter {next(iter(named))!r}"
    if spread or spread_keywords:
        return "arguments are spread with * or **"
    return None
