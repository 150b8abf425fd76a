"""What built-ins and the standard library allocate: declarations in TOML, read and checked here.

Owns the reading and the lookup; `language` owns what may stand in the expressions, `evaluating` what they
mean. A model is one table, named as mypy names what it describes:

    ["builtins.str.partition"]
    signature = "self, sep"
    result = "fresh(tuple, items=(fresh(str, length=len(self), width=width(self)), sep, ...))"
    source = "Objects/stringlib/partition.h, 3.11"

| key | meaning |
|---|---|
| signature | the parameters, as in a `def`; a default is what is taken when the argument is left out |
| result | the value that comes back |
| scratch | bytes that are alive only during the call, besides the result |
| effects | what is done to the arguments, in order, before the result is made |
| then | what is done when the result is there: the code of others that runs beside it |
| refuse | instead of a result: why there is no bound, and what would settle it (`remedy`) |
| assume | what is taken for granted, shown beside every bound that rests on it |
| packs | true: CPython packs the arguments, `self` and `cls` aside, into a tuple and a dict for the call |
| raises | the exceptions that it may raise by itself, its arguments being of their types: "KeyError",
"ValueError: its longest message", "ValueError(characters of that)"; left out, any may be |
| also | more names with the same model: "upper" for another method of the class, or full names |
| source | where it can be checked: a file of CPython's and its version, or the test that measures it |
| py311, py312, py313 | keys that differ on that version |

Invariant: every model that was read can be evaluated; what is wrong in one is a ModelError that names the
file and the entry.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hardtack.analysis.models.evaluating import run
from hardtack.analysis.models.language import Expression, parse
from hardtack.analysis.models.signatures import Signature, bind, parse_signature
from hardtack.errors import HardtackError
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hardtack.analysis.machine import Machine, V

_KEYS = {
    "signature",
    "result",
    "scratch",
    "effects",
    "then",
    "refuse",
    "remedy",
    "assume",
    "packs",
    "also",
    "raises",
    "source",
}
_ITERATING = frozenset({"element", "drained", "item", "mapped", "len", "total"})
_NONE: MappingProxyType[str, Any] = MappingProxyType({})
_VERSIONS = ("py311", "py312", "py313")


class ModelError(HardtackError, ValueError):
    """A model that makes no sense; the message names file, entry and fault."""


@dataclass(frozen=True, slots=True)
class Model:
    """What one function or class of the outside allocates, holds and gives back.

    Attributes:
        name: fully qualified, as mypy names it.
        signature: its parameters.
        result: the value that comes back; None where `refuse` says why there is no bound.
        scratch: bytes that are alive only during the call.
        effects: what is done to the arguments.
        then: what is done when the result is there.
        refuse: why there is no bound; empty if there is one.
        remedy: what would settle it.
        assume: what is taken for granted, or empty.
        raises: names of the exceptions that it may raise by itself; None for any.
        packs: whether the arguments, `self` and `cls` aside, are packed into a tuple and a dict for the call.
        source: where this can be checked.
    """

    name: str
    signature: Signature
    result: Expression | None
    scratch: Expression | None
    effects: tuple[Expression, ...]
    then: tuple[Expression, ...]
    refuse: str
    remedy: str
    assume: str
    raises: tuple[str, ...] | None
    packs: bool
    source: str

    def iterates(self, argument: int | str) -> bool:
        """Return whether an argument, by its position or name, is gone through, or only kept or looked at."""
        name = argument if isinstance(argument, str) else self._name_at(argument)
        every = (self.result, self.scratch, *self.effects, *self.then)
        return any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _ITERATING
            and any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
            for expression in every
            if expression is not None
            for node in ast.walk(expression.node)
        )

    def _name_at(self, position: int) -> str:
        parameters = self.signature.parameters
        at = min(position, len(parameters) - 1)
        star = next((i for i, one in enumerate(parameters) if one.kind == "star"), at)
        return parameters[min(at, star)].name if parameters else ""


class Models:
    """All models of one CPython version, by name.

    Args:
        models: those that are read.
        unread: gives what reads each other one, which is done when it is first asked for.
    """

    def __init__(
        self,
        models: Iterable[Model],
        unread: Callable[[], Mapping[str, Callable[[], Iterable[Model]]]] = lambda: _NONE,
    ) -> None:
        self._models = {model.name: model for model in models}
        self._find_unread = unread

    @cached_property
    def _unread(self) -> dict[str, Callable[[], Iterable[Model]]]:
        return {name: read for name, read in self._find_unread().items() if name not in self._models}

    def find(self, name: str) -> Model | None:
        """Return the model of a function, method or class, or None."""
        if name in self._unread:
            for model in self._unread[name]():
                if self._unread.pop(model.name, None):  # else it is replaced by one of the user's
                    self._models[model.name] = model
        return self._models.get(name)

    def names(self) -> list[str]:
        """Return the names of all, sorted."""
        return sorted((*self._models, *self._unread))

    def apply(
        self,
        model: Model,
        machine: Machine[V],
        positional: Sequence[V],
        keywords: Mapping[str, V],
        spread: Sequence[V] = (),
        spread_keywords: Sequence[V] = (),
    ) -> V:
        """Do on the machine what the model says, and return the result.

        Arguments that do not fit the signature are a finding, as is a model that refuses.

        Args:
            model: which.
            machine: on which.
            positional: the arguments by position, the receiver first.
            keywords: the arguments by keyword.
            spread: iterables that are spread over the positions after those (`*xs`).
            spread_keywords: mappings that are spread over more keywords (`**mapping`).
        """
        if model.assume:
            machine.assume(f"{model.name}: {model.assume}")
        if model.result is None:
            machine.finding("no-model", f"{model.name}: {model.refuse}", model.remedy)
            return machine.none()
        bound = bind(model.signature, positional, keywords, spread, spread_keywords)
        if isinstance(bound, str):
            machine.finding("no-model", f"{model.name}: {bound}", "call it as its model's signature says")
            return machine.none()
        if model.packs:
            held = _packed(machine, model.signature, positional, keywords)  # noqa: F841 - it lives during the call
        return run(machine, bound, model)


def _packed(
    machine: Machine[V], signature: Signature, positional: Sequence[V], keywords: Mapping[str, V]
) -> list[V]:
    """Make the tuple and the dict that a function of METH_VARARGS, or tp_new, gets its arguments in."""
    parameters = signature.parameters
    rest = positional[1:] if parameters and parameters[0].name in {"self", "cls"} else positional
    made = []
    if rest:
        one = Size.const(1)
        made.append(machine.fresh("tuple", length=Size.const(len(rest)), times=one, items=rest))
    if keywords:
        length = Size.const(len(keywords))
        given = machine.join(list(keywords.values()))
        made.append(machine.fresh("dict", length=length, times=Size.const(1), mapped=given))
    return made


def load_models(extra: Sequence[Path] = (), version: tuple[int, int] | None = None) -> Models:
    """Return our models and the user's, which replace ours of the same name.

    The user's are read at once, ours when the first is asked for: where nothing changed, none is.

    Args:
        extra: the user's files.
        version: of CPython; by default the one that runs.

    Raises:
        ModelError: if a model makes no sense.
        OSError: if a file cannot be read.
    """
    major, minor = version or sys.version_info[:2]
    chosen = f"py{major}{minor}"
    found: dict[str, Model] = {}
    for path in extra:
        found |= {model.name: model for model in read_models(path.read_text("utf-8"), str(path), chosen)}
    return Models(found.values(), partial(_ours, chosen))


def _ours(chosen: str) -> dict[str, Callable[[], Iterable[Model]]]:
    """Return what reads each of our models, by name."""
    unread: dict[str, Callable[[], Iterable[Model]]] = {}
    ours = sorted(
        (entry for entry in resources.files("hardtack.analysis.models").iterdir()),
        key=lambda entry: entry.name,
    )
    for entry in ours:
        if entry.name.endswith(".toml"):
            for name, table in _tables(entry.read_text("utf-8"), entry.name):
                read = partial(_read_one, name, table, entry.name, chosen)
                for one in _names(name, table, entry.name, chosen):
                    if one in unread:
                        raise ModelError(f"{entry.name}: {one!r} is described twice")
                    unread[one] = read
    return unread


def read_models(text: str, file: str, version: str) -> list[Model]:
    """Return the models of one file's text for a version such as "py311".

    Raises:
        ModelError: if a model makes no sense.
    """
    return [model for name, table in _tables(text, file) for model in _read_one(name, table, file, version)]


def _tables(text: str, file: str) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{file}: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ModelError(f"{file}: {name!r} is no table")
        yield name, table


def _merged(name: str, table: dict[str, object], file: str, version: str) -> dict[str, object]:
    """Return a table with what differs on one version."""
    overrides = table.get(version, {})
    if not isinstance(overrides, dict):
        raise ModelError(f"{file}: {name!r}: {version} is no table")
    return {key: value for key, value in table.items() if key not in _VERSIONS} | overrides


def _names(name: str, table: dict[str, object], file: str, version: str) -> list[str]:
    """Return the names of what one table describes."""
    prefix = name.rpartition(".")[0]
    also = _texts(_merged(name, table, file, version), "also", file, name)
    return [name, *(other if "." in other else f"{prefix}.{other}" for other in also)]


def _read_one(name: str, table: dict[str, object], file: str, version: str) -> list[Model]:
    merged = _merged(name, table, file, version)
    if not isinstance(merged.get("packs", False), bool):
        raise ModelError(f"{file}: {name!r}: packs is true or false")
    unknown = sorted(merged.keys() - _KEYS)
    if unknown:
        raise ModelError(
            f"{file}: {name!r}: unknown key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}"
        )
    try:
        model = _compile(name, merged, file)
    except ValueError as error:
        raise ModelError(f"{file}: {name!r}: {error}") from error
    _, *names = _names(name, table, file, version)
    return [model, *(replace(model, name=other) for other in names)]


def _compile(name: str, table: dict[str, object], file: str) -> Model:
    signature = parse_signature(_text(table, "signature", file, name))
    refuse, remedy = _text(table, "refuse", file, name), _text(table, "remedy", file, name)
    result, scratch = _text(table, "result", file, name), _text(table, "scratch", file, name)
    source = _text(table, "source", file, name)
    if bool(result) == bool(refuse):
        raise ValueError("needs either a result or the reason why it is refused")
    if refuse and not remedy:
        raise ValueError("refuses without a remedy")
    if not source and not refuse:
        raise ValueError("names no source")
    return Model(
        name=name,
        signature=signature,
        result=parse(result, signature, "value") if result else None,
        scratch=parse(scratch, signature, "size") if scratch else None,
        effects=tuple(parse(text, signature, "effect") for text in _texts(table, "effects", file, name)),
        then=tuple(parse(text, signature, "effect") for text in _texts(table, "then", file, name)),
        refuse=refuse,
        remedy=remedy,
        assume=_text(table, "assume", file, name),
        packs=table.get("packs", False) is True,
        raises=tuple(_texts(table, "raises", file, name)) if "raises" in table else None,
        source=source,
    )


def _text(table: dict[str, object], key: str, file: str, name: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise ModelError(f"{file}: {name!r}: {key} is no text")
    return value


def _texts(table: dict[str, object], key: str, file: str, name: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ModelError(f"{file}: {name!r}: {key} is no list of texts")
    return value
