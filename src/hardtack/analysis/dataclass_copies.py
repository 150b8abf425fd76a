"""dataclasses.replace, asdict, astuple and fields, and what named tuples have of the kind.

What they copy follows from the fields' values. A copy of what is plain is the thing itself; lists, tuples and
dicts are made anew, with copies of what is in them; the rest goes through copy.deepcopy and is refused.
Source: Lib/dataclasses.py, Lib/collections/__init__.py namedtuple, CPython 3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardtack.analysis import access, constructing, footprints, ir, parameters
from hardtack.analysis.acting import ModelMachine
from hardtack.analysis.branches import branch
from hardtack.analysis.domain import NOTHING, Value, join_all
from hardtack.analysis.instances import classes_of
from hardtack.analysis.records import replace
from hardtack.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.analysis.calls import Given
    from hardtack.analysis.domain import Cell
    from hardtack.analysis.interpreting import Interpreter

_ONE = Size.const(1)
_PLAIN = frozenset({"str", "bytes", "range", "class", "function"})
_DEEPEST = 6  # instances in instances
# What a call holds for a moment: a tuple of fields, deepcopy's memo and an id, a generator, a list that is
# made and copied again.
_MOMENT = Size.const(1536)


def replaced(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make an instance from another one's attributes, but for some that are given."""
    first, *rest = arguments.positional
    if rest or arguments.spread_keywords:
        return None
    found = dataclasses_of(interp, interp.read(first))
    if not found:
        return None
    into = interp.scratch_register("replaced")

    def way(known: ir.Class) -> Callable[[], None]:
        def run() -> None:
            value = _replaced(interp, known, first, arguments)
            if not interp.state.dead:
                interp.write(into, value)

        return run

    branch(interp, ("replace", interp.at), [way(known) for known in found])
    if interp.state.dead:
        return NOTHING
    value = interp.read(into)
    interp.unbind(into)
    return value


def _replaced(interp: Interpreter, known: ir.Class, first: str, arguments: Given) -> Value:
    types = dict(known.fields)
    given = dict(arguments.keywords)
    registers: dict[str, str] = {}
    for parameter in known.init or ():
        if parameter.name not in types:
            interp.finding(
                "unsupported", f"{known.name}.{parameter.name} is no field", "call the class itself"
            )
            continue
        if parameter.name in given:
            registers[parameter.name] = given[parameter.name]
            continue
        registers[parameter.name] = interp.scratch_register("field")
        value = access.attribute(interp, interp.read(first), parameter.name, types[parameter.name])
        interp.write(registers[parameter.name], NOTHING if value is None else value)
    count = Size.const(len(registers))
    # A named tuple's `_make` is given a tuple that is cut; a dataclass is called with a copy of a dict.
    copied = "resized tuple" if known.is_named_tuple else "copied dict"
    interp.state.keep(footprints.KEPT[copied], _ONE)
    interp.note(footprints.structure("dict", count) * 3 + _MOMENT)
    value = constructing.construct(
        interp, known, replace(arguments, positional=(), keywords=tuple(registers.items()))
    )
    for name, register in registers.items():
        if name not in given and not interp.state.dead:
            interp.unbind(register)
    return value


def dataclasses_of(interp: Interpreter, value: Value) -> list[ir.Class]:
    """Return the dataclasses and named tuples that a value may be of; none if it may be anything else."""
    found: dict[str, ir.Class] = {}
    for _, cell in access.cells(interp, value):
        known = interp.program.classes.get(cell.name)
        if known is None or cell.kind not in {"instance", "tuple"}:
            return []
        for one in classes_of(interp.program, cell, known):
            if not (one.is_dataclass or one.is_named_tuple) or one.init is None:
                return []
            found[one.name] = one
    return [] if value.plain or value.number is not None else list(found.values())


