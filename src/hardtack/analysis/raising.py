"""What a call of a model may raise: less than the model says, where the arguments rule some of it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, instances, ir, parameters
from hardtack.analysis.domain import NO, Value
from hardtack.analysis.kinds import kinds_of, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.analysis.calls import Given
    from hardtack.analysis.interpreting import Interpreter
    from hardtack.analysis.models import Model

_HASHABLE = frozenset(
    {"none", "bool", "int", "float", "complex", "str", "bytes", "range", "function", "frozenset"}
)
_KINDS_SPELLED = ("object", "bool", "int", "float", "complex", "str", "bytes")
# What has a text in any case; integers have one up to 4,300 decimal digits. Source: Objects/longobject.c.
_SPELLING = frozenset(
    {"builtins.str", "builtins.repr", "builtins.ascii", "builtins.format"}
    | {
        f"builtins.{kind}.{method}"
        for kind in _KINDS_SPELLED
        for method in ("__str__", "__repr__", "__format__")
    }
)
_SPELLED_ALWAYS = frozenset({"none", "bool", "float", "complex", "str", "bytes"})
_SPELLED_DIGITS = 476
_TOO_LONG = (
    "ValueError: Exceeds the limit (4300 digits) for integer string conversion; "
    "use sys.set_int_max_str_digits() to increase the limit",
)
# what splits a text, at what is not empty
_SEPARATING = frozenset(
    f"builtins.{kind}.{method}"
    for kind in ("str", "bytes", "bytearray")
    for method in ("split", "rsplit", "partition", "rpartition")
)
_SLICED = frozenset(f"builtins.{kind}.__getitem__" for kind in ("str", "bytes", "bytearray", "list", "tuple"))
_REPEATING = frozenset(
    f"builtins.{kind}.{method}"
    for kind in ("str", "bytes", "list", "tuple")
    for method in ("__mul__", "__rmul__")
)
_SMALL = 1 << 28  # items: so many fit into any memory's addresses
_INDEXED = frozenset(f"builtins.list.{method}" for method in ("__getitem__", "__setitem__"))
_SHRINKING = frozenset(
    f"builtins.list.{method}"
    for method in ("pop", "clear", "remove", "sort", "__delitem__", "__setitem__", "__imul__", "__init__")
)
_CHANGED = "RuntimeError: dictionary changed size during iteration"
_STEADY = frozenset(
    {"list", "tuple", "str", "bytes", "bytearray", "memoryview", "range", "none", "bool", "int"}
)
# methods for which an integer is too great only if it is no machine word
_COUNTING = frozenset(
    {"center", "count", "find", "index", "insert", "ljust", "replace", "rfind", "rjust"}
    | {"rsplit", "split", "zfill"}
)
_WORD_DIGITS = 2
_ASKING_TRUTH = frozenset({"builtins.bool", "builtins.any", "builtins.all"})
_WITH_ITEMS = frozenset({"list", "tuple", "set", "frozenset", "deque", "dict", "sequence"})
# of a __len__ that gives what no length can be. Source: Objects/typeobject.c slot_sq_length.
NO_LENGTH = ("ValueError: __len__() should return >= 0", "OverflowError")
_BYTES = frozenset({"builtins.bytes", "builtins.bytearray"})
_OF_BYTES = ("ValueError: byte must be in range(0, 256)", "OverflowError", "ValueError(53)")


def raised_by(interp: Interpreter, model: Model, arguments: Given) -> Sequence[str] | None:
    """Return what a model may raise for these arguments."""
    _check_length(interp, model, arguments.positional)
    raises = _by_kind(interp, model, arguments)
    if model.name in _ASKING_TRUTH and raises is not None and _ask_length(interp, arguments.positional):
        return (*raises, *NO_LENGTH)
    if raises and "OverflowError" in raises and model.name.rpartition(".")[2] in _COUNTING:
        counts = [*arguments.positional[1:], *(register for _, register in arguments.keywords)]
        if all(_fits_a_word(interp, register) for register in counts):
            return tuple(one for one in raises if one != "OverflowError")
    return raises


def _ask_length(interp: Interpreter, given: Sequence[str]) -> bool:
    """Tell whether the truth of what is given, or of its items, may be asked of a __len__ of the sources."""
    asked = [cell for register in given for _, cell in access.cells(interp, interp.read(register))]
    items = [Value(interp.read(register).objects) for register in given]
    asked += [
        cell
        for value in items
        if kinds_of(interp, value) <= _WITH_ITEMS
        for _, cell in access.cells(interp, access.element(interp, value))
    ]
    return any(instances.special_methods(interp, cell, "__len__") for cell in asked)


def _fits_a_word(interp: Interpreter, register: str) -> bool:
    """Tell whether what is given is no integer that C code could not take."""
    value = interp.read(register)
    if kinds_of(interp, value) & {"instance", "other"}:
        return False
    known = 0 if value.number is None else value.number.wide().as_const()
    return known is not None and known <= _WORD_DIGITS


def _by_kind(interp: Interpreter, model: Model, arguments: Given) -> Sequence[str] | None:
    """Return what a model may raise for arguments of these kinds: as texts, or as what is gone through."""
    given = arguments.positional
    if model.name in _SEPARATING and len(given) <= 2 and not arguments.keywords:
        return model.raises if len(given) == 2 and not _known_text(interp, given[1]) else ()
    if model.name in _SLICED and _is_slice_without_step(interp, given[1]):
        return ()
    if model.name in _REPEATING and _is_small(interp, given):
        return ()
    if model.name in _INDEXED and _is_within(interp, given):
        return ()
    raises = model.raises or ()
    if _CHANGED in raises and not (given and _may_change(interp, _walked(model, given))):
        return tuple(one for one in raises if one != _CHANGED)
    if model.name in _BYTES and len(given) == 1 and not arguments.keywords:
        return _OF_BYTES
    if model.name not in _SPELLING or arguments.keywords or not _without_specification(interp, model, given):
        return model.raises
    value = interp.read(given[0])
    kinds = kinds_of(interp, value)
    if kinds <= _SPELLED_ALWAYS:
        return ()
    if kinds <= {*_SPELLED_ALWAYS, "int"}:
        digits = number_of(interp, value)
        known = None if digits is None else digits.wide().as_const()
        return () if known is not None and known < _SPELLED_DIGITS else _TOO_LONG
    return model.raises


def _without_specification(interp: Interpreter, model: Model, given: Sequence[str]) -> bool:
    if len(given) == 1:
        return True
    formats = model.name.endswith((".format", ".__format__")) and len(given) == 2
    return formats and parameters.known_constant(interp, interp.read(given[1])) == ""


def _walked(model: Model, given: Sequence[str]) -> str:
    """Return the argument that a built-in goes through: a method's own object has another for it, or none."""
    return given[min(1, len(given) - 1)] if model.name.count(".") > 1 else given[0]