def items_by_name(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make the dict of a named tuple's items: they are not copied."""
    found = dataclasses_of(interp, interp.read(arguments.positional[0]))
    if not found or len(arguments.positional) != 1:
        return None
    machine = ModelMachine(interp, name)
    interp.note(_MOMENT)
    made = []
    for known in found:
        names = machine.join(
            [machine.hold_value(parameters.constant_value(interp, one)) for one, _ in known.fields]
        )
        parts = []
        for one, type_ in known.fields:
            part = access.attribute(interp, interp.read(arguments.positional[0]), one, type_)
            parts.append(machine.hold_value(NOTHING if part is None else part))
        length = Size.const(len(parts))
        made.append(
            machine.fresh("dict", length=length, times=_ONE, element=names, mapped=machine.join(parts))
        )
    value = join_all(interp.read(one) for one in made)
    machine.release()
    return value


# -- asdict and astuple
def copied(interp: Interpreter, name: str, arguments: Given) -> Value | None:
    """Make a dict or a tuple of an instance's fields, with copies of what is in them."""
    if len(arguments.positional) != 1 or arguments.keywords:
        return None
    machine = ModelMachine(interp, name)
    interp.note(_MOMENT)
    made = _Copying(interp, machine, name.rpartition(".")[2]).copy(
        interp.read(arguments.positional[0]), _ONE, 0
    )
    interp.note(_MOMENT)
    value = interp.read(made)
    machine.release()
    return value


class _Copying:
    """Copies values as asdict and astuple do."""

    def __init__(self, interp: Interpreter, machine: ModelMachine, how: str) -> None:
        self._interp, self._machine, self._how = interp, machine, how

    def copy(self, value: Value, times: Size, depth: int) -> str:
        """Return a register of copies of what a value may be, as many of each."""
        held = self._machine.hold_value(value)
        made = [self._machine.hold_value(replace(value, objects=frozenset()))]
        for obj, cell in list(access.cells(self._interp, value)):
            one = self._machine.hold_value(Value(frozenset((obj,))))
            made.append(self._copy_of(one, cell, times, depth))
        del held
        return self._machine.join(
            [one for one in made if not self._is_nothing(one)] or [self._machine.none()]
        )

    def _is_nothing(self, register: str) -> bool:
        return self._interp.state.frame[register].is_nothing

    def _copy_of(self, one: str, cell: Cell, times: Size, depth: int) -> str:
        machine, interp = self._machine, self._interp
        if cell.kind in _PLAIN:
            return one
        found = dataclasses_of(interp, interp.read(one))
        if found and depth < _DEEPEST:
            return machine.join([self._fields(one, known, times, depth) for known in found])
        length = machine.length(one) if cell.kind in {"list", "tuple", "dict"} else None
        if length is None or depth >= _DEEPEST or cell.name not in {"", f"builtins.{cell.kind}"}:
            interp.finding(
                "no-model",
                f"{self._how}() of {cell.name or 'what is not known'}: it is copied by copy.deepcopy",
                "make the dict by hand",
            )
            return one
        many = times * length
        element = self.copy(interp.read(machine.element(one)), many, depth + 1)
        if cell.kind == "dict":
            mapped = self.copy(interp.read(machine.mapped(one)), many, depth + 1)
            return machine.fresh("dict", length=length, times=times, element=element, mapped=mapped)
        made = machine.fresh(cell.kind, length=length, times=times, element=element)
        machine.scratch(footprints.structure("list", length))  # of which it is made
        return made

    def _fields(self, one: str, known: ir.Class, times: Size, depth: int) -> str:
        machine, interp = self._machine, self._interp
        parts = []
        for parameter in known.fields:
            name, type_ = parameter
            value = access.attribute(interp, interp.read(one), name, type_)
            parts.append(self.copy(NOTHING if value is None else value, times, depth + 1))
        length = Size.const(len(parts))
        interp.note(footprints.structure("list", length) * 2 + footprints.tuple_of(2) * length)
        if self._how == "astuple":
            return machine.fresh("tuple", length=length, times=times, items=parts)
        keys = machine.join(
            [machine.hold_value(parameters.constant_value(interp, name)) for name, _ in known.fields]
        )
        mapped = machine.join(parts) if parts else machine.none()
        return machine.fresh("dict", length=length, times=times, element=keys, mapped=mapped)


def fields(interp: Interpreter, _name: str, arguments: Given) -> Value | None:
    """Make the tuple of a dataclass's fields, which were there before."""
    if len(arguments.positional) != 1 or arguments.keywords:
        return None
    value = interp.read(arguments.positional[0])
    classes = [
        interp.program.classes.get(cell.name)
        for _, cell in access.cells(interp, value)
        if cell.kind == "class"
    ]
    found = [one for one in classes if one is not None and one.is_dataclass] or dataclasses_of(interp, value)
    if not found:
        return None
    machine = ModelMachine(interp, "dataclasses.fields")
    interp.note(_MOMENT)
    made = []
    for known in found:
        module, _, last = known.name.rpartition(".")
        path = f"{module}::{last}.__dataclass_fields__[]"
        field = parameters.symbolic(interp, ir.Instance("dataclasses.Field"), path, single=False)
        length = Size.const(len(known.fields))
        made.append(machine.fresh("tuple", length=length, times=_ONE, element=machine.hold_value(field)))
    value = join_all(interp.read(one) for one in made)
    machine.release()
    return value