def _may_change(interp: Interpreter, register: str) -> bool:
    """Tell whether going through a container may fail for its having changed: lists and texts take it."""
    value = interp.read(register)
    return not kinds_of(interp, value) <= _STEADY


def _known_text(interp: Interpreter, register: str) -> bool:
    """Tell whether what is given is a text that is known, and not empty."""
    known = parameters.known_constant(interp, interp.read(register))
    return isinstance(known, str | bytes) and bool(known)


def _is_slice_without_step(interp: Interpreter, register: str) -> bool:
    value = interp.read(register)
    cells = [cell for _, cell in access.cells(interp, value)]
    return kinds_of(interp, value) == {"slice"} and all(
        cell.owned and cell.fields.get("2", NO) == NO for cell in cells
    )


def _is_small(interp: Interpreter, given: Sequence[str]) -> bool:
    """Tell whether what is repeated comes to so few items that it is not refused for that."""
    value, times = interp.read(given[0]), interp.read(given[1])
    if kinds_of(interp, times) != {"int"} or times.number is None:
        return False
    items = (access.length(interp, value) * times.number.high).as_const()
    return items is not None and items < _SMALL


def _is_within(interp: Interpreter, given: Sequence[str]) -> bool:
    """Tell whether an index is below the length that is stated of the attribute that has the list."""
    length = interp.fixed.get((interp.activation.function.name, given[0]))
    at = interp.read(given[1])
    if length is None or kinds_of(interp, at) != {"int"} or at.number is None:
        return False
    if kinds_of(interp, interp.read(given[0])) != {"list"}:
        return False
    high, low = at.number.high.as_const(), at.number.low.as_const()
    return high is not None and low is not None and high < length and low <= length


def _check_length(interp: Interpreter, model: Model, given: Sequence[str]) -> None:
    """Refuse what makes a list shorter, or may, of which it is stated that it never is."""
    if model.name not in _SHRINKING or not given:
        return
    if model.name.endswith("__setitem__") and "slice" not in kinds_of(interp, interp.read(given[1])):
        return
    stated = (interp.activation.function.name, given[0]) in interp.fixed or any(
        not cell.owned and ir.fixed_length(cell.type) is not None
        for _, cell in access.cells(interp, interp.read(given[0]))
    )
    if stated:
        interp.finding(
            "annotation",
            "the length of this list is stated never to change",
            "state MaxLen alone, or leave it as long as it is",
        )


def hashable(interp: Interpreter, value: Value) -> bool:
    """Tell whether a value can be hashed for certain; of an instance its own class may say that it cannot."""
    kinds = kinds_of(interp, value)
    if "tuple" not in kinds:
        return kinds <= _HASHABLE
    tuples = frozenset(obj for obj, cell in access.cells(interp, value) if cell.kind == "tuple")
    items = access.element(interp, Value(tuples))
    return kinds <= {*_HASHABLE, "tuple"} and kinds_of(interp, items) <= _HASHABLE
